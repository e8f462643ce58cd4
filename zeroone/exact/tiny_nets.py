"""A tiny net on given points: what is asked, and what is known of its least training error.

The two ways to the optimum (`zeroone.exact.milp`, `zeroone.exact.enumeration`) share this page and
nothing else: the checked data, the nets that they return, and the form of the answer
(docs/theory.md#c3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.exact.alternatives import check_points
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray, check_choice, check_integer

ACTIVATIONS = ("sign", "step")


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best network found, and a lower bound of the errors of every other.

    Attributes
    ----------
    errors : int
        Samples that `network` misclassifies, counted by running it.
    bound : int
        No network of that size misclassifies fewer (see `weight_bound`).
    network : ZeroOneMLP
    seconds : float
    method : str
        "milp" or "enumeration".
    weight_bound : float or None
        If not None, `bound` is proved only for networks whose hidden weights and biases, on
        features scaled to [-1, 1] and with |w.x + b| >= 1 at all samples, are at most this large.
    status : str
        How the search ended, in words.
    """

    errors: int
    bound: int
    network: ZeroOneMLP
    seconds: float
    method: str
    weight_bound: float | None = None
    status: str = "optimal"

    @property
    def gap(self) -> int:
        """How many errors fewer than those of `network` are not excluded."""
        return self.errors - self.bound

    @property
    def proved(self) -> bool:
        """Whether `network` is proved to be the best of all networks of its size."""
        return self.errors == self.bound and self.weight_bound is None


@dataclass(frozen=True, eq=False)
class Sample:
    """Training data with equal points put together.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,)
    points : ndarray of shape (m, p)
        The different rows of X.
    counts : ndarray of shape (m, n_classes)
        How many samples of each class are at each point.
    classes : ndarray of shape (n_classes,)
    """

    X: FloatArray
    y: NDArray[Any]
    points: FloatArray
    counts: NDArray[np.int64]
    classes: NDArray[Any]

    @property
    def floor(self) -> int:
        """Errors that no function of x avoids: equal points of different classes."""
        return int(np.sum(self.counts.sum(axis=1) - self.counts.max(axis=1)))

    def errors(self, network: ZeroOneMLP) -> int:
        """Count the samples that a network misclassifies, by running it."""
        return int(np.count_nonzero(network.predict(self.X) != self.y))


def check_problem(X: ArrayLike, y: ArrayLike, hidden: int, activation: str) -> Sample:
    """Return checked training data.

    Raises
    ------
    ValueError
        If X is not a matrix of entries up to 1e300, y has not one class a sample or fewer than two
        classes, `hidden` is not an integer >= 1, or `activation` is not "sign" or "step".
    """
    check_integer("hidden", hidden)
    check_choice("activation", activation, ACTIVATIONS)
    X = check_points(X)
    y = np.asarray(y)
    if y.shape != (len(X),):
        raise ValueError(f"y must have {len(X)} labels, one a sample, but has shape {y.shape}")
    whole = y.dtype.kind != "f" or bool(np.all(np.isfinite(y) & (y == np.round(y))))
    if y.dtype.kind == "c" or not whole:
        raise ValueError("y must hold classes, such as integers or strings, but holds real numbers")
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must hold at least two classes, but has one class: {classes[0]!r}")
    points, place = np.unique(X, axis=0, return_inverse=True)
    counts = np.zeros((len(points), len(classes)), dtype=np.int64)
    np.add.at(counts, (place.ravel(), labels), 1)
    return Sample(X, y, points, counts, classes)


def network_of(
    sample: Sample,
    activation: str,
    hidden: tuple[FloatArray, FloatArray],
    output: tuple[FloatArray, FloatArray],
) -> ZeroOneMLP:
    """Return the network of a hidden layer and an output layer for hidden activations in {0, 1}.

    With sign units, s = (1 + h)/2 moves half of the output weights into the bias.

    Parameters
    ----------
    sample : Sample
    activation : {"sign", "step"}
    hidden, output : (weights, biases)
        Of shapes (hidden, p), (hidden,), (n_classes, hidden) and (n_classes,).
    """
    weights, biases = output
    if activation == "sign":
        weights, biases = weights / 2, biases + weights.sum(axis=1) / 2
    return ZeroOneMLP(
        [hidden[0], weights],
        [hidden[1], biases],
        activation=activation,
        classes=np.array(sample.classes.tolist()),
    )


def constant_network(sample: Sample, hidden: int, activation: str) -> ZeroOneMLP:
    """Return the network that says the most frequent class of every sample."""
    n_classes = len(sample.classes)
    votes = sample.counts.sum(axis=0)
    return network_of(
        sample,
        activation,
        (np.zeros((hidden, sample.X.shape[1])), np.full(hidden, -1.0)),
        (np.zeros((n_classes, hidden)), np.eye(n_classes)[np.argmax(votes)]),
    )
