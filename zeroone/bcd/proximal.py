"""Weights that move by a batch: the minimiser of its objective plus the price of moving.

A batch is too small to fit the weights to it. So W moves from its previous value W0 to a minimiser
of the batch's objective plus a proximity term (rho/2) |W - W0|^2. With D = U - V W0^T there are two
closed forms.

    batch     the samples together:
              W = W0 + D^T V (V^T V + rho I)^{-1}
    samples   each sample n on its own, all moves added up:
              W = W0 + sum_n d_n v_n^T / (|v_n|^2 + rho)

(The second also in another metric than the Euclidean one, |W - W0|_M.)

The first is the minimiser for the batch and lowers its objective; it holds on to what all other
samples of the batch want, and bits hardly flip. The second is the minimiser for every single sample
(a relaxed projection onto its hyperplane; their sum is a simultaneous projection method). It lets a
few samples that want to move do so, and trains far better, but nothing bounds it on the batch.
"""

import numpy as np

from zeroone.bcd.blocks import Gram
from zeroone.bcd.systems import inverse
from zeroone.validation import FloatArray

PROXIMAL_FORMS = ("samples", "batch")


def proximal_weights(W: FloatArray, D: FloatArray, V: FloatArray, *, rho: float) -> FloatArray:
    """Minimise 1/2 |U - V W^T|^2 + (rho/2) |W - W0|^2 over W.

    Parameters
    ----------
    W : ndarray, shape (n_out, n_in)
        The previous weights W0.
    D : ndarray, shape (n_samples, n_out)
        The residual U - V W0^T.
    V : ndarray, shape (n_samples, n_in)
        The layer's input.
    rho : float
        Price of moving, >= 0, in units of the mean squared length of a sample.

    Returns
    -------
    ndarray, shape (n_out, n_in)
        W0 + D^T V (V^T V + rho * mean * I)^{-1}.
    """
    price = rho * float(np.vdot(V, V)) / len(V)
    return (W + Gram(V).solve(D.T @ V, 1.0, price)).astype(W.dtype, copy=False)


def covariance_metric(V: FloatArray, whitening: float) -> FloatArray:
    """Return M = (G + delta I)/(1 + delta), delta = whitening times G's mean eigenvalue.

    G is the Gram matrix V^T V / n_samples, divided by its mean eigenvalue, so that M is near the
    identity but in directions of far more than the mean power: for 0/1 input, that of the mean.

    Returns
    -------
    ndarray, shape (n_in, n_in), float64
    """
    G = (V.T @ V).astype(np.float64)
    G /= max(float(np.trace(G)) / len(G), np.finfo(float).tiny)
    G.flat[:: len(G) + 1] += whitening
    return G / (1 + whitening)


def proximal_weights_by_sample(
    W: FloatArray,
    D: FloatArray,
    V: FloatArray,
    *,
    rho: float,
    metric: FloatArray | None = None,
) -> FloatArray:
    """Add up the minimisers of 1/2 |u_n - W v_n|^2 + (rho/2) |W - W0|_M^2 of all samples n.

    Parameters
    ----------
    W, D, V
        As in `proximal_weights`.
    rho : float
        Price of moving, >= 0, in units of the mean squared length of a sample.
    metric : ndarray, shape (n_in, n_in), optional
        M, positive definite; the identity by default. |W|_M^2 = tr(W M W^T).

    Returns
    -------
    ndarray, shape (n_out, n_in)
        W0 + sum_n d_n (M^{-1} v_n)^T / (v_n^T M^{-1} v_n + rho * mean).
    """
    dual = V if metric is None else V @ inverse(metric).astype(V.dtype)
    lengths = np.einsum("ni,ni->n", V, dual)
    lengths += rho * lengths.mean()
    return W + (D / lengths[:, None]).T @ dual
