"""What crosses the border between judge and submission: framed JSON, numbers and arrays only, checked on arrival.

A frame is four bytes of length (big endian) and that many bytes of JSON. Arrays travel as their type, shape and raw bytes;
nothing here can carry code. Whatever a submission sends is decoded by these functions or refused with :class:`WireError`.
"""

import base64
import binascii
import json
import math
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

LARGEST = 8 * 2**20  # bytes of a frame
DIMENSIONS = 64  # of an array: as many as NumPy's can have
DTYPES = frozenset(["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"])


class WireError(Exception):
    """What arrived is not what was asked for; the message says what is wrong with it."""


class Closed(WireError):
    """The other side has ended."""


def packed(message: Mapping[str, Any]) -> bytes:
    """The frame of one message. Raises WireError when it is too large."""
    raw = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    if len(raw) > LARGEST:
        raise WireError(f"a message of {len(raw)} bytes is larger than {LARGEST}")
    return struct.pack(">I", len(raw)) + raw


def send(sock: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message. Raises WireError when it is too large, OSError when nobody listens."""
    sock.sendall(packed(message))


def receive(sock: socket.socket, deadline: float | None = None) -> dict[str, Any]:
    """Receive one message: a JSON object. ``deadline`` is a time of ``time.monotonic()``.

    Raises TimeoutError when it passes, Closed when the other side has ended, WireError for anything that is not a message.
    """
    (length,) = struct.unpack(">I", _exactly(sock, 4, deadline))
    if length > LARGEST:
        raise WireError(f"a message of {length} bytes is larger than {LARGEST}")
    raw = _exactly(sock, length, deadline)
    try:
        message = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise WireError("a message is not an object")
    return message


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _exactly(sock: socket.socket, count: int, deadline: float | None) -> bytes:
    parts, left = [], count
    while left:
        if deadline is not None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            sock.settimeout(remaining)
        else:
            sock.settimeout(None)
        part = sock.recv(min(left, 2**16))
        if not part:
            raise Closed("the other side has ended")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


# --- arrays and numbers ---------------------------------------------------------------------------------------------


def encode(value: Any) -> Any:
    """A number, text or array as JSON. Raises WireError for any other type."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return {"f": value.hex()}
    array = np.asarray(value)
    array = np.ascontiguousarray(array).reshape(array.shape)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if array.dtype.str not in DTYPES:
        raise WireError(f"an array of {array.dtype} cannot travel")
    return {"a": [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]}


def decode(value: Any) -> Any:
    """The opposite of :func:`encode`. Raises WireError for anything that it cannot have made."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise WireError("an integer is too large")
        return value
    if isinstance(value, dict) and value.keys() == {"f"}:
        return _float(value["f"])
    if isinstance(value, dict) and value.keys() == {"a"}:
        return _array(value["a"])
    raise WireError(f"a {type(value).__name__} is neither number, text nor array")


def _float(text: Any) -> float:
    if not isinstance(text, str) or len(text) > 40:
        raise WireError("a number is not written as one")
    try:
        number = float.fromhex(text)
    except (ValueError, OverflowError) as error:
        raise WireError(f"a number is not written as one: {error}") from error
    if not math.isfinite(number):
        raise WireError("a number is not finite")
    return number


def _array(parts: Any) -> np.ndarray:
    if not (isinstance(parts, list) and len(parts) == 3 and isinstance(parts[1], list) and isinstance(parts[2], str)):
        raise WireError("an array is not type, shape and bytes")
    dtype, shape, raw = parts
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireError(f"an array has the type {str(dtype)[:40]!r}")
    if len(shape) > DIMENSIONS or not all(type(n) is int and 0 <= n <= LARGEST for n in shape):
        raise WireError("an array has an impossible shape")
    try:
        data = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError(f"an array's bytes are damaged: {error}") from error
    kind = np.dtype(dtype)
    if math.prod(shape) * kind.itemsize != len(data):
        raise WireError("an array's bytes do not fill its shape")
    try:
        array = np.frombuffer(data, dtype=kind).reshape(shape).copy()
    except ValueError as error:  # a shape with a zero fits no bytes at all, however large the rest of it
        raise WireError(f"an array has an impossible shape: {error}") from error
    if kind.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise WireError("an array of booleans holds something else")
    return array


def encode_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Encode each value of a dictionary."""
    return {name: encode(value) for name, value in values.items()}


def decode_all(values: Any, most: int = 32) -> dict[str, Any]:
    """Decode each value of a dictionary with at most ``most`` short names. Raises WireError for anything else."""
    if not isinstance(values, dict) or len(values) > most or any(len(name) > 64 for name in values):
        raise WireError("what should be named values is not")
    return {name: decode(value) for name, value in values.items()}
