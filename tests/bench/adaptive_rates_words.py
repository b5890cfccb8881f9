"""Rare features: AdaGrad and gradient descent on bags of words, as they are and rotated.

From which of 20 modules of the standard library is a docstring? Logistic regression on which of the 2,000 most frequent words it has, half of
them dropped in each update, 64 docstrings an update, 400 updates. In the second setting the words are replaced by mixtures of them, a fixed rotation, which
loses nothing. Seeds 5 and 6 serve to choose the rate, 0 to 4 to report. Takes about three minutes.

    python tests/bench/adaptive_rates_words.py
"""

import ast
import csv
import re
import sysconfig
from collections import Counter
from pathlib import Path

import torch

MODULES = [
    "asyncio",
    "collections",
    "datetime",
    "doctest",
    "email",
    "http",
    "importlib",
    "inspect",
    "ipaddress",
    "logging",
    "multiprocessing",
    "statistics",
    "tarfile",
    "threading",
    "turtle",
    "typing",
    "unittest",
    "urllib",
    "xml",
    "_pydecimal",
]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
RATES = {"gradient descent": (0.3, 1.0, 3.0, 10.0, 30.0), "AdaGrad": (0.03, 0.1, 0.3, 1.0, 3.0)}
UPDATES, BATCH = 400, 64


def docstrings(module):
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted((library / module).rglob("*.py")) or [library / f"{module}.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
                yield set(re.findall("[a-z]{2,}", text.lower()))


def bags():
    texts = [(label, words) for label, module in enumerate(MODULES) for words in docstrings(module)]
    counts = sorted(Counter(w for _, words in texts for w in words).items(), key=lambda c: (-c[1], c[0]))[:2000]
    at = {word: i for i, (word, _) in enumerate(counts)}
    x = torch.zeros(len(texts), len(at))
    for row, (_, words) in enumerate(texts):
        x[row, [at[word] for word in words if word in at]] = 1
    return x, torch.tensor([label for label, _ in texts])


def train(x, labels, rotation, seed):
    """The mean cost of the last 50 updates, by method and rate; all of them see the same inputs."""
    noise = torch.Generator().manual_seed(seed)
    lr = torch.tensor(list(RATES.values()))[..., None, None]
    w, b = torch.zeros(*lr.shape[:2], x.shape[1], len(MODULES)), torch.zeros(*lr.shape[:2], 1, len(MODULES))
    sums, last = [torch.zeros_like(p[1]) for p in (w, b)], []
    for _ in range(UPDATES):
        rows = torch.randint(len(x), (BATCH,), generator=noise)
        some = x[rows] * 2 * (torch.rand(BATCH, x.shape[1], generator=noise) < 0.5)
        some = some @ rotation if rotation is not None else some
        p = torch.softmax(some @ w + b, dim=-1)
        last.append(-p[..., range(BATCH), labels[rows]].clamp(min=1e-30).log().mean(dim=-1))
        p[..., range(BATCH), labels[rows]] -= 1
        for parameter, g, s in zip((w, b), (some.T @ p / BATCH, p.mean(dim=-2, keepdim=True)), sums, strict=True):
            s.addcmul_(g[1], g[1])
            parameter[0] -= lr[0] * g[0]
            parameter[1] -= lr[1] * g[1] / (s.sqrt() + 1e-10)
    return torch.stack(last[-50:]).mean(dim=0)


def main() -> None:
    torch.set_num_threads(1)
    x, labels = bags()
    rotation = torch.linalg.qr(torch.randn(x.shape[1], x.shape[1], generator=torch.Generator().manual_seed(0)))[0]
    print(x.shape, flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        file.write(f"# made by adaptive_rates_words.py from {len(x)} docstrings\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["inputs", "method", "rate", "seed", "cost"])
        for inputs, turn in (("words", None), ("rotated", rotation)):
            for seed in range(7):
                found = train(x, labels, turn, seed)
                for i, (name, rates) in enumerate(RATES.items()):
                    for rate, cost in zip(rates, found[i], strict=True):
                        table.writerow([inputs, name, rate, seed, f"{cost:.4g}"])
                print(inputs, seed, found.numpy().round(3), flush=True)


if __name__ == "__main__":
    main()
