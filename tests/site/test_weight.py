"""What travels before a page can be read: its first view, from a server that compresses as common servers do."""

import base64
import re
from io import BytesIO

import pytest
from files import Compressed, first_view
from fontTools.ttLib import TTFont

from thalweg.exercises import topics
from thalweg.site import weight

LIMIT = 400_000  # bytes
RACE = 520_000  # of the front page, whose first view is a figure that moves


@pytest.fixture(scope="module")
def compressing(site, serve):
    """The address of the site on a server that compresses."""
    return serve(site, Compressed)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", *topics()])
def test_the_first_view_is_light_and_asks_no_other_host(browser, compressing, name):
    table = first_view(browser, f"{compressing}chapters/{name}.html")
    total = sum(size for size, _ in table)
    written = "\n".join(f"{size / 1000:8.1f} KB  {address}" for size, address in table)
    assert total > 50_000, "the page did not load"
    assert total < (RACE if name == "index" else LIMIT), f"{total / 1000:.0f} KB\n{written}"
    assert [address for _, address in table if not address.startswith((compressing, "data:", "blob:"))] == []


def test_every_icon_of_the_site_can_be_drawn(site):
    css = (site / "_static" / weight.SHEET).read_text(encoding="utf-8")
    (drawn,) = re.findall(r"url\(data:font/woff;base64,([^)]*)\)", css)
    glyphs = TTFont(BytesIO(base64.b64decode(drawn))).getBestCmap()
    rules = {name: rule[0] for rule in weight.RULE.finditer(css) for name in weight.icons([rule[1]])}
    pages = [path.read_text(encoding="utf-8") for path in site.glob("chapters/**/*.html")]
    shown = {name for page in pages for name in re.findall(r'<i class="[^"]*?(fa-(?!solid|lg)[\w-]+)', page)}
    assert len(shown) > 5
    for name in shown:
        escaped = re.search(r"\\([0-9a-f]{4})", rules[name])
        assert escaped and int(escaped[1], 16) in glyphs, name
    assert len(glyphs) < 60, "icons that no page shows"


def test_a_style_sheet_that_names_no_icon_is_an_error():
    with pytest.raises(ValueError, match="names no icon"):
        weight.sheet("p{color:red}", {"fa-sun"})
