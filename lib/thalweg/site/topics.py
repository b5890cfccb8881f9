"""The book's topics in the order in which they are read, as their chapters' front matter describes them.

A chapter that teaches a topic says in its front matter what the pages that show all topics need to know of it::

    thalweg:
      card: One sentence that says what it is about.
      needs: [momentum]           # the topics that are read first; empty where nothing is
      minutes: {core: 25, all: 60}
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sphinx.environment import BuildEnvironment

COLLECTS = "collects"  # where a page's metadata say that it shows what the chapters say of themselves
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
SHOWS = "shows"  # where a page's metadata keep which other pages' numbers and drawings it shows


def shows(env: BuildEnvironment, file: str) -> None:
    """Note that the page that is being read shows something that the page ``file`` has computed: it is read again when that was executed anew."""
    env.metadata[env.docname].setdefault(SHOWS, []).append(file)


@dataclass(frozen=True)
class Topic:
    """One chapter: its name, its file without ending, its title, the part it stands in, and its number in the book, from 1."""

    name: str
    file: str
    title: str
    part: str
    number: int
    card: str
    needs: tuple[str, ...]
    core: int  # minutes to read the core, and everything
    minutes: int


def topics(root: Path = Path()) -> list[Topic]:
    """The topics of the book in the folder ``root``. Raises ValueError for a front matter that lacks something."""
    toc = yaml.load((root / "_toc.yml").read_text(encoding="utf-8"), LOADER)
    found: list[Topic] = []
    for part, file in _files(toc):
        path = root / f"{file}.md"
        said, title = _head(path)
        if said is not None:
            found.append(_topic(path, file, said, title, part, len(found) + 1))
    names = [topic.name for topic in found]
    for topic in found:
        for name in topic.needs:
            if name not in names:
                raise ValueError(f"{topic.name} needs {name!r}, which is no topic of the book ({', '.join(names)})")
    return found


def blocks(text: str, directive: str) -> Iterator[tuple[str, list[str]]]:
    """The argument and the lines of each ``directive`` in a page's text, whether it is fenced by backticks or by colons."""
    block = re.compile(rf"^(`{{3,}}|:{{3,}})\{{{directive}\}}[ \t]*(.*)\n((?:.*\n)*?)\1[ \t]*$", re.MULTILINE)
    for _, argument, body in block.findall(text):
        yield argument.strip(), body.splitlines()


def said(root: Path) -> str:
    """A hash of all that the chapters say of themselves: their front matter, terms and results. The pages that show it are read again
    when it changes, and not with every sentence."""
    book = topics(root)
    texts = [(root / f"{topic.file}.md").read_text(encoding="utf-8") for topic in book]
    found = [[*blocks(text, "defined"), *blocks(text, "results")] for text in texts]
    return hashlib.sha256(repr((book, found)).encode()).hexdigest()


def _files(toc: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each chapter with the part that it stands in."""
    for part in toc.get("parts", ()):
        for chapter in part["chapters"]:
            yield part["caption"], chapter["file"]


def _head(path: Path) -> tuple[dict[str, Any] | None, str]:
    """What the front matter of the page says about its topic, and the page's title."""
    text = path.read_text(encoding="utf-8")
    matter = text.split("\n---\n", 1)[0].removeprefix("---\n") if text.startswith("---\n") else ""
    title = next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), path.stem)
    return (yaml.load(matter, LOADER) or {}).get("thalweg"), title


def _topic(path: Path, file: str, said: dict[str, Any], title: str, part: str, number: int) -> Topic:
    try:
        minutes = said["minutes"]
        needs = tuple(said["needs"])
        return Topic(
            path.stem, file, title, part, number, str(said["card"]), needs, int(minutes["core"]), int(minutes["all"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: its front matter needs thalweg: card, needs and minutes (core, all): {error}"
        ) from error
