"""Exercises in PyTorch: an exercise says that it needs it, and then its submissions have it; all others do not.

The exercise is this test's own. It stands in a copy of the package, where no student and no other test can reach it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg.exercises

ASKED = '''
"""A step of gradient descent on a tensor."""

from .exercise import Case, Exercise


def _run(answer, inputs):
    import torch

    theta = torch.tensor(inputs["theta"], requires_grad=True)
    return {"theta": answer(theta, lambda point: (point**2).sum(), inputs["lr"]).detach().numpy()}


descend = Exercise(
    name="tensors.descend",
    title="A step",
    draw=lambda rng: [Case("values", {"theta": rng.normal(size=3), "lr": float(rng.uniform(0.1, 0.3))})],
    run=_run,
    parts={"values": 2},
    torch=True,
)
EXERCISES = {descend.name: descend}
'''
KEY = '''
"""The answer."""

from ..judge import Key


def _descend(theta, loss, lr):
    loss(theta).backward()
    return theta - lr * theta.grad


KEYS = {"tensors.descend": Key(_descend)}
'''
RIGHT = """
import torch

def descend(theta, loss, lr):
    optimizer = torch.optim.SGD([theta], lr=lr)
    optimizer.zero_grad()
    loss(theta).backward()
    optimizer.step()
    return theta
"""
WRONG = RIGHT.replace("lr=lr", "lr=2 * lr")
THREADS = "import torch\nassert torch.get_num_threads() == 1\n(torch.rand(500, 500) @ torch.rand(500, 500)).sum()\n"
SEARCH = "from thalweg.torch import Momentum"
DRIVER = """
import json, sys, time
from contextlib import suppress
import psutil
from nbformat.v4 import new_code_cell, new_notebook
from thalweg.course.execution import Job, code, execute
from thalweg.course.judging import judge_submission
from thalweg.course.sandbox.outside import Limits, Sandbox

POINTS = {"points": "tensors.descend"}

def notebook(source):
    return new_notebook(cells=[new_code_cell(source), new_code_cell(metadata={"nbgrader": {"grade_id": "points"}})])

def told(done):
    stopped = [out.evalue for cell in done.notebook.cells for out in cell.outputs if out.output_type == "error"]
    return [sum(verdict.points for verdict in done.verdicts.values()), done.end, stopped]

def used(sandbox):
    total = 0.0
    for process in psutil.Process(sandbox._process.pid).children(recursive=True):
        with suppress(psutil.Error):  # a keeper that has just ended
            total += sum(process.cpu_times()[:4])
    return total

sources = json.load(sys.stdin)
found = {}
for title, source in sources.items():
    found[title] = told(execute(Job("ada", notebook(source), POINTS, 1, Limits(), True, code())))
with Sandbox() as sandbox:
    found["without"] = told(judge_submission(sandbox, notebook("import torch"), {}, 1, Limits()))
with Sandbox(torch=True) as sandbox:
    before, begun = used(sandbox), time.process_time()
    for _ in range(20):
        judge_submission(sandbox, notebook(sources["right"]), POINTS, 1, Limits())
    sandbox.session(Limits()).close()  # the parent waits for the last one
    found["seconds of CPU"] = (used(sandbox) - before + time.process_time() - begun) / 20
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(bubblewrap, tmp_path_factory) -> dict:
    """What became of some submissions to the made-up exercise."""
    folder = tmp_path_factory.mktemp("tensors")
    package = folder / "thalweg"
    shutil.copytree(Path(thalweg.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "exercises/tensors.py").write_text(ASKED)
    (package / "exercises/keys/tensors.py").write_text(KEY)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps({"right": RIGHT, "wrong": WRONG, "threads": THREADS + RIGHT, "search": SEARCH}),
        env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_answer_in_pytorch_is_judged(found):
    assert found["right"] == [2, None, []]
    assert found["wrong"] == [0, None, []]


def test_pytorch_has_one_thread_and_computes_after_the_fork(found):
    assert found["threads"] == [2, None, []]


def test_the_answers_are_as_far_away_as_ever(found):
    assert "thalweg.torch" in found["search"][2][0]


def test_no_other_submission_has_pytorch(found):
    assert "torch" in found["without"][2][0]


def test_the_exercise_is_this_tests_own(found):
    with pytest.raises(ValueError, match="its topic must be one of"):
        thalweg.exercises.exercise("tensors.descend")
    print("seconds of CPU a submission:", found["seconds of CPU"])
