"""The least training error of a tiny net by looking at all of them (docs/theory.md#c3).

There are infinitely many weights, but only finitely many things that they can do:

* a hidden unit realises one of the dichotomies of the points (`zeroone.exact.dichotomies`). The
  negative of a dichotomy serves as well, and a constant one, or one that another unit has, serves
  no better than any other. So all *sets* of `hidden` dichotomies are tried, one of each pair t, -t;
* the output layer sees codes, the vertices of a cube, and gives each a class. Which labellings of
  the cube a linear layer can give does not depend on the data.

Each set of dichotomies puts some samples of each class on each code. The errors of a labelling are
the samples whose class is not that of their code. Nothing here depends on a bound of the weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, islice, permutations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.exact.alternatives import decide, rounding_bound
from zeroone.exact.dichotomies import dichotomies
from zeroone.exact.separability import separate
from zeroone.exact.tiny_nets import (
    Optimum,
    Sample,
    check_problem,
    constant_network,
    network_of,
)
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray, check_integer

# At most so many sets are looked at together, and so many entries has their table of sets by
# labellings (32 MiB).
LARGEST_CHUNK = 4096
LARGEST_TABLE = 2**22
# At most so many labellings of all codes, linear or not.
LARGEST_LABELLINGS = 70_000

Bits = NDArray[np.int64]


def enumeration_optimum(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int,
    activation: str = "sign",
    *,
    largest_sets: int = 2_000_000,
) -> Optimum:
    """Find the least training error of a net with one hidden layer by enumeration.

    Parameters
    ----------
    X : array_like of shape (n, p)
    y : array_like of shape (n,)
        Labels of at least two classes; the net has an output for each, and the largest one wins.
    hidden : int
        Number of hidden units.
    activation : {"sign", "step"}
        The function of the hidden units. The optimum is the same for both.
    largest_sets : int, default 2,000,000
        The largest number of sets of dichotomies to look at; more are refused.

    Returns
    -------
    Optimum
        Its bound is the least number of errors of all sets and labellings; its network realises
        them, with hidden hyperplanes of the largest margin.

    Raises
    ------
    ValueError
        If an argument is not as described, the problem is too large, or the points are too near to
        degenerate for their dichotomies to be decided.
    """
    start = time.perf_counter()
    sample = check_problem(X, y, hidden, activation)
    check_integer("largest_sets", largest_sets)
    targets = dichotomies(sample.points)
    # One of each pair t, -t, and not the constant one.
    targets = targets[(targets[:, 0] > 0) & np.any(targets < 0, axis=1)]
    units = min(hidden, len(targets))
    n_sets = comb(len(targets), units)
    if n_sets > largest_sets:
        raise ValueError(
            f"hidden must leave at most {largest_sets} sets of dichotomies to look at, but there "
            f"are {n_sets} for hidden = {hidden}"
        )
    labels = labellings(units, len(sample.classes))
    errors, chosen, label = _best(sample, (targets > 0).astype(np.int64).T, units, labels)
    network = _network(sample, targets[list(chosen)], label, hidden, activation)
    return Optimum(
        errors=sample.errors(network),
        bound=errors,
        network=network,
        seconds=time.perf_counter() - start,
        method="enumeration",
        status=f"{n_sets} sets of dichotomies",
    )


def codes_of(units: int) -> FloatArray:
    """Return the 2^units hidden states of 0 and 1; unit j is bit j of a row's number."""
    return (np.arange(2**units)[:, np.newaxis] >> np.arange(units) & 1).astype(float)


@lru_cache(maxsize=16)
def labellings(units: int, n_classes: int) -> NDArray[np.int64]:
    """Return all ways in which a linear layer can give classes to the codes of some units.

    Codes get their classes one by one, as points get their targets in
    `zeroone.exact.dichotomies`: with scores V_k.(s, 1), a labelling is possible iff
    (V_y - V_k).(s, 1) > 0 has a solution for all codes s with class y and all k != y. Only
    labellings in which classes come up in the order of their numbers are tried; exchanging classes
    gives the rest.

    Parameters
    ----------
    units, n_classes : int

    Returns
    -------
    ndarray of int, (n_labellings, 2^units)

    Raises
    ------
    ValueError
        If there are too many codes and classes for it.
    """
    if n_classes ** (2**units) > LARGEST_LABELLINGS:
        raise ValueError(
            f"hidden must be smaller for {n_classes} classes: enumeration takes up to 4 units with "
            f"2 classes, 3 with 3 or 4, 2 with up to 16, but hidden is {units}"
        )
    points = np.hstack([codes_of(units) * 2 - 1, np.ones((2**units, 1))])
    first: FloatArray = np.eye(n_classes)[:, :1] * np.eye(units + 1)[-1:]
    found: list[tuple[list[int], FloatArray]] = [([0], first)]
    for k in range(1, len(points)):
        found = [longer for shorter in found for longer in _extensions(points[: k + 1], *shorter)]
    distinct = []
    for labels, _ in found:
        for names in permutations(range(n_classes), max(labels) + 1):
            distinct.append([names[label] for label in labels])
    return np.array(distinct)


def _extensions(
    points: FloatArray, labels: list[int], V: FloatArray
) -> Iterator[tuple[list[int], FloatArray]]:
    """Yield the labellings of some codes that begin with a labelling of all but the last."""
    n_classes, size = V.shape
    scores = V @ points[-1] / np.abs(V).sum()
    for label in range(min(max(labels) + 2, n_classes)):
        longer = [*labels, label]
        if scores[label] - np.delete(scores, label).max() > rounding_bound(2 * size):
            yield longer, V
            continue
        rows = np.zeros((len(longer), n_classes - 1, n_classes, size))
        for n, own in enumerate(longer):
            others = [k for k in range(n_classes) if k != own]
            rows[n, :, own] = points[n]
            rows[n, range(n_classes - 1), others] = -points[n]
        answer = decide(rows.reshape(-1, n_classes * size))
        if answer.solvable and answer.solution is not None:
            yield longer, answer.solution.reshape(n_classes, size)


def _best(
    sample: Sample, bits: Bits, units: int, labels: NDArray[np.int64]
) -> tuple[int, tuple[int, ...], NDArray[np.int64]]:
    """Return the fewest errors, and the dichotomies and the labelling that make them."""
    n_classes = len(sample.classes)
    worth = np.eye(n_classes)[labels].reshape(len(labels), -1)
    best: tuple[int, tuple[int, ...], NDArray[np.int64]] = (len(sample.y) + 1, (), labels[0])
    size = min(max(LARGEST_TABLE // len(labels), 1), LARGEST_CHUNK)
    for sets in _chunks(bits.shape[1], units, size):
        table = _samples_by_code(sample, bits, sets)
        # No labelling is better than the most frequent class of each code.
        least = len(sample.y) - table.max(axis=2).sum(axis=1)
        sets, table = sets[least < best[0]], table[least < best[0]]
        if not len(sets):
            continue
        right = table.reshape(len(sets), -1) @ worth.T
        at, label = np.unravel_index(np.argmax(right), right.shape)
        errors = len(sample.y) - round(right[at, label])
        if errors < best[0]:
            best = errors, tuple(sets[at].tolist()), labels[label]
        if best[0] == sample.floor:
            break
    return best


def _chunks(n: int, units: int, size: int) -> Iterator[NDArray[np.int64]]:
    """Yield all sets of that many of n dichotomies, `size` at a time, a row each."""
    sets = combinations(range(n), units)
    while chunk := list(islice(sets, size)):
        yield np.array(chunk, dtype=np.int64).reshape(len(chunk), units)


def _samples_by_code(sample: Sample, bits: Bits, sets: NDArray[np.int64]) -> FloatArray:
    """Return how many samples of each class are on each code, (n_sets, 2^units, n_classes)."""
    n_codes, n_classes = 2 ** sets.shape[1], len(sample.classes)
    code = (bits[:, sets] << np.arange(sets.shape[1])).sum(axis=2)  # of each point, in each set
    place = (code + n_codes * np.arange(len(sets))).ravel()
    table = np.empty((len(sets), n_codes, n_classes))
    for k in range(n_classes):
        weights = np.repeat(sample.counts[:, k], len(sets))
        table[:, :, k] = np.bincount(place, weights, len(sets) * n_codes).reshape(-1, n_codes)
    return table


def _network(
    sample: Sample,
    targets: NDArray[np.int8],
    label: NDArray[np.int64],
    hidden: int,
    activation: str,
) -> ZeroOneMLP:
    """Return a network with these dichotomies and this labelling of their codes."""
    units, n_classes = len(targets), len(sample.classes)
    weights, biases = np.zeros((hidden, sample.X.shape[1])), np.full(hidden, -1.0)
    for j, t in enumerate(targets):
        found = separate(sample.points, t)
        if found.weights is None or found.bias is None:
            return constant_network(sample, hidden, activation)
        weights[j], biases[j] = found.weights, found.bias
    codes = np.hstack([codes_of(units), np.ones((2**units, 1))])
    rows = []
    for code, own in zip(codes, label, strict=True):
        for other in range(n_classes):
            if other != own:
                row = np.zeros((n_classes, units + 1))
                row[own], row[other] = code, -code
                rows.append(row.ravel())
    solution = decide(np.array(rows)).solution
    if solution is None:
        return constant_network(sample, hidden, activation)
    V = solution.reshape(n_classes, units + 1)
    outgoing = np.zeros((n_classes, hidden))
    outgoing[:, :units] = V[:, :-1]
    return network_of(sample, activation, (weights, biases), (outgoing, V[:, -1]))
