"""Second-order methods against the outside world: scipy.optimize, scipy.sparse.linalg.cg, torch.optim.LBFGS, torch.func."""

import copy
import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, cg

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg import data, surfaces

SURFACES = [make() for make in surfaces.ALL]
METHODS = [tn.LBFGS(), tn.NonlinearCG(), tn.NonlinearCG("FR"), tn.ScaledCG()]


def positive(rng, d, kappa=100.0):
    """A symmetric matrix with curvatures from 1 to kappa."""
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return axes * np.geomspace(1, kappa, d) @ axes.T


def logistic(seed=0, n=80, d=5, penalty=0.01):
    """The loss of a logistic regression with its gradient and its Hessian."""
    rng = np.random.default_rng(seed)
    x, right = rng.normal(size=(n, d)) * np.geomspace(1, 10, d), rng.integers(2, size=n)
    sign = 2 * right - 1

    def value(w):
        return np.logaddexp(0, -sign * (x @ w)).mean() + penalty / 2 * w @ w

    def grad(w):
        return -x.T @ (sign / (1 + np.exp(sign * (x @ w)))) / n + penalty * w

    def hessian(w):
        chance = 1 / (1 + np.exp(-x @ w))
        return (x.T * (chance * (1 - chance))) @ x / n + penalty * np.eye(d)

    return value, grad, hessian, np.zeros(d)


# --- Newton -------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 8))
def test_one_newton_step_on_any_quadratic(seed, d):
    rng = np.random.default_rng(seed)
    hessian, lowest, theta = positive(rng, d), rng.normal(size=d), rng.normal(size=d)
    arrived = theta + tn.newton_step(hessian @ (theta - lowest), hessian)
    np.testing.assert_allclose(arrived, lowest, rtol=0, atol=1e-11)


@given(seed=st.integers(0, 2**32 - 1), damping=st.floats(0, 1e3))
def test_the_damped_step_solves_its_system_in_both_rooms(seed, damping):
    rng = np.random.default_rng(seed)
    g, hessian = rng.normal(size=5), positive(rng, 5)
    step = tn.newton_step(g, hessian, damping)
    np.testing.assert_allclose((hessian + damping * np.eye(5)) @ step, -g, rtol=0, atol=1e-10)
    in_torch = tt.newton_step(torch.tensor(g), torch.tensor(hessian), damping)
    np.testing.assert_allclose(in_torch, step, rtol=0, atol=1e-12)


def test_newtons_path_does_not_change_with_the_units():
    _, grad, hessian, start = logistic()
    scale = np.geomspace(1e-3, 1e3, len(start))
    plain, scaled = start + 0.1, (start + 0.1) / scale
    for _ in range(5):
        plain = plain + tn.newton_step(grad(plain), hessian(plain))
        w = scale * scaled
        scaled = scaled + tn.newton_step(scale * grad(w), scale[:, None] * hessian(w) * scale)
        np.testing.assert_allclose(scale * scaled, plain, rtol=1e-8)


@given(
    seed=st.integers(0, 2**32 - 1), d=st.integers(1, 6), radius=st.floats(1e-3, 100), turned=st.sampled_from([0, 1, 99])
)
def test_the_trust_region_step_meets_what_only_the_lowest_point_meets(seed, d, radius, turned):
    """(H + lambda I) p = -g with lambda >= 0, H + lambda I not negative, and lambda > 0 only at the rim."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    curvatures = rng.uniform(0.5, 5, size=d) * np.where(np.arange(d) < turned, -1, 1)
    hessian, g = axes * curvatures @ axes.T, rng.normal(size=d)
    p = tn.trust_region_step(g, hessian, radius)
    length = np.linalg.norm(p)
    assert length <= radius * (1 + 1e-9)
    pull = -(g + hessian @ p)  # lambda p
    damping = pull @ p / (p @ p)
    np.testing.assert_allclose(pull, damping * p, rtol=0, atol=1e-5 * (1 + np.abs(pull).max()))
    assert damping >= -1e-6 and curvatures.min() + damping >= -1e-6
    assert damping < 1e-6 or length == pytest.approx(radius, rel=1e-6)


def test_the_trust_region_step_leaves_a_saddle_without_a_slope():
    p = tn.trust_region_step(np.zeros(2), np.diag([1.0, -1.0]), 0.5)
    np.testing.assert_allclose(np.abs(p), [0, 0.5], rtol=0, atol=1e-12)


# --- conjugate gradients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("d", [1, 3, 20])
def test_conjugate_gradients_are_scipys_step_by_step(seed, d):
    rng = np.random.default_rng(seed)
    a, b, start = positive(rng, d), rng.normal(size=d), rng.normal(size=d)
    for begin in (None, start):
        path = []
        cg(a, b, x0=begin, rtol=1e-9, maxiter=12, callback=lambda x, path=path: path.append(x.copy()))
        for steps, theirs in enumerate(path, start=1):
            ours, lengths = tn.conjugate_gradient(lambda x: a @ x, b, begin, 0.0, steps)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
            assert lengths[0] == pytest.approx(np.linalg.norm(b if begin is None else b - a @ begin))
        in_torch, residuals = tt.conjugate_gradient(
            lambda x: torch.tensor(a) @ x,
            torch.tensor(b),
            None if begin is None else torch.tensor(begin),
            0.0,
            len(path),
        )
        np.testing.assert_allclose(in_torch, ours, rtol=0, atol=1e-9)
        assert len(residuals) == len(path) + 1


@given(seed=st.integers(0, 2**32 - 1), kinds=st.integers(1, 5))
def test_as_many_steps_as_there_are_different_curvatures(seed, kinds):
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    curvatures = np.resize(np.arange(1.0, kinds + 1), 12)
    a, b = axes * curvatures @ axes.T, rng.normal(size=12)
    x, lengths = tn.conjugate_gradient(lambda v: a @ v, b, tolerance=1e-8)
    assert len(lengths) <= kinds + 1
    np.testing.assert_allclose(a @ x, b, rtol=0, atol=1e-6)


def test_its_directions_are_conjugate_and_its_residuals_at_right_angles():
    rng = np.random.default_rng(0)
    a, b = positive(rng, 8), rng.normal(size=8)
    points = np.array([tn.conjugate_gradient(lambda v: a @ v, b, tolerance=0.0, steps=k)[0] for k in range(9)])
    moves, residuals = np.diff(points, axis=0), b - points @ a
    moves /= np.linalg.norm(moves, axis=1, keepdims=True)
    np.testing.assert_allclose(moves @ a @ moves.T - np.diag(np.diag(moves @ a @ moves.T)), 0, atol=1e-8)
    inner = residuals[:8] @ residuals[:8].T
    np.testing.assert_allclose(inner - np.diag(np.diag(inner)), 0, atol=1e-9)


def test_it_ends_at_a_direction_that_bends_down_and_at_once_on_zero():
    x, lengths = tn.conjugate_gradient(lambda v: np.array([1.0, -1.0]) * v, np.array([0.1, 1.0]))
    assert len(lengths) == 1 and not x.any()
    assert len(tn.conjugate_gradient(lambda v: v, np.zeros(3))[1]) == 1
    assert len(tt.conjugate_gradient(lambda v: v, torch.zeros(3))[1]) == 1


@given(seed=st.integers(0, 2**32 - 1))
def test_on_a_quadratic_the_nonlinear_forms_are_the_linear_one(seed):
    """With exact line searches all take the same path; the line search's cubic is exact on a parabola."""
    rng = np.random.default_rng(seed)
    a, b, d = positive(rng, 6, 20.0), rng.normal(size=6), 6
    linear = np.array([tn.conjugate_gradient(lambda v: a @ v, b, tolerance=0.0, steps=k)[0] for k in range(d + 1)])
    for method in (tn.NonlinearCG("PR", 1.1e-4), tn.NonlinearCG("FR", 1.1e-4), tn.ScaledCG(damping=1e-12)):
        walk = method.minimize(
            lambda x: 0.5 * x @ a @ x - b @ x, lambda x: a @ x - b, np.zeros(6), steps=4, tolerance=0
        )
        assert len(walk.loss) == 5
        np.testing.assert_allclose(walk.theta, linear[:5], rtol=0, atol=1e-3)


# --- line search --------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), first=st.floats(1e-3, 1e3), c2=st.floats(0.01, 0.9), where=st.integers(0, 5))
def test_the_length_that_is_found_meets_the_conditions(seed, first, c2, where):
    rng, surface = np.random.default_rng(seed), SURFACES[where]
    theta = np.array(surface.start) + rng.normal(scale=0.3, size=2)
    g = surface.grad(theta)
    direction = -g * rng.uniform(0.5, 2, size=2) / np.linalg.norm(g)

    def along(length):
        p = theta + length * direction
        return float(surface.value(p)), float(surface.grad(p) @ direction)

    here = (float(surface.value(theta)), float(g @ direction))
    length, *there = tn.line_search(along, here, first, c2=c2, narrow=0.0, evaluations=60)
    assert tn.wolfe(here, there, length, c2=c2) == (True, True)
    assert tuple(there) == along(length)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_where_scipy_finds_a_length_so_do_we_and_the_first_is_kept_by_both(surface):
    theta = np.array(surface.start)
    direction = -surface.grad(theta)
    found = scipy.optimize.line_search(surface.value, surface.grad, theta, direction, maxiter=50)[0]

    def along(length):
        p = theta + length * direction
        return float(surface.value(p)), float(surface.grad(p) @ direction)

    here = (float(surface.value(theta)), -float(direction @ direction))
    length, *there = tn.line_search(along, here, 1.0, evaluations=50)
    assert tn.wolfe(here, there, length) == tn.wolfe(here, along(found), found) == (True, True)
    if tn.wolfe(here, along(1.0), 1.0) == (True, True):
        assert length == found == 1.0


def test_a_cliff_and_a_hole_in_the_line():
    def along(length):
        return (math.inf, math.nan) if length > 0.5 else ((length - 0.3) ** 2, 2 * (length - 0.3))

    length, *there = tn.line_search(along, along(0.0), 4.0)
    assert tn.wolfe(along(0.0), there, length) == (True, True) and length <= 0.5
    length, value, _ = tn.line_search(lambda _: (math.nan, math.nan), (1.0, -1.0))
    assert (length, value) == (0.0, 1.0)


@pytest.mark.parametrize("options, words", [
    (dict(here=(0.0, 1.0)), "slope must be below 0"),
    (dict(c1=0.5, c2=0.1), "c1, c2 must be"),
    (dict(c2=1.0), "c1, c2 must be"),
])  # fmt: skip
def test_a_bad_line_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        tn.line_search(**({"along": lambda t: (t, 1.0), "here": (0.0, -1.0)} | options))


# --- minimizers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_every_minimizer_comes_to_a_minimum_and_counts(method, surface):
    seen = []

    def grad(p):
        seen.append(p)
        return surface.grad(p)

    walk = method.minimize(surface.value, grad, surface.start, steps=500, tolerance=1e-7)
    assert walk.slope[-1] <= 1e-7
    assert tn.critical_point(tn.hessian(surface.grad, walk.theta[-1]), 1e-4) == "minimum"
    assert (np.diff(walk.loss) <= 0).all() and (np.diff(walk.evaluations) > 0).all()
    assert walk.evaluations[-1] <= len(seen) <= walk.evaluations[-1] + 60
    assert walk.evaluations_to(walk.slope[-1]) == walk.evaluations[-1]
    assert walk.evaluations_to(-1.0) == math.inf


@pytest.mark.parametrize("theirs, ours", [
    ("BFGS", tn.LBFGS()), ("L-BFGS-B", tn.LBFGS(memory=10)), ("CG", tn.NonlinearCG()), ("CG", tn.NonlinearCG("FR")),
    ("CG", tn.ScaledCG()), ("Newton-CG", None),
])  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_scipy_finds_the_same_minimum(theirs, ours, seed):
    value, grad, hessian, start = logistic(seed)
    options = {
        "BFGS": {"gtol": 1e-9},
        "CG": {"gtol": 1e-9},
        "L-BFGS-B": {"gtol": 1e-9, "ftol": 0},
        "Newton-CG": {"xtol": 1e-10},
    }
    extra = {"hess": hessian} if theirs == "Newton-CG" else {}
    found = scipy.optimize.minimize(value, start, jac=grad, method=theirs, options=options[theirs], **extra).x
    if ours:
        walk = ours.minimize(value, grad, start, steps=1000, tolerance=1e-9)
    else:
        walk = tn.hessian_free(value, grad, lambda w, v: hessian(w) @ v, start, damping=0.0, least=0.0, tolerance=1e-9)
    np.testing.assert_allclose(walk.theta[-1], found, rtol=0, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
def test_bfgs_is_scipys_and_meets_the_secant_condition(seed):
    rng = np.random.default_rng(seed)
    a = positive(rng, 5)
    theirs, ours = scipy.optimize.BFGS(init_scale=1.0), np.eye(5)
    theirs.initialize(5, "inv_hess")
    for _ in range(4):
        dtheta = rng.normal(size=5)
        theirs.update(dtheta, a @ dtheta)
        ours = tn.bfgs_update(ours, dtheta, a @ dtheta)
        np.testing.assert_allclose(ours @ (a @ dtheta), dtheta, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours, theirs.get_matrix(), rtol=1e-8, atol=1e-8)
        assert np.linalg.eigvalsh(ours)[0] > 0
    with pytest.raises(ValueError, match="dgrad @ dtheta must be above 0"):
        tn.bfgs_update(ours, dtheta, -dtheta)


@given(seed=st.integers(0, 2**32 - 1), pairs=st.integers(0, 6))
def test_the_two_loops_are_the_matrix_and_scipys_operator(seed, pairs):
    rng = np.random.default_rng(seed)
    a, g = positive(rng, 7), rng.normal(size=7)
    s = rng.normal(size=(pairs, 7))
    y = s @ a
    ours = tn.two_loop(g, list(s), list(y))
    in_torch = tt.two_loop(torch.tensor(g), list(torch.tensor(s)), list(torch.tensor(y)))
    np.testing.assert_allclose(in_torch, ours, rtol=1e-11, atol=1e-12)
    if not pairs:
        np.testing.assert_array_equal(ours, g)
        return
    scale = (y[-1] @ s[-1]) / (y[-1] @ y[-1])
    matrix = scale * np.eye(7)
    for pair in zip(s, y, strict=True):
        matrix = tn.bfgs_update(matrix, *pair)
    np.testing.assert_allclose(ours, matrix @ g, rtol=0, atol=1e-9)
    theirs: LinearOperator = scipy.optimize.LbfgsInvHessProduct(s / scale**0.5, y * scale**0.5)  # theirs begins with 1
    np.testing.assert_allclose(ours, scale * (theirs @ g), rtol=0, atol=1e-9)


@pytest.mark.parametrize("bad, words", [
    (lambda: tn.LBFGS(lr=-1.0), r"lr .*-1.0"), (lambda: tn.LBFGS(memory=0), r"memory .*0"), (lambda: tn.LBFGS(c2=1.5), r"c2 .*1.5"),
    (lambda: tn.NonlinearCG("HS"), r"kind .*'HS'"), (lambda: tn.NonlinearCG(c2=0.0), r"c2 .*0.0"), (lambda: tn.ScaledCG(step=0.0), r"step .*0.0"),
    (lambda: tn.ScaledCG(damping=math.nan), r"damping .*nan"), (lambda: tn.newton_step(np.ones(1), np.eye(1), -1.0), r"damping .*-1.0"),
    (lambda: tn.trust_region_step(np.ones(1), np.eye(1), 0.0), r"radius .*0.0"),
    (lambda: tn.conjugate_gradient(lambda v: v, np.ones(1), steps=-1), r"steps .*-1"),
    (lambda: tt.conjugate_gradient(lambda v: v, torch.ones(1), tolerance=-1.0), r"tolerance .*-1.0"),
    (lambda: tt.newton_step(torch.ones(1), torch.eye(1), math.inf), r"damping .*inf"),
    (lambda: tn.LBFGS().minimize(abs, np.sign, np.full(2, np.nan)), "start must be finite"),
    (lambda: tn.hessian_free(abs, np.sign, None, np.ones(1), damping=-1.0), r"damping .*-1.0"),
    (lambda: tn.hessian_free(abs, np.sign, None, np.ones(1), inner=0), r"inner .*0"),
])  # fmt: skip
def test_bad_arguments_are_named(bad, words):
    with pytest.raises(ValueError, match=words):
        bad()


# --- torch: L-BFGS ------------------------------------------------------------------------------------------------


def network(dtype=torch.float64, device="cpu", seed=0, norm=False):
    """A small network on 60 digits with a closure; float64, so that paths can be compared."""
    torch.manual_seed(seed)
    split = data.digits()
    layers = [
        torch.nn.Linear(64, 8),
        *([torch.nn.BatchNorm1d(8)] if norm else []),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 10),
    ]
    model = torch.nn.Sequential(*layers).to(device, dtype)
    x = torch.tensor(split.x_train[:60]).to(device, dtype)
    y = torch.tensor(split.y_train[:60], device=device)
    return model, x, y


def closure_of(model, x, y, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return closure


def flat(model):
    return torch.cat([p.detach().flatten().cpu().double() for p in model.parameters()])


OPTIONS = [
    dict(lr=0.3),
    dict(lr=0.3, max_iter=5, history_size=3),
    dict(max_iter=1, lr=torch.tensor(0.1)),
    dict(line_search_fn="strong_wolfe"),
    dict(line_search_fn="strong_wolfe", max_iter=4, history_size=2),
    dict(line_search_fn="strong_wolfe", max_iter=10, max_eval=6),
    dict(line_search_fn="strong_wolfe", lr=0.2, tolerance_grad=1e-2),
    dict(lr=0.3, tolerance_change=1e-3),
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_lbfgs_walks_the_path_of_torchs(options):
    """To the last digit where arithmetic is the same; other processors may round otherwise, and the recursion amplifies it: 1e-9."""
    paths, counts = [], []
    for cls in (torch.optim.LBFGS, tt.LBFGS):
        model, x, y = network()
        optimizer = cls(model.parameters(), **options)
        closure = closure_of(model, x, y, optimizer)
        losses = [float(optimizer.step(closure).detach()) for _ in range(5)]
        state = optimizer.state[next(model.parameters())]
        paths.append(torch.cat([flat(model), torch.tensor(losses, dtype=torch.float64)]))
        counts.append((state["func_evals"], state["n_iter"]))
    assert counts[0] == counts[1]
    torch.testing.assert_close(paths[0], paths[1], rtol=0, atol=1e-9)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_lbfgs_in_single_precision(line_search_fn):
    ends = []
    for cls in (torch.optim.LBFGS, tt.LBFGS):
        model, x, y = network(torch.float32)
        optimizer = cls(model.parameters(), lr=0.5, max_iter=10, line_search_fn=line_search_fn)
        loss = float(optimizer.step(closure_of(model, x, y, optimizer)).detach())
        assert all(p.dtype == torch.float32 for p in model.parameters())
        ends.append(torch.cat([flat(model), torch.tensor([loss], dtype=torch.float64)]))
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_numpy_and_torch_lbfgs_walk_the_same_path(surface):
    """With a line search: NumPy's `minimize` against one step of many iterations; without: `step` against steps of one."""
    p = torch.nn.Parameter(torch.tensor(surface.start, dtype=torch.float64))

    def closure():
        p.grad = torch.as_tensor(surface.grad(p.detach().numpy()))
        return torch.as_tensor(surface.value(p.detach().numpy()))

    walk = tn.LBFGS().minimize(surface.value, surface.grad, surface.start, steps=12, tolerance=0.0)
    optimizer = tt.LBFGS(
        [p], max_iter=1, max_eval=26, line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0
    )
    for theta in walk.theta[1:10]:
        optimizer.step(closure)
        np.testing.assert_allclose(p.detach(), theta, rtol=0, atol=1e-7)
    rule, theta = tn.LBFGS(lr=0.05, memory=3), np.array(surface.start)
    with torch.no_grad():
        p.copy_(torch.tensor(surface.start))
    state, optimizer = rule.init(theta), tt.LBFGS([p], lr=0.05, max_iter=1, history_size=3)
    for _ in range(30):
        theta, state = rule.step(theta, surface.grad(theta), state)
        optimizer.step(closure)
        np.testing.assert_allclose(p.detach(), theta, rtol=0, atol=1e-7)


def test_a_numpy_step_changes_no_argument_and_takes_any_shape():
    rule, theta, rng = tn.LBFGS(lr=0.1, memory=2), np.ones((2, 3)), np.random.default_rng(0)
    state = rule.init(theta)
    for _ in range(5):
        grad = theta + rng.normal(size=(2, 3)) / 10
        before = copy.deepcopy((theta, grad, state))
        after, new = rule.step(theta, grad, state)
        np.testing.assert_equal((theta, grad, state), before)
        theta, state = after, new
    assert theta.shape == (2, 3) and len(state[0]) == 2


def make_lbfgs(model, **options):
    return tt.LBFGS(model.parameters(), **({"max_iter": 3, "line_search_fn": "strong_wolfe"} | options))


def make_free(model, **options):
    return tt.HessianFree(model, torch.nn.functional.cross_entropy, **({"inner": 10} | options))


def run(optimizer, model, x, y, steps):
    closure = closure_of(model, x, y, optimizer)
    for _ in range(steps):
        optimizer.step(closure) if isinstance(optimizer, tt.LBFGS) else optimizer.step(closure, x, y)
    return model


@pytest.mark.parametrize("make", [make_lbfgs, make_free])
def test_saved_loaded_copied_and_continued_without_a_difference(make, tmp_path):
    straight, x, y = network()
    run(make(straight), straight, x, y, 6)
    half, _, _ = network()
    optimizer = make(half)
    run(optimizer, half, x, y, 3)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    other, copied = copy.deepcopy((half, optimizer))
    resumed = make(half)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    torch.testing.assert_close(flat(run(resumed, half, x, y, 3)), flat(straight), rtol=0, atol=0)
    torch.testing.assert_close(flat(run(copied, other, x, y, 3)), flat(straight), rtol=0, atol=0)


def test_lbfgs_goes_on_from_a_state_of_torchs():
    (theirs, x, y), (ours, _, _) = network(), network()
    optimizer = torch.optim.LBFGS(theirs.parameters(), max_iter=5, line_search_fn="strong_wolfe")
    closure = closure_of(theirs, x, y, optimizer)
    optimizer.step(closure)
    ours.load_state_dict(theirs.state_dict())
    resumed = make_lbfgs(ours, max_iter=5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # torch overwrites its tensors in place
    optimizer.step(closure)
    torch.testing.assert_close(flat(run(resumed, ours, x, y, 1)), flat(theirs), rtol=0, atol=1e-9)


@pytest.mark.parametrize("make", [make_lbfgs, make_free])
def test_what_has_no_gradient_stays_and_a_scheduler_can_be_attached(make):
    model, x, y = network()
    model[0].bias.requires_grad_(False)
    before = model[0].bias.clone(), model[0].weight.clone()
    optimizer = make(model)
    run(optimizer, model, x, y, 2)
    assert torch.equal(model[0].bias, before[0]) and not torch.equal(model[0].weight, before[1])
    if make is make_lbfgs:
        torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5).step()
        assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("options, words", [
    (dict(lr=-1.0), r"lr .*-1.0"), (dict(lr=math.nan), r"lr .*nan"), (dict(lr=torch.ones(2)), "lr must be"), (dict(lr="1"), r"lr .*'1'"),
    (dict(max_iter=0), r"max_iter .*0"), (dict(max_iter=2.5), r"max_iter .*2.5"), (dict(max_eval=0), r"max_eval .*0"), (dict(history_size=0), r"history_size .*0"),
    (dict(tolerance_grad=-1.0), r"tolerance_grad .*-1.0"), (dict(tolerance_change=math.inf), r"tolerance_change .*inf"),
    (dict(line_search_fn="armijo"), r"line_search_fn .*'armijo'"),
])  # fmt: skip
def test_bad_arguments_of_lbfgs_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        make_lbfgs(network()[0], **options)


@pytest.mark.parametrize("options, words", [
    (dict(damping=-1.0), r"damping .*-1.0"), (dict(damping=None), r"damping .*None"), (dict(least=math.nan), r"least .*nan"), (dict(inner=0), r"inner .*0"),
])  # fmt: skip
def test_bad_arguments_of_hessian_free_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        make_free(network()[0], **options)


def test_groups_are_refused_as_in_torch():
    a, b = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    with pytest.raises(ValueError, match="one group for LBFGS, got 2"):
        tt.LBFGS([{"params": [a]}, {"params": [b], "lr": 0.1}])


# --- torch: Hessian-free ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [False, True])
def test_gauss_newton_is_the_matrix_of_its_definition(norm):
    model, x, y = network(norm=norm)
    model.eval()
    loss = torch.nn.functional.cross_entropy
    product = tt.gauss_newton(model, loss, x, y)
    names = [name for name, _ in model.named_parameters()]
    theta = {name: p.detach() for name, p in model.named_parameters()}
    buffers = dict(model.named_buffers())
    outputs = lambda theta: torch.func.functional_call(model, theta | buffers, (x,))  # noqa: E731
    jacobian = torch.func.jacrev(outputs)(theta)
    j = torch.cat([jacobian[name].flatten(2) for name in names], dim=2).flatten(0, 1)
    h = torch.func.hessian(lambda z: loss(z, y))(outputs(theta)).reshape(len(j), len(j))
    v = torch.randn(j.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(product(v), j.T @ (h @ (j @ v)), rtol=1e-10, atol=1e-12)


def test_for_a_linear_model_gauss_newton_is_the_hessian():
    _, x, y = network()
    model = torch.nn.Linear(64, 10).double()

    def of(theta):
        return torch.nn.functional.cross_entropy(x @ theta[:640].view(10, 64).T + theta[640:], y)

    theta, v = flat(model), torch.randn(650, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    product = tt.gauss_newton(model, torch.nn.functional.cross_entropy, x, y)(v)
    torch.testing.assert_close(product, tt.hessian_vector(of, theta, v), rtol=1e-10, atol=1e-12)


def test_running_averages_are_left_alone_by_products():
    model, x, y = network(norm=True)
    before = copy.deepcopy(model.state_dict())
    tt.gauss_newton(model, torch.nn.functional.cross_entropy, x, y)(torch.ones(len(flat(model)), dtype=torch.float64))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_numpy_and_torch_hessian_free_walk_the_same_path():
    model, x, y = network()
    loss = torch.nn.functional.cross_entropy

    def load(theta):
        torch.nn.utils.vector_to_parameters(torch.tensor(theta), other.parameters())

    other, _, _ = network()

    def value(theta):
        load(theta)
        return float(loss(other(x), y).detach())

    def grad(theta):
        load(theta)
        other.zero_grad()
        loss(other(x), y).backward()
        return torch.cat([p.grad.flatten() for p in other.parameters()]).numpy()

    def product(theta, direction):
        load(theta)
        return tt.gauss_newton(other, loss, x, y)(torch.tensor(direction)).numpy()

    walk = tn.hessian_free(value, grad, product, flat(model).numpy(), steps=8, inner=10)
    optimizer = make_free(model)
    for theta in walk.theta[1:]:
        run(optimizer, model, x, y, 1)
        np.testing.assert_allclose(flat(model), theta, rtol=0, atol=1e-8)
    state = optimizer.state[next(model.parameters())]
    assert 1 + 8 + 2 * state["products"] == walk.evaluations[-1]
    assert walk.loss[-1] < 0.3 * walk.loss[0]


def test_hessian_free_on_a_convolutional_network_in_single_precision():
    torch.manual_seed(0)
    split = data.digits()
    x, y = torch.tensor(split.x_train[:200]).float().view(-1, 1, 8, 8), torch.tensor(split.y_train[:200])
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(36, 10)
    )
    optimizer = tt.HessianFree(model, torch.nn.functional.cross_entropy)
    closure = closure_of(model, x, y, optimizer)
    losses = [float(optimizer.step(closure, x[:100], y[:100]).detach()) for _ in range(15)]
    assert (np.diff(losses) <= 0).all() and losses[-1] < 0.2 * losses[0]


def test_a_step_that_does_not_help_is_not_taken():
    model, x, y = network()
    optimizer = make_free(model, damping=1e-6)
    before = flat(model)
    values = iter([1.0, 2.0])

    def closure():
        closure_of(model, x, y, optimizer)()
        return torch.tensor(next(values))

    optimizer.step(closure, x, y)
    assert torch.equal(flat(model), before)
    assert optimizer.state[next(model.parameters())]["damping"] == pytest.approx(1.5e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("make", [make_lbfgs, make_free])
def test_on_a_gpu(make):
    (here, x, y), (there, x_there, y_there) = network(), network(device="cuda")
    run(make(here), here, x, y, 4)
    run(make(there), there, x_there, y_there, 4)
    torch.testing.assert_close(flat(there), flat(here), rtol=0, atol=1e-6)
