"""Hidden bits one neuron at a time: the exact block update that the relaxed form cannot make.

For neuron j let w be its outgoing weights, r0 the next layer's residual without it, v its
activation and s = step(u) its bit. For each sample the best v and u given s are closed forms, so
the block is solved by comparing two numbers (docs/theory.md#b2):

    cost(s = 1) - cost(s = 0) = kappa pi / (kappa |w|^2 + pi) (|w|^2 / 2 - w . r0)
                              + (tau/2) (distance(a, step = 1)^2 - distance(a, step = 0)^2)

where kappa weighs the next layer's residual. This is the joint block (V_j, U_j) of the
three-splitting form; pi = infinity, v = s, is the two-splitting form. Every neuron sees what those
before it decided, so each update lowers the objective: coordinate descent on bits.
"""

from collections.abc import Sequence

import numpy as np

from zeroone.bcd.blocks import crossing_cost
from zeroone.bcd.neurons_grouped import sweep_groups
from zeroone.support.validation import BoolArray, FloatArray

# Layers of more bits than this (samples times neurons) are decided in groups: the same decisions,
# three times as fast at 200 neurons under 10 outputs, and 28 times at 500 under 500.
LARGE = 2**13


def neuron_groups(n_units: int, n_next: int, rng: np.random.Generator | None = None) -> list[slice]:
    """Return the neurons in the order of their turn, as groups of neighbours.

    Parameters
    ----------
    n_units, n_next : int
        Sizes of the layer and of the next one. Under a narrow layer products are cheap, and small
        groups leave fewer decisions that depend on each other.
    rng : numpy.random.Generator, optional
        Shuffles the groups; ascending order by default.
    """
    size = 8 if n_next < 64 else 16
    groups = [slice(first, min(first + size, n_units)) for first in range(0, n_units, size)]
    if rng is not None:
        rng.shuffle(groups)
    return groups


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
    groups: Sequence[slice] | None = None,
) -> int:
    """Solve the block (V_j, U_j) of every neuron j of a layer in turn, in place.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_samples, n_units)
        step(U); changed in place. The best U is then ``nearest_on_side(A, bits, margin)``.
    A : ndarray, shape (n_samples, n_units)
        The layer's pre-activations V_{i-1} W_i^T + b_i.
    R : ndarray, shape (n_samples, n_next)
        The next layer's residual; kept up to date in place.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights.
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
        For a finite `pi`: the activations; changed in place.
    groups : sequence of slice, optional
        The neurons in the order of their turn, from `neuron_groups`; ascending by default.

    Returns
    -------
    int
        How many bits flipped.
    """
    if groups is None:
        groups = neuron_groups(A.shape[1], len(W))
    if bits.size > LARGE:
        return sweep_groups(groups, bits, A, R, W, kappa=kappa, tau=tau, margin=margin, pi=pi, V=V)
    before = bits.copy()
    for group in groups:
        for j in range(group.start, group.stop):
            w = W[:, j]
            square = w @ w
            v = bits[:, j] if V is None else V[:, j]
            R += np.outer(v, w)  # now the residual without the neuron, r0
            correlation = R @ w
            cost = kappa / (kappa * square / pi + 1) * (square / 2 - correlation)
            cost += tau / 2 * crossing_cost(A[:, j], margin)
            bits[:, j] = cost < 0
            if V is not None:
                V[:, j] = (kappa * correlation + pi * bits[:, j]) / (kappa * square + pi)
            R -= np.outer(bits[:, j] if V is None else V[:, j], w)
    return int(np.count_nonzero(before != bits))
