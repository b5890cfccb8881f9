"""Measure what the chapter on dropout shows in its tables but cannot train again in its 45 seconds.

    python tests/bench/dropout_architectures.py

writes dropout_architectures.csv beside itself: the test error in per cent of each network with each kind of noise, one row
for each of five seeds. It takes some minutes. Digits, 899 for training and 898 for the test; Adam at its usual 0.001,
mini-batches of 64, 80 epochs. A seed fixes split, weights, noise and order of the batches.
"""

import csv
from pathlib import Path

import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt
from thalweg.numpy import survival

SEEDS = range(5)
EPOCHS = 80
ARCHITECTURES = [(64,) * 2, (256,) * 2, (128,) * 3, (256,) * 3, (256,) * 4]
KEEP = {"none": (1.0, 1.0), "0.9 / 0.8": (0.9, 0.8), "0.8 / 0.5": (0.8, 0.5)}  # of the inputs / of hidden units


def drop_connect(keep):
    return nn.Sequential(tt.DropConnect(64, 128, keep), nn.ReLU(), tt.DropConnect(128, 10, keep))


def residual(last):
    blocks = [tt.StochasticDepth(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), p) for p in survival(8, last).tolist()]
    return nn.Sequential(*blocks, nn.Linear(64, 10))


def convolutional(pool):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), pool(5),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), pool(3), nn.Flatten(), nn.Linear(32 * 9, 10),
    )  # fmt: skip


def trained(model, split, seed):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    tt.fit(model, optimizer, split, epochs=EPOCHS, batch_size=64, seed=seed)
    return model.eval()


def error(model, split, passes=1):
    """Test error in per cent: of the model itself, or of the average over passes."""
    x, y = torch.tensor(split.x_test, dtype=torch.float32), torch.tensor(split.y_test)
    with torch.no_grad():
        scores = model(x) if passes == 1 else tt.monte_carlo(model, x, passes)
    return 100 * float((scores.argmax(dim=1) != y).float().mean())


def measurements():
    """Yield (network, noise, seed, test error in per cent)."""
    for seed in SEEDS:
        split = data.digits(test_fraction=0.5, seed=seed)
        for widths in ARCHITECTURES:
            for noise, (inputs, hidden) in KEEP.items():
                model = trained(tt.thinned_mlp(64, *widths, 10, inputs=inputs, hidden=hidden, seed=seed), split, seed)
                yield f"{len(widths)} x {widths[0]}", noise, seed, error(model, split)
        for network, make, noises in (
            ("1 x 128", drop_connect, {"none": 1.0, "DropConnect 0.8": 0.8, "DropConnect 0.5": 0.5}),
            ("8 residual blocks", residual, {"none": 1.0, "stochastic depth 0.8": 0.8, "stochastic depth 0.5": 0.5}),
        ):
            for noise, keep in noises.items():
                torch.manual_seed(seed)
                yield network, noise, seed, error(trained(make(keep), split, seed), split)
        torch.manual_seed(seed)
        yield "convolutional", "none", seed, error(trained(convolutional(nn.AdaptiveMaxPool2d), split, seed), split)
        torch.manual_seed(seed)
        model = trained(convolutional(tt.FractionalMaxPool), split, seed)
        for passes in (1, 12):
            noise = f"fractional max pooling, {passes} pass{'es' * (passes > 1)}"
            yield "convolutional", noise, seed, error(model, split, passes)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/dropout_architectures.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["network", "noise", "seed", "test error in per cent"])
        for *row, value in measurements():
            table.writerow([*row, f"{value:.3f}"])
            file.flush()
