"""Problems on which optimizers are compared, and their paths: what the tests of all optimizers share."""

import numpy as np
import pytest
import torch

from thalweg.surfaces import rosenbrock

STEPS = 1000


def quadratic(seed, d=6):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    hessian = q @ np.diag(rng.uniform(0.1, 10, size=d)) @ q.T
    return (lambda x: x @ hessian), rng.normal(size=d)


def banana():
    surface = rosenbrock()
    return surface.grad, np.array(surface.start)


PROBLEMS = [pytest.param(*quadratic(seed), id=f"quadratic {seed}") for seed in range(3)]


def path_of_numpy(optimizer, grad, start, steps=STEPS):
    theta, state = start, optimizer.init(start)
    where = getattr(optimizer, "where", lambda theta, state: theta)
    out = [theta]
    for _ in range(steps):
        theta, state = optimizer.step(theta, grad(where(theta, state)), state)
        out.append(theta)
    return np.array(out)


def path_of_torch(make, grad, start, steps=STEPS, dtype=torch.float64):
    p = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
    optimizer = make([p])

    def closure():
        p.grad = torch.as_tensor(grad(p.detach().numpy()), dtype=dtype)
        return torch.zeros(())

    out = [p.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.step(closure)
        out.append(p.detach().numpy().copy())
    return np.array(out)
