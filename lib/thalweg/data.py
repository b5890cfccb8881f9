"""Datasets, shipped with the package or made by a recipe: nothing is downloaded."""

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


# MNIST-1D's ten digits, each a line of twelve heights that begins and ends at 5, and how its recipe disturbs them.
_TEMPLATES = """
5    6    6.5  6.75 7    7    7    7    6.75 6.5  6    5
5    3    3    3.4  3.8  4.2  4.6  5    5.4  5.8  5    5
5    6    6.5  6.5  6    5.25 4.75 4    3.5  3.5  4    5
5    6    6.5  6.5  6    5    5    6    6.5  6.5  6    5
5    4.4  3.8  3.2  2.6  2.6  5    5    5    5    5    5
5    3    3    3    3    5    6    6.5  6.5  6    4.5  5
5    4    3.5  3.25 3    3    3    3    3.25 3.5  4    5
5    7    7    6.6  6.2  5.8  5.4  5    4.6  4.2  5    5
5    4    3.5  3.5  4    5    5    4    3.5  3.5  4    5
5    4    3.5  3.5  4    5    5    5    5    4.7  4.3  5
"""
_PADDING, _LONG, _SHORT = (
    (36, 60),
    72,
    40,
)  # how many zeros follow the digit; how many points the line has on the way, and in the end


def mnist1d(n: int = 5000, test_fraction: float = 0.2, seed: int = 42) -> Split:
    """MNIST-1D: ten digits as lines of 40 heights, stretched, scaled, shifted round, tilted, and with noise; the classes 0 to 9.

    It is made by its published recipe, with the recipe's own random numbers, so the defaults give the published data: ``n``
    examples, as many of each class, mean 0 and standard deviation 1 over all of them, the last ``test_fraction`` for the test.
    ``seed`` fixes all. Raises ValueError unless ``n`` is a positive multiple of 10 and ``0 < test_fraction < 1``.
    Source: {cite}`greydanus2024`.
    """
    if n < 10 or n % 10:
        raise ValueError(f"n must be a positive multiple of 10, as there are ten classes, got {n!r}")
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    rng = np.random.RandomState(seed)  # the recipe's; a newer generator would make other data
    y = np.repeat(np.arange(10), n // 10)
    x = np.stack([_disturbed(template, rng) for template in mnist1d_templates()[y]])
    order = rng.permutation(n)
    x, y = ((x - x.mean()) / x.std())[order], y[order]
    n_train = int(n * (1 - test_fraction))
    return Split(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def mnist1d_templates() -> np.ndarray:
    """MNIST-1D's ten digits before they are disturbed, shape (10, 12). Source: {cite}`greydanus2024`."""
    raw = np.array(_TEMPLATES.split(), dtype=float).reshape(10, 12)
    raw = (raw - raw.mean(axis=1, keepdims=True)) / raw.std(axis=1, keepdims=True)
    return (raw - raw[:, :1]) / 6


def _disturbed(template: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """One example, of 40 heights. The random numbers are drawn in the order of the recipe."""
    low, high = _PADDING
    padded = np.concatenate(
        [template + 1e-8, np.zeros(low + int(rng.rand() * (high - low + 1)))]
    )  # 0 means: no digit here
    x = _resampled(padded, _LONG) * (1 + 0.4 * (rng.rand() - 0.5))
    x = np.roll(x, rng.choice(48))
    x = np.where(x != 0, x, _smoothed(0.25 * rng.randn(_LONG)))
    x = x + 0.02 * rng.randn(_LONG)
    x = x - 0.75 * (rng.rand() - 0.5) * np.linspace(-0.5, 0.5, _LONG)
    return _resampled(x, _SHORT)


def _resampled(x: np.ndarray, n: int) -> np.ndarray:
    """The line through the points of ``x``, read at ``n`` evenly spaced places."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(x)), x)


def _smoothed(x: np.ndarray, width: float = 2, reach: int = 8) -> np.ndarray:
    """A running mean with Gaussian weights; ``x`` is mirrored at its ends."""
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.convolve(np.pad(x, reach, mode="symmetric"), weights / weights.sum(), mode="valid")
