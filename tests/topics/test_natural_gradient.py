"""The natural gradient: the two rooms agree, with closed forms, with torch.func and scikit-learn, and PRONG is the paper's algorithm put right."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import nn

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.data import digits

OPTIMIZERS = ["KFAC", "PRONG"]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def regression(seed=0, n=40, d=3, classes=4):
    """Inputs, weights, and the probabilities of logistic and of softmax regression."""
    rng = np.random.default_rng(seed)
    x, w, W = rng.normal(size=(n, d)) + 0.5, rng.normal(size=d), rng.normal(size=(classes, d))
    return x, w, W, sigmoid(x @ w), softmax(x @ W.T)


def network(dtype=torch.float64, bias=True, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 4, bias=bias), nn.Tanh(), nn.Linear(4, 6, bias=bias), nn.Tanh(), nn.Linear(6, 3)
    ).to(dtype)


def batch(n=30, seed=1, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    x = (
        torch.randn((n, 5), generator=draw, dtype=torch.float64)
        * torch.tensor([0.3, 1, 2, 1, 0.5], dtype=torch.float64)
        + 1
    )
    return x.to(dtype), torch.randint(3, (n,), generator=draw)


def steps(name, model, optimizer, count=12, start=0):
    """Steps on batches that depend on the step alone."""
    dtype, device = next(model.parameters()).dtype, next(model.parameters()).device
    for t in range(start, start + count):
        x, y = batch(seed=10 + t, dtype=dtype)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x.to(device)), y.to(device)).backward()
        optimizer.step()
    return model


def make(name, model, every=5, **options):
    parameter = next(model.parameters())
    samples = batch(100, seed=2, dtype=parameter.dtype)[0].to(parameter.device)
    return getattr(tt, name)(model, samples, **({"every": every, "rho": 0.5} | options))


def assert_same(a, b, atol):
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p.detach().double().cpu(), q.detach().double().cpu(), rtol=0, atol=atol)


# --- the Fisher matrix --------------------------------------------------------------------------------------------


def test_the_fisher_matrix_of_a_regression_is_the_hessian_whatever_the_targets():
    x, w, W, p, P = regression()
    rng, X = np.random.default_rng(1), torch.tensor(x)
    y, Y = torch.tensor(rng.integers(2, size=40)), torch.tensor(rng.integers(4, size=40))

    def logistic(w):
        return nn.functional.binary_cross_entropy_with_logits(X @ w, y.double())

    def multinomial(W):
        return nn.functional.cross_entropy(X @ W.reshape(4, 3).T, Y)

    for found, loss, at in ((tn.fisher(x, p), logistic, w), (tn.fisher(x, P), multinomial, W.ravel())):
        np.testing.assert_allclose(found, torch.func.hessian(loss)(torch.tensor(at)).numpy(), rtol=0, atol=1e-12)


def test_two_classes_are_logistic_regression():
    x, _, _, p, _ = regression()
    np.testing.assert_allclose(tn.fisher(x, np.stack([1 - p, p], axis=1))[3:, 3:], tn.fisher(x, p), rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["logistic", "softmax"])
def test_a_drawn_fisher_matrix_is_right_on_average(kind):
    """Each entry within 5 standard errors of 200 independent drawings: with other seeds wrong by chance less than once in 1,000 runs."""
    x, _, _, p, P = regression(n=15)
    probabilities = p if kind == "logistic" else P
    drawn = np.array([tn.fisher(x, probabilities, np.random.default_rng(seed), draws=5) for seed in range(200)])
    error = drawn.std(axis=0, ddof=1) / 200**0.5
    assert (abs(drawn.mean(axis=0) - tn.fisher(x, probabilities)) <= 5 * error).all()
    model = nn.Linear(3, 4, bias=False).double()
    X = torch.tensor(x)
    found = np.array([tt.fisher(model, X, draws=1, seed=seed).numpy() for seed in range(200)])
    error = found.std(axis=0, ddof=1) / 200**0.5
    assert (abs(found.mean(axis=0) - tt.fisher(model, X).numpy()) <= 5 * error).all()


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_answers_of_every_kind_are_drawn_from_the_model(kind):
    """As above: each entry within 5 standard errors of 200 drawings. Several draws are the mean of single ones, each with a seed of its own."""
    torch.manual_seed(0)
    model, x = nn.Linear(3, 2).double(), torch.tensor(regression(n=15)[0])
    found = torch.stack([tt.fisher(model, x, kind, draws=1, seed=seed) for seed in range(200)])
    assert ((found.mean(dim=0) - tt.fisher(model, x, kind)).abs() <= 5 * found.std(dim=0) / 200**0.5 + 1e-15).all()
    torch.testing.assert_close(tt.fisher(model, x, kind, draws=3), found[:3].mean(dim=0))


def test_the_empirical_one_by_loops():
    x, _, W, p, P = regression(n=12)
    rng = np.random.default_rng(0)
    y, Y = rng.integers(2, size=12), rng.integers(4, size=12)
    one = sum(np.outer(g, g) for g in ((p[i] - y[i]) * x[i] for i in range(12))) / 12
    np.testing.assert_allclose(tn.empirical_fisher(x, p, y), one, rtol=0, atol=1e-14)
    many = sum(np.outer(g, g) for g in (np.outer(P[i] - np.eye(4)[Y[i]], x[i]).ravel() for i in range(12))) / 12
    np.testing.assert_allclose(tn.empirical_fisher(x, P, Y), many, rtol=0, atol=1e-14)
    model = nn.Linear(3, 4, bias=False).double()
    model.weight.data = torch.tensor(W)
    found = tt.empirical_fisher(model, torch.tensor(x), torch.tensor(Y))
    np.testing.assert_allclose(found, many, rtol=0, atol=1e-14)


def test_a_network_of_one_layer_has_the_regressions_matrix():
    x, w, W, p, P = regression()
    for W_, probabilities, kind in ((W, P, "softmax"), (w[None], p, "logistic")):
        model = nn.Linear(3, len(W_), bias=False).double()
        model.weight.data = torch.tensor(W_)
        found = tt.fisher(model, torch.tensor(x), kind)
        np.testing.assert_allclose(found, tn.fisher(x, probabilities), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", ["softmax", "logistic", "gaussian"])
def test_the_divergence_has_the_fisher_matrix_for_its_hessian(kind):
    """Of the Kullback-Leibler divergence in the network's parameters, at no displacement."""
    model, (x, _) = network(), batch(6)
    names, shapes = zip(*((name, p.shape) for name, p in model.named_parameters()), strict=True)
    theta = torch.cat([p.detach().flatten() for p in model.parameters()])
    sizes = [math.prod(shape) for shape in shapes]

    def scores(theta):
        parts = {n: part.reshape(s) for n, s, part in zip(names, shapes, theta.split(sizes), strict=True)}
        return torch.func.functional_call(model, parts, (x,))

    def divergence(other):
        a, b = scores(theta), scores(other)
        if kind == "softmax":
            return (a.softmax(1) * (a.log_softmax(1) - b.log_softmax(1))).sum(1).mean()
        if kind == "logistic":
            p, off = a.sigmoid(), nn.functional.logsigmoid
            return (p * (off(a) - off(b)) + (1 - p) * (off(-a) - off(-b))).sum(1).mean()
        return 0.5 * ((a - b) ** 2).sum(1).mean()

    torch.testing.assert_close(tt.fisher(model, x, kind), torch.func.hessian(divergence)(theta), rtol=0, atol=1e-10)


@given(st.floats(0.2, 3), st.floats(-2, 2))
def test_the_gaussians_closed_form(sigma, mu):
    """In (mu, sigma) diag(1, 2)/sigma^2: by quadrature over the density, which is exact for these polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    scores = np.stack([nodes / sigma, (nodes**2 - 1) / sigma])
    found = (scores * weights / weights.sum()) @ scores.T
    np.testing.assert_allclose(found, np.diag([1, 2]) / sigma**2, rtol=1e-10, atol=1e-10)


def test_natural_paths_of_a_gaussian_agree_to_first_order_in_the_step():
    """The mean log-likelihood of data with mean m and variance s, in (mu, sigma) and in (mu, log sigma): the gap falls with the square of the step."""
    m, s = 0.5, 1.5

    def gap(lr):
        mu, sigma = 3.0, 2.0
        slope = np.array([(mu - m) / sigma**2, 1 / sigma - (s + (m - mu) ** 2) / sigma**3])
        a = tn.natural_step(np.array([mu, sigma]), slope, np.diag([1, 2]) / sigma**2, lr)
        slope_log = slope * [1, sigma]
        b = tn.natural_step(np.array([mu, math.log(sigma)]), slope_log, np.diag([1 / sigma**2, 2]), lr)
        return np.linalg.norm(a - [b[0], math.exp(b[1])])

    assert gap(0.01) / gap(0.001) == pytest.approx(100, rel=0.02)


# --- the step -----------------------------------------------------------------------------------------------------


def test_the_natural_step_of_logistic_regression_is_newtons():
    x, w, _, p, _ = regression()
    y = np.random.default_rng(2).integers(2, size=40)
    grad, hessian = x.T @ (p - y) / 40, (x.T * (p * (1 - p))) @ x / 40
    expected = w - np.linalg.solve(hessian, grad)
    np.testing.assert_allclose(tn.natural_step(w, grad, tn.fisher(x, p)), expected, rtol=0, atol=1e-12)


@given(st.integers(0, 10_000), st.floats(0, 2), st.floats(0, 1))
def test_both_rooms_take_the_same_step(seed, damping, lr):
    rng = np.random.default_rng(seed)
    root, theta, grad = rng.normal(size=(6, 6)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    metric = root @ root.T + 0.1 * np.eye(6)
    here = tn.natural_step(theta, grad, metric, lr, damping)
    there = tt.natural_step(*(torch.tensor(a) for a in (theta, grad, metric)), lr, damping)
    np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-9)


def test_a_linear_change_of_parameters_changes_nothing():
    """theta = M phi: the metric becomes M^T G M, the gradient M^T g, and the step of theta stays."""
    rng = np.random.default_rng(0)
    M, phi, g = rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=4)
    G = (lambda root: root @ root.T + np.eye(4))(rng.normal(size=(4, 4)))
    np.testing.assert_allclose(
        M @ tn.natural_step(phi, M.T @ g, M.T @ G @ M, 0.3), tn.natural_step(M @ phi, g, G, 0.3), rtol=0, atol=1e-12
    )


def test_bad_steps_are_refused():
    g, G = np.ones(2), np.eye(2)
    for room, make_ in ((tn, np.asarray), (tt, torch.as_tensor)):
        for options in ({"lr": -1}, {"damping": math.nan}):
            with pytest.raises(ValueError, match=next(iter(options))):
                room.natural_step(make_(g), make_(g), make_(G), **options)
    for metric in (np.diag([1.0, -1.0]), np.zeros((2, 2))):
        with pytest.raises(np.linalg.LinAlgError):
            tn.natural_step(g, g, metric)
        with pytest.raises(torch.linalg.LinAlgError):
            tt.natural_step(torch.tensor(g), torch.tensor(g), torch.tensor(metric))


# --- whitening ----------------------------------------------------------------------------------------------------


def test_whitening_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + 2
    U, mean = tn.whiten(x)
    ours, theirs = (x - mean) @ U.T, PCA(whiten=True).fit_transform(x) * (60 / 59) ** 0.5  # they divide by n - 1
    np.testing.assert_allclose(ours.T @ ours / 60, np.eye(4), rtol=0, atol=1e-12)
    np.testing.assert_allclose(abs(ours[:, ::-1]), abs(theirs), rtol=0, atol=1e-10)


@given(st.integers(1, 8), st.integers(1, 5), st.floats(1e-3, 2), st.booleans(), st.integers(0, 1000))
def test_whitening_with_epsilon(n, d, eps, centre, seed):
    x = np.random.default_rng(seed).normal(size=(n, d)) + 1
    U, mean = tn.whiten(x, eps, centre)
    off = x - mean
    np.testing.assert_allclose(U @ (off.T @ off / n + eps * np.eye(d)) @ U.T, np.eye(d), rtol=0, atol=1e-9)
    U_torch, mean_torch = tt.whiten(torch.tensor(x), eps, centre)
    np.testing.assert_allclose(U_torch.T @ U_torch, U.T @ U, rtol=1e-7, atol=1e-9)  # U itself up to signs
    np.testing.assert_allclose(mean_torch, mean, rtol=0, atol=1e-14)


def test_bad_inputs_are_refused():
    for room, make_ in ((tn, np.asarray), (tt, torch.as_tensor)):
        with pytest.raises(ValueError, match="eps must be above 0"):
            room.whiten(make_(np.zeros((3, 2))))
        with pytest.raises(ValueError, match=r"eps must be .* got -1"):
            room.whiten(make_(np.eye(3)), -1)
        with pytest.raises(ValueError, match="shape of x"):
            room.whiten(make_(np.zeros(3)), 0.1)
    x, _, _, p, _ = regression()
    for call in (
        lambda: tn.fisher(x[0], p),
        lambda: tn.fisher(x, p[:3]),
        lambda: tn.fisher(x, p, np.random.default_rng(0), draws=0),
        lambda: tn.empirical_fisher(x, p, [0, 1]),
        lambda: tt.fisher(network(), batch()[0], "poisson"),
        lambda: tt.empirical_fisher(network(), *batch(), "poisson"),
        lambda: tt.KFAC(network(), batch()[0], "poisson"),
    ):
        with pytest.raises(ValueError, match=r"shape of x|shape of probabilities|draws|shape of targets|kind"):
            call()


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 5))
def test_new_coordinates_change_nothing_that_the_layer_computes(seed, inputs, outputs):
    rng = np.random.default_rng(seed)
    W, b, x = rng.normal(size=(outputs, inputs)), rng.normal(size=outputs), rng.normal(size=(20, inputs)) + 3
    U, mean = tn.whiten(x, 0.1)
    V, shifted = tn.to_whitened(W, b, U, mean)
    np.testing.assert_allclose((x - mean) @ U.T @ V.T + shifted, x @ W.T + b, rtol=0, atol=1e-12)
    for p, q in zip(tn.from_whitened(V, shifted, U, mean), (W, b), strict=True):
        np.testing.assert_allclose(p, q, rtol=0, atol=1e-12)
    tensors = [torch.tensor(a) for a in (W, b, U, mean)]
    for p, q in zip(tt.to_whitened(*tensors), (V, shifted), strict=True):
        np.testing.assert_allclose(p, q, rtol=0, atol=1e-12)
    assert not np.allclose((b - W @ mean) + W @ mean, b - W @ mean)  # the signs matter: the mean is not 0


# --- PRONG and K-FAC ----------------------------------------------------------------------------------------------


def test_prong_is_the_papers_algorithm_put_right():
    """Gradient descent on V and the shifted biases, by the letter: reparametrized every 4 steps, each time without changing the function."""
    model, samples, lr, eps = network(), batch(100, seed=2)[0], 0.2, 0.1
    other = copy.deepcopy(model)
    linear = [m for m in other if isinstance(m, nn.Linear)]
    canonical = [(m.weight.detach().clone(), m.bias.detach().clone()) for m in linear]
    whitened, coordinates = [], []

    def inputs(x, layers):
        """What enters each layer, and what leaves the last."""
        seen = []
        for i, compute in enumerate(layers):
            seen.append(x)
            x = compute(x)
            x = torch.tanh(x) if i < len(layers) - 1 else x
        return seen, x

    for t in range(20):
        if t % 4 == 0:
            if coordinates:
                canonical = [tt.from_whitened(*layer, *how) for layer, how in zip(whitened, coordinates, strict=True)]
            plain = [lambda x, W=W, b=b: x @ W.T + b for W, b in canonical]
            seen, before = inputs(samples, plain)
            coordinates = [tt.whiten(x, eps) for x in seen]
            whitened = [tt.to_whitened(*layer, *how) for layer, how in zip(canonical, coordinates, strict=True)]
            after = inputs(
                samples,
                [
                    lambda x, V=V, s=s, U=U, m=m: (x - m) @ U.T @ V.T + s
                    for (V, s), (U, m) in zip(whitened, coordinates, strict=True)
                ],
            )[1]
            torch.testing.assert_close(after, before, rtol=0, atol=1e-12)
        x, y = batch(seed=10 + t)
        whitened = [tuple(p.detach().requires_grad_() for p in layer) for layer in whitened]
        layers = [
            lambda x, V=V, s=s, U=U, m=m: (x - m) @ U.T @ V.T + s
            for (V, s), (U, m) in zip(whitened, coordinates, strict=True)
        ]
        nn.functional.cross_entropy(inputs(x, layers)[1], y).backward()
        whitened = [tuple((p - lr * p.grad).detach() for p in layer) for layer in whitened]
    steps("PRONG", model, make("PRONG", model, every=4, lr=lr, rho=0.0, eps=eps), count=20)
    canonical = [tt.from_whitened(*layer, *how) for layer, how in zip(whitened, coordinates, strict=True)]
    for p, q in zip(model.parameters(), [p for layer in canonical for p in layer], strict=True):
        torch.testing.assert_close(p.detach(), q, rtol=0, atol=1e-12)


def test_a_layer_steps_alike_in_both_rooms():
    for name in OPTIMIZERS:
        model = network()
        optimizer = make(name, model)
        layers = [m for m in model if isinstance(m, nn.Linear)]
        rule = getattr(tn, name)(every=5, rho=0.5)
        here = [{"W": m.weight.detach().numpy().copy(), "b": m.bias.detach().numpy().copy()} for m in layers]
        states = [rule.init(layer) for layer in here]
        for t in range(12):
            x, y = batch(seed=10 + t)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            observed = optimizer._observed(seed=t)
            for i, m in enumerate(layers):
                grad = {"W": m.weight.grad.numpy(), "b": m.bias.grad.numpy()}
                before = copy.deepcopy((here[i], grad, states[i]))
                new = rule.step(here[i], grad, states[i], *(a.numpy() for a in observed[m]))
                np.testing.assert_equal((here[i], grad, states[i]), before)  # nothing is overwritten
                here[i], states[i] = new
            optimizer.step()
            for m, layer in zip(layers, here, strict=True):
                np.testing.assert_allclose(m.weight.detach(), layer["W"], rtol=0, atol=1e-11)
                np.testing.assert_allclose(m.bias.detach(), layer["b"], rtol=0, atol=1e-11)


def test_prong_is_k_fac_that_takes_the_slopes_for_white():
    """The inverse of the second moments of (x, 1) is whitening, biases and centring included."""
    rng = np.random.default_rng(0)
    x, grad = rng.normal(size=(50, 3)) + 2, {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=4)}
    layer = {"W": np.zeros((4, 3)), "b": np.zeros(4)}
    rule = tn.PRONG(lr=1.0, eps=1e-9)
    moved, _ = rule.step(layer, grad, rule.init(layer), x)
    both = np.column_stack([x, np.ones(50)])
    expected = -np.column_stack([grad["W"], grad["b"]]) @ np.linalg.inv(both.T @ both / 50)
    np.testing.assert_allclose(np.column_stack([moved["W"], moved["b"]]), expected, rtol=1e-6)


def test_k_fac_is_the_inverse_of_a_kronecker_product():
    rng = np.random.default_rng(0)
    x, slopes, grad = (
        rng.normal(size=(50, 2)),
        rng.normal(size=(50, 3)),
        {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=3)},
    )
    layer = {"W": np.zeros((3, 2)), "b": np.zeros(3)}
    rule = tn.KFAC(lr=1.0, damping=1e-16)
    moved, _ = rule.step(layer, grad, rule.init(layer), x, slopes)
    both = np.column_stack([x, np.ones(50)])
    block = np.kron(slopes.T @ slopes / 50, both.T @ both / 50)
    expected = -np.linalg.solve(block, np.column_stack([grad["W"], grad["b"]]).ravel()).reshape(3, 3)
    np.testing.assert_allclose(np.column_stack([moved["W"], moved["b"]]), expected, rtol=1e-6)


def test_for_one_example_the_fisher_matrix_is_a_kronecker_product():
    x, _, _, _, P = regression(n=1)
    scatter = np.diag(P[0]) - np.outer(P[0], P[0])
    np.testing.assert_allclose(tn.fisher(x, P), np.kron(scatter, np.outer(x[0], x[0])), rtol=0, atol=1e-15)


def test_prong_does_not_notice_an_affine_change_of_the_inputs():
    """Inputs mixed and shifted, the first layer adapted: without epsilon the same function along the way."""
    rng = torch.Generator().manual_seed(5)
    M = torch.randn((5, 5), generator=rng, dtype=torch.float64) + 3 * torch.eye(5, dtype=torch.float64)
    shift = torch.randn(5, generator=rng, dtype=torch.float64)
    model, other = network(), network()
    samples, test = batch(100, seed=2)[0], batch(7, seed=3)[0]
    with torch.no_grad():
        other[0].weight.copy_(model[0].weight @ torch.linalg.inv(M))
        other[0].bias.sub_(other[0].weight @ shift)
    runs = [(model, lambda x: x), (other, lambda x: x @ M.T + shift)]
    for net, change in runs:
        optimizer = tt.PRONG(net, change(samples), lr=0.02, eps=1e-13, every=3)
        for t in range(9):
            x, y = batch(seed=10 + t)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(change(x)), y).backward()
            optimizer.step()
    torch.testing.assert_close(other(test @ M.T + shift), model(test), rtol=0, atol=1e-6)
    assert not torch.allclose(network()(test), model(test), atol=0.1)  # it has moved


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_saved_loaded_copied_and_continued_without_a_difference(name, tmp_path):
    straight, half = network(), network()
    steps(name, straight, make(name, straight))
    optimizer = make(name, half)
    steps(name, half, optimizer, 7)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    other_half, copied = copy.deepcopy((half, optimizer))
    resumed = make(name, half)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert_same(steps(name, half, resumed, 5, start=7), straight, 0)
    assert_same(steps(name, other_half, copied, 5, start=7), straight, 0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_in_single_precision(name):
    double, single = network(), network(torch.float32)
    steps(name, double, make(name, double))
    steps(name, single, make(name, single))
    assert all(p.dtype == torch.float32 for p in single.parameters())
    if name == "PRONG":  # K-FAC draws other answers in another precision
        assert_same(single, double, 2e-4)
    assert all(bool(p.isfinite().all()) for p in single.parameters())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_and_schedulers_move_the_rate(name):
    model, other = network(), network()
    optimizer = make(name, model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
    for t in range(8):
        steps(name, model, optimizer, 1, start=t)
        schedule.step()
    by_hand = make(name, other)
    for t in range(8):
        for group in by_hand.param_groups:
            group["lr"] = 0.1 * 0.5 ** (t // 4)
        steps(name, other, by_hand, 1, start=t)
    assert_same(model, other, 1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf, "0.1", None])
def test_a_bad_hyperparameter_is_named_in_both_rooms(name, value):
    for option in getattr(tn, name)().__dict__:
        for build in (getattr(tn, name), lambda **options: make(name, network(), **options)):
            with pytest.raises(ValueError, match=rf"\b{option}\b.*{value!r}"):
                build(**{option: value})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_networks_that_do_not_fit_are_refused(name):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 5).double()

        def forward(self, x):
            return self.layer(torch.tanh(self.layer(x)))

    with pytest.raises(ValueError, match=r"model must be .*1\.weight"):
        make(name, nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).double())
    with pytest.raises(ValueError, match="model must be"):
        make(name, nn.Sequential(nn.Conv1d(1, 1, 1)).double())
    model = Twice()
    optimizer = make(name, model)
    with pytest.raises(ValueError, match="uses each of its linear layers once"):
        steps(name, model, optimizer, 1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_has_no_gradient_stays_and_modes_are_given_back(name):
    model = network()
    model[0].requires_grad_(False)
    model.insert(2, nn.Dropout(0.5))
    model[1].eval()
    before = copy.deepcopy(model)
    steps(name, model, make(name, model), 3)
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[3].weight, before[3].weight)
    assert [m.training for m in model.modules()] == [m.training for m in before.modules()]
    idle = network()
    make(name, idle).step()  # no layer has a gradient
    assert_same(idle, network(), 0)
    without = network(bias=False)
    start = copy.deepcopy(without)
    steps(name, without, make(name, without))
    assert all(bool((p != q).any()) for p, q in zip(without.parameters(), start.parameters(), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_layers_may_be_frozen_and_thawed_on_the_way(name):
    """A group that comes late belongs to its own layer, whatever the order of the groups, and has its own rate."""
    model = network()
    model[0].requires_grad_(False)
    optimizer = make(name, model)
    model[0].requires_grad_(True)
    optimizer.add_param_group({"params": [model[0].bias, model[0].weight], "lr": 0.05})
    whole = network()
    other = make(name, whole)
    other.param_groups[0]["lr"] = 0.05
    steps(name, model, optimizer, 4)
    assert_same(steps(name, whole, other, 4), model, 1e-12)
    model[0].requires_grad_(False)
    before = copy.deepcopy(model)
    steps(name, model, optimizer, 4, start=4)
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[2].weight, before[2].weight)
    for params in ([model[0].bias], [nn.Parameter(torch.zeros(2))], [model[0].weight, model[2].weight]):
        with pytest.raises(ValueError, match="params must be those of one"):
            make(name, network()).add_param_group({"params": params})
        with pytest.raises(ValueError, match="params must be those of one"):
            optimizer.add_param_group({"params": params})


def test_slopes_are_those_in_front_of_an_activation_that_works_in_place():
    (x, _), found = batch(), []
    for inplace in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=inplace), nn.Linear(4, 3)).double()
        found.append([slopes for _, slopes in tt.KFAC(model, x)._observed(0).values()])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_k_fac_draws_anew_each_time_and_looks_in_test_mode():
    model = network()
    model.insert(2, nn.Dropout(0.5))
    optimizer = make("KFAC", model, every=1, decay=0.0, lr=0.0)
    factors = []
    for t in range(2):
        steps("KFAC", model, optimizer, 1, start=t)
        factors.append({name: optimizer.state[model[3].weight][name].clone() for name in "AG"})
    torch.testing.assert_close(factors[0]["A"], factors[1]["A"], rtol=0, atol=0)  # nothing was dropped
    assert not torch.allclose(factors[0]["G"], factors[1]["G"], rtol=1e-3)


def test_without_a_bias_prong_whitens_without_centring():
    model, samples = nn.Linear(5, 3, bias=False).double(), batch(100, seed=2)[0]
    start = model.weight.detach().clone()
    steps("PRONG", model, make("PRONG", model, lr=1.0, eps=0.1), 1)
    moved = (start - model.weight).detach()
    torch.testing.assert_close(
        moved @ (samples.T @ samples / 100 + 0.1 * torch.eye(5, dtype=torch.float64)),
        model.weight.grad,
        rtol=0,
        atol=1e-11,
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_trains_a_real_network_and_the_closure_is_asked(name):
    data = digits()
    model = tt.mlp(64, 32, 10)
    samples = torch.tensor(data.x_train[:500], dtype=torch.float32)
    curve = tt.fit(model, getattr(tt, name)(model, samples, lr=0.05), data, epochs=3, progress=False)
    assert curve.test_accuracy[-1] > 0.8  # chance is 0.1
    optimizer = make(name, network())
    assert optimizer.step(lambda: torch.tensor(2.5)) == 2.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_on_a_gpu(name):
    here, there = network(), network().cuda()
    steps(name, here, make(name, here))
    steps(name, there, make(name, there))
    if name == "PRONG":  # K-FAC draws other answers on another device
        assert_same(there, here, 1e-10)
    assert all(bool(p.isfinite().all()) and p.is_cuda for p in there.parameters())


# --- the assignment -----------------------------------------------------------------------------------------------


def test_the_experiment_of_the_assignment_is_measured():
    from thalweg.exercises.keys.natural_gradient import longest_period, measure_longest_period

    assert measure_longest_period() == longest_period.reference
    assert measure_longest_period(range(5, 8)) == longest_period.reference  # whichever seeds a student takes
