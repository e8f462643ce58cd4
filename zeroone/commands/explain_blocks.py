"""One block update as `zeroone explain` tells it: values that are rendered elsewhere.

A `BlockReport` holds the equation, the arrays, the objective and one worked element. A worked
element is computed from the arrays before the update, by other means than the library's, and
carries its numbers next to the library's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.bcd.objective import Coefficients, State
from zeroone.bcd.options import Options
from zeroone.validation import FloatArray

# A label and what it says; the renderer puts the labels in a column of their own.
Line = tuple[str, str]

# Two costs nearer than this, relative to their size, are a tie as far as rounding can tell.
TIE = 1e-9

# A sum of products is known to within this, relative to the sum of their magnitudes.
ROUNDING = 1e-13

# A change of F below this, relative to F, is rounding.
RESOLUTION = 1e-11


@dataclass(frozen=True)
class Update:
    """One block update: what it found and what it left behind.

    Parameters
    ----------
    block : str
        Its name, such as ``"U1"``.
    before, after : State
        Copies of the variables.
    coefficients : Coefficients
    options : Options
    rng : numpy.random.Generator
        A copy of the generator as the update found it.
    unit, sample : int, optional
        The element asked for, counted from 0.
    """

    block: str
    before: State
    after: State
    coefficients: Coefficients
    options: Options
    rng: np.random.Generator
    unit: int | None = None
    sample: int | None = None

    @property
    def layer(self) -> int:
        """The layer's number, from 0."""
        return int(self.block[1:]) - 1

    @property
    def kind(self) -> str:
        """What is updated: "W", "V", "U" (entry by entry) or "J" (neuron by neuron)."""
        by_neuron = self.block[0] == "U" and self.options.splitting == "two"
        return "J" if by_neuron else self.block[0]

    @property
    def pi(self) -> float:
        """The price of a mismatched activation; infinite where V = step(U) exactly."""
        if self.options.splitting == "two":
            return math.inf
        return self.coefficients.pi[self.layer]

    @property
    def flips(self) -> int:
        """How many hidden bits step(U) differ before and after."""
        pairs = zip(self.before.preactivations, self.after.preactivations, strict=True)
        return sum(int(np.count_nonzero((old > 0) != (new > 0))) for old, new in pairs)


@dataclass(frozen=True)
class Comparison:
    """A number by hand and the library's.

    Parameters
    ----------
    quantity : str
        What it is.
    by_hand, library : float
    tolerance : float
        By how much they may differ through rounding.
    """

    quantity: str
    by_hand: float
    library: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two are equal up to rounding."""
        return abs(self.by_hand - self.library) <= self.tolerance


@dataclass(frozen=True)
class Worked:
    """One entry or row computed by hand.

    Parameters
    ----------
    title : str
        Which one, and why it.
    lines : tuple of (label, text)
        The steps with their numbers.
    comparisons : tuple of Comparison
        The results next to the library's.
    """

    title: str
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        """Whether every result agrees with the library's."""
        return all(comparison.agrees for comparison in self.comparisons)


@dataclass(frozen=True)
class BlockReport:
    """All that is told of one block update.

    Parameters
    ----------
    block, heading : str
        Its name, and what it does in a few words.
    equations : tuple of (label, text)
    shapes : tuple of (name, shape, meaning)
        The arrays that take part.
    before, after : mapping of str to float
        F by term.
    flips : int
        How many hidden bits changed.
    worked : Worked
    """

    block: str
    heading: str
    equations: tuple[Line, ...]
    shapes: tuple[tuple[str, tuple[int, ...], str], ...]
    before: Mapping[str, float]
    after: Mapping[str, float]
    flips: int
    worked: Worked

    @property
    def objective_before(self) -> float:
        """F before the update."""
        return sum(self.before.values())

    @property
    def objective_after(self) -> float:
        """F after the update."""
        return sum(self.after.values())

    @property
    def fall(self) -> float:
        """By how much F fell; 0 for what is not more than rounding."""
        fall = self.objective_before - self.objective_after
        return fall if abs(fall) > RESOLUTION * self.objective_before else 0.0


def num(value: float) -> str:
    """Return a number with six digits."""
    return f"{value:.6g}"


def factor(value: float) -> str:
    """Return a number that can follow an operator: in brackets if it is negative."""
    return f"({num(value)})" if value < 0 else num(value)


def vector(values: FloatArray | Sequence[float]) -> str:
    """Return all of a short vector, or the beginning of a long one."""
    shown = [f"{value:.5g}" for value in values[:12]]
    if len(values) <= 12:
        return f"({', '.join(shown)})"
    return f"({', '.join(shown[:6])}, ...), {len(values)} numbers"


def dot(p: FloatArray | Sequence[float], q: FloatArray | Sequence[float]) -> float:
    """Return the sum of products, one at a time."""
    return math.fsum(float(x) * float(y) for x, y in zip(p, q, strict=True))


def uncertainty(p: FloatArray | Sequence[float], q: FloatArray | Sequence[float]) -> float:
    """Return by how much two ways of adding the same products may differ."""
    return ROUNDING * math.fsum(abs(float(x) * float(y)) for x, y in zip(p, q, strict=True))


def names(update: Update, layer: int) -> tuple[str, str, str]:
    """Return the names of a layer's input, weights and target: ("V0", "W1", "U1")."""
    top = layer == update.before.n_layers - 1
    return f"V{layer}", f"W{layer + 1}", "Y" if top else f"U{layer + 1}"
