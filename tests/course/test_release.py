"""The release: nothing secret in it, consistent with the exercises, the same text each time."""

import nbformat
import pytest
from classroom import SOLUTIONS, run

from thalweg.course.errors import CourseError
from thalweg.course.folders import Course
from thalweg.course.notebooks import about, grade_id, marked, read_notebook
from thalweg.course.release import leaked, release, solutions, source_notebook

TEXT = (SOLUTIONS / "momentum.md").read_text()


def changed(tmp_path, old: str, new: str):
    assert old in TEXT
    path = tmp_path / "momentum.md"
    path.write_text(TEXT.replace(old, new))
    return path


def test_no_solution_and_no_hidden_test_is_in_the_release(released):
    source, shown = source_notebook(SOLUTIONS / "momentum.md"), read_notebook(released.release("momentum"))
    text = released.release("momentum").read_text()
    assert leaked(source, shown) is None
    assert leaked(source, source) == "the solution of the cell 'heavy_ball'"
    for secret in ("BEGIN", "END", "grade(", "rho * v + grad", "Rubric", "steps_needed"):
        assert secret not in text
    assert [cell.source for cell in shown.cells if marked(cell, "grade") and cell.cell_type == "markdown"] == [
        "YOUR ANSWER HERE"
    ]


def test_it_says_what_it_asks(released):
    notebook = read_notebook(released.release("momentum"))
    assert about(notebook)["assignment"] == "momentum"
    assert about(notebook)["cells"] == [grade_id(cell) for cell in notebook.cells if grade_id(cell)]
    assert about(notebook)["exercises"]["best_rho_points"] == "momentum.best_rho"


def test_it_is_a_valid_notebook_with_ids_that_stay(released, tmp_path):
    nbformat.validate(nbformat.read(released.release("momentum"), as_version=4))
    again = Course(tmp_path)
    release(again, SOLUTIONS / "momentum.md")
    for file in (Course.source, Course.release):
        assert file(again, "momentum").read_text() == file(released, "momentum").read_text()


def test_a_second_release_does_nothing_until_something_changes(released, tmp_path):
    assert "(unchanged)" in run("release", "momentum", "--course", released.root, "--solutions", SOLUTIONS)
    course = Course(tmp_path / "course")
    assert release(course, SOLUTIONS / "momentum.md")
    assert not release(course, SOLUTIONS / "momentum.md")
    assert release(course, changed(tmp_path, "# Assignment: momentum", "# Assignment: Momentum"))
    assert "# Assignment: Momentum" in course.release("momentum").read_text()


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("grade_id: velocity_points, locked", "grade_id: look_ahead_points, locked", "more than once"),
        (
            "task: false, points: 3}\n---\n# Points: velocity",
            "task: false, points: 5}\n---\n# Points: velocity",
            "gives 5",
        ),
        ('grade("momentum.velocity"', 'grade("momentum.speed"', "no exercise 'momentum.speed'"),
        ('grade("momentum.velocity"', 'grade("momentum.nesterov"', "nesterov"),
        ('grade("momentum.velocity"', 'print("momentum.velocity"', "exactly one grade"),
        ("# Points: velocity\n### BEGIN HIDDEN TESTS", "# Points: velocity", "needs hidden tests"),
    ],
)
def test_an_assignment_that_is_not_consistent_is_refused(tmp_path, old, new, words):
    with pytest.raises(CourseError, match=words):
        release(Course(tmp_path / "course"), changed(tmp_path, old, new))
    assert not Course(tmp_path / "course").released()


def test_a_leak_is_refused(tmp_path):
    course = Course(tmp_path / "course")
    release(course, SOLUTIONS / "momentum.md")
    before = course.release("momentum").read_text()
    solution = "    v = rho * v + grad\n    return theta - lr * v, v"
    path = changed(tmp_path, "Plan for about 90 minutes.", f"For example:\n\n{solution}\n")
    with pytest.raises(CourseError, match="would show the solution of the cell 'heavy_ball'"):
        release(course, path)
    path.write_text(TEXT.replace("Plan for about 90 minutes.", "The HIDDEN TESTS are easy."))
    with pytest.raises(CourseError, match="would show"):
        release(course, path)
    path.write_text(TEXT.replace("Plan for about 90 minutes.", "### BEGIN SOLUTION"))
    with pytest.raises(CourseError, match="no end solution statement found"):
        release(course, path)
    assert course.release("momentum").read_text() == before, "the last good release stays"


def test_cells_cannot_be_removed_once_something_was_graded(copy, tmp_path):
    start, end = TEXT.index('+++ {"nbgrader": {"schema_version": 3, "grade_id": "written_text"'), len(TEXT)
    path = tmp_path / "momentum.md"
    path.write_text(TEXT[:start] + TEXT[end:])
    with pytest.raises(CourseError, match="there are submissions associated with it"):
        release(copy, path)


def test_unknown_names_and_folders(tmp_path):
    assert "momentum" in [path.stem for path in solutions(SOLUTIONS)]
    for name in ("nothing", "../momentum", "Momentum"):
        with pytest.raises(CourseError, match=r"nothing.md|not the name"):
            solutions(SOLUTIONS, name)
    with pytest.raises(CourseError, match=r"\* \? \["):
        Course(tmp_path / "[a]")
