"""Hidden bits one neuron at a time: the exact block update that the relaxed form cannot make.

For neuron j let w be its outgoing weights, r0 the next layer's residual without it, v its
activation and s = step(u) its bit. For each sample the best v and u given s are closed forms, so
the block is solved by comparing two numbers (theory, B2):

    cost(s = 1) - cost(s = 0) = kappa pi / (kappa |w|^2 + pi) (|w|^2 / 2 - w . r0)
                              + (tau/2) (distance(a, step = 1)^2 - distance(a, step = 0)^2)

where kappa weighs the next layer's residual. This is the joint block (V_j, U_j) of the
three-splitting form; pi = infinity, v = s, is the two-splitting form. Every neuron sees what those
before it decided, so each update lowers the objective: coordinate descent on bits.
"""

import numpy as np

from zeroone.bcd.blocks import crossing_cost, nearest_on_side
from zeroone.bcd.objective import row_blocks
from zeroone.validation import BoolArray, FloatArray


def neuron_groups(n_units: int, n_next: int, rng: np.random.Generator | None = None) -> list[slice]:
    """Return the groups of neurons whose correlations with the residual one product computes.

    Within a group they are kept up to date by the Gram matrix of the outgoing weights: the same
    decisions as one at a time, at nearly the speed of matrix products.

    Parameters
    ----------
    n_units, n_next : int
        Sizes of the layer and of the next one. Under a narrow layer those products are small, and
        with small groups they stay below the size at which BLAS starts threads.
    rng : numpy.random.Generator, optional
        Shuffles the groups; ascending order by default.
    """
    size = 8 if n_next < 64 else 16
    groups = [slice(first, min(first + size, n_units)) for first in range(0, n_units, size)]
    if rng is not None:
        rng.shuffle(groups)
    return groups


def decide_group(
    correlation: FloatArray,
    V: FloatArray,
    threshold: FloatArray,
    K: FloatArray,
    *,
    kappa: float,
    pi: float,
) -> tuple[BoolArray, FloatArray]:
    """Decide a group of neurons in turn, each knowing what those before it did.

    A neuron fires where its correlation with the residual exceeds a threshold:

        w . r0 > |w|^2 / 2 + tau (kappa |w|^2 + pi) / (2 kappa pi) * crossing_cost(a)

    Parameters
    ----------
    correlation : ndarray, shape (n_neurons, n_samples)
        w_j . r0 with the residual r0 without neuron j, before any neuron of the group moves.
    V : ndarray, shape (n_neurons, n_samples)
        The activations before.
    threshold : ndarray, shape (n_neurons, n_samples)
        The right-hand side.
    K : ndarray, shape (n_neurons, n_neurons)
        Gram matrix w_i . w_j of the outgoing weights.
    kappa, pi : float
        Weights of the next layer's residual and of the activations' mismatch; pi may be infinite.

    Returns
    -------
    bits : ndarray of bool, shape (n_neurons, n_samples)
        step(U) after.
    changes : ndarray, shape (n_neurons, n_samples)
        By how much the activations changed.
    """
    bits = np.empty(V.shape, dtype=bool)
    changes = np.empty_like(V)
    for j in range(len(V)):
        # What the neurons before this one changed has moved the residual.
        seen = correlation[j] - K[j, :j] @ changes[:j]
        np.greater(seen, threshold[j], out=bits[j])
        new = bits[j]
        if np.isfinite(pi):
            new = (kappa * seen + pi * bits[j]) / (kappa * K[j, j] + pi)
        np.subtract(new, V[j], out=changes[j])
    return bits, changes


def sweep_neurons(
    U: FloatArray,
    V: FloatArray,
    A: FloatArray,
    R: FloatArray,
    W: FloatArray,
    *,
    kappa: float,
    tau: float,
    pi: float,
    margin: float,
    rng: np.random.Generator | None = None,
) -> int:
    """Solve the block (V_j, U_j) of every neuron j of a layer in turn, in place.

    Parameters
    ----------
    U : ndarray, shape (n_samples, n_units)
        The layer's free pre-activations; changed in place to ``nearest_on_side(A, bits, margin)``.
    V : ndarray, shape (n_samples, n_units)
        Its activations, without the constant column; changed in place.
    A : ndarray, shape (n_samples, n_units)
        What its weights compute, V_{i-1} W_i^T.
    R : ndarray, shape (n_samples, n_next)
        The next layer's residual; kept up to date in place.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights without the bias column.
    kappa : float
        Weight of the next layer's residual (1 for the output layer).
    tau : float
        Weight of |U - A|^2.
    pi : float
        Weight of |V - step(U)|^2; infinity for the two-splitting form, where V = step(U).
    margin : float
        Half-width of the gap around 0 of U; 0 for the remedy "tiny".
    rng : numpy.random.Generator, optional
        Shuffles the groups in which neurons are visited; ascending order by default.

    Returns
    -------
    int
        How many bits step(U) changed.
    """
    groups = neuron_groups(V.shape[1], len(W), rng)
    outgoing = [np.ascontiguousarray(W[:, group].T) for group in groups]
    grams = [w @ w.T for w in outgoing]
    flipped = 0
    # Given the weights, samples do not interact: blocks of rows keep everything in the cache.
    for rows in row_blocks(len(V)):
        residual = R[rows]
        for group, w, K in zip(groups, outgoing, grams, strict=True):
            # Neuron-major copies: a neuron's samples lie next to each other.
            a = A[rows, group].T.copy()
            v = V[rows, group].T.copy()
            square = K.diagonal()[:, None]
            threshold = crossing_cost(a, margin)
            threshold *= tau / 2 * (square / pi + 1 / kappa)
            threshold += square / 2
            correlation = w @ residual.T + square * v
            bits, changes = decide_group(correlation, v, threshold, K, kappa=kappa, pi=pi)
            flipped += int(np.count_nonzero((U[rows, group] > 0) != bits.T))
            residual -= changes.T @ w
            U[rows, group] = nearest_on_side(a, bits, margin).T
            V[rows, group] = (v + changes).T
    return flipped
