"""Images moved, cropped and mirrored at random while a network trains: more data for nothing.

A random crop looks at each image through a window that stands anywhere on it; where the window
reaches over the border, it sees zeros. In training the window of each image is drawn anew, and
after it the window stands in the middle. A shift by up to s pixels is a crop of the image's own
size with s pixels of play.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.nets.layers import Layer, Shape, check_shape
from zeroone.support.validation import BoolArray, FloatArray, check_integer


@dataclass(frozen=True, eq=False)
class Windows:
    """Where a window stands on each image of a batch.

    Attributes
    ----------
    shape : (int, int, int, int)
        Of the batch: images, height, width, channels.
    corners : ndarray of int, shape (n_samples, 2)
        The pixel in each window's upper left corner; outside of the image if it is negative.
    mirrored : ndarray of bool, shape (n_samples,)
    """

    shape: Shape
    corners: NDArray[np.integer]
    mirrored: BoolArray

    def places(
        self, size: tuple[int, ...]
    ) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
        """Yield, for each image, where on it a window sees pixels, and where in the window."""
        for corner in self.corners:
            there, here = [], []
            for first, side, pixels in zip(corner, size, self.shape[1:3], strict=True):
                start, stop = max(first, 0), max(min(first + side, pixels), 0)
                there.append(slice(start, max(stop, start)))
                here.append(slice(start - first, max(stop, start) - first))
            yield tuple(there), tuple(here)


class Augmentation(Layer):
    """A random window on each image, mirrored or not, drawn anew for each batch in training.

    Parameters
    ----------
    shift : int, default 0
        How far the window may stand from where it would stand otherwise, in pixels.
    flip : bool, default False
        Mirror each image with probability 1/2, left to right.
    crop : int, optional
        Height and width of the window; anywhere on the image in training, in the middle after it.
        It may be larger than the image. By default that of the image.
    rng : numpy.random.Generator or seed, optional

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    kind = "augmentation"

    def __init__(
        self,
        shift: int = 0,
        flip: bool = False,
        crop: int | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        self.shift = check_integer("shift", shift, minimum=0)
        if not isinstance(flip, bool):
            raise ValueError(f"flip must be True or False, but is {flip!r}")
        self.flip = flip
        self.crop = None if crop is None else check_integer("crop", crop)
        self.rng = np.random.default_rng(rng)
        self.windows: Windows | None = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the size of the window, and the channels."""
        height, width, channels = check_shape(shape, 3)
        if self.shift >= min(height, width):
            raise ValueError(f"shift must be smaller than an image of {height} x {width} pixels")
        return (*((height, width) if self.crop is None else (self.crop, self.crop)), channels)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return what the windows see: new ones if they are to be remembered, else the last."""
        windows = self.windows
        if remember or windows is None or windows.shape != V.shape:
            windows = self._drawn(V.shape)
            if remember:
                self.windows = windows
        return self._seen(V, windows)

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return what windows in the middle see."""
        height, width, _ = self.output_shape(V.shape[1:])
        if (height, width) == V.shape[1:3]:
            return V
        middle = [(V.shape[1] - height) // 2, (V.shape[2] - width) // 2]
        corners = np.tile(middle, (len(V), 1))
        return self._seen(V, Windows(V.shape, corners, np.zeros(len(V), bool)))

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G where the windows stood, and zero elsewhere."""
        windows = self.windows
        assert windows is not None, "backward comes after a forward"
        total = np.zeros(windows.shape, G.dtype)
        for i, (there, here) in enumerate(windows.places(G.shape[1:3])):
            total[i][there] = (G[i, :, ::-1] if windows.mirrored[i] else G[i])[here]
        return total

    def arguments(self) -> dict[str, Any]:
        """Return shift, flip and crop; the source of randomness is not kept."""
        return {"shift": self.shift, "flip": self.flip, "crop": self.crop}

    def _drawn(self, shape: Shape) -> Windows:
        """Return new windows for a batch of images."""
        corners = []
        n, *pixels = shape
        for size, available in zip(self.output_shape(shape[1:]), pixels[:2], strict=False):
            room = available - size
            first = self.rng.integers(min(room, 0), max(room, 0), n, endpoint=True)
            corners.append(first + self.rng.integers(-self.shift, self.shift, n, endpoint=True))
        mirrored = self.rng.random(n) < 0.5 if self.flip else np.zeros(n, bool)
        return Windows(shape, np.stack(corners, axis=1), mirrored)

    def _seen(self, V: FloatArray, windows: Windows) -> FloatArray:
        """Return what windows see."""
        result = np.zeros((len(V), *self.output_shape(V.shape[1:])), V.dtype)
        for i, (there, here) in enumerate(windows.places(result.shape[1:3])):
            seen = result[i, :, ::-1] if windows.mirrored[i] else result[i]
            seen[here] = V[i][there]
        return result
