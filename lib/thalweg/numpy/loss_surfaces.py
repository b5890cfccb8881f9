"""The shape of a loss around a point: its Hessian, products with it, its eigenvalues, and what kind of flat place it is."""

import numpy as np

from ._hyperparameters import require

__all__ = ["critical_point", "hessian", "hessian_vector", "lanczos", "top_eigenvalue"]


def critical_point(hessian, tolerance=1e-6):
    """Name a point without slope by its ``hessian``, shape (d, d): "minimum", "maximum", "saddle" or "undecided".

    An eigenvalue counts as 0 where it is at most ``tolerance`` times the largest in size. With curvatures of both signs the point is a saddle,
    whatever the others are; with a flat direction and one sign alone, second derivatives cannot tell. Raises ValueError unless ``hessian`` is
    square and finite. Source: {cite}`nocedal2006`.
    """
    hessian = np.asarray(hessian)
    square = hessian.ndim == 2 and hessian.shape[0] == hessian.shape[1] > 0
    require(square, "the shape of hessian", hessian.shape, "(d, d)")
    require(bool(np.isfinite(hessian).all()), "hessian", hessian, "finite")
    curvatures = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    flat = tolerance * np.abs(curvatures).max()
    down, up = (curvatures < -flat).sum(), (curvatures > flat).sum()
    if down and up:
        return "saddle"
    if up == len(curvatures):
        return "minimum"
    return "maximum" if down == len(curvatures) else "undecided"


def hessian_vector(grad, theta, direction, step=None):
    r"""The Hessian times a direction, from two gradients: the matrix itself is never made.

    .. math:: H \xi \approx \lVert\xi\rVert_2\,
        \frac{\nabla L(\theta + \delta \xi / \lVert\xi\rVert_2) - \nabla L(\theta - \delta \xi / \lVert\xi\rVert_2)}{2 \delta}

    ``grad(theta)`` is the gradient; ``theta``, ``direction``, :math:`\xi`, and the result have one shape, any shape. ``step`` is
    :math:`\delta`, the distance between ``theta`` and either point, however long ``direction`` is; by default the cube root of the
    precision of ``theta``. Raises ValueError for a ``step`` that is not above 0. Sources: {cite}`pearlmutter1994,nocedal2006`.
    """
    theta = np.asarray(theta)
    length = np.linalg.norm(direction)
    if length == 0:
        return np.zeros_like(theta)
    step = _step(theta, step)
    ahead = step / length * direction
    return (grad(theta + ahead) - grad(theta - ahead)) * (length / (2 * step))


def hessian(grad, theta, step=None):
    """The Hessian at ``theta``, shape (d,), by differences of gradients: one product for each of the d axes, then made symmetric.

    ``grad(theta)`` is the gradient, shape (d,). ``step`` as in :func:`hessian_vector`. Returns shape (d, d). Source: {cite}`nocedal2006`.
    """
    theta = np.asarray(theta)
    rows = np.stack([hessian_vector(grad, theta, axis, step) for axis in np.eye(theta.size, dtype=theta.dtype)])
    return (rows + rows.T) / 2


def top_eigenvalue(product, start, steps=100, tolerance=1e-6):
    r"""The eigenvalue that is largest in size, with its sign, and its eigenvector: power iteration.

    .. math:: h = \xi^\top H \xi, \qquad \xi \leftarrow H \xi / \lVert H \xi \rVert_2

    ``product(direction)`` is the matrix times a direction, ``start`` a first guess of any shape, which may be the eigenvector of a
    moment ago. It ends when ``h`` has changed by less than ``tolerance`` times itself, or after ``steps`` products. Returns ``h`` and the
    direction, of length 1. Raises ValueError where ``start`` is 0 or not finite. Source: {cite}`golub2013`.
    """
    direction, h = _of_length_1(start), np.inf
    for _ in range(steps):
        image = product(direction)
        before, h = h, float((direction * image).sum())
        length = np.linalg.norm(image)
        if length == 0 or abs(h - before) <= tolerance * abs(h):
            break
        direction = image / length
    return h, direction


def lanczos(product, start, steps):
    r"""A summary of the whole spectrum: ``steps`` values, each with the share of it that lies about there.

    In the basis of :math:`\xi, H\xi, H^2\xi, \dots`, made orthonormal, the matrix has entries on three diagonals only. Its eigenvalues
    approach those of :math:`H`, the outermost ones first. The squares of its eigenvectors' first entries are the weights of the spectrum as
    ``start``, :math:`\xi`, sees it: with a random one, of the spectrum itself.

    ``product(direction)`` is the matrix times a direction; ``start`` has any shape. Returns the values in rising order and their weights,
    whose sum is 1; fewer than ``steps`` where the basis is complete before. Raises ValueError as :func:`top_eigenvalue`, and for ``steps``
    below 1. Sources: {cite}`golub2013,ghorbani2019`.
    """
    require(steps >= 1, "steps", steps, "at least 1")
    basis = [np.ravel(_of_length_1(start))]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(steps, np.size(start))):
        image = np.ravel(product(basis[-1].reshape(np.shape(start))))
        diagonal.append(float(basis[-1] @ image))
        for _ in range(2):  # once leaves what rounding has left, and soon the same eigenvalue is found again
            for known in basis:
                image = image - (known @ image) * known
        length = np.linalg.norm(image)
        if length <= 1e3 * np.finfo(image.dtype).eps * np.abs([*diagonal, *beside]).max():
            break
        beside.append(float(length))
        basis.append(image / length)
    beside = beside[: len(diagonal) - 1]
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, vectors[0] ** 2


def _of_length_1(start):
    length = np.linalg.norm(start)
    require(bool(np.isfinite(length) and length > 0), "start", start, "a direction: finite and not 0")
    return start / length


def _step(theta, step):
    """The customary step of a central difference: a rounding error over it is as small as the error of the difference."""
    if step is None:
        precision = np.finfo(theta.dtype).eps if theta.dtype.kind == "f" else np.finfo(float).eps
        return float(precision) ** (1 / 3)
    require(bool(np.isfinite(step) and step > 0), "step", step, "a finite number above 0")
    return step
