"""Figures carry their alt text, follow the page's theme, and do not disturb each other."""

import json
import re

import matplotlib.pyplot as plt
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
