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
from zeroone.penalties import MCP, PENALTIES, SCAD, Penalty, TransformedL1
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


def own_map(penalty: Penalty, x: FloatArray, t: FloatArray) -> FloatArray:
    """Return the penalty's map."""
    return penalty.prox(x, t)


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
        subject=own_map,
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
    """An entry for which two points have the same objective, in whole and half numbers.

    Parameters
    ----------
    name : str
    penalty : Penalty
    x, t : float
    smaller : float
        The size of the smaller of the two points.
    """

    name: str
    penalty: Penalty
    x: float
    t: float
    smaller: float


def draw_ties(rng: np.random.Generator, count: int) -> list[Tie]:
    """Draw ties of l0, MCP and SCAD, scaled by powers of two, so that no threshold is rounded.

    l0: |x| = sqrt(2 t). MCP with t >= gamma: |x| = sqrt(t gamma), here 2 with t = 4, gamma = 1, or
    1 with t = gamma = 1. SCAD with a = 3: |x| = (t + 4 s)/2 for 2 s <= t < 4 s, where the two are
    |x| - t and |x|, and |x| = sqrt(4 t s) for larger t.
    """
    drawn = []
    for index in range(count):
        size, sign = 2.0 ** float(rng.integers(-8, 9)), float(rng.choice([-1.0, 1.0]))
        name = ("l0", "mcp", "scad", "scad", "mcp")[index % 5]
        if name == "l0":
            drawn.append(Tie(name, PENALTIES["l0"](), sign * size, size**2 / 2, 0.0))
        elif name == "mcp":
            x, t = (2.0, 4.0) if index % 5 == 1 else (1.0, 1.0)
            drawn.append(Tie(name, MCP(gamma=size), sign * x * size, t * size, 0.0))
        else:
            # In units of the knee s: t = 3 s ties at 3.5 s, of which 0.5 s is left; t = 4 s at 4 s.
            t, x, left = (3.0, 3.5, 0.5) if index % 5 == 2 else (4.0, 4.0, 0.0)
            penalty = SCAD(a=3.0, knee=size)
            drawn.append(Tie(name, penalty, sign * x * size, t * size, left * size))
    return drawn


def measure_ties(subject: Map, ties: list[Tie]) -> Pair:
    """Compare 1 + the size of what the map gives with 1 + that of the smaller point, relatively."""
    found = [subject(at.penalty, np.array([at.x]), np.array([at.t]))[0] for at in ties]
    ours = [1 + value / at.x for value, at in zip(found, ties, strict=True)]
    return np.array(ours), np.array([1 + at.smaller / abs(at.x) for at in ties])


def keeping(p: Penalty, x: FloatArray, t: FloatArray) -> FloatArray:
    """Keep an entry on a tie: the map just beyond it."""
    return p.prox(x * (1 + 1e-12), t)


TIES = Claim(
    id="prox.ties",
    statement="Where two points have the same objective the map gives the smaller: 0 at |x| = "
    "sqrt(2 t) for l0 and at sqrt(t gamma) for MCP.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_ties,
    measure=measure_ties,
    subject=own_map,
    planted={"kept on a tie": keeping, "nothing shrunk": lambda p, x, t: x},
    tolerance=1e-12,
    hypotheses="whole numbers times powers of two, for which the thresholds are exact",
    cases=200,
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
    """A vector, or for l2,0 a matrix, and a penalty."""

    name: str
    penalty: Penalty
    u: FloatArray


def draw_weights(rng: np.random.Generator, count: int) -> list[Weights]:
    """Draw a few weights of all sizes, zeros among them."""
    names = list(PENALTIES)
    drawn = []
    for index in range(count):
        name = names[index % len(names)]
        u = rng.standard_normal((int(rng.integers(1, 4)), int(rng.integers(1, 4))))
        u *= log_uniform(rng, 1e-2, 1e2, u.shape)
        u[rng.random(u.shape) < 0.3] = 0
        drawn.append(Weights(name, PENALTIES[name].random(rng), u))
    return drawn


def value_by_hand(at: Weights) -> float:
    """Return P(u): groups and entries that are not 0 counted, slopes integrated from 0 to |u_i|."""
    if at.penalty.of_matrices:
        groups = at.u if at.penalty.groups == "rows" else at.u.T  # type: ignore[attr-defined]
        return float(sum(any(group != 0) for group in groups))
    if at.name == "l0":
        return float(sum(value != 0 for value in at.u.ravel()))
    corners = {
        "mcp": lambda p: [float(p.gamma)],
        "scad": lambda p: [float(p.knee), float(p.a) * float(p.knee)],
    }.get(at.name, lambda p: [])(at.penalty)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for size in np.abs(at.u.ravel()).tolist():
        ends = [0.0, *(corner for corner in corners if corner < size), size]
        # Halves that shrink towards 0 follow the slope of transformed l1, which is steep there.
        ends = sorted({*ends, *(size / 2**i for i in range(1, 30))})
        for low, high in pairwise(ends):
            s = low + (high - low) * (nodes + 1) / 2
            slopes = [slope_of(at.penalty, at.name, each) for each in s.tolist()]
            total += (high - low) / 2 * float(weights @ np.array(slopes))
    return total


def measure_values(value: Any, drawn: list[Weights]) -> Pair:
    """Compare P(u) with integrals of its slope."""
    ours = [value(at.penalty, at.u) for at in drawn]
    return np.array(ours), np.array([value_by_hand(at) for at in drawn])


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
        "the squares": lambda p, u: p.value(u) ** 2,
        "the sign kept": lambda p, u: p.value(np.maximum(u, 0)),
        "twice the weights": lambda p, u: p.value(2 * u) if not p.of_matrices else 2 * p.value(u),
    },
    tolerance=1e-9,
    hypotheses="weights of size 0 and from 1e-2 to 1e2, parameters of all sizes",
    cases=120,
)


# -------------------------------------------------------------------------------------- thresholds


@dataclass(frozen=True)
class Threshold:
    """A penalty and a level t at which it takes entries below 1 to zero."""

    name: str
    penalty: Any
    t: float


def draw_thresholds(rng: np.random.Generator, count: int) -> list[Threshold]:
    """Draw penalties of vectors with levels from 0.001 to 0.2."""
    names = [name for name, kind in PENALTIES.items() if not kind.of_matrices]
    drawn: list[Threshold] = []
    while len(drawn) < count:
        name = names[len(drawn) % len(names)]
        t = float(log_uniform(rng, 1e-3, 0.2, ()))
        at = Threshold(name, PENALTIES[name].random(rng), t)
        if threshold_by_hand(at)[0] < 0.9:
            drawn.append(at)
    return drawn


def threshold_by_hand(at: Threshold) -> tuple[float, float]:
    """Return the largest |x| that goes to 0, and the largest shift of one up to 1 that does not."""
    p, t = at.penalty, at.t
    if at.name == "l1":
        return t, t
    if at.name == "l0":
        return sqrt(2 * t), 0.0
    if at.name == "tl1":
        a = float(p.a)
        if t <= a**2 / (2 * (a + 1)):
            return t * (a + 1) / a, t * (a + 1) / a
        tau = sqrt(2 * t * (a + 1)) - a / 2  # there u jumps to sqrt(2 t (a + 1)) - a
        return tau, tau - (sqrt(2 * t * (a + 1)) - a)
    if at.name == "mcp":
        gamma = float(p.gamma)
        return (t, t) if t < gamma else (sqrt(t * gamma), 0.0)
    top = (float(p.a) + 1) * float(p.knee)
    return (t, t) if t < top else (sqrt(t * top), 0.0)


def measure_thresholds(functions: tuple[Any, Any], drawn: list[Threshold]) -> Pair:
    """Compare threshold and shift, in closed form and as found numerically, with formulas.

    The numerical shift is a bound: no less than the shift, and more by two spacings at most.
    """
    zero, shift = functions
    ours: list[float] = []
    expected: list[float] = []
    for at in drawn:
        tau, moved = threshold_by_hand(at)
        t = np.array(at.t)
        ours += [float(at.penalty.largest_zero(t)), float(zero(at.penalty, t))]
        expected += [tau, tau]
        bound = float(shift(at.penalty, t))
        within = moved * (1 - 1e-9) <= bound <= moved + 2e-3 * (moved > 0)
        ours += [float(at.penalty.largest_kept_shift(t)), 1.0 + within]
        expected += [moved, 2.0]
    return np.array(ours), np.array(expected)


NUMERICAL = (Penalty.largest_zero, Penalty.largest_kept_shift)

THRESHOLDS = Claim(
    id="prox.thresholds",
    statement="The threshold of each map, and the most by which it moves an entry up to 1 that it "
    "keeps, are those of the closed forms, found numerically too.",
    source="docs/theory.md#a5",
    kind=Kind.EQUALITY,
    sample=draw_thresholds,
    measure=measure_thresholds,
    subject=NUMERICAL,
    planted={
        "twice the level": (lambda p, t: NUMERICAL[0](p, 2 * t), NUMERICAL[1]),
        "no shift": (NUMERICAL[0], lambda p, t: 0 * t),
        "half the shift": (NUMERICAL[0], lambda p, t: NUMERICAL[1](p, t) / 2),
    },
    tolerance=1e-9,
    hypotheses="levels from 0.001 to 0.2, thresholds below 0.9",
    cases=80,
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

CLAIMS: tuple[Claim, ...] = (*ENTRIES, TIES, VALUE, THRESHOLDS, GROUP)
