"""Outcomes: what became of each submission, one file each."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import CourseError
from .folders import Course, write
from .names import sound

GRADED, PARTLY, MALFORMED, FAILED = "graded", "partly graded", "malformed", "failed"
TIMED_OUT, OUT_OF_MEMORY, CRASHED = "timed out", "out of memory", "crashed"
COUNTING = (GRADED, PARTLY, TIMED_OUT, OUT_OF_MEMORY, CRASHED)  # what was judged before the end counts


@dataclass(frozen=True)
class Outcome:
    """How the grading of one submission ended.

    ``outcome``: "graded", "partly graded" (a cell stopped, the others count), "timed out", "out of memory", "crashed" (its
    process was ended or ended itself; what came before counts), "malformed" (not a notebook that could be graded) or
    "failed" (the grading itself did not end well, and is tried again by the next run); ``reason`` says why it is not simply "graded".
    ``points`` are those of the gradebook when it was graded: later manual grades are in the gradebook alone.
    """

    student: str
    assignment: str
    outcome: str
    reason: str = ""
    remarks: list[str] = field(default_factory=list)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: float = 0.0
    max_points: float = 0.0
    seconds: float = 0.0
    sha256: str | None = None  # of the submitted file
    inputs: str | None = None  # a fingerprint of everything that decides the grade

    @property
    def counts(self) -> bool:
        """Is there something in the gradebook for it?"""
        return self.outcome in COUNTING


def save(course: Course, outcome: Outcome) -> None:
    """Keep the outcome, in place of an earlier one of the same submission."""
    name = outcome.student
    if not sound(name):
        name = "unnamed-" + hashlib.sha256(name.encode()).hexdigest()[:12]
    text = json.dumps(asdict(outcome), ensure_ascii=False) + "\n"
    write(course.outcomes(outcome.assignment) / f"{name}.json", text)


def load(course: Course, assignment: str) -> dict[str, Outcome]:
    """All outcomes of the assignment, by student, in order. Raises CourseError for a file that is damaged."""
    found = {}
    for path in sorted(course.outcomes(assignment).glob("[!.]*.json")):
        try:
            outcome = Outcome(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise CourseError(f"{path} is damaged: {error}. Delete it and run thalweg grade again.") from error
        found[outcome.student] = outcome
    return dict(sorted(found.items()))
