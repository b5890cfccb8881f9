"""The sample class, graded: every submission gets the points that the judge gives, and one bad file stops nothing."""

import errno
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from importlib import import_module

import nbformat
import pytest
import sample_class
from classroom import extras, judged_here, looping, run
from nbformat.v4 import new_code_cell, new_notebook

from thalweg.course import folders, grading, outcomes
from thalweg.course.folders import Course
from thalweg.course.gradebook import opened, records
from thalweg.course.grading import to_grade
from thalweg.course.intake import take_in
from thalweg.course.judging import seed_for
from thalweg.course.workers import Here, run_all
from thalweg.exercises import exercise, key, verdict

STUDENTS = {student.name: student for student in sample_class.the_class()}
SOUND = [name for name, student in STUDENTS.items() if not student.cut]


def expected(student: sample_class.Student, name: str) -> float:
    return verdict(name, student.answers[name], seed=7).points


@pytest.mark.parametrize("name", SOUND)
def test_the_points_are_the_judges(graded, ended, name):
    student, scores = STUDENTS[name], records(graded, "momentum")[name].scores
    for asked in sample_class.EXERCISES:
        assert scores[f"{asked.partition('.')[2]}_points"].points == expected(student, asked)
    assert ended[name].points == pytest.approx(sum(expected(student, asked) for asked in sample_class.EXERCISES))
    assert ended[name].max_points == 25


def test_the_class_shows_every_known_mistake(ended):
    made = {(asked, m.name) for asked in sample_class.EXERCISES for m in key(asked).mistakes}
    found = {
        (asked, said["mistake"]) for name in STUDENTS for asked, said in ended[name].verdicts.items() if said["mistake"]
    }
    assert found == made


def test_each_mistake_is_recognised_in_the_submission_that_makes_it(ended):
    for number, name in enumerate(["cmoreau", "dpatel", "esilva", "fnovak", "gtanaka", "hlarsen"]):
        for asked, said in ended[name].verdicts.items():
            mistakes = key(asked).mistakes
            assert said["mistake"] == (mistakes[number].name if number < len(mistakes) else None)


def test_honest_submissions_have_no_remarks(ended):
    for name in SOUND:
        if name not in ("jweber", "iquispe"):
            assert (ended[name].outcome, ended[name].reason, ended[name].remarks) == ("graded", "", [])


def test_the_blank_release_scores_nothing_and_needs_nobody(graded, ended):
    assert ended["kmensah"].points == 0
    assert not any(score.waiting for score in records(graded, "momentum")["kmensah"].scores.values())


def test_a_syntax_error_costs_only_its_own_exercise(ended):
    iquispe = ended["iquispe"]
    assert iquispe.outcome == "partly graded"
    assert "velocity (SyntaxError" in iquispe.reason
    assert (
        iquispe.verdicts["momentum.velocity"]["message"] == "There is no answer yet: velocity is not defined, or None."
    )
    assert iquispe.verdicts["momentum.nesterov"]["mistake"] == "the arguments are overwritten"


def test_tampered_cells_are_restored_and_remarked(ended):
    jweber = ended["jweber"]
    assert jweber.outcome == "graded"
    assert jweber.remarks == [
        "The cell velocity_points was missing. It was put back.",
        "The cell look_ahead_points was there 2 times. One of them counts.",
        "The locked cell nesterov_points had been changed. It was put back as it was released.",
    ]


def test_a_truncated_file_is_malformed_and_the_others_are_graded(graded, ended):
    assert ended["lrossi"].outcome == "malformed"
    assert "cut off" in ended["lrossi"].reason
    assert ended["lrossi"].points == 0
    assert len(ended) == len(STUDENTS) + len(extras())


def test_folders_that_are_no_names_are_reported(ended):
    for name in ("=SUM(A1)", "<script>alert('name')<"):
        assert ended[name].outcome == "malformed"
        assert "cannot be a student's name" in ended[name].reason


def test_noise_on_stderr_costs_nothing(ended):
    assert (ended["noisy"].outcome, ended["noisy"].points) == ("graded", 21)


def test_a_kernel_that_ends_costs_the_cells_after_it(ended):
    exiting = ended["exiting"]
    assert exiting.outcome == "crashed"
    assert exiting.reason == (
        "The cell nesterov ended the program that runs the notebook. What came before it was graded, the rest was not."
    )
    assert exiting.points == 3 + 3
    assert exiting.verdicts["momentum.best_rho"]["message"] == "It was not reached."


def test_a_loop_is_stopped_and_the_rest_counts(copy):
    sample_class.write(copy, [looping()])
    run("grade", "momentum", "--course", copy.root, "--student", "looping", "--timeout", 2)
    outcome = outcomes.load(copy, "momentum")["looping"]
    assert (outcome.outcome, outcome.reason) == ("graded", "")  # no cell stopped: an answer did
    assert outcome.verdicts["momentum.heavy_ball"]["message"] == "The answer takes too long."
    assert outcome.points == 21 - 3


def test_a_thousand_cells_that_stop_are_told_in_a_few_words():
    said = grading._reason([f"a cell after setup ({'x' * 400})"] * 1000)
    assert said.startswith("1000 cells stopped") and "; and 990 more." in said and len(said) < 6000


def test_what_has_not_changed_is_left_alone(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.root.glob("autograded/*/*/*")}
    assert f"{len(STUDENTS) + len(extras())} unchanged since the last time" in run("grade", "--course", copy.root)
    assert before == {path: path.stat().st_mtime_ns for path in copy.root.glob("autograded/*/*/*")}


def test_manual_grades_and_comments_survive_a_regrade(copy):
    with opened(copy) as gradebook:
        grade = gradebook.find_grade("written", "momentum", "momentum", "afischer")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        gradebook.find_comment("written", "momentum", "momentum", "afischer").manual_comment = "Well put. <b>"
        gradebook.db.commit()
    run("grade", "--course", copy.root, "--student", "afischer", "--force")
    record = records(copy, "momentum")["afischer"]
    assert record.scores["written"].points == 3.5
    assert not record.scores["written"].waiting and not record.scores["written"].outdated
    run("feedback", "--course", copy.root)
    page = copy.feedback("momentum", "afischer").read_text()
    assert "<strong>24.5</strong> of 25 points" in page
    assert "Well put. &lt;b&gt;" in page

    submitted = copy.root / "submitted/afischer/momentum/momentum.ipynb"
    submitted.write_text(submitted.read_text() + "\n")
    run("grade", "--course", copy.root)
    record = records(copy, "momentum")["afischer"]
    assert record.scores["written"].points == 3.5
    assert record.scores["written"].outdated, "it was handed in again: a person should confirm the points"


def test_the_file_that_was_handed_in_stays_as_it_is(graded):
    text = (graded.root / "submitted/jweber/momentum/momentum.ipynb").read_text()
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in json.loads(text)["cells"]]
    assert "velocity_points" not in ids and ids.count("look_ahead_points") == 2


def test_results_that_cannot_be_written_are_a_failure_with_a_reason_and_stop_nobody(copy):
    sample_class.write(copy, [looping()])
    submitted = copy.root / "submitted/looping/momentum/momentum.ipynb"
    submitted.write_bytes((copy.root / "submitted/kmensah/momentum/momentum.ipynb").read_bytes())
    (copy.root / "autograded/looping").write_text("in the way")
    assert "momentum: 1 failed. Run the command again" in run("grade", "--course", copy.root, code=1)
    outcome = outcomes.load(copy, "momentum")["looping"]
    assert outcome.outcome == "failed"
    assert outcome.reason.startswith("A file could not be read or written: not a directory. That is not the notebook's")
    assert "NotADirectoryError" in copy.log.read_text()
    run("report", "--course", copy.root, code=1)
    assert "failed: A file could not be read or written" in copy.report("momentum").read_text()

    (copy.root / "autograded/looping").unlink()
    (submitted.parent / "timestamp.txt").write_text("noon")
    assert "1 graded" in run("grade", "--course", copy.root, "--student", "looping"), "it is tried again"
    outcome = outcomes.load(copy, "momentum")["looping"]
    assert outcome.outcome == "graded"
    assert outcome.remarks == ["The file timestamp.txt does not hold a time. It was left out."]


@pytest.fixture
def pair(bubblewrap, released, tmp_path, monkeypatch):
    """Two right submissions, not graded yet; what is graded runs in this process's sandbox."""
    monkeypatch.setattr(grading, "run_all", judged_here)
    course = Course(tmp_path / "course")
    shutil.copytree(released.root, course.root)
    sample_class.write(course, [sample_class.Student(name, sample_class.right(0), "Well.") for name in ("ada", "bob")])
    return course


def points(course):
    return {name: (outcome.outcome, outcome.points) for name, outcome in outcomes.load(course, "momentum").items()}


RIGHT = {"ada": ("graded", 21), "bob": ("graded", 21)}


def test_a_gradebook_that_is_locked_for_a_while_costs_nothing(pair, monkeypatch, caplog):
    monkeypatch.setattr(Course, "gradebook_url", property(lambda self: f"sqlite:///{self.gradebook}?timeout=0.1"))
    with closing(sqlite3.connect(pair.gradebook)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = run("grade", "--course", pair.root, code=1)
        assert "2 failed" in said and "The gradebook could not be used: another program holds it" in said
        run("feedback", "--course", pair.root, code=1)
        page = pair.feedback("momentum", "ada").read_text()
        assert "it will be tried again" in page
        for text in (said, page):
            assert not any(word in text.lower() for word in ("sql", "operationalerror", "insert into", "gradebook.db"))
    assert "OperationalError" in pair.log.read_text(), "the log has it in full"
    assert not caplog.text, "nbgrader would print it"
    assert "2 graded" in run("grade", "--course", pair.root)
    assert points(pair) == RIGHT
    assert "2 unchanged" in run("grade", "--course", pair.root)


@pytest.mark.parametrize("where", ["autograded", "outcomes", "everything"])
def test_a_disk_that_is_full_for_a_while_costs_nothing(pair, monkeypatch, where):
    def full(path, content, mode=0o644):
        if where == "everything" or where in path.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        folders.write(path, content, mode)

    with monkeypatch.context() as patch:
        patch.setattr(grading, "write", full)
        patch.setattr(outcomes, "write", full)
        said = run("grade", "--course", pair.root, code=1)
        assert "2 failed" in said and "no space left on device" in said
    assert "2 graded" in run("grade", "--course", pair.root)
    assert points(pair) == RIGHT


@pytest.mark.parametrize(
    "where", ["intake.parse_notebook", "grading.restore", "grading.enter", "grading.with_rubrics", "outcomes.sound"]
)
def test_a_fault_of_the_grader_s_concerns_one_submission_wherever_it_is(pair, monkeypatch, where):
    module, name = where.split(".")
    place = import_module(f"thalweg.course.{module}")
    right, met = getattr(place, name), []

    def faulty(*given, **more):
        met.append(given)
        if len(met) == 1:
            raise KeyError("a secret of the grader's")
        return right(*given, **more)

    monkeypatch.setattr(place, name, faulty)
    said = run("grade", "--course", pair.root, code=1)
    assert "1 graded, 1 failed" in said or "1 failed, 1 graded" in said
    assert "The grader itself has a fault" in said and "a secret" not in said
    run("grade", "--course", pair.root)
    assert points(pair) == RIGHT


@pytest.mark.parametrize("where", ["results._result", "feedback.page", "similarity.take_in", "export._plain"])
def test_a_fault_in_a_later_command_leaves_the_others_theirs(copy, monkeypatch, where):
    module, name = where.split(".")
    place = import_module(f"thalweg.course.{module}")
    right = getattr(place, name)

    def faulty(*given, **more):
        if "afischer" in repr(given[:1]) + repr(more):
            raise KeyError("a secret")
        return right(*given, **more)

    if where == "export._plain":
        monkeypatch.setitem(place.FORMS, "plain", replace(place.FORMS["plain"], row=faulty))
    monkeypatch.setattr(place, name, faulty)
    command = {"similarity": "report", "results": "feedback"}.get(module, module)
    said = run(command, "--course", copy.root, code=1)
    assert "afischer: failed: The grader itself has a fault" in said and "a secret" not in said
    assert "momentum: 1 failed" in said


def test_an_assignment_of_plain_nbgrader_is_named_and_left_out(pair):
    for folder in ("release", "source"):
        path = pair.root / folder / "algebra/algebra.ipynb"
        path.parent.mkdir()
        path.write_text(nbformat.writes(new_notebook(cells=[new_code_cell("1 + 1")])))
    said = run("grade", "--course", pair.root)
    sample = pair.root / "submitted/ada/algebra/algebra.ipynb"
    sample.parent.mkdir()
    shutil.copy(pair.root / "release/algebra/algebra.ipynb", sample)
    for command in ("grade", "feedback", "report", "export"):
        said = run(command, "--course", pair.root)
        assert "momentum" in said
    assert "algebra is left out" in run("grade", "--course", pair.root)
    assert "was not made by thalweg release" in run("grade", "algebra", "--course", pair.root, code=2)
    assert points(pair) == RIGHT


def test_a_notebook_without_marks_gets_its_points_and_one_of_another_course_does_not(pair):
    path = pair.submitted("momentum", "ada")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.clear()
    path.write_text(nbformat.writes(notebook))
    marks = {"nbgrader": {"grade_id": "sum", "grade": True, "solution": True, "locked": False, "points": 2}}
    other = new_notebook(cells=[new_code_cell("import numpy as np"), new_code_cell("total = 3", metadata=marks)])
    pair.submitted("momentum", "bob").write_text(nbformat.writes(other))
    run("grade", "--course", pair.root)
    ended = outcomes.load(pair, "momentum")
    assert points(pair) == {"ada": ("graded", 21), "bob": ("malformed", 0)}
    assert "found by their text" in ended["ada"].remarks[0] and "something else" in ended["bob"].reason


def test_two_students_get_other_inputs_and_each_the_same_again(graded):
    secret = graded.secret.read_bytes()
    assert graded.secret.stat().st_mode & 0o077 == 0

    def seeds():
        found = {}
        for submission in to_grade(graded, "momentum"):
            if submission.sound_name and submission.student != "lrossi":
                sha = take_in(submission, "momentum").sha256
                found[submission.student] = seed_for(secret, "momentum", submission.student, sha)
        return found

    assert len(set(seeds().values())) == len(seeds()) == len(SOUND) + 2  # with the two extras that have a name
    assert seeds() == seeds()
    assert seed_for(b"another course", "momentum", "afischer", "0") != seed_for(secret, "momentum", "afischer", "0")


def half_or_death(number: int) -> float:
    """A job that kills its process when it gets 3."""
    import os

    if number == 3:
        os._exit(1)
    return number / 2


def test_a_process_that_dies_costs_only_its_own_job(tmp_path):
    done = list(run_all(half_or_death, [(number,) for number in range(6)], Here(2, tmp_path / "log")))
    assert sorted(done, key=lambda pair: pair[0]) == [
        ((0,), 0.0), ((1,), 0.5), ((2,), 1.0), ((3,), None), ((4,), 2.0), ((5,), 2.5)
    ]  # fmt: skip


def test_every_exercise_is_worth_what_its_cell_gives(graded):
    scores = records(graded, "momentum")["afischer"].scores
    for asked in sample_class.EXERCISES:
        assert scores[f"{asked.partition('.')[2]}_points"].max_points == exercise(asked).points
