"""Working through samples in blocks: the preactivations of many filters, and what g weighs Z with.

`zeroone.gaussian.model` and `zeroone.gaussian.streaming` share these pieces. Filters are divided by
a power of two before they are multiplied with samples. That is exact and leaves every sign as it
is, an exact zero included, and no filter is too long or too short for it, in float32 neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from zeroone.activations import PseudoDerivative, step
from zeroone.gaussian.geometry import power_of_two
from zeroone.validation import FloatArray

# Numbers in a block of samples: 1 MB of float64, which stays in a second-level cache.
BLOCK = 2**17


def block_size(k: int, d: int, columns: int) -> int:
    """Return how many samples make a block, with their preactivations for so many filters."""
    return max(1, BLOCK // (k * (d + columns)))


@dataclass(frozen=True)
class Columns:
    """Filters as the columns of a matrix to multiply samples with.

    Parameters
    ----------
    matrix : ndarray of shape (d, n_filters)
        Each filter divided by its scale.
    scale : ndarray of shape (n_filters,)
        Powers of two, in the same precision (there as near as its range allows).
    """

    matrix: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, w: FloatArray, dtype: DTypeLike) -> "Columns":
        """Return the columns for filters of shape (..., d), in the given precision."""
        flat = w.reshape(-1, w.shape[-1])
        scale, limits = power_of_two(flat), np.finfo(dtype)
        matrix = np.ascontiguousarray((flat / scale).T, dtype)
        return cls(matrix, np.clip(scale[:, 0], limits.tiny, limits.max).astype(dtype))


@dataclass(frozen=True)
class Pairing:
    """Filters and the teachers that they are compared with, flattened and side by side.

    Parameters
    ----------
    leading : tuple of int
        The broadcast leading axes of filters and teachers.
    columns : Columns
        The filters, then the teachers: as many as filters, or one for all.
    n_filters : int
    """

    leading: tuple[int, ...]
    columns: Columns
    n_filters: int

    @classmethod
    def of(cls, w: FloatArray, w_star: FloatArray, dtype: DTypeLike) -> "Pairing":
        """Return the pairing of w and w_star, whose leading axes broadcast."""
        d = w.shape[-1]
        leading = np.broadcast_shapes(w.shape[:-1], w_star.shape[:-1])
        filters = np.broadcast_to(w, (*leading, d)).reshape(-1, d)
        if w_star.size > d:
            w_star = np.broadcast_to(w_star, (*leading, d))
        both = np.concatenate([filters, w_star.reshape(-1, d)])
        return cls(leading, Columns.of(both, dtype), len(filters))

    def error_and_weights(
        self, preactivation: FloatArray, derivative: PseudoDerivative
    ) -> tuple[FloatArray, FloatArray]:
        """Return h(w, Z) - h(w*, Z) and (h(w, Z) - h(w*, Z)) mu'(Z_i . w), with which g weighs Z_i.

        Parameters
        ----------
        preactivation : ndarray of shape (n, k, columns)
            Of the filters and the teachers, as `preactivations` yields it.
        derivative : callable
            The pseudo-derivative mu'.

        Returns
        -------
        error : ndarray of shape (n, n_filters)
        weights : ndarray of shape (n, k, n_filters)
        """
        counts = sum_patches(step(preactivation))
        error = counts[:, : self.n_filters] - counts[:, self.n_filters :]
        with np.errstate(over="ignore", under="ignore"):
            student = preactivation[..., : self.n_filters] * self.scale
        weights = derivative(student)
        weights *= error[:, np.newaxis, :]
        return error, weights

    @property
    def scale(self) -> FloatArray:
        """The scales of the filters alone."""
        return self.columns.scale[: self.n_filters]


def sum_patches(values: FloatArray) -> FloatArray:
    """Return the sum over the patches of values of shape (n, k, columns)."""
    return np.matmul(np.ones(values.shape[1], values.dtype), values)


def preactivations(columns: Columns, Z: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield block by block which samples, and Z_i . w / scale of shape (n, k, n_filters).

    Raises
    ------
    ValueError
        If Z holds NaN or infinity. (They reach the products, where looking for them is cheaper.)
    """
    n_samples, k, d = Z.shape
    n_columns = columns.matrix.shape[1]
    size = block_size(k, d, n_columns)
    for start in range(0, n_samples, size):
        rows = slice(start, min(start + size, n_samples))
        with np.errstate(over="ignore", invalid="ignore"):
            product = Z[rows].reshape(-1, d) @ columns.matrix
            finite = np.isfinite(product.sum())
        if not finite and not np.isfinite(Z[rows]).all():
            raise ValueError("Z must be finite, but holds NaN or infinity")
        yield rows, product.reshape(-1, k, n_columns)
