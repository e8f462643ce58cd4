"""What several commands share: data, lists of numbers, progress, files to write."""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from zeroone import datasets
from zeroone.datasets import Dataset
from zeroone.datasets.folders import ENVIRONMENT_VARIABLE as VARIABLE
from zeroone.estimators.scales import TrainingWarning
from zeroone.nets.network import AnyNetwork

# Whole numbers of more than 64 bits overflow somewhere in the arithmetic of arrays.
LARGEST_INTEGER = 2**63 - 1


def whole_number(text: str) -> int:
    """Parse an integer of at most 64 bits."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, but is {text!r}") from None
    if abs(value) > LARGEST_INTEGER:
        raise argparse.ArgumentTypeError(f"must be a number of at most 64 bits, but is {text!r}")
    return value


def real_number(text: str) -> float:
    """Parse a number; NaN and infinity are for the command to refuse."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, but is {text!r}") from None


def numbers(kind: type[int] | type[float]) -> Callable[[str], Any]:
    """Return a parser of one number, or of several with commas between them as a tuple."""
    parse_one = whole_number if kind is int else real_number

    def parse(text: str) -> Any:
        try:
            values = tuple(parse_one(part) for part in text.split(","))
        except argparse.ArgumentTypeError:
            wanted = "whole numbers" if kind is int else "numbers"
            raise argparse.ArgumentTypeError(
                f"must be {wanted} with commas between them, but is {text!r}"
            ) from None
        return values if len(values) > 1 else values[0]

    return parse


def numbers_or_words(text: str) -> tuple[int | str, ...]:
    """Parse whole numbers and words with commas between them."""
    parts = text.split(",")
    return tuple(whole_number(part) if part.lstrip("+-").isdigit() else part for part in parts)


def number_or_none(text: str) -> float | None:
    """Parse a number or the word "none"."""
    try:
        return None if text == "none" else real_number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"must be a number or none, but is {text!r}") from None


def add_data_options(
    parser: argparse.ArgumentParser, default: str | None = None, also: tuple[str, ...] = ()
) -> None:
    """Add --data and what belongs to it; `also` are names that only this command knows."""
    names = ", ".join((*also, *datasets.NAMES))
    parser.add_argument(
        "--data",
        required=default is None,
        default=default,
        metavar="NAME|FILE",
        help=f"{names}; or a file FILE.npz with X_train, y_train, X_test, y_test (or X, y), or "
        "FILE.csv with a row for each sample"
        + ("" if default is None else f" (default: {default})"),
    )
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="folder of the data set's files (default: the environment variable ZEROONE_DATA)",
    )
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="of FILE.csv, the column of the labels: its name, or its number from 1",
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="of FILE.csv, whether its first line names the columns (default: if it has a word "
        "above numbers, or the name that --label gives)",
    )


def add_worker_options(
    parser: argparse.ArgumentParser, default: int | None = 1, says: str = "1"
) -> None:
    """Add --workers and --scheduler; `workers_or_cluster` makes an executor of them.

    Parameters
    ----------
    parser : ArgumentParser
    default : int or None
        Of --workers; None leaves it to the command.
    says : str
        What the help says of the default.
    """
    parser.add_argument(
        "--workers",
        type=int,
        default=default,
        metavar="N",
        help=f"processes on this machine that share the work (default: {says})",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="share the work among the workers of a dask.distributed cluster: the address of its "
        "scheduler, such as tcp://HOST:8786, or its scheduler file",
    )


def load_data(arguments: argparse.Namespace, also: tuple[str, ...] = ()) -> Dataset:
    """Return the data set that the options name; `also` as for `add_data_options`.

    Raises
    ------
    ValueError
        If there is no such data set, or its files are not as they should be.
    """
    name = arguments.data
    is_table = name.lower().endswith(datasets.ENDINGS)
    if name not in datasets.NAMES and not is_table and not name.lower().endswith(".npz"):
        raise ValueError(
            f"data must be one of {', '.join((*also, *datasets.NAMES))}, or a file FILE.npz or "
            f"FILE.csv, but is {name!r}"
        )
    if is_table and arguments.label is None:
        raise ValueError(f"label is missing: say which column of {name} it is, with --label COLUMN")
    if not is_table and (arguments.label is not None or arguments.header is not None):
        raise ValueError(f"--label and --header are options of FILE.csv, not of --data {name}")
    if name in datasets.NAMES[1:] and arguments.data_dir is None and not os.environ.get(VARIABLE):
        raise ValueError(
            f"data {name} is read from files: say in which folder they are, with --data-dir or the "
            f"environment variable {VARIABLE}"
        )
    return datasets.load(
        arguments.data, arguments.data_dir, label=arguments.label, header=arguments.header
    )


def check_writable(
    *paths: str | None, data: str | None = None, read: Iterable[str | None] = ()
) -> None:
    """Refuse files that could not be written in the end, before anything is computed.

    Parameters
    ----------
    *paths : str or None
        The files.
    data : str, optional
        What --data names, which must not be overwritten.
    read : iterable of str or None
        Other files that the command reads, such as a model.

    Raises
    ------
    ValueError
        If a folder does not exist or cannot be written to, the file is a folder or a device, two
        files are the same, or one of them is an input.
    """
    inputs = [path for path in (data, *read) if path is not None and path not in datasets.NAMES]
    same = "another option names the same file"
    taken = {os.path.realpath(Path(path).expanduser()): f"{same}, to read it" for path in inputs}
    for path in paths:
        if path is None:
            continue
        folder = Path(path).parent
        if not folder.is_dir():
            raise ValueError(f"cannot write {path}: the folder {folder} does not exist")
        if Path(path).is_dir():
            raise ValueError(f"cannot write {path}: it is a folder")
        if Path(path).exists() and not Path(path).is_file():
            raise ValueError(f"cannot write {path}: it is not a regular file")
        if not os.access(folder, os.W_OK):
            raise ValueError(f"cannot write {path}: the folder {folder} is not writable")
        if data in datasets.NAMES and Path(path).name in datasets.FILE_NAMES:
            raise ValueError(f"cannot write {path}: it has the name of a file of a data set")
        if os.path.realpath(path) in taken:
            raise ValueError(f"cannot write {path}: {taken[os.path.realpath(path)]}")
        taken[os.path.realpath(path)] = same


def progress(total: int, unit: str) -> "tqdm[Any]":
    """Return a progress bar on standard error; where that is no terminal, a silent one."""
    return tqdm(total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Write what estimators warn of to standard error, a line each, whatever else is silent."""

    def write(message: Warning | str, *_: Any, **__: Any) -> None:
        tqdm.write(f"zeroone: warning: {' '.join(str(message).split())}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", TrainingWarning)
        warnings.showwarning = write
        yield


def accuracy(network: AnyNetwork, X: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the fraction of samples whose class the hard network predicts."""
    return float(np.mean(network.predict(X) == y))


def winners(network: AnyNetwork, X: NDArray[Any]) -> NDArray[np.intp]:
    """Return the number of the output with the highest score for each sample."""
    return network.decision_function(X).argmax(axis=1)


def output_names(network: AnyNetwork, data: Dataset) -> tuple[str, ...]:
    """Return the names of the classes that a network's outputs stand for.

    A model that ``zeroone train`` saved holds them. In any other, small integers are taken for
    indices of the data set's classes, as the loaders number them.
    """
    n = network.n_outputs
    names = (network.metadata or {}).get("class_names")
    if isinstance(names, list) and len(names) == n:
        return tuple(map(str, names))
    classes = np.arange(n) if network.classes is None else network.classes
    if classes.dtype.kind in "iu" and classes.min() >= 0 and classes.max() < len(data.class_names):
        return tuple(data.class_names[label] for label in classes)
    return tuple(str(label) for label in classes.tolist())


def matched(network: AnyNetwork, data: Dataset, path: str) -> Dataset:
    """Return a data set with its labels as numbers of the outputs of a model.

    Classes are matched by name, since a file may hold some of them only.

    Raises
    ------
    ValueError
        If the number of features differs, a sample is of a class that the model does not have, or
        the model has no classes.
    """
    n_features = data.X_train.shape[1]
    if network.n_inputs != n_features:
        raise ValueError(
            f"data must have {network.n_inputs} features for the model {path}, "
            f"but {data.name} has {n_features}"
        )
    if network.n_outputs < 2:
        raise ValueError(f"model must have at least 2 outputs, but {path} has 1")
    names = output_names(network, data)
    present = np.unique(np.concatenate([data.y_train, data.y_test]))
    missing = [data.class_names[label] for label in present if data.class_names[label] not in names]
    if missing:
        raise ValueError(
            f"data must have the classes of the model {path}, which are {', '.join(names)}, but "
            f"{data.name} also has {', '.join(missing)}"
        )
    place = np.array([names.index(name) if name in names else -1 for name in data.class_names])
    return replace(data, y_train=place[data.y_train], y_test=place[data.y_test], class_names=names)


def check_picture(path: str | None) -> None:
    """Refuse a picture of a kind that cannot be written, before the training.

    Raises
    ------
    ValueError
        If the ending is none of .png, .svg, .pdf.
    """
    if path is not None and not path.lower().endswith((".png", ".svg", ".pdf")):
        raise ValueError(f"plot must end in .png, .svg or .pdf, but is {path}")
