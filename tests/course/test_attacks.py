"""Attacks, each in a batch between honest submissions: the attacker gets what was earned, everybody else what is theirs."""

import hashlib
import json
import shutil
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import attacks
import pytest
import sample_class
from attacks import MARK, student

from thalweg.course import grading, outcomes
from thalweg.course.folders import Course
from thalweg.course.gradebook import Record, records
from thalweg.course.sandbox.outside import Limits

pytestmark = pytest.mark.usefixtures("bubblewrap")

RIGHT = 21  # all that the judge gives
HONEST = ["a-honest", "m-honest", "z-honest"]


@dataclass
class Batch:
    """A class that was graded, and what was there before."""

    course: Course
    ended: dict[str, outcomes.Outcome]
    records: dict[str, Record]
    before: dict[str, str]
    processes: list[str]  # the attackers' that were still there afterwards


def name_of(title: str) -> str:
    """A student's name, between the honest ones'."""
    return "b-" + title.replace(" ", "-").replace(",", "").replace("'", "")


def fingerprints(course: Course) -> dict[str, str]:
    """Every file that grading has no business to change."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(course.root.rglob("*"))
        if path.is_file()
        and path.relative_to(course.root).parts[0] not in ("autograded", "outcomes", "gradebook.db", "grade.log")
    }


def processes(word: str) -> list[str]:
    """The command lines on this machine that have ``word`` in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


def graded_batch(course: Course, students, limits: Limits, workers: int) -> Batch:
    """Grade them between honest ones, after one who had been graded before."""
    honest = [sample_class.Student(name, sample_class.right(0)) for name in HONEST]
    sample_class.write(course, [sample_class.Student("earlier", sample_class.right(1))])
    list(grading.grade(course, "momentum", grading.to_grade(course, "momentum"), workers=1))
    sample_class.write(course, [*honest, *students])
    before = fingerprints(course)
    batch = [one for one in grading.to_grade(course, "momentum") if one.student != "earlier"]
    list(grading.grade(course, "momentum", batch, workers=workers, limits=limits))
    return Batch(course, outcomes.load(course, "momentum"), records(course, "momentum"), before, processes(MARK))


def new_course(released: Course, tmp_path_factory) -> Course:
    course = Course(tmp_path_factory.mktemp("attacked") / "course")
    shutil.copytree(released.root, course.root)
    return course


@pytest.fixture(scope="module")
def quick(released, tmp_path_factory) -> Batch:
    """Every quick attack in one class, one after another in one warm parent; a server of ours listens."""
    course = new_course(released, tmp_path_factory)
    reached = []

    def accept(server):
        while True:
            try:
                reached.append(server.accept())
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0{MARK}-outside")
        unix.listen()
        for server in (tcp, unix):
            threading.Thread(target=accept, args=(server,), daemon=True).start()
        port = tcp.getsockname()[1]
        students = [student(name_of(title), attack, course, port) for title, attack in attacks.QUICK.items()]
        students += [
            student("c-1-leaves", attacks.Attack(attacks.LEAVE), course),
            student("c-2-finds", attacks.Attack(attacks.FIND), course),
        ]
        batch = graded_batch(course, students, Limits(), workers=1)
        for server in (tcp, unix):
            server.shutdown(socket.SHUT_RDWR)
    assert not reached
    return batch


@pytest.fixture(scope="module")
def slow(released, tmp_path_factory) -> Batch:
    """Every attack that runs into a limit."""
    course = new_course(released, tmp_path_factory)
    students = [student(name_of(title), attack, course) for title, attack in attacks.SLOW.items()]
    limits = Limits(cell=3, cpu=12, memory=256 << 20, disk=16 << 20)
    return graded_batch(course, students, limits, workers=2)


def printed(batch: Batch, name: str) -> str:
    """What the submission printed."""
    notebook = json.loads(batch.course.autograded("momentum", name).read_text())
    texts = [out.get("text", "") for cell in notebook["cells"] for out in cell.get("outputs", [])]
    return "".join(text if isinstance(text, str) else "".join(text) for text in texts)


def assert_harmless(batch: Batch, name: str, attack: attacks.Attack) -> None:
    """What must hold, however busy the machine is: an outcome with a reason, and the points of what was rightly answered."""
    outcome, said = batch.ended[name], printed(batch, name)
    possible = attack.outcomes if isinstance(attack.outcomes, set) else {attack.outcomes}
    assert outcome.outcome in possible, (outcome.reason, said)
    if outcome.outcome not in attacks.EARLY:
        assert outcome.points == attack.points, (outcome.reason, said)
    for exercise, verdict in outcome.verdicts.items():  # how far it came may be chance, what it earned there is not
        right = attack.able and exercise not in attack.answers
        assert verdict["points"] in ({0, verdict["max_points"]} if right or attack.lie else {0}), verdict
    assert "GOT" not in said
    assert not attack.tried or "TRIED" in said, outcome.reason
    scores = batch.records[name].scores.values()
    assert sum(score.points for score in scores) == outcome.points, "the gradebook has what the outcome says"
    assert bool(outcome.reason) == (outcome.outcome != "graded") and "null" not in outcome.reason
    assert outcome.reason.replace("\n", "").isprintable()


@pytest.mark.parametrize("title", attacks.QUICK)
def test_attack(quick, title):
    assert_harmless(quick, name_of(title), attacks.QUICK[title])


@pytest.mark.parametrize("title", attacks.SLOW)
def test_attack_on_the_limits(slow, title):
    assert_harmless(slow, name_of(title), attacks.SLOW[title])


@pytest.mark.parametrize("name", ["c-1-leaves", "c-2-finds"])
def test_nothing_passes_from_one_submission_to_the_next(quick, name):
    assert_harmless(quick, name, attacks.Attack(""))


@pytest.mark.parametrize("which", ["quick", "slow"])
def test_the_others_and_their_files_are_as_they_were(request, which):
    batch = request.getfixturevalue(which)
    for name in [*HONEST, "earlier"]:
        assert (batch.ended[name].outcome, batch.ended[name].points) == ("graded", RIGHT)
        assert sum(score.points for score in batch.records[name].scores.values()) == RIGHT
        assert batch.ended[name].remarks == []
    assert fingerprints(batch.course) == batch.before
    assert batch.processes == [], "what a submission starts ends with it"
    assert len(batch.records) == len(batch.ended)


def test_check_is_no_oracle(quick):
    said = printed(quick, name_of("check as an oracle"))
    assert said.count("velocity: its points are given in the cell that grades it.") >= 300
    assert " of 3 points" not in said


def test_what_a_submission_prints_does_not_fill_the_course(quick):
    for title in attacks.QUICK:
        assert quick.course.autograded("momentum", name_of(title)).stat().st_size < 3_000_000
