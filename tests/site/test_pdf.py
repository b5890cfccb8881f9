"""The printed book: whole, with every figure, caption and glyph, and no reference into the void."""

import re
import subprocess
import zlib
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from files import read

ROOT = Path(__file__).parents[2]


def sources():
    """The text of every page that the table of contents names."""
    toc = (ROOT / "_toc.yml").read_text()
    return {name: (ROOT / f"{name}.md").read_text() for name in re.findall(r"(?:root|file): (\S+)", toc)}


def letters(text):
    """Only what no line break, hyphen or ligature can change."""
    return re.sub(r"[^a-z]", "", text.lower().replace("ﬁ", "fi").replace("ﬂ", "fl"))


@pytest.fixture(scope="module")
def text(printed):
    command = ["pdftotext", "-enc", "UTF-8", str(printed), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def log(printed):
    return (ROOT / "_build/latex/thalweg.log").read_text(errors="replace")


def test_it_has_the_pages_of_a_book(text):
    assert 80 < text.count("\f") < 1500


def test_every_page_of_the_site_is_a_chapter_of_it(text):
    found = letters(text)
    titles = {name: re.search(r"^# (.+)$", page, re.MULTILINE)[1] for name, page in sources().items()}
    assert [title for title in titles.values() if letters(title) not in found] == []


def test_no_reference_leads_nowhere(text, log):
    assert "??" not in text
    assert not re.search(r"undefined", log, re.IGNORECASE), re.findall(r".*undefined.*", log)[:5]


def test_no_glyph_is_missing(log):
    assert re.findall(r"Missing character.*", log) == []


def test_nothing_sticks_out_of_the_page(log):
    """Ten points are three and a half millimetres, well inside the margin."""
    assert [float(x) for x in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(x) > 10] == []


def test_every_figure_has_its_caption(text):
    found = letters(text)
    captions = [
        re.split(r"[\[{$`*]", caption)[0][:60]  # up to the first markup
        for page in sources().values()
        for caption in re.findall(r"    caption: \|\n +(.+)", page)
    ]
    assert len(captions) > 30
    assert [caption for caption in captions if letters(caption) not in found] == []


def test_every_figure_says_what_it_shows(printed, site):
    """The same words as on the website, where a reader of PDF looks for them."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", printed.read_bytes(), re.DOTALL)
    drawn = b"".join(_inflated(stream) for stream in streams)
    spoken = {
        bytes.fromhex(found.decode()).decode("utf-16") for found in re.findall(rb"/Alt ?<(FEFF\w+)>", drawn, re.I)
    }
    pages = [BeautifulSoup((site / f"{name}.html").read_text(), "html.parser") for name in sources()]
    drawings = [svg for page in pages for svg in page.select('svg[role="img"]')]
    figures = {svg["aria-label"] for svg in drawings if not svg.find_parent(class_="tw-drawing")}  # paper has no map
    assert len(figures) > 30
    assert figures - spoken == set()


def test_figures_have_the_numbers_of_the_site(text, site):
    pages = [read(site / f"{name}.html") for name in sources()]
    numbers = [found.get_text().strip() for page in pages for found in page.select("figcaption .caption-number")]
    assert len(numbers) > 30
    assert [number for number in numbers if f"{number}:" not in text] == []


def _inflated(stream):
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def test_hints_stand_open_and_answers_at_the_end(text):
    quizzes = [page for page in sources().values() if "## Quiz" in page]
    assert text.count("The quiz, answered") == len(quizzes) > 0
    found = letters(text)
    question, answer = letters("How far does"), letters("You weighted the gradient with")
    answers = found.index(letters("the quiz, answered"), found.index(question))  # those of the same chapter
    assert found.index(answer) > answers
    assert text.count("Hint: the idea.") == sum(page.count("Hint: the idea") for page in sources().values())
