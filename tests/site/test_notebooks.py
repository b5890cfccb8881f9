"""Every page that runs can be downloaded as a notebook."""

import re

import nbformat
import pytest

from thalweg.site import notebooks

PAGES = [page.with_suffix("").as_posix() for page in notebooks.pages()]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_runs_leads_to_its_notebook(site, page):
    html = (site / f"{page}.html").read_text()
    (link,) = re.findall(r'href="([^"]+\.ipynb)"[^>]*title="Download this page as a notebook"', html)
    found = nbformat.read((site / f"{page}.html").parent / link, as_version=4)
    nbformat.validate(found)
    assert found.metadata.kernelspec.name == "python3"
    assert any(cell.cell_type == "code" and cell.source for cell in found.cells)
    assert len({cell.id for cell in found.cells}) == len(found.cells)


@pytest.mark.browser
def test_the_button_downloads_it(browser, address, tmp_path):
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.goto(f"{address}chapters/momentum.html")
    button = page.get_by_role("link", name="Download this page as a notebook").first
    with page.expect_download() as download:
        button.evaluate("link => { link.removeAttribute('target'); link.click(); }", timeout=10_000)
    download.value.save_as(tmp_path / "momentum.ipynb")
    context.close()
    code = [cell.source for cell in nbformat.read(tmp_path / "momentum.ipynb", 4).cells if cell.cell_type == "code"]
    assert any("from thalweg.numpy import Momentum" in source for source in code)


def test_a_notebook_is_the_same_at_each_build():
    page = notebooks.pages()[0]
    assert nbformat.writes(notebooks.notebook(page)) == nbformat.writes(notebooks.notebook(page))
