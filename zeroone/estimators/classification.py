"""What the classifiers share: labels, classes, weights of classes, scores and probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.estimators.base import NetworkEstimator
from zeroone.estimators.conventions import check_labels
from zeroone.estimators.probabilities import fit_temperature, log_probabilities, probabilities
from zeroone.estimators.samples import Samples, check_weights, class_weights
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import Network
from zeroone.steps import Step
from zeroone.support.validation import FloatArray, check_number


class NetworkClassifier(NetworkEstimator):
    """An estimator whose outputs are the scores of classes.

    A subclass has the parameters ``class_weight`` and ``calibration``.
    """

    estimator_type = "classifier"
    classes_: NDArray[Any]
    temperature_: float
    class_weight: dict[Any, float] | str | None = None
    calibration: float = 0.0

    # ------------------------------------------------------------------------------- training

    def _training(self, samples: Samples) -> Iterator[Step]:
        self.temperature_ = 1.0
        part = check_number("calibration", self.calibration)
        if part >= 1:
            raise ValueError(f"calibration must be a number >= 0 and < 1, but is {part}")
        if part == 0:
            return super()._training(samples)
        n_held = max(1, round(part * len(samples.X)))
        if n_held >= len(samples.X):
            raise ValueError(
                f"calibration must leave samples to train on, but {part} of {len(samples.X)} "
                "different ones does not"
            )
        order = np.random.default_rng(self.random_state).permutation(len(samples.X))
        training = super()._training(samples.some(np.sort(order[n_held:])))
        return self._calibrated(training, samples.some(order[:n_held]))

    def _calibrated(self, training: Iterator[Step], held: Samples) -> Iterator[Step]:
        """Yield the steps of a training, and fit the temperature after the last."""
        yield from training
        scores = self.network_.decision_function(held.X)
        self.temperature_ = fit_temperature(scores, held.targets, held.weight)

    def _partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: ArrayLike | None = None,
    ) -> Any:
        if not hasattr(self, "state_"):
            if classes is None:
                raise ValueError("classes must be passed to the first call of partial_fit")
            self.temperature_ = 1.0
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight must not be "balanced" for partial_fit, which does not know how many '
                "samples of a class will come; pass sample_weight"
            )
        if self.calibration != 0:
            raise ValueError("calibration must be 0 for partial_fit: there is no part to hold out")
        return super()._partial_fit(X, y, sample_weight, classes)

    # ---------------------------------------------------------------------------- the outputs

    def _check_targets(self, y: ArrayLike | None, n_samples: int) -> NDArray[Any]:
        return check_labels(y, n_samples)

    def _learn_targets(
        self, y: NDArray[Any], weight: FloatArray | None, classes: ArrayLike | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        known = np.unique(y if classes is None else np.asarray(classes))
        if len(known) < 2:
            raise ValueError(f"y must hold at least two classes, but has one class: {known[0]!r}")
        self.classes_ = known
        return self._more_targets(y, weight)

    def _more_targets(
        self, y: NDArray[Any], weight: FloatArray | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        """Return each label's place in `classes_`, and the weight with that of its class."""
        indices = np.searchsorted(self.classes_, y)
        indices[indices == len(self.classes_)] = 0
        if np.any(self.classes_[indices] != y):
            strange = np.unique(y[self.classes_[indices] != y])
            raise ValueError(f"y must hold labels among {self.classes_}, but has {strange}")
        weight = class_weights(self.class_weight, self.classes_, indices, weight)
        if weight is not None and not weight.any():
            raise ValueError("class_weight must not be zero for all classes of y")
        return indices, weight

    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _labels(self) -> NDArray[Any]:
        return np.array(self.classes_.tolist())

    def _check_outputs(self, network: ZeroOneMLP | Network) -> None:
        own = network.classes
        if own is not None and own.tolist() != self.classes_.tolist():
            raise ValueError(
                f"initial_network must have the classes {self.classes_.tolist()} of y, "
                f"but has {own.tolist()}"
            )

    # ------------------------------------------------------------------------------ prediction

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the scores of the classes.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples, n_classes) or (n_samples,)
            With two classes, the second's score less the first's.
        """
        scores = self._raw_scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class with the highest score, shape (n_samples,); the first of equal ones."""
        winners = self._raw_scores(X).argmax(axis=1)
        return self.classes_[winners]

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probabilities of the classes: the softmax of the scores at `temperature_`.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples, n_classes)
            In double precision. Rows sum to 1, and the first largest entry of each is that of the
            class that `predict` returns.

        Notes
        -----
        With ``calibration=0``, the default, `temperature_` is 1 and this is the plain softmax of
        the scores. Those of cross-entropy are made for it; those of a ridge regression or a hinge
        are not, and give probabilities that are far too even. With ``calibration=0.1`` a tenth of
        the samples is held out of the training, and the temperature of the largest likelihood on
        them is taken.
        """
        scores = self._raw_scores(X)
        return probabilities(scores, self.temperature_)

    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Return the logarithms of `predict_proba`, finite also where it is rounded to 0."""
        scores = self._raw_scores(X)
        return log_probabilities(scores, self.temperature_)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the fraction of samples whose class is predicted.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        sample_weight : array_like, shape (n_samples,), optional
            How much each sample counts, >= 0.
        """
        predicted = self.predict(X)
        weight = check_weights(sample_weight, len(predicted))
        return float(np.average(predicted == check_labels(y, len(predicted)), weights=weight))
