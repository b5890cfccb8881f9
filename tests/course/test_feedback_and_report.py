"""Feedback, report and export: what is said is there, what is secret is not, and everything is escaped."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import sample_class
from classroom import run

from thalweg.course.folders import Course
from thalweg.course.gradebook import Score
from thalweg.course.report import difficulties, unexplained
from thalweg.course.results import results
from thalweg.exercises import exercise, key

STUDENTS = [student.name for student in sample_class.the_class()]
SECRET = ["HIDDEN TESTS", "grade(", "THALWEG_SEED", "globals()", "steps_needed", "Rubric"]


class Balanced(HTMLParser):
    """Fails on a tag that is not closed, or closed in the wrong place."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


def pages(course: Course):
    yield course.report("momentum")
    yield from course.root.glob("feedback/*/momentum.html")


def feedback(course: Course, student: str) -> str:
    return course.feedback("momentum", student).read_text(encoding="utf-8")


def escaped(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    )


def test_every_sound_name_has_a_page_and_no_other(graded):
    found = {path.parent.name for path in graded.root.glob("feedback/*/momentum.html")}
    assert found == {*STUDENTS, "noisy", "exiting"}


def test_feedback_names_the_misconception_and_its_hint(graded):
    for number, name in enumerate(["cmoreau", "dpatel", "esilva", "fnovak", "gtanaka", "hlarsen"]):
        page = feedback(graded, name)
        for asked in sample_class.EXERCISES:
            for mistake in key(asked).mistakes[number : number + 1]:
                assert escaped(mistake.name) in page and escaped(mistake.hint) in page


def test_feedback_shows_points_by_exercise_and_part(graded):
    page = feedback(graded, "jweber")
    assert "<strong>6.28</strong> of 25 points" in page
    for title in (exercise(asked).title for asked in sample_class.EXERCISES):
        assert escaped(title) in page
    assert re.search(r"Arguments left as they were</th><td[^>]*>0 of 0.5<", page)
    assert "The cell velocity_points was missing." in page
    assert "has not been graded yet" in page


def test_feedback_says_why_there_is_no_grade(graded):
    page = feedback(graded, "lrossi")
    assert "<strong>0</strong> of 25 points" in page and "cut off" in page


def test_feedback_says_which_end_it_came_to(graded, ended):
    assert ended["exiting"].outcome == "crashed"
    assert "The notebook did not run to its end" in feedback(graded, "exiting")
    assert "Not every cell ran" in feedback(graded, "iquispe")
    assert "The notebook could not be graded" in feedback(graded, "lrossi")


def test_a_blank_written_answer_needs_nobody(graded):
    page = feedback(graded, "kmensah")
    assert "There is no answer: the cell was handed in as it was released." in page
    assert "has not been graded yet" not in page


def test_nobody_sees_hidden_tests_or_others(graded):
    for path in graded.root.glob("feedback/*/momentum.html"):
        page = path.read_text()
        assert not [secret for secret in SECRET if secret in page]
        assert not [name for name in STUDENTS if name != path.parent.name and name in page]


def test_what_students_write_is_escaped(graded):
    assert escaped("<script>alert('answer')</script>") in feedback(graded, "exiting")
    assert escaped("<script>alert('name')<") in graded.report("momentum").read_text()
    for path in pages(graded):
        assert "<script" not in path.read_text()


def test_the_pages_are_sound_and_need_nothing_from_elsewhere(graded):
    for path in pages(graded):
        page = path.read_text()
        parser = Balanced()
        parser.feed(page)
        assert parser.open == []
        assert '<html lang="en">' in page and "prefers-color-scheme: dark" in page and "viewport" in page
        assert not re.search(r"https?://|src=|@import|url\(", page)
        assert page.count("<h1") == 1
        assert page.count("<table") == page.count("<caption")
        assert not re.search(r"<th(?![^>]*scope=)[ >]", page)


def test_the_report_lists_everybody_and_every_mistake(graded, ended):
    page = graded.report("momentum").read_text()
    for name, outcome in ended.items():
        assert escaped(name) in page
        for text in [outcome.reason, *outcome.remarks]:
            assert escaped(text) in page
    for asked in sample_class.EXERCISES:
        for mistake in key(asked).mistakes[:8]:
            assert escaped(mistake.name) in page
    table = run("report", "--course", graded.root)
    assert "6.28 of 25" in table and "malformed" in table


def test_the_report_counts_what_was_seen_of_answers_that_nothing_explains(graded):
    one = next(result for result in results(graded, "momentum") if result.student == "jweber")

    def student(name, *said):
        answers = [
            replace(answer, score=Score(0, 3), verdict={"mistake": None, "message": words})
            for answer, words in zip(one.answers, said, strict=False)
        ]
        return replace(one, outcome=replace(one.outcome, student=name), answers=answers)

    many = [
        student("a", "v is twice.", "It was not reached."),
        student("b", "v has a sign.", "There is no answer yet."),
    ]
    many += [student("c", "v is twice."), student("d", "v is twice.")]
    ((question, counted),) = unexplained(many)
    assert question == one.answers[0].question
    assert counted == [("v is twice.", ["a", "c", "d"]), ("v has a sign.", ["b"])]


def test_the_export_has_every_student_and_defuses_formulas(graded):
    with (graded.root / "export/momentum.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {*STUDENTS, "noisy", "exiting", "'=SUM(A1)", "<script>alert('name')<"}
    assert rows["jweber"] | {"written": ""} == {
        "student": "jweber", "heavy_ball": "2.5", "velocity": "0", "look_ahead": "0", "nesterov": "0.78",
        "convergence_factor": "0", "best_rho": "3", "written": "", "earned": "6.28", "late": "0", "total": "6.28", "max": "25", "outcome": "graded",
    }  # fmt: skip
    assert rows["afischer"]["written"] == "" and rows["kmensah"]["written"] == "0"


def test_discrimination_needs_a_class_and_knows_a_good_question_from_a_bad_one(graded):
    one = next(result for result in results(graded, "momentum") if result.student == "jweber")

    def student(*points):
        answers = [replace(answer, score=Score(value, 4)) for answer, value in zip(one.answers, points, strict=False)]
        return replace(one, answers=answers)

    few = [student(n % 5, n % 5, n % 5, 4 - n % 5, 2) for n in range(19)]
    assert {row.discrimination for row in difficulties(few)} == {None}
    good, _, _, bad, same = difficulties([*few, student(0, 0, 0, 4, 2)])[:5]
    assert good.discrimination == pytest.approx(1) and bad.discrimination == pytest.approx(-1)
    assert same.discrimination is None
    assert same.share == 2 / same.question.max_points
    page = graded.report("momentum").read_text()
    assert "fewer than 20 submissions" in page
