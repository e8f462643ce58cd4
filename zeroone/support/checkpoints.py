"""Keep what a long computation has found so far in a file, so that it can go on from there.

The file is a zip archive of plain arrays as `numpy.savez` writes it, and read without a pickle:
``header``, a JSON object in UTF-8 that says which computation it is and how many of its parts are
done, and ``sums``, what has been added up over them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.support.files import atomic_write
from zeroone.support.validation import FloatArray

FORMAT, VERSION = "zeroone-checkpoint", 1
SECONDS = 10.0  # between two times that the file is written


def digest(array: ArrayLike) -> str:
    """Return a short text that two arrays share only if their numbers are the same."""
    values = np.ascontiguousarray(array, np.float64)
    return hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()[:32]


class Checkpoint:
    """What has been added up so far.

    Parameters
    ----------
    path : path-like or None
        The file, which is read if it exists; None to keep nothing.
    task : mapping of str to a JSON value
        Which computation this is: all that its result depends on.
    shape : tuple of int
        Of the sums.

    Attributes
    ----------
    sums : ndarray
    parts : int
        How many parts have been added up.

    Raises
    ------
    ValueError
        If there is a file that is no checkpoint, or one of another computation.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        task: Mapping[str, Any],
        shape: tuple[int, ...],
    ) -> None:
        self.path = None if path is None else Path(path).expanduser()
        # As JSON returns it, so that it can be compared with what is in the file.
        self.task: dict[str, Any] = json.loads(json.dumps(task))
        self.sums: FloatArray = np.zeros(shape)
        self.parts = 0
        if self.path is not None and self.path.exists():
            self._read(self.path)
        self.saved = self.parts, time.monotonic()

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                sums = file["sums"]
            if (header["format"], header["version"]) != (FORMAT, VERSION):
                raise ValueError("its format is another")
            task, parts = dict(header["task"]), int(header["parts"])
        except Exception as error:  # damaged bytes raise errors of many types
            raise ValueError(
                f"checkpoint must be a new file or one of this computation, but {path} is no "
                f"checkpoint: {error}"
            ) from None
        other = [name for name in self.task if task.get(name) != self.task[name]]
        if other or sums.shape != self.sums.shape or sums.dtype != np.float64:
            raise ValueError(
                f"checkpoint must be a new file or one of this computation, but {path} is of one "
                f"with another {', '.join(other) or 'size'}"
            )
        self.sums, self.parts = sums, parts

    def add(self, where: slice, values: FloatArray) -> None:
        """Add up one part more, and write the file now and then.

        Parameters
        ----------
        where : slice
            Of the last axis of the sums.
        values : ndarray
        """
        self.sums[..., where] += values
        self.parts += 1
        if time.monotonic() - self.saved[1] >= SECONDS:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all, if there is something new."""
        if self.path is None or self.parts == self.saved[0]:
            return
        header = {"format": FORMAT, "version": VERSION, "task": self.task, "parts": self.parts}
        text = json.dumps(header, sort_keys=True)
        with atomic_write(self.path) as file:
            np.savez(file, header=np.frombuffer(text.encode(), np.uint8), sums=self.sums)
        self.saved = self.parts, time.monotonic()
