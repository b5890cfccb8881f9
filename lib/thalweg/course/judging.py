"""Judging: lead one submission through the sandbox, cell by cell, and decide its points on this side.

Cells are matched by the release, and only data comes back: what a submission prints, raises, patches or claims decides nothing.
"""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nbformat import NotebookNode, from_dict

from thalweg.exercises import VERDICT_MIME, Case, Exercise, Observation, Verdict, exercise, judge, key
from thalweg.exercises.exercise import named

from .notebooks import grade_id
from .sandbox import wire
from .sandbox.outside import Ended, Limits, Sandbox, Session, TooLong

ERROR = 300  # characters that are kept of an error's text
OUTPUT = 1_000_000  # characters that are kept of everything that a submission prints
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # for a terminal, a page or a file
_DECIMAL = re.compile(r"-?\d+\.\d*(e[-+]?\d+)?")


@dataclass
class Judged:
    """What became of a submission in the sandbox: the executed cells, the verdicts, and how it ended."""

    notebook: NotebookNode
    verdicts: dict[str, Verdict] = field(default_factory=dict)  # by exercise
    end: str | None = None  # None, or why the process was gone before the end: "timed out", "out of memory", "crashed"
    last: str = ""  # the cell in which it ended
    seconds: float = 0.0


def seed_for(secret: bytes, assignment: str, student: str, sha256: str) -> int:
    """The seed of a submission's inputs: others cannot guess it, and a regrade of the same file finds it again."""
    text = f"{assignment}/{student}/{sha256}".encode()
    return int.from_bytes(hmac.new(secret, text, hashlib.sha256).digest()[:8], "big")


def judge_submission(
    sandbox: Sandbox, notebook: NotebookNode, exercises: dict[str, str], seed: int, limits: Limits
) -> Judged:
    """Run the restored ``notebook`` and judge each exercise where its grading cell stands.

    ``exercises`` says which cell grades which exercise; ``seed`` decides the inputs. The notebook's cells get their outputs.
    """
    begun = time.perf_counter()
    judged = Judged(notebook, {name: _nothing(exercise(name), "It was not reached.") for name in exercises.values()})
    session = sandbox.session(limits)
    last, room = "the beginning", OUTPUT
    try:
        for cell in notebook.cells:
            if cell.cell_type != "code":
                last = grade_id(cell) or last
                continue
            name = grade_id(cell)
            last = name or last
            if name in exercises:
                asked = exercise(exercises[name])
                judged.verdicts[asked.name] = _nothing(asked, "The answer's process ended while it was judged.")
                judged.verdicts[asked.name] = verdict = _judge(
                    session, asked, _random(seed, asked.name), judged.verdicts
                )
                cell.outputs = _as_outputs(verdict)
            else:
                cell.outputs = _run(session, cell.source, room)
                room -= sum(len(out.text) for out in cell.outputs if out.output_type == "stream")
    except Ended as ended:
        judged.end, judged.last = ended.why, last
        cell.outputs = [_output("error", ename=ended.why, evalue="", traceback=[])]
    finally:
        session.close()
    judged.seconds = round(time.perf_counter() - begun, 3)
    return judged


def _random(seed: int, name: str) -> np.random.Generator:
    """Each exercise has its own inputs."""
    digest = hashlib.sha256(f"{seed}/{name}/grade".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _run(session: Session, source: str, room: int) -> list[NotebookNode]:
    """Run one cell; its outputs, of which at most ``room`` characters are kept."""
    if not source.strip():
        return []
    try:
        return _outputs(session.ask({"do": "run", "source": source}).get("ran"), room)
    except TooLong:
        return [_output("error", ename="CellTimeoutError", evalue="", traceback=[])]
    except wire.WireError:
        said = f"The cell has {len(source):,} characters, which is more than can be run."
        return [_output("error", ename="ValueError", evalue=said, traceback=[])]


def _judge(session: Session, asked: Exercise, rng: np.random.Generator, before: dict[str, Verdict]) -> Verdict:
    """Let the submission use its answer on fresh inputs, and judge what comes back, by what was seen ``before``."""
    cases = asked.draw(rng)
    request = {
        "do": "observe", "exercise": asked.name, "symbol": asked.answer_name, "cases": [_sent(case) for case in cases],
    }  # fmt: skip
    try:
        reply = session.ask(request)
    except TooLong:
        return _nothing(asked, "The answer takes too long.")
    return _verdict(asked, cases, reply, before)


def _verdict(asked: Exercise, cases: Any, reply: dict[str, Any], before: dict[str, Verdict]) -> Verdict:
    """The verdict on a reply. Raises Ended for one that is not what was asked for."""
    if reply.keys() != {"observed"}:
        raise Ended("crashed")
    if reply["observed"] is None:
        return _nothing(asked, f"There is no answer yet: {asked.answer_name} is not defined, or None.")
    try:
        seen = _observations(reply["observed"], cases)
    except wire.WireError as error:
        raise Ended("crashed") from error
    return judge(asked, key(asked.name), cases, seen, {name: verdict.mistake for name, verdict in before.items()})


def _observations(sent: Any, cases: Any) -> list[Observation]:
    """What the submission says it saw, checked. Raises WireError."""
    if not isinstance(sent, list) or len(sent) != len(cases):
        raise wire.WireError("the observations are not one for each case")
    seen = []
    for entry, case in zip(sent, cases, strict=True):
        if not isinstance(entry, dict) or entry.keys() != {"outputs", "error", "changed"}:
            raise wire.WireError("an observation is not outputs, error and changes")
        outputs, error, changed = entry["outputs"], entry["error"], entry["changed"]
        if not (error is None or isinstance(error, str)) or (outputs is None) != (error is not None):
            raise wire.WireError("an observation has neither or both of outputs and error")
        if not isinstance(changed, list) or not all(isinstance(n, str) and n in case.inputs for n in changed):
            raise wire.WireError("an observation names inputs that there are not")
        arrays = None if outputs is None else {n: np.asarray(v) for n, v in wire.decode_all(outputs).items()}
        if arrays and any(array.dtype.kind not in "fiubc" for array in arrays.values()):
            raise wire.WireError("an output is not a number")
        seen.append(Observation(arrays, error and _error(error), tuple(sorted(changed))))
    return seen


def _error(sent: str) -> str:
    """An error's text, with a name first whatever was sent: no sentence of a submission's is taken for the judge's."""
    words = _without_numbers(sent)
    name = words.partition(":")[0]
    return words if named(name) == name else f"Exception: {words}"


def _without_numbers(error: str) -> str:
    """An error's text could quote the inputs."""
    return _DECIMAL.sub("…", _printable(error[: 2 * ERROR]))[:ERROR]


def _printable(text: str) -> str:
    """The text without half characters, which no file takes, and without orders to a terminal."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _sent(case: Case) -> dict[str, Any]:
    return {"part": case.part, "inputs": wire.encode_all(case.inputs)}


def _nothing(asked: Exercise, message: str) -> Verdict:
    return Verdict(asked.name, {part: (0.0, points) for part, points in asked.parts.items()}, message=message)


# --- outputs, for the notebook that a person may look at ------------------------------------------------------------


def _output(kind: str, **content: Any) -> NotebookNode:
    """As nbformat's new_output, which checks it against a schema: that takes longer than most cells run."""
    if kind in ("display_data", "execute_result"):
        content["metadata"] = {}
    return from_dict({"output_type": kind, **content})


def _outputs(ran: Any, room: int = OUTPUT) -> list[NotebookNode]:
    """What a cell left, as outputs of a notebook. Raises Ended when it is not what was asked for."""
    if not isinstance(ran, dict) or not all(isinstance(ran.get(name), str) for name in ("stdout", "stderr")):
        raise Ended("crashed")
    outputs = []
    for name in ("stdout", "stderr"):
        text = _printable(ran[name][:room])
        room -= len(text)
        if text:
            outputs.append(_output("stream", name=name, text=text))
    error = ran.get("error")
    if error is not None:
        if not (isinstance(error, list) and len(error) == 2 and all(isinstance(text, str) for text in error)):
            raise Ended("crashed")
        outputs.append(
            _output("error", ename=_printable(error[0][:200]), evalue=_printable(error[1][:2000]), traceback=[])
        )
    return outputs


def _as_outputs(verdict: Verdict) -> list[NotebookNode]:
    """A verdict as the outputs of its grading cell: what stock nbgrader would have there too."""
    text = f"{verdict.exercise}: {verdict.points:g} of {verdict.max_points:g}. {verdict.message}"
    return [
        _output("display_data", data={VERDICT_MIME: verdict.to_dict(), "text/plain": text}),
        _output("execute_result", data={"text/plain": str(verdict.points)}, execution_count=None),
    ]
