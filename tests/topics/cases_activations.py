"""The activation functions. NoisyReLU's noise and what is random in the others' start are tested in test_activations.py."""

import torch
from layers import Case, module
from torch import nn
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt

ELEMENTWISE = {
    "ScaledTanh": (tn.ScaledTanh(), tt.ScaledTanh(), lambda x: 1.7159 * torch.tanh(2 * x / 3)),
    "ScaledTanh with a linear term": (
        tn.ScaledTanh(1.0, 1.0, 0.5),
        tt.ScaledTanh(1.0, 1.0, 0.5),
        lambda x: torch.tanh(x) + 0.5 * x,
    ),
    "Rectifier": (tn.Rectifier(0.3), tt.Rectifier(0.3), nn.LeakyReLU(0.3)),
    "Rectifier with a negative slope": (tn.Rectifier(-0.5), tt.Rectifier(-0.5), nn.LeakyReLU(-0.5)),
    "LeakyReLU": (tn.LeakyReLU(), tt.LeakyReLU(), nn.LeakyReLU()),
    "AbsoluteValue": (tn.AbsoluteValue(), tt.AbsoluteValue(), torch.abs),
    "NoisyReLU": (tn.NoisyReLU(), tt.NoisyReLU(), torch.relu),
    "ELU": (tn.ELU(), tt.ELU(), nn.ELU()),
    "ELU that runs out to -0.7": (tn.ELU(0.7), tt.ELU(0.7), nn.ELU(0.7)),
    "SELU": (tn.SELU(), tt.SELU(), nn.SELU()),
    "Softplus": (tn.Softplus(), tt.Softplus(), nn.Softplus()),
    "GELU": (tn.GELU(), tt.GELU(), nn.GELU()),
    "SiLU": (tn.SiLU(), tt.SiLU(), nn.SiLU()),
}

CASES = {
    name: Case(layer, (5, 4), twin=module(twin), outside=lambda x, p, f=outside: f(x), elementwise=True)
    for name, (layer, twin, outside) in ELEMENTWISE.items()
} | {
    "ParametricReLU": Case(
        tn.ParametricReLU(),
        (5, 4),
        twin=module(tt.ParametricReLU()),
        outside=lambda x, p: F.prelu(x, p["c"]),
        elementwise=True,
    ),
    "ParametricReLU of features": Case(
        tn.ParametricReLU(4),
        (5, 4),
        twin=module(tt.ParametricReLU(4)),
        outside=lambda x, p: F.prelu(x, p["c"]),
    ),
    "ParametricReLU of channels": Case(
        tn.ParametricReLU(3),
        (2, 3, 4, 2),
        twin=module(tt.ParametricReLU(3)),
        outside=lambda x, p: F.prelu(x, p["c"]),
    ),
    "Maxout": Case(
        tn.Maxout(3),
        (5, 6),
        twin=module(tt.Maxout(3)),
        outside=lambda x, p: F.max_pool1d(x[:, None], 3)[:, 0],
    ),
    "Maxout of channels": Case(
        tn.Maxout(2),
        (2, 6, 4, 3),
        twin=module(tt.Maxout(2)),
        outside=lambda x, p: torch.maximum(x[:, ::2], x[:, 1::2]),
    ),
    "RBF": Case(
        tn.RBF(4, 3),
        (5, 4),
        twin=module(tt.RBF(4, 3)),
        outside=lambda x, p: torch.exp(-torch.cdist(x, p["W"]).square() / (2 * p["sigma"].square())),
    ),
}
