"""The assignment on schedules, as it is asked: inputs, signatures, points."""

import numpy as np

from .exercise import Case, Exercise, unpack


def _draw_cosine(rng):
    def case(part, steps, note="", **changes):
        inputs = {"steps": steps, "lr": float(rng.uniform(0.3, 0.9)), "end": float(rng.uniform(0.05, 0.15))} | changes
        return Case(part, inputs, note)

    return [
        case("edges", 1, "a single step"),
        case("edges", 2, "two steps"),
        case("edges", 7, "an end of 0", end=0.0),
        case("edges", 6, "a rate that rises", lr=float(rng.uniform(0.05, 0.1)), end=float(rng.uniform(0.5, 0.9))),
        case("values", 9),
        case("values", 16),
    ]


cosine = Exercise(
    name="schedules.cosine",
    title="A cosine with both its ends",
    draw=_draw_cosine,
    run=lambda answer, inputs: {"rates": answer(inputs["steps"], inputs["lr"], inputs["end"])},
    parts={"values": 2, "edges": 0.5, "form": 0.5},
)


def _draw_stairs(rng):
    def case(part, n, batch, every, note="", t=None, **changes):
        per_epoch = -(-n // batch)
        borders = per_epoch * every * np.arange(5)
        # the last update before a stair, the first and the second one on it; and one far along
        here = np.unique(np.concatenate([borders, borders[1:] - 1, borders + 1, [per_epoch * every * 5 + 2]]))
        t = rng.permutation(here) if t is None else t
        inputs = {"t": t, "n": n, "batch": batch, "every": every}
        inputs |= {"lr": float(rng.uniform(0.3, 0.9)), "gamma": float(rng.uniform(0.3, 0.6))}
        return Case(part, inputs | changes, note)

    return [
        case("edges", 40, 8, 2, "batches that fill the epoch"),
        case("edges", 5, 16, 3, "a batch larger than the data"),
        case("edges", 23, 5, 2, "the first update alone", t=np.array([0])),
        case("edges", 23, 5, 2, "a matrix of updates", t=rng.permutation(60).reshape(6, 10)),
        case("edges", 17, 4, 1, "a stair each epoch"),
        case("values", 5 * int(rng.integers(3, 6)) + 2, 5, 2),
        case("values", 7 * int(rng.integers(4, 8)) + 3, 7, 3),
    ]


stairs = Exercise(
    name="schedules.stairs",
    title="Stairs in epochs, steps in mini-batches",
    draw=_draw_stairs,
    run=lambda answer, inputs: {"rates": answer(*(inputs[n] for n in ("t", "n", "batch", "lr", "every", "gamma")))},
    parts={"values": 2, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)


def _draw_place(rng):
    def case(part, first, growth, note="", t=None):
        begins = first * np.concatenate([[0], np.cumsum(growth ** np.arange(5))])
        inside = [b + (first * growth**k + 1) // 2 for k, b in enumerate(begins[:5])]
        here = np.unique(np.concatenate([begins, begins[1:] - 1, inside]))
        return Case(part, {"t": rng.permutation(here) if t is None else t, "first": first, "growth": growth}, note)

    first = int(rng.integers(5, 9))
    return [
        case("edges", first, 1, "cycles that do not grow"),
        case("edges", 1, 3, "borders of powers of 3", t=rng.permutation([0, 1, 4, 13, 40, 120, 121, 364, 1093])),
        case("edges", first, 2, "the first step alone", t=np.array([0])),
        case("edges", first, 2, "far along", t=first * (2 ** np.array([18, 20]) - 1) + np.array([0, first])),
        case("values", first, 2),
        case("values", int(rng.integers(3, 6)), 3),
    ]


def _run_place(answer, inputs):
    found = unpack(answer(inputs["t"], inputs["first"], inputs["growth"]), "cycle", "passed")
    return found | {"cycle": np.asarray(found["cycle"]) * 1.0}  # a count may come as whole numbers, too


place = Exercise(
    name="schedules.place",
    title="The place in a growing cycle",
    draw=_draw_place,
    run=_run_place,
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
)


def _draw_warm(rng):
    def case(part, steps, note="", t=None, **changes):
        t = rng.permutation(2 * steps + 5) if t is None else t
        inputs = {"t": t, "steps": steps, "start": float(rng.uniform(0.05, 0.15))}
        inputs |= {"lr": float(rng.uniform(0.6, 0.9)), "fall": float(rng.uniform(0.1, 0.2))}
        return Case(part, inputs | changes, note)

    return [
        case("edges", 6, "a start at 0", start=0.0),
        case("edges", 5, "a start above the plan", start=float(rng.uniform(1.5, 2.0))),
        case("edges", 0, "no warm-up at all"),
        case("edges", 7, "the step where they meet alone", t=np.array([7])),
        case("values", int(rng.integers(5, 9))),
        case("values", int(rng.integers(10, 14))),
    ]


def _run_warm(answer, inputs):
    def plan(t):
        return inputs["lr"] / (1 + inputs["fall"] * np.asarray(t))

    return {"rates": answer(inputs["t"], plan, inputs["steps"], inputs["start"])}


warm_up = Exercise(
    name="schedules.warm_up",
    title="A warm-up that is joined without a jump",
    legend="plan(t) = lr / (1 + fall * t)",
    draw=_draw_warm,
    run=_run_warm,
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
)


def _draw_left(rng):
    def case(part, steps, note="", scale=1.0, **changes):
        rates = scale * rng.uniform(0.2, 0.6, size=steps)
        inputs = {"rates": rates, "h": float(rng.uniform(0.6, 0.9)), "sigma": float(rng.uniform(1.5, 2.5))}
        return Case(part, inputs | {"start": float(rng.uniform(2.5, 3.5))} | changes, note)

    forgets = np.array([0.3, 0.5, 1.0, 0.4, 0.2]) * rng.uniform(0.99, 1.01, size=5)
    forgets[2] = 2.0
    return [
        case("edges", 1, "a single step"),
        case("edges", 5, "a step that forgets all", rates=forgets, h=0.5),
        case("edges", 4, "a rate of 0", rates=np.array([0.3, 0.5, 0.0, 0.4])),
        case("edges", 5, "steps that jump across", scale=3.0),
        case("values", 4),
        case("values", 6),
    ]


left_over = Exercise(
    name="schedules.left_over",
    title="What is left of each step's noise",
    draw=_draw_left,
    run=lambda answer, inputs: unpack(
        answer(inputs["rates"], inputs["h"], inputs["sigma"], inputs["start"]), "of_start", "of_noise"
    ),
    parts={"values": 2.5, "edges": 1, "form": 0.25, "untouched": 0.25},
)


def _draw_trial(rng):
    def case(part, note="", scale=1.0):
        gaps = rng.uniform(0.38, 0.42, size=20)
        steep = int(rng.integers(7, 9))
        gaps[steep] = 0.1
        falls = np.full(20, 0.01)
        falls[4:15] = rng.uniform(0.07, 0.08, size=11)
        falls[11:14] = 0.25  # the loss falls most from one step to the next here, but over a wide gap
        falls[15:] = [-0.02, -0.3, -0.5, -0.8, -1.2]
        losses = 3.0 - np.concatenate([[0], np.cumsum(falls)])
        losses[2] -= 0.35  # a lucky batch
        losses[18] -= 1.5  # and another one
        return Case(
            part,
            {"rates": 1e-4 * np.exp(np.concatenate([[0], np.cumsum(gaps)])), "losses": scale * losses},
            note,
        )

    few = np.array([1e-3, 1e-2, 5e-2, 0.5])
    return [
        case("edges", "losses in other units", scale=1e-3),
        Case("edges", {"rates": few, "losses": np.array([2.3, 2.0, 0.9, 3.0])}, "four rates only"),
        case("values"),
        case("values"),
    ]


read_trial = Exercise(
    name="schedules.read_trial",
    title="Read a range trial",
    draw=_draw_trial,
    run=lambda answer, inputs: unpack(answer(inputs["rates"], inputs["losses"]), "smooth", "steepest", "cautious"),
    parts={"values": 3, "edges": 0.5, "form": 0.25, "untouched": 0.25},
)

best_drop = Exercise(
    name="schedules.best_drop",
    title="Experiment: when to drop the rate",
    draw=lambda rng: [Case("values", {})],
    run=lambda answer, inputs: {"step": float(answer)},
    parts={"values": 3},
    tolerance=2.5,
    absolute=True,
    kind="experiment",
)

EXERCISES = {e.name: e for e in (cosine, stairs, place, warm_up, left_over, read_trial, best_drop)}
