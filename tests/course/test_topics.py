"""Every assignment of the book is released, solved, made wrong, and graded in the sandbox."""

import inspect
import json
import re
from importlib import import_module

import nbformat
import pytest
import sample_class
from classroom import SOLUTIONS, run

from thalweg.course import outcomes
from thalweg.course.folders import Course
from thalweg.exercises import exercise, key, topics

MARKS = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)


def hand_in(course: Course, topic: str, student: str, answers: dict[str, str]) -> None:
    """The release with these sources in the cells of the exercises."""
    made = nbformat.read(course.release(topic), as_version=4)
    for cell in made.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    path = course.root / "submitted" / student / topic / f"{topic}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(made, path)


def pasted(name: str) -> str:
    """The first known mistake in ``name`` as a student would have it in the notebook, with the helpers that it calls."""
    answer = key(name).mistakes[0].answer
    names = answer.__code__.co_names if callable(answer) else ()
    helpers = [answer.__globals__[helper] for helper in names if helper.startswith("_")]
    return "\n\n\n".join([*map(inspect.getsource, helpers), sample_class.source(name, answer)])


@pytest.mark.parametrize("topic", topics())
def test_an_assignment_is_graded_in_the_sandbox(bubblewrap, tmp_path, topic):
    course = Course(tmp_path / "course")
    run("release", topic, "--course", course.root, "--solutions", SOLUTIONS)
    names = list(import_module(f"thalweg.exercises.{topic}").EXERCISES)
    short = {name.partition(".")[2]: name for name in names}
    cells = json.loads(course.source(topic).read_text(encoding="utf-8"))["cells"]
    right = {cell["id"]: MARKS.sub("", "".join(cell["source"])) for cell in cells if cell["id"] in short}
    assert right.keys() == short.keys()
    hand_in(course, topic, "right", right)
    hand_in(course, topic, "blank", {})
    hand_in(course, topic, "wrong", {s: pasted(n) for s, n in short.items()})
    run("grade", topic, "--course", course.root)
    ended = outcomes.load(course, topic)
    assert ended["right"].points == sum(exercise(name).points for name in names), ended["right"].reason
    assert (ended["blank"].outcome, ended["blank"].points) == ("graded", 0)
    assert ended["wrong"].outcome == "graded"
    found = {verdict["exercise"]: verdict["mistake"] for verdict in ended["wrong"].verdicts.values()}
    wanted = {name: key(name).mistakes[0].name for name in names}
    assert found == wanted, [verdict["message"] for verdict in ended["wrong"].verdicts.values()]
