"""Claim: max-pooling commutes with steps, and has one winner (docs/theory.md#d2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, each_compared
from zeroone.claims.nets.plain import (
    Two,
    bordered,
    outputs,
    pooled,
    pooled_back,
    unit_values,
)
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.units import Units
from zeroone.support.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Pooled:
    """Pre-activations Z, the units and the windows, and G, what comes back to each window."""

    Z: FloatArray
    units: Units
    size: Two
    stride: Two
    padding: Two
    G: FloatArray


def sample_pooled(rng: np.random.Generator, count: int) -> list[Pooled]:
    """Draw pre-activations, most of them of few values: many tie, and many lie at a jump."""
    drawn = []
    for number in range(count):
        n, height, width, channels = (int(rng.integers(1, most)) for most in (4, 7, 7, 4))
        size = tuple(int(rng.integers(1, min(pixels, 4) + 1)) for pixels in (height, width))
        stride = tuple(rng.integers(1, 4, 2).tolist())
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in size)
        activation = ("step", "sign", "staircase")[number % 3]
        levels = int(rng.choice([2, 3, 5])) if activation == "staircase" else None
        Z = rng.integers(-3, 5, (n, height, width, channels)) / 4
        if rng.random() < 0.2:
            Z = rng.standard_normal(Z.shape)
        one = Pooled(
            Z,
            Units(activation, levels),
            (size[0], size[1]),
            (stride[0], stride[1]),
            (padding[0], padding[1]),
            np.empty(0),
        )
        positions = outputs(bordered(Z, one.padding), one.size, one.stride)
        drawn.append(replace(one, G=rng.standard_normal((n, *positions, channels))))
    return drawn


def by_layers(kinds: tuple[Any, Any], drawn: Pooled) -> Arrays:
    """Return what pooling gives: of Z, of the units' values, what the units make of it, and back.

    The derivative goes back twice: to Z, and to the bits if these are pooled.
    """
    pooling, kind = kinds
    layer = pooling(drawn.size, drawn.stride, drawn.padding)
    units = kind(drawn.units.activation, drawn.units.levels)
    largest = layer.forward(drawn.Z)
    to_Z = layer.backward(drawn.G)
    of_bits = layer.forward(units.forward(drawn.Z))
    to_bits = layer.backward(drawn.G)
    return largest, units.forward(largest), of_bits, to_Z, to_bits


def by_definition(drawn: Pooled) -> Arrays:
    """Return the same, window by window."""
    windows = drawn.size, drawn.stride, drawn.padding
    largest, winners = pooled(drawn.Z, *windows)
    values = unit_values(largest, drawn.units.activation, drawn.units.levels)
    bits = unit_values(drawn.Z, drawn.units.activation, drawn.units.levels)
    _, winning_bits = pooled(bits, *windows)
    shape = drawn.Z.shape
    back = (pooled_back(drawn.G, found, shape) for found in (winners, winning_bits))
    return (largest, values, values, *back)


class LastWins(MaxPooling):
    """The last of equal entries wins."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the maxima."""
        A = super().forward(V, remember=remember)
        padded = self.window.padded(V, -np.inf)
        for number, pixel in enumerate(self.pixels()):
            self.winners[self.window.shifted(padded, *pixel) == A] = number
        return A


class ColumnsFirst(MaxPooling):
    """The first of equal entries wins, column by column."""

    def pixels(self) -> list[tuple[int, int]]:
        """Return the pixels of the window, column by column."""
        return sorted(super().pixels(), key=lambda pixel: pixel[::-1])


class AllWin(MaxPooling):
    """All equal entries win."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G at all of them."""
        total = np.zeros(self.padded_shape, G.dtype)
        for pixel in self.pixels():
            place = self.window.shifted(total, *pixel)
            place += G * (self.window.shifted(self.padded, *pixel) == self.largest)
        return self.window.unpadded(total)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the maxima."""
        self.padded = self.window.padded(V, -np.inf)
        self.largest = super().forward(V, remember=remember)
        return self.largest


class BorderWins(MaxPooling):
    """A border of zeros, which may win."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the maxima."""
        down, right = self.window.padding
        result = MaxPooling(self.window.size, self.window.stride).forward(
            np.pad(V, ((0, 0), (down, down), (right, right), (0, 0)))
        )
        super().forward(V, remember=remember)
        return result


class JumpAtOrAbove(Units):
    """Units that jump at their thresholds already."""

    def forward(self, Z: FloatArray) -> FloatArray:
        """Return the values a little above Z."""
        return super().forward(np.nextafter(Z, np.inf))


POOLING = Claim(
    id="nets.max-pooling-commutes",
    statement="max_q act(z_q) = act(max_q z_q) for step, sign and staircases, and the derivative "
    "goes to the winning position only, the first in row order on a tie.",
    source="docs/theory.md#d2",
    kind=Kind.EQUALITY,
    sample=sample_pooled,
    measure=each_compared(by_layers, by_definition),
    subject=(MaxPooling, Units),
    planted={
        "the mean": (AveragePooling, Units),
        "the last one wins a tie": (LastWins, Units),
        "column by column": (ColumnsFirst, Units),
        "all that tie win": (AllWin, Units),
        "the border takes part": (BorderWins, Units),
        "a jump at the threshold": (MaxPooling, JumpAtOrAbove),
    },
    tolerance=1e-12,
    hypotheses="windows that overlap, touch or leave gaps, with borders; many ties, many entries "
    "at a jump",
    cases=80,
)

CLAIMS = (POOLING,)
