"""`minimize` for PyTorch optimizers: the same problems and the same record as :func:`thalweg.minimize.minimize`."""

from collections.abc import Callable

import numpy as np
import torch

from thalweg.minimize import History

from .schedules import Scheduled

__all__ = ["minimize"]


def minimize(
    make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    surface,
    start=None,
    steps: int = 100,
    schedule=None,
) -> History:
    """Run the optimizer that ``make([theta])`` returns on ``surface``, in double precision; return the :class:`History`.

    ``surface`` has ``value(theta)``, ``grad(theta)`` and ``start`` (see :mod:`thalweg.surfaces`), in NumPy. Gradients are handed over
    in a closure, so optimizers that ask for them elsewhere work too. ``schedule`` (see
    :class:`thalweg.numpy.Schedule`), if given, sets the rate of each step. Raises ValueError for ``steps`` below 0.
    """
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps!r}")
    begin = np.array(surface.start if start is None else start, dtype=float)
    theta = torch.nn.Parameter(torch.tensor(begin))
    optimizer, path = make([theta]), [begin]
    scheduler = None if schedule is None else Scheduled(optimizer, schedule)

    def closure() -> torch.Tensor:
        point = theta.detach().numpy()
        theta.grad = torch.as_tensor(surface.grad(point))
        return torch.as_tensor(surface.value(point))

    for _ in range(steps):
        optimizer.step(closure)  # type: ignore[arg-type]
        if scheduler is not None:
            scheduler.step()
        path.append(theta.detach().numpy().copy())
    return History(np.array(path), np.array([surface.value(point) for point in path]))
