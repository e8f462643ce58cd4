"""The user's own data, in a text file with a row for each sample: CSV.

A file is read row by row into one array of numbers, so that it takes little more memory than that.
"""

from __future__ import annotations

import csv
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from zeroone.datasets.dataset import Dataset
from zeroone.datasets.splits import fixed_split

ENDINGS = (".csv", ".tsv")
# Where two fit equally well, the first is taken: a comma may also stand in numbers and words.
DELIMITERS = ("\t", ";", ",")
# Rows by which the delimiter and the header are found.
FIRST_ROWS = 20
# What stands for a value that nobody knows, in small letters.
MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan"})

Row = tuple[int, list[str]]  # the number of its line, and its cells


def load_csv(
    path: str | os.PathLike[str], label: str | int, *, header: bool | None = None
) -> Dataset:
    """Load a data set from a text file with a row for each sample, as spreadsheets write it.

    The columns are separated by commas, semicolons or tabs, whichever fits the first rows. A fifth
    of the samples is set aside for testing as in `fixed_split`.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8. Empty lines are left out.
    label : str or int
        The column of the labels: its name in the header, or its number from 1. (If "3" is the name
        of a column, it is that column.) All other columns are features.
    header : bool, optional
        Whether the first line has the names of the columns. By default it has if `label` is one of
        its cells and no number, or if it has a word in a column that holds numbers in the rows
        below.

    Returns
    -------
    Dataset
        `X_train` and `X_test` are float64 with the features in the order of the file. Labels that
        are whole numbers in every row are sorted as numbers, others as text; `class_names` are the
        labels. `name` is that of the file, `image_shape` is (n_features,).

    Raises
    ------
    ValueError
        If the file is missing or no such text; if there is no such column; if a value is missing
        (empty, "?", "NA", "N/A", "NaN"), a feature is no finite number, or a row has more or fewer
        cells than the first: with the line and the column. If the labels are real numbers; if there
        is one class only.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        # "utf-8-sig": some spreadsheets put a mark before the text.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _load(path, file, str(label).strip(), header)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be text in UTF-8, but is not: {error}") from None
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV: {error}") from None


def _load(path: Path, file: TextIO, label: str, header: bool | None) -> Dataset:
    delimiter = _find_delimiter(path, list(islice(file, FIRST_ROWS)))
    file.seek(0)
    rows = _rows(csv.reader(file, delimiter=delimiter))
    first = list(islice(rows, FIRST_ROWS))
    if not first:
        raise ValueError(f"{path} must have a row for each sample, but is empty")
    cells = [cell.strip() for cell in first[0][1]]
    if header is None:
        header = _has_header(label, [row for _, row in first])
    names = cells if header else []
    place = _find_column(path, label, names, len(cells))
    table = Table(path, place, names, len(cells))
    for line, row in chain(first[1:] if header else first, rows):
        table.add(line, row)
    X, (y, classes) = table.features(), table.classes()
    try:
        train, test = fixed_split(y)
    except ValueError as error:
        raise ValueError(f"{path}: the labels cannot be divided: {error}") from None
    return Dataset(
        name=path.stem,
        X_train=X[train],
        y_train=y[train],
        X_test=X[test],
        y_test=y[test],
        image_shape=X.shape[1:],
        class_names=classes,
    )


def _rows(reader: Iterator[list[str]]) -> Iterator[Row]:
    """Yield the rows that are not empty, each with the number of its (last) line."""
    for row in reader:
        if row:
            yield reader.line_num, row  # type: ignore[attr-defined]


def _find_delimiter(path: Path, lines: Sequence[str]) -> str:
    """Return what cuts the first lines into the most columns, the same number in every line."""

    def columns(delimiter: str) -> tuple[bool, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        # A quoted cell may go on beyond these lines, so that the last count says nothing.
        return len(set(counts[:-1] or counts)) == 1, counts[0] if counts else 0

    found = {delimiter: columns(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: (found[delimiter][1] > 1, found[delimiter]))
    if lines and found[best][1] < 2:
        raise ValueError(
            f"{path} must have two columns or more, with commas, semicolons or tabs between them, "
            f"but its first line is {lines[0].strip()[:60]!r}"
        )
    return best


def _is_number(cell: str) -> bool:
    return not math.isnan(_number(cell))


def _number(cell: str) -> float:
    """Return the number that a cell holds, or NaN."""
    try:
        # Python's own numbers may have underscores: 1_000.
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan


def _is_missing(cell: str) -> bool:
    return cell.strip().casefold() in MISSING


def _has_header(label: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns."""
    names, below = [cell.strip() for cell in rows[0]], rows[1:]
    if label in names and not _is_number(label):
        return True
    for column, name in enumerate(names):
        held = [row[column] for row in below if column < len(row) and not _is_missing(row[column])]
        if not _is_missing(name) and not _is_number(name) and held and all(map(_is_number, held)):
            return True
    return False


def _find_column(path: Path, label: str, names: Sequence[str], n_columns: int) -> int:
    """Return the place of the column of the labels, from 0."""
    if names.count(label) > 1:
        raise ValueError(f"label must name one column of {path}, but {label!r} names several")
    if label in names:
        return names.index(label)
    if label.isdecimal() and 1 <= int(label) <= n_columns:
        return int(label) - 1
    wanted = f"a number from 1 to {n_columns}"
    if names:
        listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise ValueError(
            f"label must be the name of a column of {path}, which are {listed}, or "
            f"{wanted}, but is {label!r}"
        )
    raise ValueError(
        f"label must be {wanted} for {path}, whose first line is no header, but is {label!r}"
    )


@dataclass
class Table:
    """What has been read of a file.

    Parameters
    ----------
    path : Path
    place : int
        The column of the labels, from 0.
    names : sequence of str
        Of the columns; empty if there is no header.
    n_columns : int
    """

    path: Path
    place: int
    names: Sequence[str]
    n_columns: int
    numbers: array[float] = field(default_factory=lambda: array("d"))
    labels: array[int] = field(default_factory=lambda: array("q"))
    # The labels that came, each with its place in the order of coming.
    known: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, row: list[str]) -> None:
        """Take a row in.

        Raises
        ------
        ValueError
            If it has another number of cells, a value is missing, or a feature is no number.
        """
        if len(row) != self.n_columns:
            raise ValueError(
                f"{self.path}, line {line}: the row must have {self.n_columns} cells as the first "
                f"one, but has {len(row)}"
            )
        label = row[self.place].strip()
        if _is_missing(label):
            raise self.wrong(line, self.place, f"is missing ({label!r})" if label else "is missing")
        self.labels.append(self.known.setdefault(label, len(self.known)))
        del row[self.place]
        try:
            values = [float(cell) for cell in row]
        except ValueError:
            values = [math.nan]
        # One look at the sum of a row instead of one at each cell.
        if not math.isfinite(sum(values)) or "_" in "".join(row):
            values = [self.number(line, column, cell) for column, cell in enumerate(row)]
        self.numbers.extend(values)

    def number(self, line: int, column: int, cell: str) -> float:
        """Return the number in a cell of the features."""
        value, column = _number(cell), column + (column >= self.place)
        if _is_missing(cell):
            raise self.wrong(line, column, f"is missing ({cell!r})" if cell else "is missing")
        if not math.isfinite(value):
            raise self.wrong(line, column, f"must be a finite number, but is {cell[:60]!r}")
        return value

    def wrong(self, line: int, column: int, what: str) -> ValueError:
        """Return the error of a cell."""
        name = f" ({self.names[column]})" if self.names else ""
        return ValueError(f"{self.path}, line {line}, column {column + 1}{name}: the value {what}")

    def features(self) -> NDArray[np.float64]:
        """Return the features, shape (n_samples, n_features), without copying them."""
        if not self.labels:
            raise ValueError(f"{self.path} must have a row for each sample, but has none")
        return np.frombuffer(self.numbers).reshape(len(self.labels), self.n_columns - 1)

    def classes(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Return each sample's class, and the names of the classes.

        Raises
        ------
        ValueError
            If the labels are numbers but not whole, or there is one class only.
        """
        texts = list(self.known)
        if all(map(_is_number, texts)):
            real = [text for text in texts if not float(text).is_integer()]
            if real:
                raise self._no_classes(real[0])
            # 2 and 2.0 are one class.
            whole = [int(text) if text.isdecimal() else int(float(text)) for text in texts]
            values, place = np.unique(whole, return_inverse=True)
        else:
            values, place = np.unique(texts, return_inverse=True)
        if len(values) < 2:
            raise ValueError(
                f"{self.path}: expected two classes or more, but all labels are {texts[0]}"
            )
        codes = np.frombuffer(self.labels, np.int64)
        return place.astype(np.int64)[codes], tuple(str(value) for value in values)

    def _no_classes(self, text: str) -> ValueError:
        name = f" ({self.names[self.place]})" if self.names else ""
        return ValueError(
            f"{self.path}: the labels, column {self.place + 1}{name}, must be whole numbers or "
            f"words, but one is {text}"
        )
