"""Confinement: what a submission's process gives up before it runs anything, for itself and for all that it starts."""

import ctypes
import math
import os
import resource
import signal
import struct
import sys
from typing import Any

from . import seccomp

# user, process numbers, network, interprocess communication, host name
NAMESPACES = 0x10000000 | 0x20000000 | 0x40000000 | 0x8000000 | 0x4000000
NEW_MOUNTS = 0x20000  # these come later: the keeper needs /proc, its child must not have it
MS_PRIVATE, MS_REC, MS_NOSUID, MS_NODEV = 1 << 18, 1 << 14, 2, 4
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 1, 38, 24
PRIVATE_FOLDERS = ("/private", "/tmp", "/proc", "/dev/shm", "/var/tmp")
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare() -> None:
    """In the keeper: namespaces of its own for what it will start. Raises OSError where the machine refuses."""
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(NAMESPACES), "unshare")
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as target:
            target.write(text)


def confine(limits: dict[str, Any]) -> None:
    """In process 1: private folders, no privileges to gain, limits, nothing open but the socket. Raises OSError."""
    here = _address_space()
    _check(_libc.unshare(NEW_MOUNTS), "unshare mounts")
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
        (
            resource.RLIMIT_AS,
            here + limits["memory"] + (2 << 30),
        ),  # it is cheap; memory itself is watched by the keeper
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_FSIZE, limits["disk"]),
        (
            resource.RLIMIT_CPU,
            math.ceil(limits["cpu"]) + 60,
        ),  # of one process; the keeper counts them all, and comes first
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (value, value))
    os.chdir("/private")
    seccomp.install()  # the last: it forbids what stands above


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, struct.pack("=6I", 0, 0, 0, 0, 0, 0)), "capset")


def _address_space() -> int:
    """Bytes of address space of this process: what it has imported, above all."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
