"""The judge: compares what an answer did with what the reference does, gives points for what is right, names known mistakes.

Points follow what is right, output by output. Each output has an equal share of every part (or what the exercise's ``shares`` say).
Of an ordinary part, such as "values", an output earns its share when it is right in all cases of the part. Each named edge case
has an equal share of "edges". And edge cases, "form" and "untouched" count for an output only if it is right for ordinary
inputs: zeros of the right shape are right for many an edge, and earn nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from .comparing import deviations, distance, form_faults, only_rounded, same, tolerance
from .diagnosis import Diagnosis, in_words, right_ones, wrong_outputs
from .exercise import COMPANIONS, Case, Exercise, Observation, observe

SHOWN = 12  # entries: what is shown of an array in full
OVERWRITTEN = "the arguments are overwritten"
OVERWRITTEN_HINT = (
    "The numbers are right, but +=, *= and the like change an array in place, and so does setting its entries: the caller's array is "
    "another one afterwards. Make new arrays, or work on a copy."
)


@dataclass(frozen=True)
class Mistake:
    """A slip that students really make: an answer that makes it, and a hint that names the idea behind it."""

    name: str
    hint: str
    answer: Any


@dataclass
class Key:
    """The right answer to one exercise, and the known mistakes.

    An exercise may build on an earlier one, named by ``builds_on``. Then ``carried`` has the mistakes of that one as they come out here.
    """

    reference: Any
    mistakes: list[Mistake] = field(default_factory=list)
    builds_on: str = ""
    carried: list[Mistake] = field(default_factory=list)

    def mistake(self, name: str, hint: str) -> Callable[[Any], Any]:
        """Decorator: the function below makes this mistake."""

        def register(answer: Any) -> Any:
            self.mistakes.append(Mistake(name, hint, answer))
            return answer

        return register

    def build_on(self, name: str, earlier: "Key", build: Callable[[Any], Any]) -> None:
        """``build(answer)`` is this exercise's answer made of an answer to the earlier exercise called ``name``."""
        self.builds_on = name
        self.carried = [replace(mistake, answer=build(mistake.answer)) for mistake in earlier.mistakes]


@dataclass(frozen=True)
class Verdict:
    """Points by part, and what to tell the student. ``parts``: name -> (earned, possible)."""

    exercise: str
    parts: dict[str, tuple[float, float]]
    mistake: str | None = None  # the known mistake that the answer behaves like
    hint: str | None = None
    message: str = ""  # what was seen, in words; no hidden inputs
    detail: str = ""  # the first difference with its inputs: for the student's own machine only

    @property
    def points(self) -> float:
        """What the answer earned."""
        return round(float(sum(earned for earned, _ in self.parts.values())), 2)

    @property
    def max_points(self) -> float:
        """What there was to earn."""
        return float(sum(possible for _, possible in self.parts.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON. ``detail`` stays behind: it shows inputs."""
        return {
            "exercise": self.exercise,
            "points": self.points,
            "max_points": self.max_points,
            "parts": {name: list(pair) for name, pair in self.parts.items()},
            "mistake": self.mistake,
            "hint": self.hint,
            "message": self.message,
        }


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, separator=", ", threshold=SHOWN, max_line_width=10_000)
        return " ".join(text.split())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _hidden(wanted: Any, given: Any) -> str:
    """Where a long array differs first, when the few entries that are shown of it are the same."""
    if _short(wanted) != _short(given) or not isinstance(wanted, np.ndarray) or wanted.size <= SHOWN:
        return ""
    other = np.asarray(given)
    if other.shape != wanted.shape or other.dtype.kind not in "biuf":
        return ""
    differs = np.argwhere(~np.isclose(other, wanted, rtol=1e-4, atol=0, equal_nan=True))
    if not len(differs):
        return ""
    place = tuple(int(i) for i in differs[0])
    at = ", ".join(map(str, place))
    return f"; the first that differs is [{at}]: expected {_short(wanted[place].item())}, got {_short(other[place].item())}"


def _detail(exercise: Exercise, case: Case, got: Observation, want: Observation) -> str:
    """The first difference with its inputs; nothing for an experiment, whose result is to be measured."""
    if exercise.kind == "experiment":
        return ""
    lines = ["With the inputs" + (f" ({case.note})" if case.note else "")]
    lines += [f"  {name} = {_short(value)}" for name, value in case.inputs.items()]
    if exercise.legend:
        lines.append(f"  where {exercise.legend}")
    for name, wanted in (want.outputs or {}).items():
        has = None if got.outputs is None else got.outputs.get(name, "nothing")
        given = "" if has is None else f", got {_short(has)}"
        lines.append(f"expected {name} = {_short(wanted)}{given}{_hidden(wanted, has)}")
    return "\n".join(lines)


class Judge:
    """Judges answers on one set of cases. The reference and each mistake are run once, however many answers there are."""

    def __init__(self, exercise: Exercise, key: Key, cases: Sequence[Case]) -> None:
        self.exercise, self.key, self.cases = exercise, key, cases
        self.want = observe(exercise, key.reference, cases)
        broken = [case.note or case.part for case, w in zip(cases, self.want, strict=True) if w.outputs is None]
        if broken:
            raise RuntimeError(f"the reference of {exercise.name} fails on its own inputs: {broken}, {self.want}")
        self.outputs = list(self.want[0].outputs or {})
        if any(list(w.outputs or {}) != self.outputs for w in self.want):
            raise RuntimeError(f"{exercise.name} does not name the same outputs in every case")
        # ordinary cases come first: most mistakes are ruled out by the first of them
        order = [*(part for part in exercise.parts if part not in COMPANIONS), "edges"]
        self.order = sorted(range(len(cases)), key=lambda i: order.index(cases[i].part))
        self.ordinary = [i for i in self.order if cases[i].part != "edges"]
        self.diagnosis = Diagnosis(exercise, key.reference, cases, self.want)
        self.mistakes = [*key.mistakes, *key.carried]
        self._did: dict[tuple[int, int], Observation] = {}
        self._stacks: dict[str, tuple[list[int], np.ndarray]] = {}

    def verdict(self, got: Sequence[Observation], earlier: Mapping[str, str | None] | None = None) -> Verdict:
        """The verdict on ``got``, an answer's observations of the cases.

        ``earlier``: the mistakes that were seen in earlier exercises, by exercise. One that is carried on into this one costs
        nothing here.
        """
        got = [self._named(seen) for seen in got]
        verdict = self._verdict(got)
        seen = (earlier or {}).get(self.key.builds_on)
        carried = next((m for m in self.key.carried if m.name == seen), None)
        if carried is None or verdict.points == verdict.max_points:
            return verdict
        try:
            other = Judge(self.exercise, Key(carried.answer), self.cases)._verdict(got)
        except RuntimeError:  # the mistake comes to no result on some input
            return verdict
        if other.points <= verdict.points:
            return verdict
        return replace(other, message=f"The mistake of an earlier exercise comes back ({seen}) and costs nothing here. " + (
            "Nothing else is wrong." if other.points == other.max_points else other.message
        ))  # fmt: skip

    def _named(self, seen: Observation) -> Observation:
        """An observation with the outputs that were asked for; where it is graded, it can come with any others."""
        if seen.outputs is None or seen.outputs.keys() == set(self.outputs):
            return seen
        return replace(seen, outputs=None, error=f"UnusableError: it is not {in_words(self.outputs)}")

    def _verdict(self, got: Sequence[Observation]) -> Verdict:
        off = [deviations(self.exercise, *row) for row in zip(self.cases, got, self.want, strict=True)]
        faults = [form_faults(g, w) for g, w in zip(got, self.want, strict=True)]
        for case, there, found in zip(self.cases, off, faults, strict=True):
            for name in [name for name, x in there.items() if only_rounded(self.exercise, case, x)]:
                there[name] = 1.0  # right, in numbers of the wrong kind
                found.setdefault(name, f"{name} is right to a few digits only, as if rounded to float32 on the way")
        changed = sorted({name for g in got for name in g.changed})
        parts = self._points(off, faults, changed)
        if all(earned == possible for earned, possible in parts.values()):
            return Verdict(self.exercise.name, parts, message="Everything is right.")
        known, where = self._known(got, off, faults)
        failed = [i for i in self.order if any(x > 1 for x in off[i].values())]
        fault = next((words for i in [*failed, *self.order] for words in faults[i].values()), "")
        message = self._message(got, failed, fault, changed, known)
        if where:
            message += f" In {where} it behaves like a known mistake; that is not all."
        if known is None and changed and not failed and not fault:
            known = Mistake(OVERWRITTEN, OVERWRITTEN_HINT, None)
        if known is None:
            return Verdict(self.exercise.name, parts, message=message)
        return Verdict(self.exercise.name, parts, known.name, known.hint, message)

    def detail(self, got: Sequence[Observation]) -> str:
        """The first difference with its inputs, or nothing."""
        for i in self.order:
            if not same(self.exercise, self.cases[i], got[i], self.want[i]):
                return _detail(self.exercise, self.cases[i], got[i], self.want[i])
        return ""

    # --- points -----------------------------------------------------------------------------------------------------

    def _points(self, off, faults, changed) -> dict[str, tuple[float, float]]:
        groups: dict[str, dict[str, list[int]]] = {}  # by part: the edges by their names, or all cases of the part
        for i, case in enumerate(self.cases):
            groups.setdefault(case.part, {}).setdefault(case.note if case.part == "edges" else "", []).append(i)
        weight = {name: self.exercise.shares.get(name, 1.0) for name in self.outputs}

        def share(names) -> float:
            return sum(weight[name] for name in names) / sum(weight.values())

        def right(cases) -> set[str]:
            return {name for name in self.outputs if all(off[i][name] <= 1 for i in cases)}

        ordinary = {part: right(found[""]) for part, found in groups.items() if part != "edges"}
        live = set().union(*ordinary.values())
        earned = {part: share(names) for part, names in ordinary.items()}
        edges = [share(live & right(cases)) for cases in groups.get("edges", {}).values()]
        earned["edges"] = sum(edges) / len(edges) if edges else 0.0
        earned["form"] = share(name for name in live if not any(name in fault for fault in faults))
        earned["untouched"] = 0.0 if changed else share(live)
        return {
            part: (possible if earned[part] > 1 - 1e-9 else round(possible * earned[part], 2), possible)
            for part, possible in self.exercise.parts.items()
        }

    # --- known mistakes ---------------------------------------------------------------------------------------------

    def _does(self, number: int, i: int) -> Observation:
        """What the mistake with this number does in case ``i``."""
        if (number, i) not in self._did:
            (self._did[number, i],) = observe(self.exercise, self.mistakes[number].answer, [self.cases[i]])
        return self._did[number, i]

    def _same(self, number: int, got: Sequence[Observation], cases: Sequence[int]) -> bool:
        return all(same(self.exercise, self.cases[i], got[i], self._does(number, i)) for i in cases)

    def _known(self, got, off, faults) -> tuple[Mistake | None, str]:
        """The mistake that the answer behaves like, and in which outputs if not in all."""
        mistakes = self.mistakes
        wrong = {name for i in self.ordinary for name, x in off[i].items() if x > 1}
        if not wrong:  # what is wrong with it shows in edge cases, in form or in side effects only
            found = [n for n in range(len(mistakes)) if self._same(n, got, self.order) and self._side(n, got, faults)]
            return (mistakes[found[0]] if found else None), ""
        near = {name: self._near(name, got[self.ordinary[0]]) for name in self.outputs}
        found = [n for n in sorted(set.intersection(*near.values())) if self._same(n, got, self.ordinary)]
        best = [n for n in found if self._same(n, got, self.order)] + found
        if best:
            return mistakes[best[0]], ""
        if len(self.outputs) == 1 or any(got[i].outputs is None for i in self.ordinary):
            return None, ""
        for n in sorted(set().union(*(near[name] for name in wrong))):
            explained = self._explained(n, got, wrong)
            if explained:
                return mistakes[n], in_words([name for name in self.outputs if name in explained])
        return None, ""

    def _near(self, name: str, got: Observation) -> set[int]:
        """The mistakes that may do what ``got`` does with an output in the first ordinary case: the others need not be compared."""
        every, i = set(range(len(self.mistakes))), self.ordinary[0]
        if got.outputs is None or self.exercise.absolute or not every:
            return every
        if name not in self._stacks:
            did = {n: seen.outputs[name] for n in every if (seen := self._does(n, i)).outputs}
            fit = [n for n, value in did.items() if value.size == (self.want[i].outputs or {})[name].size]
            self._stacks[name] = fit, np.array([did[n].ravel() for n in fit])
        fit, stack = self._stacks[name]
        given = got.outputs[name].ravel()
        if not fit or given.size != stack.shape[1]:
            return every.difference(fit)
        with np.errstate(all="ignore"):
            far = np.abs(stack - given).max(axis=1) > 1e-3 * np.abs(stack).max(axis=1)
        return every.difference(np.array(fit)[far])

    def _side(self, number: int, got, faults) -> bool:
        """The same form and side effects? They decide where a mistake's values are right."""
        seen = [self._does(number, i) for i in range(len(self.cases))]
        if not all(same(self.exercise, *row) for row in zip(self.cases, seen, self.want, strict=True)):
            return True
        return all(
            (g.changed, f) == (s.changed, form_faults(s, w))
            for g, f, s, w in zip(got, faults, seen, self.want, strict=True)
        )

    def _explained(self, number: int, got, wrong: set[str]) -> set[str]:
        """The wrong outputs that the mistake gets wrong in the same way, provided that it gets no other one wrong."""
        alike = set(wrong)
        for i in self.ordinary:
            did = self._does(number, i).outputs
            if did is None:
                return set()
            one = partial(distance, tolerance=tolerance(self.exercise, self.cases[i]), absolute=self.exercise.absolute)
            alike = {name for name in alike if one(got[i].outputs[name], did[name]) <= 1}
            if not alike:
                return set()
        spoils = self._spoils(number)
        return alike & spoils if spoils <= wrong else set()

    def _spoils(self, number: int) -> set[str]:
        """The outputs that a mistake gets wrong for ordinary inputs."""
        seen = [deviations(self.exercise, self.cases[i], self._does(number, i), self.want[i]) for i in self.ordinary]
        return {name for off in seen for name, x in off.items() if x > 1}

    # --- words ------------------------------------------------------------------------------------------------------

    def _message(self, got, failed: Sequence[int], fault: str, changed: Sequence[str], known) -> str:
        """What was seen, in words, without inputs."""
        also = f" It also modifies its argument{'s' * (len(changed) > 1)} {in_words(changed)}." if changed else ""
        if not failed:
            if fault:
                return f"The values are right, but {fault}." + also
            return f"The values are right, but it modifies its argument{'s' * (len(changed) > 1)} {in_words(changed)}."
        first = failed[0]  # an ordinary case, if one of them failed
        if self.exercise.kind == "experiment" and got[first].outputs:
            return "The number is not the one that the experiment gives."
        part = [i for i in failed if self.cases[i].part == self.cases[first].part]
        for i in part:
            if got[i].error is not None:
                return self._stopped(got[i].error, part) + also
        if self.cases[first].part == "edges":
            return self._edges(got, part) + also
        where = {"values": "A single call gives wrong values", "steps": "It goes wrong over several steps"}.get(
            self.cases[first].part, "It is right for ordinary inputs but wrong" + self._for(part[:1])
        )
        rows = [(self.cases[i], got[i], self.want[i]) for i in part]
        shaped = [f for i in part for f in form_faults(got[i], self.want[i]).values() if "shape" in f]
        if len(part) < sum(case.part == self.cases[first].part for case in self.cases):
            where += " for some inputs, not for all"
        said = [right_ones(self.exercise, rows), "" if known else self.diagnosis.of(got, part)]
        if shaped and not said[1]:
            said.append(shaped[0])
        said = [clause for clause in said if clause]
        return where + (": " + "; ".join(said) if said else "") + "." + also

    def _for(self, cases: Sequence[int]) -> str:
        notes = list(dict.fromkeys(self.cases[i].note for i in cases if self.cases[i].note))
        return f" for {in_words(notes)}" if notes else ""

    def _edges(self, got, failed: Sequence[int]) -> str:
        rows = [(self.cases[i], got[i], self.want[i]) for i in failed]
        wrong = wrong_outputs(self.exercise, rows)
        odd = any(
            not np.isfinite(g.outputs[n]).all() and np.isfinite(w.outputs[n]).all()
            for _, g, w in rows
            for n in wrong
            if g.outputs and w.outputs
        )
        only = f" ({in_words(wrong)})" if len(wrong) < len(self.outputs) else ""
        return f"It is right for ordinary inputs but wrong{self._for(failed)}{only}" + (
            ": there it gives NaN or infinity where a number is due." if odd else "."
        )

    def _stopped(self, error: str, failed: Sequence[int]) -> str:
        if error.startswith("NotImplementedError"):
            return "There is no answer yet."
        where = self._for(failed) if self.cases[failed[0]].part == "edges" else ""
        unusable = error.startswith("UnusableError: ")
        fault = "What it returns cannot be used" if unusable else "It stops with an error"
        return f"{fault}{where}: {error.removeprefix('UnusableError: ')}"


def judge(
    exercise: Exercise,
    key: Key,
    cases: Sequence[Case],
    got: Sequence[Observation],
    earlier: Mapping[str, str | None] | None = None,
) -> Verdict:
    """Compare ``got``, an answer's observations of ``cases``, with the reference's; ``earlier`` as in :meth:`Judge.verdict`."""
    return Judge(exercise, key, cases).verdict(got, earlier)


def parts_in_words(parts: Mapping[str, tuple[float, float]]) -> str:
    """One line: "values 1.5/1.5, steps 0/0.5"."""
    return ", ".join(f"{name} {earned:g}/{possible:g}" for name, (earned, possible) in parts.items())
