r"""Harmless: what a student wrote, so that it shows in nbgrader's pages and runs nothing there.

The formgrader renders a notebook's Markdown with the HTML that is in it, on the Jupyter server's own origin: a script in a written
answer would run with the instructor's rights. So each cell that a student can have written is rendered here, by the same parser, and
kept as HTML with none but the elements below. HTML of the student's own is shown as the text that it is, but for bare tags such as
``<br>`` and ``<sub>``. A link shows its address and leads nowhere, since a GET to the formgrader can do harm too; of pictures only those
show that are part of the notebook. LaTeX works; a formula with a command that makes HTML is shown as its source.

The answer is one line without a blank one, so that Markdown takes it for one piece of HTML and leaves it alone.
"""

import re
from contextlib import suppress
from html import escape, unescape
from typing import Any
from urllib.parse import unquote

import nh3
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from thalweg.exercises import VERDICT_MIME

from .notebooks import grade_id, marked

AUTOGRADE = [  # nbgrader's own, with ours at the end
    "nbgrader.preprocessors.Execute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
    f"{__name__}.Harmless",
]
LONGEST = 20_000  # characters of a cell, beyond which it is shown as plain text: parsing can take the square of them
MOST = 60_000  # and of all cells
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_PICTURE = re.compile(rf"data:(?:{'|'.join(PICTURES)});base64,[A-Za-z0-9+/=\s]*")

_BARE = {
    "b", "i", "u", "s", "em", "strong", "del", "sub", "sup", "br", "hr", "p", "ul", "ol", "li", "dl", "dt", "dd",
    "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip
TAGS = _BARE | {"h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "img", "span"}
ATTRIBUTES = {"img": {"src", "alt"}, "ol": {"start"}, "td": {"style"}, "th": {"style"}}
STYLES = {"text-align"}

_BARE_TAG = re.compile(rf"</?(?:{'|'.join(_BARE)})\s*/?>", re.IGNORECASE)
_MAKES_HTML = re.compile(  # MathJax's commands that lead elsewhere, set attributes, or load more such commands
    r"\\(?=(?:href|url|class|cssId|style|data|unicode|require|bbox|texttip|mathtip|toggle|mmlToken|html\w*|includegraphics)(?![A-Za-z]))"
)


def harmless(notebook: NotebookNode) -> NotebookNode:
    """A copy of the executed ``notebook`` for nbgrader's pages. The release's own cells stay as they are."""
    cells, room = [], MOST
    for cell in notebook.cells:
        cells.append(_cell(cell, min(room, LONGEST)))
        room -= len(cell.source) if cell.cell_type == "markdown" and not _from_the_release(cell) else 0
    return NotebookNode(notebook, cells=cells)


class Harmless(NbGraderPreprocessor):
    """The last step of stock nbgrader's autograde, with this course's settings."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """The notebook as :func:`harmless` makes it."""
        return harmless(nb), resources


def _cell(cell: NotebookNode, room: int) -> NotebookNode:
    cell = NotebookNode(cell)
    attachments = cell.pop("attachments", {})
    if cell.cell_type == "code":
        cell.outputs = [_output(output) for output in cell.outputs]
    elif cell.cell_type == "raw":
        cell.source = _one_line(escape(cell.source))  # it is shown as HTML
    elif not _from_the_release(cell):
        cell.source = shown(cell.source, attachments, room)
    return cell


def _from_the_release(cell: NotebookNode) -> bool:
    return bool(grade_id(cell)) and not marked(cell, "solution")


def shown(source: str, attachments: Any = None, room: int = LONGEST) -> str:
    """Markdown with LaTeX as one line of HTML that runs nothing; ``attachments`` are the cell's.

    There is no text for which it fails. More than ``room`` characters are shown as they are written.
    """
    html = f"<pre>{escape(source)}</pre>"
    if len(source) <= room:
        with suppress(Exception):  # whatever stops the parser, the words are there to be read
            html = MarkdownWithMath(renderer=_Renderer(attachments)).render(source)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=STYLES,
        url_schemes={"data"},
        url_relative="deny",
    )
    return f"<div>{_one_line(clean)}</div>"


def _one_line(html: str) -> str:
    return _MAKES_HTML.sub(r"\\<span></span>", html).replace("\n", "&#10;")


def _attribute(tag: str, name: str, value: str) -> str | None:
    return value if (tag, name) != ("img", "src") or _PICTURE.fullmatch(value) else None


class _Renderer(IPythonRenderer):
    """nbconvert's, with what leads out of the text written out as text."""

    def __init__(self, attachments: Any):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.attachments = dict(attachments) if isinstance(attachments, dict) else {}

    def inline_html(self, html: str) -> str:
        """Raw HTML: a bare tag stays, all else is text."""
        return html if "<" not in _BARE_TAG.sub("", html) else escape(html)

    def block_html(self, html: str) -> str:
        """Raw HTML on lines of its own."""
        kept = self.inline_html(html)
        return kept if kept == html else f"<p>{kept}</p>"

    def block_code(self, code: str, info: str | None = None) -> str:
        """Code, without its colours: a lexer for any language is one more thing that the text could lead astray."""
        return f"<pre><code>{escape(code)}</code></pre>"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """The words and the address."""
        return text if unescape(text) == url else f"{text} ({escape(url)})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture that is part of the notebook, each attachment once; else its words and its address."""
        alt = escape(unescape(re.sub(r"<[^>]*>", "", text)))
        picture = self._attached(url.removeprefix("attachment:")) if url.startswith("attachment:") else url
        if _PICTURE.fullmatch(picture):
            return f'<img src="{picture}" alt="{alt}">'
        return f"{alt} ({escape(url[:200])})"

    def _attached(self, name: str) -> str:
        found = self.attachments.pop(name, None) or self.attachments.pop(unquote(name), None)
        pictures = (
            {kind: data for kind, data in found.items() if isinstance(data, str)} if isinstance(found, dict) else {}
        )
        return next((f"data:{kind};base64,{pictures[kind]}" for kind in PICTURES if kind in pictures), "")

    def task_list_item(self, text: str, checked: bool = False) -> str:
        """An item with a box to tick."""
        return f"<li>{'☑' if checked else '☐'} {text}</li>"


def _output(output: NotebookNode) -> NotebookNode:
    """An output with none but text and pictures. Metadata go: nbgrader's pages write some of them into a tag."""
    if "data" not in output:
        return output
    kept = {kind: value for kind, value in output.data.items() if _may_show(kind, value)}
    if not kept:
        kept = {"text/plain": f"(An output that is not shown here: {', '.join(output.data)}.)"}
    return NotebookNode(output, data=NotebookNode(kept), metadata=NotebookNode())


def _may_show(kind: str, value: Any) -> bool:
    if kind in ("image/png", "image/jpeg"):
        return isinstance(value, str) and _PICTURE.fullmatch(f"data:{kind};base64,{value}") is not None
    return kind == VERDICT_MIME or (kind == "text/plain" and isinstance(value, str))
