"""The classifier over target propagation and the straight-through family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.datasets.shifts import check_images
from zeroone.estimators.base import Start
from zeroone.estimators.classification import NetworkClassifier
from zeroone.estimators.samples import Samples
from zeroone.estimators.sparse import SparseTraining
from zeroone.estimators.training import TargetTraining
from zeroone.losses import OUTPUT_LOSSES, HiddenLoss
from zeroone.nets.architectures import architecture, mlp
from zeroone.nets.augmentation import Augmentation
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Chain, Layer
from zeroone.nets.network import Network
from zeroone.nets.scaling import PickedRows, Rows, Scaling
from zeroone.nets.units import HiddenUnits
from zeroone.penalties import Penalty
from zeroone.steps import Step
from zeroone.support.schedules import Schedule
from zeroone.support.validation import FloatArray, check_choice, check_integer
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import (
    Fetch,
    TargetState,
    finished,
    restarted,
    start_network,
)
from zeroone.targetprop.splitting import SplittingOptions, Zeros, zeros_by_layer

Architecture = Callable[..., Network]


class FTPropClassifier(NetworkClassifier, TargetTraining):
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
    optimiser, learning_rate, decay, decay_at, momentum, weight_decay, normalise, dropout
        See `zeroone.targetprop.TargetOptions`.
    network : str, callable or Network, optional
        Instead of dense layers of `hidden` units: "lenet", "convnet4", "convnet8", "alexnet",
        "resnet18" or "mlp" (with `hidden`), ``MODULE:NAME`` for a function of your own, such a
        function (see `zeroone.nets.architectures`), or an untrained network.
    width : float, default 1.0
        Factor on the number of filters and units of an architecture.
    penalty : {"l1", "l0", "tl1", "mcp", "scad", "group"}, Penalty or None, default None
        Train a sparse net u beside the one that learns, w, by this penalty; with `network` only.
        ``MODULE:NAME`` for a class of your own. See `zeroone.targetprop.splitting`.
    lam, beta : schedule, default (2.5e-6, 2.5e-3) and (1e-3, 1.0)
        Price of the penalty and stiffness of the coupling of w and u. Each is a number, or a pair
        (first, last) with a geometric path between. For "l0", u keeps the weights beyond
        sqrt(2 lam / beta).
    splitting : {"rvscgd", "admm"}, default "rvscgd"
        How w and u are coupled.
    threshold : {"absolute", "relative"}, default "absolute"
        Whether the penalty sees weights as they are or divided by the root mean square of their
        layer.
    sparse_layers : int, str or sequence of these, optional
        The layers that are made sparse: numbers, from 1 over the layers with weights, or kinds,
        "convolution" or "dense". By default all.
    refit_epochs : int, default 0
        Passes over the data afterwards that train the weights of u that are left.
    shift : int, default 0
        Move each batch of images, in a network each image, by up to this many pixels at random.
    flip : bool, default False
        Mirror each image with probability 1/2, left to right; with `network` only.
    crop : int, optional
        Height and width of a random window on each image; with `network` only. See
        `zeroone.nets.augmentation`.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels), for `network` and `shift`.
    whitening : float or None, default None
        Shrink input directions of a variance far above this many times the mean; None for none.
    standardise : bool, default False
        Divide each feature by its standard deviation first: the remedy where columns are in
        different units.
    dtype : {"float32", "float64"}, optional
        Working precision; by default float32 for float32 input and float64 for any other, but
        float32 for any input of a `network`.
    class_weight : dict, "balanced" or None, default None
        A factor on the weights of the samples of each class, 1 for those not named; "balanced"
        gives all classes the same total weight.
    calibration : float, default 0.0
        Part of the samples, below 1, that is held out of the training to fit the temperature of
        `predict_proba`. By default that is 1: the plain softmax, which is what the scores of
        cross-entropy are made for; those of ``output="hinge"`` are not.
    warm_start : bool, default False
        Whether a further `fit` goes on from the present weights, with the scaling of the input that
        the first one chose; the optimiser starts anew. Not with `penalty`.
    initial_network : str, path, ZeroOneMLP, Network or None, default None
        A network of the same sizes and units, or the file that holds one, whose weights are the
        first ones. With `network`, one that was trained with the same `network`; without,
        `normalise` must be False.
    random_state : int, numpy.random.Generator or None, default 0
        Seed.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    temperature_ : float
        What `predict_proba` divides the scores by.
    network_ : ZeroOneMLP or Network
        The trained network, for input as it was passed to `fit`; a `Network` if `network` is given.
        With `penalty` it is the sparse one, u, after the refit if there is one.
    dense_network_, sparse_network_ : Network
        With `penalty`: w, and u before the refit.
    zeros_ : list of Zeros
        With `penalty`: the zeros of `network_` by layer, the last entry those of all layers.
    history_ : History
        The losses of the layers on the last batch of each epoch.
    n_features_in_, n_iter_ : int
        Number of features, and of epochs run, those of earlier fits included after a warm start.

    Notes
    -----
    A sample of weight w is visited w times in an epoch, the last time as a fraction of a visit if w
    is no integer; see `zeroone.estimators.samples`. The loss of a batch is the weighted mean over
    its visits. If the weights add up to more than ten times the number of samples, they are scaled
    down to that for the visits. Batch normalisation counts every visit once.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = FTPropClassifier(hidden=50, epochs=5).fit(data.X_train, data.y_train)
    >>> classifier.score(data.X_test, data.y_test) > 0.85
    True
    >>> chances = classifier.predict_proba(data.X_test[:2])
    >>> chances.shape, chances.sum(axis=1).round(6).tolist()
    ((2, 10), [1.0, 1.0])
    """

    # Both networks, while they train.
    pair_: SparseTraining | None = None
    dense_network_: Network
    sparse_network_: Network
    zeros_: list[Zeros]

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
        decay_at: float | tuple[float, ...] = 0.6,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        normalise: bool = False,
        dropout: float = 0.0,
        network: str | Architecture | Network | None = None,
        width: float = 1.0,
        penalty: str | Penalty | None = None,
        lam: Schedule = (2.5e-6, 2.5e-3),
        beta: Schedule = (1e-3, 1.0),
        splitting: str = "rvscgd",
        threshold: str = "absolute",
        sparse_layers: int | str | Sequence[int | str] | None = None,
        refit_epochs: int = 0,
        shift: int = 0,
        flip: bool = False,
        crop: int | None = None,
        image_shape: Sequence[int] | None = None,
        whitening: float | None = None,
        standardise: bool = False,
        dtype: str | None = None,
        class_weight: dict[Any, float] | str | None = None,
        calibration: float = 0.0,
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
        self.output = output
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
        self.network = network
        self.width = width
        self.penalty = penalty
        self.lam = lam
        self.beta = beta
        self.splitting = splitting
        self.threshold = threshold
        self.sparse_layers = sparse_layers
        self.refit_epochs = refit_epochs
        self.shift = shift
        self.flip = flip
        self.crop = crop
        self.image_shape = image_shape
        self.whitening = whitening
        self.standardise = standardise
        self.dtype = dtype
        self.class_weight = class_weight
        self.calibration = calibration
        self.warm_start = warm_start
        self.initial_network = initial_network
        self.random_state = random_state

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Go on training with one pass over some samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        classes : array_like, optional
            All labels that will ever come; needed in the first call.
        sample_weight : array_like, shape (n_samples,), optional
            As for `fit`.

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
        return self._partial_fit(X, y, sample_weight, classes)

    def _splitting_options(self) -> SplittingOptions:
        return SplittingOptions(
            "l0" if self.penalty is None else self.penalty,
            self.lam,
            self.beta,
            self.splitting,
            self.threshold,
            self.sparse_layers,
        )

    def _check_parameters(self) -> None:
        check_choice("output", self.output, OUTPUT_LOSSES)
        if self.network is None:
            super()._check_parameters()
        else:
            self._options()
        self._splitting_options()
        if self.penalty is not None and self.warm_start:
            raise ValueError("warm_start must be False with penalty: u would begin anew")
        check_integer("refit_epochs", self.refit_epochs, minimum=0)
        if self.penalty is not None and self.network is None:
            raise ValueError(
                'penalty must be None without a network; network="mlp" has dense layers of hidden '
                "units"
            )
        if self.penalty is None and (self.refit_epochs or self.sparse_layers is not None):
            raise ValueError("refit_epochs and sparse_layers must not be given without penalty")
        if self.network is None:
            for name, unused in (("flip", False), ("crop", None), ("width", 1.0)):
                if getattr(self, name) != unused:
                    raise ValueError(f"{name} must be {unused} without a network")
        elif self.hidden != 200 and self.network is not mlp and self.network != "mlp":
            raise ValueError(
                "hidden must be 200 with a network other than mlp: it does nothing there"
            )
        elif self.whitening is not None:
            raise ValueError(
                "whitening must be None with a network, which takes images as they are"
            )
        elif self.standardise:
            raise ValueError("standardise must be False with a network: pixels have one unit")

    def _encoded(self, targets: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        return targets

    def _check_sizes(self) -> None:
        if (self.state_.network is None) != (self.network is None):
            raise ValueError("network must be as it was in the first fit for warm_start")
        if self.network is None:
            super()._check_sizes()

    def _new_state(self, data: Rows) -> TargetState:
        if self.network is None:
            return super()._new_state(data)
        if self._goes_on:
            return restarted(self.state_, self._trained_options(), self._epochs_before)
        # Its own layer drops inputs, after these have been scaled.
        network = self._untrained(data.shape[1:], self._rng)
        return start_network(network, self._trained_options(), self._rng)

    def _trained_options(self) -> TargetOptions:
        options = self._options()
        return options if self.network is None else replace(options, dropout=0.0)

    def _untrained(self, image_shape: tuple[int, ...], rng: np.random.Generator) -> Network:
        """Return the network that is to be trained, for raw images."""
        dtype = np.dtype(self.dtype or np.float32)
        before: list[Layer] = []
        if self.shift or self.flip or self.crop is not None:
            before.append(Augmentation(self.shift, self.flip, self.crop, rng))
        seen = Chain(before).output_shape(image_shape)
        if isinstance(self.network, Network):
            network = self.network.copy()
        else:
            make: Any = self.network
            if isinstance(make, str):
                make = architecture(make)
            given: dict[str, Any] = {"hidden": self.hidden} if make is mlp else {}
            network = make(
                seen,
                len(self.classes_),
                width=self.width,
                activation=self.activation,
                levels=self.levels,
                normalise=self.normalise,
                rng=rng,
                dtype=str(dtype),
                **given,
            )
        if (network.input_shape, network.n_outputs) != (seen, len(self.classes_)):
            raise ValueError(
                f"network must take images of shape {seen} and give {len(self.classes_)} scores, "
                f"but is {network!r}"
            )
        scaling: Layer = self.scaling_.layer(image_shape, dtype)
        if self.initial_network is not None:
            scaling, *layers = self._saved_layers(network)
            network = Network(layers, network.input_shape)
        dropout = [Dropout(self.dropout, rng)] if self.dropout > 0 else []
        return Network([*before, scaling, *dropout, *network.layers], image_shape)

    def _saved_layers(self, wanted: Network) -> list[Layer]:
        """Return the scaling and the layers of the network to start from, like those of another."""
        given = self._given_network()
        if not isinstance(given, Network):
            raise ValueError(f"initial_network must be a Network, but is {given!r}")
        own = [each for each in given.copy().layers if not isinstance(each, Augmentation | Dropout)]
        if not own or not isinstance(own[0], Scaling):
            raise ValueError(
                "initial_network must be one that this classifier trained, with the scaling of the "
                f"input as a layer, but is {given!r}"
            )

        def parts(layers: Sequence[Layer]) -> list[Any]:
            return [
                (
                    each.kind,
                    [array.shape for array in each.parameters],
                    each.units if isinstance(each, HiddenUnits) else None,
                )
                for each in layers
            ]

        if parts(own[1:]) != parts(wanted.layers) or given.dtype != wanted.dtype:
            raise ValueError(
                f"initial_network must have the layers of {wanted!r} after the scaling, "
                f"but is {given!r}"
            )
        return own

    def _check_images(self, n_features: int) -> None:
        if self.network is None:
            super()._check_images(n_features)
        else:
            check_images(self.image_shape, n_features)

    def _rows(self, X: NDArray[Any]) -> Rows:
        """Return scaled rows; for a network, the images as they are: it has a layer for that."""
        if self.network is None:
            return super()._rows(X)
        return self._raw_images(X)

    def _raw_images(self, X: NDArray[Any]) -> NDArray[Any]:
        return X.reshape(len(X), *check_images(self.image_shape, X.shape[1]))

    def _fetch(self, X: NDArray[Any] | PickedRows, rng: np.random.Generator) -> Fetch | None:
        # A network moves its images itself.
        return super()._fetch(X, rng) if self.network is None else None

    def snapshot(self) -> Any:
        """Return the network of the present weights, for raw input; it may be called at any step.

        Returns
        -------
        ZeroOneMLP or Network
            With the scaling of the input folded into the first layer, or as a first layer.
        """
        if self.pair_ is not None:
            return self._labelled(self.pair_.sparse())
        if hasattr(self, "zeros_"):  # trained; the live network may be that of w
            return self.network_
        live = getattr(getattr(self, "state_", None), "network", None)
        if live is None:
            return super().snapshot()
        return self._labelled(finished(live))

    def dense_snapshot(self) -> Network:
        """Return the present network of w, where `snapshot` returns that of u.

        Raises
        ------
        ValueError
            If the classifier is not trained with `penalty`.
        """
        if self.pair_ is not None:
            return self._labelled(self.pair_.dense())
        if not hasattr(self, "dense_network_"):
            raise ValueError("penalty must be given for there to be a dense network")
        return self.dense_network_

    def _labelled(self, network: Network) -> Network:
        """Return a network with the labels that it predicts."""
        labels = np.array(self.classes_.tolist())
        return Network(network.layers, network.input_shape, classes=labels)

    def _start(self, data: Rows, targets: NDArray[Any], weight: FloatArray | None) -> None:
        if self.penalty is not None:
            raise ValueError(
                "penalty must be None for partial_fit: lam and beta have no last value"
            )
        self._forget_pair()
        super()._start(data, targets, weight)

    def _steps_of_solver(
        self,
        data: Rows,
        targets: NDArray[Any],
        weight: FloatArray | None,
        raw: NDArray[Any] | PickedRows,
    ) -> Iterator[Step]:
        if self.penalty is None:
            return super()._steps_of_solver(data, targets, weight, raw)
        self.pair_ = SparseTraining(
            self.state_,
            data,
            targets,
            self._trained_options(),
            self._splitting_options(),
            self.refit_epochs,
            weight,
        )
        return self.pair_.steps()

    def _train(self, samples: Samples) -> Iterator[Step]:
        self._forget_pair()
        yield from super()._train(samples)
        if self.pair_ is not None:
            self.dense_network_ = self.dense_snapshot()
            before = self.pair_.sparse_before
            self.sparse_network_ = self.network_ if before is None else self._labelled(before)
            self.zeros_ = zeros_by_layer(self.network_.layers)
            self.pair_ = None  # it holds the data

    def _forget_pair(self) -> None:
        """Forget the networks of an earlier training with `penalty`."""
        self.pair_ = None
        for name in ("dense_network_", "sparse_network_", "zeros_"):
            self.__dict__.pop(name, None)
