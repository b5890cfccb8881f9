"""Self-check: what a student runs before handing in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import compute_checksum

from thalweg.exercises import exercise
from thalweg.exercises.own import hidden

from .errors import CourseError
from .kernel import Execute
from .notebooks import UnreadableError, about, grade_id, marked, read_notebook
from .settings import nbgrader_settings
from .verdicts import stopped, verdicts

Step = Callable[[int, int], None]


@dataclass(frozen=True)
class SelfCheck:
    """What was found. ``faults``: to put right before handing in. ``verdicts``: what each exercise would earn."""

    faults: list[str]
    verdicts: dict[str, dict[str, Any]]


def self_check(path: Path, timeout: int, step: Step = lambda done, total: None) -> SelfCheck:
    """Check the notebook in the file ``path`` and run it from top to bottom in a fresh kernel.

    As when it is graded, it runs in an empty folder, and the library's own methods cannot be imported.
    Each cell may run for ``timeout`` seconds; ``step(done, total)`` is called before each cell.
    Raises CourseError when the file is not the notebook of an assignment.
    """
    if not path.is_file():
        raise CourseError(f"{path} is not a file." if path.exists() else f"There is no file {path}.")
    try:
        notebook = read_notebook(path)
    except UnreadableError as error:
        raise CourseError(f"{path}: {error}") from error
    cells, exercises = _released(path, notebook)
    blank = {grade_id(cell) for cell in notebook.cells if _as_released(cell, "solution")}
    faults = _cell_faults(notebook, cells) + [f"The cell {name} has no answer yet." for name in cells if name in blank]
    _run(notebook, exercises, timeout, step)
    faults += [f"It stopped in {where}." for where in stopped(notebook, blank)]
    found = verdicts(notebook, exercises)
    return SelfCheck(faults, {exercises[name]: found[exercises[name]] for name in cells if name in exercises})


def _released(path: Path, notebook: NotebookNode) -> tuple[list[str], dict[str, str]]:
    """The grade ids and the exercises of the release that the notebook comes from, by its own account."""
    said = about(notebook)
    try:
        cells, exercises = [str(name) for name in said["cells"]], {str(k): str(v) for k, v in said["exercises"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{path} is a notebook, but it does not say of which assignment. "
            "Get the assignment again and copy your answers into it."
        ) from error
    try:
        for name in exercises.values():
            exercise(name)
    except ValueError as error:
        raise CourseError(
            f"{path}: {error}. Is another version of thalweg installed than the one it was made with?"
        ) from error
    return cells, exercises


def _cell_faults(notebook: NotebookNode, cells: list[str]) -> list[str]:
    faults = []
    for name in cells:
        found = [cell for cell in notebook.cells if grade_id(cell) == name]
        if not found:
            faults.append(f"The cell {name} is missing. Get the assignment again and copy your answers into it.")
        elif len(found) > 1:
            faults.append(f"The cell {name} is there {len(found)} times. Keep one of them.")
        elif _as_released(found[0], "locked") is False:
            faults.append(f"The locked cell {name} was changed. It will be graded as it was released.")
    return faults


def _as_released(cell: NotebookNode, kind: str) -> bool | None:
    """Has a cell of this kind the checksum that it was released with? None for a cell of another kind."""
    if not marked(cell, kind):
        return None
    try:
        return compute_checksum(cell) == cell.metadata.nbgrader.checksum
    except (AttributeError, KeyError, TypeError, ValueError):  # its metadata was edited
        return False


def _run(notebook: NotebookNode, exercises: dict[str, str], timeout: int, step: Step) -> None:
    """Run the notebook, with the exercises' own judge in its grading cells, which are empty in the release."""
    missing = exercises.keys() - {grade_id(cell) for cell in notebook.cells}
    for name in sorted(missing):
        notebook.cells.append(new_code_cell(metadata={"nbgrader": {"grade_id": name}}))
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)  # the kernel's client skips a cell for one of them, and grading does not
        asked = exercises.get(grade_id(cell))
        if asked and cell.cell_type == "code":
            symbol = exercise(asked).answer_name
            cell.source = f'from thalweg.exercises import grade\n\ngrade("{asked}", globals().get("{symbol}"))'
    total = len(notebook.cells)
    absent = hidden(any(exercise(name).torch for name in exercises.values()))
    notebook.cells.insert(0, new_code_cell(f"from thalweg.exercises.own import without\n\nwithout{absent}"))
    with TemporaryDirectory() as folder:
        runner = Execute(
            config=nbgrader_settings(Path(folder), timeout),
            on_cell_start=lambda cell, cell_index: step(max(cell_index - 1, 0), total),
        )
        runner.preprocess(notebook, ResourcesDict(metadata={"path": folder}))
    del notebook.cells[0]
