"""Claims: each perceptron's fit lowers its layer loss, to the least there is (theory, C)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_separability import each
from zeroone.targetprop import solver
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.recursive_fits import CONVEX, fit_output, fit_units
from zeroone.validation import FloatArray

Pairs = list[tuple[float, float]]
Fit = Callable[["Layer"], FloatArray]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; theory, C"


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer to be fitted: hidden units with targets, or the output layer with classes.

    Attributes
    ----------
    V : ndarray of shape (n, m)
        Input, with its column of ones.
    W : ndarray of shape (n_units, m)
        Where the fit begins.
    goal : ndarray
        Targets -1, 0, +1 of shape (n, n_units), or classes of shape (n,).
    loss : str
    ridge : float
    nudges : ndarray of shape (k, n_units, m)
        Directions to look in for lower losses.
    """

    V: FloatArray
    W: FloatArray
    goal: NDArray[Any]
    loss: str
    ridge: float
    nudges: FloatArray


def draw_layers(rng: np.random.Generator, count: int) -> list[Layer]:
    """Draw layers of 1 to 4 units on 1 to 10 samples; every third is an output layer.

    Equal samples, targets that do not matter, and units without any target are among them.
    """
    drawn = []
    for i in range(count):
        n, m, units = int(rng.integers(1, 11)), int(rng.integers(2, 6)), int(rng.integers(1, 5))
        V = rng.standard_normal((n, m))
        if i % 2:
            V = rng.choice([-1.0, 1.0], V.shape)  # the activations of sign units
        V[:, -1] = 1.0
        goal: NDArray[Any] = rng.choice([-1.0, 1.0, 1.0, 0.0], (n, units))
        loss = str(rng.choice(CONVEX))
        if i % 3 == 2:
            units += 1
            goal, loss = rng.integers(0, units, n), str(rng.choice(["cross-entropy", "hinge"]))
        W = rng.choice([0.0, 1.0, 10.0]) * rng.standard_normal((units, m))
        ridge = 0.0 if loss == "hinge" else float(rng.choice([1e-1, 1e-4]))
        nudges = rng.standard_normal((6, units, m)) * np.logspace(-4, 0, 6)[:, None, None]
        drawn.append(Layer(V, W, goal, loss, ridge, nudges))
    return drawn


def fit(layer: Layer) -> FloatArray:
    """Return the fitted weights of a layer."""
    if layer.goal.ndim == 1:
        return fit_output(layer.V, layer.W, layer.goal, layer.loss, layer.ridge)
    return fit_units(layer.V, layer.W, layer.goal, layer.loss, layer.ridge)


LOSS_BY_HAND: dict[str, Callable[[float], float]] = {
    "hinge": lambda m: 1 - m if m < 1 else 0.0,
    "squared_hinge": lambda m: (1 - m) ** 2 if m < 1 else 0.0,
    "logistic": lambda m: log1p(exp(-m)) if m > 0 else log1p(exp(m)) - m,
}


def objectives(layer: Layer, W: FloatArray) -> list[float]:
    """Return the loss of each unit, or of the output layer, ridge included, sample by sample."""
    rows, n = layer.V.tolist(), len(layer.V)

    def z(w: list[float], v: list[float]) -> float:
        return sum(a * b for a, b in zip(w, v, strict=True))

    if layer.goal.ndim == 2:
        results = []
        for w, targets in zip(W.tolist(), layer.goal.T.tolist(), strict=True):
            loss = LOSS_BY_HAND[layer.loss]
            total = sum(loss(t * z(w, v)) for v, t in zip(rows, targets, strict=True) if t)
            results.append(total / n + layer.ridge / 2 * z(w, w))
        return results
    total = 0.0
    for v, own in zip(rows, layer.goal.tolist(), strict=True):
        scores = [z(w, v) for w in W.tolist()]
        gaps = [score - scores[int(own)] for score in scores]
        if layer.loss == "hinge":
            total += max(gap + (k != own) for k, gap in enumerate(gaps))
        else:
            total += max(gaps) + log(sum(exp(gap - max(gaps)) for gap in gaps))
    return [total / n + layer.ridge / 2 * sum(z(w, w) for w in W.tolist())]


def measure_lowered(fitting: Fit, layer: Layer) -> Pairs:
    """Compare the loss of each unit after the fit with that before."""
    after, before = objectives(layer, fitting(layer)), objectives(layer, layer.W)
    return list(zip(after, before, strict=True))


def opposite(layer: Layer) -> FloatArray:
    """Fit to the opposite targets, or to the next class."""
    goal = (layer.goal + 1) % len(layer.W) if layer.goal.ndim == 1 else -layer.goal
    return fit(replace(layer, goal=goal))


def long_step(layer: Layer) -> FloatArray:
    """Go twice the way to the minimum, and a little further."""
    return layer.W + 2.5 * (fit(layer) - layer.W)


def bias_left_out(layer: Layer) -> FloatArray:
    """Fit the weights as if there were no bias, and keep the one there was."""
    V = layer.V.copy()
    V[:, -1] = 0
    W = fit(replace(layer, V=V))
    W[:, -1] = layer.W[:, -1]
    return W


LOWERED = Claim(
    id="targetprop.fit-lowers",
    statement="The convex fit of a layer raises no unit's loss, ridge included.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_layers,
    measure=each(measure_lowered),
    subject=fit,
    planted={
        "the opposite goal": opposite,
        "two and a half times the way": long_step,
        "the bias left out": bias_left_out,
    },
    tolerance=1e-12,
    hypotheses="squared hinge, logistic, hinge; cross-entropy, multi-class hinge; equal samples",
    cases=60,
)


def measure_least(fitting: Fit, layer: Layer) -> Pairs:
    """Compare the loss at weights near to and far from the fitted ones with the loss there."""
    W = fitting(layer)
    least = objectives(layer, W)
    pairs = []
    for nudge in layer.nudges:
        pairs += list(zip(objectives(layer, W + nudge), least, strict=True))
    return pairs


def half_way(layer: Layer) -> FloatArray:
    """Stop half-way."""
    return (layer.W + fit(layer)) / 2


LEAST = Claim(
    id="targetprop.fit-least",
    statement="No other weights have a lower loss, ridge included, than those of the convex fit.",
    source=SOURCE,
    kind=Kind.LOWER_BOUND,
    sample=draw_layers,
    measure=each(measure_least),
    subject=fit,
    planted={
        "half-way": half_way,
        "the ridge forgotten": lambda layer: fit(replace(layer, ridge=1e-9)),
        "the bias left out": bias_left_out,
    },
    tolerance=1e-5,
    near=1e-5,
    hypotheses="as for fit-lowers; random directions, of lengths from 1e-4 to 1",
    cases=60,
)

# ------------------------------------------------------------------------ what the ridge may be


def draw_reachable(rng: np.random.Generator, count: int) -> list[Layer]:
    """Draw one unit whose targets some |w| = 1 meets at the margin r, and a ridge of r^2/N."""
    drawn = []
    for _ in range(count):
        n, m = int(rng.integers(2, 11)), int(rng.integers(2, 5))
        V = rng.standard_normal((n, m))
        V[:, -1] = 1.0
        z = V @ rng.standard_normal(m)
        w = np.linalg.lstsq(V, z, rcond=None)[0]
        margin = float(np.min(np.abs(z)) / np.linalg.norm(w))
        loss = str(rng.choice(["squared_hinge", "hinge"]))
        targets = np.where(z > 0, 1.0, -1.0)[:, np.newaxis]
        start = rng.standard_normal((1, m))
        drawn.append(Layer(V, start, targets, loss, margin**2 / n, np.zeros((0, 1, m))))
    return [layer for layer in drawn if layer.ridge > 1e-5]


def measure_decides(fitting: Fit, layer: Layer) -> Pairs:
    """Compare the samples that are missed with none, the loss with 1/(2 N)."""
    W, n = fitting(layer), len(layer.V)
    missed = np.count_nonzero(layer.goal[:, 0] * (layer.V @ W[0]) <= 0)
    ridge = 0.0 if layer.loss == "hinge" else layer.ridge
    value = objectives(replace(layer, ridge=ridge), W)[0]
    return [(float(missed), 0.0), (n * value, 0.5)]


DECIDES = Claim(
    id="targetprop.fit-decides",
    statement="If some |w| = 1 meets all targets at the margin r, the fit of a hinge or a squared "
    "hinge with a ridge below 2 r^2/N meets them too.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_reachable,
    measure=each(measure_decides),
    subject=fit,
    planted={
        "half-way": half_way,
        "a ridge a hundred times that": lambda layer: fit(replace(layer, ridge=100 * layer.ridge)),
    },
    tolerance=1e-6,
    hypotheses="a ridge of r^2/N, where the loss is at most 1/(2 N)",
    cases=60,
)

# -------------------------------------------------------------------------- one step of the solver

# The largest second derivatives of the losses.
CURVATURE = {"squared_hinge": 2.0, "logistic": 0.25, "soft_hinge": 4 / 3**1.5}


@dataclass(frozen=True, eq=False)
class OneStep:
    """A net with one hidden layer, and a batch: weights of both layers, bias last."""

    V: FloatArray
    classes: NDArray[np.intp]
    weights: tuple[FloatArray, FloatArray]
    loss: str


def draw_steps(rng: np.random.Generator, count: int) -> list[OneStep]:
    """Draw small nets with batches of 1 to 8 samples."""
    drawn = []
    for _ in range(count):
        n, p, units = int(rng.integers(1, 9)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
        V = np.hstack([rng.standard_normal((n, p)), np.ones((n, 1))])
        hidden, top = rng.standard_normal((units, p + 1)), rng.standard_normal((3, units + 1))
        loss = str(rng.choice(list(CURVATURE)))
        drawn.append(OneStep(V, rng.integers(0, 3, n), (hidden, top), loss))
    return drawn


def measure_step(factor: float, at: OneStep) -> Pairs:
    """Compare the layer loss after a step at the rate factor/L with what the step promises."""
    options = TargetOptions(loss=at.loss, optimiser="momentum", momentum=0.0)
    rng, units = np.random.default_rng(0), len(at.weights[0])
    state = solver.start(at.V.shape[1] - 1, 3, [units], options, rng, np.dtype(float))
    for layer, W in zip(state.layers, at.weights, strict=True):
        layer.weights[:] = W
    H = np.where(at.V @ at.weights[0].T > 0, 1.0, -1.0)
    scores = np.hstack([H, np.ones((len(H), 1))]) @ at.weights[1].T
    softmax = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    e = (softmax - np.eye(3)[at.classes]) @ at.weights[1][:, :-1] / len(H)
    eigenvalues = [np.linalg.eigvalsh((at.V.T * np.abs(column)) @ at.V)[-1] for column in e.T]
    rate = factor / (CURVATURE[at.loss] * max(eigenvalues))
    *_, step = solver.batch_steps(state, at.V, at.classes, options, rate, measure=True)
    moved = float(np.sum((state.layers[0].weights - at.weights[0]) ** 2)) / rate**2
    name = "layer 1 loss"
    return [(step.after[name], step.before[name] - rate / 2 * moved)]


STEP = Claim(
    id="targetprop.step-descends",
    statement="One gradient step of a layer at the rate 1/L lowers its loss by at least "
    "|g|^2/(2 L), where L = max loss'' max_i |sum_n |e_ni| v_n v_n'|_2.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_steps,
    measure=each(measure_step),
    subject=1.0,
    planted={"uphill": -1.0, "eight times the rate": 8.0},
    tolerance=1e-12,
    near=0.05,
    hypotheses="weights |e|; squared hinge, logistic, soft hinge; plain gradient descent",
    cases=150,
)

CLAIMS = (LOWERED, LEAST, DECIDES, STEP)
