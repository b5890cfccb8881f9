"""Sphinx extension: of the theme's icons, the site carries those that its pages show.

The theme comes with two thousand icons, and with each of them twice: in a script that draws it and in a font. The script goes; of
the font and of its style sheet stays what the pages name.
``tests/site/test_weight.py`` weighs the pages.
"""

import base64
import io
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

from . import written

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
SHEET = "styles/pydata-sphinx-theme.css"
ICONS = re.compile(r"<!-- So that users can add custom icons -->\s*<script[^>]*/fontawesome\.js[^>]*></script>\s*")
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]*"\}')  # .fa-sun:before{content:"\f185"}
FACE = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")
GLYPH = re.compile(r"\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")  # a private code point, escaped or not


def icons(texts: Iterable[str]) -> set[str]:
    """The icons' classes that pages or scripts name."""
    return {name for text in texts for name in re.findall(r"fa-[a-z0-9-]+", text)}


def lighter(page: str) -> str:
    """A page without the script that it has no use for."""
    return ICONS.sub("", page)


def font(glyphs: set[int]) -> str:
    """The solid font with these glyphs alone, as an address that holds it. Raises ValueError where there is nothing to draw."""
    if not glyphs:
        raise ValueError("the theme's style sheet names no icon: has its form changed? See thalweg/site/weight.py")
    found = TTFont(THEME / "vendor/fontawesome/webfonts/fa-solid-900.ttf", recalcTimestamp=False)
    subsetter = Subsetter()
    subsetter.populate(unicodes=glyphs)
    subsetter.subset(found)
    found.flavor = "woff"
    written = io.BytesIO()
    found.save(written)
    return f"data:font/woff;base64,{base64.b64encode(written.getvalue()).decode()}"


def sheet(css: str, used: set[str], others: str = "") -> str:
    """The theme's style sheet ``css`` with the icons ``used``, and those that it or the style sheets ``others`` name themselves."""
    css = RULE.sub(lambda rule: rule[0] if used & icons([rule[1]]) else "", css)
    glyphs = {int(escaped, 16) if escaped else ord(plain) for escaped, plain in GLYPH.findall(css + others)}
    face = f"@font-face{{font-family:Font Awesome\\ 6 Free;font-weight:900;src:url({font(glyphs)})}}"
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", FACE.sub("", css))
    return css + face


def _lighten(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the pages and the style sheet, and take away what they no longer name."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "vendor/fontawesome", ignore_errors=True)
    for path in (static / "scripts").glob("fontawesome.js*"):
        path.unlink()
    texts = [path.read_text(encoding="utf-8") for path in (static / "scripts").glob("*.js")]
    for path in written.pages(app):
        page = path.read_text(encoding="utf-8")
        texts.append(lighter(page))
        if texts[-1] != page:
            path.write_text(texts[-1], encoding="utf-8")
    others = "".join(path.read_text(encoding="utf-8") for path in static.rglob("*.css") if path != static / SHEET)
    css = sheet((THEME / SHEET).read_text(encoding="utf-8"), icons(texts), others)
    (static / SHEET).write_text(css, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Lighten the site once it is written."""
    app.add_css_file("icons.css")
    app.connect("build-finished", _lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
