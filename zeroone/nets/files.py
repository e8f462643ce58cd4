"""Networks in files: a zip archive of plain arrays, readable without executing anything.

The archive is what `numpy.savez` writes, uncompressed. There are two formats. A multi-layer
perceptron of h layers, format ``zeroone-mlp``, has these entries:

* ``header``: uint8, a JSON object in UTF-8 with the keys ``format``, ``version``, ``layers`` (= h),
  ``activation``, ``levels``, ``classes`` (true or false) and ``metadata``;
* ``weight_1`` ... ``weight_h``: float32 or float64, (n_out, n_in);
* ``bias_1`` ... ``bias_h``: float32 or float64, (n_out,);
* ``classes``, if the header says so: numbers, bools or strings, (n outputs,).

A network of any layers, format ``zeroone-network``, has these:

* ``header``: the same with the keys ``format``, ``version``, ``input_shape``, ``layers``,
  ``arrays`` (their number), ``classes`` and ``metadata``; a layer is an object with its ``kind``
  and its ``arguments``, in which ``{"array": 3}`` stands for the third array and
  ``{"layers": [...]}`` for a list of layers;
* ``array_1``, ...: float32 or float64;
* ``classes``, as above.

This module knows the file; whether the arrays fit together is for `zeroone.nets.mlp` and
`zeroone.nets.network` to say.
"""

import io
import json
import math
import os
import sys
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from zeroone.support.files import atomic_write
from zeroone.support.validation import FloatArray, check_integer

MLP_FORMAT = "zeroone-mlp"
NETWORK_FORMAT = "zeroone-network"
# The newest version of each format.
VERSIONS = {MLP_FORMAT: 1, NETWORK_FORMAT: 1}


class StoredNetwork(TypedDict):
    """What a file holds: the arguments that rebuild the network."""

    weights: Sequence[FloatArray]
    biases: Sequence[FloatArray]
    activation: str
    levels: int | None
    classes: np.ndarray | None
    metadata: dict[str, Any] | None


class StoredLayers(TypedDict):
    """What a file of any layers holds."""

    # The kind of each layer, and its arguments; lists of layers in these are lists of such pairs.
    layers: list[tuple[str, dict[str, Any]]]
    input_shape: Sequence[int]
    classes: np.ndarray | None
    metadata: dict[str, Any] | None


def check_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the metadata as JSON would return it.

    Raises
    ------
    ValueError
        If it is not a dict, or JSON has no way to write it (NaN and infinity included).
    """
    if not isinstance(metadata, dict):
        raise ValueError(f"metadata must be a dict, but is of type {type(metadata).__name__}")
    try:
        return json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"metadata must be writable as JSON, but is not: {error}") from None


def write_network(path: str | os.PathLike[str], network: StoredNetwork) -> None:
    """Write a network to exactly `path`, whole or not at all.

    The same contents give the same bytes: the archive's timestamps are constant and the keys of the
    header are sorted.

    Parameters
    ----------
    path : path-like
        The file to write; an existing one is replaced. No extension is added.
    network : StoredNetwork
        Its `metadata` must be a JSON value with string keys.

    Raises
    ------
    ValueError
        If the folder does not exist or `path` is a folder.
    """
    header = {
        "format": MLP_FORMAT,
        "version": VERSIONS[MLP_FORMAT],
        "layers": len(network["weights"]),
        "activation": network["activation"],
        "levels": network["levels"],
        "classes": network["classes"] is not None,
        "metadata": network["metadata"],
    }
    arrays: dict[str, Any] = {}
    for layer, (weight, bias) in enumerate(
        zip(network["weights"], network["biases"], strict=True), start=1
    ):
        arrays[f"weight_{layer}"] = weight
        arrays[f"bias_{layer}"] = bias
    _write(path, header, arrays, network["classes"])


def write_layers(path: str | os.PathLike[str], network: StoredLayers) -> None:
    """Write a network of any layers to exactly `path`, as `write_network` does.

    Raises
    ------
    ValueError
        If the folder does not exist or `path` is a folder.
    """
    arrays: dict[str, Any] = {}

    def encoded(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays[f"array_{len(arrays) + 1}"] = value
            return {"array": len(arrays)}
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            return {"layers": listed(value)}
        return value

    def listed(layers: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        return [
            {"kind": kind, "arguments": {name: encoded(value) for name, value in given.items()}}
            for kind, given in layers
        ]

    header = {
        "format": NETWORK_FORMAT,
        "version": VERSIONS[NETWORK_FORMAT],
        "input_shape": list(network["input_shape"]),
        "layers": listed(network["layers"]),
        "arrays": len(arrays),
        "classes": network["classes"] is not None,
        "metadata": network["metadata"],
    }
    _write(path, header, arrays, network["classes"])


def _write(
    path: str | os.PathLike[str],
    header: dict[str, Any],
    arrays: dict[str, Any],
    classes: np.ndarray | None,
) -> None:
    """Write the header and the arrays."""
    text = json.dumps(header, sort_keys=True, allow_nan=False)
    entries: dict[str, Any] = {"header": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    if classes is not None:
        entries["classes"] = classes
    with atomic_write(path) as file:
        # The open file, not the name: given a name, savez would append ".npz" to it.
        np.savez(file, **entries)


def read_network(path: str | os.PathLike[str]) -> StoredNetwork | StoredLayers:
    """Read what `write_network` or `write_layers` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    StoredNetwork or StoredLayers
        The arrays have an admissible dtype; nothing else about them has been checked.

    Raises
    ------
    ValueError
        If there is no such file, or it is damaged, truncated, not a network file, or written in a
        newer format. The message is one line and names the file and the cause.
    """
    file = Path(path)
    try:
        return _read(file)
    except OSError as error:
        reason = error.strerror or str(error)
        cause: Exception = error
    except Exception as error:
        # On damaged bytes the readers of zip, npy and JSON fail with more types of exception than
        # could be listed.
        reason = str(error) or type(error).__name__
        cause = error
    raise ValueError(f"cannot load {file}: {' '.join(reason.split())}") from cause


def _read(file: Path) -> StoredNetwork | StoredLayers:
    if file.is_dir():
        raise ValueError("it is a folder")
    if not file.exists():
        raise ValueError("there is no such file")
    if not file.is_file():
        raise ValueError("it is not a regular file")
    with file.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise ValueError("the file is empty")
    if not zipfile.is_zipfile(file):
        if start == b"PK\x03\x04":
            raise ValueError("the file is truncated or damaged: its zip archive has no end")
        raise ValueError("it is not a zeroone network file: not a zip archive")
    with zipfile.ZipFile(file) as archive:
        header = _read_header(archive)
        # What ought to be there is in the header, which has a checksum. The archive's directory has
        # none, and damage to it can hide an entry.
        has_classes = header.get("classes")
        if not isinstance(has_classes, bool):
            raise ValueError(
                f"whether it has classes must be true or false, but is {has_classes!r}"
            )
        reader = _read_mlp if header["format"] == MLP_FORMAT else _read_layers
        return reader(archive, header, has_classes)


def _read_mlp(archive: zipfile.ZipFile, header: dict[str, Any], has_classes: bool) -> StoredNetwork:
    layers = check_integer("its number of layers", header.get("layers"))
    what = f"a network of {layers} layers"
    _check_entries(archive, what, 2 * layers, ("weight", "bias"), layers, has_classes)
    return {
        "weights": [_read_entry(archive, f"weight_{i + 1}", "f") for i in range(layers)],
        "biases": [_read_entry(archive, f"bias_{i + 1}", "f") for i in range(layers)],
        "activation": header.get("activation", ""),
        "levels": header.get("levels"),
        "classes": _read_entry(archive, "classes", "biufU") if has_classes else None,
        "metadata": header.get("metadata"),
    }


def _read_layers(
    archive: zipfile.ZipFile, header: dict[str, Any], has_classes: bool
) -> StoredLayers:
    count = check_integer("its number of arrays", header.get("arrays"), minimum=0)
    _check_entries(archive, f"a network of {count} arrays", count, ("array",), count, has_classes)

    def decoded(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if set(value) == {"array"}:
            number = check_integer("the number of an array", value["array"])
            if number > count:
                raise ValueError(f"it names array {number}, but has {count}")
            return _read_entry(archive, f"array_{number}", "f")
        if set(value) == {"layers"}:
            return listed(value["layers"])
        raise ValueError("an argument of a layer is neither an array nor layers nor a plain value")

    def listed(layers: Any) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(layers, list):
            raise ValueError("its layers are not a list")
        found = []
        for layer in layers:
            if not isinstance(layer, dict) or not isinstance(layer.get("arguments"), dict):
                raise ValueError("a layer is not an object with its kind and its arguments")
            given = {name: decoded(value) for name, value in layer["arguments"].items()}
            found.append((str(layer.get("kind")), given))
        return found

    return {
        "layers": listed(header.get("layers")),
        "input_shape": header.get("input_shape", ()),
        "classes": _read_entry(archive, "classes", "biufU") if has_classes else None,
        "metadata": header.get("metadata"),
    }


def _check_entries(
    archive: zipfile.ZipFile,
    what: str,
    total: int,
    parts: tuple[str, ...],
    count: int,
    has_classes: bool,
) -> None:
    """Refuse an archive that has other entries than its header says."""
    names = archive.namelist()
    # The total first: a forged number of layers must not make a huge list of names.
    if len(names) != 1 + total + has_classes or set(names) != {
        "header.npy",
        *(f"{part}_{i}.npy" for part in parts for i in range(1, count + 1)),
        *(["classes.npy"] if has_classes else []),
    }:
        raise ValueError(
            f"{what} {'with' if has_classes else 'without'} classes has "
            f"other entries than {_shorten(names)}"
        )


def _read_header(archive: zipfile.ZipFile) -> dict[str, Any]:
    names = archive.namelist()
    if "header.npy" not in names:
        raise ValueError(f"it is not a zeroone network file: its entries are {_shorten(names)}")
    content = _read_entry(archive, "header", "u").tobytes()
    try:
        header = json.loads(content.decode("utf-8"))
    except ValueError:
        raise ValueError("it is not a zeroone network file: its header is not JSON") from None
    except RecursionError:
        raise ValueError(
            "it is not a zeroone network file: its header is not JSON, or nested too deep"
        ) from None
    if not isinstance(header, dict) or header.get("format") not in (*VERSIONS,):
        known = " or ".join(map(repr, VERSIONS))
        raise ValueError(f"it is not a zeroone network file: its format is not {known}")
    version, newest = (
        check_integer("its format version", header.get("version")),
        VERSIONS[header["format"]],
    )
    if version > newest:
        raise ValueError(
            f"it has format version {version}, but this zeroone reads versions up to {newest}: "
            "a newer zeroone wrote it"
        )
    return header


def _read_entry(archive: zipfile.ZipFile, name: str, kinds: str) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    # Stored entries cannot be larger than the file; a small compressed one may unpack to terabytes.
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(
            f"its entry {name} is compressed, which a network file's entries never are"
        )
    try:
        if (
            info.file_size != info.compress_size
            or info.file_size > os.stat(archive.filename or "").st_size
        ):
            raise ValueError("its size is not that of its bytes")
        array = _array_of(archive.read(info))  # compares the checksum
    except Exception as error:
        raise ValueError(
            f"its entry {name} is damaged ({str(error) or type(error).__name__})"
        ) from error
    if array.dtype.kind not in kinds or (kinds == "f" and array.dtype.itemsize not in (4, 8)):
        raise ValueError(f"its entry {name} has the unexpected dtype {array.dtype}")
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    if array.dtype.kind == "U" and array.size and array.view(np.uint32).max() > sys.maxunicode:
        raise ValueError(f"its entry {name} holds characters that Unicode does not have")
    return array


def _array_of(content: bytes) -> np.ndarray:
    """Return the array in the bytes of a ``.npy`` file, after checking that it has that size."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"it is of version {version}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that are no Python literal: refused below
        if version == (1, 0):
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, fortran_order, dtype = np.lib.format.read_array_header_2_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read: allow_pickle=False")
    expected, present = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
    if expected != present or dtype.itemsize == 0:
        raise ValueError(
            f"shape {shape} of dtype {dtype} takes {expected} bytes, but there are {present}"
        )
    entries = np.frombuffer(content, dtype, offset=stream.tell())
    return entries.reshape(shape, order="F" if fortran_order else "C")


def _shorten(names: list[str]) -> str:
    listed = ", ".join(name[:40] for name in names[:6]) or "none"
    return f"{listed}, ..." if len(names) > 6 else listed
