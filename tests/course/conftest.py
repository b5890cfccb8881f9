"""One course for all tests of this folder: released, handed in and graded once. Whoever changes it takes a copy."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import sample_class
from classroom import SOLUTIONS, extras, run

from thalweg.course import outcomes
from thalweg.course.folders import Course


@pytest.fixture(scope="session")
def released(tmp_path_factory) -> Iterator[Course]:
    """A course in which nothing was handed in yet; at the end it must be as it was, or a test has changed the others'."""
    course = Course(tmp_path_factory.mktemp("released") / "course")
    run("release", "momentum", "--course", course.root, "--solutions", SOLUTIONS)
    yield course
    assert course.assignments(None) == ["momentum"]
    assert not (course.root / "submitted").exists()


@pytest.fixture(scope="session")
def graded(bubblewrap, released, tmp_path_factory) -> Course:
    """The course with the sample class and the extras, graded, with feedback, report and export."""
    course = Course(tmp_path_factory.mktemp("graded") / "course")
    shutil.copytree(released.root, course.root)
    sample_class.write(course, [*sample_class.the_class(), *extras()])
    for command in ("grade", "feedback", "report", "export"):
        run(command, "--course", course.root)
    return course


@pytest.fixture(scope="session")
def ended(graded) -> dict[str, outcomes.Outcome]:
    """What became of each submission in ``graded``."""
    return outcomes.load(graded, "momentum")


@pytest.fixture
def copy(graded, tmp_path) -> Course:
    """A copy of ``graded`` to change."""
    shutil.copytree(graded.root, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture(scope="session")
def postgresql(postgresql_programs) -> Iterator[Callable[[], str]]:
    """A PostgreSQL server of our own. Each call makes an empty database and returns its address, with a password."""
    password = secrets.token_hex(8)
    # not in pytest's own folder: the server refuses to run as root, and nobody else may look into that one
    with tempfile.TemporaryDirectory(prefix="thalweg-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "password").write_text(password)
        (folder / "log").touch()
        user = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
        if user:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "nobody")

        def call(program: str, *arguments: object) -> None:
            command = [postgresql_programs / program, "-D", folder / "data", *map(str, arguments)]
            with (folder / "log").open("a") as log:
                done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **user)
            assert done.returncode == 0, (folder / "log").read_text()

        call("initdb", "-U", "grader", "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync")
        # a socket in the folder, and no port, which another program could take first
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", "start", "-w", "-t", 120, "-l", folder / "log", "-o", options)

        def database() -> str:
            name = f"course_{secrets.token_hex(4)}"
            connection = psycopg2.connect(host=str(folder), user="grader", password=password, dbname="postgres")
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name}")
            connection.close()
            return f"postgresql://grader:{password}@/{name}?host={folder}"

        try:
            yield database
        finally:
            call("pg_ctl", "stop", "-m", "immediate")
