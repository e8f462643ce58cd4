"""Claims: how the output layer is fitted: by running averages, and to all data with slack.

Then the network after a removal, the metric of single samples' steps, and the step on columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.proximal import (
    covariance_metric,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.bcd.regression import RunningRegression, fit_output, output_loss, remove
from zeroone.claims.bcd.blocks import SOURCE as BCD
from zeroone.claims.bcd.blocks import Layer, Problem, layer_problems, log_uniform, with_ones
from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]
SOURCE = "docs/theory.md#b2"
Batch = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class Bits:
    """Batches of hidden bits with labels -1 and +1 and whole sample weights, and a ridge.

    Parameters
    ----------
    batches : list of (V, Y, weights)
        Of shapes (n, n_units), (n, n_classes) and (n,); the weights are 1, 2 or 3.
    W, b : ndarray, shape (n_classes, n_units) and (n_classes,)
        Where a fit starts.
    gamma, forgetting : float
    batch_size : int
    """

    batches: list[Batch]
    W: FloatArray
    b: FloatArray
    gamma: float
    forgetting: float
    batch_size: int

    @property
    def samples(self) -> list[tuple[list[float], list[float]]]:
        """All samples as rows (v, 1) and labels, each as often as it counts."""
        return [
            ([*v, 1.0], y)
            for V, Y, weights in self.batches
            for v, y, times in zip(V.tolist(), Y.tolist(), weights.tolist(), strict=True)
            for _ in range(int(times))
        ]


def draw_bits(rng: np.random.Generator, count: int) -> list[Bits]:
    """Draw one to four batches of up to six samples; of every other one, all weights are 1."""
    drawn = []
    for index in range(count):
        units, classes = int(rng.integers(1, 5)), int(rng.integers(2, 4))
        batches = []
        for _ in range(int(rng.integers(1, 5))):
            n = int(rng.integers(1, 7))
            V = rng.integers(0, 2, (n, units)).astype(float)
            Y = np.where(np.eye(classes)[rng.integers(0, classes, n)] > 0, 1.0, -1.0)
            weights = rng.integers(1, 4, n).astype(float) if index % 2 else np.ones(n)
            batches.append((V, Y, weights))
        W, b = rng.standard_normal((classes, units)), rng.standard_normal(classes)
        gamma, forgetting = log_uniform(rng, 1e-2, 1.0), float(rng.choice([0.1, 0.5, 1.0]))
        drawn.append(Bits(batches, W, b, gamma, forgetting, int(rng.integers(2, 6))))
    return drawn


# -------------------------------------------------------------------------------- running averages


def measure_running(make: Any, at: Bits) -> Pairs:
    """Compare the layer of the running averages with averages by hand and least squares."""
    (_, units), (_, classes) = at.batches[0][0].shape, at.batches[0][1].shape
    running = make(
        units,
        classes,
        gamma=at.gamma,
        forgetting=at.forgetting,
        batch_size=at.batch_size,
        dtype=np.dtype(float),
    )
    G, C, seen = np.zeros((units + 1, units + 1)), np.zeros((units + 1, classes)), 0.0
    for V, Y, weights in at.batches:
        running.update(V, Y, weights)
        n = sum(weights.tolist())
        seen += n
        rate = max(1 - (1 - at.forgetting) ** (n / at.batch_size), n / seen)
        G, C = (1 - rate) * G, (1 - rate) * C
        for v, y, times in zip(with_ones(V), Y, weights, strict=True):
            G += rate / n * times * np.outer(v, v)
            C += rate / n * times * np.outer(v, y)
    rows = np.linalg.lstsq(G + at.gamma * np.eye(units + 1), C, rcond=None)[0].T
    W, b = running.layer()
    again = running.regression()
    pairs: Pairs = []
    for one in (np.column_stack([W, b]), np.column_stack([again.W, again.b])):
        pairs += list(zip(one.ravel().tolist(), rows.ravel().tolist(), strict=True))
    kept = np.append(np.arange(units) % 2 == 0, True)  # a removal drops units from the averages
    running.keep(kept[:-1])
    few = np.linalg.lstsq(
        G[np.ix_(kept, kept)] + at.gamma * np.eye(int(kept.sum())), C[kept], rcond=None
    )[0].T
    left = np.column_stack(running.layer())
    return pairs + list(zip(left.ravel().tolist(), few.ravel().tolist(), strict=True))


class Forgetful(RunningRegression):
    """Averages that forget from the first batch on."""

    def update(self, V: FloatArray, T: FloatArray, sample_weight: FloatArray | None = None) -> None:
        """Take a batch in as if many had come before."""
        self.seen += 1e9
        super().update(V, T, sample_weight)


class Even(RunningRegression):
    """Averages that take every batch for one of the ordinary size."""

    def update(self, V: FloatArray, T: FloatArray, sample_weight: FloatArray | None = None) -> None:
        """Take a batch in at the ordinary rate."""
        self.batch_size = len(V)
        super().update(V, T, sample_weight)


class Unweighted(RunningRegression):
    """Averages in which every sample counts once."""

    def update(self, V: FloatArray, T: FloatArray, sample_weight: FloatArray | None = None) -> None:
        """Take a batch in without its weights."""
        super().update(V, T, None)


RUNNING = Claim(
    id="bcd.running-regression",
    statement="G <- (1 - r) G + (r/n) V'V, C <- (1 - r) C + (r/n) V'T with r = 1 - (1 - f)^(n/"
    "size), at first the plain mean; [W b] = C' (G + gamma I)^-1.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_bits,
    measure=each(measure_running),
    subject=RunningRegression,
    planted={
        "no plain mean at first": Forgetful,
        "batches of any size alike": Even,
        "weights ignored": Unweighted,
    },
    tolerance=1e-8,
    hypotheses="one to four batches of 1 to 6 samples with weights 1, 2 and 3",
    cases=100,
)

# ------------------------------------------------------------------------------ a fit on all data


def blocks_of(at: Bits) -> Any:
    """Return what gives the batches again and again."""

    def batches() -> Iterator[Batch]:
        return iter(at.batches)

    return batches


def slack_targets(scores: list[float], y: list[float]) -> list[float]:
    """Return y max(y f, 1), output by output."""
    return [label * max(label * score, 1.0) for label, score in zip(y, scores, strict=True)]


def fit_by_hand(at: Bits, targets: str) -> FloatArray:
    """Return [W b] after the alternations, sample by sample."""
    samples = at.samples
    rows = np.column_stack([at.W, at.b])
    H = sum(np.outer(v, v) for v, _ in samples) + at.gamma * len(samples) * np.eye(rows.shape[1])
    for _ in range(15 if targets == "slack" else 1):
        C = np.zeros_like(rows)
        for v, y in samples:
            scores = (rows @ v).tolist()
            C += np.outer(slack_targets(scores, y) if targets == "slack" else y, v)
        fitted = np.linalg.lstsq(H, C.T, rcond=None)[0].T
        rows = rows + (1.8 if targets == "slack" else 1.0) * (fitted - rows)
    return rows


def measure_fit(functions: tuple[Any, Any], at: Bits) -> Pairs:
    """Compare the fit with the alternations by hand, and the loss with the mean squared hinge."""
    fit, loss = functions
    pairs: Pairs = []
    for targets in ("slack", "fixed"):
        W, b = fit(blocks_of(at), at.W, at.b, gamma=at.gamma, targets=targets)
        expected = fit_by_hand(at, targets)
        found = np.column_stack([W, b])
        pairs += list(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))
        total = 0.0
        for v, y in at.samples:
            scores = (np.column_stack([at.W, at.b]) @ v).tolist()
            goal = slack_targets(scores, y) if targets == "slack" else y
            total += sum((t - f) ** 2 for t, f in zip(goal, scores, strict=True)) / 2
        mean = total / len(at.samples)
        pairs.append((1 + loss(blocks_of(at), at.W, at.b, targets=targets), 1 + mean))
    return pairs


RIGHT = (fit_output, output_loss)

OUTPUT = Claim(
    id="bcd.output-fit",
    statement="The output layer is fitted by 15 alternations of slack targets and ridge, over-"
    "relaxed by 1.8 (one plain ridge for fixed targets); its loss is the mean squared hinge.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_bits,
    measure=each(measure_fit),
    subject=RIGHT,
    planted={
        "a ridge ten times that": (
            lambda *at, gamma, **rest: fit_output(*at, gamma=10 * gamma, **rest),
            output_loss,
        ),
        "targets never free": (
            lambda *at, targets, **rest: fit_output(*at, targets="fixed", **rest),
            output_loss,
        ),
        "one alternation less": (
            lambda *at, **rest: fit_output(*at, iterations=14, **rest),
            RIGHT[1],
        ),
        "the sum for the mean": (
            fit_output,
            lambda batches, *at, **rest: (
                sum(len(V) for V, *_ in batches()) * output_loss(batches, *at, **rest)
            ),
        ),
    },
    tolerance=1e-7,
    hypotheses="hidden bits; samples with weights 1, 2 and 3",
    cases=60,
)

# ---------------------------------------------------------------------- the network after a removal


@dataclass(frozen=True)
class Pruned:
    """A net with two hidden layers, samples, and which layer loses how many units."""

    network: ZeroOneMLP
    X: FloatArray
    labels: Any
    layer: int
    keep: int
    score: str


def draw_pruned(rng: np.random.Generator, count: int) -> list[Pruned]:
    """Draw small nets of step units."""
    drawn = []
    for index in range(count):
        sizes = [3, int(rng.integers(3, 6)), int(rng.integers(3, 5)), 3]
        weights = [rng.standard_normal((b, a)) for a, b in pairwise(sizes)]
        network = ZeroOneMLP(weights, [0.3 * rng.standard_normal(n) for n in sizes[1:]])
        X = rng.standard_normal((40, 3))
        labels = rng.integers(0, 3, 40)
        drawn.append(Pruned(network, X, labels, index % 2, 2, ("joint", "row")[index // 2 % 2]))
    return drawn


def hidden_values(
    at: Pruned, layers: list[tuple[FloatArray, FloatArray]], count: int
) -> FloatArray:
    """Return the activations of the `count`-th hidden layer."""
    V = at.X
    for W, b in layers[:count]:
        V = np.where(V @ W.T + b > 0, 1.0, 0.0)
    return V


def ridge_by_hand(V: FloatArray, T: FloatArray, gamma: float) -> tuple[FloatArray, FloatArray]:
    """Return W and b of the ridge regression with gamma for each sample."""
    rows = with_ones(V)
    stacked = np.vstack([rows, np.sqrt(gamma * len(V)) * np.eye(rows.shape[1])])
    right = np.vstack([T, np.zeros((rows.shape[1], T.shape[1]))])
    solution = np.linalg.lstsq(stacked, right, rcond=None)[0].T
    return solution[:, :-1], solution[:, -1]


def measure_pruned(removal: Any, at: Pruned) -> Pairs:
    """Compare scores after the removal with those of a net that is put together by hand.

    Which units are kept is read off the rows of the smaller net; that they are the right ones is
    another claim.
    """
    layers = list(zip(at.network.weights, at.network.biases, strict=True))
    (small,) = removal(
        at.network, at.X, at.labels, [at.keep], layer=at.layer, score=at.score, gamma=1e-2
    )
    rows = [np.flatnonzero((layers[at.layer][0] == w).all(axis=1)) for w in small.weights[at.layer]]
    kept = [int(row[0]) for row in rows if len(row)]
    if len(kept) != at.keep:
        return [(np.nan, 1.0)]
    top = at.layer == 1
    V = hidden_values(at, layers, at.layer + 1)
    scores = V @ layers[at.layer + 1][0].T + layers[at.layer + 1][1]
    signed = np.where(np.eye(3)[at.labels] > 0, 1.0, -1.0)
    T = signed * np.maximum(signed * scores, 1) if top else scores
    new = layers[: at.layer]
    new.append((layers[at.layer][0][kept], layers[at.layer][1][kept]))
    new.append(ridge_by_hand(V[:, kept], T, 1e-2))
    if not top:
        new.append(layers[2])
    V = hidden_values(at, new, 2)
    bits = Bits([(V, signed, np.ones(len(V)))], *new[2], 1e-2, 0.1, 1)
    expected = with_ones(V) @ fit_by_hand(bits, "slack").T
    found = hidden_values(at, list(zip(small.weights, small.biases, strict=True)), 2)
    result = found @ small.weights[2].T + small.biases[2]
    return list(zip(result.ravel().tolist(), expected.ravel().tolist(), strict=True))


def removed_only(network: ZeroOneMLP, *arguments: Any, layer: int, **options: Any) -> Any:
    """Drop the neurons and fit nothing again."""
    for small in remove(network, *arguments, layer=layer, **options):
        rows = [
            np.flatnonzero((network.weights[layer] == w).all(axis=1))[0]
            for w in small.weights[layer]
        ]
        kept = np.isin(np.arange(len(network.weights[layer])), rows)
        yield network.drop_neurons(layer, kept)


REMOVED = Claim(
    id="bcd.removal-network",
    statement="After a removal the layer above is the ridge fit of its targets on the units that "
    "are left, and the output layer is fitted again to slack targets.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_pruned,
    measure=each(measure_pruned),
    subject=remove,
    planted={
        "nothing fitted again": removed_only,
        "another ridge": lambda *at, gamma, **rest: remove(*at, gamma=100 * gamma, **rest),
    },
    tolerance=1e-6,
    hypotheses="two hidden layers, either of them, both scores",
    cases=24,
)

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


def measure_column_step(update: Any, problem: Problem) -> Pairs:
    """Compare the majorant at the step with its least value over every set of columns.

    The majorant is F's value and slope at W plus |step|^2/(2 length), length = 1/(tau |V'V|_2 +
    gamma), plus the price of columns. A step that would raise F is not taken.
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
    return [(1 + majorant(found) / size, 1 + least / size)]


def shorter(*at: Any, tau: float, gamma: float, lam: float) -> Layer:
    """Step half as far."""
    W, b, *rest = at
    moved, bias = blocks.proximal_linear_columns(W, b, *rest, tau=tau, gamma=gamma, lam=0.0)
    return (W + moved) / 2, (b + bias) / 2


COLUMNS = Claim(
    id="bcd.w-columns-step",
    statement="The step on columns minimises the quadratic of curvature tau |V'V|_2 + gamma that "
    "touches F at W, with the price of columns.",
    source=BCD,
    kind=Kind.EQUALITY,
    sample=layer_problems,
    measure=each(measure_column_step),
    subject=blocks.proximal_linear_columns,
    planted={
        "half as far": shorter,
        "lam not times the length": lambda *at, lam, **prices: blocks.proximal_linear_columns(
            *at, lam=20 * lam, **prices
        ),
        "nothing moves": lambda W, b, *rest, **prices: (W, b),
    },
    tolerance=1e-5,
    hypotheses="lam > 0, gamma > 0",
    cases=200,
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

CLAIMS = (RUNNING, OUTPUT, REMOVED, METRIC, COLUMNS, WEIGHTS)
