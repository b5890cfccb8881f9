"""The search finds what pages say, shows no more than that, and the chapter that teaches a term first."""

import json
import re
from urllib.parse import urlencode

import pytest
from docutils import nodes
from docutils.utils import new_document

from thalweg.exercises import topics
from thalweg.site import search, written


@pytest.mark.parametrize(
    "tex, wanted",
    [
        (r"\theta_{t+1} = \theta_t - \alpha v", "θ theta t θ theta t α alpha v"),
        (r"\frac{\partial L}{\partial x}", "L x"),
        (r"\begin{aligned} \varepsilon &= 1 \end{aligned}", "ε varepsilon"),
        (r"\Delta \lfloor \text{factor a step}", "Δ Delta factor a step"),
    ],
)
def test_of_a_formula_its_letters_are_found(tex, wanted):
    assert search.letters(tex) == wanted


def page(*parts):
    document = new_document("page")
    document += nodes.section("", *parts, ids=["page"])
    return document


def cell(code, *tags):
    block = nodes.literal_block(code, code)
    return nodes.container(
        "", nodes.container("", nodes.container("", block, classes=["cell_input"])), classes=["cell", *tags]
    )


def test_hidden_code_imports_and_tex_are_not_found():
    text = search.readable(
        page(
            cell("import numpy as np\nfrom thalweg import data\nvelocity = rho * velocity"),
            cell("fig, ax = plt.subplots()", "tag_hide-input"),
            nodes.paragraph("", "", nodes.Text("The speed "), nodes.math(text=r"\frac{\rho}{2}")),
            nodes.raw("", "<svg><text>axis</text></svg>", format="html"),
        )
    ).astext()
    assert "velocity = rho * velocity" in text and "ρ rho" in text
    assert not re.search("import|numpy|subplots|frac|axis", text)


def test_an_excerpt_is_what_is_read_in_its_sections():
    html = (
        '<article><section id="a"><h1>A<a class="headerlink">#</a></h1><p>Speed <span class="math"><span class="katex">'
        '<span class="katex-mathml"><math><mi>ρ</mi></math></span><span class="katex-html">ρ</span></span></span> &lt; 1.</p>'
        '<section id="b"><p>More.</p><div class="cell tag_hide-input">plt.plot()</div></section></section></article>'
    )
    assert search.excerpt(html) == (
        '<div role="main"><div id="a">A Speed ρ &lt; 1. <div id="b">More. </div></div></div>\n'
    )


def test_the_index_is_light_and_free_of_tex(site):
    raw = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(raw.removeprefix("Search.setIndex(").removesuffix(")"))
    assert not {"frac", "mathrm", "qquad", "tfrac", "plt", "subplot", "figsiz"} & set(index["terms"])
    assert not [title for title in index["alltitles"] if "\\" in title]
    for path in site.glob("chapters/*.html"):
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        assert not re.search(r"\\frac|\\begin|plt\.subplots|import numpy", text), path.name
        assert len(text) < (300_000 if path.stem == "api" else 150_000), (
            path.name
        )  # every public name of the book is in one page


@pytest.mark.browser
@pytest.mark.parametrize(
    "words, wanted",
    [
        ("Nesterov", "momentum"),
        ("velocity", "momentum"),
        ("bias correction", "adam"),
        ("running statistics", "batch_normalization"),
    ]
    + [(topic.replace("_", " "), topic) for topic in topics()],
)
def test_the_chapter_that_teaches_a_term_comes_first(browser, address, words, wanted):
    context = browser.new_context()
    tab = context.new_page()
    heavy = []
    tab.on(
        "request", lambda request: heavy.append(request.url) if re.search(r"chapters/\w+\.html$", request.url) else None
    )
    tab.goto(f"{address}search.html?{urlencode({'q': words})}")
    first = tab.locator("#search-results li").first
    assert f"chapters/{wanted}.html" in first.locator("a").get_attribute("href", timeout=20_000)
    tab.locator("#search-results .context").first.wait_for()  # a term of the index has no words around it
    assert not re.search(r"\\[a-z]+\{|\bimport ", first.inner_text())
    assert heavy == [], "whole pages are fetched to show a line of each"
    context.close()


def test_what_is_drawn_is_taken_out_of_a_page_and_put_back_as_it_was():
    formula = '<span class="katex"><span><math><mi>x</mi></math></span><span class="katex-html"><svg viewBox="0"/></span></span>'
    drawing = "<svg><svg><path/></svg></svg>"
    page = f"<p>An {formula}, a {drawing}.</p>"
    rest, pieces = written.lifted(page)
    assert pieces == [formula, drawing]
    assert written.put_back(rest, pieces) == page
    assert written.replaced(page, search.spoken) == "<p>An x, a .</p>"
    assert written.lifted("<p><svg>") == ("<p><svg>", [])
