"""Clipped gradients on a recurrent network that explodes: the adding problem with 30 steps.

Two numbers of a series of 30 are marked, their sum is to be said at the end (always saying 1 gives 0.167). One layer of 32 ReLUs whose recurrent weights start as the
identity, or of 32 tanh units that start from a rotation; 800 updates of plain SGD on 32 fresh series each. Ten seeds, each with its own weights and series: 5 to 9 serve to
choose the rate of a way to clip, 0 to 4 to report. All seeds and rates run side by side. A run that is no longer finite has the loss inf. Takes about ten minutes.

    python tests/bench/initialization_clipping.py
"""

import csv
from pathlib import Path

import numpy as np
import torch

import thalweg.numpy as tn

SEEDS, LENGTH, UNITS, UPDATES, BATCH = 10, 30, 32, 800, 32
RATES = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
WAYS = {
    ("ReLU", "none"): None,
    ("ReLU", "norm 1"): ("norm", 1.0),
    ("ReLU", "norm 0.1"): ("norm", 0.1),
    ("ReLU", "value 0.1"): ("value", 0.1),
    ("ReLU", "value 0.01"): ("value", 0.01),
    ("tanh", "none"): None,
}


def series(rngs):
    """Inputs (LENGTH, seeds, BATCH, 2) and sums (seeds, BATCH)."""
    x, sums = [], []
    for rng in rngs:
        numbers = rng.random((LENGTH, BATCH))
        marks = np.zeros((LENGTH, BATCH))
        for low, high in ((0, LENGTH // 2), (LENGTH // 2, LENGTH)):
            marks[rng.integers(low, high, BATCH), range(BATCH)] = 1
        x.append(np.stack([numbers, marks], axis=-1))
        sums.append((numbers * marks).sum(axis=0))
    return torch.tensor(np.stack(x, axis=1), dtype=torch.float32), torch.tensor(np.stack(sums), dtype=torch.float32)


def start(unit):
    drawn = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        within = np.eye(UNITS) if unit == "ReLU" else tn.orthogonal((UNITS, UNITS), rng)
        drawn.append(
            (tn.lecun((UNITS, 2), rng).T, within, tn.lecun((1, UNITS), rng).T, np.zeros((1, UNITS)), np.zeros((1, 1)))
        )
    return [
        torch.tensor(np.stack([d[k] for d in drawn] * len(RATES)), dtype=torch.float32).requires_grad_()
        for k in range(5)
    ]


def clipped(grads, way):
    """Gradients of all runs, each run clipped by itself."""
    if way is None:
        return grads
    kind, threshold = way
    if kind == "value":
        return [g.clamp(-threshold, threshold) for g in grads]
    norm = sum(g.square().sum(dim=(1, 2)) for g in grads).sqrt()
    return [g * (threshold / norm.clamp(min=threshold))[:, None, None] for g in grads]


def train(unit, way):
    params, rngs = start(unit), [np.random.default_rng(1000 + seed) for seed in range(SEEDS)]
    rates, last = torch.tensor(RATES).repeat_interleave(SEEDS)[:, None, None], []
    into, within, out, b, c = params
    f = torch.relu if unit == "ReLU" else torch.tanh
    for _ in range(UPDATES):
        x, sums = series(rngs)
        x, sums = x.repeat(1, len(RATES), 1, 1), sums.repeat(len(RATES), 1)
        h = torch.zeros(len(rates), BATCH, UNITS)
        for t in range(LENGTH):
            h = f(torch.baddbmm(torch.baddbmm(b, x[t], into), h, within))
        value = ((h @ out + c).squeeze(-1) - sums).square().mean(dim=1)
        grads = clipped(torch.autograd.grad(value.sum(), params), way)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p -= rates * g
        last.append(value.detach())
    mean = torch.stack(last[-50:]).mean(dim=0)
    return torch.where(mean.isfinite(), mean, torch.inf).reshape(len(RATES), SEEDS).numpy()


def main() -> None:
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by initialization_clipping.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["unit", "clipped", "rate", "seed", "loss"])
        for (unit, name), way in WAYS.items():
            found = train(unit, way)
            for r, rate in enumerate(RATES):
                for seed in range(SEEDS):
                    table.writerow([unit, name, rate, seed, f"{found[r, seed]:.4g}"])
            print(unit, name, np.median(found, axis=1), flush=True)


if __name__ == "__main__":
    main()
