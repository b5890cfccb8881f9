"""The near side: start the sandbox, open a session for each submission, never believe what comes back."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import thalweg

from ..errors import CourseError
from . import wire

NOBODY = 65534
PRIVATE = "/private"  # a submission's own folder: its home, its temporary files
HOME = "/thalweg"  # where the package stands in the sandbox
HIDDEN = ("numpy", "torch", "exercises/keys", "course", "site")  # of the package: answers, and the grading itself
OTHERS = ("torch", "functorch", "torchgen")  # of other packages: a NumPy exercise is solved in NumPy
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime")
START = 30.0  # seconds until a process for a submission must be there
GRACE = 5.0  # seconds that an interrupted cell gets to end by itself


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds of time (a cell, and in all), seconds of CPU, bytes, numbers of processes.

    ``checks`` says how often its cells may call ``check`` together; after that it answers no more.
    """

    cell: float = 60.0
    wall: float = 300.0
    cpu: int = 240
    memory: int = 1 << 30
    disk: int = 64 << 20
    processes: int = 64
    checks: int = 200


class Ended(Exception):
    """The submission's process is gone. ``why`` is "timed out", "out of memory" or "crashed"."""

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why


class TooLong(Exception):
    """A request took longer than it may; it was interrupted, and the process lives on."""


class Sandbox:
    """A warm, confined parent process. Use it as a context manager; :meth:`session` is called from one thread at a time.

    ``confined=False`` runs submissions with the caller's own rights. Raises CourseError when the machine cannot confine.
    """

    def __init__(self, confined: bool = True):
        self.confined = confined
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command, environment = _command(far.fileno(), confined)
        self._said = tempfile.TemporaryFile()  # its errors; a pipe that nobody reads would fill up  # noqa: SIM115
        self._process = subprocess.Popen(
            command, pass_fds=[far.fileno()], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self._said,
        )  # fmt: skip
        far.close()
        self._control = near
        near.settimeout(120)
        try:
            greeting = near.recv(16)
            if greeting == b"ready":
                near.settimeout(None)
                self.session(Limits()).close()  # one on trial: the machine may allow a parent, but not what it does
        except OSError:
            greeting = b""
        if greeting != b"ready":
            self._process.kill()
            self._process.wait()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip()
            self.close()
            raise CourseError(
                f"Submissions cannot be confined here: {said[-500:] or 'the sandbox did not start'}. {REMEDY}"
            )

    @property
    def alive(self) -> bool:
        """Is the parent still there?"""
        return self._process.poll() is None

    def session(self, limits: Limits) -> "Session":
        """A process of its own for one submission. Raises OSError when there is none to be had: not the submission's fault."""
        work, far_work = socket.socketpair()
        orders, far_orders = socket.socketpair()
        message = json.dumps(asdict(limits) | {"confined": self.confined}).encode()
        try:
            socket.send_fds(self._control, [message], [far_work.fileno(), far_orders.fileno()])
        finally:
            far_work.close()
            far_orders.close()
        return Session(work, orders, limits)

    def close(self) -> None:
        """End the parent, and with it everything that it started."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class Session:
    """The conversation with one submission's process: requests and replies, each with a deadline."""

    def __init__(self, work: socket.socket, orders: socket.socket, limits: Limits):
        self._work, self._orders = work, orders
        try:
            ready = wire.receive(work, time.monotonic() + START)
        except wire.WireError:
            ready = {}
        if ready != {"ready": True}:
            self.close()
            raise OSError("no process could be confined for a submission")
        self._end = time.monotonic() + limits.wall
        self.limits = limits
        self.checks = 0  # calls of ``check`` so far
        self._turn = ""
        self.checking: Any = None  # the exercise and the inputs of a ``check`` that a cell has called

    def ask(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Send a request and yield what comes back, until the caller stops asking; all within one cell's time.

        Raises Ended when the process is gone or talks nonsense, TooLong when it was interrupted.
        """
        deadline = min(time.monotonic() + self.limits.cell, self._end)
        self._turn, self.checking = secrets.token_hex(8), None
        self._send(message | {"turn": self._turn})
        while True:
            try:
                yield self._receive(deadline)
            except TimeoutError:
                self._interrupt()
                raise TooLong from None

    def _receive(self, deadline: float) -> dict[str, Any]:
        """The next reply. One that was sent before this request, or by what an earlier one left running, ends it all."""
        try:
            reply = wire.receive(self._work, deadline)
        except TimeoutError:
            raise
        except (wire.WireError, OSError) as error:
            raise Ended(self._why()) from error
        if reply.pop("turn", None) != self._turn:
            raise Ended(self._why())
        return reply

    def reply(self, message: dict[str, Any]) -> None:
        """Answer a question that came while a cell ran."""
        self._send(message)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._work.settimeout(30)
            wire.send(self._work, message)
        except OSError as error:
            raise Ended(self._why()) from error

    def _interrupt(self) -> None:
        """Ctrl-C; whatever is still said within the grace is dropped. Raises Ended when that does not help."""
        deadline = min(time.monotonic() + GRACE, self._end + GRACE)
        try:
            self._orders.send(b"i")
            while "interrupted" not in self._receive(deadline):
                pass
        except Ended as ended:  # it may have run out of memory meanwhile
            raise Ended("timed out" if ended.why == "crashed" else ended.why) from None
        except OSError:
            raise Ended("timed out") from None

    def _why(self) -> str:
        """The keeper's last word on a process that has gone."""
        self._orders.settimeout(0.5)
        try:
            word = self._orders.recv(1)
        except OSError:
            word = b""
        return {b"t": "timed out", b"m": "out of memory"}.get(word, "crashed")

    def close(self) -> None:
        """End the submission's process and everything that it started."""
        self._orders.close()
        self._work.close()


REMEDY = (
    "Install bubblewrap (apt-get install bubblewrap) and allow user namespaces, or, if you trust every submission as you "
    "trust your own code, grade with --trust-submissions."
)


def _command(control: int, confined: bool) -> tuple[list[str], dict[str, str]]:
    """How to start the parent, and its environment."""
    start = [sys.executable, "-m", "thalweg.course.sandbox.inside", str(control)]
    package = Path(thalweg.__file__).resolve().parent
    private = PRIVATE if confined else tempfile.gettempdir()
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": private, "TMPDIR": private, "PYTHONDONTWRITEBYTECODE": "1",
        "MPLCONFIGDIR": f"{private}/matplotlib", "IPYTHONDIR": f"{private}/ipython", "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    if not confined:
        return start, environment | {"PYTHONPATH": str(package.parent)}
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise CourseError(f"Submissions cannot be confined here: bubblewrap is missing. {REMEDY}")
    command = [bwrap, "--die-with-parent", "--new-session"]
    command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    for folder in dict.fromkeys((*SYSTEM, sys.base_prefix, sys.prefix)):
        if os.path.exists(folder):
            for parent in reversed(Path(folder).parents[:-1]):  # which bubblewrap would make for their owner alone
                command += ["--perms", "0755", "--dir", str(parent)]
            command += ["--ro-bind", folder, folder]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", PRIVATE]
    for folder in ("/tmp", HOME):  # the project itself may lie in /tmp: what is bound there must stay in sight
        command += ["--perms", "0755", "--dir", folder]
    command += ["--ro-bind", str(package), f"{HOME}/thalweg"]
    masks = _masks(package)
    command += masks
    # Whoever owns an empty folder may write to it: what one submission left there, the next one would find.
    for folder in ("/", "/dev", *(masks[i + 1] for i, word in enumerate(masks) if word == "--tmpfs")):
        command += ["--remount-ro", folder]
    command += ["--chdir", PRIVATE, "--hostname", "sandbox"]
    become = []
    if os.getuid() == 0:  # root needs no user namespace to mount, and would stay root in one
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
        become += ["--inh-caps=-all"]
    else:
        command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    return [*command, "--", *become, *start], environment | {"PYTHONPATH": HOME}


def _masks(package: Path) -> list[str]:
    """Empty folders over what a submission must not find."""
    arguments: list[str] = []
    for name in HIDDEN:
        if (package / name).is_dir():
            arguments += ["--perms", "0755", "--tmpfs", f"{HOME}/thalweg/{name}"]
    for name in ("course/__init__.py", "course/sandbox"):
        arguments += ["--ro-bind", str(package / name), f"{HOME}/thalweg/{name}"]
    libraries = Path(sysconfig.get_path("purelib"))
    for folder in (package, *(libraries / name for name in OTHERS)):
        if folder.is_dir() and any(folder.is_relative_to(root) for root in (sys.prefix, sys.base_prefix)):
            arguments += ["--perms", "0755", "--tmpfs", str(folder)]
    return arguments
