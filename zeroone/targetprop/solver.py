"""Mini-batch feasible target propagation, FTPROP-MB, for nets of step units (theory, C).

For each batch, after a forward pass through the hard net, from the top down ::

    output layer h   G_h = d(output loss)/d(scores)
    layer i          e = G_{i+1} W_{i+1}            does the loss above fall if a unit goes on?
                     t = -sign(e)                   so that is its target
                     G_i = d(layer loss)/dZ_i       of weight * loss(t z)
    W_i              one step along G_i^T V_{i-1}   each unit is a perceptron of its own

With ``loss="linear"`` the update of every layer is that of the straight-through estimator, with
``"saturated_hinge"`` that of the saturating one, and with a `surrogate` that of ReLU type: nothing
else changes (Friesen, Domingos, arXiv:1710.11573, section 4).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.layers import check_hidden
from zeroone.targetprop.layers import (
    Layer,
    activate,
    hidden_gradient,
    hidden_loss,
    hidden_targets,
    start_layers,
    with_ones,
)
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.output import Classes, check_counted_classes, output_loss
from zeroone.trace import Step
from zeroone.validation import FloatArray, check_matrix

# Returns the scaled inputs, with their column of ones, of the samples whose indices it gets.
Fetch = Callable[[NDArray[np.intp]], FloatArray]


class DivergenceError(ValueError):
    """Training produced NaN or infinity."""


@dataclass
class TargetState:
    """The layers of a net in training, and how far it has come.

    Parameters
    ----------
    layers : list of Layer
        The output layer last.
    rng : numpy.random.Generator
        Source of the batches.
    epoch, updates : int
        How many have begun.
    """

    layers: list[Layer]
    rng: np.random.Generator
    epoch: int = 0
    updates: int = 0

    @property
    def weights(self) -> list[FloatArray]:
        """The weights of all layers, bias last, batch normalisation folded in."""
        return [layer.folded() for layer in self.layers]


def start(
    n_features: int,
    n_classes: int,
    hidden: Sequence[int],
    options: TargetOptions,
    rng: np.random.Generator,
    dtype: np.dtype,
) -> TargetState:
    """Return the state of a net with random weights."""
    sizes = (n_features, *hidden, n_classes)
    return TargetState(start_layers(sizes, options, rng, dtype), rng)


def check_finite(state: TargetState, values: FloatArray, name: str) -> None:
    """Stop if some values of the present update are not finite.

    Raises
    ------
    DivergenceError
        With the epoch, the update and the first layer whose weights are to blame.
    """
    # A sum of squares is finite unless a term is not, or it overflows: only then look closer.
    if np.isfinite(np.vdot(values, values)) or np.isfinite(values).all():
        return
    blamed = [
        f"the weights of layer {i + 1} hold NaN or infinity"
        for i, layer in enumerate(state.layers)
        if not np.isfinite(layer.weights).all()
    ]
    cause = blamed[0] if blamed else "they overflowed"
    raise DivergenceError(
        f"training diverged at update {state.updates} (epoch {state.epoch}): {name} hold NaN or "
        f"infinity, because {cause}; a smaller learning_rate or batch normalisation may help"
    )


def forward(state: TargetState, V: FloatArray, options: TargetOptions) -> FloatArray:
    """Return the scores of a batch; each layer keeps its input and its pre-activations.

    Raises
    ------
    DivergenceError
        If a pre-activation or a score is not finite: a step unit would hide a NaN.
    """
    *hidden, top = state.layers
    for i, layer in enumerate(hidden):
        Z = layer.forward(V)
        check_finite(state, Z, f"the pre-activations of layer {i + 1}")
        V = activate(Z, options)
    scores = top.forward(V)
    check_finite(state, scores, "the scores")
    return scores


def batch_steps(
    state: TargetState,
    V: FloatArray,
    classes: Classes,
    options: TargetOptions,
    rate: float,
    *,
    measure: bool,
) -> Iterator[Step]:
    """Update all layers on a batch, the output layer first, and yield a step for each.

    Parameters
    ----------
    state : TargetState
        Changed in place.
    V : ndarray, shape (n_samples, n_features + 1)
        Input, with its column of ones.
    classes : ndarray of int, shape (n_samples,)
    options : TargetOptions
    rate : float
        The learning rate.
    measure : bool
        Whether to compute each layer's loss before and after its update, which takes one more
        product a layer. Otherwise they are NaN.

    Yields
    ------
    Step
        Blocks ``W_h``, ..., ``W_1``; the terms are the loss of each layer on its targets. Those of
        layers to which the batch has not come yet are NaN.
        ``info["targets"]`` has those of a hidden layer.
    """
    *hidden, top = state.layers
    judge, decay = output_loss(options.output), options.weight_decay
    scores = forward(state, V, options)
    terms = {"output loss": np.nan}
    terms |= {f"layer {i + 1} loss": np.nan for i in reversed(range(len(hidden)))}

    def step(layer: int, name: str, before: float, after: float, **info: Any) -> Step:
        earlier = terms | {name: before}
        terms[name] = after
        return Step(state.epoch, f"W{layer + 1}", earlier, dict(terms), state, info)

    G = judge.derivative(scores, classes)
    e = top.send_down(G)  # with the weights before the update, as in the chain rule
    top.move(G, rate, decay)
    before = after = np.nan
    if measure:
        before = judge.value(scores, classes)
        after = judge.value(top.V @ top.weights.T, classes)
    yield step(len(hidden), "output loss", before, after)
    for i in reversed(range(len(hidden))):
        layer = hidden[i]
        Z, targets = layer.Z, hidden_targets(e, options)
        G = hidden_gradient(Z, targets, options)
        G = layer.through_normalisation(G, rate)
        e = layer.send_down(G) if i > 0 else e
        layer.move(G, rate, decay)
        before = after = np.nan
        if measure:
            before = hidden_loss(Z, targets, options)
            after = hidden_loss(layer.forward(layer.V, remember=False), targets, options)
        yield step(i, f"layer {i + 1} loss", before, after, targets=targets)


def dropped(V: FloatArray, part: float, rng: np.random.Generator) -> FloatArray:
    """Return inputs with a random part set to zero and the others divided by 1 - part."""
    keep = rng.random(V.shape, dtype=np.float32) >= part
    keep[:, -1] = True
    result = V * keep
    result[:, :-1] /= 1 - part
    return result


def train(
    X: FloatArray,
    classes: Classes,
    state: TargetState,
    options: TargetOptions,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
) -> Iterator[Step]:
    """Run all epochs on scaled data, and yield a step after every layer's update on every batch.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features + 1)
        Input, scaled, with its column of ones.
    classes : ndarray of int, shape (n_samples,)
    state : TargetState
        From `start`; changed in place.
    options : TargetOptions
    measure : bool, default False
        See `batch_steps`; an epoch's last batch is measured in any case.
    fetch : callable, optional
        What stands for ``X[rows]`` given the indices of a batch's samples, such as moved images.

    Yields
    ------
    Step
        With the live `TargetState`. The last step of an epoch has ``info["epoch_ends"]`` True.

    Raises
    ------
    DivergenceError
        If NaN or infinity come up.
    """
    n = len(X)
    size = options.size(n)
    per_epoch = n // size
    total, updates = per_epoch * options.epochs, 0
    with np.errstate(over="ignore", invalid="ignore"):  # `check_finite` reports it
        for _ in range(options.epochs):
            state.epoch += 1
            # The samples that do not fill a batch wait for another epoch's order.
            order = state.rng.permutation(n)[: per_epoch * size].reshape(per_epoch, size)
            for number, rows in enumerate(order):
                updates += 1
                state.updates += 1
                V = X[rows] if fetch is None else fetch(rows)
                if options.dropout > 0:
                    V = dropped(V, options.dropout, state.rng)
                last_batch, rate = number == per_epoch - 1, options.rate(updates, total)
                seen = measure or last_batch
                for step in batch_steps(state, V, classes[rows], options, rate, measure=seen):
                    if last_batch and step.block == "W1":
                        for layer in state.layers:
                            check_finite(state, layer.weights, "the weights")
                        ends = {"epoch_ends": True, "position": float(state.epoch)}
                        step = replace(step, info={**step.info, **ends})
                    yield step


def iterate(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    measure: bool = False,
    n_classes: int | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train a net of step units by target propagation, one layer's update at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled. float32 is kept.
    y : array_like of int, shape (n_samples,)
        Classes, counted from 0.
    hidden : int or sequence of int
        Sizes of the hidden layers.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    measure : bool, default False
        Whether to measure each layer's loss before and after each update; see `batch_steps`.
    n_classes : int, optional
        By default as many as `y` has, and at least 2.
    **options
        The fields of `TargetOptions`, by name.

    Yields
    ------
    Step
        See `train`.

    Raises
    ------
    ValueError
        If an argument is of the wrong shape, not finite or out of range.
    DivergenceError
        If the training diverges; a `ValueError` too.
    """
    try:
        chosen = TargetOptions(**options)
    except TypeError as error:
        raise ValueError(f"options must be fields of TargetOptions: {error}") from None
    data = check_matrix("X", X)
    classes, count = check_counted_classes(y, len(data), n_classes)
    sizes = check_hidden(hidden)
    V = with_ones(data)
    V[:, :-1] = data
    generator = np.random.default_rng(rng)
    state = start(data.shape[1], count, sizes, chosen, generator, data.dtype)
    return train(V, classes, state, chosen, measure=measure)
