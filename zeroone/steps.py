"""What one update did: the `Step` that every solver yields, and the `History` kept of them.

A solver is a generator of steps. The estimator's ``fit``, the progress bar, the step-through
tutorial, the descent checks and the plots all read this one stream.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from zeroone.support.files import atomic_write


class Block(str):
    """A block of variables that a solver updates: its name, which knows the update's equation.

    It is a string, so that ``step.block == "W2"`` and a table of blocks need nothing more. A solver
    states its blocks once, beside its loop; whoever explains an update reads the equation here.

    Parameters
    ----------
    name : str
        Such as ``"W2"``.
    equation : str
        What the update does, as a formula in plain text.
    source : str
        Where the formula is derived, such as ``"docs/theory.md#b1"``.

    Examples
    --------
    >>> block = Block("u", "u <- prox_{(lam/beta) P}(w)", "docs/theory.md#a6")
    >>> block == "u", block.equation
    (True, 'u <- prox_{(lam/beta) P}(w)')
    """

    equation: str
    source: str

    def __new__(cls, name: str, equation: str = "", source: str = "") -> Self:
        """Return the name as a string with its equation and source."""
        block = super().__new__(cls, name)
        block.equation, block.source = equation, source
        return block

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        """Return what `__new__` needs, so that steps can be copied and sent to other processes."""
        return str(self), self.equation, self.source


@dataclass(frozen=True)
class Step:
    """One block update of an iterative method.

    Parameters
    ----------
    sweep : int
        The sweep (or epoch) to which the update belongs, counted from 1.
    block : Block
        The block that moved, such as ``"W1"`` or ``"U2"``, with the equation of its update.
    before, after : mapping of str to float
        The objective before and after the update, one entry a term; the objective is their sum.
    state : object
        The solver's variables after the update: what `after` was measured on. They are the
        solver's own, not a copy: the next step changes them, so copy what is to be kept.
    info : mapping of str to object
        What else is worth knowing of this update, such as how many bits flipped.
    """

    sweep: int
    block: Block
    before: Mapping[str, float]
    after: Mapping[str, float]
    state: Any = None
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def objective_before(self) -> float:
        """The sum of the terms before the update."""
        return sum(self.before.values())

    @property
    def objective_after(self) -> float:
        """The sum of the terms after the update."""
        return sum(self.after.values())

    @property
    def decrease(self) -> float:
        """By how much the update lowered the objective (negative if it rose)."""
        return self.objective_before - self.objective_after

    def _repr_html_(self) -> str:
        """Return the step as a card, which a notebook shows: equation, terms before and after."""
        from zeroone.support.cards import card  # only notebooks need it

        missing = float("nan")
        rows = [(name, self.before.get(name, missing), self.after[name]) for name in self.after]
        if len(rows) > 1:
            rows.append(("objective", self.objective_before, self.objective_after))
        lines = getattr(self.block, "equation", "").splitlines()
        if "flipped" in self.info:
            flips = self.info["flipped"]
            lines.append("1 bit flips" if flips == 1 else f"{flips} bits flip")
        return card(f"{self.block}, sweep {self.sweep}", lines, rows)


class History:
    """A table of what happened, a row an entry, with columns as they come up.

    Examples
    --------
    >>> history = History()
    >>> history.record(sweep=1, train_accuracy=0.5)
    >>> history.record(sweep=2, train_accuracy=0.75)
    >>> history.column("train_accuracy")
    [0.5, 0.75]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._terms: dict[str, None] = {}

    def __repr__(self) -> str:
        """Return how long the table is and what it has, such as the last value of each column."""
        if not self.rows:
            return "<History, empty>"
        last = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self.rows[-1].items()
        )
        rows = "1 row" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        return f"<History of {rows}; last: {last}>"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def record(self, **values: Any) -> None:
        """Append a row."""
        self.rows.append(values)

    def record_step(self, step: Step, **values: Any) -> None:
        """Append a row for a step: its sweep and block, the terms after it, and `values`."""
        self._terms.update(dict.fromkeys(step.after))
        self.record(
            sweep=step.sweep,
            block=step.block,
            objective=step.objective_after,
            **step.after,
            **values,
        )

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order in which they first came up."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def terms(self) -> list[str]:
        """The names of the objective's terms, as `record_step` found them."""
        return list(self._terms)

    def column(self, name: str) -> list[Any]:
        """Return one column, with None where a row has no such value.

        Raises
        ------
        ValueError
            If no row has it.
        """
        if name not in self.columns:
            raise ValueError(f"name must be one of {', '.join(self.columns)}, but is {name!r}")
        return [row.get(name) for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a CSV file, whole or not at all; a missing value is an empty cell."""
        with atomic_write(path, text=True) as file:
            writer = csv.DictWriter(file, self.columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
