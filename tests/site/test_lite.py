"""Assignments open in JupyterLite: a real browser solves one, downloads it, and what it downloads is graded."""

import base64
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from packaging.utils import parse_wheel_filename
from playwright.sync_api import expect
from typer.testing import CliRunner

from thalweg.course.cli import app
from thalweg.exercises import topics
from thalweg.site import lite, notebooks, run

ROOT = Path(__file__).parents[2]
PINNED = json.loads((run.STATIC / "run.json").read_text())
OFFICIAL = json.loads((ROOT / "lib/web/node_modules/pyodide/pyodide-lock.json").read_text())["packages"]
SLOW = 90_000  # milliseconds; Python starts in ten seconds on an idle machine
WRONG = "def heavy_ball(theta, grad, v, lr, rho):\n    v = rho * v + grad\n    return theta + lr * v, v"
RIGHT = WRONG.replace("theta +", "theta -")


@pytest.fixture(scope="module")
def below(site, serve, tmp_path_factory):
    """The site's address on this machine, below a folder of its host, as project pages have it."""
    host = tmp_path_factory.mktemp("host")
    (host / "thalweg").symlink_to(site)
    return f"{serve(host)}thalweg/"


@pytest.fixture
def lab(browser, below, pyodide):
    """Open a chapter's assignment from the chapter, with everything that went wrong; Pyodide's own address is played by this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    allowed = {"Access-Control-Allow-Origin": "*"}
    context.route(
        f"{PINNED['cdn']}*",
        lambda route: route.fulfill(path=pyodide / route.request.url.rpartition("/")[2], headers=allowed),
    )
    troubles = []
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    context.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    context.on(
        "response",
        lambda r: troubles.append(f"{r.status}: {r.url}") if r.status >= 400 and "favicon" not in r.url else None,
    )
    # Chromium asks each host for an icon, where a page has not named one yet
    near = (below, PINNED["cdn"], "data:", "blob:", below.replace("thalweg/", "favicon.ico"))
    context.on("request", lambda r: None if r.url.startswith(near) else troubles.append(r.url))

    def open_page(topic, name=None, body=None):
        if name:  # the file of that name arrives with another content
            context.route(f"**/{name}*", lambda route: route.fulfill(body=body, headers=allowed))
        page = context.new_page()
        page.goto(f"{below}chapters/{topic}.html")
        page.get_by_role("article").get_by_role("link", name=notebooks.LINK).click()
        expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python 3")  # before, a cell cannot be run
        return page, troubles

    yield open_page
    expect.set_options(timeout=5000)
    context.close()


def cell(page, text):
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea", has_text=text)).first


def execute(page, text, new=None):
    """Run the cell with ``text``, with ``new`` in its place where it is given; its output."""
    chosen = cell(page, text)
    chosen.locator(".cm-content").click()
    if new:
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(new)
    page.keyboard.press("Control+Enter")
    return chosen.locator(".jp-OutputArea-output")


@pytest.mark.browser
def test_an_assignment_is_solved_downloaded_and_graded(lab, tmp_path):
    page, troubles = lab("momentum")
    execute(page, "import numpy")
    execute(page, "def heavy_ball", WRONG)
    output = execute(page, 'check("momentum.heavy_ball"')
    expect(output).to_contain_text("It behaves like a known mistake: the step goes uphill.")
    expect(output).to_contain_text("Hint: ")
    execute(page, "def heavy_ball", RIGHT)
    expect(execute(page, 'check("momentum.heavy_ball"')).to_contain_text("✔ heavy_ball: 3 of 3 points")

    # what a student adds may ask for PyTorch
    expect(execute(page, "def velocity", "from thalweg.torch import Adam\ndef velocity(): ...")).to_contain_text(
        "PyTorch does not run in a browser."
    )

    page.get_by_role("menuitem", name="File").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download").click()
    assert download.value.suggested_filename == "momentum.ipynb"
    handed_in = tmp_path / "class/asilva/momentum.ipynb"
    download.value.save_as(handed_in)
    page.reload()
    expect(cell(page, "def heavy_ball").locator(".cm-content")).to_contain_text("theta - lr * v")
    assert troubles == []

    released = nbformat.read(ROOT / run.ASSIGNMENTS / "momentum/momentum.ipynb", 4)
    downloaded = nbformat.read(handed_in, 4)
    assert {key: downloaded.metadata[key] for key in released.metadata} == released.metadata
    for was, now in zip(released.cells, downloaded.cells, strict=True):
        assert (now.id, now.cell_type) == (was.id, was.cell_type)
        assert now.metadata.get("nbgrader") == was.metadata.get("nbgrader")

    def command(*words):
        done = CliRunner().invoke(app, [*map(str, words), "--course", str(tmp_path / "course")])
        assert done.exit_code == 0, done.output
        return done.stdout

    command("release", "momentum", "--solutions", ROOT / "solutions")
    command("collect", tmp_path / "class", "momentum")
    (graded,) = json.loads(command("grade", "momentum", "--trust-submissions", "--json"))[0]["outcomes"]
    assert (graded["student"], graded["points"], graded["remarks"]) == ("asilva", 3, [])


@pytest.mark.browser
@pytest.mark.parametrize(
    "file, trouble", [("python_stdlib.zip", "Failed to fetch"), ("ipython-9*.whl", "No module named 'IPython'")]
)
def test_a_file_that_is_not_the_pinned_one_is_not_used(lab, site, pyodide, file, trouble):
    (path,) = [*pyodide.glob(file), *(site / "lite/pyodide").glob(file)]
    page, troubles = lab("momentum", path.name, path.read_bytes() + b"\n")  # still a file that can be unpacked
    with page.context.expect_event("weberror"):
        execute(page, "import numpy")
    assert trouble in troubles[0]
    if file in PINNED["files"]:  # what comes from elsewhere
        said = page.get_by_role("alert")
        expect(said).to_contain_text("Python could not be loaded")
        expect(said).to_contain_text("Nothing that you typed is lost")
        said.get_by_role("button", name="Close").click()
        expect(said).to_have_count(0)


def test_what_the_kernel_loads_is_listed_with_its_sha256(site):
    folder = site / "lite/pyodide"
    listed = json.loads((folder / "pyodide-lock.json").read_text())["packages"]
    numpy = listed.pop("numpy")
    assert numpy["sha256"] == OFFICIAL["numpy"]["sha256"]
    assert numpy["file_name"].endswith("/" + OFFICIAL["numpy"]["file_name"])
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.whl")}
    assert {package["file_name"]: package["sha256"] for package in listed.values()} == found
    assert {*lite.PRELOADED, "thalweg"} - {"sqlite3"} <= {name.replace("-", "_") for name in listed}
    runtime = json.loads((folder / "runtime.json").read_text())
    assert runtime["files"] == PINNED["files"]
    assert runtime["address"] in (PINNED["cdn"], "../../_static/pyodide/")

    text = (ROOT / "lib/web/wheels.txt").read_text()
    pinned = re.findall(r"^(\S+)==(\S+) --hash=sha256:(\w+)$", text, re.MULTILINE)
    assert len(pinned) == len([line for line in text.splitlines() if "==" in line])
    for name, version, digest in pinned:
        assert listed[name]["sha256"] == digest
        assert OFFICIAL.get(name, {"version": version})["version"] == version


def test_the_librarys_wheel_is_the_same_at_each_build(tmp_path):
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
    path = lite.wheel(once)
    assert path.read_bytes() == lite.wheel(again).read_bytes()
    assert parse_wheel_filename(path.name)[0] == "thalweg"
    with zipfile.ZipFile(path) as archive:
        record = [line.split(",") for line in archive.read(archive.namelist()[-1]).decode().splitlines()]
        assert [name for name, _, _ in record] == archive.namelist()
        for name, digest, size in record[:-1]:
            raw = archive.read(name)
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
            assert int(size) == len(raw)


def test_every_assignment_is_there_as_released_and_needs_what_is_there(site):
    for topic in topics():
        notebook = site / f"lite/files/{topic}.ipynb"
        assert notebook.read_bytes() == (ROOT / run.ASSIGNMENTS / topic / notebook.name).read_bytes()
        code = "\n".join(cell.source for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code")
        imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE))
        assert imported - sys.stdlib_module_names <= {"numpy", "thalweg"}


@pytest.mark.parametrize("topic", topics())
def test_a_chapter_has_a_button_that_opens_its_assignment(site, topic):
    html = (site / f"chapters/{topic}.html").read_text()
    (link,) = re.findall(rf'href="([^"]+)"[^>]*title="{notebooks.LINK}"', html)
    path, _, query = link.partition("?")
    assert (site / "chapters" / path).is_file()
    assert (site / "lite/files" / query.removeprefix("path=")).is_file()


def test_a_kernel_of_another_name_is_an_error(tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static/1.js").write_text('{name:"python",display_name:"Another"')
    with pytest.raises(ValueError, match="was to have one script"):
        lite.name_kernel(tmp_path)


def test_a_page_of_another_form_is_an_error(tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<html></html>")
    with pytest.raises(ValueError, match="was to have one <meta"):
        lite.explain(page)


def test_what_was_not_made_before_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="make release"):
        lite.main()
