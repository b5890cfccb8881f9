"""What the loss of a classifier costs with very many classes: all of them, or the way along a tree.

Milliseconds of one thread, forward and backward, for a batch of 32 and a last hidden layer of 64 units: a linear layer with softmax cross-entropy, and hierarchical softmax on a
Huffman tree; in NumPy, whose tree returns a gradient with a row for every node, and in PyTorch, where it holds the rows that were used alone. Classes are as frequent as words, 1/rank, and the batch is drawn so. Five repetitions,
the fastest of some calls each. Takes about a minute.

    OMP_NUM_THREADS=1 python tests/bench/losses_tree.py
"""

import csv
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from thalweg import numpy as tn
from thalweg import torch as tt


def seconds(call, repeats):
    found = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        found.append(perf_counter() - start)
    return min(found)  # what another process delays is left out


def by_all(linear, parameters, x, y):
    loss = tn.SoftmaxCrossEntropy()
    z, cache = linear.forward(x, parameters)
    linear.backward(loss.backward(1.0, loss.forward(z, y)[1])[0], cache)


def by_tree(tree, parameters, x, y):
    bound = tree.of(y)
    bound.backward(1.0, bound.forward(x, parameters)[1])


def torch_by_all(linear, x, y):
    linear.zero_grad()
    torch.nn.functional.cross_entropy(linear(x), y).backward()


def torch_by_tree(module, x, y):
    module.zero_grad()
    module(x, y).backward()


def main() -> None:
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by losses_tree.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            [
                "classes",
                "repetition",
                "softmax ms",
                "tree ms",
                "PyTorch softmax ms",
                "PyTorch tree ms",
                "mean turns",
                "most turns",
            ]
        )
        for classes in (10, 100, 1000, 10_000, 100_000):
            rng = np.random.default_rng(0)
            share = 1 / np.arange(1, classes + 1)
            share /= share.sum()
            tree = tn.HierarchicalSoftmax(64, tn.huffman_tree(share))
            linear = tn.Linear(64, classes)
            of_tree, of_linear = tree.init(rng), linear.init(rng)
            turns = tree.tree.lengths()
            all_scores, module = torch.nn.Linear(64, classes), tt.HierarchicalSoftmax(64, tree.tree, sparse=True)
            for repetition in range(5):
                x, y = rng.normal(size=(32, 64)), rng.choice(classes, size=32, p=share)

                tx, ty = torch.tensor(x, dtype=torch.float32, requires_grad=True), torch.tensor(y)
                calls = (
                    partial(by_all, linear, of_linear, x, y),
                    partial(by_tree, tree, of_tree, x, y),
                    partial(torch_by_all, all_scores, tx, ty),
                    partial(torch_by_tree, module, tx, ty),
                )
                times = [1000 * seconds(call, 51 if classes < 100_000 else 15) for call in calls]
                table.writerow(
                    [classes, repetition, *(f"{t:.4g}" for t in times), f"{(share * turns).sum():.3f}", turns.max()]
                )
                print(classes, times, flush=True)


if __name__ == "__main__":
    main()
