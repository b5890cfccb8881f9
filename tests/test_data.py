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


def test_mnist1d_is_the_published_one():
    from mnist1d.data import get_dataset_args, make_dataset

    theirs, mine = make_dataset(get_dataset_args()), data.mnist1d()
    for ours, key in ((mine.x_train, "x"), (mine.x_test, "x_test")):
        np.testing.assert_allclose(ours, theirs[key], rtol=0, atol=1e-13)
    np.testing.assert_array_equal(mine.y_train, theirs["y"])
    np.testing.assert_array_equal(mine.y_test, theirs["y_test"])
    np.testing.assert_allclose(data.mnist1d_templates(), theirs["templates"]["x"], rtol=0, atol=1e-15)


def test_mnist1d_by_size_and_seed():
    split = data.mnist1d(n=50, test_fraction=0.5, seed=3)
    assert split.x_train.shape == split.x_test.shape == (25, 40)
    everything = np.vstack([split.x_train, split.x_test])
    assert abs(everything.mean()) < 1e-12 and everything.std() == pytest.approx(1)
    assert np.bincount(np.append(split.y_train, split.y_test)).tolist() == [5] * 10
    np.testing.assert_array_equal(split.x_test, data.mnist1d(n=50, test_fraction=0.5, seed=3).x_test)
    assert not np.array_equal(split.x_test, data.mnist1d(n=50, test_fraction=0.5, seed=4).x_test)


@pytest.mark.parametrize("bad", [{"n": 15}, {"n": 0}, {"test_fraction": 1.0}])
def test_bad_mnist1d(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        data.mnist1d(**bad)
