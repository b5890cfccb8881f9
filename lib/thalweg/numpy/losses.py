"""Losses: what a network is told about its mistakes. And whether its probabilities can be taken at their word.

The loss of a classifier, :class:`SoftmaxCrossEntropy`, stands with the topic backpropagation.
"""

import heapq
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ._hyperparameters import (
    require,
    require_classes,
    require_count,
    require_generator,
    require_positive,
    require_reduction,
)
from .backpropagation import Layer, Sigmoid

__all__ = [
    "AbsoluteError", "HierarchicalSoftmax", "Huber", "MultiClassHinge", "RBFLoss", "SigmoidCrossEntropy", "SmoothL1",
    "SquaredError", "Tree", "calibration_error", "huffman_tree", "reliability", "temperature",
]  # fmt: skip


@dataclass(frozen=True)
class _Loss(Layer):
    """What losses share: ``each`` gives values, one for each entry or example, and their slopes; ``reduction`` makes one number of them."""

    reduction: str = field(default="mean", kw_only=True)

    def __post_init__(self):
        require_reduction(self.reduction)

    def forward(self, x, targets, *, training=False, rng=None):
        """Return the loss, a number (with the ``reduction`` "none" an array), and what ``backward`` needs."""
        values, slopes = self.each(x, np.asarray(targets))
        total = values.size if self.reduction == "mean" else 1
        return values if self.reduction == "none" else values.sum() / total, slopes / total

    def backward(self, dy, cache):
        """Return the gradient in ``x``; ``dy`` is 1 where the loss is the end of the network."""
        dy = np.asarray(dy, cache.dtype)
        return dy.reshape(dy.shape + (1,) * (cache.ndim - dy.ndim)) * cache, {}

    def each(self, x, targets):
        """Return values and slopes."""
        raise NotImplementedError


def _require_same_shape(x, targets):
    require(targets.shape == x.shape, "the shape of targets", targets.shape, f"{x.shape}")


def _require_classes(targets, batch, classes):
    require(targets.shape == (batch,), "the shape of targets", targets.shape, f"{(batch,)}")
    require_classes(targets, classes)


# --- one class of several, and several labels at once ---------------------------------------------------------------


@dataclass(frozen=True)
class MultiClassHinge(_Loss):
    r"""The hinge loss of several classes: the right score must be above each other one by a margin.

    .. math:: L = \frac1B \sum_{i=1}^B \frac1C \sum_{k \ne y^\star_i} \max(0,\, c + x_{ik} - x_{i y^\star_i})

    ``x`` holds scores of shape (batch, classes), ``targets`` classes of shape (batch,). ``margin`` is :math:`c`, ``power`` is
    1, or 2 for the squared hinge, which squares each maximum. At the hinge itself the slope is taken as 0. The mean over the classes is that of
    ``torch.nn.MultiMarginLoss``; the sources have the sum. As there, a score that is not a number asks for nothing.
    Raises ValueError for others. Sources: {cite}`weston1999`; lecture UvA, "multi-class classification".
    """

    margin: float = 1.0
    power: int = 1

    def __post_init__(self):
        super().__post_init__()
        require_positive("margin", self.margin)
        require(self.power in (1, 2), "power", self.power, "1 or 2")

    def each(self, x, targets):
        """Return a value for each example, and the slopes in its scores."""
        require(np.ndim(x) == 2, "x", np.shape(x), "of shape (batch, classes)")
        _require_classes(targets, *x.shape)
        rows, classes = np.arange(len(x)), x.shape[1]
        missing = self.margin - x[rows, targets][:, None] + x
        missing[rows, targets] = 0
        missing = np.where(missing > 0, missing, 0)
        slopes = (missing > 0).astype(x.dtype) if self.power == 1 else 2 * missing
        slopes[rows, targets] = -slopes.sum(axis=1)
        return (missing**self.power).sum(axis=1) / classes, slopes / classes


@dataclass(frozen=True)
class SigmoidCrossEntropy(_Loss):
    r"""The loss of labels that are independent of each other: a yes or no for each, from its score.

    .. math:: L = -\mathrm{mean}\bigl(y^\star \log \hat y + (1 - y^\star) \log(1 - \hat y)\bigr), \qquad \hat y = \frac{1}{1 + e^{-x}}

    ``x`` and ``targets`` have one shape; a target is 1 or 0, or a probability. It is computed from the scores, as
    :math:`-\log \hat y = \log(1 + e^{-x})`, so that nothing overflows and no logarithm of 0 is taken. Raises ValueError for others.
    Sources: {cite}`goodfellow2016`; lecture UvA, "multi-class, multi-label classification".
    """

    def each(self, x, targets):
        """Return a value and a slope for each score."""
        _require_same_shape(x, targets)
        require(((targets >= 0) & (targets <= 1)).all(), "targets", targets, "between 0 and 1")
        wanted = targets.astype(x.dtype)
        yes = np.where(wanted > 0, wanted * np.logaddexp(0, -x), 0)  # what is not wanted costs nothing, be it infinite
        no = np.where(wanted < 1, (1 - wanted) * np.logaddexp(0, x), 0)
        return yes + no, Sigmoid().forward(x)[0] - wanted


# --- numbers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SquaredError(_Loss):
    r"""The mean of the squared differences, :math:`L = \mathrm{mean}\,(x - y^\star)^2`.

    ``x`` and ``targets`` have one shape, otherwise ValueError is raised. Its best constant is the mean of the targets.
    Sources: {cite}`goodfellow2016`; lectures Module 2, "Model: loss function", and UvA, "regression".
    """

    def each(self, x, targets):
        """Return a value and a slope for each entry."""
        _require_same_shape(x, targets)
        apart = x - targets.astype(x.dtype)
        return apart**2, 2 * apart


@dataclass(frozen=True)
class AbsoluteError(_Loss):
    r"""The L1 loss, the mean of the absolute differences, :math:`L = \mathrm{mean}\,|x - y^\star|`; at 0 the slope is taken as 0.

    ``x`` and ``targets`` have one shape, otherwise ValueError is raised. Its best constant is the median of the targets.
    Sources: lectures Module 2, "Model: loss function", and UvA, "regression".
    """

    def each(self, x, targets):
        """Return a value and a slope for each entry."""
        _require_same_shape(x, targets)
        apart = x - targets.astype(x.dtype)
        return np.abs(apart), (apart > 0).astype(x.dtype) - (apart < 0)


@dataclass(frozen=True)
class Huber(_Loss):
    r"""Squared near 0 and straight far away: no single target pulls harder than the ``threshold``.

    .. math:: L = \mathrm{mean}\begin{cases} \tfrac12 (x - y^\star)^2 & |x - y^\star| \le c \\ c\,(|x - y^\star| - \tfrac c2) & \text{else} \end{cases}

    ``threshold`` is :math:`c`; ``torch.nn.HuberLoss`` calls it ``delta``. ``x`` and ``targets`` have one shape. Raises ValueError
    for another one, or a threshold that is not above 0. Source: {cite}`huber1964`.
    """

    threshold: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        require_positive("threshold", self.threshold)

    def each(self, x, targets):
        """Return a value and a slope for each entry."""
        _require_same_shape(x, targets)
        apart = x - targets.astype(x.dtype)
        slopes = np.clip(apart, -self.threshold, self.threshold)
        return slopes * (apart - slopes / 2), slopes


@dataclass(frozen=True)
class SmoothL1(Huber):
    r"""Huber's loss divided by its threshold: far away its slope is 1, whatever the ``threshold``, which ``torch.nn.SmoothL1Loss`` calls ``beta``.

    Shapes and errors as in :class:`Huber`. Source: {cite}`girshick2015`.
    """

    def each(self, x, targets):
        """Return a value and a slope for each entry."""
        values, slopes = super().each(x, targets)
        return values / self.threshold, slopes / self.threshold


@dataclass(frozen=True)
class RBFLoss(_Loss):
    r"""A radial basis function of the squared distance, upside down: near the target a parabola, far away flat.

    .. math:: L = \frac1B \sum_{i=1}^B \bigl(1 - e^{-\lVert x_i - y^\star_i \rVert_2^2 / 2c^2}\bigr)

    ``width`` is :math:`c`. ``x`` and ``targets`` have one shape, (batch, outputs) or (batch,). Raises ValueError for another one, or a width that
    is not above 0. Known in robust statistics as Welsch's loss. Sources: {cite}`dennis1978`; lecture UvA, "regression".
    """

    width: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        require_positive("width", self.width)

    def each(self, x, targets):
        """Return a value for each example, and the slopes in its outputs."""
        _require_same_shape(x, targets)
        apart = (x - targets.astype(x.dtype)) / self.width
        squared = (apart**2).sum(axis=tuple(range(1, x.ndim)))
        near = np.exp(-squared / 2).reshape((-1,) + (1,) * (x.ndim - 1))
        return -np.expm1(-squared / 2), np.where(near == 0, 0, near * apart) / self.width  # infinitely far, too


# --- very many classes ----------------------------------------------------------------------------------------------


class Tree(NamedTuple):
    """The way from the root of a binary tree to each class: the nodes that are passed, and the turns that are taken there.

    ``nodes`` and ``turns`` have the shape (classes, depth). A turn is 1 or -1, and 0 behind the end of a path that is shorter than the longest; the
    root is the last node.
    """

    nodes: np.ndarray
    turns: np.ndarray

    def lengths(self):
        """Return how many turns it takes to each class, of shape (classes,)."""
        return np.abs(self.turns).sum(axis=1)


def huffman_tree(counts):
    """Return the :class:`Tree` in which a class's way is the shorter, the more often it occurs.

    ``counts``, of shape (classes,), says how often; at least two classes, and no count below 0, otherwise ValueError is raised. The two rarest are joined until one
    tree is left: no other tree has a shorter way on average. Sources: {cite}`huffman1952`; for a network's classes {cite}`mikolov2013`.
    """
    counts = np.asarray(counts)
    ok = counts.ndim == 1 and len(counts) > 1 and (counts >= 0).all()
    require(ok, "counts", counts, "numbers of at least 0, two or more")
    classes = len(counts)
    waiting = [(count, i) for i, count in enumerate(counts.tolist())]
    heapq.heapify(waiting)
    above = {}  # of a class or node: the node above it and the turn from there; nodes count on from the classes
    for node in range(classes, 2 * classes - 1):
        (rare, a), (less_rare, b) = heapq.heappop(waiting), heapq.heappop(waiting)
        above[a], above[b] = (node, 1), (node, -1)
        heapq.heappush(waiting, (rare + less_rare, node))
    paths = []
    for k in range(classes):
        path = []
        while k in above:
            k, turn = above[k]
            path.append((k - classes, turn))
        paths.append(path[::-1])
    table = np.zeros((2, classes, max(map(len, paths))), dtype=int)
    for k, path in enumerate(paths):
        table[:, k, : len(path)] = np.transpose(path)
    return Tree(*table)


@dataclass(frozen=True)
class HierarchicalSoftmax(Layer):
    r"""The last layer and the loss of a classifier with very many classes: minus the log of the probability of the turns that lead to the right one.

    .. math:: \hat y_k = \prod_j \frac{1}{1 + e^{\mp z_j}}, \qquad z_j = w_j^\top x + b_j, \qquad L = -\frac1B \sum_{i=1}^B \log \hat y_{i y^\star_i}

    The product runs over the nodes :math:`j` on the way to class :math:`k`, with :math:`-` where the turn is 1 and :math:`+` where it is -1. ``tree`` is a :class:`Tree`. ``x``, what
    leaves the last hidden layer, has the shape (batch, inputs); ``W`` (classes - 1, inputs) and ``b`` (classes - 1,) have a row for each inner node,
    and only those of the nodes that are passed are used. As it has parameters, it takes its ``targets``, classes of shape (batch,), beforehand:
    ``layer.of(targets).forward(x, parameters)`` is the loss. Raises ValueError for others, and without targets.
    Sources: {cite}`morin2005`; lecture UvA, "multi-class classification".
    """

    inputs: int
    tree: Tree
    targets: Any = None

    def __post_init__(self):
        require_count("inputs", self.inputs)

    def of(self, targets):
        """Return the loss of these targets."""
        return replace(self, targets=np.asarray(targets))

    def init(self, rng):
        """Return ``W``, drawn from the generator ``rng`` with variance 1/inputs, and ``b``, which is 0."""
        require_generator(rng)
        nodes = len(self.tree.nodes) - 1
        return {"W": rng.normal(size=(nodes, self.inputs)) / self.inputs**0.5, "b": np.zeros(nodes)}

    def forward(self, x, parameters, *, training=False, rng=None):
        """Return the loss, a number, and what ``backward`` needs."""
        self._check(x)
        require(self.targets is not None, "targets", None, "given by of(targets) before the loss is computed")
        _require_classes(self.targets, len(x), len(self.tree.nodes))
        nodes, turns = (a[self.targets] for a in self.tree)  # (batch, depth)
        w = parameters["W"][nodes]
        z = np.einsum("ijd,id->ij", w, x) + parameters["b"][nodes]
        cost = np.where(turns != 0, np.logaddexp(0, -turns * z), 0).astype(x.dtype)
        return cost.sum() / len(x), (x, parameters["W"].shape, nodes, turns, w, z)

    def backward(self, dy, cache):
        """Return ``dx`` and the gradients, which are 0 in all rows but those of the nodes that were passed."""
        x, shape, nodes, turns, w, z = cache
        dz = (-dy / len(x) * turns * Sigmoid().forward(-turns * z)[0]).astype(x.dtype)
        gradients = {"W": np.zeros(shape, x.dtype), "b": np.zeros(shape[0], x.dtype)}
        np.add.at(gradients["W"], nodes, dz[:, :, None] * x[:, None])
        np.add.at(gradients["b"], nodes, dz)
        return np.einsum("ij,ijd->id", dz, w), gradients

    def log_probabilities(self, x, parameters):
        """Return the log of the probability of every class, of shape (batch, classes): all nodes are used."""
        self._check(x)
        z = x @ parameters["W"].T + parameters["b"]
        total = np.zeros((len(x), len(self.tree.nodes)), x.dtype)
        for nodes, turns in zip(*(a.T for a in self.tree), strict=True):
            total -= np.where(turns != 0, np.logaddexp(0, -turns * z[:, nodes]), 0).astype(x.dtype)
        return total

    def _check(self, x):
        ok = np.ndim(x) == 2 and x.shape[1] == self.inputs
        require(ok, "x", np.shape(x), f"of shape (batch, {self.inputs})")


# --- calibration ----------------------------------------------------------------------------------------------------


def reliability(probabilities, targets, bins=10):
    """Return how many examples fall into each bin of confidence, their mean confidence, and the share of them that is right.

    ``probabilities`` has the shape (batch, classes), ``targets`` are classes of shape (batch,). Confidence is the largest probability of an example, and the
    ``bins`` divide 0 to 1 evenly. Three arrays of shape (bins,); the last two are NaN where a bin is empty. Raises ValueError for others.
    Source: {cite}`guo2017`.
    """
    probabilities, targets = np.asarray(probabilities), np.asarray(targets)
    require_count("bins", bins)
    require(probabilities.ndim == 2, "probabilities", probabilities.shape, "of shape (batch, classes)")
    right = (probabilities >= 0) & (probabilities <= 1 + 1e-5)  # single precision may round up
    require(bool(right.all()), "probabilities", probabilities, "between 0 and 1")
    _require_classes(targets, *probabilities.shape)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count, *sums = (np.bincount(place, weights, minlength=bins) for weights in (None, confidence, right))
    with np.errstate(invalid="ignore"):
        return count, *(total / count for total in sums)


def calibration_error(probabilities, targets, bins=10):
    """Return the expected calibration error: by how much confidence and the share of right answers differ, on average over the examples.

    Arguments and errors as in :func:`reliability`. Source: {cite}`guo2017`.
    """
    count, confidence, right = reliability(probabilities, targets, bins)
    return float(np.nansum(count * np.abs(confidence - right)) / count.sum())


def temperature(scores, targets):
    r"""Return the number by which to divide all ``scores`` so that their cross-entropy is lowest: one number makes a network's confidence fit.

    ``scores`` have the shape (batch, classes), ``targets`` are classes of shape (batch,), both of examples that were not trained on. It is between 0.001 and
    1000. Raises ValueError for others. The loss is convex in its reciprocal, whose slope's sign is followed by halving.
    Source: {cite}`guo2017`.
    """
    scores, targets = np.asarray(scores, dtype=float), np.asarray(targets)
    ok = scores.ndim == 2 and len(scores) > 0 and not np.isnan(scores).any()
    require(ok, "scores", scores, "numbers of shape (batch, classes), of one example or more")
    _require_classes(targets, *scores.shape)
    below = scores - scores.max(axis=1, keepdims=True)
    wanted = below[np.arange(len(below)), targets].mean()
    low, high = 1e-3, 1e3  # the reciprocal
    for _ in range(100):
        middle = (low * high) ** 0.5
        e = np.exp(middle * below)
        expected = (np.multiply(e, below, where=e > 0, out=np.zeros_like(e)).sum(axis=1) / e.sum(axis=1)).mean()
        low, high = (low, middle) if expected > wanted else (middle, high)
    return 1 / middle
