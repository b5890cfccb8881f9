"""A small topic is made up and added to a copy of the project: its own files, one line in each of six others, and it is everywhere."""

import os
import re
import shutil
import subprocess
import sys
from filecmp import cmp
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup
from test_rebuild import build

ROOT = Path(__file__).parents[2]
COPIED = (
    "chapters",
    "lib/thalweg",
    "solutions",
    "tests",
    "_config.yml",
    "_toc.yml",
    "nbgrader_config.py",
    "pyproject.toml",
)
PAGES = (
    "exercises",
    "results",
    "glossary",
    "api",
    "bibliography",
    "lectures/penn",
)  # that collect, and need no other chapter
EDITED = {
    "_toc.yml",
    "chapters/lectures/topics.yml",
    "chapters/references.bib",
    "lib/thalweg/numpy/__init__.py",
    "lib/thalweg/torch/__init__.py",
}
NUMPY = '''"""Undertow: gradient descent in water that draws back to where it came from."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Undertow"]


@dataclass(frozen=True)
class Undertow:
    """Gradient descent with a pull to the origin. Source: {cite}`undertow1900`."""

    lr: float = 0.1
    pull: float = 0.01

    def init(self, theta):
        """No state: an empty array."""
        return np.zeros(0)

    def step(self, theta, grad, state):
        """Return the next ``theta`` and ``state``."""
        return theta - self.lr * (grad + self.pull * theta), state
'''
TORCH = '''"""Undertow on PyTorch tensors."""

from ._optimizer import ListOptimizer

__all__ = ["Undertow"]


class Undertow(ListOptimizer):
    """As in NumPy."""
'''
PROOF = "from thalweg.numpy import Undertow\n\n\ndef test_it_pulls():\n    assert Undertow(0.5, 1).step(2, 0, None)[0] == 1\n"
PAPER = "\n@misc{undertow1900,\n  author = {Wave, Ada},\n  title = {Undertow},\n  year = {1900}\n}\n"
CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
thalweg:
  card: Water that draws back.
  needs: []
  minutes: {core: 1, all: 2}
---

(undertow)=
# Undertow

```{mirrors} undertow
```

## The pull

```{defined} tug
How hard the water draws.
```

The *tug* is described by Wave {cite}`undertow1900`.

```{code-cell} ipython3
from thalweg.figures import measured
from thalweg.numpy import Undertow
measured("pulled", f"{Undertow(0.5, 1).step(2.0, 0.0, None)[0]:.1f} ells")
```

```{reference} thalweg.numpy.Undertow.step
```

## What was measured

```{results}
| Claim | Measured here |
|---|---|
| It pulls. | {measured}`undertow/pulled` |
```

## Exercises
"""


def renamed(book, path):
    """Another topic's file, with the name of this one."""
    text = (ROOT / path).read_text(encoding="utf-8")
    target = book / path.replace("momentum", "undertow")
    target.write_text(re.sub(r"\bmomentum\b", "undertow", text), encoding="utf-8")


def add(book):
    """Add the topic as whoever writes one would."""
    (book / "lib/thalweg/numpy/undertow.py").write_text(NUMPY)
    (book / "lib/thalweg/torch/undertow.py").write_text(TORCH)
    (book / "tests/topics/test_undertow.py").write_text(PROOF)
    for path in ("lib/thalweg/exercises/", "lib/thalweg/exercises/keys/", "tests/exercises/alternatives_"):
        renamed(book, f"{path}momentum.py")
    renamed(book, "solutions/momentum.md")
    asked = re.findall(
        r'^ +name="(undertow\.\w+)"', (book / "lib/thalweg/exercises/undertow.py").read_text(), re.MULTILINE
    )
    boxes = "".join(f"\n```{{exercise}} {name}\nPull.\n```\n" for name in asked)
    (book / "chapters/undertow.md").write_text(CHAPTER + boxes)

    changed(book / "_toc.yml", "      - file: chapters/momentum\n", "      - file: chapters/undertow\n")
    for room in ("numpy", "torch"):
        changed(book / f"lib/thalweg/{room}/__init__.py", "from .momentum import *\n", "from .undertow import *\n")
    changed(book / "chapters/references.bib", "", PAPER)
    heading = "    - {heading: Water, topic: gradient_descent, anchor: undertow}\n"
    changed(book / "chapters/lectures/topics.yml", "  headings:\n", heading)


def changed(path, after, new):
    """Put something new behind what stands in a file."""
    text = path.read_text(encoding="utf-8")
    assert after in text
    path.write_text(text.replace(after, after + new, 1) if after else text + new, encoding="utf-8")


def cut_down(book):
    """Leave the pages that are looked at here, so that they are built in seconds."""
    pages = "".join(f"    - file: chapters/{name}\n" for name in ("undertow", *PAGES[1:], "notation", "errata"))
    toc = f"format: jb-book\nroot: chapters/{PAGES[0]}\nparts:\n- caption: All\n  chapters:\n{pages}"
    (book / "_toc.yml").write_text(toc)
    (book / "chapters/notation.md").write_text("# Notation\n")
    (book / "chapters/errata.md").write_text("(errata-penn)=\n# Errata\n")
    lecture = yaml.safe_load((book / "chapters/lectures/topics.yml").read_text())["penn"]
    lecture["headings"] = [heading for heading in lecture["headings"] if heading["anchor"] == "undertow"]
    (book / "chapters/lectures/topics.yml").write_text(yaml.safe_dump({"penn": lecture}))


def files(folder):
    """All that is copied, each file by its path."""
    found = {
        path.relative_to(folder).as_posix()
        for name in COPIED
        for path in [folder / name, *(folder / name).rglob("*")]
        if path.is_file()
    }
    return {path for path in found if "__pycache__" not in path}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The copy with the topic, built; which files are new and which were edited."""
    book = tmp_path_factory.mktemp("book")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, book / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, book / name)
    (book / "_build/vendor").mkdir(parents=True)
    (book / "lib/web").mkdir(exist_ok=True)
    (book / "lib/web/node_modules").symlink_to(ROOT / "lib/web/node_modules")  # what draws the formulas
    add(book)
    new = files(book) - files(ROOT)
    edited = {path for path in files(book) - new if not cmp(ROOT / path, book / path, shallow=False)}
    cut_down(book)
    run(book, "-m", "thalweg", "release", "undertow")
    build(book)
    return SimpleNamespace(folder=book, new=new, edited=edited)


def run(book, *command):
    """What a Python command prints that is run in the copy."""
    environment = os.environ | {"PYTHONPATH": str(book / "lib")}
    done = subprocess.run([sys.executable, *command], cwd=book, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def page(book, name):
    return BeautifulSoup((book.folder / f"_build/html/{name}.html").read_text(encoding="utf-8"), "html.parser")


def test_nothing_else_was_edited(book):
    assert len(book.new) == 8 and all(Path(path).stem.endswith("undertow") for path in book.new)
    assert book.edited == EDITED


def test_the_pages_that_show_all_topics_show_it(book):
    exercises = page(book, "chapters/exercises")
    assert [heading.next for heading in exercises.select("article h2")] == ["Undertow"]
    assert exercises.select_one("input[value='undertow.heavy_ball']")
    assert exercises.select_one("a[href='undertow.html#exercise-undertow-heavy-ball']")
    assert exercises.select_one("a[href$='?path=undertow.ipynb']")

    results = page(book, "chapters/results")
    assert results.select_one("article a[href='undertow.html']")
    assert results.select_one("table").get_text(" ", strip=True) == "Claim Measured here It pulls. 1.0 ells"
    assert "1.0 ells" in page(book, "chapters/undertow").select_one(".tw-results").get_text()

    entry = page(book, "chapters/glossary").find(id="term-tug").find_next_sibling("dd")
    assert entry.get_text(" ", strip=True).startswith("How hard the water draws.")
    assert entry.select_one("a")["href"] == "undertow.html#defined-tug"
    assert "How hard" not in page(book, "chapters/undertow").get_text()
    assert page(book, "genindex").select_one("a[href='chapters/undertow.html#defined-tug']").get_text() == "tug"

    assert {"thalweg.numpy.Undertow.step", "thalweg.torch.Undertow"} <= {
        term["id"] for term in page(book, "chapters/api").select("dt.sig[id]")
    }
    assert "Wave" in page(book, "chapters/bibliography").get_text()
    assert page(book, "chapters/lectures/penn").select_one("a[href='../undertow.html#undertow']")
    assert page(book, "chapters/undertow").select_one("ul.mirrors a[href='lectures/penn.html#penn-water']")


def test_its_proofs_and_the_sample_class_pick_it_up(book):
    said = run(
        book.folder, "-m", "pytest", "-q", "tests/topics/test_undertow.py", "tests/exercises/test_judges.py", "-k", "undertow and (pulls or enough)"
    )  # fmt: skip
    assert re.search(r"^[2-9] passed", said, re.MULTILINE), said
    run(book.folder, "tests/course/sample_class.py", "--size", "3")
    assert len(list((book.folder / "_build/course/submitted").glob("*/undertow/undertow.ipynb"))) == 3
