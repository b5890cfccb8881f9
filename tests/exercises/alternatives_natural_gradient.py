"""Right answers to the natural gradient assignment, written in other ways than the reference."""

import numpy as np


def fishers_by_loops(x, w, labels):
    n, d = x.shape
    fisher, empirical = np.zeros((d, d)), np.zeros((d, d))
    for xi, y in zip(x, labels, strict=True):
        p = 1 / (1 + np.exp(-np.clip(xi @ w, -700, 700)))
        fisher += p * np.outer((p - 1) * xi, (p - 1) * xi) + (1 - p) * np.outer(p * xi, p * xi)
        g = (p - (1 if y > 0 else 0)) * xi
        empirical += np.outer(g, g)
    return fisher / n, empirical / n


def fishers_by_the_margin(x, w, labels):
    """The slope of log(1 + exp(-y s)) is -y times the probability of the other answer."""
    score = x @ w
    wrong = np.exp(-np.logaddexp(0, labels * score))
    half = np.exp(-np.logaddexp(0, score) - np.logaddexp(0, -score))
    return np.einsum("n,ni,nj->ij", half, x, x) / len(x), np.einsum("n,ni,nj->ij", wrong**2, x, x) / len(x)


def step_by_inverse(grad, metric, divergence):
    natural = np.linalg.inv(metric) @ grad
    length = np.sqrt(natural @ metric @ natural / 2)
    return -natural * np.sqrt(divergence) / length if length > 0 else 0 * grad


def step_in_whitened_coordinates(grad, metric, divergence):
    """Where the metric is the identity, steepest descent is the plain one."""
    h, q = np.linalg.eigh(metric)
    white = (q.T @ grad) / np.sqrt(h)
    size = np.linalg.norm(white)
    if size == 0:
        return grad - grad
    return -(q / np.sqrt(h)) @ white / size * np.sqrt(2 * divergence)


def gaussian_in_words(x, mu, precision, lr):
    squares = np.mean((x - mu) ** 2)
    return (1 - lr) * mu + lr * np.mean(x), (1 + lr) * precision - lr * precision**2 * squares


def gaussian_by_solving(x, mu, precision, lr):
    sigma2 = 1 / precision
    fisher = np.array([[1 / sigma2, 0], [0, sigma2**2 / 2]])
    grad = np.mean([(mu - x) / sigma2, ((x - mu) ** 2 - sigma2) / 2], axis=1)
    return tuple(np.array([mu, precision]) - lr * np.linalg.solve(fisher, grad))


def whitening_by_the_symmetric_root(count, total, products, eps):
    mean = total / count
    h, q = np.linalg.eigh((products - count * np.outer(mean, mean)) / count + eps * np.eye(len(mean)))
    return q @ np.diag(h**-0.5) @ q.T, mean


def whitening_by_cholesky(count, total, products, eps):
    mean = total / count
    factor = np.linalg.cholesky(products / count - mean[:, None] * mean + eps * np.eye(len(mean)))
    return np.linalg.inv(factor), mean


def coordinates_by_solving(V, shifted, U, mean, U_new, mean_new):
    W = V @ U
    return np.linalg.solve(U_new.T, W.T).T, shifted + W @ (mean_new - mean)


def coordinates_by_probing(V, shifted, U, mean, U_new, mean_new):
    """What the old layer makes of the new mean, and of one step along each new axis from there."""

    def layer(x):
        return V @ U @ (x - mean) + shifted

    at_mean = layer(mean_new)
    axes = np.linalg.inv(U_new)
    return np.stack([layer(mean_new + axis) - at_mean for axis in axes.T], axis=1), at_mean


def short_by_trace(step, of_inputs, of_slopes, most):
    divergence = np.trace(of_slopes @ step @ of_inputs @ step.T) / 2
    return divergence, min(1, np.sqrt(most / divergence)) if divergence > 0 else 1


def short_by_the_whole_matrix(step, of_inputs, of_slopes, most):
    flat = step.ravel()
    divergence = 0.5 * flat @ np.kron(of_slopes, of_inputs) @ flat
    return divergence, 1.0 if divergence <= most else (most / divergence) ** 0.5


ALTERNATIVES = {
    "natural_gradient.two_fishers": [fishers_by_loops, fishers_by_the_margin],
    "natural_gradient.step_of_length": [step_by_inverse, step_in_whitened_coordinates],
    "natural_gradient.gaussian_step": [gaussian_in_words, gaussian_by_solving],
    "natural_gradient.whitening_from_sums": [whitening_by_the_symmetric_root, whitening_by_cholesky],
    "natural_gradient.new_coordinates": [coordinates_by_solving, coordinates_by_probing],
    "natural_gradient.short_enough": [short_by_trace, short_by_the_whole_matrix],
}
