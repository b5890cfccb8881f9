"""Sphinx extension: what a chapter shows from the library and the assignment.

``{reference} thalweg.numpy.Momentum.step``
    the source of a class, method or function, as the tests run it, without its docstring.

``{exercise} momentum.heavy_ball``
    an exercise of the chapter's assignment: its points come from the library, its hints from the page; its number, its title, what is
    asked in full, and the stub that can be solved in the page, from the released assignment.
``{exercises} momentum``
    the table of an assignment's exercises, each with a box to tick once its check has passed.
``{measured}`momentum/steps_1000` ``
    a number that the chapter momentum keeps under that name with ``figures.measured``, on any other page.
"""

import ast
import html
import inspect
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from myst_nb.ext.glue import crossref
from myst_nb.ext.glue.utils import create_pending_glue_ref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from thalweg.exercises import exercise, topics
from thalweg.exercises.exercise import Exercise

from . import run
from .topics import shows


def source_of(name: str) -> tuple[str, str]:
    """Source of the object called ``name``, less its docstring, and the file it stands in. Raises ValueError if there is none."""
    parts = name.split(".")
    try:
        found: Any = import_module(".".join(parts[:2]))
        for part in parts[2:]:
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no {name} to show: {error}") from error
    source = textwrap.dedent(inspect.getsource(found))
    node = ast.parse(source).body[0]
    if ast.get_docstring(node):  # type: ignore[arg-type]
        text = node.body[0]  # type: ignore[attr-defined]
        lines = source.splitlines(keepends=True)
        source = "".join(lines[: text.lineno - 1] + lines[text.end_lineno :])
    return source, str(inspect.getsourcefile(found))


class ReferenceDirective(SphinxDirective):
    """A block of code from the library."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw the block; the page is read again when the library's file changes."""
        try:
            source, path = source_of(self.arguments[0])
        except ValueError as error:
            raise self.error(str(error)) from error
        self.env.note_dependency(path)
        block = nodes.literal_block(source, source, language="python")
        return [nodes.container("", block, classes=["tw-reference"])]


class ExerciseDirective(SphinxDirective):
    """A titled box whose body is what the page says about the exercise."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw the box. An unknown exercise is an error that lists the known ones."""
        name = self.arguments[0]
        try:
            asked = exercise(name)
        except ValueError as error:
            raise self.error(str(error)) from error
        topic = name.partition(".")[0]
        notebook = Path(self.env.app.confdir) / run.ASSIGNMENTS / topic / f"{topic}.ipynb"
        try:
            said, editor = run.statement(notebook, name), run.editor(notebook, name)
        except (FileNotFoundError, ValueError) as error:
            raise self.error(f"{error}; release the assignment first: make release") from error
        label = nodes.make_id(f"exercise-{name}")
        self.env.get_domain("std").note_hyperlink_target(  # type: ignore[attr-defined]
            label, self.env.docname, label, f"{said.number}. {said.title}"
        )
        box = nodes.container(ids=[label], classes=["tw-exercise"])
        title = nodes.paragraph(classes=["tw-exercise-title"])
        title += nodes.strong(text=f"{said.number}. {said.title}")
        title += nodes.Text(f" ({asked.points:g} points)  ")
        title += nodes.literal(text=asked.answer_name)
        box += title
        in_full = [":::{dropdown} The exercise in full", *said.text, ":::", ""]
        hints = next((i for i, line in enumerate(self.content) if line.startswith(":::")), len(self.content))
        lines = [*self.content[:hints], *in_full, *self.content[hints:]]
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, box)
        box += editor
        self.env.note_dependency(str(notebook))
        return [box]


def difficulty(asked: Exercise) -> str:
    """How hard an exercise is, in a word: its points say it."""
    return "easier" if asked.points <= 3 else "medium" if asked.points < 4.5 else "harder"


def assignment(text: str) -> tuple[int, float]:
    """The minutes that an assignment's text asks for, and all of its points. Raises ValueError where it names none."""
    minutes = re.search(r"about\s+(\d+)\s+minutes", text)
    points = [float(number) for number in re.findall(r"\bpoints: ([\d.]+)", text)]
    if not minutes or not points:
        raise ValueError("an assignment says 'about N minutes' in its text, and its graded cells have points")
    return int(minutes[1]), sum(points)


class ExercisesDirective(SphinxDirective):
    """One assignment's exercises in order: what kind, how many points, how hard, how long."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw the table. The time of an exercise is its share, by points, of the assignment's, to five minutes."""
        topic = self.arguments[0]
        if topic not in topics():
            raise self.error(f"there are no exercises on {topic!r}; there are on {', '.join(topics())}")
        module = import_module(f"thalweg.exercises.{topic}")
        source = Path(self.env.srcdir) / f"solutions/{topic}.md"
        try:
            minutes, total = assignment(source.read_text(encoding="utf-8"))
        except ValueError as error:
            raise self.error(f"{source.name}: {error}") from error
        self.env.note_dependency(str(source))
        self.env.note_dependency(str(module.__file__))
        lines = ["| Passed | Exercise | Kind | Points | Difficulty | Minutes |", "|---|---|---|---|---|---|"]
        notebook = Path(self.env.app.confdir) / run.ASSIGNMENTS / topic / f"{topic}.ipynb"
        for name, asked in module.EXERCISES.items():
            label = nodes.make_id(f"exercise-{name}")
            found = run.statement(notebook, name)
            title = f"{found.number}. {found.title}"
            said = html.escape(f"Passed: {title}")
            box = f'<input type="checkbox" class="tw-passed" value="{name}" aria-label="{said}" hidden>'
            time = max(5, 5 * round(minutes * asked.points / total / 5))
            kind = {"code": "function", "experiment": "experiment"}[asked.kind]
            lines.append(
                f"| {box} | {{ref}}`{title} <{label}>` | {kind} | {asked.points:g} | {difficulty(asked)} | {time} |"
            )
        table = nodes.container(classes=["tw-exercises"])
        self.state.nested_parse(StringList(lines, source=str(source)), self.content_offset, table)
        return [table]


class MeasuredRole(SphinxRole):
    """A number from another chapter, in the running text. One that the chapter does not keep is a build warning."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a mark that is replaced once all chapters have run."""
        chapter, _, key = self.text.partition("/")
        page = f"/chapters/{chapter}.md"
        source, line = self.get_source_info()
        mark = create_pending_glue_ref(
            self.inliner.document, source, line, page, key, inline=True, gtype="text", fmt_spec=""
        )
        shows(self.env, f"chapters/{chapter}")
        return [mark], []


def _as_it_is(text: str, form: str) -> str:
    return text


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("reference", ReferenceDirective)
    app.add_directive("exercise", ExerciseDirective)
    app.add_directive("exercises", ExercisesDirective)
    app.add_role("measured", MeasuredRole())
    crossref.format_plain_text = _as_it_is  # myst-nb reads it as Python: "1, 6, 4" became a tuple, and "0.50" 0.5
    return {"env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
