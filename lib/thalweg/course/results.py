"""Results: outcome and gradebook of each submission in one view, for feedback, report and export."""

from dataclasses import dataclass, replace
from typing import Any

from thalweg.exercises import exercise

from . import outcomes
from .collect import read_records
from .errors import NothingThereError
from .folders import Course
from .gradebook import Record, Score, records
from .guard import Fault, attempt
from .late import Lateness, settle
from .notebooks import about, grade_id, marked, read_release
from .outcomes import FAILED, GRADED, MALFORMED, Outcome

NOTHING = Record({}, {})
NOT_JUDGED = ("It was not reached", "There is no answer", "The answer's process ended")  # how such verdicts begin
IN_TIME = Lateness()


@dataclass(frozen=True)
class Question:
    """One graded cell of the release. ``exercise`` is None for an answer that a person grades."""

    cell: str
    exercise: str | None
    title: str
    max_points: float

    @property
    def short(self) -> str:
        """Its name as a column: "heavy_ball"."""
        return self.exercise.rpartition(".")[2] if self.exercise else self.cell


@dataclass(frozen=True)
class Answer:
    """One question as a student answered it. ``verdict`` is the judge's, as :meth:`Verdict.to_dict`."""

    question: Question
    score: Score
    comment: str
    verdict: dict[str, Any] | None

    @property
    def points(self) -> float:
        """What the gradebook says now."""
        return self.score.points

    @property
    def full(self) -> bool:
        """Did it earn everything?"""
        return self.points >= self.question.max_points


@dataclass(frozen=True)
class Result:
    """One student's result."""

    outcome: Outcome
    answers: list[Answer]
    comments: dict[str, str]  # a person's, on cells that are not graded themselves
    lateness: Lateness = IN_TIME
    marked_late: bool = False  # the LMS says so, but not how late

    @property
    def student(self) -> str:
        """Who handed it in."""
        return self.outcome.student

    @property
    def earned(self) -> float:
        """What the gradebook says now, before a late penalty."""
        return round(sum(answer.points for answer in self.answers), 6)

    @property
    def penalty(self) -> float:
        """What it costs that it was late."""
        return min(self.lateness.penalty, self.earned)

    @property
    def points(self) -> float:
        """What counts: earned, less the late penalty."""
        return self.earned - self.penalty

    @property
    def max_points(self) -> float:
        """All that there is to earn."""
        return sum(answer.question.max_points for answer in self.answers)

    @property
    def waiting(self) -> list[Answer]:
        """The answers that a person has yet to grade."""
        return [answer for answer in self.answers if answer.score.waiting]

    @property
    def mistakes(self) -> list[tuple[Question, str]]:
        """The known mistakes that the judge recognised."""
        return [(a.question, a.verdict["mistake"]) for a in self.answers if a.verdict and a.verdict["mistake"]]

    @property
    def unexplained(self) -> list[tuple[Question, str]]:
        """What the judge saw of each wrong answer that no known mistake explains, in its words."""
        wrong = [a for a in self.answers if a.verdict and not a.full and not a.verdict["mistake"]]
        said = [(a.question, a.verdict["message"]) for a in wrong]  # type: ignore[index]
        return [(question, words) for question, words in said if words and not words.startswith(NOT_JUDGED)]


def questions(course: Course, assignment: str) -> list[Question]:
    """The graded cells of the release, in order."""
    release = read_release(course.release(assignment))
    exercises, found = about(release)["exercises"], []
    for cell in release.cells:
        if marked(cell, "grade"):
            name = grade_id(cell)
            asked = exercises.get(name)
            title = exercise(asked).title if asked else "Written answer"
            found.append(Question(name, asked, title, float(cell.metadata.nbgrader.points)))
    return found


def results(course: Course, assignment: str) -> list[Result]:
    """All results of the assignment, by student. Raises CourseError when nothing has been graded."""
    ended = outcomes.load(course, assignment)
    if not ended:
        raise NothingThereError(f"Nothing of {assignment} has been graded yet. Run thalweg grade {assignment} first.")
    late = settle(course, assignment)
    asked, recorded = questions(course, assignment), records(course, assignment)
    sent = read_records(course, assignment)

    def result(student: str, outcome: Outcome) -> Result:
        lateness = late.get(student, IN_TIME)
        if isinstance(lateness, Fault):
            return failed(outcome, lateness)
        marked_late = bool(sent.get(student, {}).get("late")) and not lateness.late
        made = _result(outcome, asked, recorded.get(student, NOTHING))
        return replace(made, lateness=lateness, marked_late=marked_late)

    def failed(outcome: Outcome, fault: Fault) -> Result:
        ended = Outcome(outcome.student, assignment, FAILED, reason=fault.reason)
        return Result(ended, [Answer(question, Score(), "", None) for question in asked], {})

    found = []
    for student, outcome in ended.items():
        made = attempt(course, student, result, student, outcome)
        found.append(failed(outcome, made) if isinstance(made, Fault) else made)
    return found


def _result(outcome: Outcome, asked: list[Question], recorded: Record) -> Result:
    if not outcome.counts:  # what an earlier submission earned stays in the gradebook, but does not count for this one
        recorded = NOTHING
    answers = []
    for question in asked:
        score = recorded.scores.get(question.cell, Score())
        verdict = outcome.verdicts.get(question.exercise or "")
        comment = recorded.comments.get(question.cell, "")
        answers.append(Answer(question, score, comment, verdict))
    graded = {question.cell for question in asked}
    comments = {cell: text for cell, text in recorded.comments.items() if cell not in graded}
    return Result(outcome, answers, comments)


def failures(found: list[Result]) -> dict[str, str]:
    """Whose grading failed, and why: the next run of ``grade`` tries it again."""
    return {one.student: one.outcome.reason for one in found if one.outcome.outcome == FAILED}


def for_a_human(result: Result) -> list[str]:
    """Why a person should look at this submission; nothing for most."""
    reasons = []
    if result.outcome.outcome in (MALFORMED, FAILED):
        reasons.append(f"{result.outcome.outcome}: {result.outcome.reason}")
    elif result.outcome.outcome != GRADED:
        reasons.append(result.outcome.reason)
    reasons += result.outcome.remarks
    reasons += [
        f"{answer.question.short}: the points given by hand belong to an earlier submission. Look at it again."
        for answer in result.answers
        if answer.score.outdated
    ]
    if result.marked_late:
        reasons.append(
            "Canvas marks it as late, and its zip does not say by how much. Put the time of handing in into the "
            "column submitted of your list of students and collect again."
        )
    return reasons
