"""Sphinx extension: the code of a figure opens from a small button in the figure's caption, so that no bar of code stands before it.

A cell with the tag ``hide-input`` shows what it made. Its code goes into the last line of the figure's caption, or below what the cell
printed where that is no figure; the code of a cell that shows nothing goes with the next one. It is a ``details`` element: keyboards,
screen readers and browsers without scripts know what to do with it. Paper shows no code.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

BEGIN, END = '<details class="tw-code"><summary>Code</summary>', "</details>"


class Folded(SphinxPostTransform):
    """Move the hidden code of a page's cells to what it made."""

    formats = ("html",)
    default_priority = 198  # before myst-nb hides what is left

    def run(self, **kwargs: Any) -> None:
        """Change the page in place."""
        waiting: list[nodes.Node] = []
        for cell in [node for node in self.document.findall(nodes.container) if "tag_hide-input" in node["classes"]]:
            code = cell[0]
            cell.remove(code)
            waiting.append(code)
            if len(cell):
                self._put(cell, waiting)
                waiting = []
            else:
                cell.parent.remove(cell)
        if waiting:
            raise ValueError(
                f"{self.env.docname}: the last cells with the tag hide-input show nothing; use remove-cell"
            )

    def _put(self, cell: nodes.container, code: list[nodes.Node]) -> None:
        """A button with ``code`` behind it, in the caption of the cell's figure or, if it has none, at the cell's end."""
        folded = [nodes.raw("", BEGIN, format="html"), *code, nodes.raw("", END, format="html")]
        figure = next(iter(cell.findall(nodes.figure)), None)
        if figure is None:
            cell.extend(folded)
        else:
            figure += nodes.legend("", *folded)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(Folded)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
