"""Measure at which batch size L-BFGS works; the chapter on second-order methods shows the table.

    python tests/bench/second_order_batches.py

writes second_order_batches.csv beside itself, one row for each run; it takes some minutes. 300 steps without a line search, memory 10, on digits: a softmax
regression (penalty 0.001 times half the squared weights) and a network 64-32-10 with tanh. The methods: "SGD"; "mixed", L-BFGS as it is handed mini-batches,
each gradient from its own, so that the pairs' two gradients come from different examples; "same", L-BFGS whose pairs have both gradients from one batch, at the price
of a second gradient a step. Each at the rate whose worst loss on the seeds 100 to 104 is lowest (steps of 2, the ends of the grid
are worse; a rate at the border of stability is fine on most seeds and lost on some), reported on the seeds 0 to 4.
A row: the loss on all training images after the last step (inf where it diverged), and over the steps the mean cosine of the pair's change
of the gradient with the one of all images, and the share of pairs that are not kept: their
product is not above 1e-10, because they bend down or are too small.
"""

import csv
from pathlib import Path

import numpy as np

from thalweg import data
from thalweg import numpy as tn

SEEDS, TRIALS = range(5), range(100, 105)
BATCHES = (10, 30, 100, 300, 1348)
RATES = 2.0 ** np.arange(-9, 3)
STEPS, MEMORY = 300, 10


class Softmax:
    """A softmax regression; ``theta`` has the shape (650,)."""

    penalty = 1e-3
    shapes = ((10, 64), (10,))

    def __init__(self):
        split = data.digits()
        self.x, self.y = split.x_train, np.eye(10)[split.y_train]

    def start(self, seed):
        rng = np.random.default_rng(seed)
        pieces = [rng.normal(size=s) / 8 if len(s) == 2 else np.zeros(s) for s in self.shapes]
        return np.concatenate([p.ravel() for p in pieces])

    def split(self, theta):
        out, place = [], 0
        for s in self.shapes:
            out.append(theta[place : place + int(np.prod(s))].reshape(s))
            place += int(np.prod(s))
        return out

    def value_and_grad(self, theta, rows=slice(None)):
        x, y, (w, b) = self.x[rows], self.y[rows], self.split(theta)
        loss, dz = cross_entropy(x @ w.T + b, y)
        grad = np.concatenate([(dz.T @ x + self.penalty * w).ravel(), dz.sum(0)])
        return loss + self.penalty / 2 * np.sum(w**2), grad


class Network(Softmax):
    """64-32-10 with tanh; ``theta`` has the shape (2410,)."""

    shapes = ((32, 64), (32,), (10, 32), (10,))

    def value_and_grad(self, theta, rows=slice(None)):
        x, y, (w, b, u, c) = self.x[rows], self.y[rows], self.split(theta)
        a = np.tanh(x @ w.T + b)
        loss, dz = cross_entropy(a @ u.T + c, y)
        da = dz @ u * (1 - a**2)
        return loss, np.concatenate([(da.T @ x).ravel(), da.sum(0), (dz.T @ a).ravel(), dz.sum(0)])


def cross_entropy(z, y):
    z = z - z.max(1, keepdims=True)
    log = z - np.log(np.exp(z).sum(1, keepdims=True))
    return -np.sum(y * log) / len(y), (np.exp(log) - y) / len(y)


def run(problem, method, batch, rate, seed, steps=STEPS, watch=False):
    """The loss on all images after the last step, the mean cosine, and the share of pairs that bend down."""
    n, rng, theta = len(problem.x), np.random.default_rng(1000 + seed), problem.start(seed)
    draw = tn.minibatches(n, min(batch, n), rng, epochs=steps // (n // min(batch, n)) + 2)
    dthetas, dgrads, last, cosines, down = [], [], None, [], []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(steps):
            rows = next(draw)
            if len(rows) < min(batch, n):  # the short one at the end of an epoch
                rows = next(draw)
            g = problem.value_and_grad(theta, rows)[1]
            if method != "SGD" and last is not None:
                before, step, old = last
                y = (g if method == "mixed" else problem.value_and_grad(theta, old)[1]) - before
                if watch:
                    true = problem.value_and_grad(theta)[1] - problem.value_and_grad(theta - step)[1]
                    cosines.append(y @ true / np.sqrt(y @ y * (true @ true)))
                down.append(not y @ step > 1e-10)
                if not down[-1]:
                    dthetas, dgrads = [*dthetas, step][-MEMORY:], [*dgrads, y][-MEMORY:]
            if method == "SGD":
                step = -rate * g
            elif last is None:
                step = -rate * min(1, 1 / np.abs(g).sum()) * g
            else:
                step = -rate * tn.two_loop(g, dthetas, dgrads)
            theta, last = theta + step, (g, step, rows)
            if not np.abs(theta).max() < 1e6:
                return np.inf, np.nan, np.nan
        loss = problem.value_and_grad(theta)[0]
    return (
        loss if np.isfinite(loss) else np.inf,
        np.mean(cosines) if cosines else np.nan,
        np.mean(down) if down else np.nan,
    )


def best_rate(problem, method, batch, steps=STEPS):
    """The rate whose worst loss on the trial seeds is lowest."""
    best = (np.inf, RATES[0])
    for rate in RATES:
        worst = 0.0
        for seed in TRIALS:
            worst = max(worst, run(problem, method, batch, rate, seed, steps)[0])
            if worst >= best[0]:
                break
        else:
            best = (worst, rate)
    return best[1]


if __name__ == "__main__":
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/second_order_batches.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["problem", "method", "batch", "rate", "seed", "loss", "cosine", "not kept"])
        for name, problem in (("softmax", Softmax()), ("network", Network())):
            for batch in BATCHES:
                for method in ("SGD", "mixed", "same"):
                    rate = best_rate(problem, method, batch)
                    for seed in SEEDS:
                        found = run(problem, method, batch, rate, seed, watch=True)
                        table.writerow([name, method, batch, f"{rate:g}", seed, *(f"{x:.5g}" for x in found)])
                    file.flush()
