"""Sphinx extension: exercises that are solved in the page, with nothing to install.

Each exercise's box carries the stub of its assignment. A click on its button loads Python for the browser (Pyodide, whose version and
files are pinned in ``static/run.json``), and with it NumPy and the parts of the library that the judges use. They come from Pyodide's
address on the web, or from the site itself where it was built with the environment variable OFFLINE set.
"""

import json
import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from . import notebooks

STATIC = Path(__file__).with_name("static")
LIBRARY = Path(__file__).resolve().parents[1]
ASSIGNMENTS = Path("_build/course/release")
RUNTIME = Path("_build/pyodide")
# What the exercises import. Each of them needs NumPy and nothing else.
PARTS = ("__init__.py", "data.py", "datasets/*", "exercises/**/*.py", "minimize.py", "numpy/*.py", "surfaces.py")


def cells(notebook: Path, name: str) -> dict[str, str]:
    """The setup, the stub and the check of the exercise called ``name`` in a released assignment.

    Raises ValueError where ``notebook`` has no check of that name, FileNotFoundError where it was not released.
    """
    code = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    texts = ["".join(cell["source"]) for cell in code]
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in code]
    place = next((i for i, text in enumerate(texts) if text.startswith(f'check("{name}"')), None)
    if place is None:
        raise ValueError(f"{notebook} has no check of {name}")
    return {"setup": texts[ids.index("setup")], "stub": texts[place - 1], "check": texts[place]}


@dataclass(frozen=True)
class Asked:
    """How a released assignment asks for an exercise: its number, its title, and what it says, as lines of Markdown."""

    number: int
    title: str
    text: list[str]


def statement(notebook: Path, name: str) -> Asked:
    """The exercise called ``name`` in a released assignment.

    Raises ValueError where it has none or its heading has another form, FileNotFoundError where it was not released.
    """
    wanted = name.partition(".")[2] + "_text"
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == wanted:
            heading, _, text = "".join(cell["source"]).partition("\n")
            found = re.fullmatch(r"## (\d+)\. (.+?)(?: \([\d.]+ points?\))?", heading.strip())
            if found is None:
                raise ValueError(
                    f"{notebook}: the heading of {wanted} is to be '## 1. Title (3 points)', not {heading!r}"
                )
            return Asked(int(found[1]), found[2], text.strip().splitlines())
    raise ValueError(f"{notebook} has no cell {wanted}")


def editor(notebook: Path, name: str) -> nodes.Node:
    """The exercise's stub as a block of code, with what the page's script needs to make it run. Raises as :func:`cells`."""
    found = cells(notebook, name)
    stub = found.pop("stub")
    if re.search(r"\btorch\b", found["setup"] + "\n" + stub):
        return nodes.paragraph(
            text="This exercise needs PyTorch, which does not run in a page: solve it in the notebook."
        )
    data = json.dumps({"name": name, **found}).replace("<", r"\u003c")  # nothing in it may end the element
    return nodes.container(
        "",
        nodes.literal_block(stub, stub, language="python"),
        nodes.raw("", f'<script type="application/json">{data}</script>', format="html"),
        classes=["tw-run"],
    )


def pack(target: Path) -> None:
    """Write the parts of the library that run in a browser, one archive with the same bytes for the same sources."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for part in PARTS for path in LIBRARY.glob(part) if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(LIBRARY.parent).as_posix(), (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only pages with something to run carry the script."""
    if "tw-run" in context.get("body", ""):
        pinned = json.loads((STATIC / "run.json").read_text())
        name = Path(page).name
        app.add_css_file("run.css")
        attributes: dict[str, Any] = {
            "data-runtime": "pyodide/" if app.config.offline else pinned["cdn"],
            "data-size": str(round(sum(file["bytes"] for file in pinned["files"].values()) / 1e6)),
            "data-page": context["pathto"](f"{notebooks.FOLDER}/{notebooks.file_name(page)}", 1),
            "data-assignment": context["pathto"](f"lite/files/{name}.ipynb", 1),
        }
        app.add_js_file("run.js", loading_method="defer", **attributes)


def _library(app: Sphinx, exception: Exception | None) -> None:
    """Put the library, and offline the runtime too, beside the pages."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    pack(static / "run-thalweg.zip")
    shutil.rmtree(static / "pyodide", ignore_errors=True)
    if app.config.offline:
        shutil.copytree(Path(app.confdir) / RUNTIME, static / "pyodide")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the page's part and the setting ``offline``."""
    app.add_config_value("offline", bool(os.environ.get("OFFLINE")), "html", bool)
    app.connect("html-page-context", _scripts)
    app.connect("build-finished", _library)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
