"""Find critical points of a small network, saddles included, and note loss and index; the chapter on loss surfaces shows the table.

    python tests/bench/loss_surfaces_index.py

writes loss_surfaces_index.csv beside itself, one row for each point that was found: its loss, how many of the 13 curvatures are negative,
and from how many starts it was reached. Points that differ by symmetry alone count as one. About two minutes. A tanh network with 2 inputs, 3 hidden
units and 1 output learns 30 points of sin(2 x1) x2, scaled to variance 1, by squared error with a weight decay of 0.001; a seed fixes points and starts.
"""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch.func import grad, vmap

from thalweg.torch import critical_points

SEEDS = range(5)
STARTS = 600


def small_network(seed):
    """The loss of 13 weights."""
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(size=(30, 2)))
    y = torch.sin(2 * x[:, 0]) * x[:, 1]
    y = (y - y.mean()) / y.std()

    def loss(theta):
        w, b, v, c = theta[:6].reshape(3, 2), theta[6:9], theta[9:12], theta[12]
        return ((torch.tanh(x @ w.T + b) @ v + c - y) ** 2).mean() / 2 + 0.0005 * (theta**2).sum()

    return loss


def starts(loss, seed, n):
    """Random weights; a half of them trained for a while, or no minimum is found."""
    theta = torch.tensor(1.5 * np.random.default_rng(1000 + seed).normal(size=(n, 13)))
    trained = theta[n // 2 :]
    for _ in range(300):
        trained = trained - 0.3 * vmap(grad(loss))(trained)
    return torch.cat([theta[: n // 2], trained])


def distinct(losses, curvatures):
    """Points that differ by loss or index, each with the number of times it was found."""
    index = (curvatures < -1e-7).sum(dim=1)
    return Counter((round(value, 6), i) for value, i in zip(losses.tolist(), index.tolist(), strict=True))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/loss_surfaces_index.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["seed", "loss", "index", "times"])
        for seed in SEEDS:
            loss = small_network(seed)
            for (value, index), times in sorted(distinct(*critical_points(loss, starts(loss, seed, STARTS))).items()):
                table.writerow([seed, f"{value:.6f}", index, times])
            file.flush()
