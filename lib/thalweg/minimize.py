"""`minimize`: the one loop that runs every NumPy optimizer of the book and records what the figures read."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class History:
    """The path of a run. ``theta``: shape (steps + 1, *shape of start); ``loss``: shape (steps + 1,)."""

    theta: np.ndarray
    loss: np.ndarray

    def steps_to(self, loss: float) -> float:
        """The first step at which the loss was ``loss`` or less; ``inf`` if it never was."""
        reached = np.flatnonzero(self.loss <= loss)
        return float(reached[0]) if len(reached) else np.inf


def progress_bar(steps: int, label: str, wanted: bool | None):
    """``range(steps)`` with a tqdm bar where tqdm is installed. ``wanted=None``: only for runs of over a second on a terminal."""
    try:
        from tqdm import auto, std
    except ImportError:  # the bare package needs numpy alone
        return range(steps)
    if wanted is None:  # a notebook is no terminal: a widget that comes and goes would spoil a page
        return std.tqdm(range(steps), desc=label, unit="step", disable=None, delay=1.0, leave=False)
    return auto.tqdm(range(steps), desc=label, unit="step", disable=not wanted, leave=False)


def minimize(
    optimizer,
    surface,
    start=None,
    steps: int = 100,
    noise: Callable[[int], np.ndarray] | None = None,
    progress: bool | None = None,
    schedule=None,
) -> History:
    """Run ``optimizer`` on ``surface`` for a number of steps; return the :class:`History`.

    ``surface`` has ``value(theta)``, ``grad(theta)`` and ``start`` (see :mod:`thalweg.surfaces`). ``noise(t)``, if given,
    is added to the gradient of step t (shape of theta). ``schedule`` (see :class:`thalweg.numpy.Schedule`), if given, sets the
    optimizer's ``lr`` before each step. A run that diverges stops being updated at the last finite
    point's overflow: its losses are ``inf``. Raises ValueError for a start that is not finite or ``steps`` below 0.
    """
    theta = np.array(surface.start if start is None else start, dtype=float)
    if not np.all(np.isfinite(theta)):
        raise ValueError(f"start must be finite, got {theta!r}")
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps!r}")
    where = getattr(optimizer, "where", lambda theta, state: theta)
    state = optimizer.init(theta)
    rates = None if schedule is None else np.asarray(schedule.rate(np.arange(steps))).tolist()
    thetas = np.empty((steps + 1, *theta.shape))
    losses = np.full(steps + 1, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        thetas[0], losses[0] = theta, surface.value(theta)
        for t in progress_bar(steps, type(optimizer).__name__, progress):
            if rates is not None:
                optimizer = replace(optimizer, lr=rates[t])
            grad = surface.grad(where(theta, state))
            if noise is not None:
                grad = grad + noise(t)
            theta, state = optimizer.step(theta, grad, state)
            thetas[t + 1] = theta
            loss = surface.value(theta)
            if not np.isfinite(loss):
                thetas[t + 1 :] = np.nan
                break
            losses[t + 1] = loss
    return History(thetas, losses)
