"""Claims: how the output layer is fitted: by running averages, and to all data with slack."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.bcd.regression import RunningRegression, fit_output, output_loss
from zeroone.claims.bcd.blocks import log_uniform, with_ones
from zeroone.claims.claim import Claim, Kind, each
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

CLAIMS = (RUNNING, OUTPUT)
