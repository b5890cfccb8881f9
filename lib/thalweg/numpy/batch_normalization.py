"""Batch normalization: the layer that gives each feature of a batch mean 0 and variance 1, and its backward pass."""

from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_rate

__all__ = ["BatchNorm"]


def _rows(x):
    """Examples in rows, features in columns: every pixel of every image is one example of its channels."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def _unrows(rows, shape):
    """The way back to ``shape``."""
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


@dataclass(frozen=True)
class BatchNorm:
    r"""Batch normalization of each feature, or of each channel of images.

    .. math:: \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta

    In training, :math:`\mu` and :math:`\sigma^2` are the mean and the variance of the batch, the variance divided by
    the number of values. At test time they are running averages, whose variances are unbiased. ``x`` and ``y`` have the
    shape (batch, features) or (batch, channels, height, width): axis 1 is normalized over all others. ``gamma`` and
    ``beta`` have the shape (features,). ``running`` is a pair, mean and variance, of that shape too. ``eps`` is
    :math:`\epsilon \ge 0`; ``momentum``, in [0, 1], is the weight of the new value in the averages, as in PyTorch.
    Raises ValueError for a bad ``eps`` or ``momentum``, and for an ``x`` of another shape.
    Sources: {cite}`ioffe2015`; lectures Misra and Module 2, "Batch Normalization", and UvA, "batch normalization".
    """

    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        require_rate("eps", self.eps)
        require_rate("momentum", self.momentum)
        require(self.momentum <= 1, "momentum", self.momentum, "at most 1: it is the weight of the new value")

    def init(self, features):
        """Return ``gamma`` (ones), ``beta`` (zeros) and ``running`` (means 0, variances 1) for so many features."""
        return np.ones(features), np.zeros(features), (np.zeros(features), np.ones(features))

    def forward(self, x, gamma, beta, running):
        """Training: return ``y``, the next ``running`` and what ``backward`` needs. Two values a feature at least."""
        rows = self._checked(x, gamma)
        n = len(rows)
        require(n > 1, "x", x.shape, "of at least two values a feature in training")
        mean, var = rows.mean(axis=0), rows.var(axis=0)
        std = np.sqrt(var + self.eps)
        x_hat = (rows - mean) / std
        y = gamma * x_hat + beta
        new = mean, n / (n - 1) * var  # the test variance is the unbiased one
        m = self.momentum
        running = tuple((1 - m) * old + m * now for old, now in zip(running, new, strict=True))
        return _unrows(y, x.shape), running, (x_hat, std, gamma)

    def backward(self, dy, cache):
        """Return the gradients ``dx``, ``dgamma`` and ``dbeta``; ``dy`` is the gradient at ``y``, of its shape."""
        x_hat, std, gamma = cache
        rows = _rows(dy)
        dgamma, dbeta = (rows * x_hat).sum(axis=0), rows.sum(axis=0)
        dx = gamma / std * (rows - dbeta / len(rows) - x_hat * dgamma / len(rows))
        return _unrows(dx, dy.shape), dgamma, dbeta

    def backward_by_steps(self, dy, cache):
        """The same ``dx`` by the chain rule, one operation of ``forward`` after the other, before anything cancels."""
        x_hat, std, gamma = cache
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

    def predict(self, x, gamma, beta, running):
        """Test time: return ``y`` by the averages in ``running``; no example depends on another."""
        mean, var = running
        rows = self._checked(x, gamma)
        return _unrows(gamma * (rows - mean) / np.sqrt(var + self.eps) + beta, x.shape)

    def _checked(self, x, gamma):
        require(np.ndim(x) >= 2, "x", np.shape(x), "of shape (batch, features, ...)")
        require(x.shape[1] == len(gamma), "x", x.shape, f"of {len(gamma)} features on axis 1, as many as gamma has")
        return _rows(x)
