"""Random small point sets with targets for the claims on exact references, and a plain oracle.

The oracle tries every small subset of the points for a certificate. It calls none of the package's
own solvers: an oracle never shares code with what it checks.
"""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from zeroone.validation import FloatArray

# Positions of points; those after the first are not general.
KINDS = (
    "generic",
    "lattice",
    "duplicates",
    "on a line",
    "constant feature",
    "few points",
    "don't care",
)
SCALES = (1.0, 1.0, 1e-150, 1e150, 1e-3)


@dataclass(frozen=True, eq=False)
class Points:
    """Points with targets, and the same points moved and scaled.

    Attributes
    ----------
    plain : ndarray of shape (n, p)
        Of size about 1.
    X : ndarray of shape (n, p)
        ``plain`` with an offset, times a scale.
    targets : ndarray of shape (n,)
        -1, 0 and +1, of both signs.
    scale : float
    kind : str
    """

    plain: FloatArray
    X: FloatArray
    targets: FloatArray
    scale: float
    kind: str


def draw_points(rng: np.random.Generator, count: int, *, largest: int = 8) -> list[Points]:
    """Return point sets in one to three dimensions, of all kinds in turn."""
    return [random_points(rng, KINDS[i % len(KINDS)], largest) for i in range(count)]


def draw_generic(rng: np.random.Generator, count: int) -> list[Points]:
    """Return point sets in general position."""
    return [random_points(rng, "generic", 8) for _ in range(count)]


def draw_degenerate(rng: np.random.Generator, count: int) -> list[Points]:
    """Return sets of more than p + 1 points, p >= 2, that are not in general position."""
    kinds = ("lattice", "duplicates", "on a line", "constant feature")
    return [random_points(rng, kinds[i % len(kinds)], 8, lowest=2) for i in range(count)]


def random_points(rng: np.random.Generator, kind: str, largest: int, *, lowest: int = 1) -> Points:
    """Return points of one kind with random targets of both signs.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        One of `KINDS`.
    largest : int
        Number of points at most.
    lowest : int
        Number of dimensions at least.
    """
    p = int(rng.integers(lowest, 4))
    n = int(rng.integers(2, p + 2) if kind == "few points" else rng.integers(p + 2, largest + 1))
    plain = rng.uniform(-1, 1, (n, p))
    if kind == "lattice":
        plain = rng.integers(0, 3, (n, p)).astype(float)
    elif kind == "duplicates":
        plain[n // 2 :] = plain[rng.integers(0, n // 2, n - n // 2)]
    elif kind == "on a line":
        # Small integers, so that they are on it exactly.
        plain = np.outer(rng.permutation(2 * n)[:n], rng.integers(1, 4, p)).astype(float)
    elif kind == "constant feature":
        plain[:, 0] = 1.0
    targets = rng.choice([-1.0, 1.0], n)
    if rng.random() < 0.5:  # separable more often than at random
        z = plain @ rng.standard_normal(p)
        targets = np.where(z > np.median(z), 1.0, -1.0)
    targets[:2] = 1.0, -1.0
    if kind == "don't care":
        targets[2:] *= rng.random(n - 2) < 0.5
    scale = float(rng.choice(SCALES))
    offset = rng.integers(-4, 5, p) if kind in ("lattice", "on a line") else 0.0
    return Points(plain, (plain + offset) * scale, targets, scale, kind)


def certificate_exists(X: FloatArray, t: FloatArray) -> bool:
    """Decide by brute force whether some lam >= 0, not 0, has sum lam_n t_n (x_n, 1) = 0.

    If there is one, there is one on so few points that it is unique up to its scale: at most p + 2
    (Caratheodory). So try every subset whose rows have a null space of dimension 1, and look
    whether the null vector has one sign.
    """
    cared = t != 0
    rows = t[cared, np.newaxis] * np.hstack([X[cared], np.ones((int(cared.sum()), 1))])
    n, m = rows.shape
    for size in range(2, min(m + 1, n) + 1):
        subsets = rows[np.array(list(combinations(range(n), size)))]
        _, sizes, V = np.linalg.svd(subsets.transpose(0, 2, 1), full_matrices=True)
        rank = np.sum(sizes > 1e-9 * sizes[:, :1], axis=1)
        null = V[rank == size - 1, -1]
        if np.any(np.all(null > 1e-9, axis=1) | np.all(null < -1e-9, axis=1)):
            return True
    return False


def dichotomies_by_hyperplanes(X: FloatArray) -> set[tuple[int, ...]]:
    """Return the dichotomies of n > p points in general position: planes through p of them.

    Every separating hyperplane can be moved, without crossing a point, until it goes through p
    points; and from there it can be turned a little to have each of these on either side.
    """
    n, p = X.shape
    found = set()
    for subset in combinations(range(n), p):
        on = np.hstack([X[list(subset)], np.ones((p, 1))])
        normal = np.linalg.svd(on)[2][-1]
        sides = np.where(np.hstack([X, np.ones((n, 1))]) @ normal > 0, 1, -1)
        for chosen in product((-1, 1), repeat=p):
            sides[list(subset)] = chosen
            found.add(tuple(sides.tolist()))
            found.add(tuple((-sides).tolist()))
    return found


def hull_distance(P: FloatArray, Q: FloatArray) -> float:
    """Return the distance of two hulls by trying every pair of faces.

    The nearest points lie inside faces on at most p + 1 points together, where they are the nearest
    points of the faces' affine hulls. Of all pairs of subsets whose affine minimiser is convex, the
    best is the answer.
    """
    p = P.shape[1]
    best = np.inf
    for k in range(1, p + 1):
        for first in combinations(range(len(P)), k):
            for size in range(1, p + 2 - k):
                for second in combinations(range(len(Q)), size):
                    best = min(best, _convex_distance(P[list(first)], Q[list(second)]))
    return best


def _convex_distance(P: FloatArray, Q: FloatArray) -> float:
    """Return the distance of two affine hulls if the nearest points are convex, else inf."""
    edges = np.hstack([(P[1:] - P[0]).T, -(Q[1:] - Q[0]).T])
    weights = np.linalg.lstsq(edges, Q[0] - P[0], rcond=None)[0] if edges.size else np.zeros(0)
    first, second = weights[: len(P) - 1], weights[len(P) - 1 :]
    if min(weights.min(initial=0), 1 - first.sum(), 1 - second.sum()) < -1e-12:
        return np.inf
    return float(np.linalg.norm(P[0] - Q[0] + edges @ weights))
