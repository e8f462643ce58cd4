"""CIFAR-10 and CIFAR-100: 32 x 32 colour images in the binary version's files.

A file is a row of records without a header. A record is one label byte (CIFAR-10) or two
(CIFAR-100: coarse, then fine), then 3072 bytes of image: the red plane, the green and the blue,
each row by row.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zeroone.datasets.dataset import Dataset
from zeroone.datasets.folders import Folder, Source, find_files
from zeroone.support.validation import check_choice

IMAGE_SHAPE = (32, 32, 3)
N_PIXELS = 3 * 32 * 32
RECORDS_AT_ONCE = 1000

_PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
CIFAR10 = Source(
    title="CIFAR-10",
    subfolders=("cifar-10-batches-bin",),
    files=(
        *((f"data_batch_{number}.bin",) for number in range(1, 6)),
        ("test_batch.bin",),
        ("batches.meta.txt",),
    ),
    download=f"Download 'CIFAR-10 binary version' (cifar-10-binary.tar.gz) from {_PAGE} and unpack "
    "it",
    archive="cifar-10-binary.tar.gz",
    pickles=("cifar-10-batches-py/data_batch_1", "data_batch_1", "cifar-10-python.tar.gz"),
)
CIFAR100 = Source(
    title="CIFAR-100",
    subfolders=("cifar-100-binary",),
    files=(("train.bin",), ("test.bin",)),
    download=f"Download 'CIFAR-100 binary version' (cifar-100-binary.tar.gz) from {_PAGE} and "
    "unpack it",
    archive="cifar-100-binary.tar.gz",
    pickles=("cifar-100-python/train", "train", "cifar-100-python.tar.gz"),
)


def load_cifar10(folder: Folder | None = None) -> Dataset:
    """Load CIFAR-10 (Krizhevsky, 2009) from the files of its binary version.

    Parameters
    ----------
    folder : path-like, optional
        The folder ``cifar-10-batches-bin`` or the one in which it lies. If None, the one that the
        environment variable ZEROONE_DATA names.

    Returns
    -------
    Dataset
        50,000 training and 10,000 test images of 32 x 32 x 3 bytes (row, column, colour) in 10
        classes (as many images as the files hold: shortened files are fine).

    Raises
    ------
    ValueError
        If a file is missing, damaged, or there is only the Python version, a pickle.
    """
    *train, test, names = find_files(CIFAR10, folder)
    return _load("cifar10", train, test, names, n_classes=(10,), used=0)


def load_cifar100(
    folder: Folder | None = None, labels: Literal["fine", "coarse"] = "fine"
) -> Dataset:
    """Load CIFAR-100 (Krizhevsky, 2009) from the files of its binary version.

    Parameters
    ----------
    folder : path-like, optional
        The folder ``cifar-100-binary`` or the one in which it lies. If None, the one that the
        environment variable ZEROONE_DATA names.
    labels : {"fine", "coarse"}, default "fine"
        The 100 classes or the 20 groups of five classes.

    Returns
    -------
    Dataset
        50,000 training and 10,000 test images of 32 x 32 x 3 bytes (row, column, colour) in 100 or
        20 classes (as many images as the files hold: shortened files are fine).

    Raises
    ------
    ValueError
        If `labels` is another word, a file is missing, damaged, or there is only the Python
        version, a pickle.
    """
    check_choice("labels", labels, ("fine", "coarse"))
    files = (*CIFAR100.files, (f"{labels}_label_names.txt",))
    train, test, names = find_files(replace(CIFAR100, files=files), folder)
    name = "cifar100" if labels == "fine" else "cifar100-coarse"
    return _load(
        name, [train], test, names, n_classes=(20, 100), used=("coarse", "fine").index(labels)
    )


def _load(
    name: str, train: list[Path], test: Path, names: Path, n_classes: tuple[int, ...], used: int
) -> Dataset:
    """Read all files; of a record's labels, that of number `used` is the class."""
    try:
        class_names = _read_names(names, n_classes[used])
        X_train, y_train = _read_records(train, n_classes, used)
        X_test, y_test = _read_records([test], n_classes, used)
    except OSError as error:
        raise ValueError(f"{name} is not readable: {error}") from error
    return Dataset(name, X_train, y_train, X_test, y_test, IMAGE_SHAPE, class_names)


def _read_names(path: Path, n_classes: int) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != n_classes:
        raise ValueError(
            f"{path} holds {len(names)} names of classes, one a line, expected {n_classes}"
        )
    return names


def _count_records(path: Path, record: int) -> int:
    n_bytes = path.stat().st_size
    if n_bytes == 0 or n_bytes % record:
        raise ValueError(
            f"{path} has {n_bytes} bytes, expected a positive multiple of {record}, the bytes of "
            "an image and its labels: it is cut off, has trailing bytes, or is another file"
        )
    return n_bytes // record


def _read_records(
    paths: list[Path], n_classes: tuple[int, ...], used: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the records of all files into one array of images and one of labels."""
    n_labels = len(n_classes)
    record = n_labels + N_PIXELS
    counts = [_count_records(path, record) for path in paths]
    images = np.empty((sum(counts), *IMAGE_SHAPE), dtype=np.uint8)
    labels = np.empty(sum(counts), dtype=np.int64)
    filled = 0
    for path, count in zip(paths, counts, strict=True):
        with open(path, "rb") as file:
            for start in range(0, count, RECORDS_AT_ONCE):
                n = min(RECORDS_AT_ONCE, count - start)
                block = np.fromfile(file, dtype=np.uint8, count=n * record)
                if len(block) < n * record:
                    raise ValueError(f"{path} became shorter while it was read")
                block = block.reshape(n, record)
                _check_labels(path, start, block[:, :n_labels], n_classes)
                # From (colour, row, column) to (row, column, colour).
                planes = block[:, n_labels:].reshape(n, 3, 32, 32)
                images[filled : filled + n] = planes.transpose(0, 2, 3, 1)
                labels[filled : filled + n] = block[:, used]
                filled += n
    return images.reshape(len(images), -1), labels


def _check_labels(
    path: Path, start: int, labels: NDArray[np.uint8], n_classes: tuple[int, ...]
) -> None:
    """Refuse a label outside of its range, which also betrays a file that is out of step."""
    wrong = labels >= np.array(n_classes)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"{path}: a label of image number {start + row} is {labels[row, column]}, expected 0 "
            f"to {n_classes[column] - 1}"
        )
