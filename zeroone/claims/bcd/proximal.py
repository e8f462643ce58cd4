"""Claims: the proximal steps of weights: single samples' metric, columns, sample weights."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.proximal import (
    covariance_metric,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.claims.bcd.blocks import SOURCE as BCD
from zeroone.claims.bcd.blocks import Layer, Problem, layer_problems, log_uniform, with_ones
from zeroone.claims.claim import Claim, Kind, each
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]
SOURCE = "docs/theory.md#b2"

# ---------------------------------------------------------------------------- the covariance metric


@dataclass(frozen=True)
class Moved:
    """A layer's problem with the price of moving, and delta."""

    problem: Problem
    rho: float
    delta: float


def draw_moved(rng: np.random.Generator, count: int) -> list[Moved]:
    """Draw layer problems with prices of moving from 0.01 to 100."""
    return [
        Moved(problem, log_uniform(rng, 1e-2, 1e2), log_uniform(rng, 0.1, 10.0))
        for problem in layer_problems(rng, count)
    ]


def measure_metric(functions: tuple[Any, Any], at: Moved) -> Pairs:
    """Compare M with its definition, and the step in it with the sum of the samples' minimisers."""
    metric_of, step = functions
    problem = at.problem
    V, rows = with_ones(problem.V[0]), problem.rows(0)
    G: FloatArray = np.einsum("ni,nj->ij", V, V)
    G = G * len(G) / max(sum(G[i, i] for i in range(len(G))), 1e-300)
    M = (G + at.delta * np.eye(len(G))) / (1 + at.delta)
    found = metric_of(problem.V[0], at.delta)
    pairs = list(zip(found.ravel().tolist(), M.ravel().tolist(), strict=True))
    D = problem.U[0] - V @ rows.T
    duals = np.linalg.solve(M, V.T).T
    lengths = [float(v @ dual) for v, dual in zip(V, duals, strict=True)]
    price = at.rho * sum(lengths) / len(lengths)
    moved = rows + sum(
        np.outer(d, dual) / (length + price)
        for d, dual, length in zip(D, duals, lengths, strict=True)
    )
    W, b = step(problem.W[0], problem.b[0], D, problem.V[0], rho=at.rho, metric=M)
    return pairs + list(
        zip(np.column_stack([W, b]).ravel().tolist(), moved.ravel().tolist(), strict=True)
    )


STEP = proximal_weights_by_sample

METRIC = Claim(
    id="bcd.covariance-metric",
    statement="M = (G + delta I)/(1 + delta), G the Gram matrix of [V 1] with mean eigenvalue 1, "
    "and the step is sum_n d_n (M^-1 v_n)'/(v_n' M^-1 v_n + rho mean).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_moved,
    measure=each(measure_metric),
    subject=(covariance_metric, STEP),
    planted={
        "delta doubled": (lambda V, delta: covariance_metric(V, 2 * delta), STEP),
        "the trace for the mean": (
            lambda V, delta: covariance_metric(V, delta) / (V.shape[1] + 1),
            STEP,
        ),
        "the identity's step": (
            covariance_metric,
            lambda *at, metric, rho: STEP(*at, rho=rho),
        ),
        "half the price": (
            covariance_metric,
            lambda *at, metric, rho: STEP(*at, rho=rho / 2, metric=metric),
        ),
    },
    tolerance=1e-8,
    hypotheses="rho from 0.01 to 100, delta from 0.1 to 10",
    cases=150,
)

# ------------------------------------------------------------------------------ the step on columns


def draw_column_steps(rng: np.random.Generator, count: int) -> list[Problem]:
    """Draw layer problems, some with weights that are all 0, near the ridge solution, or free.

    Near the ridge solution F falls by little beside the price of the columns. One unit there is
    silent, so that no column is without a 0.
    """
    problems = layer_problems(rng, count)
    for case, at in enumerate(problems):
        W, b, U, price = at.W[0], at.b[0], at.U[0], at.lam[0]
        if case % 4 == 1:
            W, b = 0 * W, 0 * b
        elif case % 4 == 2:
            V = with_ones(at.V[0])
            U = U * (np.arange(U.shape[1]) > 0)
            H = at.tau[0] * V.T @ V + at.gamma[0] * np.eye(V.shape[1])
            rows = 1.1 * np.linalg.solve(H, at.tau[0] * V.T @ U).T
            W, b, price = rows[:, :-1], rows[:, -1], price / 10
        elif case % 4 == 3:
            price = 0.0
        problems[case] = replace(
            at, W=[W, *at.W[1:]], b=[b, *at.b[1:]], U=[U], lam=(price, *at.lam[1:])
        )
    return problems


def measure_column_step(update: Any, problem: Problem) -> Pairs:
    """Compare the majorant at the step with its least value over every set of columns.

    The majorant is F's value and slope at W plus |step|^2/(2 length), length = 1/(tau |V'V|_2 +
    gamma), plus the price of columns. A step that would raise F is not taken. By how much the step
    of the biases, which have no price, is longer than this length is compared with 0.
    """
    V, U, rows = with_ones(problem.V[0]), problem.U[0], problem.rows(0)
    tau, gamma, lam = problem.tau[0], problem.gamma[0], problem.lam[0]
    residual = U - V @ rows.T
    downhill = tau * residual.T @ V - gamma * rows
    steepest = tau * np.linalg.norm(V, 2) ** 2 + gamma
    layers = (rows[:, :-1], rows[:, -1], residual.T @ V[:, :-1], residual.sum(axis=0))
    W, b = update(*layers, blocks.Gram(V[:, :-1]), tau=tau, gamma=gamma, lam=lam)
    found = np.column_stack([W, b])

    def majorant(end: FloatArray) -> float:
        step = end - rows
        priced = lam * np.count_nonzero(end[:, :-1].any(axis=0))
        return float(-np.sum(downhill * step) + steepest / 2 * np.sum(step**2) + priced)

    free = rows + downhill / steepest
    least = 0.0
    # F separates over columns in the majorant: each is kept or dropped.
    for column in range(free.shape[1]):
        candidates = [free[:, column]]
        if column < free.shape[1] - 1:
            candidates.append(np.zeros(len(free)))
        costs = []
        for end in candidates:
            step = end - rows[:, column]
            price = lam * bool(np.any(end)) if column < free.shape[1] - 1 else 0.0
            costs.append(-downhill[:, column] @ step + steepest / 2 * step @ step + price)
        least += min(float(cost) for cost in costs)
    size = 1 + abs(majorant(rows))
    longer = float(np.linalg.norm(b - rows[:, -1]) - np.linalg.norm(downhill[:, -1]) / steepest)
    longer /= 1 + float(np.linalg.norm(rows[:, -1]))
    return [
        (1 + majorant(found) / size, 1 + least / size),
        (1 + 1e5 * max(longer, 0.0), 1.0),  # the tolerance is 1e-10 of a length
    ]


def shorter(*at: Any, tau: float, gamma: float, lam: float) -> Layer:
    """Step half as far."""
    W, b, *rest = at
    moved, bias = blocks.proximal_linear_columns(W, b, *rest, tau=tau, gamma=gamma, lam=0.0)
    return (W + moved) / 2, (b + bias) / 2


def farther(W: FloatArray, b: FloatArray, *at: Any, **prices: Any) -> Layer:
    """Step farther than the largest eigenvalue allows, by a little more than is made up for."""
    moved, bias = blocks.proximal_linear_columns(W, b, *at, **prices)
    return moved, b + (1 + 3e-6) * (bias - b)


COLUMNS = Claim(
    id="bcd.w-columns-step",
    statement="The step on columns minimises the quadratic of curvature tau |V'V|_2 + gamma that "
    "touches F at W, with the price of columns.",
    source=BCD,
    kind=Kind.EQUALITY,
    sample=draw_column_steps,
    measure=each(measure_column_step),
    subject=blocks.proximal_linear_columns,
    planted={
        "half as far": shorter,
        "lam not times the length": lambda *at, lam, **prices: blocks.proximal_linear_columns(
            *at, lam=20 * lam, **prices
        ),
        "nothing moves": lambda W, b, *rest, **prices: (W, b),
        "a millionth too far": farther,
    },
    tolerance=1e-5,
    hypotheses="lam >= 0, gamma > 0; weights that are all 0, or near the ridge solution, among "
    "others",
    cases=160,
)

# ----------------------------------------------------------------------------------- sample weights


@dataclass(frozen=True)
class Weighted:
    """A layer's problem, how often each sample counts, and the price of moving."""

    problem: Problem
    times: FloatArray
    rho: float


def draw_weighted(rng: np.random.Generator, count: int) -> list[Weighted]:
    """Draw layer problems with samples that count once to four times."""
    return [
        Weighted(
            problem,
            rng.integers(1, 5, len(problem.U[0])).astype(float),
            log_uniform(rng, 1e-2, 1e2),
        )
        for problem in layer_problems(rng, count)
    ]


def measure_weighted(functions: tuple[Any, Any], at: Weighted) -> Pairs:
    """Compare both proximal steps with weights with those on repeated samples, by least squares."""
    batch, single = functions
    problem, times = at.problem, at.times.astype(int)
    V, rows = with_ones(problem.V[0]), problem.rows(0)
    D = problem.U[0] - V @ rows.T
    many, far = np.repeat(V, times, axis=0), np.repeat(D, times, axis=0)
    squares = [float(v @ v) for v in many]
    price = at.rho * sum(squares) / len(squares)
    H = np.einsum("ni,nj->ij", many, many) + price * np.eye(V.shape[1])
    together = rows + np.linalg.lstsq(H, many.T @ far, rcond=None)[0].T
    apart = rows + sum(
        np.outer(d, v) / (square + price) for d, v, square in zip(far, many, squares, strict=True)
    )
    arguments = (problem.W[0], problem.b[0], D, problem.V[0])
    options: dict[str, Any] = {"rho": at.rho, "sample_weight": at.times}
    pairs: Pairs = []
    for function, expected in ((batch, together), (single, apart)):
        found = np.column_stack(function(*arguments, **options))
        pairs += list(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))
    return pairs


BOTH = (proximal_weights, proximal_weights_by_sample)


def unweighted(step: Any) -> Any:
    """Return a step that ignores the weights."""
    return lambda *at, sample_weight, **rest: step(*at, **rest)


WEIGHTS = Claim(
    id="bcd.sample-weights",
    statement="A sample of weight m counts as m samples in the proximal steps of W.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_weighted,
    measure=each(measure_weighted),
    subject=BOTH,
    planted={
        "ignored in the batch's step": (unweighted(BOTH[0]), BOTH[1]),
        "ignored in single steps": (BOTH[0], unweighted(BOTH[1])),
        "squared": (
            lambda *at, sample_weight, **rest: BOTH[0](*at, sample_weight=sample_weight**2, **rest),
            BOTH[1],
        ),
    },
    tolerance=1e-7,
    hypotheses="weights from 1 to 4, rho from 0.01 to 100",
    cases=100,
)

CLAIMS = (METRIC, COLUMNS, WEIGHTS)
