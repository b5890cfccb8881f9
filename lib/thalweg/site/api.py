"""Sphinx extension: pages of the package from its docstrings, by autodoc, with citations written as everywhere in the book."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

PAGE = "chapters/api"
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
"""What the page of the package shows, in its order."""


def public(module: str) -> Iterator[str]:
    """The names that a module offers, and the methods and properties that its classes define."""
    here = import_module(module)
    own = [n for n, thing in vars(here).items() if getattr(thing, "__module__", "") == module and n[0] != "_"]
    for name in getattr(here, "__all__", own):
        yield f"{module}.{name}"
        thing = getattr(here, name)
        if inspect.isclass(thing):
            for method, what in vars(thing).items():
                mine = (
                    getattr(what, "__qualname__", f"{name}.{method}") == f"{name}.{method}"
                )  # torch wraps what others define
                if method[0] != "_" and mine and (inspect.isfunction(what) or isinstance(what, property)):
                    yield f"{module}.{name}.{method}"


def _complete(app: Sphinx, doctree: nodes.document) -> None:
    """Autodoc leaves out what has no docstring. Raises ExtensionError that names it: the build fails."""
    if app.env.docname == PAGE:
        there = {name for signature in doctree.findall(addnodes.desc_signature) for name in signature["ids"]}
        missing = [name for module in MODULES for name in public(module) if name not in there]
        if missing:
            raise ExtensionError(f"public names without a docstring: {', '.join(missing)}")


class _NotInTheIndex(SphinxTransform):
    """The index is one of concepts: the package's names would fill it. They have a page of their own."""

    default_priority = 800  # before the index is collected

    def apply(self, **kwargs: Any) -> None:
        """Take the entries that autodoc made off the package's page."""
        if self.env.docname == PAGE:
            for entry in list(self.document.findall(addnodes.index)):
                entry.parent.remove(entry)


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
    app.connect("doctree-read", _complete)
    app.add_transform(_NotInTheIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
