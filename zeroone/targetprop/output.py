"""The loss of the linear output layer, a mean over the samples, and its derivative (theory, C).

With the scores s_n of a sample and its class y_n ::

    cross-entropy       1/N sum_n [log sum_k exp(s_nk) - s_n,y_n]
    multi-class hinge   1/N sum_n max(0, 1 + max_{k != y_n} s_nk - s_n,y_n)      (Crammer, Singer)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.validation import FloatArray, check_choice, check_integer

Classes = NDArray[np.intp]


def cross_entropy(scores: FloatArray, classes: Classes) -> float:
    """Return the mean of -log softmax(scores) at each sample's class.

    Parameters
    ----------
    scores : ndarray, shape (n_samples, n_classes)
    classes : ndarray of int, shape (n_samples,)
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(classes)), classes]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - own))


def cross_entropy_derivative(scores: FloatArray, classes: Classes) -> FloatArray:
    """Return (softmax(scores) - one-hot)/N, shape (n_samples, n_classes)."""
    result = np.exp(scores - scores.max(axis=1, keepdims=True))
    result /= result.sum(axis=1, keepdims=True)
    result[np.arange(len(classes)), classes] -= 1
    result /= len(classes)
    return result


def strongest_rivals(scores: FloatArray, classes: Classes) -> Classes:
    """Return for each sample the class other than its own with the highest score, the first."""
    others = scores.copy()
    others[np.arange(len(classes)), classes] = -np.inf
    return others.argmax(axis=1)


def multiclass_hinge(scores: FloatArray, classes: Classes) -> float:
    """Return the mean of max(0, 1 + best other score - own score)."""
    rows = np.arange(len(classes))
    margins = scores[rows, classes] - scores[rows, strongest_rivals(scores, classes)]
    return float(np.mean(np.maximum(1 - margins, 0)))


def multiclass_hinge_derivative(scores: FloatArray, classes: Classes) -> FloatArray:
    """Return +1/N at the best other class and -1/N at the own one, where the margin is <= 1.

    Shape (n_samples, n_classes). At the kink, a margin of 1, this is the derivative of the side
    that costs.
    """
    rows, rivals = np.arange(len(classes)), strongest_rivals(scores, classes)
    active = scores[rows, classes] - scores[rows, rivals] <= 1
    result = np.zeros_like(scores)
    result[rows[active], rivals[active]] = 1
    result[rows[active], classes[active]] = -1
    result /= len(classes)
    return result


@dataclass(frozen=True)
class OutputLoss:
    """The loss of the output layer and its derivative by the scores.

    Parameters
    ----------
    value : callable (scores, classes) -> float
    derivative : callable (scores, classes) -> ndarray of the scores' shape
    """

    value: Callable[[FloatArray, Classes], float]
    derivative: Callable[[FloatArray, Classes], FloatArray]


OUTPUT_LOSSES = {
    "cross-entropy": OutputLoss(cross_entropy, cross_entropy_derivative),
    "hinge": OutputLoss(multiclass_hinge, multiclass_hinge_derivative),
}


def output_loss(name: str) -> OutputLoss:
    """Return the output loss called `name`.

    Raises
    ------
    ValueError
        If there is none.
    """
    return OUTPUT_LOSSES[check_choice("output", name, OUTPUT_LOSSES)]


def check_counted_classes(
    y: ArrayLike, n_samples: int, n_classes: int | None
) -> tuple[Classes, int]:
    """Return classes counted from 0, and their number.

    Raises
    ------
    ValueError
        If they are not integers, one a sample, from 0 to below `n_classes`.
    """
    classes = np.asarray(y)
    if classes.shape != (n_samples,) or classes.dtype.kind not in "iu":
        raise ValueError(
            f"y must hold {n_samples} integers, one a row of X, but has dtype {classes.dtype} and "
            f"shape {classes.shape}"
        )
    found = max(int(classes.max()) + 1, 2)
    count = found if n_classes is None else check_integer("n_classes", n_classes, minimum=2)
    if classes.min() < 0 or found > count:
        raise ValueError(
            f"y must hold classes from 0 to {count - 1}, but has {classes.min()} to {classes.max()}"
        )
    return classes.astype(np.intp), count
