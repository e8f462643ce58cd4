"""Count comparisons by their order of magnitude, in bins fixed beforehand so that counts add up."""

from dataclasses import dataclass

import numpy as np

from zeroone.support.validation import FloatArray

LOWEST, HIGHEST = -18, 1  # the decades' exponents
PER_DECADE = 4

# Powers of ten are exact (as `float("1e-9")` is), so that a tolerance of 1e-9 is a bin's edge.
EDGES = np.append(
    [
        float(f"1e{decade}") * 10 ** (part / PER_DECADE)
        for decade in range(LOWEST, HIGHEST)
        for part in range(PER_DECADE)
    ],
    float(f"1e{HIGHEST}"),
)


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each bin; histograms of parts add up to that of the whole.

    Parameters
    ----------
    negative : int
        Values below zero.
    zero : int
        Values from zero to the first of `EDGES`, both included.
    counts : tuple of int
        Values above one edge up to and with the next one; the last bin has no upper end.
    infinite : int
        Values that are infinite.
    """

    negative: int = 0
    zero: int = 0
    counts: tuple[int, ...] = (0,) * (len(EDGES) - 1)
    infinite: int = 0

    @classmethod
    def of(cls, values: FloatArray) -> "Histogram":
        """Count an array of values without NaN."""
        positive = values[(values > EDGES[0]) & (values < np.inf)]
        bins = np.minimum(np.searchsorted(EDGES, positive, side="left") - 1, len(EDGES) - 2)
        counts = np.bincount(bins, minlength=len(EDGES) - 1)
        return cls(
            negative=int(np.count_nonzero(values < 0)),
            zero=int(np.count_nonzero((values >= 0) & (values <= EDGES[0]))),
            counts=tuple(int(count) for count in counts),
            infinite=int(np.count_nonzero(values == np.inf)),
        )

    def __add__(self, other: "Histogram") -> "Histogram":
        """Count both."""
        return Histogram(
            self.negative + other.negative,
            self.zero + other.zero,
            tuple(one + two for one, two in zip(self.counts, other.counts, strict=True)),
            self.infinite + other.infinite,
        )

    @property
    def total(self) -> int:
        """All values counted."""
        return self.negative + self.zero + sum(self.counts) + self.infinite
