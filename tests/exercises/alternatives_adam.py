"""Right answers to the adam assignment, written in other ways than the reference."""

import numpy as np


def average_column_by_column(values, beta):
    found = []
    for column in values.T:
        seen = column[~np.isnan(column)]
        weights = beta ** np.arange(len(seen))[::-1]
        found.append(weights @ seen / weights.sum() if len(seen) else np.nan)
    return np.array(found)


def average_corrected_on_the_way(values, beta):
    mean, count = np.full_like(values[0], np.nan), np.zeros(values.shape[1])
    for value in values:
        seen = ~np.isnan(value)
        count = count + seen
        share = (1 - beta) / (1 - beta ** np.maximum(count, 1))
        start = np.where(np.isnan(mean), 0, mean)
        mean = np.where(seen, start + share * (value - start), mean)
    return mean


def average_by_ages(values, beta):
    seen = ~np.isnan(values)
    age = seen[::-1].cumsum(axis=0)[::-1] - seen  # how many values have been seen since
    weights = seen * float(beta) ** age
    return (weights * np.nan_to_num(values)).sum(axis=0) / weights.sum(axis=0)


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


def restart_by_running(j, k, beta1, beta2):
    last, averages, count = int(max(j)), {}, {}
    fresh, full = np.zeros(2), np.zeros(2)
    betas = np.array([beta1, beta2])
    for _ in range(k):
        full = betas * full + (1 - betas)
    for step in range(1, last + 1):
        fresh, full = betas * fresh + (1 - betas), betas * full + (1 - betas)
        m, s = fresh / (1 - betas ** (k + step))
        averages[step] = m / s**0.5
        m, s = full / (1 - betas**step)
        count[step] = m / s**0.5
    return np.array([averages[int(i)] for i in j]), np.array([count[int(i)] for i in j])


def restart_as_list(j, k, beta1, beta2):
    corrections = [np.sqrt(1 - beta2**t) / (1 - beta1**t) for t in (j, k + j)]
    return [corrections[1] / corrections[0], corrections[0] / corrections[1]]


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


def size_by_logarithms(s, grad, beta2, q):
    with np.errstate(divide="ignore"):
        kept, new = np.log(beta2 * s.astype(float)), np.log(np.abs(grad).astype(float))
    return np.exp(np.logaddexp(q * kept, np.log1p(-(beta2**q)) + q * new) / q)


def size_by_the_smaller(s, grad, beta2, q):
    kept, new, weight = beta2 * s, abs(grad), 1 - beta2**q
    high, low = np.where(kept > new, kept, new), np.where(kept > new, new, kept)
    ratio = np.divide(low, high, out=np.zeros_like(high), where=high > 0) ** q
    return high * np.where(kept > new, 1 + weight * ratio, weight + ratio) ** (1 / q)


ALTERNATIVES = {
    "adam.corrected_average": [average_column_by_column, average_corrected_on_the_way, average_by_ages],
    "adam.adam_step": [adam_in_place_on_copies, adam_as_list, adam_looped],
    "adam.after_restart": [restart_by_running, restart_as_list],
    "adam.adamw_step": [adamw_decay_first, adamw_one_bracket],
    "adam.size_after": [size_by_logarithms, size_by_the_smaller],
}
