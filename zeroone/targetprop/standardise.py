"""Samples moved and scaled so that neither offsets nor units drown what separates them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeroone.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Standardised:
    """Samples with features moved and scaled to [-1, 1]; a constant feature becomes 0.

    Neither changes what is separable. Moving by any number whatever is exact to a relative error of
    one rounding of the difference, so that a large offset does not drown a small spread.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    spread : ndarray of shape (p,)
        Half the range of each feature, in its own unit; 1 if it is constant.
    """

    X: FloatArray
    spread: FloatArray

    @property
    def isotropic(self) -> FloatArray:
        """The samples moved, and scaled by one number for all features: distances keep ratios."""
        return self.X * (self.spread / self.scale)

    @property
    def scale(self) -> float:
        """The number by which `isotropic` was divided."""
        return float(self.spread[self.varies].max()) if self.varies.any() else 1.0

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which features are not constant."""
        return np.any(self.X != 0, axis=0)

    def rows(self, targets: FloatArray) -> FloatArray:
        """Return the rows t_n (x_n, 1) of the system A v > 0."""
        return targets[:, np.newaxis] * np.hstack([self.X, np.ones((len(self.X), 1))])


def standardise(X: FloatArray) -> Standardised:
    """Return samples with their features moved and scaled to [-1, 1]."""
    # Powers of two first, feature by feature, so that no range or centre overflows.
    exponents = np.frexp(np.max(np.abs(X), axis=0))[1]
    X = np.ldexp(X, -exponents)
    low, high = X.min(axis=0), X.max(axis=0)
    moved = X - (low + high) / 2
    half = np.max(np.abs(moved), axis=0)
    constant = low == high
    moved[:, constant], half[constant] = 0.0, 1.0
    spread = np.where(constant, 1.0, np.ldexp(half, exponents))
    return Standardised(moved / half, spread)
