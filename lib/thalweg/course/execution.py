"""Execution: one submission, from data to data, in a worker process that keeps a warm sandbox.

Nothing here reads or writes the course: a job carries all that is needed, so it can run on another machine.
"""

import atexit
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import gethostname
from threading import Lock

from nbformat import NotebookNode

import thalweg
from thalweg.exercises import exercise

from .errors import CourseError
from .judging import Judged, judge_submission
from .sandbox.outside import Limits, Sandbox

JUDGE = ["exercises/**/*.py", "numpy/**/*.py", "surfaces.py", "minimize.py", "data.py"]  # what may decide a grade


@dataclass(frozen=True)
class Job:
    """A submission to run. ``notebook`` is restored; ``exercises`` says which cell grades which exercise.

    ``code`` is :func:`code` where the grades are kept: another machine must judge by the same.
    """

    student: str
    notebook: NotebookNode
    exercises: dict[str, str]
    seed: int
    limits: Limits
    confined: bool
    code: str


@cache
def code() -> str:
    """A fingerprint of the code that decides grades."""
    package = Path(thalweg.__file__).parent
    digest = hashlib.sha256()
    for path in (path for part in JUDGE for path in sorted(package.glob(part))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_sandboxes: dict[tuple[bool, bool], Sandbox] = {}  # by what it is given: confined, PyTorch
_one_at_a_time = Lock()  # a worker of a cluster may have several threads, but a sandbox serves one


def execute(job: Job) -> Judged:
    """Run and judge one submission. The first call in a process starts its sandbox; one that has died is replaced.

    Raises CourseError where this machine cannot do it for any submission.
    """
    if job.code != code():
        raise CourseError(
            f"The worker on {gethostname()} has another version of thalweg, which could judge differently."
        )
    kind = job.confined, any(exercise(name).torch for name in job.exercises.values())
    with _one_at_a_time:
        for attempt in (1, 2):
            sandbox = _sandboxes.get(kind)
            if sandbox is None:
                sandbox = _sandboxes[kind] = Sandbox(*kind)
                atexit.register(sandbox.close)
            try:
                judged = judge_submission(sandbox, job.notebook, job.exercises, job.seed, job.limits)
                if sandbox.alive or attempt == 2:
                    return judged
            except OSError:
                if attempt == 2:
                    raise
            del _sandboxes[kind]  # the warm parent is gone: that is not this submission's doing
            atexit.unregister(sandbox.close)
            sandbox.close()
    raise AssertionError("not reached")
