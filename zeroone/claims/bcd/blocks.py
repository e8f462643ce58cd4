"""Claims: each closed-form block update is the minimiser of the objective over its block.

The samplers come first, then each claim under what it compares. The oracles use none of the
package's block updates nor its objective: they try everything, or leave it to a general-purpose
optimiser. They see a bias as the last column of the rows, against a column of ones.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize

from zeroone.bcd import blocks
from zeroone.bcd.neurons import neuron_groups, sweep_neurons
from zeroone.bcd.neurons_grouped import sweep_groups
from zeroone.claims.claim import Claim, Kind
from zeroone.support.validation import BoolArray, FloatArray

Pair = tuple[FloatArray, FloatArray]
Layer = tuple[FloatArray, FloatArray]
SOURCE = "Zhang, Zhou, Li, Xiu, arXiv:2206.09379; docs/theory.md#b1"


# ------------------------------------------------------------------------------------ instances


@dataclass(frozen=True)
class Problem:
    """A small random problem: layers, data and the prices of the objective.

    Attributes
    ----------
    V : list of ndarray
        V_0 = X, V_1, ...
    U, W, b : list of ndarray
        Pre-activations, weights and biases of the layers.
    Y : ndarray
        Targets.
    tau, pi, gamma, lam : tuple of float
        The prices of the terms.
    margin : float
        Half-width of the gap of U; 0 for the remedy "tiny".
    """

    V: list[FloatArray]
    U: list[FloatArray]
    W: list[FloatArray]
    b: list[FloatArray]
    Y: FloatArray
    tau: tuple[float, ...]
    pi: tuple[float, ...]
    gamma: tuple[float, ...]
    lam: tuple[float, ...]
    margin: float
    extra: dict[str, float] = field(default_factory=dict)

    def rows(self, layer: int) -> FloatArray:
        """Return [W b] of a layer."""
        return np.column_stack([self.W[layer], self.b[layer]])

    def computed(self, layer: int) -> FloatArray:
        """Return V W^T + b of a layer."""
        return self.V[layer] @ self.W[layer].T + self.b[layer]


# Kinds of data that a theorem should survive; each is drawn about equally often.
KINDS = (
    "generic",
    "duplicate samples",
    "constant feature",
    "one sample",
    "one unit",
    "equal labels",
    "integers",
    "zeros",
)


def with_ones(X: FloatArray) -> FloatArray:
    """Return [X 1]."""
    return np.hstack([X, np.ones((len(X), 1))])


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform between those of `low` and `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_data(
    rng: np.random.Generator, kind: str, n_samples: int, n_features: int, n_outputs: int
) -> tuple[FloatArray, FloatArray]:
    """Return an input and one-hot or real targets of the given kind."""
    n_samples = 1 if kind == "one sample" else n_samples
    X = rng.standard_normal((n_samples, n_features))
    if kind in ("integers", "zeros"):
        X = np.round(X)
    if kind == "zeros":
        X[:, 0] = 0
    if kind == "duplicate samples":
        X = X[rng.integers(max(n_samples // 3, 1), size=n_samples)]
    if kind == "constant feature":
        X[:, 0] = 1
    if rng.random() < 0.5:
        labels = rng.integers(n_outputs, size=n_samples)
        if kind == "equal labels":
            labels[:] = labels[0]
        return X, np.eye(n_outputs)[labels]
    Y = rng.standard_normal((n_samples, n_outputs))
    if kind == "equal labels":
        Y[:] = Y[0]
    return X, Y


def random_layer_problem(rng: np.random.Generator) -> Problem:
    """Return one layer's problem: V_0, a U of any signs as its target, W, and prices.

    ``U[0]`` is the target of the layer with weights ``W[0]``, ``V[1]`` its relaxed activations,
    ``W[1]`` the next layer's weights and ``Y`` the next layer's target.
    """
    kind = str(rng.choice(KINDS))
    n_samples, n_features = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    n_units = 1 if kind == "one unit" else int(rng.integers(1, 5))
    n_outputs = int(rng.integers(1, 4))
    X, Y = random_data(rng, kind, n_samples, n_features, n_outputs)
    margin = float(rng.choice([0.0, 0.1, 0.5]))
    rows = rng.standard_normal((n_units, n_features + 1))
    top = rng.standard_normal((n_outputs, n_units + 1))
    if kind in ("integers", "zeros"):
        rows, top = np.round(rows), np.round(top)
        rows[0] = 0
    U = rng.standard_normal((len(X), n_units))
    U = np.where(U > 0, np.maximum(U, margin), np.minimum(U, -margin))
    V = np.where(U > 0, 1.0, 0.0) + rng.choice([0.0, 0.3]) * rng.standard_normal(U.shape)
    return Problem(
        V=[X, V],
        U=[U],
        W=[rows[:, :-1], top[:, :-1]],
        b=[rows[:, -1], top[:, -1]],
        Y=Y,
        tau=(log_uniform(rng, 0.05, 5.0),),
        pi=(log_uniform(rng, 0.05, 5.0),),
        gamma=(log_uniform(rng, 0.01, 5.0), log_uniform(rng, 0.01, 5.0)),
        lam=(log_uniform(rng, 0.01, 3.0), log_uniform(rng, 0.01, 3.0)),
        margin=margin,
    )


def layer_problems(rng: np.random.Generator, count: int) -> list[Problem]:
    """Return `count` independent problems of `random_layer_problem`."""
    return [random_layer_problem(rng) for _ in range(count)]


def compare(
    function: Callable[[Any, Problem], tuple[float, float]],
) -> Callable[[Any, list[Problem]], Pair]:
    """Turn a comparison on one problem into one on a list of them."""

    def measure(subject: Any, problems: list[Problem]) -> Pair:
        pairs = np.array([function(subject, problem) for problem in problems])
        return pairs[:, 0], pairs[:, 1]

    return measure


def minimise_numerically(
    value: Callable[[FloatArray], float],
    gradient: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> float:
    """Return the least value that a general-purpose optimiser (L-BFGS) finds from `start`."""
    result = minimize(
        lambda flat: value(flat.reshape(start.shape)),
        start.ravel(),
        jac=lambda flat: gradient(flat.reshape(start.shape)).ravel(),
        method="L-BFGS-B",
        options={"maxiter": 20000, "maxfun": 50000, "ftol": 1e-16, "gtol": 1e-11, "maxcor": 40},
    )
    return float(result.fun)


# ----------------------------------------------------------------------------------- W-block: ridge


def ridge_value(V: FloatArray, T: FloatArray, W: FloatArray, tau: float, gamma: float) -> float:
    """Return (tau/2) |T - V W^T|^2 + (gamma/2) |W|^2."""
    return float(tau / 2 * np.sum((T - V @ W.T) ** 2) + gamma / 2 * np.sum(W**2))


def solve_weights(update: Any, problem: Problem, **price: float) -> FloatArray:
    """Return [W b] after `update` of the first layer."""
    V, R = problem.V[0], problem.U[0] - problem.computed(0)
    prices = {"tau": problem.tau[0], "gamma": problem.gamma[0], **price}
    W, b = problem.W[0], problem.b[0]
    return np.column_stack(update(W, b, R.T @ V, R.sum(axis=0), blocks.Gram(V), **prices))


def measure_weights(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the W-block's value with the least value that L-BFGS finds."""
    V, U, tau, gamma = with_ones(problem.V[0]), problem.U[0], problem.tau[0], problem.gamma[0]
    reached = ridge_value(V, U, solve_weights(update, problem), tau, gamma)
    least = minimise_numerically(
        lambda W: ridge_value(V, U, W, tau, gamma),
        lambda W: -tau * (U - V @ W.T).T @ V + gamma * W,
        problem.rows(0),
    )
    return reached, least


def wrong_ridge_without_tau(
    W: FloatArray,
    b: FloatArray,
    C: FloatArray,
    c: FloatArray,
    gram: blocks.Gram,
    *,
    tau: float,
    gamma: float,
) -> Layer:
    """Forget tau in the matrix of the system."""
    rows = gram.join(W, b)
    downhill = tau * gram.join(C, c) - gamma * rows
    return gram.split(rows + gram.solve(downhill, 1.0, gamma), W.dtype)


def wrong_ridge_sign(
    W: FloatArray,
    b: FloatArray,
    C: FloatArray,
    c: FloatArray,
    gram: blocks.Gram,
    *,
    tau: float,
    gamma: float,
) -> Layer:
    """Let the ridge push the weights away from zero."""
    rows = gram.join(W, b)
    downhill = tau * gram.join(C, c) + gamma * rows
    return gram.split(rows + gram.solve(downhill, tau, gamma), W.dtype)


W_BLOCK = Claim(
    id="bcd.w-block",
    statement="The ridge solution W = tau U'V (tau V'V + gamma I)^-1 minimises F over W_i.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    hypotheses="lam = 0, gamma > 0; duplicate samples, constant features, one sample allowed",
    sample=layer_problems,
    measure=compare(measure_weights),
    subject=blocks.ridge_weights,
    planted={"tau forgotten": wrong_ridge_without_tau, "ridge's sign": wrong_ridge_sign},
    tolerance=1e-7,
    cases=150,
)


# ------------------------------------------------------------------------------------ W-block: rows


def least_ridge_value(V: FloatArray, T: FloatArray, tau: float, gamma: float) -> float:
    """Return the minimum of `ridge_value` over W by an orthogonal factorisation (least squares)."""
    stacked = np.vstack([np.sqrt(tau) * V, np.sqrt(gamma) * np.eye(V.shape[1])])
    right = np.vstack([np.sqrt(tau) * T, np.zeros((V.shape[1], T.shape[1]))])
    W = np.linalg.lstsq(stacked, right, rcond=None)[0].T
    return ridge_value(V, T, W, tau, gamma)


def least_value_over_rows(
    V: FloatArray, T: FloatArray, tau: float, gamma: float, lam: float
) -> float:
    """Return the least ridge value plus lam a kept row, trying every set of rows."""
    n_out = T.shape[1]
    best = np.inf
    for kept in itertools.product([False, True], repeat=n_out):
        mask = np.array(kept)
        value = tau / 2 * np.sum(T[:, ~mask] ** 2) + lam * mask.sum()
        if mask.any():
            value += least_ridge_value(V, T[:, mask], tau, gamma)
        best = min(best, float(value))
    return best


def rows_update(keep: Any) -> Any:
    """Return the W-block update with row removal by the rule `keep`."""

    def update(*arrays: Any, lam: float, **price: Any) -> Layer:
        gram = arrays[-1]
        return keep(*blocks.ridge_weights(*arrays, **price), gram, lam=lam, **price)

    return update


def measure_rows(keep: Any, problem: Problem) -> tuple[float, float]:
    """Compare the W-block's value, groups priced, with the best over every set of rows."""
    V, U, tau, gamma = with_ones(problem.V[0]), problem.U[0], problem.tau[0], problem.gamma[0]
    lam = problem.lam[0]
    W = solve_weights(rows_update(keep), problem, lam=lam)
    reached = ridge_value(V, U, W, tau, gamma) + lam * sum(1 for row in W if any(row != 0))
    return reached, least_value_over_rows(V, U, tau, gamma, lam)


def wrong_keep_half(
    W: FloatArray, b: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> Layer:
    """Compare the gain with lam instead of 2 lam."""
    return blocks.keep_rows(W, b, gram, tau=tau, gamma=gamma, lam=lam / 2)


def wrong_keep_by_norm(
    W: FloatArray, b: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> Layer:
    """Judge a row by its norm, as if the Gram matrix were the identity."""
    kept = np.sum(W**2, axis=1) + b**2 > 2 * lam
    return np.where(kept[:, None], W, 0), np.where(kept, b, 0)


W_ROWS = Claim(
    id="bcd.w-rows",
    statement="Keeping row j iff r_j.w_j > 2 lam minimises F over W_i with l2,0 on rows.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    hypotheses="lam > 0, gamma > 0",
    sample=layer_problems,
    measure=compare(measure_rows),
    subject=blocks.keep_rows,
    planted={"lam for 2 lam": wrong_keep_half, "norm for gain": wrong_keep_by_norm},
    tolerance=1e-9,
    cases=300,
)


# --------------------------------------------------------------------------------- W-block: columns


def columns_value(problem: Problem, rows: FloatArray) -> float:
    """Return the W-block's value with its price on columns, that of the bias excepted."""
    V, U = with_ones(problem.V[0]), problem.U[0]
    value = ridge_value(V, U, rows, problem.tau[0], problem.gamma[0])
    return value + problem.lam[0] * sum(1 for column in rows[:, :-1].T if any(column != 0))


def measure_columns(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the value after and before three proximal-linear steps on the columns.

    They start from the sampled weights, or from the ridge solution, where too high a threshold
    shows.
    """
    V, U, rows = with_ones(problem.V[0]), problem.U[0], problem.rows(0)
    tau, gamma, lam = problem.tau[0], problem.gamma[0], problem.lam[0]
    if len(U) % 2:
        rows = np.linalg.solve(tau * V.T @ V + gamma * np.eye(V.shape[1]), tau * V.T @ U).T
    before = columns_value(problem, rows)
    for _ in range(3):
        C = (U - V @ rows.T).T @ V
        layers = (rows[:, :-1], rows[:, -1], C[:, :-1], C[:, -1], blocks.Gram(V[:, :-1]))
        rows = np.column_stack(update(*layers, tau=tau, gamma=gamma, lam=lam))
    return columns_value(problem, rows), before


def wrong_columns_step(W: FloatArray, b: FloatArray, *arrays: Any, **prices: Any) -> Layer:
    """Take three times the step that the largest eigenvalue allows."""
    moved, bias = blocks.proximal_linear_columns(W, b, *arrays, **{**prices, "lam": 0.0})
    return W + 3 * (moved - W), b + 3 * (bias - b)


def wrong_columns_threshold(*arrays: Any, tau: float, gamma: float, lam: float) -> Layer:
    """Threshold at lam instead of at the step length times lam."""
    length = 1 / (tau * arrays[-1].largest_eigenvalue() + gamma)
    return blocks.proximal_linear_columns(*arrays, tau=tau, gamma=gamma, lam=lam / length)


W_COLUMNS = Claim(
    id="bcd.w-columns",
    statement="The proximal-linear step on columns does not raise F.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    hypotheses="step 1/(tau |V'V|_2 + gamma), bias column not priced",
    sample=layer_problems,
    measure=compare(measure_columns),
    subject=blocks.proximal_linear_columns,
    planted={"step too long": wrong_columns_step, "threshold": wrong_columns_threshold},
    tolerance=1e-9,
    cases=300,
)


# ------------------------------------------------------------------------------------------ V-block


def measure_activations(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the V-block's value with the least value that L-BFGS finds."""
    U, W, T = problem.U[0], problem.W[1], problem.Y - problem.b[1]
    S = np.where(U > 0, 1.0, 0.0)
    tau, pi = problem.tau[0], problem.pi[0]
    start = problem.V[1]

    def value(V: FloatArray) -> float:
        return float(tau / 2 * np.sum((T - V @ W.T) ** 2) + pi / 2 * np.sum((V - S) ** 2))

    V = update(start, S, T - start @ W.T, W, tau=tau, pi=pi)
    least = minimise_numerically(value, lambda V: -tau * (T - V @ W.T) @ W + pi * (V - S), start)
    return value(V), least


def wrong_activations(
    V: FloatArray, S: FloatArray, R: FloatArray, W: FloatArray, *, tau: float, pi: float
) -> FloatArray:
    """Swap the two prices."""
    return blocks.ridge_activations(V, S, R, W, tau=pi, pi=tau)


V_BLOCK = Claim(
    id="bcd.v-block",
    statement="V (tau W'W + pi I) = tau U W + pi step(U) minimises F over V_i.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    hypotheses="pi > 0",
    sample=layer_problems,
    measure=compare(measure_activations),
    subject=blocks.ridge_activations,
    planted={"prices swapped": wrong_activations},
    tolerance=1e-7,
    cases=150,
)


# ------------------------------------------------------------------------------------------ U-block


def least_value_over_bits(
    A: FloatArray, V: FloatArray, tau: float, pi: float, margin: float
) -> float:
    """Return the least U-block value, trying both sides of the threshold for every entry.

    On each side the nearest point (for the open side with no margin: its limit, 0) is taken.
    """
    total = 0.0
    for a, v in zip(A.ravel().tolist(), V.ravel().tolist(), strict=True):
        firing = tau / 2 * max(margin - a, 0.0) ** 2 + pi / 2 * (v - 1) ** 2
        silent = tau / 2 * max(a + margin, 0.0) ** 2 + pi / 2 * v**2
        total += min(firing, silent)
    return total


def preactivation_value(problem: Problem, A: FloatArray, U: FloatArray) -> float:
    """Return the U-block's value."""
    V = problem.V[1]
    mismatch = np.sum((V - np.where(U > 0, 1.0, 0.0)) ** 2)
    return float(problem.tau[0] / 2 * np.sum((U - A) ** 2) + problem.pi[0] / 2 * mismatch)


def measure_preactivations(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the U-block's value with the best over both sides of every entry."""
    A, V = problem.computed(0), problem.V[1]
    tau, pi, margin = problem.tau[0], problem.pi[0], problem.margin
    U = update(A, V, tau=tau, pi=pi, margin=margin)
    if np.any(np.abs(U) < margin):
        return np.inf, 0.0
    return preactivation_value(problem, A, U), least_value_over_bits(A, V, tau, pi, margin)


def wrong_preactivations_sign(
    A: FloatArray, V: FloatArray, *, tau: float, pi: float, margin: float
) -> FloatArray:
    """Decide the other way round."""
    return blocks.update_preactivations(A, 1 - V, tau=tau, pi=pi, margin=margin)


def wrong_preactivations_step_at_zero(
    A: FloatArray, V: FloatArray, *, tau: float, pi: float, margin: float
) -> FloatArray:
    """Use u = 0 for a unit that should fire, as if step(0) were 1."""
    U = blocks.update_preactivations(A, V, tau=tau, pi=pi, margin=margin)
    return np.where((margin == 0) & (np.finfo(float).smallest_normal == U), 0.0, U)


U_BLOCK = Claim(
    id="bcd.u-block",
    statement="The better of the nearest points on the two sides of 0 minimises F over U_i.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    hypotheses="both remedies for the open side; pre-activations of exactly 0 among them",
    sample=layer_problems,
    measure=compare(measure_preactivations),
    subject=blocks.update_preactivations,
    planted={
        "decision reversed": wrong_preactivations_sign,
        "step(0) = 1": wrong_preactivations_step_at_zero,
    },
    tolerance=1e-9,
    cases=500,
)


# ------------------------------------------------------------------------------------------ neurons


def best_joint_neuron(
    a: float,
    residual: FloatArray,
    w: FloatArray,
    *,
    kappa: float,
    tau: float,
    pi: float,
    margin: float,
) -> float:
    """Return the least cost of one neuron on one sample over its bit and its activation.

    Parameters
    ----------
    a : float
        The pre-activation.
    residual : ndarray, shape (n_next,)
        The next layer's residual without this neuron.
    w : ndarray, shape (n_next,)
        The outgoing weights.
    kappa, tau, pi, margin : float
        As in the objective; with infinite pi the activation is the bit.
    """
    costs = []
    for bit in (0, 1):
        distance = max(margin - a, 0.0) if bit else max(a + margin, 0.0)
        base = tau / 2 * distance**2
        if np.isinf(pi):
            costs.append(base + kappa / 2 * float(np.sum((residual - bit * w) ** 2)))
            continue

        # A parabola in v: three values of it fix its least value.
        def cost(v: float, bit: int = bit) -> float:
            mismatch = pi / 2 * (v - bit) ** 2
            return kappa / 2 * float(np.sum((residual - v * w) ** 2)) + mismatch

        low, middle, high = cost(-1.0), cost(0.0), cost(1.0)
        curvature = (high + low) / 2 - middle
        slope = (high - low) / 2
        costs.append(base + middle - slope**2 / (4 * curvature))
    return min(costs)


def measure_neurons(sweep: Any, problem: Problem, pi: float) -> tuple[float, float]:
    """Compare a sweep over a layer's neurons with the best choice for each neuron in its turn."""
    A, U, T = problem.computed(0), problem.U[0], problem.Y - problem.b[1]
    top, kappa, tau = problem.W[1], problem.extra.get("kappa", 1.0), problem.tau[0]
    V = np.where(U > 0, 1.0, 0.0) if np.isinf(pi) else problem.V[1].copy()
    R = T - V @ top.T
    # The best cost of the *last* neuron, given those before it as the sweep left them.
    bits, last = U > 0, V.shape[1] - 1
    relaxed = {} if np.isinf(pi) else {"V": V, "pi": pi}
    sweep(bits, A, R, top, kappa=kappa, tau=tau, margin=problem.margin, **relaxed)
    V = bits.astype(float) if np.isinf(pi) else V
    distance = np.where(bits, np.maximum(problem.margin - A, 0), np.maximum(A + problem.margin, 0))
    without = T - V[:, :last] @ top[:, :last].T
    reached = tau / 2 * np.sum(distance[:, last] ** 2)
    reached += kappa / 2 * np.sum((without - np.outer(V[:, last], top[:, last])) ** 2)
    if np.isfinite(pi):
        reached += pi / 2 * np.sum((V[:, last] - bits[:, last]) ** 2)
    best = sum(
        best_joint_neuron(
            float(A[n, last]),
            without[n],
            top[:, last],
            kappa=kappa,
            tau=tau,
            pi=pi,
            margin=problem.margin,
        )
        for n in range(len(A))
    )
    return float(reached), best


def measure_two(sweep: Any, problem: Problem) -> tuple[float, float]:
    """Compare in the two-splitting form."""
    return measure_neurons(sweep, problem, np.inf)


def measure_joint(sweep: Any, problem: Problem) -> tuple[float, float]:
    """Compare in the three-splitting form."""
    return measure_neurons(sweep, problem, problem.pi[0])


def measure_equivalence(sweep: Any, problem: Problem) -> tuple[float, float]:
    """Compare one neuron's joint block with the best two-splitting bits at tau (|w|^2 + pi)/pi.

    The joint block decides the bits of a layer's first neuron. What is compared is their cost in
    the two-splitting form with the least cost of either bit, sample by sample.
    """
    A, pi, tau = problem.computed(0)[:, 0], problem.pi[0], problem.tau[0]
    w, T = problem.W[1][:, :1], problem.Y - problem.b[1]
    bits = problem.U[0][:, :1] > 0
    V = np.where(bits, 1.0, 0.0)
    prices = {"kappa": 1.0, "tau": tau, "margin": problem.margin, "pi": pi}
    sweep(bits, A[:, np.newaxis], T - V @ w.T, w, V=V, **prices)
    other = tau * (float(np.sum(w**2)) + pi) / pi

    def cost(bit: int) -> FloatArray:
        """Return the cost of one bit for each sample."""
        distance = np.maximum(problem.margin + (-A if bit else A), 0)
        missed = np.sum((T - bit * w[:, 0]) ** 2, axis=1)
        return missed / 2 + other / 2 * distance**2

    off, on = cost(0), cost(1)
    return float(np.sum(np.where(bits[:, 0], on, off))), float(np.sum(np.minimum(off, on)))


def wrong_sweep(**change: float) -> Any:
    """Return the sweep with some of its prices multiplied by a wrong factor."""

    def sweep(*arrays: Any, **options: Any) -> int:
        factors = {
            name: options[name] * factor for name, factor in change.items() if name in options
        }
        return sweep_neurons(*arrays, **{**options, **factors})

    return sweep


def wrong_sweep_stale(
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    W: FloatArray,
    V: FloatArray | None = None,
    **options: Any,
) -> int:
    """Decide all neurons from the old residual, so that they all correct the same error."""
    for j in range(A.shape[1]):
        one = slice(j, j + 1)
        relaxed = None if V is None else V[:, one]
        sweep_neurons(bits[:, one], A[:, one], R.copy(), W[:, one], V=relaxed, **options)
    return 0


U_NEURON = Claim(
    id="bcd.u-neuron",
    statement="In the two-splitting form each neuron's bits are the best, all others fixed.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="both remedies; the neurons before it as the sweep left them",
    sample=layer_problems,
    measure=compare(measure_two),
    subject=sweep_neurons,
    planted={"tau doubled": wrong_sweep(tau=2.0), "stale residual": wrong_sweep_stale},
    tolerance=1e-9,
    cases=400,
)


JOINT_BLOCK = Claim(
    id="bcd.joint-block",
    statement="The joint block (V_j, U_j) of one neuron minimises F over both.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="pi > 0, both remedies",
    sample=layer_problems,
    measure=compare(measure_joint),
    subject=sweep_neurons,
    planted={"pi halved": wrong_sweep(pi=0.5), "stale residual": wrong_sweep_stale},
    tolerance=1e-9,
    cases=400,
)


JOINT_IS_TWO = Claim(
    id="bcd.joint-is-two",
    statement="The joint block decides as the two-splitting rule with tau (|w|^2 + pi)/pi.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="kappa = 1; costs are compared, since a tie has two minimisers",
    sample=layer_problems,
    measure=compare(measure_equivalence),
    subject=sweep_neurons,
    planted={"pi squared away": wrong_sweep(pi=0.25)},
    tolerance=1e-9,
    cases=500,
)


@dataclass(frozen=True)
class WideLayer:
    """A layer of more neurons than one group holds.

    Attributes
    ----------
    A, bits, V : ndarray, shape (n_samples, n_units)
        Pre-activations, bits and (relaxed) activations.
    T : ndarray, shape (n_samples, n_next)
        The next layer's target.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights.
    kappa, tau, pi, margin : float
        pi is infinite in the two-splitting form.
    """

    A: FloatArray
    bits: BoolArray
    V: FloatArray
    T: FloatArray
    W: FloatArray
    kappa: float
    tau: float
    pi: float
    margin: float


def wide_layers(rng: np.random.Generator, count: int) -> list[WideLayer]:
    """Return layers of 9 to 40 neurons, in both forms."""
    layers = []
    for _ in range(count):
        n, units, outputs = (
            int(rng.integers(low, high)) for low, high in ((1, 20), (9, 41), (1, 4))
        )
        bits = rng.random((n, units)) < 0.5
        two = rng.random() < 0.5
        V = bits.astype(float) if two else bits + 0.3 * rng.standard_normal(bits.shape)
        layers.append(
            WideLayer(
                A=rng.standard_normal((n, units)),
                bits=bits,
                V=V,
                T=2 * rng.standard_normal((n, outputs)),
                W=rng.standard_normal((outputs, units)) / 2,
                kappa=log_uniform(rng, 0.1, 2.0),
                tau=log_uniform(rng, 0.05, 5.0),
                pi=np.inf if two else log_uniform(rng, 0.05, 5.0),
                margin=float(rng.choice([0.0, 0.1, 0.5])),
            )
        )
    return layers


def one_at_a_time(layer: WideLayer) -> FloatArray:
    """Return the activations after every neuron took the better of its two states in its turn."""
    V, kappa, pi = layer.V.copy(), layer.kappa, layer.pi
    for j, w in enumerate(layer.W.T):
        r0 = layer.T - V @ layer.W.T + np.outer(V[:, j], w)
        states = []
        for bit in (0.0, 1.0):
            a = layer.A[:, j]
            u = np.maximum(a, layer.margin) if bit else np.minimum(a, -layer.margin)
            best = (kappa * (r0 @ w) + pi * bit) / (kappa * (w @ w) + pi) if pi < np.inf else bit
            v = np.full(len(a), best) if np.ndim(best) == 0 else best
            cost = kappa / 2 * np.sum((r0 - np.outer(v, w)) ** 2, axis=1)
            cost += layer.tau / 2 * (u - a) ** 2
            states.append((cost + (pi / 2 * (v - bit) ** 2 if pi < np.inf else 0), v))
        V[:, j] = np.where(states[1][0] < states[0][0], states[1][1], states[0][1])
    return V


def measure_groups(sweep: Any, layers: list[WideLayer]) -> Pair:
    """Compare the activations after a sweep in groups with those after one neuron at a time."""
    measured, expected = [], []
    for layer in layers:
        bits, V, R = layer.bits.copy(), layer.V.copy(), layer.T - layer.V @ layer.W.T
        prices: dict[str, Any] = {
            "kappa": layer.kappa,
            "tau": layer.tau,
            "margin": layer.margin,
        }
        if layer.pi < np.inf:
            prices |= {"pi": layer.pi, "V": V}
        sweep(neuron_groups(len(layer.W.T), len(layer.W)), bits, layer.A, R, layer.W, **prices)
        measured.append((V if layer.pi < np.inf else bits).ravel())
        expected.append(one_at_a_time(layer).ravel())
    return np.concatenate(measured).astype(float), np.concatenate(expected)


def wrong_groups_apart(
    groups: Sequence[slice], bits: BoolArray, *arrays: Any, **prices: Any
) -> int:
    """Let the groups take their turns in the opposite order."""
    return sweep_groups(groups[::-1], bits, *arrays, **prices)


def wrong_groups_at_once(
    groups: Sequence[slice],
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    W: FloatArray,
    V: FloatArray | None = None,
    **prices: float,
) -> int:
    """Let all neurons of a group decide at once, none knowing what the others did."""
    for group in groups:
        before = R.copy()
        for j in range(group.start, group.stop):
            one, alone = slice(j, j + 1), before.copy()
            relaxed = None if V is None else V[:, one]
            sweep_groups(
                [slice(0, 1)], bits[:, one], A[:, one], alone, W[:, one], V=relaxed, **prices
            )
            R += alone - before
    return 0


U_NEURON_GROUPED = Claim(
    id="bcd.u-neuron-grouped",
    statement="Neurons that are decided in groups decide as one at a time.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="two splitting and joint blocks, 9 to 40 neurons, both remedies",
    sample=wide_layers,
    measure=measure_groups,
    subject=sweep_groups,
    planted={"all at once": wrong_groups_at_once, "groups reversed": wrong_groups_apart},
    tolerance=1e-9,
    cases=100,
)


CLAIMS = (
    W_BLOCK,
    W_ROWS,
    W_COLUMNS,
    V_BLOCK,
    U_BLOCK,
    U_NEURON,
    JOINT_BLOCK,
    JOINT_IS_TWO,
    U_NEURON_GROUPED,
)
