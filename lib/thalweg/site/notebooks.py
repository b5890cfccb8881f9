"""Sphinx extension: every page that runs can be downloaded as a notebook, and a chapter's assignment opened, from buttons at its head.

The notebook is made from the page's text when the site is built, without outputs: whoever opens it runs it.

``{assignment}`momentum` ``
    the link that opens an assignment in JupyterLite; ``{assignment}`words <momentum>` `` with other words.
"""

from pathlib import Path
from typing import Any

import jupytext
import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole

from thalweg.exercises import topics

from . import execute

FOLDER = "_downloads/notebooks"
LITE = "lite/notebooks/index.html"  # JupyterLite's page, see lite.py
LINK = "Open the assignment in the browser"


def notebook(page: Path) -> nbformat.NotebookNode:
    """The page as a notebook, the same at each call: cells are numbered, and nothing says that there was a text."""
    made = jupytext.read(page)
    made.metadata.pop("jupytext", None)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"{page.stem}-{number}"
    return made


def file_name(page: str) -> str:
    """What a page's notebook is called: not as the chapter's assignment, which is handed in."""
    return f"chapter-{Path(page).name}.ipynb"


def pages() -> list[Path]:
    """The pages with code of their own; some others run only to show numbers of these."""
    return [page for page in execute.pages() if "{code-cell}" in page.read_text(encoding="utf-8")]


def _button(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put a download button at the head of a page that runs, and one that opens its assignment."""
    name = Path(page).name
    if name in topics():
        url = context["pathto"](LITE, 1) + f"?path={name}.ipynb"
        context["header_buttons"].append({"type": "link", "url": url, "icon": "fas fa-rocket", "tooltip": LINK})
    if Path(f"{page}.md") in app.thalweg_pages:  # type: ignore[attr-defined]
        url = context["pathto"](f"{FOLDER}/{file_name(page)}", 1)
        context["header_buttons"].append(
            {"type": "link", "url": url, "icon": "fas fa-download", "tooltip": "Download this page as a notebook"}
        )


def _know(app: Sphinx) -> None:
    """Find the pages once, not for every page's button."""
    app.thalweg_pages = set(pages())  # type: ignore[attr-defined]


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write the notebooks into the site: those whose page is newer than they are; take away those of pages that are gone."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / file_name(page.stem): page for page in pages()}
    for gone in set(folder.iterdir()) - wanted.keys():
        gone.unlink()
    for file, page in wanted.items():
        if not file.exists() or file.stat().st_mtime < max(page.stat().st_mtime, Path(__file__).stat().st_mtime):
            nbformat.write(notebook(page), file)


class AssignmentRole(ReferenceRole):
    """The link that opens an assignment in JupyterLite; on paper, its words."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Draw it. An unknown assignment is an error."""
        if self.target not in topics():
            message = f"there is no assignment {self.target!r}; there are {', '.join(topics())}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        words = self.title if self.has_explicit_title else LINK
        up = "../" * self.env.docname.count("/")
        link = f'<a class="reference external" href="{up}{LITE}?path={self.target}.ipynb">{words}</a>'
        return [nodes.raw("", link, format="html"), nodes.raw("", words, format="latex")], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the buttons, after the theme's own, the link and the writing."""
    app.add_role("assignment", AssignmentRole())
    app.connect("builder-inited", _know)
    app.connect("html-page-context", _button, priority=502)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
