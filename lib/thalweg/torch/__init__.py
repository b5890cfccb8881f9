"""The same algorithms on PyTorch tensors: drop-ins for ``torch.optim`` and ``torch.nn``, on any device."""

from .adam import Adam, AdaMax, AdamUncorrected, AdamW
from .batch_normalization import BatchNorm, batch_norm_mlp
from .dropout import DropConnect, Dropout, FractionalMaxPool, PlainDropout, StochasticDepth, monte_carlo, thinned_mlp
from .fit import Curve, fit, mlp
from .minimize import minimize
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead

__all__ = ["Curve", "fit", "minimize", "mlp"]
__all__ += ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead"]
__all__ += ["AdaMax", "Adam", "AdamUncorrected", "AdamW"]
__all__ += ["BatchNorm", "batch_norm_mlp"]
__all__ += ["DropConnect", "Dropout", "FractionalMaxPool", "PlainDropout", "StochasticDepth"]
__all__ += ["monte_carlo", "thinned_mlp"]
