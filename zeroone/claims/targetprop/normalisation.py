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


def measure_normalisation(make: type[Normalisation], batches: list[Batch]) -> Pair:
    """Compare with the formulas in extended precision, and with finite differences of sum G Z."""
    ours, expected = [], []
    for batch in batches:
        A, parameters = batch.A.astype(np.longdouble), batch.parameters.astype(np.longdouble)

        def by_products(A: Long, batch: Batch = batch, parameters: Long = parameters) -> Any:
            return np.sum(batch.G * plain_normalised(A, *parameters))

        def by_parameters(parameters: Long, batch: Batch = batch, A: Long = A) -> Any:
            return np.sum(batch.G * plain_normalised(A, *parameters))

        normalisation = make(*batch.parameters.copy())
        ours += [normalisation.forward(batch.A).ravel(), normalisation.backward(batch.G).ravel()]
        ours += [part.ravel() for part in normalisation.gradients]
        expected += [plain_normalised(A, *parameters).astype(float).ravel()]
        expected += [gradient_of(by_products, batch.A, FINE_STEP).ravel()]
        expected += [gradient_of(by_parameters, batch.parameters, FINE_STEP).ravel()]
    return np.concatenate(ours), np.concatenate(expected)


class StatisticsFixed(Normalisation):
    """A normalisation that takes mean and variance for constants in the derivative."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return dL/dA of a factor and a term."""
        super().backward(G, to_input=to_input)
        return G * self.scale / self.deviation


class VarianceFixed(StatisticsFixed):
    """A normalisation that takes the variance for a constant in the derivative."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return dL/dA through the mean alone."""
        wrong = super().backward(G, to_input=to_input)
        return wrong - wrong.mean(axis=0)


class ParametersSwapped(Normalisation):
    """A normalisation that gives the scale the derivative of the shift."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return dL/dA, and leave the derivatives in the wrong order."""
        by_products = super().backward(G, to_input=to_input)
        by_scale, by_shift = self.gradients
        by_scale[...], by_shift[...] = by_shift.copy(), by_scale.copy()
        return by_products


NORMALISATION = Claim(
    id="targetprop.batch-normalisation",
    statement="z = scale (a - mean)/sqrt(var + eps) + shift has the stated derivative: by a, "
    "through mean and var, and by scale and shift.",
    source="Ioffe, Szegedy, arXiv:1502.03167",
    kind=Kind.EQUALITY,
    sample=sample_batches,
    measure=measure_normalisation,
    subject=Normalisation,
    planted={
        "mean and var taken for constants": StatisticsFixed,
        "var taken for a constant": VarianceFixed,
        "scale and shift swapped": ParametersSwapped,
    },
    tolerance=1e-9,
    hypotheses="1 to 6 samples, equal ones among them: var = 0",
    cases=60,
)

CLAIMS = (NORMALISATION,)
