"""Gradient descent and mini-batches on PyTorch tensors: the same names and formulas as :mod:`thalweg.numpy.gradient_descent`."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require

from ._optimizer import ListOptimizer

__all__ = ["GradientDescent", "minibatches", "noise_scale", "standard_error"]


class GradientDescent(ListOptimizer):
    r"""Gradient descent: :math:`\theta \leftarrow \theta - \alpha g`.

    A drop-in for ``torch.optim.SGD(params, lr)``. ``params``: tensors or parameter groups of any shapes. ``compiled``: see
    :class:`ListOptimizer`. Raises ValueError that names ``lr`` when it is out of range. Sources: {cite}`robbins1951,bottou2018`.
    """

    twin = reference.GradientDescent

    def __init__(self, params: Iterable, lr: float = 0.01, *, compiled: bool = False):
        super().__init__(params, lr=lr, compiled=compiled)

    def update(self, params, grads, *, lr):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_add_(params, grads, alpha=-lr)


def minibatches(n, batch, generator=None, order="anew", epochs=1, classes=None) -> Iterator[Tensor]:
    """The mini-batches of ``epochs`` passes over ``n`` examples: tensors of up to ``batch`` indices, on the CPU.

    Orders, arguments and errors as in :func:`thalweg.numpy.minibatches`. ``generator``: a ``torch.Generator``; without one PyTorch's
    own is asked, so that ``torch.manual_seed`` fixes the batches. ``classes`` may be a tensor on any device.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    classes = classes.cpu().numpy() if isinstance(classes, Tensor) else classes
    indices = reference.minibatches(n, batch, np.random.default_rng(seed), order, epochs, classes)
    return (torch.from_numpy(np.ascontiguousarray(each)) for each in indices)


def standard_error(gradients: Tensor, batch: int, replacement: bool = True) -> Tensor:
    """How far the mean gradient of a random batch is from the mean of all, as in :func:`thalweg.numpy.standard_error`.

    ``gradients``: shape (n, ...), on any device; returns a tensor of shape (...) there. Raises ValueError as there.
    """
    require(
        gradients.ndim >= 1 and len(gradients) > 0, "gradients", gradients.shape, "of the shape (n, ...) with n > 0"
    )
    n = len(gradients)
    most = math.inf if replacement else n
    require(1 <= batch <= most, "batch", batch, "at least 1" if replacement else f"from 1 to {n} without replacement")
    error = gradients.std(dim=0, correction=0) / batch**0.5
    return error if replacement else error * ((n - batch) / max(n - 1, 1)) ** 0.5


def noise_scale(gradients: Tensor) -> float:
    """The simple noise scale, as in :func:`thalweg.numpy.noise_scale`. ``gradients``: shape (n, d) or (..., n, d). Raises ValueError as there."""
    require(
        gradients.ndim >= 2 and gradients.numel() > 0,
        "the shape of gradients",
        gradients.shape,
        "(n, d) or (..., n, d)",
    )
    noise = gradients.var(dim=-2, correction=0).sum(dim=-1).mean()
    signal = (gradients.mean(dim=-2) ** 2).sum(dim=-1).mean()
    return float(noise / signal) if signal else math.inf
