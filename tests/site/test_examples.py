"""A chapter's NumPy examples: each of them runs with NumPy alone, in order, and in a real browser prints what the page shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from files import read
from playwright.sync_api import expect
from test_run import BLOCK

from thalweg.exercises import topics
from thalweg.site.examples import imports, torch_names

ROOT = Path(__file__).parents[2]
EACH = """
import contextlib, io, json
names, printed = {}, []
for setup, code in json.load(sys.stdin):
    exec(setup, names)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, names)
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


def examples(site, topic):
    """Of each example on a page: its setup, its code, and what it printed when the book was built."""
    page = read(site / f"chapters/{topic}.html")
    for cell in page.select(".cell.tw-run"):
        setup = json.loads(cell.select_one("script").get_text())["setup"]
        printed = "".join(block.get_text() for block in cell.select(".cell_output pre"))
        yield setup, cell.select_one(".cell_input pre").get_text(), printed


@pytest.mark.parametrize("topic", topics())
def test_examples_need_numpy_alone_and_print_what_the_page_shows(site, topic):
    found = list(examples(site, topic))
    assert len(found) >= 4
    wanted = [
        cell for cell in jupytext.read(ROOT / f"chapters/{topic}.md").cells if "run" in cell.metadata.get("tags", [])
    ]
    assert [code.strip() for _, code, _ in found] == [cell.source for cell in wanted]
    start = BLOCK[: BLOCK.index("import thalweg")]
    done = subprocess.run(
        [sys.executable, "-c", start + EACH, str(ROOT / "lib")],
        input=json.dumps([(setup, code) for setup, code, _ in found]), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (_, code, page), printed in zip(found, json.loads(done.stdout), strict=True):
        assert printed == page, code


def test_only_what_a_browser_has_is_imported():
    source = (
        "import numpy as np, torch\nfrom thalweg import data, torch as tt\nfrom thalweg.figures import show\n"
        "from thalweg.numpy import Adam\nimport thalweg.torch.optim\nx = 1"
    )
    assert imports(source) == "import numpy as np\nfrom thalweg import data\nfrom thalweg.numpy import Adam"


def test_what_needs_pytorch_is_told_from_its_names():
    known = torch_names(
        "import torch.nn as nn\nfrom thalweg import torch as tt, data\nfrom thalweg.torch import fit\nx = 1", set()
    )
    assert known == {"nn", "tt", "fit"}
    assert torch_names("def train(n):\n    return fit(n)\nseen = train(2)\nother = x", known) == {"train", "seen"}


@pytest.mark.parametrize("topic", topics())
def test_a_cell_that_needs_pytorch_says_why_it_has_no_button(site, topic):
    page = read(site / f"chapters/{topic}.html")
    said = page.select(".tw-run-none")
    assert said
    for line in said:
        cell = line.find_parent("div", class_="cell")
        assert not {"tag_run", "tag_hide-input"} & set(cell["class"])
        assert (site / "chapters" / line.a["href"]).is_file()
    silent = [c for c in page.select("div.cell:not(.tag_run, .tag_hide-input)") if not c.select(".tw-run-none")]
    assert not [
        c for c in silent if re.search(r"\b(torch|nn|tt)\.", "".join(b.get_text() for b in c.select(".cell_input")))
    ]


@pytest.mark.browser
def test_an_example_runs_in_the_page_and_can_be_changed(site, chapter, runtime):
    page = chapter("dropout", runtime)
    printed = [text for _, _, text in examples(site, "dropout")]
    boxes = page.locator(".cell.tw-run")
    assert boxes.locator("textarea").count() == 0
    assert boxes.nth(1).locator(".cell_output").is_visible()

    def run(number):
        button = boxes.nth(number).get_by_role("button", name="Run")
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_be_enabled()  # it is not while the code runs
        expect(button).to_be_focused()
        return boxes.nth(number).locator(".tw-run-output").inner_text()

    known = (
        printed[1].strip().rpartition("\n")[0]
    )  # the last line shows rounding, which differs from machine to machine
    assert known and run(1).startswith(known)
    assert boxes.nth(1).locator(".cell_output").count() == 0

    # what it defines is there for the next one, and a change to it holds
    text = boxes.nth(1).locator("textarea")
    code = text.input_value()
    text.fill("changed = None\nprint('changed')")
    assert run(1) == "changed\n"
    third = boxes.nth(2)
    assert run(2).strip() == printed[2].strip()
    third.locator("textarea").fill("print(changed, 2**0.5)")
    assert run(2) == "None 1.4142135623730951\n"
    boxes.nth(1).get_by_role("button", name="Start over").click()
    assert text.input_value() == code

    # an endless loop is stopped, the page can be used meanwhile, and afterwards everything is known again
    text.fill("while True: pass")
    boxes.nth(1).get_by_role("button", name="Run").click()
    expect(third.get_by_role("button", name="Run")).to_be_disabled()
    boxes.nth(1).get_by_role("button", name="Stop").click()
    expect(third.get_by_role("button", name="Run")).to_be_enabled()
    text.fill("1 / 0")
    assert "ZeroDivisionError" in run(1)
    third.locator("textarea").fill("print(changed)")
    assert run(2) == "None\n"


@pytest.mark.browser
def test_a_network_learns_in_the_page(site, chapter, runtime):
    """NumPy alone, in a browser: from nothing to more than 95 % of the digits that it has not seen."""
    codes = [code for _, code, _ in examples(site, "backpropagation")]
    number = next(i for i, code in enumerate(codes) if "def train(" in code)
    cell = chapter("backpropagation", runtime).locator(".cell.tw-run").nth(number)
    button = cell.get_by_role("button", name="Run")
    button.click()
    expect(button).to_be_enabled()  # it is not while the code runs
    assert float(cell.locator(".tw-run-output").inner_text().split()[-1].rstrip("%")) > 95
