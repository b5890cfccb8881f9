"""Dropout and its kin against the outside world: torch.nn, finite differences, exact enumeration, statistics, bad input.

A statistical test here uses Hoeffding's inequality: the mean of n independent numbers in [low, high] lies farther than
(high - low) sqrt(ln(2/delta) / 2n) from its expectation with probability at most delta, whatever their distribution. With
delta = 1e-9 a right layer passes at any seed, so the seeds are fresh; each test also says how small a fault it still sees.
"""

import math

import numpy as np
import pytest
import torch
from cases_dropout import CASES
from hypothesis import given
from hypothesis import strategies as st
from layers import Given, kept
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt

DELTA = 1e-9
KEEPS = [0.1, 0.5, 0.8, 1.0]
LAYERS = ["Dropout", "PlainDropout", "DropConnect", "StochasticDepth"]


def fresh():
    return np.random.default_rng()


def hoeffding(n, width=1.0):
    return width * math.sqrt(math.log(2 / DELTA) / (2 * n))


# --- agreement with torch.nn ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4, 5)])
def test_dropout_is_torchs_for_the_same_draw(keep, shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(shape, dtype=torch.float64)
    seed = int(fresh().integers(2**31))
    for ours, theirs in ((tt.Dropout(keep), torch.nn.Dropout(1 - keep)),):
        torch.manual_seed(seed)
        wanted = theirs(x)
        (slope,) = torch.autograd.grad(wanted, x, grad)
        torch.manual_seed(seed)
        torch.testing.assert_close(ours(x), wanted, rtol=0, atol=1e-12)
        torch.manual_seed(seed)
        mask = theirs(torch.ones(shape, dtype=torch.float64)).numpy()
        layer = tn.Dropout(keep)
        y, cache = layer.forward(x.detach().numpy(), training=True, rng=kept(mask))
        np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(layer.backward(grad.numpy(), cache)[0], slope.numpy(), rtol=0, atol=1e-12)
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
        assert np.array_equal(layer.forward(x.detach().numpy())[0], theirs(x).detach().numpy())


@pytest.mark.parametrize("keep", KEEPS)
def test_plain_and_inverted_dropout_differ_by_a_factor_keep(keep):
    x = fresh().normal(size=(6, 7))
    plain, inverted = tn.PlainDropout(keep), tn.Dropout(keep)
    one, two = (layer.forward(x, training=True, rng=np.random.default_rng(3))[0] for layer in (plain, inverted))
    np.testing.assert_allclose(one, keep * two, rtol=0, atol=1e-12)
    np.testing.assert_allclose(plain.forward(x)[0], keep * inverted.forward(x)[0], rtol=0, atol=1e-12)
    torch.manual_seed(0)
    ours = tt.PlainDropout(keep)(torch.tensor(x))
    torch.manual_seed(0)
    mask = F.dropout(torch.ones(6, 7, dtype=torch.float64), 1 - keep)
    np.testing.assert_allclose(ours, plain.forward(x, training=True, rng=kept(mask))[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(tt.PlainDropout(keep).eval()(torch.tensor(x)), plain.forward(x)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("keep", KEEPS)
def test_drop_connect_in_both_rooms(keep):
    layer = tt.DropConnect(4, 3, keep).double()
    w, b = (p.detach().numpy() for p in (layer.linear.weight, layer.linear.bias))
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(5, 3, dtype=torch.float64)
    torch.manual_seed(1)
    wanted = layer(x)
    wanted.backward(grad)
    torch.manual_seed(1)
    mask = F.dropout(torch.ones(5, 3, 4, dtype=torch.float64), 1 - keep).numpy()
    reference, parameters = tn.DropConnect(4, 3, keep), {"W": w, "b": b}
    y, cache = reference.forward(x.detach().numpy(), parameters, training=True, rng=kept(mask))
    np.testing.assert_allclose(y, wanted.detach(), rtol=0, atol=1e-12)
    dx, gradients = reference.backward(grad.numpy(), cache)
    tensors = (x, layer.linear.weight, layer.linear.bias)
    for slope, tensor in zip((dx, gradients["W"], gradients["b"]), tensors, strict=True):
        np.testing.assert_allclose(slope, tensor.grad, rtol=0, atol=1e-12)
    at_test_time, _ = reference.forward(x.detach().numpy(), parameters)
    np.testing.assert_allclose(at_test_time, layer.eval()(x).detach(), rtol=0, atol=1e-12)
    # each example of a batch is an ordinary linear layer with its own thinned weights
    for i in range(5):
        alone = F.linear(x[i], torch.tensor(mask[i] * w), torch.tensor(b))
        torch.testing.assert_close(wanted[i], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4, 4)])
def test_stochastic_depth_in_both_rooms(keep, shape):
    block = tt.StochasticDepth(torch.nn.Tanh(), keep)
    x = torch.randn(shape, dtype=torch.float64)
    torch.manual_seed(1)
    wanted = block(x).numpy()
    torch.manual_seed(1)
    mask = F.dropout(torch.ones(shape[0], *(1,) * (len(shape) - 1), dtype=torch.float64), 1 - keep).numpy()
    reference = tn.StochasticDepth(tn.Tanh(), keep)
    y, _ = reference.forward(x.numpy(), {}, training=True, rng=kept(mask))
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(reference.forward(x.numpy(), {})[0], block.eval()(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("length, size, kernel", [(8, 5, 2), (8, 6, 2), (9, 2, 3), (10, 10, 1), (7, 6, 2), (12, 7, 3)])
def test_fractional_max_pooling_is_torchs_for_the_same_draw(length, size, kernel):
    x = torch.randn(4, 3, length, length + 1, dtype=torch.float64, requires_grad=True)
    layer = tn.FractionalMaxPool(size, kernel)
    for _ in range(20):
        u = layer.draw(x, fresh())
        wanted = F.fractional_max_pool2d(x, kernel, output_size=size, _random_samples=torch.tensor(u))
        grad = torch.randn_like(wanted)
        (slope,) = torch.autograd.grad(wanted, x, grad)
        out, cache = layer.forward(x.detach().numpy(), rng=Given(u))
        np.testing.assert_array_equal(out, wanted.detach())
        np.testing.assert_allclose(layer.backward(grad.numpy(), cache)[0], slope, rtol=0, atol=1e-12)
        ours = tt.FractionalMaxPool(size, kernel)(x, torch.tensor(u))
        assert torch.equal(ours, wanted)
        (slope_here,) = torch.autograd.grad(ours, x, grad)
        torch.testing.assert_close(slope_here, slope, rtol=0, atol=1e-12)


@given(length=st.integers(3, 60), u=st.integers(0, 2**24 - 1), data=st.data())
def test_fractional_windows_go_from_edge_to_edge(length, u, data):
    u = u / 2**24
    size = data.draw(st.integers(2, length - 1))
    starts = tn.FractionalMaxPool(size).starts(length, u)
    ratio = (length - 2) / (size - 1)
    assert (starts[0], starts[-1]) == (0, length - 2)
    assert set(np.diff(starts)) <= set(range(math.floor(ratio), math.ceil(ratio) + 2))
    assert (np.diff(starts) >= 1).all()


# --- what is drawn: Hoeffding's inequality, fresh seeds ---------------------------------------------------------


def drawn_masks(name, keep, count, width):
    """Masks of 0 and 1 from every layer of both rooms, as an array of shape (count, width)."""
    x, here = np.empty((count, width)), name.removesuffix(" (torch)")
    if name.endswith("(torch)"):
        torch.seed()
        ones = torch.ones(count, width, dtype=torch.float64)
        if here == "DropConnect":
            layer = tt.DropConnect(width, 1, keep).double()
            with torch.no_grad():
                layer.linear.weight.fill_(1)
                layer.linear.bias.fill_(0)
                # one example for each weight, with a single 1: the outputs are that weight's masks
                return np.stack([layer(ones * F.one_hot(torch.tensor(i), width))[:, 0] for i in range(width)], 1) > 0
        if here == "StochasticDepth":
            block = tt.StochasticDepth(torch.nn.Identity(), keep)
            return np.stack([(block(ones[:, :1]) > 1)[:, 0] for _ in range(width)], 1)
        return (getattr(tt, here)(keep)(ones) > 0).numpy()
    layer = getattr(tn, here)(*{"DropConnect": (width, 1), "StochasticDepth": (tn.Tanh(),)}.get(here, ()), keep)
    if here == "DropConnect":
        return layer.draw(np.empty((count, width)), fresh())[:, 0] > 0
    if here == "StochasticDepth":
        return layer.draw(np.empty((count * width, 1)), fresh()).reshape(count, width) > 0
    return layer.draw(x, fresh()) > 0


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", LAYERS + [f"{name} (torch)" for name in LAYERS])
def test_units_are_kept_independently_with_probability_keep(name, keep):
    masks = drawn_masks(name, keep, count=40_000, width=4).astype(float)
    n = masks.size
    assert hoeffding(n) < 0.01  # a keep that is off by 0.02 cannot pass
    assert abs(masks.mean() - keep) < hoeffding(n)
    pairs = [masks[:, i] * masks[:, j] for i in range(4) for j in range(i)]  # units of one example
    pairs += [masks[1::2].ravel() * masks[::2].ravel()]  # the same unit in neighbouring examples
    for pair in pairs:
        assert abs(pair.mean() - keep**2) < hoeffding(len(pair))  # a shared draw would have the mean keep


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
def test_training_output_has_the_mean_of_the_test_output(room, keep):
    """Both ways to scale: the mean over masks is what the layer gives at test time."""
    count, x = 200_000, 2.0
    for name in ("Dropout", "PlainDropout"):
        layer = getattr(room, name)(keep)
        if room is tn:
            many = np.full(count, x)
            (out, _), (wanted, _) = layer.forward(many, training=True, rng=fresh()), layer.forward(many[0])
        else:
            torch.seed()
            many = torch.full((count,), x, dtype=torch.float64)
            out, wanted = layer(many).numpy(), float(layer.eval()(many)[0])
        assert abs(out.mean() - wanted) < hoeffding(count, width=out.max())


def test_the_statistical_test_would_see_a_wrong_keep():
    masks = tn.Dropout(0.52).draw(np.empty(160_000), fresh()) > 0
    assert abs(masks.mean() - 0.5) > hoeffding(masks.size)


# --- the exact ensemble -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 10])
@pytest.mark.parametrize("keep", [0.3, 0.5, 1.0])
def test_all_masks_and_their_probabilities(n, keep):
    masks = tn.all_masks(n)
    assert masks.shape == (2**n, n)
    assert len({tuple(m) for m in masks}) == 2**n
    chance = tn.mask_probability(masks, keep)
    assert chance.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(chance @ masks, np.full(n, keep), rtol=0, atol=1e-12)
    np.testing.assert_allclose((masks.T * chance) @ masks, keep**2 + keep * (1 - keep) * np.eye(n), rtol=0, atol=1e-12)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@given(seed=st.integers(0, 2**32 - 1), keep=st.floats(0.05, 1.0))
def test_with_one_hidden_layer_scaling_is_the_geometric_mean_of_the_ensemble(seed, keep):
    """The normalised geometric mean of all thinned nets is the scaled net, exactly (Baldi and Sadowski)."""
    rng = np.random.default_rng(seed)
    h, w, b = rng.normal(size=6) ** 2, rng.normal(size=(3, 6)), rng.normal(size=3)
    masks = tn.all_masks(6)
    chance = tn.mask_probability(masks, keep)
    thinned = softmax((masks * h / keep) @ w.T + b)
    # log softmax up to a constant, so that tiny probabilities do not cost digits
    mean_of_logs = chance @ ((masks * h / keep) @ w.T + b)
    np.testing.assert_allclose(softmax(mean_of_logs), softmax(w @ h + b), rtol=0, atol=1e-12)
    geometric = np.exp(chance @ np.log(np.maximum(thinned, 1e-300)))
    if thinned.min() > 1e-200:
        np.testing.assert_allclose(geometric / geometric.sum(), softmax(w @ h + b), rtol=0, atol=1e-9)


def test_monte_carlo_approaches_the_exact_ensemble():
    """Every probability is a mean of numbers in [0, 1]: Hoeffding again, for all 6 of them."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), tt.Dropout(0.5), torch.nn.Linear(8, 3), torch.nn.Dropout(0.9)
    ).double()
    with torch.no_grad():
        model[3].weight.mul_(30)  # confident thinned nets, far from their average
    model.eval()
    x = torch.randn(2, 4, dtype=torch.float64)
    masks = tn.all_masks(8)
    h = model[1](model[0](x)).detach().numpy()
    w, b = model[3].weight.detach().numpy(), model[3].bias.detach().numpy()
    exact = np.stack([tn.mask_probability(masks, 0.5) @ softmax((masks * row / 0.5) @ w.T + b) for row in h])
    torch.seed()
    passes = 20_000
    assert np.abs(tt.monte_carlo(model, x, passes).numpy() - exact).max() < hoeffding(passes)
    assert hoeffding(passes) < 0.5 * np.abs(exact - softmax(h @ w.T + b)).max()  # so it is not the scaled net
    assert not any(module.training for module in model.modules())
    model.train()
    tt.monte_carlo(model, x, 1)
    assert all(module.training for module in model.modules())
    with pytest.raises(ValueError, match="passes must be at least 1, got 0"):
        tt.monte_carlo(model, x, 0)


def test_expected_squared_loss_of_a_linear_model_is_a_penalty():
    """E (y - sum x_j w_j r_j / p)^2 = (y - x.w)^2 + (1 - p)/p sum x_j^2 w_j^2, by enumeration (Wager and others)."""
    rng, keep = fresh(), 0.7
    x, w, y = rng.normal(size=8), rng.normal(size=8), 0.3
    masks = tn.all_masks(8)
    exact = tn.mask_probability(masks, keep) @ (y - (masks * x / keep) @ w) ** 2
    assert exact == pytest.approx((y - x @ w) ** 2 + (1 - keep) / keep * (x**2 @ w**2), rel=1e-12)


def test_the_number_of_masks_in_the_lecture():
    assert len(str(2**4096)) == 1234
    assert str(2**4096).startswith("104")


def test_survival_falls_in_a_line():
    np.testing.assert_allclose(tn.survival(4, 0.5), [0.875, 0.75, 0.625, 0.5], rtol=0, atol=1e-15)
    assert tn.survival(54, 0.5).sum() == pytest.approx(40.25)  # about 40 of 54 blocks stay: the paper's example


# --- bad input --------------------------------------------------------------------------------------------------

BAD_KEEP = [0.0, -0.1, 1.1, math.nan, math.inf, "0.5", True, None]


@pytest.mark.parametrize("keep", BAD_KEEP)
@pytest.mark.parametrize("name", LAYERS)
def test_a_bad_keep_is_named(name, keep):
    wanted = rf"keep must be a number in \(0, 1\], got {keep!r}"
    arguments = {"DropConnect": (3, 2), "StochasticDepth": (torch.nn.Identity(),)}.get(name, ())
    for room in (tn, tt):
        with pytest.raises(ValueError, match=wanted):
            getattr(room, name)(*arguments, keep)


@pytest.mark.parametrize("name", CASES)
def test_without_a_generator_nothing_is_drawn(name):
    layer, shape = CASES[name].layer, CASES[name].shape
    parameters = layer.init(fresh())
    with pytest.raises(ValueError, match="rng must be a NumPy generator, as there is something to draw, got None"):
        layer.forward(np.ones(shape), parameters, training=True)


def test_other_bad_arguments_are_named():
    for d in (0, 21, 2.0):
        with pytest.raises(ValueError, match=f"d must be a whole number from 1 to 20.*got {d!r}"):
            tn.all_masks(d)
    with pytest.raises(ValueError, match="keep"):
        tn.mask_probability(np.ones((1, 2)), 0.0)
    with pytest.raises(ValueError, match=r"blocks must be .* got 0"):
        tn.survival(0)
    with pytest.raises(ValueError, match=r"last must be .* got 0"):
        tn.survival(3, 0)
    for make in (tn.FractionalMaxPool, tt.FractionalMaxPool):
        with pytest.raises(ValueError, match=r"size must be .* got 1"):
            make(1)
        with pytest.raises(ValueError, match=r"kernel must be .* got 0"):
            make(3, 0)
    image = np.ones((1, 1, 4, 4))
    with pytest.raises(ValueError, match="length must be at least 6, got 4"):
        tn.FractionalMaxPool(5).forward(image, rng=fresh())
    with pytest.raises(ValueError, match="length must be at least 6, got 4"):
        tt.FractionalMaxPool(5)(torch.ones(1, 1, 4, 4))


def test_thinned_mlp_is_the_mlp_with_dropout():
    x = torch.randn(5, 4)
    thinned = tt.thinned_mlp(4, 6, 6, 3, inputs=0.9, hidden=0.8, seed=7)
    assert [m.keep for m in thinned if isinstance(m, tt.Dropout)] == [0.9, 0.8, 0.8]
    assert torch.equal(thinned.eval()(x), tt.mlp(4, 6, 6, 3, seed=7)(x))
    with pytest.raises(ValueError, match="keep must be"):
        tt.thinned_mlp(4, 3, inputs=0.0)


def test_the_variance_of_a_fixed_number_of_units_is_that_over_all_masks():
    from thalweg.exercises.keys.dropout import fixed_count

    rng = fresh()
    for d, k in ((1, 1), (6, 4), (7, 1), (5, 5)):
        x, w = rng.normal(size=d), rng.normal(size=d)
        masks = [m for m in tn.all_masks(d) if m.sum() == k]
        scale, variance = fixed_count.reference(x, w, k)
        sums = np.array([scale * (m * x) @ w for m in masks])
        np.testing.assert_allclose((sums.mean(), sums.var()), (x @ w, variance), rtol=0, atol=1e-9)


def test_the_wanted_weights_are_where_the_loss_over_all_masks_is_flat():
    from thalweg.exercises.keys.dropout import wanted_weights

    x, target, keep = fresh().normal(size=(3, 5)), fresh().normal(size=3), 0.7
    masks = tn.all_masks(5)
    w = torch.tensor(wanted_weights.reference(x, target, keep), requires_grad=True)
    said = torch.tensor(x[:, None] * masks / keep) @ w  # (examples, masks)
    chance = torch.tensor(tn.mask_probability(masks, keep))
    (((torch.tensor(target)[:, None] - said) ** 2) @ chance).sum().backward()
    np.testing.assert_allclose(w.grad, np.zeros(5), rtol=0, atol=1e-9)


def test_the_logarithm_of_the_average_is_torchs():
    from thalweg.exercises.keys.dropout import log_average

    logits = 50 * torch.randn(7, 4, dtype=torch.float64)
    wanted = logits.log_softmax(dim=1).logsumexp(dim=0) - math.log(7)
    np.testing.assert_allclose(log_average.reference(logits.numpy()), wanted, rtol=1e-12)


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.dropout import measure_passes_needed, passes_needed

    assert measure_passes_needed() == passes_needed.reference


def test_print_shows_the_probability():
    assert "keep=0.8" in repr(tt.Dropout(0.8))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    x = torch.ones(100_000, dtype=torch.float64, device="cuda")
    assert abs(float(tt.Dropout(0.8)(x).mean()) - 1) < hoeffding(100_000, 1 / 0.8)
    images = torch.randn(2, 3, 9, 9, device="cuda")
    u = torch.rand(2, 3, 2, device="cuda")
    assert torch.equal(tt.FractionalMaxPool(5)(images, u).cpu(), tt.FractionalMaxPool(5)(images.cpu(), u.cpu()))
