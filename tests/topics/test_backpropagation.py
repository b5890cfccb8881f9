"""The convention of layers: right gradients for every kind of layer, alone, nested and as a network, beside torch.autograd.

And the engine that finds gradients by itself, on random graphs; the same layers as functions of torch.autograd.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import assert_keeps_the_convention, tensors
from scipy.optimize import check_grad
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg import data

CLOSE = {"rtol": 0, "atol": 1e-12}
ACTIVATIONS = {tn.ReLU: torch.relu, tn.Tanh: torch.tanh, tn.Sigmoid: torch.sigmoid}


@dataclass(frozen=True)
class Convolution(tn.Layer):
    """Images of shape (batch, inputs, rows, columns) through windows of ``size`` x ``size``: one kind of layer to come."""

    inputs: int
    outputs: int
    size: int

    def init(self, rng):
        shape = (self.outputs, self.inputs, self.size, self.size)
        return {"W": rng.normal(size=shape), "b": np.zeros(self.outputs)}

    def forward(self, x, parameters, *, training=False, rng=None):
        patches = np.lib.stride_tricks.sliding_window_view(x, (self.size, self.size), (2, 3))
        y = np.einsum("bihwkl,oikl->bohw", patches, parameters["W"]) + parameters["b"][:, None, None]
        return y, (x.shape, patches, parameters["W"])

    def backward(self, dy, cache):
        shape, patches, w = cache
        dx, (height, width) = np.zeros(shape, dy.dtype), dy.shape[2:]
        for k, row in np.ndindex(self.size, self.size):
            dx[:, :, k : k + height, row : row + width] += np.einsum("bohw,oi->bihw", dy, w[:, :, k, row])
        return dx, {"W": np.einsum("bohw,bihwkl->oikl", dy, patches), "b": dy.sum(axis=(0, 2, 3))}


@dataclass(frozen=True)
class LayerNorm(tn.Layer):
    """Each example by its own mean and variance: batch normalization of the transposed batch, which keeps no averages."""

    features: int

    def init(self, rng):
        return tn.BatchNorm(self.features).init()

    def forward(self, x, parameters, *, training=False, rng=None):
        std = x.std(axis=1, keepdims=True)
        x_hat = (x - x.mean(axis=1, keepdims=True)) / std
        return parameters["gamma"] * x_hat + parameters["beta"], (x_hat, std, parameters["gamma"])

    def backward(self, dy, cache):
        x_hat, std, gamma = cache
        rows = dy * gamma
        dx = (rows - rows.mean(axis=1, keepdims=True) - x_hat * (rows * x_hat).mean(axis=1, keepdims=True)) / std
        return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


def norm(width):
    """A unit that hardly moves over the batch has no spread; without a large eps its rounding errors would be magnified."""
    return tn.BatchNorm(width, eps=0.1)


def block(width):
    """A residual block with everything in it."""
    parts = [norm(width), tn.ReLU(), tn.Linear(width, width), tn.Dropout(0.8)]
    return tn.StochasticDepth(tn.Network(parts), keep=0.7)


def a_network():
    """Batch normalization, dropout, a residual block and a network within the network."""
    within = tn.Network([tn.Linear(6, 5), tn.Tanh()])
    parts = [tn.Linear(7, 6, bias=False), tn.BatchNorm(6), tn.ReLU(), tn.Dropout(0.6), within, block(5)]
    return tn.Network([*parts, tn.Linear(5, 3)])


LAYERS = {
    "convolution": (Convolution(2, 3, 2), (2, 2, 4, 5)),
    "layer normalization": (LayerNorm(4), (5, 4)),
    "network": (a_network(), (8, 7)),
    "checkpoint": (tn.Checkpoint(a_network()), (8, 7)),
    "network of checkpoints": (tn.Network([tn.Checkpoint(tn.Network([tn.Linear(4, 4), tn.Dropout(0.5)]))] * 3), (5, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_to_come_and_whole_networks_keep_the_convention(name):
    layer, shape = LAYERS[name]
    assert_keeps_the_convention(layer, np.random.default_rng(0).normal(size=shape))


# --- beside torch.autograd ----------------------------------------------------------------------------------------


def torchs(layer, x, parameters, rng, prefix=""):
    """The same network on tensors, written with torch's own functions; the noise comes from the same generator."""

    def mask(layer, shape):
        return torch.tensor((rng.random(shape) < layer.keep) / layer.keep)

    def own(name):
        return parameters[f"{prefix}{name}"]

    if isinstance(layer, tn.Network):
        for i, part in enumerate(layer.layers):
            x = torchs(part, x, parameters, rng, f"{prefix}{i}.")
    elif isinstance(layer, tn.Linear):
        x = F.linear(x, own("W"), own("b") if layer.bias else None)
    elif isinstance(layer, tn.BatchNorm):
        x = F.batch_norm(x, None, None, own("gamma"), own("beta"), training=True, eps=layer.eps)
    elif isinstance(layer, tn.Dropout):
        x = x * mask(layer, x.shape)
    elif isinstance(layer, tn.StochasticDepth):
        survives = mask(layer, (len(x), 1))
        x = x + survives * torchs(layer.branch, x, parameters, rng, prefix)
    else:
        x = ACTIVATIONS[type(layer)](x)
    return x


def assert_autograd_agrees(network, x, targets, parameters, seed=1):
    loss = tn.SoftmaxCrossEntropy()
    scores, cache = network.forward(x, parameters, training=True, rng=np.random.default_rng(seed))
    value, of_loss = loss.forward(scores, targets)
    dx, gradients = network.backward(loss.backward(1.0, of_loss)[0], cache)
    tx, theirs = torch.tensor(x, requires_grad=True), tensors(parameters)
    wanted = F.cross_entropy(torchs(network, tx, theirs, np.random.default_rng(seed)), torch.tensor(targets))
    wanted.backward()
    assert value == pytest.approx(float(wanted.detach()), abs=1e-12)
    np.testing.assert_allclose(dx, tx.grad, **CLOSE)
    assert set(gradients) == set(parameters)
    for name, tensor in theirs.items():
        np.testing.assert_allclose(gradients[name], tensor.grad, **CLOSE, err_msg=name)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_random_networks_have_the_gradient_of_autograd(data):
    widths = data.draw(st.lists(st.integers(2, 6), min_size=2, max_size=5))
    parts = []
    for a, b in pairwise(widths):
        normalized = data.draw(st.booleans())
        parts += [tn.Linear(a, b, bias=not normalized), *([norm(b)] if normalized else [])]
        extra = st.sampled_from([tn.ReLU(), tn.Tanh(), tn.Sigmoid(), tn.Dropout(0.7), block(b)])
        parts += data.draw(st.lists(extra, max_size=2))
    network, rng = tn.Network(parts), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    targets = rng.integers(0, widths[-1], size=16)
    assert_autograd_agrees(network, rng.normal(size=(16, widths[0])), targets, network.init(rng))


def test_a_network_with_batch_normalization_and_dropout_is_trained():
    """From nothing to 95 % on unseen digits; before, midway and after, its gradient is that of torch.autograd."""
    split, rng = data.digits(seed=0), np.random.default_rng(0)
    network = tn.Network(
        [tn.Linear(64, 64, bias=False), tn.BatchNorm(64), tn.ReLU(), tn.Dropout(0.8), tn.Linear(64, 10)]
    )
    parameters, loss, rule = network.init(rng), tn.SoftmaxCrossEntropy(), tn.Momentum(lr=0.1)
    velocity = {name: rule.init(a) for name, a in parameters.items()}
    first = split.x_train[:32], split.y_train[:32]
    for epoch in range(10):
        if epoch in (0, 1, 9):
            assert_autograd_agrees(network, *first, parameters)
        for batch in np.array_split(rng.permutation(len(split.x_train)), 40):
            scores, cache = network.forward(split.x_train[batch], parameters, training=True, rng=rng)
            _, of_loss = loss.forward(scores, split.y_train[batch])
            _, gradients = network.backward(loss.backward(1.0, of_loss)[0], cache)
            network = network.updated(cache)
            for name in parameters:
                parameters[name], velocity[name] = rule.step(parameters[name], gradients[name], velocity[name])
    scores, _ = network.forward(split.x_test, parameters)
    assert (scores.argmax(axis=1) == split.y_test).mean() > 0.95


def test_a_network_takes_every_batch_into_its_averages():
    x, network = np.random.default_rng(0).normal(3, 2, size=(50, 7)), a_network()
    cache = network.forward(x, network.init(np.random.default_rng(0)), training=True, rng=np.random.default_rng(0))[1]
    seen = network.updated(cache)
    alone = tn.BatchNorm(6)
    alone = alone.updated(alone.forward(cache[0][0] @ cache[0][1].T, alone.init(), training=True)[1])
    np.testing.assert_allclose(seen.layers[1].running_mean, alone.running_mean, **CLOSE)
    assert network.layers[1].running_var == 1.0
    assert np.shape(seen.layers[5].branch.layers[0].running_var) == (5,)  # inside the residual block too
    after = seen.updated(seen.forward(x, network.init(np.random.default_rng(0)))[1])
    assert after.layers[1] is seen.layers[1]  # at test time nothing is taken in


# --- the check sees what is wrong ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slip(tn.Linear):
    slip: str = ""

    def backward(self, dy, cache):
        dx, gradients = super().backward(dy, cache)
        changed = {"x": -dx, "W": gradients["W"] * 1.01, "b": dy.mean(axis=0)}
        if self.slip == "x":
            return changed["x"], gradients
        if self.slip in changed:
            return dx, gradients | {self.slip: changed[self.slip]}
        return dx, {"missing": {"W": gradients["W"]}, "shape": gradients | {"W": gradients["W"].T}}[self.slip]


@pytest.mark.parametrize("slip", ["x", "W", "b"])
def test_the_check_names_the_gradient_that_is_wrong(slip):
    layer, rng = Slip(4, 3, slip=slip), np.random.default_rng(0)
    errors = tn.check_gradient(layer, rng.normal(size=(5, 4)), layer.init(rng))
    assert [name for name, error in errors.items() if error > 1e-3] == [slip]


@pytest.mark.parametrize("slip", ["missing", "shape"])
def test_the_check_wants_the_gradients_like_the_parameters(slip):
    layer, rng = Slip(4, 3, slip=slip), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"the shapes of the gradients must be .*'W': \(3, 4\), 'b': \(3,\)"):
        tn.check_gradient(layer, rng.normal(size=(5, 4)), layer.init(rng))


def test_a_gradient_of_zero_passes_the_check():
    """A bias before batch normalization is taken away with the mean."""
    network, rng = tn.Network([tn.Linear(4, 3), tn.BatchNorm(3)]), np.random.default_rng(0)
    parameters = network.init(rng)
    assert tn.check_gradient(network, rng.normal(size=(6, 4)), parameters, training=True)["0.b"] < 1e-6
    assert tn.check_gradient(network, rng.normal(size=(6, 4)), parameters)["0.b"] < 1e-6  # at test time it is not 0


def loss_of(network, x, targets, parameters):
    """The loss and its gradient as functions of one vector of all parameters, and that vector: what SciPy wants."""
    names, loss = list(parameters), tn.SoftmaxCrossEntropy()

    def dict_of(theta):
        ends = np.cumsum([parameters[name].size for name in names])[:-1]
        return {n: part.reshape(parameters[n].shape) for n, part in zip(names, np.split(theta, ends), strict=True)}

    def value(theta):
        return loss.forward(network.forward(x, dict_of(theta))[0], targets)[0]

    def gradient(theta):
        scores, cache = network.forward(x, dict_of(theta))
        _, gradients = network.backward(loss.backward(1.0, loss.forward(scores, targets)[1])[0], cache)
        return np.concatenate([gradients[name].ravel() for name in names])

    return value, gradient, np.concatenate([parameters[name].ravel() for name in names])


def test_scipy_finds_the_gradient_of_a_network_right():
    rng = np.random.default_rng(0)
    network = tn.Network([tn.Linear(5, 6), tn.Tanh(), tn.Linear(6, 6), tn.Sigmoid(), tn.Linear(6, 3)])
    value, gradient, theta = loss_of(network, rng.normal(size=(8, 5)), rng.integers(0, 3, 8), network.init(rng))
    assert check_grad(value, gradient, theta) < 1e-6 * np.linalg.norm(gradient(theta))
    assert check_grad(value, lambda theta: 1.01 * gradient(theta), theta) > 1e-3 * np.linalg.norm(gradient(theta))


@pytest.mark.parametrize(
    ("scheme", "step", "error"), [("one-sided", 1e-4, 1e-4), ("central", 1e-4, 1e-8), ("complex", 1e-20, 1e-15)]
)
def test_a_numerical_gradient_is_as_close_as_its_scheme_allows(scheme, step, error):
    x = np.random.default_rng(0).normal(size=(3, 2))
    before, found = x.copy(), tn.numerical_gradient(lambda x: np.sum(np.exp(x) * x), x, step, scheme)
    wanted = np.exp(x) * (1 + x)
    assert error / 1000 < np.abs(found / wanted - 1).max() + (scheme == "complex") * error < 3 * error
    np.testing.assert_array_equal(x, before)
    assert tn.numerical_gradient(np.sum, np.float32(x)).dtype == np.float32


def test_a_checkpoint_changes_nothing_but_what_is_kept():
    rng, network = np.random.default_rng(0), a_network()
    x, parameters, other = rng.normal(size=(8, 7)), network.init(rng), tn.Checkpoint(network)
    (y, cache), (z, kept) = (
        layer.forward(x, parameters, training=True, rng=np.random.default_rng(3)) for layer in (network, other)
    )
    np.testing.assert_array_equal(y, z)
    assert kept[0] is x and len(kept) == 4
    for a, b in zip(network.backward(y, cache)[1].items(), other.backward(y, kept)[1].items(), strict=True):
        assert a[0] == b[0]
        np.testing.assert_array_equal(a[1], b[1])
    seen = other.updated(kept).layer.layers[1].running_mean
    np.testing.assert_array_equal(seen, network.updated(cache).layers[1].running_mean)


# --- the engine: random graphs beside torch.autograd ---------------------------------------------------------------

UNARY = {
    "relu": (lambda v: v.relu(), torch.relu),
    "tanh": (lambda v: v.tanh(), torch.tanh),
    "exp of tanh": (lambda v: v.tanh().exp(), lambda t: torch.exp(torch.tanh(t))),  # keeps the numbers small
    "log": (lambda v: (v * v + 1).log(), lambda t: torch.log(t * t + 1)),
    "negative": (lambda v: -v, torch.neg),
    "power": (lambda v: (v.tanh() + 2) ** 1.5, lambda t: (torch.tanh(t) + 2) ** 1.5),
    "sum of rows": (lambda v: v.sum(axis=0, keepdims=True), lambda t: t.sum(dim=0, keepdim=True)),
    "sum of columns": (lambda v: v.sum(axis=-1, keepdims=True), lambda t: t.sum(dim=-1, keepdim=True)),
    "sum of all": (lambda v: v.sum(), torch.sum),
    "transposed": (lambda v: v.T, lambda t: t.mT if t.ndim == 2 else t),
    "times a constant": (lambda v: np.float64(0.7) * v, lambda t: 0.7 * t),
    "from a constant": (lambda v: 2 - v, lambda t: 2 - t),
    "under a constant": (lambda v: 3 / (v * v + 1), lambda t: 3 / (t * t + 1)),
}
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (b * b + 1),
    "@": lambda a, b: a @ b,
}


def fits(name, a, b):
    """Can these shapes be combined so?"""
    if name == "@":
        return len(a) == len(b) == 2 and a[1] == b[0]
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_random_graphs_have_the_gradient_of_autograd(data):
    """Leaves of many shapes; each step takes one or two of what there is, often the same one twice; all that is left over is summed."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shape = st.sampled_from([(3, 3), (1, 3), (3, 1), (3,), (), (1, 1)])
    leaves = [rng.normal(size=data.draw(shape)) for _ in range(data.draw(st.integers(1, 3)))]
    ours = [tn.Variable(a) for a in leaves]
    theirs = [torch.tensor(a, requires_grad=True) for a in leaves]
    nodes = list(zip(ours, theirs, strict=True))
    for _ in range(data.draw(st.integers(1, 12))):
        a, b = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        able = [name for name in BINARY if fits(name, a[0].value.shape, b[0].value.shape)]
        name = data.draw(st.sampled_from([*UNARY, *able * 3]))
        nodes.append(
            (UNARY[name][0](a[0]), UNARY[name][1](a[1]))
            if name in UNARY
            else tuple(BINARY[name](*pair) for pair in zip(a, b, strict=True))
        )
    ours_end, theirs_end = nodes[-1][0].sum(), nodes[-1][1].sum()
    for v, t in nodes[len(leaves) :: 3]:
        ours_end, theirs_end = ours_end + v.tanh().sum(), theirs_end + torch.tanh(t).sum()
    ours_end.backward()
    theirs_end.backward()
    np.testing.assert_allclose(ours_end.value, theirs_end.detach(), rtol=1e-12)
    for v, t in zip(ours, theirs, strict=True):
        wanted = np.zeros(v.value.shape) if t.grad is None else t.grad.numpy()
        np.testing.assert_allclose(v.grad, wanted, rtol=0, atol=1e-12 * max(1, np.abs(wanted).max()))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_unbroadcast_is_the_way_back_of_broadcasting(data):
    full = tuple(data.draw(st.lists(st.integers(0, 3), max_size=4)))  # a length of 1 is stretched to 0, too
    shape = tuple(1 if data.draw(st.booleans()) else n for n in full[data.draw(st.integers(0, len(full))) :])
    grad = np.random.default_rng(0).normal(size=full)
    leaf = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    leaf.expand(full).backward(torch.tensor(grad))
    found = tn.unbroadcast(grad, shape)
    assert found.shape == shape
    np.testing.assert_allclose(found, leaf.grad, **CLOSE)


def test_unbroadcast_refuses_what_no_broadcasting_makes():
    for shape in ((2,), (3, 4), (1, 1, 3)):
        with pytest.raises(ValueError, match=r"shape|broadcast"):
            tn.unbroadcast(np.ones((4, 3)), shape)


def test_gradients_accumulate_over_uses_and_over_calls():
    x = tn.Variable([2.0, 3.0])
    y = (x * x).sum()  # used twice
    y.backward()
    np.testing.assert_array_equal(x.grad, [4, 6])
    first = x.grad
    y.backward()  # the same graph once more
    (x * 5).sum().backward()  # and another one
    np.testing.assert_array_equal(x.grad, [13, 17])
    np.testing.assert_array_equal(first, [4, 6])  # nobody's array was changed
    assert y.grad == 2


def test_a_variable_with_many_users_waits_for_all_of_them():
    """A diamond of diamonds: 2^20 paths, of which a walk over paths would take for ever, and one over the wrong order forget some."""
    x = tn.Variable(1.0)
    y = x
    for _ in range(20):
        y = y.tanh() * 0.5 + y * 0.5
    y.backward()
    t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    z = t
    for _ in range(20):
        z = torch.tanh(z) * 0.5 + z * 0.5
    z.backward()
    np.testing.assert_allclose(x.grad, t.grad, rtol=1e-13)


def test_a_long_chain_is_no_deep_recursion():
    x = tn.Variable(0.0)
    y = x
    for _ in range(20_000):
        y = y + 1
    y.backward()
    assert x.grad == 1


def test_the_engine_keeps_single_precision_and_leaves_arrays_alone():
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    before = a.copy(), w.copy()
    x, v = tn.Variable(a), tn.Variable(w)
    y = (((2.0 * x @ v.T) / 3 + np.ones(2)).tanh() ** 2).sum()
    y.backward()
    assert {y.value.dtype, x.grad.dtype, v.grad.dtype} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(w, before[1])
    assert tn.Variable([1, 2]).value.dtype == np.float64


def test_the_engine_agrees_with_the_layers_and_with_scipy():
    rng = np.random.default_rng(0)
    network = tn.Network([tn.Linear(5, 6), tn.ReLU(), tn.Linear(6, 3)])
    x, targets, parameters = rng.normal(size=(8, 5)), rng.integers(0, 3, 8), network.init(rng)
    value, gradient, theta = loss_of(network, x, targets, parameters)

    def engine(theta):
        names = dict(
            zip(parameters, np.split(theta, np.cumsum([a.size for a in parameters.values()])[:-1]), strict=True)
        )
        v = {name: tn.Variable(part.reshape(parameters[name].shape)) for name, part in names.items()}
        scores = (x @ v["0.W"].T + v["0.b"]).relu() @ v["2.W"].T + v["2.b"]
        below = scores - scores.value.max(axis=1, keepdims=True)
        logs = below - below.exp().sum(axis=1, keepdims=True).log()
        loss = -(logs * np.eye(3)[targets]).sum() / len(x)
        loss.backward()
        return loss, np.concatenate([a.grad.ravel() for a in v.values()])

    assert engine(theta)[0].value == pytest.approx(value(theta), rel=1e-12)
    np.testing.assert_allclose(engine(theta)[1], gradient(theta), **CLOSE)
    assert check_grad(value, lambda theta: engine(theta)[1], theta) < 1e-6


def test_what_the_engine_cannot_do_is_said():
    with pytest.raises(ValueError, match=r"what backward starts from must be a single number, got \(2,\)"):
        tn.Variable([1.0, 2.0]).backward()
    with pytest.raises(
        ValueError, match=r"the shapes in a product must be those of matrices, got \(\(2,\), \(2, 1\)\)"
    ):
        tn.Variable([1.0, 2.0]) @ np.ones((2, 1))
    with pytest.raises(ValueError, match=r'scheme must be "central", "one-sided" or "complex", got \'forward\''):
        tn.numerical_gradient(np.sum, np.ones(2), scheme="forward")


# --- the same layers for torch.autograd ----------------------------------------------------------------------------


def torch_inputs(name, dtype=torch.float64):
    """Inputs of a function, drawn away from the kink of ReLU."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.uniform(0.1, 1, (5, 4)) * rng.choice([-1, 1], (5, 4)), dtype=dtype, requires_grad=True)
    if name == "Linear":
        return x, *(torch.tensor(rng.normal(size=s), dtype=dtype, requires_grad=True) for s in ((3, 4), (3,)))
    return (x, torch.tensor([2, 0, 3, 1, 1])) if name == "SoftmaxCrossEntropy" else (x,)


@pytest.mark.parametrize("name", ["Linear", "ReLU", "Tanh", "Sigmoid", "SoftmaxCrossEntropy"])
def test_the_functions_of_torch_have_the_right_gradients_and_are_the_layers(name):
    function, inputs = getattr(tt, name), torch_inputs(name)
    assert torch.autograd.gradcheck(function.apply, inputs)
    assert torch.autograd.gradgradcheck(function.apply, inputs)  # what backward computes can be differentiated again
    y = function.apply(*inputs)
    dy = torch.ones_like(y)
    y.backward(dy)
    x, *rest = (a.detach().numpy() for a in inputs)
    layer = tn.Linear(4, 3) if name == "Linear" else getattr(tn, name)()
    given = dict(zip("Wb", rest, strict=True)) if name == "Linear" else (rest[0] if rest else {})
    wanted, cache = layer.forward(x, given)
    dx, gradients = layer.backward(np.ones(np.shape(wanted)), cache)
    np.testing.assert_allclose(y.detach(), wanted, **CLOSE)
    np.testing.assert_allclose(inputs[0].grad, dx, **CLOSE)
    for tensor, wanted in zip(inputs[1:], gradients.values(), strict=False):
        np.testing.assert_allclose(tensor.grad, wanted, **CLOSE)


@pytest.mark.parametrize("name", ["Linear", "ReLU", "Tanh", "Sigmoid", "SoftmaxCrossEntropy"])
def test_the_functions_of_torch_keep_single_precision(name):
    inputs = torch_inputs(name, torch.float32)
    y = getattr(tt, name).apply(*inputs)
    y.sum().backward()
    assert y.dtype == inputs[0].grad.dtype == torch.float32


def test_a_linear_function_without_bias():
    x, w, _ = torch_inputs("Linear")
    assert torch.autograd.gradcheck(lambda x, w: tt.Linear.apply(x, w, None), (x, w))


# --- bad input ----------------------------------------------------------------------------------------------------


def test_bad_arguments_are_named():
    linear, loss, rng = tn.Linear(4, 3), tn.SoftmaxCrossEntropy(), np.random.default_rng(0)
    for x in (np.ones(4), np.ones((2, 3)), np.ones((2, 4, 1))):
        with pytest.raises(ValueError, match=r"x must be of shape \(batch, 4\), got \("):
            linear.forward(x, linear.init(rng))
    with pytest.raises(ValueError, match=r"rng must be a NumPy generator.* got None"):
        linear.init(None)
    with pytest.raises(ValueError, match="x must be of float64"):
        tn.check_gradient(linear, np.ones((2, 4), np.float32), linear.init(rng))
    scores = np.zeros((2, 3))
    for targets in ([0, 3], [-1, 0], [0.0, 1.0]):
        with pytest.raises(ValueError, match="targets must be whole numbers from 0 to 2"):
            loss.forward(scores, np.array(targets))
    with pytest.raises(ValueError, match=r"the shape of targets must be \(2,\) or \(2, 3\), got \(3,\)"):
        loss.forward(scores, np.zeros(3, int))
    with pytest.raises(ValueError, match="targets must be rows of numbers of at least 0 with the sum 1"):
        loss.forward(scores, np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"x must be of shape \(batch, classes\), got \(3,\)"):
        loss.forward(np.zeros(3), np.zeros(3, int))


# --- the experiment -----------------------------------------------------------------------------------------------


def test_the_best_step_is_what_the_key_says_and_moves_with_the_constant():
    from thalweg.exercises.keys.backpropagation import best_step, measure_best_step

    assert measure_best_step() == pytest.approx(best_step.reference)
    assert measure_best_step(0.0) < best_step.reference
