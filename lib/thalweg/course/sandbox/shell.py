"""The shell that runs a submission's cells, and behaves as the kernel did in which they were written."""

import ast
import contextlib
import io
import os
import subprocess
import sys
import warnings
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

LONG = 10_000  # characters of a cell from which on it is compiled on trial first
OUTPUT = 100_000  # characters of output that a cell may leave


class Shell(InteractiveShell):
    """IPython's, with what a Jupyter kernel adds to it. Figures are drawn into the void."""

    def transform_cell(self, raw_cell: str) -> str:
        """Python as it is. What is Python already stays: to look for magics in it takes longer than most cells run."""
        prompts = "In [" in raw_cell  # copied along with the code: to Python they are annotations
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they come when it is compiled
                ast.parse(raw_cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # no Python: IPython says what it makes of it
            prompts = True
        return super().transform_cell(raw_cell) if prompts else f"{raw_cell}\n"

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window, and nobody to look at one."""

    def enable_matplotlib(self, gui: Any = None) -> tuple[str, str]:
        """``%matplotlib`` and ``%pylab`` with any backend: as in a kernel that has it, but nothing is shown."""
        return gui or "inline", "inline"

    def system(self, cmd: str) -> None:
        """``!command``. IPython's own wants a terminal."""
        done = subprocess.run(
            self.var_expand(cmd, depth=1), shell=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        print(done.stdout, end="")
        self.user_ns["_exit_code"] = done.returncode


def shell() -> Any:
    """The one shell of this process."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return Shell.instance(config=config)


class _Kept(io.StringIO):
    """What a cell writes to stdout or stderr. It goes on after ``close``, so that what was written can be read."""

    encoding = "utf-8"

    def close(self) -> None:
        pass

    def fileno(self) -> int:
        return 1


def run(source: str) -> dict[str, Any]:
    """Run one cell: what it printed and displayed as plain text, and the error with which it stopped, or None."""
    if len(source) > LONG and not _compiles(source):
        return stopped(RecursionError("The cell is nested so deeply that Python cannot compile it."))
    out, err = _Kept(), _Kept()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = shell().run_cell(source, store_history=True)
        raised = result.error_before_exec or result.error_in_exec
    _close_figures()
    if raised is not None:
        return stopped(raised, out.getvalue(), err.getvalue())
    return {"stdout": out.getvalue()[:OUTPUT], "stderr": err.getvalue()[:OUTPUT], "error": None}


def stopped(error: BaseException, stdout: str = "", stderr: str = "") -> dict[str, Any]:
    """What :func:`run` returns for a cell that ended with ``error``."""
    words = [type(error).__name__[:200], text(error)[:2000]]
    return {"stdout": stdout[:OUTPUT], "stderr": stderr[:OUTPUT], "error": words}


def text(error: BaseException) -> str:
    """What an error says, which is the submission's own code."""
    try:
        return str(error)
    except BaseException:
        return ""


def _compiles(source: str) -> bool:
    """Python's compiler dies of some long cells. A process of its own tries first, and dies in our place."""
    child = os.fork()
    if child == 0:
        try:
            compile(ast.parse(shell().transform_cell(source)), "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        finally:
            os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _close_figures() -> None:
    """As the inline backend does after each cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
