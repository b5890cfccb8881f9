"""Measure how many steps a network needs with mini-batches of each size; the chapter on gradient descent shows the table.

    python tests/bench/gradient_descent_batches.py

writes gradient_descent_batches.csv beside itself, one row for each run; it takes some minutes. Digits, one fixed split (1,348 images for training);
64-32-10 with ReLU, weights and batches from the seed; batches drawn with replacement, but the largest is the full gradient. Ten seeds: five to
choose each batch size's rate, five to report. A row: the steps until the loss on all training images is first at most 0.1, the accuracy on unseen
images there in per cent, the same for 0.01, and on the way to 0.1 the mean noise (the trace of the covariance of one example's gradient) and
the mean squared gradient, and both at the end of that way. The loss is looked at often enough to know the steps to 3 %.
"""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from thalweg import data

SEEDS = range(10)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 1348)
RATES = {1: (-7, -2), 4: (-6, 0), 16: (-4, 2), 1348: (-2, 3)}  # for batches up to this size: powers of 2, from and to
TARGETS = (0.1, 0.01)
MOST = 12_000  # steps, and 1,200,000 examples


class Stack:
    """Many networks side by side, each with its own rate: one product of matrices moves them all. ``rates``, ``seeds``: shape (S,)."""

    def __init__(self, rates, seeds, sizes=(64, 32, 10)):
        self.rates = torch.tensor(rates, dtype=torch.float32)[:, None, None]
        draws = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
        self.theta = []
        for a, b in pairwise(sizes):
            bound = a**-0.5  # as torch.nn.Linear has it
            for shape in ((a, b), (1, b)):
                self.theta.append(torch.stack([bound * (2 * torch.rand(shape, generator=g) - 1) for g in draws]))

    def keep(self, rows):
        """Go on with some of the networks."""
        self.rates, self.theta = self.rates[rows], [p[rows] for p in self.theta]

    def forward(self, x):
        """Hidden activations and log-probabilities for ``x`` of shape (n, 64), or (S, n, 64) with a batch for each network."""
        w1, b1, w2, b2 = self.theta
        hidden = torch.relu(x @ w1 + b1)
        return hidden, torch.log_softmax(hidden @ w2 + b2, dim=2)

    def backward(self, x, y, weights=None):
        """What flows back to the hidden units and to the scores, and the hidden activations; ``weights`` of examples, shape (S, n)."""
        hidden, logs = self.forward(x)
        scores = logs.exp() - torch.nn.functional.one_hot(y, 10)
        scores = scores * (weights[..., None] if weights is not None else 1) / y.shape[-1]
        below = (scores @ self.theta[2].mT) * (hidden > 0)
        return below, scores, hidden

    def step(self, x, y, weights=None):
        """One step of gradient descent."""
        for p, g in zip(self.theta, self.gradient(x, *self.backward(x, y, weights)), strict=True):
            p -= self.rates * g

    def gradient(self, x, below, scores, hidden):
        """The gradient of each parameter from what flows back, summed over the examples."""
        return x.mT @ below, below.sum(1, keepdim=True), hidden.mT @ scores, scores.sum(1, keepdim=True)

    def loss(self, x, y):
        """The mean loss of each network, shape (S,)."""
        logs = self.forward(x)[1]
        return -logs[:, torch.arange(len(y)), y].mean(dim=1)

    def norms(self, x, y):
        """The squared length of each example's gradient, shape (S, n), and of their mean, shape (S,)."""
        below, scores, hidden = self.backward(x, y)
        each = (below**2).sum(2) * (1 + (x**2).sum(1)) + (scores**2).sum(2) * (1 + (hidden**2).sum(2))
        return each * len(y) ** 2, sum((g**2).sum((1, 2)) for g in self.gradient(x, below, scores, hidden))

    def accuracy(self, x, y):
        """In per cent, shape (S,)."""
        return 100 * (self.forward(x)[1].argmax(dim=2) == y).float().mean(dim=1)


def tensors():
    """Training and test images and labels."""
    split = data.digits()
    pairs = ((split.x_train, split.y_train), (split.x_test, split.y_test))
    return [(torch.tensor(x, dtype=torch.float32), torch.tensor(y)) for x, y in pairs]


def rates_for(batch):
    """The rates that are tried at this batch size."""
    low, high = next(ends for size, ends in RATES.items() if batch <= size)
    return 2.0 ** np.arange(low, high + 1)


def measurements(batch, rates, seeds=SEEDS, targets=TARGETS, most=MOST):
    """One row for each rate and seed, as the table has them; nan where a loss was not reached."""
    (x, y), unseen = tensors()
    pairs = [(rate, seed) for rate in rates for seed in seeds]
    stack, live = Stack([r for r, _ in pairs], [s for _, s in pairs]), torch.arange(len(pairs))
    draw, every = torch.Generator().manual_seed(batch), 1
    found = np.full((len(pairs), 4 + 2 * len(targets)), np.nan)
    sums, looks = np.zeros((len(pairs), 2)), 0
    for t in range(1, min(most, 1_200_000 // batch) + 1):
        if batch == len(x):
            stack.step(x.expand(len(live), -1, -1), y.expand(len(live), -1))
        else:
            rows = torch.randint(len(x), (len(live), batch), generator=draw)
            stack.step(x[rows], y[rows])
        if t % every:
            continue
        every = max(1, t // 35)
        loss = stack.loss(x, y).numpy()
        rows = live.numpy()
        first = np.isnan(found[rows, 0])
        if first.any():
            each, signal = stack.norms(x, y)
            now = np.stack([each.mean(1).numpy() - signal.numpy(), signal.numpy()], axis=1)
            sums[rows[first]] += every * now[first]  # it stands for the steps since the last look
            looks += every
        done = np.zeros(len(rows), bool)
        for k, target in enumerate(targets):
            new = (loss <= target) & np.isnan(found[rows, 2 * k])
            if new.any():
                found[rows[new], 2 * k] = t
                found[rows[new], 2 * k + 1] = stack.accuracy(*unseen).numpy()[new]
                if k == 0:
                    found[rows[new], -4:-2] = sums[rows[new]] / looks
                    found[rows[new], -2:] = now[new]
            done = ~np.isnan(found[rows, 2 * k])
        going = ~done & np.isfinite(loss) & ((loss < 3) | (t < 100))
        if not going.all():
            stack.keep(torch.tensor(going))
            live = live[torch.tensor(going)]
            if not len(live):
                break
    return [(batch, rate, seed, *row) for (rate, seed), row in zip(pairs, found, strict=True)]


HEADER = ["batch", "rate", "seed", "steps to 0.1", "accuracy at 0.1", "steps to 0.01", "accuracy at 0.01"]
HEADER += ["noise on the way", "signal on the way", "noise at 0.1", "signal at 0.1"]

if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/gradient_descent_batches.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for batch in BATCHES:
            for _, rate, seed, *row in measurements(batch, rates_for(batch)):
                table.writerow([batch, f"{rate:g}", seed, *(f"{value:.5g}" for value in row)])
            file.flush()
