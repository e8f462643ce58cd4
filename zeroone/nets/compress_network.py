"""The same function with fewer filters: without those that are zero or unheard.

Between one layer of filters (a convolution, a dense layer) and the next, most layers treat each
channel alone: pooling, normalisation, hidden units, flattening. There a channel belongs to one
filter from its making to its hearing, and with W the filters and W' those that hear them:

* A filter whose weights are zero gives the same value at every position, whatever the input. What
  the layers between make of it, c, moves into the biases of the next filters,
  b' <- b' + c (sum of their weights for this channel), and the filter goes.
* A filter for whose channel all weights of the next filters are zero is unheard, and goes.

Each removal can make other filters removable. A constant filter stays if c is not zero and the next
convolution adds a border: the border is not c. Filters that end in the sum of a residual block
stay, for the sum has other parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Chain, Dense, Layer, Shape
from zeroone.nets.residual import Residual
from zeroone.support.validation import BoolArray, FloatArray


def compressed(layers: Sequence[Layer], input_shape: Shape) -> list[Layer]:
    """Return layers that compute the same function without the filters that never matter.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : tuple of int
        Of one sample.

    Returns
    -------
    list of Layer
        As many as before; layers that lost nothing are the same objects.

    Notes
    -----
    In floating point, the same terms are summed in another order: see the notes of
    `zeroone.nets.compress.compress_layers`.
    """
    found = list(layers)
    shapes = list(Chain(found).shapes(input_shape))
    for i, layer in enumerate(found):
        if isinstance(layer, Residual):
            branches = [
                compressed(branch.layers, shapes[i]) for branch in (layer.body, layer.shortcut)
            ]
            found[i] = Residual(*branches)
    pairs = [
        (below, above)
        for below, above in pairwise(i for i, layer in enumerate(found) if not layer.channelwise)
        if _has_filters(found[below]) and _has_filters(found[above])
    ]
    # Upwards, so that a filter is judged after the constant ones below it have gone; then
    # downwards, so that it is judged after the unheard ones above it have gone.
    for below, above in pairs:
        _remove(found, below, above, *_constant(found, below, above, input_shape))
    for below, above in reversed(pairs):
        n_filters = len(found[below].arguments()["biases"])
        heard = np.any(_by_channel(found[above], n_filters), axis=(0, 1))
        _remove(found, below, above, np.asarray(~heard), np.zeros(n_filters))
    return found


def _has_filters(layer: Layer) -> bool:
    return isinstance(layer, Dense | Convolution)


def _by_channel(layer: Layer, n_channels: int) -> FloatArray:
    """Return the weights as (filters, places, channels): the channels are the last axis."""
    weights: FloatArray = layer.arguments()["weights"]
    places = math.prod(weights.shape[1:]) // max(n_channels, 1)
    return weights.reshape(len(weights), places, n_channels)


def _constant(
    layers: Sequence[Layer], below: int, above: int, input_shape: Shape
) -> tuple[BoolArray, FloatArray]:
    """Return which filters are constant and can go, and what the next filters hear of each."""
    biases = layers[below].arguments()["biases"]
    if len(biases) == 0:  # all have gone before
        return np.zeros(0, bool), biases
    zero = ~np.any(_by_channel(layers[below], 1), axis=(1, 2))
    *_, shape = Chain(layers[: below + 1]).shapes(input_shape)
    everywhere = np.broadcast_to(biases, (1, *shape)).copy()
    heard = Chain(layers[below + 1 : above]).evaluate(everywhere).reshape(-1, len(biases))
    same = (heard == heard[0]).all(axis=0)
    above_it = layers[above]
    bordered = isinstance(above_it, Convolution) and any(above_it.window.padding)
    return np.asarray(zero & same & ((heard[0] == 0) | (not bordered))), heard[0]


def _remove(
    layers: list[Layer], below: int, above: int, goes: BoolArray, values: FloatArray
) -> None:
    """Take filters out of a list of layers, with all that belongs to their channels."""
    if not goes.any():
        return
    kept, n_channels = ~goes, len(goes)
    for i in range(below + 1, above):
        layers[i] = _with(
            layers[i],
            {
                name: value.reshape(-1, n_channels)[:, kept].ravel()
                for name, value in layers[i].arguments().items()
                if isinstance(value, np.ndarray)
            },
        )
    first, weights = layers[below].arguments(), _by_channel(layers[above], n_channels)
    layers[below] = _with(
        layers[below], {name: first[name][kept] for name in ("weights", "biases")}
    )
    biases = layers[above].arguments()["biases"]
    biases = biases + weights[..., goes].sum(axis=1) @ values[goes].astype(biases.dtype)
    shape = layers[above].arguments()["weights"].shape
    last = shape[-1] // n_channels * int(kept.sum())
    heard = weights[..., kept].reshape(*shape[:-1], last)
    layers[above] = _with(layers[above], {"weights": heard, "biases": biases})


def _with(layer: Layer, changed: dict[str, FloatArray]) -> Layer:
    """Return a layer with some arguments changed."""
    return type(layer)(**{**layer.arguments(), **changed})
