"""Six sigmoid layers on digits: from Glorot's weights, from better ones, and from weights that autoencoders have learned without labels.

Hidden layers of 50 units, digits less their mean with mean square 1. Pre-training: one layer after the other, 1,000 updates of Adam at 0.01 on batches of 64, learns to say its input again
through a linear layer (squared error), from Glorot's weights. Then plain SGD, 400 updates on batches of 64, with all 1,348 labels or with 100 of them. Ten seeds, each with its own
weights, order and 100 labels: 5 to 9 serve to choose the rate, 0 to 4 to report. All seeds and rates run side by side. Takes about three minutes.

    python tests/bench/initialization_pretraining.py
"""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from initialization_depth import BATCH, WIDTH, digits

import thalweg.numpy as tn

SEEDS, DEPTH, UPDATES, LEARNING = 10, 6, 400, 1000
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
STARTS = {
    "Glorot": ("sigmoid", 1.0, None),
    "pre-training": ("sigmoid", 1.0, "learned"),
    "4 Glorot": ("sigmoid", 4.0, None),
    "4 Glorot, centred": ("sigmoid", 4.0, "centred"),
    "ReLU, He": ("ReLU", 2**0.5, None),
}


def affine(x, w, b):
    return torch.baddbmm(b, x, w)


def order(seed, count, updates):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(count) for _ in range(updates * BATCH // count + 1)])


def autoencoder(h, w, b, back):
    """Train one layer on what enters it, all seeds at once: ``h`` (seeds, examples, inputs). Returns its weights and biases."""
    params = [p.clone().requires_grad_() for p in (w, b, back, torch.zeros(SEEDS, 1, back.shape[2]))]
    adam = torch.optim.Adam(params, lr=0.01)
    orders = torch.tensor(np.stack([order(2000 + seed, h.shape[1], LEARNING) for seed in range(SEEDS)]))
    for t in range(LEARNING):
        x = torch.gather(h, 1, orders[:, t * BATCH : (t + 1) * BATCH, None].expand(-1, -1, h.shape[2]))
        again = affine(torch.sigmoid(affine(x, *params[:2])), *params[2:])
        loss = (again - x).square().sum(dim=2).mean(dim=1).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return params[0].detach(), params[1].detach()


def start(gain, way, x):
    """Weights and biases of the seeds, layer by layer."""
    rngs = [np.random.default_rng(seed) for seed in range(SEEDS)]
    widths = [64, *[WIDTH] * DEPTH, 10]

    def drawn(a, b, gain):
        return torch.tensor(np.stack([tn.glorot((b, a), rng, gain).T for rng in rngs]), dtype=torch.float32)

    h, weights, biases = x.expand(SEEDS, -1, -1), [], []
    for a, b in pairwise(widths):
        last = b == 10
        w, bias = drawn(a, b, 1.0 if last else gain), torch.zeros(SEEDS, 1, b)
        if way == "learned" and not last:
            w, bias = autoencoder(h, w, bias, drawn(b, a, 1.0))
        if way == "centred":
            bias = -(h.mean(dim=1, keepdim=True) @ w)
        weights.append(w)
        biases.append(bias)
        h = torch.sigmoid(affine(h, w, bias))
    return weights, biases


def train(unit, gain, way, labels):
    (x, x_test), (y, y_test) = digits()
    f = torch.relu if unit == "ReLU" else torch.sigmoid
    with torch.enable_grad():
        weights, biases = start(gain, way, x)
    runs = len(RATES)
    params = [p.detach().repeat(runs, 1, 1).requires_grad_() for p in (*weights, *biases)]
    rates = torch.tensor(RATES).repeat_interleave(SEEDS)[:, None, None]
    seen = [np.random.default_rng(3000 + seed).permutation(len(x))[:labels] for seed in range(SEEDS)]
    orders = [seen[seed][order(1000 + seed, labels, UPDATES)] for seed in range(SEEDS)]

    def scores(h):
        n = len(weights)
        for w, b in zip(params[: n - 1], params[n:-1], strict=True):
            h = f(affine(h, w, b))
        return affine(h, params[n - 1], params[-1])

    for t in range(UPDATES):
        batch = torch.tensor(np.stack([o[t * BATCH : (t + 1) * BATCH] for o in orders] * runs))
        loss = (
            torch.nn.functional.cross_entropy(scores(x[batch]).flatten(0, 1), y[batch].flatten(), reduction="sum")
            / BATCH
        )
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p -= rates * g
    with torch.no_grad():
        picked = torch.tensor(np.stack(seen * runs))
        found = []
        for inputs, classes in (
            (x[picked], y[picked]),
            (x_test.expand(len(rates), -1, -1), y_test.expand(len(rates), -1)),
        ):
            out = scores(inputs)
            right = (out.argmax(dim=2) == classes).float().mean(dim=1)
            found.append(torch.where(out.isfinite().all(dim=2).all(dim=1), right, 0.1))
    return torch.stack(found).reshape(2, runs, SEEDS).numpy()


def main() -> None:
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by initialization_pretraining.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["start", "labels", "rate", "seed", "training", "unseen"])
        for name, (unit, gain, way) in STARTS.items():
            for labels in (1348, 100):
                found = train(unit, gain, way, labels)
                for r, rate in enumerate(RATES):
                    for seed in range(SEEDS):
                        table.writerow([name, labels, rate, seed, *(f"{a:.4f}" for a in found[:, r, seed])])
                print(name, labels, found.mean(axis=2).round(3), flush=True)


if __name__ == "__main__":
    main()
