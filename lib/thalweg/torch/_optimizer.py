"""What every PyTorch optimizer of the book shares, so that a topic writes its formula only: lists of tensors, and their speed."""

import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import torch
from torch import Tensor

BLOCK = 2**17  # elements: what one block of an uncompiled step holds; its temporaries stay in the processor's cache
FRACTION = 2.0**-62  # what the fraction of a number is counted in on its way into compiled code
BATCH = 8  # tensors: what one call of a compiled step takes; more make compiling slow, fewer make calling slow


class ListOptimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` whose rule is written once, on whole lists of tensors.

    A subclass names its state tensors in ``slots`` (each starts as zeros of its parameter's shape; ``kept`` is for others) and writes
    ``update(params, grads, *slots, **hyperparameters)`` in place with ``torch._foreach_*``, asking nothing of ``self``. With
    ``counts = True`` it is also told what ``at_step`` makes of the number of the step. ``twin`` is the NumPy class of the same name: it knows which
    hyperparameters are allowed. Parameters, groups, devices, schedulers and ``state_dict`` work as in ``torch.optim``. Parameters
    without a gradient are left alone.

    A rule is taken to treat every coordinate alike and apart from the others, so ``update`` may be handed pieces of the
    parameters, flattened. One that does not (it looks at a norm or a matrix) says ``elementwise = False`` and gets whole lists.

    ``compiled=True`` runs ``update`` through PyTorch's compiler: the same numbers up to rounding, one pass over the memory.
    The first step then takes some seconds, and so does the first with a new value of any hyperparameter but ``lr``; further
    optimizers of the class find it done. Where nothing can be compiled, say without a C++ compiler, a RuntimeWarning tells why and
    the steps run uncompiled. Raises ValueError for ``compiled=True`` if the rule is not elementwise.
    """

    slots: tuple[str, ...] = ()
    counts = False
    elementwise = True
    compiled = False
    twin: Any  # a dataclass
    update: Callable[..., None]  # one step on lists of tensors of matching shapes, in place

    def __init__(self, params: Iterable, *, compiled: bool = False, **hyperparameters: Any):
        if compiled and not self.elementwise:
            raise ValueError(
                f"compiled must be False for {type(self).__name__}, got {compiled!r}: it is not elementwise"
            )
        self.compiled = compiled
        super().__init__(params, hyperparameters)

    def __getstate__(self) -> dict[str, Any]:  # for pickle and deepcopy
        return super().__getstate__() | {"compiled": self.compiled}

    def at_step(self, t: int, **hyperparameters: Any) -> dict[str, float]:
        """What ``update`` is told besides the hyperparameters at step ``t`` (from 1). What is a power of ``t`` belongs here: it is
        worked out once a step, not once an element."""
        return {"t": t}

    def add_param_group(self, param_group: dict) -> None:
        """Add a group of parameters, with its own hyperparameters if wanted; they are checked. Raises ValueError for a bad one."""
        self.twin(**{name: param_group.get(name, self.defaults[name]) for name in self._names()})
        super().add_param_group(param_group)

    def _names(self) -> list[str]:
        """The hyperparameters' names. (``self.defaults`` holds torch's own as well once a state dict was loaded.)"""
        return [field.name for field in fields(self.twin)]

    def kept(self, **hyperparameters: Any) -> dict[str, float]:
        """The names of the state tensors, and the number that each is full of at first. Which there are may depend on hyperparameters."""
        return dict.fromkeys(self.slots, 0.0)

    def _slots_of(self, params: list[Tensor], **hyperparameters: Any) -> list[list[Tensor]]:
        kept = self.kept(**hyperparameters)
        for p in params:
            for slot, start in kept.items():
                if slot not in self.state[p]:
                    self.state[p][slot] = torch.full_like(p, start, memory_format=torch.preserve_format)
        return [[self.state[p][slot] for p in params] for slot in kept]

    def _by_step(self, params: list[Tensor]) -> Iterable[tuple[int, list[Tensor]]]:
        """The parameters that take the same step, together: one that had no gradient for a while is behind the others."""
        if not self.counts:
            return [(0, params)]
        steps = defaultdict(list)
        for p in params:
            self.state[p]["t"] = self.state[p].get("t", 0) + 1
            steps[self.state[p]["t"]].append(p)
        return steps.items()

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One step. ``closure``, if given, computes the loss and its gradients anew; its value is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyperparameters = {name: group[name] for name in self._names()}
            for t, params in self._by_step([p for p in group["params"] if p.grad is not None]):
                numbers = self.at_step(t, **hyperparameters) if self.counts else {}
                columns: Any = [params, [p.grad for p in params], *self._slots_of(params, **hyperparameters)]
                if self.compiled and params:
                    columns = self._run_compiled(columns, hyperparameters, numbers)
                for block in self._blocks(columns):
                    self.update(*block, **hyperparameters, **numbers)
        return loss

    def _blocks(self, columns: list[list[Tensor]]) -> Iterator[Iterable[list[Tensor]]]:
        """The columns (parameters, gradients, slots) cut into blocks of about ``BLOCK`` elements, or whole where that is no gain."""
        params = columns[0]
        if not params:
            return
        if not self.elementwise or params[0].device.type != "cpu" or sum(p.numel() for p in params) <= BLOCK:
            yield columns
            return
        block, elements = [], 0
        for row in zip(*columns, strict=True):
            pieces = zip(*(x.view(-1).split(BLOCK) for x in row), strict=True) if _flat(row) else [row]
            for piece in pieces:
                block.append(piece)
                elements += piece[0].numel()
                if elements >= BLOCK:
                    yield map(list, zip(*block, strict=True))
                    block, elements = [], 0
        if block:
            yield map(list, zip(*block, strict=True))

    def _run_compiled(
        self, columns: list[list[Tensor]], hyperparameters: dict[str, Any], numbers: dict[str, float]
    ) -> list[list[Tensor]]:
        """Step what can be stepped by compiled code; return the columns of what is left."""
        moving = {"lr": hyperparameters["lr"], **numbers}
        fixed = tuple((name, value) for name, value in hyperparameters.items() if name != "lr")
        kinds, left = defaultdict(list), []
        for row in zip(*columns, strict=True):
            # compiled code takes any size but 0 and 1, and counts in 32 bits on a GPU
            if 1 < row[0].numel() < 2**31 and _flat(row):
                kinds[row[0].device, tuple([x.dtype for x in row])].append(row)
            else:
                left.append(row)
        # A float would reach the compiled code as a float32; its whole part and its fraction, as integers, keep every digit.
        digits = [d for x in moving.values() for d in (math.floor(x), int((x - math.floor(x)) / FRACTION))]
        values = torch.tensor(digits, dtype=torch.int64)
        for (device, dtypes), rows in kinds.items():
            run = _compile(type(self), tuple(moving), fixed, device, dtypes)  # type: ignore[arg-type]
            if run is None:
                self.compiled = False
                return columns
            rows += [_fill(device, dtypes)] * (-len(rows) % BATCH)
            for i in range(0, len(rows), BATCH):
                run(values, *[x.flatten() for row in rows[i : i + BATCH] for x in row])
        return [list(column) for column in zip(*left, strict=True)] or [[]]


def _flat(row: tuple[Tensor, ...]) -> bool:
    return all([x.is_contiguous() for x in row])  # a list: this runs for every parameter in every step


def _fill(device: torch.device, dtypes: tuple[torch.dtype, ...]) -> tuple[Tensor, ...]:
    """What takes the place of a parameter, its gradient and its slots where a batch has too few."""
    return tuple(torch.zeros(2, dtype=dtype, device=device) for dtype in dtypes)


@cache  # one graph for all optimizers of a class
def _compile(
    rule: Any,  # the class
    moving: tuple[str, ...],
    fixed: tuple[tuple[str, Any], ...],
    device: torch.device,
    dtypes: tuple[torch.dtype, ...],
) -> Callable[..., None] | None:
    """``rule.update`` compiled for ``BATCH`` rows of flat tensors of any sizes; ``None``, with a warning, where that is impossible.

    The graph is traced and handed to the compiler here, not by ``torch.compile``: what that asks about its arguments at each call takes
    as long as the call, and is known from ``_run_compiled``.
    """

    import torch._inductor  # takes a second
    from torch.fx.experimental.proxy_tensor import make_fx

    def run(values, *tensors):
        digits = [values[i].item() for i in range(2 * len(moving))]
        numbers = {name: digits[2 * i] + digits[2 * i + 1] * FRACTION for i, name in enumerate(moving)}
        columns = [list(tensors[i :: len(dtypes)]) for i in range(len(dtypes))]
        rule.update(None, *columns, **numbers, **dict(fixed))
        return ()

    values = torch.ones(2 * len(moving), dtype=torch.int64)
    fill = [x for _ in range(BATCH) for x in _fill(device, dtypes)]
    try:
        with torch.fx.experimental._config.patch(use_duck_shape=False):  # type: ignore[attr-defined]  # equal sizes are chance
            graph = make_fx(run, tracing_mode="symbolic")(values, *fill)
        compiled = torch._inductor.compile(
            graph, [node.meta["val"] for node in graph.graph.nodes if node.op == "placeholder"]
        )
        compiled(values, *fill)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        warnings.warn(
            f"compiled=True runs uncompiled, nothing can be compiled here: {reason}", RuntimeWarning, stacklevel=2
        )
        return None
    return compiled  # type: ignore[return-value]
