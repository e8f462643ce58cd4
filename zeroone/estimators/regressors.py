"""The regressors: each solver with numbers as targets instead of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from zeroone.estimators.base import Start
from zeroone.estimators.regression import NetworkRegressor
from zeroone.estimators.training import FullBatchDescent, MiniBatchDescent, TargetTraining
from zeroone.losses import HiddenLoss
from zeroone.support.schedules import Schedule


class BCDRegressor(NetworkRegressor, MiniBatchDescent):
    """A net of 0/1 step units for numbers, trained by block coordinate descent on mini-batches.

    The loss is 1/2 |y - f|^2 of targets that are centred and scaled, one output at a time.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    epochs : int, default 30
        Passes over the data.
    batch_size, passes, forgetting, proximal, proximity, layerwise
        See `zeroone.bcd.BatchOptions`.
    tau, tau_schedule, margin, remedy, gamma, lam, initialisation
        As in `BCDClassifier`.
    whitening, standardise, dtype, warm_start, initial_network, random_state
        As in `BCDClassifier`.

    Attributes
    ----------
    network_ : ZeroOneMLP
        The trained network, for input as it was passed to `fit`; its outputs are the predictions.
    target_mean_, target_scale_ : ndarray, shape (n_outputs,)
        Mean and deviation of each output on the training data.
    history_ : History
        The objective by term of the last batch of each epoch, a row an epoch.
    n_features_in_, n_outputs_, n_iter_ : int
        Number of features, of outputs, and of epochs run.

    Notes
    -----
    Sample weights are those of `BCDClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    >>> y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2
    >>> regressor = BCDRegressor(hidden=100, epochs=10).fit(X[:800], y[:800])
    >>> regressor.score(X[800:], y[800:]) > 0.8
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 200,
        *,
        epochs: int = 30,
        batch_size: int | None = None,
        tau: float | Sequence[float] = 0.5,
        tau_schedule: Schedule = 1.0,
        margin: float = 0.1,
        remedy: str = "margin",
        gamma: float = 0.01,
        lam: float = 0.0,
        initialisation: str = "differences",
        passes: int = 1,
        forgetting: float = 0.1,
        proximal: str = "samples",
        proximity: Schedule = (1.0, 20.0),
        layerwise: bool = True,
        whitening: float | None = 50.0,
        standardise: bool = False,
        dtype: str | None = None,
        warm_start: bool = False,
        initial_network: Start | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.tau = tau
        self.tau_schedule = tau_schedule
        self.margin = margin
        self.remedy = remedy
        self.gamma = gamma
        self.lam = lam
        self.initialisation = initialisation
        self.passes = passes
        self.forgetting = forgetting
        self.proximal = proximal
        self.proximity = proximity
        self.layerwise = layerwise
        self.whitening = whitening
        self.standardise = standardise
        self.dtype = dtype
        self.warm_start = warm_start
        self.initial_network = initial_network
        self.random_state = random_state

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Go on training with one pass over some samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. The samples of the first call also decide how input and targets are
            centred and scaled, and the first weights.

        Returns
        -------
        BCDRegressor

        Raises
        ------
        ValueError
            As `fit`.
        """
        return self._partial_fit(X, y, sample_weight)


class FullBatchBCDRegressor(NetworkRegressor, FullBatchDescent):
    """A net of 0/1 step units for numbers, trained by block coordinate descent on all data at once.

    The reference form, whose objective never rises at any block update (`zeroone.bcd.full_batch`);
    the targets are centred and scaled, one output at a time.

    Parameters
    ----------
    hidden, epochs, splitting, tau, tau_schedule, pi, margin, remedy, gamma, lam, groups, order
        As in `FullBatchBCDClassifier`.
    initialisation, whitening, standardise, dtype, warm_start, initial_network, random_state
        As in `FullBatchBCDClassifier`.

    Attributes
    ----------
    network_, target_mean_, target_scale_, n_features_in_, n_outputs_, n_iter_
        As in `BCDRegressor`.
    history_ : History
        The objective by term, a row a block update.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    >>> Y = np.column_stack([np.sin(3 * X[:, 0]), X[:, 1] ** 2])
    >>> regressor = FullBatchBCDRegressor(hidden=100, epochs=10, tau=0.01).fit(X, Y)
    >>> regressor.predict(X[:3]).shape
    (3, 2)
    >>> regressor.score(X, Y) > 0.8
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 200,
        *,
        epochs: int = 30,
        splitting: str = "two",
        tau: float | Sequence[float] = 0.5,
        tau_schedule: Schedule = 1.0,
        pi: float | Sequence[float] = 1.0,
        margin: float = 0.1,
        remedy: str = "margin",
        gamma: float | Sequence[float] = 0.01,
        lam: float | Sequence[float] = 0.0,
        groups: str = "rows",
        order: str | Sequence[str] = "backward",
        initialisation: str = "differences",
        whitening: float | None = 50.0,
        standardise: bool = False,
        dtype: str | None = None,
        warm_start: bool = False,
        initial_network: Start | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.splitting = splitting
        self.tau = tau
        self.tau_schedule = tau_schedule
        self.pi = pi
        self.margin = margin
        self.remedy = remedy
        self.gamma = gamma
        self.lam = lam
        self.groups = groups
        self.order = order
        self.initialisation = initialisation
        self.whitening = whitening
        self.standardise = standardise
        self.dtype = dtype
        self.warm_start = warm_start
        self.initial_network = initial_network
        self.random_state = random_state


class FTPropRegressor(NetworkRegressor, TargetTraining):
    """A net of step units for numbers, trained by mini-batch feasible target propagation.

    The output layer has the squared loss, of targets that are centred and scaled one output at a
    time; the hidden units learn as those of `FTPropClassifier`.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    activation, levels, loss, surrogate, weighting
        Of the hidden units, as in `FTPropClassifier`.
    epochs : int, default 30
        Passes over the data.
    batch_size : int, optional
        Samples in a batch; by default a hundredth of the data, but from 10 to 100.
    optimiser, learning_rate, decay, decay_at, momentum, weight_decay, normalise, dropout
        See `zeroone.targetprop.TargetOptions`.
    whitening, standardise, dtype, warm_start, initial_network, random_state
        As in `FTPropClassifier`, without `network`.

    Attributes
    ----------
    network_ : ZeroOneMLP
        The trained network, for input as it was passed to `fit`; its outputs are the predictions.
    target_mean_, target_scale_ : ndarray, shape (n_outputs,)
        Mean and deviation of each output on the training data.
    history_ : History
        The losses of the layers on the last batch of each epoch.
    n_features_in_, n_outputs_, n_iter_ : int
        Number of features, of outputs, and of epochs run.

    Notes
    -----
    Sample weights are those of `FTPropClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    >>> y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2
    >>> regressor = FTPropRegressor(hidden=100, learning_rate=0.01).fit(X[:800], y[:800])
    >>> regressor.score(X[800:], y[800:]) > 0.8
    True
    """

    # The loss of the output layer.
    output = "squared-error"

    def __init__(
        self,
        hidden: int | Sequence[int] = 200,
        *,
        activation: str = "sign",
        levels: int | None = None,
        loss: str | HiddenLoss = "soft_hinge",
        surrogate: str = "identity",
        weighting: str = "magnitude",
        epochs: int = 30,
        batch_size: int | None = None,
        optimiser: str = "adam",
        learning_rate: Schedule = 2e-3,
        decay: str = "cosine",
        decay_at: float | tuple[float, ...] = 0.6,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        normalise: bool = False,
        dropout: float = 0.0,
        whitening: float | None = None,
        standardise: bool = False,
        dtype: str | None = None,
        warm_start: bool = False,
        initial_network: Start | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.levels = levels
        self.loss = loss
        self.surrogate = surrogate
        self.weighting = weighting
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.decay = decay
        self.decay_at = decay_at
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.normalise = normalise
        self.dropout = dropout
        self.whitening = whitening
        self.standardise = standardise
        self.dtype = dtype
        self.warm_start = warm_start
        self.initial_network = initial_network
        self.random_state = random_state

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Go on training with one pass over some samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. The samples of the first call also decide how input and targets are
            centred and scaled.

        Returns
        -------
        FTPropRegressor

        Raises
        ------
        ValueError
            As `fit`.

        Notes
        -----
        Nobody knows how many samples will come, so the learning rate does not decay.
        """
        return self._partial_fit(X, y, sample_weight)
