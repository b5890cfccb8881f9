"""Comparing: is what an answer returned equal to what another one did, output by output?"""

import numpy as np

from .exercise import Case, Exercise, Observation

FLOAT32_TOLERANCE = 1e-4
ROUNDED = 1e-5  # relative: what rounding to float32 on the way can make of a right result


def tolerance(exercise: Exercise, case: Case) -> float:
    """How far apart equal values may be in a case: more where an input is float32."""
    return max(exercise.tolerance, FLOAT32_TOLERANCE) if case.single else exercise.tolerance


def distance(given: np.ndarray, wanted: np.ndarray, tolerance: float, absolute: bool = False) -> float:
    """How far ``given`` is from ``wanted``, in units of ``tolerance`` times the largest entry. ``inf``: not comparable."""
    if given is wanted:
        return 0.0
    if given.size != wanted.size:
        return np.inf
    if min(given.ndim, wanted.ndim) > 1 and given.squeeze().shape != wanted.squeeze().shape:  # transposed, say
        return np.inf
    if given.shape != wanted.shape or given.dtype != wanted.dtype or given.dtype.kind not in "fc":
        kind = complex if "c" in (given.dtype.kind, wanted.dtype.kind) else float
        given, wanted = given.ravel().astype(kind), wanted.ravel().astype(kind)
    with np.errstate(all="ignore"):  # the difference of huge numbers can be infinite
        off = float(np.abs(given - wanted).max(initial=0))
        if off == 0:
            return 0.0
        largest = float(np.abs(wanted).max(initial=0))
    if not (off < np.inf and largest < np.inf):
        finite = np.isfinite(wanted)
        if finite.all() or (finite != np.isfinite(given)).any():
            return np.inf
        return distance(given[finite], wanted[finite], tolerance, absolute)
    bound = tolerance * (largest if largest > 0 and not absolute else 1.0)
    return off / bound if 0 < bound < np.inf else np.inf


def deviations(exercise: Exercise, case: Case, got: Observation, want: Observation) -> dict[str, float]:
    """How far apart two observations of a case are, by output, in units of the tolerance: up to 1 is equal."""
    names = (want.outputs or got.outputs or {}).keys()
    if got.outputs is None or want.outputs is None or got.outputs.keys() != names:
        return dict.fromkeys(names, np.inf)
    allowed = tolerance(exercise, case)
    return {n: distance(got.outputs[n], want.outputs[n], allowed, exercise.absolute) for n in names}


def same(exercise: Exercise, case: Case, got: Observation, want: Observation) -> bool:
    """Do two observations of a case agree: the same values within the tolerance, or the same error?"""
    if got.outputs is None and want.outputs is None:
        return got.error == want.error
    if got.outputs is None or want.outputs is None or got.outputs.keys() != want.outputs.keys():
        return False
    allowed = tolerance(exercise, case)  # the first difference decides
    return all(distance(got.outputs[n], x, allowed, exercise.absolute) <= 1 for n, x in want.outputs.items())


def only_rounded(exercise: Exercise, case: Case, off: float) -> bool:
    """Is a deviation beyond the tolerance no more than float32 on the way to a float64 result explains?"""
    return not exercise.absolute and 1 < off <= ROUNDED / tolerance(exercise, case)


def form_faults(got: Observation, want: Observation) -> dict[str, str]:
    """What is wrong with shapes and kinds of number, in words, by output. An error has no form."""
    faults: dict[str, str] = {}
    if got.outputs is None or want.outputs is None:
        return faults
    for name, wanted in want.outputs.items():
        given = got.outputs.get(name)
        if given is None:
            faults[name] = f"{name} is missing"
        elif given.shape != wanted.shape:
            faults[name] = f"{name} has shape {given.shape}, expected {wanted.shape}"
        elif given.dtype.kind != wanted.dtype.kind:
            faults[name] = f"{name} holds {given.dtype} numbers, expected {wanted.dtype}"
    return faults
