"""Losses, each with torch's own where it has it."""

from functools import partial

import numpy as np
import torch
from layers import Case
from torch.func import functional_call
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt

_rng = np.random.default_rng(5)
CLASSES = np.array([2, 0, 0, 1, 2])
LABELS = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1], [0.3, 0.9, 0]])
NUMBERS = _rng.normal(size=(5, 3))
WEIGHTS = (0.5, 2.0, 1.2)
TREE = tn.huffman_tree([5, 9, 1, 3, 2])
PLACES = np.array([4, 1, 0, 2, 3, 1])
MIXED = _rng.dirichlet(np.ones(3), size=5)


def weighted(function, **options):
    """Torch's loss with our weights of classes."""
    return lambda x, targets: function(x, targets, weight=x.new_tensor(WEIGHTS), **options)


def along_the_tree(x, parameters):
    module = tt.HierarchicalSoftmax(4, TREE).to(x.device, x.dtype)
    return functional_call(module, parameters, (x, torch.tensor(PLACES, device=x.device)))


def with_all_classes(x, parameters):
    """The product over the whole tree, written down by hand."""
    yes = torch.sigmoid(x @ parameters["W"].T + parameters["b"])
    value = 0
    for row, k in zip(yes, PLACES, strict=True):
        for node, turn in zip(TREE.nodes[k], TREE.turns[k], strict=True):
            value = value - (row[node].log() if turn == 1 else (1 - row[node]).log() if turn == -1 else 0)
    return value / len(x)


def numbers(layer, twin, outside=None, targets=NUMBERS):
    return Case(layer, (5, 3), targets=targets, twin=twin, outside=outside)


CASES = {
    "SoftmaxCrossEntropy weighted": Case(
        tn.SoftmaxCrossEntropy(WEIGHTS),
        (5, 3),
        targets=CLASSES,
        twin=lambda x, targets: tt.SoftmaxCrossEntropy.apply(x, targets, x.new_tensor(WEIGHTS)),
        outside=weighted(F.cross_entropy),
    ),
    "SoftmaxCrossEntropy weighted sum": Case(
        tn.SoftmaxCrossEntropy(WEIGHTS, "sum"),
        (5, 3),
        targets=CLASSES,
        twin=lambda x, targets: tt.SoftmaxCrossEntropy.apply(x, targets, x.new_tensor(WEIGHTS), "sum"),
        outside=weighted(F.cross_entropy, reduction="sum"),
    ),
    "SoftmaxCrossEntropy weighted, of probabilities": Case(
        tn.SoftmaxCrossEntropy(WEIGHTS), (5, 3), targets=MIXED, outside=weighted(F.cross_entropy)
    ),
    "MultiClassHinge": Case(
        tn.MultiClassHinge(), (5, 3), targets=CLASSES, twin=tt.MultiClassHinge(), outside=F.multi_margin_loss
    ),
    "MultiClassHinge squared": Case(
        tn.MultiClassHinge(1.5, 2, reduction="sum"),
        (5, 3),
        targets=CLASSES,
        twin=tt.MultiClassHinge(1.5, 2, "sum"),
        outside=partial(F.multi_margin_loss, margin=1.5, p=2, reduction="sum"),
    ),
    "SigmoidCrossEntropy": numbers(
        tn.SigmoidCrossEntropy(), tt.SigmoidCrossEntropy(), F.binary_cross_entropy_with_logits, LABELS
    ),
    "SquaredError": numbers(tn.SquaredError(), tt.SquaredError(), F.mse_loss),
    "SquaredError summed": numbers(
        tn.SquaredError(reduction="sum"), tt.SquaredError("sum"), partial(F.mse_loss, reduction="sum")
    ),
    "AbsoluteError": numbers(tn.AbsoluteError(), tt.AbsoluteError(), F.l1_loss),
    "Huber": numbers(tn.Huber(0.7), tt.Huber(0.7), partial(F.huber_loss, delta=0.7)),
    "SmoothL1": numbers(tn.SmoothL1(0.7), tt.SmoothL1(0.7), partial(F.smooth_l1_loss, beta=0.7)),
    "RBFLoss": numbers(tn.RBFLoss(1.5), tt.RBFLoss(1.5)),
    "HierarchicalSoftmax": Case(
        tn.HierarchicalSoftmax(4, TREE).of(PLACES), (6, 4), twin=along_the_tree, outside=with_all_classes
    ),
}
