"""Claims: each closed-form block update is the minimiser of the objective over its block."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.neurons import sweep_neurons
from zeroone.claims import bcd_oracles as oracle
from zeroone.claims.bcd_instances import layer_problems
from zeroone.claims.claim import Claim, Kind
from zeroone.validation import BoolArray, FloatArray

Pair = tuple[FloatArray, FloatArray]
SOURCE = "Zhang, Zhou, Li, Xiu, arXiv:2206.09379; theory, B1"


def compare(
    function: Callable[[Any, oracle.Problem], tuple[float, float]],
) -> Callable[[Any, list[oracle.Problem]], Pair]:
    """Turn a comparison on one problem into one on a list of them."""

    def measure(subject: Any, problems: list[oracle.Problem]) -> Pair:
        pairs = np.array([function(subject, problem) for problem in problems])
        return pairs[:, 0], pairs[:, 1]

    return measure


# ------------------------------------------------------------------------------------- weights


def solve_weights(update: Any, problem: oracle.Problem, **price: float) -> FloatArray:
    """Return what `update` makes of the first layer's weights."""
    V, W, U = problem.V[0], problem.W[0], problem.U[0]
    tau, gamma = problem.tau[0], problem.gamma[0]
    return update(W, (U - V @ W.T).T @ V, blocks.Gram(V), tau=tau, gamma=gamma, **price)


def measure_weights(update: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare the W-block's value with the least value that L-BFGS finds."""
    V, U, tau, gamma = problem.V[0], problem.U[0], problem.tau[0], problem.gamma[0]
    reached = oracle.ridge_value(V, U, solve_weights(update, problem), tau, gamma)
    least = oracle.minimise_numerically(
        lambda W: oracle.ridge_value(V, U, W, tau, gamma),
        lambda W: -tau * (U - V @ W.T).T @ V + gamma * W,
        problem.W[0],
    )
    return reached, least


def wrong_ridge_without_tau(
    W: FloatArray, C: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float
) -> FloatArray:
    """Forget tau in the matrix of the system."""
    return W + gram.solve(tau * C - gamma * W, 1.0, gamma)


def wrong_ridge_sign(
    W: FloatArray, C: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float
) -> FloatArray:
    """Let the ridge push the weights away from zero."""
    return W + gram.solve(tau * C + gamma * W, tau, gamma)


def rows_update(keep: Any) -> Any:
    """Return the W-block update with row removal by the rule `keep`."""

    def update(W: FloatArray, C: FloatArray, gram: blocks.Gram, **price: float) -> FloatArray:
        lam = price.pop("lam")
        solution = blocks.ridge_weights(W, C, gram, **price)
        return keep(solution, gram, lam=lam, **price)

    return update


def measure_rows(keep: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare the W-block's value, groups priced, with the best over every set of rows."""
    V, U, tau, gamma = problem.V[0], problem.U[0], problem.tau[0], problem.gamma[0]
    lam = problem.lam[0]
    W = solve_weights(rows_update(keep), problem, lam=lam)
    reached = oracle.ridge_value(V, U, W, tau, gamma) + lam * sum(1 for row in W if any(row != 0))
    return reached, oracle.least_value_over_rows(V, U, tau, gamma, lam)


def wrong_keep_half(
    W: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> FloatArray:
    """Compare the gain with lam instead of 2 lam."""
    return blocks.keep_rows(W, gram, tau=tau, gamma=gamma, lam=lam / 2)


def wrong_keep_by_norm(
    W: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> FloatArray:
    """Judge a row by its norm, as if the Gram matrix were the identity."""
    return np.where((np.sum(W**2, axis=1) > 2 * lam)[:, None], W, 0)


def columns_value(problem: oracle.Problem, W: FloatArray) -> float:
    """Return the W-block's value with its price on columns, the bias column excepted."""
    value = oracle.ridge_value(problem.V[0], problem.U[0], W, problem.tau[0], problem.gamma[0])
    return value + problem.lam[0] * sum(1 for column in W[:, :-1].T if any(column != 0))


def measure_columns(update: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare the value after and before three proximal-linear steps on the columns.

    They start from the sampled weights, or from the ridge solution, where too high a threshold
    shows.
    """
    V, U, W = problem.V[0], problem.U[0], problem.W[0]
    if len(U) % 2:
        W = np.linalg.solve(
            problem.tau[0] * V.T @ V + problem.gamma[0] * np.eye(V.shape[1]),
            problem.tau[0] * V.T @ U,
        ).T
    before = columns_value(problem, W)
    for _ in range(3):
        W = update(
            W,
            (U - V @ W.T).T @ V,
            blocks.Gram(V),
            tau=problem.tau[0],
            gamma=problem.gamma[0],
            lam=problem.lam[0],
        )
    return columns_value(problem, W), before


def wrong_columns_step(
    W: FloatArray, C: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> FloatArray:
    """Take three times the step that the largest eigenvalue allows."""
    step = blocks.proximal_linear_columns(W, C, gram, tau=tau, gamma=gamma, lam=0.0) - W
    return W + 3 * step


def wrong_columns_threshold(
    W: FloatArray, C: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> FloatArray:
    """Threshold at lam instead of at the step length times lam."""
    length = 1 / (tau * gram.largest_eigenvalue() + gamma)
    return blocks.proximal_linear_columns(W, C, gram, tau=tau, gamma=gamma, lam=lam / length)


# --------------------------------------------------------------------------------- activations


def measure_activations(update: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare the V-block's value with the least value that L-BFGS finds."""
    U, W, T = problem.U[0], problem.W[1], problem.Y - problem.W[1][:, -1]
    W = W[:, :-1]
    S = np.where(U > 0, 1.0, 0.0)
    tau, pi = problem.tau[0], problem.pi[0]
    start = problem.V[1][:, :-1]

    def value(V: FloatArray) -> float:
        return float(tau / 2 * np.sum((T - V @ W.T) ** 2) + pi / 2 * np.sum((V - S) ** 2))

    V = update(start, S, T - start @ W.T, W, tau=tau, pi=pi)
    least = oracle.minimise_numerically(
        value, lambda V: -tau * (T - V @ W.T) @ W + pi * (V - S), start
    )
    return value(V), least


def wrong_activations(
    V: FloatArray, S: FloatArray, R: FloatArray, W: FloatArray, *, tau: float, pi: float
) -> FloatArray:
    """Swap the two prices."""
    return blocks.ridge_activations(V, S, R, W, tau=pi, pi=tau)


# ----------------------------------------------------------------------------- pre-activations


def preactivation_value(problem: oracle.Problem, A: FloatArray, U: FloatArray) -> float:
    """Return the U-block's value."""
    V = problem.V[1][:, :-1]
    mismatch = np.sum((V - np.where(U > 0, 1.0, 0.0)) ** 2)
    return float(problem.tau[0] / 2 * np.sum((U - A) ** 2) + problem.pi[0] / 2 * mismatch)


def measure_preactivations(update: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare the U-block's value with the best over both sides of every entry."""
    A, V = problem.V[0] @ problem.W[0].T, problem.V[1][:, :-1]
    tau, pi, margin = problem.tau[0], problem.pi[0], problem.margin
    U = update(A, V, tau=tau, pi=pi, margin=margin)
    if np.any(np.abs(U) < margin):
        return np.inf, 0.0
    return preactivation_value(problem, A, U), oracle.least_value_over_bits(A, V, tau, pi, margin)


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


# ------------------------------------------------------------------------------------- neurons


def measure_neurons(sweep: Any, problem: oracle.Problem, pi: float) -> tuple[float, float]:
    """Compare a sweep over a layer's neurons with the best choice for each neuron in its turn."""
    A, U = problem.V[0] @ problem.W[0].T, problem.U[0]
    top, kappa, tau = problem.W[1][:, :-1], problem.extra.get("kappa", 1.0), problem.tau[0]
    V = np.where(U > 0, 1.0, 0.0) if np.isinf(pi) else problem.V[1][:, :-1].copy()
    R = problem.Y - problem.W[1][:, -1] - V @ top.T
    # The best cost of the *last* neuron, given those before it as the sweep left them.
    bits, last = U > 0, V.shape[1] - 1
    relaxed = {} if np.isinf(pi) else {"V": V, "pi": pi}
    sweep(bits, A, R, top, kappa=kappa, tau=tau, margin=problem.margin, **relaxed)
    V = bits.astype(float) if np.isinf(pi) else V
    distance = np.where(bits, np.maximum(problem.margin - A, 0), np.maximum(A + problem.margin, 0))
    without = problem.Y - problem.W[1][:, -1] - V[:, :last] @ top[:, :last].T
    reached = tau / 2 * np.sum(distance[:, last] ** 2)
    reached += kappa / 2 * np.sum((without - np.outer(V[:, last], top[:, last])) ** 2)
    if np.isfinite(pi):
        reached += pi / 2 * np.sum((V[:, last] - bits[:, last]) ** 2)
    best = sum(
        oracle.best_joint_neuron(
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


def measure_two(sweep: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare in the two-splitting form."""
    return measure_neurons(sweep, problem, np.inf)


def measure_joint(sweep: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare in the three-splitting form."""
    return measure_neurons(sweep, problem, problem.pi[0])


def measure_equivalence(sweep: Any, problem: oracle.Problem) -> tuple[float, float]:
    """Compare one neuron's joint block with the two-splitting rule at tau (|w|^2 + pi)/pi.

    Both decide the bits of a layer's first neuron; what is compared is the joint cost of the two
    choices of bits, which a tie leaves equal.
    """
    A, pi, tau = (problem.V[0] @ problem.W[0].T)[:, :1], problem.pi[0], problem.tau[0]
    w = problem.W[1][:, :1]
    V = np.where(problem.U[0][:, :1] > 0, 1.0, 0.0)
    R = problem.Y - problem.W[1][:, -1] - V @ w.T
    other = tau * (float(np.sum(w**2)) + pi) / pi

    def bits_by(tau: float, **relaxed: Any) -> FloatArray:
        bits = problem.U[0][:, :1] > 0
        sweep(bits, A, R.copy(), w, kappa=1.0, tau=tau, margin=problem.margin, **relaxed)
        return bits.astype(float)

    without = R + V @ w.T

    def cost(bits: FloatArray) -> float:
        distance = np.where(
            bits, np.maximum(problem.margin - A, 0), np.maximum(A + problem.margin, 0)
        )
        return float(np.sum((without - bits * w.T) ** 2) / 2 + other / 2 * np.sum(distance**2))

    return cost(bits_by(tau, V=V.copy(), pi=pi)), cost(bits_by(other))


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


CLAIMS = (
    Claim(
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
    ),
    Claim(
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
    ),
    Claim(
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
    ),
    Claim(
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
    ),
    Claim(
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
    ),
    Claim(
        id="bcd.u-neuron",
        statement="In the two-splitting form each neuron's bits are the best, all others fixed.",
        source="theory, B2",
        kind=Kind.EQUALITY,
        hypotheses="both remedies; the neurons before it as the sweep left them",
        sample=layer_problems,
        measure=compare(measure_two),
        subject=sweep_neurons,
        planted={"tau doubled": wrong_sweep(tau=2.0), "stale residual": wrong_sweep_stale},
        tolerance=1e-9,
        cases=400,
    ),
    Claim(
        id="bcd.joint-block",
        statement="The joint block (V_j, U_j) of one neuron minimises F over both.",
        source="theory, B2",
        kind=Kind.EQUALITY,
        hypotheses="pi > 0, both remedies",
        sample=layer_problems,
        measure=compare(measure_joint),
        subject=sweep_neurons,
        planted={"pi halved": wrong_sweep(pi=0.5), "stale residual": wrong_sweep_stale},
        tolerance=1e-9,
        cases=400,
    ),
    Claim(
        id="bcd.joint-is-two",
        statement="The joint block decides as the two-splitting rule with tau (|w|^2 + pi)/pi.",
        source="theory, B2",
        kind=Kind.EQUALITY,
        hypotheses="kappa = 1; costs are compared, since a tie has two minimisers",
        sample=layer_problems,
        measure=compare(measure_equivalence),
        subject=sweep_neurons,
        planted={"pi squared away": wrong_sweep(pi=0.25)},
        tolerance=1e-9,
        cases=500,
    ),
)
