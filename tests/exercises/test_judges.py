"""The proof of every judge. A topic joins by adding its files: lib/thalweg/exercises/TOPIC.py, keys/TOPIC.py, and
alternatives in tests/exercises/alternatives_TOPIC.py (a dict ALTERNATIVES: exercise name -> right answers written otherwise).

What is drawn is drawn over 50 seeds, and each answer earns the same points and is told the same on all of them. The general slips are in
slips.py: what they do is known here, so what the diagnosis says of them can be held to it.
"""

from collections import Counter
from functools import cache
from importlib import import_module

import numpy as np
import pytest
import slips

from thalweg.exercises import Judge, Observation, check, exercise, grade, key, observe, topics, verdict
from thalweg.exercises.comparing import deviations
from thalweg.exercises.judge import OVERWRITTEN

NAMES = [name for topic in topics() for name in import_module(f"thalweg.exercises.{topic}").EXERCISES]
CODED = [name for name in NAMES if exercise(name).kind == "code"]
ALTERNATIVES = {
    name: answers for topic in topics() for name, answers in import_module(f"alternatives_{topic}").ALTERNATIVES.items()
}
SEEDS = range(50)


@cache
def judges(name):
    """A judge on each seed's cases: the reference and the mistakes run once for all the tests of an exercise."""
    asked = exercise(name)
    return [Judge(asked, key(name), asked.draw(np.random.default_rng(seed))) for seed in SEEDS]


def verdicts(name, answer, seeds=SEEDS):
    """What becomes of an answer on each seed."""
    return [judges(name)[seed].verdict(observe(exercise(name), answer, judges(name)[seed].cases)) for seed in seeds]


def the_only_one(found):
    """The verdict that was given on every seed. Fails if there were several."""
    seen = Counter((tuple(v.parts.items()), v.mistake, v.message) for v in found)
    assert len(seen) == 1, seen
    return found[0]


def not_written_yet(*args, **kwargs):
    raise NotImplementedError


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_scores_full_on_every_draw(name):
    for answer in [key(name).reference, *ALTERNATIVES.get(name, [])]:
        result = the_only_one(verdicts(name, answer))
        assert (result.points, result.mistake) == (exercise(name).points, None), (answer, result.message)


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_earns_the_same_and_draws_its_own_hint_on_every_draw(name):
    """And it shows for ordinary inputs, unless it is one of edge cases or side effects: then it shows in those every time."""
    asked = exercise(name)
    for mistake in [*key(name).mistakes, *key(name).carried]:
        result = the_only_one(verdicts(name, mistake.answer))
        assert result.points < asked.points, mistake.name
        assert (result.mistake, result.hint) == (mistake.name, mistake.hint)


@pytest.mark.parametrize("name", CODED)
def test_a_general_slip_earns_the_same_and_is_told_in_true_words(name):
    asked, told, first = exercise(name), set(), judges(name)[0]
    weight = {output: asked.shares.get(output, 1) for output in first.outputs}
    for slip in slips.of(first):
        found = [judge.verdict(slip.does(judge)) for judge in judges(name)]
        assert len({tuple(v.parts.items()) for v in found}) == 1, (
            slip.name,
            Counter(tuple(v.parts.items()) for v in found),
        )
        parts = found[0].parts
        if found[0].points == asked.points:  # what changes nothing here is no slip
            assert not slip.spoiled, slip.name
            continue
        for result in found:
            told.add((slip.name, result.mistake))
            assert result.mistake or any(words in result.message for words in slip.words), (slip.name, result.message)
        if slip.spoiled is not None:
            right = 1 - sum(weight[output] for output in slip.spoiled) / sum(weight.values())
            assert parts["values"][0] == pytest.approx(right * asked.parts["values"], abs=0.0051), slip.name
            assert right or found[0].points == 0, slip.name
    assert sum(mistake is None for _, mistake in told) >= 10


@pytest.mark.parametrize("name", CODED)
def test_whichever_arguments_are_overwritten_is_seen_and_costs_one_part(name):
    asked = exercise(name)
    for names, answer in slips.overwriting(asked, key(name).reference):
        result = the_only_one(verdicts(name, answer, SEEDS[:10]))
        assert result.mistake == OVERWRITTEN
        assert all(output in result.message for output in names)
        assert result.points == asked.points - asked.parts["untouched"]


@pytest.mark.parametrize("name", CODED)
def test_only_the_edges_that_are_wrong_are_named(name):
    asked = exercise(name)
    for judge_ in judges(name)[:5]:
        notes = list(dict.fromkeys(case.note for case in judge_.cases if case.part == "edges"))
        for note in notes:
            pairs = zip(judge_.cases, judge_.want, strict=True)
            got = [slips.spoiled(w) if (c.part, c.note) == ("edges", note) else w for c, w in pairs]
            result = judge_.verdict(got)
            assert result.message == f"It is right for ordinary inputs but wrong for {note}."
            assert result.parts["edges"][0] == pytest.approx(asked.parts["edges"] * (1 - 1 / len(notes)), abs=0.0051)
            assert all(earned == possible for part, (earned, possible) in result.parts.items() if part != "edges")


@pytest.mark.parametrize("name", [name for name in CODED if key(name).builds_on])
def test_a_mistake_that_is_carried_on_is_named_and_costs_once(name):
    earlier = key(name).builds_on
    for mistake in key(name).carried:
        for judge_ in judges(name)[:10]:
            got = observe(exercise(name), mistake.answer, judge_.cases)
            alone, after = judge_.verdict(got), judge_.verdict(got, {earlier: mistake.name})
            assert alone.mistake == mistake.name and alone.points < alone.max_points
            assert after.points == after.max_points and mistake.name in after.message
            other = next(m.name for m in key(name).carried if m is not mistake)
            assert judge_.verdict(got, {earlier: other}).points == alone.points


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("blank", [not_written_yet, None, lambda *args, **kwargs: None, 3.0, "text"])
def test_a_blank_scores_nothing(name, blank):
    assert verdict(name, blank, seed=0).points == 0


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
def test_the_right_shape_alone_scores_nothing(name, fill):
    for judge_ in judges(name)[:10]:
        shapes = [Observation({n: np.full_like(x, fill) for n, x in w.outputs.items()}) for w in judge_.want]
        assert judge_.verdict(shapes).points == 0


@pytest.mark.parametrize("name", NAMES)
def test_enough_mistakes_and_alternatives(name):
    coded = exercise(name).kind == "code"
    assert len(key(name).mistakes) >= (5 if coded else 3)
    assert len(ALTERNATIVES.get(name, [])) >= (2 if coded else 0)


@pytest.mark.parametrize("name", CODED)
def test_stored_answers_score_nothing(name):
    """Someone copies the right answers from one set of inputs and plays them back on the next."""
    stored, fresh = judges(name)[1].want, judges(name)[2]
    assert fresh.verdict(stored).points == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_tolerance_rejects_each_mistake_by_a_factor_of_10(name):
    asked = exercise(name)
    for mistake in key(name).mistakes:
        for judge_ in judges(name):
            got = observe(asked, mistake.answer, judge_.cases)
            rows = zip(judge_.cases, got, judge_.want, strict=True)
            worst = max(max(deviations(asked, *row).values()) for row in rows)
            assert mistake.name == OVERWRITTEN or worst > (10 if asked.kind == "code" else 1), mistake.name


@pytest.mark.parametrize("name", CODED)
def test_the_tolerance_accepts_rounding(name):
    """The reference's own outputs, off by a few units in the last place of the inputs' precision."""
    asked, rng = exercise(name), np.random.default_rng(0)
    for judge_ in judges(name)[:20]:
        noisy = []
        for case, seen in zip(judge_.cases, judge_.want, strict=True):
            arrays = [v for v in case.inputs.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
            eps = max((np.finfo(v.dtype).eps for v in arrays), default=2e-16)
            outputs = {k: v * (1 + 8 * eps * rng.uniform(-1, 1, v.shape)) for k, v in seen.outputs.items()}
            noisy.append(Observation(outputs))
        assert judge_.verdict(noisy).points == asked.points


@pytest.mark.parametrize("name", NAMES)
def test_hints_do_not_repeat(name):
    hints = [m.hint for m in key(name).mistakes]
    assert len(set(hints)) == len(hints)


def test_check_and_grade_know_what_an_earlier_exercise_has_shown(capsys):
    def adam_step(theta, grad, m, s, t, lr, beta1, beta2, eps):  # a slip of a student's own
        m, s = beta1 * m + (1 - beta1) * grad, beta2 * s + (1 - beta2) * grad**2
        return theta - lr * m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + eps), m, s

    def right_step(theta, grad, m, s, t, lr, beta1, beta2, eps):
        m, s = beta1 * m + (1 - beta1) * grad, beta2 * s + (1 - beta2) * grad**2
        return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s

    def adamw_step(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
        stepped, m, s = adam_step(theta, grad, m, s, t, lr, beta1, beta2, eps)
        return stepped - lr * weight_decay * theta, m, s

    check("adam.adam_step", adam_step)
    check("adam.adamw_step", adamw_step)
    assert "✔ adamw_step" in capsys.readouterr().out
    check("adam.adam_step", right_step)
    check("adam.adamw_step", adamw_step)
    assert "known mistake: epsilon is inside the root" in capsys.readouterr().out


def test_unknown_names_are_refused_with_a_list():
    with pytest.raises(ValueError, match=r"momentum\.heavy_ball"):
        grade("momentum.heavyball", None)
    with pytest.raises(ValueError, match="momentum"):
        grade("momentun.heavy_ball", None)
