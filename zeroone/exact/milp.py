"""The least training error of a tiny net as a mixed-integer linear program (docs/theory.md#c3).

Points x_m, m = 1..n, all different and scaled to [-1, 1]; s_mj in {0, 1} is unit j at point m::

    maximise   sum_mk counts_mk r_mk                     r_mk in {0, 1}: point m is given class k
    hidden     z_mj = w_j.x_m + b_j,   |w_j|, |b_j| <= B
               z_mj >= 1 - (1 + Z_m)(1 - s_mj),    z_mj <= -1 + (1 + Z_m) s_mj
    output     D_mk = c_k + sum_j q_mkj  (k >= 1),   D_m0 = 0,   q_mkj = d_kj s_mj
               D_mk - D_ml >= 1 - M (1 - r_mk)   for all l != k
    product    q = d s with |d| <= 2V:  |q| <= 2V s,   |d - q| <= 2V (1 - s)
    symmetry   d_11 >= d_12 >= ... >= 0

A margin of 1 costs nothing, since w_j and b_j may be multiplied by any positive number, and so may
all d and c. `hidden_bounds` and `output_bound` say how large B, Z and V have to be so that no net
is excluded. Exchanging two units, or s_mj by 1 - s_mj and d_kj by -d_kj, changes no prediction: so
the units may be sorted and their d_1j made positive.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import coo_array

from zeroone.exact.tiny_nets import Optimum, Sample, check_problem, constant_network, network_of
from zeroone.support.validation import FloatArray, check_number

# Relative room above the bounds, so that rounding excludes nothing. HiGHS ends with an error if its
# own solution misses a constraint by a hair more than its tolerance; other numbers then help.
ROOM = (1e-3, 1e-2, 1e-1)
SOLVE_ERROR = 4
STATUS = {0: "optimal", 1: "time limit", 2: "infeasible: no net has weights within weight_bound"}
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

Index = NDArray[np.int64]
Term = tuple[int, float]


def milp_optimum(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int,
    activation: str = "sign",
    *,
    time_limit: float = 60.0,
    weight_bound: float | None = None,
) -> Optimum:
    """Find the least training error of a net with one hidden layer, by branch and bound (HiGHS).

    Parameters
    ----------
    X : array_like of shape (n, p)
    y : array_like of shape (n,)
        Labels of at least two classes; the net has an output for each, and the largest one wins.
    hidden : int
        Number of hidden units.
    activation : {"sign", "step"}
        The function of the hidden units.
    time_limit : float, default 60
        Seconds after which the best net so far is returned, with the bound so far.
    weight_bound : float, optional
        The B of this module's heading. By default one that excludes no net, if that is known and
        at most 1e5, and else 1e3 (`hidden_bounds`).

    Returns
    -------
    Optimum
        Its bound is HiGHS's dual bound, in double precision, rounded up to the next integer. Its
        `weight_bound` is None if no net was excluded.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    start = time.perf_counter()
    sample = check_problem(X, y, hidden, activation)
    check_number("time_limit", time_limit, strict=True, maximum=np.inf)
    if weight_bound is not None:
        check_number("weight_bound", weight_bound, strict=True)
    frame = Frame.of(sample.points)
    bounds = hidden_bounds(frame.points, weight_bound)
    for room in ROOM:
        model, variables = formulate(sample, frame.points, hidden, bounds.widened(room))
        result = model.solve(max(time_limit - (time.perf_counter() - start), 0.01))
        if result.status != SOLVE_ERROR:
            break
    network = constant_network(sample, hidden, activation)
    if result.x is not None:
        layers = frame.layers(result.x[variables.w])
        found = network_of(sample, activation, layers, variables.output(result.x))
        network = min(network, found, key=sample.errors)
    errors = sample.errors(network)
    return Optimum(
        errors=errors,
        bound=error_bound(sample, result.mip_dual_bound, errors),
        network=network,
        seconds=time.perf_counter() - start,
        method="milp",
        weight_bound=None if bounds.complete else bounds.weights,
        status=STATUS.get(result.status, result.message),
    )


def error_bound(sample: Sample, dual_bound: float | None, errors: int) -> int:
    """Return the lower bound of the errors that a dual bound gives.

    Parameters
    ----------
    sample : Sample
    dual_bound : float or None
        Of minus the number of samples that are right.
    errors : int
        The errors of a network that was run: it refutes a larger bound, which is not used.
    """
    if dual_bound is None or not np.isfinite(dual_bound):
        return sample.floor
    bound = len(sample.y) + int(np.ceil(dual_bound - 1e-6))
    return max(bound, sample.floor) if bound <= errors else sample.floor


@dataclass(frozen=True)
class Variables:
    """The numbers of the variables that a network is read from.

    Attributes
    ----------
    w : ndarray of int, (hidden, r + 1)
        Hidden weights and, last, biases.
    d, c : ndarrays of int, (n_classes - 1, hidden) and (n_classes - 1,)
        Output weights and biases of the classes after the first.
    """

    w: Index
    d: Index
    c: Index

    def output(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return output weights and biases of all classes."""
        return np.vstack([0 * x[self.d[:1]], x[self.d]]), np.append(0.0, x[self.c])


def formulate(
    sample: Sample, points: FloatArray, hidden: int, bounds: HiddenBounds
) -> tuple[Model, Variables]:
    """Return the program of this module's heading.

    Parameters
    ----------
    sample : Sample
    points : ndarray of shape (m, r)
        The sample's points, scaled to [-1, 1].
    hidden : int
    bounds : HiddenBounds
    """
    model = Model()
    m, n_classes = sample.counts.shape
    V = output_bound(hidden, n_classes)
    s = model.variables((m, hidden), 0, 1, integer=True)
    w = model.variables((hidden, points.shape[1] + 1), -bounds.weights, bounds.weights)
    low = np.full((n_classes - 1, hidden), -2 * V)
    low[0] = 0.0
    d = model.variables(low.shape, low, 2 * V)
    c = model.variables((n_classes - 1,), -(hidden + 1) * V, (hidden + 1) * V)
    for j in range(hidden - 1):
        model.at_least([(d[0, j], 1), (d[0, j + 1], -1)], 0)
    for at, point in enumerate(points):
        _hidden_rows(model, s[at], w, point, bounds.preactivations[at])
        q = model.variables(low.shape, low, 2 * V)
        for k, j in np.ndindex(low.shape):
            numbers = int(q[k, j]), int(d[k, j]), int(s[at, j])
            _product_rows(model, *numbers, low=float(low[k, j]), high=2 * V)
        _output_rows(model, q, c, sample.counts[at], (hidden + 1) * V)
    return model, Variables(w, d, c)


def _hidden_rows(model: Model, s: Index, w: Index, point: FloatArray, largest: float) -> None:
    """Add, for every unit, z >= 1 if s = 1 and z <= -1 if s = 0."""
    for j in range(len(s)):
        z = [(variable, value) for variable, value in zip(w[j], [*point, 1.0], strict=True)]
        model.at_least([*z, (s[j], -(1 + largest))], -largest)
        model.at_most([*z, (s[j], -(1 + largest))], -1)


def _product_rows(model: Model, q: int, d: int, s: int, *, low: float, high: float) -> None:
    """Add q = d s for low <= d <= high, low <= 0, and a binary s."""
    model.at_most([(q, 1), (s, -high)], 0)
    model.at_least([(q, 1), (s, -low)], 0)
    model.at_most([(q, 1), (d, -1), (s, -low)], -low)
    model.at_least([(q, 1), (d, -1), (s, -high)], -high)


def _output_rows(
    model: Model, q: Index, c: Index, counts: NDArray[np.int64], largest: float
) -> None:
    """Add, for every class of a point's samples, that it may win, and what that is worth."""

    def score(k: int, sign: float) -> list[tuple[int, float]]:
        return [(int(i), sign) for i in (c[k - 1], *q[k - 1])] if k else []

    present = np.flatnonzero(counts)
    wins = model.variables((len(present),), 0, 1, integer=True, cost=-counts[present])
    model.at_most([(win, 1) for win in wins], 1)
    for win, k in zip(wins.tolist(), present.tolist(), strict=True):
        for other in range(len(counts)):
            if other == k:
                continue
            reach = 1 + largest * (2 if k and other else 1)
            terms = [*score(k, 1), *score(other, -1), (win, -reach)]
            model.at_least(terms, 1 - reach)


# --------------------------------------------------------------------- how large weights need to be


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

    def widened(self, room: float) -> HiddenBounds:
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
    def of(cls, points: FloatArray) -> Frame:
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


# ------------------------------------------------------------------------------ a program for HiGHS


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
        # SciPy 1.11 hands the indices to HiGHS as they are, and HiGHS takes C integers only.
        places = np.array(rows, dtype=np.intc), np.array(columns, dtype=np.intc)
        matrix = coo_array((values, places), shape=shape).tocsr()
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
