"""Second-order methods on PyTorch tensors: Newton's step, conjugate gradients, L-BFGS, and Hessian-free on any model."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require, require_count, require_rate

__all__ = ["LBFGS", "HessianFree", "conjugate_gradient", "gauss_newton", "newton_step", "two_loop"]


def newton_step(grad: Tensor, hessian: Tensor, damping: float = 0.0) -> Tensor:
    r"""The step :math:`-(H + \lambda I)^{-1} g` of Newton's method, to be added to the parameters.

    Arguments, shapes and errors as in :func:`thalweg.numpy.newton_step`.
    """
    require_rate("damping", damping)
    one = torch.eye(len(grad), dtype=hessian.dtype, device=hessian.device)
    return -torch.linalg.solve(hessian + damping * one, grad)


def conjugate_gradient(
    product: Callable[[Tensor], Tensor],
    b: Tensor,
    start: Tensor | None = None,
    tolerance: float = 1e-8,
    steps: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Solve a symmetric positive system by products with its matrix; the solution and the lengths of the residuals.

    Arguments and errors as in :func:`thalweg.numpy.conjugate_gradient`.
    """
    require_rate("tolerance", tolerance)
    steps = b.numel() if steps is None else steps
    require(steps >= 0, "steps", steps, "at least 0")
    x = torch.zeros_like(b) if start is None else start.clone()
    residual = b.clone() if start is None else b - product(x)
    direction, squared = residual.clone(), float((residual * residual).sum())
    lengths, enough = [squared**0.5], tolerance * float(b.norm())
    for _ in range(steps):
        if lengths[-1] <= enough:
            break
        image = product(direction)
        curvature = float((direction * image).sum())
        if not curvature > 0:
            break
        x.add_(direction, alpha=squared / curvature)
        residual.sub_(image, alpha=squared / curvature)
        before, squared = squared, float((residual * residual).sum())
        direction.mul_(squared / before).add_(residual)
        lengths.append(squared**0.5)
    return x, torch.tensor(lengths, dtype=torch.float64)


def two_loop(grad: Tensor, dthetas: list[Tensor], dgrads: list[Tensor]) -> Tensor:
    """The gradient times the approximate inverse Hessian of L-BFGS; arguments as in :func:`thalweg.numpy.two_loop`."""
    return _two_loop(grad.clone(), dthetas, dgrads, [1 / y.dot(s) for s, y in zip(dthetas, dgrads, strict=True)])


def _two_loop(q: Tensor, dthetas: list[Tensor], dgrads: list[Tensor], ro: list[Tensor]) -> Tensor:
    r"""The same in place, with the pairs' :math:`1 / \Delta g^\top \Delta\\theta` at hand."""
    pairs = list(zip(dthetas, dgrads, ro, strict=True))
    shares = []
    for s, y, r in reversed(pairs):
        shares.append(s.dot(q) * r)
        q.add_(y, alpha=-shares[-1])  # type: ignore[arg-type]  # a tensor may be one
    if pairs:
        s, y, _ = pairs[-1]
        q.mul_(y.dot(s) / y.dot(y))
    for (s, y, r), share in zip(pairs, reversed(shares), strict=True):
        q.add_(s, alpha=share - y.dot(q) * r)  # type: ignore[arg-type]
    return q


class _Whole(torch.optim.Optimizer):
    """An optimizer that sees all parameters as one vector, and keeps what it remembers in the state of the first of them."""

    def __init__(self, params: Iterable, defaults: dict[str, Any]):
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError(f"params must be one group for {type(self).__name__}, got {len(self.param_groups)} groups")

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _flat_grad(self) -> Tensor:
        return torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in self._params])

    def _move(self, step: Tensor, length: float = 1.0) -> None:
        for p, piece in zip(self._params, step.split([p.numel() for p in self._params]), strict=True):
            p.add_(piece.view_as(p), alpha=length)

    def _put_back(self, before: list[Tensor]) -> None:
        for p, old in zip(self._params, before, strict=True):
            p.copy_(old)


class LBFGS(_Whole):
    r"""L-BFGS: :math:`\theta \leftarrow \theta - \alpha \tilde H^{-1} g`, where :math:`\tilde H^{-1} g` comes from the last ``history_size`` steps by the two-loop recursion.

    A drop-in for ``torch.optim.LBFGS``, argument by argument: ``step(closure)`` takes up to ``max_iter`` steps, with the closure, which computes the
    loss and its gradients anew, called at most ``max_eval`` times (by default 5/4 of ``max_iter``; a line search may add one). ``line_search_fn`` is None, for steps at the rate ``lr``, or
    "strong_wolfe". One step ends early where no entry of the gradient is above ``tolerance_grad``, or the loss or the parameters change by less than ``tolerance_change``.
    Parameters are real, of one type, on one device, in one group; those without a gradient count as 0. Raises ValueError that names the argument that
    is out of range. Sources: {cite}`nocedal1980,liu1989`; lecture Helwan, "L-BFGS".
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        max_eval = max_iter * 5 // 4 if max_eval is None and isinstance(max_iter, int) else max_eval
        number = lr.item() if isinstance(lr, Tensor) and lr.numel() == 1 else lr
        numbers: dict[str, Any] = {"lr": number, "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        for name, value in numbers.items():
            require_rate(name, value)
        for name, value in {"max_iter": max_iter, "max_eval": max_eval, "history_size": history_size}.items():
            require_count(name, value)
        require(line_search_fn in (None, "strong_wolfe"), "line_search_fn", line_search_fn, "None or 'strong_wolfe'")
        super().__init__(
            params,
            dict(
                lr=lr,
                max_iter=max_iter,
                max_eval=max_eval,
                tolerance_grad=tolerance_grad,
                tolerance_change=tolerance_change,
                history_size=history_size,
                line_search_fn=line_search_fn,
            ),
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """Up to ``max_iter`` steps. ``closure`` computes the loss and its gradients anew; the loss before the first step is returned."""
        closure, group = torch.enable_grad()(closure), self.param_groups[0]
        state, rate, change = self.state[self._params[0]], float(group["lr"]), group["tolerance_change"]
        first_loss = closure()
        loss, g, evaluations = float(first_loss), self._flat_grad(), 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        dthetas, dgrads, ro = (state.setdefault(name, []) for name in ("old_stps", "old_dirs", "ro"))
        for k in range(1, group["max_iter"] + 1):
            if g.abs().max() <= group["tolerance_grad"]:
                break
            if "d" in state:
                dtheta, dgrad = state["d"] * state["t"], g - state["prev_flat_grad"]
                bend = dgrad.dot(dtheta)
                if bend > 1e-10:
                    for pairs, new in ((dthetas, dtheta), (dgrads, dgrad), (ro, 1 / bend)):
                        pairs.append(new)
                        del pairs[: -group["history_size"]]
                d, length = _two_loop(-g, dthetas, dgrads, ro), rate
            else:
                d, length = -g, rate * min(1.0, 1 / float(g.abs().sum()))
            state.update(d=d, t=length, prev_flat_grad=g, prev_loss=loss, n_iter=state.get("n_iter", 0) + 1)
            slope = float(g.dot(d))
            if slope > -change:
                break
            calls = 0
            if group["line_search_fn"]:
                most = group["max_eval"] - evaluations
                loss, g, state["t"], calls = self._search(closure, d, (loss, slope, g), length, most, change)
            self._move(d, state["t"])
            if not group["line_search_fn"] and k < group["max_iter"]:  # after the last step nobody asks for the loss
                loss, calls = float(closure()), 1
                g = self._flat_grad()
            evaluations, state["func_evals"] = evaluations + calls, state["func_evals"] + calls
            still = (d * state["t"]).abs().max() <= change or abs(loss - state["prev_loss"]) < change
            if evaluations >= group["max_eval"] or still:
                break
        return first_loss

    def _search(self, closure, d, here, first, most, change):
        """Loss, gradient and length where the strong Wolfe conditions hold along ``d``, and how often the closure was called."""
        before, calls = [p.clone() for p in self._params], 0

        def along(length):
            nonlocal calls
            self._move(d, length)
            loss, g = float(closure()), self._flat_grad()
            self._put_back(before)
            calls += 1
            return loss, float(g.dot(d)), g

        narrow = change / float(d.abs().max())
        length, loss, _, g = reference.line_search(along, here, first, narrow=narrow, evaluations=most)
        return loss, g, length, calls


class HessianFree(_Whole):
    r"""Hessian-free: each step solves :math:`(J^\top H_z J + \lambda I)\,\Delta\theta = -g` by conjugate gradients, and no matrix is made.

    :math:`J^\top H_z J` is the Gauss-Newton matrix of the ``model`` with ``loss(outputs, targets)``, which has no negative curvature where the loss is convex in the outputs; its products come from
    ``torch.func`` (:func:`gauss_newton`), on whichever examples are handed to ``step``. At most ``inner`` products a step. ``damping`` is the first :math:`\lambda`; it is multiplied by 2/3 where the
    loss fell by more than 3/4 of what the model promised, by 3/2 where by less than 1/4, and is never below ``least``. Noise, such as dropout's, has to be off. Parameters that need no gradient are left alone.
    Raises ValueError that names the argument that is out of range. Source: {cite}`martens2010`.
    """

    def __init__(
        self, model: nn.Module, loss: Callable[..., Tensor], damping: float = 1.0, least: float = 1e-6, inner: int = 50
    ):
        for name, value in {"damping": damping, "least": least}.items():
            require_rate(name, value)
        require_count("inner", inner)
        self.model, self.loss = model, loss
        wanted = [p for p in model.parameters() if p.requires_grad]
        super().__init__(wanted, dict(damping=damping, least=least, inner=inner))

    def __getstate__(self) -> dict[str, Any]:  # for pickle and deepcopy
        return super().__getstate__() | {"model": self.model, "loss": self.loss}

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor], inputs: Tensor, targets: Tensor) -> Tensor:  # type: ignore[override]
        """One step. ``closure`` computes the loss and its gradients anew, and is called twice; ``inputs`` and ``targets`` are the examples, some or all
        of the closure's, on which the curvature is taken. A step that does not lower the loss is not taken. Returns the loss before it."""
        closure, group, state = torch.enable_grad()(closure), self.param_groups[0], self.state[self._params[0]]
        damping = float(state.setdefault("damping", group["damping"]))
        first_loss = closure()
        g, before = self._flat_grad(), [p.clone() for p in self._params]
        curvature = gauss_newton(self.model, self.loss, inputs, targets)

        def product(direction):
            return curvature(direction) + damping * direction

        exactness = min(0.1, float(g.norm()) ** 0.5)
        last = state.get("move")
        move, lengths = conjugate_gradient(product, -g, last, exactness, group["inner"])
        if not g.dot(move) < 0:
            move = -g
        promised = float(-g.dot(move) - 0.5 * move.dot(product(move)))
        self._move(move)
        gain = float(first_loss) - float(closure())
        ratio = gain / promised if promised > 0 else -math.inf
        if ratio > 0.75:
            damping = max(damping * 2 / 3, group["least"])
        elif not ratio >= 0.25:
            damping = max(damping, group["least"]) * 3 / 2
        if not gain > 0:
            self._put_back(before)
            move = torch.zeros_like(move)
        products = state.get("products", 0) + len(lengths) + (last is not None)
        state.update(damping=damping, move=move, products=products, n_iter=state.get("n_iter", 0) + 1)
        return first_loss


def gauss_newton(
    model: nn.Module, loss: Callable[..., Tensor], inputs: Tensor, targets: Tensor
) -> Callable[[Tensor], Tensor]:
    r"""The Gauss-Newton matrix :math:`J^\top H_z J` of a model, as a function that multiplies a direction with it.

    :math:`J` is the Jacobian of the outputs in the parameters and :math:`H_z` the Hessian of ``loss(outputs, targets)`` in the outputs: forward mode through the network, the loss's curvature, and back.
    A direction has one entry for each parameter that needs a gradient, in the model's order, flattened; and so has the product. Source: {cite}`schraudolph2002`.
    """
    theta = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    rest = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
    buffers = {name: b.detach() for name, b in model.named_buffers()}
    sizes = [p.numel() for p in theta.values()]

    def outputs(theta):
        copies = {name: b.clone() for name, b in buffers.items()}  # running averages may move in them
        return torch.func.functional_call(model, theta | rest | copies, (inputs,))

    z, backward = torch.func.vjp(outputs, theta)  # type: ignore[misc]
    slope = torch.func.grad(lambda z: loss(z, targets))

    def product(direction: Tensor) -> Tensor:
        pieces = zip(theta.items(), direction.split(sizes), strict=True)
        along = {name: piece.view_as(p) for (name, p), piece in pieces}
        _, moved = torch.func.jvp(outputs, (theta,), (along,))  # type: ignore[misc]
        _, curved = torch.func.jvp(slope, (z,), (moved,))  # type: ignore[misc]
        return torch.cat([p.flatten() for p in backward(curved)[0].values()])

    return product
