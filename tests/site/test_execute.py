"""Which pages are executed anew: those that depend on what has changed, and no others."""

import nbformat
import pytest
from jupyter_cache.base import ProjectNb
from jupyter_cache.executors.basic import ProcessData

from thalweg.site import execute, kernels


@pytest.mark.parametrize(
    "code, wanted",
    [
        ("import numpy as np", set()),
        ("from thalweg.numpy import Momentum", {"thalweg.numpy.momentum", "thalweg.numpy._hyperparameters"}),
        (
            "from thalweg import torch as tt\ntt.mlp(1, 2)",
            {
                *("thalweg.torch.fit", "thalweg.torch.schedules", "thalweg.numpy.schedules", "thalweg.data"),
                *("thalweg.minimize", "thalweg.numpy._hyperparameters"),
            },
        ),
        ("from thalweg import data, surfaces", {"thalweg.data", "thalweg.surfaces"}),
        ("import thalweg.surfaces", {"thalweg.surfaces"}),
    ],
)
def test_what_a_page_depends_on(code, wanted):
    assert execute.modules(code) == wanted


def test_a_package_that_is_looked_through_counts_as_a_whole():
    found = execute.modules("from thalweg import torch as tt\nfor name in ('Adam', 'AdamW'):\n    getattr(tt, name)")
    assert {"thalweg.torch.adam", "thalweg.torch.momentum", "thalweg.numpy.adam"} <= found


def test_a_change_reaches_the_pages_that_import_it_and_no_others(tmp_path, monkeypatch):
    library = tmp_path / "thalweg"
    for name, text in {
        "__init__.py": "",
        "numpy/__init__.py": "from .adam import Adam\nfrom .momentum import *\n",
        "numpy/adam.py": "from ._checks import require\nclass Adam: pass\n",
        "numpy/momentum.py": "__all__ = ['Momentum']\nclass Momentum: pass\n",
        "numpy/_checks.py": "def require(): pass\n",
    }.items():
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(text)
    monkeypatch.setattr(execute, "LIBRARY", tmp_path)
    pages = {}
    for name, line in {"a": "from thalweg.numpy import Adam", "m": "from thalweg.numpy import Momentum"}.items():
        pages[name] = tmp_path / f"{name}.md"
        pages[name].write_text(
            f"---\nkernelspec: {{name: python3, display_name: Python 3}}\n---\n\n```{{code-cell}} ipython3\n{line}\n```\n"
        )

    def changed(name):
        before = execute.fingerprints(pages.values())
        (library / name).write_text((library / name).read_text() + "# new\n")
        after = execute.fingerprints(pages.values())
        return {page for page, path in pages.items() if after[str(path)] != before[str(path)]}

    assert changed("numpy/_checks.py") == {"a"}
    assert changed("numpy/momentum.py") == {"m"}
    assert changed("numpy/__init__.py") == set()


def test_a_stored_table_reaches_the_page_that_shows_it(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "MEASUREMENTS", tmp_path)
    page, table = tmp_path / "topic.md", tmp_path / "topic_speed.csv"
    page.write_text('```{code-cell} ipython3\nrows = stored("topic_speed")\n```\n')
    table.write_text("# made by: python\na\n1\n")
    before = execute.fingerprints([page])
    (tmp_path / "topic_other.csv").write_text("a\n1\n")
    assert execute.fingerprints([page]) == before
    table.write_text("# made by: python\na\n2\n")
    assert execute.fingerprints([page]) != before


def test_where_nothing_has_changed_that_pages_depend_on_only_their_own_code_is_looked_at(tmp_path, monkeypatch):
    (tmp_path / "thalweg/datasets").mkdir(parents=True)
    module, table, page = tmp_path / "thalweg/a.py", tmp_path / "b.csv", tmp_path / "page.md"
    monkeypatch.setattr(execute, "LIBRARY", tmp_path)
    monkeypatch.setattr(execute, "MEASUREMENTS", tmp_path)
    for path in (module, table, tmp_path / "thalweg/datasets/c"):
        path.write_text("a = 1\n")
        before = execute.everything()
        path.write_text("a = 2\n")
        assert execute.everything() != before, path
    page.write_text("```{code-cell} ipython3\nfrom thalweg import a\n```\n")
    known = execute.fingerprints([page])
    module.write_text("a = 3\n")
    assert execute.fingerprints([page]) != known
    assert execute.fingerprints([page], kept=known) == known
    page.write_text("```{code-cell} ipython3\nfrom thalweg import a as b\n```\n")
    assert execute.fingerprints([page], kept=known) == execute.fingerprints([page]) != known


def test_no_page_of_the_site_has_lost_its_source(site):
    root = site.parents[1]
    for page in site.glob("chapters/**/*.html"):
        assert (root / page.relative_to(site)).with_suffix(".md").exists(), f"{page} is stale"


def test_what_a_cell_prints_in_pieces_is_joined_as_it_was_printed(tmp_path):
    code = "import time\nfor text in ('a', '\\nb', '\\n'):\n    print(text, end='', flush=True)\n    time.sleep(0.3)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    page = ProjectNb(1, str(tmp_path / "page.md"), notebook, [])
    result = kernels._Worker().execute(page, ProcessData(1, page.uri, None, 60, False))
    assert result.err is None
    assert [output.text for output in notebook.cells[0].outputs] == ["a\nb\n"]
