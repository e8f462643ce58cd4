"""Which targets of a layer can be reached at all: units x samples at once (theory, C2).

Proofs are sought from the cheap to the dear: one factorisation of the inputs serves all units, and
settles them all if no more samples than the rank are there; then every unit that is left is decided
by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.targetprop.alternatives import by_linear_program, least_slack, rounding_bound
from zeroone.targetprop.separability import (
    Separation,
    check_targets,
    hyperplane,
    separate,
)
from zeroone.targetprop.standardise import standardise
from zeroone.validation import FloatArray, check_integer, check_matrix

ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class LayerFeasibility:
    """The separations of all units of a layer.

    Attributes
    ----------
    separations : tuple of n_units Separation
    violated : ndarray of bools, (n, n_units)
        Of each unit that is not separable, the samples on the wrong side of the hyperplane of the
        least total violation (a linear program). The least possible number lies between 1 and
        theirs. None if that was not asked for.
    n_targets : int
        Pairs of a unit and a sample with a target that is not "don't care".
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
        """The fraction of pairs with a target that `violated` has.

        Raises
        ------
        ValueError
            If it was not asked for.
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
    iterations: int = ITERATIONS,
) -> LayerFeasibility:
    """Decide for every unit of a layer whether its targets are separable.

    Parameters
    ----------
    X : array_like of shape (n, p)
        The layer's inputs.
    T : array_like of shape (n, n_units)
        -1, +1; 0 for "don't care".
    violations : bool, default True
        Count the pairs that a hyperplane of the least total violation misses. It takes a linear
        program for each unit that is not separable.
    largest_margin : bool, default False
        Find the hyperplanes of the largest margin, rather than any.
    iterations : int, default 100
        Of `ho_kashyap`, the search of all units together.

    Returns
    -------
    LayerFeasibility

    Raises
    ------
    ValueError
        If X is not a finite matrix, or T not as described.
    """
    X = check_matrix("X", X, dtype=np.float64)
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
    with a margin of 1 are the box {Z : T Z >= 1}. Project on the one and on the other in turn: the
    subspace by least squares, the box by ::

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
        Weights and, last, biases.

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
    smallest = data.spread[data.varies].min()
    proved = {}
    for unit, v in enumerate(ho_kashyap(data.X, T, iterations)):
        cared = T[:, unit] != 0
        t = T[cared, unit]
        if not (np.any(t > 0) and np.any(t < 0)):
            continue
        slack = least_slack(data.rows(T[:, unit])[cared], v)
        found = hyperplane(X[cared], t, v[:-1] * data.varies * (smallest / data.spread))
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
        violated[cared, unit] = z <= 0
    return violated
