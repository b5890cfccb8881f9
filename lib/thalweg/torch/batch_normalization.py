"""Batch normalization on PyTorch tensors: the same layer as :mod:`thalweg.numpy.batch_normalization`, on any device."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from thalweg import numpy as reference

__all__ = ["BatchNorm", "batch_norm_mlp"]


class BatchNorm(nn.Module):
    r"""Batch normalization, :math:`y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`, of each feature or channel.

    A drop-in for ``torch.nn.BatchNorm1d`` and ``BatchNorm2d``. ``x`` has the shape (batch, features, ...) and axis 1 is
    normalized over all others: by the batch after ``train()``, by the running averages after ``eval()``. Parameters
    ``gamma`` and ``beta``, buffers ``running_mean`` and ``running_var``, all of shape (features,). Raises ValueError for
    a bad ``features``, ``eps`` or ``momentum`` and for an ``x`` of another shape. Source: {cite}`ioffe2015`.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        reference.BatchNorm(features, eps, momentum)  # knows what is allowed
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``y``, of the shape of ``x``; in training, move the running averages as well."""
        if x.ndim < 2 or x.shape[1] != len(self.gamma):
            raise ValueError(f"x must be of shape (batch, {len(self.gamma)}, ...), got {tuple(x.shape)}")
        if self.training:
            mean, var = self._statistics(x)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.gamma / torch.sqrt(var + self.eps)
        wide = (-1,) + (1,) * (x.ndim - 2)  # lines the features up with axis 1
        return (x - mean.view(wide)) * scale.view(wide) + self.beta.view(wide)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.numel() // x.shape[1]
        if n < 2:
            raise ValueError(f"x must be of at least two values a feature in training, got {tuple(x.shape)}")
        var, mean = torch.var_mean(x, (0, *range(2, x.ndim)), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (n / (n - 1)), self.momentum)  # the test variance is the unbiased one
        return mean, var

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"{len(self.gamma)}, eps={self.eps}, momentum={self.momentum}"


def batch_norm_mlp(
    *widths: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    place: str = "before",
    norm: Callable[[int], nn.Module] = BatchNorm,
    seed: int = 0,
) -> nn.Sequential:
    """A network of linear layers of these widths with batch normalization ``place``: "before" or "after" each activation.

    With "nowhere" it has none. ``norm`` makes the layer for so many features. ``seed`` fixes the weights, whose variance
    is 2/(inputs + outputs) {cite}`glorot2010`; biases start at zero, and a layer that is normalized before its
    activation has none, since the mean takes it away. Raises ValueError for another ``place``.
    """
    if place not in ("before", "after", "nowhere"):
        raise ValueError(f'place must be "before", "after" or "nowhere", got {place!r}')
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for k, (a, b) in enumerate(pairwise(widths), start=2):
        hidden = k < len(widths)
        linear = nn.Linear(a, b, bias=not (hidden and place == "before"))
        nn.init.xavier_normal_(linear.weight, generator=generator)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
        layers.append(linear)
        if hidden:
            both = [activation(), norm(b)]
            layers += {"before": both[::-1], "after": both, "nowhere": both[:1]}[place]
    return nn.Sequential(*layers)
