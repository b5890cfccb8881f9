"""The coverage table of the lectures holds, and the built site keeps what it promises."""

import copy
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from files import read

from thalweg.site.lectures import FRONT_MATTER, TITLES, TOPICS, TableError, load

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "chapters/lectures/topics.yml"
LECTURES = ("penn", "helwan", "module2", "misra", "uva")


page = cache(read)


@cache
def ids(path):
    return {node["id"] for node in page(path).find_all(id=True)}


def test_counts(capsys):
    lectures = load(TABLE)
    counts = {lecture.name: lecture.count() for lecture in lectures.values()}
    total = sum(counts.values(), start=type(next(iter(counts.values())))())
    with capsys.disabled():
        print("\nheadings of the lectures:   taught  planned  front matter")
        for name, count in [*counts.items(), ("in all", total)]:
            print(f"  {name:25} {count['taught']:6} {count['planned']:8} {count['front matter']:13}")
    assert tuple(lectures) == LECTURES
    assert total["taught"] > 0


def test_every_topic_is_a_topic_of_the_book_and_planned_only_while_it_is():
    for lecture in load(TABLE).values():
        for heading in lecture.headings:
            assert heading.topic in TITLES or heading.topic == FRONT_MATTER
            assert heading.anchors or heading.state == "planned"


def test_topics_are_named_once_and_in_words():
    assert len(TITLES) == len(TOPICS) == len(set(TITLES.values())) == 27


@pytest.mark.parametrize("key", LECTURES)
def test_a_page_stands_for_each_lecture_and_draws_its_table(key):
    text = (ROOT / f"chapters/lectures/{key}.md").read_text(encoding="utf-8")
    assert f"(lecture-{key})=" in text
    assert f"```{{lecture}} {key}\n```" in text


def test_anchors_exist_in_the_built_site(site):
    there = set().union(*(ids(path) for path in site.glob("chapters/**/*.html")))
    wanted = {a for lecture in load(TABLE).values() for h in lecture.headings for a in h.anchors}
    assert wanted <= there


@pytest.mark.parametrize("key", LECTURES)
def test_the_lecture_page_links_each_heading(site, key):
    path = site / f"chapters/lectures/{key}.html"
    for heading in load(TABLE)[key].headings:
        place = page(path).find(id=heading.id)
        assert place is not None, f"{heading.id} is not on the page"
        line = place.find_parent("p")
        if not heading.anchors:
            assert f"planned: chapter {TITLES[heading.topic]}" in line.get_text()
        links = [link["href"].partition("#") for link in line.find_all("a")]
        assert tuple(fragment for _, _, fragment in links) == heading.anchors
        for file, _, fragment in links:
            assert fragment in ids((path.parent / file).resolve() if file else path)


def test_each_chapter_that_teaches_a_heading_lists_it(site):
    for lecture in load(TABLE).values():
        for heading in lecture.headings:
            for topic in TITLES:
                if heading.taught_by(topic):
                    links = page(site / f"chapters/{topic}.html").select("ul.mirrors a")
                    assert any(link["href"].endswith(f"{lecture.key}.html#{heading.id}") for link in links)


GOOD = {
    "penn": {
        "letter": "P",
        "name": "Penn",
        "title": "Components",
        "author": "K. Kording",
        "file": "penn",
        "headings": [
            {"heading": "1.2 Adam", "topic": "adam", "anchor": "planned"},
            {"heading": "Nesterov [sutskever2013]", "topic": "momentum", "anchor": ["momentum-a", "momentum"]},
            {"heading": "Summary", "level": 2, "topic": "book", "anchor": "welcome"},
        ],
    }
}


def table(path, change=None):
    entry = copy.deepcopy(GOOD)
    if change:
        change(entry["penn"])
    path = path / "topics.yml"
    path.write_text(yaml.safe_dump(entry), encoding="utf-8")
    return path


def test_a_good_table(tmp_path):
    adam, nesterov, summary = load(table(tmp_path))["penn"].headings
    assert (adam.id, adam.state, adam.anchors) == ("penn-adam", "planned", ())
    assert (nesterov.id, nesterov.state) == ("penn-nesterov", "taught")
    assert nesterov.taught_by("momentum") and not nesterov.taught_by("adam")
    assert (summary.state, summary.level) == ("front matter", 2)


BAD = {
    "topic": (lambda e: e["headings"][0].update(topic="adamm"), "“1.2 Adam”", "adamm"),
    "missing key": (lambda e: e["headings"][0].pop("anchor"), "“1.2 Adam”", "anchor"),
    "unknown key": (lambda e: e["headings"][0].update(ancor="x"), "“1.2 Adam”", "ancor"),
    "no heading": (lambda e: e["headings"][1].pop("heading"), "heading 2", "missing: heading"),
    "not a mapping": (lambda e: e["headings"].append("Adam"), "heading 4", "mapping"),
    "same id": (lambda e: e["headings"][2].update(heading="2 Adam"), "“2 Adam”", "penn-adam"),
    "foreign id": (lambda e: e["headings"][0].update(id="uva-adam"), "“1.2 Adam”", "uva-adam"),
    "empty anchor": (lambda e: e["headings"][0].update(anchor=""), "“1.2 Adam”", "anchor"),
    "half planned": (
        lambda e: e["headings"][1].update(anchor=["momentum", "planned"]),
        "“Nesterov [sutskever2013]”",
        "planned",
    ),
    "planned front matter": (lambda e: e["headings"][2].update(anchor="planned"), "“Summary”", "planned"),
    "level": (lambda e: e["headings"][0].update(level=4), "“1.2 Adam”", "level"),
    "level without parent": (lambda e: e["headings"][2].update(level=3), "“Summary”", "level 3"),
    "lecture without title": (lambda e: e.pop("title"), "penn", "title"),
    "no headings": (lambda e: e.update(headings=[]), "penn", "headings"),
}


@pytest.mark.parametrize(("change", "where", "what"), BAD.values(), ids=BAD.keys())
def test_a_bad_table_is_refused_by_name(tmp_path, change, where, what):
    with pytest.raises(TableError, match=rf"topics\.yml.*{re.escape(where)}") as error:
        load(table(tmp_path, change))
    assert what in str(error.value)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    for text in ("", "- a list", "a: [unclosed"):
        (tmp_path / "topics.yml").write_text(text, encoding="utf-8")
        with pytest.raises(TableError, match=r"topics\.yml"):
            load(tmp_path / "topics.yml")
