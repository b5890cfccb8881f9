"""Whatever ends: the coordinator in mid-batch, the sandbox, a file that is no notebook. Nothing is lost, nothing stays behind."""

import json
import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
import sample_class
from classroom import napping, run, wait_until
from nbformat.v4 import new_code_cell
from nbgrader import api

from thalweg.course import execution, grading, outcomes
from thalweg.course.folders import Course
from thalweg.course.gradebook import opened, records
from thalweg.course.sandbox.outside import Ended, Limits, Sandbox

NAMES = [student.name for student in napping()]


@pytest.fixture
def course(released, tmp_path) -> Course:
    """Released, with nothing handed in."""
    shutil.copytree(released.root, tmp_path / "course")
    return Course(tmp_path / "course")


def runs(process: psutil.Process) -> bool:
    """Is this very process still there? Another's may have its number by now."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_coordinator_that_is_killed_loses_nothing_and_leaves_nothing_behind(course):
    sample_class.write(course, napping())
    kept = course.outcomes("momentum")
    command = [sys.executable, "-m", "thalweg", "grade", "momentum", "--course", str(course.root)]
    started: list[psutil.Process] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as coordinator:
        wait_until(lambda: len(list(kept.glob("[!.]*.json"))) >= 3)
        started = psutil.Process(coordinator.pid).children(recursive=True)
        assert len(started) > 4  # workers, sandboxes, keepers
        os.kill(coordinator.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(runs, started)))

    before = {path.name: path.stat().st_mtime_ns for path in kept.glob("[!.]*.json")}
    assert 3 <= len(before) < len(NAMES)
    run("grade", "momentum", "--course", course.root)
    after = {path.name: path.stat().st_mtime_ns for path in kept.glob("[!.]*.json")}
    assert len(after) == len(NAMES)
    assert before == {name: after[name] for name in before}, "nothing is graded twice"
    ended, recorded = outcomes.load(course, "momentum"), records(course, "momentum")
    for name in NAMES:
        assert (ended[name].outcome, ended[name].points) == ("graded", 21)
        assert sum(score.points for score in recorded[name].scores.values()) == 21


KILLED_BETWEEN = """
import os, signal, sys
from thalweg.course import outcomes
from thalweg.course.cli import app

save, kept = outcomes.save, []

def save_or_die(course, outcome):
    if len(kept) == 2:  # the gradebook has the third submission, and its outcome is not written
        os.kill(os.getpid(), signal.SIGKILL)
    kept.append(outcome)
    save(course, outcome)

outcomes.save = save_or_die
app(sys.argv[1:])
"""


def test_killed_between_the_gradebook_and_the_outcome(course):
    sample_class.write(course, [sample_class.Student(name, sample_class.mistaken(0)) for name in NAMES[:5]])
    done = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, "grade", "--course", course.root], timeout=300)
    assert done.returncode == -signal.SIGKILL
    between = records(course, "momentum")
    kept = {path: path.read_bytes() for path in course.outcomes("momentum").glob("[!.]*.json")}
    assert (len(between), len(kept)) == (3, 2)

    assert "2 unchanged" in run("grade", "--course", course.root)
    after = records(course, "momentum")
    assert {name: after[name] for name in between} == between, "the points are what they were"
    assert {path: path.read_bytes() for path in kept} == kept, "nothing is graded twice"
    ended = outcomes.load(course, "momentum")
    assert list(ended) == sorted(after) == NAMES[:5]
    with opened(course) as gradebook:
        assert gradebook.db.query(api.SubmittedAssignment).count() == 5
        assert gradebook.db.query(api.Grade).count() == 5 * len(after[NAMES[0]].scores)
    for name, outcome in ended.items():
        assert outcome.points == sum(score.points for score in after[name].scores.values()) < 21
    assert f"{len(NAMES[:5])} unchanged" in run("grade", "--course", course.root)


def test_submissions_can_be_trusted(course):
    flood = "import os\nos.write(2, b'x' * 1_000_000)\nos.write(1, b'x' * 1_000_000)"  # nobody reads what comes there
    student = sample_class.Student(
        "ada", sample_class.right(0), change=lambda notebook: notebook.cells.insert(0, new_code_cell(flood))
    )
    sample_class.write(course, [student])
    run("grade", "momentum", "--course", course.root, "--trust-submissions")
    ada = outcomes.load(course, "momentum")["ada"]
    assert (ada.outcome, ada.points) == ("graded", 21)


def test_without_bubblewrap_nothing_is_graded(course, monkeypatch, tmp_path):
    sample_class.write(course, [sample_class.Student("ada", sample_class.right(0))])
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said = run("grade", "momentum", "--course", course.root, code=2)
    assert "bubblewrap is missing" in said and "--trust-submissions" in said
    assert outcomes.load(course, "momentum") == {}


def test_a_bubblewrap_that_is_not_allowed_to_confine_is_an_error_in_words(course, monkeypatch, tmp_path):
    sample_class.write(course, [sample_class.Student("ada", sample_class.right(0))])
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert "No permissions to create new namespace" in run("grade", "momentum", "--course", course.root, code=2)


def test_a_parent_that_starts_no_process_is_not_the_submissions_fault():
    with Sandbox() as sandbox:
        os.kill(sandbox._process.pid, signal.SIGKILL)
        wait_until(lambda: not sandbox.alive)
        with pytest.raises(OSError):
            sandbox.session(Limits())


def test_a_sandbox_that_dies_is_replaced_and_the_submission_runs_again(monkeypatch):
    tried = []

    def judge_submission(sandbox, *rest):
        tried.append(sandbox)
        session = sandbox.session(Limits())
        if len(tried) == 1:
            os.kill(sandbox._process.pid, signal.SIGKILL)
            wait_until(lambda: not sandbox.alive)
        try:
            return session.ask({"do": "run", "source": "print(1)"})
        except Ended as ended:
            return ended.why
        finally:
            session.close()

    monkeypatch.setattr(execution, "judge_submission", judge_submission)
    done = execution.execute(execution.Job("ada", None, {}, 0, Limits(), True, execution.code()))
    assert done["ran"]["stdout"] == "1\n"
    assert len(tried) == 2 and tried[0] is not tried[1]
    tried[1].close()
    execution._sandboxes.clear()


def test_files_of_every_kind_in_one_batch(course):
    """Each gets one line of its own, and the honest ones around them their points."""
    sample_class.write(course, [sample_class.Student(name, sample_class.right(0)) for name in ("a", "m", "z")])
    good = (course.root / "submitted/a/momentum/momentum.ipynb").read_bytes()
    secret = course.root / "secret"
    deep = json.loads(good)
    deep["metadata"]["x"] = None
    nested = json.dumps(deep).replace('"x": null', '"x": ' + "[" * 400 + "]" * 400)

    def huge(path):
        with open(path, "wb") as file:
            file.truncate(100 << 20)

    kinds = {
        "b-100-megabytes": huge,
        "c-link-to-the-gradebook": lambda path: path.symlink_to(course.gradebook),
        "d-link-to-another": lambda path: path.symlink_to(course.root / "submitted/a/momentum/momentum.ipynb"),
        "e-link-to-nothing": lambda path: path.symlink_to("/nowhere"),
        "f-link-to-itself": lambda path: path.symlink_to(path),
        "g-pipe": os.mkfifo,
        "h-device": lambda path: path.symlink_to("/dev/zero"),
        "i-utf-16": lambda path: path.write_bytes(good.decode().encode("utf-16")),
        "j-latin-1": lambda path: path.write_bytes(good.replace(b"heavy", b"h\xe9avy")),
        "k-zip": lambda path: path.write_bytes(b"PK\x03\x04" + os.urandom(1000)),
        "n-zeros": lambda path: path.write_bytes(b"\0" * 1000),
        "o-folder": lambda path: path.mkdir(),
        "p-nested": lambda path: path.write_text("[" * 10**6),
        "q-a-number": lambda path: path.write_text("1e999999"),
        "r-format-3": lambda path: path.write_text('{"nbformat": 3, "worksheets": []}'),
    }
    for name, make in kinds.items():
        folder = course.root / "submitted" / name / "momentum"
        folder.mkdir(parents=True)
        make(folder / "momentum.ipynb")
    folder = course.root / "submitted/s-odd-but-sound/momentum"
    folder.mkdir(parents=True)
    (folder / "momentum.ipynb").write_text(nested)
    list(grading.grade(course, "momentum", grading.to_grade(course, "momentum"), workers=1))
    ended = outcomes.load(course, "momentum")
    for name in kinds:
        assert (ended[name].outcome, ended[name].points) == ("malformed", 0)
        assert len(ended[name].reason) > 20 and "null" not in ended[name].reason
        assert "\n" not in ended[name].reason
    for name in ("a", "m", "z"):
        assert (ended[name].outcome, ended[name].points) == ("graded", 21)
    assert ended["s-odd-but-sound"].outcome in ("graded", "malformed")
    assert set(records(course, "momentum")) == {name for name in ended if ended[name].counts}
    assert secret.read_bytes()
