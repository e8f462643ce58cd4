"""The nearest points of two convex hulls, by Wolfe's algorithm (docs/theory.md#c2).

The segment between the nearest points of the hulls of two sets is orthogonal to the hyperplane that
separates them with the largest margin, and twice as long as that margin. The difference of the two
points is the point nearest to zero of the polytope conv{p_i - q_j}, which Wolfe's algorithm finds
in finitely many steps without ever listing all pairs.

References
----------
.. [1] Wolfe, *Finding the nearest point in a polytope*, Mathematical Programming 11 (1976).
"""

from dataclasses import dataclass

import numpy as np

from zeroone.support.validation import FloatArray

# Relative distance between the upper and the lower bound at which the search ends.
TOLERANCE = 1e-14


@dataclass(frozen=True, eq=False)
class NearestPoints:
    """The nearest points found, as convex combinations.

    Attributes
    ----------
    first, second : ndarrays of shape (n_first,) and (n_second,)
        Weights >= 0 that add up to 1.
    difference : ndarray of shape (p,)
        d, the first point less the second. Its length is an upper bound of the hulls' distance.
    normal : ndarray of shape (p,)
        The direction of d, of length 1, as the shortest solution of (p_i - q_j).d = const over the
        pairs that d is made of: more exact than d itself where that is small.
    lower_bound : float
        min over all pairs of (p_i - q_j).normal: a lower bound of the hulls' distance.
    """

    first: FloatArray
    second: FloatArray
    difference: FloatArray
    normal: FloatArray
    lower_bound: float


def affine_minimiser(points: FloatArray) -> FloatArray:
    """Return the weights, of sum 1 and any sign, of the point nearest to 0 in the affine hull.

    Parameters
    ----------
    points : ndarray of shape (k, p)
    """
    first, others = points[0], points[1:] - points[0]
    weights = np.linalg.lstsq(others.T, -first, rcond=None)[0]
    return np.append(1 - weights.sum(), weights)


def nearest_points(P: FloatArray, Q: FloatArray, *, max_iter: int | None = None) -> NearestPoints:
    """Return the nearest points of conv(rows of P) and conv(rows of Q).

    A corral is a set of pairs (i, j) whose nearest affine combination is a convex one. Each step
    adds the pair that lies furthest back along the present difference d, and then drops pairs,
    moving towards the affine minimiser, until the set is a corral again. At the end no pair lies
    behind d: d.(p_i - q_j) >= |d|^2, the condition for a minimum.

    Parameters
    ----------
    P, Q : ndarrays of shape (n_first, p) and (n_second, p)
        Best centred and of size about 1: differences are exact to the rounding of the entries.
    max_iter : int, optional
        By default 50 + 10 (n_first + n_second): far more than are ever taken.

    Returns
    -------
    NearestPoints
        The bounds say how good they are.
    """
    i, j = 0, int(np.argmin(np.sum((Q - P[0]) ** 2, axis=1)))
    pairs = [(i, j)]
    weights: FloatArray = np.ones(1)
    best: tuple[float, list[tuple[int, int]], FloatArray] = (np.inf, pairs, weights)
    for _ in range(max_iter or 50 + 10 * (len(P) + len(Q))):
        points = _differences(P, Q, pairs)
        d = weights @ points
        length = float(np.linalg.norm(d))
        if not length < best[0]:  # rounding has the better of it: no step shortens d any more
            break
        best = length, pairs, weights
        i, j = int(np.argmin(P @ d)), int(np.argmax(Q @ d))
        if length == 0 or d @ (P[i] - Q[j]) >= length**2 * (1 - TOLERANCE) or (i, j) in pairs:
            break
        pairs, weights = _next_corral(P, Q, [*pairs, (i, j)], np.append(weights, 0.0))
    _, pairs, weights = best
    return _as_points(P, Q, pairs, weights)


def _differences(P: FloatArray, Q: FloatArray, pairs: list[tuple[int, int]]) -> FloatArray:
    return np.array([P[i] - Q[j] for i, j in pairs])


def _next_corral(
    P: FloatArray, Q: FloatArray, pairs: list[tuple[int, int]], weights: FloatArray
) -> tuple[list[tuple[int, int]], FloatArray]:
    """Move towards the affine minimiser, dropping pairs on the way, until it is a convex one."""
    while True:
        goal = affine_minimiser(_differences(P, Q, pairs))
        if goal.min() >= 0 or len(pairs) == 1:
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(goal < 0, weights / (weights - goal), np.inf)
        first = int(np.argmin(shares))
        weights = weights + shares[first] * (goal - weights)
        weights[first] = 0.0  # also where rounding has made something else of it
        keep = weights > 0
        pairs = [pair for pair, kept in zip(pairs, keep, strict=True) if kept]
        weights = weights[keep]
    keep = goal > 0
    pairs = [pair for pair, kept in zip(pairs, keep, strict=True) if kept]
    return pairs, goal[keep] / goal[keep].sum()


def _as_points(
    P: FloatArray, Q: FloatArray, pairs: list[tuple[int, int]], weights: FloatArray
) -> NearestPoints:
    """Turn weights of pairs into weights of points, and take both bounds from those."""
    first: FloatArray = np.zeros(len(P))
    second: FloatArray = np.zeros(len(Q))
    for (i, j), weight in zip(pairs, weights, strict=True):
        first[i] += weight
        second[j] += weight
    first, second = first / first.sum(), second / second.sum()
    d = first @ P - second @ Q
    normal = np.linalg.lstsq(_differences(P, Q, pairs), np.ones(len(pairs)), rcond=None)[0]
    largest = np.max(np.abs(normal))
    if largest > 0:
        normal = normal / largest  # its square could overflow
        normal = normal / np.linalg.norm(normal)
    return NearestPoints(first, second, d, normal, float(np.min(P @ normal) - np.max(Q @ normal)))
