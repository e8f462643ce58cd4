"""What the regressors share: targets in units of their own, predictions and R^2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.estimators.base import NetworkEstimator, Weights
from zeroone.estimators.conventions import check_numbers
from zeroone.estimators.samples import Samples, check_weights
from zeroone.support.validation import FloatArray


class NetworkRegressor(NetworkEstimator):
    """An estimator whose outputs are numbers.

    Each output is trained on (y - mean)/deviation, so that parameters mean the same whatever the
    unit of y; mean and deviation go into the network's output layer afterwards.
    """

    estimator_type = "regressor"
    n_outputs_: int
    target_mean_: FloatArray
    target_scale_: FloatArray
    _one_number: bool

    def _check_targets(self, y: ArrayLike | None, n_samples: int) -> NDArray[Any]:
        return check_numbers(y, n_samples)

    def _learn_targets(
        self, y: NDArray[Any], weight: FloatArray | None, classes: ArrayLike | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        self._one_number = y.ndim == 1
        columns = y.reshape(len(y), -1)
        self.n_outputs_ = columns.shape[1]
        return columns, weight

    def _more_targets(
        self, y: NDArray[Any], weight: FloatArray | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y must have {self.n_outputs_} outputs as before, but has {columns.shape[1]}"
            )
        return columns, weight

    def _learn_units(self, samples: Samples) -> None:
        Y, weight = samples.targets, samples.relative_weight
        self.target_mean_ = np.average(Y, axis=0, weights=weight)
        squares = np.average(np.square(Y - self.target_mean_), axis=0, weights=weight)
        deviation = np.sqrt(squares)
        # Of a constant, rounding leaves a deviation that is nothing to divide by.
        negligible = 8 * np.finfo(float).eps * np.abs(Y).max(axis=0)
        self.target_scale_ = np.where(deviation > negligible, deviation, 1.0)

    def _encoded(self, targets: NDArray[Any], dtype: np.dtype[Any]) -> FloatArray:
        """Return targets of mean 0 and deviation 1."""
        return ((targets - self.target_mean_) / self.target_scale_).astype(dtype)

    def _n_outputs(self) -> int:
        return self.n_outputs_

    def _fold_output(self, W: FloatArray, b: FloatArray) -> Weights:
        scale = self.target_scale_
        raw = W * scale[:, np.newaxis], b * scale + self.target_mean_
        return raw[0].astype(W.dtype), raw[1].astype(b.dtype)

    def _unfold_output(self, W: FloatArray, b: FloatArray) -> Weights:
        scale = self.target_scale_
        own = W / scale[:, np.newaxis], (b - self.target_mean_) / scale
        return own[0].astype(W.dtype), own[1].astype(b.dtype)

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the predicted numbers.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)
            As `y` was when fitted.
        """
        outputs = self._raw_scores(X)
        return outputs[:, 0] if self._one_number else outputs

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2 = 1 - sum_n s_n (y_n - f_n)^2 / sum_n s_n (y_n - mean)^2.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional
            s, >= 0, in the mean, too; by default 1 each.

        Returns
        -------
        float
            The mean over the outputs. An output that is constant counts 1 if it is met exactly, and
            0 otherwise.
        """
        outputs = self._raw_scores(X).astype(np.float64)
        weight = check_weights(sample_weight, len(outputs))
        Y, _ = self._more_targets(check_numbers(y, len(outputs)), None)
        left = np.average(np.square(Y - outputs), axis=0, weights=weight)
        mean = np.average(Y, axis=0, weights=weight)
        all_ = np.average(np.square(Y - mean), axis=0, weights=weight)
        constant = all_ == 0
        result = 1 - left / np.where(constant, 1.0, all_)
        return float(np.mean(np.where(constant, left == 0, result)))
