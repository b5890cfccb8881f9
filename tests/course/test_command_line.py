"""The command line: ``check`` as a student uses it, and every known error in one clear line."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import sample_class
from classroom import EXIT, SOLUTIONS, extras, napping, run

from thalweg.course.folders import Course


@pytest.fixture
def answered(released, tmp_path):
    """Write a student's notebook into the current folder, changed by ``change``."""

    def answered(change=lambda notebook: None, **student):
        course = Course(tmp_path / "course")
        shutil.copytree(released.root, course.root)
        given = {"answers": sample_class.right(0), "written": "An answer.", **student}
        sample_class.write(course, [sample_class.Student("ada", change=change, **given)])
        return course.root / "submitted/ada/momentum/momentum.ipynb"

    return answered


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def test_check_accepts_a_good_notebook_and_leaves_it_alone(answered):
    path = answered()
    before = path.read_text()
    said = run("check", path)
    assert "runs from top to bottom" in said and said.count("Everything is right.") == 6
    assert path.read_text() == before


def test_check_finds_missing_duplicate_and_edited_cells(answered):
    said = run("check", answered(sample_class._tampered, answers=sample_class.mistaken(0)), code=1)
    assert "The cell velocity_points is missing." in said
    assert "The cell look_ahead_points is there 2 times." in said
    assert "The locked cell nesterov_points was changed." in said
    assert "known mistake: the step goes uphill" in said


def test_check_finds_a_cell_that_does_not_run_and_an_answer_that_is_missing(answered):
    path = answered(written=None, sources={"momentum.velocity": sample_class.broken("momentum.velocity")})
    said = run("check", path, code=1)
    assert "It stopped in velocity (SyntaxError" in said
    assert "The cell written has no answer yet." in said
    assert "There is no answer yet: velocity is not defined, or None." in said


def test_check_survives_a_kernel_that_ends(answered):
    said = run("check", answered(sources={"momentum.nesterov": EXIT}), code=1)
    assert "It stopped in nesterov (the kernel had stopped)." in said


@pytest.mark.parametrize(
    "text, words",
    [
        (None, "There is no file"),
        ("", "is empty"),
        ("x", "not valid JSON"),
        ('{"a": 1}', "not a notebook"),
        ('{"nbformat": 3}', "format 3"),
        ('{"nbformat": 4, "cells": []}', "does not say of which assignment"),
        ('{"nbformat": 4, "cells": [], "metadata": {"thalweg": [1]}}', "does not say of which assignment"),
        (
            '{"nbformat": 4, "cells": [], "metadata": {"thalweg": {"cells": [], "exercises": {"a": "momentum.b"}}}}',
            "another version of thalweg",
        ),
    ],
)
def test_check_refuses_what_is_not_an_assignment(tmp_path, text, words):
    path = tmp_path / "momentum.ipynb"
    if text is not None:
        path.write_text(text)
    assert words in run("check", path, code=2)


def test_check_refuses_a_folder(tmp_path):
    assert "is not a file" in run("check", tmp_path, code=2)


@pytest.mark.parametrize("command", ["grade", "feedback", "report", "export"])
def test_nothing_works_before_a_release(tmp_path, command):
    assert "Run thalweg release first" in run(command, "--course", tmp_path, code=2)


def test_what_is_missing_is_said(released, tmp_path):
    place = ["--course", released.root]
    assert "There is no release called 'algebra'. In" in run("grade", "algebra", *place, code=2)
    assert "There are no submissions of momentum. Put each one at" in run("grade", *place, code=2)
    assert "Run thalweg grade momentum first" in run("report", *place, code=2)
    assert "There is no algebra.md in" in run("release", "algebra", *place, "--solutions", SOLUTIONS, code=2)


def test_an_unknown_student_is_refused_with_a_list(graded):
    said = run("grade", "--course", graded.root, "--student", "nobody", code=2)
    assert "'nobody' has handed in nothing" in said and "afischer" in said


def test_a_damaged_outcome_is_named(copy):
    path = copy.outcomes("momentum") / "afischer.json"
    path.write_text("{")
    assert f"{path} is damaged" in run("report", "--course", copy.root, code=2)


def test_a_missing_gradebook_is_not_replaced_by_an_empty_one(copy):
    copy.gradebook.unlink()
    assert "Run thalweg release" in run("grade", "--course", copy.root, code=2)
    assert not copy.gradebook.exists()


def test_a_missing_source_is_named(copy):
    copy.source("momentum").unlink()
    assert "Run thalweg release momentum" in run("grade", "--course", copy.root, code=2)


def test_an_assignment_with_nothing_to_do_does_not_stop_the_others(copy):
    other = copy.release("other")
    other.parent.mkdir()
    shutil.copy(copy.release("momentum"), other)
    assert "momentum: " in run("grade", "--course", copy.root)
    assert "momentum: " in run("export", "--course", copy.root)
    assert "There are no submissions of other" in run("grade", "other", "--course", copy.root, code=2)
    assert "Name one." in run("export", "--course", copy.root, "--output", copy.root / "x.csv", code=2)


def test_a_check_as_json(answered):
    path = answered(sample_class._tampered)
    said = json.loads(run("check", path, "--json", code=1, stdout=True))
    assert said["faults"][0].startswith("The cell velocity_points is missing.")
    assert said["exercises"]["momentum.velocity"]["parts"]["values"] == [1.5, 1.5]


def test_results_as_json(copy):
    (said,) = json.loads(run("grade", "--json", "--course", copy.root, stdout=True))
    assert len(said["outcomes"]) == len(sample_class.the_class()) + len(extras()) and said["changes"] == []
    (said,) = json.loads(run("report", "--json", "--course", copy.root, stdout=True))
    jweber = next(student for student in said["students"] if student["student"] == "jweber")
    assert jweber["points"] == 6.28 and len(jweber["look_at"]) == 3
    assert said["exercises"]["written"] == {"difficulty": 0.0, "discrimination": None} and said["similar"]


def test_grading_shows_its_rate_and_the_time_left_on_a_terminal_and_plain_lines_elsewhere(
    bubblewrap, released, tmp_path
):
    course = Course(tmp_path / "course")
    shutil.copytree(released.root, course.root)
    sample_class.write(course, napping(4))
    command = [sys.executable, "-m", "thalweg", "grade", "--course", str(course.root)]
    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(terminal, 4096):
                parts.append(part.decode(errors="replace"))
        except OSError:  # the other end is closed
            pass
    os.close(terminal)
    shown = "".join(parts)
    assert process.returncode == 0, shown
    assert re.search(r"\d\.\d submissions/s", shown) and re.search(r"\d:\d\d:\d\d", shown)
    assert "4/4" in shown or "3/4" in shown

    done = subprocess.run([*command, "--force"], capture_output=True, text=True, check=True)
    lines = sorted(done.stderr.splitlines())
    assert lines == [f"{student.name}: 21 of 25 points" for student in napping(4)]
    assert done.stdout.splitlines()[0] == "momentum: 4 graded" and "\x1b" not in done.stdout


def test_the_version_and_the_help():
    assert run("--version").startswith("thalweg 0.")
    for command in ("release", "check", "collect", "grade", "regrade", "feedback", "report", "late", "export"):
        assert command in run("--help")
        assert "Usage" in run(command, "--help")
    run("unknown", code=2)


def test_the_release_is_a_notebook_that_opens(released):
    nbformat.validate(nbformat.read(released.release("momentum"), as_version=4))
