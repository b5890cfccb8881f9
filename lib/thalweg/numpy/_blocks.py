"""Stepping in place: any elementwise rule of this half as it is written, without a fresh copy of everything at each step."""

import numpy as np

from ._hyperparameters import require

BLOCK = 2**19  # bytes: what one array of a block holds, so that a step's temporaries stay in the processor's cache

# glibc hands every freed block of some size back to the system, and the next temporary has to fetch its pages anew, until something
# large has been freed once.
np.empty(2**24, np.uint8)


def step_in_place(optimizer, theta, grad, state):
    """One ``optimizer.step`` that overwrites ``theta`` and the arrays of ``state``; returns the next state, made of these arrays.

    The numbers are those of ``step``. It is taken block by block, so that temporaries stay small: with one array of 10 million floats
    Adam takes about a third of the time, with arrays of half a million nothing is gained but memory. The rule has to treat every
    coordinate alike and apart from the others; one that does not says ``elementwise = False`` and is refused.

    ``theta`` and ``grad`` have one shape; ``state`` is what ``optimizer.init(theta)`` or the last step returned: an array of that
    shape, or a tuple of such arrays and of numbers. Raises ValueError naming what it cannot work on: arrays of another shape, a
    ``theta`` or state array that is read-only or not contiguous (C order), a ``theta`` that does not hold floats.
    """
    require(getattr(optimizer, "elementwise", True), "optimizer", optimizer, "elementwise")
    require(isinstance(theta, np.ndarray) and theta.dtype.kind == "f", "theta", theta, "an array of floats")
    parts = list(state) if isinstance(state, tuple) else [state]
    overwritten = [theta, *(part for part in parts if isinstance(part, np.ndarray))]
    for name, array in [("grad", grad := np.asarray(grad)), *(("theta and state", array) for array in overwritten)]:
        require(array.shape == theta.shape, name, array.shape, f"of theta's shape {theta.shape}")
    for array in overwritten:
        usable = array.flags.c_contiguous and array.flags.writeable
        require(usable, "theta and state", f"strides {array.strides}", "contiguous and writeable")

    def packed(parts):
        if not isinstance(state, tuple):
            return parts[0]
        return state._make(parts) if hasattr(state, "_make") else tuple(parts)

    size = BLOCK // theta.itemsize
    for start in range(0, max(theta.size, 1), size):  # one block at least: the numbers in the state count the step

        def cut(part, block=slice(start, start + size)):
            return part.reshape(-1)[block] if isinstance(part, np.ndarray) else part

        old = [cut(theta), *map(cut, parts)]
        new_theta, after = optimizer.step(old[0], cut(grad), packed(old[1:]))
        after = list(after) if isinstance(state, tuple) else [after]
        for target, value in zip(old, [new_theta, *after], strict=True):
            if isinstance(target, np.ndarray):
                target[...] = value
    return packed([part if isinstance(part, np.ndarray) else value for part, value in zip(parts, after, strict=True)])
