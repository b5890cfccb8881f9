"""What the tests of this folder share: further submissions, and a way to run a command."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import sample_class
from nbformat.v4 import new_code_cell
from typer.testing import CliRunner

from thalweg.course.cli import app

SOLUTIONS = Path(__file__).parents[2] / "solutions"

NOISY = """
import logging, sys, warnings

logging.basicConfig(level=logging.DEBUG)


def heavy_ball(theta, grad, v, lr, rho):
    warnings.warn("careful")
    print("to stderr", file=sys.stderr)
    logging.warning("to the stderr that was there when logging was set up")
    v = rho * v + grad
    return theta - lr * v, v
"""
SCRIPT = """
def look_ahead(theta, grad, v, lr, rho):
    raise ValueError("<script>alert('answer')</script>")
"""
EXIT = """
import os

os._exit(1)
"""
LOOP = """
def heavy_ball(theta, grad, v, lr, rho):
    while True:
        pass
"""


def extras() -> list[sample_class.Student]:
    """Submissions that are not among the twelve: noise on stderr, a kernel that ends, folder names that are no names."""
    right = sample_class.right(0)
    return [
        sample_class.Student("noisy", right, sources={"momentum.heavy_ball": NOISY}),
        sample_class.Student("exiting", right, sources={"momentum.look_ahead": SCRIPT, "momentum.nesterov": EXIT}),
        sample_class.Student("=SUM(A1)", right),
        sample_class.Student("<script>alert('name')<", right),
    ]


def looping() -> sample_class.Student:
    """Runs into the time limit."""
    return sample_class.Student("looping", sample_class.right(0), sources={"momentum.heavy_ball": LOOP})


def napping(count: int = 12) -> list[sample_class.Student]:
    """Right answers that take long enough for something to happen in mid-batch."""

    def naps(notebook):
        notebook.cells.insert(0, new_code_cell("import time\ntime.sleep(0.4)"))

    return [sample_class.Student(f"s{number:02}", sample_class.right(0), change=naps) for number in range(count)]


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something that will come; the time is for a busy machine."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def judged_here(work: Callable, jobs: Iterable[tuple], workers: object) -> Iterator[tuple[tuple, object]]:
    """In place of ``run_all``: in the sandbox of this very process, which a test starts sooner than others."""
    for job in jobs:
        try:
            yield job, work(*job)
        except Exception as error:
            yield job, error


def run(*arguments: object, code: int = 0, stdout: bool = False) -> str:
    """What a command prints, or only its ``stdout``; it must end with ``code`` and never with a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, (result.output, result.exception)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stdout if stdout else result.output
