"""Steps to a training loss of 0.2, for seven versions of the same digits and five models: does an image need more than centring?

Models: softmax regression; 64-32-10 with ReLU; two 3 x 3 convolutions of 8 and 16 channels with ReLU and mean pooling, and a linear layer. The last two also with batch normalization before each ReLU. All start
alike whatever the inputs (He's normal weights, zeros for softmax regression), and take SGD steps on mini-batches of 64. Each seed has its own split, its own statistics of the training images, its own weights and
order. The loss is that of 500 training images, looked at after each step up to 40 and at steps 5 % apart afterwards; batch normalization takes their statistics there and for the test images. Seeds 5 to 7 serve to choose the rate, 0
to 4 to report. Takes about a quarter of an hour on one core.

    python tests/bench/preprocessing_images.py
"""

import csv
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
MODELS = {
    "softmax": (1500, 0.0),
    "hidden": (1500, 0.0),
    "hidden, normalized": (600, 0.0),
    "convolution": (600, 0.0),
    "convolution, normalized": (400, 0.0),
}
POWERS = {  # rates are these powers of 2, for each model in the order of the versions
    "softmax": [(-9, 0), (-3, 6), (-2, 7), (-5, 4), (-6, 3), (-5, 4), (-5, 4)],
    "hidden": [(-12, -3), (-5, 4), (-4, 5), (-6, 3), (-7, 2), (-6, 3), (-6, 3)],
    "hidden, normalized": [(-5, 4)] * 7,
    "convolution": [(-10, -1), (-5, 4), (-4, 5), (-6, 3), (-7, 2), (-6, 3), (-6, 3)],
    "convolution, normalized": [(-5, 4)] * 7,
}


def moments(x):
    """The condition number of the second moments of the inputs and a 1, without the directions that do not vary."""
    h = np.linalg.eigvalsh(np.cov(np.column_stack([x, np.ones(len(x))]).T @ np.eye(x.shape[1] + 1)))
    return h


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
        data.append([torch.tensor(transform(x), dtype=torch.float32) for x in (split.x_train, split.x_test)] + [torch.tensor(split.y_train), torch.tensor(split.y_test)])
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

    look_x, look_y = for_all([d[0][:500] for d in data]), for_all([d[2][:500] for d in data])
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
            t_look = t + 1 if t < 40 else int(np.ceil(t * 1.05))
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
            yield [model, version, rate, seed, "" if torch.isnan(reached[k]) else int(reached[k]), "" if torch.isnan(at_goal[k]) else f"{100 * at_goal[k]:.2f}", f"{100 * right[k]:.2f}"]


def main():
    torch.set_num_threads(1)
    rows = []
    for model, (steps, _) in MODELS.items():
        for version, powers in zip(VERSIONS, POWERS[model], strict=True):
            found = list(run(model, version, powers, steps))
            rows += found
            by_rate = {}
            for row in found:
                if row[3] >= 5:
                    by_rate.setdefault(row[2], []).append(row[4] or steps * 2)
            means = {rate: np.mean(steps_) for rate, steps_ in by_rate.items()}
            best = min(means, key=means.get)
            own = [r for r in found if r[2] == best and r[3] < 5]
            end = best in (min(means), max(means))
            print(f"{model:24s} {version:14s} rate 2^{np.log2(best):3.0f}{' AN END' if end else ''}  steps {[r[4] for r in own]}  at goal {[r[5] for r in own]} last {[r[6] for r in own]}", flush=True)
    path = Path(__file__).with_suffix(".csv")
    with path.open("w", newline="") as file:
        file.write("# steps: the first at which the loss of 500 training images was at most 0.2 (empty: never); test accuracy there and after the last step, %\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["model", "inputs", "rate", "seed", "steps", "accuracy at 0.2", "accuracy"])
        table.writerows(rows)


if __name__ == "__main__":
    main()
