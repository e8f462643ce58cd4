"""Losses of one unit and one sample, as functions of the margin m = t z (theory, C).

A hidden unit with the pre-activation z has the target t in {-1, +1}, and is right if m = t z > 0.
That is the 0/1 loss 1[m <= 0], of no use for descent; each function here stands in for it. Its
derivative stands next to it. With weights |e| and t = -sign(e), where e is the derivative of the
loss above with respect to the unit's output, z receives ``|e| t loss'(t z)`` (`layer_gradient`):

================== ====================== ============================== ===========================
loss               value                  derivative                     what z receives
================== ====================== ============================== ===========================
``hinge``          max(0, 1 - m)          -1[m <= 1]                     e 1[t z <= 1]
``saturated_hinge``  min(2, max(0, 1 - m))  -1[abs(m) <= 1]              e 1[abs(z) <= 1]
``soft_hinge``     1 - tanh(m)            -(1 - tanh(m)^2)               e (1 - tanh(z)^2)
``linear``         -m                     -1                             e
``logistic``       log(1 + exp(-m))       -1/(1 + exp(m))                e/(1 + exp(t z))
``squared_hinge``  max(0, 1 - m)^2        -2 max(0, 1 - m)               2 e max(0, 1 - t z)
================== ====================== ============================== ===========================

So ``linear`` is the straight-through estimator, and ``saturated_hinge`` the saturating one. The
estimators of ReLU type need one thing more: the margin t mu(z) of a clipped pre-activation instead
of t z (`SURROGATES`); with ``linear``, z then receives e mu'(z).

Derivatives at a kink are those of the side that is in the table. All functions keep the shape and
the precision of their argument.

References
----------
.. [1] Friesen, Domingos, *Deep Learning as a Mixed Convex-Combinatorial Optimization Problem*,
   ICLR 2018, arXiv:1710.11573, section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from zeroone.activations import (
    clipped_relu_derivative,
    identity_derivative,
    relu_derivative,
)
from zeroone.validation import FloatArray, check_choice

Elementwise = Callable[[FloatArray], FloatArray]


def hinge(m: FloatArray) -> FloatArray:
    """Return max(0, 1 - m)."""
    return np.maximum(1 - m, 0)


def hinge_derivative(m: FloatArray) -> FloatArray:
    """Return -1 where m <= 1 and 0 elsewhere."""
    return -(m <= 1).astype(m.dtype)


def saturated_hinge(m: FloatArray) -> FloatArray:
    """Return min(2, max(0, 1 - m)): a unit that is far off costs no more than one at m = -1."""
    return np.clip(1 - m, 0, 2)


def saturated_hinge_derivative(m: FloatArray) -> FloatArray:
    """Return -1 where |m| <= 1 and 0 elsewhere."""
    return -(np.abs(m) <= 1).astype(m.dtype)


def soft_hinge(m: FloatArray) -> FloatArray:
    """Return 1 - tanh(m), the saturated hinge without its corners."""
    return 1 - np.tanh(m)


def soft_hinge_derivative(m: FloatArray) -> FloatArray:
    """Return -(1 - tanh(m)^2), as -4 u/(1 + u)^2 with u = exp(-2 |m|).

    That is exact to rounding also for large margins, where 1 - tanh(m)^2 has lost all digits, and
    an exponential takes half the time of a hyperbolic tangent.
    """
    u = np.abs(m)
    u *= -2
    np.exp(u, out=u)
    size = u + 1
    size *= size
    u *= -4
    return np.divide(u, size, out=u)


def linear(m: FloatArray) -> FloatArray:
    """Return -m: negative for a unit that is right, and ever more so."""
    return -m


def linear_derivative(m: FloatArray) -> FloatArray:
    """Return -1."""
    return np.full_like(m, -1)


def logistic(m: FloatArray) -> FloatArray:
    """Return log(1 + exp(-m)), without overflow."""
    return np.logaddexp(0, -m)


def logistic_derivative(m: FloatArray) -> FloatArray:
    """Return -1/(1 + exp(m)), without overflow."""
    return -expit(-m)


def squared_hinge(m: FloatArray) -> FloatArray:
    """Return max(0, 1 - m)^2."""
    return np.maximum(1 - m, 0) ** 2


def squared_hinge_derivative(m: FloatArray) -> FloatArray:
    """Return -2 max(0, 1 - m)."""
    return -2 * np.maximum(1 - m, 0)


@dataclass(frozen=True)
class MarginLoss:
    """A loss and its derivative, both functions of the margin.

    Parameters
    ----------
    name : str
    value, derivative : callable
        From an array of margins to an array of its shape and precision.
    """

    name: str
    value: Elementwise
    derivative: Elementwise


LOSSES: dict[str, MarginLoss] = {
    loss.name: loss
    for loss in (
        MarginLoss("hinge", hinge, hinge_derivative),
        MarginLoss("saturated_hinge", saturated_hinge, saturated_hinge_derivative),
        MarginLoss("soft_hinge", soft_hinge, soft_hinge_derivative),
        MarginLoss("linear", linear, linear_derivative),
        MarginLoss("logistic", logistic, logistic_derivative),
        MarginLoss("squared_hinge", squared_hinge, squared_hinge_derivative),
    )
}


@dataclass(frozen=True)
class Surrogate:
    """The function mu of the pre-activation that the margin t mu(z) is made of.

    Parameters
    ----------
    name : str
    value, derivative : callable
        mu and mu', entry by entry.
    """

    name: str
    value: Elementwise
    derivative: Elementwise


SURROGATES: dict[str, Surrogate] = {
    surrogate.name: surrogate
    for surrogate in (
        Surrogate("identity", lambda z: z, identity_derivative),
        Surrogate("relu", lambda z: np.maximum(z, 0), relu_derivative),
        Surrogate("clipped_relu", lambda z: np.clip(z, 0, 1), clipped_relu_derivative),
    )
}


def margin_loss(name: str) -> MarginLoss:
    """Return the loss called `name`.

    Raises
    ------
    ValueError
        If there is none.
    """
    return LOSSES[check_choice("loss", name, LOSSES)]


def layer_loss(
    loss: MarginLoss, z: FloatArray, t: FloatArray, weights: FloatArray | float, mu: Surrogate
) -> float:
    """Return the loss of a layer, the sum over units and samples of weight * loss(t mu(z)).

    Parameters
    ----------
    loss : MarginLoss
    z : ndarray, shape (n_samples, n_units)
        Pre-activations.
    t : ndarray, shape (n_samples, n_units)
        Targets: -1, +1, or 0 for "don't care", which costs nothing.
    weights : ndarray, shape (n_samples, n_units), or float
        How much each target matters, >= 0.
    mu : Surrogate

    Returns
    -------
    float
    """
    return float(np.sum(weights * np.abs(t) * loss.value(t * mu.value(z))))


def layer_gradient(
    loss: MarginLoss, z: FloatArray, t: FloatArray, weights: FloatArray | float, mu: Surrogate
) -> FloatArray:
    """Return the derivative of `layer_loss` by z: weight * t * loss'(t mu(z)) * mu'(z).

    Parameters
    ----------
    loss, z, t, weights, mu
        As for `layer_loss`.

    Returns
    -------
    ndarray, shape (n_samples, n_units)
    """
    gradient = loss.derivative(t * mu.value(z))
    gradient *= t
    gradient *= weights
    if mu.name != "identity":
        gradient *= mu.derivative(z)
    return gradient
