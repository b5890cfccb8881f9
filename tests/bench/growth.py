"""What the book costs as it grows: with its topics, and with copies of them under other names, 27 in all.

    python tests/bench/growth.py [test] [course] [sentence] [open] [search] [pdf] [--topics N ...] [--executed]

Each quantity can be asked for alone; all of them, with nothing named, take hours. Books are made in temporary folders with this
checkout's Python environment and what it has fetched, so that times are those of the work and not of the network. Minutes are wall time,
with the processor's time of everything but browsers beside it. With ``--executed`` pages keep what they printed in this checkout: the
times are then without executing them.

What ``test`` prints is all of ``make test`` but the set-up, from the pages that are executed on. The tests that fail in a book of copies are
named: what they hold the real book to, such as its 27 names, need not hold there.
"""

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.readers import get_reader

from thalweg.site.kernels import PAGE

ROOT = Path(__file__).resolve().parents[2]
FETCHED = (".venv", "lib/web/node_modules", "_build/vendor", "_build/wheels", "_build/test-pyodide")
LEFT_OUT = (".git", ".venv", "_build", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
TOPIC = "momentum"  # the one that is looked at
MARKED = "Gradient descent has no memory."  # a sentence of the chapter on momentum
QUANTITIES = (
    "test",
    "course",
    "sentence",
    "open",
    "search",
    "pdf",
)  # the first from nothing, the others then find the site built


def book(folder: Path, size: int, executed: bool) -> Path:
    """A copy of the project with ``size`` topics."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in FETCHED:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(ROOT / name)
    topics = sorted(path.stem for path in (ROOT / "solutions").glob("*.md"))
    added = [
        (topic, f"{topic}_{2 + n // len(topics)}") for n, topic in enumerate(islice(cycle(topics), size - len(topics)))
    ]
    for topic, name in added:
        add(folder, topic, name)
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "format", "-q", "."], cwd=folder, check=True)  # the copies have longer names
    if executed:
        shutil.copytree(ROOT / "_build/.jupyter_cache", folder / "_build/.jupyter_cache")
        for topic, name in added:
            printed(folder, topic, name)
    return folder


def printed(folder: Path, topic: str, name: str) -> None:
    """Let the copy of a chapter have printed what the chapter has."""
    cache, read = get_cache(str(folder / "_build/.jupyter_cache")), get_reader(PAGE)
    page = str(folder / f"chapters/{name}.md")
    known = cache.get_cache_bundle(cache.match_cache_notebook(read(str(folder / f"chapters/{topic}.md"))).pk).nb
    copy = read(page)
    cells = [[cell for cell in book.cells if cell.cell_type == "code"] for book in (copy, known)]
    for new, old in zip(*cells, strict=True):
        new.update(outputs=old.outputs, execution_count=old.execution_count)
    cache.cache_notebook_bundle(CacheBundleIn(copy, page), check_validity=False)
    library = folder / "_build/.jupyter_cache/library.json"
    pages = json.loads(library.read_text())
    pages[f"chapters/{name}.md"] = pages[f"chapters/{topic}.md"]
    library.write_text(json.dumps(pages))


def add(folder: Path, topic: str, name: str) -> None:
    """Copy a topic in all its rooms; what has to be unique gets the new name."""
    number = name.rpartition("_")[2]
    for room in ("numpy", "torch"):
        module = ROOT / f"lib/thalweg/{room}/{topic}.py"
        text = module.read_text(encoding="utf-8")
        names = re.findall(r'"(\w+)"', re.search(r"^__all__ = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)[1])
        module = folder / f"lib/thalweg/{room}/{name}.py"
        module.write_text(re.sub(rf"\b({'|'.join(names)})\b", rf"\g<1>{number}", text), encoding="utf-8")
        after(folder / f"lib/thalweg/{room}/__init__.py", f"from .{topic} import *\n", f"from .{name} import *\n")
    for path in (
        "lib/thalweg/exercises/{}.py",
        "lib/thalweg/exercises/keys/{}.py",
        "tests/exercises/alternatives_{}.py",
        "solutions/{}.md",
    ):
        text = (ROOT / path.format(topic)).read_text(encoding="utf-8")
        (folder / path.format(name)).write_text(text.replace(f'"{topic}.', f'"{name}.'), encoding="utf-8")
    cases = ROOT / f"tests/topics/cases_{topic}.py"
    if cases.exists():
        text = cases.read_text(encoding="utf-8")
        renamed = re.sub(rf"(?<!nn\.)\b({'|'.join(names)})\b", rf"\g<1>{number}", text)  # but not what torch.nn has
        (folder / f"tests/topics/cases_{name}.py").write_text(renamed, encoding="utf-8")
    shutil.copy(ROOT / f"tests/topics/test_{topic}.py", folder / f"tests/topics/test_{name}.py")
    text = (ROOT / f"chapters/{topic}.md").read_text(encoding="utf-8")
    (folder / f"chapters/{name}.md").write_text(chapter(text, topic, name), encoding="utf-8")
    after(folder / "_toc.yml", f"- file: chapters/{topic}\n", f"      - file: chapters/{name}\n")

    table = folder / "chapters/lectures/topics.yml"
    lectures = yaml.safe_load(table.read_text(encoding="utf-8"))
    old, new = (label.replace("_", "-") for label in (topic, name))
    heading = next(
        heading
        for lecture in lectures.values()
        for heading in lecture["headings"]
        if any(anchor.startswith(old) for anchor in listed(heading["anchor"]))
    )
    heading["anchor"] = [*listed(heading["anchor"]), new]
    table.write_text(yaml.safe_dump(lectures, sort_keys=False, allow_unicode=True), encoding="utf-8")


def listed(anchor: str | list[str]) -> list[str]:
    """One label or several, as a list."""
    return anchor if isinstance(anchor, list) else [anchor]


def after(path: Path, line: str, new: str) -> None:
    """Put a line behind another."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(line, line + new, 1), encoding="utf-8")


def chapter(text: str, topic: str, name: str) -> str:
    """A chapter's text with labels, exercises, terms and title of its own."""
    old, new = (label.replace("_", "-") for label in (topic, name))
    text = re.sub(rf"(?<![\w/-])((?:fig-|exercise-|table-)?){old}(?=-[a-z]|\)=)", rf"\g<1>{new}", text)
    text = re.sub(
        rf"(\{{(?:exercise|mirrors)\}} |\{{measured\}}`|\{{assignment\}}`|<|check ){topic}\b", rf"\g<1>{name}", text
    )
    text = text.replace(f"{topic}/{topic}.ipynb", f"{name}/{name}.ipynb")
    number = name.rpartition("_")[2]
    text = re.sub(
        r"^# .*$", rf"\g<0> {number}", text, count=1, flags=re.MULTILINE
    )  # the title: others are comments of code
    return re.sub(r"^```\{defined\} .*$", rf"\g<0> {number}", text, flags=re.MULTILINE)


class Cost:
    """Wall time and the processor's time of what was done within."""

    def __enter__(self) -> "Cost":
        self._begun, self._used = time.perf_counter(), self._cpu()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._begun, self._cpu() - self._used

    @staticmethod
    def _cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def __str__(self) -> str:
        if self.seconds < 100:
            return f"{self.seconds:.1f} s ({self.cpu:.1f} s CPU)"
        return f"{self.seconds / 60:.1f} min ({self.cpu / 60:.1f} min CPU)"


def run(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Run make in the book."""
    environment = os.environ | {"PYTHONPATH": str(folder / "lib"), "CI": "true", "MAKEFLAGS": ""}
    command = ["make", "--assume-old=.venv/.ready", *targets]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def make(folder: Path, *targets: str) -> Cost:
    """Run make and measure it. Ends the bench with what it printed when it fails."""
    with Cost() as cost:
        done = run(folder, *targets)
    if done.returncode:
        sys.exit(f"make {' '.join(targets)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return cost


def sentence(folder: Path) -> Cost:
    """The site is built again after one sentence has been edited."""
    page = folder / f"chapters/{TOPIC}.md"
    text = page.read_text(encoding="utf-8")
    if MARKED not in text:
        sys.exit(f"the chapter on momentum no longer says {MARKED!r}: choose another sentence")
    page.write_text(text.replace(MARKED, f"{MARKED} None."), encoding="utf-8")
    return make(folder, "site")


def opened(folder: Path) -> str:
    """Until a chapter has loaded in Chromium, from this machine: seconds, the median of five, and what has travelled, compressed."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/site")]
    from files import Compressed, first_view
    from playwright.sync_api import sync_playwright

    from conftest import FLAGS

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressed, directory=folder / "_build/html"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chapter = f"http://127.0.0.1:{server.server_port}/chapters/{TOPIC}.html"
    with sync_playwright() as playwright:
        flags = FLAGS.partition(" --host-resolver")[0].split(" ")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        found = []
        for _ in range(5):
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(chapter, wait_until="load")
            found.append(time.perf_counter() - begun)
            page.close()
        weight = sum(size for size, _ in first_view(browser, chapter))
        browser.close()
    server.shutdown()
    return f"{statistics.median(found):.2f} s, {weight / 1000:.0f} KB"


def tested(folder: Path) -> str:
    """All that ``make test`` does. Tests that fail cost what they cost, and are named."""
    with Cost() as cost:
        done = run(folder, "test")
    failed = re.findall(r"^(?:FAILED|ERROR) \S+", done.stdout, re.MULTILINE)
    if done.returncode and not failed:
        sys.exit(f"make test failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return "\n".join([str(cost), *failed])


def measure(folder: Path, wanted: list[str]) -> dict[str, str]:
    """The quantities that are asked for, in words."""
    found: dict[str, str] = {}
    if "test" in wanted:
        found["test"] = tested(folder)
    if {"sentence", "open", "search", "pdf"} & set(wanted):
        found["site"] = str(make(folder, "site"))
    if "search" in wanted:
        index = (folder / "_build/html/searchindex.js").read_bytes()
        found["search"] = f"{len(index) / 1000:.0f} KB ({len(gzip.compress(index, 6)) / 1000:.0f} KB compressed)"
    if "open" in wanted:
        found["open"] = opened(folder)
    if "sentence" in wanted:
        found["sentence"] = str(sentence(folder))
    if "pdf" in wanted:
        cost = make(folder, "pdf")
        said = subprocess.run(
            ["pdfinfo", folder / "_build/pdf/thalweg.pdf"], capture_output=True, text=True, check=True
        )
        found["pdf"] = f"{re.search(r'Pages: +([0-9]+)', said.stdout)[1]} pages, {cost}"
    if "course" in wanted:
        found["course"] = str(make(folder, "course"))
    return found


def main() -> None:
    """Measure and print."""
    now = len(list((ROOT / "solutions").glob("*.md")))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "quantity", nargs="*", choices=[*QUANTITIES, []], help=f"one of {', '.join(QUANTITIES)}; all if none is named"
    )
    parser.add_argument(
        "--topics",
        type=int,
        nargs="+",
        default=[now, 27],
        metavar="N",
        help=f"sizes of the book ({now}, as it is, and 27)",
    )
    parser.add_argument("--executed", action="store_true", help="keep what the pages of this checkout have printed")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the books in this folder, for a closer look")
    options = parser.parse_args()
    if min(options.topics) < now:
        parser.error(f"the book has {now} topics: a size of {min(options.topics)} would leave some out")
    for size in options.topics:
        with tempfile.TemporaryDirectory(prefix="thalweg-growth-") as temporary:
            folder = book(Path(options.keep or temporary) / f"book{size}", size, options.executed)
            for name, words in measure(folder, options.quantity or list(QUANTITIES)).items():
                print(f"{size:3} topics  {name:10}{words}", flush=True)


if __name__ == "__main__":
    main()
