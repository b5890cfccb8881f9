"""What the loss of a classifier costs with very many classes: all of them, or the way along a tree.

Milliseconds of one thread, forward and backward, for a batch of 32 and a last hidden layer of 64 units: a linear layer with softmax cross-entropy, and hierarchical softmax on a
Huffman tree; in NumPy, whose tree returns a gradient with a row for every node, and in PyTorch, where it holds the rows that were used alone. Classes are as frequent as words, 1/rank, and the batch is drawn so. Five repetitions,
the middle one of some calls each. Takes about a minute.

    OMP_NUM_THREADS=1 python tests/bench/losses_tree.py
"""

import csv
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
    return np.median(found)


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
            linear, loss = tn.Linear(64, classes), tn.SoftmaxCrossEntropy()
            of_tree, of_linear = tree.init(rng), linear.init(rng)
            turns = tree.tree.lengths()
            all_scores, module = torch.nn.Linear(64, classes), tt.HierarchicalSoftmax(64, tree.tree, sparse=True)
            for repetition in range(5):
                x, y = rng.normal(size=(32, 64)), rng.choice(classes, size=32, p=share)

                def by_all(x=x, y=y):
                    z, cache = linear.forward(x, of_linear)
                    linear.backward(loss.backward(1.0, loss.forward(z, y)[1])[0], cache)

                def by_tree(x=x, y=y):
                    bound = tree.of(y)
                    bound.backward(1.0, bound.forward(x, of_tree)[1])

                tx, ty = torch.tensor(x, dtype=torch.float32, requires_grad=True), torch.tensor(y)

                def torch_by_all(tx=tx, ty=ty):
                    all_scores.zero_grad()
                    torch.nn.functional.cross_entropy(all_scores(tx), ty).backward()

                def torch_by_tree(tx=tx, ty=ty):
                    module.zero_grad()
                    module(tx, ty).backward()

                calls = (by_all, by_tree, torch_by_all, torch_by_tree)
                times = [1000 * seconds(call, 51 if classes < 10_000 else 7) for call in calls]
                table.writerow(
                    [classes, repetition, *(f"{t:.4g}" for t in times), f"{(share * turns).sum():.3f}", turns.max()]
                )
                print(classes, times, flush=True)


if __name__ == "__main__":
    main()
