"""A figure's code opens from a button in its caption; nothing of it stands before the first figure."""

import pytest
from docutils import nodes
from docutils.utils import new_document
from files import read
from playwright.sync_api import expect

from thalweg.exercises import topics
from thalweg.site.folded import Folded


@pytest.mark.parametrize("topic", topics())
def test_no_code_stands_before_the_first_figure(site, topic):
    page = read(site / f"chapters/{topic}.html")
    article = page.select_one("article")
    assert not article.select("details.hide")
    figure, folded = article.select_one("figure"), article.select_one("details.tw-code")
    assert folded.find_parent("figcaption").find_parent("figure") is figure
    assert article.select_one("div.cell_input").find_parent("details") is folded
    assert "import numpy as np" in folded.get_text()  # what the page sets up stands with it
    for figure in article.select("div.cell_output figure"):
        assert len(figure.select("figcaption details.tw-code")) == 1


@pytest.mark.browser
def test_the_code_opens_by_keyboard_and_stays_off_paper(chapter):
    page = chapter("momentum")
    folded = page.locator("figcaption details.tw-code").first
    code = folded.locator("pre").last
    expect(code).to_be_hidden()
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(code).to_be_visible()
    assert "contour(ax, valley)" in code.inner_text()
    page.emulate_media(media="print")
    expect(folded).to_be_hidden()


@pytest.mark.browser
def test_the_code_opens_without_scripts(scriptless, address):
    scriptless.goto(f"{address}chapters/momentum.html")
    folded = scriptless.locator("figcaption details.tw-code").first
    folded.locator("summary").click()
    expect(folded.locator("pre").first).to_be_visible()


def cell(*children):
    return nodes.container("", nodes.container("", nodes.literal_block()), *children, classes=["tag_hide-input"])


def run(*cells):
    document = new_document("page")
    document += cells
    Folded(document).run()
    return document


def test_code_that_shows_nothing_goes_with_the_next_cell():
    document = run(cell(), cell(nodes.container("", nodes.figure())))
    assert len(document) == 1
    assert len(list(document[0].findall(nodes.literal_block))) == 2
    (legend,) = document.findall(nodes.legend)
    assert legend.parent.tagname == "figure"


def test_code_of_what_is_no_figure_stands_below_it():
    document = run(cell(nodes.paragraph(text="printed")))
    assert [child.tagname for child in document[0]] == ["paragraph", "raw", "container", "raw"]
