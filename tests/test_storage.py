"""Network files: what comes back, what is refused, and that nothing in them is executed."""

import contextlib
import io
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zeroone.nets.files as storage
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import load

# ------------------------------------------------------------------------------------------------
# What is written comes back


def small_network(dtype=np.float64, **changes):
    rng = np.random.default_rng(5)
    parts = {"classes": ["no", "yes"], "metadata": {"seed": 5, "note": "\u03c4 = 1"}} | changes
    return ZeroOneMLP(
        [rng.normal(size=(3, 2)).astype(dtype), rng.normal(size=(2, 3)).astype(dtype)],
        [rng.normal(size=3).astype(dtype), rng.normal(size=2).astype(dtype)],
        **parts,
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def networks(draw):
    sizes = [
        draw(st.integers(1, 3)),
        *draw(st.lists(st.integers(0, 3), max_size=3)),
        draw(st.integers(1, 3)),
    ]
    precision = draw(st.sampled_from([32, 64]))
    entries = st.floats(allow_nan=False, allow_infinity=False, width=precision)
    dtype = f"float{precision}"

    def array(n):
        return np.array(draw(st.lists(entries, min_size=n, max_size=n)), dtype=dtype)

    labels = draw(
        st.sampled_from(
            [
                st.integers(-(2**62), 2**62),
                st.text(st.characters(exclude_characters="\0"), max_size=4),
                entries,
            ]
        )
    )
    n_out = sizes[-1]
    activation = draw(st.sampled_from(["step", "sign", "staircase"]))
    return ZeroOneMLP(
        [array(n * m).reshape(n, m) for m, n in pairwise(sizes)],
        [array(n) for n in sizes[1:]],
        activation=activation,
        levels=4 if activation == "staircase" else None,
        classes=draw(
            st.none() | st.lists(labels, min_size=n_out, max_size=n_out, unique=True).map(np.array)
        ),
        metadata=draw(st.none() | st.dictionaries(st.text(max_size=5), json_values, max_size=3)),
    )


def identical(one, other):
    """Compare attribute by attribute, bits and types included; not by the library's ==."""
    arrays = [(*net.weights, *net.biases) for net in (one, other)]
    if len(arrays[0]) != len(arrays[1]):
        return False
    pairs = [*zip(*arrays, strict=True)]
    if (one.classes is None) != (other.classes is None):
        return False
    if one.classes is not None:
        pairs.append((one.classes, other.classes))
    return all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()) for a, b in pairs
    ) and (
        (one.activation, one.levels) == (other.activation, other.levels)
        and json.dumps(one.metadata, sort_keys=True) == json.dumps(other.metadata, sort_keys=True)
    )


@settings(max_examples=60, deadline=None)
@given(networks())
def test_every_network_comes_back_to_the_bit(tmp_path_factory, net):
    path = tmp_path_factory.getbasetemp() / "round.npz"
    net.save(path)
    for loaded in (load(path), ZeroOneMLP.load(str(path))):
        assert identical(loaded, net)
        assert loaded == net


def test_the_comparison_of_the_round_trip_is_strict():
    net = small_network()
    assert identical(net, small_network())
    for other in (
        small_network(np.float32),
        small_network(classes=None),
        small_network(classes=["no", "yes!"]),
        small_network(metadata={"seed": 6}),
        small_network(activation="sign"),
        ZeroOneMLP([-W for W in net.weights], net.biases, classes=net.classes),
    ):
        assert not identical(net, other)


def test_a_network_without_hidden_units_survives(tmp_path):
    net = ZeroOneMLP([np.zeros((3, 2)), np.ones((2, 3))], [[1, 1, 1], [0, -4]]).compress()
    net.save(tmp_path / "constant.npz")
    loaded = load(tmp_path / "constant.npz")
    assert loaded.layer_sizes == (2, 0, 2)
    assert loaded.decision_function([[5, 6]]).tolist() == [[3, -1]]


def test_the_file_has_exactly_the_given_name(tmp_path):
    for name in ("net.npz", "net", "net.model"):
        small_network().save(str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "net.model", "net.npz"]


def test_saving_replaces_an_existing_file(tmp_path):
    path = tmp_path / "net.npz"
    path.write_text("something else")
    small_network().save(path)
    assert load(path) == small_network()


@pytest.mark.parametrize("target", ["missing/net.npz", "folder"])
def test_saving_refuses_impossible_places(tmp_path, target):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="cannot write"):
        small_network().save(tmp_path / target)


# ------------------------------------------------------------------------------------------------
# Files of earlier versions

OLD = Path(__file__).parent / "data"


@pytest.mark.parametrize("name", ["step", "sign", "staircase"])
def test_files_of_version_1_load(name):
    known = json.loads((OLD / "known.json").read_text(encoding="utf-8"))
    net, expected = load(OLD / f"{name}.npz"), known[name]
    assert net.activation == name
    assert repr(net) == expected["repr"]
    assert [W.tolist() for W in net.weights] == expected["weights"]
    assert [b.tolist() for b in net.biases] == expected["biases"]
    assert (net.metadata, net.classes.tolist()) == (expected["metadata"], expected["classes"])
    assert net.predict(known["X"]).tolist() == expected["labels"]
    # All weights are multiples of 1/8: arithmetic is exact, but for thirds of the staircase.
    np.testing.assert_allclose(net.decision_function(known["X"]), expected["scores"], rtol=1e-13)


@pytest.mark.parametrize("name", ["step", "sign", "staircase"])
def test_what_is_written_today_is_what_was_written_then(name, tmp_path):
    load(OLD / f"{name}.npz").save(tmp_path / "again.npz")
    with (
        zipfile.ZipFile(OLD / f"{name}.npz") as old,
        zipfile.ZipFile(tmp_path / "again.npz") as new,
    ):
        assert new.namelist() == old.namelist()
        for entry in old.namelist():
            assert new.read(entry) == old.read(entry)


# ------------------------------------------------------------------------------------------------
# The same contents give the same bytes


def check_reproducible(write, tmp_path, monkeypatch):
    contents = []
    orders = ({"a": 1, "b": [2]}, {"b": (2,), "a": 1})
    for i, (day, metadata) in enumerate(zip((10_000, 20_000), orders, strict=True)):
        monkeypatch.setattr(time, "time", lambda day=day: day * 86_400.0)
        path = tmp_path / f"{i}.npz"
        write(small_network(metadata=metadata), path)
        contents.append(path.read_bytes())
    monkeypatch.undo()
    assert contents[0] == contents[1]


def test_saved_files_are_reproducible(tmp_path, monkeypatch):
    check_reproducible(ZeroOneMLP.save, tmp_path, monkeypatch)
    with zipfile.ZipFile(tmp_path / "0.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_timestamp_would_be_caught(tmp_path, monkeypatch):
    def write(net, path):
        with zipfile.ZipFile(path, "w") as archive:
            for i, weight in enumerate(net.weights):
                archive.writestr(f"weight_{i + 1}.npy", weight.tobytes())

    with pytest.raises(AssertionError):
        check_reproducible(write, tmp_path, monkeypatch)


def test_an_unsorted_header_would_be_caught(tmp_path, monkeypatch):
    def write(net, path):
        path.write_text(json.dumps(net.metadata))

    with pytest.raises(AssertionError):
        check_reproducible(write, tmp_path, monkeypatch)


# ------------------------------------------------------------------------------------------------
# Whole or not at all


def check_atomic(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    old = small_network()
    old.save(path)
    write_all = np.savez

    def fail_midway(file, **arrays):
        write_all(file, **dict(list(arrays.items())[:2]))
        file.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail_midway)
    with pytest.raises(KeyboardInterrupt):
        small_network(activation="sign").save(path)
    monkeypatch.setattr(np, "savez", write_all)
    assert identical(load(path), old)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.npz"]


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    check_atomic(tmp_path, monkeypatch)


def test_writing_in_place_would_be_caught(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "atomic_write", lambda path: path.open("wb"))
    with pytest.raises(ValueError, match="cannot load"):
        check_atomic(tmp_path, monkeypatch)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.npz"
    small_network().save(path)
    script = """
import os, signal, sys
import numpy as np
from zeroone.nets.mlp import ZeroOneMLP

def die(file, **arrays):
    file.write(b"PK")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

np.savez = die
ZeroOneMLP([[[1.0]]], [[0.0]]).save(sys.argv[1])
"""
    import zeroone

    root = str(next(iter(zeroone.__path__))).removesuffix("zeroone")
    result = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=False)
    assert result.returncode == -signal.SIGKILL
    assert identical(load(path), small_network())


# ------------------------------------------------------------------------------------------------
# Refusals


def refusal(path):
    """Return the message with which `path` is refused, having checked its form."""
    with pytest.raises(ValueError, match="cannot load") as caught:
        load(path)
    message = str(caught.value)
    assert type(caught.value) is ValueError
    assert message.startswith(f"cannot load {path}: ")
    assert len(message) > len(f"cannot load {path}: ")
    assert "\n" not in message
    return message


def entries_of(net, tmp_path):
    net.save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as archive:
        return dict(archive)


def with_header(entries, **changes):
    header = json.loads(entries["header"].tobytes()) | changes
    text = json.dumps({key: value for key, value in header.items() if value is not Ellipsis})
    return entries | {"header": np.frombuffer(text.encode(), np.uint8)}


def write_entries(path, entries, savez=np.savez):
    with open(path, "wb") as file:
        savez(file, **entries)
    return path


def test_the_hand_made_file_is_good(tmp_path):
    # So that the refusals below are due to what they change.
    entries = with_header(entries_of(small_network(), tmp_path))
    assert identical(load(write_entries(tmp_path / "same.npz", entries)), small_network())


def test_what_is_no_file_is_refused(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "missing.npz")
    assert "there is no such file" in refusal(tmp_path / "no" / "folder.npz")
    assert "it is a folder" in refusal(tmp_path)


def test_foreign_files_are_refused(tmp_path):
    def written(content):
        (tmp_path / "foreign").write_bytes(content)
        return tmp_path / "foreign"

    def npy(array, **options):
        stream = io.BytesIO()
        np.save(stream, array, **options)
        return stream.getvalue()

    assert "the file is empty" in refusal(written(b""))
    assert "not a zip archive" in refusal(written(b"weights: 1, 2, 3\n"))
    assert "not a zip archive" in refusal(written(npy(np.ones(3))))
    assert "not a zip archive" in refusal(written(pickle.dumps({"weights": [1]})))
    assert "truncated or damaged" in refusal(written(b"PK\x03\x04 and no more"))

    path = write_entries(tmp_path / "other.npz", {"x": np.ones(2), "y": np.ones(3)})
    assert "not a zeroone network file: its entries are x.npy, y.npy" in refusal(path)
    many = {f"a_very_long_entry_name_{i}" * 3: np.ones(1) for i in range(50)}
    assert len(refusal(write_entries(path, many))) < 400 + len(str(path))
    with zipfile.ZipFile(path, "w"):
        pass
    assert "its entries are none" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"{}")
    assert "its entry header is damaged" in refusal(path)


def encoded(text):
    return np.frombuffer(text.encode(), np.uint8)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (encoded("not json"), "its header is not JSON"),
        (encoded("[" * 100_000), "its header is not JSON"),
        (np.array([255, 254], np.uint8), "its header is not JSON"),
        (encoded("[1]"), "its format is not 'zeroone-mlp'"),
        (encoded('{"format": "another"}'), "its format is not 'zeroone-mlp'"),
        (np.ones(3), "entry header has the unexpected dtype float64"),
    ],
)
def test_foreign_headers_are_refused(tmp_path, header, message):
    entries = entries_of(small_network(), tmp_path) | {"header": header}
    assert message in refusal(write_entries(tmp_path / "bad.npz", entries))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "format version 2, but this zeroone reads versions up to 1"),
        ({"version": "1"}, "its format version must be an integer >= 1"),
        ({"version": ...}, "its format version must be an integer >= 1, but is None"),
        ({"layers": 3}, "a network of 3 layers with classes has other entries"),
        ({"layers": 1}, "a network of 1 layers with classes has other entries"),
        ({"layers": 10**15}, "layers with classes has other entries"),
        ({"layers": 0}, "its number of layers must be an integer >= 1"),
        ({"layers": ...}, "its number of layers must be an integer >= 1, but is None"),
        ({"classes": ...}, "whether it has classes must be true or false, but is None"),
        ({"classes": 1}, "whether it has classes must be true or false, but is 1"),
        ({"classes": False}, "a network of 2 layers without classes has other entries"),
        ({"activation": "relu"}, "activation must be one of step, sign, staircase"),
        ({"activation": ["step"]}, "activation must be one of step, sign, staircase"),
        ({"activation": ...}, "activation must be one of step, sign, staircase"),
        ({"levels": 4}, "levels must be None"),
        ({"activation": "staircase", "levels": 2.5}, "levels must be an integer >= 2"),
        ({"metadata": [1]}, "metadata must be a dict"),
        ({"metadata": {"a": float("nan")}}, "metadata must be writable as JSON"),
    ],
)
def test_wrong_headers_are_refused(tmp_path, changes, message):
    entries = with_header(entries_of(small_network(), tmp_path), **changes)
    assert message in refusal(write_entries(tmp_path / "bad.npz", entries))


def test_a_newer_format_is_named_whatever_else_it_holds(tmp_path):
    entries = with_header({"header": encoded('{"format": "zeroone-mlp"}')}, version=7)
    path = write_entries(tmp_path / "newer.npz", entries | {"convolutions": np.ones(3)})
    assert "a newer zeroone wrote it" in refusal(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_1": np.array([[1, np.nan], [0, 0], [0, 0]])}, r"weights[0] must be finite"),
        ({"bias_2": np.array([np.inf, 0])}, "biases[1] must be finite"),
        ({"weight_2": np.ones((2, 4))}, "weights[1] must have one column per row"),
        ({"weight_2": np.ones(6)}, "weights[1] must have 2 axes"),
        ({"bias_1": np.ones(2)}, "biases[0] must have one entry per row"),
        ({"weight_1": np.ones((3, 2), int)}, "weight_1 has the unexpected dtype int64"),
        ({"weight_1": np.ones((3, 2), complex)}, "weight_1 has the unexpected dtype complex128"),
        ({"weight_1": np.ones((3, 2), np.float16)}, "weight_1 has the unexpected dtype float16"),
        ({"weight_1": np.ones((3, 2), "f8,f8")}, "weight_1 has the unexpected dtype"),
        ({"classes": np.array([1, 2, 3])}, "classes must hold 2"),
        ({"classes": np.array(["a", "a"])}, "classes must all be different"),
        ({"classes": np.array([b"a", b"b"])}, "classes has the unexpected dtype |S1"),
        ({"extra": np.ones(1)}, "has other entries"),
        ({"classes": None}, "a network of 2 layers with classes has other entries"),
        ({"weight_1": None}, "has other entries"),
        ({"weight_1": None, "weight_7": np.ones((3, 2))}, "has other entries"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, changes, message):
    entries = entries_of(small_network(), tmp_path) | changes
    entries = {name: array for name, array in entries.items() if array is not None}
    assert message in refusal(write_entries(tmp_path / "bad.npz", entries))


def test_arrays_of_the_other_byte_order_are_read(tmp_path):
    net = small_network(np.float32)
    entries = entries_of(net, tmp_path)
    swapped = {
        name: array.astype(array.dtype.newbyteorder(">")) if name != "header" else array
        for name, array in entries.items()
    }
    assert identical(load(write_entries(tmp_path / "big.npz", swapped)), net)


def test_compressed_entries_are_refused(tmp_path):
    # A few kilobytes of compressed zeros can unpack to terabytes.
    entries = entries_of(small_network(), tmp_path)
    path = write_entries(tmp_path / "packed.npz", entries, savez=np.savez_compressed)
    assert "its entry header is compressed" in refusal(path)


def declaring(dtype, shape, content=b""):
    """Return the bytes of a .npy file whose header claims a dtype and a shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue() + content


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("weight_1", declaring("<f8", (10**6, 10**6)), "takes 8000000000000 bytes"),
        ("weight_1", declaring("<f4", (2**31, 2), b"1234"), "bytes, but there are 4"),
        ("weight_1", declaring("<f8", (10**30, 10**30)), "damaged"),
        ("weight_1", declaring("<f8", (-1, 2)), "damaged"),
        ("classes", declaring("<U0", (10**8,)), "damaged"),
        ("classes", declaring("<U0", (2,)), "damaged"),
        ("classes", declaring("|S0", (10**8,)), "damaged"),
        ("classes", declaring("<U250000000", (2,), b"12345678"), "takes 2000000000 bytes"),
        ("classes", declaring("<U1", (2,), b"a\0\0\0\0\0\x11\0"), "that Unicode does not have"),
        ("classes", declaring(">U1", (2,), b"\0\0\0a\0\x11\0\0"), "that Unicode does not have"),
        ("classes", declaring("<U1", (2,), b"a\0\0\0\xff\xff\xff\xff"), "that Unicode does not"),
    ],
)
def test_sizes_are_checked_before_anything_is_allocated(tmp_path, name, entry, message):
    small_network().save(tmp_path / "good.npz")
    path = tmp_path / "bad.npz"
    rewritten(path, tmp_path / "good.npz", f"{name}.npy", lambda content: entry)
    tracemalloc.start()
    try:
        assert message in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [200, 700, 3000, 30_000])
@pytest.mark.parametrize("key", ["metadata", "levels", "activation", "format"])
def test_deep_headers_are_refused_in_one_line(tmp_path, key, depth):
    entries = entries_of(small_network(), tmp_path)
    text = entries["header"].tobytes().decode()
    header = json.loads(text)
    shallow = json.dumps(header | {key: "here"})
    deep = shallow.replace('"here"', "[" * depth + "]" * depth)
    path = write_entries(tmp_path / "deep.npz", entries | {"header": encoded(deep)})
    refusal(path)


def test_an_entry_that_claims_to_be_larger_than_the_file_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    small_network().save(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")  # the directory's record of the first entry
    content[place + 20 : place + 28] = struct.pack("<LL", 2**31, 2**31)
    path.write_bytes(content)
    assert "its size is not that of its bytes" in refusal(path)


def rewritten(path, source, name, change):
    """Copy the archive `source` to `path` with the bytes of one entry changed, checksums right."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == name else content)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"",
        lambda content: content.replace(b"(3, 2)", b"(9, 9)"),
        lambda content: content.replace(b"(3, 2)", b"(9**9)"),
        lambda content: content.replace(b"(3, 2), } ", b"(3, 2), (((("),
        lambda content: content.replace(b"(3, 2), }" + b" " * 12, b"(99999999999999999), }"),
        lambda content: content.replace(b"'<f8'", b"'|O8'"),
        lambda content: content.replace(b"\x93NUMPY", b"PK\x03\x04AB"),
    ],
)
def test_damage_behind_a_right_checksum_is_refused(tmp_path, change):
    small_network().save(tmp_path / "good.npz")
    with zipfile.ZipFile(tmp_path / "good.npz") as archive:
        content = archive.read("weight_1.npy")
    assert change(content) != content
    path = rewritten(tmp_path / "bad.npz", tmp_path / "good.npz", "weight_1.npy", change)
    assert "its entry weight_1 is damaged" in refusal(path)


# ------------------------------------------------------------------------------------------------
# Damage at any place


def linear_network():
    return ZeroOneMLP([[[1.0], [2.0]]], [[3.0, 4.0]], classes=["a", "b"], metadata={"n": 1})


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    linear_network().save(path)
    assert identical(load(path), linear_network())
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        message = refusal(path)
        assert "empty" in message or "truncated" in message or "not a zip archive" in message


def check_flipped_bytes(read, tmp_path):
    path = tmp_path / "net.npz"
    linear_network().save(path)
    content = path.read_bytes()
    harmless = 0
    with path.open("r+b", buffering=0) as file:
        for position, byte in enumerate(content):
            file.seek(position)
            file.write(bytes([byte ^ (0xFF, 0x01, 0x80)[position % 3]]))
            try:
                loaded = read(path)
            except ValueError as error:
                assert str(error).startswith(f"cannot load {path}: ")  # noqa: PT017
            else:
                # A timestamp or an attribute of the archive: what was read is still the same.
                assert identical(loaded, linear_network())
                harmless += 1
            file.seek(position)
            file.write(bytes([byte]))
    assert path.read_bytes() == content
    assert harmless < len(content) / 3


def test_every_flipped_byte_is_refused_or_harmless(tmp_path):
    check_flipped_bytes(load, tmp_path)


def test_another_exception_would_be_caught(tmp_path):
    def naive(path):
        with zipfile.ZipFile(path) as archive:
            archive.read("weight_1.npy")
        return load(path)

    with pytest.raises(zipfile.BadZipFile):
        check_flipped_bytes(naive, tmp_path)


def test_an_entry_hidden_by_damage_is_missed(tmp_path):
    # The length of a comment in the archive's directory covers the record of the next entry: the
    # archive looks sound, and lacks the classes.
    path = tmp_path / "net.npz"
    linear_network().save(path)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"PK\x01\x02")
    before = content.rindex(b"PK\x01\x02", 0, last)
    content[before + 32] = content.rindex(b"PK\x05\x06") - last
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["header.npy", "weight_1.npy", "bias_1.npy"]
    assert "with classes has other entries" in refusal(path)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_overwritten_stretches_are_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "stretch.npz"
    small_network().save(path)
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    noise = data.draw(st.binary(min_size=1, max_size=60))
    path.write_bytes(content[:start] + noise + content[start + len(noise) :])
    with contextlib.suppress(ValueError):
        assert identical(load(path), small_network())


# ------------------------------------------------------------------------------------------------
# Nothing in a file is executed


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def check_harmless(reader, tmp_path):
    evidence = tmp_path / "exploded"
    entries = entries_of(small_network(), tmp_path)
    for name in entries:
        bombs = np.empty(1, dtype=object)
        bombs[0] = Bomb(evidence)
        path = write_entries(tmp_path / "bomb.npz", entries | {name: bombs})
        with contextlib.suppress(Exception):
            reader(path)
        assert not evidence.exists(), f"entry {name} was executed"
        assert "allow_pickle=False" in refusal(path)


def test_objects_in_a_file_are_not_unpickled(tmp_path):
    check_harmless(load, tmp_path)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_unpickling_would_be_caught(tmp_path):
    def careless(path):
        with np.load(path, allow_pickle=True) as archive:
            return dict(archive)

    with pytest.raises(AssertionError, match="was executed"):
        check_harmless(careless, tmp_path)
