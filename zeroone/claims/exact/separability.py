"""Claims: which targets a unit can reach, how widely, and how many there are (docs/theory.md#c2).

The instances are small point sets, in general position and not. The oracles try every small subset
of the points, and call none of the package's own solvers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.guard import Checked
from zeroone.exact.dichotomies import cover_count, dichotomies
from zeroone.exact.separability import (
    Separation,
    fraction_infeasible,
    ho_kashyap,
    separate,
    verify,
)
from zeroone.support.validation import FloatArray

SOURCE = "docs/theory.md#c2"
Separator = Callable[..., Separation]

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
# Powers of two, so that points on a lattice or a line stay there exactly.
SCALES = (1.0, 1.0, 2.0**-500, 2.0**500, 2.0**-10)


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


def draw_often_careless(rng: np.random.Generator, count: int) -> list[Points]:
    """Return point sets of all kinds, every other one with targets that do not matter."""
    kinds = [kind for one in KINDS for kind in (one, "don't care")]
    return [random_points(rng, kinds[i % len(kinds)], 8) for i in range(count)]


def draw_generic(rng: np.random.Generator, count: int) -> list[Points]:
    """Return point sets in general position."""
    return [random_points(rng, "generic", 8) for _ in range(count)]


def draw_degenerate(rng: np.random.Generator, count: int) -> list[Points]:
    """Return sets of more than p + 1 points, p >= 2, that are not in general position."""
    kinds = ("lattice", "duplicates", "on a line", "constant feature")
    return [random_points(rng, kinds[i % len(kinds)], 6, lowest=2) for i in range(count)]


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


# ------------------------------------------------------------------------------------- verdicts


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


def measure_verdict(separator: Separator, points: Points) -> list[tuple[float, float]]:
    """Compare both methods' answers (2: separable, 1: not) with that of trying every subset."""
    truth = 1.0 if certificate_exists(points.plain, points.targets) else 2.0
    names = {True: 2.0, False: 1.0, None: np.nan}
    found = [
        separator(points.X, points.targets, method=method)
        for method in ("least-squares", "linear-program")
    ]
    return [(names[answer.separable], truth) for answer in found]


def through_zero(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Forget the bias: with -x on the other side of every x, no bias helps."""
    return separate(np.vstack([X, -X]), np.append(targets, -targets), **options)


def caring(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Take "don't care" for -1."""
    return separate(X, np.where(targets == 0, -1.0, targets), **options)


VERDICT = Claim(
    id="targetprop.separable",
    statement=(
        "A unit with a bias reaches its targets iff no lam >= 0, lam != 0, has "
        "sum_n lam_n t_n (x_n, 1) = 0."
    ),
    source=f"{SOURCE} (Gordan)",
    kind=Kind.EQUALITY,
    sample=draw_often_careless,
    measure=each(measure_verdict),
    subject=separate,
    planted={"the bias dropped": through_zero, "don't care taken for -1": caring},
    tolerance=0.0,
    cases=84,
)


# --------------------------------------------------------------------------------- certificates


def measure_certificate(separator: Separator, points: Points) -> list[tuple[float, float]]:
    """Compare a certificate's conditions, each plus 1, with 1; nothing where targets are met."""
    if not certificate_exists(points.plain, points.targets):
        return []
    found = separator(points.X, points.targets)
    if found.certificate is None:
        return [(np.nan, 1.0)]
    lam, t = found.certificate, points.targets
    X = points.X / points.scale
    spread = np.max(np.ptp(X[t != 0], axis=0), initial=1e-300)
    moved = X - X[np.flatnonzero(t)[0]]
    values = [lam.sum() - 1, lam @ t, *((lam * t) @ moved / spread)]
    return [(1.0 + value, 1.0) for value in values] + [(1.0 + min(lam.min(), 0.0), 1.0)]


def with_certificate(
    change: Callable[[FloatArray, FloatArray], FloatArray],
) -> Callable[..., Separation]:
    """Return `separate` with another certificate in place of its own."""

    def separator(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
        found = separate(X, targets, **options)
        if found.certificate is None:
            return found
        return replace(found, certificate=change(found.certificate, targets))

    return separator


CERTIFICATE = Claim(
    id="targetprop.certificate",
    statement=(
        "Where targets are not separable, the certificate has lam >= 0, sum lam = 1, "
        "sum lam t = 0 and sum lam t x = 0."
    ),
    source=f"{SOURCE} (Farkas)",
    kind=Kind.EQUALITY,
    sample=draw_points,
    measure=each(measure_certificate),
    subject=separate,
    planted={
        "the sum is 2": with_certificate(lambda lam, t: 2 * lam),
        "the targets' signs are in it": with_certificate(lambda lam, t: lam * t),
        "the next sample's": with_certificate(lambda lam, t: np.roll(lam, 1)),
    },
    tolerance=1e-13,
    cases=140,
)


# ------------------------------------------------------------------------- what cannot be proved


@dataclass(frozen=True, eq=False)
class Far:
    """The corners of a square far from zero, with targets.

    Attributes
    ----------
    X : ndarray of shape (4, 2)
    targets : ndarray of shape (4,)
    answer : bool or None
        Whether a unit reaches the targets, None where w.x + b is lost in its rounding.
    """

    X: FloatArray
    targets: FloatArray
    answer: bool | None


SQUARE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def draw_far(rng: np.random.Generator, count: int) -> list[Far]:
    """Draw squares at 0 to 1e15: one corner against three, or the diagonals."""
    drawn = []
    for index in range(count):
        offset = (0.0, 1e3, 1e14, 1e15)[index % 4]
        t = -np.ones(4)
        corner = int(rng.choice([0, 3]))  # at the others' planes the offset cancels
        t[corner] = 1.0
        diagonal = index % 12 >= 8
        if diagonal:
            t[3 - corner] = 1.0
        t *= rng.choice([-1.0, 1.0])
        answer = False if diagonal else (True if offset < 1e14 else None)
        drawn.append(Far(SQUARE + offset, t, answer))
    return drawn


def measure_far(separator: Separator, at: Far) -> list[tuple[float, float]]:
    """Compare the answer (2: separable, 1: not, 1.5: not proved) with what can be proved."""
    numbers = {True: 2.0, False: 1.0, None: 1.5}
    found = separator(at.X, at.targets)
    return [(numbers.get(found.separable, np.nan), numbers[at.answer])]


def unproved(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Believe a positive slack, though rounding hides on which sides the samples are."""
    found = separate(X, targets, **options)
    return replace(found, separable=found.slack > 1e-6) if found.separable is None else found


def centred(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Answer for the samples with their mean removed."""
    return separate(X - X.mean(axis=0), targets, **options)


FAR = Claim(
    id="targetprop.unproved",
    statement="A hyperplane that rounding hides is none: of a square at 1e14, its first or last "
    "corner against the others is separable, but no w.x + b in double precision shows it.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_far,
    measure=each(measure_far),
    subject=separate,
    planted={"a positive slack believed": unproved, "the mean removed": centred},
    tolerance=0.0,
    hypotheses="squares of side 1 at 0, 1e3, 1e14 and 1e15",
    cases=24,
)


# ------------------------------------------------------------------------------- largest margin


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


def measure_margin(separator: Separator, points: Points) -> list[tuple[float, float]]:
    """Compare margin and certified bound with half the distance of the hulls, face by face."""
    t = points.targets
    if certificate_exists(points.plain, t):
        return []
    found = separator(points.X, t)
    if found.weights is None or found.bias is None:
        return [(np.nan, 1.0)]
    truth = hull_distance(points.plain[t > 0], points.plain[t < 0]) / 2
    cared = t != 0
    z = points.X[cared] @ found.weights + found.bias
    margin = np.min(t[cared] * z) / np.linalg.norm(found.weights)
    return [(value / points.scale, truth) for value in (margin, found.margin, found.bound)]


def any_hyperplane(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Stop at the first hyperplane that separates."""
    found = separate(X, targets, largest_margin=False, **options)
    return replace(found, bound=found.margin)


def not_halved(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Take the distance of the hulls for the margin."""
    found = separate(X, targets, **options)
    return replace(found, margin=2 * found.margin, bound=2 * found.bound)


def between_means(X: FloatArray, targets: FloatArray, **options: Any) -> Separation:
    """Take the certificate of the means of both sides."""
    found = separate(X, targets, **options)
    if not found.separable:
        return found
    difference = X[targets > 0].mean(axis=0) - X[targets < 0].mean(axis=0)
    return replace(found, bound=float(np.linalg.norm(difference)) / 2)


MARGIN = Claim(
    id="targetprop.largest-margin",
    statement=(
        "The largest margin is half the distance of the two hulls, and the certificate's "
        "|sum lam t x| is equal to it."
    ),
    source=f"{SOURCE} (hard-margin support vector machine)",
    kind=Kind.EQUALITY,
    sample=draw_points,
    measure=each(measure_margin),
    subject=separate,
    planted={
        "any hyperplane": any_hyperplane,
        "not halved": not_halved,
        "between the means": between_means,
    },
    tolerance=1e-9,
    scale=1e-3,
    cases=60,
)


# --------------------------------------------------------------------------------- checking proofs


def with_negative_entry(found: Separation, X: FloatArray, t: FloatArray) -> list[Separation]:
    """Return a separation whose certificate has the right sums, and a bound to it, but lam < 0."""
    lam, side = found.certificate, np.flatnonzero(t > 0)
    if lam is None or len(side) < 2:
        return []
    lam = lam.copy()
    lam[side[0]] -= 1.0
    lam[side[1]] += 1.0
    return [replace(found, certificate=lam, bound=float(np.linalg.norm((lam * t) @ X)))]


def with_one_side_doubled(found: Separation, X: FloatArray, t: FloatArray) -> list[Separation]:
    """Return a separation whose certificate is too large on one side, and a bound to it."""
    lam = found.certificate
    if lam is None:
        return []
    lam = np.where(t > 0, 2 * lam, lam)
    # The sums do not cancel, so that it matters which point is zero: the middle of the samples.
    cared = X[t != 0]
    middle = cared.min(axis=0) / 2 + cared.max(axis=0) / 2
    return [replace(found, certificate=lam, bound=float(np.linalg.norm((lam * t) @ (X - middle))))]


def tampered(found: Separation, X: FloatArray, t: FloatArray) -> list[Separation]:
    """Return separations that say something that does not follow."""
    lam = found.certificate
    # Equal samples have no size: of them a bound is 0 up to the rounding of 1.
    size = np.max(np.ptp(X[t != 0], axis=0)) or 1.0
    wrong = [replace(found, certificate=None, bound=found.bound if found.separable else np.inf)]
    if lam is not None:
        wrong += [
            replace(found, bound=1.5 * found.bound + 1e-3 * size),
            replace(found, certificate=2 * lam),
            replace(found, certificate=lam - 2 * np.max(lam) * (np.arange(len(lam)) == 0)),
            replace(found, certificate=np.append(lam, 0.0)),
        ]
    if lam is not None and not t.all():
        wrong += [replace(found, certificate=lam + (t == 0))]
    if found.separable and found.weights is not None and found.weights.any():
        assert found.bias is not None
        wrong += [
            replace(found, weights=-found.weights, bias=-found.bias),
            replace(found, margin=1.1 * found.margin),
            replace(found, separable=False),
            replace(found, weights=None),
            replace(found, bias=found.bias + 2 * found.margin),
            # On the wrong side of it are some samples only, and no margin is claimed.
            replace(found, bias=found.bias + 2 * found.margin, margin=-5 * found.margin),
            # The distances are twice the margin, but so are the weights.
            replace(stretched(found, 2.0), margin=1.1 * found.margin),
        ]
    if found.separable is False:
        wrong += [replace(found, separable=True)]
    return wrong


def stretched(found: Separation, factor: float) -> Separation:
    """Return the same hyperplane with weights of another length."""
    assert found.weights is not None
    assert found.bias is not None
    return replace(found, weights=factor * found.weights, bias=factor * found.bias)


def also_right(found: Separation) -> list[Separation]:
    """Return separations that say the same in another way, or up to rounding, or less."""
    if not found.separable:
        return []
    return [
        stretched(found, 0.5),
        # The next number after it: no more than rounding explains.
        replace(found, margin=float(np.nextafter(found.margin, np.inf))),
        replace(found, certificate=None, bound=np.inf),
    ]


def without_direction(X: FloatArray, t: FloatArray) -> tuple[Separation, Separation]:
    """Return what is true of equal targets, and the same with a margin that has an end."""
    found = separate(X, t)
    return found, replace(found, margin=1.0)


# A hyperplane through two equal samples at zero, where nothing is rounded.
AT_ZERO = Separation(True, np.ones(1), 0.0, 0.0, np.inf, None, 1.0, np.inf)


def measure_proofs(check: Callable[..., bool], points: Points) -> list[tuple[float, float]]:
    """Compare what is said of a proof, of tampered ones and of none: 2 if it holds, 1 if not."""
    X, t = points.X, points.targets
    found = separate(X, t)
    pairs = [(1.0 + check(right, X, t), 2.0) for right in (found, *also_right(found))]
    wrongs = [
        *tampered(found, X, t),
        *with_negative_entry(found, X, t),
        *with_one_side_doubled(found, X, t),
        replace(found, separable=None),
    ]
    pairs += [(1.0 + check(wrong, X, t), 1.0) for wrong in wrongs]
    endless, ended = without_direction(X, np.abs(t))
    pairs += [(1.0 + check(endless, X, np.abs(t)), 2.0), (1.0 + check(ended, X, np.abs(t)), 1.0)]
    return [*pairs, (1.0 + check(AT_ZERO, np.zeros((2, 1)), np.array([1.0, -1.0])), 1.0)]


PROOFS = Claim(
    id="targetprop.proofs",
    statement="A proof of separability, or of its contrary, is accepted iff all that it says "
    "follows from the samples.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_points,
    measure=each(measure_proofs),
    subject=verify,
    planted={
        "all accepted": lambda found, X, t: True,
        "all that decide": lambda found, X, t: found.separable is not None,
        "certificates never looked at": lambda found, X, t: verify(
            found if not found.separable else replace(found, certificate=None, bound=np.inf), X, t
        ),
    },
    tolerance=1e-12,
    hypotheses="hyperplanes and certificates of small point sets of any size, and what is made of "
    "them",
    cases=49,
)


# ------------------------------------------------------------------------------- Cover's count


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


def dichotomies_by_certificates(X: FloatArray) -> int:
    """Count the dichotomies of points in any position, trying all targets."""
    ways = [np.array([1.0, *rest]) for rest in product((-1.0, 1.0), repeat=len(X) - 1)]
    return 2 * sum(not certificate_exists(X, t) for t in ways)


def cover_by_recursion(n: int, p: int) -> int:
    """Count as Schlaefli did: a new point divides what a hyperplane through it can divide.

    C(n, p) = C(n - 1, p) + C(n - 1, p - 1), with C(1, p) = 2 and C(n, 0) = 2.
    """
    if n == 1 or p == 0:
        return 2
    return cover_by_recursion(n - 1, p) + cover_by_recursion(n - 1, p - 1)


def measure_cover(count: Callable[[int, int], int], points: Points) -> list[tuple[float, float]]:
    """Compare the number of dichotomies by planes through p points with the formula."""
    return [(len(dichotomies_by_hyperplanes(points.plain)), count(*points.X.shape))]


def measure_any_position(
    count: Callable[[int, int], int], points: Points
) -> list[tuple[float, float]]:
    """Compare the number of dichotomies, all targets being tried, with the formula."""
    return [(dichotomies_by_certificates(points.plain), count(*points.X.shape))]


def measure_listing(
    listing: Callable[[FloatArray], NDArray[np.int8]], points: Points
) -> list[tuple[float, float]]:
    """Compare the dichotomies with those of all planes through p points: how many, in common."""
    found = {tuple(t) for t in listing(points.X).tolist()}
    known = dichotomies_by_hyperplanes(points.plain)
    return [(len(found), len(known)), (len(found & known), len(known))]


COVER = Claim(
    id="targetprop.cover",
    statement="n points in general position in R^p have 2 sum_{i<=p} C(n-1, i) dichotomies.",
    source=f"{SOURCE} (Cover)",
    kind=Kind.EQUALITY,
    sample=draw_generic,
    measure=each(measure_cover),
    subject=cover_count,
    planted={
        "no bias": lambda n, p: cover_count(n, p - 1) if p > 1 else 2,
        "one sign only": lambda n, p: cover_count(n, p) // 2,
        "C(n, i)": lambda n, p: 2 * sum(comb(n, i) for i in range(p + 1)),
    },
    tolerance=0.0,
    cases=20,
)

LISTING = Claim(
    id="targetprop.dichotomies",
    statement="The search point by point finds the dichotomies of all planes through p points.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_generic,
    measure=each(measure_listing),
    subject=dichotomies,
    planted={
        "not the opposite ones": lambda X: dichotomies(X)[: len(dichotomies(X)) // 2],
        "the last point on the side of the one before": lambda X: np.hstack(
            [dichotomies(X[:-1]), dichotomies(X[:-1])[:, -1:]]
        ),
    },
    tolerance=0.0,
    cases=20,
)

COVER_BOUND = Claim(
    id="targetprop.cover-bound",
    statement="Points in any position have at most Cover's number of dichotomies.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    sample=partial(draw_points, largest=6),
    measure=Checked(each(measure_any_position), cover_by_recursion),
    subject=cover_count,
    planted={"no bias": lambda n, p: cover_count(n, p - 1) if p > 1 else 2},
    tolerance=0.0,
    near=0.0,
    cases=28,
)


def measure_fewer(count: Callable[[int, int], int], points: Points) -> list[tuple[float, float]]:
    """Compare Cover's number (measured) with that of the points, all targets being tried."""
    return [(count(*points.plain.shape), dichotomies_by_certificates(points.plain))]


FEWER = Claim(
    id="targetprop.cover-position",
    statement="Points not in general position, such as a lattice, have fewer than Cover's number.",
    source=SOURCE,
    kind=Kind.COUNTEREXAMPLE,
    sample=draw_degenerate,
    measure=Checked(each(measure_fewer), cover_by_recursion),
    subject=cover_count,
    planted={"all points on one side": lambda n, p: 2},
    tolerance=1e-3,
    cases=20,
)


# --------------------------------------------------------------------------------- whole layers


def draw_layers(rng: np.random.Generator, count: int) -> list[tuple[FloatArray, FloatArray]]:
    """Return inputs of a layer and targets of some units."""
    layers = []
    for i in range(count):
        points = random_points(rng, KINDS[i % len(KINDS)], 8)
        T = rng.choice([-1.0, 0.0, 1.0], (len(points.X), 5), p=[0.45, 0.1, 0.45])
        T[:, 0] = points.targets
        layers.append((points.plain, T))
    return layers


def measure_layer(
    fraction: Callable[[FloatArray, FloatArray], float], layer: tuple[FloatArray, FloatArray]
) -> list[tuple[float, float]]:
    """Compare 1 + the fraction of infeasible units with that of trying every subset."""
    X, T = layer
    impossible = [certificate_exists(X, t) for t in T.T]
    return [(1.0 + fraction(X, T), 1.0 + float(np.mean(impossible)))]


def by_one_fit(X: FloatArray, T: FloatArray) -> float:
    """Call infeasible what the least-squares fit of the targets does not reach."""
    Z = np.hstack([X, np.ones((len(X), 1))]) @ ho_kashyap(X, T, 0).T
    return float(np.mean(np.any(T * Z < 0, axis=0)))


def without_bias(X: FloatArray, T: FloatArray) -> float:
    """Forget the bias."""
    return fraction_infeasible(np.vstack([X, -X]), np.vstack([T, -T]))


LAYER = Claim(
    id="targetprop.layer-feasibility",
    statement="The fraction of a layer's units with infeasible targets is that of brute force.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_layers,
    measure=each(measure_layer),
    subject=fraction_infeasible,
    planted={"one least-squares fit decides": by_one_fit, "no bias": without_bias},
    tolerance=1e-12,
    cases=40,
)

CLAIMS = (VERDICT, CERTIFICATE, FAR, PROOFS, MARGIN, COVER, LISTING, COVER_BOUND, FEWER, LAYER)
