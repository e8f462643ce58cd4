"""Penalties that make weights sparse, and their proximal maps.

The proximal map of a penalty P at level t >= 0 is, here and everywhere in the package,

    prox_{t P}(x) = argmin_u  t P(u) + 1/2 |u - x|^2

(theory, A5; [1]_). Where two points are minimisers, one of them is 0, and **the map takes 0**.

=============== ==================================== =======================================
penalty         P(u)                                 prox_{t P}(x)
=============== ==================================== =======================================
`L1`            sum |u_i|                            soft: shrink |x_i| by t, at most to 0
`L0`            number of u_i != 0                   hard: keep x_i iff |x_i| > sqrt(2 t)
`TransformedL1` sum (a+1)|u_i| / (a+|u_i|)           between: `transformed_l1_threshold`
`GroupL20`      number of rows (or columns) that     group hard: keep a group g iff
                are not zero                         |g|^2 > 2 t
=============== ==================================== =======================================

A penalty has two methods, `value` and `prox`, with one signature for all of them; the maps are
also plain functions. Levels may be arrays: t, and the a of `TransformedL1`, broadcast against x, so
that one call serves a batch of runs. A t of shape ``(n_runs, 1)`` gives each row of an x of shape
``(n_runs, d)`` its own level.

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
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.validation import FloatArray, check_array, check_choice, check_number

Axis = int | tuple[int, ...]
# A group lies along this axis: row j of a matrix is x[..., j, :].
GROUP_AXES = {"rows": -1, "columns": -2}
# Wide enough to reach both limits; outside, (a + 1)/a or a + 1 may overflow.
A_RANGE = (1e-300, 1e300)


def soft_threshold(x: ArrayLike, t: ArrayLike) -> FloatArray:
    """Return the proximal map of t |.|_1: sign(x) max(|x| - t, 0)  (theory, A5).

    Parameters
    ----------
    x : array_like of any shape
    t : float or array_like >= 0 that broadcasts against x

    Returns
    -------
    ndarray of the broadcast shape
        In x's precision. Entries with |x| <= t are 0.

    Raises
    ------
    ValueError
        If x or t is not finite, t is negative, or the shapes do not broadcast.
    """
    x, t = check_array("x", x), _check_parameter("t", t)
    _check_broadcast(x.shape, t=t)
    exact = x.astype(np.float64, copy=False)
    # What is subtracted is x itself where |x| <= t, so those entries are +0 and never -0.
    return np.asarray(exact - np.clip(exact, -t, t), x.dtype)


def hard_threshold(x: ArrayLike, t: ArrayLike) -> FloatArray:
    """Return the proximal map of t |.|_0: x where |x| > sqrt(2 t), else 0  (theory, A5).

    Keeping x costs t, and dropping it x^2/2. At |x| = sqrt(2 t) they tie, and 0 is taken.

    Parameters
    ----------
    x : array_like of any shape
    t : float or array_like >= 0 that broadcasts against x

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
    _check_broadcast(x.shape, t=t)
    return np.asarray(np.where(np.abs(x, dtype=np.float64) > _root_of_twice(t), x, 0), x.dtype)


def transformed_l1_threshold(x: ArrayLike, t: ArrayLike, a: ArrayLike = 1.0) -> FloatArray:
    """Return the proximal map of t sum rho_a, rho_a(u) = (a+1)|u| / (a+|u|)  (theory, A5; [2]_).

    Parameters
    ----------
    x : array_like of any shape
    t : float or array_like >= 0 that broadcasts against x
    a : float or array_like > 0 that broadcasts against x and t
        The shape of the penalty, from 1e-300 to 1e300. a -> inf gives l1, a -> 0 gives l0.

    Returns
    -------
    ndarray of the broadcast shape
        In x's precision.

    Raises
    ------
    ValueError
        If one is not finite, t is negative, a out of range, or the shapes do not broadcast.

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
    x, t = check_array("x", x), _check_parameter("t", t)
    a = _check_parameter("a", a, *A_RANGE)
    _check_broadcast(x.shape, t=t, a=a)
    magnitude = np.abs(x, dtype=np.float64)
    half_s = 0.5 * a + 0.5 * magnitude  # s itself could overflow
    m = _root_of_twice(t, a + 1.0)
    with np.errstate(over="ignore", under="ignore"):  # in the branch that is not taken
        threshold = np.where(m <= a, t * ((a + 1.0) / a), m - 0.5 * a)
        q = np.sqrt(27 / 8 * (0.5 * a / half_s)) * (0.5 * m / half_s)
        sine = np.sin(np.arcsin(np.minimum(q, 1.0)) / 3)
        shrinkage = np.minimum(8 / 3 * (half_s * sine) * sine, magnitude)
    return np.asarray(np.where(magnitude > threshold, x - np.copysign(shrinkage, x), 0), x.dtype)


def group_hard_threshold(
    x: ArrayLike, t: ArrayLike, groups: Literal["rows", "columns"] = "rows"
) -> FloatArray:
    """Return the proximal map of t |.|_{2,0}: keep group g iff |g|^2 > 2 t  (theory, A5; [3]_).

    Keeping a group costs t, and dropping it |g|^2/2. At |g|^2 = 2 t they tie, and 0 is taken.

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
    x, t = check_array("x", x), _check_parameter("t", t)
    axis = _group_axis(x, groups)
    norms = _norms(x, axis)
    _check_broadcast(norms.shape, t=t)
    kept = np.expand_dims(norms > _root_of_twice(t), axis)
    return np.asarray(np.where(kept, x, 0), x.dtype)


class Penalty(ABC):
    """A penalty P on an array: its value, and the proximal map of its multiples."""

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
        total = np.sum(self._terms(x, axis), axis=axis, dtype=np.float64)
        return float(total) if axis is None else np.asarray(total)

    @abstractmethod
    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return prox_{t P}(x) = argmin_u t P(u) + 1/2 |u - x|^2, and 0 at a tie."""

    @abstractmethod
    def _terms(self, x: FloatArray, axis: Axis | None) -> NDArray[Any]:
        """Return the terms of the sum P(x), in an array that may be summed over `axis`."""


@dataclass(frozen=True)
class L1(Penalty):
    """P(u) = sum |u_i|; its map is `soft_threshold`."""

    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return `soft_threshold` (x, t)."""
        return soft_threshold(x, t)

    def _terms(self, x: FloatArray, axis: Axis | None) -> NDArray[Any]:
        return np.abs(x)


@dataclass(frozen=True)
class L0(Penalty):
    """P(u) = number of u_i != 0; its map is `hard_threshold`."""

    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return `hard_threshold` (x, t)."""
        return hard_threshold(x, t)

    def _terms(self, x: FloatArray, axis: Axis | None) -> NDArray[Any]:
        return x != 0


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
    """

    a: ArrayLike = 1.0

    def __post_init__(self) -> None:
        a = _check_parameter("a", self.a, *A_RANGE)
        if isinstance(a, np.ndarray):
            a = a.copy()
            a.setflags(write=False)
        object.__setattr__(self, "a", a)

    # The generated comparison would ask an array for its truth value.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, TransformedL1) and np.array_equal(self.a, other.a)

    def __hash__(self) -> int:
        return hash((np.shape(self.a), np.asarray(self.a).tobytes()))

    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return `transformed_l1_threshold` (x, t, a)."""
        return transformed_l1_threshold(x, t, self.a)

    def _terms(self, x: FloatArray, axis: Axis | None) -> NDArray[Any]:
        a = np.asarray(self.a, np.float64)
        _check_broadcast(x.shape, a=a)
        magnitude = np.abs(x, dtype=np.float64)
        # Halved, so that a + |u| cannot overflow; in this order, so that no product underflows.
        return magnitude * ((0.5 * a + 0.5) / (0.5 * a + 0.5 * magnitude))


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        check_choice("groups", self.groups, GROUP_AXES)

    def prox(self, x: ArrayLike, t: ArrayLike) -> FloatArray:
        """Return `group_hard_threshold` (x, t, groups)."""
        return group_hard_threshold(x, t, self.groups)

    def _terms(self, x: FloatArray, axis: Axis | None) -> NDArray[Any]:
        along = _group_axis(x, self.groups)
        if axis is not None and along % x.ndim not in np.atleast_1d(axis) % x.ndim:
            raise ValueError(
                f"axis must contain {along}, along which the groups lie, but is {axis}"
            )
        return np.any(x != 0, axis=along, keepdims=True)


PENALTIES: dict[str, Callable[..., Penalty]] = {
    "l1": L1,
    "l0": L0,
    "tl1": TransformedL1,
    "l20": GroupL20,
}


def get_penalty(name: str, **options: Any) -> Penalty:
    """Return the penalty called `name`.

    Parameters
    ----------
    name : {"l1", "l0", "tl1", "l20"}
    **options
        ``a`` for "tl1"; ``groups`` for "l20".

    Raises
    ------
    ValueError
        If there is no such penalty, it has no such option, or the option's value is refused.
    """
    penalty = PENALTIES[check_choice("name", name, PENALTIES)]
    known = [field.name for field in fields(penalty)]  # type: ignore[arg-type]
    for option in options:
        if option not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{option} is not an option of {name}; its options: {allowed}")
    return penalty(**options)


def _group_axis(x: FloatArray, groups: str) -> int:
    axis = GROUP_AXES[check_choice("groups", groups, GROUP_AXES)]
    if x.ndim < 2:
        raise ValueError(f"x must have at least 2 axes to have {groups}, but has shape {x.shape}")
    return axis


def _norms(x: FloatArray, axis: int) -> FloatArray:
    """Return Euclidean norms along `axis`, in float64, without squares that over- or underflow."""
    largest = np.max(np.abs(x, dtype=np.float64), axis=axis, keepdims=True)
    # A power of two, because dividing by one is exact; 1/2 for a zero group.
    scale = np.ldexp(1.0, np.frexp(largest)[1] - 1)
    with np.errstate(over="ignore", under="ignore"):
        return np.squeeze(scale, axis) * np.sqrt(np.sum((x / scale) ** 2, axis=axis))


def _root_of_twice(t: float | FloatArray, factor: float | FloatArray = 1.0) -> FloatArray:
    """Return sqrt(2 t factor), 1 <= factor <= 1e300, with no loss where the product is extreme."""
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
