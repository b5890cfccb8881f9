"""Which of the site's files are pages of the book, and what of a page is drawn: two thirds of its elements, which nobody need parse."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from sphinx.application import Sphinx

OTHERS = {"_static", "lite"}  # folders with pages that come from elsewhere


def pages(app: Sphinx) -> Iterator[Path]:
    """The book's pages, as they stand in the site."""
    return (path for path in Path(app.outdir).rglob("*.html") if OTHERS.isdisjoint(path.relative_to(app.outdir).parts))


DRAWN = re.compile(r'<(svg)\b|<(span) class="katex(?:-display)?">')
LIFTED = re.compile(r'<i data-lifted="(\d+)">·</i>')


def replaced(page: str, mark: Callable[[str], str]) -> str:
    """The page with ``mark`` of each drawing and each formula in their places. One without an end stays."""
    said, at = [], 0
    while begun := DRAWN.search(page, at):
        depth, end = 0, begun.end()
        for tag in re.compile(rf"<(/?){begun[1] or begun[2]}\b").finditer(page, begun.start()):
            depth += -1 if tag[1] else 1
            if depth == 0:
                end = page.index(">", tag.end()) + 1
                break
        said += [page[at : begun.start()], mark(page[begun.start() : end]) if depth == 0 else page[begun.start() : end]]
        at = end
    return "".join([*said, page[at:]])


def lifted(page: str) -> tuple[str, list[str]]:
    """The page with a mark in the place of each drawing and formula, and these."""
    pieces: list[str] = []

    def mark(piece: str) -> str:
        pieces.append(piece)
        return f'<i data-lifted="{len(pieces) - 1}">·</i>'

    return replaced(page, mark), pieces


def put_back(page: str, pieces: list[str]) -> str:
    """The page with ``pieces`` in the places of their marks."""
    return LIFTED.sub(lambda mark: pieces[int(mark[1])], page)
