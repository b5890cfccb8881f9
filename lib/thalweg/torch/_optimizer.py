"""What every PyTorch optimizer of the book shares: collecting lists of tensors, so that a topic writes its formula only."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor


class ListOptimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` whose rule is written once, on whole lists of tensors.

    A subclass names its state tensors in ``slots`` (each starts as zeros of its parameter's shape) and writes
    ``update(params, grads, *slots, **hyperparameters)`` in place with ``torch._foreach_*``. With ``counts = True`` it is also
    told ``t``, the number of the step, from 1. ``twin`` is the NumPy class of the same name: it knows which hyperparameters are
    allowed. Parameters, groups, devices, schedulers and ``state_dict`` work as in ``torch.optim``. Parameters without a
    gradient are left alone.
    """

    slots: tuple[str, ...] = ()
    counts = False
    twin: Any  # a dataclass
    update: Callable[..., None]  # one step on lists of tensors of matching shapes, in place

    def __init__(self, params: Iterable, **hyperparameters: Any):
        super().__init__(params, hyperparameters)

    def add_param_group(self, param_group: dict) -> None:
        """Add a group of parameters, with its own hyperparameters if wanted; they are checked. Raises ValueError for a bad one."""
        self.twin(**{name: param_group.get(name, self.defaults[name]) for name in self._names()})
        super().add_param_group(param_group)

    def _names(self) -> list[str]:
        """The hyperparameters' names. (``self.defaults`` holds torch's own as well once a state dict was loaded.)"""
        return [field.name for field in fields(self.twin)]

    def _slots_of(self, params: list[Tensor]) -> list[list[Tensor]]:
        for p in params:
            for slot in self.slots:
                if slot not in self.state[p]:
                    self.state[p][slot] = torch.zeros_like(p, memory_format=torch.preserve_format)
        return [[self.state[p][slot] for p in params] for slot in self.slots]

    def _by_step(self, params: list[Tensor]) -> Iterable[tuple[dict[str, int], list[Tensor]]]:
        """The parameters that take the same step, together: one that had no gradient for a while is behind the others."""
        if not self.counts:
            return [({}, params)]
        steps = defaultdict(list)
        for p in params:
            self.state[p]["t"] = self.state[p].get("t", 0) + 1
            steps[self.state[p]["t"]].append(p)
        return [({"t": t}, together) for t, together in steps.items()]

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step. ``closure``, if given, computes the loss and its gradients anew; its value is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyperparameters = {name: group[name] for name in self._names()}
            for count, params in self._by_step([p for p in group["params"] if p.grad is not None]):
                if params:
                    grads = [p.grad for p in params]
                    self.update(params, grads, *self._slots_of(params), **count, **hyperparameters)
        return loss
