"""Choosing the targets of a layer: the combinatorial part of recursive target propagation.

All rules begin with e = dL/dh, the derivative of the loss above with respect to the layer's
outputs h, and with the samples that miss the goal above (theory, C):

================= ================================================================================
rule              targets
================= ================================================================================
``derivative``    t = -sign(e) for all samples; t = 0 ("don't care") where e = 0
``wrong samples`` the same for the samples that miss the goal; the others keep what they have
``worst bits``    the worse half of those samples flip one bit each, the one that promises most
``random bits``   some of those samples flip a bit each, all drawn at random
================= ================================================================================

A flip of h lowers the loss by 2 e h, to first order, for sign units (e h for step units, with h
their sign): the first rule flips all bits that promise anything, the last ignores promises.
"""

from collections.abc import Callable

import numpy as np

from zeroone.targetprop.targets import set_targets
from zeroone.validation import BoolArray, FloatArray

Rule = Callable[[FloatArray, FloatArray, FloatArray, BoolArray, np.random.Generator], FloatArray]


def by_derivative(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return t = -sign(e)."""
    return set_targets(e, "equal").signs


def for_wrong_samples(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return t = -sign(e) for the samples that miss the goal, and the others' present signs."""
    return np.where(missed[:, np.newaxis], set_targets(e, "equal").signs, signs)


def worst_bits(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the present signs with the most promising bit of the worst samples flipped."""
    wrong = np.flatnonzero(missed)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][: -(-len(wrong) // 2)]
    gains = e[worst] * signs[worst]
    # Equal promises are common, with few units: which of them is taken is left to chance.
    order = rng.permutation(gains.shape[1])
    best = order[gains[:, order].argmax(axis=1)]
    worth = gains[np.arange(len(worst)), best] > 0
    targets = signs.copy()
    targets[worst[worth], best[worth]] *= -1
    return targets


def random_bits(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the present signs with one bit flipped in some samples, that miss the goal or not."""
    rows = np.flatnonzero(missed) if rng.random() < 0.5 else np.arange(len(signs))
    rows = rng.choice(rows, size=rng.integers(1, len(rows) + 1), replace=False)
    targets = signs.copy()
    targets[rows, rng.integers(signs.shape[1], size=len(rows))] *= -1
    return targets


RULES: dict[str, Rule] = {
    "derivative": by_derivative,
    "wrong samples": for_wrong_samples,
    "worst bits": worst_bits,
    "random bits": random_bits,
}


def choose_targets(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
    tried: set[bytes],
) -> tuple[str, FloatArray]:
    """Return the first rule's name, and its targets, that change a bit and were not tried yet.

    Parameters
    ----------
    e : ndarray, shape (n_samples, n_units)
        Derivative of the loss above by the layer's outputs.
    signs : ndarray, shape (n_samples, n_units)
        What the units give now, as -1 and +1.
    losses : ndarray, shape (n_samples,)
        The samples' parts of the loss above.
    missed : ndarray of bool, shape (n_samples,)
        Which samples miss the goal above; at least one.
    rng : numpy.random.Generator
    tried : set of bytes
        Targets that did not help, and to which those returned are added.

    Returns
    -------
    str
    ndarray, shape (n_samples, n_units)
        -1 and +1; 0 for "don't care".
    """
    for name in [*RULES, *["random bits"] * 20]:
        targets = RULES[name](e, signs, losses, missed, rng).astype(signs.dtype)
        if changed_bits(targets, signs) and targets.tobytes() not in tried:
            break
    tried.add(targets.tobytes())
    return name, targets


def changed_bits(targets: FloatArray, signs: FloatArray) -> int:
    """Return how many units and samples have a target other than what they give now."""
    return int(np.count_nonzero(targets * signs < 0))
