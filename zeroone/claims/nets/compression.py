"""Claim: a compressed network computes the same function (docs/theory.md#d2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, each_compared
from zeroone.claims.nets.plain import convolved, pooled, unit_values
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Chain, Dense, Flatten, Layer
from zeroone.nets.network import Network
from zeroone.nets.pooling import MaxPooling
from zeroone.nets.residual import Residual
from zeroone.nets.units import HiddenUnits
from zeroone.support.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Sparse:
    """A network with filters of zeros and unheard filters, and images."""

    network: Network
    X: FloatArray


def quarters(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Draw multiples of 1/4 other than zero: all sums of their products are exact."""
    return rng.integers(1, 5, shape) * rng.choice([-1.0, 1.0], shape) / 4


def sparse_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw weights with some filters of zeros, and some channels that no filter hears."""
    weights = quarters(rng, *shape)
    weights[rng.random(shape[0]) < 0.3] = 0
    weights[..., rng.random(shape[-1]) < 0.25] = 0
    return weights


def sample_sparse(rng: np.random.Generator, count: int) -> list[Sparse]:
    """Draw networks of two convolutions, or one and a residual block, and two dense layers."""
    drawn = []
    for number in range(count):
        height, width = (int(rng.integers(4, 7)) for _ in range(2))
        units = [HiddenUnits("sign"), HiddenUnits("step"), HiddenUnits("staircase", 3)][number % 3]
        channels, a, b, c, n_out = (int(rng.integers(1, most)) for most in (3, 6, 6, 6, 4))

        def filters(
            n_filters: int, size: int, n_channels: int, padding: int, rng: Any = rng
        ) -> Convolution:
            weights = sparse_weights(rng, (n_filters, size, size, n_channels))
            biases = quarters(rng, n_filters) * (rng.random(n_filters) < 0.7)
            return Convolution(weights, biases, padding=padding)

        layers: list[Layer] = [filters(a, 3, channels, 1)]
        if rng.random() < 0.5:
            layers += [MaxPooling(2), units]
        else:  # pooled bits
            layers += [units, MaxPooling(2)]
        if number % 2:
            layers += [filters(b, 2, a, int(rng.integers(2))), units]
        else:
            b = a
            body = [filters(c, 3, a, 1), units, filters(a, 1, c, 0)]
            layers += [Residual(body), units]
        layers.append(Flatten())
        (n_in,) = Chain(layers).output_shape((height, width, channels))
        dense = sparse_weights(rng, (c, n_in // b, b)).reshape(c, n_in)
        layers += [Dense(dense, quarters(rng, c)), units]
        layers.append(Dense(sparse_weights(rng, (n_out, c)), quarters(rng, n_out)))
        network = Network(layers, (height, width, channels))
        drawn.append(Sparse(network, quarters(rng, 4, height, width, channels)))
    return drawn


# ------------------------------------------------------------------------------------------- oracle


def evaluated(layers: Sequence[Layer], V: FloatArray) -> FloatArray:
    """Return what layers compute, without any of their functions."""
    for layer in layers:
        given = layer.arguments()
        if isinstance(layer, Residual):
            V = evaluated(given["body"], V) + evaluated(given["shortcut"], V)
        elif isinstance(layer, Convolution):
            stride, padding = tuple(given["stride"]), tuple(given["padding"])
            V = convolved(V, given["weights"], given["biases"], stride, padding)
        elif isinstance(layer, MaxPooling):
            V, _ = pooled(V, *(tuple(given[name]) for name in ("window", "stride", "padding")))
        elif isinstance(layer, HiddenUnits):
            V = unit_values(V, given["activation"], given["levels"])
        elif isinstance(layer, Flatten):
            V = np.array([image.ravel() for image in V])
        else:
            V = np.array([given["weights"] @ row + given["biases"] for row in V])
    return V


def stretches(layers: Sequence[Layer]) -> Iterator[list[Layer]]:
    """Yield the layers between residual blocks, and those inside them, in the network's order."""
    stretch: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Residual):
            yield stretch
            yield list(layer.body.layers)
            stretch = []
        else:
            stretch.append(layer)
    yield stretch


def filters_left(layers: Sequence[Layer]) -> list[int]:
    """Return how many filters of each layer are left when one after the other has gone.

    Filters go one at a time, until none can: the order is any.
    """
    filters = [layer for layer in layers if isinstance(layer, Convolution | Dense)]
    between: list[list[HiddenUnits]] = [[] for _ in filters]
    number = -1
    for layer in layers:
        if isinstance(layer, Convolution | Dense):
            number += 1
        elif isinstance(layer, HiddenUnits) and number >= 0:
            between[number].append(layer)
    # W[i][filter, place, channel], each with the filters still there.
    counts = [len(layer.biases) for layer in filters]
    first = filters[0].weights
    channels = [first.shape[-1] if first.ndim == 4 else first.shape[1], *counts[:-1]]
    W = [
        layer.weights.reshape(len(layer.biases), layer.weights[:1].size // max(n, 1), n)
        for layer, n in zip(filters, channels, strict=True)
    ]
    b = [layer.biases.copy() for layer in filters]
    found = True
    while found:
        found = False
        for i in range(len(filters) - 1):
            for j in range(len(b[i])):
                value = b[i][j : j + 1]
                for units in between[i]:
                    value = unit_values(value, units.units.activation, units.units.levels)
                unheard = not W[i + 1][:, :, j].any()
                above = filters[i + 1]
                border = isinstance(above, Convolution) and any(above.window.padding)
                constant = not W[i][j].any() and (value[0] == 0 or not border)
                if unheard or constant:
                    if not unheard:
                        b[i + 1] = b[i + 1] + value[0] * W[i + 1][:, :, j].sum(axis=1)
                    W[i], b[i] = np.delete(W[i], j, axis=0), np.delete(b[i], j)
                    W[i + 1] = np.delete(W[i + 1], j, axis=2)
                    found = True
                    break
    return [len(biases) for biases in b]


def expected(drawn: Sparse) -> Arrays:
    """Return the scores of the network as it was, and the number of filters to be left."""
    layers = drawn.network.layers
    left = [n for stretch in stretches(layers) for n in filters_left(stretch)]
    return evaluated(layers, drawn.X), left


# ------------------------------------------------------------------------------- what is compared


def of_network(network: Network, X: FloatArray) -> Arrays:
    """Return the scores, and the number of filters in each layer."""
    left = [
        len(layer.biases)
        for stretch in stretches(network.layers)
        for layer in stretch
        if isinstance(layer, Convolution | Dense)
    ]
    return network.forward(X), left


def of_compressed(compress: Callable[[Network], Network], drawn: Sparse) -> Arrays:
    """Return the scores of the compressed network, and how many filters it has."""
    return of_network(compress(drawn.network), drawn.X)


def changed_first(change: Callable[[Convolution], Convolution]) -> Callable[[Network], Network]:
    """Return the compression before which the first convolution is changed."""

    def compress(network: Network) -> Network:
        first, *others = network.layers
        assert isinstance(first, Convolution)
        return Network([change(first), *others], network.input_shape).compress()

    return compress


def constants_forgotten(layer: Convolution) -> Convolution:
    """Take what a filter of zeros gives for zero, as its weights are."""
    zero = ~layer.weights.any(axis=(1, 2, 3))
    biases = np.where(zero, -layer.biases, layer.biases)
    return Convolution(layer.weights, biases, padding=layer.window.padding)


def smallest_too(layer: Convolution) -> Convolution:
    """Take the smallest filter for one of zeros."""
    weights = layer.weights.copy()
    sizes = np.abs(weights).sum(axis=(1, 2, 3))
    weights[np.argmin(np.where(sizes > 0, sizes, np.inf))] = 0
    return Convolution(weights, layer.biases, padding=layer.window.padding)


COMPRESS = Claim(
    id="nets.compress",
    statement="A compressed network computes the same function, and no filter is left that is "
    "unheard, or zero and of one value wherever it is heard.",
    source="docs/theory.md#d2",
    kind=Kind.EQUALITY,
    sample=sample_sparse,
    measure=each_compared(of_compressed, expected),
    subject=Network.compress,
    planted={
        "not compressed": lambda network: network,
        "constants of the wrong sign": changed_first(constants_forgotten),
        "the smallest filter goes too": changed_first(smallest_too),
    },
    tolerance=1e-12,
    hypotheses="weights and images are multiples of 1/4, so that all sums are exact; pooled bits "
    "and pooled pre-activations; with and without a residual block",
    cases=60,
)

CLAIMS = (COMPRESS,)
