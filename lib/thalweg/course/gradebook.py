"""The gradebook: what nbgrader's database holds about an assignment."""

import logging
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Gradebook, new_uuid
from nbgrader.utils import compute_checksum, determine_grade, parse_utc
from sqlalchemy import Select, create_engine, insert, inspect, make_url, select, update
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import load_only

from .errors import CourseError
from .folders import Course
from .notebooks import grade_id
from .settings import COURSE_ID


@dataclass(frozen=True)
class Score:
    """The points of one graded cell.

    ``by_hand``: a person gave them. ``waiting``: a person has yet to give some. ``outdated``: a person gave them to an
    earlier submission.
    """

    points: float = 0.0
    max_points: float = 0.0
    by_hand: bool = False
    waiting: bool = False
    outdated: bool = False


@dataclass(frozen=True)
class Record:
    """What the gradebook holds about one submission: scores and comments, by cell."""

    scores: dict[str, Score] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def has(course: Course, assignment: str | None = None) -> bool:
    """Has the gradebook been made, and is ``assignment`` in it? Raises CourseError when its database cannot be reached."""
    if course.database is None and not course.gradebook.exists():  # to connect would make it
        return False
    with _said_plainly(course):
        engine = create_engine(course.gradebook_url)
        try:
            there = inspect(engine).has_table("assignment")
            if there and assignment:
                with engine.connect() as connection:
                    asked = select(api.Assignment.id).where(api.Assignment.name == assignment)
                    there = connection.execute(asked).first() is not None
        finally:
            engine.dispose()
    return there


def move(course: Course, url: str) -> None:
    """Keep the course's gradebook in the PostgreSQL database at ``url`` from now on. Raises CourseError when it cannot be reached."""
    before = course.database
    course.keep_gradebook_on(_address(url))
    try:
        has(course)
    except CourseError:
        course.keep_gradebook_on(before)
        raise


def _address(url: str) -> str:
    """The address with the driver's name, which SQLAlchemy would otherwise choose by its own version."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and "@" not in (parsed.host or ""):
            return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        pass
    raise CourseError(  # without the address: what is wrong in it may be the password
        "--db takes the address of a PostgreSQL database: postgresql://USER:PASSWORD@HOST/NAME. In a password, write "
        "/ as %2F, @ as %40, : as %3A and % as %25."
    ) from None


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """The course's gradebook, closed again at the end. Raises CourseError when there is none."""
    if not has(course):  # nbgrader would make an empty one
        raise CourseError(f"The gradebook {course.gradebook_name} is missing. Run thalweg release to make it.")
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # nbgrader's: what matters is said by ourselves
    with _said_plainly(course), Gradebook(course.gradebook_url, COURSE_ID) as gradebook:
        yield gradebook


@contextmanager
def _said_plainly(course: Course) -> Iterator[None]:
    """What goes wrong with the database, as CourseError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "psycopg2":
            raise
        raise CourseError("PostgreSQL needs a driver. Install it: pip install 'thalweg[postgres]'.") from error
    except ArgumentError as error:
        raise CourseError(f"{course.gradebook_name} is not the address of a database: {error}.") from error
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise CourseError(
            f"The gradebook {course.gradebook_name} does not work: {cause.rstrip('.?')}. What was graded before is kept."
        ) from error


def students(gradebook: Gradebook, assignment: str) -> set[str]:
    """Of whom there is a submission of ``assignment``."""
    found = select(api.SubmittedAssignment.student_id).join(api.Assignment).where(api.Assignment.name == assignment)
    return set(gradebook.db.scalars(found))


def records(course: Course, assignment: str) -> dict[str, Record]:
    """Everything in the gradebook about ``assignment``, by student."""
    # plain columns: nbgrader's objects ask the database again for every single cell
    found: dict[str, Record] = defaultdict(Record)
    with opened(course) as gradebook:
        most = _max_scores(gradebook, assignment)
        grade, comment = api.Grade, api.Comment
        columns = (grade.manual_score, grade.auto_score, grade.extra_credit, grade.needs_manual_grade)
        for student, cell, manual, auto, extra, flagged in gradebook.db.execute(_of(assignment, grade, *columns)):
            found[student].scores[cell] = _score(manual, auto, extra, flagged, most.get(cell, 0.0))
        # an automatic comment says that there is no answer, which the score's state says too
        for student, cell, text in gradebook.db.execute(_of(assignment, comment, comment.manual_comment)):
            if text:
                found[student].comments[cell] = text
    return dict(found)


def _of(assignment: str, table: Any, *columns: Any) -> Select:
    """Student, cell and ``columns`` of all rows of ``table`` (grades or comments) that belong to the assignment's notebook."""
    return (
        select(api.SubmittedAssignment.student_id, api.BaseCell.name, *columns)
        .select_from(table)
        .join(api.BaseCell, api.BaseCell.id == table.cell_id)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.id == table.notebook_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
        .where(api.Assignment.name == assignment, api.Notebook.name == assignment)
    )


def _max_scores(gradebook: Gradebook, assignment: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in (api.GradeCell, api.TaskCell):
        cells = select(kind.name, kind.max_score).join(api.Notebook, api.Notebook.id == kind.notebook_id)
        cells = cells.join(api.Assignment).where(api.Assignment.name == assignment, api.Notebook.name == assignment)
        found.update((name, most or 0.0) for name, most in gradebook.db.execute(cells))
    return found


def _score(manual: float | None, auto: float | None, extra: float | None, flagged: bool, most: float) -> Score:
    by_hand = manual is not None
    given = manual if by_hand else auto
    points = 0.0 if given is None else given + (extra or 0.0)
    return Score(points, most, by_hand, flagged and not by_hand, flagged and by_hand)


@dataclass(frozen=True)
class Form:
    """What the gradebook keeps of each submission of an assignment. Cells are given by their ids."""

    assignment: str
    ids: tuple[str, str]  # the assignment's and its notebook's
    names: dict[str, str]  # of the cells
    graded: list[str]
    commented: list[str]
    most: dict[str, float]  # points, by name


def form(gradebook: Gradebook, assignment: str) -> Form:
    """The assignment's form. Raises CourseError when the gradebook has no such assignment."""
    notebook = select(api.Assignment.id, api.Notebook.id).join(
        api.Notebook, api.Notebook.assignment_id == api.Assignment.id
    )
    found = notebook.where(api.Assignment.name == assignment, api.Notebook.name == assignment)
    row = gradebook.db.execute(found).first()
    if row is None:
        raise CourseError(f"The gradebook has no assignment {assignment}. Run thalweg release {assignment} --force.")
    columns = select(api.BaseCell.id, api.BaseCell.name, api.BaseCell.type)
    cells = gradebook.db.execute(columns.where(api.BaseCell.notebook_id == row[1])).all()
    graded, commented = (
        [cell for cell, _, kind in cells if kind in (own, "TaskCell")] for own in ("GradeCell", "SolutionCell")
    )
    names = {cell: name for cell, name, _ in cells}
    return Form(assignment, (row[0], row[1]), names, graded, commented, _max_scores(gradebook, assignment))


def enter(
    gradebook: Gradebook,
    form: Form,
    student: str,
    cells: list[NotebookNode],
    points: dict[str, float],
    timestamp: datetime | None,
    same_file: bool = False,
) -> tuple[float, float]:
    """Enter a submission in one transaction: ``points`` of the cells that the judge graded, by grade id.

    ``cells`` are the executed notebook's: a written answer that is still blank gets 0, another one waits for a person. Manual
    grades stay; unless it is the ``same_file`` as before, a person has to look at them again. Returns the points and their
    maximum.
    """
    with _one_transaction(gradebook), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's models draw warnings from SQLAlchemy
        gradebook.update_or_create_student(student)
        notebook = _submitted(gradebook, form, student, timestamp)
        grades, comments = (_rows(gradebook, form, table, notebook) for table in (api.Grade, api.Comment))
        for cell in cells:
            name = grade_id(cell)
            if name in grades:
                grade = grades[name]
                grade.auto_score = points[name] if name in points else determine_grade(cell)[0]
                if grade.manual_score is None:
                    grade.needs_manual_grade = grade.auto_score is None
                elif not same_file:
                    grade.needs_manual_grade = True
            if name in comments:
                blank = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
                comments[name].auto_comment = "No response." if blank else None
        scores = [
            _score(grade.manual_score, grade.auto_score, grade.extra_credit, False, form.most.get(name, 0.0))
            for name, grade in grades.items()
        ]
    return round(sum(score.points for score in scores), 6), sum(score.max_points for score in scores)


def _submitted(gradebook: Gradebook, form: Form, student: str, timestamp: datetime | None) -> str:
    """The id of the student's notebook. What is not there yet is made: all rows at once, where nbgrader makes each by itself."""
    db, (assignment, notebook) = gradebook.db, form.ids
    given = {"timestamp": parse_utc(timestamp)} if timestamp else {}
    whose = api.SubmittedAssignment.student_id == student, api.SubmittedAssignment.assignment_id == assignment
    there = select(api.SubmittedNotebook.id).join(api.SubmittedAssignment).where(*whose)
    known = db.scalar(there.where(api.SubmittedNotebook.notebook_id == notebook))
    if known is not None:
        if given:
            db.execute(update(api.SubmittedAssignment).where(*whose).values(**given))
        return known
    submission, own = new_uuid(), new_uuid()
    db.execute(
        insert(api.SubmittedAssignment).values(id=submission, assignment_id=assignment, student_id=student, **given)
    )
    db.execute(insert(api.SubmittedNotebook).values(id=own, assignment_id=submission, notebook_id=notebook))
    for table, wanted in ((api.Grade, form.graded), (api.Comment, form.commented)):
        if wanted:
            db.execute(insert(table), [{"cell_id": cell, "notebook_id": own} for cell in wanted])
    return own


def _rows(gradebook: Gradebook, form: Form, table: Any, notebook: str) -> dict[str, Any]:
    """The grades or comments of a student's notebook, by the names of their cells."""
    plain = load_only(*(getattr(table, column.name) for column in table.__table__.columns))  # and nothing computed
    found = gradebook.db.scalars(select(table).options(plain).where(table.notebook_id == notebook))
    return {form.names[row.cell_id]: row for row in found}


@contextmanager
def _one_transaction(gradebook: Gradebook) -> Iterator[None]:
    """Everything inside is committed together at the end, or not at all: nbgrader commits after each call of its own."""
    commit, gradebook.db.commit = gradebook.db.commit, gradebook.db.flush
    try:
        yield
        commit()
    except BaseException:
        gradebook.db.rollback()
        raise
    finally:
        gradebook.db.commit = commit
        gradebook.db.expunge_all()  # the next submission has others: memory does not grow with the class
