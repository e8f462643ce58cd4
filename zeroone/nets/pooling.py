"""Pooling: one number for a window of pixels, in each channel (docs/theory.md#d2).

The largest entry, or the mean, of what a window sees at each of its positions. Max-pooling commutes
with every non-decreasing unit ::

    step(max_q z_q) = max_q step(z_q)

Pooling the pre-activations sends the derivative, and with it the target, to the winning position
alone. Pooling the bits leaves a tie of all positions that are on. On a tie, the first position gets
it, row by row: ties are common where bits or small integers are pooled.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from zeroone.nets.convolution import Pair, Window
from zeroone.nets.layers import Layer, Shape, check_shape
from zeroone.support.validation import FloatArray


class Pooling(Layer):
    """What the two kinds of pooling share: where their window stands.

    Parameters
    ----------
    window : int or (int, int)
        Height and width.
    stride : int or (int, int), optional
        By default the size of the window, so that windows touch and do not overlap.
    padding : int or (int, int), default 0
        At most half of the window: every position sees a pixel.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    channelwise = True

    def __init__(self, window: Pair = 2, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.window = Window.of("window", window, window if stride is None else stride, padding)
        if any(2 * p > k for p, k in zip(self.window.padding, self.window.size, strict=True)):
            raise ValueError(f"padding must be at most half of the window, but is {padding}")

    def output_shape(self, shape: Shape) -> Shape:
        """Return (H_out, W_out, channels) for images of a shape (height, width, channels)."""
        height, width, channels = check_shape(shape, 3)
        return (*self.window.positions(height, width), channels)

    def arguments(self) -> dict[str, Any]:
        """Return window, stride and padding."""
        return {
            "window": list(self.window.size),
            "stride": list(self.window.stride),
            "padding": list(self.window.padding),
        }

    def pixels(self) -> list[tuple[int, int]]:
        """Return the pixels of the window, row by row."""
        height, width = self.window.size
        return list(product(range(height), range(width)))


class MaxPooling(Pooling):
    """The largest entry: A = max over the window, of each channel; the border never wins."""

    kind = "max pooling"

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the maxima, and remember where the first of them stands, or only look."""
        padded = self.window.padded(V, -np.inf)
        first, *others = self.pixels()
        largest = self.window.shifted(padded, *first).copy()
        winners = np.zeros(largest.shape, np.min_scalar_type(len(others))) if remember else None
        for number, pixel in enumerate(others, start=1):
            entries = self.window.shifted(padded, *pixel)
            if winners is not None:  # a larger entry moves the winner on to the later pixel
                np.maximum(winners, (entries > largest) * winners.dtype.type(number), out=winners)
            np.maximum(largest, entries, out=largest)
        if winners is not None:
            self.winners, self.padded_shape = winners, padded.shape
        return largest

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G at the winning positions and zero elsewhere, added up where windows overlap."""
        total = np.zeros(self.padded_shape, G.dtype)
        apart = all(step >= k for step, k in zip(self.window.stride, self.window.size, strict=True))
        for number, pixel in enumerate(self.pixels()):
            place = self.window.shifted(total, *pixel)
            if apart:  # no pixel is in two windows: written once, it takes half the time of a sum
                np.multiply(G, self.winners == number, out=place)
            else:
                place += G * (self.winners == number)
        return self.window.unpadded(total)


class AveragePooling(Pooling):
    """The mean: A = 1/|q| sum over the window q, of each channel; a border counts as zeros."""

    kind = "average pooling"

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the means, and remember the shape of the images, or only look."""
        padded = self.window.padded(V)
        first, *others = self.pixels()
        total = self.window.shifted(padded, *first).copy()
        for pixel in others:
            total += self.window.shifted(padded, *pixel)
        if remember:
            self.padded_shape = padded.shape
        total /= len(others) + 1
        return total

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return an equal part of G for each pixel of the window, added up where they overlap."""
        total = np.zeros(self.padded_shape, G.dtype)
        part = G / len(self.pixels())
        for pixel in self.pixels():
            place = self.window.shifted(total, *pixel)
            place += part
        return self.window.unpadded(total)
