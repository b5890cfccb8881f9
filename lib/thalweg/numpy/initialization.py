"""How a network starts: schemes that draw its weights, what becomes of a signal's variance, and gradients that are clipped.

A scheme is a function of a shape and a generator that returns an array of weights; :func:`initialized` draws all of a network's with it.
"""

import math

import numpy as np

from ._hyperparameters import require, require_choice, require_count, require_generator, require_positive, require_rate

__all__ = [
    "clip_by_norm", "clip_by_value", "fans", "gain", "glorot", "he", "initialized", "lecun", "orthogonal", "predicted_gradient",
    "predicted_variance", "small_normal", "truncated_normal",
]  # fmt: skip


def fans(shape):
    r"""How many weights meet in one output of a layer, and how many leave one of its inputs: the pair (d_in, d_out).

    ``shape`` is that of the weights: (outputs, inputs) of a linear layer; (outputs, inputs, height, width) of a convolution, where each
    output sums over a window of each input channel. Any number of window axes. Raises ValueError for fewer than two axes and for an
    axis without entries. Source: {cite}`he2015`.
    """
    shape = tuple(shape)
    require(len(shape) >= 2 and min(shape) >= 1, "shape", shape, "of two axes at least, none of them empty")
    window = math.prod(shape[2:])
    return int(shape[1] * window), int(shape[0] * window)


def gain(activation, slope=0.01):
    r"""By which factor the weights in front of an activation function are larger than those of a linear layer.

    :math:`\sqrt2` for "ReLU", :math:`\sqrt{2/(1+c^2)}` for "leaky ReLU" with the slope :math:`c` left of 0: they keep the mean square. For smooth
    functions the inverse of their slope at 0: 1 for "linear" and "tanh", 4 for "sigmoid". ``torch.nn.init.calculate_gain`` has 5/3 for tanh and 1 for
    sigmoid. Raises ValueError for another name. Sources: {cite}`he2015,glorot2010`; lecture UvA, "one way of initializing sigmoid-like neurons".
    """
    gains = {"linear": 1.0, "tanh": 1.0, "sigmoid": 4.0, "ReLU": 2**0.5, "leaky ReLU": (2 / (1 + slope**2)) ** 0.5}
    require_choice("activation", activation, list(gains))
    return gains[activation]


def lecun(shape, rng, gain=1.0, distribution="normal"):
    r"""Weights that keep the variance of a signal on its way forward through a linear layer.

    .. math:: \mathrm{Var}(w) = \frac{\mathrm{gain}^2}{d_\mathrm{in}}

    ``distribution`` is "normal", "uniform" or "truncated", a normal one cut at twice its spread and then made wider; all have this variance.
    Returns an array of the shape ``shape``, see :func:`fans`, drawn from the generator ``rng``. Raises ValueError for another shape
    or distribution, and for a ``gain`` that is not above 0. Sources: {cite}`lecun1998`; lecture UvA, "xavier initialization".
    """
    return _drawn(shape, rng, gain, fans(shape)[0], distribution)


def glorot(shape, rng, gain=1.0, distribution="normal"):
    r"""Weights between those that keep the variance forward and those that keep the gradient's backward; Xavier's.

    .. math:: \mathrm{Var}(w) = \frac{2\,\mathrm{gain}^2}{d_\mathrm{in} + d_\mathrm{out}}

    Arguments, result and errors as in :func:`lecun`. "uniform" is between plus and minus
    :math:`\mathrm{gain}\sqrt{6/(d_\mathrm{in} + d_\mathrm{out})}`. Sources: {cite}`glorot2010`; lecture Module 2, "Weight Initialization".
    """
    return _drawn(shape, rng, gain, sum(fans(shape)) / 2, distribution)


def he(shape, rng, gain=2**0.5, distribution="normal", keep="forward"):
    r"""Weights that keep the mean square of a signal from ReLU to ReLU; Kaiming's.

    .. math:: \mathrm{Var}(w) = \frac{2}{d_\mathrm{in}}

    That is :func:`lecun` with the gain :math:`\sqrt2`. With ``keep="backward"`` the denominator is :math:`d_\mathrm{out}`, and it is the gradient that
    keeps its size. Arguments, result and errors as in :func:`lecun`. Sources: {cite}`he2015`; lecture UvA, "initialization for relus".
    """
    require_choice("keep", keep, ("forward", "backward"))
    return _drawn(shape, rng, gain, fans(shape)[keep == "backward"], distribution)


def _drawn(shape, rng, gain, fan, distribution):
    """Weights with mean 0 and the variance gain²/fan."""
    require_generator(rng)
    require_positive("gain", gain)
    require_choice("distribution", distribution, ("normal", "uniform", "truncated"))
    std = gain / fan**0.5
    if distribution == "normal":
        return std * rng.normal(size=shape)
    if distribution == "uniform":  # from -1 to 1 the variance is 1/3
        return std * 3**0.5 * rng.uniform(-1, 1, size=shape)
    return truncated_normal(shape, rng, std)


def small_normal(shape, rng, std=0.01):
    """Weights from N(0, ``std``²), whatever the size of the layer. Returns an array of the shape ``shape``. Source: {cite}`krizhevsky2012`."""
    require_generator(rng)
    require_rate("std", std)
    return std * rng.normal(size=shape)


def truncated_normal(shape, rng, std=1.0, cut=2.0, rescaled=True):
    r"""Normal numbers, those beyond ``cut`` standard deviations drawn again.

    What is left varies less: cut at 2 the standard deviation falls to 0.88. With ``rescaled`` the numbers are made larger by as much, so that
    ``std`` is the one of the *result*, and its limits are further out; without, ``std`` is that of the normal distribution before the cut. Any
    shape. Raises ValueError for a negative ``std`` and for a ``cut`` below 0.01, where hardly any draw would be kept. Source: lecture Module 2, "Weight Initialization".
    """
    require_generator(rng)
    require_rate("std", std)
    require_cut(cut)
    z = np.asarray(rng.normal(size=shape))
    while (beyond := np.abs(z) > cut).any():
        z[beyond] = rng.normal(size=beyond.sum())
    return std * z / spread_after_cut(cut) if rescaled else std * z


def require_cut(cut):
    """Where a normal distribution is cut, in standard deviations: not so near to 0 that hardly a draw is kept."""
    require_positive("cut", cut)
    require(cut >= 0.01, "cut", cut, "at least 0.01")


def spread_after_cut(cut):
    """The standard deviation of a standard normal number that is known to lie between -cut and cut."""
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def orthogonal(shape, rng, gain=1.0):
    r"""A random rotation or reflection, times ``gain``: it keeps the length of *every* signal, not only the average one.

    .. math:: W W^\top = \mathrm{gain}^2 I \quad\text{or}\quad W^\top W = \mathrm{gain}^2 I

    The first where there are at most as many outputs as inputs, else the second; all axes after the first count as inputs. With fewer outputs than
    inputs it is the gradient, on its way back, that keeps its length. All are equally likely: the signs of the triangular factor are taken out of a QR decomposition. Returns an array of the shape ``shape``. Errors as in
    :func:`lecun`. Source: {cite}`saxe2014`.
    """
    require_generator(rng)
    require_positive("gain", gain)
    fans(shape)  # complains about a bad shape
    drawn = rng.normal(size=(shape[0], math.prod(shape[1:])))
    wide = drawn.shape[0] < drawn.shape[1]
    q, r = np.linalg.qr(drawn.T if wide else drawn)
    q = q * np.sign(np.diag(r))
    return gain * (q.T if wide else q).reshape(shape)


def initialized(parameters, scheme, rng):
    """A network's parameters with new weights: all whose name ends in ``W``, drawn by ``scheme(shape, rng)`` in their order.

    ``parameters`` is a dict as from ``Network.init``; biases and all others stay. Returns a new dict, with the types of the old arrays.
    """
    require_generator(rng)
    return {
        name: scheme(a.shape, rng).astype(a.dtype) if name.rpartition(".")[2] == "W" else a
        for name, a in parameters.items()
    }


def _over_normal(f, variance):
    """The mean of f(z) over normal z with mean 0, as a sum over a fine grid, half of it on each side of 0."""
    u = np.linspace(-10, 10, 2000)
    density = np.exp(-(u**2) / 2)
    return float(density @ f(math.sqrt(variance) * u) / density.sum())


def predicted_variance(activation, strength, depth, start=1.0):
    r"""How large the inputs of an activation function will be in each layer of a wide network: their variance.

    .. math:: \mathrm{Var}(z_1) = c\,\mathrm{E}[x^2], \qquad \mathrm{Var}(z_{l+1}) = c\,\mathrm{E}\big[f(z_l)^2\big]

    ``activation`` is a layer such as ``ReLU()``; ``strength`` is the factor :math:`c = d_\mathrm{in} \mathrm{Var}(w)`, 1 for LeCun's weights and 2 for He's; ``start``
    is the mean square of the input. Biases are 0, and :math:`z_l` is taken as normal, which it is where layers are wide. Returns an array of the shape
    (depth,). Raises ValueError for a depth below 1 and a negative strength or start. Source: {cite}`poole2016`.
    """
    require_count("depth", depth)
    require_rate("strength", strength)
    require_rate("start", start)
    variances = [strength * start]
    for _ in range(depth - 1):
        variances.append(strength * _over_normal(lambda z: activation.forward(z)[0] ** 2, variances[-1]))
    return np.array(variances)


def predicted_gradient(activation, strength, depth, start=1.0, backward=None):
    r"""How large the gradients in these inputs will be, layer by layer: their mean square, relative to the last layer's, which is 1.

    .. math:: \mathrm{E}\Big[\Big(\frac{\partial L}{\partial z_l}\Big)^2\Big] = c\,\mathrm{E}\big[f'(z_l)^2\big]\, \mathrm{E}\Big[\Big(\frac{\partial L}{\partial z_{l+1}}\Big)^2\Big]

    On the way back the factor is :math:`c = d_\mathrm{out} \mathrm{Var}(w)`: ``backward``, by default ``strength``, as with layers of one width. The weights of the way back are taken as drawn anew. Arguments,
    result and errors as in :func:`predicted_variance`. Source: {cite}`schoenholz2017`.
    """
    backward = strength if backward is None else backward
    require_rate("backward", backward)

    def squared_slope(z):
        return activation.backward(np.ones_like(z), activation.forward(z)[1])[0] ** 2

    variances = predicted_variance(activation, strength, depth, start)
    factors = [backward * _over_normal(squared_slope, v) for v in variances[:-1]]
    return np.cumprod([1.0, *reversed(factors)])[::-1]


def clip_by_value(gradients, threshold):
    r"""Each entry of the gradients kept between minus and plus ``threshold``; the direction may change.

    ``gradients`` is a dict, list or tuple of arrays; the result is of the same kind. Raises ValueError for a threshold that is not above 0.
    Sources: {cite}`mikolov2012`, as {cite}`pascanu2013` tell it; lecture Module 2, "Gradient Clipping".
    """
    require_positive("threshold", threshold)
    return _each(gradients, lambda g: np.clip(g, -threshold, threshold))


def clip_by_norm(gradients, threshold):
    r"""All gradients made shorter together, where their common length is above ``threshold``; the direction stays.

    .. math:: g \leftarrow g \cdot \min\Big(1, \frac{c}{\lVert g\rVert_2}\Big)

    :math:`c` is the threshold, and :math:`\lVert g\rVert_2` the root of the sum of squares over *all* arrays. ``gradients`` is a dict, list or tuple of arrays. Returns the
    new ones, of the same kind, and their length before. Where that is NaN so is all, and where it is infinite all is 0 or NaN. Raises ValueError for
    a threshold that is not above 0. Source: {cite}`pascanu2013`.
    """
    require_positive("threshold", threshold)
    arrays = list(gradients.values()) if isinstance(gradients, dict) else gradients
    largest = max((float(np.abs(g).max(initial=0)) for g in arrays), default=0.0)
    unit = largest if 0 < largest < math.inf else 1.0  # squares neither overflow nor vanish
    norm = unit * math.sqrt(sum(float(np.sum((np.asarray(g, dtype=float) / unit) ** 2)) for g in arrays))
    return _each(gradients, lambda g: g * (threshold / max(norm, threshold))), norm


def _each(gradients, change):
    """A dict, list or tuple of arrays, each of them changed."""
    if isinstance(gradients, dict):
        return {name: change(g) for name, g in gradients.items()}
    return type(gradients)(change(g) for g in gradients)
