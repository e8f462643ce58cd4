"""Mini-batch block coordinate descent: the practical form, without a guarantee of descent.

For each batch, with V_0 its input, W_i the present weights (and biases) and A_i = V_{i-1} W_i^T +
b_i, V_i = step(A_i):

    W_h   ridge regression on running averages (`RunningRegression`): fits the *hard* network
    T     targets of the output with slack (`target_block`)
    U_i   from the top hidden layer down: bits one neuron at a time, exactly (`sweep_neurons`),
          then the nearest pre-activations
    W_i   proximal step towards U_i (`proximal_weights_by_sample` or `proximal_weights`)

and after the last batch of an epoch

    remove   neurons that are not worth their price (`remove_cheapest`), if they have one
    rescale  the rows of the hidden layers, which leaves every bit as it is

The blocks W_h (for its averages), T and U_i each lower the batch's objective; W_i need not lower it
on the next batch (docs/theory.md#b2). `batch_steps` is the loop over the blocks.

With sample weights, every sum over the samples of a batch is a weighted one, and n is the sum of
their weights. The bits of a sample do not depend on its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.bcd.blocks import (
    LARGEST_MARGIN,
    REMEDIES,
    gram_matrix,
    nearest_on_side,
    total_weight,
)
from zeroone.bcd.initialise import INITIALISATIONS, initial_rows, scale_to_unit_variance
from zeroone.bcd.neurons import neuron_groups, sweep_neurons
from zeroone.bcd.objective import LARGEST_PRICE, Layer, layer_product, per_layer, squared_distance
from zeroone.bcd.proximal import (
    PROXIMAL_FORMS,
    covariance_metric,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.bcd.regression import (
    TARGETS,
    Regression,
    RunningRegression,
    cross_matrix,
    fit_output,
    output_loss,
    remove_cheapest,
    target_block,
)
from zeroone.nets.scaling import Rows
from zeroone.steps import Block, Step
from zeroone.support.rows import row_blocks
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_integer,
    check_matrix,
    check_number,
    check_sample_weight,
)

# Returns the scaled inputs of the samples whose indices it gets.
Fetch = Callable[[NDArray[np.intp]], FloatArray]


def batch_steps(
    batch: Batch, blocks: Mapping[str, Block], proximity: float, *, measure: bool
) -> Iterator[Step]:
    """Update all blocks of a batch in turn and yield the steps.

    Parameters
    ----------
    batch : Batch
        Changed in place.
    blocks : mapping of str to Block
        From `stated_blocks`.
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
    hidden = len(batch.tau)
    if measure:
        for layer in range(hidden):
            batch.leave_gap(layer)
    terms = batch.terms(measure=measure)

    def step(name: str, after: dict[str, float], **info: Any) -> Step:
        nonlocal terms
        before, terms = terms, after
        return Step(batch.state.epoch, blocks[name], before, after, batch.state, info)

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


def epoch_end(batch: Batch, blocks: Mapping[str, Block], *, removing: bool) -> Iterator[Step]:
    """Remove neurons (if `removing`) and rescale the rows of the others, a step each."""
    state, before = batch.state, batch.terms()
    removed = 0
    if removing:
        removed = batch.remove_neurons()
        after = batch.terms()
        yield Step(state.epoch, blocks["remove"], before, after, state, {"removed": removed})
        before = after
    batch.rescale()
    info = {"epoch_ends": True, "position": float(state.epoch), "removed": removed}
    yield Step(state.epoch, blocks["rescale"], before, batch.terms(), state, info)


def train(
    X: Rows,
    Y: FloatArray,
    state: BatchState,
    options: BatchOptions,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
    sample_weight: FloatArray | None = None,
) -> Iterator[Step]:
    """Run all epochs on scaled data, and yield a step after every block update of every batch.

    Parameters
    ----------
    X : ndarray or ScaledRows, shape (n_samples, n_features)
        Input, scaled.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1; any numbers, if the targets are fixed.
    state : BatchState
        From `start`; changed in place.
    options : BatchOptions
    measure : bool, default False
        See `batch_steps`; an epoch's last batch is measured in any case.
    fetch : callable, optional
        What stands for ``X[rows]`` given the indices of a batch's samples, such as moved images.
    sample_weight : ndarray, shape (n_samples,), optional
        How often each sample counts, > 0; by default once.

    Yields
    ------
    Step
        With the live `BatchState`; terms are means over the batch's samples. The last step of an
        epoch, "rescale", has ``info["epoch_ends"]`` True.
    """
    n, size, hidden = len(X), options.size(len(X)), len(state.weights) - 1
    per_epoch = n // size
    total, updates = per_epoch * options.epochs, 0
    blocks = stated_blocks(hidden, options)
    for _ in range(options.epochs):
        state.epoch += 1
        order = state.rng.permutation(n)
        for number in range(per_epoch):
            updates += 1
            tau = options.prices(hidden, updates, total)
            proximity = options.moving_price(updates, total)
            # The samples that do not fill a batch wait for another epoch's order.
            rows = order[number * size : (number + 1) * size]
            inputs = X[rows] if fetch is None else fetch(rows)
            weight = None if sample_weight is None else sample_weight[rows]
            batch = Batch(state, inputs, Y[rows], options, tau, weight)
            last = number == per_epoch - 1
            yield from batch_steps(batch, blocks, proximity, measure=measure or last)
        removing = options.lam > 0 and updates <= 2 * total / 3
        yield from epoch_end(batch, blocks, removing=removing)


def output_step(
    X: Rows,
    Y: FloatArray,
    state: BatchState,
    options: BatchOptions,
    sample_weight: FloatArray | None = None,
) -> Step:
    """Fit the output layer to the hard network's bits on all data: the last step of a training.

    Parameters
    ----------
    X, Y, state, options, sample_weight
        As in `train`.

    Returns
    -------
    Step
        Block "output". Its terms are the mean fit of a sample and the ridge on the layer.
    """
    state.objective = None  # the last batch is not needed any more
    whole = WholeOutput(state, X, Y, options, sample_weight)
    before = whole.terms()
    whole.fit()
    state.objective = whole
    block = stated_blocks(len(state.weights) - 1, options)["output"]
    return Step(state.epoch, block, before, whole.terms(), state)


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
    tau = per_layer("tau", options.tau, depth)
    for layers in range(1, depth + 1):
        epochs = options.epochs // depth + (layers <= options.epochs % depth)
        result.append((hidden[:layers], replace(options, epochs=epochs, tau=tau[:layers])))
    return result


def run_stages(
    X: Rows,
    Y: FloatArray,
    hidden: Sequence[int],
    options: BatchOptions,
    rng: np.random.Generator,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
    sample_weight: FloatArray | None = None,
) -> Iterator[Step]:
    """Yield the steps of all stages; arguments as in `train`, checked."""
    state: BatchState | None = None
    how: dict[str, Any] = {"measure": measure, "fetch": fetch, "sample_weight": sample_weight}
    for layers, stage in stages(hidden, options):
        state = start(X, Y, layers, stage, rng, state, sample_weight)
        yield from train(X, Y, state, stage, **how)


def iterate(
    X: FloatArray,
    Y: FloatArray,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    measure: bool = False,
    sample_weight: ArrayLike | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train a 0/1 MLP by mini-batch block coordinate descent, one block update at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled (`zeroone.nets.scaling`). float32 is kept.
    Y : array_like, shape (n_samples, n_classes)
        Labels: +1 at a sample's class and -1 elsewhere. With ``targets="fixed"``, any numbers.
    hidden : int or sequence of int
        Sizes of the hidden layers.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    measure : bool, default False
        See `batch_steps`.
    sample_weight : array_like, shape (n_samples,), optional
        How often each sample counts, > 0; by default once.
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
    if chosen.targets == "slack" and not np.all(np.abs(Y) == 1):
        raise ValueError("Y must hold -1 and +1 only, unless targets are fixed")
    weight = check_sample_weight(sample_weight, len(X), X.dtype)
    sizes = check_hidden(hidden)
    for sweep in (1, 2):
        chosen.prices(len(sizes), sweep, 2)
    generator = np.random.default_rng(rng)
    return run_stages(X, Y, sizes, chosen, generator, measure=measure, sample_weight=weight)


@dataclass(frozen=True)
class BatchOptions:
    """The options of mini-batch block coordinate descent.

    Parameters
    ----------
    epochs : int, default 30
        Passes over the data.
    batch_size : int, optional
        By default a thirtieth of the data, but from 200 to 2,000 samples.
    tau : float or sequence, default 0.5
        Price of |U_i - A_i|^2 / 2, one number or one a hidden layer, > 0.
    tau_schedule : schedule, default 1.0
        A factor on tau that changes from batch to batch; see `schedule_value`.
    remedy, margin
        As in the full-batch form.
    passes : int, default 1
        Passes over the neurons for each batch.
    targets : {"slack", "fixed"}, default "slack"
        Whether an output that is right by more than the margin 1 is left alone ("slack").
    gamma : float, default 1e-2
        Ridge of the output layer, relative to one sample, > 0.
    forgetting : float, default 0.1
        Rate at which the averages of the output layer forget, in (0, 1].
    proximal : {"samples", "batch"}, default "samples"
        The closed form that moves W_i; see `zeroone.bcd.proximal`.
    proximity : schedule, default (1.0, 20.0)
        The price of moving W_i, >= 1: rho = proximity - 1, in units of the mean squared length of
        the layer's input. At 20, a sample's move is a twentieth of the whole way.
    whitening : float, default 10.0
        Of the metric that measures the moves of the layers above the first; see
        `covariance_metric`.
    layerwise : bool, default True
        Grow a net of several hidden layers from the bottom: train with one hidden layer, put the
        next on top of it, go on with both, and so on; the epochs are shared equally. Otherwise all
        layers start together.
    settled_proximity : float, default 6.0
        The factor on the price of moving a layer that was trained before those above it, >= 1.
    lam : float, default 0.0
        Price of a neuron, relative to one sample. After an epoch, the neurons that cost the next
        layer's regression less than that are removed (`remove_cheapest`): at most a fifth of a
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
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True, maximum=LARGEST_MARGIN)
        check_integer("passes", self.passes)
        check_choice("targets", self.targets, TARGETS)
        check_number("gamma", self.gamma, strict=True, maximum=LARGEST_PRICE)
        check_number("forgetting", self.forgetting, strict=True, maximum=1.0)
        check_choice("proximal", self.proximal, PROXIMAL_FORMS)
        for batch in (1, 2):
            self.moving_price(batch, 2)
        check_number("whitening", self.whitening, strict=True, maximum=LARGEST_PRICE)
        check_number(
            "settled_proximity", self.settled_proximity, minimum=1.0, maximum=LARGEST_PRICE
        )
        check_number("lam", self.lam, maximum=LARGEST_PRICE)
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
        return check_number("proximity", value, minimum=1.0, maximum=LARGEST_PRICE)

    def prices(self, hidden: int, batch: int = 1, batches: int = 1) -> tuple[float, ...]:
        """Return tau of `hidden` hidden layers for a batch, counted from 1.

        Raises
        ------
        ValueError
            If there are too many or too few, or one is out of range.
        """
        factor = schedule_value("tau_schedule", self.tau_schedule, batch, batches)
        tau = [factor * each for each in per_layer("tau", self.tau, hidden)]
        return per_layer("tau times tau_schedule", tau, hidden)

    def size(self, n_samples: int) -> int:
        """Return the number of samples in a batch."""
        size = self.batch_size or min(max(n_samples // 30, 200), 2000)
        return min(size, n_samples)


class Objective(Protocol):
    """The objective of a step, with all its variables but the weights."""

    def terms(self) -> dict[str, float]:
        """Return the objective by term."""


@dataclass
class BatchState:
    """What carries over from batch to batch, and the objective that the last step was about.

    Parameters
    ----------
    weights : list of ndarray, shape (n_i, n_{i-1})
        W_1, ..., W_h.
    biases : list of ndarray, shape (n_i,)
        b_1, ..., b_h.
    output : RunningRegression
        Averages from which W_h is fitted.
    rng : numpy.random.Generator
        Shuffles batches and neurons.
    epoch : int
        Epochs begun.
    settled : int
        How many of the lowest layers were trained before the others came on top.
    objective : Objective, optional
        The present `Batch` (or, at the very end, `WholeOutput`): ``state.objective.terms()`` is
        ``step.after``.
    """

    weights: list[FloatArray]
    biases: list[FloatArray]
    output: RunningRegression
    rng: np.random.Generator
    epoch: int = 0
    settled: int = 0
    objective: Objective | None = None

    def layers(self) -> list[Layer]:
        """Return (W_i, b_i) of every layer."""
        return list(zip(self.weights, self.biases, strict=True))

    def set_layer(self, layer: int, W: FloatArray, b: FloatArray) -> None:
        """Replace the weights and biases of a layer, counted from 0."""
        self.weights[layer], self.biases[layer] = W, b


def hidden_bits(X: FloatArray, layers: Sequence[Layer]) -> FloatArray:
    """Return the last hidden layer's bits, 0 and 1 in the precision of X, for all of `layers`."""
    V = X
    for W, b in layers[:-1]:
        V = (layer_product(V, W, b) > 0).astype(X.dtype)
    return V


def start(
    X: Rows,
    Y: FloatArray,
    hidden: Sequence[int],
    options: BatchOptions,
    rng: np.random.Generator,
    below: BatchState | None = None,
    sample_weight: FloatArray | None = None,
) -> BatchState:
    """Return the state before the first batch.

    Parameters
    ----------
    X : ndarray or ScaledRows, shape (n_samples, n_features)
        Input, scaled.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1; any numbers, if the targets are fixed.
    hidden : sequence of int
        Sizes of the hidden layers.
    options : BatchOptions
    rng : numpy.random.Generator
    below : BatchState, optional
        A trained net with fewer hidden layers, whose hidden layers are the lowest of the new one.
    sample_weight : ndarray, shape (n_samples,), optional

    Returns
    -------
    BatchState
        With the output layer fitted to the first batches.
    """
    given = [] if below is None else below.layers()[:-1]
    state = start_above(X, Y, hidden, options, rng, given, sample_weight)
    state.settled, state.epoch = len(given), 0 if below is None else below.epoch
    return state


def start_above(
    X: Rows,
    Y: FloatArray,
    hidden: Sequence[int],
    options: BatchOptions,
    rng: np.random.Generator,
    given: Sequence[Layer],
    sample_weight: FloatArray | None = None,
) -> BatchState:
    """Return the state before the first batch of a net whose lowest hidden layers are given."""
    size, layers = options.size(len(X)), list(given)
    # Enough rows to start from: classes are mixed by the permutation.
    sample = rng.permutation(len(X))[: max(size, 4 * max(hidden))]
    V, weight = X[sample], None if sample_weight is None else sample_weight[sample]
    for number, units in enumerate(hidden):
        if number >= len(given):
            layers.append(initial_rows(V, Y[sample], units, options.initialisation, rng, weight))
        V = (layer_product(V, *layers[number]) > 0).astype(X.dtype)
    output = RunningRegression(
        V.shape[1],
        Y.shape[1],
        gamma=options.gamma,
        forgetting=options.forgetting,
        batch_size=size,
        dtype=X.dtype,
    )
    output.update(V, Y[sample], weight)
    layers.append(output.layer())
    weights = [W.astype(X.dtype) for W, _ in layers]
    biases = [b.astype(X.dtype) for _, b in layers]
    return BatchState(weights, biases, output, rng)


def start_at(
    X: Rows,
    Y: FloatArray,
    layers: Sequence[Layer],
    options: BatchOptions,
    rng: np.random.Generator,
    sample_weight: FloatArray | None = None,
) -> BatchState:
    """Return the state of a net whose weights and biases are given, for all layers to go on.

    Parameters
    ----------
    X, Y, options, rng, sample_weight
        As in `start`.
    layers : sequence of (W, b)
        From the first hidden layer to the output layer, for scaled input.
    """
    *given, (W, b) = layers
    sizes = [len(each) for _, each in given]
    state = start_above(X, Y, sizes, options, rng, given, sample_weight)
    state.set_layer(-1, W.astype(X.dtype), b.astype(X.dtype))
    return state


class Batch:
    """The blocks of one batch, updated in turn.

    Parameters
    ----------
    state : BatchState
        Weights, changed in place.
    X : ndarray, shape (n, n_features)
    Y : ndarray, shape (n, n_classes)
    options : BatchOptions
    tau : tuple of float
        Prices of the hidden layers for this batch.
    sample_weight : ndarray, shape (n,), optional
        How often each sample counts, > 0; by default once.

    Attributes
    ----------
    inputs : list of ndarray, shape (n, n_i)
        V_0, ..., V_{h-1} as the weights compute them.
    bits : list of ndarray of bool, shape (n, n_i)
        The bits decided for the hidden layers, which may differ from those computed.
    preactivations : list of ndarray, shape (n, n_i)
        U_i, the nearest to A_i with these bits.
    computed : list of ndarray, shape (n, n_i)
        A_1, ..., A_{h-1} as the weights compute them.
    products : list of ndarray, shape (n, n_i)
        What the weights make of the bits decided, A_1, ..., A_{h-1} and the outputs.
    targets : ndarray, shape (n, n_classes)
        T.
    """

    def __init__(
        self,
        state: BatchState,
        X: FloatArray,
        Y: FloatArray,
        options: BatchOptions,
        tau: tuple[float, ...],
        sample_weight: FloatArray | None = None,
    ) -> None:
        self.state, self.Y, self.options, self.tau = state, Y, options, tau
        self.sample_weight, self.total = sample_weight, total_weight(len(Y), sample_weight)
        self.inputs = [X]
        self.bits = []
        self.computed: list[FloatArray] = []
        for W, b in state.layers()[:-1]:
            self.computed.append(layer_product(self.inputs[-1], W, b))
            self.bits.append(self.computed[-1] > 0)
            self.inputs.append(self.bits[-1].astype(X.dtype))
        # Not moved out of the gap yet: `update_bits` does that, and `leave_gap` if it is measured.
        self.preactivations = list(self.computed)
        self.products = [*self.computed, layer_product(self.inputs[-1], *state.layers()[-1])]
        self.targets = target_block(self.products[-1], Y, options.targets)
        state.objective = self

    def terms(self, *, measure: bool = True) -> dict[str, float]:
        """Return the batch's objective per sample; the couplings are NaN if not measured."""
        values = self.fit_term()
        for i, tau in enumerate(self.tau):
            coupling = np.nan
            if measure:
                coupling = tau / 2 * self.distance(self.preactivations[i], self.products[i])
            values[f"coupling_{i + 1}"] = coupling
        values["sparsity"] = self.options.lam * sum(len(W) for W in self.state.weights[:-1])
        return values

    def fit_term(self) -> dict[str, float]:
        """Return the mean fit of a sample alone."""
        return {"fit": self.distance(self.targets, self.products[-1]) / 2}

    def distance(self, P: FloatArray, Q: FloatArray) -> float:
        """Return the mean of |p - q|^2 over the samples."""
        return squared_distance(P, Q, self.sample_weight) / self.total

    def leave_gap(self, layer: int) -> None:
        """Set U_i to the nearest pre-activations with the bits decided."""
        A, bits = self.products[layer], self.bits[layer]
        self.preactivations[layer] = nearest_on_side(A, bits, self.options.gap)

    def refresh_product(self, layer: int) -> None:
        """Compute A_i again from the present weights and the bits decided."""
        X = self.inputs[0]
        V = X if layer == 0 else self.bits[layer - 1].astype(X.dtype)
        self.products[layer] = layer_product(V, *self.state.layers()[layer])

    def update_output(self) -> None:
        """Block W_h: fit the running averages, this batch included."""
        state = self.state
        state.output.update(self.inputs[-1], self.targets, self.sample_weight)
        W, b = state.output.layer()
        state.set_layer(-1, W.astype(self.Y.dtype), b.astype(self.Y.dtype))
        self.products[-1] = layer_product(self.inputs[-1], *state.layers()[-1])

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
                W,
                kappa=1.0 if top else self.tau[layer + 1],
                tau=self.tau[layer],
                margin=self.options.gap,
                groups=neuron_groups(W.shape[1], len(W), self.state.rng),
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
            U = nearest_on_side(A, self.bits[layer], self.options.gap)
        if layer < self.state.settled:
            proximity *= self.options.settled_proximity
        W, b = self.state.layers()[layer]
        price: dict[str, Any] = {"rho": proximity - 1, "sample_weight": self.sample_weight}
        if self.options.proximal == "batch":
            W, b = proximal_weights(W, b, U - A, V, **price)
        else:
            metric = None
            if layer > 0:
                # The input was scaled; hidden bits are not, and have a large mean.
                metric = covariance_metric(V, self.options.whitening, self.sample_weight)
            W, b = proximal_weights_by_sample(W, b, U - A, V, metric=metric, **price)
        self.state.set_layer(layer, W, b)

    def remove_neurons(self) -> int:
        """Remove the neurons that are not worth their price, and fit the layer above to the others.

        The layer above a hidden layer is its regression: on the targets, from the running averages;
        or, between hidden layers, on the pre-activations that it computes for this batch.

        Returns
        -------
        int
            How many were removed.
        """
        state, lam, dtype = self.state, self.options.lam, self.Y.dtype
        removed = 0
        for layer, tau in enumerate((*self.tau[1:], 1.0)):
            top = layer == len(self.tau) - 1
            if top:
                regression = state.output.regression()
            else:
                V, n, weight = self.inputs[layer + 1], self.total, self.sample_weight
                A = layer_product(V, *state.layers()[layer + 1])
                gram = gram_matrix(V, sample_weight=weight) / n
                cross = cross_matrix(V, A, weight) / n
                regression = Regression.from_gram(gram, cross, self.options.gamma)
            units = len(state.weights[layer])
            regression, kept = remove_cheapest(regression, lam / tau, most=-(-units // 5))
            if kept.all():
                continue
            # All at once: an interrupt finds weights that fit together.
            (W, b), above = state.layers()[layer], regression
            weights, biases = list(state.weights), list(state.biases)
            weights[layer : layer + 2] = [W[kept], above.W.astype(dtype)]
            biases[layer : layer + 2] = [b[kept], above.b.astype(dtype)]
            state.weights, state.biases = weights, biases
            self.inputs[layer + 1] = self.inputs[layer + 1][:, kept]
            self.bits[layer] = self.bits[layer][:, kept]
            for arrays in (self.preactivations, self.products):
                arrays[layer] = arrays[layer][:, kept]
            self.refresh_product(layer + 1)
            if top:
                state.output.keep(kept)
            removed += int(np.count_nonzero(~kept))
        return removed

    def rescale(self) -> None:
        """Scale the rows of the hidden layers to unit variance on this batch; no bit changes."""
        V = self.inputs[0]
        for layer in range(len(self.tau)):
            W, b = scale_to_unit_variance(*self.state.layers()[layer], V, self.sample_weight)
            self.state.set_layer(layer, W, b)
            V = (layer_product(V, W, b) > 0).astype(V.dtype)
            self.refresh_product(layer)
            self.leave_gap(layer)


class WholeOutput:
    """The output layer's objective on all data, with the hidden bits as the weights compute them.

    Parameters
    ----------
    state : BatchState
        Its output layer is the variable, and is fitted in place by `fit`.
    X : ndarray or ScaledRows, shape (n_samples, n_features)
        Input, scaled.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    options : BatchOptions
        For the targets and the ridge.
    sample_weight : ndarray, shape (n_samples,), optional
    """

    def __init__(
        self,
        state: BatchState,
        X: Rows,
        Y: FloatArray,
        options: BatchOptions,
        sample_weight: FloatArray | None = None,
    ) -> None:
        self.state, self.Y, self.options = state, Y, options
        self.sample_weight = sample_weight
        self.rows = row_blocks(len(X), 4096)
        # 0/1 in a byte each: computed once, used in every iteration.
        self.bits = [hidden_bits(X[rows], state.layers()).astype(np.uint8) for rows in self.rows]

    def batches(self) -> Iterator[tuple[FloatArray, FloatArray, FloatArray | None]]:
        """Yield hidden bits as floats, labels and weights, a block of rows at a time."""
        for V, rows in zip(self.bits, self.rows, strict=True):
            weight = None if self.sample_weight is None else self.sample_weight[rows]
            yield V.astype(self.Y.dtype), self.Y[rows], weight

    def terms(self) -> dict[str, float]:
        """Return the mean fit of a sample to the best targets, and the ridge."""
        W, b = self.state.layers()[-1]
        fit = output_loss(self.batches, W, b, targets=self.options.targets)
        ridge = self.options.gamma / 2 * float(np.vdot(W, W) + np.vdot(b, b))
        return {"fit": fit, "ridge": ridge}

    def fit(self) -> None:
        """Block "output": fit the layer, targets and weights in turn."""
        gamma, targets = self.options.gamma, self.options.targets
        W, b = self.state.layers()[-1]
        self.state.set_layer(-1, *fit_output(self.batches, W, b, gamma=gamma, targets=targets))


def stated_blocks(hidden: int, options: BatchOptions) -> dict[str, Block]:
    """Return all blocks by name, with the equations of their updates, for `hidden` hidden layers.

    V stands for a layer's input and a column of ones, W for the weights and the bias; n counts
    samples.
    """
    h, source = hidden + 1, "docs/theory.md#b2"
    targets = "T = y max(y f, 1)" if options.targets == "slack" else "T = y"
    blocks = {
        f"W{h}": f"W{h} (G + gamma I) = C^T, with G <- (1 - f) G + f V{h - 1}^T V{h - 1} / n and "
        f"C <- (1 - f) C + f V{h - 1}^T T / n",
        "T": f"{targets}, with f = V{h - 1} W{h}^T",
        "remove": "neuron j goes if |w_j|^2 / (2 K_jj) <= lam / tau, the cheapest first, with "
        "K = (V^T V / n + gamma I)^-1; then W = C^T K without it",
        "rescale": "w <- w / (standard deviation of a), for every row; then u = z max(z a, m), "
        "z = -1 or +1 as the bit says",
        "output": f"in turn: {targets}, then W{h} = T^T V{h - 1} (V{h - 1}^T V{h - 1} + "
        "n gamma I)^-1, on all data",
    }
    for i in range(1, h):
        kappa = f"tau{i + 1}" if i < hidden else "1"
        blocks[f"U{i}"] = (
            f"neuron by neuron: fire if kappa (|w|^2/2 - w . r0) + (tau{i}/2) (d1^2 - d0^2) < 0, "
            f"w its column of W{i + 1}, r0 the residual above without it, kappa = {kappa}"
        )
        blocks[f"W{i}"] = (
            f"W{i} <- W{i} + D^T V{i - 1} (V{i - 1}^T V{i - 1} + rho I)^-1, D = U{i} - A{i}"
            if options.proximal == "batch"
            else f"W{i} <- W{i} + sum_n d_n (M^-1 v_n)^T / (v_n . M^-1 v_n + rho), d_n = u_n - a_n"
        )
    return {name: Block(name, equation, source) for name, equation in blocks.items()}
