"""Restore: whatever was done to the cells, the notebook to grade is sound, and every repair is said."""

import copy as copying
import random

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from thalweg.course.notebooks import UnreadableError, grade_id, marked, parse_notebook, read_notebook, to_text
from thalweg.course.restore import restore


@pytest.fixture
def release(released):
    return read_notebook(released.release("momentum"))


@pytest.fixture
def submitted(release):
    """An honest submission, as the student's Jupyter saved it."""
    notebook = copying.deepcopy(release)
    cell(notebook, "heavy_ball").source = "def heavy_ball(theta, grad, v, lr, rho):\n    return theta, v"
    return parse_notebook(to_text(notebook).encode())[0]


def cell(notebook, name):
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def names(notebook):
    return [grade_id(cell) for cell in notebook.cells if grade_id(cell)]


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def own(text):
    return new_code_cell(text, metadata={"tags": ["skip-execution"]})


def test_an_honest_submission_stays_as_it_is(submitted, release):
    submitted.cells.insert(5, own("x = 1"))
    restored, remarks = restore(submitted, release)
    assert sources(restored) == sources(submitted)
    assert remarks == []


def test_editors_may_change_blanks_at_the_ends_of_lines(submitted, release):
    cell(submitted, "setup").source = cell(submitted, "setup").source.replace("\n", "  \r\n") + "\n"
    assert restore(submitted, release)[1] == []


def test_own_cells_lose_their_marks(submitted, release):
    submitted.cells.insert(5, own("x = 1"))
    submitted.cells.insert(6, new_code_cell("y = 1", metadata={"nbgrader": {"grade_id": "mine", "grade": True}}))
    restored, remarks = restore(submitted, release)
    assert all(not cell.metadata for cell in restored.cells if cell.source in ("x = 1", "y = 1"))
    assert names(restored) == names(release) and remarks == []


def test_a_deleted_answer_comes_back_before_what_replaces_it(submitted, release):
    at = submitted.cells.index(cell(submitted, "heavy_ball"))
    submitted.cells[at] = own("def heavy_ball(): pass")
    restored, remarks = restore(submitted, release)
    text = sources(restored)
    assert text.index(cell(release, "heavy_ball").source) < text.index("def heavy_ball(): pass")
    assert text.index("def heavy_ball(): pass") < text.index(cell(release, "heavy_ball_points").source)
    assert remarks == ["The cell heavy_ball was missing. It was put back, without an answer."]


def test_a_deleted_setup_comes_back_before_the_cells_that_need_it(submitted, release):
    submitted.cells[submitted.cells.index(cell(submitted, "setup"))] = own("np.zeros(3)")
    text = sources(restore(submitted, release)[0])
    assert text.index(cell(release, "setup").source) < text.index("np.zeros(3)")


def test_of_two_answers_the_first_that_was_filled_in_counts(submitted, release):
    at, stub = submitted.cells.index(cell(submitted, "heavy_ball")), cell(release, "heavy_ball")
    submitted.cells.insert(at, copying.deepcopy(stub))
    other = copying.deepcopy(stub)
    other.source = "second = 2"
    submitted.cells.insert(at + 2, other)
    restored, remarks = restore(submitted, release)
    assert cell(restored, "heavy_ball").source.endswith("return theta, v")
    assert stub.source not in sources(restored)
    assert grade_id(restored.cells[sources(restored).index("second = 2")]) == ""
    assert remarks == ["The cell heavy_ball was there 3 times. The first one that you had filled in counts."]


def test_a_locked_cell_that_was_copied_and_edited_is_kept_as_an_own_cell(submitted, release):
    edited = copying.deepcopy(cell(release, "setup"))
    edited.source += "\nimport math"
    submitted.cells.insert(0, edited)
    restored, remarks = restore(submitted, release)
    assert names(restored) == names(release)
    assert edited.source in sources(restored)
    assert remarks == ["The cell setup was there 2 times. One of them counts."]


def test_an_edited_locked_cell_is_put_back(submitted, release):
    cell(submitted, "velocity_points").source = "100.0"
    restored, remarks = restore(submitted, release)
    assert "100.0" not in sources(restored)
    assert remarks == ["The locked cell velocity_points had been changed. It was put back as it was released."]


def test_marks_that_were_edited_do_not_matter(submitted, release):
    cell(submitted, "velocity_points").metadata.nbgrader.update(points=100, solution=True, locked=False)
    cell(submitted, "heavy_ball").metadata.nbgrader.update(grade=True, points=100)
    restored, _ = restore(submitted, release)
    for name in ("velocity_points", "heavy_ball"):
        assert cell(restored, name).metadata == cell(release, name).metadata


def test_a_cell_of_another_type_is_changed_back(submitted, release):
    at = submitted.cells.index(cell(submitted, "heavy_ball"))
    submitted.cells[at] = new_markdown_cell("my answer", metadata=submitted.cells[at].metadata)
    restored, remarks = restore(submitted, release)
    assert cell(restored, "heavy_ball").cell_type == "code"
    assert remarks == ["The cell heavy_ball had become a markdown cell. It is a code cell again."]


def test_an_attached_picture_stays_with_the_written_answer(submitted, release):
    cell(submitted, "written").attachments = {"a.png": {"image/png": "AA"}}
    assert cell(restore(submitted, release)[0], "written").attachments == {"a.png": {"image/png": "AA"}}


def without_marks(notebook):
    for each in notebook.cells:
        each.metadata = {}
    return notebook


def test_cells_that_lost_their_marks_are_found_by_their_text(submitted, release):
    cell(submitted, "written").source = "Because."
    cell(submitted, "best_rho").source = "# measured\nbest_rho = 0.9"
    submitted.cells.insert(3, own("helper = 1"))
    restored, remarks = restore(without_marks(submitted), release)
    assert names(restored) == names(release) and sources(restored) == sources(submitted)
    assert remarks == ["The cells had lost the marks by which they are found. They were found by their text."]


def test_answers_in_a_notebook_of_ones_own_are_found_by_what_they_define(submitted, release):
    kept = [each for each in submitted.cells if marked(each, "solution")]
    kept.insert(1, own("def heavy_ball(theta, grad, v, lr, rho):\n    return 'the second try'"))
    submitted.cells = kept
    restored, remarks = restore(without_marks(submitted), release)
    assert cell(restored, "heavy_ball").source.endswith("'the second try'")
    assert (
        remarks[0].startswith("The cells had lost the marks")
        and "The cell intro was missing. It was put back." in remarks
    )


def foreign(kind, release):
    if kind == "nothing":
        return []
    if kind == "plain code":
        return [own("import numpy as np"), own("print(1)")]
    marks = (
        ["import", "train", "plot", "written", "bonus"]
        if kind == "another course's"
        else ["setup", "written", "a", "b", "c"]
    )
    made = [new_code_cell(f"# {name}", metadata={"nbgrader": {"grade_id": name, "grade": True}}) for name in marks]
    return [*made, new_code_cell(cell(release, "setup").source)]


@pytest.mark.parametrize("kind", ["nothing", "plain code", "another course's", "another assignment's"])
def test_the_notebook_of_something_else_is_refused(submitted, release, kind):
    submitted.cells = foreign(kind, release)
    with pytest.raises(UnreadableError, match="This is the notebook of something else"):
        restore(submitted, release)


def test_a_few_cells_that_are_left_are_enough(submitted, release):
    submitted.cells = [cell(submitted, "heavy_ball"), own("x = 1")]
    restored, _ = restore(submitted, release)
    assert cell(restored, "heavy_ball").source.endswith("return theta, v")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_was_done_the_result_is_sound(submitted, release, seed):
    rng = random.Random(seed)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(submitted.cells))
        match rng.randrange(5):
            case 0:
                del submitted.cells[at]
            case 1:
                submitted.cells.insert(rng.randrange(len(submitted.cells)), copying.deepcopy(submitted.cells[at]))
            case 2:
                submitted.cells[at].source += "\n# edited"
            case 3:
                rng.shuffle(submitted.cells)
            case 4:
                submitted.cells.insert(at, own(f"own = {at}"))
    mine = [text for text in sources(submitted) if text.startswith("own = ")]
    restored, remarks = restore(submitted, release)
    to_text(restored)
    assert names(restored) == names(release)
    assert len({cell.id for cell in restored.cells}) == len(restored.cells)
    assert sorted(text for text in sources(restored) if text.startswith("own = ")) == sorted(mine)
    for kept in restored.cells:
        if grade_id(kept) and not marked(kept, "solution"):
            assert kept.source == cell(release, grade_id(kept)).source
    assert all(remark.endswith(".") for remark in remarks)
