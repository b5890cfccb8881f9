"""Which of the site's files are pages of the book."""

from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

OTHERS = {"_static", "lite"}  # folders with pages that come from elsewhere


def pages(app: Sphinx) -> Iterator[Path]:
    """The book's pages, as they stand in the site."""
    return (path for path in Path(app.outdir).rglob("*.html") if OTHERS.isdisjoint(path.relative_to(app.outdir).parts))
