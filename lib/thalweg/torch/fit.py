"""`fit`: the one loop that trains every network of the book, and records what the figures read."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from thalweg.data import Split
from thalweg.minimize import progress_bar

from .schedules import Scheduled

__all__ = ["Curve", "fit", "mlp"]


@dataclass(frozen=True)
class Curve:
    """What happened in each epoch, arrays of shape (epochs,): mean training loss, accuracy on train and test in [0, 1]."""

    loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray


def mlp(*widths: int, seed: int = 0) -> nn.Sequential:
    """A network of linear layers of these widths with ReLU between them; ``seed`` fixes its weights."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def _accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """In test mode: without dropout's noise, with batch normalization's running averages. Where ``y`` holds no classes there is none."""
    if y.is_floating_point():
        return float("nan")
    model.eval()
    right = float((model(x).argmax(dim=1) == y).float().mean())
    model.train()
    return right


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Split,
    epochs: int = 20,
    batch_size: int = 32,
    seed: int = 0,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    progress: bool | None = None,
    schedule=None,
) -> Curve:
    """Train ``model`` with ``optimizer`` on mini-batches of ``data``, on the model's own device; return its :class:`Curve`.

    ``seed`` fixes the order of the batches. Accuracies are taken in test mode, and are nan where the targets are no classes but
    numbers, for which ``loss`` must be another one; the model is left in training mode. ``schedule``, if given, sets the
    rate of each step, counted in mini-batches over all epochs (see :class:`Scheduled`). A run whose
    loss is no longer finite stops; the rest of its curve is ``inf`` for the loss and the last accuracies. Raises ValueError
    for ``epochs`` or ``batch_size`` below 1.
    """
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count!r}")
    parameter = next(model.parameters())
    x, x_test = (
        torch.as_tensor(a, dtype=parameter.dtype, device=parameter.device) for a in (data.x_train, data.x_test)
    )
    y, y_test = (torch.as_tensor(a, device=parameter.device) for a in (data.y_train, data.y_test))
    order = torch.Generator().manual_seed(seed)
    scheduler = None if schedule is None else Scheduled(optimizer, schedule)
    model.train()
    losses = np.full(epochs, np.inf)
    accuracies = np.zeros((2, epochs))
    for epoch in progress_bar(epochs, type(optimizer).__name__, progress):
        total = 0.0
        for batch in torch.randperm(len(x), generator=order).split(batch_size):
            optimizer.zero_grad()
            value: Tensor = loss(model(x[batch]), y[batch])
            value.backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            total += float(value.detach()) * len(batch)
        accuracies[:, epoch:] = np.array([[_accuracy(model, x, y)], [_accuracy(model, x_test, y_test)]])
        if not np.isfinite(total):
            break
        losses[epoch] = total / len(x)
    return Curve(losses, accuracies[0], accuracies[1])
