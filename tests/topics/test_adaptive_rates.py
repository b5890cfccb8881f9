"""Adaptive rates against torch.optim and optax, and against what the chapter derives."""

import numpy as np
import optax
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jax import enable_x64
from walks import PROBLEMS, STEPS, banana, path_of_numpy, path_of_torch, quadratic

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.minimize import minimize
from thalweg.surfaces import bowl


def rprop(params, lr=0.01, down=0.5, up=1.2, smallest=1e-6, largest=50.0):
    return torch.optim.Rprop(params, lr, (down, up), (smallest, largest))


def adagrad(params, lr=0.01, lr_decay=0.0, weight_decay=0.0, start=0.0, eps=1e-10):
    return torch.optim.Adagrad(params, lr, lr_decay, weight_decay, start, eps)


def rmsprop(params, lr=0.01, beta2=0.99, eps=1e-8, rho=0.0, centred=False, weight_decay=0.0):
    return torch.optim.RMSprop(params, lr, beta2, eps, weight_decay, rho, centred)


def adadelta(params, lr=1.0, beta2=0.9, eps=1e-6, weight_decay=0.0):
    return torch.optim.Adadelta(params, lr, beta2, eps, weight_decay)


CASES = [
    ("Rprop", rprop, {}),
    ("Rprop", rprop, {"lr": 0.1, "down": 0.4, "up": 1.5}),
    ("Rprop", rprop, {"lr": 0.1, "smallest": 1e-2, "largest": 0.2}),
    ("AdaGrad", adagrad, {}),
    ("AdaGrad", adagrad, {"lr": 0.5, "lr_decay": 0.01, "weight_decay": 0.1, "start": 0.3, "eps": 1e-4}),
    ("RMSProp", rmsprop, {}),
    ("RMSProp", rmsprop, {"lr": 0.001, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSProp", rmsprop, {"lr": 0.001, "centred": True}),
    ("RMSProp", rmsprop, {"lr": 0.001, "rho": 0.9}),
    ("RMSProp", rmsprop, {"lr": 0.001, "rho": 0.5, "centred": True, "weight_decay": 0.1}),
    ("AdaDelta", adadelta, {}),
    ("AdaDelta", adadelta, {"lr": 0.3, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.1}),
]
IDS = [f"{name} {options}" for name, _, options in CASES]
NAMES_OF_THE_STATE = {  # ours: torch's
    "Rprop": {"rate": "step_size", "last": "prev"},
    "AdaGrad": {"s": "sum"},
    "RMSProp": {"s": "square_avg", "m": "grad_avg", "v": "momentum_buffer"},
    "AdaDelta": {"s": "square_avg", "nu": "acc_delta"},
}


def given_gradients(seed=0, steps=STEPS, d=6):
    """Of a few sizes, with zeros; they do not depend on the path, so that rounding has nothing to grow in."""
    rng = np.random.default_rng(seed)
    grads = rng.normal(size=(steps, d)) * 10.0 ** np.arange(-3, d - 3)
    grads[rng.random(grads.shape) < 0.1] = 0
    return grads


@pytest.mark.parametrize("name, theirs, options", CASES, ids=IDS)
def test_steps_and_state_are_those_of_torch(name, theirs, options):
    grads, start = given_gradients(), np.ones(6)
    params = [torch.nn.Parameter(torch.tensor(start)) for _ in range(2)]
    optimizers = [theirs(params[:1], **options), getattr(tt, name)(params[1:], **options)]
    rule, path = getattr(tn, name)(**options), start
    state = rule.init(path)
    for grad in grads:
        for p, optimizer in zip(params, optimizers, strict=True):
            p.grad = torch.tensor(grad)
            optimizer.step()
        path, state = rule.step(path, grad, state)
        np.testing.assert_allclose(params[1].detach(), params[0].detach(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(path, params[0].detach(), rtol=0, atol=1e-12)
    reference, ours = optimizers[0].state[params[0]], optimizers[1].state[params[1]]
    for slot, tensor in ours.items():
        if slot != "t":
            torch.testing.assert_close(tensor, reference[NAMES_OF_THE_STATE[name][slot]], rtol=1e-12, atol=1e-12)
    assert len(ours) == len([key for key, value in reference.items() if value is not None and key != "step"]) + (
        name == "AdaGrad"
    )


@pytest.mark.parametrize("name, theirs, options", CASES, ids=IDS)
def test_whole_descents_are_those_of_torch(name, theirs, options):
    """RMSProp and AdaDelta end in jumps to and fro, and there rounding decides: so fewer steps, on the way down."""
    steps = 100 if name in ("RMSProp", "AdaDelta") else STEPS
    for grad, start in [quadratic(0), quadratic(1), banana()]:
        reference = path_of_torch(lambda p: theirs(p, **options), grad, start, steps)
        assert np.ptp(reference, axis=0).max() > 0.02
        np.testing.assert_allclose(
            path_of_torch(lambda p: getattr(tt, name)(p, **options), grad, start, steps), reference, rtol=0, atol=1e-10
        )
        np.testing.assert_allclose(
            path_of_numpy(getattr(tn, name)(**options), grad, start, steps), reference, rtol=0, atol=1e-10
        )


@pytest.mark.parametrize(
    "ours, rule",
    [
        (tn.AdaGrad(0.1, eps=0.0, start=0.1), optax.adagrad(0.1, initial_accumulator_value=0.1, eps=0.0)),
        (tn.RMSProp(0.01), optax.rmsprop(0.01, decay=0.99, eps=1e-8, eps_in_sqrt=False)),
        (
            tn.RMSProp(0.01, centred=True, rho=0.9),
            optax.rmsprop(0.01, decay=0.99, eps=1e-8, centered=True, momentum=0.9, eps_in_sqrt=False),
        ),
        (tn.AdaDelta(0.5, 0.95), optax.adadelta(0.5, rho=0.95, eps=1e-6)),
        (tn.Manhattan(0.01), optax.sign_sgd(0.01)),
    ],
    ids=["AdaGrad", "RMSProp", "RMSProp, centred, momentum", "AdaDelta", "Manhattan"],
)
def test_the_same_steps_as_optax(ours, rule):
    with enable_x64():
        theta, path = np.ones(6), np.ones(6)
        state, own = rule.init(theta), ours.init(path)
        for grad in given_gradients(steps=200) + 1e-3:
            updates, state = rule.update(grad, state, theta)
            theta = np.asarray(optax.apply_updates(theta, updates))
            path, own = ours.step(path, grad, own)
            np.testing.assert_allclose(path, theta, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["Rprop", "RpropBacktracking"])
def test_the_bounds_of_rprop_are_checked_together(name):
    for make in (getattr(tn, name), lambda **o: getattr(tt, name)([torch.nn.Parameter(torch.zeros(2))], **o)):
        for bad in ({"down": 1.0}, {"down": 0.0}, {"up": 1.0}, {"smallest": 2.0, "largest": 1.0}):
            with pytest.raises(ValueError, match=next(iter(bad))):
                make(**bad)


def test_options_that_are_not_used_keep_no_tensors():
    p = torch.nn.Parameter(torch.zeros(3))
    p.grad = torch.ones(3)
    for options, kept in (({}, {"s"}), ({"rho": 0.5}, {"s", "v"}), ({"centred": True, "rho": 0.5}, {"s", "m", "v"})):
        optimizer = tt.RMSProp([p], **options)
        optimizer.step()
        assert set(optimizer.state[p]) == kept


@pytest.mark.parametrize("rho, centred", [(0.9, False), (0.0, True), (0.9, True)])
def test_options_of_rmsprop_compiled(rho, centred):
    paths = []
    for compiled in (False, True):
        p = torch.nn.Parameter(torch.ones(6, dtype=torch.float64))
        optimizer = tt.RMSProp([p], rho=rho, centred=centred, compiled=compiled)
        for grad in given_gradients(steps=50):
            p.grad = torch.tensor(grad)
            optimizer.step()
        paths.append(p.detach())
    torch.testing.assert_close(*paths, rtol=0, atol=1e-12)


def test_a_constant_gradient_does_not_make_the_centred_root_a_nan():
    """The variance of a constant is 0, and rounding makes it negative: torch's own root is then not a number."""
    theta, rule = np.array([1.0]), tn.RMSProp(centred=True)
    p = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer, state = tt.RMSProp([p], centred=True), rule.init(theta)
    for _ in range(5000):
        p.grad = torch.full((1,), 0.1, dtype=torch.float64)
        optimizer.step()
        theta, state = rule.step(theta, np.array([0.1]), state)
    assert np.isfinite(theta).all() and torch.isfinite(p).all()


# --- vSGD ----------------------------------------------------------------------------------------------------------


def noisy_bowl(seed, steps, curvature):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, len(curvature)))


def test_vsgd_in_torch_is_vsgd_in_numpy():
    """On parameters that do not interact, where the signs drawn for the curvature do not matter."""
    curvature = np.array([0.5, 2.0, 30.0, 1e-9])
    start, noise = np.array([2.0, -1.0, 1.0, 1.0]), noisy_bowl(0, 200, curvature)
    theta, rule = start, tn.VSGD()
    state = rule.init(theta)
    p = torch.nn.Parameter(torch.tensor(start))
    optimizer = tt.VSGD([p])
    for e in noise:
        theta, state = rule.step(theta, curvature * (theta - e), state, curvature)
        optimizer.step(lambda e=e: (torch.tensor(curvature) / 2 * (p - torch.tensor(e)) ** 2).sum())
        np.testing.assert_allclose(p.detach(), theta, rtol=0, atol=1e-12)


def test_vsgd_only_watches_at_first_and_then_needs_no_rate():
    curvature = np.array([0.01, 1.0, 100.0])
    theta, rule = np.full(3, 10.0), tn.VSGD(floor=1e-6)
    state = rule.init(theta)
    for t, e in enumerate(noisy_bowl(1, 2000, curvature)):
        theta, state = rule.step(theta, curvature * (theta - 0.1 * e), state, curvature)
        assert (theta == 10).all() or t >= rule.watch - 1
    assert (
        np.abs(theta) < 0.05
    ).all()  # a fixed rate that does not diverge on the last has a hundredth of the path on the first


def test_vsgd_wants_a_closure_and_good_numbers():
    p = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match="closure"):
        tt.VSGD([p]).step()
    for bad in ({"watch": 0}, {"watch": 1.5}, {"caution": 0.0}, {"floor": -1.0}, {"floor": 0.0}):
        for make in (tn.VSGD, lambda **o: tt.VSGD([p], **o), lambda **o: tt.VSGD([{"params": [p], **o}])):
            with pytest.raises(ValueError, match=next(iter(bad))):
                make(**bad)


def test_vsgd_takes_parameters_without_curvature_and_leaves_alone_what_the_loss_does_not_contain():
    curved, straight, unused, frozen = (torch.nn.Parameter(torch.ones(2)) for _ in range(4))
    frozen.requires_grad_(False)
    optimizer = tt.VSGD([{"params": [curved, unused]}, {"params": [straight, frozen], "watch": 2}])
    for t in range(12):
        optimizer.step(lambda: (curved**2).sum() + 1e-4 * straight.sum())
        assert (straight < 1).all() == (t >= 1) and (curved < 1).all() == (t >= 9)
    assert (unused == 1).all() and (frozen == 1).all()
    optimizer = tt.VSGD([straight], watch=1)
    optimizer.step(lambda: straight.sum())  # a gradient, and no curvature at all


# --- what the chapter derives --------------------------------------------------------------------------------------


def moved(rule, grads, start=0.0):
    theta, state = np.array([start]), rule.init(np.array([start]))
    for g in grads:
        theta, state = rule.step(theta, np.array([float(g)]), state)
    return theta[0] - start


def test_nine_tenths_and_one_against_them():
    """Misra's weight: 0.1 in nine mini-batches, -0.9 in the tenth; in units of the first step."""
    batches = [0.1] * 9 + [-0.9]
    assert moved(tn.Manhattan(1.0), batches) == pytest.approx(-8)
    assert moved(tn.Rprop(1.0), batches) == pytest.approx(-20.799, abs=1e-3)
    assert moved(tn.RpropBacktracking(1.0), batches) == pytest.approx(-16.499, abs=1e-3)


@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_a_loss_in_other_units_is_the_same_path(scale, seed):
    grads = np.random.default_rng(seed).normal(size=50)
    for rule in (
        tn.Manhattan(),
        tn.Rprop(),
        tn.RpropBacktracking(),
        tn.AdaGrad(eps=0.0),
        tn.RMSProp(eps=0.0),
        tn.RMSProp(eps=0.0, rho=0.9, centred=True),
    ):
        np.testing.assert_allclose(moved(rule, scale * grads), moved(rule, grads), rtol=1e-6, atol=1e-9)


@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_adadelta_seeded_and_without_epsilon_has_the_unit_of_the_parameter(scale, seed):
    """theta in units 1/scale: gradients times 1/scale, first mean square step times scale squared, and the path times scale."""
    grads, rule, ends = np.random.default_rng(seed).normal(size=50), tn.AdaDelta(eps=0.0), []
    for unit in (1.0, scale):
        theta, state = 0.0, (0.0, 1e-4 * unit**2)
        for g in grads / unit:
            theta, state = rule.step(theta, g, state)
        ends.append(theta / unit)
    np.testing.assert_allclose(*ends, rtol=1e-6)


def test_adadelta_needs_its_second_epsilon():
    assert moved(tn.AdaDelta(eps=0.0), np.ones(1000)) == 0
    assert moved(tn.AdaDelta(), np.ones(1000)) < -0.1


@given(g=st.floats(1e-3, 1e3))
def test_adagrad_under_a_constant_gradient_falls_like_one_over_root_t(g):
    end = moved(tn.AdaGrad(1.0, eps=0.0), [g] * 400)
    assert end == pytest.approx(-np.sum(1 / np.sqrt(np.arange(1, 401))))


def test_the_first_step_of_rmsprop_is_ten_times_its_rate():
    assert moved(tn.RMSProp(0.01, eps=0.0), [3.7]) == pytest.approx(-0.1)


@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_both_forms_of_rprop_arrive(grad, start):
    for rule in (tn.Rprop(0.1), tn.RpropBacktracking(0.1)):
        assert np.abs(path_of_numpy(rule, grad, start, 500)[-1]).max() < 1e-4


def test_they_run_in_minimize():
    for rule in (tn.Rprop(0.1), tn.AdaGrad(1.0), tn.RMSProp(0.05), tn.AdaDelta(eps=1e-3)):
        run = minimize(rule, bowl(20), steps=500)
        assert run.loss[-1] < 0.05 * run.loss[0], rule


@given(seed=st.integers(0, 1000))
def test_adadelta_without_its_delay_satisfies_both_equations_and_the_delay_is_a_brake(seed):
    from thalweg.exercises.keys.adaptive_rates import adadelta_at_once

    rng = np.random.default_rng(seed)
    grad, before, nu, beta2, eps = rng.normal(size=5), rng.uniform(0, 2, 5), rng.uniform(0, 2, 5), 0.9, 1e-3
    s = beta2 * before + (1 - beta2) * grad**2
    delta, new = adadelta_at_once.reference(grad, s, nu, beta2, eps)
    np.testing.assert_allclose(delta, np.sqrt((new + eps) / (s + eps)) * grad, rtol=1e-9)
    np.testing.assert_allclose(new, beta2 * nu + (1 - beta2) * delta**2, rtol=1e-9)
    theta, _ = tn.AdaDelta(eps=eps).step(np.zeros(5), grad, (before, nu))
    assert (np.abs(theta) <= np.sqrt((nu + eps) / (1 - beta2))).all()


def test_adadelta_grows_like_a_root_as_the_problem_says():
    beta2, eps = 0.9, 1e-4
    theta, state, rule = 0.0, (4.0, 0.0), tn.AdaDelta(1.0, beta2, eps)
    for t in range(200):
        after, state = rule.step(theta, 2.0, state)
        assert theta - after == pytest.approx(np.sqrt(eps * (1 + (1 - beta2) * t)), rel=1e-3)
        theta = after


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_rate_of_vsgd_is_the_best_there_is_on_a_parabola(noise):
    h, theta = 3.0, 1.5
    best = h * theta**2 / (h**2 * theta**2 + noise**2)
    rates = np.linspace(0.5, 1.5, 101) * best
    losses = (1 - rates * h) ** 2 * theta**2 + rates**2 * noise**2
    assert rates[losses.argmin()] == pytest.approx(best)


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.adaptive_rates import balance, growth

    known = {mistake.name: mistake.answer for mistake in balance.mistakes}
    closed = 3 + np.log(2) / np.log(1.2)  # 1 / (p (1 - p)), of the chain of signs that stay, change and are 0
    assert 1 / (balance.reference * (1 - balance.reference)) == pytest.approx(closed, rel=1e-3)
    assert growth(balance.reference - 0.01) > 0 > growth(balance.reference + 0.01)
    assert known["the share of the other sign"] == pytest.approx(1 - balance.reference)
    remembering = known["signs that have changed are remembered"]
    assert growth(remembering - 0.01, pause=False) > 0 > growth(remembering + 0.01, pause=False)
    flat = known["factors are averaged instead of logarithms"]
    assert 1 / (flat * (1 - flat)) == pytest.approx(3 + 0.5 / 0.2, rel=1e-3)
