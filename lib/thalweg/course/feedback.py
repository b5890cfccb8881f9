"""Feedback: one page a student, with what was right, what was recognised, and the hint that goes with it."""

from dataclasses import dataclass, field
from pathlib import Path

from .folders import Course, write
from .guard import Fault, attempt
from .names import sound
from .pages import page
from .results import Result, failures, results


@dataclass(frozen=True)
class Feedback:
    """The pages that were written. ``failed``: whose is not, or says that the grading failed, each with the reason."""

    paths: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def feedback(course: Course, assignment: str) -> Feedback:
    """Write a page for every student with a sound name. Raises CourseError when nothing is graded."""
    found = results(course, assignment)
    done = Feedback(failed=failures(found))
    for result in found:
        if sound(result.student):
            path = attempt(course, result.student, _write, course, assignment, result)
            if isinstance(path, Fault):
                done.failed[path.student] = path.reason
            else:
                done.paths.append(path)
    return done


def _write(course: Course, assignment: str, result: Result) -> Path:
    path = course.feedback(assignment, result.student)
    write(path, page("feedback.html", assignment=assignment, result=result))
    return path
