"""Late: a penalty by configuration, in the gradebook as nbgrader's own, shown before and after everywhere."""

import csv
import json

import pytest
from classroom import run
from nbgrader.api import Gradebook

from thalweg.course.gradebook import opened
from thalweg.course.late import Policy, policies
from thalweg.course.results import results

DAY = 24 * 60 * 60


@pytest.mark.parametrize(
    "late, penalty",
    [(0, 0), (600, 0), (601, 2.5), (DAY, 2.5), (DAY + 1, 5), (3 * DAY, 7.5), (30 * DAY, 12.5)],
)
def test_each_day_begun_costs(late, penalty):
    policy = Policy("2026-10-01T23:59:00+00:00", "10%", most="50%", grace=10)
    assert policy.penalty(20, 25, late) == penalty
    assert policy.penalty(1, 25, late) == min(penalty, 1), "never more than was earned"


@pytest.fixture
def late(copy):
    """bokafor was a day and an hour late, dpatel in time."""
    for student, time in (("bokafor", "2026-10-03 00:59:00 UTC"), ("dpatel", "2026-10-01 12:00:00 UTC")):
        (copy.submitted("momentum", student).parent / "timestamp.txt").write_text(time)
    run("late", "momentum", "--due", "2026-10-01T23:59+00:00", "--course", copy.root)
    return copy


def penalty(course, student):
    with opened(course) as gradebook:
        return gradebook.find_submission("momentum", student).late_submission_penalty


def test_the_penalty_is_shown_everywhere_and_stock_tools_see_it(late):
    assert penalty(late, "bokafor") == 5 and not penalty(late, "dpatel")
    found = {result.student: result for result in results(late, "momentum")}
    assert (found["bokafor"].earned, found["bokafor"].penalty, found["bokafor"].points) == (21, 5, 16)
    for command in ("feedback", "report", "export"):
        run(command, "--course", late.root)
    assert (
        "21 points earned, less 5 because it was handed in 1 day 1 h after"
        in late.feedback("momentum", "bokafor").read_text()
    )
    assert "21 − 5 late" in late.report("momentum").read_text()
    assert "points earned" not in late.feedback("momentum", "dpatel").read_text()
    with (late.root / "export/momentum.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["student"] == "bokafor")
    assert (row["earned"], row["late"], row["total"]) == ("21", "5", "16")
    with Gradebook(f"sqlite:///{late.gradebook}") as gradebook:
        assert gradebook.find_assignment("momentum").duedate.isoformat() == "2026-10-01T23:59:00"


def test_a_regrade_and_manual_points_keep_the_penalty_right(late):
    run("grade", "--force", "--student", "bokafor", "--course", late.root)
    with opened(late) as gradebook:
        gradebook.find_grade("written", "momentum", "momentum", "bokafor").manual_score = 4
        gradebook.db.commit()
    run("late", "momentum", "--due", "2026-10-01T23:59+00:00", "--per-day", "100%", "--course", late.root)
    assert penalty(late, "bokafor") == 25


def test_an_extension_and_no_penalty_at_all(late):
    run("late", "momentum", "--student", "bokafor", "--days", 1, "--course", late.root)
    assert penalty(late, "bokafor") == 2.5
    said = json.loads(run("late", "momentum", "--json", "--course", late.root))
    assert [(row["student"], row["late_penalty"]) for row in said["late"]] == [("bokafor", 2.5)]
    run("late", "momentum", "--student", "bokafor", "--days", 2, "--course", late.root)
    assert not penalty(late, "bokafor")
    run("late", "momentum", "--student", "bokafor", "--days", 0, "--course", late.root)
    assert penalty(late, "bokafor") == 5
    assert "no due time" in run("late", "momentum", "--never", "--course", late.root)
    assert not penalty(late, "bokafor") and policies(late) == {}


@pytest.mark.parametrize(
    "options, words",
    [
        (["--due", "noon"], "is not a time"),
        (["--due", "2026-10-01", "--per-day", "ten"], "neither points nor a percentage"),
        (["--due", "2026-10-01", "--most", "120%"], "neither points nor a percentage"),
        (["--student", "bokafor"], "go together"),
        (["--student", "nobody", "--days", "1"], "nothing in the gradebook"),
    ],
)
def test_what_makes_no_sense_is_refused(copy, options, words):
    assert words in run("late", "momentum", *options, "--course", copy.root, code=2)


def test_a_damaged_file_is_named(copy):
    (copy.root / "late.json").write_text("{")
    assert "late.json is damaged" in run("report", "--course", copy.root, code=2)


def test_what_canvas_marks_as_late_without_a_time_needs_a_person(copy):
    copy.collected("momentum").parent.mkdir()
    copy.collected("momentum").write_text('{"dpatel": {"late": true}}')
    run("report", "--course", copy.root)
    assert "Canvas marks it as late" in copy.report("momentum").read_text()
