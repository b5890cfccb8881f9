"""Activation functions, each with its slope, and what to look at when they fail: saturated and dead units.

:class:`ReLU`, :class:`Tanh` and :class:`Sigmoid` stand with backpropagation. At a kink, where there is no slope, each takes the one that PyTorch takes.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ._hyperparameters import require, require_count, require_generator, require_positive, require_rate
from .backpropagation import Layer, Sigmoid, unbroadcast

__all__ = [
    "ELU", "GELU", "RBF", "SELU", "AbsoluteValue", "LeakyReLU", "Maxout", "NoisyReLU", "ParametricReLU", "Rectifier",
    "ScaledTanh", "SiLU", "Softplus", "dead", "saturated", "slope",
]  # fmt: skip


class _Elementwise(Layer):
    """An activation whose cache is its slope at ``x``, so that all have the same way back."""

    def backward(self, dy, cache):
        """Return ``dx``; there are no parameters."""
        return dy * cache, {}


def _real(x):
    """The type of ``x``, and for whole numbers one that has fractions."""
    return np.result_type(x, np.float16)


@dataclass(frozen=True)
class ScaledTanh(_Elementwise):
    r"""The hyperbolic tangent, stretched, and with a linear term that keeps its ends from being flat.

    .. math:: y = \mathrm{height}\, \tanh(\mathrm{rate} \cdot x) + \mathrm{linear} \cdot x

    ``x`` has any shape. The height 1.7159 and the rate 2/3 make :math:`\pm 1` out of :math:`\pm 1`. Raises ValueError unless ``height`` and ``rate``
    are positive and ``linear`` is at least 0. Sources: {cite}`lecun1998`; lecture UvA, "sigmoid-like activation functions".
    """

    height: float = 1.7159
    rate: float = 2 / 3
    linear: float = 0.0

    def __post_init__(self) -> None:
        require_positive("height", self.height)
        require_positive("rate", self.rate)
        require_rate("linear", self.linear)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        bent = np.tanh(self.rate * x)
        y = self.height * bent
        if self.linear:  # 0 times infinity would be no number
            y = y + self.linear * x
        return y, self.height * self.rate * (1 - bent**2) + self.linear


@dataclass(frozen=True)
class Rectifier(_Elementwise):
    r"""The general rectifier: what is positive passes, what is negative is multiplied by a constant ``c``.

    .. math:: y = \max(x, 0) + c \min(x, 0)

    ``x`` has any shape; at 0 the slope is c. With c = 0 it is the ReLU, with 0.01 the leaky ReLU, with −1 the absolute value. Raises ValueError
    unless ``c`` is a finite number. Source: lecture Module 2, "Hyperparameters: activation function"; {cite}`goodfellow2016`.
    """

    c: float = 0.0

    def __post_init__(self) -> None:
        require_rate("the size of c", abs(self.c))

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        slope = np.where(x > 0, 1, self.c).astype(_real(x))
        return x * slope if self.c else np.maximum(x, 0), slope  # infinity times 0 would be no number


@dataclass(frozen=True)
class LeakyReLU(Rectifier):
    r"""The leaky ReLU, :math:`y = \max(x, 0) + c \min(x, 0)`, with a small slope ``c`` below 0. Source: {cite}`maas2013`."""

    c: float = 0.01


@dataclass(frozen=True)
class AbsoluteValue(_Elementwise):
    r"""Absolute value rectification, :math:`y = |x|`, of any shape; its slope is the sign of x, at 0 it is taken as 0. Source: {cite}`jarrett2009`."""

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        return np.abs(x), np.sign(x)


@dataclass(frozen=True)
class ParametricReLU(Layer):
    r"""The parametric ReLU: a leaky ReLU that learns its slope.

    .. math:: y = \max(x, 0) + c \min(x, 0), \qquad \frac{\partial L}{\partial c} = \sum \frac{\partial L}{\partial y} \min(x, 0)

    The parameter ``c`` has the shape (features,) and starts at ``start``: one slope for each entry of axis 1, or, with the one feature of the default, one for all entries of
    an ``x`` of any shape. The sum runs over all entries that share the slope. Raises ValueError unless ``features`` is a whole number of at least 1, and for an ``x`` with
    another number of features. Source: {cite}`he2015`.
    """

    features: int = 1
    start: float = 0.25

    def __post_init__(self) -> None:
        require_count("features", self.features)
        require_rate("the size of start", abs(self.start))

    def init(self, rng):
        """Return ``c``; nothing is drawn."""
        return {"c": np.full(self.features, self.start)}

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        ok = self.features == 1 or (np.ndim(x) > 1 and x.shape[1] == self.features)
        require(ok, "x", np.shape(x), f"of shape (batch, {self.features}, ...)")
        c = parameters["c"].reshape((-1,) + (1,) * (np.ndim(x) - 2))  # lines the features up with axis 1
        return np.where(x > 0, x, c * x), (x, c)

    def backward(self, dy, cache):
        """Return ``dx`` and the gradient of ``c``."""
        x, c = cache
        dc = unbroadcast(dy * np.minimum(x, 0), c.shape)
        return dy * np.where(x > 0, 1, c), {"c": dc.reshape(-1)}


@dataclass(frozen=True)
class NoisyReLU(_Elementwise):
    r"""The noisy ReLU: in training, a rectifier of the input and normal noise, whose variance is the sigmoid of the input.

    .. math:: y = \max(0, x + \mathrm{noise}), \qquad \mathrm{noise} \sim N\left(0, \frac{1}{1 + e^{-x}}\right)

    ``x`` has any shape. At test time there is no noise, and it is the ReLU. The noise is a draw from N(0, 1) times its standard deviation, and the slope counts
    that this one grows with x. Raises ValueError without a generator in training. Sources: {cite}`nair2010`; lecture UvA, "other relus".
    """

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        if not training:
            return np.maximum(x, 0), (x > 0).astype(x.dtype)
        require_generator(rng)
        s = Sigmoid().forward(x)[0]
        noise = np.sqrt(s) * rng.normal(size=x.shape).astype(_real(x))
        return np.maximum(x + noise, 0), (x + noise > 0) * (1 + noise * (1 - s) / 2)


@dataclass(frozen=True)
class ELU(_Elementwise):
    r"""The exponential linear unit: a straight line above 0 that runs out smoothly to −c below.

    .. math:: y = \begin{cases} x & \text{if } x > 0 \\ c\,(e^x - 1) & \text{else} \end{cases}

    ``x`` has any shape. Raises ValueError unless ``c`` is positive. Source: {cite}`clevert2016`.
    """

    c: float = 1.0

    def __post_init__(self) -> None:
        require_positive("c", self.c)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        below = np.minimum(x, 0)  # np.where computes both of its branches: no exponential of a large number
        return np.where(x > 0, x, self.c * np.expm1(below)), np.where(x > 0, 1, self.c * np.exp(below))


@dataclass(frozen=True)
class SELU(_Elementwise):
    r"""The self-normalizing ELU: an :class:`ELU` with a c and a factor that turn normal inputs with mean 0 and variance 1 into outputs with these again.

    .. math:: y = 1.0507 \cdot \begin{cases} x & \text{if } x > 0 \\ 1.6733\,(e^x - 1) & \text{else} \end{cases}

    ``x`` has any shape; the two constants are computed to all digits in ``tests/topics/test_activations.py``. Source: {cite}`klambauer2017`.
    """

    C: ClassVar[float] = 1.6732632423543772
    FACTOR: ClassVar[float] = 1.0507009873554805

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        y, slope = ELU(self.C).forward(x)
        return self.FACTOR * y, self.FACTOR * slope


@dataclass(frozen=True)
class Softplus(_Elementwise):
    r"""The smooth rectifier, :math:`y = \log(1 + e^x)`, of any shape; its slope is the sigmoid.

    It is computed as :math:`\max(x, 0) + \log(1 + e^{-|x|})`, which never overflows. Sources: {cite}`dugas2001`; lecture UvA, "other relus".
    """

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), Sigmoid().forward(x)[0]


@dataclass(frozen=True)
class GELU(_Elementwise):
    r"""The Gaussian error linear unit: x times the probability that a standard normal number is below x.

    .. math:: y = \frac{x}{2} \left(1 + \mathrm{erf}\frac{x}{\sqrt 2}\right)

    ``x`` has any shape. It is the exact form, the default of ``torch.nn.GELU``. Source: {cite}`hendrycks2016`.
    """

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        near = np.clip(x, -40, 40)  # where the probability is 0 or 1 to the last digit, infinity included
        below = _erfc(-near / math.sqrt(2)).astype(_real(x)) / 2
        density = np.exp(-(near**2) / 2) / math.sqrt(2 * math.pi)
        return np.maximum(x, -40) * below, below + near * density


_erfc = np.vectorize(math.erfc, otypes=[float])  # NumPy has none


@dataclass(frozen=True)
class SiLU(_Elementwise):
    r"""The sigmoid linear unit, :math:`y = x/(1 + e^{-x})`, of any shape; also called swish. Sources: {cite}`elfwing2018,ramachandran2017`."""

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and the slope."""
        s, near = Sigmoid().forward(x)[0], np.clip(x, -800, 800)  # where the sigmoid is 0 or 1, infinity included
        return np.maximum(x, -800) * s, s + near * s * (1 - s)


@dataclass(frozen=True)
class Maxout(Layer):
    r"""The maximum of each group of ``pieces`` neighbouring features; behind a linear layer, a bend that is learned.

    .. math:: y_o = \max_{k} x_{o \cdot \mathrm{pieces} + k}, \qquad k = 0, \dots, \mathrm{pieces} - 1

    ``x`` has the shape (batch, outputs · pieces, ...), ``y`` (batch, outputs, ...). Of equal entries the first one has the gradient. Raises ValueError unless
    ``pieces`` is a whole number of at least 1 that divides the features. Sources: {cite}`goodfellow2013`; lecture Module 2, "Hyperparameters: activation function".
    """

    pieces: int = 2

    def __post_init__(self) -> None:
        require_count("pieces", self.pieces)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        ok = np.ndim(x) > 1 and x.shape[1] % self.pieces == 0
        require(ok, "x", np.shape(x), f"of shape (batch, a multiple of {self.pieces}, ...)")
        groups = x.reshape(len(x), x.shape[1] // self.pieces, self.pieces, *x.shape[2:])
        best = groups.argmax(axis=2, keepdims=True)
        return np.take_along_axis(groups, best, axis=2).squeeze(axis=2), (best, groups.shape, x.shape)

    def backward(self, dy, cache):
        """Return ``dx``: each gradient goes to the entry that was the largest of its group; there are no parameters."""
        best, groups, shape = cache
        dx = np.zeros(groups, dtype=dy.dtype)
        np.put_along_axis(dx, best, np.expand_dims(dy, 2), axis=2)
        return dx.reshape(shape), {}


@dataclass(frozen=True)
class RBF(Layer):
    r"""Radial basis functions: each unit has a centre, and answers to what lies near it.

    .. math:: y_o = \exp\left(-\frac{\lVert x - w_o \rVert_2^2}{2 \sigma_o^2}\right)

    ``x`` has the shape (batch, inputs), ``y`` (batch, outputs). The parameters are the centres ``W`` of shape (outputs, inputs), drawn from N(0, 1), and their reach ``sigma``,
    :math:`\sigma_o`, of shape (outputs,), which starts at the field ``sigma``. Raises ValueError for an ``x`` of another shape, sizes that are no whole numbers above 0, and a
    ``sigma`` that is not positive. Sources: {cite}`broomhead1988`; lecture UvA, "rbfs vs sigmoids".
    """

    inputs: int
    outputs: int
    sigma: float = 1.0

    def __post_init__(self) -> None:
        require_count("inputs", self.inputs)
        require_count("outputs", self.outputs)
        require_positive("sigma", self.sigma)

    def init(self, rng):
        """Return ``W``, drawn from the generator ``rng``, and ``sigma``."""
        require_generator(rng)
        return {"W": rng.normal(size=(self.outputs, self.inputs)), "sigma": np.full(self.outputs, self.sigma)}

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        ok = np.ndim(x) == 2 and x.shape[1] == self.inputs
        require(ok, "x", np.shape(x), f"of shape (batch, {self.inputs})")
        sigma = parameters["sigma"]
        away = (x[:, None] - parameters["W"]) / sigma[:, None]  # (batch, outputs, inputs), in units of sigma
        squares = (away**2).sum(axis=2)
        y = np.exp(-squares / 2)
        return y, (y, away, squares, sigma)

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of ``W`` and ``sigma``."""
        y, away, squares, sigma = cache
        pull = (dy * y / sigma)[:, :, None] * away
        return -pull.sum(axis=1), {"W": pull.sum(axis=0), "sigma": (dy * y * squares / sigma).sum(axis=0)}


def slope(layer, x, parameters=None):
    """The slope of an activation at each entry of ``x``, of its shape: what it multiplies a gradient by, at test time."""
    y, cache = layer.forward(x, parameters)
    return layer.backward(np.ones_like(y), cache)[0]


def saturated(layer, x, parameters=None, below=0.05):
    r"""Which entries of ``x`` the activation hardly passes a gradient at: those where its slope is under a share ``below`` of its largest.

    ``x`` is what enters the activation; the largest slope is looked for from −10 to 10. Returns an array like ``x`` of True and False, whose mean is the share of saturated units. Raises
    ValueError unless ``below`` is positive. Source: {cite}`glorot2010`.
    """
    require_positive("below", below)
    grid = np.linspace(-10, 10, 2001, dtype=x.dtype)
    if np.ndim(x) > 1 and parameters:  # one slope a feature
        grid = np.broadcast_to(grid[:, None], (len(grid), x.shape[1]))
    return np.abs(slope(layer, x, parameters)) < below * np.abs(slope(layer, grid, parameters)).max()


def dead(layer, x, parameters=None):
    r"""Which units are dead: those whose slope is 0 for *every* example, so that no gradient ever reaches their weights.

    ``x``, of shape (examples, units, ...), is what enters the activation for a whole data set; a unit of a convolution is dead if it is so at every place. Returns an array of
    True and False, shape (units,). For a data set in pieces, join the answers by ``&``. Raises ValueError without an axis of examples and one of units, and without examples.
    Sources: {cite}`maas2013`; lecture UvA, "rectified linear unit (relu) module".
    """
    require(
        np.ndim(x) > 1 and len(x) > 0, "x", np.shape(x), "of shape (examples, units, ...), with an example at least"
    )
    return (slope(layer, x, parameters) == 0).all(axis=(0, *range(2, np.ndim(x))))
