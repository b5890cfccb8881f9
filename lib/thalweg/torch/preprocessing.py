"""Preprocessing on PyTorch tensors: the transformations of :mod:`thalweg.numpy.preprocessing` as modules, on any device."""

import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require
from thalweg.numpy.preprocessing import require_alike

__all__ = ["Standardize", "Whiten"]


def _typed(values: Tensor, like: Tensor) -> Tensor:
    """In the type of ``like``; where that has whole numbers, as photographs do, in PyTorch's default type."""
    return values.to(like.dtype if like.is_floating_point() else torch.get_default_dtype())


class _Fitted(nn.Module):
    """What both share: statistics in buffers, which have their shapes from what was fitted, or from what is loaded."""

    statistics: tuple[str, ...]
    n: Tensor
    mean: Tensor

    def _forget(self) -> None:
        self.register_buffer("n", torch.tensor(0))
        for name in self.statistics:
            self.register_buffer(name, torch.zeros(0, dtype=torch.float64))

    def _require_fitted(self) -> None:
        require(self.mean.numel() > 0, "n", 0, "above 0: fit it first")

    @torch.no_grad()
    def fit(self, x: Tensor):
        """Take the statistics of the training set ``x`` alone, on its device, whatever was seen before. Returns the module."""
        self._forget()
        return self.update(x)

    def update(self, x: Tensor):
        """Take in one batch more; see the subclass."""
        raise NotImplementedError

    def _seen_before(self, name: str, like: Tensor) -> Tensor:
        old = getattr(self, name)
        return old.to(like) if old.numel() else torch.zeros_like(like)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        for name in self.statistics:
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name], device=self.n.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)


class Standardize(_Fitted):
    r"""Give the inputs the mean 0 and the standard deviation 1: :math:`\hat x = (x - \mu)/\sigma`.

    Arguments, shapes and errors as in :class:`thalweg.numpy.Standardize`. ``fit`` and ``update`` change the module and return it; calling it transforms.
    The buffers ``n``, ``mean`` and ``squares`` are saved with the module and move with it. Source: {cite}`chan1983`.
    """

    statistics = ("mean", "squares")
    squares: Tensor

    def __init__(self, per: str = "feature", centre: bool = True, scale: bool = True):
        super().__init__()
        reference.Standardize(per)  # knows what is allowed
        self.per, self.centre, self.scale = per, centre, scale
        self._forget()

    @torch.no_grad()
    def update(self, x: Tensor):
        """Take in the batch ``x`` besides what was seen before. Returns the module."""
        require(x.ndim >= 2 and x.numel() > 0, "the shape of x", tuple(x.shape), "(n, features, ...), none of them 0")
        if self.n:
            require_alike(x.shape, self.mean.shape, self.per)
        axes = {"feature": (0,), "channel": (0, *range(2, x.ndim)), "all": tuple(range(x.ndim))}[self.per]
        x = x.double()
        mean = x.mean(axes, keepdim=True)
        squares = (x - mean).square().sum(axes, keepdim=True)[0]
        seen, fresh = int(self.n), x.numel() // mean.numel()
        n, old = seen + fresh, self._seen_before("mean", mean[0])
        gap = mean[0] - old
        self.mean = old + gap * (fresh / n)
        self.squares = self._seen_before("squares", squares) + squares + gap**2 * (seen * fresh / n)
        self.n = torch.tensor(n, device=x.device)
        return self

    @property
    def std(self) -> Tensor:
        """The standard deviations; 1 where all values were equal, but for rounding."""
        self._require_fitted()
        std = (self.squares / self.n).sqrt()
        constant = std <= self.n * torch.finfo(torch.float64).eps * self.mean.abs()
        return torch.where(constant, torch.ones_like(std), std)

    def forward(self, x: Tensor) -> Tensor:
        r"""Return :math:`(x - \mu)/\sigma`, of the shape of ``x``."""
        std = self.std
        require_alike(x.shape, self.mean.shape, self.per)
        y = x - self.mean if self.centre else x
        return _typed(y / std if self.scale else y, x)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the inputs that the module makes ``y`` of."""
        std = self.std
        require_alike(y.shape, self.mean.shape, self.per)
        x = y * std if self.scale else y
        return _typed(x + self.mean if self.centre else x, y)

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"per={self.per!r}, centre={self.centre}, scale={self.scale}"


class Whiten(_Fitted):
    r"""Centre, turn into principal directions, and give each the variance 1: :math:`y = U(x - \mu)`.

    Arguments, shapes and errors as in :class:`thalweg.numpy.Whiten`. ``fit`` and ``update`` change the module and return it; calling it transforms. The buffers ``n``, ``mean`` and ``scatter``
    are saved with the module; the matrices are made of them when they are first needed. Source: {cite}`kessy2018`.
    """

    statistics = ("mean", "scatter")
    scatter: Tensor
    U: Tensor
    back: Tensor

    def __init__(self, kind: str = "PCA", eps: float = 0.0, directions: int | None = None):
        super().__init__()
        reference.Whiten(kind, eps, directions)  # knows what is allowed
        self.kind, self.eps, self.directions = kind, eps, directions
        self._forget()

    def _forget(self) -> None:
        super()._forget()
        self._forget_matrices()

    def _forget_matrices(self) -> None:
        for name in ("U", "back"):
            self.register_buffer(name, torch.zeros(0, dtype=torch.float64), persistent=False)

    @torch.no_grad()
    def update(self, x: Tensor):
        """Take in the batch ``x`` besides what was seen before. Returns the module."""
        require(x.ndim == 2 and x.numel() > 0, "the shape of x", tuple(x.shape), "(n, d), none of them 0")
        require((self.directions or 1) <= x.shape[1], "directions", self.directions, f"at most {x.shape[1]}")
        if self.n:
            require_alike(x.shape, self.mean.shape)
        x = x.double()
        mean = x.mean(0)
        off = x - mean
        scatter = off.T @ off
        seen, fresh = int(self.n), len(x)
        n, old = seen + fresh, self._seen_before("mean", mean)
        gap = mean - old
        self.mean = old + gap * (fresh / n)
        self.scatter = self._seen_before("scatter", scatter) + scatter + gap.outer(gap) * (seen * fresh / n)
        self.n = torch.tensor(n, device=x.device)
        self._forget_matrices()
        return self

    @property
    def principal(self) -> tuple[Tensor, Tensor]:
        """``h`` and ``Q``: the variances of the directions, largest first, and the directions in columns."""
        self._require_fitted()
        h, q = torch.linalg.eigh(self.scatter / self.n)
        h, q = h.flip(0).clamp(min=0), q.flip(1)
        large = q.abs() >= q.abs().amax(0) / 2
        return h, q * q.gather(0, large.int().argmax(0, keepdim=True)).sign()

    @torch.no_grad()
    def matrices(self) -> tuple[Tensor, Tensor]:
        """``U`` and the matrix of the way back, shapes (outputs, d) and (d, outputs)."""
        if self.U.numel() == 0:
            h, q = self.principal
            kept = self.directions or len(h)
            with_variance = int((h > len(h) * torch.finfo(torch.float64).eps * h[0]).sum())
            wanted = f"above 0, or directions at most {with_variance}, as the inputs vary in no more"
            require(self.kind == "decorrelate" or self.eps > 0 or kept <= with_variance, "eps", self.eps, wanted)
            h, q = h[:kept] + self.eps, q[:, :kept]
            root = torch.ones_like(h) if self.kind == "decorrelate" else h.sqrt()
            self.U, self.back = (q / root).T, q * root
            if self.kind == "ZCA":
                self.U, self.back = q @ self.U, self.back @ q.T
        return self.U, self.back

    def forward(self, x: Tensor) -> Tensor:
        r"""Return ``y``: :math:`U(x - \mu)` for each row of ``x``."""
        U, _ = self.matrices()
        require_alike(x.shape, self.mean.shape)
        return _typed((x - self.mean) @ U.T, x)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the inputs that the module makes ``y`` of; with fewer directions than inputs, those of the mean in the others."""
        _, back = self.matrices()
        return _typed(y.to(back) @ back.T + self.mean, y)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        self._forget_matrices()
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"{self.kind!r}, eps={self.eps}, directions={self.directions}"
