"""However a step is run, whole, in blocks or compiled, it is the same step as torch.optim's."""

import copy
import os
import subprocess
import sys
import warnings

import pytest
import torch

import thalweg.torch as tt
from thalweg.torch import _optimizer

THEIRS = {
    "GradientDescent": lambda p, lr: torch.optim.SGD(p, lr),
    "Momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "Nesterov": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True),
    "Adam": lambda p, lr: torch.optim.Adam(p, lr),
    "AdamW": lambda p, lr: torch.optim.AdamW(p, lr),
    "AdaMax": lambda p, lr: torch.optim.Adamax(p, lr),
}
# More tensors than a batch holds; none, one and several elements; longer than a block; one that is not contiguous
SHAPES = [(3, 4), (5,), (1,), (), (0,), (40,), (2, 3, 4), (7,), (7,), (2,), (9, 9), (6,)]


def parameters(dtype=torch.float64):
    draw = torch.Generator().manual_seed(0)
    made = [torch.randn(shape, generator=draw, dtype=dtype) for shape in SHAPES]
    made.append(torch.randn(2, 3, 5, 5, generator=draw, dtype=dtype).to(memory_format=torch.channels_last))
    return [torch.nn.Parameter(p) for p in made]


def walk(params, optimizer, steps=30, start=0):
    """Steps under gradients that depend on the step alone; a schedule moves the rate; one parameter often has no gradient."""
    for t in range(start, start + steps):
        draw = torch.Generator().manual_seed(t)
        for i, p in enumerate(params):
            p.grad = torch.randn(p.shape, generator=draw, dtype=p.dtype) if i != 5 or t % 3 else None
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + t)
        optimizer.step()


def assert_same(a, b, atol):
    for p, q in zip(a, b, strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=atol)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(_optimizer, "BLOCK", 16)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("compiled", [False, True], ids=["blocks", "compiled"])
def test_the_same_steps_as_torch_optim(name, compiled, small_blocks):
    ours, theirs = parameters(), parameters()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # it must not run uncompiled
        walk(ours, getattr(tt, name)(ours, 0.1, compiled=compiled))
    walk(theirs, THEIRS[name](theirs, 0.1))
    assert_same(ours, theirs, 1e-12)


@pytest.mark.parametrize("compiled", [False, True], ids=["blocks", "compiled"])
def test_float32(compiled, small_blocks):
    ours, theirs = parameters(torch.float32), parameters(torch.float32)
    walk(ours, tt.Adam(ours, 0.1, compiled=compiled))
    walk(theirs, THEIRS["Adam"](theirs, 0.1))
    assert_same(ours, theirs, 1e-6)


def test_a_branch_of_the_rule_is_compiled_too():
    ours, theirs = parameters(), parameters()
    walk(ours, tt.Adam(ours, 0.1, weight_decay=0.2, compiled=True))
    walk(theirs, torch.optim.Adam(theirs, 0.1, weight_decay=0.2))
    assert_same(ours, theirs, 1e-12)


def test_one_graph_whatever_the_step_the_rate_the_sizes_and_the_optimizer():
    compiled = _optimizer._compile.cache_info
    walk(first := parameters(), tt.Adam(first, 0.1, compiled=True), steps=2)
    before = compiled().misses
    walk(again := parameters(), tt.Adam(again, 0.3, compiled=True), steps=40)
    other = [torch.nn.Parameter(torch.ones(n, dtype=torch.float64)) for n in (2, 3, 300, 1000)]
    walk(other, tt.Adam(other, 0.1, compiled=True), steps=3)
    assert compiled().misses == before > 0


@pytest.mark.parametrize("first", [False, True], ids=["uncompiled first", "compiled first"])
def test_a_state_saved_by_one_way_of_running_continues_in_the_other(first, tmp_path):
    straight = parameters()
    walk(straight, tt.AdamW(straight, 0.1), steps=20)
    half = parameters()
    optimizer = tt.AdamW(half, 0.1, compiled=first)
    walk(half, optimizer, steps=10)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    resumed = tt.AdamW(half, 0.5, compiled=not first)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    walk(half, resumed, steps=10, start=10)
    assert_same(half, straight, 1e-12)
    assert all(resumed.state[p]["m"].shape == p.shape for p in half)


def test_schedulers_and_copies():
    p = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = tt.GradientDescent([p], 0.1, compiled=True)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(3):
        p.grad = torch.ones_like(p)
        optimizer.step()
        schedule.step()
    assert p.tolist() == pytest.approx([1 - 0.1 - 0.05 - 0.025] * 3, abs=1e-15)
    assert copy.deepcopy(optimizer).compiled


def test_a_rule_that_is_not_elementwise_sees_whole_tensors(small_blocks):
    class Normalized(tt.Momentum):
        elementwise = False

        def update(self, params, grads, v, *, lr, rho):
            torch._foreach_add_(params, torch._foreach_div(grads, torch._foreach_norm(grads)), alpha=-lr)

    p = torch.nn.Parameter(torch.zeros(10, 10, dtype=torch.float64))
    p.grad = torch.ones_like(p)
    Normalized([p], 1.0).step()
    assert float(p.detach().norm()) == pytest.approx(1)
    with pytest.raises(ValueError, match="compiled must be False for Normalized, got True"):
        Normalized([p], 1.0, compiled=True)


def test_without_a_compiler_a_warning_and_the_same_numbers(tmp_path):
    code = """
import warnings, torch, thalweg.torch as tt
p, q = (torch.nn.Parameter(torch.ones(5)) for _ in range(2))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    optimizer, other = tt.Adam([p], 0.1, compiled=True), tt.Adam([q], 0.1)
    for _ in range(3):
        p.grad, q.grad = torch.ones(5), torch.ones(5)
        optimizer.step(), other.step()
assert torch.equal(p, q)
print(*[w.message for w in told if w.category is RuntimeWarning], sep="\\n")
"""
    environment = os.environ | {"CXX": "/no/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("compiled=True runs uncompiled, nothing can be compiled here")
    assert done.stdout.count("\n") == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", THEIRS)
def test_on_a_gpu(name):
    ours, theirs = ([torch.nn.Parameter(p.detach().cuda()) for p in parameters()] for _ in range(2))
    for params, optimizer in ((ours, getattr(tt, name)(ours, 0.1, compiled=True)), (theirs, THEIRS[name](theirs, 0.1))):
        for t in range(10):
            for p in params:
                p.grad = torch.sin(p.detach() * t)
            optimizer.step()
    assert_same(ours, theirs, 1e-12)
