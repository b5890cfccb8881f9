"""Pages: what all HTML pages share. Everything is escaped; nothing is loaded from elsewhere."""

from math import ceil
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

PARTS = {
    "values": "Values of a single call",
    "steps": "Several steps in a row",
    "test_time": "Values at test time",
    "edges": "Edge cases",
    "form": "Shape and kind of number",
    "untouched": "Arguments left as they were",
}


def late_words(seconds: float) -> str:
    """How late something was: "2 days 3 h"."""
    minutes = ceil(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    named = [f"{days} day{'s' if days > 1 else ''}" if days else "", f"{hours} h" if hours else ""]
    return " ".join(filter(None, [*named, f"{minutes} min" if minutes and not days else ""]))


_templates = Environment(
    loader=PackageLoader("thalweg.course"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["points"] = lambda points: f"{points:.4g}"
_templates.filters["mean"] = lambda points: f"{points:.1f}"
_templates.filters["part"] = lambda part: PARTS.get(part, part)
_templates.filters["late"] = late_words
_templates.filters["title"] = lambda assignment: assignment.replace("_", " ").capitalize()


def page(template: str, **values: Any) -> str:
    """The page that ``templates/template`` makes of ``values``."""
    # names of files can hold half characters, which no page can
    return _templates.get_template(template).render(**values).encode("utf-8", "replace").decode("utf-8")
