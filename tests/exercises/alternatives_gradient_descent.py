"""Right answers to the gradient descent assignment, written in other ways than the reference."""

import itertools

import numpy as np


def epoch_example_by_example(theta, x, targets, order, batch, lr):
    theta, losses = np.array(theta), []
    for start in range(0, len(order), batch):
        pull = np.zeros_like(theta)
        for i in order[start : start + batch]:
            off = x[i] @ theta - targets[i]
            losses.append(off**2 / 2)
            pull = pull + off * x[i]
        theta = theta - lr / batch * pull
    return theta, sum(losses) / len(losses)


def epoch_with_weighted_means(theta, x, targets, order, batch, lr):
    """Means over each batch, the short one weighted with its size."""
    loss = 0.0
    for rows in np.split(order, range(batch, len(order), batch)):
        off = x[rows] @ theta - targets[rows]
        share = len(rows) / batch
        loss += np.mean(off**2) / 2 * len(rows) / len(order)
        theta = theta - lr * share * np.mean(off[:, None] * x[rows], axis=0)
    return [theta, loss]


def rate_by_blocks(x, weight_decay):
    n, d = x.shape
    hessian = np.zeros((d + 1, d + 1))
    hessian[0, 0] = 2
    hessian[0, 1:] = hessian[1:, 0] = 2 * x.mean(axis=0)
    hessian[1:, 1:] = 2 / n * x.T @ x + weight_decay * np.eye(d)
    return 2 / np.max(np.linalg.eigvals(hessian).real)


def rate_by_singular_values(x, weight_decay):
    """The penalty as further rows of a taller matrix."""
    n, d = x.shape
    ones = np.hstack([x, np.ones((n, 1))]) * np.sqrt(2 / n)
    rows = np.hstack([np.sqrt(weight_decay) * np.eye(d), np.zeros((d, 1))])
    return 2 / np.linalg.norm(np.vstack([ones, rows]), 2) ** 2


def errors_by_hand(gradients, batch):
    n, d = gradients.shape
    with_, without = [], []
    for j in range(d):
        column = gradients[:, j]
        variance = np.mean((column - np.mean(column)) ** 2) / batch
        with_.append(np.sqrt(variance))
        without.append(np.sqrt(variance * (n - batch) / (n - 1)) if n > 1 else 0.0)
    return np.array(with_), np.array(without)


def errors_of_every_batch(gradients, batch):
    """Without replacement by trying all batches."""
    means = [gradients[list(rows)].mean(axis=0) for rows in itertools.combinations(range(len(gradients)), batch)]
    return np.sqrt(np.var(gradients, axis=0) / batch), np.std(means, axis=0)


def importance_by_loops(gradients, chances, drawn):
    n, d = gradients.shape
    estimate = np.zeros(d)
    for i in drawn:
        estimate += gradients[i] / (n * chances[i])
    mean, variance = gradients.mean(axis=0), 0.0
    for g, chance in zip(gradients, chances, strict=True):
        if chance > 0:
            variance += chance * np.sum((g / (n * chance) - mean) ** 2)
        else:
            variance += 0.0
    return estimate / len(drawn), variance / len(drawn)


def importance_by_moments(gradients, chances, drawn):
    """The mean of the squares less the square of the mean."""
    n = len(gradients)
    squares = (gradients.astype(float) ** 2).sum(axis=1)
    moment = np.divide(squares, n**2 * chances, out=np.zeros(n), where=chances > 0).sum()
    weights = 1 / (n * chances[drawn])
    return weights @ gradients[drawn] / len(drawn), (moment - (gradients.mean(axis=0) ** 2).sum()) / len(drawn)


def dealt_by_strides(classes, batch):
    order, n_batches = np.argsort(classes), len(classes) // batch
    return np.array([order[k::n_batches] for k in range(n_batches)])


def split_class_by_class(classes, batch):
    n_batches = len(classes) // batch
    parts = [np.flatnonzero(classes == k).reshape(n_batches, -1) for k in np.unique(classes)]
    return np.concatenate(parts, axis=1)


def dealt_to_lists(classes, batch):
    hands = [[] for _ in range(len(classes) // batch)]
    for place, i in enumerate(sorted(range(len(classes)), key=lambda i: classes[i])):
        hands[place % len(hands)].append(i)
    return hands


ALTERNATIVES = {
    "gradient_descent.one_epoch": [epoch_example_by_example, epoch_with_weighted_means],
    "gradient_descent.largest_rate": [rate_by_blocks, rate_by_singular_values],
    "gradient_descent.standard_errors": [errors_by_hand, errors_of_every_batch],
    "gradient_descent.importance": [importance_by_loops, importance_by_moments],
    "gradient_descent.diverse_batches": [dealt_by_strides, split_class_by_class, dealt_to_lists],
}
