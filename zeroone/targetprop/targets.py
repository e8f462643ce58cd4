"""Which way each hidden unit should go: targets from the derivative of the loss above (theory, C).

Finding the best targets is a combinatorial problem. The heuristic: if the loss of the layer above
falls when the unit's output h grows, the unit should be on, otherwise off ::

    t = -sign(e),   e = dL/dh,   t = 0 ("don't care") where e = 0

and the target matters by weight |e|, or all matter alike.
"""

from dataclasses import dataclass

import numpy as np

from zeroone.validation import FloatArray, check_choice, check_integer

WEIGHTINGS = ("magnitude", "equal")


@dataclass(frozen=True)
class Targets:
    """Targets of a layer and how much each of them matters.

    Parameters
    ----------
    signs : ndarray, shape (n_samples, n_units)
        -1, +1, or 0 where the unit's output does not matter.
    weights : ndarray of that shape, or float
        >= 0.
    """

    signs: FloatArray
    weights: FloatArray | float


def set_targets(e: FloatArray, weighting: str) -> Targets:
    """Return the targets t = -sign(e) with the weights |e|, or 1 / n_samples each.

    Parameters
    ----------
    e : ndarray, shape (n_samples, n_units)
        Derivative of the loss above with respect to the units' outputs.
    weighting : {"magnitude", "equal"}

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If `weighting` is neither.

    Notes
    -----
    With magnitudes, weight times target is -e exactly, also in floating point: whatever rounding e
    has seen is all there is. The straight-through estimators rest on that.
    """
    check_choice("weighting", weighting, WEIGHTINGS)
    signs = np.sign(e)
    np.negative(signs, out=signs)
    return Targets(signs, np.abs(e) if weighting == "magnitude" else 1 / len(e))


def step_thresholds(activation: str, levels: int | None) -> tuple[float, ...]:
    """Return the places of the jumps of a hidden unit.

    Parameters
    ----------
    activation : {"step", "sign", "staircase"}
    levels : int or None
        The number k of values of a staircase.

    Returns
    -------
    tuple of float
        (0,) for `step` and `sign`; j/(k - 1) for j = 0, ..., k - 2 for the staircase, which is the
        mean of the steps that jump there. The target of the staircase is the target of each of its
        steps, at the weight |e|/(k - 1), since each contributes that part of the output.
    """
    if activation != "staircase":
        return (0.0,)
    n_steps = check_integer("levels", levels, minimum=2) - 1
    return tuple(j / n_steps for j in range(n_steps))


def staircase_targets(e: FloatArray, levels: int, weighting: str) -> Targets:
    """Return the targets of the k - 1 steps of staircase units, for all of them the same.

    ::

        h = 1/(k-1) sum_j step(z - j/(k-1)),   dL/d(step j) = e/(k-1),   t_j = -sign(e)

    Parameters
    ----------
    e : ndarray, shape (n_samples, n_units)
        Derivative of the loss above with respect to the units' outputs.
    levels : int
        k >= 2.
    weighting : {"magnitude", "equal"}

    Returns
    -------
    Targets
        For each step by itself: weights |e|/(k - 1), or 1/(n_samples (k - 1)).
    """
    n_steps = check_integer("levels", levels, minimum=2) - 1
    targets = set_targets(e, weighting)
    return targets if n_steps == 1 else Targets(targets.signs, targets.weights / n_steps)
