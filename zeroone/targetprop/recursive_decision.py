"""The decisions of recursive target propagation, as a tree that can be read."""

from dataclasses import dataclass, field


@dataclass
class Decision:
    """What one layer was asked for, and what came of it.

    The root asks the output layer for the labels. The children of a decision are the targets that
    were chosen, one attempt after the other, for the layer below.

    Parameters
    ----------
    layer : int
        From 1; the output layer is the last.
    choice : str
        The rule that chose the targets (`zeroone.targetprop.recursive_choices`), or "labels".
    bits : int
        Targets in all: units x samples, without those that do not matter; or samples.
    changed : int
        Targets other than what the layer gave when they were chosen; for labels, the samples that
        were misclassified.
    feasible : bool, optional
        Whether the goal was met. None until that was checked.
    missed : int
        Targets (or labels) that are not met, ties included.
    missed_units, missed_samples : int
        Units, and samples, with such a target.
    impossible_units : int
        Units of which it is proved that nothing would do.
    loss_before, loss_after : float
        The layer's loss on this goal before its first fit, and in the end.
    above_before, above_after : float
        The loss of the layer above, fitted to the old and to the new activations. NaN for labels.
    accepted : bool, optional
        Whether the layers were left as this decision made them. None while it is not decided.
    children : list of Decision
    """

    layer: int
    choice: str
    bits: int
    changed: int
    feasible: bool | None = None
    missed: int = 0
    missed_units: int = 0
    missed_samples: int = 0
    impossible_units: int = 0
    loss_before: float = float("nan")
    loss_after: float = float("nan")
    above_before: float = float("nan")
    above_after: float = float("nan")
    accepted: bool | None = None
    children: list["Decision"] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of decisions in the tree."""
        return 1 + sum(child.size for child in self.children)


def describe(decision: Decision) -> str:
    """Return what is to be said of a decision, in one line, without its children."""
    if decision.choice == "labels":
        goal = f"labels of {count(decision.bits, 'sample')}, {decision.changed} wrong at first"
    else:
        goal = f"targets by {decision.choice}, {decision.changed} of {decision.bits} bits changed"
    return f"layer {decision.layer}: {goal}: {_outcome(decision)}{_fate(decision)}"


def _outcome(decision: Decision) -> str:
    if decision.feasible is None:
        return "not tried yet"
    loss = f"loss {decision.loss_before:.3g} -> {decision.loss_after:.3g}"
    if decision.feasible:
        return f"met, {loss}"
    if decision.choice == "labels":
        return f"{decision.missed} missed, {loss}"
    where = f"{count(decision.missed_units, 'unit')}, {count(decision.missed_samples, 'sample')}"
    proof = f", {decision.impossible_units} proved impossible" if decision.impossible_units else ""
    return f"{decision.missed} missed ({where}{proof}), {loss}"


def _fate(decision: Decision) -> str:
    if decision.accepted is None:
        return ""
    above = f"{decision.above_before:.3g} -> {decision.above_after:.3g}"
    return f"; loss above {above}: {'kept' if decision.accepted else 'undone'}"


def count(number: int, noun: str) -> str:
    """Return a number and a noun, such as "1 unit" or "2 units"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def format_tree(decision: Decision, *, depth: int | None = None) -> str:
    """Return a tree of decisions as indented text, a line each.

    Parameters
    ----------
    decision : Decision
        Its root.
    depth : int, optional
        Print so many levels below it; all by default.

    Returns
    -------
    str
        Without a newline at the end.

    Examples
    --------
    >>> root = Decision(2, "labels", 4, 2, False, 2, 1, 2, loss_before=0.69, loss_after=0.5)
    >>> child = Decision(1, "worst bits", 8, 1, True, loss_before=0.4, loss_after=0.001)
    >>> child.above_before, child.above_after, child.accepted = 0.5, 0.1, True
    >>> root.children.append(child)
    >>> print(format_tree(root))
    layer 2: labels of 4 samples, 2 wrong at first: 2 missed, loss 0.69 -> 0.5
      layer 1: targets by worst bits, 1 of 8 bits changed: met, loss 0.4 -> 0.001; loss above \
0.5 -> 0.1: kept
    """
    lines = [describe(decision)]
    if depth is None or depth > 0:
        below = None if depth is None else depth - 1
        for child in decision.children:
            text = format_tree(child, depth=below)
            lines.extend(f"  {line}" for line in text.splitlines())
    return "\n".join(lines)
