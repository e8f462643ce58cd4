"""Claims: RVSCGD and ADMM on a network do what is printed, and what that lowers.

The oracles know penalties by their definitions, case by case, and find a minimum by search; and
they know the algorithms as loops over plain arrays, around the chain rule of
`zeroone.claims.targetprop.updates`. They share no code with the solver or with the proximal maps.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop.updates import (
    Training,
    adam_step,
    sample_trainings,
    score_derivative,
    unit_values,
)
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense, Flatten, Layer
from zeroone.nets.network import Network
from zeroone.nets.normalisation import Normalisation
from zeroone.nets.units import HiddenUnits
from zeroone.support.validation import FloatArray
from zeroone.targetprop import solver, splitting
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.splitting import Split, SplittingOptions

Values = tuple[FloatArray, FloatArray]
Algorithm = Callable[[Split, Sequence[FloatArray], float], None]

SOURCE = "Dinh, Xin, arXiv:1901.09731, section 6; docs/theory.md#d3"

# ------------------------------------------------------------------------------ penalties by search


def scad(size: FloatArray) -> FloatArray:
    """Return SCAD with a = 3.7 and its knee at 0.1: slope 1, then falling, then 0."""
    a, s = 3.7, 0.1
    falling = (2 * a * s * size - size**2 - s**2) / (2 * (a - 1) * s)
    return np.where(size <= s, size, np.where(size <= a * s, falling, (a + 1) * s / 2))


# Of |u|, at the parameters that a name stands for; "group" is of the norms of rows.
FORMULAS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "l1": lambda size: size,
    "l0": lambda size: (size > 0).astype(float),
    "tl1": lambda size: 2 * size / (1 + size),
    "mcp": lambda size: np.where(size <= 1, size - size**2 / 2, 0.5),
    "scad": scad,
    "group": lambda size: (size > 0).astype(float),
}


def plain_scale(w: FloatArray, name: str, relative: bool) -> float:
    """Return the root mean square of the entries of w, or of its rows' norms; 1 if not relative."""
    sizes = row_norms(w) if name == "group" else w
    mean = float(np.mean(sizes**2))
    return math.sqrt(mean) if relative and mean > 0 else 1.0


def row_norms(w: FloatArray) -> FloatArray:
    """Return the norm of each filter."""
    return np.sqrt(np.sum(w.reshape(len(w), -1) ** 2, axis=1))


def least_cost(size: FloatArray, name: str, t: float, s: float) -> FloatArray:
    """Return min over v of t s^2 P(v/s) + 1/2 (v - size)^2 for sizes >= 0, by search.

    No minimiser lies outside [0, size], since P does not fall as |v| grows. Of a group, v is the
    norm: for a given norm the nearest u is along w.
    """
    size = size[:, np.newaxis]
    low, high, best = np.zeros_like(size), size, np.full(size.shape, np.inf)
    for points in (401, 41, 41, 41, 41):
        v = low + (high - low) * np.linspace(0, 1, points)
        v[:, -1:] = high
        costs = t * s**2 * FORMULAS[name](v / s) + (v - size) ** 2 / 2
        at = np.argmin(costs, axis=1)[:, np.newaxis]
        best = np.minimum(best, np.take_along_axis(costs, at, 1))
        step, centre = (high - low) / (points - 1), np.take_along_axis(v, at, 1)
        low, high = np.maximum(centre - step, 0), np.minimum(centre + step, size)
    return best[:, 0]


def costs(u: FloatArray, w: FloatArray, name: str, t: float, s: float) -> FloatArray:
    """Return t s^2 P(u/s) + 1/2 (u - w)^2 for each entry, or for each group."""
    if name == "group":
        apart = np.sum((u - w).reshape(len(w), -1) ** 2, axis=1)
        return t * s**2 * FORMULAS[name](row_norms(u) / s) + apart / 2
    return (t * s**2 * FORMULAS[name](np.abs(u) / s) + (u - w) ** 2 / 2).ravel()


# ----------------------------------------------------------------------------------------- u, alone


@dataclass(frozen=True, eq=False)
class Sparse:
    """A network, and what makes it sparse.

    Attributes
    ----------
    layers : list of Layer
        For images of 5 x 5 x 2.
    options : SplittingOptions
        With numbers for lam and beta.
    chosen : list of bool
        Which of the layers with weights are made sparse.
    multipliers : list of ndarray
        ADMM's z in each layer with weights; 0 with RVSCGD.
    """

    layers: list[Layer]
    options: SplittingOptions
    chosen: list[bool]
    multipliers: list[FloatArray]


def drawn_options(rng: np.random.Generator, names: Sequence[str], size: float) -> SplittingOptions:
    """Draw a penalty and coefficients at which some weights of this size are taken to zero."""
    name, relative = str(rng.choice(names)), bool(rng.integers(2))
    beta = float(np.exp(rng.uniform(-5, 2)))
    # The threshold of l0 and of groups is sqrt(2 t), that of the others near t.
    threshold = float(np.exp(rng.uniform(-1.5, 0.7))) * (1 if relative else size)
    t = threshold**2 / 2 if name in ("l0", "group") else threshold
    return SplittingOptions(name, t * beta, beta, threshold="relative" if relative else "absolute")


def drawn_multipliers(
    rng: np.random.Generator, weights: list[FloatArray], options: SplittingOptions, size: float
) -> list[FloatArray]:
    """Draw ADMM's z for weights of this size, so that z/beta moves some of them past a threshold.

    It moves a layer of zeros too, and by as much as if that were of size 1.
    """
    relative, beta = options.threshold == "relative", float(options.beta)  # type: ignore[arg-type]
    return [
        beta
        * (plain_scale(w, str(options.penalty), relative) if relative else size)
        * rng.standard_normal(w.shape)
        for w in weights
    ]


def sample_networks(rng: np.random.Generator, count: int) -> list[Sparse]:
    """Draw networks: a convolution, a dense layer and scores, some with zeros and zero filters.

    Every other one is one of ADMM, in the middle of its training.
    """
    drawn = []
    for number in range(count):
        n_filters, n_hidden = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        size = float(rng.choice([0.05, 1.0, 20.0]))
        filters = size * rng.standard_normal((n_filters, 3, 3, 2))
        filters[0] *= rng.choice([0.0, 0.2, 1.0])
        hidden = size * rng.standard_normal((n_hidden, 9 * n_filters))
        hidden[rng.random(hidden.shape) < 0.2] = 0.0
        scores = size * rng.standard_normal((2, n_hidden)) * rng.choice([0.0, 1.0])
        layers = [
            Convolution(filters, rng.standard_normal(n_filters)),
            Normalisation(rng.standard_normal(n_filters), rng.standard_normal(n_filters)),
            HiddenUnits(),
            Flatten(),
            Dense(hidden, rng.standard_normal(n_hidden)),
            HiddenUnits(),
            Dense(scores, rng.standard_normal(2)),
        ]
        which: Any = rng.choice(np.array([None, 1, 3, "dense", "convolution"], dtype=object))
        chosen = {
            None: [True, True, True],
            1: [True, False, False],
            3: [False, False, True],
            "dense": [False, True, True],
            "convolution": [True, False, False],
        }[which]
        options = drawn_options(rng, list(FORMULAS), size)
        multipliers: list[FloatArray] = [np.zeros_like(w) for w in (filters, hidden, scores)]
        if number % 2:
            options = replace(options, splitting="admm")
            multipliers = drawn_multipliers(rng, [filters, hidden, scores], options, size)
        drawn.append(Sparse(layers, replace(options, layers=which), chosen, multipliers))
    return drawn


@dataclass(frozen=True)
class Around:
    """What makes a net in training a pair of nets, puts u into its weights, and takes it out."""

    split: Callable[[solver.TargetState, SplittingOptions, int], None] = splitting.split
    set_sparse: Callable[[solver.TargetState], list[FloatArray]] = splitting.set_sparse
    restore: Callable[[solver.TargetState, list[FloatArray]], None] = splitting.restore


def sparse_and_restored(around: Around, at: Sparse) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return all parameters of the network of u, in the order of the layers, and then those of w.

    The multipliers are put where the number of a layer says.
    """
    network = Network(at.layers, (5, 5, 2)).copy()
    state = solver.start_network(network, TargetOptions(), np.random.default_rng(0))
    around.split(state, at.options, 1)
    for each in state.optimisers:
        for weights in filter(None, each.weights):  # type: ignore[attr-defined]
            weights.z[...] = at.multipliers[weights.number - 1]
    live = [array for layer in network.layers for array in layer.parameters]
    before = around.set_sparse(state)
    sparse = [array.copy() for array in live]
    around.restore(state, before)
    return sparse, live


def measure_sparse(around: Around, instances: list[Sparse]) -> Values:
    """Compare the cost of u with the least one, and what is not penalised with what it was.

    What is found after w was written back is compared with what it was, too.
    """
    ours: list[FloatArray] = []
    expected: list[FloatArray] = []
    for at in instances:
        options, chosen, multipliers = at.options, iter(at.chosen), iter(at.multipliers)
        name, beta = str(options.penalty), float(options.beta)  # type: ignore[arg-type]
        t = float(options.lam) / beta  # type: ignore[arg-type]
        before = [array for layer in at.layers for array in layer.parameters]
        sparse, restored = sparse_and_restored(around, at)
        ours += [array.ravel() for array in restored]
        expected += [array.ravel() for array in before]
        for u, w in zip(sparse, before, strict=True):
            z = next(multipliers) if w.ndim > 1 else w
            if w.ndim == 1 or not next(chosen):
                ours.append(u.ravel())
                expected.append(w.ravel())
                continue
            x = w + z / beta
            s = plain_scale(w, name, options.threshold == "relative")
            sizes = row_norms(x) if name == "group" else np.abs(x).ravel()
            # In units in which the weights are of size 1.
            unit = float(np.mean(x**2)) or 1.0
            ours.append(costs(u, x, name, t, s) / unit)
            expected.append(least_cost(sizes, name, t, s) / unit)
    if not ours:
        return np.empty(0), np.empty(0)
    return np.concatenate(ours), np.concatenate(expected)


def splitting_with(change: Callable[[SplittingOptions], SplittingOptions]) -> Around:
    """Return the splitting with other options than those that it is told."""

    def split(state: solver.TargetState, options: SplittingOptions, total: int) -> None:
        splitting.split(state, change(options), total)

    return Around(split=split)


def another_penalty(options: SplittingOptions) -> SplittingOptions:
    """Threshold softly for l0, and hard for anything else."""
    return replace(options, penalty="l1" if options.penalty == "l0" else "l0")


def other_threshold(options: SplittingOptions) -> SplittingOptions:
    """Take an absolute threshold for a relative one, and the other way round."""
    relative = options.threshold == "relative"
    return replace(options, threshold="absolute" if relative else "relative")


def biases_too(state: solver.TargetState) -> list[FloatArray]:
    """Threshold what is not to be penalised as well."""
    before = splitting.set_sparse(state)
    for part in state.net:
        for array in part.parameters:
            if array.ndim == 1:
                array[np.abs(array) <= 0.3] = 0.0
    return before


def multiplier_forgotten(state: solver.TargetState) -> list[FloatArray]:
    """Take u of w alone."""
    for each in state.optimisers:
        for weights in filter(None, each.weights):  # type: ignore[attr-defined]
            weights.z[...] = 0.0
    return splitting.set_sparse(state)


PROX = Claim(
    id="targetprop.splitting-prox",
    statement="In every layer that is made sparse, u minimises lam P(u) + (beta/2) |w - u|^2 (with "
    "ADMM |w + z/beta - u|^2), with P(u/s) s^2 for P(u) where the threshold is relative to the "
    "root mean square s of w; biases, normalisation and all other layers are as in w.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_networks,
    measure=measure_sparse,
    subject=Around(),
    planted={
        "another penalty": splitting_with(another_penalty),
        "lam for lam/beta": splitting_with(lambda options: replace(options, beta=1.0)),
        "the other threshold": splitting_with(other_threshold),
        "all layers": splitting_with(lambda options: replace(options, layers=None)),
        "biases thresholded": Around(set_sparse=biases_too),
        "the multiplier forgotten": Around(set_sparse=multiplier_forgotten),
        "w not written back": Around(restore=lambda state, before: None),
    },
    tolerance=1e-8,
    hypotheses="a convolution, normalisation, two dense layers; zeros, zero filters, a zero layer; "
    "weights of 0.05 to 20, multipliers as large; all penalties of a name",
    cases=60,
)


# ---------------------------------------------------------------------------------- the algorithms


@dataclass(frozen=True, eq=False)
class Pair:
    """A net, some batches to train it on, and how it is split.

    Attributes
    ----------
    training : Training
    loss : {"linear", "saturated_hinge"}
    options : SplittingOptions
        With pairs (first, last) for lam and beta.
    """

    training: Training
    loss: str
    options: SplittingOptions


def sample_pairs(algorithm: str) -> Callable[[np.random.Generator, int], list[Pair]]:
    """Return a sampler of nets of one to three hidden layers and one to four batches."""

    def sample(rng: np.random.Generator, count: int) -> list[Pair]:
        drawn = []
        # Every other training is generic, so that rounding decides no comparison.
        for training in sample_trainings(rng, 2 * count)[::2]:
            options = drawn_options(rng, ("l1", "l0", "group"), 1.0)
            first, last = np.exp(rng.uniform(-1, 1, 2))
            beta: Any = options.beta
            lam: Any = options.lam
            changed = replace(
                options,
                splitting=algorithm,
                beta=(float(beta * first), float(beta * last)),
                lam=(float(lam * first), float(lam * last * rng.choice([0.8, 1.0]))),
            )
            loss = str(rng.choice(["linear", "saturated_hinge"]))
            drawn.append(Pair(training, loss, changed))
        return drawn

    return sample


def at_update(schedule: Any, update: int, updates: int) -> float:
    """Return the value of a geometric path from first to last."""
    first, last = schedule
    share = (update - 1) / (updates - 1) if updates > 1 else 0.0
    return float(math.exp((1 - share) * math.log(first) + share * math.log(last)))


def plain_prox(x: FloatArray, w: FloatArray, pair: Pair, t: float) -> FloatArray:
    """Return the minimiser for l1, l0 and groups, by their definitions."""
    name = str(pair.options.penalty)
    s = plain_scale(w, name, pair.options.threshold == "relative")
    if name == "l1":
        return np.where(np.abs(x) > t * s, np.where(x > 0, x - t * s, x + t * s), 0.0)
    sizes = row_norms(x)[:, np.newaxis] if name == "group" else np.abs(x)
    return np.where(sizes**2 > 2 * t * s**2, x, 0.0)


def plain_gradients(
    pair: Pair, weights: list[FloatArray], biases: list[FloatArray], rows: Any
) -> list[FloatArray]:
    """Return the straight-through derivatives on a batch, of all weights and then all biases."""
    training = pair.training
    steps = 1 if training.levels is None else training.levels - 1
    inputs, preactivations = [training.X[rows]], []
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        preactivations.append(inputs[-1] @ W.T + b)
        inputs.append(unit_values(preactivations[-1], training))
    scores = inputs[-1] @ weights[-1].T + biases[-1]
    deltas = [score_derivative(scores, training.classes[rows], training.output)]
    for layer in range(len(weights) - 1, 0, -1):
        e, z = deltas[0] @ weights[layer], preactivations[layer - 1]
        slope = np.zeros_like(z)
        for j in range(steps):
            inside = np.abs(z - j / steps) <= 1
            slope += 1 / steps if pair.loss == "linear" else inside / steps
        deltas.insert(0, e * slope)
    by_weights = [delta.T @ V for delta, V in zip(deltas, inputs, strict=True)]
    return [*by_weights, *(delta.sum(axis=0) for delta in deltas)]


def plain_splitting(pair: Pair) -> Iterator[list[FloatArray]]:
    """Yield u and w after each update of RVSCGD or ADMM, as they are printed."""
    training, h = pair.training, len(pair.training.weights)
    parameters = [array.copy() for array in (*training.weights, *training.biases)]
    multipliers = [np.zeros_like(W) for W in training.weights]
    velocities = [np.zeros_like(array) for array in parameters]
    adams = [[np.zeros_like(array), np.zeros_like(array)] for array in parameters]
    updates = len(training.batches)
    for k, (rows, rate) in enumerate(zip(training.batches, training.rates, strict=True), 1):
        lam, beta = (at_update(each, k, updates) for each in (pair.options.lam, pair.options.beta))
        gradients = plain_gradients(pair, parameters[:h], parameters[h:], rows)
        sparse = []
        for i in range(h):
            w, z = parameters[i], multipliers[i]
            sparse.append(plain_prox(w + z / beta, w, pair, lam / beta))
            gradients[i] = gradients[i] + z + beta * (w - sparse[i])
        for i, g in enumerate(gradients):
            decay = rate * training.weight_decay if i < h else 0.0
            if training.optimiser == "adam":
                constant, way = adam_step(adams[i], g, k, training.momentum)
            else:
                velocities[i] = training.momentum * velocities[i] + g
                constant, way = 1.0, velocities[i]
            parameters[i] = parameters[i] * (1 - decay) - rate * constant * way
        if pair.options.splitting == "admm":
            multipliers = [
                z + beta * (w - u)
                for z, w, u in zip(multipliers, parameters[:h], sparse, strict=True)
            ]
        yield [*sparse, *parameters]


def started(pair: Pair, algorithm: Algorithm) -> tuple[solver.TargetState, TargetOptions]:
    """Return the net of a pair in training by an algorithm."""
    training = pair.training
    options = TargetOptions(
        activation=training.activation,
        levels=training.levels,
        output=training.output,
        optimiser=training.optimiser,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        loss=pair.loss,
    )
    sizes, n_classes = [len(b) for b in training.biases[:-1]], len(training.biases[-1])
    rng, n_features = np.random.default_rng(0), training.X.shape[1]
    state = solver.start(n_features, n_classes, sizes, options, rng, np.dtype(float))
    for layer, W, b in zip(state.net, training.weights, training.biases, strict=True):
        layer.parameters[0][:], layer.parameters[1][:] = W, b
    splitting.split(state, pair.options, len(training.batches))
    for each in state.optimisers:
        each.algorithm = algorithm  # type: ignore[attr-defined]
    return state, options


def split_weights(state: solver.TargetState) -> list[splitting.Weights]:
    """Return w and u of all layers."""
    return [each.weights[0] for each in state.optimisers]  # type: ignore[attr-defined]


def guarded(measure: Callable[[Any, list[Pair]], Values]) -> Callable[[Any, list[Pair]], Values]:
    """Return a measure of pair after pair, to which a diverging training is NaN."""

    def measure_each(algorithm: Any, pairs: list[Pair]) -> Values:
        found = []
        for pair in pairs:
            try:
                found.append(measure(algorithm, [pair]))
            except solver.DivergenceError:
                found.append((np.array([np.nan]), np.zeros(1)))
        ours, expected = zip(*found, strict=True)
        return np.concatenate(ours), np.concatenate(expected)

    return measure_each


@guarded
def measure_splitting(algorithm: Algorithm, pairs: list[Pair]) -> Values:
    """Compare u and all parameters after every update with the oracle's."""
    ours: list[FloatArray] = []
    expected: list[FloatArray] = []
    for pair in pairs:
        state, options = started(pair, algorithm)
        oracle = plain_splitting(pair)
        batches = zip(pair.training.batches, pair.training.rates, strict=True)
        for (rows, rate), found in zip(batches, oracle, strict=True):
            X, classes = pair.training.X[rows], pair.training.classes[rows]
            for _ in solver.batch_steps(state, X, classes, options, rate, measure=False):
                pass
            ours += [weights.u.ravel().copy() for weights in split_weights(state)]
            for i in (0, 1):  # weights, then biases
                ours += [layer.parameters[i].ravel().copy() for layer in state.net]
            expected += [array.ravel() for array in found]
    return np.concatenate(ours), np.concatenate(expected)


def variant(
    *, pull: float = 1.0, of: str = "rvscgd", multiplier: float = 1.0, level: float = 1.0
) -> Algorithm:
    """Return an algorithm with some coefficients wrong."""

    def move(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
        lam, beta = layer.coefficients()
        for weights, g in layer.penalised(gradients):
            w, z = weights.w, weights.z
            weights.u = weights.prox(w + z / beta, level * lam / beta)
            g += z + pull * beta * (w - weights.u)
        layer.optimiser.update(gradients, rate)
        if of == "admm":
            for weights, _ in layer.penalised(gradients):
                weights.z += multiplier * beta * (weights.w - weights.u)

    return move


def late(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
    """Update w towards the u of the update before, and u afterwards."""
    lam, beta = layer.coefficients()
    for weights, g in layer.penalised(gradients):
        g += beta * (weights.w - weights.u)
    layer.optimiser.update(gradients, rate)
    for weights, _ in layer.penalised(gradients):
        weights.u = weights.prox(weights.w, lam / beta)


def biases_pulled(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
    """Pull the biases to zero as well."""
    _, beta = layer.coefficients()
    gradients[1][:] += beta * layer.parameters[1]
    splitting.rvscgd(layer, gradients, rate)


def first_coefficients(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
    """Keep lam and beta of the first update."""
    now, layer.updates = layer.updates, 1
    splitting.rvscgd(layer, gradients, rate)
    layer.updates = now


STEP_PLANTED: dict[str, dict[str, Algorithm]] = {
    "rvscgd": {
        "no pull": variant(pull=0.0),
        "w pushed away from u": variant(pull=-1.0),
        "lam doubled": variant(level=2.0),
        "u after w": late,
        "biases pulled": biases_pulled,
        "lam and beta stay": first_coefficients,
        "a multiplier": splitting.admm,
    },
    "admm": {
        "no multiplier": splitting.rvscgd,
        "the multiplier's sign": variant(of="admm", multiplier=-1.0),
        "no pull": variant(of="admm", pull=0.0),
        "lam doubled": variant(of="admm", level=2.0),
    },
}


def step_claim(name: str, blocks: str) -> Claim:
    """Return the claim that an algorithm on a net is the printed one."""
    return Claim(
        id="targetprop.splitting-step" + ("" if name == "rvscgd" else f"-{name}"),
        statement=f"All updates of {blocks} are those of {name.upper()} as printed, with one step "
        "of momentum or Adam along the coarse gradient and the coupling's.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_pairs(name),
        measure=measure_splitting,
        subject=splitting.SPLITTINGS[name],
        planted=STEP_PLANTED[name],
        tolerance=1e-6,
        hypotheses="one to three hidden layers of sign, step and staircase units; l1, l0 and "
        "groups; lam and beta on geometric paths; momentum or Adam, weight decay",
        cases=60,
    )


# ------------------------------------------------------------------------------------------ descent


def linear_loss(w: FloatArray, b: FloatArray, V: FloatArray, targets: Any) -> float:
    """Return the sum of -weight * t * z over samples and units, without the thresholds' part."""
    return -float(np.sum(targets.signs * targets.weights * (V @ w.T + b)))


def price(pair: Pair, k: int, u: FloatArray, w: FloatArray, at: FloatArray) -> float:
    """Return lam P(u) + (beta/2) |w - u|^2 in update k, the scale of P taken `at` a w."""
    updates, name = len(pair.training.batches), str(pair.options.penalty)
    lam, beta = (at_update(each, k, updates) for each in (pair.options.lam, pair.options.beta))
    s = plain_scale(at, name, pair.options.threshold == "relative")
    penalty = float(np.sum(costs(u, u, name, lam / beta, s)))
    return beta * (penalty + float(np.sum((w - u) ** 2)) / 2)


@guarded
def measure_descent(algorithm: Algorithm, pairs: list[Pair]) -> Values:
    """Compare each hidden layer's loss + lam P(u) + (beta/2) |w - u|^2 after and before a step.

    The loss of a hidden layer is linear in w, and the coupling has the second derivative beta, so
    that a plain gradient step of at most 2/beta lowers their sum.
    """
    after: list[float] = []
    before: list[float] = []
    for pair in pairs:
        training = replace(pair.training, optimiser="momentum", momentum=0.0, weight_decay=0.0)
        pair = replace(pair, training=training, loss="linear")
        state, options = started(pair, algorithm)
        n_steps = 1 if training.levels is None else training.levels - 1
        for k, rows in enumerate(training.batches, 1):
            beta = at_update(pair.options.beta, k, len(training.batches))
            rate = training.rates[k - 1] * min(1 / beta, 1.0)
            old = [(x.w.copy(), x.u.copy()) for x in split_weights(state)]
            biases = [layer.parameters[1].copy() for layer in state.net]
            X, classes = training.X[rows], training.classes[rows]
            for step in solver.batch_steps(state, X, classes, options, rate, measure=False):
                if "targets" not in step.info:
                    continue  # the output layer's loss is not linear
                i = int(step.block[1:]) - 1
                V, targets, (w, u), b = state.inputs[i], step.info["targets"], old[i], biases[i]
                now, new_b = split_weights(state)[i], state.net[i].parameters[1]
                before.append(price(pair, k, u, w, w))
                after.append(price(pair, k, now.u, w, w))
                # All steps of a staircase unit have the same targets.
                losses = [n_steps * linear_loss(*at, V, targets) for at in ((w, b), (now.w, new_b))]
                before.append(losses[0] + price(pair, k, now.u, w, w))
                after.append(losses[1] + price(pair, k, now.u, now.w, w))
    return np.array(after), np.array(before)


DESCENT = Claim(
    id="targetprop.coupling-descent",
    statement="The step of u does not raise lam P(u) + (beta/2) |w - u|^2 in any layer, and that "
    "of w at a rate of at most 1/beta does not raise a hidden layer's linear loss + "
    "(beta/2) |w - u|^2.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=sample_pairs("rvscgd"),
    measure=measure_descent,
    subject=splitting.rvscgd,
    planted={
        "w pushed away from u": variant(pull=-1.0),
        "pulled four times as hard": variant(pull=4.0),
        "lam four times as high": variant(level=4.0),
        "u after w": late,
    },
    tolerance=1e-12,
    hypotheses="targets and inputs of the batch; gradient descent without momentum; l1, l0 and "
    "groups",
    cases=80,
)

CLAIMS = (
    PROX,
    step_claim("rvscgd", "u and w"),
    step_claim("admm", "u, w and the multiplier"),
    DESCENT,
)
