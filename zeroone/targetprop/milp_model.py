"""A mixed-integer linear program, put together variable by variable for HiGHS."""

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import coo_array

Index = NDArray[np.int64]
Term = tuple[int, float]


class Model:
    """A minimisation over variables with bounds, some of them integer, and linear inequalities.

    Examples
    --------
    >>> model = Model()
    >>> x = model.variables((2,), 0.0, 3.0, integer=True, cost=-1.0)
    >>> model.at_most([(x[0], 2.0), (x[1], 1.0)], 4.5)
    >>> float(model.solve().fun)
    -3.0
    """

    def __init__(self) -> None:
        self._bounds: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self._costs: list[NDArray[np.float64]] = []
        self._integer: list[bool] = []
        self._entries: list[tuple[int, int, float]] = []
        self._limits: list[float] = []

    def variables(
        self,
        shape: tuple[int, ...],
        low: ArrayLike,
        high: ArrayLike,
        *,
        integer: bool = False,
        cost: ArrayLike = 0.0,
    ) -> Index:
        """Add an array of variables, and return their numbers in an array of that shape."""
        first, size = len(self._integer), int(np.prod(shape))
        low, high = (np.broadcast_to(np.asarray(end, float), shape).ravel() for end in (low, high))
        self._bounds.append((low, high))
        self._costs.append(np.broadcast_to(np.asarray(cost, float), shape).ravel())
        self._integer += [integer] * size
        return np.arange(first, first + size).reshape(shape)

    def at_most(self, terms: Iterable[Term], limit: float) -> None:
        """Add the constraint sum of coefficient * variable <= limit."""
        row = len(self._limits)
        self._entries += [(row, int(variable), float(value)) for variable, value in terms]
        self._limits.append(float(limit))

    def at_least(self, terms: Iterable[Term], limit: float) -> None:
        """Add the constraint sum of coefficient * variable >= limit."""
        self.at_most([(variable, -value) for variable, value in terms], -limit)

    def solve(self, time_limit: float = np.inf) -> OptimizeResult:
        """Minimise the cost; the result is that of `scipy.optimize.milp`.

        Nothing can be written to the standard output meanwhile, by other threads either.
        """
        rows, columns, values = zip(*self._entries, strict=True)
        shape = (len(self._limits), len(self._integer))
        matrix = coo_array((values, (rows, columns)), shape=shape).tocsr()
        low, high = (np.concatenate(ends) for ends in zip(*self._bounds, strict=True))
        options = {"mip_rel_gap": 0.0}
        if np.isfinite(time_limit):
            options["time_limit"] = time_limit
        with silent_output():
            return milp(
                np.concatenate(self._costs),
                integrality=np.array(self._integer, dtype=int),
                bounds=Bounds(low, high),
                constraints=LinearConstraint(matrix, -np.inf, np.array(self._limits)),
                options=options,
            )


def _flush_c_output() -> None:
    """Write out what C code has printed so far; only where its library can be had this way."""
    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).fflush(None)


@contextmanager
def silent_output() -> Iterator[None]:
    """Drop what is written to the standard output.

    HiGHS prints a line of its own now and then, past Python's streams, even if told to be silent.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    _flush_c_output()
    try:
        kept = os.dup(1)
    except OSError:  # closed: nothing to silence
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        yield
        _flush_c_output()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
