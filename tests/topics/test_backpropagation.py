"""The convention of layers: right gradients for every kind of layer, alone, nested and as a network, beside torch.autograd."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import assert_keeps_the_convention, tensors
from torch.nn import functional as F

import thalweg.numpy as tn
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
    "linear": (tn.Linear(4, 3), (5, 4)),
    "linear without bias": (tn.Linear(4, 3, bias=False), (5, 4)),
    "relu": (tn.ReLU(), (5, 4)),
    "tanh": (tn.Tanh(), (5, 4, 2)),
    "sigmoid": (tn.Sigmoid(), (5,)),
    "batch normalization": (tn.BatchNorm(4), (5, 4)),
    "batch normalization of images": (tn.BatchNorm(3), (2, 3, 4, 2)),
    "dropout": (tn.Dropout(0.6), (5, 4)),
    "plain dropout": (tn.PlainDropout(0.6), (5, 4)),
    "drop connect": (tn.DropConnect(4, 3, 0.6), (5, 4)),
    "stochastic depth": (tn.StochasticDepth(tn.Linear(4, 4), 0.6), (5, 4)),
    "residual block": (tn.StochasticDepth(tn.Network([tn.Linear(4, 4), tn.ReLU()]), keep=1.0), (5, 4)),
    "fractional max pooling": (tn.FractionalMaxPool(3), (2, 2, 5, 6)),
    "convolution": (Convolution(2, 3, 2), (2, 2, 4, 5)),
    "layer normalization": (LayerNorm(4), (5, 4)),
    "network": (a_network(), (8, 7)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_keeps_the_convention(name):
    layer, shape = LAYERS[name]
    assert_keeps_the_convention(layer, np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize("targets", [np.array([2, 0, 0, 1]), np.random.default_rng(0).dirichlet(np.ones(3), size=4)])
def test_the_loss_keeps_the_convention_with_targets_for_parameters(targets):
    assert_keeps_the_convention(tn.SoftmaxCrossEntropy(), np.random.default_rng(0).normal(size=(4, 3)), targets)


# --- beside torch.autograd ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_torchs(activation):
    x = np.array([-800.0, -3.0, -1e-3, 0.0, 1e-3, 2.0, 800.0, np.inf, -np.inf])
    with np.errstate(all="raise"):
        y, cache = activation().forward(x)
    tx = torch.tensor(x, requires_grad=True)
    wanted = ACTIVATIONS[activation](tx)
    np.testing.assert_allclose(y, wanted.detach(), **CLOSE)
    wanted.backward(torch.ones(len(x), dtype=torch.float64))
    np.testing.assert_allclose(activation().backward(np.ones(len(x)), cache)[0], tx.grad, **CLOSE)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_loss_is_torchs(scale):
    rng = np.random.default_rng(0)
    x, loss = scale * rng.normal(size=(6, 4)), tn.SoftmaxCrossEntropy()
    for targets in (rng.integers(0, 4, size=6), rng.dirichlet(np.ones(4), size=6)):
        tx = torch.tensor(x, requires_grad=True)
        wanted = F.cross_entropy(tx, torch.tensor(targets))
        wanted.backward()
        value, cache = loss.forward(x, targets)
        assert value == pytest.approx(float(wanted.detach()), rel=1e-12)
        np.testing.assert_allclose(loss.backward(1.0, cache)[0], tx.grad, **CLOSE)


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
    with pytest.raises(ValueError, match="targets must be rows with the sum 1"):
        loss.forward(scores, np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"x must be of shape \(batch, classes\), got \(3,\)"):
        loss.forward(np.zeros(3), np.zeros(3, int))
