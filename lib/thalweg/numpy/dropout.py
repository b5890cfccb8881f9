"""Dropout and its kin, each as a pair of forward and backward: noise in training, averaged at test time.

Every layer draws its noise with ``draw`` and takes it as an argument, so that the backward pass sees the noise that the
forward pass saw. Noise ``None`` means test time.
"""

from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_keep

__all__ = [
    "DropConnect",
    "Dropout",
    "FractionalMaxPool",
    "PlainDropout",
    "StochasticDepth",
    "all_masks",
    "mask_probability",
    "survival",
]


def _require_shape(name, noise, wanted):
    require(np.shape(noise) == tuple(wanted), f"the shape of {name}", np.shape(noise), f"{tuple(wanted)}")


@dataclass(frozen=True)
class Dropout:
    r"""Inverted dropout: each unit is kept with probability ``keep``, and what is kept is scaled up.

    .. math:: r_i \sim \mathrm{Bernoulli}(p), \qquad y_i = \frac{r_i}{p}\, x_i, \qquad \text{at test time } y_i = x_i

    ``keep`` is :math:`0 < p \le 1`; ``torch.nn.Dropout`` is called with :math:`1 - p`. ``x``, ``grad`` and the mask have
    one shape, any shape. Raises ValueError for a bad ``keep`` or a mask of another shape.
    Sources: {cite}`srivastava2014`; lecture Helwan, "More common: Inverted dropout".
    """

    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def draw(self, x, rng):
        """A mask for ``x``, of its shape and type: 1/keep with probability keep, else 0; ``rng`` is a NumPy generator."""
        kept = rng.random(x.shape) < self.keep
        return kept.astype(x.dtype) / x.dtype.type(self.keep)

    def forward(self, x, mask=None):
        """What leaves the layer: ``x`` times the mask in training, ``x`` itself at test time."""
        if mask is None:
            return x
        _require_shape("mask", mask, x.shape)
        return x * mask

    def backward(self, grad, mask=None):
        """The gradient of the loss in ``x``, from ``grad``, the one in the output, and the mask of the forward pass."""
        return self.forward(grad, mask)


@dataclass(frozen=True)
class PlainDropout(Dropout):
    r"""Dropout as first published: nothing is scaled in training, everything by ``keep`` at test time.

    .. math:: y_i = r_i x_i, \qquad \text{at test time } y_i = p\, x_i

    Arguments, shapes and errors as in :class:`Dropout`; the mask holds 0 and 1.
    Sources: {cite}`srivastava2014`; lectures Penn, "2.7 Dropout", and Helwan, "Dropout: Test time".
    """

    def draw(self, x, rng):
        """A mask for ``x``, of its shape and type: 1 with probability keep, else 0."""
        return (rng.random(x.shape) < self.keep).astype(x.dtype)

    def forward(self, x, mask=None):
        """What leaves the layer: ``x`` times the mask in training, ``x`` times keep at test time."""
        return self.keep * x if mask is None else super().forward(x, mask)


@dataclass(frozen=True)
class DropConnect:
    r"""A linear layer that drops weights instead of units, anew for each example.

    .. math:: y_o = b_o + \sum_i \frac{r_{oi}}{p}\, w_{oi} x_i, \qquad r_{oi} \sim \mathrm{Bernoulli}(p)

    ``keep`` is :math:`0 < p \le 1`. ``x``: shape (batch, inputs); ``w``: (outputs, inputs); ``b``: (outputs,); the mask:
    (batch, outputs, inputs). Raises ValueError for a bad ``keep`` or a mask of another shape.
    Sources: {cite}`wan2013` (which scales by p at test time instead); lecture Helwan, "Regularization: A common pattern".
    """

    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def draw(self, x, w, rng):
        """A mask of ``w`` for each example of ``x``: 1/keep with probability keep, else 0."""
        return Dropout(self.keep).draw(np.empty((len(x), *w.shape), x.dtype), rng)

    def forward(self, x, w, b, mask=None):
        """The outputs, shape (batch, outputs); at test time those of the plain linear layer."""
        if mask is None:
            return x @ w.T + b
        _require_shape("mask", mask, (len(x), *w.shape))
        return np.einsum("boi,bi->bo", mask * w, x) + b

    def backward(self, grad, x, w, mask=None):
        """The gradients of the loss in ``x``, ``w`` and ``b``, from ``grad``, the one in the outputs."""
        if mask is None:
            return grad @ w, grad.T @ x, grad.sum(axis=0)
        _require_shape("mask", mask, (len(x), *w.shape))
        return np.einsum("bo,boi->bi", grad, mask * w), np.einsum("bo,boi,bi->oi", grad, mask, x), grad.sum(axis=0)


@dataclass(frozen=True)
class StochasticDepth:
    r"""A residual connection whose branch is dropped as a whole, for each example on its own.

    .. math:: y = x + \frac{r}{p} f(x), \qquad r \sim \mathrm{Bernoulli}(p), \qquad \text{at test time } y = x + f(x)

    ``keep`` is the probability :math:`0 < p \le 1` that the branch survives. ``x`` and ``branch``, which is
    :math:`f(x)`, have one shape (batch, ...); the mask has one number for each example. Raises ValueError for a bad ``keep`` or a mask of another shape.
    Sources: {cite}`huang2016` (one draw for a whole mini-batch, and p at test time); lecture Helwan, "More complex".
    """

    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def draw(self, x, rng):
        """A mask for ``x``, shape (batch, 1, ...) with as many axes as ``x``: 1/keep with probability keep, else 0."""
        return Dropout(self.keep).draw(np.empty((len(x),) + (1,) * (x.ndim - 1), x.dtype), rng)

    def forward(self, x, branch, mask=None):
        """``x`` plus its branch, or, in training, plus what the mask leaves of it."""
        if mask is None:
            return x + branch
        _require_shape("mask", mask, (len(x),) + (1,) * (x.ndim - 1))
        return x + mask * branch

    def backward(self, grad, mask=None):
        """The gradients of the loss in ``x`` (along the connection alone) and in ``branch``."""
        return grad, grad if mask is None else grad * mask


def survival(blocks, last=0.5):
    r"""The linear rule for the branches of a deep network: :math:`p_l = 1 - \frac{l}{L}(1 - p_L)` for block l = 1, ..., L.

    ``blocks`` is L >= 1, ``last`` is :math:`p_L`, in (0, 1]; returns shape (blocks,). Raises ValueError for others.
    Source: {cite}`huang2016`.
    """
    require(isinstance(blocks, int) and blocks >= 1, "blocks", blocks, "a whole number of at least 1")
    require_keep("last", last)
    return 1 - np.arange(1, blocks + 1) / blocks * (1 - last)


@dataclass(frozen=True)
class FractionalMaxPool:
    r"""Max pooling to any smaller size, over windows whose places are drawn.

    With N rows, n = ``size`` and the ratio :math:`a = (N - k)/(n - 1)`, window i of k = ``kernel`` rows starts at row

    .. math:: s_i = \lfloor a (i + u) \rfloor - \lfloor a u \rfloor, \qquad s_{n-1} = N - k, \qquad u \sim U[0, 1)

    and columns likewise. ``x``: shape (batch, channels, rows, columns); the noise: (batch, channels, 2), the u of columns
    and of rows, as in ``torch.nn.FractionalMaxPool2d``. There is no formula for the average: at test time average the
    *predictions* over several draws. Raises ValueError for ``size`` below 2, ``kernel`` below 1, an image that is too small, or noise of another shape.
    Sources: {cite}`graham2014`; lecture Helwan, "Examples".
    """

    size: int
    kernel: int = 2

    def __post_init__(self) -> None:
        for name, value, least in (("size", self.size, 2), ("kernel", self.kernel, 1)):
            require(isinstance(value, int) and value >= least, name, value, f"a whole number of at least {least}")

    def draw(self, x, rng):
        """The noise for ``x``: uniform numbers of shape (batch, channels, 2)."""
        return rng.random((*x.shape[:2], 2))

    def starts(self, length, u):
        """The first rows of the windows: for ``u`` of any shape, whole numbers of shape (*u.shape, size)."""
        least = self.size + self.kernel - 1
        require(length >= least, "length", length, f"at least {least}")
        ratio = (length - self.kernel) / (self.size - 1)
        u = np.asarray(u)[..., None]
        start = np.floor((np.arange(self.size) + u) * ratio) - np.floor(u * ratio)
        start = start.astype(int)
        start[..., -1] = length - self.kernel
        return start

    def forward(self, x, u):
        """The pooled images, shape (batch, channels, size, size), and, for the way back, where in ``x`` each comes from."""
        _require_shape("u", u, (*x.shape[:2], 2))
        columns = self.starts(x.shape[3], u[..., 0])[:, :, None, :]
        rows = self.starts(x.shape[2], u[..., 1])[:, :, :, None]
        offsets = [(i, j) for i in range(self.kernel) for j in range(self.kernel)]
        flat = np.stack(
            [(rows + i) * x.shape[3] + columns + j for i, j in offsets]
        )  # (kernel^2, batch, channels, n, n)
        images = x.reshape(*x.shape[:2], -1)
        values = np.stack([np.take_along_axis(images, f.reshape(*x.shape[:2], -1), 2).reshape(f.shape) for f in flat])
        best = values.argmax(axis=0)[None]
        return np.take_along_axis(values, best, 0)[0], np.take_along_axis(flat, best, 0)[0]

    def backward(self, grad, where, shape):
        """The gradient of the loss in ``x``, whose shape is ``shape``; ``where`` is what forward returned beside the images."""
        out = np.zeros((*shape[:2], shape[2] * shape[3]), grad.dtype)
        b, c = np.ogrid[: shape[0], : shape[1]]
        np.add.at(out, (b[..., None, None], c[..., None, None], where), grad)  # windows may share their largest pixel
        return out.reshape(shape)


def all_masks(n):
    r"""Every mask of n units: shape (2^n, n), of 0 and 1. A network with n droppable units is :math:`2^n` thinned ones.

    Raises ValueError unless n is a whole number from 1 to 20. Source: {cite}`srivastava2014`.
    """
    require(isinstance(n, int) and 1 <= n <= 20, "n", n, "a whole number from 1 to 20: there are 2^n masks")
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)


def mask_probability(masks, keep):
    r"""How likely each mask is: :math:`p^k (1-p)^{n-k}` where k of its n units are kept.

    ``masks``: shape (count, n), of 0 and 1; ``keep``: in (0, 1]. Returns shape (count,). Raises ValueError for a bad ``keep``.
    Source: {cite}`srivastava2014`.
    """
    require_keep("keep", keep)
    kept = masks.sum(axis=1)
    return keep**kept * (1 - keep) ** (masks.shape[1] - kept)
