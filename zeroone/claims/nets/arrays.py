"""Compare the arrays that come of a subject with those that an oracle expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.support.validation import FloatArray

Pair = tuple[FloatArray, FloatArray]
Arrays = Sequence[ArrayLike]


def compared(found: Arrays, expected: Arrays) -> Pair:
    """Return the entries of the arrays, side by side.

    Where an array is missing, or has another shape, NaN stands for each of its entries: it agrees
    with nothing.
    """
    ours, theirs = [np.empty(0)], [np.empty(0)]
    for number, right in enumerate(expected):
        wanted = np.asarray(right, dtype=float)
        found_one = np.asarray(found[number], dtype=float) if number < len(found) else np.empty(0)
        if found_one.shape != wanted.shape or len(found) != len(expected):
            found_one = np.full(wanted.shape, np.nan)
        ours.append(found_one.ravel())
        theirs.append(wanted.ravel())
    return np.concatenate(ours), np.concatenate(theirs)


def each_compared(
    find: Callable[[Any, Any], Arrays], expect: Callable[[Any], Arrays]
) -> Callable[[Any, Sequence[Any]], Pair]:
    """Return the measure that compares a subject with an oracle, instance by instance.

    Parameters
    ----------
    find : callable (subject, instance) -> arrays
        What the subject makes of an instance.
    expect : callable (instance) -> arrays
        What it should be.
    """

    def measure(subject: Any, instances: Sequence[Any]) -> Pair:
        pairs = [compared(find(subject, instance), expect(instance)) for instance in instances]
        ours, theirs = zip(*pairs, strict=True)
        return np.concatenate(ours), np.concatenate(theirs)

    return measure
