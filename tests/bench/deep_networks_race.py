"""Measure depth against width at a fixed number of parameters, for the chapter on deep networks.

    python tests/bench/deep_networks_race.py

writes deep_networks_race.csv beside itself: the error in per cent on held-out training data, by which a rate can be chosen, and on the test
data, of each network at each rate, one row for each of five seeds. It takes some minutes. Adam; a fifth of the training data is held
out. A seed fixes the split, weights and order of the batches; on MNIST-1D the test data are the published ones.
"""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt
from thalweg.data import Split
from thalweg.numpy import count_parameters

SEEDS = range(5)
RATES = (0.002, 0.006, 0.02, 0.06, 0.2)


def dense(inputs, depth, budget, seed):
    """A multilayer perceptron with that many hidden layers of one width, with as many parameters as fit in the budget."""
    width = max(w for w in range(1, 2000) if count_parameters(inputs, *[w] * depth, 10) <= budget)
    return tt.mlp(inputs, *[width] * depth, 10, seed=seed), width


def convolutional(inputs, depth, budget, seed, neighbours=5):
    """Convolutions of so many neighbours, each halving the length, then one linear layer; the channels as the budget allows."""

    def made(channels):
        torch.manual_seed(seed)
        layers, before = [nn.Unflatten(1, (1, inputs))], 1
        for _ in range(depth):
            layers += [nn.Conv1d(before, channels, neighbours, stride=2, padding=neighbours // 2), nn.ReLU()]
            before = channels
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (inputs // 2**depth), 10))

    channels = max(c for c in range(1, 60) if tt.count_parameters(made(c)) <= budget)
    return made(channels), channels


def error(model, x, y):
    with torch.no_grad():
        return 100 * float((model(torch.tensor(x, dtype=torch.float32)).argmax(dim=1).numpy() != y).mean())


def runs(name, make, split_of, depths, budget, rates, epochs, batch):
    """Yield the rows of one data set and one kind of network."""
    for seed in SEEDS:
        split = split_of(seed)
        order = np.random.default_rng(seed).permutation(len(split.x_train))
        held, kept = order[: len(order) // 5], order[len(order) // 5 :]
        part = Split(split.x_train[kept], split.y_train[kept], split.x_train[held], split.y_train[held])
        for depth in depths:
            for rate in rates:
                model, width = make(split.x_train.shape[1], depth, budget, seed)
                tt.fit(model, torch.optim.Adam(model.parameters(), lr=rate, fused=True), part, epochs, batch, seed)
                errors = error(model, part.x_test, part.y_test), error(model, split.x_test, split.y_test)
                yield name, depth, width, tt.count_parameters(model), rate, seed, *(f"{e:.2f}" for e in errors)


def measurements():
    published = data.mnist1d()
    yield from runs("digits", dense, lambda seed: data.digits(seed=seed), (1, 2, 4), 5000, RATES, 40, 64)
    yield from runs("MNIST-1D", dense, lambda seed: published, (1, 2, 4), 15000, RATES, 40, 100)
    yield from runs("MNIST-1D, convolutional", convolutional, lambda seed: published, (1, 2, 3), 5000, RATES, 30, 100)
    wide = partial(convolutional, neighbours=13)  # as many as two layers of 5 see
    yield from runs("MNIST-1D, 13 neighbours", wide, lambda seed: published, (1,), 5000, RATES, 30, 100)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/deep_networks_race.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["data", "depth", "width", "parameters", "rate", "seed", "validation error", "test error"])
        for row in measurements():
            table.writerow(row)
            file.flush()
