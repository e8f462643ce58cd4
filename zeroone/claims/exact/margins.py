"""Claims: what a separation says of its margin, and where a hyperplane lies (docs/theory.md#c2).

A unit whose targets are all equal needs no direction: its margin has no end, and there is no gap.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.exact.separability import KINDS, SOURCE, Points, Separator, random_points
from zeroone.exact.separability import Separation, hyperplane, separate
from zeroone.support.validation import FloatArray

# ------------------------------------------------------------------------------------- the gap


def draw_any_targets(rng: np.random.Generator, count: int) -> list[Points]:
    """Return point sets with targets of both signs, of one sign, and of none.

    Where there is one sign the first sample's target does not matter.
    """
    drawn = []
    for i in range(count):
        points = random_points(rng, KINDS[i % len(KINDS)], 6)
        t = points.targets
        if i % 2:
            t = rng.choice([-1.0, 1.0]) * np.abs(t)
            t[0] = 0.0
        drawn.append(replace(points, targets=0.0 * t if i % 10 == 9 else t))
    return drawn


def measure_gap(separator: Separator, points: Points) -> list[tuple[float, float]]:
    """Compare gaps, each plus 1, with their definition in fractions."""
    X, t = points.X, points.targets
    found = separator(X, t)
    if not (np.any(t > 0) and np.any(t < 0)):
        assert found.weights is not None
        assert found.bias is not None
        # Of v = (0, b) all a_n.v are |b|, and so is the size that slack divides by.
        return [
            (1.0 + found.gap, 1.0),
            (found.slack, 1.0),
            (2.0 + found.bias, 2.0 + t[np.argmax(np.abs(t))]),
            (1.0 + np.abs(found.weights).sum(), 1.0),
            (1.0 + (found.margin == np.inf), 2.0),
        ]
    if not found.separable:
        return [(1.0 + np.isnan(found.gap), 2.0)]
    any_one = separator(X, t, largest_margin=False)
    nearer = replace(found, margin=found.margin / 4)
    lost = replace(found, margin=0.0, bound=0.0)
    return [
        (1.0 + found.gap, 1.0),
        (1.0 + nearer.gap, 1.0 + share_left(nearer.margin, nearer.bound)),
        (1.0 + any_one.gap, 2.0),  # nothing is certified
        (1.0 + np.isnan(lost.gap), 2.0),
    ]


def share_left(margin: float, bound: float) -> float:
    """Return which share of a bound a margin leaves, in fractions."""
    return float(1 - Fraction(margin) / Fraction(bound))


class OfMargin(Separation):
    """A separation whose gap is relative to the margin."""

    @property
    def gap(self) -> float:
        """The gap's error."""
        if not np.isfinite(self.bound) or self.margin == 0:
            return super().gap
        return (self.bound - self.margin) / self.margin


class InUnits(Separation):
    """A separation whose gap is in the units of the samples."""

    @property
    def gap(self) -> float:
        """The gap's error."""
        if not np.isfinite(self.bound) or self.margin == 0:
            return super().gap
        return self.bound - self.margin


def of_kind(kind: type[Separation]) -> Separator:
    """Return `separate` with answers of another kind."""
    return lambda X, targets, **options: kind(**vars(separate(X, targets, **options)))


def never_sure(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Take a margin without end for one that nobody has certified."""
    found = separate(X, targets, **options)
    return replace(found, margin=np.finfo(float).max) if found.margin == np.inf else found


GAP = Claim(
    id="targetprop.gap",
    statement="The gap is (bound - margin) / bound: 0 at the largest margin, 1 where no bound was "
    "asked for; and where no target differs, the margin is infinite, the weights are 0, the slack "
    "is 1, and there is no gap.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_any_targets,
    measure=each(measure_gap),
    subject=separate,
    planted={
        "relative to the margin": of_kind(OfMargin),
        "in the units of the samples": of_kind(InUnits),
        "equal targets need a certificate": never_sure,
    },
    tolerance=1e-9,
    hypotheses="small point sets; targets of both signs, of one, and of none",
    cases=40,
)

# ----------------------------------------------------------------------------- the place halfway


@dataclass(frozen=True, eq=False)
class Directed:
    """Points with targets of both signs, and a direction of any length.

    Attributes
    ----------
    X : ndarray of shape (n, p)
    targets : ndarray of shape (n,)
    direction : ndarray of shape (p,)
        Of size about 1, or 0.
    exponent : int
        Two to this power is what the direction is multiplied with.
    """

    X: FloatArray
    targets: FloatArray
    direction: FloatArray
    exponent: int


def draw_directed(rng: np.random.Generator, count: int) -> list[Directed]:
    """Return points that a direction separates, or separates the wrong way, or does not.

    Some of the last lie in one point, at zero, where w.x + b is 0 without any rounding; and every
    tenth direction is no direction.
    """
    drawn = []
    for i in range(count):
        n, p = int(rng.integers(3, 7)), int(rng.integers(1, 4))
        X, direction = rng.uniform(-1, 1, (n, p)), rng.standard_normal(p)
        z = X @ direction
        t = np.where(z > np.sort(z)[[0, 0, -2][i % 3]], 1.0, -1.0)
        if i % 5 == 1:
            t = -t
        elif i % 5 == 2:
            t[[np.argmin(z), np.argmax(z)]] = 1.0, -1.0
        elif i % 5 == 3:
            X = np.zeros_like(X)
        exponent = int(rng.choice([-700, 0, 1, 700]))
        drawn.append(Directed(X, t, direction * (i % 10 != 4), exponent))
    return drawn


def place_halfway(at: Directed) -> tuple[FloatArray, float, float] | None:
    """Return unit weights, the bias and the margin from the two nearest samples' projections."""
    length = np.sqrt(np.sum(at.direction**2))
    if length == 0:
        return None
    z = [float(np.sum(x * at.direction) / length) for x in at.X]
    above = min(value for value, t in zip(z, at.targets, strict=True) if t > 0)
    below = max(value for value, t in zip(z, at.targets, strict=True) if t < 0)
    if not above > below:
        return None
    return at.direction / length, -(above + below) / 2, (above - below) / 2


def measure_halfway(
    place: Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, float, float] | None],
    at: Directed,
) -> list[tuple[float, float]]:
    """Compare whether there is a hyperplane (2) or none (1), its weights, bias and margin."""
    found = place(at.X, at.targets, np.ldexp(at.direction, at.exponent))
    truth = place_halfway(at)
    pairs = [(1.0 + (found is not None), 1.0 + (truth is not None))]
    if found is None or truth is None:
        return pairs
    pairs += list(zip(found[0].tolist(), truth[0].tolist(), strict=True))
    return [*pairs, (found[1], truth[1]), (found[2], truth[2])]


def as_it_comes(
    X: FloatArray, t: FloatArray, direction: FloatArray
) -> tuple[FloatArray, float, float] | None:
    """Keep the direction's length."""
    found = hyperplane(X, t, direction)
    return None if found is None else (direction, *found[1:])


def at_a_sample(
    X: FloatArray, t: FloatArray, direction: FloatArray
) -> tuple[FloatArray, float, float] | None:
    """Put the hyperplane on the nearest sample of target 1."""
    found = hyperplane(X, t, direction)
    return None if found is None else (found[0], found[1] - found[2], 0.0)


def either_way(
    X: FloatArray, t: FloatArray, direction: FloatArray
) -> tuple[FloatArray, float, float] | None:
    """Turn a direction that separates the wrong way round."""
    return hyperplane(X, t, direction) or hyperplane(X, t, -direction)


HALFWAY = Claim(
    id="targetprop.halfway",
    statement="Along a direction of any length, the hyperplane of weights of norm 1 lies halfway "
    "between the nearest samples of either side; there is none if a sample is on the wrong side, "
    "or on it.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_directed,
    measure=each(measure_halfway),
    subject=hyperplane,
    planted={
        "the length kept": as_it_comes,
        "at a sample": at_a_sample,
        "either way round": either_way,
    },
    tolerance=1e-11,
    hypotheses="directions of length about 1, times 2^-700 to 2^700; points in [-1, 1]",
    cases=60,
)

CLAIMS = (GAP, HALFWAY)
