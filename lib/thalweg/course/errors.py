"""The errors that the command line tells in one line."""


class CourseError(Exception):
    """Something that the person at the keyboard can put right. The message says what was wrong and what to do."""


class NothingThereError(CourseError):
    """There is nothing to do for one assignment. It is no error while there is something for another."""


class ForeignError(CourseError):
    """The assignment is none of thalweg's, but one of plain nbgrader, say. The others go on."""
