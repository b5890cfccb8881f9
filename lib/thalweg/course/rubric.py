"""Rubric: what the source says about an answer that a person grades, shown beside that answer in the formgrader.

The formgrader displays the autograded notebook, so the rubric is put there, after the notebook has run. Neither the release nor any
feedback has it: nbgrader's own feedback is made without these cells.
"""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

from .notebooks import grade_id, marked

MARK = "thalweg-rubric"
FEEDBACK = [  # nbgrader's own, with ours between them
    "nbgrader.preprocessors.GetGrades",
    f"{__name__}.DropRubric",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]


def rubrics(source: NotebookNode) -> dict[str, str]:
    """The model answer with its rubric for each cell of ``source`` that a person grades."""
    return {grade_id(cell): cell.source for cell in source.cells if marked(cell, "grade") and marked(cell, "solution")}


def with_rubrics(notebook: NotebookNode, found: dict[str, str]) -> NotebookNode:
    """The notebook with each rubric above the answer that it is for, as the formgrader is to display it."""
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        if text := found.get(grade_id(cell)):
            words = f"*For the grader: model answer and rubric. Students do not see this.*\n\n{text}"
            quoted = "\n".join(f"> {line}" for line in words.splitlines())
            cells.append(new_markdown_cell(quoted, id=f"rubric-{len(cells)}", metadata={"tags": [MARK]}))
        if not _is_rubric(cell):
            cells.append(cell)
    return NotebookNode(notebook, cells=cells)


def _is_rubric(cell: NotebookNode) -> bool:
    return MARK in cell.metadata.get("tags", []) and not grade_id(cell)


class DropRubric(NbGraderPreprocessor):
    """Leaves the rubric out of nbgrader's own feedback."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """The notebook without the cells that :func:`with_rubrics` put there."""
        nb.cells = [cell for cell in nb.cells if not _is_rubric(cell)]
        return nb, resources
