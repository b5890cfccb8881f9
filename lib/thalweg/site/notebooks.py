"""Sphinx extension: every page that runs can be downloaded as a notebook, and a chapter's assignment opened, from buttons at its head.

The notebook is made from the page's text when the site is built, without outputs: whoever opens it runs it.
"""

from pathlib import Path
from typing import Any

import jupytext
import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from thalweg.exercises import topics

from . import execute, lite

FOLDER = "_downloads/notebooks"


def notebook(page: Path) -> nbformat.NotebookNode:
    """The page as a notebook, the same at each call: cells are numbered, and nothing says that there was a text."""
    made = jupytext.read(page)
    made.metadata.pop("jupytext", None)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"{page.stem}-{number}"
    return made


def pages() -> list[Path]:
    """The pages with code of their own; some others run only to show numbers of these."""
    return [page for page in execute.pages() if "{code-cell}" in page.read_text(encoding="utf-8")]


def _button(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put a download button at the head of a page that runs, and one that opens its assignment."""
    name = Path(page).name
    if name in topics():
        url = context["pathto"](lite.NOTEBOOKS, 1) + f"?path={name}.ipynb"
        context["header_buttons"].append({"type": "link", "url": url, "icon": "fas fa-rocket", "tooltip": lite.LINK})
    if Path(f"{page}.md") in pages():
        url = context["pathto"](f"{FOLDER}/{name}.ipynb", 1)
        context["header_buttons"].append(
            {"type": "link", "url": url, "icon": "fas fa-download", "tooltip": "Download this page as a notebook"}
        )


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write the notebooks into the site."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages():
        nbformat.write(notebook(page), folder / f"{page.stem}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the button, after the theme's own, and the writing."""
    app.connect("html-page-context", _button, priority=502)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
