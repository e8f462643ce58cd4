"""One batch of mini-batch block coordinate descent: its blocks, and what the next one inherits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.initialise import initial_rows, scale_to_unit_variance
from zeroone.bcd.neurons import sweep_neurons
from zeroone.bcd.objective import layer_product, squared_distance, with_constant
from zeroone.bcd.options import BatchOptions
from zeroone.bcd.output import RunningRegression, target_block
from zeroone.bcd.proximal import (
    covariance_metric,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.bcd.pruning import Regression, remove_cheapest
from zeroone.validation import FloatArray


@dataclass
class BatchState:
    """What carries over from batch to batch.

    Parameters
    ----------
    weights : list of ndarray, shape (n_i, n_{i-1} + 1)
        W_1, ..., W_h with the bias as the last column.
    output : RunningRegression
        Averages from which W_h is fitted.
    rng : numpy.random.Generator
        Shuffles batches and neurons.
    epoch : int
        Epochs begun.
    settled : int
        How many of the lowest layers were trained before the others came on top.
    """

    weights: list[FloatArray]
    output: RunningRegression
    rng: np.random.Generator
    epoch: int = 0
    settled: int = 0


def hidden_bits(X: FloatArray, weights: Sequence[FloatArray]) -> FloatArray:
    """Return the last hidden layer's bits with the constant, for input with its constant."""
    V = X
    for W in weights[:-1]:
        V = with_constant(V @ W.T > 0, X.dtype)
    return V


def start(
    X: FloatArray,
    Y: FloatArray,
    hidden: Sequence[int],
    options: BatchOptions,
    rng: np.random.Generator,
    below: BatchState | None = None,
) -> BatchState:
    """Return the state before the first batch.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features + 1)
        Input with its column of ones.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    hidden : sequence of int
        Sizes of the hidden layers.
    options : BatchOptions
    rng : numpy.random.Generator
    below : BatchState, optional
        A trained net with fewer hidden layers, whose hidden layers are the lowest of the new one.

    Returns
    -------
    BatchState
        With the output layer fitted to the first batches.
    """
    size = options.size(len(X))
    layers = [] if below is None else below.weights[:-1]
    settled = len(layers)
    # Enough rows to start from: classes are mixed by the permutation.
    sample = rng.permutation(len(X))[: max(size, 4 * max(hidden))]
    V = hidden_bits(X[sample], [*layers, np.empty(0)])
    for units in hidden[settled:]:
        layers.append(initial_rows(V, Y[sample], units, options.initialisation, rng))
        V = with_constant(V @ layers[-1].T > 0, X.dtype)
    output = RunningRegression(
        hidden[-1] + 1,
        Y.shape[1],
        gamma=options.gamma,
        forgetting=options.forgetting,
        batch_size=size,
        dtype=X.dtype,
    )
    output.update(V, Y[sample])
    layers.append(output.weights().astype(X.dtype))
    epoch = 0 if below is None else below.epoch
    return BatchState(layers, output, rng, epoch, settled)


class Batch:
    """The blocks of one batch, updated in turn.

    Parameters
    ----------
    state : BatchState
        Weights, changed in place.
    X : ndarray, shape (n, n_features + 1)
    Y : ndarray, shape (n, n_classes)
    options : BatchOptions
    tau : tuple of float
        Prices of the hidden layers for this batch.

    Attributes
    ----------
    inputs : list of ndarray, shape (n, n_i + 1)
        V_0, ..., V_{h-1} as the weights compute them.
    bits : list of ndarray of bool, shape (n, n_i)
        The bits decided for the hidden layers, which may differ from those computed.
    preactivations : list of ndarray, shape (n, n_i)
        U_i, the nearest to A_i with these bits.
    computed : list of ndarray, shape (n, n_i)
        A_1, ..., A_{h-1} as the weights compute them.
    products : list of ndarray, shape (n, n_i)
        What the weights make of the bits decided, A_1, ..., A_{h-1} and the outputs.
    """

    def __init__(
        self,
        state: BatchState,
        X: FloatArray,
        Y: FloatArray,
        options: BatchOptions,
        tau: tuple[float, ...],
    ) -> None:
        self.state, self.Y, self.options, self.tau = state, Y, options, tau
        self.inputs = [X]
        self.computed: list[FloatArray] = []
        for W in state.weights[:-1]:
            self.computed.append(layer_product(self.inputs[-1], W))
            self.inputs.append(with_constant(self.computed[-1] > 0, X.dtype))
        self.bits = [A > 0 for A in self.computed]
        # Not moved out of the gap yet: `update_bits` does that, and `leave_gap` if it is measured.
        self.preactivations = list(self.computed)
        self.products = [*self.computed, self.inputs[-1] @ state.weights[-1].T]
        self.targets = target_block(self.products[-1], Y, options.targets)

    def terms(self, *, measure: bool) -> dict[str, float]:
        """Return the batch's objective per sample; the couplings are NaN if not measured."""
        values = self.fit_term()
        for i, tau in enumerate(self.tau):
            coupling = np.nan
            if measure:
                distance = squared_distance(self.preactivations[i], self.products[i])
                coupling = tau / 2 * distance / len(self.Y)
            values[f"coupling_{i + 1}"] = coupling
        values["sparsity"] = self.options.lam * sum(len(W) for W in self.state.weights[:-1])
        return values

    def leave_gap(self, layer: int) -> None:
        """Set U_i to the nearest pre-activations with the bits decided."""
        A, bits = self.products[layer], self.bits[layer]
        self.preactivations[layer] = blocks.nearest_on_side(A, bits, self.options.gap)

    def fit_term(self) -> dict[str, float]:
        """Return the mean fit of a sample alone."""
        return {"fit": squared_distance(self.targets, self.products[-1]) / 2 / len(self.Y)}

    def update_output(self) -> None:
        """Block W_h: fit the running averages, this batch included."""
        state = self.state
        state.output.update(self.inputs[-1], self.targets)
        state.weights[-1] = state.output.weights().astype(self.Y.dtype)
        self.products[-1] = self.inputs[-1] @ state.weights[-1].T

    def update_targets(self) -> None:
        """Block T."""
        self.targets = target_block(self.products[-1], self.Y, self.options.targets)

    def update_bits(self, layer: int) -> int:
        """Block U_i: decide the bits of a layer, neuron by neuron; return how many flipped."""
        top = layer == len(self.tau) - 1
        W = self.state.weights[layer + 1]
        A = self.products[layer + 1]
        flipped = 0
        for _ in range(self.options.passes):
            target = self.targets if top else self.preactivations[layer + 1]
            residual = target - A
            flipped += sweep_neurons(
                self.bits[layer],
                self.products[layer],
                residual,
                W[:, :-1],
                kappa=1.0 if top else self.tau[layer + 1],
                tau=self.tau[layer],
                margin=self.options.gap,
                rng=self.state.rng,
            )
            A = target - residual
            if not top:
                self.products[layer + 1] = A
                self.leave_gap(layer + 1)
        self.products[layer + 1] = A
        self.leave_gap(layer)
        return flipped

    def update_weights(self, layer: int, proximity: float) -> None:
        """Block W_i: the proximal step towards U_i, from what the weights compute."""
        V, A, U = self.inputs[layer], self.computed[layer], self.preactivations[layer]
        if self.products[layer] is not A:
            U = blocks.nearest_on_side(A, self.bits[layer], self.options.gap)
        D = U - A
        if layer < self.state.settled:
            proximity *= self.options.settled_proximity
        W, rho = self.state.weights[layer], proximity - 1
        if self.options.proximal == "batch":
            W = proximal_weights(W, D, V, rho=rho)
        else:
            # The input was scaled; hidden bits are not, and have a large mean.
            metric = covariance_metric(V, self.options.whitening) if layer > 0 else None
            W = proximal_weights_by_sample(W, D, V, rho=rho, metric=metric)
        self.state.weights[layer] = W

    def refresh_product(self, layer: int) -> None:
        """Compute A_i again from the present weights and the bits decided."""
        dtype = self.inputs[0].dtype
        V = self.inputs[0] if layer == 0 else with_constant(self.bits[layer - 1], dtype)
        self.products[layer] = layer_product(V, self.state.weights[layer])


def rescale(state: BatchState, X: FloatArray) -> None:
    """Scale the rows of the hidden layers to unit variance on the samples X; no bit changes."""
    V = X
    for layer, W in enumerate(state.weights[:-1]):
        state.weights[layer] = scale_to_unit_variance(W, V)
        V = with_constant(V @ state.weights[layer].T > 0, X.dtype)


def remove_neurons(batch: Batch) -> int:
    """Remove the neurons that are not worth their price, and fit the layer above to the others.

    The layer above a hidden layer is its regression: on the targets, from the running averages; or,
    between hidden layers, on the pre-activations that it computes for this batch.

    Returns
    -------
    int
        How many were removed.
    """
    state, lam = batch.state, batch.options.lam
    removed = 0
    for layer, tau in enumerate((*batch.tau[1:], 1.0)):
        top = layer == len(batch.tau) - 1
        if top:
            regression = state.output.regression()
        else:
            V, n = batch.inputs[layer + 1], len(batch.Y)
            A = V @ state.weights[layer + 1].T
            regression = Regression.from_gram(V.T @ V / n, V.T @ A / n, batch.options.gamma)
        units = len(state.weights[layer])
        regression, kept = remove_cheapest(regression, lam / tau, most=-(-units // 5))
        if kept.all():
            continue
        # Both at once: an interrupt finds weights that fit together.
        state.weights[layer : layer + 2] = [
            state.weights[layer][kept],
            regression.W.astype(batch.Y.dtype),
        ]
        batch.inputs[layer + 1] = batch.inputs[layer + 1][:, np.append(kept, True)]
        if top:
            state.output.keep(np.append(kept, True))
        removed += int(np.count_nonzero(~kept))
    return removed
