"""Measure how sharp the loss becomes under gradient descent at several rates; the chapter on loss surfaces shows the table.

    python tests/bench/loss_surfaces_edge.py

writes loss_surfaces_edge.csv beside itself, one row for each run: the largest eigenvalue of the Hessian times half the rate, at the start and
as mean and standard deviation over the last quarter of the steps, the first measurement at which it was 1 or more, the loss at the end, and in
how many per cent of the last half of the steps the loss rose. Some minutes. 200 digits, centred; squared error; a tanh network with
64-32-32-32-10 units; the whole batch in each of 4,000 steps. A seed fixes the weights.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector

from thalweg import data
from thalweg import torch as tt

SEEDS = range(5)
RATES = (0.1, 0.15, 0.2, 0.25, 0.3)
STEPS, EVERY = 4000, 20


def squared_error(widths, n, seed):
    """The loss on the first n digits as a function of all weights in one vector, and that vector before training."""
    split = data.digits()
    x, y = torch.tensor(split.x_train[:n]), torch.tensor(split.y_train[:n])
    x, y = x - x.mean(dim=0), torch.nn.functional.one_hot(y, 10).double()
    model = tt.mlp(*widths, seed=seed).double()
    for i, layer in enumerate(model):
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            torch.nn.init.zeros_(layer.bias)
        else:
            model[i] = torch.nn.Tanh()
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def loss(theta):
        parts = theta.split([shape.numel() for shape in shapes.values()])
        weights = {name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        return ((functional_call(model, weights, (x,)) - y) ** 2).sum(dim=1).mean() / 2

    return loss, parameters_to_vector(model.parameters()).detach()


def descend(loss, theta, lr, steps, every):
    """Gradient descent: the loss at each step, and the largest eigenvalue of the Hessian at every ``every``-th."""
    losses, sharpness, direction = [], [], torch.ones_like(theta)
    for t in range(steps + 1):
        if t % every == 0:
            point = theta

            def times(v, point=point):
                return tt.hessian_vector(loss, point, v)

            h, direction = tt.top_eigenvalue(times, direction, steps=100 if t == 0 else 30, tolerance=1e-4)
            sharpness.append(h)
        theta = theta.detach().requires_grad_()
        value = loss(theta)
        (slope,) = torch.autograd.grad(value, theta)
        losses.append(float(value.detach()))
        theta = theta.detach() - lr * slope
    return np.array(losses), np.array(sharpness)


def measurements():
    """Yield (rate, seed, at the start, mean, deviation, first step at 1 or above, loss, per cent of steps uphill)."""
    for lr in RATES:
        for seed in SEEDS:
            losses, sharpness = descend(*squared_error((64, 32, 32, 32, 10), 200, seed), lr, STEPS, EVERY)
            edge = sharpness * lr / 2
            late = edge[-len(edge) // 4 :]
            first = EVERY * int(np.argmax(edge >= 1)) if (edge >= 1).any() else ""
            uphill = 100 * np.mean(np.diff(losses[STEPS // 2 :]) > 0)
            yield (
                lr,
                seed,
                f"{edge[0]:.3f}",
                f"{late.mean():.4f}",
                f"{late.std(ddof=1):.4f}",
                first,
                f"{losses[-1]:.5f}",
                f"{uphill:.1f}",
            )


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/loss_surfaces_edge.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["rate", "seed", "start", "late", "deviation", "first", "loss", "uphill"])
        for row in measurements():
            table.writerow(row)
            file.flush()
