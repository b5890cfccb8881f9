"""The gradient descent assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, UnusableError, signed, unpack


def _draw_epoch(rng):
    def case(part, n, d, batch, note="", dtype=float, **changes):
        theta = signed(rng, d)
        x = signed(rng, (n, d))
        # no residual is near 0, and all have one sign: the pull of each example shows
        targets = x @ theta + rng.uniform(1.0, 3.0, size=n)
        order = np.roll(rng.permutation(n), 1)
        arrays = {"theta": theta, "x": x, "targets": targets}
        inputs = {name: a.astype(dtype) for name, a in arrays.items()}
        inputs |= {"order": order, "batch": batch, "lr": float(rng.uniform(0.05, 0.2))} | changes
        return Case(part, inputs, note)

    return [
        case("edges", 6, 2, 3, "no batch is short"),
        case("edges", 5, 3, 8, "a batch larger than the data"),
        case("edges", 5, 2, 1, "one example a step"),
        case("edges", 7, 1, 3, "a single parameter"),
        case("edges", 9, 3, 4, "float32", dtype=np.float32),
        case("edges", 8, 2, 3, "a rate of 0", lr=0.0),
        case("values", 7, 2, 3),  # the last batch has one example
        case("values", 11, 3, 4),  # and here three of four
    ]


def _run_epoch(answer, inputs):
    return unpack(answer(*(inputs[n] for n in ("theta", "x", "targets", "order", "batch", "lr"))), "theta", "loss")


one_epoch = Exercise(
    name="gradient_descent.one_epoch",
    title="One epoch",
    draw=_draw_epoch,
    run=_run_epoch,
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_inputs(rng):
    def case(part, n, d, note="", scale=1.0, dtype=float, **changes):
        # means away from 0, unequal spreads: neither the intercept nor one feature alone decides
        x = signed(rng, (n, d)) * rng.uniform(0.5, 1.5, size=d) + signed(rng, d)
        decay = {"weight_decay": float(rng.uniform(0.5, 2.0))} | changes
        return Case(part, {"x": (scale * x).astype(dtype)} | decay, note)

    return [
        case("edges", 6, 1, "a single feature"),
        case("edges", 1, 3, "a single example"),
        case("edges", 3, 5, "fewer examples than parameters"),
        case("edges", 8, 3, "large values", scale=1e4),
        case("edges", 8, 2, "float32", dtype=np.float32),
        case("edges", 5, 2, "inputs that are all 0", scale=0.0),
        case("edges", 7, 2, "no penalty", weight_decay=0.0),
        case("values", 9, 3),
        case("values", 14, 2),
        case("values", 12, 4),
    ]


largest_rate = Exercise(
    name="gradient_descent.largest_rate",
    title="The largest stable rate",
    draw=_draw_inputs,
    run=lambda answer, inputs: {"rate": answer(inputs["x"], inputs["weight_decay"])},
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    tolerance=1e-8,
)


def _draw_gradients(rng):
    def case(part, n, d, batch, note="", scale=1.0, dtype=float):
        return Case(part, {"gradients": (scale * signed(rng, (n, d))).astype(dtype), "batch": batch}, note)

    return [
        case("edges", 1, 3, 1, "a single example in all"),
        case("edges", 6, 2, 1, "a batch of one"),
        case("edges", 5, 3, 5, "a batch of all examples"),
        case("edges", 8, 1, 3, "a single parameter"),
        case("edges", 7, 3, 2, "float32", dtype=np.float32),
        case("edges", 7, 3, 4, "tiny values", scale=1e-12),
        case("values", 8, 3, 3),
        case("values", 12, 2, 5),
    ]


standard_errors = Exercise(
    name="gradient_descent.standard_errors",
    title="With and without replacement",
    draw=_draw_gradients,
    run=lambda answer, inputs: unpack(answer(inputs["gradients"], inputs["batch"]), "with_replacement", "without"),
    parts={"values": 1.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_importance(rng):
    def case(part, n, d, draws, note="", dtype=float, equal=False, idle=False):
        gradients, chances = signed(rng, (n, d)), np.ones(n) if equal else rng.uniform(0.3, 2.0, size=n)
        if idle:
            gradients[n // 2], chances[n // 2] = 0, 0
        chances = chances / chances.sum()
        drawn = rng.choice(n, size=draws, p=chances)
        drawn[: draws // 2] = drawn[-1]  # one comes more than once
        return Case(
            part, {"gradients": gradients.astype(dtype), "chances": chances.astype(dtype), "drawn": drawn}, note
        )

    return [
        case("edges", 6, 2, 4, "equal chances", equal=True),
        case("edges", 5, 3, 1, "a single draw"),
        case("edges", 6, 1, 4, "a single parameter"),
        case("edges", 7, 2, 5, "an example without a gradient that is never drawn", idle=True),
        case("edges", 6, 3, 4, "float32", dtype=np.float32),
        case("values", 6, 2, 4),
        case("values", 9, 3, 5),
    ]


importance = Exercise(
    name="gradient_descent.importance",
    title="Hard examples, fairly",
    draw=_draw_importance,
    run=lambda answer, inputs: unpack(
        answer(inputs["gradients"], inputs["chances"], inputs["drawn"]), "estimate", "variance"
    ),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_classes(rng):
    def case(part, shares, batches, note="", names=None):
        names = np.arange(len(shares)) if names is None else names
        return Case(
            part,
            {
                "classes": rng.permutation(np.repeat(names, np.array(shares) * batches)),
                "batch": int(sum(shares)),
            },
            note,
        )

    few, many = (int(k) for k in rng.permutation([6, 7, 8, 9])[:2])
    return [
        case("edges", [4], 3, "a single class"),
        case("edges", [2, 1, 3], 1, "a single batch"),
        case("edges", [1, 1, 1], 4, "one example of each class in a batch"),
        case("edges", [3, 1], 4, "class numbers with gaps", names=np.array([2, 7])),
        case("edges", [1], 5, "batches of one"),
        case("values", rng.permutation([2, 4, 6]), few),
        case("values", rng.permutation([2, 2, 4, 8]), many, names=rng.permutation([1, 3, 4, 9])),
    ]


def _run_classes(answer, inputs):
    """How many examples of each class a batch has; one that has already been used does not count again."""
    classes, batch = inputs["classes"], inputs["batch"]
    given = classes.copy()  # whatever the answer does to its argument
    rows = np.asarray(answer(classes, batch))
    if rows.shape != (len(given) // batch, batch) or rows.dtype.kind not in "iu":
        raise UnusableError(
            f"the batches must be whole numbers of the shape {(len(given) // batch, batch)}, got {rows.dtype} of the shape {rows.shape}"
        )
    if rows.min() < 0 or rows.max() >= len(given):
        raise UnusableError(f"an index must be from 0 to {len(given) - 1}, got {rows.min()} to {rows.max()}")
    fresh = np.zeros(rows.size, bool)
    fresh[np.unique(rows, return_index=True)[1]] = True
    fresh = fresh.reshape(rows.shape)
    names = np.unique(given)
    return {"counts": ((given[rows][:, :, None] == names) & fresh[:, :, None]).sum(axis=1).astype(float)}


diverse_batches = Exercise(
    name="gradient_descent.diverse_batches",
    title="Diverse batches",
    legend="counts has a row for each batch: how many different examples of each class it holds",
    draw=_draw_classes,
    run=_run_classes,
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)

critical_batch = Exercise(
    name="gradient_descent.critical_batch",
    title="Experiment: where a larger batch stops paying",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"batch": float(answer)},
    parts={"values": 3},
    tolerance=0.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (one_epoch, largest_rate, standard_errors, importance, diverse_batches, critical_batch)}
