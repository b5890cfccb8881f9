"""Sphinx extension: which heading of the five lectures is taught where.

``chapters/lectures/topics.yml`` is the table. Two directives draw it:

``{lecture} helwan``
    on the lecture's page: every heading in order, each with a label of its own (``helwan-sgd-momentum``),
    linked to the section that teaches it, or marked as planned.
``{mirrors} momentum``
    in a chapter: the lecture headings that it teaches, linked to their places on the lecture pages.

A label that does not exist is a broken reference, and so a build error under ``-W``.
"""

import re
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxDirective

from .topics import LOADER

TOPICS = (
    ("deep_networks", "Deep networks"),
    ("backpropagation", "Backpropagation"),
    ("gradient_descent", "Gradient descent"),
    ("loss_surfaces", "Loss surfaces"),
    ("momentum", "Momentum"),
    ("adaptive_rates", "Adaptive rates"),
    ("adam", "Adam"),
    ("schedules", "Learning-rate schedules"),
    ("second_order", "Second-order methods"),
    ("natural_gradient", "Natural gradient"),
    ("comparing_optimizers", "Comparing optimizers"),
    ("preprocessing", "Preprocessing"),
    ("activations", "Activation functions"),
    ("initialization", "Initialization"),
    ("batch_normalization", "Batch normalization"),
    ("losses", "Loss functions"),
    ("generalization", "Generalization"),
    ("weight_penalties", "Weight penalties"),
    ("dropout", "Dropout"),
    ("data_augmentation", "Data augmentation"),
    ("ensembles", "Ensembles"),
    ("flat_minima", "Flat minima"),
    ("transfer_learning", "Transfer learning"),
    ("compact_networks", "Compact networks"),
    ("hyperparameters", "Hyperparameters"),
    ("acceleration", "Acceleration"),
    ("practice", "Practice"),
)
"""The book's topics in its order, each with its title in words."""

TITLES = dict(TOPICS)
FRONT_MATTER = "book"
PLANNED = "planned"


class TableError(SphinxError):
    """A mistake in the table of lecture headings; the message names file, lecture and heading."""

    category = "Lecture table"


@dataclass(frozen=True)
class Heading:
    """One section or slide title of a lecture, and the labels that teach it (none while it is planned)."""

    text: str
    topic: str
    anchors: tuple[str, ...]
    id: str
    level: int

    @property
    def state(self) -> str:
        """One of ``taught``, ``planned`` and ``front matter``."""
        if self.topic == FRONT_MATTER:
            return "front matter"
        return "taught" if self.anchors else PLANNED

    def taught_by(self, topic: str) -> bool:
        """Whether a section of that topic's chapter teaches this heading."""
        chapter = topic.replace("_", "-")
        labels = (anchor.replace("_", "-") for anchor in self.anchors)
        return any(label == chapter or label.startswith(chapter + "-") for label in labels)


@dataclass(frozen=True)
class Lecture:
    """One lecture: where it comes from and its headings in order."""

    key: str
    letter: str
    name: str
    title: str
    author: str
    file: str
    headings: tuple[Heading, ...]

    def count(self) -> Counter[str]:
        """How many headings are in each state."""
        return Counter(heading.state for heading in self.headings)


def slug(key: str, text: str) -> str:
    """Return the label of a heading: without section number and [citations], words joined by hyphens."""
    text = re.sub(r"\[.*?\]", " ", re.sub(r"^\d[\d.]*\s", "", text))
    return "-".join([key, *re.findall(r"[a-z0-9]+", text.lower())])


@cache
def _read(text: str) -> Any:
    """The table's text as YAML, which every chapter asks for."""
    return yaml.load(text, LOADER)


def load(path: Path) -> dict[str, Lecture]:
    """Read and check the table. Raises TableError, naming file, lecture and heading, for a bad entry."""
    try:
        table = _read(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise TableError(f"{path.name}: {error}") from error
    if not isinstance(table, dict) or not table:
        raise TableError(f"{path.name}: a mapping of lectures is wanted")
    lectures = {key: _lecture(path.name, key, entry) for key, entry in table.items()}
    seen: dict[str, str] = {}
    for lecture in lectures.values():
        for heading in lecture.headings:
            if heading.id in seen:
                raise TableError(
                    f"{path.name}, {lecture.key}, “{heading.text}”: the id {heading.id} is taken by "
                    f"“{seen[heading.id]}”; write an id of its own"
                )
            seen[heading.id] = heading.text
    return lectures


def _lecture(file: str, key: str, entry: Any) -> Lecture:
    where = f"{file}, {key}"
    about = ("letter", "name", "title", "author", "file")
    _keys(where, entry, required={*about, "headings"})
    if not isinstance(entry["headings"], list) or not entry["headings"]:
        raise TableError(f"{where}: headings: a list is wanted")
    for name in about:
        if not isinstance(entry[name], str) or not entry[name]:
            raise TableError(f"{where}: {name}: words are wanted, not {entry[name]!r}")
    headings = tuple(_heading(where, key, n, heading) for n, heading in enumerate(entry["headings"], 1))
    for above, below in zip((None, *headings), headings, strict=False):
        if below.level > (above.level if above else 0) + 1:
            raise TableError(f"{where}, “{below.text}”: level {below.level} has no level above it")
    return Lecture(key=key, headings=headings, **{name: entry[name] for name in about})


def _heading(where: str, key: str, number: int, entry: Any) -> Heading:
    text = entry.get("heading") if isinstance(entry, dict) else None
    where = f"{where}, “{text}”" if text else f"{where}, heading {number}"
    _keys(where, entry, required={"heading", "topic", "anchor"}, optional={"id", "level"})
    if not isinstance(text, str):
        raise TableError(f"{where}: heading: words are wanted")
    topic, level = entry["topic"], entry.get("level", 1)
    if topic != FRONT_MATTER and topic not in TITLES:
        raise TableError(f"{where}: there is no topic {topic!r}")
    if level not in (1, 2, 3):
        raise TableError(f"{where}: level is 1, 2 or 3, not {level!r}")
    anchors = entry["anchor"] if isinstance(entry["anchor"], list) else [entry["anchor"]]
    if not anchors or not all(isinstance(anchor, str) and anchor for anchor in anchors):
        raise TableError(f"{where}: anchor: a label, a list of labels or the word {PLANNED} is wanted")
    if anchors == [PLANNED] and topic != FRONT_MATTER:
        anchors = []
    if PLANNED in anchors:
        raise TableError(f"{where}: {PLANNED} stands alone, and never for front matter")
    label = entry.get("id", slug(key, text))
    if not isinstance(label, str) or not re.fullmatch(rf"{re.escape(key)}(-[a-z0-9]+)+", label):
        raise TableError(f"{where}: the id {label!r} is not {key}- and small words joined by hyphens")
    return Heading(text, topic, tuple(anchors), label, level)


def _keys(where: str, entry: Any, required: Set[str], optional: Set[str] = frozenset()) -> None:
    if not isinstance(entry, dict):
        raise TableError(f"{where}: a mapping is wanted, not {entry!r}")
    if missing := sorted(required - entry.keys()):
        raise TableError(f"{where}: missing: {', '.join(missing)}")
    if unknown := sorted(map(str, entry.keys() - required - optional)):
        raise TableError(f"{where}: unknown: {', '.join(unknown)}")


class _TableDirective(SphinxDirective):
    """What both directives share: one argument, the table, and links."""

    required_arguments = 1

    def table(self) -> dict[str, Lecture]:
        """The table, which this document now depends on."""
        path = Path(self.env.srcdir) / "chapters/lectures/topics.yml"
        self.env.note_dependency(str(path))
        return load(path)

    def link(self, label: str, text: str = "") -> addnodes.pending_xref:
        """A reference to a label, shown as ``text`` or else as the title that the label stands for."""
        reference = addnodes.pending_xref(
            "",
            nodes.inline(text=text or label, classes=["std", "std-ref"]),
            refdomain="std",
            reftype="ref",
            reftarget=label,
            refdoc=self.env.docname,
            refexplicit=bool(text),
            refwarn=True,
        )
        self.set_source_info(reference)
        return reference


class LectureDirective(_TableDirective):
    """``{lecture} helwan``: the headings of one lecture, and where the book teaches each."""

    def run(self) -> list[nodes.Node]:
        """Return a line of counts and the nested list of headings."""
        table = self.table()
        if self.arguments[0] not in table:
            raise self.error(f"no lecture {self.arguments[0]!r}; there are {', '.join(table)}")
        lecture = table[self.arguments[0]]
        count = lecture.count()
        counts = nodes.paragraph("", f"{len(lecture.headings)} headings: ")
        counts += nodes.strong(text=f"{count['taught']} taught, {count[PLANNED]} planned")
        counts += nodes.Text(f", {count['front matter']} front matter.")
        lists = [nodes.bullet_list(classes=["lecture"])]
        for heading in lecture.headings:
            while len(lists) > heading.level:
                lists.pop()
            if len(lists) < heading.level:
                lists.append(nodes.bullet_list())
                lists[-2][-1] += lists[-1]
            lists[-1] += nodes.list_item("", self.line(heading))
        return [counts, lists[0]]

    def line(self, heading: Heading) -> nodes.paragraph:
        """The heading's words, which carry its label, and after them where it is taught."""
        place = nodes.target("", heading.text, ids=[heading.id])
        self.state.document.set_id(place)  # reports an id that the page has already
        line = nodes.paragraph("", "", place)
        self.env.get_domain("std").note_hyperlink_target(  # type: ignore[attr-defined]
            heading.id, self.env.docname, heading.id, heading.text
        )
        if not heading.anchors:
            title = TITLES[heading.topic]
            line += nodes.inline(text=f" · planned: chapter {title}", classes=["planned", "text-muted"])
        for n, anchor in enumerate(heading.anchors):
            line += [nodes.Text(", " if n else " → "), self.link(anchor)]
        return line


class MirrorsDirective(_TableDirective):
    """``{mirrors} momentum``: the lecture headings that a chapter teaches, one line for each lecture."""

    def run(self) -> list[nodes.Node]:
        """Return the list of lectures, each with its headings."""
        topic = self.arguments[0]
        mirrors = nodes.bullet_list(classes=["mirrors"])
        for lecture in self.table().values():
            headings = [heading for heading in lecture.headings if heading.taught_by(topic)]
            if headings:
                mirrors += nodes.list_item("", nodes.paragraph("", "", *self.links(lecture, headings)))
        if not len(mirrors):
            raise self.error(f"no lecture heading has an anchor in the chapter {topic}")
        return [mirrors]

    def links(self, lecture: Lecture, headings: list[Heading]) -> Iterator[nodes.Node]:
        """The lecture's name and its headings, each linked to its place on the lecture's page."""
        yield nodes.strong(text=lecture.name)
        for n, heading in enumerate(headings):
            yield nodes.Text(" · " if n else ": ")
            yield self.link(heading.id, heading.text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives; Sphinx calls this."""
    app.add_directive("lecture", LectureDirective)
    app.add_directive("mirrors", MirrorsDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
