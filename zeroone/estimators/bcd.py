"""The classifiers over block coordinate descent: the practical form and the reference form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.bcd import convolution, convolution_batches, filters, full_batch, mini_batch
from zeroone.bcd.regression import signed_targets
from zeroone.estimators.convolutional import Convolutional, FullBatchNetwork, single
from zeroone.nets.regions import RegionMeans
from zeroone.nets.scaling import Rows
from zeroone.steps import History, Step
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import check_hidden, check_integer


class BCDClassifier(Convolutional):
    """A net of 0/1 step units, trained by block coordinate descent on mini-batches.

    This is the practical form, without a guarantee of descent (`zeroone.bcd.mini_batch`);
    `FullBatchBCDClassifier` is the reference whose objective never rises.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    epochs : int, default 30
        Passes over the data. With `kernel` it may be 0: the filters stay random patches.
    batch_size, passes, targets, forgetting, proximal, proximity, layerwise
        See `zeroone.bcd.BatchOptions`.
    tau : float or sequence of float, default 0.5
        Price of a pre-activation that is not the one computed, one number or one a hidden layer.
    tau_schedule : schedule, default 1.0
        A factor on tau: a number, a pair (first, last), or a function.
    margin : float, default 0.1
        Half-width of the gap around the threshold for the remedy "margin".
    remedy : {"margin", "tiny"}, default "margin"
        What stands for the infimum over u > 0, which is not attained.
    gamma : float, default 0.01
        Ridge of the output layer, relative to one sample.
    lam : float, default 0.0
        Price of a neuron, relative to one sample: l2,0.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights.
    shift : int, default 0
        Move each batch of images by up to this many pixels at random.
    kernel : int, optional
        Instead of dense layers of `hidden` units, one layer of `filters` of this height and width,
        which see images of `image_shape`; `regions` share their bits (docs/theory.md#d5).
    filters : int, default 400
        Number of filters; with `kernel` only.
    regions : int, default 2
        Regions down and across whose bits are averaged; with `kernel` only.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels), for `kernel` and `shift`.
    whitening : float or None, default 50.0
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
        The trained network, for input as it was passed to `fit`: that of the last step.
    history_ : History
        The objective by term of the last batch of each epoch, a row an epoch.
    n_features_in_, n_iter_ : int
        Number of features, and of epochs run.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = BCDClassifier(hidden=50, epochs=3).fit(data.X_train, data.y_train)
    >>> classifier.score(data.X_test, data.y_test) > 0.85
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
        targets: str = "slack",
        forgetting: float = 0.1,
        proximal: str = "samples",
        proximity: Schedule = (1.0, 20.0),
        layerwise: bool = True,
        kernel: int | None = None,
        filters: int = 400,
        regions: int = 2,
        shift: int = 0,
        image_shape: Sequence[int] | None = None,
        whitening: float | None = 50.0,
        dtype: str | None = None,
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
        self.targets = targets
        self.forgetting = forgetting
        self.proximal = proximal
        self.proximity = proximity
        self.layerwise = layerwise
        self.kernel = kernel
        self.filters = filters
        self.regions = regions
        self.shift = shift
        self.image_shape = image_shape
        self.whitening = whitening
        self.dtype = dtype
        self.random_state = random_state

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Go on training with one pass over some samples.

        Parameters
        ----------
        X, y
            As for `fit`. The samples of the first call also decide how the input is centred and
            scaled, and the first weights.
        classes : array_like, optional
            All labels that will ever come; needed in the first call.

        Returns
        -------
        BCDClassifier

        Raises
        ------
        ValueError
            As `fit`; or if classes are missing in the first call, or a label is not among them.

        Notes
        -----
        The price of moving stays what the middle of its schedule is, since nobody knows how many
        samples will come; the output layer is that of the running averages; and a net of several
        hidden layers starts with all of them.
        """
        if self.kernel is not None:
            raise ValueError("kernel must be None: filters are fitted on all data, not on a stream")
        return self._partial_fit(X, y, classes)

    def _check_parameters(self) -> None:
        """Refuse parameters that are out of range."""
        if self._convolutional():
            self._convolution_options()
        else:
            self._options()

    def _options(self) -> mini_batch.BatchOptions:
        return mini_batch.BatchOptions(
            epochs=self.epochs,
            batch_size=self.batch_size,
            tau=self.tau,
            tau_schedule=self.tau_schedule,
            remedy=self.remedy,
            margin=self.margin,
            passes=self.passes,
            targets=self.targets,
            gamma=self.gamma,
            lam=self.lam,
            forgetting=self.forgetting,
            layerwise=self.layerwise,
            proximal=self.proximal,
            proximity=self.proximity,
            initialisation=self.initialisation,
        )

    def _convolution_options(self) -> convolution_batches.ConvolutionOptions:
        return convolution_batches.ConvolutionOptions(
            epochs=self.epochs,
            batch_size=self.batch_size,
            tau=single("tau", self.tau),
            remedy=self.remedy,
            margin=self.margin,
            targets=self.targets,
            gamma=self.gamma,
            proximal=self.proximal,
            proximity=self.proximity,
        )

    def _train_filters(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a training with a convolutional layer."""
        images, scaling = self._raw_images(X)
        signed = signed_targets(indices, len(self.classes_), scaling.mean.dtype)
        self.state_ = convolution_batches.start(
            images,
            len(self.classes_),
            scaling,
            kernel=self._kernel(),
            filters=self.filters,
            regions=self.regions,
            rng=np.random.default_rng(self.random_state),
        )
        steps = convolution_batches.epochs(images, signed, self.state_, self._convolution_options())
        for step in steps:
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        self.n_iter_ = self.epochs
        self.network_ = self.snapshot()

    def _start(self, data: Rows, indices: NDArray[np.intp]) -> None:
        """Set `state_` to that of a new network."""
        signed = signed_targets(indices, len(self.classes_), data.dtype)
        hidden, rng = check_hidden(self.hidden), np.random.default_rng(self.random_state)
        self.state_ = mini_batch.start(data, signed, hidden, self._options(), rng)

    def _one_pass(self, data: Rows, indices: NDArray[np.intp]) -> Iterator[Step]:
        """Go once over some samples, at the middle of the schedule of the price of moving."""
        middle = schedule_value("proximity", self.proximity, 2, 3)
        once = replace(self._options(), epochs=1, proximity=middle)
        signed = signed_targets(indices, len(self.classes_), self.state_.weights[0].dtype)
        return mini_batch.train(data, signed, self.state_, once)

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a whole training; the last one fits the output layer on all data."""
        self.history_ = History()
        if self.kernel is not None:
            yield from self._train_filters(X, indices)
            return
        data, options = self._rows(X), self._options()
        rng = np.random.default_rng(self.random_state)
        signed = signed_targets(indices, len(self.classes_), data.dtype)
        hidden, fetch = check_hidden(self.hidden), self._fetch(X, rng)
        for step in mini_batch.run_stages(data, signed, hidden, options, rng, fetch=fetch):
            self.state_ = step.state
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        last = mini_batch.output_step(data, signed, self.state_, options)
        self.n_iter_ = self.epochs
        self.network_ = self.snapshot()
        yield last


class FullBatchBCDClassifier(Convolutional):
    """A net of 0/1 step units, trained by block coordinate descent on all data at once.

    This is the reference form, whose objective never rises at any block update
    (`zeroone.bcd.full_batch`). The targets are one-hot.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    epochs : int, default 30
        Sweeps over all blocks.
    splitting, pi, groups, order
        See `zeroone.bcd.Options`.
    tau : float or sequence of float, default 0.5
        Price of a pre-activation that is not the one computed, one number or one a hidden layer.
    tau_schedule : schedule, default 1.0
        A factor on tau: a number, a pair (first, last), or a function.
    margin : float, default 0.1
        Half-width of the gap around the threshold for the remedy "margin".
    remedy : {"margin", "tiny"}, default "margin"
        What stands for the infimum over u > 0, which is not attained.
    gamma : float or sequence of float, default 0.01
        Ridge on the weights, one number or one a layer.
    lam : float or sequence of float, default 0.0
        Price of a neuron (or, with groups "columns", of an input of a layer): l2,0.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights.
    kernel, filters, regions, image_shape
        As in `BCDClassifier`.
    whitening, dtype, random_state
        As in `BCDClassifier`.

    Attributes
    ----------
    classes_, n_features_in_, n_iter_
        As in `BCDClassifier`.
    network_ : ZeroOneMLP
        The trained network, for input as it was passed to `fit`: that of the last step.
    history_ : History
        The objective by term, a row a block update.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = FullBatchBCDClassifier(hidden=50, epochs=3).fit(data.X_train, data.y_train)
    >>> objective = classifier.history_.column("objective")
    >>> objective == sorted(objective, reverse=True)
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
        kernel: int | None = None,
        filters: int = 400,
        regions: int = 2,
        image_shape: Sequence[int] | None = None,
        whitening: float | None = 50.0,
        dtype: str | None = None,
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
        self.kernel = kernel
        self.filters = filters
        self.regions = regions
        self.image_shape = image_shape
        self.whitening = whitening
        self.dtype = dtype
        self.random_state = random_state

    def _check_parameters(self) -> None:
        """Refuse parameters that are out of range."""
        check_integer("epochs", self.epochs)
        if self._convolutional():
            convolution.PooledOptions(**self._pooled_options())
        else:
            full_batch.Options(**self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "sweeps": self.epochs,
            "splitting": self.splitting,
            "remedy": self.remedy,
            "margin": self.margin,
            "tau": self.tau,
            "tau_schedule": self.tau_schedule,
            "pi": self.pi,
            "gamma": self.gamma,
            "lam": self.lam,
            "groups": self.groups,
            "order": self.order,
            "initialisation": self.initialisation,
        }

    def _pooled_options(self) -> dict[str, Any]:
        return {
            "sweeps": self.epochs,
            "tau": single("tau", self.tau),
            "gamma": single("gamma", self.gamma),
            "remedy": self.remedy,
            "margin": self.margin,
        }

    def _train_filters(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a training with a convolutional layer."""
        images, scaling = self._raw_images(X)
        scaled = scaling.forward(images, remember=False)
        some = scaled[: filters.IMAGES]
        before = filters.normalise_patches(some, self._kernel())
        patches = before.forward(scaled, remember=False)
        onehot = np.eye(len(self.classes_), dtype=patches.dtype)[indices]
        means = RegionMeans(self.regions)
        steps = convolution.iterate(
            patches,
            onehot,
            self.filters,
            regions=self.regions,
            rng=np.random.default_rng(self.random_state),
            **self._pooled_options(),
        )
        for step in steps:
            self.state_ = FullBatchNetwork(step.state, [scaling, before], means)
            self.history_.record_step(step)
            yield step
        self.n_iter_ = self.epochs
        self.network_ = self.snapshot()

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a whole training."""
        self.history_ = History()
        if self.kernel is not None:
            yield from self._train_filters(X, indices)
            return
        data = self._scaled(X)
        onehot = np.eye(len(self.classes_), dtype=data.dtype)[indices]
        rng = np.random.default_rng(self.random_state)
        for step in full_batch.iterate(data, onehot, self.hidden, rng=rng, **self._options()):
            self.state_ = step.state
            self.history_.record_step(step)
            yield step
        self.n_iter_ = self.epochs
        self.network_ = self.snapshot()
