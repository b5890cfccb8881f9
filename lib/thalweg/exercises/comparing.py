"""Comparing: is what an answer returned equal to what another one did, output by output?"""

import numpy as np

from .exercise import Case, Exercise, Observation

FLOAT32_TOLERANCE = 1e-4


def _tolerance(exercise: Exercise, case: Case) -> float:
    single = any(isinstance(v, np.ndarray) and v.dtype == np.float32 for v in case.inputs.values())
    return max(exercise.tolerance, FLOAT32_TOLERANCE) if single else exercise.tolerance


def distance(given: np.ndarray, wanted: np.ndarray, tolerance: float, absolute: bool = False) -> float:
    """How far ``given`` is from ``wanted``, in units of ``tolerance`` times the largest entry. ``inf``: not comparable."""
    if given.size != wanted.size:
        return np.inf
    given, wanted = given.ravel(), wanted.ravel()
    if given.dtype.kind == "c" or wanted.dtype.kind == "c":
        given, wanted = given.astype(complex), wanted.astype(complex)
    else:
        given, wanted = given.astype(float), wanted.astype(float)
    finite = np.isfinite(wanted)
    if not np.array_equal(finite, np.isfinite(given)):
        return np.inf
    if not finite.any():
        return 0.0
    given, wanted = given[finite], wanted[finite]
    largest = float(np.abs(wanted).max())
    bound = tolerance * (largest if largest > 0 and not absolute else 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # the difference of huge numbers can be infinite
        off = float(np.abs(given - wanted).max())
    if off == 0:
        return 0.0
    return off / bound if off < np.inf and 0 < bound < np.inf else np.inf


def deviations(exercise: Exercise, case: Case, got: Observation, want: Observation) -> dict[str, float]:
    """How far apart two observations of a case are, by output, in units of the tolerance: up to 1 is equal."""
    names = (want.outputs or got.outputs or {}).keys()
    if got.outputs is None or want.outputs is None or got.outputs.keys() != names:
        return dict.fromkeys(names, np.inf)
    tolerance = _tolerance(exercise, case)
    return {n: distance(got.outputs[n], want.outputs[n], tolerance, exercise.absolute) for n in names}


def same(exercise: Exercise, case: Case, got: Observation, want: Observation) -> bool:
    """Do two observations of a case agree: the same values within the tolerance, or the same error?"""
    if got.outputs is None and want.outputs is None:
        return got.error == want.error
    return all(off <= 1 for off in deviations(exercise, case, got, want).values())


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
