"""3. Thresholding, entry by entry and group by group. The handout says what to do."""

import numpy as np


def soft_threshold(x, t):
    """Return the proximal map of t |.|_1, entry by entry.

        argmin over u of   t |u| + 1/2 (u - x)^2

    Parameters
    ----------
    x : float array of any shape
    t : float >= 0

    Returns
    -------
    float array of x's shape
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def hard_threshold(x, t):
    """Return the proximal map of t |.|_0, entry by entry; 0 on a tie.

        argmin over u of   t (1 if u != 0 else 0) + 1/2 (u - x)^2

    Parameters
    ----------
    x : float array of any shape
    t : float >= 0

    Returns
    -------
    float array of x's shape
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def group_hard_threshold(W, t, groups):
    """Return the proximal map of t |.|_{2,0}, group by group; 0 on a tie.

        argmin over U of   t (number of groups of U that are not zero) + 1/2 |U - W|^2

    Parameters
    ----------
    W : float array, shape (n_out, n_in)
    t : float >= 0
    groups : {"rows", "columns"}
        Whether a group is a row of W or a column.

    Returns
    -------
    float array, shape (n_out, n_in)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def sparse_rows(U, V, tau, gamma, lam):
    """Return the minimiser of the W block with a price on every row that is not zero.

        (tau/2) |U - V W^T|^2 + (gamma/2) |W|^2 + lam (number of rows of W that are not zero)

    Parameters
    ----------
    U : float array, shape (n_samples, n_out)
        What the layer should produce.
    V : float array, shape (n_samples, n_in)
        What it receives.
    tau, gamma : float > 0
    lam : float >= 0

    Returns
    -------
    float array, shape (n_out, n_in)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
