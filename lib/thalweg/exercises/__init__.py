"""The assignments: what is asked, how an answer is judged, which mistakes are known.

``check("momentum.heavy_ball", heavy_ball)`` answers at once, in a notebook or in the browser.
"""

import os
import pkgutil
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from .exercise import Case, Exercise, Observation, observe, unpack
from .judge import Judge, Key, Mistake, Verdict, judge, parts_in_words
from .own import calls, hidden

__all__ = [
    "Case", "Exercise", "Judge", "Key", "Mistake", "Observation", "Verdict",
    "check", "exercise", "grade", "judge", "key", "observe", "topics", "unpack", "verdict",
]  # fmt: skip

_shown: dict[str, str | None] = {}  # the mistake that each exercise's last answer showed, here, to check or grade
VERDICT_MIME = "application/vnd.thalweg.verdict+json"


@cache
def topics() -> tuple[str, ...]:
    """The topics that have exercises: one module each. (The module of the same name in ``keys`` may be out of reach.)"""
    own = {"comparing", "diagnosis", "exercise", "judge", "keys", "own"}
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in own))


def _lookup(module: str, table: str, name: str) -> Any:
    topic = name.partition(".")[0]
    if topic not in topics():
        raise ValueError(f"there is no exercise {name!r}: its topic must be one of {', '.join(topics())}")
    found = getattr(import_module(f"{module}.{topic}"), table)
    if name not in found:
        raise ValueError(f"there is no exercise {name!r}: {topic} has {', '.join(found)}")
    return found[name]


def exercise(name: str) -> Exercise:
    """The exercise called ``name``, as "topic.exercise". Raises ValueError that lists the names there are."""
    return _lookup(__name__, "EXERCISES", name)


def key(name: str) -> Key:
    """The reference and the known mistakes of the exercise called ``name``. Raises ValueError as :func:`exercise`."""
    return _lookup(f"{__name__}.keys", "KEYS", name)


def verdict(
    name: str,
    answer: Any,
    seed: int | None = None,
    earlier: Mapping[str, str | None] | None = None,
    own: bool = False,
) -> Verdict:
    """Judge ``answer`` on freshly drawn inputs (on the same ones for the same ``seed``); ``earlier`` as in :meth:`Judge.verdict`.

    If it has to be one's ``own``, nothing is earned by calling what is not there where it is graded.
    """
    asked = exercise(name)
    if answer is None:
        parts = {part: (0.0, points) for part, points in asked.parts.items()}
        return Verdict(name, parts, message=f"There is no answer yet: {asked.answer_name} is not defined, or None.")
    rng = np.random.default_rng(None if seed is None else [seed, zlib.crc32(name.encode())])
    cases = asked.draw(rng)
    with calls(hidden(asked.torch) if own else ()) as called:
        got = observe(asked, answer, cases)
    if called:
        parts = {part: (0.0, points) for part, points in asked.parts.items()}
        message = f"It calls {called[0]}, which is not there where it is graded. The answer has to be your own."
        return Verdict(name, parts, message=message)
    judged = Judge(asked, key(name), cases)
    return replace(judged.verdict(got, earlier), detail=judged.detail(got))


def _judged(name: str, answer: Any, seed: int | None = None) -> Verdict:
    """The verdict, by what earlier exercises have shown in this process; it is kept for later ones."""
    result = verdict(name, answer, seed, _shown, own=True)
    _shown[name] = result.mistake
    return result


def check(name: str, answer: Any) -> None:
    """Say at once how good ``answer`` is: the parts that are right, the misconception it shows, the first difference."""
    result = _judged(name, answer)
    title = f"{exercise(name).answer_name}: {result.points:g} of {result.max_points:g} points"
    if result.points == result.max_points:
        print(f"✔ {title}. {result.message}")
        return
    if result.points:
        print(f"✘ {title} ({parts_in_words(result.parts)})\n{result.message}")
    else:
        print(f"✘ {title}\n{result.message}")
    if result.hint:
        print(f"It behaves like a known mistake: {result.mistake}.\nHint: {result.hint}")
    if result.detail:
        print(result.detail)


def grade(name: str, answer: Any) -> float:
    """Judge ``answer`` in a grading cell: the points are its value, the verdict travels in the cell's outputs.

    The inputs are drawn from the number in the environment variable THALWEG_SEED, where it is set.
    """
    seed = os.environ.get("THALWEG_SEED")
    result = _judged(name, answer, None if seed is None else int(seed))
    try:
        from IPython.display import display
    except ImportError:  # no notebook: the points are enough
        return result.points
    text = f"{name}: {result.points:g} of {result.max_points:g}. {result.message}"
    display({VERDICT_MIME: result.to_dict(), "text/plain": text}, raw=True)
    return result.points
