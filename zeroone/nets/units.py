"""The hidden units between layers: which step, and which slope stands in for its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zeroone.activations import PSEUDO_DERIVATIVES, sign, staircase, step
from zeroone.nets.layers import Layer
from zeroone.support.validation import FloatArray, check_choice, check_integer

ACTIVATIONS = ("step", "sign", "staircase")
# A staircase compares every entry with each of its jumps.
MAXIMUM_LEVELS = 10_000


@dataclass(frozen=True)
class Units:
    """The hidden units of a layer: what each makes of its pre-activation, entry by entry.

    Parameters
    ----------
    activation : {"step", "sign", "staircase"}
        See `zeroone.activations`.
    levels : int, optional
        The number k of values of the staircase, from 2 to 10,000; for it and only for it.

    Raises
    ------
    ValueError
        If there is no such activation, or `levels` does not go with it.
    """

    activation: str = "step"
    levels: int | None = None

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.activation == "staircase":
            if check_integer("levels", self.levels, minimum=2) > MAXIMUM_LEVELS:
                raise ValueError(f"levels must be at most {MAXIMUM_LEVELS}, but is {self.levels}")
        elif self.levels is not None:
            raise ValueError(
                f"levels must be None for activation {self.activation!r}, but is {self.levels!r}"
            )

    def forward(self, Z: FloatArray) -> FloatArray:
        """Return act(Z), of Z's shape."""
        if self.levels is not None:
            return staircase(Z, self.levels)
        return step(Z) if self.activation == "step" else sign(Z)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The places of the jumps: 0; of a staircase j/(k - 1) for j = 0, ..., k - 2.

        A staircase is the mean of the steps that jump there (docs/theory.md#c1).
        """
        n_steps = 1 if self.levels is None else self.levels - 1
        return tuple(j / n_steps for j in range(n_steps))


class HiddenUnits(Layer):
    """Hidden units as a layer of a network: a step forward, a pseudo-derivative backward.

    With e = dL/dV for the outputs V = act(Z) ::

        dL/dZ  :=  e mu'(Z)

    stands in for the true derivative, which is zero (`zeroone.activations`; docs/theory.md#units).

    Parameters
    ----------
    activation, levels
        As for `Units`.
    pseudo_derivative : {"identity", "relu", "clipped_relu", "saturating"}, optional
        mu'. By default "saturating" for sign units and "clipped_relu" for the others.

    Raises
    ------
    ValueError
        If there is no such activation or pseudo-derivative.
    """

    kind = "units"
    channelwise = True

    def __init__(
        self,
        activation: str = "step",
        levels: int | None = None,
        pseudo_derivative: str | None = None,
    ) -> None:
        self.units = Units(activation, levels)
        if pseudo_derivative is None:
            pseudo_derivative = "saturating" if activation == "sign" else "clipped_relu"
        self.pseudo_derivative = check_choice(
            "pseudo_derivative", pseudo_derivative, PSEUDO_DERIVATIVES
        )

    def forward(self, Z: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return act(Z), and remember Z, or only look."""
        if remember:
            self.Z = Z
        return self.units.forward(Z)

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return e mu'(Z) for e = G."""
        return G * PSEUDO_DERIVATIVES[self.pseudo_derivative](self.Z)

    def arguments(self) -> dict[str, Any]:
        """Return activation, levels and pseudo-derivative."""
        return {
            "activation": self.units.activation,
            "levels": self.units.levels,
            "pseudo_derivative": self.pseudo_derivative,
        }
