"""What every loader returns: two labelled sets of flattened images."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A classification problem with a fixed division into training and test samples.

    The images stay in the number type of their file (bytes, as a rule): 50,000 colour images of
    32 x 32 take 150 MB as bytes and eight times as much as float64. Convert what is used.

    Attributes
    ----------
    name : str
        What the data set is called, for titles and tables.
    X_train : ndarray of shape (n_train, n_features)
        Training images, one flattened image a row.
    y_train : int64 ndarray of shape (n_train,)
        Their classes: indices into `class_names`.
    X_test : ndarray of shape (n_test, n_features)
        Test images.
    y_test : int64 ndarray of shape (n_test,)
        Their classes.
    image_shape : tuple of int
        The shape to which a row can be reshaped, e.g. (28, 28) or (32, 32, 3).
    class_names : tuple of str
        The name of each class.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a part is empty, or a label is not an int64 index into
        `class_names`.
    """

    name: str
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        n_features = math.prod(self.image_shape)
        for part in ("train", "test"):
            X, y = getattr(self, f"X_{part}"), getattr(self, f"y_{part}")
            if X.ndim != 2 or X.size == 0 or X.shape[1] != n_features:
                raise ValueError(
                    f"X_{part} must hold rows of {n_features} numbers (images of shape "
                    f"{self.image_shape}), but has shape {X.shape}"
                )
            if y.dtype != np.int64 or y.shape != X.shape[:1]:
                raise ValueError(
                    f"y_{part} must be an int64 array of shape {X.shape[:1]}, but is of type "
                    f"{y.dtype} and has shape {y.shape}"
                )
            if y.min() < 0 or y.max() >= len(self.class_names):
                raise ValueError(
                    f"y_{part} must lie in 0 to {len(self.class_names) - 1}, but holds values from "
                    f"{y.min()} to {y.max()}"
                )

    def __repr__(self) -> str:
        shape = "x".join(str(length) for length in self.image_shape)
        return (
            f"<Dataset {self.name}: {len(self.X_train)} training and {len(self.X_test)} test images"
            f" of shape {shape} ({self.X_train.dtype}), {len(self.class_names)} classes>"
        )
