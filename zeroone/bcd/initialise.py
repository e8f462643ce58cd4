"""Where block coordinate descent starts from: the first rows of a hidden layer.

Every unit that never changes on the data is lost, so the starting rows are scaled by the data. All
three rules return weights of shape (n_out, n_in) and biases of shape (n_out,).
"""

import numpy as np

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


def scale_to_unit_variance(W: FloatArray, b: FloatArray, V: FloatArray) -> Layer:
    """Return the rows scaled so that each pre-activation has variance 1 on V.

    A positive factor leaves the unit's bits as they are. A row that is constant on V is kept.
    """
    deviation = (V @ W.T + b).std(axis=0)
    # Of a constant, rounding leaves a deviation of about eps times the sums that were formed.
    sums = np.abs(V).max(axis=0) @ np.abs(W).T + np.abs(b)
    negligible = 8 * np.finfo(W.dtype).eps * sums
    scale = np.where(deviation > negligible, deviation, 1)
    return W / scale[:, None], b / scale


def data_scaled_rows(V: FloatArray, n_out: int, rng: np.random.Generator) -> Layer:
    """Return Gaussian rows with the bias at the median: each unit fires on about half of the data.

    Parameters and result as in `random_rows`. Units fire on *at most* half where samples tie.
    """
    sample = V[rng.permutation(len(V))[:SAMPLES]]
    W, b = scale_to_unit_variance(*random_rows(V, n_out, rng), sample)
    return W, b - np.median(sample @ W.T, axis=0)


def difference_rows(V: FloatArray, Y: FloatArray, n_out: int, rng: np.random.Generator) -> Layer:
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
    classes = np.unique(Y, axis=0, return_inverse=True)[1].ravel()
    first = rng.integers(len(V), size=n_out)
    second = rng.integers(len(V), size=n_out)
    for _ in range(100):
        same = classes[first] == classes[second]
        if not same.any():
            break
        second[same] = rng.integers(len(V), size=int(same.sum()))
    W = V[first] - V[second]
    b = -np.einsum("ji,ji->j", W, (V[first] + V[second]) / 2)
    equal = ~W.any(axis=1)
    if equal.any():
        W[equal], b[equal] = data_scaled_rows(V, int(equal.sum()), rng)
    return scale_to_unit_variance(W, b, V[rng.permutation(len(V))[:SAMPLES]])


INITIALISATIONS = ("differences", "data-scaled", "random")


def initial_rows(
    V: FloatArray, Y: FloatArray, n_out: int, method: str, rng: np.random.Generator
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

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    if method == "differences":
        return difference_rows(V, Y, n_out, rng)
    rule = {"data-scaled": data_scaled_rows, "random": random_rows}[method]
    return rule(V, n_out, rng)
