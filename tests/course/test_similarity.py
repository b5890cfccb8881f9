"""Similarity: copying is found whatever the variables are called, and independent short answers are not."""

import random
import re

import pytest
import sample_class
from alternatives_momentum import ALTERNATIVES
from classroom import run
from hypothesis import given
from hypothesis import strategies as st

from thalweg.course.similarity import fingerprints, pairs, similar, tokens
from thalweg.exercises import key

# every text of every answer that we have: an independent student picks one for each exercise
POOL = {
    name: [sample_class.source(name, way) for way in ways]
    + [sample_class.source(name, mistake.answer) for mistake in key(name).mistakes]
    for name, ways in ALTERNATIVES.items()
}
RENAMED = ["hessian", "curvatures", "theta", "grad", "grads", "rho", "v", "lr", "total", "k"]


def independent(count: int, seed: int) -> dict[str, set[int]]:
    rng = random.Random(seed)
    return {
        f"s{number:03}": set().union(*(fingerprints(rng.choice(texts)) for texts in POOL.values()))
        for number in range(count)
    }


@pytest.mark.parametrize("count", [2, 12, 30, 100])
def test_independent_answers_are_not_shown(count):
    for seed in range(5):
        assert len(pairs(independent(count, seed))) <= max(1, count // 50)


def test_names_comments_and_layout_hide_nothing():
    assert tokens("def f(a, b):\n    # mine\n    return np.sqrt(a + b)\n") == tokens(
        "def g(x,\n      y):\n\n  return np.sqrt( x+y )"
    )
    assert tokens("np.sqrt(a)") != tokens("np.sum(a)")


def renamed(text: str) -> str:
    """As a copier would hide it."""
    for name in RENAMED:
        text = re.sub(rf"\b{name}\b", f"my_{name}", text)
    return "# all mine\n" + text


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_with_other_names_is_found_and_another_first_answer_hides_nothing(seed):
    rng = random.Random(seed)
    texts = [f"helper = {seed}\n" + rng.choice(texts) for texts in POOL.values()]
    unusual = "\n".join(
        f"for k in range({n}, 17):\n    total += k ** {n} - 5 / k\n    rho[k] = total % {n}" for n in range(7)
    )
    prints = independent(40, seed)
    prints["ada"] = set().union(*map(fingerprints, [*texts, unusual]))
    prints["bob"] = set().union(*map(fingerprints, map(renamed, [*texts[1:], unusual])))
    found = {(pair.one, pair.other) for pair in pairs(prints)}
    assert ("ada", "bob") in found and len(found) <= 2


def test_a_ring_of_copies_is_found():
    ring = independent(40, 2)
    ring |= {f"ring{number}": set(ring["s007"]) for number in range(6)}
    assert len([pair for pair in pairs(ring) if "ring" in pair.one + pair.other]) == 21


def test_three_lines_are_no_reason():
    three = fingerprints(
        "def heavy_ball(theta, grad, v, lr, rho):\n    v = rho * v + grad\n    return theta - lr * v, v\n"
    )
    assert pairs({"ada": three, "bob": set(three)}) == []


@given(st.text())
def test_any_text_has_fingerprints(text):
    assert isinstance(fingerprints(text), set)


def test_the_class(graded):
    found = {(pair.one, pair.other) for pair in similar(graded, "momentum")[0]}
    assert {("bokafor", "noisy"), ("bokafor", "exiting")} & found, "both answer in the first style, word for word"
    honest = {"afischer", "cmoreau", "dpatel", "esilva", "fnovak", "gtanaka", "hlarsen", "iquispe", "jweber", "kmensah"}
    assert not [pair for pair in found if set(pair) <= honest]
    run("report", "--course", graded.root)
    page = graded.report("momentum").read_text()
    assert "not a verdict" in page and "Shared pieces" in page
