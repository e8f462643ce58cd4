"""Step activations, and the pseudo-derivatives that stand in for their derivatives.

Each step activation is constant except at its jumps: its derivative is zero wherever it exists, and
descent along it goes nowhere. A **pseudo-derivative** is the derivative mu' of another function mu,
put where the chain rule asks for the derivative of the step (the straight-through estimator). The
two are separate facts and separate functions here: what the unit computes (`step`, `sign`,
`staircase`), and what is pretended about its slope (`pseudo_derivative`).

================== ===================== ================== ========================
kind               mu(z)                 mu'(z)             stands for the slope of
================== ===================== ================== ========================
``identity``       z                     1                  any of them
``relu``           max(z, 0)             1[z > 0]           `step`
``clipped_relu``   min(max(z, 0), 1)     1[0 < z <= 1]      `step` and `staircase`
``saturating``     min(max(z, -1), 1)    1[-1 <= z <= 1]    `sign`
================== ===================== ================== ========================

Conventions of this module, on which every hot loop relies:

* Results are float32 for float32 input and float64 for everything else, integers and booleans
  included: arrays of the input's shape, 0-d for a scalar.
* No data are validated. **NaN compares false with everything, so it counts as "not positive"**:
  step(NaN) = 0, sign(NaN) = -1, staircase(NaN) = 0, and the pseudo-derivatives of NaN are 1
  (identity) or 0. That hides a NaN; whoever accepts data from outside has to check it first.
* -0.0 is zero, and infinities are ordinary large numbers.

References
----------
.. [1] Bengio, Leonard, Courville, *Estimating or Propagating Gradients Through Stochastic Neurons
   for Conditional Computation*, arXiv:1308.3432. The straight-through estimator (identity).
.. [2] Hubara, Courbariaux, Soudry, El-Yaniv, Bengio, *Binarized Neural Networks*, NeurIPS 2016,
   arXiv:1602.02830. The saturating estimator for sign.
.. [3] Yin, Zhang, Lyu, Osher, Qi, Xin, *Blended Coarse Gradient Descent for Full Quantization of
   Deep Neural Networks*, arXiv:1808.05240. ReLU and clipped ReLU as stand-ins.
.. [4] Yin, Lyu, Zhang, Osher, Qi, Xin, *Understanding Straight-Through Estimator in Training
   Activation Quantized Neural Nets*, ICLR 2019, arXiv:1903.05662. Identity, ReLU and clipped ReLU.
.. [5] Friesen, Domingos, *Deep Learning as a Mixed Convex-Combinatorial Optimization Problem*,
   ICLR 2018, arXiv:1710.11573. Sign and staircase units (docs/theory.md#units).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from zeroone.support.validation import FloatArray, check_choice, check_integer, floating_dtype

PseudoDerivative = Callable[[ArrayLike], FloatArray]


def step(z: ArrayLike, out: FloatArray | None = None) -> FloatArray:
    """Return 1 where z > 0 and 0 elsewhere; step(0) = 0.

    Parameters
    ----------
    z : array_like of any shape
        Preactivations. Not validated: NaN gives 0.
    out : ndarray of z's shape, optional
        Where to write the result, so that a loop need not allocate; it may be `z` itself.

    Returns
    -------
    ndarray of z's shape
        `out` if that was given.
    """
    z = np.asarray(z)
    if out is None:
        out = np.empty(z.shape, floating_dtype(z))
    np.greater(z, 0, out=out)
    return out


def sign(z: ArrayLike, out: FloatArray | None = None) -> FloatArray:
    """Return +1 where z > 0 and -1 elsewhere; sign(0) = -1, hence sign = 2 step - 1.

    Not `numpy.sign`, which has a third value at zero.

    Parameters
    ----------
    z : array_like of any shape
        Preactivations. Not validated: NaN gives -1.
    out : ndarray of z's shape, optional
        Where to write the result; it may be `z` itself.

    Returns
    -------
    ndarray of z's shape
        `out` if that was given.
    """
    out = step(z, out)
    out *= 2
    out -= 1
    return out


def staircase(z: ArrayLike, levels: int) -> FloatArray:
    """Return the quantised ReLU with k = `levels` values 0, 1/(k-1), ..., 1, a mean of k-1 steps.

    ::

        staircase(z) = 1/(k-1) sum_{j=0}^{k-2} step(z - j/(k-1))

    so the jumps are at z = 0, 1/(k-1), ..., (k-2)/(k-1); at a jump the lower value holds, and
    ``levels=2`` is `step`. Between 0 and 1 it is z rounded up to the next value, and it is flat
    outside (docs/theory.md#units; [5]_). The jump at j/(k-1) lies at the nearest number in the
    precision of the result. Costs k-1 comparisons per entry.

    Parameters
    ----------
    z : array_like of any shape
        Preactivations. Not validated: NaN gives 0.
    levels : int
        The number k >= 2 of values.

    Returns
    -------
    ndarray of z's shape

    Raises
    ------
    ValueError
        If `levels` is not an integer >= 2.
    """
    n_steps = check_integer("levels", levels, minimum=2) - 1
    z = np.asarray(z)
    total = np.zeros(z.shape, floating_dtype(z))
    for j in range(n_steps):
        # Comparing with the threshold, not subtracting it: exact also where z - threshold rounds.
        total += z > total.dtype.type(j / n_steps)
    total /= n_steps
    return total


def identity_derivative(z: ArrayLike) -> FloatArray:
    """Return mu'(z) = 1 of mu(z) = z: the straight-through estimator.

    Passes the gradient through any step unit unchanged, however far from its threshold it is [1]_.
    In a network like that of docs/theory.md#a, it can be unstable near some local minima [4]_.

    Parameters
    ----------
    z : array_like of any shape

    Returns
    -------
    ndarray of z's shape
        All ones, for NaN too.
    """
    z = np.asarray(z)
    return np.ones(z.shape, floating_dtype(z))


def relu_derivative(z: ArrayLike) -> FloatArray:
    """Return mu'(z) = 1[z > 0] of mu(z) = max(z, 0), in place of the derivative of `step`.

    At the kink mu'(0) = 0, so mu' = step exactly (docs/theory.md#a1; [3]_). A unit that is on gets
    the gradient, a unit that is off gets none.

    Parameters
    ----------
    z : array_like of any shape

    Returns
    -------
    ndarray of z's shape
        Zeros and ones; 0 for NaN.
    """
    return step(z)


def clipped_relu_derivative(z: ArrayLike) -> FloatArray:
    """Return mu'(z) = 1[0 < z <= 1] of mu(z) = min(max(z, 0), 1), for `step` and `staircase`.

    At the kinks: mu(z) = max(z, 0) - max(z - 1, 0), so with step(0) = 0 it is mu'(z) = step(z) -
    step(z - 1), which is 0 at z = 0 and 1 at z = 1. The choice matters only for inputs that hit a
    kink exactly ([3]_, [4]_).

    Parameters
    ----------
    z : array_like of any shape

    Returns
    -------
    ndarray of z's shape
        Zeros and ones; 0 for NaN.
    """
    z = np.asarray(z)
    return np.asarray((z > 0) & (z <= 1), floating_dtype(z))


def saturating_derivative(z: ArrayLike) -> FloatArray:
    """Return mu'(z) = 1[|z| <= 1] of mu(z) = min(max(z, -1), 1), for `sign`.

    The saturating straight-through estimator: a unit far from its threshold gets no gradient [2]_.
    Both kinks, z = -1 and z = 1, count as inside, as in docs/theory.md#c1, where the same factor is
    the derivative of the saturated hinge loss.

    Parameters
    ----------
    z : array_like of any shape

    Returns
    -------
    ndarray of z's shape
        Zeros and ones; 0 for NaN.
    """
    z = np.asarray(z)
    return np.asarray((z >= -1) & (z <= 1), floating_dtype(z))


PSEUDO_DERIVATIVES: dict[str, PseudoDerivative] = {
    "identity": identity_derivative,
    "relu": relu_derivative,
    "clipped_relu": clipped_relu_derivative,
    "saturating": saturating_derivative,
}


def pseudo_derivative(kind: str) -> PseudoDerivative:
    """Return the function mu' called `kind`; see the table at the top of this module.

    Parameters
    ----------
    kind : {"identity", "relu", "clipped_relu", "saturating"}

    Returns
    -------
    callable
        A function from an array of preactivations to an array of its shape.

    Raises
    ------
    ValueError
        If `kind` is none of these.
    """
    return PSEUDO_DERIVATIVES[check_choice("kind", kind, PSEUDO_DERIVATIVES)]
