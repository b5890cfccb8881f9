"""Settings for nbgrader's own commands, run here: the same as those of `thalweg`."""

from pathlib import Path

from thalweg.course.settings import nbgrader_settings

c = get_config()  # noqa: F821  nbgrader defines it
c.merge(nbgrader_settings(Path(__file__).parent / "_build" / "course"))
