"""Grading: lead every submission from intake to its outcome. One that fails never stops the others."""

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook

from . import outcomes
from .errors import CourseError, NothingThereError
from .execution import Job, code, execute
from .folders import Course, write
from .gradebook import Form, enter, form, opened, students
from .guard import Fault, attempt, fault
from .harmless import harmless
from .intake import Submission, submissions, take_in
from .judging import Judged, seed_for
from .late import handed_in
from .notebooks import UnreadableError, about, grade_id, marked, read_ours, read_release, same_text, to_short_text
from .outcomes import CRASHED, FAILED, GRADED, MALFORMED, OUT_OF_MEMORY, PARTLY, TIMED_OUT, Outcome
from .restore import restore
from .rubric import rubrics, with_rubrics
from .sandbox.outside import Limits, Sandbox
from .verdicts import stopped
from .workers import Cluster, Here, Workers, run_all

DEFAULT_LIMITS = Limits()
MOST_NAMED = 10  # cells that stopped, in the reason


def to_grade(course: Course, assignment: str, student: str | None = None) -> list[Submission]:
    """The submissions of all students, or of one. Raises CourseError when there are none."""
    found = submissions(course, assignment)
    if not found:
        where = course.root / "submitted" / "STUDENT" / assignment / f"{assignment}.ipynb"
        raise NothingThereError(f"There are no submissions of {assignment}. Put each one at {where}.")
    chosen = [submission for submission in found if student in (None, submission.student)]
    if not chosen:
        there = ", ".join(submission.student for submission in found)
        raise CourseError(f"{student!r} has handed in nothing for {assignment}. There are: {there}.")
    return chosen


def grade(
    course: Course,
    assignment: str,
    batch: Sequence[Submission],
    force: bool = False,
    workers: int = 2,
    limits: Limits = DEFAULT_LIMITS,
    confined: bool = True,
    scheduler: str | None = None,
) -> Iterator[tuple[Outcome, bool]]:
    """Grade the submissions in ``batch``; yields each outcome as soon as it is kept, and whether it is new.

    A submission is left alone while it, the release and the exercises stay the same, unless ``force``. ``limits`` hold for
    each submission, in sandboxes unless ``confined`` is false. ``workers`` of them run at a time on this machine, or all that
    the dask.distributed ``scheduler`` has. Only this process writes.

    The gradebook is written before the outcome: killed in between, the submission has no outcome and is graded again. So is
    one that failed.
    """
    release = read_release(course.release(assignment))
    exercises, fingerprint = about(release)["exercises"], _fingerprint_of_the_judge(course, assignment)
    shown = rubrics(read_ours(course.source(assignment)))
    earlier, secret = outcomes.load(course, assignment), _secret(course)
    settled: list[tuple[Outcome, bool]] = []  # without a run
    begun: dict[str, tuple[Outcome, Submission]] = {}

    def prepared(submission: Submission) -> tuple[Outcome, Job | None]:
        """The outcome if the submission need not run, else what is known of it before it does, and the job."""
        student, old = submission.student, earlier.get(submission.student)
        try:
            intake = take_in(submission, assignment)
            inputs = f"{intake.sha256}-{fingerprint}"
            if old and old.counts and old.inputs == inputs and not force and student in recorded:
                return old, None
            notebook, repairs = restore(intake.notebook, release)
        except UnreadableError as error:
            return Outcome(student, assignment, MALFORMED, reason=str(error)), None
        remarks = [*intake.remarks, *repairs]
        ready = Outcome(student, assignment, FAILED, remarks=remarks, sha256=intake.sha256, inputs=inputs)
        seed = seed_for(secret, assignment, student, intake.sha256)
        return ready, Job(student, notebook, exercises, seed, limits, confined, code())

    def jobs() -> Iterator[tuple[Job]]:
        """Read the submissions one by one, as the workers want them: a class need not fit into memory."""
        for submission in batch:
            student, old = submission.student, earlier.get(submission.student)
            read = attempt(course, student, prepared, submission)
            if isinstance(read, Fault):
                read = Outcome(student, assignment, FAILED, reason=read.reason), None
            outcome, job = read
            if job:
                begun[student] = outcome, submission
                yield (job,)
            elif outcome is old:
                settled.append((old, False))
            else:
                kept = _kept(course, outcome)
                settled.append((kept, kept != old or kept.outcome == FAILED))

    with opened(course) as gradebook:
        recorded, rows = students(gradebook, assignment), form(gradebook, assignment)
        if not scheduler:
            course.log.unlink(missing_ok=True)
        left = jobs()
        first = next(left, None)
        if first:
            place: Workers = Cluster(scheduler) if scheduler else Here(workers, course.log)
            if not scheduler:
                with Sandbox(confined):  # refuse at once where the machine cannot confine
                    pass
            for (job,), judged in run_all(execute, chain([first], left), place):
                yield from _emptied(settled)
                if isinstance(judged, CourseError):  # no submission can be graded there
                    raise judged
                ready, submission = begun.pop(job.student)
                if isinstance(judged, Judged):
                    old = earlier.get(job.student)
                    ended = attempt(
                        course,
                        job.student,
                        _finish,
                        gradebook,
                        rows,
                        course,
                        ready,
                        submission,
                        job,
                        judged,
                        release,
                        shown,
                        old,
                    )
                else:
                    ended = fault(course, job.student, judged)
                outcome = replace(ready, reason=ended.reason) if isinstance(ended, Fault) else ended
                yield _kept(course, outcome), True
        yield from _emptied(settled)


def _kept(course: Course, outcome: Outcome) -> Outcome:
    """The outcome, once it is written; that of a submission that failed when it cannot be."""
    said = attempt(course, outcome.student, outcomes.save, course, outcome)
    return replace(outcome, outcome=FAILED, reason=said.reason) if isinstance(said, Fault) else outcome


def _emptied(items: list[Any]) -> Iterator[Any]:
    while items:
        yield items.pop(0)


def _secret(course: Course) -> bytes:
    """The course's secret; made the first time, for its owner's eyes only."""
    if not course.secret.exists():
        course.secret.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(course.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w") as file:
            file.write(secrets.token_hex(32))
    return course.secret.read_bytes()


def _fingerprint_of_the_judge(course: Course, assignment: str) -> str:
    """Changes when the hidden tests, the release, or the code that judges change."""
    digest = hashlib.sha256(code().encode())
    if not course.source(assignment).exists():
        raise CourseError(f"{course.source(assignment)} is missing. Run thalweg release {assignment} to make it.")
    for path in (course.source(assignment), course.release(assignment)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


ENDS = {
    TIMED_OUT: "took longer than a submission may",
    OUT_OF_MEMORY: "used more memory than a submission may",
    CRASHED: "ended the program that runs the notebook",
}


def _finish(
    gradebook: Gradebook,
    rows: Form,
    course: Course,
    begun: Outcome,
    submission: Submission,
    job: Job,
    judged: Judged,
    release: NotebookNode,
    shown: dict[str, str],
    old: Outcome | None,
) -> Outcome:
    """Keep what came of a submission: the executed notebook, the gradebook's entry; its outcome."""
    assignment, student = begun.assignment, begun.student
    points = {cell: judged.verdicts[name].points for cell, name in job.exercises.items()}
    timestamp, remarks = _timestamp(submission)
    same_file = old is not None and old.sha256 == begun.sha256
    write(course.autograded(assignment, student), to_short_text(with_rubrics(harmless(judged.notebook), shown)))
    total, most = enter(gradebook, rows, student, judged.notebook.cells, points, timestamp, same_file)
    failed = stopped(judged.notebook, _blank(judged.notebook, release))
    reason = _reason(failed)
    if judged.end:
        reason = f"The cell {judged.last} {ENDS[judged.end]}. What came before it was graded, the rest was not."
    return replace(
        begun,
        outcome=judged.end or (PARTLY if failed else GRADED),
        reason=reason,
        remarks=[*begun.remarks, *remarks],
        verdicts={name: verdict.to_dict() for name, verdict in judged.verdicts.items()},
        points=total,
        max_points=most,
        seconds=judged.seconds,
    )


def _timestamp(submission: Submission) -> tuple[datetime | None, list[str]]:
    """When it was handed in, and a remark if that cannot be read."""
    try:
        return handed_in(submission.folder), []
    except UnreadableError as error:
        return None, [str(error)]


def _blank(notebook: NotebookNode, release: NotebookNode) -> set[str]:
    """The answers that are still as they were released."""
    stubs = {grade_id(cell): cell.source for cell in release.cells if marked(cell, "solution")}
    answers = {grade_id(cell): cell.source for cell in notebook.cells}
    return {name for name, stub in stubs.items() if same_text(answers[name], stub)}


def _reason(failed: list[str]) -> str:
    if not failed:
        return ""
    count = "One cell" if len(failed) == 1 else f"{len(failed)} cells"
    more = [f"and {len(failed) - MOST_NAMED} more"] if len(failed) > MOST_NAMED else []
    return f"{count} stopped with an error: {'; '.join([*failed[:MOST_NAMED], *more])}. Everything else was graded."
