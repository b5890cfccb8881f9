"""Momentum against the outside world: torch.optim, the two Nesterov forms, the theory of quadratics, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from walks import PROBLEMS, banana, path_of_numpy, path_of_torch, quadratic

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.minimize import minimize
from thalweg.surfaces import bowl

# name in both rooms -> options of torch.optim.SGD, whose path it must follow
AS_SGD = {"Momentum": {}, "MomentumRateInside": {}, "Nesterov": {"nesterov": True}}
RATES = [(0.02, 0.9), (0.05, 0.5), (0.01, 0.99)]


@pytest.mark.parametrize("name", AS_SGD)
@pytest.mark.parametrize("lr, rho", RATES)
@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_numpy_torch_and_torch_optim_walk_the_same_path(name, lr, rho, grad, start):
    reference = path_of_torch(lambda p: torch.optim.SGD(p, lr, momentum=rho, **AS_SGD[name]), grad, start)
    np.testing.assert_allclose(path_of_numpy(getattr(tn, name)(lr, rho), grad, start), reference, rtol=0, atol=1e-12)
    ours = path_of_torch(lambda p: getattr(tt, name)(p, lr, rho), grad, start)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", AS_SGD)
def test_the_same_on_rosenbrock(name):
    grad, start = banana()
    reference = path_of_torch(lambda p: torch.optim.SGD(p, 5e-5, momentum=0.9, **AS_SGD[name]), grad, start)
    assert np.ptp(reference[:, 0]) > 0.1  # it went somewhere
    for path in (
        path_of_numpy(getattr(tn, name)(5e-5, 0.9), grad, start),
        path_of_torch(lambda p: getattr(tt, name)(p, 5e-5, 0.9), grad, start),
    ):
        np.testing.assert_allclose(path, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", AS_SGD)
@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_float32(name, grad, start):
    def sgd(p):
        return torch.optim.SGD(p, 0.02, momentum=0.9, **AS_SGD[name])

    reference = path_of_torch(sgd, grad, start, dtype=torch.float32)
    ours = path_of_torch(lambda p: getattr(tt, name)(p, 0.02, 0.9), grad, start, dtype=torch.float32)
    exact = path_of_torch(sgd, grad, start)
    scale = np.abs(start).max()
    np.testing.assert_allclose(ours, reference, rtol=0, atol=2e-6 * scale)
    np.testing.assert_allclose(ours, exact, rtol=0, atol=2e-5 * scale)
    in_numpy = path_of_numpy(getattr(tn, name)(0.02, 0.9), grad, start.astype(np.float32), steps=3)
    np.testing.assert_allclose(in_numpy, exact[:4], rtol=0, atol=2e-6 * scale)


@given(
    seed=st.integers(0, 2**32 - 1),
    lr=st.floats(1e-4, 0.1),
    rho=st.floats(0.01, 0.99),
    steps=st.integers(1, 200),
)
def test_the_two_forms_of_nesterov_are_one_path(seed, lr, rho, steps):
    """The look-ahead points theta - rho v of the one form are the points theta of the other (lecture H)."""
    grad, start = quadratic(seed, d=3)
    moved = path_of_numpy(tn.Nesterov(lr, rho), grad, start, steps)
    form = tn.NesterovLookAhead(lr, rho)
    theta, v = start, form.init(start)
    for point in moved:
        ahead = form.where(theta, v)
        np.testing.assert_allclose(ahead, point, rtol=0, atol=1e-12 * max(1, np.abs(start).max()))
        theta, v = form.step(theta, grad(ahead), v)


def test_the_two_forms_part_when_the_rate_changes():
    grad, start = quadratic(0)
    inside, outside = start, start
    v = u = np.zeros_like(start)
    for t in range(20):
        lr = 0.1 if t < 10 else 0.01
        inside, v = tn.MomentumRateInside(lr, 0.9).step(inside, grad(inside), v)
        outside, u = tn.Momentum(lr, 0.9).step(outside, grad(outside), u)
        same = np.allclose(inside, outside, rtol=0, atol=1e-12)
        assert same == (t < 10)


@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_look_ahead_in_torch_is_look_ahead_in_numpy(grad, start):
    reference = path_of_numpy(tn.NesterovLookAhead(0.02, 0.9), grad, start)
    ours = path_of_torch(lambda p: tt.NesterovLookAhead(p, 0.02, 0.9), grad, start)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


def test_look_ahead_brings_the_parameters_home_when_the_closure_fails():
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = tt.NesterovLookAhead([p], 0.1, 0.9)

    def closure():
        p.grad = torch.ones_like(p)
        return torch.zeros(())

    optimizer.step(closure)
    before = p.detach().clone()
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    assert torch.equal(p.detach(), before)
    with pytest.raises(ValueError, match="closure"):
        optimizer.step()


BAD = [("lr", -0.1), ("lr", math.nan), ("lr", math.inf), ("lr", "0.1"), ("rho", -0.1), ("rho", 1.0), ("rho", math.nan)]


@pytest.mark.parametrize("argument, value", BAD)
@pytest.mark.parametrize("name", ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead"])
def test_bad_hyperparameters_are_named(name, argument, value):
    p = torch.nn.Parameter(torch.zeros(2))
    wanted = rf"{argument} must be .*{value!r}"
    with pytest.raises(ValueError, match=wanted):
        getattr(tn, name)(**{argument: value})
    with pytest.raises(ValueError, match=wanted):
        getattr(tt, name)([p], **{argument: value})
    with pytest.raises(ValueError, match=wanted):
        getattr(tt, name)([p]).add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], argument: value})


@pytest.mark.parametrize("room", [tn, lambda: None], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", ["Nesterov", "NesterovLookAhead"])
def test_nesterov_without_momentum_is_refused(room, name):
    make = getattr(tn, name) if room is tn else lambda **k: getattr(tt, name)([torch.nn.Parameter(torch.zeros(1))], **k)
    with pytest.raises(ValueError, match=r"rho must be above 0 .* got 0\.0"):
        make(rho=0.0)


def test_groups_and_missing_gradients():
    a, b, c = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
    optimizer = tt.Momentum([{"params": [a, c]}, {"params": [b], "lr": 0.5}], lr=0.1)
    a.grad, b.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    assert a.tolist() == pytest.approx([0.9, 0.9])
    assert b.tolist() == [0.5, 0.5]
    assert c.tolist() == [1, 1]


# --- theory ------------------------------------------------------------------------------------------------------


@given(lr=st.floats(0.01, 2.0), rho=st.floats(0.0, 0.99), h=st.floats(0.01, 2.0))
def test_contraction_is_the_spectral_radius(lr, rho, h):
    matrix = np.array([[1 - lr * h, -lr * rho], [h, rho]])  # acts on (error, velocity)
    expected = np.abs(np.linalg.eigvals(matrix)).max()
    assert tn.contraction(lr, rho, h) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("lr, rho", [(0.02, 0.9), (0.04, 0.5), (0.05, 0.2), (0.09, 0.95)])
def test_contraction_is_what_a_long_run_shows(lr, rho):
    curvatures = np.array([0.1, 20.0])
    path = path_of_numpy(tn.Momentum(lr, rho), lambda x: curvatures * x, np.ones(2), 3000)
    sizes = np.linalg.norm(path, axis=1)
    first, last = 200, int(np.argmax(np.append(sizes, 0) < 1e-250)) - 1
    measured = (sizes[last] / sizes[first]) ** (1 / (last - first))
    assert measured == pytest.approx(tn.contraction(lr, rho, curvatures).max(), rel=2e-2)


def test_critical_damping_and_the_best_rates():
    """At rho = (1 - sqrt(lr h))^2 the factor is sqrt(rho); Polyak's choice gives (sqrt(k) - 1)/(sqrt(k) + 1)."""
    lr, h = 0.3, 0.7
    rho = (1 - math.sqrt(lr * h)) ** 2
    assert tn.contraction(lr, rho, h) == pytest.approx(math.sqrt(rho), abs=1e-7)
    grid = np.linspace(0, 0.99, 400)
    assert grid[np.argmin(tn.contraction(lr, grid, h))] == pytest.approx(rho, abs=0.003)
    kappa = 100.0
    best = (math.sqrt(kappa) - 1) / (math.sqrt(kappa) + 1)
    lr = 4 / (math.sqrt(kappa) + 1) ** 2
    assert tn.contraction(lr, best**2, np.array([1.0, kappa])).max() == pytest.approx(best, abs=1e-6)


def test_gain_under_a_constant_gradient():
    v = np.zeros(1)
    for _ in range(2000):
        _, v = tn.Momentum(1.0, 0.99).step(np.zeros(1), np.ones(1), v)
    assert v[0] == pytest.approx(1 / (1 - 0.99), rel=1e-6)


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.momentum import best_rho, measure_best_rho

    assert measure_best_rho() == best_rho.reference


def test_minimize_records_and_survives_divergence():
    run = minimize(tn.Momentum(0.01, 0.9), bowl(20), steps=300)
    assert run.theta.shape == (301, 2)
    assert run.loss[-1] < 1e-4 * run.loss[0]
    wild = minimize(tn.Momentum(10.0, 0.9), bowl(20), steps=1000)
    assert np.isinf(wild.loss[-1])
    assert np.isnan(wild.theta[-1]).all()
    assert wild.steps_to(0.0) == np.inf
    with pytest.raises(ValueError, match="steps"):
        minimize(tn.Momentum(), bowl(), steps=-1)
    with pytest.raises(ValueError, match="start"):
        minimize(tn.Momentum(), bowl(), start=(np.nan, 0.0))


def test_minimize_in_torch_is_minimize_in_numpy():
    for name in ("Momentum", "Nesterov", "NesterovLookAhead"):
        ours = tt.minimize(lambda p, name=name: getattr(tt, name)(p, 0.01, 0.9), bowl(20), steps=100)
        wanted = minimize(getattr(tn, name)(0.01, 0.9), bowl(20), steps=100)
        np.testing.assert_allclose(ours.theta, wanted.theta, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ours.loss, wanted.loss, rtol=1e-9)
    with pytest.raises(ValueError, match="steps"):
        tt.minimize(lambda p: tt.Momentum(p), bowl(), steps=-1)
