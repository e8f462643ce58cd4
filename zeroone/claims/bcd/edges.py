"""Claims: what the blocks do at their edges: on ties, without some columns, asked twice.

On a tie the bit is 0, and a row whose gain is just its price goes. The ties are made of whole
numbers and powers of two, for which all sums are exact.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.neurons import sweep_neurons
from zeroone.bcd.neurons_grouped import sweep_groups
from zeroone.claims.bcd.blocks import (
    SOURCE,
    Layer,
    Problem,
    compare,
    layer_problems,
    least_ridge_value,
    ridge_value,
    with_ones,
)
from zeroone.claims.claim import Claim, Kind, each
from zeroone.support.validation import BoolArray, FloatArray

Pairs = list[tuple[float, float]]

# ------------------------------------------------------------------------ the columns that are left


def measure_kept_columns(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the ridge value on the columns that are not zero with least squares on these alone.

    A column that was zero and is not any more counts as much as the whole value.
    """
    V, U, rows = problem.V[0], problem.U[0], problem.rows(0).copy()
    tau, gamma = problem.tau[0], problem.gamma[0]
    dropped = np.arange(V.shape[1]) % 2 == len(U) % 2
    rows[:, :-1][:, dropped] = 0
    kept = np.append(rows[:, :-1].any(axis=0), True)
    C = (U - with_ones(V) @ rows.T).T @ with_ones(V)
    layers = (rows[:, :-1], rows[:, -1], C[:, :-1], C[:, -1], blocks.Gram(V))
    found = np.column_stack(update(*layers, tau=tau, gamma=gamma))
    least = least_ridge_value(with_ones(V)[:, kept], U, tau, gamma)
    back = np.count_nonzero(found[:, ~kept]) * (1 + least)
    return ridge_value(with_ones(V), U, found, tau, gamma) + back, least


def wrong_all_columns(*arrays: Any, **prices: Any) -> Layer:
    """Solve for all columns."""
    return blocks.ridge_weights(*arrays, **prices)


def wrong_cut_off(W: FloatArray, *arrays: Any, **prices: Any) -> Layer:
    """Solve for all columns and set the others to zero afterwards."""
    moved, b = blocks.ridge_weights(W, *arrays, **prices)
    return moved * W.any(axis=0), b


RIDGE_ON_COLUMNS = Claim(
    id="bcd.ridge-on-columns",
    statement="On b and the columns of W that are not zero, the ridge problem is solved; the "
    "others stay zero.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=layer_problems,
    measure=compare(measure_kept_columns),
    subject=blocks.ridge_on_columns,
    planted={"all columns": wrong_all_columns, "cut off afterwards": wrong_cut_off},
    tolerance=1e-9,
    hypotheses="every other column zero",
    cases=200,
)

# ------------------------------------------------------------------------------- a Gram asked twice


def measure_asked_twice(make: Any, problem: Problem) -> Pairs:
    """Compare answers of one Gram at two scales and two ridges, in turn, with linear solves."""
    V, rows = with_ones(problem.V[0]), problem.rows(0)
    tau, (gamma, other) = problem.tau[0], problem.gamma
    gram = make(problem.V[0])
    pairs: Pairs = []
    for asked in ((tau, gamma), (tau, other), (2 * tau, other), (tau, gamma)):
        H = asked[0] * V.T @ V + asked[1] * np.eye(V.shape[1])
        expected = np.linalg.lstsq(H, rows.T, rcond=None)[0].T
        size = float(np.max(np.abs(expected), initial=1e-300))
        found = gram.solve(rows, *asked)
        pairs += list(zip((found / size).ravel(), (expected / size).ravel(), strict=True))
    return pairs


class StaleGram(blocks.Gram):
    """A Gram that keeps the inverse of what it was asked first."""

    def solve(self, rows: FloatArray, tau: float, gamma: float) -> FloatArray:
        """Return rows times the first inverse."""
        return super().solve(rows, *(self._asked or (tau, gamma)))


class HalfStaleGram(blocks.Gram):
    """A Gram that takes notice of another scale, but not of another ridge."""

    def solve(self, rows: FloatArray, tau: float, gamma: float) -> FloatArray:
        """Return rows times the inverse with the ridge of before, if the scale is the same."""
        same = self._asked is not None and self._asked[0] == tau
        return super().solve(rows, tau, self._asked[1] if self._asked and same else gamma)


ASKED_TWICE = Claim(
    id="bcd.gram-asked-twice",
    statement="A Gram matrix gives rows (tau V'V + gamma I)^-1 for the tau and gamma that it is "
    "asked for, whatever it was asked before.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=layer_problems,
    measure=each(measure_asked_twice),
    subject=blocks.Gram,
    planted={"the first inverse": StaleGram, "another ridge not noticed": HalfStaleGram},
    tolerance=1e-6,
    hypotheses="two scales and two ridges, one after the other",
    cases=150,
)

# --------------------------------------------------------------------------------------------- ties


@dataclass(frozen=True)
class Scale:
    """A power of two for what ties, and how many entries tie."""

    size: float
    n: int


def draw_scales(rng: np.random.Generator, count: int) -> list[Scale]:
    """Draw powers of two from 1/64 to 64."""
    return [Scale(2.0 ** int(rng.integers(-6, 7)), int(rng.integers(1, 5))) for _ in range(count)]


def measure_ties(rules: tuple[Any, ...], at: Scale) -> Pairs:
    """Compare, each plus 1, the rows that are kept on a tie and the bits that are set, with none.

    Just beyond the tie all are kept, and set; so many flips are reported.
    """
    keep_rows, update_preactivations, sweep, sweep_grouped = rules
    pairs: Pairs = []
    # V = 0 without a bias: H = gamma I, and a row's gain is gamma |w|^2.
    gram = blocks.Gram(np.zeros((2, 2)), bias=False)
    W, b, gamma = np.full((at.n, 2), at.size), np.zeros(at.n), 2.0
    for lam, kept in ((2 * at.size**2, 0), (2 * at.size**2 * (1 - 1e-9), at.n), (0.0, at.n)):
        found = keep_rows(W, b, gram, tau=1.0, gamma=gamma, lam=lam)[0]
        pairs.append((1.0 + np.count_nonzero(found.any(axis=1)), 1.0 + kept))
    none = keep_rows(0 * W, b, gram, tau=1.0, gamma=gamma, lam=0.0)[0]
    pairs.append((1.0 + np.count_nonzero(none), 1.0))
    for margin in (0.0, at.size):
        for v, fired in ((0.5, 0), (0.5 + 1e-9, at.n)):  # at a = 0 both sides are equally near
            A, V = np.zeros((at.n, 1)), np.full((at.n, 1), v)
            U = update_preactivations(A, V, tau=1.0, pi=at.size, margin=margin)
            pairs.append((1.0 + np.count_nonzero(U > 0), 1.0 + fired))
            # |w|^2/2 = w . r0 for w = 2 s and r0 = s: the next layer does not care.
            w, r0 = np.full((1, 1), 2 * at.size), np.full((at.n, 1), at.size * (1 + 2 * (v - 0.5)))
            for groups, start in product(((), ([slice(0, 1)],)), (False, True)):
                bits = np.full((at.n, 1), start)
                R = r0 - start * w.T
                rule = sweep_grouped if groups else sweep
                flips = rule(*groups, bits, A, R, w, kappa=1.0, tau=1.0, margin=margin)
                changed = at.n if start != (fired > 0) else 0
                pairs += [(1.0 + np.count_nonzero(bits), 1.0 + fired), (1.0 + flips, 1.0 + changed)]
    return pairs


def greedy_rows(
    W: FloatArray, b: FloatArray, gram: blocks.Gram, *, tau: float, gamma: float, lam: float
) -> Layer:
    """Keep rows on a tie."""
    return blocks.keep_rows(W, b, gram, tau=tau, gamma=gamma, lam=lam * (1 - 1e-12))


def free_rows(W: FloatArray, b: FloatArray, gram: blocks.Gram, **prices: Any) -> Layer:
    """Let all rows go at price 0."""
    return blocks.keep_rows(W, b, gram, **(prices if prices["lam"] else {**prices, "lam": 1e9}))


def eager_units(A: FloatArray, V: FloatArray, **prices: Any) -> FloatArray:
    """Fire on a tie."""
    return blocks.update_preactivations(A, V + 1e-12, **prices)


def eager_sweep(bits: BoolArray, A: FloatArray, R: FloatArray, W: FloatArray, **prices: Any) -> int:
    """Fire on a tie."""
    return sweep_neurons(bits, A + 1e-9 * np.abs(W).max(), R, W, **prices)


def eager_groups(groups: Any, bits: BoolArray, A: FloatArray, *rest: Any, **prices: Any) -> int:
    """Fire on a tie."""
    return sweep_groups(groups, bits, A + 1e-9 * np.abs(rest[1]).max(), *rest, **prices)


RULES = (blocks.keep_rows, blocks.update_preactivations, sweep_neurons, sweep_groups)

TIES = Claim(
    id="bcd.ties",
    statement="On a tie a row goes (it stays iff its gain > 2 lam; at price 0 every row that is "
    "not zero stays) and a bit is 0.",
    source=f"{SOURCE}, #b2",
    kind=Kind.EQUALITY,
    sample=draw_scales,
    measure=each(measure_ties),
    subject=RULES,
    planted={
        "rows kept": (greedy_rows, *RULES[1:]),
        "units that fire": (RULES[0], eager_units, *RULES[2:]),
        "neurons that fire": (*RULES[:2], eager_sweep, RULES[3]),
        "groups that fire": (*RULES[:3], eager_groups),
        "flips not counted": (*RULES[:3], lambda *at, **prices: 0 * sweep_groups(*at, **prices)),
        "at price 0 all rows go": (free_rows, *RULES[1:]),
    },
    tolerance=0.0,
    hypotheses="whole numbers times powers of two; both remedies",
    cases=60,
)

CLAIMS = (RIDGE_ON_COLUMNS, ASKED_TWICE, TIES)
