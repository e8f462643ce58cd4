"""Proximal maps prepared for an inner loop: levels fixed, buffers allocated, nothing checked.

`zeroone.prox` defines the maps (theory, A5). Here each becomes an update ``prox(w, out)`` of arrays
of shape (d, n_runs), **one filter a column**, that writes into `out` and allocates nothing. What
depends on the level alone is computed once, when the map is prepared.
"""

from collections.abc import Callable

import numpy as np

from zeroone.prox import L0, L1, GroupL20, Penalty, TransformedL1
from zeroone.validation import FloatArray

ProximalMap = Callable[[FloatArray, FloatArray], None]


def prepare_prox(
    penalty: Penalty,
    level: FloatArray,
    shape: tuple[int, int],
    filter_shape: tuple[int, int] | None = None,
) -> ProximalMap:
    """Return the proximal map of level x penalty for filters in columns, as ``prox(w, out)``.

    Parameters
    ----------
    penalty : Penalty
    level : ndarray of shape (n_runs,)
        The lam / beta of each run.
    shape : (d, n_runs)
    filter_shape : (rows, columns), optional
        For group penalties: the matrix that a filter is, in C order.

    Returns
    -------
    callable (w, out) -> None
        Its arguments must not overlap.
    """
    if isinstance(penalty, L1):
        return _soft(level, shape)
    if isinstance(penalty, L0):
        return _hard(level, shape)
    if isinstance(penalty, TransformedL1):
        return _transformed(level, np.broadcast_to(penalty.a, (shape[1], 1))[:, 0], shape)
    if isinstance(penalty, GroupL20) and filter_shape is not None:
        return _group_hard(level, shape, filter_shape, 1 if penalty.groups == "rows" else 0)
    return _any_prox(penalty, level)


def spread(values: FloatArray, d: int) -> FloatArray:
    """Return one value a run in the form in which NumPy is fastest on arrays of shape (d, n_runs).

    That is 0-d if all are equal, and otherwise an array of the full shape.
    """
    return np.asarray(values[0]) if np.all(values == values[0]) else np.tile(values, (d, 1))


def largest_zero(penalty: Penalty, level: FloatArray) -> FloatArray:
    """Return the tau up to which the map of level x penalty takes entries (or groups) to 0.

    t for l1, sqrt(2 t) for l0 and for the norms of groups; for transformed l1 see the Notes of
    `zeroone.prox.transformed_l1_threshold`.
    """
    if isinstance(penalty, L1):
        return np.asarray(level)
    with np.errstate(over="ignore"):  # an infinite threshold takes everything to 0
        if not isinstance(penalty, TransformedL1):
            return np.sqrt(2 * level)
        a = np.asarray(penalty.a)
        m = np.sqrt(2 * level * (a + 1))
        return np.where(m <= a, level * ((a + 1) / a), m - 0.5 * a)


def _soft(level: FloatArray, shape: tuple[int, int]) -> ProximalMap:
    """Return the map of l1, u = w - clip(w, -t, t)."""
    above, clipped = spread(level, shape[0]), np.empty(shape)
    below = np.asarray(-above)

    def prox(w: FloatArray, out: FloatArray) -> None:
        np.clip(w, below, above, out=clipped)
        np.subtract(w, clipped, out=out)

    def prox_of_each(w: FloatArray, out: FloatArray) -> None:
        np.minimum(w, above, out=clipped)
        np.maximum(clipped, below, out=clipped)
        np.subtract(w, clipped, out=out)

    # With numbers as bounds np.clip is the faster way, and with arrays it is three times slower.
    return prox if above.ndim == 0 else prox_of_each


def _hard(level: FloatArray, shape: tuple[int, int]) -> ProximalMap:
    """Return the map of l0, u = w where |w| > sqrt(2 t), else 0."""
    threshold, kept = spread(largest_zero(L0(), level), shape[0]), np.empty(shape, bool)

    def prox(w: FloatArray, out: FloatArray) -> None:
        np.abs(w, out=out)
        np.greater(out, threshold, out=kept)
        np.copyto(out, kept)  # faster than a product of a float and a boolean array
        np.multiply(out, w, out=out)

    return prox


def _transformed(level: FloatArray, a: FloatArray, shape: tuple[int, int]) -> ProximalMap:
    """Return the map of transformed l1, |u| = |w| - (4 s/3) sin^2(phi/6), with s = a + |w|.

    The Notes of `zeroone.prox.transformed_l1_threshold` have its derivation.
    """
    threshold = spread(largest_zero(TransformedL1(a), level), shape[0])
    with np.errstate(over="ignore"):
        half_m = spread(0.5 * np.sqrt(2 * level * (a + 1)), shape[0])
    half_a = spread(0.5 * a, shape[0])
    magnitude, half_s, q, factor = (np.empty(shape) for _ in range(4))
    kept = np.empty(shape, bool)

    def prox(w: FloatArray, out: FloatArray) -> None:
        np.abs(w, out=magnitude)
        np.multiply(magnitude, 0.5, out=half_s)
        np.add(half_s, half_a, out=half_s)
        np.divide(half_a, half_s, out=q)
        np.multiply(q, 27 / 8, out=q)
        np.sqrt(q, out=q)
        np.divide(half_m, half_s, out=factor)
        np.multiply(q, factor, out=q)
        np.minimum(q, 1.0, out=q)
        np.arcsin(q, out=q)
        np.divide(q, 3, out=q)
        np.sin(q, out=q)
        np.multiply(half_s, q, out=half_s)
        np.multiply(half_s, 8 / 3, out=half_s)
        np.multiply(half_s, q, out=half_s)
        np.minimum(half_s, magnitude, out=half_s)
        np.copysign(half_s, w, out=half_s)
        np.subtract(w, half_s, out=out)
        np.greater(magnitude, threshold, out=kept)
        np.multiply(out, kept, out=out)

    return prox


def _group_hard(
    level: FloatArray, shape: tuple[int, int], filter_shape: tuple[int, int], axis: int
) -> ProximalMap:
    """Return the map of l2,0: groups g, which lie along `axis`, stay where |g| > sqrt(2 t)."""
    threshold, squares = largest_zero(GroupL20(), level), np.empty(shape)
    stack = (*filter_shape, shape[1])

    def prox(w: FloatArray, out: FloatArray) -> None:
        np.multiply(w, w, out=squares)
        norms = np.sqrt(squares.reshape(stack).sum(axis=axis, keepdims=True))
        np.multiply(w.reshape(stack), norms > threshold, out=out.reshape(stack))

    return prox


def _any_prox(penalty: Penalty, level: FloatArray) -> ProximalMap:
    """Return the map by the penalty's own method, with all its checks, for other penalties."""
    column = level[:, np.newaxis]

    def prox(w: FloatArray, out: FloatArray) -> None:
        out[...] = penalty.prox(w.T, column).T

    return prox
