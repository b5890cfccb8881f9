"""Gradient descent against the outside world: torch.optim, scikit-learn, closed forms, every batch of a tiny set."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier
from walks import PROBLEMS, banana, path_of_numpy, path_of_torch

import thalweg.numpy as tn
import thalweg.torch as tt

ORDERS = ("anew", "once", "replacement", "sorted", "diverse")


# --- the step -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0.02, 0.1])
@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_numpy_torch_and_torch_optim_walk_the_same_path(lr, grad, start):
    reference = path_of_torch(lambda p: torch.optim.SGD(p, lr), grad, start)
    np.testing.assert_allclose(path_of_numpy(tn.GradientDescent(lr), grad, start), reference, rtol=0, atol=1e-12)
    ours = path_of_torch(lambda p: tt.GradientDescent(p, lr), grad, start)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12)


def test_the_same_on_rosenbrock():
    grad, start = banana()
    reference = path_of_torch(lambda p: torch.optim.SGD(p, 5e-4), grad, start)
    assert np.ptp(reference[:, 0]) > 0.1  # it went somewhere
    for path in (
        path_of_numpy(tn.GradientDescent(5e-4), grad, start),
        path_of_torch(lambda p: tt.GradientDescent(p, 5e-4), grad, start),
    ):
        np.testing.assert_allclose(path, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grad, start", PROBLEMS)
def test_float32(grad, start):
    reference = path_of_torch(lambda p: torch.optim.SGD(p, 0.02), grad, start, dtype=torch.float32)
    ours = path_of_torch(lambda p: tt.GradientDescent(p, 0.02), grad, start, dtype=torch.float32)
    np.testing.assert_array_equal(ours, reference)
    theta, _ = tn.GradientDescent(0.02).step(start.astype(np.float32), grad(start).astype(np.float32), None)
    assert theta.dtype == np.float32
    np.testing.assert_allclose(theta, start - 0.02 * grad(start), rtol=1e-5, atol=1e-6)


def test_it_is_the_heavy_ball_without_memory():
    grad, start = PROBLEMS[0].values
    np.testing.assert_array_equal(
        path_of_numpy(tn.GradientDescent(0.05), grad, start), path_of_numpy(tn.Momentum(0.05, 0.0), grad, start)
    )


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf, "0.1"])
def test_bad_rates_are_named(lr):
    p = torch.nn.Parameter(torch.zeros(2))
    for make in (lambda: tn.GradientDescent(lr), lambda: tt.GradientDescent([p], lr)):
        with pytest.raises(ValueError, match=rf"lr must be .*{lr!r}"):
            make()


def test_groups_state_and_missing_gradients(tmp_path):
    a, b, c = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
    optimizer = tt.GradientDescent([{"params": [a, c]}, {"params": [b], "lr": 0.5}], lr=0.1)
    a.grad, b.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    assert (a.tolist(), b.tolist(), c.tolist()) == (pytest.approx([0.9, 0.9]), [0.5, 0.5], [1, 1])
    torch.save(optimizer.state_dict(), tmp_path / "saved.pt")
    again = tt.GradientDescent([{"params": [a, c]}, {"params": [b]}], lr=0.3)
    again.load_state_dict(torch.load(tmp_path / "saved.pt", weights_only=True))
    assert [group["lr"] for group in again.param_groups] == [0.1, 0.5]


def test_one_example_at_a_time_is_scikit_learns_classifier():
    """Logistic regression, one example a step in a given order, rate 0.1: theirs and ours, to the last digit."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.integers(2, size=300)
    theirs = SGDClassifier(
        loss="log_loss", penalty=None, learning_rate="constant", eta0=0.1, shuffle=False, max_iter=3, tol=None
    ).fit(x, y)
    ones, optimizer, theta, state = np.column_stack([x, np.ones(300)]), tn.GradientDescent(0.1), np.zeros(5), None
    for _ in range(3):
        for row, target in zip(ones, y, strict=True):
            probability = 1 / (1 + np.exp(-row @ theta))
            theta, state = optimizer.step(theta, (probability - target) * row, state)
    np.testing.assert_allclose(theta, np.append(theirs.coef_[0], theirs.intercept_), rtol=0, atol=1e-12)


@given(h=st.floats(0.1, 10), factor=st.floats(0.05, 3))
def test_the_largest_stable_rate_is_two_over_the_curvature(h, factor):
    path = path_of_numpy(tn.GradientDescent(factor / h), lambda x: h * x, np.ones(1), steps=50)
    np.testing.assert_allclose(path[:, 0], (1 - factor) ** np.arange(51), rtol=1e-9, atol=1e-12)
    assert (abs(path[-1, 0]) < 1) == (factor < 2) or factor == pytest.approx(2)


@pytest.mark.parametrize("lr", [0.1, 0.5, 1.0])
def test_the_noise_that_remains(lr, h=1.3, sigma=0.7):
    """In the long run Var(theta) = lr sigma^2 / (h (2 - lr h)): 4,000 walkers, five standard errors."""
    rng, theta = np.random.default_rng(0), np.zeros(4000)
    for _ in range(300):
        theta, _ = tn.GradientDescent(lr).step(theta, h * theta + sigma * rng.normal(size=4000), None)
    wanted = lr * sigma**2 / (h * (2 - lr * h))
    assert theta.var() == pytest.approx(wanted, rel=5 * math.sqrt(2 / 4000))


# --- mini-batches -------------------------------------------------------------------------------------------------


def drawn(room, n, batch, seed=0, **options):
    """The batches of one room, as lists."""
    source = np.random.default_rng(seed) if room is tn else torch.Generator().manual_seed(seed)
    return [each.tolist() for each in room.minibatches(n, batch, source, **options)]


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize("order", ORDERS)
@given(n=st.integers(1, 60), batch=st.integers(1, 70), epochs=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_every_epoch_has_every_example_once(room, order, n, batch, epochs, seed):
    classes = np.random.default_rng(seed).integers(4, size=n)
    batches = drawn(room, n, batch, seed, order=order, epochs=epochs, classes=classes)
    sizes = [batch] * (n // batch) + [n % batch] * (n % batch > 0)
    assert [len(each) for each in batches] == sizes * epochs
    indices = np.concatenate(batches).reshape(epochs, n)
    assert indices.min() >= 0 and indices.max() < n
    if order != "replacement":
        np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(n), (epochs, 1)))
    if order == "once":
        assert (indices == indices[0]).all()
    if order == "sorted":
        assert (np.diff(classes[indices], axis=1) >= 0).all()


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize("order", ["anew", "replacement", "sorted", "diverse"])
def test_what_is_drawn_anew_differs_from_epoch_to_epoch(room, order):
    indices = np.array(drawn(room, 200, 200, order=order, epochs=2, classes=np.arange(200) % 5))
    assert (indices[0] != indices[1]).mean() > 0.5
    assert drawn(room, 200, 7) == drawn(room, 200, 7) != drawn(room, 200, 7, seed=1)


def test_with_replacement_about_a_third_is_left_out():
    """1 - 1/e of the examples are seen in an epoch: 100 epochs of 1,000, five standard errors."""
    seen = [len(set(each)) / 1000 for each in drawn(tn, 1000, 1000, order="replacement", epochs=100)]
    assert np.mean(seen) == pytest.approx(1 - 1 / math.e, abs=5 * np.std(seen) / 10 + 5e-4)


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 6), batch=st.integers(5, 40))
def test_diverse_batches_have_nearly_equal_shares(seed, k, batch):
    """Of each class a batch has its share of the whole, to within one for each class and end."""
    n, classes = 240, np.random.default_rng(seed).integers(k, size=240)
    share = np.bincount(classes, minlength=k) / n
    for each in drawn(tn, n, batch, seed, order="diverse", classes=classes):
        assert (abs(np.bincount(classes[each], minlength=k) - share * len(each)) <= k + 1).all()


def test_diverse_batches_are_less_noisy_by_what_separates_the_classes():
    """Equal classes, whole shares: the variance between batches is that within the classes alone (Cochran, chapter 5)."""
    rng, classes = np.random.default_rng(0), np.repeat(np.arange(4), 50)
    values = rng.normal(size=200) + 3 * classes
    within = np.mean([values[classes == k].var(ddof=1) for k in range(4)])
    means = [
        values[each].mean()
        for seed in range(400)
        for each in drawn(tn, 200, 20, seed, order="diverse", classes=classes)
    ]
    fifths = within / 20 * (1 - 20 / 200)  # each class gives 5 of its 50
    assert np.var(means) == pytest.approx(fifths, rel=0.15)
    assert np.var(means) < 0.2 * tn.standard_error(values, 20, replacement=False) ** 2


def test_torch_batches_follow_the_seed_of_torch():
    batches = []
    for _ in range(2):
        torch.manual_seed(3)
        batches.append([each.tolist() for each in tt.minibatches(30, 8)])
    assert batches[0] == batches[1]
    assert next(iter(tt.minibatches(30, 8))).dtype == torch.int64
    assert sorted(torch.cat(list(tt.minibatches(30, 8, order="diverse", classes=torch.arange(30) % 3)))) == list(
        range(30)
    )


BAD = [
    (dict(n=0), "n must be a whole number of at least 1, got 0"),
    (dict(batch=0), "batch must be .* got 0"),
    (dict(batch=2.5), "batch must be .* got 2.5"),
    (dict(epochs=-1), "epochs must be .* got -1"),
    (dict(order="random"), "order must be one of anew, .* got 'random'"),
    (dict(order="sorted"), "classes must be .*sorted"),
    (dict(order="diverse", classes=[0, 1]), r"classes must be \(5,\).*got \(2,\)"),
]


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize("options, words", BAD)
def test_bad_batches_are_refused_at_once(room, options, words):
    source = np.random.default_rng(0) if room is tn else torch.Generator()
    with pytest.raises(ValueError, match=words):
        room.minibatches(**({"n": 5, "batch": 2, ("rng" if room is tn else "generator"): source} | options))


def test_a_seed_is_no_generator():
    with pytest.raises(ValueError, match="rng must be a NumPy generator"):
        tn.minibatches(5, 2, 0)


# --- how noisy they are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, batch", [(5, 1), (5, 2), (5, 3), (5, 5), (4, 6), (1, 2)])
@pytest.mark.parametrize("replacement", [True, False])
def test_the_standard_error_by_all_batches_of_a_tiny_set(n, batch, replacement):
    gradients = np.random.default_rng(n + batch).normal(size=(n, 3))
    if not replacement and batch > n:
        with pytest.raises(ValueError, match=f"batch must be from 1 to {n} without replacement, got {batch}"):
            tn.standard_error(gradients, batch, replacement=False)
        return
    every = itertools.product(range(n), repeat=batch) if replacement else itertools.combinations(range(n), batch)
    means = np.array([gradients[list(each)].mean(axis=0) for each in every])
    np.testing.assert_allclose(means.mean(axis=0), gradients.mean(axis=0), rtol=0, atol=1e-12)  # unbiased
    found = tn.standard_error(gradients, batch, replacement)
    np.testing.assert_allclose(found, means.std(axis=0), rtol=0, atol=1e-12)
    in_torch = tt.standard_error(torch.tensor(gradients), batch, replacement)
    np.testing.assert_allclose(in_torch, found, rtol=0, atol=1e-12)


def test_a_hundred_times_the_samples_a_tenth_of_the_error():
    values = np.random.default_rng(0).normal(size=1000)
    assert tn.standard_error(values, 100) / tn.standard_error(values, 10_000) == pytest.approx(10, rel=1e-12)
    twice = np.repeat(values, 10)  # the same data ten times over: the same noise
    assert tn.standard_error(twice, 100) == pytest.approx(tn.standard_error(values, 100), rel=1e-12)


def test_the_noise_scale_is_the_batch_whose_noise_is_as_large_as_the_gradient():
    gradients = np.random.default_rng(0).normal(size=(500, 6)) + 0.2
    scale = tn.noise_scale(gradients)
    noise = np.sum(tn.standard_error(gradients, 1) ** 2) / scale
    assert noise == pytest.approx(np.sum(gradients.mean(axis=0) ** 2), rel=1e-12)
    assert np.trace(np.cov(gradients.T, bias=True)) / np.sum(gradients.mean(axis=0) ** 2) == pytest.approx(
        scale, rel=1e-12
    )
    assert tt.noise_scale(torch.tensor(gradients)) == pytest.approx(scale, rel=1e-12)
    path = np.stack([gradients, 3 * gradients + 1])  # a path is averaged over, above and below the line apart
    noise, signal = path.var(axis=1).sum(), (path.mean(axis=1) ** 2).sum()
    for found in (tn.noise_scale(path), tt.noise_scale(torch.tensor(path))):
        assert found == pytest.approx(noise / signal, rel=1e-12)
    assert noise / signal != pytest.approx(np.mean([tn.noise_scale(each) for each in path]), rel=0.05)
    for room, centred in ((tn, np.array([[1.0], [-1.0]])), (tt, torch.tensor([[1.0], [-1.0]]))):
        assert room.noise_scale(centred) == math.inf


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
def test_bad_gradients_are_refused(room):
    make = np.zeros if room is tn else torch.zeros
    with pytest.raises(ValueError, match="gradients must be of the shape"):
        room.standard_error(make((0, 3)), 1)
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        room.standard_error(make((4, 3)), 0)
    with pytest.raises(ValueError, match="shape of gradients must be"):
        room.noise_scale(make(4))


# --- the assignment -----------------------------------------------------------------------------------------------


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.gradient_descent import critical_batch, measure_critical_batch

    assert measure_critical_batch() == critical_batch.reference
    assert measure_critical_batch(range(5, 10)) == critical_batch.reference  # whichever seeds a student takes
