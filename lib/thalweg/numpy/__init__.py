"""The reference algorithms in NumPy: each one as short as its formula."""

from ._blocks import step_in_place
from .adam import Adam, AdaMax, AdamEpsilonHat, AdamUncorrected, AdamW, Moments
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead, contraction

__all__ = [
    "AdaMax", "Adam", "AdamEpsilonHat", "AdamUncorrected", "AdamW", "Moments",
    "Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "contraction",
    "step_in_place",
]  # fmt: skip
