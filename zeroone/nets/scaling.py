"""Centre, scale and partly whiten the input, and fold all of that into the first layer afterwards.

Means are removed and one global scale is divided out, so that the mean variance of a feature is 1;
before that, features in different units may each be divided by their standard deviation. Proximal
steps measure moves of W in the metric of M = (G + delta I)/(1 + delta) with G the covariance
(docs/theory.md#b2): that is the same as training in the coordinates z = L^{-1} x, M = L L^T, where
the metric is the identity. Directions of a variance far above delta are shrunk, the others stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.nets.layers import Layer, Shape
from zeroone.support.rows import row_blocks
from zeroone.support.validation import FloatArray, check_number

# Rows that are converted to floats at a time.
BLOCK = 4096


class Scaling(Layer):
    """The first layer of a network that takes raw images: V = factor (X - mean), not learned.

    It stays a layer, for the border of zeros that a convolution adds lies around the scaled image.

    Parameters
    ----------
    mean : ndarray, shape (channels,), or any that broadcasts to the input's
    factor : float

    Raises
    ------
    ValueError
        If `factor` is not a finite number.
    """

    kind = "scaling"

    def __init__(self, mean: FloatArray, factor: float) -> None:
        self.mean, self.factor = mean, check_number("factor", factor, minimum=-np.inf)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input, to which that of the mean must broadcast."""
        if self.mean.ndim > len(shape) or any(
            size not in (1, wanted)
            for size, wanted in zip(self.mean.shape[::-1], shape[::-1], strict=False)
        ):
            raise ValueError(f"it has means of shape {self.mean.shape} for an input of {shape}")
        return shape

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the scaled images, in the precision of `mean`, also of bytes."""
        result = np.subtract(V, self.mean, dtype=self.mean.dtype)
        result *= self.factor
        return result

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G factor."""
        return G * G.dtype.type(self.factor)

    def arguments(self) -> dict[str, Any]:
        """Return mean and factor."""
        return {"mean": self.mean, "factor": self.factor}


@dataclass(frozen=True)
class InputScaling:
    """The map x -> T (x - mean).

    Parameters
    ----------
    mean : ndarray, shape (n_features,)
    transform : ndarray, shape (n_features, n_features), (n_features,) or ()
        T; if the input is not whitened its diagonal, or one number if that is all the same.
    """

    mean: FloatArray
    transform: FloatArray

    @classmethod
    def fit(
        cls,
        X: NDArray[Any],
        whitening: float | None,
        sample_weight: FloatArray | None = None,
        standardise: bool = False,
    ) -> InputScaling:
        """Choose the map from the data.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Of any real type; it is converted a block of rows at a time.
        whitening : float or None
            delta, in units of the mean variance of a feature, > 0; None for no whitening.
        sample_weight : ndarray, shape (n_samples,), optional
            How much each sample counts in means and variances.
        standardise : bool, default False
            Divide each feature by its standard deviation first, so that all count the same
            whatever their units are; one that is constant stays as it is.

        Returns
        -------
        InputScaling
            Of a constant input, only the mean is removed.

        Raises
        ------
        ValueError
            If features are so large that their variance overflows.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            if sample_weight is None:
                mean = X.mean(axis=0, dtype=np.float64)
            else:
                mean = weighted_mean(X, sample_weight)
            low, high = X.min(axis=0), X.max(axis=0)
            largest = max(
                float(high.max()) - float(mean.min()), float(mean.max()) - float(low.min())
            )
        # Squares of single precision are added up below.
        if not largest < 1e15:
            raise ValueError(
                f"X must hold numbers below 1e15 about their mean, but has {largest:g}"
            )
        # Of a constant feature, the mean may be a rounding error away.
        mean[low == high] = low[low == high]
        roots, total = None, float(len(X))
        if sample_weight is not None:
            roots = np.sqrt(sample_weight)[:, np.newaxis]
            total = float(sample_weight.sum())
        scales = feature_scales(X, mean, sample_weight) if standardise else np.array(1.0)
        if whitening is None:
            squares = 0.0
            for rows in row_blocks(len(X), BLOCK):
                centred = X[rows] - mean
                if standardise:
                    centred *= scales
                if roots is not None:
                    centred *= roots[rows]
                flat = centred.ravel()
                squares += float(flat @ flat)
            variance = squares / (total * X.shape[1])
            return cls(mean, scales / np.sqrt(variance) if variance > 0 else scales)
        covariance = np.zeros((X.shape[1], X.shape[1]))
        for rows in row_blocks(len(X), BLOCK):
            # Single precision is enough for a metric, and twice as fast.
            centred = X[rows] - mean
            if standardise:
                centred *= scales
            if roots is not None:
                centred *= roots[rows]
            single = centred.astype(np.float32)
            covariance += single.T @ single
        variance = float(np.trace(covariance)) / (total * X.shape[1])
        scale = 1 / np.sqrt(variance) if variance > 0 else 1.0
        metric = covariance * (scale**2 / total)
        metric.flat[:: len(metric) + 1] += whitening
        factor = np.linalg.cholesky(metric / (1 + whitening))
        return cls(mean, scale * np.linalg.inv(factor) * scales)

    def apply(self, X: NDArray[Any], dtype: np.dtype[Any]) -> FloatArray:
        """Return the scaled input, shape (n_samples, n_features)."""
        result = np.empty(X.shape, dtype)
        transform = self.transform.astype(dtype)
        for rows in row_blocks(len(X), BLOCK):
            centred = (X[rows] - self.mean).astype(dtype)
            result[rows] = centred @ transform.T if transform.ndim == 2 else centred * transform
        return result

    def lazily(self, X: NDArray[Any], dtype: np.dtype[Any]) -> ScaledRows:
        """Return what gives the scaled input a few rows at a time."""
        return ScaledRows(X, self, np.dtype(dtype))

    def layer(self, image_shape: Sequence[int], dtype: np.dtype[Any]) -> Scaling:
        """Return the layer that does the same to images, with one mean a channel.

        A network may see an image through a window that stands anywhere, so that a mean for each
        pixel would have no place.

        Raises
        ------
        ValueError
            If the input is whitened or standardised.
        """
        if self.transform.ndim:
            raise ValueError(
                "whitening must be None and standardise False for images that go into a network as "
                "they are"
            )
        means = self.mean.reshape(tuple(image_shape)).mean(axis=(0, 1))
        return Scaling(means.astype(dtype), float(self.transform))

    def fold(self, weights: FloatArray, biases: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases that do to the raw input what these do to the scaled one.

        Parameters
        ----------
        weights : ndarray, shape (n_units, n_features)
            Of the first layer.
        biases : ndarray, shape (n_units,)

        Returns
        -------
        weights : ndarray, shape (n_units, n_features)
        biases : ndarray, shape (n_units,)
        """
        rows = weights.astype(np.float64)
        raw = rows @ self.transform if self.transform.ndim == 2 else rows * self.transform
        return raw.astype(weights.dtype), (biases - raw @ self.mean).astype(biases.dtype)

    def unfold(self, weights: FloatArray, biases: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases that do to the scaled input what these do to the raw one.

        The inverse of `fold`; arguments and result as there.
        """
        rows = weights.astype(np.float64)
        if self.transform.ndim == 2:
            scaled = np.linalg.solve(self.transform.T, rows.T).T
        else:
            scaled = rows / self.transform
        return scaled.astype(weights.dtype), (biases + rows @ self.mean).astype(biases.dtype)


def weighted_mean(X: NDArray[Any], sample_weight: FloatArray) -> FloatArray:
    """Return the weighted mean of the rows in double precision, a block of them at a time."""
    total = np.zeros(X.shape[1])
    for rows in row_blocks(len(X), BLOCK):
        total += sample_weight[rows] @ X[rows].astype(np.float64)
    return total / sample_weight.sum()


def feature_scales(
    X: NDArray[Any], mean: FloatArray, sample_weight: FloatArray | None = None
) -> FloatArray:
    """Return 1/(standard deviation) of each feature, and 1 for one that is constant.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    mean : ndarray, shape (n_features,)
        Of a constant feature, exactly its value.
    sample_weight : ndarray, shape (n_samples,), optional

    Returns
    -------
    ndarray, shape (n_features,)
    """
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    squares = np.zeros(X.shape[1])
    for rows in row_blocks(len(X), BLOCK):
        squares += weight[rows] @ (X[rows] - mean) ** 2
    varies = squares > 0
    scales = np.ones(X.shape[1])
    scales[varies] = np.sqrt(weight.sum() / squares[varies])
    return scales


class ScaledRows:
    """Scaled input of which rows are made when they are asked for, ``rows[indices]``.

    A data set of bytes stays one: as floats it would take four or eight times the memory.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        The input as it came, of any real type.
    scaling : InputScaling
    dtype : numpy.dtype
        Of the rows.
    """

    def __init__(self, X: NDArray[Any], scaling: InputScaling, dtype: np.dtype[Any]) -> None:
        self.X, self.scaling, self.dtype, self.shape = X, scaling, dtype, X.shape

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> FloatArray:
        return self.scaling.apply(self.X[rows], self.dtype)


class PickedRows:
    """Some rows of others, perhaps several times, made when they are asked for.

    Parameters
    ----------
    rows : ndarray or ScaledRows, shape (n_samples, ...)
    picked : ndarray of int, shape (n_picked,)
        Which rows these are.
    """

    def __init__(self, rows: NDArray[Any] | ScaledRows, picked: NDArray[np.intp]) -> None:
        self.rows, self.picked = rows, picked
        self.dtype, self.shape = rows.dtype, (len(picked), *rows.shape[1:])

    def __len__(self) -> int:
        return len(self.picked)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> FloatArray:
        return self.rows[self.picked[rows]]


# What a solver needs of its input: it only ever takes some rows.
Rows = FloatArray | ScaledRows | PickedRows
