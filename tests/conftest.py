"""What all tests share: a missing part of the machine is a loud skip, and with CI=true a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright

os.environ["COLUMNS"] = "200"  # rich reads it once, when the command line is imported: no table is wrapped in a test
settings.register_profile("thalweg", deadline=None)  # a busy machine is no failure
settings.load_profile("thalweg")
ROOT = Path(__file__).resolve().parent.parent
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP\\ *\\ ~NOTFOUND\\ ,\\ EXCLUDE\\ 127.0.0.1"
)


def missing(what: str, remedy: str) -> None:
    """Skip the test that needs ``what``; fail it where everything has to be there."""
    message = f"{what} is missing. {remedy}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    missing("a Chromium", "Run as root: apt-get install -y chromium")
    raise AssertionError("not reached")


@pytest.fixture(scope="session")
def browser(chromium):
    """Headless Chromium; every host but this machine is unknown to it."""
    with sync_playwright() as playwright:
        flags = [flag.replace("\\ ", " ") for flag in FLAGS.replace("\\ ", "\0").split(" ")]
        browser = playwright.chromium.launch(executable_path=chromium, args=[f.replace("\0", " ") for f in flags])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """What confines submissions."""
    if shutil.which("bwrap") is None:
        missing("bubblewrap", "Run as root: apt-get install -y bubblewrap")


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder with PostgreSQL's programs. Debian keeps them off the PATH, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if elsewhere := shutil.which("initdb"):
        found.append(Path(elsewhere))
    if not found:
        missing("PostgreSQL", "Run as root: apt-get install -y postgresql")
    return found[-1].parent


@pytest.fixture(scope="session")
def site() -> Path:
    """The built website."""
    html = ROOT / "_build/html"
    if not (html / "chapters/index.html").exists():
        missing("the built website", "Run: make site")
    return html


@pytest.fixture(scope="session")
def releases() -> Path:
    """The course folder in which every assignment was released."""
    course = ROOT / "_build/course"
    if not (course / "release").exists():
        missing("the release of the assignments", "Run: make release")
    return course


@pytest.fixture(scope="session")
def printed() -> Path:
    """The printed book. Without LaTeX there is none, also where everything else has to be there: it is a large installation."""
    pdf = ROOT / "_build/pdf/thalweg.pdf"
    if subprocess.run([ROOT / "lib/latex.sh", "--check"], check=False).returncode:
        pytest.skip("LaTeX is missing. Run: make pdf")
    if not pdf.exists():
        missing("the printed book", "Run: make pdf")
    return pdf


@pytest.fixture(scope="session")
def pyodide() -> Path:
    """The folder with the Python that runs in a browser."""
    folder = ROOT / "_build/test-pyodide"
    if not (folder / "pyodide.js").exists():
        missing("Python for the browser", "Run: make _build/test-pyodide/.ready")
    return folder
