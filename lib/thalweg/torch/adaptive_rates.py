"""Adaptive rates on PyTorch tensors: the same names and formulas as :mod:`thalweg.numpy.adaptive_rates`, in place, on any device."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from thalweg import numpy as reference

from ._optimizer import ListOptimizer

__all__ = ["VSGD", "AdaDelta", "AdaGrad", "Manhattan", "RMSProp", "Rprop", "RpropBacktracking"]


class Manhattan(ListOptimizer):
    r"""The Manhattan rule: :math:`\theta \leftarrow \theta - \alpha\, \mathrm{sign}(g)`.

    ``params``: tensors or parameter groups of any shapes. ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names ``lr``
    when it is out of range. Source: {cite}`riedmiller1993`.
    """

    twin = reference.Manhattan

    def __init__(self, params: Iterable, lr: float = 0.01, *, compiled: bool = False):
        super().__init__(params, lr=lr, compiled=compiled)

    def update(self, params, grads, *, lr):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_add_(params, torch._foreach_sign(grads), alpha=-lr)


class Rprop(ListOptimizer):
    r"""Rprop without backtracking, iRprop⁻: a rate for each parameter, which the signs of its gradients move.

    A drop-in for ``torch.optim.Rprop(params, lr, (down, up), (smallest, largest))``. ``params``: tensors or parameter groups of any
    shapes. ``lr`` is the first rate of a parameter: a schedule does not change it later. Signs are compared, where torch takes the sign of
    a product that is 0 for tiny gradients. ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names the argument that is
    out of range. Source: {cite}`igel2000`.
    """

    twin: type[reference.Rprop] = reference.Rprop

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        down: float = 0.5,
        up: float = 1.2,
        smallest: float = 1e-6,
        largest: float = 50.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr=lr, down=down, up=up, smallest=smallest, largest=largest, compiled=compiled)

    def kept(self, *, lr, **others):  # type: ignore[override]
        """The rates start at ``lr``, the last gradient at 0."""
        return {"rate": lr, "last": 0.0}

    def update(self, params, grads, rate, last, *, lr, down, up, smallest, largest):
        """One step on lists of tensors of matching shapes, in place."""
        turn = _turns(grads, last)
        _move_rates(rate, turn, down, up, smallest, largest)
        torch._foreach_copy_(last, grads)
        torch._foreach_mul_(last, _zero_where_turned(turn))
        torch._foreach_addcmul_(params, torch._foreach_sign(last), rate, value=-1)


class RpropBacktracking(Rprop):
    r"""Rprop with backtracking, Rprop⁺: where the sign changed, the last step is taken back.

    Arguments and errors as in :class:`Rprop`. Source: {cite}`riedmiller1993`.
    """

    twin = reference.RpropBacktracking

    def kept(self, *, lr, **others):  # type: ignore[override]
        """The rates start at ``lr``, the last gradient and the last displacement at 0."""
        return {"rate": lr, "last": 0.0, "moved": 0.0}

    def update(self, params, grads, rate, last, moved, *, lr, down, up, smallest, largest):  # type: ignore[override]
        """One step on lists of tensors of matching shapes, in place."""
        turn = _turns(grads, last)
        _move_rates(rate, turn, down, up, smallest, largest)
        straight = _zero_where_turned(turn)
        torch._foreach_copy_(last, grads)
        torch._foreach_mul_(last, straight)
        torch._foreach_sub_(straight, 1)
        torch._foreach_mul_(moved, straight)  # -1 where it turned, else 0
        torch._foreach_addcmul_(moved, torch._foreach_sign(last), rate, value=-1)
        torch._foreach_add_(params, moved)


def _turns(grads, last):
    """1 where the gradient has kept its sign, -1 where it has changed it, 0 where one of the two was 0."""
    turn = torch._foreach_sign(grads)
    torch._foreach_mul_(turn, torch._foreach_sign(last))
    return turn


def _move_rates(rate, turn, down, up, smallest, largest):
    """In place, by the parabola that is ``down`` at -1, 1 at 0 and ``up`` at 1."""
    factor = torch._foreach_mul(turn, (up + down) / 2 - 1)
    torch._foreach_add_(factor, (up - down) / 2)
    torch._foreach_mul_(factor, turn)
    torch._foreach_add_(factor, 1)
    torch._foreach_mul_(rate, factor)
    torch._foreach_clamp_min_(rate, smallest)
    torch._foreach_clamp_max_(rate, largest)


def _zero_where_turned(turn):
    """0 where ``turn`` is -1, else 1."""
    straight = torch._foreach_add(turn, 1)
    torch._foreach_clamp_max_(straight, 1)
    return straight


class AdaGrad(ListOptimizer):
    r"""AdaGrad: :math:`s \leftarrow s + g^2,\ \theta \leftarrow \theta - \alpha\, g / (\sqrt{s} + \epsilon)`.

    A drop-in for ``torch.optim.Adagrad(params, lr, lr_decay, weight_decay, start, eps)``. ``params``: tensors or parameter groups of any
    shapes. ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names the argument that is out of range. Source:
    {cite}`duchi2011`.
    """

    counts = True
    twin = reference.AdaGrad

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        start: float = 0.0,
        eps: float = 1e-10,
        *,
        compiled: bool = False,
    ):
        super().__init__(
            params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, start=start, eps=eps, compiled=compiled
        )

    def kept(self, *, start, **others):  # type: ignore[override]
        """The sum starts at ``start``."""
        return {"s": start}

    def at_step(self, t, *, lr, lr_decay, **others):  # type: ignore[override]
        """The rate of step ``t``."""
        return {"rate": lr / (1 + lr_decay * (t - 1))}

    def update(self, params, grads, s, *, rate, weight_decay, eps, **others):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_addcmul_(s, grads, grads)
        root = torch._foreach_sqrt(s)
        torch._foreach_add_(root, eps)
        torch._foreach_addcdiv_(params, grads, root, value=-rate)


class RMSProp(ListOptimizer):
    r"""RMSProp: :math:`s \leftarrow \beta_2 s + (1 - \beta_2) g^2,\ \theta \leftarrow \theta - \alpha\, g / (\sqrt{s} + \epsilon)`.

    A drop-in for ``torch.optim.RMSprop(params, lr, alpha=beta2, eps=eps, momentum=rho, centered=centred, weight_decay=weight_decay)``, whose root
    is not a number where rounding makes ``s - m ** 2`` negative. ``params``: tensors or parameter groups of any shapes. ``compiled``: see
    :class:`ListOptimizer`. Raises ValueError that names the argument that is out of range. Source: {cite}`tieleman2012`.
    """

    twin = reference.RMSProp

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        beta2: float = 0.99,
        eps: float = 1e-8,
        rho: float = 0.0,
        centred: bool = False,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(
            params, lr=lr, beta2=beta2, eps=eps, rho=rho, centred=centred, weight_decay=weight_decay, compiled=compiled
        )

    def kept(self, *, rho, centred, **others):  # type: ignore[override]
        """The average of squares, and only what is asked for besides: the average of gradients, the velocity."""
        return {"s": 0.0} | ({"m": 0.0} if centred else {}) | ({"v": 0.0} if rho else {})

    def update(self, params, grads, s, *more, lr, beta2, eps, rho, centred, weight_decay):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_mul_(s, beta2)
        torch._foreach_addcmul_(s, grads, grads, value=1 - beta2)
        if centred:
            m = more[0]
            torch._foreach_lerp_(m, grads, 1 - beta2)
            root = torch._foreach_addcmul(s, m, m, value=-1)
            torch._foreach_clamp_min_(root, 0)
            torch._foreach_sqrt_(root)
        else:
            root = torch._foreach_sqrt(s)
        torch._foreach_add_(root, eps)
        if rho:
            v = more[-1]
            torch._foreach_mul_(v, rho)
            torch._foreach_addcdiv_(v, grads, root)
            torch._foreach_add_(params, v, alpha=-lr)
        else:
            torch._foreach_addcdiv_(params, grads, root, value=-lr)


class AdaDelta(ListOptimizer):
    r"""AdaDelta: :math:`\theta \leftarrow \theta - \alpha\, \delta` with :math:`\delta = g \sqrt{\nu + \epsilon} / \sqrt{s + \epsilon}`.

    A drop-in for ``torch.optim.Adadelta(params, lr, beta2, eps, weight_decay)``. ``params``: tensors or parameter groups of any shapes.
    ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names the argument that is out of range. Source:
    {cite}`zeiler2012`.
    """

    slots = ("s", "nu")
    twin = reference.AdaDelta

    def __init__(
        self,
        params: Iterable,
        lr: float = 1.0,
        beta2: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr=lr, beta2=beta2, eps=eps, weight_decay=weight_decay, compiled=compiled)

    def update(self, params, grads, s, nu, *, lr, beta2, eps, weight_decay):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_mul_(s, beta2)
        torch._foreach_addcmul_(s, grads, grads, value=1 - beta2)
        delta = torch._foreach_add(nu, eps)
        torch._foreach_div_(delta, torch._foreach_add(s, eps))
        torch._foreach_sqrt_(delta)
        torch._foreach_mul_(delta, grads)
        torch._foreach_mul_(nu, beta2)
        torch._foreach_addcmul_(nu, delta, delta, value=1 - beta2)
        torch._foreach_add_(params, delta, alpha=-lr)


class VSGD(torch.optim.Optimizer):
    r"""vSGD: each parameter's rate is :math:`m^2 / (s\, \overline h)`, from its own noise and its own curvature.

    ``step`` needs a closure that returns the loss and does *not* call ``backward``: the gradient is taken here, and with a second way back
    the curvature, as :math:`|z \odot Hz|` with signs :math:`z` drawn by PyTorch's generator. That is the diagonal of the Hessian where
    parameters do not interact, and on average at least its absolute value otherwise. ``params``: tensors or parameter groups of any shapes.
    Those on which the loss does not depend are left alone. ``watch``, ``caution``, ``floor``: see :class:`thalweg.numpy.VSGD`. Raises
    ValueError for a bad one, in a group as well, and without a closure.
    Source: {cite}`schaul2013`.
    """

    def __init__(self, params: Iterable, watch: int = 10, caution: float = 10.0, floor: float = 1e-3):
        super().__init__(params, {"watch": watch, "caution": caution, "floor": floor})

    def add_param_group(self, param_group: dict) -> None:
        """Add a group of parameters, with its own numbers if wanted; they are checked. Raises ValueError for a bad one."""
        reference.VSGD(**{name: param_group.get(name, self.defaults[name]) for name in ("watch", "caution", "floor")})
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step; ``closure`` computes the loss and leaves the way back to us. Returns the loss."""
        if closure is None:
            raise ValueError("closure must be given: vSGD goes back through the loss twice")
        params = [p for group in self.param_groups for p in group["params"] if p.requires_grad]
        with torch.enable_grad():
            loss = closure()
            found = torch.autograd.grad(loss, params, create_graph=True, allow_unused=True)
            grads = {p: g for p, g in zip(params, found, strict=True) if g is not None}
            curvatures = self._curvatures({p: g for p, g in grads.items() if g.requires_grad})
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p in grads:
                        curvature = curvatures.get(p, torch.zeros_like(p))
                        self._move(p, grads[p].detach(), curvature, group["watch"], group["caution"], group["floor"])
        return loss.detach()

    def _curvatures(self, grads):
        """The estimates for the parameters whose gradient depends on parameters; where it does not, the curvature is 0."""
        if not grads:
            return {}
        signs = [torch.randint_like(g, 2) * 2 - 1 for g in grads.values()]
        products = torch.autograd.grad(list(grads.values()), list(grads), signs, materialize_grads=True)
        return {p: (z * hz).abs() for p, z, hz in zip(grads, signs, products, strict=True)}

    def _move(self, p, grad, curvature, watch, caution, floor):
        state = self.state[p]
        if not state:
            state.update({name: torch.zeros_like(p) for name in ("m", "s", "h")}, memory=torch.ones_like(p), t=0)
        state["t"] += 1
        for name, value in (("m", grad), ("s", grad**2), ("h", curvature.clamp(min=floor))):
            state[name] += (value - state[name]) / state["memory"]
        share = torch.zeros_like(p)
        if state["t"] == watch:
            state["s"] *= caution
            state["h"] *= caution
        if state["t"] >= watch:
            share = state["m"] ** 2 / torch.where(state["s"] > 0, state["s"], 1)
            p -= share / state["h"] * grad
        state["memory"] *= 1 - share
        state["memory"] += 1
