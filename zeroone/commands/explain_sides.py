"""Which entry of a hidden layer is worked by hand, and its two sides of the threshold."""

import numpy as np

from zeroone.commands.explain_blocks import Line, Update, names, num


def choose_entry(update: Update) -> tuple[int, int, str]:
    """Return sample and unit of the entry to work, and why it.

    What is asked for; otherwise a bit that flips (neuron by neuron: the last one of the sample
    with most flips, so that others have flipped before it; in a V-block: the activation that moves
    most); if none does, the pre-activation nearest to the threshold.
    """
    state, layer = update.before, update.layer
    old, new = state.preactivations[layer], update.after.preactivations[layer]
    allowed = np.ones(old.shape, dtype=bool)
    if update.unit is not None and update.unit < old.shape[1]:
        allowed[:, np.arange(old.shape[1]) != update.unit] = False
    if update.sample is not None:
        allowed[np.arange(len(old)) != update.sample] = False
    if update.kind == "V":
        moved = np.abs(update.after.activations[layer + 1] - state.activations[layer + 1])[:, :-1]
        n, j = divmod(int(np.argmax(np.where(allowed, moved, -1.0))), old.shape[1])
        return n, j, f"its activation moves by {num(moved[n, j])}"
    flips = ((old > 0) != (new > 0)) & allowed
    if flips.any():
        n = int(np.argmax(flips.sum(axis=1)))
        flipping = np.flatnonzero(flips[n])
        j = int(flipping[-1] if update.kind == "J" else flipping[0])
        return n, j, f"its bit flips from {int(old[n, j] > 0)} to {int(new[n, j] > 0)}"
    distance = np.where(allowed, np.abs(state.products[layer]), np.inf)
    n, j = divmod(int(np.argmin(distance)), old.shape[1])
    return n, j, f"its bit stays {int(new[n, j] > 0)}"


def sides(a: float, gap: float) -> tuple[float, float]:
    """Return the u nearest to a that is silent, and the one that fires."""
    lowest = gap if gap > 0 else float(np.finfo(np.float64).smallest_normal)
    return min(a, -gap), max(a, lowest)


def side_texts(a: float, gap: float, u: tuple[float, float]) -> tuple[str, str]:
    """Return how the two sides come about."""
    m = num(gap)
    lower = (
        f"u = min({num(a)}, -{m}) = {num(u[0])}" if gap else f"u = min({num(a)}, 0) = {num(u[0])}"
    )
    upper = f"u = max({num(a)}, {m if gap else 'tiny'}) = {num(u[1])}"
    return lower, upper


def decision_line(costs: tuple[float, float], bit: bool) -> Line:
    """Return which of the two costs is lower."""
    silent, fires = (num(cost) for cost in costs)
    if bit != (costs[1] < costs[0]):
        text = f"{fires} and {silent} are equal up to rounding: both states are minimisers"
        return "decision", f"{text}, and the library takes step(u) = {int(bit)}"
    if bit:
        return "decision", f"{fires} < {silent}: it fires, step(u) = 1"
    return "decision", f"{fires} >= {silent}: it is silent, step(u) = 0"


def input_line(update: Update, n: int, j: int, a: float) -> Line:
    """Return what the weights compute for one entry."""
    V, W, _ = names(update, update.layer)
    n_in = update.before.weights[update.layer].shape[1]
    return "a", f"{V}[{n + 1}] . {W}[{j + 1}], a sum of {n_in} products = {num(a)}"
