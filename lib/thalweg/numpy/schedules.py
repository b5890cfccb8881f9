"""Learning-rate schedules: the rate as a function of the step, put together from small ones, and the trial that finds where to begin."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ._hyperparameters import require, require_positive, require_rate

__all__ = [
    "Constant",
    "CosineDecay",
    "Cyclic",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Joined",
    "OneCycle",
    "PiecewiseConstant",
    "PolynomialDecay",
    "Ramp",
    "RangeTrial",
    "Schedule",
    "StepDecay",
    "WarmRestarts",
    "range_trial",
]


class Schedule:
    """What every schedule can do. Each is a frozen dataclass whose ``rate(t)`` is a formula of the step ``t``.

    ``t`` counts from 0, the first step, as a number or an array of any shape; it need not be whole, so that epochs serve as well. The
    rate has its shape. Schedules raise ValueError that names a field out of range.
    """

    def rate(self, t):
        """The learning rate of step ``t``: a number, or an array of the shape of ``t``."""
        raise NotImplementedError

    def then(self, other: "Schedule", at: float) -> "Joined":
        """This schedule before step ``at``, and from there on ``other``, whose own clock begins at 0."""
        return Joined(self, other, at)

    def warmed_up(self, steps: float, start: float = 0.0) -> "Joined":
        """A straight line from ``start`` to this schedule's first rate, which it reaches at step ``steps``; then this schedule."""
        return Ramp(start, float(self.rate(0)), steps).then(self, steps)


@dataclass(frozen=True)
class Joined(Schedule):
    """``first`` before step ``at``, then ``second``, whose own clock begins there; see :meth:`Schedule.then`."""

    first: Schedule
    second: Schedule
    at: float

    def __post_init__(self) -> None:
        require_rate("at", self.at)

    def rate(self, t):
        """The learning rate of step ``t``."""
        before, after = self.first.rate(np.minimum(t, self.at)), self.second.rate(np.maximum(t - self.at, 0))
        return np.where(t < self.at, before, after)[()]


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate ``lr`` for ever."""

    lr: float

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.lr + 0.0 * t


@dataclass(frozen=True)
class Ramp(Schedule):
    r"""A straight line from ``start`` to ``end`` in ``steps`` steps, and ``end`` for ever.

    .. math:: \alpha_t = \alpha_\mathrm{start} + (\alpha_\mathrm{end} - \alpha_\mathrm{start}) \min(t/T, 1)

    As ``torch.optim.lr_scheduler.LinearLR``. Source of the warm-up: {cite}`goyal2017`.
    """

    start: float
    end: float
    steps: float

    def __post_init__(self) -> None:
        require_rate("start", self.start)
        require_rate("end", self.end)
        require_positive("steps", self.steps)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.start + (self.end - self.start) * np.minimum(t / self.steps, 1)


@dataclass(frozen=True)
class StepDecay(Schedule):
    r"""A staircase: multiplied by ``gamma`` after every ``every`` steps.

    .. math:: \alpha_t = \alpha_0\, c^{\lfloor t / T_0 \rfloor}

    As ``torch.optim.lr_scheduler.StepLR``. Sources: lectures Helwan, "Learning rate decay over time!", and UvA, "learning rate schedules".
    """

    lr: float
    every: float
    gamma: float = 0.1

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_positive("every", self.every)
        require_positive("gamma", self.gamma)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.lr * self.gamma ** (t // self.every)


@dataclass(frozen=True)
class PiecewiseConstant(Schedule):
    """A staircase with steps where you want them: multiplied by ``gamma`` at each of the rising step numbers ``at``.

    As ``torch.optim.lr_scheduler.MultiStepLR``.
    """

    lr: float
    at: tuple[float, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require(
            all(a < b for a, b in zip((-1, *self.at), self.at, strict=False)),
            "at",
            self.at,
            "rising step numbers from 0",
        )
        require_positive("gamma", self.gamma)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.lr * self.gamma ** np.searchsorted(self.at, t, side="right")


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    r"""The same factor ``gamma`` in every step; above 1 the rate grows.

    .. math:: \alpha_t = \alpha_0\, c^t

    As ``torch.optim.lr_scheduler.ExponentialLR``. Lecture Helwan writes :math:`c = e^{-k}`.
    """

    lr: float
    gamma: float

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_positive("gamma", self.gamma)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.lr * self.gamma**t


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    r"""One over time; :math:`c` is ``decay``.

    .. math:: \alpha_t = \frac{\alpha_0}{(1 + c\, t)^\mathrm{power}}

    With ``power`` above one half and up to 1 it meets the two conditions of {cite}`robbins1951`. Lecture Helwan has ``power = 1``.
    """

    lr: float
    decay: float
    power: float = 1.0

    def __post_init__(self) -> None:
        for name in ("lr", "decay", "power"):
            require_rate(name, getattr(self, name))

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.lr / (1 + self.decay * t) ** self.power


@dataclass(frozen=True)
class PolynomialDecay(Schedule):
    r"""From ``lr`` to ``end`` in ``steps`` steps, in a straight line where ``power`` is 1.

    .. math:: \alpha_t = \alpha_\mathrm{end} + (\alpha_0 - \alpha_\mathrm{end}) (1 - t/T)^\mathrm{power}

    ``end`` for ever after. As ``torch.optim.lr_scheduler.PolynomialLR``.
    """

    lr: float
    steps: float
    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_positive("steps", self.steps)
        require_positive("power", self.power)
        require_rate("end", self.end)

    def rate(self, t):
        """The learning rate of step ``t``."""
        return self.end + (self.lr - self.end) * (1 - np.minimum(t / self.steps, 1)) ** self.power


@dataclass(frozen=True)
class CosineDecay(Schedule):
    r"""Half a wave of the cosine from ``lr`` to ``end``, in ``steps`` steps.

    .. math:: \alpha_t = \alpha_\mathrm{end} + (\alpha_0 - \alpha_\mathrm{end})\, \tfrac12 (1 + \cos(\pi t / T))

    ``end`` for ever after, as in optax; ``torch.optim.lr_scheduler.CosineAnnealingLR`` is the same up to step ``steps``, and then climbs
    again. Source: {cite}`loshchilov2017`.
    """

    lr: float
    steps: float
    end: float = 0.0

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_positive("steps", self.steps)
        require_rate("end", self.end)

    def rate(self, t):
        """The learning rate of step ``t``."""
        u = np.minimum(t / self.steps, 1)
        return self.end + (self.lr - self.end) * (1 + np.cos(np.pi * u)) / 2


@dataclass(frozen=True)
class Cyclic(Schedule):
    """Triangles: from ``low`` up to ``high`` in ``up`` steps, down again in ``down`` (by default as many), and so on.

    The height of a triangle is multiplied by ``shrink`` with each cycle and by ``gamma`` with each step. As ``torch.optim.lr_scheduler.CyclicLR``,
    whose mode "triangular2" is ``shrink = 0.5`` and "exp_range" has the ``gamma``. Source: {cite}`smith2017`.
    """

    low: float
    high: float
    up: float
    down: float | None = None
    shrink: float = 1.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        require_rate("low", self.low)
        require_rate("high", self.high)
        for name in ("up", "shrink", "gamma", *(["down"] if self.down is not None else [])):
            require_positive(name, getattr(self, name))

    def rate(self, t):
        """The learning rate of step ``t``."""
        down = self.up if self.down is None else self.down
        cycle, place = t // (self.up + down), t % (self.up + down)
        height = np.minimum(place / self.up, (self.up + down - place) / down)
        return self.low + (self.high - self.low) * height * self.shrink**cycle * self.gamma**t


@dataclass(frozen=True)
class WarmRestarts(Schedule):
    r"""Half waves of the cosine from ``lr`` to ``end``, one after the other: the first of ``first`` steps, each ``growth`` times as long as the last.

    As ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``; ``growth`` is at least 1. Source: {cite}`loshchilov2017`.
    """

    lr: float
    first: float
    growth: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_positive("first", self.first)
        require_rate("growth", self.growth)
        require(self.growth >= 1, "growth", self.growth, "at least 1")
        require_rate("end", self.end)

    def cycle(self, t):
        """Which cycle step ``t`` belongs to, counted from 0, and how much of that cycle has passed, from 0 to 1 (always below 1)."""
        done = t / self.first  # in lengths of the first cycle
        if self.growth == 1:
            return np.floor(done), done % 1
        # k cycles take (growth^k - 1) / (growth - 1) of these lengths; without the 1e-9 rounding would miss some borders
        k = np.floor(np.log1p((self.growth - 1) * done) / np.log(self.growth) + 1e-9)
        begin = (self.growth**k - 1) / (self.growth - 1)
        return k, np.maximum(done - begin, 0) / self.growth**k

    def rate(self, t):
        """The learning rate of step ``t``."""
        _, u = self.cycle(t)
        return self.end + (self.lr - self.end) * (1 + np.cos(np.pi * u)) / 2


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up once and down once: from ``lr / div`` to ``lr`` in ``up`` steps, then to ``lr / div / final_div`` at step ``steps``.

    ``up`` is by default three tenths of ``steps``. Both flanks are half waves of the cosine, or straight where ``linear``. ``optax``'s
    ``cosine_onecycle_schedule`` is this; ``torch.optim.lr_scheduler.OneCycleLR`` counts its ``total_steps`` N so that the last *step* has the smallest
    rate: it is ``steps = N - 1, up = 0.3 * N - 1``. Source: {cite}`smith2019`.
    """

    lr: float
    steps: float
    up: float | None = None
    div: float = 25.0
    final_div: float = 1e4
    linear: bool = False

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        for name in ("steps", "div", "final_div", *(["up"] if self.up is not None else [])):
            require_positive(name, getattr(self, name))
        require(self.up is None or self.up < self.steps, "up", self.up, f"below steps = {self.steps!r}")

    def rate(self, t):
        """The learning rate of step ``t``."""
        up, start = 0.3 * self.steps if self.up is None else self.up, self.lr / self.div
        end = start / self.final_div
        shape = (lambda u: u) if self.linear else (lambda u: (1 - np.cos(np.pi * u)) / 2)  # from 0 to 1
        rising = start + (self.lr - start) * shape(np.minimum(t / up, 1))
        falling = self.lr + (end - self.lr) * shape(np.clip((t - up) / (self.steps - up), 0, 1))
        return np.where(t < up, rising, falling)[()]


@dataclass(frozen=True)
class RangeTrial:
    """What a range trial has seen: the loss before the step at each of the rising ``rates``; both of shape (steps,)."""

    rates: np.ndarray
    losses: np.ndarray

    def smoothed(self, width: int = 5) -> np.ndarray:
        """The mean of each loss and its up to ``width`` neighbours on either side (at the ends fewer, as many on both). Looking both ways
        it does not lag."""
        n = len(self.losses)
        reach = [min(width, i, n - 1 - i) for i in range(n)]
        return np.array([self.losses[i - r : i + r + 1].mean() for i, r in enumerate(reach)])

    def steepest(self, width: int = 5) -> float:
        """The rate at which the smoothed loss falls fastest, on the logarithmic scale of the rates."""
        return float(self.rates[np.argmin(np.gradient(self.smoothed(width)))])

    def tenth(self, width: int = 5) -> float:
        """A tenth of the rate at which the smoothed loss is lowest: the cautious reading."""
        return float(self.rates[np.argmin(self.smoothed(width))] / 10)


def range_trial(
    optimizer,
    loss_and_grad: Callable[[np.ndarray], tuple[float, np.ndarray]],
    theta,
    lowest: float = 1e-4,
    highest: float = 10.0,
    steps: int = 100,
) -> RangeTrial:
    """Train with a rate that rises from ``lowest`` to ``highest`` by the same factor in each step; return the :class:`RangeTrial`.

    ``optimizer``: one of this package, which has an ``lr``. ``loss_and_grad(theta)``: a loss of at least 0 and its gradient, both of the same
    mini-batch, a new one in each call. It stops at a loss four times the lowest so far, or at one that is not finite. Raises ValueError for ``lowest``,
    ``highest`` or ``steps`` out of range. Source: {cite}`smith2017`, with a rate that grows by equal steps. On log-spaced values: lecture UvA, "learning rate
    in practice".
    """
    losses: list[float] = []
    state = optimizer.init(theta)
    for lr in trial_rates(lowest, highest, steps):
        loss, grad = loss_and_grad(theta)
        if stops(float(loss), losses):
            break
        theta, state = replace(optimizer, lr=lr).step(theta, grad, state)
    return RangeTrial(np.array(trial_rates(lowest, highest, steps)[: len(losses)]), np.array(losses))


def trial_rates(lowest: float, highest: float, steps: int) -> list[float]:
    """The rates of a range trial. Raises ValueError for arguments out of range."""
    require_positive("lowest", lowest)
    require_rate("highest", highest)
    require(highest > lowest, "highest", highest, f"above lowest = {lowest!r}")
    require(isinstance(steps, int) and steps >= 3, "steps", steps, "a whole number of at least 3")
    return np.geomspace(lowest, highest, steps).tolist()


def stops(loss: float, losses: list[float]) -> bool:
    """Note a finite ``loss`` in ``losses``, and say whether a range trial ends with it."""
    if np.isfinite(loss):
        losses.append(loss)
    return bool(not np.isfinite(loss) or loss > 4 * min(losses))
