"""Weights that move by a batch: the minimiser of its objective plus the price of moving.

A batch is too small to fit the weights to it. So [W b] moves from its previous value to a minimiser
of the batch's objective plus a price of moving, (rho/2) |[W b] - [W0 b0]|^2. With the residual
D = U - A and the rows v_n of [V 1] there are two closed forms (docs/theory.md#b2).

    batch     the samples together:
              [W b] = [W0 b0] + D^T [V 1] ([V 1]^T [V 1] + rho I)^{-1}
    samples   each sample n on its own, all moves added up:
              [W b] = [W0 b0] + sum_n d_n v_n^T / (|v_n|^2 + rho)

(The second also in another metric M than the Euclidean one.)

The first is the minimiser for the batch and lowers its objective; it holds on to what all other
samples of the batch want, and bits hardly flip. The second is the minimiser for every single sample
(a relaxed projection onto its hyperplane; their sum is a simultaneous projection method). It lets a
few samples that want to move do so, and trains far better, but nothing bounds it on the batch.
"""

import numpy as np

from zeroone.bcd.blocks import Gram, gram_matrix, inverse, total_weight
from zeroone.bcd.objective import Layer
from zeroone.support.validation import FloatArray

PROXIMAL_FORMS = ("samples", "batch")


def proximal_weights(
    W: FloatArray,
    b: FloatArray,
    D: FloatArray,
    V: FloatArray,
    *,
    rho: float,
    sample_weight: FloatArray | None = None,
) -> Layer:
    """Minimise 1/2 |U - V W^T - b|^2 + (rho/2) (|W - W0|^2 + |b - b0|^2) over W and b.

    Parameters
    ----------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
        The previous weights W0 and biases b0.
    D : ndarray, shape (n_samples, n_out)
        The residual U - V W0^T - b0.
    V : ndarray, shape (n_samples, n_in)
        The layer's input.
    rho : float
        Price of moving, >= 0, in units of the mean squared length of a row of [V 1].
    sample_weight : ndarray, shape (n_samples,), optional
        How often each sample counts; by default once.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    gram = Gram(V, sample_weight=sample_weight)
    price = rho * float(np.trace(gram.matrix)) / total_weight(len(V), sample_weight)
    if sample_weight is not None:
        D = D * sample_weight[:, np.newaxis]
    step = gram.solve(gram.join(D.T @ V, D.sum(axis=0)), 1.0, price)
    return gram.split(gram.join(W, b) + step, W.dtype)


def covariance_metric(
    V: FloatArray, whitening: float, sample_weight: FloatArray | None = None
) -> FloatArray:
    """Return M = (G + delta I)/(1 + delta), delta = `whitening`.

    G is the Gram matrix of [V 1], divided by its mean eigenvalue, so that M is near the identity
    but in directions of far more than the mean power: for 0/1 input, that of the mean.

    Returns
    -------
    ndarray, shape (n_in + 1, n_in + 1), float64
    """
    G = gram_matrix(V, sample_weight=sample_weight)
    G /= max(float(np.trace(G)) / len(G), np.finfo(float).tiny)
    G.flat[:: len(G) + 1] += whitening
    return G / (1 + whitening)


def proximal_weights_by_sample(
    W: FloatArray,
    b: FloatArray,
    D: FloatArray,
    V: FloatArray,
    *,
    rho: float,
    metric: FloatArray | None = None,
    sample_weight: FloatArray | None = None,
) -> Layer:
    """Add up the minimisers of 1/2 |u_n - W v_n - b|^2 + (rho/2) |[W b] - [W0 b0]|_M^2.

    Parameters
    ----------
    W, b, D, V
        As in `proximal_weights`.
    rho : float
        Price of moving, >= 0, in units of the mean squared length of a row of [V 1] (with a
        metric, of the mean of v^T M^{-1} v).
    metric : ndarray, shape (n_in + 1, n_in + 1), optional
        M, positive definite; the identity by default. |R|_M^2 = tr(R M R^T).
    sample_weight : ndarray, shape (n_samples,), optional
        How often each sample counts; by default once.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
        [W0 b0] + sum_n d_n (M^{-1} v_n)^T / (v_n^T M^{-1} v_n + rho * mean), d_n = u_n - a_n.
    """
    if metric is None:
        dual, constant = V, np.ones(len(V), V.dtype)
    else:
        rows = inverse(metric).astype(V.dtype)
        dual = V @ rows[:-1, :-1] + rows[-1, :-1]
        constant = V @ rows[:-1, -1] + rows[-1, -1]
    lengths = np.einsum("ni,ni->n", V, dual) + constant
    lengths += rho * np.average(lengths, weights=sample_weight).astype(V.dtype)
    moves = D / lengths[:, None]
    if sample_weight is not None:
        moves *= sample_weight[:, np.newaxis]
    return W + moves.T @ dual, b + moves.T @ constant
