"""Probabilities of the classes: the softmax of the scores, at a temperature.

    p_k = exp(s_k / T) / sum_j exp(s_j / T)

The temperature T divides all scores alike, so that it does not change which class is the likeliest;
it says how much a difference of scores is worth. With cross-entropy scores are log-odds, and T = 1.
The scores of a ridge regression or a hinge have no such meaning, and T is fitted: by maximum
likelihood (Guo, Pleiss, Sun, Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017,
section 4.2), on samples that the network has not been trained on. On its own training data, where a
network is nearly always right, T would come out far too small.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from zeroone.support.validation import FloatArray

# Between these the temperature is looked for.
LEAST, MOST = 1e-4, 1e4
# Scores beyond it are as good as infinite; differences of them must not overflow.
LARGEST = 1e300


def log_probabilities(scores: FloatArray, temperature: float) -> FloatArray:
    """Return log p, in double precision, shape (n_samples, n_classes)."""
    doubles = np.clip(scores.astype(np.float64), -LARGEST, LARGEST)
    with np.errstate(over="ignore"):  # a difference of -inf is a probability of 0
        return log_softmax((doubles - doubles.max(axis=1, keepdims=True)) / temperature, axis=1)


def probabilities(scores: FloatArray, temperature: float) -> FloatArray:
    """Return p, in double precision, with the largest entry where the scores have theirs.

    Parameters
    ----------
    scores : ndarray, shape (n_samples, n_classes)
    temperature : float
        T, > 0.

    Returns
    -------
    ndarray, shape (n_samples, n_classes)
        Rows sum to 1 up to rounding. The first largest entry of a row is that of its scores, also
        where scores differ by so little that their probabilities would be rounded to the same.
    """
    p = np.exp(log_probabilities(scores, temperature))
    p /= p.sum(axis=1, keepdims=True)
    winners = scores.argmax(axis=1)
    for row in np.flatnonzero(p.argmax(axis=1) != winners):
        most = p[row, winners[row]]
        level = p[row] >= most
        level[winners[row]] = False
        p[row, level] = np.nextafter(most, 0)
    return p


def fit_temperature(
    scores: FloatArray, classes: NDArray[np.intp], weight: FloatArray | None = None
) -> float:
    """Return the temperature of the largest likelihood.

    The likelihood is that of the samples and of one more, spread evenly over all samples and
    classes, as in Platt's scaling: without it, if all are right, the best temperature would be 0.

    Parameters
    ----------
    scores : ndarray, shape (n_samples, n_classes)
    classes : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (n_samples,), optional

    Returns
    -------
    float
        T, from 1e-4 to 1e4.

    Notes
    -----
    The negative log-likelihood is convex in a = 1/T. Its derivative is sum_n w_n (p_n - t_n) . s_n
    for the targets t_n, whose zero is found by bisection.
    """
    own = np.ones(len(classes)) if weight is None else weight
    total, n_classes = own.sum(), scores.shape[1]
    targets = np.full(scores.shape, 1 / n_classes)
    targets[np.arange(len(classes)), classes] += total
    targets /= total + 1
    doubles = np.clip(scores.astype(np.float64), -LARGEST, LARGEST)
    doubles = doubles - doubles.mean(axis=1, keepdims=True)

    def slope(log_temperature: float) -> float:
        p = np.exp(log_probabilities(doubles, np.exp(log_temperature)))
        return float(own @ np.einsum("nk,nk->n", p - targets, doubles))

    low, high = np.log(LEAST), np.log(MOST)
    for _ in range(60):
        middle = (low + high) / 2
        # A positive slope asks for a smaller a, a larger temperature.
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float(np.clip(np.exp((low + high) / 2), LEAST, MOST))
