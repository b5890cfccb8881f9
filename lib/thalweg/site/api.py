"""Sphinx extension: pages of the package from its docstrings, by autodoc, with citations written as everywhere in the book."""

import re
from typing import Any

from sphinx.application import Sphinx

MODULES = (
    "thalweg.numpy",
    "thalweg.torch",
    "thalweg.surfaces",
    "thalweg.landscape",
    "thalweg.data",
    "thalweg.minimize",
    "thalweg.figures",
    "thalweg.exercises",
)
"""What the page of the package shows, in its order. A public name without a docstring is left out, and a test misses it."""


def _cite(app: Sphinx, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Docstrings are written as the chapters are; autodoc reads reStructuredText."""
    for i, line in enumerate(lines):
        line = re.sub(r"\{cite\}`", ":cite:`", line)
        line = re.sub(r"(?<=[\s(,])\*(?=\w[^*]*$)", r"\\*", line)  # "*shape" is no emphasis
        lines[i] = re.sub(r"` ``(?=[\s.,:)]|$)", "```", line)  # a literal that ends in a backtick


def setup(app: Sphinx) -> dict[str, Any]:
    """Switch autodoc on."""
    app.setup_extension("sphinx.ext.autodoc")
    app.config.autodoc_default_options = {"members": True, "member-order": "bysource"}
    app.config.autodoc_typehints = "none"  # shapes and units are in the words; torch's types are documented elsewhere
    app.config.nitpick_ignore = [  # named in docstrings of other modules than their own
        *app.config.nitpick_ignore,
        ("py:class", "ListOptimizer"),
        ("py:class", "History"),
    ]
    app.connect("autodoc-process-docstring", _cite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
