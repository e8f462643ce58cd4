"""A stream of steps as frames: what each step changed, as numbers that fit into a page.

A `Recorder` reads the steps of one algorithm as they come, since a step's state is the solver's
own and the next step changes it. It keeps of every frame only what the frame before does not have.
The one here knows of a step what all have: its block and the terms of its objective.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from zeroone.player.worked import Line, Worked
from zeroone.steps import Block, Step

# A change of an objective below this, relative to it, is rounding.
RESOLUTION = 1e-11
# Digits of what is drawn, of what is shown as a number, and of what is shown with six digits: so
# many more that rounding twice gives what rounding once gives.
DRAWN, DIGITS, EXACT = 4, 7, 12


def significant(values: ArrayLike, digits: int = DIGITS) -> Any:
    """Return numbers with so many significant digits, as nested lists; None for NaN and infinity.

    Parameters
    ----------
    values : array_like of floats
    digits : int

    Examples
    --------
    >>> significant([1 / 3, -20.0, np.nan], 3)
    [0.333, -20, None]
    """
    array = np.asarray(values, np.float64)
    if array.ndim:
        return [significant(row, digits) for row in array]
    if not np.isfinite(array):
        return None
    rounded = float(f"{array:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def worked_entry(worked: Worked) -> dict[str, Any]:
    """Return what was worked by hand, ready for JSON."""
    return {
        "title": worked.title,
        "lines": [list(line) for line in worked.lines],
        "comparisons": [
            [each.quantity, f"{each.by_hand:.9g}", f"{each.library:.9g}", bool(each.agrees)]
            for each in worked.comparisons
        ],
    }


@dataclass
class Recording:
    """A run, ready for JSON.

    Parameters
    ----------
    kind : str
        Which view shows it.
    title : str
    terms : list of str
        Those of the objective.
    blocks : list of dict
        Name, heading, equations (as MathML), notes, shapes and source of each block.
    fixed : dict
        What does not change, such as the data.
    frames : list of dict
        Sweep, number of the block, terms after, what was set, a sentence, what was worked.
    symbol : str
        What the sum of the terms is called.
    separate : bool
        Whether the terms are not of one sum, but losses of their own.
    turn : str
        What a step's ``sweep`` counts.
    more : bool
        Whether the stream went on.
    """

    kind: str
    title: str
    terms: list[str]
    blocks: list[dict[str, Any]]
    fixed: dict[str, Any]
    frames: list[dict[str, Any]] = field(default_factory=list)
    symbol: str = "objective"
    separate: bool = False
    turn: str = "sweep"
    more: bool = False


class Recorder:
    """Makes frames of any steps.

    Parameters
    ----------
    first : Step
        The first of them, before it is recorded.
    start : object, optional
        The variables before the first step.

    Attributes
    ----------
    kind : str
        Which view shows the frames.
    title : str
        What the page is called unless it is told.
    symbol, separate, turn
        As in `Recording`.
    """

    kind: ClassVar[str] = "terms"
    title: str = "Steps"
    symbol: ClassVar[str] = "objective"
    turn: ClassVar[str] = "sweep"
    separate: ClassVar[bool] = False

    def __init__(self, first: Step, start: Any = None) -> None:
        self.terms = list(first.after)
        self.blocks: list[Block] = []
        self.described: list[dict[str, Any]] = []
        self.kept: dict[str, Any] = {}
        self.last: list[Any] | None = None

    # ------------------------------------------------- what a recorder of its own kind says

    def fixed(self) -> dict[str, Any]:
        """Return what does not change."""
        return {}

    def opening(self, first: Step) -> dict[str, Any] | None:
        """Return a frame of the variables before the first step, if they are known."""
        return None

    def equations(self, block: Block) -> list[str]:
        """Return the equations of a block's update, as MathML."""
        return []

    def notes(self, step: Step) -> Sequence[Line]:
        """Return lines of text under a block's equations, such as the numbers of its letters."""
        return [("", line) for line in getattr(step.block, "equation", "").splitlines()]

    def shapes(self, step: Step) -> Sequence[tuple[str, tuple[int, ...], str]]:
        """Return name, shape and meaning of the arrays that take part in a block's update."""
        return ()

    def heading(self, block: Block) -> str:
        """Return what a block's update does, in a few words."""
        return ""

    def variables(self, step: Step) -> Mapping[str, Any]:
        """Return the variables after a step that the page shows, ready for JSON."""
        return {}

    def numbers(self, step: Step) -> Mapping[str, float | None]:
        """Return numbers that belong to the frame alone, such as an accuracy."""
        return {}

    def happened(self, step: Step) -> str:
        """Return in words what changed beside the objective; nothing if nothing did."""
        return objective_in_words(step) if moved(step) else ""

    def worked(self, step: Step) -> Worked | None:
        """Return one entry of the update by hand."""
        return None

    def passed(self, step: Step) -> None:
        """Keep what the next frame needs to know of this one."""

    # ----------------------------------------------------------------------- what all do

    def changes(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables that are not what they were in the frame before."""
        new = {
            name: value
            for name, value in variables.items()
            if name not in self.kept or self.kept[name] != value
        }
        self.kept.update(new)
        return new

    def frame(self, step: Step) -> dict[str, Any]:
        """Return the frame of a step."""
        number = self.block_number(step)
        for name in step.after:
            if name not in self.terms:
                self.terms.append(name)
        before = [significant(step.before.get(name, np.nan), EXACT) for name in self.terms]
        after = [significant(step.after.get(name, np.nan), EXACT) for name in self.terms]
        happened = self.happened(step)
        result: dict[str, Any] = {"sweep": step.sweep, "block": number, "terms": after}
        if before != self.last:
            result["before"] = before
        if happened:
            result["happened"] = happened
        if changed := self.changes(self.variables(step)):
            result["set"] = changed
        if numbers := dict(self.numbers(step)):
            result["numbers"] = numbers
        worked = self.worked(step)
        if worked is not None:
            result["worked"] = worked_entry(worked)
        self.last = after
        self.passed(step)
        return result

    def block_number(self, step: Step) -> int:
        """Return the number of a step's block, described when it first comes up."""
        if step.block not in self.blocks:
            self.blocks.append(step.block)
            shapes = [[name, list(shape), text] for name, shape, text in self.shapes(step)]
            self.described.append({
                "name": str(step.block),
                "heading": self.heading(step.block),
                "equations": self.equations(step.block),
                "notes": [list(line) for line in self.notes(step)],
                "shapes": shapes,
                "source": getattr(step.block, "source", ""),
            })  # fmt: skip
        return self.blocks.index(step.block)


def moved(step: Step) -> bool:
    """Return whether the objective changed by more than rounding."""
    size = max(abs(step.objective_before), abs(step.objective_after))
    return abs(step.decrease) > RESOLUTION * size


def objective_in_words(step: Step) -> str:
    """Return how the objective moved."""
    word = "falls" if step.decrease > 0 else "rises"
    return f"the objective {word}"
