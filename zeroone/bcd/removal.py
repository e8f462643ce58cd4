"""Take neurons out of a trained network, the least missed first, and fit the rest again.

Two scores say which neuron goes next (theory, B2):

    joint   |w_out,j|^2 / (2 K_jj): by how much the next layer's ridge regression gets worse when it
            is fitted again without the neuron (`zeroone.bcd.pruning`)
    row     |V w_j|^2, the gain that l2,0 on rows compares with its price, but for factors that all
            rows share and for the ridge. It asks how large the neuron's own pre-activations are,
            not who would miss it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.objective import with_constant
from zeroone.bcd.output import fit_output, signed_targets, target_block
from zeroone.bcd.pruning import Regression, remove_cheapest
from zeroone.network import ZeroOneMLP
from zeroone.rows import row_blocks
from zeroone.validation import BoolArray, FloatArray, check_choice, check_integer

SCORES = ("joint", "row")
BLOCK = 4096


def layer_values(network: ZeroOneMLP, X: NDArray[Any], layer: int) -> tuple[FloatArray, FloatArray]:
    """Return a hidden layer's activations, with the constant, and its pre-activations on X."""
    parts = [network.forward(X[rows]) for rows in row_blocks(len(X), BLOCK)]
    V = np.concatenate([part.activations[layer + 1] for part in parts])
    return with_constant(V), np.concatenate([part.preactivations[layer] for part in parts])


def targets_above(network: ZeroOneMLP, V: FloatArray, layer: int, signed: FloatArray) -> FloatArray:
    """Return the targets that the layer above is fitted to.

    The output layer's are the targets with slack; between hidden layers, the pre-activations that
    the layer computes already.
    """
    W = np.column_stack([network.weights[layer + 1], network.biases[layer + 1]])
    scores = V @ W.T
    top = layer == len(network.weights) - 2
    return target_block(scores, signed, "slack") if top else scores


def choose(
    V: FloatArray, A: FloatArray, T: FloatArray, *, score: str, gamma: float, keep: int
) -> tuple[BoolArray, FloatArray]:
    """Choose the neurons to keep, and fit the layer above to them.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_units + 1)
        Activations with the constant.
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
    W : ndarray, shape (n_next, keep + 1)
    """
    regression = Regression.fit(V, T, gamma * len(V))
    if score == "joint":
        most = A.shape[1] - keep
        regression, kept = remove_cheapest(regression, np.inf, most=most)
        return kept, regression.W
    # On equal rows the earlier neuron stays.
    order = np.argsort(-np.einsum("nj,nj->j", A, A), kind="stable")
    kept = np.zeros(A.shape[1], dtype=bool)
    kept[order[:keep]] = True
    return kept, Regression.fit(V[:, np.append(kept, True)], T, gamma * len(V)).W


def with_output(network: ZeroOneMLP, W: FloatArray, layer: int) -> ZeroOneMLP:
    """Return the network with the layer above `layer` replaced by W, bias last."""
    weights, biases = list(network.weights), list(network.biases)
    weights[layer + 1] = W[:, :-1].astype(network.dtype)
    biases[layer + 1] = W[:, -1].astype(network.dtype)
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
    last = len(network.weights) - 2
    V, _ = layer_values(network, X, last)
    signed = signed_targets(labels, network.layer_sizes[-1], V.dtype)
    W = np.column_stack([network.weights[-1], network.biases[-1]])
    W = fit_output(lambda: iter([(V, signed)]), W, gamma=1e-2, targets="slack")
    return with_output(network, W, last)


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
        kept, W = choose(V, A, T, score=score, gamma=gamma, keep=size)
        network = with_output(network.drop_neurons(layer, kept), W, layer)
        network = refit_output(network, X, labels)
        yield network
