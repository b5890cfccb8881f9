"""Export: the grades as CSV, plain or as Canvas and Moodle import them, safe to open in a spreadsheet."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .collect import read_records
from .errors import CourseError
from .folders import Course, write
from .guard import Fault, attempt
from .names import sound
from .outcomes import FAILED
from .results import Result, failures, results

Cells = list[str | float]
PLAIN_ENDS = ["earned", "late", "total", "max", "outcome"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]  # lib/gradebook_importer.rb wants this order
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Exported:
    """``path`` holds ``rows`` students. ``left_out``: the others; ``failed``: whose grading failed; each with the reason."""

    path: Path
    rows: int
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


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
    So is one whose id in the LMS another one has too. Raises CourseError when nothing is graded, or when ``output`` is another file.
    """
    make = FORMS.get(form)
    if not make:
        raise CourseError(f"There is no format {form!r}: choose one of {', '.join(FORMS)}.")
    found, records = results(course, assignment), read_records(course, assignment)
    failed, left_out = failures(found), {}
    table: list[Cells] = []

    def line(one: Result) -> Cells | str:
        why = "" if form == "plain" else _not_for_an_lms(one, incomplete)
        return why or make.row(one, records.get(one.student, {}))

    for one in found:
        row = attempt(course, one.student, line, one)
        if isinstance(row, Fault):
            failed[row.student] = left_out[row.student] = row.reason
        elif isinstance(row, str):
            left_out[one.student] = row
        else:
            table.append(row)
    if make.unique is not None:
        shared = _shared(table, make.unique)
        left_out |= shared
        table = [row for row in table if row[1 - make.unique] not in shared]
    title = column or assignment.replace("_", " ").capitalize()
    head = make.head(found, title)
    suffix = "" if form == "plain" else f"-{form}"
    path = output or course.root / "export" / f"{assignment}{suffix}.csv"
    if path.exists() and not _is_an_export(path):
        raise CourseError(f"{path} exists and is not an earlier export. Choose another file with --output.")
    write(path, to_csv([*head, *table]))
    return Exported(path, len(table), left_out, failed)


def _not_for_an_lms(result: Result, incomplete: bool) -> str:
    if not sound(result.student):
        return "this cannot be a student's name"
    if result.outcome.outcome == FAILED:
        return "the grading failed: grade again"
    if result.waiting and not incomplete:
        return "a written answer is not graded yet (--incomplete exports it all the same)"
    return ""


def _plain_head(found: list[Result], title: str) -> list[Cells]:
    questions = [answer.question.short for answer in found[0].answers]
    return [["student", *questions, *PLAIN_ENDS]]


def _plain(one: Result, record: dict[str, Any]) -> Cells:
    """One line a student; the points of an answer that nobody has graded yet are left empty."""
    points: Cells = ["" if answer.score.waiting else answer.points for answer in one.answers]
    return [one.student, *points, one.earned, one.penalty, one.points, one.max_points, one.outcome.outcome]


def _canvas_head(found: list[Result], title: str) -> list[Cells]:
    return [[*CANVAS, title], ["    Points Possible", "", "", "", "", found[0].max_points]]


def _canvas(one: Result, record: dict[str, Any]) -> Cells | str:
    """Canvas finds a student by its own number where a Canvas zip told it, else by the login."""
    number = str(record.get("lms_id", "")) if record.get("lms") == "Canvas" else ""
    if number and not number.isdecimal():
        return "handed in anonymously: Canvas' import needs a name"
    return [one.student, number, "", "" if number else one.student, "", round(one.points, 2)]


def _moodle_head(found: list[Result], title: str) -> list[Cells]:
    """For "Grades > Import > CSV file": identify by e-mail address or username, map the two last columns."""
    who = "Email address" if all("@" in one.student for one in found) else "Username"
    return [["Identifier", who, title, "Feedback comments"]]


def _moodle(one: Result, record: dict[str, Any]) -> Cells:
    number = f"Participant {record['lms_id']}" if record.get("lms") == "Moodle" else ""
    return [number, one.student, round(one.points, 2), _words(one)]


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


def _shared(table: list[Cells], column: int) -> dict[str, str]:
    """Who has the same number in the LMS as somebody else, with the reason: one of them would get the other's grade."""
    having: dict[Any, list[str]] = defaultdict(list)
    for row in table:
        if row[column]:
            having[row[column]].append(str(row[1 - column]))
    return {
        student: f"{' and '.join(students)} have the same number {number} in the LMS. Collect again with --students to say who is who"
        for number, students in having.items()
        for student in students
        if len(students) > 1
    }


@dataclass(frozen=True)
class Form:
    """A kind of file: its first lines, one student's line or why there is none, and the column in which nothing may repeat."""

    head: Callable[[list[Result], str], list[Cells]]
    row: Callable[[Result, dict[str, Any]], Cells | str]
    unique: int | None = None


FORMS = {
    "plain": Form(_plain_head, _plain),
    "canvas": Form(_canvas_head, _canvas, unique=1),
    "moodle": Form(_moodle_head, _moodle, unique=0),
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
