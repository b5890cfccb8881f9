"""What every PyTorch optimizer of the book shares: collecting lists of tensors, so that a topic writes its formula only."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class ListOptimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` whose rule is written once, on whole lists of tensors.

    A subclass names its state tensors in ``slots`` (each starts as zeros of its parameter's shape) and writes
    ``update(params, grads, *slots, **hyperparameters)`` in place with ``torch._foreach_*``. Parameters, groups, devices,
    schedulers and ``state_dict`` work as in ``torch.optim``. Parameters without a gradient are left alone.
    """

    slots: tuple[str, ...] = ()
    update: Callable[..., None]  # one step on lists of tensors of matching shapes, in place

    def __init__(self, params: Iterable, **hyperparameters: Any):
        super().__init__(params, hyperparameters)

    def _slots_of(self, params: list[Tensor]) -> list[list[Tensor]]:
        for p in params:
            for slot in self.slots:
                if slot not in self.state[p]:
                    self.state[p][slot] = torch.zeros_like(p, memory_format=torch.preserve_format)
        return [[self.state[p][slot] for p in params] for slot in self.slots]

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step. ``closure``, if given, computes the loss and its gradients anew; its value is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                hyperparameters = {key: value for key, value in group.items() if key in self.defaults}
                self.update(params, [p.grad for p in params], *self._slots_of(params), **hyperparameters)
        return loss
