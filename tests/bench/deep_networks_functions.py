"""Measure which functions of one number networks of equal size and other depth learn, for the chapter on deep networks.

    python tests/bench/deep_networks_functions.py

writes deep_networks_functions.csv beside itself: the root mean square error on 385 points of [0, 1], and the straight pieces of the trained
network, one row for each function, depth, rate and seed. It takes some minutes. About 2,480 parameters; Adam on all points at once, 2,500 steps,
the rate falling to 0 along a cosine. The weights begin as He's rule says, the bends of the first layer spread evenly over [0, 1]. A seed fixes them.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import torch as tt
from thalweg.numpy import sawtooth

SEEDS = range(5)
SHAPES = {1: (828,), 3: (34, 34, 34)}
RATES = (0.003, 0.01)
X = np.linspace(0, 1, 385)[:, None]


def folded(folds):
    network, parameters = sawtooth(folds)
    return network.forward(X, parameters)[0]


FUNCTIONS = {
    "a wave": (1 - np.cos(2 * np.pi * X)) / 2,
    "8 folded pieces": folded(3),
    "16 folded pieces": folded(4),
}


def begun(hidden, seed):
    """A network with the initial weights that suit ReLU (He), whose first units switch at places drawn evenly from [0, 1]."""
    model = tt.mlp(1, *hidden, 1, seed=seed)
    with torch.no_grad():
        for layer in model[::2]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            layer.bias.zero_()
        model[0].bias.copy_(-model[0].weight[:, 0] * torch.rand(hidden[0]))
    return model


def trained(hidden, y, rate, seed, steps=2500):
    """The network after training, and its root mean square error."""
    model = begun(hidden, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    inputs, wanted = (torch.tensor(a, dtype=torch.float32) for a in (X, y))
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), wanted)
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return model, float(nn.functional.mse_loss(model(inputs), wanted)) ** 0.5


def measurements():
    """Yield (function, depth, rate, seed, error, pieces)."""
    for seed in SEEDS:
        for name, y in FUNCTIONS.items():
            for depth, hidden in SHAPES.items():
                for rate in RATES:
                    model, error = trained(hidden, y, rate, seed)
                    yield name, depth, rate, seed, f"{error:.6f}", tt.linear_pieces(model)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/deep_networks_functions.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["function", "depth", "rate", "seed", "error", "pieces"])
        for row in measurements():
            table.writerow(row)
            file.flush()
