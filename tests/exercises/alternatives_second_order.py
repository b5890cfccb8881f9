"""Right answers to the second-order assignment, written in other ways than the reference."""

import numpy as np


def damped_by_axes(grad, hessian, least):
    curvatures, axes = np.linalg.eigh(hessian)
    damping = max(least - curvatures.min(), 0)
    return damping, -(axes @ ((axes.T @ grad) / (curvatures + damping)))


def damped_by_inverse(grad, hessian, least):
    smallest = np.min(np.linalg.eigvals(hessian).real)
    damping = 0.0 if smallest >= least else least - smallest
    return [damping, np.linalg.inv(hessian + damping * np.eye(len(grad))) @ -grad]


def cg_with_the_matrix(jacobian, errors, damping, steps):
    matrix = jacobian.T @ jacobian + damping * np.eye(jacobian.shape[1])
    x = np.zeros(jacobian.shape[1], dtype=jacobian.dtype)
    b = -jacobian.T @ errors
    p = b
    for _ in range(steps):
        r = b - matrix @ x
        x = x + (r @ p) / (p @ matrix @ p) * p
        new = b - matrix @ x
        p = new - (new @ matrix @ p) / (p @ matrix @ p) * p
    return x, np.linalg.norm(b - matrix @ x)


def cg_in_krylov_space(jacobian, errors, damping, steps):
    """The best point of the space that the first steps span."""
    matrix = (jacobian.T @ jacobian + damping * np.eye(jacobian.shape[1])).astype(float)
    b = (-jacobian.T @ errors).astype(float)
    if steps == 0:
        return np.zeros(len(b)), np.linalg.norm(b)
    basis = [b]
    for _ in range(steps - 1):
        basis.append(matrix @ basis[-1] / np.linalg.norm(basis[-1]))
    q, _ = np.linalg.qr(np.array(basis).T)
    x = q @ np.linalg.solve(q.T @ matrix @ q, q.T @ b)
    return x, np.linalg.norm(b - matrix @ x)


def product_by_examples(x, W, direction, weight_decay):
    out = weight_decay * direction
    for row in x:
        z = W @ row
        p = np.exp(z - z.max())
        p = p / p.sum()
        out = out + np.outer((np.diag(p) - np.outer(p, p)) @ (direction @ row), row) / len(x)
    return out


def product_by_a_complex_step(x, W, direction, weight_decay):
    """The change of the gradient along the direction, by a tiny imaginary step; the targets drop out."""
    shifted = W.astype(complex) + 1e-30j * direction
    z = x @ shifted.T
    e = np.exp(z - z.real.max(axis=1, keepdims=True))
    grad = (e / e.sum(axis=1, keepdims=True)).T @ x / len(x) + weight_decay * shifted
    return (grad / 1e-30).imag


def interval_by_roots(grad, hessian, direction, c1, c2):
    slope, bend = float(direction @ grad), float(direction @ (hessian @ direction))
    flat = [(c2 * slope - slope) / bend, (-c2 * slope - slope) / bend]
    gain = 2 * (c1 - 1) * slope / bend
    return min(flat), min(max(flat), gain)


def interval_in_parts(grad, hessian, direction, c1, c2):
    exact = np.sum(-grad * direction) / np.einsum("i,ij,j", direction, hessian, direction)
    longest = exact * (1 + c2)
    if longest > 2 * exact * (1 - c1):
        longest = 2 * exact * (1 - c1)
    return exact - c2 * exact, longest


def bfgs_by_inverses(matrix, dtheta, dgrad, direction):
    bend = float(dgrad @ dtheta)
    if bend <= 0:
        return matrix @ direction
    left = np.eye(len(dtheta)) - np.outer(dtheta, dgrad) / bend
    return np.linalg.solve(left @ np.linalg.inv(matrix) @ left.T + np.outer(dtheta, dtheta) / bend, direction)


def bfgs_without_the_matrix(matrix, dtheta, dgrad, direction):
    product = np.array(matrix @ direction)
    if np.sum(dtheta * dgrad) > 0:
        pushed = matrix @ dtheta
        product -= pushed * float(pushed @ direction) / float(dtheta @ pushed)
        product += dgrad * float(dgrad @ direction) / float(dgrad @ dtheta)
    return product


def step_by_matrices(grad, dthetas, dgrads, diagonal):
    inverse = np.diag(diagonal)
    for s, y in list(zip(dthetas, dgrads, strict=True))[::-1]:
        left = np.eye(len(s)) - np.outer(s, y) / (y @ s)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (y @ s)
    return -inverse @ grad


def step_recursively(grad, dthetas, dgrads, diagonal):
    if len(dthetas) == 0:
        return -diagonal * grad
    s, y = dthetas[0], dgrads[0]
    share = (s @ grad) / (s @ y)
    inner = step_recursively(grad - share * y, dthetas[1:], dgrads[1:], diagonal)
    return inner - (y @ inner) / (s @ y) * s - share * s


ALTERNATIVES = {
    "second_order.damped_step": [damped_by_axes, damped_by_inverse],
    "second_order.gauss_newton_cg": [cg_with_the_matrix, cg_in_krylov_space],
    "second_order.curvature_product": [product_by_examples, product_by_a_complex_step],
    "second_order.wolfe_interval": [interval_by_roots, interval_in_parts],
    "second_order.bfgs_product": [bfgs_by_inverses, bfgs_without_the_matrix],
    "second_order.two_loop_step": [step_by_matrices, step_recursively],
}
