"""What holds for every optimizer of the book alike. They are found by themselves: a new one is held to all of it."""

import copy
import math
import warnings
from dataclasses import fields

import numpy as np
import pytest
import torch

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg.torch import _optimizer
from thalweg.torch._optimizer import ListOptimizer

# those whose rule is written on lists of tensors; the others (they need a closure and search along a line) have tests of their own
NAMES = sorted(name for name, thing in vars(tt).items() if isinstance(thing, type) and issubclass(thing, ListOptimizer))
ELEMENTWISE = [name for name in NAMES if getattr(tt, name).elementwise]
SHAPES = [(3, 4), (5,), (1,), (), (0,), (7, 2), (2, 3, 4)]
MATRICES = [(3, 4), (7, 2), (5, 5)]  # for rules that look at a whole matrix


def shapes_of(name):
    return SHAPES if name in ELEMENTWISE else MATRICES


def parameters(name, dtype=torch.float64, device="cpu"):
    draw = torch.Generator().manual_seed(0)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=draw, dtype=torch.float64).to(device, dtype))
        for shape in shapes_of(name)
    ]


def gradients(name, t, dtype=torch.float64):
    """Of step t. The first tensor has none in every third step; entries change their signs, stay and are 0."""
    draw = torch.Generator().manual_seed(100 + t // 2)
    all_ = [torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype) for shape in shapes_of(name)]
    all_[-1].flatten()[0] = 0
    return [None if i == 0 and t % 3 == 2 else g for i, g in enumerate(all_)]


def walk(name, params, optimizer, steps=20, start=0):
    """Steps under gradients that depend on the step alone, so that rounding cannot grow; handed over in a closure, for those that ask."""
    for t in range(start, start + steps):

        def closure(t=t):
            for p, g in zip(params, gradients(name, t, params[0].dtype), strict=True):
                p.grad = None if g is None else g.to(p.device)
            return torch.zeros(())

        optimizer.step(closure)
    return params


def walk_in_numpy(name, params, steps=20, **options):
    """The twin, on each tensor by itself."""
    rule, path = getattr(tt, name).twin(**options), [p.detach().numpy() for p in params]
    states = [rule.init(theta) for theta in path]
    for t in range(steps):
        for i, g in enumerate(gradients(name, t)):
            if g is not None:
                path[i], states[i] = rule.step(path[i], g.numpy(), states[i])
    return path


def assert_same(a, b, atol):
    for p, q in zip(a, b, strict=True):
        p, q = (torch.as_tensor(x).detach().double().cpu() for x in (p, q))
        torch.testing.assert_close(p, q, rtol=0, atol=atol)


def test_all_are_found():
    assert {"GradientDescent", "Momentum", "Adam", "AdaMax"} <= set(ELEMENTWISE)


@pytest.mark.parametrize("name", NAMES)
def test_numpy_and_torch_walk_the_same_path(name):
    reference = walk_in_numpy(name, parameters(name))
    moved = parameters(name)
    assert_same(walk(name, moved, getattr(tt, name)(moved)), reference, 1e-11)
    assert any(bool((p != q).any()) for p, q in zip(moved, parameters(name), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_the_same_in_both_rooms(name):
    (p,) = parameters(name)[:1]
    defaults = getattr(tt, name)([p]).defaults
    assert {f.name: f.default for f in fields(getattr(tt, name).twin)} == {
        f.name: defaults[f.name] for f in fields(getattr(tt, name).twin)
    }


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("compiled", [False, True], ids=["blocks", "compiled"])
def test_however_it_is_run_it_is_the_same_step(name, compiled, monkeypatch):
    whole, other = parameters(name), parameters(name)
    walk(name, whole, getattr(tt, name)(whole))
    monkeypatch.setattr(_optimizer, "BLOCK", 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # it must not run uncompiled
        walk(name, other, getattr(tt, name)(other, compiled=compiled))
    assert_same(other, whole, 1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_in_single_precision(name):
    double, single = parameters(name), parameters(name, torch.float32)
    walk(name, double, getattr(tt, name)(double), steps=10)
    walk(name, single, getattr(tt, name)(single), steps=10)
    assert all(p.dtype == torch.float32 for p in single)
    assert_same(single, double, 2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_saved_loaded_copied_and_continued_without_a_difference(name, tmp_path):
    straight, half = parameters(name), parameters(name)
    walk(name, straight, getattr(tt, name)(straight), steps=10)
    optimizer = getattr(tt, name)(half)
    walk(name, half, optimizer, steps=5)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    other_half, copied = copy.deepcopy((half, optimizer))
    has_rate = any(f.name == "lr" for f in fields(getattr(tt, name).twin))
    resumed = getattr(tt, name)(half, **({"lr": 0.123} if has_rate else {}))  # the state dict brings the right one back
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert_same(walk(name, half, resumed, steps=5, start=5), straight, 0)
    assert_same(walk(name, other_half, copied, steps=5, start=5), straight, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_group_has_hyperparameters_of_its_own_and_a_scheduler_moves_the_rate(name):
    rate = {f.name: f.default for f in fields(getattr(tt, name).twin)}.get("lr")
    if rate is None:
        pytest.skip("has no rate")
    together, apart = parameters(name), parameters(name)
    groups = [{"params": together[:1]}, {"params": together[1:], "lr": rate / 3}]
    optimizer = getattr(tt, name)(groups)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
    for t in range(8):
        walk(name, together, optimizer, steps=1, start=t)
        schedule.step()
    first, second = getattr(tt, name)(apart[:1], lr=rate), getattr(tt, name)(apart[1:], lr=rate / 3)
    for t in range(8):
        for one, factor in ((first, 1), (second, 3)):
            one.param_groups[0]["lr"] = rate / factor * 0.5 ** (t // 4)
        for p, g in zip(apart, gradients(name, t), strict=True):
            p.grad = g
        for one in (first, second):
            one.step(lambda: torch.zeros(()))
    assert_same(together, apart, 1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf, "0.1", None])
def test_a_bad_hyperparameter_is_named_in_both_rooms(name, value):
    params = parameters(name)
    for f in fields(getattr(tt, name).twin):
        if isinstance(f.default, bool):
            continue
        for make in (getattr(tt, name).twin, lambda **options: getattr(tt, name)(params, **options)):
            with pytest.raises(ValueError, match=rf"\b{f.name}\b.*{value!r}"):
                make(**{f.name: value})


@pytest.mark.parametrize("name", NAMES)
def test_a_numpy_step_changes_no_argument(name):
    rule, rng = getattr(tt, name).twin(), np.random.default_rng(0)
    theta = rng.normal(size=(3, 4))
    state = rule.init(theta)
    for _ in range(3):
        grad = rng.normal(size=(3, 4))
        before = copy.deepcopy((theta, grad, state))
        after, new = rule.step(theta, grad, state)
        np.testing.assert_equal((theta, grad, state), before)
        theta, state = after, new


def test_every_numpy_optimizer_has_a_torch_one():
    rules = {
        name
        for name, thing in vars(tn).items()
        if isinstance(thing, type) and hasattr(thing, "init") and hasattr(thing, "step")
    }
    missing = {name for name in rules if name not in vars(tt)} - {"AdamEpsilonHat"}  # shown for its formula alone
    assert not missing


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("compiled", [False, True], ids=["foreach", "compiled"])
def test_on_a_gpu(name, compiled):
    if compiled and name not in ELEMENTWISE:
        pytest.skip("is not elementwise")
    here, there = parameters(name), parameters(name, device="cuda")
    walk(name, here, getattr(tt, name)(here))
    options = {"compiled": True} if compiled else {}
    walk(name, there, getattr(tt, name)(there, **options))
    assert_same(there, here, 1e-11)
