"""A network as modules, each with a forward and a backward pass, the check that the two agree, and an engine that needs no backward pass.

The convention that every layer of the book follows is in :class:`Layer`; the engine is :class:`Variable`.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._hyperparameters import require, require_classes, require_generator, require_reduction

__all__ = [
    "Checkpoint", "Layer", "Linear", "Network", "ReLU", "Sigmoid", "SoftmaxCrossEntropy", "Tanh", "Variable",
    "check_gradient", "numerical_gradient", "unbroadcast",
]  # fmt: skip


class Layer:
    r"""What all layers share: pure functions, parameters in a dict, noise and mode as arguments.

    ``parameters = layer.init(rng)`` are the values that are learned, by name; a layer without any has ``{}``.
    ``y, cache = layer.forward(x, parameters, training=..., rng=...)`` keeps in ``cache`` what the way back needs.
    ``dx, gradients = layer.backward(dy, cache)`` takes the gradient of the loss in ``y`` to the one in ``x`` and to a dict with
    the keys of ``parameters``, each array of its parameter's shape. With ``training`` a layer behaves as it does while it
    learns; what is random is drawn from the NumPy generator ``rng``. No call changes an argument, nor the layer.

    What a layer keeps without learning it, such as batch normalization's running averages, is a field of the layer, and
    ``layer = layer.updated(cache)`` is the layer that has seen this batch too. A loss has its targets where a layer has
    parameters, and a single number for ``y``; its ``dy`` is 1. Axis 0 of ``x`` counts the examples.
    """

    def init(self, rng):
        """Return new parameters, drawn from the generator ``rng``; here there are none."""
        return {}

    def updated(self, cache):
        """Return the layer that has seen the batch of ``cache``: itself, as it keeps nothing."""
        return self


@dataclass(frozen=True)
class Linear(Layer):
    r"""A linear layer: each output is a weighted sum of all inputs, and a bias.

    .. math:: y = W x + b, \qquad \frac{\partial L}{\partial W} = \sum_{i=1}^B \frac{\partial L}{\partial y_i}\, x_i^\top

    ``x`` has the shape (batch, inputs), ``y`` (batch, outputs), ``W`` (outputs, inputs) and ``b`` (outputs,); without ``bias``
    there is no ``b``. New weights have variance 1/inputs, new biases are 0. Raises ValueError for an ``x`` of another shape.
    Sources: {cite}`lecun1998`; lecture UvA, "backpropagation again".
    """

    inputs: int
    outputs: int
    bias: bool = True

    def init(self, rng):
        """Return ``W``, drawn from the generator ``rng``, and ``b``."""
        require_generator(rng)
        w = rng.normal(size=(self.outputs, self.inputs)) / self.inputs**0.5
        return {"W": w, "b": np.zeros(self.outputs)} if self.bias else {"W": w}

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        y = self._checked(x) @ parameters["W"].T
        return y + parameters["b"] if self.bias else y, (x, parameters["W"])

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of ``W`` and ``b``."""
        x, w = cache
        gradients = {"W": dy.T @ x}
        if self.bias:
            gradients["b"] = dy.sum(axis=0)
        return dy @ w, gradients

    def _checked(self, x):
        ok = np.ndim(x) == 2 and x.shape[1] == self.inputs
        require(ok, "x", np.shape(x), f"of shape (batch, {self.inputs})")
        return x


@dataclass(frozen=True)
class ReLU(Layer):
    r"""The rectifier, :math:`y = \max(x, 0)`, of any shape. Its slope is 1 above 0 and 0 elsewhere; at 0 it is taken as 0."""

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        return np.maximum(x, 0), x > 0

    def backward(self, dy, cache):
        """Return ``dx``; there are no parameters."""
        return dy * cache, {}


@dataclass(frozen=True)
class Tanh(Layer):
    r"""The hyperbolic tangent, :math:`y = \tanh x`, of any shape, with the slope :math:`1 - y^2`."""

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        y = np.tanh(x)
        return y, y

    def backward(self, dy, cache):
        """Return ``dx``; there are no parameters."""
        return dy * (1 - cache**2), {}


@dataclass(frozen=True)
class Sigmoid(Layer):
    r"""The logistic function, :math:`y = 1/(1 + e^{-x})`, of any shape, with the slope :math:`y(1 - y)`.

    It is computed as :math:`(1 + \tanh(x/2))/2`, which is the same and never overflows.
    """

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` needs."""
        y = (1 + np.tanh(x / 2)) / 2
        return y, y

    def backward(self, dy, cache):
        """Return ``dx``; there are no parameters."""
        return dy * cache * (1 - cache), {}


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Layer):
    r"""The loss of a classifier: the mean over the batch of minus the log of the probability of what is right.

    .. math:: L = -\frac1B \sum_{i=1}^B \sum_{k=1}^C y^\star_{ik} \log \hat y_{ik}, \qquad \hat y_{ik} = \frac{e^{x_{ik}}}{\sum_j e^{x_{ij}}}

    ``x`` holds scores of shape (batch, classes). ``targets``, :math:`y^\star`, are classes, whole numbers of shape (batch,), or their
    probabilities, of the shape of ``x``, each row with the sum 1. ``weights``, one a class, multiply the terms of the inner sum; with classes as
    targets the mean then divides by the sum of the weights that were met, as PyTorch's does. ``reduction`` is "mean", "sum", or "none" for
    a loss of each example. Raises ValueError for others. Source: {cite}`goodfellow2016`.
    """

    weights: Any = None
    reduction: str = "mean"

    def __post_init__(self):
        require_reduction(self.reduction)

    def forward(self, x, targets, *, training=False, rng=None):
        """Return the loss, a number, and what ``backward`` needs."""
        wanted, total = self._wanted(np.asarray(targets), x)
        below = x - x.max(axis=1, keepdims=True)  # no exponential overflows
        log_probabilities = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
        # a score of minus infinity, a class that is ruled out, costs nothing where it is not wanted
        losses = -np.where(wanted > 0, wanted * log_probabilities, 0).sum(axis=1)
        loss = losses if self.reduction == "none" else losses.sum() / total
        return loss, (np.exp(log_probabilities), wanted, total)

    def backward(self, dy, cache):
        """Return the gradient in the scores; ``dy`` is 1 where the loss is the end of the network."""
        probabilities, wanted, total = cache
        slopes = probabilities * wanted.sum(axis=1, keepdims=True) - wanted
        return np.reshape(np.asarray(dy, slopes.dtype), (-1, 1)) * slopes / total, {}

    def _wanted(self, targets, x):
        """The weight of each class's log probability, and what the sum is divided by."""
        wanted = self._probabilities(targets, x)
        if self.weights is not None:
            weights = np.asarray(self.weights, dtype=x.dtype)
            right = weights.shape == x.shape[1:] and bool((weights >= 0).all())
            require(right, "weights", self.weights, f"{x.shape[1]} numbers of at least 0")
            wanted = wanted * weights
        mean = wanted.sum() if targets.ndim == 1 else len(x)
        return wanted, mean if self.reduction == "mean" else 1

    def _probabilities(self, targets, x):
        require(np.ndim(x) == 2, "x", np.shape(x), "of shape (batch, classes)")
        if targets.shape == x.shape:
            right = (targets >= 0).all() and np.allclose(targets.sum(axis=1), 1, atol=1e-4)
            require(bool(right), "targets", targets, "rows of numbers of at least 0 with the sum 1")
            return targets.astype(x.dtype)
        require(targets.shape == x.shape[:1], "the shape of targets", targets.shape, f"{x.shape[:1]} or {x.shape}")
        require_classes(targets, x.shape[1])
        one_hot = np.zeros(x.shape, x.dtype)
        one_hot[np.arange(len(x)), targets] = 1
        return one_hot


@dataclass(frozen=True)
class Network(Layer):
    r"""Layers, one after the other; itself a layer, so that a network can be a part of another.

    ``layers`` are any that follow :class:`Layer`. The parameter ``W`` of layer 0 is ``parameters["0.W"]``, and so with all.
    """

    layers: Sequence[Any]

    def init(self, rng):
        """Return the parameters of all layers, drawn in their order from the generator ``rng``."""
        return self._joined(layer.init(rng) for layer in self.layers)

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return what leaves the last layer, and the caches of all."""
        caches = []
        for i, layer in enumerate(self.layers):
            own = {name.removeprefix(f"{i}."): a for name, a in parameters.items() if name.startswith(f"{i}.")}
            x, cache = layer.forward(x, own, training=training, rng=rng)
            caches.append(cache)
        return x, caches

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of all parameters: from the last layer to the first."""
        gradients = []
        for layer, own in zip(reversed(self.layers), reversed(cache), strict=True):
            dy, of_layer = layer.backward(dy, own)
            gradients.append(of_layer)
        return dy, self._joined(reversed(gradients))

    def updated(self, cache):
        """Return the network whose layers have seen this batch."""
        return replace(self, layers=[layer.updated(own) for layer, own in zip(self.layers, cache, strict=True)])

    def _joined(self, dicts):
        return {f"{i}.{name}": a for i, of_layer in enumerate(dicts) for name, a in of_layer.items()}


@dataclass(frozen=True)
class Checkpoint(Layer):
    r"""A layer that keeps its input alone for the way back, and runs forward a second time there: time for memory.

    ``layer`` is mostly a :class:`Network`, a stretch of a longer one. A network of :math:`D` layers in stretches of about
    :math:`\sqrt D` holds the caches of one stretch at a time and an input of each. Noise is drawn again from a copy of the
    generator, so that it is the same. Source: {cite}`chen2016`.
    """

    layer: Any

    def init(self, rng):
        """Return the parameters of the layer inside, drawn from the generator ``rng``."""
        return self.layer.init(rng)

    def forward(self, x, parameters=None, *, training=False, rng=None):
        """Return ``y`` and what it takes to run again."""
        given = x, parameters, training, deepcopy(rng)
        y, _ = self.layer.forward(x, parameters, training=training, rng=rng)
        return y, given

    def backward(self, dy, cache):
        """Run forward again, then return what the layer inside returns."""
        return self.layer.backward(dy, self._again(cache))

    def updated(self, cache):
        """Return the layer whose inside has seen this batch, for which that runs forward again."""
        return replace(self, layer=self.layer.updated(self._again(cache)))

    def _again(self, cache):
        x, parameters, training, rng = cache
        same = deepcopy(rng)
        return self.layer.forward(x, parameters, training=training, rng=same)[1]


def numerical_gradient(f, x, step=1e-5, scheme="central"):
    r"""The gradient of ``f``, which takes an array and returns a number, at ``x``, by moving one entry after the other.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + \delta e_i) - f(x - \delta e_i)}{2\delta}

    :math:`\delta` is ``step``, and :math:`e_i` is 1 at one entry and 0 elsewhere. That is the ``scheme`` "central", two calls of
    ``f`` an entry. "one-sided" is :math:`(f(x + \delta e_i) - f(x))/\delta`, one call an entry and one more. "complex" makes the step
    along the imaginary axis and takes the imaginary part of ``f``, over :math:`\delta`: nothing is subtracted, so that the step may be
    1e-20, but ``f`` must take complex numbers and be smooth. Returns an array like ``x``, computed in its type. Raises ValueError for
    another scheme. Sources: lecture UvA, "babysitting deep nets"; {cite}`martins2003`.
    """
    require(scheme in ("central", "one-sided", "complex"), "scheme", scheme, '"central", "one-sided" or "complex"')

    def moved(i, by):
        there = x.astype(complex) if scheme == "complex" else x.copy()
        there[i] += by
        return f(there)

    here = f(x) if scheme == "one-sided" else None
    slopes = np.empty_like(x)
    for i in np.ndindex(x.shape):
        if scheme == "central":
            slopes[i] = (moved(i, step) - moved(i, -step)) / (2 * step)
        elif scheme == "one-sided":
            slopes[i] = (moved(i, step) - here) / step
        else:
            slopes[i] = moved(i, 1j * step).imag / step
    return slopes


def check_gradient(layer, x, parameters=None, *, training=False, seed=0, step=1e-5):
    r"""How far ``layer.backward`` is from central differences of ``layer.forward``: the relative error of each gradient, by name.

    .. math:: \frac{\partial L}{\partial x_i} \approx \frac{L(x + \delta e_i) - L(x - \delta e_i)}{2\delta}, \qquad L = \sum_j c_j y_j

    Any layer, network or loss will do; ``parameters`` may be the targets of a loss, which stay where they are. Each entry of
    ``x`` and of the parameters is moved by ``step``, which is :math:`\delta`, to either side (:math:`e_i` is 1 at that entry and 0
    elsewhere). ``seed`` fixes the weights :math:`c_j`, drawn from N(0, 1), and the layer's own noise, the same in each pass.

    An error is the largest difference between the two gradients over the largest entry; as that entry counts a thousandth of the
    largest of all at least, since of a gradient that is 0 rounding alone is left. Right ones are below 1e-6, wrong ones mostly
    above 1e-2. Returns a dict with "x" and the names of the parameters. Raises ValueError where the gradients have other names
    or shapes than the parameters, and for arrays that are not float64. Source: lecture UvA, "babysitting deep nets".
    """
    learned = parameters if isinstance(parameters, dict) else {}
    arrays = {"x": np.array(x)} | {name: np.array(a) for name, a in learned.items()}
    for name, array in arrays.items():
        require(array.dtype == np.float64, name, array.dtype, "of float64, or rounding hides the error")

    def forward(**moved):
        there = arrays | moved
        given = {name: there[name] for name in learned} if isinstance(parameters, dict) else parameters
        return layer.forward(there["x"], given, training=training, rng=np.random.default_rng(seed))

    y, cache = forward()
    dy = np.random.default_rng(seed).normal(size=np.shape(y))
    dx, gradients = layer.backward(dy, cache)
    found = {name: np.array(a) for name, a in {**gradients, "x": dx}.items()}
    shapes, wanted = ({name: a.shape for name, a in each.items()} for each in (found, arrays))
    require(shapes == wanted, "the shapes of the gradients", shapes, f"{wanted}")
    slopes = {
        name: numerical_gradient(lambda moved, name=name: np.sum(dy * forward(**{name: moved})[0]), a, step)
        for name, a in arrays.items()
    }
    size = {name: np.abs(a).max(initial=0) for name, a in slopes.items()}
    least = max(max(size.values()) / 1000, np.finfo(float).tiny)
    return {name: float(np.abs(found[name] - a).max(initial=0) / max(size[name], least)) for name, a in slopes.items()}


def unbroadcast(grad, shape):
    """The gradient in an array of this ``shape`` that NumPy has repeated until it had the shape of ``grad``: the sum over the copies.

    NumPy lines shapes up at their ends, adds the axes that are missing in front, and stretches those of length 1. Returns an array of the
    shape ``shape``. Raises ValueError where that shape cannot be broadcast to the one of ``grad``.
    """
    grad = np.asarray(grad)
    require(
        np.broadcast_shapes(grad.shape, shape) == grad.shape, "shape", shape, f"one that broadcasts to {grad.shape}"
    )
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    return grad.sum(axis=stretched, keepdims=True)


class Variable:
    """An array that remembers what it was computed from, so that the gradient of a number can be sent back to it.

    ``value`` is the array; ``grad``, of its shape, is 0 at first, and each :meth:`backward` *adds* to it. Whole numbers become
    float64; a number or array beside a variable is a constant and takes its type. There are ``+``, ``-``, ``*``, ``/``, ``**`` with a number
    as the exponent, ``@`` between matrices or stacks of them, and the methods below; all broadcast as NumPy does. ``parents``: pairs of a
    variable that this one was computed from and a function that takes the gradient here to the one there.
    Sources: {cite}`baydin2018`; lecture UvA, "backpropagation again".
    """

    __array_ufunc__ = None  # array * variable is left to the variable

    def __init__(self, value, parents=()):
        value = np.asarray(value)
        self.value = value if value.dtype.kind == "f" else value.astype(float)
        self.grad = np.zeros_like(self.value)
        self.parents = parents

    def _constant(self, other):
        return other if isinstance(other, Variable) else Variable(np.asarray(other, dtype=self.value.dtype))

    def __add__(self, other):
        other = self._constant(other)
        return Variable(self.value + other.value, [(self, lambda g: g), (other, lambda g: g)])

    def __mul__(self, other):
        other = self._constant(other)
        to_self = (self, lambda g: g * other.value)
        to_other = (other, lambda g: g * self.value)
        return Variable(self.value * other.value, [to_self, to_other])

    def __matmul__(self, other):
        other = self._constant(other)
        shapes = self.value.shape, other.value.shape
        require(min(map(len, shapes)) >= 2, "the shapes in a product", shapes, "those of matrices")
        to_self = (self, lambda g: g @ np.swapaxes(other.value, -1, -2))
        to_other = (other, lambda g: np.swapaxes(self.value, -1, -2) @ g)
        return Variable(self.value @ other.value, [to_self, to_other])

    def __pow__(self, number):
        return Variable(self.value**number, [(self, lambda g: g * number * self.value ** (number - 1))])

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -self._constant(other)

    def __truediv__(self, other):
        return self * self._constant(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    def __rmatmul__(self, other):
        return self._constant(other) @ self

    __radd__, __rmul__ = __add__, __mul__

    def relu(self):
        """The larger of each entry and 0; at 0 the slope is taken as 0."""
        return Variable(np.maximum(self.value, 0), [(self, lambda g: g * (self.value > 0))])

    def tanh(self):
        """The hyperbolic tangent of each entry."""
        y = np.tanh(self.value)
        return Variable(y, [(self, lambda g: g * (1 - y**2))])

    def exp(self):
        """The exponential of each entry."""
        y = np.exp(self.value)
        return Variable(y, [(self, lambda g: g * y)])

    def log(self):
        """The natural logarithm of each entry, which must be above 0."""
        return Variable(np.log(self.value), [(self, lambda g: g / self.value)])

    def sum(self, axis=None, keepdims=False):
        """The sum over ``axis`` or over all axes."""
        y = self.value.sum(axis=axis, keepdims=True)
        back = (self, lambda g: np.broadcast_to(g.reshape(y.shape), self.value.shape))
        return Variable(self.value.sum(axis=axis, keepdims=keepdims), [back])

    @property
    def T(self):
        """The transposed matrix."""
        return Variable(self.value.T, [(self, lambda g: g.T)])

    def backward(self):
        """Add the gradient of this number to ``grad`` of all that it was computed from. Raises ValueError unless it is a single number."""
        size, shape = self.value.size, self.value.shape
        require(size == 1, "what backward starts from", shape, "a single number")
        arrived = {self: np.ones_like(self.value)}
        for node in reversed(self._sorted()):
            g = arrived[node]  # whole: all that was made of it has sent its part
            node.grad = node.grad + g
            for parent, pull in node.parents:
                share = unbroadcast(pull(g), parent.value.shape)
                arrived[parent] = arrived.get(parent, 0) + share

    def _sorted(self):
        """All variables that this one was computed from, and itself, each behind its parents."""
        order, seen, waiting = [], set(), [(self, False)]
        while waiting:
            node, parents_done = waiting.pop()
            if parents_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                waiting += [(node, True), *((parent, False) for parent, _ in node.parents)]
        return order
