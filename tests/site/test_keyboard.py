"""A chapter by keyboard alone: every control is reached, shows that it is, and lets go again."""

import pytest

CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex='0']"
# where the focus is, whether that can be seen, and whether the walk has been there before
STEP = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const marked = e => { const s = getComputedStyle(e);
    return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'; };
  const again = at.hasAttribute('data-reached');
  at.setAttribute('data-reached', '');
  return {html: at.outerHTML.slice(0, 120), again, marked: marked(at) || [...at.children].some(marked)};
}"""
MISSED = """controls => [...document.querySelectorAll(controls)].filter(e => !e.hasAttribute('data-reached') && !e.disabled
  && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length)
  .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture
def chapter(browser, address):
    """Open the momentum chapter in a window of a given width."""
    contexts = []

    def open_chapter(width):
        context = browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{address}chapters/momentum.html")
        for figure in page.locator(".tw-interactive").all():
            figure.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelectorAll('.tw-live').length === 2")
        page.evaluate("window.scrollTo(0, 0)")
        return page

    yield open_chapter
    for context in contexts:
        context.close()


def focused(page, selector):
    """Whether the focus is on, or in, an element."""
    return page.evaluate("s => Boolean(document.activeElement.closest(s))", selector)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_tab_reaches_every_control_and_shows_where_it_is(chapter, width):
    page = chapter(width)
    steps = []
    for _ in range(500):
        page.keyboard.press("Tab")
        steps.append(page.evaluate(STEP))
        if steps[-1] is None or steps[-1]["again"]:
            break
    assert steps.pop() is None, "Tab does not come to the end of the page"
    assert len(steps) > 100
    assert [step["html"] for step in steps if not step["marked"]] == []
    assert page.evaluate(MISSED, CONTROLS) == []


@pytest.mark.browser
def test_the_skip_link_leads_into_the_chapter(chapter):
    page = chapter(1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page, "#main-content")


@pytest.mark.browser
def test_the_search_opens_and_closes(chapter):
    page = chapter(1280)
    page.keyboard.press("Control+k")
    assert focused(page, "#pst-search-dialog[open] input")
    page.keyboard.press("Escape")
    assert not page.locator("#pst-search-dialog").is_visible()


@pytest.mark.browser
def test_the_theme_switches(chapter):
    page = chapter(1280)
    page.locator(".bd-header-article .theme-switch-button").focus()
    seen = set()
    for _ in range(3):
        page.keyboard.press("Enter")
        seen.add(page.evaluate("document.documentElement.dataset.mode"))
    assert seen == {"auto", "light", "dark"}


@pytest.mark.browser
def test_the_contents_open_and_close_on_a_phone(chapter):
    page = chapter(320)
    page.locator(".primary-toggle").focus()
    page.keyboard.press("Enter")
    sidebar = page.locator("#pst-primary-sidebar-modal[open]")
    sidebar.wait_for()
    page.keyboard.press("Tab")
    assert focused(page, "#pst-primary-sidebar-modal")
    page.keyboard.press("Escape")
    sidebar.wait_for(state="detached")
    assert focused(page, ".primary-toggle")


@pytest.mark.browser
def test_a_hint_opens_and_the_editor_lets_go(chapter):
    page = chapter(1280)
    hint = page.locator(".tw-exercise details").first
    hint.locator("summary").focus()
    page.keyboard.press("Enter")
    assert hint.get_attribute("open") is not None
    page.locator(".tw-run textarea").first.focus()
    page.keyboard.type("x")
    page.keyboard.press("Tab")
    assert focused(page, ".tw-run-buttons button")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert not focused(page, ".tw-run")
