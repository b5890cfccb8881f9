"""The losses assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _strided(x):
    """The same numbers in an array that is not contiguous."""
    return np.repeat(x, 2, axis=0)[::2]


def _draw_tempered(rng):
    def case(part, batch, classes, note="", dtype=float, c=None):
        scores = 1.5 * signed(rng, (batch, classes))
        targets = rng.permutation(np.arange(batch) % classes)
        c = c or float(rng.choice([rng.uniform(0.4, 0.7), rng.uniform(1.5, 2.5)]))
        return Case(part, {"scores": scores.astype(dtype), "targets": targets, "c": c}, note)

    single = case("edges", 4, 3, "float32", dtype=np.float32)
    single.inputs["targets"] = single.inputs["scores"].argmin(axis=1)  # dc is a difference; here it is not small
    huge = case("edges", 4, 3, "scores of a thousand", c=float(rng.uniform(1.5, 2.5)))
    huge.inputs["scores"][:] = np.array([1000.0, -1000.0, 0.0]) + rng.uniform(-5, 5, size=(4, 3))
    huge.inputs["targets"][:] = [1, 0, 2, 1]  # right ones and wrong ones
    low = case("edges", 3, 4, "an example whose scores are all far below the others'")
    low.inputs["scores"][1] -= 3000
    low.inputs["targets"] = low.inputs["scores"].argmin(axis=1)
    strided = case("edges", 4, 3, "arrays that are not contiguous")
    strided.inputs["scores"] = _strided(strided.inputs["scores"])
    return [
        case("edges", 1, 3, "a single example"),
        case("edges", 4, 2, "two classes"),
        single,
        huge,
        low,
        strided,
        case("values", 4, 3),
        case("values", 5, 4),
    ]


tempered = Exercise(
    name="losses.tempered",
    title="Cross-entropy at a temperature",
    draw=_draw_tempered,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("scores", "targets", "c"))), "loss", "dscores", "dc"
    ),
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
)


def _rows(rng, kinds, classes, margin):
    """Scores and targets: the right score is above the best other one by more than the margin ("safe"), by less ("near"), or below it ("wrong")."""
    rows, targets = [], rng.integers(0, classes, size=len(kinds))
    for kind, right in zip(kinds, targets, strict=True):
        best = float(rng.uniform(-4, -3) if kind == "wrong" else rng.uniform(0.5, 1.5))
        gap = {"safe": margin + 0.7, "near": 0.3 * margin, "wrong": -0.8}[kind] + float(rng.uniform(-0.1, 0.1))
        row = best - rng.uniform(0.05, 0.3, size=classes)
        row[(right + 1 + rng.integers(0, classes - 1)) % classes] = best
        row[right] = best + gap
        rows.append(row)
    return np.array(rows), targets


def _draw_rival(rng):
    def case(part, kinds, classes, note="", dtype=float):
        margin = float(rng.uniform(1.2, 2.0))
        kinds = list(rng.permutation(kinds))
        scores, targets = _rows(rng, kinds, classes, margin)
        return Case(part, {"scores": scores.astype(dtype), "targets": targets, "margin": margin}, note)

    every = ["safe", "near", "wrong", "wrong", "near"]
    tie = case("edges", ["wrong"], 4, "two others with the same score, the best")
    tie.inputs["scores"] = np.array([[2.5, 1.0, 2.5, 0.25], [0.5, 3.0, 1.0, 3.0], [9.0, 0.5, 1.0, 0.25]])
    tie.inputs["targets"] = np.array([1, 0, 0])
    edge = case("edges", ["wrong"], 3, "an example exactly at the margin")
    edge.inputs["scores"] = np.array([[2.0, 0.5, 0.25], [-1.0, 0.5, 0.25]])
    edge.inputs["targets"], edge.inputs["margin"] = np.array([0, 0]), 1.5
    out = case("edges", every, 4, "a class that is ruled out, with the score minus infinity")
    lowest = np.where(np.arange(4) == out.inputs["targets"][:, None], np.inf, out.inputs["scores"]).argmin(axis=1)
    out.inputs["scores"][np.arange(5), lowest] = -np.inf
    strided = case("edges", every, 4, "arrays that are not contiguous")
    strided.inputs["scores"] = _strided(strided.inputs["scores"])
    return [
        case("edges", ["wrong"], 4, "a single example"),
        case("edges", every, 2, "two classes"),
        case("edges", every, 4, "float32", dtype=np.float32),
        tie,
        edge,
        out,
        strided,
        case("values", every, 4),
        case("values", [*every, "safe"], 5),
    ]


rival = Exercise(
    name="losses.rival",
    title="The hinge of the best rival",
    draw=_draw_rival,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("scores", "targets", "margin"))), "loss", "dscores"),
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
)


def _draw_labels(rng):
    def case(part, batch, labels, note="", dtype=float):
        targets = (np.arange(batch * labels) % 3 == 0).astype(float)
        inputs = {"scores": signed(rng, (batch, labels)), "targets": rng.permutation(targets).reshape(batch, labels)}
        weight = float(rng.uniform(2.0, 5.0))
        return Case(part, {name: a.astype(dtype) for name, a in inputs.items()} | {"weight": weight}, note)

    huge, soft = case("edges", 2, 3, "scores of a thousand"), case("edges", 3, 4, "targets between 0 and 1")
    huge.inputs["scores"][:] = np.array([[1000.0, -1000, 500], [-700, 800, -1000]])
    huge.inputs["targets"][:] = np.array([[1.0, 0, 0], [1, 0, 0]])
    soft.inputs["targets"] = rng.uniform(0.2, 0.8, size=(3, 4))
    strided = case("edges", 4, 3, "arrays that are not contiguous")
    strided.inputs["scores"] = _strided(strided.inputs["scores"])
    return [
        case("edges", 1, 4, "a single example"),
        case("edges", 4, 1, "a single label"),
        case("edges", 4, 3, "float32", dtype=np.float32),
        huge,
        soft,
        strided,
        case("values", 4, 3),
        case("values", 5, 4),
    ]


labels_loss = Exercise(
    name="losses.labels_loss",
    title="Labels that are rare",
    draw=_draw_labels,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("scores", "targets", "weight"))), "loss", "dscores"),
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
)


def _tree(rng, classes):
    """A random binary tree as a table of children: a number from 0 on is a node, -1 - k the class k. The root is node 0."""
    parts = [-1 - k for k in rng.permutation(classes).tolist()]
    names = [*rng.permutation(np.arange(1, classes - 1)).tolist(), 0]
    children = np.zeros((classes - 1, 2), dtype=int)
    for node in names:
        a, b = (parts.pop(int(rng.integers(len(parts)))) for _ in range(2))
        children[node] = a, b
        parts.append(node)
    return children


def _draw_tree(rng):
    def case(part, batch, classes, note="", scale=1.0, dtype=float):
        z = scale * signed(rng, (batch, classes - 1))
        return Case(part, {"z": z.astype(dtype), "children": _tree(rng, classes)}, note)

    chain = case("edges", 3, 5, "a tree that is a chain")
    chain.inputs["children"] = np.array([[-1, 1], [-2, 2], [-3, 3], [-4, -5]])
    return [
        case("edges", 3, 2, "two classes"),
        case("edges", 1, 6, "a single example"),
        case("edges", 3, 6, "float32", dtype=np.float32),
        case("edges", 3, 6, "scores of a thousand", scale=1000.0),
        chain,
        case("values", 3, 7),
        case("values", 4, 9),
    ]


tree_logs = Exercise(
    name="losses.tree_logs",
    title="Down a tree",
    legend="children[j] are the two ends of node j; -1 - k is class k",
    draw=_draw_tree,
    run=lambda answer, inputs: {"logs": answer(inputs["z"], inputs["children"])},
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
)


def _draw_huber(rng):
    def case(part, d, note="", scale=1.0, dtype=float):
        """Six rows: three nearer than the threshold, three farther; all entries of some far row are below it."""
        c = float(rng.uniform(1.0, 2.0))
        ways = signed(rng, (6, d))
        ways /= np.sqrt((ways**2).sum(axis=1, keepdims=True))
        lengths = c * np.array([0.3, 0.6, 0.8, 1.2, 2.0, 5.0]) * rng.uniform(0.95, 1.05, size=6)
        apart = ways * rng.permutation(lengths)[:, None] * scale
        targets = signed(rng, (6, d))
        inputs = {"x": (targets + apart).astype(dtype), "targets": targets.astype(dtype)}
        return Case(part, inputs | {"c": c * scale}, note)

    hit = case("edges", 3, "a row that is exactly right")
    hit.inputs["x"][2] = hit.inputs["targets"][2]
    strided = case("edges", 3, "arrays that are not contiguous")
    strided.inputs["x"] = _strided(strided.inputs["x"])
    return [
        case("edges", 1, "a single output"),
        case("edges", 3, "float32", dtype=np.float32),
        hit,
        strided,
        case("values", 2),
        case("values", 4),
    ]


huber_rows = Exercise(
    name="losses.huber_rows",
    title="Huber in the plane",
    draw=_draw_huber,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("x", "targets", "c"))), "loss", "dx"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

BEST = ("squared", "absolute", "weighted", "undone")


def _draw_best(rng):
    def case(part, p, note="", dtype=float, **changes):
        inputs = {"p": np.asarray(p, dtype=dtype), "c": float(rng.uniform(2.5, 6.0))}
        return Case(part, inputs | changes, note)

    return [
        case("edges", [0.0, 1.0], "what never or always happens"),
        case("edges", rng.uniform(0.6, 0.9, size=1), "a single probability"),
        case("edges", [0.2, 0.7, 0.4], "float32", dtype=np.float32),
        case("edges", rng.uniform(0.1, 0.4, size=(2, 2)), "a weight below 1", c=float(rng.uniform(0.2, 0.4))),
        case("values", rng.permutation([*rng.uniform(0.05, 0.45, size=3), *rng.uniform(0.55, 0.95, size=3)])),
        case("values", rng.permutation([*rng.uniform(0.05, 0.45, size=2), *rng.uniform(0.55, 0.95, size=2)])),
    ]


best_predictions = Exercise(
    name="losses.best_predictions",
    title="What each loss asks for",
    draw=_draw_best,
    run=lambda answer, inputs: unpack(answer(inputs["p"], inputs["c"]), *BEST),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

start_loss = Exercise(
    name="losses.start_loss",
    title="Experiment: the loss at the start",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"loss": float(answer)},
    parts={"values": 3},
    tolerance=0.06,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (tempered, rival, labels_loss, tree_logs, huber_rows, best_predictions, start_loss)}
