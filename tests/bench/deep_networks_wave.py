"""Measure how far patience brings a trained network of one hidden layer, for the chapter on deep networks.

    python tests/bench/deep_networks_wave.py

writes deep_networks_wave.csv beside itself: the largest error on [0, 1] of 64 units that learn a wave, after 1,000, 5,000 and 20,000 steps of
Adam on 200 points at the rate 0.02, one row for each start, number of steps and seed. It takes some minutes. The start is PyTorch's own, or
the same with the bends of the units drawn evenly from [0, 1]. A seed fixes the weights.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import torch as tt

SEEDS = range(5)
STEPS = (1000, 5000, 20_000)


def wave(x):
    return (1 - np.cos(2 * np.pi * x)) / 2


def errors(start, seed):
    """Yield (steps, largest error) along one training."""
    model = tt.mlp(1, 64, 1, seed=seed)
    if start == "spread":
        with torch.no_grad():
            model[0].bias.copy_(-model[0].weight[:, 0] * torch.rand(64))
    x, dense = torch.linspace(0, 1, 200)[:, None], np.linspace(0, 1, 2001)
    y = torch.as_tensor(wave(x.numpy()))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, fused=True)
    for step in range(1, max(STEPS) + 1):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        if step in STEPS:
            with torch.no_grad():
                said = model(torch.tensor(dense, dtype=torch.float32)[:, None])[:, 0].numpy()
            yield step, np.abs(said - wave(dense)).max()


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/deep_networks_wave.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["start", "steps", "seed", "largest error"])
        for seed in SEEDS:
            for start in ("random", "spread"):
                for steps, error in errors(start, seed):
                    table.writerow([start, steps, seed, f"{error:.5f}"])
                file.flush()
