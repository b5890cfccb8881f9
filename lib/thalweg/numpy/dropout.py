"""Dropout and its kin, each as a pair of forward and backward: noise in training, averaged at test time.

Each layer follows the convention of :class:`thalweg.numpy.Layer`: the noise comes from the generator ``rng`` that the forward
pass is given, and the cache hands it to the backward pass.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._hyperparameters import require, require_count, require_generator, require_keep
from .backpropagation import Layer, Linear

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


@dataclass(frozen=True)
class Dropout(Layer):
    r"""Inverted dropout: each unit is kept with probability ``keep``, and what is kept is scaled up.

    .. math:: r_i \sim \mathrm{Bernoulli}(p), \qquad y_i = \frac{r_i}{p}\, x_i, \qquad \text{at test time } y_i = x_i

    ``keep`` is :math:`0 < p \le 1`; ``torch.nn.Dropout`` is called with :math:`1 - p`. ``x`` and ``y`` have one shape, any
    shape. Raises ValueError for a bad ``keep``, and in training without a generator.
    Sources: {cite}`srivastava2014`; lecture Helwan, "More common: Inverted dropout".
    """

    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def draw(self, x, rng):
        """A mask for ``x``, of its shape and type: 1/keep with probability keep, else 0; ``rng`` is a NumPy generator."""
        require_generator(rng)
        kept = rng.random(x.shape) < self.keep
        return kept.astype(x.dtype) / x.dtype.type(self.keep)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``x`` times a fresh mask in training, ``x`` itself at test time; and the mask, for the way back."""
        mask = self.draw(x, rng) if training else 1
        return x * mask, mask

    def backward(self, dy, cache):
        """Return ``dx``, the gradient through the same mask; there are no parameters."""
        return dy * cache, {}


@dataclass(frozen=True)
class PlainDropout(Dropout):
    r"""Dropout as first published: nothing is scaled in training, everything by ``keep`` at test time.

    .. math:: y_i = r_i x_i, \qquad \text{at test time } y_i = p\, x_i

    Arguments, shapes and errors as in :class:`Dropout`; the mask holds 0 and 1.
    Sources: {cite}`srivastava2014`; lectures Penn, "2.7 Dropout", and Helwan, "Dropout: Test time".
    """

    def draw(self, x, rng):
        """A mask for ``x``, of its shape and type: 1 with probability keep, else 0."""
        require_generator(rng)
        return (rng.random(x.shape) < self.keep).astype(x.dtype)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``x`` times a fresh mask in training, ``x`` times keep at test time; and the factor, for the way back."""
        mask = self.draw(x, rng) if training else self.keep
        return x * mask, mask


@dataclass(frozen=True)
class DropConnect(Layer):
    r"""A linear layer that drops weights instead of units, anew for each example.

    .. math:: y_o = b_o + \sum_i \frac{r_{oi}}{p}\, w_{oi} x_i, \qquad r_{oi} \sim \mathrm{Bernoulli}(p)

    ``keep`` is :math:`0 < p \le 1`. Shapes and parameters ``W`` and ``b`` as in :class:`Linear`, which it is at test time; the
    mask has the shape (batch, outputs, inputs). Raises ValueError for a bad ``keep``, and in training without a generator.
    Sources: {cite}`wan2013` (which scales by p at test time instead); lecture Helwan, "Regularization: A common pattern".
    """

    inputs: int
    outputs: int
    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def init(self, rng):
        """Return ``W``, drawn from the generator ``rng``, and ``b``, as the linear layer does."""
        return Linear(self.inputs, self.outputs).init(rng)

    def draw(self, x, rng):
        """A mask of the weights for each example of ``x``: 1/keep with probability keep, else 0."""
        return Dropout(self.keep).draw(np.empty((len(x), self.outputs, self.inputs), x.dtype), rng)

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return the outputs, shape (batch, outputs), and what ``backward`` needs."""
        if not training:
            y, cache = Linear(self.inputs, self.outputs).forward(x, parameters)
            return y, (*cache, None)
        mask = self.draw(x, rng)
        return np.einsum("boi,bi->bo", mask * parameters["W"], x) + parameters["b"], (x, parameters["W"], mask)

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of ``W`` and ``b``."""
        x, w, mask = cache
        if mask is None:
            return Linear(self.inputs, self.outputs).backward(dy, (x, w))
        gradients = {"W": np.einsum("bo,boi,bi->oi", dy, mask, x), "b": dy.sum(axis=0)}
        return np.einsum("bo,boi->bi", dy, mask * w), gradients


@dataclass(frozen=True)
class StochasticDepth(Layer):
    r"""A residual connection whose branch is dropped as a whole, for each example on its own.

    .. math:: y = x + \frac{r}{p} f(x), \qquad r \sim \mathrm{Bernoulli}(p), \qquad \text{at test time } y = x + f(x)

    ``branch`` is the layer or network :math:`f`, from (batch, ...) to the same shape, and its parameters are the parameters
    here. ``keep`` is the probability :math:`0 < p \le 1` that it survives; with 1 this is an ordinary residual block. Raises
    ValueError for a bad ``keep``, and in training without a generator.
    Sources: {cite}`huang2016` (one draw for a whole mini-batch, and p at test time); lecture Helwan, "More complex".
    """

    branch: Any
    keep: float = 0.5

    def __post_init__(self) -> None:
        require_keep("keep", self.keep)

    def init(self, rng):
        """Return the parameters of the branch."""
        return self.branch.init(rng)

    def draw(self, x, rng):
        """A mask for ``x``, shape (batch, 1, ...) with as many axes as ``x``: 1/keep with probability keep, else 0."""
        return Dropout(self.keep).draw(np.empty((len(x),) + (1,) * (x.ndim - 1), x.dtype), rng)

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return ``x`` plus its branch, or, in training, plus what a fresh mask leaves of it; and what ``backward`` needs."""
        mask = self.draw(x, rng) if training else 1
        branch, cache = self.branch.forward(x, parameters, training=training, rng=rng)
        return x + mask * branch, (mask, cache)

    def backward(self, dy, cache):
        """Return ``dx``, along the connection and through the branch, and the gradients of the branch's parameters."""
        mask, of_branch = cache
        dx, gradients = self.branch.backward(dy * mask, of_branch)
        return dy + dx, gradients

    def updated(self, cache):
        """Return the block whose branch has seen this batch."""
        return replace(self, branch=self.branch.updated(cache[1]))


def survival(blocks, last=0.5):
    r"""The linear rule for the branches of a deep network: :math:`p_l = 1 - \frac{l}{D}(1 - p_D)` for block l = 1, ..., D.

    ``blocks`` is D >= 1, ``last`` is :math:`p_D`, in (0, 1]; returns shape (blocks,). Raises ValueError for others.
    Source: {cite}`huang2016`.
    """
    require_count("blocks", blocks)
    require_keep("last", last)
    return 1 - np.arange(1, blocks + 1) / blocks * (1 - last)


@dataclass(frozen=True)
class FractionalMaxPool(Layer):
    r"""Max pooling to any smaller size, over windows whose places are drawn.

    With :math:`d_\mathrm{in}` rows, :math:`d_\mathrm{out}` = ``size``, :math:`K` = ``kernel`` rows a window and
    :math:`c = (d_\mathrm{in} - K)/(d_\mathrm{out} - 1)`, window :math:`i` starts at row

    .. math:: \mathrm{start}_i = \lfloor c (i + u) \rfloor - \lfloor c u \rfloor, \qquad 0 \le u < 1,

    the last one at :math:`d_\mathrm{in} - K`, and columns likewise. The number :math:`u` is drawn uniformly. ``x``: shape (batch, channels, rows, columns). There is no formula for the average, so the noise stays on
    at test time, as in ``torch.nn.FractionalMaxPool2d``: average the *predictions* over several draws.
    Raises ValueError for ``size`` below 2, ``kernel`` below 1, an image that is too small, and without a generator.
    Sources: {cite}`graham2014`; lecture Helwan, "Examples".
    """

    size: int
    kernel: int = 2

    def __post_init__(self) -> None:
        for name, value, least in (("size", self.size, 2), ("kernel", self.kernel, 1)):
            require(isinstance(value, int) and value >= least, name, value, f"a whole number of at least {least}")

    def draw(self, x, rng):
        """The noise for ``x``: uniform numbers of shape (batch, channels, 2), the u of columns and of rows."""
        require_generator(rng)
        return rng.random((*x.shape[:2], 2))

    def starts(self, length, u):
        """The first rows of the windows: for ``u`` of any shape, whole numbers of shape (*u.shape, size)."""
        least = self.size + self.kernel - 1
        require(length >= least, "length", length, f"at least {least}")
        c = (length - self.kernel) / (self.size - 1)
        u = np.asarray(u)[..., None]
        start = np.floor(c * (np.arange(self.size) + u)) - np.floor(c * u)
        start = start.astype(int)
        start[..., -1] = length - self.kernel
        return start

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return the pooled images, shape (batch, channels, size, size), and what ``backward`` needs."""
        u = self.draw(x, rng)
        columns = self.starts(x.shape[3], u[..., 0])[:, :, None, :]
        rows = self.starts(x.shape[2], u[..., 1])[:, :, :, None]
        offsets = [(i, j) for i in range(self.kernel) for j in range(self.kernel)]
        flat = np.stack(
            [(rows + i) * x.shape[3] + columns + j for i, j in offsets]
        )  # (kernel^2, batch, channels, size, size)
        images = x.reshape(*x.shape[:2], -1)
        values = np.stack([np.take_along_axis(images, f.reshape(*x.shape[:2], -1), 2).reshape(f.shape) for f in flat])
        best = values.argmax(axis=0)[None]
        return np.take_along_axis(values, best, 0)[0], (np.take_along_axis(flat, best, 0)[0], x.shape)

    def backward(self, dy, cache):
        """Return ``dx``: each gradient goes to the pixel that was the largest of its window; there are no parameters."""
        where, shape = cache
        dx = np.zeros((*shape[:2], shape[2] * shape[3]), dy.dtype)
        b, c = np.ogrid[: shape[0], : shape[1]]
        np.add.at(dx, (b[..., None, None], c[..., None, None], where), dy)  # windows may share their largest pixel
        return dx.reshape(shape), {}


def all_masks(d):
    r"""Every mask of d units: shape (2^d, d), of 0 and 1. A network with d droppable units is :math:`2^d` thinned ones.

    Raises ValueError unless d is a whole number from 1 to 20. Source: {cite}`srivastava2014`.
    """
    require(isinstance(d, int) and 1 <= d <= 20, "d", d, "a whole number from 1 to 20: there are 2^d masks")
    return ((np.arange(2**d)[:, None] >> np.arange(d)) & 1).astype(float)


def mask_probability(masks, keep):
    r"""How likely each mask is: :math:`p^k (1-p)^{d-k}` where k of its d units are kept.

    ``masks``: shape (count, d), of 0 and 1; ``keep``: in (0, 1]. Returns shape (count,). Raises ValueError for a bad ``keep``.
    Source: {cite}`srivastava2014`.
    """
    require_keep("keep", keep)
    kept = masks.sum(axis=1)
    return keep**kept * (1 - keep) ** (masks.shape[1] - kept)
