"""Batch normalization: the layer that gives each feature of a batch mean 0 and variance 1, and its backward pass."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._hyperparameters import require, require_rate
from .backpropagation import Layer

__all__ = ["BatchNorm"]


def _rows(x):
    """Examples in rows, features in columns: every pixel of every image is one example of its channels."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def _unrows(rows, shape):
    """The way back to ``shape``."""
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    r"""Batch normalization of each feature, or of each channel of images.

    .. math:: \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta

    In training, :math:`\mu` and :math:`\sigma^2` are the mean and the variance of the batch, the variance divided by
    the number of values. At test time they are ``running_mean`` and ``running_var``, averages over the batches that the layer
    was ``updated`` with, whose variances are unbiased. ``x`` and ``y`` have the shape (batch, features) or (batch, channels,
    height, width): axis 1 is normalized over all others. The parameters ``gamma`` and ``beta`` and the averages have the
    shape (features,); an average may be a number before the first batch. ``eps`` is :math:`\epsilon \ge 0`; ``momentum``, in
    [0, 1], is the weight of the new value in the averages, as in PyTorch.
    Raises ValueError for a bad ``features``, ``eps`` or ``momentum``, and for an ``x`` of another shape.
    Sources: {cite}`ioffe2015`; lectures Misra and Module 2, "Batch Normalization", and UvA, "batch normalization".
    """

    features: int
    eps: float = 1e-5
    momentum: float = 0.1
    running_mean: Any = 0.0
    running_var: Any = 1.0

    def __post_init__(self) -> None:
        require(isinstance(self.features, int) and self.features >= 1, "features", self.features, "at least 1")
        require_rate("eps", self.eps)
        require_rate("momentum", self.momentum)
        require(self.momentum <= 1, "momentum", self.momentum, "at most 1: it is the weight of the new value")

    def init(self, rng=None):
        """Return ``gamma`` (ones) and ``beta`` (zeros); nothing is drawn."""
        return {"gamma": np.ones(self.features), "beta": np.zeros(self.features)}

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return ``y`` and what ``backward`` and ``updated`` need. Training takes two values a feature at least."""
        rows = self._checked(x)
        require(not training or len(rows) > 1, "x", x.shape, "of at least two values a feature in training")
        batch = (rows.mean(axis=0), rows.var(axis=0)) if training else None
        mean, var = batch or (self.running_mean, self.running_var)
        std = (var + self.eps) ** 0.5
        x_hat = (rows - mean) / std
        y = parameters["gamma"] * x_hat + parameters["beta"]
        return _unrows(y, x.shape), (x_hat, std, parameters["gamma"], batch)

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients of ``gamma`` and ``beta``; ``dy`` is the gradient at ``y``, of its shape."""
        x_hat, std, gamma, batch = cache
        rows = _rows(dy)
        dgamma, dbeta = (rows * x_hat).sum(axis=0), rows.sum(axis=0)
        if batch:  # mean and variance depend on every example
            rows = rows - dbeta / len(rows) - x_hat * dgamma / len(rows)
        return _unrows(gamma / std * rows, dy.shape), {"gamma": dgamma, "beta": dbeta}

    def backward_by_steps(self, dy, cache):
        """The same ``dx`` in training by the chain rule, one operation of ``forward`` after the other, before anything cancels."""
        x_hat, std, gamma, _ = cache
        rows = _rows(dy)
        n = len(rows)
        dx_hat = rows * gamma
        # x_hat = centred / std
        centred = x_hat * std
        dvar = (dx_hat * centred).sum(axis=0) * -0.5 / std**3
        # var is the mean of centred**2
        dcentred = dx_hat / std + dvar * 2 * centred / n
        # centred = x - mean
        dmean = -dcentred.sum(axis=0)
        return _unrows(dcentred + dmean / n, dy.shape)

    def updated(self, cache):
        """Return the layer whose averages have taken in the batch of ``cache``: itself, where that was not in training."""
        x_hat, _, _, batch = cache
        if not batch:
            return self
        mean, var = batch
        n, w = len(x_hat), self.momentum
        return replace(
            self,
            running_mean=(1 - w) * self.running_mean + w * mean,
            running_var=(1 - w) * self.running_var + w * (n / (n - 1) * var),  # the test variance is the unbiased one
        )

    def _checked(self, x):
        require(np.ndim(x) >= 2, "x", np.shape(x), "of shape (batch, features, ...)")
        require(x.shape[1] == self.features, "x", x.shape, f"of {self.features} features on axis 1")
        return _rows(x)
