"""Claims: block coordinate descent with one hidden convolutional layer (docs/theory.md#d5)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from zeroone.bcd import convolution as solver
from zeroone.bcd import pooled
from zeroone.claims.bcd.blocks import (
    log_uniform,
    wrong_ridge_sign,
)
from zeroone.claims.bcd.descent import PlantedSolver
from zeroone.claims.claim import Claim, Kind
from zeroone.support.validation import BoolArray, FloatArray

SOURCE = "docs/theory.md#d5"
Pair = tuple[FloatArray, FloatArray]
Settings = dict[str, Any]


# ----------------------------------------------------------------- the bits of a filter in a region


@dataclass(frozen=True)
class Region:
    """One filter in one region: prices (n, |q|), residuals r0 without it (n, K), and v (K,)."""

    prices: FloatArray
    r0: FloatArray
    v: FloatArray


def draw_regions(rng: np.random.Generator, count: int) -> list[Region]:
    """Draw regions of 1 to 7 positions; small integers, which tie, zero v and huge prices too."""
    drawn = []
    for _ in range(count):
        n, positions, outputs = (int(rng.integers(1, top)) for top in (4, 8, 4))
        if rng.random() < 0.4:
            prices = rng.integers(-2, 3, (n, positions)).astype(float)
            r0 = rng.integers(-3, 4, (n, outputs)).astype(float)
            v = rng.integers(-1, 2, outputs).astype(float)
        else:
            prices = log_uniform(rng, 0.01, 10.0) * rng.standard_normal((n, positions))
            r0 = log_uniform(rng, 0.1, 10.0) * rng.standard_normal((n, outputs))
            v = log_uniform(rng, 0.01, 3.0) * rng.standard_normal(outputs)
        if rng.random() < 0.1:
            v[:] = 0
        drawn.append(Region(prices, r0, v))
    return drawn


def cost(bits: tuple[int, ...], prices: FloatArray, r0: FloatArray, v: FloatArray) -> float:
    """Return 1/2 |r0 - m v|^2 plus the prices of the m bits that are on."""
    left = r0 - sum(bits) * v
    return float(left @ left) / 2 + sum(c for bit, c in zip(bits, prices, strict=True) if bit)


def measure_regions(subject: Any, regions: list[Region]) -> Pair:
    """Compare what the chosen bits cost with the least cost of all 2^|q| states.

    Of whole numbers costs are exact, and the number of bits, plus 1, is compared with the least
    number among the states that cost the least.
    """
    ours, least = [], []
    for region in regions:
        gain = np.array([float(r @ region.v) for r in region.r0])
        chosen = subject(region.prices.copy(), gain, float(region.v @ region.v))
        right = isinstance(chosen, np.ndarray) and chosen.shape == region.prices.shape
        whole = all(np.all(np.round(each) == each) for each in (region.prices, region.r0, region.v))
        for n, (prices, r0) in enumerate(zip(region.prices, region.r0, strict=True)):
            states = list(product((0, 1), repeat=len(prices)))
            costs = [cost(state, prices, r0, region.v) for state in states]
            best = min(costs)
            least.append(best)
            bits = tuple(chosen[n].tolist()) if right else ()
            valid = right and all(bit in (0, 1) for bit in bits)
            ours.append(cost(bits, prices, r0, region.v) if valid else np.nan)
            if whole:
                fewest = min(sum(one) for one, c in zip(states, costs, strict=True) if c == best)
                least.append(1.0 + fewest)
                ours.append(1.0 + sum(bits) if valid else np.nan)
    return np.array(ours), np.array(least)


def each_alone(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Let every position decide as if no other fired."""
    return prices + square / 2 < gain[:, None]


def dearest_first(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Take the dearest positions first."""
    return pooled.pooled_bits(-prices[:, ::-1], gain, square)


def half_forgotten(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Count the m-th bit's own square in full."""
    return pooled.pooled_bits(prices + square / 2, gain, square)


def prices_forgotten(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Decide how many fire by the scores alone."""
    return pooled.pooled_bits(np.zeros_like(prices), gain, square)


def all_or_none(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Let all positions fire or none, whichever is cheaper."""
    count = prices.shape[1]
    rise = prices.sum(axis=1) + count**2 * square / 2 - count * gain
    return np.broadcast_to((rise < 0)[:, None], prices.shape).copy()


POOLED_BLOCK = Claim(
    id="bcd.pooled-block",
    statement="The bits of one filter in one region, all positions together, cost the least of all "
    "2^|q| states; on a tie they are the fewest.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_regions,
    measure=measure_regions,
    subject=pooled.pooled_bits,
    planted={
        "every position on its own": each_alone,
        "the dearest first": dearest_first,
        "m instead of m - 1/2": half_forgotten,
        "prices forgotten": prices_forgotten,
        "all or none": all_or_none,
        "more on a tie": lambda prices, gain, square: pooled.pooled_bits(
            prices - 1e-13, gain, square
        ),
    },
    tolerance=1e-12,
    hypotheses="1 to 7 positions, ties, v = 0",
)


# ------------------------------------------------------------------- filters and regions in turn


@dataclass(frozen=True)
class Bank:
    """Filters' bits and pre-activations, and what the outputs should be.

    Parameters
    ----------
    bits, A : ndarray, shape (n_filters, n_samples, n_positions)
    T : ndarray, shape (n_samples, n_outputs)
        Targets, less the biases of the outputs.
    W : ndarray, shape (n_outputs, n_regions, n_filters)
    regions : list of slice
    order : list of int
    tau, margin : float
    """

    bits: BoolArray
    A: FloatArray
    T: FloatArray
    W: FloatArray
    regions: list[slice]
    order: list[int]
    tau: float
    margin: float

    def residual(self, bits: FloatArray) -> FloatArray:
        """Return what the scores of the shares, region by region, leave of the targets."""
        R = self.T.copy()
        for q, region in enumerate(self.regions):
            for j in range(len(bits)):
                shares = [float(sum(row)) / len(row) for row in bits[j, :, region]]
                R -= np.outer(shares, self.W[:, q, j])
        return R


def draw_banks(rng: np.random.Generator, count: int) -> list[Bank]:
    """Draw one to three filters, one to three regions of one to three positions."""
    drawn = []
    for _ in range(count):
        filters, n, outputs, regions = (int(rng.integers(1, top)) for top in (4, 4, 4, 4))
        ends = np.cumsum([0, *rng.integers(1, 4, regions)]).tolist()
        shape = (filters, n, ends[-1])
        drawn.append(
            Bank(
                bits=rng.random(shape) < 0.5,
                A=log_uniform(rng, 0.1, 3.0) * rng.standard_normal(shape),
                T=rng.standard_normal((n, outputs)),
                W=log_uniform(rng, 0.3, 3.0) * rng.standard_normal((outputs, regions, filters)),
                regions=[slice(*pair) for pair in pairwise(ends)],
                order=rng.permutation(filters).tolist(),
                tau=log_uniform(rng, 0.05, 5.0),
                margin=float(rng.choice([0.0, 0.1, 0.5])),
            )
        )
    return drawn


def best_in_turn(at: Bank) -> FloatArray:
    """Return the bits after every filter took, region by region, the best of all its states."""
    bits = at.bits.astype(float)
    for j in at.order:
        for q, region in enumerate(at.regions):
            bits[j, :, region] = 0
            without, A = at.residual(bits), at.A[j, :, region]
            states = np.array(list(product((0.0, 1.0), repeat=A.shape[1])))
            for n, a in enumerate(A):
                nearest = np.where(states > 0, np.maximum(a, at.margin), np.minimum(a, -at.margin))
                missed = without[n] - np.outer(states.mean(axis=1), at.W[:, q, j])
                costs = np.sum(missed**2, axis=1) + at.tau * np.sum((nearest - a) ** 2, axis=1)
                bits[j, n, region] = states[np.argmin(costs)]
    return bits


def measure_in_turn(sweep: Any, banks: list[Bank]) -> Pair:
    """Compare bits, residual, and 1 plus the number of flips with trying every state in turn."""
    pairs: list[tuple[float, float]] = []
    for at in banks:
        bits, R = at.bits.copy(), at.residual(at.bits.astype(float))
        options = {"tau": at.tau, "margin": at.margin, "order": at.order}
        flips = sweep(bits, at.A, R, at.W, at.regions, **options)
        best = best_in_turn(at)
        pairs += zip(bits.ravel().tolist(), best.ravel().tolist(), strict=True)
        pairs += zip(R.ravel().tolist(), at.residual(best).ravel().tolist(), strict=True)
        pairs.append((1.0 + flips, 1.0 + np.count_nonzero(best != at.bits)))
    return np.array(pairs)[:, 0], np.array(pairs)[:, 1]


def sweep_from_old_residual(
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    *rest: Any,
    order: list[int],
    **prices: Any,
) -> int:
    """Let all filters decide at once, none knowing what the others did."""
    before, flips = R.copy(), 0
    for j in order:
        alone = before.copy()
        flips += pooled.sweep_filters(bits, A, alone, *rest, order=[j], **prices)
        R += alone - before
    return flips


def sweep_without_shares(
    bits: BoolArray, A: FloatArray, R: FloatArray, W: FloatArray, regions: Any, **options: Any
) -> int:
    """Take the number of a region's bits for their share."""
    sizes = np.array([region.stop - region.start for region in regions])
    return pooled.sweep_filters(bits, A, R, W * sizes[:, None], regions, **options)


IN_TURN = Claim(
    id="bcd.pooled-in-turn",
    statement="A sweep gives each filter in its turn, region by region, the best of all 2^|q| "
    "states, and keeps the residual of the scores up to date.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_banks,
    measure=measure_in_turn,
    subject=pooled.sweep_filters,
    planted={
        "all filters at once": sweep_from_old_residual,
        "numbers for shares": sweep_without_shares,
        "tau doubled": lambda *at, tau, **rest: pooled.sweep_filters(*at, tau=2 * tau, **rest),
        "another order": lambda *at, order, **rest: pooled.sweep_filters(
            *at, order=order[::-1], **rest
        ),
        "flips not counted": lambda *at, **rest: 0 * pooled.sweep_filters(*at, **rest),
    },
    tolerance=1e-9,
    hypotheses="1 to 3 filters, 1 to 3 regions of 1 to 3 positions, both remedies",
    cases=60,
)

# --------------------------------------------------------------------------------- F2 does not rise


def draw_runs(rng: np.random.Generator, count: int) -> list[Settings]:
    """Draw patches, targets and options of whole runs; equal patches and one of each size too."""
    drawn = []
    for _ in range(count):
        n, height, width, entries = (int(rng.integers(1, top)) for top in (9, 4, 4, 5))
        P = rng.standard_normal((n, height, width, entries))
        kind = rng.choice(["plain", "plain", "equal", "integers", "blank"])
        if kind == "equal":
            P[:] = P[:1, :1, :1]
        elif kind == "integers":
            P = rng.integers(-1, 2, P.shape).astype(float)
        elif kind == "blank":
            P[:] = 0
        Y = np.eye(3)[rng.integers(3, size=n)]
        drawn.append(
            {
                "patches": P,
                "Y": Y,
                "filters": int(rng.integers(1, 6)),
                "regions": (int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1))),
                "rng": int(rng.integers(2**31)),
                "sweeps": 4,
                "tau": log_uniform(rng, 1e-3, 3.0),
                "gamma": log_uniform(rng, 1e-3, 1.0),
                "remedy": str(rng.choice(["tiny", "margin"])),
                "margin": log_uniform(rng, 0.01, 1.0),
            }
        )
    return drawn


def plain_objective(state: Any, settings: Settings) -> float:
    """Return F2 as it is defined, position by position."""
    W, b, U = state.weights, state.biases, state.preactivations
    total = (
        settings["gamma"]
        / 2
        * sum(
            float(np.sum(array**2)) for array in (W, b, state.output_weights, state.output_biases)
        )
    )
    for n, target in enumerate(settings["Y"]):
        shares = []
        for region in state.regions:
            for j in range(len(W)):
                fires = [1.0 if U[j, n, p] > 0 else 0.0 for p in range(U.shape[2])[region]]
                shares.append(sum(fires) / len(fires))
        scores = state.output_weights @ np.array(shares) + state.output_biases
        total += float(np.sum((target - scores) ** 2)) / 2
        for p, patch in enumerate(state.patches[n]):
            for j in range(len(W)):
                a = float(W[j] @ patch + b[j])
                total += settings["tau"] / 2 * float(U[j, n, p] - a) ** 2
    return total


def measure_descent(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare F2 after with F2 before every block update, and the first with what was reported."""
    after, before = [], []
    for settings in runs:
        previous = None
        for step in iterate(**settings):
            value = plain_objective(step.state, settings)
            before.append(step.objective_before if previous is None else previous)
            after.append(value)
            previous = value
    return np.array(after), np.array(before)


RIGHT_BITS = pooled.pooled_bits


def contrary_bits(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Decide the opposite."""
    return ~RIGHT_BITS(prices, gain, square)


def region_counts(bits: BoolArray, regions: Any, dtype: Any) -> FloatArray:
    """Return how often each filter fires in each region."""
    S = [bits[:, :, region].sum(axis=2, dtype=dtype).T for region in regions]
    return np.concatenate(S, axis=1)


DESCENT = Claim(
    id="bcd.convolution-descent",
    statement="F2 of the net with a convolutional layer does not rise at any block update.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_runs,
    measure=measure_descent,
    subject=solver.iterate,
    planted={
        "bits turned round": PlantedSolver(pooled, solver, pooled_bits=contrary_bits),
        "ridge's sign": PlantedSolver(solver, ridge_weights=wrong_ridge_sign),
        "counts instead of shares": PlantedSolver(solver, region_means=region_counts),
    },
    tolerance=1e-11,
    hypotheses="full batch; 1 to 8 images, 1 to 9 positions in any grid of regions, 1 to 5 "
    "filters; equal and blank patches",
    cases=60,
)

CLAIMS = (POOLED_BLOCK, IN_TURN, DESCENT)
