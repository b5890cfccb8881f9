"""A network as modules, each with a forward and a backward pass, and the check that the two agree.

The convention that every layer of the book follows is in :class:`Layer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._hyperparameters import require, require_generator

__all__ = ["Layer", "Linear", "Network", "ReLU", "Sigmoid", "SoftmaxCrossEntropy", "Tanh", "check_gradient"]


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
        require(np.ndim(x) == 2 and x.shape[1] == self.inputs, "x", np.shape(x), f"of shape (batch, {self.inputs})")
        y = x @ parameters["W"].T
        return y + parameters["b"] if self.bias else y, (x, parameters["W"])

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of ``W`` and ``b``."""
        x, w = cache
        gradients = {"W": dy.T @ x, "b": dy.sum(axis=0)} if self.bias else {"W": dy.T @ x}
        return dy @ w, gradients


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
    probabilities, of the shape of ``x``, each row with the sum 1. Raises ValueError for others.
    Source: {cite}`goodfellow2016`.
    """

    def forward(self, x, targets, *, training=False, rng=None):
        """Return the loss, a number, and what ``backward`` needs."""
        targets = self._probabilities(np.asarray(targets), x)
        below = x - x.max(axis=1, keepdims=True)  # no exponential overflows
        log_probabilities = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
        return -(targets * log_probabilities).sum() / len(x), (np.exp(log_probabilities), targets)

    def backward(self, dy, cache):
        """Return the gradient in the scores; ``dy`` is 1 where the loss is the end of the network."""
        probabilities, targets = cache
        return dy * (probabilities - targets) / len(targets), {}

    def _probabilities(self, targets, x):
        require(np.ndim(x) == 2, "x", np.shape(x), "of shape (batch, classes)")
        if targets.shape == x.shape:
            require(np.allclose(targets.sum(axis=1), 1, atol=1e-4), "targets", targets, "rows with the sum 1")
            return targets.astype(x.dtype)
        require(targets.shape == x.shape[:1], "the shape of targets", targets.shape, f"{x.shape[:1]} or {x.shape}")
        right = targets.dtype.kind in "iu" and (targets >= 0).all() and (targets < x.shape[1]).all()
        require(right, "targets", targets, f"whole numbers from 0 to {x.shape[1] - 1}")
        return np.eye(x.shape[1], dtype=x.dtype)[targets]


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
    moved = {"x": np.array(x)} | {name: np.array(a) for name, a in learned.items()}
    for name, array in moved.items():
        require(array.dtype == np.float64, name, array.dtype, "of float64, or rounding hides the error")

    def forward():
        given = {name: moved[name] for name in learned} if isinstance(parameters, dict) else parameters
        return layer.forward(moved["x"], given, training=training, rng=np.random.default_rng(seed))

    y, cache = forward()
    dy = np.random.default_rng(seed).normal(size=np.shape(y))
    dx, gradients = layer.backward(dy, cache)
    found = {name: np.array(a) for name, a in {**gradients, "x": dx}.items()}
    shapes, wanted = ({name: a.shape for name, a in arrays.items()} for arrays in (found, moved))
    require(shapes == wanted, "the shapes of the gradients", shapes, f"{wanted}")
    slopes = {name: _slopes(lambda: np.sum(dy * forward()[0]), a, step) for name, a in moved.items()}
    size = {name: np.abs(a).max(initial=0) for name, a in slopes.items()}
    least = max(max(size.values()) / 1000, np.finfo(float).tiny)
    return {name: float(np.abs(found[name] - a).max(initial=0) / max(size[name], least)) for name, a in slopes.items()}


def _slopes(f, array, step):
    """The central differences of the number ``f()`` along each entry of ``array``, which is changed and put back."""
    slopes = np.empty_like(array)
    for i in np.ndindex(array.shape):
        here = array[i]
        array[i] = here + step
        above = f()
        array[i] = here - step
        slopes[i] = (above - f()) / (2 * step)
        array[i] = here
    return slopes
