"""Penalties that make weights sparse, and their proximal maps.

The proximal map of a penalty P at level t >= 0 is, here and everywhere in the package,

    prox_{t P}(x) = argmin_u  t P(u) + 1/2 |u - x|^2

(docs/theory.md#a5; [1]_). Where two points are minimisers, **the map takes the smaller one**, which
is 0 for every penalty here but `SCAD` at some levels.

=============== ==================================== =======================================
penalty         P(u)                                 prox_{t P}(x)
=============== ==================================== =======================================
`L1`            sum |u_i|                            soft: shrink |x_i| by t, at most to 0
`L0`            number of u_i != 0                   hard: keep x_i iff |x_i| > sqrt(2 t)
`TransformedL1` sum (a+1)|u_i| / (a+|u_i|)           between: `transformed_l1_threshold`
`MCP`           sum |u_i| - u_i^2 / (2 gamma), flat  soft near 0, and x_i itself beyond gamma
                beyond gamma
`SCAD`          like l1 up to a knee, flat beyond    soft near 0, and x_i itself beyond a knee
                a knee
`GroupL20`      number of rows (or columns) that     group hard: keep a group g iff
                are not zero                         |g|^2 > 2 t
=============== ==================================== =======================================

**A penalty of your own** is a class derived from `Penalty` with two methods, `terms` and
`prox_map`. With them it works in the solver, in sweeps, in the bounds of the theory and, by
``--penalty my_module:MyPenalty``, on the command line. What theory asks besides (`largest_zero`,
`largest_kept_shift`) is computed numerically unless the class has a closed form. An entry in
`PENALTIES` gives it a name, and the claims of ``zeroone verify`` then cover it as well.

Levels may be arrays: t, and the parameters of a penalty, broadcast against x, so that one call
serves a batch of runs. A t of shape ``(n_runs, 1)`` gives each row of an x of shape ``(n_runs, d)``
its own level.

Numbers. A float32 x gives a float32 result, computed in float64 and rounded once. For no finite x
and t does anything overflow, become NaN or divide by zero. The hard thresholds compare |x| or |g|
with sqrt(2 t), each within rounding, and exact where they have few digits: x = 3 ties at t = 4.5,
and g = (3, 4) at t = 12.5.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
.. [2] Zhang, Xin, *Minimization of Transformed L1 Penalty: Closed Form Representation and Iterative
   Thresholding Algorithms*, Commun. Math. Sci. 15 (2017), arXiv:1412.5240.
.. [3] Zhang, Zhou, Li, Xiu, *0/1 Deep Neural Networks via Block Coordinate Descent*,
   arXiv:2206.09379.
.. [4] Zhang, *Nearly Unbiased Variable Selection under Minimax Concave Penalty*, Ann. Statist. 38
   (2010), arXiv:1002.4734.
.. [5] Fan, Li, *Variable Selection via Nonconcave Penalized Likelihood and its Oracle Properties*,
   J. Amer. Statist. Assoc. 96 (2001).
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.support.validation import FloatArray, check_array, check_choice, check_number

Axis = int | tuple[int, ...]
Level = float | FloatArray
Range = tuple[float, float]
# A group lies along this axis: row j of a matrix is x[..., j, :].
GROUP_AXES = {"rows": -1, "columns": -2}
# Wide enough to reach both limits; outside, (a + 1)/a or a + 1 may overflow.
A_RANGE = (1e-300, 1e300)
# For quotients whose divisor may be 0 or negative in a branch that is not taken.
TINY = np.finfo(np.float64).tiny
# Points at which `Penalty.largest_kept_shift` looks, unless a penalty has a closed form.
GRID = 1001


class Penalty(ABC):
    """A penalty P(u), a sum of terms, and the proximal map of its multiples.

    A class derived from it has `terms` and `prox_map`, which are the formulas alone, without
    checks: a solver's loop calls them. `value` and `prox` check their arguments and call them.

    What the theory (docs/theory.md#a7) assumes: P(0) = 0, and P does not fall as an |u_i| grows, so
    that the map takes no entry beyond x or across 0. The solver needs neither.

    Attributes
    ----------
    of_matrices : bool
        Whether P is a penalty of matrices, whose terms are groups of entries, and not of vectors.
    ranges : mapping of str to (low, high)
        The parameters that are numbers or arrays, and the values that they may have.
    examples : mapping of str to (low, high)
        Ranges of parameters from which `random` draws.

    Examples
    --------
    The penalty P(u) = sum u_i^2 / 2, which shrinks and takes nothing to 0:

    >>> class Ridge(Penalty):
    ...     def terms(self, u):
    ...         return u**2 / 2
    ...     def prox_map(self, x, t):
    ...         return x / (1 + t)
    >>> Ridge().value([3.0, 4.0]), Ridge().prox([3.0, 4.0], 1.0)
    (12.5, array([1.5, 2. ]))
    """

    of_matrices: ClassVar[bool] = False
    ranges: ClassVar[Mapping[str, Range]] = {}
    examples: ClassVar[Mapping[str, Range]] = {}

    @abstractmethod
    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return the terms of the sum P(u), entry by entry: an array of u's shape.

        Parameters
        ----------
        u : ndarray of any shape
            For a penalty of matrices (..., n_out, n_in); there is then one term a group.
        """

    @abstractmethod
    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return prox_{t P}(x) = argmin_u t P(u) + 1/2 |u - x|^2 without checking anything.

        Parameters
        ----------
        x : ndarray of floats
        t : float or ndarray >= 0 that broadcasts against x (of matrices: against the groups)
            An infinite level takes everything to 0.

        Returns
        -------
        ndarray of the broadcast shape
            A new array.
        """

    # --- for everybody: with checks -----------------------------------------------------------

    @overload
    def value(self, x: ArrayLike, axis: None = None) -> float: ...
    @overload
    def value(self, x: ArrayLike, axis: Axis) -> FloatArray: ...
    def value(self, x: ArrayLike, axis: Axis | None = None) -> float | FloatArray:
        """Return P(x), summed in float64 over all axes or over the given ones.

        Parameters
        ----------
        x : array_like of any shape
        axis : int or tuple of ints, optional
            The axes that make up one argument of P. For a batch of shape (n_runs, d), ``axis=-1``
            gives the n_runs values; for matrices (n_runs, n_out, n_in), ``axis=(-2, -1)`` does.

        Returns
        -------
        float, or ndarray of x's shape without these axes

        Raises
        ------
        ValueError
            If x is not finite, or has no such axis.
        """
        x = check_array("x", x)
        _check_broadcast(x.shape, **self.parameters())
        total = np.sum(self.terms(x), axis=axis, dtype=np.float64)
        return float(total) if axis is None else np.asarray(total)

    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return prox_{t P}(x) = argmin_u t P(u) + 1/2 |u - x|^2 (docs/theory.md#a5).

        Parameters
        ----------
        x : array_like of any shape
        t : float or array_like >= 0 that broadcasts against x
            For `GroupL20` it broadcasts against the groups.

        Returns
        -------
        ndarray of the broadcast shape
            In x's precision.

        Raises
        ------
        ValueError
            If x or t is not finite, t is negative, or the shapes do not broadcast.
        """
        x, t = check_array("x", x), _check_parameter("t", t)
        _check_broadcast(self.level_shape(x), t=t, **self.parameters())
        with np.errstate(all="ignore"):  # in branches that are not taken
            u = self.prox_map(x.astype(np.float64, copy=False), t)
        return np.asarray(u + 0.0, x.dtype)  # -0.0 becomes 0.0

    # --- for the theory: numerical unless a class has a closed form ---------------------------

    def largest_zero(self, t: Level) -> FloatArray:
        """Return tau, the largest |x| that prox_{t P} takes to 0 (of matrices: the largest |g|).

        Parameters
        ----------
        t : float or ndarray >= 0

        Returns
        -------
        ndarray of t's shape
            Infinite if everything is taken to 0. By bisection, to within rounding.
        """
        t = np.asarray(t, np.float64)
        low, high = np.zeros(t.shape), np.ones(t.shape)
        with np.errstate(all="ignore"):
            while np.any(short := (self.prox_map(high, t) == 0) & np.isfinite(high)):
                low, high = np.where(short, high, low), np.where(short, 2 * high, high)
            for _ in range(80):
                middle = (low + high) / 2
                zero = self.prox_map(middle, t) == 0
                low, high = np.where(zero, middle, low), np.where(zero, high, middle)
        return low

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return a bound on |x - prox_{t P}(x)| for all x in [-1, 1] that are not taken to 0.

        0 says that what is kept is kept as it is. (Entries of unit filters are in [-1, 1].)

        Parameters
        ----------
        t : float or ndarray >= 0

        Returns
        -------
        ndarray of t's shape
            The largest shift on a grid, and one spacing of the grid more: since a proximal map does
            not fall, the shift cannot grow by more between two points.
        """
        t = np.asarray(t, np.float64)
        tau = np.minimum(self.largest_zero(t), 1.0)
        share = np.linspace(0, 1, GRID).reshape(-1, *(1,) * t.ndim)
        x = np.minimum(tau * (1 + 1e-12) + (1 - tau) * share, 1.0)
        with np.errstate(all="ignore"):
            u = self.prox_map(x, t)
        shift = np.max(np.where(u != 0, x - u, 0.0), axis=0)
        return np.where(shift > 0, shift + (1 - tau) / (GRID - 1), 0.0)

    # --- for batches of runs ------------------------------------------------------------------

    def parameters(self) -> dict[str, Any]:
        """Return the parameters in `ranges`, by name."""
        return {name: getattr(self, name) for name in self.ranges}

    def with_parameters(self, change: Callable[[FloatArray], FloatArray]) -> Self:
        """Return the penalty with each parameter that is an array changed, say reshaped."""
        arrays = {
            name: change(value)
            for name, value in self.parameters().items()
            if isinstance(value, np.ndarray)
        }
        return replace(self, **arrays) if arrays else self  # type: ignore[type-var]

    def level_shape(self, x: FloatArray) -> tuple[int, ...]:
        """Return the shape against which levels broadcast: x's, or that of its groups."""
        return x.shape

    def of_filters(self, filter_shape: tuple[int, int] | None) -> Penalty:
        """Return the penalty of filters, vectors of shape (..., d), that this one stands for.

        Parameters
        ----------
        filter_shape : (rows, columns) or None
            For a penalty of matrices: the matrix that a filter is, in C order.

        Raises
        ------
        ValueError
            If `filter_shape` is missing, or given where it has no meaning.
        """
        if not self.of_matrices:
            if filter_shape is not None:
                raise ValueError("filter_shape must be None unless the penalty has groups, as l20")
            return self
        if filter_shape is None or len(filter_shape) != 2:
            raise ValueError(
                "filter_shape must be (rows, columns) for a penalty with groups, such as l20, but "
                f"is {filter_shape!r}"
            )
        return _OfFilters(self, filter_shape)

    @classmethod
    def random(cls, rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Penalty:
        """Return a penalty whose parameters are drawn from `examples`, log-uniformly."""
        drawn = {
            name: np.exp(rng.uniform(np.log(low), np.log(high), shape))
            for name, (low, high) in cls.examples.items()
        }
        return cls(**{name: value if shape else float(value) for name, value in drawn.items()})

    def __post_init__(self) -> None:
        """Check the parameters of a dataclass, and make those that are arrays unchangeable."""
        for name, (low, high) in self.ranges.items():
            value = _check_parameter(name, getattr(self, name), low, high)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    # The comparison that dataclasses generate would ask an array for its truth value.
    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        ours, theirs = vars(self), vars(other)
        return ours.keys() == theirs.keys() and all(
            np.array_equal(value, theirs[name]) for name, value in ours.items()
        )

    def __hash__(self) -> int:
        parts = [
            (name, np.shape(value), np.asarray(value).tobytes())
            for name, value in vars(self).items()
        ]
        return hash((type(self), *parts))


@dataclass(frozen=True, eq=False)
class L1(Penalty):
    """P(u) = sum |u_i|; its map is `soft_threshold`."""

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return |u|."""
        return np.abs(u)

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return sign(x) max(|x| - t, 0)."""
        return x - x.clip(-t, t)

    def largest_zero(self, t: Level) -> FloatArray:
        """Return t."""
        return np.asarray(t, np.float64)

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return t."""
        return np.asarray(t, np.float64)


@dataclass(frozen=True, eq=False)
class L0(Penalty):
    """P(u) = number of u_i != 0; its map is `hard_threshold`."""

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return 1 where u is not 0, as booleans."""
        return u != 0

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return x where |x| > sqrt(2 t), and 0 elsewhere."""
        return x * (np.abs(x) > _root_of_twice(t))

    def largest_zero(self, t: Level) -> FloatArray:
        """Return sqrt(2 t)."""
        return _root_of_twice(np.asarray(t, np.float64))

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return 0."""
        return np.zeros(np.shape(t))


@dataclass(frozen=True, eq=False)
class TransformedL1(Penalty):
    """P(u) = sum (a+1)|u_i| / (a+|u_i|); its map is `transformed_l1_threshold`.

    Parameters
    ----------
    a : float or array_like > 0, default 1
        Small a is close to l0, large a close to l1. An array broadcasts against the arguments of
        `value` and `prox`: a batch with one penalty per run.

    Raises
    ------
    ValueError
        If a is not between 1e-300 and 1e300.

    Notes
    -----
    With m = sqrt(2 t (a+1)), so that t <= a^2 / (2(a+1)) is m <= a, the map is 0 up to and at

        tau = t (a+1)/a   if m <= a  (continuous there),
        tau = m - a/2     otherwise  (there 0 and m - a tie, and the map jumps by m - a).

    Above it, y = a + u is the largest root of y^3 - s y^2 + a m^2/2 = 0 with s = a + |x|:

        u = |x| - (4 s/3) sin^2(phi/6),    sin(phi/2) = q = (m/s) sqrt(27 a / (8 s)).

    That is the (2/3) s cos(phi/3) - 2a/3 + |x|/3, cos(phi) = 1 - 27 t a (a+1) / (2 s^3), of [2]_ by
    1 - cos = 2 sin^2. Written with cosines it subtracts numbers of size a: at a = 1e8 |x| the
    result is wrong by 2e-8 |x|, and at a = 1e16 |x| it has no correct digit.

    Accuracy, measured against 60-digit arithmetic for a from 1e-12 to 1e16: u is within
    1e-15 |x| / sqrt(1 - q), and the objective within 1e-15 x^2 of its minimum. Above the threshold
    q < 1; it tends to 1 only at m = a, |x| = a/2, where the map itself has an infinite slope.
    """

    a: ArrayLike = 1.0
    ranges: ClassVar = {"a": A_RANGE}
    examples: ClassVar = {"a": (0.05, 20.0)}

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return (a + 1)|u| / (a + |u|)."""
        a, size = np.asarray(self.a), np.abs(u, dtype=np.float64)
        # Halved, so that a + |u| cannot overflow; in this order, so that no product underflows.
        return size * ((0.5 * a + 0.5) / (0.5 * a + 0.5 * size))

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return the map in the form with sines, which keeps its digits for every a."""
        a: Any = self.a
        size, m = np.abs(x), _root_of_twice(t, a + 1.0)
        half_s = 0.5 * a + 0.5 * size  # s itself could overflow
        q = np.sqrt(27 / 16 * a / half_s) * (0.5 * m / half_s)
        sine = np.sin(np.arcsin(np.minimum(q, 1.0)) / 3)
        shrinkage = np.minimum(8 / 3 * (half_s * sine) * sine, size)
        return (x - np.copysign(shrinkage, x)) * (size > self._threshold(t, m))

    def largest_zero(self, t: Level) -> FloatArray:
        """Return t (a+1)/a where the map is continuous, and m - a/2 where it jumps."""
        a: Any = self.a
        return self._threshold(t, _root_of_twice(t, a + 1.0))

    def _threshold(self, t: Level, m: FloatArray) -> FloatArray:
        """Return tau, given m."""
        a: Any = self.a
        return np.where(m <= a, t * ((a + 1.0) / a), m - 0.5 * a)

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return tau less the jump: the shift falls as |x| grows."""
        m = _root_of_twice(t, np.asarray(self.a) + 1.0)
        return self.largest_zero(t) - np.maximum(m - np.asarray(self.a), 0)


@dataclass(frozen=True, eq=False)
class MCP(Penalty):
    """The minimax concave penalty: P(u) = sum |u_i| - u_i^2/(2 gamma), and gamma/2 beyond gamma.

    See [4]_. Its slope falls from 1 at 0 to 0 at gamma: small weights are shrunk as by l1, weights
    beyond gamma are not shrunk at all.

    Parameters
    ----------
    gamma : float or array_like > 0, default 1
        Where P becomes flat. A small gamma is close to (gamma/2) l0, a large one close to l1.

    Raises
    ------
    ValueError
        If gamma is not between 1e-300 and 1e300.

    Notes
    -----
    For t < gamma the objective is convex, and stationary at u = x - t (gamma - x)/(gamma - t) where
    t < x <= gamma. For t >= gamma it is concave on [0, gamma]: the minimum is at 0, at a cost of
    x^2/2, or at u = x >= gamma, at a cost of t gamma/2. So the map is

        0                                        up to and at  t,
        x - sign(x) t (gamma - |x|)/(gamma - t)  up to gamma,
        x                                        beyond;

    and for t >= gamma hard thresholding at sqrt(t gamma).
    """

    gamma: ArrayLike = 1.0
    ranges: ClassVar = {"gamma": A_RANGE}
    examples: ClassVar = {"gamma": (0.05, 20.0)}

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return |u| - u^2/(2 gamma), which is gamma/2 beyond gamma."""
        gamma = np.asarray(self.gamma)
        size = np.minimum(np.abs(u, dtype=np.float64), gamma)
        return size - 0.5 * size * (size / gamma)

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return the map; see the notes of the class."""
        gamma: Any = self.gamma
        size = np.abs(x)
        share = np.clip((gamma - size) / np.maximum(gamma - t, TINY), 0.0, 1.0)
        return np.where(size > self.largest_zero(t), x - np.copysign(t * share, x), 0.0)

    def largest_zero(self, t: Level) -> FloatArray:
        """Return t where the map is continuous, sqrt(t gamma) where it jumps."""
        gamma: Any = self.gamma
        return np.where(np.less(t, gamma), t, _root_of_twice(t, 0.5 * gamma))

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return t where the map is continuous, 0 where it jumps."""
        return np.where(np.less(t, self.gamma), t, 0.0)


@dataclass(frozen=True, eq=False)
class SCAD(Penalty):
    """The smoothly clipped absolute deviation: like l1 up to a knee s, flat beyond a s.

    See [5]_. With s for `knee`, each term is

        |u|                                      up to s,
        (2 a s |u| - u^2 - s^2) / (2 (a-1) s)    up to a s, where the slope falls from 1 to 0,
        (a+1) s/2                                beyond.

    Parameters
    ----------
    a : float or array_like > 1, default 3.7
        Where P becomes flat, in units of the knee; 3.7 is the published default.
    knee : float or array_like > 0, default 0.1
        Up to where P is |u|. For a unit filter a knee of 1 would be l1.

    Raises
    ------
    ValueError
        If a is not between 1.000001 and 1e100, or knee not between 1e-100 and 1e100.

    Notes
    -----
    For t < (a-1) s the objective is convex, and the map is

        soft thresholding by t                        up to |x| = s + t,
        x - sign(x) t (a s - |x|)/((a-1) s - t)       up to a s,
        x                                             beyond.

    For t >= (a-1) s the middle part is concave, and the minimum is where soft thresholding leads,
    at a cost of t |x| - t^2/2 (or x^2/2 at 0), or at x, at a cost of t (a+1) s/2:

        soft thresholding up to and at |x| = (t + (a+1) s)/2, x beyond,   for t < (a+1) s;
        hard thresholding at sqrt(t (a+1) s)                              for larger t.

    At |x| = (t + (a+1) s)/2 two points tie that are not 0; the map takes the smaller.
    """

    a: ArrayLike = 3.7
    knee: ArrayLike = 0.1
    ranges: ClassVar = {"a": (1 + 1e-6, 1e100), "knee": (1e-100, 1e100)}
    examples: ClassVar = {"a": (1.5, 20.0), "knee": (0.02, 1.0)}

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return |u| less the square of what goes beyond the knee, over 2 (a-1) s."""
        a, s = np.asarray(self.a), np.asarray(self.knee)
        size = np.minimum(np.abs(u, dtype=np.float64), a * s)
        beyond = np.maximum(size - s, 0.0)
        return size - 0.5 * beyond * (beyond / ((a - 1) * s))

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return the map; see the notes of the class."""
        a, s = np.asarray(self.a), np.asarray(self.knee)
        size, width, top = np.abs(x), (a - 1) * s - t, (a + 1) * s
        falling = np.clip((a * s - size) / np.maximum(width, TINY), 0.0, 1.0)
        share = np.where(width > 0, falling, (t < top) & (size <= (t + top) / 2))
        return np.where(size > self.largest_zero(t), x - np.copysign(t * share, x), 0.0)

    def largest_zero(self, t: Level) -> FloatArray:
        """Return t, or for large t the threshold sqrt(t (a+1) s)."""
        top = (np.asarray(self.a) + 1) * np.asarray(self.knee)
        return np.where(t < top, t, _root_of_twice(t, 0.5 * top))

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return t, or for large t 0."""
        return np.where(t < (np.asarray(self.a) + 1) * np.asarray(self.knee), t, 0.0)


@dataclass(frozen=True, eq=False)
class GroupL20(Penalty):
    """P(u) = number of rows, or columns, of u that are not zero; see `group_hard_threshold`.

    Parameters
    ----------
    groups : {"rows", "columns"}
        For a weight matrix of shape (n_out, n_in), "rows" counts the output units that have a
        weight left, and "columns" the inputs that are still read.

    Raises
    ------
    ValueError
        If `groups` is neither; in the methods, if x has fewer than two axes or `axis` cuts groups.
    """

    groups: Literal["rows", "columns"] = "rows"
    of_matrices: ClassVar = True

    def __post_init__(self) -> None:
        check_choice("groups", self.groups, GROUP_AXES)

    def terms(self, u: FloatArray) -> NDArray[Any]:
        """Return for each group whether it is not zero; the axis of a group has length 1."""
        return np.any(u != 0, axis=self._axis(u), keepdims=True)

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        """Return x with the groups kept whose norm exceeds sqrt(2 t)."""
        axis = GROUP_AXES[self.groups]
        return np.where(np.expand_dims(_norms(x, axis) > _root_of_twice(t), axis), x, 0.0)

    def value(self, x: ArrayLike, axis: Axis | None = None) -> Any:
        """Return the number of groups that are not zero; see `Penalty.value`."""
        x = check_array("x", x)
        along = self._axis(x)
        if axis is not None and along % x.ndim not in np.atleast_1d(axis) % x.ndim:
            raise ValueError(
                f"axis must contain {along}, along which the groups lie, but is {axis}"
            )
        return super().value(x, axis)

    def level_shape(self, x: FloatArray) -> tuple[int, ...]:
        """Return the shape of the groups, one entry a group."""
        return tuple(np.delete(x.shape, self._axis(x)).tolist())

    def largest_zero(self, t: Level) -> FloatArray:
        """Return sqrt(2 t), for norms of groups."""
        return _root_of_twice(np.asarray(t, np.float64))

    def largest_kept_shift(self, t: Level) -> FloatArray:
        """Return 0."""
        return np.zeros(np.shape(t))

    def _axis(self, x: FloatArray) -> int:
        """Return the axis along which groups lie."""
        if x.ndim < 2:
            raise ValueError(
                f"x must have at least 2 axes to have {self.groups}, but has shape {x.shape}"
            )
        return GROUP_AXES[self.groups]


@dataclass(frozen=True, eq=False)
class _OfFilters(Penalty):
    """A penalty of matrices, of filters that are such matrices in C order."""

    penalty: Penalty
    shape: tuple[int, int]

    def terms(self, u: FloatArray) -> NDArray[Any]:
        leading = u.shape[:-1]
        return self.penalty.terms(u.reshape(*leading, *self.shape)).reshape(*leading, -1)

    def prox_map(self, x: FloatArray, t: Level) -> FloatArray:
        return self.penalty.prox_map(x.reshape(*x.shape[:-1], *self.shape), t).reshape(x.shape)


# The maps as plain functions ---------------------------------------------------------------------


def soft_threshold(x: ArrayLike, t: ArrayLike) -> FloatArray:
    """Return sign(x) max(|x| - t, 0), the proximal map of t |.|_1 (docs/theory.md#a5).

    Arguments, result and errors are those of `Penalty.prox`. Entries with |x| <= t are 0.
    """
    return L1().prox(x, t)


def hard_threshold(x: ArrayLike, t: ArrayLike) -> FloatArray:
    """Return x where |x| > sqrt(2 t), else 0, the proximal map of t |.|_0 (docs/theory.md#a5).

    Keeping x costs t, and dropping it x^2/2. At |x| = sqrt(2 t) they tie, and 0 is taken.
    Arguments, result and errors are those of `Penalty.prox`.
    """
    return L0().prox(x, t)


def transformed_l1_threshold(x: ArrayLike, t: ArrayLike, a: ArrayLike = 1.0) -> FloatArray:
    """Return the proximal map of t sum rho_a, rho_a(u) = (a+1)|u| / (a+|u|).

    See docs/theory.md#a5; [2]_. The notes of `TransformedL1` have the formula. Arguments, result
    and errors are those of `Penalty.prox`; a > 0 broadcasts against x and t.
    """
    return TransformedL1(a).prox(x, t)


def group_hard_threshold(
    x: ArrayLike, t: ArrayLike, groups: Literal["rows", "columns"] = "rows"
) -> FloatArray:
    """Return the proximal map of t |.|_{2,0}: keep group g iff |g|^2 > 2 t.

    See docs/theory.md#a5; [3]_. Keeping a group costs t, and dropping it |g|^2/2. At |g|^2 = 2 t
    they tie, and 0 is taken.

    Parameters
    ----------
    x : array_like of shape (..., n_out, n_in)
        One weight matrix, or a stack of them.
    t : float or array_like >= 0
        Broadcasts against the groups, of shape (..., n_out) for rows, (..., n_in) for columns. For
        a stack of n_runs matrices, a t of shape (n_runs, 1) gives each run its own level.
    groups : {"rows", "columns"}
        "rows": a group is the weights ``x[..., j, :]`` into output unit j. "columns": a group is
        the weights ``x[..., :, i]`` out of input i.

    Returns
    -------
    ndarray of the broadcast shape (x's, unless t has more axes)
        In x's precision. A kept group is unchanged.

    Raises
    ------
    ValueError
        If x or t is not finite, x has fewer than two axes, t is negative or does not broadcast, or
        `groups` is neither word.
    """
    return GroupL20(groups).prox(x, t)


# By name -----------------------------------------------------------------------------------------

PENALTIES: dict[str, type[Penalty]] = {
    "l1": L1,
    "l0": L0,
    "tl1": TransformedL1,
    "l20": GroupL20,
    "mcp": MCP,
    "scad": SCAD,
}


def get_penalty(name: str, **options: Any) -> Penalty:
    """Return the penalty called `name`.

    Parameters
    ----------
    name : {"l1", "l0", "tl1", "l20", "mcp", "scad"}
    **options
        The parameters of its class: ``a`` for "tl1", ``gamma`` for "mcp", ``a`` and ``knee`` for
        "scad", ``groups`` for "l20".

    Raises
    ------
    ValueError
        If there is no such penalty, it has no such option, or the option's value is refused.
    """
    return make_penalty(PENALTIES[check_choice("name", name, PENALTIES)], name, **options)


def check_penalty(penalty: str | Penalty, leading: tuple[int, ...]) -> Penalty:
    """Return the penalty, its parameters that are arrays broadcast to the shape (*leading, 1).

    Parameters
    ----------
    penalty : str or Penalty
        A name in `PENALTIES`, or a penalty.
    leading : tuple of ints
        The leading axes of the runs.

    Raises
    ------
    ValueError
        If there is no such penalty, or a parameter does not fit the leading axes.
    """
    if isinstance(penalty, str):
        penalty = get_penalty(check_choice("penalty", penalty, PENALTIES))
    if not isinstance(penalty, Penalty):
        raise ValueError(f"penalty must be a name or a Penalty, but is {penalty!r}")
    for name, value in penalty.parameters().items():
        try:
            np.broadcast_to(value, (*leading, 1))
        except ValueError:
            raise ValueError(
                f"penalty must have a parameter {name} that broadcasts to {(*leading, 1)}, but "
                f"its shape is {np.shape(value)}"
            ) from None
    return penalty.with_parameters(lambda value: np.broadcast_to(value, (*leading, 1)))


def make_penalty(kind: Callable[..., Penalty], name: str, **options: Any) -> Penalty:
    """Return a penalty of a class, and refuse options that the class does not have.

    Parameters
    ----------
    kind : type
        A class derived from `Penalty`.
    name : str
        What messages call it.
    **options
        Its parameters.

    Raises
    ------
    ValueError
        If it has no such option, an option's value is refused, or the class is not complete.
    """
    known = list(inspect.signature(kind).parameters)
    for option in options:
        if option not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{option} is not an option of {name}; its options: {allowed}")
    try:
        return kind(**options)
    except TypeError as error:  # a method or an argument is missing
        raise ValueError(f"penalty {name} cannot be made: {error}") from None


# -------------------------------------------------------------------------------------------------


def _norms(x: FloatArray, axis: int) -> FloatArray:
    """Return Euclidean norms along `axis`, in float64, without squares that over- or underflow."""
    largest = np.max(np.abs(x, dtype=np.float64), axis=axis, keepdims=True)
    # A power of two, because dividing by one is exact; 1/2 for a zero group.
    scale = np.ldexp(1.0, np.frexp(largest)[1] - 1)
    with np.errstate(over="ignore", under="ignore"):
        return np.squeeze(scale, axis) * np.sqrt(np.sum((x / scale) ** 2, axis=axis))


def _root_of_twice(t: Level, factor: Level = 1.0) -> FloatArray:
    """Return sqrt(2 t factor), factor from 1e-300 to 1e300, without over- or underflow."""
    product = t * factor
    if isinstance(product, float):  # one level for all runs of a loop
        if 1e-300 < product < 1e300:
            return np.asarray(math.sqrt(2.0 * product))
    elif np.all((product > 1e-300) & (product < 1e300)):
        return np.sqrt(2.0 * product)
    mantissa, exponent = np.frexp(t)
    odd = exponent % 2  # what remains of 2^exponent then has an exact root
    return np.ldexp(np.sqrt(2.0 * np.ldexp(mantissa, odd) * factor), (exponent - odd) // 2)


def _check_parameter(
    name: str, value: ArrayLike, minimum: float = 0.0, maximum: float = np.inf
) -> float | FloatArray:
    """Return a level or shape parameter as a float or float64 array within the range."""
    if isinstance(value, Real):
        return check_number(name, value, minimum=minimum, maximum=maximum)
    array = check_array(name, value, dtype=np.float64)
    for extreme in (array.min(), array.max()):
        check_number(name, extreme, minimum=minimum, maximum=maximum)
    return array


def _check_broadcast(shape: tuple[int, ...], **others: float | FloatArray) -> None:
    """Raise ValueError unless the arrays fit the shape of x (or of its groups) and each other."""
    for name, other in others.items():
        try:
            shape = np.broadcast_shapes(shape, np.shape(other))
        except ValueError:
            raise ValueError(
                f"{name} must broadcast against shape {shape}, but has shape {np.shape(other)}"
            ) from None
