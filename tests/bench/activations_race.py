"""All activation functions on the digits, two and six hidden layers: steps to a training loss of 0.1, each at its best rate and initial spread.

Networks 64-32-...-32-10, mini-batches of 64, plain gradient descent, 300 steps; the loss is that of the first 512 training images, looked at every ten steps. The weights are drawn from N(0, gain²/inputs), the biases are 0; inputs are centred and divided by one number,
so that their mean square is 1. Eight seeds (weights, order of the examples), of which 5 to 7 serve to choose rate and gain, 0 to 4 to report. A maxout unit takes the larger of
two sums, in layers of 23 units, so that it has as many parameters as the others. All networks of one function are trained at once. Takes about a quarter of an hour.

    python tests/bench/activations_race.py
"""

import csv
from pathlib import Path

import torch

from thalweg import data
from thalweg import torch as tt

SEEDS, STEPS, BATCH, EVERY, GOAL, SEEN = 8, 300, 64, 10, 0.1, 512
RATES = [0.02 * 2**k for k in range(9)]
GAINS = [1.0, 2**0.5, 2.0, 4.0]
FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "scaled tanh": tt.ScaledTanh(),
    "tanh + 0.1 x": tt.ScaledTanh(1.0, 1.0, 0.1),
    "ReLU": torch.relu,
    "leaky ReLU": torch.nn.LeakyReLU(0.01),
    "parametric ReLU": None,  # learns a slope for each layer
    "absolute value": torch.abs,
    "noisy ReLU": tt.NoisyReLU(),
    "ELU": torch.nn.ELU(),
    "SELU": torch.nn.SELU(),
    "softplus": torch.nn.Softplus(),
    "GELU": torch.nn.GELU(),
    "SiLU": torch.nn.SiLU(),
    "maxout": tt.Maxout(2),
}


def examples():
    split = data.digits(seed=0)
    mean = split.x_train.mean(axis=0)
    size = ((split.x_train - mean) ** 2).mean() ** 0.5
    x, x_test = (torch.tensor((a - mean) / size, dtype=torch.float32) for a in (split.x_train, split.x_test))
    return x, torch.tensor(split.y_train), x_test, torch.tensor(split.y_test)


def start(depth, name):
    """Parameters of all networks, (networks, ...) each, and for each network its rate, gain and seed."""
    width, pieces = (23, 2) if name == "maxout" else (32, 1)
    settings = [(rate, gain, seed) for rate in RATES for gain in GAINS for seed in range(SEEDS)]
    shapes = [(width * pieces, 64)] + [(width * pieces, width)] * (depth - 1) + [(10, width)]
    drawn = []
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(seed)
        drawn.append([torch.randn(shape, generator=generator) / shape[1] ** 0.5 for shape in shapes])
    parameters = []
    for k, (outputs, _) in enumerate(shapes):
        last = k == len(shapes) - 1  # the scores start alike for all
        weights = [drawn[seed][k] * (1.0 if last else gain) for _, gain, seed in settings]
        parameters += [torch.stack(weights), torch.zeros(len(settings), 1, outputs)]
    slopes = [torch.full((len(settings), 1, 1), 0.25) for _ in range(depth)] if name == "parametric ReLU" else []
    return parameters, slopes, settings


def bent(name, z, c, training):
    """What leaves a layer of all networks, (networks, examples, units)."""
    if name == "parametric ReLU":
        return torch.where(z > 0, z, c * z)
    if name == "maxout":
        return z.unflatten(2, (-1, 2)).amax(dim=3)
    if name == "noisy ReLU":
        return FUNCTIONS[name].train(training)(z)
    return FUNCTIONS[name](z)


def scores(name, parameters, slopes, x, training=False):
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    for k, (w, b) in enumerate(layers):
        x = x @ w.transpose(1, 2) + b
        if k < len(layers) - 1:
            x = bent(name, x, slopes[k] if slopes else None, training)
    return x


def losses(z, y):
    return torch.nn.functional.cross_entropy(z.transpose(1, 2), y, reduction="none").mean(dim=1)


def race(name, depth):
    x, y, x_test, y_test = examples()
    parameters, slopes, settings = start(depth, name)
    everything = [p.requires_grad_() for p in parameters + slopes]
    rates = torch.tensor([rate for rate, _, _ in settings])[:, None, None]
    seeds = torch.tensor([seed for _, _, seed in settings])
    orders = [torch.Generator().manual_seed(100 + seed) for seed in range(SEEDS)]
    torch.manual_seed(0)  # the noise of noisy units
    reached = torch.full((len(settings),), float("inf"))
    for step in range(1, STEPS + 1):
        rows = torch.stack([torch.randint(len(x), (BATCH,), generator=order) for order in orders])[seeds]
        value = losses(scores(name, parameters, slopes, x[rows], training=True), y[rows])
        gradients = torch.autograd.grad(value.sum(), everything)
        with torch.no_grad():
            for p, grad in zip(everything, gradients, strict=True):
                p -= rates * grad
            if step % EVERY == 0:
                z = scores(name, parameters, slopes, x[:SEEN].expand(len(settings), -1, -1))
                now = losses(z, y[:SEEN].expand(len(settings), -1))
                reached[(now <= GOAL) & torch.isinf(reached)] = step
    with torch.no_grad():
        z = scores(name, parameters, slopes, x_test.expand(len(settings), -1, -1))
        error = (z.argmax(dim=2) != y_test).float().mean(dim=1)
    for (rate, gain, seed), steps, loss, wrong in zip(settings, reached, now, error, strict=True):
        yield [
            depth,
            name,
            f"{rate:g}",
            f"{gain:.4g}",
            seed,
            f"{float(steps):g}",
            f"{float(loss):.4g}",
            f"{float(wrong):.4f}",
        ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write(f"# torch {torch.__version__}, one thread\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["depth", "function", "rate", "gain", "seed", "steps", "loss", "test error"])
        for depth in (2, 6):
            for name in FUNCTIONS:
                table.writerows(race(name, depth))
                file.flush()
