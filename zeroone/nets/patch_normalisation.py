"""Patches of an image, each freed of its brightness and contrast, and whitened (docs/theory.md#d5).

What a filter sees at one position is a row x of P(V) (`zeroone.nets.convolution`). Neighbouring
pixels say nearly the same, and how bright or how rich in contrast a patch is says little about what
it shows. So ::

    x <- (x - mean of x) / sqrt(variance of x + offset)
    x <- T (x - centre),   T = (covariance + whitening I)^{-1/2}

with the centre and the covariance of the patches of the training images: the rows are then nearly
uncorrelated, with variances near 1. A convolution of 1 x 1 on these rows is one of k x k on the
image. Nothing here is learned by an optimiser.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zeroone.nets.convolution import BLOCK_ENTRIES, Pair, Window, as_rows, patches, patches_adjoint
from zeroone.nets.layers import Layer, Shape, check_shape
from zeroone.support.rows import row_blocks
from zeroone.support.validation import FloatArray, check_number


class PatchNormalisation(Layer):
    """The normalised and whitened patches of images, as images of k_h k_w c channels.

    Parameters
    ----------
    centre : ndarray, shape (k_h k_w channels,)
    transform : ndarray, shape (k_h k_w channels, k_h k_w channels)
        T, symmetric.
    kernel : int or (int, int)
        Height and width of a patch.
    offset : float
        Added to the variance of a patch, > 0: noise in a patch of one colour is not blown up.
    stride, padding : int or (int, int)

    Raises
    ------
    ValueError
        If the shapes disagree, or a number is out of range.
    """

    kind = "patch normalisation"

    def __init__(
        self,
        centre: FloatArray,
        transform: FloatArray,
        *,
        kernel: Pair,
        offset: float,
        stride: Pair = 1,
        padding: Pair = 0,
    ) -> None:
        self.window = Window.of("kernel", kernel, stride, padding)
        self.centre, self.transform = centre, transform
        self.offset = check_number("offset", offset, strict=True)
        entries = len(centre) if centre.ndim == 1 else 0
        if transform.shape != (entries, entries) or entries % math.prod(self.window.size):
            raise ValueError(
                "centre must have an entry for each of the pixels of a patch and transform be a "
                f"square matrix of them, but their shapes are {centre.shape}, {transform.shape}"
            )

    @classmethod
    def fit(
        cls,
        images: FloatArray,
        *,
        kernel: Pair,
        offset: float,
        whitening: float,
        stride: Pair = 1,
        padding: Pair = 0,
    ) -> PatchNormalisation:
        """Return the layer for the centre and the covariance of the patches of some images.

        Parameters
        ----------
        images : ndarray, shape (n, height, width, channels)
            A few thousand are plenty.
        kernel, offset, stride, padding
            As above.
        whitening : float
            Added to the eigenvalues of the covariance, > 0.
        """
        check_number("whitening", whitening, strict=True)
        window = Window.of("kernel", kernel, stride, padding)
        rows = contrast_normalised(patches(images, window), offset)[0]
        centre = rows.mean(axis=0, dtype=np.float64)
        total = np.zeros((len(centre), len(centre)))
        for block in row_blocks(len(rows), BLOCK_ENTRIES // len(centre) + 1):
            centred = rows[block] - centre
            total += centred.T @ centred
        values, vectors = np.linalg.eigh(total / len(rows))
        transform = (vectors / np.sqrt(np.maximum(values, 0) + whitening)) @ vectors.T
        dtype = images.dtype
        return cls(
            centre.astype(dtype),
            transform.astype(dtype),
            kernel=kernel,
            offset=offset,
            stride=stride,
            padding=padding,
        )

    def output_shape(self, shape: Shape) -> Shape:
        """Return (H_out, W_out, k_h k_w channels) for images (height, width, channels)."""
        channels = len(self.centre) // math.prod(self.window.size)
        height, width, _ = check_shape(shape, 3, channels=channels)
        return (*self.window.positions(height, width), len(self.centre))

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the patches, shape (n, H_out, W_out, k_h k_w channels)."""
        if remember:
            self.V = V
        X = np.empty((len(V), *self.output_shape(V.shape[1:])), V.dtype)
        for block in row_blocks(len(V), max(1, BLOCK_ENTRIES // max(1, X[:1].size))):
            rows, _ = contrast_normalised(patches(V[block], self.window), self.offset)
            rows -= self.centre
            np.matmul(rows, self.transform.T, out=as_rows(X[block]))
        return X

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return the derivative by the images: through T, the two moments, and the patches."""
        rows, spread = contrast_normalised(patches(self.V, self.window), self.offset)
        H = as_rows(G) @ self.transform
        along = np.mean(H * rows, axis=1, keepdims=True)
        H -= H.mean(axis=1, keepdims=True)
        H -= rows * along
        H /= spread
        return patches_adjoint(H, self.window, self.V.shape[1:])

    def arguments(self) -> dict[str, Any]:
        """Return centre, transform, kernel, offset, stride and padding."""
        return {
            "centre": self.centre,
            "transform": self.transform,
            "kernel": list(self.window.size),
            "offset": self.offset,
            "stride": list(self.window.stride),
            "padding": list(self.window.padding),
        }

    def workspace(self, shape: Shape) -> int:
        """Return the size of the patches of a sample."""
        return math.prod(self.output_shape(shape))

    def multiplications(self, shape: Shape) -> int:
        """Return the number of positions times the entries of T."""
        return math.prod(self.output_shape(shape)) * len(self.centre)


def contrast_normalised(rows: FloatArray, offset: float) -> tuple[FloatArray, FloatArray]:
    """Return each row less its mean, over sqrt(its variance + offset), and these square roots.

    Parameters
    ----------
    rows : ndarray, shape (n, n_entries)
    offset : float

    Returns
    -------
    rows : ndarray, shape (n, n_entries)
    spread : ndarray, shape (n, 1)
    """
    rows = rows - rows.mean(axis=1, keepdims=True)
    squares = np.einsum("ni,ni->n", rows, rows)[:, None]
    spread = np.sqrt(squares / rows.shape[1] + rows.dtype.type(offset))
    rows /= spread
    return rows, spread
