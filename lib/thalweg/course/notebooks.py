"""Notebook files: read one that comes from anywhere, and a few words for its cells."""

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, from_dict

LARGEST = 50_000_000  # bytes; an honest notebook with many figures has a few million


class UnreadableError(Exception):
    """The file cannot be used. The message says why, for the person who wrote the notebook."""


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in the file ``path``: its metadata and its cells without outputs, sound in form.

    Raises UnreadableError for anything else than a readable notebook in format 4.
    """
    return parse_notebook(read_file(path))


def read_file(path: Path) -> bytes:
    """The content of the file ``path``. Raises UnreadableError when it cannot be read or is absurdly large."""
    try:
        if path.stat().st_size > LARGEST:
            size = LARGEST // 1_000_000
            raise UnreadableError(f"The file is larger than {size} MB. Clear the outputs in Jupyter and save it again.")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"It cannot be read: {error.strerror or error}.") from error


def parse_notebook(data: bytes) -> NotebookNode:
    """The notebook in ``data``. Raises UnreadableError as :func:`read_notebook`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("The file is not UTF-8 text, as notebooks are. Save it again in Jupyter.") from error
    if not text.strip():
        raise UnreadableError("The file is empty.")
    try:
        return _notebook(json.loads(text))
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            raise UnreadableError(
                "The file ends in the middle of the notebook: it was cut off when it was saved or uploaded. "
                "Save it again in Jupyter."
            ) from error
        where = f"line {error.lineno}, column {error.colno}"
        raise UnreadableError(
            f"The file is damaged: it is not valid JSON ({where}). Save it again in Jupyter."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError("The file is damaged: its JSON cannot be read. Save it again in Jupyter.") from error


def _notebook(raw: Any) -> NotebookNode:
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if not isinstance(version, int):
        raise UnreadableError("The file is JSON but not a notebook: it does not say its nbformat.")
    if version != 4:
        raise UnreadableError(f"The notebook has format {version}, not 4. Open it in a current Jupyter and save it.")
    if not isinstance(raw.get("cells"), list):
        raise UnreadableError("The file is not a complete notebook: it has no list of cells.")
    cells = [_cell(number, cell) for number, cell in enumerate(raw["cells"], 1)]
    return from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": _dict(raw.get("metadata")), "cells": cells})


def _cell(number: int, raw: Any) -> dict[str, Any]:
    source = raw.get("source") if isinstance(raw, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    kind = raw.get("cell_type") if isinstance(raw, dict) else None
    if not isinstance(source, str) or kind not in ("code", "markdown", "raw"):
        raise UnreadableError(f"Cell {number} of the notebook is damaged: it has no source or no known type.")
    # by hand, not by nbformat's functions: they check each cell against a schema, which takes longer than to run it
    cell = {
        "cell_type": kind, "id": f"cell-{number}", "metadata": _dict(raw.get("metadata")), "source": _writable(source),
    }  # fmt: skip
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    if kind == "markdown" and _dict(raw.get("attachments")):  # pictures pasted into a written answer
        cell["attachments"] = _dict(raw["attachments"])
    return cell


def _writable(text: str) -> str:
    """JSON can spell half characters that no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _dict(raw: Any) -> dict[str, Any]:
    return json.loads(_writable(json.dumps(raw, ensure_ascii=False))) if isinstance(raw, dict) else {}


def read_outputs(path: Path) -> NotebookNode:
    """A notebook of our own, with its outputs."""
    return nbformat.read(path, as_version=4)


def to_text(notebook: NotebookNode) -> str:
    """The notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's name for the cell; empty for an ordinary cell."""
    marks = cell.metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return name if isinstance(name, str) else ""


def marked(cell: NotebookNode, what: str) -> bool:
    """Is the cell marked as "grade", "solution" or "locked" in a notebook of our own?"""
    return bool(cell.metadata.get("nbgrader", {}).get(what))


def same_text(one: str, other: str) -> bool:
    """Equal but for what editors change on their own: line ends and blanks at the ends of lines."""
    return [line.rstrip() for line in one.strip().splitlines()] == [
        line.rstrip() for line in other.strip().splitlines()
    ]


def about(notebook: NotebookNode) -> dict[str, Any]:
    """What the release wrote about itself: "assignment", "cells" (grade ids) and "exercises" (grading cell -> exercise)."""
    return notebook.metadata.get("thalweg", {})
