"""2. The U block in closed form. The handout says what to do."""

import numpy as np


def cost(U, A, V, tau, pi):
    """Return the part of F that the block U can change.

        (tau/2) |U - A|^2 + (pi/2) |V - step(U)|^2

    Parameters
    ----------
    U, A, V : float arrays, shape (n_samples, n_units)
        Free pre-activations, computed pre-activations, free activations.
    tau, pi : float > 0
        Prices of the two disagreements. (Not the number 3.14.)

    Returns
    -------
    float
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def nearest_on_side(A, S, margin):
    """Return the pre-activations nearest to A on the side of the gap that S names.

        the nearest u >= margin     where S is 1
        the nearest u <= -margin    where S is 0

    Parameters
    ----------
    A : float array of any shape
    S : float array of the same shape
        Zeros and ones.
    margin : float > 0

    Returns
    -------
    float array of the same shape
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def update_margin(A, V, tau, pi, margin):
    """Return the minimiser over U, among all U with |u| >= margin in every entry.

        (tau/2) (u - a)^2 + (pi/2) (v - step(u))^2,   |u| >= margin

    On a tie, the one with step(u) = 0.

    Parameters
    ----------
    A, V : float arrays, shape (n_samples, n_units)
    tau, pi, margin : float > 0

    Returns
    -------
    float array, shape (n_samples, n_units)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def update_tiny(A, V, tau, pi):
    """Return the minimiser over U without a gap, by the remedy "tiny".

        (tau/2) (u - a)^2 + (pi/2) (v - step(u))^2

    Where the infimum lies just above 0, the entry is the smallest positive normal float,
    ``np.finfo(float).smallest_normal``. On a tie, the one with step(u) = 0.

    Parameters
    ----------
    A, V : float arrays, shape (n_samples, n_units)
    tau, pi : float > 0

    Returns
    -------
    float array, shape (n_samples, n_units)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def update_neuron(a, s, R, w, tau):
    """Decide the bits of one neuron exactly, for all samples at once.

    For each sample the new bit minimises, with no gap around 0,

        1/2 |r|^2 + (tau/2) (distance of a from the pre-activations with that bit)^2

    where r is the residual of the next layer with that bit. On a tie, 0.

    Parameters
    ----------
    a : float array, shape (n_samples,)
        The neuron's computed pre-activations.
    s : float array, shape (n_samples,)
        Its present bits, zeros and ones.
    R : float array, shape (n_samples, n_next)
        The next layer's residual at the present bits: target less what the layer makes.
    w : float array, shape (n_next,)
        The weights from the neuron to the next layer.
    tau : float > 0

    Returns
    -------
    bits : float array, shape (n_samples,)
        The new bits.
    residual : float array, shape (n_samples, n_next)
        The next layer's residual at the new bits.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
