"""What a submission sends back: it is compared as numbers, one that is no number is equal to nothing, and whatever it is, there is a verdict."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from thalweg.course.sandbox import wire
from thalweg.exercises import Case, Judge, Observation, exercise, key, topics
from thalweg.exercises.comparing import deviations

ASKED, CASE = exercise("momentum.velocity"), Case("values", {})


def off(given, wanted) -> float:
    got, want = (Observation({"v": np.array(value)}) for value in (given, wanted))
    return deviations(ASKED, CASE, got, want)["v"]


@pytest.mark.parametrize("wanted", [0.0, 1.0, 5e-324, 1.7e308, 1.5e308 + 1.5e308j])
@pytest.mark.parametrize("given", [np.nan, complex(0, np.nan), np.inf, -1.7e308, 1e-5])
def test_what_is_not_equal_is_never_within_the_tolerance(given, wanted):
    assert off(given, wanted) > 1


@pytest.mark.parametrize("value", [0.0, 1.0, 5e-324, 1.7e308, 1.5e308 + 1.5e308j, np.nan, np.inf])
def test_the_same_number_is_equal_however_large_or_small(value):
    assert off(value, value) == 0


EXERCISES = [name for topic in topics() for name in import_module(f"thalweg.exercises.{topic}").EXERCISES]
SHAPES = [(), (1,), (0,), (3,), (2, 3), (1,) * 40]


@pytest.fixture(scope="module")
def judges() -> dict[str, Judge]:
    cases = {name: exercise(name).draw(np.random.default_rng(1)) for name in EXERCISES}
    return {name: Judge(exercise(name), key(name), found) for name, found in cases.items()}


@st.composite
def observations(draw, judge: Judge) -> Observation:
    """One case's: an error, or arrays of any kind, shape and numbers, by their names or by others."""
    if draw(st.integers(0, 9)) == 0:
        return Observation(None, "ValueError: x")
    names = draw(st.sampled_from([judge.outputs] * 3 + [[], ["other"], [*judge.outputs, "other"], judge.outputs[:1]]))
    found = {}
    for name in names:
        right = judge.want[0].outputs.get(name, np.zeros(1))
        shape = draw(st.sampled_from([*SHAPES, right.shape, right.shape]))
        number = draw(st.sampled_from([0.0, 1.0, -1.0, 1e308, np.nan, np.inf]))
        with np.errstate(all="ignore"):
            found[name] = np.full(shape, number).astype(draw(st.sampled_from(sorted(wire.DTYPES))))
        if right.shape == shape and draw(st.booleans()):
            found[name] = right
    return Observation(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@drawn(data=st.data())
def test_there_is_a_verdict_on_whatever_comes_back(judges, data):
    judge = judges[data.draw(st.sampled_from(EXERCISES))]
    verdict = judge.verdict([data.draw(observations(judge)) for _ in judge.cases])
    assert 0 <= verdict.points <= verdict.max_points and verdict.message
    assert "other" not in verdict.message.split(), "the names are the submission's own words"
