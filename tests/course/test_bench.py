"""The bench of grading runs, and notices wrong points."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from thalweg.course.outcomes import Outcome

BENCH = Path(__file__).parents[1] / "bench/grading.py"


def test_a_tiny_bench_runs(bubblewrap):
    command = [sys.executable, BENCH, "--sizes", "6", "--stock", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head.split()[:2] == ["submissions", "seconds"]
    assert row.startswith("thalweg grade") and row.split()[2] == "6"
    assert all(float(number) > 0 for number in row.split()[2:])


@pytest.fixture
def bench():
    spec = spec_from_file_location("bench_grading", BENCH)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_it_notices_wrong_points(bench, released):
    students = bench.generated(released, 15)
    assert [sum(s.name.startswith(kind) for s in students) for kind in ("right", "mistaken", "quick")] == [12, 2, 1]
    known = {"momentum.velocity": {"mistake": "uphill"}}
    good = {
        s.name: Outcome(s.name, "momentum", "graded", points=21 if s.name.startswith("right") else 3, verdicts=known)
        for s in students
    }
    assert bench.wrong(students, good) == []
    first = students[0].name
    assert "is right, but got 20" in bench.wrong(students, good | {first: replace(good[first], points=20)})[0]
    assert "right, but got 21" in bench.wrong(students, good | {first: replace(good[first], outcome="crashed")})[0]
    mistaken = next(s.name for s in students if s.name.startswith("mistaken"))
    assert "known mistakes" in bench.wrong(students, good | {mistaken: replace(good[mistaken], points=21)})[0]
    del good[first]
    assert bench.wrong(students, good) == [f"{first} has no outcome"]
