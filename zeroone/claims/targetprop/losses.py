"""Claims: the derivatives of the losses, of hidden units and of the output layer.

A loss is checked against its definition, written out case by case, and its derivative against
finite differences of the definition in extended precision (docs/theory.md#c1).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.losses import (
    LOSSES,
    OUTPUT_LOSSES,
    REGRESSION_LOSSES,
    Classes,
    HiddenLoss,
    OutputLoss,
)
from zeroone.support.validation import FloatArray

Pair = tuple[FloatArray, FloatArray]
Long = NDArray[np.longdouble]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; docs/theory.md#c1"

# ---------------------------------------------------------------------------- margins, one by one

# The losses as their definitions read, case by case.
DEFINITIONS: dict[str, Callable[[Any], Any]] = {
    "hinge": lambda m: np.where(m < 1, 1 - m, 0),
    "saturated_hinge": lambda m: np.where(m < -1, 2, np.where(m < 1, 1 - m, 0)),
    "soft_hinge": lambda m: 2 / (1 + np.exp(2 * m)),
    "linear": lambda m: -m,
    "logistic": lambda m: np.where(m > 0, 0, -m) + np.log1p(np.exp(-np.abs(m))),
    "squared_hinge": lambda m: np.where(m < 1, (1 - m) ** 2, 0),
}


def definition(loss: HiddenLoss) -> Callable[[Any], Any]:
    """Return a loss as it is defined; one without an entry above is defined by its own `value`."""
    return DEFINITIONS.get(loss.name, loss.value)


STEP = np.longdouble(1e-4)


def slopes(f: Callable[[Any], Any], x: FloatArray, side: FloatArray) -> FloatArray:
    """Return derivatives by finite differences in extended precision, on one side where told so.

    Parameters
    ----------
    f : callable
        Entry by entry.
    x : ndarray
    side : ndarray of x's shape
        0 for central differences, of fourth order; -1 and +1 for one-sided ones, of second order.
    """
    x = x.astype(np.longdouble)
    central = 8 * (f(x + STEP) - f(x - STEP)) - (f(x + 2 * STEP) - f(x - 2 * STEP))
    h = side * STEP
    one_sided = 4 * f(x + h) - f(x + 2 * h) - 3 * f(x)
    return np.where(side == 0, central / (12 * STEP), side * one_sided / (2 * STEP)).astype(float)


@dataclass(frozen=True)
class Margins:
    """Margins, and on which side of each the slope is asked for: 0 away from kinks."""

    m: FloatArray
    side: FloatArray


def margins_of(loss: HiddenLoss) -> Callable[[np.random.Generator, int], Margins]:
    """Return a sampler of margins from tiny to large, kinks among them."""

    def sample(rng: np.random.Generator, count: int) -> Margins:
        m = rng.standard_normal(count) * rng.choice([0.01, 1.0, 3.0, 400.0], count)
        m[rng.random(count) < 0.05] = 0.0
        # No nearer to a kink than the differences reach, unless on it.
        for kink in loss.kinks:
            m = np.where(np.abs(m - kink) < 1e-3, m + 0.01, m)
        side = np.zeros(count)
        for number, (kink, which) in enumerate(loss.kinks.items()):
            m[number::10], side[number::10] = kink, which
        return Margins(m, side)

    return sample


def measure_margins(loss: HiddenLoss, at: Margins) -> Pair:
    """Compare values with the definition and derivatives with finite differences of it."""
    plain = definition(loss)
    expected = plain(at.m.astype(np.longdouble)).astype(float), slopes(plain, at.m, at.side)
    return np.stack([loss.value(at.m), loss.derivative(at.m)]), np.stack(expected)


@dataclass(frozen=True)
class Altered(HiddenLoss):
    """A loss with another value or another derivative."""

    loss: HiddenLoss
    value_of: Callable[[FloatArray], FloatArray] | None = None
    derivative_of: Callable[[FloatArray], FloatArray] | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the loss that was altered."""
        return self.loss.name

    def value(self, m: FloatArray) -> FloatArray:
        """Return the losses of an array of margins."""
        return (self.value_of or self.loss.value)(m)

    def derivative(self, m: FloatArray) -> FloatArray:
        """Return the derivatives of the losses by the margins."""
        return (self.derivative_of or self.loss.derivative)(m)


# What else may be wrong with a loss, besides what may be wrong with any.
WRONG_SLOPES: dict[str, dict[str, Callable[[FloatArray], FloatArray]]] = {
    "hinge": {
        "kink at zero": lambda m: -(m <= 0).astype(float),
        "the other side of the kink": lambda m: -(m < 1).astype(float),
    },
    "saturated_hinge": {
        "not saturated": LOSSES["hinge"].derivative,
        "the other side of both kinks": lambda m: -(np.abs(m) < 1).astype(float),
    },
    "soft_hinge": {"tanh not squared": lambda m: np.tanh(m) - 1},
    "linear": {"saturated": LOSSES["saturated_hinge"].derivative},
    "logistic": {"the margin negated": lambda m: -1 / (1 + np.exp(-m))},
    "squared_hinge": {
        "two forgotten": lambda m: -np.maximum(1 - m, 0),
        "not cut off": lambda m: -2 * (1 - m),
    },
}


def loss_claim(loss: HiddenLoss) -> Claim:
    """Return the claim that a loss of hidden units and its derivative belong together."""
    wrong = {
        "the sign": lambda m: -loss.derivative(m),
        "twice the slope": lambda m: 2 * loss.derivative(m),
    } | WRONG_SLOPES.get(loss.name, {})
    return Claim(
        id="targetprop.loss." + loss.name.replace("_", "-"),
        statement=f"{loss.formula} has the slope {loss.slope}.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=margins_of(loss),
        measure=measure_margins,
        subject=loss,
        planted={error: Altered(loss, derivative_of=slope) for error, slope in wrong.items()}
        # Off by a term with a slope, which shows without a definition to compare with, too.
        | {"a value that is off": Altered(loss, value_of=lambda m: loss.value(m) + 0.1 * (1 + m))},
        tolerance=1e-11,
        hypotheses="|m| up to about 1500; kinks themselves, with the slope of the side stated",
        cases=2000,
    )


HIDDEN_CLAIMS = tuple(loss_claim(loss) for loss in LOSSES.values())

# ---------------------------------------------------------------------------------- output losses


def gradient_of(f: Callable[[Long], Any], x: FloatArray, step: Any = STEP) -> FloatArray:
    """Return the gradient of a function of an array, by central differences in extended precision.

    Of fourth order, one entry after the other.
    """
    point, result = x.astype(np.longdouble), np.empty(x.shape)
    for index in np.ndindex(x.shape):
        values = []
        for steps in (-2, -1, 1, 2):
            moved = point.copy()
            moved[index] += steps * step
            values.append(f(moved))
        far, near = values[3] - values[0], values[2] - values[1]
        result[index] = (8 * near - far) / (12 * step)
    return result


@dataclass(frozen=True)
class Scored:
    """Scores of shape (n_samples, n_classes), and the classes and the weights of the samples."""

    scores: FloatArray
    classes: Classes
    weights: FloatArray | None = None


def sample_scores(rng: np.random.Generator, count: int) -> list[Scored]:
    """Draw scores of up to 5 samples in 2 to 5 classes, from nearly equal ones to far apart.

    Half of them have weights, some of which are 0, and of which neither the sum is 1 nor the mean.
    """
    drawn = []
    for _ in range(count):
        n, n_classes = int(rng.integers(1, 6)), int(rng.integers(2, 6))
        size = rng.choice([0.01, 1.0, 1.0, 5.0, 300.0])
        offset = rng.choice([0.0, 0.0, 1000.0, -1000.0])
        scores = offset + size * rng.standard_normal((n, n_classes))
        weights = rng.choice([0.0, 0.5, 3.0], n) + rng.random(n)
        weights[weights < 0.5] = 0.0
        weights[rng.integers(n)] = 1.7
        classes = rng.integers(0, n_classes, n)
        drawn.append(Scored(scores, classes, weights if rng.random() < 0.5 else None))
    return drawn


def sample_hinge_scores(rng: np.random.Generator, count: int) -> list[Scored]:
    """Draw scores away from all kinks: no two of them, with and without 1, nearer than 1/256."""
    drawn = []
    for at in sample_scores(rng, count):
        n, n_classes = at.scores.shape
        # Score k is k/16 beyond a multiple of 1/2: differences are never 0, nor 1 or -1.
        shift = rng.permuted(np.tile(np.arange(n_classes) / 16, (n, 1)), axis=1)
        drawn.append(replace(at, scores=np.round(2 * at.scores) / 2 + shift))
    return drawn


def plain_cross_entropy(scores: Long, classes: Classes) -> Any:
    """Return 1/N sum_n log sum_k exp(s_nk - s_n,y_n), a sample after the other."""
    total = np.longdouble(0)
    for row, own in zip(scores, classes, strict=True):
        lead = (row - row[own]).max()
        total += lead + np.log(np.sum(np.exp(row - row[own] - lead)))
    return total / len(scores)


def plain_hinge(scores: Long, classes: Classes) -> Any:
    """Return 1/N sum_n max_k (1[k != y_n] + s_nk - s_n,y_n): the largest violation, or 0."""
    total = np.longdouble(0)
    for row, own in zip(scores, classes, strict=True):
        total += max(row[k] - row[own] + (k != own) for k in range(len(row)))
    return total / len(scores)


def measure_output(
    plain: Callable[[Long, Classes], Any],
) -> Callable[[OutputLoss, list[Scored]], Pair]:
    """Return the comparison of a loss with its definition, and with finite differences of that.

    With weights w it is the sum over n of w_n/sum(w) times the loss of sample n alone.
    """

    def measure(loss: OutputLoss, drawn: list[Scored]) -> Pair:
        ours: list[float] = []
        expected: list[float] = []
        for at in drawn:
            ours += [loss.weighted_value(at.scores, at.classes, at.weights)]
            derivative = loss.weighted_derivative(at.scores, at.classes, at.weights)
            ours += derivative.ravel().tolist()
            # Without weights it is all samples at once, else one sample after the other.
            n = len(at.scores)
            parts = [slice(0, n)] if at.weights is None else [slice(i, i + 1) for i in range(n)]
            shares = np.ones(1) if at.weights is None else at.weights / sum(at.weights)
            values, slopes_of_parts = [], []
            for rows, share in zip(parts, shares, strict=True):

                def value(scores: Long, classes: Classes = at.classes[rows]) -> Any:
                    return plain(scores, classes)

                values.append(share * value(at.scores[rows].astype(np.longdouble)))
                slopes_of_parts += (share * gradient_of(value, at.scores[rows])).ravel().tolist()
            expected += [float(sum(values)), *slopes_of_parts]
        return np.array(ours), np.array(expected)

    return measure


@dataclass(frozen=True)
class AlteredOutput(OutputLoss):
    """An output loss with another value or another derivative."""

    loss: OutputLoss
    value_of: Callable[[FloatArray, Classes], float] | None = None
    derivative_of: Callable[[FloatArray, Classes], FloatArray] | None = None

    def samples(self, scores: FloatArray, classes: Classes) -> FloatArray:
        """Return the loss of every sample."""
        return self.loss.samples(scores, classes)

    def value(self, scores: FloatArray, classes: Classes) -> float:
        """Return the loss."""
        return (self.value_of or self.loss.value)(scores, classes)

    def derivative(self, scores: FloatArray, classes: Classes) -> FloatArray:
        """Return its derivative by the scores."""
        return (self.derivative_of or self.loss.derivative)(scores, classes)


@dataclass(frozen=True)
class SummedWeights(AlteredOutput):
    """An output loss whose derivative takes the weights as they are, not as shares of their sum."""

    def weighted_derivative(
        self, scores: FloatArray, classes: Classes, weights: FloatArray | None
    ) -> FloatArray:
        """Return the derivative of each sample's loss times its weight, divided by N."""
        G = self.derivative(scores, classes)
        return G if weights is None else G * weights[:, np.newaxis]


def wrong_softmax(scores: FloatArray, classes: Classes) -> FloatArray:
    """Forget to subtract the one-hot row."""
    softmax = np.exp(scores - scores.max(axis=1, keepdims=True))
    return softmax / softmax.sum(axis=1, keepdims=True) / len(scores)


def all_rivals(scores: FloatArray, classes: Classes) -> FloatArray:
    """Charge every class that violates the margin, not the worst one only."""
    rows = np.arange(len(scores))
    over = (scores - scores[rows, classes][:, np.newaxis] + 1 > 0).astype(float)
    over[rows, classes] = 0
    over[rows, classes] = -over.sum(axis=1)
    return over / len(scores)


def sample_numbers(rng: np.random.Generator, count: int) -> list[Scored]:
    """Draw scores with vectors of numbers for what they should be, in the place of classes."""
    drawn = []
    for at in sample_scores(rng, count):
        numbers: Any = rng.standard_normal(at.scores.shape)
        drawn.append(replace(at, classes=numbers))
    return drawn


def plain_squares(scores: Long, numbers: Any) -> Any:
    """Return 1/(2 N) sum_n |s_n - y_n|^2, entry by entry."""
    total = np.longdouble(0)
    for row, wanted in zip(scores, numbers, strict=True):
        total += sum((s - y) ** 2 for s, y in zip(row, wanted, strict=True)) / 2
    return total / len(scores)


SQUARED = REGRESSION_LOSSES["squared-error"]
CROSS_ENTROPY, HINGE = OUTPUT_LOSSES["cross-entropy"], OUTPUT_LOSSES["hinge"]
OUTPUT_CLAIMS = (
    Claim(
        id="targetprop.squared-error",
        statement="The mean of |s - y|^2/2 has the derivative (s - y)/N.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_numbers,
        measure=measure_output(plain_squares),
        subject=SQUARED,
        planted={
            "not halved": AlteredOutput(SQUARED, value_of=lambda s, y: 2 * SQUARED.value(s, y)),
            "not divided by N": AlteredOutput(
                SQUARED, derivative_of=lambda s, y: len(s) * SQUARED.derivative(s, y)
            ),
            "what is wanted forgotten": AlteredOutput(
                SQUARED, derivative_of=lambda s, y: SQUARED.derivative(s, 0 * y)
            ),
            "weights not divided by their mean": SummedWeights(SQUARED),
        },
        tolerance=1e-9,
        scale=1e3,
        hypotheses="1 to 5 samples, with and without weights, 2 to 5 numbers each",
        cases=60,
    ),
    Claim(
        id="targetprop.cross-entropy",
        statement="The mean of -log softmax(s)_y has the derivative (softmax(s) - one-hot)/N.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_scores,
        measure=measure_output(plain_cross_entropy),
        subject=CROSS_ENTROPY,
        planted={
            "one-hot forgotten": AlteredOutput(CROSS_ENTROPY, derivative_of=wrong_softmax),
            "not divided by N": AlteredOutput(
                CROSS_ENTROPY, derivative_of=lambda s, y: len(s) * CROSS_ENTROPY.derivative(s, y)
            ),
            "the sum of the samples": AlteredOutput(
                CROSS_ENTROPY, value_of=lambda s, y: len(s) * CROSS_ENTROPY.value(s, y)
            ),
            "weights not divided by their mean": SummedWeights(CROSS_ENTROPY),
        },
        tolerance=1e-11,
        hypotheses="1 to 5 samples, with and without weights, 2 to 5 classes; scores far from 0 "
        "and far apart among them",
        cases=60,
    ),
    Claim(
        id="targetprop.multiclass-hinge",
        statement="The mean of max(0, 1 + best other score - own score) has the derivative +1/N at "
        "the best other class and -1/N at the own one, where it is above 0.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_hinge_scores,
        measure=measure_output(plain_hinge),
        subject=HINGE,
        planted={
            "all rivals charged": AlteredOutput(HINGE, derivative_of=all_rivals),
            "a margin of 1/2": AlteredOutput(
                HINGE,
                derivative_of=lambda s, y: HINGE.derivative(s + np.eye(s.shape[1])[y] / 2, y),
            ),
            "the sign": AlteredOutput(HINGE, derivative_of=lambda s, y: -HINGE.derivative(s, y)),
            "weights not divided by their mean": SummedWeights(HINGE),
        },
        tolerance=1e-11,
        hypotheses="1 to 5 samples, with and without weights, 2 to 5 classes; no two best scores, "
        "and no margin of 1",
        cases=60,
    ),
)

CLAIMS = (*HIDDEN_CLAIMS, *OUTPUT_CLAIMS)
