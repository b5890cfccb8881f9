"""The dropout assignment, as it is asked: inputs, signatures, points.

Whatever is random is drawn outside: an answer gets uniform numbers ``u`` and keeps what is below the keep probability.
"""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _keep(rng):
    """A probability of keeping whose complement, reciprocal and one half are all far from it."""
    return float(rng.choice([rng.uniform(0.25, 0.4), rng.uniform(0.65, 0.85)]))


def _uniform(rng, shape, keep):
    """Uniform numbers in [0, 1) of all kinds where keep < 1: something is kept, something dropped, and one is a tie, which drops."""
    u = rng.random(shape)
    if keep < 1 and u.size > 2:
        u.reshape(-1)[rng.permutation(u.size)[:3]] = [
            keep * rng.uniform(0.1, 0.9),
            keep + (1 - keep) * rng.uniform(0.1, 0.9),
            keep,
        ]
    return u


def _draw_repaired(rng):
    def case(part, shape, note="", test_time=False, keep=None, scale=1.0, dtype=float, strided=False):
        keep = _keep(rng) if keep is None else keep
        x, dy = (scale * signed(rng, shape)).astype(dtype), (signed(rng, shape) + 3).astype(dtype)
        u = _uniform(rng, shape, keep)
        if strided:
            x, u = np.repeat(x, 2, axis=-1)[..., ::2], np.repeat(u, 2, axis=-1)[..., ::2]
        return Case(part, {"x": x, "dy": dy, "keep": keep} | ({} if test_time else {"u": u}), note)

    return [
        case("edges", (2, 3), "keep = 1", keep=1.0),
        case("edges", 6, "one example"),
        case("edges", (2, 3, 2), "three axes"),
        case("edges", 1, "one unit at test time", test_time=True),
        case("edges", (3, 4), "float32", dtype=np.float32),
        case("edges", (3, 4), "large values", scale=1e12),
        case("edges", (2, 4), "arrays that are not contiguous", strided=True),
        case("test_time", (3, 4), "test time", test_time=True),
        case("test_time", (4, 2), "test time", test_time=True),
        case("values", (4, 5), "training"),
        case("values", (3, 4), "training"),
    ]


repaired = Exercise(
    name="dropout.repaired",
    title="A friend's dropout",
    draw=_draw_repaired,
    run=lambda answer, inputs: unpack(answer(inputs["x"], inputs["dy"], inputs["keep"], inputs.get("u")), "y", "dx"),
    parts={"values": 1.25, "test_time": 0.75, "edges": 0.25, "form": 0.25, "untouched": 0.5},
    legend="u is None where it is not listed: test time",
)


def _draw_log_average(rng):
    def case(part, passes, classes, note="", scale=2.0, logits=None):
        """The networks disagree: each has a favourite, and the last class is the least likely for all."""
        if logits is None:
            logits = scale * signed(rng, (passes, classes))
            favourite = np.arange(passes) % max(classes - 1, 1)
            logits[np.arange(passes), favourite] = scale * rng.uniform(2.5, 4, passes)
            logits[:, -1] = -scale * rng.uniform(2.5, 3.5, passes)
        return Case(part, {"logits": logits}, note)

    far = np.zeros((4, 3)) - [0, 0, 2000] + rng.uniform(0, 1, (4, 3))
    shifted = signed(rng, (3, 4)) + np.array([[5000.0], [-5000.0], [1000.0]]) * rng.uniform(0.9, 1.1)
    return [
        case("edges", 1, 3, "a single pass"),
        case("edges", 5, 3, "large logits of both signs", scale=3000.0),
        case("edges", 3, 4, "networks with large offsets", logits=shifted),
        case("edges", 4, 3, "a class that every network all but rules out", logits=far),
        case("values", 4, 3),
        case("values", 6, 5),
    ]


log_average = Exercise(
    name="dropout.log_average",
    title="An average that does not overflow",
    draw=_draw_log_average,
    run=lambda answer, inputs: {"log_probabilities": answer(inputs["logits"])},
    parts={"values": 2, "edges": 1, "form": 0.5, "untouched": 0.5},
)


def _draw_fixed_count(rng):
    def case(part, d, k, note="", scale=1.0):
        x, w = scale * signed(rng, d), signed(rng, d)
        if d > 1:  # the terms differ and their sum is far from 0
            w = np.abs(w) * np.sign(x) * np.linspace(0.7, 1.6, d)
            w[0] *= -0.5
        return Case(part, {"x": x, "w": w, "k": k}, note)

    def some():
        """More than one unit kept and more than one dropped, and not as many of both."""
        d = int(rng.integers(6, 14))
        return d, int(rng.choice([k for k in range(2, d - 1) if 2 * k != d]))

    return [
        case("edges", 1, 1, "a single unit"),
        case("edges", 5, 5, "all units kept"),
        case("edges", 6, 1, "one unit kept"),
        case("edges", 5, 2, "large values", scale=1e6),
        case("edges", 200, 60, "two hundred units, too many to try every mask"),
        *(case("values", *some()) for _ in range(2)),
    ]


fixed_count = Exercise(
    name="dropout.fixed_count",
    title="A mask that keeps a fixed number",
    draw=_draw_fixed_count,
    run=lambda answer, inputs: unpack(answer(inputs["x"], inputs["w"], inputs["k"]), "scale", "variance"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    shares={"scale": 1, "variance": 3},
)


def _draw_wanted(rng):
    def case(part, n, d, note="", keep=None, scale=1.0, sizes=True, twice=False):
        x = signed(rng, (n, d))
        if sizes and d > 1:  # features of unequal size: an ordinary L2 penalty would not do
            x = x * np.linspace(0.5, 3, d)
        if twice:
            x[:, 1] = x[:, 0]
        true = signed(rng, d) + 1
        target = scale * (x @ true + 0.5 * signed(rng, n))
        return Case(part, {"x": scale * x, "target": target, "keep": _keep(rng) if keep is None else keep}, note)

    return [
        case("edges", 6, 1, "a single feature"),
        case("edges", 9, 3, "keep = 1", keep=1.0),
        case("edges", 3, 5, "fewer examples than features"),
        case("edges", 7, 3, "two equal features", twice=True),
        case("edges", 8, 3, "large values", scale=1e4),
        case("edges", 60, 40, "forty features"),
        case("values", 9, 3),
        case("values", 12, 4),
    ]


wanted_weights = Exercise(
    name="dropout.wanted_weights",
    title="The weights that dropout wants",
    draw=_draw_wanted,
    run=lambda answer, inputs: {"w": answer(inputs["x"], inputs["target"], inputs["keep"])},
    parts={"values": 2.5, "edges": 0.75, "form": 0.5, "untouched": 0.25},
    tolerance=1e-8,
)


def _draw_residual(rng):
    def case(part, blocks, d, note="", test_time=False, last=None, u=None):
        last = float(rng.choice([5, 6, 7]) / 16) if last is None else last
        rates = 1 - np.arange(1, blocks + 1) / blocks * (1 - last)
        if u is None:  # the branches are in turn kept and dropped, each decided near its own rate
            u = np.where(np.arange(blocks) % 2 == 0, rates * rng.uniform(0.9, 0.99), rates + (1 - rates) * 0.1)
            if blocks in (4, 8):  # the last is a tie: with so many blocks its rate is exact however it is computed
                u[-1] = last
        x, weights = np.abs(signed(rng, d)), signed(rng, (blocks, d, d)) / d
        if d == 1:  # the second block sends nothing on
            weights = np.abs(weights) * np.where(np.arange(blocks) == 1, -1, 1)[:, None, None]
        else:  # the last unit stays below 0; the first is active in every branch, the last in none
            x[-1] *= -1
            weights[:, 0] = np.abs(weights[:, 0]) * ([1] * (d - 1) + [-1])
            weights[:, -1] = -np.abs(weights[:, -1]) * ([1] * (d - 1) + [-1])
        inputs = {"x": x, "weights": weights, "last": last}
        return Case(part, inputs | ({} if test_time else {"u": u}), note)

    return [
        case("edges", 1, 3, "a single block"),
        case("edges", 3, 1, "a single unit"),
        case("edges", 3, 3, "last = 1", last=1.0, u=rng.random(3)),
        case("edges", 4, 3, "every branch dropped", u=np.full(4, 0.999)),
        case("test_time", 4, 3, "test time", test_time=True),
        case("test_time", 5, 2, "test time", test_time=True),
        case("values", 4, 5, "training"),
        case("values", 8, 4, "training"),
    ]


def _run_residual(answer, inputs):
    return {"x": answer(inputs["x"], inputs["weights"], inputs["last"], inputs.get("u"))}


residual_net = Exercise(
    name="dropout.residual_net",
    title="A network of stochastic depth",
    draw=_draw_residual,
    run=_run_residual,
    parts={"values": 2, "test_time": 0.75, "edges": 0.5, "form": 0.25, "untouched": 0.5},
    legend="u is None where it is not listed: test time",
)

passes_needed = Exercise(
    name="dropout.passes_needed",
    title="Experiment: how many passes?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"passes": float(answer)},
    parts={"values": 3},
    tolerance=0.05,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (repaired, log_average, residual_net, fixed_count, wanted_weights, passes_needed)}
