"""What a submission sends back is compared as numbers: one that is no number is equal to nothing."""

import numpy as np
import pytest

from thalweg.exercises import Case, Observation, exercise
from thalweg.exercises.judge import deviation

ASKED, CASE = exercise("momentum.velocity"), Case("values", {})


def off(given, wanted) -> float:
    got, want = (Observation({"v": np.array(value)}) for value in (given, wanted))
    return deviation(ASKED, CASE, got, want)


@pytest.mark.parametrize("wanted", [0.0, 1.0, 5e-324, 1.7e308, 1.5e308 + 1.5e308j])
@pytest.mark.parametrize("given", [np.nan, complex(0, np.nan), np.inf, -1.7e308, 1e-5])
def test_what_is_not_equal_is_never_within_the_tolerance(given, wanted):
    assert off(given, wanted) > 1


@pytest.mark.parametrize("value", [0.0, 1.0, 5e-324, 1.7e308, 1.5e308 + 1.5e308j, np.nan, np.inf])
def test_the_same_number_is_equal_however_large_or_small(value):
    assert off(value, value) == 0
