"""An answer that returns a layer's gradients in another form than the one asked for is told so in words."""

import pytest

from thalweg.exercises.exercise import UnusableError, entries


def test_the_entries_that_are_asked_for():
    assert entries("gradients", {"beta": 2, "gamma": 1}, "gamma", "beta") == {"gamma": 1, "beta": 2}
    assert entries("gradients", {}) == {}


@pytest.mark.parametrize(
    "found, keys, message",
    [
        ((1, 2), ("gamma", "beta"), "gradients must be a dict with the keys 'gamma', 'beta', got tuple"),
        ({"gamma": 1}, ("gamma", "beta"), "with the keys 'gamma', 'beta', got one with 'gamma'"),
        ({"gamma": 1, "b": 2}, ("gamma", "beta"), "got one with 'gamma', 'b'"),
        (None, (), "gradients must be an empty dict, {}, got NoneType"),
    ],
)
def test_other_forms_are_named(found, keys, message):
    with pytest.raises(UnusableError) as told:
        entries("gradients", found, *keys)
    assert message in str(told.value)
