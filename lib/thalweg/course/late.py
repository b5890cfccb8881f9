"""Late: when an assignment was due, and what each day after that costs. The gradebook holds it as nbgrader's own penalty."""

import json
import math
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from nbgrader.api import MissingEntry
from nbgrader.utils import parse_utc

from .errors import CourseError
from .folders import Course, write
from .gradebook import opened

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
    except (ValueError, TypeError, AttributeError, CourseError) as error:
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
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise CourseError(
            f"{text!r} is not a time. Write 2026-10-01T23:59, or with a zone 2026-10-01T23:59+02:00."
        ) from error


def _utc(due: str) -> datetime:
    return datetime.fromisoformat(due).astimezone(UTC).replace(tzinfo=None)  # as the gradebook keeps times


def _handed_in(course: Course, assignment: str, student: str) -> datetime | None:
    """The time in the submission's timestamp.txt, which may be newer than the grading."""
    stamp = course.submitted(assignment, student).parent / "timestamp.txt"
    if stamp.is_symlink() or not stamp.is_file() or stamp.stat().st_size > 100:
        return None
    try:
        return parse_utc(stamp.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


def extend(course: Course, assignment: str, student: str, days: float) -> None:
    """Give one student ``days`` more, in place of what was given before. Raises CourseError when nothing of theirs is graded."""
    with opened(course) as gradebook:
        try:
            gradebook.find_submission(assignment, student).extension = timedelta(days=days)
        except MissingEntry as error:
            raise CourseError(f"{student!r} has nothing in the gradebook for {assignment}. Grade it first.") from error
        gradebook.db.commit()
    settle(course, assignment)


def settle(course: Course, assignment: str) -> dict[str, Lateness]:
    """Bring the penalties in the gradebook up to date with its points. Returns how late each student was."""
    policy = policies(course).get(assignment)
    if not policy:
        return {}
    found = {}
    with opened(course) as gradebook:
        try:
            gradebook.find_assignment(assignment).duedate = _utc(policy.due)
            for submission in gradebook.assignment_submissions(assignment):
                submission.timestamp = _handed_in(course, assignment, submission.student_id) or submission.timestamp
                late, cost = submission.total_seconds_late, 0.0
                for notebook in submission.notebooks:
                    penalty = policy.penalty(notebook.score, notebook.max_score, late)
                    cost += penalty
                    if (notebook.late_submission_penalty or 0.0) != penalty:
                        notebook.late_submission_penalty = penalty or None
                found[submission.student_id] = Lateness(late, cost)
        except MissingEntry:
            return {}
        gradebook.db.commit()
    return found
