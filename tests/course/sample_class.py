"""A sample class: twelve submissions to the momentum assignment, made from its release.

    python tests/course/sample_class.py --course DIR

Two answer everything rightly, in different styles. Eight make the known mistakes, one in each exercise: the first six of
them are ordinary, the seventh has a cell that does not run, and the eighth has deleted, duplicated and edited grading cells. One hands in the release as it is, and one a file that is cut off.
"""

import argparse
import inspect
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from thalweg.course.errors import CourseError
from thalweg.course.folders import DEFAULT, Course
from thalweg.exercises import exercise, key

sys.path.insert(0, str(Path(__file__).parents[1] / "exercises"))
from alternatives_momentum import ALTERNATIVES

ASSIGNMENT = "momentum"
EXERCISES = list(import_module(f"thalweg.exercises.{ASSIGNMENT}").EXERCISES)
SYNTAX_ERROR = "def velocity(grads, rho):\n    return (rho ** np.arange(len(grads))[::-1] @ grads\n"

WRITTEN = [
    "The velocity is not an average, it is a sum. With rho = 0.99 it grows to 100 times a constant gradient, with 0.9 only "
    "to 10 times. So at the same rate the steps are ten times larger in the end: she overshoots. A swing shrinks by "
    "sqrt(0.99) = 0.995 a step, which takes 138 steps to halve. She should try 0.01.",
    "Momentum means that the ball is heavier. A heavy ball is hard to stop, so it swings. I would make the learning rate "
    "smaller until it works.",
    "rho = 0.99 remembers about 100 gradients instead of 10. The effective rate alpha/(1 - rho) goes from 1 to 10, thus "
    "alpha should go down by ten, to 0.01.",
    "The loss swings because the learning rate 0.1 is too large for any momentum.",
]


@dataclass(frozen=True)
class Student:
    """One submission: what it answers in each exercise (None: nothing that runs), and what was done to the file."""

    name: str
    answers: dict[str, Any]
    written: str | None = None
    sources: dict[str, str] | None = None  # where the source of an answer is not that of its function
    change: Callable[[NotebookNode], None] = lambda notebook: None
    cut: bool = False


def right(style: int) -> dict[str, Any]:
    """Right answers, each in one of the ways in which it can be written."""
    answers = {name: ways[style % len(ways)] for name, ways in ALTERNATIVES.items()}
    return answers | {f"{ASSIGNMENT}.best_rho": key(f"{ASSIGNMENT}.best_rho").reference}


def mistaken(number: int) -> dict[str, Any]:
    """The mistakes with this number, one in each exercise; a right answer where an exercise has fewer."""
    made = {name: key(name).mistakes[number : number + 1] for name in EXERCISES}
    return right(number) | {name: mistakes[0].answer for name, mistakes in made.items() if mistakes}


def _notes(notebook: NotebookNode) -> None:
    notebook.cells.insert(
        2, new_markdown_cell("My notes: try rho = 0 first, it should be gradient descent.", id="notes")
    )
    notebook.cells.insert(3, new_code_cell("grads = np.ones((3, 2))\ngrads.sum(axis=0)", id="try"))


def _tampered(notebook: NotebookNode) -> None:
    """Deletes one grading cell, duplicates another, edits a third."""
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    notebook.cells.remove(cells["velocity_points"])
    copy = new_code_cell(cells["look_ahead_points"].source, id="copy", metadata=cells["look_ahead_points"].metadata)
    notebook.cells.insert(notebook.cells.index(cells["look_ahead_points"]), copy)
    cells["nesterov_points"].source = "4.0"


def the_class() -> list[Student]:
    """The twelve."""
    references = dict.fromkeys(EXERCISES, None) | {name: key(name).reference for name in EXERCISES}
    velocity = f"{ASSIGNMENT}.velocity"
    names = ["cmoreau", "dpatel", "esilva", "fnovak", "gtanaka", "hlarsen"]
    return [
        Student("afischer", references, WRITTEN[0], sources={}, change=_notes),
        Student("bokafor", right(0), WRITTEN[2]),
        *(Student(name, mistaken(i), WRITTEN[i % len(WRITTEN)]) for i, name in enumerate(names)),
        Student("iquispe", mistaken(6) | {velocity: None}, WRITTEN[1], sources={velocity: SYNTAX_ERROR}),
        Student("jweber", mistaken(7), WRITTEN[3], change=_tampered),
        Student("kmensah", dict.fromkeys(EXERCISES)),
        Student("lrossi", right(1), WRITTEN[0], cut=True),
    ]


def source(name: str, answer: Any) -> str:
    """What stands in the cell of an answer: a function under the name that is asked for, or a number."""
    if not callable(answer):
        return f"{exercise(name).answer_name} = {answer}"
    text = inspect.getsource(answer)
    text = text[re.search(r"^def ", text, re.MULTILINE).start() :]
    return re.sub(r"^def \w+", f"def {exercise(name).answer_name}", text).strip()


def notebook(student: Student, release: str, solutions: dict[str, str]) -> str:
    """The text of the student's file. ``solutions``: the source of each answer in the assignment itself."""
    made = nbformat.reads(release, as_version=4)
    for cell in made.cells:
        name = f"{ASSIGNMENT}.{cell.metadata.get('nbgrader', {}).get('grade_id')}"
        if student.sources == {} and name in student.answers:
            cell.source = solutions[name]
        elif name in (student.sources or {}):
            cell.source = student.sources[name]
        elif student.answers.get(name) is not None:
            cell.source = source(name, student.answers[name])
        elif name == f"{ASSIGNMENT}.written" and student.written:
            cell.source = student.written
    student.change(made)
    text = nbformat.writes(made)
    return text[: len(text) * 2 // 3] if student.cut else text


def write(course: Course, students: list[Student]) -> None:
    """Write each submission into the course's folder ``submitted``. Raises CourseError when nothing has been released."""
    if ASSIGNMENT not in course.released():
        raise CourseError(f"Nothing has been released in {course.root}: run thalweg release {ASSIGNMENT} first.")
    release = course.release(ASSIGNMENT).read_text(encoding="utf-8")
    cells = json.loads(course.source(ASSIGNMENT).read_text(encoding="utf-8"))["cells"]
    marks = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)
    solutions = {f"{ASSIGNMENT}.{cell['id']}": marks.sub("", "".join(cell["source"])) for cell in cells}
    for student in students:
        path = course.root / "submitted" / student.name / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(student, release, solutions), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the sample class into a course folder.")
    parser.add_argument("--course", type=Path, default=DEFAULT, metavar="DIR", help="the course folder (%(default)s)")
    try:
        write(Course(parser.parse_args().course), the_class())
    except CourseError as error:
        sys.exit(f"Error: {error}")
