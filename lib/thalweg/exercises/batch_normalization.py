"""The batch normalization assignment, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, entries, signed, unpack


def _features(rng, d, dtype=float):
    """gamma and beta, neither near what a fresh layer has."""
    return {"gamma": signed(rng, d).astype(dtype), "beta": signed(rng, d).astype(dtype)}


def _draw_images(rng):
    def case(part, shape, note="", eps=0.1, scale=1.0, dtype=float):
        d = shape[-1]
        # each channel has its own mean and spread, and so has each image and each pixel
        x = rng.normal(size=d) + rng.uniform(0.5, 2, size=d) * rng.normal(size=shape)
        x = scale * (x + rng.normal(size=(shape[0], 1, 1, 1)) + 0.5 * rng.normal(size=shape[1:]))
        return Case(part, {"x": x.astype(dtype)} | _features(rng, d, dtype) | {"eps": eps}, note)

    flat = case("edges", (4, 3, 3, 2), "a channel that is the same everywhere")
    flat.inputs["x"][..., 1] = 3.0
    strided = case("edges", (4, 3, 2, 3), "an array that is not contiguous")
    strided.inputs["x"] = np.repeat(strided.inputs["x"], 2, axis=1)[:, ::2]
    return [
        case("edges", (1, 3, 4, 2), "a single image"),
        case("edges", (6, 1, 1, 3), "images of one pixel"),
        case("edges", (4, 3, 2, 1), "a single channel"),
        case("edges", (4, 3, 3, 2), "float32", dtype=np.float32),
        case("edges", (4, 3, 3, 2), "large values", scale=1e6),
        flat,
        strided,
        case("values", (4, 3, 2, 3)),
        case("values", (3, 4, 4, 4)),
    ]


normalize_images = Exercise(
    name="batch_normalization.normalize_images",
    title="The forward pass on images",
    draw=_draw_images,
    run=lambda answer, inputs: {
        "y": answer(inputs["x"], {name: inputs[name] for name in ("gamma", "beta")}, inputs["eps"])
    },
    parts={"values": 1.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
    tolerance=1e-8,  # two good ways to compute a variance differ in the last digits
)


def _draw_running(rng):
    def case(part, steps, size, d, note="", momentum=None, dtype=float):
        batches = rng.normal(1.0, 2.0, size=(steps, size, d)) + rng.normal(size=(steps, 1, 1))
        batches[:, 0] = -np.abs(batches[:, 0])  # signs matter in every batch
        inputs = {"batches": batches.astype(dtype), "momentum": momentum or float(rng.uniform(0.15, 0.4))}
        return Case(part, inputs, note)

    return [
        case("edges", 1, 5, 2, "a single batch"),
        case("edges", 4, 2, 3, "batches of two"),
        case("edges", 4, 5, 1, "a single feature"),
        case("edges", 3, 5, 2, "momentum = 1", momentum=1.0),
        case("edges", 4, 5, 2, "float32", dtype=np.float32),
        case("values", 4, 5, 3),
        case("values", 7, 8, 2),
    ]


running_statistics = Exercise(
    name="batch_normalization.running_statistics",
    title="The statistics that are kept for test time",
    draw=_draw_running,
    run=lambda answer, inputs: unpack(answer(inputs["batches"], inputs["momentum"]), "mean", "var"),
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_fold(rng):
    def case(part, d_in, d, note="", scale=1.0, eps=0.1, dtype=float):
        inputs = {"w": scale * signed(rng, (d, d_in)), "b": scale * signed(rng, d)}
        inputs |= _features(rng, d)
        inputs |= {"mean": scale * signed(rng, d), "var": scale**2 * rng.uniform(0.3, 3.0, size=d)}
        return Case(part, {k: v.astype(dtype) for k, v in inputs.items()} | {"eps": eps}, note)

    dead = case("edges", 3, 4, "gamma = 0 for one unit")
    dead.inputs["gamma"][2] = 0.0
    still = case("edges", 3, 3, "a unit whose variance is 0")
    still.inputs["var"][0] = 0.0
    return [
        case("edges", 1, 4, "a single input"),
        case("edges", 3, 1, "a single unit"),
        case("edges", 3, 4, "float32", dtype=np.float32),
        case("edges", 3, 4, "large values", scale=1e6),
        dead,
        still,
        case("values", 4, 4),  # a square matrix: a product on the wrong side has the right shape
        case("values", 3, 5),
    ]


fold = Exercise(
    name="batch_normalization.fold",
    title="Folding the layer into the weights",
    draw=_draw_fold,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[name] for name in ("w", "b", "gamma", "beta", "mean", "var", "eps"))), "w", "b"
    ),
    parts={"values": 2.5, "edges": 0.5, "form": 0.5, "untouched": 0.5},
)


def _draw_backward(rng):
    def case(part, n, d, note="", eps=0.1, scale=1.0, dtype=float):
        x = rng.normal(size=d) + rng.uniform(0.5, 2, size=d) * rng.normal(size=(n, d))
        features = _features(rng, d)
        std = np.sqrt(x.var(axis=0) + eps)
        y = features["gamma"] * (x - x.mean(axis=0)) / std + features["beta"]
        dy = scale * (rng.normal(size=d) + rng.normal(size=(n, d)))
        inputs = {"dy": dy, "y": y} | features | {"std": std}
        return Case(part, {k: v.astype(dtype) for k, v in inputs.items()}, note)

    still = case("edges", 5, 3, "a zero gradient")
    still.inputs["dy"][:] = 0
    return [
        case("edges", 2, 3, "a batch of two"),
        case("edges", 6, 1, "a single feature"),
        case("edges", 6, 3, "float32", dtype=np.float32),
        case("edges", 6, 3, "tiny gradients", scale=1e-6),
        still,
        case("values", 6, 3),
        case("values", 9, 2),
    ]


def _run_backward(answer, inputs):
    cache = tuple(inputs[name] for name in ("y", "gamma", "beta", "std"))
    dx, gradients = unpack(answer(inputs["dy"], cache), "dx", "gradients").values()
    return {"dx": dx} | entries("gradients", gradients, "gamma", "beta")


backward_from_output = Exercise(
    name="batch_normalization.backward_from_output",
    title="The backward pass without the input",
    draw=_draw_backward,
    run=_run_backward,
    shares={"dx": 2},
    parts={"values": 3, "edges": 1, "form": 0.5, "untouched": 0.5},
    tolerance=1e-8,  # y - beta loses a few digits where beta is large beside gamma
)

batch_size = Exercise(
    name="batch_normalization.batch_size",
    title="Experiment: how noisy is a batch?",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"size": float(answer)},
    parts={"values": 3},
    tolerance=0.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (normalize_images, running_statistics, fold, backward_from_output, batch_size)}
