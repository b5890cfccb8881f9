"""Names: which can be a student's, and how a name that anybody may have chosen is shown."""

import re
import unicodedata

from rich.markup import escape

STUDENT = re.compile(r"\w[\w.@+'-]{0,63}")  # safe in a path, in nbgrader's file patterns, and in an e-mail address
LONGEST = 200  # bytes: what is made from a name, such as NAME.html, has to stay under a file system's 255


def sound(name: str) -> bool:
    """Can the student's name stand in paths and in the gradebook?"""
    return STUDENT.fullmatch(name) is not None and len(name.encode()) <= LONGEST


def composed(name: str) -> str:
    """The name with each accent in one character with its letter: a Mac writes them apart."""
    return unicodedata.normalize("NFC", name)


def visible(text: str) -> str:
    """The text with everything spelled out that is not seen, or moves the cursor, or turns the direction of writing."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def shown(text: str) -> str:
    """The text as rich is to print it: it can hold anything that a student wrote."""
    return escape(visible(text))
