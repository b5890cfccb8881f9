"""The website: the book's own Sphinx directives, style sheet and script."""

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def _without_thebe(app: Sphinx, config: Config) -> None:
    """Take sphinx-thebe's scripts off the pages: jupyter-book always loads it, this book does not use it."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the book's directives, style sheet and script with Sphinx."""
    app.connect("config-inited", _without_thebe)
    app.setup_extension("thalweg.site.lectures")
    app.setup_extension("thalweg.site.chapter")
    app.add_css_file("thalweg.css")
    app.add_js_file("thalweg.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
