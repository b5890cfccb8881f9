"""The preprocessing assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, UnusableError, signed, unpack


def cloud(rng, n, spreads, mean):
    """``n`` examples with exactly these deviations along random directions, and exactly this mean; ``n`` is above the number of spreads."""
    d = len(mean)
    ones = np.ones((n, 1))
    basis, _ = np.linalg.qr(np.column_stack([ones, signed(rng, (n, len(spreads)))]))
    turn, _ = np.linalg.qr(signed(rng, (d, d)))
    return np.sqrt(n) * basis[:, 1:] * spreads @ turn[: len(spreads)] + mean


def _draw_standardize(rng):
    def case(part, n, d, note="", tests=3, dtype=float, constant=None):
        mean = 2 * signed(rng, d)
        train = signed(rng, (n, d)) * np.linspace(0.6, 1.8, d) + mean
        test = signed(rng, (tests, d)) * 1.5 + mean + 1
        if constant is not None:
            train[:, 0], test[:, 0] = constant, constant + 1 + rng.random()
        return Case(part, {"train": train.astype(dtype), "test": test.astype(dtype)}, note)

    return [
        case("edges", 6, 3, "a feature that is constant in the training set", constant=2.0),
        case("edges", 10, 3, "a constant feature whose mean is rounded", constant=0.1 + 0.2),
        case("edges", 5, 2, "a single test example", tests=1),
        case("edges", 6, 1, "a single feature"),
        case("edges", 6, 3, "float32", dtype=np.float32),
        case("values", 7, 3, tests=4),
        case("values", 5, 4, tests=6),
    ]


standardize = Exercise(
    name="preprocessing.standardize",
    title="Standardize by the training set",
    draw=_draw_standardize,
    run=lambda answer, inputs: unpack(answer(inputs["train"], inputs["test"]), "train", "test"),
    parts={"values": 1.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    tolerance=1e-7,  # so that 1e-8 added to a deviation is no mistake where there is a deviation
)


def _draw_weights(rng):
    def case(part, outputs, channels, window=(), note="", dtype=float, **changes):
        arrays = {
            "W": signed(rng, (outputs, channels, *window)) + 0.2,
            "b": signed(rng, outputs),
            "mean": np.abs(signed(rng, channels)) * (1 + np.arange(channels)) / channels,
            "std": rng.uniform(0.2, 0.6, size=channels) * np.linspace(0.7, 3, channels),
        }
        return Case(part, {name: np.asarray(a, dtype) for name, a in (arrays | changes).items()}, note)

    return [
        case("edges", 4, 1, (3, 3), "grey images: one channel"),
        case("edges", 1, 3, (), "a single output"),
        case("edges", 2, 3, (1, 1), "windows of a single pixel"),
        case("edges", 3, 2, (), "inputs that were standardized already", mean=np.zeros(2), std=np.ones(2)),
        case("edges", 2, 3, (2, 2), "float32", dtype=np.float32),
        case("values", 3, 3),
        case("values", 3, 3, (3, 3)),
    ]


into_weights = Exercise(
    name="preprocessing.into_weights",
    title="Hand the layer raw inputs",
    draw=_draw_weights,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("W", "b", "mean", "std"))), "W", "b"),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_pca(rng):
    def case(part, n, d, k, note="", tests=3, rank=None, dtype=float):
        spreads = np.geomspace(2.5, 0.4, rank or d) * rng.uniform(0.95, 1.05, size=rank or d)
        mean = 2 * signed(rng, d)
        train = rng.permutation(cloud(rng, n, spreads, mean))
        test = signed(rng, (tests, d)) + mean + 0.5
        return Case(part, {"train": train.astype(dtype), "test": test.astype(dtype), "k": k}, note)

    return [
        case("edges", 9, 3, 1, "a single direction"),
        case("edges", 9, 3, 3, "all directions"),
        case("edges", 5, 7, 2, "fewer examples than inputs", rank=4),
        case("edges", 9, 3, 2, "a single test example", tests=1),
        case("edges", 9, 3, 2, "float32", dtype=np.float32),
        case("values", 9, 4, 2, tests=4),
        case("values", 8, 5, 3, tests=6),
    ]


def _run_pca(answer, inputs):
    """The signs of directions are free, so the sizes of the coordinates are compared."""
    found = unpack(answer(inputs["train"], inputs["test"], inputs["k"]), "white", "restored")
    white = np.asarray(found["white"])
    shape = (len(inputs["test"]), inputs["k"])
    if white.shape != shape or white.dtype.kind not in "iuf":
        raise UnusableError(
            f"white must hold numbers and have the shape {shape}, got {white.dtype} of the shape {white.shape}"
        )
    return {"size": abs(white), "restored": found["restored"]}


pca_whiten = Exercise(
    name="preprocessing.pca_whiten",
    title="Whiten, and back again",
    legend="size is |white|, since the signs of directions are free",
    draw=_draw_pca,
    run=_run_pca,
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-8,
)


def _draw_zca(rng):
    def case(part, d, note="", dtype=float, spreads=None, turned=True, **changes):
        spreads = np.geomspace(0.5, 2.5, d) * rng.uniform(0.95, 1.05) if spreads is None else spreads
        turn = np.linalg.qr(signed(rng, (d, d)) + 0.5 * np.eye(d))[0] if turned else np.eye(d)
        cov = (turn * spreads**2) @ turn.T
        numbers = {"eps": float(rng.uniform(0.2, 0.5))} | changes
        return Case(part, {"cov": ((cov + cov.T) / 2).astype(dtype)} | numbers, note)

    return [
        case("edges", 1, "a single input"),
        case("edges", 3, "uncorrelated inputs", turned=False),
        case("edges", 3, "a direction without variance", spreads=np.array([0.0, 0.8, 1.7])),
        case("edges", 3, "eps = 0", eps=0.0),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 4),
    ]


zca = Exercise(
    name="preprocessing.zca",
    title="White, and still an image",
    draw=_draw_zca,
    run=lambda answer, inputs: unpack(answer(inputs["cov"], inputs["eps"]), "there", "back"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    tolerance=1e-8,
)


def _draw_take_in(rng):
    def case(part, n, d, note="", dtype=float, **changes):
        x, mean = signed(rng, d) * 2, signed(rng, d)
        x = np.where(abs(x - mean) < 0.3, x + 1, x)  # the newcomer is somewhere else
        scatter = n * (np.eye(d) - 0.3 * (np.eye(d, k=1) + np.eye(d, k=-1))) * rng.uniform(0.5, 1.5)
        arrays = {"mean": mean.astype(dtype), "scatter": scatter.astype(dtype), "x": x.astype(dtype)}
        return Case(part, {"n": n} | arrays | changes, note)

    nothing = {"mean": np.zeros(3), "scatter": np.zeros((3, 3))}
    far = signed(rng, (12, 1)) * [1.0, -1.5] + 0.4 * signed(rng, (12, 2)) + rng.uniform(1e6, 3e6, size=2) * [1, -1]
    stream = {"n": 0, "mean": np.zeros(2), "scatter": np.zeros((2, 2)), "xs": far}
    return [
        case("edges", 0, 3, "the first example", **nothing),
        case("edges", 1, 2, "the second example", scatter=np.zeros((2, 2))),
        case("edges", 5, 1, "a single input"),
        case("edges", 4, 3, "float32", dtype=np.float32),
        Case("stream", stream, "a stream of data far from 0"),
        case("values", 6, 2),
        case("values", 9, 3),
    ]


def _run_take_in(answer, inputs):
    """One example, or all of ``xs`` one after the other, each upon what came back for the one before."""
    n, mean, scatter = inputs["n"], inputs["mean"], inputs["scatter"]
    for count, x in enumerate(inputs.get("xs", [inputs.get("x")]), start=n):
        mean, scatter = unpack(answer(count, mean, scatter, x), "mean", "scatter").values()
    return {"mean": mean, "scatter": scatter}


take_in = Exercise(
    name="preprocessing.take_in",
    title="One example at a time",
    legend="xs is a stream of examples that arrive one after the other",
    draw=_draw_take_in,
    run=_run_take_in,
    parts={"values": 2, "stream": 1, "edges": 0.4, "form": 0.4, "untouched": 0.2},  # a quarter of each has two decimals
    shares={"scatter": 3},
    tolerance=1e-8,
)


def _draw_steps(rng):
    def case(part, n, d, note="", dtype=float, scale=None, **changes):
        spreads = np.geomspace(1.6, 0.5, d) * rng.uniform(0.9, 1.1, size=d)
        x = cloud(rng, n, spreads, signed(rng, d) * 0.8)
        x = x if scale is None else np.column_stack([x, scale(x)])
        inputs = {"x": x.astype(dtype), "share": float(rng.uniform(0.01, 0.2))}
        return Case(part, inputs | changes, note)

    return [
        case("edges", 6, 1, "a single feature"),
        case("edges", 7, 2, "a feature that is always 0", scale=lambda x: 0 * x[:, 0]),
        case("edges", 7, 2, "one feature twice", scale=lambda x: x[:, 0]),
        case("edges", 7, 2, "float32", dtype=np.float32),
        case("values", 8, 2),
        case("values", 9, 3),
    ]


steps_needed = Exercise(
    name="preprocessing.steps_needed",
    title="From inputs to steps",
    draw=_draw_steps,
    run=lambda answer, inputs: unpack(answer(inputs["x"], inputs["share"]), "kappa", "rate", "steps"),
    parts={"values": 2.4, "edges": 0.8, "form": 0.4, "untouched": 0.4},  # a quarter of each has two decimals
    shares={"steps": 2},
    tolerance=1e-7,
)

directions_95 = Exercise(
    name="preprocessing.directions_95",
    title="Experiment: how many directions a digit needs",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"directions": float(answer)},
    parts={"values": 3},
    tolerance=0.1,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (standardize, into_weights, pca_whiten, zca, take_in, steps_needed, directions_95)}
