"""What holds for every layer and every loss of the book alike. A public one without a case is missed."""

import warnings
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from layers import assert_keeps_the_convention, cases, tensors, to

import thalweg.numpy as tn

CASES = cases()
HELD = [name for name, case in CASES.items() if case.twin or case.outside]
ELEMENTWISE = [name for name, case in CASES.items() if case.elementwise]
LOSSES = [name for name, case in CASES.items() if case.targets is not None]
SPECIAL = [0.0, -0.0, 1e-30, -1e-30, 1e-8, 1.0, -1.0, 30.0, -30.0, 800.0, -800.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
CLOSE = {np.float64: 1e-12, np.float32: 1e-5}
dtypes = pytest.mark.parametrize("dtype", CLOSE)


def test_all_are_there():
    layers = {name for name, thing in vars(tn).items() if isinstance(thing, type) and issubclass(thing, tn.Layer)}
    assert layers - {"Layer"} == {type(case.layer).__name__ for case in CASES.values()}


@pytest.mark.parametrize("name", CASES)
def test_it_keeps_the_convention(name):
    case = CASES[name]
    assert_keeps_the_convention(case.layer, case.example(), case.parameters())


def ours(case, x, parameters):
    """The value, the gradient in x, and those of the parameters by name, for the same ``dy`` as in ``on_torch``."""
    y, cache = case.layer.forward(x, parameters)
    dx, gradients = case.layer.backward(weights(np.shape(y), x.dtype), cache)
    return {"value": y, "x": dx, **gradients}


def on_torch(function, x, parameters, device="cpu"):
    """The same by torch.autograd; targets have no gradient."""
    tx = torch.tensor(x, device=device, requires_grad=True)
    learned = tensors(parameters) if isinstance(parameters, dict) else {}
    given = {name: a.detach().to(device).requires_grad_() for name, a in learned.items()}
    y = function(tx, given if learned or isinstance(parameters, dict) else torch.tensor(parameters, device=device))
    y.backward(torch.tensor(weights(y.shape, x.dtype), device=device))
    found = {"value": y, "x": tx.grad, **{name: a.grad for name, a in given.items()}}
    return {name: a.detach().cpu().numpy() for name, a in found.items()}


def weights(shape, dtype):
    """Another gradient for each output; for a loss 1."""
    return np.cos(np.arange(np.prod(shape))).reshape(shape).astype(dtype) if len(shape) else np.ones((), dtype)


def assert_same(found, wanted, tolerance):
    assert found.keys() == wanted.keys()
    for name, a in wanted.items():
        np.testing.assert_allclose(
            found[name], a, rtol=tolerance, atol=tolerance * max(1, np.abs(a).max(initial=0)), err_msg=name
        )


@dtypes
@pytest.mark.parametrize("which", ["twin", "outside"])
@pytest.mark.parametrize("name", HELD)
def test_it_is_torchs(name, which, dtype):
    case = CASES[name]
    function = getattr(case, which)
    if function is None:
        pytest.skip(f"has no {which}")
    x, parameters = case.example().astype(dtype), to(dtype, case.parameters())
    if isinstance(parameters, np.ndarray) and parameters.dtype.kind == "f":
        parameters = parameters.astype(dtype)
    found = on_torch(function, x, parameters)
    assert found["value"].dtype == dtype
    assert_same(found, ours(case, x, parameters), CLOSE[dtype])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", [name for name in HELD if CASES[name].twin])
def test_on_a_gpu(name):
    case = CASES[name]
    x, parameters = case.example(), case.parameters()
    assert_same(on_torch(case.twin, x, parameters, "cuda"), ours(case, x, parameters), 1e-12)


# --- at 0, and at huge, infinite and missing numbers ------------------------------------------------------------------


def assert_same_where_special(x, found, wanted, atol=1e-30):
    """As in torch; but a number is right as well where torch has lost one, since infinity times 0 came in between.

    And there is no gradient at an input that is missing. NumPy may round otherwise than torch, hence ``atol``.
    """
    for name, a in wanted.items():
        elementwise = np.shape(a) == np.shape(x) and x.ndim == 1
        lost = np.isnan(a) & (np.isinf(x) if elementwise else np.isinf(x).any())
        if elementwise and name == "x":
            lost |= np.isnan(x)
        a, b = (np.where(lost, 0, each) for each in (a, found[name]))
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=atol, err_msg=name)


def assert_twins(case, x, parameters, found, dtype):
    theirs = [on_torch(f, x, parameters) for f in (case.outside, case.twin) if f]
    assert_same_where_special(x, found, theirs[0], atol=CLOSE[dtype])
    assert_same_where_special(x, theirs[-1], theirs[0])


@dtypes
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_special_numbers(name, dtype):
    """Nothing overflows on the way, and a number that is not there stays so."""
    case = CASES[name]
    x, parameters = np.array(SPECIAL, dtype), to(dtype, case.parameters())
    with np.errstate(over="raise", divide="raise"):
        found = ours(case, x, parameters)
    assert_twins(case, x, parameters, found, dtype)
    slopes = found["x"] / weights(x.shape, dtype)
    for infinite in (np.inf, -np.inf):
        slope = slopes[SPECIAL.index(infinite)]
        far = np.array([np.copysign(1e4, infinite)], dtype)
        limit = case.layer.backward(np.ones(1, dtype), case.layer.forward(far, parameters)[1])[0][0]
        assert np.isnan(slope) or slope == pytest.approx(limit, rel=1e-3, abs=1e-3)


@dtypes
@pytest.mark.parametrize("name", [name for name in LOSSES if CASES[name].outside])
def test_losses_of_special_scores(name, dtype):
    """One score after the other is 0, huge, infinite or missing."""
    case = CASES[name]
    targets = case.targets.astype(dtype) if case.targets.dtype.kind == "f" else case.targets
    for place, value in product(np.ndindex(case.shape), SPECIAL):
        x = case.example().astype(dtype)
        x[place] = value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ours(case, x, targets)
        assert_twins(case, x, targets, found, dtype)


# --- any of them snap together ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WithLoss(tn.Layer):
    """A network and its loss: one number of x and the parameters, whose gradient can be checked as that of any layer."""

    network: Any
    loss: Any
    targets: Any

    def init(self, rng):
        return self.network.init(rng)

    def forward(self, x, parameters, *, training=False, rng=None):
        y, cache = self.network.forward(x, parameters, training=training, rng=rng)
        value, of_loss = self.loss.forward(y, self.targets)
        return value, (cache, of_loss)

    def backward(self, dy, cache):
        of_network, of_loss = cache
        return self.network.backward(self.loss.backward(dy, of_loss)[0], of_network)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_any_network_with_any_loss_has_a_right_gradient(activation, loss):
    bend, end = CASES[activation].layer, CASES[loss]
    block = tn.StochasticDepth(tn.Network([tn.BatchNorm(5, eps=0.1), bend, tn.Linear(5, 5)]), keep=0.7)
    outputs = end.shape[1] if len(end.shape) > 1 else 1
    network = tn.Network(
        [tn.Linear(4, 5, bias=False), tn.BatchNorm(5), bend, tn.Dropout(0.8), block, tn.Linear(5, outputs)]
    )
    if len(end.shape) == 1:
        pytest.skip("the loss wants no axis of outputs")
    rng = np.random.default_rng(3)
    whole = WithLoss(network, end.layer, end.targets)
    parameters = {name: a + 0.1 * rng.normal(size=a.shape) for name, a in network.init(rng).items()}
    for training in (False, True):
        errors = tn.check_gradient(whole, rng.normal(size=(end.shape[0], 4)), parameters, training=training)
        assert max(errors.values()) < 1e-5, errors
