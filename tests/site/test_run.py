"""Exercises are solved in the page: a real browser loads Python from this machine, and judges answers without a server."""

import base64
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from files import read
from playwright.sync_api import expect

from thalweg.exercises import exercise, topics
from thalweg.site import run

ROOT = Path(__file__).parents[2]
PINNED = json.loads((run.STATIC / "run.json").read_text())
STUB = 'def heavy_ball(theta, grad, v, lr, rho):\n    """One step."""\n'


def box(page, name):
    return page.locator(f"#exercise-{name.replace('.', '-').replace('_', '-')} .tw-run")


def check(page, name, text):
    editor = box(page, name)
    editor.locator("textarea").fill(text)
    editor.get_by_role("button", name="Check").click()
    expect(editor.get_by_role("button", name="Stop")).to_be_hidden()
    return editor.locator(".tw-run-output").inner_text()


@pytest.mark.browser
def test_an_exercise_is_solved_in_the_page(chapter, runtime):
    page = chapter("momentum", runtime)
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith(runtime) else None)
    name = "momentum.heavy_ball"
    assert "There is no answer yet" in check(page, name, box(page, name).locator("textarea").input_value())
    wrong = check(page, name, STUB + "    v = rho * v + grad\n    return theta + lr * v, v")
    assert "0 of 3 points" not in wrong and "3 of 3" not in wrong
    assert page.evaluate("localStorage.getItem('thalweg-passed')") is None
    assert sorted(asked) == sorted(runtime + file for file in PINNED["files"]), "each file once"
    assert "Hint: " in wrong and "It behaves like a known mistake" in wrong
    right = check(page, name, STUB + "    v = rho * v + grad\n    return theta - lr * v, v")
    assert right.startswith("✔ heavy_ball: 3 of 3 points")
    assert page.evaluate("localStorage.getItem('thalweg-passed')") == '["momentum.heavy_ball"]'

    broken = check(page, name, "def heavy_ball(:")
    assert "SyntaxError" in broken and "answer.py" in broken
    assert "_pyodide" not in (broken + check(page, name, "1 / 0"))

    # an endless loop is stopped, and meanwhile the page scrolls
    editor = box(page, "momentum.velocity")
    editor.locator("textarea").fill("while True:\n    print('again')")
    editor.get_by_role("button", name="Check").click()
    expect(editor.locator(".tw-run-output")).to_contain_text("the rest of the output is not shown")
    page.evaluate("window.scrollTo(0, 0)")
    assert page.evaluate("window.scrollY") == 0
    expect(box(page, name).get_by_role("button", name="Check")).to_be_disabled()
    editor.get_by_role("button", name="Stop").click()
    expect(editor.locator(".tw-run-progress")).to_have_text("Stopped. The next run starts Python again.")
    assert len(editor.locator(".tw-run-output").inner_text()) < 60_000

    # what the other boxes had run is known again
    right = check(page, "momentum.velocity", "velocity = None; heavy_ball(np.ones(1), np.ones(1), np.ones(1), 1, 1)")
    assert "NameError" not in right and "not defined, or None" in right
    assert troubles == []


@pytest.mark.browser
def test_an_answer_outlives_the_page_until_one_starts_over(chapter):
    page = chapter("adam")
    text = box(page, "adam.after_restart").locator("textarea")
    stub = text.input_value()
    text.press("End")
    text.press("Enter")
    text.press_sequentially("if lr:")
    text.press("Enter")
    text.press_sequentially("pass")
    assert "if lr:\n    " in text.input_value()
    page.reload()
    assert text.input_value() != stub
    answer = text.input_value()
    box(page, "adam.after_restart").get_by_role("button", name="Start over").click()
    assert text.input_value() == stub
    page.keyboard.press("Control+z")
    assert text.input_value() == answer
    box(page, "adam.after_restart").get_by_role("button", name="Start over").click()
    page.reload()
    assert text.input_value() == stub


@pytest.mark.browser
def test_python_that_cannot_be_loaded_is_said_and_tried_again(chapter, serve, tmp_path):
    page = chapter("momentum", "http://127.0.0.1:9/")
    name = "momentum.heavy_ball"
    editor, said = box(page, name), box(page, name).locator(".tw-run-progress")
    expect(page.locator(".tw-run-size")).to_have_text("Python comes over the network, once: 15 MB.")
    assert page.locator(".tw-run-size").evaluate(
        "hint => hint.closest('.tw-run') === document.querySelector('.tw-run')"
    )
    editor.locator("textarea").fill("mine")
    editor.get_by_role("button", name="Check").click()
    expect(said).to_contain_text("Python could not be loaded")
    expect(said).to_contain_text("127.0.0.1:9, 15 MB")
    expect(said).to_contain_text("Nothing that you typed is lost")
    assert editor.locator("textarea").input_value() == "mine"
    notebook = said.get_by_role("link", name="the assignment's notebook").evaluate("a => a.href")
    assert page.request.get(notebook).json()["cells"]

    # what an example printed when the book was built stays until there is something new, and its notebook is the page's
    example = page.locator(".cell.tw-run").first
    printed = example.locator(".cell_output").inner_text()
    example.get_by_role("button", name="Run").click()
    expect(example.locator(".tw-run-progress")).to_contain_text("Python could not be loaded")
    assert example.locator(".cell_output").inner_text() == printed
    notebook = example.get_by_role("link", name="this page's notebook").evaluate("a => a.href")
    assert page.request.get(notebook).json()["cells"]

    # nor is a file used that is not the pinned one
    for file in PINNED["files"]:
        (tmp_path / file).write_bytes(b"something else")
    address = serve(tmp_path)
    page.evaluate("address => { document.querySelector('script[data-runtime]').dataset.runtime = address }", address)
    editor.get_by_role("button", name="Check").click()
    expect(editor.locator(".tw-run-progress")).to_contain_text("Python could not be loaded")


@pytest.mark.browser
def test_nothing_is_loaded_before_the_click(chapter):
    page = chapter("momentum")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="networkidle")
    assert not [url for url in asked if "worker" in url or "pyodide" in url or url.endswith(".zip")]
    assert page.locator("script[data-runtime]").get_attribute("data-runtime") in (PINNED["cdn"], "pyodide/")
    assert len(page.locator(".tw-run-live").all()) == page.locator(".tw-exercise").count()


def test_numpy_is_the_one_of_the_official_lock_file():
    lock = json.loads((ROOT / "lib/web/node_modules/pyodide/pyodide-lock.json").read_text())
    numpy = lock["packages"]["numpy"]
    integrity = PINNED["files"][numpy["file_name"]]["integrity"]
    assert base64.b64decode(integrity.removeprefix("sha256-")).hex() == numpy["sha256"]
    version = json.loads((ROOT / "lib/web/package.json").read_text())["dependencies"]["pyodide"]
    assert version == PINNED["version"] and f"/v{version}/" in PINNED["cdn"]


def test_every_exercise_of_a_chapter_can_be_solved_in_its_page(site):
    for topic in topics():
        notebook = ROOT / run.ASSIGNMENTS / topic / f"{topic}.ipynb"
        sources = [cell.source for cell in nbformat.read(notebook, 4).cells]
        names = [source.split('"')[1] for source in sources if source.startswith("check(")]
        assert names
        for name in names:
            cells = run.cells(notebook, name)
            assert exercise(name).answer_name in cells["stub"]
            assert "SOLUTION" not in cells["stub"] and "from thalweg.exercises import check" in cells["setup"]


@pytest.mark.parametrize("topic", topics())
def test_number_and_title_are_the_notebooks_in_the_box_and_in_the_list(site, topic):
    headings = [
        line.removeprefix("## ")
        for cell in nbformat.read(ROOT / run.ASSIGNMENTS / topic / f"{topic}.ipynb", 4).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    page = read(site / f"chapters/{topic}.html")
    boxes = [title.get_text().partition("  ")[0].replace("’", "'") for title in page.select(".tw-exercise-title")]
    assert boxes == headings[: len(boxes)] != []
    listed = read(site / "chapters/exercises.html")
    links = listed.select(f"a[href^='{topic}.html#exercise-']")
    assert [link.get_text().replace("’", "'") for link in links] == [title.rpartition(" (")[0] for title in boxes]


def test_a_heading_of_another_form_is_refused(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells.append(nbformat.v4.new_markdown_cell("## The ball", metadata={"nbgrader": {"grade_id": "f_text"}}))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match=r"is to be '## 1\. Title"):
        run.statement(tmp_path / "a.ipynb", "a.f")


def test_an_exercise_that_needs_pytorch_says_so(tmp_path):
    notebook = nbformat.v4.new_notebook()
    for grade_id, source in {"setup": "import torch", "f": "def f(): ...", "": 'check("a.f", f)'}.items():
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": grade_id}}))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert "needs PyTorch" in run.editor(tmp_path / "a.ipynb", "a.f").astext()
    with pytest.raises(ValueError, match=r"no check of a\.g"):
        run.cells(tmp_path / "a.ipynb", "a.g")


BLOCK = """
import sys
class Block:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy", "thalweg"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
sys.path.insert(0, sys.argv[1])
import thalweg
from thalweg.exercises import exercise, key, topics, verdict
from thalweg.exercises.keys import momentum
assert sys.argv[1] in thalweg.__file__
for topic in topics():
    __import__(f"thalweg.exercises.keys.{topic}")
assert verdict("momentum.heavy_ball", key("momentum.heavy_ball").reference).points == 3
"""


def test_the_judges_need_numpy_alone(tmp_path):
    for name in ("once.zip", "again.zip"):
        run.pack(tmp_path / name)
    assert (tmp_path / "once.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "once.zip") as archive:
        archive.extractall(tmp_path)
        assert not [name for name in archive.namelist() if "torch" in name or "course" in name]
    subprocess.run([sys.executable, "-I", "-c", BLOCK, str(tmp_path)], check=True)
