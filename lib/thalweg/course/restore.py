"""Restore: a sound notebook from the release's cells and the student's answers."""

import copy
from collections import defaultdict

from nbformat import NotebookNode

from .notebooks import UnreadableError, grade_id, marked, same_text
from .recognise import recognise

Named = dict[str, NotebookNode]
FOREIGN = (
    "This is the notebook of something else: hardly a cell of the assignment is in it. "
    "Copy your answers into the notebook that you were given and hand that one in."
)
LOST = "The cells had lost the marks by which they are found. They were found by their text."


def restore(submitted: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The notebook to grade, and a remark for each repair.

    Every cell that nbgrader knows stands there once, in the release's order: answers with the student's text, all others
    with the release's. The student's own cells stay behind the cell that they followed.

    Raises UnreadableError when it is the notebook of something else.
    """
    submitted = NotebookNode(
        cells=[NotebookNode(cell) for cell in submitted.cells]
    )  # what follows changes no cell's inside
    known = {name: cell for cell in release.cells if (name := grade_id(cell))}
    by_text = _by_text(submitted, known)
    copies: dict[str, list[NotebookNode]] = defaultdict(list)
    for cell in submitted.cells:
        if (name := grade_id(cell)) in known:
            copies[name].append(cell)
    chosen = {name: _choose(found, known[name]) for name, found in copies.items()}
    own = _own_cells(submitted, known, chosen)

    cells: list[NotebookNode] = []
    waiting = own[""]
    for name, cell in known.items():
        # A grading cell comes after the code that it grades. Another cell that had been deleted comes before the
        # student's own cells: they may need what it defines, or replace it.
        if name in chosen or marked(cell, "grade"):
            cells, waiting = cells + waiting, []
        cells.append(_answered(cell, chosen.get(name)))
        waiting = waiting + own[name]
    cells += waiting
    for number, cell in enumerate(cells, 1):
        if not grade_id(cell):
            cell.id = f"own-{number}"
    order = [name for cell in submitted.cells if chosen.get(name := grade_id(cell)) is cell]
    # by hand: nbformat's own function checks each cell against a schema, which takes longer than to restore it
    made = NotebookNode(nbformat=4, nbformat_minor=5, metadata=copy.deepcopy(release.metadata), cells=cells)
    return made, [
        *([LOST] if by_text else []),
        *_remarks(known, copies, chosen, order),
    ]


def _by_text(submitted: NotebookNode, known: Named) -> bool:
    """Mark the cells anew, by their text, when no mark of the release is left. Raises UnreadableError when it is another's notebook.

    A few marks in common are no proof: assignments share names such as "written".
    """
    answers = {name for name, cell in known.items() if marked(cell, "solution")}
    marks = {name for cell in submitted.cells if (name := grade_id(cell)) in known}
    if marks and (2 * len(marks) >= len(known) or not _of_another(submitted, known)):
        return False
    found = {} if marks else recognise(submitted.cells, known)
    if not found or 2 * len(answers & set(found)) < len(answers):
        raise UnreadableError(FOREIGN)
    for name, cell in found.items():
        cell.metadata = NotebookNode(nbgrader=NotebookNode(grade_id=name))
    return True


def _of_another(submitted: NotebookNode, known: Named) -> bool:
    """Does it have more cells that are marked as another assignment's than as this one's?"""
    names = {name for cell in submitted.cells if (name := grade_id(cell))}
    return len(names - set(known)) > len(names & set(known))


def _choose(copies: list[NotebookNode], released: NotebookNode) -> NotebookNode:
    """Of an answer the first copy that was filled in; of a locked cell the first that is as released; else the first."""
    answer = marked(released, "solution")
    return next((found for found in copies if same_text(found.source, released.source) != answer), copies[0])


def _own_cells(submitted: NotebookNode, known: Named, chosen: Named) -> dict[str, list[NotebookNode]]:
    """The student's own cells, by the known cell that they follow. A further copy that was edited becomes one of them."""
    own: dict[str, list[NotebookNode]] = defaultdict(list)
    last = ""
    for cell in submitted.cells:
        name = grade_id(cell)
        if name not in known:
            own[last].append(cell)
        elif chosen[name] is cell:
            last = name
        elif not same_text(cell.source, known[name].source):
            own[last].append(cell)
    for cells in own.values():
        for cell in cells:
            cell.metadata = NotebookNode()  # no names, no tags: ordinary cells
    return own


def _answered(released: NotebookNode, submitted: NotebookNode | None) -> NotebookNode:
    cell = copy.deepcopy(released)
    if submitted is not None and marked(cell, "solution"):
        cell.source = submitted.source
        if cell.cell_type == "markdown" and "attachments" in submitted:
            cell.attachments = submitted.attachments
    return cell


def _remarks(known: Named, copies: dict[str, list[NotebookNode]], chosen: Named, order: list[str]) -> list[str]:
    remarks = []
    for name, cell in known.items():
        answer = marked(cell, "solution")
        found = copies.get(name, [])
        if not found:
            remarks.append(
                f"The cell {name} was missing. It was put back" + (", without an answer." if answer else ".")
            )
            continue
        if len(found) > 1:
            which = "The first one that you had filled in counts." if answer else "One of them counts."
            remarks.append(f"The cell {name} was there {len(found)} times. {which}")
        if chosen[name].cell_type != cell.cell_type:
            remarks.append(
                f"The cell {name} had become a {chosen[name].cell_type} cell. It is a {cell.cell_type} cell again."
            )
        if not answer and not same_text(chosen[name].source, cell.source):
            remarks.append(f"The locked cell {name} had been changed. It was put back as it was released.")
    if order != [name for name in known if name in chosen]:
        remarks.append("The order of the cells had been changed. It was put back as it was released.")
    return remarks
