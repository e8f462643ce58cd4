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
from zeroone.bcd.objective import layer_product
from zeroone.bcd.regression import Regression
from zeroone.claims.bcd.blocks import SOURCE, Layer, with_ones
from zeroone.claims.claim import Claim, Kind, each
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]


@dataclass(frozen=True)
class Ridge:
    """A ridge problem in double precision: input, targets, present rows [W b], ridge, tau."""

    V: FloatArray
    U: FloatArray
    rows: FloatArray
    gamma: float
    tau: float = 1.0

    def least(self) -> FloatArray:
        """Return the rows that minimise it, by orthogonal factors of [V 1] above the ridge."""
        A = with_ones(self.V)
        n = A.shape[1]
        A, B = np.vstack([A, np.sqrt(self.gamma / self.tau) * np.eye(n)]), self.U
        return np.linalg.lstsq(A, np.vstack([B, np.zeros((n, B.shape[1]))]), rcond=None)[0].T

    def above(self, rows: FloatArray, least: FloatArray) -> FloatArray:
        """Return by how much the value at each row exceeds the least."""
        D = rows - least
        fits = np.sum((with_ones(self.V) @ D.T) ** 2, axis=0)
        return (self.tau * fits + self.gamma * np.sum(D**2, axis=1)) / 2

    def updated(self, update: Any, rows: FloatArray) -> FloatArray:
        """Return the rows after an update of these."""
        C = (self.U - with_ones(self.V) @ rows.T).T @ with_ones(self.V)
        W, b = update(
            rows[:, :-1],
            rows[:, -1],
            C[:, :-1],
            C[:, -1],
            blocks.Gram(self.V),
            tau=self.tau,
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
    """Draw inputs of whole numbers in which every column is there twice, and hardly any ridge.

    Every other ridge is as large as the rounding error of tau V'V, half an ulp of its trace; the
    others are lost in it.
    """
    problems = []
    for case in range(count):
        n_samples, n_in = int(rng.integers(20, 60)), int(rng.integers(2, 6))
        base = rng.integers(-9, 10, (n_samples, n_in)).astype(float)
        V = 2.0 ** rng.integers(0, 12) * np.repeat(base, 2, axis=1)
        rows = np.zeros((int(rng.integers(1, 4)), 2 * n_in + 1))
        w = rng.integers(1, 4, rows[:, :-1].shape) * rng.choice([-1, 1], rows[:, :-1].shape)
        tau = 2.0 ** rng.integers(0, 21)
        rounding = 2.0**-52 * tau * float(np.sum(with_ones(V) ** 2))
        problems.append(Ridge(V, V @ w.T, rows, rounding if case % 2 else 1e-20, tau))
    return problems


def measure_equal_columns(solvers: tuple[Any, Any], problem: Ridge) -> Pairs:
    """Compare what is left of the value after an update from zero, or a fit, with half of it.

    The targets are met exactly by some weights, so that next to nothing need be left.
    """
    update, fit = solvers
    whole = np.sum(problem.U**2, axis=0)
    known = whole > 0
    regression = fit(problem.V, problem.U, problem.gamma / problem.tau)
    pairs: Pairs = []
    for rows in (
        problem.updated(update, problem.rows),
        np.column_stack([regression.W, regression.b]),
    ):
        left = np.sum((problem.U - with_ones(problem.V) @ rows.T) ** 2, axis=0)
        pairs += list(zip(left[known] / whole[known], np.full(np.sum(known), 0.5), strict=True))
    return pairs


def wrong_without_rounding(
    W: FloatArray, b: FloatArray, C: FloatArray, c: FloatArray, gram: blocks.Gram, **prices: float
) -> Layer:
    """Solve with the ridge as it was asked for, which is lost in the rounding of V'V."""
    H = prices["tau"] * gram.matrix + prices["gamma"] * np.eye(len(gram.matrix))
    try:
        rows = np.linalg.solve(H, prices["tau"] * gram.join(C, c).T).T
    except np.linalg.LinAlgError:
        rows = np.zeros((len(W), len(H)))
    return gram.split(rows, W.dtype)


def wrong_fit_without_rounding(V: FloatArray, T: FloatArray, gamma: float) -> Regression:
    """Fit with the ridge as it was asked for."""
    A = with_ones(V)
    H = A.T @ A + gamma * np.eye(A.shape[1])
    try:
        K = np.linalg.inv(H)
    except np.linalg.LinAlgError:
        K = np.zeros_like(H)
    rows = T.T @ A @ K
    return Regression(rows[:, :-1], rows[:, -1], K)


SOLVERS = (blocks.ridge_weights, Regression.fit)

EQUAL_COLUMNS = Claim(
    id="bcd.ridge-equal-columns",
    statement="On equal columns, with a ridge that is lost in the rounding of V'V, one update from "
    "zero still takes away more than half of what there is to gain, and so does a fit.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=draw_equal_columns,
    measure=each(measure_equal_columns),
    subject=SOLVERS,
    planted={
        "no ridge": (wrong_without_rounding, SOLVERS[1]),
        "never moves": (wrong_never_moves, SOLVERS[1]),
        "a fit without ridge": (SOLVERS[0], wrong_fit_without_rounding),
    },
    tolerance=1e-9,
    hypotheses="every column of the input is there twice; gamma = 1e-20, or just the rounding "
    "error; tau up to 2^20",
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

# ------------------------------------------------------------------- pre-activations that cancel


@dataclass(frozen=True)
class Product:
    """A layer in single precision: its input, weights and biases."""

    V: FloatArray
    W: FloatArray
    b: FloatArray


def draw_cancelling(rng: np.random.Generator, count: int) -> list[Product]:
    """Draw inputs far from 0, and neurons whose terms cancel beside others whose terms do not.

    Of a neuron that cancels the weights add up to 0, so that only the inputs' deviations are left.
    Some inputs have many samples, and are less far.
    """
    products = []
    for case in range(count):
        many = case % 10 == 0
        n_samples, n_in = 2000 if many else int(rng.integers(2, 40)), int(rng.integers(2, 5))
        far = float(rng.choice([-1, 1]) * 10.0 ** (3 if many else rng.integers(4, 6)))
        scale = 2.0 ** rng.integers(-20, 21)
        V = scale * (far + rng.standard_normal((n_samples, n_in)))
        W = rng.integers(1, 6, (int(rng.integers(1, 6)), n_in)).astype(float)
        W[::2, 0] -= W[::2].sum(axis=1)
        b = scale * rng.standard_normal(len(W))
        products.append(Product(*(array.astype(np.float32) for array in (V, W, b))))
    return products


def measure_cancelling(product: Any, at: Product) -> Pairs:
    """Compare each neuron's largest error, relative to its own size, with 64 roundings of it.

    Added up in single precision, the terms that cancel would leave an error of a rounding of
    theirs, and they are at least 1000 times as large as their sum.
    """
    exact = np.einsum("ni,ji->nj", at.V.astype(float), at.W.astype(float)) + at.b.astype(float)
    sizes = np.sqrt(np.mean(exact**2, axis=0))
    errors = np.max(np.abs(product(at.V, at.W, at.b) - exact), axis=0)
    return list(zip(errors / sizes, np.full(len(sizes), 64 * 2.0**-24), strict=True))


def wrong_single_product(V: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
    """Add up in single precision, whatever cancels."""
    return V @ W.T + b


def wrong_all_or_none(V: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
    """Turn to double precision only if the terms of every neuron cancel."""
    return layer_product(V, W, b) if np.all(W.sum(axis=1) == 0) else V @ W.T + b


def wrong_without_bias(V: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
    """Forget the bias where the terms cancel."""
    return layer_product(V, W, b) - np.where(W.sum(axis=1) == 0, b, 0)


CANCELLING = Claim(
    id="bcd.product-cancels",
    statement="A pre-activation in single precision is as exact as its own size asks for, however "
    "large the terms that cancel in it, whatever the other neurons do.",
    source="docs/theory.md#b",
    kind=Kind.UPPER_BOUND,
    sample=draw_cancelling,
    measure=each(measure_cancelling),
    subject=layer_product,
    planted={
        "in single": wrong_single_product,
        "all neurons or none": wrong_all_or_none,
        "no bias where terms cancel": wrong_without_bias,
    },
    tolerance=1e-9,
    hypotheses="single precision, columns with a mean of 10^3 to 10^5 deviations, neurons that "
    "cancel beside neurons that do not, of any scale",
    cases=100,
)

CLAIMS = (NOT_RAISED, EQUAL_COLUMNS, DOUBLE_SUMS, CANCELLING)
