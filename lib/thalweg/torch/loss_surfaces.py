"""The shape of a loss around a point, on PyTorch tensors: exact products by double backward, the whole Hessian by ``torch.func``."""

from collections.abc import Callable

import torch
from torch import Tensor

from thalweg import numpy as reference

__all__ = ["critical_point", "critical_points", "hessian", "hessian_vector", "lanczos", "top_eigenvalue"]


def critical_point(hessian: Tensor, tolerance: float = 1e-6) -> str:
    """Name a point without slope by its ``hessian``; arguments and errors as in :func:`thalweg.numpy.critical_point`."""
    return reference.critical_point(hessian.detach().cpu().numpy(), tolerance)


def critical_points(
    loss: Callable[[Tensor], Tensor], starts: Tensor, steps: int = 150, slope: float = 1e-8
) -> tuple[Tensor, Tensor]:
    r"""Walk from each start to a place where the gradient is 0, uphill or down: Levenberg-Marquardt on the gradient's length.

    ``loss(theta)`` is a scalar tensor that ``torch.func.vmap`` can map, ``starts`` has the shape (n, d). A step is kept where it makes the gradient
    shorter. Returns the losses and the curvatures, in rising order, of those that came to a gradient shorter than ``slope``: shapes (m,) and
    (m, d), m at most n. Minima, saddles and maxima are all found; how often each is, says nothing about how many there are. Source: {cite}`nocedal2006`.
    """
    gradients, hessians = torch.func.vmap(torch.func.grad(loss)), torch.func.vmap(torch.func.hessian(loss))
    theta = starts.detach()
    g, damping = gradients(theta), torch.ones(len(theta), 1, 1, dtype=theta.dtype, device=theta.device)
    one = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)
    for _ in range(steps):
        h = hessians(theta)
        tried = theta - torch.linalg.solve(h @ h + damping * one, h @ g[:, :, None])[:, :, 0]
        there = gradients(tried)
        better = (there.norm(dim=1) < g.norm(dim=1))[:, None]
        theta, g = torch.where(better, tried, theta), torch.where(better, there, g)
        damping = torch.where(better[:, :, None], damping / 3, damping * 4).clamp(1e-12, 1e8)
    found = theta[g.norm(dim=1) < slope]
    return torch.func.vmap(loss)(found), torch.linalg.eigvalsh(hessians(found))


def hessian_vector(loss: Callable[[Tensor], Tensor], theta: Tensor, direction: Tensor) -> Tensor:
    r"""The Hessian times a direction, exact: the gradient of the number :math:`\nabla L(\theta)^\top \xi`, by going backward twice.

    ``loss(theta)`` is a scalar tensor; ``theta``, ``direction`` and the result have one shape, any shape. It costs about two gradients. Where the
    loss is linear, the result is 0. Source: {cite}`pearlmutter1994`.
    """
    theta = theta.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    if not slope.requires_grad:
        return torch.zeros_like(theta)
    (product,) = torch.autograd.grad((slope * direction.detach()).sum(), theta, allow_unused=True)
    return torch.zeros_like(theta) if product is None else product


def hessian(loss: Callable[[Tensor], Tensor], theta: Tensor) -> Tensor:
    """The Hessian at ``theta``, shape (d,), by ``torch.func.hessian``: shape (d, d). ``loss(theta)`` is a scalar tensor."""
    return torch.func.hessian(loss)(theta.detach())


def top_eigenvalue(
    product: Callable[[Tensor], Tensor], start: Tensor, steps: int = 100, tolerance: float = 1e-6
) -> tuple[float, Tensor]:
    """The eigenvalue that is largest in size, with its sign, and its eigenvector: power iteration.

    Arguments and errors as in :func:`thalweg.numpy.top_eigenvalue`.
    """
    direction, h = _of_length_1(start), float("inf")
    for _ in range(steps):
        image = product(direction)
        before, h = h, float((direction * image).sum())
        length = float(image.norm())
        if length == 0 or abs(h - before) <= tolerance * abs(h):
            break
        direction = image / length
    return h, direction


def lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """A summary of the whole spectrum: ``steps`` values in rising order, and the share of the spectrum that lies about each.

    Arguments and errors as in :func:`thalweg.numpy.lanczos`.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps!r}")
    basis = [_of_length_1(start).flatten()]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(steps, start.numel())):
        image = product(basis[-1].reshape(start.shape)).flatten()
        diagonal.append(float(basis[-1] @ image))
        known = torch.stack(basis)
        for _ in range(2):
            image = image - known.T @ (known @ image)
        length = float(image.norm())
        if length <= 1e3 * torch.finfo(image.dtype).eps * max(map(abs, [*diagonal, *beside])):
            break
        beside.append(length)
        basis.append(image / length)
    tridiagonal = torch.diag(torch.tensor(diagonal, dtype=start.dtype))
    off = torch.tensor(beside[: len(diagonal) - 1], dtype=start.dtype)
    values, vectors = torch.linalg.eigh(tridiagonal + torch.diag(off, 1) + torch.diag(off, -1))
    return values.to(start.device), (vectors[0] ** 2).to(start.device)


def _of_length_1(start: Tensor) -> Tensor:
    length = float(start.norm())
    if not 0 < length < float("inf"):
        raise ValueError(f"start must be a direction: finite and not 0, got {start!r}")
    return start / length
