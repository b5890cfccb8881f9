"""The figures' one style, and the plots that several chapters share.

A figure is drawn once and reads well on light and dark pages: its colours become CSS variables, so the page's theme
decides them. Where there is no such page (JupyterLab, PDF) the same figure appears in the light palette.

``show`` puts a Matplotlib figure on the page, ``interactive`` an Altair chart; both want alt text that says what is to be seen.
"""

import base64
import csv
import hashlib
import html
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import altair as alt
import contourpy
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scour import scour

from .minimize import History
from .surfaces import Surface

# Six colours that people who do not see red and green can tell apart; the dark theme has a lighter set of the same hues.
BLUE, ORANGE, GREEN, PINK, OCHRE, GREY = "#0072b2", "#d55e00", "#00855f", "#b0508a", "#5c4800", "#6b6b6c"
COLOURS = (BLUE, ORANGE, GREEN, PINK, OCHRE, GREY)
DASHES = ("-", "--", "-.", (0, (8, 1.5)), (0, (5, 1, 1, 1, 1, 1)), (0, (1.5, 1)))
_STROKES = [[1, 0], [6, 3], [8, 2, 2, 2], [14, 3], [8, 2, 2, 2, 2, 2], [3, 2]]  # the same, as Vega writes them
INK, FAINT, CONTOUR, PAPER = "#1b1b1d", "#c9c9cb", "#a3b4c2", "#fefefd"

# A method has one look in the whole book. The first of each kind is what the others are compared with: it has the first colour and the
# first dash to itself. The others follow, five colours a line: what stands in one line never shares a colour, and no two share both.
_METHODS = (
    (
        "gradient descent",
        *("heavy ball", "Nesterov", "Adam", "AdaGrad", "RMSProp"),
        *("AdaMax", "Rprop", "AdaDelta", "AdamW", "Muon"),
        *("Hessian-free", "Newton", "L-BFGS", "conjugate gradient", "natural gradient"),
        *("Lion", "PRONG", "SAM", "K-FAC", "learned optimizer"),
        *("averaged SGD", "Gauss-Newton", "vSGD", "Shampoo", "line search"),
    ),
    (
        "without",
        *("dropout", "batch normalization", "L2 penalty", "data augmentation", "early stopping"),
        *("layer normalization", "L1 penalty", "DropConnect", "stochastic depth", "elastic net"),
        *("mixup", "cutout", "label smoothing", "ensemble", "fractional max pooling"),
        *("group normalization", "skip connections", "snapshot ensemble", "max norm", "Monte Carlo dropout"),
    ),
    (
        "sigmoid",
        *("tanh", "ReLU", "leaky ReLU", "ELU", "softplus"),
        *("scaled tanh", "absolute value", "parametric ReLU", "maxout", "GELU"),
        *("linear", "noisy ReLU", "RBF", "SiLU", "SELU"),
    ),
    (
        "raw",
        *("centred", "scaled", "standardized", "decorrelated", "PCA whitening"),
        *("ZCA whitening", "per channel"),
    ),
    ("small normal", "Glorot", "He", "LeCun", "orthogonal", "truncated normal", "uniform", "pre-training"),
    (
        "constant",
        *("step decay", "cosine", "exponential decay", "1/t", "one-cycle"),
        *("warm restarts", "cyclic", "1/sqrt(t)", "warm-up", "growing batch"),
    ),
    (
        "squared error",
        *("cross-entropy", "hinge", "L1 loss", "Huber", "squared hinge"),
        *("RBF loss", "hierarchical softmax", "multi-label"),
    ),
    ("training", "unseen", "validation"),
)
_ALIASES = {"SGD": "gradient descent", "momentum": "heavy ball"}


def look(which: str | int) -> dict[str, Any]:
    """Colour and dash of a line, as ``ax.plot`` takes them: of a method by its name, or the n-th in a series of what is no method.

    Raises ValueError for a name that the book's table does not have.
    """
    colour, dash = _look(which)
    return {"color": COLOURS[colour], "linestyle": DASHES[dash]}


def _look(which: str | int) -> tuple[int, int]:
    if isinstance(which, int):
        return which, which
    name = _ALIASES.get(which, which)
    for kind in _METHODS:
        if name in kind:
            k = kind.index(name) - 1  # the first has a colour to itself
            return (0, 0) if k < 0 else (1 + k % 5, 1 + (k + k // 5) % 5)
    known = ", ".join(name for kind in _METHODS for name in kind)
    raise ValueError(f"{which!r} has no look of its own; add it to _METHODS in thalweg/figures.py. There are {known}")


def _series(labels: Sequence[str]) -> list[tuple[int, int]]:
    """The looks of lines drawn together: the methods' own if all are methods, else one after the other."""
    try:
        return [_look(label) for label in labels]
    except ValueError:
        return [_look(i) for i in range(len(labels))]


# what each of them is called in the site's style sheet
_CSS = {colour: f"var(--tw-{i}, {colour})" for i, colour in enumerate(COLOURS)} | {
    INK: "currentColor",
    FAINT: f"var(--tw-faint, {FAINT})",
    CONTOUR: f"var(--tw-contour, {CONTOUR})",
    PAPER: f"var(--tw-paper, {PAPER})",
}

STYLE: Any = {
    "figure.figsize": (6.2, 3.4),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 12,
    "axes.labelsize": 11.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": plt.cycler(color=COLOURS, linestyle=DASHES),
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.facecolor": PAPER,  # so that a map's lines do not run through the words
    "legend.edgecolor": "none",
    "legend.framealpha": 0.6,
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.25,
    "legend.borderpad": 0.2,
    "legend.fontsize": 11,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
}

# The same to the eye, in a third of the bytes: short names, no comments, and of lines what :func:`_thinned` leaves.
_SCOUR = (
    "--set-precision=4",
    "--enable-id-stripping",
    "--shorten-ids",
    "--enable-comment-stripping",
    "--remove-descriptive-elements",
    "--strip-xml-prolog",
    "--strip-xml-space",
    "--no-line-breaks",
    "--indent=none",
)


def use_style() -> None:
    """Switch Matplotlib to the book's style. Every chapter calls it once."""
    mpl.use("agg")
    plt.rcParams.update(STYLE)


class Shown:
    """What a cell returns to put a figure on the page: HTML for browsers, a picture for everything else."""

    def __init__(self, markup: str, png: bytes | None):
        self._bundle: dict[str, Any] = {"text/html": markup}
        if png is not None:
            self._bundle["image/png"] = png

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self._bundle


def _themed(svg: str) -> str:
    """Turn the style's fixed colours into CSS variables."""
    return re.sub("|".join(_CSS), lambda found: _CSS[found.group().lower()], svg, flags=re.IGNORECASE)


_LINE = re.compile(r'(?<= d=")[MLZz\d\s.,e-]+(?=")')  # straight pieces alone, not the curves of letters
_COORDINATES = re.compile(r"[-\d.e]+")


def _thinned(points: np.ndarray, tolerance: float = 0.1) -> np.ndarray:
    """A line without the points that lie within ``tolerance`` of what is drawn without them. ``points`` has shape (n, 2)."""
    path = mpl.path.Path(points)
    path.should_simplify, path.simplify_threshold = True, tolerance
    return np.asarray(path.cleaned(simplify=True).vertices)[:-1]  # the last one only ends the path


def _lighter(svg: str) -> str:
    """A drawing whose lines have the points that one sees, to a tenth of its unit."""

    def line(found: re.Match[str]) -> str:
        drawn = []
        for piece in found[0].split("M")[1:]:
            points = np.array(_COORDINATES.findall(piece), float).reshape(-1, 2)
            kept = _thinned(points) if len(points) > 8 else points
            drawn.append(
                "M" + "L".join(f"{x:.1f} {y:.1f}".replace(".0", "") for x, y in kept) + "z" * ("z" in piece.lower())
            )
        return "".join(drawn)

    return _PIXELS.sub(lambda found: _palette(found[0]), _LINE.sub(line, svg))


_PIXELS = re.compile(r"(?<=data:image/png;base64,)[^\"]+")


def _palette(encoded: str) -> str:
    """A PNG in base64, its pixels as numbers of at most 256 colours; as it is where it has more."""
    pixels = np.array(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA"))
    colours, numbers = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256:
        return encoded
    picture = Image.fromarray(numbers.reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
    picture.putpalette(colours.tobytes(), "RGBA")
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _legible(figure, smallest: float = 8, phone: float = 328) -> None:
    """Enlarge what would be less than ``smallest`` pixels high where the figure is ``phone`` pixels wide."""
    least = smallest * figure.get_figwidth() * 72 / phone  # points
    for text in figure.findobj(mpl.text.Text):
        text.set_fontsize(max(text.get_fontsize(), least))


def show(figure, alt: str) -> Shown:
    """Put a Matplotlib figure on the page. ``alt`` says, to someone who cannot see it, what it shows."""
    if not alt.strip():
        raise ValueError("alt must say what the figure shows, got an empty text")
    _legible(figure)
    picture, drawing = io.BytesIO(), io.StringIO()
    salt = hashlib.sha256(alt.encode()).hexdigest()[:8]  # keeps the ids of two figures on one page apart
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(drawing, format="svg", metadata={"Date": None})
    figure.savefig(picture, format="png", dpi=160, facecolor="white")
    plt.close(figure)
    svg = scour.scourString(_lighter(drawing.getvalue()), scour.parse_args([*_SCOUR, f"--shorten-ids-prefix=f{salt}-"]))
    svg = svg[svg.index("<svg") :]
    svg = svg.replace("<svg", f'<svg class="tw-figure" role="img" aria-label="{html.escape(alt)}"', 1)
    return Shown(_themed(svg), picture.getvalue())


def interactive(chart: alt.TopLevelMixin, alt: str) -> Shown:
    """Put an Altair chart on the page: live where scripts run, the same chart as a still picture where they do not.

    A parameter called ``step`` with a slider gets a play button. The spec travels in the page, as data.
    """
    import vl_convert

    if not alt.strip():
        raise ValueError("alt must say what the figure shows, got an empty text")
    spec = chart.configure(**_ALTAIR).to_dict() | {"description": alt}
    still = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    still = _lighter(still).replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)
    data = json.dumps(spec, separators=(",", ":")).replace("</", "<\\/")
    bound = " tw-bound" if '"bind":' in data else ""  # it will have a slider below it
    markup = (
        f'<div class="tw-interactive{bound}"><div class="tw-stage">{still}</div>'
        f'<script type="application/json" class="tw-spec">{data}</script></div>'
    )
    return Shown(markup, vl_convert.vegalite_to_png(spec, scale=2))


_AXIS = {
    "labelColor": INK, "titleColor": INK, "gridColor": FAINT, "domainColor": INK, "tickColor": INK,
    "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal", "gridOpacity": 0.6,
}  # fmt: skip
_ALTAIR: dict[str, Any] = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "orient": "top"},
    "title": {"color": INK, "subtitleColor": INK, "fontSize": 13, "fontWeight": "normal", "anchor": "start"},
    "text": {"color": INK, "fontSize": 12},
    "range": {"category": list(COLOURS)},
}


class _Words(str):
    """Text that a page shows without quotation marks."""

    __repr__ = str.__str__


def measured(name: str, value: object) -> None:
    """Keep a measured number, already in words, for the text: ``{glue}`NAME` `` shows it, on this page and on others."""
    from myst_nb import glue

    glue(name, _Words(value), display=False)


def stored(name: str) -> list[dict[str, str]]:
    """The rows of a table that ``tests/bench/NAME.py`` measured, because it takes longer than a page may: ``tests/bench/NAME.csv``.

    Lines that begin with # say how it was made. It is looked for in the folder of the page and those above. Raises FileNotFoundError.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / f"tests/bench/{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(line for line in file if not line.startswith("#")))
    raise FileNotFoundError(f"there is no tests/bench/{name}.csv in {here} or above: tests/bench/{name}.py makes it")


def card(figure, alt: str) -> None:
    """Keep the small drawing with which the front page shows this chapter; some 3.3 by 1.2 inches, see :func:`blank`."""
    from myst_nb import glue

    glue("card", show(figure, alt=alt), display=False)


def blank():
    """Axes without a frame, for a chapter's small drawing."""
    ax = plt.subplots(figsize=(3.3, 1.2))[1]
    ax.set_axis_off()
    return ax


def levels(values: np.ndarray, n: int = 14, power: float = 3.0) -> np.ndarray:
    """Contour heights that lie closer together near the bottom, where optimizers spend their time."""
    low, high = float(values.min()), float(values.max())
    return low + (high - low) * np.linspace(0, 1, n + 1)[1:] ** power


def contour(ax, surface: Surface, n: int = 14, power: float = 3.0, grid: int = 160) -> None:
    """Draw a surface as a map: contour lines only, so that both themes show through; a cross at its minimum."""
    x, y, z = surface.grid(grid)
    ax.contour(x, y, z, levels=levels(z, n, power), colors=CONTOUR, linewidths=0.8)
    if surface.minimum is not None:
        ax.plot(*surface.minimum, "+", color=INK, markersize=9, markeredgewidth=1.5)
    left, right, bottom, top = surface.window
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.grid(False)


def sea_chart(ax, surface: Surface, heights: Sequence[float], written: Sequence[float] = (), grid: int = 120) -> None:
    """Draw a surface as a sea chart: lines at ``heights``, the ``written`` ones with their number, bluer the lower it lies."""
    x, y, z = surface.grid(grid)
    for height in heights[: len(heights) // 2]:  # thin washes of one colour, one over the other: right on any paper
        ax.contourf(x, y, z, levels=[z.min() - 1, height], colors=[BLUE], alpha=0.07)
    lines = ax.contour(x, y, z, levels=heights, colors=CONTOUR, linewidths=0.8)
    ax.clabel(lines, levels=written, fontsize=8, colors=INK, fmt="%g")
    left, right, bottom, top = surface.window
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.grid(False)


def paths(ax, histories: Mapping[str, History], markers: bool = True) -> None:
    """Draw runs of optimizers on a map, each with its own colour and dash; the common start as a ring."""
    for (colour, dash), (label, history) in zip(_series(list(histories)), histories.items(), strict=True):
        ax.plot(*history.theta.T, color=COLOURS[colour], linestyle=DASHES[dash], linewidth=1.5, label=label)
        if markers:
            ax.plot(*history.theta.T, ".", color=COLOURS[colour], markersize=4)
    start = next(iter(histories.values())).theta[0]
    ax.plot(*start, "o", color=INK, markerfacecolor="none", markersize=8)


def band(ax, x: Sequence[float], runs: np.ndarray, label: str, which: str | int = 0) -> None:
    """Mean of runs (shape (seeds, len(x))) as a line and mean plus or minus one standard deviation as a band; ``which`` as in :func:`look`."""
    mean, spread = runs.mean(axis=0), runs.std(axis=0, ddof=1)
    (line,) = ax.plot(x, mean, **look(which), label=label)
    ax.fill_between(x, mean - spread, mean + spread, color=line.get_color(), alpha=0.18, linewidth=0)


def _drawn(points: np.ndarray, surface: Surface, width: int = 520) -> list[tuple[float, float]]:
    """Points of a map that is ``width`` pixels wide, to half a pixel."""
    left, right, *_ = surface.window
    digits = math.ceil(math.log10(2 * width / (right - left)))
    return [(round(float(x), digits), round(float(y), digits)) for x, y in points]


def _table(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as CSV in the page: a third of what they take as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    numbers = {name: "number" for name, value in rows[0].items() if not isinstance(value, str)}
    return alt.InlineData(values=text.getvalue(), format=alt.CsvDataFormat(type="csv", parse=numbers))


def contour_layer(
    surface: Surface,
    n: int = 14,
    power: float = 3.0,
    width: int = 520,
    height: int = 300,
    titles: tuple[str, str] = ("θ₁", "θ₂"),
) -> alt.Chart:
    """The map of a surface as an Altair layer."""
    x, y, z = surface.grid(90)  # lines of some 6 pixels, which the eye takes for a curve
    lines = contourpy.contour_generator(x, y, z)
    left, right, bottom, top = surface.window
    pixel = np.array([(right - left) / width, (top - bottom) / height])
    contours = [np.asarray(line) for level in levels(z, n, power) for line in lines.lines(level)]
    rows = [
        {"x": px, "y": py, "line": number}
        for number, line in enumerate(contours)
        for px, py in _drawn(_thinned(line / pixel, 0.2) * pixel, surface, width)
    ]
    axes = {
        "x": alt.X(
            "x:Q",
            scale=alt.Scale(domain=[left, right], nice=False),
            title=titles[0],
            axis=alt.Axis(grid=False, tickCount=6),
        ),
        "y": alt.Y(
            "y:Q", scale=alt.Scale(domain=[bottom, top], nice=False), title=titles[1], axis=alt.Axis(grid=False)
        ),
    }
    base = alt.Chart(_table(rows), width=width, height=height)
    return base.mark_line(color=CONTOUR, strokeWidth=1, clip=True, order=False).encode(**axes, detail="line:N")


def path_animation(
    surface: Surface, histories: Mapping[str, History], every: int = 1, **map_options
) -> alt.TopLevelMixin:
    """Runs of optimizers over a map, drawn as far as a slider called ``step`` says; hand it to :func:`interactive`."""
    rows: list[dict[str, Any]] = [
        {"step": t, "x": px, "y": py, "method": label}
        for label, history in histories.items()
        for t, (px, py) in enumerate(_drawn(history.theta, surface))
        if t % every == 0 and np.isfinite(px)
    ]
    last = max(row["step"] for row in rows)
    slider = alt.param("step", value=last, bind=alt.binding_range(min=0, max=last, step=every, name="step "))
    names = list(histories)
    looks = _series(names)
    colours, strokes = [COLOURS[colour] for colour, _ in looks], [_STROKES[dash] for _, dash in looks]
    colour = alt.Color("method:N", title=None, scale=alt.Scale(domain=names, range=colours), sort=names)
    drawn = alt.Chart(_table(rows)).transform_filter("datum.step <= step")
    dashes = alt.StrokeDash("method:N", sort=names, legend=None, scale=alt.Scale(range=strokes))
    line = drawn.mark_line(clip=True, strokeWidth=2).encode(
        x="x:Q", y="y:Q", order="step:Q", color=colour, strokeDash=dashes
    )
    heads = drawn.transform_filter(f"datum.step > step - {every}").mark_point(
        clip=True, filled=True, size=90, opacity=1
    )
    heads = heads.encode(x="x:Q", y="y:Q", color=colour, shape=alt.Shape("method:N", sort=names, legend=None))
    return alt.layer(contour_layer(surface, **map_options), line, heads).add_params(slider)


def path_slider(
    surface: Surface,
    runs: Mapping[float, History],
    name: str,
    notes: Mapping[float, str],
    method: str,
    beside: tuple[str, Mapping[float, History]] | None = None,
    **map_options,
):
    """One run for each value of a slider, over a map, with a line of text; hand it to :func:`interactive`.

    ``runs`` and ``notes`` have the slider's values as keys, evenly spaced; ``name`` is what the slider is called, ``method`` whose
    runs they are, see :func:`look`; ``beside`` has another method's name and its runs, for the same values. Raises ValueError for values that
    are not evenly spaced, as the slider would stop where there is nothing to see.
    """
    values = sorted(runs)
    gaps = np.diff(values)
    if not len(gaps) or not np.allclose(gaps, gaps[0]):
        raise ValueError(f"runs must have evenly spaced values, two at least, got {values!r}")
    gap = float(gaps[0])
    slider = alt.param(
        "chosen", value=values[0], bind=alt.binding_range(min=values[0], max=values[-1], step=gap, name=f"{name} ")
    )
    near = f"abs(datum.value - chosen) < {gap / 2}"
    walks = []
    for label, its_runs in ((method, runs), *([beside] if beside else [])):
        rows = [
            {"value": value, "x": px, "y": py}
            for value in values
            for (px, py), _ in groupby(_drawn(its_runs[value].theta, surface))  # one that has arrived stands still
            if np.isfinite(px)
        ]
        colour = look(label)["color"]
        drawn = alt.Chart(_table(rows)).transform_filter(near).encode(x="x:Q", y="y:Q")
        walks.append(drawn.mark_line(clip=True, color=colour, strokeWidth=1.5, order=False))
        walks.append(drawn.mark_point(clip=True, color=colour, filled=True, size=22, opacity=1))
    texts = alt.Chart(alt.Data(values=[{"value": v, "note": notes[v]} for v in values])).transform_filter(near)
    note = texts.mark_text(align="left", fontSize=13).encode(x=alt.value(0), y=alt.value(-14), text="note:N")
    return alt.layer(contour_layer(surface, **map_options), *walks, note).add_params(slider)
