"""Claims: each proximal map minimises t P(u) + 1/2 |u - x|^2, against search by brute force."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from zeroone import prox
from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_pairs import Pair, log_uniform
from zeroone.validation import FloatArray

Penalty = Callable[[FloatArray, FloatArray], FloatArray]  # of u and a

# ------------------------------------------------------------------------------ separable penalties

PENALTIES: dict[str, Penalty] = {
    "l1": lambda u, a: np.abs(u),
    "l0": lambda u, a: (u != 0).astype(float),
    "transformed-l1": lambda u, a: (a + 1) * np.abs(u) / (a + np.abs(u)),
}


@dataclass(frozen=True)
class Entries:
    """Single entries x, of shape (m,), each with its level t and its a (for transformed l1)."""

    x: FloatArray
    t: FloatArray
    a: FloatArray


def sample_entries(rng: np.random.Generator, count: int) -> Entries:
    """Draw entries of all sizes: generic, zeros, level 0, ties |x| = sqrt(2 t), and |x| = t."""
    kind = np.arange(count) % 8
    x = rng.choice([-1.0, 1.0], count) * log_uniform(rng, 1e-3, 1e3, count)
    t = log_uniform(rng, 1e-2, 1e2, count) * np.abs(x) ** rng.choice([1, 2], count)
    x = np.where(kind == 7, 0.0, x)
    t = np.where(kind == 6, 0.0, t)
    t = np.where(kind == 5, x**2 / 2, t)
    t = np.where(kind == 4, np.abs(x), t)
    return Entries(x, t, log_uniform(rng, 1e-3, 1e3, count))


def objective(penalty: Penalty, u: FloatArray, at: Entries) -> FloatArray:
    """Return t P(u) + 1/2 (u - x)^2 for candidates u of shape (m, n) or (m, 1)."""
    x, t, a = (value[:, np.newaxis] for value in (at.x, at.t, at.a))
    return t * penalty(u, a) + 0.5 * (u - x) ** 2


def least_on_grids(penalty: Penalty, at: Entries) -> FloatArray:
    """Return the least value of the objective on a grid over [-2|x|, 2|x|], refined three times.

    0 and x are on the grid, and no minimiser lies outside: P grows with |u|.
    """
    centre, radius = np.zeros((len(at.x), 1)), 2 * np.abs(at.x)[:, np.newaxis]
    best = objective(penalty, centre, at)
    for points in (201, 41, 41, 41):
        u = centre + radius * np.linspace(-1, 1, points)
        values = objective(penalty, u, at)
        lowest = np.argmin(values, axis=1)[:, np.newaxis]
        best = np.minimum(best, np.take_along_axis(values, lowest, 1))
        centre = np.take_along_axis(u, lowest, 1)
        radius = radius * (2 / (points - 1))
    return np.minimum(best, objective(penalty, at.x[:, np.newaxis], at))[:, 0]


def entries_claim(
    name: str,
    statement: str,
    map_of: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
    planted: dict[str, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]],
) -> Claim:
    """Return the claim that a map (x, t, a) -> u reaches the least value of its objective."""
    penalty = PENALTIES[name]

    def measure(subject: Any, at: Entries) -> Pair:
        u = subject(at.x, at.t, at.a)[:, np.newaxis]
        return objective(penalty, u, at)[:, 0], least_on_grids(penalty, at)

    return Claim(
        id=f"prox.{name}",
        statement=statement,
        source="theory, A5",
        kind=Kind.UPPER_BOUND,
        sample=sample_entries,
        measure=measure,
        subject=map_of,
        planted=planted,
        tolerance=1e-10,
        scale=1e-30,
        hypotheses="|x| = 0 or from 1e-3 to 1e3, t >= 0, 1e-3 <= a <= 1e3, ties among them",
        cases=10_000,
        near=1e-6,
    )


L1 = entries_claim(
    "l1",
    "sign(x) max(|x| - t, 0) minimises t |u| + 1/2 (u - x)^2.",
    lambda x, t, a: prox.soft_threshold(x, t),
    {
        "twice the level": lambda x, t, a: prox.soft_threshold(x, 2 * t),
        "kept where above the level": lambda x, t, a: np.where(np.abs(x) > t, x, 0),
        "the sign lost": lambda x, t, a: np.abs(prox.soft_threshold(x, t)),
    },
)

L0 = entries_claim(
    "l0",
    "x where |x| > sqrt(2 t), else 0, minimises t [u != 0] + 1/2 (u - x)^2.",
    lambda x, t, a: prox.hard_threshold(x, t),
    {
        "threshold t": lambda x, t, a: np.where(np.abs(x) > t, x, 0),
        "threshold sqrt(t)": lambda x, t, a: prox.hard_threshold(x, t / 2),
        "threshold 2 t": lambda x, t, a: np.where(np.abs(x) > 2 * t, x, 0),
    },
)


def wrong_first_threshold(x: FloatArray, t: FloatArray, a: FloatArray) -> FloatArray:
    """Use tau = t (a+1)/a also where it is too high or too low."""
    kept = prox.transformed_l1_threshold(x, t, a)
    return np.where(np.abs(x) > t * (a + 1) / a, kept, 0)


def wrong_root(x: FloatArray, t: FloatArray, a: FloatArray) -> FloatArray:
    """Leave out the last term, |x|/3, of the closed form."""
    kept = prox.transformed_l1_threshold(x, t, a)
    return np.where(kept != 0, kept - x / 3, 0)


TRANSFORMED_L1 = entries_claim(
    "transformed-l1",
    "The closed form with threshold tau minimises t (a+1)|u|/(a+|u|) + 1/2 (u - x)^2.",
    prox.transformed_l1_threshold,
    {
        "the first threshold everywhere": wrong_first_threshold,
        "|x|/3 forgotten": wrong_root,
        "soft thresholding": lambda x, t, a: prox.soft_threshold(x, t),
    },
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
    source="theory, A5",
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

CLAIMS: tuple[Claim, ...] = (L1, L0, TRANSFORMED_L1, GROUP)
