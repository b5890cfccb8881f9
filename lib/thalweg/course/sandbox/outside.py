"""The near side: start the sandbox, open a session for each submission, never believe what comes back."""

import contextlib
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
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import thalweg
from thalweg.exercises import own
from thalweg.exercises.own import TORCH

from ..errors import CourseError
from . import keeper, wire

NOBODY = 65534
PRIVATE = "/private"  # a submission's own folder: its home, its temporary files
HOME = "/thalweg"  # where the package stands in the sandbox
HIDDEN = tuple(name.partition(".")[2].replace(".", "/") for name in own.HIDDEN)  # answers, and the grading itself
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime")
START = 300.0  # seconds until a process for a submission must be there, on however busy a machine
SPARE = 60.0  # seconds after which a keeper that has not ended what it should has died


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Seconds are those that it takes: of processor, by all that it started, and those in which all of it sleeps (see
    :mod:`keeper`). ``cell`` is for a cell or for one answer, ``cpu`` in all. ``wall`` is the clock's: a wide fence, for what finds
    a way not to be counted. ``memory`` and ``disk`` are bytes, ``processes`` counts threads too.
    """

    cell: float = 60.0
    cpu: float = 300.0
    wall: float = 3600.0
    memory: int = 1 << 30
    disk: int = 64 << 20
    processes: int = 24


class Ended(Exception):
    """The submission's process is gone. ``why`` is "timed out", "out of memory" or "crashed"."""

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why


def _reason(told: bytes) -> str:
    """Why a process has ended, by what its keeper said before."""
    reasons = {keeper.TIME: "timed out", keeper.MEMORY: "out of memory"}
    return next((reason for word, reason in reasons.items() if word in told), "crashed")


class TooLong(Exception):
    """A request took longer than it may; it was interrupted, and the process lives on."""


class Sandbox:
    """A warm, confined parent process. Use it as a context manager; :meth:`session` is called from one thread at a time.

    With ``torch``, submissions have PyTorch, on one thread. ``confined=False`` runs them with the caller's own rights. Raises
    CourseError when the machine cannot confine, or has no PyTorch.
    """

    def __init__(self, confined: bool = True, torch: bool = False):
        self.confined = confined
        if torch and find_spec("torch") is None:
            raise CourseError("An exercise needs PyTorch, which is not here. Install it: pip install 'thalweg[torch]'.")
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command, environment = _command(far.fileno(), confined, torch)
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
    """The conversation with one submission's process: requests and replies. Its keeper watches the time that each takes."""

    def __init__(self, work: socket.socket, orders: socket.socket, limits: Limits):
        self._work, self._orders = work, orders
        try:
            ready = wire.receive(work, time.monotonic() + START)
        except (wire.WireError, OSError):
            ready = {}
        if ready != {"ready": True}:
            self.close()
            raise OSError("no process could be confined for a submission")
        self._end = time.monotonic() + limits.wall + SPARE
        self._turn = ""

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return what comes back within one cell's time.

        Raises WireError when the request is too large, Ended when the process is gone or talks nonsense, TooLong when it was
        interrupted.
        """
        self._turn = secrets.token_hex(8)
        raw = wire.packed(message | {"turn": self._turn})
        self._begin()
        self._send(raw)
        reply = self._receive()
        if "interrupted" in reply:
            if keeper.INTERRUPTED in self._told(wait=False):
                raise TooLong
            raise Ended("crashed")
        self._order(keeper.PAUSE)
        return reply

    def _begin(self) -> None:
        """Its time starts. Confirmed, so that no interruption of an earlier request can reach this one."""
        self._order(keeper.BEGIN)
        while keeper.BEGIN not in (told := self._told(wait=True)):
            if told != keeper.INTERRUPTED:  # that came too late
                raise Ended(_reason(told))

    def _receive(self) -> dict[str, Any]:
        """The next reply. One that was sent before this request, or by what an earlier one left running, ends it all."""
        try:
            reply = wire.receive(self._work, self._end)
        except TimeoutError as error:
            raise Ended("timed out") from error
        except (wire.WireError, OSError) as error:
            raise Ended(self._why()) from error
        if reply.pop("turn", None) != self._turn:
            raise Ended(self._why())
        return reply

    def _send(self, raw: bytes) -> None:
        try:
            self._work.settimeout(max(self._end - time.monotonic(), 1))
            self._work.sendall(raw)
        except OSError as error:
            raise Ended(self._why()) from error

    def _order(self, order: bytes) -> None:
        with contextlib.suppress(OSError):  # the keeper has ended; the next word says so
            self._orders.send(order)

    def _told(self, wait: bool) -> bytes:
        """What the keeper has said meanwhile; nothing when it has ended."""
        self._orders.settimeout(max(self._end - time.monotonic(), 1) if wait else 0)
        try:
            return self._orders.recv(64)
        except OSError:
            return b""

    def _why(self) -> str:
        """Why the process has gone, or has to go: the keeper says so before it ends one."""
        return _reason(self._told(wait=False))

    def close(self) -> None:
        """End the submission's process and everything that it started."""
        self._orders.close()
        self._work.close()


REMEDY = (
    "Install bubblewrap (apt-get install bubblewrap) and allow user namespaces, or, if you trust every submission as you "
    "trust your own code, grade with --trust-submissions."
)


def _command(control: int, confined: bool, torch: bool) -> tuple[list[str], dict[str, str]]:
    """How to start the parent, and its environment."""
    start = [sys.executable, "-m", "thalweg.course.sandbox.inside", str(control), *["torch"] * torch]
    package = Path(thalweg.__file__).resolve().parent
    private = PRIVATE if confined else tempfile.gettempdir()
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": private, "TMPDIR": private, "PYTHONDONTWRITEBYTECODE": "1",
        "LOGNAME": "student",  # there is no list of users in which to look it up
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
    masks = _masks(package, torch)
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


def _masks(package: Path, torch: bool) -> list[str]:
    """Empty folders over what a submission must not find."""
    arguments: list[str] = []
    for name in HIDDEN:
        if (package / name).is_dir():
            arguments += ["--perms", "0755", "--tmpfs", f"{HOME}/thalweg/{name}"]
    for name in ("course/__init__.py", "course/sandbox"):
        arguments += ["--ro-bind", str(package / name), f"{HOME}/thalweg/{name}"]
    libraries = Path(sysconfig.get_path("purelib"))
    for folder in (package, *(libraries / name for name in TORCH if not torch)):
        if folder.is_dir() and any(folder.is_relative_to(root) for root in (sys.prefix, sys.base_prefix)):
            arguments += ["--perms", "0755", "--tmpfs", str(folder)]
    return arguments
