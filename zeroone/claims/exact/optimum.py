"""Claims: the least training error of tiny nets, and the bounds that certify it.

See docs/theory.md#c3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.guard import Checked
from zeroone.exact.enumeration import enumeration_optimum
from zeroone.exact.milp import HiddenBounds, hidden_bounds, milp_optimum, output_bound
from zeroone.exact.tiny_nets import Optimum
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray

SOURCE = "docs/theory.md#c3"
Solver = Callable[..., Optimum]


@dataclass(frozen=True, eq=False)
class Task:
    """A tiny problem: data, labels, and a net.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,)
    hidden : int
    activation : str
    seed : int
        For what is drawn in a comparison.
    """

    X: FloatArray
    y: NDArray[Any]
    hidden: int
    activation: str
    seed: int


def draw_tasks(rng: np.random.Generator, count: int) -> list[Task]:
    """Return problems with random labels: generic points, lattices and duplicates in turn."""
    tasks = []
    for i in range(count):
        p, n_classes = int(rng.integers(1, 3)), 3 if i % 5 == 4 else 2
        n = int(rng.integers(5, 7 if n_classes == 3 else 8))
        X = rng.uniform(-1, 1, (n, p))
        if i % 3 == 1:
            X = rng.integers(0, 3, (n, p)).astype(float)
        if i % 3 == 2:
            X[-1] = X[0]
        y = rng.integers(0, n_classes, n)
        y[:n_classes] = range(n_classes)
        hidden = int(rng.integers(1, 3))
        activation = ("sign", "step")[i % 2]
        tasks.append(Task(X, y, hidden, activation, int(rng.integers(2**31))))
    return tasks


def errors_by_hand(network: ZeroOneMLP, X: FloatArray, y: NDArray[Any]) -> int:
    """Count misclassified samples one by one, from the weights alone."""
    low = -1.0 if network.activation == "sign" else 0.0
    wrong = 0
    for x, label in zip(X.tolist(), y.tolist(), strict=True):
        hidden = [
            1.0 if sum(w * v for w, v in zip(row, x, strict=True)) + b > 0 else low
            for row, b in zip(network.weights[0].tolist(), network.biases[0].tolist(), strict=True)
        ]
        scores = [
            sum(w * h for w, h in zip(row, hidden, strict=True)) + b
            for row, b in zip(network.weights[1].tolist(), network.biases[1].tolist(), strict=True)
        ]
        classes = range(len(scores)) if network.classes is None else network.classes.tolist()
        wrong += classes[scores.index(max(scores))] != label
    return wrong


# --------------------------------------------------------------------------- two ways, one value


def measure_agreement(solver: Solver, task: Task) -> list[tuple[float, float]]:
    """Compare the samples that a solver gets right, and its bound, with enumeration."""
    found = solver(task.X, task.y, task.hidden, task.activation)
    n = len(task.y)
    truth = enumeration_optimum(task.X, task.y, task.hidden, task.activation)
    by_hand = errors_by_hand(found.network, task.X, task.y)
    return [(n - value, n - truth.bound) for value in (found.errors, found.bound, by_hand)]


def one_unit_less(X: FloatArray, y: NDArray[Any], hidden: int, activation: str) -> Optimum:
    """Solve for a net without a unit (with one unit: for another with two)."""
    return milp_optimum(X, y, hidden - 1 if hidden > 1 else 2, activation)


def small_weights(X: FloatArray, y: NDArray[Any], hidden: int, activation: str) -> Optimum:
    """Bound the hidden weights so far that dichotomies are cut off."""
    return milp_optimum(X, y, hidden, activation, weight_bound=0.8)


def without_bias(X: FloatArray, y: NDArray[Any], hidden: int, activation: str) -> Optimum:
    """Solve without hidden biases, which opposite points with equal labels make useless."""
    return milp_optimum(np.vstack([X, -X]), np.append(y, y), hidden, activation, time_limit=0.5)


AGREEMENT = Claim(
    id="targetprop.milp",
    statement=(
        "Branch and bound on the mixed-integer program and enumeration of all dichotomies find the "
        "same least training error, and the network found makes that many."
    ),
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_tasks,
    measure=each(measure_agreement),
    subject=milp_optimum,
    planted={
        "one unit less": one_unit_less,
        "weights bounded too tightly": small_weights,
        "no bias": without_bias,
    },
    tolerance=0.0,
    cases=14,
)


# ---------------------------------------------------------------------------- no net is better

# Weights and bias of every linear function of two codes -1 and +1, up to the sides it takes.
OUTPUTS = np.array(list(product((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0), (-1.5, -0.5, 0.5, 1.5))))


def draw_two_class_tasks(rng: np.random.Generator, count: int) -> list[Task]:
    """Return the problems of `draw_tasks` that have two classes."""
    return [task for task in draw_tasks(rng, 2 * count) if task.y.max() == 1][:count]


def best_of_many(task: Task, n_nets: int = 500) -> int:
    """Return the fewest errors of random nets of one or two units, for two classes.

    Hidden directions are random and thresholds halfway between projections of the samples; for each
    of these layers, every linear function of the codes is tried.
    """
    rng = np.random.default_rng(task.seed)
    z = rng.standard_normal((n_nets, task.hidden, task.X.shape[1])) @ task.X.T
    ordered = np.sort(z, axis=2)
    halfway = (ordered[:, :, 1:] + ordered[:, :, :-1]) / 2
    chosen = rng.integers(0, halfway.shape[2], (n_nets, task.hidden, 1))
    codes = np.where(z > np.take_along_axis(halfway, chosen, axis=2), 1.0, -1.0)
    scores = np.einsum("oj,njm->onm", OUTPUTS[:, : task.hidden], codes) + OUTPUTS[:, 2, None, None]
    return int(np.min(np.sum((scores > 0) != (task.y == 1), axis=2)))


def measure_random_nets(solver: Solver, task: Task) -> list[tuple[float, float]]:
    """Compare the errors of the best of many random nets with the bound.

    And the bound with 1 where two equal points have different labels.
    """
    bound = solver(task.X, task.y, task.hidden, task.activation).bound
    equal = [np.array_equal(task.X[i], task.X[j]) for i, j in combinations(range(len(task.y)), 2)]
    unequal = [task.y[i] != task.y[j] for i, j in combinations(range(len(task.y)), 2)]
    # Of two equal points with different labels every net gets one wrong.
    doomed = float(np.any(np.array(equal) & np.array(unequal)))
    return [(best_of_many(task), bound), (bound, doomed)]


def one_code_each(X: FloatArray, y: NDArray[Any], hidden: int, activation: str) -> Optimum:
    """Bound the errors by those of a single unit."""
    return enumeration_optimum(X, y, 1, activation)


def inverted(X: FloatArray, y: NDArray[Any], hidden: int, activation: str) -> Optimum:
    """Count for a label that was changed."""
    return enumeration_optimum(X, np.append(y[:-1], 1 - y[-1]), hidden, activation)


LOWER = Claim(
    id="targetprop.optimum-bound",
    statement="No random net makes fewer errors than the optimum by enumeration.",
    source=SOURCE,
    kind=Kind.LOWER_BOUND,
    sample=draw_two_class_tasks,
    measure=each(measure_random_nets),
    subject=enumeration_optimum,
    planted={"the optimum of one unit": one_code_each, "a label changed": inverted},
    tolerance=0.0,
    near=0.0,
    cases=40,
)


# ----------------------------------------------------------------------------- weight bounds


def least_norm(A: FloatArray) -> float:
    """Return the least max |v_i| of all v with A v >= 1, by a linear program; NaN if none has."""
    n, m = A.shape
    box = np.hstack([np.vstack([np.eye(m), -np.eye(m)]), -np.ones((2 * m, 1))])
    result = linprog(
        np.append(np.zeros(m), 1.0),
        A_ub=np.vstack([np.hstack([-A, np.zeros((n, 1))]), box]),
        b_ub=np.append(-np.ones(n), np.zeros(2 * m)),
        bounds=(None, None),
        method="highs",
    )
    return float(result.fun) if result.status == 0 else np.nan


def draw_labelled_cubes(rng: np.random.Generator, count: int) -> list[tuple[int, int, FloatArray]]:
    """Return units, classes, and a labelling of all codes by a random linear layer.

    Every fifth layer is a majority vote of three units, which needs the largest weights that any
    labelling of their codes needs.
    """
    drawn: list[tuple[int, int, FloatArray]] = []
    for i in range(count):
        units, n_classes = ((3, 2), (1, 2), (2, 2), (2, 3), (3, 2))[i % 5]
        V = rng.standard_normal((n_classes, units + 1))
        if i % 5 == 0:
            V = np.array([[0.0, 0, 0, 0], [2.0, 1.0, 1.0, rng.choice([-1.0, 1.0])]])
        drawn.append((units, n_classes, V))
    return drawn


def measure_output_bound(
    bound: Callable[[int, int], float], cube: tuple[int, int, FloatArray]
) -> list[tuple[float, float]]:
    """Compare the least weights that give a labelling with the bound."""
    units, n_classes, V = cube
    codes = np.array(list(product((-1.0, 1.0), repeat=units)))
    points = np.hstack([codes, np.ones((len(codes), 1))])
    rows = []
    for point in points:
        own = int(np.argmax(V @ point))
        for other in range(n_classes):
            if other != own:
                row = np.zeros((n_classes, units + 1))
                row[own], row[other] = point, -point
                rows.append(row[1:].ravel())  # the first class's scores are 0
    return [(least_norm(np.array(rows)), bound(units, n_classes))]


def hadamard(units: int, n_classes: int) -> float:
    """Return the largest determinant of a matrix of signs by its known values, divided by 2^h.

    The determinants of the sizes 2, 3 and 4 that bound it are 2, 3 sqrt(3) and 16.
    """
    return 2.0 if n_classes > 2 else (2.0, 27**0.5, 16.0)[units - 1] / 2**units


OUTPUT_BOUND = Claim(
    id="targetprop.output-bound",
    statement=(
        "Every labelling of hidden codes by a linear layer has one with margin 1 and weights of at "
        "most (h+1)^{(h+1)/2} / 2^h for two classes, and of at most 2 for two units, three classes."
    ),
    source=f"{SOURCE} (Hadamard, Muroga)",
    kind=Kind.UPPER_BOUND,
    sample=draw_labelled_cubes,
    measure=Checked(each(measure_output_bound), hadamard),
    subject=output_bound,
    planted={
        "half of it": lambda h, K: output_bound(h, K) / 2,
        "one unit less": lambda h, K: output_bound(h - 1, K) if h > 1 else 0.5,
    },
    tolerance=1e-7,
    near=1e-6,
    cases=40,
)


def draw_reachable(rng: np.random.Generator, count: int) -> list[tuple[FloatArray, FloatArray]]:
    """Return points in [-1, 1] and targets that a hyperplane reaches.

    Every other instance is p + 1 points, which can have any targets; every fourth has those that
    need the largest weights, the signs of a row of A^{-1}. No points are nearly degenerate.
    """
    drawn: list[tuple[FloatArray, FloatArray]] = []
    while len(drawn) < count:
        i, p = len(drawn), int(rng.integers(1, 4))
        X = rng.uniform(-1, 1, (p + 1 if i % 2 else p + 3, p))
        rows = np.hstack([X, np.ones((len(X), 1))])
        squares = np.array([rows[list(some)] for some in combinations(range(len(X)), p + 1)])
        if np.linalg.svd(squares, compute_uv=False).min() < 1e-3:
            continue
        z = X @ rng.standard_normal(p) + 0.3 * rng.standard_normal()
        targets = rng.choice([-1.0, 1.0], len(X)) if i % 2 else np.where(z > 0, 1.0, -1.0)
        if i % 4 == 1:
            inverse = np.linalg.inv(rows)
            targets = np.sign(inverse[np.argmax(np.abs(inverse).sum(axis=1))])
        drawn.append((X, targets))
    return drawn


def measure_hidden_bound(
    bounds: Callable[[FloatArray], HiddenBounds],
    instance: tuple[FloatArray, FloatArray],
) -> list[tuple[float, float]]:
    """Compare the least weights that reach targets with margin 1 with the bound."""
    X, targets = instance
    rows = targets[:, np.newaxis] * np.hstack([X, np.ones((len(X), 1))])
    return [(least_norm(rows), bounds(X).weights)]


def largest_entry(X: FloatArray) -> HiddenBounds:
    """Take the largest entry of an inverse for its largest row sum, at the first p + 1 points."""
    A = np.hstack([X, np.ones((len(X), 1))])[: X.shape[1] + 1]
    return replace(hidden_bounds(X), weights=float(np.max(np.abs(np.linalg.inv(A)))))


def half(X: FloatArray) -> HiddenBounds:
    """Halve the bound."""
    found = hidden_bounds(X)
    return replace(found, weights=found.weights / 2)


HIDDEN_BOUND = Claim(
    id="targetprop.hidden-bound",
    statement=(
        "Every dichotomy of points has a hyperplane with |w.x + b| >= 1 at all of them whose "
        "weights are at most the largest row sum of |A^{-1}| over all A of p + 1 of the (x_n, 1)."
    ),
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_reachable,
    measure=each(measure_hidden_bound),
    subject=hidden_bounds,
    planted={
        "the largest entry": largest_entry,
        "half of it": half,
    },
    tolerance=1e-6,
    near=0.05,
    cases=40,
)

CLAIMS = (AGREEMENT, LOWER, OUTPUT_BOUND, HIDDEN_BOUND)
