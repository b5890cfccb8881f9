"""Submissions that attack: what each of them runs, how it ends and what it earns.

Every attack is a cell of the student's own before all others, and sometimes an answer. It prints TRIED when it has done its
worst, and GOT with whatever it reached; the tests look for both. COURSE stands for the course's folder, MARK for a unique word.
"""

import uuid
from dataclasses import dataclass, field

from nbformat.v4 import new_code_cell
from sample_class import EXERCISES, Student, right

from thalweg.course.folders import Course

MARK = f"mark{uuid.uuid4().hex[:12]}"

HB = "momentum.heavy_ball"
WRONG = "def heavy_ball(theta, grad, v, lr, rho):\n    return theta, v\n"


EARLY = {"timed out", "out of memory", "crashed"}  # it was ended; which limit came first is not for a test to say
AT_ALL = EARLY | {"graded", "partly graded"}


@dataclass(frozen=True)
class Attack:
    """``cell`` runs first; ``answers`` are sources by exercise, in place of right ones if ``able``."""

    cell: str
    outcomes: str | set[str] = "graded"  # all that it may come to
    points: float = 0.0  # if it is not ended early; then, what it had answered rightly before
    able: bool = False  # all other answers are right: what must still count, does
    answers: dict[str, str] = field(default_factory=dict)
    tried: bool = True  # it gets as far as printing so
    lie: bool = False  # it is believed, as the book says


def student(name: str, attack: Attack, course: Course, port: int = 0) -> Student:
    """The submission that makes this attack."""

    def filled(source: str) -> str:
        return source.replace("COURSE", str(course.root)).replace("MARK", MARK).replace("PORT", str(port))

    def change(notebook):
        notebook.cells.insert(0, new_code_cell(filled(attack.cell)))

    answers = right(0) if attack.able else dict.fromkeys(EXERCISES)
    return Student(name, answers, sources=attack.answers or None, change=change)


# Python that finds the socket to the judge, as a submission can.
SOCKET = """
import os, socket, stat, struct, json, time, sys, gc
def channel():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return socket.socket(fileno=os.dup(fd))
        except OSError:
            pass
def frame(message):
    raw = json.dumps(message).encode()
    return struct.pack(">I", len(raw)) + raw
def turn():
    return next(t for t in gc.get_objects() if type(t).__name__ == "Turn").token
judge = channel()
OBSERVED = {"outputs": {"theta": {"f": "0x1p0"}, "v": {"f": "0x1p0"}}, "error": None, "changed": []}
print("TRIED")
"""


def _sent(what: str) -> Attack:
    """Bytes straight to the judge, while a cell runs."""
    return Attack(f"{SOCKET}judge.sendall({what})\ntime.sleep(0.1)", EARLY, tried=False)


def _observed(entry: str) -> Attack:
    """The observations of every exercise, in the right turn, but not what was asked for."""
    return Attack(
        f"""{SOCKET}
gc.unfreeze()
observed = next(f for f in gc.get_objects() if getattr(f, "__name__", "") == "_observed" and hasattr(f, "__globals__"))
observed.__globals__["_observed"] = lambda *asked: {{"observed": [{entry} for case in asked[-1]]}}
""",
        EARLY,
    )


def _array(dtype: str, shape: str, raw: str) -> Attack:
    one = f'{{"a": ["{dtype}", {shape}, {raw}]}}'
    return _observed(f'{{"outputs": {{"theta": {one}, "v": {one}}}, "error": None, "changed": []}}')


LOOK = """
import os, sys
def got(what):
    print("GOT", what)
"""

BYTES = {
    "a huge length": _sent('b"\\xff\\xff\\xff\\xff" + b"x" * 1000'),
    "no JSON": _sent('b"\\x00\\x00\\x00\\x05hello"'),
    "a list": _sent("frame([1, 2])"),
    "deep nesting": _sent('struct.pack(">I", 100000) + b"[" * 100000'),
    "deep nesting in a request": _sent("""(lambda raw: struct.pack(">I", len(raw)) + raw)(
    b'{"turn": "' + turn().encode() + b'", "check": ' + b"[" * 900 + b"]" * 900 + b"}")"""),
    "a number of a million digits": _sent('struct.pack(">I", 1000000) + b"1" * 1000000'),
    "half of a character": _sent('frame({"turn": turn(), "ran": {"stdout": "\\ud800", "stderr": "", "error": [1]}})'),
    "not a number": _sent("""struct.pack(">I", 9) + b'{"a":NaN}'"""),
    "a reply without its turn": _sent('frame({"ran": {"stdout": "", "stderr": "", "error": None}})'),
    "replies in advance": _sent('frame({"observed": [OBSERVED] * 10}) * 100'),
    "replies in advance, in this turn": _sent(
        'frame({"turn": turn(), "ran": {"stdout": "", "stderr": "", "error": None}}) * 50'
    ),
    "a finding that nobody asked for": _sent('frame({"turn": turn(), "observed": [OBSERVED] * 10})'),
    "an interruption that nobody ordered": _sent('frame({"turn": turn(), "interrupted": True})'),
    "points": _sent('frame({"turn": turn(), "points": 25, "verdict": {"points": 25}})'),
    "a check of no exercise": Attack(
        f"{SOCKET}judge.sendall(frame({{'turn': turn(), 'check': {{'a': [1]}}}}))\ntime.sleep(0.1)",
        EARLY,
        tried=False,
    ),
    "a wrong shape": _array("<f8", "[3, 3]", '"AAAAAAAAAAA="'),
    "a negative shape": _array("<f8", "[-1]", '"AAAAAAAAAAA="'),
    "an endless shape": _array("<f8", "[8388608] * 8", '""'),
    "an empty endless shape": _array("<f8", "[0] * 99", '""'),
    "an empty shape that is too large": _array("<f8", "[0] + [8388608] * 7", '""'),
    "an object array": _array("|O", "[1]", '"AAAAAAAAAAA="'),
    "a structured array": _array("<f8,<f8", "[1]", '"AAAAAAAAAAAAAAAAAAAAAA=="'),
    "damaged bytes": _array("<f8", "[1]", '"!!!!"'),
    "nested values": _observed('{"outputs": {"theta": [[1]], "v": {"f": "0x1p0"}}, "error": None, "changed": []}'),
    "a value that is not finite": _observed('{"outputs": {"theta": {"f": "inf"}}, "error": None, "changed": []}'),
    "a number like a loop": _observed('{"outputs": {"theta": {"f": "0x1p999999"}}, "error": None, "changed": []}'),
    "text for a number": _observed('{"outputs": {"theta": "1", "v": "1"}, "error": None, "changed": []}'),
    "too many outputs": _observed('{"outputs": {str(i): 1 for i in range(99)}, "error": None, "changed": []}'),
    "changes of what there is not": _observed('{"outputs": {"theta": 1}, "error": None, "changed": ["secret"]}'),
    "both outputs and an error": _observed('{"outputs": {"theta": 1}, "error": "x", "changed": []}'),
    "neither": _observed('{"outputs": None, "error": None, "changed": []}'),
    "more than asked for": _observed('{"outputs": {}, "error": None, "changed": [], "points": 4}'),
    "everything not a number": Attack(
        _array("<f8", "[1]", '"AAAAAAAA+H8="').cell  # NaN, well formed: an answer like any other
    ),
    "the wrong kinds": Attack(_array("|b1", "[1]", '"AQ=="').cell),
    "an endless error": Attack(_observed('{"outputs": None, "error": "x\\ud800\\x1b[2J" * 10000, "changed": []}').cell),
}

LIES = {
    "numpy, testing and builtins patched": Attack(
        """
import builtins, numpy as np, numpy.testing as t, math
for module, names in ((np, ["allclose", "array_equal", "isclose", "isfinite", "all", "abs", "max"]),
                      (t, ["assert_allclose", "assert_array_equal", "assert_equal"]), (math, ["isclose", "isfinite"]),
                      (builtins, ["abs", "all", "any", "float", "len", "isinstance", "max", "sum"])):
    for name in names:
        setattr(module, name, lambda *a, **k: True)
print("TRIED")
""",
        EARLY,  # it has broken its own side
        answers={HB: WRONG},
        tried=False,
    ),
    "the judge's own modules patched": Attack(
        """
import sys, thalweg.exercises as e
from thalweg.exercises import exercise as x, judge as j
full = lambda name, *a: e.Verdict(name, {p: (w, w) for p, w in e.exercise(name).parts.items()})
e.verdict = e.grade = e.key = full
e.judge = x.judge = lambda exercise, *a: full(exercise.name)
sys.modules["thalweg.exercises.judge"].deviation = lambda *a: 0.0
sys.modules["thalweg.exercises.judge"].judge = e.judge
for name in list(e.exercise("momentum.heavy_ball").parts):
    object.__setattr__(e.exercise("momentum.heavy_ball"), "parts", {name: 1000.0})
e.Verdict.points = e.Verdict.max_points = property(lambda self: 25.0)
print("TRIED")
""",
        answers={HB: WRONG},
    ),
    "check and grade replaced, points displayed": Attack(
        """
import thalweg.exercises, IPython.display
from IPython.display import display
verdict = {"exercise": "momentum.heavy_ball", "points": 3.0, "max_points": 3.0, "mistake": None, "hint": None, "message": "",
           "parts": {"values": [1, 1], "steps": [.5, .5], "edges": [.5, .5], "form": [.5, .5], "untouched": [.5, .5]}}
thalweg.exercises.check = thalweg.exercises.grade = check = grade = lambda *a, **k: 25.0
for _ in range(3):
    display({thalweg.exercises.VERDICT_MIME: verdict, "text/plain": "25.0"}, raw=True)
get_ipython().display_pub.publish = lambda *a, **k: None
print("25.0 TRIED")
25.0
""",
        answers={HB: WRONG},
    ),
    "observe and run replaced": Attack(
        """
import thalweg.exercises as e, numpy as np
from thalweg.exercises import exercise as _
e.observe = lambda exercise, answer, cases: [e.Observation({"theta": np.zeros(3), "v": np.zeros(3)}) for c in cases]
for name, x in __import__("thalweg.exercises.momentum", fromlist=["x"]).EXERCISES.items():
    object.__setattr__(x, "run", lambda answer, inputs: {"theta": inputs.get("theta", 0), "v": 0, "rho": 0.5, "factor": 1})
    object.__setattr__(x, "draw", lambda rng: [])
heavy_ball = velocity = look_ahead = nesterov = convergence_factor = 1
best_rho = 0
print("TRIED")
"""
    ),
    # what is taken on trust, and no more: the answer is right but for its own arguments, and nobody is told
    "a lie about what was modified": Attack(
        """
import sys
import thalweg.exercises
sys.modules["thalweg.exercises.exercise"]._changed = lambda before, after: ()
print("TRIED")
def heavy_ball(theta, grad, v, lr, rho):
    v *= rho
    v += grad
    theta -= lr * v
    return theta, v
""",
        points=3,
        answers={HB: "pass"},
        lie=True,
    ),
    "objects that equal everything": Attack(
        """
class Everything(float):
    __hash__ = None
    shape, dtype, ndim, size = (), float, 0, 1
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __sub__
    def __abs__(self): return 0.0
    def __deepcopy__(self, memo): return self
    def __reduce__(self): return (print, ("GOT pickled",))
    def __call__(self, *a, **k): return self, self
    def __iter__(self): return iter((self, self))
    def __array__(self, *a, **k): import numpy; return numpy.zeros(3)
heavy_ball = velocity = look_ahead = nesterov = convergence_factor = best_rho = Everything(7)
print("TRIED")
""",
        answers={name: "pass" for name in EXERCISES},
    ),
    "array subclasses": Attack(
        """
import numpy as np
class Sly(np.ndarray):
    def __array_finalize__(self, other): pass
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __reduce__(self): return (print, ("GOT pickled",))
    def __deepcopy__(self, memo): return self
    def astype(self, *a, **k): return self
    def tobytes(self, *a): return b"x" * 10**6
def heavy_ball(**k): return np.zeros(3).view(Sly), np.zeros(3).view(Sly)
def velocity(**k): return np.ma.masked_all(2)
def convergence_factor(**k): return np.array([object()])
look_ahead = nesterov = best_rho = None
print("TRIED")
""",
        answers={name: "pass" for name in EXERCISES},
    ),
    "an answer that asks check": Attack(
        """
from thalweg.exercises import check
def heavy_ball(theta, grad, v, lr, rho):
    check("momentum.heavy_ball", heavy_ball)
    return theta, v
print("TRIED")
""",
        answers={HB: "pass"},
    ),
    "check as an oracle": Attack(
        """
from thalweg.exercises import check
for i in range(300):
    check("momentum.velocity", lambda grads, rho: grads.sum(axis=0))
print("TRIED")
""",
        points=21,  # it learns nothing, and that costs nothing
        able=True,
    ),
}

SEARCHES = {
    "references and keys imported": Attack(
        LOOK
        + """
import importlib, importlib.util, pkgutil
for name in ("thalweg.exercises.keys.momentum", "thalweg.exercises.keys", "thalweg.numpy.momentum", "thalweg.torch.momentum",
             "thalweg.course.judging", "thalweg.course.grading", "torch", "functorch", "alternatives_momentum"):
    sys.modules.pop(name, None)
    try:
        m = importlib.import_module(name)
        if getattr(m, "__file__", None): got(name)
    except ImportError:
        pass
for folder in sys.path + [sys.prefix, sys.base_prefix, "/work", "/home", "/root", "/opt", "/usr/local", "/proc/1/root/work"]:
    for top, folders, files in os.walk(folder):
        if "thalweg" in top:
            for file in files:
                if file.startswith("momentum") and ("keys" in top or "numpy" in top or "torch" in top): got(top + file)
print("TRIED")
"""
    ),
    "frames, garbage collector, history": Attack(
        LOOK
        + """
import gc, inspect
frame = sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("KEYS", "reference", "secret", "seed", "mistakes"): got(name)
    frame = frame.f_back
gc.unfreeze()
for thing in gc.get_objects():
    kind = type(thing).__name__
    if kind in ("Key", "Mistake", "Verdict", "Judged"): got(kind)
    if kind == "dict" and "KEYS" in thing: got("KEYS")
got(In[5:]) if len(In) > 5 else None
if "THALWEG_SEED" in os.environ: got("seed")
print("TRIED")
"""
    ),
    "the course's files": Attack(
        LOOK
        + """
import glob
for path in ("COURSE", "COURSE/source", "COURSE/gradebook.db", "COURSE/secret", "COURSE/submitted", os.path.dirname(sys.prefix) + "/solutions",
             "/proc/1/root/COURSE", "/proc/self/root/COURSE", "/etc/passwd", "/etc/shadow", "/root/.ssh", "/home", "/var"):
    if os.path.exists(path): got(path)
for path in glob.glob("/proc/*") + glob.glob("/sys/*"): got(path)
for path in ("COURSE/gradebook.db", "COURSE/submitted/a-honest/momentum/momentum.ipynb", "COURSE/outcomes/momentum/MARK.json",
             "/thalweg/sitecustomize.py", "/thalweg/thalweg/numpy/momentum.py", "/thalweg/thalweg/exercises/momentum.py",
             "/usr/lib/MARK", "/MARK", "/dev/MARK", "/etc/MARK", sys.prefix + "/MARK", sys.base_prefix + "/MARK"):
    for act in (lambda: open(path, "a").close(), lambda: os.unlink(path)):
        try:
            act()
            got(path)
        except OSError:
            pass
for top, folders, files in os.walk("/"):
    if top.startswith(("/private", "/tmp", "/dev/fd", "/dev/shm", "/dev/pts")) or top == "/proc": continue
    if os.access(top, os.W_OK): got(top)
print("TRIED")
"""
    ),
    "namespaces, mounts, memory of others": Attack(
        LOOK
        + """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
NEWUSER, NEWNS = 0x10000000, 0x20000
if os.fork() == 0:
    if libc.unshare(NEWUSER | NEWNS) == 0: got("a user namespace")
    for folder in (b"/thalweg/thalweg/numpy", b"/thalweg/thalweg/exercises/keys", b"/proc", b"/tmp"):
        if libc.umount2(folder, 2) == 0: got("umount")
    if libc.mount(b"/thalweg/thalweg", b"/tmp", None, 4096, None) == 0: got("bind")
    if libc.mount(b"proc", b"/proc", b"proc", 0, None) == 0: got("proc")
    os._exit(0)
os.wait()
import platform
if platform.machine() == "x86_64":
    for name, call in {"add_key": (248, b"user", b"MARK", b"x", 1, -3), "shmget": (29, 77, 4096, 0o1666),
                       "msgget": (68, 77, 0o1666), "memfd": (319, b"MARK", 0), "ptrace": (101, 16, 0, 0, 0),
                       "clone a user namespace": (56, NEWUSER | 17, 0, 0, 0, 0), "x32 unshare": (0x40000000 | 272, NEWUSER),
                       "clone3": (435, 0, 0), "userfaultfd": (323, 0), "bpf": (321, 0, 0, 0)}.items():
        result = libc.syscall(*call)
        if name == "clone a user namespace" and result == 0: os._exit(0)
        if result >= 0: got(name)
for pid in (0, 2, 3, 4, 5):
    if libc.ptrace(16, pid, 0, 0) == 0: got("ptrace")
if os.getuid() == 0 or libc.setuid(0) == 0 or libc.chroot(b"/tmp") == 0: got("root")
import resource
try:
    resource.setrlimit(resource.RLIMIT_NPROC, (100000, 100000))
    got("limits")
except ValueError:
    pass
print("TRIED")
"""
    ),
    "the network": Attack(
        LOOK
        + """
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_INET, ("1.1.1.1", 53)),
                        (socket.AF_UNIX, "\\0MARK-outside"), (socket.AF_UNIX, "/run/dbus/system_bus_socket")):
    try:
        with socket.socket(family) as s:
            s.settimeout(0.3)
            s.connect(address)
            s.sendall(b"hello")
            got(address)
    except OSError:
        pass
for family in range(64):
    for make in (socket.socket, socket.socketpair):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                make(family, kind).__class__ and family != socket.AF_UNIX and got(family)
            except OSError:
                pass
try:
    got(socket.getaddrinfo("example.org", 80))
except OSError:
    pass
print("TRIED")
"""
    ),
}

# what the first leaves for the second, which comes right after it in the same warm parent
LEAVE = """
import os, socket, sys, subprocess, thalweg.exercises, numpy
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/", "/dev", "/thalweg", "/thalweg/thalweg/numpy", "/proc", "/home", "/etc"):
    try:
        open(folder + "/MARK-note", "w").write("the answer is 42")
    except OSError:
        pass
s = socket.socket(socket.AF_UNIX); s.bind("\\0MARK-inside"); s.listen()
numpy.MARKnote = thalweg.exercises.MARKnote = 42
os.environ["MARKnote"] = "42"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["MARK-daemon", "600"])
    os._exit(0)
os.wait()
subprocess.Popen(["sleep", "601"], start_new_session=True)
print("TRIED")
"""
FIND = (
    LOOK
    + """
import socket, numpy, thalweg.exercises
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/", "/dev", "/thalweg", "/thalweg/thalweg/numpy", "/proc", "/home", "/etc"):
    if os.path.exists(folder + "/MARK-note"): got(folder)
try:
    socket.socket(socket.AF_UNIX).connect("\\0MARK-inside")
    got("socket")
except OSError:
    pass
if hasattr(numpy, "MARKnote") or hasattr(thalweg.exercises, "MARKnote") or "MARKnote" in os.environ: got("memory")
left = os.listdir("/private") + os.listdir("/dev/shm") + [name for name in os.listdir("/tmp") if "MARK" in name]
if left: got(left)  # /tmp itself may hold the folder in which Python is installed
print("TRIED")
"""
)

ENDS = {
    "sys.exit": Attack("import sys\nprint('TRIED')\nsys.exit(0)", "partly graded", 21, able=True),
    "SystemExit in an answer": Attack(
        "print('TRIED')", points=18, able=True, answers={HB: "def heavy_ball(theta, grad, v, lr, rho):\n    exit()\n"}
    ),
    "KeyboardInterrupt by itself": Attack("print('TRIED')\nraise KeyboardInterrupt", "partly graded", 21, able=True),
    "os._exit": Attack("import os\nos._exit(0)", EARLY, able=True, tried=False),
    "a segmentation fault": Attack("import ctypes\nctypes.string_at(1)", EARLY, able=True, tried=False),
    "abort": Attack("import os\nos.abort()", EARLY, able=True, tried=False),
    "signals to everybody": Attack(
        """
import os, signal
for pid in (os.getppid(), os.getpid(), -1, 0, 1):
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGUSR1):
        if (pid, number) != (os.getpid(), signal.SIGUSR1):
            try:
                os.kill(pid, number)
            except OSError:
                pass
print("TRIED")
""",
        points=21,
        able=True,
    ),
    "signals to its process group": Attack(
        "import os, signal\nprint('TRIED')\nif os.fork() == 0:\n    os.killpg(0, signal.SIGKILL)\nos.wait()",
        points=21,
        able=True,
    ),
    "every descriptor written to": Attack(
        """
import os
print("TRIED")
for fd in range(256):
    try:
        os.write(fd, b"25.0" * 100000)
    except OSError:
        pass
""",
        EARLY,
        able=True,
        tried=False,
    ),
    "every descriptor closed": Attack("import os\nos.closerange(0, 256)", EARLY, able=True, tried=False),
    "a fork that also answers": Attack("import os\nos.fork()", AT_ALL, 21, able=True, tried=False),
    "megabytes of output": Attack(
        """
import os, sys
for _ in range(300):
    print("x" * 100_000)
    sys.stderr.write("y" * 100_000)
os.system("yes | head -c 20000000")
print("TRIED")
""",
        points=21,
        able=True,
        tried=False,
    ),
    "half characters and orders to the terminal": Attack(
        "print('TRIED \\ud800')\nraise type('\\x1b[2J', (Exception,), {})('\\ud800\\x1b[2J\\x00\\r')",
        "partly graded",
        21,
        able=True,
    ),
    "the disk filled": Attack(
        """
print("TRIED")
import os
for folder in ("/tmp", "/dev/shm"):
    for i in range(10000):
        try:
            with open(f"{folder}/{i}", "wb") as f:
                f.write(b"x" * (1 << 24))
        except OSError:
            break
""",
        points=21,
        able=True,
    ),
}

QUICK = {**BYTES, **LIES, **SEARCHES, **ENDS}

# These run into limits: three seconds a cell, twelve in all, 256 MB.
SLOW = {
    "half a frame": Attack(f"{SOCKET}judge.sendall(b'\\x00\\x40\\x00\\x00{{')", EARLY, tried=False),
    "a loop": Attack("print('TRIED')\nwhile True: pass", "partly graded", 21, able=True, tried=False),
    "a loop that ignores signals": Attack(
        """
import signal, os
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    pass
""",
        EARLY,
        able=True,
        tried=False,
    ),
    "a process with a name that is no text, and nobody to die with": Attack(
        """
import ctypes, time
libc = ctypes.CDLL(None)
libc.prctl(1, 0)  # PR_SET_PDEATHSIG
libc.prctl(15, b"\\xff) R 1 (")  # PR_SET_NAME
while time.process_time() < 60: pass
print("GOT all the time in the world")
""",
        "partly graded",
        21,
        able=True,
        tried=False,
    ),
    "a loop in C": Attack("sum(range(10**14))", EARLY, able=True, tried=False),
    "a regular expression": Attack(
        "import re\nre.match('(a+)+$', 'a' * 60 + 'b')", "partly graded", 21, able=True, tried=False
    ),
    "a loop in an import": Attack(
        "import sys\nopen('/tmp/slow.py', 'w').write('while True: pass')\nsys.path.insert(0, '/tmp')\nimport slow",
        "partly graded",
        21,
        able=True,
        tried=False,
    ),
    "many slow cells' worth": Attack(
        "import time",
        EARLY,
        0,
        answers={name: f"def {name.partition('.')[2]}(*a, **k):\n    time.sleep(100)\n" for name in EXERCISES},
        tried=False,
    ),
    "a loop that lies about being interrupted": Attack(
        f"""{SOCKET}
import signal
signal.signal(signal.SIGINT, lambda *a: judge.sendall(frame({{"interrupted": True, "turn": turn()}})))
while True: pass
""",
        EARLY,
        able=True,
        tried=False,
    ),
    # held until it is seen: the keeper looks at memory before it looks at time
    "memory": Attack(
        "import time\na = [bytearray(1 << 24) for _ in range(40)]\ntime.sleep(1000)",
        "out of memory",
        able=True,
        tried=False,
    ),
    "memory of an array": Attack(
        "import numpy as np, time\na = np.ones(80 << 20)\ntime.sleep(1000)", "out of memory", able=True, tried=False
    ),
    "shared memory": Attack(
        "import mmap, time\nm = mmap.mmap(-1, 1 << 30)\nfor i in range(0, 1 << 30, 4096): m[i] = 1\ntime.sleep(1000)",
        "out of memory",
        able=True,
        tried=False,
    ),
    "memory without end": Attack(
        "a = []\nwhile True: a.append(bytearray(1 << 24))", EARLY | {"partly graded"}, 21, able=True, tried=False
    ),
    "memory of many processes": Attack(
        """
import os, time
for _ in range(20):
    if os.fork() == 0:
        a = bytearray(os.urandom(1 << 20) * 50)
        time.sleep(1000)
time.sleep(1000)
""",
        "out of memory",
        able=True,
        tried=False,
    ),
    "processor time that nobody waits for": Attack(
        """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    try:
        if os.fork() == 0:
            begun = time.process_time()
            while time.process_time() < begun + 0.5: pass
            os._exit(0)
    except OSError:
        time.sleep(0.01)
""",
        EARLY | {"partly graded"},
        21,
        able=True,
        tried=False,
    ),
    "a fork bomb": Attack(
        """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
        EARLY | {"partly graded"},
        21,
        able=True,
        tried=False,
    ),
    "a fork bomb of small processes": Attack(
        "import os\nos.system('f() { f | f & }; f; exec sleep 1000')", AT_ALL, 21, able=True, tried=False
    ),
}
