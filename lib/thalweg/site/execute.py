"""Execute the book's pages before Sphinx reads them: in parallel, and only those whose text or library has changed.

    python -m thalweg.site.execute [PAGE ...]

jupyter-cache keeps executed pages by their code alone. Here each page is also held against the parts of the library that it imports,
and what these import in turn; when one of them has changed, what the cache has of the page is thrown away.
"""

import ast
import hashlib
import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import ProjectNb
from jupyter_cache.executors.basic import ExecutionWorkerLocalMProc, JupyterExecutorLocalMproc, ProcessData
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from jupyter_cache.readers import get_reader

from .topics import blocks

LIBRARY = Path(__file__).resolve().parents[2]  # what stands above the package
MEASUREMENTS = Path("tests/bench")  # tables that take too long to compute in a page
CACHE = Path("_build/.jupyter_cache")
TIMEOUT = 600  # seconds a cell; on a busy machine pages run at a third of their speed
OPTIONS = re.compile(r"\A(?:---\n(?:.*\n)*?---\n|(?::.*\n)+)")  # of a cell, in front of its code
PAGE = {"name": "myst_nb_md", "type": "plugin"}
_parsed = cache(ast.parse)  # by the source: every page asks for the same modules


# What follows is kept while the pages of one run are looked at, since all of them ask for the same: see `fingerprints`.


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _file(module: str) -> Path | None:
    """Where a module of the library stands; None for a module of others, or a name that is no module."""
    stem = LIBRARY / module.replace(".", "/")
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


@cache
def _offered(module: str) -> set[str]:
    """The names in the ``__all__`` of a module, which ``import *`` takes over; none where it has no such list."""
    path = _file(module)
    for node in _parsed(_text(path)).body if path else []:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


@cache
def _provider(package: str, name: str) -> str:
    """The module that defines what is imported as ``name`` from ``package``: one that its __init__ takes it from, or a submodule."""
    path = _file(package)
    if path and path.name == "__init__.py":
        for node in _parsed(_text(path)).body:
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                module, names = f"{package}.{node.module}", {alias.name for alias in node.names}
                if name in names or ("*" in names and name in _offered(module)):
                    return module
    return f"{package}.{name}" if _file(f"{package}.{name}") else package


@cache
def _imported(source: str, package: str = "") -> tuple[str, ...]:
    """The modules that a source imports. Of a whole package that is only used as ``alias.name``, those that define the names."""
    return tuple(_found(_parsed(source), package))


def _found(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                found = _provider(origin, alias.name)
                path = _file(found)
                if path and path.name == "__init__.py" and found != origin:
                    yield from _used(tree, alias.asname or alias.name, found)
                else:
                    yield found


def _used(tree: ast.AST, name: str, package: str) -> Iterator[str]:
    """The modules behind every ``name.attribute``; the whole package where the name is used in another way."""
    attributes = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    mine = [n for n in attributes if n.value.id == name]  # type: ignore[attr-defined]
    uses = sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))
    if uses > len(mine):
        path = _file(package)
        assert path is not None
        yield from (f"{package}.{module.stem}" for module in path.parent.glob("*.py"))
    yield from {_provider(package, n.attr) for n in mine}


def modules(source: str, package: str = "") -> set[str]:
    """The modules of the library that ``source`` depends on, directly or through others."""
    found: set[str] = set()
    waiting = list(_imported(source, package))
    while waiting:
        module = waiting.pop()
        path = _file(module)
        if module.startswith("thalweg") and path and module not in found:
            found.add(module)
            inside = module if path.name == "__init__.py" else module.rpartition(".")[0]
            waiting += _imported(_text(path), inside)
    return found


def _code(page: Path) -> str:
    """What the page runs, without its cells' options. (jupytext takes 70 ms to read a chapter.)"""
    found = blocks(page.read_text(encoding="utf-8"), "code-cell")
    cells = [OPTIONS.sub("", "\n".join(lines)).strip() for _, lines in found]
    return "\n".join(cell for cell in cells if not cell.startswith("%"))


def fingerprints(pages: Iterable[Path]) -> dict[str, str]:
    """Of each page a hash of all that its code depends on, parts of the library, its data, and stored measurements; behind a colon one of the code."""
    for kept in (_text, _file, _offered, _provider, _imported):
        kept.cache_clear()  # files may have changed since the last run
    return {str(page): _fingerprint(page) for page in pages}


def _fingerprint(page: Path) -> str:
    code = _code(page)
    paths = [path for module in sorted(modules(code)) if (path := _file(module))]
    if any(path.name == "data.py" for path in paths):
        paths += sorted((LIBRARY / "thalweg/datasets").iterdir())
    paths += [path for path in sorted(MEASUREMENTS.glob("*.csv")) if path.stem in code]
    needed, own = (
        hashlib.sha256(data).hexdigest() for data in (b"".join(p.read_bytes() for p in paths), code.encode())
    )
    return f"{needed}:{own}"


def pages() -> list[Path]:
    """The executable pages that the table of contents names."""
    text = Path("_toc.yml").read_text(encoding="utf-8")

    def files(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (value for key, value in node.items() if key in ("file", "root"))
            node = list(node.values())
        if isinstance(node, list):
            for value in node:
                yield from files(value)

    found = [Path(f"{name}.md") for name in files(yaml.safe_load(text))]
    return [path for path in found if "\nkernelspec:" in path.read_text(encoding="utf-8").partition("\n---\n")[0]]


def executed() -> dict[str, str]:
    """The fingerprint with which each page was executed last."""
    known = CACHE / "library.json"
    return json.loads(known.read_text()) if known.exists() else {}


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


def main(chosen: list[str] | None = None) -> int:
    """Fill the cache, for the ``chosen`` pages or for all; the exit code is 1 when a page failed."""
    cache, read = get_cache(str(CACHE)), get_reader(PAGE)
    before, waiting = executed(), []
    now = fingerprints(page for page in pages() if not chosen or str(page) in chosen)
    if unknown := sorted(set(chosen or ()) - now.keys()):
        print(f"no executable page of the book: {', '.join(unknown)}", file=sys.stderr)
        return 1
    for page in now:
        known = before.get(page, "")
        if now[page] == known:
            continue
        place = str(Path(page).absolute())
        try:
            cached = cache.match_cache_notebook(read(place))
        except KeyError:
            cached = None
        same = now[page].partition(":")[0] == known.partition(":")[0]
        if cached and not same:
            cache.remove_cache(cached.pk)
        if not cached or not same:
            waiting.append(cache.add_nb_to_project(place, read_data=PAGE))
    failed = []
    if waiting:
        print(f"executing {', '.join(Path(record.uri).stem for record in waiting)}", flush=True)
        executor = _Executor(cache, logger=logging.getLogger("jupyter_cache"))
        result = executor.run_and_cache(filter_pks=[record.pk for record in waiting], timeout=TIMEOUT)
        failed = [*result.excepted, *result.errored]
        for uri in failed:
            print(f"{uri} failed:\n{cache.get_project_record(uri).traceback}", file=sys.stderr)
            del now[str(Path(uri).relative_to(Path.cwd()))]
    others = {
        page: before[page] for page in before if chosen and page not in chosen
    }  # nothing has become known of them
    (CACHE / "library.json").write_text(json.dumps(dict(sorted((others | now).items())), indent=1))
    print(f"{len(now)} of {len(now) + len(failed)} pages are up to date")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
