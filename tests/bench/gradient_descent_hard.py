"""Measure what it brings to prefer hard examples; the chapter on gradient descent shows the table.

    python tests/bench/gradient_descent_hard.py

writes gradient_descent_hard.csv beside itself, one row for each run; it takes some minutes. Network, data and seeds as in
gradient_descent_batches.py, batches of 32 drawn with replacement, 1,000 steps. "equal" draws all examples alike; "weighted" draws them by the
length of their gradient (and a tenth alike) and divides by the probability, which leaves the gradient unbiased; "biased" draws
them in the same way and does not divide. Lengths are computed anew every ten steps. With and without 5 % of wrong labels in the training
images. A row: the steps until the loss on all training images with their right labels is first at most 0.1, and the accuracy on unseen images
after the last step in per cent.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from gradient_descent_batches import Stack, tensors

SEEDS = range(10)
RATES = 2.0 ** np.arange(-4, 2)
BATCH, STEPS = 32, 1000


def measurements(method, wrong, rates=RATES, seeds=SEEDS, steps=STEPS):
    """One row for each rate and seed: method, share of wrong labels, rate, seed, steps to 0.1 (nan if never), accuracy."""
    (x, right), unseen = tensors()
    pairs = [(rate, seed) for rate in rates for seed in seeds]
    stack, draw = Stack([r for r, _ in pairs], [s for _, s in pairs]), torch.Generator().manual_seed(0)
    y = right.clone()
    spoiled = torch.randperm(len(y), generator=draw)[: round(wrong * len(y))]
    y[spoiled] = (y[spoiled] + torch.randint(1, 10, (len(spoiled),), generator=draw)) % 10
    found = np.full(len(pairs), np.nan)
    chances = torch.full((len(pairs), len(x)), 1 / len(x))
    for t in range(1, steps + 1):
        if method != "equal" and t % 10 == 1:
            lengths = stack.norms(x, y)[0].sqrt().nan_to_num(0) + 1e-12
            chances = 0.1 / len(x) + 0.9 * lengths / lengths.sum(1, keepdim=True)
        rows = torch.multinomial(chances, BATCH, replacement=True, generator=draw)
        weights = 1 / (len(x) * chances.gather(1, rows)) if method == "weighted" else None
        stack.step(x[rows], y[rows], weights)
        if t % 10 == 0 and np.isnan(found).any():
            new = (stack.loss(x, right).numpy() <= 0.1) & np.isnan(found)
            found[new] = t
    accuracy = stack.accuracy(*unseen).numpy()
    return [(method, wrong, *pair, *row) for pair, row in zip(pairs, zip(found, accuracy, strict=True), strict=True)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/gradient_descent_hard.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "wrong labels", "rate", "seed", "steps to 0.1", "accuracy"])
        for wrong in (0.0, 0.05):
            for method in ("equal", "weighted", "biased"):
                for *row, rate, seed, steps, accuracy in measurements(method, wrong):
                    table.writerow([*row, f"{rate:g}", seed, f"{steps:g}", f"{accuracy:.2f}"])
                file.flush()
