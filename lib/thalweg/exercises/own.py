"""Is an answer one's own? Where it is graded, neither the library's own methods nor their answers are there to be used.

On a student's machine they are. So :func:`calls` notices an answer that calls them, and :func:`without` hides them from a notebook.
"""

import builtins
import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

HIDDEN = ("thalweg.numpy", "thalweg.torch", "thalweg.exercises.keys", "thalweg.course", "thalweg.site")
TORCH = ("torch", "functorch", "torchgen")


def hidden(torch: bool) -> tuple[str, ...]:
    """The modules that are not there for an exercise that has PyTorch, or has it not."""
    return HIDDEN if torch else HIDDEN + TORCH


@contextlib.contextmanager
def calls(modules: tuple[str, ...]) -> Iterator[list[str]]:
    """The names of the functions of ``modules`` that are called meanwhile."""
    found: list[str] = []

    def notice(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and _of(frame.f_globals.get("__name__"), modules):
            found.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")
        elif event == "c_call":  # most of PyTorch is not Python
            owner = getattr(argument, "__self__", None)
            for name in (getattr(owner, "__name__", None), type(owner).__module__, getattr(owner, "__module__", None)):
                if _of(name, modules):
                    found.append(f"{name}.{argument.__name__}")

    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        yield found
    finally:
        sys.setprofile(before)


def without(*modules: str) -> None:
    """From now on a notebook's cells cannot import ``modules``. What they import still can."""
    imported = builtins.__import__

    def guarded(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if (globals or {}).get("__name__") == "__main__":
            for wanted in (name, *(f"{name}.{part}" for part in fromlist or ())):
                if _of(wanted, modules):
                    raise ModuleNotFoundError(f"{wanted} is not there where this is graded: answers are to be your own")
        return imported(name, globals, locals, fromlist, level)

    builtins.__import__ = guarded


def _of(name: Any, modules: tuple[str, ...]) -> bool:
    return isinstance(name, str) and any(name == module or name.startswith(f"{module}.") for module in modules)
