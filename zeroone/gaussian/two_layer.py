r"""The two-layer network on Gaussian input: its population loss and its true gradient.

See docs/theory.md#e1. The no-overlap network of docs/theory.md#a gets a second layer that is
learned as well, so that the student is (v, w) and the teacher (v*, w*):

    h(v, w, Z) = sum_i v_i step(Z_i . w),   f(v, w) = E 1/2 (h(v, w, Z) - h(v*, w*, Z))^2.

With J the matrix of ones, theta the angle of w and w*, and P = I - w^ w^T,

    f      = 1/8 (v - v*)^T (I + J) (v - v*) + (theta / 2 pi) v . v*                   `loss`
    df/dv  = 1/4 (I + J) (v - v*) + (theta / 2 pi) v*                                  `gradient`
    df/dw  = -(v . v*) / (2 pi |w|) P w* / |P w*|

These are the formulas of [1]_ with the terms collected so that nothing cancels near the teacher.
The second term of f is all that the filter can change: it is the cone of part A, times v . v*.
Where v . v* < 0 the cone stands on its tip, and the loss falls as w turns *away* from the teacher.
That is where spurious minima come from (`zeroone.gaussian.two_layer_stationary`).

References
----------
.. [1] Yin, Lyu, Zhang, Osher, Qi, Xin, *Understanding Straight-Through Estimator in Training
   Activation Quantized Neural Nets*, ICLR 2019, arXiv:1903.05662.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from zeroone.gaussian.filters import (
    PARALLEL,
    angle_between_units,
    check_filter,
    norms,
    tangent,
    unit,
)
from zeroone.support.validation import FloatArray, check_array


class Network(NamedTuple):
    """Students and their teachers, checked: float64 arrays whose leading axes broadcast.

    Parameters
    ----------
    v, v_star : ndarrays of shape (..., k)
        Output weights.
    w : ndarray of shape (..., d)
        Filters, of any norm but 0.
    w_star : ndarray of shape (..., d)
        Teachers' filters, of norm 1.
    """

    v: FloatArray
    w: FloatArray
    v_star: FloatArray
    w_star: FloatArray


class Gradient(NamedTuple):
    """A gradient, or what stands for one, by output weights and by filter.

    Parameters
    ----------
    v : ndarray of shape (..., k)
    w : ndarray of shape (..., d)
    """

    v: FloatArray
    w: FloatArray


def loss(v: ArrayLike, w: ArrayLike, v_star: ArrayLike, w_star: ArrayLike) -> FloatArray:
    """Return f(v, w) = 1/8 (v - v*)^T (I + J) (v - v*) + (theta / 2 pi) v . v*.

    See docs/theory.md#e1; [1]_.

    Parameters
    ----------
    v : array_like of shape (..., k)
        Output weights, one for each patch.
    w : array_like of shape (..., d)
        Filters, none of them zero; only their directions matter.
    v_star : array_like of shape (..., k)
        The teachers' output weights.
    w_star : array_like of shape (..., d)
        The teachers' filters, of any norm but 0; only their directions matter.

    Returns
    -------
    ndarray of the broadcast leading shape
        0-d for a single network. float32 if all four are (computed in float64, rounded once).

    Raises
    ------
    ValueError
        If an argument is not finite or has no axis, w or w_star holds a zero filter, or the shapes
        do not fit.

    Examples
    --------
    >>> float(loss([1.0, 2.0], [3.0, 0.0], [1.0, 2.0], [1.0, 0.0]))
    0.0
    >>> float(loss([1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [1.0, 0.0]))  # a quarter of 1 + 4
    1.25
    """
    network, dtype = check_network(v, w, v_star, w_star)
    output, angle = loss_terms(network)
    return np.asarray(output + angle, dtype)


def loss_terms(network: Network) -> tuple[FloatArray, FloatArray]:
    """Return the loss's two terms: of the output weights alone, and of the angle (not checked)."""
    v, w, v_star, w_star = network
    error = v - v_star
    output = (np.sum(error**2, axis=-1) + np.sum(error, axis=-1) ** 2) / 8
    theta = angle_between_units(unit(w), w_star)
    return output, theta / (2 * np.pi) * np.sum(v * v_star, axis=-1)


def gradient(v: ArrayLike, w: ArrayLike, v_star: ArrayLike, w_star: ArrayLike) -> Gradient:
    """Return the gradient of f, (df/dv, df/dw); see the top of this module.

    Where w and w* are parallel or antiparallel f has a kink in w, unless v . v* = 0. There df/dw is
    **zero**, as in `zeroone.gaussian.population.true_gradient`.

    Parameters
    ----------
    v, w, v_star, w_star
        As in `loss`.

    Returns
    -------
    Gradient
        Two arrays, with the leading axes of all four broadcast. In the precision of `loss`.

    Raises
    ------
    ValueError
        As `loss`.
    """
    network, dtype = check_network(v, w, v_star, w_star)
    along = tangent(unit(network.w), network.w_star)
    sine = norms(along)
    dot = np.sum(network.v * network.v_star, axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        slope = dot / (2 * np.pi) * (along / np.maximum(sine, PARALLEL))
        by_w = np.where(sine > PARALLEL, -slope / norms(network.w), 0.0)
    return widened(Gradient(output_gradient(network), by_w), dtype)


def output_gradient(network: Network) -> FloatArray:
    """Return df/dv = 1/4 (I + J) (v - v*) + (theta / 2 pi) v* (not checked; docs/theory.md#e1)."""
    v, w, v_star, w_star = network
    error = v - v_star
    theta = angle_between_units(unit(w), w_star)[..., np.newaxis]
    smoothed = error + np.sum(error, axis=-1, keepdims=True)  # (I + J)(v - v*)
    return smoothed / 4 + theta / (2 * np.pi) * v_star


def widened(gradient: Gradient, dtype: DTypeLike) -> Gradient:
    """Return both parts with the same leading axes, in a precision."""
    leading = np.broadcast_shapes(gradient.v.shape[:-1], gradient.w.shape[:-1])
    return Gradient(
        *(np.array(np.broadcast_to(one, (*leading, one.shape[-1])), dtype) for one in gradient)
    )


def check_network(
    v: ArrayLike, w: ArrayLike, v_star: ArrayLike, w_star: ArrayLike
) -> tuple[Network, DTypeLike]:
    """Return students and teachers, checked, w* of norm 1, and the precision of the result.

    Raises
    ------
    ValueError
        As `loss`.
    """
    arrays = [
        _check_weights("v", v),
        check_filter("w", w),
        _check_weights("v_star", v_star),
        check_filter("w_star", w_star),
    ]
    dtype = np.result_type(*arrays)
    pairs = {"v_star": (arrays[0], arrays[2]), "w_star": (arrays[1], arrays[3])}
    for name, (student, teacher) in pairs.items():
        if student.shape[-1] != teacher.shape[-1]:
            raise ValueError(
                f"{name} must have the {student.shape[-1]} entries of {name[0]}, but has "
                f"{teacher.shape[-1]}"
            )
    try:
        np.broadcast_shapes(*(each.shape[:-1] for each in arrays))
    except ValueError:
        raise ValueError(
            "v, w, v_star and w_star must have leading axes that broadcast, but have shapes "
            f"{', '.join(str(each.shape) for each in arrays)}"
        ) from None
    v, w, v_star, w_star = (each.astype(np.float64, copy=False) for each in arrays)
    return Network(v, w, v_star, unit(w_star)), dtype


def _check_weights(name: str, value: ArrayLike) -> FloatArray:
    """Return output weights as an array of shape (..., k)."""
    array = check_array(name, value)
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (..., k), but is the number {array}")
    return array
