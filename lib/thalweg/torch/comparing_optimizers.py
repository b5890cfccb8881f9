"""Lion and Muon on PyTorch tensors: the same names and formulas as :mod:`thalweg.numpy.comparing_optimizers`; and an optimizer that is learned."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.minimize import progress_bar
from thalweg.numpy.comparing_optimizers import QUINTIC

from ._optimizer import ListOptimizer

__all__ = ["LearnedOptimizer", "Lion", "Muon", "meta_train", "orthogonalize"]


class Lion(ListOptimizer):
    r"""Lion: :math:`\theta \leftarrow (1 - \alpha\lambda)\,\theta - \alpha\, \mathrm{sign}(\beta_1 m + (1 - \beta_1) g)`, then :math:`m \leftarrow \beta_2 m + (1 - \beta_2) g`.

    ``params``: tensors or parameter groups of any shapes. ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names the argument that is
    out of range. Source: {cite}`chen2023`.
    """

    slots = ("m",)
    twin = reference.Lion

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.0001,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, compiled=compiled)

    def update(self, params, grads, m, *, lr, beta1, beta2, weight_decay):
        """One step on lists of tensors of matching shapes, in place."""
        direction = torch._foreach_lerp(m, grads, 1 - beta1)
        torch._foreach_sign_(direction)
        if weight_decay:
            torch._foreach_mul_(params, 1 - lr * weight_decay)
        torch._foreach_add_(params, direction, alpha=-lr)
        torch._foreach_lerp_(m, grads, 1 - beta2)


def orthogonalize(matrix: Tensor, steps: int = 5, eps: float = 1e-7) -> Tensor:
    """Bring every singular value of a matrix to about 1, in the matrix's own precision; see :func:`thalweg.numpy.orthogonalize`."""
    a, b, c = QUINTIC
    x = matrix.mT if matrix.shape[-2] > matrix.shape[-1] else matrix  # so that the product below is the smaller of two
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if matrix.shape[-2] > matrix.shape[-1] else x


class Muon(ListOptimizer):
    r"""Muon: :math:`v \leftarrow \rho v + g`, then a step along :math:`g + \rho v`, made orthogonal, of the rate :math:`\alpha\sqrt{\max(1, d_\mathrm{out}/d_\mathrm{in})}`.

    A drop-in for ``torch.optim.Muon(params, lr, weight_decay, momentum=rho, nesterov=nesterov, ns_steps=steps)``, which orthogonalizes in bfloat16 whatever the parameters are in.
    ``params``: matrices of :math:`d_\mathrm{out}` rows and :math:`d_\mathrm{in}` columns, or groups of them; the other parameters of a network get another optimizer. Raises ValueError that
    names the argument that is out of range, or for a parameter that is no matrix. Source: {cite}`jordan2024`.
    """

    slots = ("v",)
    elementwise = False
    twin = reference.Muon

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        rho: float = 0.95,
        weight_decay: float = 0.1,
        nesterov: bool = True,
        steps: int = 5,
        eps: float = 1e-7,
        *,
        compiled: bool = False,
    ):
        numbers = {"lr": lr, "rho": rho, "weight_decay": weight_decay, "nesterov": nesterov, "steps": steps, "eps": eps}
        super().__init__(params, compiled=compiled, **numbers)

    def add_param_group(self, param_group: dict) -> None:
        """Add a group of matrices, with its own hyperparameters if wanted. Raises ValueError for a bad one, and for what is no matrix."""
        super().add_param_group(param_group)
        shapes = [tuple(p.shape) for p in self.param_groups[-1]["params"] if p.ndim != 2]
        if shapes:
            self.param_groups.pop()
            raise ValueError(f"params must be matrices, got one of the shape {shapes[0]}: give it to another optimizer")

    def update(self, params, grads, v, *, lr, rho, weight_decay, nesterov, steps, eps):
        """One step on lists of matrices of matching shapes, in place."""
        torch._foreach_mul_(v, rho)
        torch._foreach_add_(v, grads)
        ahead = torch._foreach_add(grads, v, alpha=rho) if nesterov else v
        torch._foreach_mul_(params, 1 - lr * weight_decay)
        for p, direction in zip(params, ahead, strict=True):
            rows, columns = p.shape
            p.add_(orthogonalize(direction, steps, eps), alpha=-lr * max(1, rows / columns) ** 0.5)


class LearnedOptimizer(nn.Module):
    r"""An optimizer whose rule is a small recurrent network, the same for every parameter.

    .. math:: \theta_{t+1} = \theta_t + c\, \mathrm{net}_\psi(g_t, \mathrm{memory}_t)

    ``net`` is a stack of ``layers`` LSTM cells of ``hidden`` units and one linear output; it sees the gradient of one parameter, as its
    logarithm and its sign, and has a memory for this parameter alone. ``scale`` is c. Before :func:`meta_train` has found :math:`\psi` it is of
    no use. Source: {cite}`andrychowicz2016`.
    """

    def __init__(self, hidden: int = 20, layers: int = 2, scale: float = 0.1):
        super().__init__()
        self.hidden, self.scale = hidden, scale
        self.cells = nn.ModuleList(nn.LSTMCell(hidden if k else 2, hidden) for k in range(layers))
        self.out = nn.Linear(hidden, 1)

    def init(self, theta: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The memory before the first step: zeros, two of the shape (parameters, hidden) for each cell."""
        empty = torch.zeros(theta.numel(), self.hidden, device=theta.device)
        return [(empty, empty) for _ in self.cells]

    def step(self, theta: Tensor, grad: Tensor, state):
        """Return the next ``theta`` and state; changes no argument, and can be differentiated with respect to the network's weights."""
        x, state = _log_and_sign(grad.reshape(-1)), list(state)
        for k, cell in enumerate(self.cells):
            state[k] = cell(x, state[k])
            x = state[k][0]
        return theta + self.scale * self.out(x).reshape(theta.shape), state


def _log_and_sign(grad: Tensor, p: float = 10) -> Tensor:
    """A gradient g as two numbers between about -1 and 1, shape (n, 2): log|g|/p and sign g, or, where \\|g\\| is below e^-p, -1 and e^p g."""
    large = grad.abs() >= np.exp(-p)
    logarithm = torch.where(large, grad.abs().clamp(min=np.exp(-p)).log() / p, -1.0)
    return torch.stack([logarithm, torch.where(large, grad.sign(), np.exp(p) * grad)], dim=-1)


def meta_train(
    learned: LearnedOptimizer,
    draw: Callable[[int], tuple[Tensor, Callable[[Tensor], Tensor]]],
    rounds: int,
    steps: int = 100,
    unroll: int = 20,
    lr: float = 0.003,
    progress: bool | None = None,
) -> np.ndarray:
    """Train the network of a :class:`LearnedOptimizer`, in place; return the mean loss along each round's walk, shape (rounds,).

    ``draw(round)`` returns a start and a function of ``theta`` whose value is the loss to be made small. Each round walks ``steps`` steps; after
    every ``unroll`` of them the sum of their losses is differentiated through these steps, and Adam with the rate ``lr`` changes the
    network. The gradients that the network is fed count as given. Raises ValueError unless ``unroll`` divides ``steps``. Source: {cite}`andrychowicz2016`.
    """
    if unroll < 1 or steps % unroll:
        raise ValueError(f"unroll must divide steps, got {unroll!r} and {steps!r}")
    outer = torch.optim.Adam(learned.parameters(), lr)
    means = np.zeros(rounds)
    for round_ in progress_bar(rounds, "meta_train", progress):
        theta, loss = draw(round_)
        state = learned.init(theta)
        for _ in range(steps // unroll):
            total = torch.zeros((), device=theta.device)
            for _ in range(unroll):
                here = theta.detach().requires_grad_()
                (grad,) = torch.autograd.grad(loss(here), here)
                theta, state = learned.step(theta, grad, state)
                total = total + loss(theta)
            outer.zero_grad()
            (total / unroll).backward()
            nn.utils.clip_grad_norm_(learned.parameters(), 1.0)
            outer.step()
            means[round_] += float(total.detach()) / steps
            theta, state = theta.detach(), [(h.detach(), c.detach()) for h, c in state]
    return means
