"""Steps to a training loss of 0.2, for seven versions of the same digits and five models: does an image need more than centring?

Models: softmax regression; 64-32-10 with ReLU; two 3 x 3 convolutions of 8 and 16 channels with ReLU and mean pooling, and a linear layer. The last two also with batch normalization before each ReLU. All start
alike whatever the inputs (He's normal weights, zeros for softmax regression), and take SGD steps on mini-batches of 64. Each seed has its own split, its own statistics of the training images, its own weights and
order. The loss is that of 300 training images, looked at after each step up to 30 and at steps 5 % apart afterwards; batch normalization takes their statistics there and for the test images. Seeds 5 to 7 serve to choose the rate, 0
to 4 to report. Takes about ten minutes on one core.

    python tests/bench/preprocessing_images.py            all of it
    python tests/bench/preprocessing_images.py hidden     one model anew, and with a second argument one version of it
"""

import csv
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from thalweg.data import digits
from thalweg.numpy import Standardize, Whiten

SEEDS, BATCH, GOAL = range(8), 64, 0.2
VERSIONS = {
    "0 to 16": lambda x: lambda z: 16 * z,
    "0 to 1": lambda x: lambda z: z,
    "centred": lambda x: Standardize(scale=False).fit(x).transform,
    "one mean": lambda x: Standardize("all").fit(x).transform,
    "standardized": lambda x: Standardize().fit(x).transform,
    "PCA whitening": lambda x: Whiten("PCA", eps=1e-9).fit(x).transform,
    "ZCA whitening": lambda x: Whiten("ZCA", eps=1e-9).fit(x).transform,
}
MODELS = {  # how many steps; and the powers of 2 that are tried as rates, in the order of the versions
    "softmax": (300, [(-9, -2), (-1, 6), (2, 8), (-2, 4), (-2, 5), (-2, 5), (-2, 5)]),
    "hidden": (500, [(-8, -3), (-3, 2), (-1, 4), (-4, 1), (-3, 2), (-2, 3), (-2, 3)]),
    "hidden, normalized": (100, [(0, 4)] * 7),
    "convolution": (500, [(-6, 0), (-2, 3), (-1, 4), (-3, 2), (-3, 2), (-3, 2), (-3, 2)]),
    "convolution, normalized": (200, [(-2, 3)] * 5 + [(-2, 4), (-2, 3)]),
}


def normalize(z, wanted, axes):
    """Batch normalization, without its learned scale and shift."""
    if not wanted:
        return z
    var, mean = torch.var_mean(z, axes, correction=0, keepdim=True)
    return (z - mean) / torch.sqrt(var + 1e-5)


def start(model, seed):
    """Weights (inputs, outputs) of each layer, drawn alike for all versions."""
    rng = torch.Generator().manual_seed(seed)
    shapes = {"softmax": [(64, 10)], "hidden": [(64, 32), (32, 10)], "convolution": [(9, 8), (72, 16), (64, 10)]}
    shapes = shapes[model.split(",")[0]]
    gain = 0.0 if model == "softmax" else 2.0
    return [torch.randn(shape, generator=rng) * (gain / shape[0]) ** 0.5 for shape in shapes]


def windows(images):
    """All 3 x 3 windows of images, (copies, n, channels, height, width) to (copies, n * places, channels * 9)."""
    k, n, c, h, w = images.shape
    found = F.unfold(images.reshape(k * n, c, h, w), 3, padding=1)
    return found.transpose(1, 2).reshape(k, n * h * w, 9 * c)


def scores(model, parameters, x):
    """``x``: (copies, n, 64); every parameter has a first axis of copies."""
    normalized = "normalized" in model
    (w, b), *others = parameters
    if model == "softmax":
        return x @ w + b
    if model.startswith("hidden"):
        z = normalize(x @ w + b, normalized, 1)
        return F.relu(z) @ others[0][0] + others[0][1]
    k, n = x.shape[:2]
    size, images = 8, x.reshape(k, n, 1, 8, 8)
    for weight, bias in parameters[:2]:
        z = F.relu(normalize(windows(images) @ weight + bias, normalized, 1))
        images = z.reshape(k, n, size, size, -1).permute(0, 1, 4, 2, 3)
        images = F.avg_pool2d(images.flatten(0, 1), 2).unflatten(0, (k, n))
        size //= 2
    return images.flatten(2) @ parameters[2][0] + parameters[2][1]


def run(model, version, powers, steps):
    rates = 2.0 ** torch.arange(powers[0], powers[1] + 1)
    R, K = len(rates), len(rates) * len(SEEDS)
    data = []
    for seed in SEEDS:
        split = digits(seed=seed)
        transform = VERSIONS[version](split.x_train)
        data.append(
            [torch.tensor(transform(x), dtype=torch.float32) for x in (split.x_train, split.x_test)]
            + [torch.tensor(split.y_train), torch.tensor(split.y_test)]
        )
    weights = [start(model, seed) for seed in SEEDS]
    parameters = []
    for layer in range(len(weights[0])):
        w = torch.stack([ws[layer] for ws in weights]).repeat_interleave(R, 0).requires_grad_()
        parameters.append((w, torch.zeros(K, 1, w.shape[2], requires_grad=True)))
    flat, lr = [p for pair in parameters for p in pair], rates.repeat(len(SEEDS))[:, None, None]
    orders = [torch.Generator().manual_seed(100 + seed) for seed in SEEDS]
    queue = [torch.zeros(0, dtype=torch.long)] * len(SEEDS)

    def for_all(parts):
        return torch.stack(parts).repeat_interleave(R, 0)

    look_x, look_y = for_all([d[0][:300] for d in data]), for_all([d[2][:300] for d in data])
    test_x, test_y = for_all([d[1] for d in data]), for_all([d[3] for d in data])
    reached = torch.full((K,), float("nan"))
    at_goal = torch.full((K,), float("nan"))
    t_look = 1
    for t in range(1, steps + 1):
        picked = []
        for i in range(len(SEEDS)):
            if len(queue[i]) < BATCH:
                queue[i] = torch.randperm(len(data[i][0]), generator=orders[i])
            picked.append(queue[i][:BATCH])
            queue[i] = queue[i][BATCH:]
        x, y = (for_all([d[j][rows] for d, rows in zip(data, picked, strict=True)]) for j in (0, 2))
        loss = F.cross_entropy(scores(model, parameters, x).flatten(0, 1), y.flatten(), reduction="sum") / BATCH
        with torch.no_grad():
            for p, g in zip(flat, torch.autograd.grad(loss, flat), strict=True):
                p -= lr * torch.nan_to_num(g, nan=0.0)
            if t < t_look and t < steps:
                continue
            t_look = t + 1 if t < 30 else int(np.ceil(t * 1.05))
            found = scores(model, parameters, look_x)
            losses = F.cross_entropy(found.flatten(0, 1), look_y.flatten(), reduction="none").view(K, -1).mean(1)
            fresh = torch.isnan(reached) & (losses <= GOAL)
            if fresh.any() or t == steps:
                right = (scores(model, parameters, test_x).argmax(2) == test_y).float().mean(1)
                reached[fresh] = float(t)
                at_goal[fresh] = right[fresh]
    for i, seed in enumerate(SEEDS):
        for j, rate in enumerate(rates.tolist()):
            k = i * R + j
            arrived = not torch.isnan(reached[k])
            yield {
                "model": model, "inputs": version, "rate": rate, "seed": seed, "steps": int(reached[k]) if arrived else "",
                "at goal": f"{100 * at_goal[k]:.2f}" if arrived else "", "at the end": f"{100 * right[k]:.2f}",
            }  # fmt: skip


def best_rate(rows, version):
    """The rate with the fewest steps on seeds 5 to 7, where never counts twice the limit; and whether it is an end of those tried."""
    tried = {}
    for row in rows:
        if row["inputs"] == version and row["seed"] >= 5:
            tried.setdefault(row["rate"], []).append(row["steps"] or 1000)
    means = {rate: np.mean(steps) for rate, steps in tried.items()}
    best = min(means, key=means.get)
    return best, best in (min(means), max(means))


def main():
    torch.set_num_threads(1)
    path = Path(__file__).with_suffix(".csv")
    wanted = [
        (m, v) for m in MODELS for v in VERSIONS if m in (sys.argv[1:2] or MODELS) and v in (sys.argv[2:3] or VERSIONS)
    ]
    with path.open(newline="") if path.exists() else nullcontext([]) as file:
        table = csv.DictReader(line for line in file if line[0] != "#")
        rows = [row for row in table if (row["model"], row["inputs"]) not in wanted]
    for model, version in wanted:
        steps, powers = MODELS[model]
        found = list(run(model, version, powers[list(VERSIONS).index(version)], steps))
        rows += found
        rate, end = best_rate(found, version)
        own = [row for row in found if row["rate"] == rate and row["seed"] < 5]
        print(
            f"{model:24s} {version:14s} rate 2^{np.log2(rate):3.0f}{' AN END' if end else ''}",
            *(row["steps"] for row in own),
            *(row["at goal"] for row in own),
            flush=True,
        )
    rows.sort(key=lambda row: (list(MODELS).index(row["model"]), list(VERSIONS).index(row["inputs"])))
    with path.open("w", newline="") as file:
        file.write(
            "# steps: the first at which the loss of 300 training images was at most 0.2 (empty: never); test accuracy then and after the last step, %\n"
        )
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
