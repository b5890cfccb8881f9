"""The floors of the house: who may import whom, and what the bare package needs."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

LIB = Path(__file__).parents[1] / "lib" / "thalweg"

# room -> the rooms of this package that it may import; arrows never run up
MAY_IMPORT = {
    "numpy": {"numpy"},
    "torch": {"torch", "numpy", "data", "minimize"},
    "surfaces": set(),
    "data": set(),
    "minimize": set(),
    "landscape": {"numpy", "data", "minimize", "surfaces"},
    "figures": {"surfaces", "minimize"},
    "exercises": {"exercises", "numpy", "surfaces", "minimize", "data"},
    "site": {"site", "exercises", "numpy", "torch"},
    "course": {"course", "exercises", "data", "minimize", "surfaces"},
    "__main__": {"course"},
}


def room_of(path):
    part = path.relative_to(LIB).parts[0]
    return part.removesuffix(".py")


def imported_rooms(path):
    """The rooms of this package that the file imports, also inside functions and relatively."""
    package = ["thalweg", *path.relative_to(LIB).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "thalweg" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1]


@pytest.mark.parametrize("path", sorted(LIB.rglob("*.py")), ids=lambda path: str(path.relative_to(LIB)))
def test_no_arrow_runs_up(path):
    room = room_of(path)
    if room == "__init__":
        assert set(imported_rooms(path)) == set()
    else:
        assert set(imported_rooms(path)) <= MAY_IMPORT[room]


def test_the_references_half_needs_numpy_alone():
    """What runs in a browser imports nothing outside the standard library but numpy; not even when an answer is checked."""
    code = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {*sys.stdlib_module_names, "numpy", "thalweg"} and not top.startswith("_"):
            raise ImportError(f"{name} is not part of the bare package")
sys.meta_path.insert(0, Refuse())
import thalweg.data, thalweg.minimize, thalweg.numpy, thalweg.surfaces
from thalweg.exercises import check, key, verdict
check("momentum.heavy_ball", lambda theta, grad, v, lr, rho: (theta - lr * (rho * v + grad), rho * v + grad))
assert verdict("momentum.velocity", key("momentum.velocity").reference).points == 3
thalweg.data.digits()
thalweg.minimize.minimize(thalweg.numpy.Momentum(), thalweg.surfaces.bowl(), steps=3)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 points" in done.stdout


@pytest.mark.parametrize("room", ["numpy", "torch"])
def test_a_room_offers_what_its_modules_do_and_no_name_twice(room):
    package = import_module(f"thalweg.{room}")
    modules = [import_module(f"thalweg.{room}.{path.stem}") for path in (LIB / room).glob("[a-z]*.py")]
    offered = [name for module in modules for name in module.__all__]
    assert len(offered) == len(set(offered))
    assert set(offered) <= set(package.__all__)
    for module in modules:
        for name in module.__all__:
            assert getattr(package, name).__module__ == module.__name__
