"""Sphinx extension: what the front page says about the book, collected from its chapters, so that a new one changes nothing there.

``{start}``
    two buttons: to the first chapter, and to its first exercise.
``{map}``
    the parts with their chapters: the drawing that each keeps with ``figures.card``, its sentence, what is read before it, how long it
    takes, and how many of its exercises have passed in this browser.
``{evening} gradient_descent momentum``
    these topics one after the other, with the minutes of those that are written.
``{semester}``
    all topics, the planned ones too, over thirteen weeks.
``{lectures}``
    each of the five lectures with the chapters that follow it, in the lecture's order.

A planned topic stands in grey, without a link.
"""

from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from myst_nb.ext.glue.utils import create_pending_glue_ref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from thalweg import exercises

from . import lectures
from .opening import minutes
from .topics import COLLECTS, Topic, shows, topics

WEEKS = 13


def spread(names: list[str], weeks: int = WEEKS) -> list[list[str]]:
    """The names in order, as evenly over so many weeks as they go."""
    return [
        [name for i, name in enumerate(names) if i * weeks // max(len(names), weeks) == week] for week in range(weeks)
    ]


class _Collected(SphinxDirective):
    """What all of them share: the book's topics, and Markdown made of them."""

    def run(self) -> list[nodes.Node]:
        """Draw it; the page is read again when a chapter says something else of itself."""
        root = Path(self.env.srcdir)
        self.book = {topic.name: topic for topic in topics(root)}
        self.env.metadata[self.env.docname][COLLECTS] = True
        return self.collected()

    def collected(self) -> list[nodes.Node]:
        """Markdown by default."""
        return self.markdown(list(self.lines()))

    def lines(self) -> Iterator[str]:
        """What there is to say."""
        raise NotImplementedError

    def markdown(self, lines: list[str], *classes: str) -> list[nodes.Node]:
        """The lines as nodes, in a container of that class if one is given."""
        box = nodes.container(classes=list(classes))
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, box)
        return [box] if classes else box.children

    def link(self, name: str) -> str:
        """A topic by its name: linked once it is written. Raises the directive's error for one that the plan does not have."""
        if name in self.book:
            return f"[{self.book[name].title}]({name}.md)"
        if name not in lectures.TITLES:
            raise self.error(f"there is no topic {name!r}; there are {', '.join(lectures.TITLES)}")
        return f"[{lectures.TITLES[name]}]{{.tw-planned}}"


class StartDirective(_Collected):
    """The first chapter, and its first exercise if it has one."""

    def lines(self) -> Iterator[str]:
        """Two buttons."""
        first = next(iter(self.book.values()))
        asked = names_of(first)
        yield from ("::::{div} tw-buttons", f":::{{button-ref}} {first.name}", ":ref-type: doc", ":color: primary")
        yield from (f"Start with {first.title}", ":::")
        if asked:
            label = nodes.make_id(f"exercise-{asked[0]}")
            yield from (f":::{{button-ref}} {label}", ":ref-type: ref", ":color: primary", ":outline:")
            yield from ("Try an exercise", ":::")
        yield "::::"


def names_of(topic: Topic) -> list[str]:
    """The names of a chapter's exercises, in order."""
    if topic.name not in exercises.topics():
        return []
    return list(import_module(f"thalweg.exercises.{topic.name}").EXERCISES)


class MapDirective(_Collected):
    """Every part a section, every chapter a card in it."""

    def collected(self) -> list[nodes.Node]:
        """The sections."""
        found: list[nodes.Node] = []
        for part, chapters in groupby(self.book.values(), key=lambda topic: topic.part):
            section = nodes.section("", nodes.title(text=part), ids=[nodes.make_id(f"map-{part}")], names=[])
            section += nodes.container("", *map(self.card, chapters), classes=["tw-map"])
            found.append(section)
        return found

    def card(self, topic: Topic) -> nodes.Node:
        """One chapter."""
        page = f"/chapters/{topic.name}.md"
        shows(self.env, topic.file)
        drawing = create_pending_glue_ref(self.state.document, *self.get_source_info(), page, "card")
        needs = ", ".join(self.link(name) for name in topic.needs)
        names = names_of(topic)
        done = f'<span class="tw-done" data-exercises="{" ".join(names)}">{len(names)} exercises</span>'
        said = [f"Read {needs} first", minutes(topic).capitalize(), *([done] if names else [])]
        lines = [f"**{topic.number}. {self.link(topic.name)}**", "", topic.card, "", "{.tw-facts}"]
        (card,) = self.markdown([*lines, ". ".join(said if needs else said[1:])], "tw-topic")
        card.insert(0, nodes.container("", drawing, classes=["tw-drawing"]))
        return card


class EveningDirective(_Collected):
    """A way through the book."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> Iterator[str]:
        """The topics of the argument."""
        names = self.arguments[0].split()
        yield ", ".join(self.link(name) for name in names)
        core = sum(self.book[name].core for name in names if name in self.book)
        yield f"(the core of the linked chapters takes {core} minutes)."


class SemesterDirective(_Collected):
    """The whole plan, week by week."""

    def lines(self) -> Iterator[str]:
        """A numbered list; a topic that the plan does not have comes last."""
        names = [*lectures.TITLES, *(name for name in self.book if name not in lectures.TITLES)]
        for week, read in enumerate(spread(names), 1):
            yield f"{week}. {', '.join(map(self.link, read))}"


class LecturesDirective(_Collected):
    """Beside the lectures."""

    def lines(self) -> Iterator[str]:
        """A list of the lectures, each with its topics as they come in it."""
        table = Path(self.env.srcdir) / "chapters/lectures/topics.yml"
        self.env.note_dependency(str(table))
        for lecture in lectures.load(table).values():
            names = dict.fromkeys(h.topic for h in lecture.headings if h.topic != lectures.FRONT_MATTER)
            yield f"- [{lecture.name}](lectures/{lecture.key}.md): {', '.join(map(self.link, names))}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    for directive in (StartDirective, MapDirective, EveningDirective, SemesterDirective, LecturesDirective):
        app.add_directive(directive.__name__.removesuffix("Directive").lower(), directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
