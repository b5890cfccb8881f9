"""A line that begins with % is a comment to MyST: the build names it, with its place."""

import io
import re

import pytest
from sphinx.application import Sphinx


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("It rises to 5\n% of the loss.\n", [4]),
        ("- a list\n  % with a comment\n", [4]),
        ("5 % of the loss\n", []),
        ("```python\n%matplotlib inline\n%% 5\n```\n", []),
        ("One cell.\n\n+++\n\nAnother.\n", []),
    ],
)
def test_a_line_that_vanishes_is_named(tmp_path, text, wanted):
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser', 'thalweg.site.comments']\n")
    (tmp_path / "index.md").write_text(f"# Title\n\n{text}")
    said = io.StringIO()
    folders = [str(tmp_path / name) for name in (".", ".", "out", "doctrees")]
    Sphinx(*folders, "dummy", status=None, warning=said).build()
    places = [int(line) for line in re.findall(r"index\.md:(\d+): WARNING: a line that begins with %", said.getvalue())]
    assert places == wanted, said.getvalue()
