"""Formulas are drawn when the site is built: for eyes, for ears, and from a font that the page brings along."""

import base64
import io
import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from files import read
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinxcontrib import katex

from thalweg.site import formulas

ROOT = Path(__file__).parents[2]
DIST = ROOT / formulas.KATEX / "dist"


@pytest.fixture(scope="module")
def renderer():
    """KaTeX, as the build starts it."""
    formulas.start(ROOT)


HESITATES = """
import pathlib, socket, sys, time
wire = socket.socket(socket.AF_UNIX)
wire.bind("katex.sock")
while not pathlib.Path("asked").exists():
    time.sleep(0.01)
wire.listen()
wire.accept()
"""


def test_a_renderer_that_listens_late_is_waited_for(tmp_path, monkeypatch):
    command = [sys.executable, "-c", HESITATES]
    monkeypatch.setattr(formulas.katex.KaTeXServer, "build_command", lambda **options: command)
    monkeypatch.setattr(formulas.time, "sleep", lambda seconds: asked(tmp_path))
    process, wire = formulas.connected(tmp_path, 120)
    wire.close()
    assert process.wait() == 0


def asked(folder):
    """Let the renderer listen once it has been asked in vain."""
    if (folder / "katex.sock").exists():
        (folder / "asked").touch()


def test_a_renderer_that_does_not_start_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(formulas.katex.KaTeXServer, "build_command", lambda **options: [sys.executable, "-c", ""])
    with pytest.raises(katex.KaTeXError):
        formulas.connected(tmp_path, 120)


def block(tex, nowrap=False):
    return nodes.math_block(tex, tex, nowrap=nowrap)


def test_every_formula_can_be_seen_and_heard(site):
    pages = sorted(site.glob("chapters/**/*.html"))
    found = 0
    for path in pages:
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for formula in page.select("article .math"):
            found += 1
            assert formula.select_one(".katex-html[aria-hidden]").get_text(strip=True), (path.name, formula)
            assert formula.select_one(".katex-mathml math").get_text(strip=True), (path.name, formula)
        assert not re.search(r"\\\(|\\\[|\\frac|\\begin", page.select_one("article").get_text()), f"TeX in {path.name}"
    assert found > 1000


def test_numbers_of_equations_lead_to_them(site):
    pages = {path.name: read(path) for path in site.glob("chapters/*.html")}
    numbers = {}
    for name, page in pages.items():
        for formula in page.select("div.math[id]"):
            numbers[f"{name}#{formula['id']}"] = formula.select_one(".eqno").find(string=True)
    assert len(set(numbers.values())) == len(numbers) > 30, "a number stands at two formulas"
    references = 0
    for name, page in pages.items():
        for link in page.select('article a[href*="#equation-"]:not(.headerlink)'):
            target = link["href"] if not link["href"].startswith("#") else name + link["href"]
            assert link.get_text() in numbers[target]
            references += 1
    assert references > 20


@pytest.mark.browser
def test_a_page_reads_without_scripts(scriptless, address):
    scriptless.goto(f"{address}chapters/batch_normalization.html")
    hidden = scriptless.locator("article .katex-html").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().width < 2).map(e => e.outerHTML)"
    )
    assert hidden == []
    behind = scriptless.locator(".bd-header-article").evaluate("e => getComputedStyle(e).backgroundColor")
    assert behind == "rgb(255, 255, 255)", "text runs under the bar at the head of the page"


def test_the_style_sheet_brings_every_glyph_that_is_shown(site):
    css = (site / "_static" / formulas.SHEET).read_text(encoding="utf-8")
    assert "MIT" in css and not re.search(r"url\((?!data:)", css)
    fonts = [TTFont(io.BytesIO(base64.b64decode(raw))) for raw in re.findall(r"base64,([^)]*)\)", css)]
    there = set().union(*(font.getBestCmap() for font in fonts))
    shown = set().union(
        *(formulas.glyphs(path.read_text(encoding="utf-8")) for path in site.glob("chapters/**/*.html"))
    )
    invisible = {"\u200b", "\u00a0"}
    assert {hex(ord(c)) for c in shown - invisible} - {hex(code) for code in there} == set()
    assert len(css) < 120_000


def test_only_fonts_that_are_asked_for_come_along(renderer):
    css = (DIST / "katex.min.css").read_text(encoding="utf-8")
    plain = formulas.sheet(css, DIST / "fonts", *formulas.drawn([formulas.render("x + 1")]))
    more = formulas.sheet(css, DIST / "fonts", *formulas.drawn([formulas.render(r"\mathbb{R} + \mathbf{w}")]))
    faces = [
        re.findall(r"font-family:(KaTeX_\w+);font-style:normal;font-weight:(\d+);src", text) for text in (plain, more)
    ]
    assert ("KaTeX_AMS", "400") not in faces[0] and ("KaTeX_AMS", "400") in faces[1]
    assert ("KaTeX_Main", "700") not in faces[0] and ("KaTeX_Main", "700") in faces[1]


def test_glyphs_are_those_of_formulas_alone(renderer):
    page = f"<p>prose {formulas.render(r'a &lt; b'.replace('&lt;', '<'))} more prose</p>"
    assert formulas.glyphs(page) >= {"a", "<", "b"}
    assert not formulas.glyphs(page) & set("prose")
    assert "application/x-tex" not in page


@pytest.mark.parametrize(
    "node, wanted",
    [
        (block("x = 1"), "x = 1"),
        (block(r"x &= 1 \\ y &= 2"), r"\begin{split}x &= 1 \\ y &= 2\end{split}"),
        (block("x = 1\n\ny = 2"), "\\begin{split}x = 1 \\\\ y = 2\\end{split}"),
        (block(r"\begin{align}x &= 1\end{align}", nowrap=True), r"\begin{align*}x &= 1\end{align*}"),
        (block(r"\begin{gather*}x\end{gather*}", nowrap=True), r"\begin{gather*}x\end{gather*}"),
    ],
)
def test_lines_are_aligned_as_in_print(renderer, node, wanted):
    assert formulas.aligned(node) == wanted
    assert "katex-html" in formulas.render(wanted, display=True)


@pytest.mark.parametrize("tex", [r"\nosuch{x}", r"\frac{1", "a & b"])
def test_a_formula_that_cannot_be_drawn_is_refused(renderer, tex):
    with pytest.raises(katex.KaTeXError):
        formulas.render(tex)


def test_a_formula_that_cannot_be_drawn_is_named_with_its_place(tmp_path):
    (tmp_path / "conf.py").write_text(
        "extensions = ['thalweg.site.formulas']\nhtml_math_renderer = 'formulas'\nsource_suffix = ['.rst']\n"
    )
    (tmp_path / "index.rst").write_text("Title\n=====\n\nRight :math:`x^2`.\n\nWrong :math:`\\nosuch`.\n")
    (tmp_path / formulas.KATEX.parent).parent.mkdir(parents=True)
    (tmp_path / formulas.KATEX.parent).symlink_to(ROOT / formulas.KATEX.parent)
    said = io.StringIO()
    folders = [str(tmp_path / name) for name in (".", ".", "out", "doctrees")]
    Sphinx(*folders, "html", confoverrides={"html_theme": "basic"}, status=None, warning=said).build()
    assert re.search(r"index\.rst:6: WARNING: .*Undefined control sequence: \\nosuch", said.getvalue()), said.getvalue()
    assert (tmp_path / "out/_static" / formulas.SHEET).exists()


def test_a_comma_stays_with_its_formula(site):
    page = BeautifulSoup((site / "chapters/momentum.html").read_text(encoding="utf-8"), "html.parser")
    boxes = page.select("article .tw-together")
    assert len(boxes) > 10
    for box in boxes:
        assert box.select_one(".math") and re.fullmatch(r"[^\s\w]+", str(box.contents[-1])), box.get_text()
