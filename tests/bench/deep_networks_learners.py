"""Measure the error of several learners against the number of examples, for the chapter on deep networks.

    python tests/bench/deep_networks_learners.py

writes deep_networks_learners.csv beside itself: the test error in per cent, one row for each data set, learner, number of examples and seed. It takes
some minutes. Logistic regression, nearest neighbours and the kernel machine choose their settings by threefold cross-validation within
the examples they are given; boosted trees and networks have one setting each. A seed draws the examples and the weights.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from torch import nn

from thalweg import data
from thalweg import torch as tt
from thalweg.data import Split

SEEDS = range(5)
SIZES = {"digits": (50, 100, 300, 1000), "MNIST-1D": (100, 400, 1300, 4000)}
STEPS, BATCH = 1500, 50


def learners(seed):
    return {
        "logistic regression": GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.01, 0.1, 1, 10]}, cv=3),
        "nearest neighbours": GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 9]}, cv=3),
        "kernel machine": GridSearchCV(SVC(), {"C": [1, 10], "gamma": ["scale", 0.01, 0.1]}, cv=3),
        "boosted trees": HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=seed),
    }


def networks(name, seed):
    if name == "digits":
        return {"dense network": tt.mlp(64, 64, 64, 10, seed=seed)}
    torch.manual_seed(seed)
    layers = [nn.Unflatten(1, (1, 40))]
    for before, kernel in ((1, 5), (25, 3), (25, 3)):
        layers += [nn.Conv1d(before, 25, kernel, stride=2, padding=1), nn.ReLU()]
    convolutional = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))
    convolutional(torch.zeros(1, 40))
    return {"dense network": tt.mlp(40, 100, 100, 10, seed=seed), "convolutional network": convolutional}


def measurements():
    """Yield (data, learner, examples, seed, test error in per cent)."""
    published = data.mnist1d()
    for seed in SEEDS:
        for name, sizes in SIZES.items():
            split = data.digits(seed=seed) if name == "digits" else published
            order = np.random.default_rng(seed).permutation(len(split.x_train))
            for n in sizes:
                part = Split(split.x_train[order[:n]], split.y_train[order[:n]], split.x_test, split.y_test)
                for learner, made in learners(seed).items():
                    right = made.fit(part.x_train, part.y_train).score(part.x_test, part.y_test)
                    yield name, learner, n, seed, 100 * (1 - right)
                for learner, model in networks(name, seed).items():
                    epochs = round(STEPS / np.ceil(n / BATCH))
                    curve = tt.fit(
                        model, torch.optim.Adam(model.parameters(), lr=0.003, fused=True), part, epochs, BATCH, seed
                    )
                    yield name, learner, n, seed, 100 * (1 - curve.test_accuracy[-1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/deep_networks_learners.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["data", "learner", "examples", "seed", "test error in per cent"])
        for *row, value in measurements():
            table.writerow([*row, f"{value:.2f}"])
            file.flush()
