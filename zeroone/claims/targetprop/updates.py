"""Claims: the straight-through estimators are target propagation with another loss, bit for bit.

The oracle is backpropagation as it is usually written: the chain rule from the top down, with a
pseudo-derivative where it asks for the derivative of a step. It knows no targets and no losses of
hidden units, and shares no code with the solver. The order of the operations decides the last bit,
so it is the solver's: products of the same matrices, of the same shapes and in the same order, and
constants of Adam that are gathered before they meet an array.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.steps import Step
from zeroone.support.validation import FloatArray
from zeroone.targetprop import solver
from zeroone.targetprop.options import TargetOptions

Pair = tuple[FloatArray, FloatArray]
Slope = Callable[[FloatArray], FloatArray]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; docs/theory.md#c1"


@dataclass(frozen=True, eq=False)
class Training:
    """A net, and some batches to train it on.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    classes : ndarray of int, (n,)
    batches : list of ndarray of int
        The samples of each batch.
    rates : list of float
        The learning rate of each.
    weights, biases : list of ndarray
        Of all layers at first.
    activation : str
    levels : int or None
    output, optimiser : str
    momentum, weight_decay : float
    measure : bool
        Whether the solver measures its losses on the way, which must not matter.
    """

    X: FloatArray
    classes: NDArray[np.intp]
    batches: list[NDArray[np.intp]]
    rates: list[float]
    weights: list[FloatArray]
    biases: list[FloatArray]
    activation: str
    levels: int | None
    output: str
    optimiser: str
    momentum: float
    weight_decay: float
    measure: bool


def sample_trainings(rng: np.random.Generator, count: int) -> list[Training]:
    """Draw nets of one to three hidden layers, of one unit and more, and one to four batches.

    Every other one has weights and inputs that are multiples of 1/4 and 1/2, so that some
    pre-activations are exactly at the thresholds and at the kinks of the losses.
    """
    drawn = []
    for i in range(count):
        n, n_classes = int(rng.integers(1, 9)), int(rng.integers(2, 5))
        hidden = rng.integers(1, 6, rng.integers(1, 4)).tolist()
        sizes = [int(rng.integers(1, 5)), *hidden, n_classes]
        X = rng.standard_normal((n, sizes[0]))
        weights: list[FloatArray] = [
            rng.standard_normal((above, below)) for below, above in pairwise(sizes)
        ]
        biases: list[FloatArray] = [rng.standard_normal(above) for above in sizes[1:]]
        if i % 2:
            X = np.round(2 * X) / 2
            weights = [np.round(4 * W) / 4 for W in weights]
            biases = [np.round(4 * b) / 4 for b in biases]
        activation = ("sign", "step", "staircase")[i % 3]
        n_batches = int(rng.integers(1, 5))
        drawn.append(
            Training(
                X=X,
                classes=rng.integers(0, n_classes, n),
                batches=[rng.permutation(n)[: rng.integers(1, n + 1)] for _ in range(n_batches)],
                rates=rng.choice([1.0, 0.25, 0.1, 0.003], n_batches).tolist(),
                weights=weights,
                biases=biases,
                activation=activation,
                levels=int(rng.integers(2, 7)) if activation == "staircase" else None,
                output=str(rng.choice(["cross-entropy", "hinge"])),
                optimiser=str(rng.choice(["momentum", "adam"])),
                momentum=float(rng.choice([0.0, 0.5, 0.9])),
                weight_decay=float(rng.choice([0.0, 0.01])),
                measure=bool(rng.integers(2)),
            )
        )
    return drawn


# ------------------------------------------------------------------------------------------- oracle


def jumps(training: Training) -> list[float]:
    """Return where the units jump; a staircase has k - 1 steps of height 1/(k - 1)."""
    steps = 1 if training.levels is None else training.levels - 1
    return [j / steps for j in range(steps)]


def unit_values(z: FloatArray, training: Training) -> FloatArray:
    """Return what the hidden units give."""
    if training.activation == "sign":
        return np.where(z > 0, 1.0, -1.0)
    places = jumps(training)
    return np.asarray(sum((z > place).astype(float) for place in places) / len(places))


def score_derivative(scores: FloatArray, classes: NDArray[np.intp], output: str) -> FloatArray:
    """Return the derivative of the output loss by the scores."""
    n, n_classes = scores.shape
    one_hot = np.eye(n_classes)[classes]
    if output == "cross-entropy":
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (exponentials / exponentials.sum(axis=1, keepdims=True) - one_hot) / n
    result = np.zeros_like(scores)
    for row, own in enumerate(classes):
        others = [k for k in range(n_classes) if k != own]
        rival = max(others, key=lambda k: float(scores[row, k]))
        if scores[row, own] - scores[row, rival] <= 1:
            result[row, rival], result[row, own] = 1 / n, -1 / n
    return result


def adam_step(
    sums: list[FloatArray], gradient: FloatArray, count: int, momentum: float
) -> tuple[float, FloatArray]:
    """Return the direction of Adam's update number `count`; `sums` has m/(1 - b1), v/(1 - b2).

    ::

        (1 - b1) / ((1 - b1^t) s)  *  m / (sqrt(v) + eps/s),      s^2 = (1 - b2)/(1 - b2^t)

    Kingma, Ba, ICLR 2015, Algorithm 1, with all constants gathered; b2 = 0.999, eps = 1e-8.
    The constant and the quotient are returned apart: the rate comes between them.
    """
    sums[0] = momentum * sums[0] + gradient
    sums[1] = 0.999 * sums[1] + gradient**2
    s = math.sqrt((1 - 0.999) / (1 - 0.999**count))
    constant = (1 - momentum) / ((1 - momentum**count) * s)
    return constant, sums[0] / (np.sqrt(sums[1]) + 1e-8 / s)


def backpropagation(training: Training, slope: Slope) -> list[FloatArray]:
    """Return all weights and biases after each update of backpropagation with a pseudo-derivative.

    A staircase is a mean of steps, and so is its pseudo-derivative.
    """
    h, places = len(training.weights), jumps(training)
    weights = [W.copy() for W in training.weights]
    biases = [b.copy() for b in training.biases]
    velocities = [np.zeros_like(array) for array in (*weights, *biases)]
    adams = [[np.zeros_like(array), np.zeros_like(array)] for array in (*weights, *biases)]
    seen = []
    for count, (rows, rate) in enumerate(zip(training.batches, training.rates, strict=True), 1):
        inputs, preactivations = [training.X[rows]], []
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            preactivations.append(inputs[-1] @ W.T + b)
            inputs.append(unit_values(preactivations[-1], training))
        scores = inputs[-1] @ weights[-1].T + biases[-1]
        deltas = [score_derivative(scores, training.classes[rows], training.output)]
        for layer in range(h - 1, 0, -1):
            share = deltas[0] @ weights[layer] / len(places)
            z = preactivations[layer - 1]
            delta = share * slope(z - places[0])
            for place in places[1:]:
                delta = delta + share * slope(z - place)
            deltas.insert(0, delta)
        gradients = [delta.T @ V for delta, V in zip(deltas, inputs, strict=True)]
        gradients += [delta.sum(axis=0) for delta in deltas]
        moved = []
        for i, (array, gradient) in enumerate(zip((*weights, *biases), gradients, strict=True)):
            if training.weight_decay and i < h:
                array = array * (1 - rate * training.weight_decay)
            if training.optimiser == "adam":
                constant, way = adam_step(adams[i], gradient, count, training.momentum)
                moved.append(array - way * (rate * constant))
            else:
                velocities[i] = training.momentum * velocities[i] + gradient
                moved.append(array - rate * velocities[i])
        weights, biases = moved[:h], moved[h:]
        seen += [array.ravel() for array in moved]
    return seen


# ------------------------------------------------------------------------------- target propagation


@dataclass(frozen=True)
class Solver:
    """What starts a net, of dense layers or any network, and what updates it on a batch."""

    start: Callable[..., solver.TargetState] = solver.start
    batch_steps: Callable[..., Iterator[Step]] = solver.batch_steps


def target_propagation(functions: Solver, training: Training, **options: Any) -> FloatArray:
    """Return all weights and biases after each update of the solver."""
    chosen = TargetOptions(
        activation=training.activation,
        levels=training.levels,
        output=training.output,
        optimiser=training.optimiser,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        **options,
    )
    sizes, n_classes = [len(b) for b in training.biases[:-1]], len(training.biases[-1])
    rng = np.random.default_rng(0)
    n_features = training.X.shape[1]
    state = functions.start(n_features, n_classes, sizes, chosen, rng, np.dtype(float))
    dense: list[Any] = [getattr(layer, "linear", layer) for layer in state.net]
    for layer, W, b in zip(dense, training.weights, training.biases, strict=True):
        layer.weights[:], layer.biases[:] = W, b
    seen = []
    for rows, rate in zip(training.batches, training.rates, strict=True):
        X, classes = training.X[rows], training.classes[rows]
        for _ in functions.batch_steps(state, X, classes, chosen, rate, measure=training.measure):
            pass
        arrays = [layer.weights for layer in dense] + [layer.biases for layer in dense]
        seen += [array.ravel().copy() for array in arrays]
    return np.concatenate(seen)


def told(begin: Callable[..., solver.TargetState] = solver.start, **changes: Any) -> Solver:
    """Return the solver with other options than those that it is told."""

    def start(*arguments: Any) -> solver.TargetState:
        return begin(
            *(
                replace(each, **changes) if isinstance(each, TargetOptions) else each
                for each in arguments
            )
        )

    def batch_steps(
        state: Any, V: Any, classes: Any, options: TargetOptions, rate: float, **settings: Any
    ) -> Iterator[Step]:
        return solver.batch_steps(state, V, classes, replace(options, **changes), rate, **settings)

    return Solver(start, batch_steps)


def start_in_single(*arguments: Any) -> solver.TargetState:
    """Start a net in single precision, whatever the last argument says."""
    start: Callable[..., solver.TargetState] = solver.start
    return start(*arguments[:-1], np.dtype(np.float32))


def steps_in_single(state: Any, V: FloatArray, *arguments: Any, **settings: Any) -> Iterator[Step]:
    """Update a net on inputs in single precision."""
    return solver.batch_steps(state, V.astype(np.float32), *arguments, **settings)


def measure_updates(slope: Slope, **options: Any) -> Callable[[Any, list[Training]], Pair]:
    """Return the comparison of all parameters after every update with the oracle's."""

    def measure(functions: Solver, drawn: list[Training]) -> Pair:
        ours = [target_propagation(functions, training, **options) for training in drawn]
        oracle = [part for training in drawn for part in backpropagation(training, slope)]
        return np.concatenate(ours), np.concatenate(oracle)

    return measure


def estimator_claim(name: str, estimator: str, slope: Slope, **options: Any) -> Claim:
    """Return the claim that target propagation with these options is a straight-through estimator.

    Parameters
    ----------
    name : str
        End of the claim's id.
    estimator : str
        What it is, in words.
    slope : callable
        The estimator's pseudo-derivative.
    **options
        Of target propagation: the loss, and the surrogate.
    """
    stated = " and ".join(f"{key} {value!r}" for key, value in options.items())
    another = "soft_hinge" if options["loss"] == "linear" else "hinge"
    planted = {
        "another loss": told(loss=another),
        "all targets alike": told(weighting="equal"),
        "single precision": Solver(start_in_single, steps_in_single),
        "normalised": told(normalise=True),
    }
    if "surrogate" in options:
        planted["without mu"] = told(surrogate="identity")
    return Claim(
        id=f"targetprop.update.{name}",
        statement=f"With {stated}, all updates are those of {estimator}, bit for bit.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_trainings,
        measure=measure_updates(slope, **options),
        subject=Solver(),
        planted=planted,
        tolerance=0.0,
        scale=1e-300,
        hypotheses="weights |e|; sign, step and staircase units; one to three hidden layers; "
        "momentum or Adam, weight decay; z at thresholds and kinks",
        cases=60,
    )


CLAIMS = (
    estimator_claim("ste", "the straight-through estimator", np.ones_like, loss="linear"),
    estimator_claim(
        "sste",
        "the saturating straight-through estimator",
        lambda z: ((z >= -1) & (z <= 1)).astype(float),
        loss="saturated_hinge",
    ),
    estimator_claim(
        "relu-ste",
        "the straight-through estimator of ReLU type",
        lambda z: (z > 0).astype(float),
        loss="linear",
        surrogate="relu",
    ),
    estimator_claim(
        "clipped-relu-ste",
        "the straight-through estimator of clipped ReLU type",
        lambda z: ((z > 0) & (z <= 1)).astype(float),
        loss="linear",
        surrogate="clipped_relu",
    ),
)
