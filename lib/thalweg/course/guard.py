"""Guard: what goes wrong in the work for one submission concerns that submission alone.

Every command does its work for a submission through :func:`attempt`. What a student's file can hold is judged before; so what ends
here is a fault of ours or of the machine. It is told in a sentence, since the student may see it, and in full in the course's log.
"""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from .errors import CourseError
from .folders import Course

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """Why the work for ``student`` did not come to its end."""

    student: str
    reason: str


def attempt(course: Course, student: str, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T | Fault:
    """Do the work for one submission. Raises CourseError alone: that concerns the whole course."""
    try:
        return work(*args, **options)
    except CourseError:
        raise
    except Exception as error:
        return fault(course, student, error)


def fault(course: Course, student: str, error: BaseException | None) -> Fault:
    """What ``error`` means for the student; None: the process that did the work died. The log has all of it."""
    with suppress(OSError), course.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
        told = "".join(traceback.format_exception(error)) if error else "The process that did the work died.\n"
        log.write(f"--- {student!r}\n{told}")
    return Fault(student, f"{_cause(error)} That is not the notebook's doing, and it will be tried again.")


def _cause(error: BaseException | None) -> str:
    if error is None:
        return "The process that did the work died."
    if isinstance(error, SQLAlchemyError) or isinstance(
        error.__context__, SQLAlchemyError
    ):  # nbgrader makes its own of it
        return "The gradebook could not be used: another program holds it, or there is no room left for it."
    if isinstance(error, OSError):
        return f"A file could not be read or written: {(error.strerror or 'the machine refused').lower()}."
    if isinstance(error, MemoryError):
        return "There was not enough memory."
    return "The grader itself has a fault."
