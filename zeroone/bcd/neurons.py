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
from numpy.typing import NDArray

from zeroone.bcd.blocks import crossing_cost
from zeroone.rows import row_blocks
from zeroone.validation import BoolArray, FloatArray


def neuron_groups(n_units: int, n_next: int, rng: np.random.Generator | None = None) -> list[slice]:
    """Return the groups of neurons whose correlations with the residual one product computes.

    Within a group they are kept up to date by the Gram matrix of the outgoing weights: the same
    decisions as one at a time, at nearly the speed of matrix products.

    Parameters
    ----------
    n_units, n_next : int
        Sizes of the layer and of the next one. Under a narrow layer the products are cheap, and
        small groups leave fewer decisions that depend on each other.
    rng : numpy.random.Generator, optional
        Shuffles the groups; ascending order by default.
    """
    size = 8 if n_next < 64 else 16
    groups = [slice(first, min(first + size, n_units)) for first in range(0, n_units, size)]
    if rng is not None:
        rng.shuffle(groups)
    return groups


def firing_threshold(
    A: FloatArray, square: FloatArray, *, kappa: float, tau: float, pi: float, margin: float
) -> FloatArray:
    """Return what a neuron's correlation with the residual must exceed for it to fire.

        w . r0 > |w|^2 / 2 + tau (kappa |w|^2 + pi) / (2 kappa pi) * crossing_cost(a)

    Parameters
    ----------
    A : ndarray, shape (n_neurons, n_samples)
        Pre-activations.
    square : ndarray, shape (n_neurons, 1)
        |w|^2, the squared lengths of the outgoing weights.
    kappa, tau, pi, margin : float
        As in `sweep_neurons`.

    Returns
    -------
    ndarray, shape (n_neurons, n_samples)
    """
    threshold = crossing_cost(A, margin)
    threshold *= tau / 2 * (square / pi + 1 / kappa)
    threshold += square / 2
    return threshold


def decide_in_turn(
    correlation: FloatArray,
    V: FloatArray | BoolArray,
    threshold: FloatArray,
    K: FloatArray,
    *,
    kappa: float,
    pi: float,
) -> tuple[BoolArray, FloatArray]:
    """Decide a group of neurons in turn, each knowing what those before it did.

    Parameters
    ----------
    correlation : ndarray, shape (n_neurons, n_samples)
        w_j . r0 with the residual r0 without neuron j, before any neuron of the group moves.
    V : ndarray, shape (n_neurons, n_samples)
        The activations before, floats or bits.
    threshold : ndarray, shape (n_neurons, n_samples)
        See `firing_threshold`.
    K : ndarray, shape (n_neurons, n_neurons)
        Gram matrix w_i . w_j of the outgoing weights.
    kappa, pi : float
        As in `sweep_neurons`.

    Returns
    -------
    bits : ndarray of bool, shape (n_neurons, n_samples)
        step(U) after.
    changes : ndarray, shape (n_neurons, n_samples)
        By how much the activations changed.
    """
    bits = np.empty(V.shape, dtype=bool)
    changes = np.empty(V.shape, correlation.dtype)
    for j in range(len(V)):
        # What the neurons before this one changed has moved the residual.
        seen = correlation[j] - K[j, :j] @ changes[:j]
        np.greater(seen, threshold[j], out=bits[j])
        new = bits[j].astype(seen.dtype)
        if np.isfinite(pi):
            new = (kappa * seen + pi * new) / (kappa * K[j, j] + pi)
        np.subtract(new, V[j], out=changes[j])
    return bits, changes


def decide_bits(
    correlation: FloatArray, bits: BoolArray, threshold: FloatArray, K: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Decide a group of neurons in turn in the two-splitting form, in place.

    For a sample for which no neuron of the group flips, none has to know what the others did:
    `decide_in_turn` is needed for the few others only.

    Parameters
    ----------
    correlation, threshold, K
        As in `decide_in_turn`.
    bits : ndarray of bool, shape (n_neurons, n_samples)
        Changed in place.

    Returns
    -------
    samples : ndarray of int, shape (n_moved,)
        For which a bit may have flipped.
    changes : ndarray, shape (n_neurons, n_moved)
        By how much the activations changed for them.
    """
    alone = correlation > threshold
    moved = np.flatnonzero(np.any(alone != bits, axis=0))
    decided, changes = decide_in_turn(
        correlation[:, moved], bits[:, moved], threshold[:, moved], K, kappa=1.0, pi=np.inf
    )
    bits[:, moved] = decided
    return moved, changes


def sweep_neurons(
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    W: FloatArray,
    *,
    kappa: float,
    tau: float,
    margin: float,
    pi: float = np.inf,
    V: FloatArray | None = None,
    rng: np.random.Generator | None = None,
) -> int:
    """Solve the block (V_j, U_j) of every neuron j of a layer in turn, in place.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_samples, n_units)
        step(U); changed in place. The best U is then ``nearest_on_side(A, bits, margin)``.
    A : ndarray, shape (n_samples, n_units)
        The layer's pre-activations V_{i-1} W_i^T.
    R : ndarray, shape (n_samples, n_next)
        The next layer's residual; kept up to date in place.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights without the bias column.
    kappa : float
        Weight of the next layer's residual (1 for the output layer).
    tau : float
        Weight of |U - A|^2.
    margin : float
        Half-width of the gap around 0 of U; 0 for the remedy "tiny".
    pi : float, optional
        Weight of |V - step(U)|^2 in the three-splitting form; infinite by default, that is, the
        two-splitting form.
    V : ndarray, shape (n_samples, n_units), optional
        For a finite `pi`: the activations, without the constant column; changed in place.
    rng : numpy.random.Generator, optional
        Shuffles the groups in which neurons are visited; ascending order by default.

    Returns
    -------
    int
        How many bits flipped.
    """
    groups = neuron_groups(A.shape[1], len(W), rng)
    outgoing = [np.ascontiguousarray(W[:, group].T) for group in groups]
    grams = [w @ w.T for w in outgoing]
    flipped = 0
    # Given the weights, samples do not interact: blocks of rows keep everything in the cache.
    for rows in row_blocks(len(A), 2048):
        residual = R[rows]
        for group, w, K in zip(groups, outgoing, grams, strict=True):
            # A neuron's samples next to each other, as they are in arrays of Fortran order.
            a = np.ascontiguousarray(A[rows, group].T)
            before = np.ascontiguousarray(bits[rows, group].T)
            square = K.diagonal()[:, None]
            threshold = firing_threshold(a, square, kappa=kappa, tau=tau, pi=pi, margin=margin)
            if V is None:
                after = before.copy()
                correlation = w @ residual.T + square * before
                moved, changes = decide_bits(correlation, after, threshold, K)
                residual[moved] -= changes.T @ w
            else:
                v = np.ascontiguousarray(V[rows, group].T)
                correlation = w @ residual.T + square * v
                after, changes = decide_in_turn(correlation, v, threshold, K, kappa=kappa, pi=pi)
                residual -= changes.T @ w
                V[rows, group] += changes.T
            flipped += int(np.count_nonzero(before != after))
            bits[rows, group] = after.T
    return flipped
