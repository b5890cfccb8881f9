"""Momentum: the heavy ball and Nesterov's accelerated gradient, each in the two forms that people write."""

from dataclasses import dataclass

import numpy as np

from ._hyperparameters import require, require_fraction, require_rate

__all__ = ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "contraction"]


@dataclass(frozen=True)
class Momentum:
    r"""Heavy ball, with the learning rate outside the velocity.

    .. math:: v_{t+1} = \rho v_t + g_t, \qquad \theta_{t+1} = \theta_t - \alpha v_{t+1}

    ``lr`` is :math:`\alpha \ge 0`, ``rho`` is :math:`0 \le \rho < 1`; ``rho = 0`` is gradient descent.
    ``theta``, ``grad`` and the state ``v`` have one shape, any shape. Raises ValueError for a bad ``lr`` or ``rho``.
    Sources: {cite}`polyak1964,sutskever2013`; lecture Helwan, "SGD + Momentum".
    """

    lr: float = 0.01
    rho: float = 0.9

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("rho", self.rho)

    def init(self, theta):
        """The velocity before the first step: zeros of ``theta``'s shape."""
        return np.zeros_like(theta)

    def step(self, theta, grad, v):
        """Return the next ``theta`` and ``v``; ``grad`` is the gradient at ``theta``. Changes no argument."""
        v = self.rho * v + grad
        return theta - self.lr * v, v


@dataclass(frozen=True)
class MomentumRateInside(Momentum):
    r"""Heavy ball, with the learning rate inside the velocity.

    .. math:: v_{t+1} = \rho v_t + \alpha g_t, \qquad \theta_{t+1} = \theta_t - v_{t+1}

    The same path as :class:`Momentum` while ``lr`` is constant (this velocity is ``lr`` times that one). When ``lr``
    changes, the old velocity here keeps the old rate. Arguments, shapes and errors as there.
    Sources: lectures Misra, "SGD + Momentum", and UvA, "gradient + momentum".
    """

    def step(self, theta, grad, v):
        """Return the next ``theta`` and ``v``; ``grad`` is the gradient at ``theta``."""
        v = self.rho * v + self.lr * grad
        return theta - v, v


@dataclass(frozen=True)
class Nesterov(Momentum):
    r"""Nesterov's accelerated gradient after the change of variables: the gradient is taken where we stand.

    .. math:: v_{t+1} = \rho v_t + g_t, \qquad \theta_{t+1} = \theta_t - \alpha (g_t + \rho v_{t+1})

    This ``theta`` is the look-ahead point of :class:`NesterovLookAhead`, and ``torch.optim.SGD(nesterov=True)``.
    Arguments, shapes and errors as in :class:`Momentum`; ``rho = 0`` has nothing to look ahead along and is refused.
    Sources: {cite}`nesterov1983,sutskever2013`; lecture Helwan, "Nesterov Momentum".
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.rho > 0, "rho", self.rho, "above 0 for Nesterov momentum")

    def step(self, theta, grad, v):
        """Return the next ``theta`` and ``v``; ``grad`` is the gradient at ``theta``."""
        v = self.rho * v + grad
        return theta - self.lr * (grad + self.rho * v), v


@dataclass(frozen=True)
class NesterovLookAhead(Nesterov):
    r"""Nesterov's accelerated gradient as it is explained: look ahead first, then take the gradient there.

    .. math:: v_{t+1} = \rho v_t + \alpha \nabla L(\theta_t - \rho v_t), \qquad \theta_{t+1} = \theta_t - v_{t+1}

    The rate is inside the velocity, as in the paper. Ask ``where`` for the point, hand the gradient at that point to
    ``step``. Arguments, shapes and errors as in :class:`Nesterov`.
    Sources: {cite}`sutskever2013`; lectures Helwan, "Nesterov Momentum"; Misra, "NAG"; UvA, "nesterov momentum".
    """

    def where(self, theta, v):
        """The point at which the next gradient is wanted."""
        return theta - self.rho * v

    def step(self, theta, grad, v):
        """Return the next ``theta`` and ``v``; ``grad`` is the gradient at ``where(theta, v)``."""
        v = self.rho * v + self.lr * grad
        return theta - v, v


def contraction(lr, rho, curvature):
    r"""The factor by which the heavy ball shrinks the error each step, in the long run, on a quadratic.

    Along an eigenvector of the Hessian with eigenvalue :math:`h`, one step multiplies (error, velocity) by a 2x2 matrix
    whose eigenvalues solve :math:`\zeta^2 - (1 + \rho - \alpha h)\, \zeta + \rho = 0`; the factor is the larger :math:`|\zeta|`.
    Below 1 the ball converges. ``lr``, ``rho`` and ``curvature`` are numbers or arrays that broadcast; returns their
    common shape. Sources: {cite}`polyak1964,goh2017`.
    """
    trace = 1 + rho - lr * np.asarray(curvature)
    root = np.sqrt(trace**2 - 4 * rho + 0j)  # complex where the ball oscillates
    return np.maximum(abs(trace + root), abs(trace - root)) / 2
