"""nbgrader's converters, run as functions that say why they failed."""

from typing import Any

from nbgrader.converters import BaseConverter
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config


def convert(converter: type[BaseConverter], config: Config) -> Exception | None:
    """Run ``converter`` over what ``config.CourseDirectory`` names, replacing earlier results. Returns what stopped it, or None."""
    failures: list[Exception] = []

    class Remembering(converter):  # type: ignore[valid-type, misc]
        """nbgrader logs an error's cause and then raises without it."""

        def init_assignment(self, *args: Any) -> None:
            try:
                super().init_assignment(*args)
            except Exception as error:
                failures.append(error)
                raise

        def convert_single_notebook(self, *args: Any) -> None:
            try:
                super().convert_single_notebook(*args)
            except Exception as error:
                failures.append(error)
                raise

    try:
        Remembering(coursedir=CourseDirectory(config=config), config=config, force=True).start()
    except NbGraderException as error:
        return failures[0] if failures else error
    return None
