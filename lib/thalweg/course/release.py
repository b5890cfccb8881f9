"""Release: from the text notebook with solutions to the notebook that students get."""

import re
from importlib import import_module
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment

from thalweg.exercises import exercise, topics

from .converters import convert
from .errors import CourseError
from .folders import NAME, Course, write
from .gradebook import has
from .notebooks import grade_id, marked, read_notebook, to_text
from .settings import nbgrader_settings

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
GRADE = re.compile(r"""^grade\(\s*["']([\w.]+)["']""", re.MULTILINE)


def solutions(folder: Path, name: str | None = None) -> list[Path]:
    """The text notebook called ``name`` in ``folder``, or all of them. Raises CourseError when there is none."""
    if name is not None and not NAME.fullmatch(name):
        raise CourseError(f"{name!r} is not the name of an assignment: use small letters, digits and _.")
    found = sorted(path for path in folder.glob("*.md") if name in (None, path.stem))
    if not found:
        raise CourseError(f"There is no {name or '*'}.md in {folder}. Say with --solutions where the solutions are.")
    return found


def release(course: Course, solution: Path, force: bool = False) -> bool:
    """Make the release of the assignment in the file ``solution``. Returns False when nothing has changed since the last one.

    Raises CourseError when the assignment is not consistent, would show a solution, or is refused by nbgrader; what was
    there before stays.
    """
    name = solution.stem
    notebook = source_notebook(solution)
    text = to_text(notebook)
    source, released = course.source(name), course.release(name)
    before = {path: path.read_text(encoding="utf-8") for path in (source, released) if path.exists()}
    if not force and before.get(source) == text and released in before and has(course, name):
        return False
    write(source, text)
    try:
        _generate(course, name)
        leak = leaked(notebook, read_notebook(released))
        if leak:
            raise CourseError(f"{solution}: the release would show {leak}. It was not made.")
    except CourseError:
        for path in (source, released):
            path.unlink(missing_ok=True)
            if path in before:
                write(path, before[path])
        raise
    return True


def source_notebook(solution: Path) -> NotebookNode:
    """The assignment in the file ``solution`` as a notebook, checked, with ids that stay and a note about itself.

    Raises CourseError when grade ids repeat, or hidden tests, points and exercises do not fit together.
    """
    notebook = jupytext.read(solution, fmt="md:myst")
    names = [found for cell in notebook.cells if (found := grade_id(cell))]
    twice = sorted({found for found in names if names.count(found) > 1})
    if twice:
        raise CourseError(f"{solution}: the grade_id {twice[0]!r} is there more than once. Give each cell its own.")
    last, since = "start", 0
    for cell in notebook.cells:  # jupytext makes up new ids each time
        last, since = (grade_id(cell), 0) if grade_id(cell) else (last, since + 1)
        cell.id = f"{last}-{since}" if since else last
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "thalweg": {"assignment": solution.stem, "cells": names, "exercises": _exercises(solution, notebook)},
    }
    return notebook


def _exercises(solution: Path, notebook: NotebookNode) -> dict[str, str]:
    """Which cell grades which exercise. Raises CourseError when they do not fit the topic's exercises."""
    topic = solution.stem
    found: dict[str, str] = {}
    if topic not in topics():
        raise CourseError(
            f"{solution}: there are no exercises for the topic {topic!r}, only for {', '.join(topics())}."
        )
    for cell in notebook.cells:
        if not marked(cell, "grade") or cell.cell_type != "code":
            continue
        tests = HIDDEN.search(cell.source)
        asked = GRADE.findall(tests[1]) if tests else []
        if len(asked) != 1:
            raise CourseError(
                f'{solution}: the cell {grade_id(cell)!r} needs hidden tests with exactly one grade("...", ...).'
            )
        try:
            points = exercise(asked[0]).points
        except ValueError as error:
            raise CourseError(f"{solution}: the cell {grade_id(cell)!r}: {error}") from error
        if cell.metadata.nbgrader.points != points:
            given = cell.metadata.nbgrader.points
            raise CourseError(
                f"{solution}: the cell {grade_id(cell)!r} gives {given} points, but {asked[0]} is worth {points:g}."
            )
        found[grade_id(cell)] = asked[0]
    wanted = list(import_module(f"thalweg.exercises.{topic}").EXERCISES)
    if sorted(found.values()) != sorted(wanted):
        raise CourseError(
            f"{solution}: each exercise needs exactly one grading cell. There are {', '.join(found.values()) or 'none'}; "
            f"the exercises are {', '.join(wanted)}."
        )
    return found


def _generate(course: Course, name: str) -> None:
    config = nbgrader_settings(course.root)
    config.CourseDirectory.assignment_id = name
    failure = convert(GenerateAssignment, config)
    if failure:
        raise CourseError(f"nbgrader could not release {name}: {failure}") from failure


def leaked(source: NotebookNode, released: NotebookNode) -> str | None:
    """Which solution or hidden test of ``source`` can be read in ``released``, in words; None if there is none."""
    shown = "\n".join(cell.source for cell in released.cells)
    for cell in source.cells:
        secrets = [("the hidden tests", text) for text in HIDDEN.findall(cell.source)]
        if marked(cell, "solution"):
            secrets += [("the solution", text) for text in SOLUTION.findall(cell.source) or [cell.source]]
        for what, text in secrets:
            if text.strip() and text.strip() in shown:
                return f"{what} of the cell {grade_id(cell)!r}"
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS"):
        if mark in shown:
            return f"the mark {mark!r}"
    return None
