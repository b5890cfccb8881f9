"""Collect: what Canvas, Moodle and folders hand over arrives once, nothing is overwritten, and unsafe zips are refused."""

import errno
import json
import stat
import zipfile

import pytest
import sample_class
from classroom import run
from hypothesis import given
from hypothesis import strategies as st

from thalweg.course import collect as collecting
from thalweg.course import sources
from thalweg.course.collect import collect
from thalweg.course.folders import Course
from thalweg.course.handins import hand_in


@pytest.fixture
def course(tmp_path) -> Course:
    """A course with one release, which nobody needs to be able to open."""
    course = Course(tmp_path / "course")
    course.release("momentum").parent.mkdir(parents=True)
    course.release("momentum").write_text("{}")
    return course


@pytest.fixture
def packed(tmp_path):
    """Make a zip from names and contents."""

    def packed(files, name="download.zip", compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for entry, content in files.items():
                archive.writestr(entry, content)
        return path

    return packed


def submitted(course, assignment="momentum"):
    return {
        path.parents[1].name: path.read_text()
        for path in course.root.glob(f"submitted/*/{assignment}/{assignment}.ipynb")
    }


def done(rows):
    return {row.file: row.done for row in rows}


def test_a_canvas_download(course, packed):
    zipped = packed(
        {
            "fischeranna_1234_990001_momentum.ipynb": "first",
            "fischeranna_1234_990005_momentum-1.ipynb": "second",
            "okaforbo_LATE_1235_990002_momentum-2.ipynb": "late",
            "anon_x1Yz9_990003_my notes.ipynb": "anonymous",
            "LATE_anon_abcde_990004_momentum.ipynb": "anonymous and late",
            "patelde_1236_990006_text.html": "<p>",
            "silvaev_1237_990007_helper.ipynb": "helper",
            "silvaev_1237_990008_momentum.ipynb": "eva",
        }
    )
    rows = collect(course, zipped)
    assert submitted(course) == {
        "fischeranna_1234": "second",
        "okaforbo_1235": "late",
        "anon_x1Yz9": "anonymous",
        "anon_abcde": "anonymous and late",
        "silvaev_1237": "eva",
    }
    assert (course.earlier("momentum", "fischeranna_1234") / "1.ipynb").read_text() == "first"
    assert {row.student for row in rows if row.late} == {"okaforbo_1235", "anon_abcde"}
    assert done(rows)["patelde_1236_990006_text.html"] == "left out"
    assert done(rows)["silvaev_1237_990007_helper.ipynb"] == "left out"
    record = json.loads(course.collected("momentum").read_text())["okaforbo_1235"]
    assert record["lms"] == "Canvas" and record["lms_id"] == "1235" and record["late"]
    assert not list(course.root.glob("submitted/*/*/timestamp.txt")), "the times in the zip are those of the download"


def test_an_older_canvas_attempt_does_not_replace_the_newer_one(course, packed):
    collect(course, packed({"fischeranna_1234_990005_momentum-1.ipynb": "second"}))
    rows = collect(course, packed({"fischeranna_1234_990001_momentum.ipynb": "first"}))
    assert submitted(course) == {"fischeranna_1234": "second"}
    assert [row.done for row in rows] == ["earlier"]
    assert (course.earlier("momentum", "fischeranna_1234") / "1.ipynb").read_text() == "first"


@pytest.mark.parametrize("form", ["{}_assignsubmission_file_/momentum.ipynb", "{}_assignsubmission_file/a/b.ipynb",
                                  "{}_assignsubmission_file_momentum.ipynb"])  # fmt: skip
def test_a_moodle_download(course, packed, form):
    zipped = packed(
        {
            form.format("Ana Silva Müller_1234567"): "ana",
            form.format("Bo O'Neil_1234568"): "bo",
            "Ana Silva Müller_1234567_assignsubmission_onlinetext_/onlinetext.html": "<p>",
        }
    )
    rows = collect(course, zipped, "momentum")
    assert submitted(course) == {"Ana.Silva.Müller": "ana", "Bo.O'Neil": "bo"}
    assert sum(row.done == "left out" for row in rows) == 1


def test_two_of_one_name_are_told_apart_by_a_list(course, packed, tmp_path):
    zipped = packed({f"Ana Silva_{n}_assignsubmission_file_/momentum.ipynb": str(n) for n in (11, 12)})
    rows = collect(course, zipped)
    assert {row.done for row in rows} == {"refused"} and "several people" in rows[0].words
    assert submitted(course) == {}
    students = tmp_path / "students.csv"
    students.write_text("\ufefflms_id,student,submitted\n11,asilva1,2026-10-01T23:30+02:00\n12,asilva2,\n")
    collect(course, zipped, students=students)
    assert submitted(course) == {"asilva1": "11", "asilva2": "12"}
    stamp = course.submitted("momentum", "asilva1").parent / "timestamp.txt"
    assert stamp.read_text() == "2026-10-01 21:30:00 UTC\n"
    stamp.unlink()
    assert [row.words for row in collect(course, zipped, students=students)] == ["its time was added", ""]
    assert stamp.exists()
    rows = collect(course, packed({"Eva Novak_13_assignsubmission_file_/momentum.ipynb": "x"}), students=students)
    assert rows[0].done == "refused" and "not in the list" in rows[0].words


def test_plain_folders(course, tmp_path):
    source = tmp_path / "in"
    for name in (
        "ada/momentum.ipynb",
        "bob/momentum/momentum.ipynb",
        "cyn.ipynb",
        "submitted/dan/momentum/momentum.ipynb",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    (source / "ada/timestamp.txt").write_text("2026-10-01 21:30:00 UTC\n")
    (source / "ada/.ipynb_checkpoints").mkdir()
    (source / "ada/.ipynb_checkpoints/momentum.ipynb").write_text("old")
    (source / "eve").symlink_to(source / "ada")
    (source / "fay.ipynb").symlink_to("/etc/passwd")
    rows = collect(course, source)
    assert submitted(course).keys() == {"ada", "bob", "cyn", "dan"}
    assert (course.submitted("momentum", "ada").parent / "timestamp.txt").read_text() == "2026-10-01 21:30:00 UTC\n"
    assert done(rows)["eve"] == done(rows)["fay.ipynb"] == "refused"


def test_nothing_is_overwritten_and_a_second_run_changes_nothing(course, tmp_path):
    source = tmp_path / "in"
    (source / "ada").mkdir(parents=True)
    for text in ("one", "two", "three", "one"):
        (source / "ada/momentum.ipynb").write_text(text)
        (source / "ada/timestamp.txt").write_text(f"2026-10-0{len(text)} 21:30:00 UTC\n")
        collect(course, source)
        assert [row.done for row in collect(course, source)] == ["unchanged"]
    kept = {path.name: path.read_text() for path in course.earlier("momentum", "ada").iterdir()}
    assert kept == {
        "1.ipynb": "one", "2.ipynb": "two", "3.ipynb": "three",
        **{f"{n}.txt": f"2026-10-0{d} 21:30:00 UTC\n" for n, d in ((1, 3), (2, 3), (3, 5))},
    }  # fmt: skip


def test_a_dry_run_writes_nothing(course, packed):
    before = sorted(course.root.rglob("*"))
    said = run("collect", packed({"ada/momentum.ipynb": "x"}), "--dry-run", "--course", course.root)
    assert "Would be: 1 new" in said
    assert sorted(course.root.rglob("*")) == before


def test_unsafe_entries_are_refused_one_by_one(course, packed, tmp_path):
    link = zipfile.ZipInfo("ida/momentum.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zipped = packed(
        {
            "ada/momentum.ipynb": "good",
            "../out/momentum.ipynb": "x",
            "/abs/momentum.ipynb": "x",
            "C:/win/momentum.ipynb": "x",
            "..\\back\\momentum.ipynb": "x",
            link: "/etc/passwd",
            "bomb/momentum.ipynb": b"0" * 3_000_000,
            "zoe/momentum.ipynb": "good too",
        }
    )
    data = bytearray(zipped.read_bytes())
    place = data.rindex(b"zoe/momentum.ipynb") - 46  # its line in the zip's directory
    data[place + 8] |= 1
    (tmp_path / "encrypted.zip").write_bytes(bytes(data))
    said = run("collect", zipped, "--course", course.root, code=1)
    assert submitted(course) == {"ada": "good", "zoe": "good too"}
    assert said.count("its path leads out of the zip") == 4
    assert "a symbolic link" in said and "a zip bomb?" in said
    assert not (tmp_path / "out").exists()
    said = run("collect", tmp_path / "encrypted.zip", "--course", course.root, code=1)
    assert "it is encrypted" in said and "unchanged" in said


def test_damage_inside_costs_one_file(course, packed):
    zipped = packed({"ada/momentum.ipynb": "A" * 40, "bob/momentum.ipynb": "B" * 40}, compression=zipfile.ZIP_STORED)
    zipped.write_bytes(zipped.read_bytes().replace(b"A" * 40, b"A" * 39 + b"x"))
    rows = collect(course, zipped)
    assert submitted(course) == {"bob": "B" * 40}
    assert "it is damaged" in rows[0].words


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_what_is_packed_costs_one_file(course, packed, way):
    texts = {name: " ".join(f"{name}{number}" for number in range(40)) for name in ("ada", "bob")}
    zipped = packed({f"{name}/momentum.ipynb": text for name, text in texts.items()}, compression=way)
    data = bytearray(zipped.read_bytes())
    start = data.index(b"ada/momentum.ipynb") + len("ada/momentum.ipynb")
    for place in range(start, start + 12):
        data[place] ^= 0xFF
    zipped.write_bytes(data)
    rows = collect(course, zipped)
    assert submitted(course) == {"bob": texts["bob"]}
    assert done(rows)["ada/momentum.ipynb"] == "refused" and "it is damaged" in rows[0].words


@pytest.mark.parametrize("form", ["Ana Silva_7_assignsubmission_file/{}", "Ana Silva_7_assignsubmission_file/a/{}"])
def test_what_a_student_wrote_into_a_zip_does_not_say_when_it_was_handed_in(course, packed, form):
    mine = {form.format("momentum.ipynb"): "x", form.format("timestamp.txt"): "2020-01-01 00:00:00 UTC"}
    rows = collect(course, packed(mine))
    assert submitted(course) == {"Ana.Silva": "x"} and done(rows)[form.format("timestamp.txt")] == "left out"
    assert not list(course.root.glob("submitted/*/*/timestamp.txt"))


@pytest.mark.parametrize(
    "mine, student",
    [
        ("bob/alice_7_assignsubmission_file_momentum.ipynb", None),
        ("bob/alice_7_assignsubmission_file/momentum.ipynb", None),
        ("bob/alice_1234_99_momentum.ipynb", None),
        ("bob_1234_99_alice_7_assignsubmission_file_momentum.ipynb", "bob_1234"),
        ("Bob_8_assignsubmission_file/alice_7_assignsubmission_file_momentum.ipynb", "Bob"),
    ],
)
def test_a_file_that_is_named_as_a_neighbours_costs_the_neighbour_nothing(course, packed, tmp_path, mine, student):
    students = tmp_path / "students.csv"
    students.write_text("lms_id,student\nalice,alice\n7,alice\n1234,bob_1234\n8,Bob\n")
    rows = collect(course, packed({"alice/momentum.ipynb": "hers", mine: "his"}), students=students)
    assert submitted(course) == {"alice": "hers"} | ({student: "his"} if student else {})
    assert done(rows)[mine] == ("new" if student else "refused")


def test_names_that_are_too_long_or_written_apart(course, packed, tmp_path):
    rows = collect(course, packed({f"{'字' * 80}/momentum.ipynb": "x", "Jose\u0301/momentum.ipynb": "y"}))
    assert [row.done for row in rows] == ["refused", "new"] and submitted(course) == {"Jos\u00e9": "y"}
    students = tmp_path / "students.csv"
    students.write_text("lms_id,student\nJos\u00e9 M,jm\n", encoding="utf-8")
    collect(course, packed({"Jose\u0301 M_5_assignsubmission_file/momentum.ipynb": "z"}), students=students)
    assert submitted(course)["jm"] == "z"


def test_a_file_that_cannot_be_put_in_place_is_tried_again(course, packed, monkeypatch):
    zipped = packed({"ada/momentum.ipynb": "a", "bob/momentum.ipynb": "b"})
    write = collecting.write

    def full(path, content):
        if "ada" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(collecting, "write", full)
    said = run("collect", zipped, "--course", course.root, code=1)
    assert "no space left on device" in said and submitted(course) == {"bob": "b"}
    monkeypatch.setattr(collecting, "write", write)
    assert "1 new, 1 unchanged" in run("collect", zipped, "--course", course.root)


def test_limits(course, packed, monkeypatch):
    zipped = packed({f"s{n}/momentum.ipynb": "x" * 100 for n in range(9)})
    monkeypatch.setattr(sources, "MOST_BYTES", 500)
    assert sum(row.done == "refused" for row in collect(course, zipped)) == 4
    monkeypatch.setattr(sources, "MOST_FILES", 8)
    assert "No class is that large" in run("collect", zipped, "--course", course.root, code=2)
    monkeypatch.setattr(sources, "LARGEST", 50)
    monkeypatch.setattr(sources, "MOST_FILES", 10)
    assert sum("larger than" in row.words for row in collect(course, zipped)) == 9


@pytest.mark.parametrize(
    "text, words",
    [
        ("a,b\n", "needs the columns"),
        ("lms_id,student\n1,../x\n", "line 2: '../x' cannot be"),
        ("lms_id,student,submitted\n1,a,noon\n", "is not a time"),
        ("lms_id,student\n1,a\n1,b\n", "stands there twice"),
    ],
)
def test_a_list_that_cannot_be_used(course, packed, tmp_path, text, words):
    students = tmp_path / "students.csv"
    students.write_text(text)
    zipped = packed({"ada/momentum.ipynb": "x"})
    assert words in run("collect", zipped, "--students", students, "--course", course.root, code=2)


def test_sources_that_cannot_be_used(course, tmp_path):
    (tmp_path / "x.zip").write_text("no zip")
    assert "neither a folder nor a zip" in run("collect", tmp_path / "x.zip", "--course", course.root, code=2)
    assert "There is no" in run("collect", tmp_path / "y.zip", "--course", course.root, code=2)
    assert "There is no release called" in run("collect", tmp_path / "x.zip", "adam", "--course", course.root, code=2)


def test_links_in_the_course_are_not_followed(course, packed, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (course.root / "submitted").mkdir()
    (course.root / "submitted/ada").symlink_to(tmp_path / "elsewhere")
    rows = collect(course, packed({"ada/momentum.ipynb": "x"}))
    assert rows[0].done == "refused" and not list((tmp_path / "elsewhere").iterdir())


def test_several_assignments(course, packed):
    course.release("adam").parent.mkdir(parents=True)
    course.release("adam").write_text("{}")
    zipped = packed(
        {"ada/momentum.ipynb": "m", "ada/adam.ipynb": "a", "bob/hw.ipynb": "?", "x_1_2_momentum-1.ipynb": "c"}
    )
    rows = collect(course, zipped)
    assert done(rows)["bob/hw.ipynb"] == "refused"
    assert submitted(course) == {"ada": "m", "x_1": "c"} and submitted(course, "adam") == {"ada": "a"}
    assert done(collect(course, zipped, "adam"))["ada/momentum.ipynb"] == "left out"


def test_the_result_as_json(course, packed):
    said = json.loads(run("collect", packed({"ada/momentum.ipynb": "x"}), "--json", "--course", course.root))
    assert said["files"][0] | {"words": ""} == {
        "file": "ada/momentum.ipynb", "student": "ada", "assignment": "momentum", "done": "new", "words": "", "late": False,
    }  # fmt: skip


@given(st.lists(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_name_says_something_or_nothing(parts):
    found = hand_in(sources.PurePosixPath("/".join(parts)))
    assert found is None or found.lms in ("Canvas", "Moodle", "folder")


def test_what_was_collected_is_graded(released, tmp_path):
    import shutil

    course, hall = Course(tmp_path / "course"), Course(tmp_path / "hall")
    shutil.copytree(released.root, course.root)
    shutil.copytree(released.root, hall.root)
    sample_class.write(hall, sample_class.the_class()[:1])
    run("collect", hall.root / "submitted", "--course", course.root)
    assert "afischer: 21 of 25 points" in run("grade", "--course", course.root)
