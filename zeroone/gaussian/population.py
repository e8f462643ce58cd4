"""The population loss of the no-overlap network and its gradients, true and coarse (theory, A1).

For a filter w, a teacher w* of norm 1 and k patches of i.i.d. N(0, 1) inputs, with theta the angle
between the two:

    f(w)      = (k / 2 pi) theta                     `population_loss`: the expected sample loss
    grad f(w) = -(k / (2 pi |w|)) P w* / |P w*|      `true_gradient`:   P = I - w^ w^T
    E g(w)    = (k / 2 pi) (w^ - w*)                 `coarse_gradient`: mu' = step, sqrt(2/pi)

f is a cone around the ray of w*: however near theta is to 0, its gradient keeps the length k/(2 pi
|w|). The coarse gradient is not the gradient of f, but vanishes at w* and makes an acute angle with
grad f, which is theta/2 exactly (theory, A2). `zeroone.gaussian.pseudo` has the expected coarse
gradients of other pseudo-derivatives.

All functions take many filters at once: the leading axes of w, those of w* and the axes of k
broadcast.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
.. [2] Yin, Zhang, Lyu, Osher, Qi, Xin, *Blended Coarse Gradient Descent for Full Quantization of
   Deep Neural Networks*, arXiv:1808.05240.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from zeroone.gaussian.geometry import (
    PARALLEL,
    angle,
    angle_between_units,
    check_filter,
    check_same_space,
    check_teacher,
    norms,
    tangent,
    unit,
)
from zeroone.validation import FloatArray, check_integer

__all__ = ["angle", "coarse_gradient", "population_loss", "true_gradient"]


def population_loss(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return f(w) = E 1/2 (h(w, Z) - h(w*, Z))^2 = (k / 2 pi) theta  (theory, A1; [1]_).

    Why: the k terms step(Z_i . w) - step(Z_i . w*) are independent with mean 0, and differ from 0
    with probability theta/pi.

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero.
    w_star : array_like of shape (..., d)
        Teachers of norm 1 (to within 1e-9, in float32 1e-5; they are normalised to the last digit).
    k : int or array_like of ints
        Number of patches, at least 1; an array broadcasts against the leading axes.

    Returns
    -------
    ndarray of the broadcast leading shape
        0-d for single filters. float32 if w and w_star are (computed in float64, rounded once).

    Raises
    ------
    ValueError
        If an argument is not finite, w holds a zero filter, w_star one whose norm is not 1, k is
        not a whole number >= 1, or the shapes do not fit.
    """
    w, w_star, k, dtype = check_population(w, w_star, k)
    return np.asarray(k / (2 * np.pi) * angle_between_units(unit(w), unit(w_star)), dtype)


def true_gradient(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return grad f(w) = -(k / (2 pi |w|)) P w* / |P w*|, P = I - w^ w^T  (theory, A1; [1]_, [2]_).

    Where w and w* are parallel or antiparallel f has a kink and no gradient: there the result is
    **zero**, the smallest of f's (Clarke) subgradients, as one takes 0 for the slope of |x| at 0.
    In one dimension every w is parallel or antiparallel, f is constant on both sides of 0, and zero
    is its gradient.

    Parameters
    ----------
    w, w_star, k
        As in `population_loss`.

    Returns
    -------
    ndarray of the broadcast shape (..., d)
        In the precision of `population_loss`. Infinite where k/(2 pi |w|) overflows.

    Raises
    ------
    ValueError
        As `population_loss`.

    Notes
    -----
    Parallel means sin(theta) <= 8.9e-16 (4 units of rounding), since normalising 3 w* leaves a
    random direction of that length. Above, the result is the exact gradient at filters that differ
    by rounding from the given ones: its length is right to the last digits and so is its
    orthogonality to w, its direction has the error 1e-16 / sin(theta) that no algorithm can avoid.
    """
    w, w_star, k, dtype = check_population(w, w_star, k)
    along = tangent(unit(w), unit(w_star))
    sine = norms(along)
    with np.errstate(over="ignore"):
        slope = -k[..., np.newaxis] / (2 * np.pi) * (along / np.maximum(sine, PARALLEL))
        return np.asarray(np.where(sine > PARALLEL, slope / norms(w), 0.0), dtype)


def coarse_gradient(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return E g(w, Z) = (k / 2 pi) (w^ - w*), the expected coarse gradient  (theory, A1; [2]_).

    g(w, Z) = sqrt(2/pi) (h(w, Z) - h(w*, Z)) sum_i mu'(Z_i . w) Z_i with mu' = step, the derivative
    of ReLU. The papers write the expectation as (k/pi) (w^ - cos(theta/2) (w^ + w*)/|w^ + w*|);
    since |w^ + w*| = 2 cos(theta/2) that is the same, but 0/0 at theta = pi.

    Parameters
    ----------
    w, w_star, k
        As in `population_loss`.

    Returns
    -------
    ndarray of the broadcast shape (..., d)
        In the precision of `population_loss`. Zero at theta = 0; at theta = pi it is (k/pi) w^,
        along w, and descent does not turn w.

    Raises
    ------
    ValueError
        As `population_loss`.
    """
    w, w_star, k, dtype = check_population(w, w_star, k)
    return np.asarray(k[..., np.newaxis] / (2 * np.pi) * (unit(w) - unit(w_star)), dtype)


def check_population(
    w: ArrayLike, w_star: ArrayLike, k: ArrayLike
) -> tuple[FloatArray, FloatArray, NDArray[Any], DTypeLike]:
    """Return filters, teachers, numbers of patches (float64), and the precision of the result.

    Raises
    ------
    ValueError
        As `population_loss`.
    """
    w = check_filter("w", w)
    w_star = check_teacher("w_star", w_star)
    check_same_space(w, w_star)
    dtype = np.result_type(w, w_star)
    leading = np.broadcast_shapes(w.shape[:-1], w_star.shape[:-1])
    return w, w_star, check_patches("k", k, leading), dtype


def check_patches(name: str, value: ArrayLike, leading: tuple[int, ...]) -> NDArray[Any]:
    """Return `value`, one or more numbers of patches, as a float64 array that fits `leading` axes.

    Raises
    ------
    ValueError
        If it holds anything but whole numbers >= 1, is empty, or does not broadcast.
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return np.asarray(check_integer(name, array.item()), np.float64)
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
