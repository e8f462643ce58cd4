"""Claims: what meeting all targets is worth, what a recursive search says, and that it descends.

Nets are run by hand, one sample and one unit at a time. Another order of a sum may round to another
side of zero, so that the hand knows which samples hang on rounding (docs/theory.md#c3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, fsum, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.layers import Dense
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.steps import Block, Step
from zeroone.support.validation import BoolArray, FloatArray
from zeroone.targetprop import recursive
from zeroone.targetprop.recursive_goals import LabelGoal, TargetGoal

Pairs = list[tuple[float, float]]
# Weights and biases of each layer.
Layers = list[tuple[FloatArray, FloatArray]]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; docs/theory.md#c3"


@dataclass(frozen=True)
class Seen:
    """What one sample is made into, by hand.

    Attributes
    ----------
    hidden : list of list of float
        The activations of each hidden layer.
    scores : list of float
    doubt : bool
        Whether a hidden unit's sign hangs on the rounding of its sum.
    tie : bool
        Whether the highest score does.
    """

    hidden: list[list[float]]
    scores: list[float]
    doubt: bool
    tie: bool


def run_by_hand(layers: Layers, x: list[float], low: float, zero: float | None = None) -> Seen:
    """Run a net on one sample, unit by unit.

    Parameters
    ----------
    layers : list of (weights, biases)
    x : list of float
    low : float
        What a unit gives that is off: -1 or 0.
    zero : float, optional
        What a unit gives for z = 0; by default `low`.
    """
    outputs = {-1: low, 0: low if zero is None else zero, 1: 1.0}
    values, hidden, doubt = list(x), [], False
    for number, (W, b) in enumerate(layers, start=1):
        terms = [
            [*(w * v for w, v in zip(row, values, strict=True)), bias]
            for row, bias in zip(W.tolist(), b.tolist(), strict=True)
        ]
        z = [fsum(one) for one in terms]
        rounding = [1e-14 * sum(map(abs, one)) for one in terms]
        if number < len(layers):
            # A sum of zeros is zero in any order.
            doubt |= any(0 < r >= abs(one) for one, r in zip(z, rounding, strict=True))
            values = [outputs[(one > 0) - (one < 0)] for one in z]
            hidden.append(values)
    best = z.index(max(z))
    rivals = [k for k in range(len(z)) if k != best]
    tie = any(0 < rounding[k] + rounding[best] >= z[best] - z[k] for k in rivals)
    return Seen(hidden, z, doubt, tie)


# --------------------------------------------------------------------- met targets are the net's


@dataclass(frozen=True, eq=False)
class Plan:
    """A net with targets for all of its hidden layers, and labels.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    layers : list of (weights, biases)
    targets : list of ndarray of -1 and +1, (n, n_units)
    labels : ndarray of int, (n,)
    low : float
        What a unit gives that is off: -1 or 0.
    intact : bool
        Whether targets and labels are those that the net computes, none of them at a tie.
    """

    X: FloatArray
    layers: Layers
    targets: list[FloatArray]
    labels: NDArray[np.intp]
    low: float
    intact: bool


def draw_plans(rng: np.random.Generator, count: int) -> list[Plan]:
    """Return plans that a net computes, one in three of them spoilt a little.

    One in three has small integers for weights and inputs, so that z = 0 and ties of scores are
    common, and sums are exact in any order; half of these are from a net whose units are on at
    z = 0, as they should not be.
    """
    drawn = []
    for i in range(count):
        n, low = int(rng.integers(1, 7)), float(rng.choice([-1.0, 0.0]))
        hidden = rng.integers(1, 5, rng.integers(1, 4)).tolist()
        sizes = [int(rng.integers(1, 4)), *hidden, int(rng.integers(2, 4))]
        X = rng.standard_normal((n, sizes[0]))
        layers: Layers = [
            (rng.standard_normal((above, below)), rng.standard_normal(above))
            for below, above in pairwise(sizes)
        ]
        if i % 3 == 0:
            X, layers = np.round(2 * X), [(np.round(W), np.round(b)) for W, b in layers]
        zero = 1.0 if i % 6 == 3 else low
        seen = [run_by_hand(layers, x, low, zero) for x in X.tolist()]
        targets: list[FloatArray] = [
            np.where(np.array([one.hidden[k] for one in seen]) > 0, 1.0, -1.0)
            for k in range(len(hidden))
        ]
        labels = np.array([one.scores.index(max(one.scores)) for one in seen])
        if i % 6 in (1, 5):
            spoil(rng, layers, targets, labels, sizes[-1])
        intact = i % 6 in (2, 4) and not any(one.doubt or one.tie for one in seen)
        drawn.append(Plan(X, layers, targets, labels, low, intact))
    return drawn


def spoil(
    rng: np.random.Generator,
    layers: Layers,
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
        W, _ = layers[layer]
        W[rng.integers(W.shape[0]), rng.integers(W.shape[1])] += 2 * rng.standard_normal()


Missed = Callable[[Any, FloatArray, Dense], BoolArray]


def samples_met(functions: tuple[Missed, Missed], plan: Plan) -> BoolArray:
    """Say for which samples each layer meets its targets, if the one below has met its own."""
    missed, labels_missed = functions
    V, met = plan.X, np.ones(len(plan.X), bool)
    for (W, b), T in zip(plan.layers, plan.targets, strict=False):
        met &= ~missed(TargetGoal(T, "hinge", 0.0), V, Dense(W, b)).any(axis=1)
        V = np.where(T > 0, 1.0, plan.low)
    goal = LabelGoal(plan.labels, "hinge", 0.0)
    return np.asarray(met & ~labels_missed(goal, V, Dense(*plan.layers[-1])).any(axis=1))


def measure_plan(functions: tuple[Missed, Missed], plan: Plan) -> Pairs:
    """Compare what the net computes with the plan, for the samples of which every layer meets it.

    That an intact plan is found to be met is compared too: never to say so would not do.
    """
    met = samples_met(functions, plan)
    if plan.intact:  # the plan is what the net computes
        return [(1.0 + one, 2.0) for one in met]
    pairs: Pairs = []
    for n in np.flatnonzero(met):
        seen = run_by_hand(plan.layers, plan.X[n].tolist(), plan.low)
        for values, T in zip(seen.hidden, plan.targets, strict=True):
            pairs += [(value > 0, target > 0) for value, target in zip(values, T[n], strict=True)]
        pairs.append((seen.scores.index(max(seen.scores)), plan.labels[n]))
    return pairs


def ties_met(goal: TargetGoal, V: FloatArray, layer: Dense) -> BoolArray:
    """Take z = 0 for a unit that is on."""
    return goal.missed(V, Dense(layer.weights, layer.biases + 1e-9))


def first_unit_only(goal: TargetGoal, V: FloatArray, layer: Dense) -> BoolArray:
    """Look at the first unit's targets only."""
    return goal.missed(V, layer)[:, :1]


def never(goal: Any, V: FloatArray, layer: Dense) -> BoolArray:
    """Miss no goal."""
    return np.zeros((len(V), 1), bool)


def always(goal: Any, V: FloatArray, layer: Dense) -> BoolArray:
    """Miss every goal."""
    return np.ones((len(V), 1), bool)


MET = Claim(
    id="targetprop.met",
    statement="If each layer meets its targets on the targets of the layer below, the net computes "
    "all targets, and the labels.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_plans,
    measure=each(measure_plan),
    subject=(TargetGoal.missed, LabelGoal.missed),
    planted={
        "z = 0 taken for on": (ties_met, LabelGoal.missed),
        "the first unit only": (first_unit_only, LabelGoal.missed),
        "the targets only": (TargetGoal.missed, never),
        "the labels only": (never, LabelGoal.missed),
        "never met": (always, LabelGoal.missed),
    },
    tolerance=0.0,
    hypotheses="t z > 0; one to three hidden layers of sign or step units; z = 0 among them",
    cases=300,
)


# ------------------------------------------------------------------------- the recursive search


@dataclass(frozen=True, eq=False)
class Task:
    """A tiny problem for the recursive search."""

    X: FloatArray
    y: NDArray[np.intp]
    hidden: list[int]
    options: dict[str, Any]
    seed: int


def random_task(rng: np.random.Generator, i: int, budget: int, restarts: int) -> Task:
    """Return a problem with random labels that no net of one or two units a layer solves.

    There are two equal points with different labels, so that the search goes on until its budget is
    spent. One in four has binary features, one in sixteen has all points equal.
    """
    n = int(rng.integers(6, 11))
    X = rng.standard_normal((n, int(rng.integers(1, 4))))
    if i % 4 == 1:
        X = rng.integers(0, 2, X.shape).astype(float)
    y = rng.integers(0, 3 if i % 3 == 0 else 2, n)
    X[1], y[:2] = X[0], (0, 1)
    if i % 16 == 2:
        X[:] = X[0]
    options = {
        "activation": str(rng.choice(["sign", "step"])),
        "loss": ("squared_hinge", "logistic", "hinge")[i % 3],
        "output": str(rng.choice(["cross-entropy", "hinge"])),
        "budget": budget,
        "restarts": restarts,
    }
    hidden = [int(rng.integers(1, 3)) for _ in range(rng.integers(1, 3))]
    return Task(X, y, hidden, options, int(rng.integers(2**31)))


def draw_starts(rng: np.random.Generator, count: int) -> list[Task]:
    """Return problems with many starts, so that the best net is seldom the last one."""
    return [random_task(rng, i, budget=int(i % 5 == 0), restarts=6) for i in range(count)]


def draw_attempts(rng: np.random.Generator, count: int) -> list[Task]:
    """Return problems with attempts of which many are undone."""
    return [random_task(rng, i, budget=4, restarts=1) for i in range(count)]


Search = tuple[Callable[..., Iterator[Step]], Callable[..., ZeroOneMLP]]


def measure_search(functions: Search, task: Task) -> Pairs:
    """Compare the samples that are right, as the search says, with those counted by hand.

    A sample that hangs on rounding may count either way.
    """
    iterate, network = functions
    *_, last = iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options)
    net = network(last.state)
    layers = list(zip(net.weights, net.biases, strict=True))
    low = -1.0 if net.activation == "sign" else 0.0
    right = doubtful = 0
    for x, label in zip(task.X.tolist(), task.y.tolist(), strict=True):
        seen = run_by_hand(layers, x, low)
        doubtful += seen.doubt or seen.tie
        right += seen.scores.index(max(seen.scores)) == label and not (seen.doubt or seen.tie)
    said = len(task.y) - last.state.best_errors
    return [(said, min(max(said, right), right + doubtful))]


def counted_late(*arguments: Any, **options: Any) -> Iterator[Step]:
    """Take the errors of the net that the search ended with for those of the best one."""
    *_, last = recursive.iterate(*arguments, **options)
    yield replace(last, state=replace(last.state, best_errors=last.state.errors()))


HONEST = Claim(
    id="targetprop.search-counts",
    statement="The best net of a recursive search misclassifies as many training samples as the "
    "search says, counted by hand.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_starts,
    measure=each(measure_search),
    subject=(recursive.iterate, recursive.network),
    planted={
        "the present net for the best": (
            recursive.iterate,
            lambda state: recursive.network(state, best=False),
        ),
        "errors of the present net": (counted_late, recursive.network),
    },
    tolerance=0.0,
    hypotheses="random labels; points that are equal, some with different labels",
    cases=25,
)


def output_loss_by_hand(state: recursive.RecursiveState, task: Task) -> float | None:
    """Return the output layer's loss, ridge included, of the present net.

    None if a hidden unit hangs on rounding: the loss then has more than one value.
    """
    layers = [(layer.weights, layer.biases) for layer in state.layers]
    low = -1.0 if state.activation == "sign" else 0.0
    total = 0.0
    for x, label in zip(task.X.tolist(), task.y.tolist(), strict=True):
        seen = run_by_hand(layers, x, low)
        if seen.doubt:
            return None
        gaps = [score - seen.scores[label] for score in seen.scores]
        if task.options["output"] == "hinge":
            total += max(gap + (k != label) for k, gap in enumerate(gaps))
        else:
            total += max(gaps) + log(sum(exp(gap - max(gaps)) for gap in gaps))
    ridge = 1e-4 if task.options["output"] == "cross-entropy" else 0.0
    return total / len(task.y) + ridge / 2 * float(sum(np.sum(part**2) for part in layers[-1]))


def measure_descent(iterate: Any, task: Task) -> Pairs:
    """Compare the output loss after each attempt of the output layer with that before.

    "A" and "U" are the steps when an attempt was accepted, or undone; "C", when the output layer
    was fitted and its labels checked.
    """
    top = len(task.hidden)
    blocks = [f"A{top}", f"U{top}"]
    series: list[list[float | None]] = []  # of each restart, from its first fit
    for step in iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options):
        if step.block == f"C{top + 1}" and len(series) < step.sweep:
            series.append([output_loss_by_hand(step.state, task)])
        # A net that gets all labels right is kept at any loss: there the search ends.
        elif step.block in blocks and not step.state.trees[-1].feasible:
            series[-1].append(output_loss_by_hand(step.state, task))
    known = [[loss for loss in losses if loss is not None] for losses in series]
    return [(after, before) for losses in known for before, after in pairwise(losses)]


def never_undone(X: Any, y: Any, hidden: list[int], **options: Any) -> Iterator[Step]:
    """Call every fit of the output layer an attempt that was accepted, before it is undone."""
    for step in recursive.iterate(X, y, hidden, **options):
        yield step
        if step.block == f"C{len(hidden) + 1}":
            yield replace(step, block=Block(f"A{len(hidden)}"))


DESCENT = Claim(
    id="targetprop.search-descends",
    statement="The loss of the output layer never rises in a recursive search from one net: what "
    "does not lower it is undone.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_attempts,
    measure=each(measure_descent),
    subject=recursive.iterate,
    planted={"attempts before they are undone": never_undone},
    tolerance=1e-12,
    hypotheses="until all labels are right; no hidden unit hangs on rounding",
    cases=16,
)

CLAIMS = (MET, HONEST, DESCENT)
