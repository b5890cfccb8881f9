"""Right answers to the momentum assignment, written in other ways than the reference."""

import numpy as np


def heavy_ball_in_place_on_copies(theta, grad, v, lr, rho):
    theta, v = theta.copy(), v.copy()
    v *= rho
    v += grad
    theta -= lr * v
    return theta, v


def heavy_ball_as_list(theta, grad, v, lr, rho):
    v = np.add(np.multiply(rho, v), grad)
    return [np.subtract(theta, np.multiply(lr, v)), v]


def heavy_ball_looped(theta, grad, v, lr, rho):
    new_theta, new_v = np.empty_like(theta), np.empty_like(v)
    for i in np.ndindex(theta.shape):
        new_v[i] = rho * v[i] + grad[i]
        new_theta[i] = theta[i] - lr * new_v[i]
    return new_theta, new_v


def velocity_as_dot_product(grads, rho):
    return np.power(float(rho), np.arange(len(grads) - 1, -1, -1)) @ grads


def velocity_by_horner(grads, rho):
    return np.array([np.polyval(column, rho) for column in grads.T])


def velocity_looped(grads, rho):
    v = 0
    for g in grads:
        v = g + rho * v
    return v


def look_ahead_in_two_moves(theta, grad, v, lr, rho):
    ahead = theta - rho * v
    slope = grad(ahead)
    return ahead - lr * slope, rho * v + lr * slope


def look_ahead_as_list(theta, grad, v, lr, rho):
    slope = np.asarray(grad(theta + (-rho) * v))
    new_v = lr * slope + rho * v
    return [theta - new_v, new_v]


def nesterov_difference_of_velocities(theta, grad, v, lr, rho):
    """The lecture's form: the new velocity plus rho times the change of velocity."""
    new = rho * v + grad
    return theta - lr * (new + rho * (new - v)), new


def nesterov_combined_factor(theta, grad, v, lr, rho):
    new = rho * v + grad
    return theta + lr * rho * v - lr * (1 + rho) * new, new


def factor_by_eigenvalues(lr, rho, curvatures):
    return max(
        max(abs(np.linalg.eigvals(np.array([[1 + rho - lr * h, -rho], [1.0, 0.0]])))) for h in np.atleast_1d(curvatures)
    )


def factor_by_velocity_matrix(lr, rho, curvatures):
    h = np.asarray(curvatures)
    matrices = np.stack([np.array([[1 - lr * k, -lr * rho], [k, rho]]) for k in h])
    return float(np.abs(np.linalg.eigvals(matrices)).max())


def factor_by_cases(lr, rho, curvatures):
    worst = 0.0
    for h in curvatures:
        trace = 1 + rho - lr * h
        gap = trace * trace - 4 * rho
        worst = max(worst, (abs(trace) + gap**0.5) / 2 if gap > 0 else rho**0.5)
    return worst


ALTERNATIVES = {
    "momentum.heavy_ball": [heavy_ball_in_place_on_copies, heavy_ball_as_list, heavy_ball_looped],
    "momentum.velocity": [velocity_as_dot_product, velocity_by_horner, velocity_looped],
    "momentum.look_ahead": [look_ahead_in_two_moves, look_ahead_as_list],
    "momentum.nesterov": [nesterov_difference_of_velocities, nesterov_combined_factor],
    "momentum.convergence_factor": [factor_by_eigenvalues, factor_by_velocity_matrix, factor_by_cases],
}
