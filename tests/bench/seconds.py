"""A pytest plugin: the processor's seconds of every test, with all that it starts, browsers too; tests of other topics are left out.

    PYTHONPATH=tests/bench python -m pytest -p seconds --seconds FILE [--topic momentum]

FILE gets one line a test: the topic that its name says (empty for none), its name, its seconds. What a fixture of the whole session costs
stands with the test that asked first. With ``--topic`` the tests that name another topic are not run.
"""

import json
import os
import re
from pathlib import Path

import pytest

from thalweg.exercises import topics

TICK = os.sysconf("SC_CLK_TCK")


def spent() -> float:
    """Seconds of this process and of all below it, those that have ended and were waited for among them."""
    parents, times = {}, {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        pid = int(status.parent.name)
        parents[pid], times[pid] = int(fields[1]), sum(map(int, fields[11:15])) / TICK

    def mine(pid: int) -> bool:
        while pid not in (os.getpid(), 0):
            pid = parents.get(pid, 0)
        return pid != 0

    return sum(seconds for pid, seconds in times.items() if mine(pid))


def topic_of(test: str) -> str:
    """The topic that a test's file or parameters name; an empty text for none."""
    file, _, name = test.partition("::")
    words = re.findall(r"\w+", f"{Path(file).stem.removeprefix('test_')} {name.partition('[')[2]}")
    return next((word for word in words if word in topics()), "")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write, and which topic's tests to run."""
    parser.addoption("--seconds", type=Path, required=True)
    parser.addoption("--topic")


def pytest_configure(config: pytest.Config) -> None:
    """Begin the file anew."""
    config.getoption("--seconds").write_text("")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other topics."""
    if only := config.getoption("--topic"):
        others = [item for item in items if topic_of(item.nodeid) not in ("", only)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """Measure one test with its fixtures."""
    before = spent()
    result = yield
    with item.config.getoption("--seconds").open("a") as file:
        print(json.dumps([topic_of(item.nodeid), item.nodeid, round(spent() - before, 3)]), file=file)
    return result
