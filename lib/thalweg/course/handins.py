"""Hand-ins: what the name of a file says about who handed it in, as Canvas, Moodle or a plain folder write it.

Canvas (lib/content_zipper.rb): ``NAME[_LATE]_USERID_FILEID_ORIGINAL``, a further attempt as ``ORIGINAL-1``; for anonymous
grading ``[LATE_]anon_ID_FILEID_ORIGINAL``. Moodle (mod/assign, downloader.php): ``FULL NAME_ID_assignsubmission_file/ORIGINAL``,
in older versions with a further ``_``, or all in one name. In neither zip the files' times are those of handing in.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from .names import composed

CANVAS = re.compile(
    r"(?:(?P<name>\w+?)(?P<late>_LATE)?_(?P<id>\d+)|(?P<anonlate>LATE_)?(?P<anon>anon_[A-Za-z0-9]+))"
    r"_(?P<file>\d+)_(?P<original>.+)"
)
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<original>.+)|_?)")


@dataclass(frozen=True)
class HandIn:
    """Who handed a file in. ``order`` grows with later files where the LMS says so; ``stem`` is the student's own file name."""

    lms: str  # "Canvas", "Moodle" or "folder"
    lms_id: str
    name: str
    stem: str
    folder: str = ""  # of a plain folder: STUDENT/FOLDER/NAME.ipynb
    late: bool = False
    order: int = 0

    @property
    def keys(self) -> list[str]:
        """By which a list of students can name this one."""
        return [key for key in (self.lms_id, self.name) if key]

    @property
    def student(self) -> str:
        """The student's name in the course, unless a list says another."""
        if self.lms == "Canvas":
            return self.lms_id if self.lms_id.startswith("anon_") else f"{self.name}_{self.lms_id}"
        if self.lms == "Moodle":  # whose ids are others in each assignment
            return re.sub(r"\s+", ".", self.name.strip())
        return self.lms_id


def hand_in(path: PurePosixPath) -> HandIn | None:
    """What ``path`` says; None when it fits none of the forms.

    Whose it is, the first part says alone: the LMS or the instructor wrote that one. All below it, and what stands last in a name, a student
    may have chosen; so no form of an LMS counts there, and a path that has one fits nothing.
    """
    path = PurePosixPath(composed(str(path)))
    first, *below = path.parts[1:] if path.parts[0] == "submitted" and len(path.parts) > 1 else path.parts
    if not below and (
        found := CANVAS.fullmatch(first)
    ):  # before Moodle's, which a student can bring about in a file's name
        late = bool(found["late"] or found["anonlate"])
        stem = re.sub(r"-\d+$", "", _stem(found["original"]))
        return HandIn(
            "Canvas", found["id"] or found["anon"], found["name"] or "", stem, late=late, order=int(found["file"])
        )
    if found := MOODLE.fullmatch(first):
        if found["kind"] != "file" or bool(below) == bool(found["original"]):
            return None
        return HandIn("Moodle", found["id"], found["name"], _stem(found["original"] or path.name))
    if len(below) > 2 or any(form.fullmatch(part) for part in below for form in (CANVAS, MOODLE)):
        return None
    if not below:
        return HandIn("folder", path.stem, "", "")
    return HandIn("folder", first, "", path.stem, below[0] if len(below) > 1 else "")


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
