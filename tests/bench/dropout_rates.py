"""Measure how many units dropout should keep, with the choice made on images that neither train nor test the network.

    python tests/bench/dropout_rates.py

writes dropout_rates.csv beside itself: for each pair of keep probabilities and each of five seeds the error in per cent on the training,
the validation and the test images. It takes some minutes. Digits: 898 for the test, of the others 599 for training and 300 for
validation; two hidden layers of 128 units, Adam at its usual 0.001, mini-batches of 64, 80 epochs. A seed fixes splits, weights, noise
and order of the batches.
"""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from thalweg import data
from thalweg import torch as tt

SEEDS = range(5)
HIDDEN = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # all inputs kept
INPUTS = (0.5, 0.7, 0.8, 0.9)  # hidden units kept with 0.8
KEEPS = [(1.0, keep) for keep in HIDDEN] + [(keep, 0.8) for keep in INPUTS]


def error(model, x, y):
    """Error in per cent, without noise."""
    with torch.no_grad():
        found = model.eval()(torch.tensor(x, dtype=torch.float32)).argmax(dim=1).numpy()
    return 100 * np.mean(found != y)


def measurements():
    """Yield (keep of inputs, keep of hidden units, seed, errors on training, validation and test images)."""
    for seed in SEEDS:
        split = data.digits(test_fraction=0.5, seed=seed)
        aside = np.random.default_rng(seed).permutation(len(split.y_train)) < 300
        x, y = split.x_train[aside], split.y_train[aside]
        fewer = replace(split, x_train=split.x_train[~aside], y_train=split.y_train[~aside])
        for inputs, hidden in KEEPS:
            model = tt.thinned_mlp(64, 128, 128, 10, inputs=inputs, hidden=hidden, seed=seed)
            optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
            tt.fit(model.train(), optimizer, fewer, epochs=80, batch_size=64, seed=seed, progress=False)
            on = ((fewer.x_train, fewer.y_train), (x, y), (split.x_test, split.y_test))
            yield f"{inputs:g}", f"{hidden:g}", seed, *(f"{error(model, *which):.3f}" for which in on)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/dropout_rates.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["inputs", "hidden", "seed", "training", "validation", "test"])
        for row in measurements():
            table.writerow(row)
            file.flush()
