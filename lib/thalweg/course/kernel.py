"""A student's own notebook, run in a Jupyter kernel on the student's own machine. Grading does not use this."""

from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import preprocessors


class Execute(preprocessors.Execute):
    """nbgrader's, but a kernel that is lost costs only the cells that it has not run."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, **kwargs: Any
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run the notebook; every cell that could not run gets an error that says so."""
        try:
            return super().preprocess(nb, resources, **kwargs)
        except (DeadKernelError, CellTimeoutError) as error:
            code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
            for cell in code[max(self.code_cells_executed - 1, 0) :]:
                cell.outputs = [new_output("error", ename=type(error).__name__, evalue="", traceback=[])]
            return nb, resources
