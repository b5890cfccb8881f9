"""Sphinx extension: a reference to a number asks for its chapter once.

Sphinx reads the whole page anew, some 0.1 s of a chapter, for every ``{numref}`` that leads to it.
"""

from functools import lru_cache
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment


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


def setup(app: Sphinx) -> dict[str, Any]:
    """Change the domain that knows the numbers."""
    app.connect("env-check-consistency", _keep)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
