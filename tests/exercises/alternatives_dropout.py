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


def backward_as_products(dy, cache):
    z, keep, u = cache
    return dy * (u < keep) * (z > 0) / keep, {}


def backward_in_stages(dy, cache):
    z, keep, u = cache
    dy = dy.copy()
    dy[u >= keep] = 0
    dy /= keep
    dy[z <= 0] = 0
    return dy, {}


def ensemble_with_itertools(a, w, b, keep):
    total = np.zeros(len(b))
    for mask in itertools.product((0, 1), repeat=len(a)):
        kept = sum(mask)
        logits = w @ (np.array(mask) * a / keep) + b
        e = np.exp(logits - max(logits))
        total += keep**kept * (1 - keep) ** (len(a) - kept) * e / e.sum()
    return total


def ensemble_by_recursion(a, w, b, keep):
    """Decide the last unit, then the rest."""
    if len(a) == 0:
        e = np.exp(b - b.max())
        return e / e.sum()
    with_it = ensemble_by_recursion(a[:-1], w[:, :-1], b + w[:, -1] * a[-1] / keep, keep)
    return keep * with_it + (1 - keep) * ensemble_by_recursion(a[:-1], w[:, :-1], b, keep)


def expected_loss_from_variances(x, target, w, keep):
    residual = x @ w - target
    variance = np.sum((x * w) ** 2, axis=1) / keep - np.sum((x * w) ** 2, axis=1)
    return (residual @ residual + variance.sum()) / len(target)


def expected_loss_looped(x, target, w, keep):
    total = 0.0
    for row, wanted in zip(x, target, strict=True):
        total += (wanted - row @ w) ** 2
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
