"""The mean of each region of an image, in every channel (docs/theory.md#d5).

An image is cut into a grid of regions, such as its four quadrants ::

    S[q, j] = 1/|q| sum over the positions p of region q of V[p, j]

For 0/1 units it is the share of the region's positions at which filter j fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zeroone.nets.convolution import Pair, pair
from zeroone.nets.layers import Layer, Shape, check_shape
from zeroone.support.validation import FloatArray


class RegionMeans(Layer):
    """The means over a grid of regions, which differ in height or width by one pixel at most.

    Parameters
    ----------
    regions : int or (int, int)
        How many down and across.
    """

    kind = "region means"
    channelwise = True

    def __init__(self, regions: Pair = 2) -> None:
        self.regions = pair("regions", regions, 1)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (regions down, regions across, channels).

        Raises
        ------
        ValueError
            If a region would be empty.
        """
        height, width, channels = check_shape(shape, 3)
        down, across = self.regions
        if down > height or across > width:
            raise ValueError(
                f"regions must be at most one for each of {height} x {width} positions, but are "
                f"{down} x {across}"
            )
        return (down, across, channels)

    def bounds(self, height: int, width: int) -> tuple[list[int], list[int]]:
        """Return where the regions begin, from the top and from the left, and where they end."""
        down, across = self.regions
        return (
            [height * i // down for i in range(down + 1)],
            [width * j // across for j in range(across + 1)],
        )

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the means, and remember the shape of the images, or only look."""
        if remember:
            self.shape = V.shape
        rows, columns = self.bounds(*V.shape[1:3])
        total = np.add.reduceat(V, rows[:-1], axis=1)
        total = np.add.reduceat(total, columns[:-1], axis=2)
        total /= self.sizes(*V.shape[1:3]).astype(V.dtype)
        return total

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return an equal part of G for each position of its region."""
        rows, columns = self.bounds(*self.shape[1:3])
        part = G / self.sizes(*self.shape[1:3]).astype(G.dtype)
        return part.repeat(np.diff(rows), axis=1).repeat(np.diff(columns), axis=2)

    def sizes(self, height: int, width: int) -> FloatArray:
        """Return |q| of each region, shape (down, across, 1)."""
        rows, columns = self.bounds(height, width)
        return np.outer(np.diff(rows), np.diff(columns)).astype(np.float64)[:, :, None]

    def arguments(self) -> dict[str, Any]:
        """Return the numbers of regions."""
        return {"regions": list(self.regions)}
