"""The second-order assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _axes(rng, d):
    """Orthonormal columns that mix all coordinates."""
    while True:
        q, _ = np.linalg.qr(rng.normal(size=(d, d)))
        if d == 1 or np.abs(q).min() > 0.05:
            return q


def _draw_saddle(rng):
    def case(part, curvatures, least, note="", scale=1.0, dtype=float):
        curvatures = np.array(curvatures) * scale
        axes = _axes(rng, len(curvatures))
        hessian = axes * curvatures @ axes.T
        arrays = {"grad": axes @ signed(rng, len(curvatures)), "hessian": (hessian + hessian.T) / 2}
        return Case(part, {k: a.astype(dtype) for k, a in arrays.items()} | {"least": least * scale}, note)

    def some(low, high):
        return float(rng.uniform(low, high))

    return [
        case("edges", [some(-3, -2)], 0.5, "a single parameter"),
        case("edges", [some(2, 3), 5.0, 9.0], 0.5, "a bowl, which needs no damping"),
        case("edges", [0.0, 3.0], 0.5, "a flat direction"),
        case("edges", [some(-3, -2), 1.0, 6.0], 0.5, "tiny values", scale=1e-6),
        case("edges", [some(-3, -2), 1.0, 6.0], 0.5, "float32", dtype=np.float32),
        case("values", [some(-3, -2), some(-1, -0.5), some(3, 5)], some(0.4, 0.8)),
        case("values", [some(0.1, 0.2), some(1, 2), some(3, 4), some(6, 8)], some(0.5, 0.8)),
        case("values", [some(-7, -6), some(-1, -0.5), some(2, 3), some(4, 5)], some(0.4, 0.8)),
    ]


def _run_saddle(answer, inputs):
    found = unpack(answer(inputs["grad"], inputs["hessian"], inputs["least"]), "damping", "step")
    number = found["damping"]
    return found | ({"damping": float(number)} if np.ndim(number) == 0 else {})  # a whole number is a number


damped_step = Exercise(
    name="second_order.damped_step",
    title="A Newton step that always goes down",
    draw=_draw_saddle,
    run=_run_saddle,
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-8,
)


def _draw_normal(rng):
    def case(part, n, d, steps, note="", dtype=float, **changes):
        arrays = {"jacobian": signed(rng, (n, d)), "errors": signed(rng, n)}
        inputs = {k: a.astype(dtype) for k, a in arrays.items()}
        return Case(part, inputs | {"damping": float(rng.uniform(0.5, 1.5)), "steps": steps} | changes, note)

    return [
        case("edges", 5, 3, 0, "no step at all"),
        case("edges", 3, 6, 2, "fewer examples than parameters"),
        case("edges", 6, 3, 2, "no damping", damping=0.0),
        case("edges", 9, 5, 1, "float32", dtype=np.float32),
        case("values", 7, 5, 3),
        case("values", 12, 6, 4),
        case("values", 9, 4, 2),
    ]


gauss_newton_cg = Exercise(
    name="second_order.gauss_newton_cg",
    title="Gauss-Newton by conjugate gradients",
    draw=_draw_normal,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("jacobian", "errors", "damping", "steps"))), "step", "residual"
    ),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-7,
)


def _draw_product(rng):
    def case(part, n, d, k, note="", dtype=float, **changes):
        arrays = {"x": signed(rng, (n, d)), "W": signed(rng, (k, d)), "direction": signed(rng, (k, d))}
        inputs = {name: a.astype(dtype) for name, a in arrays.items()}
        return Case(part, inputs | {"weight_decay": float(rng.uniform(0.5, 1.5))} | changes, note)

    return [
        case("edges", 1, 3, 3, "a single example"),
        case("edges", 5, 1, 3, "a single feature"),
        case("edges", 6, 2, 3, "no penalty", weight_decay=0.0),
        case("edges", 6, 2, 3, "float32", dtype=np.float32),
        case("values", 5, 3, 4),
        case("values", 8, 2, 3),
        case("values", 6, 4, 5),
    ]


curvature_product = Exercise(
    name="second_order.curvature_product",
    title="The Hessian of a softmax regression, never made",
    draw=_draw_product,
    run=lambda answer, inputs: {
        "product": answer(*(inputs[n] for n in ("x", "W", "direction", "weight_decay"))),
    },
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_interval(rng):
    def case(part, d, c1, c2, note="", scale=1.0, dtype=float):
        half = signed(rng, (d, d))
        hessian, direction = half @ half.T + np.eye(d), signed(rng, d)
        # how steep the direction is, is drawn: as long as a step of some 1 to 3
        bend = direction @ hessian @ direction
        g = signed(rng, d)
        g = g - direction * (g @ direction + rng.uniform(1, 3) * bend) / (direction @ direction)
        arrays = {"grad": scale * g, "hessian": scale * hessian, "direction": direction}
        return Case(part, {n: a.astype(dtype) for n, a in arrays.items()} | {"c1": c1, "c2": c2}, note)

    def some(low, high):
        return float(rng.uniform(low, high))

    return [
        case("edges", 1, 1e-4, 0.9, "a single parameter"),
        case("edges", 3, 0.3, 0.4, "where Armijo's condition is the border", scale=1.0),
        case("edges", 3, 0.1, 0.4, "tiny values", scale=1e-9),
        case("edges", 3, 0.1, 0.4, "float32", dtype=np.float32),
        case("values", 3, some(0.05, 0.15), some(0.3, 0.4)),  # the slope decides
        case("values", 4, some(0.7, 0.72), some(0.9, 0.92)),  # the gain decides
        case("values", 2, some(0.2, 0.3), some(0.65, 0.75)),
    ]


wolfe_interval = Exercise(
    name="second_order.wolfe_interval",
    title="Which lengths the Wolfe conditions allow",
    draw=_draw_interval,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("grad", "hessian", "direction", "c1", "c2"))), "shortest", "longest"
    ),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_update(rng):
    def case(part, d, note="", bend=1.0, scale=1.0, dtype=float):
        half = signed(rng, (d, d))
        matrix = half @ half.T / d + np.eye(d)
        dtheta = signed(rng, d)
        dgrad = signed(rng, d)
        # far from what the matrix says, and as much bend as wanted
        wanted = bend * rng.uniform(1.5, 2.5) * (dtheta @ dtheta)
        dgrad = dgrad + dtheta * (wanted - dgrad @ dtheta) / (dtheta @ dtheta) if bend else np.zeros(d)
        arrays = {"matrix": matrix, "dtheta": scale * dtheta, "dgrad": scale * dgrad, "direction": signed(rng, d)}
        return Case(part, {n: a.astype(dtype) for n, a in arrays.items()}, note)

    return [
        case("edges", 1, "a single parameter"),
        case("edges", 3, "a loss that bends down along the step", bend=-1.0),
        case("edges", 3, "a gradient that stays the same", bend=0.0),
        case("edges", 3, "a tiny step", scale=1e-9),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 4),
        case("values", 2),
    ]


bfgs_product = Exercise(
    name="second_order.bfgs_product",
    title="BFGS for the matrix itself",
    draw=_draw_update,
    run=lambda answer, inputs: {
        "product": answer(*(inputs[n] for n in ("matrix", "dtheta", "dgrad", "direction"))),
    },
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-8,
)


def _draw_memory(rng):
    def case(part, d, pairs, note="", dtype=float):
        half = signed(rng, (d, d))
        hessian = half @ half.T / d + np.diag(rng.uniform(0.5, 4, size=d))
        moves = signed(rng, (pairs, d))
        arrays = {
            "grad": signed(rng, d),
            "dthetas": moves,
            "dgrads": moves @ hessian,
            "diagonal": rng.uniform(0.2, 3, size=d),
        }
        return Case(part, {n: a.astype(dtype) for n, a in arrays.items()}, note)

    return [
        case("edges", 3, 1, "a single pair"),
        case("edges", 1, 1, "a single parameter"),
        case("edges", 4, 3, "float32", dtype=np.float32),
        case("values", 4, 3),
        case("values", 5, 2),
        case("values", 6, 4),
    ]


two_loop_step = Exercise(
    name="second_order.two_loop_step",
    title="Two loops, newest first",
    draw=_draw_memory,
    run=lambda answer, inputs: {"step": answer(*(inputs[n] for n in ("grad", "dthetas", "dgrads", "diagonal")))},
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-7,
)

smallest_batch = Exercise(
    name="second_order.smallest_batch",
    title="Experiment: the smallest batch for L-BFGS",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"batch": float(answer)},
    parts={"values": 3},
    tolerance=0.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e
    for e in (
        damped_step,
        gauss_newton_cg,
        curvature_product,
        wolfe_interval,
        bfgs_product,
        two_loop_step,
        smallest_batch,
    )
}
