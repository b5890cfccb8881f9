"""Train small networks with nine optimizers at eleven rates; the chapter on comparing optimizers shows the table.

    python tests/bench/comparing_optimizers_networks.py

writes comparing_optimizers_networks.csv beside itself, one row for each run; it takes some minutes on one thread, and goes on where
it was stopped. Digits: 1,078 images for
training, 270 for validation, 449 for the test; a seed fixes split, weights, order of the batches and dropout. Mini-batches of 64, 240 steps. Three
problems: "dropout": 64-64-64-10 with ReLU, each hidden unit kept with probability 0.8 (the Adam paper's figure 2, at small scale);
"convolutional": two layers of 3 by 3 convolutions with pooling and one linear layer (figure 3); "wrong labels": 64-64-64-10 without dropout, where a tenth of the
training labels is wrong. Rates from 1e-4 to 10 in half decades, the same for all, constant or falling in a straight line to 0. Muon takes the matrices
between hidden units, and Adam at the rate 0.003 the rest. A row: the training loss (without dropout, as labelled) after 15, 30, 60, 120 and 240 steps,
and the errors in per cent on validation and test images at the end. A run that diverges has a loss of inf and errors of 90.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thalweg import data
from thalweg import torch as tt

SEEDS, RATES = range(10), [float(f"{rate:.3g}") for rate in 10 ** np.arange(-4, 1.1, 0.5)]
BATCH, STEPS, SHOWN = 64, 240, (15, 30, 60, 120, 240)
METHODS = {
    "gradient descent": tt.GradientDescent, "heavy ball": tt.Momentum, "Nesterov": tt.Nesterov, "AdaGrad": tt.AdaGrad, "RMSProp": tt.RMSProp,
    "AdaDelta": tt.AdaDelta, "Adam": tt.Adam, "Lion": tt.Lion, "Muon": tt.Muon,
}  # fmt: skip
PLAN = {
    ("dropout", "constant"): tuple(METHODS),
    ("dropout", "falling"): ("gradient descent", "heavy ball", "Adam", "Lion", "Muon"),
    ("wrong labels", "constant"): ("heavy ball", "Adam"),
    ("wrong labels", "falling"): ("heavy ball", "Adam"),
    ("convolutional", "constant"): ("gradient descent", "Adam", "Nesterov", "AdaGrad"),
}


class Stack:
    """The networks of all seeds side by side: one product for all of them."""

    def __init__(self, problem, seeds=SEEDS):
        self.problem, self.n = problem, len(seeds)
        splits = [data.digits(seed=seed) for seed in seeds]
        rows = {
            "train": ("train", slice(270, None)),
            "validation": ("train", slice(270)),
            "test": ("test", slice(None)),
        }
        self.data = {
            name: (
                torch.tensor(np.stack([getattr(s, f"x_{part}")[rows_] for s in splits]), dtype=torch.float32),
                torch.tensor(np.stack([getattr(s, f"y_{part}")[rows_] for s in splits])),
            )
            for name, (part, rows_) in rows.items()
        }
        self.draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        if problem == "wrong labels":
            x, y = self.data["train"]
            wrong = torch.stack([torch.rand(y.shape[1], generator=draw) < 0.1 for draw in self.draws])
            other = torch.stack([torch.randint(1, 10, y.shape[1:], generator=draw) for draw in self.draws])
            self.data["train"] = x, torch.where(wrong, (y + other) % 10, y)
        shapes = (
            [(8, 1, 3, 3), (16, 8, 3, 3), (10, 64)] if problem == "convolutional" else [(64, 64), (64, 64), (10, 64)]
        )
        self.W = [nn.Parameter(torch.stack([self.he(shape, draw) for draw in self.draws])) for shape in shapes]
        self.b = [nn.Parameter(torch.zeros(self.n, shape[0])) for shape in shapes]

    @staticmethod
    def he(shape, draw):
        return torch.randn(shape, generator=draw) * (2 / np.prod(shape[1:])) ** 0.5

    def drop(self, h, keep=0.8):
        return h * (torch.rand(h.shape, generator=self.draws[0]) < keep) / keep

    def scores(self, x, training=False):
        """x of the shape (seeds, batch, 64); returns (seeds, batch, 10)."""
        if self.problem == "convolutional":
            h = x.transpose(0, 1).reshape(x.shape[1], self.n, 8, 8)
            for W, b in zip(self.W[:2], self.b[:2], strict=True):
                h = nn.functional.conv2d(h, W.flatten(0, 1), b.flatten(), padding=1, groups=self.n)
                h = nn.functional.max_pool2d(torch.relu(h), 2)
            h = h.reshape(x.shape[1], self.n, 64).transpose(0, 1)
        else:
            h = x
            for W, b in zip(self.W[:2], self.b[:2], strict=True):
                h = torch.relu(torch.baddbmm(b[:, None], h, W.mT))
                if training and self.problem == "dropout":
                    h = self.drop(h)
        return torch.baddbmm(self.b[2][:, None], h, self.W[2].mT)

    def losses(self, x, y, training=False):
        """The mean loss of each network, shape (seeds,)."""
        scores = self.scores(x, training)
        each = nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none")
        return each.reshape(y.shape).mean(dim=1)

    @torch.no_grad()
    def errors(self, part):
        x, y = self.data[part]
        scores = self.scores(x)
        wrong = (scores.argmax(dim=2) != y) | ~scores.isfinite().all(dim=2)
        return torch.where(scores.isfinite().all(dim=2).all(dim=1), 100 * wrong.float().mean(dim=1), 90.0).numpy()

    def optimizers(self, method, rate):
        """Those whose rate is ``rate`` first."""
        if method != "Muon":
            return [METHODS[method]([*self.W, *self.b], lr=rate)]
        self.matrices = [nn.Parameter(W[i].detach().clone()) for W in self.W[:2] for i in range(self.n)]
        self.W[:2] = [torch.stack(self.matrices[k * self.n : (k + 1) * self.n]) for k in (0, 1)]
        rest = [self.W[2], *self.b]
        return [tt.Muon(self.matrices, lr=rate, weight_decay=0.0), tt.Adam(rest, lr=0.003)]

    def train(self, method, rate, schedule):
        """Returns the losses, shape (shown, seeds), and both errors."""
        optimizers = self.optimizers(method, rate)
        x, y = self.data["train"]
        n, shown, rows = y.shape[1], [], torch.arange(self.n)[:, None]
        for t in range(STEPS):
            at = t % (n // BATCH)
            if at == 0:
                order = torch.stack([torch.randperm(n, generator=draw) for draw in self.draws])
            batch = order[:, at * BATCH : (at + 1) * BATCH]
            for optimizer in optimizers:
                optimizer.zero_grad()
            self.losses(x[rows, batch], y[rows, batch], training=True).sum().backward()
            if schedule == "falling":
                optimizers[0].param_groups[0]["lr"] = rate * (1 - t / STEPS)
            for optimizer in optimizers:
                optimizer.step()
            if method == "Muon":  # it wants matrices one by one, the products want them side by side
                self.W[:2] = [torch.stack(self.matrices[k * self.n : (k + 1) * self.n]) for k in (0, 1)]
            if t + 1 in SHOWN:
                with torch.no_grad():
                    loss = self.losses(x, y).numpy()
                shown.append(np.where(np.isfinite(loss), loss, np.inf))
        return np.array(shown), self.errors("validation"), self.errors("test")


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = Path(__file__).with_suffix(".csv")
    lines = path.read_text().splitlines() if path.exists() else []
    done = {tuple(line.split(",")[:4]) for line in lines if line.split(",")[4:5] == [str(SEEDS[-1])]}
    with path.open("a", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        if not lines:
            file.write("# made by: python tests/bench/comparing_optimizers_networks.py\n")
            table.writerow(
                [
                    "problem",
                    "optimizer",
                    "schedule",
                    "rate",
                    "seed",
                    *(f"loss {t}" for t in SHOWN),
                    "validation error",
                    "test error",
                ]
            )
        for (problem, schedule), methods in PLAN.items():
            for method in methods:
                for rate in RATES:
                    if (problem, method, schedule, f"{rate:g}") in done:
                        continue
                    losses, validation, test = Stack(problem).train(method, rate, schedule)
                    for i, seed in enumerate(SEEDS):
                        row = [problem, method, schedule, f"{rate:g}", seed, *(f"{v:.3g}" for v in losses[:, i])]
                        table.writerow([*row, f"{validation[i]:.2f}", f"{test[i]:.2f}"])
                    file.flush()
