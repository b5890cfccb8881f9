"""Collect the Python that runs in the site's pages: Pyodide's core from npm, and NumPy's wheel for it.

    python lib/web/pyodide.py TARGET [--for-tests]

Every file is held against its sha256 in ``run.json``, where NumPy's is the one of Pyodide's own lock file. A site takes the wheel from
Pyodide's address on the web. The tests take the same bytes from a package on PyPI that carries them, so they need no other host.
"""

import argparse
import base64
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CARRIER = "gbdraw==0.14.2"  # for the tests alone


def from_pypi(name: str) -> bytes:
    """The file called ``name`` out of the package that carries it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--dest", folder, CARRIER], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
            (path,) = (path for path in archive.namelist() if path.endswith(f"/{name}"))
            return archive.read(path)


def sources(name: str, cdn: str, there: Path, for_tests: bool) -> Iterator[bytes]:
    """The file called ``name`` from wherever it may be: already in its place, from npm, or from the web."""
    if there.exists():
        yield there.read_bytes()
    core = HERE / "node_modules/pyodide" / name
    if core.exists():
        yield core.read_bytes()
    elif for_tests:
        yield from_pypi(name)
    else:
        try:
            with urllib.request.urlopen(cdn + name, timeout=120) as answer:
                yield answer.read()
        except OSError as error:
            sys.exit(
                f"{cdn}{name} cannot be reached ({error}). Where this machine has no access to it, put the file at {there}."
            )


def main() -> None:
    """Fill TARGET, or end with what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--for-tests", action="store_true")
    options = parser.parse_args()
    pinned = json.loads((HERE.parent / "thalweg/site/static/run.json").read_text())
    options.target.mkdir(parents=True, exist_ok=True)
    for name, wanted in pinned["files"].items():
        there = options.target / name
        for raw in sources(name, pinned["cdn"], there, options.for_tests):
            found = "sha256-" + base64.b64encode(hashlib.sha256(raw).digest()).decode()
            if found == wanted["integrity"]:
                there.write_bytes(raw)
                break
        else:
            sys.exit(f"{name}: expected {wanted['integrity']}, got {found}")


if __name__ == "__main__":
    main()
