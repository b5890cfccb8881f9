"""Right answers to the adam assignment, written in other ways than the reference."""

import numpy as np


def average_by_weights(values, beta):
    weights = beta ** np.arange(len(values))[::-1]
    return weights @ values / weights.sum()


def average_corrected_on_the_way(values, beta):
    mean = np.zeros_like(values[0])
    for t, value in enumerate(values, start=1):
        share = (1 - beta) / (1 - beta**t)
        mean = mean + share * (value - mean)
    return mean


def average_by_numpy(values, beta):
    return np.average(values, axis=0, weights=beta ** np.arange(len(values) - 1, -1, -1.0))


def adam_in_place_on_copies(theta, grad, m, s, t, lr, beta1, beta2, eps):
    theta, m, s = theta.copy(), m.copy(), s.copy()
    m += (1 - beta1) * (grad - m)
    s += (1 - beta2) * (grad * grad - s)
    theta -= lr * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return theta, m, s


def adam_as_list(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = np.add(beta1 * m, (1 - beta1) * grad)
    s = np.add(beta2 * s, (1 - beta2) * np.square(grad))
    rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return [theta - rate * m / (np.sqrt(s) + eps * np.sqrt(1 - beta2**t)), m, s]


def adam_looped(theta, grad, m, s, t, lr, beta1, beta2, eps):
    out = [np.empty_like(theta) for _ in range(3)]
    for i in np.ndindex(theta.shape):
        out[1][i] = beta1 * m[i] + (1 - beta1) * grad[i]
        out[2][i] = beta2 * s[i] + (1 - beta2) * grad[i] ** 2
        out[0][i] = theta[i] - lr * out[1][i] / (1 - beta1**t) / (np.sqrt(out[2][i] / (1 - beta2**t)) + eps)
    return tuple(out)


def factor_by_running(t, beta1, beta2):
    m, s, found = 0.0, 0.0, {}
    for step in range(1, int(max(t)) + 1):
        m, s = beta1 * m + (1 - beta1), beta2 * s + (1 - beta2)
        found[step] = m / s**0.5
    return np.array([found[int(step)] for step in t])


def factor_as_list(t, beta1, beta2):
    return [(1 - beta1 ** float(step)) / (1 - beta2 ** float(step)) ** 0.5 for step in t]


def adamw_decay_first(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    decayed = theta - lr * weight_decay * theta
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return decayed - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


def adamw_one_bracket(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    direction = m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return [theta - lr * (direction + weight_decay * theta), m, s]


def adamax_by_where(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.where(beta2 * s > abs(grad), beta2 * s, abs(grad))
    return theta - lr / (1 - beta1**t) * m / s, m, s


def adamax_by_stacking(theta, grad, m, s, t, lr, beta1, beta2):
    m = m + (1 - beta1) * (grad - m)
    s = np.stack([beta2 * s, np.abs(grad)]).max(axis=0)
    return theta - lr * (m / (1 - beta1**t)) / s, m, s


ALTERNATIVES = {
    "adam.corrected_average": [average_by_weights, average_corrected_on_the_way, average_by_numpy],
    "adam.adam_step": [adam_in_place_on_copies, adam_as_list, adam_looped],
    "adam.too_long": [factor_by_running, factor_as_list],
    "adam.adamw_step": [adamw_decay_first, adamw_one_bracket],
    "adam.adamax_step": [adamax_by_where, adamax_by_stacking],
}
