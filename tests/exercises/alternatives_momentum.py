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


def velocity_rolled(grads, rhos):
    weights = np.zeros(len(rhos))
    v = np.zeros_like(grads[0])
    for k, rho in enumerate(rhos):
        weights *= rho
        weights[k] = 1
        v = rho * v + grads[k]
    return weights, v


def velocity_backwards(grads, rhos):
    weights = np.ones(len(rhos))
    for k in range(len(rhos) - 2, -1, -1):
        weights[k] = weights[k + 1] * rhos[k + 1]
    return weights, np.sum(weights.astype(grads.dtype)[:, None] * grads, axis=0)


def velocity_by_products(grads, rhos):
    weights = [float(np.prod(rhos[k + 1 :])) for k in range(len(rhos))]
    return weights, np.asarray(weights) @ grads


def look_ahead_in_two_moves(theta, grad, v, lr, rho):
    ahead = theta - lr * rho * v
    slope = grad(ahead)
    return ahead - lr * slope, rho * v + slope


def look_ahead_with_a_displacement(theta, grad, v, lr, rho):
    """The rate inside for the length of a step."""
    u = lr * v
    slope = np.asarray(grad(theta - rho * u))
    u = rho * u + lr * slope
    return [theta - u, rho * v + slope]


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
    "momentum.velocity": [velocity_rolled, velocity_backwards, velocity_by_products],
    "momentum.look_ahead": [look_ahead_in_two_moves, look_ahead_with_a_displacement],
    "momentum.nesterov": [nesterov_difference_of_velocities, nesterov_combined_factor],
    "momentum.convergence_factor": [factor_by_eigenvalues, factor_by_velocity_matrix, factor_by_cases],
}
