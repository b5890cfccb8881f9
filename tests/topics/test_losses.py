"""The losses against torch, scikit-learn and what the chapter derives; the tree of hierarchical softmax; calibration."""

import heapq
from itertools import product

import numpy as np
import pytest
import torch
from layers import assert_keeps_the_convention
from sklearn.calibration import calibration_curve
from sklearn.metrics import hinge_loss, log_loss, mean_absolute_error, mean_squared_error
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg import data

RNG = np.random.default_rng(0)
X, CLASSES = RNG.normal(size=(7, 4)), np.array([1, 3, 0, 0, 2, 1, 3])
LABELS = RNG.integers(0, 2, size=(7, 4)).astype(float)
NUMBERS = RNG.normal(size=(7, 4))
ALL = {
    "cross-entropy": (tn.SoftmaxCrossEntropy, tt.SoftmaxCrossEntropy, CLASSES, F.cross_entropy),
    "hinge": (tn.MultiClassHinge, tt.MultiClassHinge, CLASSES, F.multi_margin_loss),
    "labels": (tn.SigmoidCrossEntropy, tt.SigmoidCrossEntropy, LABELS, F.binary_cross_entropy_with_logits),
    "squared": (tn.SquaredError, tt.SquaredError, NUMBERS, F.mse_loss),
    "absolute": (tn.AbsoluteError, tt.AbsoluteError, NUMBERS, F.l1_loss),
    "Huber": (tn.Huber, tt.Huber, NUMBERS, F.huber_loss),
    "smooth L1": (tn.SmoothL1, tt.SmoothL1, NUMBERS, F.smooth_l1_loss),
    "RBF": (tn.RBFLoss, tt.RBFLoss, NUMBERS, None),
}
MODULES = {name: row for name, row in ALL.items() if name != "cross-entropy"}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ALL)
def test_every_reduction_is_torchs(name, reduction):
    layer, twin, targets, outside = ALL[name]
    assert_keeps_the_convention(layer(reduction=reduction), X, targets)
    value, cache = layer(reduction=reduction).forward(X, targets)
    dy = np.cos(np.arange(np.size(value))).reshape(np.shape(value))
    x, y = torch.tensor(X, requires_grad=True), torch.tensor(targets)
    if name == "cross-entropy":
        functions = [lambda x, y: twin.apply(x, y, None, reduction)]
    else:
        functions = [twin(reduction=reduction)]
    functions += [lambda x, y: outside(x, y, reduction=reduction)] if outside else []
    for function in functions:
        theirs = function(x, y)
        (slopes,) = torch.autograd.grad(theirs, x, torch.tensor(dy))
        np.testing.assert_allclose(value, theirs.detach(), rtol=1e-12)
        np.testing.assert_allclose(layer(reduction=reduction).backward(dy, cache)[0], slopes, rtol=1e-12, atol=1e-15)


def test_scikit_learns():
    wanted = {"cross-entropy": log_loss(CLASSES, np.exp(X) / np.exp(X).sum(1, keepdims=True))}
    wanted |= {"squared": mean_squared_error(NUMBERS, X), "absolute": mean_absolute_error(NUMBERS, X)}
    yes = 1 / (1 + np.exp(-X))
    wanted["labels"] = log_loss(LABELS.ravel(), np.stack([1 - yes.ravel(), yes.ravel()], axis=1))
    for name, value in wanted.items():
        layer, _, targets, _ = ALL[name]
        assert layer().forward(X, targets)[0] == pytest.approx(value, rel=1e-12)


def test_scikit_learns_hinge_asks_the_best_of_the_others_alone():
    """With two classes there is one other: the same up to our mean over the classes."""
    ours = tn.MultiClassHinge().forward(X[:, :2], CLASSES % 2)[0]
    assert 2 * ours == pytest.approx(hinge_loss(CLASSES % 2, X[:, 1] - X[:, 0]), rel=1e-12)


def test_at_the_kinks_slopes_are_torchs():
    x = np.array([[1.0, 0.0, 0.0], [0.5, 1.5, 0.5]])
    for power in (1, 2):
        value, cache = tn.MultiClassHinge(power=power).forward(x, np.array([0, 1]))
        assert value == 0
        assert (cache == 0).all()
    apart = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    for layer, function in (
        (tn.Huber(), F.huber_loss),
        (tn.SmoothL1(), F.smooth_l1_loss),
        (tn.AbsoluteError(), F.l1_loss),
    ):
        theirs = torch.tensor(apart, requires_grad=True)
        function(theirs, torch.zeros(5, dtype=float)).backward()
        np.testing.assert_array_equal(layer.forward(apart, np.zeros(5))[1], theirs.grad)


@pytest.mark.parametrize(("loss", "targets"), [(tn.SoftmaxCrossEntropy, CLASSES), (tn.MultiClassHinge, CLASSES)])
def test_scores_have_no_zero(loss, targets):
    """The same number more for all scores of an example changes nothing: slopes add up to 0."""
    shifted = X + RNG.normal(size=(7, 1))
    assert loss().forward(shifted, targets)[0] == pytest.approx(loss().forward(X, targets)[0], rel=1e-12)
    np.testing.assert_allclose(loss().backward(1.0, loss().forward(X, targets)[1])[0].sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_what_guessing_costs(classes):
    """At equal scores, as the chapter's table has it."""
    x, y = np.zeros((3, classes)), np.array([0, classes - 1, 1])
    assert tn.SoftmaxCrossEntropy().forward(x, y)[0] == pytest.approx(np.log(classes))
    assert tn.MultiClassHinge().forward(x, y)[0] == pytest.approx((classes - 1) / classes)
    assert tn.MultiClassHinge(power=2).forward(x, y)[0] == pytest.approx((classes - 1) / classes)
    assert tn.SigmoidCrossEntropy().forward(x, np.eye(classes)[y])[0] == pytest.approx(np.log(2))


def test_what_the_best_constant_is():
    """Mean, median, and between them Huber's; the RBF's is a mode."""
    targets = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    grid = np.arange(-10, 101, 0.01)
    best = {}
    for loss in (tn.SquaredError(), tn.AbsoluteError(), tn.Huber(1.0), tn.RBFLoss(0.3)):
        best[type(loss)] = grid[np.argmin([loss.forward(np.full(5, c), targets)[0] for c in grid])]
    assert best[tn.SquaredError] == pytest.approx(targets.mean(), abs=0.006)
    assert best[tn.AbsoluteError] == pytest.approx(np.median(targets), abs=0.006)
    assert 1.5 < best[tn.Huber] < 2.5
    assert np.abs(targets - best[tn.RBFLoss]).min() < 0.2


def test_huber_between_its_ends():
    squares, absolutes = (f().forward(X, NUMBERS)[0] for f in (tn.SquaredError, tn.AbsoluteError))
    assert tn.Huber(1e6).forward(X, NUMBERS)[0] == pytest.approx(squares / 2, rel=1e-12)
    assert tn.SmoothL1(1e-9).forward(X, NUMBERS)[0] == pytest.approx(absolutes, rel=1e-8)


def test_far_away_rbf_is_flat_and_near_it_is_half_the_square():
    loss = tn.RBFLoss(2.0)
    with np.errstate(invalid="ignore"):
        slopes = loss.forward(np.array([[np.inf], [np.nan]]), np.zeros((2, 1)))[1]
    assert slopes[0] == 0
    assert np.isnan(slopes[1])
    assert abs(loss.forward(np.array([[20.0]]), np.zeros((1, 1)))[1].item()) < 1e-20
    value = loss.forward(np.array([[1e-4, 2e-4]]), np.zeros((1, 2)))[0]
    assert value == pytest.approx(5e-8 / (2 * 2.0**2), rel=1e-6)


def test_behind_a_sigmoid_the_squared_error_is_flat_where_it_is_wrong():
    """The slope in the score: y (1 - y) (y - target) times 2 falls to nothing, that of cross-entropy is y - target."""
    z = np.array([[10.0]])
    y, of_sigmoid = tn.Sigmoid().forward(z)
    slope = tn.Sigmoid().backward(tn.SquaredError().forward(y, np.zeros((1, 1)))[1], of_sigmoid)[0].item()
    assert slope == pytest.approx(2 * np.exp(-10), rel=1e-3)
    assert tn.SigmoidCrossEntropy().forward(z, np.zeros((1, 1)))[1].item() == pytest.approx(1, abs=1e-4)


def test_weights_of_classes_are_copies():
    """A class of weight 3 counts as if each of its examples stood there three times."""
    repeated = np.repeat(np.arange(7), np.where(CLASSES == 1, 3, 1))
    plain = tn.SoftmaxCrossEntropy().forward(X[repeated], CLASSES[repeated])[0]
    assert tn.SoftmaxCrossEntropy((1, 3, 1, 1)).forward(X, CLASSES)[0] == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.2, 0.7), (0.0, 2.0, 1.0, 3.0)])
@pytest.mark.parametrize("targets", [CLASSES, RNG.dirichlet(np.ones(4), size=7)], ids=["classes", "probabilities"])
def test_weights_and_reductions_go_together_as_in_torch(targets, weights, reduction):
    layer = tn.SoftmaxCrossEntropy(weights, reduction)
    value, cache = layer.forward(X, targets)
    dy = np.cos(np.arange(np.size(value))).reshape(np.shape(value))
    x, y = torch.tensor(X, requires_grad=True), torch.tensor(targets)
    w = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    results = [F.cross_entropy(x, y, w, reduction=reduction)]
    if targets.ndim == 1:
        results.append(tt.SoftmaxCrossEntropy.apply(x, y, w, reduction))
    for theirs in results:
        (slopes,) = torch.autograd.grad(theirs, x, torch.tensor(dy))
        np.testing.assert_allclose(value, theirs.detach(), rtol=1e-12)
        np.testing.assert_allclose(layer.backward(dy, cache)[0], slopes, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ALL)
def test_single_precision_stays_single_where_the_loss_is_the_end(name):
    layer, _, targets, _ = ALL[name]
    value, cache = layer().forward(X.astype(np.float32), targets)
    assert value.dtype == layer().backward(1.0, cache)[0].dtype == np.float32


@pytest.mark.parametrize("name", ALL)
def test_an_empty_batch_adds_up_to_0(name):
    layer, twin, targets, _ = ALL[name]
    assert layer(reduction="sum").forward(X[:0], targets[:0])[0] == 0
    if name != "cross-entropy":
        assert twin(reduction="sum")(torch.tensor(X[:0]), torch.tensor(targets[:0])) == 0


# --- the tree -----------------------------------------------------------------------------------------------------------

COUNTS = np.array([50, 20, 10, 8, 5, 4, 2, 1])


def probabilities(counts, inputs=3, batch=5):
    layer = tn.HierarchicalSoftmax(inputs, tn.huffman_tree(counts))
    rng = np.random.default_rng(4)
    parameters = {name: a + rng.normal(size=a.shape) for name, a in layer.init(rng).items()}
    x = rng.normal(size=(batch, inputs))
    return layer, parameters, x, layer.log_probabilities(x, parameters)


@pytest.mark.parametrize("counts", [COUNTS, [1, 1], [0, 0, 3], np.ones(37), 1 / np.arange(1, 200)])
def test_the_probabilities_of_all_classes_have_the_sum_1(counts):
    layer, parameters, x, logs = probabilities(counts)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-12)
    for k in {0, 1, len(counts) - 1}:
        loss, _ = layer.of(np.full(5, k)).forward(x, parameters)
        assert loss == pytest.approx(-logs[:, k].mean(), rel=1e-12)


def test_no_tree_is_shorter_on_average():
    """Huffman's mean depth is the sum of all joins, and lies within one turn of the entropy; balanced counts give a balanced tree."""
    depth = tn.huffman_tree(COUNTS).lengths()
    waiting, cost = COUNTS.tolist(), 0
    heapq.heapify(waiting)
    while len(waiting) > 1:
        joined = heapq.heappop(waiting) + heapq.heappop(waiting)
        cost += joined
        heapq.heappush(waiting, joined)
    assert (COUNTS * depth).sum() == cost
    share = COUNTS / COUNTS.sum()
    entropy = -(share * np.log2(share)).sum()
    assert entropy <= (share * depth).sum() < entropy + 1
    assert (tn.huffman_tree(np.ones(64)).lengths() == 6).all()
    # by trying all: of the lengths that a tree can have (Kraft), none is cheaper
    small = COUNTS[:5]
    possible = (d for d in product(range(1, 5), repeat=5) if sum(0.5**k for k in d) == 1)
    assert (small * tn.huffman_tree(small).lengths()).sum() == min((small * d).sum() for d in possible)


def test_only_the_nodes_on_the_way_have_a_gradient():
    layer, parameters, x, _ = probabilities(COUNTS)
    _, cache = layer.of([0, 0, 1, 0, 1]).forward(x, parameters)
    _, gradients = layer.backward(1.0, cache)
    passed = np.unique(layer.tree.nodes[[0, 1]][layer.tree.turns[[0, 1]] != 0])
    assert set(np.flatnonzero(gradients["b"])) == set(passed)
    assert set(np.flatnonzero(gradients["W"].any(axis=1))) == set(passed)


def test_at_the_end_of_a_network():
    """It is a layer like any other."""
    tree = tn.HierarchicalSoftmax(5, tn.huffman_tree(COUNTS)).of([3, 0, 7, 1])
    network = tn.Network([tn.Linear(4, 5), tn.BatchNorm(5), tn.Tanh(), tree])
    parameters = network.init(np.random.default_rng(0))
    errors = tn.check_gradient(network, RNG.normal(size=(4, 4)), parameters, training=True)
    assert max(errors.values()) < 1e-6


def test_infinite_and_missing_inputs_of_a_tree_stay_visible():
    layer, parameters, x, _ = probabilities(COUNTS)
    x[0, 0] = np.nan
    with np.errstate(invalid="ignore"):
        assert np.isnan(layer.of(np.zeros(5, int)).forward(x, parameters)[0])


@pytest.mark.parametrize("sparse", [False, True])
def test_torch_trains_the_same_tree(sparse):
    layer, parameters, x, logs = probabilities(COUNTS)
    y = np.array([0, 3, 1, 7, 2])
    module = tt.HierarchicalSoftmax(3, layer.tree, sparse=sparse).double()
    module.load_state_dict({name: torch.tensor(a) for name, a in parameters.items()}, strict=False)
    np.testing.assert_allclose(module.log_probabilities(torch.tensor(x)).detach(), logs, rtol=1e-12)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.3)
    for _ in range(3):
        optimizer.zero_grad()
        loss = module(torch.tensor(x), torch.tensor(y))
        loss.backward()
        assert module.W.grad is not None
        assert module.W.grad.is_sparse == sparse
        optimizer.step()
        ours, cache = layer.of(y).forward(x, parameters)
        assert loss.item() == pytest.approx(ours, rel=1e-12)
        gradients = layer.backward(1.0, cache)[1]
        parameters = {name: a - 0.3 * gradients[name] for name, a in parameters.items()}
    np.testing.assert_allclose(module.W.detach(), parameters["W"], rtol=1e-12)


# --- calibration --------------------------------------------------------------------------------------------------------


def test_reliability_is_scikit_learns():
    rng = np.random.default_rng(1)
    yes = rng.uniform(0.5, 1, size=500)
    right = (rng.random(500) < yes**2).astype(int)
    count, confidence, share = tn.reliability(np.stack([1 - yes, yes], axis=1), right, bins=10)
    theirs = calibration_curve(right, yes, n_bins=10)
    full = count > 0
    assert count.sum() == 500
    np.testing.assert_allclose(share[full], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(confidence[full], theirs[1], rtol=1e-12)
    error = np.abs(np.array([share, confidence])[:, full] @ count[full])
    assert tn.calibration_error(np.stack([1 - yes, yes], axis=1), right) >= abs(error[0] - error[1]) / 500 - 1e-12


def test_calibration_of_a_case_worked_by_hand():
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [1.0, 0.0]])
    count, confidence, share = tn.reliability(p, np.array([0, 1, 0, 0]))
    assert list(count[[6, 9]]) == [1, 3]
    assert share[9] == pytest.approx(2 / 3)
    assert confidence[9] == pytest.approx(2.9 / 3)
    assert np.isnan(share[0])
    assert tn.calibration_error(p, np.array([0, 1, 0, 0])) == pytest.approx(0.75 * 0.3 + 0.25 * 0.35)


def test_the_temperature_is_where_the_loss_is_lowest():
    split = data.digits(seed=0)
    x, y = split.x_test, split.y_test
    scores = 4 * (x[:, :10] + np.eye(10)[y] * RNG.uniform(0, 2, size=(len(y), 1)))
    t = tn.temperature(scores, y)
    at = {c: tn.SoftmaxCrossEntropy().forward(scores / (c * t), y)[0] for c in (0.99, 1, 1.01)}
    assert at[1] < min(at[0.99], at[1.01])
    assert tn.temperature(10 * scores, y) == pytest.approx(10 * t, rel=1e-9)
    ruled_out = np.hstack([scores, np.full((len(y), 1), -np.inf)])
    assert tn.temperature(ruled_out, y) == pytest.approx(t, rel=1e-9)


# --- bad arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("margin", lambda room: room.MultiClassHinge(0)),
        ("power", lambda room: room.MultiClassHinge(power=3)),
        ("threshold", lambda room: room.Huber(-1.0)),
        ("threshold", lambda room: room.SmoothL1(0)),
        ("width", lambda room: room.RBFLoss(0.0)),
        ("inputs", lambda room: room.HierarchicalSoftmax(0, tn.huffman_tree([1, 1]))),
        *(
            ("reduction", lambda room, loss=loss: getattr(room, loss.__name__)(reduction="average"))
            for loss, *_ in MODULES.values()
        ),
    ],
)
def test_bad_arguments_are_named(name, make):
    for room in (tn, tt):
        with pytest.raises(ValueError, match=name):
            make(room)


@pytest.mark.parametrize("name", MODULES)
def test_other_shapes_are_refused(name):
    """No broadcasting: a column beside a row would be compared with every entry."""
    layer, twin, targets, _ = MODULES[name]
    with pytest.raises(ValueError, match="shape"):
        layer().forward(X, targets[:, None])
    if name != "hinge":
        with pytest.raises(ValueError, match="shape"):
            twin()(torch.tensor(X[:, :1]), torch.tensor(targets[:, 0]))


@pytest.mark.parametrize(
    ("match", "call"),
    [
        ("reduction", lambda: tn.SoftmaxCrossEntropy(reduction="all")),
        ("weights", lambda: tn.SoftmaxCrossEntropy((1, 2)).forward(X, CLASSES)),
        ("weights", lambda: tn.SoftmaxCrossEntropy((1, 2, -1, 1)).forward(X, CLASSES)),
        ("targets", lambda: tn.SoftmaxCrossEntropy().forward(np.zeros((1, 3)), np.array([[2.0, -1.0, 0.0]]))),
        ("targets", lambda: tn.MultiClassHinge().forward(X, CLASSES + 1)),
        ("targets", lambda: tn.MultiClassHinge().forward(X, CLASSES / 2)),
        ("targets", lambda: tn.SigmoidCrossEntropy().forward(X, NUMBERS * 9)),
        ("counts", lambda: tn.huffman_tree([3])),
        ("counts", lambda: tn.huffman_tree([3, -1])),
        ("targets", lambda: tn.HierarchicalSoftmax(4, tn.huffman_tree([1, 1])).forward(X, {})),
        ("x must", lambda: tn.HierarchicalSoftmax(3, tn.huffman_tree([1, 1])).of(CLASSES % 2).forward(X, {})),
        ("bins", lambda: tn.reliability(LABELS, CLASSES, 0)),
        ("targets", lambda: tn.reliability(LABELS, CLASSES[:3])),
        ("probabilities", lambda: tn.calibration_error(X, CLASSES)),
        ("probabilities", lambda: tn.reliability(np.full((7, 4), np.nan), CLASSES)),
        ("scores", lambda: tn.temperature(X[0], CLASSES)),
        ("scores", lambda: tn.temperature(X[:0], CLASSES[:0])),
        ("scores", lambda: tn.temperature(np.full((7, 4), np.nan), CLASSES)),
    ],
)  # fmt: skip
def test_bad_inputs_are_named(match, call):
    with pytest.raises(ValueError, match=match):
        call()


def test_torchs_cross_entropy_refuses_another_reduction():
    with pytest.raises(ValueError, match="reduction"):
        tt.SoftmaxCrossEntropy.apply(torch.tensor(X), torch.tensor(CLASSES), None, "average")


def test_what_is_ruled_out_costs_nothing():
    x = np.array([[0.0, -np.inf, 1.0]])
    with np.errstate(invalid="ignore"):
        assert np.isfinite(tn.SigmoidCrossEntropy().forward(x, np.array([[1.0, 0.0, 1.0]]))[0])
        assert tn.SigmoidCrossEntropy().forward(x, np.array([[1.0, 1.0, 1.0]]))[0] == np.inf
