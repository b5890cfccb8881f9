"""The command line: ``thalweg release``, ``check``, ``grade``, ``feedback``, ``report``, ``export``."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typer.core import TyperGroup

from .errors import CourseError, ForeignError, NothingThereError
from .folders import DEFAULT, Course
from .names import shown
from .settings import CELL_TIMEOUT

if TYPE_CHECKING:
    from .intake import Submission
    from .outcomes import Outcome
    from .regrade import Change, Points
    from .results import Result
    from .sandbox.outside import Limits

# The commands import what they need when they run: nbgrader and jupytext take a second, and --help should not.

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Commands(TyperGroup):
    """Every command tells a known problem in one line and ends with exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal that has no letter for a name's é gets a spelling of it
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # nobody reads any more
            raise
        except (CourseError, OSError) as error:
            err.print(f"[bold red]Error:[/] [red]{shown(str(error))}[/]", soft_wrap=True)
            raise typer.Exit(2) from error


Solutions = Annotated[Path, typer.Option(metavar="DIR", help="Where the assignments with solutions are.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what has not changed. Manual grades stay.")]
Output = Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write. Default: export/NAME.csv.")]


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Release, check and grade the assignments of Thalweg.\n\n"
    "A course lives in one folder, by default _build/course: release/ is for the students, submitted/STUDENT/NAME/ takes "
    "what they hand in, feedback/ and report/ are the results. The points are in an nbgrader gradebook.\n\n"
    "Exit codes: 0 done; 1 done, but something needs you (check: something to put right; collect: a file was refused; all "
    "others: the work on a submission failed, so run the command again); 2 the command could not be carried out, and the last line says why.",
)

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The assignment, such as momentum. Default: all.")]
Folder = Annotated[Path, typer.Option("--course", metavar="DIR", help="The course folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, everything else on stderr.")]
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="How many submissions run at a time.")]
Timeout = Annotated[int, typer.Option(metavar="SECONDS", min=1, help="How long one cell may run.")]
Trust = Annotated[
    bool, typer.Option("--trust-submissions", help="Run submissions with your own rights, not in a sandbox.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="Grade on the workers of this dask.distributed scheduler instead."),
]


def _for_each(course: Path, name: str | None, work: Callable[[Course, str], dict[str, str]]) -> bool:
    """Do the work for the assignment called ``name``, or for all those for which there is something to do.

    The work returns the students for whom it failed, each with the reason. Tells them, and returns whether there were any.
    """
    place, idle, failed = Course(course), [], False
    names = place.assignments(name)
    for assignment in names:
        try:
            failed |= _told(place, assignment, work(place, assignment))
        except NothingThereError as error:
            idle.append(error)
        except ForeignError as error:
            if name:
                raise
            err.print(f"{shown(assignment)} is left out: {shown(str(error))}", soft_wrap=True)
    if idle and len(idle) == len(names):
        raise idle[0]
    return failed


def _told(place: Course, assignment: str, failed: dict[str, str]) -> bool:
    for student, why in failed.items():
        err.print(f"{shown(student)}: [red]failed[/]: {shown(why)}", soft_wrap=True)
    if failed:
        words = f"{assignment}: {len(failed)} failed. Run the command again; what is known about it is in {place.log}."
        err.print(shown(words), soft_wrap=True)
    return bool(failed)


def _end(failed: bool) -> None:
    if failed:
        raise typer.Exit(1)


class _Rate(ProgressColumn):
    """How many of them a second; nothing before the first two."""

    def __init__(self, unit: str):
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """As rich wants it."""
        return Text(f"{task.speed:.1f} {self.unit}/s" if task.speed else "")


def _progress(unit: str) -> Progress:
    """A bar on a terminal, nothing elsewhere, and nothing of it is left at the end."""
    words = TextColumn("{task.description}")
    columns = (SpinnerColumn(), words, BarColumn(20), MofNCompleteColumn(), _Rate(unit), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _print_json(result: Any) -> None:
    print(json.dumps(result, indent=1))


def _result_json(result: "Result") -> dict[str, Any]:
    return {
        "student": result.student,
        "outcome": result.outcome.outcome,
        "reason": result.outcome.reason,
        "remarks": result.outcome.remarks,
        "points": result.points,
        "max_points": result.max_points,
        "earned": result.earned,
        "late_seconds": result.lateness.late,
        "late_penalty": result.penalty,
        "exercises": {
            answer.question.short: None if answer.score.waiting else answer.points for answer in result.answers
        },
        "mistakes": {question.short: mistake for question, mistake in result.mistakes},
    }


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"thalweg {version('thalweg')}")
        raise typer.Exit()


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def _main(show: Version = False) -> None:
    pass


@app.command("release")
def _release(
    name: Name = None,
    course: Folder = DEFAULT,
    solutions: Solutions = Path("solutions"),
    force: Force = False,
    db: Annotated[
        str | None,
        typer.Option("--db", metavar="URL", help="Keep the gradebook there, from now on: postgresql://USER@HOST/NAME."),
    ] = None,
) -> None:
    """Make the notebook that students get from the assignment with solutions.

    Checks that points and exercises fit together, and that no solution and no hidden test can be read in the release.
    """
    from . import gradebook
    from . import release as release_

    place = Course(course)
    if db:
        gradebook.move(place, db)
    for solution in release_.solutions(solutions, name):
        made = release_.release(place, solution, force)
        unchanged = "" if made else " (unchanged)"
        out.print(f"{solution.stem}: {place.release(solution.stem)}{unchanged}", soft_wrap=True)


@app.command("check")
def _check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your notebook.")],
    timeout: Timeout = CELL_TIMEOUT,
    as_json: Json = False,
) -> None:
    """Check your notebook before you hand it in.

    Is every cell there, does it run from top to bottom, and what would each exercise earn? Your file is not changed.

    Exit code 0: it can be handed in, though answers may still be wrong. 1: something is to be put right; the list says what.
    2: this is not a notebook to check.
    """
    from .selfcheck import self_check
    from .tables import verdict_table

    with _progress("cells") as progress:
        task = progress.add_task(file.name, total=None)
        found = self_check(file, timeout, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        _print_json({"file": str(file), "faults": found.faults, "exercises": found.verdicts})
        raise typer.Exit(1 if found.faults else 0)
    out.print(verdict_table(found.verdicts))
    if found.faults:
        out.print("[bold]To put right:[/]")
        for fault in found.faults:
            out.print(f"  [red]✘[/] {shown(fault)}", soft_wrap=True)
        raise typer.Exit(1)
    out.print("[green]✔[/] Every cell is there, and the notebook runs from top to bottom.")


@app.command("collect")
def _collect(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A zip from Canvas or Moodle, or a folder.")],
    name: Name = None,
    course: Folder = DEFAULT,
    students: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with the columns lms_id,student and, if known, submitted.")
    ] = None,
    zip_times: Annotated[
        bool, typer.Option("--zip-times", help="The zip's times are those of handing in. Not so for Canvas and Moodle.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Bring what students handed in into the course folder, from an LMS download or a plain folder.

    The newest notebook of each student goes to submitted/STUDENT/NAME/NAME.ipynb; what was there before is kept in
    earlier/. What cannot be used is refused with its reason, and the rest goes on.

    Exit code 0: everything was collected. 1: something was refused; the table says what. 2: nothing could be done.
    """
    from .collect import REFUSED, collect
    from .tables import collected_table

    rows = collect(Course(course), source, name, students, zip_times, dry)
    counts = ", ".join(f"{count} {done}" for done, count in Counter(row.done for row in rows).most_common())
    if as_json:
        _print_json({"dry_run": dry, "files": [asdict(row) for row in rows]})
    else:
        out.print(collected_table(rows))
        out.print(f"{'Would be' if dry else 'Collected'}: {counts or 'nothing, no notebook was found'}", soft_wrap=True)
    if any(row.done == REFUSED for row in rows):
        raise typer.Exit(1)


@app.command("grade")
def _grade(
    name: Name = None,
    course: Folder = DEFAULT,
    student: Annotated[str | None, typer.Option(metavar="S", help="Only this student.")] = None,
    force: Force = False,
    workers: Workers = 2,
    timeout: Timeout = CELL_TIMEOUT,
    scheduler: Scheduler = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Grade the submissions: submitted/STUDENT/NAME/NAME.ipynb in the course folder.

    Every submission ends with one outcome and a reason: graded, partly graded (a cell stopped, the others count), timed out,
    out of memory or crashed (what came before counts), malformed (not a notebook that can be graded) or failed. What has not
    changed since the last time is left alone. With --force everything is graded again, and a table shows whose points
    changed; it is kept as CSV in report/.

    Each submission runs in a sandbox of its own: no network, no files but its own, limited time and memory. Where this machine
    cannot do that, nothing is graded, unless you say --trust-submissions.

    Exit code 0: every submission has an outcome, also one that is malformed. 1: some failed for reasons of the grader or the
    machine; run the command again, and it tries these once more. 2: the command could not be carried out, or not to the end; what
    was graded is kept, and the last line says why.
    """
    from .grading import to_grade
    from .regrade import points
    from .sandbox.outside import Limits

    made: list[dict[str, Any]] = []

    def work(place: Course, assignment: str) -> dict[str, str]:
        batch = to_grade(place, assignment, student)
        before = points(place, assignment) if force else {}
        done, failed = _graded(
            place, assignment, batch, force, workers, Limits(cell=timeout), trust, quiet=as_json, scheduler=scheduler
        )
        path, rows = _changed(place, assignment, before, as_json) if force else (None, [])
        made.append(_graded_json(assignment, done, rows, path))
        return failed

    failed = _for_each(course, name, work)
    if as_json:
        _print_json(made)
    _end(failed)


@app.command("regrade")
def _regrade(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The assignment, such as momentum.")],
    course: Folder = DEFAULT,
    exercise: Annotated[
        str | None, typer.Option(metavar="E", help="Only this exercise's points may change, such as nesterov.")
    ] = None,
    workers: Workers = 2,
    timeout: Timeout = CELL_TIMEOUT,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Grade everything again after a judge was corrected, and show whose points changed.

    The table is kept as CSV in report/. Manual grades stay. With --exercise all other exercises keep their points, and
    submissions that were never graded, or were handed in anew, wait for thalweg grade. When a regrade is interrupted, or
    some failed (exit code 1), run it again: it still compares with what there was before.
    """
    from .grading import to_grade
    from .regrade import Before, the_exercise
    from .sandbox.outside import Limits

    place = Course(course)
    place.assignments(name)
    only = the_exercise(place, name, exercise) if exercise else None
    before = Before.take(place, name)
    batch = [one for one in to_grade(place, name) if not only or before.same_file(one)]
    keep = (lambda outcome: before.only(only, outcome)) if only else None
    done, failed = _graded(place, name, batch, True, workers, Limits(cell=timeout), trust, quiet=as_json, keep=keep)
    path, rows = _changed(place, name, before.points, as_json)
    if not failed:
        before.done()
    if as_json:
        _print_json(_graded_json(name, done, rows, path))
    _end(_told(place, name, failed))


def _graded(
    place: Course,
    assignment: str,
    batch: "list[Submission]",
    force: bool,
    workers: int,
    limits: "Limits",
    trust: bool,
    quiet: bool,
    keep: "Callable[[Outcome], Outcome] | None" = None,
    scheduler: str | None = None,
) -> "tuple[list[Outcome], dict[str, str]]":
    """Grade the batch with a progress bar and a line for each outcome; ``keep`` may replace it. Also whose grading failed, and why."""
    from .grading import grade
    from .outcomes import FAILED
    from .tables import outcome_line

    done, unchanged = [], 0
    failed: dict[str, str] = {}
    with _progress("submissions") as progress:
        task = progress.add_task(f"Grading {assignment}", total=len(batch))
        for outcome, new in grade(place, assignment, batch, force, workers, limits, not trust, scheduler):
            done.append(keep(outcome) if keep else outcome)
            failed |= {one.student: one.reason for one in (outcome, done[-1]) if one.outcome == FAILED}
            unchanged += not new
            if new and done[-1].outcome != FAILED:  # those are told at the end
                progress.console.print(outcome_line(done[-1]), soft_wrap=True)
            progress.advance(task)
    counts = ", ".join(f"{count} {kind}" for kind, count in Counter(one.outcome for one in done).most_common())
    same = f"; {unchanged} unchanged since the last time" if unchanged else ""
    (err if quiet else out).print(f"{assignment}: {counts}{same}", soft_wrap=True)
    return done, failed


def _changed(place: Course, assignment: str, before: "Points", quiet: bool) -> "tuple[Path | None, list[Change]]":
    """Show whose points changed, and keep it."""
    from .regrade import changes, keep, points
    from .tables import change_table

    rows = changes(before, points(place, assignment))
    path = keep(place, assignment, rows) if rows else None
    if rows and not quiet:
        out.print(change_table(rows))
    if not quiet:
        out.print(f"{assignment}: {path}" if path else f"{assignment}: nobody's points changed", soft_wrap=True)
    return path, rows


def _graded_json(assignment: str, done: "list[Outcome]", rows: "list[Change]", path: Path | None) -> dict[str, Any]:
    return {
        "assignment": assignment,
        "outcomes": [asdict(outcome) for outcome in done],
        "changes": [asdict(row) for row in rows],
        "changes_file": str(path) if path else None,
    }


@app.command("feedback")
def _feedback(name: Name = None, course: Folder = DEFAULT) -> None:
    """Write a page for each student: points by part, the misconception that was recognised, and a hint."""
    from .feedback import feedback

    def work(place: Course, assignment: str) -> dict[str, str]:
        done = feedback(place, assignment)
        pages = f"{len(done.paths)} pages {place.root}/feedback/STUDENT/{assignment}.html"
        out.print(f"{assignment}: {pages}", soft_wrap=True)
        return done.failed

    _end(_for_each(course, name, work))


@app.command("report")
def _report(name: Name = None, course: Folder = DEFAULT, as_json: Json = False) -> None:
    """Write a page about the class: points, difficulty, misconceptions, similar code, and what a person should look at."""
    from .report import report
    from .results import for_a_human
    from .tables import class_table

    made: list[dict[str, Any]] = []

    def work(place: Course, assignment: str) -> dict[str, str]:
        done = report(place, assignment)
        made.append({
            "assignment": assignment,
            "file": str(done.path),
            "students": [_result_json(result) | {"look_at": for_a_human(result)} for result in done.results],
            "exercises": {
                row.question.short: {"difficulty": row.share, "discrimination": row.discrimination}
                for row in done.difficulties
            },
            "similar": [asdict(pair) for pair in done.pairs],
        })  # fmt: skip
        if not as_json:
            out.print(class_table(assignment, done.results))
            out.print(f"{assignment}: {done.path}", soft_wrap=True)
        return done.failed

    failed = _for_each(course, name, work)
    if as_json:
        _print_json(made)
    _end(failed)


@app.command("late")
def _late(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The assignment, such as momentum.")],
    course: Folder = DEFAULT,
    due: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was due: 2026-10-01T23:59, local time.")
    ] = None,
    per_day: Annotated[
        str, typer.Option(metavar="P", help="Off for each day begun: 10% of all points, or 2.5 points.")
    ] = "10%",
    most: Annotated[str, typer.Option(metavar="P", help="Never more than this.")] = "100%",
    grace: Annotated[int, typer.Option(metavar="MINUTES", min=0, help="So late is not late yet.")] = 0,
    student: Annotated[str | None, typer.Option(metavar="S", help="Give this student --days more.")] = None,
    days: Annotated[float | None, typer.Option(metavar="N", min=0, help="With --student: how many days more.")] = None,
    never: Annotated[bool, typer.Option("--never", help="No due time and no penalty any more.")] = False,
    as_json: Json = False,
) -> None:
    """Say when an assignment was due and what being late costs; without options, show who was late.

    The penalty stands in the gradebook as nbgrader's own. It follows the points: when you grade a written answer, it is
    worked out again by the next feedback, report or export.
    """
    from .late import Policy, due_time, extend, policies, set_policy
    from .results import failures, results
    from .tables import late_table

    place = Course(course)
    place.assignments(name)
    if (student is None) != (days is None):
        raise CourseError("--student and --days go together.")
    if due:
        set_policy(place, name, Policy(due_time(due), per_day, most, grace))
    elif never:
        set_policy(place, name, None)
    if student is not None and days is not None:
        extend(place, name, student, days)
    policy = policies(place).get(name)
    try:
        found = results(place, name)
    except NothingThereError:
        found = []
    failed = failures(found)
    if as_json:
        late = [_result_json(result) for result in found if result.lateness.late]
        _print_json({"assignment": name, "policy": asdict(policy) if policy else None, "late": late})
        return _end(_told(place, name, failed))
    out.print(late_table(found))
    words = (
        f"due {policy.due}, {policy.per_day} a day, {policy.most} at most, {policy.grace} minutes of grace"
        if policy
        else "no due time"
    )
    out.print(f"{name}: {words}", soft_wrap=True)
    _end(_told(place, name, failed))


@app.command("export")
def _export(
    name: Name = None,
    course: Folder = DEFAULT,
    output: Output = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="plain, canvas or moodle.")] = "plain",
    column: Annotated[
        str | None,
        typer.Option(metavar="TITLE", help='The assignment in the LMS; for Canvas with its id: "Momentum (42)".'),
    ] = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Export totals in which written answers are still missing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the grades as CSV: plain, one line a student, or as Canvas and Moodle import them."""
    from .export import export

    made: list[dict[str, Any]] = []

    def work(place: Course, assignment: str) -> dict[str, str]:
        done = export(place, assignment, output, form, column, incomplete)
        made.append(
            {"assignment": assignment, "file": str(done.path), "students": done.rows, "left_out": done.left_out}
        )
        for student, why in done.left_out.items():
            err.print(f"{shown(student)} is left out: {shown(why)}", soft_wrap=True)
        if not as_json:
            out.print(f"{assignment}: {done.path}", soft_wrap=True)
        return done.failed

    names = Course(course).assignments(name)
    if (output or column) and len(names) > 1:
        option = "--output" if output else "--column"
        raise CourseError(f"{option} takes one assignment, and there are several: {', '.join(names)}. Name one.")
    failed = _for_each(course, name, work)
    if as_json:
        _print_json(made)
    _end(failed)
