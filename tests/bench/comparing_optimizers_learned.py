"""Learn an optimizer on small quadratics and race it at home and abroad; the chapter on comparing optimizers shows the table.

    python tests/bench/comparing_optimizers_learned.py

writes comparing_optimizers_learned.csv beside itself, one row for each seed, problem, method and step shown; it takes some minutes. A two-layer LSTM with 20 units is
trained for 120 rounds, each a walk of 100 steps on 64 fresh functions |W theta - y|^2 of ten parameters with W and y normal, from a normal start. Then it
runs on 64 functions that it has not seen ("own kind"), on the same times 1,000 ("steeper"), on functions of 50 parameters ("larger"), and
on softmax regression of 1,348 digits for 400 steps ("digits"). The others run at the best of 21 rates from 1e-7 to 1,000, heavy ball and Nesterov with the better of the
decays 0.9 and 0.95 as well, chosen on other functions (the digits: on the same) by the loss at the end. (The digits can be separated, so that there the
loss falls further the longer the steps are: the best rates of heavy ball and Nesterov are the largest.) A loss is a mean over the functions.
"""

import csv
from pathlib import Path

import numpy as np
import torch

from thalweg import data
from thalweg import numpy as tn
from thalweg import torch as tt

SEEDS, RATES, DECAYS = range(5), 10 ** np.arange(-7, 3.1, 0.5), (0.9, 0.95)
ROUNDS, FUNCTIONS = 120, 64
PROBLEMS = {"own kind": 100, "steeper": 100, "larger": 100, "digits": 400}


def quadratics(seed, d=10, scale=1.0, functions=FUNCTIONS):
    """A start and a loss that is the mean over the functions, in training as in the races: the network sees the size of gradients."""
    draw = torch.Generator().manual_seed(seed)
    W, y = torch.randn(functions, d, d, generator=draw), torch.randn(functions, d, generator=draw)
    start = torch.randn(functions, d, generator=draw)
    return start, lambda theta: scale * ((W @ theta[..., None])[..., 0] - y).square().sum() / functions


def softmax():
    split = data.digits()
    x = torch.tensor(np.column_stack([split.x_train, np.ones(len(split.x_train))]), dtype=torch.float32)
    y = torch.tensor(split.y_train)
    return torch.zeros(65, 10), lambda theta: torch.nn.functional.cross_entropy(x @ theta, y)


def problem(name, seed):
    """A start, its loss, and what the loss is divided by to be in the units of the own kind."""
    if name == "digits":
        return *softmax(), 1
    options = {"own kind": {}, "steeper": {"scale": 1000.0}, "larger": {"d": 50}}[name]
    return *quadratics(seed, **options), options.get("scale", 1.0)


def walk(step, state, start, loss, divisor, steps):
    """The losses along a walk, shape (steps + 1,)."""
    theta, found = start, []
    for _ in range(steps + 1):
        here = theta.detach().requires_grad_()
        value = loss(here)
        (grad,) = torch.autograd.grad(value, here)
        found.append(float(value.detach()) / divisor)
        theta, state = step(theta, grad, state)
    return np.nan_to_num(np.array(found), nan=np.inf)


def in_numpy(method, start, loss, divisor, steps):
    """A NumPy optimizer on the same problem."""
    state = method.init(start.numpy())

    def step(theta, grad, state):
        theta, state = method.step(theta.numpy(), grad.numpy(), state)
        return torch.as_tensor(theta, dtype=torch.float32), state

    with np.errstate(over="ignore", invalid="ignore"):
        return walk(step, state, start, loss, divisor, steps)


def candidates():
    for rate in map(float, RATES):
        yield "gradient descent", tn.GradientDescent(rate)
        yield "Adam", tn.Adam(rate)
        yield "RMSProp", tn.RMSProp(rate)
        for decay in DECAYS:
            yield "heavy ball", tn.Momentum(rate, decay)
            yield "Nesterov", tn.Nesterov(rate, decay)


def chosen(name):
    """Each method with the settings that leave the smallest loss on functions that are not reported."""
    best = {}
    for method, rule in candidates():
        end = in_numpy(rule, *problem(name, 1000), PROBLEMS[name])[-1]
        if method not in best or end < best[method][0]:
            best[method] = end, rule
    return {method: rule for method, (_, rule) in best.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    rules = {name: chosen(name) for name in PROBLEMS}
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write("# made by: python tests/bench/comparing_optimizers_learned.py\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["problem", "optimizer", "settings", "seed", "step", "loss"])
        for seed in SEEDS:
            torch.manual_seed(seed)
            learned = tt.LearnedOptimizer()

            def draw(round_, seed=seed):
                return quadratics(10_000 + 1000 * seed + round_)

            tt.meta_train(learned, draw, ROUNDS, steps=100, unroll=20, lr=0.01)
            for name, steps in PROBLEMS.items():
                start, loss, divisor = problem(name, seed)
                with torch.no_grad():
                    state = learned.init(start)

                def step(theta, grad, state, learned=learned):
                    with torch.no_grad():
                        return learned.step(theta, grad, state)

                found = {"learned optimizer": ("", walk(step, state, start, loss, divisor, steps))}
                for method, rule in rules[name].items():
                    settings = f"{rule.lr:.3g}" + (f" {rule.rho}" if method in ("heavy ball", "Nesterov") else "")
                    found[method] = settings, in_numpy(rule, start, loss, divisor, steps)
                for method, (settings, losses) in found.items():
                    for t in range(0, steps + 1, steps // 20):
                        table.writerow([name, method, settings, seed, t, f"{losses[t]:.4g}"])
            file.flush()
