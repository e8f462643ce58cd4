"""Claims: each proximal map minimises t P(u) + 1/2 |u - x|^2, against search by brute force.

There is one for every penalty in `zeroone.penalties.PENALTIES`. For l1, l0 and transformed l1 the
oracle has its own formula of P; for others P is what the class says, and the map is what is
checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from math import sqrt
from typing import Any

import numpy as np

from zeroone import penalties as prox
from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import Pair, log_uniform
from zeroone.penalties import GRID, MCP, PENALTIES, SCAD, GroupL20, Penalty, TransformedL1
from zeroone.support.validation import FloatArray

Map = Callable[[Penalty, FloatArray, FloatArray], FloatArray]  # of a penalty, x and t

# ------------------------------------------------------------------------------ separable penalties

FORMULAS: dict[str, Callable[[Any, FloatArray], FloatArray]] = {
    "l1": lambda penalty, u: np.abs(u),
    "l0": lambda penalty, u: (u != 0).astype(float),
    "tl1": lambda penalty, u: (penalty.a + 1) * np.abs(u) / (penalty.a + np.abs(u)),
}


@dataclass(frozen=True)
class Entries:
    """Single entries x, of shape (m, 1), each with its level t and its penalty's parameters."""

    name: str
    x: FloatArray
    t: FloatArray
    penalty: Penalty


def sample_entries(name: str, rng: np.random.Generator, count: int) -> Entries:
    """Draw entries of all sizes: generic, zeros, level 0, ties |x| = sqrt(2 t), and |x| = t."""
    kind = np.arange(count) % 8
    x = rng.choice([-1.0, 1.0], count) * log_uniform(rng, 1e-3, 1e3, count)
    t = log_uniform(rng, 1e-2, 1e2, count) * np.abs(x) ** rng.choice([1, 2], count)
    x = np.where(kind == 7, 0.0, x)
    t = np.where(kind == 6, 0.0, t)
    t = np.where(kind == 5, x**2 / 2, t)
    t = np.where(kind == 4, np.abs(x), t)
    penalty = PENALTIES[name].random(rng, (count, 1))
    if name == "tl1":
        penalty = TransformedL1(log_uniform(rng, 1e-3, 1e3, (count, 1)))
    return Entries(name, x[:, np.newaxis], t[:, np.newaxis], penalty)


def objective(u: FloatArray, at: Entries) -> FloatArray:
    """Return t P(u) + 1/2 (u - x)^2 for candidates u of shape (m, n) or (m, 1)."""
    formula = FORMULAS.get(at.name)
    terms = at.penalty.terms(u) if formula is None else formula(at.penalty, u)
    return at.t * terms + 0.5 * (u - at.x) ** 2


def least_on_grids(at: Entries) -> FloatArray:
    """Return the least value of the objective on a grid over [-2|x|, 2|x|], refined three times.

    0 and x are on the grid, and no minimiser lies outside: P grows with |u|.
    """
    centre, radius = np.zeros_like(at.x), 2 * np.abs(at.x)
    best = objective(centre, at)
    for points in (201, 41, 41, 41):
        u = centre + radius * np.linspace(-1, 1, points)
        values = objective(u, at)
        lowest = np.argmin(values, axis=1)[:, np.newaxis]
        best = np.minimum(best, np.take_along_axis(values, lowest, 1))
        centre = np.take_along_axis(u, lowest, 1)
        radius = radius * (2 / (points - 1))
    return np.minimum(best, objective(at.x, at))[:, 0]


def measure_entries(subject: Map, at: Entries) -> Pair:
    """Compare what the map reaches with the least value that was found."""
    return objective(subject(at.penalty, at.x, at.t), at)[:, 0], least_on_grids(at)


def wrong_first_threshold(p: Any, x: FloatArray, t: FloatArray) -> FloatArray:
    """Use tau = t (a+1)/a also where it is too high or too low."""
    return np.where(np.abs(x) > t * (p.a + 1) / p.a, p.prox(x, t), 0)


def wrong_root(p: Any, x: FloatArray, t: FloatArray) -> FloatArray:
    """Leave out the last term, |x|/3, of the closed form."""
    kept = p.prox(x, t)
    return np.where(kept != 0, kept - x / 3, 0)


# What is claimed, and errors, where there is more to say than `of_any` says.
STATED: Mapping[str, tuple[str, str, Mapping[str, Map]]] = {
    "l1": (
        "l1",
        "sign(x) max(|x| - t, 0) minimises t |u| + 1/2 (u - x)^2.",
        {
            "twice the level": lambda p, x, t: prox.soft_threshold(x, 2 * t),
            "kept where above the level": lambda p, x, t: np.where(np.abs(x) > t, x, 0),
            "the sign lost": lambda p, x, t: np.abs(prox.soft_threshold(x, t)),
        },
    ),
    "l0": (
        "l0",
        "x where |x| > sqrt(2 t), else 0, minimises t [u != 0] + 1/2 (u - x)^2.",
        {
            "threshold t": lambda p, x, t: np.where(np.abs(x) > t, x, 0),
            "threshold sqrt(t)": lambda p, x, t: prox.hard_threshold(x, t / 2),
            "threshold 2 t": lambda p, x, t: np.where(np.abs(x) > 2 * t, x, 0),
        },
    ),
    "tl1": (
        "transformed-l1",
        "The closed form with threshold tau minimises t (a+1)|u|/(a+|u|) + 1/2 (u - x)^2.",
        {
            "the first threshold everywhere": wrong_first_threshold,
            "|x|/3 forgotten": wrong_root,
            "soft thresholding": lambda p, x, t: prox.soft_threshold(x, t),
        },
    ),
}


def of_any(name: str) -> tuple[str, str, Mapping[str, Map]]:
    """Return id, statement and planted errors of a penalty of which nothing else is known."""
    return (
        name,
        f"The map of {PENALTIES[name].__name__} minimises t P(u) + 1/2 (u - x)^2 at every level.",
        {
            "twice the level": lambda p, x, t: p.prox(x, 2 * t),
            "half the level": lambda p, x, t: p.prox(x, t / 2),
            "the sign lost": lambda p, x, t: np.abs(p.prox(x, t)),
            "nothing shrunk": lambda p, x, t: x,
        },
    )


def entries_claim(name: str) -> Claim:
    """Return the claim that a penalty's map reaches the least value of its objective."""
    title, statement, planted = STATED.get(name) or of_any(name)
    return Claim(
        id=f"prox.{title}",
        statement=statement,
        source="docs/theory.md#a5",
        kind=Kind.UPPER_BOUND,
        sample=partial(sample_entries, name),
        measure=measure_entries,
        subject=Penalty.prox,
        planted=planted,
        tolerance=1e-10,
        scale=1e-30,
        hypotheses="|x| = 0 or from 1e-3 to 1e3, t >= 0, parameters of all sizes, ties among them",
        cases=10_000,
        near=1e-6,
    )


ENTRIES = tuple(entries_claim(name) for name, kind in PENALTIES.items() if not kind.of_matrices)

# --------------------------------------------------------------------------------- ties and values


@dataclass(frozen=True)
class Tie:
    """An argument for which two points have the same objective, in numbers of few binary digits.

    Parameters
    ----------
    penalty : Penalty
    x, t : ndarray
        One entry, shape (1,), or for l2,0 one group, a matrix with one row or one column.
    kept : float
        The smaller of the two points, as a share of x.
    """

    penalty: Penalty
    x: FloatArray
    t: FloatArray
    kept: float


# Groups of which the norm is a whole number.
WHOLE_NORMS = ((3, 4), (5, 12), (8, 15), (20, 21), (1, 2, 2), (2, 3, 6), (1, 1, 7, 7), (1, 5, 5, 7))

# Of MCP and SCAD with a = 3, in units of gamma and of the knee: |x|, t, and the smaller point.
FLAT_TIES = (
    ("mcp", 2.0, 4.0, 0.0),
    ("mcp", 1.0, 1.0, 0.0),
    ("scad", 3.0, 2.0, 1.0),
    ("scad", 3.5, 3.0, 0.5),
    ("scad", 4.0, 4.0, 0.0),
)


def group_tie(rng: np.random.Generator, size: float) -> Tie:
    """Return a group g with |g|^2 = 2 t, a row or a column, in any order."""
    whole = WHOLE_NORMS[rng.integers(len(WHOLE_NORMS))]
    g = size * rng.permutation(np.array(whole, dtype=float)) * rng.choice([-1.0, 1.0], len(whole))
    t = np.array([size**2 * sum(entry**2 for entry in whole) / 2])
    if rng.random() < 0.5:
        return Tie(GroupL20("rows"), g[np.newaxis], t, 0.0)
    return Tie(GroupL20("columns"), g[:, np.newaxis], t, 0.0)


def draw_ties(rng: np.random.Generator, count: int) -> list[Tie]:
    """Draw ties, scaled by powers of two, so that no threshold is rounded.

    l0: |x| = sqrt(2 t). l2,0: |g| = sqrt(2 t). Transformed l1, with a + 1 a power of two: |x| = m -
    a/2 where m = sqrt(2 t (a+1)) is a few times a. MCP with t >= gamma: |x| = sqrt(t gamma). SCAD
    with a = 3: |x| = (t + 4 s)/2 for 2 s <= t < 4 s, where the two are |x| - t and |x| (for t = 2 s
    all points between them, too), and |x| = sqrt(4 t s) for larger t.
    """
    drawn = []
    for index in range(count):
        size, sign = 2.0 ** float(rng.integers(-8, 9)), float(rng.choice([-1.0, 1.0]))
        kind = index % 8
        if kind == 0:
            x, t = np.array([sign * size]), np.array([size**2 / 2])
            drawn.append(Tie(PENALTIES["l0"](), x, t, 0.0))
        elif kind == 1:
            drawn.append(group_tie(rng, size))
        elif kind == 2:
            a = float(rng.choice([1.0, 3.0, 7.0]))
            m = a * float(rng.integers(2, 6))
            x, t = np.array([sign * (m - a / 2)]), np.array([m**2 / (2 * (a + 1))])
            drawn.append(Tie(TransformedL1(a), x, t, 0.0))
        else:
            name, entry, level, smaller = FLAT_TIES[kind - 3]
            penalty = MCP(gamma=size) if name == "mcp" else SCAD(a=3.0, knee=size)
            x, t = np.array([sign * entry * size]), np.array([level * size])
            drawn.append(Tie(penalty, x, t, smaller / entry))
    return drawn


def measure_ties(subject: Map, ties: list[Tie]) -> Pair:
    """Compare 1 + the share of each entry that the map gives with 1 + that of the smaller point."""
    shares = [(subject(at.penalty, at.x, at.t) / at.x).ravel() for at in ties]
    expected = [np.full(at.x.size, at.kept) for at in ties]
    return 1 + np.concatenate(shares), 1 + np.concatenate(expected)


def keeping(p: Penalty, x: FloatArray, t: FloatArray) -> FloatArray:
    """Keep an entry on a tie: the map just beyond it."""
    return p.prox(x * (1 + 1e-12), t)


TIES = Claim(
    id="prox.ties",
    statement="Where two points have the same objective the map gives the smaller: 0 at |x| = "
    "sqrt(2 t) for l0, |g| = sqrt(2 t) for l2,0, and sqrt(t gamma) for MCP.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_ties,
    measure=measure_ties,
    subject=Penalty.prox,
    planted={"kept on a tie": keeping, "nothing shrunk": lambda p, x, t: x},
    tolerance=1e-12,
    hypotheses="whole numbers times powers of two, for which the thresholds are exact",
    cases=160,
)


def slope_of(penalty: Any, name: str, u: float) -> float:
    """Return P'(u) at u > 0, by the definition of each penalty."""
    if name == "l1":
        return 1.0
    if name == "tl1":
        return float(penalty.a * (penalty.a + 1) / (penalty.a + u) ** 2)
    if name == "mcp":
        return max(0.0, 1 - u / float(penalty.gamma))
    a, s = float(penalty.a), float(penalty.knee)
    return 1.0 if u <= s else max(0.0, (a * s - u) / ((a - 1) * s))


@dataclass(frozen=True)
class Weights:
    """A stack of matrices u, shape (n_matrices, n_out, n_in), and a penalty."""

    name: str
    penalty: Penalty
    u: FloatArray


def draw_weights(rng: np.random.Generator, count: int) -> list[Weights]:
    """Draw a few weights of all sizes, zeros among them."""
    names = list(PENALTIES)
    drawn = []
    for index in range(count):
        name = names[index % len(names)]
        u = rng.standard_normal([int(rng.integers(1, most)) for most in (3, 3, 4)])
        u *= log_uniform(rng, 1e-2, 1e2, u.shape)
        u[rng.random(u.shape) < 0.3] = 0
        drawn.append(Weights(name, PENALTIES[name].random(rng), u))
    return drawn


def value_by_hand(at: Weights, u: FloatArray) -> float:
    """Return P of one of the matrices: what is not 0 counted, or slopes integrated from 0 on."""
    if at.penalty.of_matrices:
        groups = u if at.penalty.groups == "rows" else u.T  # type: ignore[attr-defined]
        return float(sum(any(group != 0) for group in groups))
    if at.name == "l0":
        return float(sum(value != 0 for value in u.ravel()))
    corners = {
        "mcp": lambda p: [float(p.gamma)],
        "scad": lambda p: [float(p.knee), float(p.a) * float(p.knee)],
    }.get(at.name, lambda p: [])(at.penalty)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for size in np.abs(u.ravel()).tolist():
        ends = [0.0, *(corner for corner in corners if corner < size), size]
        # Halves that shrink towards 0 follow the slope of transformed l1, which is steep there.
        ends = sorted({*ends, *(size / 2**i for i in range(1, 30))})
        for low, high in pairwise(ends):
            s = low + (high - low) * (nodes + 1) / 2
            slopes = [slope_of(at.penalty, at.name, each) for each in s.tolist()]
            total += (high - low) / 2 * float(weights @ np.array(slopes))
    return total


def measure_values(value: Any, drawn: list[Weights]) -> Pair:
    """Compare P of each matrix, and of the whole stack, with integrals of the slope."""
    ours: list[float] = []
    expected: list[float] = []
    for at in drawn:
        each = [value_by_hand(at, u) for u in at.u]
        found = value(at.penalty, at.u, (-2, -1))
        ours += [*np.broadcast_to(found, len(each)).tolist(), float(value(at.penalty, at.u))]
        expected += [*each, sum(each)]
    return np.array(ours), np.array(expected)


def of_changed(change: Callable[[FloatArray], FloatArray]) -> Callable[..., Any]:
    """Return the value of weights that are changed first."""

    def value(p: Penalty, u: FloatArray, axis: tuple[int, ...] | None = None) -> Any:
        return p.value(change(u), axis)

    return value


VALUE = Claim(
    id="prox.value",
    statement="P(u) counts what is not 0 (l0, l2,0), or is the integral of the penalty's slope "
    "(l1, transformed l1, MCP, SCAD).",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_weights,
    measure=measure_values,
    subject=Penalty.value,
    planted={
        "the squares": lambda p, u, axis=None: p.value(u, axis) ** 2,
        "the sign kept": of_changed(lambda u: np.maximum(u, 0)),
        "twice the weights": of_changed(lambda u: 2 * u),
        "the whole stack for each": lambda p, u, axis=None: p.value(u),
    },
    tolerance=1e-9,
    hypotheses="weights of size 0 and from 1e-2 to 1e2, parameters of all sizes",
    cases=96,
)


# -------------------------------------------------------------------------------------- thresholds


class Marked(Penalty):
    """P(u) = sum slope |u_i| + number of |u_i| > mark: only what a penalty has to define.

    Its map is soft thresholding by t slope, but takes what comes out beyond the mark back to it
    from as far as sqrt(2 t). So the shift grows beyond mark + tau, by sqrt(2 t), and falls again.
    """

    def __init__(self, slope: float, mark: float) -> None:
        self.slope, self.mark = slope, mark

    def terms(self, u: FloatArray) -> FloatArray:
        """Return slope |u|, and 1 more beyond the mark."""
        size = np.abs(u)
        return self.slope * size + (size > self.mark)

    def prox_map(self, x: FloatArray, t: Any) -> FloatArray:
        """Return the map."""
        size = np.maximum(np.abs(x) - self.slope * t, 0.0)
        held = (size > self.mark) & (size - self.mark <= np.sqrt(2.0 * t))
        return np.copysign(np.where(held, self.mark, size), x)


@dataclass(frozen=True)
class Threshold:
    """A penalty and levels t, an array of any shape."""

    name: str
    penalty: Any
    t: FloatArray


def draw_thresholds(rng: np.random.Generator, count: int) -> list[Threshold]:
    """Draw penalties of vectors with levels from 0.001 to 10, several at a time.

    Among them MCP just short of its jump, where the shift falls at once, thresholds of 1, and of
    SCAD the level from which on it jumps, and levels little below.
    """
    names = [name for name, kind in PENALTIES.items() if not kind.of_matrices]
    names += ["marked", "steep"]
    drawn = []
    for index in range(count):
        name = names[index % len(names)]
        t = log_uniform(rng, 1e-3, 10.0, ((), (2,), (2, 1))[index % 3])
        edge = 1.0
        if name == "marked":
            # Levels that are small beside the threshold: the shift is largest between it and 1.
            low = float(t.min()) / 500
            t = np.minimum(t / 500, 2 * low)
            edge = low
            slope, mark = float(rng.uniform(0.1, 0.9)) / low, float(rng.uniform(0, 0.5))
            penalty: Penalty = Marked(slope, mark)
        elif name == "steep":
            penalty = MCP(gamma=1.01 * float(t.min()))
        else:
            penalty = PENALTIES[name].random(rng)
        if isinstance(penalty, SCAD):
            a, s = float(penalty.a), float(penalty.knee)  # type: ignore[arg-type]
            edge = (a + 1) * s if index % 4 == 0 else (a + float(rng.random())) * s
        if index % 4 in (0, 2):
            t = np.where(np.arange(t.size).reshape(t.shape) == 0, edge, t)
        drawn.append(Threshold("mcp" if name == "steep" else name, penalty, t))
    return drawn


def threshold_by_hand(name: str, p: Any, t: float) -> tuple[float, float]:
    """Return the largest |x| that goes to 0, and the largest shift of one that does not."""
    if name == "l1":
        tau, shift = t, t
    elif name == "l0":
        tau, shift = sqrt(2 * t), 0.0
    elif name == "tl1":
        a = float(p.a)
        tau = shift = t * (a + 1) / a
        if t > a**2 / (2 * (a + 1)):
            tau = sqrt(2 * t * (a + 1)) - a / 2  # there u jumps to sqrt(2 t (a + 1)) - a
            shift = a / 2
    elif name == "marked":
        tau = t * p.slope
        shift = max(tau, min(1.0, p.mark + tau + sqrt(2 * t)) - p.mark)  # of entries up to 1
    else:
        top = float(p.gamma) if name == "mcp" else (float(p.a) + 1) * float(p.knee)
        tau, shift = (t, t) if t < top else (sqrt(t * top), 0.0)
    return tau, shift


def measure_thresholds(functions: tuple[Any, Any], drawn: list[Threshold]) -> Pair:
    """Compare threshold and shift, in closed form and as found numerically, with formulas.

    The numerical shift is a bound: the largest on a grid from the threshold to 1, and one spacing
    more. Where the shift is largest at the threshold, as of all but the marked penalty, that is the
    shift and a spacing; else it lies between these two.
    """
    zero, shift = functions
    ours: list[float] = []
    expected: list[float] = []
    for at in drawn:
        by_hand = [threshold_by_hand(at.name, at.penalty, t) for t in at.t.ravel().tolist()]
        thresholds, shifts = (list(each) for each in zip(*by_hand, strict=True))
        numerical = np.broadcast_to(shift(at.penalty, at.t), at.t.shape).ravel().tolist()
        for bound, tau, moved in zip(numerical, thresholds, shifts, strict=True):
            most = moved + (1 - tau) / (GRID - 1) if moved > 0 and tau < 1 else 0.0
            between = at.name == "marked" and moved * (1 - 1e-9) <= bound <= most * (1 + 1e-9)
            ours.append(bound)
            expected.append(bound if between else most)
        for found in (zero(at.penalty, at.t), at.penalty.largest_zero(at.t)):
            ours += np.broadcast_to(found, at.t.shape).ravel().tolist()
            expected += thresholds
        if at.name != "marked":  # which has no closed form
            closed = at.penalty.largest_kept_shift(at.t)
            ours += np.broadcast_to(closed, at.t.shape).ravel().tolist()
            expected += shifts
    return np.array(ours), np.array(expected)


NUMERICAL = (Penalty.largest_zero, Penalty.largest_kept_shift)

THRESHOLDS = Claim(
    id="prox.thresholds",
    statement="The threshold of each map, and the most by which it moves an entry up to 1 that it "
    "keeps, are those of the closed forms, found numerically too; so for a penalty without them.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_thresholds,
    measure=measure_thresholds,
    subject=NUMERICAL,
    planted={
        "twice the level": (lambda p, t: NUMERICAL[0](p, 2 * t), NUMERICAL[1]),
        "no shift": (NUMERICAL[0], lambda p, t: 0 * t),
        "half the shift": (NUMERICAL[0], lambda p, t: NUMERICAL[1](p, t) / 2),
        "one threshold for all levels": (lambda p, t: NUMERICAL[0](p, np.max(t)), NUMERICAL[1]),
    },
    tolerance=1e-9,
    hypotheses="levels from 1e-6 to 10, several at a time; thresholds of 1, and jumps, among them",
    cases=56,
)


# ----------------------------------------------------------------------- very large and very small


@dataclass(frozen=True)
class Extremes:
    """Arguments of a hard threshold just below it and just beyond it, of very different sizes.

    Parameters
    ----------
    penalty : Penalty
    below, beyond : ndarray, shape (m, 1), or for l2,0 (m, 1, 3)
    t : ndarray, shape (m, 1)
    jumps : bool
        Whether what is kept is kept as it is.
    """

    penalty: Penalty
    below: FloatArray
    beyond: FloatArray
    t: FloatArray
    jumps: bool


SMALLEST = 5e-324


def draw_extremes(rng: np.random.Generator, count: int) -> list[Extremes]:
    """Draw thresholds tau from 1e-200 to 1e200, or what levels leave of that.

    Those of one array are all tiny, all huge, or of all sizes, one near 1 among them.

    l0 and l2,0: t = tau^2/2. MCP: t = tau f and gamma = tau/f with f >= 1; SCAD the same with (a+1)
    s for gamma, its knees from 1e-100 to 1e100. Transformed l1: t = m^2/(2 (a+1)), a below m, and
    tau = m - a/2. Of l2,0 some levels are 0, and what is kept is as small, or as
    large, as a number can be.
    """
    drawn = []
    for index in range(count):
        name = ("l0", "l20", "mcp", "scad", "tl1")[index % 5]
        low, high = {"mcp": (1e-200, 1e200), "scad": (1e-85, 1e180), "tl1": (1e-140, 1e200)}.get(
            name, (1e-154, 1e154)
        )
        sizes = ([1.0, low, high, sqrt(low)], [low] * 4, [high] * 4)[index % 3]
        tau = np.array(sizes)[:, np.newaxis] * log_uniform(rng, 1.0, 1.8, (4, 1))
        penalty: Penalty = PENALTIES[name]()
        if name in ("l0", "l20"):
            t = tau * (tau / 2)
        elif name in ("mcp", "scad"):
            wider = log_uniform(rng, 1.1, 1e9, (4, 1))
            if name == "scad":  # of which the knee is bounded
                wider *= np.maximum(tau / 1e90, 1.0)
            t, top = tau * wider, tau / wider
            penalty = MCP(top) if name == "mcp" else SCAD(3.0, top / 4)
        else:
            a = tau / log_uniform(rng, 1.5, 1e3, (4, 1))
            penalty, t = TransformedL1(a), tau * (tau / (2 * (a + 1)))
            tau = tau - a / 2
        x = tau * rng.choice([-1.0, 1.0], (4, 1))
        below, beyond = x * (1 - 1e-6), x * (1 + 1e-6)
        if name == "l20":
            direction = np.array([[0.0, 0.6, 0.8]])[:, rng.permutation(3)]
            below, beyond = (each[:, :, np.newaxis] * direction for each in (below, beyond))
            if rng.random() < 0.5:
                t[1], below[1:3] = 0.0, 0.0
                beyond[1], beyond[2] = SMALLEST * (direction > 0), 1.5e308 * direction
        drawn.append(Extremes(penalty, below, beyond, t, name != "tl1"))
    return drawn


def measure_extremes(subject: Map, drawn: list[Extremes]) -> Pair:
    """Compare what the map takes from either side with all and with nothing, relative to x."""
    ours, expected = [], []
    for at in drawn:
        for x, kept in ((at.below, 0.0), (at.beyond, 1.0)):
            some = x != 0
            share = (subject(at.penalty, x, at.t)[some] / x[some]).ravel()
            if kept and not at.jumps:  # what is kept is shrunk, but by no more than half
                share = np.where((share > 0.49) & (share <= 1), 1.0, share)
            ours.append(1 + share)
            expected.append(np.full(share.shape, 1 + kept))
    return np.concatenate(ours), np.concatenate(expected)


def by_squares(p: Penalty, x: FloatArray, t: FloatArray) -> FloatArray:
    """Compare squares of entries and groups with that of the threshold, as they come."""
    kept = np.sum(x**2, axis=-1).ravel() > p.largest_zero(t).ravel() ** 2
    return np.where(kept.reshape(-1, *(1,) * (x.ndim - 1)), x, 0.0)


EXTREMES = Claim(
    id="prox.extreme-sizes",
    statement="Of entries and groups from 1e-200 to 1e200, all in one array, what is below the "
    "threshold goes to 0 and what is beyond it does not: nothing over- or underflows.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_extremes,
    measure=measure_extremes,
    subject=Penalty.prox,
    planted={
        "squares compared": by_squares,
        "nothing taken to 0": lambda p, x, t: x,
        "tiny levels taken for 0": lambda p, x, t: p.prox(x, np.where(t < 1e-100, 0.0, t)),
    },
    tolerance=1e-12,
    hypotheses="thresholds by jumps, of l0, l2,0, MCP, SCAD and transformed l1; level 0 among them",
    cases=50,
)


# ----------------------------------------------------------------------------------------- groups


@dataclass(frozen=True)
class Matrices:
    """Matrices x of shape (m, n_out, n_in), levels t of shape (m,), and how x is grouped."""

    x: FloatArray
    t: FloatArray
    groups: str


def sample_matrices(rng: np.random.Generator, count: int) -> list[Matrices]:
    """Draw matrices of up to 4 x 6 with zero groups, level 0, and groups with |g|^2 = 2 t."""
    drawn = []
    for number, part in enumerate(np.array_split(np.empty(count), min(count, 12))):
        m, shape = len(part), (int(rng.integers(1, 5)), int(rng.integers(1, 7)))
        x = rng.standard_normal((m, *shape)) * log_uniform(rng, 1e-3, 1e3, (m, 1, 1))
        x[rng.random(m) < 0.3, 0] = 0
        x[rng.random(m) < 0.3, :, -1] = 0
        groups = "rows" if number % 2 == 0 else "columns"
        squares = np.sum(x**2, axis=2 if groups == "rows" else 1)
        t = squares.mean(axis=1) / 2 * log_uniform(rng, 0.1, 10, m)
        kind = rng.integers(6, size=m)
        t = np.where(kind == 0, 0.0, np.where(kind == 1, squares[:, -1] / 2, t))
        drawn.append(Matrices(x, t, groups))
    return drawn


def group_objective(u: FloatArray, at: Matrices) -> FloatArray:
    """Return t (number of groups of u that are not 0) + 1/2 |u - x|^2 for each matrix."""
    alive = np.any(u != 0, axis=2 if at.groups == "rows" else 1)
    return at.t * np.count_nonzero(alive, axis=1) + 0.5 * np.sum((u - at.x) ** 2, axis=(1, 2))


def entry_by_entry(x: FloatArray, t: FloatArray, groups: str) -> FloatArray:
    """Threshold single entries instead of groups."""
    return prox.hard_threshold(x, t[..., np.newaxis])


def measure_groups(subject: Any, drawn: list[Matrices]) -> Pair:
    """Compare the map's value with the least over all sets of groups that may be kept."""
    reached, least = [], []
    for at in drawn:
        reached.append(group_objective(subject(at.x, at.t[:, np.newaxis], at.groups), at))
        n_groups = at.x.shape[1 if at.groups == "rows" else 2]
        masks = [np.array(mask) for mask in product([0.0, 1.0], repeat=n_groups)]
        shape = (-1, 1) if at.groups == "rows" else (1, -1)
        values = [group_objective(at.x * mask.reshape(shape), at) for mask in masks]
        least.append(np.min(values, axis=0))
    return np.concatenate(reached), np.concatenate(least)


GROUP = Claim(
    id="prox.group-l20",
    statement="Keeping a group g iff |g|^2 > 2 t minimises t |u|_{2,0} + 1/2 |u - x|^2.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=sample_matrices,
    measure=measure_groups,
    subject=prox.group_hard_threshold,
    planted={
        "|g|^2 > t": lambda x, t, groups: prox.group_hard_threshold(x, t / 2, groups),
        "|g| > 2 t": lambda x, t, groups: prox.group_hard_threshold(x, 2 * t**2, groups),
        "entries instead of groups": entry_by_entry,
    },
    tolerance=1e-12,
    scale=1e-30,
    hypotheses="1 to 4 rows, 1 to 6 columns, zero groups and ties |g|^2 = 2 t among them, t >= 0",
    cases=10_000,
)

CLAIMS: tuple[Claim, ...] = (*ENTRIES, TIES, VALUE, THRESHOLDS, EXTREMES, GROUP)
