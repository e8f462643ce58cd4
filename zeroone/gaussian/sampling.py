"""The one-hidden-layer no-overlap network on samples (docs/theory.md#a).

A sample Z is k patches of size d with i.i.d. N(0, 1) entries, and one filter w is shared by the
patches:

    output            h(w, Z) = sum_i step(Z_i . w)
    sample loss       l(w, Z) = 1/2 (h(w, Z) - h(w*, Z))^2
    empirical risk    the mean of l over the samples
    coarse gradient   g(w, Z) = slope (h(w, Z) - h(w*, Z)) sum_i mu'(Z_i . w) Z_i

with a pseudo-derivative mu' in place of the derivative of the step, and slope = sqrt(2/pi).
`zeroone.gaussian.population` has the expectations; `monte_carlo` estimates them, with standard
errors, from more samples than fit into memory.

Samples are an array Z of shape (n_samples, k, d). All functions take many filters at once: the
leading axes of w and of w* broadcast. They work through Z in blocks that fit into the processor's
cache, so that both products with a block read it from memory once, and what they need besides Z
does not grow with the number of samples. A float32 Z is multiplied in float32.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
.. [2] Chan, Golub, LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample
   Variances*, COMPSTAT 1982.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from zeroone.activations import PseudoDerivative, pseudo_derivative, step
from zeroone.gaussian.filters import check_filter, check_same_space, check_teacher, power_of_two
from zeroone.gaussian.population import PSEUDO, SLOPE
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_integer,
    check_number,
    floating_dtype,
)

# Numbers in a block of samples: 1 MB of float64, which stays in a second-level cache.
BLOCK = 2**17
# Numbers in a block of `monte_carlo`: 8 MB of float64. Larger, for drawing them takes longest.
STREAM_BLOCK = 2**20


def sample_inputs(
    rng: np.random.Generator, n_samples: int, k: int, d: int, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return `n_samples` inputs Z with i.i.d. N(0, 1) entries.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_samples, k, d : int
        Numbers of samples, of patches, and of entries of a patch, each at least 1.
    dtype : float64 or float32

    Returns
    -------
    ndarray of shape (n_samples, k, d)

    Raises
    ------
    ValueError
        If a number is not an integer >= 1, `dtype` is neither precision, or rng is no Generator.
    """
    shape = tuple(
        check_integer(name, value) for name, value in (("n_samples", n_samples), ("k", k), ("d", d))
    )
    check_precision(dtype)
    check_generator(rng)
    return rng.standard_normal(shape, np.dtype(dtype))  # type: ignore[arg-type]


def output(w: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return h(w, Z) = sum_i step(Z_i . w), the number of patches that switch it on.

    See docs/theory.md#a.

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero.
    Z : array_like of shape (n_samples, k, d)

    Returns
    -------
    ndarray of shape (..., n_samples)
        Whole numbers from 0 to k, in Z's precision. A patch with Z_i . w = 0 exactly counts as off.

    Raises
    ------
    ValueError
        If an argument is not finite, w holds a zero filter, or the shapes do not fit.
    """
    w = check_filter("w", w)
    return _output(w, check_samples(Z, w.shape[-1]))


def sample_loss(w: ArrayLike, w_star: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return l(w, Z) = 1/2 (h(w, Z) - h(w*, Z))^2 for each sample (docs/theory.md#a).

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero.
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    Z : array_like of shape (n_samples, k, d)

    Returns
    -------
    ndarray of shape (..., n_samples)
        The leading axes are those of w and w_star, broadcast. In Z's precision.

    Raises
    ------
    ValueError
        If an argument is not finite, w holds a zero filter, w_star one whose norm is not 1, or the
        shapes do not fit.
    """
    w, w_star = check_filters(w, w_star)
    Z = check_samples(Z, w.shape[-1])
    return 0.5 * (_output(w, Z) - _output(w_star, Z)) ** 2


def empirical_risk(w: ArrayLike, w_star: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return the mean over samples of 1/2 (h(w, Z) - h(w*, Z))^2 (docs/theory.md#a).

    Parameters
    ----------
    w, w_star, Z
        As in `sample_loss`.

    Returns
    -------
    ndarray of the broadcast leading shape
        0-d for single filters. In Z's precision, averaged in float64.

    Raises
    ------
    ValueError
        As `sample_loss`.
    """
    losses = sample_loss(w, w_star, Z)
    return np.asarray(losses.mean(axis=-1, dtype=np.float64), losses.dtype)


def sampled_coarse_gradient(
    w: ArrayLike,
    w_star: ArrayLike,
    Z: ArrayLike,
    pseudo: str = "relu",
    slope: float = SLOPE,
) -> FloatArray:
    """Return the mean over samples of g(w, Z) (docs/theory.md#a1; [1]_, eq. (8)).

    Parameters
    ----------
    w, w_star, Z
        As in `sample_loss`.
    pseudo : {"relu", "identity", "clipped_relu"}
        The pseudo-derivative mu': 1[x > 0], 1, or 1[0 < x <= 1].
    slope : float > 0, default sqrt(2/pi)
        The factor of g.

    Returns
    -------
    ndarray of the broadcast shape (..., d)
        In Z's precision; blocks are added up in float64.

    Raises
    ------
    ValueError
        As `sample_loss`, or if `pseudo` is none of the three or slope is not > 0.
    """
    derivative = check_pseudo(pseudo)
    slope = check_number("slope", slope, strict=True)
    w, w_star = check_filters(w, w_star)
    Z = check_samples(Z, w.shape[-1])
    columns = Columns.of(w, Z.dtype, w_star)
    total = np.zeros((columns.n_filters, w.shape[-1]))
    for rows, preactivation in columns.preactivations(Z):
        _, weights = columns.error_and_weights(preactivation, derivative)
        total += weights.reshape(-1, columns.n_filters).T @ Z[rows].reshape(-1, Z.shape[-1])
    total *= slope / len(Z)
    return np.asarray(total.reshape(*columns.leading, -1), Z.dtype)


def stochastic_coarse_gradient(
    w_star: ArrayLike, k: int, *, n_samples: int = 1000, rng: np.random.Generator
) -> Callable[[FloatArray], FloatArray]:
    """Return a function of w: the mean of g(w, Z) over new samples at every call.

    The stochastic form of descent: `zeroone.gaussian.rvscgd.run` takes the function in place of the
    expectation. All filters of a call see the same samples.

    Parameters
    ----------
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k : int
        Number of patches, at least 1.
    n_samples : int, default 1000
        How many are drawn in a call.
    rng : numpy.random.Generator

    Returns
    -------
    callable (w of shape (..., d)) -> ndarray of the broadcast shape

    Raises
    ------
    ValueError
        If w_star's norm is not 1, a number is not an integer >= 1, or rng is no Generator.
    """
    teacher = check_teacher("w_star", w_star)
    k, n_samples = check_integer("k", k), check_integer("n_samples", n_samples)
    check_generator(rng)

    def coarse_gradient(w: FloatArray) -> FloatArray:
        return sampled_coarse_gradient(
            w, teacher, sample_inputs(rng, n_samples, k, teacher.shape[-1])
        )

    return coarse_gradient


class Moments:
    """Mean and squared deviations of arrays that arrive in blocks.

    They are merged by the formula of Chan, Golub and LeVeque [2]_. Unlike the difference of the
    mean square and the squared mean it loses no digits when the mean is large against the spread,
    and no number of blocks makes it drift.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: FloatArray = np.zeros(())
        self.squares: FloatArray = np.zeros(())

    def update(self, values: FloatArray) -> None:
        """Add a block of n >= 1 arrays, of shape (n, ...)."""
        n = len(values)
        mean = values.mean(axis=0, dtype=np.float64)
        squares = np.sum((values - mean) ** 2, axis=0)
        total = self.count + n
        shift = mean - self.mean
        self.mean = self.mean + shift * (n / total)
        self.squares = self.squares + squares + shift**2 * (self.count * n / total)
        self.count = total

    def estimate(self) -> Estimate:
        """Return the mean and its standard error; at least two arrays must have come."""
        variance = self.squares / (self.count - 1)
        return Estimate(self.mean, np.sqrt(variance / self.count), self.count)


@dataclass(frozen=True)
class Estimate:
    """An expectation estimated from samples.

    Parameters
    ----------
    mean, standard_error : ndarray
        For each coordinate, in float64. The standard error is 0 where all samples agreed.
    n_samples : int
    """

    mean: FloatArray
    standard_error: FloatArray
    n_samples: int


class MonteCarlo(NamedTuple):
    """Estimates of the population loss and of the expected coarse gradient."""

    loss: Estimate
    coarse_gradient: Estimate


def monte_carlo(
    w: ArrayLike,
    w_star: ArrayLike,
    k: int,
    n_samples: int,
    rng: np.random.Generator,
    pseudo: str = "relu",
    slope: float = SLOPE,
    dtype: DTypeLike = np.float64,
) -> MonteCarlo:
    """Estimate E l(w, Z) and E g(w, Z) from `n_samples` samples that are never all in memory.

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero. All of them see the same samples.
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k : int
        Number of patches, at least 1.
    n_samples : int
        At least 2.
    rng : numpy.random.Generator
        The samples are those of `sample_inputs`, whatever the size of a block.
    pseudo, slope
        As in `sampled_coarse_gradient`.
    dtype : float64 or float32
        Precision of the samples; float32 is faster. Averages are in float64 always.

    Returns
    -------
    MonteCarlo
        ``loss`` with arrays of the broadcast leading shape, ``coarse_gradient`` (..., d).

    Raises
    ------
    ValueError
        As `sampled_coarse_gradient`, or if k or n_samples is too small or dtype is neither
        precision.

    Notes
    -----
    The memory is that of one block, about 8 MB and at least one sample's k d + n_filters (k + d)
    numbers.
    """
    derivative = check_pseudo(pseudo)
    slope = check_number("slope", slope, strict=True)
    check_integer("k", k)
    check_integer("n_samples", n_samples, minimum=2)
    check_precision(dtype)
    check_generator(rng)
    w, w_star = check_filters(w, w_star)
    d = w.shape[-1]
    columns = Columns.of(w, dtype, w_star)
    size = max(1, STREAM_BLOCK // (k * d + columns.n_filters * (2 * k + d)))
    losses, gradients = Moments(), Moments()
    for start in range(0, n_samples, size):
        block = sample_inputs(rng, min(size, n_samples - start), k, d, dtype)
        for rows, preactivation in columns.preactivations(block):
            error, weights = columns.error_and_weights(preactivation, derivative)
            losses.update(0.5 * error**2)
            # (n, n_filters, k) @ (n, k, d): for each sample the sum over its patches.
            gradients.update(np.matmul(weights.transpose(0, 2, 1), block[rows]))
    loss, gradient = losses.estimate(), gradients.estimate()
    shape = (*columns.leading, d)

    def scaled(found: Estimate, shape: tuple[int, ...], factor: float) -> Estimate:
        mean, error = (factor * each.reshape(shape) for each in (found.mean, found.standard_error))
        return Estimate(mean, error, n_samples)

    return MonteCarlo(scaled(loss, columns.leading, 1.0), scaled(gradient, shape, slope))


# -------------------------------------------------------------------------------- samples in blocks


def _output(w: FloatArray, Z: FloatArray) -> FloatArray:
    """Return h(w, Z), arguments checked."""
    columns = Columns.of(w, Z.dtype)
    counts = np.empty((columns.n_filters, len(Z)), Z.dtype)
    for rows, preactivation in columns.preactivations(Z):
        counts[:, rows] = sum_patches(step(preactivation)).T
    return counts.reshape(*w.shape[:-1], len(Z))


@dataclass(frozen=True)
class Columns:
    """Filters, and teachers to compare them with, as the columns of a matrix for samples.

    Each is divided by a power of two first. That is exact and leaves every sign as it is, an exact
    zero included, and no filter is too long or too short for it, in float32 neither.

    Parameters
    ----------
    leading : tuple of int
        The broadcast leading axes of filters and teachers.
    matrix : ndarray of shape (d, n_columns)
        The filters, then the teachers: as many as filters, one for all, or none.
    scale : ndarray of shape (n_filters,)
        The powers of two of the filters, in the same precision (as near as its range allows).
    """

    leading: tuple[int, ...]
    matrix: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, w: FloatArray, dtype: DTypeLike, w_star: FloatArray | None = None) -> Columns:
        """Return the columns for filters, and teachers, of shape (..., d)."""
        d, leading = w.shape[-1], w.shape[:-1]
        if w_star is not None:
            leading = np.broadcast_shapes(leading, w_star.shape[:-1])
        filters = np.broadcast_to(w, (*leading, d)).reshape(-1, d)
        both = filters
        if w_star is not None:
            if w_star.size > d:
                w_star = np.broadcast_to(w_star, (*leading, d))
            both = np.concatenate([filters, w_star.reshape(-1, d)])
        scale, limits = power_of_two(both), np.finfo(dtype)
        matrix = np.ascontiguousarray((both / scale).T, dtype)
        scale = np.clip(scale[: len(filters), 0], limits.tiny, limits.max)
        return cls(leading, matrix, scale.astype(dtype))

    @property
    def n_filters(self) -> int:
        """The number of filters, without teachers."""
        return len(self.scale)

    def preactivations(self, Z: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """Yield block by block which samples, and Z_i . w / scale of shape (n, k, n_columns).

        Raises
        ------
        ValueError
            If Z holds NaN or infinity. (They reach the products, where looking is cheaper.)
        """
        n_samples, k, d = Z.shape
        n_columns = self.matrix.shape[1]
        size = max(1, BLOCK // (k * (d + n_columns)))
        for start in range(0, n_samples, size):
            rows = slice(start, min(start + size, n_samples))
            with np.errstate(over="ignore", invalid="ignore"):
                product = Z[rows].reshape(-1, d) @ self.matrix
                finite = np.isfinite(product.sum())
            if not finite and not np.isfinite(Z[rows]).all():
                raise ValueError("Z must be finite, but holds NaN or infinity")
            yield rows, product.reshape(-1, k, n_columns)

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


def sum_patches(values: FloatArray) -> FloatArray:
    """Return the sum over the patches of values of shape (n, k, columns)."""
    return np.matmul(np.ones(values.shape[1], values.dtype), values)


def check_filters(w: ArrayLike, w_star: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return filters and teachers of norm 1 that fit each other.

    Raises
    ------
    ValueError
        If one is not finite, w holds a zero filter, w_star one whose norm is not 1, or they do not
        fit.
    """
    w, w_star = check_filter("w", w), check_teacher("w_star", w_star)
    check_same_space(w, w_star)
    return w, w_star


def check_samples(Z: ArrayLike, d: int) -> FloatArray:
    """Return Z as a float array of shape (n_samples, k, d); `Columns.preactivations` checks values.

    Raises
    ------
    ValueError
        If it is not numeric, is empty or has another shape.
    """
    array = np.asarray(Z)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Z must hold real numbers, but has dtype {array.dtype}")
    if array.ndim != 3 or array.size == 0 or array.shape[-1] != d:
        raise ValueError(
            f"Z must have shape (n_samples, k, {d}), d = {d} being that of w, and not be empty, "
            f"but has shape {array.shape}"
        )
    return np.asarray(array, floating_dtype(array), order="C")


def check_pseudo(pseudo: str) -> PseudoDerivative:
    """Return the pseudo-derivative of that name.

    Raises
    ------
    ValueError
        If it is none of the three.
    """
    return pseudo_derivative(check_choice("pseudo", pseudo, PSEUDO))


def check_precision(dtype: DTypeLike) -> None:
    """Raise ValueError unless dtype is float64 or float32."""
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32, but is {np.dtype(dtype)}")


def check_generator(rng: object) -> None:
    """Raise ValueError unless rng is a Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
