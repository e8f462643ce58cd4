"""All ways in which one unit can divide given points, and how many there are (docs/theory.md#c2).

A dichotomy is a vector t in {-1, +1}^n of targets; here: one that a unit with a bias can reach. Of
the 2^n vectors only O(n^p) are, in p dimensions, and a search that adds the points one by one sees
no others: a dichotomy of all points is one of the first k as well.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.exact.alternatives import check_points, decide, rounding_bound, standardise
from zeroone.support.validation import FloatArray, check_integer

# A dichotomy of the first points, and a hyperplane v that realises it.
Prefix = tuple[list[int], FloatArray]


def cover_count(n_points: int, n_features: int) -> int:
    """Return the number of dichotomies of points in general position (Cover).

    ::

        2 sum_{i=0}^{p} C(n-1, i)

    Points are in general position if any p + 1 of them (all of them, if there are fewer) are
    affinely independent. In any other position there are fewer dichotomies.

    Parameters
    ----------
    n_points, n_features : int
        n and p, both at least 1.

    Returns
    -------
    int
        2^n for n <= p + 1.

    Raises
    ------
    ValueError
        If an argument is not an integer >= 1.

    References
    ----------
    .. [1] Cover, *Geometrical and statistical properties of systems of linear inequalities with
       applications in pattern recognition*, IEEE Transactions on Electronic Computers 14 (1965).
    """
    n, p = check_integer("n_points", n_points), check_integer("n_features", n_features)
    return 2 * sum(comb(n - 1, i) for i in range(min(p, n - 1) + 1))


def dichotomies(X: ArrayLike) -> NDArray[np.int8]:
    """Enumerate the dichotomies of points in any position.

    Each dichotomy of the first k points comes with a hyperplane. Which side point k + 1 is on gives
    one dichotomy of k + 1 points for nothing, with the same hyperplane; whether the point can be on
    the other side is decided by `zeroone.exact.alternatives.decide`. Since t is a dichotomy
    iff -t is, the first point's target is +1 during the search.

    Parameters
    ----------
    X : array_like of shape (n, p)
        Duplicates are always on one side.

    Returns
    -------
    ndarray of int8, (n_dichotomies, n)
        -1 and +1, in lexicographic order. At most `cover_count` rows, and exactly that many in
        general position.

    Raises
    ------
    ValueError
        If X is not a matrix of entries up to 1e300, or so near to being degenerate that a dichotomy
        could not be decided in double precision.
    """
    points = standardise(check_points(X)).X
    points = np.hstack([points, np.ones((len(points), 1))])
    start = np.zeros(points.shape[1])
    start[-1] = 1.0
    prefixes: list[Prefix] = [([1], start)]
    for k in range(1, len(points)):
        prefixes = [
            longer for prefix in prefixes for longer in _extensions(points[: k + 1], prefix)
        ]
    half = np.array([targets for targets, _ in prefixes], dtype=np.int8)
    both = np.vstack([half, -half])
    return both[np.lexsort(both.T[::-1])]


def _extensions(points: FloatArray, prefix: Prefix) -> list[Prefix]:
    """Return the dichotomies of some points that begin with a dichotomy of all but the last."""
    targets, v = prefix
    last = points[-1]
    side = last @ v / np.abs(v).sum()  # all entries of a point are at most 1
    found: list[Prefix] = []
    for target in (-1, 1):
        if target * side > rounding_bound(len(v)):
            found.append(([*targets, target], v))
            continue
        longer = [*targets, target]
        answer = decide(np.array(longer)[:, np.newaxis] * points)
        if answer.solvable is None:
            raise ValueError(
                f"X must be further from degenerate: whether samples 0 to {len(points) - 1} can "
                f"have targets {longer} is not decided (slack {answer.slack:.2g}, residual "
                f"{answer.residual:.2g})"
            )
        if answer.solution is not None and answer.solvable:
            found.append((longer, answer.solution))
    return found
