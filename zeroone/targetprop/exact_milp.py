"""The least training error of a tiny net as a mixed-integer linear program (theory, C3).

Points x_m, m = 1..n, all different and scaled to [-1, 1]; s_mj in {0, 1} is unit j at point m::

    maximise   sum_mk counts_mk r_mk                     r_mk in {0, 1}: point m is given class k
    hidden     z_mj = w_j.x_m + b_j,   |w_j|, |b_j| <= B
               z_mj >= 1 - (1 + Z_m)(1 - s_mj),    z_mj <= -1 + (1 + Z_m) s_mj
    output     D_mk = c_k + sum_j q_mkj  (k >= 1),   D_m0 = 0,   q_mkj = d_kj s_mj
               D_mk - D_ml >= 1 - M (1 - r_mk)   for all l != k
    product    q = d s with |d| <= 2V:  |q| <= 2V s,   |d - q| <= 2V (1 - s)
    symmetry   d_11 >= d_12 >= ... >= 0

A margin of 1 costs nothing, since w_j and b_j may be multiplied by any positive number, and so may
all d and c. How large weights have to be then says `zeroone.targetprop.milp_bounds`.
Exchanging two units, or s_mj by 1 - s_mj and d_kj by -d_kj, changes no prediction: so the units may
be sorted and their d_1j made positive.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.targetprop.milp_bounds import Frame, HiddenBounds, hidden_bounds, output_bound
from zeroone.targetprop.milp_model import Index, Model
from zeroone.targetprop.optimum import (
    Optimum,
    Sample,
    check_problem,
    constant_network,
    network_of,
)
from zeroone.validation import FloatArray, check_number

# Relative room above the bounds, so that rounding excludes nothing. HiGHS ends with an error if its
# own solution misses a constraint by a hair more than its tolerance; other numbers then help.
ROOM = (1e-3, 1e-2, 1e-1)
SOLVE_ERROR = 4
STATUS = {0: "optimal", 1: "time limit", 2: "infeasible: no net has weights within weight_bound"}


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
        Of the hidden units.
    time_limit : float, default 60
        Seconds after which the best net so far is returned, with the bound so far.
    weight_bound : float, optional
        The B of this module's heading. By default one that excludes no net, if that is known and
        at most 1e5, and else 1e3; see `hidden_bounds`.

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
        Of a network that was run: a larger bound would be refuted, and is not used.
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
