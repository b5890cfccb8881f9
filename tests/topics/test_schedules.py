"""Schedules against the outside world: every scheduler of torch.optim and every schedule of optax that is a formula of the step."""

import math
import re
from dataclasses import fields, replace

import numpy as np
import optax
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jax import enable_x64, vmap
from torch.optim import lr_scheduler

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg import data
from thalweg.minimize import minimize
from thalweg.surfaces import bowl

STEPS = np.arange(1000)
KINDS = [
    tn.Constant(0.3),
    tn.Ramp(0.1, 0.9, 40),
    tn.StepDecay(0.5, 30, 0.2),
    tn.PiecewiseConstant(0.5, (10, 11, 70)),
    tn.ExponentialDecay(0.5, 0.97),
    tn.InverseTimeDecay(0.5, 0.1),
    tn.PolynomialDecay(0.5, 90, 2.0, 0.01),
    tn.CosineDecay(0.5, 90, 0.01),
    tn.Cyclic(0.1, 0.5, 10, 25, 0.5, 0.99),
    tn.WarmRestarts(0.5, 10, 2.0, 0.01),
    tn.OneCycle(0.5, 90),
    tn.CosineDecay(0.5, 90).warmed_up(10).then(tn.Constant(0.01), 80),
]
NAMED = [pytest.param(schedule, id=type(schedule).__name__) for schedule in KINDS]


def optimizer_and_parameter(lr=1.0):
    p = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    return torch.optim.SGD([p], lr), p


def rates_of(make, steps=1000):
    """The rates that a scheduler of PyTorch sets for its steps, from an optimizer whose own rate is 1."""
    optimizer, _ = optimizer_and_parameter()
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


IN_TORCH = {
    "ConstantLR": (tn.Constant(0.25).then(tn.Constant(1), 7), lambda o, s: s.ConstantLR(o, 0.25, 7)),
    "StepLR": (tn.StepDecay(1, 30, 0.5), lambda o, s: s.StepLR(o, 30, 0.5)),
    "MultiStepLR": (tn.PiecewiseConstant(1, (10, 11, 500)), lambda o, s: s.MultiStepLR(o, [10, 11, 500], 0.1)),
    "ExponentialLR": (tn.ExponentialDecay(1, 0.995), lambda o, s: s.ExponentialLR(o, 0.995)),
    "LambdaLR": (tn.InverseTimeDecay(1, 0.1), lambda o, s: s.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))),
    "PolynomialLR": (tn.PolynomialDecay(1, 700, 2), lambda o, s: s.PolynomialLR(o, 700, 2)),
    "LinearLR": (tn.Ramp(0.1, 0.8, 77), lambda o, s: s.LinearLR(o, 0.1, 0.8, 77)),
    "CosineAnnealingLR": (tn.CosineDecay(1, 999, 0.01), lambda o, s: s.CosineAnnealingLR(o, 999, 0.01)),
    "CyclicLR": (tn.Cyclic(0.1, 1, 13, 29), lambda o, s: s.CyclicLR(o, 0.1, 1, 13, 29, cycle_momentum=False)),
    "triangular2": (
        tn.Cyclic(0.1, 1, 13, shrink=0.5),
        lambda o, s: s.CyclicLR(o, 0.1, 1, 13, mode="triangular2", cycle_momentum=False),
    ),
    "exp_range": (
        tn.Cyclic(0.1, 1, 13, gamma=0.99),
        lambda o, s: s.CyclicLR(o, 0.1, 1, 13, mode="exp_range", gamma=0.99, cycle_momentum=False),
    ),
    "restarts": (tn.WarmRestarts(1, 37, end=0.1), lambda o, s: s.CosineAnnealingWarmRestarts(o, 37, 1, 0.1)),
    "restarts x 2": (tn.WarmRestarts(1, 3, 2, 0.1), lambda o, s: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.1)),
    "restarts x 3": (tn.WarmRestarts(1, 1, 3, 0.1), lambda o, s: s.CosineAnnealingWarmRestarts(o, 1, 3, 0.1)),
    "OneCycleLR": (tn.OneCycle(1, 999, 299), lambda o, s: s.OneCycleLR(o, 1, 1000, cycle_momentum=False)),
    "OneCycleLR, straight": (
        tn.OneCycle(1, 999, 249, 10, 100, linear=True),
        lambda o, s: s.OneCycleLR(o, 1, 1000, None, None, 0.25, "linear", False, 0.85, 0.95, 10, 100),
    ),
    "SequentialLR": (
        tn.StepDecay(1, 50, 0.5).warmed_up(20, 0.1),
        lambda o, s: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1, 20), s.StepLR(o, 50, 0.5)], [20]),
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter")  # SequentialLR itself uses what torch has deprecated
@pytest.mark.parametrize("name", IN_TORCH)
def test_torch_has_the_same_rates(name):
    ours, theirs = IN_TORCH[name]
    np.testing.assert_allclose(ours.rate(STEPS), rates_of(lambda o: theirs(o, lr_scheduler)), rtol=0, atol=1e-12)


def test_every_scheduler_of_torch_is_looked_at():
    """What is left out is no formula of the step, or only multiplies and chains others."""
    theirs = {name for name in lr_scheduler.__all__ if name.endswith("LR") or "Annealing" in name}
    seen = {*IN_TORCH, "CosineAnnealingWarmRestarts"}  # the latter stands as "restarts"
    assert theirs - seen <= {"MultiplicativeLR"}


def test_after_its_end_torchs_cosine_climbs_again_and_ours_does_not():
    theirs = rates_of(lambda o: lr_scheduler.CosineAnnealingLR(o, 100), 201)
    np.testing.assert_allclose(theirs[100:], theirs[100::-1], rtol=0, atol=1e-12)
    assert np.all(tn.CosineDecay(1, 100).rate(np.arange(100, 201)) == 0)


IN_OPTAX = {
    "constant": (tn.Constant(0.3), lambda o: o.constant_schedule(0.3)),
    "linear": (tn.Ramp(0.1, 0.7, 300), lambda o: o.linear_schedule(0.1, 0.7, 300)),
    "polynomial": (
        tn.Constant(0.7).then(tn.PolynomialDecay(0.7, 300, 3, 0.1), 50),
        lambda o: o.polynomial_schedule(0.7, 0.1, 3, 300, 50),
    ),
    "piecewise_constant": (
        tn.PiecewiseConstant(0.7, (100, 400), 0.2),
        lambda o: o.piecewise_constant_schedule(0.7, {100: 0.2, 400: 0.2}),
    ),
    "piecewise_interpolate": (
        tn.Ramp(0.7, 0.14, 100).then(tn.Ramp(0.14, 0.42, 300), 100),
        lambda o: o.piecewise_interpolate_schedule("linear", 0.7, {100: 0.2, 400: 3.0}),
    ),
    "exponential": (tn.ExponentialDecay(0.7, 0.5 ** (1 / 30)), lambda o: o.exponential_decay(0.7, 30, 0.5)),
    "staircase": (tn.StepDecay(0.7, 30, 0.5), lambda o: o.exponential_decay(0.7, 30, 0.5, staircase=True)),
    "cosine": (tn.CosineDecay(0.7, 300, 0.07), lambda o: o.cosine_decay_schedule(0.7, 300, 0.1)),
    "warmup_constant": (tn.Constant(0.7).warmed_up(40, 0.1), lambda o: o.warmup_constant_schedule(0.1, 0.7, 40)),
    "warmup_cosine": (
        tn.CosineDecay(0.7, 260, 0.01).warmed_up(40, 0.1),
        lambda o: o.warmup_cosine_decay_schedule(0.1, 0.7, 40, 300, 0.01),
    ),
    "warmup_exponential": (
        tn.ExponentialDecay(0.7, 0.5 ** (1 / 30)).warmed_up(40, 0.1),
        lambda o: o.warmup_exponential_decay_schedule(0.1, 0.7, 40, 30, 0.5),
    ),
    "join": (
        tn.StepDecay(0.7, 30, 0.5).then(tn.Constant(0.2), 100),
        lambda o: o.join_schedules(
            [o.exponential_decay(0.7, 30, 0.5, staircase=True), o.constant_schedule(0.2)], [100]
        ),
    ),
    "sgdr": (
        tn.WarmRestarts(0.7, 60, 2),
        lambda o: o.sgdr_schedule(
            [{"init_value": 0.7, "peak_value": 0.7, "warmup_steps": 0, "decay_steps": 60 * 2**k} for k in range(5)]
        ),
    ),
    "cosine_onecycle": (tn.OneCycle(0.7, 900, 270), lambda o: o.cosine_onecycle_schedule(900, 0.7)),
    "linear_onecycle": (
        tn.Ramp(0.028, 0.7, 270)
        .then(tn.Ramp(0.7, 0.028, 765 - 270), 270)
        .then(tn.Ramp(0.028, 0.028 / 1e4, 900 - 765), 765),
        lambda o: o.linear_onecycle_schedule(900, 0.7),
    ),
}


@pytest.mark.parametrize("name", IN_OPTAX)
def test_optax_has_the_same_rates(name):
    ours, theirs = IN_OPTAX[name]
    with enable_x64():
        wanted = vmap(theirs(optax))(STEPS)
        assert wanted.dtype == float
    np.testing.assert_allclose(ours.rate(STEPS), wanted, rtol=0, atol=1e-12)


def test_every_schedule_of_optax_is_looked_at():
    """What is left out puts schedules into optimizers."""
    theirs = {re.sub("(_decay)?(_schedules?)?$", "", name) for name in dir(optax.schedules) if name[0].islower()}
    assert len(theirs) > 12
    assert {name for name in theirs if not name.startswith("inject_")} <= {*IN_OPTAX}


@pytest.mark.parametrize("schedule", NAMED)
def test_a_number_an_array_and_a_matrix_of_steps(schedule):
    steps = np.arange(120)
    rates = schedule.rate(steps)
    assert rates.shape == steps.shape and rates.dtype == float
    np.testing.assert_array_equal(schedule.rate(steps.reshape(4, 30)), rates.reshape(4, 30))
    np.testing.assert_allclose(schedule.rate(steps.astype(float)), rates, rtol=0, atol=1e-15)
    for t in steps.tolist():
        assert isinstance(schedule.rate(t), float)
        assert schedule.rate(t) == pytest.approx(rates[t], abs=1e-15)
    assert np.all(np.isfinite(rates)) and np.all(rates >= 0)


@pytest.mark.parametrize("schedule", NAMED[:-1])
def test_bad_fields_are_named(schedule):
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        if isinstance(value, bool):
            continue
        for bad in (-1.0, math.nan, math.inf):
            bad = (bad,) if isinstance(value, tuple) and bad < 0 else bad
            if isinstance(value, tuple) and not isinstance(bad, tuple):
                continue
            with pytest.raises(ValueError, match=rf"\b{field.name} must be"):
                replace(schedule, **{field.name: bad})


@pytest.mark.parametrize(
    "make", [lambda: tn.WarmRestarts(1, 10, 0.5), lambda: tn.OneCycle(1, 10, 12), lambda: tn.StepDecay(1, 0)]
)
def test_fields_that_do_not_go_together(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@given(first=st.integers(1, 50), growth=st.integers(1, 4), step=st.integers(0, 3000))
def test_the_place_in_a_growing_cycle(first, growth, step):
    """Counted out, one cycle after the other."""
    begin, length, k = 0, first, 0
    while step >= begin + length:
        begin, length, k = begin + length, length * growth, k + 1
    cycle, passed = tn.WarmRestarts(1, first, growth).cycle(step)
    assert cycle == k
    assert passed == pytest.approx((step - begin) / length, abs=1e-12)


@given(t=st.integers(1, 200), rate=st.floats(0.01, 1), start=st.floats(0, 1))
def test_a_warm_up_is_joined_without_a_jump(t, rate, start):
    schedule = tn.CosineDecay(rate, 300).warmed_up(t, start)
    assert schedule.rate(0) == pytest.approx(start)
    assert schedule.rate(t) == pytest.approx(rate)
    rates = schedule.rate(np.linspace(t - 1e-6, t + 1e-6, 5))
    assert np.ptp(rates) < 1e-5


def test_minimize_takes_a_schedule_in_both_rooms():
    schedule, surface = tn.StepDecay(0.09, 10, 0.5).warmed_up(5), bowl(20)
    theta, state = np.array(surface.start, dtype=float), np.zeros(2)
    for t in range(40):
        theta, state = tn.Momentum(schedule.rate(t), 0.6).step(theta, surface.grad(theta), state)
    ours = minimize(tn.Momentum(123.0, 0.6), surface, steps=40, schedule=schedule)  # its own rate plays no part
    np.testing.assert_allclose(ours.theta[-1], theta, rtol=0, atol=1e-13)
    in_torch = tt.minimize(lambda p: tt.Momentum(p, 123.0, 0.6), surface, steps=40, schedule=schedule)
    np.testing.assert_allclose(in_torch.theta, ours.theta, rtol=0, atol=1e-12)
    assert len(minimize(tn.Momentum(), surface, steps=0, schedule=schedule).loss) == 1


def test_fit_takes_a_schedule_counted_in_mini_batches():
    """The same as with torch's own scheduler, stepped after every mini-batch."""
    digits = data.digits()
    few = data.Split(digits.x_train[:100], digits.y_train[:100], digits.x_test[:20], digits.y_test[:20])
    ours, theirs = tt.mlp(64, 8, 10), tt.mlp(64, 8, 10)
    tt.fit(ours, torch.optim.SGD(ours.parameters(), 99.0), few, 3, schedule=tn.StepDecay(0.5, 5, 0.5))
    optimizer = torch.optim.SGD(theirs.parameters(), 0.5)
    scheduler = lr_scheduler.StepLR(optimizer, 5, 0.5)
    x, y = torch.as_tensor(few.x_train, dtype=torch.float32), torch.as_tensor(few.y_train)
    order = torch.Generator().manual_seed(0)
    for _ in range(3):
        for batch in torch.randperm(100, generator=order).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(theirs(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_schedule_for_each_group_saved_and_continued(tmp_path):
    a, b = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    schedules = [tn.CosineDecay(0.5, 20), tn.CosineDecay(0.1, 20)]

    def fresh():
        optimizer = tt.Adam([{"params": [a]}, {"params": [b]}])
        return optimizer, tt.Scheduled(optimizer, schedules)

    def rates(optimizer, scheduler, steps):
        out = []
        for _ in range(steps):
            out.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        return np.array(out)

    straight = rates(*fresh(), 20)
    np.testing.assert_array_equal(straight, np.stack([s.rate(np.arange(20)) for s in schedules], axis=1))
    optimizer, scheduler = fresh()
    rates(optimizer, scheduler, 8)
    torch.save((optimizer.state_dict(), scheduler.state_dict()), tmp_path / "state.pt")
    again, scheduled = fresh()
    for thing, state in zip((again, scheduled), torch.load(tmp_path / "state.pt", weights_only=True), strict=True):
        thing.load_state_dict(state)
    np.testing.assert_array_equal(rates(again, scheduled, 12), straight[8:])
    with pytest.raises(ValueError, match="schedule must have one entry for each of the 2 groups, got 1"):
        tt.Scheduled(again, schedules[:1])


def parabola(theta):
    return 0.5 * float(theta @ theta), theta


def test_a_range_trial_on_a_parabola_turns_round_where_gradient_descent_diverges():
    trial = tn.range_trial(tn.GradientDescent(), parabola, np.ones(3), 1e-3, 100, 200)
    assert np.all(np.diff(trial.losses[trial.rates < 2]) <= 0)  # 2 over the curvature
    assert trial.rates[np.argmin(trial.losses)] > 2
    assert trial.losses[-1] > 4 * trial.losses.min() and len(trial.rates) == len(trial.losses) < 200
    assert np.all(trial.losses[:-1] <= 4 * np.minimum.accumulate(trial.losses)[:-1])
    assert trial.steepest() < trial.rates[np.argmin(trial.losses)]
    assert trial.tenth(0) == pytest.approx(trial.rates[np.argmin(trial.losses)] / 10)


def test_the_steepest_fall_is_found_on_the_scale_of_ratios():
    """A logistic fall in the logarithm of the rate, steepest at 0.1; against the rates themselves it would be steepest before."""
    rates = np.geomspace(1e-3, 10, 81)
    trial = tn.RangeTrial(rates, 3 / (1 + (rates / 0.1) ** 2))
    assert trial.steepest() == pytest.approx(0.1)
    assert rates[np.argmin(np.gradient(trial.losses, rates))] < 0.07


def test_smoothing_looks_both_ways():
    """A straight line stays where it is, up to its ends; an average of the past would lag behind."""
    line = tn.RangeTrial(np.geomspace(1e-3, 1, 40), np.linspace(5, 1, 40))
    np.testing.assert_allclose(line.smoothed(7), line.losses, rtol=0, atol=1e-12)
    noisy = replace(line, losses=np.arange(40) % 2.0)
    assert np.all(abs(noisy.smoothed(10)[10:-10] - 0.5) < 0.05)


def test_both_rooms_see_the_same_range_trial_and_torch_puts_all_back():
    digits = data.digits()
    model = torch.nn.Linear(64, 10, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), 0.123)
    before = [p.detach().clone() for p in model.parameters()]
    seen = tt.range_trial(model, optimizer, digits, 1e-3, 1.0, 30, batch_size=len(digits.x_train))
    assert optimizer.param_groups[0]["lr"] == 0.123 and not optimizer.state
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(model.parameters(), before, strict=True))
    x, one_hot = np.column_stack([digits.x_train, np.ones(len(digits.x_train))]), np.eye(10)[digits.y_train]

    def softmax_regression(theta):
        scores = x @ theta
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return -np.mean(np.log((p * one_hot).sum(axis=1))), x.T @ (p - one_hot) / len(x)

    start = np.vstack([p.numpy().T.reshape(-1, 10) for p in before])
    ours = tn.range_trial(tn.GradientDescent(), softmax_regression, start, 1e-3, 1.0, 30)
    np.testing.assert_allclose(ours.losses, seen.losses, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(ours.rates, seen.rates)


@pytest.mark.parametrize("options", [{"lowest": 0.0}, {"highest": 1e-5}, {"steps": 2}])
def test_a_bad_range_is_named(options):
    with pytest.raises(ValueError, match=rf"{next(iter(options))} must be"):
        tn.range_trial(tn.GradientDescent(), parabola, np.ones(2), **options)


def test_a_trial_that_overflows_ends_with_its_last_finite_loss():
    trial = tn.range_trial(
        tn.GradientDescent(), lambda theta: (math.inf if theta[0] < 1 else 1.0, np.ones(1)), np.ones(1), 1, 10, 5
    )
    assert trial.losses.tolist() == [1.0]


@given(lr=st.floats(0.01, 1.5), steps=st.integers(1, 300))
def test_one_over_t_makes_gradient_descent_the_mean(lr, steps):
    """With the curvature h and the rate 1 / (h (t + 1)) the place is the mean of what was seen: the chapter's noise ball shrinks like 1/t."""
    schedule, h = tn.InverseTimeDecay(1 / lr, 1), lr
    seen, theta = np.random.default_rng(steps).normal(size=steps), np.zeros(1)
    for t, x in enumerate(seen):
        theta, _ = tn.GradientDescent(schedule.rate(t)).step(theta, h * (theta - x))
    assert theta[0] == pytest.approx(seen.mean(), abs=1e-9)


def test_the_experiments_answer():
    from thalweg.exercises.keys.schedules import best_drop, measure_best_drop

    assert measure_best_drop() == best_drop.reference
