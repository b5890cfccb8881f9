"""Momentum on PyTorch tensors: the same names and formulas as :mod:`thalweg.numpy.momentum`, in place, on any device."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from thalweg import numpy as reference

from ._optimizer import ListOptimizer

__all__ = ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead"]


class Momentum(ListOptimizer):
    r"""Heavy ball, rate outside: :math:`v \leftarrow \rho v + g,\ \theta \leftarrow \theta - \alpha v`.

    A drop-in for ``torch.optim.SGD(params, lr, momentum=rho)``. ``params``: tensors or parameter groups of any shapes.
    ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names ``lr`` or ``rho`` when it is out of range. Source:
    {cite}`sutskever2013`.
    """

    slots = ("v",)
    twin: type[reference.Momentum] = reference.Momentum

    def __init__(self, params: Iterable, lr: float = 0.01, rho: float = 0.9, *, compiled: bool = False):
        super().__init__(params, lr=lr, rho=rho, compiled=compiled)

    def update(self, params, grads, v, *, lr, rho):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_mul_(v, rho)
        torch._foreach_add_(v, grads)
        torch._foreach_add_(params, v, alpha=-lr)


class MomentumRateInside(Momentum):
    r"""Heavy ball, rate inside: :math:`v \leftarrow \rho v + \alpha g,\ \theta \leftarrow \theta - v`.

    Arguments and errors as in :class:`Momentum`. Sources: lectures Misra and UvA.
    """

    twin = reference.MomentumRateInside

    def update(self, params, grads, v, *, lr, rho):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_mul_(v, rho)
        torch._foreach_add_(v, grads, alpha=lr)
        torch._foreach_sub_(params, v)


class Nesterov(Momentum):
    r"""Nesterov after the change of variables: :math:`v \leftarrow \rho v + g,\ \theta \leftarrow \theta - \alpha(g + \rho v)`.

    A drop-in for ``torch.optim.SGD(params, lr, momentum=rho, nesterov=True)``. Arguments and errors as in
    :class:`Momentum`; ``rho = 0`` is refused. Source: {cite}`sutskever2013`.
    """

    twin = reference.Nesterov

    def update(self, params, grads, v, *, lr, rho):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_mul_(v, rho)
        torch._foreach_add_(v, grads)
        torch._foreach_add_(params, grads, alpha=-lr)
        torch._foreach_add_(params, v, alpha=-lr * rho)


class NesterovLookAhead(Momentum):
    r"""Nesterov as it is explained: :math:`v \leftarrow \rho v + \alpha \nabla L(\theta - \rho v),\ \theta \leftarrow \theta - v`.

    ``step`` needs a closure that clears the gradients, computes the loss and calls ``backward``: it is called at the
    look-ahead point. Arguments and errors as in :class:`Nesterov`. Source: {cite}`sutskever2013`.
    """

    twin = reference.NesterovLookAhead

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step; ``closure`` computes the loss and its gradients, here at the look-ahead point. Returns that loss."""
        if closure is None:
            raise ValueError("closure must be given: the look-ahead form takes the gradient at another point")
        homes = []
        for group in self.param_groups:
            (v,) = self._slots_of(group["params"])
            homes.append([p.clone() for p in group["params"]])
            torch._foreach_add_(group["params"], v, alpha=-group["rho"])
        try:
            with torch.enable_grad():
                loss = closure()
        finally:  # the parameters come home, whatever the closure did
            for group, home in zip(self.param_groups, homes, strict=True):
                torch._foreach_copy_(group["params"], home)
        super().step()
        return loss

    update = MomentumRateInside.update  # the velocity holds displacements, as there
