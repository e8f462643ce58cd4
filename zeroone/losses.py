"""Losses: of a hidden unit that has a target, and of the output layer (docs/theory.md#c1).

**Hidden units.** A unit with the pre-activation z has the target t in {-1, +1}, and is right if its
margin m = t z is positive. That is the 0/1 loss 1[m <= 0], of no use for descent. A `HiddenLoss`
stands in for it: a function of the margin, with its derivative. With weights |e| and t = -sign(e),
where e is the derivative of the loss above by the unit's output, z receives ``|e| t loss'(t z)``:

==================== ======================== ======================== =======================
loss                 value                    derivative               z receives
==================== ======================== ======================== =======================
``hinge``            max(0, 1 - m)            -1[m <= 1]               e 1[t z <= 1]
``saturated_hinge``  min(2, max(0, 1 - m))    -1[abs(m) <= 1]          e 1[abs(z) <= 1]
``soft_hinge``       1 - tanh(m)              -(1 - tanh(m)^2)         e (1 - tanh(z)^2)
``linear``           -m                       -1                       e
``logistic``         log(1 + exp(-m))         -1/(1 + exp(m))          e/(1 + exp(t z))
``squared_hinge``    max(0, 1 - m)^2          -2 max(0, 1 - m)         2 e max(0, 1 - t z)
==================== ======================== ======================== =======================

So ``linear`` is the straight-through estimator, and ``saturated_hinge`` the saturating one. The
estimators of ReLU type need one thing more: the margin t mu(z) of a clipped pre-activation instead
of t z (`SURROGATES`); with ``linear``, z then receives e mu'(z).

**The output layer** has an `OutputLoss` of its scores s, a mean over the N samples with classes y
or, for the last, with vectors y of numbers:

================= ==================================================
``cross-entropy``   1/N sum_n [log sum_k exp(s_nk) - s_n,y_n]
``hinge``           1/N sum_n max(0, 1 + max_{k != y_n} s_nk - s_n,y_n)
``squared-error``   1/(2N) sum_n |s_n - y_n|^2
================= ==================================================

With sample weights w it is the weighted mean: w_n/sum(w) instead of 1/N.

References
----------
.. [1] Friesen, Domingos, *Deep Learning as a Mixed Convex-Combinatorial Optimization Problem*,
   ICLR 2018, arXiv:1710.11573, section 4.
.. [2] Crammer, Singer, *On the Algorithmic Implementation of Multiclass Kernel-based Vector
   Machines*, JMLR 2 (2001). The multi-class hinge.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from zeroone.activations import clipped_relu_derivative, identity_derivative, relu_derivative
from zeroone.support.parts import find_part
from zeroone.support.validation import FloatArray, check_choice

Classes = NDArray[np.intp]

# ---------------------------------------------------------------------------------- hidden units


class HiddenLoss(ABC):
    """The loss of a hidden unit that has a target: a function of the margin, and its derivative.

    To add a loss, derive a class, write `value` and `derivative`, and put it into `LOSSES`; or name
    it as ``MODULE:NAME`` where a loss is asked for. Both methods work entry by entry, keep the
    shape and the precision of their argument, and leave the argument alone.

    Attributes
    ----------
    name : str
        What it is called in `LOSSES`.
    formula, slope : str
        Value and derivative, in plain text.
    kinks : mapping of float to int
        The margins at which the loss is not smooth. The derivative there is the slope of one side:
        that of smaller margins (-1) or that of larger ones (+1).
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    slope: ClassVar[str] = ""
    kinks: ClassVar[Mapping[float, int]] = {}

    @abstractmethod
    def value(self, m: FloatArray) -> FloatArray:
        """Return the losses of an array of margins."""

    @abstractmethod
    def derivative(self, m: FloatArray) -> FloatArray:
        """Return the derivatives of the losses by the margins."""


@dataclass(frozen=True)
class Hinge(HiddenLoss):
    """The hinge of the perceptron with a margin: a unit is right only if m >= 1."""

    name = "hinge"
    formula, slope = "max(0, 1 - m)", "-1[m <= 1]"
    kinks: ClassVar[Mapping[float, int]] = {1.0: -1}

    def value(self, m: FloatArray) -> FloatArray:
        """Return max(0, 1 - m)."""
        return np.maximum(1 - m, 0)

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -1 where m <= 1 and 0 elsewhere."""
        return -(m <= 1).astype(m.dtype)


@dataclass(frozen=True)
class SaturatedHinge(HiddenLoss):
    """The hinge with a ceiling: a unit that is far off costs no more than one at m = -1."""

    name = "saturated_hinge"
    formula, slope = "min(2, max(0, 1 - m))", "-1[|m| <= 1]"
    kinks: ClassVar[Mapping[float, int]] = {1.0: -1, -1.0: 1}

    def value(self, m: FloatArray) -> FloatArray:
        """Return min(2, max(0, 1 - m))."""
        return np.clip(1 - m, 0, 2)

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -1 where |m| <= 1 and 0 elsewhere."""
        return -(np.abs(m) <= 1).astype(m.dtype)


@dataclass(frozen=True)
class SoftHinge(HiddenLoss):
    """The saturated hinge without its corners."""

    name = "soft_hinge"
    formula, slope = "1 - tanh(m)", "-(1 - tanh(m)^2)"

    def value(self, m: FloatArray) -> FloatArray:
        """Return 1 - tanh(m)."""
        return 1 - np.tanh(m)

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -(1 - tanh(m)^2), as -4 u/(1 + u)^2 with u = exp(-2 |m|).

        That is exact to rounding also for large margins, where 1 - tanh(m)^2 has lost all digits,
        and an exponential takes half the time of a hyperbolic tangent.
        """
        u = np.abs(m)
        u *= -2
        np.exp(u, out=u)
        size = u + 1
        size *= size
        u *= -4
        return np.divide(u, size, out=u)


@dataclass(frozen=True)
class Linear(HiddenLoss):
    """A loss that never says "enough": a unit that is right is pushed on."""

    name = "linear"
    formula, slope = "-m", "-1"

    def value(self, m: FloatArray) -> FloatArray:
        """Return -m."""
        return -m

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -1."""
        return np.full_like(m, -1)


@dataclass(frozen=True)
class Logistic(HiddenLoss):
    """The loss of logistic regression, without overflow."""

    name = "logistic"
    formula, slope = "log(1 + exp(-m))", "-1/(1 + exp(m))"

    def value(self, m: FloatArray) -> FloatArray:
        """Return log(1 + exp(-m))."""
        return np.logaddexp(0, -m)

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -1/(1 + exp(m))."""
        return -expit(-m)


@dataclass(frozen=True)
class SquaredHinge(HiddenLoss):
    """The hinge squared: convex, with a continuous slope."""

    name = "squared_hinge"
    formula, slope = "max(0, 1 - m)^2", "-2 max(0, 1 - m)"
    kinks: ClassVar[Mapping[float, int]] = {1.0: -1}

    def value(self, m: FloatArray) -> FloatArray:
        """Return max(0, 1 - m)^2."""
        return np.maximum(1 - m, 0) ** 2

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return -2 max(0, 1 - m)."""
        return -2 * np.maximum(1 - m, 0)


LOSSES: dict[str, HiddenLoss] = {
    loss.name: loss
    for loss in (Hinge(), SaturatedHinge(), SoftHinge(), Linear(), Logistic(), SquaredHinge())
}


def hidden_loss(loss: str | HiddenLoss) -> HiddenLoss:
    """Return the loss of hidden units that is meant.

    Parameters
    ----------
    loss : str or HiddenLoss
        A name in `LOSSES`, ``MODULE:NAME`` for a class in a module of your own, or a loss.

    Raises
    ------
    ValueError
        If there is no such loss, or it does not keep the shape and the precision of its argument.
    """
    if isinstance(loss, HiddenLoss):
        found = loss
    elif not isinstance(loss, str):
        choices = ", ".join(LOSSES)
        raise ValueError(f"loss must be one of {choices}, or a HiddenLoss, but is {loss!r}")
    elif loss in LOSSES:
        return LOSSES[loss]
    else:
        known = {name: type(own) for name, own in LOSSES.items()}
        make = find_part("loss", loss, known, HiddenLoss)
        try:
            found = make()
        except Exception as error:  # whatever the user's class does
            raise ValueError(f"loss {loss} cannot be made without arguments: {error}") from error
    for method in (found.value, found.derivative):
        margins = np.array([[-2.0, -0.5, 0.0], [0.5, 1.0, 2.0]], np.float32)
        try:
            result = method(margins)
        except Exception as error:  # whatever the user's method does
            raise ValueError(f"loss {loss} fails on an array of margins: {error}") from error
        if getattr(result, "shape", None) != margins.shape or result.dtype != margins.dtype:
            raise ValueError(
                f"loss {loss} must return an array of its argument's shape and precision, here "
                f"{margins.shape} and {margins.dtype}, but returns {result!r}".replace("\n", "")
            )
    return found


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
    value: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray], FloatArray]


# Functions with names, so that what holds them can be pickled.
def _identity(z: FloatArray) -> FloatArray:
    return z


def _relu(z: FloatArray) -> FloatArray:
    return np.maximum(z, 0)


def _clipped_relu(z: FloatArray) -> FloatArray:
    return np.clip(z, 0, 1)


SURROGATES: dict[str, Surrogate] = {
    surrogate.name: surrogate
    for surrogate in (
        Surrogate("identity", _identity, identity_derivative),
        Surrogate("relu", _relu, relu_derivative),
        Surrogate("clipped_relu", _clipped_relu, clipped_relu_derivative),
    )
}


def layer_loss(
    loss: HiddenLoss, z: FloatArray, t: FloatArray, weights: FloatArray | float, mu: Surrogate
) -> float:
    """Return the loss of a layer, the sum over units and samples of weight * loss(t mu(z)).

    Parameters
    ----------
    loss : HiddenLoss
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
    loss: HiddenLoss, z: FloatArray, t: FloatArray, weights: FloatArray | float, mu: Surrogate
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


# ------------------------------------------------------------------------------ the output layer


class OutputLoss(ABC):
    """The loss of the linear output layer, a mean over the samples.

    Attributes
    ----------
    name : str
        What it is called in `OUTPUT_LOSSES`.
    """

    name: ClassVar[str] = ""

    def samples(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return the loss of every sample, shape (n_samples,)."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of single samples")

    def value(self, scores: FloatArray, classes: NDArray[Any]) -> float:
        """Return the loss of scores (n_samples, n_classes) and classes (n_samples,), from 0."""
        return float(np.mean(self.samples(scores, classes)))

    @abstractmethod
    def derivative(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return its derivative by the scores, shape (n_samples, n_classes)."""

    def weighted_value(
        self, scores: FloatArray, classes: NDArray[Any], weights: FloatArray | None
    ) -> float:
        """Return the weighted mean over the samples; the mean without weights."""
        if weights is None:
            return self.value(scores, classes)
        return float(np.average(self.samples(scores, classes), weights=weights))

    def weighted_derivative(
        self, scores: FloatArray, classes: NDArray[Any], weights: FloatArray | None
    ) -> FloatArray:
        """Return the derivative of `weighted_value` by the scores."""
        G = self.derivative(scores, classes)
        if weights is not None:
            # A row is the derivative of its own sample's loss, times 1/N.
            G *= (weights / weights.mean())[:, np.newaxis].astype(G.dtype)
        return G


@dataclass(frozen=True)
class CrossEntropy(OutputLoss):
    """The mean of -log softmax(scores) at each sample's class."""

    name = "cross-entropy"

    def samples(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return log sum_k exp(s_nk) - s_n,y_n for every sample n."""
        shifted = scores - scores.max(axis=1, keepdims=True)
        own = shifted[np.arange(len(classes)), classes]
        return np.log(np.exp(shifted).sum(axis=1)) - own

    def derivative(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return (softmax(scores) - one-hot)/N."""
        result = np.exp(scores - scores.max(axis=1, keepdims=True))
        result /= result.sum(axis=1, keepdims=True)
        result[np.arange(len(classes)), classes] -= 1
        result /= len(classes)
        return result


def strongest_rivals(scores: FloatArray, classes: Classes) -> Classes:
    """Return for each sample the class other than its own with the highest score, the first."""
    others = scores.copy()
    others[np.arange(len(classes)), classes] = -np.inf
    return others.argmax(axis=1)


@dataclass(frozen=True)
class MultiClassHinge(OutputLoss):
    """The hinge of each sample's own score against the strongest of the others [2]_."""

    name = "hinge"

    def samples(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return max(0, 1 + best other score - own score) for every sample."""
        rows = np.arange(len(classes))
        margins = scores[rows, classes] - scores[rows, strongest_rivals(scores, classes)]
        return np.maximum(1 - margins, 0)

    def derivative(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return +1/N at the best other class and -1/N at the own one, where the margin is <= 1.

        At the kink, a margin of 1, this is the derivative of the side that costs.
        """
        rows, rivals = np.arange(len(classes)), strongest_rivals(scores, classes)
        active = scores[rows, classes] - scores[rows, rivals] <= 1
        result = np.zeros_like(scores)
        result[rows[active], rivals[active]] = 1
        result[rows[active], classes[active]] = -1
        result /= len(classes)
        return result


@dataclass(frozen=True)
class SquaredError(OutputLoss):
    """The loss of regression: half the squared distance of the scores from vectors of numbers."""

    name = "squared-error"

    def samples(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return |s_n - y_n|^2 / 2 for every sample; `classes` holds the vectors y_n as rows."""
        return np.square(scores - classes).sum(axis=1) / 2

    def derivative(self, scores: FloatArray, classes: NDArray[Any]) -> FloatArray:
        """Return (s - y)/N."""
        return (scores - classes) / scores.dtype.type(len(scores))


OUTPUT_LOSSES: dict[str, OutputLoss] = {
    loss.name: loss for loss in (CrossEntropy(), MultiClassHinge())
}
# Of numbers instead of classes.
REGRESSION_LOSSES: dict[str, OutputLoss] = {loss.name: loss for loss in (SquaredError(),)}


def output_loss(name: str) -> OutputLoss:
    """Return the output loss called `name`, of classes or of numbers.

    Raises
    ------
    ValueError
        If there is none.
    """
    losses = OUTPUT_LOSSES | REGRESSION_LOSSES
    return losses[check_choice("output", name, losses)]
