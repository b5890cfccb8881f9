"""The rubric: the grader sees it beside the answer, no student ever does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter

from thalweg.course.notebooks import grade_id, read_notebook
from thalweg.course.rubric import MARK, rubrics, with_rubrics

ROOT = Path(__file__).parents[2]


def test_it_stands_once_above_the_answer(copy):
    found, notebook = rubrics(read_notebook(copy.source("momentum"))), copy.autograded("momentum", "afischer")
    cells = with_rubrics(nbformat.read(notebook, as_version=4), found).cells  # it has it already
    assert cells == nbformat.read(notebook, as_version=4).cells
    (place,) = [number for number, cell in enumerate(cells) if MARK in cell.metadata.get("tags", [])]
    assert grade_id(cells[place + 1]) == "written"
    assert "> **Rubric.** 1 point: the velocity is a sum" in cells[place].source
    nbformat.validate(nbformat.read(copy.autograded("momentum", "afischer"), as_version=4))


def test_grading_puts_it_there_and_students_see_nothing_of_it(graded):
    assert "Rubric" in graded.autograded("momentum", "bokafor").read_text()
    assert "Rubric" in HTMLExporter().from_filename(str(graded.autograded("momentum", "bokafor")))[0]
    for path in [
        *graded.root.glob("release/**/*"),
        *graded.root.glob("feedback/**/*"),
        *graded.root.glob("submitted/**/*"),
    ]:
        assert path.is_dir() or "Rubric" not in path.read_text()


def test_nbgraders_own_feedback_leaves_it_out(copy, tmp_path):
    course = tmp_path / "here/_build/course"
    course.parent.mkdir(parents=True)
    shutil.copytree(copy.root, course)
    shutil.rmtree(course / "feedback")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path / "here")
    bin = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    command = [bin / "nbgrader", "generate_feedback", "momentum", "--student=afischer"]
    subprocess.run(command, cwd=tmp_path / "here", env=environment, check=True, timeout=120)
    page = (course / "feedback/afischer/momentum/momentum.html").read_text()
    assert "The velocity is not an average" in page and "Score" in page
    assert not re.search("Rubric|rubric|For the grader", page)
