"""Right answers to the preprocessing assignment, written in other ways than the reference."""

import numpy as np


def standardize_by_range(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[train.max(axis=0) == train.min(axis=0)] = 1
    return (train - mean) / std, (test - mean) / std


def standardize_with_a_small_number(train, test):
    """Something tiny in the denominator where there is a deviation does no harm."""
    mean = train.mean(axis=0)
    std = np.sqrt(((train - mean) ** 2).mean(axis=0))
    std = np.where(std <= 1e-6 * abs(mean), 1, std + np.asarray(1e-9, train.dtype)).astype(train.dtype)
    return [(x - mean) / std for x in (train, test)]


def standardize_looped(train, test):
    out = [np.empty_like(train), np.empty_like(test)]
    for j in range(train.shape[1]):
        mean, std = train[:, j].mean(), train[:, j].std()
        std = 1 if (train[:, j] == train[0, j]).all() else std
        for old, new in zip((train, test), out, strict=True):
            new[:, j] = (old[:, j] - mean) / std
    return out


def weights_by_einsum(W, b, mean, std):
    flat = W.reshape(*W.shape[:2], -1)
    new = np.einsum("oiw,i->oiw", flat, 1 / std)
    return new.reshape(W.shape), b - np.einsum("oiw,i->o", new, mean)


def weights_one_by_one(W, b, mean, std):
    W, b = W.copy(), b.copy()
    for i in range(W.shape[1]):
        W[:, i] /= std[i]
        b -= mean[i] * W[:, i].reshape(len(b), -1).sum(axis=1)
    return W, b


def pca_by_svd(train, test, k):
    mean = train.mean(axis=0)
    _, s, vt = np.linalg.svd(train - mean, full_matrices=False)
    std = s[:k] / np.sqrt(np.asarray(len(train), train.dtype))
    white = (test - mean) @ vt[:k].T / std
    return white, white * std @ vt[:k] + mean


def pca_by_sorting(train, test, k):
    mean = train.mean(axis=0)
    h, q = np.linalg.eig((train - mean).T @ (train - mean) / np.asarray(len(train), train.dtype))
    first = np.argsort(-h.real)[:k]
    U = (q[:, first].real / np.sqrt(h[first].real)).T
    white = (test - mean) @ U.T
    return white, white @ np.linalg.pinv(U).T + mean


def zca_by_svd(cov, eps):
    u, s, _ = np.linalg.svd(cov + np.asarray(eps, cov.dtype) * np.eye(len(cov), dtype=cov.dtype))
    return u @ np.diag(s**-0.5) @ u.T, u @ np.diag(s**0.5) @ u.T


def zca_and_its_inverse(cov, eps):
    h, q = np.linalg.eigh(cov + np.asarray(eps, cov.dtype) * np.eye(len(cov), dtype=cov.dtype))
    there = sum(np.outer(v, v) / np.sqrt(size) for size, v in zip(h, q.T, strict=True))
    return there, np.linalg.inv(there)


def take_in_by_the_gap(n, mean, scatter, x):
    gap = x - mean
    share = np.asarray(n / (n + 1), mean.dtype)
    return mean + gap / np.asarray(n + 1, mean.dtype), scatter + share * np.outer(gap, gap)


def take_in_both_ways(n, mean, scatter, x):
    new = (n * mean + x) / np.asarray(n + 1, mean.dtype)
    moved = n * np.outer(new - mean, new - mean)
    return [new, (scatter + moved + np.outer(x - new, x - new)).astype(mean.dtype)]


def steps_by_singular_values(x, share):
    seen = np.hstack([x.astype(float), np.ones((len(x), 1))])
    s = np.linalg.svd(seen / np.sqrt(len(x)), compute_uv=False)
    s = s[s > 1e-5 * s[0]]
    high, low = s[0] ** 2, s[-1] ** 2
    rate = 2 / (low + high)
    return high / low, rate, np.log(share) / np.log(1 - rate * low)


def steps_as_list(x, share):
    seen = np.column_stack([np.ones(len(x)), x.astype(float)])
    h = sorted(v for v in np.linalg.eigvalsh(seen.T @ seen) / len(x) if v > 1e-9)
    kappa = h[-1] / h[0]
    return [kappa, 2 / (h[0] + h[-1]), np.log(share) / (np.log(kappa - 1) - np.log(kappa + 1))]


ALTERNATIVES = {
    "preprocessing.standardize": [standardize_by_range, standardize_with_a_small_number, standardize_looped],
    "preprocessing.into_weights": [weights_by_einsum, weights_one_by_one],
    "preprocessing.pca_whiten": [pca_by_svd, pca_by_sorting],
    "preprocessing.zca": [zca_by_svd, zca_and_its_inverse],
    "preprocessing.take_in": [take_in_by_the_gap, take_in_both_ways],
    "preprocessing.steps_needed": [steps_by_singular_values, steps_as_list],
}
