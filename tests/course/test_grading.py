"""The sample class, graded: every submission gets the points that the judge gives, and one bad file stops nothing."""

import json

import pytest
import sample_class
from classroom import looping, run

from thalweg.course import outcomes
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
    assert ended[name].points == sum(expected(student, asked) for asked in sample_class.EXERCISES)
    assert ended[name].max_points == 25


def test_the_class_has_twelve_and_shows_every_known_mistake(ended):
    assert len(STUDENTS) == 12
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
    assert len(ended) == 16


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
    assert outcome.outcome == "partly graded"
    assert "a cell after heavy_ball (it took too long)" in outcome.reason  # its check
    assert outcome.verdicts["momentum.heavy_ball"]["message"] == "The answer takes too long."
    assert outcome.points == 21 - 3


def test_what_has_not_changed_is_left_alone(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.root.glob("autograded/*/*/*")}
    assert "16 unchanged since the last time" in run("grade", "--course", copy.root)
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

    assert len(set(seeds().values())) == len(seeds()) == 13
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
