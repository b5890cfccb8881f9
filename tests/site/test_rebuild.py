"""What is done anew after a change, on a small book with the real configuration: no more than the change asks for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from thalweg import site
from thalweg.site import collected, execute

ROOT = Path(__file__).parents[2]
RUNS = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---

# Runs

It counts.

```{code-cell} ipython3
n = open("COUNT", "a").write("run ")
```
"""


@pytest.fixture
def book(tmp_path):
    """A front page, a page that runs, and one that does not; with a copy of the package whose files may be changed."""
    for name in ("_config.yml", "chapters/references.bib"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "lib/thalweg", tmp_path / "lib/thalweg", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "lib/web").mkdir()
    (tmp_path / "lib/web/node_modules").symlink_to(ROOT / "lib/web/node_modules")
    (tmp_path / "_build/vendor").mkdir(parents=True)
    pages = {
        "index": "# Front\n",
        "runs": RUNS.replace("COUNT", str(tmp_path / "count")),
        "reads": "# Reads\n\nA page to read.\n",
        "goes": "# Goes\n\nOne too many.\n",
    }
    for name, text in pages.items():
        (tmp_path / f"chapters/{name}.md").write_text(text)
    contents(tmp_path, "runs", "reads", "goes")
    return tmp_path


def contents(book, *names):
    lines = "".join(f"- file: chapters/{name}\n" for name in names)
    (book / "_toc.yml").write_text(f"format: jb-book\nroot: chapters/index\nchapters:\n{lines}")


def build(book):
    """Execute and build as `make site` does; the pages of the book that were written."""
    html = book / "_build/html"
    before = {path: path.stat().st_mtime_ns for path in html.glob("chapters/*.html")}
    environment = os.environ | {"PYTHONPATH": str(book / "lib"), "TQDM_DISABLE": "1", "OFFLINE": ""}
    program = Path(sys.executable).with_name("jupyter-book")
    for command in (
        [sys.executable, "-m", "thalweg.site.execute"],
        [program, "build", ".", "-W", "-n", "--keep-going"],
    ):
        done = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem for path in html.glob("chapters/*.html") if path.stat().st_mtime_ns != before.get(path)}


def test_a_change_is_followed_and_nothing_else_is_done(book):
    assert build(book) == {"index", "runs", "reads", "goes"}
    assert (book / "count").read_text() == "run "

    page = book / "chapters/runs.md"
    page.write_text(page.read_text().replace("It counts.", "It counts its runs."))
    assert build(book) <= {"index", "runs"}, "an edited sentence concerns its page, and the one above it"
    assert "It counts its runs." in (book / "_build/html/chapters/runs.html").read_text()
    assert (book / "count").read_text() == "run ", "an edited sentence executes nothing"

    (book / "chapters/goes.md").unlink()
    contents(book, "runs", "reads")
    sheet = book / "lib/thalweg/site/static/thalweg.css"
    sheet.write_text(sheet.read_text() + "/* new */\n")
    assert build(book) == {"index", "runs", "reads"}, "a changed style sheet concerns every page: they name its version"
    assert not (book / "_build/html/chapters/goes.html").exists()
    assert (book / "_build/html/_static/thalweg.css").read_text().endswith("/* new */\n")
    assert (book / "count").read_text() == "run "


def test_only_what_was_executed_anew_and_what_shows_its_numbers_is_read_again(monkeypatch):
    env = SimpleNamespace(
        found_docs={"a", "b", "shows", "reads"},
        metadata={"a": {}, "b": {}, "shows": {"shows": ["b"]}, "reads": {"shows": ["a"]}},
        thalweg_executed={"a.md": "1", "b.md": "1"},
    )
    monkeypatch.setattr(execute, "executed", lambda: {"a.md": "1", "b.md": "2"})
    app = SimpleNamespace(srcdir="/book")
    assert set(site._executed_anew(app, env, set(), set(), set())) == {"b", "shows"}
    assert site._executed_anew(app, env, set(), set(), set()) == []


def test_pages_that_collect_are_read_again_when_a_chapter_says_something_else_of_itself_and_not_with_every_sentence(
    tmp_path,
):
    (tmp_path / "_toc.yml").write_text("parts:\n- caption: One\n  chapters:\n  - file: topic\n")
    head = "---\nthalweg: {card: A card., needs: [], minutes: {core: 1, all: 2}}\n---\n\n# Title\n\n"
    env = SimpleNamespace(found_docs={"glossary", "topic"}, metadata={"glossary": {"collects": True}, "topic": {}})
    app = SimpleNamespace(srcdir=tmp_path)

    def outdated(text):
        (tmp_path / "topic.md").write_text(text)
        return collected._outdated(app, env, set(), set(), set())

    term = "```{defined} term\nWhat it is.\n```\n"
    assert outdated(head + term) == []
    assert outdated(head + term + "A sentence.\n") == []
    assert outdated(head + term.replace("it is", "it was")) == ["glossary"]
    assert outdated(head.replace("A card", "Another") + term) == ["glossary"]
    assert outdated(head.replace("A card", "Another") + term + "```{results}\n| a |\n```\n") == ["glossary"]
