"""Monte Carlo estimates from a stream of samples: a mean and its standard error, in bounded memory.

Samples are drawn from a Generator in blocks, and of each block only its mean and its sum of squared
deviations are kept, merged by the formula of Chan, Golub and LeVeque [1]_. Unlike the difference of
the mean square and the squared mean it loses no digits when the mean is large against the spread,
and no number of blocks makes it drift.

References
----------
.. [1] Chan, Golub, LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample
   Variances*, COMPSTAT 1982.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from zeroone.gaussian.model import (
    check_filters,
    check_generator,
    check_precision,
    check_pseudo,
    sample_inputs,
)
from zeroone.gaussian.pseudo import SLOPE
from zeroone.gaussian.samples import Pairing, preactivations
from zeroone.validation import FloatArray, check_integer, check_number

# Numbers in a block: 8 MB of float64. Larger than `samples.BLOCK`, for drawing them takes longest.
STREAM_BLOCK = 2**20


class Moments:
    """Mean and squared deviations of arrays that arrive in blocks."""

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

    def estimate(self) -> "Estimate":
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
        The samples are those of `zeroone.gaussian.model.sample_inputs`, whatever the size of a
        block.
    pseudo, slope
        As in `zeroone.gaussian.model.sampled_coarse_gradient`.
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
    pairing = Pairing.of(w, w_star, dtype)
    size = max(1, STREAM_BLOCK // (k * d + pairing.n_filters * (2 * k + d)))
    losses, gradients = Moments(), Moments()
    for start in range(0, n_samples, size):
        block = sample_inputs(rng, min(size, n_samples - start), k, d, dtype)
        for rows, preactivation in preactivations(pairing.columns, block):
            error, weights = pairing.error_and_weights(preactivation, derivative)
            losses.update(0.5 * error**2)
            # (n, n_filters, k) @ (n, k, d): for each sample the sum over its patches.
            gradients.update(np.matmul(weights.transpose(0, 2, 1), block[rows]))
    loss, gradient = losses.estimate(), gradients.estimate()
    shape = (*pairing.leading, d)
    return MonteCarlo(
        Estimate(
            loss.mean.reshape(pairing.leading),
            loss.standard_error.reshape(pairing.leading),
            n_samples,
        ),
        Estimate(
            slope * gradient.mean.reshape(shape),
            slope * gradient.standard_error.reshape(shape),
            n_samples,
        ),
    )
