"""Intake: find the submissions of an assignment, and decide for each whether it can be graded."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from .folders import Course
from .names import composed, sound, visible
from .notebooks import UnreadableError, parse_notebook, read_file

IGNORED = re.compile(r"\..*|__pycache__|timestamp\.txt|Thumbs\.db|desktop\.ini")  # systems leave these on their own


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment."""

    student: str  # as it can be shown
    folder: Path

    @property
    def sound_name(self) -> bool:
        """Can the student's name stand in paths and in the gradebook?"""
        return sound(self.student)


@dataclass(frozen=True)
class Intake:
    """A submission that can be graded. ``remarks``: what was odd about the way in which it was handed in."""

    notebook: NotebookNode
    sha256: str
    remarks: tuple[str, ...]


def submissions(course: Course, assignment: str) -> list[Submission]:
    """Everything in the folder ``submitted`` that belongs to ``assignment``."""
    found = sorted((course.root / "submitted").glob(f"*/{assignment}"))
    folders = Counter(composed(folder.parent.name) for folder in found)
    return [Submission(_student(folder.parent.name, folders), folder) for folder in found]


def _student(name: str, folders: Counter[str]) -> str:
    """Whose folder it is; of several that differ only in how accents are written, the one with whole letters is."""
    alone = folders[composed(name)] == 1
    return visible((composed(name) if alone else name).replace("\\", r"\\"))


def take_in(submission: Submission, assignment: str) -> Intake:
    """Read a submission. Raises UnreadableError that says, to the student, why it cannot be graded; OSError is the machine's doing."""
    if not submission.sound_name:
        raise UnreadableError(
            f"The folder name {submission.student!r} cannot be a student's name, or another folder has the same one. "
            "Use letters, digits and . _ - @ + ' only, beginning with a letter or a digit, and not more than 64."
        )
    path, remarks = _find(submission.folder, assignment)
    if path.is_symlink():
        raise UnreadableError(f"{visible(path.name)} is a symbolic link, not a file. Hand in the notebook itself.")
    if not path.is_file():
        raise UnreadableError(f"{visible(path.name)} is not a file. Hand in the notebook itself.")
    data = read_file(path)
    notebook, lost = parse_notebook(data)
    return Intake(notebook, hashlib.sha256(data).hexdigest(), (*remarks, *lost))


def _find(folder: Path, assignment: str) -> tuple[Path, list[str]]:
    """The notebook in ``folder``, and remarks about what else is there."""
    if folder.is_symlink() or folder.parent.is_symlink():
        raise UnreadableError("The folder is a symbolic link. Hand in a folder with the notebook itself.")
    if not folder.is_dir():
        raise UnreadableError(
            f"{folder.name} is a file. It should be a folder with the notebook {assignment}.ipynb in it."
        )
    there = sorted(path for path in folder.iterdir() if not IGNORED.fullmatch(path.name))
    notebooks = [path for path in there if path.suffix == ".ipynb"]
    named = [path for path in notebooks if path.name == f"{assignment}.ipynb"]
    if not notebooks:
        raise UnreadableError(
            f"There is no notebook: nothing in the folder ends in .ipynb. Hand in {assignment}.ipynb."
        )
    if not named and len(notebooks) > 1:
        names = _names(notebooks)
        raise UnreadableError(
            f"There are several notebooks ({names}), none is named {assignment}.ipynb. Hand in one of them."
        )
    chosen = (named or notebooks)[0]
    remarks = []
    if not named:
        remarks.append(
            f"The notebook was named {visible(chosen.name)} instead of {assignment}.ipynb. It was graded all the same."
        )
    others = [path for path in there if path != chosen]
    if others:
        remarks.append(
            f"Other files were handed in too. Only the notebook is graded: {_names(others)} had no part in it."
        )
    return chosen, remarks


def _names(paths: list[Path], most: int = 10) -> str:
    """The files' names; of very many only the first."""
    more = [f"and {len(paths) - most} more"] if len(paths) > most else []
    return ", ".join([*(visible(path.name) for path in paths[:most]), *more])
