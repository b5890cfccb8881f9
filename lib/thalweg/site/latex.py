"""Sphinx extension: the printed book, where nothing folds out and nothing moves.

Cards and exercises become boxes, buttons and the small drawings of the front page go. Hints stand open in their exercise. The answers of a quiz are listed below their question, and
what the page says when one of them is opened stands at the end of the chapter. Every figure keeps its alt text, which readers
of PDF speak aloud.
"""

import html
import re
from itertools import groupby
from string import ascii_lowercase
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

FIGURE_WIDTH = "85%"  # of the line: what is drawn 6.2 inches wide comes out a little smaller
COUNTERS = {"figure": "figure", "table": "table", "code-block": "literalblock", "displaymath": "equation"}
_ALT = re.compile(r'<svg[^>]* aria-label="([^"]*)"')


def _latex(text: str) -> nodes.raw:
    return nodes.raw("", text, format="latex")


def _is_dropdown(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("design_component") == "dropdown"


def _opened(dropdown: nodes.container, head: list[nodes.Node]) -> list[nodes.Node]:
    """What the dropdown holds, with ``head`` in bold before its first words."""
    body = dropdown.children[1:]
    strong = nodes.strong("", "", *head)
    first = nodes.paragraph("", "", strong, nodes.Text(" "))
    if body and isinstance(body[0], nodes.paragraph):
        first += body.pop(0).children
    return [first, *body]


def alt_text(markup: str) -> str:
    """The alt text in a figure's HTML. An empty text if it has none."""
    found = _ALT.search(markup)
    return html.unescape(found.group(1)) if found else ""


class InPrint(SphinxPostTransform):
    """Turn what the website folds, links or moves into what paper can do."""

    formats = ("latex",)
    default_priority = 3  # before myst-nb keeps one kind of each output, and the alt text goes with the HTML

    def run(self, **kwargs: Any) -> None:
        """Change the doctree of the whole book in place."""
        self._preface()
        self._numbers()
        for buttons in self._containers(lambda node: {"tw-buttons", "tw-drawing"} & set(node["classes"])):
            buttons.parent.remove(buttons)
        for bundle in self._containers(lambda node: node.get("nb_element") == "mime_bundle"):
            self._picture(bundle)
        for exercise in self._containers(lambda node: "tw-exercise" in node["classes"]):
            for hint in [node for node in exercise.findall(nodes.container) if _is_dropdown(node)]:
                hint.replace_self(_opened(hint, [*hint[0].children, nodes.Text(".")]))
        for section in list(self.document.findall(nodes.section)):
            self._quiz(section)
        for box in self._containers(lambda node: {"tw-exercise", "sd-card"} & set(node["classes"])):
            box.insert(
                0, [_latex(r"\begin{twbox}"), nodes.target(ids=box["ids"])]
            )  # LaTeX's writer drops a container's names
            box.append(_latex(r"\end{twbox}"))

    def _containers(self, wanted) -> list[nodes.container]:
        return [node for node in self.document.findall(nodes.container) if wanted(node)]

    def _preface(self) -> None:
        """Give the front page its title and its labels: Sphinx takes both for the title page's."""
        root = next(self.document.findall(nodes.section))
        title = next(root.findall(nodes.title)).astext()
        labels = "".join(rf"\label{{\detokenize{{{self.app.config.root_doc}:{label}}}}}" for label in root["ids"])
        root.insert(1, _latex(rf"\twpreface{{{title}}}{labels}"))

    def _numbers(self) -> None:
        """Number the chapters that the site numbers, and no others; what others count goes on where the site has it."""
        for file in self.document.findall(addnodes.start_of_file):
            numbered = self.env.toc_secnumbers.get(file["docname"], {}).get("")
            lines = [r"\twnumbered" if numbered else r"\twunnumbered"]
            for kind, counter in {} if numbered else COUNTERS.items():
                numbers = self.env.toc_fignumbers.get(file["docname"], {}).get(kind, {}).values()
                lines += [rf"\setcounter{{{counter}}}{{{min(numbers)[-1] - 1}}}"] if numbers else []
            file.insert(0, _latex("".join(lines)))

    def _picture(self, bundle: nodes.container) -> None:
        """Carry a figure's alt text over from its HTML to its picture, and set the picture's width."""
        alt = alt_text("".join(node.astext() for node in bundle.findall(nodes.raw)))
        for image in list(bundle.findall(nodes.image)):
            image["width"] = FIGURE_WIDTH
            spoken = "FEFF" + alt.encode("utf-16-be").hex()
            begin, end = rf"\special{{pdf:code /Span<</Alt<{spoken}>>>BDC}}", r"\special{pdf:code EMC}"
            image.replace_self([_latex(begin), image.deepcopy(), _latex(end)] if alt else [image])

    def _quiz(self, section: nodes.section) -> None:
        """List the answers of a quiz with letters, and move the explanations to the end of the chapter."""
        explained: list[nodes.Node] = []
        question = 0
        for folded, run in [(key, list(group)) for key, group in groupby(section.children, _is_dropdown)]:
            if not folded:
                continue
            question += 1
            answers = nodes.enumerated_list(enumtype="loweralpha", prefix="", suffix=")")
            section.insert(section.index(run[0]), answers)
            for letter, dropdown in zip(ascii_lowercase, run, strict=False):
                section.remove(dropdown)
                answers += nodes.list_item("", nodes.paragraph("", "", *dropdown[0].children))
                explained += _opened(dropdown, [nodes.Text(f"{question}{letter}.")])
        if explained:
            chapter = section.parent
            chapter += [
                nodes.rubric(
                    "", "The quiz, answered" if section[0].astext() == "Quiz" else f"{section[0].astext()}: answers"
                ),
                *explained,
            ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(InPrint)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
