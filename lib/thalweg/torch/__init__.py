"""The same algorithms on PyTorch tensors: drop-ins for ``torch.optim``, on any device."""

from .batch_normalization import BatchNorm, batch_norm_mlp
from .fit import Curve, fit, mlp
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead

__all__ = [
    "BatchNorm",
    "Curve",
    "Momentum",
    "MomentumRateInside",
    "Nesterov",
    "NesterovLookAhead",
    "batch_norm_mlp",
    "fit",
    "mlp",
]
