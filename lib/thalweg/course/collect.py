"""Collect: bring the notebooks of an LMS download or a plain folder into the folder ``submitted``. Nothing is lost."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .errors import CourseError
from .folders import Course, write
from .guard import Fault, attempt
from .handins import HandIn, hand_in
from .names import composed, sound
from .sources import Item, items

NEW, REPLACED, SAME, EARLIER, REFUSED, LEFT = "new", "replaced", "unchanged", "earlier", "refused", "left out"


@dataclass(frozen=True)
class Row:
    """What became of one file: ``done`` is one of the words above, ``words`` say more."""

    file: str
    student: str
    assignment: str
    done: str
    words: str = ""
    late: bool = False


@dataclass(frozen=True)
class Listed:
    """One line of a list of students."""

    student: str
    submitted: datetime | None


@dataclass(frozen=True)
class _Notebook:
    item: Item
    by: HandIn
    student: str
    assignment: str
    time: datetime | None

    def row(self, done: str, words: str = "") -> Row:
        return Row(str(self.item.path), self.student, self.assignment, done, words, self.by.late)


def collect(
    course: Course,
    source: Path,
    name: str | None = None,
    students: Path | None = None,
    zip_times: bool = False,
    dry: bool = False,
) -> list[Row]:
    """Copy the notebooks in ``source`` to ``submitted/STUDENT/NAME/NAME.ipynb``. Returns what became of each file.

    ``students`` is a CSV file that says which student an LMS id or name stands for. With ``zip_times`` the times in the zip
    count as the times of handing in; with ``dry`` nothing is written. What was there before moves to ``earlier``.
    Raises CourseError for a source, a list or an assignment that cannot be used at all.
    """
    assignments = course.assignments(name)
    listed = read_students(students) if students else None
    rows: list[Row] = []
    found: dict[tuple[str, str], list[_Notebook]] = defaultdict(list)
    times: dict[str, datetime] = {}
    with TemporaryDirectory(prefix="thalweg-") as scratch:
        for item in items(source, Path(scratch)):
            if item.path.name == "timestamp.txt" and not item.refused and _of_a_folder(item):
                time = attempt(course, str(item.path), _time_in, item)
                if isinstance(time, datetime):
                    times[str(item.path.parent)] = time
                continue
            sorted_in = attempt(
                course, str(item.path), _sort_in, item, assignments, course.released(), listed, zip_times
            )
            if isinstance(sorted_in, Fault):
                rows.append(Row(str(item.path), "", "", REFUSED, sorted_in.reason))
            elif isinstance(sorted_in, Row):
                rows.append(sorted_in)
            else:
                found[sorted_in.student, sorted_in.assignment].append(sorted_in)
        for (student, assignment), notebooks in sorted(found.items()):
            timed = [_timed(one, times) for one in notebooks]
            placed = attempt(course, student, _hand_in, course, assignment, timed, dry)
            if isinstance(placed, Fault):
                placed = [one.row(REFUSED, placed.reason) for one in timed]
            rows += placed
    return rows


def _of_a_folder(item: Item) -> bool:
    """Was it laid there by the instructor's own tools? All that lies in the zip of an LMS, students may have written."""
    by = hand_in(item.path)
    return by is not None and by.lms == "folder"


def read_students(path: Path) -> dict[str, Listed]:
    """The list in the CSV file ``path``: columns lms_id and student, and, if there is one, submitted (a time).

    Raises CourseError when it cannot be read, or says two things about one id.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.") from error
    listed: dict[str, Listed] = {}
    table = csv.DictReader(text.splitlines())
    if not {"lms_id", "student"} <= set(table.fieldnames or []):
        raise CourseError(
            f"{path} needs the columns lms_id and student. Its first line is: {text.partition(chr(10))[0]}"
        )
    for number, row in enumerate(table, 2):
        key, student = (composed((row[name] or "").strip()) for name in ("lms_id", "student"))
        if not sound(student):
            raise CourseError(f"{path}, line {number}: {student!r} cannot be a student's name.")
        when = (row.get("submitted") or "").strip()
        time = _time(when)
        if when and not time:
            raise CourseError(f"{path}, line {number}: {when!r} is not a time such as 2026-10-01T21:30+02:00.")
        if listed.setdefault(key, Listed(student, time)) != Listed(student, time):
            raise CourseError(f"{path}, line {number}: {key} stands there twice, for different students.")
    return listed


def _time(text: str) -> datetime | None:
    """The time in ``text``; one without a zone is local."""
    try:
        return datetime.fromisoformat(
            text.removesuffix(" UTC") + ("+00:00" if text.endswith(" UTC") else "")
        ).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _time_in(item: Item) -> datetime | None:
    return _time(item.beginning(100).decode("utf-8", "replace").strip())


def _sort_in(
    item: Item, assignments: list[str], released: list[str], listed: dict[str, Listed] | None, zip_times: bool
) -> Row | _Notebook:
    """To whom and to which assignment the file belongs, or why it does not."""
    file = str(item.path)
    if item.refused:
        return Row(file, "", "", REFUSED, item.refused)
    if item.path.suffix != ".ipynb":
        return Row(file, "", "", LEFT, "not a notebook")
    by = hand_in(item.path)
    if not by:
        return Row(file, "", "", REFUSED, "its path is not of a known form, so it does not say whose it is")
    assignment = next((word for word in (by.folder, by.stem) if word in released), None)
    if not assignment and len(assignments) > 1:
        return Row(
            file, by.student, "", REFUSED, f"it does not say for which assignment it is ({', '.join(assignments)})"
        )
    assignment = assignment or assignments[0]
    if assignment not in assignments:
        return Row(file, by.student, assignment, LEFT, "another assignment")
    line = next((listed[key] for key in by.keys if key in listed), None) if listed is not None else None
    student = line.student if line else by.student
    if listed is not None and not line:
        return Row(file, student, assignment, REFUSED, f"{' / '.join(by.keys)} is not in the list of students")
    if not sound(student):
        return Row(file, student, assignment, REFUSED, "this cannot be a student's name: give another with --students")
    time = line.submitted if line else None
    if zip_times and item.time:
        time = item.time.astimezone()
    return _Notebook(item, by, student, assignment, time)


def _timed(notebook: _Notebook, times: dict[str, datetime]) -> _Notebook:
    """In a plain folder, a timestamp.txt next to the notebook says when it was handed in."""
    written = times.get(str(notebook.item.path.parent)) if notebook.by.lms == "folder" else None
    return replace(notebook, time=notebook.time or written)


def _hand_in(course: Course, assignment: str, notebooks: list[_Notebook], dry: bool) -> list[Row]:
    """Put the notebooks of one student for one assignment in place, the last one as the one that counts."""
    if len({(one.by.lms_id, one.by.name) for one in notebooks}) > 1:
        words = "several people have this name: say with --students who is who"
        return [one.row(REFUSED, words) for one in notebooks]
    named = [one for one in notebooks if one.by.stem in ("", assignment)]
    left = [one.row(LEFT, f"{assignment}.ipynb was handed in too") for one in notebooks if named and one not in named]
    *others, last = sorted(named or notebooks, key=lambda one: one.by.order)
    earlier = [one.row(EARLIER, _keep(course, one, one.item.data, dry)) for one in others]
    return [*left, *earlier, _place(course, last, dry)]


def _place(course: Course, new: _Notebook, dry: bool) -> Row:
    target = course.submitted(new.assignment, new.student)
    if any(path.is_symlink() for path in (target, target.parent, target.parents[1])):
        return new.row(REFUSED, f"{target} is a symbolic link, or lies behind one")
    if any(path.exists() and path.is_file() != (path == target) for path in (target, target.parent, target.parents[1])):
        return new.row(REFUSED, f"something else is in the way of {target}")
    records = read_records(course, new.assignment)
    stamp = target.parent / "timestamp.txt"
    time = f"{new.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n" if new.time else ""
    before = target.read_bytes() if target.is_file() else None
    if before == new.item.data:
        noted = stamp.is_file() or not time
        if not noted and not dry:
            write(stamp, time)
        return new.row(SAME, "" if noted else "its time was added")
    if before is not None and new.by.order < records.get(new.student, {}).get("order", 0):
        return new.row(EARLIER, _keep(course, new, new.item.data, dry))
    words = ""
    if before is not None:
        words = "the one before: " + _keep(course, new, before, dry)
    if not dry:
        record = {"lms": new.by.lms, "lms_id": new.by.lms_id, "name": new.by.name, "order": new.by.order}
        records[new.student] = {**record, "late": new.by.late, "file": str(new.item.path)}
        # in this order: stopped anywhere in between, the next run does what is left
        write(course.collected(new.assignment), json.dumps(records, indent=1) + "\n")
        stamp.unlink(missing_ok=True)
        write(target, new.item.data)
        if time:
            write(stamp, time)
    return new.row(REPLACED if before is not None else NEW, words)


def _keep(course: Course, one: _Notebook, data: bytes, dry: bool) -> str:
    """Keep ``data`` among the student's earlier hand-ins, unless it is there. Returns where."""
    folder = course.earlier(one.assignment, one.student)
    kept = sorted(folder.glob("*.ipynb"))
    path = next((path for path in kept if path.read_bytes() == data), folder / f"{len(kept) + 1}.ipynb")
    if not dry and path not in kept:
        write(path, data)
        stamp = course.submitted(one.assignment, one.student).parent / "timestamp.txt"
        if data != one.item.data and stamp.is_file():
            write(path.with_suffix(".txt"), stamp.read_bytes())
    return str(path.relative_to(course.root))


def read_records(course: Course, assignment: str) -> dict[str, dict[str, Any]]:
    """Where each submission came from, by student. Raises CourseError for a damaged file."""
    path = course.collected(assignment)
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path} is damaged: {error}. Delete it and collect again.") from error
