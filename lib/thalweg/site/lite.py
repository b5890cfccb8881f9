"""The assignments in JupyterLite: a folder ``lite/`` of the site, where each of them opens as a notebook that runs in the browser.

    python -m thalweg.site.lite

The kernel's Python is the pinned one of ``run.json``; with it come the wheels of ``lib/web/wheels.txt`` and one of this library, from
the site itself. They are listed in a lock file, against which Pyodide verifies what it loads.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from . import run
from .wheel import wheel

SITE = Path("_build/html/lite")
WORK = Path("_build/lite")  # JupyterLite's own files from build to build
WHEELS = Path("_build/wheels")
EXTENSION = Path(sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
KERNEL_WHEELS = ("ipykernel", "piplite", "pyodide_kernel")
# What the kernel would else install from a package index, one after the other. SQLite, for IPython's history, is left out.
PRELOADED = ["micropip", "piplite", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython"]
PREFERENCES = {
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # light or dark, as the reader's system is
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 10},  # seconds
}


def lock(wheels: list[Path], address: str) -> dict[str, Any]:
    """Pyodide's own lock file less its packages, but for NumPy, which comes from ``address``; and the wheels."""
    official = json.loads(Path("lib/web/node_modules/pyodide/pyodide-lock.json").read_text(encoding="utf-8"))
    numpy = official["packages"]["numpy"]
    packages = {"numpy": numpy | {"file_name": address + numpy["file_name"]}}
    for path in wheels:
        name, its_version, _, _ = parse_wheel_filename(path.name)
        packages[name] = {
            "name": name,
            "version": str(its_version),
            "file_name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "install_dir": "site",
            "package_type": "package",
            "imports": [],
            "depends": [],
            "unvendored_tests": False,
        }
    return {"info": official["info"], "packages": packages}


def python(folder: Path, offline: bool) -> None:
    """Fill ``folder`` with what the kernel starts from: a loader of Pyodide, where it comes from, the wheels, their lock file."""
    pinned = json.loads((run.STATIC / "run.json").read_text(encoding="utf-8"))
    address = "../../_static/pyodide/" if offline else pinned["cdn"]
    folder.mkdir()
    shutil.copy(run.STATIC / "lite.js", folder / "pyodide.js")
    for script in ("pinned.js", "lite-page.js"):
        shutil.copy(run.STATIC / script, folder)
    sources = [WHEELS.glob("*.whl"), *(EXTENSION.glob(f"static/pypi/{name}-*.whl") for name in KERNEL_WHEELS)]
    for path in chain.from_iterable(sources):
        shutil.copy(path, folder)
    wheel(folder)
    (folder / "runtime.json").write_text(json.dumps({"address": address, "files": pinned["files"]}))
    (folder / "pyodide-lock.json").write_text(json.dumps(lock(sorted(folder.glob("*.whl")), address), indent=1))


def name_kernel(extension: Path) -> None:
    """Call the kernel what a notebook's metadata calls it, so that a notebook leaves the browser as it came.

    Raises ValueError where the extension does not name it as expected: a newer one may do without this.
    """
    given, wanted = '{name:"python",display_name:"Python (Pyodide)"', '{name:"python3",display_name:"Python 3"'
    named = [path for path in extension.glob("static/*.js") if given in path.read_text(encoding="utf-8")]
    if len(named) != 1:
        raise ValueError(f"{extension} was to have one script with {given}, and has {len(named)}")
    named[0].write_text(named[0].read_text(encoding="utf-8").replace(given, wanted), encoding="utf-8")


def explain(page: Path) -> None:
    """Let JupyterLite's page say in words that Python could not be loaded. Raises ValueError where the page has no head as expected."""
    head = '<meta charset="utf-8" />'
    text = page.read_text(encoding="utf-8")
    if text.count(head) != 1:
        raise ValueError(f"{page} was to have one {head}")
    page.write_text(text.replace(head, f'{head}<script src="../pyodide/lite-page.js"></script>'), encoding="utf-8")


def main() -> None:
    """Build the folder anew. Raises FileNotFoundError where a part was not made before."""
    notebooks = sorted(run.ASSIGNMENTS.glob("*/*.ipynb"))
    for found, what, remedy in [
        (notebooks, run.ASSIGNMENTS, "release"),
        (list(WHEELS.glob("*.whl")), WHEELS, f"{WHEELS}/.ready"),
    ]:
        if not found:
            raise FileNotFoundError(f"there is nothing in {what}; run: make {remedy}")
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    (WORK / "contents").mkdir(parents=True)
    for notebook in notebooks:
        shutil.copy(notebook, WORK / "contents")
    kernel = {
        "pyodideUrl": "./pyodide/pyodide.js",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": PRELOADED},
    }
    data = {
        "appName": "Thalweg",
        "appUrl": "./tree",
        "faviconUrl": "./tree/favicon.ico",
        "defaultKernelName": "python3",
        # it would stand between every page and the site, for files and input() that no assignment asks for
        "disabledExtensions": [
            "@jupyterlite/application-extension:service-worker-manager",
            "@jupyter-notebook/notebook-extension:trusted",  # every notebook here would be "Not Trusted"
        ],
        "litePluginSettings": {KERNEL: kernel},
    }
    (WORK / "jupyter-lite.json").write_text(
        json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": data}, indent=1)
    )
    settings = {
        "apps": ["notebooks", "tree"],
        "contents": ["contents"],
        "federated_extensions": [str(EXTENSION)],
        "ignore_sys_prefix": ["federated_extensions"],  # what else is installed here has no place in it
        "no_libarchive": True,
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        "output_dir": str(SITE.resolve()),
    }
    (WORK / "overrides.json").write_text(json.dumps(PREFERENCES))
    (WORK / "jupyter_lite_config.json").write_text(
        json.dumps({"LiteBuildConfig": settings, "Application": {"log_level": "WARN"}})
    )
    subprocess.run([sys.executable, "-m", "jupyterlite_core", "build"], cwd=WORK, check=True, stdout=subprocess.DEVNULL)
    name_kernel(SITE / "extensions/@jupyterlite/pyodide-kernel-extension")
    explain(SITE / "notebooks/index.html")
    python(SITE / "pyodide", bool(os.environ.get("OFFLINE")))


if __name__ == "__main__":
    main()
