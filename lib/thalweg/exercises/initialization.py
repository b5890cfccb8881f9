"""The initialization assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _draw_fans(rng):
    def case(part, window, note="", groups=None, stride=None):
        groups = int(rng.integers(2, 4)) if groups is None else groups
        stride = (
            3 if stride is None else stride
        )  # no window and no number of outputs is a multiple: d_out is never a round number
        few = int(rng.choice([2, 4, 5, 7]))
        outputs, inputs = groups * few, few + int(rng.integers(2, 5))
        w = signed(rng, (outputs, inputs, *window))
        return Case(part, {"w": w, "groups": groups, "stride": stride, "gain": float(rng.uniform(1.6, 2.4))}, note)

    tall = int(rng.integers(4, 6))
    depthwise = case("edges", (2, 5), "one input channel a group")
    depthwise.inputs["w"] = depthwise.inputs["w"][:, :1]
    return [
        case("edges", (), "a linear layer", groups=1, stride=1),
        case("edges", (tall,), "a convolution along a line"),
        case("edges", (3, 5), "no groups, a stride of 1", groups=1, stride=1),
        depthwise,
        case("values", (tall, 2)),
        case("values", (2, 7)),
    ]


def _run_fans(answer, inputs):
    """The two fans as numbers, whole or not."""
    found = unpack(answer(*(inputs[n] for n in ("w", "groups", "stride", "gain"))), "d_in", "d_out", "spread")
    return {name: 1.0 * value if isinstance(value, (int, np.integer)) else value for name, value in found.items()}


layer_fans = Exercise(
    name="initialization.layer_fans",
    title="Who meets whom in a layer",
    draw=_draw_fans,
    run=_run_fans,
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_weights(rng):
    def case(part, shape, uniform, note="", dtype=float, **changes):
        raw = rng.uniform(0.05, 0.45, size=shape) + np.where(rng.random(shape) < 0.5, 0, 0.5)
        raw = raw if uniform else 4 * (raw - 0.5)
        raw.reshape(-1)[0] = 0.93 if uniform else 1.9
        numbers = {"gain": float(rng.uniform(1.6, 2.4)), "share": float(rng.uniform(0.2, 0.4)), "uniform": uniform}
        return Case(part, {"raw": raw.astype(dtype)} | numbers | changes, note)

    outputs = int(rng.integers(9, 13))
    return [
        case("edges", (outputs, 3), True, "share 0", share=0.0),
        case("edges", (outputs, 3), False, "share 1", share=1.0),
        case("edges", (outputs, 4), True, "float32", dtype=np.float32),
        case("edges", (outputs, 2, 3, 2), False, "a convolution"),
        case("values", (outputs, 4), False),
        case("values", (outputs, 3), True),
    ]


weights_from = Exercise(
    name="initialization.weights_from",
    title="From random numbers to weights",
    draw=_draw_weights,
    run=lambda answer, inputs: {"weights": answer(*(inputs[n] for n in ("raw", "gain", "share", "uniform")))},
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_cut(rng):
    def case(part, cut, note="", **changes):
        return Case(part, {"std": float(rng.uniform(0.3, 0.9)), "cut": float(cut)} | changes, note)

    return [
        case("edges", rng.uniform(0.3, 0.5), "a narrow cut"),
        case("edges", rng.uniform(9, 12), "a cut so far out that nothing is lost"),
        case("edges", 1.0, "a cut at one standard deviation"),
        case("values", rng.uniform(1.2, 1.5)),
        case("values", rng.uniform(1.6, 2.2)),
    ]


before_the_cut = Exercise(
    name="initialization.before_the_cut",
    title="A normal distribution without its tails",
    draw=_draw_cut,
    run=lambda answer, inputs: unpack(answer(inputs["std"], inputs["cut"]), "sigma", "limit", "kept"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_depth(rng):
    def case(part, widths, note="", **changes):
        widths = np.array(widths)
        stds = rng.uniform(0.8, 1.3, size=len(widths) - 1) / np.sqrt(widths[:-1])
        numbers = {"slope": float(rng.uniform(0.2, 0.4)), "start": float(rng.uniform(1.5, 3))}
        return Case(part, {"widths": widths, "stds": stds} | numbers | changes, note)

    def some(count):
        return rng.permutation(np.arange(12, 12 + 9 * count, 9)) + rng.integers(0, 4, size=count)

    return [
        case("edges", some(2), "a single layer"),
        case("edges", some(4), "ReLU, whose slope is 0", slope=0.0),
        case("edges", some(4), "no nonlinearity, a slope of 1", slope=1.0),
        case("values", some(5)),
        case("values", some(6)),
    ]


sizes_by_depth = Exercise(
    name="initialization.sizes_by_depth",
    title="Sizes by depth, predicted",
    draw=_draw_depth,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("widths", "stds", "slope", "start"))), "forward", "backward"
    ),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_calibrated(rng):
    def case(part, n, note="", dtype=float, widths=(4, 3, 3), scale=1.0):
        a, b, c = widths
        x = signed(rng, (n, a)) + rng.uniform(1, 2, size=a)
        arrays = {"w1": 0.4 * scale * signed(rng, (b, a)), "w2": 2.5 * signed(rng, (c, b)), "x": x}
        return Case(part, {name: v.astype(dtype) for name, v in arrays.items()}, note)

    return [
        case("edges", 7, "float32", dtype=np.float32),
        case("edges", 6, "layers of one unit", widths=(3, 1, 1)),
        case("edges", 8, "tiny weights", scale=1e-6),
        case("values", 9),
        case("values", 8, widths=(3, 4, 5)),
    ]


calibrated = Exercise(
    name="initialization.calibrated",
    title="Let the data set the scale",
    draw=_draw_calibrated,
    run=lambda answer, inputs: unpack(answer(inputs["w1"], inputs["w2"], inputs["x"]), "w1", "b1", "w2", "b2"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    tolerance=1e-8,  # two good ways to compute a variance differ in the last digits
)


def _draw_clip(rng):
    def case(part, n, note="", dtype=float, outputs=3, inputs=2, **changes):
        lengths = np.where(np.arange(n) % 2 == 0, rng.uniform(2.5, 4, n), rng.uniform(0.2, 0.5, n))
        gw = np.abs(signed(rng, (n, outputs, inputs))) * np.sign(signed(rng, (1, outputs, inputs)))
        gb = np.abs(signed(rng, (n, outputs))) * np.sign(signed(rng, (1, outputs)))
        norm = np.sqrt((gw**2).sum(axis=(1, 2)) + (gb**2).sum(axis=1))
        gw, gb = gw * (lengths / norm)[:, None, None], gb * (lengths / norm)[:, None]
        return Case(
            part, {"gw": gw.astype(dtype), "gb": gb.astype(dtype), "c": float(rng.uniform(0.8, 1.2))} | changes, note
        )

    still = case("edges", 4, "an example without a gradient")
    still.inputs["gw"][1], still.inputs["gb"][1] = 0, 0
    return [
        still,
        case("edges", 1, "a single example"),
        case("edges", 4, "float32", dtype=np.float32),
        case("edges", 4, "a threshold above all", c=float(rng.uniform(6, 9))),
        case("values", 6),
        case("values", 5, outputs=2, inputs=4),
    ]


clip_examples = Exercise(
    name="initialization.clip_examples",
    title="Clip every example by itself",
    draw=_draw_clip,
    run=lambda answer, inputs: unpack(answer(inputs["gw"], inputs["gb"], inputs["c"]), "gw", "gb", "norms"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

thousandth = Exercise(
    name="initialization.thousandth",
    title="Experiment: how deep a sigmoid network sees",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"layers": float(answer)},
    parts={"values": 3},
    tolerance=1.3,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e for e in (layer_fans, weights_from, before_the_cut, sizes_by_depth, calibrated, clip_examples, thousandth)
}
