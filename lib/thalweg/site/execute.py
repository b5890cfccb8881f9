"""Execute the book's pages before Sphinx reads them: in parallel, and only those whose text or library has changed.

    python -m thalweg.site.execute [PAGE ...]

jupyter-cache keeps executed pages by their code alone. Here each page is also held against the parts of the library that it imports,
and what these import in turn; when one of them has changed, what the cache has of the page is thrown away.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from .topics import LOADER, blocks

LIBRARY = Path(__file__).resolve().parents[2]  # what stands above the package
MEASUREMENTS = Path("tests/bench")  # tables that take too long to compute in a page
CACHE = Path("_build/.jupyter_cache")
EVERYTHING = "everything"  # what `everything` was when all pages were looked at last stands among their fingerprints under this name
OPTIONS = re.compile(r"\A(?:---\n(?:.*\n)*?---\n|(?::.*\n)+)")  # of a cell, in front of its code
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


def fingerprints(pages: Iterable[Path], kept: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of each page a hash of all that its code depends on, parts of the library, its data, and stored measurements; behind a colon one of the code.

    A page whose code is that of its fingerprint in ``kept`` keeps it: those of a time since when nothing has changed that pages depend on.
    """
    for known in (_text, _file, _offered, _provider, _imported):
        known.cache_clear()  # files may have changed since the last run
    return {str(page): _fingerprint(page, (kept or {}).get(str(page), "")) for page in pages}


def _fingerprint(page: Path, kept: str) -> str:
    code = _code(page)
    own = hashlib.sha256(code.encode()).hexdigest()
    if kept.partition(":")[2] == own:
        return kept
    paths = [path for module in sorted(modules(code)) if (path := _file(module))]
    if any(path.name == "data.py" for path in paths):
        paths += sorted((LIBRARY / "thalweg/datasets").iterdir())
    paths += [path for path in sorted(MEASUREMENTS.glob("*.csv")) if path.stem in code]
    return f"{_hash(paths)}:{own}"


def _hash(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def everything() -> str:
    """A hash of all files that some page could depend on, and one of their names."""
    folders = (LIBRARY / "thalweg").rglob("*.py"), (LIBRARY / "thalweg/datasets").iterdir(), MEASUREMENTS.glob("*.csv")
    paths = [path for folder in folders for path in sorted(folder)]
    return f"{_hash(paths)}:{hashlib.sha256(repr(paths).encode()).hexdigest()}"


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

    found = [Path(f"{name}.md") for name in files(yaml.load(text, LOADER))]
    return [path for path in found if "\nkernelspec:" in path.read_text(encoding="utf-8").partition("\n---\n")[0]]


def _stored() -> dict[str, str]:
    known = CACHE / "library.json"
    return json.loads(known.read_text()) if known.exists() else {}


def executed() -> dict[str, str]:
    """The fingerprint with which each page was executed last."""
    return {page: found for page, found in _stored().items() if page != EVERYTHING}


def main(chosen: list[str] | None = None) -> int:
    """Fill the cache, for the ``chosen`` pages or for all; the exit code is 1 when a page failed."""
    before, library = executed(), everything()
    kept = before if _stored().get(EVERYTHING) == library else {}
    now = fingerprints((page for page in pages() if not chosen or str(page) in chosen), kept)
    if unknown := sorted(set(chosen or ()) - now.keys()):
        print(f"no executable page of the book: {', '.join(unknown)}", file=sys.stderr)
        return 1
    changed = {
        page: now[page].partition(":")[0] == before.get(page, "").partition(":")[0]
        for page in now
        if now[page] != before.get(page)
    }
    failed = []
    if changed:
        from .kernels import run  # takes a second, which an edited sentence need not wait

        failed = run(changed, CACHE)
    others = {
        page: before[page] for page in before if chosen and page not in chosen
    }  # nothing has become known of them
    good = {page: now[page] for page in now if page not in failed}
    whole = {} if chosen else {EVERYTHING: library}
    (CACHE / "library.json").write_text(json.dumps(dict(sorted((others | good | whole).items())), indent=1))
    print(f"{len(good)} of {len(now)} pages are up to date")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
