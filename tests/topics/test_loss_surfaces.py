"""Curvature against the outside world: numpy.linalg.eigvalsh, scipy's eigsh, torch.func.hessian, random matrices, bad input."""

import math
from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, eigsh

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.data import digits
from thalweg.landscape import Classifier
from thalweg.surfaces import ALL, saddle, two_valleys


def symmetric(seed, d, values=None):
    """A random symmetric matrix, with these eigenvalues if they are given."""
    rng = np.random.default_rng(seed)
    if values is None:
        a = rng.normal(size=(d, d))
        return (a + a.T) / 2
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return q @ np.diag(values) @ q.T


def curved(theta):
    """A loss that is no quadratic, for tensors of any shape; its parameters pull at each other."""
    flat = theta.flatten()
    return torch.tanh(flat).prod() + (flat**4).sum() / 4 + torch.sin(flat[:-1] * flat[1:]).sum()


def slope(theta):
    """The gradient of :func:`curved`, on arrays."""
    point = torch.tensor(theta, requires_grad=True)
    (found,) = torch.autograd.grad(curved(point), point)
    return found.numpy()


@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(1, 2), (3,), (2, 3), (5,)]))
def test_products_of_both_rooms_are_those_with_the_whole_hessian(seed, shape):
    rng = np.random.default_rng(seed)
    theta, xi = rng.normal(size=shape), rng.normal(size=shape)
    whole = torch.func.hessian(curved)(torch.tensor(theta)).numpy().reshape(xi.size, xi.size)
    wanted = (whole @ xi.ravel()).reshape(shape)
    exact = tt.hessian_vector(curved, torch.tensor(theta), torch.tensor(xi))
    np.testing.assert_allclose(exact.numpy(), wanted, rtol=0, atol=1e-12 * max(1, np.abs(wanted).max()))
    ours = tn.hessian_vector(slope, theta, xi)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-7 * max(1, np.abs(whole).max()) * np.linalg.norm(xi))


@pytest.mark.parametrize("length", [1e-9, 1.0, 1e9])
def test_a_product_is_as_good_for_a_long_direction_as_for_a_short_one(length):
    rng = np.random.default_rng(0)
    theta, xi = rng.normal(size=4), rng.normal(size=4)
    wanted = torch.func.hessian(curved)(torch.tensor(theta)).numpy() @ xi
    np.testing.assert_allclose(tn.hessian_vector(slope, theta, length * xi) / length, wanted, rtol=1e-7)


def test_a_direction_of_length_0_and_a_linear_loss_have_the_product_0():
    ones = np.ones(3)
    np.testing.assert_array_equal(tn.hessian_vector(slope, ones, 0 * ones), 0 * ones)
    flat = torch.ones(3)
    assert torch.equal(tt.hessian_vector(lambda theta: 2 * theta.sum(), flat, flat), torch.zeros(3))
    assert torch.equal(tt.hessian_vector(lambda theta: (theta * torch.arange(3.0)).sum(), flat, flat), torch.zeros(3))


def test_the_whole_hessian_in_both_rooms():
    theta = np.random.default_rng(1).normal(size=5)
    wanted = torch.func.hessian(curved)(torch.tensor(theta)).numpy()
    np.testing.assert_allclose(tt.hessian(curved, torch.tensor(theta)).numpy(), wanted, rtol=0, atol=1e-12)
    ours = tn.hessian(slope, theta)
    np.testing.assert_array_equal(ours, ours.T)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-8)


def test_the_whole_hessian_of_a_network():
    data = digits()
    network = Classifier(data.x_train[:50], data.y_train[:50], hidden=(3,), decay=0.01)
    theta = network.init(0)

    def loss(theta):
        a, b = (p.reshape(s) for p, s in zip(theta.split([65 * 3, 4 * 10]), network.shapes, strict=True))
        scores = torch.tanh(torch.tensor(network.x) @ a[:-1] + a[-1]) @ b[:-1] + b[-1]
        return torch.nn.functional.cross_entropy(scores, torch.tensor(network.y)) + 0.005 * (theta**2).sum()

    wanted = tt.hessian(loss, torch.tensor(theta)).numpy()
    np.testing.assert_allclose(tn.hessian(network.grad, theta), wanted, rtol=0, atol=1e-8)


@pytest.mark.parametrize("surface", [make() for make in ALL], ids=lambda s: s.name)
def test_minima_of_the_test_surfaces_are_minima(surface):
    assert tn.critical_point(tn.hessian(surface.grad, np.array(surface.minimum))) == "minimum"


def test_float32():
    theta = np.random.default_rng(2).normal(size=4).astype(np.float32)
    xi = np.random.default_rng(3).normal(size=4).astype(np.float32)
    wanted = torch.func.hessian(curved)(torch.tensor(theta).double()).numpy()
    ours = tn.hessian_vector(slope, theta, xi)
    exact = tt.hessian_vector(curved, torch.tensor(theta), torch.tensor(xi))
    assert ours.dtype == np.float32 and exact.dtype == torch.float32
    np.testing.assert_allclose(ours, wanted @ xi, rtol=0, atol=2e-3 * np.abs(wanted).max())
    np.testing.assert_allclose(exact.numpy(), wanted @ xi, rtol=0, atol=2e-5 * np.abs(wanted).max())
    matrix = symmetric(0, 6, [-3, -1, 0, 1, 2, 9]).astype(np.float32)
    for found, _ in (
        tn.top_eigenvalue(lambda v: matrix @ v, np.ones(6, np.float32)),
        tt.top_eigenvalue(lambda v: torch.tensor(matrix) @ v, torch.ones(6)),
    ):
        assert found == pytest.approx(9, rel=1e-5)
    values, weights = tn.lanczos(lambda v: matrix @ v, np.ones(6, np.float32), 6)
    np.testing.assert_allclose(values, [-3, -1, 0, 1, 2, 9], atol=1e-4)
    assert weights.sum() == pytest.approx(1)


# --- names --------------------------------------------------------------------------------------------------------

NAMED = [
    ([2.0, 1.0], "minimum"),
    ([-2.0, -1.0], "maximum"),
    ([-2.0, 1.0], "saddle"),
    ([-2.0, 0.0, 1.0], "saddle"),
    ([0.0, 1.0], "undecided"),
    ([-1.0, 0.0], "undecided"),
    ([0.0, 0.0], "undecided"),
    ([-1e-9, 1.0], "undecided"),
    ([1e-5, 1.0], "minimum"),
    ([3.0], "minimum"),
]


@pytest.mark.parametrize("values, name", NAMED)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_critical_point_is_named_by_its_curvatures(values, name, scale):
    matrix = scale * symmetric(0, len(values), values)
    assert tn.critical_point(matrix) == name
    assert tt.critical_point(torch.tensor(matrix)) == name


def test_the_saddle_between_two_minima():
    assert tn.critical_point(tn.hessian(saddle().grad, np.zeros(2))) == "saddle"
    assert tn.critical_point(tn.hessian(saddle().grad, np.array([0.0, -1.0]))) == "minimum"
    assert tn.critical_point(tn.hessian(two_valleys().grad, np.array([-0.254102, 0.0]))) == "saddle"


def test_all_critical_points_of_a_double_well_are_found():
    def wells(theta):
        return ((theta**2 - 1) ** 2 / 4).sum()

    starts = torch.tensor(np.random.default_rng(0).uniform(-1.5, 1.5, size=(100, 2)))
    losses, curvatures = tt.critical_points(wells, starts)
    assert len(losses) > 80
    index = (curvatures < 0).sum(dim=1)
    np.testing.assert_allclose(losses, index / 4, atol=1e-9)  # 0 at the minima, 1/4 at the saddles, 1/2 at the maximum
    assert set(index.tolist()) == {0, 1, 2}
    np.testing.assert_allclose(curvatures[index == 1][0], [-1, 2], atol=1e-6)
    assert len(tt.critical_points(lambda theta: theta.sum(), starts, steps=3)[0]) == 0


# --- eigenvalues --------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 12), sign=st.sampled_from([-1, 1]))
def test_power_iteration_finds_the_largest_in_size_with_its_sign(seed, d, sign):
    values = np.append(np.linspace(-0.6, 0.6, d - 1), sign)
    matrix = symmetric(seed, d, values)
    start = np.random.default_rng(seed).normal(size=d)
    for h, xi in (
        tn.top_eigenvalue(lambda v: matrix @ v, start, 500, 1e-14),
        tt.top_eigenvalue(lambda v: torch.tensor(matrix) @ v, torch.tensor(start), 500, 1e-14),
    ):
        assert h == pytest.approx(sign, abs=1e-9)
        assert np.linalg.norm(xi) == pytest.approx(1)
        np.testing.assert_allclose(matrix @ np.asarray(xi), sign * np.asarray(xi), atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 10))
def test_lanczos_to_the_end_is_the_whole_spectrum(seed, d):
    matrix = symmetric(seed, d)
    start = np.random.default_rng(seed + 1).normal(size=d)
    wanted, vectors = np.linalg.eigh(matrix)
    values, weights = tn.lanczos(lambda v: matrix @ v, start, d + 5)
    theirs, shares = tt.lanczos(lambda v: torch.tensor(matrix) @ v, torch.tensor(start), d + 5)
    shown = (vectors.T @ start / np.linalg.norm(start)) ** 2
    for found, share in ((values, weights), (theirs.numpy(), shares.numpy())):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
        np.testing.assert_allclose(share, shown, rtol=0, atol=1e-7)


def test_the_ends_come_first_and_agree_with_scipy():
    matrix = symmetric(0, 300)
    start = np.random.default_rng(1).normal(size=300)
    values, weights = tn.lanczos(lambda v: matrix @ v, start, 80)
    operator = LinearOperator((300, 300), matvec=lambda v: matrix @ v, dtype=float)
    lowest, highest = np.sort(eigsh(operator, k=2, which="BE", v0=start)[0])
    assert (values[0], values[-1]) == (pytest.approx(lowest, abs=1e-9), pytest.approx(highest, abs=1e-9))
    assert weights.sum() == pytest.approx(1)
    theirs, _ = tt.lanczos(lambda v: torch.tensor(matrix) @ v, torch.tensor(start), 80)
    np.testing.assert_allclose(theirs.numpy(), values, rtol=0, atol=1e-9)
    whole = np.linalg.eigvalsh(matrix)  # what the weights are for: sums over the spectrum
    assert values**2 @ weights == pytest.approx((whole**2).mean(), rel=0.2)


def test_lanczos_stops_where_there_is_nothing_new():
    values, weights = tn.lanczos(lambda v: 3 * v, np.ones((2, 2)), 4)
    np.testing.assert_allclose([values, weights], [[3], [1]])
    found, _ = tt.lanczos(lambda v: 0 * v, torch.ones(3), 3)
    assert found.tolist() == [0]


def test_the_same_through_products_of_a_network():
    data = digits()
    network = Classifier(data.x_train[:60], data.y_train[:60], hidden=(4,))
    theta = network.init(0)
    wanted = np.linalg.eigvalsh(tn.hessian(network.grad, theta))
    start = np.random.default_rng(0).normal(size=theta.size)

    def times(v):
        return tn.hessian_vector(network.grad, theta, v)

    values, _ = tn.lanczos(times, start, 40)
    assert (values[0], values[-1]) == (pytest.approx(wanted[0], abs=1e-6), pytest.approx(wanted[-1], abs=1e-6))
    assert tn.top_eigenvalue(times, start, 300, 1e-10)[0] == pytest.approx(wanted[np.abs(wanted).argmax()], rel=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    theta, xi = (torch.randn(6, dtype=torch.float64, device="cuda") for _ in range(2))
    whole = tt.hessian(curved, theta)
    torch.testing.assert_close(tt.hessian_vector(curved, theta, xi), whole @ xi, rtol=0, atol=1e-12)
    values, _ = tt.lanczos(lambda v: whole @ v, xi, 6)
    torch.testing.assert_close(values, torch.linalg.eigvalsh(whole), rtol=0, atol=1e-9)
    assert tt.critical_point(whole @ whole + torch.eye(6, dtype=torch.float64, device="cuda")) == "minimum"


# --- theory that the chapter states -------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [2.0, 20.0, 500.0])
def test_the_loss_falls_by_the_square_of_the_factor_at_worst(kappa):
    curvatures, lr = np.array([1.0, math.sqrt(kappa), kappa]), 2 / (1 + kappa)
    rng = np.random.default_rng(0)
    bound = ((kappa - 1) / (kappa + 1)) ** 2
    for theta in [*rng.normal(size=(20, 3)), np.eye(3)[0]]:
        after = theta - lr * curvatures * theta
        ratio = (curvatures @ after**2) / (curvatures @ theta**2)
        assert ratio <= bound * (1 + 1e-12)
    assert ratio == pytest.approx(bound)  # along the flat axis


def test_units_that_are_moved_or_turned_leave_the_network_as_it_is():
    rng = np.random.default_rng(0)
    w, b, v = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=(1, 3))
    x = rng.normal(size=(7, 2))
    seen, wanted = set(), np.tanh(x @ w.T + b) @ v.T
    for order, signs in product(permutations(range(3)), product([-1, 1], repeat=3)):
        s, order = np.array(signs), list(order)
        w2, b2, v2 = s[:, None] * w[order], s * b[order], s * v[:, order]
        np.testing.assert_allclose(np.tanh(x @ w2.T + b2) @ v2.T, wanted, atol=1e-14)
        seen.add(np.concatenate([w2.ravel(), b2, v2.ravel()]).tobytes())
    assert len(seen) == math.factorial(3) * 2**3


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 0), ()])
def test_what_is_no_hessian_is_refused(shape):
    with pytest.raises(ValueError, match=r"shape of hessian must be \(d, d\)"):
        tn.critical_point(np.ones(shape))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="hessian must be finite"):
        tn.critical_point(np.array([[math.nan]]))
    for step in (0.0, -1e-5, math.nan, math.inf):
        with pytest.raises(ValueError, match="step must be a finite number above 0"):
            tn.hessian_vector(slope, np.ones(2), np.ones(2), step)
    for room, make in ((tn, np.array), (tt, torch.tensor)):
        for start in ([0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]):
            with pytest.raises(ValueError, match="start must be a direction"):
                room.top_eigenvalue(lambda v: v, make(start))
            with pytest.raises(ValueError, match="start must be a direction"):
                room.lanczos(lambda v: v, make(start), 2)
        with pytest.raises(ValueError, match="steps must be at least 1"):
            room.lanczos(lambda v: v, make([1.0, 0.0]), 0)


# --- what chapter and assignment say ------------------------------------------------------------------------------


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.loss_surfaces import measure_saddle_share, saddle_share

    assert saddle_share.reference == pytest.approx(1 - (math.pi - 2 * math.sqrt(2)) / (2 * math.pi), abs=2e-4)
    assert measure_saddle_share() == pytest.approx(saddle_share.reference, abs=0.002)


def test_points_of_equal_networks_are_counted_by_enumeration():
    from thalweg.exercises.keys.loss_surfaces import equal_minima

    rng = np.random.default_rng(0)
    twin, other, empty = rng.normal(size=4), rng.normal(size=4), np.zeros(4)
    for units in ([twin], [twin, other], [twin, -twin, other], [empty, twin], [empty, empty, twin, twin]):
        u, seen = np.array(units), set()
        for order, signs in product(permutations(range(len(u))), product([-1, 1], repeat=len(u))):
            seen.add(tuple((u[list(order)] * np.array(signs)[:, None] + 0.0).ravel()))
        counted = equal_minima.reference(u[:, :2], u[:, 2:], 1e-9)
        assert counted == (math.factorial(len(u)) * 2 ** len(u), len(seen))
