"""Recognise: find the cells of a release in a notebook that has lost its marks, by their text."""

import re

from nbformat import NotebookNode

from .notebooks import marked, same_text

BINDS = re.compile(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=[^=]", re.MULTILINE)
FIRST = 5_000  # characters of a cell in which a name is looked for


def recognise(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> dict[str, NotebookNode]:
    """Which of ``cells`` are those of the release: ``known``, by name and in order. Those that are not found are left out.

    A cell is found by its text, as it was released; an answer in code by the name that it defines, the last one that does, as when the
    notebook runs; a written answer by its place, after the cell that asks for it.
    """
    found: dict[str, NotebookNode] = {}
    used: set[int] = set()

    def take(name: str, number: int) -> None:
        found[name] = cells[number]
        used.add(number)

    def free(name: str) -> list[int]:
        return [n for n, cell in enumerate(cells) if n not in used and cell.cell_type == known[name].cell_type]

    for name, cell in known.items():
        same = next((number for number in free(name) if same_text(cells[number].source, cell.source)), None)
        if same is not None:
            take(name, same)
    names, bound = list(known), [_binds(cell) if cell.cell_type == "code" else [] for cell in cells]
    for name, cell in known.items():
        if name in found or not marked(cell, "solution"):
            continue
        if cell.cell_type == "code":
            defines = [number for number in free(name) if set(_binds(cell)[:1]) & set(bound[number])]
            if defines:
                take(name, defines[-1])
        elif names.index(name) and (before := found.get(names[names.index(name) - 1])) is not None:
            after = next(number for number, each in enumerate(cells) if each is before) + 1
            if after in free(name):
                take(name, after)
    return found


def _binds(cell: NotebookNode) -> list[str]:
    return [one or other for one, other in BINDS.findall(cell.source[:FIRST])]
