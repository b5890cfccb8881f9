"""Chapters are numbered as they are read, and what stands in them by chapter; other pages have no number."""

import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from files import read
from myst_nb.ext.glue import crossref

from thalweg.site import chapter
from thalweg.site.topics import topics

ROOT = Path(__file__).parents[2]
BOOK = topics(ROOT)


@pytest.mark.parametrize("topic", BOOK, ids=lambda topic: topic.name)
def test_a_chapter_and_what_stands_in_it_are_numbered(site, topic):
    page = read(site / f"chapters/{topic.name}.html")
    assert page.select_one("article h1").get_text().startswith(f"{topic.number}. {topic.title}")
    assert page.title.string.startswith(f"{topic.number}. {topic.title}")
    assert page.select_one(".bd-links .current > a").get_text().strip() == f"{topic.number}. {topic.title}"
    figures = [found.get_text().strip() for found in page.select("figcaption .caption-number")]
    assert figures == [f"Fig. {topic.number}.{i}" for i in range(1, len(figures) + 1)] != []
    formulas = [found.get_text().strip("()¶# \n") for found in page.select(".eqno")]
    assert formulas == [f"{topic.number}.{i}" for i in range(1, len(formulas) + 1)] != []
    assert not page.select("h2 .section-number")


def test_other_pages_are_not_numbered(site):
    named = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
    for name in set(named) - {f"chapters/{topic.name}" for topic in BOOK}:
        page = read(site / f"{name}.html")
        assert not re.match(r"\d", page.select_one("article h1").get_text()) and not re.match(r"\d", page.title.string)


def test_a_reference_says_the_number_of_what_it_leads_to(site):
    pages = {path: read(path) for path in site.glob("chapters/**/*.html")}
    seen = 0
    for path, page in pages.items():
        for link in page.select("a.reference:has(span.std-numref)"):
            file, _, label = link["href"].partition("#")
            target = pages[(path.parent / file).resolve() if file else path].find(id=label)
            assert target.select_one(".caption-number").get_text().strip() == link.get_text().strip()
            seen += 1
    assert seen > 30


@pytest.mark.parametrize("words", ["0.50", "1, 6, 4", "2.3 ± 0.1", "(none)"])
def test_a_measured_number_is_shown_as_it_was_written(words):
    chapter.setup(Mock())
    assert crossref.format_plain_text(words, "") == words
