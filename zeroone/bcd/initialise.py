"""Where block coordinate descent starts from: the first rows of a hidden layer.

Every unit that never changes on the data is lost, so the starting rows are scaled by the data. All
three rules return weights of shape (n_out, n_in) and biases of shape (n_out,).
"""

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.objective import Layer
from zeroone.support.validation import FloatArray

# Samples that are looked at to centre and scale a row.
SAMPLES = 2000


def random_rows(V: FloatArray, n_out: int, rng: np.random.Generator) -> Layer:
    """Return Gaussian rows of variance 1/n_in with bias 0, whatever the data.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
        The layer's input.
    n_out : int
        Number of units.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    n_in = V.shape[1]
    W = rng.standard_normal((n_out, n_in)) / np.sqrt(n_in)
    return W.astype(V.dtype), np.zeros(n_out, V.dtype)


def drawn(
    n_samples: int, size: int, rng: np.random.Generator, sample_weight: FloatArray | None
) -> NDArray[np.intp]:
    """Return indices of samples: all different, or with weights as often as these say."""
    if sample_weight is None:
        return rng.permutation(n_samples)[:size]
    chances = sample_weight / np.sum(sample_weight, dtype=np.float64)
    return rng.choice(n_samples, size, p=chances / chances.sum())


def scale_to_unit_variance(
    W: FloatArray, b: FloatArray, V: FloatArray, sample_weight: FloatArray | None = None
) -> Layer:
    """Return the rows scaled so that each pre-activation has variance 1 on V.

    A positive factor leaves the unit's bits as they are. A row that is constant on V is kept.
    """
    A = V @ W.T + b
    if sample_weight is None:
        deviation = A.std(axis=0)
    else:
        share = sample_weight / sample_weight.sum()
        deviation = np.sqrt(share @ np.square(A - share @ A))
    # Of a constant, rounding leaves a deviation of about eps times the sums that were formed.
    sums = np.abs(V).max(axis=0) @ np.abs(W).T + np.abs(b)
    negligible = 8 * np.finfo(W.dtype).eps * sums
    scale = np.where(deviation > negligible, deviation, 1)
    return W / scale[:, None], b / scale


def data_scaled_rows(
    V: FloatArray,
    n_out: int,
    rng: np.random.Generator,
    sample_weight: FloatArray | None = None,
) -> Layer:
    """Return Gaussian rows with the bias at the median: each unit fires on about half of the data.

    Parameters and result as in `random_rows`. Units fire on *at most* half where samples tie.
    """
    sample = V[drawn(len(V), SAMPLES, rng, sample_weight)]
    W, b = scale_to_unit_variance(*random_rows(V, n_out, rng), sample)
    return W, b - np.median(sample @ W.T, axis=0)


def difference_rows(
    V: FloatArray,
    Y: FloatArray,
    n_out: int,
    rng: np.random.Generator,
    sample_weight: FloatArray | None = None,
) -> Layer:
    """Return differences of two samples of different classes, with the bias at their midpoint.

    The unit's boundary is the plane half-way between the two samples, across their difference;
    rows are scaled so that the pre-activation has variance 1.

    Parameters
    ----------
    V, n_out, rng
        As in `random_rows`.
    Y : ndarray, shape (n_samples, n_outputs)
        The net's targets: two samples are of different classes if their rows differ.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
        Where all targets are equal, any two samples are taken; a pair of equal samples is replaced
        by a row of `data_scaled_rows`.
    """

    def some(size: int) -> NDArray[np.intp]:
        if sample_weight is None:
            return rng.integers(len(V), size=size)
        return drawn(len(V), size, rng, sample_weight)

    classes = np.unique(Y, axis=0, return_inverse=True)[1].ravel()
    first, second = some(n_out), some(n_out)
    for _ in range(100):
        same = classes[first] == classes[second]
        if not same.any():
            break
        second[same] = some(int(same.sum()))
    W = V[first] - V[second]
    b = -np.einsum("ji,ji->j", W, (V[first] + V[second]) / 2)
    equal = ~W.any(axis=1)
    if equal.any():
        W[equal], b[equal] = data_scaled_rows(V, int(equal.sum()), rng, sample_weight)
    return scale_to_unit_variance(W, b, V[drawn(len(V), SAMPLES, rng, sample_weight)])


INITIALISATIONS = ("differences", "data-scaled", "random")


def initial_rows(
    V: FloatArray,
    Y: FloatArray,
    n_out: int,
    method: str,
    rng: np.random.Generator,
    sample_weight: FloatArray | None = None,
) -> Layer:
    """Return the starting weights and biases of one hidden layer by the rule named `method`.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
        The layer's input.
    Y : ndarray, shape (n_samples, n_outputs)
        The net's targets.
    n_out : int
        Number of units.
    method : {"differences", "data-scaled", "random"}
        The rule.
    rng : numpy.random.Generator
        Source of randomness.
    sample_weight : ndarray, shape (n_samples,), optional
        How often, relatively, a sample is drawn.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    if method == "differences":
        return difference_rows(V, Y, n_out, rng, sample_weight)
    if method == "data-scaled":
        return data_scaled_rows(V, n_out, rng, sample_weight)
    return random_rows(V, n_out, rng)
