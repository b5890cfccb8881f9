"""Sources: the files in a zip or a folder, each with its content or the reason why it is refused."""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from .errors import CourseError
from .notebooks import LARGEST

MOST_FILES = 20_000  # in one zip
MOST_BYTES = 4_000_000_000  # of all notebooks in one zip, unpacked
RATIO = 200  # a notebook packs to about a tenth; small files may pack better
SMALL = 1_000_000
TOO_LARGE = f"it is larger than {LARGEST // 1_000_000} MB"
SYSTEM = {"__MACOSX", ".ipynb_checkpoints", "__pycache__"}


@dataclass(frozen=True)
class Item:
    """One file of a source. ``file``: where its content lies. ``refused``: why it has none. ``time``: what the zip says, local."""

    path: PurePosixPath
    file: Path | None = None
    time: datetime | None = None
    refused: str = ""

    @property
    def data(self) -> bytes:
        """Its content."""
        return self.file.read_bytes() if self.file else b""

    def beginning(self, most: int) -> bytes:
        """Its first ``most`` bytes."""
        if not self.file:
            return b""
        with self.file.open("rb") as file:
            return file.read(most)


def items(source: Path, scratch: Path) -> Iterator[Item]:
    """The files in ``source``, a zip or a folder, without those that systems leave on their own.

    Only notebooks and ``timestamp.txt`` have content; a zip's are unpacked into the folder ``scratch``, under numbers. Raises CourseError for a source that cannot be read as a whole.
    """
    if source.is_dir():
        return _in_folder(source)
    if not source.exists():
        raise CourseError(f"There is no {source}.")
    if not zipfile.is_zipfile(source):
        raise CourseError(f"{source} is neither a folder nor a zip. Give the zip as the LMS made it, or unpack it.")
    return _in_zip(source, scratch)


def _wanted(path: PurePosixPath) -> bool:
    return path.suffix == ".ipynb" or path.name == "timestamp.txt"


def _of_the_system(path: PurePosixPath) -> bool:
    return path.name.startswith(".") or bool(SYSTEM & set(path.parts))


def _in_folder(folder: Path) -> Iterator[Item]:
    unread: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unread.append):
        linked = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in linked and name not in SYSTEM)
        for name in sorted([*names, *linked]):
            file = Path(place, name)
            path = PurePosixPath(file.relative_to(folder).as_posix())
            if _of_the_system(path):
                continue
            if file.is_symlink() or not file.is_file():
                yield Item(path, refused="a symbolic link, or no ordinary file")
            elif file.stat().st_size > LARGEST:
                yield Item(path, refused=TOO_LARGE)
            elif not os.access(file, os.R_OK):
                yield Item(path, refused="it cannot be read")
            else:
                yield Item(path, file)
    for error in unread:
        yield Item(
            PurePosixPath(os.path.relpath(error.filename, folder)), refused=f"it cannot be read: {error.strerror}"
        )


def _in_zip(source: Path, scratch: Path) -> Iterator[Item]:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise CourseError(f"{source} is damaged: {error}. Download it again.") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES:
            raise CourseError(f"{source} has {len(entries)} files, more than {MOST_FILES}. No class is that large.")
        total = 0
        for number, entry in enumerate(entries):
            path = PurePosixPath(_name(entry))
            if _of_the_system(path):
                continue
            refused = _unsafe(entry, path)
            if not refused and _wanted(path):
                total += entry.file_size
                if total > MOST_BYTES:
                    refused = f"the notebooks before it have {MOST_BYTES // 10**9} GB already: a zip bomb?"
            if refused or not _wanted(path):
                yield Item(path, refused=refused)
            else:
                yield _unpacked(archive, entry, path, scratch / str(number))


def _name(entry: zipfile.ZipInfo) -> str:
    name = entry.filename.replace("\\", "/")
    if not entry.flag_bits & 0x800:  # the zip does not say that its names are UTF-8, but they often are
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name


def _unsafe(entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
    """Why the entry is not unpacked; empty when it can be."""
    if not path.parts:
        return "it has no name"
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "its path leads out of the zip"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a symbolic link, or no ordinary file"
    if entry.flag_bits & 0x1:
        return "it is encrypted"
    if entry.file_size > LARGEST:
        return TOO_LARGE
    if entry.file_size > SMALL and entry.file_size > RATIO * max(entry.compress_size, 1):
        return f"it unpacks to more than {RATIO} times its size: a zip bomb?"
    return ""


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: PurePosixPath, file: Path) -> Item:
    try:
        with archive.open(entry) as packed:  # it gives no more bytes than the entry declares
            file.write_bytes(packed.read(LARGEST))
    except Exception as error:  # each way of packing has errors of its own
        return Item(path, refused=f"it is damaged: {error}")
    return Item(path, file, _time(entry))


def _time(entry: zipfile.ZipInfo) -> datetime | None:
    with suppress(ValueError):  # no such day
        return datetime(*entry.date_time)
    return None
