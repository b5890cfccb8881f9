"""Sphinx extension: what the theme's pages lack for readers who use a screen reader, put right in the written HTML.

The theme names some controls other than they read, leaves a few without a name, and puts the logo outside of every
landmark. Where no script runs, it has no colours. ``tests/site/test_pages.py`` holds every page to axe-core's rules; a newer theme that needs none of this shows there.
"""

from collections import defaultdict
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import written

CONTENTS = "#pst-page-toc-nav"  # the theme names others, which its pages do not have: every link of the text was marked
DECIDED = (  # which of the two themes is known before anything is drawn, not once all scripts have come
    'dataset.theme = localStorage.getItem("theme") || "auto"',
    'dataset.theme = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
)
MENDED = '<meta content="mended" name="thalweg-access"/>'


def mend(page: str) -> str:
    """A page of the theme with its controls named as they read, and all of it inside landmarks."""
    page, drawn = written.lifted(page.replace(*DECIDED))
    soup = BeautifulSoup(page, "html.parser")
    tags: dict[str, list[Any]] = defaultdict(list)
    for tag in soup.find_all(True):  # once: a search with a selector looks at all of them again
        tags[tag.name].append(tag)

    def of(name: str, kind: str = "") -> list[Any]:
        """All elements of this name, and of this class if one is given."""
        return [tag for tag in tags[name] if not kind or kind in tag.get("class", ())]

    if soup.html:
        soup.html["data-theme"] = "light"  # where no script runs that chooses one
    for body in of("body"):
        if "data-bs-spy" in body.attrs:
            body["data-bs-target"] = CONTENTS
            body["data-bs-threshold"] = "0,0.05,0.1,0.5,1"  # a long section is marked in the contents too
            if not soup.find(id=CONTENTS.removeprefix("#")):
                del body["data-bs-spy"]
    for button in of("button", "search-button-field"):
        del button["aria-label"]  # it is named by its own words
    for button in of("button", "theme-switch-button"):
        for icon in button.find_all("i"):
            del icon["title"]  # the three icons' titles ran together; the button has a name
    for header in of("header", "bd-header"):
        if not header.get_text(strip=True):
            header["role"] = "none"  # the theme's top bar, which this book leaves empty
    for logo in of("a", "navbar-brand"):
        if "logo" in logo["class"]:
            logo.parent["role"] = "banner"
    for summary in of("summary"):
        if summary.parent.name != "details":
            continue
        if "hide" in summary.parent.get("class", ()):
            del summary["aria-label"]  # "Show code cell source" says more than "Toggle hidden content"
        if summary.find_parent(class_="bd-sidebar-primary"):
            link = summary.parent.find_previous_sibling("a")
            summary["aria-label"] = f"Pages of {link.get_text(strip=True)}" if link else "Pages of this part"
    for entry in of("div", "citation"):
        if entry.get("role") == "doc-biblioentry":
            entry["role"] = "listitem"  # of the list that it stands in; the other role is deprecated
    for number, box in enumerate(of("div", "pst-scrollable-table-container"), 1):
        box["role"], box["aria-label"] = "region", f"Table {number}"  # one that scrolls is a stop of the Tab key
    for head in of("thead"):
        row = head.find("tr", recursive=False)
        corner = row.find(True, recursive=False) if row else None
        if corner and corner.name == "th" and not corner.get_text(strip=True):  # a table with headers on two sides
            corner.name = "td"
            for cell in head.find_parent("table").select("tbody > tr > td:first-child"):
                cell.name, cell["scope"] = "th", "row"
    return written.put_back(str(soup).replace("</head>", f"{MENDED}</head>", 1), drawn)


def _mend_all(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for path in written.pages(app):
        page = path.read_text(encoding="utf-8")
        if MENDED not in page and "</head>" in page:  # not those of an earlier build
            path.write_text(mend(page), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the style sheet and the script, and mend the pages once they are written."""
    app.add_css_file("access.css")
    app.add_js_file("access.js", loading_method="defer")
    app.connect("build-finished", _mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
