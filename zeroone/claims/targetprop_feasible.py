"""Claim: a net whose layers all meet their targets computes what the targets say (theory, C)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_separability import each
from zeroone.targetprop.recursive_goals import LabelGoal, TargetGoal
from zeroone.validation import FloatArray

Pairs = list[tuple[float, float]]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; theory, C"


def scores_by_hand(
    layers: list[FloatArray], x: list[float], low: float, zero: float | None = None
) -> list[list[float]]:
    """Return the activations of all hidden layers of one sample, and the scores, unit by unit.

    Parameters
    ----------
    layers : list of ndarray
        Weights, bias last.
    x : list of float
    low : float
        What a unit gives that is off: -1 or 0.
    zero : float, optional
        What a unit gives for z = 0; by default `low`.
    """
    outputs = {-1: low, 0: low if zero is None else zero, 1: 1.0}
    values, seen = list(x), []
    for number, W in enumerate(layers):
        z = [sum(w * v for w, v in zip(row, [*values, 1.0], strict=True)) for row in W.tolist()]
        values = z if number == len(layers) - 1 else [outputs[(one > 0) - (one < 0)] for one in z]
        seen.append(values)
    return seen


# --------------------------------------------------------------------- met targets are the net's


@dataclass(frozen=True, eq=False)
class Plan:
    """A net with targets for all of its hidden layers, and labels.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    layers : list of ndarray
        Weights, bias last.
    targets : list of ndarray of -1 and +1, (n, n_units)
    labels : ndarray of int, (n,)
    low : float
        What a unit gives that is off: -1 or 0.
    intact : bool
        Whether targets and labels are those that the net computes, none of them at a tie.
    """

    X: FloatArray
    layers: list[FloatArray]
    targets: list[FloatArray]
    labels: NDArray[np.intp]
    low: float
    intact: bool


def draw_plans(rng: np.random.Generator, count: int) -> list[Plan]:
    """Return plans that a net computes, one in three of them spoilt a little.

    One in three has small integers for weights and inputs, so that z = 0 and ties of scores are
    common; and half of these are from a net whose units are on at z = 0, as they should not be.
    """
    drawn = []
    for i in range(count):
        n, low = int(rng.integers(1, 7)), float(rng.choice([-1.0, 0.0]))
        hidden = rng.integers(1, 5, rng.integers(1, 4)).tolist()
        sizes = [int(rng.integers(1, 4)), *hidden, int(rng.integers(2, 4))]
        X = rng.standard_normal((n, sizes[0]))
        layers: list[FloatArray] = [
            rng.standard_normal((above, below + 1)) for below, above in pairwise(sizes)
        ]
        if i % 3 == 0:
            X, layers = np.round(2 * X), [np.round(W) for W in layers]
        zero = 1.0 if i % 6 == 3 else low
        seen = [scores_by_hand(layers, x, low, zero) for x in X.tolist()]
        targets: list[FloatArray] = [
            np.where(np.array([one[k] for one in seen]) > 0, 1.0, -1.0) for k in range(len(hidden))
        ]
        labels = np.array([int(np.argmax(one[-1])) for one in seen])
        if i % 6 in (1, 5):
            spoil(rng, layers, targets, labels, sizes[-1])
        drawn.append(Plan(X, layers, targets, labels, low, bool(i % 2 == 0 and i % 3)))
    return drawn


def spoil(
    rng: np.random.Generator,
    layers: list[FloatArray],
    targets: list[FloatArray],
    labels: NDArray[np.intp],
    n_classes: int,
) -> None:
    """Change one target, one label or one weight."""
    what, layer = rng.integers(3), int(rng.integers(len(targets)))
    if what == 0:
        T = targets[layer]
        T[rng.integers(T.shape[0]), rng.integers(T.shape[1])] *= -1
    elif what == 1:
        labels[rng.integers(len(labels))] = rng.integers(n_classes)
    else:
        W = layers[layer]
        W[rng.integers(W.shape[0]), rng.integers(W.shape[1])] += 2 * rng.standard_normal()


def layers_meet(plan: Plan) -> bool:
    """Say whether each layer by itself meets its targets, if the one below has met its own."""
    V = plan.X
    for W, T in zip(plan.layers, plan.targets, strict=False):
        V = np.hstack([V, np.ones((len(V), 1))])
        if TargetGoal(T, "hinge", 0.0).missed(V, W).any():
            return False
        V = np.where(T > 0, 1.0, plan.low)
    V = np.hstack([V, np.ones((len(V), 1))])
    return not LabelGoal(plan.labels, "hinge", 0.0).missed(V, plan.layers[-1]).any()


def measure_plan(judge: Callable[[Plan], bool], plan: Plan) -> Pairs:
    """Compare what the net computes with the plan, if every layer meets its part of it.

    That an intact plan is found to be met is compared too: never to say so would not do.
    """
    met = judge(plan)
    pairs = [(1.0 + met, 2.0)] if plan.intact else []
    if not met:
        return pairs
    for n, x in enumerate(plan.X.tolist()):
        *hidden, scores = scores_by_hand(plan.layers, x, plan.low)
        for values, T in zip(hidden, plan.targets, strict=True):
            pairs += [(value > 0, target > 0) for value, target in zip(values, T[n], strict=True)]
        pairs.append((scores.index(max(scores)), plan.labels[n]))
    return pairs


def ties_met(plan: Plan) -> bool:
    """Take z = 0 for a unit that is on (and a tie of scores for anything)."""
    moved = [W.copy() for W in plan.layers]
    for W in moved:
        W[:, -1] += 1e-9
    return layers_meet(Plan(plan.X, moved, plan.targets, plan.labels, plan.low, plan.intact))


def first_layer_only(plan: Plan) -> bool:
    """Look at the first layer's targets only."""
    V = np.hstack([plan.X, np.ones((len(plan.X), 1))])
    return not TargetGoal(plan.targets[0], "hinge", 0.0).missed(V, plan.layers[0]).any()


def labels_only(plan: Plan) -> bool:
    """Look at the labels only, as if the layers below met their targets."""
    H = np.where(plan.targets[-1] > 0, 1.0, plan.low)
    V = np.hstack([H, np.ones((len(H), 1))])
    return not LabelGoal(plan.labels, "hinge", 0.0).missed(V, plan.layers[-1]).any()


MET = Claim(
    id="targetprop.met",
    statement="If each layer meets its targets on the targets of the layer below, the net computes "
    "all targets, and the labels.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_plans,
    measure=each(measure_plan),
    subject=layers_meet,
    planted={
        "z = 0 taken for on": ties_met,
        "the first layer only": first_layer_only,
        "the labels only": labels_only,
        "never met": lambda plan: False,
    },
    tolerance=0.0,
    hypotheses="t z > 0; one to three hidden layers of sign or step units; z = 0 among them",
    cases=300,
)

CLAIMS = (MET,)
