"""Losses as PyTorch modules: the same names and formulas as :mod:`thalweg.numpy.losses`, on any device."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, embedding, logsigmoid

from thalweg import numpy as reference

__all__ = [
    "AbsoluteError", "HierarchicalSoftmax", "Huber", "MultiClassHinge", "RBFLoss", "SigmoidCrossEntropy", "SmoothL1",
    "SquaredError",
]  # fmt: skip


class _Loss(nn.Module):
    """What losses share: ``each`` gives a value for each entry or example, and ``reduction`` makes one number of them."""

    def __init__(self, reduction: str = "mean"):
        super().__init__()
        reference.SquaredError(reduction=reduction)  # knows what is allowed
        self.reduction = reduction

    def forward(self, x: Tensor, targets: Tensor) -> Tensor:
        """The loss, a number; with the ``reduction`` "none" a value for each entry or example."""
        values = self.each(x, targets)
        return values if self.reduction == "none" else values.mean() if self.reduction == "mean" else values.sum()

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """The values that are averaged or added up."""
        raise NotImplementedError


def _apart(x: Tensor, targets: Tensor) -> Tensor:
    if x.shape != targets.shape:
        raise ValueError(f"the shape of targets must be {tuple(x.shape)}, got {tuple(targets.shape)}")
    return x - targets.to(x.dtype)


class MultiClassHinge(_Loss):
    r"""The hinge loss of several classes, :math:`\frac1C\sum_{k \ne y^\star} \max(0, c + x_k - x_{y^\star})`: a drop-in for ``torch.nn.MultiMarginLoss``.

    ``x`` has the shape (batch, classes), ``targets`` are classes of shape (batch,); ``margin`` is :math:`c`, ``power`` is 1, or 2 to square each maximum.
    Raises ValueError for another margin, power or reduction. Source: {cite}`weston1999`.
    """

    def __init__(self, margin: float = 1.0, power: int = 1, reduction: str = "mean"):
        super().__init__(reduction)
        reference.MultiClassHinge(margin, power)  # knows what is allowed
        self.margin, self.power = margin, power

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each example."""
        missing = self.margin - x.gather(1, targets[:, None]) + x
        due = (missing > 0).scatter(1, targets[:, None], False)
        return (torch.where(due, missing, 0) ** self.power).mean(dim=1)


class SigmoidCrossEntropy(_Loss):
    r"""Cross-entropy of independent labels from their scores: a drop-in for ``torch.nn.BCEWithLogitsLoss``.

    ``x`` and ``targets``, 1 or 0 or a probability, have one shape. Raises ValueError for another shape or reduction. Source: {cite}`goodfellow2016`.
    """

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each score, by PyTorch's own kernel, whose slope is rounded as elsewhere."""
        _apart(x, targets)
        return binary_cross_entropy_with_logits(x, targets.to(x.dtype), reduction="none")


class SquaredError(_Loss):
    r"""The mean of the squared differences: a drop-in for ``torch.nn.MSELoss``. ``x`` and ``targets`` have one shape, otherwise ValueError is raised."""

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each entry."""
        return _apart(x, targets) ** 2


class AbsoluteError(_Loss):
    r"""The mean of the absolute differences: a drop-in for ``torch.nn.L1Loss``. ``x`` and ``targets`` have one shape, otherwise ValueError is raised."""

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each entry."""
        return _apart(x, targets).abs()


class Huber(_Loss):
    r"""Squared up to the ``threshold`` and straight beyond: a drop-in for ``torch.nn.HuberLoss``, which calls the threshold ``delta``.

    ``x`` and ``targets`` have one shape. Raises ValueError for another shape, threshold or reduction. Source: {cite}`huber1964`.
    """

    def __init__(self, threshold: float = 1.0, reduction: str = "mean"):
        super().__init__(reduction)
        self.threshold = reference.Huber(threshold).threshold  # knows what is allowed

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each entry: the squared part stays finite, so that its slope does too."""
        apart = _apart(x, targets)
        near = torch.where(apart.abs() > self.threshold, self.threshold * apart.sign(), apart)
        return near**2 / 2 + self.threshold * (apart.abs() - near.abs())


class SmoothL1(Huber):
    r"""Huber's loss divided by its threshold: a drop-in for ``torch.nn.SmoothL1Loss``, which calls the threshold ``beta``. Errors as in :class:`Huber`.

    Source: {cite}`girshick2015`.
    """

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each entry."""
        return super().each(x, targets) / self.threshold


class RBFLoss(_Loss):
    r"""A radial basis function of the squared distance, :math:`1 - e^{-\lVert x - y^\star \rVert_2^2 / 2c^2}`; ``width`` is :math:`c`.

    ``x`` and ``targets`` have one shape, (batch, outputs) or (batch,). Raises ValueError for another shape, width or reduction. Source: {cite}`dennis1978`.
    """

    def __init__(self, width: float = 1.0, reduction: str = "mean"):
        super().__init__(reduction)
        self.width = reference.RBFLoss(width).width  # knows what is allowed

    def each(self, x: Tensor, targets: Tensor) -> Tensor:
        """A value for each example."""
        apart = _apart(x, targets) / self.width
        return -torch.expm1(-apart.square().unsqueeze(-1).flatten(1).sum(dim=1) / 2)


class HierarchicalSoftmax(nn.Module):
    r"""Last layer and loss of a classifier with very many classes, on the ``tree`` of :func:`thalweg.numpy.huffman_tree`.

    ``module(x, targets)`` is the mean of :math:`-\log \hat y` over the batch; ``x`` has the shape (batch, inputs), ``targets`` are classes of shape (batch,).
    Parameters ``W`` (classes - 1, inputs) and ``b`` (classes - 1,). With ``sparse`` the gradient of ``W`` holds the rows that were used and no others, for
    optimizers that take such, as ``torch.optim.SGD`` does. Source: {cite}`morin2005`.
    """

    nodes: Tensor
    turns: Tensor

    def __init__(self, inputs: int, tree: reference.Tree, sparse: bool = False):
        super().__init__()
        reference.HierarchicalSoftmax(inputs, tree)  # knows what is allowed
        self.sparse = sparse
        self.register_buffer("nodes", torch.as_tensor(tree.nodes))
        self.register_buffer("turns", torch.as_tensor(tree.turns))
        self.W = nn.Parameter(torch.randn(len(tree.nodes) - 1, inputs) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(len(tree.nodes) - 1))

    def forward(self, x: Tensor, targets: Tensor) -> Tensor:
        """The loss, a number."""
        nodes, turns = self.nodes[targets], self.turns[targets]
        z = torch.einsum("ijd,id->ij", embedding(nodes, self.W, sparse=self.sparse), x) + self.b[nodes]
        return -torch.where(turns != 0, logsigmoid(turns * z), 0).sum() / len(x)

    def log_probabilities(self, x: Tensor) -> Tensor:
        """The log of the probability of every class, of shape (batch, classes)."""
        z = x @ self.W.T + self.b
        total = x.new_zeros(len(x), len(self.nodes))
        for nodes, turns in zip(self.nodes.T, self.turns.T, strict=True):
            total = total + torch.where(turns != 0, logsigmoid(turns * z[:, nodes]), 0)
        return total
