"""An answer is one's own: where it is graded, the library's methods are not there, and ``check`` says so before."""

import builtins

import pytest

from thalweg.exercises import check, grade, verdict
from thalweg.exercises.own import HIDDEN, TORCH, without

HB = "momentum.heavy_ball"


def own(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * v, v


def with_the_librarys(theta, grad, v, lr, rho):
    from thalweg.numpy import Momentum

    return Momentum(lr, rho).step(theta, grad, v)


def with_torch(theta, grad, v, lr, rho):
    import torch

    v = torch.add(torch.from_numpy(grad.copy()), torch.from_numpy(v.copy()), alpha=rho)
    return theta - lr * v.numpy(), v.numpy()


def test_ones_own_answer_is_judged_as_ever(capsys):
    check(HB, own)
    assert "3 of 3" in capsys.readouterr().out
    assert grade(HB, own) == 3


@pytest.mark.parametrize("answer, what", [(with_the_librarys, "thalweg.numpy.momentum."), (with_torch, "torch")])
def test_an_answer_that_calls_the_library_earns_nothing_and_is_told_why(capsys, answer, what):
    assert verdict(HB, answer).points == 3
    check(HB, answer)
    said = capsys.readouterr().out
    assert "0 of 3" in said and f"It calls {what}" in said and "has to be your own" in said


@pytest.mark.parametrize(
    "line",
    ["import thalweg.numpy", "from thalweg import numpy", "from thalweg.numpy.momentum import Momentum", "import torch",
     "from thalweg.exercises.keys import momentum"],
)  # fmt: skip
def test_a_notebook_cannot_import_what_grading_has_not(monkeypatch, line):
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)  # put back at the end
    without(*HIDDEN, *TORCH)
    with pytest.raises(ModuleNotFoundError, match="answers are to be your own"):
        exec(line, {"__name__": "__main__"})
    exec(line, {"__name__": "thalweg.exercises.keys.momentum"})
    exec("import numpy, thalweg.data; from thalweg import surfaces", {"__name__": "__main__"})
