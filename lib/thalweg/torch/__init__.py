"""The same algorithms on PyTorch tensors: drop-ins for ``torch.optim``, on any device."""

from .fit import Curve, fit, mlp
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead

__all__ = ["Curve", "Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "fit", "mlp"]
