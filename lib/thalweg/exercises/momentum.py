"""The momentum assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, run_of_gradients, signed, unpack


def _state(rng, shape, scale=1.0, dtype=float):
    theta, grad, v = (scale * signed(rng, shape) for _ in range(3))
    return {"theta": theta.astype(dtype), "v": v.astype(dtype), "grad": grad.astype(dtype)}


def _rates(rng):
    return {"lr": float(rng.uniform(0.05, 0.4)), "rho": float(rng.uniform(0.5, 0.95))}


def _draw_step(rng):
    """Inputs of one step of a method, and whole runs of it: for heavy_ball and nesterov."""
    still = _state(rng, 3) | _rates(rng)
    still["grad"][:] = 0
    strided = {k: np.repeat(a, 2)[::2] for k, a in _state(rng, 4).items()}
    return [
        Case("edges", still, "a zero gradient"),
        Case("edges", _state(rng, 1) | _rates(rng), "one dimension"),
        Case("edges", _state(rng, 3) | _rates(rng) | {"rho": 0.0}, "rho = 0"),
        Case("edges", _state(rng, 3, dtype=np.float32) | _rates(rng), "float32"),
        Case("edges", _state(rng, 3, scale=1e12) | _rates(rng), "large values"),
        Case("edges", _state(rng, 3, scale=1e-12) | _rates(rng), "tiny values"),
        Case("edges", strided | _rates(rng), "arrays that are not contiguous"),
        Case("edges", _state(rng, (2, 3)) | _rates(rng), "a matrix of parameters"),
        Case("steps", {"theta": signed(rng, 2), "grads": run_of_gradients(rng)} | _rates(rng)),
        Case("values", _state(rng, 3) | _rates(rng)),
        Case("values", _state(rng, 4) | _rates(rng)),
    ]


def _run_step(answer, inputs):
    """One step, or as many as there are ``grads``, each fed with what the one before returned."""
    inputs = dict(inputs)
    if "grads" not in inputs:
        return unpack(answer(*(inputs[name] for name in ("theta", "grad", "v", "lr", "rho"))), "theta", "v")
    theta, grads = inputs.pop("theta"), inputs.pop("grads")
    v, path = np.zeros_like(theta), []
    for grad in grads:
        theta, v = unpack(answer(theta, grad, v, inputs["lr"], inputs["rho"]), "theta", "v").values()
        path.append(np.copy(theta))
    return {"theta": np.array(path), "v": v}


heavy_ball = Exercise(
    name="momentum.heavy_ball",
    title="The heavy ball",
    draw=_draw_step,
    run=_run_step,
    parts={"values": 1, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_velocity(rng):
    def case(part, steps, d, note="", scale=1.0, dtype=float, **changes):
        grads = (scale * signed(rng, (steps, d))).astype(dtype)
        inputs = {"grads": grads, "rhos": rng.uniform(0.5, 0.95, size=steps)} | changes
        return Case(part, inputs, note)

    restart = rng.uniform(0.5, 0.95, size=6)
    restart[3] = 0  # everything before it is forgotten
    return [
        case("edges", 1, 3, "a single gradient"),
        case("edges", 5, 1, "one dimension"),
        case("edges", 6, 3, "a momentum of 0 on the way", rhos=restart),
        case("edges", 5, 3, "float32", dtype=np.float32),
        case("edges", 5, 3, "tiny values", scale=1e-12),
        case("edges", 2000, 2, "a long history", rhos=rng.uniform(0.5, 0.8, size=2000)),
        case("values", 5, 3),
        case("values", 8, 2),
    ]


velocity = Exercise(
    name="momentum.velocity",
    title="What an old gradient still counts",
    draw=_draw_velocity,
    run=lambda answer, inputs: unpack(answer(inputs["grads"], inputs["rhos"]), "weights", "v"),
    parts={"values": 1.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _quadratic(rng, d, dtype=float):
    """A bowl: the gradient at theta is hessian @ (theta - centre)."""
    a = rng.normal(size=(d, d))
    return {"hessian": (a @ a.T / d + np.eye(d)).astype(dtype), "centre": rng.normal(size=d).astype(dtype)}


def _draw_look_ahead(rng):
    def case(part, d, note="", dtype=float, falling=(1.0,), **changes):
        inputs = _quadratic(rng, d, dtype) | _state(rng, d, dtype=dtype) | _rates(rng) | changes
        inputs["lrs"] = inputs.pop("lr") * np.array(falling)
        del inputs["grad"]
        return Case(part, inputs, note)

    return [
        case("edges", 3, "a ball at rest", v=np.zeros(3)),
        case("edges", 1, "one dimension"),
        case("edges", 3, "float32", dtype=np.float32),
        case("edges", 3, "rho = 0", rho=0.0),
        case("steps", 2, falling=(1.0, 1.0, 1.0, 0.1, 0.1, 0.1)),
        case("values", 3),
        case("values", 4),
    ]


def _run_look_ahead(answer, inputs):
    hessian, centre = inputs["hessian"], inputs["centre"]
    theta, v = inputs["theta"], inputs["v"]

    def grad(point):
        return hessian @ (np.asarray(point) - centre)

    for lr in inputs["lrs"].tolist():
        theta, v = unpack(answer(theta, grad, v, lr, inputs["rho"]), "theta", "v").values()
    return {"theta": theta, "v": v}


look_ahead = Exercise(
    name="momentum.look_ahead",
    title="A look-ahead that coasts on",
    legend="grad(point) = hessian @ (point - centre), and the answer is called once for each of lrs",
    draw=_draw_look_ahead,
    run=_run_look_ahead,
    parts={"values": 2, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)

nesterov = Exercise(
    name="momentum.nesterov",
    title="Nesterov without looking ahead",
    draw=_draw_step,
    run=_run_step,
    parts={"values": 2, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_factor(rng):
    def case(part, lr, rho, curvatures, note=""):
        return Case(part, {"lr": lr, "rho": rho, "curvatures": np.asarray(curvatures, dtype=float)}, note)

    curved = np.sort(rng.uniform(0.5, 2.0, size=4))
    return [
        case("edges", float(rng.uniform(0.2, 0.4)), 0.0, curved, "rho = 0"),
        case("edges", float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.8, 0.9)), [1.0], "a single curvature"),
        case(
            "edges",
            float(rng.uniform(2.2, 2.6)),
            float(rng.uniform(0.3, 0.5)),
            curved + 1,
            "a rate so large that it diverges",
        ),
        # the ball oscillates in every direction, then crawls in the flattest one, then overshoots in the steepest one
        case("values", float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.8, 0.95)), rng.permutation(curved)),
        case("values", float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.2, 0.4)), rng.permutation([0.1, 1.0, 2.0])),
        case("values", float(rng.uniform(1.5, 1.6)), float(rng.uniform(0.05, 0.15)), rng.permutation([0.7, 1.0, 1.3])),
    ]


convergence_factor = Exercise(
    name="momentum.convergence_factor",
    title="How fast does it converge?",
    draw=_draw_factor,
    run=lambda answer, inputs: {"factor": answer(inputs["lr"], inputs["rho"], inputs["curvatures"])},
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    tolerance=1e-6,  # near critical damping two roots meet, and eigenvalue routines lose half of the digits
)

best_rho = Exercise(
    name="momentum.best_rho",
    title="Experiment: which momentum?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"rho": float(answer)},
    parts={"values": 3},
    tolerance=0.005,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (heavy_ball, velocity, look_ahead, nesterov, convergence_factor, best_rho)}
