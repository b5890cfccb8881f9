"""Measure Hessian-free against first-order methods on a deep autoencoder; the chapter on second-order methods shows the table.

    python tests/bench/second_order_free.py

writes second_order_free.csv beside itself; it takes some ten minutes on one core. An autoencoder 64-32-16-8-16-32-64 with tanh (linear at the bottleneck and at the end),
weights by PyTorch's default, on the 1,348 training digits, all of them in each gradient; the loss is half the squared error of an image. "Hessian-free": curvature on
a quarter of the images (drawn anew each step), at most 50 products a step, first damping 1, never below 0.001. "L-BFGS": memory 20, strong Wolfe. "gradient descent" and
"Adam": the best rate of a grid in steps of 2 after 1,000 updates on seed 100. A row: method, seed, updates, gradients (a product on a quarter of the images counts as 2/4; the
second call of the closure counts), process seconds, loss, after every update (first-order methods: every tenth), until 10 seconds have passed.
"""

import csv
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt

SEEDS, SECONDS = range(5), 10.0
GRIDS = {
    "gradient descent": (torch.optim.SGD, 2.0 ** torch.arange(-7.0, 0)),
    "Adam": (torch.optim.Adam, 2.0 ** torch.arange(-11.0, -4)),
}


def autoencoder(seed):
    torch.manual_seed(seed)
    layers = []
    widths = (64, 32, 16, 8, 16, 32, 64)
    for i, (a, b) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(a, b))
        if i not in (2, 5):
            layers.append(nn.Tanh())
    return nn.Sequential(*layers)


def loss(outputs, targets):
    return 0.5 * ((outputs - targets) ** 2).sum() / len(targets)


def run(method, seed, rate=None, seconds=SECONDS, updates=10**9):
    """Rows (updates, gradients, seconds, loss)."""
    x = torch.tensor(data.digits().x_train, dtype=torch.float32)
    model, draw = autoencoder(seed), torch.Generator().manual_seed(seed)
    calls, rows, used = 0, [], 0.0

    def closure():
        nonlocal calls
        calls += 1
        model.zero_grad()
        value = loss(model(x), x)
        value.backward()
        return value

    if method == "Hessian-free":
        optimizer = tt.HessianFree(model, loss, damping=1.0, least=1e-3)
    elif method == "L-BFGS":
        optimizer = tt.LBFGS(
            model.parameters(), max_iter=1, max_eval=26, history_size=20, line_search_fn="strong_wolfe"
        )
    else:
        optimizer = GRIDS[method][0](model.parameters(), lr=float(rate))
    first = next(model.parameters())
    for t in range(updates):
        begin = time.process_time()
        if method == "Hessian-free":
            part = torch.randperm(len(x), generator=draw)[: len(x) // 4]
            optimizer.step(closure, x[part], x[part])
        elif method == "L-BFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        used += time.process_time() - begin
        if method in ("Hessian-free", "L-BFGS") or (t + 1) % 10 == 0:
            products = optimizer.state[first].get("products", 0) if method == "Hessian-free" else 0
            with torch.no_grad():
                rows.append((t + 1, calls + products * 2 / 4, used, float(loss(model(x), x))))
        if used > seconds:
            break
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/second_order_free.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "rate", "seed", "updates", "gradients", "seconds", "loss"])
        for method in ("Hessian-free", "L-BFGS", "Adam", "gradient descent"):
            rate = None
            if method in GRIDS:
                ends = {float(r): run(method, 100, r, updates=1000)[-1][-1] for r in GRIDS[method][1]}
                rate = min(ends, key=lambda r, ends=ends: ends[r] if ends[r] == ends[r] else float("inf"))
                print(method, ends)
            for seed in SEEDS:
                rows = run(method, seed, rate)
                keep = (
                    rows
                    if len(rows) <= 60
                    else [
                        rows[round(k)]
                        for k in torch.logspace(0, torch.log10(torch.tensor(float(len(rows)))).item(), 60)
                        .sub(1)
                        .tolist()
                    ]
                )
                for updates, gradients, seconds, value in dict.fromkeys(keep):
                    table.writerow(
                        [method, rate or "", seed, updates, f"{gradients:g}", f"{seconds:.3f}", f"{value:.5g}"]
                    )
                file.flush()
