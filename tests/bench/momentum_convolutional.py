"""Measure whether Nesterov's momentum gains more in a convolutional network than in a dense one; the chapter on momentum shows the table.

    python tests/bench/momentum_convolutional.py

writes momentum_convolutional.csv beside itself, one row for each run: training loss in the last epoch, and the errors in per cent on the
validation and the test images. It takes some minutes. Digits: 1,078 images for training, 270 for validation, 449 for the test; momentum 0.9,
mini-batches of 32, 8 epochs. A seed fixes splits, weights and order of the batches.
"""

import csv
from pathlib import Path

import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt

SEEDS = range(10)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
METHODS = {"heavy ball": tt.Momentum, "Nesterov": tt.Nesterov}


def dense(seed):
    return tt.mlp(64, 64, 10, seed=seed)


def convolutional(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def measurements():
    """Yield (network, method, rate, seed, training loss, validation error, test error)."""
    for seed in SEEDS:
        whole = data.digits(seed=seed)
        x, y = whole.x_train, whole.y_train
        split = data.Split(x[270:], y[270:], x[:270], y[:270])
        x_test, y_test = torch.tensor(whole.x_test, dtype=torch.float32), torch.tensor(whole.y_test)
        for network in (dense, convolutional):
            for method, optimizer in METHODS.items():
                for rate in RATES:
                    model = network(seed)
                    curve = tt.fit(model, optimizer(model.parameters(), rate, 0.9), split, epochs=8, seed=seed)
                    with torch.no_grad():
                        wrong = float((model(x_test).argmax(dim=1) != y_test).float().mean())
                    errors = (100 * (1 - curve.test_accuracy[-1]), 100 * wrong)
                    yield network.__name__, method, rate, seed, curve.loss[-1], *errors


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/momentum_convolutional.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["network", "method", "rate", "seed", "training loss", "validation error", "test error"])
        for *row, loss, validation, test in measurements():
            table.writerow([*row, f"{loss:.4f}", f"{validation:.2f}", f"{test:.2f}"])
            file.flush()
