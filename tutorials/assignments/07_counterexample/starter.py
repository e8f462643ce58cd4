"""7. Find a counterexample. The handout says what to do.

Every function returns one instance, the same at every call. How you found it is your affair: by
hand, or by a search that you ran before.
"""

import numpy as np


def inseparable(dimension):
    """Return points and targets that no unit can meet, and a proof of it.

        sum_n c_n t_n (x_n, 1) = 0,   c_n >= 0, not all zero

    Parameters
    ----------
    dimension : int >= 1

    Returns
    -------
    points : int array, shape (n_points, dimension)
        Distinct, with entries from -1000 to 1000; at most 50 of them. The fewer the better.
    targets : int array, shape (n_points,)
        -1 or 1.
    certificate : int array, shape (n_points,)
        The c_n, from 0 to 1000.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def inseparable_in_general_position(dimension):
    """Return the same with dimension + 2 points, no dimension + 1 of them on a hyperplane.

    Parameters
    ----------
    dimension : int >= 1

    Returns
    -------
    points, targets, certificate
        As `inseparable`.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def rising_angle():
    """Return one step of RVSCGD with l0 in which the angle to the teacher rises.

    Returns
    -------
    w, w_star : float arrays, shape (d,)
        Of norm 1, at an angle from 0.01 to pi - 0.01; d from 2 to 20.
    k : int from 1 to 1000
    lam, beta, eta : float > 0
        With eta (beta + k/2 pi) <= 1. The smaller beta / ((k/2 pi) sin(theta)) the better.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def worse_network():
    """Return a start from which F falls while the hard network gets worse.

    Returns
    -------
    X : float array, shape (n_samples, n_in)
        Distinct rows, entries from -100 to 100; at most 50 samples and 20 inputs.
    y : int array, shape (n_samples,)
        Classes, -1 or 1.
    W1 : float array, shape (n_hidden, n_in)
        Entries from -100 to 100; at most 20 hidden units.
    tau, pi, gamma : float from 0.001 to 1000
    sweeps : int from 1 to 20
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
