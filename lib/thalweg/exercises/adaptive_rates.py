"""The adaptive_rates assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _draw_rprop(rng):
    """Every case has signs that stay, of both kinds, signs that change, and products that are 0 on either side."""

    def case(part, d=6, note="", dtype=float, scale=1.0, shape=None, **changes):
        last = np.array([1.0, -1.0, 1.0, -1.0, 0.0, 1.0])
        grad = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 0.0])
        arrays = {
            "theta": signed(rng, 6),
            "grad": scale * grad * rng.uniform(0.3, 2.0, size=6),
            "rate": rng.uniform(0.2, 0.28, size=6),
            "last": scale * last * rng.uniform(0.3, 2.0, size=6),
        }
        pick = rng.permutation(6) if d == 6 else np.array([2])
        inputs = {name: a[pick].astype(dtype).reshape(shape or d) for name, a in arrays.items()}
        numbers = {"down": float(rng.uniform(0.3, 0.7)), "up": float(rng.uniform(1.1, 1.6))}
        bounds = {"smallest": float(rng.uniform(0.01, 0.04)), "largest": float(rng.uniform(2, 5))}
        return Case(part, inputs | numbers | bounds | changes, note)

    grads = signed(rng, (7, 2))
    grads[:, 0] = np.abs(grads[:, 0]) * [1, 1, 1, -1, -1, -1, 1]
    grads[:, 1] = np.abs(grads[:, 1]) * [-1, 1, 1, 1, 0, 1, 1]
    run = {"theta": signed(rng, 2), "grads": grads, "rate": rng.uniform(0.1, 0.9, size=2), "down": 0.5, "up": 1.2}
    return [
        case("edges", 1, "one parameter whose gradient has changed its sign"),
        case("edges", note="bounds that are reached", smallest=0.15, largest=0.29, up=1.5, down=0.2),
        case("edges", note="float32", dtype=np.float32),
        case("edges", note="a matrix of parameters", shape=(2, 3)),
        case("edges", note="tiny gradients", scale=1e-200),
        Case("steps", run | {"smallest": 0.01, "largest": 5.0}),
        case("values"),
        case("values"),
    ]


def _run_rprop(answer, inputs):
    """One step, or as many as there are ``grads``, each fed with what the one before returned."""
    numbers = [inputs[name] for name in ("down", "up", "smallest", "largest")]
    names = ("theta", "rate", "last")
    if "grads" not in inputs:
        arrays = (inputs[name] for name in ("theta", "grad", "rate", "last"))
        return unpack(answer(*arrays, *numbers), *names)
    theta, rate, path = inputs["theta"], inputs["rate"], []
    last = np.zeros_like(theta)
    for grad in inputs["grads"]:
        theta, rate, last = unpack(answer(theta, grad, rate, last, *numbers), *names).values()
        path.append(np.copy(theta))
    return {"theta": np.array(path), "rate": rate, "last": last}


rprop_step = Exercise(
    name="adaptive_rates.rprop_step",
    title="One step of Rprop",
    draw=_draw_rprop,
    run=_run_rprop,
    parts={"values": 1.5, "steps": 0.5, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_rows(rng):
    def case(part, n, d, rows, note="", dtype=float, **changes):
        rows = np.array(rows, dtype=int)
        grads = signed(rng, (len(rows), d))
        for row in np.unique(rows):  # gradients of one row have one sign: their sum is none of them, and not near 0
            grads[rows == row] = np.abs(grads[rows == row]) * np.where(rng.random(d) < 0.5, -1, 1)
        arrays = {"table": signed(rng, (n, d)), "s": rng.uniform(0.5, 2.0, size=(n, d)), "grads": grads}
        inputs = {name: a.astype(dtype) for name, a in arrays.items()} | {"rows": rows}
        numbers = {"lr": float(rng.uniform(0.1, 0.5)), "eps": float(rng.uniform(0.1, 0.3))}
        return Case(part, inputs | numbers | changes, note)

    fresh = case("edges", 5, 2, [3, 1, 3], "rows that were never seen, and eps = 0", eps=0.0)
    fresh.inputs["s"][[0, 2, 4]] = 0
    return [
        case("edges", 4, 3, [2, 0], "no row twice"),
        case("edges", 3, 2, [1], "a single gradient"),
        case("edges", 1, 3, [0, 0], "a table of one row"),
        case("edges", 5, 2, [4, 1, 4, 4], "float32", dtype=np.float32),
        fresh,
        case("values", 6, 3, [5, 2, 5, 0, 2, 5]),
        case("values", 5, 2, [1, 1, 4, 1]),
    ]


adagrad_rows = Exercise(
    name="adaptive_rates.adagrad_rows",
    title="AdaGrad for rare rows",
    draw=_draw_rows,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("table", "s", "rows", "grads", "lr", "eps"))), "table", "s"
    ),
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)


def _draw_average(rng, *names):
    """Inputs of one step of RMSProp or AdaDelta; ``names`` are its averages of squares."""

    def case(part, shape, note="", scale=1.0, dtype=float, **changes):
        theta, grad = signed(rng, shape), scale * signed(rng, shape)
        averages = {name: scale**2 * rng.uniform(0.5, 2.0, size=shape) for name in names}
        averages |= {"nu": rng.uniform(0.5, 2.0, size=shape)} if "nu" in names else {}
        arrays = {"theta": theta, "grad": grad} | averages
        numbers = {
            "lr": float(rng.uniform(0.1, 0.6)),
            "beta2": float(rng.uniform(0.6, 0.85)),
            "eps": float(rng.uniform(0.1, 0.3)),  # far too large for training, so that its place can be seen
        }
        inputs = {name: a.astype(dtype) for name, a in arrays.items()} | numbers | changes
        return Case(part, inputs, note)

    still = case("edges", 3, "a zero gradient")
    still.inputs["grad"][1] = 0
    first = case("edges", 3, "the first step", **{name: np.zeros(3) for name in names})
    return [
        first,
        still,
        case("edges", 1, "one dimension"),
        case("edges", (2, 3), "a matrix of parameters"),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 4),
    ]


rmsprop_step = Exercise(
    name="adaptive_rates.rmsprop_step",
    title="Three faults in RMSProp",
    draw=lambda rng: _draw_average(rng, "s"),
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("theta", "grad", "s", "lr", "beta2", "eps"))), "theta", "s"
    ),
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
    shares={"theta": 2},
)

adadelta_step = Exercise(
    name="adaptive_rates.adadelta_step",
    title="One step of AdaDelta",
    draw=lambda rng: _draw_average(rng, "s", "nu"),
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("theta", "grad", "s", "nu", "lr", "beta2", "eps"))), "theta", "s", "nu"
    ),
    parts={"values": 1.75, "edges": 0.5, "form": 0.25, "untouched": 0.5},
    shares={"theta": 2},
)

PATHS = ("gd_lr", "rmsprop_lr", "rmsprop_eps", "above", "below")


def _draw_units(rng):
    def case(part, unit, note="", **changes):
        numbers = {"lr": float(rng.uniform(0.1, 0.9)), "eps": float(rng.uniform(1e-6, 1e-4))}
        inputs = {"unit": np.asarray(unit, dtype=float)} | numbers | {"k": float(rng.uniform(3, 9))}
        return Case(part, inputs | changes, note)

    return [
        case("edges", [1.0, 1.0], "nothing changes", k=1.0),
        case("edges", rng.uniform(0.1, 0.5, size=1), "one parameter"),
        case("edges", rng.uniform(2, 9, size=3), "larger units, a smaller loss", k=float(rng.uniform(0.1, 0.5))),
        case("values", rng.uniform(0.01, 0.09, size=3)),
        case("values", rng.uniform(0.01, 0.09, size=2)),
    ]


same_path = Exercise(
    name="adaptive_rates.same_path",
    title="The same path in other units",
    draw=_draw_units,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("lr", "eps", "unit", "k"))), *PATHS),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_at_once(rng):
    def case(part, d, note="", dtype=float, **changes):
        beta2 = changes.pop("beta2", float(rng.uniform(0.6, 0.85)))
        grad = signed(rng, d)
        s = (1 - beta2) * grad**2 + rng.uniform(0.3, 0.9, size=d)  # it has taken in the gradient
        inputs = {"grad": grad.astype(dtype), "s": s.astype(dtype), "nu": rng.uniform(0.5, 2.0, size=d).astype(dtype)}
        return Case(part, inputs | {"beta2": beta2, "eps": float(rng.uniform(0.1, 0.3))} | changes, note)

    still = case("edges", 3, "a zero gradient")
    still.inputs["grad"][1] = 0
    return [
        still,
        case("edges", 1, "one parameter"),
        case("edges", 3, "no step taken yet", nu=np.zeros(3)),
        case("edges", 4, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 4),
    ]


adadelta_at_once = Exercise(
    name="adaptive_rates.adadelta_at_once",
    title="AdaDelta without its delay",
    draw=_draw_at_once,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("grad", "s", "nu", "beta2", "eps"))), "delta", "nu"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

balance = Exercise(
    name="adaptive_rates.balance",
    title="Experiment: when Rprop's steps shrink",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"share": float(answer)},
    parts={"values": 3},
    tolerance=0.005,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e for e in (rprop_step, adagrad_rows, rmsprop_step, adadelta_step, same_path, adadelta_at_once, balance)
}
