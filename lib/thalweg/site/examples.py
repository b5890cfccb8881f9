"""Sphinx extension: a chapter's own NumPy examples, with a button that runs them in the page.

A code cell that carries the tag ``run`` may import nothing but NumPy, the standard library and the parts of this library that need no
more; of what stands above it on the page it may use the imports and other cells with that tag. ``tests/site/test_examples.py`` runs all
of them so. The page's script (``static/run.js``) does the rest.
"""

import ast
import json
import sys
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LOCAL_ONLY = ("thalweg.torch", "thalweg.figures")  # need PyTorch, Matplotlib or Altair


def _in_browser(module: str) -> bool:
    root = module.partition(".")[0]
    return root in {"numpy", "thalweg", *sys.stdlib_module_names} and not module.startswith(LOCAL_ONLY)


def imports(source: str) -> str:
    """The lines of ``source`` that import what a browser has."""
    kept: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            node.names = [alias for alias in node.names if _in_browser(alias.name)]
        elif isinstance(node, ast.ImportFrom):
            node.names = [alias for alias in node.names if _in_browser(f"{node.module}.{alias.name}")]
        else:
            continue
        if node.names:
            kept.append(ast.unparse(node))
    return "\n".join(kept)


def _mark(app: Sphinx, doctree: nodes.document) -> None:
    """Give every tagged cell the imports that stand above it, and the mark by which the page's script finds it."""
    above: list[str] = []
    for cell in doctree.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"]):
        for block in cell.findall(nodes.literal_block):
            if "cell_input" in block.parent["classes"]:
                above += filter(None, [imports(block.astext())])
        if "tag_run" in cell["classes"]:
            cell["classes"].append("tw-run")
            data = json.dumps({"setup": "\n".join(above)}).replace("<", r"\u003c")  # nothing in it may end the element
            cell.append(nodes.raw("", f'<script type="application/json">{data}</script>', format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Mark the cells of every page that is read."""
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
