"""Activation functions as PyTorch modules: the same names and formulas as :mod:`thalweg.numpy.activations`, on any device.

Where ``torch.nn`` has one too, it has the same values and gradients, and is faster.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require_positive

__all__ = [
    "ELU", "GELU", "RBF", "SELU", "AbsoluteValue", "LeakyReLU", "Maxout", "NoisyReLU", "ParametricReLU", "Rectifier",
    "ScaledTanh", "SiLU", "Softplus", "dead", "saturated", "slope",
]  # fmt: skip


class ScaledTanh(nn.Module):
    r"""A stretched hyperbolic tangent and a linear term, :math:`y = \mathrm{height}\tanh(\mathrm{rate}\cdot x) + \mathrm{linear}\cdot x`.

    Arguments and errors as in :class:`thalweg.numpy.ScaledTanh`. Source: {cite}`lecun1998`.
    """

    def __init__(self, height: float = 1.7159, rate: float = 2 / 3, linear: float = 0.0):
        super().__init__()
        self.twin = reference.ScaledTanh(height, rate, linear)  # knows what is allowed

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        y = self.twin.height * torch.tanh(self.twin.rate * x)
        return y + self.twin.linear * x if self.twin.linear else y


class Rectifier(nn.Module):
    r"""The general rectifier, :math:`y = \max(x, 0) + c \min(x, 0)`; at 0 the slope is c. Raises ValueError unless ``c`` is finite."""

    def __init__(self, c: float = 0.0):
        super().__init__()
        self.c = reference.Rectifier(c).c

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return torch.where(x > 0, x, self.c * x) if self.c else torch.relu(x)  # infinity times 0 would be no number

    def extra_repr(self) -> str:
        """What print(model) shows."""
        return f"c={self.c}"


class LeakyReLU(Rectifier):
    r"""The leaky ReLU, :math:`y = \max(x, 0) + c \min(x, 0)`: ``torch.nn.LeakyReLU(c)``. Source: {cite}`maas2013`."""

    def __init__(self, c: float = 0.01):
        super().__init__(c)


class AbsoluteValue(nn.Module):
    r"""Absolute value rectification, :math:`y = |x|`; at 0 its slope is taken as 0. Source: {cite}`jarrett2009`."""

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return x.abs()


class ParametricReLU(nn.Module):
    r"""A leaky ReLU that learns its slope ``c``, of shape (features,): ``torch.nn.PReLU(features, start)``.

    One slope for each entry of axis 1, or with one feature one for all. Raises ValueError as :class:`thalweg.numpy.ParametricReLU` does. Source: {cite}`he2015`.
    """

    def __init__(self, features: int = 1, start: float = 0.25):
        super().__init__()
        reference.ParametricReLU(features, start)  # knows what is allowed
        self.c = nn.Parameter(torch.full((features,), float(start)))

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        if len(self.c) > 1 and (x.ndim < 2 or x.shape[1] != len(self.c)):
            raise ValueError(f"x must be of shape (batch, {len(self.c)}, ...), got {tuple(x.shape)}")
        return torch.where(x > 0, x, self.c.view((-1,) + (1,) * (x.ndim - 2)) * x)


class NoisyReLU(nn.Module):
    r"""The noisy ReLU: in training :math:`y = \max(0, x + \mathrm{noise})`, normal noise of the variance :math:`1/(1 + e^{-x})`; the ReLU at test time. Source: {cite}`nair2010`."""

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return torch.relu(x + torch.sigmoid(x).sqrt() * torch.randn_like(x) if self.training else x)


class ELU(nn.Module):
    r"""The exponential linear unit, x above 0 and :math:`c\,(e^x - 1)` below: ``torch.nn.ELU(c)``. Raises ValueError unless ``c`` is positive. Source: {cite}`clevert2016`."""

    def __init__(self, c: float = 1.0):
        super().__init__()
        self.c = reference.ELU(c).c

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return nn.functional.elu(x, self.c)  # the gradient of torch.expm1 would lose the slope far below 0

    def extra_repr(self) -> str:
        """What print(model) shows."""
        return f"c={self.c}"


class SELU(nn.Module):
    r"""The self-normalizing ELU: ``torch.nn.SELU()``. Source: {cite}`klambauer2017`."""

    def __init__(self) -> None:
        super().__init__()
        self.elu = ELU(reference.SELU.C)

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return reference.SELU.FACTOR * self.elu(x)


class Softplus(nn.Module):
    r"""The smooth rectifier, :math:`y = \log(1 + e^x)`: ``torch.nn.Softplus()``, which returns x itself above 20, where the two differ by 2e-9 at most. Source: {cite}`dugas2001`."""

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return torch.logaddexp(x, x.new_zeros(()))


class GELU(nn.Module):
    r"""The Gaussian error linear unit, :math:`y = \frac x2 (1 + \mathrm{erf}(x/\sqrt2))`: ``torch.nn.GELU()``. Source: {cite}`hendrycks2016`."""

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return x * torch.erfc(-x / math.sqrt(2)) / 2


class SiLU(nn.Module):
    r"""The sigmoid linear unit or swish, :math:`y = x/(1 + e^{-x})`: ``torch.nn.SiLU()``. Sources: {cite}`elfwing2018,ramachandran2017`."""

    def forward(self, x: Tensor) -> Tensor:
        """The bent ``x``, of its shape."""
        return x * torch.sigmoid(x)


class Maxout(nn.Module):
    r"""The maximum of each group of ``pieces`` neighbouring features: (batch, outputs · pieces, ...) to (batch, outputs, ...).

    Of equal entries one has the gradient. Raises ValueError unless ``pieces`` is a whole number of at least 1 that divides the features. Source: {cite}`goodfellow2013`.
    """

    def __init__(self, pieces: int = 2):
        super().__init__()
        self.pieces = reference.Maxout(pieces).pieces

    def forward(self, x: Tensor) -> Tensor:
        """The largest entry of each group."""
        if x.ndim < 2 or x.shape[1] % self.pieces:
            raise ValueError(f"x must be of shape (batch, a multiple of {self.pieces}, ...), got {tuple(x.shape)}")
        return x.unflatten(1, (-1, self.pieces)).max(dim=2).values

    def extra_repr(self) -> str:
        """What print(model) shows."""
        return f"pieces={self.pieces}"


class RBF(nn.Module):
    r"""Radial basis functions, :math:`y_o = \exp(-\lVert x - w_o \rVert_2^2 / 2\sigma_o^2)`, (batch, inputs) to (batch, outputs).

    Parameters, start and errors as in :class:`thalweg.numpy.RBF`. Source: {cite}`broomhead1988`.
    """

    def __init__(self, inputs: int, outputs: int, sigma: float = 1.0):
        super().__init__()
        reference.RBF(inputs, outputs, sigma)  # knows what is allowed
        self.W = nn.Parameter(torch.randn(outputs, inputs))
        self.sigma = nn.Parameter(torch.full((outputs,), float(sigma)))

    def forward(self, x: Tensor) -> Tensor:
        """The answer of each unit."""
        if x.ndim != 2 or x.shape[1] != self.W.shape[1]:
            raise ValueError(f"x must be of shape (batch, {self.W.shape[1]}), got {tuple(x.shape)}")
        away = (x[:, None] - self.W) / self.sigma[:, None]
        return torch.exp(-away.square().sum(dim=2) / 2)


def slope(activation: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The slope of an activation at each entry of ``x``, of its shape, in the mode that the module is in."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(activation(x).sum(), x)[0]


def saturated(activation: Callable[[Tensor], Tensor], x: Tensor, below: float = 0.05) -> Tensor:
    """Which entries of ``x``, what enters the activation, have a slope under a share ``below`` of the largest one from −10 to 10.

    Returns a tensor like ``x`` of True and False. Raises ValueError unless ``below`` is positive. Source: {cite}`glorot2010`.
    """
    require_positive("below", below)
    grid = torch.linspace(-10, 10, 2001, dtype=x.dtype, device=x.device)
    if x.ndim > 1:  # one slope a feature
        grid = grid[:, None].expand(-1, x.shape[1])
    return slope(activation, x).abs() < below * slope(activation, grid).abs().max()


def dead(activation: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Which units have the slope 0 for *every* example of ``x``, what enters the activation, of shape (examples, units, ...).

    Returns a tensor of True and False, shape (units,). Raises ValueError for an ``x`` of another shape or without examples. Source: {cite}`maas2013`.
    """
    if x.ndim < 2 or len(x) == 0:
        raise ValueError(f"x must be of shape (examples, units, ...), with an example at least, got {tuple(x.shape)}")
    return (slope(activation, x) == 0).transpose(0, 1).flatten(1).all(dim=1)
