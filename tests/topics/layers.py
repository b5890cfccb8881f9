"""What tests of layers share: the cases, the convention that every layer of the NumPy half keeps, and noise that is known beforehand.

A topic with layers or losses has a file ``cases_TOPIC.py`` with ``CASES``, a dict of :class:`Case` by name; ``test_layers.py`` holds
them all to what every layer must do, and misses a public layer that has none.
"""

import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.func import functional_call

import thalweg.numpy as tn


@dataclass(frozen=True)
class Case:
    """One layer or loss, and what it is held against; how to try it is the same for all.

    ``twin`` is ours on PyTorch and ``outside`` torch's own, both functions of x and of a dict of the layer's parameters, or of a loss's
    targets. None where there is noise in it, whose tests stand with its topic. ``x`` is an example, by default drawn from N(0, 1).
    """

    layer: Any
    shape: tuple[int, ...]
    targets: Any = None
    twin: Callable[..., Any] | None = None
    outside: Callable[..., Any] | None = None
    elementwise: bool = False
    x: Any = None

    def example(self):
        """What goes in."""
        return np.random.default_rng(0).normal(size=self.shape) if self.x is None else np.asarray(self.x)

    def parameters(self):
        """The targets of a loss; new parameters, disturbed, since new ones are special: ones, zeros."""
        if self.targets is not None:
            return self.targets
        rng = np.random.default_rng(1)
        return {name: a + 0.3 * rng.normal(size=a.shape) for name, a in self.layer.init(rng).items()}


def cases():
    """The cases of all topics by name."""
    files = sorted(Path(__file__).parent.glob("cases_*.py"))
    return {name: case for file in files for name, case in importlib.import_module(file.stem).CASES.items()}


def module(module):
    """An ``nn.Module`` as a function of x and of its parameters by name, at test time."""
    return lambda x, parameters: functional_call(module.to(x.device, x.dtype).eval(), parameters, (x,))


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
