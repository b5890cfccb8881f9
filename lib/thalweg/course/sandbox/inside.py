"""The far side: a warm parent that forks one confined process for each submission.

It is started by :mod:`outside` within bubblewrap: no network, a read-only system, none of the references. It imports once
what notebooks use, then waits. For each submission it gets a socket and limits, and forks a *keeper*; the keeper puts itself
into namespaces of its own and forks process number 1 of them, which runs the submission's cells. When that process ends,
whatever it started ends with it. Nothing that happens in there is believed outside: see :mod:`wire`.
"""

import contextlib
import ctypes
import gc
import io
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import Any

from . import seccomp

CLONE = {"user": 0x10000000, "pid": 0x20000000, "mount": 0x20000, "net": 0x40000000, "ipc": 0x8000000, "uts": 0x4000000}
MS_PRIVATE, MS_REC, MS_NOSUID, MS_NODEV = 1 << 18, 1 << 14, 2, 4
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 1, 38, 24
PRIVATE_FOLDERS = ("/private", "/tmp", "/proc", "/dev/shm", "/var/tmp")
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# --- the warm parent --------------------------------------------------------------------------------------------------


def main() -> None:
    """Wait for submissions on the socket whose number is the first argument; fork a keeper for each."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _warm_up()
    control.send(b"ready")
    while True:
        raw, fds, _, _ = socket.recv_fds(control, 4096, 2)
        with contextlib.suppress(ChildProcessError):  # no keeper is left; at the end, each one ends by itself
            while os.waitpid(-1, os.WNOHANG if raw else 0)[0]:
                pass
        if not raw:
            return
        if os.fork() == 0:
            control.close()
            try:
                _keep(json.loads(raw), *fds)
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)


def _warm_up() -> None:
    """Import what every notebook needs, so that no submission has to."""
    import matplotlib.pyplot as plt
    import numpy.linalg
    import numpy.random  # noqa: F401

    import thalweg.data
    import thalweg.exercises
    import thalweg.minimize
    import thalweg.surfaces

    for topic in thalweg.exercises.topics():
        __import__(f"thalweg.exercises.{topic}")
    sys.modules["torch"] = None  # type: ignore[assignment]  # an exercise in NumPy is solved in NumPy
    _shell()
    plt.figure()  # finds the fonts
    plt.close("all")
    _run(_shell(), Turn(), "pass")  # what IPython imports at the first cell
    # A submission's garbage collector would touch every object of the parent's, and each page touched is copied.
    gc.collect()
    gc.freeze()


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)


# --- the keeper -------------------------------------------------------------------------------------------------------


def _keep(limits: dict[str, Any], work: int, orders: int) -> None:
    """Confine, fork process 1, watch it: memory, time, and the order to interrupt; end it when the judge is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if limits["confined"]:
        _unshare()
    child = os.fork()
    if child == 0:
        os.close(orders)
        os.setsid()  # a process group reaches across pid namespaces: a signal to it would end the keeper and the parent
        try:
            if limits["confined"]:
                _confine(limits)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):  # nobody reads a pipe to the end for it
                os.dup2(null, fd)
            serve(socket.socket(fileno=work))
        finally:
            os._exit(0)
    os.close(work)
    end = time.monotonic() + limits["wall"]
    while True:
        ready, _, _ = select.select([orders], [], [], 0.1)
        if ready:
            order = os.read(orders, 1)
            if order != b"i":  # the judge is done or gone
                break
            os.kill(child, signal.SIGINT)
        if os.waitpid(child, os.WNOHANG)[0]:
            child = 0
            break
        if time.monotonic() > end:
            _tell(orders, b"t")
            break
        if _memory_below(os.getpid()) > limits["memory"]:
            _tell(orders, b"m")
            break
    if child:
        os.kill(child, signal.SIGKILL)  # the kernel ends everything else in its pid namespace
        os.waitpid(child, 0)
    os._exit(0)


def _tell(orders: int, what: bytes) -> None:
    with contextlib.suppress(OSError):  # the judge has gone; so does the submission
        os.write(orders, what)


def _memory_below(keeper: int) -> int:
    """Bytes of memory that the keeper's descendants use together; what they share counts for each, but for files."""
    parents, sizes = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    stat = file.read().rpartition(")")[2].split()
                with open(f"/proc/{name}/status") as file:
                    kilobytes = sum(int(line.split()[1]) for line in file if line.startswith(("RssAnon", "RssShmem")))
            except OSError:
                continue
            parents[int(name)], sizes[int(name)] = int(stat[1]), kilobytes
    total, frontier = 0, {keeper}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier}
        total += sum(sizes[pid] for pid in frontier)
    return total * 1024


def _unshare() -> None:
    uid, gid = os.getuid(), os.getgid()
    flags = 0
    for name in (
        "user",
        "pid",
        "net",
        "ipc",
        "uts",
    ):  # mounts come later: the keeper needs /proc, its child must not have it
        flags |= CLONE[name]
    _check(_libc.unshare(flags), "unshare")
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as target:
            target.write(text)


def _confine(limits: dict[str, Any]) -> None:
    """In process 1: private folders, no privileges to gain, limits, nothing open but the socket."""
    _check(_libc.unshare(CLONE["mount"]), "unshare mounts")
    _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    for folder in PRIVATE_FOLDERS:
        holds_python = any(prefix.startswith(f"{folder}/") for prefix in (sys.prefix, sys.base_prefix))
        if os.path.isdir(folder) and not holds_python:
            size = limits["disk"] if folder in ("/private", "/tmp") else 1 << 20
            options = f"size={size},nr_inodes=10000,mode=1777".encode()
            _check(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, options), f"mount {folder}")
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # those beyond the kernel's last are refused: fine
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    _drop_capabilities()
    for what, value in (
        (resource.RLIMIT_AS, limits["memory"] + (3 << 30)),  # address space is cheap; memory is watched by the keeper
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_FSIZE, limits["disk"]),
        (resource.RLIMIT_CPU, limits["cpu"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (value, value))
    os.chdir("/private")
    seccomp.install()  # the last: it forbids what stands above


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, struct.pack("=6I", 0, 0, 0, 0, 0, 0)), "capset")


# --- process 1: the submission ----------------------------------------------------------------------------------------


@dataclass
class Turn:
    """The request that is being answered. The judge takes no reply to another one."""

    token: Any = None
    busy: bool = False
    interrupted: bool = False  # by the judge; a cell may also raise KeyboardInterrupt by itself


def serve(sock: socket.socket) -> None:
    """Do what the judge asks until it hangs up: run a cell, or use an answer on inputs."""
    import thalweg.exercises

    from . import wire

    shell, turn = _shell(), Turn()

    def interrupted(*_: Any) -> None:
        if turn.busy:  # between requests there is nothing to interrupt
            turn.interrupted = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    thalweg.exercises.check = lambda name, answer: _check_by_request(sock, turn, name, answer)  # type: ignore[assignment]
    wire.send(sock, {"ready": True})
    while True:
        try:
            message = wire.receive(sock)
        except wire.Closed:
            return
        turn.token, turn.interrupted = message["turn"], False
        try:
            turn.busy = True
            if message["do"] == "run":
                reply: dict[str, Any] = {"ran": _run(shell, turn, message["source"])}
            else:
                answer = shell.user_ns.get(message["symbol"])
                reply = _observed(message["exercise"], answer, message["cases"])
            turn.busy = False
        except KeyboardInterrupt:
            turn.busy = False
            reply = {"interrupted": True}
        wire.send(sock, reply | {"turn": turn.token})


def _observed(name: str, answer: Any, sent: list[dict[str, Any]]) -> dict[str, Any]:
    from thalweg.exercises import Case, Observation, exercise, observe

    from . import wire

    if answer is None:
        return {"observed": None}
    asked, seen = exercise(name), []
    for case in sent:
        inputs = wire.decode_all(case["inputs"])
        try:
            (found,) = observe(asked, answer, [Case(case["part"], inputs)])
        except SystemExit:
            found = Observation(None, "SystemExit: it ended the program")
        entry: dict[str, Any] = {"outputs": None, "error": found.error, "changed": list(found.changed)}
        if found.outputs is not None:
            try:
                entry["outputs"] = wire.encode_all(found.outputs)
            except wire.WireError as error:
                entry["error"] = f"TypeError: {error}"
        entry["error"] = entry["error"] and entry["error"][:2000]
        seen.append(entry)
    return {"observed": seen}


def _check_by_request(sock: socket.socket, turn: Turn, name: str, answer: Any) -> None:
    """What ``check`` does here: the judge draws and decides, this side only uses the answer."""
    from . import wire

    wire.send(sock, {"check": str(name), "turn": turn.token})
    reply = wire.receive(sock)
    if "cases" in reply:
        wire.send(sock, _observed(name, answer, reply["cases"]) | {"turn": turn.token})
        reply = wire.receive(sock)
    if "error" in reply:
        raise ValueError(reply["error"])
    print(reply["text"])


OUTPUT = 100_000  # characters of output that a cell may leave


def _run(shell: Any, turn: Turn, source: str) -> dict[str, Any]:
    """Run one cell. What it printed and displayed, and its error if it stopped, as plain text."""
    from IPython.utils.capture import capture_output

    begun = time.process_time()
    error = None
    with capture_output(display=False) as captured:
        result = shell.run_cell(source, store_history=False)
        raised = result.error_before_exec or result.error_in_exec
    if isinstance(raised, KeyboardInterrupt) and turn.interrupted:
        raise raised
    if raised is not None:
        error = [type(raised).__name__[:200], _text(raised)[:2000]]
    return {
        "stdout": captured.stdout[:OUTPUT],
        "stderr": captured.stderr[:OUTPUT],
        "error": error,
        "cpu": round(time.process_time() - begun, 3),
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""


if __name__ == "__main__":
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True)
    main()
