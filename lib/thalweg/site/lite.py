"""The assignments in JupyterLite: a folder ``lite/`` of the site, where each of them opens as a notebook that runs in the browser.

    python -m thalweg.site.lite

builds the folder, after the book. As a Sphinx extension: ``{assignment}`momentum` `` is the link that opens it.

The kernel's Python is the pinned one of ``run.json``; with it come the wheels of ``lib/web/wheels.txt`` and one of this library, from
the site itself. They are listed in a lock file, against which Pyodide verifies what it loads.
"""

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docutils import nodes
from packaging.utils import parse_wheel_filename
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole

from thalweg.exercises import topics

from . import run

SITE = Path("_build/html/lite")
NOTEBOOKS = "lite/notebooks/index.html"
LINK = "Open the assignment in the browser"
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
NO_TORCH = '''"""Stands where PyTorch would be."""

raise ModuleNotFoundError(
    "PyTorch does not run in a browser. Download this notebook (File > Download) and open it on your own machine, "
    "where PyTorch is installed."
)
'''
METADATA = "Metadata-Version: 2.1\nName: thalweg\nVersion: {}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: thalweg.site.lite\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path) -> Path:
    """Write the library's wheel for the browser, with the same bytes for the same sources; ``import torch`` says what to do instead."""
    path = folder / f"thalweg-{version('thalweg')}-py3-none-any.whl"
    run.pack(path)
    about = f"thalweg-{version('thalweg')}.dist-info"
    added = {
        "torch.py": NO_TORCH,
        f"{about}/METADATA": METADATA.format(version("thalweg")),
        f"{about}/WHEEL": WHEEL,
    }
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in added.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
        record = io.StringIO()
        rows = csv.writer(record, lineterminator="\n")
        for name in archive.namelist():
            raw = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
            rows.writerow([name, f"sha256={digest}", len(raw)])
        rows.writerow([f"{about}/RECORD", "", ""])
        archive.writestr(zipfile.ZipInfo(f"{about}/RECORD"), record.getvalue(), zipfile.ZIP_DEFLATED)
    return path


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
    for path in [
        *WHEELS.glob("*.whl"),
        *(path for name in KERNEL_WHEELS for path in EXTENSION.glob(f"static/pypi/{name}-*.whl")),
    ]:
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


def main() -> None:
    """Build the folder anew."""
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    (WORK / "contents").mkdir(parents=True)
    for notebook in sorted(run.ASSIGNMENTS.glob("*/*.ipynb")):
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
        "disabledExtensions": ["@jupyterlite/application-extension:service-worker-manager"],
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
    python(SITE / "pyodide", bool(os.environ.get("OFFLINE")))


class AssignmentRole(ReferenceRole):
    """The link that opens an assignment in JupyterLite; on paper, its words."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Draw it. An unknown assignment is an error."""
        if self.target not in topics():
            message = f"there is no assignment {self.target!r}; there are {', '.join(topics())}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        words = self.title if self.has_explicit_title else LINK
        up = "../" * self.env.docname.count("/")
        link = f'<a class="reference external" href="{up}{NOTEBOOKS}?path={self.target}.ipynb">{words}</a>'
        return [nodes.raw("", link, format="html"), nodes.raw("", words, format="latex")], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("assignment", AssignmentRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    main()
