"""Mini-batch block coordinate descent: the practical form, without a guarantee of descent.

For each batch, with V_0 its input, W_i the present weights and A_i = V_{i-1} W_i^T, V_i =
step(A_i):

    W_h   ridge regression on running averages (`RunningRegression`): fits the *hard* network
    T     targets of the output with slack (`target_block`)
    U_i   from the top hidden layer down: bits one neuron at a time, exactly (`sweep_neurons`),
          then the nearest pre-activations
    W_i   proximal step towards U_i (`proximal_weights_by_sample` or `proximal_weights`)

The blocks W_h (for its averages), T and U_i each lower the batch's objective; W_i need not lower it
on the next batch. Rows are rescaled after each epoch, which leaves every bit as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd import blocks
from zeroone.bcd.initialise import INITIALISATIONS, initial_rows, scale_to_unit_variance
from zeroone.bcd.neurons import sweep_neurons
from zeroone.bcd.objective import (
    check_hidden,
    layer_product,
    per_layer,
    squared_distance,
    with_constant,
)
from zeroone.bcd.output import TARGETS, RunningRegression, target_block
from zeroone.bcd.proximal import (
    PROXIMAL_FORMS,
    covariance_metric,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.bcd.pruning import Regression, remove_cheapest
from zeroone.bcd.schedules import Schedule, schedule_value
from zeroone.trace import Step
from zeroone.validation import (
    FloatArray,
    check_choice,
    check_integer,
    check_matrix,
    check_number,
)

# Returns the scaled inputs, with their column of ones, of the samples whose indices it gets.
Fetch = Callable[[NDArray[np.intp]], FloatArray]


@dataclass(frozen=True)
class BatchOptions:
    """How mini-batch block coordinate descent goes about it.

    Parameters
    ----------
    epochs : int, default 30
        Passes over the data.
    batch_size : int, optional
        By default a thirtieth of the data, but from 200 to 2,000 samples.
    tau : float or sequence, default 0.5
        Price of |U_i - V_{i-1} W_i^T|^2 / 2, one number or one a hidden layer, > 0.
    tau_schedule : schedule, default 1.0
        A factor on tau that changes from batch to batch; see `schedule_value`.
    remedy, margin
        As in the full-batch form.
    passes : int, default 1
        Passes over the neurons for each batch.
    targets : {"slack", "fixed"}, default "slack"
        Whether an output that is right by more than its margin is left alone.
    gamma : float, default 1e-2
        Ridge of the output layer, relative to one sample, > 0.
    forgetting : float, default 0.1
        Rate at which the averages of the output layer forget, in (0, 1].
    proximal : {"samples", "batch"}, default "samples"
        Which closed form moves W_i.
    proximity : schedule, default (1.0, 20.0)
        What moving W_i costs, >= 1: rho = proximity - 1, in units of the mean squared length of the
        layer's input, so that a proximity of 20 makes a sample's move a twentieth of the whole way.
    whitening : float, default 10.0
        For the layers above the first: the metric in which their moves are measured; see
        `covariance_metric`.
    layerwise : bool, default True
        Grow a net of several hidden layers from the bottom: train with one hidden layer, put the
        next on top of it, go on with both, and so on; the epochs are shared equally. Otherwise all
        layers start together.
    settled_proximity : float, default 6.0
        By how much more it costs to move a layer that was trained before those above it, >= 1.
    lam : float, default 0.0
        Price of a neuron, relative to one sample: after an epoch, neurons without which the next
        layer's regression would lose less are removed (`zeroone.bcd.pruning`), at most a fifth of a
        layer at a time, and none in the last third of the epochs.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights of hidden layers.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    epochs: int = 30
    batch_size: int | None = None
    tau: float | Sequence[float] = 0.5
    tau_schedule: Schedule = 1.0
    remedy: str = "margin"
    margin: float = 0.1
    passes: int = 1
    targets: str = "slack"
    gamma: float = 1e-2
    forgetting: float = 0.1
    proximal: str = "samples"
    proximity: Schedule = (1.0, 20.0)
    whitening: float = 10.0
    layerwise: bool = True
    settled_proximity: float = 6.0
    lam: float = 0.0
    initialisation: str = "differences"

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs)
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size)
        check_choice("remedy", self.remedy, blocks.REMEDIES)
        check_number("margin", self.margin, strict=True)
        check_integer("passes", self.passes)
        check_choice("targets", self.targets, TARGETS)
        check_number("gamma", self.gamma, strict=True)
        check_number("forgetting", self.forgetting, strict=True, maximum=1.0)
        check_choice("proximal", self.proximal, PROXIMAL_FORMS)
        for batch in (1, 2):
            self.moving_price(batch, 2)
        check_number("whitening", self.whitening, strict=True)
        check_number("settled_proximity", self.settled_proximity, minimum=1.0)
        check_number("lam", self.lam)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0

    def moving_price(self, batch: int, batches: int) -> float:
        """Return the proximity of a batch, counted from 1.

        Raises
        ------
        ValueError
            If it is below 1.
        """
        value = schedule_value("proximity", self.proximity, batch, batches)
        return check_number("proximity", value, minimum=1.0)

    def size(self, n_samples: int) -> int:
        """Return the number of samples in a batch."""
        size = self.batch_size or min(max(n_samples // 30, 200), 2000)
        return min(size, n_samples)


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


def batch_steps(batch: Batch, proximity: float, *, measure: bool) -> Iterator[Step]:
    """Update all blocks of a batch in turn and yield the steps.

    Parameters
    ----------
    batch : Batch
        Changed in place.
    proximity : float
        What moving the hidden layers' weights costs.
    measure : bool
        Whether to compute the couplings, which takes one more product a layer. Otherwise they are
        NaN.

    Yields
    ------
    Step
        Blocks ``W_h``, ``T``, ``U_{h-1}``, ..., ``U_1``, ``W_1``, ..., ``W_{h-1}``.
    """
    epoch, hidden = batch.state.epoch, len(batch.tau)
    if measure:
        for layer in range(hidden):
            batch.leave_gap(layer)
    terms = batch.terms(measure=measure)

    def step(block: str, after: dict[str, float], **info: Any) -> Step:
        nonlocal terms
        before, terms = terms, after
        return Step(epoch, block, before, after, batch.state, info)

    batch.update_output()
    yield step(f"W{hidden + 1}", {**terms, **batch.fit_term()})
    batch.update_targets()
    yield step("T", {**terms, **batch.fit_term()})
    for layer in reversed(range(hidden)):
        flipped = batch.update_bits(layer)
        yield step(f"U{layer + 1}", batch.terms(measure=measure), flipped=flipped)
    for layer in range(hidden):
        batch.update_weights(layer, proximity)
        if measure:
            batch.refresh_product(layer)
        yield step(f"W{layer + 1}", batch.terms(measure=measure), proximity=proximity)


def train(
    X: FloatArray,
    Y: FloatArray,
    state: BatchState,
    options: BatchOptions,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
) -> Iterator[Step]:
    """Run all epochs on scaled data, and yield a step after every block update of every batch.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features + 1)
        Input, scaled, with its column of ones.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    state : BatchState
        From `start`; changed in place.
    options : BatchOptions
    measure : bool, default False
        See `batch_steps`; an epoch's last batch is measured in any case.
    fetch : callable, optional
        What stands for ``X[rows]`` given the indices of a batch's samples, such as moved images.

    Yields
    ------
    Step
        With the live `BatchState`; terms are means over the batch's samples. The last step of an
        epoch has ``info["epoch_ends"]`` True.
    """
    n, size = len(X), options.size(len(X))
    per_epoch = n // size
    total, updates = per_epoch * options.epochs, 0
    prices = per_layer("tau", options.tau, len(state.weights) - 1, strict=True)
    for _ in range(options.epochs):
        state.epoch += 1
        order = state.rng.permutation(n)
        for number in range(per_epoch):
            updates += 1
            factor = schedule_value("tau_schedule", options.tau_schedule, updates, total)
            proximity = options.moving_price(updates, total)
            # The samples that do not fill a batch wait for another epoch's order.
            rows = order[number * size : (number + 1) * size]
            tau = tuple(factor * price for price in prices)
            inputs = X[rows] if fetch is None else fetch(rows)
            batch = Batch(state, inputs, Y[rows], options, tau)
            last_batch = number == per_epoch - 1
            for step in batch_steps(batch, proximity, measure=measure or last_batch):
                if last_batch and step.block == f"W{len(tau)}":
                    removing = options.lam > 0 and updates <= 2 * total / 3
                    removed = remove_neurons(batch) if removing else 0
                    rescale(state, batch.inputs[0])
                    ends = {"epoch_ends": True, "position": float(state.epoch), "removed": removed}
                    info = {**step.info, **ends}
                    step = replace(step, info=info)
                yield step


def stages(
    hidden: Sequence[int], options: BatchOptions
) -> list[tuple[Sequence[int], BatchOptions]]:
    """Return the hidden layers and the options of each stage of a training.

    With `layerwise` growth there is a stage for each hidden layer, and the epochs are shared out,
    the first stages getting what is left over; otherwise there is one stage.
    """
    depth = len(hidden)
    if not options.layerwise or options.epochs < depth:
        return [(hidden, options)]
    result = []
    tau = per_layer("tau", options.tau, depth, strict=True)
    for layers in range(1, depth + 1):
        epochs = options.epochs // depth + (layers <= options.epochs % depth)
        result.append((hidden[:layers], replace(options, epochs=epochs, tau=tau[:layers])))
    return result


def iterate(
    X: FloatArray,
    Y: FloatArray,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    measure: bool = False,
    **options: Any,
) -> Iterator[Step]:
    """Train a 0/1 MLP by mini-batch block coordinate descent, one block update at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled (`zeroone.bcd.scaling`). float32 is kept.
    Y : array_like, shape (n_samples, n_classes)
        Labels: +1 at a sample's class and -1 elsewhere.
    hidden : int or sequence of int
        Sizes of the hidden layers.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    measure : bool, default False
        See `batch_steps`.
    **options
        The fields of `BatchOptions`, by name.

    Yields
    ------
    Step
        See `train`.

    Raises
    ------
    ValueError
        If an argument is of the wrong shape, not finite or out of range.
    """
    try:
        chosen = BatchOptions(**options)
    except TypeError as error:
        raise ValueError(f"options must be fields of BatchOptions: {error}") from None
    X = check_matrix("X", X)
    Y = check_matrix("Y", Y, dtype=X.dtype)
    if len(X) != len(Y):
        raise ValueError(f"Y must have {len(X)} rows like X, but has {len(Y)}")
    if not np.all(np.abs(Y) == 1):
        raise ValueError("Y must hold -1 and +1 only")
    sizes = check_hidden(hidden)
    per_layer("tau", chosen.tau, len(sizes), strict=True)
    generator = np.random.default_rng(rng)
    return run_stages(with_constant(X), Y, sizes, chosen, generator, measure=measure)


def run_stages(
    X: FloatArray,
    Y: FloatArray,
    hidden: Sequence[int],
    options: BatchOptions,
    rng: np.random.Generator,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
) -> Iterator[Step]:
    """Yield the steps of all stages; X has its column of ones, arguments are checked."""
    state: BatchState | None = None
    for layers, stage in stages(hidden, options):
        state = start(X, Y, layers, stage, rng, state)
        yield from train(X, Y, state, stage, measure=measure, fetch=fetch)
