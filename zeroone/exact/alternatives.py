"""Exactly one of two: A v > 0 has a solution, or A^T lam = 0 has one with lam >= 0, lam != 0.

That is Gordan's theorem, and all that separability needs: for a unit with targets t the rows of A
are t_n (x_n, 1) (docs/theory.md#c2). Both sides are measured by one number, with c_j = max_n
|a_nj|::

    slack(v)      = min_n a_n.v / sum_j c_j |v_j|
    residual(lam) = max_j |(A^T lam)_j| / c_j,            sum lam = 1
    slack(v) <= residual(lam)   for all v and lam

because min_n a_n.v <= lam.(A v) = (A^T lam).v. A positive slack proves the first alternative, and
a residual of zero the second. Neither depends on the units of the columns.

Two solvers look for v and lam, and share nothing: non-negative least squares, which is fast and
accurate, and a linear program. What they find counts only once it is checked.

`standardise` turns samples into such a system, with columns that are scaled alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog, nnls

from zeroone.support.validation import FloatArray, check_choice, check_matrix

Candidate = tuple[FloatArray | None, FloatArray | None]


@dataclass(frozen=True, eq=False)
class Alternative:
    """What was found of a system A v > 0.

    Attributes
    ----------
    solvable : bool or None
        True if `solution` proves it, False if `multipliers` disprove it, None if neither does.
    solution : ndarray of shape (m,) or None
        The v of the largest slack that was found.
    multipliers : ndarray of shape (n,) or None
        The lam of the smallest residual that was found; its sum is 1.
    slack, residual : float
        The slack of `solution` and the residual of `multipliers`; -inf and inf without them.
    """

    solvable: bool | None
    solution: FloatArray | None
    multipliers: FloatArray | None
    slack: float
    residual: float


def least_slack(A: FloatArray, v: FloatArray) -> float:
    """Return slack(v) of this module's heading; -inf if v is zero or not finite.

    Parameters
    ----------
    A : ndarray of shape (n, m)
    v : ndarray of shape (m,)
    """
    size = np.max(np.abs(A), axis=0) @ np.abs(v)
    if not np.isfinite(size) or size == 0:
        return -np.inf
    return float(np.min(A @ v) / size)


def rounding_bound(n_terms: int) -> float:
    """Return what rounding can make of a sum of products, relative to the sum of their sizes.

    A computed a.v of m terms differs from the exact one by at most m eps sum_j |a_j v_j|, to first
    order; twice that leaves room for the rest. A slack above it is positive beyond doubt, and a
    residual below it may be zero.
    """
    return float(2 * (n_terms + 2) * np.finfo(np.float64).eps)


def certificate_residual(A: FloatArray, multipliers: FloatArray) -> float:
    """Return residual(lam) of this module's heading, after scaling lam to the sum 1.

    Parameters
    ----------
    A : ndarray of shape (n, m)
    multipliers : ndarray of shape (n,)

    Returns
    -------
    float
        inf if lam has a negative entry, or no positive one, or one that is not finite.
    """
    total = multipliers.sum()
    if not np.isfinite(total) or total <= 0 or multipliers.min() < 0:
        return np.inf
    size = np.max(np.abs(A), axis=0)
    size[size == 0] = 1.0
    return float(np.max(np.abs(multipliers / total @ (A / size))))


def by_least_squares(A: FloatArray) -> Candidate:
    """Find the point of conv{a_n} that is nearest to zero (Lawson and Hanson, chapter 23).

    ::

        min over lam >= 0 of  |A^T lam|^2 + (1 - sum lam)^2

    has a minimum of 0 iff the second alternative holds. Otherwise v = A^T lam points at the nearest
    point of the hull, from which all of the hull lies further on: A v > 0. Scaled so that
    a_n.v = 1 for the rows with lam_n > 0 it is the shortest solution of these equations, and is
    computed as such: the sum A^T lam would lose what is left of it when it is small.

    Parameters
    ----------
    A : ndarray of shape (n, m)

    Returns
    -------
    (v, lam)
        Candidates for either alternative, unchecked; None where the solver gave up.
    """
    n, m = A.shape
    system = np.vstack([A.T, np.ones(n)])
    try:
        multipliers = nnls(system, np.append(np.zeros(m), 1.0))[0]
    except RuntimeError:  # too many iterations
        return None, None
    active = A[multipliers > 0]
    v = np.linalg.lstsq(active, np.ones(len(active)), rcond=None)[0] if len(active) else None
    return v, multipliers


def by_linear_program(A: FloatArray) -> Candidate:
    """Find v by a linear program, and lam by its dual (docs/theory.md#c2).

    ::

        primal   min over v and xi >= 0 of  sum xi,    A v + xi >= 1
        dual     max over 0 <= lam <= 1 of  sum lam,   A^T lam = 0

    Their common value is 0 iff A v >= 1 can be solved. If not, lam is a certificate, and v the
    solution of the least total violation. The dual is the one that is solved, since it has fewer
    rows; the multipliers of its equations are -v.

    Parameters
    ----------
    A : ndarray of shape (n, m)

    Returns
    -------
    (v, lam)
        Candidates for either alternative, unchecked; None where the solver gave up.
    """
    n, m = A.shape
    result = linprog(-np.ones(n), A_eq=A.T, b_eq=np.zeros(m), bounds=(0, 1), method="highs")
    if result.status != 0:
        return None, None
    # Bounds are met within the solver's tolerance only.
    return -np.asarray(result.eqlin.marginals), np.maximum(result.x, 0)


METHODS: dict[str, Callable[[FloatArray], Candidate]] = {
    "least-squares": by_least_squares,
    "linear-program": by_linear_program,
}
# Sums of products of larger entries may overflow.
LARGEST_ENTRY = 1e300


def decide(A: FloatArray, method: str = "least-squares") -> Alternative:
    """Decide which of the two alternatives holds, and prove it.

    Parameters
    ----------
    A : ndarray of shape (n, m)
        Finite, with n >= 1. Its columns are best scaled alike.
    method : {"least-squares", "linear-program"}
        The one that is tried first; the other follows if that proves nothing.

    Returns
    -------
    Alternative
        True if a slack is more than rounding explains, False if a residual is not; with
        ``solvable=None`` the system is too near to the border between the two alternatives for
        double precision.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    check_choice("method", method, tuple(METHODS))
    solution = multipliers = None
    slack, residual = -np.inf, np.inf
    for name in sorted(METHODS, key=lambda name: name != method):
        v, lam = METHODS[name](A)
        if v is not None and (found := least_slack(A, v)) > slack:
            solution, slack = v, found
        if lam is not None and (found := certificate_residual(A, lam)) < residual:
            multipliers, residual = lam / lam.sum(), found
        if slack > rounding_bound(A.shape[1]):
            return Alternative(True, solution, multipliers, slack, residual)
        if residual <= rounding_bound(len(A)):
            return Alternative(False, solution, multipliers, slack, residual)
    return Alternative(None, solution, multipliers, slack, residual)


@dataclass(frozen=True, eq=False)
class Standardised:
    """Samples with features moved and scaled to [-1, 1]; a constant feature becomes 0.

    Neither changes what is separable. Moving by any number whatever is exact to a relative error of
    one rounding of the difference, so that a large offset does not drown a small spread.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    spread : ndarray of shape (p,)
        Half the range of each feature, in its own unit; 1 if it is constant.
    """

    X: FloatArray
    spread: FloatArray

    @property
    def isotropic(self) -> FloatArray:
        """The samples moved, and scaled by one number for all features: distances keep ratios."""
        return self.X * (self.spread / self.scale)

    @property
    def scale(self) -> float:
        """The number by which `isotropic` was divided."""
        return float(self.spread[self.varies].max()) if self.varies.any() else 1.0

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which features are not constant."""
        return np.any(self.X != 0, axis=0)

    def rows(self, targets: FloatArray) -> FloatArray:
        """Return the rows t_n (x_n, 1) of the system A v > 0."""
        return targets[:, np.newaxis] * np.hstack([self.X, np.ones((len(self.X), 1))])

    def direction(self, v: FloatArray) -> FloatArray:
        """Return w for the samples as they came, up to a factor, from a solution v = (w, b).

        w_j = v_j / spread_j, in an order in which nothing overflows; 0 for constant features.
        """
        smallest = self.spread[self.varies].min() if self.varies.any() else 1.0
        return v[:-1] * self.varies * (smallest / self.spread)


def check_points(X: ArrayLike) -> FloatArray:
    """Return points as a matrix in double precision.

    Raises
    ------
    ValueError
        If X is not a finite matrix, or has an entry beyond 1e300, whose sums could overflow.
    """
    points = check_matrix("X", X, dtype=np.float64)
    largest = np.max(np.abs(points))
    if largest > LARGEST_ENTRY:
        raise ValueError(f"X must have entries of at most 1e300 in size, but has {largest:g}")
    return points


def standardise(X: FloatArray) -> Standardised:
    """Return samples with their features moved and scaled to [-1, 1]."""
    # Powers of two first, feature by feature, so that no range or centre overflows.
    exponents = np.frexp(np.max(np.abs(X), axis=0))[1]
    X = np.ldexp(X, -exponents)
    low, high = X.min(axis=0), X.max(axis=0)
    moved = X - (low + high) / 2
    half = np.max(np.abs(moved), axis=0)
    constant = low == high
    moved[:, constant], half[constant] = 0.0, 1.0
    spread = np.where(constant, 1.0, np.ldexp(half, exponents))
    return Standardised(moved / half, spread)
