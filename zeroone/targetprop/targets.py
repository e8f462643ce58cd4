"""Which way each hidden unit should go, and what it costs not to go there (docs/theory.md#c1).

Finding the best targets is a combinatorial problem. The heuristic: if the loss of the layer above
falls when the unit's output h grows, the unit should be on, otherwise off ::

    t = -sign(e),   e = dL/dh,   t = 0 ("don't care") where e = 0

and the target matters by weight |e|, or all matter alike. With its targets the layer has a loss of
its own, the sum over units, samples and steps j of ::

    weight * loss(t mu(z - threshold_j))
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zeroone.losses import (
    LOSSES,
    SURROGATES,
    Classes,
    HiddenLoss,
    Surrogate,
    layer_gradient,
    layer_loss,
)
from zeroone.nets.units import HiddenUnits, Units
from zeroone.support.validation import FloatArray, check_choice, check_integer

WEIGHTINGS = ("magnitude", "equal")


@dataclass(frozen=True)
class Targets:
    """Targets of a layer and how much each of them matters.

    Parameters
    ----------
    signs : ndarray, shape (n_samples, n_units)
        -1, +1, or 0 where the unit's output does not matter.
    weights : ndarray of that shape, or float
        >= 0.
    """

    signs: FloatArray
    weights: FloatArray | float


def set_targets(e: FloatArray, weighting: str, sample_weight: FloatArray | None = None) -> Targets:
    """Return the targets t = -sign(e) with the weights |e|, or 1 / n_samples each.

    Parameters
    ----------
    e : ndarray, shape (n_samples, n_units)
        Derivative of the loss above with respect to the units' outputs.
    weighting : {"magnitude", "equal"}
    sample_weight : ndarray, shape (n_samples,), optional
        Shares out the equal weights; |e| has it in already.

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If `weighting` is neither.

    Notes
    -----
    With magnitudes, weight times target is -e exactly, also in floating point: whatever rounding e
    has seen is all there is. The straight-through estimators rest on that.
    """
    check_choice("weighting", weighting, WEIGHTINGS)
    signs = np.sign(e)
    np.negative(signs, out=signs)
    if weighting == "magnitude":
        return Targets(signs, np.abs(e))
    if sample_weight is None:
        return Targets(signs, 1 / len(e))
    shares = (sample_weight / sample_weight.sum()).astype(e.dtype)
    return Targets(signs, shares.reshape(-1, *(1,) * (e.ndim - 1)))


@dataclass(frozen=True)
class TargetUnits(Units):
    """Hidden units that learn from targets.

    Staircase units learn as the k - 1 steps that they are the mean of ::

        h = 1/(k-1) sum_j step(z - j/(k-1)),   dL/d(step j) = e/(k-1),   t_j = -sign(e)

    Parameters
    ----------
    activation, levels
        As for `Units`.
    loss : HiddenLoss, default soft hinge
        Of each unit, a function of the margin t mu(z).
    surrogate : Surrogate, default identity
        mu.
    weighting : {"magnitude", "equal"}, default "magnitude"
        How much a target matters: |e|, or all the same.

    Raises
    ------
    ValueError
        If `weighting` is neither, or as for `Units`.
    """

    loss: HiddenLoss = LOSSES["soft_hinge"]
    surrogate: Surrogate = SURROGATES["identity"]
    weighting: str = "magnitude"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("weighting", self.weighting, WEIGHTINGS)

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return the targets of the units, or of each step of staircase units.

        Parameters
        ----------
        e : ndarray, shape (n_samples, n_units)
            Derivative of the loss above with respect to the units' outputs.
        sample_weight : ndarray, shape (n_samples,), optional
            See `set_targets`.

        Returns
        -------
        Targets
            All steps of a unit have its target, at the weight |e|/(k - 1) or 1/(n_samples (k - 1)).
        """
        targets = set_targets(e, self.weighting, sample_weight)
        n_steps = len(self.thresholds)
        return targets if n_steps == 1 else Targets(targets.signs, targets.weights / n_steps)

    def layer_loss(self, Z: FloatArray, targets: Targets) -> float:
        """Return the sum over units, samples and steps j of weight * loss(t mu(z - threshold_j)).

        Parameters
        ----------
        Z : ndarray, shape (n_samples, n_units)
            Pre-activations.
        targets : Targets
        """
        t, weights = targets.signs, targets.weights
        return sum(
            layer_loss(self.loss, Z - place if place else Z, t, weights, self.surrogate)
            for place in self.thresholds
        )

    def layer_gradient(self, Z: FloatArray, targets: Targets) -> FloatArray:
        """Return the derivative of `layer_loss` by Z, shape (n_samples, n_units)."""
        t, weights = targets.signs, targets.weights
        G = layer_gradient(self.loss, Z, t, weights, self.surrogate)  # the first jump is at 0
        for place in self.thresholds[1:]:
            G += layer_gradient(self.loss, Z - place, t, weights, self.surrogate)
        return G


class HiddenTargets(HiddenUnits):
    """Hidden units as a layer of a network that learn from targets wherever they stand.

    Going backward, targets are set by e = dL/dV, and the derivative of the layer's loss goes on
    down: the same two lines as in `zeroone.targetprop.solver`, for units inside a residual block.

    Parameters
    ----------
    units : TargetUnits
    """

    def __init__(self, units: TargetUnits) -> None:
        super().__init__(units.activation, units.levels)
        self.learning = units

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return the derivative of the layer's loss by Z, for e = G."""
        return self.learning.layer_gradient(self.Z, self.learning.targets(G))


def check_counted_classes(
    y: ArrayLike, n_samples: int, n_classes: int | None
) -> tuple[Classes, int]:
    """Return classes counted from 0, the targets of the output layer, and their number.

    Raises
    ------
    ValueError
        If they are not integers, one a sample, from 0 to below `n_classes`.
    """
    classes = np.asarray(y)
    if classes.shape != (n_samples,) or classes.dtype.kind not in "iu":
        raise ValueError(
            f"y must hold {n_samples} integers, one a row of X, but has dtype {classes.dtype} and "
            f"shape {classes.shape}"
        )
    found = max(int(classes.max()) + 1, 2)
    count = found if n_classes is None else check_integer("n_classes", n_classes, minimum=2)
    if classes.min() < 0 or found > count:
        raise ValueError(
            f"y must hold classes from 0 to {count - 1}, but has {classes.min()} to {classes.max()}"
        )
    return classes.astype(np.intp), count
