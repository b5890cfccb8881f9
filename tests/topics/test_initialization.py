"""How networks start, against the outside world: torch.nn.init, scipy's truncated normal, torch's clipping, networks that are run.

What is drawn is tested on a million numbers with fixed seeds. A right scheme would fail at five standard errors for one seed in a million.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import thalweg.numpy as tn
import thalweg.torch as tt

DISTRIBUTIONS = ("normal", "uniform", "truncated")
SCHEMES = {
    "lecun": (tn.lecun, tt.lecun, lambda a, b: 1 / a),
    "glorot": (tn.glorot, tt.glorot, lambda a, b: 2 / (a + b)),
    "he": (tn.he, tt.he, lambda a, b: 2 / a),
}
CUT = scipy.stats.truncnorm(-2, 2)


def within_five_errors(w, std):
    """Mean 0 and the standard deviation ``std``, to five standard errors. No tail here is heavier than the normal one."""
    assert abs(w.mean()) < 5 * std / w.size**0.5
    assert abs(w.std() / std - 1) < 5 / (2 * w.size) ** 0.5


# --- what is drawn -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (6, 3, 5), (4, 3, 5, 2), (2, 3, 2, 2, 2)])
def test_fans_are_torchs(shape):
    assert tn.fans(shape) == tt.fans(torch.empty(shape)) == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


def test_fans_count_the_weights_of_a_convolution():
    """The weights that meet in one output, away from the edge, and those that leave one input."""
    layer = nn.Conv2d(3, 8, (5, 3), padding=(2, 1), bias=False, dtype=torch.float64)
    nn.init.ones_(layer.weight)
    x = torch.ones(1, 3, 11, 11, dtype=torch.float64, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert (int(y[0, 0, 5, 5]), int(x.grad[0, 0, 5, 5])) == tn.fans(layer.weight.shape)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("shape", [(2000, 500), (200, 50, 10, 10)])
def test_the_variance_is_the_one_of_the_formula(scheme, distribution, shape):
    ours, theirs, variance = SCHEMES[scheme]
    wanted = variance(*tn.fans(shape)) ** 0.5
    within_five_errors(ours(shape, np.random.default_rng(0), distribution=distribution), wanted)
    filled = theirs(torch.empty(shape), torch.Generator().manual_seed(0), distribution=distribution)
    within_five_errors(filled.double().numpy(), wanted)
    gained = ours(shape, np.random.default_rng(0), gain=3.0, distribution=distribution)
    within_five_errors(gained, 3 * wanted / (2**0.5 if scheme == "he" else 1))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_distribution_has_the_shape_that_it_is_named_after(scheme):
    ours, theirs, variance = SCHEMES[scheme]
    std = variance(*tn.fans((200, 100))) ** 0.5
    of = {"normal": scipy.stats.norm(), "uniform": scipy.stats.uniform(-(3**0.5), 2 * 3**0.5), "truncated": None}
    for distribution, wanted in of.items():
        for w in (
            ours((200, 100), np.random.default_rng(1), distribution=distribution),
            theirs(torch.empty(200, 100), torch.Generator().manual_seed(1), distribution=distribution).numpy(),
        ):
            cdf = wanted.cdf if wanted else lambda z: CUT.cdf(z * CUT.std())
            assert scipy.stats.kstest(w.ravel() / std, cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (tt.glorot, nn.init.xavier_normal_),
        (lambda w, g: tt.glorot(w, g, distribution="uniform"), nn.init.xavier_uniform_),
        (tt.he, lambda w, generator: nn.init.kaiming_normal_(w, nonlinearity="relu", generator=generator)),
        (
            lambda w, g: tt.he(w, g, distribution="uniform", keep="backward"),
            lambda w, generator: nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu", generator=generator),
        ),
        (
            lambda w, g: tt.lecun(w, g),
            lambda w, generator: nn.init.kaiming_normal_(w, nonlinearity="linear", generator=generator),
        ),
        (tt.orthogonal, nn.init.orthogonal_),
        (
            lambda w, g: tt.orthogonal(w, g, gain=2.0),
            lambda w, generator: nn.init.orthogonal_(w, 2.0, generator=generator),
        ),
    ],
)
@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (8, 3, 5, 5)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_same_generator_gives_torchs_own_weights(ours, theirs, shape, dtype):
    one, other = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)
    assert ours(one, torch.Generator().manual_seed(3)) is one
    theirs(other, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(one, other, rtol=1e-12 if dtype is torch.float64 else 1e-6, atol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3])
def test_gains_of_rectifiers_are_torchs(slope):
    assert tn.gain("linear") == nn.init.calculate_gain("linear")
    assert tn.gain("ReLU") == pytest.approx(nn.init.calculate_gain("relu"), rel=1e-15)
    assert tn.gain("leaky ReLU", slope) == pytest.approx(nn.init.calculate_gain("leaky_relu", slope), rel=1e-15)


@pytest.mark.parametrize(("name", "layer"), [("tanh", tn.Tanh()), ("sigmoid", tn.Sigmoid()), ("linear", None)])
def test_gains_of_smooth_functions_undo_the_slope_at_zero(name, layer):
    slope = 1.0 if layer is None else (layer.forward(np.array(1e-6))[0] - layer.forward(np.array(-1e-6))[0]) / 2e-6
    assert tn.gain(name) == pytest.approx(1 / slope, rel=1e-6)


@pytest.mark.parametrize("cut", [0.5, 1.0, 2.0, 3.5])
def test_a_truncated_normal_is_scipys(cut):
    wanted = scipy.stats.truncnorm(-cut, cut)
    w = tn.truncated_normal(20_000, np.random.default_rng(0), std=3.0, cut=cut, rescaled=False)
    filled = tt.truncated_normal(
        torch.empty(20_000), torch.Generator().manual_seed(0), 3.0, cut, rescaled=False
    ).numpy()
    for drawn in (w, filled):
        assert np.abs(drawn).max() <= 3 * cut * (1 + 1e-6)
        assert scipy.stats.kstest(drawn / 3, wanted.cdf).pvalue > 1e-6
    ratio = tn.truncated_normal(50, np.random.default_rng(0), cut=cut) / tn.truncated_normal(
        50, np.random.default_rng(0), cut=cut, rescaled=False
    )
    np.testing.assert_allclose(ratio, 1 / wanted.std(), rtol=1e-12)


def test_scalars_and_any_shape_can_be_truncated():
    assert tn.truncated_normal((), np.random.default_rng(0)).shape == ()
    assert tn.truncated_normal((2, 0, 3), np.random.default_rng(0)).shape == (2, 0, 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([(), (2,), (2, 3)]), st.floats(0.1, 5))
def test_orthogonal_rows_or_columns(outputs, inputs, window, gain):
    w = tn.orthogonal((outputs, inputs, *window), np.random.default_rng(0), gain)
    flat = w.reshape(outputs, -1)
    product = flat @ flat.T if outputs <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-12 * gain**2)
    filled = tt.orthogonal(torch.empty(outputs, inputs, *window, dtype=torch.float64), gain=gain).reshape(outputs, -1)
    product = filled @ filled.T if outputs <= filled.shape[1] else filled.T @ filled
    np.testing.assert_allclose(product.numpy(), gain**2 * np.eye(len(product)), atol=1e-12 * gain**2)


def test_all_rotations_are_equally_likely():
    """The eigenvalues of a random rotation of the plane: angles without a preference, and both determinants alike."""
    rng = np.random.default_rng(0)
    drawn = np.array([tn.orthogonal((2, 2), rng) for _ in range(4000)])
    angles = np.arctan2(drawn[:, 0, 1], drawn[:, 0, 0])
    assert scipy.stats.kstest(angles, scipy.stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-6
    assert abs((np.linalg.det(drawn) > 0).mean() - 0.5) < 5 * 0.5 / 4000**0.5


def test_small_normal_does_not_know_the_layer():
    within_five_errors(tn.small_normal((1000, 1000), np.random.default_rng(0)), 0.01)
    within_five_errors(
        tt.small_normal(torch.empty(1000, 1000), torch.Generator().manual_seed(0)).double().numpy(), 0.01
    )


def test_initialized_draws_weights_and_leaves_the_rest():
    network = tn.Network([tn.mlp(8, 6, 4), tn.BatchNorm(4)])
    before = network.init(np.random.default_rng(0))
    before["0.0.b"][:] = 5
    copies = {name: a.copy() for name, a in before.items()}
    after = tn.initialized(before, tn.he, np.random.default_rng(1))
    assert list(after) == list(before)
    for name, a in before.items():
        np.testing.assert_array_equal(a, copies[name])
        assert (after[name] is a) == (not name.endswith("W"))
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(after["0.0.W"], tn.he((6, 8), rng))
    np.testing.assert_array_equal(after["0.2.W"], tn.he((4, 6), rng))
    single = tn.initialized({"W": np.zeros((3, 2), dtype=np.float32)}, tn.lecun, np.random.default_rng(0))
    assert single["W"].dtype == np.float32


def test_initialized_works_in_place_on_modules():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3), nn.Linear(3, 2, bias=False)
    )
    kept, norm = [p for p in model.parameters()], model[1].weight.clone()
    assert tt.initialized(model, tt.orthogonal, torch.Generator().manual_seed(0)) is model
    assert all(a is b for a, b in zip(kept, model.parameters(), strict=True))
    g = torch.Generator().manual_seed(0)
    for layer in (model[0], model[3], model[4]):
        torch.testing.assert_close(layer.weight, tt.orthogonal(torch.empty_like(layer.weight), g), rtol=0, atol=0)
        assert layer.bias is None or not layer.bias.any()
        assert layer.weight.requires_grad and layer.weight.is_leaf
    torch.testing.assert_close(model[1].weight, norm)


# --- what is predicted --------------------------------------------------------------------------------------------


class Linearly(tn.Layer):
    """No activation function at all."""

    def forward(self, x, parameters=None, *, training=False, rng=None):
        return x, None

    def backward(self, dy, cache):
        return dy, {}


@pytest.mark.parametrize(("layer", "half"), [(tn.ReLU(), 0.5), (Linearly(), 1.0)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_rectifiers_multiply_by_half_the_strength_in_every_layer(layer, half, strength):
    """E[ReLU(z)²] = Var(z)/2 and E[ReLU'(z)²] = 1/2, which is where He's 2 comes from."""
    factor = strength * half
    variances = tn.predicted_variance(layer, strength, 12, start=3.0)
    np.testing.assert_allclose(variances, 3 * strength * factor ** np.arange(12), rtol=1e-12)
    back = tn.predicted_gradient(layer, strength, 12, start=3.0)
    np.testing.assert_allclose(back, factor ** np.arange(11, -1, -1), rtol=1e-12)
    uneven = tn.predicted_gradient(layer, strength, 12, backward=0.7)
    np.testing.assert_allclose(uneven, (0.7 * half) ** np.arange(11, -1, -1), rtol=1e-12)


@pytest.mark.parametrize(("layer", "torchs"), [(tn.Tanh(), torch.tanh), (tn.Sigmoid(), torch.sigmoid)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 16.0])
def test_smooth_functions_against_an_integral(layer, torchs, strength):
    def integral(f, variance):
        density = scipy.stats.norm(scale=variance**0.5).pdf
        return scipy.integrate.quad(lambda z: f(z) ** 2 * density(z), -40, 40, points=[0], limit=400)[0]

    def slope(z):
        z = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        torchs(z).backward()
        return float(z.grad)

    variances = tn.predicted_variance(layer, strength, 4)
    assert variances[0] == strength
    for now, after in pairwise(variances):
        assert after == pytest.approx(strength * integral(lambda z: layer.forward(np.array(z))[0], now), rel=1e-6)
    back = tn.predicted_gradient(layer, strength, 4)
    for k in range(3):
        assert back[k] / back[k + 1] == pytest.approx(strength * integral(slope, variances[k]), rel=1e-4)


@pytest.mark.parametrize(
    ("layer", "scheme", "strength"),
    [(tn.ReLU(), tn.he, 2), (tn.ReLU(), tn.lecun, 1), (tn.Tanh(), tn.lecun, 1), (tn.Sigmoid(), tn.lecun, 1)],
)
def test_networks_do_what_is_predicted(layer, scheme, strength):
    """Ten layers of 300 units, forward and backward, the mean over 12 draws: within 15 per cent of the wide limit."""
    depth, width, rng = 10, 300, np.random.default_rng(0)
    signals, gradients = [], []
    for _ in range(12):
        weights = [scheme((width, width), rng) for _ in range(depth)]
        x, z, caches = rng.normal(size=(40, width)), [], []
        for w in weights:
            z.append(x @ w.T)
            x, cache = layer.forward(z[-1])
            caches.append(cache)
        dz = [layer.backward(rng.normal(size=x.shape), caches[-1])[0]]
        for w, cache in zip(weights[:0:-1], caches[-2::-1], strict=True):
            dz.insert(0, layer.backward(dz[0] @ w, cache)[0])
        signals.append([(a**2).mean() for a in z])
        gradients.append([(a**2).mean() / (dz[-1] ** 2).mean() for a in dz])
    np.testing.assert_allclose(np.mean(signals, axis=0), tn.predicted_variance(layer, strength, depth), rtol=0.15)
    np.testing.assert_allclose(np.mean(gradients, axis=0), tn.predicted_gradient(layer, strength, depth), rtol=0.15)


def test_equal_units_stay_equal():
    """The chapter's proof, run: units of one layer that start alike have one gradient, at every step, whatever the function."""
    rng = np.random.default_rng(0)
    for layer in (tn.ReLU(), tn.Tanh(), tn.Sigmoid()):
        network = tn.Network([tn.Linear(5, 4), layer, tn.Linear(4, 4), layer, tn.Linear(4, 3)])
        parameters = {n: np.full_like(a, 0.3) for n, a in network.init(rng).items()}
        x, y = rng.normal(size=(20, 5)), rng.integers(3, size=20)
        loss = tn.SoftmaxCrossEntropy()
        for _ in range(30):
            scores, caches = network.forward(x, parameters)
            _, cache = loss.forward(scores, y)
            _, gradients = network.backward(loss.backward(1.0, cache)[0], caches)
            parameters = {n: a - 0.3 * gradients[n] for n, a in parameters.items()}
        for name in ("0.W", "0.b", "2.W", "2.b"):
            rows = parameters[name]
            np.testing.assert_allclose(rows, np.broadcast_to(rows[:1], rows.shape), atol=1e-12)
        assert np.ptp(parameters["4.W"], axis=0).max() > 1e-3  # the outputs have different targets


# --- clipping ----------------------------------------------------------------------------------------------------

ARRAYS = [np.array([[3.0, -4.0]]), np.array([12.0]), np.zeros(2)]


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_clipping_keeps_the_kind_and_the_arguments(kind):
    given = dict(zip("abc", ARRAYS, strict=True)) if kind is dict else kind(ARRAYS)
    clipped, norm = tn.clip_by_norm(given, 6.5)
    assert norm == pytest.approx(13)
    by_value = tn.clip_by_value(given, 3.5)
    for found, wanted in ((clipped, [a / 2 for a in ARRAYS]), (by_value, [[[3, -3.5]], [3.5], [0, 0]])):
        assert type(found) is kind
        for a, b in zip(found.values() if kind is dict else found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-15)
    assert ARRAYS[0][0, 1] == -4 and ARRAYS[1][0] == 12


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.sampled_from([1e-6, 1.0, 1e3]))
def test_clipping_by_norm_is_torchs_but_for_its_constant(seed, threshold, scale):
    """torch divides by the norm plus 1e-6: the same number, once that is taken out."""
    rng = np.random.default_rng(seed)
    arrays = [scale * rng.normal(size=s) for s in ((3, 2), (4,), (1, 1, 2))]
    ours, norm = tn.clip_by_norm(arrays, threshold)
    parameters = [nn.Parameter(torch.zeros(a.shape, dtype=torch.float64)) for a in arrays]

    def with_gradients():
        for p, a in zip(parameters, arrays, strict=True):
            p.grad = torch.tensor(a)
        return [*parameters, nn.Parameter(torch.zeros(2))]  # the last one has no gradient

    theirs = float(nn.utils.clip_grad_norm_(with_gradients(), threshold))
    assert norm == pytest.approx(theirs, rel=1e-12)
    if abs(norm / threshold - 1) > 1e-3:
        factor = norm / (norm + 1e-6) if norm > threshold else 1.0
        for p, a in zip(parameters, ours, strict=True):
            np.testing.assert_allclose(p.grad.numpy(), a * factor, rtol=1e-12)
    assert float(tt.clip_by_norm(with_gradients(), threshold)) == pytest.approx(norm, rel=1e-12)
    for p, a in zip(parameters, ours, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), a, rtol=1e-12)
    assert math.sqrt(sum((a**2).sum() for a in ours)) == pytest.approx(min(norm, threshold), rel=1e-12)
    nn.utils.clip_grad_value_(with_gradients(), threshold)
    by_torch = [p.grad.clone() for p in parameters]
    tt.clip_by_value(with_gradients(), threshold)
    for p, a, b in zip(parameters, tn.clip_by_value(arrays, threshold), by_torch, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), a)
        torch.testing.assert_close(p.grad, b, rtol=0, atol=0)


def test_clipping_at_the_edges_of_numbers():
    clipped, norm = tn.clip_by_norm([np.array([3e200, -4e200])], 1.0)  # whose squares overflow
    np.testing.assert_allclose(clipped[0], [0.6, -0.8], rtol=1e-12)
    assert norm == pytest.approx(5e200)
    clipped, norm = tn.clip_by_norm([np.array([3e-200])], 1e-200)  # whose square vanishes
    assert norm == pytest.approx(3e-200) and clipped[0][0] == pytest.approx(1e-200)
    clipped, norm = tn.clip_by_norm([np.zeros(3)], 1.0)
    assert norm == 0 and not clipped[0].any()
    assert tn.clip_by_norm([], 1.0) == ([], 0.0) and tn.clip_by_norm({}, 1.0) == ({}, 0.0)
    assert float(tt.clip_by_norm([nn.Parameter(torch.zeros(2))], 1.0)) == 0
    single, _ = tn.clip_by_norm([np.array([3, 4], dtype=np.float32)], 1.0)
    assert single[0].dtype == np.float32


def test_one_parameter_alone_is_clipped_as_torch_clips_it():
    parameter = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    for ours, theirs in ((tt.clip_by_norm, nn.utils.clip_grad_norm_), (tt.clip_by_value, nn.utils.clip_grad_value_)):
        clipped = []
        for clip in (ours, theirs):
            parameter.grad = torch.tensor([3.0, -4.0, 0.0], dtype=torch.float64)
            clip(parameter, 2.0)
            clipped.append(parameter.grad.clone())
        torch.testing.assert_close(*clipped, rtol=1e-6, atol=0)
        assert float(clipped[0].abs().max()) <= 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_torchs(bad):
    array = np.array([1.0, bad])
    parameter, other = (nn.Parameter(torch.zeros(2, dtype=torch.float64)) for _ in range(2))
    parameter.grad, other.grad = torch.tensor(array), torch.tensor(array)
    nn.utils.clip_grad_norm_([parameter], 1.0)
    tt.clip_by_norm([other], 1.0)
    with np.errstate(invalid="ignore"):
        (clipped,), norm = tn.clip_by_norm([array], 1.0)
    assert not math.isfinite(norm)
    np.testing.assert_array_equal(clipped, parameter.grad.numpy())
    np.testing.assert_array_equal(other.grad.numpy(), parameter.grad.numpy())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_everything_runs_on_a_gpu():
    generator = torch.Generator("cuda").manual_seed(0)
    for scheme in (tt.lecun, tt.glorot, tt.he, tt.orthogonal, tt.small_normal, tt.truncated_normal):
        model = tt.initialized(nn.Sequential(nn.Linear(50, 40), nn.Linear(40, 10)).cuda(), scheme, generator)
        model(torch.randn(5, 50, device="cuda")).square().sum().mul(1e3).backward()
        assert tt.clip_by_norm(model.parameters(), 1.0).is_cuda
        grads = torch.cat([p.grad.flatten() for p in model.parameters()])
        assert float(grads.norm()) <= 1 + 1e-5


# --- bad arguments -----------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: tn.fans((3,)), "shape"),
        (lambda: tn.fans((3, 0)), "shape"),
        (lambda: tt.fans(torch.empty(3)), "shape"),
        (lambda: tn.gain("softmax"), "activation"),
        (lambda: tn.lecun((3, 2), None), "rng"),
        (lambda: tn.glorot((3, 2), RNG, gain=0), "gain"),
        (lambda: tt.glorot(torch.empty(3, 2), gain=math.nan), "gain"),
        (lambda: tn.he((3, 2), RNG, distribution="cauchy"), "distribution"),
        (lambda: tt.he(torch.empty(3, 2), distribution="cauchy"), "distribution"),
        (lambda: tn.he((3, 2), RNG, keep="both"), "keep"),
        (lambda: tt.he(torch.empty(3, 2), keep="both"), "keep"),
        (lambda: tn.orthogonal((3,), RNG), "shape"),
        (lambda: tn.orthogonal((3, 2), RNG, gain=-1), "gain"),
        (lambda: tt.orthogonal(torch.empty(3, 2), gain=-1), "gain"),
        (lambda: tn.small_normal((3, 2), RNG, std=-1), "std"),
        (lambda: tt.small_normal(torch.empty(3, 2), std=-1), "std"),
        (lambda: tn.truncated_normal(3, RNG, std=-1), "std"),
        (lambda: tt.truncated_normal(torch.empty(3), std=math.nan), "std"),
        (lambda: tn.truncated_normal(3, RNG, cut=0), "cut"),
        (lambda: tn.truncated_normal(3, RNG, cut=1e-9), "cut"),
        (lambda: tt.truncated_normal(torch.empty(3), cut=1e-9), "cut"),
        (lambda: tt.small_normal(torch.empty(3), std=math.inf), "std"),
        (lambda: tt.truncated_normal(torch.empty(3), cut=0), "cut"),
        (lambda: tn.initialized({}, tn.he, 3), "rng"),
        (lambda: tt.initialized(nn.ReLU(), tt.he), "model"),
        (lambda: tn.predicted_variance(tn.ReLU(), 2, 0), "depth"),
        (lambda: tn.predicted_variance(tn.ReLU(), -2, 3), "strength"),
        (lambda: tn.predicted_variance(tn.ReLU(), 2, 3, start=-1), "start"),
        (lambda: tn.predicted_gradient(tn.ReLU(), 2, 3, backward=-1), "backward"),
        (lambda: tn.clip_by_value([np.ones(2)], 0), "threshold"),
        (lambda: tt.clip_by_value([], -1), "threshold"),
        (lambda: tn.clip_by_norm([np.ones(2)], math.nan), "threshold"),
        (lambda: tt.clip_by_norm([], 0), "threshold"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()


# --- what the exercises ask --------------------------------------------------------------------------------------


def test_the_experiment_is_what_networks_show_and_theory_says():
    """Four times Glorot's weights on sigmoid units: a thousandth of the gradient after 15 or 16 layers; centred biases would keep it."""
    from thalweg.exercises.keys.initialization import thousandth

    sizes = np.sqrt(tn.predicted_gradient(tn.Sigmoid(), 16, 60))[::-1]
    factors = sizes[10:40] / sizes[9:39]
    assert np.ptp(factors) < 1e-6
    assert abs(math.log(1e-3) / math.log(factors[0]) - thousandth.reference) < 1
    down = []
    for seed in range(10):
        rng = np.random.default_rng(100 + seed)
        a, weights, caches = rng.normal(size=(50, 100)), [], []
        for _ in range(30):
            weights.append(tn.glorot((100, 100), rng, 4.0))
            a, cache = tn.Sigmoid().forward(a @ weights[-1].T)
            caches.append(cache)
        g = tn.Sigmoid().backward(rng.normal(size=a.shape), caches[-1])[0]
        first, count = (g**2).mean(), 0
        while (g**2).mean() > 1e-6 * first:
            count += 1
            g = tn.Sigmoid().backward(g @ weights[-count], caches[-1 - count])[0]
        down.append(count)
    assert abs(np.mean(down) - thousandth.reference) < 1


def test_a_centred_sigmoid_network_is_a_tanh_network():
    """sigmoid(z) = (1 + tanh(z/2))/2: with four times the weights and biases of minus half their sum the sums are twice those of tanh."""
    rng = np.random.default_rng(0)
    a = h = rng.normal(size=(5, 8))
    first = True
    for _ in range(6):
        w = tn.glorot((8, 8), rng)
        z = h @ w.T
        centred = 2 * a @ w.T if first else 4 * a @ w.T - 2 * w.sum(axis=1)
        np.testing.assert_allclose(centred, 2 * z, atol=1e-12)
        a, h, first = tn.Sigmoid().forward(centred)[0], tn.Tanh().forward(z)[0], False
