"""The shipped data: what it holds, and that damage is noticed."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from thalweg import data


def test_digits_are_the_ones_of_scikit_learn():
    split = data.digits()
    assert split.x_train.shape == (1348, 64) and split.x_test.shape == (449, 64)
    mine = np.column_stack([np.vstack([split.x_train, split.x_test]) * 16, np.append(split.y_train, split.y_test)])
    theirs = np.column_stack(load_digits(return_X_y=True))
    np.testing.assert_array_equal(mine[np.lexsort(mine.T)], theirs[np.lexsort(theirs.T)])


def test_the_seed_decides_the_split():
    np.testing.assert_array_equal(data.digits(seed=3).x_test, data.digits(seed=3).x_test)
    assert not np.array_equal(data.digits(seed=3).y_test, data.digits(seed=4).y_test)


def test_a_damaged_file_is_named(monkeypatch):
    monkeypatch.setitem(data._SHA256, "digits.npz", "0" * 64)
    with pytest.raises(OSError, match=r"digits\.npz is damaged"):
        data.digits()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2])
def test_bad_fractions(fraction):
    with pytest.raises(ValueError, match="test_fraction"):
        data.digits(test_fraction=fraction)
