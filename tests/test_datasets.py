"""The files are written here byte by byte, so that no reader is compared with itself."""

import gzip
import hashlib
import io
import itertools
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections import Counter
from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zeroone import datasets
from zeroone.datasets import (
    Dataset,
    fixed_split,
    load,
    load_cifar10,
    load_cifar100,
    load_digits,
    load_fashion_mnist,
    load_mnist,
    load_npz,
    read_idx,
    stratified_split,
)

# Code of the type in IDX: (letter of struct, numpy's name).
IDX_TYPES = {
    8: ("B", "uint8"),
    9: ("b", "int8"),
    11: ("h", "int16"),
    12: ("i", "int32"),
    13: ("f", "float32"),
    14: ("d", "float64"),
}
reuses_folder = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv("ZEROONE_DATA", raising=False)


def idx_bytes(code, shape, values):
    """Write an IDX file by the table of its format."""
    letter, _ = IDX_TYPES[code]
    header = bytes([0, 0, code, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape)
    return header + b"".join(struct.pack(">" + letter, value) for value in values)


def write(path, content, packed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path


# --------------------------------------------------------------------------------------- IDX


@st.composite
def idx_files(draw):
    code = draw(st.sampled_from(sorted(IDX_TYPES)))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)))
    letter, name = IDX_TYPES[code]
    if letter in "fd":
        value = st.floats(width=32 if letter == "f" else 64, allow_nan=False)
    else:
        limits = np.iinfo(name)
        value = st.integers(int(limits.min), int(limits.max))
    size = int(np.prod(shape))
    return code, shape, draw(st.lists(value, min_size=size, max_size=size)), draw(st.booleans())


def check_idx_reader(read, path, code, shape, values, packed):
    """Compare a reader with the list of numbers that was written."""
    write(path, idx_bytes(code, shape, values), packed)
    array = read(path)
    assert array.dtype == np.dtype(IDX_TYPES[code][1])
    assert array.dtype.isnative
    assert array.shape == shape
    for number, place in enumerate(itertools.product(*map(range, shape))):
        assert array[place] == values[number]


@reuses_folder
@given(idx_files())
def test_idx_gives_back_what_was_written(tmp_path, file):
    check_idx_reader(read_idx, tmp_path / "x", *file)


def wrong_byte_order(path):
    array = read_idx(path)
    return array.byteswap()


def wrong_axis_order(path):
    array = read_idx(path)
    return array.T


def wrong_running_axis(path):
    array = read_idx(path)
    return array.ravel().reshape(array.shape, order="F")


@pytest.mark.parametrize("wrong", [wrong_byte_order, wrong_axis_order, wrong_running_axis])
def test_idx_check_catches_a_wrong_reader(tmp_path, wrong):
    with pytest.raises(AssertionError):
        check_idx_reader(wrong, tmp_path / "x", 11, (2, 3), [1, 2, 3, 4, 5, 6], False)


def test_idx_larger_than_a_chunk(tmp_path):
    content = np.random.default_rng(0).integers(0, 256, 2_500_000, dtype=np.uint8).tobytes()
    header = bytes([0, 0, 8, 1]) + struct.pack(">I", len(content))
    for packed in (False, True):
        path = write(tmp_path / "x", header + content, packed)
        assert read_idx(path).tobytes() == content


def test_gzip_is_told_by_its_content_not_its_name(tmp_path):
    content = idx_bytes(8, (2,), [5, 6])
    assert read_idx(write(tmp_path / "plain.gz", content)).tolist() == [5, 6]
    assert read_idx(write(tmp_path / "packed", content, packed=True)).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x08", "not an IDX file"),
        (b"<!DOCTYPE html>", "not an IDX file, plain or gzipped: it begins with .*3c 21 44 4f"),
        (b"\0\0\x08\x02\0\0\0\x01", "ends within its header, after 8 of 12 bytes"),
        (idx_bytes(8, (3,), [1, 2]), r"too short: .* shape \(3,\), which takes 3 bytes"),
        (idx_bytes(11, (1, 2), [1, 2])[:-1], r"too short: .* shape \(1, 2\), which takes 4 bytes"),
        (idx_bytes(8, (2,), [1, 2, 3]), r"too long: .* follow the 2"),
        (idx_bytes(8, (2, 0), []), r"is empty: .* shape \(2, 0\)"),
        (b"\0\0\x0a\x01" + bytes(40), "magic number is 2561 .*but it is 10"),
        (b"\0\0\x08\x00" + bytes(40), "1 to 32 axes in byte 3, but it is 0"),
        (b"\0\0\x08\x21" + bytes(400), "1 to 32 axes in byte 3, but it is 33"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_refuses_damaged_files(tmp_path, content, message, packed):
    path = write(tmp_path / "images", content, packed)
    with pytest.raises(ValueError, match=message) as refusal:
        read_idx(path)
    assert str(path) in str(refusal.value)


def test_idx_names_both_magic_numbers(tmp_path):
    path = write(tmp_path / "x", idx_bytes(8, (1,), [1]))
    with pytest.raises(ValueError, match=r"is 2049 \(uint8, 1 axis\), expected 2051 \(uint8, 3 ax"):
        read_idx(path, magic=2051)


def test_idx_refuses_what_is_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ValueError, match="not readable"):
            read_idx(path)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_refuses_every_cut(tmp_path, packed):
    path = write(tmp_path / "x", idx_bytes(12, (2, 3), range(6)), packed)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            read_idx(path)


def test_idx_survives_every_changed_byte_of_a_gzip_file(tmp_path):
    expected = np.arange(40).reshape(5, 8)
    path = write(tmp_path / "x", idx_bytes(12, (5, 8), range(40)), packed=True)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for flipped in (0x01, 0x10, 0xFF):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])
            try:
                # Some bytes, such as the time of packing, mean nothing to the content.
                assert np.array_equal(read_idx(path), expected)
            except ValueError:
                refused += 1
    assert refused > 2 * len(whole)


def peak_memory(function, *arguments):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"short|empty"):
            function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def allocates_first(path):
    shape = struct.unpack(">3I", path.read_bytes()[4:16])
    np.empty(shape, dtype=np.uint8)
    raise ValueError("short")


@pytest.mark.parametrize("packed", [False, True])
def test_idx_does_not_allocate_what_a_header_claims(tmp_path, packed):
    claim = bytes([0, 0, 8, 3]) + struct.pack(">3I", 10_000, 100, 100) + b"123"
    path = write(tmp_path / "x", claim, packed)
    assert peak_memory(read_idx, path) < 5e6
    if not packed:  # The same measure does see an array made too early.
        assert peak_memory(allocates_first, path) > 9e7
    absurd = bytes([0, 0, 14, 32]) + b"\xff" * 4 * 32 + b"123"
    assert peak_memory(read_idx, write(tmp_path / "x", absurd, packed)) < 5e6
    absurd = bytes([0, 0, 14, 32]) + b"\xff" * 4 * 31 + bytes(4)
    assert peak_memory(read_idx, write(tmp_path / "x", absurd, packed)) < 5e6


# ------------------------------------------------------------------- MNIST and Fashion-MNIST

MNIST_LOADERS = [load_mnist, load_fashion_mnist]
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", [3, 0, 9, 3, 1]),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", [2, 9]),
}


def pixel(part, sample, row, column):
    return (len(part) * 50 + 31 * sample + 7 * row + 3 * column) % 256


def write_mnist(folder, packed=False, dotted=False, ending=None):
    for part, (images, labels, classes) in MNIST_FILES.items():
        pixels = [
            pixel(part, *place)
            for place in itertools.product(range(len(classes)), range(28), range(28))
        ]
        for name, content in (
            (images, idx_bytes(8, (len(classes), 28, 28), pixels)),
            (labels, idx_bytes(8, (len(classes),), classes)),
        ):
            name = name.replace("-idx", ".idx") if dotted else name
            name += (".gz" if packed else "") if ending is None else ending
            write(folder / name, content, packed)
    return folder


def assert_is_written_mnist(data):
    for part, X, y in (("train", data.X_train, data.y_train), ("test", data.X_test, data.y_test)):
        classes = MNIST_FILES[part][2]
        assert X.dtype == np.uint8
        assert y.dtype == np.int64
        assert y.tolist() == classes
        assert X.shape == (len(classes), 784)
        for sample, row, column in itertools.product(range(len(classes)), range(28), range(28)):
            assert X[sample].reshape(28, 28)[row, column] == pixel(part, sample, row, column)


@pytest.mark.parametrize("loader", MNIST_LOADERS)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_mnist_is_read(tmp_path, loader, packed, dotted):
    data = loader(write_mnist(tmp_path, packed, dotted))
    assert_is_written_mnist(data)
    assert data.image_shape == (28, 28)
    assert len(data.class_names) == 10
    assert data.name == ("mnist" if loader is load_mnist else "fashion-mnist")


def test_mnist_check_catches_transposed_images(tmp_path):
    data = load_mnist(write_mnist(tmp_path))
    X = data.X_train.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784)
    wrong = Dataset("mnist", X, data.y_train, data.X_test, data.y_test, (28, 28), data.class_names)
    with pytest.raises(AssertionError):
        assert_is_written_mnist(wrong)


def test_mnist_class_names(tmp_path):
    write_mnist(tmp_path)
    assert load_mnist(tmp_path).class_names == tuple("0123456789")
    names = load_fashion_mnist(tmp_path).class_names
    assert (names[0], names[1], names[9]) == ("T-shirt/top", "Trouser", "Ankle boot")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", idx_bytes(8, (1,), [1]), "2049 .*expected 2051"),
        ("t10k-labels-idx1-ubyte", idx_bytes(8, (1, 1, 1), [1]), "2051 .*expected 2049"),
        ("t10k-labels-idx1-ubyte", idx_bytes(12, (2,), [1, 2]), "int32, 1 axis.*expected 2049"),
        ("train-labels-idx1-ubyte", idx_bytes(8, (4,), [1, 2, 3, 4]), "5 images.* 4 labels"),
        ("t10k-labels-idx1-ubyte", idx_bytes(8, (3,), [1, 2, 3]), "2 images.* 3 labels"),
        ("train-labels-idx1-ubyte", idx_bytes(8, (3,), [9, 10, 9]), "number 1 is 10, .*0 to 9"),
        (
            "t10k-images-idx3-ubyte",
            idx_bytes(8, (2, 14, 56), [0] * 1568),
            r"\(14, 56\), .*\(28, 28",
        ),
        ("t10k-images-idx3-ubyte", idx_bytes(8, (2, 28, 28), [0] * 1567), "too short"),
        ("t10k-images-idx3-ubyte", idx_bytes(8, (2, 28, 28), [0] * 1569), "too long"),
        ("train-images-idx3-ubyte", b"not gzip", "not an IDX file"),
        (
            "t10k-labels-idx1-ubyte",
            gzip.compress(idx_bytes(8, (2,), [2, 9]), mtime=0)[:-5],
            "is cut off",
        ),
    ],
)
def test_mnist_refuses_wrong_files(tmp_path, name, content, message):
    write_mnist(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as refusal:
        load_mnist(tmp_path)
    assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("loader", "address"),
    [(load_mnist, "yann.lecun.com"), (load_fashion_mnist, "zalandoresearch/fashion-mnist")],
)
def test_missing_mnist_files_say_where_to_get_them(tmp_path, loader, address):
    with pytest.raises(ValueError, match=rf"t10k-labels-idx1-ubyte.*Download.*{address}"):
        loader(tmp_path)
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match=rf"lacks t10k-labels-idx1-ubyte\. Download.*{address}"):
        loader(tmp_path)


def test_a_folder_named_after_the_other_data_set_is_refused(tmp_path):
    fashion, mnist = tmp_path / "FashionMNIST" / "raw", tmp_path / "mnist"
    write_mnist(fashion)
    write_mnist(mnist)
    with pytest.raises(ValueError, match=r"FashionMNIST.*expected a folder of MNIST"):
        load_mnist(fashion)
    with pytest.raises(ValueError, match=r"'mnist'.*expected a folder of Fashion-MNIST"):
        load_fashion_mnist(mnist)
    assert load_mnist(mnist).name == "mnist"
    assert load_fashion_mnist(fashion).name == "fashion-mnist"


# ------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize(
    ("name", "subfolder"),
    [
        ("mnist", "."),
        ("mnist", "mnist"),
        ("mnist", "MNIST/raw"),
        ("fashion-mnist", "."),
        ("fashion-mnist", "fashion-mnist"),
        ("fashion-mnist", "FashionMNIST/raw"),
    ],
)
def test_files_are_found_in_folder_or_subfolder(tmp_path, monkeypatch, name, subfolder):
    write_mnist(tmp_path / subfolder)
    assert_is_written_mnist(load(name, tmp_path))
    assert_is_written_mnist(load(name, str(tmp_path)))
    with pytest.raises(ValueError, match="ZEROONE_DATA is not set"):
        load(name)
    monkeypatch.setenv("ZEROONE_DATA", str(tmp_path))
    assert_is_written_mnist(load(name))


def test_a_named_subfolder_goes_before_the_folder_itself(tmp_path):
    write_mnist(tmp_path)
    write_mnist(tmp_path / "mnist")
    write(tmp_path / "train-labels-idx1-ubyte", b"damaged")
    assert_is_written_mnist(load_mnist(tmp_path))


def test_an_explicit_folder_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ZEROONE_DATA", str(tmp_path / "absent"))
    with pytest.raises(ValueError, match="variable ZEROONE_DATA must name an existing folder"):
        load_mnist()
    assert_is_written_mnist(load_mnist(write_mnist(tmp_path / "mine")))


def test_an_empty_environment_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("ZEROONE_DATA", "")
    for name in ("mnist", "fashion-mnist", "cifar10", "cifar100"):
        with pytest.raises(ValueError, match="ZEROONE_DATA is not set"):
            load(name)


def test_the_home_folder_may_be_abbreviated(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_mnist(tmp_path / "data")
    assert_is_written_mnist(load_mnist(os.path.join("~", "data")))


@pytest.mark.parametrize("folder", [3, b"bytes", ["list"]])
def test_folder_must_be_a_path(folder):
    with pytest.raises(ValueError, match="folder must be a path"):
        load_mnist(folder)


def test_folder_must_exist(tmp_path):
    file = write(tmp_path / "file", b"")
    for folder in (tmp_path / "absent", file):
        with pytest.raises(ValueError, match="must name an existing folder, but is"):
            load_mnist(folder)


# --------------------------------------------------------------------------------------- CIFAR

CIFAR10_COUNTS = {
    **{f"data_batch_{number}.bin": number % 2 + 1 for number in range(1, 6)},
    "test_batch.bin": 2,
}


def cifar_pixel(sample, row, column, colour):
    return (97 * sample + 13 * row + 5 * column + 71 * colour) % 256


def cifar_record(labels, sample):
    planes = itertools.product(range(3), range(32), range(32))
    return bytes(labels) + bytes(cifar_pixel(sample, row, col, rgb) for rgb, row, col in planes)


def write_cifar10(folder):
    folder.mkdir(parents=True, exist_ok=True)
    sample = 0
    for name, count in CIFAR10_COUNTS.items():
        content = b""
        for _ in range(count):
            content += cifar_record([sample % 10], sample)
            sample += 1
        (folder / name).write_bytes(content)
    names = "\n".join(f"class {number}" for number in range(10))
    (folder / "batches.meta.txt").write_text(names + "\n\n")
    return folder


def write_cifar100(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in (("train.bin", range(3)), ("test.bin", range(3, 5))):
        records = [cifar_record([sample + 10, sample + 90], sample) for sample in samples]
        (folder / name).write_bytes(b"".join(records))
    for kind, count in (("fine", 100), ("coarse", 20)):
        names = "".join(f"{kind} {number}\n" for number in range(count))
        (folder / f"{kind}_label_names.txt").write_text(names)
    return folder


def assert_cifar_pixels(rows, samples):
    assert rows.dtype == np.uint8
    assert rows.shape == (len(samples), 3072)
    places = list(itertools.product(range(32), range(32), range(3)))
    for row, sample in zip(rows, samples, strict=True):
        assert row.tolist() == [cifar_pixel(sample, *place) for place in places]


def test_cifar10_is_read_from_the_folder_or_its_parent(tmp_path, monkeypatch):
    folder = write_cifar10(tmp_path / "cifar-10-batches-bin")
    monkeypatch.setenv("ZEROONE_DATA", str(tmp_path))
    for data in (load_cifar10(folder), load_cifar10(tmp_path), load("cifar10")):
        assert_cifar_pixels(data.X_train, range(8))
        assert_cifar_pixels(data.X_test, range(8, 10))
        assert data.y_train.tolist() == list(range(8))
        assert data.y_test.tolist() == [8, 9]
        assert data.y_train.dtype == np.int64
        assert data.image_shape == (32, 32, 3)
        assert data.class_names == tuple(f"class {number}" for number in range(10))


@pytest.mark.parametrize("labels", ["fine", "coarse"])
def test_cifar100_is_read_with_either_label(tmp_path, labels):
    write_cifar100(tmp_path / "cifar-100-binary")
    first = {"fine": 90, "coarse": 10}[labels]
    data = load_cifar100(tmp_path, labels)
    assert_cifar_pixels(data.X_train, range(3))
    assert_cifar_pixels(data.X_test, range(3, 5))
    assert data.y_train.tolist() == [first, first + 1, first + 2]
    assert data.y_test.tolist() == [first + 3, first + 4]
    assert len(data.class_names) == {"fine": 100, "coarse": 20}[labels]
    assert data.class_names[7] == f"{labels} 7"
    assert load("cifar100", tmp_path).class_names[0] == "fine 0"


def test_cifar_check_catches_wrong_layouts(tmp_path):
    rows = load_cifar10(write_cifar10(tmp_path)).X_train
    images = rows.reshape(-1, 32, 32, 3)
    planar = images.transpose(0, 3, 1, 2).reshape(len(rows), -1)
    sideways = images.transpose(0, 2, 1, 3).reshape(len(rows), -1)
    backward = images[..., ::-1].reshape(len(rows), -1)
    for wrong in (planar, sideways, backward, rows[::-1]):
        with pytest.raises(AssertionError):
            assert_cifar_pixels(wrong, range(8))


def test_cifar_larger_than_a_block(tmp_path):
    write_cifar10(tmp_path)
    labels = [number % 10 for number in range(2001)]
    records = [bytes([label]) + bytes([number % 256]) * 3072 for number, label in enumerate(labels)]
    (tmp_path / "data_batch_3.bin").write_bytes(b"".join(records))
    data = load_cifar10(tmp_path)
    part = slice(3, 2004)  # The batches 1 and 2 hold three images.
    assert data.y_train[part].tolist() == labels
    expected = np.arange(2001) % 256
    assert np.array_equal(data.X_train[part].min(axis=1), expected)
    assert np.array_equal(data.X_train[part].max(axis=1), expected)
    assert_cifar_pixels(data.X_train[2004:], range(5, 8))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("data_batch_2.bin", lambda content: content[:-1], "3072 bytes, .*multiple of 3073"),
        ("test_batch.bin", lambda content: content + b"x", "6147 bytes, .*multiple of 3073"),
        ("data_batch_4.bin", lambda content: b"", "0 bytes"),
        ("test_batch.bin", lambda c: c[:3073] + b"\x0a" + c[3074:], "number 1 is 10, .*0 to 9"),
        ("batches.meta.txt", lambda content: b"cat\ndog\n", "holds 2 names.*expected 10"),
        ("batches.meta.txt", lambda content: b"\xff\xfe" * 9, "is damaged"),
    ],
)
def test_cifar10_refuses_damaged_files(tmp_path, name, change, message):
    path = write_cifar10(tmp_path) / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as refusal:
        load_cifar10(tmp_path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("place", [0, 1])
def test_cifar100_refuses_labels_out_of_range(tmp_path, place):
    write_cifar100(tmp_path)
    for labels in ("fine", "coarse"):  # A wrong label of the other kind betrays a wrong file too.
        record = bytearray(cifar_record([19, 99], 0))
        (tmp_path / "test.bin").write_bytes(record)
        assert load_cifar100(tmp_path, labels).y_test.tolist() == [99 if labels == "fine" else 19]
        record[place] += 1
        (tmp_path / "test.bin").write_bytes(record)
        with pytest.raises(ValueError, match=r"test\.bin: a label of image number 0 is"):
            load_cifar100(tmp_path, labels)


def test_cifar100_refuses_another_word_for_labels(tmp_path):
    with pytest.raises(ValueError, match="labels must be one of fine, coarse, but is 'medium'"):
        load_cifar100(tmp_path, "medium")


class LeavesATrace:
    """An object whose pickle, when opened, makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    ("loader", "pickled", "download"),
    [
        (load_cifar10, "cifar-10-batches-py/data_batch_1", "cifar-10-binary.tar.gz"),
        (load_cifar10, "data_batch_1", "cifar-10-binary.tar.gz"),
        (load_cifar10, "cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"),
        (load_cifar100, "cifar-100-python/train", "cifar-100-binary.tar.gz"),
        (load_cifar100, "train", "cifar-100-binary.tar.gz"),
    ],
)
def test_the_python_version_of_cifar_is_refused_unopened(tmp_path, loader, pickled, download):
    trace = tmp_path / "trace"
    write(tmp_path / pickled, pickle.dumps(LeavesATrace(trace)))
    with pytest.raises(ValueError, match=rf"is a pickle.*{download}.*cs\.toronto\.edu"):
        loader(tmp_path)
    assert not trace.exists()


def test_the_binary_version_is_used_beside_the_python_version(tmp_path):
    write(tmp_path / "cifar-10-batches-py" / "data_batch_1", b"pickle")
    write_cifar10(tmp_path / "cifar-10-batches-bin")
    assert len(load_cifar10(tmp_path).X_train) == 8


def test_missing_cifar_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"Download 'CIFAR-10 binary version'.*toronto"):
        load_cifar10(tmp_path)
    with pytest.raises(ValueError, match=r"Download 'CIFAR-100 binary version'.*toronto"):
        load_cifar100(tmp_path)
    write(tmp_path / "cifar-100-binary.tar.gz", b"")
    with pytest.raises(ValueError, match="still packed: unpack it"):
        load_cifar100(tmp_path)
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(ValueError, match=r"lacks data_batch_4\.bin\. Download"):
        load_cifar10(tmp_path)


# ---------------------------------------------------------------------------------------- .npz


def save(path, compressed=False, **arrays):
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def four(**changes):
    rng = np.random.default_rng(1)
    arrays = {
        "X_train": rng.integers(0, 9, (6, 2, 3)),
        "y_train": np.array([5, -2, 5, 7, 7, 5]),
        "X_test": rng.integers(0, 9, (2, 2, 3)),
        "y_test": np.array([7, -2]),
    }
    return {**arrays, **changes}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", ">i2", "int64", "float32", ">f8", "bool"])
def test_npz_with_four_arrays(tmp_path, compressed, dtype):
    arrays = four()
    arrays |= {name: arrays[name].astype(dtype) for name in ("X_train", "X_test")}
    data = load(save(tmp_path / "mine.npz", compressed, **arrays))
    assert data.name == "mine"
    assert data.X_train.dtype == np.dtype(dtype).newbyteorder("=")
    assert data.X_train.dtype.isnative
    assert data.image_shape == (2, 3)
    assert data.X_train.tolist() == [[*a, *b] for a, b in arrays["X_train"].tolist()]
    assert data.X_test.tolist() == [[*a, *b] for a, b in arrays["X_test"].tolist()]
    assert data.class_names == ("-2", "5", "7")
    assert data.y_train.tolist() == [1, 0, 1, 2, 2, 1]
    assert data.y_test.tolist() == [2, 0]


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["dog", "cat", "dog", "é", "é", "dog"]),
        np.array([text.encode() for text in ["dog", "cat", "dog", "é", "é", "dog"]]),
    ],
)
def test_npz_with_text_labels(tmp_path, labels):
    arrays = four(y_train=labels, y_test=labels[[3, 1]])
    data = load_npz(str(save(tmp_path / "mine.npz", **arrays)))
    assert data.class_names == ("cat", "dog", "é")
    assert data.y_train.tolist() == [1, 0, 1, 2, 2, 1]
    assert data.y_test.tolist() == [2, 0]


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i4", "uint64", "bool"])
def test_npz_with_labels_of_any_integer_type(tmp_path, dtype):
    labels = np.array([1, 0, 1, 1, 0, 1], dtype=dtype)
    data = load_npz(save(tmp_path / "a.npz", **four(y_train=labels, y_test=np.array([0, 1]))))
    assert data.y_train.tolist() == labels.astype(int).tolist()
    assert data.y_test.tolist() == [0, 1]
    assert data.class_names == ("0", "1")


def test_npz_with_one_pair_is_divided_by_the_fixed_rule(tmp_path):
    X, y = np.arange(40.0).reshape(20, 2), np.array(["a", "b"] * 10)
    data = load_npz(save(tmp_path / "pair.NPZ.npz", X=X, y=y))
    assert data.image_shape == (2,)
    # Of ten samples of a class, the middle ones of two stretches: those in places 2 and 7.
    assert data.X_test[:, 0].tolist() == [8, 10, 28, 30]
    assert data.y_test.tolist() == [0, 1, 0, 1]
    assert sorted([*data.X_train[:, 1], *data.X_test[:, 1]]) == X[:, 1].tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.ones((4, 2))}, "must hold the arrays .* but lacks X_train, .* it holds X$"),
        ({"a": np.ones(2)}, "lacks X_train, y_train, X_test, y_test"),
        ({"X_train": np.ones((2, 2)), "y_train": np.arange(2)}, "lacks X_test, y_test"),
        (four(y_train=np.arange(5)), "X_train has 6 samples, but y_train has 5 labels"),
        (four(y_test=np.arange(3)), "X_test has 2 samples, but y_test has 3 labels"),
        (four(y_train=np.zeros(6)), "y_train must hold integers or strings.*float64"),
        (four(y_train=np.zeros((6, 1), int)), r"y_train must hold .*\(6, 1\)"),
        (four(y_test=np.array(["a", "b"])), "expected integers in both or strings in both"),
        (four(y_test=np.array([7, 8])), "y_test holds the class 8"),
        (four(y_train=np.zeros(6, int)), "two classes or more, but all labels are 0"),
        (four(y_train=np.array([2**63] * 6, "uint64")), "below 2\\^63, but holds 92233"),
        (four(y_train=np.array([b"\xff"] * 6)), "y_train must hold UTF-8 text"),
        (four(X_train=np.ones(6)), r"X_train must hold real numbers in two axes.*\(6,\)"),
        (four(X_train=np.ones((6, 0))), "X_train must hold .* not be empty"),
        (four(X_train=np.ones((0, 2, 3))), "X_train must hold .* not be empty"),
        (four(X_test=np.ones((2, 3, 2), int)), r"\(2, 3\) .*\(3, 2\) .*expected the same"),
        (four(X_test=np.ones((2, 2, 3), "uint8")), "int64, one of X_test .*uint8"),
        (four(X_train=np.full((6, 2, 3), 1j)), "X_train must hold real numbers.*complex"),
        (four(X_train=np.full((6, 2, 3), "1")), "X_train must hold real numbers.*<U1"),
        (
            four(X_train=np.full((6, 2, 3), np.nan), X_test=np.ones((2, 2, 3))),
            "X_train must be finite",
        ),
        (
            four(
                X_train=np.ones((6, 2, 3), "float16"),
                X_test=np.full((2, 2, 3), -np.inf, "float16"),
            ),
            "X_test must be finite",
        ),
        ({"X": np.ones((3, 2)), "y": np.arange(3)}, "y cannot be divided: labels must hold some"),
    ],
)
def test_npz_refuses_wrong_arrays(tmp_path, arrays, message):
    path = save(tmp_path / "mine.npz", **arrays)
    with pytest.raises(ValueError, match=message) as refusal:
        load_npz(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("name", ["X_train", "y_train", "X_test", "y_test"])
def test_npz_never_opens_a_pickle(tmp_path, name):
    trace = tmp_path / "trace"
    path = save(tmp_path / "mine.npz", **four(**{name: np.array([LeavesATrace(trace)] * 6)}))
    with pytest.raises(ValueError, match=f"{name} cannot be read: it holds Python objects"):
        load_npz(path)
    assert not trace.exists()
    with np.load(path, allow_pickle=True) as archive:
        _ = archive[name]
    assert trace.exists()  # The trap does work.


def test_npz_refuses_what_is_no_npz(tmp_path):
    single = io.BytesIO()
    np.save(single, np.ones(3))
    for content in (b"", b"garbage", single.getvalue(), pickle.dumps([1])):
        path = write(tmp_path / "mine.npz", content)
        with pytest.raises(ValueError, match=r"no \.npz file as numpy\.savez writes it"):
            load_npz(path)
    with pytest.raises(ValueError, match="there is no file"):
        load_npz(tmp_path / "absent.npz")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in four():
            archive.writestr(f"{name}.npy", single.getvalue())
    with pytest.raises(ValueError, match=r"another way than by numpy\.savez"):
        load_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X", b"")
        archive.writestr("y", b"")
    with pytest.raises(ValueError, match=r"X is not stored as X\.npy"):
        load_npz(path)


@pytest.mark.parametrize("shape", ["(1000, 1000, 1000)", "(-2, -3)", "(6,)", "6", "(((("])
def test_npz_does_not_believe_a_header(tmp_path, shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(8)
    path = save(tmp_path / "mine.npz", **{k: v for k, v in four().items() if k != "X_train"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("X_train.npy", member)
    tracemalloc.start()
    with pytest.raises(ValueError, match="X_train cannot be read: its header"):
        load_npz(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def packed_npz(path, members):
    """Write members by name and header, each followed by so many zero bytes, compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (descr, shape, n_bytes) in members.items():
            text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
            header = text.ljust(117).encode() + b"\n"
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
                for start in range(0, n_bytes, 1 << 20):
                    file.write(bytes(min(1 << 20, n_bytes - start)))
    return path


@pytest.mark.parametrize(
    ("members", "message"),
    [
        # A hundred million labels without a character take no byte of the file.
        (
            {"X": ("|u1", (4, 2), 8), "y": ("|S0", (100_000_000,), 0)},
            r"y must hold .* not be empty, but has type \|S0 and shape \(100000000,\)",
        ),
        ({"X": ("|u1", (4, 2), 8), "y": ("<U0", (10**18,), 0)}, "y must hold .* not be empty"),
        # Zeros compress a thousandfold.
        (
            {"X": ("|u1", (300, 2**20), 300 << 20), "y": ("|u1", (300,), 300)},
            r"X takes 314572928 bytes, packed in \d+, and may take 67108864: .*numpy\.savez,",
        ),
        # The labels do not fit the samples, which the headers say.
        (
            {"X": ("|u1", (4, 2), 8), "y": ("|S1", (60_000_000,), 60_000_000)},
            "X has 4 samples, but y has 60000000 labels",
        ),
    ],
)
def test_npz_checks_sizes_before_it_asks_for_memory(tmp_path, members, message):
    path = packed_npz(tmp_path / "mine.npz", members)
    assert path.stat().st_size < 500_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            load_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_npz_takes_what_compresses_well(tmp_path):
    X = np.zeros((40, 1_000_000), "uint8")
    X[:, 0] = np.arange(40)
    data = load_npz(save(tmp_path / "mine.npz", True, X=X, y=np.arange(40) % 2))
    assert data.X_train.shape == (32, 1_000_000)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("point", [0x110000, 0xFFFFFFFF, 0xD800])
def test_npz_refuses_labels_that_are_no_text(tmp_path, order, point):
    labels = np.array([ord("a"), ord("b"), point, ord("a")], f"{order}u4").view(f"{order}U1")
    path = save(tmp_path / "mine.npz", X=np.ones((4, 2)), y=labels)
    with pytest.raises(ValueError, match=f"y must hold text, but holds {point:#x}"):
        load_npz(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_npz_refuses_cuts_and_survives_changed_bytes(tmp_path, compressed):
    path = save(tmp_path / "mine.npz", compressed, X=np.arange(8).reshape(4, 2), y=[0, 1, 0, 1])
    whole = path.read_bytes()
    expected = load_npz(path)
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_npz(path)
    refused = 0
    for place, flipped in itertools.product(range(0, len(whole), 3), (0x01, 0xFF)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])
        try:
            data = load_npz(path)
        except ValueError:
            refused += 1
        else:
            assert np.array_equal(data.X_train, expected.X_train)
            assert np.array_equal(data.y_test, expected.y_test)
    assert refused > len(whole) / 3


# -------------------------------------------------------------------------------------- digits


def test_digits_have_the_published_shape_and_values():
    data = load_digits()
    assert (data.name, data.image_shape) == ("digits", (8, 8))
    assert data.class_names == tuple("0123456789")
    assert data.X_train.shape == (1438, 64)
    assert data.X_test.shape == (359, 64)
    assert data.X_train.dtype == data.X_test.dtype == np.uint8
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    for X in (data.X_train, data.X_test):
        assert (X.min(), X.max()) == (0, 16)
    # The numbers of each digit, from the description of the data set by its authors.
    published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    both = np.concatenate([data.y_train, data.y_test])
    assert np.bincount(both).tolist() == published


def test_digits_are_the_same_bytes_as_ever():
    file_name = resources.files("zeroone.datasets") / "data" / "digits.npz"
    with file_name.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
    data = load_digits()
    rows = Counter(bytes(row) for row in images.reshape(-1, 64))
    assert rows == Counter(bytes(row) for row in np.concatenate([data.X_train, data.X_test]))
    # The first ten images are the digits from 0 to 9; of those, only training ones.
    assert data.y_train[:10].tolist() == list(range(10))
    assert np.array_equal(data.X_train[:10], images[:10].reshape(10, 64))


def test_digits_come_with_their_licence():
    text = (resources.files("zeroone.datasets") / "data" / "LICENSE-digits.txt").read_text("utf-8")
    for part in ("Alpaydin", "Kaynak", "creativecommons.org/licenses/by/4.0", "Changes"):
        assert part in text


def test_digits_can_be_learned_from_the_training_part():
    """The nearest neighbour is right on 98 to 99 % of these digits, least squares on 91 to 97 %."""
    data = load_digits()
    A, B = data.X_train.astype(float), data.X_test.astype(float)
    distances = (A**2).sum(axis=1) - 2 * B @ A.T
    assert 0.97 < (data.y_train[distances.argmin(axis=1)] == data.y_test).mean() < 1
    A, B = np.c_[A, np.ones(len(A))], np.c_[B, np.ones(len(B))]
    gram = A.T @ A + np.eye(65)
    coefficients = np.linalg.solve(gram, A.T @ np.eye(10)[data.y_train])
    assert 0.9 < ((B @ coefficients).argmax(axis=1) == data.y_test).mean() < 0.98


# -------------------------------------------------------------------------------------- splits


@st.composite
def label_lists(draw):
    """Labels with single samples, pairs, one class, many classes, in any order."""
    sizes = draw(st.lists(st.sampled_from([1, 1, 2, 2, 3, 5, 8, 13]), min_size=1, max_size=8))
    if max(sizes) == 1:
        sizes[0] = 2
    text = draw(st.booleans())
    labels = [f"c{k}" if text else 3 * k - 4 for k, size in enumerate(sizes) for _ in range(size)]
    return draw(st.permutations(labels))


def check_is_stratified(labels, kept, held_out, share):
    """Check a division against the count that each class must give."""
    assert kept.dtype == held_out.dtype == np.int64
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept)
    assert held_out.tolist() == sorted(held_out)
    sizes = Counter(labels)
    taken = Counter(labels[index] for index in held_out)
    for label, n in sizes.items():
        if n == 1:
            assert taken[label] == 0
        else:
            assert 1 <= taken[label] <= n - 1
            assert taken[label] in (1, n - 1) or abs(taken[label] - n * share) <= 0.5 + 1e-9
            if 1 <= round(n * share) <= n - 1:
                assert abs(taken[label] - n * share) <= 0.5 + 1e-9


fractions = st.one_of(st.sampled_from([1e-9, 0.1, 0.2, 0.5, 0.9, 1 - 1e-9]), st.floats(0.01, 0.99))


@settings(deadline=None, max_examples=150)
@given(label_lists(), fractions, st.integers(0, 2**32))
def test_stratified_split_keeps_the_share_of_every_class(labels, fraction, seed):
    kept, held_out = stratified_split(labels, fraction, np.random.default_rng(seed))
    check_is_stratified(labels, kept, held_out, fraction)
    again = stratified_split(labels, fraction, np.random.default_rng(seed))
    assert np.array_equal(again[1], held_out)


def blind_split(labels, fraction, rng):
    order = rng.permutation(len(labels))
    count = round(len(labels) * fraction)
    return np.sort(order[count:]), np.sort(order[:count])


def rounding_down_split(labels, fraction, rng):
    held = [
        rng.permutation(np.flatnonzero(np.array(labels) == label))[: int(fraction * n)]
        for label, n in Counter(labels).items()
    ]
    held_out = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def overlapping_split(labels, fraction, rng):
    kept, held_out = stratified_split(labels, fraction, rng)
    return np.sort([*kept, held_out[0]]), held_out


@pytest.mark.parametrize("wrong", [blind_split, rounding_down_split, overlapping_split])
def test_split_check_catches_a_wrong_split(wrong):
    labels = [0] * 30 + [1] * 3 + [2] * 9
    with pytest.raises(AssertionError):
        check_is_stratified(labels, *wrong(labels, 0.2, np.random.default_rng(0)), 0.2)


def chance_of_each(split):
    """How often each of five samples of a class is held out, two at a time."""
    rng = np.random.default_rng(3)
    counts = np.zeros(5)
    for _ in range(2000):
        counts[split([4] * 5, 0.4, rng)[1]] += 1
    return counts / 2000


def test_stratified_split_holds_out_every_sample_alike():
    standard_error = np.sqrt(0.4 * 0.6 / 2000)
    assert np.all(abs(chance_of_each(stratified_split) - 0.4) < 4.5 * standard_error)
    always_first = lambda labels, fraction, rng: (np.arange(2, 5), np.arange(2))  # noqa: E731
    assert np.any(abs(chance_of_each(always_first) - 0.4) > 4.5 * standard_error)


@pytest.mark.parametrize(
    ("labels", "fraction", "message"),
    [
        ([], 0.5, "labels must be a non-empty list"),
        ([[0, 1]], 0.5, r"labels must be .*\(1, 2\)"),
        ([0.5, 0.5], 0.5, "labels must be .*float64"),
        ([0, 1, 2], 0.5, "labels must hold some class at least twice"),
        ([0, 0], 0, "fraction must be"),
        ([0, 0], 1, "fraction must be"),
        ([0, 0], 1.5, "fraction must be"),
        ([0, 0], float("nan"), "fraction must be"),
        ([0, 0], "half", "fraction must be"),
    ],
)
def test_stratified_split_refuses_bad_input(labels, fraction, message):
    with pytest.raises(ValueError, match=message):
        stratified_split(labels, fraction, np.random.default_rng(0))


def test_stratified_split_wants_a_generator():
    with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator, but is 0"):
        stratified_split([0, 0], 0.5, 0)


def middles_of_stretches(labels):
    """Apply the fixed rule in rational numbers: take the sample around each stretch's middle."""
    test = []
    for label in set(labels):
        places = [index for index, other in enumerate(labels) if other == label]
        n = len(places)
        if n >= 2:
            k = max(1, int(Fraction(n, 5) + Fraction(1, 2)))
            test += [places[int((j + Fraction(1, 2)) * Fraction(n, k))] for j in range(k)]
    return sorted(test)


@settings(deadline=None, max_examples=150)
@given(label_lists())
def test_fixed_split_is_its_documented_rule(labels):
    train, test = fixed_split(labels)
    check_is_stratified(labels, train, test, 0.2)
    assert test.tolist() == middles_of_stretches(labels)


def test_fixed_split_check_catches_another_rule():
    labels = [0, 1] * 10
    _, test = fixed_split(labels)
    assert test.tolist() == middles_of_stretches(labels)
    assert (test + 2).tolist() != middles_of_stretches(labels)
    assert middles_of_stretches(labels) != [16, 17, 18, 19]


def test_fixed_split_refuses_bad_input():
    for labels in ([], [[1, 1]], [1.0, 1.0], ["a", "b"]):
        with pytest.raises(ValueError, match="labels must"):
            fixed_split(labels)


# ----------------------------------------------------------------------------- Dataset and load


def parts(**changes):
    values = {
        "name": "d",
        "X_train": np.zeros((2, 4), np.uint8),
        "y_train": np.array([0, 1]),
        "X_test": np.zeros((1, 4), np.uint8),
        "y_test": np.array([1]),
        "image_shape": (2, 2),
        "class_names": ("no", "yes"),
    }
    return {**values, **changes}


def test_dataset_is_frozen_and_describes_itself():
    data = Dataset(**parts())
    with pytest.raises(AttributeError):
        data.name = "other"
    assert repr(data) == (
        "<Dataset d: 2 training and 1 test images of shape 2x2 (uint8), 2 classes>"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X_train": np.zeros((2, 5))}, "X_train must hold rows of 4"),
        ({"X_test": np.zeros(4)}, "X_test must hold rows of 4"),
        ({"X_test": np.zeros((0, 4)), "y_test": np.zeros(0, int)}, "X_test must hold rows"),
        ({"y_train": np.array([0])}, "y_train must be an int64 array of shape"),
        ({"y_test": np.array([1], np.uint8)}, "y_test must be an int64 array"),
        ({"y_test": np.array([2])}, "y_test must lie in 0 to 1"),
        ({"y_train": np.array([-1, 0])}, "y_train must lie in 0 to 1"),
    ],
)
def test_dataset_refuses_parts_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        Dataset(**parts(**changes))


def test_load_knows_every_name(tmp_path):
    write_mnist(tmp_path / "mnist")
    write_mnist(tmp_path / "fashion-mnist")
    write_cifar10(tmp_path / "cifar-10-batches-bin")
    write_cifar100(tmp_path / "cifar-100-binary")
    assert [load(name, tmp_path).name for name in datasets.NAMES] == list(datasets.NAMES)
    assert load("digits").name == "digits"
    upper = Path(save(tmp_path / "a.npz", **four())).rename(tmp_path / "A.NPZ")
    assert load(upper).name == "A"


@pytest.mark.parametrize("name", ["MNIST-1D", "", "data.txt", None, 3, Path("digits"), b"x.npz"])
def test_load_lists_the_names_it_knows(name):
    with pytest.raises(ValueError, match="one of digits, mnist, fashion-mnist, cifar10, cifar100"):
        load(name)
