"""Activations against the outside world: SciPy, PyTorch, their own definitions; saturated and dead units; bad input.

Values, gradients and special numbers beside torch.nn are in test_layers.py. Statistical tests use the normal approximation of a mean of n numbers, and accept five of its
standard errors, which a right layer leaves about once in two million runs.
"""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from cases_activations import CASES
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special
from torch import nn

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.exercises import key

ELEMENTWISE = [name for name, case in CASES.items() if case.elementwise]
WIDE = st.floats(-700, 700)


def value(layer, x):
    x = np.asarray(x, dtype=float)
    return layer.forward(x, layer.init(None))[0]


# --- what each is ---------------------------------------------------------------------------------------------------


OUTSIDE = {
    "Softplus": (tn.Softplus(), lambda x: -special.log_expit(-x), special.expit),
    "GELU": (
        tn.GELU(),
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "SiLU": (
        tn.SiLU(),
        lambda x: x * special.expit(x),
        lambda x: special.expit(x) * (1 + x * special.expit(-x)),
    ),
    "ELU": (tn.ELU(1.3), lambda x: np.where(x > 0, x, 1.3 * special.expm1(np.minimum(x, 0))), None),
    "Sigmoid": (tn.Sigmoid(), special.expit, lambda x: special.expit(x) * special.expit(-x)),
}


@pytest.mark.parametrize("name", OUTSIDE)
@given(x=WIDE)
def test_scipy_agrees(name, x):
    layer, wanted, wanted_slope = OUTSIDE[name]
    x = np.array([x])
    np.testing.assert_allclose(value(layer, x), wanted(x), rtol=1e-12, atol=1e-14)
    if wanted_slope:
        np.testing.assert_allclose(tn.slope(layer, x), wanted_slope(x), rtol=1e-12, atol=1e-14)


def test_softplus_keeps_its_digits_where_it_is_tiny():
    x = np.array([-40.0, -300.0, -700.0])
    np.testing.assert_allclose(value(tn.Softplus(), x), np.exp(x), rtol=1e-13)


@given(x=st.floats(-1e6, 1e6), c=st.floats(-2, 2))
def test_one_formula_for_the_rectifiers(x, c):
    """Module 2's g(z, alpha), and what it is at its special constants."""
    z = np.array([x])
    g = np.maximum(0, z) + c * np.minimum(0, z)
    np.testing.assert_allclose(value(tn.Rectifier(c), z), g, rtol=1e-15)
    np.testing.assert_array_equal(value(tn.Rectifier(0.0), z), value(tn.ReLU(), z))
    np.testing.assert_array_equal(value(tn.Rectifier(0.01), z), value(tn.LeakyReLU(), z))
    np.testing.assert_array_equal(value(tn.Rectifier(-1.0), z), value(tn.AbsoluteValue(), z))
    y, _ = tn.ParametricReLU().forward(z, {"c": np.array([c])})
    np.testing.assert_array_equal(y, value(tn.Rectifier(c), z))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_whole_numbers_are_numbers_like_any(name):
    layer, x = CASES[name].layer, np.array([[-2, 0, 3]])
    parameters = layer.init(None)
    np.testing.assert_array_equal(layer.forward(x, parameters)[0], layer.forward(x * 1.0, parameters)[0])
    np.testing.assert_array_equal(tn.slope(layer, x * 1.0, parameters), tn.slope(layer, x, parameters) * 1.0)


def test_the_rectifier_without_a_slope_is_the_relu_at_infinity_too():
    ends = np.array([-np.inf, np.inf])
    np.testing.assert_array_equal(value(tn.Rectifier(0.0), ends), [0, np.inf])
    np.testing.assert_array_equal(tt.Rectifier(0.0)(torch.tensor(ends)), [0, np.inf])


def test_two_pieces_of_maxout_make_every_rectifier():
    z = np.linspace(-3, 3, 13)
    for c, layer in ((0.0, tn.ReLU()), (0.01, tn.LeakyReLU()), (-1.0, tn.AbsoluteValue())):
        pair = np.stack([z, c * z], axis=1)
        np.testing.assert_array_equal(tn.Maxout(2).forward(pair)[0][:, 0], value(layer, z))


def test_maxout_behind_a_linear_layer_is_convex():
    rng = np.random.default_rng()
    net = tn.Network([tn.Linear(3, 20), tn.Maxout(5)])
    parameters = net.init(rng)
    a, b = rng.normal(size=(2, 500, 3))
    ends = [net.forward(x, parameters)[0] for x in (a, b, (a + b) / 2)]
    assert (ends[2] <= (ends[0] + ends[1]) / 2 + 1e-12).all()
    assert (ends[2] < (ends[0] + ends[1]) / 2 - 1e-3).any()  # and not a straight line


# --- the constants of two of them -----------------------------------------------------------------------------------


def test_the_constants_of_the_scaled_tanh():
    """It leaves 1 and -1 where they are, and is most curved there, as far as constants of five digits can have it so."""
    layer = tn.ScaledTanh()
    assert value(layer, [1.0, -1.0]) == pytest.approx([1, -1], abs=2e-5)
    exact = tn.ScaledTanh(height=1 / math.tanh(2 / 3))
    assert value(exact, [1.0])[0] == pytest.approx(1, abs=1e-15) and exact.height == pytest.approx(1.7159, abs=5e-5)
    x = np.linspace(0, 2, 20001)
    bend = np.gradient(tn.slope(layer, x), x)
    most = x[np.abs(bend).argmax()]
    assert most == pytest.approx(1.5 * math.atanh(math.sqrt(1 / 3)), abs=1e-3)  # 0.9877
    assert abs(most - 1) < 0.02


def test_the_constants_of_selu_keep_mean_and_variance():
    def gaussian_mean(f):
        density = lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)  # noqa: E731
        return sum(integrate.quad(lambda x: f(x) * density(x), a, b, epsabs=1e-13)[0] for a, b in ((-30, 0), (0, 30)))

    def off(constants):
        c, scale = constants
        f = lambda x: scale * (x if x > 0 else c * math.expm1(x))  # noqa: E731
        return gaussian_mean(f), gaussian_mean(lambda x: f(x) ** 2) - 1

    c, scale = optimize.fsolve(off, (1.5, 1.0), xtol=1e-13)
    y = value(tn.SELU(), [1.0, -1000.0])
    assert y == pytest.approx([scale, -c * scale], abs=1e-9)


# --- where noise is drawn ---------------------------------------------------------------------------------------------


class Drawn:
    """A generator that returns the same normal numbers each time."""

    def __init__(self, noise):
        self.noise = noise

    def random(self):
        raise AssertionError("normal numbers are wanted")

    def normal(self, size):
        assert self.noise.shape == size
        return self.noise


def test_noisy_relu_is_the_same_in_both_halves_for_the_same_noise():
    rng = np.random.default_rng()
    x, dy = rng.normal(size=(2, 6, 5))
    torch.manual_seed(3)
    noise = torch.randn(6, 5, dtype=torch.float64).numpy()
    y, cache = tn.NoisyReLU().forward(x, training=True, rng=Drawn(noise))
    given_x = torch.tensor(x, requires_grad=True)
    torch.manual_seed(3)
    twin = tt.NoisyReLU()(given_x)
    twin.backward(torch.tensor(dy))
    np.testing.assert_allclose(twin.detach(), y, atol=1e-14)
    np.testing.assert_allclose(given_x.grad, tn.NoisyReLU().backward(dy, cache)[0], atol=1e-14)
    assert torch.equal(tt.NoisyReLU().eval()(given_x), torch.relu(given_x))


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.5])
def test_noisy_relus_noise_has_the_variance_of_a_sigmoid(x):
    """The mean of max(0, normal) is known: mean * Phi(mean/std) + std * phi(mean/std)."""
    n, variance = 400_000, special.expit(x)
    drawn = [
        tn.NoisyReLU().forward(np.full(n, x), training=True, rng=np.random.default_rng())[0],
        tt.NoisyReLU()(torch.full((n,), x, dtype=torch.float64)).numpy(),
    ]
    ratio = x / math.sqrt(variance)
    wanted = x * special.ndtr(ratio) + math.sqrt(variance) * math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    for y in drawn:
        assert abs(y.mean() - wanted) < 5 * math.sqrt(variance / n)  # its own variance is smaller than the noise's


# --- kinks and ties ---------------------------------------------------------------------------------------------------


def test_a_tie_of_maxout_hands_its_gradient_to_one_entry():
    x = np.array([[2.0, 2.0, 1.0, 0.0, -1.0, 0.0]])
    y, cache = tn.Maxout(3).forward(x)
    np.testing.assert_array_equal(y, [[2, 0]])
    np.testing.assert_array_equal(tn.Maxout(3).backward(np.array([[5.0, 7.0]]), cache)[0], [[5, 0, 0, 7, 0, 0]])
    twin = torch.tensor(x, requires_grad=True)
    tt.Maxout(3)(twin).backward(torch.tensor([[5.0, 7.0]]))
    np.testing.assert_array_equal(twin.grad, [[5, 0, 0, 7, 0, 0]])


@pytest.mark.parametrize("name", CASES)
def test_layouts_and_empty_batches(name):
    case = CASES[name]
    x, parameters = case.example(), case.parameters()
    turned = np.asfortranarray(x)
    np.testing.assert_allclose(
        case.layer.forward(turned, parameters)[0], case.layer.forward(x, parameters)[0], rtol=1e-15
    )
    y, cache = case.layer.forward(x[:0], parameters)
    dx, gradients = case.layer.backward(y, cache)
    assert dx.shape == x[:0].shape and all((gradients[key] == 0).all() for key in parameters)


# --- saturated and dead units -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_both_halves_see_the_same_units(name):
    case = CASES[name]
    x = 4 * np.random.default_rng(1).normal(size=(30, 6))
    x[:, 0] = -np.abs(x[:, 0])
    x[:, 1] = -1e3 * (1 + np.abs(x[:, 1]))  # where exponentials are 0 as well
    parameters = case.layer.init(None)
    twin = lambda z: case.twin(z, {k: torch.tensor(a) for k, a in parameters.items()})  # noqa: E731
    np.testing.assert_allclose(tt.slope(twin, torch.tensor(x)), tn.slope(case.layer, x, parameters), atol=1e-12)
    np.testing.assert_array_equal(tt.saturated(twin, torch.tensor(x)), tn.saturated(case.layer, x, parameters))
    assert tn.dead(case.layer, x, parameters)[0] == (name == "NoisyReLU")
    np.testing.assert_array_equal(tt.dead(twin, torch.tensor(x)), tn.dead(case.layer, x, parameters))


def test_saturation_of_a_sigmoid_from_its_formula():
    """y (1 - y) < 0.05 * 0.25: |x| above 4.35."""
    edge = math.log((1 + math.sqrt(1 - 0.05)) / (1 - math.sqrt(1 - 0.05)))
    x = edge + np.array([-0.01, 0.01])
    for sign in (1, -1):
        np.testing.assert_array_equal(tn.saturated(tn.Sigmoid(), sign * x), [False, True])
        np.testing.assert_array_equal(tt.saturated(torch.sigmoid, torch.tensor(sign * x)), [False, True])
    np.testing.assert_array_equal(tn.saturated(tn.ReLU(), np.array([-0.1, 0.1])), [True, False])


def test_a_unit_is_dead_over_all_examples_or_not_at_all():
    x = np.array([[-1.0, -1.0, 0.0, 3.0], [-2.0, 1e-9, -3.0, 2.0]])
    np.testing.assert_array_equal(tn.dead(tn.ReLU(), x), [True, False, True, False])
    np.testing.assert_array_equal(tt.dead(torch.relu, torch.tensor(x)), [True, False, True, False])
    np.testing.assert_array_equal(tn.dead(tn.ReLU(), x[:1]), [True, True, True, False])  # one example is not enough
    assert not tn.dead(tn.LeakyReLU(), x).any() and not tt.dead(nn.LeakyReLU(), torch.tensor(x)).any()
    images = np.full((2, 3, 4, 4), -1.0)
    images[1, 2, 3, 0] = 1.0  # one place of one image
    np.testing.assert_array_equal(tn.dead(tn.ReLU(), images), [True, True, False])
    np.testing.assert_array_equal(tt.dead(torch.relu, torch.tensor(images)), [True, True, False])
    model = nn.PReLU(3)
    assert tt.dead(model, torch.tensor(images, dtype=torch.float32)).sum() == 0 and model.weight.grad is None


def test_a_dead_unit_has_no_gradient_and_a_live_one_has():
    """What the definition is for: the gradient of the weights in front is exactly 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    net = tn.Network([tn.Linear(4, 30), tn.ReLU(), tn.Linear(30, 2)])
    parameters = net.init(rng)
    parameters["0.b"] = rng.normal(-4, 2, size=30)
    z = x @ parameters["0.W"].T + parameters["0.b"]
    y, cache = net.forward(x, parameters)
    gradients = net.backward(rng.normal(size=y.shape), cache)[1]
    still = (gradients["0.W"] == 0).all(axis=1)
    assert 0 < still.sum() < 30
    np.testing.assert_array_equal(tn.dead(tn.ReLU(), z), still)


# --- bad arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [tn, tt])
@pytest.mark.parametrize(
    "make",
    [
        lambda half: half.ScaledTanh(height=0.0),
        lambda half: half.ScaledTanh(rate=-1.0),
        lambda half: half.ScaledTanh(linear=-0.1),
        lambda half: half.Rectifier(float("nan")),
        lambda half: half.LeakyReLU(float("inf")),
        lambda half: half.ELU(0.0),
        lambda half: half.Maxout(0),
        lambda half: half.Maxout(1.5),
        lambda half: half.ParametricReLU(0),
        lambda half: half.ParametricReLU(2, float("nan")),
        lambda half: half.RBF(0, 2),
        lambda half: half.RBF(2, 0),
        lambda half: half.RBF(2, 2, sigma=0.0),
    ],
)
def test_bad_sizes_and_constants(half, make):
    with pytest.raises(ValueError, match="must be"):
        make(half)


@pytest.mark.parametrize(
    "layer, twin, shape",
    [
        (tn.Maxout(3), tt.Maxout(3), (2, 4)),
        (tn.Maxout(2), tt.Maxout(2), (4,)),
        (tn.ParametricReLU(3), tt.ParametricReLU(3), (2, 4)),
        (tn.ParametricReLU(3), tt.ParametricReLU(3), (3,)),
        (tn.RBF(3, 2), tt.RBF(3, 2), (4, 2)),
        (tn.RBF(3, 2), tt.RBF(3, 2), (3,)),
    ],
)
def test_bad_shapes(layer, twin, shape):
    with pytest.raises(ValueError, match="x must be of shape"):
        layer.forward(np.ones(shape), layer.init(np.random.default_rng(0)))
    with pytest.raises(ValueError, match="x must be of shape"):
        twin(torch.ones(shape))


def test_bad_calls():
    with pytest.raises(ValueError, match="generator"):
        tn.NoisyReLU().forward(np.ones(3), training=True)
    for shape in ((3,), (0, 3)):
        with pytest.raises(ValueError, match="examples, units"):
            tn.dead(tn.ReLU(), np.ones(shape))
        with pytest.raises(ValueError, match="examples, units"):
            tt.dead(torch.relu, torch.ones(shape))
    with pytest.raises(ValueError, match="below"):
        tn.saturated(tn.ReLU(), np.ones(3), below=0.0)
    with pytest.raises(ValueError, match="below"):
        tt.saturated(torch.relu, torch.ones(3), below=0.0)


# --- the experiment of the assignment -----------------------------------------------------------------------------------


def test_the_rate_that_kills_half_of_the_units():
    """As the assignment asks it, with its own function; with room on either side."""
    source = (Path(__file__).parents[2] / "solutions/activations.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\} ipython3\n(?:---\n.*?---\n)?(.*?)^```", source, flags=re.S | re.M)
    names: dict = {}
    exec(cells[0] + next(cell for cell in cells if "def trained" in cell), names)

    def share(rate):
        with np.errstate(all="ignore"):
            layers = [z for seed in range(5) for z in names["trained"](rate, seed)[:2]]
        return np.mean([tn.dead(tn.ReLU(), z).mean() for z in layers])

    assert share(0.5) < 0.3 and share(1.0) > 0.55
    assert key("activations.killing_rate").reference == 1.0
