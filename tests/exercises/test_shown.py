"""What a check shows of the numbers that it expected and got."""

import numpy as np
import pytest

from thalweg.exercises.judge import _hidden


def test_where_a_long_array_differs_is_said_when_its_ends_do_not_show_it():
    wanted = np.arange(40.0).reshape(20, 2)
    given = wanted.copy()
    given[9, 1] = -1
    assert _hidden(wanted, given) == "; the first that differs is [9, 1]: expected 19, got -1"


@pytest.mark.parametrize(
    "wanted, given",
    [
        (np.arange(5.0), np.arange(5.0) + 1),
        (np.arange(40.0), np.arange(40.0)),
        (np.arange(40.0), "nothing"),
        (1.0, 2.0),
    ],
)
def test_nothing_more_is_said_where_all_is_shown_or_nothing_differs(wanted, given):
    assert _hidden(wanted, given) == ""


def test_no_shape_or_type_of_an_answer_stops_it():
    for given in (np.arange(39.0), np.full(40, None), np.arange(40).astype(object), None, [1, 2]):
        _hidden(np.arange(40), given)
