"""Similarity: which pairs of submissions share code that few others have. A reason to look, never a verdict.

The fingerprints are those of winnowing (Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document
Fingerprinting", SIGMOD 2003): of all runs of ``RUN`` tokens the one with the smallest hash in each window of ``WINDOW``. Every
shared piece of ``RUN + WINDOW - 1`` tokens is found. Variables have no name in it, so renaming them hides nothing.
"""

import builtins
import io
import keyword
import tokenize
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from nbformat import NotebookNode

from .folders import Course
from .guard import Fault, attempt
from .intake import Submission, submissions, take_in
from .notebooks import UnreadableError, grade_id, marked, read_release, same_text
from .restore import restore

RUN, WINDOW = 12, 6
SHARE = 0.8  # of the smaller submission's fingerprints
LEAST = 20  # shared fingerprints that few others have, about 80 tokens: a function of three lines has 10
FEW = 4  # submissions; what stands in more is everybody's
MOST = 20_000  # tokens of one submission, and LONGEST characters: what is longer was not written by hand
LONGEST = 100_000
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}


@dataclass(frozen=True)
class Pair:
    """Two submissions with ``shared`` fingerprints in common, which is ``share`` of the smaller one's."""

    one: str
    other: str
    shared: int
    share: float


def tokens(source: str) -> list[str]:
    """The source without comments, strings and names of variables. What Python cannot read ends it early."""
    found: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source[:LONGEST]).readline):
            if len(found) >= MOST:
                break
            if token.type in SILENT:
                continue
            known = keyword.iskeyword(token.string) or hasattr(builtins, token.string) or found[-1:] == ["."]
            if token.type == tokenize.NAME and not known:
                found.append("name")
            elif token.type == tokenize.STRING:
                found.append("string")
            else:
                found.append(token.string.strip() or ";")
    except (tokenize.TokenError, SyntaxError, RecursionError):
        pass
    return found


def fingerprints(source: str) -> set[int]:
    """The fingerprints of one cell."""
    return _fingerprints(tokens(source))


def _fingerprints(words: list[str]) -> set[int]:
    hashes = [zlib.crc32(" ".join(words[at : at + RUN]).encode()) for at in range(len(words) - RUN + 1)]
    return {min(hashes[at : at + WINDOW]) for at in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1)))}


def pairs(prints: Mapping[str, set[int]]) -> list[Pair]:
    """The pairs to look at, the closest first: nearly all code is the same, and much of it in few others; or simply all is.

    The ordinary ways to write an answer in three lines are everybody's, and any two students share some of them.
    """
    spread = Counter(mark for marks in prints.values() for mark in marks)
    own = {student: {mark for mark in marks if spread[mark] <= FEW} for student, marks in prints.items()}
    found = []
    for one, other in combinations(sorted(prints), 2):
        rare = prints[one] if prints[one] == prints[other] else own[one] & own[other]
        if len(rare) >= LEAST:
            shared = len(prints[one] & prints[other])
            found.append(Pair(one, other, shared, shared / min(len(prints[one]), len(prints[other]))))
    close = [pair for pair in found if pair.share >= SHARE]
    return sorted(close, key=lambda pair: (-pair.share, -pair.shared, pair.one, pair.other))


def similar(course: Course, assignment: str) -> tuple[list[Pair], dict[str, str]]:
    """The pairs of submissions of ``assignment`` to look at, and who could not be compared, with the reason."""
    release = read_release(course.release(assignment))
    code = [cell for cell in release.cells if cell.cell_type == "code"]
    given = {mark for cell in code for mark in fingerprints(cell.source)}
    blank = [cell.source for cell in code if grade_id(cell)]
    prints: dict[str, set[int]] = {}
    failed: dict[str, str] = {}
    for submission in submissions(course, assignment):
        marks = attempt(course, submission.student, _prints, submission, assignment, release, blank)
        if isinstance(marks, Fault):
            failed[marks.student] = marks.reason
        else:
            prints[submission.student] = marks - given
    return pairs(prints), failed


def _prints(submission: Submission, assignment: str, release: NotebookNode, blank: list[str]) -> set[int]:
    """The fingerprints of what a student wrote; none of a notebook that cannot be read, which says so elsewhere."""
    try:
        notebook = restore(take_in(submission, assignment).notebook, release)[0]
    except UnreadableError:
        return set()
    found: set[int] = set()
    room, left = MOST, LONGEST
    for cell in notebook.cells:
        own = cell.cell_type == "code" and (marked(cell, "solution") or not grade_id(cell))
        if own and min(room, left) > 0 and not any(same_text(cell.source, stub) for stub in blank):
            words = tokens(cell.source[:left])[:room]
            room, left = room - len(words), max(left - len(cell.source), 0)  # comments are no words, and take time too
            found |= _fingerprints(words)
    return found
