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
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.batch import Batch, BatchState, remove_neurons, rescale, start
from zeroone.bcd.objective import per_layer, with_constant
from zeroone.bcd.options import BatchOptions
from zeroone.layers import check_hidden
from zeroone.schedules import schedule_value
from zeroone.trace import Step
from zeroone.validation import FloatArray, check_matrix

# Returns the scaled inputs, with their column of ones, of the samples whose indices it gets.
Fetch = Callable[[NDArray[np.intp]], FloatArray]


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
        The input, already centred and scaled (`zeroone.scaling`). float32 is kept.
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
