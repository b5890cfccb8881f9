"""Regrade: after a judge was corrected, whose points changed, and what stays as it was."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from . import outcomes
from .errors import CourseError, NothingThereError
from .export import to_csv
from .folders import Course, write
from .gradebook import opened
from .guard import Fault, attempt
from .intake import Submission, take_in
from .notebooks import UnreadableError
from .outcomes import FAILED, Outcome
from .results import questions, results

Points = dict[str, dict[str, float]]  # student -> question -> points


@dataclass(frozen=True)
class Change:
    """One question of one student whose points are not what they were."""

    student: str
    exercise: str
    before: float
    after: float


def points(course: Course, assignment: str) -> Points:
    """What everybody has now, by question."""
    try:
        found = results(course, assignment)
    except NothingThereError:
        return {}
    return {one.student: {answer.question.short: answer.points for answer in one.answers} for one in found}


def changes(before: Points, after: Points) -> list[Change]:
    """What is different for those who are in both."""
    return [
        Change(student, name, before[student].get(name, 0.0), now)
        for student, row in sorted(after.items())
        if student in before
        for name, now in row.items()
        if before[student].get(name, 0.0) != now
    ]


def keep(course: Course, assignment: str, found: Iterable[Change]) -> Path:
    """Write the changes to a CSV file of their own in the folder ``report``. Returns its path."""
    path = course.root / "report" / f"{assignment}-changes-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.csv"
    head: list[str | float] = ["student", "exercise", "before", "after"]
    rows: list[list[str | float]] = [[one.student, one.exercise, one.before, one.after] for one in found]
    write(path, to_csv([head, *rows]))
    return path


@dataclass(frozen=True)
class Before:
    """What there was before a regrade, kept in a file until it is over: one that was interrupted still knows it."""

    course: Course
    assignment: str
    points: Points
    outcomes: dict[str, Outcome]
    scores: dict[str, dict[str, float | None]]  # student -> cell -> the judge's points

    @staticmethod
    def _path(course: Course, assignment: str) -> Path:
        return course.root / "report" / f".{assignment}-before.json"

    @classmethod
    def take(cls, course: Course, assignment: str) -> "Before":
        """What there is now, or what an interrupted regrade found. Raises CourseError when nothing is graded."""
        path = cls._path(course, assignment)
        if path.exists():
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                ended = {student: Outcome(**one) for student, one in said["outcomes"].items()}
                return cls(course, assignment, said["points"], ended, said["scores"])
            except (ValueError, TypeError, KeyError) as error:
                raise CourseError(f"{path} is damaged: {error}. Delete it and run the command again.") from error
        results(course, assignment)  # says so when there is nothing
        with opened(course) as gradebook:
            scores = {
                submission.student_id: {grade.name: grade.auto_score for grade in notebook.grades}
                for submission in gradebook.assignment_submissions(assignment)
                for notebook in submission.notebooks
            }
        found = cls(course, assignment, points(course, assignment), outcomes.load(course, assignment), scores)
        as_text = {student: asdict(one) for student, one in found.outcomes.items()}
        write(path, json.dumps({"points": found.points, "outcomes": as_text, "scores": scores}))
        return found

    def only(self, exercise: str, new: Outcome) -> Outcome:
        """Give all other exercises back what they had. Returns the outcome that counts; ``new`` is the one of the regrade."""
        kept = attempt(self.course, new.student, self._only, exercise, new)
        return replace(new, outcome=FAILED, reason=kept.reason) if isinstance(kept, Fault) else kept

    def _only(self, exercise: str, new: Outcome) -> Outcome:
        old = self.outcomes.get(new.student)
        if not old or old.sha256 != new.sha256 or not old.counts:
            return new
        if not new.counts:  # it could not be graded this time: everything stays
            outcomes.save(self.course, old)
            return old
        asked = {one.cell: one.exercise for one in questions(self.course, self.assignment)}
        with opened(self.course) as gradebook:
            notebook = gradebook.find_submission_notebook(self.assignment, self.assignment, new.student)
            for grade in notebook.grades:
                if asked.get(grade.name) != exercise and grade.name in self.scores.get(new.student, {}):
                    grade.auto_score = self.scores[new.student][grade.name]
            gradebook.db.commit()
            total = notebook.score
        verdicts = {**new.verdicts, **{name: said for name, said in old.verdicts.items() if name != exercise}}
        kept = replace(old, verdicts=verdicts, points=total, seconds=new.seconds, inputs=new.inputs)
        outcomes.save(self.course, kept)
        return kept

    def same_file(self, submission: Submission) -> bool:
        """Was this submission graded, and is it still the same file?"""
        old = self.outcomes.get(submission.student)
        if not old or not old.counts:
            return False
        sha256 = attempt(self.course, submission.student, _sha256, submission, self.assignment)
        return (
            isinstance(sha256, Fault) or sha256 == old.sha256
        )  # what fails here fails when it is graded, and says why

    def done(self) -> None:
        """The regrade is over."""
        self._path(self.course, self.assignment).unlink(missing_ok=True)


def _sha256(submission: Submission, assignment: str) -> str | None:
    try:
        return take_in(submission, assignment).sha256
    except UnreadableError:
        return None


def the_exercise(course: Course, assignment: str, name: str) -> str:
    """The full name of the exercise called ``name`` or ``assignment.name``. Raises CourseError when there is none."""
    asked = {one.exercise for one in questions(course, assignment) if one.exercise}
    full = name if "." in name else f"{assignment}.{name}"
    if full not in asked:
        raise CourseError(f"{assignment} has no exercise {name!r}. There are: {', '.join(sorted(asked))}.")
    return full
