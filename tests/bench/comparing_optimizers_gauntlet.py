"""Run every optimizer of the book through the gauntlet; the chapter on comparing optimizers shows the tables.

    python tests/bench/comparing_optimizers_gauntlet.py

writes comparing_optimizers_gauntlet.csv and comparing_optimizers_gauntlet_rates.csv beside itself, in three minutes on one thread. Optimizers are found
in thalweg.numpy by themselves: all that have ``init`` and ``step``, but for those in LEFT_OUT. 720 unit tests (thalweg.numpy.unit_tests), 200
steps, rates from 1e-5 to 100 in half decades. A test is passed if at most a tenth of the loss is left. Rates are chosen on the seeds 0 to 4: for each test
its own (the most passes; among equals the least loss left), and one for all tests together. What is stored comes from the seeds 5 to 9.

The first table has a row for each test. A cell "5 3 0 0.0123" says: passed with 5 of 5 seeds at the test's own best rate, 3 at the one rate for all
tests, 0 at the default rate; and the loss that is left on average at the own best rate (at most 10 for one seed). An optimizer without a rate has three
equal counts. The second table has the share of all tests and seeds that is passed at each rate, on the seeds for choosing and on those for reporting.
"""

import csv
from dataclasses import fields
from pathlib import Path

import numpy as np

import thalweg.numpy as tn

RATES = [float(f"{rate:.3g}") for rate in 10 ** np.arange(-5, 2.1, 0.5)]
CHOOSE, REPORT, GOAL, WORST = range(5), range(5, 10), 0.1, 10.0
LEFT_OUT = {  # class: why
    "MomentumRateInside": "the heavy ball's path",
    "NesterovLookAhead": "Nesterov's path",
    "AdamEpsilonHat": "Adam's path, but for a tiny epsilon",
    "PRONG": "asks for the inputs of a layer",
    "KFAC": "asks for the inputs of a layer",
}
NAMES = {
    "GradientDescent": "gradient descent", "Momentum": "heavy ball", "RpropBacktracking": "Rprop with backtracking",
    "VSGD": "vSGD", "AdamUncorrected": "Adam uncorrected", "LBFGS": "L-BFGS",
}  # fmt: skip
ORDER = ["gradient descent", "heavy ball", "Nesterov", "Manhattan", "Rprop", "Rprop with backtracking", "AdaGrad", "RMSProp", "AdaDelta", "vSGD",
         "Adam uncorrected", "Adam", "AdaMax", "AdamW", "Lion", "Muon", "L-BFGS"]  # fmt: skip
OPTIONS = {"Muon": {"weight_decay": 0.0}}  # torch's default, 0.1, is meant for a rate of 0.001 and would pull all to 0


class ManyLBFGS:
    """`tn.LBFGS` with a memory of ten, for many runs at once: the parameters of each run are the last two axes."""

    def __init__(self, lr=1.0, memory=10):
        self.lr, self.memory = lr, memory

    def init(self, theta):
        empty = np.zeros((self.memory, *theta.shape[:-2], theta.shape[-2] * theta.shape[-1]))
        return (empty, empty, empty[..., :1]), None  # s, y and 1/(s y), the newest at the end; zeros do nothing

    def step(self, theta, grad, state):
        pairs, last = state
        g = grad.reshape(*grad.shape[:-2], -1)
        point = theta.reshape(g.shape)
        if last is None:
            direction = np.minimum(1, 1 / np.abs(g).sum(axis=-1, keepdims=True)) * g
        else:
            s, y = point - last[0], g - last[1]
            keep = _dot(s, y) > 1e-10  # the loss bends upwards along the pair
            new = s, y, 1 / np.where(keep, _dot(s, y), 1)
            pairs = [np.where(keep, np.concatenate([old[1:], x[None]]), old) for old, x in zip(pairs, new, strict=True)]
            direction = _two_loop(g, *pairs)
        return theta - self.lr * direction.reshape(theta.shape), (pairs, (point, g))


def _dot(a, b):
    return (a * b).sum(axis=-1, keepdims=True)


def _two_loop(g, s, y, inverse):
    """The two loops of tn.two_loop, for many runs at once."""
    q, weights = g, []
    for k in reversed(range(len(s))):
        weights.append(inverse[k] * _dot(s[k], q))
        q = q - weights[-1] * y[k]
    known = inverse[-1] > 0
    q = np.where(known, q / np.where(known, inverse[-1] * _dot(y[-1], y[-1]), 1), q)
    for k in range(len(s)):
        q = q + (weights[-1 - k] - inverse[k] * _dot(y[k], q)) * s[k]
    return q


def contestants():
    """Name: a function that makes the optimizer at a rate (``None``: its default), in the order of the book."""
    found = {}
    for name, rule in vars(tn).items():
        if isinstance(rule, type) and hasattr(rule, "init") and hasattr(rule, "step") and name not in LEFT_OUT:
            rated = "lr" in {f.name for f in fields(rule)}
            made, options = ManyLBFGS if name == "LBFGS" else rule, OPTIONS.get(name, {})

            def make(rate=None, made=made, rated=rated, options=options):
                return made(**options, **({"lr": rate} if rated and rate is not None else {}))

            found[NAMES.get(name, name)] = (make, rated)
    return dict(sorted(found.items(), key=lambda item: [*ORDER, item[0]].index(item[0])))


def measured(make, rated, tests):
    """Of one optimizer: cells (one a test), shares passed at each rate on both groups of seeds."""
    seeds = [*CHOOSE, *REPORT]
    rates = RATES if rated else [None]
    left = np.array([np.minimum(tn.gauntlet(make(rate), tests, seeds), WORST) for rate in rates])
    passed = left <= GOAL  # rates x tests x seeds
    default = tn.gauntlet(make(None), tests, REPORT) <= GOAL
    first, second = (slice(0, len(CHOOSE)), slice(len(CHOOSE), None))
    own = (passed[..., first].sum(axis=2) - left[..., first].mean(axis=2) / (2 * WORST)).argmax(axis=0)
    one = passed[..., first].sum(axis=(1, 2)).argmax()
    rows = np.arange(len(tests))
    counts = (passed[own, rows, second].sum(axis=1), passed[one][:, second].sum(axis=1), default.sum(axis=1))
    cells = [f"{a} {b} {c} {x:.3g}" for a, b, c, x in zip(*counts, left[own, rows, second].mean(axis=1), strict=True)]
    return cells, [(rate, passed[k][:, first].mean(), passed[k][:, second].mean()) for k, rate in enumerate(rates)]


if __name__ == "__main__":
    tests = tn.unit_tests()
    columns, shares = {}, []
    for name, (make, rated) in contestants().items():
        columns[name], found = measured(make, rated, tests)
        shares += [(name, "" if rate is None else f"{rate:g}", f"{a:.4f}", f"{b:.4f}") for rate, a, b in found]
        print(name, max(row[2] for row in shares if row[0] == name), flush=True)
    head = [f.name for f in fields(tn.UnitTest)]
    tables = {
        "": ([*head, *columns], [[*(getattr(test, h) for h in head), *(c[i] for c in columns.values())] for i, test in enumerate(tests)]),
        "_rates": (["optimizer", "rate", "choosing", "reporting"], shares),
    }  # fmt: skip
    for suffix, (names, rows) in tables.items():
        with Path(__file__).with_name(f"comparing_optimizers_gauntlet{suffix}.csv").open("w", newline="") as file:
            file.write("# made by: python tests/bench/comparing_optimizers_gauntlet.py\n")
            table = csv.writer(file, lineterminator="\n")
            table.writerows([names, *rows])
