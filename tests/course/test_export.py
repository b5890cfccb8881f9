"""Export: the columns that Canvas and Moodle document, checked names, and no formulas."""

import csv
import json

import pytest
from classroom import run

from thalweg.course.errors import CourseError
from thalweg.course.export import defused, export, to_csv
from thalweg.course.gradebook import opened


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def collected(course, **records):
    course.collected("momentum").parent.mkdir()
    course.collected("momentum").write_text(json.dumps(records))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1"])
def test_formulas_are_defused(text):
    assert defused(text) == "'" + text
    assert defused("a" + text) == "a" + text


def test_a_number_stays_a_number():
    assert to_csv([["-1+1", -1.5, 0.0, "a,b"]]) == '\'-1+1,-1.5,0,"a,b"\r\n'


def test_canvas(copy):
    collected(
        copy,
        kmensah={"lms": "Canvas", "lms_id": "1234"},
        dpatel={"lms": "Canvas", "lms_id": "anon_x1"},
    )
    done = export(copy, "momentum", form="canvas", column="Momentum (42)")
    rows = table(done.path)
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Momentum (42)"]
    assert rows[1] == ["    Points Possible", "", "", "", "", "25"]
    by_name = {row[0]: row for row in rows[2:]}
    assert by_name["kmensah"] == ["kmensah", "1234", "", "", "", "0"]
    assert by_name["lrossi"] == ["lrossi", "", "", "lrossi", "", "0"]
    assert "not graded yet" in done.left_out["afischer"] and "afischer" not in by_name
    assert "cannot be a student's name" in done.left_out["=SUM(A1)"]
    done = export(copy, "momentum", form="canvas", incomplete=True)
    assert "anonymously" in done.left_out["dpatel"]
    assert {row[0]: row[5] for row in table(done.path)}["afischer"] == "21"


def test_moodle(copy):
    with opened(copy) as gradebook:
        gradebook.find_grade("written", "momentum", "momentum", "cmoreau").manual_score = 3
        gradebook.find_grade("written", "momentum", "momentum", "cmoreau").needs_manual_grade = False
        gradebook.find_comment("written", "momentum", "momentum", "cmoreau").manual_comment = "Good"
        gradebook.db.commit()
    collected(copy, cmoreau={"lms": "Moodle", "lms_id": "77"})
    rows = table(export(copy, "momentum", form="moodle").path)
    assert rows[0] == ["Identifier", "Username", "Momentum", "Feedback comments"]
    row = next(row for row in rows if row[1] == "cmoreau")
    assert row[0] == "Participant 77" and float(row[2]) >= 3
    assert "known mistake: the step goes uphill" in row[3] and "written: 3 of 4 (Good)" in row[3]
    assert next(row for row in rows if row[1] == "lrossi")[3].startswith("The file ends in the middle")


def test_two_students_cannot_be_one_in_the_lms(copy):
    collected(copy, **{name: {"lms": "Canvas", "lms_id": "1"} for name in ("kmensah", "lrossi")})
    done = export(copy, "momentum", form="canvas", incomplete=True)
    assert done.left_out["kmensah"] == done.left_out["lrossi"]
    assert done.left_out["lrossi"].startswith("kmensah and lrossi have the same number 1 in the LMS.")
    students = [row[0] for row in table(done.path)[2:]]
    assert "afischer" in students and not {"kmensah", "lrossi"} & set(students), "the others are exported"


def test_the_export_does_not_overwrite_another_file(graded, tmp_path):
    path = tmp_path / "grades.csv"
    for form in ("plain", "canvas", "moodle"):
        export(graded, "momentum", path, form)
        export(graded, "momentum", path, form)
    for text in ("my own list\n", "Identifier,Full name,Email address,Status,Grade\n", ""):
        path.write_text(text)
        with pytest.raises(CourseError, match="not an earlier export"):
            export(graded, "momentum", path)
        assert path.read_text() == text


def test_the_command(copy):
    said = run("export", "--format", "canvas", "--json", "--course", copy.root, stdout=True)
    assert json.loads(said)[0]["left_out"]["afischer"]
    assert "choose one of plain, canvas, moodle" in run("export", "--format", "xls", "--course", copy.root, code=2)
    assert "afischer is left out" in run("export", "--format", "moodle", "--course", copy.root)
