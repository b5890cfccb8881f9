"""RMSProp and its variants on a small recurrent network: the adding problem.

Two numbers of a series of 20 are marked, their sum is to be said at the end. One tanh layer of 32 units, orthogonal recurrent weights, 1,000 updates of 64
series each, mean squared error (always saying 1 gives 0.167). Seeds 5 to 7 serve to choose the rate, 0 to 4 to report. Takes about ten minutes.

    python tests/bench/adaptive_rates_recurrent.py
"""

import csv
from pathlib import Path

import torch

import thalweg.torch as tt

SEEDS, LENGTH, UNITS, UPDATES, BATCH = 8, 20, 32, 1000, 64
RULES = {
    "gradient descent": (tt.GradientDescent, {}, (0.01, 0.03, 0.1, 0.3)),
    "heavy ball": (tt.Momentum, {"rho": 0.9}, (0.001, 0.003, 0.01, 0.03, 0.1)),
    "AdaGrad": (tt.AdaGrad, {}, (0.003, 0.01, 0.03, 0.1)),
    "RMSProp": (tt.RMSProp, {}, (0.0003, 0.001, 0.003, 0.01)),
    "RMSProp, centred": (tt.RMSProp, {"centred": True}, (0.0003, 0.001, 0.003, 0.01)),
    "RMSProp, momentum": (tt.RMSProp, {"rho": 0.9}, (0.00003, 0.0001, 0.0003, 0.001, 0.003)),
    "AdaDelta": (tt.AdaDelta, {"eps": 1e-4}, (0.1, 0.3, 1.0, 3.0)),
    "Adam": (tt.Adam, {}, (0.001, 0.003, 0.01, 0.03)),
}


def series(draws):
    """Inputs (seeds, LENGTH, BATCH, 2) and sums (seeds, BATCH)."""
    x, sums = [], []
    for draw in draws:
        numbers = torch.rand(LENGTH, BATCH, generator=draw)
        marks = torch.zeros(LENGTH, BATCH)
        for low, high in ((0, LENGTH // 2), (LENGTH // 2, LENGTH)):
            marks[torch.randint(low, high, (BATCH,), generator=draw), range(BATCH)] = 1
        x.append(torch.stack([numbers, marks], dim=-1))
        sums.append((numbers * marks).sum(dim=0))
    return torch.stack(x), torch.stack(sums)


def start():
    draws = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    into = torch.stack([torch.randn(2, UNITS, generator=g) / 2**0.5 for g in draws])
    within = torch.stack([torch.linalg.qr(torch.randn(UNITS, UNITS, generator=g))[0] for g in draws])
    out = torch.stack([torch.randn(UNITS, 1, generator=g) / UNITS**0.5 for g in draws])
    zeros = (torch.zeros(SEEDS, 1, UNITS), torch.zeros(SEEDS, 1, 1))
    return [torch.nn.Parameter(p) for p in (into, within, out, *zeros)]


def losses(params, x, sums):
    """Mean squared error of each seed."""
    into, within, out, b, c = params
    h = torch.zeros(SEEDS, BATCH, UNITS)
    for t in range(LENGTH):
        h = torch.tanh(x[:, t] @ into + h @ within + b)
    return ((h @ out + c).squeeze(-1) - sums).square().mean(dim=1)


def train(make, options, rate):
    params, draws = start(), [torch.Generator().manual_seed(1000 + seed) for seed in range(SEEDS)]
    optimizer, last = make(params, lr=rate, **options), []
    for _ in range(UPDATES):
        optimizer.zero_grad()
        value = losses(params, *series(draws))
        value.sum().backward()
        optimizer.step()
        last.append(value.detach())
    return torch.stack(last[-50:]).mean(dim=0)


def main() -> None:
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by adaptive_rates_recurrent.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["method", "rate", "seed", "loss"])
        for name, (make, options, rates) in RULES.items():
            for rate in rates:
                found = train(make, options, rate)
                for seed in range(SEEDS):
                    table.writerow([name, rate, seed, f"{found[seed]:.4g}"])
                print(name, rate, found.mean().item(), flush=True)


if __name__ == "__main__":
    main()
