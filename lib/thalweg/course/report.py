"""Report: one page for the instructor, about the whole class."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import StatisticsError, correlation, median

from .folders import Course, write
from .pages import page
from .results import Question, Result, failures, for_a_human, results
from .similarity import Pair, similar

BARS = 10
ENOUGH = 20  # submissions; with fewer, chance alone gives correlations of 0.4 and more
MOST_PAIRS = 30

Counted = list[tuple[Question, list[tuple[str, list[str]]]]]  # by question: what was seen, and in whose answers


@dataclass(frozen=True)
class Bar:
    """One row of the distribution: totals from ``low`` to under ``high`` (the last row has the full marks too)."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Difficulty:
    """How one question went over the submissions that were graded."""

    question: Question
    mean: float
    full: int
    none: int
    waiting: int
    discrimination: float | None

    @property
    def share(self) -> float:
        """The mean as a share of the points: how easy it was."""
        return self.mean / self.question.max_points if self.question.max_points else 0.0


def distribution(graded: list[Result]) -> list[Bar]:
    """How many submissions earned how much."""
    if not graded:
        return []
    width = max(1, ceil(graded[0].max_points / BARS))
    rows = ceil(graded[0].max_points / width)
    counts = [0] * rows
    for result in graded:
        counts[min(int(result.points // width), rows - 1)] += 1
    return [Bar(row * width, min((row + 1) * width, graded[0].max_points), count) for row, count in enumerate(counts)]


def difficulties(graded: list[Result]) -> list[Difficulty]:
    """The questions in order, each with its mean."""
    found: list[Difficulty] = []
    for answers in zip(*(result.answers for result in graded), strict=True):
        done = [answer for answer in answers if not answer.score.waiting]
        found.append(
            Difficulty(
                answers[0].question,
                sum(answer.points for answer in done) / len(done) if done else 0.0,
                sum(answer.full for answer in done),
                sum(answer.points == 0 for answer in done),
                len(answers) - len(done),
                discrimination(graded, len(found)),
            )
        )
    return found


def discrimination(graded: list[Result], number: int) -> float | None:
    """The correlation of a question's points with the points of all others, over the submissions in which both are known.

    None where there are fewer than ENOUGH of them, or where all have the same points.
    """
    known = [result.answers for result in graded if not result.answers[number].score.waiting]
    if len(known) < ENOUGH:
        return None
    points = [answers[number].points for answers in known]
    rest = [sum(answer.points for answer in answers) - answers[number].points for answers in known]
    try:
        return correlation(points, rest)
    except StatisticsError:
        return None


def times(graded: list[Result]) -> tuple[float, float, str] | None:
    """The median and the longest time that a submission ran, in seconds, and whose the longest was."""
    ran = [(result.outcome.seconds, result.student) for result in graded if result.outcome.seconds]
    return (median(seconds for seconds, _ in ran), *max(ran)) if ran else None


def misconceptions(graded: list[Result]) -> Counted:
    """The known mistakes that were recognised in each question, the most frequent first, with the students who made them."""
    return _counted(graded, lambda result: result.mistakes)


def unexplained(graded: list[Result]) -> Counted:
    """What was seen of wrong answers that no known mistake explains, in the same form: what many share wants explaining."""
    return _counted(graded, lambda result: result.unexplained)


def _counted(graded: list[Result], of: Callable[[Result], list[tuple[Question, str]]]) -> Counted:
    found: dict[Question, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for result in graded:
        for question, said in of(result):
            found[question][said].append(result.student)
    order = [answer.question for answer in graded[0].answers] if graded else []
    return [
        (question, sorted(found[question].items(), key=lambda row: (-len(row[1]), row[0])))
        for question in order
        if question in found
    ]


@dataclass(frozen=True)
class Report:
    """The page's path and what it shows. ``failed``: who could not be graded or compared, each with the reason."""

    path: Path
    results: list[Result]
    difficulties: list[Difficulty]
    pairs: list[Pair]
    failed: dict[str, str]


def report(course: Course, assignment: str) -> Report:
    """Write the page. Raises CourseError when nothing is graded."""
    found = results(course, assignment)
    graded = [result for result in found if result.outcome.counts]
    rows, (pairs, apart) = difficulties(graded), similar(course, assignment)
    text = page(
        "report.html",
        assignment=assignment,
        results=found,
        graded=graded,
        bars=distribution(graded),
        difficulties=rows,
        enough=ENOUGH,
        outcomes=Counter(result.outcome.outcome for result in found).most_common(),
        times=times(graded),
        slowest=sorted(graded, key=lambda result: -result.outcome.seconds)[:5],
        pairs=pairs[:MOST_PAIRS],
        more_pairs=max(len(pairs) - MOST_PAIRS, 0),
        apart=apart,
        misconceptions=misconceptions(graded),
        unexplained=unexplained(graded),
        look=[(result, reasons) for result in found if (reasons := for_a_human(result))],
        waiting=[result for result in found if result.waiting],
    )
    path = course.report(assignment)
    write(path, text)
    return Report(path, found, rows, pairs, failures(found) | apart)
