"""Sphinx extension: numbers of figures and references to them, without reading every chapter again for each.

For every ``{numref}`` Sphinx reads the whole page that it leads to, some 0.1 s of a chapter; and all pages of the book, whenever one has
changed, to count the figures. Here a page is read once for all references, and the figures are counted in outlines of the pages.
"""

from functools import lru_cache
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

COUNTED = (nodes.section, nodes.title, nodes.caption, addnodes.toctree)  # beside what the domains number
_count = TocTreeCollector.assign_figure_numbers


class _Kept:
    """The environment, with the pages that were asked for last."""

    def __init__(self, env: BuildEnvironment) -> None:
        self._env, self.get_doctree = env, lru_cache(maxsize=3)(env.get_doctree)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)


def _keep(app: Sphinx, env: BuildEnvironment) -> None:
    """From here on pages are written, and no longer change."""
    domain: Any = env.get_domain("std")
    plain, kept = StandardDomain._resolve_numref_xref, _Kept(env)

    def resolve(env: BuildEnvironment, *rest: Any) -> nodes.Element | None:
        return plain(domain, kept, *rest)  # type: ignore[arg-type]

    domain._resolve_numref_xref = resolve


def outline(page: nodes.Element, env: BuildEnvironment) -> nodes.Element:
    """A copy of the page with its sections, what is numbered in them, and titles; the rest only around these. Nothing in it leads back to the
    page, all of which would be kept with it."""
    copy = page.copy() if page.parent else nodes.Element()
    copy.document, copy.rawsource = None, ""
    for child in page.children:
        if isinstance(child, (nodes.title, nodes.caption)):
            copy += child.__class__("", child.astext())
        elif isinstance(child, nodes.Element):
            below = outline(child, env)
            numbered = any(domain.get_enumerable_node_type(child) for domain in env.domains.values())
            if below.children or numbered or isinstance(child, COUNTED):
                copy += below
    return copy


def _outline(app: Sphinx, page: nodes.document) -> None:
    outlines = app.env.thalweg_outlines = getattr(app.env, "thalweg_outlines", {})  # type: ignore[attr-defined]
    outlines[app.env.docname] = outline(page, app.env)


def _count_in_outlines(collector: TocTreeCollector, env: BuildEnvironment) -> list[str]:
    env.get_doctree = env.thalweg_outlines.__getitem__  # type: ignore[attr-defined, method-assign]
    try:
        return _count(collector, env)
    finally:
        del env.get_doctree  # the method is there again


def setup(app: Sphinx) -> dict[str, Any]:
    """Change the domain that knows the numbers, and what counts them."""
    TocTreeCollector.assign_figure_numbers = _count_in_outlines  # type: ignore[assignment, method-assign]
    app.connect("doctree-read", _outline, priority=900)  # once the page is as it stays
    app.connect("env-check-consistency", _keep)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
