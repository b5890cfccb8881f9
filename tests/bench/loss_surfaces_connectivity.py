"""Measure what lies between two trained networks, before and after their units are matched; the chapter on loss surfaces shows the table.

    python tests/bench/loss_surfaces_connectivity.py

writes loss_surfaces_connectivity.csv beside itself, one row for each pair: how far the loss rises above its ends on the straight line, on
the straight line after matching, and on a curve of low loss. Some minutes. 300 digits, tanh networks, weight decay 0.001, the heavy ball at rate 0.1
and momentum 0.9 for 600 full-batch steps, 200 for the curve's bend. A seed fixes both beginnings.
"""

import csv
from pathlib import Path

import numpy as np

from thalweg.data import digits
from thalweg.landscape import Classifier, Joined, matched
from thalweg.minimize import minimize
from thalweg.numpy import Momentum

SEEDS = range(5)
HIDDEN = ((6, 6), (32,), (32, 32), (128,), (128, 128))


def barrier(network, points):
    """How far the loss on the way rises above the straight line between its ends, at most."""
    loss = np.array([network.value(point) for point in points])
    return float((loss - np.linspace(loss[0], loss[-1], len(loss))).max())


def pair(hidden, seed):
    """The three barriers between two trainings of one network."""
    split = digits()
    network = Classifier(split.x_train[:300], split.y_train[:300], hidden)
    method = Momentum(lr=0.1, rho=0.9)
    a, b = (minimize(method, network, start=network.init(2 * seed + i), steps=600).theta[-1] for i in (0, 1))
    bend = minimize(method, Joined(network, a, b), start=(a + b) / 2, steps=200).theta[-1]
    u = np.linspace(0, 1, 41)[:, None]
    other = matched(network, a, b)
    curve = (1 - u) ** 2 * a + 2 * u * (1 - u) * bend + u**2 * b
    return [barrier(network, points) for points in ((1 - u) * a + u * b, (1 - u) * a + u * other, curve)]


if __name__ == "__main__":
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/loss_surfaces_connectivity.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["hidden", "seed", "straight", "matched", "curve"])
        for hidden in HIDDEN:
            for seed in SEEDS:
                table.writerow(["-".join(map(str, hidden)), seed, *(f"{height:.4f}" for height in pair(hidden, seed))])
                file.flush()
