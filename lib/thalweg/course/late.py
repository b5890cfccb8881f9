"""Late: when an assignment was due, and what each day after that costs. The gradebook holds it as nbgrader's own penalty."""

import json
import math
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.api import MissingEntry, SubmittedAssignment
from nbgrader.utils import parse_utc

from .errors import CourseError
from .folders import Course, write
from .gradebook import opened
from .guard import Fault, attempt
from .intake import submissions
from .notebooks import UnreadableError

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Policy:
    """``due`` is a time with its zone; ``per_day`` and ``most`` are points, or per cent of the assignment's; ``grace`` is minutes."""

    due: str
    per_day: str
    most: str = "100%"
    grace: int = 0

    def penalty(self, earned: float, possible: float, late: float) -> float:
        """What ``late`` seconds cost: ``per_day`` for each day begun, ``most`` at most, and never more than was earned."""
        if late <= 60 * self.grace:
            return 0.0
        cost = math.ceil(late / DAY) * amount(self.per_day, possible)
        return min(cost, amount(self.most, possible), earned)


@dataclass(frozen=True)
class Lateness:
    """How late one submission was, in seconds, extensions counted, and what that costs."""

    late: float = 0.0
    penalty: float = 0.0


def amount(text: str, possible: float) -> float:
    """The points that "10%" (of ``possible``) or "2.5" mean. Raises CourseError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    if not found or (found[2] and float(found[1]) > 100):
        raise CourseError(f"{text!r} is neither points nor a percentage up to 100%. Write 10% or 2.5.")
    return float(found[1]) * possible / 100 if found[2] else float(found[1])


def policies(course: Course) -> dict[str, Policy]:
    """The policy of each assignment that has one. Raises CourseError for a damaged file."""
    path = course.root / "late.json"
    if not path.exists():
        return {}
    try:
        found = {name: Policy(**said) for name, said in json.loads(path.read_text(encoding="utf-8")).items()}
        for policy in found.values():
            _utc(policy.due), amount(policy.per_day, 1), amount(policy.most, 1)
    except (ValueError, TypeError, AttributeError, OverflowError, CourseError) as error:
        raise CourseError(f"{path} is damaged: {error}. Set it again with thalweg late.") from error
    return found


def set_policy(course: Course, assignment: str, policy: Policy | None) -> None:
    """Keep the policy in ``late.json`` and in the gradebook; None takes it away. Raises CourseError for one that makes no sense."""
    if policy:
        amount(policy.per_day, 1), amount(policy.most, 1)
        _utc(policy.due)
    kept = {name: asdict(one) for name, one in policies(course).items() if name != assignment}
    if policy:
        kept[assignment] = asdict(policy)
    write(course.root / "late.json", json.dumps(kept, indent=1) + "\n")
    if not policy:
        with opened(course) as gradebook:
            gradebook.find_assignment(assignment).duedate = None
            for submission in gradebook.assignment_submissions(assignment):
                for notebook in submission.notebooks:
                    notebook.late_submission_penalty = None
            gradebook.db.commit()
    settle(course, assignment)


def due_time(text: str) -> str:
    """The time in ``text`` with its zone, by default this machine's. Raises CourseError when it is none."""
    try:
        time = datetime.fromisoformat(text).astimezone()
        _utc(time.isoformat())
        return time.isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise CourseError(
            f"{text!r} is not a time. Write 2026-10-01T23:59, or with a zone 2026-10-01T23:59+02:00."
        ) from error


def _utc(due: str) -> datetime:
    return datetime.fromisoformat(due).astimezone(UTC).replace(tzinfo=None)  # as the gradebook keeps times


def handed_in(folder: Path) -> datetime | None:
    """The time in nbgrader's timestamp.txt in a submission's folder, as the gradebook keeps times; None where there is no such file.

    Raises UnreadableError when it does not hold a time.
    """
    stamp = folder / "timestamp.txt"
    if stamp.is_symlink() or not stamp.is_file():
        return None
    try:
        with stamp.open(encoding="utf-8") as file:
            return parse_utc(file.read(100).strip())
    except Exception as error:  # the parser has many for what is no time; a date of 5,000 digits is an OverflowError
        raise UnreadableError("The file timestamp.txt does not hold a time. It was left out.") from error


def _handed_in(folder: Path | None) -> datetime | None:
    try:
        return handed_in(folder) if folder else None
    except UnreadableError:
        return None


def extend(course: Course, assignment: str, student: str, days: float) -> None:
    """Give one student ``days`` more, in place of what was given before. Raises CourseError when nothing of theirs is graded."""
    with opened(course) as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
            submission.extension = timedelta(days=days)
            _ = submission.duedate  # with the extension
        except MissingEntry as error:
            raise CourseError(f"{student!r} has nothing in the gradebook for {assignment}. Grade it first.") from error
        except (OverflowError, ValueError) as error:
            gradebook.db.rollback()
            raise CourseError(f"{days:g} days more would lead out of the calendar. Give fewer.") from error
        gradebook.db.commit()
    settle(course, assignment)


def settle(course: Course, assignment: str) -> dict[str, Lateness | Fault]:
    """Bring the penalties in the gradebook up to date with its points. Returns how late each student was."""
    policy = policies(course).get(assignment)
    if not policy:
        return {}
    folders = {submission.student: submission.folder for submission in submissions(course, assignment)}
    found: dict[str, Lateness | Fault] = {}
    with opened(course) as gradebook:
        try:
            gradebook.find_assignment(assignment).duedate = _utc(policy.due)
            for submission in gradebook.assignment_submissions(assignment):
                student = submission.student_id
                found[student] = attempt(course, student, _settle, submission, policy, folders.get(student))
        except MissingEntry:
            return {}
        gradebook.db.commit()
    return found


def _settle(submission: SubmittedAssignment, policy: Policy, folder: Path | None) -> Lateness:
    submission.timestamp = _handed_in(folder) or submission.timestamp  # which may be newer than the grading
    late, cost = submission.total_seconds_late, 0.0
    for notebook in submission.notebooks:
        penalty = policy.penalty(notebook.score, notebook.max_score, late)
        cost += penalty
        if (notebook.late_submission_penalty or 0.0) != penalty:
            notebook.late_submission_penalty = penalty or None
    return Lateness(late, cost)
