"""Datasets, shipped with the package: nothing is downloaded."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

_SHA256 = {"digits.npz": "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"}


@dataclass(frozen=True)
class Split:
    """A dataset in two parts. ``x``: shape (examples, features), float64; ``y``: shape (examples,), class numbers."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def _load(name: str) -> dict[str, np.ndarray]:
    path = files("thalweg") / "datasets" / name
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != _SHA256[name]:
        raise OSError(f"{path} is damaged: its sha256 is {found}, expected {_SHA256[name]}; install thalweg again")
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def digits(test_fraction: float = 0.25, seed: int = 0) -> Split:
    """Handwritten digits: 1,797 images of 8 x 8 pixels as rows of 64 numbers in [0, 1], and their classes 0 to 9.

    ``seed`` shuffles before the split. Raises ValueError unless ``0 < test_fraction < 1``, OSError if the file was damaged.
    Source: {cite}`alpaydin1998` (the test part, as scikit-learn ships it).
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    arrays = _load("digits.npz")
    x = arrays["images"].reshape(-1, 64) / 16.0
    y = arrays["labels"].astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(x))
    n_test = round(test_fraction * len(x))
    test, train = order[:n_test], order[n_test:]
    return Split(x[train], y[train], x[test], y[test])
