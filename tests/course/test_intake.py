"""Intake: every kind of file that can be handed in is read, or refused in words."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from thalweg.course import notebooks
from thalweg.course.folders import Course
from thalweg.course.intake import submissions, take_in
from thalweg.course.notebooks import UnreadableError, parse_notebook

GOOD = nbformat.writes(new_notebook(cells=[new_code_cell("1 + 1", id="a")]))


@pytest.fixture
def hand_in(tmp_path):
    """Write files into a student's folder and take the submission in."""

    def hand_in(files: dict[str, bytes | str], student: str = "ada"):
        folder = tmp_path / "submitted" / student / "momentum"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        (submission,) = submissions(Course(tmp_path), "momentum")
        return take_in(submission, "momentum")

    return hand_in


def test_a_good_notebook(hand_in):
    intake = hand_in({"momentum.ipynb": GOOD, "timestamp.txt": "2030-01-01 12:00:00 UTC", ".DS_Store": ""})
    assert intake.notebook.cells[0].source == "1 + 1"
    assert intake.remarks == ()


def test_a_wrong_name_is_accepted_with_a_remark(hand_in):
    assert "named momentum (1).ipynb" in hand_in({"momentum (1).ipynb": GOOD}).remarks[0]


def test_other_files_are_left_out_with_a_remark(hand_in):
    assert "helper.py had no part in it" in hand_in({"momentum.ipynb": GOOD, "helper.py": "x = 1"}).remarks[0]


@pytest.mark.parametrize(
    "files, words",
    [
        ({}, "There is no notebook"),
        ({"momentum.pdf": "x"}, "There is no notebook"),
        ({"a.ipynb": GOOD, "b.ipynb": GOOD}, r"several notebooks \(a.ipynb, b.ipynb\)"),
        ({"momentum.ipynb": ""}, "empty"),
        ({"momentum.ipynb": " \n"}, "empty"),
        ({"momentum.ipynb": GOOD[:-20]}, "cut off"),
        ({"momentum.ipynb": GOOD[: GOOD.index("1 + 1") + 2]}, "cut off"),
        ({"momentum.ipynb": GOOD.replace('"cells"', "cells", 1)}, "not valid JSON .line 2"),
        ({"momentum.ipynb": GOOD.encode("utf-16")}, "not UTF-8"),
        ({"momentum.ipynb": b"\x89PNG\r\n"}, "not UTF-8"),
        ({"momentum.ipynb": "[" * 100_000}, "damaged|cut off"),
        ({"momentum.ipynb": "9" * 10_000}, "damaged"),
        ({"momentum.ipynb": "[]"}, "JSON but not a notebook"),
        ({"momentum.ipynb": '{"nbformat": "4"}'}, "JSON but not a notebook"),
        ({"momentum.ipynb": '{"nbformat": 3, "worksheets": []}'}, "format 3"),
        ({"momentum.ipynb": '{"nbformat": 4}'}, "no list of cells"),
        ({"momentum.ipynb": '{"nbformat": 4, "cells": [7]}'}, "Cell 1 .* damaged"),
        ({"momentum.ipynb": '{"nbformat": 4, "cells": [{"cell_type": ["code"], "source": ""}]}'}, "Cell 1 .* damaged"),
        ({"momentum.ipynb": '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}'}, "Cell 1 .* damaged"),
    ],
)
def test_what_cannot_be_graded_is_refused_in_words(hand_in, files, words):
    with pytest.raises(UnreadableError, match=words):
        hand_in(files)


def test_a_file_that_is_too_large_is_not_read(hand_in, monkeypatch):
    monkeypatch.setattr(notebooks, "LARGEST", 100)
    with pytest.raises(UnreadableError, match="larger than"):
        hand_in({"momentum.ipynb": GOOD})


def test_what_is_attached_and_is_no_picture_is_left_out_with_a_remark(hand_in):
    damaged = [
        "oops",
        {"x": "oops"},
        {"x": 1},
        {"x": []},
        {"x": {}},
        {"x": {"image/png": 5}},
        {"x": {"image/png": ["a", 1]}},
    ]
    cells = [{"cell_type": "markdown", "source": "", "attachments": found} for found in [*damaged, {}, None]]
    sound = {"a.png": {"image/png": ["A", "A"]}}
    cells.append({"cell_type": "markdown", "source": "", "attachments": sound | damaged[1]})
    intake = hand_in({"momentum.ipynb": json.dumps({"nbformat": 4, "cells": cells})})
    assert intake.remarks == tuple(
        f"Something attached to cell {number} is not a picture. It was left out."
        for number in [1, 2, 3, 4, 5, 6, 7, 10]
    )
    assert [cell.get("attachments") for cell in intake.notebook.cells] == [None] * 9 + [{"a.png": {"image/png": "AA"}}]


def test_too_many_cells_and_too_much_text_are_refused(hand_in):
    cells = [{"cell_type": "code", "source": ""}] * (notebooks.MOST_CELLS + 1)
    with pytest.raises(UnreadableError, match="has 1001 cells, more than 1000"):
        hand_in({"momentum.ipynb": json.dumps({"nbformat": 4, "cells": cells})})
    with pytest.raises(UnreadableError, match="over 20 million characters"):
        parse_notebook(json.dumps({"nbformat": 4, "cells": [cells[0] | {"source": "x" * 20_000_001}]}).encode())


HUGE = r"""
import resource, sys, time
from pathlib import Path
from thalweg.course.folders import Course
from thalweg.course.intake import submissions, take_in
from thalweg.course.notebooks import UnreadableError, read_notebook
from thalweg.course.restore import restore
from thalweg.course.similarity import _prints

root, size = Path(sys.argv[1]), 49_900_000
release = read_notebook(Path(sys.argv[2]))
head, cell = b'{"nbformat": 4, "metadata": {"x": ', b'{"cell_type": "code", "source": %s}'
kinds = {
    "empty lists": (head + b"[", b"[],", b"0]}}"),
    "empty objects": (head + b"[", b"{},", b"0]}}"),
    "keys": (head + b"[", b'{"a":1},', b"0]}}"),
    "numbers": (head + b"[", b"1,", b"0]}}"),
    "large numbers": (head + b"[", b"9" * 4000 + b",", b"0]}}"),
    "nothing but brackets": (b"", b"[", b""),
    "blanks": (b"", b" ", b""),
    "a long string": (head + b'"', b"x", b'"}}'),
    "wide letters": (head + '"\N{GRINNING FACE}'.encode(), b"x", b'"}}'),
    "nothing but wide letters": (head + b'"', "\N{GRINNING FACE}".encode(), b'"}}'),
    "spelled letters": (head + b'"', b"\\u00e9", b'"}}'),
    "half letters": (head + b'"', b"\\ud800", b'"}}'),
    "empty cells": (b'{"nbformat": 4, "cells": [', cell % b'""' + b",", cell % b'""' + b"]}"),
    "a cell": (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "', b"ab\\n", b'"}]}'),
    "a cell that is cut off": (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "', b"x", b""),
    "a cell that is just allowed": (
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "', b"ab\\n", b'"}]}', 26_000_000
    ),
    "cells that are just allowed": (
        b'{"nbformat": 4, "cells": [', cell % b'"%s"' % (b"a = 1\\n" * 3000) + b",", cell % b'""' + b"]}", 21_000_000
    ),
    "comments that are just allowed": (
        b'{"nbformat": 4, "cells": [', cell % b'"%s"' % (b"#\\n" * 15000) + b",", cell % b'""' + b"]}", 29_000_000
    ),
    "objects that are just allowed": (head + b"[", b'{"a":1},', b'0]}, "cells": []}', 1_990_000),
    "outputs": (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "outputs": [', b'{"text": "AAAA"},', b"0]}]}"),
}
file = root / "submitted/ada/momentum/momentum.ipynb"
file.parent.mkdir(parents=True)
for name, (start, unit, end, *just) in kinds.items():
    with file.open("wb") as out:
        out.write(start)
        for _ in range((just or [size])[0] // 100_000):
            out.write(unit * (100_000 // len(unit)))
        out.write(end)
    begun = time.process_time()
    (submission,) = submissions(Course(root), "momentum")
    try:
        restore(take_in(submission, "momentum").notebook, release)
        said = "taken in"
    except UnreadableError as error:
        said = str(error)
    _prints(submission, "momentum", release, [])
    spent = time.process_time() - begun
    # of this program alone: getrusage would count what the one was as large as that started it
    (peak,) = [int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print(f"{spent:.1f} {peak} {name}: {said}")
"""


def test_fifty_megabytes_of_any_kind_cost_little(released, tmp_path):
    command = [sys.executable, "-c", HUGE, tmp_path, released.release("momentum")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 20 and sum("something else" in line for line in lines) == 4, done.stdout
    for line in lines:
        seconds, megabytes, _ = line.split(" ", 2)
        assert float(seconds) < 5 and int(megabytes) < 500, done.stdout


@pytest.mark.parametrize(
    "name",
    ["=cmd", "-x", ".hidden", "a b", "x" * 65, "a\nb", "a;b", "*", "<b>", "é" * 120, "字" * 80, "\x1b[2J", "a\u202eb"],
)
def test_odd_folder_names_are_refused(hand_in, name):
    with pytest.raises(UnreadableError, match="cannot be a student's name"):
        hand_in({"momentum.ipynb": GOOD}, student=name)


@pytest.mark.parametrize("name", ["ada", "ada.lovelace@example.org", "o'neil", "jürgen", "12345", "a-b_c+d"])
def test_ordinary_folder_names_are_accepted(hand_in, name):
    assert hand_in({"momentum.ipynb": GOOD}, student=name)


def test_accents_that_a_mac_writes_apart_are_one_name(tmp_path):
    apart = "Jose\u0301"
    for name in (apart, "Zoe\u0308", "Zo\u00eb"):
        (tmp_path / "submitted" / name / "momentum").mkdir(parents=True)
        (tmp_path / "submitted" / name / "momentum/momentum.ipynb").write_text(GOOD)
    course = Course(tmp_path)
    by_name = {found.student: found for found in submissions(course, "momentum")}
    assert by_name["Jos\u00e9"].folder.parent.name == apart and take_in(by_name["Jos\u00e9"], "momentum")
    assert course.submitted("momentum", "Jos\u00e9").exists()
    assert take_in(by_name["Zo\u00eb"], "momentum"), "of two the one with whole letters counts"
    with pytest.raises(UnreadableError, match="or another folder has the same one"):
        take_in(by_name["Zoe\u0308"], "momentum")


def test_names_are_shown_without_what_moves_the_cursor_and_stay_apart(tmp_path):
    for name in ("a\x1b[2J", "a\\x1b[2J", "a\u202eb"):
        (tmp_path / "submitted" / name / "momentum").mkdir(parents=True)
    found = [submission.student for submission in submissions(Course(tmp_path), "momentum")]
    assert sorted(found) == [r"a\\x1b[2J", r"a\u202eb", r"a\x1b[2J"]


def test_links_folders_and_pipes_are_refused(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text(GOOD)
    for name, make in {
        "file": lambda path: path.symlink_to(secret),
        "folder": lambda path: path.mkdir(),
        "pipe": lambda path: os.mkfifo(path),
    }.items():
        folder = tmp_path / "submitted" / name / "momentum"
        folder.mkdir(parents=True)
        make(folder / "momentum.ipynb")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/momentum.ipynb").write_text(GOOD)
    (tmp_path / "submitted/linked").mkdir()
    (tmp_path / "submitted/linked/momentum").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "submitted/plain").mkdir()
    (tmp_path / "submitted/plain/momentum").write_text("a file")
    found = submissions(Course(tmp_path), "momentum")
    assert len(found) == 5
    for submission in found:
        with pytest.raises(UnreadableError, match=r"symbolic link|not a file|is a file"):
            take_in(submission, "momentum")


def test_a_name_that_is_not_utf_8_can_be_shown(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/submitted/\xff/momentum")
    (submission,) = submissions(Course(tmp_path), "momentum")
    submission.student.encode("utf-8")
    with pytest.raises(UnreadableError, match="cannot be a student's name"):
        take_in(submission, "momentum")


def test_everything_that_a_notebook_holds_can_be_written_again():
    raw = {
        "nbformat": 4,
        "nbformat_minor": 99,
        "metadata": {"x": "\ud800", "thalweg": 3},
        "cells": [
            {
                "cell_type": "markdown",
                "source": "\ud800",
                "metadata": None,
                "attachments": {"a.png": {"image/png": "AA"}},
            },
            {
                "cell_type": "code",
                "source": ["a\n", "b"],
                "metadata": {"nbgrader": 3, "tags": 7, "name": [], "x": ["\udfff"]},
                "outputs": 7,
            },
        ],
    }
    notebook, _ = parse_notebook(json.dumps(raw).encode())
    notebooks.to_text(notebook).encode("utf-8")
    assert notebook.cells[1].source == "a\nb"
    assert notebook.cells[0].attachments["a.png"]["image/png"] == "AA"
    assert [notebooks.grade_id(cell) for cell in notebook.cells] == ["", ""]
