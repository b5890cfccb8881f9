"""Second-order methods: Newton's step, conjugate gradients, line searches, L-BFGS, Hessian-free."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_count, require_fraction, require_rate

__all__ = [
    "LBFGS",
    "NonlinearCG",
    "ScaledCG",
    "Walk",
    "bfgs_update",
    "conjugate_gradient",
    "hessian_free",
    "line_search",
    "newton_step",
    "trust_region_step",
    "two_loop",
    "wolfe",
]


@dataclass(frozen=True)
class Walk:
    """What a minimization did. ``theta``: all points, shape (steps + 1, d); ``loss``: shape (steps + 1,).

    ``slope``: the largest entry of the gradient, in size, at each point. ``evaluations``: how often the loss and its gradient had been
    computed when the point was reached; a product of the curvature with a direction counts as two.
    """

    theta: np.ndarray
    loss: np.ndarray
    slope: np.ndarray
    evaluations: np.ndarray

    def evaluations_to(self, slope: float) -> float:
        """How many evaluations it took until the gradient's largest entry was ``slope`` or less; ``inf`` if it never was."""
        reached = np.flatnonzero(self.slope <= slope)
        return float(self.evaluations[reached[0]]) if len(reached) else np.inf


class _Record:
    """Gathers a :class:`Walk`, and counts."""

    def __init__(self, value, grad, start):
        self.value, self.grad, self.evaluations = value, grad, 0
        theta = np.array(start, dtype=float)
        require(theta.ndim == 1 and bool(np.isfinite(theta).all()), "start", start, "finite and of the shape (d,)")
        self.rows = []
        self.here = theta, *self.at(theta)
        self.keep()

    def at(self, theta):
        """The loss and its gradient."""
        self.evaluations += 1
        return float(self.value(theta)), np.asarray(self.grad(theta))

    def keep(self):
        theta, loss, g = self.here
        self.rows.append((theta, loss, np.abs(g).max(), self.evaluations))

    def walk(self):
        return Walk(*(np.array(column) for column in zip(*self.rows, strict=True)))


# --- Newton -------------------------------------------------------------------------------------------------------


def newton_step(grad, hessian, damping=0.0):
    r"""The step to the point where the quadratic model has no slope: add it to the parameters.

    .. math:: \Delta\theta = -(H + \lambda I)^{-1} g

    ``grad``: shape (d,), ``hessian``: shape (d, d), ``damping``: :math:`\lambda \ge 0`. The system is solved, the inverse never made. Returns
    shape (d,). Raises ValueError for a bad ``damping``, LinAlgError where the matrix is singular. Sources: {cite}`nocedal2006`; lectures
    Helwan, "Second-Order Optimization"; UvA, "second order optimization".
    """
    require_rate("damping", damping)
    return -np.linalg.solve(hessian + damping * np.eye(len(grad), dtype=hessian.dtype), grad)


def trust_region_step(grad, hessian, radius):
    r"""The lowest point of the quadratic model within ``radius``, also where the model has no minimum of its own.

    It is a damped Newton step with the smallest :math:`\lambda \ge 0` that makes :math:`H + \lambda I` positive and the step short
    enough, found by bisection. ``grad``: shape (d,), ``hessian``: shape (d, d), symmetric. Returns shape (d,). Raises ValueError unless
    ``radius`` is above 0. Source: {cite}`nocedal2006`, chapter 4.
    """
    require(bool(np.isfinite(radius) and radius > 0), "radius", radius, "a finite number above 0")
    curvatures, axes = np.linalg.eigh(hessian)
    g, zero = axes.T @ grad, 1e-12 * max(np.abs(curvatures).max(), np.finfo(float).tiny)

    def step(damping):
        return -g / np.maximum(curvatures + damping, zero)

    low = max(0.0, -curvatures[0])  # below it the model is not positive
    high = low + np.linalg.norm(g) / radius  # there the step is surely short enough
    inside = step(low)
    if np.linalg.norm(inside) <= radius:
        if curvatures[0] < -zero:  # no slope along the direction that bends down: go along it to the rim
            inside[0] = math.copysign(np.sqrt(radius**2 - inside[1:] @ inside[1:]), -g[0])
        return axes @ inside
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.linalg.norm(step(middle)) > radius else (low, middle)
    return axes @ step(high)


# --- conjugate gradients ------------------------------------------------------------------------------------------


def conjugate_gradient(product, b, start=None, tolerance=1e-8, steps=None):
    r"""Solve a linear system by products with its matrix alone; each direction leaves what the earlier ones have gained.

    .. math:: \theta_{t+1} = \theta_t + \frac{g_t^\top g_t}{\xi_t^\top H \xi_t}\,\xi_t, \qquad
        \xi_{t+1} = -g_{t+1} + \frac{g_{t+1}^\top g_{t+1}}{g_t^\top g_t}\,\xi_t

    where :math:`-g_t` is the residual, what is left of the right side.

    ``product(direction)`` is a symmetric positive matrix times a direction; ``b``, ``start`` (by default 0) and the result have one shape, any
    shape. It ends when the residual is at most ``tolerance`` times as long as ``b``, after ``steps`` products (by default the number of
    unknowns), or before a direction along which the curvature is not above 0. Returns the solution and the lengths of the residuals, the first one
    before any step. Raises ValueError for ``tolerance`` or ``steps`` below 0. Sources: {cite}`hestenes1952,nocedal2006`; lecture Misra, "Conjugate Gradient
    Methods".
    """
    require_rate("tolerance", tolerance)
    steps = np.size(b) if steps is None else steps
    require(steps >= 0, "steps", steps, "at least 0")
    x = np.zeros_like(b) if start is None else np.array(start)
    residual = b - product(x) if start is not None else np.array(b)
    direction, squared = residual, float((residual * residual).sum())
    lengths, enough = [squared**0.5], tolerance * float(np.linalg.norm(b))
    for _ in range(steps):
        if lengths[-1] <= enough:
            break
        image = product(direction)
        curvature = float((direction * image).sum())
        if not curvature > 0:
            break
        length = squared / curvature
        x = x + length * direction
        residual = residual - length * image
        before, squared = squared, float((residual * residual).sum())
        direction = residual + squared / before * direction
        lengths.append(squared**0.5)
    return x, np.array(lengths)


# --- line search --------------------------------------------------------------------------------------------------


def wolfe(here, there, length, c1=1e-4, c2=0.9):
    r"""Are the strong Wolfe conditions met? Enough has been gained (Armijo), and the slope has become flat enough.

    .. math:: L(\alpha) \le L(0) + c_1\, \alpha\, L'(0), \qquad |L'(\alpha)| \le c_2\, |L'(0)|

    ``here`` and ``there`` are the pairs (loss, slope along the line) before and after a step of ``length`` times the direction,
    :math:`\alpha > 0`. Returns two booleans, one a condition. Source: {cite}`nocedal2006`, section 3.1.
    """
    return bool(there[0] <= here[0] + c1 * length * here[1]), bool(abs(there[1]) <= -c2 * here[1])


def line_search(along, here, first=1.0, c1=1e-4, c2=0.9, narrow=1e-9, evaluations=25):
    """How far to go along a direction: a length that meets the strong Wolfe conditions (:func:`wolfe`).

    ``along(length)`` is a tuple that begins with the loss there and its slope along the line, ``here`` the pair at the length 0; its slope must be below 0.
    From ``first`` on it goes further until it has passed a minimum, and then halves in on it, each time where a cubic through the losses and slopes of both
    ends is lowest. It ends as well when the interval is narrower than ``narrow``, or after ``evaluations``; then the best length so far is returned,
    which may be 0. Returns (length, *along(length)). Raises ValueError for a slope that does not go down, or unless 0 < c1 < c2 < 1.
    Sources: {cite}`nocedal2006`, section 3.5; the order of the trials is that of ``torch.optim.LBFGS``.
    """
    require(here[1] < 0, "the slope", here[1], "below 0: the direction has to go down")
    require(0 < c1 < c2 < 1, "c1, c2", (c1, c2), "0 < c1 < c2 < 1")

    def at(length):
        loss, *rest = along(length)
        return (length, math.inf if math.isnan(loss) else loss, *rest)

    before, now, tried = (0.0, *here), at(first), 0
    while tried < evaluations:
        gained, flat = wolfe(here, now[1:], now[0], c1, c2)
        if not gained or (tried > 1 and now[1] >= before[1]):
            break
        if flat:
            return now
        if now[2] >= 0:
            break
        before, now = now, at(_lowest(before, now, now[0] + 0.01 * (now[0] - before[0]), 10 * now[0]))
        tried += 1
    else:
        before = (0.0, *here)
    ends, stuck = [before, now], False
    low = 0 if not now[1] < before[1] else 1
    while tried < evaluations and abs(ends[1][0] - ends[0][0]) >= max(narrow, 1e-300):
        left, right = sorted(end[0] for end in ends)
        length, margin = _lowest(ends[0], ends[1], left, right), 0.1 * (right - left)
        if min(right - length, length - left) >= margin:
            stuck = False
        elif stuck or not left < length < right:  # twice at the border: step inside
            length, stuck = (right - margin if right - length < length - left else left + margin), False
        else:
            stuck = True
        new = at(length)
        tried += 1
        gained, flat = wolfe(here, new[1:], length, c1, c2)
        if not gained or new[1] >= ends[low][1]:
            ends[1 - low] = new
            low = 0 if ends[0][1] <= ends[1][1] else 1
            continue
        if new[2] * (ends[1 - low][0] - ends[low][0]) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
        if flat:
            break
    return ends[low]


def _lowest(a, b, least, most):
    """Where, between ``least`` and ``most``, the cubic through two points (length, loss, slope) is lowest; half way where it has no minimum."""
    if a[0] > b[0]:
        a, b = b, a
    mean = a[2] + b[2] - 3 * (a[1] - b[1]) / (a[0] - b[0])
    square = mean**2 - a[2] * b[2]
    if 0 <= square < np.inf:
        root = math.sqrt(square)
        bend = b[2] - a[2] + 2 * root
        if bend != 0:
            return min(max(b[0] - (b[0] - a[0]) * ((b[2] + root - mean) / bend), least), most)
    return (least + most) / 2


class _Searching:
    """What goes along one direction after the other, each to a length that a line search finds."""

    c2: float
    direction: Callable  # (gradient, memory) -> the next direction, the length to be tried first, the memory with them
    remember: Callable  # (memory, step, change of the gradient) -> the memory after that step

    def minimize(self, value, grad, start, steps=100, tolerance=1e-6) -> Walk:
        """Minimize ``value`` from ``start``, shape (d,), with its gradient ``grad``, for at most ``steps`` directions.

        It ends when no entry of the gradient is larger than ``tolerance``, or when the line search finds nothing lower, as happens where rounding
        hides the rest. Raises ValueError for a start that is not finite or of another shape.
        """
        record, memory = _Record(value, grad, start), None
        for _ in range(steps):
            theta, loss, g = record.here
            if np.abs(g).max() <= tolerance:
                break
            direction, first, memory = self.direction(g, memory)

            def along(length, theta=theta, direction=direction):
                loss, g = record.at(theta + length * direction)
                return loss, float(g @ direction), g

            narrow = 1e-9 / np.abs(direction).max()
            length, lower, _, new = (
                *line_search(along, (loss, float(g @ direction)), first, 1e-4, self.c2, narrow),
                g,
            )[:4]
            if not lower < loss:
                break
            record.here = theta + length * direction, lower, new
            record.keep()
            memory = self.remember(memory, length * direction, new - g)
        return record.walk()


@dataclass(frozen=True)
class NonlinearCG(_Searching):
    r"""Conjugate gradients for any loss: each direction is the downhill one and a share of the last direction.

    .. math:: \xi_{t+1} = -g_{t+1} + \frac{g_{t+1}^\top g_{t+1}}{g_t^\top g_t}\, \xi_t
        \qquad\text{or}\qquad -g_{t+1} + \frac{g_{t+1}^\top (g_{t+1} - g_t)}{g_t^\top g_t}\, \xi_t

    ``kind`` is "FR" (Fletcher-Reeves), the first, or "PR" (Polak-Ribière), the second, whose share counts as 0 where it would be negative; ``c2`` is how flat the line search has to get. Every d steps,
    and where the direction does not go down, it starts afresh downhill. Raises ValueError for a bad ``kind`` or ``c2``. Sources: {cite}`nocedal2006`, section 5.2;
    lecture Misra, "Conjugate Gradient Methods".
    """

    kind: str = "PR"
    c2: float = 0.1

    def __post_init__(self) -> None:
        require(self.kind in ("PR", "FR"), "kind", self.kind, "PR or FR")
        require_fraction("c2", self.c2)
        require(self.c2 > 1e-4, "c2", self.c2, "above 0.0001, which is c1")

    def direction(self, g, memory):
        """The next direction, the length to be tried first, and the memory with them."""
        if memory is None or memory["age"] >= len(g):
            direction, first = -g, min(1.0, 1 / np.abs(g).sum())
            if memory is not None:
                first = memory["gain"] / (g @ g)
            return direction, first, {"g": g, "direction": direction, "age": 0}
        last = memory["g"]
        share = max(g @ (g - last), 0.0) if self.kind == "PR" else g @ g
        direction, age = -g + share / (last @ last) * memory["direction"], memory["age"]
        if g @ direction >= 0:
            direction, age = -g, 0
        first = memory["gain"] / -(g @ direction)  # as much as the last step would have gained at its first slope
        return direction, first, {"g": g, "direction": direction, "age": age}

    def remember(self, memory, dtheta, dgrad):
        """The memory after a step of ``dtheta`` that changed the gradient by ``dgrad``."""
        return memory | {"age": memory["age"] + 1, "gain": float(-(memory["g"] @ dtheta))}


@dataclass(frozen=True)
class ScaledCG:
    r"""Møller's scaled conjugate gradients: the length comes from the curvature along the direction, and damping takes the place of a line search.

    .. math:: \alpha = \frac{\xi^\top(-g)}{\xi^\top H \xi + \lambda \lVert\xi\rVert_2^2}

    :math:`H\xi` is a difference of two gradients, at the distance ``step``. :math:`\lambda`, at first ``damping``, falls to a quarter where the loss falls by
    3/4 or more of what is predicted, and rises where by less than 1/4. Raises ValueError for numbers that are not above 0. Sources: {cite}`moller1993`; lecture Misra, "Conjugate Gradient Methods".
    """

    damping: float = 1e-6
    step: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("damping", "step"):
            require_rate(name, getattr(self, name))
            require(getattr(self, name) > 0, name, getattr(self, name), "above 0")

    def minimize(self, value, grad, start, steps=100, tolerance=1e-6) -> Walk:
        """Minimize ``value`` with its gradient ``grad`` from ``start``, shape (d,), until no entry of the gradient is larger than ``tolerance``.

        A step that is taken back counts as one of ``steps``. Raises ValueError for a start that is not finite or of another shape.
        """
        record, damping, fresh = _Record(value, grad, start), self.damping, True
        direction, since = -record.here[2], 0
        for _ in range(steps):
            theta, loss, g = record.here
            squared = direction @ direction
            if np.abs(g).max() <= tolerance or not squared > 0:
                break
            if fresh:
                distance = self.step / squared**0.5
                bend = direction @ (record.at(theta + distance * direction)[1] - g) / distance
            curvature = bend + damping * squared
            if curvature <= 0:  # make it positive
                damping = 2 * (damping - curvature / squared)
                curvature = bend + damping * squared
            slope = -(g @ direction)
            tried = theta + slope / curvature * direction
            there = record.at(tried)
            ratio = 2 * curvature * (loss - there[0]) / slope**2
            fresh = bool(ratio >= 0)
            if fresh:
                record.here, since = (tried, *there), since + 1
                record.keep()
                new = there[1]
                share = 0.0 if since % len(g) == 0 else new @ (new - g) / slope
                direction = -new + share * direction
                if new @ direction >= 0:
                    direction = -new
            if ratio >= 0.75:
                damping = damping / 4
            elif not ratio >= 0.25:
                damping = damping + curvature * (1 - ratio) / squared if np.isfinite(ratio) else 4 * damping + 1
            if not np.isfinite(damping) or damping > 1e100:
                break
        return record.walk()


# --- quasi-Newton -------------------------------------------------------------------------------------------------


def bfgs_update(inverse, dtheta, dgrad):
    r"""The BFGS update of an approximate *inverse* Hessian: the nearest one that explains the last step.

    .. math:: \tilde H'^{-1} = \Bigl(I - \frac{\Delta\theta\, \Delta g^\top}{\Delta g^\top \Delta\theta}\Bigr) \tilde H^{-1}
        \Bigl(I - \frac{\Delta g\, \Delta\theta^\top}{\Delta g^\top \Delta\theta}\Bigr) + \frac{\Delta\theta\, \Delta\theta^\top}{\Delta g^\top \Delta\theta}

    ``inverse``: shape (d, d), symmetric; ``dtheta``, ``dgrad``: how far the last step went and how the gradient changed, shape (d,). Then :math:`\tilde H'^{-1} \Delta g = \Delta\theta`, the
    secant condition. Raises ValueError unless :math:`\Delta g^\top \Delta\theta > 0`. Source: {cite}`nocedal2006`, section 6.1.
    """
    bend = float(dgrad @ dtheta)
    require(bend > 0, "dgrad @ dtheta", bend, "above 0: along the step the loss has to bend upwards")
    left = np.eye(len(dtheta)) - np.outer(dtheta, dgrad) / bend
    return left @ inverse @ left.T + np.outer(dtheta, dtheta) / bend


def two_loop(grad, dthetas, dgrads):
    r"""The gradient times the approximate inverse Hessian of L-BFGS, without any matrix.

    ``dthetas`` and ``dgrads``: the last steps and the changes of the gradient that they made, oldest first, lists of arrays of the shape (d,). The first matrix, before any pair, is
    :math:`I\, \Delta g^\top \Delta\theta / \Delta g^\top \Delta g` of the newest pair. Returns shape (d,); the gradient itself where there are no pairs.
    Sources: {cite}`nocedal1980,liu1989`; lectures Helwan, "L-BFGS"; UvA, "second order optimization methods in practice".
    """
    q, shares = grad, []
    for s, y in zip(reversed(dthetas), reversed(dgrads), strict=True):
        shares.append((s @ q) / (y @ s))
        q = q - shares[-1] * y
    if len(dthetas):
        q = q * ((dgrads[-1] @ dthetas[-1]) / (dgrads[-1] @ dgrads[-1]))
    for s, y, share in zip(dthetas, dgrads, reversed(shares), strict=True):
        q = q + (share - (y @ q) / (y @ s)) * s
    return q


@dataclass(frozen=True)
class LBFGS(_Searching):
    r"""L-BFGS: a quasi-Newton method that remembers the last ``memory`` steps and no matrix.

    .. math:: \theta_{t+1} = \theta_t - \alpha \tilde H_t^{-1} g_t

    where :math:`\tilde H_t^{-1} g_t` is :func:`two_loop`'s. ``minimize`` finds the length of each step by a line search; ``init`` and ``step`` are the same without one, at the rate ``lr``, and take
    any gradients. The first step, when nothing is known, is :math:`\min(1, 1/\lVert g\rVert_1)` times the rate. A pair is kept if :math:`\Delta g^\top \Delta\theta > 10^{-10}`. Raises ValueError for a bad
    ``lr`` or ``memory``. Sources: {cite}`nocedal1980,liu1989`; lecture Helwan, "L-BFGS".
    """

    lr: float = 1.0
    memory: int = 100
    c2: float = 0.9

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_count("memory", self.memory)
        require_fraction("c2", self.c2)
        require(self.c2 > 1e-4, "c2", self.c2, "above 0.0001, which is c1")

    def init(self, theta):
        """The state before the first step: no pairs, and neither a last point nor a last gradient."""
        return (), (), None, None

    def step(self, theta, grad, state):
        """Return the next ``theta`` and the state; ``theta`` and ``grad`` have one shape, any shape. Changes no argument."""
        dthetas, dgrads, last_theta, last_grad = state
        point, g = np.ravel(theta), np.ravel(grad)
        if last_theta is None:
            new = theta - self.lr * min(1.0, 1 / max(np.abs(g).sum(), np.finfo(g.dtype).tiny)) * grad
        else:
            dthetas, dgrads = self._with(dthetas, dgrads, point - last_theta, g - last_grad)
            new = theta - self.lr * two_loop(g, dthetas, dgrads).reshape(np.shape(theta))
        return new, (dthetas, dgrads, point, g)

    def _with(self, dthetas, dgrads, dtheta, dgrad):
        """The pairs and one more, if the loss bends upwards along it."""
        if not dgrad @ dtheta > 1e-10:
            return dthetas, dgrads
        return (*dthetas, dtheta)[-self.memory :], (*dgrads, dgrad)[-self.memory :]

    def direction(self, g, memory):
        """The next direction, the length to be tried first, and the memory with them."""
        if memory is None:
            return -g, min(1.0, 1 / np.abs(g).sum()) * self.lr, ((), ())
        return -two_loop(g, *memory), self.lr, memory

    def remember(self, memory, dtheta, dgrad):
        """The memory after a step of ``dtheta`` that changed the gradient by ``dgrad``."""
        dthetas, dgrads = memory
        return self._with(dthetas, dgrads, dtheta, dgrad)


# --- Hessian-free -------------------------------------------------------------------------------------------------


def hessian_free(value, grad, product, start, steps=50, damping=1.0, least=1e-6, inner=50, tolerance=1e-6) -> Walk:
    r"""Newton's method for many parameters: each step solves the damped system by conjugate gradients, with products alone.

    .. math:: (H + \lambda I)\, \Delta\theta = -g

    ``value(theta)``, ``grad(theta)``; ``product(theta, direction)`` is the curvature there times a direction, of the Hessian or of the Gauss-Newton matrix. ``start``: shape (d,). At most
    ``inner`` products a step, begun from the last step; the solution need not be better than a tenth, or the root of the gradient's length where that is less. The damping :math:`\lambda` is multiplied by 2/3 where the loss fell by more than 3/4 of what
    the model promised, and by 3/2 where by less than 1/4, and is never below ``least``; a step that does not lower the loss is not taken. It ends when no entry of the gradient is
    larger than ``tolerance``. Raises ValueError for numbers out of range. Sources: {cite}`martens2010`; lecture Misra, "Conjugate Gradient Methods".
    """
    for name, number in (("damping", damping), ("least", least), ("tolerance", tolerance)):
        require_rate(name, number)
    require(inner >= 1, "inner", inner, "at least 1")
    record, move = _Record(value, grad, start), None
    for _ in range(steps):
        theta, loss, g = record.here
        if np.abs(g).max() <= tolerance:
            break

        def curved(direction, theta=theta, damping=damping):
            record.evaluations += 2
            return product(theta, direction) + damping * direction

        exactness = min(0.1, float(np.linalg.norm(g)) ** 0.5)
        move, _ = conjugate_gradient(curved, -g, move, exactness, inner)
        if not g @ move < 0:  # nothing found, or a direction that goes up
            move = -g
        there = record.at(theta + move)
        promised = -(g @ move) - 0.5 * (move @ curved(move))
        ratio = (loss - there[0]) / promised if promised > 0 else -np.inf
        if ratio > 0.75:
            damping = max(damping * 2 / 3, least)
        elif not ratio >= 0.25:
            damping = max(damping, least) * 3 / 2
        if there[0] < loss:
            record.here = (theta + move, *there)
        else:
            move = None
        record.keep()
    return record.walk()
