"""Sphinx extension: a chapter's own NumPy examples, with a button that runs them in the page.

A code cell that carries the tag ``run`` may import nothing but NumPy, the standard library and the parts of this library that need no
more; of what stands above it on the page it may use the imports and other cells with that tag. ``tests/site/test_examples.py`` runs all
of them so. The page's script (``static/run.js``) does the rest.
"""

import ast
import json
import sys
from collections.abc import Set
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from . import notebooks

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


def torch_names(source: str, known: Set[str]) -> set[str]:
    """The names that ``source`` binds and that need PyTorch: it imports them from there, or binds them with names that do (``known``)."""
    tree = ast.parse(source)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(a.asname or a.name).partition(".")[0] for a in node.names if _is_torch(a.name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name for a in node.names if _is_torch(f"{node.module}.{a.name}")}
    for statement in tree.body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        if any(name.id in known | found for name in names):
            found |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
            found |= {statement.name} if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else set()
    return found


def _is_torch(module: str) -> bool:
    return module.split(".")[0] == "torch" or module.startswith("thalweg.torch")


def _uses(source: str, names: Set[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(ast.parse(source)))


def _why_not(page: str) -> nodes.Node:
    """The line below a cell that needs PyTorch."""
    href = f"{'../' * page.count('/')}{notebooks.FOLDER}/{notebooks.file_name(page)}"
    link = f'<a href="{href}" download>this page\'s notebook</a>'
    why = f"No Run button: this needs PyTorch, which does not run in a browser. It runs in {link}, on your machine."
    return nodes.raw("", f'<p class="tw-run-none">{why}</p>', format="html")


def _mark(app: Sphinx, doctree: nodes.document) -> None:
    """Give every tagged cell the imports that stand above it, and the mark by which the page's script finds it."""
    above: list[str] = []
    torch: set[str] = set()
    for cell in doctree.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"]):
        for block in list(cell.findall(nodes.literal_block)):
            if "cell_input" in block.parent["classes"]:
                source = block.astext()
                above += filter(None, [imports(source)])
                torch |= torch_names(source, torch)
                if not {"tag_run", "tag_hide-input"} & set(cell["classes"]) and _uses(source, torch):
                    block.parent.parent.insert(block.parent.parent.index(block.parent) + 1, _why_not(app.env.docname))
        if "tag_run" in cell["classes"]:
            cell["classes"].append("tw-run")
            data = json.dumps({"setup": "\n".join(above)}).replace("<", r"\u003c")  # nothing in it may end the element
            cell.append(nodes.raw("", f'<script type="application/json">{data}</script>', format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Mark the cells of every page that is read."""
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
