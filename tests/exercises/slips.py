"""General slips: what can go wrong in any exercise, made of its reference. What each does is known, so its words can be checked."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np

from thalweg.exercises import Exercise, Observation, observe

DIAGNOSED = (  # an argument that was replaced can be told in several true ways
    "what would be right if", " times ", "right but for its sign", "in the opposite direction", "comes back as it went in", "is 0 throughout",
    "is the argument", "too large by", "too small by", "off by one", "some of its entries", "have changed places", "where a number is due",
    "with an error",
)  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A wrong answer, the words of which one must be said, and the outputs that it spoils in every case (None: unknown)."""

    name: str
    answer: Callable[..., Any]
    words: tuple[str, ...]
    spoiled: frozenset[str] | None = None


def of(exercise: Exercise, reference: Callable[..., Any]) -> Iterator[Slip]:
    """Every general slip that the exercise's outputs and arguments allow."""
    case = next(case for case in exercise.draw(np.random.default_rng(0)) if case.part == "values")
    (seen,) = observe(exercise, reference, [case])
    outputs = list(seen.outputs)
    arguments = {n: case.inputs[n] for n in inspect.signature(reference).parameters if n in case.inputs}
    numbers = [n for n, x in arguments.items() if isinstance(x, float)]
    yield from _outputs(reference, seen.outputs, numbers)
    yield from _orders(reference, outputs)
    yield from _replaced(reference, arguments, numbers)


def _with_outputs(reference, change):
    """The reference, with ``change(values, arguments)`` made to the list of what it returns."""
    names = list(inspect.signature(reference).parameters)

    def answer(*args):
        result = reference(*args)
        several = isinstance(result, (tuple, list))
        values = change(list(result) if several else [result], dict(zip(names, args, strict=False)))
        return tuple(values) if several else values[0]

    return answer


def _outputs(reference, outputs, numbers) -> Iterator[Slip]:
    """One output is spoiled."""
    changes = {
        "doubled": (lambda x, a: 2 * x, "is 2 times what it should be"),
        "halved": (lambda x, a: x / 2, "is 1/2 times what it should be"),
        "negative": (lambda x, a: -x, "is right but for its sign"),
        "zero": (lambda x, a: 0 * x, "is 0 throughout"),
        "in float32": (lambda x, a: np.float32(x).astype(np.asarray(x).dtype), "rounded to float32"),
        "not a number": (lambda x, a: x + np.resize([np.nan, 0], np.shape(x)), "holds NaN where a number is due"),
        "infinite": (lambda x, a: x + np.resize([np.inf, 0], np.shape(x)), "holds infinity where a number is due"),
    }
    for n in numbers:
        changes[f"times {n}"] = (lambda x, a, n=n: a[n] * x, f"is {n} times what it should be")
        changes[f"over 1 - {n}"] = (lambda x, a, n=n: x / (1 - a[n]), f"is 1/(1 - {n}) times what it should be")
    for place, (name, value) in enumerate(outputs.items()):
        more = dict(changes)
        if value.size > 1:
            more["shifted"] = (lambda x, a: x + 0.375, "is off by one number, the same in all its entries")
            more["of another scale"] = (lambda x, a: 0.3715 * x, "is always the same factor, 0.3715, times")
            more["partly right"] = (
                lambda x, a: x * np.resize([1, 1.3, 1.7], x.shape),
                "is right in some of its entries",
            )
        if value.ndim == 2:
            more["transposed"] = (lambda x, a: x.T, "is transposed")
        for what, (change, words) in more.items():

            def changed(values, arguments, place=place, change=change):
                with np.errstate(all="ignore"):
                    return [change(x, arguments) if i == place else x for i, x in enumerate(values)]

            yield Slip(f"{name} {what}", _with_outputs(reference, changed), (words,), frozenset([name]))


def _orders(reference, outputs) -> Iterator[Slip]:
    """The outputs come in another order."""
    for i, j in combinations(range(len(outputs)), 2):

        def swapped(values, _, i=i, j=j):
            values[i], values[j] = values[j], values[i]
            return values

        words = f"{outputs[i]} and {outputs[j]} have changed places"
        yield Slip(words, _with_outputs(reference, swapped), (words,), frozenset([outputs[i], outputs[j]]))
    if len(outputs) == 3:
        words = f"comes in the order {outputs[1]}, {outputs[2]}, {outputs[0]}"
        yield Slip(words, _with_outputs(reference, lambda v, _: v[1:] + v[:1]), (words,), frozenset(outputs))


def _with_arguments(reference, change):
    """The reference, called with the arguments that ``change`` makes of a dict of them."""
    names = list(inspect.signature(reference).parameters)

    def answer(*args):
        arguments = dict(zip(names, args, strict=False))
        return reference(**(arguments | change(arguments)))

    return answer


def _replaced(reference, arguments, numbers) -> Iterator[Slip]:
    """An argument is forgotten, turned round, taken for another one, or is of the step before or after."""
    for n, value in arguments.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            changes = {"negative": np.negative, "absolute": np.abs, "zero": lambda x: 0 * x}
        elif n == "t":
            changes = {"late": lambda x: x + 1, "early": lambda x: x - 1}
        else:
            continue
        for what, change in changes.items():
            words = (f"if t were one {'larger' if what == 'late' else 'smaller'}",) if n == "t" else DIAGNOSED
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
