"""The assignment on comparing optimizers, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, signed, unpack


def _draw_trials(rng):
    def case(part, n, k, note="", dtype=float, **changes):
        # far apart, and in orders that are neither sorted nor alike, so that another choice or another weight shows
        ranks = np.roll(np.arange(n)[::-1], 1)
        validation = np.cumsum(rng.uniform(1.0, 3.0, size=n))[ranks]
        test = validation.max() + np.cumsum(rng.uniform(1.0, 3.0, size=n))[np.roll(ranks, n // 2)[::-1]]
        inputs = {"validation": validation.astype(dtype), "test": test.astype(dtype), "k": k}
        return Case(part, inputs | changes, note)

    failed = case("edges", 6, 3, "trials that failed")
    failed.inputs["validation"][failed.inputs["validation"].argsort()[-2:]] = np.inf
    return [
        case("edges", 1, 1, "a single trial"),
        case("edges", 6, 1, "a budget of one"),
        case("edges", 5, 5, "a budget of all trials"),
        failed,
        case("edges", 7, 3, "float32", dtype=np.float32),
        case("values", 6, 3),
        case("values", 9, 4),
        case("values", 7, 2),
    ]


expected_best = Exercise(
    name="comparing_optimizers.expected_best",
    title="The best of k trials, without drawing",
    draw=_draw_trials,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("validation", "test", "k"))), "validation", "test"),
    parts={"values": 2.5, "edges": 0.75, "form": 0.25, "untouched": 0.5},
)


# Costs of three solvers on eight problems: each is the best somewhere, all fail somewhere, and two problems nobody solves.
_COSTS = np.array(
    [
        [10.0, 14.0, 31.0], [90.0, 40.0, 55.0], [np.inf, 7.0, 16.0], [25.0, np.inf, 20.0], [np.inf] * 3, [300.0, 480.0, 120.0],
        [60.0, 20.0, np.inf], [np.inf] * 3,
    ]
)  # fmt: skip


def _draw_costs(rng):
    def case(part, rows, columns, note="", dtype=float, factors=(1.0, 1.45, 2.6, 1e6)):
        rows = rng.permutation(np.repeat(rows, rng.integers(1, 4, size=len(rows)))) if len(rows) > 1 else rows
        costs = _COSTS[rows][:, rng.permutation(columns)] * rng.uniform(1.0, 3.0)
        return Case(part, {"costs": costs.astype(dtype), "factors": np.array(factors).astype(dtype)}, note)

    return [
        case("edges", range(6), [0], "a single solver"),
        case("edges", [0], [0, 1, 2], "a single problem"),
        case("edges", range(8), [0, 1, 2], "float32", dtype=np.float32),
        case("values", range(8), [0, 1, 2]),
        case("values", range(7), [2, 0, 1], factors=(1.0, 1.7, 3.3)),
        case("values", [0, 1, 2, 5, 6, 7], [1, 0], factors=(1.0, 2.1, 1e3)),
    ]


profile = Exercise(
    name="comparing_optimizers.profile",
    title="A profile with failures",
    draw=_draw_costs,
    run=lambda answer, inputs: {"shares": answer(inputs["costs"], inputs["factors"])},
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_sparse(rng):
    def case(part, shape, keep, note="", dtype=float, scale=1.0):
        grad = scale * signed(rng, shape)
        uniform = np.clip(rng.random(shape), 0.01, 0.99)
        flat = uniform.reshape(-1)
        if flat.size > 2:  # some of both kinds, and some between keep and 1 - keep
            flat[rng.permutation(flat.size)[:3]] = [keep / 2, 0.5 * (keep + 1 - keep), 1 - (1 - keep) / 4]
        return Case(part, {"grad": grad.astype(dtype), "uniform": uniform.astype(dtype), "keep": keep}, note)

    return [
        case("edges", (1,), 0.3, "a single parameter"),
        case("edges", (5,), 1.0, "all are kept"),
        case("edges", (2, 3), 0.2, "a matrix"),
        case("edges", (6,), 0.3, "tiny gradients", scale=1e-9),
        case("edges", (6,), 0.3, "float32", dtype=np.float32),
        case("values", (7,), 0.2),
        case("values", (8,), 0.35),
        case("values", (6,), 0.7),
    ]


sparse_noise = Exercise(
    name="comparing_optimizers.sparse_noise",
    title="A noise that hides most of the gradient",
    draw=_draw_sparse,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("grad", "uniform", "keep"))), "noisy", "variance"),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_lion(rng):
    def case(part, shape, note="", dtype=float, **changes):
        beta1, beta2 = float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.85, 0.95))
        near = 1.04 * (1 - beta1) / beta1
        # gradient and average, such that it shows which of them is asked for its sign, and with which weights
        pairs = np.array([(2, -1), (-2, 1), (1, -2.5), (1.5, -1.5 * near), (2, -0.05), (-1, -0.5), (-1.5, 0.04)])
        grad, m = np.resize(pairs, (int(np.prod(shape)), 2)).T.reshape(2, *shape) * rng.uniform(0.5, 2.0)
        inputs = {
            "theta": signed(rng, shape).astype(dtype), "grad": grad.astype(dtype), "m": m.astype(dtype),
            "lr": float(rng.uniform(0.01, 0.1)), "beta1": beta1, "beta2": beta2,
            "weight_decay": float(rng.uniform(1.5, 2.0)),
        }  # fmt: skip
        return Case(part, inputs | changes, note)

    zero = case("edges", (8,), "a gradient and an average of 0 in one entry")
    zero.inputs["grad"][7] = zero.inputs["m"][7] = 0.0
    return [
        case("edges", (1,), "a single parameter"),
        case("edges", (2, 4), "a matrix"),
        zero,
        case("edges", (8,), "no weight decay", weight_decay=0.0),
        case("edges", (8,), "float32", dtype=np.float32),
        case("values", (7,)),
        case("values", (9,)),
    ]


def _run_lion(answer, inputs):
    names = ("theta", "grad", "m", "lr", "beta1", "beta2", "weight_decay")
    return unpack(answer(*(inputs[n] for n in names)), "theta", "m")


lion_step = Exercise(
    name="comparing_optimizers.lion_step",
    title="Lion in two lines",
    draw=_draw_lion,
    run=_run_lion,
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_matrices(rng):
    def case(part, shape, steps, note="", scale=1.0, dtype=float):
        # singular values that are known to differ, on random axes
        small = min(shape)
        u, _ = np.linalg.qr(rng.normal(size=(shape[0], small)))
        v, _ = np.linalg.qr(rng.normal(size=(shape[1], small)))
        matrix = scale * (u * rng.permutation(np.linspace(1.0, 0.3, small) if small > 1 else np.ones(1))) @ v.T
        return Case(part, {"matrix": matrix.astype(dtype), "steps": steps}, note)

    zero = case("edges", (3, 2), 4, "a matrix of zeros", scale=0.0)
    return [
        case("edges", (1, 4), 3, "a single row"),
        case("edges", (5, 2), 4, "more rows than columns"),
        zero,
        case("edges", (3, 4), 5, "large values", scale=1e6),
        case("edges", (3, 3), 4, "float32", dtype=np.float32),
        case("values", (3, 3), 4),
        case("values", (3, 5), 3),
        case("values", (4, 3), 5),
    ]


cubic = Exercise(
    name="comparing_optimizers.cubic",
    title="Orthogonal, by products alone",
    draw=_draw_matrices,
    run=lambda answer, inputs: {"matrix": answer(inputs["matrix"], inputs["steps"])},
    parts={"values": 2.5, "edges": 0.75, "form": 0.5, "untouched": 0.25},
    tolerance=1e-8,
)


def _draw_seeds(rng):
    def case(part, n, note="", dtype=float, shift=None):
        hard = rng.uniform(2.0, 6.0, size=n)  # some seeds are hard for both
        gain = rng.uniform(0.3, 0.8) if shift is None else shift
        noise = signed(rng, n) * 0.1
        first, second = hard, hard - gain + noise
        return Case(part, {"first": first.astype(dtype), "second": second.astype(dtype)}, note)

    return [
        case("edges", 2, "two seeds"),
        case("edges", 5, "no difference on average", shift=0.0),
        case("edges", 6, "float32", dtype=np.float32),
        case("values", 5),
        case("values", 8),
    ]


paired = Exercise(
    name="comparing_optimizers.paired",
    title="The same seeds for both",
    draw=_draw_seeds,
    run=lambda answer, inputs: unpack(answer(inputs["first"], inputs["second"]), "difference", "error"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
    tolerance=1e-7,
)

crossing = Exercise(
    name="comparing_optimizers.crossing",
    title="Experiment: who wins depends on the budget",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"k": float(answer)},
    parts={"values": 3},
    tolerance=0.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (expected_best, profile, sparse_noise, lion_step, cubic, paired, crossing)}
