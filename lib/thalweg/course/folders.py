"""Where the files of a course lie: nbgrader's folders and a few of our own."""

import glob
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .errors import CourseError
from .names import composed

DEFAULT = Path("_build/course")
NAME = re.compile(r"[a-z][a-z0-9_]*")
PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|(password=)[^&]*")


@dataclass(frozen=True)
class Course:
    """A course folder. Raises CourseError for a path that nbgrader cannot use."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).absolute())
        if glob.escape(str(self.root)) != str(self.root):
            raise CourseError(
                f"The course folder {self.root} has one of * ? [ in its path. Choose another with --course."
            )

    @property
    def gradebook(self) -> Path:
        """nbgrader's database, unless it is on a server."""
        return self.root / "gradebook.db"

    @property
    def database(self) -> str | None:
        """The address of the database server that has the gradebook; it can hold a password."""
        file = self.root / "database"
        return file.read_text(encoding="utf-8").strip() if file.exists() else None

    @property
    def gradebook_url(self) -> str:
        """Where the gradebook is, as nbgrader's ``db_url``."""
        return self.database or f"sqlite:///{self.gradebook}"

    @property
    def gradebook_name(self) -> str:
        """The gradebook's address as it can be shown."""
        return PASSWORD.sub(r"\1\2***", self.database) if self.database else str(self.gradebook)

    def keep_gradebook_on(self, url: str | None) -> None:
        """From now on the gradebook is in the database at ``url``, for all commands; None: in a file of the course."""
        file = self.root / "database"
        if url is None:
            file.unlink(missing_ok=True)
        else:
            write(file, f"{url}\n", mode=0o600)

    @property
    def log(self) -> Path:
        """What nbgrader and the notebooks' kernels write while they grade, and every fault of the grader's in full."""
        return self.root / "grade.log"

    def source(self, assignment: str) -> Path:
        """The notebook with solutions and hidden tests."""
        return self.root / "source" / assignment / f"{assignment}.ipynb"

    def release(self, assignment: str) -> Path:
        """The notebook that students get."""
        return self.root / "release" / assignment / f"{assignment}.ipynb"

    @property
    def secret(self) -> Path:
        """What the seeds of the hidden inputs are made from; nobody but the course may read it."""
        return self.root / "secret"

    def submitted(self, assignment: str, student: str) -> Path:
        """What the student handed in last: where it is, or where it would be."""
        folder = self.root / "submitted" / student
        if (
            not folder.exists() and folder.parent.is_dir()
        ):  # a folder that a Mac made may spell the name's accents apart
            folder = next((path for path in folder.parent.iterdir() if composed(path.name) == student), folder)
        return folder / assignment / f"{assignment}.ipynb"

    def earlier(self, assignment: str, student: str) -> Path:
        """A folder: what the student had handed in before, numbered."""
        return self.root / "earlier" / student / assignment

    def collected(self, assignment: str) -> Path:
        """Where each submission came from."""
        return self.root / "collected" / f"{assignment}.json"

    def autograded(self, assignment: str, student: str) -> Path:
        """The submission after it ran."""
        return self.root / "autograded" / student / assignment / f"{assignment}.ipynb"

    def feedback(self, assignment: str, student: str) -> Path:
        """The student's page."""
        return self.root / "feedback" / student / f"{assignment}.html"

    def report(self, assignment: str) -> Path:
        """The instructor's page."""
        return self.root / "report" / f"{assignment}.html"

    def outcomes(self, assignment: str) -> Path:
        """A folder: one file per submission."""
        return self.root / "outcomes" / assignment

    def released(self) -> list[str]:
        """The assignments that have a release."""
        return sorted(p.stem for p in self.root.glob("release/*/*.ipynb") if p.stem == p.parent.name)

    def assignments(self, name: str | None) -> list[str]:
        """The assignment called ``name``, or all that are released. Raises CourseError when there is none."""
        released = self.released()
        if not released:
            raise CourseError(f"Nothing has been released in {self.root}. Run thalweg release first.")
        if name is not None and name not in released:
            raise CourseError(f"There is no release called {name!r}. In {self.root} there are: {', '.join(released)}.")
        return released if name is None else [name]


def write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a whole file or nothing: whoever reads it never sees a half. Text becomes UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
