"""How values travel between the grader and a student's process: typed, bounded, never pickled.

A frame is two lengths (4 bytes each, most significant byte first), a header of that many bytes of
JSON, and a body of that many bytes: the entries of all arrays, one after the other, little-endian
and in row order. In the header, a value is a list of a tag and what the tag needs:

    ["none"]  ["bool", true]  ["int", "12"]  ["float", "0x1.8p+1"]  ["str", "text"]
    ["seed", "7"]  ["array", "<f8", [2, 3]]  ["list", [...]]  ["tuple", [...]]

(Numbers are strings, so that no reader rounds them or refuses NaN.) What comes from a student's
process may have been written by anyone. `decode` therefore takes nothing on trust: lengths, dtypes
from a table, shapes, the number of values, how deep they lie, and that the body has no byte too
few or too many. It builds plain arrays and Python's own types, whose equality nobody can redefine.

This module also runs in the student's process, where it is imported by itself: it needs NumPy and
the standard library only.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

PREFIX = struct.Struct(">II")
HEADER_BYTES = 1 << 20
BODY_BYTES = 32 << 20
MOST_VALUES = 10_000
MOST_DEPTH = 6
MOST_DIGITS = 1000
MOST_BITS = 3000
MOST_CHARACTERS = 100_000
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in ("?", "<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8")
}


class WireError(Exception):
    """A frame that does not keep to the format, or a value that does not fit into it."""


@dataclass(frozen=True)
class Seed:
    """An argument that arrives as ``numpy.random.default_rng(seed)``.

    A student's function gets the generator, and so do `Task.expected` and `Task.judge`, each a new
    one.

    Parameters
    ----------
    seed : int >= 0

    Raises
    ------
    ValueError
        If it is negative or no int.
    """

    seed: int

    def __post_init__(self) -> None:
        if type(self.seed) is not int or self.seed < 0:
            raise ValueError(f"seed must be an integer >= 0, but is {self.seed!r}")


class Encoder:
    """Turns values into header trees, and collects the bytes of their arrays."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = self.count = 0

    def encode(self, value: Any, depth: int = 0) -> list[Any]:
        """Return the header tree of a value.

        Raises
        ------
        WireError
            If it is of another type, too large, or too deep.
        """
        self.count += 1
        if self.count > MOST_VALUES or depth > MOST_DEPTH:
            raise WireError("a structure with too many values")
        if value is None:
            return ["none"]
        if isinstance(value, bool):
            return ["bool", bool(value)]
        if isinstance(value, int) and not isinstance(value, np.generic):
            return ["int", self.digits(value)]
        if isinstance(value, float) and not isinstance(value, np.generic):
            return ["float", float.hex(value)]
        if isinstance(value, str):
            if len(value) > MOST_CHARACTERS:
                raise WireError(f"a string of {len(value)} characters")
            return ["str", str.__str__(value)]
        if isinstance(value, list | tuple):
            tag = "list" if isinstance(value, list) else "tuple"
            return [tag, [self.encode(one, depth + 1) for one in value]]
        if isinstance(value, np.ndarray | np.generic):
            return self.array(value)
        if isinstance(value, Seed):
            return ["seed", self.digits(value.seed)]
        raise WireError(f"an object of type {type(value).__name__}")

    def digits(self, value: int) -> str:
        """Return an integer's digits."""
        if int.bit_length(value) > MOST_BITS:
            raise WireError("an integer with too many digits")
        return int.__repr__(value)

    def array(self, value: Any) -> list[Any]:
        """Return the header of an array or of a NumPy scalar, and keep its bytes."""
        kind = np.dtype(value.dtype).newbyteorder("<")
        if kind.str not in DTYPES:
            raise WireError(f"an array of dtype {value.dtype}")
        self.size += int(value.size) * kind.itemsize
        if self.size > BODY_BYTES:
            raise WireError(f"an array of shape {tuple(value.shape)}, which is too large")
        plain = np.array(value, dtype=kind, order="C", subok=False)
        self.parts.append(plain.tobytes())
        return ["array", kind.str, [int(length) for length in plain.shape]]


def frame(message: dict[str, Any], values: dict[str, Any]) -> bytes:
    """Return a frame of a message of plain JSON with some values beside it.

    Raises
    ------
    WireError
        If a value does not fit.
    """
    encoder = Encoder()
    trees = {name: encoder.encode(value) for name, value in values.items()}
    header = json.dumps({**message, "values": trees}).encode("ascii")
    if len(header) > HEADER_BYTES:
        raise WireError("a structure that is too large")
    return PREFIX.pack(len(header), encoder.size) + header + b"".join(encoder.parts)


def lengths(prefix: bytes) -> tuple[int, int]:
    """Return how long header and body are.

    Raises
    ------
    WireError
        If that is more than a frame may have.
    """
    header, body = PREFIX.unpack(prefix)
    if header > HEADER_BYTES or body > BODY_BYTES:
        raise WireError("a message that is too long")
    return header, body


class Decoder:
    """Turns header trees that nobody vouches for into plain values."""

    def __init__(self, body: bytes) -> None:
        self.body = memoryview(body)
        self.position = self.count = 0

    def decode(self, tree: Any, depth: int = 0) -> Any:
        """Return the value of a header tree.

        Raises
        ------
        WireError
            If the tree is not of the format.
        """
        self.count += 1
        if self.count > MOST_VALUES or depth > MOST_DEPTH:
            raise WireError("too many values")
        if type(tree) is not list or not tree or type(tree[0]) is not str:
            raise WireError("not a value")
        tag, *content = tree
        if tag == "none" and not content:
            return None
        if tag in ("list", "tuple") and len(content) == 1 and type(content[0]) is list:
            values = [self.decode(one, depth + 1) for one in content[0]]
            return values if tag == "list" else tuple(values)
        if tag == "array" and len(content) == 2:
            return self.array(*content)
        if len(content) == 1:
            return scalar(tag, content[0])
        raise WireError("not a value")

    def array(self, dtype: Any, shape: Any) -> np.ndarray:
        """Return the array that the next bytes of the body hold."""
        if type(dtype) is not str or dtype not in DTYPES or type(shape) is not list:
            raise WireError("not an array")
        size = DTYPES[dtype].itemsize
        for length in shape:
            if type(length) is not int or not 0 <= length <= BODY_BYTES:
                raise WireError("not a shape")
        if len(shape) > 32:
            raise WireError("not a shape")
        for length in shape:
            size *= length
        if self.position + size > len(self.body):
            raise WireError("an array without its entries")
        part = self.body[self.position : self.position + size]
        self.position += size
        if dtype == "|b1" and not set(bytes(part)) <= {0, 1}:
            raise WireError("a truth value that is neither 0 nor 1")
        entries = np.frombuffer(part, DTYPES[dtype]) if size else np.empty(0, DTYPES[dtype])
        return entries.reshape(shape).copy()


def scalar(tag: str, content: Any) -> Any:
    """Return a number, a truth value, a string or a seed."""
    if tag == "bool" and type(content) is bool:
        return content
    if type(content) is not str or len(content) > MOST_CHARACTERS:
        raise WireError("not a value")
    if tag == "str":
        return content
    readers: dict[str, Callable[[str], Any]] = {
        "int": integer,
        "float": float.fromhex,
        "seed": lambda digits: Seed(integer(digits)),
    }
    if tag not in readers or len(content) > MOST_DIGITS:
        raise WireError("not a value")
    try:
        return readers[tag](content)
    except (ValueError, OverflowError):
        raise WireError("not a number") from None


def integer(digits: str) -> int:
    """Return an integer of no more digits than one that can be sent."""
    value = int(digits)
    if value.bit_length() > MOST_BITS:
        raise WireError("an integer with too many digits")
    return value


def unframe(header: bytes, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the message and the values of a frame.

    Raises
    ------
    WireError
        If it does not keep to the format.
    """
    try:
        message = json.loads(header.decode("ascii"))
        if type(message) is not dict or type(message.get("values")) is not dict:
            raise WireError("not a message")
        decoder = Decoder(body)
        values = {name: decoder.decode(tree) for name, tree in message.pop("values").items()}
    except (ValueError, RecursionError, MemoryError):
        raise WireError("not a message") from None
    if decoder.position != len(body):
        raise WireError("surplus bytes")
    return message, values
