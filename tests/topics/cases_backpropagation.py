"""The layers that backpropagation explains."""

import numpy as np
import torch
from layers import Case
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt

CASES = {
    "Linear": Case(
        tn.Linear(4, 3),
        (5, 4),
        twin=lambda x, p: tt.Linear.apply(x, p["W"], p["b"]),
        outside=lambda x, p: F.linear(x, p["W"], p["b"]),
    ),
    "Linear without bias": Case(
        tn.Linear(4, 3, bias=False),
        (5, 4),
        twin=lambda x, p: tt.Linear.apply(x, p["W"], None),
        outside=lambda x, p: F.linear(x, p["W"]),
    ),
    "ReLU": Case(
        tn.ReLU(), (5, 4), twin=lambda x, p: tt.ReLU.apply(x), outside=lambda x, p: torch.relu(x), elementwise=True
    ),
    "Tanh": Case(
        tn.Tanh(), (5, 4, 2), twin=lambda x, p: tt.Tanh.apply(x), outside=lambda x, p: torch.tanh(x), elementwise=True
    ),
    "Sigmoid": Case(
        tn.Sigmoid(),
        (5,),
        twin=lambda x, p: tt.Sigmoid.apply(x),
        outside=lambda x, p: torch.sigmoid(x),
        elementwise=True,
    ),
    "SoftmaxCrossEntropy": Case(
        tn.SoftmaxCrossEntropy(),
        (4, 3),
        targets=np.array([2, 0, 0, 1]),
        twin=tt.SoftmaxCrossEntropy.apply,
        outside=F.cross_entropy,
    ),
    "SoftmaxCrossEntropy of probabilities": Case(
        tn.SoftmaxCrossEntropy(),
        (4, 3),
        targets=np.random.default_rng(0).dirichlet(np.ones(3), size=4),
        outside=F.cross_entropy,
    ),
    "Network": Case(tn.Network([tn.Linear(4, 3), tn.Tanh(), tn.Network([tn.Linear(3, 2)])]), (5, 4)),
    "Checkpoint": Case(tn.Checkpoint(tn.Network([tn.Linear(4, 4), tn.Dropout(0.5)])), (5, 4)),
}
