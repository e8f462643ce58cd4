"""The classifier over target propagation and the straight-through family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.estimators.base import NetworkClassifier
from zeroone.losses import HiddenLoss
from zeroone.steps import History, Step
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import FloatArray, check_hidden
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import TargetState, start, train


class FTPropClassifier(NetworkClassifier):
    """A net of step units, trained by mini-batch feasible target propagation.

    With ``loss="linear"`` it is trained by the straight-through estimator, with
    ``loss="saturated_hinge"`` by the saturating one, and with a `surrogate` by one of ReLU type.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    activation : {"sign", "step", "staircase"}, default "sign"
        Of the hidden units.
    levels : int, optional
        Number of values of a staircase.
    loss : str or HiddenLoss, default "soft_hinge"
        Of the hidden units: "hinge", "saturated_hinge", "soft_hinge", "linear", "logistic",
        "squared_hinge", ``MODULE:NAME`` for a class of your own, or a loss; see `zeroone.losses`.
    surrogate : {"identity", "relu", "clipped_relu"}, default "identity"
        The mu in the margin t mu(z).
    weighting : {"magnitude", "equal"}, default "magnitude"
        How much a target matters: |e|, or all the same.
    output : {"cross-entropy", "hinge"}, default "cross-entropy"
        Loss of the output layer.
    epochs : int, default 30
        Passes over the data.
    batch_size : int, optional
        Samples in a batch; by default a hundredth of the data, but from 10 to 100.
    optimiser, learning_rate, decay, momentum, weight_decay, normalise, dropout
        See `zeroone.targetprop.TargetOptions`.
    shift : int, default 0
        Move each batch of images by up to this many pixels at random.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels), for `shift`.
    whitening : float or None, default None
        Shrink input directions of a variance far above this many times the mean; None for none.
    dtype : {"float32", "float64"}, optional
        Working precision; by default float32 for float32 input and float64 for any other.
    random_state : int, numpy.random.Generator or None, default 0
        Seed.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    network_ : ZeroOneMLP
        The trained network, for input as it was passed to `fit`.
    history_ : History
        The losses of the layers on the last batch of each epoch.
    n_features_in_, n_iter_ : int
        Number of features, and of epochs run.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = FTPropClassifier(hidden=50, epochs=5).fit(data.X_train, data.y_train)
    >>> classifier.score(data.X_test, data.y_test) > 0.85
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 200,
        *,
        activation: str = "sign",
        levels: int | None = None,
        loss: str | HiddenLoss = "soft_hinge",
        surrogate: str = "identity",
        weighting: str = "magnitude",
        output: str = "cross-entropy",
        epochs: int = 30,
        batch_size: int | None = None,
        optimiser: str = "adam",
        learning_rate: Schedule = 2e-3,
        decay: str = "cosine",
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        normalise: bool = False,
        dropout: float = 0.0,
        shift: int = 0,
        image_shape: Sequence[int] | None = None,
        whitening: float | None = None,
        dtype: str | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.levels = levels
        self.loss = loss
        self.surrogate = surrogate
        self.weighting = weighting
        self.output = output
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.decay = decay
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.normalise = normalise
        self.dropout = dropout
        self.shift = shift
        self.image_shape = image_shape
        self.whitening = whitening
        self.dtype = dtype
        self.random_state = random_state

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Go on training with one pass over some samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        classes : array_like, optional
            All labels that will ever come; needed in the first call.

        Returns
        -------
        FTPropClassifier

        Raises
        ------
        ValueError
            As `fit`; or if classes are missing in the first call, or a label is not among them.

        Notes
        -----
        The samples of the first call decide how the input is centred and scaled. Nobody knows how
        many will come, so the learning rate does not decay.
        """
        return self._partial_fit(X, y, classes)

    def _options(self) -> TargetOptions:
        return TargetOptions(
            **{each.name: getattr(self, each.name) for each in fields(TargetOptions)}
        )

    def _check_parameters(self) -> None:
        self._options()

    def _activation(self) -> dict[str, Any]:
        return {"activation": self.activation, "levels": self.levels}

    def _new_state(self, data: FloatArray, rng: np.random.Generator) -> TargetState:
        """Return the state of a net with random weights for scaled input."""
        sizes, n_classes = check_hidden(self.hidden), len(self.classes_)
        return start(data.shape[1], n_classes, sizes, self._options(), rng, data.dtype)

    def _start(self, data: FloatArray, indices: NDArray[np.intp]) -> None:
        self.state_ = self._new_state(data, np.random.default_rng(self.random_state))

    def _one_pass(self, data: FloatArray, indices: NDArray[np.intp]) -> Iterator[Step]:
        rate = schedule_value("learning_rate", self.learning_rate, 2, 3)
        once = replace(self._options(), epochs=1, decay="constant", learning_rate=rate)
        return train(data, indices, self.state_, once)

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        self.history_ = History()
        data = self._scaled(X)
        rng = np.random.default_rng(self.random_state)
        self.state_ = self._new_state(data, rng)
        steps = train(data, indices, self.state_, self._options(), fetch=self._fetch(X, rng))
        for step in steps:
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        self.n_iter_ = self.epochs
        self.network_ = self.snapshot()
