"""The reference algorithms in NumPy: each one as short as its formula."""

from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead, contraction

__all__ = ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "contraction"]
