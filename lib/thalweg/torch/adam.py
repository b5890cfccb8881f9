"""Adam on PyTorch tensors: the same names and formulas as :mod:`thalweg.numpy.adam`, in place, on any device."""

from collections.abc import Iterable

import torch

from thalweg import numpy as reference

from ._optimizer import ListOptimizer

__all__ = ["AdaMax", "Adam", "AdamUncorrected", "AdamW"]


class Adam(ListOptimizer):
    r"""Adam: :math:`\theta \leftarrow \theta - \alpha\, \hat m / (\sqrt{\hat s} + \epsilon)`.

    A drop-in for ``torch.optim.Adam(params, lr, (beta1, beta2), eps, weight_decay)``. ``params``: tensors or parameter groups of any
    shapes. ``compiled``: see :class:`ListOptimizer`. Raises ValueError that names the argument that is out of range. Source:
    {cite}`kingma2015`.
    """

    slots = ("m", "s")
    counts = True
    twin: type[reference.Adam] = reference.Adam

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, compiled=compiled)

    def at_step(self, t, *, beta1, beta2, **others):  # type: ignore[override]
        """What the corrections divide by: ``m`` by ``correction1``, the root of ``s`` by ``correction2``."""
        return {"correction1": 1 - beta1**t, "correction2": (1 - beta2**t) ** 0.5}

    def update(self, params, grads, m, s, *, lr, beta1, beta2, eps, weight_decay, correction1, correction2):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_lerp_(m, grads, 1 - beta1)
        torch._foreach_mul_(s, beta2)
        torch._foreach_addcmul_(s, grads, grads, value=1 - beta2)
        root = torch._foreach_sqrt(s)
        torch._foreach_add_(root, eps * correction2)  # the fraction below is extended by correction2: one pass less
        torch._foreach_addcdiv_(params, m, root, value=-lr * correction2 / correction1)


class AdamW(Adam):
    r"""AdamW: :math:`\theta \leftarrow (1 - \alpha\lambda)\,\theta - \alpha\, \hat m / (\sqrt{\hat s} + \epsilon)`.

    A drop-in for ``torch.optim.AdamW``. Arguments and errors as in :class:`Adam`. Source: {cite}`loshchilov2019`.
    """

    twin = reference.AdamW

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr, beta1, beta2, eps, weight_decay, compiled=compiled)

    def update(self, params, grads, m, s, *, lr, weight_decay, **others):
        """One step on lists of tensors of matching shapes, in place."""
        torch._foreach_mul_(params, 1 - lr * weight_decay)
        Adam.update(self, params, grads, m, s, lr=lr, weight_decay=0, **others)


class AdamUncorrected(Adam):
    r"""Adam without bias correction: :math:`\theta \leftarrow \theta - \alpha\, m / (\sqrt{s} + \epsilon)`.

    Arguments and errors as in :class:`Adam`. Sources: lectures Helwan, "Adam (almost)"; UvA, "adam".
    """

    twin = reference.AdamUncorrected

    def update(self, params, grads, m, s, *, lr, beta1, beta2, eps, weight_decay, **corrections):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_lerp_(m, grads, 1 - beta1)
        torch._foreach_mul_(s, beta2)
        torch._foreach_addcmul_(s, grads, grads, value=1 - beta2)
        root = torch._foreach_sqrt(s)
        torch._foreach_add_(root, eps)
        torch._foreach_addcdiv_(params, m, root, value=-lr)


class AdaMax(Adam):
    r"""AdaMax: :math:`s \leftarrow \max(\beta_2 s, |g| + \epsilon),\ \theta \leftarrow \theta - \alpha\, \hat m / s`.

    A drop-in for ``torch.optim.Adamax``. Arguments and errors as in :class:`Adam`. Source: {cite}`kingma2015`, section 7.1.
    """

    twin = reference.AdaMax

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ):
        super().__init__(params, lr, beta1, beta2, eps, weight_decay, compiled=compiled)

    def update(self, params, grads, m, s, *, lr, beta1, beta2, eps, weight_decay, correction1, **others):
        """One step on lists of tensors of matching shapes, in place."""
        if weight_decay:
            grads = torch._foreach_add(grads, params, alpha=weight_decay)
        torch._foreach_lerp_(m, grads, 1 - beta1)
        size = torch._foreach_abs(grads)
        torch._foreach_add_(size, eps)
        torch._foreach_mul_(s, beta2)
        torch._foreach_maximum_(s, size)
        torch._foreach_addcdiv_(params, m, s, value=-lr / correction1)
