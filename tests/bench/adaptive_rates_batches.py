"""Rprop, RMSProp and gradient descent on a small network, by batch size: the loss on all training images after 30 epochs.

A network 64-32-10 on 1,348 handwritten digits. Ten seeds (weights, order of the batches), of which 5 to 9 serve to choose the rate and 0 to 4
to report. Takes about two minutes.

    python tests/bench/adaptive_rates_batches.py
"""

import csv
from pathlib import Path

import numpy as np

from thalweg import data
from thalweg.numpy import GradientDescent, RMSProp, Rprop

SEEDS, EPOCHS, INPUTS, HIDDEN, CLASSES = 10, 30, 64, 32, 10
RULES = {
    "gradient descent": (GradientDescent, (0.03, 0.1, 0.3, 1.0, 3.0)),
    "Rprop": (Rprop, (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
    "RMSProp": (RMSProp, (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)),
}
SHAPES = [(HIDDEN, INPUTS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)]


def unpacked(theta):
    """The layers of all seeds, from (seeds, parameters)."""
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]
    return [part.reshape(-1, *shape) for part, shape in zip(np.split(theta, ends, axis=1), SHAPES, strict=True)]


def start():
    rows = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        rows.append(
            np.concatenate(
                [
                    rng.normal(0, np.sqrt(2 / INPUTS), HIDDEN * INPUTS),
                    np.zeros(HIDDEN),
                    rng.normal(0, np.sqrt(2 / HIDDEN), CLASSES * HIDDEN),
                    np.zeros(CLASSES),
                ]
            )
        )
    return np.array(rows)


def forward(theta, x):
    W, b, V, c = unpacked(theta)
    hidden = np.maximum(x @ W.swapaxes(1, 2) + b[:, None], 0)
    z = hidden @ V.swapaxes(1, 2) + c[:, None]
    return hidden, z - np.logaddexp.reduce(z, axis=2, keepdims=True)


def gradient(theta, x, wanted):
    """Of the mean cross-entropy, (seeds, parameters). ``x``: (seeds, B, inputs), ``wanted``: (seeds, B, classes)."""
    hidden, logs = forward(theta, x)
    dz = (np.exp(logs) - wanted) / x.shape[1]
    dh = (dz @ unpacked(theta)[2]) * (hidden > 0)
    parts = [dh.swapaxes(1, 2) @ x, dh.sum(1), dz.swapaxes(1, 2) @ hidden, dz.sum(1)]
    return np.concatenate([part.reshape(len(theta), -1) for part in parts], axis=1)


def train(rule, batch, split):
    wanted = np.eye(CLASSES)[split.y_train]
    theta, n = start(), len(wanted)
    draws = [np.random.default_rng(1000 + seed) for seed in range(SEEDS)]
    state = rule.init(theta)
    for _ in range(EPOCHS):
        order = np.array([rng.permutation(n) for rng in draws])
        for at in range(0, n, batch):
            rows = order[:, at : at + batch]
            theta, state = rule.step(theta, gradient(theta, split.x_train[rows], wanted[rows]), state)
    losses = -(forward(theta, split.x_train[None])[1] * wanted).sum(2).mean(1)
    errors = (forward(theta, split.x_test[None])[1].argmax(2) != split.y_test).mean(1)
    return losses, errors


def main() -> None:
    split = data.digits(seed=0)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by adaptive_rates_batches.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "batch", "rate", "seed", "loss", "test error"])
        for name, (make, rates) in RULES.items():
            for batch in (16, 64, 337, 1348):
                for rate in rates:
                    with np.errstate(all="ignore"):
                        losses, errors = train(make(rate), batch, split)
                    for seed in range(SEEDS):
                        table.writerow([name, batch, rate, seed, f"{losses[seed]:.4g}", f"{errors[seed]:.4f}"])
                    print(name, batch, rate, losses.mean().round(4), flush=True)


if __name__ == "__main__":
    main()
