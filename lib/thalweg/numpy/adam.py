"""Adam and its relatives: each coordinate's step is scaled by the size of its own recent gradients."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._hyperparameters import require_fraction, require_rate

__all__ = ["AdaMax", "Adam", "AdamEpsilonHat", "AdamUncorrected", "AdamW", "Moments"]


class Moments(NamedTuple):
    """What Adam remembers: two running averages, each of ``theta``'s shape, and how many gradients they have seen.

    ``s`` averages squares; in :class:`AdaMax` it is the decaying maximum of absolute values.
    """

    m: Any
    s: Any
    t: int


@dataclass(frozen=True)
class Adam:
    r"""Adam, with both corrections and epsilon outside the root.

    .. math::

        m_{t+1} &= \beta_1 m_t + (1 - \beta_1)\, g_t \\
        s_{t+1} &= \beta_2 s_t + (1 - \beta_2)\, g_t^2 \\
        \hat m &= m_{t+1} / (1 - \beta_1^{t+1}) \\
        \hat s &= s_{t+1} / (1 - \beta_2^{t+1}) \\
        \theta_{t+1} &= \theta_t - \alpha\, \hat m / (\sqrt{\hat s} + \epsilon)

    ``lr`` is :math:`\alpha \ge 0`, ``beta1`` and ``beta2`` are in [0, 1), ``eps`` is :math:`\epsilon \ge 0`. ``weight_decay`` is
    :math:`\lambda \ge 0`: here it is an L2 penalty, :math:`\lambda\theta` is added to the gradient. ``theta`` and ``grad`` have
    one shape, any shape; the state is :class:`Moments`. Raises ValueError that names a bad argument and its value.
    Sources: {cite}`kingma2015`; lectures Helwan, "Adam (full form)"; Penn, 1.2; Misra, "Adam"; UvA, "adam".
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("beta1", self.beta1)
        require_fraction("beta2", self.beta2)
        require_rate("eps", self.eps)
        require_rate("weight_decay", self.weight_decay)

    def init(self, theta):
        """The state before the first step: both averages zero, no gradient seen."""
        return Moments(np.zeros_like(theta), np.zeros_like(theta), 0)

    def moments(self, grad, state):
        """Take ``grad`` into both averages; returns the next state."""
        m = self.beta1 * state.m + (1 - self.beta1) * grad
        s = self.beta2 * state.s + (1 - self.beta2) * grad**2
        return Moments(m, s, state.t + 1)

    def direction(self, state):
        """What ``lr`` is multiplied with: the corrected average over the root of the corrected average of squares."""
        m_hat = state.m / (1 - self.beta1**state.t)
        s_hat = state.s / (1 - self.beta2**state.t)
        return m_hat / (np.sqrt(s_hat) + self.eps)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        state = self.moments(grad, state)
        return theta - self.lr * self.direction(state), state


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with decoupled weight decay: the decay bypasses the averages.

    .. math:: \theta_{t+1} = (1 - \alpha\lambda)\,\theta_t - \alpha\, \hat m / (\sqrt{\hat s} + \epsilon)

    ``weight_decay`` is :math:`\lambda`. Other arguments, shapes and errors as in :class:`Adam`. Sources: {cite}`loshchilov2019`; lecture
    Penn, 1.5.
    """

    weight_decay: float = 0.01

    def step(self, theta, grad, state):
        """Return the next ``theta`` and state; ``grad`` is the gradient at ``theta``. Changes no argument."""
        state = self.moments(grad, state)
        theta = (1 - self.lr * self.weight_decay) * theta
        return theta - self.lr * self.direction(state), state


@dataclass(frozen=True)
class AdamUncorrected(Adam):
    r"""Adam without bias correction, "almost" Adam.

    .. math:: \theta_{t+1} = \theta_t - \alpha\, m_{t+1} / (\sqrt{s_{t+1}} + \epsilon)

    The averages start at zero and are too small at first, the root of ``s`` far more so than ``m``: early steps are too long.
    Arguments, shapes and errors as in :class:`Adam`. Sources: lectures Helwan, "Adam (almost)"; UvA, "adam".
    """

    def direction(self, state):
        """The ratio of the averages as they are."""
        return state.m / (np.sqrt(state.s) + self.eps)


@dataclass(frozen=True)
class AdamEpsilonHat(Adam):
    r"""Adam with epsilon added to the uncorrected root, the fast form of the paper.

    .. math:: \theta_{t+1} = \theta_t - \alpha\, \hat m \sqrt{1 - \beta_2^{t+1}} \big/ (\sqrt{s_{t+1}} + \hat\epsilon)

    The same as :class:`Adam` with :math:`\epsilon = \hat\epsilon / \sqrt{1 - \beta_2^{t+1}}`, which falls from about
    :math:`32\,\hat\epsilon` to :math:`\hat\epsilon`. ``eps`` is :math:`\hat\epsilon`. Other arguments, shapes and errors as in :class:`Adam`.
    Source: {cite}`kingma2015`, end of section 2; Keras.
    """

    def direction(self, state):
        """The same ratio with both corrections in front of it."""
        correction = (1 - self.beta2**state.t) ** 0.5 / (1 - self.beta1**state.t)
        return correction * state.m / (np.sqrt(state.s) + self.eps)


@dataclass(frozen=True)
class AdaMax(Adam):
    r"""Adam with the maximum norm in place of the root mean square.

    .. math:: s_{t+1} = \max(\beta_2 s_t,\ |g_t| + \epsilon), \qquad \theta_{t+1} = \theta_t - \alpha\, \hat m / s_{t+1}

    The maximum needs no correction: it does not average in the zero that it starts from. The paper has no epsilon; it keeps a
    gradient that is zero from the first step on from dividing by zero. Arguments, shapes and errors as in :class:`Adam`.
    Sources: {cite}`kingma2015`, section 7.1; lecture Misra, "AdaMax".
    """

    lr: float = 0.002

    def moments(self, grad, state):
        """Take ``grad`` into the average and the maximum; returns the next state."""
        m = self.beta1 * state.m + (1 - self.beta1) * grad
        s = np.maximum(self.beta2 * state.s, np.abs(grad) + self.eps)
        return Moments(m, s, state.t + 1)

    def direction(self, state):
        """The corrected average over the maximum."""
        return state.m / (1 - self.beta1**state.t) / state.s
