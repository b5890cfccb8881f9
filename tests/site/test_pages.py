"""Every page of the built site, in a real browser with the network blocked."""

import json
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from docutils.utils import new_document
from files import read
from sphinx import addnodes
from sphinx.errors import ExtensionError

from thalweg.exercises import topics
from thalweg.site import api
from thalweg.site.chapter import assignment

ROOT = Path(__file__).parents[2]

AXE = ROOT / "lib/web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
COLOURS = ["color-contrast", "link-in-text-block"]  # what the dark theme can get wrong in the same layout
WIDE, PHONE, NARROW = (1280, 900), (390, 844), (320, 700)
SHIFT = """window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(
  e => { if (!e.hadRecentInput) window.shift += e.value; })).observe({type: 'layout-shift', buffered: true});"""
COLLECT = """() => ({
  titles: document.querySelectorAll('article h1').length,
  figures: document.querySelectorAll('article figure').length,
  alts: [...document.querySelectorAll('article img, article svg.tw-figure, article .tw-stage')]
    .map(e => e.getAttribute('alt') ?? e.getAttribute('aria-label') ?? ''),
  formulas: document.querySelectorAll('article .math').length,
  rendered: document.querySelectorAll('article .math > .katex, article .math > .katex-display').length,
  spoken: document.querySelectorAll('article .math .katex-mathml math').length,
  wrong: document.querySelectorAll('.katex-error').length,
})"""
JUDGE = """rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'],
  rules: {'hidden-content': {enabled: false}}  // finds nothing, and only asks a person to look
}).then(r => r.violations.flatMap(v =>
  v.nodes.map(n => `${v.id}: ${n.html.slice(0, 150)}: ${[...n.any, ...n.all, ...n.none][0]?.message}`)))"""
# To each figure at once: while it was scrolled through in small steps, one page in thirty got no more frames from Chromium (156), for good.
ENLIVEN = """async () => {
  for (const figure of document.querySelectorAll('.tw-interactive')) {
    figure.scrollIntoView();
    for (const end = Date.now() + 180000; !figure.classList.contains('tw-live');) {
      if (Date.now() > end) throw new Error(`a figure stays still: ${figure.outerHTML.slice(0, 200)}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
}"""
# Two thirds of a chapter's 25,000 elements say the same as others: a letter shows a formula's colour as well as all of them do, twenty
# words of a kind show the colour of that kind in code, and what is in a still picture has no part in the page's outline.
SHORTEN = """() => {
  document.querySelectorAll('span.math .katex-html, .katex-mathml math').forEach(e => { e.textContent = 'x'; });
  document.querySelectorAll('svg.tw-figure[role=img]').forEach(e => e.replaceChildren());
  const seen = {};
  document.querySelectorAll(':is(pre, code, dt.sig) :is(span, em)[class]').forEach(e => {
    seen[e.className] = (seen[e.className] ?? 0) + 1;
    if (seen[e.className] > 20) e.replaceWith(...e.childNodes);
  });
}"""


def page_names():
    """From the table of contents, so that a page that was not built is missed."""
    toc = (ROOT / "_toc.yml").read_text()
    return [*re.findall(r"(?:root|file): (\S+)", toc), "genindex", "search"]


@pytest.fixture(scope="session")
def visits(browser, address):
    """Open a page, go to each of its figures, and return it with everything that went wrong on the way."""

    def open_page(name, size=WIDE, **options):
        page = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options).new_page()
        page.set_default_timeout(180_000)  # a busy machine is no fault of a page
        page.add_init_script(SHIFT)
        troubles = []
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("requestfailed", lambda r: troubles.append(f"failed: {r.url}"))
        page.on("response", lambda r: troubles.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else troubles.append(r.url))
        page.goto(f"{address}{name}.html")
        page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
        page.shift = page.evaluate("window.shift")
        page.evaluate(ENLIVEN)
        return page, troubles

    return open_page


@pytest.fixture
def visit(visits):
    """The same for a test that does something there."""
    opened = []

    def open_page(name, **options):
        opened.append(visits(name, **options))
        return opened[-1]

    yield open_page
    for page, _ in opened:
        page.context.close()


@pytest.fixture(scope="module")
def look(visits):
    """Open a page once, and keep what all tests of it want to know: a chapter takes ten seconds, axe above all."""

    @cache
    def seen(name):
        page, troubles = visits(name, reduced_motion="reduce", color_scheme="light")
        found = SimpleNamespace(troubles=troubles, faults={}, widths={}, shift=page.shift, **page.evaluate(COLLECT))
        page.add_style_tag(content="* { transition: none !important; }")
        page.evaluate(AXE.read_text(encoding="utf-8"))

        def switch(size, scheme):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate("window.scrollTo(0, 0)")  # what lies half under the page's head would be too small to be hit
            if page.viewport_size["width"] != size[0]:
                page.set_viewport_size({"width": size[0], "height": size[1]})
                page.wait_for_timeout(600)  # the theme waits a moment before it looks again at what scrolls
            page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)

        for size in (WIDE, PHONE, NARROW):
            switch(size, "light")
            found.widths[size] = page.evaluate("document.documentElement.scrollWidth")
        page.evaluate(SHORTEN)
        for size, scheme, rules in ((NARROW, "dark", RULES), (WIDE, "dark", COLOURS), (WIDE, "light", RULES)):
            switch(size, scheme)
            found.faults[scheme, size[0]] = page.evaluate(JUDGE, rules)
        page.context.close()
        return found

    return seen


@pytest.mark.browser
@pytest.mark.parametrize("name", page_names())
def test_a_page_loads_whole_and_quietly(look, name):
    page = look(name)
    assert page.troubles == []
    assert page.titles == 1 or name in ("genindex", "search")


@pytest.mark.browser
@pytest.mark.parametrize("name", page_names())
def test_axe_finds_nothing_in_either_theme_nor_on_a_phone(look, name):
    faults = look(name).faults
    assert len(faults) == 3
    assert {where: found for where, found in faults.items() if found} == {}


@pytest.mark.browser
@pytest.mark.parametrize("name", page_names())
def test_formulas_are_rendered(look, name):
    page = look(name)
    assert page.rendered == page.formulas
    assert page.spoken == page.formulas, "for screen readers"
    assert page.wrong == 0


@pytest.mark.browser
@pytest.mark.parametrize("name", page_names())
def test_every_figure_says_what_it_shows(look, name):
    page = look(name)
    assert all(len(text) > 40 for text in page.alts), page.alts
    assert len(page.alts) >= page.figures


@pytest.mark.browser
@pytest.mark.parametrize("name", page_names())
def test_nothing_sticks_out_on_a_phone(look, name):
    widths = look(name).widths
    assert {size: width for size, width in widths.items() if width > size[0]} == {}


@pytest.mark.browser
@pytest.mark.parametrize("topic", topics())
def test_nothing_jumps_while_a_chapter_loads(look, topic):
    assert look(f"chapters/{topic}").shift < 0.02


@pytest.mark.browser
def test_interactive_figures_answer_to_the_keyboard(visit):
    page, troubles = visit("chapters/momentum", reduced_motion="reduce")
    slider = page.locator('input[name="chosen"]')
    stage = page.locator(".tw-stage", has=slider)
    before = stage.locator("svg").inner_html()
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_timeout(300)
    after = stage.locator("svg").inner_html()
    assert before != after
    assert "ρ = 0.05" in stage.inner_text()
    step = page.locator('input[name="step"]')
    button = page.locator(".tw-interactive button")
    assert step.input_value() == step.get_attribute("max")  # stillness was asked for
    button.press("Enter")
    page.wait_for_function("Number(document.querySelector('input[name=step]').value) < 40")
    button.press("Enter")
    held = step.input_value()
    page.wait_for_timeout(400)
    assert step.input_value() == held
    assert troubles == []


@pytest.mark.browser
def test_figures_stay_without_scripts(scriptless, address):
    scriptless.goto(f"{address}chapters/momentum.html")
    stills = scriptless.locator(".tw-stage > svg")
    assert stills.count() == 2
    assert all(stills.nth(i).bounding_box()["height"] > 200 for i in range(2))


@pytest.mark.browser
def test_search_finds_the_chapter(visit, address):
    page, _ = visit("search")
    page.goto(f"{address}search.html?q=Nesterov")
    page.wait_for_selector("#search-results li a")
    links = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.href)")
    assert any("chapters/momentum.html" in link for link in links)


@pytest.mark.browser
@pytest.mark.parametrize("letter", "κβ")
def test_search_finds_a_letter(visit, address, letter):
    page, _ = visit("search")
    page.goto(f"{address}search.html?{urlencode({'q': letter})}")
    page.locator("#search-results li a[href*='notation.html']").first.wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(
    "words, wanted",
    [("rho", "momentum"), ("beta1", "adam"), ("bias correction", "adam"), ("keep probability", "dropout")],
)
def test_search_finds_a_term_and_a_symbol(visit, address, words, wanted):
    page, _ = visit("search")
    page.goto(f"{address}search.html?{urlencode({'q': words})}")
    page.wait_for_function(
        "pages => pages.every(p => [...document.querySelectorAll('#search-results li a')].some(a => a.href.includes(p)))",
        arg=["chapters/glossary.html", f"chapters/{wanted}.html"],
    )


def test_every_term_leads_to_its_section(site):
    page = BeautifulSoup((site / "chapters/glossary.html").read_text(encoding="utf-8"), "html.parser")
    terms = page.select("dl.glossary > dt")
    assert len(terms) > 25
    for term in terms:
        assert term["id"].startswith("term-")
        assert term.find_next_sibling("dd").select("a.reference.internal[href*='#defined-']"), term.get_text()


def test_the_index_is_one_of_concepts_and_leads_to_their_passages(site):
    index, glossary = (
        BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name in ("genindex", "chapters/glossary")
    )
    terms = [term.next.strip() for term in glossary.select("dl.glossary > dt")]
    links = [(link.get_text(), link["href"]) for link in index.select(".genindextable a")]
    explained = {text for text, address in links if "#defined-" in address}
    assert [term for term in terms if term not in explained] == []
    assert not [address for _, address in links if address.startswith("chapters/api.html")]


@pytest.mark.parametrize("module", api.MODULES)
def test_every_public_name_is_documented_and_linkable(site, module):
    page = read(site / "chapters/api.html")
    there = {term["id"] for term in page.select("dt.sig[id]")}
    wanted = set(api.public(module))
    assert wanted
    assert wanted - there == set(), "a public name without a docstring"


def test_the_build_fails_for_a_public_name_without_a_docstring(monkeypatch):
    monkeypatch.setattr(api, "MODULES", ("thalweg.surfaces",))
    page = SimpleNamespace(env=SimpleNamespace(docname=api.PAGE))
    with pytest.raises(ExtensionError, match=r"docstring: .*thalweg\.surfaces\.bowl"):
        api._complete(page, new_document("nothing is documented"))
    signatures = new_document("all is")
    signatures += addnodes.desc_signature(ids=list(api.public("thalweg.surfaces")))
    api._complete(page, signatures)


@pytest.mark.browser
def test_a_quiz_answer_opens_its_explanation(visit):
    page, _ = visit("chapters/momentum")
    answer = page.locator("details.sd-dropdown", has_text="You weighted the gradient with")
    assert not answer.locator("p").first.is_visible()
    answer.locator("summary").focus()
    page.keyboard.press("Enter")
    assert answer.locator("p").first.is_visible()


@pytest.mark.browser
def test_the_list_of_exercises_remembers_what_has_passed(visit):
    page, troubles = visit("chapters/exercises")
    wanted = [name for topic in topics() for name in import_module(f"thalweg.exercises.{topic}").EXERCISES]
    boxes = page.locator("input.tw-passed")
    assert sorted(boxes.evaluate_all("boxes => boxes.map(b => b.value)")) == sorted(wanted)
    progress = page.locator(".tw-progress")
    assert progress.inner_text() == f"0 of {len(wanted)} passed"
    box = page.get_by_role("checkbox", name="Passed: 1. The heavy ball")
    box.focus()
    page.keyboard.press("Space")
    assert progress.inner_text() == f"1 of {len(wanted)} passed"
    page.reload()
    assert box.is_checked()
    assert progress.inner_text() == f"1 of {len(wanted)} passed"
    page.evaluate("localStorage.setItem('thalweg-passed', '{spoilt')")
    page.reload()
    assert progress.inner_text() == f"0 of {len(wanted)} passed"
    page.get_by_role("link", name="1. The heavy ball").click()
    page.locator(page.url[page.url.index("#") :]).wait_for()
    assert troubles == []


@pytest.mark.browser
def test_the_list_of_exercises_reads_without_scripts(scriptless, address):
    scriptless.goto(f"{address}chapters/exercises.html")
    assert scriptless.get_by_role("link", name="1. The heavy ball").is_visible()
    assert scriptless.locator("input.tw-passed").count() > 0
    assert not scriptless.locator("input.tw-passed, .tw-progress").filter(visible=True).count()


@pytest.mark.parametrize("text", ["no time is named, points: 3", "Plan for about 90 minutes."])
def test_an_assignment_without_time_or_points_is_refused(text):
    with pytest.raises(ValueError, match="minutes"):
        assignment(text)


def test_the_assignment_can_be_downloaded(site):
    found = (site / "_downloads").glob("*/momentum.ipynb")
    (notebook,) = (path for path in found if path.parent.name != "notebooks")  # those are the chapters themselves
    cells = json.loads(notebook.read_text())["cells"]
    assert any("check(" in "".join(cell["source"]) for cell in cells)
    assert not any("BEGIN SOLUTION" in "".join(cell["source"]) for cell in cells)
