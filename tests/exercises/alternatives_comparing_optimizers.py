"""Right answers to the assignment on comparing optimizers, written in other ways than the reference."""

import itertools
import math

import numpy as np


def best_by_all_choices(validation, test, k):
    chosen = [min(c, key=lambda i: validation[i]) for c in itertools.combinations(range(len(validation)), k)]
    return np.mean(validation[chosen]), np.mean(test[chosen])


def best_by_ranks(validation, test, k):
    """How many of the other trials are worse, counted trial by trial."""
    n, totals = len(validation), [0.0, 0.0]
    for i in range(n):
        behind = sum(v > validation[i] for v in validation) + sum(
            validation[j] == validation[i] for j in range(i + 1, n)
        )
        chance = math.comb(behind, k - 1) / math.comb(n, k)
        if chance > 0:
            totals[0] += chance * validation[i]
            totals[1] += chance * test[i]
    return tuple(totals)


def profile_by_loops(costs, factors):
    problems, solvers = costs.shape
    shares = np.zeros((solvers, len(factors)))
    for p in range(problems):
        best = min(costs[p])
        for s in range(solvers):
            for j, factor in enumerate(factors):
                if math.isfinite(costs[p, s]) and costs[p, s] <= factor * best:
                    shares[s, j] += 1 / problems
    return shares


def profile_by_ratios(costs, factors):
    with np.errstate(invalid="ignore"):
        ratios = np.nan_to_num(costs / costs.min(axis=1, keepdims=True), nan=np.inf)
    return np.stack([(ratios <= factor * (1 + 1e-12)).mean(axis=0) for factor in factors], axis=1)


def sparse_by_products(grad, uniform, keep):
    mask = (uniform < keep).astype(grad.dtype)
    return mask * grad / keep, grad**2 * (1 - keep) / keep


def sparse_by_moments(grad, uniform, keep):
    """The mean square less the square of the mean."""
    noisy = np.zeros_like(grad)
    noisy[uniform < keep] = grad[uniform < keep] / keep
    return [noisy, keep * (grad / keep) ** 2 - grad**2]


def lion_written_out(theta, grad, m, lr, beta1, beta2, weight_decay):
    update = np.sign((1 - beta1) * grad + beta1 * m) + weight_decay * theta
    return theta - lr * update, (1 - beta2) * grad + beta2 * m


def lion_entry_by_entry(theta, grad, m, lr, beta1, beta2, weight_decay):
    new_theta, new_m = np.empty_like(theta), np.empty_like(m)
    for i in np.ndindex(theta.shape):
        c = m[i] + (1 - beta1) * (grad[i] - m[i])
        step = 1 if c > 0 else -1 if c < 0 else 0
        new_theta[i] = theta[i] * (1 - lr * weight_decay) - lr * step
        new_m[i] = m[i] + (1 - beta2) * (grad[i] - m[i])
    return new_theta, new_m


def cubic_by_singular_values(matrix, steps):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / max(np.sqrt((s**2).sum()), np.finfo(float).tiny)
    for _ in range(steps):
        s = s * (3 - s**2) / 2
    return (u * s) @ vt


def cubic_from_the_other_side(matrix, steps):
    x = matrix.T / max(np.sqrt(np.sum(matrix**2)), 1e-300)
    for _ in range(steps):
        x = 1.5 * x - 0.5 * x @ (x.T @ x)
    return x.T


def paired_by_hand(first, second):
    n = len(first)
    d = [a - b for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    mean = sum(d) / n
    return mean, math.sqrt(sum((x - mean) ** 2 for x in d) / (n - 1) / n)


def paired_by_covariance(first, second):
    (a, c), (_, b) = np.cov(first.astype(float), second.astype(float))
    return np.mean(first) - np.mean(second), np.sqrt(max(a + b - 2 * c, 0.0) / len(first))


ALTERNATIVES = {
    "comparing_optimizers.expected_best": [best_by_all_choices, best_by_ranks],
    "comparing_optimizers.profile": [profile_by_loops, profile_by_ratios],
    "comparing_optimizers.sparse_noise": [sparse_by_products, sparse_by_moments],
    "comparing_optimizers.lion_step": [lion_written_out, lion_entry_by_entry],
    "comparing_optimizers.cubic": [cubic_by_singular_values, cubic_from_the_other_side],
    "comparing_optimizers.paired": [paired_by_hand, paired_by_covariance],
}
