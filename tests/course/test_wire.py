"""Whatever a submission sends is decoded, or refused with the errors that the judge expects; never anything else."""

import contextlib
import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from thalweg.course import judging
from thalweg.course.sandbox import seccomp, wire
from thalweg.course.sandbox.outside import Ended
from thalweg.exercises import Observation, exercise, judge, key, observe

settings.register_profile("wire", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wire")

NAMES = ["momentum.heavy_ball", "momentum.velocity", "momentum.convergence_factor", "momentum.best_rho"]
CASES = {name: exercise(name).draw(np.random.default_rng(1)) for name in NAMES}

texts = st.text(st.characters(exclude_categories=[]), max_size=20)  # half characters too
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
arrays = st.sampled_from(sorted(wire.DTYPES)).flatmap(
    lambda dtype: some.arrays(np.dtype(dtype), some.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
# like what encode makes, but not quite
encoded = st.fixed_dictionaries(
    {
        "a": st.tuples(
            st.sampled_from([*sorted(wire.DTYPES), "|O", "<U3", "<f16", "V8", "f8,f8", ""]) | anything,
            st.lists(st.integers(-2, 2**40) | leaves, max_size=10) | anything,
            st.sampled_from(["", "AAAAAAAAAAA=", "AAAAAAAA+H8=", "AAAA", "A", "é", "A" * 64]) | anything,
        ).map(list)
        | anything
    }
) | st.fixed_dictionaries({"f": st.sampled_from(["nan", "inf", "0x1p99999", "1" * 41, "0x1.8p1"]) | anything})
values = anything | encoded | arrays.map(wire.encode)


def entry(names):
    """Like an observation, but not quite."""
    return anything | st.fixed_dictionaries(
        {
            "outputs": st.none() | anything | st.dictionaries(st.sampled_from(names) | texts, values, max_size=4),
            "error": st.none() | texts | anything,
            "changed": st.lists(st.sampled_from(names) | texts, max_size=3) | anything,
        },
        optional={"points": anything} if len(names) == 2 else {},
    )


@given(arrays)
def test_arrays_arrive_as_they_were_sent(array):
    back = wire.decode(json.loads(json.dumps(wire.encode(array))))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::2], lambda a: a.astype(">f8")])
def test_arrays_of_every_layout_arrive(view):
    array = view(np.arange(12.0).reshape(3, 4))
    np.testing.assert_array_equal(wire.decode(wire.encode(array)), array)


@given(st.none() | st.booleans() | st.text(max_size=9) | st.integers(1 - 2**53, 2**53 - 1) | st.floats(allow_nan=False))
def test_numbers_and_texts_arrive_as_they_were_sent(value):
    back = wire.decode(json.loads(json.dumps(wire.encode(value))))
    assert back == value
    assert type(back) is type(value) or isinstance(back, np.ndarray)


@given(values)
def test_whatever_is_decoded_is_plain_or_refused(value):
    try:
        back = wire.decode(value)
    except wire.WireError:
        return
    assert back is None or type(back) in (bool, int, float, str, np.ndarray)
    if isinstance(back, np.ndarray):
        assert back.dtype.str in wire.DTYPES and back.nbytes <= wire.LARGEST


@given(values)
def test_named_values_are_decoded_or_refused(value):
    with contextlib.suppress(wire.WireError):
        wire.decode_all(value)


@pytest.mark.parametrize(
    "shape",
    [[0] + [wire.LARGEST] * 7, [wire.LARGEST] * 7 + [0], [wire.LARGEST] * 8, [0] * 65, [-1], [True], [1.0], [2]],
)
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(wire.WireError):
        wire.decode({"a": ["<f8", shape, "AAAAAAAAAAA=" if 0 not in shape else ""]})


def received(raw: bytes, close: bool = True):
    """What ``receive`` makes of these bytes, or the error that it raises."""
    near, far = socket.socketpair()
    with near, far:
        sender = threading.Thread(target=far.sendall, args=(raw,), daemon=True)
        sender.start()
        if close:
            sender.join(5)
            far.shutdown(socket.SHUT_WR)
        try:
            return wire.receive(near, time.monotonic() + (5 if close else 0.05))
        except (wire.WireError, TimeoutError) as error:
            return type(error)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda raw: struct.pack(">I", len(raw)) + raw))
def test_any_bytes_are_a_message_or_refused(raw):
    assert isinstance(received(raw), (dict, type))


@given(anything)
def test_any_json_is_an_object_or_refused(value):
    raw = json.dumps(value).encode()
    got = received(struct.pack(">I", len(raw)) + raw)
    assert got == value if isinstance(value, dict) else got is wire.WireError


@pytest.mark.parametrize(
    "raw, error",
    [
        (b"", wire.Closed),
        (b"\0\0", wire.Closed),
        (b"\0\0\0\5{", wire.Closed),
        (struct.pack(">I", wire.LARGEST + 1), wire.WireError),
        (b"\xff\xff\xff\xff", wire.WireError),
        (b"\0\0\0\0", wire.WireError),
        (struct.pack(">I", 9) + b'{"a":NaN}', wire.WireError),
        (struct.pack(">I", 15) + b'{"a":-Infinity}', wire.WireError),
        (struct.pack(">I", 100_000) + b"[" * 100_000, wire.WireError),
        (struct.pack(">I", 100_005) + b'{"a":' + b"[" * 100_000, wire.WireError),
        (struct.pack(">I", 100_000) + b"9" * 100_000, wire.WireError),
        (struct.pack(">I", 4) + b"\xff\xfe{}", wire.WireError),
    ],
)
def test_bytes_that_are_no_message(raw, error):
    assert received(raw) is error


def test_a_message_that_does_not_end_in_time():
    assert received(b"\0\0\1\0{", close=False) is TimeoutError


def test_what_is_too_large_is_not_sent():
    near, far = socket.socketpair()
    with near, far, pytest.raises(wire.WireError, match="larger than"):
        wire.send(near, {"x": "y" * (wire.LARGEST + 1)})


@pytest.mark.parametrize("value", [object(), [object()], {"a": 1}, np.array(["x"]), 2**60 * 1j, np.datetime64("2030")])
def test_only_numbers_travel(value):
    try:
        array = wire.decode(wire.encode(value))
    except wire.WireError:
        return
    assert array.dtype.kind in "fiubc"


# --- what the judge makes of it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_any_observations_are_judged_or_refused(name):
    asked, cases = exercise(name), CASES[name]
    inputs = [*cases[-1].inputs, "theta", "v", "path", "factor", "rho"]

    @given(st.lists(entry(inputs), min_size=len(cases), max_size=len(cases)) | anything)
    def attempt(sent):
        try:
            verdict = judging._verdict(asked, cases, {"observed": sent}, {})
        except Ended:
            return
        assert 0 <= verdict.points < verdict.max_points == asked.points
        json.dumps(verdict.to_dict(), ensure_ascii=False).encode("utf-8")

    attempt()


def forms(array):
    """Arrays of the right size or nearly, with anything in them."""
    return arrays | some.arrays(
        st.sampled_from(["<f8", "<c16", "<i8", "|b1", "<f4"]).map(np.dtype),
        st.sampled_from([array.shape, (array.size,), (1, *array.shape)]),
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_arrays_under_the_right_names_are_judged(name):
    asked, cases = exercise(name), CASES[name]
    right = observe(asked, key(name).reference, cases)

    @settings(max_examples=40)
    @given(st.data())
    def attempt(data):
        seen = [Observation({k: data.draw(forms(v)) for k, v in observation.outputs.items()}) for observation in right]
        verdict = judge(asked, key(name), cases, seen)
        assert 0 <= verdict.points <= verdict.max_points
        json.dumps(verdict.to_dict()).encode("utf-8")

    attempt()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e308, complex(1e308, 1e308), complex(0, np.nan), 0])
def test_no_one_number_is_right_everywhere(name, number):
    asked, cases = exercise(name), CASES[name]
    right = observe(asked, key(name).reference, cases)
    seen = [Observation({k: np.full(v.shape, number) for k, v in one.outputs.items()}) for one in right]
    assert judge(asked, key(name), cases, seen).parts["values"][0] == 0


@given(values)
def test_any_output_of_a_cell_is_kept_or_refused(value):
    with contextlib.suppress(Ended):
        judging._outputs(value)


@given(texts, texts, st.none() | st.lists(texts, min_size=1, max_size=3), st.integers(0, 30))
def test_outputs_can_be_written_and_hold_no_orders_to_a_terminal(stdout, stderr, error, room):
    try:
        kept = judging._outputs({"stdout": stdout, "stderr": stderr, "error": error}, room)
    except Ended:
        return
    for out in kept:
        for text in (out.get("text", ""), out.get("ename", ""), out.get("evalue", "")):
            text.encode("utf-8")
            assert "\x1b" not in text and "\0" not in text
    assert sum(len(out.get("text", "")) for out in kept) <= room


# --- the filter of system calls ---------------------------------------------------------------------------------------


def verdict_of(lines: bytes, architecture: int, number: int, argument: int = 0) -> int:
    """What the filter answers: the few instructions that it uses, run here."""
    data, at, loaded = {0: number, 4: architecture, 16: argument}, 0, 0
    tests = {0x15: lambda a, b: a == b, 0x35: lambda a, b: a >= b, 0x45: lambda a, b: bool(a & b)}
    while True:
        code, if_true, if_false, value = struct.unpack_from("=HBBI", lines, at * 8)
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            loaded = data[value]
        else:
            at += if_true if tests[code](loaded, value) else if_false


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_refuses_what_it_lists_and_nothing_else(machine):
    lines, architecture = seccomp.program(machine), seccomp.ARCHITECTURES[machine]
    column = list(seccomp.ARCHITECTURES).index(machine)
    refused = {numbers[column] for numbers in seccomp.REFUSED.values()}
    sockets = {numbers[column] for numbers in seccomp.SOCKETS.values()}
    others = {seccomp.CLONE3: 0x50026, seccomp.SETSID[column]: 0x50000} | dict.fromkeys(sockets, 0x50061)  # by errno
    for number in range(600):
        answer = verdict_of(lines, architecture, number)
        assert answer == others.get(number, 0x50001 if number in refused else 0x7FFF0000)
    for number in sockets:
        for family in range(1, 60):
            assert (verdict_of(lines, architecture, number, family) == 0x7FFF0000) == (family == socket.AF_UNIX)
    clone = seccomp.CLONE[column]
    assert verdict_of(lines, architecture, clone, 0x10000011) == 0x50001
    assert verdict_of(lines, architecture, clone, 0x3D0F00) == 0x7FFF0000, "a thread"
    assert verdict_of(lines, 0x40000003, 0) == 0x50001
    assert verdict_of(lines, architecture, 0x40000000 | 1) == 0x50001


def test_a_machine_without_a_filter_is_refused():
    with pytest.raises(OSError, match="no filter of system calls for sparc"):
        seccomp.program("sparc")
