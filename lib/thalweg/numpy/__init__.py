"""The reference algorithms in NumPy: each one as short as its formula."""

from types import ModuleType as _Module

from .activations import *
from .adam import *
from .adaptive_rates import *
from .backpropagation import *
from .batch_normalization import *
from .comparing_optimizers import *
from .deep_networks import *
from .dropout import *
from .gradient_descent import *
from .initialization import *
from .loss_surfaces import *
from .losses import *
from .momentum import *
from .natural_gradient import *
from .preprocessing import *
from .schedules import *
from .second_order import *

__all__ = [_name for _name, _thing in vars().items() if _name[0] != "_" and not isinstance(_thing, _Module)]
