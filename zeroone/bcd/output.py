"""The output layer: targets with slack, running Gram matrices, and the last fit on all data.

With labels y in {-1, +1} the squared hinge 1/2 sum max(0, 1 - y f)^2 is a least-squares problem
once its *targets* are variables, too:

    min over T, y T >= 1   of   1/2 |T - f|^2,     attained at  T = y max(y f, 1)

An output that is right by more than the margin is then left alone instead of being pulled back to
1, and both blocks, T and W_h, keep their closed forms.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zeroone.bcd.pruning import Regression
from zeroone.bcd.systems import inverse
from zeroone.validation import BoolArray, FloatArray

TARGETS = ("slack", "fixed")


def signed_targets(labels: np.ndarray, n_classes: int, dtype: np.dtype[Any]) -> FloatArray:
    """Return +1 at each sample's class and -1 elsewhere, shape (n_samples, n_classes)."""
    Y = np.full((len(labels), n_classes), -1, dtype)
    Y[np.arange(len(labels)), labels] = 1
    return Y


def target_block(scores: FloatArray, Y: FloatArray, targets: str) -> FloatArray:
    """Minimise 1/2 |T - scores|^2 over the targets T that `targets` allows.

    Parameters
    ----------
    scores : ndarray, shape (n_samples, n_classes)
        The outputs V W^T.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    targets : {"slack", "fixed"}
        "slack": all T with Y T >= 1, so that T = Y max(Y * scores, 1). "fixed": only T = Y.

    Returns
    -------
    ndarray, shape (n_samples, n_classes)
    """
    return Y if targets == "fixed" else Y * np.maximum(Y * scores, 1)


class RunningRegression:
    """Ridge regression of the targets on the hidden bits, from averages that forget.

    With the forgetting rate f, G <- (1 - f) G + f V^T V / n and C <- (1 - f) C + f V^T T / n over a
    batch of n samples; the weights solve W (G + gamma I) = C^T.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Shape of the averages; the constant is one of the inputs.
    gamma : float
        Ridge, relative to one sample, > 0.
    forgetting : float
        Rate for a batch of the ordinary size, in (0, 1].
    batch_size : int
        The ordinary size; smaller batches make the averages forget less.
    dtype : dtype
        Working precision. The ridge bounds the condition of the system, so that single is enough.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        *,
        gamma: float,
        forgetting: float,
        batch_size: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.gram = np.zeros((n_inputs, n_inputs), dtype)
        self.cross = np.zeros((n_inputs, n_outputs), dtype)
        self.gamma = gamma
        self.forgetting = forgetting
        self.batch_size = batch_size
        self.seen = 0

    def update(self, V: FloatArray, T: FloatArray) -> None:
        """Take a batch into the averages: V (n, n_inputs) and targets T (n, n_outputs)."""
        n = len(V)
        self.seen += n
        rate = 1 - (1 - self.forgetting) ** (n / self.batch_size)
        # As long as few samples came, the plain mean over them.
        rate = max(rate, n / self.seen)
        for average, product in ((self.gram, V.T @ V), (self.cross, V.T @ T)):
            average *= 1 - rate
            product *= rate / n
            average += product

    def keep(self, kept: BoolArray) -> None:
        """Drop the hidden units where `kept`, of shape (n_inputs,), is False."""
        self.gram = np.ascontiguousarray(self.gram[np.ix_(kept, kept)])
        self.cross = np.ascontiguousarray(self.cross[kept])

    def weights(self) -> FloatArray:
        """Return the solution, shape (n_outputs, n_inputs)."""
        H = self.gram.copy()
        H.flat[:: len(H) + 1] += self.gamma
        return np.linalg.solve(H, self.cross).T

    def regression(self) -> Regression:
        """Return the same fit with the inverse matrix, from which neurons can be removed."""
        return Regression.from_gram(self.gram, self.cross, self.gamma)


Batches = Callable[[], Iterator[tuple[FloatArray, FloatArray]]]


def fit_output(
    batches: Batches, W: FloatArray, *, gamma: float, targets: str, iterations: int = 15
) -> FloatArray:
    """Fit the output layer on all data, alternating the blocks T and W with one inverse.

    Parameters
    ----------
    batches : callable
        Returns an iterator over (V, Y): hidden bits with the constant, and labels -1 and +1.
    W : ndarray, shape (n_classes, n_inputs)
        Where to start.
    gamma : float
        Ridge, relative to one sample, > 0.
    targets : {"slack", "fixed"}
        See `target_block`.
    iterations : int, default 15
        Alternations; fixed targets need one.

    Returns
    -------
    ndarray, shape (n_classes, n_inputs)
        The weights, of the precision of `W`.

    Notes
    -----
    Alternating the two blocks is a gradient step on the squared hinge in the metric of
    V^T V + gamma I, which bounds its curvature, so that any relaxation factor below 2 still goes
    down. With slack targets it is 1.8.
    """
    gram = np.zeros((W.shape[1], W.shape[1]))
    count = 0
    for V, _ in batches():
        gram += V.T @ V
        count += len(V)
    gram.flat[:: len(gram) + 1] += gamma * count
    solution = inverse(gram)
    relaxation = 1.8 if targets == "slack" else 1.0
    W = W.copy()
    for _ in range(iterations if targets == "slack" else 1):
        cross = np.zeros(W.shape[::-1])
        for V, Y in batches():
            cross += V.T @ target_block(V @ W.T, Y, targets)
        W += (relaxation * (cross.T @ solution - W)).astype(W.dtype)
    return W
