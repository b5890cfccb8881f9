"""The natural gradient assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, UnusableError, signed, unpack


def spread(rng, d, dtype=float):
    """A symmetric, positive definite matrix that is far from diagonal, with unequal eigenvalues."""
    q, _ = np.linalg.qr(signed(rng, (d, d)))
    turned = (q * np.linspace(0.4, 2.5, d) * rng.uniform(0.9, 1.1)) @ q.T
    corner = 0.3 * np.outer(signs := rng.choice([-1.0, 1.0], size=d), signs)
    return (turned + corner).astype(dtype)


def _draw_fishers(rng):
    def case(part, n, d, note="", dtype=float, size=1.0, **changes):
        x, w = signed(rng, (n, d)), size * signed(rng, d) / d
        labels = np.where(rng.permutation(n) % 2, 1.0, -1.0)
        return Case(part, {"x": x.astype(dtype), "w": w.astype(dtype), "labels": labels} | changes, note)

    def one_far_out():
        drawn = case("edges", 6, 2, "a score of 800")
        drawn.inputs["x"][2] = 800 * drawn.inputs["w"] / np.sum(drawn.inputs["w"] ** 2)
        return drawn

    return [
        case("edges", 1, 3, "a single example"),
        case("edges", 7, 1, "a single feature"),
        case("edges", 6, 2, "weights that are all 0", w=np.zeros(2)),
        case("edges", 6, 3, "float32", dtype=np.float32),
        one_far_out(),
        case("values", 8, 2, size=2.0),
        case("values", 12, 3, size=2.0),
    ]


two_fishers = Exercise(
    name="natural_gradient.two_fishers",
    title="The Fisher matrix and its double",
    draw=_draw_fishers,
    run=lambda answer, inputs: unpack(answer(inputs["x"], inputs["w"], inputs["labels"]), "fisher", "empirical"),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_length(rng):
    def case(part, d, note="", dtype=float, scale=1.0, **changes):
        inputs = {"grad": scale * signed(rng, d), "metric": spread(rng, d)} | changes
        inputs = {name: a.astype(dtype) for name, a in inputs.items()}
        return Case(part, inputs | {"divergence": float(rng.uniform(0.02, 0.2))}, note)

    return [
        case("edges", 1, "a single parameter"),
        case("edges", 3, "a gradient of 0", grad=np.zeros(3)),
        case("edges", 3, "a tiny gradient", scale=1e-9),
        case("edges", 3, "float32", dtype=np.float32),
        case("values", 3),
        case("values", 5),
    ]


step_of_length = Exercise(
    name="natural_gradient.step_of_length",
    title="A step of a given length",
    draw=_draw_length,
    run=lambda answer, inputs: {"step": answer(inputs["grad"], inputs["metric"], inputs["divergence"])},
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_gaussian(rng):
    def case(part, n, note="", dtype=float, **changes):
        mu = float(signed(rng, 1)[0])
        x = mu + rng.choice([-1, 1]) * rng.uniform(0.8, 1.5) + 0.5 * signed(rng, n)  # the mean is not where we are
        inputs = {"x": x.astype(dtype), "mu": mu, "precision": float(rng.uniform(0.3, 0.6))}
        return Case(part, inputs | {"lr": float(rng.uniform(0.1, 0.3))} | changes, note)

    return [
        case("edges", 1, "a single number"),
        case("edges", 5, "a rate of 0", lr=0.0),
        case("edges", 4, "data that all lie at the mean", x=np.full(4, 1.5), mu=1.5),
        case("edges", 6, "float32", dtype=np.float32),
        case("values", 6),
        case("values", 9),
    ]


gaussian_step = Exercise(
    name="natural_gradient.gaussian_step",
    title="Another coordinate for the width",
    draw=_draw_gaussian,
    run=lambda answer, inputs: unpack(answer(*(inputs[n] for n in ("x", "mu", "precision", "lr"))), "mu", "precision"),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_sums(rng):
    def case(part, n, d, note="", dtype=float, spreads=None, **changes):
        x = signed(rng, (n, d)) * (np.linspace(0.6, 1.4, d) if spreads is None else spreads)
        x = x @ (np.eye(d) + 0.5 * np.tri(d, k=-1) * rng.choice([-1, 1]))
        x = x + rng.uniform(1.0, 1.6, size=d) * (-1.0) ** np.arange(d) * rng.choice([-1, 1])  # means of both signs
        inputs = {"total": x.sum(axis=0).astype(dtype), "products": (x.T @ x).astype(dtype)}
        return Case(part, {"count": n} | inputs | {"eps": float(rng.uniform(0.2, 0.4))} | changes, note)

    def apart():
        d, n = 3, 8
        mean, variances = signed(rng, d), rng.uniform(0.5, 2.0, size=d)
        products = n * (np.diag(variances) + np.outer(mean, mean))
        return Case("edges", {"count": n, "total": n * mean, "products": products, "eps": 0.3}, "uncorrelated inputs")

    return [
        case("edges", 7, 1, "a single input"),
        case("edges", 8, 3, "an input that never changes", spreads=np.array([1.0, 0.0, 1.0])),
        case("edges", 3, 5, "fewer examples than inputs"),
        apart(),
        case("values", 9, 3),
        case("values", 14, 4),
    ]


def _run_sums(answer, inputs):
    """What every right U has in common, whatever the order and the signs of its rows: U^T U."""
    found = unpack(answer(*(inputs[n] for n in ("count", "total", "products", "eps"))), "U", "mean")
    U = np.asarray(found["U"])
    shape = inputs["products"].shape
    if U.shape != shape or U.dtype.kind not in "iuf":
        raise UnusableError(f"U must hold numbers and have the shape {shape}, got {U.dtype} of the shape {U.shape}")
    return {"metric": U.T @ U, "mean": found["mean"]}


whitening_from_sums = Exercise(
    name="natural_gradient.whitening_from_sums",
    title="Whitening from sums",
    legend="metric is U^T U, which is the same for every right U",
    draw=_draw_sums,
    run=_run_sums,
    parts={"values": 2.4, "edges": 0.8, "form": 0.4, "untouched": 0.4},  # a quarter of each has two decimals
    shares={"metric": 3},
    tolerance=1e-8,
)


def _draw_coordinates(rng):
    def frame(d):
        """Far from symmetric and from a rotation, and easily inverted."""
        q, _ = np.linalg.qr(signed(rng, (d, d)))
        return np.linspace(0.6, 1.8, d)[:, None] * q @ (np.eye(d) + 0.4 * np.tri(d, k=-1)) * rng.uniform(0.9, 1.1)

    def case(part, outputs, d, note="", dtype=float, same=False, **changes):
        inputs = {
            "V": signed(rng, (outputs, d)),
            "shifted": signed(rng, outputs),
            "U": frame(d),
            "mean": signed(rng, d),
        }
        inputs |= (
            {"U_new": inputs["U"], "mean_new": inputs["mean"]}
            if same
            else {"U_new": frame(d), "mean_new": signed(rng, d)}
        )
        return Case(part, {name: np.array(a, dtype) for name, a in (inputs | changes).items()}, note)

    return [
        case("edges", 3, 2, "new coordinates that are the old ones", same=True),
        case("edges", 1, 3, "a single output"),
        case("edges", 2, 1, "a single input"),
        case("edges", 3, 3, "means that are 0", mean=np.zeros(3), mean_new=np.zeros(3)),
        case("edges", 2, 3, "float32", dtype=np.float32),
        case("values", 3, 3),
        case("values", 2, 4),
    ]


new_coordinates = Exercise(
    name="natural_gradient.new_coordinates",
    title="New coordinates, the same layer",
    draw=_draw_coordinates,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("V", "shifted", "U", "mean", "U_new", "mean_new"))), "V_new", "shifted_new"
    ),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_clip(rng):
    def case(part, d, share, note="", outputs=None, dtype=float, **changes):
        outputs = outputs or d
        step = 0.3 * signed(rng, (outputs, d))
        of_inputs, of_slopes = spread(rng, d), 0.7 * spread(rng, outputs)
        divergence = 0.5 * np.sum((of_slopes @ step @ of_inputs) * step)
        arrays = {"step": step, "of_inputs": of_inputs, "of_slopes": of_slopes}
        inputs = {name: a.astype(dtype) for name, a in arrays.items()} | {"most": float(share * divergence)}
        return Case(part, inputs | changes, note)

    return [
        case("edges", 3, 0.5, "a step of 0", step=np.zeros((3, 3)), most=0.1),
        case("edges", 1, 0.3, "a single weight"),
        case("edges", 4, 0.4, "fewer outputs than inputs", outputs=2),
        case("edges", 3, 0.3, "float32", dtype=np.float32),
        case("values", 3, float(rng.uniform(0.2, 0.5))),
        case("values", 4, float(rng.uniform(1.8, 3.0))),  # it is short enough
        case("values", 4, float(rng.uniform(0.1, 0.3))),
    ]


def _run_clip(answer, inputs):
    """A factor of 1 may be an integer, as min(1, ...) returns it."""
    found = unpack(answer(*(inputs[n] for n in ("step", "of_inputs", "of_slopes", "most"))), "divergence", "factor")
    factor = found["factor"]
    return found | {"factor": 1.0 if isinstance(factor, int | np.integer) and factor == 1 else factor}


short_enough = Exercise(
    name="natural_gradient.short_enough",
    title="Short enough",
    draw=_draw_clip,
    run=_run_clip,
    parts={"values": 2.5, "edges": 0.75, "form": 0.5, "untouched": 0.25},
)

longest_period = Exercise(
    name="natural_gradient.longest_period",
    title="Experiment: how long a whitening keeps",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"period": float(answer)},
    parts={"values": 3},
    tolerance=0.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e
    for e in (
        two_fishers,
        step_of_length,
        gaussian_step,
        whitening_from_sums,
        new_coordinates,
        short_enough,
        longest_period,
    )
}
