"""Lion and Muon against torch.optim and optax; budgets against brute force; the gauntlet against the loop that runs one problem; LSTM against LSTM."""

import csv
import importlib
import itertools
import math
import sys
from pathlib import Path

import numpy as np
import optax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import enable_x64, jit
from walks import PROBLEMS, path_of_numpy, path_of_torch

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.minimize import minimize
from thalweg.numpy import comparing_optimizers as room
from thalweg.surfaces import Surface


def path_of_optax(rule, grad, start, steps=1000):
    with enable_x64():
        state, theta, out, update = rule.init(start), start, [start], jit(rule.update)
        for _ in range(steps):
            updates, state = update(grad(theta), state, theta)
            theta = np.asarray(optax.apply_updates(theta, updates))
            out.append(theta)
    return np.array(out)


def given_gradients(shape, steps=200, seed=0):
    """Gradients that do not depend on the path, so that rounding cannot grow; a function that hands out the next one."""
    rest = iter(np.random.default_rng(seed).normal(size=(steps, *shape)))
    return lambda theta: next(rest)


# --- Lion ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"lr": 0.01, "weight_decay": 0.1}, {"beta1": 0.5, "beta2": 0.8}], ids=str)
def test_lion_is_optax_lion(options):
    o = {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0} | options
    rule = optax.lion(o["lr"], o["beta1"], o["beta2"], weight_decay=o["weight_decay"])
    reference = path_of_optax(rule, given_gradients((6,)), np.ones(6), 200)
    ours = path_of_numpy(tn.Lion(**options), given_gradients((6,)), np.ones(6), 200)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)
    theirs = path_of_torch(lambda p: tt.Lion(p, **options), given_gradients((6,)), np.ones(6), 200)
    np.testing.assert_allclose(theirs, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_each_step_of_lion_has_one_length(grad, start):
    path = path_of_numpy(tn.Lion(0.01), grad, start, 100)
    np.testing.assert_allclose(np.abs(np.diff(path, axis=0)), 0.01, rtol=1e-9)


# --- Muon ---------------------------------------------------------------------------------------------------------

SHAPES = [(4, 4), (3, 5), (6, 2), (1, 3), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False}, {"lr": 0.1, "rho": 0.5, "weight_decay": 0.0, "steps": 3}], ids=str
)
def test_muon_is_torchs_muon_once_that_computes_in_double_precision(shape, options, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # it would round the matrix to three digits
    names = {"rho": "momentum", "steps": "ns_steps"}
    theirs = {names.get(name, name): value for name, value in options.items()}
    start = np.random.default_rng(1).normal(size=shape)
    reference = path_of_torch(lambda p: torch.optim.Muon(p, **theirs), given_gradients(shape), start, 200)
    np.testing.assert_allclose(
        path_of_numpy(tn.Muon(**options), given_gradients(shape), start, 200), reference, rtol=0, atol=1e-11
    )
    ours = path_of_torch(lambda p: tt.Muon(p, **options), given_gradients(shape), start, 200)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_torchs_rounding_to_bfloat16_costs_less_than_the_iteration_leaves_open(shape):
    """Its singular values lie between 0.68 and 1.21 anyway; the rounding moves no entry by more than a tenth."""
    grad = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = torch.optim._muon._zeropower_via_newtonschulz(grad, room.QUINTIC, 5, 1e-7)
    torch.testing.assert_close(tt.orthogonalize(grad), theirs.double(), rtol=0, atol=0.1)


def test_muon_without_looking_ahead_is_optaxs():
    """optax corrects its averages for their start; orthogonalizing does not see such a factor, as long as there is one average."""
    rule = optax.chain(optax.contrib.scale_by_muon(nesterov=False, eps=1e-12), optax.scale(-0.01))
    start = np.random.default_rng(1).normal(size=(3, 5))
    reference = path_of_optax(rule, given_gradients((3, 5)), start, 200)
    ours = tn.Muon(0.01, weight_decay=0.0, nesterov=False, eps=1e-12)
    np.testing.assert_allclose(path_of_numpy(ours, given_gradients((3, 5)), start, 200), reference, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (7, 4), (2, 3, 4)], ids=str)
def test_orthogonalizing_keeps_the_directions_and_brings_the_lengths_to_about_one(shape):
    x = np.random.default_rng(0).normal(size=shape)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    wanted = s / np.linalg.norm(x, axis=(-2, -1))[..., None]
    for _ in range(5):
        a, b, c = room.QUINTIC
        wanted = a * wanted + b * wanted**3 + c * wanted**5
    expected = (u * wanted[..., None, :]) @ vt
    for found in (tn.orthogonalize(x), tt.orthogonalize(torch.tensor(x)).numpy()):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert np.all((wanted > 0.68) & (wanted < 1.21))


def test_the_bounds_that_the_docstring_gives():
    x = np.geomspace(1 / 500, 1, 100_001)
    for _ in range(5):
        a, b, c = room.QUINTIC
        x = a * x + b * x**3 + c * x**5
    assert x.min() > 0.68
    assert x.max() < 1.21


def test_muon_takes_matrices_only():
    matrix, vector = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(3))
    with pytest.raises(ValueError, match=r"matrices.*\(3,\)"):
        tt.Muon([matrix, vector])
    optimizer = tt.Muon([matrix])
    with pytest.raises(ValueError, match=r"matrices.*\(3,\)"):
        optimizer.add_param_group({"params": [vector]})
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match=r"theta.*\(3,\)"):
        tn.Muon().init(np.ones(3))


# --- budgets ------------------------------------------------------------------------------------------------------

LOSSES = st.lists(st.floats(-10, 10) | st.just(math.inf), min_size=1, max_size=7)


@settings(deadline=None)
@given(losses=LOSSES, data=st.data())
def test_the_best_of_k_is_the_mean_over_all_choices(losses, data):
    k = data.draw(st.integers(1, len(losses)))
    every = [min(choice) for choice in itertools.combinations(losses, k)]
    assert tn.best_of_k(losses, k) == pytest.approx(np.mean(every), rel=1e-12, abs=1e-12)


def test_what_is_reported_of_the_best_of_k():
    rng = np.random.default_rng(0)
    losses, reported = rng.normal(size=8), rng.normal(size=8)
    for k in range(1, 9):
        every = [reported[min(choice, key=lambda i: losses[i])] for choice in itertools.combinations(range(8), k)]
        assert tn.best_of_k(losses, k, reported) == pytest.approx(np.mean(every), rel=1e-12)


@pytest.mark.parametrize("k", [0, 4, 1.5, math.nan, None])
def test_a_bad_budget_is_named(k):
    with pytest.raises(ValueError, match=r"\bk must be"):
        tn.best_of_k([1.0, 2.0, 3.0], k)
    with pytest.raises(ValueError, match="losses"):
        tn.best_of_k([1.0, math.nan], 1)


def test_a_profile_by_hand():
    costs = [[1, 2, math.inf], [10, 5, 5], [math.inf, math.inf, math.inf], [4, 1, 2]]
    np.testing.assert_array_equal(
        tn.performance_profile(costs, [1, 2, 4, 1e9]),
        [[0.25, 0.5, 0.75, 0.75], [0.5, 0.75, 0.75, 0.75], [0.25, 0.5, 0.5, 0.5]],
    )
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="costs"):
            tn.performance_profile([[bad, 1.0]], [1.0])


# --- the gauntlet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", room.SHAPES)
def test_a_slope_is_the_derivative_of_its_height(name):
    shape = room.SHAPES[name]
    z = np.linspace(-3.3, 3.7, 50)
    differences = (shape.height(z + 1e-6) - shape.height(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(shape.slope(z), differences, rtol=1e-6, atol=1e-6)
    bends = (shape.slope(z + 1e-6) - shape.slope(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(shape.bend(z), bends, rtol=1e-6, atol=1e-6)
    assert shape.height(np.linspace(-4, 4, 8001)).min() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", ["none", "additive", "multiplicative", "sparse"])
def test_these_noises_leave_the_gradient_right_on_average(name):
    rng, n = np.random.default_rng(0), 100_000
    noisy = room.NOISES[name](np.full(n, 3.0), 2.0, rng.normal(size=n), rng.random(n))
    assert abs(noisy.mean() - 3) <= 5 * noisy.std() / n**0.5


def test_outliers_are_right_in_the_median_and_have_no_mean():
    rng, n = np.random.default_rng(0), 100_000
    noisy = room.NOISES["outliers"](np.full(n, 3.0), 2.0, rng.normal(size=n), rng.random(n))
    # a Cauchy distribution of the width 1: at its median the density is 1/pi
    assert abs(np.median(noisy) - 3) <= 5 * np.pi / 2 / n**0.5
    quarters = np.quantile(noisy, [0.25, 0.75])
    np.testing.assert_allclose(quarters, [2, 4], atol=0.1)


def test_all_at_once_is_one_after_the_other():
    """Without noise a cell of the gauntlet is a plain run of `minimize`."""
    tests = tn.unit_tests(noises=["none"], scales=[1.0])
    found = tn.gauntlet(tn.Adam(0.1), tests, seeds=[0, 7], steps=50)
    rngs = [np.random.default_rng(seed) for seed in (0, 7)]
    signs = np.stack([np.sign(rng.normal(size=(len(tests), 4))) for rng in rngs], axis=1)
    lengths = np.stack([rng.uniform(0.75, 1.25, size=(len(tests), 4)) for rng in rngs], axis=1)
    for i in range(0, len(tests), 5):
        test = tests[i]
        shape, turn = room.SHAPES[test.shape], room.TURN if test.turned else np.eye(4)
        start = (signs * lengths)[i, 1] * shape.start
        away = -np.sign(start) * max(shape.start, 1.5)
        clock = itertools.count()

        def grad(theta, away=away, turn=turn, shape=shape, test=test, clock=clock):
            t = next(clock)
            moved = away * {"stands": 0, "drifts": t / 50, "jumps": t >= 25}[test.drift]
            return turn @ (room.STRETCH * shape.slope(room.STRETCH * (turn @ theta) - moved))

        surface = Surface("", lambda theta: 0.0, grad, None, None, None)
        path = minimize(tn.Adam(0.1), surface, turn @ (start / room.STRETCH), 50).theta
        left = 0.0
        for t in range(45, 50):
            moved = away * {"stands": 0, "drifts": t / 50, "jumps": t >= 25}[test.drift]
            left += shape.height(room.STRETCH * (turn @ path[t + 1]) - moved).mean() / 5
        assert found[i, 1] == pytest.approx(left / shape.height(start).mean(), rel=1e-8), test


def test_what_ignores_the_scale_of_gradients_passes_the_same_tests_at_every_scale():
    by_scale = [tn.unit_tests(scales=[scale]) for scale in (2.0**-7, 1.0, 2.0**7)]  # powers of two: no rounding
    for rule in (tn.Lion(0.03), tn.Adam(0.1, eps=0.0), tn.Muon(0.03, eps=0.0)):
        small, one, large = (tn.gauntlet(rule, tests, seeds=[0], steps=40) for tests in by_scale)
        np.testing.assert_array_equal(one, small)
        np.testing.assert_array_equal(one, large)
    small, one, large = (tn.gauntlet(tn.GradientDescent(0.01), tests, seeds=[0], steps=40) for tests in by_scale)
    assert np.abs(one - small).max() > 0.1


def test_gradient_descent_does_not_see_how_the_axes_lie_and_adam_does():
    straight, turned = (tn.unit_tests(noises=["none"], scales=[1.0], turned=[t]) for t in (False, True))
    for rule, same in ((tn.GradientDescent(0.01), True), (tn.Momentum(0.01), True), (tn.Adam(0.1), False)):
        a, b = (tn.gauntlet(rule, tests, seeds=[0], steps=40) for tests in (straight, turned))
        finite = np.isfinite(a) & (a < 1e3)
        assert np.allclose(a[finite], b[finite], rtol=0.02, atol=1e-6) == same


def test_a_seed_gives_the_same_whatever_runs_beside_it():
    tests = tn.unit_tests(scales=[1.0], drifts=["stands"])
    both = tn.gauntlet(tn.RMSProp(0.1), tests, seeds=[3, 5], steps=20)
    alone = tn.gauntlet(tn.RMSProp(0.1), tests, seeds=[5], steps=20)
    np.testing.assert_array_equal(both[:, 1:], alone)


def test_who_asks_for_the_curvature_gets_the_diagonal_of_the_hessian():
    seen = []

    class Curious(tn.GradientDescent):
        def step(self, theta, grad, state, curvature):
            seen.append((theta, grad, curvature))
            return theta + 1e-6 * np.eye(4)[len(seen) // 2 % 4].reshape(2, 2) * (-1) ** len(seen), state

    for test in tn.unit_tests(noises=["none"], scales=[3.0], drifts=["stands"]):
        seen.clear()
        tn.gauntlet(Curious(0.0), [test], seeds=[1], steps=10)
        for j in range(1, 4):  # from one end of a small step to the other, along one parameter
            (a, low, bend), (b, high, _) = seen[2 * j - 1], seen[2 * j]
            k = np.abs(a - b).argmax()
            change = (high - low).flat[k] / (b - a).flat[k]
            assert bend.flat[k] == pytest.approx(change, rel=1e-3, abs=1e-2), test


def test_a_walk_that_explodes_and_one_that_stands_still():
    tests = tn.unit_tests(noises=["none"])
    assert np.isinf(tn.gauntlet(tn.GradientDescent(1e6), tests, seeds=[0])).any()
    waiting = tn.gauntlet(tn.GradientDescent(0.0), tests, seeds=range(3))
    assert waiting.min() > 0.99  # nobody passes by waiting: where a minimum moves, it moves away


def test_bad_arguments_of_the_gauntlet_are_named():
    for name, value in (("shape", "bowls"), ("noise", "loud"), ("scale", 0.0), ("drift", "flies")):
        with pytest.raises(ValueError, match=rf"\b{name}\b.*{value!r}"):
            tn.UnitTest(**{name: value})
    with pytest.raises(ValueError, match="steps"):
        tn.gauntlet(tn.Adam(), tn.unit_tests()[:1], steps=9)
    assert len(tn.unit_tests()) == 720


# --- the learned optimizer ----------------------------------------------------------------------------------------


def test_the_network_is_torchs_lstm_on_each_coordinate():
    torch.manual_seed(0)
    learned, whole = tt.LearnedOptimizer(hidden=5).double(), torch.nn.LSTM(2, 5, num_layers=2).double()
    for k, cell in enumerate(learned.cells):
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(whole, f"{kind}_l{k}").data = getattr(cell, kind).data
    grads = torch.randn(6, 4, dtype=torch.float64) * 10.0 ** torch.arange(-6, 0)[:, None]
    theta = torch.zeros(2, 2, dtype=torch.float64)
    state = [(h.double(), c.double()) for h, c in learned.init(theta)]
    sizes = torch.where(grads.abs() >= math.exp(-10), grads.abs().log() / 10, -torch.ones_like(grads))
    signs = torch.where(grads.abs() >= math.exp(-10), grads.sign(), math.exp(10) * grads)
    expected = 0.1 * learned.out(whole(torch.stack([sizes, signs], -1))[0]).squeeze(-1).cumsum(0)
    for grad, wanted in zip(grads, expected, strict=True):
        theta, state = learned.step(theta, grad.reshape(2, 2), state)
        torch.testing.assert_close(theta.flatten(), wanted, rtol=0, atol=1e-12)


def test_the_loss_of_a_walk_can_be_differentiated_by_the_weights():
    torch.manual_seed(0)
    learned = tt.LearnedOptimizer(hidden=3, layers=1).double()
    grads = torch.randn(4, 3, dtype=torch.float64)

    def loss(bias):
        theta = torch.ones(3, dtype=torch.float64)
        state = [(h.double(), c.double()) for h, c in learned.init(theta)]
        for grad in grads:
            theta, state = torch.func.functional_call(_Step(learned), {"learned.out.bias": bias}, (theta, grad, state))
        return (theta**2).sum()

    assert torch.autograd.gradcheck(loss, learned.out.bias)


class _Step(torch.nn.Module):
    """A step as a module's call, which is what torch.func wants."""

    def __init__(self, learned):
        super().__init__()
        self.learned = learned

    def forward(self, *arguments):
        return self.learned.step(*arguments)


def test_training_makes_it_better_than_standing_still():
    def draw(round_):
        rng = torch.Generator().manual_seed(round_)
        a, theta = 0.5 + torch.rand(16, 2, generator=rng), torch.randn(16, 2, generator=rng)
        return theta, lambda theta: 0.5 * (a * theta**2).sum(dim=1).mean()

    torch.manual_seed(0)
    means = tt.meta_train(tt.LearnedOptimizer(hidden=8, layers=1), draw, rounds=60, steps=20, unroll=10, lr=0.01)
    standing = np.mean([float(loss(theta)) for theta, loss in map(draw, range(60))])
    assert means[-10:].mean() < 0.5 * standing
    with pytest.raises(ValueError, match="unroll"):
        tt.meta_train(tt.LearnedOptimizer(), draw, 1, steps=20, unroll=7)


def test_the_experiment_of_the_assignment_is_measured_again():
    from thalweg.exercises.keys.comparing_optimizers import crossing, measure_crossing

    assert measure_crossing() == crossing.reference


# --- the stored tables --------------------------------------------------------------------------------------------

sys.path.append(str(Path(__file__).parents[1] / "bench"))
bench = importlib.import_module("comparing_optimizers_gauntlet")
training = importlib.import_module("comparing_optimizers_learned")


def test_the_learned_optimizer_races_on_gradients_of_the_size_it_was_trained_on():
    start, loss, divisor = training.problem("own kind", 3)
    other, trained_on = training.quadratics(3)
    assert float(loss(start)) == float(trained_on(other))
    assert divisor == 1


@pytest.mark.parametrize("name", ["own kind", "steeper", "larger"])
def test_the_table_of_the_learned_optimizer_is_measured_again(name):
    with Path(training.__file__).with_suffix(".csv").open() as file:
        table = list(csv.DictReader(line for line in file if line[0] != "#"))
    for method, make in (("gradient descent", tn.GradientDescent), ("heavy ball", tn.Momentum), ("Adam", tn.Adam)):
        rows = [row for row in table if (row["problem"], row["optimizer"], row["seed"]) == (name, method, "0")]
        told, *rho = map(float, rows[0]["settings"].split())
        rate = float(min(training.RATES, key=lambda rate: abs(rate / told - 1)))
        losses = training.in_numpy(make(rate, *rho), *training.problem(name, 0), 100)
        found = [losses[int(row["step"])] for row in rows]
        np.testing.assert_allclose(found, [float(row["loss"]) for row in rows], rtol=1e-3)


class OneByOne:
    """A rule that knows one problem at a time, for as many as come in the first axis."""

    def __init__(self, rule):
        self.rule = rule

    def init(self, theta):
        return [self.rule.init(theta[i, 0]) for i in range(len(theta))]

    def step(self, theta, grad, state):
        found = [self.rule.step(theta[i, 0], grad[i, 0], state[i]) for i in range(len(theta))]
        return np.array([new for new, _ in found])[:, None], [memory for _, memory in found]


def test_lbfgs_for_many_runs_is_lbfgs_for_each():
    tests = tn.unit_tests(shapes=["bowl", "flat bottom", "saddle"], noises=["none"], drifts=["stands"])
    many = tn.gauntlet(bench.ManyLBFGS(0.3), tests, seeds=[0], steps=30)
    each = tn.gauntlet(OneByOne(tn.LBFGS(0.3, memory=10)), tests, seeds=[0], steps=30)
    np.testing.assert_allclose(many, each, rtol=1e-5)


def test_every_optimizer_that_can_runs_the_gauntlet():
    found = bench.contestants()
    rules = {
        name
        for name, rule in vars(tn).items()
        if isinstance(rule, type) and hasattr(rule, "init") and hasattr(rule, "step")
    }
    assert {bench.NAMES.get(name, name) for name in rules - set(bench.LEFT_OUT)} == set(found)
    assert set(bench.LEFT_OUT) <= rules
    tests = tn.unit_tests(shapes=["bowl"], noises=["none"], scales=[1.0], drifts=["stands"])
    for name, (make, rated) in found.items():
        best = min(tn.gauntlet(make(rate), tests, seeds=[0]).mean() for rate in (bench.RATES if rated else [None]))
        assert best < 0.01, name
