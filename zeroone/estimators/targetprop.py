"""The classifier over target propagation and the straight-through family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.datasets.shifts import check_images
from zeroone.estimators.base import NetworkClassifier
from zeroone.estimators.sparse import SparseTraining
from zeroone.losses import HiddenLoss
from zeroone.nets.architectures import architecture, mlp
from zeroone.nets.augmentation import Augmentation
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Chain, Layer
from zeroone.nets.network import Network
from zeroone.nets.scaling import Rows
from zeroone.penalties import Penalty
from zeroone.steps import History, Step
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import check_hidden, check_integer
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import (
    Fetch,
    TargetState,
    finished,
    start,
    start_network,
    train,
)
from zeroone.targetprop.splitting import SplittingOptions, Zeros, zeros_by_layer

Architecture = Callable[..., Network]


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
    dtype : {"float32", "float64"}, optional
        Working precision; by default float32 for float32 input and float64 for any other, but
        float32 for any input of a `network`.
    random_state : int, numpy.random.Generator or None, default 0
        Seed.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
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
        Number of features, and of epochs run.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = FTPropClassifier(hidden=50, epochs=5).fit(data.X_train, data.y_train)
    >>> classifier.score(data.X_test, data.y_test) > 0.85
    True
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
        self._options()
        self._splitting_options()
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

    def _activation(self) -> dict[str, Any]:
        return {"activation": self.activation, "levels": self.levels}

    def _new_state(self, data: Rows, rng: np.random.Generator) -> TargetState:
        """Return the state of a net with random weights for scaled input."""
        if self.network is not None:
            # Its own layer drops inputs, after these have been scaled.
            options = replace(self._options(), dropout=0.0)
            return start_network(self._untrained(data.shape[1:], rng), options, rng)
        sizes, n_classes = check_hidden(self.hidden), len(self.classes_)
        return start(data.shape[1], n_classes, sizes, self._options(), rng, data.dtype)

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
        scaling = self.scaling_.layer(image_shape, dtype)
        dropout = [Dropout(self.dropout, rng)] if self.dropout > 0 else []
        return Network([*before, scaling, *dropout, *network.layers], image_shape)

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

    def _fetch(self, X: NDArray[Any], rng: np.random.Generator) -> Fetch | None:
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

    def _start(self, data: Rows, indices: NDArray[np.intp]) -> None:
        if self.penalty is not None:
            raise ValueError(
                "penalty must be None for partial_fit: lam and beta have no last value"
            )
        self._forget_pair()
        self.state_ = self._new_state(data, np.random.default_rng(self.random_state))

    def _one_pass(self, data: Rows, indices: NDArray[np.intp]) -> Iterator[Step]:
        rate = schedule_value("learning_rate", self.learning_rate, 2, 3)
        once = replace(self._options(), epochs=1, decay="constant", learning_rate=rate)
        if self.network is not None:
            once = replace(once, dropout=0.0)
        return train(data, indices, self.state_, once)

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        self.history_ = History()
        self._forget_pair()
        data = self._rows(X)
        rng = np.random.default_rng(self.random_state)
        self.state_ = self._new_state(data, rng)
        options = self._options() if self.network is None else replace(self._options(), dropout=0.0)
        if self.penalty is None:
            steps = train(data, indices, self.state_, options, fetch=self._fetch(X, rng))
        else:
            images = self._raw_images(X)
            self.pair_ = SparseTraining(
                self.state_, images, indices, options, self._splitting_options(), self.refit_epochs
            )
            steps = self.pair_.steps()
        for step in steps:
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        self.n_iter_ = self.state_.epoch
        self.network_ = self.snapshot()
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
