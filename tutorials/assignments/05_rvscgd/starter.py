"""5. Relaxed variable splitting coarse gradient descent. The handout says what to do."""

import numpy as np


def update_u(w, lam, beta, penalty):
    """Return the minimiser over u of lam P(u) + (beta/2) |w - u|^2; 0 on a tie.

        u <- prox_{(lam/beta) P}(w)

    Parameters
    ----------
    w : float array, shape (d,)
    lam : float >= 0
    beta : float > 0
    penalty : {"l1", "l0"}
        P(u) is the sum of |u_i|, or the number of u_i that are not 0.

    Returns
    -------
    float array, shape (d,)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def update_w(w, u, w_star, k, beta, eta):
    """Return the next filter, of norm 1.

        w <- w - eta ( (k / 2 pi) (w - w*) + beta (w - u) ),   then  w <- w / |w|

    Parameters
    ----------
    w, u, w_star : float arrays, shape (d,)
        w and w_star have norm 1.
    k : int
    beta, eta : float > 0

    Returns
    -------
    float array, shape (d,)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def lagrangian(u, w, w_star, k, lam, beta, penalty):
    """Return L_beta(u, w).

        (k / 2 pi) theta(w, w*) + lam P(u) + (beta/2) |w - u|^2

    Parameters
    ----------
    u, w, w_star : float arrays, shape (d,)
        w and w_star have norm 1.
    k : int
    lam, beta, penalty
        As in `update_u`.

    Returns
    -------
    float
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def rvscgd(w0, w_star, k, lam, beta, eta, n_iter, penalty):
    """Run Algorithm 1: n_iter times u, then w.

    Parameters
    ----------
    w0 : float array, shape (d,)
        The start, of any norm but 0; the iteration begins at w0 / |w0|.
    w_star : float array, shape (d,)
        Of norm 1.
    k : int
    lam, beta, eta, penalty
        As above.
    n_iter : int >= 1

    Returns
    -------
    u, w : float arrays, shape (d,)
        As they are after the last iteration.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def hypotheses(w0, w_star, k, lam, beta, eta, delta):
    """Say which hypotheses of Theorem 1 hold, with L = k / 2 pi.

        (i)    theta(w0, w*) <= pi - delta
        (ii)   beta <= (k / 2 pi) sin(delta),   lam < k / (2 pi sqrt(d))
        (iii)  eta <= min(1 / (beta + L), 2 pi / k)

    Parameters
    ----------
    w0 : float array, shape (d,)
        Of any norm but 0.
    w_star : float array, shape (d,)
        Of norm 1.
    k : int
    lam, beta, eta, delta : float > 0

    Returns
    -------
    bool array, shape (4,)
        For the start, for beta, for lam, for eta.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
