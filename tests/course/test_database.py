"""The gradebook on a PostgreSQL server: everything is as on SQLite, and what goes wrong is said without the password."""

import csv
import os
import shutil
import signal
import subprocess
import sys

import pytest
import sample_class
from classroom import SOLUTIONS, napping, run, wait_until

from thalweg.course import outcomes
from thalweg.course.errors import CourseError
from thalweg.course.folders import Course
from thalweg.course.gradebook import opened, records

NAMES = [student.name for student in sample_class.the_class()]


@pytest.fixture
def course(released, postgresql, tmp_path) -> Course:
    """Released into an empty database, with nothing handed in."""
    place = Course(tmp_path / "course")
    shutil.copytree(released.root, place.root)
    place.gradebook.unlink()
    run("release", "momentum", "--course", place.root, "--solutions", SOLUTIONS, "--db", postgresql())
    return place


def rows(path) -> dict[str, list[str]]:
    """A plain export, by student."""
    with path.open(newline="") as file:
        return {row[0]: row for row in csv.reader(file)}


def test_a_class_is_graded_as_on_sqlite(bubblewrap, course, graded, ended):
    sample_class.write(course, sample_class.the_class())
    run("grade", "--course", course.root)
    here, there = records(course, "momentum"), records(graded, "momentum")
    assert here == {name: there[name] for name in here} and len(here) == len(NAMES) - 1  # one file is cut off
    assert not course.gradebook.exists()
    assert f"{len(NAMES)} unchanged" in run("grade", "--course", course.root)
    run("export", "--course", course.root)
    ours, theirs = rows(course.root / "export/momentum.csv"), rows(graded.root / "export/momentum.csv")
    assert ours == {name: theirs[name] for name in ["student", *NAMES]}

    with opened(course) as gradebook:
        grade = gradebook.find_grade("written", "momentum", "momentum", "afischer")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        gradebook.find_comment("written", "momentum", "momentum", "afischer").manual_comment = "Well put."
        gradebook.db.commit()
    assert "nobody's points changed" in run("grade", "--course", course.root, "--force")
    record = records(course, "momentum")["afischer"]
    assert record.scores["written"].points == 3.5 and record.comments["written"] == "Well put."
    assert record.scores["heavy_ball_points"] == here["afischer"].scores["heavy_ball_points"]
    assert "nobody's points changed" in run("regrade", "momentum", "--course", course.root, "--exercise", "nesterov")
    run("late", "momentum", "--course", course.root, "--due", "2026-10-01T23:59")
    for command in ("feedback", "report", "export"):
        run(command, "--course", course.root)
    assert "24.5" in course.feedback("momentum", "afischer").read_text()
    assert rows(course.root / "export/momentum.csv")["afischer"][-3:-1] == ["24.5", "25"]


def test_a_coordinator_that_is_killed_loses_nothing(bubblewrap, course):
    sample_class.write(course, napping())
    kept = course.outcomes("momentum")
    command = [sys.executable, "-m", "thalweg", "grade", "momentum", "--course", str(course.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as coordinator:
        wait_until(lambda: len(list(kept.glob("[!.]*.json"))) >= 3)
        os.kill(coordinator.pid, signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in kept.glob("[!.]*.json")}
    run("grade", "momentum", "--course", course.root)
    ended, recorded = outcomes.load(course, "momentum"), records(course, "momentum")
    assert ended.keys() == recorded.keys() == {student.name for student in napping()}
    assert before == {path: path.stat().st_mtime_ns for path in before}, "nothing is graded twice"
    for name, outcome in ended.items():
        assert (outcome.outcome, outcome.points) == ("graded", 21)
        assert sum(score.points for score in recorded[name].scores.values()) == 21


@pytest.mark.parametrize(
    "url, words",
    [
        ("postgresql://ada:geheim@127.0.0.1:9/course", "does not work"),  # nobody listens there
        ("postgresql://ada:geheim@/course?host=/nowhere", "does not work"),
        ("postgresql://ada@127.0.0.1:9/course?password=geheim", "does not work"),
        ("postgresql://ada:geheim@127.0.0.1:9/course?sslmode=never", "does not work"),
        ("postgresql://ada:geheim@127.0.0.1:port/course", "--db takes the address"),
        ("postgresql://ada:ge/heim@127.0.0.1:9/course", "does not work"),
        ("postgresql://ada:ge@heim@127.0.0.1:9/course", "--db takes the address"),
        ("mysql://ada:geheim@127.0.0.1/course", "--db takes the address"),
        ("geheim", "--db takes the address"),
    ],
)
def test_an_address_that_does_not_work_is_refused_and_shows_no_password(released, tmp_path, url, words):
    course = Course(tmp_path / "course")
    shutil.copytree(released.root, course.root)
    said = run("release", "momentum", "--course", course.root, "--solutions", SOLUTIONS, "--db", url, code=2)
    assert words in said
    assert "geheim" not in said and "heim@" not in said
    assert course.database is None, "the gradebook stays where it was"
    assert "unchanged" in run("release", "momentum", "--course", course.root, "--solutions", SOLUTIONS)


def test_a_wrong_password_and_a_database_that_is_not_there(released, postgresql, tmp_path):
    url = postgresql()
    password = url.split(":")[2].split("@")[0]
    for wrong in (url.replace(password, "geheim"), url.replace("/course_", "/curse_")):
        said = run("release", "--course", tmp_path, "--solutions", SOLUTIONS, "--db", wrong, code=2)
        assert "does not work" in said
        assert "geheim" not in said and password not in said


def test_a_server_that_goes_away_is_an_error_in_words(course):
    url = course.database
    course.keep_gradebook_on(url.replace("?host=", "?host=/nowhere"))
    for command in ("grade", "report"):
        sample_class.write(course, sample_class.the_class()[:1])
        said = run(command, "--course", course.root, code=2)
        assert "What was graded before is kept" in said or "Run thalweg grade" in said
        assert url.split(":")[2].split("@")[0] not in said


def test_a_driver_that_is_missing_is_named(course, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(CourseError, match=r"pip install 'thalweg\[postgres\]'"), opened(course):
        pass


def test_the_address_is_for_its_owner_alone(course):
    assert (course.root / "database").stat().st_mode & 0o777 == 0o600
    assert course.gradebook_name.startswith("postgresql+psycopg2://grader:***@/course_")
