"""One letter, one meaning: what the formulas of the book use stands on the page of notation, and in one row of it."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "chapters" / "notation.md").read_text(encoding="utf-8")
TOPICS = sorted(path.stem for path in (ROOT / "solutions").glob("*.md"))
TEXTS = [ROOT / room / f"{topic}.md" for room in ("chapters", "solutions") for topic in TOPICS]
CODE = sorted((ROOT / "lib" / "thalweg").rglob("*.py"))

GREEK = "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho varrho sigma tau"
GREEK += (
    " upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell nabla partial"
)
LETTER = rf"(?:\\(?:{'|'.join(GREEK.split())})(?![a-zA-Z])|[a-zA-Z])"
ACCENT = r"\\(?:hat|bar|tilde|overline|check|dot|vec|mathbf|mathcal|mathbb|boldsymbol|mathrm)(?![a-zA-Z])"
SYMBOL = re.compile(
    rf"\\(?:begin|end|text|operatorname|label)\s*\*?\{{[^}}]*\}}"  # no symbols
    rf"|\\mathrm\{{[^}}]{{2,}}\}}"  # a name of several letters says itself what it is
    rf"|(?:(?P<accent>{ACCENT})\s*\{{?\s*)?(?P<letter>{LETTER})\s*\}}?(?P<index>_\d|\^\\star)?"
    r"|\\[a-zA-Z]+"  # any other command
)


def symbols(tex: str) -> Iterator[str]:
    r"""The letters of a formula, with their accents, and with an index if it is a number or a star: ``\hat m``, ``\beta_1``."""
    for found in SYMBOL.finditer(tex):
        if found["letter"]:
            yield " ".join(filter(None, [found["accent"], found["letter"]])) + (found["index"] or "")


def formulas(text: str) -> list[str]:
    """The formulas of a text in MyST, but for those in code and in tables, which may quote others in their own letters."""
    text = re.sub(r"^(`{3,})\{(?!math)[^}]*-?cell\}.*?^\1$", "", text, flags=re.S | re.M)
    text = re.sub(r"^\|.*\|$", "", text, flags=re.M)
    blocks = re.findall(r"^`{3,}\{math\}\n((?:.*\n)*?)`{3,}$", text, flags=re.M)
    text = re.sub(r"^(`{3,})\{math\}\n(?:.*\n)*?\1$", "", text, flags=re.M)
    inline = re.findall(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.sub(r"`[^`\n]*`", "", text), flags=re.S)
    return [*(re.sub(r"^:\w+:.*$", "", block, flags=re.M) for block in blocks), *(tex for _, tex in inline)]


def documented(code: str) -> list[str]:
    """The formulas of docstrings."""
    blocks = re.findall(r"\.\. math::[ ]*(?:\n\n)?((?:.*\S.*\n)+)", code)
    return [*re.findall(r":math:`([^`]*)`", code), *blocks]


def rows() -> list[list[str]]:
    """The symbols of each row of the page's own tables: of each formula in the first column its first letter."""
    own = PAGE[PAGE.index("## Symbols") : PAGE.index("### Letters of a place")]
    cells = re.findall(r"^\| (\$.*?\$) \|", own, flags=re.M)
    return [[next(symbols(tex)) for tex in re.findall(r"\$(.+?)\$", cell)] for cell in cells]


def local() -> set[str]:
    """The letters that count: each chapter says what."""
    place = PAGE[PAGE.index("### Letters of a place") : PAGE.index("(layers-in-code)=")]
    return {symbol for tex in re.findall(r"\$(.+?)\$", place) for symbol in [next(symbols(tex))]}


def missing(found: list[str]) -> dict[str, str]:
    """The symbols of these formulas that the page lacks, each with a formula that has it."""
    known = {symbol for row in rows() for symbol in row} | local()
    return {
        symbol: tex
        for tex in found
        for symbol in symbols(tex)
        if symbol not in known and re.sub(r"_\d$", "", symbol) not in known
    }


def test_a_symbol_stands_in_one_row():
    counts = Counter(symbol for row in rows() for symbol in set(row))
    assert [symbol for symbol, count in counts.items() if count > 1] == []
    assert len(counts) > 60  # the tables were read
    assert local().isdisjoint(counts)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_page_has_every_symbol_of_a_topic(path):
    found = formulas(path.read_text(encoding="utf-8"))
    assert len(found) > 20
    assert missing(found) == {}


def test_the_page_has_every_symbol_of_the_docstrings():
    found = [tex for path in CODE for tex in documented(path.read_text(encoding="utf-8"))]
    assert len(found) > 50
    assert missing(found) == {}


def test_a_symbol_that_the_page_lacks_is_found():
    text = "With $\\chi$ and $\\hat\\theta_t$ and $\\mathcal{L}(\\theta)$,\n\n```{math}\n:label: chi-x\n\\Gamma_i + x\n```\n\n| $\\Xi$ | Misra |\n"
    assert set(missing(formulas(text))) == {"\\chi", "\\hat \\theta", "\\mathcal L", "\\Gamma"}
    assert missing(formulas("```{code-cell} ipython3\nprint('$\\chi$')\n```\n")) == {}
    assert set(missing(documented('r"""So :math:`\\chi = 1`.\n\n    .. math:: \\Gamma = x\n"""'))) == {
        "\\chi",
        "\\Gamma",
    }
