"""The output layer as a ridge regression: its targets, its averages, and what a neuron is worth.

**Targets with slack.** With labels y in {-1, +1} the squared hinge 1/2 sum max(0, 1 - y f)^2 is a
least-squares problem once its *targets* are variables, too:

    min over T, y T >= 1   of   1/2 |T - f|^2,     attained at  T = y max(y f, 1)

An output that is right by more than the margin is then left alone instead of being pulled back to
1, and both blocks, T and the weights, keep their closed forms.

**The price of a neuron.** The layer above a hidden layer is a regression on its activations,
[W b] = T^T V K with K = (V^T V + gamma I)^{-1}, V with a column of ones. Leaving neuron j out and
fitting the others again raises the loss 1/2 |T - V W^T - b|^2 + (gamma/2) (|W|^2 + |b|^2) by
exactly

    |w_j|^2 / (2 K_jj)

with w_j its outgoing weights (docs/theory.md#b2). It is small both for a neuron that sends on
little and for one whose part others can take over, which the size of its own row does not show. The
other score that `remove` knows, "row", is |V w|^2 for the neuron's own row w: the gain that l2,0 on
rows compares with its price, but for factors that all rows share and for the ridge. It asks how
large the neuron's own pre-activations are, not who would miss it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.blocks import gram_matrix, inverse, total_weight
from zeroone.bcd.objective import Layer, squared_distance
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.rows import row_blocks
from zeroone.support.validation import BoolArray, FloatArray, check_choice, check_integer

TARGETS = ("slack", "fixed")
SCORES = ("joint", "row")
BLOCK = 4096


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
        The outputs V W^T + b.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    targets : {"slack", "fixed"}
        "slack": all T with Y T >= 1, so that T = Y max(Y * scores, 1). "fixed": only T = Y.

    Returns
    -------
    ndarray, shape (n_samples, n_classes)
    """
    return Y if targets == "fixed" else Y * np.maximum(Y * scores, 1)


def with_ridge(gram: FloatArray, gamma: float) -> FloatArray:
    """Return gram + gamma I; a gamma below the rounding error of `gram` is raised to it."""
    H = gram.copy()
    rounding = float(np.finfo(gram.dtype).eps) * float(np.trace(gram))
    H.flat[:: len(H) + 1] += max(gamma, rounding)
    return H


def cross_matrix(
    V: FloatArray, T: FloatArray, sample_weight: FloatArray | None = None
) -> FloatArray:
    """Return [V 1]^T T, shape (n_units + 1, n_next), for V (n, n_units) and T (n, n_next).

    With sample weights s it is [V 1]^T diag(s) T.
    """
    if sample_weight is not None:
        T = T * sample_weight[:, np.newaxis]
    return np.vstack([V.T @ T, T.sum(axis=0)])


@dataclass(frozen=True)
class Regression:
    """A ridge regression on a layer's activations, from which neurons can be taken one by one.

    Parameters
    ----------
    W : ndarray, shape (n_next, n_units)
        The fitted weights.
    b : ndarray, shape (n_next,)
        The fitted biases.
    K : ndarray, shape (n_units + 1, n_units + 1)
        Inverse of the regularised Gram matrix, the constant last.
    """

    W: FloatArray
    b: FloatArray
    K: FloatArray

    @classmethod
    def fit(cls, V: FloatArray, T: FloatArray, gamma: float) -> "Regression":
        """Fit T on V by ridge regression.

        Parameters
        ----------
        V : ndarray, shape (n_samples, n_units)
            Activations.
        T : ndarray, shape (n_samples, n_next)
            Targets.
        gamma : float
            Ridge, > 0.
        """
        return cls.from_gram(gram_matrix(V), cross_matrix(V, T), gamma)

    @classmethod
    def from_gram(cls, gram: FloatArray, cross: FloatArray, gamma: float) -> "Regression":
        """Fit from [V 1]^T [V 1] and [V 1]^T T.

        Parameters
        ----------
        gram : ndarray, shape (n_units + 1, n_units + 1)
        cross : ndarray, shape (n_units + 1, n_next)
        gamma : float
            Ridge, > 0.
        """
        K = inverse(with_ridge(np.asarray(gram, dtype=np.float64), gamma))
        rows = cross.T.astype(np.float64) @ K
        return cls(rows[:, :-1], rows[:, -1], K)

    def rises(self) -> FloatArray:
        """Return by how much the loss rises if neuron j is removed, |w_j|^2 / (2 K_jj).

        Returns
        -------
        ndarray, shape (n_units,)
        """
        return np.sum(self.W**2, axis=0) / (2 * np.diag(self.K)[:-1])

    def without(self, neuron: int) -> "Regression":
        """Return the regression on the other neurons, by a rank-one downdate.

        K' = K - k_j k_j^T / K_jj and [W b]' = [W b] - w_j k_j^T / K_jj, whose j-th row and column
        are zero.
        """
        k = self.K[:, neuron] / self.K[neuron, neuron]
        w = self.W[:, neuron]
        kept = np.delete(np.arange(len(k)), neuron)
        K = self.K - np.outer(self.K[:, neuron], k)
        W = self.W - np.outer(w, k[:-1])
        return Regression(W[:, kept[:-1]], self.b - w * k[-1], K[np.ix_(kept, kept)])


class RunningRegression:
    """Ridge regression of the targets on the hidden bits, from averages that forget.

    With the forgetting rate f, G <- (1 - f) G + f V^T V / n and C <- (1 - f) C + f V^T T / n over a
    batch of n samples, V with a column of ones; the weights solve [W b] (G + gamma I) = C^T.

    Parameters
    ----------
    n_units, n_outputs : int
        Shape of the layer.
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
        n_units: int,
        n_outputs: int,
        *,
        gamma: float,
        forgetting: float,
        batch_size: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.gram = np.zeros((n_units + 1, n_units + 1), dtype)
        self.cross = np.zeros((n_units + 1, n_outputs), dtype)
        self.gamma = gamma
        self.forgetting = forgetting
        self.batch_size = batch_size
        self.seen = 0.0

    def update(self, V: FloatArray, T: FloatArray, sample_weight: FloatArray | None = None) -> None:
        """Take a batch into the averages: V (n, n_units) and targets T (n, n_outputs).

        With sample weights, n is their sum.
        """
        n = total_weight(len(V), sample_weight)
        self.seen += n
        rate = 1 - (1 - self.forgetting) ** (n / self.batch_size)
        # As long as few samples came, the plain mean over them.
        rate = max(rate, n / self.seen)
        gram = gram_matrix(V, sample_weight=sample_weight)
        cross = cross_matrix(V, T, sample_weight)
        for average, product in ((self.gram, gram), (self.cross, cross)):
            average *= 1 - rate
            product *= rate / n
            average += product

    def keep(self, kept: BoolArray) -> None:
        """Drop the hidden units where `kept`, of shape (n_units,), is False."""
        kept = np.append(kept, True)
        self.gram = np.ascontiguousarray(self.gram[np.ix_(kept, kept)])
        self.cross = np.ascontiguousarray(self.cross[kept])

    def layer(self) -> Layer:
        """Return the solution: W of shape (n_outputs, n_units) and b of shape (n_outputs,)."""
        rows = np.linalg.solve(with_ridge(self.gram, self.gamma), self.cross)
        return np.ascontiguousarray(rows[:-1].T), rows[-1].copy()

    def regression(self) -> Regression:
        """Return the same fit with the inverse matrix, from which neurons can be removed."""
        return Regression.from_gram(self.gram, self.cross, self.gamma)


# Hidden bits, labels and, if there are any, sample weights of all samples, a block at a time.
Batches = Callable[[], Iterator[tuple[FloatArray, FloatArray, FloatArray | None]]]


def output_loss(batches: Batches, W: FloatArray, b: FloatArray, *, targets: str) -> float:
    """Return the mean of 1/2 |T - f|^2 over all samples, T the best targets for the outputs f."""
    total, count = 0.0, 0.0
    for V, Y, sample_weight in batches():
        f = V @ W.T + b
        total += squared_distance(target_block(f, Y, targets), f, sample_weight) / 2
        count += total_weight(len(V), sample_weight)
    return total / count


def fit_output(
    batches: Batches,
    W: FloatArray,
    b: FloatArray,
    *,
    gamma: float,
    targets: str,
    iterations: int = 15,
) -> Layer:
    """Fit the output layer on all data, alternating the blocks T and W with one inverse.

    Parameters
    ----------
    batches : callable
        Returns an iterator over (V, Y, s): hidden bits, labels -1 and +1 (or any numbers, if the
        targets are fixed), and sample weights or None.
    W, b : ndarray, shape (n_classes, n_units) and (n_classes,)
        Where to start.
    gamma : float
        Ridge, relative to one sample, > 0.
    targets : {"slack", "fixed"}
        See `target_block`.
    iterations : int, default 15
        Alternations; fixed targets need one.

    Returns
    -------
    W, b : ndarray, shape (n_classes, n_units) and (n_classes,)
        Of the precision of `W`.

    Notes
    -----
    Alternating the two blocks is a gradient step on the squared hinge in the metric of
    V^T V + gamma I, which bounds its curvature, so that any relaxation factor below 2 still goes
    down. With slack targets it is 1.8.
    """
    gram = np.zeros((W.shape[1] + 1, W.shape[1] + 1))
    count = 0.0
    for V, _, sample_weight in batches():
        gram += gram_matrix(V, sample_weight=sample_weight)
        count += total_weight(len(V), sample_weight)
    solution = inverse(with_ridge(gram, gamma * count))
    relaxation = 1.8 if targets == "slack" else 1.0
    W, b = W.copy(), b.copy()
    for _ in range(iterations if targets == "slack" else 1):
        cross = np.zeros((len(gram), len(W)))
        for V, Y, sample_weight in batches():
            cross += cross_matrix(V, target_block(V @ W.T + b, Y, targets), sample_weight)
        rows = cross.T @ solution
        W += (relaxation * (rows[:, :-1] - W)).astype(W.dtype)
        b += (relaxation * (rows[:, -1] - b)).astype(b.dtype)
    return W, b


def remove_cheapest(
    regression: Regression, price: float, *, most: int
) -> tuple[Regression, BoolArray]:
    """Remove neurons one by one, the cheapest first, as long as one costs at most `price`.

    Parameters
    ----------
    regression : Regression
        The layer above.
    price : float
        What a neuron may cost.
    most : int
        How many to remove at the most; at least one neuron is left in any case.

    Returns
    -------
    regression : Regression
        On the neurons that are left.
    kept : ndarray of bool, shape (n_units,)
        Which those are.
    """
    left = np.arange(len(regression.K) - 1)
    kept = np.ones(len(left), dtype=bool)
    for _ in range(min(most, len(left) - 1)):
        rises = regression.rises()
        cheapest = int(np.argmin(rises))
        if rises[cheapest] > price:
            break
        regression = regression.without(cheapest)
        kept[left[cheapest]] = False
        left = np.delete(left, cheapest)
    return regression, kept


def layer_values(network: ZeroOneMLP, X: NDArray[Any], layer: int) -> tuple[FloatArray, FloatArray]:
    """Return a hidden layer's activations and its pre-activations on X."""
    parts = [network.forward(X[rows]) for rows in row_blocks(len(X), BLOCK)]
    V = np.concatenate([part.activations[layer + 1] for part in parts])
    return V, np.concatenate([part.preactivations[layer] for part in parts])


def targets_above(network: ZeroOneMLP, V: FloatArray, layer: int, signed: FloatArray) -> FloatArray:
    """Return the targets that the layer above is fitted to.

    The output layer's are the targets with slack; between hidden layers, the pre-activations that
    the layer computes already.
    """
    scores = V @ network.weights[layer + 1].T + network.biases[layer + 1]
    top = layer == len(network.weights) - 2
    return target_block(scores, signed, "slack") if top else scores


def choose(
    V: FloatArray, A: FloatArray, T: FloatArray, *, score: str, gamma: float, keep: int
) -> tuple[BoolArray, Regression]:
    """Choose the neurons to keep, and fit the layer above to them.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_units)
        Activations.
    A : ndarray, shape (n_samples, n_units)
        Pre-activations, for the row score.
    T : ndarray, shape (n_samples, n_next)
        Targets of the layer above.
    score : {"joint", "row"}
    gamma : float
        Ridge, relative to one sample.
    keep : int
        How many neurons.

    Returns
    -------
    kept : ndarray of bool, shape (n_units,)
    regression : Regression
        On the neurons that are kept.
    """
    regression = Regression.fit(V, T, gamma * len(V))
    if score == "joint":
        most = A.shape[1] - keep
        regression, kept = remove_cheapest(regression, np.inf, most=most)
        return kept, regression
    # On equal rows the earlier neuron stays.
    order = np.argsort(-np.einsum("nj,nj->j", A, A), kind="stable")
    kept = np.zeros(A.shape[1], dtype=bool)
    kept[order[:keep]] = True
    return kept, Regression.fit(V[:, kept], T, gamma * len(V))


def with_layer(network: ZeroOneMLP, layer: int, W: FloatArray, b: FloatArray) -> ZeroOneMLP:
    """Return the network with W and b as its layer `layer`, counted from 0."""
    weights, biases = list(network.weights), list(network.biases)
    weights[layer], biases[layer] = W.astype(network.dtype), b.astype(network.dtype)
    return ZeroOneMLP(
        weights,
        biases,
        activation=network.activation,
        levels=network.levels,
        classes=network.classes,
        metadata=network.metadata,
    )


def refit_output(network: ZeroOneMLP, X: NDArray[Any], labels: NDArray[np.intp]) -> ZeroOneMLP:
    """Fit the output layer again, to targets with slack, on all samples."""
    top = len(network.weights) - 1
    V, _ = layer_values(network, X, top - 1)
    signed = signed_targets(labels, network.layer_sizes[-1], V.dtype)
    W, b = network.weights[top], network.biases[top]
    W, b = fit_output(lambda: iter([(V, signed, None)]), W, b, gamma=1e-2, targets="slack")
    return with_layer(network, top, W, b)


def remove(
    network: ZeroOneMLP,
    X: NDArray[Any],
    labels: NDArray[np.intp],
    sizes: Sequence[int],
    *,
    layer: int = 0,
    score: str = "joint",
    gamma: float = 1e-2,
) -> Iterator[ZeroOneMLP]:
    """Shrink one hidden layer step by step.

    Parameters
    ----------
    network : ZeroOneMLP
        A trained network with at least one hidden layer.
    X : ndarray, shape (n_samples, n_features)
        Samples, such as those that it was trained on.
    labels : ndarray of int, shape (n_samples,)
        Each sample's class as an index into the outputs.
    sizes : sequence of int
        Numbers of neurons to keep, falling.
    layer : int, default 0
        The hidden layer, counted from 0.
    score : {"joint", "row"}, default "joint"
        Which neurons go first.
    gamma : float, default 1e-2
        Ridge of the layer above, relative to one sample.

    Yields
    ------
    ZeroOneMLP
        For each size, with the layer above and the output layer fitted again.

    Raises
    ------
    ValueError
        If a size or the layer is out of range, or there is no such score.
    """
    hidden = network.layer_sizes[1:-1]
    check_choice("score", score, SCORES)
    check_integer("layer", layer, minimum=0)
    if layer >= len(hidden):
        raise ValueError(f"layer must be below {len(hidden)}, but is {layer}")
    for previous, size in zip([hidden[layer], *sizes], sizes, strict=False):
        check_integer("sizes", size)
        if size > previous:
            raise ValueError(f"sizes must fall from {hidden[layer]}, but {size} follows {previous}")
    signed = signed_targets(labels, network.layer_sizes[-1], network.dtype)
    for size in sizes:
        V, A = layer_values(network, X, layer)
        T = targets_above(network, V, layer, signed)
        kept, above = choose(V, A, T, score=score, gamma=gamma, keep=size)
        network = with_layer(network.drop_neurons(layer, kept), layer + 1, above.W, above.b)
        network = refit_output(network, X, labels)
        yield network
