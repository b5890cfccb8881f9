"""The dropout assignment, as it is asked: inputs, signatures, points.

Whatever is random is drawn outside: an answer gets uniform numbers ``u`` and keeps what is below the keep probability.
"""

import numpy as np

from .exercise import Case, Exercise, entries, signed, unpack


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


def _draw_plain(rng):
    def case(part, shape, note="", test_time=False, keep=None, scale=1.0, dtype=float, strided=False):
        keep = _keep(rng) if keep is None else keep
        x = (scale * signed(rng, shape)).astype(dtype)
        u = _uniform(rng, shape, keep)
        if strided:
            x, u = np.repeat(x, 2, axis=-1)[..., ::2], np.repeat(u, 2, axis=-1)[..., ::2]
        return Case(part, {"x": x, "keep": keep} | ({} if test_time else {"u": u}), note)

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


plain = Exercise(
    name="dropout.plain",
    title="Dropout as it was first published",
    draw=_draw_plain,
    run=lambda answer, inputs: {"y": answer(inputs["x"], inputs["keep"], inputs.get("u"))},
    parts={"values": 1, "test_time": 0.75, "edges": 0.25, "form": 0.5, "untouched": 0.5},
    legend="u is None where it is not listed: test time",
)


def _draw_backward(rng):
    def case(part, shape, note="", keep=None, scale=1.0, dtype=float, **changes):
        keep = _keep(rng) if keep is None else keep
        z, u = (scale * signed(rng, shape)).astype(dtype), rng.random(shape)
        # one unit of each kind: active or not, kept or dropped; and a tie, which is dropped
        z.reshape(-1)[:5] = np.abs(z.reshape(-1)[:5]) * [1, 1, -1, -1, 1]
        dropped = (1 + keep) / 2 if keep < 1 else 0.7
        u.reshape(-1)[:5] = [0.5 * keep, dropped, 0.3 * keep, dropped, keep if keep < 1 else 0.4]
        dy = (rng.normal(size=shape) + 2).astype(dtype)
        dy.reshape(-1)[0] = -1  # the first unit is kept and active: the sign of z decides, not that of dy
        return Case(part, {"dy": dy, "z": z, "keep": keep, "u": u} | changes, note)

    return [
        case("edges", (2, 3), "keep = 1", keep=1.0),
        case("edges", (2, 3), "float32", dtype=np.float32),
        case("edges", (2, 3), "a zero gradient", dy=np.zeros((2, 3))),
        case("edges", (2, 3), "tiny values", scale=1e-12),
        case("edges", 6, "one example"),
        case("values", (3, 4)),
        case("values", (2, 5)),
    ]


def _run_backward(answer, inputs):
    dz, gradients = unpack(answer(inputs["dy"], (inputs["z"], inputs["keep"], inputs["u"])), "dz", "gradients").values()
    return {"dz": dz} | entries("gradients", gradients)


backward = Exercise(
    name="dropout.backward",
    title="The way back through a thinned layer",
    draw=_draw_backward,
    run=_run_backward,
    parts={"values": 1.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_ensemble(rng):
    def case(part, n, classes, note="", keep=None, scale=1.0):
        inputs = {"a": 0.5 + rng.random(n), "w": scale * signed(rng, (classes, n)), "b": signed(rng, classes)}
        if keep is None:  # not so high that the emptier masks hardly count
            keep = float(rng.choice([rng.uniform(0.25, 0.4), rng.uniform(0.6, 0.7)]))
        return Case(part, inputs | {"keep": keep}, note)

    large = case("edges", 5, 2, "large logits")
    large.inputs["a"] = rng.uniform(0.9, 1.1, size=5)
    large.inputs["w"][:] = 0
    large.inputs["w"][0] = (
        4000 * rng.uniform(0.9, 1.1, size=5) * [8, -4, 2, -1, 0.5]
    )  # some masks are for class 0, some for 1
    return [
        case("edges", 1, 3, "a single hidden unit"),
        case("edges", 4, 3, "keep = 1", keep=1.0),
        large,
        case("values", 3, 3, scale=2.0),
        case("values", 6, 4, scale=2.0),
    ]


ensemble = Exercise(
    name="dropout.ensemble",
    title="The exact ensemble of a small net",
    draw=_draw_ensemble,
    run=lambda answer, inputs: {"probabilities": answer(inputs["a"], inputs["w"], inputs["b"], inputs["keep"])},
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_expected_loss(rng):
    def case(part, n, d, note="", keep=None, scale=1.0):
        inputs = {"x": scale * signed(rng, (n, d)), "target": scale * signed(rng, n), "w": signed(rng, d)}
        return Case(part, inputs | {"keep": _keep(rng) if keep is None else keep}, note)

    return [
        case("edges", 1, 3, "a single example"),
        case("edges", 4, 1, "a single feature"),
        case("edges", 4, 3, "keep = 1", keep=1.0),
        case("edges", 4, 3, "large values", scale=1e6),
        case("edges", 5, 40, "forty features, too many to try every mask"),
        case("values", 5, 3),
        case("values", 8, 4),
    ]


expected_loss = Exercise(
    name="dropout.expected_loss",
    title="Dropout as a penalty",
    draw=_draw_expected_loss,
    run=lambda answer, inputs: {"loss": answer(inputs["x"], inputs["target"], inputs["w"], inputs["keep"])},
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
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
    title="Experiment: how many passes beat weight scaling?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"passes": float(answer)},
    parts={"values": 3},
    tolerance=0.05,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (plain, backward, ensemble, expected_loss, residual_net, passes_needed)}
