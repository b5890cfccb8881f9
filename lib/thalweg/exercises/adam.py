"""The adam assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, run_of_gradients, signed, unpack

GAPS = (
    (0, 0),
    (3, 0),
    (2, 1),
    (7, 1),
    (1, 2),
    (3, 2),
    (4, 2),
)  # what is missing, (row, column): early, late, two in a row


def _draw_average(rng):
    def case(part, steps, d, note="", gaps=(), beta=None, scale=1.0, dtype=float):
        values = (scale * signed(rng, (steps, d))).astype(dtype)
        for row, column in gaps:
            values[row, column] = np.nan
        return Case(part, {"values": values, "beta": float(rng.uniform(0.6, 0.9)) if beta is None else beta}, note)

    return [
        case("edges", 1, 3, "a single value"),
        case("edges", 5, 3, "no gaps"),
        case("edges", 5, 3, "a column that was never seen", gaps=[(row, 1) for row in range(5)]),
        case("edges", 5, 2, "a row of gaps", gaps=[(2, 0), (2, 1)]),
        case("edges", 8, 3, "beta = 0", gaps=GAPS, beta=0.0),
        case("edges", 8, 3, "float32", gaps=GAPS, dtype=np.float32),
        case("edges", 8, 3, "tiny values", gaps=GAPS, scale=1e-12),
        case("values", 8, 3, gaps=GAPS),
        case("values", 9, 3, gaps=GAPS),
    ]


corrected_average = Exercise(
    name="adam.corrected_average",
    title="A running average with values missing",
    draw=_draw_average,
    run=lambda answer, inputs: {"average": answer(inputs["values"], inputs["beta"])},
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
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
    """Inputs of one step of a method, and of whole runs from rest: for adam_step and adamw_step."""

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
    parts={"values": 1.5, "steps": 0.5, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    shares={"theta": 3},  # the averages are the easy part
)


def _draw_restart(rng):
    def case(part, j, k, note="", **changes):
        beta1, beta2 = float(rng.uniform(0.7, 0.9)), float(rng.uniform(0.97, 0.995))
        return Case(part, {"j": np.asarray(j), "k": k, "beta1": beta1, "beta2": beta2} | changes, note)

    return [
        case("edges", [1], int(rng.integers(5, 30)), "the first step alone"),
        case("edges", [1, 2, 7], 0, "k = 0"),
        case("edges", [1, 2, 3], int(rng.integers(5, 30)), "beta1 = 0", beta1=0.0),
        case("edges", [1, 20], 50_000, "a restart after a long run"),
        case("values", [1, 2, 5, 12], int(rng.integers(4, 15))),
        case("values", 1 + rng.permutation(20), int(rng.integers(15, 40))),
    ]


after_restart = Exercise(
    name="adam.after_restart",
    title="After a restart",
    draw=_draw_restart,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("j", "k", "beta1", "beta2"))), "averages_lost", "count_lost"
    ),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

adamw_step = Exercise(
    name="adam.adamw_step",
    title="Three faults in AdamW",
    draw=lambda rng: _draw_step(rng, weight_decay=float(rng.uniform(0.2, 0.8))),
    run=lambda answer, inputs: _run_step(answer, inputs, ("lr", "beta1", "beta2", "eps", "weight_decay")),
    parts={"values": 2, "steps": 0.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    shares={"theta": 3},  # the averages are the easy part
)


def _draw_size(rng):
    """Old and new sizes of which now one, now the other is the larger term, and gradients of both signs."""

    def case(part, q, note="", scale=1.0, dtype=float):
        s = scale * rng.uniform(1.0, 2.0, size=4)
        grad = s * rng.uniform(0.9, 1.1, size=4) * np.array([-1.6, 0.4, 1.6, -0.4])
        inputs = {"s": s.astype(dtype), "grad": grad.astype(dtype), "beta2": float(rng.uniform(0.7, 0.85)), "q": q}
        return Case(part, inputs, note)

    still = case("edges", 3, "no gradient yet")
    still.inputs["s"][1] = still.inputs["grad"][1] = 0
    return [
        still,
        case("edges", 1, "q = 1"),
        case("edges", 10_000, "a very large q"),
        case("edges", 100, "tiny sizes", scale=1e-12),
        case("edges", 100, "huge sizes", scale=1e12),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 2),
        case("values", 3),
        case("values", 4.5),
    ]


size_after = Exercise(
    name="adam.size_after",
    title="Size by any power",
    draw=_draw_size,
    run=lambda answer, inputs: {"size": answer(*(inputs[n] for n in ("s", "grad", "beta2", "q")))},
    # the formula is printed: what is asked is to make it stable
    parts={"values": 1, "edges": 2.5, "form": 0.25, "untouched": 0.25},
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

EXERCISES = {e.name: e for e in (corrected_average, adam_step, after_restart, adamw_step, size_after, turned)}
