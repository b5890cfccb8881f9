"""A sample class: submissions to every assignment that is released, made from its release and its known mistakes.

    python tests/course/sample_class.py --course DIR [--size N]

Of the first twelve, two answer everything rightly, in different styles. Eight make known mistakes, one in each exercise: the first six of
them are ordinary, the seventh has a cell that does not run, and the eighth has deleted, duplicated and edited grading cells. One hands in
the release as it is, and one a file that is cut off. More follow until every known mistake of every assignment is made; in a class that
is larger than that, right answers and mistakes take turns.
"""

import argparse
import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from thalweg.course.errors import CourseError
from thalweg.course.folders import DEFAULT, Course
from thalweg.exercises import exercise, key, topics

sys.path.insert(0, str(Path(__file__).parents[1] / "exercises"))

ASSIGNMENT = "momentum"  # the one on which most tests of grading stand
EXERCISES = list(import_module(f"thalweg.exercises.{ASSIGNMENT}").EXERCISES)
ALTERNATIVES = import_module(f"alternatives_{ASSIGNMENT}").ALTERNATIVES
SOLUTION = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)

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
ELSEWHERE = "I would plot the loss of the first hundred steps, for training and for unseen data, and change one thing at a time."


@dataclass(frozen=True)
class Student:
    """Submissions of one person: what is answered in each exercise (None: nothing that runs), and what was done to the files."""

    name: str
    answers: dict[str, Any]
    written: str | None = None
    sources: dict[str, str] | None = (
        None  # where the source of an answer is not that of its function; {}: the assignment's solutions
    )
    change: Callable[[NotebookNode], None] = lambda notebook: None
    cut: bool = False


def names(topic: str) -> list[str]:
    """The exercises of an assignment."""
    return list(import_module(f"thalweg.exercises.{topic}").EXERCISES)


def right(style: int) -> dict[str, Any]:
    """Right answers to all assignments, each in one of the ways in which it can be written."""
    answers = {name: key(name).reference for topic in topics() for name in names(topic)}
    for topic in topics():
        for name, ways in import_module(f"alternatives_{topic}").ALTERNATIVES.items():
            answers[name] = ways[style % len(ways)]
    return answers


def mistaken(number: int) -> dict[str, Any]:
    """The mistakes with this number, one in each exercise; a right answer where an exercise has fewer."""
    answers = right(number)
    made = {name: key(name).mistakes[number : number + 1] for name in answers}
    return answers | {name: mistakes[0].answer for name, mistakes in made.items() if mistakes}


def broken(name: str) -> str:
    """A source of an answer that Python cannot read."""
    return f"def {exercise(name).answer_name}(*args):\n    return (args[0]\n"


def _notes(notebook: NotebookNode) -> None:
    """Adds two cells below the first that imports something."""
    at = 1 + next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    text = "My notes: try rho = 0 first, it should be gradient descent."
    notebook.cells.insert(at, new_markdown_cell(text, id="notes"))
    notebook.cells.insert(at + 1, new_code_cell("grads = np.ones((3, 2))\ngrads.sum(axis=0)", id="try"))


def _tampered(notebook: NotebookNode) -> None:
    """Deletes the second exercise's grading cell, duplicates the third's, edits the fourth's."""
    cells = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id", "").endswith("_points")
    ]
    notebook.cells.remove(cells[1])
    copy = new_code_cell(cells[2].source, id="copy", metadata=cells[2].metadata)
    notebook.cells.insert(notebook.cells.index(cells[2]), copy)
    cells[3].source = "4.0"


def the_class(assignments: Iterable[str] = (ASSIGNMENT,), size: int | None = None) -> list[Student]:
    """The first ``size`` of the class; or as many as it takes to make every known mistake in ``assignments``, twelve at least."""
    everything = [name for topic in topics() for name in names(topic)]
    most = max(len(key(name).mistakes) for topic in assignments for name in names(topic))
    hidden = any(len(key(names(topic)[1]).mistakes) > 6 for topic in assignments)  # by the cell that does not run
    more = [*range(8, most), *([6] if hidden else [])]
    size = 12 + len(more) if size is None else size
    references = {name: key(name).reference for name in everything}
    unreadable = {name: broken(name) for topic in topics() for name in names(topic)[1:2]}
    called = ["cmoreau", "dpatel", "esilva", "fnovak", "gtanaka", "hlarsen"]
    students = [
        Student("afischer", references, WRITTEN[0], sources={}, change=_notes),
        Student("bokafor", right(0), WRITTEN[2]),
        *(Student(name, mistaken(i), WRITTEN[i % len(WRITTEN)]) for i, name in enumerate(called)),
        Student("iquispe", mistaken(6) | dict.fromkeys(unreadable), WRITTEN[1], sources=unreadable),
        Student("jweber", mistaken(7), WRITTEN[3], change=_tampered),
        Student("kmensah", dict.fromkeys(everything)),
        Student("lrossi", right(1), WRITTEN[0], cut=True),
    ]
    for place in range(size - 12):
        number = more[place] if place < len(more) else place % most
        answers = right(place) if place >= len(more) and place % 2 else mistaken(number)
        students.append(Student(f"student{place + 13:04}", answers, WRITTEN[place % len(WRITTEN)]))
    return students[:size]


def _needed(text: str, module: str) -> Iterator[str]:
    """What has to stand above a piece of ``module`` so that it runs where there is NumPy and no library: imports, sources, constants."""
    found = vars(sys.modules[module])
    for name in sorted(
        {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)} & found.keys() - {"np"}
    ):
        thing = found[name]
        if inspect.ismodule(thing):
            yield f"import {thing.__name__} as {name}"
        elif not callable(thing):
            yield f"{name} = {thing!r}"
        elif thing.__module__ == module or thing.__module__.startswith("thalweg.numpy"):
            if name not in re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE):  # one that calls itself
                inside = inspect.getsource(thing)
                yield from _needed(inside, thing.__module__)
                yield inside.strip()
        else:
            yield f"from {thing.__module__} import {name}"


def source(name: str, answer: Any) -> str:
    """What stands in the cell of an answer: a number, or a function under the name that is asked for, with what it needs."""
    asked = exercise(name).answer_name
    if not callable(answer):
        return f"{asked} = {answer}"
    text = inspect.getsource(answer)
    text = text[re.search(r"^def ", text, re.MULTILINE).start() :].strip()
    needed = dict.fromkeys(_needed(text, answer.__module__))
    return "\n\n\n".join([*needed, re.sub(rf"\b{answer.__name__}\b", asked, text)])


def notebook(student: Student, topic: str, release: str, solutions: dict[str, str]) -> str:
    """The text of the student's file. ``solutions``: the source of each answer in the assignment itself."""
    made = nbformat.reads(release, as_version=4)
    for cell in made.cells:
        name = f"{topic}.{cell.metadata.get('nbgrader', {}).get('grade_id')}"
        if student.sources == {} and name in solutions and name in student.answers:
            cell.source = solutions[name]
        elif name in (student.sources or {}):
            cell.source = student.sources[name]
        elif student.answers.get(name) is not None:
            cell.source = source(name, student.answers[name])
        elif name == f"{topic}.written" and student.written:
            cell.source = student.written if topic == ASSIGNMENT else ELSEWHERE
    student.change(made)
    text = nbformat.writes(made)
    return text[: len(text) * 2 // 3] if student.cut else text


def write(course: Course, students: list[Student]) -> None:
    """Write each submission into the course's folder ``submitted``. Raises CourseError when nothing has been released."""
    for topic in course.assignments(None):
        release = course.release(topic).read_text(encoding="utf-8")
        cells = json.loads(course.source(topic).read_text(encoding="utf-8"))["cells"]
        solutions = {f"{topic}.{cell['id']}": SOLUTION.sub("", "".join(cell["source"])) for cell in cells}
        for student in students:
            path = course.root / "submitted" / student.name / topic / f"{topic}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook(student, topic, release, solutions), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the sample class into a course folder.")
    parser.add_argument("--course", type=Path, default=DEFAULT, metavar="DIR", help="the course folder (%(default)s)")
    parser.add_argument("--size", type=int, metavar="N", help="how many; else as many as make every known mistake")
    options = parser.parse_args()
    try:
        course = Course(options.course)
        write(course, the_class(course.assignments(None), options.size))
    except CourseError as error:
        sys.exit(f"Error: {error}")
