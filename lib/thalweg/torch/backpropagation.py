"""The modules of :mod:`thalweg.numpy.backpropagation` for torch.autograd: each says how it goes forward and how back, and PyTorch does the rest.

They are functions: ``Linear.apply(x, w, b)``. PyTorch's own modules, such as ``torch.nn.Linear``, are made of functions like them.
"""

import torch
from torch import Tensor
from torch.autograd import Function

from thalweg.numpy._hyperparameters import require_reduction

__all__ = ["Linear", "ReLU", "Sigmoid", "SoftmaxCrossEntropy", "Tanh"]


class Linear(Function):
    r"""A linear layer, :math:`y = W x + b`: ``Linear.apply(x, w, b)``; ``b`` may be None.

    ``x`` has the shape (batch, inputs), ``w`` (outputs, inputs), ``b`` (outputs,). Source: {cite}`lecun1998`.
    """

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        """Return ``y`` and keep what ``backward`` needs."""
        ctx.save_for_backward(x, w)
        y = x @ w.T
        return y if b is None else y + b

    @staticmethod
    def backward(ctx, dy: Tensor):
        """Return the gradients in ``x``, ``w`` and ``b``."""
        x, w = ctx.saved_tensors
        db = dy.sum(dim=0) if ctx.needs_input_grad[2] else None
        return dy @ w, dy.T @ x, db


class ReLU(Function):
    r"""The rectifier, :math:`y = \max(x, 0)`; at 0 its slope is taken as 0."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        """Return ``y`` and keep which entries were above 0."""
        ctx.save_for_backward(x > 0)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, dy: Tensor) -> Tensor:
        """Return the gradient in ``x``."""
        (above,) = ctx.saved_tensors
        return dy * above


class Tanh(Function):
    r"""The hyperbolic tangent, with the slope :math:`1 - y^2`."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        """Return ``y`` and keep it."""
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, dy: Tensor) -> Tensor:
        """Return the gradient in ``x``."""
        (y,) = ctx.saved_tensors
        return dy * (1 - y**2)


class Sigmoid(Function):
    r"""The logistic function, :math:`y = 1/(1 + e^{-x})`, with the slope :math:`y(1 - y)`."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        """Return ``y`` and keep it."""
        y = torch.sigmoid(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, dy: Tensor) -> Tensor:
        """Return the gradient in ``x``."""
        (y,) = ctx.saved_tensors
        return dy * y * (1 - y)


class SoftmaxCrossEntropy(Function):
    r"""Minus the log of the probability of what is right: ``SoftmaxCrossEntropy.apply(x, targets, weights, reduction)``.

    ``x`` holds scores of shape (batch, classes), ``targets`` class numbers of shape (batch,). ``weights``, one a class, may be left out or
    None; ``reduction`` is "mean", the default, which divides by the sum of the weights that were met, "sum", or "none".
    Raises ValueError for another one. Source: {cite}`goodfellow2016`.
    """

    @staticmethod
    def forward(ctx, x: Tensor, targets: Tensor, weights: Tensor | None = None, reduction: str = "mean") -> Tensor:
        """Return the loss and keep scores, targets and what each example counts."""
        require_reduction(reduction)
        share = x.new_ones(len(x)) if weights is None else weights[targets].to(x.dtype)
        share = share / share.sum() if reduction == "mean" else share
        ctx.save_for_backward(x, targets, share)
        losses = -share * x.log_softmax(dim=1).gather(1, targets[:, None]).squeeze(1)
        return losses if reduction == "none" else losses.sum()

    @staticmethod
    def backward(ctx, dy: Tensor):
        """Return the gradient in the scores; there is none in the others."""
        x, targets, share = ctx.saved_tensors
        wanted = torch.nn.functional.one_hot(targets, x.shape[1])
        return (dy * share)[:, None] * (x.softmax(dim=1) - wanted), None, None, None
