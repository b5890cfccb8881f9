"""The workflows that test and publish: the Makefile's own commands, pinned actions, no more rights than needed."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def workflow(name):
    # YAML 1.1 reads the key "on" as true
    return yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())


def steps(flow):
    return [step for job in flow["jobs"].values() for step in job["steps"]]


def commands(flow):
    return [step["run"] for step in steps(flow) if "run" in step]


def test_both_are_there():
    assert [path.stem for path in WORKFLOWS] == ["pages", "tests"]


@pytest.mark.parametrize("name", ["pages", "tests"])
def test_commands_are_targets_of_the_makefile(name):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = [command.split() for command in commands(workflow(name)) if command.startswith("make")]
    assert [words for words in asked if len(words) != 2 or words[1] not in targets] == []


@pytest.mark.parametrize("name", ["pages", "tests"])
def test_actions_are_pinned_and_jobs_end(name):
    flow = workflow(name)
    used = [step["uses"] for step in steps(flow) if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)] == []
    assert flow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in flow["jobs"].values())


@pytest.mark.parametrize("name", ["pages", "tests"])
def test_caches_hold_what_they_name(name):
    caches = [step["with"] for step in steps(workflow(name)) if "actions/cache@" in step.get("uses", "")]
    assert [cache["path"] for cache in caches] == ["_build/.jupyter_cache"]
    for pattern in re.findall(r"'([^']+)'", caches[0]["key"]):
        assert list(ROOT.glob(pattern)), pattern
    python = next(step["with"] for step in steps(workflow(name)) if "setup-python@" in step.get("uses", ""))
    assert python["cache"] == "pip"
    assert all((ROOT / path).is_file() for path in python["cache-dependency-path"].split())


def test_pull_requests_are_tested():
    flow = workflow("tests")
    assert "pull_request" in flow[True]
    assert commands(flow) == ["make test"]


def test_only_what_passed_is_published():
    flow = workflow("pages")
    assert flow[True]["push"]["branches"] == ["main"]
    assert commands(flow)[:2] == ["make test", "make pdf"]
    upload = flow["jobs"]["build"]["steps"][-1]
    assert upload["with"]["path"] == "_build/html"
    deploy = flow["jobs"]["deploy"]
    assert deploy["needs"] == "build"
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
