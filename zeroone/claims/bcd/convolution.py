"""Claims: block coordinate descent with one hidden convolutional layer (docs/theory.md#d5)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
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
    """Compare what the chosen bits cost with the least cost of all 2^|q| states."""
    ours, least = [], []
    for region in regions:
        gain = np.array([float(r @ region.v) for r in region.r0])
        chosen = subject(region.prices.copy(), gain, float(region.v @ region.v))
        right = isinstance(chosen, np.ndarray) and chosen.shape == region.prices.shape
        for n, (prices, r0) in enumerate(zip(region.prices, region.r0, strict=True)):
            states = product((0, 1), repeat=len(prices))
            least.append(min(cost(state, prices, r0, region.v) for state in states))
            bits = tuple(chosen[n].tolist()) if right else ()
            valid = right and all(bit in (0, 1) for bit in bits)
            ours.append(cost(bits, prices, r0, region.v) if valid else np.nan)
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
    "2^|q| states.",
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
    },
    tolerance=1e-12,
    hypotheses="1 to 7 positions, ties, v = 0",
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

CLAIMS = (POOLED_BLOCK, DESCENT)
