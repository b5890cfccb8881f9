"""How deep a network may be, for each start: plain SGD on digits, no normalization, no skip connections.

Hidden layers of 50 units, 1,348 digits less their mean with mean square 1, batches of 64, 400 updates, biases from 0. Ten seeds, each with its own weights and its own
order: 5 to 9 serve to choose the rate of a start, an activation function and a depth, 0 to 4 to report (40 layers of ReLUs were best at the smallest rate; at 0.001 they reach 0.23, from rotations 0.26). All seeds and rates run side by side in one batched
product. A run that is no longer finite counts as guessing. Takes about ten minutes.

    python tests/bench/initialization_depth.py
"""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import thalweg.numpy as tn
from thalweg import data

SEEDS, WIDTH, BATCH, UPDATES = 10, 50, 64, 400
DEPTHS = (2, 5, 10, 20, 40)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
STARTS = {
    "ReLU": {
        "small normal": tn.small_normal,
        "Glorot": tn.glorot,
        "He": tn.he,
        "orthogonal": lambda shape, rng: tn.orthogonal(shape, rng, 2**0.5),
    },
    "tanh": {
        "small normal": tn.small_normal,
        "Glorot": tn.glorot,
        "orthogonal": tn.orthogonal,
    },
    "sigmoid": {
        "Glorot": tn.glorot,
        "4 Glorot": lambda shape, rng: tn.glorot(shape, rng, 4.0),
    },
}
UNITS = {"ReLU": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def digits():
    split = data.digits(seed=0)
    mean = split.x_train.mean(axis=0)
    size = np.sqrt(((split.x_train - mean) ** 2).mean())
    return [torch.tensor((x - mean) / size, dtype=torch.float32) for x in (split.x_train, split.x_test)], [
        torch.tensor(y) for y in (split.y_train, split.y_test)
    ]


def start(scheme, depth):
    """Weights of all runs, (rates times seeds, inputs, outputs) a layer, and biases."""
    widths = [64, *[WIDTH] * depth, 10]
    of_seed = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        of_seed.append([scheme((b, a), rng).T for a, b in pairwise(widths)])
    weights = [
        torch.tensor(np.stack([w[i] for w in of_seed] * len(RATES)), dtype=torch.float32) for i in range(depth + 1)
    ]
    return weights, [torch.zeros(len(w), 1, w.shape[2]) for w in weights]


def scores(weights, biases, x, unit):
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        x = unit(torch.baddbmm(b, x, w))
    return torch.baddbmm(biases[-1], x, weights[-1])


def train(scheme, unit, depth):
    (x, x_test), (y, y_test) = digits()
    weights, biases = start(scheme, depth)
    params = [p.requires_grad_() for p in (*weights, *biases)]
    rates = torch.tensor(RATES).repeat_interleave(SEEDS)[:, None, None]
    rngs = [np.random.default_rng(1000 + seed) for seed in range(SEEDS)]
    orders = [np.concatenate([rng.permutation(len(x)) for _ in range(UPDATES * BATCH // len(x) + 1)]) for rng in rngs]
    for t in range(UPDATES):
        batch = torch.tensor(np.stack([order[t * BATCH : (t + 1) * BATCH] for order in orders] * len(RATES)))
        loss = torch.nn.functional.cross_entropy(
            scores(weights, biases, x[batch], unit).flatten(0, 1), y[batch].flatten(), reduction="none"
        )
        grads = torch.autograd.grad(loss.sum() / BATCH, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p -= rates * g
    with torch.no_grad():
        found = []
        for inputs, classes in ((x, y), (x_test, y_test)):
            out = scores(weights, biases, inputs.expand(len(rates), -1, -1), unit)
            right = (out.argmax(dim=2) == classes).float().mean(dim=1)
            found.append(torch.where(out.isfinite().all(dim=2).all(dim=1), right, 0.1))
    return torch.stack(found).reshape(2, len(RATES), SEEDS).numpy()


def main() -> None:
    torch.set_num_threads(1)
    path = Path(__file__).with_suffix(".csv")
    if not path.exists():
        path.write_text("# made by initialization_depth.py\nunit,start,depth,rate,seed,training,unseen\n")
    done = {tuple(line.split(",")[:3]) for line in path.read_text().splitlines()}  # a run that was cut off goes on
    for unit, starts in STARTS.items():
        for name, scheme in starts.items():
            for depth in DEPTHS:
                if (unit, name, str(depth)) in done:
                    continue
                found = train(scheme, UNITS[unit], depth)
                with path.open("a", newline="") as file:
                    table = csv.writer(file, lineterminator="\n")
                    for r, rate in enumerate(RATES):
                        for seed in range(SEEDS):
                            table.writerow([unit, name, depth, rate, seed, *(f"{a:.4f}" for a in found[:, r, seed])])
                print(unit, name, depth, found[0].mean(axis=1).round(3), flush=True)


if __name__ == "__main__":
    main()
