"""One course for all tests of this folder: released, handed in and graded once. Whoever changes it takes a copy."""

import shutil

import pytest
import sample_class
from classroom import SOLUTIONS, extras, run

from thalweg.course import outcomes
from thalweg.course.folders import Course


@pytest.fixture(scope="session")
def released(tmp_path_factory) -> Course:
    """A course in which nothing was handed in yet."""
    course = Course(tmp_path_factory.mktemp("released") / "course")
    run("release", "momentum", "--course", course.root, "--solutions", SOLUTIONS)
    return course


@pytest.fixture(scope="session")
def graded(bubblewrap, released, tmp_path_factory) -> Course:
    """The course with the sample class and the extras, graded, with feedback, report and export."""
    course = Course(tmp_path_factory.mktemp("graded") / "course")
    shutil.copytree(released.root, course.root)
    sample_class.write(course, [*sample_class.the_class(), *extras()])
    for command in ("grade", "feedback", "report", "export"):
        run(command, "--course", course.root)
    return course


@pytest.fixture(scope="session")
def ended(graded) -> dict[str, outcomes.Outcome]:
    """What became of each submission in ``graded``."""
    return outcomes.load(graded, "momentum")


@pytest.fixture
def copy(graded, tmp_path) -> Course:
    """A copy of ``graded`` to change."""
    shutil.copytree(graded.root, tmp_path / "course")
    return Course(tmp_path / "course")
