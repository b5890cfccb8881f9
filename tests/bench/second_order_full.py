"""Measure what full gradients are worth to each method; the chapter on second-order methods shows the table.

    python tests/bench/second_order_full.py

writes second_order_full.csv beside itself; it takes some minutes. A softmax regression on the digits with the penalty 0.01 times half the squared weights, full
gradients, until no entry of the gradient is above 1e-6; five seeds draw the start and which 1,348 images are for training. First-order methods: at their best rate of a grid in
steps of 2 on the seeds 100 and 101, and the two with momentum at the best pair of a rate and a momentum of 0.85, 0.9 or 0.95 (Adam's decays at their defaults), at most 6,000 steps; "inf" where a
method has not arrived. A row: method, rate (and momentum), seed, evaluations (a gradient counts as one, a product as two), CPU seconds, the largest entry of the last gradient.
"""

import csv
import time
from itertools import product
from pathlib import Path

import numpy as np
from second_order_batches import Softmax

from thalweg import data
from thalweg import numpy as tn

SEEDS, TRIALS, GOAL, MOST = range(5), (100, 101), 1e-6, 6000
PAIRS = list(product(2.0 ** np.arange(-1, 3), (0.85, 0.9, 0.95)))
SETTINGS = {
    "gradient descent": (tn.GradientDescent, [(lr,) for lr in 2.0 ** np.arange(-3, 3)]),
    "heavy ball": (tn.Momentum, PAIRS),
    "Nesterov": (tn.Nesterov, PAIRS),
    "Adam": (tn.Adam, [(lr,) for lr in 2.0 ** np.arange(-9, 0)]),
}


class Digits(Softmax):
    penalty = 1e-2

    def __init__(self, seed):
        split = data.digits(seed=seed)
        self.x, self.y = split.x_train, np.eye(10)[split.y_train]

    def product(self, theta, direction):
        """The Hessian times a direction, exact."""
        (w, b), (v, c) = self.split(theta), self.split(direction)
        z = self.x @ w.T + b
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        moved = self.x @ v.T + c
        dz = p * (moved - np.sum(p * moved, axis=1, keepdims=True)) / len(p)
        return np.concatenate([(dz.T @ self.x + self.penalty * v).ravel(), dz.sum(0)])


def first_order(make, problem, start, most=MOST):
    theta, state = start, make.init(start)
    for t in range(1, most + 1):
        loss, g = problem.value_and_grad(theta)
        if np.abs(g).max() <= GOAL:
            return t, np.abs(g).max()
        if not np.isfinite(loss):
            break
        theta, state = make.step(theta, g, state)
    return np.inf, np.abs(g).max()


def second_order(name, problem, start):
    value, grad = (lambda theta: problem.value_and_grad(theta)[0]), (lambda theta: problem.value_and_grad(theta)[1])
    if name == "Hessian-free":
        walk = tn.hessian_free(value, grad, problem.product, start, damping=1e-3, least=1e-9, tolerance=GOAL, inner=100)
    else:
        method = {
            "L-BFGS": tn.LBFGS(memory=20),
            "conjugate gradient": tn.NonlinearCG(),
            "Fletcher-Reeves": tn.NonlinearCG("FR"),
            "scaled conjugate gradient": tn.ScaledCG(),
        }[name]
        walk = method.minimize(value, grad, start, steps=3000, tolerance=GOAL)
    return walk.evaluations_to(GOAL), walk.slope[-1]


if __name__ == "__main__":
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/second_order_full.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "rate", "seed", "evaluations", "seconds", "slope"])

        def rows(name, rate, run):
            for seed in SEEDS:
                problem = Digits(seed)
                begin = time.process_time()
                count, slope = run(problem, problem.start(seed))
                table.writerow([name, rate, seed, f"{count:g}", f"{time.process_time() - begin:.3f}", f"{slope:.3g}"])
            file.flush()

        for name in ("L-BFGS", "Hessian-free", "conjugate gradient", "Fletcher-Reeves", "scaled conjugate gradient"):
            rows(name, "", lambda problem, start, name=name: second_order(name, problem, start))
        for name, (make, grid) in SETTINGS.items():
            trials = [(Digits(seed), Digits(seed).start(seed)) for seed in TRIALS]
            counts = {tried: np.mean([first_order(make(*tried), *trial)[0] for trial in trials]) for tried in grid}
            print(name, counts, flush=True)
            best = min(counts, key=lambda tried, counts=counts: counts[tried])
            tuned = make(*best)
            rows(name, " ".join(f"{x:g}" for x in best), lambda problem, start, t=tuned: first_order(t, problem, start))
