"""Intake: every kind of file that can be handed in is read, or refused in words."""

import json
import os

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


@pytest.mark.parametrize("name", ["=cmd", "-x", ".hidden", "a b", "x" * 65, "a\nb", "a;b", "*", "<b>"])
def test_odd_folder_names_are_refused(hand_in, name):
    with pytest.raises(UnreadableError, match="cannot be a student's name"):
        hand_in({"momentum.ipynb": GOOD}, student=name)


@pytest.mark.parametrize("name", ["ada", "ada.lovelace@example.org", "o'neil", "jürgen", "12345", "a-b_c+d"])
def test_ordinary_folder_names_are_accepted(hand_in, name):
    assert hand_in({"momentum.ipynb": GOOD}, student=name)


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
