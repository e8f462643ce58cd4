"""Claims: the derivative of batch normalisation (docs/theory.md#c1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop.losses import Long, Pair, gradient_of
from zeroone.nets.normalisation import EPSILON, Normalisation
from zeroone.support.validation import FloatArray

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


def normalised(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Z, dL/dA and dL/d(scale, shift) for L = sum G Z."""
    normalisation = Normalisation(*batch.parameters.copy())
    Z, by_products = normalisation.forward(batch.A), normalisation.backward(batch.G)
    return Z, by_products, np.stack(normalisation.gradients)


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

CLAIMS = (NORMALISATION,)
