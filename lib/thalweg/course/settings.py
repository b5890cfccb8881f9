"""nbgrader's settings for this course: one place for our commands and for stock nbgrader (nbgrader_config.py)."""

import os
import sysconfig
from pathlib import Path

from traitlets.config import Config

from .folders import Course
from .harmless import AUTOGRADE
from .rubric import FEEDBACK

COURSE_ID = "thalweg"
CELL_TIMEOUT = 60  # seconds that one cell may run


def nbgrader_settings(root: Path, timeout: int = CELL_TIMEOUT) -> Config:
    """The configuration of nbgrader for the course folder ``root``; a cell is stopped after ``timeout`` seconds."""
    # nbgrader calls alembic by its bare name, which fails in a virtual environment that is not activated
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, [scripts, os.environ.get("PATH")]))
    config = Config()
    config.CourseDirectory.root = str(Path(root).absolute())
    config.CourseDirectory.course_id = COURSE_ID
    if (database := Course(root).database) is not None:
        config.CourseDirectory.db_url = database
    config.Execute.timeout = timeout
    config.Execute.interrupt_on_timeout = True  # the cells below still run
    config.Execute.extra_arguments = ["--log-level=40"]  # at each start the kernel warns that it listens on loopback
    config.GenerateFeedback.preprocessors = FEEDBACK
    config.Autograde.autograde_preprocessors = AUTOGRADE
    return config
