"""Measure PRONG and K-FAC on a small classifier, by epochs; the chapter on the natural gradient shows the table.

    OMP_NUM_THREADS=1 python tests/bench/natural_gradient_classifier.py

writes natural_gradient_classifier.csv beside itself; it takes some minutes. The data are MNIST-1D (3,200 examples to train, 800 to choose the rate, 1,000
unseen), the network is 40-100-100-10 with ReLU, mini-batches of 100, 20 epochs, a constant rate. "chosen": the rates of each method by the mean of the highest accuracy on the 800, over
two seeds that are used nowhere else. "race": at the best rate, five other seeds: the training loss and the error on the unseen examples after each epoch.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import torch as tt
from thalweg.data import Split, mnist1d

TUNING, SEEDS, EPOCHS = range(100, 102), range(5), 20
WIDTHS = (40, 100, 100, 10)
RATES = {
    "momentum": 2.0 ** np.arange(-8, 0),
    "Adam": 2.0 ** np.arange(-12, -4),
    "batch normalization": 2.0 ** np.arange(-8, 0),
    "PRONG, momentum": 2.0 ** np.arange(-10, -2),
    "K-FAC": 2.0 ** np.arange(-10, -2),
}


def network(seed, normalized):
    model = tt.mlp(*WIDTHS, seed=seed)
    if not normalized:
        return model
    layers = []
    for module in model:
        layers += [module, *([nn.BatchNorm1d(module.out_features)] if isinstance(module, nn.Linear) else [])]
    return nn.Sequential(*layers[:-1])


def run(method, lr, seed, test):
    """The curve of one run; ``test`` says on which examples the accuracy is taken: the unseen ones, or those that choose the rate."""
    data = mnist1d()
    x, y = (data.x_test, data.y_test) if test else (data.x_train[3200:], data.y_train[3200:])
    split = Split(data.x_train[:3200], data.y_train[:3200], x, y)
    model = network(seed, method == "batch normalization")
    samples = torch.tensor(split.x_train[:1000], dtype=torch.float32)
    if method == "K-FAC":
        optimizer = tt.KFAC(model, samples, lr=lr)
    elif method.startswith("PRONG"):
        optimizer = tt.PRONG(model, samples, lr=lr, rho=0.9)
    elif method == "Adam":
        optimizer = tt.Adam(model.parameters(), lr=lr)
    else:
        optimizer = tt.Momentum(model.parameters(), lr=lr)
    return tt.fit(model, optimizer, split, EPOCHS, 100, seed, progress=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/natural_gradient_classifier.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["part", "method", "rate", "seed", "epoch", "loss", "error"])
        for method, rates in RATES.items():
            means = [np.mean([run(method, lr, seed, False).test_accuracy.max() for seed in TUNING]) for lr in rates]
            for lr, mean in zip(rates, means, strict=True):
                table.writerow(["chosen", method, f"{lr:g}", "", EPOCHS, "", f"{100 - 100 * mean:.2f}"])
            lr = rates[int(np.argmax(means))]
            print(method, [f"{m:.3f}" for m in means], "best", lr, flush=True)
            for seed in SEEDS:
                curve = run(method, lr, seed, True)
                for epoch, (loss, right) in enumerate(zip(curve.loss, curve.test_accuracy, strict=True), 1):
                    table.writerow(["race", method, f"{lr:g}", seed, epoch, f"{loss:.4f}", f"{100 - 100 * right:.2f}"])
            file.flush()
