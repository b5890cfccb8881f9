"""Adam and its relatives against torch.optim and optax, and against what the chapter derives."""

import copy
import math

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

THEIRS = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW, "AdaMax": torch.optim.Adamax}
OPTIONS = [
    {},
    {"lr": 0.05},
    {"lr": 0.01, "eps": 1e-3},
    {"lr": 0.002, "weight_decay": 0.1},
]
BETAS = [{"beta1": 0.0}, {"beta1": 0.5, "beta2": 0.9}, {"beta1": 0.0, "beta2": 0.99}, {"beta1": 0.95, "beta2": 0.98}]
ROSENBROCK = pytest.param(*banana(), id="Rosenbrock")


def theirs(name, options):
    """torch's optimizer with our names for its options."""
    o = {"lr": 0.002 if name == "AdaMax" else 0.001, "weight_decay": 0.01 if name == "AdamW" else 0.0} | options
    betas = (o.pop("beta1", 0.9), o.pop("beta2", 0.999))
    return lambda params: THEIRS[name](params, betas=betas, **o)


def path_of_optax(rule, grad, start, steps=STEPS):
    with enable_x64():
        state, theta, out = rule.init(start), start, [start]
        for _ in range(steps):
            updates, state = rule.update(grad(theta), state, theta)
            theta = np.asarray(optax.apply_updates(theta, updates))
            out.append(theta)
    return np.array(out)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("grad, start", [*PROBLEMS, ROSENBROCK])
def test_numpy_torch_and_torch_optim_walk_the_same_path(name, options, grad, start):
    reference = path_of_torch(theirs(name, options), grad, start)
    assert np.ptp(reference, axis=0).max() > 0.1  # it went somewhere
    np.testing.assert_allclose(path_of_numpy(getattr(tn, name)(**options), grad, start), reference, rtol=0, atol=1e-12)
    ours = path_of_torch(lambda p: getattr(tt, name)(p, **options), grad, start)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("options", [*OPTIONS, *BETAS], ids=str)
def test_the_same_steps_from_the_same_gradients(name, options):
    """With a short memory Adam never settles at a minimum: it jumps to and fro, and rounding decides where. So here the gradients
    are given, and do not depend on the path."""
    grads, start = np.random.default_rng(0).normal(size=(STEPS, 6)), np.ones(6)

    def given():
        rest = iter(grads)
        return lambda theta: next(rest)

    reference = path_of_torch(theirs(name, options), given(), start)
    np.testing.assert_allclose(
        path_of_numpy(getattr(tn, name)(**options), given(), start), reference, rtol=0, atol=1e-12
    )
    ours = path_of_torch(lambda p: getattr(tt, name)(p, **options), given(), start)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grad, start", [PROBLEMS[0], ROSENBROCK])
@pytest.mark.parametrize(
    "ours, rule",
    [
        (tn.Adam(0.01), optax.adam(0.01)),
        (tn.Adam(0.01, 0.8, 0.999, 1e-3), optax.adam(0.01, 0.8, 0.999, 1e-3)),
        (
            tn.Adam(0.01, weight_decay=0.1),
            optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.01)),
        ),
        (tn.AdamW(0.01, weight_decay=0.1), optax.adamw(0.01, weight_decay=0.1)),
        (tn.AdaMax(0.01, 0.8, 0.999, 1e-3), optax.adamax(0.01, 0.8, 0.999, 1e-3)),
    ],
    ids=["Adam", "Adam, all options", "Adam, L2", "AdamW", "AdaMax"],
)
def test_the_same_path_as_optax(ours, rule, grad, start):
    reference = path_of_optax(rule, grad, start)
    np.testing.assert_allclose(path_of_numpy(ours, grad, start), reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_uncorrected_in_torch_is_uncorrected_in_numpy(grad, start):
    for options in OPTIONS:
        reference = path_of_numpy(tn.AdamUncorrected(**options), grad, start)
        ours = path_of_torch(lambda p, o=options: tt.AdamUncorrected(p, **o), grad, start)
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [*THEIRS, "AdamUncorrected"])
def test_float32(name):
    grad, start = quadratic(0)
    exact = path_of_torch(lambda p: getattr(tt, name)(p, lr=0.01), grad, start, steps=200)
    single = path_of_torch(lambda p: getattr(tt, name)(p, lr=0.01), grad, start, steps=200, dtype=torch.float32)
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-4)
    in_numpy = path_of_numpy(getattr(tn, name)(lr=0.01), grad, start.astype(np.float32), steps=3)
    np.testing.assert_allclose(in_numpy, exact[:4], rtol=0, atol=1e-5)


def test_a_parameter_that_had_no_gradient_counts_its_own_steps():
    """As in torch.optim: the correction depends on how many gradients a parameter has seen, not on the loop's step."""
    paths = []
    for make in (tt.Adam, torch.optim.Adam):
        a, b = (torch.nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
        optimizer = make([a, b], lr=0.1)
        for t in range(10):
            a.grad = a.detach() * 2
            b.grad = b.detach() * 3 if t % 3 == 1 else None
            optimizer.step()
        paths.append(torch.cat([a.detach(), b.detach()]))
    torch.testing.assert_close(*paths, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", [*THEIRS, "AdamUncorrected", "AdamEpsilonHat"])
def test_numpy_steps_leave_their_arguments_alone(name):
    rng = np.random.default_rng(0)
    optimizer = getattr(tn, name)()
    theta, grad, m, s = (rng.uniform(size=3) for _ in range(4))
    before = copy.deepcopy([theta, grad, m, s])
    optimizer.step(theta, grad, tn.Moments(m, s, 4))
    np.testing.assert_array_equal([theta, grad, m, s], before)


BAD = [
    ("lr", -0.1), ("lr", math.nan), ("lr", "0.1"), ("beta1", 1.0), ("beta1", -0.1), ("beta2", 1.0), ("beta2", math.nan),
    ("eps", -1e-8), ("eps", math.inf), ("weight_decay", -0.1),
]  # fmt: skip


@pytest.mark.parametrize("argument, value", BAD)
@pytest.mark.parametrize("name", [*THEIRS, "AdamUncorrected"])
def test_bad_hyperparameters_are_named(name, argument, value):
    p = torch.nn.Parameter(torch.zeros(2))
    wanted = rf"{argument} must be .*{value!r}"
    with pytest.raises(ValueError, match=wanted):
        getattr(tn, name)(**{argument: value})
    with pytest.raises(ValueError, match=wanted):
        getattr(tt, name)([p], **{argument: value})
    with pytest.raises(ValueError, match=wanted):
        getattr(tt, name)([p]).add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], argument: value})


# --- what the chapter derives ------------------------------------------------------------------------------------


def steps_taken(optimizer, grads):
    theta, state, taken = np.zeros(1), optimizer.init(np.zeros(1)), []
    for g in grads:
        new, state = optimizer.step(theta, np.array([float(g)]), state)
        taken.append((theta - new)[0])
        theta = new
    return np.array(taken)


@given(beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.9999), g=st.floats(-1e3, 1e3).filter(lambda g: abs(g) > 1e-3))
def test_under_a_constant_gradient_every_corrected_step_is_the_rate(beta1, beta2, g):
    for method in (tn.Adam, tn.AdaMax):
        if method is tn.AdaMax and beta2 == 0:
            continue
        taken = steps_taken(method(0.1, beta1, beta2, eps=0.0), [g] * 50)
        np.testing.assert_allclose(taken, 0.1 * np.sign(g), rtol=1e-6)


@given(beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.9999), seed=st.integers(0, 1000))
def test_without_correction_a_step_is_longer_by_a_known_factor(beta1, beta2, seed):
    grads = np.random.default_rng(seed).normal(size=30)
    t = np.arange(1, 31)
    factor = (1 - beta1**t) / np.sqrt(1 - beta2**t)
    plain = steps_taken(tn.AdamUncorrected(0.1, beta1, beta2, eps=0.0), grads)
    np.testing.assert_allclose(plain, factor * steps_taken(tn.Adam(0.1, beta1, beta2, eps=0.0), grads), rtol=1e-9)


def test_the_first_steps_without_correction():
    taken = steps_taken(tn.AdamUncorrected(1.0, eps=0.0), np.ones(200))
    assert taken[0] == pytest.approx(0.1 / math.sqrt(0.001))  # 3.16
    assert taken.argmax() == 11
    assert taken.max() == pytest.approx(6.56, abs=0.01)


@given(t=st.integers(1, 5000), g=st.floats(1e-9, 1.0))
def test_epsilon_hat_is_epsilon_that_shrinks(t, g):
    state = tn.Moments(np.array([g]), np.array([g * g]), t)
    eps = 1e-8 / math.sqrt(1 - 0.999**t)
    want = tn.Adam(eps=eps).direction(state)
    np.testing.assert_allclose(tn.AdamEpsilonHat(eps=1e-8).direction(state), want, rtol=1e-12)


@given(scale=st.floats(1e-3, 1e3))
def test_the_path_does_not_depend_on_the_scale_of_the_loss(scale):
    grad, start = quadratic(0, d=3)
    one = path_of_numpy(tn.Adam(0.01, eps=0.0), grad, start, steps=30)
    other = path_of_numpy(tn.Adam(0.01, eps=0.0), lambda x: scale * grad(x), start, steps=30)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


def test_decay_and_penalty_part_in_adam_and_agree_in_plain_gradient_descent():
    grad, start = quadratic(0)
    penalty = path_of_numpy(tn.Adam(0.01, weight_decay=0.5), grad, start, steps=50)
    decay = path_of_numpy(tn.AdamW(0.01, weight_decay=0.5), grad, start, steps=50)
    assert np.abs(penalty - decay).max() > 0.01
    lr, lam = 0.01, 0.5
    np.testing.assert_allclose(start - lr * (grad(start) + lam * start), (1 - lr * lam) * start - lr * grad(start))


def test_adamax_is_the_limit_of_means_of_higher_and_higher_powers():
    """If the powers fade by beta2 to the power q. If they fade by beta2, the size stays as it is."""
    from thalweg.exercises.keys.adam import fades_by_beta2, size_after

    rng = np.random.default_rng(0)
    rule, state, size = tn.AdaMax(eps=0.0), tn.Moments(np.zeros(5), np.zeros(5), 0), np.zeros(5)
    for grad in rng.normal(size=(200, 5)) * 0.98 ** np.arange(200)[:, None]:
        state, size = rule.moments(grad, state), size_after.reference(size, grad, rule.beta2, 100_000)
    np.testing.assert_allclose(size, state.s, rtol=1e-3)
    assert fades_by_beta2(np.ones(1), np.zeros(1), 0.9, 100_000) == pytest.approx(1, abs=1e-5)


def test_no_gradients_make_the_quotient_larger_than_the_chapter_says():
    """The Cauchy-Schwarz bound, and the gradients that reach it: older ones smaller by beta1 / beta2 a step."""
    beta1, beta2 = 0.9, 0.999
    bound = (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    assert bound == pytest.approx(7.27, abs=0.01)
    worst = steps_taken(tn.AdamUncorrected(1.0, eps=0.0), (beta1 / beta2) ** np.arange(300)[::-1])[-1]
    assert worst == pytest.approx(bound, rel=1e-6)
    others = steps_taken(tn.AdamUncorrected(1.0, eps=0.0), np.random.default_rng(0).normal(size=5000) ** 3)
    assert np.abs(others).max() < bound


def test_adam_runs_in_minimize():
    run = minimize(tn.Adam(0.1), bowl(20), steps=500)
    assert run.loss[-1] < 1e-4 * run.loss[0]


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.adam import ratio, steps_needed, turned

    known = {mistake.name: mistake.answer for mistake in turned.mistakes}
    assert ratio(tn.Adam(0.01)) == pytest.approx(turned.reference, abs=0.01)
    assert 1 / ratio(tn.Adam(0.01)) == pytest.approx(known["the ratio is upside down"], abs=0.001)
    assert ratio(tn.Momentum(0.01, 0.0)) == known["both valleys take the same number of steps"]
    assert ratio(tn.AdamUncorrected(0.01)) == pytest.approx(known["the averages were not corrected"], abs=0.01)
    assert ratio(tn.Adam(0.01), 45.0) == pytest.approx(known["the angle was in degrees"], abs=0.01)
    assert steps_needed(tn.Adam(0.01), math.pi / 4) == known["a number of steps, not a ratio"]
