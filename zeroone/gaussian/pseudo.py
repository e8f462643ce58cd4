"""What three pseudo-derivatives make of the coarse gradient, in expectation.

One sample's coarse gradient is

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
    leaves 0 < s <= c = 1/|w| and y <= 0. The component along v is

        -int_0^c phi(s) phi(s cot(theta)) ds = -sin(theta) erf(q) / (2 sqrt(2 pi)),

    with q = c / (sqrt(2) sin(theta)), and, by parts, the one along w^ is
    int_0^c s phi(s) Phi(-s cot(theta)) ds = a / (2 sqrt(2 pi)), where

        a = 1 - cos(theta) erf(q) - exp(-c^2/2) erfc(q cos(theta)).

    Together E g = slope k / (2 sqrt(2 pi)) (a w^ - erf(q) P w*), which is relu's for w -> 0.

What this means for descent. grad f points along -v (`zeroone.gaussian.population.true_gradient`),
and with the convention for slope

================ ============================================ ====================
mu'              <E g, grad f>                                angle(E g, grad f)
================ ============================================ ====================
relu             k^2 sin(theta) / (4 pi^2 |w|)                theta/2
identity         k^2 sin(theta) / (4 pi^2 |w|) times 2        theta/2
clipped_relu     k^2 sin(theta) / (4 pi^2 |w|) times erf(q)   at most theta/2
================ ============================================ ====================

* **All three keep an acute angle** with the true gradient on all of 0 < theta < pi: on this
  network, whose output weights are fixed, none of them leads astray in expectation. (The
  differences reported in [3]_ are for a second layer that is trained as well.) They differ in
  size and in the noise of samples.
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
* The descent inequality of theory, A4 (ii), needs E g = (k / 2 pi) (w^ - w*) exactly: slope
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

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf, erfc

from zeroone.gaussian.geometry import norms, tangent, unit
from zeroone.gaussian.population import check_population
from zeroone.validation import FloatArray, check_choice, check_number

SLOPE = float(np.sqrt(2 / np.pi))
PSEUDO = ("relu", "identity", "clipped_relu")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def expected_coarse_gradient(
    w: ArrayLike, w_star: ArrayLike, k: ArrayLike, pseudo: str = "relu", slope: float = SLOPE
) -> FloatArray:
    """Return E g(w, Z) for a pseudo-derivative mu' (derived at the top of this module).

    Parameters
    ----------
    w, w_star, k
        As in `zeroone.gaussian.population.population_loss`: filters (..., d), teachers of norm 1,
        numbers of patches; leading axes broadcast.
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
    if pseudo == "clipped_relu":
        patch = _clipped_patch(w_unit, w_star_unit, norms(w))
    else:
        patch = (w_unit - w_star_unit) * (1.0 if pseudo == "identity" else 0.5)
    return np.asarray(slope / np.sqrt(2 * np.pi) * k[..., np.newaxis] * patch, dtype)


def _clipped_patch(w: FloatArray, w_star: FloatArray, length: FloatArray) -> FloatArray:
    """Return (a w - erf(q) P w*) / 2 for unit w and w*, `length` the norm that w had.

    a is a sum that cancels where theta is near 0 or pi, or w is long. With m = min(|D|, |S|)^2 / 2
    = 1 - |cos(theta)|, h = c / sqrt(2) = q sin(theta) and F = |cos| erf(q) - erf(q |cos|),

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
