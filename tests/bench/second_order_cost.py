"""Measure what Newton's step costs; the chapter on second-order methods shows the table.

    python tests/bench/second_order_cost.py

writes second_order_cost.csv beside itself, one row for each number of parameters: the bytes of a Hessian in double precision, and the CPU seconds, one thread, that it takes to
solve for the step (the fastest of ten up to 1,000 parameters) and to form L-BFGS's step from ten pairs. The 10,000 take some 15 seconds and 2 GB.
"""

import csv
import time
from pathlib import Path

import numpy as np

from thalweg import numpy as tn

SIZES = (100, 300, 1000, 3000, 10_000)


def seconds(work, rounds):
    best = np.inf
    for _ in range(rounds):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def costs(n):
    """Bytes of the Hessian, seconds of Newton's step, seconds of L-BFGS's."""
    rng = np.random.default_rng(0)
    hessian = rng.normal(size=(n, n))
    hessian += hessian.T
    hessian[np.diag_indices(n)] += 4 * n**0.5
    g, s = rng.normal(size=n), rng.normal(size=(10, n))
    pairs = list(s), list(2 * s)
    solve = seconds(lambda: np.linalg.solve(hessian, g), 10 if n <= 1000 else 1)
    return hessian.nbytes, solve, seconds(lambda: tn.two_loop(g, *pairs), 20)


if __name__ == "__main__":
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/second_order_cost.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["parameters", "bytes", "newton seconds", "l-bfgs seconds"])
        for n in SIZES:
            table.writerow([n, *(f"{x:.4g}" for x in costs(n))])
            file.flush()
