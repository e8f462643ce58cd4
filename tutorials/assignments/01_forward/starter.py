"""1. The forward pass of a 0/1 network. The handout says what to do."""

import numpy as np


def step(z):
    """Return 1.0 where z > 0 and 0.0 elsewhere; step(0) = 0.

    Parameters
    ----------
    z : float array of any shape

    Returns
    -------
    float array of the same shape
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def staircase(z, levels):
    """Return the mean of k - 1 step functions, k = levels.

        1/(k-1) sum_{j=0}^{k-2} step(z - j/(k-1))

    Parameters
    ----------
    z : float array of any shape
    levels : int
        The number k >= 2 of values that the result can have.

    Returns
    -------
    float array of z's shape
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def preactivations(V, W, b):
    """Return Z = V W^T + b, one sample a row.

    Parameters
    ----------
    V : float array, shape (n_samples, n_in)
        What the layer receives.
    W : float array, shape (n_out, n_in)
        One row of weights per unit.
    b : float array, shape (n_out,)

    Returns
    -------
    float array, shape (n_samples, n_out)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def scores(X, weights, biases):
    """Return the output of a network with step units in its hidden layers.

        V_0 = X,   Z_i = V_{i-1} W_i^T + b_i,   V_i = step(Z_i) for i < h,   output Z_h

    Parameters
    ----------
    X : float array, shape (n_samples, n_0)
    weights : list of h >= 1 float arrays, shapes (n_1, n_0), ..., (n_h, n_{h-1})
    biases : list of h float arrays, shapes (n_1,), ..., (n_h,)

    Returns
    -------
    float array, shape (n_samples, n_h)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def predict(S):
    """Return the number of the class with the highest score; the first of those that tie.

    Parameters
    ----------
    S : float array, shape (n_samples, n_classes)
        Scores.

    Returns
    -------
    int array, shape (n_samples,)
        Numbers from 0 to n_classes - 1.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
