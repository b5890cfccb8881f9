"""Sphinx extension: the card with which a chapter opens, behind its first figure.

``{opening}``
    what the reader can do after the chapter, as a list. The rest of the card is collected: what is read first and how long it takes from
    the chapter's front matter (see :mod:`thalweg.site.topics`), and a link to the chapter's exercises. The option ``before`` adds, in a
    few words, what is needed that is no chapter.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .topics import Topic, topics


def minutes(topic: Topic) -> str:
    """How long the chapter takes, in words."""
    if topic.core == topic.minutes:
        return f"about {topic.minutes} minutes"
    return f"about {topic.core} minutes for the core, {topic.minutes} for all of it"


class OpeningDirective(SphinxDirective):
    """The card. A page that is no chapter is an error."""

    has_content = True
    option_spec = {"before": directives.unchanged}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Draw the card; the page is read again when the table of contents changes."""
        book = {topic.name: topic for topic in topics(Path(self.env.srcdir))}
        topic = book.get(Path(self.env.docname).name)
        if topic is None:
            raise self.error("an opening belongs to a chapter: this page's front matter says nothing under thalweg:")
        self.env.note_dependency(str(Path(self.env.srcdir) / "_toc.yml"))
        needs = [f"[{book[name].title}]({name}.md)" for name in topic.needs]
        before = ", ".join(filter(None, [*needs, self.options.get("before", "")]))
        lines = [
            ":::{card}",
            "**After this chapter you can**",
            "",
            *self.content,
            "",
            *([f"**Read first:** {before}.", ""] if before else []),
            f"**Reading:** {minutes(topic)}.",
            ":::",
        ]
        card = nodes.container(classes=["tw-opening"])
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, card)
        return [card]


def _to_the_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """End each card with a link to the section that holds the first exercise, where there is one."""
    exercise = next((box for box in doctree.findall(nodes.container) if "tw-exercise" in box["classes"]), None)
    for card in [box for box in doctree.findall(nodes.container) if "tw-opening" in box["classes"]]:
        if exercise is not None:
            last = list(card.findall(nodes.paragraph))[-1]
            link = nodes.reference("", "To the exercises", internal=True, refid=exercise.parent["ids"][0])
            last.extend([nodes.Text(" "), link])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and its link."""
    app.add_directive("opening", OpeningDirective)
    app.connect("doctree-read", _to_the_exercises)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
