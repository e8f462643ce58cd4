"""Centre, scale and partly whiten the input, and fold all of that into the first layer afterwards.

Pixel means are removed and one global scale is divided out, so that the mean variance of a feature
is 1. Proximal steps measure moves of W in the metric of M = (G + delta I)/(1 + delta) with G the
covariance (docs/theory.md#b2): that is the same as training in the coordinates z = L^{-1} x, M = L
L^T, where the metric is the identity. Directions of a variance far above delta are shrunk, the
others stay.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.support.rows import row_blocks
from zeroone.support.validation import FloatArray

# Rows that are converted to floats at a time.
BLOCK = 4096


@dataclass(frozen=True)
class InputScaling:
    """The map x -> T (x - mean).

    Parameters
    ----------
    mean : ndarray, shape (n_features,)
    transform : ndarray, shape (n_features, n_features) or ()
        T, or one number if the input is not whitened.
    """

    mean: FloatArray
    transform: FloatArray

    @classmethod
    def fit(cls, X: NDArray[Any], whitening: float | None) -> "InputScaling":
        """Choose the map from the data.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Of any real type; it is converted a block of rows at a time.
        whitening : float or None
            delta, in units of the mean variance of a feature, > 0; None for no whitening.

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
            mean = X.mean(axis=0, dtype=np.float64)
            largest = max(
                float(np.max(X)) - float(mean.min()), float(mean.max()) - float(np.min(X))
            )
        # Squares of single precision are added up below.
        if not largest < 1e15:
            raise ValueError(
                f"X must hold numbers below 1e15 about their mean, but has {largest:g}"
            )
        if whitening is None:
            squares = 0.0
            for rows in row_blocks(len(X), BLOCK):
                centred = (X[rows] - mean).ravel()
                squares += float(centred @ centred)
            variance = squares / X.size
            return cls(mean, np.array(1 / np.sqrt(variance) if variance > 0 else 1.0))
        covariance = np.zeros((X.shape[1], X.shape[1]))
        for rows in row_blocks(len(X), BLOCK):
            # Single precision is enough for a metric, and twice as fast.
            centred = (X[rows] - mean).astype(np.float32)
            covariance += centred.T @ centred
        variance = float(np.trace(covariance)) / X.size
        scale = 1 / np.sqrt(variance) if variance > 0 else 1.0
        metric = covariance * (scale**2 / len(X))
        metric.flat[:: len(metric) + 1] += whitening
        factor = np.linalg.cholesky(metric / (1 + whitening))
        return cls(mean, scale * np.linalg.inv(factor))

    def apply(self, X: NDArray[Any], dtype: np.dtype[Any]) -> FloatArray:
        """Return the scaled input, shape (n_samples, n_features)."""
        result = np.empty(X.shape, dtype)
        transform = self.transform.astype(dtype)
        for rows in row_blocks(len(X), BLOCK):
            centred = (X[rows] - self.mean).astype(dtype)
            result[rows] = centred @ transform.T if transform.ndim else centred * transform
        return result

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
        raw = rows @ self.transform if self.transform.ndim else rows * self.transform
        return raw.astype(weights.dtype), (biases - raw @ self.mean).astype(biases.dtype)
