"""How long a step takes: the book's optimizers, run in each of their ways, against torch.optim's.

All variants of a method take their steps in turn, in one process and on one thread; what is compared is the shortest step of each, as
other programs on the machine only ever make a step longer. Every variant has its own parameters and fixed gradients.

    python tests/bench/optimizers.py --rounds 100 --only Adam
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import thalweg.numpy as tn
import thalweg.torch as tt

LAYOUTS = [(20, 500_000), (200, 50_000)]  # tensors, elements of each
METHODS: dict[str, Callable] = {
    "GradientDescent": lambda params, **how: torch.optim.SGD(params, 0.01, **how),
    "Momentum": lambda params, **how: torch.optim.SGD(params, 0.01, momentum=0.9, **how),
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "AdaMax": torch.optim.Adamax,
    "Rprop": torch.optim.Rprop,
    "AdaGrad": torch.optim.Adagrad,
    "RMSProp": torch.optim.RMSprop,
    "AdaDelta": torch.optim.Adadelta,
}
_FUSED = {"GradientDescent", "Momentum", "Adam", "AdamW"}  # what torch.optim has in one pass
FUSED = {"cpu": _FUSED | {"AdaGrad"}, "cuda": _FUSED}
WARM_UP = 3  # the first steps allocate the state, and compile


def torch_variants(name: str, count: int, size: int, device: str) -> dict[str, Callable[[], object]]:
    def made() -> list[torch.nn.Parameter]:
        params = [torch.nn.Parameter(torch.randn(size, device=device)) for _ in range(count)]
        for p in params:
            p.grad = torch.randn(size, device=device)
        return params

    theirs, ours = METHODS[name], getattr(tt, name)
    fused = {"torch.optim fused": theirs(made(), fused=True).step} if name in FUSED[device] else {}
    return fused | {
        "torch.optim foreach": theirs(made(), foreach=True).step,
        "torch.optim single": theirs(made(), foreach=False).step,
        "thalweg.torch compiled": ours(made(), compiled=True).step,
        "thalweg.torch": ours(made()).step,
    }


def numpy_variants(name: str, count: int, size: int) -> dict[str, Callable[[], object]]:
    draw, optimizer = np.random.default_rng(0), getattr(tn, name)()
    thetas, grads = ([draw.standard_normal(size, dtype=np.float32) for _ in range(count)] for _ in range(2))
    states = [optimizer.init(theta) for theta in thetas]

    def step() -> None:
        for i, grad in enumerate(grads):
            thetas[i], states[i] = optimizer.step(thetas[i], grad, states[i])

    return {"thalweg.numpy": step}


def shortest(variants: dict[str, Callable[[], object]], rounds: int, device: str) -> dict[str, float]:
    """The shortest step of each in milliseconds, over so many rounds."""
    best = dict.fromkeys(variants, float("inf"))
    for round_ in range(WARM_UP + rounds):
        for name, step in variants.items():
            start = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            if round_ >= WARM_UP:
                best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, metavar="N", help="steps of each variant (default: 50)")
    parser.add_argument("--only", choices=METHODS, help="one method instead of all")
    parser.add_argument("--device", choices=["cpu", "cuda"], action="append", help="default: all there are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for device in options.device or ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        for count, size in LAYOUTS:
            where = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
            print(
                f"\n{count} tensors of {size:,} float32 parameters on {where}: shortest step in ms (times torch.optim's shortest)\n"
            )
            table = {}
            for name in [options.only] if options.only else METHODS:
                variants = torch_variants(name, count, size, device)
                if device == "cpu":
                    variants |= numpy_variants(name, count, size)
                table[name] = shortest(variants, options.rounds, device)
            best = {name: min(ms for variant, ms in t.items() if "torch.optim" in variant) for name, t in table.items()}
            print(f"{'':24}" + "".join(f"{name:>18}" for name in table))
            for variant in dict.fromkeys(variant for t in table.values() for variant in t):
                cells = (
                    f"{t[variant]:.2f} ({t[variant] / best[n]:.2f})" if variant in t else "" for n, t in table.items()
                )
                print(f"{variant:24}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
