"""The schemes of :mod:`thalweg.numpy.initialization` in place on PyTorch tensors and modules, and gradients that are clipped in place."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require_choice, require_positive, require_rate
from thalweg.numpy.initialization import require_cut, spread_after_cut

__all__ = [
    "clip_by_norm", "clip_by_value", "fans", "glorot", "he", "initialized", "lecun", "orthogonal", "small_normal", "truncated_normal",
]  # fmt: skip


def fans(weight: Tensor) -> tuple[int, int]:
    """The pair (d_in, d_out) of a layer's weights: see :func:`thalweg.numpy.fans`, errors included."""
    return reference.fans(weight.shape)


def lecun(
    weight: Tensor, generator: torch.Generator | None = None, gain: float = 1.0, distribution: str = "normal"
) -> Tensor:
    """Fill ``weight`` in place and return it: see :func:`thalweg.numpy.lecun`, errors included."""
    return _fill(weight, generator, gain, fans(weight)[0], distribution)


def glorot(
    weight: Tensor, generator: torch.Generator | None = None, gain: float = 1.0, distribution: str = "normal"
) -> Tensor:
    """Fill ``weight`` in place and return it, as ``torch.nn.init.xavier_normal_`` does: see :func:`thalweg.numpy.glorot`, errors included."""
    return _fill(weight, generator, gain, sum(fans(weight)) / 2, distribution)


def he(
    weight: Tensor,
    generator: torch.Generator | None = None,
    gain: float = 2**0.5,
    distribution: str = "normal",
    keep: str = "forward",
) -> Tensor:
    """Fill ``weight`` in place and return it, as ``torch.nn.init.kaiming_normal_`` does: see :func:`thalweg.numpy.he`, errors included."""
    require_choice("keep", keep, ("forward", "backward"))
    return _fill(weight, generator, gain, fans(weight)[keep == "backward"], distribution)


def _fill(weight: Tensor, generator, gain: float, fan: float, distribution: str) -> Tensor:
    require_positive("gain", gain)
    require_choice("distribution", distribution, ("normal", "uniform", "truncated"))
    std = gain / fan**0.5
    with torch.no_grad():
        if distribution == "normal":
            return weight.normal_(0, std, generator=generator)
        if distribution == "uniform":
            return weight.uniform_(-std * 3**0.5, std * 3**0.5, generator=generator)
    return truncated_normal(weight, generator, std)


@torch.no_grad()
def small_normal(weight: Tensor, generator: torch.Generator | None = None, std: float = 0.01) -> Tensor:
    """Fill ``weight`` in place from N(0, ``std``²) and return it. Raises ValueError for a negative ``std``."""
    require_rate("std", std)
    return weight.normal_(0, std, generator=generator)


@torch.no_grad()
def truncated_normal(
    weight: Tensor,
    generator: torch.Generator | None = None,
    std: float = 1.0,
    cut: float = 2.0,
    rescaled: bool = True,
) -> Tensor:
    """Fill ``weight`` in place and return it: see :func:`thalweg.numpy.truncated_normal`, errors included.

    ``torch.nn.init.trunc_normal_`` is the form without ``rescaled``, and has limits in absolute numbers, not in standard deviations.
    """
    require_rate("std", std)
    require_cut(cut)
    weight.normal_(generator=generator)
    while (beyond := weight.abs() > cut).any():
        weight[beyond] = torch.empty_like(weight[beyond]).normal_(generator=generator)
    return weight.mul_(std / spread_after_cut(cut) if rescaled else std)


@torch.no_grad()
def orthogonal(weight: Tensor, generator: torch.Generator | None = None, gain: float = 1.0) -> Tensor:
    """Fill ``weight`` in place and return it, as ``torch.nn.init.orthogonal_`` does: see :func:`thalweg.numpy.orthogonal`, errors included."""
    require_positive("gain", gain)
    fans(weight)  # complains about a bad shape
    drawn = weight.new_empty(len(weight), weight[0].numel()).normal_(generator=generator)
    wide = drawn.shape[0] < drawn.shape[1]
    q, r = torch.linalg.qr(drawn.T if wide else drawn)
    q = q * r.diagonal().sign()
    return weight.copy_(gain * (q.T if wide else q).reshape(weight.shape))


def initialized(model: nn.Module, scheme: Callable[..., Tensor], generator: torch.Generator | None = None) -> nn.Module:
    """Draw all weights of a module anew, in place, and return it; its biases become 0.

    ``scheme(weight, generator)`` fills the weight of each linear layer and convolution inside, in the order of ``model.modules()``; transposed
    convolutions, embeddings, recurrent and normalizing layers stay as they are. Raises ValueError for a model without any such layer.
    """
    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d))]
    if not layers:
        raise ValueError(f"model must contain a linear layer or a convolution, got {type(model).__name__}")
    for layer in layers:
        scheme(layer.weight, generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


@torch.no_grad()
def clip_by_value(parameters: Tensor | Iterable[Tensor], threshold: float) -> None:
    """Keep each entry of all gradients between minus and plus ``threshold``, in place: see :func:`thalweg.numpy.clip_by_value`.

    The same as ``torch.nn.utils.clip_grad_value_``, for one parameter or several. Parameters without a gradient are left out.
    """
    require_positive("threshold", threshold)
    for g in _gradients(parameters):
        g.clamp_(-threshold, threshold)


@torch.no_grad()
def clip_by_norm(parameters: Tensor | Iterable[Tensor], threshold: float) -> Tensor:
    """Make all gradients shorter together, in place, and return their length before: see :func:`thalweg.numpy.clip_by_norm`.

    For one parameter or several. ``torch.nn.utils.clip_grad_norm_`` adds 1e-6 to the length it divides by. Parameters without a gradient are left out. The length is a tensor
    on their device, and nothing waits for it.
    """
    require_positive("threshold", threshold)
    gradients = _gradients(parameters)
    if not gradients:
        return torch.tensor(0.0)
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, threshold / norm.clamp(min=threshold))
    return norm
