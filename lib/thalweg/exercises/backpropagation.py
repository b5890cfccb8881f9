"""The backpropagation assignment, as it is asked: inputs, signatures, points."""

from types import SimpleNamespace

import numpy as np

from .exercise import Case, Exercise, UnusableError, entries, signed, unpack


def _strided(x):
    """The same numbers in an array that is not contiguous."""
    return np.repeat(x, 2, axis=0)[::2]


def _draw_linear(rng):
    def case(part, batch, positions, d_in, d, note="", scale=1.0, dtype=float):
        shapes = {"dy": (batch, positions, d), "x": (batch, positions, d_in), "w": (d_in, d)}
        inputs = {name: signed(rng, shape) for name, shape in shapes.items()}
        inputs["dy"] = scale * inputs["dy"]
        return Case(part, {name: a.astype(dtype) for name, a in inputs.items()}, note)

    still, strided = (
        case("edges", 2, 3, 4, 2, "a zero gradient"),
        case("edges", 3, 2, 4, 2, "arrays that are not contiguous"),
    )
    still.inputs["dy"][:] = 0
    strided.inputs["dy"], strided.inputs["x"] = _strided(strided.inputs["dy"]), _strided(strided.inputs["x"])
    return [
        case("edges", 1, 3, 4, 2, "a single example"),
        case("edges", 3, 1, 4, 2, "a single position"),
        case("edges", 3, 2, 1, 4, "a single input"),
        case("edges", 3, 2, 4, 1, "a single output"),
        case("edges", 3, 2, 4, 2, "float32", dtype=np.float32),
        case("edges", 3, 2, 4, 2, "large gradients", scale=1e9),
        still,
        strided,
        case("values", 4, 2, 3, 3),  # square weights: what is transposed has the right shape
        case("values", 3, 5, 4, 4),
    ]


def _run_linear(answer, inputs):
    dx, gradients = unpack(answer(inputs["dy"], (inputs["x"], inputs["w"])), "dx", "gradients").values()
    return {"dx": dx} | entries("gradients", gradients, "W", "b")


linear_backward = Exercise(
    name="backpropagation.linear_backward",
    title="Another layout",
    legend="the cache is (x, w)",
    draw=_draw_linear,
    run=_run_linear,
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_loss(rng):
    def case(part, batch, classes, note="", dtype=float):
        scores, weights = 2 * signed(rng, (batch, classes)), rng.uniform(0.5, 3.0, size=batch)
        targets = rng.integers(0, classes, size=batch)
        return Case(part, {"scores": scores.astype(dtype), "targets": targets, "weights": weights.astype(dtype)}, note)

    huge, low = (
        case("edges", 4, 3, "scores of a thousand"),
        case("edges", 3, 4, "an example whose scores are all far below the others'"),
    )
    huge.inputs["scores"][:] = np.array([1000.0, -1000.0, 0.0]) + rng.uniform(-5, 5, size=(4, 3))
    huge.inputs["targets"][:] = [1, 0, 2, 1]  # right ones and wrong ones
    low.inputs["scores"][1] -= 3000
    ignored, equal = case("edges", 4, 3, "an example of weight 0"), case("edges", 3, 3, "equal scores")
    ignored.inputs["weights"][2] = 0
    equal.inputs["scores"][:] = 0.7
    strided = case("edges", 4, 3, "arrays that are not contiguous")
    strided.inputs["scores"], strided.inputs["weights"] = (
        _strided(strided.inputs["scores"]),
        _strided(strided.inputs["weights"]),
    )
    return [
        case("edges", 1, 3, "a single example"),
        case("edges", 4, 2, "two classes"),
        case("edges", 4, 3, "float32", dtype=np.float32),
        huge,
        low,
        ignored,
        equal,
        strided,
        case("values", 4, 3),
        case("values", 5, 5),
    ]


weighted_loss = Exercise(
    name="backpropagation.weighted_loss",
    title="Some examples count more",
    draw=_draw_loss,
    run=lambda answer, inputs: unpack(
        answer(*(inputs[n] for n in ("scores", "targets", "weights"))), "loss", "dscores"
    ),
    parts={"values": 2, "edges": 1.5, "form": 0.25, "untouched": 0.25},
)


class _Unit:
    """The layer y = tanh(W x + b), as the chapter's are; its cache is (x, w, y)."""

    def forward(self, x, parameters):
        y = np.tanh(x @ parameters["W"].T + parameters["b"])
        return y, (x, parameters["W"], y)

    def backward(self, dy, cache):
        x, w, y = cache
        dz = dy * (1 - y**2)
        return dz @ w, {"W": dz.T @ x, "b": dz.sum(axis=0)}


def _draw_repeated(rng):
    def case(part, uses, batch, d, note="", size=0.5, dtype=float):
        inputs = {"dy": signed(rng, (batch, d)), "x": signed(rng, (batch, d))}
        inputs |= {"W": size * signed(rng, (d, d)), "b": 0.3 * signed(rng, d)}
        return Case(part, {name: a.astype(dtype) for name, a in inputs.items()} | {"uses": uses}, note)

    still = case("edges", 3, 4, 2, "a zero gradient")
    still.inputs["dy"][:] = 0
    return [
        case("edges", 1, 3, 2, "a single use"),
        case("edges", 3, 1, 3, "a single example"),
        case("edges", 3, 4, 1, "a single unit"),
        case("edges", 3, 4, 2, "float32", dtype=np.float32),
        case("edges", 40, 4, 2, "many uses", size=0.02),
        still,
        case("values", 3, 4, 3),
        case("values", 4, 3, 2),
    ]


def _run_repeated(answer, inputs):
    """Forward: the layer again and again, with a shortcut around each use."""
    layer, x, caches = _Unit(), inputs["x"], []
    for _ in range(inputs["uses"]):
        y, cache = layer.forward(x, inputs)
        x = x + y
        caches.append(cache)
    dx, gradients = unpack(answer(inputs["dy"], layer, caches), "dx", "gradients").values()
    return {"dx": dx} | entries("gradients", gradients, "W", "b")


repeated_backward = Exercise(
    name="backpropagation.repeated_backward",
    title="The same layer again and again",
    legend="the layer is tanh(W x + b), used so many times from x on, each time with the shortcut x + layer(x)",
    draw=_draw_repeated,
    run=_run_repeated,
    parts={"values": 4, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_node(rng):
    def case(part, shape, note="", same=False, shift=0.0, dtype=float):
        inputs = {name: signed(rng, shape) for name in ("value_of_a", "value_of_b", "grad_of_a", "grad_of_b", "g")}
        inputs["value_of_a"] = inputs["value_of_a"] + shift
        return Case(part, {name: np.asarray(a, dtype=dtype) for name, a in inputs.items()} | {"same": same}, note)

    still, equal = case("edges", 3, "a zero gradient"), case("edges", 3, "equal values")
    still.inputs["g"][:] = 0
    equal.inputs["value_of_b"][:] = equal.inputs["value_of_a"]
    apart = case("edges", 3, "large values beside small ones")
    for name in ("value_of_a", "value_of_b"):
        apart.inputs[name] += np.array([1000.0, -1000.0, 0.0])
    both = case("edges", 3, "large values")
    both.inputs["value_of_a"][:] += 1000
    both.inputs["value_of_b"][:] += 1000
    return [
        case("edges", 1, "a single entry"),
        case("edges", 3, "float32", dtype=np.float32),
        case("edges", 3, "one value far above the other", shift=2000.0),
        both,
        apart,
        still,
        equal,
        case("edges", 3, "the same variable twice", same=True),
        case("values", 3),
        case("values", (2, 3)),
    ]


def _run_node(answer, inputs):
    a = SimpleNamespace(value=inputs["value_of_a"], grad=inputs["grad_of_a"].copy())
    b = a if inputs["same"] else SimpleNamespace(value=inputs["value_of_b"], grad=inputs["grad_of_b"].copy())
    value, send = unpack(answer(a, b), "value", "send").values()
    if not callable(send):
        raise UnusableError("send must be a function of the gradient that arrives")
    value = np.copy(value)
    send(inputs["g"])
    return {"value": value, "grad of a": a.grad, "grad of b": b.grad}


logaddexp = Exercise(
    name="backpropagation.logaddexp",
    title="One node of an engine",
    legend="g is what send gets, and the two grads are there before; with same, b is the variable a",
    draw=_draw_node,
    run=_run_node,
    parts={"values": 2.25, "edges": 1.25, "form": 0.25, "untouched": 0.25},
)


def _draw_unbroadcast(rng):
    def case(part, full, shape, note="", dtype=float):
        return Case(
            part, {"grad": np.asarray(signed(rng, full), dtype=dtype), "target": np.array(shape, dtype=int)}, note
        )

    strided = case("edges", (4, 3, 2), (3, 1), "an array that is not contiguous")
    strided.inputs["grad"] = _strided(strided.inputs["grad"])
    return [
        case("edges", (3, 2), (3, 2), "nothing was repeated"),
        case("edges", (3, 2), (), "a single number was repeated"),
        case("edges", (4, 3), (3,), "an axis was added and none stretched"),
        case("edges", (4, 3), (4, 1), "an axis was stretched and none added"),
        case("edges", (4, 1), (1, 1), "an axis that has length 1 before and after"),
        case("edges", (4, 3, 2), (3, 1), "float32", dtype=np.float32),
        strided,
        case("values", (4, 3, 5, 2), (3, 1, 2)),
        case("values", (5, 2, 4, 6, 3), (1, 4, 1, 3)),
    ]


unbroadcast = Exercise(
    name="backpropagation.unbroadcast",
    title="What was repeated is summed",
    legend="shape is target as a tuple",
    draw=_draw_unbroadcast,
    run=lambda answer, inputs: {"result": answer(inputs["grad"], tuple(inputs["target"].tolist()))},
    parts={"values": 1.5, "edges": 0.75, "form": 0.5, "untouched": 0.25},
)


def _draw_check(rng):
    """A function with known gradients, f(x) = c sin(a . x + phase), and a claimed gradient that is off in a known way.

    Its sine and its cosine are far from 0, so that each entry has a slope and a bend. The entry that is off most is too small.
    """

    def case(part, shape, wrong, note="", scale=1.0, step=1e-3, dtype=float):
        x, angle = signed(rng, shape).astype(dtype), rng.uniform(0.5, 1.0)
        # the largest last: what goes wrong on the way shows there, and no sum of the others is 0
        sizes = np.geomspace(0.4, 2.7, x.size) * rng.uniform(0.95, 1.05, size=x.size)
        a = (sizes * np.sign(signed(rng, x.size))).reshape(x.shape)
        c = scale * rng.uniform(0.5, 1.0)
        exact = c * np.cos(angle) * a
        grad = wrong(exact)
        worst = np.abs(grad - exact).argmax()
        if (grad - exact).ravel()[worst] > 0:
            c, grad = -c, -grad
        phase = float(angle - np.sum(a * x.astype(float)))
        return Case(part, {"x": x, "grad": grad, "step": step, "a": a, "phase": phase, "c": c}, note)

    def one_entry(exact):
        """The smallest entry is off by some parts in ten thousand of the largest."""
        grad = exact.copy()
        grad[np.unravel_index(np.abs(exact).argmin(), exact.shape)] -= rng.uniform(2e-4, 5e-4) * np.abs(exact).max()
        return grad

    def too_large(exact):
        return rng.uniform(1.4, 1.9) * exact

    def too_small(exact):
        return rng.uniform(0.3, 0.7) * exact

    flat = case("edges", 3, lambda exact: 0 * exact, "no slope anywhere, as claimed")
    flat.inputs["c"] = 0.0
    strided = case("edges", 4, too_large, "an array that is not contiguous")
    strided.inputs["x"] = _strided(strided.inputs["x"])
    return [
        case("edges", 1, too_large, "a single entry"),
        case("edges", (2, 3), one_entry, "two axes"),
        case("edges", 3, one_entry, "float32", step=1e-6, dtype=np.float32),
        case("edges", 3, lambda exact: 0 * exact, "a claimed gradient of 0"),
        flat,
        strided,
        case("values", 4, one_entry),
        case("values", 3, too_large, scale=1e-3),
        case("values", 3, too_small, scale=1e3),
    ]


def _run_check(answer, inputs):
    a, phase, c = inputs["a"], inputs["phase"], inputs["c"]

    def f(point):
        return float(c * np.sin(np.sum(a * point) + phase))

    return {"error": answer(f, inputs["x"], inputs["grad"], inputs["step"])}


gradient_error = Exercise(
    name="backpropagation.gradient_error",
    title="A check that can be trusted",
    legend="f(x) = c * np.sin(np.sum(a * x) + phase)",
    draw=_draw_check,
    run=_run_check,
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
    tolerance=1e-6,
)

best_step = Exercise(
    name="backpropagation.best_step",
    title="Experiment: the best step",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"exponent": np.log10(float(answer))},
    parts={"values": 3},
    tolerance=0.3,
    absolute=True,
    kind="experiment",
)

EXERCISES = {
    e.name: e
    for e in (linear_backward, weighted_loss, repeated_backward, logaddexp, unbroadcast, gradient_error, best_step)
}
