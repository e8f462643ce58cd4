"""Whether a unit can reach its targets: linear separability, with a proof either way.

A unit with weights w and bias b meets its targets t in {-1, +1} if t_n (w.x_n + b) > 0 for all
samples; samples with t_n = 0 ("don't care") are left out. Either it can, and the hyperplane shows
it, or there is a certificate: lam >= 0 with ::

    sum_n lam_n = 1,    sum_n lam_n t_n = 0,    sum_n lam_n t_n x_n = 0

so that a point belongs to the hulls of both sides. One inequality covers both cases: for every
hyperplane and every lam that meets the first two conditions ::

    min_n t_n (w.x_n + b) / |w|  <=  |sum_n lam_n t_n x_n|

The largest margin and the least right-hand side, half the distance of the two hulls, are equal; it
is zero iff the targets are not separable (docs/theory.md#c2).

The hyperplanes have no sample on them, so it does not matter what a unit does at zero: they are the
same for step and for sign. `separate` decides for one unit, `layer_feasibility` for a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.exact.alternatives import (
    Alternative,
    Standardised,
    by_linear_program,
    certificate_residual,
    check_points,
    decide,
    least_slack,
    rounding_bound,
    standardise,
)
from zeroone.exact.hulls import nearest_points
from zeroone.support.validation import FloatArray, check_array, check_integer


@dataclass(frozen=True, eq=False)
class Separation:
    """Whether targets are separable, with the hyperplane or the certificate.

    Attributes
    ----------
    separable : bool or None
        None if neither answer could be proved in double precision. `slack` and `residual` say how
        near both were. A slack that is positive beyond rounding means that the targets are
        separable, but that the samples are so far from zero that w.x + b is lost in its rounding.
    weights : ndarray of shape (p,) or None
        A hyperplane of norm 1 with t_n (w.x_n + b) > 0, if separable. If all targets are equal (or
        none is left) no direction is needed, and the weights are 0.
    bias : float or None
    margin : float
        The distance of the nearest sample from the hyperplane, in units of X; 0.0 without a
        hyperplane, inf if all targets are equal.
    bound : float
        |sum lam_n t_n x_n|: no hyperplane has a larger margin. inf without a certificate.
    certificate : ndarray of shape (n,) or None
        lam: if not separable, the proof of that; if separable, the proof that the margin is the
        largest (None if that was not asked for, or all targets are equal).
    slack, residual : float
        The best that was found for a hyperplane and for a certificate, relative to the size of the
        data (`zeroone.exact.alternatives`). A positive slack (beyond rounding) proves that the
        targets are separable, and a residual of zero (up to rounding) that they are not.
    """

    separable: bool | None
    weights: FloatArray | None
    bias: float | None
    margin: float
    bound: float
    certificate: FloatArray | None
    slack: float
    residual: float

    @property
    def gap(self) -> float:
        """(bound - margin) / bound: 0, up to rounding, if the margin is the largest one.

        NaN if there is no hyperplane, or a bound of which rounding has left nothing; 1 if no bound
        was asked for.
        """
        if not self.separable:
            return np.nan
        if self.bound == np.inf:
            return 0.0 if self.margin == np.inf else 1.0
        return (self.bound - self.margin) / self.bound if self.bound > 0 else np.nan


def separate(
    X: ArrayLike,
    targets: ArrayLike,
    *,
    largest_margin: bool = True,
    method: str = "least-squares",
) -> Separation:
    """Decide whether a unit with a bias can reach its targets, and prove it.

    Parameters
    ----------
    X : array_like of shape (n, p)
        The unit's inputs.
    targets : array_like of shape (n,)
        -1 and +1; 0 for "don't care".
    largest_margin : bool, default True
        If separable, find the hyperplane of the largest Euclidean margin, not just any.
    method : {"least-squares", "linear-program"}
        How to look for the proof; the other is used if the first finds none.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        If X is not a matrix of entries up to 1e300, or the targets are not as described.
    """
    X = check_points(X)
    t = check_targets("targets", targets, (len(X),))
    if np.all(t >= 0) or np.all(t <= 0):
        bias = float(np.sign(t.sum()))
        return Separation(True, np.zeros(X.shape[1]), bias, np.inf, np.inf, None, 1.0, np.inf)
    cared = t != 0
    data = standardise(X[cared])
    answer = decide(data.rows(t[cared]), method)
    found = _from_alternative(X[cared], t[cared], data, answer)
    if found.separable and largest_margin:
        found = _with_largest_margin(X[cared], t[cared], data, found)
    if found.certificate is None:
        return found
    certificate = np.zeros(len(t))
    certificate[cared] = found.certificate
    return replace(found, certificate=certificate)


def _from_alternative(
    X: FloatArray, t: FloatArray, data: Standardised, answer: Alternative
) -> Separation:
    """Return a separation from the answer to the standardised system."""
    unknown = Separation(None, None, None, 0.0, np.inf, None, answer.slack, answer.residual)
    if answer.solvable is False and answer.multipliers is not None:
        bound = certified_bound(data, t, answer.multipliers)
        return replace(unknown, separable=False, bound=bound, certificate=answer.multipliers)
    if answer.solvable and answer.solution is not None:
        found = hyperplane(X, t, data.direction(answer.solution))
        if found is not None:
            weights, bias, margin = found
            return replace(unknown, separable=True, weights=weights, bias=bias, margin=margin)
    return unknown


def _with_largest_margin(
    X: FloatArray, t: FloatArray, data: Standardised, found: Separation
) -> Separation:
    """Return a separation with the hyperplane halfway between the nearest points of the hulls.

    If features of very different size leave its margin to rounding, the better hyperplane of the
    two is kept, and the gap to the bound says so.
    """
    points = data.isotropic
    nearest = nearest_points(points[t > 0], points[t < 0])
    certificate = np.zeros(len(t))
    certificate[t > 0], certificate[t < 0] = nearest.first / 2, nearest.second / 2
    bound = certified_bound(data, t, certificate)
    better = hyperplane(X, t, nearest.normal)
    if better is not None and better[2] > found.margin:
        weights, bias, margin = better
        found = replace(found, weights=weights, bias=bias, margin=margin)
    return replace(found, certificate=certificate, bound=bound)


def hyperplane(
    X: FloatArray, t: FloatArray, direction: FloatArray
) -> tuple[FloatArray, float, float] | None:
    """Return weights of norm 1 along a direction, the bias halfway, and the margin.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    t : ndarray of shape (n,)
        -1 and +1, both of them.
    direction : ndarray of shape (p,)

    Returns
    -------
    (weights, bias, margin) or None
        None if a sample is on the wrong side, or not further from the hyperplane than the rounding
        of w.x + b explains.
    """
    largest = np.max(np.abs(direction))
    if not np.isfinite(largest) or largest == 0:
        return None
    w = direction / largest
    w = w / np.linalg.norm(w)
    with np.errstate(over="ignore", invalid="ignore"):
        z = X @ w
        bias = float(-(np.min(z[t > 0]) / 2 + np.max(z[t < 0]) / 2))
    distances, rounding = distances_of(X, t, w, bias)
    return (w, bias, float(distances.min())) if np.all(distances > rounding) else None


def distances_of(
    X: FloatArray, t: FloatArray, w: FloatArray, b: float
) -> tuple[FloatArray, FloatArray]:
    """Return t_n (w.x_n + b), and by how much rounding may have changed each of them."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounding = rounding_bound(len(w)) * (np.abs(X) @ np.abs(w) + abs(b))
        return t * (X @ w + b), rounding


def certified_bound(data: Standardised, t: FloatArray, certificate: FloatArray) -> float:
    """Return |sum lam_n t_n x_n| in the units of the samples."""
    return float(np.linalg.norm((certificate * t) @ data.isotropic)) * data.scale


def verify(separation: Separation, X: ArrayLike, targets: ArrayLike) -> bool:
    """Check the proof in a separation, from the data and nothing else.

    Parameters
    ----------
    separation : Separation
    X, targets : array_like
        As for `separate`.

    Returns
    -------
    bool
        True if all that the separation says follows from the data. If separable: the hyperplane has
        every sample on its side, further from it than rounding explains and no nearer than
        `margin`, and the certificate proves `bound`. If not: the certificate is one, to rounding.
        An undecided separation has no proof: False.

    Raises
    ------
    ValueError
        As `separate`.
    """
    X = check_points(X)
    t = check_targets("targets", targets, (len(X),))
    cared = t != 0
    if separation.separable is None or not cared.any():
        return bool(separation.separable)
    if separation.separable and not _hyperplane_holds(separation, X[cared], t[cared]):
        return False
    if separation.certificate is None:
        return separation.separable and separation.bound == np.inf
    return _certificate_holds(separation, separation.certificate, X, t)


def _hyperplane_holds(separation: Separation, X: FloatArray, t: FloatArray) -> bool:
    """Check that a hyperplane has all samples on their sides, at the margin at least."""
    w, b = separation.weights, separation.bias
    if w is None or b is None or w.shape != (X.shape[1],):
        return False
    distances, rounding = distances_of(X, t, w, b)
    if not np.all(distances > rounding):
        return False
    length = float(np.linalg.norm(w))
    if length == 0:  # all targets are equal
        return separation.margin == np.inf
    return bool(np.all(distances + rounding >= separation.margin * length))


def _certificate_holds(
    separation: Separation, lam: FloatArray, X: FloatArray, t: FloatArray
) -> bool:
    """Check a certificate's conditions and the bound; if not separable, that it is zero as well."""
    if lam.shape != t.shape or np.any(lam < 0) or np.any(lam[t == 0] != 0):
        return False
    cared = t != 0
    rounding = rounding_bound(int(cared.sum()))
    sides = np.array([lam[t > 0].sum(), lam[t < 0].sum()])
    if np.any(np.abs(sides - 0.5) > rounding):
        return False
    data = standardise(X[cared])
    bound = certified_bound(data, t[cared], lam[cared])
    if abs(bound - separation.bound) > rounding * max(bound, data.scale):
        return False
    exact = certificate_residual(data.rows(t[cared]), lam[cared]) <= rounding
    return exact or bool(separation.separable)


def check_targets(name: str, value: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return targets as floats -1, 0, +1 of a shape.

    Raises
    ------
    ValueError
        If they have another shape, or another entry.
    """
    t = check_array(name, value, ndim=len(shape), dtype=np.float64)
    if t.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, but has shape {t.shape}")
    strange = t[~np.isin(t, (-1.0, 0.0, 1.0))]
    if strange.size:
        raise ValueError(f"{name} must hold -1, 0 and +1 only, but holds {strange[0]:g}")
    return t


# ------------------------------------------------------------------------------------ whole layers


@dataclass(frozen=True, eq=False)
class LayerFeasibility:
    """The separations of all units of a layer.

    Attributes
    ----------
    separations : tuple of n_units Separation
    violated : ndarray of bools, (n, n_units)
        For each unit that is not separable, the samples that are not clearly on their side of the
        hyperplane of the least total violation (a linear program). No hyperplane misses fewer than
        1, and some may miss fewer than these. None if that was not asked for.
    n_targets : int
        The number of pairs of a unit and a sample whose target is not "don't care".
    """

    separations: tuple[Separation, ...]
    violated: NDArray[np.bool_] | None
    n_targets: int

    @property
    def infeasible(self) -> NDArray[np.bool_]:
        """Which units are proved not to be separable, shape (n_units,)."""
        return np.array([found.separable is False for found in self.separations])

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Which units were not decided, shape (n_units,)."""
        return np.array([found.separable is None for found in self.separations])

    @property
    def fraction_units(self) -> float:
        """The fraction of units that are not separable."""
        return float(np.mean(self.infeasible))

    @property
    def fraction_pairs(self) -> float:
        """The fraction of pairs with a target that are `violated`.

        Raises
        ------
        ValueError
            If violations were not asked for.
        """
        if self.violated is None:
            raise ValueError("violations must be True for fraction_pairs, but is False")
        return float(self.violated.sum() / self.n_targets) if self.n_targets else 0.0


def layer_feasibility(
    X: ArrayLike,
    T: ArrayLike,
    *,
    violations: bool = True,
    largest_margin: bool = False,
    iterations: int = 100,
) -> LayerFeasibility:
    """Decide for every unit of a layer whether its targets are separable.

    Proofs are sought from the cheap to the dear: `ho_kashyap` looks for all hyperplanes together,
    and each unit that it does not settle is decided by itself.

    Parameters
    ----------
    X : array_like of shape (n, p)
        The layer's inputs.
    T : array_like of shape (n, n_units)
        -1, +1; 0 for "don't care".
    violations : bool, default True
        Find the pairs that a hyperplane of the least total violation misses. It takes a linear
        program for each unit that is not separable.
    largest_margin : bool, default False
        Find the hyperplanes of the largest margin, rather than any.
    iterations : int, default 100
        How many steps `ho_kashyap` takes at most.

    Returns
    -------
    LayerFeasibility

    Raises
    ------
    ValueError
        If X is not a matrix of entries up to 1e300, or T not as described.
    """
    X = check_points(X)
    check_integer("iterations", iterations, minimum=0)
    n_units = np.shape(T)[1] if np.ndim(T) == 2 else 1
    T = check_targets("T", T, (len(X), n_units))
    quick = {} if largest_margin else _quickly(X, T, iterations)
    separations = tuple(
        quick.get(unit) or separate(X, T[:, unit], largest_margin=largest_margin)
        for unit in range(n_units)
    )
    violated = _violations(X, T, separations) if violations else None
    return LayerFeasibility(separations, violated, int(np.count_nonzero(T)))


def fraction_infeasible(X: ArrayLike, T: ArrayLike) -> float:
    """Return the fraction of units whose targets are not separable; see `layer_feasibility`."""
    return layer_feasibility(X, T, violations=False).fraction_units


def ho_kashyap(X: FloatArray, T: FloatArray, iterations: int) -> FloatArray:
    """Return a direction for each unit that may separate its targets.

    The preactivations that a layer can have on the data are a subspace; those that meet targets
    with a margin of 1 are the box {Z : T Z >= 1}. Project on the one and on the other in turn: on
    the subspace by least squares, on the box by ::

        B = T max(T Z, 1),   free where T = 0

    If the two have a point in common the iterates tend to one. The first iterate is the least
    squares fit of the targets themselves, which is exact if the rows (x_n, 1) are independent.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Best standardised.
    T : ndarray of shape (n, n_units)
    iterations : int

    Returns
    -------
    ndarray of shape (n_units, p + 1)
        The v = (w, b) of each unit.

    References
    ----------
    .. [1] Ho, Kashyap, *An algorithm for linear inequalities and its applications*, IEEE
       Transactions on Electronic Computers 14 (1965).
    """
    ones = np.ones((len(X), 1))
    U, sizes, V = np.linalg.svd(np.hstack([X, ones]), full_matrices=False)
    kept = sizes > sizes[0] * max(X.shape) * np.finfo(np.float64).eps
    U, V = U[:, kept], V[kept] / sizes[kept, np.newaxis]
    coordinates = U.T @ T
    for _ in range(iterations):
        Z = U @ coordinates
        met = np.all(T * Z >= 0.5, axis=0, where=T != 0)
        if met.all():
            break
        B = np.where(T == 0, Z, T * np.maximum(T * Z, 1))
        coordinates = np.where(met, coordinates, U.T @ B)
    return (V.T @ coordinates).T


def _quickly(X: FloatArray, T: FloatArray, iterations: int) -> dict[int, Separation]:
    """Return separations of the units that `ho_kashyap` proves to be separable."""
    data = standardise(X)
    if not data.varies.any():
        return {}
    proved = {}
    for unit, v in enumerate(ho_kashyap(data.X, T, iterations)):
        cared = T[:, unit] != 0
        t = T[cared, unit]
        if not (np.any(t > 0) and np.any(t < 0)):
            continue
        slack = least_slack(data.rows(T[:, unit])[cared], v)
        found = hyperplane(X[cared], t, data.direction(v))
        if found is not None and slack > rounding_bound(len(v)):
            w, b, margin = found
            proved[unit] = Separation(True, w, b, margin, np.inf, None, slack, np.inf)
    return proved


def _violations(
    X: FloatArray, T: FloatArray, separations: Sequence[Separation]
) -> NDArray[np.bool_]:
    """Return which samples are missed by the hyperplanes of the least total violation."""
    violated = np.zeros(T.shape, dtype=bool)
    for unit, found in enumerate(separations):
        cared = T[:, unit] != 0
        if found.separable is not False:
            continue
        rows = standardise(X[cared]).rows(T[cared, unit])
        v, _ = by_linear_program(rows)
        # Without a solution (none has been seen): the sign that most targets have.
        z = rows @ v if v is not None else T[cared, unit] * np.sign(T[cared, unit].sum())
        sizes = np.abs(rows) @ np.abs(v) if v is not None else 0.0
        violated[cared, unit] = z <= rounding_bound(rows.shape[1]) * sizes
    return violated
