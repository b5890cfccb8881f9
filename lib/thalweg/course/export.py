"""Export: the grades as CSV, plain or as Canvas and Moodle import them, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .collect import read_records
from .errors import CourseError
from .folders import Course, write
from .intake import STUDENT
from .outcomes import FAILED
from .results import Result, results

Cells = list[str | float]
PLAIN_ENDS = ["earned", "late", "total", "max", "outcome"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]  # lib/gradebook_importer.rb wants this order
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Exported:
    """``path`` holds ``rows`` students. ``left_out``: the others, each with the reason."""

    path: Path
    rows: int
    left_out: dict[str, str] = field(default_factory=dict)


def defused(text: str) -> str:
    """A spreadsheet takes a cell that begins with one of these for a formula; behind a quote it is text."""
    return "'" + text if text.startswith(FORMULA) else text


def to_csv(table: list[Cells]) -> str:
    """The table as CSV. Text that looks like a formula is defused; a number stays one, negative or not."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    for row in table:
        writer.writerow([defused(cell) if isinstance(cell, str) else f"{cell:g}" for cell in row])
    return file.getvalue()


def export(
    course: Course, assignment: str, output: Path | None = None, form: str = "plain", column: str | None = None,
    incomplete: bool = False,
) -> Exported:  # fmt: skip
    """Write the CSV to ``output``, by default to the folder ``export`` of the course.

    ``form`` is "plain", "canvas" or "moodle"; ``column`` is the assignment's title there. A student whose written answers are
    not graded yet is left out of the latter two, unless ``incomplete``; one whose grading failed always is.
    Raises CourseError when nothing is graded, when an id stands for two students, or when ``output`` is another file.
    """
    make = FORMS.get(form)
    if not make:
        raise CourseError(f"There is no format {form!r}: choose one of {', '.join(FORMS)}.")
    found, left_out = results(course, assignment), {}
    if form != "plain":
        left_out = {one.student: why for one in found if (why := _not_for_an_lms(one, incomplete))}
        found = [one for one in found if one.student not in left_out]
    title = column or assignment.replace("_", " ").capitalize()
    table = make(found, title, read_records(course, assignment), left_out)
    suffix = "" if form == "plain" else f"-{form}"
    path = output or course.root / "export" / f"{assignment}{suffix}.csv"
    if path.exists() and not _is_an_export(path):
        raise CourseError(f"{path} exists and is not an earlier export. Choose another file with --output.")
    write(path, to_csv(table))
    heads = 2 if form == "canvas" else 1
    return Exported(path, len(table) - heads, left_out)


def _not_for_an_lms(result: Result, incomplete: bool) -> str:
    if not STUDENT.fullmatch(result.student):
        return "this cannot be a student's name"
    if result.outcome.outcome == FAILED:
        return "the grading failed: grade again"
    if result.waiting and not incomplete:
        return "a written answer is not graded yet (--incomplete exports it all the same)"
    return ""


def _plain(found: list[Result], title: str, records: dict[str, Any], left_out: dict[str, str]) -> list[Cells]:
    """One line a student; the points of an answer that nobody has graded yet are left empty."""
    questions = [answer.question.short for answer in found[0].answers] if found else []
    table: list[Cells] = [["student", *questions, *PLAIN_ENDS]]
    for one in found:
        points: Cells = ["" if answer.score.waiting else answer.points for answer in one.answers]
        table.append([one.student, *points, one.earned, one.penalty, one.points, one.max_points, one.outcome.outcome])
    return table


def _canvas(found: list[Result], title: str, records: dict[str, Any], left_out: dict[str, str]) -> list[Cells]:
    """Canvas finds a student by its own number where a Canvas zip told it, else by the login."""
    table: list[Cells] = []
    for one in found:
        record = records.get(one.student, {})
        number = str(record.get("lms_id", "")) if record.get("lms") == "Canvas" else ""
        if number and not number.isdecimal():
            left_out[one.student] = "handed in anonymously: Canvas' import needs a name"
            continue
        table.append([one.student, number, "", "" if number else one.student, "", round(one.points, 2)])
    _unique(table, 1)
    possible = found[0].max_points if found else 0.0
    return [[*CANVAS, title], ["    Points Possible", "", "", "", "", possible], *table]


def _moodle(found: list[Result], title: str, records: dict[str, Any], left_out: dict[str, str]) -> list[Cells]:
    """For "Grades > Import > CSV file": identify by e-mail address or username, map the two last columns."""
    who = "Email address" if found and all("@" in one.student for one in found) else "Username"
    table: list[Cells] = []
    for one in found:
        record = records.get(one.student, {})
        number = f"Participant {record['lms_id']}" if record.get("lms") == "Moodle" else ""
        table.append([number, one.student, round(one.points, 2), _words(one)])
    _unique(table, 0)
    return [["Identifier", who, title, "Feedback comments"], *table]


def _words(result: Result) -> str:
    """The feedback in a few words."""
    if not result.outcome.counts:
        return result.outcome.reason
    said = []
    for answer in result.answers:
        points = "not graded yet" if answer.score.waiting else f"{answer.points:g} of {answer.question.max_points:g}"
        mistake = answer.verdict["mistake"] if answer.verdict else None
        said.append(
            f"{answer.question.short}: {points}"
            + (f" (known mistake: {mistake})" if mistake else "")
            + (f" ({answer.comment})" if answer.comment else "")
        )
    if result.penalty:
        said.append(f"late: -{result.penalty:g}")
    return "; ".join(said)


def _unique(table: list[Cells], column: int) -> None:
    seen: dict[Any, Any] = {}
    for row in table:
        if row[column] and row[column] in seen:
            raise CourseError(
                f"{seen[row[column]]} and {row[1 - column]} have the same number {row[column]} in the LMS. "
                "Collect again with --students to say who is who."
            )
        seen[row[column]] = row[1 - column]


FORMS: dict[str, Callable[[list[Result], str, dict[str, Any], dict[str, str]], list[Cells]]] = {
    "plain": _plain,
    "canvas": _canvas,
    "moodle": _moodle,
}


def _is_an_export(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head = next(csv.reader([file.readline(10_000)]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    plain = head[:1] == ["student"] and head[-len(PLAIN_ENDS) :] == PLAIN_ENDS
    canvas = head[:-1] == CANVAS
    moodle = len(head) == 4 and head[0] == "Identifier" and head[-1] == "Feedback comments"
    return plain or canvas or moodle
