r"""The coarse gradient of the two-layer network, in expectation, for three pseudo-derivatives.

See docs/theory.md#e2. The output weights have a gradient, df/dv. The filter has none on a sample,
and the chain rule goes on with a pseudo-derivative mu' in the place of the step's derivative:

    g(v, w, Z) = (h(v, w, Z) - h(v*, w*, Z)) sum_i v_i mu'(Z_i . w) Z_i.

**The expectation** splits into patches. A patch's own error is v_i step(Z_i . w) - v*_i step(Z_i .
w*); that of every other patch is independent of Z_i, with the mean (v_j - v*_j)/2. Write the
patch's own error as v*_i (step(Z_i . w) - step(Z_i . w*)) + (v_i - v*_i) step(Z_i . w): the first
part is the patch of part A, and what is left points along w. With G = E[(step(z . w) - step(z .
w*)) mu'(z . w) z], part A's coarse gradient for one patch and slope 1 (docs/theory.md#a1),

    E g = (v . v*) G + r w^,

                    r                                  m
    relu            m/2 v^T (I + J) (v - v*)           1 / sqrt(2 pi)
    clipped_relu    m/2 v^T (I + J) (v - v*)           (1 - exp(-c^2/2)) / sqrt(2 pi),  c = 1/|w|
    identity        m v . (v - v*)                     1 / sqrt(2 pi)

m is E[mu'(x) step(x) x] for x = |w| N(0, 1), divided by |w|. For the identity other patches drop
out: E[mu' Z_i] = E Z_i = 0. That is the whole difference between it and ReLU's, up to a factor 2:

* All three **turn** the filter along part A's coarse gradient, times v . v*. So all three keep an
  acute angle with df/dw (docs/theory.md#e2).
* They differ in what they do to its **length**. At a stationary point of f, ReLU's and the clipped
  ReLU's E g vanish. The identity's r does not (docs/theory.md#e3): w is shortened until a step
  carries it through the origin, to the opposite direction (docs/theory.md#e5).

References
----------
.. [1] Yin, Lyu, Zhang, Osher, Qi, Xin, *Understanding Straight-Through Estimator in Training
   Activation Quantized Neural Nets*, ICLR 2019, arXiv:1903.05662.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.filters import norms, unit
from zeroone.gaussian.population import PSEUDO, coarse_gradient_of_patch
from zeroone.gaussian.two_layer import Gradient, Network, check_network, output_gradient, widened
from zeroone.support.validation import FloatArray, check_choice


def coarse_gradient(
    v: ArrayLike,
    w: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    derivative: str = "relu",
) -> Gradient:
    """Return (df/dv, E g): the gradient by output weights, and the coarse one by the filter.

    See docs/theory.md#e2; [1]_.

    Parameters
    ----------
    v, w, v_star, w_star
        As in `zeroone.gaussian.two_layer.loss`.
    derivative : {"relu", "identity", "clipped_relu"}
        The pseudo-derivative mu'. For clipped_relu the result depends on |w|.

    Returns
    -------
    Gradient
        Two arrays, with the leading axes of all four broadcast. float32 if all four are (computed
        in float64, rounded once).

    Raises
    ------
    ValueError
        As `zeroone.gaussian.two_layer.loss`, or if `derivative` is none of the three.

    Examples
    --------
    At the teacher both parts vanish; with the identity E g does so too.

    >>> coarse_gradient([1.0, 2.0], [3.0, 0.0], [1.0, 2.0], [1.0, 0.0], "identity").w.tolist()
    [0.0, 0.0]
    """
    check_choice("derivative", derivative, PSEUDO)
    network, dtype = check_network(v, w, v_star, w_star)
    by_w = filter_coarse_gradient(network, derivative)
    return widened(Gradient(output_gradient(network), by_w), dtype)


def filter_coarse_gradient(network: Network, derivative: str) -> FloatArray:
    """Return E g = (v . v*) G + r w^ (not checked)."""
    v, w, v_star, w_star = network
    length, direction = norms(w), unit(w)
    patch = coarse_gradient_of_patch(direction, w_star, length, derivative) / np.sqrt(2 * np.pi)
    dot = np.sum(v * v_star, axis=-1, keepdims=True)
    return dot * patch + lengthening(network, derivative) * direction


def lengthening(network: Network, derivative: str) -> FloatArray:
    """Return r, of shape (..., 1): what of E g points along w whatever the angle (not checked)."""
    v, w, v_star, _ = network
    error = v - v_star
    own = np.sum(v * error, axis=-1, keepdims=True)
    if derivative == "identity":
        return own / np.sqrt(2 * np.pi)
    others = np.sum(v, axis=-1, keepdims=True) * np.sum(error, axis=-1, keepdims=True)
    return active_mean(w, derivative) / 2 * (own + others)


def active_mean(w: FloatArray, derivative: str) -> FloatArray:
    """Return m = E[mu'(x) step(x) x] / |w|, x = |w| N(0, 1), of shape (..., 1)."""
    if derivative != "clipped_relu":
        return np.ones((*w.shape[:-1], 1)) / np.sqrt(2 * np.pi)
    # Beyond c = 1000 the clip is out of reach of any sample.
    c = 1 / np.maximum(norms(w), 1e-3)
    return -np.expm1(-(c**2) / 2) / np.sqrt(2 * np.pi)
