"""Filters as directions: norms, unit filters, and the angle between two of them (docs/theory.md#a).

The network sees of a filter only its direction, so everything starts from unit filters and from the
two diagonals of the rhombus that they span,

    D = w^ - w*^,   S = w^ + w*^,   |D| = 2 sin(theta/2),   |S| = 2 cos(theta/2),

of which one is small where the angle is near 0 or pi, and is then computed without cancellation.

`length`, `unit`, `angle_between_units` and `tangent` check nothing: they are for inner loops. The
checks, of filters and of the parameters that go with them, are at the end.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.support.validation import FloatArray, check_array, check_integer, check_number

# How far the norm of a teacher may be from 1, by the precision in which it comes.
UNIT_TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-5}
# Whole numbers beyond this are no longer exact in float64.
MOST_PATCHES = 2**53
# sin(theta) up to which two filters count as parallel: what rounding w and w* can make of 0.
PARALLEL = 4 * np.finfo(np.float64).eps


def length(w: FloatArray) -> FloatArray:
    """Return the norms over the last axis, kept with length 1, of filters whose squares are finite.

    For an inner loop; `norms` takes filters of any size.

    Parameters
    ----------
    w : ndarray of shape (..., d)

    Returns
    -------
    ndarray of shape (..., 1)
    """
    return np.sqrt(_dot(w, w))[..., np.newaxis]


# NumPy 2 has the faster one.
_dot: Any = getattr(np, "vecdot", partial(np.einsum, "...i,...i"))


def norms(w: FloatArray) -> FloatArray:
    """Return the Euclidean norms over the last axis, which is kept with length 1, in float64.

    Entries are divided by a power of two near the largest first (which is exact), so that no square
    over- or underflows.

    Parameters
    ----------
    w : ndarray of shape (..., d)

    Returns
    -------
    ndarray of shape (..., 1)
    """
    scale = power_of_two(w)
    with np.errstate(over="ignore", under="ignore"):
        return scale * np.sqrt(np.sum((w / scale) ** 2, axis=-1, keepdims=True))


def unit(w: FloatArray) -> FloatArray:
    """Return w^ = w / |w| over the last axis, in float64, whatever the norms.

    Parameters
    ----------
    w : ndarray of shape (..., d)
        No filter may be zero (not checked: that gives NaN).

    Returns
    -------
    ndarray of shape (..., d)
    """
    with np.errstate(under="ignore"):
        scaled = w / power_of_two(w)
        return scaled / np.sqrt(np.sum(scaled**2, axis=-1, keepdims=True))


def angle_between_units(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Return theta = 2 atan2(|w - w*|, |w + w*|) for filters of norm 1 (not checked).

    Parameters
    ----------
    w, w_star : ndarrays of shape (..., d), leading axes broadcast

    Returns
    -------
    ndarray of the broadcast leading shape
    """
    return 2 * np.arctan2(norms(w - w_star), norms(w + w_star))[..., 0]


def tangent(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Return P w* with P = I - w w^T, for filters of norm 1 (not checked).

    It points along the sphere from w towards w* and has length sin(theta). P w* = -P D = P S, and
    the smaller of the two diagonals is projected: its digits are not lost to cancellation, so that
    the result is orthogonal to w to within rounding of its own length, however near theta is to 0
    or pi.

    Parameters
    ----------
    w, w_star : ndarrays of shape (..., d), leading axes broadcast

    Returns
    -------
    ndarray of the broadcast shape
    """
    cosine = np.sum(w * w_star, axis=-1, keepdims=True)
    diagonal = np.where(cosine > 0, w_star - w, w_star + w)
    return diagonal - np.sum(w * diagonal, axis=-1, keepdims=True) * w


def angle(w: ArrayLike, w_star: ArrayLike) -> FloatArray:
    """Return the angle between filters in [0, pi], 2 atan2(|w^ - w*^|, |w^ + w*^|).

    See docs/theory.md#a.

    Parameters
    ----------
    w, w_star : array_like of shapes (..., d)
        Filters of any norm but 0. Leading axes broadcast, so that many filters are compared at
        once.

    Returns
    -------
    ndarray of the broadcast leading shape
        0-d for two single filters. float32 if both arguments are (computed in float64, rounded
        once).

    Raises
    ------
    ValueError
        If an argument is not finite, has no axis, or holds a zero filter, or the shapes do not fit.

    Notes
    -----
    The absolute error is below 1e-14 at every angle, for d up to 10,000 and norms throughout the
    range of float64. arccos of the normalised dot product, by contrast, has an infinite slope at
    both ends and is wrong by 1e-8 there.
    """
    w = check_filter("w", w)
    w_star = check_filter("w_star", w_star)
    check_same_space(w, w_star)
    theta = angle_between_units(unit(w), unit(w_star))
    return np.asarray(theta, np.result_type(w, w_star))


def check_filter(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as a contiguous float array of shape (..., d) without zero filters.

    Raises
    ------
    ValueError
        If it is not finite, is empty, is a number, or holds a filter that is zero.
    """
    # Contiguous, because NumPy sums pairwise (with small errors) only along a contiguous axis.
    array = np.asarray(check_array(name, value), order="C")
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (..., d), but is the number {array}")
    zero = ~np.any(array, axis=-1)
    if np.any(zero):
        which = f" at {np.argwhere(zero)[0].tolist()}" if array.ndim > 1 else ""
        raise ValueError(f"{name} must have no zero filter (its angle is undefined){which}")
    return array


def check_teacher(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as by `check_filter`, with all norms 1 to within `UNIT_TOLERANCE`.

    Raises
    ------
    ValueError
        As `check_filter`, or if a norm differs from 1.
    """
    array = check_filter(name, value)
    length = norms(array)
    error = np.abs(length - 1)
    if np.max(error) > UNIT_TOLERANCE[array.dtype]:
        worst = length.flat[np.argmax(error)]
        raise ValueError(f"{name} must have norm 1, but has norm {worst:.10g}")
    return array


def check_same_space(w: FloatArray, w_star: FloatArray) -> None:
    """Raise ValueError unless w and w_star have one d and leading axes that broadcast."""
    try:
        fits = w.shape[-1] == w_star.shape[-1]
        np.broadcast_shapes(w.shape, w_star.shape)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"w_star must have the same d as w and leading axes that broadcast, but has shape "
            f"{w_star.shape} where w has shape {w.shape}"
        )


def power_of_two(w: NDArray[Any]) -> FloatArray:
    """Return, for each filter, the power of two next below its largest magnitude (1/2 for zero)."""
    largest = np.max(np.abs(w), axis=-1, keepdims=True).astype(np.float64)
    return np.ldexp(1.0, np.frexp(largest)[1] - 1)


def cone_slope(k: Any) -> Any:
    """Return c = k / (2 pi), the slope of the population loss f = c theta (docs/theory.md#a1)."""
    return k / (2 * np.pi)


def check_patches(name: str, value: ArrayLike, leading: tuple[int, ...]) -> NDArray[Any]:
    """Return `value`, one or more numbers of patches, as a float64 array that fits `leading` axes.

    Raises
    ------
    ValueError
        If it holds anything but whole numbers >= 1, is empty, or does not broadcast.
    """
    array = np.asarray(value)
    if array.ndim == 0:
        number = check_integer(name, array.item())
        if number > MOST_PATCHES:
            raise ValueError(f"{name} must be <= 2^53, but has {len(str(number))} digits")
        return np.asarray(number, np.float64)
    if array.dtype.kind not in "iu" or array.size == 0 or array.min() < 1:
        found = (
            f"holds {array.min()}" if array.dtype.kind in "iuf" and array.size else f"is {value!r}"
        )
        raise ValueError(
            f"{name} must be an integer >= 1 or an array of them, but {found} ({array.dtype})"
        )
    try:
        np.broadcast_shapes(leading, array.shape)
    except ValueError:
        raise ValueError(
            f"{name} must broadcast against the leading axes {leading}, but has shape {array.shape}"
        ) from None
    return array.astype(np.float64)


def check_parameter(name: str, value: ArrayLike, *, strict: bool = True) -> FloatArray:
    """Return one or more numbers > 0 (>= 0 unless `strict`) as a float64 array.

    Raises
    ------
    ValueError
        If one is not, or not finite.
    """
    array = check_array(name, value, dtype=np.float64)
    check_number(name, float(array.min()), strict=strict)
    return array


def broadcast_parameters(
    leading: tuple[int, ...], *, k: ArrayLike, **numbers: ArrayLike
) -> tuple[list[FloatArray], tuple[int, ...]]:
    """Return c = k/(2 pi) and the other parameters, checked, and the axes that all broadcast to.

    Parameters
    ----------
    leading : tuple of ints
        The leading axes of the filters.
    k : int or array_like of ints >= 1
    **numbers : float or array_like
        "lam" must be >= 0, every other > 0.

    Raises
    ------
    ValueError
        If one is out of range, not finite, or does not fit.
    """
    arrays = {
        name: check_parameter(name, value, strict=name != "lam") for name, value in numbers.items()
    }
    for name, value in {"k": np.asarray(k), **arrays}.items():
        try:
            leading = np.broadcast_shapes(leading, value.shape)
        except ValueError:
            raise ValueError(
                f"{name} must broadcast against the leading axes {leading} of the filters and the "
                f"other parameters, but has shape {value.shape}"
            ) from None
    return [cone_slope(check_patches("k", k, leading)), *arrays.values()], leading


def check_point(
    u: ArrayLike, w: ArrayLike, w_star: ArrayLike, *, k: ArrayLike, beta: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, list[FloatArray]]:
    """Return u, unit w, unit w* and [k / (2 pi), beta], checked."""
    sparse = check_array("u", u, dtype=np.float64)
    filters, teacher = check_filter("w", w), check_teacher("w_star", w_star)
    check_same_space(filters, teacher)
    leading = np.broadcast_shapes(filters.shape[:-1], teacher.shape[:-1])
    try:
        leading = np.broadcast_shapes((*leading, filters.shape[-1]), sparse.shape)[:-1]
    except ValueError:
        raise ValueError(
            f"u must have the same d as w and leading axes that broadcast, but has shape "
            f"{sparse.shape} where w has shape {filters.shape}"
        ) from None
    numbers, _ = broadcast_parameters(leading, k=k, beta=beta)
    return sparse, unit(filters), unit(teacher), numbers
