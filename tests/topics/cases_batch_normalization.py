"""Batch normalization, of features and of channels."""

from layers import Case, module
from torch.nn import functional as F

import thalweg.numpy as tn
import thalweg.torch as tt


def _new(eps):
    """At test time, before the first batch: mean 0 and variance 1."""
    return lambda x, p: F.batch_norm(x, x.new_zeros(x.shape[1]), x.new_ones(x.shape[1]), p["gamma"], p["beta"], eps=eps)


CASES = {
    "BatchNorm": Case(tn.BatchNorm(4), (5, 4), twin=module(tt.BatchNorm(4)), outside=_new(1e-5)),
    "BatchNorm of images": Case(
        tn.BatchNorm(3, eps=0.1),
        (2, 3, 4, 2),
        twin=module(tt.BatchNorm(3, eps=0.1)),
        outside=_new(0.1),
    ),
}
