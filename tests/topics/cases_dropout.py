"""Dropout and its kin. What they draw is tested in test_dropout.py."""

from layers import Case

import thalweg.numpy as tn

CASES = {
    "Dropout": Case(tn.Dropout(0.6), (5, 4)),
    "PlainDropout": Case(tn.PlainDropout(0.6), (3, 4, 2)),
    "DropConnect": Case(tn.DropConnect(4, 2, 0.6), (3, 4)),
    "StochasticDepth": Case(tn.StochasticDepth(tn.Linear(4, 4), 0.6), (3, 4)),
    "StochasticDepth of images": Case(tn.StochasticDepth(tn.Tanh(), 0.6), (3, 2, 2, 2)),
    "residual block": Case(tn.StochasticDepth(tn.Network([tn.Linear(4, 4), tn.ReLU()]), keep=1.0), (5, 4)),
    "FractionalMaxPool": Case(tn.FractionalMaxPool(4), (2, 3, 7, 7)),
}
