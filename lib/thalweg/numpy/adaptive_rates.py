"""Adaptive rates: every parameter finds its own, from the signs or from the sizes of its gradients."""

from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_count, require_fraction, require_rate

__all__ = ["VSGD", "AdaDelta", "AdaGrad", "Manhattan", "RMSProp", "Rprop", "RpropBacktracking"]


@dataclass(frozen=True)
class Manhattan:
    r"""The Manhattan rule: every parameter moves by the same length, against the sign of its gradient.

    .. math:: \theta_{t+1} = \theta_t - \alpha\, \mathrm{sign}(g_t)

    ``lr`` is :math:`\alpha \ge 0`. ``theta`` and ``grad`` have one shape, any shape; there is no state. Where the gradient is 0 nothing
    moves. Raises ValueError for a bad ``lr``. Sources: {cite}`riedmiller1993`; lecture Misra, "Rprop Initialization".
    """

    lr: float = 0.01

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)

    def init(self, theta):
        """The state before the first step: nothing is remembered."""
        return None

    def step(self, theta, grad, state=None):
        """Return the next ``theta``, and the state as it was. Changes no argument."""
        return theta - self.lr * np.sign(grad), state


@dataclass(frozen=True)
class Rprop:
    r"""Rprop without backtracking, iRprop⁻: a rate of its own for each parameter, which only the signs of its gradients move.

    .. math::

        \alpha_{t+1} &= \alpha_t \cdot \begin{cases} \eta^+ & g_t g_{t-1} > 0 \\ \eta^- & g_t g_{t-1} < 0 \\ 1 & \text{else}\end{cases} \\
        g_t &\leftarrow 0 \quad \text{where } g_t g_{t-1} < 0 \\
        \theta_{t+1} &= \theta_t - \alpha_{t+1}\, \mathrm{sign}(g_t)

    ``lr`` is the rate before the first step; ``down`` and ``up`` are :math:`0 < \eta^- < 1 < \eta^+`; rates stay between ``smallest`` and
    ``largest``. A gradient that was taken as 0 is remembered as 0. ``theta`` and ``grad`` have one shape, any shape; the state is the pair
    (rates, last gradient). For full batches. Raises ValueError that names a bad argument and its value.
    Sources: {cite}`riedmiller1993,igel2000`; lecture Misra, "Rprop Update".
    """

    lr: float = 0.01
    down: float = 0.5
    up: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0

    def __post_init__(self) -> None:
        for name in ("lr", "down", "up", "smallest", "largest"):
            require_rate(name, getattr(self, name))
        require(0 < self.down < 1, "down", self.down, "between 0 and 1")
        require(self.up > 1, "up", self.up, "above 1")
        require(self.smallest <= self.largest, "smallest", self.smallest, f"at most largest, {self.largest!r}")

    def init(self, theta):
        """The state before the first step: every rate is ``lr``, no gradient was seen."""
        return np.full_like(theta, self.lr), np.zeros_like(theta)

    def rates(self, rate, turn):
        """The next rates; ``turn`` is 1 where the gradient kept its sign, -1 where it changed it, else 0."""
        longer_or_shorter = np.where(turn > 0, rate * self.up, np.where(turn < 0, rate * self.down, rate))
        return np.clip(longer_or_shorter, self.smallest, self.largest)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        rate, last = state
        turn = np.sign(grad) * np.sign(last)
        rate = self.rates(rate, turn)
        grad = np.where(turn < 0, np.zeros_like(grad), grad)
        return theta - rate * np.sign(grad), (rate, grad)


@dataclass(frozen=True)
class RpropBacktracking(Rprop):
    r"""Rprop with backtracking, Rprop⁺, the form of 1993: where the sign changed, the last step is taken back.

    .. math:: \theta_{t+1} = \theta_t - (\theta_t - \theta_{t-1}) \quad \text{where } g_t g_{t-1} < 0, \quad \text{else as in Rprop}

    The state is (rates, last gradient, last displacement); the rest, arguments and errors too, is as in :class:`Rprop`.
    Source: {cite}`riedmiller1993`.
    """

    def init(self, theta):
        """The state before the first step: every rate is ``lr``, no gradient was seen, no step taken."""
        return *super().init(theta), np.zeros_like(theta)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        rate, last, moved = state
        turn = np.sign(grad) * np.sign(last)
        rate = self.rates(rate, turn)
        moved = np.where(turn < 0, -moved, -rate * np.sign(grad))
        return theta + moved, (rate, np.where(turn < 0, np.zeros_like(grad), grad), moved)


@dataclass(frozen=True)
class AdaGrad:
    r"""AdaGrad: each parameter's step is divided by the root of the sum of all its squared gradients.

    .. math:: s_{t+1} = s_t + g_t^2, \qquad \theta_{t+1} = \theta_t - \alpha\, g_t / (\sqrt{s_{t+1}} + \epsilon)

    ``lr`` is :math:`\alpha \ge 0`, ``eps`` is :math:`\epsilon \ge 0`, ``start`` the sum before the first step. With ``lr_decay`` :math:`c` the rate
    of step t is :math:`\alpha / (1 + c\,t)`; ``weight_decay`` :math:`\lambda` adds :math:`\lambda\theta` to the gradient. ``theta`` and
    ``grad`` have one shape, any shape; the state is the pair (sum, steps taken). Raises ValueError that names a bad argument and its
    value. Sources: {cite}`duchi2011`; lectures Misra, "Adaptive Gradient (AdaGrad)"; Penn, 1.1; Helwan, "AdaGrad"; UvA, "adagrad".
    """

    lr: float = 0.01
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    start: float = 0.0
    eps: float = 1e-10

    def __post_init__(self) -> None:
        for name in ("lr", "lr_decay", "weight_decay", "start", "eps"):
            require_rate(name, getattr(self, name))

    def init(self, theta):
        """The state before the first step."""
        return np.full_like(theta, self.start), 0

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        s, t = state
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        s = s + grad**2
        rate = self.lr / (1 + self.lr_decay * t)
        return theta - rate * grad / (np.sqrt(s) + self.eps), (s, t + 1)


@dataclass(frozen=True)
class RMSProp:
    r"""RMSProp: each parameter's step is divided by the root of the running average of its squared gradients.

    .. math:: s_{t+1} = \beta_2 s_t + (1 - \beta_2)\, g_t^2, \qquad \theta_{t+1} = \theta_t - \alpha\, g_t / (\sqrt{s_{t+1}} + \epsilon)

    ``lr`` is :math:`\alpha \ge 0`, ``beta2`` in [0, 1), ``eps`` is :math:`\epsilon \ge 0`. ``centred``: the root is of :math:`s - m^2`, where :math:`m`
    averages the gradients as :math:`s` their squares; it is taken as 0 where rounding makes it negative. ``rho`` in [0, 1): momentum, the
    quotients go into a velocity :math:`v_{t+1} = \rho v_t + g_t / (\dots)` and the step is :math:`\alpha v_{t+1}`.
    ``weight_decay`` :math:`\lambda` adds :math:`\lambda\theta` to the gradient. ``theta`` and ``grad`` have one shape, any shape; the
    state is :math:`(s, m, v)`. Raises ValueError that names a bad argument and its value.
    Sources: {cite}`tieleman2012,graves2013`; lectures Misra, "RMSProp = Rprop + SGD"; Penn, 1.3; Helwan, "RMSProp"; UvA, "rmsprop".
    """

    lr: float = 0.01
    beta2: float = 0.99
    eps: float = 1e-8
    rho: float = 0.0
    centred: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lr", "eps", "weight_decay"):
            require_rate(name, getattr(self, name))
        require_fraction("beta2", self.beta2)
        require_fraction("rho", self.rho)

    def init(self, theta):
        """The state before the first step: both averages and the velocity zero."""
        return np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        s, m, v = state
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        s = self.beta2 * s + (1 - self.beta2) * grad**2
        m = self.beta2 * m + (1 - self.beta2) * grad
        size = np.sqrt(np.maximum(s - m**2, 0) if self.centred else s)
        v = self.rho * v + grad / (size + self.eps)
        return theta - self.lr * v, (s, m, v)


@dataclass(frozen=True)
class AdaDelta:
    r"""AdaDelta: RMSProp whose rate is the root of the running average of the squared steps, so that steps have the parameter's unit.

    .. math::

        s_{t+1} &= \beta_2 s_t + (1 - \beta_2)\, g_t^2 \\
        \delta_t &= \sqrt{\nu_t + \epsilon} \big/ \sqrt{s_{t+1} + \epsilon} \cdot g_t \\
        \nu_{t+1} &= \beta_2 \nu_t + (1 - \beta_2)\, \delta_t^2, \qquad \theta_{t+1} = \theta_t - \alpha\, \delta_t

    ``beta2`` is in [0, 1), ``eps`` is :math:`\epsilon \ge 0` (with 0 nothing ever moves, unless :math:`\nu` is given a start). The
    paper has no :math:`\alpha`, ``lr``: it is 1. ``weight_decay`` :math:`\lambda` adds :math:`\lambda\theta` to the gradient. ``theta`` and ``grad``
    have one shape, any shape; the state is :math:`(s, \nu)`. Raises ValueError that names a bad argument and its value.
    Sources: {cite}`zeiler2012`; lecture Misra, "AdaDelta Update Rule".
    """

    lr: float = 1.0
    beta2: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lr", "eps", "weight_decay"):
            require_rate(name, getattr(self, name))
        require_fraction("beta2", self.beta2)

    def init(self, theta):
        """The state before the first step: both averages zero."""
        return np.zeros_like(theta), np.zeros_like(theta)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        s, nu = state
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        s = self.beta2 * s + (1 - self.beta2) * grad**2
        delta = np.sqrt(nu + self.eps) / np.sqrt(s + self.eps) * grad
        nu = self.beta2 * nu + (1 - self.beta2) * delta**2
        return theta - self.lr * delta, (s, nu)


@dataclass(frozen=True)
class VSGD:
    r"""vSGD: each parameter's rate from its own noise and its own curvature; no rate has to be chosen.

    .. math:: \theta_{t+1} = \theta_t - \frac{m^2}{s}\, \frac{1}{\overline h}\; g_t

    :math:`m`, :math:`s` and :math:`\overline h` average the gradient, its square and the curvature, over a memory that each parameter adapts: it
    grows by 1 a step and is cut by the share :math:`m^2/s` of the square that is no noise. The first ``watch`` gradients are averaged before
    anything moves; then :math:`s` and :math:`\overline h` are multiplied by ``caution``, and the last of these gradients makes the first step. Absolute curvatures below ``floor`` count as ``floor``. ``theta``, ``grad`` and
    ``curvature``, the diagonal of the Hessian, have one shape, any shape; the state is (m, s, h, memory, steps taken). Raises ValueError that
    names a bad argument and its value. Source: {cite}`schaul2013`; lecture Misra, "Fancy RMSProp".
    """

    watch: int = 10
    caution: float = 10.0
    floor: float = 1e-3

    def __post_init__(self) -> None:
        require_rate("caution", self.caution)
        require_rate("floor", self.floor)
        require_count("watch", self.watch)
        require(self.caution > 0, "caution", self.caution, "above 0")
        require(self.floor > 0, "floor", self.floor, "above 0")

    def init(self, theta):
        """The state before the first step: nothing averaged."""
        zero = np.zeros_like(theta)
        return zero, zero, zero, np.ones_like(theta), 0

    def step(self, theta, grad, state, curvature):
        """Return the next ``theta`` and state; ``grad`` and ``curvature`` are those at ``theta``. Changes no argument."""
        m, s, h, memory, t = state
        m = m + (grad - m) / memory
        s = s + (grad**2 - s) / memory
        h = h + (np.maximum(np.abs(curvature), self.floor) - h) / memory
        if t + 1 < self.watch:
            return theta, (m, s, h, memory + 1, t + 1)
        if t + 1 == self.watch:
            s, h = self.caution * s, self.caution * h
        share = m**2 / np.where(s > 0, s, np.ones_like(s))
        return theta - share / h * grad, (m, s, h, (1 - share) * memory + 1, t + 1)
