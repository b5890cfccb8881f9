"""Fuzzing: whatever a student's file holds, each command ends, and the neighbours' points and pages stay byte for byte.

It runs for about a minute; the environment variable FUZZ makes it that many times longer.
"""

import copy as copying
import csv
import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import nbformat
import pytest
import sample_class
from classroom import judged_here, run
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from thalweg.course import grading, outcomes
from thalweg.course.collect import collect
from thalweg.course.errors import CourseError
from thalweg.course.folders import Course
from thalweg.course.gradebook import records
from thalweg.course.intake import submissions, take_in
from thalweg.course.late import handed_in
from thalweg.course.notebooks import UnreadableError, grade_id, parse_notebook, read_notebook, to_text
from thalweg.course.restore import restore
from thalweg.course.tables import outcome_line

LONGER = int(os.environ.get("FUZZ", "1"))
NEIGHBOURS = ["aaa", "zzz"]
DEEP = json.loads("[" * 300 + "]" * 300)
JUNK = [
    None, True, 0, -1, 4, 10**30, 1e308, float("nan"), "", "oops", "\ud800", "\x1b[2J", "\u202e", "\0", "<script>x</script>",
    [], [1], ["a", None], {}, {"x": "oops"}, {"x": 1}, {"x": []}, {"x": {"image/png": 5}}, {"\ud800": {"a": ["\udfff"]}}, DEEP,
]  # fmt: skip
KEYS = ["attachments", "metadata", "source", "outputs", "id", "nbgrader", "grade_id", "tags", "cell_type", "x"]


def real_notebooks() -> list[dict]:
    """Notebooks as they are handed in, with a pasted picture and outputs."""
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder))
        shutil.copytree(Path(real_notebooks.root), course.root, dirs_exist_ok=True)  # type: ignore[attr-defined]
        students = [student for student in sample_class.the_class() if student.name in ("afischer", "jweber")]
        sample_class.write(course, students)
        found = [json.loads(course.submitted("momentum", student.name).read_text()) for student in students]
    for notebook in found:
        notebook["cells"][-1]["attachments"] = {
            "a.png": {"image/png": "AA"},
            "b.svg": {"image/svg+xml": ["<svg>", "</svg>"]},
        }
        notebook["cells"][4]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["21\n"]}]
    return found


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The path of every value, at every level."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, each in inside for place in places(each, (*path, key))]


@st.composite
def mutants(draw, notebooks: list[dict]) -> bytes:
    """A real notebook in which one to four values are others, gone, twice there, or have another key."""
    notebook = copying.deepcopy(draw(st.sampled_from(notebooks)))
    for _ in range(draw(st.integers(1, 4))):
        *above, last = draw(st.sampled_from(places(notebook) or [("cells",)]))
        around = notebook
        for key in above:
            around = around[key]
        junk = copying.deepcopy(draw(st.sampled_from(JUNK)))
        change = draw(st.sampled_from(["replace", "replace", "remove", "wrap", "add"]))
        if change == "replace" or last not in (around if isinstance(around, dict) else range(len(around))):
            around[last] = junk
        elif change == "remove":
            del around[last]
        elif change == "wrap":
            around[last] = draw(st.sampled_from([[around[last]], {"x": around[last]}]))
        elif isinstance(around, dict):
            around[draw(st.sampled_from(KEYS))] = junk
        else:
            around.insert(0, draw(st.sampled_from([junk, around[last]])))
    return json.dumps(notebook).encode()


@pytest.fixture(scope="module")
def notebooks(released):
    real_notebooks.root = released.root
    return real_notebooks()


def fuzz(examples: int, **more):
    return settings(max_examples=examples * LONGER, suppress_health_check=list(HealthCheck), deadline=None, **more)


@fuzz(300)
@given(data=st.data())
def test_a_mutant_is_refused_in_words_or_becomes_a_sound_notebook(released, notebooks, data):
    release = read_notebook(released.release("momentum"))
    try:
        notebook, remarks = parse_notebook(data.draw(mutants(notebooks)))
        restored, repairs = restore(notebook, release)
    except UnreadableError as error:
        assert str(error).endswith(".") and str(error).isprintable()
        return
    nbformat.validate(nbformat.reads(to_text(restored), as_version=4))
    to_text(restored).encode("utf-8")
    assert [name for cell in restored.cells if (name := grade_id(cell))] == [
        grade_id(c) for c in release.cells if grade_id(c)
    ]
    assert all(remark.isprintable() for remark in [*remarks, *repairs])


@pytest.fixture(scope="module")
def alone(bubblewrap, released, tmp_path_factory):
    """The neighbours, graded without anybody else: the course, and what they got."""
    course = Course(tmp_path_factory.mktemp("alone") / "course")
    shutil.copytree(released.root, course.root)
    for name, number in zip(NEIGHBOURS, (0, 3), strict=True):
        sample_class.write(course, [sample_class.Student(name, sample_class.mistaken(number), "An answer.")])
    everything(course)
    return course, theirs(course)


def everything(course: Course) -> None:
    """Every command, in the order of a term; none of them may fail, whatever lies there."""
    run("grade", "momentum", "--course", course.root)
    run("late", "momentum", "--due", "2026-10-01T23:59", "--course", course.root)
    for command in (
        ["feedback"],
        ["report"],
        *(["export", "--format", form] for form in ("plain", "canvas", "moodle")),
    ):
        run(*command, "--course", course.root)
    run("regrade", "momentum", "--exercise", "nesterov", "--course", course.root)
    assert "unchanged" in run("grade", "momentum", "--course", course.root)


def theirs(course: Course) -> dict[str, object]:
    """What the neighbours have: points, outcomes, pages, notebooks, lines of the exports."""
    found: dict[str, object] = {}
    points, ended = records(course, "momentum"), outcomes.load(course, "momentum")
    for name in NEIGHBOURS:
        found[f"{name}: points"] = points[name]
        found[f"{name}: outcome"] = (ended[name].outcome, ended[name].reason, ended[name].remarks, ended[name].verdicts)
        found[f"{name}: page"] = course.feedback("momentum", name).read_bytes()
        found[f"{name}: notebook"] = course.autograded("momentum", name).read_bytes()
        for path in sorted((course.root / "export").iterdir()):
            rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
            found[f"{name}: {path.name}"] = [row for row in rows if name in row]
    return found


@fuzz(4, phases=[Phase.generate])
@given(data=st.data())
def test_mutants_in_a_class_end_in_an_outcome_and_their_neighbours_notice_nothing(alone, notebooks, data):
    before, found = alone
    stamps = st.sampled_from(["", "noon", "9" * 5000, "2026-10-03 00:00:00 UTC", "0001-01-01 00:00:00 +9999999", "\0"])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "run_all", judged_here)
        course = Course(Path(folder) / "course")
        shutil.copytree(before.root, course.root)
        downloads = Path(folder) / "downloads"
        for number in range(8):
            there = downloads / f"m{number}"
            there.mkdir(parents=True)
            (there / "momentum.ipynb").write_bytes(data.draw(mutants(notebooks)))
            (there / "timestamp.txt").write_text(data.draw(stamps))
        run("collect", downloads, "momentum", "--course", course.root)
        for number in range(4):  # collect has left these out of what it takes for a time
            shutil.copy(downloads / f"m{number}/timestamp.txt", course.root / f"submitted/m{number}/momentum")
        everything(course)
        ended = outcomes.load(course, "momentum")
        assert set(ended) == {submission.student for submission in submissions(course, "momentum")}
        assert {outcome.outcome for outcome in ended.values()} <= {"graded", "partly graded", "malformed"}
        assert theirs(course) == found


@fuzz(100)
@given(
    way=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_damaged_zip_is_an_error_in_words_or_costs_the_damaged_files(way, changes):
    with tempfile.TemporaryDirectory() as folder:
        course, path = Course(Path(folder) / "course"), Path(folder) / "x.zip"
        course.release("momentum").parent.mkdir(parents=True)
        course.release("momentum").write_text("{}")
        with zipfile.ZipFile(path, "w", way) as archive:
            for name in ("ada", "bob"):
                archive.writestr(f"{name}/momentum.ipynb", f"{name} " * 40)
        data = bytearray(path.read_bytes())
        for place, value in changes:
            data[place % len(data)] = value
        path.write_bytes(data)
        try:
            rows = collect(course, path)
        except CourseError:
            return
        assert all(row.words for row in rows if row.done == "refused")


@fuzz(100)
@given(
    st.text(max_size=120)
    | st.from_regex(r"[0-9]{1,9}(-[0-9]{1,9}){2} [0-9:]{1,9} [-+A-Za-z/.0-9]{1,12}", fullmatch=True)
)
def test_any_timestamp_is_a_time_or_is_left_out(text):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "timestamp.txt").write_bytes(text.encode("utf-8", "replace"))
        try:
            found = handed_in(Path(folder))
        except UnreadableError:
            return
        assert found is not None and found.tzinfo is None


@fuzz(100)
@given(st.text(), st.text())
def test_nothing_that_a_student_wrote_moves_the_cursor(name, reason):
    assert outcome_line(outcomes.Outcome(name, "momentum", "malformed", reason=reason)).isprintable()


@fuzz(50)
@given(name=st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=70))
def test_any_folder_name_is_a_student_or_is_refused_in_words(name):
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder, "submitted", name, "momentum")
        try:
            there.mkdir(parents=True)
        except OSError:  # the file system takes no such name
            return
        for submission in submissions(Course(Path(folder)), "momentum"):
            with pytest.raises(UnreadableError, match=r"cannot be a student's name|There is no notebook") as error:
                take_in(submission, "momentum")
            assert str(error.value).isprintable() and submission.student.isprintable()
            assert not submission.sound_name or len(submission.student.encode()) <= 200
