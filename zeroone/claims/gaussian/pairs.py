"""Random filters and teachers at known angles: the samplers of all claims on the network.

Instances come in groups of one dimension, so that a claim computes a group as one array. Filters
are put together from an orthonormal pair, w = |w| (cos(theta) w* + sin(theta) e), in extended
precision: the angle is known, and right to the last digit of float64, before anything of the
package has been called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.support.validation import FloatArray

RVS = "Dinh, Xin, arXiv:1901.09731"
BCGD = "Yin et al., arXiv:1808.05240"

Pair = tuple[FloatArray, FloatArray]  # measured, theoretical
LARGEST_DIMENSION = 200
GROUPS = 12


@dataclass(frozen=True)
class Pairs:
    """A group of filters and teachers in one dimension.

    Parameters
    ----------
    w, w_star : ndarrays of shape (m, d)
        The teachers have norm 1.
    theta : ndarray of shape (m,)
        The angles by which they were put together.
    offset : ndarray of shape (m,)
        The distance of theta from the nearer end of [0, pi].
    k : ndarray of shape (m,)
        Numbers of patches.
    """

    w: FloatArray
    w_star: FloatArray
    theta: FloatArray
    offset: FloatArray
    k: NDArray[np.int64]

    @property
    def length(self) -> FloatArray:
        """The norms of the filters, of shape (m, 1), in extended precision."""
        return np.sqrt(np.sum(self.w.astype(np.longdouble) ** 2, axis=1, keepdims=True))


def dimensions(
    rng: np.random.Generator, count: int, lowest: int = 1, groups: int = GROUPS
) -> list[tuple[int, int]]:
    """Return (dimension, number of instances) of groups that add up to `count`.

    Both ends of the range, 2 and 3 are among the dimensions once there are more than four groups.
    """
    n_groups = min(groups, count)
    drawn = log_uniform(rng, lowest, LARGEST_DIMENSION + 1, n_groups).astype(int).tolist()
    ends = [lowest, LARGEST_DIMENSION, 2, 3]
    chosen = [*ends, *drawn][:n_groups] if n_groups > len(ends) else drawn
    sizes = [len(part) for part in np.array_split(np.empty(count), n_groups)]
    return list(zip(chosen, sizes, strict=True))


def log_uniform(rng: np.random.Generator, low: float, high: float, size: Any) -> FloatArray:
    """Return numbers whose logarithms are uniform between those of `low` and `high`."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def random_teachers(rng: np.random.Generator, m: int, d: int) -> NDArray[np.longdouble]:
    """Return m directions of norm 1: generic, sparse, and along an axis."""
    a = rng.standard_normal((m, d))
    kind = rng.integers(4, size=m)
    keep = np.where(kind == 0, 0.1, np.where(kind == 1, 0.0, 1.0))[:, np.newaxis]
    a *= rng.random((m, d)) < keep
    empty = ~a.any(axis=1)
    a[empty, rng.integers(d, size=np.count_nonzero(empty))] = rng.choice([-1.0, 1.0])
    return normalised(a.astype(np.longdouble))


def orthogonal_to(rng: np.random.Generator, a: NDArray[Any]) -> NDArray[np.longdouble]:
    """Return random directions of norm 1 orthogonal to the rows of a (zero in one dimension)."""
    m, d = a.shape
    if d == 1:
        return np.zeros((m, d), np.longdouble)
    b = rng.standard_normal((m, d)).astype(np.longdouble)
    for _ in range(2):  # twice is enough
        b = normalised(b - np.sum(a * b, axis=1, keepdims=True) * a)
    return b


def normalised(a: NDArray[Any]) -> NDArray[Any]:
    """Return the rows of a, divided by their norms."""
    return a / np.sqrt(np.sum(a**2, axis=1, keepdims=True))


def random_offsets(rng: np.random.Generator, m: int, least: float) -> FloatArray:
    """Return distances of angles from the nearer end of [0, pi], between `least` and pi/2.

    Generic ones, ones over all orders of magnitude down to 1e-17, and the ends of the range.
    """
    kind = rng.integers(4, size=m)
    generic = rng.uniform(0, np.pi / 2, m)
    tiny = log_uniform(rng, 1e-17, 1.0, m)
    ends = rng.choice([0.0, np.pi / 2], m)
    return np.maximum(np.choose(kind, [generic, generic, tiny, ends]), least)


def pairs(
    least: float = 0.0,
    lowest: int = 1,
    lengths: tuple[float, float] = (1e-150, 1e150),
    groups: int = GROUPS,
) -> Callable[[np.random.Generator, int], list[Pairs]]:
    """Return a sampler of groups of pairs.

    Parameters
    ----------
    least : float
        How near to 0 and pi the angles may be; at 0 the ends are reached, and dimension 1 allowed.
    lowest : int
        The smallest dimension.
    lengths : tuple of float
        The range of norms of the filters; a third of them is 1 (or the nearest in the range).
    groups : int
        Number of groups at most.
    """

    def sample(rng: np.random.Generator, count: int) -> list[Pairs]:
        return [
            random_pairs(rng, m, d, least, lengths)
            for d, m in dimensions(rng, count, lowest, groups)
        ]

    return sample


def random_pairs(
    rng: np.random.Generator, m: int, d: int, least: float, lengths: tuple[float, float]
) -> Pairs:
    """Return m pairs in dimension d; see `pairs`."""
    teacher = random_teachers(rng, m, d)
    offset = random_offsets(rng, m, least) if d > 1 else np.zeros(m)
    obtuse = rng.random(m) < 0.5
    length = log_uniform(rng, *lengths, m)
    length = np.where(rng.random(m) < 1 / 3, np.clip(1.0, *lengths), length)
    angle = offset.astype(np.longdouble)[:, np.newaxis]
    w = np.cos(angle) * teacher + np.sin(angle) * orthogonal_to(rng, teacher)
    w *= (length * np.where(obtuse, -1, 1))[:, np.newaxis]
    k = rng.choice([1, 2, 3, 20, int(rng.integers(1, 500))], m)
    theta = np.where(obtuse, np.pi - offset, offset)
    return Pairs(w.astype(float), teacher.astype(float), theta, offset, k)


def folded(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows as an array with one axis more: in twos if their number is even, else in ones."""
    return rows.reshape(-1, 1 if len(rows) % 2 else 2, *rows.shape[1:])


@dataclass(frozen=True)
class TwoFilters:
    """A group of two filters each, which share a teacher.

    Parameters
    ----------
    w1, w2, w_star : ndarrays of shape (m, d)
    delta : ndarray of shape (m,)
        Both angles are in [delta, pi - delta].
    k : ndarray of shape (m,)
        Numbers of patches.
    """

    w1: FloatArray
    w2: FloatArray
    w_star: FloatArray
    delta: FloatArray
    k: NDArray[np.int64]

    @property
    def shortest(self) -> FloatArray:
        """The norm of the shorter of the two filters."""
        return np.minimum(np.linalg.norm(self.w1, axis=1), np.linalg.norm(self.w2, axis=1))


def on_sphere(teacher: FloatArray, e: FloatArray, theta: FloatArray) -> FloatArray:
    """Return cos(theta) w* + sin(theta) e for orthonormal w* and e."""
    return np.cos(theta)[:, np.newaxis] * teacher + np.sin(theta)[:, np.newaxis] * e


def random_two(rng: np.random.Generator, m: int, d: int, delta: FloatArray) -> TwoFilters:
    """Return pairs of unit filters at angles in [delta, pi - delta] from their teachers.

    In turn: opposite each other at the angle delta; independent; 0.001 or more apart along one arc.
    In one dimension one angle is 0 and the other pi, whatever delta.
    """
    teacher = random_teachers(rng, m, d).astype(float)
    e1 = orthogonal_to(rng, teacher).astype(float)
    e2 = orthogonal_to(rng, teacher).astype(float)
    theta1, theta2 = rng.uniform(delta, np.pi - delta, (2, m))
    arc = np.minimum(log_uniform(rng, 1e-3, 1.0, m), np.pi / 2 - delta)
    along = theta1 + np.where(theta1 + arc <= np.pi - delta, arc, -arc)
    kind = np.arange(m) % 3
    theta1 = np.where(kind == 0, delta, theta1)
    theta2 = np.choose(kind, [delta, theta2, along])
    e2 = np.choose(kind[:, np.newaxis], [-e1, e2, e1])
    if d == 1:
        theta1 = rng.choice([0, np.pi], m)
        theta2 = np.pi - theta1
    w1, w2 = on_sphere(teacher, e1, theta1), on_sphere(teacher, e2, theta2)
    k = rng.choice([1, 2, 3, 20, int(rng.integers(1, 500))], m)
    return TwoFilters(w1, w2, teacher, delta, k)


def lengthen(rng: np.random.Generator, two: TwoFilters, least: FloatArray) -> TwoFilters:
    """Return the filters with norms of at least `least`, and exactly that for every third pair."""
    m = len(least)
    tight = np.arange(m) % 3 == 0
    lengths = [np.where(tight, 1, log_uniform(rng, 1, 100, m)) * least for _ in range(2)]
    w1, w2 = (w * length[:, None] for w, length in zip((two.w1, two.w2), lengths, strict=True))
    return TwoFilters(w1, w2, two.w_star, two.delta, two.k)


def ordered(group: TwoFilters, falling: bool) -> TwoFilters:
    """Return the pairs with theta2 <= theta1, or with theta2 >= theta1 if not `falling`."""
    cosine1 = np.sum(group.w1 * group.w_star, axis=1)
    cosine2 = np.sum(group.w2 * group.w_star, axis=1)
    swap = ((cosine1 > cosine2) == falling)[:, np.newaxis]
    w1, w2 = np.where(swap, group.w2, group.w1), np.where(swap, group.w1, group.w2)
    return TwoFilters(w1, w2, group.w_star, group.delta, group.k)


def by_group(
    function: Callable[[Any, Any], Pair],
) -> Callable[[Any, list[Any]], Pair]:
    """Turn a comparison on one group into one on a list of them."""

    def measure(subject: Any, groups: list[Any]) -> Pair:
        compared = [np.broadcast_arrays(*function(subject, group)) for group in groups]
        measured = np.concatenate([np.ravel(one) for one, _ in compared])
        return measured, np.concatenate([np.ravel(other) for _, other in compared])

    measure.__wrapped__ = function  # type: ignore[attr-defined]
    return measure
