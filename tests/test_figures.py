"""Figures carry their alt text, follow the page's theme, and do not disturb each other."""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from thalweg import figures, surfaces
from thalweg.minimize import minimize
from thalweg.numpy import Momentum


@pytest.fixture
def drawn():
    figures.use_style()
    fig, ax = plt.subplots()
    figures.contour(ax, surfaces.bowl())
    figures.paths(ax, {"a": minimize(Momentum(), surfaces.bowl(), steps=5)})
    return fig


def test_a_figure_is_a_drawing_with_alt_text_and_a_picture(drawn):
    bundle = figures.show(drawn, alt='a "bowl" & a path')._repr_mimebundle_()
    markup = bundle["text/html"]
    assert 'role="img" aria-label="a &quot;bowl&quot; &amp; a path"' in markup
    assert "var(--tw-0" in markup and "var(--tw-contour" in markup and "currentColor" in markup
    assert figures.INK not in markup
    assert bundle["image/png"].startswith(b"\x89PNG")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', markup))
    assert used <= set(re.findall(r' id="([^"]+)"', markup))


def test_two_figures_share_no_id(drawn):
    first = figures.show(drawn, alt="one")._repr_mimebundle_()["text/html"]
    second = figures.show(drawn, alt="two")._repr_mimebundle_()["text/html"]
    ids = [set(re.findall(r' id="([^"]+)"', markup)) for markup in (first, second)]
    assert ids[0] and not ids[0] & ids[1]


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_alt_text_is_refused(drawn, alt):
    with pytest.raises(ValueError, match="alt"):
        figures.show(drawn, alt=alt)


def test_an_interactive_figure_carries_its_data_and_a_still():
    runs = {"ball": minimize(Momentum(), surfaces.ravine(), steps=20)}
    bundle = figures.interactive(figures.path_animation(surfaces.ravine(), runs), alt="a ball </script> rolls")
    markup = bundle._repr_mimebundle_()["text/html"]
    (data,) = re.findall(r'<script type="application/json" class="tw-spec">(.*?)</script>', markup)
    assert json.loads(data)["description"] == "a ball </script> rolls"
    assert markup.count("<svg") == 1
    assert len(markup) < 300_000


def test_a_sea_chart_is_washed_below_half_of_its_heights_and_bears_the_written_ones():
    fig, ax = plt.subplots()
    figures.sea_chart(ax, surfaces.bowl(), heights=[1, 2, 4, 8], written=[2])
    washes = [c for c in ax.collections if c.get_alpha() == pytest.approx(0.07)]
    assert len(washes) == 2
    assert {text.get_text() for text in ax.texts} == {"2"}
    assert ax.get_aspect() == 1
    plt.close(fig)


def test_a_label_with_a_comma_survives_the_charts_table():
    runs = {"ball, heavy": minimize(Momentum(), surfaces.ravine(), steps=3)}
    markup = figures.interactive(figures.path_animation(surfaces.ravine(), runs), alt="a ball")._repr_mimebundle_()[
        "text/html"
    ]
    (data,) = re.findall(r'<script type="application/json" class="tw-spec">(.*?)</script>', markup)
    assert r"\"ball, heavy\"" in data
    assert "ball, heavy" in markup[: markup.index("<script")]


TOGETHER = [
    ("gradient descent", "heavy ball", "Nesterov", "Adam", "AdaGrad", "RMSProp"),
    ("gradient descent", "Adam", "AdamW", "heavy ball"),
    ("gradient descent", "Newton", "L-BFGS", "conjugate gradient", "Hessian-free"),
    ("gradient descent", "heavy ball", "Adam", "natural gradient", "PRONG"),
    ("RMSProp", "AdaGrad", "AdaDelta", "Rprop"),
    ("without", "dropout", "batch normalization", "L2 penalty", "data augmentation"),
    ("without", "dropout", "DropConnect", "stochastic depth", "fractional max pooling"),
    ("without", "mixup", "cutout", "label smoothing", "data augmentation"),
    ("sigmoid", "tanh", "ReLU", "leaky ReLU", "ELU", "softplus"),
    ("constant", "step decay", "cosine", "exponential decay", "1/t", "one-cycle"),
    ("training", "unseen", "validation"),
]


def test_each_method_has_a_look_of_its_own_and_those_drawn_together_differ_in_both_halves():
    for kind in figures._METHODS:
        looks = [str(figures.look(name)) for name in kind]
        assert len(set(looks)) == len(looks)
    names = [name for kind in figures._METHODS for name in kind]
    assert len(set(names)) == len(names)
    for group in TOGETHER:
        assert len({figures.look(name)["color"] for name in group}) == len(group), group


def test_a_method_without_a_look_is_an_error_that_says_where_to_add_it():
    with pytest.raises(
        ValueError, match=r"'Adamant' has no look of its own; add it to _METHODS in thalweg/figures\.py"
    ):
        figures.look("Adamant")
    assert figures.look("SGD") == figures.look("gradient descent")


def test_a_method_keeps_its_look_in_still_and_moving_figures():
    runs = {name: minimize(Momentum(), surfaces.ravine(), steps=3) for name in ("Adam", "heavy ball")}
    fig, ax = plt.subplots()
    figures.paths(ax, runs, markers=False)
    assert [line.get_color() for line in ax.lines[:2]] == [figures.PINK, figures.ORANGE]
    plt.close(fig)
    chart = figures.path_animation(surfaces.ravine(), runs)
    markup = figures.interactive(chart, alt="two paths")._repr_mimebundle_()["text/html"]
    assert all(f">{name}<" in markup for name in runs), "the legend"
    scale = chart.to_dict()["layer"][1]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["Adam", "heavy ball"], "range": [figures.PINK, figures.ORANGE]}


def _seen(colour, matrix):
    """A colour as someone sees it who lacks one kind of cones (Viénot, Brettel and Mollon 1999), in CIE Lab."""
    linear = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ (matrix @ linear)
    x, y, z = np.cbrt(np.maximum(xyz / np.array([0.9505, 1, 1.089]), 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
LACKS_L = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
LACKS_M = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
PROTAN, DEUTAN = (np.linalg.inv(CONES) @ lacks @ CONES for lacks in (LACKS_L, LACKS_M))
SHEET = (Path(figures.__file__).parent / "site/static/thalweg.css").read_text()


@pytest.mark.parametrize("theme, paper", [("light", "#ffffff"), ("dark", "#121212")])
def test_colours_are_told_apart_and_read_in_both_themes(theme, paper):
    rules = re.search(rf'html\[data-theme="{theme}"\] {{\s+(--tw-0.*?)}}', SHEET, re.DOTALL)[1]
    colours = re.findall(r"--tw-\d: (#\w+);", rules)
    assert len(colours) == len(figures.COLOURS)
    if theme == "light":
        assert tuple(colours) == figures.COLOURS
    for matrix in (np.eye(3), PROTAN, DEUTAN):
        seen = [_seen(colour, matrix) for colour in colours]
        gaps = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a in range(6) for b in range(a)}
        assert min(gaps.values()) > 10, min(gaps, key=gaps.get)
    light = [luminance(colour) for colour in colours]
    ground = luminance(paper)
    assert all((max(v, ground) + 0.05) / (min(v, ground) + 0.05) > 3 for v in light)


def luminance(colour):
    """The relative luminance of WCAG."""
    linear = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_slider_refuses_values_between_which_it_would_stop_at_nothing():
    valley = surfaces.bowl(kappa=5)
    run = minimize(Momentum(), valley, steps=3)
    with pytest.raises(ValueError, match=r"runs must have evenly spaced values, two at least, got \[0.1, 0.2, 0.5\]"):
        figures.path_slider(valley, dict.fromkeys((0.1, 0.2, 0.5), run), "rate", {}, "gradient descent")


def test_a_stored_table_is_found_above_the_page_and_a_missing_one_is_named(tmp_path, monkeypatch):
    (tmp_path / "tests/bench").mkdir(parents=True)
    (tmp_path / "tests/bench/topic_speed.csv").write_text("# made by: python\nsteps,seconds\n1,0.5\n")
    (tmp_path / "chapters").mkdir()
    monkeypatch.chdir(tmp_path / "chapters")
    assert figures.stored("topic_speed") == [{"steps": "1", "seconds": "0.5"}]
    with pytest.raises(FileNotFoundError, match=r"no tests/bench/topic_size.csv .* tests/bench/topic_size.py makes it"):
        figures.stored("topic_size")
