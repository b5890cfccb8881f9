"""The adam assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, run_of_gradients, signed, unpack


def _draw_average(rng):
    def case(part, steps, d, note="", beta=None, scale=1.0, dtype=float):
        values = (scale * signed(rng, (steps, d))).astype(dtype)
        return Case(part, {"values": values, "beta": float(rng.uniform(0.6, 0.95)) if beta is None else beta}, note)

    return [
        case("edges", 1, 3, "a single value"),
        case("edges", 4, 3, "beta = 0", beta=0.0),
        case("edges", 5, 1, "one dimension"),
        case("edges", 5, 3, "float32", dtype=np.float32),
        case("edges", 5, 3, "tiny values", scale=1e-12),
        case("edges", 400, 2, "a long history", beta=float(rng.uniform(0.6, 0.9))),
        case("values", 5, 3),
        case("values", 8, 2),
    ]


corrected_average = Exercise(
    name="adam.corrected_average",
    title="A running average without bias",
    draw=_draw_average,
    run=lambda answer, inputs: {"average": answer(inputs["values"], inputs["beta"])},
    parts={"values": 1.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _rates(rng):
    return {
        "lr": float(rng.uniform(0.05, 0.4)),
        "beta1": float(rng.uniform(0.6, 0.95)),
        "beta2": float(rng.uniform(0.6, 0.95)),
        "eps": float(rng.uniform(0.02, 0.2)),  # far too large for training, so that its place can be seen
    }


def _state(rng, shape, scale=1.0, dtype=float, t=None):
    theta, grad, m = (scale * signed(rng, shape) for _ in range(3))
    s = scale**2 * rng.uniform(0.5, 2.0, size=shape)
    arrays = {"theta": theta, "grad": grad, "m": m, "s": s}
    t = int(rng.integers(3, 8)) if t is None else t
    return {name: array.astype(dtype) for name, array in arrays.items()} | {"t": t}


def _draw_step(rng, **extra):
    """Inputs of one step of a method, and of whole runs from rest: for adam_step, adamw_step and adamax_step."""

    def case(part, shape, note="", **changes):
        special = {name: changes.pop(name) for name in ("scale", "dtype", "t") if name in changes}
        return Case(part, _state(rng, shape, **special) | _rates(rng) | extra | changes, note)

    still = case("edges", 3, "a zero gradient")
    still.inputs["grad"][:] = 0
    first = case("edges", 3, "the first step", t=1, m=np.zeros(3), s=np.zeros(3))
    strided = case("edges", 4, "arrays that are not contiguous")
    for name in ("theta", "grad", "m", "s"):
        strided.inputs[name] = np.repeat(strided.inputs[name], 2)[::2]
    run = {"theta": signed(rng, 2), "grads": run_of_gradients(rng)} | _rates(rng) | extra
    return [
        first,
        still,
        case("edges", 1, "one dimension"),
        case("edges", 3, "beta1 = 0", beta1=0.0),
        case("edges", 3, "float32", dtype=np.float32),
        case("edges", 3, "large values", scale=1e6),
        strided,
        case("edges", (2, 3), "a matrix of parameters"),
        Case("steps", run),
        case("values", 3),
        case("values", 4),
    ]


def _run_step(answer, inputs, names):
    """One step, or as many as there are ``grads``, each fed with what the one before returned."""
    rates = [inputs[name] for name in names]
    if "grads" not in inputs:
        state = (inputs[name] for name in ("theta", "grad", "m", "s", "t"))
        return unpack(answer(*state, *rates), "theta", "m", "s")
    theta = inputs["theta"]
    m, s, path = np.zeros_like(theta), np.zeros_like(theta), []
    for t, grad in enumerate(inputs["grads"], start=1):
        theta, m, s = unpack(answer(theta, grad, m, s, t, *rates), "theta", "m", "s").values()
        path.append(np.copy(theta))
    return {"theta": np.array(path), "m": m, "s": s}


adam_step = Exercise(
    name="adam.adam_step",
    title="One step of Adam",
    draw=_draw_step,
    run=lambda answer, inputs: _run_step(answer, inputs, ("lr", "beta1", "beta2", "eps")),
    parts={"values": 3, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    shares={"theta": 3},  # the averages are the easy part
)


def _draw_factor(rng):
    def case(part, t, note="", **changes):
        beta1, beta2 = float(rng.uniform(0.7, 0.95)), float(rng.uniform(0.97, 0.999))
        return Case(part, {"t": np.asarray(t), "beta1": beta1, "beta2": beta2} | changes, note)

    return [
        case("edges", [1], "the first step alone"),
        case("edges", [1, 2, 3], "beta1 = 0", beta1=0.0),
        # late, but not so late that the second average's bias is gone
        case("edges", [2000, 50_000], "steps late in training", beta2=float(rng.uniform(0.9985, 0.9995))),
        case("values", [1, 2, 5, 10, 40]),
        case("values", 1 + rng.permutation(30)),
    ]


too_long = Exercise(
    name="adam.too_long",
    title="How much too long are the first steps?",
    draw=_draw_factor,
    run=lambda answer, inputs: {"factor": answer(inputs["t"], inputs["beta1"], inputs["beta2"])},
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

adamw_step = Exercise(
    name="adam.adamw_step",
    title="One step of AdamW",
    draw=lambda rng: _draw_step(rng, weight_decay=float(rng.uniform(0.2, 0.8))),
    run=lambda answer, inputs: _run_step(answer, inputs, ("lr", "beta1", "beta2", "eps", "weight_decay")),
    parts={"values": 2, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    shares={"theta": 3},  # the averages are the easy part
)


def _draw_adamax(rng):
    """Gradients that decide the maximum, of both signs, and one that does not. (A single one does, and is negative.)"""
    cases = _draw_step(rng)
    for case in cases:
        inputs = case.inputs
        del inputs["eps"]
        if "grads" in inputs:
            sizes = np.array([2.0, 0.5, 0.4, 2.5, 0.5, 0.4])[:, None] * rng.uniform(0.9, 1.1, size=(6, 2))
            signs = np.abs(inputs["grads"]) / inputs["grads"]
            signs[[0, 3]] = [-1, 1]
            inputs["grads"] = sizes * signs
        elif case.note not in ("a zero gradient", "the first step"):
            sizes = inputs["s"].reshape(-1) * rng.uniform(1.5, 2.5, size=inputs["s"].size)
            sizes *= np.resize([-1, 1, 0.1, -0.1], sizes.size)
            inputs["grad"][:] = sizes.reshape(inputs["grad"].shape)
    return cases


adamax_step = Exercise(
    name="adam.adamax_step",
    title="One step of AdaMax",
    draw=_draw_adamax,
    run=lambda answer, inputs: _run_step(answer, inputs, ("lr", "beta1", "beta2")),
    parts={"values": 1.5, "steps": 0.5, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    shares={"theta": 3},  # the averages are the easy part
)

turned = Exercise(
    name="adam.turned",
    title="Experiment: does it matter how the valley lies?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"ratio": float(answer)},
    parts={"values": 3},
    tolerance=0.1,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (corrected_average, adam_step, too_long, adamw_step, adamax_step, turned)}
