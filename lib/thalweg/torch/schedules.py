"""Schedules for PyTorch optimizers: those of :mod:`thalweg.numpy.schedules` are formulas of the step, and this is what sets the rate by them."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from thalweg.data import Split
from thalweg.numpy import schedules as reference

__all__ = ["Scheduled", "range_trial"]


class Scheduled(torch.optim.lr_scheduler.LRScheduler):
    """Sets the learning rate of ``optimizer``, any of ``torch.optim``'s kind, to what a schedule says of each step.

    ``schedule``: one of :class:`thalweg.numpy.Schedule`, or a list of them, one for each parameter group. As every scheduler of
    PyTorch: it sets the first rate at once, and ``step()`` comes after the optimizer's. ``state_dict`` holds the number of the step; the schedule is
    handed in again. Raises ValueError for a list of another length.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: reference.Schedule | list[reference.Schedule],
        last_epoch: int = -1,
    ):
        groups = len(optimizer.param_groups)
        self.schedules = schedule if isinstance(schedule, list) else [schedule] * groups
        if len(self.schedules) != groups:
            raise ValueError(
                f"schedule must have one entry for each of the {groups} groups, got {len(self.schedules)} of them"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """The rates of the step that comes next, one for each group."""
        return [float(schedule.rate(self.last_epoch)) for schedule in self.schedules]

    def state_dict(self) -> dict[str, Any]:
        """How far it is: plain numbers, which ``torch.load`` reads."""
        return {name: value for name, value in super().state_dict().items() if name != "schedules"}


def range_trial(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Split,
    lowest: float = 1e-4,
    highest: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
) -> reference.RangeTrial:
    """Train ``model`` on mini-batches with a rate that rises from step to step, and put everything back as it was.

    ``lowest``, ``highest``, ``steps``, the end and the errors as in :func:`thalweg.numpy.range_trial`; ``data``, ``batch_size``, ``seed`` and ``loss`` as in
    :func:`fit`. Model and optimizer have their old values again when it is done.
    """
    losses: list[float] = []
    rates = reference.trial_rates(lowest, highest, steps)
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    try:
        for lr, (x, y) in zip(rates, _batches(model, data, batch_size, seed), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.zero_grad()
            value = loss(model(x), y)
            if reference.stops(float(value.detach()), losses):
                break
            value.backward()
            optimizer.step()
    finally:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        optimizer.zero_grad()
    return reference.RangeTrial(np.array(rates[: len(losses)]), np.array(losses))


def _batches(model: nn.Module, data: Split, batch_size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Mini-batches for ever, on the model's own device, shuffled anew in each epoch."""
    parameter, order = next(model.parameters()), torch.Generator().manual_seed(seed)
    x = torch.as_tensor(data.x_train, dtype=parameter.dtype, device=parameter.device)
    y = torch.as_tensor(data.y_train, device=parameter.device)
    while True:
        for rows in torch.randperm(len(x), generator=order).split(batch_size):
            yield x[rows], y[rows]
