"""What tests of layers share: the convention that every layer of the NumPy half keeps, and noise that is known beforehand."""

import pickle

import numpy as np
import torch

import thalweg.numpy as tn


class Given:
    """A generator that has nothing to draw: each call hands out the next of the given arrays of uniform numbers."""

    def __init__(self, *uniform):
        self.uniform = list(uniform)

    def random(self, shape):
        u = np.asarray(self.uniform.pop(0))
        assert u.shape == tuple(shape)
        return u


def kept(mask):
    """A generator whose uniform numbers keep what ``mask`` keeps, at any probability."""
    return Given(np.where(np.asarray(mask) > 0, 0.0, 1.0))


def assert_keeps_the_convention(layer, x, parameters=None):
    """In both modes: the gradient is right, a seed fixes everything, nothing is overwritten, float32 stays float32."""
    rng = np.random.default_rng(0)
    if parameters is None:  # new ones are special: ones, zeros
        parameters = {name: a + 0.3 * rng.normal(size=a.shape) for name, a in layer.init(rng).items()}
    for training in (False, True):
        errors = tn.check_gradient(layer, x, parameters, training=training)
        assert max(errors.values()) < 1e-6, errors

        def run(x, parameters, training=training):
            """All arrays that leave the layer, for a gradient at ``y`` that is always the same."""
            y, cache = layer.forward(x, parameters, training=training, rng=np.random.default_rng(1))
            before = pickle.dumps(cache)
            dx, gradients = layer.backward(np.cos(np.arange(y.size)).reshape(y.shape).astype(x.dtype), cache)
            layer.updated(cache)
            assert pickle.dumps(cache) == before
            return [y, dx, *(gradients[name] for name in sorted(gradients))]

        before = pickle.dumps((layer, x, parameters))
        first = run(x, parameters)
        for a, b in zip(run(x, parameters), first, strict=True):
            np.testing.assert_array_equal(a, b)
        assert pickle.dumps((layer, x, parameters)) == before

        for a, b in zip(run(np.float32(x), to(np.float32, parameters)), first, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-3 * max(1, np.abs(b).max()))


def to(dtype, parameters):
    """The same parameters in another type; targets stay what they are."""
    return {name: a.astype(dtype) for name, a in parameters.items()} if isinstance(parameters, dict) else parameters


def tensors(parameters):
    """The parameters as leaves for torch.autograd."""
    return {name: torch.tensor(a, requires_grad=True) for name, a in parameters.items()}
