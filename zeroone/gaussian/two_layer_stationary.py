r"""Where the two-layer network's population loss is stationary: minima, saddles, spurious minima.

See docs/theory.md#e3. For a fixed angle theta, f is a convex parabola in v with the minimiser

    v(theta) = (I + J)^{-1} ((1 - 2 theta/pi) I + J) v* = v* - a (v* - 1 (1 . v*)/(k + 1)),

with a = 2 theta/pi. Along this curve

    f = a/8 (2 |v*|^2 - a q),   q = |v*|^2 - (1 . v*)^2/(k + 1).

That is a parabola upside down, from 0 at a = 0. Its top is where v(theta) . v* = 0:

    theta_s = (pi/2) |v*|^2 / q,

and it lies inside, theta_s < pi, if and only if

    2 (1 . v*)^2 < (k + 1) |v*|^2.      (*)

* theta = 0, v = v*: a global minimum, f = 0.
* theta = theta_s, v = v(theta_s): a **saddle**, if (*) holds.
* theta = pi, v = v(pi), where f = (1 . v*)^2 / (2 (k + 1)): if (*) holds, a **spurious minimum**,
  unless 1 . v* = 0. Then v(pi) = -v*, and -v* on the other half-space is the same function as v* on
  this one: a global minimum too. If (*) does not hold, f falls in theta on all sides, and the point
  is a saddle with a kink in place of a vanishing derivative.

In one dimension theta is 0 or pi and never changes, so that theta = pi always is a local minimum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.gaussian.filters import angle_between_units, unit
from zeroone.gaussian.two_layer import check_network
from zeroone.support.validation import FloatArray, check_array, check_integer, check_number

MINIMUM, SPURIOUS, SADDLE, NEITHER = KINDS = ("minimum", "spurious minimum", "saddle", "neither")
# A sum of output weights that is smaller, relative to the sum of magnitudes, is 0.
ROUNDING = 1e-12


class StationaryPoint(NamedTuple):
    """A point at which f is stationary; w is any filter at that angle.

    Parameters
    ----------
    kind : {"minimum", "spurious minimum", "saddle"}
    theta : float
        The angle of w and w*, in radians.
    v : ndarray of shape (k,)
    loss : float
    """

    kind: str
    theta: float
    v: FloatArray
    loss: float


def best_output_weights(theta: ArrayLike, v_star: ArrayLike) -> FloatArray:
    """Return v(theta), the output weights with the smallest loss at an angle.

    See docs/theory.md#e3.

    Parameters
    ----------
    theta : float or array_like of shape (...)
        In [0, pi].
    v_star : array_like of shape (..., k)

    Returns
    -------
    ndarray of the broadcast shape (..., k)

    Raises
    ------
    ValueError
        If an argument is not finite, theta is out of range, or v_star is a number.
    """
    angles = check_array("theta", theta, dtype=np.float64)[..., np.newaxis]
    if angles.min() < 0 or angles.max() > np.pi:
        raise ValueError("theta must be between 0 and pi")
    v_star = check_output_teacher(v_star)
    shrunk = v_star - np.sum(v_star, axis=-1, keepdims=True) / (v_star.shape[-1] + 1)
    return v_star - 2 * angles / np.pi * shrunk


def has_spurious_minimum(v_star: ArrayLike) -> NDArray[np.bool_]:
    """Return whether 0 < 2 (1 . v*)^2 < (k + 1) |v*|^2, for filters of two or more entries.

    Parameters
    ----------
    v_star : array_like of shape (..., k)

    Returns
    -------
    ndarray of bools of shape (...)
        A sum 1 . v* that rounding can explain counts as 0.

    Raises
    ------
    ValueError
        If v_star is not finite, is a number, or has nothing but zeros.

    Examples
    --------
    >>> has_spurious_minimum([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [2.0, -1.0, -1.0]]).tolist()
    [False, True, False]
    """
    v_star = check_output_teacher(v_star)
    return (saddle_angle(v_star) < np.pi) & ~sums_to_zero(v_star)


def sums_to_zero(v_star: FloatArray) -> NDArray[np.bool_]:
    """Return whether 1 . v* = 0 up to rounding, of shape (...) (not checked)."""
    return np.abs(np.sum(v_star, axis=-1)) <= ROUNDING * np.sum(np.abs(v_star), axis=-1)


def saddle_angle(v_star: ArrayLike) -> FloatArray:
    """Return theta_s = (pi/2) |v*|^2 / q, which is an angle only if it is below pi.

    Parameters
    ----------
    v_star : array_like of shape (..., k)

    Returns
    -------
    ndarray of shape (...)
        At least pi/2. With k = 1 it is pi for every v*.

    Raises
    ------
    ValueError
        As `has_spurious_minimum`.
    """
    v_star = check_output_teacher(v_star)
    k = v_star.shape[-1]
    scaled = v_star / np.max(np.abs(v_star), axis=-1, keepdims=True)
    square = np.sum(scaled**2, axis=-1)
    # A share of 1/2 is the borderline, and k = 1 lies exactly on it.
    share = np.sum(scaled, axis=-1) ** 2 / ((k + 1) * square)
    return np.pi / 2 / (1 - share)


def stationary_points(v_star: ArrayLike, d: int) -> list[StationaryPoint]:
    """Return the stationary points of f for one teacher, from theta = 0 to pi.

    See docs/theory.md#e3.

    Parameters
    ----------
    v_star : array_like of shape (k,)
    d : int
        The number of entries of a filter.

    Returns
    -------
    list of StationaryPoint
        Two of them, or three if there is a smooth saddle.

    Raises
    ------
    ValueError
        As `has_spurious_minimum`, or if v_star has several rows or d is not an integer >= 1.

    Examples
    --------
    >>> [point.kind for point in stationary_points([2.0, -1.0], d=3)]
    ['minimum', 'saddle', 'spurious minimum']
    >>> [point.kind for point in stationary_points([1.0, 1.0], d=3)]
    ['minimum', 'saddle']
    """
    v_star = check_output_teacher(v_star)
    if v_star.ndim != 1:
        raise ValueError(f"v_star must have shape (k,), but has shape {v_star.shape}")
    one_dimension = check_integer("d", d) == 1  # no angle between 0 and pi
    saddle = float(saddle_angle(v_star))
    far = MINIMUM if sums_to_zero(v_star) else SPURIOUS
    angles = {0.0: MINIMUM, np.pi: far if saddle < np.pi or one_dimension else SADDLE}
    if saddle < np.pi and not one_dimension:
        angles[saddle] = SADDLE
    return [_point(kind, theta, v_star) for theta, kind in sorted(angles.items())]


def _point(kind: str, theta: float, v_star: FloatArray) -> StationaryPoint:
    """Return the stationary point at an angle."""
    square = np.sum(v_star**2)
    q = square - np.sum(v_star) ** 2 / (len(v_star) + 1)
    a = 2 * theta / np.pi
    return StationaryPoint(
        kind, theta, best_output_weights(theta, v_star), float(a / 8 * (2 * square - a * q))
    )


def classify(
    v: ArrayLike,
    w: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    tolerance: float = 1e-3,
) -> NDArray[np.str_]:
    """Return the kind of the stationary point that each network is at, "neither" if at none.

    Parameters
    ----------
    v : array_like of shape (..., k)
    w : array_like of shape (..., d)
    v_star : array_like of shape (k,)
    w_star : array_like of shape (d,)
    tolerance : float > 0
        How far the angle may be from that of the point, in radians, and v in units of |v*|.

    Returns
    -------
    ndarray of str of shape (...)
        Entries of `KINDS`.

    Raises
    ------
    ValueError
        As `zeroone.gaussian.two_layer.loss` and `stationary_points`, or if tolerance is not > 0.
    """
    check_number("tolerance", tolerance, strict=True)
    network, _ = check_network(v, w, v_star, w_star)
    teacher = check_output_teacher(v_star)
    theta = angle_between_units(unit(network.w), network.w_star)
    leading = np.broadcast_shapes(theta.shape, network.v.shape[:-1])
    kinds = np.full(leading, NEITHER, dtype=f"<U{max(map(len, KINDS))}")
    for point in stationary_points(teacher, network.w.shape[-1]):
        far = np.linalg.norm(network.v - point.v, axis=-1) / np.linalg.norm(teacher)
        near = (np.abs(theta - point.theta) <= tolerance) & (far <= tolerance)
        kinds[np.broadcast_to(near, leading)] = point.kind
    return kinds


def check_output_teacher(v_star: ArrayLike) -> FloatArray:
    """Return v* as a float64 array of shape (..., k) without rows of zeros.

    Raises
    ------
    ValueError
        As `has_spurious_minimum`.
    """
    array = check_array("v_star", v_star, dtype=np.float64)
    if array.ndim == 0:
        raise ValueError(f"v_star must have shape (..., k), but is the number {array}")
    if not np.all(np.any(array, axis=-1)):
        raise ValueError("v_star must not be zero: every filter is as good as any other then")
    return array
