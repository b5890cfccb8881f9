"""Gradient descent, the mini-batches that feed it, and how noisy they are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_count, require_generator, require_rate

__all__ = ["GradientDescent", "minibatches", "noise_scale", "standard_error"]

ORDERS = ("anew", "once", "replacement", "sorted", "diverse")


@dataclass(frozen=True)
class GradientDescent:
    r"""Gradient descent: a step against the gradient.

    .. math:: \theta_{t+1} = \theta_t - \alpha g_t

    ``lr`` is :math:`\alpha \ge 0`. ``theta`` and ``grad`` have one shape, any shape; there is no state. It is stochastic gradient
    descent when ``grad`` comes from a mini-batch. Raises ValueError for a bad ``lr``. Sources: {cite}`robbins1951,bottou2018`; lecture Misra,
    "Vanilla SGD".
    """

    lr: float = 0.01

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)

    def init(self, theta):
        """The state before the first step: nothing is remembered."""
        return None

    def step(self, theta, grad, state=None):
        """Return the next ``theta``, and the state as it was; ``grad`` is the gradient at ``theta``. Changes no argument."""
        return theta - self.lr * grad, state


def minibatches(n, batch, rng, order="anew", epochs=1, classes=None) -> Iterator[np.ndarray]:
    """The mini-batches of ``epochs`` passes over ``n`` examples: arrays of up to ``batch`` indices from 0 to n - 1.

    The last batch of an epoch is shorter where ``batch`` does not divide ``n``. ``rng``: a NumPy generator. ``order`` is one of

    - "anew": shuffled anew in each epoch; "once": shuffled once, the same order in every epoch;
    - "replacement": each example drawn from all ``n``, so that some come twice and others not at all;
    - "sorted": one class after the other, shuffled within the class;
    - "diverse": shuffled anew, with the examples of each class spread evenly over the epoch.

    The last two need ``classes``, class numbers of shape (n,). Raises ValueError for a bad argument.
    Source: lecture UvA, "shuffling examples".
    """
    for name, count in (("n", n), ("batch", batch), ("epochs", epochs)):
        require_count(name, count)
    require(order in ORDERS, "order", order, f"one of {', '.join(ORDERS)}")
    require_generator(rng)
    if order in ("sorted", "diverse"):
        require(np.shape(classes) == (n,), "the shape of classes", np.shape(classes), f"({n},) for the order {order}")
    return _batches(n, batch, rng, order, epochs, np.asarray(classes))


def _batches(n, batch, rng, order, epochs, classes):
    indices = _epoch(n, rng, order, classes)
    for epoch in range(epochs):
        if epoch and order != "once":
            indices = _epoch(n, rng, order, classes)
        yield from (indices[start : start + batch] for start in range(0, n, batch))


def _epoch(n, rng, order, classes):
    """The order of one epoch: indices, shape (n,)."""
    if order == "replacement":
        return rng.integers(n, size=n)
    shuffled = rng.permutation(n)
    if order == "sorted":
        return shuffled[np.argsort(classes[shuffled], kind="stable")]
    if order == "diverse":
        place = np.empty(n)  # where in the epoch, from 0 to 1
        for k in np.unique(classes):
            own = shuffled[classes[shuffled] == k]
            place[own] = (np.arange(len(own)) + rng.random()) / len(own)
        return np.argsort(place)
    return shuffled


def standard_error(gradients, batch, replacement=True):
    r"""How far, as a standard deviation, the mean gradient of a random batch is from the mean of all ``n``.

    .. math:: \frac{\sigma}{\sqrt B} \text{ with replacement}, \qquad \frac{\sigma}{\sqrt B} \sqrt{\frac{n - B}{n - 1}} \text{ without}

    ``gradients``: those of all examples, shape (n, ...); :math:`\sigma` is their standard deviation (divided by n). Returns one number for each
    parameter, shape (...). Raises ValueError unless there is an example and ``batch`` is at least 1, and at most n without replacement.
    Sources: {cite}`cochran1977`; lecture Penn, "Optimization".
    """
    gradients = np.asarray(gradients)
    require(
        gradients.ndim >= 1 and len(gradients) > 0, "gradients", gradients.shape, "of the shape (n, ...) with n > 0"
    )
    n = len(gradients)
    most = np.inf if replacement else n
    require(1 <= batch <= most, "batch", batch, "at least 1" if replacement else f"from 1 to {n} without replacement")
    error = gradients.std(axis=0) / batch**0.5
    return error if replacement else error * ((n - batch) / max(n - 1, 1)) ** 0.5


def noise_scale(gradients):
    r"""The batch size at which a mini-batch gradient's noise is as large as the gradient: the simple noise scale.

    .. math:: B_\mathrm{noise} = \frac{\mathrm{tr}\, \Sigma}{\lVert g \rVert_2^2}

    ``gradients``: those of all examples, shape (n, d), whose mean is :math:`g` and whose covariance (divided by n) is :math:`\Sigma`. With
    more axes in front, say one for the points of a path, numerator and denominator are averaged over them first. Returns a number,
    infinite where the mean gradient is 0. Raises ValueError for fewer than two axes. Source: {cite}`mccandlish2018`.
    """
    gradients = np.asarray(gradients)
    require(
        gradients.ndim >= 2 and gradients.size > 0, "the shape of gradients", gradients.shape, "(n, d) or (..., n, d)"
    )
    noise = gradients.var(axis=-2).sum(axis=-1).mean()
    signal = (gradients.mean(axis=-2) ** 2).sum(axis=-1).mean()
    return float(noise / signal) if signal else float("inf")
