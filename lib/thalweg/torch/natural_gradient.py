"""The natural gradient on PyTorch: the Fisher matrix of a whole network, and PRONG and K-FAC for any network of linear layers."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from thalweg import numpy as reference
from thalweg.numpy._hyperparameters import require, require_rate
from thalweg.numpy.natural_gradient import balance

__all__ = ["KFAC", "PRONG", "empirical_fisher", "fisher", "from_whitened", "natural_step", "to_whitened", "whiten"]

KINDS = ("softmax", "logistic", "gaussian")


def _require_kind(kind: str) -> None:
    require(kind in KINDS, "kind", kind, f"one of {', '.join(KINDS)}")


def _covariance(scores: Tensor, kind: str) -> Tensor:
    """Of an answer that is drawn from the model: shape (n, C, C)."""
    if kind == "softmax":
        p = scores.softmax(dim=1)
        return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    if kind == "logistic":
        p = scores.sigmoid()
        return torch.diag_embed(p * (1 - p))
    return torch.diag_embed(torch.ones_like(scores))


def _drawn_slopes(scores: Tensor, kind: str, seed: int) -> Tensor:
    """What is predicted, less an answer that is drawn from it: the slope of minus the log-likelihood in the scores."""
    generator = torch.Generator(device=scores.device).manual_seed(seed)
    if kind == "softmax":
        p = scores.softmax(dim=1)
        return p - nn.functional.one_hot(torch.multinomial(p, 1, generator=generator)[:, 0], p.shape[1])
    if kind == "logistic":
        p = scores.sigmoid()
        return p - torch.bernoulli(p, generator=generator)
    return torch.randn(scores.shape, generator=generator, dtype=scores.dtype, device=scores.device)


def _jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """The slopes of all outputs in all parameters, for each example by itself: shape (n, C, d)."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def scores(parameters, each):
        return torch.func.functional_call(model, parameters, (each[None],))[0]

    slopes = torch.func.vmap(torch.func.jacrev(scores), in_dims=(None, 0))(parameters, x)
    return torch.cat([j.flatten(start_dim=2) for j in slopes.values()], dim=2)


def fisher(model: nn.Module, x: Tensor, kind: str = "softmax", draws: int = 0, seed: int = 0) -> Tensor:
    r"""The Fisher matrix of a whole network, a mean over the examples ``x``: shape (d, d) for d parameters, in their order, flattened.

    .. math:: F = \frac1n \sum_{i=1}^n J_i^\top \Sigma_i J_i

    Here :math:`J_i` are the slopes of the network's outputs in its parameters and :math:`\Sigma_i` the covariance of an answer. ``kind`` says what the outputs,
    of shape (n, C), mean: "softmax", the scores of classes; "logistic", of independent yes-no answers; "gaussian", the means of
    numbers with variance 1. With ``draws`` above 0 that many answers an example are drawn instead, ``seed`` fixes them. Raises
    ValueError for another ``kind``. Sources: {cite}`amari1998,martens2020`. It takes n C d numbers of memory, besides d\ :sup:`2`.
    """
    _require_kind(kind)
    jacobian = _jacobian(model, x)
    with torch.no_grad():
        scores = model(x)
    if not draws:
        return torch.einsum("nia,nij,njb->ab", jacobian, _covariance(scores, kind), jacobian) / len(x)
    slopes = [_drawn_slopes(scores, kind, seed + k) for k in range(draws)]
    return sum(_outer_products(jacobian, each) for each in slopes) / draws  # type: ignore[return-value]


def empirical_fisher(model: nn.Module, x: Tensor, targets: Tensor, kind: str = "softmax") -> Tensor:
    """What looks like :func:`fisher` and is none: the mean of the gradients' outer products with the data's own answers ``targets``.

    ``targets``: classes of shape (n,) for "softmax", else of the outputs' shape. Result and errors as there. Source: {cite}`kunstner2019`.
    """
    _require_kind(kind)
    with torch.no_grad():
        scores = model(x)
    if kind == "softmax":
        targets = nn.functional.one_hot(targets, scores.shape[1])
    predicted = {"softmax": lambda: scores.softmax(dim=1), "logistic": scores.sigmoid, "gaussian": lambda: scores}[
        kind
    ]()
    return _outer_products(_jacobian(model, x), predicted - targets)


def _outer_products(jacobian: Tensor, slopes: Tensor) -> Tensor:
    g = torch.einsum("ni,nia->na", slopes, jacobian)
    return g.T @ g / len(g)


def natural_step(theta: Tensor, grad: Tensor, metric: Tensor, lr: float = 1.0, damping: float = 0.0) -> Tensor:
    r""":math:`\theta - \alpha\,(G + \lambda I)^{-1} g`, as :func:`thalweg.numpy.natural_step`: same shapes and errors, on any device."""
    require_rate("lr", lr)
    require_rate("damping", damping)
    factor = torch.linalg.cholesky(metric + damping * torch.eye(len(metric), dtype=metric.dtype, device=metric.device))
    return theta - lr * torch.cholesky_solve(grad.reshape(-1, 1), factor).reshape(grad.shape)


def whiten(x: Tensor, eps: float = 0.0, centre: bool = True) -> tuple[Tensor, Tensor]:
    """``U`` and ``mean`` such that the entries of U (x - mean) are uncorrelated, with variance 1 but for ``eps``: as :func:`thalweg.numpy.whiten`."""
    require(x.ndim == 2 and len(x) > 0, "the shape of x", tuple(x.shape), "(n, d) with n > 0")
    require_rate("eps", eps)
    mean = x.mean(dim=0) if centre else torch.zeros_like(x[0])
    h, q = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    h = h.clamp(min=0) + eps
    require(bool(h.min() > 0), "eps", eps, "above 0, as a direction has no variance at all")
    return (q / h.sqrt()).T, mean


def to_whitened(W: Tensor, b: Tensor, U: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """The layer W x + b written for whitened inputs: return ``V`` and ``shifted``, as :func:`thalweg.numpy.to_whitened`."""
    return torch.linalg.solve(U.T, W.T).T, b + W @ mean


def from_whitened(V: Tensor, shifted: Tensor, U: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """The way back: return ``W`` and ``b``, as :func:`thalweg.numpy.from_whitened`."""
    W = V @ U
    return W, shifted - W @ mean


class LayerOptimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` for networks whose parameters all stand in ``nn.Linear`` layers: it looks at what enters each layer.

    Every ``every`` steps ``samples``, a batch of inputs, is sent through ``model`` (in test mode, which is then taken back). A subclass writes ``measure``, what it
    keeps of a layer's inputs, and ``direction``, what it makes of the gradient. Each layer is a parameter group; schedulers and
    ``state_dict`` work as in ``torch.optim``. Layers without a gradient, and those that have been frozen, are left alone. Raises ValueError for parameters outside of such layers.
    """

    twin: Any  # the NumPy class of the same name: it knows which hyperparameters are allowed
    wants_slopes = False
    measure: Callable[..., dict[str, Tensor]]
    direction: Callable[..., Tensor]

    def __init__(self, model: nn.Module, samples: Tensor, **hyperparameters: Any):
        self.model, self.samples = model, samples
        layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m.weight.requires_grad]
        own = {p for layer in layers for p in layer.parameters()}
        others = [name for name, p in model.named_parameters() if p.requires_grad and p not in own]
        require(bool(layers) and not others, "model", others, "a network whose parameters are all in nn.Linear layers")
        super().__init__(
            [{"params": [p for p in layer.parameters() if p.requires_grad]} for layer in layers], hyperparameters
        )

    def __getstate__(self) -> dict[str, Any]:  # for pickle and deepcopy
        return super().__getstate__() | {"model": self.model, "samples": self.samples}

    def _layers(self) -> list[nn.Linear]:
        """One for each parameter group, in their order."""
        owners = {m.weight: m for m in self.model.modules() if isinstance(m, nn.Linear)}
        return [owners[group["params"][0]] for group in self.param_groups]

    def add_param_group(self, param_group: dict) -> None:
        """Add the parameters of one layer of the model, with their own hyperparameters if wanted. Raises ValueError for others, or a bad one."""
        self.twin(**{name: param_group.get(name, self.defaults[name]) for name in self._names()})
        given = param_group["params"]
        given = {given} if isinstance(given, Tensor) else set(given)
        owner = next((m for m in self.model.modules() if isinstance(m, nn.Linear) and m.weight in given), None)
        own = [p for p in owner.parameters() if p in given] if owner else []
        found = [tuple(p.shape) for p in given]
        require(bool(own) and set(own) == given, "params", found, "those of one nn.Linear layer of the model")
        super().add_param_group(param_group | {"params": own})

    def _names(self) -> list[str]:
        return [field.name for field in fields(self.twin)]

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step. ``closure``, if given, computes the loss and its gradients anew; its value is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        pairs = zip(self._layers(), self.param_groups, strict=True)
        rows = [(m, group) for m, group in pairs if m.weight.requires_grad and m.weight.grad is not None]
        counts = [self.state[layer.weight].get("t", 0) for layer, _ in rows]
        if any(t % group["every"] == 0 for t, (_, group) in zip(counts, rows, strict=True)):
            observed = self._observed(seed=max(counts))
            finite = all(bool(x.square().sum().isfinite()) for columns in observed.values() for x in columns)
            require(finite or all(counts), "samples", "others", "such that all that enters a layer is finite")
        for t, (layer, group) in zip(counts, rows, strict=True):
            state, bias = self.state[layer.weight], len(group["params"]) > 1
            if t % group["every"] == 0 and (finite or not t):
                state.update(self.measure(state, bias, *observed[layer], group))
            grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in group["params"]]
            grad = torch.cat([g if g.ndim == 2 else g[:, None] for g in grads], dim=1)  # W, and b as one more column
            direction = self.direction(state, bias, grad)
            state["v"] = direction if "v" not in state else group["rho"] * state["v"] + direction
            state["t"] = t + 1
            layer.weight.add_(state["v"][:, : layer.in_features], alpha=-group["lr"])
            if bias:
                layer.bias.add_(state["v"][:, -1], alpha=-group["lr"])
        return loss

    def _observed(self, seed: int) -> dict[nn.Module, tuple[Tensor, ...]]:
        """What enters each layer, shape (n, inputs), and with ``wants_slopes`` the slopes in what leaves it, shape (n, outputs)."""
        layers, seen = [m for m in self._layers() if m.weight.requires_grad], []

        def look(layer: nn.Module, args: Any, y: Tensor) -> Tensor | None:
            seen.append((layer, args[0], y))
            return y.clone() if self.wants_slopes else None  # the next module may work in place

        hooks = [m.register_forward_hook(look) for m in layers]
        training = [m for m in self.model.modules() if m.training]
        self.model.eval()
        try:
            with torch.set_grad_enabled(self.wants_slopes):
                scores = self.model(self.samples)
        finally:
            for hook in hooks:
                hook.remove()
            for m in training:
                m.training = True
        once = len(seen) == len(layers) == len({m for m, _, _ in seen})
        require(once, "model", [str(m) for m, _, _ in seen], "a network that uses each of its linear layers once")
        columns = [[x.detach().flatten(end_dim=-2) for _, x, _ in seen]]
        if self.wants_slopes:
            drawn = _drawn_slopes(scores.detach(), self.kind, seed)  # type: ignore[attr-defined]
            slopes = torch.autograd.grad(scores, [y for _, _, y in seen], drawn)
            columns.append([g.flatten(end_dim=-2) for g in slopes])
        return dict(zip([m for m, _, _ in seen], zip(*columns, strict=True), strict=True))


class PRONG(LayerOptimizer):
    r"""PRONG: gradient descent on a network whose layers are written for whitened inputs, :math:`V U (x - \mu) + \tilde b`.

    ``model``: any network whose parameters are in ``nn.Linear`` layers. ``samples``: inputs of the network, of which every ``every`` steps the covariance in front of each
    layer is taken (the paper's N_s samples). The layers themselves are kept in their ordinary form, so new coordinates change nothing that the
    network computes. ``lr``, ``rho``, ``eps``, ``every`` as in :class:`thalweg.numpy.PRONG`. A layer without a bias is whitened without centring.
    Raises ValueError that names a bad argument. Source: {cite}`desjardins2015`.
    """

    twin = reference.PRONG

    def __init__(
        self,
        model: nn.Module,
        samples: Tensor,
        lr: float = 0.1,
        rho: float = 0.0,
        eps: float = 0.1,
        every: int = 100,
    ):
        super().__init__(model, samples, lr=lr, rho=rho, eps=eps, every=every)

    def measure(self, state, bias, x, group):
        """What is kept of a layer's inputs: how to whiten them."""
        U, mean = whiten(x, group["eps"], centre=bias)
        return {"U": U, "mean": mean}

    def direction(self, state, bias, grad):
        """The step in the whitened layer, as one of the ordinary layer's parameters."""
        U, mean = state["U"], state["mean"]
        if not bias:
            return grad @ U.T @ U
        in_V = (grad[:, :-1] - torch.outer(grad[:, -1], mean)) @ U.T
        W, b = from_whitened(in_V, grad[:, -1], U, mean)
        return torch.cat([W, b[:, None]], dim=1)


class KFAC(LayerOptimizer):
    r"""K-FAC: each layer's block of the Fisher matrix is taken as a Kronecker product, :math:`\Sigma_g \otimes \Sigma_x`.

    ``model`` and ``samples`` as in :class:`PRONG`; ``kind`` says what the outputs mean, as in :func:`fisher`: the answers in which the
    slopes are taken are drawn from the model, fixed by ``seed``. The loss is to be minus the log-likelihood, a mean over the examples; another factor in front of it counts as
    one of ``lr``. ``lr``, ``rho``, ``damping``, ``decay``, ``every`` as in :class:`thalweg.numpy.KFAC`. Raises ValueError that names a bad argument.
    Source: {cite}`martens2015`.
    """

    twin = reference.KFAC
    wants_slopes = True

    def __init__(
        self,
        model: nn.Module,
        samples: Tensor,
        kind: str = "softmax",
        lr: float = 0.1,
        rho: float = 0.9,
        damping: float = 0.1,
        decay: float = 0.9,
        every: int = 10,
        *,
        seed: int = 0,
    ):
        _require_kind(kind)
        self.kind, self.seed = kind, seed
        super().__init__(model, samples, lr=lr, rho=rho, damping=damping, decay=decay, every=every)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"kind": self.kind, "seed": self.seed}

    def _observed(self, seed: int) -> dict[nn.Module, tuple[Tensor, ...]]:
        return super()._observed(self.seed + seed)

    def measure(self, state, bias, x, slopes, group):
        """What is kept of a layer: both averages, and their inverses with damping."""
        x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1) if bias else x
        found = {"A": x.T @ x / len(x), "G": slopes.T @ slopes / len(x)}
        if "A" in state:
            found = {name: group["decay"] * state[name] + (1 - group["decay"]) * new for name, new in found.items()}
        c = balance(*(float(found[name].diagonal().mean()) for name in "AG"))
        for name, share in (("A", c), ("G", 1 / c)):
            h, q = torch.linalg.eigh(found[name])
            found[f"inverse_{name}"] = q / (h.clamp(min=0) + group["damping"] ** 0.5 * share) @ q.T
        return found

    def direction(self, state, bias, grad):
        """The gradient between the two inverses."""
        return state["inverse_G"] @ grad @ state["inverse_A"]
