"""Workers: call a function for many jobs in other processes, here or on a cluster, whatever happens to one of them."""

import logging
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Protocol

from .errors import CourseError

CONNECT = 5  # seconds that a scheduler gets to answer
SILENCE = 30  # seconds without a result after which it is asked whether anybody still works


class Workers(Protocol):
    """Where jobs run."""

    def executor(self) -> AbstractContextManager[Executor]:
        """Something to submit jobs to. At the end, what has not begun is dropped."""

    def ahead(self) -> int:
        """How many jobs should be under way, so that no process waits for its next one."""

    def check(self) -> None:
        """Nothing has come back for a while: raises CourseError when nothing will."""

    def died(self, error: BaseException) -> bool:
        """Does ``error`` say that the process of a job died, or one beside it?"""


def run_all(work: Callable[..., Any], jobs: Iterable[tuple], workers: Workers) -> Iterator[tuple[tuple, Any]]:
    """Yield each job with ``work(*job)`` as they finish. Takes from ``jobs`` as they go: only those under way are held.

    In place of a result there is the exception that ``work`` raised, or None where its process died.
    """
    left = iter(jobs)
    while lost := (yield from _run(work, left, workers)):
        for job in lost:  # a process died and may have taken its neighbours' results along: again, each on its own
            if (yield from _run(work, iter([job]), workers)):
                yield job, None


def _run(
    work: Callable[..., Any], jobs: Iterator[tuple], workers: Workers
) -> Generator[tuple[tuple, Any], None, list[tuple]]:
    """As :func:`run_all`, but stops taking jobs when a process has died. Returns the jobs that were lost."""
    under_way: dict[Future, tuple] = {}
    lost: list[tuple] = []
    with workers.executor() as executor:
        try:
            while True:
                for job in islice(jobs, 0 if lost else max(workers.ahead() - len(under_way), 0)):
                    try:
                        under_way[executor.submit(work, *job)] = job
                    except BrokenProcessPool:
                        lost.append(job)
                        break
                if not under_way:
                    return lost
                done, _ = wait(under_way, SILENCE, FIRST_COMPLETED)
                if not done:
                    workers.check()
                for future in done:
                    job = under_way.pop(future)
                    try:
                        result = future.result()
                    except CancelledError:
                        raise CourseError(
                            "The scheduler has gone. What it had finished is kept: run the command again."
                        ) from None
                    except Exception as error:
                        if workers.died(error):
                            lost.append(job)
                            continue
                        result = error
                    yield job, result
        finally:  # interrupted: do not begin the rest
            for future in under_way:
                future.cancel()


class Here:
    """Processes on this machine, ``count`` at a time. What they print goes to the file ``log``."""

    def __init__(self, count: int, log: Path):
        self.count, self.log = count, log

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """A pool, started as it is needed."""
        # spawn: a process that is forked beside running threads can hang
        context = get_context("spawn")
        with ProcessPoolExecutor(self.count, context, initializer=_begin, initargs=(self.log,)) as pool:
            yield pool

    def ahead(self) -> int:
        """One for each process to run, and one to begin with next."""
        return 2 * self.count

    def check(self) -> None:
        """A pool notices by itself when a process dies."""

    def died(self, error: BaseException) -> bool:
        """The pool breaks when any of its processes dies."""
        return isinstance(error, BrokenProcessPool)


def _begin(log: Path) -> None:
    """In a new process: print to ``log``, and end when the coordinator does, even if it was killed."""
    threading.Thread(target=_end_with_the_coordinator, daemon=True).start()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _end_with_the_coordinator() -> None:
    coordinator = parent_process()
    if coordinator is not None:
        coordinator.join()
        os._exit(1)  # its sandbox ends with it


def _here() -> None:
    """Can be called where thalweg is installed."""


class Cluster:
    """The workers of a dask.distributed scheduler, such as ``tcp://192.168.0.5:8786``.

    Jobs and results travel as data; a job whose worker is lost goes to another one. Raises CourseError when nobody is there.
    """

    def __init__(self, scheduler: str):
        self.scheduler = scheduler
        try:
            import distributed
        except ImportError as error:
            raise CourseError(
                "--scheduler needs dask.distributed. Install it: pip install 'thalweg[cluster]'."
            ) from error
        for name in ("distributed", "distributed.client", "distributed.comm"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters becomes one of our own messages
        self._distributed = distributed
        self._client: Any = None
        self._first = True

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """The cluster's executor interface."""
        try:
            self._client = self._distributed.Client(self.scheduler, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise CourseError(f"There is no scheduler at {self.scheduler}: {error}.") from error
        with self._client as client:
            self.check()
            try:  # both unpack jobs; one that cannot would fail every submission
                client.run_on_scheduler(_here)
                client.run(_here, on_error="raise" if self._first else "ignore")
            except Exception as error:
                raise CourseError(
                    f"The scheduler {self.scheduler} or a worker of it does not have this version of thalweg: {error}."
                ) from error
            self._first = False
            executor = client.get_executor(pure=False)
            try:
                yield executor
            finally:
                executor.shutdown(wait=False)

    def ahead(self) -> int:
        """As for local processes; the number of workers may change at any time."""
        return 2 * max(self._threads(), 1)

    def check(self) -> None:
        """Without workers nothing will ever come back."""
        if not self._threads():
            raise CourseError(
                f"The scheduler {self.scheduler} has no workers. Start some, then run the command again: "
                "what is done is kept."
            )

    def _threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except Exception as error:  # many kinds, as the connection breaks here or there
            raise CourseError(
                f"The scheduler {self.scheduler} does not answer. What it had finished is kept: run the command again."
            ) from error

    def died(self, error: BaseException) -> bool:
        """The scheduler gives up on a job after several of its workers have died."""
        return isinstance(error, self._distributed.KilledWorker)
