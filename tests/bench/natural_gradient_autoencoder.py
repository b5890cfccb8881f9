"""Measure PRONG and K-FAC on a small autoencoder, beside what one would use otherwise; the chapter on the natural gradient shows the table.

    OMP_NUM_THREADS=1 python tests/bench/natural_gradient_autoencoder.py

writes natural_gradient_autoencoder.csv beside itself; it takes some minutes. The network is 64-32-16-8-16-32-64 with tanh and a linear output, the data are the
training images of the digits, in [0, 1]; the loss is half the squared error, summed over the pixels, on mini-batches of 100, 500 updates; what is written is
the loss on all training images. "chosen": the rates of each method by the mean of the last loss over five seeds
that are used nowhere else. "edge": at the best rate, five other seeds, the last loss: some runs are lost there. "race": one step of the grid below it,
the same five seeds, every 25 updates, with the processor's seconds for the updates alone. "eps": PRONG with momentum, its rate chosen
anew for each epsilon. "period": the same with the rate and epsilon of the race; a period of 500 whitens once, at the start.
"""

import csv
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import torch as tt
from thalweg.data import digits

TUNING, SEEDS = range(100, 105), range(5)
UPDATES, EVERY, BATCH = 500, 25, 100
WIDTHS = (64, 32, 16, 8, 16, 32, 64)
PRONG = {"rho": 0.9, "eps": 0.1, "every": 100}
RATES = {
    "SGD": 2.0 ** np.arange(-2.5, -0.5, 0.5),
    "momentum": 2.0 ** np.arange(-4.5, -2.5, 0.5),
    "Adam": 2.0 ** np.arange(-7.5, -5.5, 0.5),
    "batch normalization": 2.0 ** np.arange(-5.5, -3.5, 0.5),
    "PRONG": 2.0 ** np.arange(-5.5, -2.5, 0.5),
    "PRONG, momentum": 2.0 ** np.arange(-7, -4.5, 0.5),
    "K-FAC": 2.0 ** np.arange(-6, -4, 0.5),
}
EPSILONS = {  # and where to look for their rates
    0.001: 2.0 ** np.arange(-13, -9),
    0.01: 2.0 ** np.arange(-11, -7),
    0.1: 2.0 ** np.arange(-8, -4),
    1.0: 2.0 ** np.arange(-6, -2),
    10.0: 2.0 ** np.arange(-4, 1),
}
PERIODS = (5, 20, 100, 500)


def images():
    return torch.tensor(digits().x_train, dtype=torch.float32)


def autoencoder(seed, normalized=False):
    torch.manual_seed(seed)
    layers = []
    for a, b in pairwise(WIDTHS):
        layers += [nn.Linear(a, b), *([nn.BatchNorm1d(b)] if normalized else []), nn.Tanh()]
    return nn.Sequential(*layers[: -2 if normalized else -1])  # the output is linear


def error(y, x):
    return 0.5 * ((y - x) ** 2).sum(dim=1).mean()


def make(method, model, x, lr, **options):
    if method.startswith("PRONG"):
        return tt.PRONG(model, x[:1000], lr=lr, **(PRONG | ({"rho": 0.0} if method == "PRONG" else {}) | options))
    if method == "K-FAC":
        return tt.KFAC(model, x[:1000], "gaussian", lr=lr, **options)
    if method == "Adam":
        return tt.Adam(model.parameters(), lr=lr)
    return tt.Momentum(model.parameters(), lr=lr, rho=0.0 if method == "SGD" else 0.9)


def run(method, lr, seed, updates=UPDATES, look=EVERY, **options):
    """Rows of updates, loss on all training images, seconds of the processor for the updates so far."""
    x, model = images(), autoencoder(seed, method == "batch normalization")
    optimizer, draw = make(method, model, x, lr, **options), torch.Generator().manual_seed(seed)
    rows, seconds = [], 0.0
    batches = iter(())
    for t in range(updates + 1):
        if t % look == 0:
            with torch.no_grad():
                rows.append((t, float(error(model(x), x)), seconds))
        batch = next(batches, None)
        if batch is None:
            batches = iter(torch.randperm(len(x), generator=draw).split(BATCH))
            batch = next(batches)
        start = time.process_time()
        optimizer.zero_grad()
        loss = error(model(x[batch]), x[batch])
        loss.backward()
        optimizer.step()
        seconds += time.process_time() - start
        if not loss.isfinite():
            return rows + [(later, np.inf, seconds) for later in range(t + 1, updates + 1) if later % look == 0]
    return rows


def last(rows):
    return rows[-1][1] if np.isfinite(rows[-1][1]) else np.inf


def choose(method, rates, write, note, **options):
    """The best rate, by seeds of its own; each trial is written down."""
    means = []
    for lr in rates:
        losses = []
        for seed in TUNING:
            losses.append(last(run(method, lr, seed, look=UPDATES, **options)))
            if np.isinf(losses[-1]):
                break  # and so is the mean
        means.append(np.mean(losses))
    for lr, mean in zip(rates, means, strict=True):
        write("chosen", note, lr, "", UPDATES, mean, "")
    best = int(np.nanargmin(means))
    print(note, [f"{m:.3f}" for m in means], "best", rates[best], flush=True)
    return rates[best]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/natural_gradient_autoencoder.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["part", "method", "rate", "seed", "updates", "loss", "seconds"])

        def write(part, method, lr, seed, updates, loss, seconds):
            seconds = f"{seconds:.3f}" if seconds != "" else ""
            table.writerow([part, method, f"{lr:g}", seed, updates, f"{loss:.4f}", seconds])
            file.flush()

        best = {}
        for method, rates in RATES.items():
            edge = choose(method, rates, write, method)
            best[method] = edge / 2**0.5
            for seed in SEEDS:
                write("edge", method, edge, seed, *run(method, edge, seed, look=UPDATES)[-1])
                for row in run(method, best[method], seed):
                    write("race", method, best[method], seed, *row)
        for eps, rates in EPSILONS.items():
            lr = choose("PRONG, momentum", rates, write, f"epsilon {eps:g}", eps=eps)
            for seed in SEEDS:
                for row in run("PRONG, momentum", lr, seed, eps=eps):
                    write("eps", f"{eps:g}", lr, seed, *row)
        for every in PERIODS:
            lr = best["PRONG, momentum"]
            for seed in SEEDS:
                write("period", str(every), lr, seed, *run("PRONG, momentum", lr, seed, every=every)[-1])
