"""The reference algorithms in NumPy: each one as short as its formula."""

from .adam import Adam, AdaMax, AdamEpsilonHat, AdamUncorrected, AdamW, Moments
from .backpropagation import Layer, Linear, Network, ReLU, Sigmoid, SoftmaxCrossEntropy, Tanh, check_gradient
from .batch_normalization import BatchNorm
from .dropout import (
    DropConnect,
    Dropout,
    FractionalMaxPool,
    PlainDropout,
    StochasticDepth,
    all_masks,
    mask_probability,
    survival,
)
from .momentum import Momentum, MomentumRateInside, Nesterov, NesterovLookAhead, contraction

__all__ = ["Momentum", "MomentumRateInside", "Nesterov", "NesterovLookAhead", "contraction"]
__all__ += ["AdaMax", "Adam", "AdamEpsilonHat", "AdamUncorrected", "AdamW", "Moments"]
__all__ += ["Layer", "Linear", "Network", "ReLU", "Sigmoid", "SoftmaxCrossEntropy", "Tanh", "check_gradient"]
__all__ += ["BatchNorm"]
__all__ += ["DropConnect", "Dropout", "FractionalMaxPool", "PlainDropout", "StochasticDepth"]
__all__ += ["all_masks", "mask_probability", "survival"]
