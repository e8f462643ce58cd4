"""Numbers to draw inputs from, such that what fails is shown with the simplest of them.

Hypothesis takes the earlier of two choices for the simpler one. `simple` therefore puts numbers in
the order in which people find them simple: 0, 1, -1, 2, ... first, then 0.5, -0.5, 1.5, ..., then
those with more decimals. For ``range(-8, 9)`` in quarters, say, a failing input is shown as 1 and
not as 0.25 or -2 if all three fail.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def simplicity(number: float) -> tuple[int, float, bool]:
    """Return what is least for the simplest number: its decimals, its size, its sign."""
    decimals = 0 if number == int(number) else len(repr(abs(number)).partition(".")[2])
    return decimals, abs(number), number < 0


def simple(numbers: Iterable[float]) -> "SearchStrategy[float]":
    """Return a strategy that draws one of some finite numbers, and shrinks to the simplest.

    Parameters
    ----------
    numbers : iterable of float

    Raises
    ------
    ValueError
        If there is none.
    """
    from hypothesis import strategies as st

    ordered = sorted(map(float, numbers), key=simplicity)
    if not ordered:
        raise ValueError("numbers must hold at least one number, but is empty")
    # Not `sampled_from`: an array of such entries would be filled with a single one of them.
    return st.integers(0, len(ordered) - 1).map(ordered.__getitem__)
