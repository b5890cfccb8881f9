"""What an activation function costs: forward, and forward with the way back, of a million numbers, as multiples of torch.relu; and its share of a whole step.

One thread, float32, the median of 30 calls, in five rounds. The step is one of gradient descent of a network 256-256-256-256-10 with 256 examples.

    python tests/bench/activations_cost.py
"""

import csv
import time
from pathlib import Path

import torch
from torch import nn

FUNCTIONS = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "leaky ReLU": nn.LeakyReLU,
    "parametric ReLU": nn.PReLU,
    "ELU": nn.ELU,
    "softplus": nn.Softplus,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
}


def median(call, calls=30):
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[calls // 2]


def costs(make):
    bend, x = make(), torch.randn(1_000_000, requires_grad=True)
    dy = torch.randn(1_000_000)
    model = nn.Sequential(*[part for _ in range(3) for part in (nn.Linear(256, 256), make())], nn.Linear(256, 10))
    images, classes = torch.randn(256, 256), torch.randint(10, (256,))

    def forward():
        with torch.no_grad():
            bend(x)

    def both():
        x.grad = None
        bend(x).backward(dy)

    def step():
        model.zero_grad()
        nn.functional.cross_entropy(model(images), classes).backward()

    return [median(call) for call in (forward, both, step)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write(f"# torch {torch.__version__}, one thread of a shared machine; milliseconds\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["function", "round", "forward", "both", "step"])
        for turn in range(5):
            for name, make in FUNCTIONS.items():
                table.writerow([name, turn, *(f"{1000 * t:.4f}" for t in costs(make))])
