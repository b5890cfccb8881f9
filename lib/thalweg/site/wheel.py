"""The library's wheel for the browser: the parts that run there, and a word where PyTorch would be."""

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import version
from pathlib import Path

from . import run

NO_TORCH = '''"""Stands where PyTorch would be."""

raise ModuleNotFoundError(
    "PyTorch does not run in a browser. Download this notebook (File > Download) and open it on your own machine, "
    "where PyTorch is installed."
)
'''
METADATA = "Metadata-Version: 2.1\nName: thalweg\nVersion: {}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: thalweg.site.wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path) -> Path:
    """Write the library's wheel for the browser, with the same bytes for the same sources; ``import torch`` says what to do instead."""
    path = folder / f"thalweg-{version('thalweg')}-py3-none-any.whl"
    run.pack(path)
    about = f"thalweg-{version('thalweg')}.dist-info"
    added = {
        "torch.py": NO_TORCH,
        "thalweg/torch.py": "import torch\n",
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
