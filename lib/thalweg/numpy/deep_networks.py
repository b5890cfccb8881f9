"""What a network can compute: its parameters, pieces and regions counted, and two networks whose weights are written down by hand."""

from itertools import pairwise
from math import comb

import numpy as np

from ._hyperparameters import require, require_count
from .backpropagation import Linear, Network, ReLU

__all__ = [
    "breakpoints", "count_parameters", "interpolating_network", "linear_pieces", "mlp", "regions", "regions_at_most", "sawtooth",
]  # fmt: skip


def mlp(*widths):
    r"""A multilayer perceptron: linear layers of these widths with a ReLU between each two.

    ``mlp(64, 32, 10)`` has 64 inputs, one hidden layer of 32 units, 10 outputs. Returns a :class:`Network`, whose ``init`` draws
    its parameters. Raises ValueError for fewer than two widths, and for a width below 1. Source: {cite}`goodfellow2016`.
    """
    require(len(widths) >= 2, "widths", widths, "two numbers at least")
    for width in widths:
        require_count("each width", width)
    layers = []
    for a, b in pairwise(widths):
        layers += [Linear(int(a), int(b)), ReLU()]
    return Network(layers[:-1])


def count_parameters(*widths):
    r"""How many parameters a multilayer perceptron of these widths has.

    .. math:: \sum_l d_{l}\,(d_{l-1} + 1)

    Each unit has a weight for each of its inputs, and a bias. ``widths`` and errors as in :func:`mlp`. Returns a whole number.
    """
    return sum(layer.outputs * (layer.inputs + 1) for layer in mlp(*widths).layers[::2])


def regions_at_most(outputs, inputs):
    r"""Into how many regions ``outputs`` hyperplanes cut a space of ``inputs`` dimensions, if they lie in general position.

    .. math:: \sum_{k=0}^{d_\mathrm{in}} \binom{d_\mathrm{out}}{k}

    No arrangement has more. Raises ValueError unless both are whole numbers of at least 1. Source: {cite}`zaslavsky1975`.
    """
    require_count("outputs", outputs)
    require_count("inputs", inputs)
    return sum(comb(outputs, k) for k in range(inputs + 1))


def regions(w, b):
    r"""Into how many regions the hyperplanes :math:`w_i^\top x + b_i = 0` cut the space, counted exactly, whatever their position.

    Put them down one by one: each cuts in two as many regions as it is itself cut into by those before it, which is the same
    question in one dimension less. ``w`` has the shape (outputs, inputs) and ``b`` (outputs,). Parallel, equal and concurrent
    ones are allowed; equal means: within 1e-9 when the normals have length 1. The work grows like the result. Raises ValueError
    for other shapes. Source: {cite}`zaslavsky1975`.
    """
    w, b = np.asarray(w, dtype=float), np.asarray(b, dtype=float)
    require(w.ndim == 2, "w", w.shape, "of shape (outputs, inputs)")
    require(b.shape == w.shape[:1], "b", b.shape, f"of shape {w.shape[:1]}, one for each row of w")
    planes = _distinct(w, b)
    if w.shape[1] <= 1:  # on a line each point adds one; a point has nothing to cut
        return len(planes) + 1
    count = 1
    for i, (*normal, offset) in enumerate(planes):
        along = np.linalg.svd([normal])[2][1:]  # directions within the hyperplane
        before, shifts = planes[:i, :-1], planes[:i, -1]
        count += regions(before @ along.T, shifts - offset * (before @ normal))
    return count


def _distinct(w, b):
    """The hyperplanes as rows (normal of length 1, offset), each only once. A normal of length 0 makes none."""
    rows = np.column_stack([w, b])
    lengths = np.linalg.norm(w, axis=1)
    planes: list[np.ndarray] = []
    for row in rows[lengths > 1e-9] / lengths[lengths > 1e-9, None]:
        if not any(min(np.abs(row - other).max(), np.abs(row + other).max()) < 1e-9 for other in planes):
            planes.append(row)
    return np.reshape(planes, (-1, rows.shape[1]))


def breakpoints(network, parameters, low=0.0, high=1.0):
    r"""Where a ReLU network with one input and one output changes its slope, between ``low`` and ``high``: exactly, in order.

    ``network`` is one as of :func:`mlp`. Between two neighbouring points at which some unit of the layers so far switches, all that
    enters the next layer is a straight line of :math:`x`, so one division finds where it crosses zero. Points closer together than
    1e-12 of the interval count as one, and so do changes of slope that cancel (below 1e-9 of the steepest slope): there is none.
    Returns an array of shape (breakpoints,). Raises ValueError for other networks, or unless ``low < high``.
    Source: {cite}`montufar2014`.
    """
    layers = network.layers
    linear = all(isinstance(layer, (Linear, ReLU)) for layer in layers) and isinstance(layers[-1], Linear)
    shapes = [(layer.inputs, layer.outputs) for layer in layers if isinstance(layer, Linear)]
    require(
        linear and shapes[0][0] == 1 == shapes[-1][1],
        "network",
        network,
        "a ReLU network with one input and one output",
    )
    require(low < high, "low", low, f"below high, which is {high!r}")
    x = np.array([low, high], dtype=float)
    for i, layer in enumerate(layers):
        if isinstance(layer, ReLU):
            z, _ = Network(layers[:i]).forward(x[:, None], parameters)
            piece, unit = np.nonzero(z[:-1] * z[1:] < 0)
            here, there = z[piece, unit], z[piece + 1, unit]
            x = np.sort(np.append(x, x[piece] + here / (here - there) * (x[piece + 1] - x[piece])))
            x = x[np.append(True, np.diff(x) > 1e-12 * (high - low))]
    slopes = np.diff(network.forward(x[:, None], parameters)[0][:, 0]) / np.diff(x)
    return x[1:-1][np.abs(np.diff(slopes)) > 1e-9 * np.abs(slopes).max()]


def linear_pieces(network, parameters, low=0.0, high=1.0):
    """Of how many straight pieces a ReLU network with one input and one output consists between ``low`` and ``high``.

    A whole number: one more than there are :func:`breakpoints`, whose arguments and errors it has.
    """
    return len(breakpoints(network, parameters, low, high)) + 1


def sawtooth(folds):
    r"""The tent map, folded ``folds`` times: :math:`2^D` straight pieces on [0, 1] from :math:`2D` hidden units.

    .. math:: y = 2\max(x, 0) - 4\max(x - \tfrac12, 0)

    is one fold of the interval from 0 to 1 onto itself; each hidden layer folds again what the one before has folded. Returns the network and
    its parameters. Raises ValueError unless ``folds`` is a whole number of at least 1. Source: {cite}`telgarsky2016`.
    """
    require_count("folds", folds)
    network, parameters = mlp(1, *[2] * int(folds), 1), {}
    for i in range(folds):
        inward = np.array([[1.0]]) if i == 0 else np.array([[2.0, -4.0]])
        parameters[f"{2 * i}.W"] = np.repeat(inward, 2, axis=0)
        parameters[f"{2 * i}.b"] = np.array([0.0, -0.5])
    last = f"{2 * folds}."
    parameters |= {last + "W": np.array([[2.0, -4.0]]), last + "b": np.zeros(1)}
    return network, parameters


def interpolating_network(x, y):
    r"""A network of one hidden layer that runs straight from each given point to the next, its weights written down.

    .. math:: y = y_1 + \sum_{i=1}^{n-1} (c_i - c_{i-1}) \max(x - x_i, 0), \qquad c_i = \frac{y_{i+1} - y_i}{x_{i+1} - x_i}, \quad c_0 = 0

    ``x`` and ``y`` have the shape (n,), ``x`` in rising order. There are n - 1 hidden units, one for each piece. Left of all points the
    network is constant, right of them it goes straight on. Returns the network and its parameters. Raises ValueError for fewer
    than two points, other shapes, or an ``x`` that does not rise. Source: {cite}`arora2018`.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    require(x.ndim == 1 and len(x) >= 2, "x", x.shape, "of shape (n,) with two points at least")
    require(y.shape == x.shape, "y", y.shape, f"of shape {x.shape}, one for each x")
    require((np.diff(x) > 0).all(), "x", x, "in rising order, no two alike")
    slopes = np.diff(y) / np.diff(x)
    parameters = {"0.W": np.ones((len(slopes), 1)), "0.b": -x[:-1]}
    return mlp(1, len(slopes), 1), parameters | {"2.W": np.diff(slopes, prepend=0)[None], "2.b": y[:1].copy()}
