"""Verdicts: what the judge said in a notebook that ran, and which cells stopped."""

import re
from typing import Any

from nbformat import NotebookNode

from thalweg.exercises import VERDICT_MIME, exercise

from .notebooks import grade_id

LONGEST = 500  # characters of a message: it can quote an error of the student's own


def verdicts(notebook: NotebookNode, exercises: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The verdict on each exercise, as :meth:`Verdict.to_dict`; ``exercises`` says which cell grades which exercise."""
    found = {}
    for cell in notebook.cells:
        name = exercises.get(grade_id(cell))
        if name:
            said = [out.data[VERDICT_MIME] for out in cell.get("outputs", []) if VERDICT_MIME in out.get("data", {})]
            verdict = said[0] if len(said) == 1 and _sound(name, said[0]) else _no_verdict(name)
            parts = {
                part: verdict["parts"][part] for part in exercise(name).parts
            }  # files of notebooks sort their keys
            found[name] = {**verdict, "parts": parts, "message": verdict["message"][:LONGEST]}
    return found


def _sound(name: str, said: Any) -> bool:
    """Has it the form of a verdict on this exercise?"""
    possible = exercise(name).parts
    return (
        isinstance(said, dict)
        and said.get("exercise") == name
        and isinstance(said.get("parts"), dict)
        and said["parts"].keys() == possible.keys()
        and all(_share(pair, possible[part]) for part, pair in said["parts"].items())
        and isinstance(said.get("mistake"), str | None)
        and isinstance(said.get("hint"), str | None)
        and isinstance(said.get("message"), str)
    )


def _share(pair: Any, possible: float) -> bool:
    """Is it [earned, possible], with earned between 0 and what is possible?"""
    numbers = isinstance(pair, list) and len(pair) == 2 and all(type(x) in (int, float) for x in pair)
    return numbers and 0 <= pair[0] <= pair[1] == possible


def _no_verdict(name: str) -> dict[str, Any]:
    parts = {part: [0.0, points] for part, points in exercise(name).parts.items()}
    message = "The grading of this exercise did not come to an end, so there is no verdict."
    return {"exercise": name, "parts": parts, "mistake": None, "hint": None, "message": message}


def stopped(notebook: NotebookNode, blank: set[str]) -> list[str]:
    """The cells that ended with an error, in words; but for those in ``blank``: answers that are still as released."""
    found, last = [], "the beginning"
    for cell in notebook.cells:
        name = grade_id(cell)
        last = name or last
        error = _error(cell)
        if error and name not in blank:
            found.append(f"{name or f'a cell after {last}'} ({error})")
    return found


def _error(cell: NotebookNode) -> str | None:
    errors = {out.ename: out.evalue for out in cell.get("outputs", []) if out.output_type == "error"}
    if not errors:
        return None
    if errors.keys() & {"CellTimeoutError", "KeyboardInterrupt"}:
        return "it took too long"
    if errors.keys() & {"DeadKernelError", "crashed"}:
        return "the kernel had stopped"
    name, value = next(iter(errors.items()))
    value = re.sub(
        r"\((?:<[^>]*>|\d+\.py), line (\d+)\)", r"(line \1 of the cell)", value
    )  # the number names a cell to the kernel only
    return (f"{name}: {value}" if value else name)[:LONGEST]
