"""Dropout and its kin as PyTorch modules: the same names and formulas as :mod:`thalweg.numpy.dropout`, on any device.

``model.train()`` switches the noise on, ``model.eval()`` switches it off, as for every module of PyTorch.
"""

import torch
from torch import Tensor, nn

from thalweg import numpy as reference

from .fit import mlp

__all__ = [
    "DropConnect",
    "Dropout",
    "FractionalMaxPool",
    "PlainDropout",
    "StochasticDepth",
    "monte_carlo",
    "thinned_mlp",
]


class _Keep(nn.Module):
    """A module with a probability of keeping, checked by its twin of the NumPy half."""

    def __init__(self, keep: float = 0.5):
        super().__init__()
        self.keep = reference.Dropout(keep).keep  # knows what is allowed

    def mask(self, like: Tensor, *shape: int) -> Tensor:
        """A mask of this shape, of the type and on the device of ``like``: 1/keep with probability keep, else 0."""
        return like.new_empty(shape).bernoulli_(self.keep).div_(self.keep)

    def extra_repr(self) -> str:
        """What print(model) shows."""
        return f"keep={self.keep}"


class Dropout(_Keep):
    r"""Inverted dropout: :math:`y = x \cdot r/p` in training, :math:`y = x` at test time.

    A drop-in for ``torch.nn.Dropout(1 - keep)``, for inputs of any shape. Raises ValueError that names ``keep`` when it
    is out of range. Source: {cite}`srivastava2014`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The input, thinned while training."""
        return x * self.mask(x, *x.shape) if self.training else x


class PlainDropout(_Keep):
    r"""Dropout as first published: :math:`y = x \cdot r` in training, :math:`y = p x` at test time.

    Arguments and errors as in :class:`Dropout`. Source: {cite}`srivastava2014`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The input, thinned while training, scaled down afterwards."""
        return x * torch.empty_like(x).bernoulli_(self.keep) if self.training else self.keep * x


class DropConnect(_Keep):
    r"""A linear layer that drops weights: :math:`y_o = b_o + \sum_i w_{oi} x_i r_{oi}/p`, anew for each example.

    Takes (batch, inputs) to (batch, outputs); ``weight`` and ``bias`` as in ``nn.Linear``. Training needs memory for a
    mask of the weights for each example. Raises ValueError for a bad ``keep``. Source: {cite}`wan2013`.
    """

    def __init__(self, inputs: int, outputs: int, keep: float = 0.5):
        super().__init__(keep)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """The linear layer, with its weights thinned while training."""
        w, b = self.linear.weight, self.linear.bias
        if not self.training:
            return self.linear(x)
        return torch.einsum("boi,bi->bo", self.mask(x, len(x), *w.shape) * w, x) + b


class StochasticDepth(_Keep):
    r"""A residual block whose branch is sometimes skipped: :math:`y = x + f(x)\, r/p`, one draw for each example.

    ``branch`` is the module :math:`f`, from (batch, ...) to the same shape; ``keep`` is the probability that it survives.
    Raises ValueError for a bad ``keep``. Source: {cite}`huang2016`.
    """

    def __init__(self, branch: nn.Module, keep: float = 0.5):
        super().__init__(keep)
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """``x`` plus its branch, which is left out for some of the examples while training."""
        out = self.branch(x)
        return x + out * self.mask(x, len(x), *(1,) * (x.dim() - 1)) if self.training else x + out


class FractionalMaxPool(nn.Module):
    r"""Max pooling of (batch, channels, rows, columns) to ``size`` x ``size`` over windows whose places are drawn.

    The noise stays on in ``eval()`` mode, as in ``torch.nn.FractionalMaxPool2d``, since there is no formula for its
    average: use :func:`monte_carlo`. Errors as in the NumPy half. Source: {cite}`graham2014`.
    """

    def __init__(self, size: int, kernel: int = 2):
        super().__init__()
        self.twin = reference.FractionalMaxPool(size, kernel)

    def _starts(self, length: int, u: Tensor) -> Tensor:
        size, kernel = self.twin.size, self.twin.kernel
        if length < size + kernel - 1:
            raise ValueError(f"length must be at least {size + kernel - 1}, got {length}")
        c, u = (length - kernel) / (size - 1), u[..., None]
        start = (c * (torch.arange(size, device=u.device) + u)).long() - (c * u).long()
        start[..., -1] = length - kernel
        return start

    def forward(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """The pooled images; ``u``, shape (batch, channels, 2), is drawn where it is not given."""
        if u is None:
            u = torch.rand(*x.shape[:2], 2, dtype=x.dtype, device=x.device)
        columns, rows = self._starts(x.shape[3], u[..., 0]), self._starts(x.shape[2], u[..., 1])
        offsets = torch.arange(self.twin.kernel, device=x.device)
        # pool whole rows first, then the columns of what is left: the maximum of maxima
        rows, columns = rows[..., None] + offsets, columns[..., None] + offsets  # (batch, channels, size, kernel)
        x = x.gather(2, rows.flatten(2)[..., None].expand(-1, -1, -1, x.shape[3]))
        x = x.unflatten(2, rows.shape[2:]).amax(dim=3)
        x = x.gather(3, columns.flatten(2)[:, :, None].expand(-1, -1, x.shape[2], -1))
        return x.unflatten(3, columns.shape[2:]).amax(dim=4)


def thinned_mlp(*widths: int, inputs: float = 1.0, hidden: float = 0.5, seed: int = 0) -> nn.Sequential:
    """The network of :func:`thalweg.torch.mlp`, with the same weights, and dropout before its first and after each hidden layer.

    ``inputs`` and ``hidden`` are the probabilities of keeping an input and a hidden unit; ValueError for bad ones.
    """
    layers: list[nn.Module] = [Dropout(inputs)]
    for module in mlp(*widths, seed=seed):
        layers += [module, Dropout(hidden)] if isinstance(module, nn.ReLU) else [module]
    return nn.Sequential(*layers)


@torch.no_grad()
def monte_carlo(model: nn.Module, x: Tensor, passes: int) -> Tensor:
    """The mean of softmax(model(x)) over a number of passes with the noise of this module's layers switched on.

    ``x`` as the model wants it; returns shape (batch, classes). All other layers stay as they are at test time, and the
    modes of all are restored. Raises ValueError for ``passes`` below 1. Sources: {cite}`srivastava2014,gal2016`.
    """
    if passes < 1:
        raise ValueError(f"passes must be at least 1, got {passes!r}")
    modes = {module: module.training for module in model.modules()}
    for module in modes:
        module.training = isinstance(module, _Keep)
    try:
        return torch.stack([model(x).softmax(dim=1) for _ in range(passes)]).mean(dim=0)
    finally:
        for module, mode in modes.items():
            module.training = mode
