"""The same network under each loss of a classifier: its test error, and whether its probabilities can be taken at their word.

A network with 100 ReLUs on MNIST-1D (3,000 examples to train on, 1,000 to fit a temperature, 1,000 to report), where unseen examples are much harder than those it knows,
and on the digits (1,348, 224 and 225), where they are not; gradient descent with momentum 0.9, batches of 64, 40 epochs. Probabilities are the softmax of the scores, along the tree for hierarchical softmax. Ten seeds (weights, order of the batches), of which 5 to 9 serve to choose the rate
by the error on the second part, and 0 to 4 to report. The rates lie around the best of a first search from 0.003 to 10 in steps of about three, and beyond them training fails or is slow. A second table holds the reliability diagrams at those rates on MNIST-1D. Takes about five minutes.

    python tests/bench/losses_classifiers.py
"""

import csv
from pathlib import Path

import numpy as np
import torch

from thalweg import data
from thalweg import numpy as tn
from thalweg import torch as tt

SEEDS, EPOCHS, BATCH, HIDDEN, CLASSES = 10, 40, 64, 100, 10
DATA = {"MNIST-1D": data.mnist1d(5000, test_fraction=0.4), "digits": data.digits(seed=0)}
TREE = tn.huffman_tree(np.ones(CLASSES))
NODES, TURNS = torch.tensor(TREE.nodes), torch.tensor(TREE.turns)


def one_hot(y):
    return torch.nn.functional.one_hot(y, CLASSES).float()


def along_the_tree(z, y):
    turns = TURNS[y]
    return -torch.where(turns != 0, torch.nn.functional.logsigmoid(turns * z.gather(1, NODES[y])), 0).sum(1).mean()


LOSSES = {
    "cross-entropy": torch.nn.functional.cross_entropy,
    "hinge": tt.MultiClassHinge(),
    "squared hinge": tt.MultiClassHinge(power=2),
    "multi-label": lambda z, y: tt.SigmoidCrossEntropy()(z, one_hot(y)),
    "squared error": lambda z, y: tt.SquaredError()(z, one_hot(y)),
    "squared error of probabilities": lambda z, y: tt.SquaredError()(z.softmax(1), one_hot(y)),
    "hierarchical softmax": along_the_tree,
}


AROUND = (0.1, 0.15, 0.2, 0.3, 0.45)
RATES = {
    "MNIST-1D": {
        "cross-entropy": AROUND,
        "hinge": (0.3, 0.45, 0.7, 1.0, 1.5),
        "squared hinge": (0.02, 0.03, 0.045, 0.07, 0.1),
        "multi-label": (1.0, 1.5, 2.0, 3.0, 4.5),
        "squared error": AROUND,
        "squared error of probabilities": (0.3, 0.7, 1.5, 3.0, 4.5),
        "hierarchical softmax": AROUND,
    },
    "digits": dict.fromkeys(
        ("cross-entropy", "hinge", "squared error", "squared error of probabilities"), (0.03, 0.1, 0.3, 1.0, 3.0)
    ),
}


def log_probabilities(name, z):
    if name != "hierarchical softmax":
        return z.log_softmax(2)
    total = 0
    for nodes, turns in zip(NODES.T, TURNS.T, strict=True):
        total = total + torch.where(turns != 0, torch.nn.functional.logsigmoid(turns * z[:, :, nodes]), 0)
    return total


def forward(theta, x):
    w, b, v, c = theta
    return ((x @ w + b).relu()) @ v + c


def train(name, rates, x, y):
    """All rates and seeds at once: the first axis counts them, the seeds fastest."""
    outputs = CLASSES - (name == "hierarchical softmax")
    start = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        w, v = (rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in ((x.shape[1], HIDDEN), (HIDDEN, outputs)))
        start.append((w, np.zeros((1, HIDDEN)), v, np.zeros((1, outputs))))
    theta = [
        torch.tensor(np.array(part), dtype=torch.float32).repeat(len(rates), 1, 1) for part in zip(*start, strict=True)
    ]
    steps = torch.tensor(rates).repeat_interleave(SEEDS)[:, None, None]
    velocity = [torch.zeros_like(a) for a in theta]
    draws = [np.random.default_rng(1000 + seed) for seed in range(SEEDS)]
    for _ in range(EPOCHS):
        order = torch.tensor(np.array([rng.permutation(len(x)) for rng in draws])).repeat(len(rates), 1)
        for at in range(0, len(x), BATCH):
            rows = order[:, at : at + BATCH]
            for a in theta:
                a.requires_grad_()
            z = forward(theta, x[rows])
            value = len(z) * LOSSES[name](z.flatten(0, 1), y[rows].flatten())
            gradients = torch.autograd.grad(value, theta)
            with torch.no_grad():
                velocity = [0.9 * v + g for v, g in zip(velocity, gradients, strict=True)]
                theta = [a - steps * v for a, v in zip(theta, velocity, strict=True)]
    return theta


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    here = Path(__file__)
    with (
        here.with_suffix(".csv").open("w", newline="") as file,
        here.with_name("losses_reliability.csv").open("w", newline="") as bins,
    ):
        for each in (file, bins):
            each.write("# made by losses_classifiers.py\n")
        table, diagrams = (csv.writer(each, lineterminator="\n") for each in (file, bins))
        table.writerow(
            [
                "data",
                "loss",
                "rate",
                "seed",
                "choice error",
                "test error",
                "calibration error",
                "temperature",
                "calibration error after",
            ]
        )
        diagrams.writerow(["loss", "seed", "bin", "count", "confidence", "right"])
        for source, name in ((each, loss) for each, losses in RATES.items() for loss in losses):
            split, rates = DATA[source], RATES[source][name]
            x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (split.x_train, split.x_test))
            y, y_test = torch.tensor(split.y_train), split.y_test
            first, second = slice(0, len(y_test) // 2), slice(len(y_test) // 2, None)
            with torch.enable_grad():
                theta = train(name, rates, x, y)
            logs = (
                log_probabilities(name, forward(theta, x_test)).double().numpy().reshape(len(rates), SEEDS, -1, CLASSES)
            )
            wrong = logs.argmax(3) != y_test
            wrong[~np.isfinite(logs).all(axis=(2, 3))] = True
            best = wrong[:, 5:, first].mean(axis=(1, 2)).argmin()
            print(source, name, rates[best], 100 * wrong[:, 5:, first].mean(axis=(1, 2)).round(3), flush=True)
            for i, rate in enumerate(rates):
                for seed in range(SEEDS):
                    row, found = logs[i, seed], [float("nan")] * 3
                    if np.isfinite(row).all():
                        t = tn.temperature(row[first], y_test[first])
                        cooled = row[second] / t
                        cooled = np.exp(cooled - np.logaddexp.reduce(cooled, axis=1, keepdims=True))
                        before = np.exp(row[second])
                        found = [
                            tn.calibration_error(before, y_test[second]),
                            t,
                            tn.calibration_error(cooled, y_test[second]),
                        ]
                        if source == "MNIST-1D" and i == best and seed < 5:
                            for k, line in enumerate(zip(*tn.reliability(before, y_test[second]), strict=True)):
                                diagrams.writerow([name, seed, k, line[0], *(f"{v:.4f}" for v in line[1:])])
                    errors = [f"{wrong[i, seed, part].mean():.4f}" for part in (first, second)]
                    table.writerow([source, name, rate, seed, *errors, *(f"{v:.4g}" for v in found)])


if __name__ == "__main__":
    main()
