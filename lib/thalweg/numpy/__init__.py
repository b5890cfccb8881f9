"""The reference algorithms in NumPy: each one as short as its formula."""

from .batch_normalization import BatchNorm
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead, contraction

__all__ = ["BatchNorm", "Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "contraction"]
