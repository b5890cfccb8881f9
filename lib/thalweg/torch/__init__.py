"""The same algorithms on PyTorch tensors: drop-ins for ``torch.optim``, on any device."""

from .adam import Adam, AdaMax, AdamUncorrected, AdamW
from .fit import Curve, fit, mlp
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead

__all__ = [
    "AdaMax", "Adam", "AdamUncorrected", "AdamW", "Curve", "Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead",
    "fit", "mlp",
]  # fmt: skip
