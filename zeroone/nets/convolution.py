"""A convolution is a dense layer on patches (docs/theory.md#d1).

Images are arrays of shape (n, height, width, channels). A patch is what a filter sees at one
position: k_h x k_w pixels with all their channels. With V padded by p zeros on every side and a
stride of s ::

    H_out = floor((H + 2p - k_h)/s) + 1,   W_out = floor((W + 2p - k_w)/s) + 1
    P V    has one row a position, n H_out W_out in all, each of k_h k_w c entries
    A = P(V) W^T + b,   W of shape (n_filters, k_h k_w c)

P is linear: it copies each entry of V into the rows that contain it. Its adjoint P^T adds the
entries of all rows back to where they came from, so that <P V, R> = <V, P^T R> for all V and R, and
the chain rule of a dense layer becomes ::

    dL/dW = G^T P(V),   dL/db = sum of the rows of G,   dL/dV = P^T (G W),   G = dL/dA as rows
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from zeroone.nets.layers import Layer, Shape, check_shape, column_sums
from zeroone.support.validation import FloatArray, check_integer

Pair = int | Sequence[int]
# The patches of so many samples are made at a time that they have no more entries, or of one.
BLOCK_ENTRIES = 2**20
# A batch's patches wait for `backward` if they have no more entries (8 MiB in single precision):
# with few channels, to copy them anew takes as long as the products.
KEPT_ENTRIES = 2**21


@dataclass(frozen=True)
class Window:
    """Where a window of pixels can stand on an image: of a convolution, or of a pooling.

    Parameters
    ----------
    size : (int, int)
        Height and width of the window.
    stride : (int, int), default (1, 1)
        Steps down and to the right from one position to the next.
    padding : (int, int), default (0, 0)
        Rows of pixels added above and below, columns added left and right.

    Raises
    ------
    ValueError
        If a size or a stride is below 1, or a padding below 0.
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, name: str, size: Pair, stride: Pair, padding: Pair) -> Window:
        """Return the window of these numbers, each one for both directions or a pair."""
        return cls(pair(name, size, 1), pair("stride", stride, 1), pair("padding", padding, 0))

    def positions(self, height: int, width: int) -> tuple[int, int]:
        """Return H_out and W_out, the numbers of positions down and across.

        Raises
        ------
        ValueError
            If the window is larger than the padded image.
        """
        return self._count(height, 0, "high"), self._count(width, 1, "wide")

    def _count(self, pixels: int, axis: int, direction: str) -> int:
        room = pixels + 2 * self.padding[axis] - self.size[axis]
        if room < 0:
            raise ValueError(
                f"a window {self.size[axis]} {direction} does not fit into an image "
                f"{pixels} {direction} with a padding of {self.padding[axis]}"
            )
        return room // self.stride[axis] + 1

    def padded(self, V: FloatArray, value: float = 0.0) -> FloatArray:
        """Return the images with a border of `value`; the images themselves without padding."""
        down, right = self.padding
        if not (down or right):
            return V
        n, height, width, channels = V.shape
        result = np.empty((n, height + 2 * down, width + 2 * right, channels), V.dtype)
        result[:, :down] = result[:, down + height :] = value
        result[:, :, :right] = result[:, :, right + width :] = value
        result[:, down : down + height, right : right + width] = V
        return result

    def unpadded(self, padded: FloatArray) -> FloatArray:
        """Return a view of padded images without their border."""
        (down, right), (_, height, width, _) = self.padding, padded.shape
        return padded[:, down : height - down, right : width - right]

    def views(self, padded: FloatArray) -> FloatArray:
        """Return all positions of the window on padded images, as a view that copies nothing.

        A row of a window is one stretch of a row of pixels, all channels together.

        Returns
        -------
        ndarray, shape (n, H_out, W_out, k_h, k_w channels)
        """
        n, height, width, channels = padded.shape
        stretches = padded.reshape(n, height, width * channels)
        (down, right), (k_h, k_w) = self.stride, self.size
        views = sliding_window_view(stretches, (k_h, k_w * channels), axis=(1, 2))
        return views[:, ::down, :: right * channels]

    def shifted(self, padded: FloatArray, i: int, j: int) -> FloatArray:
        """Return the pixel (i, j) of every position: a view, shape (n, H_out, W_out, channels)."""
        _, height, width, _ = padded.shape
        (down, right), (k_h, k_w) = self.stride, self.size
        last_down, last_right = height - k_h + i + 1, width - k_w + j + 1
        return padded[:, i:last_down:down, j:last_right:right]


def patches(V: FloatArray, window: Window) -> FloatArray:
    """Return P(V): what the window sees at each of its positions, one row a position.

    Parameters
    ----------
    V : ndarray, shape (n, height, width, channels)
    window : Window

    Returns
    -------
    ndarray, shape (n H_out W_out, k_h k_w channels)
        Positions row by row; in a row, pixels row by row, and the channels of a pixel together.

    Raises
    ------
    ValueError
        If the window does not fit.
    """
    H_out, W_out = window.positions(*V.shape[1:3])
    if V.shape[-1] == 0:  # all filters below were removed
        return np.empty((len(V) * H_out * W_out, 0), V.dtype)
    views = window.views(window.padded(V))
    shape = math.prod(views.shape[:3]), math.prod(views.shape[3:])
    if V.shape[-1] == 1:
        # A row of a window is a few numbers only: it is faster to copy what one of its pixels sees
        # at all positions. The products take either order.
        return views.transpose(3, 4, 0, 1, 2).reshape(shape[::-1]).T
    return views.reshape(shape)  # copied here


def patches_adjoint(R: FloatArray, window: Window, image_shape: Sequence[int]) -> FloatArray:
    """Return P^T R: each entry of each row, added up where it came from.

    Parameters
    ----------
    R : ndarray, shape (n H_out W_out, k_h k_w channels)
    window : Window
    image_shape : (height, width, channels)

    Returns
    -------
    ndarray, shape (n, height, width, channels)
    """
    entries = R.reshape(len(R), math.prod(window.size), image_shape[-1])
    return add_pixels(entries.swapaxes(0, 1), window, image_shape)


def add_pixels(parts: FloatArray, window: Window, image_shape: Sequence[int]) -> FloatArray:
    """Return P^T R, given R with the entries for a pixel of the window together.

    They are added whole rows of the image at a time, and not a few channels.

    Parameters
    ----------
    parts : ndarray, shape (k_h k_w, n H_out W_out, channels)
    window, image_shape
        As for `patches_adjoint`.

    Returns
    -------
    ndarray, shape (n, height, width, channels)
    """
    height, width, channels = image_shape
    (k_h, k_w), (down, right) = window.size, window.padding
    H_out, W_out = window.positions(height, width)
    n = parts.shape[1] // (H_out * W_out)
    images = parts.reshape(k_h, k_w, n, H_out, W_out, channels)
    total = np.zeros((n, height + 2 * down, width + 2 * right, channels), parts.dtype)
    for i in range(k_h):
        for j in range(k_w):
            place = window.shifted(total, i, j)
            place += images[i, j]
    return window.unpadded(total)


class Convolution(Layer):
    """A convolution: A = P(V) W^T + b, the same filters at every position.

    As everywhere in the field, filters are not flipped: it is a cross-correlation.

    Parameters
    ----------
    weights : ndarray, shape (n_filters, k_h, k_w, channels)
    biases : ndarray, shape (n_filters,)
    stride, padding : int or (int, int)
    learn_biases : bool, default True
        Whether the biases are among `parameters`; see `zeroone.nets.layers.Dense`.

    Raises
    ------
    ValueError
        If the shapes disagree, or a stride or a padding is out of range.
    """

    kind = "convolution"

    def __init__(
        self,
        weights: FloatArray,
        biases: FloatArray,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        learn_biases: bool = True,
    ) -> None:
        if weights.ndim != 4 or biases.shape != weights.shape[:1]:
            raise ValueError(
                "weights must have the shape (filters, height, width, channels) and biases one "
                f"entry a filter, but have the shapes {weights.shape} and {biases.shape}"
            )
        self.weights, self.biases, self.learn_biases = weights, biases, learn_biases
        self.kept: list[FloatArray] = []
        self.window = Window.of("kernel", weights.shape[1:3], stride, padding)
        self._gradients = tuple(np.empty_like(parameter) for parameter in self.parameters)

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The arrays that an optimiser moves."""
        return (self.weights, self.biases) if self.learn_biases else (self.weights,)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """dL/dW and dL/db of the last `backward`, in the order of `parameters`."""
        return self._gradients

    def output_shape(self, shape: Shape) -> Shape:
        """Return (H_out, W_out, n_filters) for images of a shape (height, width, channels)."""
        height, width, _ = check_shape(shape, 3, channels=self.weights.shape[3])
        return (*self.window.positions(height, width), len(self.weights))

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return A, shape (n, H_out, W_out, n_filters), and remember V, or only look."""
        keep = remember and len(V) * self.workspace(V.shape[1:]) <= KEPT_ENTRIES
        if remember:
            self.V, self.kept = V, []
        W = self._matrix()
        A = np.empty((len(V), *self.output_shape(V.shape[1:])), W.dtype)
        for block in self._blocks(V):
            P = patches(V[block], self.window)
            product = np.matmul(P, W.T, out=as_rows(A[block]))
            product += self.biases
            if keep:
                self.kept.append(P)
        return A

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Write dL/dW and dL/db into `gradients`, and return dL/dV, for G = dL/dA.

        Parameters
        ----------
        G : ndarray, shape (n, H_out, W_out, n_filters)
        to_input : bool, default True
            Whether dL/dV is wanted.

        Returns
        -------
        ndarray, shape (n, height, width, channels); of no samples if it is not wanted
        """
        W, V = self._matrix(), self.V
        by_pixel = self._pixel_matrices()
        by_weights, *by_biases = self.gradients
        dW = by_weights.reshape(W.shape)
        dW[...] = 0
        dV = np.empty(V.shape if to_input else (0, *V.shape[1:]), G.dtype)
        for number, block in enumerate(self._blocks(V)):
            rows = as_rows(G[block])
            # Many patches are copied anew: that takes a tenth of the time of their product, and to
            # keep them would take k_h k_w times the memory of V.
            P = self.kept[number] if self.kept else patches(V[block], self.window)
            dW += rows.T @ P
            if to_input:
                dV[block] = add_pixels(rows @ by_pixel, self.window, V.shape[1:])
        for gradient in by_biases:  # one, or none
            gradient[...] = column_sums(as_rows(G))
        return dV

    def arguments(self) -> dict[str, Any]:
        """Return weights, biases, stride and padding, and whether the biases are learned."""
        return {
            "weights": self.weights,
            "biases": self.biases,
            "stride": list(self.window.stride),
            "padding": list(self.window.padding),
            "learn_biases": self.learn_biases,
        }

    def workspace(self, shape: Shape) -> int:
        """Return the size of the patches of a sample."""
        return math.prod(self.window.positions(*shape[:2])) * math.prod(self.weights.shape[1:])

    def multiplications(self, shape: Shape) -> int:
        """Return the number of positions times that of the weights."""
        return math.prod(self.window.positions(*shape[:2])) * self.weights.size

    def _matrix(self) -> FloatArray:
        """Return a view of the weights with a row for each filter."""
        return self.weights.reshape(len(self.weights), math.prod(self.weights.shape[1:]))

    def _pixel_matrices(self) -> FloatArray:
        """Return the columns of that view for each pixel of the window, (k_h k_w, n_filters, c).

        A product with each of them makes the rows of G W in the order that `add_pixels` takes.
        """
        n_filters, k_h, k_w, channels = self.weights.shape
        pixels = self.weights.reshape(n_filters, k_h * k_w, channels)
        return np.ascontiguousarray(pixels.swapaxes(0, 1))

    def _blocks(self, V: FloatArray) -> Iterator[slice]:
        """Yield blocks of samples whose patches stay in the processor's cache, each at least one.

        With these the adjoint takes two thirds of its time.
        """
        at_once = max(1, BLOCK_ENTRIES // max(1, self.workspace(V.shape[1:])))
        return (slice(start, start + at_once) for start in range(0, len(V), at_once))


def as_rows(A: FloatArray) -> FloatArray:
    """Return a view of (n, H, W, channels) as rows of channels, one a position."""
    return A.reshape(-1, A.shape[-1]) if A.size else A.reshape(math.prod(A.shape[:-1]), A.shape[-1])


def pair(name: str, value: Pair, minimum: int) -> tuple[int, int]:
    """Return one number, or one for each direction, as a pair (down, right).

    Raises
    ------
    ValueError
        If it is neither, or a number is below the minimum; the message has the name.
    """
    if isinstance(value, Sequence):
        if len(value) != 2:
            raise ValueError(f"{name} must be an integer or two of them, but is {value!r}")
        first, second = value
        return (
            check_integer(name, first, minimum=minimum),
            check_integer(name, second, minimum=minimum),
        )
    number = check_integer(name, value, minimum=minimum)
    return number, number
