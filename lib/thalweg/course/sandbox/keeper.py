"""The keeper: the process above one submission. It starts it, counts what it uses, interrupts it or ends it.

What is counted is the time that a submission *takes*: seconds of processor of all its processes together, and seconds in
which all of them sleep. Time in which one of them waits for a processor is not: on a busy machine, or beside a busy
neighbour, an honest answer is slower, and earns the same. The clock on the wall is a wide fence around all of it.
"""

import contextlib
import math
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

TICK = 0.1  # seconds between two looks
GRACE = 5.0  # seconds that an interrupted request gets to end by itself
BEGIN, PAUSE = b"b", b"p"  # the judge's orders: a request begins (and is confirmed), and has been answered
INTERRUPTED, TIME, MEMORY = b"i", b"t", b"m"  # what the keeper tells the judge


def keep(limits: dict[str, Any], work: int, orders: int, submission: Callable[[], None]) -> None:
    """Run ``submission``, which talks on ``work``, in a process of its own; end it when the judge hangs up ``orders``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.close(orders)
        os.setsid()  # a process group reaches across pid namespaces: a signal to it would end the keeper and the parent
        try:
            submission()
        finally:
            os._exit(0)
    os.close(work)
    there = True
    try:
        there = _watch(limits, orders, child)
    finally:  # without a keeper nothing would hold it to its limits
        if there:
            os.kill(child, signal.SIGKILL)  # the kernel ends everything else in its pid namespace
            os.waitpid(child, 0)


def _watch(limits: dict[str, Any], orders: int, child: int) -> bool:
    """Until the submission ends, or has to be ended: is it still there?"""
    ledger = Ledger(os.getpid())
    end = time.monotonic() + limits["wall"]
    begun, theirs, interrupted = 0.0, False, False  # since when the request runs; is it the submission's turn?
    while True:
        if select.select([orders], [], [], TICK)[0]:
            order = os.read(orders, 1)
            if order not in (BEGIN, PAUSE):  # the judge is done or gone
                return True
            theirs = order == BEGIN
            if order == BEGIN:
                begun, interrupted = ledger.taken, False
                _tell(orders, BEGIN)
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        if not ledger.look(counts_sleep=theirs):
            continue
        over = ledger.taken - begun - limits["cell"]
        if ledger.memory > limits["memory"]:
            _tell(orders, MEMORY)
            return True
        if ledger.taken > limits["cpu"] or time.monotonic() > end or over > GRACE:
            _tell(orders, TIME)
            return True
        if theirs and over > 0 and not interrupted:
            interrupted = True
            _tell(orders, INTERRUPTED)  # first, so that the judge has it before the answer to it
            os.kill(child, signal.SIGINT)


def _tell(orders: int, what: bytes) -> None:
    with contextlib.suppress(OSError):  # the judge has gone; so does the submission
        os.write(orders, what)


class Ledger:
    """What the processes below ``keeper`` have used: ``taken`` in seconds, ``memory`` in bytes (at the last look)."""

    def __init__(self, keeper: int):
        self.keeper = keeper
        self.taken, self.memory = 0.0, 0
        self._last = time.monotonic()
        self._used = 0.0  # seconds of processor
        self._own: dict[tuple[int, str], float] = {}  # of each process ever seen, by its number and its start
        self._base = os.getpriority(os.PRIO_PROCESS, 0)

    def look(self, counts_sleep: bool) -> bool:
        """Read /proc, unless that was just done; says whether it was read."""
        now = time.monotonic()
        passed, cpu_before = now - self._last, self._used
        if passed < TICK:
            return False
        self._last = now
        self.memory = 0
        tasks: list[int] = []
        awake, all_told = False, 0.0
        for pid, stat in _below(self.keeper).items():
            own, waited_for = (sum(map(int, stat[i : i + 2])) / os.sysconf("SC_CLK_TCK") for i in (11, 13))
            self._own[pid, stat[19]] = own
            all_told += own + waited_for
            self.memory += _memory(pid)
            states = _tasks(pid)
            tasks += states
            awake |= "R" in states.values()
        # Either sum misses something: what nobody waited for, or what lived between two looks. Neither says too much.
        self._used = max(self._used, all_told, sum(self._own.values()))
        used = self._used - cpu_before
        asleep = min(passed, 2 * TICK) if counts_sleep and not awake else 0.0  # it may be the keeper that had to wait
        self.taken += max(used, asleep)
        self._share(tasks)
        return True

    def _share(self, tasks: list[int]) -> None:
        """Who does many things at a time gets no more of a busy machine than who does one: each step of nice is a quarter."""
        if len(tasks) > 1:
            nice = self._base + math.ceil(math.log(len(tasks), 1.25))
            for task in tasks:
                with contextlib.suppress(OSError):  # it has just ended, or was nicer already
                    os.setpriority(os.PRIO_PROCESS, task, nice)


def _below(keeper: int) -> dict[int, list[str]]:
    """The descendants of ``keeper``: their numbers and what /proc/PID/stat says, from the state on."""
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                stats[int(name)] = _stat(f"/proc/{name}/stat")
    found: dict[int, list[str]] = {}
    frontier = {keeper}
    while frontier := {pid for pid, stat in stats.items() if int(stat[1]) in frontier}:
        found |= {pid: stats[pid] for pid in frontier}
    return found


def _tasks(pid: int) -> dict[int, str]:
    """The threads of a process, and the state of each."""
    found = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found[int(name)] = _stat(f"/proc/{pid}/task/{name}/stat")[0]
    return found


def _stat(path: str) -> list[str]:
    """What a file called stat says, from the state on: what stands before it is a name, in whatever bytes its owner chose."""
    with open(path, "rb") as file:
        return file.read().rpartition(b")")[2].decode("ascii").split()


def _memory(pid: int) -> int:
    """Bytes that a process uses; what it shares with others counts for each, but for files."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return 1024 * sum(int(line.split()[1]) for line in file if line.startswith((b"RssAnon", b"RssShmem")))
    except OSError:
        return 0
