"""The conventions of scikit-learn's estimators, kept without importing scikit-learn.

`get_params` and `set_params`, the names and the messages that its tools look for, and its tags.
Where scikit-learn has a class of its own for an error or a warning, that class is used if
scikit-learn is already loaded, so that its tools recognise it.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.support.validation import check_array


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for what it learns before it was fitted."""


class InputTypeError(ValueError, TypeError):
    """An input holds objects that are no numbers."""


def scikit_learn_class(name: str, ours: type) -> Any:
    """Return `sklearn.exceptions.name` if scikit-learn is loaded, and `ours` if not."""
    module = sys.modules.get("sklearn.exceptions")
    return getattr(module, name, ours)


def feature_names(X: ArrayLike) -> NDArray[Any] | None:
    """Return the names of a data frame's columns if all are strings, and None for anything else."""
    columns = getattr(X, "columns", None)
    if columns is None or not all(isinstance(name, str) for name in columns):
        return None
    return np.asarray(columns, dtype=object)


def check_input(name: str, X: ArrayLike) -> NDArray[Any]:
    """Return X as a matrix of finite numbers, integers as they are.

    Raises
    ------
    ValueError
        If it is sparse, complex, not a matrix, without samples or features, or not finite.
    """
    if hasattr(X, "toarray"):
        raise ValueError(f"{name} must be a dense array, but is a sparse one. Use X.toarray()")
    try:
        array = np.asarray(X)
    except ValueError:
        raise ValueError(f"{name} must be a matrix, but its rows differ in length") from None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise _no_number(name, X, array, error) from None
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be a matrix, one sample a row, but has shape {array.shape}. "
            "Reshape your data with X.reshape(-1, 1) or X.reshape(1, -1)"
        )
    for axis, noun in enumerate(("sample", "feature")):
        if array.shape[axis] == 0:
            raise ValueError(
                f"Found array with 0 {noun}(s) (shape={array.shape}) "
                "while a minimum of 1 is required."
            )
    if array.dtype.kind in "biu":
        return array
    if array.dtype.kind == "f" and hasattr(X, "columns") and not np.isfinite(array.sum()):
        for column, values in zip(X.columns, array.T, strict=True):
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be finite, but column {column!r} holds NaN or infinity: fill in "
                    "missing values, or leave out their rows"
                )
    return check_array(name, array, ndim=2)


def _no_number(name: str, X: ArrayLike, array: NDArray[Any], error: Exception) -> ValueError:
    """Return the error of a matrix with an entry that is no number, with its column."""
    if array.ndim == 2:
        columns = getattr(X, "columns", range(1, array.shape[1] + 1))
        for column, values in zip(columns, array.T, strict=True):
            try:
                values.astype(np.float64)
            except (TypeError, ValueError) as reason:
                kind = InputTypeError if isinstance(reason, TypeError) else ValueError
                return kind(
                    f"{name} must hold numbers, but column {column!r} does not: {reason}; encode "
                    "words as numbers, and fill in missing values"
                )
    kind = InputTypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{name} must hold numbers: {error}")


def check_labels(y: ArrayLike | None, n_samples: int) -> NDArray[Any]:
    """Return the labels as a vector of classes.

    Raises
    ------
    ValueError
        If they are missing, of the wrong number, not finite, or not classes.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warning = scikit_learn_class("DataConversionWarning", UserWarning)
        text = "A column-vector y was passed when a 1d array was expected; use y.ravel()"
        warnings.warn(text, warning, stacklevel=4)
        labels = labels.ravel()
    if labels.ndim != 1:
        raise ValueError(f"y should be a 1d array, but has shape {labels.shape}")
    if len(labels) != n_samples:
        raise ValueError(f"y must have {n_samples} labels, one a sample, but has {len(labels)}")
    if labels.dtype.kind == "O":
        _check_objects(labels)
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise ValueError("y must be finite, but holds NaN or infinity")
        if np.any(labels != np.round(labels)):
            raise ValueError("Unknown label type: y must hold classes, but holds real numbers")
    if labels.dtype.kind == "c":
        raise ValueError("y must hold classes. Complex data not supported")
    return labels


def check_numbers(y: ArrayLike | None, n_samples: int) -> NDArray[Any]:
    """Return the targets of a regression in double precision, one or several a sample.

    Raises
    ------
    ValueError
        If they are missing, of the wrong number, no numbers, or not finite.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    numbers = check_array("y", y, dtype=np.float64)
    if numbers.ndim not in (1, 2):
        raise ValueError(
            "y must have one or several numbers a sample, shape (n_samples,) or "
            f"(n_samples, n_outputs), but has shape {numbers.shape}"
        )
    if len(numbers) != n_samples:
        raise ValueError(f"y must have {n_samples} rows, one a sample, but has {len(numbers)}")
    return numbers


def _check_objects(labels: NDArray[Any]) -> None:
    """Refuse labels of which one is missing, or which cannot be sorted."""
    for place, label in enumerate(labels.tolist()):
        # A missing value of a data frame is None, a NaN, or an object that equals nothing.
        if label is None or type(label).__name__ in ("NAType", "NaTType") or label != label:
            raise ValueError(f"y must have a label for each sample, but entry {place} is {label}")
    try:
        np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ValueError(
            f"y must hold labels of one type, but holds {' and '.join(kinds)}"
        ) from None


class Conventions:
    """What an estimator of this package shares with those of scikit-learn."""

    # "classifier" or "regressor".
    estimator_type: str
    n_features_in_: int

    @classmethod
    def _parameter_names(cls) -> list[str]:
        names = inspect.signature(cls).parameters
        return sorted(names)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; `deep` is of no effect."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name.

        Raises
        ------
        ValueError
            If there is none of a name.
        """
        names = self._parameter_names()
        for name, value in parameters.items():
            if name not in names:
                raise ValueError(f"Invalid parameter {name!r}; there are {', '.join(names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not defaults[name].default and value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's description of a classifier or regressor of dense data."""
        try:
            from sklearn.utils import (
                ClassifierTags,
                InputTags,
                RegressorTags,
                Tags,
                TargetTags,
            )
        except ImportError:
            raise ImportError(
                "tags need scikit-learn: pip install 'zeroone-nets[sklearn]'"
            ) from None
        if self.estimator_type == "regressor":
            return Tags(
                estimator_type="regressor",
                target_tags=TargetTags(required=True, multi_output=True),
                regressor_tags=RegressorTags(),
                input_tags=InputTags(),
            )
        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called."""
        return hasattr(self, "network_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            error = scikit_learn_class("NotFittedError", NotFittedError)
            raise error(f"this {type(self).__name__} is not fitted yet; call fit first")

    def _remember_input(self, X: ArrayLike, n_features: int) -> None:
        """Keep the number of features and, of a data frame, their names."""
        self.n_features_in_ = n_features
        names = feature_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_same_input(self, X: ArrayLike, array: NDArray[Any]) -> None:
        """Refuse input with other features than those that were fitted."""
        self._check_names(feature_names(X))
        if array.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {array.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )

    def _check_names(self, names: NDArray[Any] | None) -> None:
        """Compare the names of features with those that were fitted."""
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is None and names is None:
            return
        if fitted is None or names is None:
            has, fitted_has = (
                ("X has", "was fitted without")
                if fitted is None
                else ("X does not have valid", "was fitted with")
            )
            text = f"{has} feature names, but {type(self).__name__} {fitted_has} feature names"
            warnings.warn(text, UserWarning, stacklevel=4)
            return
        if len(fitted) == len(names) and np.all(fitted == names):
            return
        lines = ["The feature names should match those that were passed during fit."]
        unseen = sorted(set(names) - set(fitted))
        missing = sorted(set(fitted) - set(names))
        if unseen:
            lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen)]
        if missing:
            lines += [
                "Feature names seen at fit time, yet now missing:",
                *(f"- {name}" for name in missing),
            ]
        if not unseen and not missing:
            lines.append("Feature names must be in the same order as they were in fit.")
        raise ValueError("\n".join(lines) + "\n")
