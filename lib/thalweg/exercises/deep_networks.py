"""The assignment on deep networks, as it is asked: inputs, signatures, points."""

from itertools import pairwise

import numpy as np

from .exercise import Case, Exercise, signed, unpack

# --- forward ----------------------------------------------------------------------------------------------------


def _draw_forward(rng):
    def case(part, widths, batch, note="", dtype=float, scale=1.0):
        inputs = {"x": (scale * 1.5 * rng.normal(size=(batch, widths[0]))).astype(dtype)}
        for i, (a, b) in enumerate(pairwise(widths)):
            inputs[f"W{i}"] = rng.normal(size=(b, a)).astype(dtype)
            inputs[f"b{i}"] = (scale * signed(rng, b) / 2).astype(dtype)
        for name in (f"W{i}", f"b{i}"):  # the first score is never positive
            inputs[name][0] = -np.abs(inputs[name][0])
        return Case(part, inputs, note)

    strided = case("edges", (3, 4, 2), 6, "an array that is not contiguous")
    strided.inputs["x"] = np.repeat(strided.inputs["x"], 2, axis=0)[::2]
    return [
        case("edges", (3, 4, 2), 1, "a single example"),
        case("edges", (1, 5, 1), 20, "one input, one output"),
        case("edges", (2, 5, 4, 3), 30, "float32", dtype=np.float32),
        case("edges", (2, 4, 3, 3, 4, 2), 20, "four hidden layers"),
        case("edges", (2, 4, 2), 20, "tiny values", scale=1e-9),
        strided,
        case("values", (3, 6, 5, 3), 150),
        case("values", (4, 5, 5, 2), 150),
        case("values", (3, 5, 4, 3, 2), 150),
    ]


def _run_forward(answer, inputs):
    depth = sum(name.startswith("W") for name in inputs)
    weights, biases = ([inputs[f"{kind}{i}"] for i in range(depth)] for kind in "Wb")
    found = unpack(answer(inputs["x"], weights, biases), "scores", "patterns")
    return {"scores": found["scores"], "patterns": np.asarray(found["patterns"], dtype=float)}


forward = Exercise(
    name="deep_networks.forward",
    title="A batch on its way through",
    legend="W0 and b0 belong to the first layer, W1 and b1 to the second, and so on: weights = [W0, W1, ...]",
    draw=_draw_forward,
    run=_run_forward,
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

# --- widest -----------------------------------------------------------------------------------------------------


def _draw_widest(rng):
    def case(part, depth, widths, beyond, note="", short=0):
        """Budgets that networks of these widths meet, with ``beyond`` of what one unit a layer more would cost, less ``short``."""
        inputs, outputs = int(rng.integers(2, 60)), int(rng.integers(2, 20))

        def cost(w):
            return sum(b * (a + 1) for a, b in pairwise([inputs, *[w] * depth, outputs]))

        budgets = [cost(w) + int(beyond * (cost(w + 1) - cost(w))) - short for w in map(int, widths)]
        return Case(part, {"budgets": np.array(budgets), "inputs": inputs, "depth": depth, "outputs": outputs}, note)

    def some(low=10, high=90):
        return rng.permutation(np.arange(low, high))[:3]

    return [
        case("edges", 1, some(), 0.7, "a single hidden layer"),
        case("edges", int(rng.integers(2, 5)), some(), 0, "a budget that is used up exactly"),
        case("edges", int(rng.integers(2, 5)), some(), 0, "a budget that is one parameter short", short=1),
        case("edges", int(rng.integers(2, 5)), [0, *some()], 0.5, "a budget too small for one unit a layer"),
        case("edges", int(rng.integers(2, 5)), some(400_000, 500_000), 0.7, "a very large budget"),
        case("values", 2, some(), 0.8),
        case("values", 3, some(20), 0.7),
        case("values", 6, some(20), 0.75),
    ]


def _run_widest(answer, inputs):
    found = unpack(answer(*(inputs[n] for n in ("budgets", "inputs", "depth", "outputs"))), "widths", "parameters")
    return {name: np.asarray(value, dtype=float) for name, value in found.items()}


widest = Exercise(
    name="deep_networks.widest",
    title="The widest network that one can afford",
    draw=_draw_widest,
    run=_run_widest,
    parts={"values": 1.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    shares={"widths": 3},  # the count is the easy part
)

# --- count_regions ----------------------------------------------------------------------------------------------

DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (1, -2), (2, -1), (3, 1), (1, 3), (3, -1), (1, -3))


def _through(rng, point, directions):
    """Lines through one point, the rows of each multiplied by a whole number of either sign."""
    rows = np.array([[a, b, -(a * point[0] + b * point[1])] for a, b in directions], dtype=float)
    return rows * rng.choice([-2, -1, 1, 2], size=(len(rows), 1))


def _draw_regions(rng):
    def case(part, *bundles, note=""):
        return Case(part, {"lines": rng.permutation(np.concatenate(bundles)).astype(float)}, note)

    def directions(n):
        return [DIRECTIONS[i] for i in rng.permutation(len(DIRECTIONS))[:n]]

    def crossed(n):
        """Directions of which two have slopes of other sign, so that a slip with a sign shows."""
        return [(1, 1), (1, -1), *(d for d in directions(n) if d not in ((1, 1), (1, -1)))][:n]

    def point():
        return 13 * rng.integers(1, 4, size=2) * [1, -1]

    def parallel(n):
        """Of what is left over after division by 13, no line of this bundle is one of a bundle through one of the points."""
        a, b = directions(1)[0]
        rows = [[a, b, 13 * c + 2 * (a + 5 * b)] for c in rng.permutation(9)[:n]]
        return np.array(rows, dtype=float) * rng.choice([-1, 1], size=(n, 1))

    star, far = point(), point() + np.array([1, 5])
    bundle = _through(rng, star, crossed(int(rng.integers(4, 7))))
    twice = np.concatenate([bundle, -3 * bundle[:1]])
    return [
        case("edges", _through(rng, star, directions(1)), note="a single line"),
        case("edges", parallel(int(rng.integers(3, 6))), note="parallel lines alone"),
        case("edges", bundle, note="lines through one point alone"),
        case("edges", twice, note="a line that is given twice"),
        case(
            "edges",
            np.array([[1.0, 0, 0], [1000, 1, 0], [0, 1, 5000]]),
            note="nearly parallel lines, which cross far away",
        ),
        case(
            "values",
            _through(rng, star, [(1, 1), (1, -1), (1, 2), (1, -2)]),
            parallel(2)[:1],
            _through(rng, (45, -58), [(1, 0), (0, 1)]),
        ),
        case("values", bundle, parallel(int(rng.integers(2, 5))), _through(rng, (45, -58), [(1, 0), (0, 1)])),
        case(
            "values",
            _through(rng, star, crossed(4)),
            _through(rng, far, crossed(int(rng.integers(4, 7)))),
            parallel(int(rng.integers(2, 4))),
            _through(rng, (-61, 47), [(1, 0), (0, 1)]),
        ),
    ]


def _run_regions(answer, inputs):
    found = unpack(answer(inputs["lines"]), "crossings", "regions")
    return {name: np.asarray(value, dtype=float) for name, value in found.items()}


count_regions = Exercise(
    name="deep_networks.count_regions",
    title="Regions of any lines",
    draw=_draw_regions,
    run=_run_regions,
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
    shares={"regions": 2},
)

# --- bends ------------------------------------------------------------------------------------------------------


def _draw_bends(rng):
    def units(n):
        """Units that switch at different places, none near another, weights and output weights of both signs."""
        places = rng.permutation(np.arange(-n, n))[:n] + rng.uniform(-0.3, 0.3, size=n)
        w = signed(rng, n)
        return np.array([w, -w * places, signed(rng, n)])

    def twin(unit, weight):
        """Another unit that switches at the same place and bends ``weight`` times as much, from the other side."""
        w, b, v = unit
        return np.array([[-2 * w], [-2 * b], [weight * v / 2]])

    def case(part, *columns, note="", dtype=float, scale=1.0):
        found = np.concatenate(columns, axis=1)
        w, b, v = found[:, rng.permutation(found.shape[1])]
        return Case(part, {"w": w.astype(dtype), "b": b.astype(dtype), "v": (scale * v).astype(dtype)}, note)

    def full(n):
        """All that can happen at once: twins that cancel, twins that add up, units without weight or without a listener."""
        found = units(n)
        silent, deaf = np.array([[0.0], [1.3], [0.8]]), np.array([[1.1], [17.3], [0.0]])
        return found, twin(found[:, 0], -1), twin(found[:, 1], 0.5), silent, deaf

    some = units(4)
    near = twin(some[:, 0], 0.5)
    near[1] *= 1 + 1e-13
    return [
        case("edges", units(1), note="a single unit"),
        case("edges", units(1), np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 3.0]]), note="units that never switch"),
        case("edges", some, *(twin(some[:, i], -1) for i in range(3)), note="bends that cancel"),
        case("edges", *full(6), note="float32", dtype=np.float32),
        case("edges", *full(5), note="tiny output weights", scale=1e-12),
        case("values", *full(5)),
        case("values", *full(7)),
        case("edges", some, near, note="places that differ by rounding"),
    ]


bends = Exercise(
    name="deep_networks.bends",
    title="Where a network bends",
    draw=_draw_bends,
    run=lambda answer, inputs: unpack(answer(inputs["w"], inputs["b"], inputs["v"]), "places", "changes"),
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
)

# --- through_points ---------------------------------------------------------------------------------------------


def _draw_points(rng):
    def case(part, n, note="", dtype=float, order=None, at=0.0):
        x = at + np.cumsum(rng.uniform(0.3, 1.2, size=n))
        y = signed(rng, n) + 2.5 * (-1.0) ** np.arange(n)  # up and down, so that each point is a bend
        middles = x[:-1] + np.diff(x) * rng.uniform(0.2, 0.8, size=n - 1)
        inside = np.concatenate([x, middles])
        outside = np.array([x[0] - 1.7, x[0] - 0.4, x[-1] + 0.4, x[-1] + 1.7])
        mixed = rng.permutation(n) if order is None else np.arange(n)[::order]
        if order is None and mixed[0] == 0:  # the first one in the list is another one
            mixed = mixed[::-1]
        arrays = {"x": x[mixed], "y": y[mixed], "inside": inside, "outside": outside}
        return Case(part, {name: a.astype(dtype) for name, a in arrays.items()}, note)

    return [
        case("edges", 2, "two points"),
        case("edges", 5, "points that are in order already", order=1),
        case("edges", 5, "points in falling order", order=-1),
        case("edges", 5, "points far from 0", at=300.0),
        case("edges", 5, "float32", dtype=np.float32),
        case("values", 5),
        case("values", 8),
    ]


def _run_points(answer, inputs):
    """The network that was written down, at work."""
    found = unpack(answer(inputs["x"], inputs["y"]), "w", "b", "v", "c")
    w, b, v, c = (np.asarray(found[name], dtype=float) for name in ("w", "b", "v", "c"))

    def network(x):
        return np.maximum(np.asarray(x, dtype=float)[:, None] * w + b, 0) @ v + c

    return {"inside": network(inputs["inside"]), "outside": network(inputs["outside"])}


through_points = Exercise(
    name="deep_networks.through_points",
    title="A network through given points",
    legend="inside and outside are the places at which the network that you return is tried",
    draw=_draw_points,
    run=_run_points,
    parts={"values": 2.5, "edges": 1.25, "untouched": 0.25},
    shares={"inside": 2},
    tolerance=1e-8,
)

folds_or_units = Exercise(
    name="deep_networks.folds_or_units",
    title="Experiment: fold, or add units?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"ratio": float(answer)},
    parts={"values": 3},
    tolerance=0.05,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (forward, widest, count_regions, bends, through_points, folds_or_units)}
