"""The card with which each chapter opens."""

import pytest
from files import read

from thalweg.site.opening import minutes
from thalweg.site.topics import Topic, topics

BOOK = {topic.name: topic for topic in topics()}


@pytest.mark.parametrize("topic", BOOK.values(), ids=lambda topic: topic.name)
def test_it_says_what_for_after_what_and_how_long(site, topic):
    page = read(site / f"chapters/{topic.name}.html")
    (card,) = page.select(".tw-opening")
    assert card.find_previous("figure"), "it stands behind the first figure"
    assert len(card.select("li")) >= 3
    links = {link.get_text(): link["href"] for link in card.select("a")}
    for name in topic.needs:
        assert links[BOOK[name].title] == f"{name}.html"
    assert minutes(topic) in card.get_text()
    section = page.find(id=links["To the exercises"].removeprefix("#"))
    assert section.select(".tw-exercise") == page.select(".tw-exercise") != []


def test_the_core_has_its_own_minutes_where_it_is_not_all():
    assert minutes(Topic("a", "chapters/a", "A", "One", 1, "", (), 25, 25)) == "about 25 minutes"
    assert (
        minutes(Topic("a", "chapters/a", "A", "One", 1, "", (), 25, 60))
        == "about 25 minutes for the core, 60 for all of it"
    )
