"""A dask.distributed cluster for real: a scheduler and three workers, each a process on loopback."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
import sample_class
from classroom import run
from distributed import Client

from thalweg.course import execution, outcomes
from thalweg.course.errors import CourseError
from thalweg.course.folders import Course
from thalweg.course.gradebook import records
from thalweg.course.grading import grade, to_grade
from thalweg.course.notebooks import about, read_notebook
from thalweg.course.sandbox.outside import Limits
from thalweg.course.workers import Cluster, run_all


class Processes:
    """The cluster's processes, by role."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", 0, "--scheduler-file", self.file)
        end = time.monotonic() + 180
        while not self.file.exists() or not self.file.read_text().endswith("}"):
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = []

    def _start(self, role, *arguments):
        command = [sys.executable, "-m", "dask", role, "--host", "127.0.0.1", "--no-dashboard"]
        with open(self.folder / f"{role}.log", "ab") as log:
            paths = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])  # for ``deadly``
            return subprocess.Popen(
                [*command, *map(str, arguments)],
                cwd=self.folder, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": paths, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
            )  # fmt: skip

    def add_workers(self, count):
        for _ in range(count):
            self.workers.append(
                self._start("worker", self.address, "--nthreads", 1, "--no-nanny", "--local-directory", self.folder)
            )
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(sum(worker.poll() is None for worker in self.workers), timeout=180)

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    processes = Processes(tmp_path)
    yield processes
    processes.stop()


@pytest.fixture
def course(released, tmp_path) -> Course:
    """Handed in, not graded."""
    copy = Course(tmp_path / "course")
    subprocess.run(["cp", "-r", released.root, copy.root], check=True)
    sample_class.write(copy, sample_class.the_class())
    return copy


def test_a_job_is_data(released):
    """It needs no file of the course, and arrives as it was sent."""
    release = read_notebook(released.release("momentum"))
    job = execution.Job("a", release, about(release)["exercises"], 1, Limits(), True, execution.code())
    assert pickle.loads(pickle.dumps(job)) == job
    assert str(released.root).encode() not in pickle.dumps(job)


def test_a_worker_is_killed_in_the_middle_and_the_others_grade_its_submissions(course, cluster, graded, ended):
    cluster.add_workers(3)
    found, killed = {}, None
    for outcome, new in grade(course, "momentum", to_grade(course, "momentum"), scheduler=cluster.address):
        assert new
        found[outcome.student] = outcome
        if killed is None:
            with Client(cluster.address, set_as_default=False) as client:
                busy = {address for address, tasks in client.processing().items() if tasks}
                pids = client.run(os.getpid)
            ours = {worker.pid for worker in cluster.workers} & {pids[address] for address in busy}
            if not ours:  # between two submissions; the next one will do
                continue
            killed = psutil.Process(ours.pop())
            sandbox = killed.children(recursive=True)
            os.kill(killed.pid, signal.SIGKILL)
    assert killed is not None and killed.status() == psutil.STATUS_ZOMBIE
    assert found.keys() == {student.name for student in sample_class.the_class()}
    assert not psutil.wait_procs(sandbox, 600)[1], "what a killed worker had started ends with it"
    ours, local = records(course, "momentum"), records(graded, "momentum")
    for name, outcome in found.items():
        assert (outcome.outcome, outcome.points) == (ended[name].outcome, ended[name].points)
        if name in ours:
            assert ours[name].scores == local[name].scores
    assert f"{len(found)} unchanged" in run("grade", "--course", course.root)


def deadly(number):
    """A job that ends every process that touches it."""
    if number == 1:
        os._exit(1)
    return number


def test_a_job_that_kills_every_worker_stops_nobody(cluster):
    cluster.add_workers(5)  # this scheduler tries twice, and the job has a second chance
    assert sorted(run_all(deadly, [(n,) for n in range(8)], Cluster(cluster.address))) == [
        ((n,), None if n == 1 else n) for n in range(8)
    ]
    assert sum(worker.poll() is None for worker in cluster.workers) == 1


def test_the_scheduler_goes_and_what_was_done_is_kept(course, cluster):
    cluster.add_workers(1)
    done = []
    with pytest.raises(CourseError, match="run the command again"):
        for outcome, _ in grade(course, "momentum", to_grade(course, "momentum"), scheduler=cluster.address):
            done.append(outcome.student)
            cluster.scheduler.kill()
    assert done and set(done) <= outcomes.load(course, "momentum").keys()
    assert f"{len(done)} unchanged" in run("grade", "--course", course.root)


def test_a_scheduler_that_is_not_there(course):
    with socket.socket() as nobody:  # our own port, on which nobody listens
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        said = run("grade", "--course", course.root, "--scheduler", address, code=2)
    assert f"Error: There is no scheduler at {address}" in said
    assert "no scheduler" in run("grade", "--course", course.root, "--scheduler", "nonsense://x", code=2)


def test_a_scheduler_without_workers(course, cluster):
    assert "has no workers" in run("grade", "--course", course.root, "--scheduler", cluster.address, code=2)


def test_a_worker_with_another_version_grades_nothing(released, monkeypatch):
    release = read_notebook(released.release("momentum"))
    job = execution.Job("a", release, about(release)["exercises"], 1, Limits(), True, "another")
    with pytest.raises(CourseError, match="another version of thalweg"):
        execution.execute(job)
