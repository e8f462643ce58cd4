"""Images moved, cropped and mirrored at random while a network trains: more data for nothing.

A random crop looks at each image through a window that stands anywhere on it; where the window
reaches over the border, it sees zeros. In training the window of each image is drawn anew, and
after it the window stands in the middle. A shift by up to s pixels is a crop of the image's own
size with s pixels of play.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zeroone.nets.layers import Layer, Shape, check_shape
from zeroone.support.validation import FloatArray, check_integer


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

    def output_shape(self, shape: Shape) -> Shape:
        """Return the size of the window, and the channels."""
        height, width, channels = check_shape(shape, 3)
        if self.shift >= min(height, width):
            raise ValueError(f"shift must be smaller than an image of {height} x {width} pixels")
        return (*((height, width) if self.crop is None else (self.crop, self.crop)), channels)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return what the windows see: new ones if they are to be remembered, else the last."""
        if remember:
            self.shape, self.corners, self.mirrored = V.shape, self._drawn(V.shape), None
            if self.flip:
                self.mirrored = self.rng.random(len(V)) < 0.5
        return self._seen(V, self.corners, self.mirrored)

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return what windows in the middle see."""
        height, width, _ = self.output_shape(V.shape[1:])
        middle = [(V.shape[1] - height) // 2, (V.shape[2] - width) // 2]
        if (height, width) == V.shape[1:3]:
            return V
        return self._seen(V, np.tile(middle, (len(V), 1)), None)

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G where the windows stood, and zero elsewhere."""
        total = np.zeros(self.shape, G.dtype)
        for i, (there, here) in enumerate(self._places(G.shape[1:3], self.corners)):
            mirrored = self.mirrored is not None and self.mirrored[i]
            total[i][there] = (G[i, :, ::-1] if mirrored else G[i])[here]
        return total

    def arguments(self) -> dict[str, Any]:
        """Return shift, flip and crop; the source of randomness is not kept."""
        return {"shift": self.shift, "flip": self.flip, "crop": self.crop}

    def _drawn(self, shape: Shape) -> np.ndarray:
        """Return the upper left corner of each window on its image, shape (n, 2)."""
        corners = []
        n, *pixels = shape
        for size, available in zip(self.output_shape(shape[1:]), pixels[:2], strict=False):
            room = available - size
            first = self.rng.integers(min(room, 0), max(room, 0), n, endpoint=True)
            corners.append(first + self.rng.integers(-self.shift, self.shift, n, endpoint=True))
        return np.stack(corners, axis=1)

    def _places(
        self, window: tuple[int, ...], corners: np.ndarray
    ) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
        """Yield, for each image, where on it the window sees pixels, and where in the window."""
        for corner in corners:
            there, here = [], []
            for first, size, pixels in zip(corner, window, self.shape[1:3], strict=False):
                start, stop = max(first, 0), max(min(first + size, pixels), 0)
                there.append(slice(start, max(stop, start)))
                here.append(slice(start - first, max(stop, start) - first))
            yield tuple(there), tuple(here)

    def _seen(self, V: FloatArray, corners: np.ndarray, mirrored: np.ndarray | None) -> FloatArray:
        """Return what windows with these corners see, some of them mirrored."""
        self.shape = V.shape
        result = np.zeros((len(V), *self.output_shape(V.shape[1:])), V.dtype)
        for i, (there, here) in enumerate(self._places(result.shape[1:3], corners)):
            seen = result[i, :, ::-1] if mirrored is not None and mirrored[i] else result[i]
            seen[here] = V[i][there]
        return result
