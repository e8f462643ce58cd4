"""What travels between the grader and a student's process, and what is refused."""

import json
import struct

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from zeroone.grading import wire
from zeroone.grading.wire import Seed, WireError, frame, unframe

DTYPES = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f8", ">i4")
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True),
    st.text(),
    st.text(alphabet="\ud800\x00\x1b\n"),
    st.integers(0, 2**70).map(Seed),
    stnp.arrays(st.sampled_from(DTYPES), stnp.array_shapes(min_dims=0, min_side=0, max_dims=3)),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def parts(data: bytes) -> tuple[bytes, bytes]:
    """Cut a frame into header and body."""
    header, body = wire.lengths(data[:8])
    assert len(data) == 8 + header + body
    return data[8 : 8 + header], data[8 + header :]


def same(one, other) -> bool:
    """Return whether two values are the same, by type, shape and every bit; NaN is NaN."""
    if isinstance(one, np.ndarray):
        return (
            type(other) is np.ndarray
            and one.shape == other.shape
            and one.dtype.newbyteorder("=") == other.dtype
            and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
            and bool(np.array_equal(np.signbit(one.astype(float)), np.signbit(other.astype(float))))
        )
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        if type(other) is not float or np.isnan(one) or np.isnan(other):
            return type(other) is float and bool(np.isnan(one) and np.isnan(other))
        return struct.pack("d", one) == struct.pack("d", other)
    return type(one) is type(other) and one == other


@given(values)
def test_what_arrives_is_what_was_sent(value):
    message, arrived = unframe(*parts(frame({"do": "it"}, {"x": value})))
    assert message == {"do": "it"}
    if not (isinstance(value, float) and np.isnan(value)):
        assert same(value, arrived["x"])


def test_numpy_scalars_arrive_as_arrays_without_axes():
    _, arrived = unframe(*parts(frame({}, {"a": np.float32(0.1), "b": np.bool_(True)})))
    assert arrived["a"].dtype == np.float32
    assert arrived["a"].shape == arrived["b"].shape == ()
    assert arrived["b"].item() is True


class Strange(np.ndarray):
    """An array that claims to equal everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


def test_subclasses_arrive_as_plain_arrays_and_numbers():
    class Liar(float):
        def __eq__(self, other):
            return True

        __hash__ = None

    _, arrived = unframe(*parts(frame({}, {"a": np.zeros(2).view(Strange), "b": Liar(2.0)})))
    assert type(arrived["a"]) is np.ndarray
    assert type(arrived["b"]) is float


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {"a": 1},
        np.array([None]),
        np.array(["a"]),
        np.array([1j]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.zeros(1, dtype=[("a", "f8")]),
        np.broadcast_to(0.0, (10**6, 10**6)),
        10**2000,
        "x" * 200_000,
        [0] * 20_000,
        [[[[[[[[1]]]]]]]],
        b"bytes",
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused_when_they_are_sent(value):
    with pytest.raises(WireError):
        frame({}, {"x": value})


def header(tree, body=b"") -> tuple[bytes, bytes]:
    """Return header and body of a frame with one value."""
    return json.dumps({"values": {"x": tree}}).encode(), body


NESTED = ["none"]
for _ in range(wire.MOST_DEPTH + 1):
    NESTED = ["list", [NESTED]]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"", b""),
        (b"{}", b""),
        (b"[]", b""),
        (b"null", b""),
        (b'{"values": []}', b""),
        (b'{"values": {"x": null}}', b""),
        (b"\xff\xfe", b""),
        (b"[" * 100_000, b""),
        (b"1" * 10_000, b""),
        (b'{"values": {"x": ["int", 5]}}', b""),
        header(["array", "|O", [1]], bytes(8)),
        header(["array", "O", [1]], bytes(8)),
        header(["array", ">f8", [1]], bytes(8)),
        header(["array", "<U1", [1]], bytes(4)),
        header(["array", ["<f8"], [1]], bytes(8)),
        header(["array", "<f8", [2]], bytes(8)),
        header(["array", "<f8", [1]], bytes(9)),
        header(["array", "<f8", [-1]], b""),
        header(["array", "<f8", [1.0]], bytes(8)),
        header(["array", "<f8", [True]], bytes(8)),
        header(["array", "<f8", [10**9, 10**9]], bytes(8)),
        header(["array", "<f8", [1] * 40], bytes(8)),
        header(["array", "<f8", [0, 10**7, 10**7, 10**7]], b""),
        header(["array", "<f8", 1], bytes(8)),
        header(["array", "|b1", [1]], b"\x02"),
        header(["float", "1.5 + 1"]),
        header(["float", "0x1p99999"]),
        header(["int", "1" * 5000]),
        header(["int", "1.5"]),
        header(["seed", "-1"]),
        header(["bool", 1]),
        header(["str", 1]),
        header(["none", 1]),
        header(["tuple", {}]),
        header(["tuple"]),
        header(["eval", "1"]),
        header([]),
        header([["int"], "1"]),
        header(["list", [["none"]] * 20_000]),
        header(NESTED),
        header(["none"], b"surplus"),
    ],
)
def test_frames_that_break_the_format_are_refused(head, body):
    with pytest.raises(WireError):
        unframe(head, body)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_noise_is_refused(head, body):
    with pytest.raises(WireError):
        unframe(head, body)


@given(values, st.data())
def test_a_damaged_frame_is_refused_or_gives_plain_values(value, data):
    head, body = parts(frame({}, {"x": value}))
    position = data.draw(st.integers(0, len(head) - 1))
    damaged = bytearray(head)
    damaged[position] = data.draw(st.integers(0, 255))
    try:
        _, arrived = unframe(bytes(damaged), body)
    except WireError:
        return
    frame({}, arrived)  # whatever it is, it is made of the types that can be sent


@pytest.mark.parametrize(
    "prefix", [b"\xff" * 8, struct.pack(">II", 2**20 + 1, 0), struct.pack(">II", 2, 2**31)]
)
def test_long_frames_are_refused_before_they_are_read(prefix):
    with pytest.raises(WireError):
        wire.lengths(prefix)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="seed"):
        Seed(seed)
