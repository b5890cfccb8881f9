"""The general diagnosis: what a wrong answer has to do with the right one, in words, for every exercise alike.

Nothing here is known about any exercise. The right outputs are transformed (scaled, exchanged, transposed ...), the reference is
given other inputs (a step later, two arguments exchanged, one left out), and where the answer's outputs come out in *every*
case, that is said. So each word is true of what was seen. What is said names arguments and outputs and shows no drawn number.
"""

# mypy: disable-error-code="misc"
# (it cannot infer lambdas that hold a loop's variable in a default)

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import numpy as np

from .comparing import deviations, distance
from .exercise import Case, Exercise, Observation, observe

Row = tuple[Case, Observation, Observation]  # a case, what the answer did, what the reference did


def wrong_outputs(exercise: Exercise, rows: Sequence[Row]) -> list[str]:
    """The outputs that are wrong in one of the cases at least."""
    found = [deviations(exercise, *row) for row in rows]
    return [name for name in found[0] if any(off[name] > 1 for off in found)]


def in_words(names: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def right_ones(exercise: Exercise, rows: Sequence[Row]) -> str:
    """Which outputs are right where others are not: "m and s are right", or nothing."""
    wrong = wrong_outputs(exercise, rows)
    right = [name for name in rows[0][2].outputs or {} if name not in wrong]
    return f"{in_words(right)} {'is' if len(right) == 1 else 'are'} right" if right and wrong else ""


class Diagnosis:
    """What wrong answers did instead, on one set of cases. What does not depend on the answer is computed once."""

    def __init__(self, exercise: Exercise, reference: Any, cases: Sequence[Case], want: Sequence[Observation]) -> None:
        self.exercise, self.reference, self.cases, self.want = exercise, reference, cases, want
        self.outputs = list(want[0].outputs or {})
        self.tolerance = max(exercise.tolerance, 1e-9)
        self._names = set(inspect.signature(reference).parameters) if callable(reference) else set()
        self._scales: dict[int, tuple[dict[str, Any], np.ndarray]] = {}
        self._would: dict[tuple[str, int], Observation | None] = {}

    def of(self, got: Sequence[Observation], chosen: Sequence[int]) -> str:
        """Clauses joined by semicolons on the chosen cases of one part, in each of which ``got`` has outputs; empty: nothing is known.

        An output is described by the first transformation that gives it in all of these cases.
        """
        rows = [(self.cases[i], got[i], self.want[i]) for i in chosen]
        wrong = wrong_outputs(self.exercise, rows)
        seen = _Seen(self, rows, chosen)
        order = seen.order(wrong)
        if order:
            return order
        found = {name: seen.relation(name) for name in wrong}
        if not all(found.values()):
            whole = seen.substitution(wrong)
            if whole:
                return f"it is what would be right if {whole}"
        for name in [name for name, said in found.items() if not said]:
            partly = seen.substitution([name]) if len(wrong) > 1 else ""
            found[name] = f"is what would be right if {partly}" if partly else seen.traces(name)
        return "; ".join(f"{seen.called(name)} {said}" for name, said in found.items() if said)

    def names(self, i: int) -> list[str]:
        """The inputs of a case that are handed to the answer under their names: others say nothing to a student."""
        return [n for n in self.cases[i].inputs if n in self._names]

    def scales(self, i: int) -> tuple[dict[str, Any], np.ndarray]:
        """Simple factors by their labels, and all of them as numbers (NaN for an array)."""
        if i not in self._scales:
            found = _scales(self.cases[i], self.names(i))
            self._scales[i] = found, np.array([np.nan if np.ndim(x) else x for x in found.values()])
        return self._scales[i]

    def would(self, said: str, change: Callable[[Mapping], dict], i: int) -> Observation | None:
        """What the reference does in a case whose inputs are changed; None if it cannot."""
        if (said, i) not in self._would:
            case, seen = self.cases[i], None
            with contextlib.suppress(ValueError, TypeError, IndexError):
                (seen,) = observe(
                    self.exercise, self.reference, [replace(case, inputs=case.inputs | change(case.inputs))]
                )
            self._would[said, i] = seen if seen and seen.outputs else None
        return self._would[said, i]


class _Seen:
    """One answer on some of the cases."""

    def __init__(self, known: Diagnosis, rows: Sequence[Row], chosen: Sequence[int]) -> None:
        self.known, self.rows, self.chosen = known, rows, chosen
        self.exercise, self.outputs, self.tolerance = known.exercise, known.outputs, known.tolerance
        self.names = [n for n in known.names(chosen[0]) if all(n in case.inputs for case, _, _ in rows)]

    def called(self, name: str) -> str:
        return name if len(self.outputs) > 1 else "the result"

    def holds(self, name: str, give: Callable[[Row], Any]) -> bool:
        """Is the output ``name`` what ``give`` makes of a row, in all of them?"""
        for row in self.rows:
            given = row[1].outputs[name]  # type: ignore[index]
            try:
                with np.errstate(all="ignore"):
                    value = give(row)
            except ValueError:  # the shapes do not go together
                return False
            if value is None or np.shape(value) != given.shape:
                return False
            if not distance(given, np.asarray(value), self.tolerance, self.exercise.absolute) <= 1:
                return False
            if not np.isfinite(given).all():
                return False
        return True

    def order(self, wrong: Sequence[str]) -> str:
        """The right outputs in another order."""
        if len(wrong) < 2 or len(self.outputs) > 5:
            return ""
        # which right output, of whatever shape, stands in each place
        stands = {
            name: [
                other
                for other in wrong
                if all(distance(g.outputs[name], w.outputs[other], self.tolerance) <= 1 for _, g, w in self.rows)  # type: ignore[index]
            ]
            for name in wrong
        }
        if not all(stands.values()):
            return ""
        for places in permutations(wrong):
            if all(other in stands[name] for name, other in zip(wrong, places, strict=True)):
                if len(wrong) == 2:
                    return f"{in_words(wrong)} have changed places in what is returned"
                given = [dict(zip(wrong, places, strict=True)).get(name, name) for name in self.outputs]
                return f"what is returned comes in the order {', '.join(given)} instead of {', '.join(self.outputs)}"
        return ""

    def relation(self, name: str) -> str:
        """How the output ``name`` follows from the right outputs and the inputs, or nothing."""
        for said, give in self._relations(name):
            if self.holds(name, give):
                return said
        return self._not_a_number(name)

    def _relations(self, name: str) -> Iterator[tuple[str, Callable[[Row], Any]]]:
        yield "is 0 throughout", lambda row: np.zeros_like(_real(row[2], name))
        yield "is right but for its sign", lambda row: -_real(row[2], name)
        for other in self.outputs:
            if other != name:
                yield f"is what should be returned as {other}", lambda row, other=other: _real(row[2], other)
        for given in self.names:
            back = "comes back as it went in" if given == name else f"is the argument {given}, unchanged"
            yield back, lambda row, given=given: row[0].inputs[given]
        yield "is transposed", lambda row: _real(row[2], name).T if np.ndim(_real(row[2], name)) > 1 else None
        at = {id(row): self.known.scales(i)[0] for row, i in zip(self.rows, self.chosen, strict=True)}
        case, got, want = self.rows[0]
        for label in self._likely(_real(got, name), _real(want, name), at.values()):
            yield f"is {label} times what it should be", lambda row, x=label: at[id(row)][x] * _real(row[2], name)
        if name in self.names:
            old = case.inputs[name]
            yield "moves in the opposite direction", lambda row: 2 * row[0].inputs[name] - _real(row[2], name)
            if np.shape(old) == got.outputs[name].shape == want.outputs[name].shape:  # type: ignore[index]
                for label in self._likely(_real(got, name) - old, _real(want, name) - old, at.values()):
                    yield (
                        f"moves {label} times as far as it should",
                        lambda row, x=label: (
                            row[0].inputs[name] + at[id(row)][x] * (_real(row[2], name) - row[0].inputs[name])
                        ),
                    )
        for given in (given for given in self.names if given != name):
            yield f"is too large by {given}", lambda row, given=given: _real(row[2], name) + row[0].inputs[given]
            yield f"is too small by {given}", lambda row, given=given: _real(row[2], name) - row[0].inputs[given]

    def _likely(self, given: np.ndarray, wanted: np.ndarray, scales: Iterable[Mapping[str, Any]]) -> list[str]:
        """The factors that are right for the largest entry in the first of the cases, and arrays, which are not tried yet."""
        if given.size != wanted.size or not wanted.size:
            return []
        found, numbers = self.known.scales(self.chosen[0])
        largest = np.argmax(np.abs(wanted))
        g, w = given.ravel()[largest], wanted.ravel()[largest]
        with np.errstate(all="ignore"):
            near = np.isnan(numbers) | (np.abs(numbers * w - g) <= 1e-5 * np.abs(g))
        return [label for label, ok in zip(found, near, strict=True) if ok and all(label in s for s in scales)]

    def _not_a_number(self, name: str) -> str:
        given = [(g.outputs[name], w.outputs[name]) for _, g, w in self.rows]  # type: ignore[index]
        odd = [g[~np.isfinite(g)] for g, w in given if g.size == w.size and np.all(np.isfinite(w))]
        if not any(bad.size for bad in odd):
            return ""
        kinds = [np.isnan(np.concatenate([bad.ravel() for bad in odd])).any(), any(np.isinf(bad).any() for bad in odd)]
        kind = in_words([word for word, there in zip(("NaN", "infinity"), kinds, strict=True) if there])
        return f"holds {kind} where a number is due"

    def substitution(self, wrong: Sequence[str]) -> str:
        """Other inputs for which all of the outputs ``wrong`` would be right, as "t were one larger", or nothing."""
        with np.errstate(all="ignore"):  # 0 times infinity
            for said, change in _changes(self.rows[0][0].inputs, self.names):
                if all(
                    self._right_if(said, change, i, row, wrong) for i, row in zip(self.chosen, self.rows, strict=True)
                ):
                    return said
        return ""

    def _right_if(self, said: str, change: Callable[[Mapping], dict], i: int, row: Row, wrong: Sequence[str]) -> bool:
        would = self.known.would(said, change, i)
        return would is not None and all(
            distance(row[1].outputs[n], would.outputs[n], self.tolerance, self.exercise.absolute) <= 1  # type: ignore[index]
            and np.isfinite(would.outputs[n]).all()  # type: ignore[index]
            for n in wrong
        )

    def traces(self, name: str) -> str:
        """What can be said where no transformation explains the output."""
        pairs = [(_real(g, name), _real(w, name)) for _, g, w in self.rows]
        if any(g.size != w.size for g, w in pairs):
            return "has the wrong number of entries"
        ratios = [r for r in (_ratio(g, w) for g, w in pairs) if r is not None]
        if len(ratios) == len(pairs) and not self.exercise.absolute:
            if len(ratios) > 1 and np.ptp(ratios) <= 1e-7 * abs(ratios[0]):
                return f"is always the same factor, {ratios[0]:.4g}, times what it should be"
            if all(g.size > 1 for g, _ in pairs):
                return "is off by one factor, the same in all its entries"
        gaps = [g.ravel() - w.ravel() for g, w in pairs]
        if all(gap.size > 1 and np.ptp(gap) <= 1e-8 * np.abs(gap).max() for gap in gaps):
            return "is off by one number, the same in all its entries"
        near = [
            np.abs(gap) <= self.exercise.tolerance * np.abs(w).max() for gap, (_, w) in zip(gaps, pairs, strict=True)
        ]
        if all(gap.size > 1 and there.any() and not there.all() for gap, there in zip(gaps, near, strict=True)):
            return "is right in some of its entries and wrong in others"
        return ""


def _real(seen: Observation, name: str) -> np.ndarray:
    assert seen.outputs is not None
    value = seen.outputs[name]
    return value if value.dtype.kind == "c" else value.astype(float)


def _ratio(given: np.ndarray, wanted: np.ndarray) -> float | None:
    """The one number by which ``wanted`` has to be multiplied everywhere, if there is one."""
    g, w = given.ravel(), wanted.ravel()
    if not w.size or np.iscomplexobj(g) or np.iscomplexobj(w):
        return None
    largest = np.argmax(np.abs(w))
    if w[largest] == 0 or not np.all(np.isfinite(g)):
        return None
    factor = float(g[largest] / w[largest])
    return factor if factor and distance(g, factor * w, 1e-9) <= 1 else None


def _scales(case: Case, names: Sequence[str]) -> dict[str, Any]:
    """Simple factors, by what they are called: numbers, expressions of the arguments, lengths."""
    found: dict[str, Any] = {"2": 2.0, "1/2": 0.5, "-2": -2.0, "-1/2": -0.5, "4": 4.0, "1/4": 0.25}
    numbers = {n: float(case.inputs[n]) for n in names if _is_number(case.inputs[n])}
    counts = {n: int(x) for n, x in case.inputs.items() if n in numbers and isinstance(x, int | np.integer)}
    with np.errstate(all="ignore"):
        for n, x in numbers.items():
            forms = {n: x, f"(1 - {n})": 1 - x}
            forms |= {f"(1 - {n}**{t})": 1 - x**k for t, k in counts.items() if n != t and 0 < x < 1}
            found |= {label: value for label, value in forms.items() if value}
            found |= {f"1/{label}": 1 / value for label, value in forms.items() if value}
            found |= {f"{n}**2": x * x, f"(1 + {n})": 1 + x}
            if x > 0:
                found |= {f"sqrt({n})": x**0.5, f"1/sqrt({n})": x**-0.5}
            if 0 < x < 1:
                found |= {f"{n}/(1 - {n})": x / (1 - x), f"(1 - {n})/{n}": (1 - x) / x}
        for (n, x), (k, y) in combinations(numbers.items(), 2):
            found |= {f"{n}*{k}": x * y}
            if x and y:
                found |= {f"{n}/{k}": x / y, f"{k}/{n}": y / x}
        for n in names:
            value = case.inputs[n]
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                for axis, length in enumerate(value.shape):
                    found |= _lengths(f"len({n})" if axis == 0 else f"{n}.shape[{axis}]", length)
                found |= {n: value, f"1/{n}": 1 / value}
    return found


def _lengths(label: str, n: int) -> dict[str, float]:
    if n < 2:
        return {}
    less = f"({label} - 1)"
    return {
        label: n, f"1/{label}": 1 / n, f"sqrt({label})": n**0.5, f"1/sqrt({label})": n**-0.5,
        f"{label}/{less}": n / (n - 1), f"{less}/{label}": (n - 1) / n,
    }  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _changes(
    inputs: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]]:
    """Other inputs to try the reference on, each with how it is said after "if"."""
    numbers = [n for n in names if _is_number(inputs[n])]
    arrays = [n for n in names if isinstance(inputs[n], np.ndarray)]
    for n in names:
        if (n in numbers and isinstance(inputs[n], int | np.integer)) or (n in arrays and inputs[n].dtype.kind == "i"):
            yield f"{n} were one larger", lambda i, n=n: {n: i[n] + 1}
            yield f"{n} were one smaller", lambda i, n=n: {n: i[n] - 1}
    fractions = [n for n in numbers if isinstance(inputs[n], float)]
    for a, b in combinations(fractions, 2):
        yield f"{a} and {b} had changed places", lambda i, a=a, b=b: {a: i[b], b: i[a]}
    for a, b in combinations(arrays, 2):
        if inputs[a].shape == inputs[b].shape:
            yield f"{a} and {b} had changed places", lambda i, a=a, b=b: {a: i[b], b: i[a]}
    for n in fractions:
        yield f"{n} and 1 - {n} had changed places", lambda i, n=n: {n: 1 - i[n]}
        yield f"{n} were 0", lambda i, n=n: {n: 0.0}
        yield f"{n} were 1", lambda i, n=n: {n: 1.0}
    for n in arrays:
        if inputs[n].dtype.kind != "f":
            continue
        yield f"{n} were 0", lambda i, n=n: {n: 0 * i[n]}
        yield f"{n} were 1", lambda i, n=n: {n: np.ones_like(i[n])}
        yield f"{n} had the opposite sign", lambda i, n=n: {n: -i[n]}
        yield f"{n} were replaced by its absolute value", lambda i, n=n: {n: np.abs(i[n])}
        if inputs[n].ndim > 1:
            yield f"{n} were transposed", lambda i, n=n: {n: np.ascontiguousarray(i[n].T)}
        row = "row" if inputs[n].ndim > 1 else "entry"
        if inputs[n].ndim and len(inputs[n]) > 1:
            yield f"the last {row} of {n} were missing", lambda i, n=n: {n: i[n][:-1]}
            yield f"the first {row} of {n} were missing", lambda i, n=n: {n: i[n][1:]}
            yield f"{n} came in the opposite order", lambda i, n=n: {n: i[n][::-1]}
