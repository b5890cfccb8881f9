"""The website: the book's own Sphinx directives, style sheet and script."""

import gc
import zlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from . import written
from .topics import SHOWS

GENERATED = {"genindex", "search", "index"}  # pages that come from no file


def _without_thebe(app: Sphinx, config: Config) -> None:
    """Take sphinx-thebe's scripts off the pages: jupyter-book always loads it, this book does not use it."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def _executed_anew(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """The pages that have been executed anew, and those that show their numbers."""
    from .execute import executed  # not above: the package is imported when that module is run, which would warn

    now = executed()
    before, env.thalweg_executed = getattr(env, "thalweg_executed", now), now  # type: ignore[attr-defined]
    anew = {page.removesuffix(".md") for page in now if now[page] != before.get(page)}
    return [name for name in env.found_docs if anew & {name, *env.metadata[name].get(SHOWS, ())}]


def _without_stale_pages(app: Sphinx, exception: Exception | None) -> None:
    """Take pages that no longer have a source off the site."""
    if exception or app.builder.format != "html":
        return
    for page in list(written.pages(app)):
        name = page.relative_to(app.outdir).with_suffix("").as_posix()
        if name not in app.env.all_docs and name not in GENERATED:
            page.unlink()


def _checksum(pattern: str) -> int:
    """What changes whenever one of this package's files does."""
    return zlib.crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob(pattern))))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the book's directives, style sheet and script with Sphinx."""
    gc.set_threshold(50_000)  # documents hold themselves and stay: to look for garbage in them took a tenth of a build
    app.connect("config-inited", _without_thebe)
    app.connect("env-get-outdated", _executed_anew)
    app.connect("build-finished", _without_stale_pages)
    app.setup_extension("thalweg.site.numbers")
    app.setup_extension("thalweg.site.citations")
    app.setup_extension("thalweg.site.lectures")
    app.setup_extension("thalweg.site.chapter")
    app.setup_extension("thalweg.site.collected")
    app.setup_extension("thalweg.site.comments")
    app.setup_extension("thalweg.site.formulas")
    app.setup_extension("thalweg.site.access")
    app.setup_extension("thalweg.site.front")
    app.setup_extension("thalweg.site.opening")
    app.setup_extension("thalweg.site.folded")
    app.setup_extension("thalweg.site.weight")
    app.setup_extension("thalweg.site.search")
    app.setup_extension("thalweg.site.latex")
    app.setup_extension("thalweg.site.run")
    app.setup_extension("thalweg.site.examples")
    app.setup_extension("thalweg.site.notebooks")
    app.setup_extension("thalweg.site.api")
    app.add_css_file("thalweg.css")
    app.add_js_file("thalweg.js", loading_method="defer")
    # when one of these modules has changed, every page is read anew; when a style sheet or a script has, every page is written
    app.add_config_value("thalweg_static", _checksum("static/*"), "html")
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": _checksum("*.py")}
