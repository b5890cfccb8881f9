"""The larger books on which growth is measured: every copied topic is one of its own."""

import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from thalweg.site.topics import blocks, topics

ROOT = Path(__file__).parents[2]
EACH = """
import thalweg.numpy, thalweg.torch
from importlib import import_module
from thalweg.exercises import key, topics
for topic in topics():
    for name in import_module(f"thalweg.exercises.{topic}").EXERCISES:
        assert name.startswith(topic + ".") and key(name).mistakes
"""


def module(name):
    """A file of the bench."""
    spec = spec_from_file_location(name, ROOT / f"tests/bench/{name}.py")
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_a_copied_topic_shares_no_name_with_another(tmp_path):
    few = len(topics(ROOT))
    book = module("growth").book(tmp_path / "book", few + 2, executed=False)
    assert len(topics(book)) == few + 2

    texts = [(book / f"{topic.file}.md").read_text(encoding="utf-8") for topic in topics(book)]
    for pattern in (r"^\(([\w-]+)\)=$", r"^:label: (\S+)$", r"^    name: (fig-\S+)$"):
        labels = [label for text in texts for label in re.findall(pattern, text, re.MULTILINE)]
        assert len(labels) == len(set(labels)) > few
    terms = [term for text in texts for term, _ in blocks(text, "defined")]
    assert len(terms) == len(set(terms)) > few

    done = subprocess.run(
        [sys.executable, "-c", EACH], env=os.environ | {"PYTHONPATH": str(book / "lib")}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
