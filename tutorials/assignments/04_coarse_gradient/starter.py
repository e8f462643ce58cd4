"""4. The coarse gradient, by Monte Carlo and in closed form. The handout says what to do."""

import numpy as np


def angle(w, w_star):
    """Return the angle between two filters, in radians from 0 to pi.

        theta = 2 atan2(|w^ - w*|, |w^ + w*|),   w^ = w/|w|

    Parameters
    ----------
    w : float array, shape (d,)
        Of any norm but 0.
    w_star : float array, shape (d,)
        Of norm 1.

    Returns
    -------
    float
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def true_gradient(w, w_star, k):
    """Return the gradient of f(w) = (k / 2 pi) theta(w, w*), for theta between 0 and pi.

        -(k / (2 pi |w|)) P w* / |P w*|,   P = I - w^ w^T

    Parameters
    ----------
    w : float array, shape (d,)
        Of any norm but 0, not parallel to w_star.
    w_star : float array, shape (d,)
        Of norm 1.
    k : int

    Returns
    -------
    float array, shape (d,)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def sampled_gradient(w, w_star, Z):
    """Return the mean over samples of the coarse gradient with mu' = step.

        g(w, Z) = sqrt(2/pi) (h(w, Z) - h(w*, Z)) sum_i step(Z_i . w) Z_i
        h(w, Z) = sum_i step(Z_i . w)

    Parameters
    ----------
    w : float array, shape (d,)
    w_star : float array, shape (d,)
    Z : float array, shape (n_samples, k, d)
        Patch i of sample n is Z[n, i].

    Returns
    -------
    float array, shape (d,)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def coarse_gradient(w, w_star, k):
    """Return the expectation of g(w, Z) over Z with independent N(0, 1) entries.

        E g = (k / 2 pi) (w^ - w*)

    Parameters
    ----------
    w : float array, shape (d,)
        Of any norm but 0.
    w_star : float array, shape (d,)
        Of norm 1.
    k : int

    Returns
    -------
    float array, shape (d,)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def monte_carlo(w, w_star, k, n_samples, rng):
    """Estimate E g from samples of your own, and say how good the estimate is.

    Parameters
    ----------
    w, w_star : float arrays, shape (d,)
    k, n_samples : int
    rng : numpy.random.Generator
        Draw the samples from it.

    Returns
    -------
    estimate : float array, shape (d,)
        The mean of g over the samples.
    error : float array, shape (d,)
        The standard error of every entry of the estimate.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
