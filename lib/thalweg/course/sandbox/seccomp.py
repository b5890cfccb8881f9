"""The system calls that no notebook needs and that would loosen the sandbox or reach around its limits.

A filter in the kernel refuses them. Namespaces and mounts: a process may otherwise make a user namespace of its own and be
root in there. Shared memory and keyrings: they belong to no process, so nobody's limit counts them, or they outlive it.
Of the families of sockets one is allowed. And setsid does nothing: the kernel shares the processors out among sessions first.
"""

import ctypes
import platform
import struct

# the numbers of a call by the machine's architecture: (x86_64, aarch64)
REFUSED = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
}  # fmt: skip
CLONE, CLONE3, SETSID = (56, 220), 435, (112, 157)
SOCKETS = {"socket": (41, 198), "socketpair": (53, 199)}
FAMILY = (
    1  # AF_UNIX: the only one that works without a network. Every other is a door, such as AF_VSOCK to a machine's host
)
NAMESPACES = 0x7E020000  # the flags of clone that make one
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in struct seccomp_data
_ALLOW, _ERRNO, _EPERM, _ENOSYS, _EAFNOSUPPORT = 0x7FFF0000, 0x50000, 1, 38, 97
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def program(machine: str) -> bytes:
    """The filter for ``machine``. Raises OSError for one whose numbers are not known here."""
    if machine not in ARCHITECTURES:
        raise OSError(f"there is no filter of system calls for {machine}, only for {', '.join(ARCHITECTURES)}")
    column = list(ARCHITECTURES).index(machine)
    refuse = _one(_RETURN, _ERRNO | _EPERM)
    lines = [
        _one(_LOAD, _ARCHITECTURE),
        _one(_EQUAL, ARCHITECTURES[machine], 1, 0), refuse,  # 32-bit calls have other numbers
        _one(_LOAD, _NUMBER),
        _one(_AT_LEAST, 1 << 30, 0, 1), refuse,  # so have those of the x32 interface
        _one(_EQUAL, CLONE3, 0, 1), _one(_RETURN, _ERRNO | _ENOSYS),  # its flags cannot be seen: libc falls back to clone
    ]  # fmt: skip
    for numbers in REFUSED.values():
        lines += [_one(_EQUAL, numbers[column], 0, 1), refuse]
    for numbers in SOCKETS.values():
        lines += [
            _one(_EQUAL, numbers[column], 0, 4), _one(_LOAD, _FIRST_ARGUMENT), _one(_EQUAL, FAMILY, 0, 1),
            _one(_RETURN, _ALLOW), _one(_RETURN, _ERRNO | _EAFNOSUPPORT),
        ]  # fmt: skip
    lines += [
        _one(_EQUAL, SETSID[column], 0, 1), _one(_RETURN, _ERRNO | 0),
        _one(_EQUAL, CLONE[column], 0, 3), _one(_LOAD, _FIRST_ARGUMENT), _one(_ANY_BIT, NAMESPACES, 0, 1), refuse,
        _one(_RETURN, _ALLOW),
    ]  # fmt: skip
    return b"".join(lines)


def _one(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; a jump says how many to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def install() -> None:
    """Refuse these calls to this process and all that it starts, for good. Needs no_new_privs. Raises OSError."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))

    lines = program(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(Program(len(lines) // 8, lines)), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
