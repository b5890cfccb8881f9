"""Batch normalization against the outside world: torch.nn, finite differences, the identities it must keep, bad input."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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


def drawn(shape, seed=0):
    """An input far from mean 0 and variance 1, gamma, beta, running statistics, and a gradient at the output."""
    rng = np.random.default_rng(seed)
    d = shape[1]
    x = rng.normal(2.0, 3.0, size=shape)
    running = rng.normal(size=d), rng.uniform(0.5, 2, size=d)
    return x, rng.normal(size=d), rng.normal(size=d), running, rng.normal(size=shape)


def theirs(shape, gamma, beta, running, eps=1e-5, momentum=0.1):
    layer = SHAPES[shape](shape[1], eps=eps, momentum=momentum, dtype=torch.float64)
    for ours, value in zip(
        (layer.weight, layer.bias, layer.running_mean, layer.running_var), (gamma, beta, *running), strict=True
    ):
        ours.data = torch.tensor(value)
    return layer


def ours_in_torch(shape, gamma, beta, running, eps=1e-5, momentum=0.1):
    layer = tt.BatchNorm(shape[1], eps, momentum).double()
    for own, value in zip(
        (layer.gamma, layer.beta, layer.running_mean, layer.running_var), (gamma, beta, *running), strict=True
    ):
        own.data = torch.tensor(value)
    return layer


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
    x, gamma, beta, running, dy = drawn(shape)
    norm = tn.BatchNorm(eps, momentum)
    y, new, cache = norm.forward(x, gamma, beta, running)
    mine = [y, *norm.backward(dy, cache), *new]
    reference = run(theirs(shape, gamma, beta, running, eps, momentum), x, dy)
    in_torch = run(ours_in_torch(shape, gamma, beta, running, eps, momentum), x, dy)
    for a, b, c in zip(mine, in_torch, reference, strict=True):
        np.testing.assert_allclose(a, c, **CLOSE)
        np.testing.assert_allclose(b, c, **CLOSE)


@shapes
def test_test_time_agrees_with_torch_nn(shape):
    x, gamma, beta, running, dy = drawn(shape)
    reference = run(theirs(shape, gamma, beta, running).eval(), x, dy)
    in_torch = run(ours_in_torch(shape, gamma, beta, running).eval(), x, dy)
    for a, b in zip(in_torch, reference, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)
    np.testing.assert_allclose(tn.BatchNorm().predict(x, gamma, beta, running), reference[0], **CLOSE)


@shapes
def test_running_statistics_over_many_batches(shape):
    _, gamma, beta, running, _ = drawn(shape)
    layers = theirs(shape, gamma, beta, running), ours_in_torch(shape, gamma, beta, running)
    for t in range(50):
        x = drawn(shape, seed=t)[0]
        _, running, _ = tn.BatchNorm().forward(x, gamma, beta, running)
        for layer in layers:
            layer(torch.tensor(x))
    for layer in layers:
        np.testing.assert_allclose(running[0], layer.running_mean.numpy(), **CLOSE)
        np.testing.assert_allclose(running[1], layer.running_var.numpy(), **CLOSE)


@shapes
def test_both_backward_passes_agree_with_finite_differences(shape):
    x, gamma, beta, running, dy = drawn(shape)
    norm = tn.BatchNorm(eps=0.1)
    _, _, cache = norm.forward(x, gamma, beta, running)

    def slopes(of):
        """Central differences of the number sum(dy * y) along each entry of ``of``."""
        arguments = {"x": x, "gamma": gamma, "beta": beta}
        out = np.empty_like(arguments[of])
        for i in np.ndindex(out.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = arguments[of].copy()
                moved[i] += step
                ends.append((dy * norm.forward(**arguments | {of: moved}, running=running)[0]).sum())
            out[i] = (ends[0] - ends[1]) / 2e-5
        return out

    for name, gradient in zip(("x", "gamma", "beta"), norm.backward(dy, cache), strict=True):
        np.testing.assert_allclose(gradient, slopes(name), rtol=0, atol=1e-7)
    np.testing.assert_allclose(norm.backward_by_steps(dy, cache), slopes("x"), rtol=0, atol=1e-7)
    np.testing.assert_allclose(norm.backward_by_steps(dy, cache), norm.backward(dy, cache)[0], **CLOSE)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), d=st.integers(1, 6))
def test_what_the_backward_pass_takes_out(seed, n, d):
    """Shifting or stretching a feature of the whole batch changes nothing, so the gradient has no part along either."""
    x, gamma, beta, running, dy = drawn((n, d), seed)
    norm = tn.BatchNorm(eps=0.0)
    y, _, cache = norm.forward(x, gamma, beta, running)
    dx, _, _ = norm.backward(dy, cache)
    scale = np.abs(gamma / cache[1]).max() * np.abs(dy).max() * n
    np.testing.assert_allclose(dx.sum(axis=0), 0, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose((dx * cache[0]).sum(axis=0), 0, rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(norm.forward(3 * x - 5, gamma, beta, running)[0], y, rtol=0, atol=1e-9)


@shapes
def test_the_output_has_the_mean_beta_and_the_spread_gamma(shape):
    x, gamma, beta, running, _ = drawn(shape)
    y, _, _ = tn.BatchNorm(eps=0.0).forward(x, gamma, beta, running)
    axes = tuple(i for i in range(len(shape)) if i != 1)
    np.testing.assert_allclose(y.mean(axis=axes), beta, **CLOSE)
    np.testing.assert_allclose(y.std(axis=axes), np.abs(gamma), **CLOSE)


def test_gamma_and_beta_can_make_it_the_identity():
    x, _, _, running, _ = drawn((32, 5))
    norm = tn.BatchNorm()
    gamma, beta = np.sqrt(x.var(axis=0) + norm.eps), x.mean(axis=0)
    np.testing.assert_allclose(norm.forward(x, gamma, beta, running)[0], x, **CLOSE)


def test_a_constant_feature_becomes_beta():
    y, _, cache = tn.BatchNorm().forward(np.full((4, 1), 7.0), np.ones(1), np.full(1, 0.5), (np.zeros(1), np.ones(1)))
    np.testing.assert_array_equal(y, np.full((4, 1), 0.5))
    assert np.isfinite(tn.BatchNorm().backward(np.ones((4, 1)), cache)[0]).all()


def test_two_examples_leave_only_their_signs():
    x = np.array([[1.0, -3.0], [1.5, 40.0]])
    y, _, _ = tn.BatchNorm(eps=0.0).forward(x, *tn.BatchNorm().init(2))
    np.testing.assert_array_equal(y, [[-1, -1], [1, 1]])


def test_running_variances_are_unbiased():
    rng = np.random.default_rng(0)
    norm, running = tn.BatchNorm(momentum=0.001), (np.zeros(500), np.ones(500))
    gamma, beta, _ = norm.init(500)
    for _ in range(10_000):
        _, running, _ = norm.forward(rng.normal(0, 2, size=(4, 500)), gamma, beta, running)
    assert running[1].mean() == pytest.approx(4.0, rel=0.01)  # the biased one would be 3.0


@shapes
def test_float32_stays_float32_and_close(shape):
    x, gamma, beta, running, dy = drawn(shape)
    norm = tn.BatchNorm()
    exact, _, cache = norm.forward(x, gamma, beta, running)
    dx, _, _ = norm.backward(dy, cache)
    single = [np.float32(a) for a in (x, gamma, beta)]
    y, new, cache = norm.forward(*single, tuple(np.float32(a) for a in running))
    assert {a.dtype for a in (y, *new, *norm.backward(np.float32(dy), cache))} == {np.dtype(np.float32)}
    np.testing.assert_allclose(y, exact, rtol=0, atol=1e-4)
    np.testing.assert_allclose(norm.backward(np.float32(dy), cache)[0], dx, rtol=0, atol=1e-3)
    layer = ours_in_torch(shape, gamma, beta, running).float()
    assert layer(torch.tensor(single[0])).dtype == torch.float32


def test_arguments_are_left_alone():
    x, gamma, beta, running, dy = drawn((8, 3, 5, 4))
    before = copy.deepcopy((x, gamma, beta, *running, dy))
    norm = tn.BatchNorm()
    _, _, cache = norm.forward(x, gamma, beta, running)
    norm.backward(dy, cache)
    norm.backward_by_steps(dy, cache)
    norm.predict(x, gamma, beta, running)
    for was, now in zip(before, (x, gamma, beta, *running, dy), strict=True):
        np.testing.assert_array_equal(was, now)


def test_state_is_saved_and_loaded(tmp_path):
    layer = tt.BatchNorm(3)
    layer(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))
    torch.save(layer.state_dict(), tmp_path / "saved.pt")
    again = tt.BatchNorm(3)
    again.load_state_dict(torch.load(tmp_path / "saved.pt", weights_only=True))
    x = torch.ones(2, 3)
    assert torch.equal(layer.eval()(x), again.eval()(x))


# --- bad input ---------------------------------------------------------------------------------------------------

BAD = [("eps", -1e-5), ("eps", math.nan), ("eps", "0"), ("momentum", -0.1), ("momentum", 1.5), ("momentum", None)]


@pytest.mark.parametrize("argument, value", BAD)
def test_bad_hyperparameters_are_named(argument, value):
    for make in (tn.BatchNorm, lambda **k: tt.BatchNorm(3, **k)):
        with pytest.raises(ValueError, match=rf"{argument} must be .*{value!r}"):
            make(**{argument: value})


def test_bad_shapes_are_named():
    norm, (gamma, beta, running) = tn.BatchNorm(), tn.BatchNorm().init(3)
    layer = tt.BatchNorm(3)
    for x in (np.ones(3), np.ones((4, 2)), np.ones((4, 2, 3))):
        shape = rf"x must be .*{tuple(x.shape)}".replace("(", r"\(").replace(")", r"\)")
        for call in (norm.forward, norm.predict):
            with pytest.raises(ValueError, match=shape):
                call(x, gamma, beta, running)
        with pytest.raises(ValueError, match=shape):
            layer(torch.tensor(x))
    for call in (lambda x: norm.forward(x, gamma, beta, running), lambda x: layer(torch.tensor(x))):
        with pytest.raises(ValueError, match=r"x must be of at least two values a feature in training, got \(1, 3\)"):
            call(np.ones((1, 3)))
    assert norm.predict(np.ones((1, 3)), gamma, beta, running).shape == (1, 3)  # at test time one is enough
    with pytest.raises(ValueError, match="features must be at least 1, got 0"):
        tt.BatchNorm(0)


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
    x, gamma, beta, running, dy = drawn(shape)
    results = []
    for layer in (ours_in_torch(shape, gamma, beta, running), theirs(shape, gamma, beta, running)):
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
    _, gamma, beta, running, _ = drawn((2, 4))
    w, b, h = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(9, 3))
    folded, bias = fold.reference(w, b, gamma, beta, *running, 1e-5)
    np.testing.assert_allclose(h @ folded + bias, tn.BatchNorm().predict(h @ w + b, gamma, beta, running), **CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_the_experiment_of_the_assignment_is_measured(seed):
    from thalweg.exercises.keys.batch_normalization import batch_size, measure_batch_size

    assert measure_batch_size(seed=seed, draws=50) == batch_size.reference
