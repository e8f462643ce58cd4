"""Mini-batch feasible target propagation, FTPROP-MB, for nets of step units (docs/theory.md#c1).

For each batch, after a forward pass through the hard net, from the top down ::

    output layer h   G_h = d(output loss)/d(scores)
    layer i          e = G_{i+1} W_{i+1}            does the loss above fall if a unit goes on?
                     t = -sign(e)                   so that is its target
                     G_i = d(layer loss)/dZ_i       of weight * loss(t z)
    W_i, b_i         one step along G_i^T V_{i-1} and the sum of G_i's rows:
                     each unit is a perceptron of its own

With ``loss="linear"`` the update of every layer is that of the straight-through estimator, with
``"saturated_hinge"`` that of the saturating one, and with a `surrogate` that of ReLU type: nothing
else changes (Friesen, Domingos, arXiv:1710.11573, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.losses import REGRESSION_LOSSES, output_loss
from zeroone.nets.layers import Chain, Dense, Layer
from zeroone.nets.network import Network, copied
from zeroone.nets.normalisation import Normalisation, Normalised
from zeroone.nets.scaling import Rows
from zeroone.nets.units import HiddenUnits
from zeroone.steps import Block, Step
from zeroone.support.validation import (
    FloatArray,
    check_array,
    check_hidden,
    check_matrix,
    check_sample_weight,
)
from zeroone.targetprop.optimisers import Optimiser, make_optimiser
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.targets import HiddenTargets, TargetUnits, check_counted_classes

# Returns the scaled inputs of the samples whose indices it gets.
Fetch = Callable[[NDArray[np.intp]], FloatArray]

OUTPUT_EQUATION = """G = dL/d(scores)
e = G W
W, b <- optimiser step along G^T h, sum of the rows of G"""
HIDDEN_EQUATION = """t = -sign(e), weight = |e|
G = weight * t * loss'(t z)
e = G W
W, b <- optimiser step along G^T h, sum of the rows of G"""
SOURCE = "docs/theory.md#c1"


def blocks(n_layers: int) -> list[Block]:
    """Return the blocks that a batch updates, W_1 to W_h, each the weights and biases of a layer.

    They are updated from the last to the first.
    """
    hidden = [Block(f"W{i + 1}", HIDDEN_EQUATION, SOURCE) for i in range(n_layers - 1)]
    return [*hidden, Block(f"W{n_layers}", OUTPUT_EQUATION, SOURCE)]


class DivergenceError(ValueError):
    """Training produced NaN or infinity."""


@dataclass
class TargetState:
    """A net in training, how far it has come, and what it saw of the present batch.

    Parameters
    ----------
    net : list of Layer
        From the first hidden layer to the output layer; hidden units lie between them. In a network
        such a layer may be a chain of several, such as a convolution and a pooling.
    optimisers : list of Optimiser
        What moves each layer.
    rng : numpy.random.Generator
        Source of the batches.
    epoch, updates : int
        How many have begun.

    Attributes
    ----------
    inputs, outputs : list of ndarray
        What each layer received and returned in the present batch's forward pass: V_0, ..., V_{h-1}
        and Z_1, ..., Z_h, the scores last.
    network : Network, optional
        The one of which `net` are the parts, if the training was started with one.
    """

    net: list[Layer]
    optimisers: list[Optimiser]
    rng: np.random.Generator
    epoch: int = 0
    updates: int = 0
    network: Network | None = field(default=None, repr=False)
    inputs: list[FloatArray] = field(default_factory=list, repr=False)
    outputs: list[FloatArray] = field(default_factory=list, repr=False)

    def layers(self) -> list[tuple[FloatArray, FloatArray]]:
        """Return weights and biases of every layer, batch normalisation folded in."""
        return [layer.folded() for layer in self.net]


def forward(state: TargetState, V: FloatArray, units: TargetUnits) -> FloatArray:
    """Return the scores of a batch; the state keeps what each layer received and returned.

    Raises
    ------
    DivergenceError
        If a pre-activation or a score is not finite: a step unit would hide a NaN.
    """
    state.inputs, state.outputs, top = [], [], len(state.net) - 1
    for i, layer in enumerate(state.net):
        V = units.forward(state.outputs[-1]) if i > 0 else V
        state.inputs.append(V)
        state.outputs.append(layer.forward(V))
        what = "the scores" if i == top else f"the pre-activations of layer {i + 1}"
        check_finite(state, state.outputs[-1], what)
    return state.outputs[-1]


def batch_steps(
    state: TargetState,
    V: FloatArray,
    classes: NDArray[Any],
    options: TargetOptions,
    rate: float,
    *,
    measure: bool,
    sample_weight: FloatArray | None = None,
) -> Iterator[Step]:
    """Update all layers on a batch, the output layer first, and yield a step for each.

    Parameters
    ----------
    state : TargetState
        Changed in place.
    V : ndarray, shape (n_samples, ...)
        Input: rows of features, or images.
    classes : ndarray of int, shape (n_samples,)
        With the squared loss, vectors of numbers instead, shape (n_samples, n_outputs).
    options : TargetOptions
    rate : float
        The learning rate.
    measure : bool
        Whether to compute each layer's loss before and after its update, which takes one more
        product a layer. Otherwise they are NaN.
    sample_weight : ndarray, shape (n_samples,), optional
        The output loss is then the weighted mean, and everything below follows from it.

    Yields
    ------
    Step
        Blocks ``W_h``, ..., ``W_1``. The terms are the losses of the layers that have been updated
        on this batch so far, each on its targets and on the input that it had in the forward pass
        (`TargetState.inputs`), so that ``decrease`` is by how much the loss of the layer that moved
        has fallen. ``info["classes"]`` are the batch's classes, ``info["options"]`` the options,
        and ``info["targets"]`` the targets of a hidden layer.
    """
    layers, units, judge = state.net, options.units, output_loss(options.output)
    scores = forward(state, V, units)
    Z, top, names = state.outputs, len(layers) - 1, blocks(len(layers))
    terms: dict[str, float] = {}

    def step(i: int, name: str, loss: Callable[[FloatArray], float], **info: Any) -> Step:
        before = after = np.nan
        if measure:
            before, after = loss(Z[i]), loss(layers[i].forward(state.inputs[i], remember=False))
        earlier = terms | {name: before}
        terms[name] = after
        info |= {"classes": classes, "options": options}
        return Step(state.epoch, names[i], earlier, dict(terms), state, info)

    G = judge.weighted_derivative(scores, classes, sample_weight)
    e = layers[top].backward(G)  # with the weights before the update, as in the chain rule
    state.optimisers[top].update(layers[top].gradients, rate)
    judged = partial(judge.weighted_value, classes=classes, weights=sample_weight)
    yield step(top, "output loss", judged)
    for i in reversed(range(top)):
        targets = units.targets(e, sample_weight)
        G = units.layer_gradient(Z[i], targets)
        e = layers[i].backward(G, to_input=i > 0)
        state.optimisers[i].update(layers[i].gradients, rate)
        loss = partial(units.layer_loss, targets=targets)
        yield step(i, f"layer {i + 1} loss", loss, targets=targets)


def train(
    X: Rows,
    classes: NDArray[Any],
    state: TargetState,
    options: TargetOptions,
    *,
    measure: bool = False,
    fetch: Fetch | None = None,
    sample_weight: FloatArray | None = None,
) -> Iterator[Step]:
    """Run all epochs on scaled data, and yield a step after every layer's update on every batch.

    Parameters
    ----------
    X : ndarray or ScaledRows, shape (n_samples, ...)
        Input, scaled: rows of features, or images.
    classes : ndarray of int, shape (n_samples,)
        With the squared loss, vectors of numbers instead, shape (n_samples, n_outputs).
    state : TargetState
        From `start` or `start_network`; changed in place.
    options : TargetOptions
    measure : bool, default False
        See `batch_steps`; an epoch's last batch is measured in any case.
    fetch : callable, optional
        What stands for ``X[rows]`` given the indices of a batch's samples, such as moved images.
    sample_weight : ndarray, shape (n_samples,), optional
        How much each sample counts in its batch, > 0; by default all the same. Batch normalisation
        does not see it.

    Yields
    ------
    Step
        With the live `TargetState`. The last step of an epoch has ``info["epoch_ends"]`` True.

    Raises
    ------
    DivergenceError
        If NaN or infinity come up.
    ValueError
        If samples of a network have weights and its hidden units have equal ones.
    """
    if sample_weight is not None and state.network is not None and options.weighting == "equal":
        # Units inside a block would not know of which sample a target is.
        raise ValueError('weighting must be "magnitude" for a network if samples have weights')
    n = len(X)
    size = options.size(n)
    per_epoch = n // size
    total, updates = per_epoch * options.epochs, 0
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
            weight = None if sample_weight is None else sample_weight[rows]
            steps = batch_steps(
                state, V, classes[rows], options, rate, measure=seen, sample_weight=weight
            )
            for step in quietly(steps):
                if last_batch and step.block == "W1":
                    for layer in state.net:
                        for parameter in layer.parameters:
                            check_finite(state, parameter, "the weights")
                    ends = {"epoch_ends": True, "position": float(state.epoch)}
                    step = replace(step, info={**step.info, **ends})
                yield step


def iterate(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int | Sequence[int] | Network,
    *,
    rng: np.random.Generator | int | None = None,
    measure: bool = False,
    n_classes: int | None = None,
    sample_weight: ArrayLike | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train a net of step units by target propagation, one layer's update at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled. float32 is kept. For a network, images of its input
        shape, or the same as rows.
    y : array_like of int, shape (n_samples,)
        Classes, counted from 0. With ``output="squared-error"``, numbers, (n_samples, n_outputs).
    hidden : int, sequence of int, or Network
        Sizes of the hidden layers; or a network, whose parameters are moved in place, and whose
        hidden units are taken from the options.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    measure : bool, default False
        Whether to measure each layer's loss before and after each update; see `batch_steps`.
    n_classes : int, optional
        By default as many as `y` has, and at least 2.
    sample_weight : array_like, shape (n_samples,), optional
        How much each sample counts in its batch, > 0; by default all the same.
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
    generator = np.random.default_rng(rng)
    if isinstance(hidden, Network):
        images = hidden.samples(check_array("X", X, dtype=hidden.dtype))
        weight = check_sample_weight(sample_weight, len(images), images.dtype)
        targets, _ = output_targets(y, images, hidden.n_outputs, chosen)
        state = start_network(hidden, chosen, generator)
        return train(images, targets, state, chosen, measure=measure, sample_weight=weight)
    data = check_matrix("X", X)
    weight = check_sample_weight(sample_weight, len(data), data.dtype)
    targets, count = output_targets(y, data, n_classes, chosen)
    sizes = check_hidden(hidden)
    state = start(data.shape[1], count, sizes, chosen, generator, data.dtype)
    return train(data, targets, state, chosen, measure=measure, sample_weight=weight)


# ------------------------------------------------------------------------- what the loops rely on


def output_targets(
    y: ArrayLike, X: FloatArray, count: int | None, options: TargetOptions
) -> tuple[NDArray[Any], int]:
    """Return what the output loss compares the scores with, and how many scores there are."""
    if options.output not in REGRESSION_LOSSES:
        return check_counted_classes(y, len(X), count)
    targets = check_matrix("y", y, columns=count, dtype=X.dtype)
    if len(targets) != len(X):
        raise ValueError(f"y must have {len(X)} rows like X, but has {len(targets)}")
    return targets, targets.shape[1]


def start(
    n_features: int,
    n_classes: int,
    hidden: Sequence[int],
    options: TargetOptions,
    rng: np.random.Generator,
    dtype: np.dtype,
) -> TargetState:
    """Return the state of a net with random weights and biases: Gaussian with variance 1/n_in.

    Without biases, sign units are odd functions of centred input and so is the net: it could not
    begin to learn an even one, such as XOR.

    The output layer starts at zero. In the first batch, then, no hidden unit matters (e = 0), and
    none is moved by what a random output layer would say of it: 0.2 points on MNIST.

    Parameters
    ----------
    n_features, n_classes : int
    hidden : sequence of int
        Numbers of units in each hidden layer.
    options : TargetOptions
    rng : numpy.random.Generator
    dtype : dtype
        Working precision.
    """
    net: list[Layer] = []
    for n_in, n_out in pairwise((n_features, *hidden)):
        drawn = rng.standard_normal((n_out, n_in + 1)) / np.sqrt(n_in)
        weights, biases = drawn[:, :-1].astype(dtype), drawn[:, -1].astype(dtype)
        linear = Dense(weights, biases, learn_biases=not options.normalise)
        if options.normalise:
            # It takes the layer's own biases out, so its shifts take their place.
            net.append(Normalised(linear, Normalisation(np.ones_like(biases), biases.copy())))
        else:
            net.append(linear)
    net.append(Dense(np.zeros((n_classes, hidden[-1]), dtype), np.zeros(n_classes, dtype)))
    return TargetState(net, optimisers_of(net, options), rng)


def start_at(state: TargetState, layers: Sequence[tuple[FloatArray, FloatArray]]) -> TargetState:
    """Return a state from `start`, without normalisation, with other weights and biases.

    Parameters
    ----------
    state : TargetState
        Changed in place.
    layers : sequence of (W, b)
        For scaled input, in the shapes that the state has.
    """
    for layer, arrays in zip(state.net, layers, strict=True):
        for parameter, array in zip(layer.parameters, arrays, strict=True):
            parameter[...] = array
    return state


def restarted(state: TargetState, options: TargetOptions, epoch: int) -> TargetState:
    """Return the state in which a trained net begins to be trained further, after some epoch.

    Its layers are the same arrays, in a network copies; the optimisers start anew, and the source
    of the batches goes on.
    """
    if state.network is not None:
        again = start_network(finished(state.network), options, state.rng)
    else:
        optimisers = optimisers_of(state.net, options)
        again = TargetState(state.net, optimisers, state.rng)
    again.epoch, again.updates = epoch, state.updates
    return again


def optimisers_of(net: Sequence[Layer], options: TargetOptions) -> list[Optimiser]:
    """Return a new optimiser for every layer."""
    return [
        make_optimiser(options.optimiser, part.parameters, options.momentum, options.weight_decay)
        for part in net
    ]


def start_network(
    network: Network, options: TargetOptions, rng: np.random.Generator
) -> TargetState:
    """Return the state of a network about to be trained; its parameters are moved in place.

    The layers between two hidden units are one layer to the solver. Hidden units inside a residual
    block learn from targets of their own when the derivative comes down to them.

    Parameters
    ----------
    network : Network
    options : TargetOptions
        Of its hidden units too.
    rng : numpy.random.Generator
        Source of the batches.

    Raises
    ------
    ValueError
        If nothing can be learned below the first hidden units, between two of them, or above the
        last.
    """
    learning = network.changed(
        lambda layer: HiddenTargets(options.units) if isinstance(layer, HiddenUnits) else layer
    )
    parts: list[list[Layer]] = [[]]
    for layer in learning.layers:
        if isinstance(layer, HiddenUnits):
            parts.append([])
        else:
            parts[-1].append(layer)
    net: list[Layer] = [Chain(part) for part in parts]
    for number, part in enumerate(net, start=1):
        if not part.parameters:
            raise ValueError(
                "network must have something to learn between any two layers of hidden units and "
                f"at both ends, but part {number} of {len(net)} has no parameters"
            )
    return TargetState(net, optimisers_of(net, options), rng, network=learning)


def finished(network: Network, classes: ArrayLike | None = None) -> Network:
    """Return a network as it is at present, of its own arrays, for use after training."""

    def own(layer: Layer) -> Layer:
        if isinstance(layer, HiddenTargets):
            return HiddenUnits(layer.units.activation, layer.units.levels)
        return copied(layer)

    changed = network.changed(own)
    return Network(changed.layers, network.input_shape, classes=classes)


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
        for i, layer in enumerate(state.net)
        if not all(np.isfinite(parameter).all() for parameter in layer.parameters)
    ]
    cause = blamed[0] if blamed else "they overflowed"
    raise DivergenceError(
        f"training diverged at update {state.updates} (epoch {state.epoch}): {name} hold NaN or "
        f"infinity, because {cause}; a smaller learning_rate or batch normalisation may help"
    )


def dropped(V: FloatArray, part: float, rng: np.random.Generator) -> FloatArray:
    """Return inputs with a random part set to zero and the others divided by 1 - part."""
    result = V * (rng.random(V.shape, dtype=np.float32) >= part)
    result /= 1 - part
    return result


def quietly(steps: Iterator[Step]) -> Iterator[Step]:
    """Yield steps while NumPy keeps silent about overflow, which `check_finite` reports.

    It speaks again between the steps: what it says there is the business of whoever reads them.
    """
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            step = next(steps, None)
        if step is None:
            return
        yield step
