"""The far side: a warm parent that forks one confined process for each submission.

It is started by :mod:`outside` within bubblewrap: no network, a read-only system, none of the references. It imports once
what notebooks use, then waits. For each submission it gets a socket and limits, and forks a *keeper*; the keeper puts itself
into namespaces of its own and forks process number 1 of them, which runs the submission's cells. When that process ends,
whatever it started ends with it. Nothing that happens in there is believed outside: see :mod:`wire`.
"""

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from .confine import confine, unshare
from .keeper import keep


def main() -> None:
    """Wait for submissions on the socket whose number is the first argument; fork a keeper for each.

    The second argument says whether they have PyTorch.
    """
    control = socket.socket(fileno=int(sys.argv[1]))
    _warm_up(torch="torch" in sys.argv[2:])
    control.send(b"ready")
    while True:
        raw, fds, _, _ = socket.recv_fds(control, 4096, 2)
        with contextlib.suppress(ChildProcessError):  # no keeper is left; at the end, each one ends by itself
            while os.waitpid(-1, os.WNOHANG if raw else 0)[0]:
                pass
        if not raw:
            return
        if os.fork() == 0:
            control.close()
            try:
                _one(json.loads(raw), *fds)
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)


def _warm_up(torch: bool) -> None:
    """Import what every notebook needs, so that no submission has to."""
    import matplotlib.pyplot as plt
    import numpy.linalg
    import numpy.random

    import thalweg.data
    import thalweg.exercises
    import thalweg.minimize
    import thalweg.surfaces

    from . import shell, wire  # noqa: F401

    for topic in thalweg.exercises.topics():
        __import__(f"thalweg.exercises.{topic}")
    if torch:
        _warm_up_torch()
    else:
        sys.modules["torch"] = None  # type: ignore[assignment]  # an exercise in NumPy is solved in NumPy
    plt.figure()  # finds the fonts
    plt.close("all")
    shell.shell().run_cell("pass", store_history=False)  # what IPython imports at the first cell
    shell.shell().display_formatter.format(numpy.ones(2))  # and what it makes when it first shows a value
    # A submission's garbage collector would touch every object of the parent's, and each page touched is copied.
    gc.collect()
    gc.freeze()


def _warm_up_torch() -> None:
    """Import PyTorch and take a step with it: the first one imports more. On one thread: a fork has no others."""
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    model = torch.nn.Linear(2, 1)
    for optimizer in (torch.optim.SGD(model.parameters(), 0.1), torch.optim.Adam(model.parameters())):
        optimizer.zero_grad()
        model(torch.zeros(3, 2)).sum().backward()
        optimizer.step()


def _one(limits: dict[str, Any], work: int, orders: int) -> None:
    """In a process of its own: the keeper of one submission."""

    def submission() -> None:
        if limits["confined"]:
            confine(limits)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):  # nobody reads a pipe to the end for it
            os.dup2(null, fd)
        serve(socket.socket(fileno=work))

    if limits["confined"]:
        unshare()
    keep(limits, work, orders, submission)


# --- process 1: the submission ----------------------------------------------------------------------------------------


@dataclass
class Turn:
    """The request that is being answered. The judge takes no reply to another one."""

    token: Any = None
    busy: bool = False  # between requests there is nothing to interrupt
    interrupted: bool = False  # by the keeper; a cell may also raise KeyboardInterrupt by itself


def serve(sock: socket.socket) -> None:
    """Do what the judge asks until it hangs up: run a cell, or use an answer on inputs."""
    import thalweg.exercises

    from . import wire

    turn = Turn()

    def interrupt(*_: Any) -> None:
        if turn.busy:
            turn.interrupted = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    thalweg.exercises.check = _check
    wire.send(sock, {"ready": True})
    while True:
        try:
            message = wire.receive(sock)
        except wire.Closed:
            return
        turn.token, turn.interrupted = message["turn"], False
        try:
            reply = _done(turn, message)
        except BaseException as error:  # whatever it is, it costs this request alone
            reply = {"interrupted": True} if turn.interrupted else _failed(message, error)
        wire.send(sock, reply | {"turn": turn.token})


def _done(turn: Turn, message: dict[str, Any]) -> dict[str, Any]:
    from . import shell

    try:
        turn.busy = True
        if message["do"] == "run":
            return {"ran": _run(turn, message["source"])}
        return _observed(turn, message["exercise"], shell.shell().user_ns.get(message["symbol"]), message["cases"])
    finally:
        turn.busy = False


def _failed(message: dict[str, Any], error: BaseException) -> dict[str, Any]:
    """The reply to a request that ``error`` ended."""
    from . import shell

    if message["do"] == "run":
        return {"ran": shell.stopped(error)}
    return {"observed": [_stopped(error) for _ in message["cases"]]}


def _run(turn: Turn, source: str) -> dict[str, Any]:
    from . import shell

    ran = shell.run(source)
    if turn.interrupted and ran["error"] and ran["error"][0] == "KeyboardInterrupt":
        raise KeyboardInterrupt
    return ran


ROOM = 5 << 20  # bytes of numbers that fit into one reply


def _observed(turn: Turn, name: str, answer: Any, sent: list[dict[str, Any]]) -> dict[str, Any]:
    from thalweg.exercises import Case, exercise, observe

    from . import wire

    if answer is None:
        return {"observed": None}
    asked, seen, room = exercise(name), [], ROOM
    for case in sent:
        try:
            (found,) = observe(asked, answer, [Case(case["part"], wire.decode_all(case["inputs"]))])
            if found.outputs is None:
                seen.append(_observation(error=found.error or "", changed=found.changed))
                continue
            room -= sum(array.nbytes for array in found.outputs.values())
            if room < 0:
                raise ValueError("it returned more numbers than can be judged")
            seen.append(_observation(wire.encode_all(found.outputs), changed=found.changed))
        except BaseException as error:
            if turn.interrupted:
                raise
            seen.append(_stopped(error))
    return {"observed": seen}


def _observation(
    outputs: dict[str, Any] | None = None, error: str | None = None, changed: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {"outputs": outputs, "error": error and error[:2000], "changed": list(changed)}


def _stopped(error: BaseException) -> dict[str, Any]:
    from thalweg.exercises.exercise import in_words

    return _observation(error=in_words(error))


def _check(name: str, answer: Any) -> None:
    """What ``check`` does here: the points are decided outside, where the exercise is graded, and once is enough."""
    from thalweg.exercises import exercise

    print(f"{exercise(name).answer_name}: its points are given in the cell that grades it.")


if __name__ == "__main__":
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True)
    main()
