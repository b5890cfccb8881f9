"""The natural gradient: the Fisher matrix, a step in its metric, and two ways to afford one in a network, PRONG and K-FAC."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._hyperparameters import require, require_count, require_fraction, require_positive, require_rate

__all__ = [
    "KFAC", "PRONG", "Factors", "Whitening", "empirical_fisher", "fisher", "from_whitened", "natural_step", "to_whitened", "whiten",
]  # fmt: skip


def fisher(x, probabilities, rng=None, draws=1):
    r"""The Fisher matrix of logistic or softmax regression, as a mean over the examples.

    .. math:: F = \mathrm{E}\bigl[g g^\top\bigr], \qquad g = (\hat y - y)\, x^\top, \quad y \sim \hat y

    ``x`` has the shape (n, d); ``probabilities``, :math:`\hat y`, are those that the model gives: of class 1, shape (n,), or of all classes,
    shape (n, C). The answers :math:`y` are the model's own, never the data's. Without ``rng`` the expectation is exact; with a NumPy
    generator each example is answered ``draws`` times at random. Returns F, of shape (d, d) or (C d, C d), in the order of
    ``W.ravel()``, where ``W`` has the shape (C, d). Raises ValueError for shapes that do not fit. Source: {cite}`amari1998`.
    """
    p = _of_classes(x, probabilities)
    if rng is not None:
        require_count("draws", draws)
        x, p = np.repeat(x, draws, axis=0), np.repeat(p, draws, axis=0)
        drawn = (rng.random((len(p), 1)) > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
        return _outer_products(x, p, drawn, np.ndim(probabilities))
    if np.ndim(probabilities) == 1:
        return (x * (p[:, :1] * p[:, 1:])).T @ x / len(x)
    scatter = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]  # the covariance of one answer
    size = p.shape[1] * x.shape[1]
    return np.einsum("nij,na,nb->iajb", scatter, x, x, optimize=True).reshape(size, size) / len(x)


def empirical_fisher(x, probabilities, targets):
    r"""What looks like the Fisher matrix and is none: the same mean of :math:`g g^\top`, but with the answers of the data.

    ``targets``: classes, whole numbers of shape (n,); for logistic regression 0 or 1. Other arguments, result and errors as in :func:`fisher`.
    Source: {cite}`kunstner2019`.
    """
    p = _of_classes(x, probabilities)
    require(np.shape(targets) == (len(x),), "the shape of targets", np.shape(targets), f"({len(x)},)")
    return _outer_products(x, p, np.asarray(targets), np.ndim(probabilities))


def _of_classes(x, probabilities):
    """The probabilities of all classes, shape (n, C)."""
    p = np.asarray(probabilities)
    require(np.ndim(x) == 2, "the shape of x", np.shape(x), "(n, d)")
    require(
        p.ndim in (1, 2) and len(p) == len(x), "the shape of probabilities", p.shape, f"({len(x)},) or ({len(x)}, C)"
    )
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def _outer_products(x, p, targets, ndim):
    off = p - (targets[:, None] == np.arange(p.shape[1]))
    off = off[:, 1:] if ndim == 1 else off
    g = (off[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    return g.T @ g / len(x)


def natural_step(theta, grad, metric, lr=1.0, damping=0.0):
    r"""The step of steepest descent where lengths are measured by a metric.

    .. math:: \theta_{t+1} = \theta_t - \alpha\,(G + \lambda I)^{-1} g_t

    With the Fisher matrix for :math:`G` it is the step of the natural gradient. ``theta`` and ``grad`` have one shape with d entries in all,
    ``metric`` is :math:`G`, of shape (d, d), symmetric; ``lr`` is :math:`\alpha`, ``damping`` is :math:`\lambda`. Returns the new theta. Raises ValueError
    for a bad number, and ``LinAlgError`` where :math:`G + \lambda I` is not positive definite. Sources: {cite}`amari1998`; lecture Misra,
    "Relationship: Natural Gradient vs. Gradient".
    """
    require_rate("lr", lr)
    require_rate("damping", damping)
    metric = metric + damping * np.eye(len(metric))
    np.linalg.cholesky(metric)  # complains unless it is positive definite
    return theta - lr * np.linalg.solve(metric, grad.ravel()).reshape(grad.shape)


def whiten(x, eps=0.0, centre=True):
    r"""Return ``U`` and ``mean``, such that the entries of :math:`U(x - \mu)` are uncorrelated and, but for ``eps``, have variance 1.

    .. math:: U = (\mathrm{diag}(h) + \epsilon I)^{-1/2}\, Q^\top, \qquad \Sigma = Q\, \mathrm{diag}(h)\, Q^\top

    ``x`` has the shape (n, d), ``U`` (d, d), ``mean`` (d,); :math:`\Sigma` is the covariance, divided by n. Without ``centre`` the mean is taken to
    be 0. Raises ValueError for another shape, a bad ``eps``, and where a direction has no variance and ``eps`` is 0.
    Sources: {cite}`desjardins2015`; lecture Misra, "Exact forms of weights".
    """
    require(np.ndim(x) == 2 and len(x) > 0, "the shape of x", np.shape(x), "(n, d) with n > 0")
    require_rate("eps", eps)
    mean = x.mean(axis=0) if centre else np.zeros_like(x[0])
    h, q = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    h = h.clip(0) + eps  # rounding can leave a variance just below 0
    require(bool(h.min() > 0), "eps", eps, "above 0, as a direction has no variance at all")
    return (q / np.sqrt(h)).T, mean


def to_whitened(W, b, U, mean):
    r"""The layer :math:`Wx + b` written for whitened inputs: return ``V`` and ``shifted`` with :math:`V U (x - \mu) + \tilde b = Wx + b` for every x.

    .. math:: V = W U^{-1}, \qquad \tilde b = b + W\mu

    ``W`` and ``V`` have the shape (outputs, inputs), ``U`` (inputs, inputs), ``mean`` (inputs,), the biases (outputs,).
    Source: {cite}`desjardins2015`, put right.
    """
    return np.linalg.solve(U.T, W.T).T, b + W @ mean


def from_whitened(V, shifted, U, mean):
    r"""The way back: return ``W`` and ``b``. It takes a step in the whitened layer to the step of ``W`` and ``b`` as well.

    .. math:: W = VU, \qquad b = \tilde b - W\mu

    Shapes as in :func:`to_whitened`. Source: {cite}`desjardins2015`, put right.
    """
    W = V @ U
    return W, shifted - W @ mean


class Whitening(NamedTuple):
    """What PRONG remembers of a layer: how its inputs are whitened, the velocities of ``W`` and ``b``, and the number of steps taken."""

    U: Any
    mean: Any
    v: dict[str, Any]
    t: int


@dataclass(frozen=True)
class PRONG:
    r"""Projected natural gradient descent, for one linear layer: gradient descent on the layer written for whitened inputs.

    .. math::

        \xi_V &= (g_W - g_b \mu^\top)\, U^\top \\
        \xi_W &= \xi_V\, U, \qquad \xi_b = g_b - \xi_W\, \mu

    The directions :math:`\xi_W` and :math:`\xi_b` go into a heavy ball with the rate ``lr``, :math:`\alpha`, and the momentum ``rho``, :math:`\rho`. Every ``every`` steps ``U`` and
    :math:`\mu` come from :func:`whiten` with ``eps``, :math:`\epsilon > 0`. The layer is kept in its ordinary form, so that new coordinates change nothing that it
    computes; the velocity is kept there as well. Raises ValueError that names a bad argument and its value.
    Sources: {cite}`desjardins2015`; lecture Misra, "PRONG Update rule".
    """

    lr: float = 0.1
    rho: float = 0.0
    eps: float = 0.1
    every: int = 100

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("rho", self.rho)
        require_positive("eps", self.eps)
        require_count("every", self.every)

    def init(self, layer):
        """The state before the first step of a ``layer``, a dict of ``"W"``, shape (outputs, inputs), and ``"b"``, shape (outputs,)."""
        d = layer["W"].shape[1]
        return Whitening(np.eye(d), np.zeros(d), {name: np.zeros_like(p) for name, p in layer.items()}, 0)

    def step(self, layer, grad, state, inputs):
        """Return the next ``layer`` and state. ``grad``: the gradients, a dict as the layer; ``inputs``: what enters it, shape (n, inputs).

        The inputs need not be those of the mini-batch, and are looked at every ``every`` steps only. Changes no argument.
        """
        U, mean = whiten(inputs, self.eps) if state.t % self.every == 0 else (state.U, state.mean)
        in_V = (grad["W"] - np.outer(grad["b"], mean)) @ U.T
        W, b = from_whitened(in_V, grad["b"], U, mean)
        layer, v = _heavy_ball(layer, {"W": W, "b": b}, state.v, self.lr, self.rho)
        return layer, Whitening(U, mean, v, state.t + 1)


class Factors(NamedTuple):
    """What K-FAC remembers of a layer: the two averages, the velocities of ``W`` and ``b``, and the number of steps taken."""

    of_inputs: Any
    of_slopes: Any
    v: dict[str, Any]
    t: int


@dataclass(frozen=True)
class KFAC:
    r"""K-FAC, for one linear layer: its block of the Fisher matrix taken as a Kronecker product of two small matrices.

    .. math::

        \Sigma_x = \mathrm{E}\bigl[(x, 1)\,(x, 1)^\top\bigr], \qquad \Sigma_g &= \mathrm{E}\bigl[g g^\top\bigr], \qquad
        c^2 = \frac{\mathrm{tr}\,\Sigma_x / (d_\mathrm{in} + 1)}{\mathrm{tr}\,\Sigma_g / d_\mathrm{out}} \\
        [\xi_W\ \xi_b] &= (\Sigma_g + \tfrac1c \sqrt\lambda\, I)^{-1}\, [g_W\ g_b]\, (\Sigma_x + c \sqrt\lambda\, I)^{-1}

    Here :math:`(x, 1)` is an input with a 1 appended and :math:`g` the slope of the log-likelihood in the layer's output, for an answer that is
    drawn from the model. Every ``every`` steps both averages are renewed: the old one weighs ``decay``. The directions :math:`\xi_W` and :math:`\xi_b` go into a heavy ball with the rate ``lr``,
    :math:`\alpha`, and the momentum ``rho``, :math:`\rho`. ``damping`` is :math:`\lambda > 0`. Raises ValueError that names a bad argument and its value.
    Source: {cite}`martens2015`.
    """

    lr: float = 0.1
    rho: float = 0.9
    damping: float = 0.1
    decay: float = 0.9
    every: int = 10

    def __post_init__(self) -> None:
        require_rate("lr", self.lr)
        require_fraction("rho", self.rho)
        require_positive("damping", self.damping)
        require_fraction("decay", self.decay)
        require_count("every", self.every)

    def init(self, layer):
        """The state before the first step of a ``layer``, a dict of ``"W"``, shape (outputs, inputs), and ``"b"``, shape (outputs,)."""
        outputs, inputs = layer["W"].shape
        zeros = {name: np.zeros_like(p) for name, p in layer.items()}
        return Factors(np.zeros((inputs + 1, inputs + 1)), np.zeros((outputs, outputs)), zeros, 0)

    def step(self, layer, grad, state, inputs, slopes):
        """Return the next ``layer`` and state. ``inputs``: what enters it, shape (n, inputs); ``slopes``: each example's g, shape (n, outputs).

        Both are looked at every ``every`` steps only. Changes no argument.
        """
        A, G = state.of_inputs, state.of_slopes
        if state.t % self.every == 0:
            old = self.decay if state.t else 0.0
            x = np.column_stack([inputs, np.ones(len(inputs))])
            A = old * A + (1 - old) * x.T @ x / len(x)
            G = old * G + (1 - old) * slopes.T @ slopes / len(x)
        root, c = self.damping**0.5, balance(np.trace(A) / len(A), np.trace(G) / len(G))
        both = np.linalg.solve(G + root / c * np.eye(len(G)), np.column_stack([grad["W"], grad["b"]]))
        both = np.linalg.solve(A + root * c * np.eye(len(A)), both.T).T
        layer, v = _heavy_ball(layer, {"W": both[:, :-1], "b": both[:, -1]}, state.v, self.lr, self.rho)
        return layer, Factors(A, G, v, state.t + 1)


def balance(of_inputs, of_slopes):
    """How K-FAC's damping is shared between its two factors, given their mean eigenvalues; 1 where one of them is 0."""
    return float(of_inputs / of_slopes) ** 0.5 if of_inputs > 0 and of_slopes > 0 else 1.0


def _heavy_ball(layer, direction, v, lr, rho):
    v = {name: rho * v[name] + direction[name] for name in layer}
    return {name: layer[name] - lr * v[name] for name in layer}, v
