"""Right answers to the dropout assignment, written in other ways than the reference."""

import itertools

import numpy as np


def plain_by_indexing(x, keep, u=None):
    if u is None:
        return keep * x
    y = x.copy()
    y[u >= keep] = 0
    return y


def plain_looped(x, keep, u=None):
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y[i] = x[i] * keep if u is None else (x[i] if u[i] < keep else 0)
    return y


def plain_as_product(x, keep, u=None):
    return np.multiply(x, keep if u is None else u < keep)


def backward_as_products(grad, z, keep, u):
    return grad * (u < keep) * (z > 0) / keep


def backward_in_stages(grad, z, keep, u):
    grad = grad.copy()
    grad[u >= keep] = 0
    grad /= keep
    grad[z <= 0] = 0
    return grad


def ensemble_with_itertools(h, w, b, keep):
    total = np.zeros(len(b))
    for mask in itertools.product((0, 1), repeat=len(h)):
        kept = sum(mask)
        logits = w @ (np.array(mask) * h / keep) + b
        e = np.exp(logits - max(logits))
        total += keep**kept * (1 - keep) ** (len(h) - kept) * e / e.sum()
    return total


def ensemble_by_recursion(h, w, b, keep):
    """Decide the last unit, then the rest."""
    if len(h) == 0:
        e = np.exp(b - b.max())
        return e / e.sum()
    with_it = ensemble_by_recursion(h[:-1], w[:, :-1], b + w[:, -1] * h[-1] / keep, keep)
    return keep * with_it + (1 - keep) * ensemble_by_recursion(h[:-1], w[:, :-1], b, keep)


def expected_loss_from_variances(x, y, w, keep):
    residual = x @ w - y
    variance = np.sum((x * w) ** 2, axis=1) / keep - np.sum((x * w) ** 2, axis=1)
    return (residual @ residual + variance.sum()) / len(y)


def expected_loss_looped(x, y, w, keep):
    total = 0.0
    for row, target in zip(x, y, strict=True):
        total += (target - row @ w) ** 2
        for j in range(len(w)):
            total += (1 / keep - 1) * (row[j] * w[j]) ** 2
    return total / len(x)


def residual_with_branches(x, weights, last, u=None):
    blocks = len(weights)
    for i in range(blocks):
        p = 1 - (i + 1) * (1 - last) / blocks
        branch = np.maximum(0, weights[i] @ x)
        if u is None:
            x = x + p * branch
        elif u[i] < p:
            x = x + branch
    return x


def residual_on_a_copy(x, weights, last, u=None):
    x = x.copy()
    rates = np.linspace(1, last, len(weights) + 1)[1:]
    for w, gate in zip(weights, rates if u is None else (u < rates).astype(float), strict=True):
        h = w @ x
        h[h < 0] = 0
        x += gate * h
    return x


ALTERNATIVES = {
    "dropout.plain": [plain_by_indexing, plain_looped, plain_as_product],
    "dropout.backward": [backward_as_products, backward_in_stages],
    "dropout.ensemble": [ensemble_with_itertools, ensemble_by_recursion],
    "dropout.expected_loss": [expected_loss_from_variances, expected_loss_looped],
    "dropout.residual_net": [residual_with_branches, residual_on_a_copy],
}
