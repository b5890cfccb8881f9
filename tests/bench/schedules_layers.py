"""Measure whether a layer of shared weights wants a rate of its own; the chapter on schedules shows the table.

    python tests/bench/schedules_layers.py

writes schedules_layers.csv beside itself, one row for each run; it takes some minutes. Digits, 8 filters of 3 x 3 pixels at 36 places, ReLU, and a
linear layer of 10 outputs (He's start, zero biases), 400 steps with batches of 32 and a cosine rate to 0, by plain gradient descent and by Adam. The
linear layer, whose weights have one connection each, has the rate ``rate``; the filters, whose weights have 36, have ``ratio`` times that. Seeds 0 to 4 choose the
rate for each ratio, 5 to 9 are reported. A row: the loss on all training images and the error on unseen ones in per cent after the last step.
"""

import csv
from pathlib import Path

import numpy as np
import torch

from thalweg import data

SEEDS = range(10)
STEPS, BATCH, FILTERS = 400, 32, 8
RATIOS = 2.0 ** np.arange(-4, 7)
RATES = {"gradient descent": 2.0 ** np.arange(-6, 3), "Adam": 2.0 ** np.arange(-9, 0)}


def patches(x):
    """The 36 windows of 3 x 3 pixels of each image, shape (n, 36, 9)."""
    windows = np.lib.stride_tricks.sliding_window_view(x.reshape(-1, 8, 8), (3, 3), axis=(1, 2))
    return torch.tensor(windows.reshape(-1, 36, 9).copy(), dtype=torch.float32)


def forward(params, x):
    """Scores, shape (runs, n, 10); ``x``: (runs or 1, n, 36, 9)."""
    filters, bias, weights, shift = params
    runs, n = len(filters), x.shape[1]
    hidden = torch.relu(x.reshape(len(x), n * 36, 9) @ filters + bias)
    return hidden.reshape(runs, n, 36 * FILTERS) @ weights + shift


def losses(params, x, y):
    """The mean cross-entropy of each run, shape (runs,)."""
    scores = forward(params, x).transpose(1, 2)
    return torch.nn.functional.cross_entropy(scores, y.expand(len(scores), -1), reduction="none").mean(1)


def measurements(method, rates=None, ratios=RATIOS, seeds=SEEDS, steps=STEPS):
    """One row for each ratio, rate and seed: ratio, rate, seed, training loss, test error in per cent."""
    digits = data.digits()
    x, x_test = patches(digits.x_train), patches(digits.x_test)
    y, y_test = torch.tensor(digits.y_train), torch.tensor(digits.y_test)
    runs = [(q, lr, s) for q in ratios for lr in (RATES[method] if rates is None else rates) for s in seeds]
    draws = [np.random.default_rng(seed) for *_, seed in runs]

    def normal(a, b):
        return torch.tensor(np.array([np.sqrt(2 / a) * rng.normal(size=(a, b)) for rng in draws]), dtype=torch.float32)

    params = [
        normal(9, FILTERS),
        torch.zeros(len(runs), 1, FILTERS),
        normal(36 * FILTERS, 10),
        torch.zeros(len(runs), 1, 10),
    ]
    for p in params:
        p.requires_grad_()
    own = [torch.tensor([lr * (q if i < 2 else 1) for q, lr, _ in runs], dtype=torch.float32) for i in range(4)]
    first, second = ([torch.zeros_like(p) for p in params] for _ in range(2))
    orders = {seed: np.random.default_rng(1000 + seed) for seed in seeds}
    for t in range(steps):
        drawn = {seed: rng.integers(len(x), size=BATCH) for seed, rng in orders.items()}
        rows = torch.tensor(np.array([drawn[seed] for *_, seed in runs]))
        grads = torch.autograd.grad(losses(params, x[rows], y[rows]).sum(), params)
        falling = (1 + np.cos(np.pi * t / steps)) / 2
        with torch.no_grad():
            for p, g, m, s, lr in zip(params, grads, first, second, own, strict=True):
                if method == "Adam":
                    m.mul_(0.9).add_(g, alpha=0.1)
                    s.mul_(0.999).addcmul_(g, g, value=0.001)
                    g = (m / (1 - 0.9 ** (t + 1))) / ((s / (1 - 0.999 ** (t + 1))).sqrt() + 1e-8)
                p.sub_(falling * lr[:, None, None] * g)
    with torch.no_grad():
        found = torch.cat([losses([p[k : k + 50] for p in params], x[None], y) for k in range(0, len(runs), 50)])
        right = torch.cat(
            [
                (forward([p[k : k + 50] for p in params], x_test[None]).argmax(-1) == y_test).float().mean(1)
                for k in range(0, len(runs), 50)
            ]
        )
    error = (100 * (1 - right)).tolist()
    return [(*run, loss, e) for run, loss, e in zip(runs, found.tolist(), error, strict=True)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/schedules_layers.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "ratio", "rate", "seed", "loss", "error"])
        for method in RATES:
            for ratio, rate, seed, loss, error in measurements(method):
                table.writerow([method, f"{ratio:g}", f"{rate:g}", seed, f"{loss:.4g}", f"{error:.2f}"])
            file.flush()
