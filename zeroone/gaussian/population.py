"""What the no-overlap network is in expectation: its loss, and its gradients, true and coarse.

See docs/theory.md#a1. For a filter w, a teacher w* of norm 1 and k patches of i.i.d. N(0, 1)
inputs, with theta the angle between the two and c = k / (2 pi):

    f(w)      = c theta                     `population_loss`: the expected sample loss
    grad f(w) = -(c / |w|) P w* / |P w*|    `true_gradient`:   P = I - w^ w^T
    E g(w)    = c (w^ - w*)                 `coarse_gradient`: mu' = step, slope sqrt(2/pi)

f is a cone around the ray of w*: however near theta is to 0, its gradient keeps the length c/|w|.
The coarse gradient is not the gradient of f, but vanishes at w* and makes an acute angle with
grad f, which is theta/2 exactly (docs/theory.md#a2).

All functions take many filters at once: the leading axes of w, those of w* and the axes of k
broadcast.

**Other pseudo-derivatives.** One sample's coarse gradient is

    g(w, Z) = slope (h(w, Z) - h(w*, Z)) sum_i mu'(Z_i . w) Z_i,

with mu' = 1[x > 0] (``relu``, the paper's), 1 (``identity``) or 1[0 < x <= 1] (``clipped_relu``),
and slope = sqrt(2/pi) by convention for all three: mu is the "ReLU of smaller slope" of [1]_,
eq. (8).

The expectation. h(w, Z) - h(w*, Z) is a sum over patches of e_i = step(Z_i . w) - step(Z_i . w*).
The e_i have mean 0, and patches are independent, so that products of e_i with another patch's
mu'(Z_j . w) Z_j have mean 0. What remains is k times one patch,

    E g = slope k E[(step(s) - step(y)) mu'(|w| s) z],   z in R^d, s = z . w^, y = z . w*.

Write v = P w* / sin(theta), so that y = s cos(theta) + t sin(theta), with s and t = z . v
independent N(0, 1).

identity
    E[step(s) z] = w^ / sqrt(2 pi), hence E g = slope k (w^ - w*) / sqrt(2 pi).
relu
    mu' = step(s) leaves s > 0 >= y, and z -> -z exchanges that with s <= 0 < y, the other half of
    what identity counts. E g is exactly **half of identity's**: (k / 2 pi) (w^ - w*) with the
    slope above.
clipped_relu
    leaves 0 < s <= b = 1/|w| and y <= 0. The component along v is

        -int_0^b phi(s) phi(s cot(theta)) ds = -sin(theta) erf(q) / (2 sqrt(2 pi)),

    with q = b / (sqrt(2) sin(theta)), and, by parts, the one along w^ is
    int_0^b s phi(s) Phi(-s cot(theta)) ds = a / (2 sqrt(2 pi)), where

        a = 1 - cos(theta) erf(q) - exp(-b^2/2) erfc(q cos(theta)).

    Together E g = slope k / (2 sqrt(2 pi)) (a w^ - erf(q) P w*), which is relu's for w -> 0.

What this means for descent. grad f points along -v (`true_gradient`), and
with the convention for slope

================ ============================================ ====================
mu'              <E g, grad f>                                angle(E g, grad f)
================ ============================================ ====================
relu             k^2 sin(theta) / (4 pi^2 |w|)                theta/2
identity         k^2 sin(theta) / (4 pi^2 |w|) times 2        theta/2
clipped_relu     k^2 sin(theta) / (4 pi^2 |w|) times erf(q)   at most theta/2
================ ============================================ ====================

* **All three keep an acute angle** with the true gradient on all of 0 < theta < pi: on this
  network, whose output weights are fixed, none of them leads astray in expectation. (The
  differences reported in [3]_ are for a second layer that is trained as well, as in
  `zeroone.gaussian.two_layer_coarse`.) They differ in size and in the noise of samples.
* Near theta = 0 the angle goes to 0, but the inner product vanishes like theta: the true gradient
  keeps its length k/(2 pi |w|), and all three coarse gradients vanish. Steps along them settle at
  w*, where steps along the true gradient jump over it.
* Near theta = pi the angle goes to pi/2 and the inner product vanishes like pi - theta. What
  remains of E g points along w; it changes the length of w and not its direction. -w* is a fixed
  point of normalised descent, repelling, and left slowly.
* The clipped ReLU depends on |w|: erf(q) falls like sqrt(2/pi) / (|w| sin(theta)) for long
  filters, so that descent stalls unless w is normalised. For |w| = 1 it is at least
  erf(1/sqrt(2)) = 0.68. Its direction is better than relu's: at a fixed theta the angle goes to 0
  as |w| grows.
* The descent inequality of docs/theory.md#a4 (ii), needs E g = (k / 2 pi) (w^ - w*) exactly: slope
  sqrt(2/pi) for relu, 1/sqrt(2 pi) for identity.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
.. [2] Yin, Zhang, Lyu, Osher, Qi, Xin, *Blended Coarse Gradient Descent for Full Quantization of
   Deep Neural Networks*, arXiv:1808.05240.
.. [3] Yin, Lyu, Zhang, Osher, Qi, Xin, *Understanding Straight-Through Estimator in Training
   Activation Quantized Neural Nets*, ICLR 2019, arXiv:1903.05662.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.special import erf, erfc

from zeroone.gaussian.filters import (
    PARALLEL,
    angle_between_units,
    check_filter,
    check_patches,
    check_same_space,
    check_teacher,
    cone_slope,
    norms,
    tangent,
    unit,
)
from zeroone.support.validation import FloatArray, check_choice, check_number

SLOPE = float(np.sqrt(2 / np.pi))
PSEUDO = ("relu", "identity", "clipped_relu")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def population_loss(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return f(w) = E 1/2 (h(w, Z) - h(w*, Z))^2 = (k / 2 pi) theta (docs/theory.md#a1; [1]_).

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
    return np.asarray(cone_slope(k) * angle_between_units(unit(w), unit(w_star)), dtype)


def true_gradient(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return grad f(w) = -(k / (2 pi |w|)) P w* / |P w*|, P = I - w^ w^T.

    See docs/theory.md#a1; [1]_, [2]_.

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
        slope = cone_slope(k)[..., np.newaxis] * (along / np.maximum(sine, PARALLEL))
        return np.asarray(np.where(sine > PARALLEL, -slope / norms(w), 0.0), dtype)


def coarse_gradient(w: ArrayLike, w_star: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return E g(w, Z) = (k / 2 pi) (w^ - w*), the expected coarse gradient.

    See docs/theory.md#a1; [2]_.

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
    c = cone_slope(k)[..., np.newaxis]
    return np.asarray(coarse_gradient_of_units(unit(w), unit(w_star), c), dtype)


def coarse_gradient_of_units(w: FloatArray, w_star: FloatArray, c: FloatArray) -> FloatArray:
    """Return E g(w, Z) = c (w - w*), c = k/(2 pi), for filters of norm 1 (not checked)."""
    return c * (w - w_star)


def expected_coarse_gradient(
    w: ArrayLike, w_star: ArrayLike, k: ArrayLike, pseudo: str = "relu", slope: float = SLOPE
) -> FloatArray:
    """Return E g(w, Z) for a pseudo-derivative mu' (derived at the top of this module).

    Parameters
    ----------
    w, w_star, k
        As in `population_loss`.
    pseudo : {"relu", "identity", "clipped_relu"}
        The pseudo-derivative mu'. For clipped_relu the result depends on |w|.
    slope : float > 0, default sqrt(2/pi)
        The factor of the convention.

    Returns
    -------
    ndarray of the broadcast shape (..., d)
        float32 if w and w_star are (computed in float64, rounded once). The error is rounding
        relative to the result's norm and to |w^ - w*|, also for the clipped ReLU near theta = 0 and
        pi and for long w.

    Raises
    ------
    ValueError
        As `population_loss`, or if `pseudo` is none of the three or slope is not > 0.
    """
    check_choice("pseudo", pseudo, PSEUDO)
    slope = check_number("slope", slope, strict=True)
    w, w_star, k, dtype = check_population(w, w_star, k)
    w_unit, w_star_unit = unit(w), unit(w_star)
    patch = coarse_gradient_of_patch(w_unit, w_star_unit, norms(w), pseudo)
    return np.asarray(slope / np.sqrt(2 * np.pi) * k[..., np.newaxis] * patch, dtype)


def coarse_gradient_of_patch(
    w: FloatArray, w_star: FloatArray, length: FloatArray, pseudo: str
) -> FloatArray:
    """Return sqrt(2 pi) E[(step(z . w) - step(z . w*)) mu'(z . w) z] for one patch z.

    For unit w and w* (not checked); `length`, of shape (..., 1), is the norm that w had.
    """
    if pseudo == "clipped_relu":
        return _clipped_patch(w, w_star, length)
    return (w - w_star) * (1.0 if pseudo == "identity" else 0.5)


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


def _clipped_patch(w: FloatArray, w_star: FloatArray, length: FloatArray) -> FloatArray:
    """Return (a w - erf(q) P w*) / 2 for unit w and w*, `length` the norm that w had.

    a is a sum that cancels where theta is near 0 or pi, or w is long. With m = min(|D|, |S|)^2 / 2
    = 1 - |cos(theta)|, h = 1 / (sqrt(2) |w|) = q sin(theta) and F = |cos| erf(q) - erf(q |cos|),

        a = (1 - exp(-h^2)) erfc(q cos) - sign(cos) F,   F = erf(q) - erf(q |cos|) - m erf(q),

    every term is of the size of the result or smaller.
    """
    D, S = norms(w - w_star), norms(w + w_star)
    cosine_sign = np.where(D < S, 1.0, -1.0)
    m = np.minimum(D, S) ** 2 / 2
    sine = D * S / 2
    # Beyond h = 700 the clip is out of reach of any sample: exp(-h^2) = 0 and erf(h) = 1.
    h = np.sqrt(0.5) / np.maximum(length, 1e-3)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        q = np.where(sine > 0, h / sine, np.inf)
        lower, width = q * (1 - m), h * sine / (2 - m)  # q |cos| and q - q |cos|
        F = _erf_increment(lower, width) - m * erf(q)
        a = -np.expm1(-(h**2)) * erfc(cosine_sign * lower) - cosine_sign * F
    return 0.5 * (a * w - erf(q) * tangent(w, w_star))


def _erf_increment(x: FloatArray, width: FloatArray) -> FloatArray:
    """Return erf(x + width) - erf(x) for x, width >= 0 with a relative error of rounding.

    Over a short interval by Gauss-Legendre quadrature of the integrand, without the difference.
    """
    nodes = x[..., np.newaxis] + width[..., np.newaxis] * (_NODES + 1) / 2
    short = width / np.sqrt(np.pi) * np.sum(_WEIGHTS * np.exp(-(nodes**2)), axis=-1)
    return np.where(width < 0.5, short, erfc(x) - erfc(x + width))
