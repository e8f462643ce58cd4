"""What all estimators share: data, weights of samples, scaling of the input, where to start."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.datasets.shifts import check_image_shape, moved
from zeroone.estimators.conventions import Conventions, check_input
from zeroone.estimators.samples import Samples, check_weights, merged
from zeroone.estimators.scales import warn_of_dead_units, warn_of_scales
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import Network, load
from zeroone.nets.scaling import InputScaling, PickedRows, Rows
from zeroone.nets.units import Units
from zeroone.steps import History, Step
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_number,
    floating_dtype,
)

# Weights and biases of a layer.
Weights = tuple[FloatArray, FloatArray]
# A network, or the path of the file that holds it.
Start = str | os.PathLike[str] | ZeroOneMLP | Network


class NetworkEstimator(Conventions):
    """An estimator that trains a `ZeroOneMLP` step by step.

    Its subclasses are of two kinds. One says what the outputs mean (`NetworkClassifier`,
    `NetworkRegressor`): `_check_targets`, `_learn_targets`, `_more_targets`, `_encoded`,
    `_n_outputs`. The other says how to train: `_check_parameters` and `_train`, and for a stream of
    samples `_start` and `_one_pass`. An estimator that users see derives from one of each kind and
    has the parameters ``hidden``, ``whitening``, ``standardise``, ``dtype``, ``random_state``,
    ``warm_start`` and ``initial_network``; with ``shift`` and ``image_shape`` it can move images.
    While it trains, ``state_.layers()`` returns the present weights and biases of every layer, as
    pairs, for scaled input.
    """

    hidden: int | Sequence[int]
    shift: int = 0
    image_shape: Sequence[int] | None = None
    whitening: float | None
    standardise: bool = False
    dtype: str | None
    warm_start: bool = False
    initial_network: Start | None = None
    random_state: int | np.random.Generator | None
    state_: Any
    # A `ZeroOneMLP`, or a `Network` where the estimator was given one.
    network_: Any
    history_: History
    n_iter_: int
    # Whether the present training goes on from that of an earlier `fit`, and after which epoch.
    _goes_on: bool
    _epochs_before: int
    _rng: np.random.Generator

    # ------------------------------------------------------------------------------- training

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on all data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            For a classifier, labels of any type, of at least two classes, one a sample; for a
            regressor, numbers.
        sample_weight : array_like, shape (n_samples,), optional
            How often each sample counts, >= 0; by default once. Integer weights are the same as
            repeating samples, to the last bit; samples of weight 0 are left out.

        Returns
        -------
        Self

        Raises
        ------
        ValueError
            If the data or a parameter is not as it should be.
        """
        for _ in self.steps(X, y, sample_weight):
            pass
        return self

    def steps(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Iterator[Step]:
        """Train as `fit` does, and yield a step after every block update.

        The arguments are checked at once. `snapshot` gives the network at any step; after the last
        one, `network_` is the finished one.
        """
        self._goes_on = self._check_warm_start()
        samples = self._merged(self._gather(X, y, sample_weight, first=not self._goes_on))
        return self._training(samples)

    def _training(self, samples: Samples) -> Iterator[Step]:
        """Get ready, and return the steps of a whole training."""
        self._prepare(samples)
        return self._watched(samples)

    def _watched(self, samples: Samples) -> Iterator[Step]:
        """Yield the steps of a whole training, and look for dead units after the last."""
        yield from self._train(samples)
        warn_of_dead_units(self.network_, samples.X, self.standardise)

    def _partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Go on training with one pass over some samples."""
        first = not hasattr(self, "state_")
        samples = self._gather(X, y, sample_weight, first=first, classes=classes)
        if first:
            self._goes_on = False
            self._prepare(samples)
        data, targets, weight, _ = self._visited(samples)
        if first:
            self._start(data, targets, weight)
        for _ in self._one_pass(data, targets, weight):
            pass
        self.n_iter_ = self.state_.epoch
        self.network_ = self.snapshot()
        return self

    def _check_parameters(self) -> None:
        """Refuse parameters of the method that are out of range."""
        raise NotImplementedError

    def _train(self, samples: Samples) -> Iterator[Step]:
        """Yield the steps of a whole training, and set `network_` after the last."""
        raise NotImplementedError

    def _start(self, data: Rows, targets: NDArray[Any], weight: FloatArray | None) -> None:
        """Set `state_` to that of a new network."""
        raise NotImplementedError

    def _one_pass(
        self, data: Rows, targets: NDArray[Any], weight: FloatArray | None
    ) -> Iterator[Step]:
        """Go once over some samples with the present state."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------- the outputs

    def _check_targets(self, y: ArrayLike | None, n_samples: int) -> NDArray[Any]:
        """Return y as an array, one entry or row a sample."""
        raise NotImplementedError

    def _learn_targets(
        self, y: NDArray[Any], weight: FloatArray | None, classes: ArrayLike | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        """Learn what the outputs are; return targets and weights of the samples."""
        raise NotImplementedError

    def _more_targets(
        self, y: NDArray[Any], weight: FloatArray | None
    ) -> tuple[NDArray[Any], FloatArray | None]:
        """Return targets and weights of samples that come after the first."""
        raise NotImplementedError

    def _encoded(self, targets: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return what the solver compares the outputs with."""
        raise NotImplementedError

    def _learn_units(self, samples: Samples) -> None:
        """Learn in which units targets are trained on, if they have any."""

    def _n_outputs(self) -> int:
        """Return the number of outputs."""
        raise NotImplementedError

    def _fold_output(self, W: FloatArray, b: FloatArray) -> Weights:
        """Return the output layer that gives targets in the units in which they came."""
        return W, b

    def _unfold_output(self, W: FloatArray, b: FloatArray) -> Weights:
        """Return the output layer in training, the inverse of `_fold_output`."""
        return W, b

    # ------------------------------------------------------------------------------- the data

    def _gather(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        first: bool,
        classes: ArrayLike | None = None,
    ) -> Samples:
        """Check data and, for the first ones, the parameters; learn what the outputs are."""
        if first or self._goes_on:
            self._check_parameters()
            check_hidden(self.hidden)
            if self.dtype is not None:
                check_choice("dtype", self.dtype, ("float32", "float64"))
            if self.whitening is not None:
                check_number("whitening", self.whitening, minimum=1e-12, maximum=1e12)
            if not isinstance(self.standardise, bool | np.bool_):
                raise ValueError(f"standardise must be True or False, but is {self.standardise!r}")
        array = check_input("X", X)
        if first:
            self._check_images(array.shape[1])
        else:
            self._check_same_input(X, array)
        passed = len(array)
        weight = check_weights(sample_weight, passed)
        values = self._check_targets(y, passed)
        if weight is not None and not weight.all():
            some = weight > 0
            array, values, weight = array[some], values[some], weight[some]
        if first:
            targets, weight = self._learn_targets(values, weight, classes)
            self._remember_input(X, array.shape[1])
        else:
            targets, weight = self._more_targets(values, weight)
        return Samples(array, targets, weight, passed)

    def _merged(self, samples: Samples) -> Samples:
        """Return the samples with equal ones as one."""
        return merged(samples)

    def _prepare(self, samples: Samples) -> None:
        """Learn the scaling of the input, and forget an earlier training or go on from it."""
        if self._goes_on:
            self._check_sizes()
            self._epochs_before = self.n_iter_
        else:
            whitening, weight = self._input_whitening(), samples.relative_weight
            self.scaling_ = InputScaling.fit(samples.X, whitening, weight, self.standardise)
            if not self.standardise:
                warn_of_scales(samples.X, self.image_shape)
            self._learn_units(samples)
            self._epochs_before = 0
            self._rng = np.random.default_rng(self.random_state)
            self.__dict__.pop("state_", None)
        self.__dict__.pop("network_", None)

    def _input_whitening(self) -> float | None:
        """Return how the directions of the input are whitened, if they are."""
        return self.whitening

    def _check_images(self, n_features: int) -> None:
        """Refuse an image_shape that does not fit, if images are moved."""
        if self.shift != 0:
            check_image_shape(self.image_shape, self.shift, n_features)

    def _working_dtype(self, X: NDArray[Any]) -> np.dtype[Any]:
        return np.dtype(self.dtype) if self.dtype else floating_dtype(X)

    def _scaled(self, X: NDArray[Any]) -> FloatArray:
        return self.scaling_.apply(X, self._working_dtype(X))

    def _rows(self, X: NDArray[Any]) -> Rows:
        """Return what gives scaled rows: all of them at once only where that saves products.

        Whitening takes a product for every row, in every epoch again unless the rows are kept.
        Moved images are made anew in every epoch in any case.
        """
        if self.whitening is not None and self.shift == 0:
            return self._scaled(X)
        return self.scaling_.lazily(X, self._working_dtype(X))

    def _visited(
        self, samples: Samples
    ) -> tuple[Rows, NDArray[Any], FloatArray | None, NDArray[Any] | PickedRows]:
        """Return what an epoch of mini-batches visits: scaled rows, targets, weights, raw rows."""
        picked, weight = samples.visits()
        data, raw = self._rows(samples.X), samples.X
        if weight is not None:
            weight = weight.astype(data.dtype if data.dtype.kind == "f" else np.float32)
        if picked is None:
            return data, samples.targets, weight, raw
        if isinstance(data, PickedRows):
            raise TypeError("rows are picked once")
        return PickedRows(data, picked), samples.targets[picked], weight, PickedRows(raw, picked)

    def _fetch(
        self, X: NDArray[Any] | PickedRows, rng: np.random.Generator
    ) -> Callable[[NDArray[np.intp]], FloatArray] | None:
        """Return what makes a batch of moved images, or None without `shift`."""
        if self.shift == 0:
            return None
        shape = check_image_shape(self.image_shape, self.shift, X.shape[1])

        def fetch(rows: NDArray[np.intp]) -> FloatArray:
            down, right = rng.integers(-self.shift, self.shift + 1, size=2)
            return self._scaled(moved(X[rows], shape, int(down), int(right)))

        return fetch

    # ------------------------------------------------------------------------ where to start

    def _check_warm_start(self) -> bool:
        """Return whether the weights of an earlier training are the first of the next one."""
        if not isinstance(self.warm_start, bool | np.bool_):
            raise ValueError(f"warm_start must be True or False, but is {self.warm_start!r}")
        return bool(self.warm_start) and hasattr(self, "state_") and hasattr(self, "n_iter_")

    def _check_sizes(self) -> None:
        """Refuse to go on with a network of other hidden layers than asked for."""
        sizes = tuple(len(b) for _, b in self.state_.layers()[:-1])
        wanted = check_hidden(self.hidden)
        shrunk = len(sizes) == len(wanted) and all(
            size <= most for size, most in zip(sizes, wanted, strict=True)
        )
        if sizes != wanted and not (shrunk and self._removes_neurons()):
            raise ValueError(
                f"hidden must be {sizes} for warm_start to go on from the present network, "
                f"but is {wanted}"
            )

    def _removes_neurons(self) -> bool:
        """Return whether training may leave fewer hidden units than asked for."""
        return False

    def _given_layers(self) -> list[Weights] | None:
        """Return weights and biases to start from, for scaled input, or None for new ones."""
        if self._goes_on:
            return self.state_.layers()
        if self.initial_network is None:
            return None
        network = self._given_network()
        if not isinstance(network, ZeroOneMLP):
            raise ValueError(
                f"initial_network must be a multi-layer perceptron, but is {network!r}"
            )
        wanted = (self.n_features_in_, *check_hidden(self.hidden), self._n_outputs())
        if network.layer_sizes != wanted:
            raise ValueError(
                f"initial_network must have layers of sizes {wanted} for this input, hidden and "
                f"output, but has {network.layer_sizes}"
            )
        if network.units != Units(**self._activation()):
            raise ValueError(
                f"initial_network must have the units {Units(**self._activation())}, "
                f"but has {network.units}"
            )
        pairs = list(zip(network.weights, network.biases, strict=True))
        pairs[0] = self.scaling_.unfold(*pairs[0])
        pairs[-1] = self._unfold_output(*pairs[-1])
        return pairs

    def _given_network(self) -> ZeroOneMLP | Network:
        """Return the network to start from, read from its file if need be."""
        network = self.initial_network
        if isinstance(network, str | os.PathLike):
            try:
                network = load(network)
            except ValueError as error:
                raise ValueError(f"initial_network must be a network: {error}") from None
        if not isinstance(network, ZeroOneMLP | Network):
            raise ValueError(
                f"initial_network must be a network or the path of one, but is {network!r}"
            )
        self._check_outputs(network)
        return network

    def _check_outputs(self, network: ZeroOneMLP | Network) -> None:
        """Refuse a network to start from whose outputs mean something else."""

    # ----------------------------------------------------------------------------- the network

    def _activation(self) -> dict[str, Any]:
        """Return the keywords of `ZeroOneMLP` that say which hidden units it has."""
        return {"activation": "step"}

    def _labels(self) -> NDArray[Any] | None:
        """Return what the network is told about its outputs: their labels, if they have any."""
        return None

    def snapshot(self) -> Any:
        """Return the network of the present weights, for raw input; it may be called at any step.

        Returns
        -------
        ZeroOneMLP
            With the scaling of the input folded into the first layer.
        """
        if not hasattr(self, "state_"):
            self._check_fitted()
        layers = self.state_.layers()
        layers[0] = self.scaling_.fold(*layers[0])
        layers[-1] = self._fold_output(*layers[-1])
        weights, biases = zip(*layers, strict=True)
        return ZeroOneMLP(weights, biases, classes=self._labels(), **self._activation())

    def _raw_scores(self, X: ArrayLike) -> FloatArray:
        """Return the outputs of the network, shape (n_samples, n_outputs)."""
        self._check_fitted()
        array = check_input("X", X)
        self._check_same_input(X, array)
        return self.network_.decision_function(array)
