"""What a layer is asked for: labels at the output, targets below. Both are goals of one kind.

A goal knows how to fit a layer's weights to it, what that layer's loss is, which samples miss it,
and how the loss would change with the layer's input, which is what the targets of the layer below
are chosen by (theory, C).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from zeroone.targetprop.losses import margin_loss
from zeroone.targetprop.output import Classes, output_loss
from zeroone.targetprop.recursive_fits import (
    fit_output,
    fit_units,
    output_objective,
    unit_gradient,
    unit_objectives,
)
from zeroone.targetprop.separability import Separation, separate
from zeroone.validation import BoolArray, FloatArray


def rounding(V: FloatArray, W: FloatArray) -> FloatArray:
    """Return by how much rounding may have changed V W^T; shape (n_samples, n_units).

    A pre-activation below it may have either sign, depending on how many samples are multiplied at
    once. So a target counts as met, and a label as right, only beyond it: the net that is run later
    then meets them too.
    """
    sizes = np.abs(V) @ np.abs(W).T
    return np.asarray(2 * (V.shape[1] + 2) * np.finfo(sizes.dtype).eps * sizes)


@dataclass(frozen=True)
class Fit:
    """What the convex fits of a layer made of its weights.

    Parameters
    ----------
    weights : ndarray, shape (n_units, n_in + 1)
    fitted : int
        Units that were fitted; the others met their targets as they were.
    separated : int
        Units that the fit left wrong, but that a proof of separability put right.
    impossible : int
        Units that are proved not to be separable.
    """

    weights: FloatArray
    fitted: int
    separated: int = 0
    impossible: int = 0


class Goal(Protocol):
    """What a layer with input V and weights W is to do."""

    def loss(self, V: FloatArray, W: FloatArray) -> float:
        """Return the layer loss, ridge included: what the fit lowers."""

    def sample_losses(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return each sample's part of it, up to a factor; shape (n_samples,)."""

    def missed(self, V: FloatArray, W: FloatArray) -> BoolArray:
        """Return which samples miss the goal; shape (n_samples, n_units) or (n_samples, 1)."""

    def input_derivative(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return e, the derivative of the loss by the input; shape (n_samples, n_in)."""

    def fit(self, V: FloatArray, W: FloatArray) -> Fit:
        """Return weights of a lower loss, or that meet the goal."""


@dataclass(frozen=True)
class LabelGoal:
    """The output layer's goal: the class of each sample has the highest score.

    Parameters
    ----------
    classes : ndarray of int, shape (n_samples,)
    output : {"cross-entropy", "hinge"}
        The layer loss.
    ridge : float
    """

    classes: Classes
    output: str
    ridge: float

    def loss(self, V: FloatArray, W: FloatArray) -> float:
        """Return the layer loss, ridge included: what the fit lowers."""
        return output_objective(V, W, self.classes, self.output, self.ridge)

    def sample_losses(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return how far each sample's best other score is above its own."""
        scores, rows = V @ W.T, np.arange(len(V))
        own = scores[rows, self.classes]
        scores[rows, self.classes] = -np.inf
        return np.asarray(scores.max(axis=1) - own)

    def missed(self, V: FloatArray, W: FloatArray) -> BoolArray:
        """Return which samples' own score is not clearly the highest; shape (n_samples, 1)."""
        scores, doubt, rows = V @ W.T, rounding(V, W), np.arange(len(V))
        own = scores[rows, self.classes] - doubt[rows, self.classes]
        rivals = scores + doubt
        rivals[rows, self.classes] = -np.inf
        return (own <= rivals.max(axis=1))[:, np.newaxis]

    def input_derivative(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return e, the derivative of the loss by the input; shape (n_samples, n_in)."""
        return output_loss(self.output).derivative(V @ W.T, self.classes) @ W[:, :-1]

    def fit(self, V: FloatArray, W: FloatArray) -> Fit:
        """Return weights of a lower loss."""
        weights = fit_output(V, W, self.classes, self.output, self.ridge)
        return Fit(weights.astype(V.dtype), len(W))


@dataclass(frozen=True)
class TargetGoal:
    """A hidden layer's goal: each unit is on the side of its target.

    Parameters
    ----------
    targets : ndarray, shape (n_samples, n_units)
        -1 and +1; 0 for "don't care".
    loss_name : {"squared_hinge", "logistic", "hinge"}
        The layer loss.
    ridge : float
    """

    targets: FloatArray
    loss_name: str
    ridge: float

    def loss(self, V: FloatArray, W: FloatArray) -> float:
        """Return the layer loss, ridge included: what the fit lowers."""
        return float(unit_objectives(V, W, self.targets, self.loss_name, self.ridge).sum())

    def sample_losses(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return each sample's sum of losses over the units."""
        losses = margin_loss(self.loss_name).value(self.targets * (V @ W.T))
        return np.asarray(np.sum(np.abs(self.targets) * losses, axis=1))

    def missed(self, V: FloatArray, W: FloatArray) -> BoolArray:
        """Return where not t z > 0, beyond rounding, for t = -1 and +1; shape (n, n_units)."""
        return (self.targets * (V @ W.T) <= rounding(V, W)) & (self.targets != 0)

    def input_derivative(self, V: FloatArray, W: FloatArray) -> FloatArray:
        """Return e, the derivative of the loss by the input; shape (n_samples, n_in)."""
        return unit_gradient(V, W, self.targets, self.loss_name) @ W[:, :-1]

    def fit(self, V: FloatArray, W: FloatArray) -> Fit:
        """Fit the units that miss a target, and look for a proof where the fit does not help.

        A unit that meets its targets is left alone: its fit could only move it.
        """
        wrong = np.flatnonzero(self.missed(V, W).any(axis=0))
        weights = W.copy()
        if len(wrong):
            targets = self.targets[:, wrong]
            weights[wrong] = fit_units(V, W[wrong], targets, self.loss_name, self.ridge)
        verdicts = []
        for unit in np.flatnonzero(self.missed(V, weights).any(axis=0)):
            t = self.targets[:, unit]
            proof = separate(V[:, :-1], t, largest_margin=False)
            verdicts.append(proof.separable)
            if proof.separable:
                weights[unit] = hyperplane_row(proof, V, t, self.loss_name, self.ridge)
        return Fit(weights, len(wrong), verdicts.count(True), verdicts.count(False))


def hyperplane_row(
    separation: Separation, V: FloatArray, t: FloatArray, loss: str, ridge: float
) -> FloatArray:
    """Return a proved hyperplane as a unit's weights, bias last, at the scale of the lowest loss.

    The side that a sample is on does not depend on the scale, the layer loss does. Scales are tried
    from the one that puts the nearest sample at the margin 1 downwards, by factors of 2.

    Parameters
    ----------
    separation : Separation
        With ``separable=True``.
    V : ndarray, shape (n_samples, n_in + 1)
    t : ndarray, shape (n_samples,)
    loss, ridge
        As for `TargetGoal`.
    """
    assert separation.weights is not None
    assert separation.bias is not None
    row = np.append(separation.weights, separation.bias)
    largest = 1.0 if np.isinf(separation.margin) else separation.margin
    with np.errstate(over="ignore", invalid="ignore"):
        rows = row / largest * 2.0 ** -np.arange(64)[:, np.newaxis]
        values = unit_objectives(V, rows, np.tile(t[:, np.newaxis], len(rows)), loss, ridge)
    values = np.where(np.isfinite(rows).all(axis=1) & np.isfinite(values), values, np.inf)
    return rows[values.argmin()] if np.isfinite(values).any() else row
