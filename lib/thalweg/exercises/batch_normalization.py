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


def _draw_mended(rng):
    def case(part, n, d, training, note="", momentum=None, dtype=float):
        x = signed(rng, d) + rng.uniform(0.5, 2, size=d) * rng.normal(size=(n, d))
        x[:2] = np.sort(signed(rng, (2, d)), axis=0)[:n]  # both signs in each feature
        arrays = {"x": x} | _features(rng, d) | {"mean": signed(rng, d), "var": rng.uniform(0.3, 3.0, size=d)}
        numbers = {"momentum": momentum or float(rng.uniform(0.15, 0.4)), "eps": 0.1, "training": training}
        return Case(part, {k: v.astype(dtype) for k, v in arrays.items()} | numbers, note)

    still = case("edges", 5, 3, True, "a feature that is the same everywhere")
    still.inputs["x"][:, 1] = 3.0
    return [
        case("edges", 1, 3, False, "a single example at test time"),
        case("edges", 2, 3, True, "a batch of two"),
        case("edges", 5, 1, True, "a single feature"),
        case("edges", 5, 3, True, "momentum = 1", momentum=1.0),
        case("edges", 5, 3, True, "float32", dtype=np.float32),
        still,
        case("values", 5, 3, True),
        case("values", 5, 3, False),
        case("values", 7, 2, True),
        case("values", 4, 4, False),
    ]


_MENDED = ("x", "gamma", "beta", "mean", "var", "momentum", "eps", "training")
mended = Exercise(
    name="batch_normalization.mended",
    title="A friend's layer",
    draw=_draw_mended,
    run=lambda answer, inputs: unpack(answer(*(inputs[name] for name in _MENDED)), "y", "mean", "var"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_merged(rng):
    def case(part, sizes, d, note="", offset=0.0, dtype=float):
        batches = [signed(rng, d) + rng.uniform(0.5, 2, size=d) * rng.normal(size=(size, d)) for size in sizes]
        means, variances = (np.array([f(batch, axis=0) for batch in batches]) for f in (np.mean, np.var))
        if len(sizes) > 1:  # both signs in each feature, and far enough from each other to be seen
            means[:2] = np.array([[-1.0], [1.0]]) * rng.uniform(1, 2, size=(2, d))
        inputs = {"means": (means + offset).astype(dtype), "variances": variances.astype(dtype)}
        return Case(part, inputs | {"sizes": np.array(sizes)}, note)

    return [
        case("edges", [5], 2, "a single batch"),
        case("edges", [4, 1, 7], 3, "a batch of one example"),
        case("edges", [9, 4, 2], 1, "a single feature"),
        case("edges", [9, 4, 2], 3, "float32", dtype=np.float32),
        case("edges", [9, 4, 2, 6], 3, "a mean that is large beside the spread", offset=1e7),
        case("values", [3, 12, 5], 3),
        case("values", [2, 7, 4, 20], 2),
    ]


merged = Exercise(
    name="batch_normalization.merged",
    title="The statistics of a stream",
    draw=_draw_merged,
    run=lambda answer, inputs: unpack(answer(inputs["means"], inputs["variances"], inputs["sizes"]), "mean", "var"),
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    tolerance=1e-7,  # good ways to merge differ by a few roundings of a mean that may be large
)


def _draw_fold(rng):
    def case(part, d_in, d, note="", scale=1.0, eps=0.1, dtype=float):
        inputs = _features(rng, d_in)
        inputs |= {"mean": scale * signed(rng, d_in), "var": scale**2 * rng.uniform(0.3, 3.0, size=d_in)}
        inputs |= {"w": signed(rng, (d, d_in)), "b": signed(rng, d)}
        inputs = {k: v.astype(dtype) for k, v in inputs.items()}
        return Case(part, inputs | {"eps": eps}, note)

    dead = case("edges", 4, 3, "gamma = 0 for one feature")
    dead.inputs["gamma"][2] = 0.0
    still = case("edges", 3, 3, "a feature whose variance is 0")
    still.inputs["var"][0] = 0.0
    return [
        case("edges", 1, 4, "a single input"),
        case("edges", 3, 1, "a single unit"),
        case("edges", 3, 4, "float32", dtype=np.float32),
        case("edges", 3, 4, "large values", scale=1e6),
        dead,
        still,
        case("values", 4, 4),  # a square matrix: a product on the wrong side has the right shape
        case("values", 3, 3),  # the edge cases are not square: there the other order stops with an error
    ]


_FOLD = ("gamma", "beta", "mean", "var", "eps", "w", "b")
fold = Exercise(
    name="batch_normalization.fold",
    title="The layer that vanishes",
    draw=_draw_fold,
    run=lambda answer, inputs: unpack(answer(*(inputs[name] for name in _FOLD)), "w", "b"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_rms(rng):
    def case(part, n, d, note="", scale=1.0, dtype=float):
        x = signed(rng, d) + rng.uniform(0.5, 2, size=(n, 1)) * rng.normal(size=(n, d))
        rms = np.sqrt((x**2).mean(axis=1, keepdims=True) + 0.1)
        dy = scale * (signed(rng, d) + rng.normal(size=(n, d)))
        inputs = {"dy": dy, "x_hat": x / rms, "rms": rms, "gamma": signed(rng, d)}
        return Case(part, {k: v.astype(dtype) for k, v in inputs.items()}, note)

    still = case("edges", 5, 3, "a zero gradient")
    still.inputs["dy"][:] = 0
    return [
        case("edges", 1, 4, "a single example"),
        case("edges", 5, 1, "a single feature"),
        case("edges", 4, 3, "float32", dtype=np.float32),
        case("edges", 4, 3, "tiny gradients", scale=1e-6),
        still,
        case("values", 5, 4),
        case("values", 3, 6),
    ]


def _run_rms(answer, inputs):
    cache = tuple(inputs[name] for name in ("x_hat", "rms", "gamma"))
    dx, gradients = unpack(answer(inputs["dy"], cache), "dx", "gradients").values()
    return {"dx": dx} | entries("gradients", gradients, "gamma")


rms_backward = Exercise(
    name="batch_normalization.rms_backward",
    title="RMS normalization, backwards",
    draw=_draw_rms,
    run=_run_rms,
    shares={"dx": 3},
    parts={"values": 4, "edges": 0.5, "form": 0.25, "untouched": 0.25},
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

EXERCISES = {e.name: e for e in (normalize_images, mended, merged, fold, rms_backward, batch_size)}
