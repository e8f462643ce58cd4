"""Claims: how a whole layer is decided, and which of its targets are missed (docs/theory.md#c2).

The projections are written out unit by unit here, with a least-squares fit at each step; the least
total violation is looked for among all hyperplanes that have enough samples at a margin of 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.exact.separability import SOURCE, certificate_exists
from zeroone.exact.separability import LayerFeasibility, ho_kashyap, layer_feasibility
from zeroone.support.validation import FloatArray

Layer = Callable[..., LayerFeasibility]
Projections = Callable[[FloatArray, FloatArray, int], FloatArray]

# --------------------------------------------------------------------------------- projections


@dataclass(frozen=True, eq=False)
class Steps:
    """Inputs of a layer, targets of some units, and how many steps of projections are made.

    Attributes
    ----------
    standardised : ndarray of shape (n, p)
        Every feature goes from -1 to 1; one that is constant is 0.
    X : ndarray of shape (n, p)
        The same, with offsets and scales.
    T : ndarray of shape (n, n_units)
    iterations : int
    scales : ndarray of shape (p,)
    """

    standardised: FloatArray
    X: FloatArray
    T: FloatArray
    iterations: int
    scales: FloatArray


def draw_steps(rng: np.random.Generator, count: int) -> list[Steps]:
    """Return layers of few samples, and of more than weights; the first targets do not matter.

    Half the units have targets that a hyperplane reaches, so that some are met before others. Every
    fourth layer has a constant feature.
    """
    drawn = []
    for i in range(count):
        p = int(rng.integers(2, 4))
        n = p + 1 if i % 3 == 0 else int(rng.integers(p + 3, 11))
        S = rng.uniform(-1, 1, (n, p))
        S = 2 * (S - S.min(axis=0)) / np.ptp(S, axis=0) - 1
        T = rng.choice([-1.0, 1.0], (n, 4))
        reached = S @ rng.standard_normal((p, 2)) + 0.3 * rng.standard_normal(2)
        T[:, :2] = np.where(reached > 0, 1.0, -1.0)
        T[0, 0], T[:2, 3] = 0.0, 0.0
        if i % 4 == 3:
            S[:, 0] = 0.0
        scales = 2.0 ** rng.integers(-3, 4, p)
        X = (S + rng.integers(-2, 3, p)) * scales
        drawn.append(Steps(S, X, T, (0, 1, 3, 30)[i % 4 - i // 4 % 2], scales))
    return drawn


def by_projections(X: FloatArray, t: FloatArray, iterations: int) -> FloatArray:
    """Return the v of one unit: fit, move on to a margin of 1 where it is less, and fit again."""
    rows = np.array([[*x, 1.0] for x in X])
    v = np.linalg.lstsq(rows, t, rcond=None)[0]
    for _ in range(iterations):
        z = rows @ v
        if all(target * value >= 0.5 for target, value in zip(t, z, strict=True) if target != 0):
            break
        goal = np.array(
            [
                target if target != 0 and target * value < 1 else value
                for target, value in zip(t, z, strict=True)
            ]
        )
        v = np.linalg.lstsq(rows, goal, rcond=None)[0]
    return v


def hyperplane_along(
    v: FloatArray, t: FloatArray, steps: Steps
) -> tuple[FloatArray, float, float] | None:
    """Return unit weights along v for the samples as they came, the bias halfway, and the margin.

    None if v leaves a sample on the wrong side, or next to it, or if the targets are all equal.
    """
    z = [float(np.sum(x * v[:-1]) + v[-1]) for x in steps.standardised]
    nearest = min(target * value for target, value in zip(t, z, strict=True) if target != 0)
    if nearest < 1e-6 or not (np.any(t > 0) and np.any(t < 0)):
        return None
    w = v[:-1] / steps.scales
    w = w / np.sqrt(np.sum(w**2))
    above, below = np.min(steps.X[t > 0] @ w), np.max(steps.X[t < 0] @ w)
    return w, -(above + below) / 2, (above - below) / 2


def measure_projections(
    subjects: tuple[Projections, Layer], steps: Steps
) -> list[tuple[float, float]]:
    """Compare each unit's v, and the layer's hyperplane wherever v separates."""
    project, layer = subjects
    found = project(steps.standardised, steps.T, steps.iterations)
    known = np.array([by_projections(steps.standardised, t, steps.iterations) for t in steps.T.T])
    pairs = list(zip(found.ravel().tolist(), known.ravel().tolist(), strict=True))
    rows = np.hstack([steps.standardised, np.ones((len(steps.X), 1))])
    if len(rows) == rows.shape[1] and np.all(np.any(steps.standardised != 0, axis=0)):
        # Independent rows: every fit is exact.
        pairs += list(zip((rows @ found.T).ravel().tolist(), steps.T.ravel().tolist(), strict=True))
    feasible = layer(steps.X, steps.T, violations=False, iterations=steps.iterations)
    for v, t, separation in zip(known, steps.T.T, feasible.separations, strict=True):
        along = hyperplane_along(v, t, steps)
        if along is None:
            continue
        if separation.weights is None or separation.bias is None:
            return [(np.nan, 1.0)]
        w, bias, margin = along
        pairs += list(zip(separation.weights.tolist(), w.tolist(), strict=True))
        pairs += [(separation.bias, bias), (separation.margin, margin)]
    return pairs


def one_fit(X: FloatArray, T: FloatArray, iterations: int) -> FloatArray:
    """Stop at the fit of the targets."""
    return ho_kashyap(X, T, 0)


def never_free(X: FloatArray, T: FloatArray, iterations: int) -> FloatArray:
    """Take "don't care" for -1."""
    return ho_kashyap(X, np.where(T == 0, -1.0, T), iterations)


def decided_singly(X: FloatArray, T: FloatArray, **options: Any) -> LayerFeasibility:
    """Look for no hyperplanes together."""
    return layer_feasibility(X, T, largest_margin=True, violations=False)


PROJECTIONS = Claim(
    id="targetprop.projections",
    statement="A layer's directions are those of projections in turn on Z = X W^T + b and on "
    "T Z >= 1, the first of them exact where the rows (x_n, 1) are independent; and its "
    "hyperplanes lie along them wherever they separate.",
    source=f"{SOURCE} (Ho and Kashyap)",
    kind=Kind.EQUALITY,
    sample=draw_steps,
    measure=each(measure_projections),
    subject=(ho_kashyap, layer_feasibility),
    planted={
        "one fit": (one_fit, layer_feasibility),
        "don't care taken for -1": (never_free, layer_feasibility),
        "each unit by itself": (ho_kashyap, decided_singly),
    },
    tolerance=1e-7,
    hypotheses="layers of 3 to 10 samples in general position, some with a constant feature",
    cases=24,
)

# ------------------------------------------------------------------------------ missed targets

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def draw_missing(rng: np.random.Generator, count: int) -> list[tuple[FloatArray, FloatArray]]:
    """Return inputs and targets of three units; the first targets do not matter.

    Generic points, lattices, equal points and the corners of a square in turn. The corners' first
    targets are the exclusive or, and every eighth layer has no targets at all.
    """
    drawn: list[tuple[FloatArray, FloatArray]] = []
    for i in range(count):
        p = int(rng.integers(1, 3))
        n = int(rng.integers(p + 3, 8))
        X = rng.uniform(-1, 1, (n, p))
        if i % 4 == 1:
            X = rng.integers(0, 3, (n, p)).astype(float)
        elif i % 4 == 2:
            X[-1] = X[1]
        elif i % 4 == 3:
            X = CORNERS * rng.integers(1, 4)
        T = rng.choice([-1.0, 1.0], (len(X), 3))
        T[0] = 0.0
        if i % 4 == 3:
            T[:, 0] = rng.choice([-1.0, 1.0]) * np.array([1.0, -1.0, -1.0, 1.0])
        drawn.append((X, 0 * T if i % 8 == 4 else T))
    return drawn


def least_violation(rows: FloatArray) -> tuple[float, FloatArray | None]:
    """Return the least sum of max(0, 1 - a_n.v), and the v that has it if there is one only.

    The sum is made of planes that meet where some a_n.v = 1. If the rows span the space it is
    least where as many of them meet as there are coordinates.
    """
    m = rows.shape[1]
    if np.linalg.matrix_rank(rows) < m:
        return np.inf, None
    subsets = rows[np.array(list(combinations(range(len(rows)), m)))]
    subsets = subsets[np.abs(np.linalg.det(subsets)) > 1e-9]
    corners = np.linalg.solve(subsets, np.ones((*subsets.shape[:2], 1)))[:, :, 0]
    totals = np.sum(np.maximum(1 - corners @ rows.T, 0), axis=1)
    best = corners[totals < totals.min() + 1e-6]
    alone = np.max(np.abs(best - best[0])) < 1e-6
    return float(totals.min()), best[0] if alone else None


def measure_missed(
    layer: Layer, instance: tuple[FloatArray, FloatArray]
) -> list[tuple[float, float]]:
    """Compare the missed targets of each unit, counts plus 1, and the fraction of all pairs.

    A unit misses a target iff it can not meet all; each missed one adds 1 or more to the violation;
    and if one hyperplane alone has the least, the missed ones are those on its wrong side.
    """
    X, T = instance
    found = layer(X, T, iterations=10)  # any hyperplane will do for a unit that can meet all
    if found.violated is None:
        return [(np.nan, 1.0)]
    pairs = [(1.0 + np.count_nonzero(found.violated & (T == 0)), 1.0)]
    for t, missed in zip(T.T, found.violated.T, strict=True):
        impossible = certificate_exists(X, t) if t.any() else False
        pairs.append((1.0 + missed.any(), 1.0 + impossible))
        if not impossible:
            continue
        cared = t != 0
        rows = t[cared, np.newaxis] * np.array([[*x, 1.0] for x in X[cared]])
        total, v = least_violation(rows)
        pairs.append((1.0 + (np.count_nonzero(missed) > total + 1e-6), 1.0))
        if v is not None and np.min(np.abs(rows @ v)) > 1e-6:
            differ = np.count_nonzero(missed[cared] != (rows @ v < 0))
            pairs.append((1.0 + differ, 1.0))
    share = sum(found.violated.ravel().tolist()) / max(sum(np.abs(T).ravel().tolist()), 1)
    return [*pairs, (1.0 + found.fraction_pairs, 1.0 + share)]


def by_fit(X: FloatArray, T: FloatArray, **options: Any) -> LayerFeasibility:
    """Count what the least-squares fit of the targets misses."""
    Z = np.hstack([X, np.ones((len(X), 1))]) @ ho_kashyap(X, T, 0).T
    return replace(layer_feasibility(X, T, **options), violated=T * Z < 0)


def of_all_pairs(X: FloatArray, T: FloatArray, **options: Any) -> LayerFeasibility:
    """Divide by the number of pairs, those without a target among them."""
    return replace(layer_feasibility(X, T, **options), n_targets=T.size)


def all_of_them(X: FloatArray, T: FloatArray, **options: Any) -> LayerFeasibility:
    """Count all targets of a unit that is not separable."""
    found = layer_feasibility(X, T, **options)
    return replace(found, violated=found.infeasible & (T != 0))


MISSED = Claim(
    id="targetprop.missed",
    statement="The missed targets of a layer are those on the wrong side of the hyperplane of the "
    "least total violation: none of a unit that can meet all, one or more of any other, and no "
    "more than that violation.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_missing,
    measure=each(measure_missed),
    subject=layer_feasibility,
    planted={
        "the least-squares fit": by_fit,
        "a fraction of all pairs": of_all_pairs,
        "all of a unit's": all_of_them,
    },
    tolerance=1e-12,
    hypotheses="layers of three units, 4 to 7 samples and up to two features",
    cases=20,
)

CLAIMS = (PROJECTIONS, MISSED)
