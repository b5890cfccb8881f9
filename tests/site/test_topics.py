"""What the book's pages know of its topics."""

import pytest

from thalweg.site.topics import topics

TOC = "format: jb-book\nroot: index\nparts:\n- caption: One\n  chapters: [{file: a}, {file: plain}]\n- caption: Two\n  chapters: [{file: b}]\n"


def _book(folder, needs="[a]", minutes="{core: 20, all: 50}"):
    (folder / "_toc.yml").write_text(TOC)
    (folder / "plain.md").write_text("# No topic\n")
    for name, before in (("a", "[]"), ("b", needs)):
        matter = f"thalweg:\n  card: About {name}.\n  needs: {before}\n  minutes: {minutes}\n"
        (folder / f"{name}.md").write_text(f"---\n{matter}---\n\n({name})=\n# Title {name}\n")
    return folder


def test_topics_are_numbered_as_they_are_read(tmp_path):
    first, second = topics(_book(tmp_path))
    assert (first.name, first.title, first.part, first.number) == ("a", "Title a", "One", 1)
    assert (second.part, second.number, second.needs, second.core, second.minutes) == ("Two", 2, ("a",), 20, 50)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"b needs 'c', which is no topic"):
        topics(_book(tmp_path, needs="[c]"))
    with pytest.raises(ValueError, match=r"a\.md: its front matter needs"):
        topics(_book(tmp_path, minutes="{core: 20}"))
