"""Claim: an update of a convolutional net is that of a straight-through estimator.

The oracle is backpropagation through images position by position (`zeroone.claims.nets.plain`),
with a pseudo-derivative where it asks for that of a step. It knows neither targets nor patches, and
shares no code with the layers or with the solver; sums are in another order, so that the two agree
up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, each_compared
from zeroone.claims.nets.plain import (
    Two,
    convolved,
    convolved_back,
    pooled,
    pooled_back,
    unit_values,
)
from zeroone.claims.targetprop.updates import Solver, score_derivative, told
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense, Flatten, Layer
from zeroone.nets.network import Network
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.units import HiddenUnits
from zeroone.steps import Step
from zeroone.support.validation import FloatArray
from zeroone.targetprop import solver
from zeroone.targetprop.options import TargetOptions


@dataclass(frozen=True, eq=False)
class Update:
    """A net, conv, pool, units, conv, units, dense, units, dense, and a batch.

    Attributes
    ----------
    weights, biases : list of ndarray
        Of the two convolutions and the two dense layers.
    strides, paddings : list of (int, int)
        Of the two convolutions.
    window, step : (int, int)
        Size and stride of the pool.
    """

    X: FloatArray
    classes: NDArray[np.intp]
    weights: list[FloatArray]
    biases: list[FloatArray]
    strides: list[Two]
    paddings: list[Two]
    window: Two
    step: Two
    activation: str
    loss: str
    output: str
    rate: float


def sample_updates(rng: np.random.Generator, count: int) -> list[Update]:
    """Draw nets and batches of 1 to 3 images.

    Every other one has weights and pixels in quarters and halves, so that some entries tie in a
    window, and some pre-activations are exactly at the thresholds and at the kinks of the losses.
    """
    drawn = []
    for number in range(count):
        n, channels, a, b, c, n_classes = (int(rng.integers(1, 4)) for _ in range(6))
        n_classes += 1

        def two(most: int, least: int = 1) -> Two:
            return int(rng.integers(least, most + 1)), int(rng.integers(least, most + 1))

        size, window, step, strides = two(7, 5), two(2), two(2), [two(2), (1, 1)]
        kernels, paddings = [two(3), two(2)], [two(1, 0), two(1, 1)]
        shapes = [(a, *kernels[0], channels), (b, *kernels[1], a)]
        X = rng.standard_normal((n, *size, channels))
        weights: list[FloatArray] = [rng.standard_normal(shape) for shape in shapes]
        # Of zeros, to see how many entries the first dense layer receives.
        maps = convolved(X, weights[0], np.zeros(a), strides[0], paddings[0])
        maps = convolved(
            pooled(maps, window, step)[0], weights[1], np.zeros(b), (1, 1), paddings[1]
        )
        weights += [rng.standard_normal((c, maps[0].size)), rng.standard_normal((n_classes, c))]
        biases: list[FloatArray] = [rng.standard_normal(len(W)) for W in weights]
        if number % 2:
            X = np.round(2 * X) / 2
            weights = [np.round(4 * W) / 4 for W in weights]
            biases = [np.round(4 * bias) / 4 for bias in biases]
        drawn.append(
            Update(
                X,
                rng.integers(0, n_classes, n),
                weights,
                biases,
                strides,
                paddings,
                window,
                step,
                activation=("sign", "step")[number // 2 % 2],
                loss=("linear", "saturated_hinge")[number // 4 % 2],
                output=str(rng.choice(["cross-entropy", "hinge"])),
                rate=float(rng.choice([0.1, 1.0])),
            )
        )
    return drawn


def backpropagation(update: Update) -> Arrays:
    """Return weights and biases after one update of backpropagation with a pseudo-derivative."""

    def slope(Z: FloatArray) -> FloatArray:
        return np.ones_like(Z) if update.loss == "linear" else 1.0 * (np.abs(Z) <= 1)

    W, b = update.weights, update.biases
    places = list(zip(update.strides, update.paddings, strict=True))
    maps = convolved(update.X, W[0], b[0], *places[0])
    Z1, winners = pooled(maps, update.window, update.step)
    V1 = unit_values(Z1, update.activation)
    Z2 = convolved(V1, W[1], b[1], *places[1])
    V2 = unit_values(Z2, update.activation)
    rows = np.array([image.ravel() for image in V2])
    Z3 = np.array([W[2] @ row + b[2] for row in rows])
    V3 = unit_values(Z3, update.activation)
    scores = np.array([W[3] @ row + b[3] for row in V3])

    G4 = score_derivative(scores, update.classes, update.output)
    G3 = (G4 @ W[3]) * slope(Z3)
    G2 = (G3 @ W[2]).reshape(Z2.shape) * slope(Z2)
    by_V1, by_W1, by_b1 = convolved_back(V1, W[1], G2, *places[1])
    G1 = pooled_back(by_V1 * slope(Z1), winners, maps.shape)
    _, by_W0, by_b0 = convolved_back(update.X, W[0], G1, *places[0])
    by_W = [by_W0, by_W1, np.einsum("ni,nj->ij", G3, rows), np.einsum("ni,nj->ij", G4, V3)]
    by_b = [by_b0, by_b1, G3.sum(axis=0), G4.sum(axis=0)]
    moved = [array - update.rate * by for array, by in zip([*W, *b], [*by_W, *by_b], strict=True)]
    return [maps, scores, *moved]


def layers_of(update: Update) -> list[Layer]:
    """Return the layers of the net, of arrays of their own."""
    units = HiddenUnits(update.activation)
    arrays = [(W.copy(), b.copy()) for W, b in zip(update.weights, update.biases, strict=True)]
    first, second = (
        Convolution(*both, stride=stride, padding=padding)
        for both, stride, padding in zip(arrays[:2], update.strides, update.paddings, strict=True)
    )
    pool = MaxPooling(update.window, update.step)
    dense = [Dense(*both) for both in arrays[2:]]
    return [first, pool, units, second, units, Flatten(), dense[0], units, dense[1]]


def solved(functions: Solver, update: Update) -> Arrays:
    """Return the first maps, the scores, and weights and biases after an update of the solver."""
    chosen = TargetOptions(
        activation=update.activation,
        loss=update.loss,
        output=update.output,
        optimiser="momentum",
        momentum=0.0,
        weight_decay=0.0,
    )
    layers = layers_of(update)
    filters = [layer for layer in layers if isinstance(layer, Convolution | Dense)]
    maps = filters[0].forward(update.X, remember=False)
    network = Network(layers, update.X.shape[1:])
    scores = network.forward(update.X)
    state = functions.start(network, chosen, np.random.default_rng(0))
    for _ in functions.batch_steps(
        state, update.X, update.classes, chosen, update.rate, measure=False
    ):
        pass
    moved = [layer.weights for layer in filters] + [layer.biases for layer in filters]
    return [maps, scores, *moved]


def of_others(
    change: Callable[[list[Layer]], list[Layer]],
) -> Callable[..., solver.TargetState]:
    """Return what starts a network whose layers are changed before."""

    def start(network: Network, *arguments: Any) -> solver.TargetState:
        other = Network(change(list(network.layers)), network.input_shape)
        return solver.start_network(other, *arguments)

    return start


def bits_pooled(layers: list[Layer]) -> list[Layer]:
    """Pool the bits: the same function, that learns in another way."""
    first, pool, units, *others = layers
    return [first, units, pool, *others]


class AllWin(MaxPooling):
    """All positions of a window receive the target."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G at every position."""
        alike = AveragePooling(**self.arguments())
        alike.padded_shape = self.padded_shape
        return alike.backward(G * len(self.pixels()))


def all_positions(layers: list[Layer]) -> list[Layer]:
    """Let all positions of a window receive the target."""
    first, pool, *others = layers
    return [first, AllWin(**pool.arguments()), *others]


def rate_halved(
    state: Any, V: Any, classes: Any, options: Any, rate: float, **settings: Any
) -> Iterator[Step]:
    """Move half as far."""
    return solver.batch_steps(state, V, classes, options, rate / 2, **settings)


CONVOLUTIONS = Claim(
    id="targetprop.convolution-update",
    statement="With the linear and the saturated hinge loss, the update of a convolutional net is "
    "that of the straight-through and of the saturating straight-through estimator.",
    source="docs/theory.md#d2",
    kind=Kind.EQUALITY,
    sample=sample_updates,
    measure=each_compared(solved, backpropagation),
    subject=Solver(solver.start_network),
    planted={
        "another loss": told(solver.start_network, loss="soft_hinge"),
        "all targets alike": told(solver.start_network, weighting="equal"),
        "bits pooled": Solver(of_others(bits_pooled)),
        "all positions of a window win": Solver(of_others(all_positions)),
        "half a step": Solver(solver.start_network, rate_halved),
    },
    tolerance=1e-10,
    hypotheses="weights |e|; two convolutions, a pool and two dense layers; ties in windows, z at "
    "thresholds and kinks",
    cases=40,
)

CLAIMS = (CONVOLUTIONS,)
