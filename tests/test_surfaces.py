"""The test functions: gradients against finite differences, minima where they are said to be."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from thalweg import surfaces


@pytest.mark.parametrize("make", surfaces.ALL, ids=lambda make: make.__name__)
def test_gradients_minima_and_shapes(make):
    surface = make()
    rng = np.random.default_rng(0)
    left, right, bottom, top = surface.window
    for point in rng.uniform([left, bottom], [right, top], size=(20, 2)):
        expected = approx_fprime(point, surface.value, 1e-7)
        np.testing.assert_allclose(surface.grad(point), expected, rtol=1e-4, atol=1e-4 * (1 + abs(expected).max()))
    minimum = np.array(surface.minimum)
    np.testing.assert_allclose(surface.grad(minimum), 0, atol=1e-7)
    around = surface.value(minimum + 1e-3 * rng.normal(size=(50, 2)))
    assert np.all(around >= surface.value(minimum))
    assert left <= surface.start[0] <= right and bottom <= surface.start[1] <= top
    x, y, z = surface.grid(7)
    assert x.shape == y.shape == z.shape == (7, 7)
    assert surface.grad(rng.normal(size=(4, 3, 2))).shape == (4, 3, 2)


def test_a_bowl_has_the_condition_number_it_says():
    surface = surfaces.bowl(37.0, angle=0.6)
    hessian = np.array([surface.grad(e) for e in np.eye(2)])
    low, high = np.linalg.eigvalsh(hessian)
    assert high / low == pytest.approx(37.0)


@pytest.mark.parametrize("kappa", [0.5, -1, np.nan, np.inf])
def test_a_bowl_refuses_bad_condition_numbers(kappa):
    with pytest.raises(ValueError, match="kappa"):
        surfaces.bowl(kappa)
