"""Feedback: one page a student, with what was right, what was recognised, and the hint that goes with it."""

from pathlib import Path

from .folders import Course, write
from .intake import STUDENT
from .pages import page
from .results import results


def feedback(course: Course, assignment: str) -> list[Path]:
    """Write a page for every student with a sound name. Returns their paths. Raises CourseError when nothing is graded."""
    written = []
    for result in results(course, assignment):
        if STUDENT.fullmatch(result.student):
            path = course.feedback(assignment, result.student)
            write(path, page("feedback.html", assignment=assignment, result=result))
            written.append(path)
    return written
