"""Recursive feasible target propagation, FTPROP, on the whole training set (docs/theory.md#c3).

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

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.activations import sign, step
from zeroone.losses import OUTPUT_LOSSES, Classes
from zeroone.nets.layers import Dense
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.steps import Block, Step
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_integer,
    check_matrix,
    check_number,
)
from zeroone.targetprop.recursive_goals import (
    CONVEX,
    Decider,
    Goal,
    LabelGoal,
    TargetGoal,
    by_hyperplane,
    choose_targets,
    rounding,
)
from zeroone.targetprop.targets import check_counted_classes

ACTIVATIONS = {"sign": sign, "step": step}
SOURCE = "docs/theory.md#c3"
# A loss counts as lower only if it is so beyond rounding and the tolerance of the fits.
LOWER = 1 - 1e-9

# The kinds of steps: what is done, and the equation.
BLOCKS = {
    "T": ("choose targets", "t = -sign(dL/dh) of the layer above, or a part of it, or random bits"),
    "W": ("fit", "(W, b) <- argmin 1/N sum_n loss(t_n, W v_n + b) + (ridge/2) (|W|^2 + |b|^2)"),
    "C": ("check", "feasible if t_n (w.v_n + b) > 0 for all units and samples (or labels win)"),
    "A": ("accept", "kept, since the loss of the layer above has fallen, or its goal is met"),
    "U": ("undo", "all layers as before, since the loss of the layer above has not fallen"),
}


class Search:
    """The recursive procedure, with the state that it changes.

    Parameters
    ----------
    state : RecursiveState
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

    def reach(self, layer: int, goal: Goal, decision: Decision) -> Iterator[Step]:
        """Try to reach a goal with the layers up to `layer`, from 0, and yield every step."""
        state = self.state
        decision.loss_before = self.loss(layer, goal)
        yield from self.fit(layer, goal, decision)
        tried: set[bytes] = set()
        for _ in range(self.budgets[layer]):
            if decision.feasible:
                return
            kept, impossible = list(state.layers), decision.impossible_units
            before = decision.loss_after
            below, child = self.choose(layer, goal, tried)
            decision.children.append(child)
            yield self.step("T", layer - 1, below, child, targets=below.targets)
            yield from self.reach(layer - 1, below, child)
            yield from self.fit(layer, goal, decision)
            child.above_before, child.above_after = before, decision.loss_after
            child.accepted = decision.feasible or decision.loss_after < before * LOWER
            if layer == len(self.hidden):
                self.position += 1 / self.budgets[layer]
            if child.accepted:
                tried.clear()
                yield self.step("A", layer, goal, child, before=before)
            else:
                state.layers, decision.impossible_units = kept, impossible
                self.check(layer, goal, decision)
                yield self.step("U", layer, goal, child, before=child.above_after)

    def run(self) -> Iterator[Step]:
        """Search from one random net after the other, until all labels are right."""
        state, top = self.state, len(self.hidden)
        goal = LabelGoal(state.classes, self.options.output, self.options.ridge)
        for restart in range(self.options.restarts):
            self.start()
            root = Decision(top + 1, "labels", len(state.X), state.errors())
            state.trees.append(root)
            self.position = float(restart)
            yield from self.reach(top, goal, root)
            if state.best_errors == 0:
                return

    def start(self) -> None:
        """Put random hyperplanes in all hidden layers, and zeros in the output layer."""
        state, dtype = self.state, self.state.X.dtype
        state.layers = []
        for size in self.hidden:
            V = state.layer_input(len(state.layers))
            state.layers.append(random_layer(V, size, self.rng))
        zeros = np.zeros((self.n_classes, self.hidden[-1]), dtype)
        state.layers.append(Dense(zeros, np.zeros(self.n_classes, dtype)))

    def choose(self, layer: int, goal: Goal, tried: set[bytes]) -> tuple[TargetGoal, Decision]:
        """Choose targets for the layer below `layer`, to lower the loss of that layer."""
        V, present = self.state.layer_input(layer), self.state.layers[layer]
        signs = np.where(V > 0, 1, -1).astype(V.dtype)
        rule, targets = choose_targets(
            goal.input_derivative(V, present),
            signs,
            goal.sample_losses(present.forward(V)),
            np.asarray(goal.missed(V, present).any(axis=1)),
            self.rng,
            tried,
        )
        changed, options = np.count_nonzero(targets * signs < 0), self.options
        below = TargetGoal(targets, options.loss, options.ridge, options.decide)
        return below, Decision(layer, rule, int(np.count_nonzero(targets)), int(changed))

    def fit(self, layer: int, goal: Goal, decision: Decision) -> Iterator[Step]:
        """Fit a layer to its goal, on the activations that the layer below has, and check it."""
        before = self.loss(layer, goal)
        result = goal.fit(self.state.layer_input(layer), self.state.layers[layer])
        self.state.layers[layer] = result.layer
        decision.impossible_units = result.impossible
        counts = {"fitted": result.fitted, "separated": result.separated}
        yield self.step("W", layer, goal, decision, before=before, **counts)
        self.check(layer, goal, decision)
        yield self.step("C", layer, goal, decision, feasible=decision.feasible)

    def check(self, layer: int, goal: Goal, decision: Decision) -> None:
        """Write into a decision what the present layers make of its goal."""
        missed = goal.missed(self.state.layer_input(layer), self.state.layers[layer])
        decision.missed = int(missed.sum())
        decision.missed_units = int(missed.any(axis=0).sum())
        decision.missed_samples = int(missed.any(axis=1).sum())
        decision.loss_after = self.loss(layer, goal)
        decision.feasible = decision.missed == 0

    def loss(self, layer: int, goal: Goal) -> float:
        """Return a layer's loss on its goal."""
        return goal.loss(self.state.layer_input(layer), self.state.layers[layer])

    def step(
        self,
        kind: str,
        layer: int,
        goal: Goal,
        decision: Decision,
        *,
        before: float | None = None,
        **info: Any,
    ) -> Step:
        """Return the step of a decision, and keep the net if it is the best so far.

        Parameters
        ----------
        kind : str
            A key of `BLOCKS`.
        layer, goal
            Whose loss the step is about.
        decision : Decision
            Its layer gives the block its number.
        before : float, optional
            The loss before the step, if it is another one than after.
        **info
            More to say of it.
        """
        state = self.state
        name = "output loss" if layer == len(self.hidden) else f"layer {layer + 1} loss"
        after, errors = self.loss(layer, goal), state.errors()
        state.keep_best(errors)
        action, equation = BLOCKS[kind]
        details = {
            "action": action,
            "decision": decision,
            "train_error": errors / len(state.X),
            "best_error": state.best_errors / len(state.X),
            "position": self.position,
        }
        losses = {name: after if before is None else before}, {name: after}
        block = Block(f"{kind}{decision.layer}", equation, SOURCE)
        return Step(len(state.trees), block, *losses, state, details | info)


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
        The fields of `RecursiveOptions`, by name. With
        ``decide=zeroone.exact.separability.separate`` it is proved which targets are impossible.

    Yields
    ------
    Step
        The block tells the action and the layer it is about, from 1: ``T1`` targets were chosen
        for layer 1, ``W1`` it was fitted to them, ``C1`` checked; ``A1`` the change was accepted,
        or ``U1`` undone. The terms are the loss of the layer (for A and U, of the layer above)
        before and after. ``info`` has the ``action`` in words, the ``decision`` as it is so far,
        ``train_error`` of the present hard net and ``best_error`` of the best, as fractions, and
        ``position``, restarts begun as a fraction; for T the ``targets``, for W how many units
        were ``fitted`` and how many ``separated`` by the decider instead, for C ``feasible``.

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
    X = check_matrix("X", X)
    largest = float(np.finfo(X.dtype).max) ** 0.4
    if np.max(np.abs(X)) > largest:
        raise ValueError(f"X must be scaled to less than {largest:.0e}, but has larger entries")
    classes, count = check_counted_classes(y, len(X), n_classes)
    sizes = check_hidden(hidden)
    chosen.budgets(len(sizes))
    state = RecursiveState(X, classes, chosen.activation, best_errors=len(X) + 1)
    return Search(state, sizes, count, chosen, np.random.default_rng(rng)).run()


# ------------------------------------------------------------------------------ options and state


@dataclass(frozen=True)
class RecursiveOptions:
    """How the recursive search goes about it.

    Parameters
    ----------
    budget : int or sequence of int, default 20
        Attempts of a layer to reach a goal by choosing targets for the layer below: of the output
        layer first, then downwards to the second layer. With a single number each layer has a
        quarter of the attempts of the one above.
    restarts : int, default 10
        Random nets to start from, the first one included.
    activation : {"sign", "step"}, default "sign"
        The function of the hidden units.
    loss : {"squared_hinge", "logistic", "hinge"}, default "squared_hinge"
        The loss of the hidden units. It must be convex.
    output : {"cross-entropy", "hinge"}, default "cross-entropy"
        Loss of the output layer.
    ridge : float, default 1e-4
        Price of a squared weight in the fits (`zeroone.targetprop.recursive_goals`).
    decide : callable (X, targets) -> Answer, default by_hyperplane
        Asked whether a unit can meet its targets, if its fit has missed one. The default finds a
        hyperplane by a linear program where there is one, and proves nothing where there is none;
        `zeroone.exact.separability.separate` does both.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    budget: int | Sequence[int] = 20
    restarts: int = 10
    activation: str = "sign"
    loss: str = "squared_hinge"
    output: str = "cross-entropy"
    ridge: float = 1e-4
    decide: Decider = by_hyperplane

    def __post_init__(self) -> None:
        for attempts in np.atleast_1d(np.asarray(self.budget, dtype=object)):
            check_integer("budget", attempts, minimum=0)
        check_integer("restarts", self.restarts)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("loss", self.loss, CONVEX)
        check_choice("output", self.output, OUTPUT_LOSSES)
        check_number("ridge", self.ridge)
        if not callable(self.decide):
            raise ValueError(f"decide must be a function of X and targets, but is {self.decide!r}")

    def budgets(self, n_hidden: int) -> tuple[int, ...]:
        """Return the attempts of each layer above the first, upwards.

        Raises
        ------
        ValueError
            If `budget` names another number of layers.
        """
        if isinstance(self.budget, Sequence | np.ndarray):
            if len(self.budget) != n_hidden:
                raise ValueError(
                    f"budget must have {n_hidden} entries, one a layer above the first, but is "
                    f"{self.budget!r}"
                )
            return tuple(int(attempts) for attempts in reversed(self.budget))
        shares = [max(self.budget // 4**i, min(self.budget, 1)) for i in range(n_hidden)]
        return tuple(reversed(shares))


@dataclass
class RecursiveState:
    """A net in the making, the best one so far, and the decisions that led there.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    classes : ndarray of int, shape (n_samples,)
    activation : {"sign", "step"}
    layers : list of Dense
        The present net. A fit puts a new layer in the place of an old one and changes none.
    best_layers : list of Dense
        The layers of the best net.
    best_errors : int
        Training samples that it misclassifies.
    trees : list of Decision
        One for each restart.
    """

    X: FloatArray
    classes: Classes
    activation: str
    layers: list[Dense] = field(default_factory=list)
    best_layers: list[Dense] = field(default_factory=list)
    best_errors: int = 0
    trees: list[Decision] = field(default_factory=list)

    def layer_input(self, layer: int) -> FloatArray:
        """Return what layer `layer`, from 0, receives: the activations of the layer below."""
        V = self.X
        for below in self.layers[:layer]:
            V = ACTIVATIONS[self.activation](below.forward(V))
        return V

    def errors(self) -> int:
        """Return how many training samples the present net misclassifies, by running it."""
        predicted = network(self, best=False).predict(self.X)
        return int(np.count_nonzero(predicted != self.classes))

    def keep_best(self, errors: int) -> None:
        """Remember the present net if it is the best so far."""
        if errors < self.best_errors:
            self.best_layers, self.best_errors = list(self.layers), errors


def random_layer(V: FloatArray, n_units: int, rng: np.random.Generator) -> Dense:
    """Return random hyperplanes, each halfway between two samples: none is constant on the data.

    Where all samples are alike, to rounding, a unit has to be: it is off, and clearly so.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
    n_units : int
    rng : numpy.random.Generator

    Returns
    -------
    Dense
        With Gaussian directions.
    """
    W = rng.standard_normal((n_units, V.shape[1])).astype(V.dtype)
    layer = Dense(W, np.zeros(n_units, V.dtype))
    A, doubt = layer.forward(V), rounding(V, layer).max(axis=0)
    pairs = rng.integers(len(V), size=(2, n_units))
    units = np.arange(n_units)
    alike = np.abs(A[pairs[0], units] - A[pairs[1], units]) <= 4 * doubt
    pairs[0, alike], pairs[1, alike] = A.argmin(axis=0)[alike], A.argmax(axis=0)[alike]
    low, high = A[pairs[0], units], A[pairs[1], units]
    halfway = low / 2 + high / 2
    constant = np.abs(high - low) <= 4 * doubt
    return Dense(W, np.where(constant, -halfway - np.abs(halfway) - 1, -halfway))


def network(
    state: RecursiveState, classes: ArrayLike | None = None, *, best: bool = True
) -> ZeroOneMLP:
    """Return the best hard network so far, or the present one.

    Parameters
    ----------
    state : RecursiveState
        From a step.
    classes : array_like, optional
        The labels of the outputs.
    best : bool, default True
        Whether it is the one with the fewest training errors, or the present one.

    Returns
    -------
    ZeroOneMLP
        With copies of the weights.
    """
    layers = state.best_layers if best else state.layers
    return ZeroOneMLP(
        [layer.weights for layer in layers],
        [layer.biases for layer in layers],
        activation=state.activation,
        classes=classes,
    )


# --------------------------------------------------------------------------- the tree of decisions


@dataclass
class Decision:
    """What one layer was asked for, and what came of it.

    The root asks the output layer for the labels. The children of a decision are the targets that
    were chosen, one attempt after the other, for the layer below.

    Parameters
    ----------
    layer : int
        From 1; the output layer is the last.
    choice : str
        The rule that chose the targets (`zeroone.targetprop.recursive_goals`), or "labels".
    bits : int
        Targets in all: units x samples, without those that do not matter; or samples.
    changed : int
        Targets other than what the layer gave when they were chosen; for labels, the samples that
        were misclassified.
    feasible : bool, optional
        Whether the goal was met. None until that was checked.
    missed : int
        Targets (or labels) that are not met, ties included.
    missed_units, missed_samples : int
        Units, and samples, with such a target.
    impossible_units : int
        Units of which it is proved that nothing would do.
    loss_before, loss_after : float
        The layer's loss on this goal before its first fit, and in the end.
    above_before, above_after : float
        The loss of the layer above, fitted to the old and to the new activations. NaN for labels.
    accepted : bool, optional
        Whether the layers were left as this decision made them. None while it is not decided.
    children : list of Decision
    """

    layer: int
    choice: str
    bits: int
    changed: int
    feasible: bool | None = None
    missed: int = 0
    missed_units: int = 0
    missed_samples: int = 0
    impossible_units: int = 0
    loss_before: float = float("nan")
    loss_after: float = float("nan")
    above_before: float = float("nan")
    above_after: float = float("nan")
    accepted: bool | None = None
    children: list[Decision] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of decisions in the tree."""
        return 1 + sum(child.size for child in self.children)


def describe(decision: Decision) -> str:
    """Return what is to be said of a decision, in one line, without its children."""
    if decision.choice == "labels":
        goal = f"labels of {_count(decision.bits, 'sample')}, {decision.changed} wrong at first"
    else:
        goal = f"targets by {decision.choice}, {decision.changed} of {decision.bits} bits changed"
    return f"layer {decision.layer}: {goal}: {_outcome(decision)}{_fate(decision)}"


def _outcome(decision: Decision) -> str:
    if decision.feasible is None:
        return "not tried yet"
    loss = f"loss {decision.loss_before:.3g} -> {decision.loss_after:.3g}"
    if decision.feasible:
        return f"met, {loss}"
    if decision.choice == "labels":
        return f"{decision.missed} missed, {loss}"
    where = f"{_count(decision.missed_units, 'unit')}, {_count(decision.missed_samples, 'sample')}"
    proof = f", {decision.impossible_units} proved impossible" if decision.impossible_units else ""
    return f"{decision.missed} missed ({where}{proof}), {loss}"


def _fate(decision: Decision) -> str:
    if decision.accepted is None:
        return ""
    above = f"{decision.above_before:.3g} -> {decision.above_after:.3g}"
    return f"; loss above {above}: {'kept' if decision.accepted else 'undone'}"


def _count(number: int, noun: str) -> str:
    """Return a number and a noun, such as "1 unit" or "2 units"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def format_tree(decision: Decision, *, depth: int | None = None) -> str:
    """Return a tree of decisions as indented text, a line each.

    Parameters
    ----------
    decision : Decision
        Its root.
    depth : int, optional
        How many levels below it to show; all by default.

    Returns
    -------
    str
        Without a newline at the end.

    Examples
    --------
    >>> root = Decision(2, "labels", 4, 2, False, 2, 1, 2, loss_before=0.69, loss_after=0.5)
    >>> child = Decision(1, "worst bits", 8, 1, True, loss_before=0.4, loss_after=0.001)
    >>> child.above_before, child.above_after, child.accepted = 0.5, 0.1, True
    >>> root.children.append(child)
    >>> print(format_tree(root))
    layer 2: labels of 4 samples, 2 wrong at first: 2 missed, loss 0.69 -> 0.5
      layer 1: targets by worst bits, 1 of 8 bits changed: met, loss 0.4 -> 0.001; loss above \
0.5 -> 0.1: kept
    """
    lines = [describe(decision)]
    if depth is None or depth > 0:
        below = None if depth is None else depth - 1
        for child in decision.children:
            text = format_tree(child, depth=below)
            lines.extend(f"  {line}" for line in text.splitlines())
    return "\n".join(lines)
