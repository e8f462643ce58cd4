"""Layers of images as they are defined, one position after the other: the oracles of the claims.

Nothing here is shared with `zeroone.nets`: no strided views, no matrix of patches.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import correlate

from zeroone.support.validation import FloatArray

Two = tuple[int, int]


def bordered(V: FloatArray, padding: Two, value: float = 0.0) -> FloatArray:
    """Return the images with a border."""
    (down, right) = padding
    return np.pad(V, ((0, 0), (down, down), (right, right), (0, 0)), constant_values=value)


def places(image: FloatArray, size: Two, stride: Two) -> Iterator[tuple[Two, slice, slice]]:
    """Yield each position of a window on bordered images, with the rows and columns it sees."""
    _, height, width, _ = image.shape
    for y, top in enumerate(range(0, height - size[0] + 1, stride[0])):
        for x, left in enumerate(range(0, width - size[1] + 1, stride[1])):
            yield (y, x), slice(top, top + size[0]), slice(left, left + size[1])


def outputs(image: FloatArray, size: Two, stride: Two) -> Two:
    """Return how many positions a window has on bordered images, down and across."""
    *_, (last, _, _) = places(image, size, stride)
    return last[0] + 1, last[1] + 1


def convolved(
    V: FloatArray, W: FloatArray, b: FloatArray, stride: Two = (1, 1), padding: Two = (0, 0)
) -> FloatArray:
    """Return sum over pixels and channels of filter times image, plus the bias, at each position.

    Parameters
    ----------
    V : ndarray, shape (n, height, width, channels)
    W : ndarray, shape (filters, k_h, k_w, channels)
    b : ndarray, shape (filters,)
    """
    maps = [
        [
            correlate(image, kernel, mode="valid", method="direct")[:: stride[0], :: stride[1], 0]
            for kernel in W
        ]
        for image in bordered(V, padding)
    ]
    return np.moveaxis(np.array(maps), 1, -1) + b


def convolved_back(
    V: FloatArray, W: FloatArray, G: FloatArray, stride: Two = (1, 1), padding: Two = (0, 0)
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the derivatives of sum G A by V, W and b, added up position by position."""
    image = bordered(V, padding)
    by_image, by_weights = np.zeros_like(image), np.zeros_like(W)
    for (y, x), rows, columns in places(image, (W.shape[1], W.shape[2]), stride):
        for n in range(len(V)):
            for f in range(len(W)):
                by_image[n, rows, columns] += G[n, y, x, f] * W[f]
                by_weights[f] += G[n, y, x, f] * image[n, rows, columns]
    down, right = padding
    inside = by_image[:, down : down + V.shape[1], right : right + V.shape[2]]
    return inside, by_weights, G.sum(axis=(0, 1, 2))


def pooled(
    V: FloatArray, size: Two, stride: Two, padding: Two = (0, 0)
) -> tuple[FloatArray, dict[tuple[int, int, int, int], tuple[int, int, int, int]]]:
    """Return the maxima, and where on V the first of them stands, row by row."""
    image = bordered(V, padding, -np.inf)
    result = np.empty((len(V), *outputs(image, size, stride), V.shape[3]))
    winners = {}
    for (y, x), rows, columns in places(image, size, stride):
        for n in range(len(V)):
            for m in range(V.shape[3]):
                seen = image[n, rows, columns, m].tolist()
                best = max(max(row) for row in seen)
                i = next(number for number, row in enumerate(seen) if best in row)
                there = rows.start + i - padding[0], columns.start + seen[i].index(best)
                winners[n, y, x, m] = (n, there[0], there[1] - padding[1], m)
                result[n, y, x, m] = best
    return result, winners


def pooled_back(
    G: FloatArray,
    winners: dict[tuple[int, int, int, int], tuple[int, int, int, int]],
    shape: tuple[int, ...],
) -> FloatArray:
    """Return G at the winners, added up."""
    result = np.zeros(shape)
    for output, winner in winners.items():
        result[winner] += G[output]
    return result


def unit_values(Z: FloatArray, activation: str, levels: int | None = None) -> FloatArray:
    """Return what hidden units make of Z."""
    if activation == "sign":
        return np.where(Z > 0, 1.0, -1.0)
    n_steps = 1 if levels is None else levels - 1
    return np.array(sum((j / n_steps < Z) * 1.0 for j in range(n_steps)) / n_steps)
