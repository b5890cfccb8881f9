"""What a network has learned wrongly, and how long each loss takes to unlearn it.

A network 64-32-10 with a sigmoid at each of its ten outputs learns 1,348 digits whose classes have been moved by one, with cross-entropy, for 2,000 updates. Then the right classes are given, and
cross-entropy or squared error goes on: how many updates until 90 % of the training images are right? Gradient descent, batches of 64. Ten seeds (weights, order of
the batches), of which 5 to 9 serve to choose the rate and 0 to 4 to report. "fresh" has no wrong past. Takes about two minutes.

    python tests/bench/losses_unlearn.py
"""

import csv
from pathlib import Path

import numpy as np

from thalweg import data
from thalweg import numpy as tn

SEEDS, BATCH, LIMIT = 10, 64, 4000
RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
NETWORK = tn.Network([tn.Linear(64, 32), tn.Tanh(), tn.Linear(32, 10)])


def slopes(loss, z, wanted):
    """Of the mean over examples and outputs, in the scores before the sigmoids."""
    if loss == "cross-entropy":
        end = tn.SigmoidCrossEntropy()
        return end.backward(1.0, end.forward(z, wanted)[1])[0]
    y, cache = tn.Sigmoid().forward(z)
    end = tn.SquaredError()
    return tn.Sigmoid().backward(end.backward(1.0, end.forward(y, wanted)[1])[0], cache)[0]


def train(loss, rate, parameters, x, y, rng, updates, aim=None):
    """The parameters after so many updates; the number it took to reach the aim, or inf."""
    wanted, rows = np.eye(10)[y], np.array([], dtype=int)
    for t in range(updates):
        if aim and t % 5 == 0 and (NETWORK.forward(x, parameters)[0].argmax(axis=1) == y).mean() >= aim:
            return parameters, t
        if len(rows) < BATCH:
            rows = rng.permutation(len(x))
        batch, rows = rows[:BATCH], rows[BATCH:]
        z, cache = NETWORK.forward(x[batch], parameters)
        gradients = NETWORK.backward(slopes(loss, z, wanted[batch]), cache)[1]
        parameters = {name: a - rate * gradients[name] for name, a in parameters.items()}
    return parameters, np.inf


def main() -> None:
    split = data.digits(seed=0)
    x, y = split.x_train, split.y_train
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by losses_unlearn.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["start", "loss", "rate", "seed", "updates"])
        starts = {}
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            starts["fresh", seed] = NETWORK.init(rng)
            starts["wrong", seed] = train("cross-entropy", 3.0, starts["fresh", seed], x, (y + 1) % 10, rng, 2000)[0]
        for start in ("fresh", "wrong"):
            for loss in ("cross-entropy", "squared error"):
                for rate in RATES:
                    found = [
                        train(loss, rate, starts[start, seed], x, y, np.random.default_rng(1000 + seed), LIMIT, 0.9)[1]
                        for seed in range(SEEDS)
                    ]
                    for seed, updates in enumerate(found):
                        table.writerow([start, loss, rate, seed, updates])
                    print(start, loss, rate, found, flush=True)


if __name__ == "__main__":
    main()
