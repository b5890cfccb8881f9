"""Sphinx extension: what each chapter says of itself, and the pages on which that of all chapters is shown, in their order.

In a chapter:

``{defined} bias correction``
    stands before the passage that explains the term; its body is the term's entry in the glossary. The page shows nothing of it: it gives the
    passage a place that the glossary and the index lead to.
``{results}``
    the table of what the chapter measured, and what is to be known of how. The page shows it as it stands.

On a page that collects them:

``{all-exercises}``  ``{all-results}``  ``{all-terms}``
    the assignments' exercises and the tables of results under the titles of their chapters, and the terms by the alphabet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from thalweg import exercises

from .topics import COLLECTS, Topic, blocks, said, topics


def place(term: str) -> str:
    """The label of the passage that explains a term."""
    return nodes.make_id(f"defined-{term}")


class DefinedDirective(SphinxDirective):
    """A term that is explained here."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Leave the place and an entry in the index. A term without a text is an error."""
        self.assert_has_content()
        term = self.arguments[0]
        entry = addnodes.index(entries=[("single", term, place(term), "main", None)])
        return [entry, nodes.target(ids=[place(term)], defines=place(term))]


def _name(app: Sphinx, doctree: nodes.document) -> None:
    """Call each place by the title of the section that it stands in."""
    for target in doctree.findall(lambda node: isinstance(node, nodes.target) and "defines" in node):
        section = target.parent
        while not isinstance(section, nodes.section):
            section = section.parent
        title, label = section.next_node(nodes.title).astext(), target["defines"]
        app.env.get_domain("std").note_hyperlink_target(label, app.env.docname, label, title)  # type: ignore[attr-defined]


class ResultsDirective(SphinxDirective):
    """The chapter's table of results."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Show it."""
        self.assert_has_content()
        box = nodes.container(classes=["tw-results"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class _Collecting(SphinxDirective):
    """What the collecting directives share: the chapters, on what which say of themselves the page now depends, and sections under their titles."""

    def chapters(self) -> Iterator[tuple[Topic, str]]:
        """The book's topics in order, each with the text of its chapter."""
        root = Path(self.env.srcdir)
        self.env.metadata[self.env.docname][COLLECTS] = True
        for topic in topics(root):
            yield topic, (root / f"{topic.file}.md").read_text(encoding="utf-8")

    def section(self, topic: Topic, lines: list[str]) -> nodes.section:
        """The lines under the chapter's title."""
        section = nodes.section(ids=[nodes.make_id(f"{self.env.docname.rpartition('/')[2]}-{topic.name}")])
        section += nodes.title("", topic.title)
        self.state.nested_parse(StringList(lines, source=topic.file), self.content_offset, section)
        return section


class AllExercisesDirective(_Collecting):
    """The exercises of all assignments."""

    def run(self) -> list[nodes.Node]:
        """Draw each assignment's table, and the link that opens it."""
        found = []
        for topic, _ in self.chapters():
            if topic.name in exercises.topics():
                link = f"{{assignment}}`Open the assignment “{topic.title}” in the browser <{topic.name}>`"
                found.append(self.section(topic, [f"```{{exercises}} {topic.name}", "```", "", link]))
        return found


class AllResultsDirective(_Collecting):
    """The results of all chapters."""

    def run(self) -> list[nodes.Node]:
        """Draw the tables of each chapter that has one."""
        found = []
        for topic, text in self.chapters():
            if tables := [body for _, body in blocks(text, "results")]:
                lines = [f"From the chapter [{topic.title}](/{topic.file}.md).", ""]
                found.append(self.section(topic, lines + [line for body in tables for line in [*body, ""]]))
        return found


class AllTermsDirective(_Collecting):
    """The terms of all chapters."""

    def run(self) -> list[nodes.Node]:
        """Draw them as a glossary, to which ``{term}`` leads; each leads on to its passage. The index leads there at once."""
        terms = [found for _, text in self.chapters() for found in blocks(text, "defined")]
        lines = ["```{glossary}"]
        for term, body in sorted(terms, key=lambda found: found[0].casefold()):
            lines += [term, *(f"  {line}" for line in body), f"  See {{ref}}`{place(term)}`.", ""]
        shown = nodes.container()
        self.state.nested_parse(StringList([*lines, "```"], source="glossary"), self.content_offset, shown)
        for entry in list(shown.findall(addnodes.index)):
            entry.parent.remove(entry)
        return shown.children


def _outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """The pages that show what chapters say of themselves, when one of them says something else."""
    now = said(Path(app.srcdir))
    before, env.thalweg_said = getattr(env, "thalweg_said", now), now  # type: ignore[attr-defined]
    return [name for name in env.found_docs if now != before and COLLECTS in env.metadata[name]]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("defined", DefinedDirective)
    app.add_directive("results", ResultsDirective)
    app.add_directive("all-exercises", AllExercisesDirective)
    app.add_directive("all-results", AllResultsDirective)
    app.add_directive("all-terms", AllTermsDirective)
    app.connect("doctree-read", _name)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
