"""The front page and its race; what every page owes the reader: lines that suit prose, code to copy, a place in the book."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

from thalweg.site.front import names_of, spread
from thalweg.site.lectures import TITLES
from thalweg.site.opening import minutes
from thalweg.site.topics import topics

ROOT = Path(__file__).parents[2]
BOOK = {topic.name: topic for topic in topics(ROOT)}
FIRST = next(iter(BOOK.values()))
PAGES = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
LAST = "100"  # the race's last step


@pytest.fixture
def visit(browser, address):
    """Open a page at its top."""
    contexts = []

    def open_page(name, width=1280, height=700, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.goto(f"{address}{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()


def show_race(page, share=1.0):
    """Scroll until so much of the race is in the window; wait until it is alive."""
    page.locator(".tw-stage").evaluate(
        "(e, share) => { const r = e.getBoundingClientRect(); scrollBy(0, r.top + share * r.height - innerHeight); }",
        share,
    )
    page.wait_for_selector(".tw-live")
    return page.locator('input[name="step"]'), page.locator(".tw-interactive button")


@pytest.mark.browser
def test_the_race_starts_when_it_is_seen_and_not_before(visit):
    page = visit("chapters/index", height=300)  # too low for it
    page.wait_for_timeout(500)
    assert page.locator(".tw-live").count() == 0
    slider, button = show_race(page, share=0.2)
    page.wait_for_timeout(500)
    assert slider.input_value() == LAST
    assert "Play" in button.inner_text()
    show_race(page)
    page.wait_for_function("(v => v > 3 && v < 50)(document.querySelector('input[name=step]').value)")
    expect(button).to_contain_text("Play", timeout=30_000)  # it ends by itself
    assert slider.input_value() == LAST


@pytest.mark.browser
def test_the_race_can_be_paused_and_moved_by_keyboard_alone(visit):
    page = visit("chapters/index")
    slider, button = show_race(page)
    expect(button).to_contain_text("Pause")
    button.press("Enter")
    held = slider.input_value()
    page.wait_for_timeout(400)
    assert slider.input_value() == held != LAST
    drawing = page.locator(".tw-stage svg")
    before = drawing.inner_html()
    slider.press("ArrowRight")
    page.wait_for_timeout(300)
    assert int(slider.input_value()) == int(held) + 1
    assert drawing.inner_html() != before
    button.press("Space")
    expect(button).to_contain_text("Pause")
    slider.press("ArrowLeft")  # a hand on the slider stops it, too
    expect(button).to_contain_text("Play")


@pytest.mark.browser
def test_a_reader_who_prefers_stillness_sees_the_race_at_its_end(visit):
    page = visit("chapters/index", reduced_motion="reduce")
    slider, button = show_race(page)
    page.wait_for_timeout(500)
    assert slider.input_value() == LAST
    button.press("Enter")  # asked for, it plays
    page.wait_for_function("document.querySelector('input[name=step]').value < 100")


@pytest.mark.browser
def test_on_paper_the_race_is_at_its_end_without_buttons(visit):
    page = visit("chapters/index")
    slider, _ = show_race(page)
    page.wait_for_function("document.querySelector('input[name=step]').value < 50")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    assert slider.input_value() == LAST
    assert not slider.is_visible()
    assert page.locator(".tw-stage svg").is_visible()


@pytest.mark.browser
def test_without_scripts_the_front_page_has_both_pictures_whole(visit):
    page = visit("chapters/index", java_script_enabled=False)
    for picture in ("#fig-welcome svg", "#fig-race .tw-stage > svg"):
        assert page.locator(picture).bounding_box()["height"] > 250
    assert page.locator("#fig-race svg").get_by_text("gradient descent").is_visible()
    assert page.locator(".tw-place").count() == 0


@pytest.mark.browser
def test_the_races_words_keep_their_size_on_a_phone(visit):
    page = visit("chapters/index", width=390, height=844)
    show_race(page)
    page.wait_for_timeout(300)
    drawing = page.locator(".tw-stage svg")
    assert drawing.evaluate("svg => svg.getScreenCTM().a") > 0.9
    assert drawing.bounding_box()["width"] <= 390


@pytest.mark.parametrize("name", PAGES)
def test_no_interactive_figure_is_heavy(site, name):
    page = BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    sizes = [len(str(figure).encode()) for figure in page.select(".tw-interactive")]
    assert name != "chapters/index" or len(sizes) == 1
    assert all(size < 300_000 for size in sizes), sizes


MEASURE = """() => {
  const prose = [...document.querySelectorAll('article section > p')].filter((p) => !p.querySelector('.math, br'));
  const lines = prose.map((p) => ({ n: Math.round(p.offsetHeight / parseFloat(getComputedStyle(p).lineHeight)), text: p.innerText }));
  return lines.filter((p) => p.n >= 3).map((p) => p.text.length / (p.n - 0.5));  // the last line is half full, in the mean
}"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("name", ["index", "momentum", "dropout"])
def test_lines_suit_prose_and_formulas_fit(visit, name, width):
    page = visit(f"chapters/{name}", width=width)
    lengths = sorted(page.evaluate(MEASURE))
    assert len(lengths) >= 3
    assert 60 < lengths[len(lengths) // 2] < 87, lengths
    wide = "formulas => formulas.filter(f => f.scrollWidth > f.clientWidth + 1).map(f => f.textContent)"
    assert page.locator(".katex-display").evaluate_all(wide) == []


@pytest.mark.browser
@pytest.mark.parametrize("block", ["div.tw-reference", "div.cell_input:visible"])
def test_code_can_be_copied(visit, block):
    page = visit("chapters/momentum", permissions=["clipboard-read", "clipboard-write"])
    code = page.locator(block).first
    code.scroll_into_view_if_needed()
    code.hover()
    code.locator("button.copybtn").click()
    page.wait_for_timeout(300)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert len(copied) > 20
    assert copied.strip() == code.locator("pre").inner_text().strip()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["chapters/index", "chapters/momentum", "chapters/lectures/uva", PAGES[-1]])
def test_a_page_says_where_it_stands_in_the_book(visit, name):
    page = visit(name)
    place = page.locator(".prev-next-area .tw-place")
    number = PAGES.index(name) + 1
    assert place.inner_text().strip() == f"Page {number} of {len(PAGES)}"
    assert page.get_by_role("progressbar", name=f"Page {number}").evaluate("bar => bar.position") == pytest.approx(
        number / len(PAGES)
    )


@pytest.mark.browser
def test_a_page_outside_the_book_has_no_place_in_it(visit):
    page = visit("genindex")
    page.wait_for_load_state()
    assert page.locator(".tw-place").count() == 0


@pytest.mark.browser
def test_the_front_page_leads_to_the_first_chapter_and_to_an_exercise(visit):
    page = visit("chapters/index")
    exercise = f"{FIRST.name}.html#exercise-{names_of(FIRST)[0].replace('.', '-').replace('_', '-')}"
    for name, target in [(f"Start with {FIRST.title}", f"{FIRST.name}.html"), ("Try an exercise", exercise)]:
        link = page.get_by_role("link", name=name)
        assert link.bounding_box()["y"] < 500  # in the first screen
        assert link.evaluate("a => a.href").endswith(f"chapters/{target}")


@pytest.mark.browser
def test_the_first_screen_of_a_phone_holds_title_sentence_button_and_race(visit):
    page = visit("chapters/index", width=390, height=844)
    page.wait_for_selector(".tw-live")
    for what in ("article h1", ".tw-lead", ".tw-buttons a >> nth=0", ".tw-stage svg"):
        place = page.locator(what).bounding_box()
        assert place["y"] >= 0 and place["y"] + place["height"] <= 844, what
        assert place["x"] >= 0 and place["x"] + place["width"] <= 390, what


def test_the_map_says_of_every_chapter_what_its_front_matter_says(site):
    page = BeautifulSoup((site / "chapters/index.html").read_text(encoding="utf-8"), "html.parser")
    cards = page.select(".tw-topic")
    assert len(cards) == len(BOOK)
    for card, topic in zip(cards, BOOK.values(), strict=True):
        text = " ".join(card.get_text().replace("’", "'").split())
        assert text.startswith(f"{topic.number}. {topic.title} {topic.card}")
        assert minutes(topic).capitalize() in text and f"{len(names_of(topic))} exercises" in text
        assert [link["href"] for link in card.select("a")] == [f"{name}.html" for name in (topic.name, *topic.needs)]
        assert len(card.select_one("svg.tw-figure")["aria-label"]) > 40
        assert card.find_previous("h3").get_text().startswith(topic.part)


@pytest.mark.browser
def test_the_map_remembers_what_has_passed(visit):
    page = visit("chapters/index")
    done = page.locator(".tw-topic .tw-done").first
    names = names_of(FIRST)
    expect(done).to_have_text(f"{len(names)} exercises")
    page.evaluate("names => localStorage.setItem('thalweg-passed', JSON.stringify(names))", [*names[:2], "other.one"])
    page.reload()
    expect(done).to_have_text(f"✓ 2 of {len(names)} exercises passed")


def test_a_planned_topic_is_named_and_not_linked(site):
    page = BeautifulSoup((site / "chapters/index.html").read_text(encoding="utf-8"), "html.parser")
    planned = {name.get_text() for name in page.select("article .tw-planned")}
    assert planned == {title for name, title in TITLES.items() if name not in BOOK}
    assert not page.select("a .tw-planned, .tw-planned a")
    paths = page.find(id="paths-through-it")
    weeks = paths.select("ol > li")
    assert len(weeks) == 13
    assert len(paths.select("ul > li")) == 5


@pytest.mark.parametrize("n", [1, 4, 13, 27, 40])
def test_topics_are_spread_evenly_over_the_weeks(n):
    names = [str(i) for i in range(n)]
    weeks = spread(names)
    assert len(weeks) == 13 and [name for week in weeks for name in week] == names
    assert max(map(len, weeks)) - min(map(len, weeks)) <= 1
