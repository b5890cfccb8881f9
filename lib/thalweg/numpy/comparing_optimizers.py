"""Comparing optimizers: small problems that each have one difficulty, budgets of trials, and two newcomers, Lion and Muon."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np

from ._hyperparameters import require, require_count, require_fraction, require_rate

__all__ = ["Lion", "Muon", "UnitTest", "best_of_k", "gauntlet", "orthogonalize", "performance_profile", "unit_tests"]


@dataclass(frozen=True)
class Lion:
    r"""Lion: a step of one length in every coordinate; only the sign of an average counts.

    .. math::

        \theta_{t+1} &= (1 - \alpha\lambda)\,\theta_t - \alpha\, \mathrm{sign}\bigl(\beta_1 m_t + (1 - \beta_1)\, g_t\bigr) \\
        m_{t+1} &= \beta_2 m_t + (1 - \beta_2)\, g_t

    ``lr`` is :math:`\alpha \ge 0`, ``beta1`` and ``beta2`` are in [0, 1), ``weight_decay`` is :math:`\lambda \ge 0`. ``theta``, ``grad`` and the
    state ``m`` have one shape, any shape. Raises ValueError that names a bad argument and its value. Source: {cite}`chen2023`.
    """

    lr: float = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("beta1", self.beta1)
        require_fraction("beta2", self.beta2)
        require_rate("weight_decay", self.weight_decay)

    def init(self, theta):
        """The average before the first step: zeros of ``theta``'s shape."""
        return np.zeros_like(theta)

    def step(self, theta, grad, m):
        """Return the next ``theta`` and ``m``; ``grad`` is the gradient at ``theta``. Changes no argument."""
        sign = np.sign(self.beta1 * m + (1 - self.beta1) * grad)
        m = self.beta2 * m + (1 - self.beta2) * grad
        return (1 - self.lr * self.weight_decay) * theta - self.lr * sign, m


QUINTIC = (
    3.4445,
    -4.7750,
    2.0315,
)  # a x + b x^3 + c x^5: steep at 0, and it leaves no number between 0 and 1.2 above 1.21


def orthogonalize(matrix, steps=5, eps=1e-7):
    r"""Bring every singular value of a matrix to about 1 (0.68 to 1.21, if it is not below 1/500 of their norm), with products alone.

    .. math:: X \leftarrow 3.4445\, X - 4.775\, X X^\top X + 2.0315\, (X X^\top)^2 X

    from the matrix divided by its Frobenius norm, or by ``eps`` if that is larger. ``matrix``: shape (..., rows, columns), a stack of matrices; returns the same shape. ``steps``: how often the polynomial is applied,
    each time to all singular values at once. A Newton-Schulz iteration; source: {cite}`jordan2024`.
    """
    a, b, c = QUINTIC
    x = matrix / np.maximum(np.linalg.norm(matrix, axis=(-2, -1), keepdims=True), eps)
    for _ in range(steps):
        square = x @ np.swapaxes(x, -2, -1)
        x = a * x + (b * square + c * square @ square) @ x
    return x


@dataclass(frozen=True)
class Muon:
    r"""Muon: momentum whose matrix is made orthogonal before the step, so that it is equally long in every direction.

    .. math::

        v_{t+1} &= \rho v_t + g_t \\
        \theta_{t+1} &= (1 - \alpha\lambda)\,\theta_t - \alpha \sqrt{\max(1, d_\mathrm{out}/d_\mathrm{in})}\ \mathrm{orthogonalize}(g_t + \rho v_{t+1})

    for a matrix of :math:`d_\mathrm{out}` rows and :math:`d_\mathrm{in}` columns. ``lr`` is :math:`\alpha \ge 0`, ``rho`` in [0, 1), ``weight_decay`` is :math:`\lambda \ge 0`;
    ``nesterov=False`` puts :math:`v_{t+1}` in the place of :math:`g_t + \rho v_{t+1}`; ``steps`` and ``eps`` as in :func:`orthogonalize`. ``theta``, ``grad``
    and the state ``v`` have one shape (..., rows, columns): matrices, or stacks of matrices. Raises ValueError that names a bad argument and its
    value, and for a ``theta`` that is no matrix. Source: {cite}`jordan2024`.
    """

    lr: float = 0.001
    rho: float = 0.95
    weight_decay: float = 0.1
    nesterov: bool = True
    steps: int = 5
    eps: float = 1e-7

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("rho", self.rho)
        require_rate("weight_decay", self.weight_decay)
        require_count("steps", self.steps)
        require_rate("eps", self.eps)

    def init(self, theta):
        """The velocity before the first step: zeros of ``theta``'s shape."""
        require(np.ndim(theta) >= 2, "the shape of theta", np.shape(theta), "that of a matrix")
        return np.zeros_like(theta)

    def step(self, theta, grad, v):
        """Return the next ``theta`` and ``v``; ``grad`` is the gradient at ``theta``. Changes no argument."""
        v = self.rho * v + grad
        direction = orthogonalize(grad + self.rho * v if self.nesterov else v, self.steps, self.eps)
        rows, columns = theta.shape[-2:]
        theta = (1 - self.lr * self.weight_decay) * theta
        return theta - self.lr * max(1, rows / columns) ** 0.5 * direction, v


# --- budgets, and many problems at once ---------------------------------------------------------------------------


def best_of_k(losses, k, reported=None):
    r"""What to expect of the best of ``k`` trials out of those in ``losses``, drawn without replacement; exact, nothing is drawn.

    With the losses in ascending order, the i-th of n is the best of k if it is drawn and the others come from the n - i behind it:

    .. math:: \mathrm{E} = \sum_{i=1}^{n} \binom{n-i}{k-1} \Big/ \binom{n}{k}\ L_{(i)}

    ``losses``: shape (n,), smaller is better, ``inf`` for a trial that failed; ``k``: 1 to n. ``reported``, shape (n,), is what is told of the trial
    that was chosen by its loss, say its error on other data; by default the loss itself. Returns a number; ``inf`` if one that is ``inf`` can be
    chosen. Raises ValueError for a bad ``k`` or ``losses`` that are nan. Sources: {cite}`dodge2019,tang2020`.
    """
    losses = np.asarray(losses, dtype=float)
    n = len(losses)
    require(not np.isnan(losses).any(), "losses", losses, "free of nan: write inf for a trial that failed")
    require_count("k", k)
    require(k <= n, "k", k, f"at most the number of trials, {n}")
    order = np.argsort(losses, kind="stable")
    chances = np.array([comb(n - i, k - 1) / comb(n, k) for i in range(1, n + 1)])
    values = np.asarray(losses if reported is None else reported, dtype=float)[order]
    return float(values[chances > 0] @ chances[chances > 0])


def performance_profile(costs, factors):
    """For each solver, on what share of the problems it costs at most ``factor`` times what the best solver costs there.

    ``costs``: shape (problems, solvers), above 0, ``inf`` where a solver failed; ``factors``: shape (m,), at least 1. Returns shape (solvers, m). A
    problem that nobody solves counts as failed for all. Raises ValueError for costs that are nan or not above 0. Source: {cite}`dolan2002`.
    """
    costs, factors = np.asarray(costs, dtype=float), np.asarray(factors)
    require(bool(np.all(costs > 0)), "costs", costs, "above 0, or inf")
    best = costs.min(axis=1, keepdims=True)
    within = costs[..., None] <= best[..., None] * factors
    return (within & np.isfinite(costs)[..., None]).mean(axis=0)


# --- the gauntlet -------------------------------------------------------------------------------------------------


class _Shape(NamedTuple):
    height: Callable[[np.ndarray], np.ndarray]  # above the lowest point
    slope: Callable[[np.ndarray], np.ndarray]
    bend: Callable[[np.ndarray], np.ndarray]  # the curvature
    start: float  # how far from 0 a walk begins


# The lowest point is at 0, but for the saddle, which has one on each side of a ridge at 0.
SHAPES = {
    "bowl": _Shape(lambda z: z**2 / 2, lambda z: z, np.ones_like, 2.0),
    "kink": _Shape(np.abs, np.sign, np.zeros_like, 2.0),
    "flat bottom": _Shape(lambda z: z**4 / 4, lambda z: z**3, lambda z: 3 * z**2, 2.0),
    "funnel": _Shape(
        lambda z: np.sqrt(1 + z**2) - 1, lambda z: z / np.sqrt(1 + z**2), lambda z: (1 + z**2) ** -1.5, 4.0
    ),
    "plateau": _Shape(
        lambda z: 1 - np.exp(-(z**2) / 2),
        lambda z: z * np.exp(-(z**2) / 2),
        lambda z: (1 - z**2) * np.exp(-(z**2) / 2),
        2.5,
    ),
    "steep side": _Shape(
        lambda z: np.where(z > 0, 8.0, 0.5) * z**2,
        lambda z: np.where(z > 0, 16.0, 1.0) * z,
        lambda z: np.where(z > 0, 16.0, 1.0),
        2.0,
    ),
    "ripples": _Shape(
        lambda z: z**2 / 2 + 0.1 * (1 - np.cos(8 * z)),
        lambda z: z + 0.8 * np.sin(8 * z),
        lambda z: 1 + 6.4 * np.cos(8 * z),
        2.0,
    ),
    "saddle": _Shape(lambda z: (z**2 - 1) ** 2 / 4, lambda z: z**3 - z, lambda z: 3 * z**2 - 1, 0.01),
}
# A noise: what it makes of a gradient, given the loss's scale, normal numbers and numbers uniform in [0, 1).
NOISES = {
    "none": lambda g, scale, normal, uniform: g,
    "additive": lambda g, scale, normal, uniform: g + 4 * scale * normal,
    "multiplicative": lambda g, scale, normal, uniform: g * (1 + 2 * normal),
    "sparse": lambda g, scale, normal, uniform: g * (uniform < 0.1) / 0.1,
    "outliers": lambda g, scale, normal, uniform: g + scale / 2 * np.tan(np.pi * (uniform - 0.5)),
}
DRIFTS = ("stands", "drifts", "jumps")
STRETCH = np.array([1.0, 1.5, 2.5, 4.0])  # of the four coordinates; curvatures go with its square
TURN = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2  # no coordinate stays by itself


@dataclass(frozen=True)
class UnitTest:
    """One small problem for a stochastic optimizer: four parameters, in a matrix of 2 by 2, and one gradient at each step.

    ``shape``: a key of ``SHAPES``; the loss is the sum of that shape along four axes, stretched 1, 1.5, 2.5 and 4 times. ``noise``: a key of
    ``NOISES``, what is done to each gradient. ``scale``: what the loss is multiplied by. ``drift``: the place of the minimum "stands", "drifts" (away, by a
    start's distance within the run), or "jumps" (as far, half way). ``turned``: whether the axes lie askew to the parameters.
    Source of the idea: {cite}`schaul2014`.
    """

    shape: str = "bowl"
    noise: str = "none"
    scale: float = 1.0
    drift: str = "stands"
    turned: bool = False

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("shape", self.shape, SHAPES),
            ("noise", self.noise, NOISES),
            ("drift", self.drift, DRIFTS),
        ):
            require(value in allowed, name, value, f"one of {', '.join(allowed)}")
        require_rate("scale", self.scale)
        require(self.scale > 0, "scale", self.scale, "above 0")


def unit_tests(
    shapes: Iterable[str] = tuple(SHAPES),
    noises: Iterable[str] = tuple(NOISES),
    scales: Iterable[float] = (0.01, 1.0, 100.0),
    drifts: Iterable[str] = DRIFTS,
    turned: Iterable[bool] = (False, True),
) -> list[UnitTest]:
    """Every combination of these: 720 tests by default. Raises ValueError for a name that there is not."""
    return [UnitTest(*choice) for choice in product(shapes, noises, scales, drifts, turned)]


def gauntlet(optimizer, tests: Sequence[UnitTest], seeds: Sequence[int] = range(5), steps: int = 200) -> np.ndarray:
    """Run an optimizer on all ``tests`` and ``seeds`` at once; return what it leaves of the loss, shape (tests, seeds).

    The loss is measured without noise, as a mean over the last tenth of the steps, in parts of the loss at the start; ``inf`` where a walk
    diverged. ``optimizer`` gets one array of parameters of the shape (tests, seeds, 2, 2), so its rule must be elementwise or look at matrices
    in the last two axes; if its step asks for the ``curvature`` as well, it gets the exact diagonal of the Hessian. A seed fixes starts and noise, the same for every optimizer that runs the same list of tests.
    Raises ValueError for ``steps`` below 10.
    """
    require(steps >= 10, "steps", steps, "at least 10")
    draws = [np.random.default_rng(seed) for seed in seeds]
    column = (len(tests), 1, 1)
    scale = np.array([t.scale for t in tests]).reshape(column)
    turned = np.array([t.turned for t in tests]).reshape(column)
    drifts, jumps = (np.array([t.drift == name for t in tests]).reshape(column) for name in ("drifts", "jumps"))
    shapes = {name: np.array([i for i, t in enumerate(tests) if t.shape == name], dtype=int) for name in SHAPES}
    noises = {name: np.array([i for i, t in enumerate(tests) if t.noise == name], dtype=int) for name in NOISES}

    def drawn(method, *arguments):
        """Shape (tests, seeds, 4), each seed's numbers from its own generator."""
        return np.stack([getattr(rng, method)(*arguments, size=(len(tests), 4)) for rng in draws], axis=1)

    def per_shape(which, z):
        out = np.empty_like(z)
        for name, rows in shapes.items():
            out[rows] = getattr(SHAPES[name], which)(z[rows])
        return out

    def turn(x):
        return np.where(turned, x @ TURN, x)  # its own inverse

    def diagonal(z):
        along = STRETCH**2 * per_shape("bend", z)
        return scale * np.where(turned, along @ TURN**2, along)

    bends = "curvature" in signature(optimizer.step).parameters

    first = np.array([SHAPES[t.shape].start for t in tests]).reshape(column)
    start = np.sign(drawn("normal")) * first * drawn("uniform", 0.75, 1.25)
    journey = -np.sign(start) * np.maximum(first, 1.5)  # where a minimum moves to: away, so that who waits is not met
    home = drawn("normal")  # where the minimum is before it moves: not at 0, where weight decay would help
    theta = (turn(start / STRETCH) + home).reshape(len(tests), len(draws), 2, 2)
    state, total = optimizer.init(theta), np.zeros((len(tests), len(draws)))
    at_start = per_shape("height", start).mean(axis=-1)
    last = steps // 10
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(steps):
            moved = journey * (drifts * (t / steps) + jumps * (t >= steps // 2))

            def along_axes(theta, moved=moved):
                return STRETCH * turn(theta.reshape(start.shape) - home) - moved

            grad = scale * turn(STRETCH * per_shape("slope", along_axes(theta)))
            normal, uniform = drawn("normal"), drawn("uniform")
            for name, rows in noises.items():
                grad[rows] = NOISES[name](grad[rows], scale[rows], normal[rows], uniform[rows])
            more = {"curvature": diagonal(along_axes(theta)).reshape(theta.shape)} if bends else {}
            theta, state = optimizer.step(theta, grad.reshape(theta.shape), state, **more)
            if t >= steps - last:
                total = total + per_shape("height", along_axes(theta)).mean(axis=-1)
        left = total / last / at_start
    return np.where(np.isfinite(left), left, np.inf)
