"""Radial basis functions against sigmoids: the same data, fitted by a hidden layer of 30 units of either kind, in one and in eight dimensions.

200 points, even in [-1, 1]^d, noise 0.1; the target is a bump (a bell around one place) or a ridge (a step along one direction). Full-batch Adam, 1,000 steps, squared error. The centres start at 30 of the
points. Eight seeds (points, weights), of which 5 to 7 serve to choose the rate and the initial reach of a bell, or the initial spread of the weights, 0 to 4 to report. The error is the root
of the mean square on 1,000 new points without noise, over the standard deviation of the target. Takes a few minutes.

    python tests/bench/activations_rbf.py
"""

import csv
from pathlib import Path

import torch

SEEDS, STEPS, UNITS, N = 8, 1000, 30, 200
RATES, WIDTHS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3], [0.25, 0.5, 1.0, 2.0, 4.0]
SETTINGS = [(rate, width, seed) for rate in RATES for width in WIDTHS for seed in range(SEEDS)]


def points(d, target):
    """Of each seed: points, noisy targets, new points, their targets."""
    drawn = []
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(1000 * d + seed)
        x = 2 * torch.rand(N + 1000, d, generator=generator) - 1
        place = 0.5 * (2 * torch.rand(d, generator=generator) - 1)
        along = torch.randn(d, generator=generator)
        if target == "bump":
            y = torch.exp(-(x - place).square().sum(dim=1) / (0.2 * d))
        else:
            y = torch.tanh(4 * (x - place) @ (along / along.norm()))
        noise = 0.1 * torch.randn(N, generator=generator)
        drawn.append((x[:N], y[:N] + noise, x[N:], y[N:]))
    return [torch.stack(part) for part in zip(*drawn, strict=True)]


def fitted(kind, d, target):
    x, y, x_new, y_new = (part[[seed for _, _, seed in SETTINGS]] for part in points(d, target))
    width = torch.tensor([w for _, w, _ in SETTINGS])[:, None, None]
    starts = [torch.Generator().manual_seed(seed) for _, _, seed in SETTINGS]
    if kind == "RBF":
        first = x[:, :UNITS].clone()
        second = width.expand(-1, 1, UNITS) * d**0.5
    else:
        first = torch.stack([torch.randn(UNITS, d, generator=g) for g in starts]) * 4 * width / d**0.5
        second = -(first * x[:, :UNITS]).sum(dim=2)[:, None]  # each unit has its middle at one of the points
    out = torch.stack([torch.randn(UNITS, 1, generator=g) for g in starts]) / UNITS**0.5
    parameters = [p.clone().requires_grad_() for p in (first, second, out, torch.zeros(len(x), 1, 1))]
    rates = torch.tensor([rate for rate, _, _ in SETTINGS])[:, None, None]
    averages = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]

    def network(x):
        first, second, out, bias = parameters
        if kind == "RBF":
            squares = x.square().sum(2, keepdim=True) - 2 * x @ first.mT + first.square().sum(2)[:, None]
            hidden = torch.exp(-squares / (2 * second.square()))
        else:
            hidden = torch.sigmoid(x @ first.mT + second)
        return (hidden @ out + bias)[..., 0]

    def error():
        with torch.no_grad():
            off = (network(x_new) - y_new).square().mean(dim=1).sqrt()
        return off / y_new.std(dim=1)

    early = None
    for t in range(1, STEPS + 1):
        gradients = torch.autograd.grad((network(x) - y).square().mean(dim=1).sum(), parameters)
        with torch.no_grad():
            for p, g, (m, s) in zip(parameters, gradients, averages, strict=True):
                m.lerp_(g, 0.1)
                s.lerp_(g.square(), 0.001)
                p -= rates * (m / (1 - 0.9**t)) / ((s / (1 - 0.999**t)).sqrt() + 1e-8)
        if t == 50:
            early = error()
    for setting, a, b in zip(SETTINGS, early, error(), strict=True):
        yield [d, target, kind, *setting, f"{float(a):.4f}", f"{float(b):.4f}"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write(f"# torch {torch.__version__}, one thread\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["d", "target", "kind", "rate", "width", "seed", "error at 50", "error"])
        for d in (1, 8):
            for target in ("bump", "ridge"):
                for kind in ("RBF", "sigmoid"):
                    table.writerows(fitted(kind, d, target))
                    file.flush()
