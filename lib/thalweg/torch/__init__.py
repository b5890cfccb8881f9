"""The same algorithms on PyTorch tensors: drop-ins for ``torch.optim``, on any device."""

from .dropout import DropConnect, Dropout, FractionalMaxPool, PlainDropout, StochasticDepth, monte_carlo, thinned_mlp
from .fit import Curve, fit, mlp
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead

__all__ = ["Curve", "Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "fit", "mlp"]
__all__ += ["DropConnect", "Dropout", "FractionalMaxPool", "PlainDropout", "StochasticDepth"]
__all__ += ["monte_carlo", "thinned_mlp"]
