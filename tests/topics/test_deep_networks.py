"""What networks can compute, against the outside world: sampling, dense grids, torch, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.data import Split

LINES = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=7)


def drawn(*widths, seed=0, bias=0.3):
    """A network with its parameters drawn, biases included."""
    network, rng = tn.mlp(*widths), np.random.default_rng(seed)
    parameters = network.init(rng)
    return network, {name: a + bias * rng.normal(size=a.shape) * name.endswith("b") for name, a in parameters.items()}


def sampled_regions(w, b, rng, n=50_000, reach=40.0):
    """Counted by brute force: the patterns of signs that many random points show."""
    x = rng.normal(size=(n, w.shape[1])) * np.exp(rng.uniform(-3, np.log(reach), size=(n, 1)))
    return len(np.unique(x @ w.T + b > 0, axis=0))


def faces(w, b):
    """The regions of lines in the plane, counted as faces of a graph: crossings and pieces, by Euler's formula."""
    lines = {
        tuple(np.round(np.array(row) / math.hypot(*row[:2]) * np.sign(next(c for c in row if c)), 9))
        for row in zip(*w.T, b, strict=True)
    }
    points_of = {line: set() for line in lines}
    for one in lines:
        for other in lines:
            det = one[0] * other[1] - one[1] * other[0]
            if abs(det) > 1e-9:
                x = (one[1] * other[2] - other[1] * one[2]) / det
                y = (other[0] * one[2] - one[0] * other[2]) / det
                points_of[one].add((round(x, 6) + 0.0, round(y, 6) + 0.0))
    crossings = set().union(*points_of.values())
    pieces = sum(len(points) + 1 for points in points_of.values())
    return 1 + pieces - len(crossings)


@given(LINES)
@settings(deadline=None)
def test_regions_of_any_lines_are_the_faces_of_their_graph(rows):
    """With small whole numbers: parallel, equal and concurrent lines among them, and rows of zeros that are none."""
    rows = np.array(rows, dtype=float)
    w, b = rows[:, :2], rows[:, 2]
    kept = (w != 0).any(axis=1)
    assert tn.regions(w, b) == (faces(w[kept], b[kept]) if kept.any() else 1)


@pytest.mark.parametrize("outputs, inputs", [(4, 1), (3, 2), (5, 2), (4, 3), (6, 3), (3, 5)])
def test_regions_by_sampling_and_by_the_formula(outputs, inputs):
    rng = np.random.default_rng(outputs)
    w, b = rng.normal(size=(outputs, inputs)), 0.2 * rng.normal(size=outputs)
    assert tn.regions(w, b) == tn.regions_at_most(outputs, inputs)
    assert sampled_regions(w, b, rng) <= tn.regions_at_most(outputs, inputs)
    if inputs <= 2 or outputs <= inputs:  # slim regions are not missed there
        assert sampled_regions(w, b, rng) == tn.regions_at_most(outputs, inputs)


def test_regions_of_special_arrangements():
    through_one_point = np.array([[1.0, 0], [0, 1], [1, 1], [1, -1]])
    assert tn.regions(through_one_point, np.zeros(4)) == 8
    assert tn.regions(through_one_point, [0, 0, 0, 1]) == 10
    assert tn.regions(np.eye(3), np.zeros(3)) == 8
    assert tn.regions(np.vstack([np.eye(3), np.eye(3)]), np.arange(6.0)) == 27
    assert tn.regions([[1.0, 0], [-2, 0], [3, 0]], [1.0, -2, 3]) == 2  # one line, three times
    assert tn.regions(np.zeros((2, 2)), np.ones(2)) == 1
    assert tn.regions_at_most(20, 30) == 2**20  # fewer hyperplanes than dimensions: every pattern
    assert tn.regions(np.float32(through_one_point), np.float32([0, 0, 0, 1])) == 10


@pytest.mark.parametrize("folds", [1, 2, 5, 12])
def test_a_folded_tent_has_two_to_the_folds_pieces_of_equal_width(folds):
    network, parameters = tn.sawtooth(folds)
    found = tn.breakpoints(network, parameters)
    np.testing.assert_allclose(found, np.arange(1, 2**folds) / 2**folds, rtol=0, atol=1e-15)
    y, _ = network.forward(np.arange(2**folds + 1)[:, None] / 2**folds, parameters)
    np.testing.assert_array_equal(y[:, 0], np.arange(2**folds + 1) % 2)
    widths = [1, *[2] * folds, 1]
    assert sum(a.size for a in parameters.values()) == tn.count_parameters(*widths) == 6 * folds + 1
    assert tt.linear_pieces(tt.sawtooth(folds)) == 2**folds


@pytest.mark.parametrize("widths", [(1, 20, 1), (1, 8, 8, 1), (1, 6, 6, 6, 1), (1, 1, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_breakpoints_by_a_dense_grid(widths, seed):
    network, parameters = drawn(*widths, seed=seed)
    low, high, n = -2.0, 3.0, 100_001
    x = np.linspace(low, high, n)
    y = network.forward(x[:, None], parameters)[0][:, 0]
    bends = np.abs(np.diff(y, 2)) > 1e-9 * np.abs(np.diff(y)).max()
    runs = np.flatnonzero(
        bends & ~np.append(False, bends[:-1])
    )  # a bend between two points of the grid shows once or twice
    found = tn.breakpoints(network, parameters, low, high)
    assert tn.linear_pieces(network, parameters, low, high) == len(found) + 1
    apart = np.diff(np.concatenate([[low], found, [high]])).min() > 3 * (high - low) / n
    assert not apart or len(runs) == len(found)
    for point in found:
        assert np.abs(x[1:-1][bends] - point).min() < 2 * (high - low) / n


def test_bends_that_cancel_and_units_that_never_switch_are_no_breakpoints():
    network = tn.mlp(1, 5, 1)
    parameters = {
        "0.W": np.array([[1.0], [-1.0], [0.0], [2.0], [1.0]]),
        "0.b": np.array([-0.5, 0.5, 1.0, -1.5, -7.0]),
        "2.W": np.array([[1.0, -1.0, 3.0, 0.0, 1.0]]),  # the first two: the line x - 0.5; the fourth is not listened to
        "2.b": np.zeros(1),
    }
    assert tn.breakpoints(network, parameters).size == 0
    np.testing.assert_allclose(tn.breakpoints(network, parameters, 0, 10), [7.0])


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_interpolating_network_is_numpys_interpolation(n, seed):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.05, 1, size=n))
    y = rng.normal(size=n)
    network, parameters = tn.interpolating_network(x, y)
    at = rng.uniform(x[0] - 1, x[-1], size=300)
    found, _ = network.forward(at[:, None], parameters)
    np.testing.assert_allclose(found[:, 0], np.interp(at, x, y), rtol=0, atol=1e-12 * n * 40)
    assert network.layers[0].outputs == n - 1


def test_the_error_of_interpolation_falls_with_the_square_of_the_number_of_points():
    grid = np.linspace(0, 1, 20_001)
    errors = []
    for n in (11, 101):
        x = np.linspace(0, 1, n)
        network, parameters = tn.interpolating_network(x, np.sin(2 * np.pi * x))
        errors.append(np.abs(network.forward(grid[:, None], parameters)[0][:, 0] - np.sin(2 * np.pi * grid)).max())
        assert errors[-1] <= (2 * np.pi) ** 2 / (8 * (n - 1) ** 2)
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("widths", [(3, 5, 2), (4, 6, 5, 3), (2, 2)])
def test_networks_in_both_rooms_agree(widths, dtype, tolerance):
    network, parameters = drawn(*widths)
    module = tt.as_module(network, parameters)
    x = np.random.default_rng(1).normal(size=(7, widths[0])).astype(dtype)
    kind = torch.float64 if dtype is np.float64 else torch.float32
    there = module.to(kind)(torch.as_tensor(x)).detach().numpy()
    here, _ = network.forward(x, {name: a.astype(dtype) for name, a in parameters.items()})
    assert here.dtype == there.dtype == dtype
    np.testing.assert_allclose(here, there, rtol=0, atol=tolerance)
    assert tt.count_parameters(module) == tn.count_parameters(*widths) == sum(a.size for a in parameters.values())


def test_modules_are_counted_as_networks_are():
    network, parameters = drawn(1, 7, 6, 1)
    module = tt.as_module(network, parameters)
    np.testing.assert_array_equal(tt.breakpoints(module, -1, 2), tn.breakpoints(network, parameters, -1, 2))
    x, y = np.array([0.0, 0.3, 0.9]), np.array([1.0, -1.0, 2.0])
    y_there = tt.interpolating_network(x, y)(torch.tensor(x[:, None]))
    np.testing.assert_allclose(y_there.detach().numpy()[:, 0], y, rtol=0, atol=1e-14)
    assert tt.linear_pieces(tt.mlp(1, 4, 1)) >= 1  # float32


def test_fit_trains_them_on_numbers():
    x = np.linspace(0, 1, 33)[:, None]
    y = np.abs(x - 0.5)
    to_learn = Split(x, y, x, y)
    model = tt.interpolating_network([0.0, 0.4, 1.0], [0.5, 0.1, 0.5])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    curve = tt.fit(model, optimizer, to_learn, epochs=60, batch_size=33, loss=nn.functional.mse_loss)
    assert curve.loss[-1] < curve.loss[0] / 5
    assert np.isnan(curve.test_accuracy).all()


BAD = [
    (tn.mlp, (3,), "widths"),
    (tn.mlp, (3, 0), "each width"),
    (tn.mlp, (3, 2.5), "each width"),
    (tn.count_parameters, (), "widths"),
    (tn.regions_at_most, (0, 2), "outputs"),
    (tn.regions_at_most, (3, -1), "inputs"),
    (tn.regions, (np.ones(3), np.ones(3)), "w must be"),
    (tn.regions, (np.ones((3, 2)), np.ones(2)), "b must be"),
    (tn.sawtooth, (0,), "folds"),
    (tn.breakpoints, (tn.mlp(2, 3, 1), {}), "network"),
    (tn.breakpoints, (tn.Network([tn.Linear(1, 2), tn.Tanh(), tn.Linear(2, 1)]), {}), "network"),
    (tn.breakpoints, (*tn.sawtooth(2), 1.0, 1.0), "low"),
    (tn.interpolating_network, ([0.0], [1.0]), "x must be"),
    (tn.interpolating_network, ([0.0, 0.0], [1.0, 2.0]), "rising"),
    (tn.interpolating_network, ([0.0, 1.0], [1.0]), "y must be"),
    (tt.as_module, (tn.Network([tn.Tanh()]), {}), "Tanh"),
    (tt.linear_pieces, (nn.Sequential(nn.Tanh()),), "Tanh"),
]


@pytest.mark.parametrize("call, arguments, words", BAD)
def test_bad_input_is_named(call, arguments, words):
    with pytest.raises(ValueError, match=words):
        call(*arguments)


def test_the_experiment_is_measured():
    from thalweg.exercises.keys.deep_networks import folds_or_units, measure_folds_or_units

    assert measure_folds_or_units() == folds_or_units.reference
