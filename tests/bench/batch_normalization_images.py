"""Measure what the chapter on batch normalization shows of convolutional networks but cannot train again in its 45 seconds.

    python tests/bench/batch_normalization_images.py

writes batch_normalization_images.csv beside itself: the accuracy, in per cent, of a network of four convolutions on 200 validation
images and on the test images, for each kind of normalization, batch size, learning rate and seed. It takes some minutes. Digits;
200 steps of plain stochastic gradient descent. A seed fixes split, weights and order of the batches.
"""

import csv
from pathlib import Path

import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt

SEEDS = range(5)
STEPS = 200
RATES = (0.03, 0.1, 0.3, 1.0)
NORMS = {
    "none": None,
    "none, He": None,  # the weights of {cite}`he2015`
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "group": lambda channels: nn.GroupNorm(4, channels),
}
SMALL = ("batch", "group")  # also with small batches


def network(name, seed):
    """Four convolutions of 3 x 3; a bias only where no mean takes it away."""
    torch.manual_seed(seed)
    layers, norm = [nn.Unflatten(1, (1, 8, 8))], NORMS[name]
    for inputs, outputs, pool in ((1, 8, False), (8, 16, True), (16, 16, False), (16, 16, False)):
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=norm is None))
        if name == "none, He":
            nn.init.kaiming_normal_(layers[-1].weight, nonlinearity="relu")
        layers += [norm(outputs)] if norm else []
        layers += [nn.ReLU()] + [nn.MaxPool2d(2)] * pool
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def accuracies(name, size, rate, seed):
    """On the validation images and on the test images, in per cent."""
    split = data.digits(seed=seed)
    x, y = torch.tensor(split.x_train).float(), torch.tensor(split.y_train)
    x, y, x_held, y_held = x[200:], y[200:], x[:200], y[:200]
    net, order = network(name, seed), torch.Generator().manual_seed(seed)
    optimizer = tt.Momentum(net.parameters(), lr=rate, rho=0.0)
    for _ in range(STEPS):
        rows = torch.randperm(len(x), generator=order)[:size]
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        for images, right in ((x_held, y_held), (torch.tensor(split.x_test).float(), torch.tensor(split.y_test))):
            yield 100 * (net(images).argmax(dim=1) == right).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/batch_normalization_images.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["normalization", "batch size", "rate", "seed", "validation accuracy", "test accuracy"])
        for size in (60, 2, 8):
            for name in NORMS if size == 60 else SMALL:
                for rate in RATES:
                    for seed in SEEDS:
                        found = [f"{value:.3f}" for value in accuracies(name, size, rate, seed)]
                        table.writerow([name, size, rate, seed, *found])
                        file.flush()
