"""A NumPy step in place is the same step."""

import numpy as np
import pytest

import thalweg.numpy as tn
from thalweg.numpy import _blocks

RULES = [tn.Momentum, tn.MomentumRateInside, tn.Nesterov, tn.NesterovLookAhead]
RULES += [tn.Adam, tn.AdamW, tn.AdamUncorrected, tn.AdamEpsilonHat, tn.AdaMax]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 5), (100,)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_is_the_same_step(rule, shape, dtype, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 16 * np.dtype(dtype).itemsize)  # many blocks, and a part of one
    optimizer, rng = rule(lr=0.1), np.random.default_rng(0)
    want = rng.normal(size=shape).astype(dtype)
    theta = np.array(want)
    want_state, state = optimizer.init(want), optimizer.init(theta)
    for _ in range(5):
        grad = rng.normal(size=shape).astype(dtype)
        want, want_state = optimizer.step(want, grad, want_state)
        kept, before = state, np.array(grad)
        state = tn.step_in_place(optimizer, theta, grad, state)
        np.testing.assert_array_equal(theta, want)
        assert theta.dtype == dtype
        np.testing.assert_array_equal(grad, before)
        for part, old, wanted in zip(
            *(s if isinstance(s, tuple) else (s,) for s in (state, kept, want_state)), strict=True
        ):
            np.testing.assert_array_equal(part, wanted)
            assert part is old or not isinstance(part, np.ndarray)
        assert type(state) is type(kept)


def test_the_gradient_may_lie_in_memory_as_it_likes():
    grad, theta = np.arange(6.0).reshape(2, 3).T, np.zeros((3, 2))
    tn.step_in_place(tn.Momentum(1.0), theta, grad, np.zeros((3, 2)))
    np.testing.assert_array_equal(theta, -grad)


def read_only(shape):
    array = np.zeros(shape)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "theta, grad, v, message",
    [
        (np.zeros(3), np.zeros(4), np.zeros(3), r"grad must be of theta's shape \(3,\), got \(4,\)"),
        (np.zeros(3), np.zeros(3), np.zeros((3, 1)), r"state must be of theta's shape \(3,\), got \(3, 1\)"),
        (np.zeros((2, 3)).T, np.zeros((3, 2)), np.zeros((3, 2)), "theta and state must be contiguous and writeable"),
        (np.zeros(3), np.zeros(3), np.zeros(6)[::2], "theta and state must be contiguous and writeable"),
        (read_only(3), np.zeros(3), np.zeros(3), "theta and state must be contiguous and writeable"),
        (np.zeros(3, dtype=int), np.zeros(3), np.zeros(3), "theta must be an array of floats"),
        ([0.0], np.zeros(1), np.zeros(1), "theta must be an array of floats"),
    ],
)
def test_bad_arrays_are_named(theta, grad, v, message):
    with pytest.raises(ValueError, match=message):
        tn.step_in_place(tn.Momentum(), theta, grad, v)


def test_a_rule_that_is_not_elementwise_is_refused():
    class Norm(tn.Momentum):
        elementwise = False

    with pytest.raises(ValueError, match="optimizer must be elementwise, got "):
        tn.step_in_place(Norm(), np.zeros(2), np.zeros(2), np.zeros(2))
