"""Read IDX, the format of MNIST: a short big-endian header, then the numbers of one array.

==============  ==========================================================
bytes           meaning
==============  ==========================================================
0, 1            zero
2               type of the numbers (8: uint8, 9: int8, 11: int16, 12: int32,
                13: float32, 14: float64)
3               number of axes, d
4 ... 4 + 4 d   length of each axis, as d unsigned integers of 4 bytes
from 4 + 4 d    the numbers, the last axis running fastest
==============  ==========================================================

The first four bytes, read as one integer, are called the magic number.
"""

import contextlib
import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ELEMENT_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MOST_AXES = 32
GZIP_START = b"\x1f\x8b"
# Deflate's best is 258 bytes, a copy of what came before, from two bits: no file holds more.
MOST_GZIP_EXPANSION = 258 * 4
CHUNK = 1 << 20


def _describe(magic: int) -> str:
    """Spell out a magic number."""
    element = ELEMENT_TYPES.get(magic >> 8)
    element_name = "unknown type" if element is None else element.newbyteorder("=").name
    axes = magic & 0xFF
    return f"{magic} ({element_name}, {axes} {'axis' if axes == 1 else 'axes'})"


@contextlib.contextmanager
def _open(path: Path) -> Iterator[tuple[io.BufferedIOBase, int]]:
    """Open a file, decompressing gzip, and yield it with an upper bound on the bytes it holds.

    What it begins with tells gzip, not its name: browsers decompress what they download.
    """
    with open(path, "rb") as file:
        n_bytes = os.fstat(file.fileno()).st_size
        is_gzip = file.read(2) == GZIP_START
        file.seek(0)
        if is_gzip:
            with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                yield stream, n_bytes * MOST_GZIP_EXPANSION
        else:
            yield file, n_bytes


def _read_header(
    path: Path, stream: io.BufferedIOBase, magic: int | None
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read and check the type of the numbers and the shape of the array."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise ValueError(
            f"{path} is not an IDX file, plain or gzipped: it begins with the bytes "
            f"'{start.hex(' ')}', expected a magic number, which begins with '00 00'"
        )
    (found,) = struct.unpack(">I", start)
    if magic is not None and found != magic:
        raise ValueError(
            f"{path}: the magic number is {_describe(found)}, expected {_describe(magic)}"
        )
    code, n_axes = start[2], start[3]
    if code not in ELEMENT_TYPES or not 1 <= n_axes <= MOST_AXES:
        raise ValueError(
            f"{path}: the magic number is {_describe(found)}, expected one of the types "
            f"{', '.join(map(str, ELEMENT_TYPES))} in byte 2, but it is {code}, and 1 to "
            f"{MOST_AXES} axes in byte 3, but it is {n_axes}"
        )
    lengths = stream.read(4 * n_axes)
    if len(lengths) < 4 * n_axes:
        raise ValueError(
            f"{path} ends within its header, after {4 + len(lengths)} of {4 + 4 * n_axes} bytes"
        )
    shape = struct.unpack(f">{n_axes}I", lengths)
    if 0 in shape:
        raise ValueError(f"{path} is empty: its header says that it has shape {shape}")
    return ELEMENT_TYPES[code], shape


def read_idx(path: str | os.PathLike[str], *, magic: int | None = None) -> NDArray[Any]:
    """Read an array from an IDX file, gzipped or not.

    The numbers are read straight into the array, and the size which the header claims is compared
    with the size of the file before that array is made.

    Parameters
    ----------
    path : path-like
        The file.
    magic : int, optional
        The magic number that it must have, e.g. 2051 (0x803) for three axes of uint8.

    Returns
    -------
    ndarray
        In the byte order of the machine.

    Raises
    ------
    ValueError
        If the file cannot be read, is damaged, has another magic number, an empty array, or fewer
        or more bytes than its header says.
    """
    path = Path(path)
    try:
        with _open(path) as (stream, most_bytes):
            dtype, shape = _read_header(path, stream, magic)
            n_bytes = math.prod(shape) * dtype.itemsize
            if 4 + 4 * len(shape) + n_bytes > most_bytes:
                raise ValueError(
                    f"{path} is too short: its header says that it has shape {shape}, which takes "
                    f"{n_bytes} bytes after the header, but the file cannot hold more than "
                    f"{max(0, most_bytes - 4 - 4 * len(shape))}"
                )
            array = np.empty(shape, dtype)
            target = array.reshape(-1).view(np.uint8).data
            filled = 0
            # In chunks, because gzip's readinto makes a copy of all it is asked for.
            while filled < n_bytes:
                count = stream.readinto(target[filled : filled + CHUNK])
                if not count:
                    raise ValueError(
                        f"{path} is too short: its header says that it has shape {shape}, which "
                        f"takes {n_bytes} bytes after the header, but {filled} came"
                    )
                filled += count
            # Reading past the end also makes gzip compare its checksum.
            if stream.read(1):
                raise ValueError(
                    f"{path} is too long: its header says that it has shape {shape}, but bytes "
                    f"follow the {n_bytes} which that takes"
                )
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is cut off, damaged or not readable: {error}") from error
    if not dtype.isnative:
        array = array.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return array
