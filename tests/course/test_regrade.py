"""Regrade: a corrected judge changes what it should, the table says whose points changed, and the rest stays."""

import csv
import json

import pytest
from classroom import run

from thalweg.course import outcomes, regrade
from thalweg.course.gradebook import opened, records
from thalweg.course.regrade import Before, Change, changes


def wrong_judge(course, student, **scores):
    """As if an earlier judge had given these points, and other verdicts."""
    with opened(course) as gradebook:
        for cell, points in scores.items():
            gradebook.find_grade(f"{cell}_points", "momentum", "momentum", student).auto_score = points
        gradebook.db.commit()


def scores(course, student):
    return {name: score.points for name, score in records(course, "momentum")[student].scores.items()}


@pytest.fixture
def three(copy):
    """Three of the submissions, so that a regrade is short; a person has graded one answer."""
    import shutil

    for folder in (copy.root / "submitted").iterdir():
        if folder.name not in ("bokafor", "cmoreau", "lrossi"):
            shutil.rmtree(folder)
    with opened(copy) as gradebook:
        grade = gradebook.find_grade("written", "momentum", "momentum", "bokafor")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        gradebook.db.commit()
    return copy


def test_changes():
    before = {"a": {"x": 1.0, "y": 2.0}, "b": {"x": 1.0}}
    assert changes(before, {"a": {"x": 1.0, "y": 0.5}, "b": {"x": 1.0}, "c": {"x": 9.0}}) == [
        Change("a", "y", 2.0, 0.5)
    ]


def test_everything_is_graded_again_and_the_table_is_kept(three):
    wrong_judge(three, "bokafor", nesterov=0.0, velocity=1.0)
    said = run("regrade", "momentum", "--course", three.root)
    assert "Changed points" in said and said.count("bokafor") >= 2
    assert scores(three, "bokafor")["nesterov_points"] == 4 and scores(three, "bokafor")["written"] == 3.5
    (path,) = three.root.glob("report/momentum-changes-*.csv")
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["student", "exercise", "before", "after"],
            ["bokafor", "velocity", "1", "3"],
            ["bokafor", "nesterov", "0", "4"],
        ]
    assert "nobody's points changed" in run("grade", "--force", "--course", three.root)
    assert not list(three.root.glob("report/.*"))


def test_only_one_exercise_may_change(three):
    before = outcomes.load(three, "momentum")["bokafor"]
    wrong_judge(three, "bokafor", nesterov=0.0, velocity=1.0)
    said = json.loads(
        run("regrade", "momentum", "--exercise", "nesterov", "--json", "--course", three.root, stdout=True)
    )
    assert said["changes"] == [{"student": "bokafor", "exercise": "nesterov", "before": 0.0, "after": 4.0}]
    assert scores(three, "bokafor")["velocity_points"] == 1 and scores(three, "bokafor")["written"] == 3.5
    after = outcomes.load(three, "momentum")["bokafor"]
    assert after.points == 21 - 2 + 3.5 and after.verdicts.keys() == before.verdicts.keys()
    assert "lrossi" not in [outcome["student"] for outcome in said["outcomes"]]


def test_with_one_exercise_new_files_wait_and_failures_change_nothing(three, monkeypatch):
    path = three.submitted("momentum", "cmoreau")
    path.write_text(path.read_text() + "\n")
    old = outcomes.load(three, "momentum")
    monkeypatch.setattr("thalweg.course.grading.run_all", lambda work, jobs, *_: ((job, None) for job in jobs))
    said = json.loads(
        run(
            "regrade",
            "momentum",
            "--exercise",
            "momentum.nesterov",
            "--json",
            "--course",
            three.root,
            code=1,
            stdout=True,
        )
    )
    assert [outcome["student"] for outcome in said["outcomes"]] == ["bokafor"] and said["changes"] == []
    assert outcomes.load(three, "momentum") == old


def test_an_interrupted_regrade_still_knows_what_there_was(three, monkeypatch):
    wrong_judge(three, "bokafor", nesterov=0.0)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(regrade, "changes", interrupted)
        with pytest.raises(AssertionError):
            run("regrade", "momentum", "--course", three.root)
    assert scores(three, "bokafor")["nesterov_points"] == 4
    said = run("regrade", "momentum", "--course", three.root)
    assert "Changed points" in said and "bokafor" in said
    Before.take(three, "momentum")
    next(three.root.glob("report/.*")).write_text("{")
    assert "is damaged" in run("regrade", "momentum", "--course", three.root, code=2)


def test_what_cannot_be_regraded(copy, released):
    said = run("regrade", "momentum", "--exercise", "adam", "--course", copy.root, code=2)
    assert "has no exercise 'adam'" in said and "momentum.nesterov" in said
    assert "Run thalweg grade momentum first" in run("regrade", "momentum", "--course", released.root, code=2)
