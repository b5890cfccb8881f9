"""A link leads to the place that it names, and the contents say where one is."""

import pytest
from playwright.sync_api import expect

from thalweg.exercises import topics
from thalweg.site import run

PLACES = ["momentum.html#quiz", "momentum.html#exercise-momentum-best-rho", "adam.html#exercise-adam-after-restart"]


@pytest.fixture
def show(browser, address):
    """Open a page of a given width as a link from elsewhere would."""
    contexts = []

    def open_page(name, width=1280):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.goto(f"{address}chapters/{name}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("place", PLACES)
def test_a_link_leads_to_its_place(show, place, width):
    page = show(place, width)
    page.wait_for_function(  # below the page's head, and at once in sight
        "id => { const { top } = document.getElementById(id).getBoundingClientRect(); return 0 <= top && top < 120; }",
        arg=place.partition("#")[2],
    )


@pytest.mark.browser
@pytest.mark.parametrize("name", ["momentum.html", "batch_normalization.html"])
def test_scripts_move_nothing(show, browser, address, name):
    """What a script puts into a page has had its place there from the first."""
    before = browser.new_page(viewport={"width": 1280, "height": 900})
    before.route("**/run.js*", lambda route: route.abort())
    before.goto(f"{address}chapters/{name}")
    places = "all => all.map(e => e.getBoundingClientRect().top + scrollY)"
    page = show(name)
    page.locator(".tw-run-buttons").first.wait_for()
    drawn = [at.locator("article :is(h2, figure)").evaluate_all(places) for at in (before, page)]
    before.close()
    assert len(drawn[0]) > 15
    assert max(abs(a - b) for a, b in zip(*drawn, strict=True)) < 10


@pytest.mark.browser
def test_on_a_phone_the_contents_make_room_for_what_was_chosen(show):
    page = show("momentum.html", 390)
    page.get_by_role("button", name="Toggle secondary sidebar").click()
    contents = page.locator("#pst-secondary-sidebar-modal")
    expect(contents).to_be_visible()
    contents.get_by_role("link", name="Quiz").click()
    expect(contents).to_be_hidden()
    expect(page.get_by_role("heading", name="Quiz")).to_be_in_viewport()


@pytest.mark.browser
def test_the_contents_mark_a_section_however_long(show):
    page = show("momentum.html")
    marked = []
    height = page.evaluate("document.querySelector('article').scrollHeight")
    for top in range(1500, height - 1500, 1500):
        page.evaluate("top => scrollTo({ top, behavior: 'instant' })", top)
        page.wait_for_timeout(300)
        marked.append(page.evaluate("document.querySelector('#pst-page-toc-nav .nav-link.active')?.textContent"))
    assert marked.count(None) <= 4, marked  # between two sections none is
    assert len(set(marked)) >= 8
    assert page.locator("article a.active").count() == 0


@pytest.mark.parametrize("topic", topics())
def test_a_box_says_all_that_the_assignment_says(site, topic):
    html = (site / f"chapters/{topic}.html").read_text(encoding="utf-8")
    assert html.count("The exercise in full") == html.count('class="tw-exercise docutils') > 0


def test_an_exercise_without_a_statement_is_refused(site):
    with pytest.raises(ValueError, match="no cell missing_text"):
        run.statement(run.ASSIGNMENTS / "momentum/momentum.ipynb", "momentum.missing")
