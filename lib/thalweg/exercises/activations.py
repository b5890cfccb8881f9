"""The activations assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _between_numbers(rng, n, least=3):
    """Numbers so small that beside 1 they lie between two floating-point numbers: adding 1 loses some per cent of them."""
    return 2.0**-53 * (2 * rng.choice(np.arange(least, 16), size=n, replace=False) + 0.6)


def _draw_sigmoid(rng):
    def case(part, x, note=""):
        return Case(part, {"x": np.asarray(x)}, note)

    return [
        case("edges", -np.log(_between_numbers(rng, 3)), "inputs far above 0"),
        case("edges", np.log(_between_numbers(rng, 3)), "inputs far below 0"),
        case("edges", rng.uniform(760, 900, size=4) * [1, -1, 1, -1], "inputs whose exponential overflows"),
        case("edges", 2 * signed(rng, 1), "a single input"),
        case("edges", (2 * signed(rng, 4)).astype(np.float32), "float32"),
        case("values", 2 * signed(rng, 5)),
        case("values", 2 * signed(rng, (2, 3))),
    ]


sigmoid_and_slope = Exercise(
    name="activations.sigmoid_and_slope",
    title="A sigmoid that keeps its digits",
    draw=_draw_sigmoid,
    run=lambda answer, inputs: unpack(answer(inputs["x"]), "y", "slope"),
    parts={"values": 1.25, "edges": 2, "form": 0.25, "untouched": 0.5},
)


def _draw_inverse(rng):
    def case(part, y, note=""):
        return Case(part, {"y": np.asarray(y)}, note)

    return [
        case("edges", _between_numbers(rng, 3), "outputs near 0"),
        case("edges", rng.uniform(720, 900, size=3), "outputs whose exponential overflows"),
        case("edges", rng.uniform(0.2, 0.6, size=1), "a single output"),
        case("edges", rng.uniform(0.2, 3, size=4).astype(np.float32), "float32"),
        case("values", rng.uniform(0.2, 3, size=4)),
        case("values", rng.uniform(0.2, 3, size=(2, 3))),
    ]


softplus_inverse = Exercise(
    name="activations.softplus_inverse",
    title="Softplus, turned round",
    draw=_draw_inverse,
    run=lambda answer, inputs: unpack(answer(inputs["y"]), "x", "slope"),
    parts={"values": 2, "edges": 1.25, "form": 0.25, "untouched": 0.5},
)

SLOPES = ("scaled_tanh", "softplus", "elu", "leaky")


def _draw_outputs(rng):
    """Outputs that each function can have, of both signs where it has both."""

    def case(part, shape, note="", dtype=float):
        height, rate, c = float(rng.uniform(1.2, 1.9)), float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.2, 0.6))
        below = -c * rng.uniform(0.1, 0.9, size=shape)
        outputs = {
            "scaled_tanh": height * signed(rng, shape) / 2.2,
            "softplus": rng.uniform(0.2, 2, size=shape),
            "elu": np.where((sign := signed(rng, shape)) > 0, sign, below),
            "leaky": signed(rng, shape),
        }
        inputs = {name: a.astype(dtype) for name, a in outputs.items()}
        return Case(part, inputs | {"height": height, "rate": rate, "c": c}, note)

    kinks = case("edges", 4, "outputs of 0")
    kinks.inputs["elu"][1] = kinks.inputs["leaky"][1] = kinks.inputs["scaled_tanh"][1] = 0
    tiny = case("edges", 3, "a softplus that has almost vanished")
    tiny.inputs["softplus"] = _between_numbers(rng, 3)
    return [
        kinks,
        tiny,
        case("edges", (2, 2), "a matrix"),
        case("edges", 4, "float32", dtype=np.float32),
        case("values", 4),
        case("values", 5),
    ]


slopes_from_outputs = Exercise(
    name="activations.slopes_from_outputs",
    title="The slope from what came out",
    draw=_draw_outputs,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in (*SLOPES, "height", "rate", "c"))), *SLOPES),
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)


def _draw_maxout(rng):
    """A set with negative entries only, one with a larger size below 0 than above, and sets that are no neighbours."""

    def case(part, n, note="", dtype=float, tie=False):
        kinds = [[-0.5, -1.1, -1.9], [0.6, -1.4], [1.7, 0.9]]
        places = np.array([0, 1, 2, 0, 1, 2, 0])[rng.permutation(7) if part == "values" else slice(None)]
        while (np.sort(places) == places).all():  # in values no set may be a run of neighbours by chance
            places = rng.permutation(places)
        x = np.empty((n, 7))
        for group, entries in enumerate(kinds):
            for i in range(n):
                drawn = rng.permutation(entries) + rng.uniform(-0.1, 0.1, size=len(entries))
                x[i, places == group] = drawn.max() if tie else drawn
        inputs = {"x": x.astype(dtype), "sets": places, "dy": signed(rng, (n, 3)).astype(dtype)}
        return Case(part, inputs, note)

    alone = case("edges", 3, "a set of one entry")
    alone.inputs["sets"] = np.array([0, 1, 2, 0, 1, 2, 3])
    alone.inputs["dy"] = signed(rng, (3, 4))
    return [
        alone,
        case("edges", 2, "equal entries of a set", tie=True),
        case("edges", 1, "a single example"),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 4),
        case("values", 5),
    ]


maxout = Exercise(
    name="activations.maxout",
    title="Maxout over any sets",
    draw=_draw_maxout,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("x", "sets", "dy"))), "y", "dx"),
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)


def _draw_slope(rng):
    def case(part, shape, note="", dtype=float, **changes):
        z, dy = (np.asarray(signed(rng, shape), dtype) for _ in range(2))
        z[0], z[-1] = (np.abs(z[0]), -np.abs(z[-1])) if len(z) > 1 else (-np.abs(z[0]), -np.abs(z[0]))
        c = (rng.uniform(0.1, 0.5, size=shape[1]) * np.resize([1, -1], shape[1])).astype(dtype)
        dy[-1] = np.abs(dy[-1]) * np.resize([1, -1], shape[1]).reshape((-1,) + (1,) * (len(shape) - 2))
        return Case(part, {"z": z, "dy": dy, "c": c} | changes, note)

    kink = case("edges", (3, 2), "inputs of exactly 0")
    kink.inputs["z"][1] = 0
    return [
        case("edges", (2, 3, 2, 3), "images, where all places of a channel share its slope"),
        case("edges", (1, 2), "a single example"),
        case("edges", (3, 2), "slopes of 0", c=np.zeros(2)),
        case("edges", (3, 2), "float32", dtype=np.float32),
        kink,
        case("values", (4, 3)),
        case("values", (5, 2)),
    ]


slope_gradient = Exercise(
    name="activations.slope_gradient",
    title="The gradient of a slope",
    draw=_draw_slope,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("z", "dy", "c"))), "dz", "dc"),
    parts={"values": 1.75, "edges": 0.75, "form": 0.25, "untouched": 0.25},
)


def _draw_dead(rng):
    """Units that are always on, in the first batch only, in the last only (with a mean above 0), rarely but in each; and some of any kind."""

    def case(part, sizes, note="", c=0):
        starts = np.cumsum([0, *sizes])
        z = -rng.uniform(2, 4, size=(starts[-1], 8 + rng.integers(1, 4)))  # units 7 and after are dead
        z[:, 0] *= -1
        z[: starts[1] - 1, 1] = rng.uniform(0.1, 0.3)
        z[starts[-2] + 1 :, 2] = rng.uniform(60, 90)
        z[starts[:-1], 3] = rng.uniform(0.1, 0.3)
        z[1:, 4:7] = signed(rng, (len(z) - 1, 3))
        z[0, 4:7] = 0.5
        return Case(part, {"z": z[:, rng.permutation(z.shape[1])], "sizes": np.array(sizes), "c": c}, note)

    at_zero = case("edges", [4, 3], "a unit whose largest input is exactly 0")
    z = at_zero.inputs["z"]
    z[2, np.flatnonzero((z <= 0).all(axis=0))[0]] = 0
    return [
        at_zero,
        case("edges", [5, 3, 4], "leaky units", c=float(rng.uniform(0.01, 0.3))),
        case("edges", [6], "a single batch"),
        case("values", [6, 3, 4]),
        case("values", [3, 5]),
    ]


def _run_dead(answer, inputs):
    batches = np.split(inputs["z"], np.cumsum(inputs["sizes"])[:-1])
    return unpack(answer(batches, inputs["c"]), "on", "dead")


dead_units = Exercise(
    name="activations.dead_units",
    title="Which units are dead",
    draw=_draw_dead,
    run=_run_dead,
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

killing_rate = Exercise(
    name="activations.killing_rate",
    title="Experiment: the rate that kills half of them",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"rate": float(answer)},
    parts={"values": 3},
    tolerance=0.01,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e
    for e in (
        sigmoid_and_slope,
        softplus_inverse,
        slopes_from_outputs,
        maxout,
        slope_gradient,
        dead_units,
        killing_rate,
    )
}
