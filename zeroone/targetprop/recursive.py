"""Recursive feasible target propagation, FTPROP, on the whole training set (theory, C).

To reach a goal, labels at the output or targets below, a layer ::

    fits its weights to the goal, a convex problem for each unit; if the goal is met, done
    as long as its budget lasts:
        chooses targets for the layer below, to lower its own loss
        lets the layer below reach these targets, in the same way
        fits its weights on the activations that the layer below now really has
        if its goal is met, done; if its loss has not fallen, undoes all that

The first layer has no layer below: it fits, and that is all it can do. A net whose layers all meet
their targets computes just what the targets say. If the output layer runs out of budget, the search
starts again from another random net; the best net of all is kept.

References
----------
.. [1] Friesen, Domingos, *Deep Learning as a Mixed Convex-Combinatorial Optimization Problem*,
   ICLR 2018, arXiv:1710.11573, Algorithm 1.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.layers import check_hidden
from zeroone.targetprop.layers import with_ones
from zeroone.targetprop.output import check_counted_classes
from zeroone.targetprop.recursive_choices import changed_bits, choose_targets
from zeroone.targetprop.recursive_decision import Decision, format_tree
from zeroone.targetprop.recursive_goals import Goal, LabelGoal, TargetGoal
from zeroone.targetprop.recursive_state import (
    RecursiveOptions,
    RecursiveState,
    network,
    random_units,
)
from zeroone.trace import Step
from zeroone.validation import check_matrix

__all__ = ["Decision", "RecursiveOptions", "RecursiveState", "format_tree", "iterate", "network"]

# A loss counts as lower only if it is so beyond rounding and the tolerance of the fits.
LOWER = 1 - 1e-9


class Recursion:
    """One search: the state, the options, and the recursive procedure.

    Parameters
    ----------
    state : RecursiveState
        Changed in place.
    hidden : tuple of int
        Sizes of the hidden layers.
    n_classes : int
    options : RecursiveOptions
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        state: RecursiveState,
        hidden: tuple[int, ...],
        n_classes: int,
        options: RecursiveOptions,
        rng: np.random.Generator,
    ) -> None:
        self.state, self.hidden, self.n_classes = state, hidden, n_classes
        self.options, self.rng = options, rng
        self.budgets = (0, *options.budgets(len(hidden)))
        self.position = 0.0

    def run(self) -> Iterator[Step]:
        """Search from one random net after the other, until all labels are right."""
        state, top = self.state, len(self.hidden)
        for restart in range(self.options.restarts):
            self.start()
            goal = LabelGoal(state.classes, self.options.output, self.options.ridge)
            root = Decision(top + 1, "labels", len(state.V), state.errors())
            state.trees.append(root)
            self.position = float(restart)
            yield from self.reach(top, goal, root)
            if state.best_errors == 0:
                return

    def start(self) -> None:
        """Put random hyperplanes in all hidden layers, and zeros in the output layer."""
        state = self.state
        state.weights = []
        for size in self.hidden:
            V = state.layer_input(len(state.weights))
            state.weights.append(random_units(V, size, self.rng))
        state.weights.append(np.zeros((self.n_classes, self.hidden[-1] + 1), state.V.dtype))

    def reach(self, layer: int, goal: Goal, decision: Decision) -> Iterator[Step]:
        """Try to reach a goal with the layers up to `layer`, from 0, and yield every step."""
        state = self.state
        decision.loss_before = goal.loss(state.layer_input(layer), state.weights[layer])
        yield from self.fit(layer, goal, decision)
        if (yield from self.check(layer, goal, decision)):
            return
        tried: set[bytes] = set()
        for _ in range(self.budgets[layer]):
            kept, before = list(state.weights), decision.loss_after
            impossible = decision.impossible_units
            below, child = self.choose(layer, goal, tried)
            decision.children.append(child)
            yield self.step("T", layer - 1, below, "choose targets", child, targets=below.targets)
            yield from self.reach(layer - 1, below, child)
            yield from self.fit(layer, goal, decision)
            met = yield from self.check(layer, goal, decision)
            child.above_before, child.above_after = before, decision.loss_after
            child.accepted = met or decision.loss_after < before * LOWER
            if layer == len(self.hidden):
                self.position += 1 / self.budgets[layer]
            if child.accepted:
                tried.clear()
                yield self.step("A", layer - 1, goal, "accept", child, before=before)
            else:
                state.weights, decision.impossible_units = kept, impossible
                self.review(layer, goal, decision)
                undone = child.above_after
                yield self.step("U", layer - 1, goal, "undo", child, before=undone)
            if met:
                return

    def choose(self, layer: int, goal: Goal, tried: set[bytes]) -> tuple[TargetGoal, Decision]:
        """Choose targets for the layer below `layer`, to lower the loss of that layer."""
        V, W = self.state.layer_input(layer), self.state.weights[layer]
        signs = np.where(V[:, :-1] > 0, 1, -1).astype(V.dtype)
        name, targets = choose_targets(
            goal.input_derivative(V, W),
            signs,
            goal.sample_losses(V, W),
            np.asarray(goal.missed(V, W).any(axis=1)),
            self.rng,
            tried,
        )
        changed = changed_bits(targets, signs)
        below = TargetGoal(targets, self.options.loss, self.options.ridge)
        return below, Decision(layer, name, int(np.count_nonzero(targets)), changed)

    def fit(self, layer: int, goal: Goal, decision: Decision) -> Iterator[Step]:
        """Fit a layer's weights to its goal, on the activations that the layer below has."""
        state = self.state
        V, W = state.layer_input(layer), state.weights[layer]
        before = goal.loss(V, W)
        result = goal.fit(V, W)
        state.weights[layer] = result.weights
        decision.impossible_units = result.impossible
        counts = {"fitted": result.fitted, "separated": result.separated}
        yield self.step("W", layer, goal, "fit", decision, before=before, **counts)

    def check(self, layer: int, goal: Goal, decision: Decision) -> Generator[Step, None, bool]:
        """Check whether a layer meets its goal: then it is feasible, and the weights prove it."""
        met = self.review(layer, goal, decision)
        yield self.step("C", layer, goal, "check", decision, feasible=met)
        return met

    def review(self, layer: int, goal: Goal, decision: Decision) -> bool:
        """Write into a decision what the present weights make of its goal."""
        V, W = self.state.layer_input(layer), self.state.weights[layer]
        missed = goal.missed(V, W)
        decision.missed = int(missed.sum())
        decision.missed_units = int(missed.any(axis=0).sum())
        decision.missed_samples = int(missed.any(axis=1).sum())
        decision.loss_after = goal.loss(V, W)
        decision.feasible = decision.missed == 0
        return decision.feasible

    def step(
        self,
        kind: str,
        layer: int,
        goal: Goal,
        action: str,
        decision: Decision,
        *,
        before: float | None = None,
        **info: Any,
    ) -> Step:
        """Return the step of a decision, and keep the net if it is the best so far."""
        state = self.state
        judged = layer + 1 if kind in "AU" else layer
        top = len(self.hidden)
        name = "output loss" if judged == top else f"layer {judged + 1} loss"
        after = goal.loss(state.layer_input(judged), state.weights[judged])
        errors = state.errors()
        state.keep_best(errors)
        details = {
            "action": action,
            "decision": decision,
            "train_error": errors / len(state.V),
            "best_error": state.best_errors / len(state.V),
            "position": self.position,
        }
        losses = {name: after if before is None else before}, {name: after}
        return Step(len(state.trees), f"{kind}{layer + 1}", *losses, state, details | info)


def iterate(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    n_classes: int | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train a net of step units by recursive feasible target propagation, a decision at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled. float32 is kept.
    y : array_like of int, shape (n_samples,)
        Classes, counted from 0.
    hidden : int or sequence of int
        Sizes of the hidden layers.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    n_classes : int, optional
        By default as many as `y` has, and at least 2.
    **options
        The fields of `RecursiveOptions`, by name.

    Yields
    ------
    Step
        The block tells the action and the layer it is about, from 1: ``T1`` targets were chosen
        for layer 1, ``W1`` it was fitted to them, ``C1`` checked; ``A1`` the change was accepted,
        or ``U1`` undone. The terms are the loss of the layer (for A and U, of the layer above)
        before and after. ``info`` has the ``action`` in words, the ``decision`` as it is so far,
        ``train_error`` of the present hard net and ``best_error`` of the best, as fractions, and
        ``position``, restarts begun as a fraction; for T the ``targets``, for W how many units
        were ``fitted`` and how many ``separated`` by a proof instead, for C ``feasible``.

    Raises
    ------
    ValueError
        If an argument is of the wrong shape, not finite or out of range.

    Examples
    --------
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> steps = list(iterate(X, y, 2, rng=0))
    >>> network(steps[-1].state).predict(X).tolist()
    [0, 1, 1, 0]
    """
    try:
        chosen = RecursiveOptions(**options)
    except TypeError as error:
        raise ValueError(f"options must be fields of RecursiveOptions: {error}") from None
    data = check_matrix("X", X)
    classes, count = check_counted_classes(y, len(data), n_classes)
    sizes = check_hidden(hidden)
    chosen.budgets(len(sizes))
    V = with_ones(data)
    V[:, :-1] = data
    state = RecursiveState(V, classes, chosen.activation, [], [], len(V) + 1, [])
    return Recursion(state, sizes, count, chosen, np.random.default_rng(rng)).run()
