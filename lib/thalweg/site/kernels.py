"""Run pages, in parallel, and keep what they print where myst-nb looks for it."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import ProjectNb
from jupyter_cache.executors.basic import ExecutionWorkerLocalMProc, JupyterExecutorLocalMproc, ProcessData
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from jupyter_cache.readers import get_reader

TIMEOUT = 600  # seconds a cell; on a busy machine pages run at a third of their speed
PAGE = {"name": "myst_nb_md", "type": "plugin"}


class _Worker(ExecutionWorkerLocalMProc):
    """Joins what a cell prints in several pieces. (myst-nb would put a line's end between two of them.)"""

    @staticmethod
    def execute(project_nb: ProjectNb, data: ProcessData) -> ExecutionResult:
        """Execute one page in the folder that it stands in."""
        options = {"timeout": data.timeout, "allow_errors": data.allow_errors, "coalesce_streams": True}
        options["extra_arguments"] = [
            "--log-level=ERROR"
        ]  # a kernel warns that its port on this machine is not encrypted
        return single_nb_execution(project_nb.nb, cwd=str(Path(project_nb.uri).parent), **options)


class _Executor(JupyterExecutorLocalMproc):
    """Executes pages in parallel, each in a process of its own."""

    _EXECUTION_WORKER = _Worker


def run(pages: Mapping[str, bool], folder: Path) -> list[str]:
    """Execute those of the ``pages`` that the cache in ``folder`` does not know; the value says whether what it knows of one still holds.

    Returns the pages that failed, after printing why.
    """
    cache, read = get_cache(str(folder)), get_reader(PAGE)
    waiting = []
    for page, holds in pages.items():
        place = str(Path(page).absolute())
        try:
            cached = cache.match_cache_notebook(read(place))
        except KeyError:
            cached = None
        if cached and not holds:
            cache.remove_cache(cached.pk)
        if not cached or not holds:
            waiting.append(cache.add_nb_to_project(place, read_data=PAGE))
    if not waiting:
        return []
    print(f"executing {', '.join(Path(record.uri).stem for record in waiting)}", flush=True)
    executor = _Executor(cache, logger=logging.getLogger("jupyter_cache"))
    result = executor.run_and_cache(filter_pks=[record.pk for record in waiting], timeout=TIMEOUT)
    failed = [*result.excepted, *result.errored]
    for uri in failed:
        print(f"{uri} failed:\n{cache.get_project_record(uri).traceback}", file=sys.stderr)
    return [str(Path(uri).relative_to(Path.cwd())) for uri in failed]
