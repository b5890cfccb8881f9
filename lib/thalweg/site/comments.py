"""Sphinx extension: no sentence vanishes because of the sign that its line begins with.

A line of Markdown that begins with ``%`` is a comment to MyST and is not shown, which is easily met where a text breaks after a number.
This book has no comments in its pages, so each of them is a warning, and an error of the build.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

log = getLogger(__name__)


def vanished(doctree: nodes.document) -> list[nodes.comment]:
    """What a page says and does not show. The mark between two cells (``+++``) is none."""
    return [node for node in doctree.findall(nodes.comment) if "block_break" not in node["classes"]]


def line_of(comment: nodes.comment, page: str) -> int | None:
    """Where in the text of a page a comment stands, which MyST does not say. None for one that comes from another file."""
    first = comment.astext().partition("\n")[0].strip()
    lines = (line.strip() for line in page.splitlines())
    return next((i for i, line in enumerate(lines, 1) if line.startswith("%") and line[1:].strip() == first), None)


def _warn(app: Sphinx, doctree: nodes.document) -> None:
    for node in vanished(doctree):
        line = line_of(node, Path(doctree["source"]).read_text(encoding="utf-8"))
        log.warning(
            "a line that begins with %% is not shown: %r. Break the line elsewhere",
            node.astext()[:60],
            location=(app.env.docname, line),
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Look through every page that is read."""
    app.connect("doctree-read", _warn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
