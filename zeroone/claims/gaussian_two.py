"""Two filters with one teacher, for claims on how a gradient or the loss changes between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.gaussian_pairs import log_uniform, orthogonal_to, random_teachers
from zeroone.validation import FloatArray


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
    In one dimension the angles are 0 or pi, whatever delta.
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
        theta1, theta2 = rng.choice([0, np.pi], (2, m))
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
