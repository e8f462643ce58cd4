"""The bits of one filter in one region of an image, all positions together: a block in closed form.

The scores see of a filter the share S of a region's positions at which it fires
(docs/theory.md#d5). Which positions they are makes no difference to them, so that the cheapest
should fire, and only their number is left to decide: one sort for each image instead of 2^|q|
states. Filters and regions take turns, and each sees what those before it decided: coordinate
descent on bits, as in `zeroone.bcd.neurons`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.blocks import crossing_cost
from zeroone.nets.regions import RegionMeans
from zeroone.steps import Block
from zeroone.support.validation import BoolArray, FloatArray

IndexArray = NDArray[np.intp]

SOURCE = "docs/theory.md#d5"
BITS = Block(
    "U1",
    "for each filter j and region q, with v = W2[:, (q, j)] / |q|: the m cheapest positions fire, "
    "m the number of k with -v . r0 + (k - 1/2) |v|^2 + c_(k) < 0; then u = z max(z a, margin)",
    SOURCE,
)


def pooled_bits(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Return the best bits of one filter in one region, all positions together.

    Let v be what one more bit adds to the scores, r0 the residual without any, and c_p the price of
    firing at position p less that of silence. With m bits on, the m cheapest positions fire ::

        cost(m) = 1/2 |r0 - m v|^2 + c_(1) + ... + c_(m),     c_(1) <= c_(2) <= ...
        cost(m) - cost(m - 1) = -v . r0 + (m - 1/2) |v|^2 + c_(m)

    The difference grows with m, so that the best m is the number of m for which it is negative
    (docs/theory.md#d5). On a tie, the fewer bits.

    Parameters
    ----------
    prices : ndarray, shape (n_samples, n_positions)
        c_p.
    gain : ndarray, shape (n_samples,)
        v . r0.
    square : float
        |v|^2.

    Returns
    -------
    ndarray of bool, shape (n_samples, n_positions)
    """
    order = np.argsort(prices, axis=1, kind="stable")
    counts = np.arange(1, prices.shape[1] + 1, dtype=prices.dtype)
    rise = np.take_along_axis(prices, order, axis=1)
    rise += (counts - 0.5) * prices.dtype.type(square)
    rise -= gain[:, None]
    m = np.count_nonzero(rise < 0, axis=1)
    bits = np.empty(prices.shape, bool)
    np.put_along_axis(bits, order, counts <= m[:, None], axis=1)
    return bits


def sweep_filters(
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    W_out: FloatArray,
    regions: Sequence[slice],
    *,
    tau: float,
    margin: float,
    order: Sequence[int],
) -> int:
    """Decide the bits of every filter in every region in turn, in place.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_filters, n_samples, n_positions)
        Changed in place.
    A : ndarray of that shape
        Pre-activations.
    R : ndarray, shape (n_samples, n_outputs)
        The residual of the outputs; kept up to date in place.
    W_out : ndarray, shape (n_outputs, n_regions, n_filters)
    regions : sequence of slice
        The positions of each region.
    tau, margin : float
        Price of a pre-activation that is not the one computed, and half-width of the gap.
    order : sequence of int
        The filters in the order of their turn.

    Returns
    -------
    int
        How many bits flipped.
    """
    flipped = 0
    for j in order:
        with np.errstate(over="ignore"):  # what is beyond the precision is infinite, and decides
            prices = tau / 2 * crossing_cost(A[j], margin)
        for q, region in enumerate(regions):
            present = bits[j][:, region]
            v = W_out[:, q, j] / present.shape[1]
            square, on = v @ v, present.sum(axis=1, dtype=R.dtype)
            chosen = pooled_bits(prices[:, region], R @ v + on * square, float(square))
            R -= np.outer(chosen.sum(axis=1, dtype=R.dtype) - on, v)
            flipped += int(np.count_nonzero(chosen != present))
            bits[j][:, region] = chosen
    return flipped


def region_means(bits: BoolArray, regions: Sequence[slice], dtype: np.dtype[Any]) -> FloatArray:
    """Return the share of a region's positions at which a filter fires.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_filters, n_samples, n_positions)
    regions : sequence of slice
    dtype : dtype

    Returns
    -------
    ndarray, shape (n_samples, n_regions * n_filters)
        The filters of a region together.
    """
    S = np.empty((bits.shape[1], len(regions), len(bits)), dtype)
    for q, region in enumerate(regions):
        S[:, q] = bits[:, :, region].mean(axis=2, dtype=dtype).T
    return S.reshape(len(S), len(regions) * len(bits))


def region_by_region(layer: RegionMeans, height: int, width: int) -> tuple[IndexArray, list[slice]]:
    """Return the positions of an image in the order of their regions, and each region's slice.

    Parameters
    ----------
    layer : RegionMeans
    height, width : int
        Numbers of positions down and across.

    Returns
    -------
    order : ndarray of int, shape (height * width,)
        Positions counted row by row.
    regions : list of slice
        Of this order, the regions row by row.

    Raises
    ------
    ValueError
        If a region would be empty.
    """
    layer.output_shape((height, width, 1))
    positions = np.arange(height * width).reshape(height, width)
    rows, columns = layer.bounds(height, width)
    found = [
        positions[top:bottom, left:right].ravel()
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    ends = np.cumsum([0, *map(len, found)]).tolist()
    return np.concatenate(found), [slice(*ends) for ends in pairwise(ends)]
