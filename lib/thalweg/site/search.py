r"""Sphinx extension: the search finds what a page says, and first the chapter that teaches it.

Of a page, the index holds its words, its code as far as it is shown and imports nothing, and the letters of its formulas. A word that
a chapter sets in italics is one that it introduces, and weighs as much there as one of its headings. The lines below a result come from a
small text beside each page (``momentum.txt``), because the pages with all their drawings would be heavy to fetch.
"""

import html
import re
import unicodedata
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

from . import written

FOLDED = {"tag_hide-input", "tag_hide-cell", "tag_remove-input", "tag_remove-cell"}
NOT_READ = (  # what a text for the search leaves out of a page
    "script, style, .headerlink, .cell_output pre, .tag_hide-input, .tag_hide-cell, .tw-exercise .tw-run, .toctree-wrapper"
)


def letters(tex: str) -> str:
    r"""What of a formula one would type into a search: ``\theta_{t+1}`` is "θ theta t". Commands that draw no letter are left out."""
    found = []
    for command, plain in re.findall(
        r"\\([A-Za-z]+)|([A-Za-z]+)", re.sub(r"\\(?:begin|end)\{[^}]*\}|\\label\{[^}]*\}", "", tex)
    ):
        if plain:
            found.append(plain)
        elif greek := _greek(command):
            found += [greek, command]
    return " ".join(found)


def _greek(name: str) -> str:
    """The letter called ``name``; an empty text for what is none."""
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.removeprefix('var').upper()}")
    except KeyError:
        return ""


def shown(code: str) -> str:
    """Code without the lines that import."""
    return re.sub(r"^(?:import|from)\s.*\n?", "", code, flags=re.MULTILINE)


def readable(page: nodes.document) -> nodes.document:
    """A copy of a page with that alone which the search is to find."""
    copy = page.deepcopy()
    for raw in list(copy.findall(nodes.raw)):
        raw.parent.remove(raw)
    for code in list(copy.findall(nodes.literal_block)):
        if "output" in code["classes"] or _is_folded(code):
            code.parent.remove(code)
        else:
            code.replace_self(nodes.literal_block(shown(code.astext()), shown(code.astext())))
    for formula in [*copy.findall(nodes.math), *copy.findall(nodes.math_block)]:
        formula.replace_self(nodes.inline("", f" {letters(formula.astext())} "))
    return copy


def _is_folded(node: nodes.Node) -> bool:
    """Whether the node stands in a cell whose code the page hides."""
    while node := node.parent:
        if FOLDED & set(node["classes"]):
            return True
    return False


def introduced(page: nodes.document) -> list[str]:
    """The words that a page sets in italics."""
    return [node.astext() for node in page.findall(nodes.emphasis)]


def spoken(drawn: str) -> str:
    """What a screen reader says of a formula; nothing for a drawing."""
    return re.sub(r"<[^>]*>", "", "".join(re.findall(r"<math.*?</math>", drawn, re.DOTALL)))


def excerpt(page: str) -> str:
    """What the search shows of a page: its text in its sections, as small HTML. An empty text for a page without an article."""
    article = BeautifulSoup(written.replaced(page, spoken), "html.parser").find("article")
    if article is None:
        return ""
    for part in article.select(NOT_READ):
        part.decompose()
    for place in article.find_all(["p", "li", "td", "th", "dd", "dt", "h1", "h2", "h3", "pre", "figcaption"]):
        place.append(" ")
    return f'<div role="main">{_sections(article)}</div>\n'


def _sections(part: Any) -> str:
    """The text below ``part``, and around it only what a link can lead to."""
    said = []
    for child in part.children:
        if isinstance(child, str):
            said.append(html.escape(child, quote=False))
        elif name := child.get("id"):
            said.append(f'<div id="{name}">{_sections(child)}</div>')
        else:
            said.append(_sections(child))
    return re.sub(r"\s+", " ", "".join(said))


def _index(app: Sphinx) -> None:
    """Give the index the readable page."""
    if app.builder.format != "html":
        return
    builder: Any = app.builder
    plain = builder.index_page

    def index_page(name: str, page: nodes.document, title: str) -> None:
        plain(name, readable(page), title)
        if builder.indexer is None:
            return
        index, language = builder.indexer, builder.indexer.lang
        for number in [term for term in index._mapping if term.isdigit()]:
            del index._mapping[number]  # Sphinx's search leaves numbers out of what it is asked
        if name in _topics(app):
            for word in language.split(" ".join(introduced(page))):
                index._title_mapping.setdefault(language.stem(word.lower()), set()).add(name)

    builder.index_page = index_page


def _topics(app: Sphinx) -> list[str]:
    """The pages that teach a topic."""
    return [name for name, said in app.env.metadata.items() if "thalweg" in said]


def _script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """The page of the search carries the script that ranks, and the names of the chapters."""
    if page == "search":
        attributes: dict[str, Any] = {"data-topics": " ".join(_topics(app))}
        app.add_js_file("search.js", loading_method="defer", **attributes)


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write a text beside each page that is newer than the one it has; take away those of pages that are gone."""
    if exception or app.builder.format != "html":
        return
    for text in Path(app.outdir, "chapters").rglob("*.txt"):
        if not text.with_suffix(".html").exists():
            text.unlink()
    for path in written.pages(app):
        text = path.with_suffix(".txt")
        if not text.exists() or text.stat().st_mtime < path.stat().st_mtime:
            text.write_text(excerpt(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Change what is indexed, shown and ranked first."""
    app.connect("builder-inited", _index)
    app.connect("html-page-context", _script)
    app.connect("build-finished", _write, priority=900)  # once the pages are as they stay
    return {"parallel_read_safe": True, "parallel_write_safe": True}
