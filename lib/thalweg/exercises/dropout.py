"""The dropout assignment, as it is asked: inputs, signatures, points.

Whatever is random is drawn outside: an answer gets uniform numbers ``u`` and keeps what is below the keep probability.
"""

import numpy as np

from .exercise import Case, Exercise, entries, unpack


def _keep(rng):
    """A probability of keeping whose complement, reciprocal and one half are all far from it."""
    return float(rng.choice([rng.uniform(0.25, 0.4), rng.uniform(0.65, 0.85)]))


def _uniform(rng, shape, keep):
    """Uniform numbers in [0, 1) of which both kinds occur where keep < 1: something is kept and something is dropped."""
    u = rng.random(shape)
    flat = u.reshape(-1)
    if flat.size > 1 and keep < 1:
        first, second = rng.permutation(flat.size)[:2]
        flat[first], flat[second] = keep * rng.uniform(0.1, 0.9), keep + (1 - keep) * rng.uniform(0.1, 0.9)
    return u


def _draw_plain(rng):
    def case(part, shape, note="", test_time=False, keep=None, scale=1.0, dtype=float, strided=False):
        keep = _keep(rng) if keep is None else keep
        x = (scale * (0.5 + rng.random(shape)) * rng.choice([-1, 1], size=shape)).astype(dtype)
        u = _uniform(rng, shape, keep)
        if strided:
            x, u = np.repeat(x, 2, axis=-1)[..., ::2], np.repeat(u, 2, axis=-1)[..., ::2]
        return Case(part, {"x": x, "keep": keep} | ({} if test_time else {"u": u}), note)

    return [
        case("edges", 5, "keep = 1", keep=1.0),
        case("edges", 1, "one unit at test time", test_time=True),
        case("edges", (3, 4), "float32", dtype=np.float32),
        case("edges", (3, 4), "large values", scale=1e12),
        case("edges", 6, "arrays that are not contiguous", strided=True),
        case("test_time", (3, 4), "test time", test_time=True),
        case("test_time", (2, 3, 2), "test time", test_time=True),
        case("values", (4, 5), "training"),
        case("values", (6,), "training, one example"),
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
        z = (scale * (0.5 + rng.random(shape)) * rng.choice([-1, 1], size=shape)).astype(dtype)
        u = _uniform(rng, shape, keep)
        if z.size > 3:  # one unit of each kind: active or not, kept or dropped
            z.reshape(-1)[:4] = np.abs(z.reshape(-1)[:4]) * [1, 1, -1, -1]
            u.reshape(-1)[:4] = [
                0.5 * keep,
                (1 + keep) / 2 if keep < 1 else 0.7,
                0.3 * keep,
                (1 + keep) / 2 if keep < 1 else 0.4,
            ]
        dy = (rng.normal(size=shape) + 2).astype(dtype)
        dy.reshape(-1)[0] = -1  # the first unit is kept and active: the sign of z decides, not that of dy
        return Case(part, {"dy": dy, "z": z, "keep": keep, "u": u} | changes, note)

    return [
        case("edges", (2, 3), "keep = 1", keep=1.0),
        case("edges", (2, 3), "float32", dtype=np.float32),
        case("edges", (2, 3), "a zero gradient", dy=np.zeros((2, 3))),
        case("edges", (2, 3), "tiny values", scale=1e-12),
        case("values", (3, 4)),
        case("values", (6,), "one example"),
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
        w = scale * rng.normal(size=(classes, n))
        inputs = {"a": 0.5 + rng.random(n), "w": w, "b": rng.normal(size=classes)}
        return Case(part, inputs | {"keep": _keep(rng) if keep is None else keep}, note)

    return [
        case("edges", 1, 3, "a single hidden unit"),
        case("edges", 4, 3, "keep = 1", keep=1.0),
        case("edges", 5, 2, "large logits", scale=4000.0),
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
        x, w = scale * (rng.normal(size=(n, d)) + 0.5), rng.normal(size=d) + 0.5
        return Case(
            part,
            {"x": x, "target": scale * rng.normal(size=n), "w": w, "keep": _keep(rng) if keep is None else keep},
            note,
        )

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
        last = float(rng.uniform(0.2, 0.45)) if last is None else last
        rates = 1 - np.arange(1, blocks + 1) / blocks * (1 - last)
        if u is None:  # the branches are in turn kept and dropped, and the last is decided near its own rate
            u = np.where(np.arange(blocks) % 2 == 0, rates * rng.uniform(0.9, 0.99), rates + (1 - rates) * 0.1)
        inputs = {"x": rng.normal(size=d), "weights": rng.normal(size=(blocks, d, d)) / np.sqrt(d), "last": last}
        return Case(part, inputs | ({} if test_time else {"u": u}), note)

    return [
        case("edges", 1, 3, "a single block"),
        case("edges", 3, 1, "a single unit"),
        case("edges", 3, 3, "last = 1", last=1.0, u=rng.random(3)),
        case("edges", 4, 3, "every branch dropped", u=np.full(4, 0.999)),
        case("test_time", 4, 3, "test time", test_time=True),
        case("values", 4, 5, "training"),
        case("values", 7, 4, "training"),
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
