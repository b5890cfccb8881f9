"""The loss surface of a real network: gradients against finite differences, a floor that is lowest across, the front page's claims."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from thalweg.landscape import Classifier, Joined, Plane, matched, thalweg, two_networks
from thalweg.minimize import minimize
from thalweg.numpy import Adam, Momentum, Nesterov
from thalweg.surfaces import ravine, two_valleys


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return Classifier(rng.normal(size=(20, 5)), rng.integers(0, 3, size=20), hidden=(4, 3), decay=0.01)


@pytest.fixture(scope="module")
def map_of_two():
    return two_networks()


def test_the_loss_is_cross_entropy_plus_decay(network):
    torch = pytest.importorskip("torch")
    theta = network.init(3)
    a, parts = torch.tensor(network.x), np.split(theta, np.cumsum([n * m for n, m in network.shapes])[:-1])
    for i, (part, shape) in enumerate(zip(parts, network.shapes, strict=True)):
        layer = torch.tensor(part.reshape(shape))
        a = torch.nn.functional.linear(a, layer[:-1].T, layer[-1])
        a = a if i == 2 else torch.tanh(a)
    wanted = torch.nn.functional.cross_entropy(a, torch.tensor(network.y)).item() + 0.005 * np.sum(theta**2)
    assert network.value(theta) == pytest.approx(wanted, rel=1e-12)


def test_units_find_their_places_again(network):
    """A copy whose units were shuffled and turned round comes back as it was; a stranger comes closer and stays the network it is."""
    a, b = network.init(0), network.init(1)
    layers = [layer.copy() for layer in network.layers(a)]
    for i, (order, signs) in enumerate([([2, 0, 3, 1], [1, -1, -1, 1]), ([1, 2, 0], [-1, 1, -1])]):
        layers[i] = layers[i][:, order] * signs
        layers[i + 1][:-1] = layers[i + 1][order] * np.array(signs)[:, None]
    shuffled = np.concatenate([layer.ravel() for layer in layers])
    assert network.value(shuffled) == pytest.approx(network.value(a), rel=1e-12)
    np.testing.assert_allclose(matched(network, a, shuffled), a, rtol=0, atol=1e-15)
    nearer = matched(network, a, b)
    assert network.value(nearer) == pytest.approx(network.value(b), rel=1e-12)
    assert np.linalg.norm(a - nearer) < np.linalg.norm(a - b)


def test_gradients_agree_with_finite_differences(network):
    a, b, c = (network.init(seed) for seed in (1, 2, 3))
    joined = Joined(network, a, b)
    surface = Plane.through(a, b, c).surface(network, (0, 0), (-1, 1, -1, 1))
    for function, point in [(network, c), (joined, c), (surface, np.array([0.7, -0.4]))]:
        np.testing.assert_allclose(function.grad(point), approx_fprime(point, function.value, 1e-7), atol=1e-6)


def test_the_plane_contains_its_three_points_and_keeps_distances(network):
    a, b, c = (network.init(seed) for seed in (1, 2, 3))
    plane = Plane.through(a, b, c)
    spots = plane.project(np.array([a, b, c]))
    np.testing.assert_allclose(spots[0], 0, atol=1e-12)
    np.testing.assert_allclose(spots[1], [np.linalg.norm(b - a), 0], atol=1e-12)
    assert spots[2, 1] < 0
    np.testing.assert_allclose(np.linalg.norm(spots[2]), np.linalg.norm(c - a))
    surface = plane.surface(network, (0, 0), (-1, 1, -1, 1))
    np.testing.assert_allclose(surface.value(spots), [network.value(point) for point in (a, b, c)])
    assert surface.grad(np.zeros((4, 3, 2))).shape == (4, 3, 2)


def test_three_points_on_a_line_span_no_plane(network):
    a, b = network.init(1), network.init(2)
    with pytest.raises(ValueError, match="one line"):
        Plane.through(a, b, (a + b) / 2)


def test_examples_without_classes_are_refused():
    with pytest.raises(ValueError, match="20 and 19"):
        Classifier(np.zeros((20, 5)), np.zeros(19, dtype=int))


def test_the_floor_of_a_known_valley():
    floor = thalweg(ravine(), -4, 1, n=30)
    np.testing.assert_allclose(floor[:, 1], np.sin(floor[:, 0]), atol=1e-4)


def test_a_window_that_cuts_the_valley_off_is_refused():
    with pytest.raises(ValueError, match="rim"):
        thalweg(Plane(np.zeros(2), np.eye(2)).surface(two_valleys(), (0, 0), (-3, 3, 0.5, 2)), -2, 2)


def test_the_thalweg_of_two_networks_is_lowest_across(map_of_two):
    surface, floor = map_of_two.surface, map_of_two.floor
    on_floor = surface.value(floor)
    for y in np.linspace(*surface.window[2:], 60):
        assert np.all(surface.value(np.stack([floor[:, 0], np.full(len(floor), y)], axis=-1)) >= on_floor - 1e-9)
    np.testing.assert_allclose(surface.grad(floor)[:, 1], 0, atol=1e-3)
    assert np.abs(np.diff(floor[:, 1])).max() < 0.5  # one line: it does not jump from valley to valley


def test_the_valley_is_real_and_the_straight_way_is_a_mountain(map_of_two):
    ends = [history.theta[-1] for history in map_of_two.trainings.values()]
    (left, _), (right, _) = map_of_two.plane.project(np.array(ends))
    losses = [history.loss[-1] for history in map_of_two.trainings.values()]
    assert max(losses) < 0.2
    straight = map_of_two.surface.value(np.stack([np.linspace(left, right, 50), np.zeros(50)], axis=-1)).max()
    between = (map_of_two.floor[:, 0] >= left) & (map_of_two.floor[:, 0] <= right)
    along = map_of_two.surface.value(map_of_two.floor[between]).max()
    assert straight > 3 * along


def test_in_the_race_two_go_left_and_two_go_right(map_of_two):
    methods = {"gradient descent": Momentum(1.0, 0.0), "heavy ball": Momentum(1.0, 0.9)}
    methods |= {"Nesterov": Nesterov(1.0, 0.9), "Adam": Adam(lr=0.5)}
    ends = {name: minimize(method, map_of_two.surface, steps=100) for name, method in methods.items()}
    right = {name for name, run in ends.items() if run.theta[-1, 0] > 11}
    assert right == {"gradient descent", "Nesterov"}
    assert all(run.loss[-1] < 0.25 for run in ends.values())
