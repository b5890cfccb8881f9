"""Every page that runs can be downloaded as a notebook."""

import nbformat
import pytest

from thalweg.site import execute, notebooks

PAGES = [page.with_suffix("").as_posix() for page in execute.pages()]


@pytest.mark.browser
@pytest.mark.parametrize("page", PAGES)
def test_the_button_downloads_the_page_as_a_notebook(browser, address, tmp_path, page):
    context = browser.new_context(accept_downloads=True)
    opened = context.new_page()
    opened.goto(f"{address}{page}.html")
    button = opened.get_by_role("link", name="Download this page as a notebook").first
    with opened.expect_download() as download:
        button.evaluate("link => { link.removeAttribute('target'); link.click(); }")
    download.value.save_as(tmp_path / "page.ipynb")
    context.close()
    found = nbformat.read(tmp_path / "page.ipynb", as_version=4)
    nbformat.validate(found)
    assert found.metadata.kernelspec.name == "python3"
    code = [cell.source for cell in found.cells if cell.cell_type == "code"]
    assert any("import" in source for source in code)
    assert len({cell.id for cell in found.cells}) == len(found.cells)


def test_a_notebook_is_the_same_at_each_build():
    page = execute.pages()[0]
    assert nbformat.writes(notebooks.notebook(page)) == nbformat.writes(notebooks.notebook(page))
