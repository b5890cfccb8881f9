"""Batch normalization against the outside world: torch.nn, finite differences, the identities it must keep, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layers import assert_keeps_the_convention

import thalweg.numpy as tn
import thalweg.torch as tt

CLOSE = {"rtol": 0, "atol": 1e-12}
# shape of x -> the layer of torch.nn that takes it
SHAPES = {
    (32, 5): torch.nn.BatchNorm1d,
    (2, 3): torch.nn.BatchNorm1d,
    (7, 1): torch.nn.BatchNorm1d,
    (4, 3, 6): torch.nn.BatchNorm1d,
    (8, 3, 5, 4): torch.nn.BatchNorm2d,
    (1, 2, 3, 3): torch.nn.BatchNorm2d,
}
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def drawn(shape, seed=0, **options):
    """A layer with some running statistics, an input far from mean 0 and variance 1, parameters, a gradient at the output."""
    rng = np.random.default_rng(seed)
    d = shape[1]
    x = rng.normal(2.0, 3.0, size=shape)
    norm = tn.BatchNorm(d, **options, running_mean=rng.normal(size=d), running_var=rng.uniform(0.5, 2, size=d))
    return norm, x, {"gamma": rng.normal(size=d), "beta": rng.normal(size=d)}, rng.normal(size=shape)


def filled(layer, norm, parameters, names):
    """A layer of PyTorch with the values of ``norm`` and ``parameters``."""
    values = (parameters["gamma"], parameters["beta"], norm.running_mean, norm.running_var)
    for name, value in zip(names, values, strict=True):
        getattr(layer, name).data = torch.tensor(value)
    return layer


def theirs(norm, parameters, shape):
    layer = SHAPES[shape](norm.features, eps=norm.eps, momentum=norm.momentum, dtype=torch.float64)
    return filled(layer, norm, parameters, ("weight", "bias", "running_mean", "running_var"))


def ours_in_torch(norm, parameters):
    layer = tt.BatchNorm(norm.features, norm.eps, norm.momentum).double()
    return filled(layer, norm, parameters, ("gamma", "beta", "running_mean", "running_var"))


def run(layer, x, dy):
    """Output, gradients of input and parameters, and running statistics of a layer of PyTorch."""
    x = torch.tensor(x, requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(dy))
    gradients = [p.grad.numpy() for p in layer.parameters()]
    return [y.detach().numpy(), x.grad.numpy(), *gradients, layer.running_mean.numpy(), layer.running_var.numpy()]


@shapes
@pytest.mark.parametrize("eps, momentum", [(1e-5, 0.1), (0.1, 1.0), (1e-3, 0.0)])
def test_training_agrees_with_torch_nn(shape, eps, momentum):
    norm, x, parameters, dy = drawn(shape, eps=eps, momentum=momentum)
    y, cache = norm.forward(x, parameters, training=True)
    dx, gradients = norm.backward(dy, cache)
    after = norm.updated(cache)
    mine = [y, dx, gradients["gamma"], gradients["beta"], after.running_mean, after.running_var]
    reference = run(theirs(norm, parameters, shape), x, dy)
    in_torch = run(ours_in_torch(norm, parameters), x, dy)
    for a, b, c in zip(mine, in_torch, reference, strict=True):
        np.testing.assert_allclose(a, c, **CLOSE)
        np.testing.assert_allclose(b, c, **CLOSE)


@shapes
def test_test_time_agrees_with_torch_nn(shape):
    norm, x, parameters, dy = drawn(shape)
    y, cache = norm.forward(x, parameters)
    dx, gradients = norm.backward(dy, cache)
    mine = [y, dx, gradients["gamma"], gradients["beta"], norm.running_mean, norm.running_var]
    reference = run(theirs(norm, parameters, shape).eval(), x, dy)
    in_torch = run(ours_in_torch(norm, parameters).eval(), x, dy)
    for a, b, c in zip(mine, in_torch, reference, strict=True):
        np.testing.assert_allclose(a, c, **CLOSE)
        np.testing.assert_allclose(b, c, **CLOSE)
    assert norm.updated(cache) is norm


@shapes
def test_running_statistics_over_many_batches(shape):
    norm, _, parameters, _ = drawn(shape)
    layers = theirs(norm, parameters, shape), ours_in_torch(norm, parameters)
    for t in range(50):
        _, x, _, _ = drawn(shape, seed=t)
        norm = norm.updated(norm.forward(x, parameters, training=True)[1])
        for layer in layers:
            layer(torch.tensor(x))
    for layer in layers:
        np.testing.assert_allclose(norm.running_mean, layer.running_mean.numpy(), **CLOSE)
        np.testing.assert_allclose(norm.running_var, layer.running_var.numpy(), **CLOSE)


@shapes
def test_it_keeps_the_convention_of_layers(shape):
    _, x, parameters, _ = drawn(shape)
    assert_keeps_the_convention(tn.BatchNorm(shape[1], eps=0.1), x, parameters)


@shapes
def test_the_backward_pass_by_steps_is_the_short_one(shape):
    norm, x, parameters, dy = drawn(shape)
    _, cache = norm.forward(x, parameters, training=True)
    np.testing.assert_allclose(norm.backward_by_steps(dy, cache), norm.backward(dy, cache)[0], **CLOSE)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), d=st.integers(1, 6))
def test_what_the_backward_pass_takes_out(seed, n, d):
    """Shifting or stretching a feature of the whole batch changes nothing, so the gradient has no part along either."""
    norm, x, parameters, dy = drawn((n, d), seed, eps=0.0)
    y, cache = norm.forward(x, parameters, training=True)
    dx, _ = norm.backward(dy, cache)
    x_hat, std, gamma, _ = cache
    scale = np.abs(gamma / std).max() * np.abs(dy).max() * n
    np.testing.assert_allclose(dx.sum(axis=0), 0, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose((dx * x_hat).sum(axis=0), 0, rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(norm.forward(3 * x - 5, parameters, training=True)[0], y, rtol=0, atol=1e-9)


@shapes
def test_the_output_has_the_mean_beta_and_the_spread_gamma(shape):
    norm, x, parameters, _ = drawn(shape, eps=0.0)
    y, _ = norm.forward(x, parameters, training=True)
    axes = tuple(i for i in range(len(shape)) if i != 1)
    np.testing.assert_allclose(y.mean(axis=axes), parameters["beta"], **CLOSE)
    np.testing.assert_allclose(y.std(axis=axes), np.abs(parameters["gamma"]), **CLOSE)


def test_gamma_and_beta_can_make_it_the_identity():
    norm, x, _, _ = drawn((32, 5))
    parameters = {"gamma": np.sqrt(x.var(axis=0) + norm.eps), "beta": x.mean(axis=0)}
    np.testing.assert_allclose(norm.forward(x, parameters, training=True)[0], x, **CLOSE)


def test_a_constant_feature_becomes_beta():
    norm, parameters = tn.BatchNorm(1), {"gamma": np.ones(1), "beta": np.full(1, 0.5)}
    y, cache = norm.forward(np.full((4, 1), 7.0), parameters, training=True)
    np.testing.assert_array_equal(y, np.full((4, 1), 0.5))
    assert np.isfinite(norm.backward(np.ones((4, 1)), cache)[0]).all()


def test_two_examples_leave_only_their_signs():
    norm, x = tn.BatchNorm(2, eps=0.0), np.array([[1.0, -3.0], [1.5, 40.0]])
    np.testing.assert_array_equal(norm.forward(x, norm.init(), training=True)[0], [[-1, -1], [1, 1]])


def test_a_new_layer_is_the_identity_at_test_time():
    norm, x = tn.BatchNorm(3, eps=0.0), np.random.default_rng(0).normal(size=(1, 3))
    np.testing.assert_array_equal(norm.forward(x, norm.init())[0], x)


def test_running_variances_are_unbiased():
    rng, norm = np.random.default_rng(0), tn.BatchNorm(500, momentum=0.001)
    for _ in range(10_000):
        norm = norm.updated(norm.forward(rng.normal(0, 2, size=(4, 500)), norm.init(), training=True)[1])
    assert norm.running_var.mean() == pytest.approx(4.0, rel=0.01)  # the biased one would be 3.0


def test_running_statistics_of_float32_are_float32():
    norm, x, parameters, _ = drawn((8, 3, 5, 4))
    norm = tn.BatchNorm(3)
    after = norm.updated(norm.forward(np.float32(x), norm.init(), training=True)[1])
    assert after.running_mean.dtype == after.running_var.dtype == np.float32
    assert ours_in_torch(after, parameters).float()(torch.tensor(np.float32(x))).dtype == torch.float32


def test_state_is_saved_and_loaded(tmp_path):
    layer = tt.BatchNorm(3)
    layer(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))
    torch.save(layer.state_dict(), tmp_path / "saved.pt")
    again = tt.BatchNorm(3)
    again.load_state_dict(torch.load(tmp_path / "saved.pt", weights_only=True))
    x = torch.ones(2, 3)
    assert torch.equal(layer.eval()(x), again.eval()(x))


# --- bad input ---------------------------------------------------------------------------------------------------

BAD = [
    ("features", 0),
    ("features", 2.0),
    ("eps", -1e-5),
    ("eps", math.nan),
    ("eps", "0"),
    ("momentum", -0.1),
    ("momentum", 1.5),
    ("momentum", None),
]


@pytest.mark.parametrize("argument, value", BAD)
def test_bad_hyperparameters_are_named(argument, value):
    for make in (tn.BatchNorm, tt.BatchNorm):
        with pytest.raises(ValueError, match=rf"{argument} must be .*{value!r}"):
            make(**{"features": 3, argument: value})


def test_bad_shapes_are_named():
    norm, layer = tn.BatchNorm(3), tt.BatchNorm(3)
    for x in (np.ones(3), np.ones((4, 2)), np.ones((4, 2, 3))):
        shape = rf"x must be .*{tuple(x.shape)}".replace("(", r"\(").replace(")", r"\)")
        for training in (False, True):
            with pytest.raises(ValueError, match=shape):
                norm.forward(x, norm.init(), training=training)
        with pytest.raises(ValueError, match=shape):
            layer(torch.tensor(x))
    for call in (lambda x: norm.forward(x, norm.init(), training=True), lambda x: layer(torch.tensor(x))):
        with pytest.raises(ValueError, match=r"x must be of at least two values a feature in training, got \(1, 3\)"):
            call(np.ones((1, 3)))
    assert norm.forward(np.ones((1, 3)), norm.init())[0].shape == (1, 3)  # at test time one is enough


# --- the networks of the chapter ----------------------------------------------------------------------------------


def test_the_networks_of_the_chapter():
    def kinds(**options):
        return [type(layer).__name__ for layer in tt.batch_norm_mlp(4, 5, 5, 3, **options)]

    assert kinds() == ["Linear", "BatchNorm", "ReLU"] * 2 + ["Linear"]
    assert kinds(place="after", activation=torch.nn.Sigmoid) == ["Linear", "Sigmoid", "BatchNorm"] * 2 + ["Linear"]
    assert kinds(place="nowhere") == ["Linear", "ReLU"] * 2 + ["Linear"]
    biased = {
        place: [layer.bias is not None for layer in tt.batch_norm_mlp(4, 5, 3, place=place) if hasattr(layer, "bias")]
        for place in ("before", "after", "nowhere")
    }
    assert biased == {"before": [False, True], "after": [True, True], "nowhere": [True, True]}
    a, b = (tt.batch_norm_mlp(4, 5, 3, seed=1, place=place) for place in ("before", "nowhere"))
    assert torch.equal(a[0].weight, b[0].weight)  # one start for all three
    with pytest.raises(ValueError, match=r"place must be .* got 'between'"):
        tt.batch_norm_mlp(4, 5, 3, place="between")


def test_a_bias_before_the_layer_gets_no_gradient():
    torch.manual_seed(0)
    linear = torch.nn.Linear(4, 3).double()
    y = tt.BatchNorm(3).double()(linear(torch.randn(16, 4, dtype=torch.float64)))
    (y**3).sum().backward()
    assert linear.bias.grad.abs().max() < 1e-12 * linear.weight.grad.abs().max() * 16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@shapes
def test_on_a_gpu(shape):
    norm, x, parameters, dy = drawn(shape)
    results = []
    for layer in (ours_in_torch(norm, parameters), theirs(norm, parameters, shape)):
        layer, x_gpu = layer.cuda(), torch.tensor(x, device="cuda", requires_grad=True)
        y = layer(x_gpu)
        y.backward(torch.tensor(dy, device="cuda"))
        results.append([y, x_gpu.grad, *(p.grad for p in layer.parameters()), layer.running_mean, layer.running_var])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, **CLOSE)


# --- the assignment -----------------------------------------------------------------------------------------------


def test_folding_keeps_what_the_network_says():
    from thalweg.exercises.keys.batch_normalization import fold

    rng = np.random.default_rng(0)
    norm, x, parameters, _ = drawn((9, 4))
    w, b = rng.normal(size=(3, 4)), rng.normal(size=3)
    statistics = norm.running_mean, norm.running_var
    folded, bias = fold.reference(parameters["gamma"], parameters["beta"], *statistics, norm.eps, w, b)
    np.testing.assert_allclose(x @ folded.T + bias, norm.forward(x, parameters)[0] @ w.T + b, **CLOSE)


def test_merged_statistics_are_those_of_all_examples():
    from thalweg.exercises.keys.batch_normalization import merged

    rng = np.random.default_rng(0)
    batches = [rng.normal(rng.normal(size=3), 2, size=(size, 3)) for size in (4, 1, 9)]
    means, variances = (np.array([f(x, axis=0) for x in batches]) for f in (np.mean, np.var))
    mean, var = merged.reference(means, variances, np.array([4, 1, 9]))
    np.testing.assert_allclose(mean, np.concatenate(batches).mean(axis=0), **CLOSE)
    np.testing.assert_allclose(var, np.concatenate(batches).var(axis=0), **CLOSE)


@pytest.mark.parametrize("training", [True, False])
def test_the_mended_layer_is_batch_normalization(training):
    from thalweg.exercises.keys.batch_normalization import mended

    norm, x, parameters, _ = drawn((6, 3), momentum=0.3)
    y, cache = norm.forward(x, parameters, training=training)
    after = norm.updated(cache)
    statistics = norm.running_mean, norm.running_var
    found = mended.reference(x, *parameters.values(), *statistics, norm.momentum, norm.eps, training)
    for mine, right in zip(found, (y, after.running_mean, after.running_var), strict=True):
        np.testing.assert_allclose(mine, right, **CLOSE)


def test_rms_normalization_backwards_agrees_with_torch():
    from thalweg.exercises.keys.batch_normalization import rms_backward

    rng = np.random.default_rng(0)
    x, dy, gamma = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.normal(size=4)
    layer = torch.nn.RMSNorm(4, eps=0.1, dtype=torch.float64)
    layer.weight.data = torch.tensor(gamma)
    tx = torch.tensor(x, requires_grad=True)
    layer(tx).backward(torch.tensor(dy))
    rms = np.sqrt((x**2).mean(axis=1, keepdims=True) + 0.1)
    dx, gradients = rms_backward.reference(dy, (x / rms, rms, gamma))
    np.testing.assert_allclose(dx, tx.grad.numpy(), **CLOSE)
    np.testing.assert_allclose(gradients["gamma"], layer.weight.grad.numpy(), **CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_the_experiment_of_the_assignment_is_measured(seed):
    from thalweg.exercises.keys.batch_normalization import batch_size, measure_batch_size

    assert measure_batch_size(seed=seed, draws=50) == batch_size.reference
