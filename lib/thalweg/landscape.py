"""The loss surface of a real network, cut open: a small classifier, a plane through its weights, and the valley's floor in it.

:class:`Classifier` and :class:`Joined` have ``value`` and ``grad`` for :func:`thalweg.minimize.minimize`; :class:`Plane` makes a
:class:`~thalweg.surfaces.Surface` of the first, on which every optimizer and every figure of the book works.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .data import digits
from .minimize import History, minimize
from .numpy import Adam, Momentum
from .surfaces import Surface


@dataclass(frozen=True)
class Classifier:
    r"""The loss of a network with tanh layers: mean cross-entropy plus :math:`\tfrac{\lambda}{2} \lVert\theta\rVert^2`.

    ``x``: shape (examples, features); ``y``: class numbers, shape (examples,). ``hidden``: the widths of the hidden layers;
    ``decay`` is :math:`\lambda`. The weights ``theta`` are one vector: layer after layer, a matrix with the biases as its last row.
    Raises ValueError unless ``x`` and ``y`` have one number of examples.
    """

    x: np.ndarray
    y: np.ndarray
    hidden: tuple[int, ...] = (6, 6)
    decay: float = 1e-3

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"x and y must have one number of examples, got {len(self.x)} and {len(self.y)}")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes of the layers' matrices, the row of biases included."""
        sizes = [self.x.shape[1], *self.hidden, int(self.y.max()) + 1]
        return [(n + 1, m) for n, m in pairwise(sizes)]

    def init(self, seed: int) -> np.ndarray:
        """Weights before training: normal with variance 1 / inputs, biases zero."""
        rng = np.random.default_rng(seed)
        layers = [rng.normal(size=shape) / np.sqrt(shape[0] - 1) for shape in self.shapes]
        for layer in layers:
            layer[-1] = 0
        return np.concatenate([layer.ravel() for layer in layers])

    def layers(self, theta: np.ndarray) -> list[np.ndarray]:
        """The layers' matrices in ``theta``, one row for each input and a last one of biases."""
        ends = np.cumsum([n * m for n, m in self.shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(theta, ends[:-1]), self.shapes, strict=True)]

    def _forward(self, theta: np.ndarray):
        layers = self.layers(theta)
        inputs = [self.x]
        for layer in layers[:-1]:
            inputs.append(np.tanh(inputs[-1] @ layer[:-1] + layer[-1]))
        scores = inputs[-1] @ layers[-1][:-1] + layers[-1][-1]
        scores = scores - scores.max(axis=1, keepdims=True)
        return layers, inputs, scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def value(self, theta: np.ndarray) -> float:
        """The loss at ``theta``."""
        _, _, log_p = self._forward(theta)
        return float(self.decay / 2 * theta @ theta - log_p[np.arange(len(self.y)), self.y].mean())

    def grad(self, theta: np.ndarray) -> np.ndarray:
        """The gradient at ``theta``, of its shape: backpropagation."""
        layers, inputs, log_p = self._forward(theta)
        delta = np.exp(log_p)
        delta[np.arange(len(self.y)), self.y] -= 1
        delta /= len(self.y)
        grads = []
        for layer, a in zip(layers[::-1], inputs[::-1], strict=True):
            grads.append(np.vstack([a.T @ delta, delta.sum(axis=0)]).ravel())
            delta = delta @ layer[:-1].T * (1 - a**2)  # of no use, and unused, at the first layer
        return np.concatenate(grads[::-1]) + self.decay * theta


def matched(network: Classifier, a: np.ndarray, b: np.ndarray, rounds: int = 20) -> np.ndarray:
    """``b`` with its hidden units put into the order, and given the signs, in which their weights are most like those of ``a``.

    The network is the same one, at another point of weight space: a tanh unit may change its place, and its sign with all its weights.
    Layer by layer, the best assignment for what the other layers are at the moment; ``rounds`` times, or until nothing moves.
    Source: {cite}`ainsworth2023`, and signs.
    """
    from scipy.optimize import linear_sum_assignment

    ours, theirs = network.layers(a), [layer.copy() for layer in network.layers(b)]
    for _ in range(rounds):
        moved = False
        for i in range(len(theirs) - 1):
            alike = ours[i].T @ theirs[i] + ours[i + 1][:-1] @ theirs[i + 1][:-1].T
            units, places = linear_sum_assignment(-np.abs(alike))
            signs = np.where(alike[units, places] < 0, -1.0, 1.0)
            moved |= bool((places != units).any() or (signs < 0).any())
            theirs[i] = theirs[i][:, places] * signs
            theirs[i + 1][:-1] = theirs[i + 1][places] * signs[:, None]
        if not moved:
            break
    return np.concatenate([layer.ravel() for layer in theirs])


@dataclass(frozen=True)
class Joined:
    r"""The mean loss along a curve that joins two points of weight space, as a function of the point that bends the curve.

    .. math:: \theta(u) = (1 - u)^2 \theta_0 + 2 u (1 - u) \theta + u^2 \theta_1

    ``a`` and ``b`` are the two points, :math:`\theta_0` and :math:`\theta_1`. Where ``theta`` minimizes it, the curve runs through
    a valley between them, if there is one. The mean is taken over ``points`` values of u from 0 to 1. Source: {cite}`garipov2018`.
    """

    loss: Classifier
    a: np.ndarray
    b: np.ndarray
    points: int = 8

    def curve(self, theta: np.ndarray) -> np.ndarray:
        """The curve's points, shape (points, weights)."""
        u = self._u()
        return (1 - u) ** 2 * self.a + 2 * u * (1 - u) * theta + u**2 * self.b

    def value(self, theta: np.ndarray) -> float:
        """The mean loss along the curve."""
        return float(np.mean([self.loss.value(point) for point in self.curve(theta)]))

    def grad(self, theta: np.ndarray) -> np.ndarray:
        """Its gradient with respect to ``theta``."""
        u = self._u()
        return np.mean(2 * u * (1 - u) * [self.loss.grad(point) for point in self.curve(theta)], axis=0)

    def _u(self) -> np.ndarray:
        return ((np.arange(self.points) + 0.5) / self.points)[:, None]


@dataclass(frozen=True)
class Plane:
    """A plane in weight space. Its ``axes``, shape (2, weights), are orthonormal: distances on it are distances of weights."""

    origin: np.ndarray
    axes: np.ndarray

    @classmethod
    def through(cls, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> "Plane":
        """The plane through three points: ``a`` is its origin, ``b`` lies on the first axis, ``c`` below that axis.

        Raises ValueError where the three lie on one line.
        """
        first = (b - a) / np.linalg.norm(b - a)
        second = (a - c) - (a - c) @ first * first
        height = np.linalg.norm(second)
        if not height > 1e-9 * np.linalg.norm(b - a):
            raise ValueError("a, b and c lie on one line; a plane needs three points that do not")
        return cls(a, np.stack([first, second / height]))

    def project(self, theta: np.ndarray) -> np.ndarray:
        """Where weights of shape (..., weights) fall on the plane: shape (..., 2)."""
        return (theta - self.origin) @ self.axes.T

    def surface(
        self, loss: Classifier, start: tuple[float, float], window: tuple[float, float, float, float]
    ) -> Surface:
        """The loss on the plane; ``loss`` has ``value(theta)`` and ``grad(theta)``. Its gradient is the projection of theirs."""

        def each(function, p, shape):
            p = np.asarray(p, dtype=float)
            found = [function(self.origin + point @ self.axes) for point in p.reshape(-1, 2)]
            return np.reshape(found, p.shape[:-1] + shape)

        return Surface(
            name="a network's loss on a plane",
            value=lambda p: each(loss.value, p, ()),
            grad=lambda p: each(lambda theta: self.axes @ loss.grad(theta), p, (2,)),
            start=start,
            minimum=None,
            window=window,
        )


def thalweg(surface: Surface, left: float, right: float, n: int = 100) -> np.ndarray:
    """The floor of a valley that runs from left to right: for each of ``n`` abscissas, the lowest point across the window.

    Returns shape (n, 2). Raises ValueError where a column has its lowest point on the window's rim: there is no valley in it.
    """
    from scipy.optimize import minimize_scalar

    floor = []
    across = np.linspace(*surface.window[2:], 41)
    for x in np.linspace(left, right, n):
        i = int(np.argmin(surface.value(np.stack([np.full_like(across, x), across], axis=-1))))
        if i in (0, len(across) - 1):
            raise ValueError(
                f"at {x:g} the window's rim is lowest, not a valley; make the window higher or narrow left and right"
            )
        low = minimize_scalar(
            lambda y, x=x: float(surface.value(np.array([x, y]))), bounds=across[[i - 1, i + 1]], method="bounded"
        )
        floor.append((x, low.x))
    return np.array(floor)


@dataclass(frozen=True)
class TwoNetworks:
    """Two trainings of one network, the plane in which a valley joins their ends, the loss on it, the line of the valley's floor."""

    trainings: dict[str, History]
    plane: Plane
    surface: Surface
    floor: np.ndarray


def two_networks() -> TwoNetworks:
    """The map on the book's front page; some seconds of work.

    A network with two hidden layers of 6 learns 300 digits twice, from two random beginnings, once with momentum, once with Adam.
    The plane goes through both ends and the point that bends a curve of low loss between them (:class:`Joined`). The start for
    races lies almost on the ridge, so that small differences decide where a run ends.
    """
    data = digits()
    network = Classifier(data.x_train[:300], data.y_train[:300])
    trainings = {
        "momentum": minimize(Momentum(lr=0.1, rho=0.9), network, start=network.init(1), steps=800),
        "Adam": minimize(Adam(lr=0.01), network, start=network.init(2), steps=800),
    }
    a, b = (history.theta[-1] for history in trainings.values())
    bend = minimize(Momentum(lr=0.1, rho=0.9), Joined(network, a, b), start=(a + b) / 2, steps=200).theta[-1]
    plane = Plane.through(a, b, bend)
    surface = plane.surface(network, start=(11.3, 8.2), window=(-7.5, 29.0, -9.5, 10.0))
    return TwoNetworks(trainings, plane, surface, thalweg(surface, -5.0, 26.5))
