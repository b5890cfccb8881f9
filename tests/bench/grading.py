"""How fast a class is graded, what it costs, and how that grows; beside it, stock nbgrader on a few of the same submissions.

    python tests/bench/grading.py [--sizes 100 300 1000] [--stock 6] [--workers 2]

Four of five submissions are right, in many styles; the rest make the known mistakes or attack. Everything happens in a
temporary course, with the real commands. Ends with 1 when an honest submission does not get the points that it earned.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "course"))
import attacks
import sample_class
from sample_class import ALTERNATIVES, EXERCISES, Student

from thalweg.course import outcomes
from thalweg.course.folders import Course
from thalweg.exercises import exercise, key

ROOT = Path(__file__).parents[2]
RIGHT = sum(exercise(name).points for name in EXERCISES)
SAMPLE = 1.0  # seconds between two looks at the memory, which cost the machine a tenth of a second each
TIMEOUT = 3  # seconds a cell, for the attacks that run into it
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds of wall time and of CPU, and the peak of memory in MB, all processes together."""

    seconds: float
    cpu: float
    memory: float


def right(number: int) -> dict[str, object]:
    """Right answers, each exercise in another style."""
    found = sample_class.right(0)
    for step, (name, ways) in enumerate(ALTERNATIVES.items(), 1):
        found[name] = ways[number // step % len(ways)]
    return found


def generated(course: Course, size: int) -> list[Student]:
    """A class of ``size``: of every 15, twelve are right, two make known mistakes, one attacks; of 250, one runs into a limit."""
    made = []
    most = max(len(key(name).mistakes) for name in EXERCISES)
    quick, slow = list(attacks.QUICK.values()), list(attacks.SLOW.values())
    for number in range(size):
        other = number // 5
        if number % 5 != 4:
            notes = {"change": sample_class._notes} if number % 3 == 0 else {}
            made.append(Student(f"right{number:05}", right(number), sample_class.WRITTEN[number % 4], **notes))
        elif number % 250 == 249:
            made.append(attacks.student(f"slow{number:05}", slow[number // 250 % len(slow)], course, 9))
        elif other % 3 == 2:
            made.append(attacks.student(f"quick{number:05}", quick[other // 3 % len(quick)], course, 9))
        else:
            made.append(Student(f"mistaken{number:05}", sample_class.mistaken(other % most)))
    return made


def measured(command: list[object], folder: Path) -> Cost:
    """Run a command in ``folder``. Ends the bench with its output when it fails."""
    before, begun = _waited_for(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        paths = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, stdout=said, stderr=said, env=os.environ | {"PATH": paths}
        )
        peak, sandboxes = 0.0, {}
        while process.poll() is None:
            peak = max(peak, _sample(process.pid, sandboxes))
            time.sleep(SAMPLE)
        seconds = time.perf_counter() - begun
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command} ended with {process.returncode}:\n{said.read()[-3000:]}")
    return Cost(seconds, _waited_for() - before + sum(sandboxes.values()), peak)


def _waited_for() -> float:
    """Seconds of CPU of everything that was started from here and has been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sample(pid: int, sandboxes: dict[int, float]) -> float:
    """MB of a process and all below it: PSS, which counts a shared page once.

    ``sandboxes`` gets the seconds of CPU of each sandbox, submissions included: bubblewrap does not wait for what it runs.
    """
    total = 0.0
    with suppress(psutil.Error):
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with suppress(psutil.Error):  # it has just ended
                total += process.memory_full_info().pss / 1e6
                if process.name() != "bwrap" and process.parent().name() == "bwrap":
                    sandboxes[process.pid] = sum(process.cpu_times()[:4])
    return total


def wrong(students: list[Student], ended: dict[str, outcomes.Outcome]) -> list[str]:
    """What is not as it should be with the outcomes of honest submissions, and who has none."""
    found = [f"{student.name} has no outcome" for student in students if student.name not in ended]
    for name, outcome in ended.items():
        if name.startswith("right") and (outcome.outcome, outcome.points) != ("graded", RIGHT):
            found.append(
                f"{name} is right, but got {outcome.points:g} of {RIGHT:g}: {outcome.outcome} {outcome.reason}"
            )
        if name.startswith("mistaken") and not (
            outcome.outcome == "graded"
            and outcome.points < RIGHT
            and any(v["mistake"] for v in outcome.verdicts.values())
        ):
            found.append(f"{name} makes known mistakes, but got {outcome.points:g}: {outcome.outcome} {outcome.reason}")
    return found


def ours(size: int, workers: int) -> Cost:
    """Grade a class of ``size`` with ``thalweg grade``. Ends the bench when points are wrong."""
    with tempfile.TemporaryDirectory(prefix="thalweg-bench-") as folder:
        course = Course(Path(folder) / "course")
        thalweg = [sys.executable, "-m", "thalweg"]
        measured([*thalweg, "release", "momentum", "--course", course.root, "--solutions", ROOT / "solutions"], ROOT)
        students = generated(course, size)
        sample_class.write(course, students)
        options = ["--course", course.root, "--workers", workers, "--timeout", TIMEOUT]
        cost = measured([*thalweg, "grade", "momentum", *options], ROOT)
        faults = wrong(students, outcomes.load(course, "momentum"))
        if faults:
            sys.exit(f"WRONG POINTS in a class of {size}:\n" + "\n".join(faults[:20]))
    return cost


def stock(count: int) -> Cost:
    """Grade ``count`` right submissions with ``nbgrader autograde``; the time that the command takes to start is left out."""
    with tempfile.TemporaryDirectory(prefix="thalweg-bench-") as folder:
        course = Course(Path(folder) / "_build/course")
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        release = ["release", "momentum", "--course", course.root, "--solutions", ROOT / "solutions"]
        measured([sys.executable, "-m", "thalweg", *release], ROOT)
        sample_class.write(course, [Student(f"right{n}", right(n)) for n in range(count)])
        cost = measured([BIN / "nbgrader", "autograde", "momentum"], Path(folder))
        nothing = measured([BIN / "nbgrader", "autograde", "momentum"], Path(folder))  # all is graded: start and end
    return Cost(cost.seconds - nothing.seconds, cost.cpu - nothing.cpu, cost.memory)


def row(name: str, count: int, cost: Cost) -> str:
    """One line of the table."""
    each = f"{count / cost.seconds:12.2f}{cost.cpu / count:12.3f}{cost.memory:12.0f}"
    return f"{name:<18}{count:>12}{cost.seconds:>12.1f}{each}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000], metavar="N", help="of the classes")
    parser.add_argument("--stock", type=int, default=6, metavar="N", help="submissions for stock nbgrader; 0: none")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="that grade at a time (%(default)s)")
    options = parser.parse_args()
    if min(options.sizes) < 1 or options.stock < 0 or options.workers < 1:
        parser.error("sizes and workers are at least 1, stock at least 0")
    head = f"{'':<18}{'submissions':>12}{'seconds':>12}{'per second':>12}{'CPU s each':>12}{'peak MB':>12}"
    print(head, flush=True)
    rate = 0.0
    for size in options.sizes:
        cost = ours(size, options.workers)
        rate = size / cost.seconds
        print(row("thalweg grade", size, cost), flush=True)
    if options.stock:
        cost = stock(options.stock)
        print(row("nbgrader autograde", options.stock, cost))
        print(
            f"\nThe largest class is graded {rate * cost.seconds / options.stock:.0f} times as fast as by stock nbgrader."
        )


if __name__ == "__main__":
    main()
