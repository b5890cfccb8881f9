"""Measure what each schedule is worth at its own best rate; the chapter on schedules shows the table.

    python tests/bench/schedules_race.py

writes schedules_race.csv beside itself, one row for each run; it takes some minutes. A network 64-32-10 with ReLU (He's start) is trained on
the digits in batches of 32 for 1,000 steps, 24 epochs, with the heavy ball or Adam, with the right labels and with 20 % of the training labels drawn
anew. Every schedule has the same eight rates to choose from, a factor of 2 apart. Seeds 0 to 4 choose, 5 to 9 are reported. A row: the first step
(of those that are looked at, every 50th) at which the accuracy on unseen images, whose labels are right, reaches the goal (96 % after right labels, 93 % after
wrong ones; nan if never), and the best and the last accuracy in per cent.
"""

import csv
from pathlib import Path

import numpy as np
import torch

import thalweg.numpy as tn
from thalweg import data

SEEDS = range(10)
STEPS, BATCH, HIDDEN, EVERY = 1000, 32, 32, 50
GOALS = {0.0: 96.0, 0.2: 93.0}
RATES = {"heavy ball": 0.2 * 2.0 ** np.arange(-5, 3), "Adam": 0.02 * 2.0 ** np.arange(-5, 3)}


def schedules(lr, steps=STEPS):
    """Every schedule of the race, by its name in the book's figures; all but the largest rate is the same for all problems."""
    third = steps / 3
    return {
        "constant": tn.Constant(lr),
        "step decay": tn.StepDecay(lr, third, 0.2),
        "exponential decay": tn.ExponentialDecay(lr, 0.01 ** (1 / steps)),
        "1/t": tn.InverseTimeDecay(lr, 20 / steps),
        "1/sqrt(t)": tn.InverseTimeDecay(lr, 100 / steps, 0.5),
        "cosine": tn.CosineDecay(lr, steps),
        "warm-up": tn.CosineDecay(lr, 0.9 * steps).warmed_up(0.1 * steps),
        "one-cycle": tn.OneCycle(lr, steps),
        "cyclic": tn.Cyclic(lr / 10, lr, steps / 6),
        "warm restarts": tn.WarmRestarts(lr, steps / 7, 2),
    }


class Stack:
    """As many networks 64-HIDDEN-10 as there are seeds in ``seeds``, trained side by side."""

    def __init__(self, seeds, hidden=HIDDEN):
        draws = [np.random.default_rng(seed) for seed in seeds]

        def normal(*shape):
            return torch.tensor(
                np.array([np.sqrt(2 / shape[0]) * rng.normal(size=shape) for rng in draws]), dtype=torch.float32
            )

        n = len(draws)
        self.params = [normal(64, hidden), torch.zeros(n, 1, hidden), normal(hidden, 10), torch.zeros(n, 1, 10)]
        self.first = [torch.zeros_like(p) for p in self.params]
        self.second = [torch.zeros_like(p) for p in self.params]

    def scores(self, x):
        """``x``: shape (n, examples, 64), or (examples, 64) for all alike."""
        a, b, c, d = self.params
        return torch.relu(x @ a + b) @ c + d

    def gradients(self, x, y):
        """Of the mean cross-entropy; ``y``: shape (n, examples)."""
        a, b, c, d = self.params
        hidden = torch.relu(x @ a + b)
        scores = (torch.softmax(hidden @ c + d, -1) - torch.nn.functional.one_hot(y, 10)) / y.shape[-1]
        back = (scores @ c.mT) * (hidden > 0)
        return [x.mT @ back, back.sum(1, keepdim=True), hidden.mT @ scores, scores.sum(1, keepdim=True)]

    def step(self, method, lr, t, gradients):
        """One step; ``lr``: shape (n,), ``t`` from 0."""
        lr = lr[:, None, None]
        for p, g, m, s in zip(self.params, gradients, self.first, self.second, strict=True):
            if method == "Adam":
                m.mul_(0.9).add_(g, alpha=0.1)
                s.mul_(0.999).addcmul_(g, g, value=0.001)
                p.sub_(lr * (m / (1 - 0.9 ** (t + 1))) / ((s / (1 - 0.999 ** (t + 1))).sqrt() + 1e-8))
            else:
                m.mul_(0.9).add_(g)
                p.sub_(lr * m)

    def accuracy(self, x, y):
        """In per cent, shape (n,)."""
        return 100 * (self.scores(x).argmax(-1) == y).double().mean(-1).numpy()


def problem(wrong):
    """Training images and labels, ``wrong`` of these drawn anew; unseen images and labels."""
    digits, rng = data.digits(), np.random.default_rng(0)
    y = digits.y_train.copy()
    spoiled = rng.random(len(y)) < wrong
    y[spoiled] = rng.integers(10, size=spoiled.sum())
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (digits.x_train, digits.x_test))
    return x, torch.tensor(y), x_test, torch.tensor(digits.y_test)


def measurements(method, wrong, rates=None, seeds=SEEDS, steps=STEPS, only=None):
    """One row for each schedule, rate and seed: schedule, rate, seed, step of the goal (nan if never), best and last accuracy."""
    x, y, x_test, y_test = problem(wrong)
    rates = RATES[method] if rates is None else rates
    runs = [
        (name, rate, seed, schedule)
        for rate in rates
        for name, schedule in schedules(rate, steps).items()
        for seed in seeds
        if only is None or name in only
    ]
    table = torch.tensor(np.array([schedule.rate(np.arange(steps)) for *_, schedule in runs]), dtype=torch.float32)
    stack = Stack([seed for _, _, seed, _ in runs])
    orders = {seed: np.random.default_rng(1000 + seed) for seed in seeds}
    queue: np.ndarray = np.empty((len(seeds), 0), int)
    which = torch.tensor([list(seeds).index(seed) for _, _, seed, _ in runs])
    seen = []
    for t in range(steps):
        if queue.shape[1] < BATCH:  # an epoch anew; what is left over is dropped
            queue = np.array([orders[seed].permutation(len(x)) for seed in seeds])
        rows, queue = torch.tensor(queue[:, :BATCH])[which], queue[:, BATCH:]
        stack.step(method, table[:, t], t, stack.gradients(x[rows], y[rows]))
        if (t + 1) % EVERY == 0:
            seen.append(stack.accuracy(x_test, y_test))
    accuracy = np.array(seen)  # (looks, runs)
    there = accuracy >= GOALS[wrong]
    first = np.where(there.any(0), EVERY * (1 + there.argmax(0)), np.nan)
    return [
        (name, rate, seed, f, best, last)
        for (name, rate, seed, _), f, best, last in zip(runs, first, accuracy.max(0), accuracy[-1], strict=True)
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/schedules_race.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "wrong labels", "schedule", "rate", "seed", "steps to goal", "best", "last"])
        for wrong in (0.0, 0.2):
            for method in RATES:
                for name, rate, seed, *found in measurements(method, wrong):
                    row = [method, wrong, name, f"{rate:g}", seed, f"{found[0]:g}", *(f"{v:.2f}" for v in found[1:])]
                    table.writerow(row)
                file.flush()
