"""General slips: what can go wrong in any exercise, made of its reference. What each does is known, so its words can be checked."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np

from thalweg.exercises import Exercise, Judge, Observation, observe

DIAGNOSED = (  # an argument that was replaced can be told in several true ways
    "what would be right if", " times ", "right but for its sign", "in the opposite direction", "comes back as it went in", "is 0 throughout",
    "is the argument", "too large by", "too small by", "off by one", "some of its entries", "have changed places", "where a number is due",
    "with an error",
)  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """What a wrong answer does in a judge's cases, the words of which one must be said, and the outputs that it spoils in all of them.

    ``spoiled`` is None where that is not known.
    """

    name: str
    does: Callable[[Judge], list[Observation]]
    words: tuple[str, ...]
    spoiled: frozenset[str] | None = None


def of(judge: Judge) -> Iterator[Slip]:
    """Every general slip that the exercise's outputs and arguments allow."""
    i = next(i for i, case in enumerate(judge.cases) if case.part == "values")
    signature = inspect.signature(judge.key.reference).parameters
    arguments = {n: judge.cases[i].inputs[n] for n in signature if n in judge.cases[i].inputs}
    numbers = [n for n, x in arguments.items() if isinstance(x, float)]
    yield from _outputs(judge.want[i].outputs, numbers)
    yield from _orders(judge.outputs)
    yield from _replaced(judge.key.reference, arguments, numbers)


def _with_outputs(change: Callable[[dict, dict], dict]) -> Callable[[Judge], list[Observation]]:
    """What the reference does, with ``change(outputs, inputs)`` made to its outputs in each case."""

    def does(judge):
        with np.errstate(all="ignore"):
            return [
                Observation({n: np.asarray(x) for n, x in (w.outputs | change(w.outputs, c.inputs)).items()})
                for c, w in zip(judge.cases, judge.want, strict=True)
            ]

    return does


def _outputs(outputs: dict[str, np.ndarray], numbers: list[str]) -> Iterator[Slip]:
    """One output is spoiled: each in some of the ways, all together in all."""
    changes = {
        "doubled": (lambda x, a: 2 * x, "is 2 times what it should be"),
        "halved": (lambda x, a: x / 2, "is 1/2 times what it should be"),
        "negative": (lambda x, a: -x, "is right but for its sign"),
        "zero": (lambda x, a: 0 * x, "is 0 throughout"),
        "in float32": (lambda x, a: x.astype(np.float32).astype(x.dtype), "as if rounded to float32"),
        "not a number": (lambda x, a: x + np.resize([np.nan, 0], x.shape), "holds NaN where a number is due"),
        "infinite": (lambda x, a: x + np.resize([np.inf, 0], x.shape), "holds infinity where a number is due"),
        "shifted": (lambda x, a: x + 0.3717, "is off by one number, the same in all its entries"),
        "of another scale": (lambda x, a: 0.3715 * x, "is always the same factor, 0.3715, times"),
        "partly right": (
            lambda x, a: x + (np.abs(x).max() or 1) * np.resize([0, 0.3, 0.7], x.shape),
            "is right in some of its entries",
        ),
    }
    for n in numbers:
        changes[f"times {n}"] = (lambda x, a, n=n: a.get(n, 2.0) * x, f"is {n} times what it should be")
        changes[f"over {n}"] = (lambda x, a, n=n: x / (a.get(n) or 2.0), f"is 1/{n} times what it should be")
        changes[f"over 1 - {n}"] = (
            lambda x, a, n=n: x / (1 - a.get(n, 2.0)),
            f"is 1/(1 - {n}) times what it should be",
        )
    if any(value.ndim == 2 for value in outputs.values()):
        changes["transposed"] = (lambda x, a: x.T, "is transposed")
    several = ("shifted", "partly right", "transposed")  # what needs more than one entry to be seen
    for place, (what, (change, words)) in enumerate(changes.items()):
        able = [
            n for n, x in outputs.items() if what not in several or (_turns(x) if what == "transposed" else x.size > 1)
        ]
        for name in able[place % max(len(able), 1) :][:1]:
            spoiled = frozenset() if what == "in float32" else frozenset([name])  # rounding costs form alone
            does = _with_outputs(lambda x, a, name=name, change=change: {name: change(x[name], a)})
            yield Slip(f"{name} {what}", does, (words,), spoiled)


def _orders(outputs: list[str]) -> Iterator[Slip]:
    """The outputs come in another order."""
    for a, b in combinations(outputs, 2):
        words = f"{a} and {b} have changed places"
        does = _with_outputs(lambda x, _, a=a, b=b: {a: x[b], b: x[a]})
        yield Slip(words, does, (words,), frozenset([a, b]))
    if len(outputs) == 3:
        a, b, c = outputs
        does = _with_outputs(lambda x, _: {a: x[b], b: x[c], c: x[a]})
        yield Slip("in turn", does, (f"comes in the order {b}, {c}, {a}",), frozenset(outputs))


def _with_arguments(
    reference: Callable[..., Any], change: Callable[[dict], dict]
) -> Callable[[Judge], list[Observation]]:
    """What the reference does when it is called with the arguments that ``change`` makes of a dict of them."""
    names = list(inspect.signature(reference).parameters)

    def answer(*args):
        arguments = dict(zip(names, args, strict=False))
        return reference(**(arguments | change(arguments)))

    return lambda judge: observe(judge.exercise, answer, judge.cases)


def _replaced(reference: Callable[..., Any], arguments: dict[str, Any], numbers: list[str]) -> Iterator[Slip]:
    """An argument is forgotten, turned round, taken for another one, or is of the step before or after."""
    for n, value in arguments.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            changes = {"negative": np.negative, "absolute": np.abs, "zero": lambda x: 0 * x}
        elif n == "t":
            changes = {"late": lambda x: x + 1, "early": lambda x: x - 1}
        else:
            continue
        for what, change in changes.items():
            words = (f"if t were one {'larger' if what == 'late' else 'smaller'}", "holds") if n == "t" else DIAGNOSED
            replaced = _with_arguments(reference, lambda a, n=n, f=change: {n: None if a[n] is None else f(a[n])})
            yield Slip(f"{n} is {what}", replaced, words)
    for a, b in combinations(numbers, 2):
        swapped = _with_arguments(reference, lambda args, a=a, b=b: {a: args[b], b: args[a]})
        yield Slip(f"{a} and {b} exchanged", swapped, DIAGNOSED)


def overwriting(exercise: Exercise, reference: Callable[..., Any]) -> Iterator[tuple[set[str], Callable[..., Any]]]:
    """The reference, which spoils some of its arguments afterwards: every set of arrays, as names and answer."""
    case = next(case for case in exercise.draw(np.random.default_rng(0)) if case.part == "values")
    names = list(inspect.signature(reference).parameters)
    arrays = [n for n in names if isinstance(case.inputs.get(n), np.ndarray)]
    for chosen in chain.from_iterable(combinations(arrays, k) for k in range(1, len(arrays) + 1)):

        def answer(*args, chosen=chosen):
            result = reference(*args)
            for n, value in zip(names, args, strict=False):
                if n in chosen and value is not None:
                    np.add(value, value.max() + 1, out=value, casting="unsafe")
            return result

        yield set(chosen), answer


def spoiled(seen: Observation) -> Observation:
    """The same outputs, each clearly wrong."""
    return Observation({name: 2 * value + 1 for name, value in seen.outputs.items()})


def _turns(x):
    """Is it another matrix when it is transposed? A symmetric one is not, up to rounding."""
    return x.ndim == 2 and not (x.shape == x.T.shape and np.allclose(x, x.T))
