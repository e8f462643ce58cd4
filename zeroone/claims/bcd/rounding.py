"""Claims: rounding does not raise the objective, and does not spoil an update.

A net in single precision rounds the minimiser of its ridge problem, and on nearly collinear columns
that may cost more than the update gains. Here the inputs have columns that are far from 0, or that
are equal. A value is compared by how far it lies above the least one: for rows at a distance D from
the minimiser that is tau/2 |[V 1] D^T|^2 + gamma/2 |D|^2, which loses nothing to cancellation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.claims.bcd.blocks import SOURCE, Layer, with_ones
from zeroone.claims.claim import Claim, Kind, each
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]


@dataclass(frozen=True)
class Ridge:
    """A ridge problem in double precision: input, targets, present rows [W b], ridge."""

    V: FloatArray
    U: FloatArray
    rows: FloatArray
    gamma: float

    def least(self) -> FloatArray:
        """Return the rows that minimise it, by orthogonal factors of [V 1] above the ridge."""
        A = with_ones(self.V)
        n = A.shape[1]
        A, B = np.vstack([A, np.sqrt(self.gamma) * np.eye(n)]), self.U
        return np.linalg.lstsq(A, np.vstack([B, np.zeros((n, B.shape[1]))]), rcond=None)[0].T

    def above(self, rows: FloatArray, least: FloatArray) -> FloatArray:
        """Return by how much the value at each row exceeds the least."""
        D = rows - least
        fits = np.sum((with_ones(self.V) @ D.T) ** 2, axis=0)
        return (fits + self.gamma * np.sum(D**2, axis=1)) / 2

    def updated(self, update: Any, rows: FloatArray) -> FloatArray:
        """Return the rows after an update of these."""
        C = (self.U - with_ones(self.V) @ rows.T).T @ with_ones(self.V)
        W, b = update(
            rows[:, :-1],
            rows[:, -1],
            C[:, :-1],
            C[:, -1],
            blocks.Gram(self.V),
            tau=1.0,
            gamma=self.gamma,
        )
        return np.column_stack([W, b])


# --------------------------------------------------------------------------- rounded to single


def draw_far_from_zero(rng: np.random.Generator, count: int) -> list[Ridge]:
    """Draw inputs whose columns are nearly constant, with rows in single precision.

    Of 64 ways to round the minimiser up and down, the rows are the best: to round to the nearest is
    hardly ever as good.
    """
    problems = []
    for _ in range(count):
        n_samples, n_in = int(rng.integers(10, 40)), int(rng.integers(5, 12))
        V = 10.0 ** rng.integers(0, 4) + rng.standard_normal((n_samples, n_in))
        U = 5 + rng.standard_normal((n_samples, int(rng.integers(1, 6))))
        problem = Ridge(V, U, np.zeros((U.shape[1], n_in + 1)), 1e-3)
        least = problem.least()
        nearest = least.astype(np.float32)
        beside = np.nextafter(nearest, np.where(nearest < least, np.inf, -np.inf), dtype=np.float32)
        ways = [np.where(rng.random(least.shape) < 0.5, nearest, beside) for _ in range(64)]
        best = np.argmin([problem.above(rows, least) for rows in ways], axis=0)
        rows = np.array([ways[way][unit] for unit, way in enumerate(best)])
        problems.append(Ridge(V, U, rows, problem.gamma))
    return problems


def measure_not_raised(update: Any, problem: Ridge) -> Pairs:
    """Compare the values after and before: from the rows that round well, and from zero.

    From zero nearly all that can be gained must be.
    """
    least, zero = problem.least(), np.zeros_like(problem.rows)
    before = problem.above(problem.rows, least)
    after = problem.above(problem.updated(update, problem.rows), least)
    far = 1e-3 * problem.above(zero, least)
    from_zero = problem.above(problem.updated(update, zero), least)
    return [
        *zip(after / before, np.ones(len(before)), strict=True),
        *zip(from_zero, far, strict=True),
    ]


def wrong_always_moves(
    W: FloatArray, b: FloatArray, C: FloatArray, c: FloatArray, gram: blocks.Gram, **prices: float
) -> Layer:
    """Round the minimiser and take it, whatever it costs."""
    rows = gram.join(W, b)
    downhill = prices["tau"] * gram.join(C, c) - prices["gamma"] * rows
    return gram.split(rows + gram.solve(downhill, prices["tau"], prices["gamma"]), W.dtype)


def wrong_never_moves(W: FloatArray, b: FloatArray, *arrays: Any, **prices: float) -> Layer:
    """Leave every row as it is."""
    return W, b


NOT_RAISED = Claim(
    id="bcd.ridge-rounded",
    statement="A ridge update in single precision never raises F: a row whose rounded minimiser is "
    "worse than what it has stays as it is.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_far_from_zero,
    measure=each(measure_not_raised),
    subject=blocks.ridge_weights,
    planted={"rounded, whatever it costs": wrong_always_moves, "never moves": wrong_never_moves},
    tolerance=1e-6,
    hypotheses="columns of the input with a mean of up to 1000 deviations",
    cases=150,
)

# ----------------------------------------------------------------------------- equal columns


def draw_equal_columns(rng: np.random.Generator, count: int) -> list[Ridge]:
    """Draw inputs of whole numbers in which every column is there twice, and hardly any ridge."""
    problems = []
    for _ in range(count):
        n_samples, n_in = int(rng.integers(20, 60)), int(rng.integers(2, 6))
        base = rng.integers(-9, 10, (n_samples, n_in)).astype(float)
        V = 2.0 ** rng.integers(0, 12) * np.repeat(base, 2, axis=1)
        rows = np.zeros((int(rng.integers(1, 4)), 2 * n_in + 1))
        w = rng.integers(1, 4, rows[:, :-1].shape) * rng.choice([-1, 1], rows[:, :-1].shape)
        problems.append(Ridge(V, V @ w.T, rows, 1e-20))
    return problems


def measure_equal_columns(update: Any, problem: Ridge) -> Pairs:
    """Compare what is left of the value after an update from zero with half of it.

    The targets are met exactly by some weights, so that next to nothing need be left.
    """
    with np.errstate(all="ignore"):
        rows = problem.updated(update, problem.rows)
        left = np.sum((problem.U - with_ones(problem.V) @ rows.T) ** 2, axis=0)
    whole = np.sum(problem.U**2, axis=0)
    known = whole > 0
    return list(zip(left[known] / whole[known], np.full(np.sum(known), 0.5), strict=True))


def wrong_without_rounding(
    W: FloatArray, b: FloatArray, C: FloatArray, c: FloatArray, gram: blocks.Gram, **prices: float
) -> Layer:
    """Solve with the ridge as it was asked for, which is lost in the rounding of V'V."""
    H = gram.matrix + prices["gamma"] * np.eye(len(gram.matrix))
    try:
        rows = np.linalg.solve(H, gram.join(C, c).T).T
    except np.linalg.LinAlgError:
        rows = np.zeros((len(W), len(H)))
    return gram.split(rows, W.dtype)


EQUAL_COLUMNS = Claim(
    id="bcd.ridge-equal-columns",
    statement="On equal columns, with a ridge that is lost in the rounding of V'V, one update from "
    "zero still takes away more than half of what there is to gain.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_equal_columns,
    measure=each(measure_equal_columns),
    subject=blocks.ridge_weights,
    planted={"no ridge": wrong_without_rounding, "never moves": wrong_never_moves},
    tolerance=1e-9,
    hypotheses="every column of the input is there twice; gamma = 1e-20",
    cases=150,
)

# ---------------------------------------------------------------------- sums in double precision


def draw_single_inputs(rng: np.random.Generator, count: int) -> list[FloatArray]:
    """Draw inputs in single precision: real numbers with exact 0s and 1s among them, and bits."""
    inputs = []
    for case in range(count):
        shape = (int(rng.integers(2, 60)), int(rng.integers(1, 6)))
        V = (3 + rng.standard_normal(shape)).astype(np.float32)
        V[0, 0] = case % 2
        inputs.append(V if case % 5 else np.round(rng.random(shape)).astype(np.float32))
    return inputs


def measure_double_sums(gram: Any, V: FloatArray) -> Pairs:
    """Compare V'V of single precision numbers with sums of their products in double precision."""
    A = with_ones(V.astype(np.float64))
    found = gram(V)
    expected = np.array([[float(np.dot(left, right)) for left in A.T] for right in A.T])
    return list(zip(found.ravel(), expected.ravel(), strict=True))


def wrong_single_gram(V: FloatArray) -> FloatArray:
    """Add up in single precision."""
    A = with_ones(V).astype(np.float32)
    return (A.T @ A).astype(np.float64)


def wrong_gram_without_constant(V: FloatArray) -> FloatArray:
    """Forget the sums with the constant."""
    found = blocks.gram_matrix(V)
    found[:-1, -1] = found[-1, :-1] = 0
    return found


DOUBLE_SUMS = Claim(
    id="bcd.gram-in-double",
    statement="The Gram matrix of an input in single precision, and of its constant, is added up "
    "in double precision.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_single_inputs,
    measure=each(measure_double_sums),
    subject=blocks.gram_matrix,
    planted={"in single": wrong_single_gram, "no constant": wrong_gram_without_constant},
    tolerance=1e-12,
    hypotheses="numbers in single precision, exact 0s, 1s and bits among them",
    cases=100,
)

CLAIMS = (NOT_RAISED, EQUAL_COLUMNS, DOUBLE_SUMS)
