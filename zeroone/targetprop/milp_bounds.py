"""How large the weights of a tiny net need to be, if its margins are 1 (theory, C3).

A mixed-integer program needs bounds. Those here exclude no net: whatever a layer can do, it can do
with weights at a vertex of a polyhedron, and the vertices can be bounded.
"""

from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from zeroone.validation import FloatArray

# With larger weights the solver's tolerance of 1e-6 for a binary variable, times the largest
# preactivation, would no longer be small against the margin of 1.
LARGEST_BOUND = 1e5
# Used where more than that would be needed, or it is not known how much.
DEFAULT_BOUND = 1e3
LARGEST_SUBSETS = 200_000
# The least V for which all labellings have a solution, by (units, classes), where the general bound
# is far from it: from linear programs for all labellings.
KNOWN_OUTPUT_BOUNDS = {
    **{(1, n_classes): 1.0 for n_classes in (3, 4, 5)},
    **{(2, n_classes): 2.0 for n_classes in (3, 4, 5)},
    (3, 3): 4.0,
}
# Points in [-1, 1] are taken for dependent if their least singular value is below this: no more
# than rounding leaves of zero. A little above it the bounds are far beyond 1e5, and are not used.
DEPENDENT = 1e-14


@dataclass(frozen=True)
class HiddenBounds:
    """How large hidden weights and preactivations need to be.

    Attributes
    ----------
    weights : float
        B: of |w_j| and |b_j|, entry by entry.
    preactivations : ndarray of shape (m,)
        Z: of |z| at each point.
    complete : bool
        Whether every net has an equivalent one within them.
    """

    weights: float
    preactivations: FloatArray
    complete: bool

    def widened(self, room: float) -> "HiddenBounds":
        """Return the bounds with relative room above them; an incomplete bound of weights stays."""
        weights = self.weights * (1 + room if self.complete else 1)
        return HiddenBounds(weights, self.preactivations * (1 + room), self.complete)


@dataclass(frozen=True)
class Frame:
    """Coordinates in which the points fill [-1, 1], and none is a function of the others.

    Attributes
    ----------
    points : ndarray of shape (m, r)
        The points in these coordinates; [points 1] has full column rank.
    kept : ndarray of int, (r,)
        The features that are used. A dichotomy that a unit can reach at all it can reach with them.
    centre, half : ndarrays of shape (p,)
        x = centre + half * coordinate.
    """

    points: FloatArray
    kept: NDArray[np.int64]
    centre: FloatArray
    half: FloatArray

    @classmethod
    def of(cls, points: FloatArray) -> "Frame":
        """Scale points and choose the features."""
        low, high = points.min(axis=0), points.max(axis=0)
        centre, half = low / 2 + high / 2, high / 2 - low / 2
        half = np.where(half > 0, half, 1.0)
        scaled = (points - centre) / half
        _, triangle, order = qr(scaled - scaled.mean(axis=0), mode="economic", pivoting=True)
        sizes = np.abs(np.diag(triangle))
        kept = np.sort(order[: np.count_nonzero(sizes > DEPENDENT * max(sizes[0], 1e-300))])
        return cls(scaled[:, kept], kept, centre, half)

    def layers(self, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases for the points as they came."""
        weights = np.zeros((len(v), len(self.centre)))
        weights[:, self.kept] = v[:, :-1] / self.half[self.kept]
        return weights, v[:, -1] - weights @ self.centre


def hidden_bounds(points: FloatArray, weight_bound: float | None = None) -> HiddenBounds:
    """Return bounds of weights and preactivations that exclude no dichotomy.

    If a dichotomy t can be reached, some v solves t_n (x_n, 1).v >= 1, and the polyhedron of all
    such v has a vertex because [X 1] has full column rank. There r + 1 independent inequalities
    hold with equality: with A the rows (x_n, 1) of these points, v = A^{-1} t for signs t, and ::

        |v_i| <= sum_k |A^{-1}|_ik,      |z_m| <= sum_k |(x_m, 1) A^{-1}|_k

    The maximum over all independent subsets of r + 1 points serves for every dichotomy.

    Parameters
    ----------
    points : ndarray of shape (m, r)
        In [-1, 1].
    weight_bound : float, optional
        Use this, complete or not.

    Returns
    -------
    HiddenBounds
        Not complete if `weight_bound` is smaller than needed; or without it, if more than 1e5 is
        needed, or there are more than 200,000 subsets to look at.
    """
    with_one = np.hstack([points, np.ones((len(points), 1))])
    size = with_one.shape[1]
    needed, reach = np.inf, np.full(len(points), np.inf)
    if comb(len(points), size) <= LARGEST_SUBSETS:
        needed, reach = 0.0, np.zeros(len(points))
        subsets = combinations(range(len(points)), size)
        while chunk := list(islice(subsets, 4096)):
            squares = with_one[np.array(chunk)]
            squares = squares[np.linalg.svd(squares, compute_uv=False)[:, -1] > DEPENDENT]
            inverses = np.linalg.inv(squares)
            needed = max(needed, np.abs(inverses).sum(axis=2).max(initial=0.0))
            values = np.abs(with_one @ inverses).sum(axis=2)
            reach = np.maximum(reach, values.max(axis=0, initial=0.0))
    bound = needed if needed <= LARGEST_BOUND else DEFAULT_BOUND
    if weight_bound is not None:
        bound = weight_bound
    if bound < needed:
        reach = np.minimum(reach, bound * np.abs(with_one).sum(axis=1))
    return HiddenBounds(float(bound), reach, bool(bound >= needed))


def output_bound(hidden: int, n_classes: int) -> float:
    """Return a bound V of output weights, for hidden values -1 and +1, that excludes no labelling.

    The labels of all 2^h codes by a net with scores D_k, D_0 = 0, satisfy D_y - D_l >= 1 after
    scaling. These inequalities have rank m = (K-1)(h+1), so that a vertex solves m of them with
    equality; by Cramer's rule its entries are quotients of determinants. The denominator is a
    multiple of 2^{h(K-1)}, because columns of -1 and +1 become even by adding the bias column. The
    numerator is at most the product of the lengths of its rows (Hadamard), which have h + 1 entries
    -1, +1 if K = 2, and at most 2h + 3 otherwise::

        V = (h+1)^{(h+1)/2} / 2^h    (K = 2),       (2h+3)^{(K-1)(h+1)/2} / 2^{h(K-1)}    (K > 2)

    For K = 2 this is the classical bound for threshold functions (Muroga). For a few small layers
    the least such V is known, and used.
    """
    if (hidden, n_classes) in KNOWN_OUTPUT_BOUNDS:
        return KNOWN_OUTPUT_BOUNDS[hidden, n_classes]
    rank = (n_classes - 1) * (hidden + 1)
    entries = hidden + 1 if n_classes == 2 else 2 * hidden + 3
    return float(entries ** (rank / 2) / 2 ** (hidden * (n_classes - 1)))
