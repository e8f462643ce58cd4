"""The user's own data, in one .npz file of plain arrays."""

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeroone.datasets.dataset import Dataset
from zeroone.datasets.splits import fixed_split
from zeroone.support.validation import check_array

DIVIDED = ("X_train", "y_train", "X_test", "y_test")
WHOLE = ("X", "y")

# A compressed array may unpack to this many bytes, or to so many times its packed size if that is
# more. Images and tables are far below; a small file that asks for gigabytes is above.
UNPACKED_BYTES = 64 << 20
EXPANSION = 100

HIGHEST_CODE_POINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)  # halves of a pair in UTF-16, which are no characters


class Member(NamedTuple):
    """An array of the archive as its header describes it: nothing of it has been unpacked yet."""

    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def load_npz(path: str | os.PathLike[str]) -> Dataset:
    """Load a data set from a .npz file, as `numpy.savez` writes it.

    The headers of all arrays are checked, and compared with each other and with the size of what is
    stored, before memory is asked for.

    Parameters
    ----------
    path : path-like
        The file. It holds X_train, y_train, X_test and y_test; or X and y, of which a fifth is set
        aside for testing as in `fixed_split`. X has the samples along its first axis and real
        numbers along one or more others; y has integers or strings.

    Returns
    -------
    Dataset
        Its `X_train` and `X_test` are flattened and keep the number type of the file, `class_names`
        are the sorted labels as text, `image_shape` is the shape of a sample, `name` is the file's.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or no .npz; if an array is missing, holds Python objects
        (which only a pickle can store), is not numeric or not finite, or has another length than
        its partner; if a compressed array would unpack to more than 64 MiB and more than 100 times
        its packed size; if there is one class only, or a class of the test part is not in training.
    """
    path = Path(path).expanduser()
    arrays = _read_arrays(path)
    if "X" in arrays:
        X, y = arrays["X"], arrays["y"]
        try:
            train, test = fixed_split(y)
        except ValueError as error:
            raise ValueError(f"{path}: y cannot be divided: {error}") from None
        X_train, y_train, X_test, y_test = X[train], y[train], X[test], y[test]
    else:
        X_train, y_train, X_test, y_test = arrays.values()
    classes, y_train, y_test = _number_classes(path, y_train, y_test)
    return Dataset(
        name=path.stem,
        X_train=X_train.reshape(len(X_train), -1),
        y_train=y_train,
        X_test=X_test.reshape(len(X_test), -1),
        y_test=y_test,
        image_shape=X_train.shape[1:],
        class_names=classes,
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the four arrays, or the two, in the order of `DIVIDED` or `WHOLE`."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            held = {name.removesuffix(".npy") for name in archive.namelist()}
            # One array of the four is enough to expect them all.
            names = WHOLE if held.issuperset(WHOLE) and held.isdisjoint(DIVIDED) else DIVIDED
            missing = [name for name in names if name not in held]
            if missing:
                raise ValueError(
                    f"{path} must hold the arrays {', '.join(DIVIDED)}, or {' and '.join(WHOLE)}, "
                    f"but lacks {', '.join(missing)}; it holds {', '.join(sorted(held)) or 'none'}"
                )
            members = {name: _find_member(path, archive, name) for name in names}
            _check_headers(path, members)
            return {name: _read_member(path, archive, name, members[name]) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError) as error:
        raise ValueError(
            f"{path} is no .npz file as numpy.savez writes it, or it is damaged: {error}"
        ) from error


def _find_member(path: Path, archive: zipfile.ZipFile, name: str) -> Member:
    """Read the header of one array and compare the size it claims with the size that is stored."""
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"{path}: {name} is not stored as {name}.npy") from None
    is_encrypted = info.flag_bits & 1
    if is_encrypted or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{path}: {name} is packed in another way than by numpy.savez")
    packed = min(info.compress_size, path.stat().st_size)
    if info.file_size > packed and info.file_size > max(UNPACKED_BYTES, EXPANSION * packed):
        raise ValueError(
            f"{path}: {name} takes {info.file_size} bytes, packed in {packed}, and may take "
            f"{max(UNPACKED_BYTES, EXPANSION * packed)}: if that is right, save it with "
            "numpy.savez, which does not compress"
        )
    try:
        with archive.open(info) as file:
            shape, dtype = _read_header(file)
            if dtype.hasobject:
                raise ValueError(
                    "it holds Python objects, which are stored as a pickle and never loaded; save "
                    "an array of numbers or of strings with a type such as '<U10'"
                )
            claimed = file.tell() + math.prod(shape) * dtype.itemsize
            if claimed != info.file_size or min(shape, default=0) < 0:
                raise ValueError(
                    f"its header says that it has shape {shape} and type {dtype}, which takes "
                    f"{claimed} bytes, but {info.file_size} are there"
                )
    except ValueError as error:
        raise ValueError(f"{path}: {name} cannot be read: {error}") from None
    return Member(info, shape, dtype)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of an array in numpy's format."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"expected version 1.0 or 2.0 of numpy's format, but it is {version}")
    try:
        shape, _, dtype = readers[version](file)
    except Exception as error:  # A header is Python source: its parser raises errors of any kind.
        raise ValueError(f"its header is damaged: {error}") from error
    return shape, dtype


def _check_headers(path: Path, members: dict[str, Member]) -> None:
    """Refuse arrays of the wrong kind, or that do not fit together, from their headers alone."""
    for name, (_, shape, dtype) in members.items():
        # A string of no characters takes no bytes, so that any number of them is "there".
        is_empty = math.prod(shape) * dtype.itemsize == 0
        if name.startswith("X"):
            fits, wanted = (
                dtype.kind in "biuf" and len(shape) >= 2,
                "real numbers in two axes or more",
            )
        else:
            fits, wanted = (
                dtype.kind in "biuUS" and len(shape) == 1,
                "integers or strings in one axis",
            )
        if not fits or is_empty:
            raise ValueError(
                f"{path}: {name} must hold {wanted}, and not be empty, but has type {dtype} and "
                f"shape {shape}"
            )
    for X_name, y_name in zip(list(members)[::2], list(members)[1::2], strict=True):
        n_samples, n_labels = members[X_name].shape[0], members[y_name].shape[0]
        if n_samples != n_labels:
            raise ValueError(
                f"{path}: {X_name} has {n_samples} samples, but {y_name} has {n_labels} labels: "
                "expected as many of one as of the other"
            )
    if "X_train" in members:
        train, test = members["X_train"], members["X_test"]
        if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
            raise ValueError(
                f"{path}: a sample of X_train has shape {train.shape[1:]} and type {train.dtype}, "
                f"one of X_test {test.shape[1:]} and {test.dtype}: expected the same"
            )


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, member: Member) -> NDArray[Any]:
    """Read one array whose header has been checked: finite samples, or labels as int64 or text."""
    try:
        with archive.open(member.info) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path}: {name} cannot be read: {error}") from None
    if array.dtype.kind == "U":  # before anything makes Python strings of them
        _check_code_points(f"{path}: {name}", array)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if name.startswith("X"):
        if array.dtype.kind == "f":
            check_array(f"{path}: {name}", array, dtype=array.dtype)
        return array
    return _read_labels(f"{path}: {name}", array)


def _check_code_points(name: str, array: NDArray[Any]) -> None:
    """Refuse text with numbers that are no characters: Python cannot make strings of them."""
    points = np.ascontiguousarray(array).view(
        np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
    )
    low, high = SURROGATES
    wrong = points[(points > HIGHEST_CODE_POINT) | ((points >= low) & (points <= high))]
    if wrong.size:
        raise ValueError(f"{name} must hold text, but holds {wrong[0]:#x}, which is no character")


def _read_labels(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return labels as int64 or as text."""
    if array.dtype.kind == "S":
        values, place = np.unique(array, return_inverse=True)
        try:
            return np.char.decode(values, "utf-8")[place]
        except UnicodeDecodeError as error:
            raise ValueError(f"{name} must hold UTF-8 text: {error}") from None
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must hold integers below 2^63, but holds {array.max()}")
    return array.astype(np.int64)


def _number_classes(
    path: Path, y_train: NDArray[Any], y_test: NDArray[Any]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Replace labels by their place among the sorted classes of the training part."""
    if y_train.dtype.kind != y_test.dtype.kind:
        raise ValueError(
            f"{path}: y_train has type {y_train.dtype}, but y_test {y_test.dtype}: expected "
            "integers in both or strings in both"
        )
    classes, train = np.unique(y_train, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"{path}: expected two classes or more, but all labels are {classes[0]}")
    unknown = np.setdiff1d(y_test, classes)
    if unknown.size:
        raise ValueError(
            f"{path}: y_test holds the class {unknown[0]}, expected only those of y_train"
        )
    names = tuple(str(label) for label in classes)
    return names, train.astype(np.int64), np.searchsorted(classes, y_test).astype(np.int64)
