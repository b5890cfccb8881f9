"""What an exercise is, seen from the answer's side: how inputs are drawn and what the answer does with them.

Nothing here knows a right answer: those, and the known mistakes, are in :mod:`thalweg.exercises.keys`.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

COMPANIONS = ("edges", "form", "untouched")  # parts that count only for what is right for ordinary inputs


@dataclass(frozen=True)
class Case:
    """One set of drawn inputs: plain numbers and arrays only. ``part`` says which part of the points it decides."""

    part: str  # "values", or another name from the exercise's parts, such as "steps" or "edges"
    inputs: dict[str, Any]
    note: str = ""  # what is special about it, in words: "a zero gradient"

    @cached_property
    def single(self) -> bool:
        """Is one of the inputs in float32?"""
        return any(isinstance(x, np.ndarray) and x.dtype == np.float32 for x in self.inputs.values())


@dataclass(frozen=True)
class Exercise:
    """One question with its inputs and its points.

    ``draw(rng)`` returns the cases, edge cases first. ``run(answer, inputs)`` uses the student's answer and returns
    named plain arrays and numbers, the same names in every case. ``parts`` gives the points of each part. "form" (shape and kind of
    number) and "untouched" (inputs not modified) are judged on all cases, every other part on its own cases; each note in "edges" is one
    edge. Every output has an equal share of every part, or as ``shares`` says where that is not 1; how points are given is told in
    :mod:`thalweg.exercises.judge`. ``tolerance`` is relative to the largest entry; ``absolute`` turns it into an absolute one.

    The same answer must earn the same points on every draw. So each case is drawn such that all that can go wrong does show in it: both
    branches of a maximum are taken, both signs occur, no two inputs are nearly equal by chance.
    """

    name: str
    title: str
    draw: Callable[[np.random.Generator], Sequence[Case]]
    run: Callable[[Any, dict[str, Any]], Mapping[str, Any]]
    parts: Mapping[str, float]
    tolerance: float = 1e-9
    absolute: bool = False
    kind: str = "code"  # or "experiment": the answer is a number
    legend: str = ""  # what the drawn inputs stand for, where their names do not say it
    shares: Mapping[str, float] = field(default_factory=dict)
    torch: bool = False  # is it answered in PyTorch? Where it is graded, there is none for any other
    symbol: str = field(default="")  # the name that the notebook must define; by default the last part of ``name``

    @property
    def answer_name(self) -> str:
        """The Python name that a notebook gives its answer."""
        return self.symbol or self.name.rpartition(".")[2]

    @property
    def points(self) -> float:
        """All the points that there are to earn."""
        return float(sum(self.parts.values()))


@dataclass(frozen=True)
class Observation:
    """What an answer did with one case: named outputs, or the error; and which inputs it modified.

    Where it is graded, all of this is what the answer's own process says. Outputs are compared with the reference's; that
    nothing was modified is taken on trust.
    """

    outputs: dict[str, np.ndarray] | None
    error: str | None = None  # "TypeError: ...", always with a name first
    changed: tuple[str, ...] = ()


def signed(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Numbers of both signs and none near 0, so that a slip with a sign or a size shows on every draw. A single one is negative."""
    sizes = rng.uniform(0.3, 2.0, size=shape)
    signs = rng.choice([-1.0, 1.0], size=sizes.size)
    signs[rng.permutation(sizes.size)[:2]] = [-1.0, 1.0][: sizes.size]
    return sizes * signs.reshape(sizes.shape)


def run_of_gradients(rng: np.random.Generator) -> np.ndarray:
    """Six gradients of two parameters, shape (6, 2). The first one leaves a state of both signs."""
    grads = signed(rng, (6, 2))
    grads[0] = np.abs(grads[0]) * [-1, 1]
    return grads


class UnusableError(TypeError):
    """What an answer returned cannot be used; the message says why."""


def unpack(result: Any, *names: str) -> dict[str, Any]:
    """Name the values that an answer returned. Raises UnusableError when their number is wrong."""
    wanted = f"{len(names)} values ({', '.join(names)})"
    if result is None:
        raise UnusableError(f"it returned None instead of {wanted}: is the return statement missing?")
    if isinstance(result, np.ndarray) and result.ndim > 1 and len(result) == len(names):
        result = tuple(
            result
        )  # an array of as many rows unpacks like a tuple; one of as many numbers is a single value
    if not isinstance(result, (tuple, list)) or len(result) != len(names):
        count = f"{len(result)} values" if isinstance(result, (tuple, list)) else f"one {type(result).__name__}"
        raise UnusableError(f"it returned {count} instead of {wanted}")
    return dict(zip(names, result, strict=True))


def entries(name: str, found: Any, *keys: str) -> dict[str, Any]:
    """The entries of a dict that an answer returned as ``name``. Raises UnusableError unless it has these keys and no others."""
    wanted = f"a dict with the keys {', '.join(map(repr, keys))}" if keys else "an empty dict, {}"
    if not isinstance(found, dict) or set(found) != set(keys):
        got = f"one with {', '.join(map(repr, found)) or 'none'}" if isinstance(found, dict) else type(found).__name__
        raise UnusableError(f"{name} must be {wanted}, got {got}")
    return {key: found[key] for key in keys}


def _plain(name: str, value: Any) -> np.ndarray:
    """A private copy of ``value`` as a numeric array. Raises UnusableError for anything else."""
    if value is None:
        raise UnusableError(f"{name} is None: is the return statement missing?")
    try:
        array = np.array(value)
    except ValueError as error:
        raise UnusableError(f"{name} is not an array of numbers: {error}") from error
    if array.dtype.kind not in "fiubc":
        raise UnusableError(f"{name} is not a number or an array of numbers, but {type(value).__name__}")
    if array.dtype.type in (np.longdouble, np.clongdouble):  # each machine has its own, so none is asked for
        array = array.astype(complex if array.dtype.kind == "c" else float)
    return array


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(k for k, v in before.items() if isinstance(v, np.ndarray) and not _unchanged(v, after[k]))


def _unchanged(before: np.ndarray, after: np.ndarray) -> bool:
    if before.shape == after.shape and before.tobytes() == after.tobytes():  # in most cases, and much faster
        return True
    return np.array_equal(before, after, equal_nan=True)


def observe(exercise: Exercise, answer: Any, cases: Sequence[Case]) -> list[Observation]:
    """Run ``answer`` on every case. What it prints and warns is dropped; what it raises becomes part of the record."""
    seen = []
    for case in cases:
        inputs = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in case.inputs.items()}
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
            ):
                warnings.simplefilter("ignore")
                outputs = {name: _plain(name, value) for name, value in exercise.run(answer, inputs).items()}
            seen.append(Observation(outputs, changed=_changed(case.inputs, inputs)))
        except KeyboardInterrupt:  # somebody has had enough of waiting
            raise
        except BaseException as error:  # whatever else a student's code raises is an observation, not a crash
            seen.append(Observation(None, in_words(error), _changed(case.inputs, inputs)))
    return seen


def in_words(error: BaseException) -> str:
    """An error as "TypeError: ...". What comes after the colon is the answer's own code, and so may be anything."""
    try:
        said = str(error)
    except BaseException:
        said = ""
    return f"{named(type(error).__name__)}: {said}" if said else named(type(error).__name__)


def named(kind: str) -> str:
    """``kind`` where it is the name of an error; any other name could be read as a sentence of the judge's."""
    return kind if re.fullmatch(r"[A-Za-z_]\w{0,99}", kind, re.ASCII) else "Exception"
