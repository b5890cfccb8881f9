"""Stock nbgrader on the same release gives honest submissions the same points."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets.config.loader import PyFileConfigLoader

from thalweg.course.folders import Course
from thalweg.course.gradebook import records
from thalweg.course.settings import nbgrader_settings

ROOT = Path(__file__).parents[2]
HONEST = ["afischer", "bokafor", "hlarsen", "kmensah"]


@pytest.fixture(scope="module")
def stock(graded, tmp_path_factory) -> Course:
    """The release and the honest submissions, graded by ``nbgrader autograde`` in a process of its own."""
    course = Course(tmp_path_factory.mktemp("stock") / "_build/course")
    shutil.copytree(graded.root / "source", course.root / "source")
    for student in HONEST:
        shutil.copytree(graded.root / "submitted" / student, course.root / "submitted" / student)
    shutil.copy(ROOT / "nbgrader_config.py", course.root.parents[1])
    bin = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    for command in ("generate_assignment", "autograde"):
        subprocess.run(
            [bin / "nbgrader", command, "momentum"],
            cwd=course.root.parents[1],
            env=environment,
            check=True,
            timeout=300,
        )
    return course


def test_stock_nbgrader_makes_the_same_release(stock, released):
    assert stock.release("momentum").read_text() == released.release("momentum").read_text()


def test_stock_nbgrader_gives_the_same_points(stock, graded):
    ours, theirs = records(graded, "momentum"), records(stock, "momentum")
    assert sorted(theirs) == HONEST
    for student in HONEST:
        assert ours[student].scores == theirs[student].scores


def test_its_commands_use_the_settings_of_ours():
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    assert config == nbgrader_settings(ROOT / "_build/course")
