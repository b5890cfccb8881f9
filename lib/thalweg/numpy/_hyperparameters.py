"""Checks of arguments: one message for each way to get one wrong."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any


def require(ok: bool, name: str, value: object, wanted: str) -> None:
    """Raise ValueError naming the argument ``name`` and its ``value`` unless ``ok``."""
    if not ok:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def require_rate(name: str, value: float) -> None:
    """A learning rate or penalty: finite and at least 0."""
    require(_is_number(value) and value >= 0, name, value, "a finite number of at least 0")


def require_positive(name: str, value: float) -> None:
    """What is divided by, or has a logarithm: finite and above 0."""
    require_rate(name, value)
    require(value > 0, name, value, "above 0")


def require_count(name: str, value: object) -> None:
    """How many there are of something: a whole number of at least 1."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    require(whole and value >= 1, name, value, "a whole number of at least 1")  # type: ignore[operator]


def require_fraction(name: str, value: float) -> None:
    """A decay factor such as momentum: at least 0 and below 1."""
    require(_is_number(value) and 0 <= value < 1, name, value, "a number in [0, 1)")


def require_keep(name: str, value: float) -> None:
    """A probability of keeping, as in dropout: above 0 and at most 1."""
    require(_is_number(value) and 0 < value <= 1, name, value, "a number in (0, 1]")


def require_generator(rng: object) -> None:
    """A ``numpy.random.Generator``, or what draws like one."""
    require(hasattr(rng, "random"), "rng", rng, "a NumPy generator, as there is something to draw")


def require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """One of a few words."""
    require(value in choices, name, value, f"one of {', '.join(choices)}")


def require_reduction(value: str) -> None:
    """What becomes of the losses of a batch: their mean, their sum, or nothing."""
    require_choice("reduction", value, ("mean", "sum", "none"))


def require_classes(targets: Any, classes: int) -> None:
    """An array of class numbers, counted from 0."""
    right = targets.dtype.kind in "iu" and (targets >= 0).all() and (targets < classes).all()
    require(bool(right), "targets", targets, f"whole numbers from 0 to {classes - 1}")
