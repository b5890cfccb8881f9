"""The assignment on loss surfaces, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, UnusableError, signed, unpack

KINDS = ("minimum", "maximum", "saddle", "undecided")


def _turned(rng, values):
    """A symmetric matrix with these eigenvalues."""
    q, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    matrix = q @ np.diag(values) @ q.T
    return (matrix + matrix.T) / 2


def _as_float(count):
    """A count may be a whole number or a float: here nothing hangs on it. What is no number stays as it is, to be refused."""
    return np.asarray(count, dtype=float) if np.asarray(count).dtype.kind in "iuf" else count


def _floats(found):
    return {name: _as_float(value) for name, value in found.items()}


def _positive(rng, d):
    """Curvatures above 0; the first is the largest."""
    return np.append(rng.uniform(2.0, 2.5), rng.uniform(0.5, 1.5, size=d - 1))


def _draw_critical_point(rng):
    tolerance = 1e-3

    def case(part, values, note="", scale=1.0, dtype=float):
        return Case(part, {"hessian": (scale * _turned(rng, values)).astype(dtype), "tolerance": tolerance}, note)

    level = -0.01 * tolerance  # zero but for rounding, and below it
    hidden = rng.uniform(0.5, 1.0, size=3) * np.eye(
        3
    )  # all positive on the diagonal, and yet a saddle with two ways down
    for i, j in ((0, 1), (0, 2), (1, 2)):
        hidden[i, j] = hidden[j, i] = rng.uniform(1.8, 2.2)
    saddle = _positive(rng, 4) * [1, 1, -1, 1]
    ordinary = [
        case("values", _positive(rng, 3)),
        case("values", -_positive(rng, 3)),
        case("values", saddle),
        case("values", np.append(saddle, level)),
        case("values", np.append(_positive(rng, 3), level)),
        Case("values", {"hessian": hidden, "tolerance": tolerance}),
    ]
    return [
        case("edges", [rng.uniform(0.5, 2)], "one dimension"),
        case("edges", [0.0, 0.0, 0.0], "no curvature at all"),
        case("edges", _positive(rng, 3), "tiny values", 1e-12),
        case("edges", np.append(_positive(rng, 2), level), "large values", 1e9),
        case("edges", -_positive(rng, 3), "float32", dtype=np.float32),
        case("edges", np.append(-_positive(rng, 2), level), "a level direction beside negative ones"),
        *(ordinary[i] for i in rng.permutation(len(ordinary))),  # so that no order can be learned by heart
    ]


def _run_critical_point(answer, inputs):
    """The name becomes its place in KINDS, counted from 1."""
    found = unpack(answer(inputs["hessian"], inputs["tolerance"]), "kind", "index")
    if not isinstance(found["kind"], str) or found["kind"] not in KINDS:
        raise UnusableError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {str(found['kind'])[:40]!r}")
    return {"kind": KINDS.index(found["kind"]) + 1.0, "index": _as_float(found["index"])}


critical_point = Exercise(
    name="loss_surfaces.critical_point",
    title="Name a critical point",
    legend=f"kind is told as a number: {', '.join(f'{i} {kind}' for i, kind in enumerate(KINDS, 1))}",
    draw=_draw_critical_point,
    run=_run_critical_point,
    parts={"values": 1.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)


def _draw_hessian_vector(rng):
    def case(part, shape, note="", length=1.0, dtype=float, **changes):
        inputs = {
            "theta": signed(rng, shape).astype(dtype),
            "xi": (length * signed(rng, shape)).astype(dtype),
            "step": float(rng.uniform(0.1, 0.2)),
            "spring": float(rng.uniform(0.5, 1)),
            "cubic": float(rng.uniform(0.5, 1)),
            "mix": float(rng.uniform(0.5, 1)),
        }
        return Case(part, inputs | changes, note)

    return [
        case("edges", 3, "a direction of length 0", xi=np.zeros(3)),
        case("edges", 1, "one dimension"),
        case("edges", (2, 3), "a matrix of parameters"),
        case("edges", 3, "a very long direction", length=1e9),
        case("edges", 3, "a very short direction", length=1e-9),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 5),
        case("values", 4, length=3.0),
    ]


def _run_hessian_vector(answer, inputs):
    def grad(point):
        """Of a loss with fourth powers, so that the step shows; every parameter pulls at every other."""
        point = np.asarray(point)
        return inputs["spring"] * point + inputs["cubic"] * point**3 + inputs["mix"] * point.sum()

    return {"product": answer(grad, inputs["theta"], inputs["xi"], inputs["step"])}


hessian_vector = Exercise(
    name="loss_surfaces.hessian_vector",
    title="The Hessian times a direction",
    legend="grad(point) = spring * point + cubic * point**3 + mix * point.sum()",
    draw=_draw_hessian_vector,
    run=_run_hessian_vector,
    parts={"values": 2, "edges": 1, "form": 0.5, "untouched": 0.5},
    tolerance=1e-6,
)


def _draw_extremes(rng):
    def case(part, values, note="", dtype=float, shape=None):
        matrix = _turned(rng, values).astype(dtype)
        xi = signed(rng, len(values)).astype(dtype)
        return Case(part, {"matrix": matrix, "xi": xi.reshape(shape or xi.shape), "steps": 120}, note)

    def one_each():
        """Curvatures of both signs: the largest in size and the next one have one sign, and the other end is nearer to 0 than both."""
        return np.array([-1.0, 0.4, 1.5, 2.2]) * rng.uniform(0.95, 1.05, size=4)

    def one_sign():
        return np.array([0.5, 1.0, 2.0, 3.0]) * rng.uniform(0.97, 1.03, size=4)

    return [
        case("edges", [float(rng.uniform(1, 2))], "one dimension"),
        case("edges", -one_each(), "float32", dtype=np.float32),
        case("edges", 1e9 * one_each(), "large values"),
        case("edges", -1e-9 * one_each(), "tiny values"),
        case("edges", one_each(), "a matrix of parameters", shape=(2, 2)),
        case("values", one_each()),
        case("values", -one_each()),
        case("values", one_sign()),
        case("values", -one_sign()),
    ]


def _run_extremes(answer, inputs):
    def product(direction):
        direction = np.asarray(direction)
        return (inputs["matrix"] @ direction.ravel()).reshape(direction.shape)

    return unpack(answer(product, inputs["xi"], inputs["steps"]), "lowest", "highest")


extremes = Exercise(
    name="loss_surfaces.extremes",
    title="Both ends of the spectrum",
    legend="product(direction) is matrix @ direction, of the direction's shape",
    draw=_draw_extremes,
    run=_run_extremes,
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
    tolerance=1e-8,
)


def _draw_steps(rng):
    def steps(kappa, share):
        return np.log(share) / (2 * np.log1p(-2 / (kappa + 1)))

    def case(part):
        """Curvatures whose extremes stand within, and a share that is not reached just at a step."""
        low, kappa = rng.uniform(0.5, 1), rng.uniform(8, 30)
        share = float(rng.uniform(1e-4, 1e-2))
        while not 0.15 < steps(kappa, share) % 1 < 0.4:
            kappa = rng.uniform(8, 30)
        curvatures = low * np.array([rng.uniform(2, 3), 1.0, rng.uniform(3, 4), kappa, rng.uniform(4, 5)])
        return Case(part, {"curvatures": curvatures, "share": share})

    height = float(rng.uniform(0.5, 2))
    return [
        Case("edges", {"curvatures": np.full(3, height), "share": 0.01}, "a round bowl"),
        Case("edges", {"curvatures": np.array([height]), "share": 0.01}, "a single curvature"),
        Case("edges", {"curvatures": height * np.array([2.0, 1.0, 9.0]), "share": 1.0}, "a share of 1"),
        Case(
            "edges",
            {"curvatures": np.array([1.0, 7.2e15 * rng.uniform(0.98, 1.02)]), "share": 0.5},
            "a very long valley",
        ),
        case("values"),
        case("values"),
    ]


steps_needed = Exercise(
    name="loss_surfaces.steps_needed",
    title="How many steps a valley costs",
    draw=_draw_steps,
    run=lambda answer, inputs: _floats(unpack(answer(inputs["curvatures"], inputs["share"]), "lr", "steps")),
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
)


def _draw_equal_minima(rng):
    def case(part, units, note="", same=(), opposite=(), empty=(), half=()):
        """``same``: units that are twins of unit 0; ``opposite``: with the sign turned; ``empty``: without weights; ``half``: incoming weights alone."""
        incoming, outgoing = signed(rng, (units, 3)), signed(rng, (units, 2))
        for i in same:
            incoming[i], outgoing[i] = incoming[0], outgoing[0]
        for i in opposite:
            incoming[i], outgoing[i] = -incoming[0], -outgoing[0]
        for i in empty:
            incoming[i], outgoing[i] = 0, 0
        for i in half:
            incoming[i] = incoming[0]
        return Case(part, {"incoming": incoming, "outgoing": outgoing, "tolerance": 0.01}, note)

    ordinary = [
        case("values", int(rng.integers(2, 4))),
        case("values", int(rng.integers(3, 5)), same=[2]),
        case("values", int(rng.integers(4, 6)), same=[1, 3]),
    ]
    return [
        case("edges", 1, "a single unit"),
        case("edges", 3, "twins of opposite sign", opposite=[2]),
        case("edges", 3, "a unit without weights", empty=[1]),
        case("edges", 4, "two units without weights", empty=[1, 3]),
        case("edges", 3, "units that differ in their outgoing weights alone", half=[1]),
        *(ordinary[i] for i in rng.permutation(len(ordinary))),
    ]


equal_minima = Exercise(
    name="loss_surfaces.equal_minima",
    title="Count the equal minima",
    draw=_draw_equal_minima,
    run=lambda answer, inputs: _floats(
        unpack(answer(inputs["incoming"], inputs["outgoing"], inputs["tolerance"]), "arrangements", "points")
    ),
    parts={"values": 1.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)

saddle_share = Exercise(
    name="loss_surfaces.saddle_share",
    title="Experiment: how common are saddles?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"share": float(answer)},
    parts={"values": 3},
    tolerance=0.004,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (critical_point, hessian_vector, extremes, steps_needed, equal_minima, saddle_share)}
