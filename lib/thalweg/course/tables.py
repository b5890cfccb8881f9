"""Tables and lines for the terminal."""

from typing import Any

from rich.table import Column, Table

from thalweg.exercises import exercise

from .collect import LEFT, NEW, REFUSED, REPLACED, Row
from .names import shown
from .outcomes import FAILED, MALFORMED, Outcome
from .pages import late_words
from .regrade import Change
from .results import Result


def verdict_table(verdicts: dict[str, dict[str, Any]]) -> Table:
    """What each exercise would earn, and why not more."""
    table = Table("Exercise", "Points", "What was seen", show_footer=True)
    total = possible = 0.0
    for name, verdict in verdicts.items():
        asked = exercise(name)
        points = sum(earned for earned, _ in verdict["parts"].values())
        total, possible = total + points, possible + asked.points
        words = shown(verdict["message"])
        if verdict["hint"]:
            words += "\n" + shown(f"It behaves like a known mistake: {verdict['mistake']}. Hint: {verdict['hint']}")
        colour = "green" if points == asked.points else "yellow" if points else "red"
        table.add_row(asked.answer_name, f"[{colour}]{points:g} of {asked.points:g}[/]", words)
    for column, footer in zip(
        table.columns, ("together", f"{total:g} of {possible:g}", "without written answers"), strict=True
    ):
        column.footer = footer
    return table


def outcome_line(outcome: Outcome) -> str:
    """One submission that has just been graded."""
    line = shown(outcome.student)
    if outcome.counts:
        line += f": {outcome.points:g} of {outcome.max_points:g} points"
    if outcome.reason:
        colour = "red" if outcome.outcome in (MALFORMED, FAILED) else "yellow"
        line += f" [{colour}]{outcome.outcome}[/]: {shown(outcome.reason)}"
    return line


def class_table(assignment: str, results: list[Result]) -> Table:
    """One row a student."""
    table = Table("Student", "Points", "Outcome", "Mistakes", "Remarks", "To grade", title=f"Assignment {assignment}")
    for result in results:
        points = f"{result.points:g} of {result.max_points:g}"
        if result.penalty:
            points += f" ({result.earned:g} - {result.penalty:g} late)"
        waiting = ", ".join(answer.question.short for answer in result.waiting)
        recognised, remarks = len(result.mistakes), len(result.outcome.remarks)
        table.add_row(
            shown(result.student), points, result.outcome.outcome, str(recognised or ""), str(remarks or ""), waiting
        )
    return table


def collected_table(rows: list[Row]) -> Table:
    """What became of each file of a source."""
    table = Table(Column("File", overflow="fold"), "Student", "Assignment", "What was done")
    for row in rows:
        colour = {NEW: "green", REPLACED: "green", REFUSED: "red", LEFT: "yellow"}.get(row.done, "dim")
        words = (
            f"[{colour}]{row.done}[/]"
            + (f": {shown(row.words)}" if row.words else "")
            + (" (late)" if row.late else "")
        )
        table.add_row(shown(row.file), shown(row.student), shown(row.assignment), words)
    return table


def late_table(results: list[Result]) -> Table:
    """Who was late, and what it cost."""
    table = Table("Student", "Late by", "Earned", "Penalty", "Points")
    for result in results:
        if result.lateness.late:
            late = late_words(result.lateness.late)
            table.add_row(
                shown(result.student), late, f"{result.earned:g}", f"{result.penalty:g}", f"{result.points:g}"
            )
    return table


def change_table(rows: list[Change]) -> Table:
    """Whose points changed in a regrade."""
    table = Table("Student", "Exercise", "Before", "After", title="Changed points")
    for row in rows:
        colour = "green" if row.after > row.before else "red"
        table.add_row(shown(row.student), row.exercise, f"{row.before:g}", f"[{colour}]{row.after:g}[/]")
    return table
