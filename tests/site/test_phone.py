"""On a phone all can be read: no word is broken, what scrolls shows it; on a wide screen all has one right edge."""

import re

import pytest

from thalweg.exercises import topics

BROKEN = """() => { const broken = [];
  for (const cell of document.querySelectorAll("article :is(td, th)")) {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) for (const word of walk.currentNode.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(walk.currentNode, word.index);
      range.setEnd(walk.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1
        && !walk.currentNode.parentElement.closest(".katex, .visually-hidden")) broken.push(word[0]);
    } }
  return broken; }"""
EDGES = """() => [...document.querySelectorAll(
    "article section > p, article .cell_input, article .tw-reference, article .tw-figure[width^='4'], article .tw-stage > svg")]
  .filter(e => e.checkVisibility() && !e.closest(".sd-card, .tw-exercise, details"))
  .map(e => [Math.round(e.getBoundingClientRect().right), e.outerHTML.slice(0, 80)])"""


@pytest.fixture(params=["notation", *topics()])
def chapter(request, browser, address):
    """A page in windows of any width."""
    tab = browser.new_page(reduced_motion="reduce")

    def at(width):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.goto(f"{address}chapters/{request.param}.html")
        return tab

    yield at
    tab.close()


@pytest.mark.browser
def test_a_page_fits_a_phone_and_a_wide_screen(chapter):
    tab = chapter(360)
    assert tab.evaluate(BROKEN) == []
    scrolled = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1)"
    boxes = ".katex-display, .pst-scrollable-table-container"
    shadows = tab.locator(boxes).evaluate_all(f"{scrolled[:-1]}).map(e => getComputedStyle(e).backgroundImage)")
    assert all("gradient" in shadow for shadow in shadows)
    tab = chapter(1280)
    edges = tab.evaluate(EDGES)
    assert max(edges)[0] - min(edges)[0] <= 2, (max(edges), min(edges))


@pytest.mark.parametrize("topic", topics())
def test_no_label_of_a_drawing_is_small_on_a_phone(site, topic):
    """Letters are drawn, not written: each is placed with a scale, from an outline 100 units to a font's size of 1."""
    html = (site / f"chapters/{topic}.html").read_text(encoding="utf-8")
    for drawing in re.findall(r'<svg[^>]*class="tw-figure".*?</svg>', html, re.DOTALL):
        width = float(re.search(r'view[bB]ox="0 0 ([\d.]+)', drawing)[1])
        sizes = [100 * float(scale) for scale in re.findall(r"scale\((0?\.\d+) -0?\.\d+\)", drawing)]
        assert sizes
        assert min(sizes) * 328 / width > 7.9, drawing[:200]
