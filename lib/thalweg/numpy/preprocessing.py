"""Preprocessing: what is done to the inputs before the first step. It is fitted on the training set, and then the same for all that comes."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ._hyperparameters import require, require_choice, require_count, require_rate

__all__ = ["Standardize", "Whiten"]

PER = ("feature", "channel", "all")
KINDS = ("decorrelate", "PCA", "ZCA")


def _typed(values, like):
    """``values`` in the type of ``like``; where that has whole numbers, as photographs do, in double precision."""
    return values.astype(like.dtype if np.issubdtype(like.dtype, np.floating) else float, copy=False)


def require_alike(shape, mean, per="feature"):
    """Data of this shape have statistics of the shape of ``mean``, the fitted one: nothing is stretched until it fits."""
    rest = [1] * len(shape[1:])
    own = {"feature": shape[1:], "channel": (*shape[1:2], *rest[1:]), "all": rest}[per]
    wanted = f"as it was fitted, with a mean of the shape {tuple(mean)}"
    require(tuple(own) == tuple(mean), "the shape of x", tuple(shape), wanted)


@dataclass(frozen=True, eq=False)
class Standardize:
    r"""Give the inputs the mean 0 and the standard deviation 1.

    .. math:: \hat x = \frac{x - \mu}{\sigma}

    ``x`` has the shape (n, features) or (n, channels, ...). ``per`` says what shares one :math:`\mu` and one :math:`\sigma`: a "feature" (every pixel has its own),
    a "channel" (axis 1), or "all" numbers. ``centre`` and ``scale`` say which of the two things is done. The variance is divided by the number of values.
    What is constant has no deviation, and is divided by 1.

    ``fit`` returns the transformation for a training set, ``updated`` the one that has seen one batch more: number of values, ``mean`` and sum of
    squared deviations (``squares``) of both are merged as {cite}`chan1983` do, which for a single value is Welford's rule {cite}`welford1962`. It stays exact when
    the mean is far from 0. Both are kept in double precision; results have the type of ``x``. Raises ValueError for a bad argument, and for data where nothing was fitted.
    Source: lecture UvA, "normalization".
    """

    per: str = "feature"
    centre: bool = True
    scale: bool = True
    n: int = 0
    mean: Any = 0.0
    squares: Any = 0.0

    def __post_init__(self) -> None:
        require_choice("per", self.per, PER)

    def fit(self, x):
        """Return the transformation for the training set ``x`` alone, whatever was seen before."""
        return replace(self, n=0, mean=0.0, squares=0.0).updated(x)

    def updated(self, x):
        """Return the transformation that has seen the batch ``x``, too. Changes nothing."""
        require(np.ndim(x) >= 2 and np.size(x) > 0, "the shape of x", np.shape(x), "(n, features, ...), none of them 0")
        if self.n:
            require_alike(x.shape, self.mean.shape, self.per)
        axes = {"feature": 0, "channel": (0, *range(2, x.ndim)), "all": None}[self.per]
        mean = x.mean(axis=axes, keepdims=True, dtype=float)
        squares = ((x - mean) ** 2).sum(axis=axes, keepdims=True)
        fresh = x.size // mean.size
        n, gap = self.n + fresh, mean[0] - self.mean
        return replace(
            self,
            n=n,
            mean=self.mean + gap * (fresh / n),
            squares=self.squares + squares[0] + gap**2 * (self.n * fresh / n),
        )

    @property
    def std(self):
        """The standard deviations; 1 where all values were equal, but for rounding."""
        require(self.n > 0, "n", self.n, "above 0: fit it first")
        std = np.sqrt(self.squares / self.n)
        return np.where(std > self.n * np.finfo(float).eps * abs(self.mean), std, 1.0)

    def transform(self, x):
        """Return :math:`(x - \\mu)/\\sigma`, of the shape of ``x``."""
        std = self.std
        require_alike(np.shape(x), self.mean.shape, self.per)
        return _typed((x - self.mean * self.centre) / (std if self.scale else 1.0), x)

    def inverse(self, y):
        """Return the inputs that :meth:`transform` makes ``y`` of."""
        std = self.std
        require_alike(np.shape(y), self.mean.shape, self.per)
        return _typed(y * (std if self.scale else 1.0) + self.mean * self.centre, y)


@dataclass(frozen=True, eq=False)
class Whiten:
    r"""Centre the inputs, turn them into their principal directions, and give each direction the variance 1.

    .. math::

        \Sigma &= Q\,\mathrm{diag}(h)\,Q^\top, \qquad h_1 \ge h_2 \ge \dots \\
        y &= U(x - \mu), \qquad U = \mathrm{diag}(h + \epsilon)^{-1/2}\, Q^\top

    ``x`` has the shape (n, d), ``y`` (n, ``directions``): that many are kept, those of the largest variances, and all of them where it is None. That is the ``kind`` "PCA"; "decorrelate"
    turns without scaling, :math:`U = Q^\top`, and "ZCA" turns back afterwards, :math:`U = Q\,\mathrm{diag}(h + \epsilon)^{-1/2}\, Q^\top`, so that ``y`` has d entries and
    looks like ``x``. ``eps``, :math:`\epsilon`, is added to the variances. :math:`\Sigma` is the covariance, divided by n; a direction's sign is such that the first
    of its large entries is positive.

    ``fit``, ``updated``, ``transform``, ``inverse``, precision and types as in :class:`Standardize`; ``scatter`` is the sum of the products of deviations. Raises ValueError for
    a bad argument, and where ``eps`` is 0 and a direction that is kept has no variance, as with inputs that depend on each other.
    Sources: {cite}`kessy2018`; lecture UvA, "pca whitening".
    """

    kind: str = "PCA"
    eps: float = 0.0
    directions: int | None = None
    n: int = 0
    mean: Any = 0.0
    scatter: Any = 0.0

    def __post_init__(self) -> None:
        require_choice("kind", self.kind, KINDS)
        require_rate("eps", self.eps)
        if self.directions is not None:
            require_count("directions", self.directions)

    def fit(self, x):
        """Return the transformation for the training set ``x`` alone, whatever was seen before."""
        return replace(self, n=0, mean=0.0, scatter=0.0).updated(x)

    def updated(self, x):
        """Return the transformation that has seen the batch ``x``, too. Changes nothing."""
        require(np.ndim(x) == 2 and np.size(x) > 0, "the shape of x", np.shape(x), "(n, d), none of them 0")
        require((self.directions or 1) <= x.shape[1], "directions", self.directions, f"at most {x.shape[1]}")
        if self.n:
            require_alike(x.shape, self.mean.shape)
        mean = x.mean(axis=0, dtype=float)
        off = x - mean
        n, gap = self.n + len(x), mean - self.mean
        return replace(
            self,
            n=n,
            mean=self.mean + gap * (len(x) / n),
            scatter=self.scatter + off.T @ off + np.outer(gap, gap) * (self.n * len(x) / n),
        )

    @cached_property
    def principal(self):
        """``h`` and ``Q``: the variances of the directions, largest first, and the directions in columns. Rounding leaves none below 0."""
        require(self.n > 0, "n", self.n, "above 0: fit it first")
        h, q = np.linalg.eigh(self.scatter / self.n)
        h, q = h[::-1].clip(0), q[:, ::-1]
        large = abs(q) >= abs(q).max(axis=0) / 2
        return h, q * np.sign(q[large.argmax(axis=0), range(len(q))])

    @cached_property
    def matrices(self):
        """``U`` and the matrix of the way back, shapes (outputs, d) and (d, outputs)."""
        h, q = self.principal
        kept = self.directions or len(h)
        with_variance = int((h > len(h) * np.finfo(float).eps * h[0]).sum())
        wanted = f"above 0, or directions at most {with_variance}, as the inputs vary in no more"
        require(self.kind == "decorrelate" or self.eps > 0 or kept <= with_variance, "eps", self.eps, wanted)
        h, q = h[:kept] + self.eps, q[:, :kept]
        root = np.ones(kept) if self.kind == "decorrelate" else np.sqrt(h)
        U, back = (q / root).T, q * root
        return (q @ U, back @ q.T) if self.kind == "ZCA" else (U, back)

    def transform(self, x):
        """Return ``y``: :math:`U(x - \\mu)` for each row of ``x``."""
        U, _ = self.matrices
        require_alike(np.shape(x), self.mean.shape)
        return _typed((x - self.mean) @ U.T, x)

    def inverse(self, y):
        """Return the inputs that :meth:`transform` makes ``y`` of; with fewer directions than inputs, those of the mean in the others."""
        _, back = self.matrices
        return _typed(y @ back.T + self.mean, y)
