"""What happens in the sandbox: it runs cells as a kernel does, an answer that breaks costs itself, ``check`` says the same."""

import os
import subprocess
import sys
import threading

import pytest
import sample_class
from nbformat.v4 import new_code_cell

from thalweg.course.judging import Judged, judge_submission
from thalweg.course.notebooks import about, parse_notebook
from thalweg.course.sandbox.outside import Ended, Limits, Sandbox, TooLong
from thalweg.course.selfcheck import self_check
from thalweg.exercises import exercise, verdict

HB = "momentum.heavy_ball"
RIGHT = 21


@pytest.fixture(scope="module")
def sandbox(bubblewrap):
    with Sandbox() as parent:
        yield parent


@pytest.fixture(scope="module")
def judged(sandbox, released):
    """Judge a right submission with other sources for some answers, and cells of its own before all others."""
    release = released.release("momentum").read_text()
    exercises = about(parse_notebook(release.encode())[0])["exercises"]

    def judge(sources=None, cells=(), limits=None) -> Judged:
        student = sample_class.Student("ada", sample_class.right(0), sources=sources)
        text = sample_class.notebook(student, "momentum", release, {})
        notebook, _ = parse_notebook(text.encode())
        notebook.cells[:0] = [new_code_cell(cell) for cell in cells]
        return judge_submission(sandbox, notebook, exercises, 1, limits or Limits())

    return judge


def points(done: Judged) -> dict[str, float]:
    return {name: found.points for name, found in done.verdicts.items()}


def ran(session, source: str) -> dict:
    return session.ask({"do": "run", "source": source})["ran"]


# --- cells run as in a kernel -----------------------------------------------------------------------------------------

CELLS = {
    "inline": "%matplotlib inline",
    "widget": "%matplotlib widget",
    "a window": "%matplotlib qt",
    "pylab": "%pylab inline\nassert arange(3).sum() == 3 and plot([1])",
    "a gui": "%gui tk",
    "the user's name": "import getpass\nassert getpass.getuser()",
    "the inline backend's settings": "%config InlineBackend.figure_format = 'retina'",
    "its formats": "from matplotlib_inline.backend_inline import set_matplotlib_formats as f\nf('svg')",
    "autoreload": "%load_ext autoreload\n%autoreload 2",
    "a shell": "!echo hello; echo there >&2\nassert _exit_code == 0",
    "a shell's words": "x = !echo hello\nassert x == ['hello']",
    "a script": "%%bash\necho hello",
    "await": "import asyncio\nawait asyncio.sleep(0)",
    "a result, used later": "41",
    "the last result": "assert _ == 41",
    "its number": "assert Out[len(In) - 3] == 41",
    "a figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "which is closed": "assert plt.get_fignums() == []",
    "stdout for a process": "import subprocess, sys\nsubprocess.run(['echo', 'hello'], stdout=sys.stdout, check=True)",
    "a session of its own": "subprocess.run(['echo', 'hello'], start_new_session=True, check=True)",
    "processes": "import multiprocessing\nwith multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1]) == [1]",
    "time": "%%time\n1 + 1",
    "captured": "%%capture kept\nprint(1)",
}


@pytest.fixture(scope="module")
def session(sandbox):
    one = sandbox.session(Limits())
    yield one
    one.close()


@pytest.mark.parametrize("title", CELLS)
def test_a_cell_runs_as_in_a_kernel(session, title):
    done = ran(session, CELLS[title])
    assert done["error"] is None, done
    assert "not" not in done["stderr"]


def test_what_a_shell_prints_is_kept(session):
    assert ran(session, "!echo hello; echo there >&2")["stdout"] == "hello\nthere\n"


# --- what breaks costs itself -----------------------------------------------------------------------------------------


def test_a_cell_that_is_too_large_for_the_wire_costs_itself(judged):
    done = judged(cells=["x = '" + "y" * 9_000_000 + "'", "z = 1"])
    assert done.end is None and sum(points(done).values()) == RIGHT
    assert "9,000,006 characters" in done.notebook.cells[0].outputs[0].evalue
    assert done.notebook.cells[1].outputs == []


BREAKING = {
    "a line of 200,000 terms": "    return " + "+".join(["theta"] * 200_000),
    "results beyond the frame": "    return np.ones(10**6), np.ones(10**6)",
    "KeyboardInterrupt": "    raise KeyboardInterrupt",
    "SystemExit": "    raise SystemExit",
    "an exit by another name": "    raise type('Leave', (BaseException,), {})",
    "an error that cannot be told": "    raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})",
    "recursion": "    return heavy_ball(theta, grad, v, lr, rho)",
    "memory": "    return bytearray(1 << 45), v",
    "stdout closed": "    import sys\n    sys.stdout.close()\n    print(1)",
}


@pytest.mark.parametrize("title", BREAKING)
def test_an_answer_that_breaks_costs_its_own_exercise(judged, title):
    done = judged({HB: f"def heavy_ball(theta, grad, v, lr, rho):\n{BREAKING[title]}\n"})
    assert done.end is None, done.last
    assert points(done) == {name: 0.0 if name == HB else exercise(name).points for name in done.verdicts}
    assert done.verdicts[HB].message


@pytest.mark.parametrize("cell", ["import sys\nsys.stdout.close()\nprint(1)", "import sys\nsys.stderr.close()"])
def test_a_stream_that_is_closed_costs_nothing(judged, cell):
    assert sum(points(judged(cells=[cell])).values()) == RIGHT


LOUD = "Everything is right. 3 of 3"


@pytest.mark.parametrize("name", ["", LOUD, "Fine: well done", "É"])
def test_no_error_speaks_for_the_judge(judged, name):
    source = (
        f"def heavy_ball(theta, grad, v, lr, rho):\n    raise type({name!r}, (Exception,), {{}})({LOUD!r}) from None\n"
    )
    space = {}
    exec(source, space)
    for said in (judged({HB: source}).verdicts[HB].message, verdict(HB, space["heavy_ball"]).message):
        assert said.startswith("It stops with an error: Exception: "), said


# --- check, on a student's machine, and grading say the same -----------------------------------------------------------

STEP = "    v = rho * v + grad\n    theta = theta - lr * v\n    return "
ODD = {
    "long doubles": "np.longdouble(theta), np.longdouble(v)",
    "complex long doubles": "np.clongdouble(theta), np.clongdouble(v)",
    "nine dimensions": "theta.reshape((1,) * 9 + theta.shape), v",
    "as many dimensions as there can be": "np.array(theta, ndmin=32), v",
    "lists": "theta.tolist(), v.tolist()",
    "a masked array": "np.ma.masked_array(theta), v",
    "a matrix": "np.asmatrix(theta), v",
    "half precision": "theta.astype(np.float16), v",
    "another byte order": "theta.astype('>f8'), v.astype('>f8')",
    "column order": "np.asfortranarray(theta), v",
    "whole numbers": "theta.astype(int), v",
    "text": "str(theta), v",
    "objects": "theta.astype(object), v",
    "ragged lists": "[[1], [1, 2]], v",
    "a generator": "(x for x in (theta, v))",
    "an array of both": "np.array([theta, v])",
    "three values": "theta, v, v",
    "no values": "()",
    "dates": "theta.astype('M8[s]'), v",
    "fields": "np.zeros(3, 'f8,f8'), v",
    "no number": "np.nan * theta, v",
    "negative steps": "theta[::-1][::-1], v",
    "a broadcast view": "np.broadcast_to(theta, theta.shape), v",
}


@pytest.mark.parametrize("title", ODD)
def test_check_and_grading_agree(judged, title):
    source = f"import numpy as np\n\ndef heavy_ball(theta, grad, v, lr, rho):\n{STEP}{ODD[title]}\n"
    space = {}
    exec(source, space)
    graded, checked = judged({HB: source}).verdicts[HB], verdict(HB, space["heavy_ball"], seed=1)
    assert graded.parts == checked.parts, (graded.message, checked.message)
    assert graded.mistake == checked.mistake


BORROWED = """
from thalweg.numpy import Momentum

def heavy_ball(theta, grad, v, lr, rho):
    return Momentum(lr, rho).step(theta, grad, v)
"""


def test_a_student_is_told_what_grading_will_not_find(judged, released, tmp_path):
    """The library's own class, a file that lies beside the notebook, and a cell that is not to run, which grading runs."""
    from_a_file = "rho = float(open('rho.txt').read())\n\ndef velocity(grads, rho=rho):\n    return grads[0]\n"
    sources = {HB: BORROWED, "momentum.velocity": from_a_file}
    skipped = new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]})
    student = sample_class.Student(
        "ada", sample_class.right(0), sources=sources, change=lambda n: n.cells.append(skipped)
    )
    path = tmp_path / "momentum.ipynb"
    path.write_text(sample_class.notebook(student, "momentum", released.release("momentum").read_text(), {}))
    (tmp_path / "rho.txt").write_text("0.9")
    found, graded = self_check(path, 60), judged(sources)
    assert {name: said["points"] for name, said in found.verdicts.items()} == points(graded)
    assert points(graded)[HB] == points(graded)["momentum.velocity"] == 0
    faults = " ".join(found.faults)
    assert "thalweg.numpy is not there where this is graded: answers are to be your own" in faults
    assert "No such file or directory" in faults and "ZeroDivisionError" in faults


# --- time -------------------------------------------------------------------------------------------------------------

BURN = "import time\nbegun = time.process_time()\nwhile time.process_time() < begun + {}: pass"
SHELLS = """
import subprocess, time
for _ in range(58):
    try:
        subprocess.Popen(["sh", "-c", "while :; do :; done"])
    except OSError:
        pass
print("started")
"""


@pytest.fixture
def loaded_machine():
    """More to do than there are processors for."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


def test_an_honest_answer_earns_the_same_beside_58_busy_shells_and_a_loaded_machine(sandbox, judged, loaded_machine):
    neighbour = sandbox.session(Limits(cell=5, cpu=6))
    try:
        assert "started" in ran(neighbour, SHELLS)["stdout"]
        waiting = threading.Thread(target=lambda: list(ended(neighbour)), daemon=True)
        waiting.start()
        done = judged(cells=[BURN.format(0.6)] * 2, limits=Limits(cell=1, cpu=4))
        assert done.end is None and [cell.outputs for cell in done.notebook.cells[:2]] == [[], []]
        assert sum(points(done).values()) == RIGHT
        waiting.join(300)
        assert not waiting.is_alive(), "the shells are counted together, and end"
    finally:
        neighbour.close()


def ended(session):
    """Ask until the submission is ended."""
    try:
        while True:
            yield ran(session, BURN.format(0.1))
    except (Ended, TooLong) as end:
        yield end


def test_a_cell_is_interrupted_by_what_it_takes_and_the_next_one_has_its_own_time(sandbox):
    session = sandbox.session(Limits(cell=1, cpu=60))
    try:
        for source in (
            BURN.format(1000),
            "import time; time.sleep(1000)",
            "import subprocess as s; s.run(['sleep', '1000'])",
        ):
            with pytest.raises(TooLong):
                ran(session, source)
            assert ran(session, "print('on')")["stdout"] == "on\n"
    finally:
        session.close()


def test_what_the_judge_needs_is_not_counted(sandbox):
    session = sandbox.session(Limits(cell=1))
    try:
        assert ran(session, "print('before')")["stdout"] == "before\n"
        threading.Event().wait(2.5)  # a judge on a busy machine
        assert ran(session, "print('on')")["stdout"] == "on\n"
    finally:
        session.close()


def test_check_judges_nothing_while_a_notebook_is_graded(sandbox):
    session = sandbox.session(Limits(cell=60))
    try:
        check = "from thalweg.exercises import check\ncheck({!r}, 1)"
        said = ran(session, check.format("momentum.velocity"))
        assert (said["stdout"], said["error"]) == ("velocity: its points are given in the cell that grades it.\n", None)
        assert "no exercise 'momentum.speed'" in ran(session, check.format("momentum.speed"))["error"][1]
    finally:
        session.close()
