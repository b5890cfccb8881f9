"""The proof of every judge. A topic joins by adding its files: lib/thalweg/exercises/TOPIC.py, keys/TOPIC.py, and
alternatives in tests/exercises/alternatives_TOPIC.py (a dict ALTERNATIVES: exercise name -> right answers written otherwise).
"""

from importlib import import_module

import numpy as np
import pytest

from thalweg.exercises import exercise, grade, judge, key, observe, topics, verdict
from thalweg.exercises.judge import deviation

NAMES = [name for topic in topics() for name in import_module(f"thalweg.exercises.{topic}").EXERCISES]
CODED = [name for name in NAMES if exercise(name).kind == "code"]
MISTAKES = [pytest.param(name, m, id=f"{name}: {m.name}") for name in NAMES for m in key(name).mistakes]
ALTERNATIVES = [
    pytest.param(name, answer, id=f"{name}: {answer.__name__}")
    for topic in topics()
    for name, answers in import_module(f"alternatives_{topic}").ALTERNATIVES.items()
    for answer in answers
]
SEEDS = range(20)


def not_written_yet(*args, **kwargs):
    raise NotImplementedError


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_scores_full(name):
    for seed in SEEDS:
        result = verdict(name, key(name).reference, seed)
        assert (result.points, result.hint) == (exercise(name).points, None)


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("blank", [not_written_yet, None, lambda *args, **kwargs: None, 3.0, "text"])
def test_a_blank_scores_nothing(name, blank):
    assert verdict(name, blank, seed=0).points == 0


@pytest.mark.parametrize("name", NAMES)
def test_enough_mistakes_and_alternatives(name):
    coded = exercise(name).kind == "code"
    assert len(key(name).mistakes) >= (5 if coded else 3)
    assert sum(p.values[0] == name for p in ALTERNATIVES) >= (2 if coded else 0)


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_a_mistake_loses_points_and_draws_its_own_hint(name, mistake):
    for seed in SEEDS:
        result = verdict(name, mistake.answer, seed)
        assert result.points < result.max_points
        assert (result.mistake, result.hint) == (mistake.name, mistake.hint)


@pytest.mark.parametrize("name, answer", ALTERNATIVES)
def test_another_right_answer_scores_full(name, answer):
    for seed in SEEDS:
        result = verdict(name, answer, seed)
        assert result.points == result.max_points, (result.message, result.detail)


@pytest.mark.parametrize("name", CODED)
def test_stored_answers_score_nothing(name):
    """Someone copies the right answers from one set of inputs and plays them back on the next."""
    asked, right = exercise(name), key(name)
    stored = observe(asked, right.reference, asked.draw(np.random.default_rng(1)))
    fresh = asked.draw(np.random.default_rng(2))
    assert judge(asked, right, fresh, stored).points == 0


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_the_tolerance_rejects_each_mistake_by_a_factor_of_10(name, mistake):
    asked, right = exercise(name), key(name)
    for seed in SEEDS:
        cases = asked.draw(np.random.default_rng(seed))
        want = observe(asked, right.reference, cases)
        got = observe(asked, mistake.answer, cases)
        worst = max(deviation(asked, *row) for row in zip(cases, got, want, strict=True))
        side_effects = any(g.changed for g in got)
        assert side_effects or worst > (10 if asked.kind == "code" else 1)


@pytest.mark.parametrize("name", CODED)
def test_the_tolerance_accepts_rounding(name):
    """The reference's own outputs, off by a few units in the last place of the inputs' precision."""
    asked, right = exercise(name), key(name)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        cases = asked.draw(rng)
        noisy = []
        for case, seen in zip(cases, observe(asked, right.reference, cases), strict=True):
            arrays = [v for v in case.inputs.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
            eps = max((np.finfo(v.dtype).eps for v in arrays), default=2e-16)
            outputs = {k: v * (1 + 8 * eps * rng.uniform(-1, 1, v.shape)) for k, v in seen.outputs.items()}
            noisy.append(type(seen)(outputs))
        assert judge(asked, right, cases, noisy).points == asked.points


@pytest.mark.parametrize("name", NAMES)
def test_hints_do_not_repeat(name):
    hints = [m.hint for m in key(name).mistakes]
    assert len(set(hints)) == len(hints)


def test_unknown_names_are_refused_with_a_list():
    with pytest.raises(ValueError, match=r"momentum\.heavy_ball"):
        grade("momentum.heavyball", None)
    with pytest.raises(ValueError, match="momentum"):
        grade("momentun.heavy_ball", None)
