"""What the classifiers share: data, labels, scaling of the input, prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.datasets.shifts import check_image_shape, moved
from zeroone.estimators.conventions import Conventions, check_input, check_labels
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.scaling import InputScaling, Rows
from zeroone.steps import History, Step
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_number,
    floating_dtype,
)


class NetworkClassifier(Conventions):
    """A classifier that trains a `ZeroOneMLP` step by step.

    A subclass has the parameters ``hidden``, ``whitening``, ``dtype`` and ``random_state``, and
    says how to train: `_check_parameters` and `_train`; with the parameters ``shift`` and
    ``image_shape`` it can move images, and with `_start` and `_one_pass` it can train on a stream
    of samples. While it trains, ``state_.layers()`` returns the present weights and biases of every
    layer, as pairs, for scaled input.
    """

    hidden: int | Sequence[int]
    shift: int = 0
    image_shape: Sequence[int] | None = None
    whitening: float | None
    dtype: str | None
    random_state: int | np.random.Generator | None
    state_: Any
    # A `ZeroOneMLP`, or a `Network` where the classifier was given one.
    network_: Any
    history_: History
    n_iter_: int

    # ------------------------------------------------------------------------------- training

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on all data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
            Labels of any type, of at least two classes.

        Returns
        -------
        Self

        Raises
        ------
        ValueError
            If the data or a parameter is not as it should be.
        """
        for _ in self.steps(X, y):
            pass
        return self

    def steps(self, X: ArrayLike, y: ArrayLike) -> Iterator[Step]:
        """Train as `fit` does, and yield a step after every block update.

        The arguments are checked at once. `snapshot` gives the network at any step; after the last
        one, `network_` is the finished one.
        """
        array, indices = self._begin(X, y, None)
        return self._train(array, indices)

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Go on training with one pass over some samples."""
        first = not hasattr(self, "state_")
        if first and classes is None:
            raise ValueError("classes must be passed to the first call of partial_fit")
        array, indices = self._begin(X, y, classes) if first else self._continue(X, y)
        data = self._rows(array)
        if first:
            self._start(data, indices)
        for _ in self._one_pass(data, indices):
            pass
        self.n_iter_ = self.state_.epoch
        self.network_ = self.snapshot()
        return self

    def _check_parameters(self) -> None:
        """Refuse parameters of the method that are out of range."""
        raise NotImplementedError

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a whole training, and set `network_` after the last."""
        raise NotImplementedError

    def _start(self, data: Rows, indices: NDArray[np.intp]) -> None:
        """Set `state_` to that of a new network."""
        raise NotImplementedError

    def _one_pass(self, data: Rows, indices: NDArray[np.intp]) -> Iterator[Step]:
        """Go once over some samples with the present state."""
        raise NotImplementedError

    def _begin(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Check data and parameters, and learn classes and scaling; return X and class indices."""
        self._check_parameters()
        check_hidden(self.hidden)
        if self.dtype is not None:
            check_choice("dtype", self.dtype, ("float32", "float64"))
        if self.whitening is not None:
            check_number("whitening", self.whitening, minimum=1e-12, maximum=1e12)
        array = check_input("X", X)
        self._check_images(array.shape[1])
        labels = check_labels(y, len(array))
        known = np.unique(labels if classes is None else np.asarray(classes))
        if len(known) < 2:
            raise ValueError(f"y must hold at least two classes, but has one class: {known[0]!r}")
        self._remember_input(X, array.shape[1])
        self.classes_ = known
        indices = self._indices(labels)
        self.scaling_ = InputScaling.fit(array, self._input_whitening())
        for name in ("network_", "state_"):
            if hasattr(self, name):
                delattr(self, name)
        return array, indices

    def _input_whitening(self) -> float | None:
        """Return how the directions of the input are whitened, if they are."""
        return self.whitening

    def _check_images(self, n_features: int) -> None:
        """Refuse an image_shape that does not fit, if images are moved."""
        if self.shift != 0:
            check_image_shape(self.image_shape, self.shift, n_features)

    def _continue(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Check data that come after the first; return X and class indices."""
        array = check_input("X", X)
        self._check_same_input(X, array)
        return array, self._indices(check_labels(y, len(array)))

    def _indices(self, labels: NDArray[Any]) -> NDArray[np.intp]:
        """Return each label's place in `classes_`."""
        indices = np.searchsorted(self.classes_, labels)
        indices[indices == len(self.classes_)] = 0
        if np.any(self.classes_[indices] != labels):
            strange = np.unique(labels[self.classes_[indices] != labels])
            raise ValueError(f"y must hold labels among {self.classes_}, but has {strange}")
        return indices

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

    def _fetch(
        self, X: NDArray[Any], rng: np.random.Generator
    ) -> Callable[[NDArray[np.intp]], FloatArray] | None:
        """Return what makes a batch of moved images, or None without `shift`."""
        if self.shift == 0:
            return None
        shape = check_image_shape(self.image_shape, self.shift, X.shape[1])

        def fetch(rows: NDArray[np.intp]) -> FloatArray:
            down, right = rng.integers(-self.shift, self.shift + 1, size=2)
            return self._scaled(moved(X[rows], shape, int(down), int(right)))

        return fetch

    # ----------------------------------------------------------------------------- the network

    def _activation(self) -> dict[str, Any]:
        """Return the keywords of `ZeroOneMLP` that say which hidden units it has."""
        return {"activation": "step"}

    def snapshot(self) -> Any:
        """Return the network of the present weights, for raw input; it may be called at any step.

        Returns
        -------
        ZeroOneMLP
            With the scaling of the input folded into the first layer.
        """
        if not hasattr(self, "state_"):
            self._check_fitted()
        first, *others = self.state_.layers()
        layers = [self.scaling_.fold(*first), *others]
        weights, biases = zip(*layers, strict=True)
        classes = np.array(self.classes_.tolist())
        return ZeroOneMLP(weights, biases, classes=classes, **self._activation())

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
        self._check_fitted()
        array = check_input("X", X)
        self._check_same_input(X, array)
        scores = self.network_.decision_function(array)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class with the highest score, shape (n_samples,)."""
        scores = self.decision_function(X)
        winners = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[winners]

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the fraction of samples whose class is predicted."""
        predicted = self.predict(X)
        return float(np.mean(predicted == check_labels(y, len(predicted))))
