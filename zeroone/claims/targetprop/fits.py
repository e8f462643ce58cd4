"""Claims: each perceptron's fit lowers its layer loss to the least there is (docs/theory.md#c3)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.layers import Dense
from zeroone.support.validation import FloatArray
from zeroone.targetprop import solver
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.recursive_goals import CONVEX, Fit, LabelGoal, TargetGoal

Pairs = list[tuple[float, float]]
# LabelGoal.fit and TargetGoal.fit_units, or what stands for them.
Fits = tuple[Callable[[LabelGoal, FloatArray, Dense], Fit], Callable[..., Dense]]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; docs/theory.md#c3"


@dataclass(frozen=True, eq=False)
class Task:
    """A layer to be fitted: hidden units with targets, or the output layer with classes.

    Attributes
    ----------
    V : ndarray of shape (n, m)
        Input.
    start : Dense
        Where the fit begins.
    goal : ndarray
        Targets -1, 0, +1 of shape (n, n_units), or classes of shape (n,).
    loss : str
    ridge : float
    nudges : list of Dense
        Directions to look in for lower losses.
    """

    V: FloatArray
    start: Dense
    goal: NDArray[Any]
    loss: str
    ridge: float
    nudges: list[Dense]


def random_layer(rng: np.random.Generator, units: int, m: int, size: float) -> Dense:
    """Return Gaussian weights and biases."""
    return Dense(size * rng.standard_normal((units, m)), size * rng.standard_normal(units))


def draw_tasks(rng: np.random.Generator, count: int) -> list[Task]:
    """Draw layers of 1 to 4 units on 1 to 10 samples; every third is an output layer.

    Equal samples, targets that do not matter, and units without any target are among them.
    """
    drawn = []
    for i in range(count):
        n, m, units = int(rng.integers(1, 11)), int(rng.integers(1, 5)), int(rng.integers(1, 5))
        V = rng.standard_normal((n, m))
        if i % 2:
            V = rng.choice([-1.0, 1.0], V.shape)  # the activations of sign units
        goal: NDArray[Any] = rng.choice([-1.0, 1.0, 1.0, 0.0], (n, units))
        loss = str(rng.choice(CONVEX))
        if i % 3 == 2:
            units += 1
            goal, loss = rng.integers(0, units, n), str(rng.choice(["cross-entropy", "hinge"]))
        start = random_layer(rng, units, m, float(rng.choice([0.0, 1.0, 10.0])))
        ridge = 0.0 if loss == "hinge" else float(rng.choice([1e-1, 1e-4]))
        nudges = [random_layer(rng, units, m, size) for size in np.logspace(-4, 0, 6)]
        drawn.append(Task(V, start, goal, loss, ridge, nudges))
    return drawn


RIGHT: Fits = (LabelGoal.fit, TargetGoal.fit_units)


def fitted_layer(fits: Fits, task: Task) -> Dense:
    """Return the fitted layer."""
    fit, fit_units = fits
    if task.goal.ndim == 1:
        return fit(LabelGoal(task.goal, task.loss, task.ridge), task.V, task.start).layer
    return fit_units(TargetGoal(task.goal, task.loss, task.ridge), task.V, task.start)


def moved(start: Dense, direction: Dense, way: float = 1.0) -> Dense:
    """Return start + way * direction."""
    weights = start.weights + way * direction.weights
    return Dense(weights, start.biases + way * direction.biases)


LOSS_BY_HAND: dict[str, Callable[[float], float]] = {
    "hinge": lambda m: 1 - m if m < 1 else 0.0,
    "squared_hinge": lambda m: (1 - m) ** 2 if m < 1 else 0.0,
    "logistic": lambda m: log1p(exp(-m)) if m > 0 else log1p(exp(m)) - m,
}


def objectives(task: Task, layer: Dense) -> list[float]:
    """Return the loss of each unit, or of the output layer, ridge included, sample by sample."""
    rows, n = task.V.tolist(), len(task.V)
    units = list(zip(layer.weights.tolist(), layer.biases.tolist(), strict=True))
    squares = [sum(weight**2 for weight in w) + b**2 for w, b in units]

    def a(unit: tuple[list[float], float], v: list[float]) -> float:
        return sum(x * y for x, y in zip(unit[0], v, strict=True)) + unit[1]

    if task.goal.ndim == 2:
        results = []
        for unit, own, targets in zip(units, squares, task.goal.T.tolist(), strict=True):
            loss = LOSS_BY_HAND[task.loss]
            total = sum(loss(t * a(unit, v)) for v, t in zip(rows, targets, strict=True) if t)
            results.append(total / n + task.ridge / 2 * own)
        return results
    total = 0.0
    for v, own in zip(rows, task.goal.tolist(), strict=True):
        scores = [a(unit, v) for unit in units]
        gaps = [score - scores[int(own)] for score in scores]
        if task.loss == "hinge":
            total += max(gap + (k != own) for k, gap in enumerate(gaps))
        else:
            total += max(gaps) + log(sum(exp(gap - max(gaps)) for gap in gaps))
    return [total / n + task.ridge / 2 * sum(squares)]


def measure_lowered(fits: Fits, task: Task) -> Pairs:
    """Compare the loss of each unit after the fit with that before."""
    after, before = objectives(task, fitted_layer(fits, task)), objectives(task, task.start)
    return list(zip(after, before, strict=True))


def of_goals(labels: Callable[..., LabelGoal], targets: Callable[..., TargetGoal]) -> Fits:
    """Return the fits to other goals than those that are asked for, made of these and the layer."""
    return (
        lambda goal, V, layer: LabelGoal.fit(labels(goal, layer), V, layer),
        lambda goal, V, layer: TargetGoal.fit_units(targets(goal, layer), V, layer),
    )


def ridged(ridge: Callable[[float], float]) -> Fits:
    """Return the fits with another ridge."""

    def priced(goal: Any, layer: Dense) -> Any:
        return replace(goal, ridge=ridge(goal.ridge))

    return of_goals(priced, priced)


def ending_at(change: Callable[[Dense, Dense], Dense]) -> Fits:
    """Return the fits with an end that is made of the start and the right end."""

    def fit(goal: LabelGoal, V: FloatArray, layer: Dense) -> Fit:
        found = LabelGoal.fit(goal, V, layer)
        return replace(found, layer=change(layer, found.layer))

    return fit, lambda goal, V, layer: change(layer, TargetGoal.fit_units(goal, V, layer))


OPPOSITE = of_goals(
    lambda goal, layer: replace(goal, classes=(goal.classes + 1) % len(layer.biases)),
    lambda goal, layer: replace(goal, targets=-goal.targets),
)
LONG_STEP = ending_at(lambda start, end: moved(moved(start, start, -2.5), end, 2.5))
HALF_WAY = ending_at(lambda start, end: moved(moved(start, start, -0.5), end, 0.5))
BIAS_LEFT_OUT = ending_at(lambda start, end: Dense(end.weights, start.biases))

LOWERED = Claim(
    id="targetprop.fit-lowers",
    statement="The convex fit of a layer raises no unit's loss, ridge included.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_tasks,
    measure=each(measure_lowered),
    subject=RIGHT,
    planted={
        "the opposite goal": OPPOSITE,
        "two and a half times the way": LONG_STEP,
        "the bias left out": BIAS_LEFT_OUT,
    },
    tolerance=1e-12,
    hypotheses="squared hinge, logistic, hinge; cross-entropy, multi-class hinge; equal samples",
    cases=60,
)


def measure_least(fits: Fits, task: Task) -> Pairs:
    """Compare the loss at weights near to and far from the fitted ones with the loss there."""
    fitted = fitted_layer(fits, task)
    least = objectives(task, fitted)
    pairs = []
    for nudge in task.nudges:
        pairs += list(zip(objectives(task, moved(fitted, nudge)), least, strict=True))
    return pairs


LEAST = Claim(
    id="targetprop.fit-least",
    statement="No other weights have a lower loss, ridge included, than those of the convex fit.",
    source=SOURCE,
    kind=Kind.LOWER_BOUND,
    sample=draw_tasks,
    measure=each(measure_least),
    subject=RIGHT,
    planted={
        "half-way": HALF_WAY,
        "the ridge forgotten": ridged(lambda ridge: 1e-9),
        "the bias left out": BIAS_LEFT_OUT,
    },
    tolerance=1e-5,
    near=1e-5,
    hypotheses="as for fit-lowers; random directions, of lengths from 1e-4 to 1",
    cases=60,
)

# ------------------------------------------------------------------------ what the ridge may be


def draw_reachable(rng: np.random.Generator, count: int) -> list[Task]:
    """Draw one unit whose targets some |w|^2 + b^2 = 1 meets at the margin r, and a ridge of r^2/N.

    The margin is not so small that the ridge is lost in the tolerance of the fit.
    """
    drawn: list[Task] = []
    while len(drawn) < count:
        n, m = int(rng.integers(2, 11)), int(rng.integers(1, 4))
        V, w, b = rng.standard_normal((n, m)), rng.standard_normal(m), rng.standard_normal()
        a = V @ w + b
        margin = float(np.min(np.abs(a)) / np.sqrt(w @ w + b**2))
        ridge = margin**2 / n
        if ridge > 1e-5:
            targets = np.where(a > 0, 1.0, -1.0)[:, np.newaxis]
            loss = str(rng.choice(["squared_hinge", "hinge"]))
            drawn.append(Task(V, random_layer(rng, 1, m, 1.0), targets, loss, ridge, []))
    return drawn


def measure_decides(fits: Fits, task: Task) -> Pairs:
    """Compare the samples that are missed with none, N times the loss with 1/2."""
    layer, n = fitted_layer(fits, task), len(task.V)
    a = task.V @ layer.weights[0] + layer.biases[0]
    missed = np.count_nonzero(~(task.goal[:, 0] * a > 0))  # NaN misses
    ridge = 0.0 if task.loss == "hinge" else task.ridge
    value = objectives(replace(task, ridge=ridge), layer)[0]
    return [(float(missed), 0.0), (n * value, 0.5)]


DECIDES = Claim(
    id="targetprop.fit-decides",
    statement="If some |(w, b)| = 1 meets all targets at the margin r, the fit of a hinge or a "
    "squared hinge with a ridge below 2 r^2/N meets them too.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_reachable,
    measure=each(measure_decides),
    subject=RIGHT,
    planted={
        "half-way": HALF_WAY,
        "a ridge a hundred times that": ridged(lambda ridge: 100 * ridge),
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


# loss(m) and its derivative, by hand.
STEP_LOSSES: dict[str, tuple[Callable[[FloatArray], FloatArray], ...]] = {
    "squared_hinge": (
        lambda m: np.where(m < 1, (1 - m) ** 2, 0),
        lambda m: np.where(m < 1, 2 * (m - 1), 0),
    ),
    "logistic": (lambda m: np.log1p(np.exp(-m)), lambda m: -1 / (1 + np.exp(m))),
    "soft_hinge": (lambda m: -np.tanh(m), lambda m: np.tanh(m) ** 2 - 1),
}


def measure_step(batch_steps: Any, at: OneStep) -> Pairs:
    """Compare the layer loss after a step at the rate 1/L with what the step promises."""
    options = TargetOptions(loss=at.loss, optimiser="momentum", momentum=0.0)
    rng, units = np.random.default_rng(0), len(at.weights[0])
    state = solver.start(at.V.shape[1] - 1, 3, [units], options, rng, np.dtype(float))
    for layer, W in zip(state.net, at.weights, strict=True):
        layer.parameters[0][:], layer.parameters[1][:] = W[:, :-1], W[:, -1]
    H = np.where(at.V @ at.weights[0].T > 0, 1.0, -1.0)
    scores = np.hstack([H, np.ones((len(H), 1))]) @ at.weights[1].T
    softmax = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    e = (softmax - np.eye(3)[at.classes]) @ at.weights[1][:, :-1] / len(H)
    eigenvalues = [np.linalg.eigvalsh((at.V.T * np.abs(column)) @ at.V)[-1] for column in e.T]
    rate = 1 / (CURVATURE[at.loss] * max(eigenvalues))
    *_, step = batch_steps(state, at.V[:, :-1], at.classes, options, rate, measure=True)
    loss, slope = STEP_LOSSES[at.loss]

    def margins(W: FloatArray) -> FloatArray:
        return -np.sign(e) * (at.V @ W.T)

    after, before = (
        float(np.sum(np.abs(e) * loss(margins(W))))
        for W in (np.column_stack(step.state.net[0].parameters), at.weights[0])
    )
    gradient = (-e * slope(margins(at.weights[0]))).T @ at.V
    return [(after, before - rate / 2 * float(np.sum(gradient**2)))]


def at_rate(factor: float) -> Any:
    """Return the solver's step with its rate multiplied by a factor."""

    def steps(state: Any, X: Any, y: Any, options: Any, rate: float, **settings: Any) -> Any:
        return solver.batch_steps(state, X, y, options, factor * rate, **settings)

    return steps


STEP = Claim(
    id="targetprop.step-descends",
    statement="One gradient step of a layer at the rate 1/L lowers its loss by at least "
    "|g|^2/(2 L), where L = max loss'' max_i |sum_n |e_ni| v_n v_n'|_2.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_steps,
    measure=each(measure_step),
    subject=solver.batch_steps,
    planted={"uphill": at_rate(-1.0), "eight times the rate": at_rate(8.0)},
    tolerance=1e-12,
    near=0.05,
    hypotheses="weights |e|; squared hinge, logistic, soft hinge; plain gradient descent",
    cases=150,
)

CLAIMS = (LOWERED, LEAST, DECIDES, STEP)
