"""Right answers to the adaptive_rates assignment, written in other ways than the reference."""

import numpy as np


def rprop_by_masks(theta, grad, rate, last, down, up, smallest, largest):
    theta, grad, rate = theta.copy(), grad.copy(), rate.copy()
    agree, turned = np.sign(grad) * np.sign(last) > 0, np.sign(grad) * np.sign(last) < 0
    rate[agree] = np.minimum(rate[agree] * up, largest)
    rate[turned] = np.maximum(rate[turned] * down, smallest)
    rate = np.clip(rate, smallest, largest)
    grad[turned] = 0
    theta -= rate * np.sign(grad)
    return theta, rate, grad


def rprop_looped(theta, grad, rate, last, down, up, smallest, largest):
    new = [np.empty_like(theta) for _ in range(3)]
    for i in np.ndindex(theta.shape):
        a, b = np.sign(grad[i]), np.sign(last[i])
        factor = up if a * b > 0 else down if a * b < 0 else 1
        new[1][i] = min(max(rate[i] * factor, smallest), largest)
        new[2][i] = 0 if a * b < 0 else grad[i]
        new[0][i] = theta[i] - new[1][i] * np.sign(new[2][i])
    return new


def rows_one_by_one(table, s, rows, grads, lr, eps):
    table, s = table.copy(), s.copy()
    for row in set(rows.tolist()):
        total = grads[rows == row].sum(axis=0)
        s[row] += total**2
        table[row] -= lr * total / (np.sqrt(s[row]) + eps)
    return table, s


def rows_by_a_product(table, s, rows, grads, lr, eps):
    chosen = (rows[None, :] == np.arange(len(table))[:, None]).astype(table.dtype)
    total = chosen @ grads
    s = s + total**2
    root = np.sqrt(s) + eps
    return table - lr * np.divide(total, root, out=np.zeros_like(table), where=root > 0), s


def rmsprop_in_place_on_copies(theta, grad, s, lr, beta2, eps):
    s = s.copy()
    s += (1 - beta2) * (grad * grad - s)
    return [theta - lr / (s**0.5 + eps) * grad, s]


def rmsprop_looped(theta, grad, s, lr, beta2, eps):
    out = [np.empty_like(theta), np.empty_like(theta)]
    for i in np.ndindex(theta.shape):
        out[1][i] = beta2 * s[i] + (1 - beta2) * grad[i] ** 2
        out[0][i] = theta[i] - lr * grad[i] / (np.sqrt(out[1][i]) + eps)
    return tuple(out)


def adadelta_one_root(theta, grad, s, nu, lr, beta2, eps):
    s = s + (1 - beta2) * (grad**2 - s)
    square = grad**2 * (nu + eps) / (s + eps)
    return theta - lr * np.sign(grad) * np.sqrt(square), s, nu + (1 - beta2) * (square - nu)


def adadelta_as_list(theta, grad, s, nu, lr, beta2, eps):
    s = np.add(beta2 * s, (1 - beta2) * np.square(grad))
    step = grad * np.sqrt((nu + eps) / (s + eps))
    return [theta - lr * step, s, beta2 * nu + (1 - beta2) * step * step]


def path_by_parts(lr, eps, unit, k):
    displacement, gradient = 1 / unit, k * unit
    return (
        lr * displacement / gradient,
        lr * displacement,
        eps * gradient,
        eps * displacement**2,
        eps * gradient**2,
    )


def path_as_list(lr, eps, unit, k):
    return [lr / k / unit**2, lr / unit, eps * k * unit, eps * unit**-2.0, eps * k**2 * unit**2]


def at_once_by_iteration(grad, s, nu, beta2, eps):
    square = np.zeros_like(nu, dtype=float)
    for _ in range(5000):
        square = grad**2 * (beta2 * nu + (1 - beta2) * square + eps) / (s + eps)
    return np.sign(grad) * np.sqrt(square), beta2 * nu + (1 - beta2) * square


def at_once_multiplied_out(grad, s, nu, beta2, eps):
    square = grad**2 * (beta2 * nu + eps) / (s + eps - (1 - beta2) * grad**2)
    return [np.copysign(np.sqrt(square), grad), beta2 * nu + (1 - beta2) * square]


ALTERNATIVES = {
    "adaptive_rates.rprop_step": [rprop_by_masks, rprop_looped],
    "adaptive_rates.adagrad_rows": [rows_one_by_one, rows_by_a_product],
    "adaptive_rates.rmsprop_step": [rmsprop_in_place_on_copies, rmsprop_looped],
    "adaptive_rates.adadelta_step": [adadelta_one_root, adadelta_as_list],
    "adaptive_rates.same_path": [path_by_parts, path_as_list],
    "adaptive_rates.adadelta_at_once": [at_once_by_iteration, at_once_multiplied_out],
}
