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


def main() -> None:
    """Fill TARGET, or end with what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--for-tests", action="store_true")
    options = parser.parse_args()
    pinned = json.loads((HERE.parent / "thalweg/site/static/run.json").read_text())
    options.target.mkdir(parents=True, exist_ok=True)
    for name, wanted in pinned["files"].items():
        core = HERE / "node_modules/pyodide" / name
        if core.exists():
            raw = core.read_bytes()
        elif options.for_tests:
            raw = from_pypi(name)
        else:
            with urllib.request.urlopen(pinned["cdn"] + name, timeout=120) as answer:
                raw = answer.read()
        found = "sha256-" + base64.b64encode(hashlib.sha256(raw).digest()).decode()
        if found != wanted["integrity"]:
            sys.exit(f"{name}: expected {wanted['integrity']}, got {found}")
        (options.target / name).write_bytes(raw)


if __name__ == "__main__":
    main()
