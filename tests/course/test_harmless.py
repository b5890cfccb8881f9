"""What a student wrote, made harmless: the same words, none but the elements that are allowed, whatever was written."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from payloads import ATTACHED, MARKDOWN, PNG, SPOIL

from thalweg.course.harmless import ATTRIBUTES, MOST, TAGS, harmless, shown
from thalweg.exercises import VERDICT_MIME

PIECES = [
    "<", ">", "/", "=", "'", '"', "`", "```", "~~~", "\n", "\n\n", "\r\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\ufeff", " ", "    ", "\t",
    "\\", "$", "$$", "\\(", "\\[", "\\begin{a}", "\\end{a}", "\\href", "[", "]", "(", ")", "![", "]:", "javascript:", "data:", "attachment:a", "files/",
    "<script>", "</script>", "<img src=x onerror=f()>", "<svg>", "<math>", "<style>", "<b>", "</b>", "<td>", "</div>", "<div>", "</p>", "<!--", "-->",
    "<![CDATA[", "]]>", "<?", "?>", "&lt;", "&#60;", "&#x5c;", "&colon;", "#", "---", "===", "- ", "1. ", "> ", "|", "|-|", "*", "**", "_", "~~", ":", "- [x] ", "a", "b",
]  # fmt: skip
WRITTEN = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


class Allowed(HTMLParser):
    """Fails on an element or an attribute that is not allowed."""

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS | {"div"}
        assert {name for name, _ in attrs} <= ATTRIBUTES.get(tag, set())
        for name, value in attrs:
            assert name != "src" or value.startswith("data:image/")
            assert name != "style" or value.startswith("text-align:")

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


@given(WRITTEN)
@example("x\n\n<script>\n\n</script>")
@example("[a\n\nb](c)\n<pre>\n\n</pre>")
def test_whatever_is_written_becomes_allowed_elements_alone(source):
    html = shown(source, {"a": {"image/png": PNG}})
    assert markdown2html_mistune(html).strip() == html  # Markdown leaves it alone
    Allowed().feed(html)
    assert not re.search(r"\\href(?![A-Za-z])", html)  # \hrefA is no command


@pytest.mark.parametrize("name", [*MARKDOWN, *SPOIL])
def test_each_payload_becomes_allowed_elements_alone(name):
    Allowed().feed(shown((MARKDOWN | SPOIL)[name]))


@pytest.mark.parametrize("name", ATTACHED)
def test_an_attachment_that_is_no_picture_is_not_shown(name):
    for attachments in (ATTACHED[name], {}, None, [], "a"):
        html = shown("![my words](attachment:a)", attachments)
        assert html == "<div><p>my words (attachment:a)</p>&#10;</div>"


def test_an_attachment_is_shown_once_so_that_a_page_does_not_grow():
    html = shown("![](attachment:a)" * 1000, {"a": {"image/png": PNG}})
    assert html.count("<img") == 1


@pytest.mark.parametrize(
    "source, html",
    [
        ("a < b, x<y and y>z", "a &lt; b, x&lt;y and y&gt;z"),
        ("$a<b$ and `<i>`", "$a&lt;b$ and <code>&lt;i&gt;</code>"),
        ("$$a &< b \\\\ c$$", "$$a &amp;&lt; b \\\\ c$$"),
        ("H<sub>2</sub>O<br/>x", "H<sub>2</sub>O<br>x"),
        ("*a* **b** ~~c~~ &copy;", "<em>a</em> <strong>b</strong> <del>c</del> ©"),
        ("[a](https://b.org/?c&d)", "a (https://b.org/?c&amp;d)"),
        ("see https://b.org.", "see https://b.org."),
        ("$\\href{a}{b} \\hrefs$", "$\\<span></span>href{a}{b} \\hrefs$"),
        ("$\\mmlToken{mi}[href='a']{b}$", "$\\<span></span>mmlToken{mi}[href='a']{b}$"),
        ("<b onclick=f()>a</b>", "&lt;b onclick=f()&gt;a</b>".replace("</b>", "")),
    ],
)
def test_words_formulas_and_code_stay(source, html):
    assert shown(source) == f"<div><p>{html}</p>&#10;</div>"


def test_code_stays_as_it_is_written():
    assert (
        shown("```html\n<b>\n\n  <i>\n```") == "<div><pre><code>&lt;b&gt;&#10;&#10;  &lt;i&gt;&#10;</code></pre></div>"
    )


def test_what_is_too_long_to_parse_is_shown_as_it_is_written():
    assert shown("*a* < " * 10_000) == f"<div><pre>{'*a* &lt; ' * 10_000}</pre></div>"
    notebook = new_notebook(cells=[new_markdown_cell("*a*" * 6000) for _ in range(100)])
    parsed = sum(len(cell.source) for cell in notebook.cells[: MOST // 18_000])
    made = harmless(notebook)
    assert sum("<em>" in cell.source for cell in made.cells) * 18_000 == parsed
    assert all("*a*" in cell.source or "<em>" in cell.source for cell in made.cells)


def test_the_cells_of_the_release_stay_and_the_notebook_is_a_copy():
    def named(**marks):
        return {"nbgrader": {"grade_id": "a", "grade": False, "solution": False, **marks}}

    locked = new_markdown_cell("<video>", metadata=named(locked=True), attachments={"a": {"image/png": PNG}})
    answer = new_markdown_cell("<video>", metadata=named(solution=True), attachments={"a": {"image/png": PNG}})
    raw = new_raw_cell("<video>\n$\\href{a}{b}$")
    notebook = new_notebook(cells=[locked, answer, raw])
    made = harmless(notebook)
    assert [cell.source for cell in made.cells] == [
        "<video>", "<div><p>&lt;video&gt;&#10;</p></div>", "&lt;video&gt;&#10;$\\<span></span>href{a}{b}$",
    ]  # fmt: skip
    assert not any("attachments" in cell for cell in made.cells)
    assert answer.source == "<video>" and "attachments" in answer


def test_of_outputs_text_and_pictures_stay():
    def output(**data):
        return new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})

    kept = [
        new_output("stream", name="stdout", text="<b>"),
        new_output("display_data", data={"text/plain": "<b>", "image/png": PNG, VERDICT_MIME: {}}),
        new_output("error", ename="E", evalue="<b>", traceback=[]),
    ]
    changed = [
        output(text_html="<b>", text_plain="b"),
        output(text_html="<b>"),
        output(image_png='"><b>', text_plain="c"),
    ]
    changed[0].metadata = {"image/png": {"width": "1 onload=f()"}}
    made = harmless(new_notebook(cells=[new_code_cell(outputs=[*kept, *changed])])).cells[0].outputs
    assert made[:3] == kept
    assert [out.data for out in made[3:]] == [
        {"text/plain": "b"}, {"text/plain": "(An output that is not shown here: text/html.)"}, {"text/plain": "c"},
    ]  # fmt: skip
    assert made[3].metadata == {}
