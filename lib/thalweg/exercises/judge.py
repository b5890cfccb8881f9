"""The judge: compares what an answer did with what the reference does, gives points by part, and names known mistakes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .exercise import Case, Exercise, Observation, observe

FLOAT32_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Mistake:
    """A slip that students really make: an answer that makes it, and a hint that names the idea behind it."""

    name: str
    hint: str
    answer: Any


@dataclass
class Key:
    """The right answer to one exercise, and the known mistakes."""

    reference: Any
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, name: str, hint: str) -> Callable[[Any], Any]:
        """Decorator: the function below makes this mistake."""

        def register(answer: Any) -> Any:
            self.mistakes.append(Mistake(name, hint, answer))
            return answer

        return register


@dataclass(frozen=True)
class Verdict:
    """Points by part, and what to tell the student. ``parts``: name -> (earned, possible)."""

    exercise: str
    parts: dict[str, tuple[float, float]]
    mistake: str | None = None  # the known mistake that the answer behaves like
    hint: str | None = None
    message: str = ""  # what was seen, in words; no hidden inputs
    detail: str = ""  # the first difference with its inputs: for the student's own machine only

    @property
    def points(self) -> float:
        """What the answer earned."""
        return float(sum(earned for earned, _ in self.parts.values()))

    @property
    def max_points(self) -> float:
        """What there was to earn."""
        return float(sum(possible for _, possible in self.parts.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON. ``detail`` stays behind: it shows inputs."""
        return {
            "exercise": self.exercise,
            "points": self.points,
            "max_points": self.max_points,
            "parts": {name: list(pair) for name, pair in self.parts.items()},
            "mistake": self.mistake,
            "hint": self.hint,
            "message": self.message,
        }


def _tolerance(exercise: Exercise, case: Case) -> float:
    single = any(isinstance(v, np.ndarray) and v.dtype == np.float32 for v in case.inputs.values())
    return max(exercise.tolerance, FLOAT32_TOLERANCE) if single else exercise.tolerance


def deviation(exercise: Exercise, case: Case, got: Observation, want: Observation) -> float:
    """How far apart two observations of a case are, in units of the tolerance: up to 1 is equal. ``inf``: not comparable."""
    if got.outputs is None or want.outputs is None:
        return 0.0 if got.outputs is want.outputs and got.error == want.error else np.inf
    if got.outputs.keys() != want.outputs.keys():
        return np.inf
    tolerance, worst = _tolerance(exercise, case), 0.0
    for name, wanted in want.outputs.items():
        given = got.outputs[name]
        if given.size != wanted.size:
            return np.inf
        given, wanted = given.ravel().astype(complex), wanted.ravel().astype(complex)
        finite = np.isfinite(wanted)
        if not np.array_equal(finite, np.isfinite(given)):
            return np.inf
        if finite.any():
            largest = float(np.max(np.abs(wanted[finite])))
            bound = tolerance * (largest if largest > 0 and not exercise.absolute else 1.0)
            with np.errstate(over="ignore", invalid="ignore"):  # the difference of huge numbers can be infinite
                off = float(np.max(np.abs(given[finite] - wanted[finite])))
            if off != 0:
                worst = max(worst, off / bound if off < np.inf and 0 < bound < np.inf else np.inf)
    return worst


def _equal(exercise: Exercise, case: Case, got: Observation, want: Observation) -> bool:
    """Are two observations of a case equal within the tolerance? A deviation that is no number never is."""
    return deviation(exercise, case, got, want) <= 1


def _form_fault(got: Observation, want: Observation) -> str | None:
    """What is wrong with shapes and kinds of number, in words."""
    if got.outputs is None or want.outputs is None:
        return None
    for name, wanted in want.outputs.items():
        given = got.outputs.get(name)
        if given is None:
            return f"{name} is missing"
        if given.shape != wanted.shape:
            return f"{name} has shape {given.shape}, expected {wanted.shape}"
        if given.dtype.kind != wanted.dtype.kind:
            return f"{name} holds {given.dtype} numbers, expected {wanted.dtype}"
    return None


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, separator=", ", threshold=12, max_line_width=10_000)
        return " ".join(text.split())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _detail(exercise: Exercise, case: Case, got: Observation, want: Observation) -> str:
    """The first difference with its inputs; nothing for an experiment, whose result is to be measured."""
    if exercise.kind == "experiment":
        return ""
    lines = ["With the inputs" + (f" ({case.note})" if case.note else "")]
    lines += [f"  {name} = {_short(value)}" for name, value in case.inputs.items()]
    if exercise.legend:
        lines.append(f"  where {exercise.legend}")
    for name, wanted in (want.outputs or {}).items():
        given = "" if got.outputs is None else f", got {_short(got.outputs.get(name, 'nothing'))}"
        lines.append(f"expected {name} = {_short(wanted)}{given}")
    return "\n".join(lines)


def _behaves_like(exercise: Exercise, mistake: Mistake, rows: Sequence[tuple]) -> bool:
    """Does the answer do what ``mistake`` does on every case? Where the mistake's values are right, its side effects count.

    ``rows`` are (case, what the answer did, what the reference did); most mistakes are ruled out by the first of them.
    """
    seen = []
    for case, got, _ in rows:
        (did,) = observe(exercise, mistake.answer, [case])
        if not _equal(exercise, case, got, did):
            return False
        seen.append(did)
    pairs = list(zip(rows, seen, strict=True))
    if not all(_equal(exercise, case, did, want) for (case, _, want), did in pairs):
        return True
    return all(
        (got.changed, _form_fault(got, want)) == (did.changed, _form_fault(did, want)) for (_, got, want), did in pairs
    )


def judge(exercise: Exercise, key: Key, cases: Sequence[Case], got: Sequence[Observation]) -> Verdict:
    """Compare ``got``, an answer's observations of ``cases``, with the reference's and return the verdict."""
    want = observe(exercise, key.reference, cases)
    broken = [case.note or case.part for case, w in zip(cases, want, strict=True) if w.outputs is None]
    if broken:
        raise RuntimeError(f"the reference of {exercise.name} fails on its own inputs: {broken}, {want}")
    off = [not _equal(exercise, *row) for row in zip(cases, got, want, strict=True)]
    forms = [_form_fault(g, w) for g, w in zip(got, want, strict=True)]
    changed = sorted({name for g in got for name in g.changed})

    passed = {}
    for part in exercise.parts:
        if part == "form":
            passed[part] = not any(forms)
        elif part == "untouched":
            passed[part] = not changed
        else:
            passed[part] = not any(o for c, o in zip(cases, off, strict=True) if c.part == part)
    if all(passed.values()):
        parts = {part: (points, points) for part, points in exercise.parts.items()}
        return Verdict(exercise.name, parts, message="Everything is right.")
    rows = sorted(zip(cases, got, want, strict=True), key=lambda row: row[0].part != "values")
    known = next((m for m in key.mistakes if _behaves_like(exercise, m, rows)), None)
    if not passed["values"] and known is None:  # the gate: the right shape alone is not an answer
        passed = dict.fromkeys(passed, False)
    parts = {part: (points if passed[part] else 0.0, points) for part, points in exercise.parts.items()}

    failed = [row for row in rows if not _equal(exercise, *row)]
    detail = _detail(exercise, *failed[0]) if failed else ""
    # what is said and what is shown are about the same case
    fault = _form_fault(*failed[0][1:]) if failed else next(filter(None, forms), None)
    message = _message(exercise.kind, failed, fault, changed)
    name, hint = (known.name, known.hint) if known else (None, None)
    return Verdict(exercise.name, parts, name, hint, message, detail)


def _message(kind: str, failed: Sequence[tuple], form_fault: str | None, changed: Sequence[str]) -> str:
    """What was seen, in words, without inputs."""
    if failed:
        case, got, _ = failed[0]  # an ordinary case, if one of them failed: easier to read than an edge case
        if kind == "experiment" and got.outputs:
            return "The number is not the one that the experiment gives."
        if got.error and got.error.startswith("NotImplementedError"):
            return "There is no answer yet."
        where = f" for {case.note}" if case.note else ""
        if got.error:
            unusable = got.error.startswith("UnusableError: ")
            fault = "What it returns cannot be used" if unusable else "It stops with an error"
            return f"{fault}{where}: {got.error.removeprefix('UnusableError: ')}"
        if form_fault and "shape" in form_fault:
            return f"The result does not have the right shape{where}: {form_fault}."
        what = {"values": "A single call gives wrong values", "steps": "It goes wrong over several steps"}
        return what.get(case.part, "It is right for ordinary inputs but wrong") + where + "."
    if form_fault:
        return f"The values are right, but {form_fault}."
    return f"The values are right, but it modifies its argument{'s' * (len(changed) > 1)} {', '.join(changed)}."


def parts_in_words(parts: Mapping[str, tuple[float, float]]) -> str:
    """One line: "values 1.5/1.5, steps 0/0.5"."""
    return ", ".join(f"{name} {earned:g}/{possible:g}" for name, (earned, possible) in parts.items())
