"""Test functions of two variables: what an optimizer meets in small, with exact gradients.

Each is a :class:`Surface`. ``value`` takes points of shape (..., 2) and returns shape (...); ``grad`` returns (..., 2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A function of two variables, its gradient, a customary start, its minimum and the window to draw it in."""

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    grad: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, float]
    minimum: tuple[float, float] | None
    window: tuple[float, float, float, float]  # left, right, bottom, top

    def grid(self, n: int = 200):
        """Coordinates and values on an n-by-n grid of the window: three arrays of shape (n, n)."""
        left, right, bottom, top = self.window
        x, y = np.meshgrid(np.linspace(left, right, n), np.linspace(bottom, top, n))
        return x, y, self.value(np.stack([x, y], axis=-1))


def _pair(x, y):
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def bowl(kappa: float = 20.0, angle: float = 0.0) -> Surface:
    """Quadratic bowl with curvatures 1 and ``kappa`` (so: condition number ``kappa``), turned by ``angle`` radians.

    Raises ValueError unless ``kappa`` is a finite number of at least 1.
    """
    if not (np.isfinite(kappa) and kappa >= 1):
        raise ValueError(f"kappa must be a finite number of at least 1, got {kappa!r}")
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    hessian = turn @ np.diag([1.0, kappa]) @ turn.T
    return Surface(
        name=f"bowl, condition number {kappa:g}",
        value=lambda p: 0.5 * np.einsum("...i,ij,...j->...", p, hessian, p),
        grad=lambda p: np.asarray(p) @ hessian,
        start=tuple(turn @ np.array([-9.0, 1.8])),
        minimum=(0.0, 0.0),
        window=(-10.0, 3.0, -3.0, 3.0),
    )


def rosenbrock() -> Surface:
    """Rosenbrock's banana: a curved valley, flat along its floor, with its minimum at (1, 1)."""

    def grad(p):
        x, y = p[..., 0], p[..., 1]
        return _pair(-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2))

    return Surface(
        name="Rosenbrock",
        value=lambda p: (1 - p[..., 0]) ** 2 + 100 * (p[..., 1] - p[..., 0] ** 2) ** 2,
        grad=grad,
        start=(-1.2, 1.0),
        minimum=(1.0, 1.0),
        window=(-2.0, 2.0, -1.0, 3.0),
    )


def beale() -> Surface:
    """Beale's function: plateaus and steep walls, with its minimum at (3, 0.5)."""
    targets = (1.5, 2.25, 2.625)

    def value(p):
        x, y = p[..., 0], p[..., 1]
        return sum((t - x + x * y**k) ** 2 for k, t in enumerate(targets, start=1))

    def grad(p):
        x, y = p[..., 0], p[..., 1]
        residuals = [(k, t - x + x * y**k) for k, t in enumerate(targets, start=1)]
        dx = sum(2 * r * (y**k - 1) for k, r in residuals)
        dy = sum(2 * r * k * x * y ** (k - 1) for k, r in residuals)
        return _pair(dx, dy)

    return Surface("Beale", value, grad, start=(1.0, 1.5), minimum=(3.0, 0.5), window=(-1.0, 4.5, -1.5, 2.0))


def saddle() -> Surface:
    """A saddle at the origin between two minima at (0, -1) and (0, 1): x^2/2 + y^4/4 - y^2/2.

    The start lies almost on the ridge: only the tiny second coordinate tells down from up.
    """
    return Surface(
        name="saddle",
        value=lambda p: p[..., 0] ** 2 / 2 + p[..., 1] ** 4 / 4 - p[..., 1] ** 2 / 2,
        grad=lambda p: _pair(p[..., 0], p[..., 1] ** 3 - p[..., 1]),
        start=(-1.5, 1e-3),
        minimum=(0.0, 1.0),
        window=(-2.0, 1.2, -1.6, 1.6),
    )


def ravine() -> Surface:
    """A winding ravine: steep walls on both sides of y = sin x, a gentle slope along it towards (0, 0)."""

    def grad(p):
        x, y = p[..., 0], p[..., 1]
        off = y - np.sin(x)
        return _pair(0.2 * x - 10 * off * np.cos(x), 10 * off)

    return Surface(
        name="ravine",
        value=lambda p: 0.1 * p[..., 0] ** 2 + 5 * (p[..., 1] - np.sin(p[..., 0])) ** 2,
        grad=grad,
        start=(-4.5, 1.6),
        minimum=(0.0, 0.0),
        window=(-5.0, 1.5, -2.0, 2.0),
    )


def two_valleys() -> Surface:
    """A shallow minimum near x = -1.9 and, over a low pass, a deep one near x = 2.1; a plain parabola along y."""
    return Surface(
        name="two valleys",
        value=lambda p: 0.05 * p[..., 0] ** 4 - 0.4 * p[..., 0] ** 2 - 0.2 * p[..., 0] + 0.5 * p[..., 1] ** 2,
        grad=lambda p: _pair(0.2 * p[..., 0] ** 3 - 0.8 * p[..., 0] - 0.2, p[..., 1]),
        start=(-3.4, 1.0),
        minimum=(2.1149075415, 0.0),
        window=(-3.8, 3.8, -1.6, 1.6),
    )


ALL = (bowl, rosenbrock, beale, saddle, ravine, two_valleys)
