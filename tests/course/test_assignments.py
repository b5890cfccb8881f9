"""The sample class hands in every assignment of the book, as `make course` has it; some of it is graded in the sandbox."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import sample_class
from classroom import run

from thalweg.course import outcomes
from thalweg.course.folders import Course
from thalweg.exercises import exercise, key, topics, verdict

ROOT = Path(__file__).parents[2]
CHOSEN = ("afischer", "bokafor", "cmoreau", "iquispe", "jweber", "kmensah")


@pytest.fixture(scope="module")
def course(bubblewrap, releases, tmp_path_factory) -> Course:
    """All assignments as they were released, handed in by a part of the sample class."""
    course = Course(tmp_path_factory.mktemp("all") / "course")
    for name in ("source", "release", "gradebook.db"):
        copy = shutil.copytree if (releases / name).is_dir() else shutil.copy
        copy(releases / name, course.root / name)
    students = sample_class.the_class(topics())
    sample_class.write(course, [student for student in students if student.name in CHOSEN])
    return course


@pytest.mark.parametrize("topic", topics())
def test_an_assignment_is_graded_in_the_sandbox(course, topic):
    run("grade", topic, "--course", course.root)
    names = sample_class.names(topic)
    ended = outcomes.load(course, topic)
    full = sum(exercise(name).points for name in names)
    for right in ("afischer", "bokafor"):  # the solutions; other ways to write them
        assert (ended[right].outcome, ended[right].points) == ("graded", full), ended[right].reason
    assert (ended["kmensah"].outcome, ended["kmensah"].points) == ("graded", 0)
    assert ended["cmoreau"].outcome == "graded"
    found = {verdict["exercise"]: verdict["mistake"] for verdict in ended["cmoreau"].verdicts.values()}
    assert found == {name: key(name).mistakes[0].name for name in names}
    assert ended["iquispe"].outcome == "partly graded" and "SyntaxError" in ended["iquispe"].reason
    assert len(ended["jweber"].remarks) == 3


@pytest.mark.parametrize("size", [None, 3, 12, 40])
def test_a_class_of_any_size_is_dealt_from_all_assignments(size):
    students = sample_class.the_class(topics(), size)
    assert len({student.name for student in students}) == len(students)
    assert size in (None, len(students))
    if size is None:
        for topic in topics():
            for name in sample_class.names(topic):
                given = [student.answers[name] for student in students]
                assert [mistake.name for mistake in key(name).mistakes if mistake.answer not in given] == []


@pytest.mark.parametrize("topic", topics())
def test_what_a_student_hands_in_is_what_the_answer_does(topic):
    """Each mistake and each other right answer, as a source that runs with NumPy alone, is judged as the function itself."""
    most, seen = max(len(key(name).mistakes) for name in sample_class.names(topic)), []
    for number in range(most):
        for answers in (sample_class.mistaken(number), sample_class.right(number)):
            for name in sample_class.names(topic):
                if (name, answers[name]) in seen:  # they are dealt again when all have been
                    continue
                seen.append((name, answers[name]))
                text, cell = sample_class.source(name, answers[name]), {"np": np, "__name__": __name__}
                assert "thalweg.numpy" not in text, "which a submission has not"
                exec(text, cell)
                theirs = verdict(name, cell[exercise(name).answer_name], seed=1)
                assert theirs.to_dict() == verdict(name, answers[name], seed=1).to_dict()
