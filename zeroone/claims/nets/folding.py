"""Claims: what stands before and inside a layer can be folded into it: scaling and normalisation.

And what they are: the metric of whitened input, and the running means of batch normalisation.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.normalisation import EPSILON, Normalisation
from zeroone.nets.scaling import InputScaling
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]
SOURCE = "docs/theory.md#b2"

# ---------------------------------------------------------------------------- scaling and whitening


@dataclass(frozen=True)
class Data:
    """Samples, the whitening (None for none), and a first layer.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    whitening : float or None
    weights, biases : ndarray, shape (n_units, n_features) and (n_units,)
    """

    X: FloatArray
    whitening: float | None
    weights: FloatArray
    biases: FloatArray


def draw_data(rng: np.random.Generator, count: int) -> list[Data]:
    """Draw samples of features of different variance, correlated and shifted, some constant."""
    drawn = []
    for index in range(count):
        n, p, units = int(rng.integers(5, 40)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) + 3 * rng.standard_normal(p)
        if index % 4 == 0 and p > 1:
            X[:, 0] = 2.0
        if index % 4 == 1:
            X = np.round(20 * X)
        if index % 12 == 11:
            X[:] = 3.0
        whitening = None if index % 3 == 0 else float(rng.choice([0.1, 1.0, 50.0]))
        weights, biases = rng.standard_normal((units, p)), rng.standard_normal(units)
        drawn.append(Data(X, whitening, weights, biases))
    return drawn


def by_hand(at: Data) -> tuple[FloatArray, FloatArray]:
    """Return the mean, and T'T: scale^2 M^-1 with M = (scale^2 G + delta I)/(1 + delta).

    G is the covariance and scale^2 one over the mean variance of a feature; without whitening M is
    the identity.
    """
    n, p = at.X.shape
    mean = np.array([sum(column) / n for column in at.X.T.tolist()])
    covariance = np.zeros((p, p))
    for x in at.X:
        covariance += np.outer(x - mean, x - mean) / n
    scale2 = p / sum(covariance[i, i] for i in range(p)) if covariance.any() else 1.0
    if at.whitening is None:
        return mean, scale2 * np.eye(p)
    metric = (scale2 * covariance + at.whitening * np.eye(p)) / (1 + at.whitening)
    return mean, scale2 * np.linalg.solve(metric, np.eye(p))


def measure_scaling(fit: Any, at: Data) -> Pairs:
    """Compare mean and T'T with those by hand, and the scaled input with T (x - mean)."""
    scaling = fit(at.X, at.whitening)
    mean, expected = by_hand(at)
    T = scaling.transform if scaling.transform.ndim else scaling.transform * np.eye(len(mean))
    size = float(np.max(np.abs(expected)))
    Z = scaling.apply(at.X, np.dtype(np.float64))
    squares = [float((x - mean) @ expected @ (x - mean)) for x in at.X]
    return [
        *zip(scaling.mean.tolist(), mean.tolist(), strict=True),
        *zip((T.T @ T / size).ravel().tolist(), (expected / size).ravel().tolist(), strict=True),
        *((1 + float(z @ z), 1 + square) for z, square in zip(Z, squares, strict=True)),
    ]


def fitted(**changes: Any) -> Any:
    """Return the fit with some of what it is asked changed."""

    def fit(X: FloatArray, whitening: float | None) -> InputScaling:
        if "whitening" in changes:
            whitening = changes["whitening"](whitening)
        return InputScaling.fit(changes.get("X", lambda X: X)(X), whitening)

    return fit


def unscaled(X: FloatArray, whitening: float | None) -> InputScaling:
    """Leave the variance as it is."""
    found = InputScaling.fit(X, whitening)
    variance = float(np.mean(np.var(X, axis=0)))
    return InputScaling(found.mean, found.transform * sqrt(variance))


METRIC = Claim(
    id="nets.covariance-metric",
    statement="Input is scaled by T with T'T = scale^2 M^-1, M = (scale^2 G + delta I)/(1 + "
    "delta): distances are those of the covariance metric.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_data,
    measure=each(measure_scaling),
    subject=InputScaling.fit,
    planted={
        "delta doubled": fitted(whitening=lambda delta: delta and 2 * delta),
        "never whitened": fitted(whitening=lambda delta: None),
        "the mean left in": fitted(X=lambda X: np.vstack([X, -X])),
        "the variance left as it is": unscaled,
    },
    # The covariance is added up in single precision.
    tolerance=1e-4,
    hypotheses="correlated, shifted and constant features; delta from 0.1 to 50, or none",
    cases=120,
)


def measure_folded(fold: Any, at: Data) -> Pairs:
    """Compare a layer on scaled input with the folded layer on raw input."""
    scaling = InputScaling.fit(at.X, at.whitening)
    weights, biases = fold(scaling, at.weights, at.biases)
    Z = scaling.apply(at.X, np.dtype(np.float64)) @ at.weights.T + at.biases
    raw = [[float(w @ x) + b for w, b in zip(weights, biases, strict=True)] for x in at.X]
    size = float(np.max(np.abs(at.X), initial=1)) * float(np.max(np.abs(weights), initial=1e-300))
    return [
        (1 + one / (1 + size), 1 + other / (1 + size))
        for one, other in zip(np.ravel(raw).tolist(), Z.ravel().tolist(), strict=True)
    ]


def mean_forgotten(scaling: InputScaling, weights: FloatArray, biases: FloatArray) -> Any:
    """Leave the mean out of the biases."""
    return scaling.fold(weights, biases)[0], biases


def transposed(scaling: InputScaling, weights: FloatArray, biases: FloatArray) -> Any:
    """Subtract the mean of the scaled input's weights instead of the raw one's."""
    raw, _ = scaling.fold(weights, biases)
    return raw, biases - weights @ scaling.mean


SCALING_FOLD = Claim(
    id="nets.scaling-fold",
    statement="W T and b - W T mean do to raw input what W and b do to T (x - mean).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_data,
    measure=each(measure_folded),
    subject=InputScaling.fold,
    planted={"the mean forgotten": mean_forgotten, "the mean by W alone": transposed},
    tolerance=1e-9,
    hypotheses=METRIC.hypotheses,
    cases=120,
)


@dataclass(frozen=True)
class Images:
    """Images, shape (n_samples, height, width, channels)."""

    X: FloatArray


def draw_images(rng: np.random.Generator, count: int) -> list[Images]:
    """Draw up to six images of 1 to 3 channels."""
    drawn = []
    for _ in range(count):
        shape = [int(rng.integers(low, high)) for low, high in ((2, 7), (1, 5), (1, 5), (1, 4))]
        drawn.append(Images(4 * rng.standard_normal(shape) + 2 * rng.standard_normal(shape[-1])))
    return drawn


def measure_layer(make: Any, at: Images) -> Pairs:
    """Compare the scaled images with (x - mean of the channel)/sqrt(mean variance of a pixel)."""
    n = len(at.X)
    scaling = InputScaling.fit(at.X.reshape(n, -1), None)
    found = make(scaling, at.X.shape[1:], np.dtype(float)).forward(at.X)
    channels = at.X.shape[-1]
    means = [sum(at.X[..., c].ravel().tolist()) / at.X[..., c].size for c in range(channels)]
    pixels = at.X.reshape(n, -1).T.tolist()
    spread = [sum((x - sum(p) / n) ** 2 for x in p) / n for p in pixels]
    variance = sum(spread) / len(spread)
    expected = (at.X - np.array(means)) / sqrt(variance)
    return list(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))


def one_mean(scaling: InputScaling, shape: Any, dtype: Any) -> Any:
    """Take one mean for all channels."""
    layer = scaling.layer(shape, dtype)
    layer.mean = np.full_like(layer.mean, layer.mean.mean() + 0.5)
    return layer


SCALING_LAYER = Claim(
    id="nets.scaling-layer",
    statement="Images are scaled by one mean for each channel and one factor, 1/sqrt(mean variance "
    "of a pixel).",
    source="docs/theory.md#d1",
    kind=Kind.EQUALITY,
    sample=draw_images,
    measure=each(measure_layer),
    subject=InputScaling.layer,
    planted={
        "one mean for all": one_mean,
        "no factor": lambda scaling, shape, dtype: InputScaling(scaling.mean, np.array(1.0)).layer(
            shape, dtype
        ),
    },
    tolerance=1e-9,
    hypotheses="1 to 3 channels",
    cases=60,
)

# ----------------------------------------------------------------- batch normalisation, its running


@dataclass(frozen=True)
class Batches:
    """Batches that a normalisation sees one after the other, and a layer below it.

    Parameters
    ----------
    batches : list of ndarray, shape (n_samples, n_units)
    scale, shift : ndarray, shape (n_units,)
    forgetting : float
    weights, biases : ndarray, shape (n_units, n_in) and (n_units,)
    x : ndarray, shape (n_in,)
        Input of the layer below.
    """

    batches: list[FloatArray]
    scale: FloatArray
    shift: FloatArray
    forgetting: float
    weights: FloatArray
    biases: FloatArray
    x: FloatArray


def draw_batches(rng: np.random.Generator, count: int) -> list[Batches]:
    """Draw up to four batches of one to five samples; some are constant."""
    drawn = []
    for _ in range(count):
        units, inputs = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        batches: list[FloatArray] = [
            rng.standard_normal((int(rng.integers(1, 6)), units)) * 2 + 1
            for _ in range(int(rng.integers(1, 5)))
        ]
        if rng.random() < 0.2:
            batches[0][:] = batches[0][0]
        scale, shift, biases = rng.standard_normal((3, units))
        forgetting = float(rng.choice([0.05, 0.3, 1.0]))
        weights, x = rng.standard_normal((units, inputs)), rng.standard_normal(inputs)
        drawn.append(Batches(batches, scale, shift, forgetting, weights, biases, x))
    return drawn


def running_by_hand(at: Batches) -> list[tuple[float, float]]:
    """Return each unit's running mean and variance: m <- (1 - f) m + f m_batch, from 0 and 1."""
    found = []
    for unit in range(len(at.scale)):
        mean, variance = 0.0, 1.0
        for batch in at.batches:
            values = batch[:, unit].tolist()
            centre = sum(values) / len(values)
            spread = sum((value - centre) ** 2 for value in values) / len(values)
            mean = (1 - at.forgetting) * mean + at.forgetting * centre
            variance = (1 - at.forgetting) * variance + at.forgetting * spread
        found.append((mean, variance))
    return found


def after_batches(make: Any, at: Batches) -> Normalisation:
    """Return a normalisation that has learnt from the batches, and looked at another."""
    normalisation = make(at.scale.copy(), at.shift.copy(), at.forgetting)
    for batch in at.batches:
        normalisation.forward(batch)
        normalisation.forward(batch + 7, remember=False)
    return normalisation


def measure_running(make: Any, at: Batches) -> Pairs:
    """Compare the running means, and what is made of an input by them, with those by hand.

    By `evaluate`, and by the layer below with the normalisation folded into it.
    """
    normalisation, known = after_batches(make, at), running_by_hand(at)
    a = [float(w @ at.x) + b for w, b in zip(at.weights, at.biases, strict=True)]
    expected = [
        scale * (value - mean) / sqrt(variance + EPSILON) + shift
        for value, (mean, variance), scale, shift in zip(a, known, at.scale, at.shift, strict=True)
    ]
    evaluated = normalisation.evaluate(np.array([a]))[0]
    weights, biases = normalisation.fold(at.weights, at.biases)
    folded = [float(w @ at.x) + b for w, b in zip(weights, biases, strict=True)]
    return [
        *zip(normalisation.mean.tolist(), [mean for mean, _ in known], strict=True),
        *zip(normalisation.variance.tolist(), [each for _, each in known], strict=True),
        *zip(evaluated.tolist(), expected, strict=True),
        *zip(folded, expected, strict=True),
    ]


class Lasting(Normalisation):
    """A normalisation whose running means are those of the last batch."""

    def __init__(self, scale: FloatArray, shift: FloatArray, forgetting: float) -> None:
        super().__init__(scale, shift, 1.0)


class Peeking(Normalisation):
    """A normalisation that learns when it only looks."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return Z, and take the batch into the running means in any case."""
        return super().forward(V, remember=True)


class Unfolded(Normalisation):
    """A normalisation that leaves its mean out of the biases."""

    def fold(self, weights: FloatArray, biases: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases without the mean."""
        folded, _ = super().fold(weights, biases)
        factor = self.scale / np.sqrt(self.variance + EPSILON)
        return folded, self.shift + factor * biases


RUNNING = Claim(
    id="nets.running-means",
    statement="m <- (1 - f) m + f m_batch for mean and variance of batches that are learnt from; "
    "scale (a - mean)/sqrt(var + eps) + shift folds into the layer below.",
    source="Ioffe, Szegedy, arXiv:1502.03167",
    kind=Kind.EQUALITY,
    sample=draw_batches,
    measure=each(measure_running),
    subject=Normalisation,
    planted={
        "the last batch only": Lasting,
        "learnt from what is only looked at": Peeking,
        "the mean not folded": Unfolded,
    },
    tolerance=1e-11,
    hypotheses="one to four batches of one to five samples, constant ones among them; f up to 1",
    cases=120,
)

CLAIMS = (METRIC, SCALING_FOLD, SCALING_LAYER, RUNNING)
