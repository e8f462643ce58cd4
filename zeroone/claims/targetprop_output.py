"""Claims: the derivatives of the output losses, and of batch normalisation (theory, C)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_losses import SOURCE, STEP, Pair
from zeroone.targetprop.normalise import EPSILON, Normalisation
from zeroone.targetprop.output import OUTPUT_LOSSES, OutputLoss
from zeroone.validation import FloatArray

Long = NDArray[np.longdouble]


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


# ------------------------------------------------------------------------------------ output losses


@dataclass(frozen=True)
class Scored:
    """Scores of shape (n_samples, n_classes), and the classes of the samples."""

    scores: FloatArray
    classes: NDArray[np.intp]


def sample_scores(rng: np.random.Generator, count: int) -> list[Scored]:
    """Draw scores of up to 5 samples in 2 to 5 classes, from nearly equal ones to far apart."""
    drawn = []
    for _ in range(count):
        n, n_classes = int(rng.integers(1, 6)), int(rng.integers(2, 6))
        size = rng.choice([0.01, 1.0, 1.0, 5.0, 300.0])
        offset = rng.choice([0.0, 0.0, 1000.0, -1000.0])
        scores = offset + size * rng.standard_normal((n, n_classes))
        drawn.append(Scored(scores, rng.integers(0, n_classes, n)))
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


def plain_cross_entropy(scores: Long, classes: NDArray[np.intp]) -> Any:
    """Return 1/N sum_n log sum_k exp(s_nk - s_n,y_n), a sample after the other."""
    total = np.longdouble(0)
    for row, own in zip(scores, classes, strict=True):
        lead = (row - row[own]).max()
        total += lead + np.log(np.sum(np.exp(row - row[own] - lead)))
    return total / len(scores)


def plain_hinge(scores: Long, classes: NDArray[np.intp]) -> Any:
    """Return 1/N sum_n max_k (1[k != y_n] + s_nk - s_n,y_n): the largest violation, or 0."""
    total = np.longdouble(0)
    for row, own in zip(scores, classes, strict=True):
        total += max(row[k] - row[own] + (k != own) for k in range(len(row)))
    return total / len(scores)


def measure_output(
    plain: Callable[[Long, NDArray[np.intp]], Any],
) -> Callable[[OutputLoss, list[Scored]], Pair]:
    """Return the comparison of a loss with its definition, and with finite differences of that."""

    def measure(loss: OutputLoss, drawn: list[Scored]) -> Pair:
        ours: list[float] = []
        expected: list[float] = []
        for at in drawn:

            def value(scores: Long, at: Scored = at) -> Any:
                return plain(scores, at.classes)

            ours += [loss.value(at.scores, at.classes)]
            ours += loss.derivative(at.scores, at.classes).ravel().tolist()
            expected += [float(value(at.scores.astype(np.longdouble)))]
            expected += gradient_of(value, at.scores).ravel().tolist()
        return np.array(ours), np.array(expected)

    return measure


def changed(
    name: str, derivative: Callable[[FloatArray, NDArray[np.intp]], FloatArray]
) -> OutputLoss:
    """Return an output loss with another derivative."""
    return replace(OUTPUT_LOSSES[name], derivative=derivative)


def wrong_softmax(scores: FloatArray, classes: NDArray[np.intp]) -> FloatArray:
    """Forget to subtract the one-hot row."""
    softmax = np.exp(scores - scores.max(axis=1, keepdims=True))
    return softmax / softmax.sum(axis=1, keepdims=True) / len(scores)


def all_rivals(scores: FloatArray, classes: NDArray[np.intp]) -> FloatArray:
    """Charge every class that violates the margin, not the worst one only."""
    rows = np.arange(len(scores))
    over = (scores - scores[rows, classes][:, np.newaxis] + 1 > 0).astype(float)
    over[rows, classes] = 0
    over[rows, classes] = -over.sum(axis=1)
    return over / len(scores)


CROSS_ENTROPY, HINGE = OUTPUT_LOSSES["cross-entropy"], OUTPUT_LOSSES["hinge"]
OUTPUT_CLAIMS = (
    Claim(
        id="targetprop.cross-entropy",
        statement="The mean of -log softmax(s)_y has the derivative (softmax(s) - one-hot)/N.",
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=sample_scores,
        measure=measure_output(plain_cross_entropy),
        subject=CROSS_ENTROPY,
        planted={
            "one-hot forgotten": changed("cross-entropy", wrong_softmax),
            "not divided by N": changed(
                "cross-entropy", lambda s, y: len(s) * CROSS_ENTROPY.derivative(s, y)
            ),
            "the sum of the samples": replace(
                CROSS_ENTROPY, value=lambda s, y: len(s) * CROSS_ENTROPY.value(s, y)
            ),
        },
        tolerance=1e-11,
        hypotheses="1 to 5 samples, 2 to 5 classes; scores far from 0 and far apart among them",
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
            "all rivals charged": changed("hinge", all_rivals),
            "a margin of 1/2": changed(
                "hinge",
                lambda s, y: HINGE.derivative(s + np.eye(s.shape[1])[y] / 2, y),
            ),
            "the sign": changed("hinge", lambda s, y: -HINGE.derivative(s, y)),
        },
        tolerance=1e-11,
        hypotheses="1 to 5 samples, 2 to 5 classes; no two best scores, and no margin of 1",
        cases=60,
    ),
)

# ------------------------------------------------------------------------------ batch normalisation


# Small beside sqrt(eps), which is all that a unit with equal products is divided by.
FINE_STEP = np.longdouble(1e-5)


@dataclass(frozen=True)
class Batch:
    """Products A, what the loss above gives back as dL/dZ, and scale and shift."""

    A: FloatArray
    G: FloatArray
    parameters: FloatArray


def sample_batches(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw batches of 1 to 6 samples and 1 to 3 units; some units have equal products only."""
    drawn = []
    for _ in range(count):
        shape = int(rng.integers(1, 7)), int(rng.integers(1, 4))
        A = rng.choice([0.1, 1.0, 30.0]) * rng.standard_normal(shape) + rng.standard_normal()
        if rng.random() < 0.1:
            A[:] = A[0]
        parameters = rng.standard_normal((2, shape[1]))
        drawn.append(Batch(A, rng.standard_normal(shape), parameters))
    return drawn


def plain_normalised(A: Long, scale: Long, shift: Long) -> Long:
    """Return scale (a_n - mean)/sqrt(var + eps) + shift, unit by unit."""
    columns = []
    for a, factor, term in zip(A.T, scale, shift, strict=True):
        centred = a - sum(a) / len(a)
        variance = sum(centred**2) / len(a)
        columns.append(factor * centred / np.sqrt(variance + np.longdouble(EPSILON)) + term)
    return np.stack(columns, axis=1)


def start_at(parameters: FloatArray) -> Normalisation:
    """Return a normalisation with scale and shift given."""
    result = Normalisation.start(parameters.shape[1], parameters.dtype)
    result.parameters[:] = parameters
    return result


def normalised(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Z, dL/dA and dL/d(scale, shift) for L = sum G Z."""
    normalisation = start_at(batch.parameters)
    Z = normalisation.forward(batch.A)
    return Z, *normalisation.backward(batch.G)


def measure_normalisation(subject: Any, batches: list[Batch]) -> Pair:
    """Compare with the formulas in extended precision, and with finite differences of sum G Z."""
    ours, expected = [], []
    for batch in batches:
        A, parameters = batch.A.astype(np.longdouble), batch.parameters.astype(np.longdouble)

        def by_products(A: Long, batch: Batch = batch, parameters: Long = parameters) -> Any:
            return np.sum(batch.G * plain_normalised(A, *parameters))

        def by_parameters(parameters: Long, batch: Batch = batch, A: Long = A) -> Any:
            return np.sum(batch.G * plain_normalised(A, *parameters))

        ours += [part.ravel() for part in subject(batch)]
        expected += [plain_normalised(A, *parameters).astype(float).ravel()]
        expected += [gradient_of(by_products, batch.A, FINE_STEP).ravel()]
        expected += [gradient_of(by_parameters, batch.parameters, FINE_STEP).ravel()]
    return np.concatenate(ours), np.concatenate(expected)


def statistics_fixed(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Take mean and variance for constants in the derivative."""
    Z, _, by_parameters = normalised(batch)
    deviation = np.sqrt(batch.A.var(axis=0) + EPSILON)
    return Z, batch.G * batch.parameters[0] / deviation, by_parameters


def variance_fixed(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Take the variance for a constant in the derivative."""
    Z, wrong, by_parameters = statistics_fixed(batch)
    return Z, wrong - wrong.mean(axis=0), by_parameters


def parameters_swapped(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the scale the derivative of the shift."""
    Z, by_products, by_parameters = normalised(batch)
    return Z, by_products, by_parameters[::-1]


NORMALISATION = Claim(
    id="targetprop.batch-normalisation",
    statement="z = scale (a - mean)/sqrt(var + eps) + shift has the stated derivative: by a, "
    "through mean and var, and by scale and shift.",
    source="Ioffe, Szegedy, arXiv:1502.03167",
    kind=Kind.EQUALITY,
    sample=sample_batches,
    measure=measure_normalisation,
    subject=normalised,
    planted={
        "mean and var taken for constants": statistics_fixed,
        "var taken for a constant": variance_fixed,
        "scale and shift swapped": parameters_swapped,
    },
    tolerance=1e-9,
    hypotheses="1 to 6 samples, equal ones among them: var = 0",
    cases=60,
)

CLAIMS = (*OUTPUT_CLAIMS, NORMALISATION)
