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
    """Samples, how they are scaled, and a first layer.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    whitening : float or None
    sample_weight : ndarray, shape (n_samples,), or None
    standardise : bool
    weights, biases : ndarray, shape (n_units, n_features) and (n_units,)
    """

    X: FloatArray
    whitening: float | None
    sample_weight: FloatArray | None
    standardise: bool
    weights: FloatArray
    biases: FloatArray

    def fit(self) -> InputScaling:
        """Return the scaling of these samples."""
        return InputScaling.fit(self.X, self.whitening, self.sample_weight, self.standardise)


def draw_data(rng: np.random.Generator, count: int) -> list[Data]:
    """Draw samples of features of different variance, correlated and shifted, some constant.

    Where features are standardised, their units differ by up to a million. Weights of samples do
    not add up to their number, and some are 0.
    """
    drawn = []
    for index in range(count):
        n, p, units = int(rng.integers(5, 40)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) + 3 * rng.standard_normal(p)
        standardise = index % 5 in (0, 3)
        if index % 4 == 1:
            X = np.round(20 * X)
        if standardise:
            X *= 10 ** rng.uniform(-3, 3, p)
        if index % 4 == 0 and p > 1:
            X[:, 0] = 0.7
        if index % 12 in (3, 11):
            X[:] = 0.7
        whitening = None if index % 3 == 0 else float(rng.choice([0.1, 1.0, 50.0]))
        weights, biases = rng.standard_normal((units, p)), rng.standard_normal(units)
        counts = None
        if index % 7 in (0, 1, 3):
            counts = rng.uniform(0.5, 3.0, n)
            counts[1::3] = 0.0
        drawn.append(Data(X, whitening, counts, standardise, weights, biases))
    return drawn


def by_hand(at: Data) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean, the standard deviations s, and S T'T S: scale^2 M^-1, with S = diag(s).

    M = (scale^2 G + delta I)/(1 + delta); G is the covariance of the features over s, which are 1
    unless features are standardised and for a feature that is constant, and scale^2 one over the
    mean variance of these; without whitening M is the identity.
    """
    n, p = at.X.shape
    counts = [1.0] * n if at.sample_weight is None else at.sample_weight.tolist()
    total = sum(counts)
    mean = np.array(
        [sum(c * x for c, x in zip(counts, column, strict=True)) / total for column in at.X.T]
    )
    varies = np.array([len(set(column)) > 1 for column in at.X.T.tolist()])
    covariance = np.zeros((p, p))
    for count, x in zip(counts, at.X, strict=True):
        centred = np.where(varies, x - mean, 0.0)
        covariance += count * np.outer(centred, centred) / total
    deviations = np.ones(p)
    if at.standardise:
        deviations[varies] = np.sqrt(np.diag(covariance)[varies])
    covariance /= np.outer(deviations, deviations)
    scale2 = p / sum(covariance[i, i] for i in range(p)) if covariance.any() else 1.0
    if at.whitening is None:
        return mean, deviations, scale2 * np.eye(p)
    metric = (scale2 * covariance + at.whitening * np.eye(p)) / (1 + at.whitening)
    return mean, deviations, scale2 * np.linalg.solve(metric, np.eye(p))


def matrix_of(scaling: InputScaling) -> FloatArray:
    """Return T as a matrix."""
    T = scaling.transform
    return T if T.ndim == 2 else T * np.eye(len(scaling.mean))


def measure_scaling(fit: Any, at: Data) -> Pairs:
    """Compare mean and T'T with those by hand, and the scaled input with T (x - mean).

    Means and T are compared in units of the standard deviations.
    """
    scaling = fit(at.X, at.whitening, at.sample_weight, at.standardise)
    mean, deviations, expected = by_hand(at)
    T = matrix_of(scaling) * deviations
    size = float(np.max(np.abs(expected)))
    Z = scaling.apply(at.X, np.dtype(np.float64))
    apart = [(x - mean) / deviations for x in at.X]
    squares = [float(x @ expected @ x) for x in apart]
    return [
        *((1 + ours, 1.0) for ours in ((scaling.mean - mean) / deviations).tolist()),
        *zip((T.T @ T / size).ravel().tolist(), (expected / size).ravel().tolist(), strict=True),
        *((1 + float(z @ z), 1 + square) for z, square in zip(Z, squares, strict=True)),
    ]


def fitted(**changes: Any) -> Any:
    """Return the fit with some of what it is asked changed."""

    def fit(
        X: FloatArray, whitening: float | None, counts: FloatArray | None, standardise: bool
    ) -> InputScaling:
        asked = {"X": X, "whitening": whitening, "sample_weight": counts}
        asked["standardise"] = standardise
        return InputScaling.fit(**{n: changes.get(n, same)(value) for n, value in asked.items()})

    return fit


def same(value: Any) -> Any:
    """Return what is given."""
    return value


def mean_left(
    X: FloatArray, whitening: float | None, counts: FloatArray | None, standardise: bool
) -> InputScaling:
    """Scale about 0."""
    twice = None if counts is None else np.concatenate([counts, counts])
    return InputScaling.fit(np.vstack([X, -X]), whitening, twice, standardise)


def unscaled(
    X: FloatArray, whitening: float | None, counts: FloatArray | None, standardise: bool
) -> InputScaling:
    """Leave the variance as it is."""
    found = InputScaling.fit(X, whitening, counts, standardise)
    variance = float(np.mean(np.var(X, axis=0)))
    return InputScaling(found.mean, found.transform * sqrt(variance))


METRIC = Claim(
    id="nets.covariance-metric",
    statement="Input is scaled by T with T'T = scale^2 M^-1, M = (scale^2 G + delta I)/(1 + "
    "delta): distances are those of the covariance metric, with weights of samples or without, and "
    "of features over their standard deviations if that is asked for.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_data,
    measure=each(measure_scaling),
    subject=InputScaling.fit,
    planted={
        "delta doubled": fitted(whitening=lambda delta: delta and 2 * delta),
        "never whitened": fitted(whitening=lambda delta: None),
        "the mean left in": mean_left,
        "samples all count the same": fitted(sample_weight=lambda counts: None),
        "never standardised": fitted(standardise=lambda wanted: False),
        "the variance left as it is": unscaled,
    },
    # The covariance is added up in single precision.
    tolerance=1e-4,
    hypotheses="correlated, shifted and constant features, weights of 0 among those of samples; "
    "delta from 0.1 to 50, or none",
    cases=84,
)


def compared_layers(at: Data, raw: Any, scaling: InputScaling, scaled: Any) -> Pairs:
    """Compare a layer on raw input with another on scaled input, relative to what they add up."""
    Z = (at.X - scaling.mean) @ matrix_of(scaling).T
    pairs = []
    for x, z in zip(at.X, Z, strict=True):
        for w, b, v, c in zip(*raw, *scaled, strict=True):
            size = 1 + float(np.abs(w) @ (np.abs(x) + np.abs(scaling.mean))) + abs(float(b))
            pairs.append((1 + (float(w @ x) + b) / size, 1 + (float(v @ z) + c) / size))
    return pairs


def measure_folded(fold: Any, at: Data) -> Pairs:
    """Compare a layer on scaled input with the folded layer on raw input."""
    scaling = at.fit()
    folded = fold(scaling, at.weights, at.biases)
    return compared_layers(at, folded, scaling, (at.weights, at.biases))


def measure_unfolded(unfold: Any, at: Data) -> Pairs:
    """Compare a layer on raw input with the unfolded layer on scaled input."""
    scaling = at.fit()
    unfolded = unfold(scaling, at.weights, at.biases)
    return compared_layers(at, (at.weights, at.biases), scaling, unfolded)


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
    cases=60,
)


UNFOLD = Claim(
    id="nets.scaling-unfold",
    statement="W T^-1 and b + W mean do to T (x - mean) what W and b do to raw input: the inverse "
    "of folding.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_data,
    measure=each(measure_unfolded),
    subject=InputScaling.unfold,
    planted={
        "folded once more": InputScaling.fold,
        "the mean left out": lambda scaling, W, b: (scaling.unfold(W, b)[0], b),
        "the mean of scaled weights": lambda scaling, W, b: (
            scaling.unfold(W, b)[0],
            b + scaling.unfold(W, b)[0] @ scaling.mean,
        ),
    },
    tolerance=1e-9,
    hypotheses=METRIC.hypotheses,
    cases=60,
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

CLAIMS = (METRIC, SCALING_FOLD, UNFOLD, SCALING_LAYER, RUNNING)
