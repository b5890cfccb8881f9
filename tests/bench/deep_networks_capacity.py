"""Measure how many random labels networks of several depths learn by heart, for the chapter on deep networks.

    python tests/bench/deep_networks_capacity.py

writes deep_networks_capacity.csv beside itself: the share of 500 random labels, in per cent, that a network gives back after training, one
row for each number of parameters, depth, rate and seed. It takes some minutes. Points: N(0, 1) in 16 dimensions, two classes by the toss of a coin;
Adam on all points at once, 2,500 steps. A seed fixes points, labels and weights.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import torch as tt
from thalweg.numpy import count_parameters

SEEDS = range(5)
POINTS, DIMENSIONS = 500, 16
BUDGETS = (65, 125, 250, 500, 1000)
DEPTHS = (1, 2, 4)
RATES = (0.01, 0.03)
STEPS = 2500


def widths(depth, budget):
    """Hidden layers of one width, the parameters as near to the budget as can be."""
    sizes = {w: [DIMENSIONS, *[w] * depth, 2] for w in range(1, 200)}
    return min(sizes.values(), key=lambda layers: abs(count_parameters(*layers) - budget))


def learned(layers, x, y, rate, seed):
    """The share of the labels, in per cent, that the network gives back after training."""
    model = tt.mlp(*layers, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        return 100 * float((model(x).argmax(dim=1) == y).float().mean())


def measurements():
    """Yield (budget, depth, parameters, rate, seed, share in per cent)."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x = torch.tensor(rng.normal(size=(POINTS, DIMENSIONS)), dtype=torch.float32)
        y = torch.tensor(rng.integers(2, size=POINTS))
        for budget in BUDGETS:
            for depth in DEPTHS:
                layers = widths(depth, budget)
                for rate in RATES:
                    yield budget, depth, count_parameters(*layers), rate, seed, learned(layers, x, y, rate, seed)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/deep_networks_capacity.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["budget", "depth", "parameters", "rate", "seed", "learned in per cent"])
        for *row, value in measurements():
            table.writerow([*row, f"{value:.2f}"])
            file.flush()
