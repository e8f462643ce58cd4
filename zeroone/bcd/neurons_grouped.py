"""Many neurons decided in turn, at nearly the speed of matrix products.

The same decisions as in `zeroone.bcd.neurons`, where they are made one neuron after the other. A
group of neurons needs only its correlations with the residual, which one product computes, and the
Gram matrix of its outgoing weights, which keeps them up to date within the group; the residual is
updated once for the group (docs/theory.md#b2).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.blocks import crossing_cost
from zeroone.support.rows import row_blocks
from zeroone.support.validation import BoolArray, FloatArray


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
        As in `zeroone.bcd.neurons.sweep_neurons`.

    Returns
    -------
    ndarray, shape (n_neurons, n_samples)
    """
    with np.errstate(over="ignore"):  # what is beyond the precision is infinite, and decides
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
        As in `zeroone.bcd.neurons.sweep_neurons`.

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


def sweep_groups(
    groups: Sequence[slice],
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
) -> int:
    """Solve the block (V_j, U_j) of every neuron j of a layer in turn, in place.

    Parameters
    ----------
    groups : sequence of slice
        The neurons in the order of their turn, a group at a time.
    bits, A, R, W, kappa, tau, margin, pi, V
        As in `zeroone.bcd.neurons.sweep_neurons`.

    Returns
    -------
    int
        How many bits flipped.
    """
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
