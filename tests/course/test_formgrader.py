"""Nothing that a student wrote runs in nbgrader's formgrader: shown in a real one, in a real browser.

The same notebooks are graded twice, without and with the step that makes them harmless. Without it they do run, so that this test can fail.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sample_class
from classroom import run, wait_until
from nbformat.v4 import new_markdown_cell, new_raw_cell
from nbgrader.api import Gradebook
from payloads import CANARY, MARKDOWN, PNG, RUN, SPOIL

from thalweg.course import grading
from thalweg.course.folders import Course

ROOT = Path(__file__).parents[2]
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"
ELSEWHERE = "https://elsewhere.test/"
# A later MathJax, in place of the formgrader's own, and without any of its precautions.
TYPESET = f"""
window.MathJax = {{
  tex: {{inlineMath: [['$', '$']], processEscapes: true, packages: {{'[+]': ['html', 'unicode', 'bbox']}}}},
  loader: {{paths: {{mathjax: '{MATHJAX}here'}},
    load: ['core', 'input/tex', 'output/chtml', '[tex]/html', '[tex]/unicode', '[tex]/bbox']}},
  startup: {{pageReady: () => MathJax.startup.defaultPageReady().then(() => {{ window.typeset = true }})}},
}};
const script = document.createElement('script');
script.src = '{MATHJAX}here/startup.js';
document.head.append(script);
"""
CLICK = """() => {
  for (const e of document.querySelectorAll('#notebook-container *')) {
    const to = String(e.href?.baseVal ?? e.href ?? '').trim().toLowerCase()
    if (to.startsWith('javascript:') || e.onclick || e.form)
      e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))
  }
}"""
LISTED = {name: number for number, name in enumerate([*MARKDOWN, *SPOIL])}
HONEST = """The words: a < b, x<y and y>z, `<b>code</b>`, H<sub>2</sub>O, and $p<q$ is a formula.

```html
<script>fenced</script>
```

| left | right |
|------|------:|
| one  | $r^2$ |

![my picture](attachment:my%20plot.png)

$$\\sum_{i<n} x_i$$
"""


def armed(name: str, text: str) -> str:
    return text.replace(RUN, f"PWNED.push({LISTED[name]})").replace(CANARY, f"{ELSEWHERE}{LISTED[name]}")


def writing(texts: dict[str, str]):
    """Cells of a student's own, Markdown and raw."""

    def change(notebook):
        for name, text in texts.items():
            notebook.cells += [new_markdown_cell(armed(name, text)), new_raw_cell(armed(name, text))]

    return change


def honest(notebook):
    answer = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "written")
    answer.source, answer.attachments = HONEST, {"my plot.png": {"image/png": PNG}}


def attackers(prefix: str) -> list[sample_class.Student]:
    """All payloads in one notebook, and each that would spoil the page for the others in its own."""
    blank = dict.fromkeys(sample_class.EXERCISES)
    first = armed("img onerror", MARKDOWN["img onerror"])
    books = {"all": MARKDOWN, **{str(n): {name: text} for n, (name, text) in enumerate(SPOIL.items())}}
    return [sample_class.Student(f"{prefix}-{n}", blank, first, change=writing(texts)) for n, texts in books.items()]


def stock(place: Path, command: str, student: str, *more: str) -> None:
    bin = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    arguments = [bin / "nbgrader", command, "momentum", "--student", student, *more]
    subprocess.run(arguments, cwd=place, env=environment, check=True, timeout=300)


@pytest.fixture(scope="module")
def course(bubblewrap, released, tmp_path_factory) -> Course:
    """A course in nbgrader's own place: ``open-…`` graded as it was handed in, ``shut-…`` as it is done."""
    place = tmp_path_factory.mktemp("formgrader")
    course = Course(place / "_build/course")
    shutil.copytree(released.root, course.root)
    shutil.copy(ROOT / "nbgrader_config.py", place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "harmless", lambda notebook: notebook)
        sample_class.write(course, attackers("open"))
        run("grade", "--course", course.root)
    right = sample_class.right(0)
    sample_class.write(course, [*attackers("shut"), sample_class.Student("honest", right, change=honest)])
    run("grade", "--course", course.root)
    for command in ("feedback", "report"):
        run(command, "--course", course.root)
    stock(place, "generate_feedback", "shut-all", "--force", "--CourseDirectory.feedback_directory=stock_feedback")
    return course


def about(home: Path) -> str:
    """What the server has written so far about itself."""
    return "".join(path.read_text() for path in (home / "runtime").glob("jpserver-*.json")).strip()


@pytest.fixture(scope="module")
def address(course, tmp_path_factory):
    """The formgrader of a Jupyter server of our own, at a free port."""
    home, token = tmp_path_factory.mktemp("jupyter"), secrets.token_hex(16)
    places = {f"JUPYTER_{what}_DIR": str(home / what.lower()) for what in ("CONFIG", "DATA", "RUNTIME")}
    environment = os.environ | places | {"HOME": str(home), "JUPYTER_TOKEN": token}
    options = [
        "--port=0", "--ip=127.0.0.1", "--no-browser", "--allow-root",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True, 'jupyterlab': True}",
    ]  # fmt: skip
    place = course.root.parents[1]
    with (home / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyter_server", *options]
        server = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: about(home).endswith("}") or server.poll() is not None)
            assert server.poll() is None, (home / "log").read_text()
            told = json.loads(about(home))
            yield f"{told['url']}{{}}?token={token}"
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture(scope="module")
def visit(course, address, browser):
    """Open a submission and do what can be done there: the page, the numbers of what ran, the numbers of what was asked for."""
    mathjax = ROOT / "lib/web/node_modules/mathjax/es5"

    context = browser.new_context()
    asked: set[int] = set()

    def answer(route):
        url = route.request.url
        if url.startswith(ELSEWHERE):
            asked.add(int(re.match(r"\d*", url[len(ELSEWHERE) :])[0] or -1))
            return route.fulfill(body="")
        if url.startswith(f"{MATHJAX}here/"):
            return route.fulfill(path=mathjax / url[len(f"{MATHJAX}here/") :].partition("?")[0])
        if url.startswith(MATHJAX):
            return route.fulfill(body=TYPESET, content_type="text/javascript")
        return route.continue_() if url.startswith(address[:17]) else route.abort()

    context.route(re.compile("^https?:"), answer)
    context.add_init_script("window.PWNED = []")

    def look(url: str):
        asked.clear()
        page = context.new_page()
        page.goto(url)
        if page.locator("#notebook-container").count() and page.evaluate("!!window.MathJax"):
            page.wait_for_function("window.typeset")
            page.evaluate(CLICK)
        page.wait_for_load_state("networkidle")
        return page, set(page.evaluate("window.PWNED")), set(asked)

    def submission(student: str):
        with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
            number = gradebook.find_submission_notebook("momentum", "momentum", student).id
        return look(address.format(f"formgrader/submissions/{number}/"))

    submission.look = look
    yield submission
    context.close()


def test_without_the_step_what_they_wrote_runs(visit):
    page, ran, asked = visit("open-all")
    assert len(ran) > 60 and len(asked) > 10
    assert page.locator("#notebook-container script").count()
    for number, name in enumerate(SPOIL):
        _, ran, asked = visit(f"open-{number}")
        assert name == "missing attachment" or ran or asked


def test_with_it_nothing_runs_and_nothing_is_asked_for(visit):
    for which in ("all", *range(len(SPOIL))):
        page, ran, asked = visit(f"shut-{which}")
        assert (ran, asked) == (set(), set())
        assert page.locator("#written").is_visible()  # the page is whole: there is a place for the points
        assert (
            not page.locator("#notebook-container")
            .first.locator("script, iframe, svg, form, style, a[href^=java]")
            .count()
        )
        assert armed("img onerror", MARKDOWN["img onerror"]) in page.locator("#notebook-container").first.inner_text()


def test_the_file_that_was_handed_in_stays_as_it_was(course):
    assert "<script>" in (course.root / "submitted/shut-all/momentum/momentum.ipynb").read_text()


def test_what_is_meant_to_be_seen_is_seen(visit):
    page, _, _ = visit("honest")
    answer = page.locator(".nbgrader_cell", has=page.locator("#written"))
    text = answer.inner_text()
    for part in ("a < b, x<y and y>z, <b>code</b>, H2O", "<script>fenced</script>", "left\tright"):
        assert part in text
    assert answer.locator("sub").inner_text() == "2"
    assert answer.locator("mjx-container").count() == 3 and answer.locator("mjx-container[display=true]").count() == 1
    assert answer.locator("img[alt='my picture']").evaluate("picture => picture.naturalWidth") == 1
    assert "model answer and rubric" in page.locator("#notebook-container").first.inner_text()


def test_nothing_runs_in_feedback_and_report(visit, course):
    pages = [course.report("momentum"), course.feedback("momentum", "shut-all")]
    pages.append(course.root / "stock_feedback/shut-all/momentum/momentum.html")
    for path in pages:
        page, ran, asked = visit.look(path.as_uri())
        assert "omentum" in page.content()
        assert (ran, asked) == (set(), set())
