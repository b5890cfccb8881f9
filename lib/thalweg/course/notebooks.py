"""Notebook files: read one that comes from anywhere, and a few words for its cells."""

import json
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeGuard

import nbformat
from nbformat import NotebookNode, from_dict

from thalweg.exercises import exercise

from .errors import CourseError, ForeignError

# An honest notebook stays far below all of these; they hold before the work that they limit.
LARGEST = 50_000_000  # bytes of the file; with many figures it has a few million
WIDEST = 120_000_000  # bytes of its text in memory, where one rare letter makes every letter four bytes wide
MOST_VALUES = 500_000  # in its JSON: one that is empty takes two bytes in the file and a hundred in memory
MOST_CELLS = 1_000
MOST_TEXT = 20_000_000  # characters in all cells, with the pictures that were pasted into them
DEEPEST, MOST_METADATA = 20, 10_000  # levels and values of metadata; nobody reads what lies deeper or comes later
MOST_REMARKS = 10  # that say the same

CLEAR = "Clear the outputs in Jupyter and save it again."


class UnreadableError(Exception):
    """The file cannot be used. The message says why, for the person who wrote the notebook."""


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in the file ``path``: its metadata and its cells without outputs, sound in form.

    Raises UnreadableError for anything else than a readable notebook in format 4.
    """
    return parse_notebook(read_file(path))[0]


def read_release(path: Path) -> NotebookNode:
    """The release in the file ``path``. Raises CourseError when it cannot be read, or is not one of thalweg's."""
    notebook = read_ours(path)
    said = about(notebook)
    try:
        for name in dict(said["exercises"]).values():
            exercise(name)
        return notebook
    except (KeyError, TypeError, AttributeError) as error:
        raise ForeignError(f"{path} was not made by thalweg release, so thalweg has no judge for it.") from error
    except ValueError as error:
        raise CourseError(f"{path}: {error}. Run thalweg release again.") from error


def read_ours(path: Path) -> NotebookNode:
    """A notebook that a command made. Raises CourseError when it cannot be read."""
    try:
        return read_notebook(path)
    except (UnreadableError, OSError) as error:
        raise CourseError(f"{path} cannot be read: {error} Run thalweg release --force to make it again.") from error


def read_file(path: Path) -> bytes:
    """The content of the file ``path``. Raises UnreadableError when it is absurdly large; OSError is not the writer's doing."""
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"The file is larger than {LARGEST // 1_000_000} MB. {CLEAR}")
    return path.read_bytes()


def parse_notebook(data: bytes) -> tuple[NotebookNode, list[str]]:
    """The notebook in ``data``, and a remark for what had to be left out. Raises UnreadableError as :func:`read_notebook`."""
    if sum(map(data.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise UnreadableError(f"The notebook holds too much: over {MOST_VALUES} values. {CLEAR}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("The file is not UTF-8 text, as notebooks are. Save it again in Jupyter.") from error
    if sys.getsizeof(text) > WIDEST:
        raise UnreadableError(f"The notebook holds too much text to be read. {CLEAR}")
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


def _notebook(raw: Any) -> tuple[NotebookNode, list[str]]:
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if not isinstance(version, int):
        raise UnreadableError("The file is JSON but not a notebook: it does not say its nbformat.")
    if version != 4:
        said = f"format {version}" if 0 < version < 100 else "an unknown format"
        raise UnreadableError(f"The notebook has {said}, not 4. Open it in a current Jupyter and save it.")
    if not isinstance(raw.get("cells"), list):
        raise UnreadableError("The file is not a complete notebook: it has no list of cells.")
    if len(raw["cells"]) > MOST_CELLS:
        raise UnreadableError(
            f"The notebook has {len(raw['cells'])} cells, more than {MOST_CELLS}. Hand in one with fewer."
        )
    made, room = [], MOST_TEXT
    remarks: list[str] = []
    values = iter(range(MOST_METADATA))
    for number, found in enumerate(raw["cells"], 1):
        cell, lost = _cell(number, found, values)
        room -= len(cell["source"]) + sum(
            len(data) for each in cell.get("attachments", {}).values() for data in each.values()
        )
        if room < 0:
            raise UnreadableError(f"The cells hold too much text: over {MOST_TEXT // 1_000_000} million characters.")
        if lost and len(remarks) < MOST_REMARKS:
            remarks.append(f"Something attached to cell {number} is not a picture. It was left out.")
        made.append(cell | {"source": _writable(cell["source"])})
    metadata = _dict(_sound(_dict(raw.get("metadata")), values))
    return from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}), remarks


def _cell(number: int, raw: Any, values: Iterator[int]) -> tuple[dict[str, Any], bool]:
    """A cell, sound in form, and whether something attached to it had to be left out."""
    source = raw.get("source") if isinstance(raw, dict) else None
    if _lines(source):
        source = "".join(source)
    kind = raw.get("cell_type") if isinstance(raw, dict) else None
    if not isinstance(source, str) or kind not in ("code", "markdown", "raw"):
        raise UnreadableError(f"Cell {number} of the notebook is damaged: it has no source or no known type.")
    # by hand, not by nbformat's functions: they check each cell against a schema, which takes longer than to run it
    cell = {
        "cell_type": kind,
        "id": f"cell-{number}",
        "metadata": _dict(_sound(_dict(raw.get("metadata")), values)),
        "source": source,
    }
    if kind == "code":
        return cell | {"outputs": [], "execution_count": None}, False
    attached = raw.get("attachments") or {}
    pictures = {_writable(name): found for name, each in _dict(attached).items() if (found := _picture(each))}
    if kind == "markdown" and pictures:
        cell["attachments"] = pictures
    return cell, kind == "markdown" and (not isinstance(attached, dict) or len(pictures) < len(attached))


def _picture(raw: Any) -> dict[str, str] | None:
    """One attachment of a written answer: its data, by type. None when it has another form."""
    if not isinstance(raw, dict):
        return None
    data = {kind: "".join(text) if _lines(text) else text for kind, text in raw.items()}
    if not all(isinstance(text, str) for text in data.values()):
        return None
    return {_writable(kind): _writable(text) for kind, text in data.items()}


def _lines(raw: Any) -> TypeGuard[list[str]]:
    return isinstance(raw, list) and all(isinstance(line, str) for line in raw)


def _dict(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _writable(text: str) -> str:
    """JSON can spell half characters that no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _sound(value: Any, values: Iterator[int], left: int = DEEPEST) -> Any:
    """Metadata that can be written again, without what lies too deep for the functions that copy it, or is too much for them."""
    if next(values, None) is None:
        return None
    if isinstance(value, str):
        return _writable(value)
    if isinstance(value, dict):
        return {_writable(key): _sound(each, values, left - 1) for key, each in value.items()} if left else None
    if isinstance(value, list):
        return [_sound(each, values, left - 1) for each in value] if left else None
    return value


def read_outputs(path: Path) -> NotebookNode:
    """A notebook of our own, with its outputs."""
    return nbformat.read(path, as_version=4)


def to_text(notebook: NotebookNode) -> str:
    """The notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"


def to_short_text(notebook: NotebookNode) -> str:
    """The same on one line and unchecked, which takes a tenth of the time: for files that only programs read."""
    return json.dumps(notebook, ensure_ascii=False, sort_keys=True) + "\n"


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
    # line by line: most texts that differ do so early, and one of them can be huge
    return all(mine == theirs for mine, theirs in zip_longest(_clean_lines(one), _clean_lines(other)))


def _clean_lines(text: str) -> Iterator[str]:
    text, start = text.strip(), 0
    while start <= len(text):
        end = text.find("\n", start) % (len(text) + 1)
        yield text[start:end].rstrip()
        start = end + 1


def about(notebook: NotebookNode) -> dict[str, Any]:
    """What the release wrote about itself: "assignment", "cells" (grade ids) and "exercises" (grading cell -> exercise)."""
    return _dict(notebook.metadata.get("thalweg"))
