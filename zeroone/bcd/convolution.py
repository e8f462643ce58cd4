"""Block coordinate descent with one hidden convolutional layer, on all data at once.

The rows x of P are the normalised and whitened patches of the images
(`zeroone.nets.patch_normalisation`), p a position, q a region of positions, j a filter
(docs/theory.md#d5) ::

    A = P W^T + b,   V = step(U),   S[n, q, j] = 1/|q| sum over p in q of V[n, p, j]
    F2 = 1/2 |Y - S W_out^T - b_out|^2 + (tau/2) |U - A|^2
         + (gamma/2) (|W|^2 + |b|^2 + |W_out|^2 + |b_out|^2)

A sweep visits three blocks, each of which lowers F2 ::

    W2   ridge regression of Y on S
    U1   filter by filter and region by region: the bits of all positions together, in closed form
    W1   ridge regression of U on the patches, however large the images are

With one position a region, U1 is the rule of the two-splitting form for a single neuron
(docs/theory.md#b2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.bcd.blocks import (
    LARGEST_MARGIN,
    REMEDIES,
    Gram,
    nearest_on_side,
    ridge_weights,
)
from zeroone.bcd.filters import SAMPLES, filter_responses, patch_filters
from zeroone.bcd.objective import LARGEST_PRICE, LEAST_RIDGE, squared_distance
from zeroone.bcd.pooled import BITS, SOURCE, region_by_region, region_means, sweep_filters
from zeroone.nets.regions import RegionMeans
from zeroone.steps import Block, Step
from zeroone.support.validation import (
    FloatArray,
    check_array,
    check_choice,
    check_integer,
    check_matrix,
    check_number,
)

OUTPUT = Block("W2", "W2 = Y^T S (S^T S + gamma I)^-1, S with a column of ones", SOURCE)
FILTERS = Block("W1", "W1 = tau U^T P (tau P^T P + gamma I)^-1, P with a column of ones", SOURCE)


def sweeps(state: PooledState, options: PooledOptions, rng: np.random.Generator) -> Iterator[Step]:
    """Yield the steps of all sweeps, each block in its turn.

    Parameters
    ----------
    state : PooledState
        From `start`; changed in place.
    options : PooledOptions
    rng : numpy.random.Generator
        Shuffles the filters.

    Yields
    ------
    Step
        Blocks ``W2``, ``U1`` and ``W1``, with the terms of F2 before and after.
    """
    blocks = {
        OUTPUT: lambda: state.update_output(options),
        BITS: lambda: state.update_bits(options, rng.permutation(len(state.weights)).tolist()),
        FILTERS: lambda: state.update_filters(options),
    }
    terms = state.terms(options)
    for sweep in range(1, options.sweeps + 1):
        for number, (block, update) in enumerate(blocks.items(), start=1):
            info = update()
            before, terms = terms, state.terms(options)
            info["position"] = sweep - 1 + number / len(blocks)
            info["epoch_ends"] = number == len(blocks)
            yield Step(sweep, block, before, terms, state, info)


@dataclass(frozen=True)
class PooledOptions:
    """The options of block coordinate descent with a convolutional layer, on all data.

    Parameters
    ----------
    sweeps : int, default 20
        Passes over the three blocks.
    tau : float, default 0.5
        Price of |U - A|^2 / 2 at one position, > 0.
    gamma : float, default 1e-2
        Ridge, > 0.
    remedy : {"margin", "tiny"}, default "margin"
        How a unit fires at the least cost; see `zeroone.bcd.Options`.
    margin : float, default 0.1
        Half-width of the gap for the remedy "margin", > 0.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    sweeps: int = 20
    tau: float = 0.5
    gamma: float = 1e-2
    remedy: str = "margin"
    margin: float = 0.1

    def __post_init__(self) -> None:
        check_integer("sweeps", self.sweeps)
        check_number("tau", self.tau, strict=True, maximum=LARGEST_PRICE)
        check_number("gamma", self.gamma, minimum=LEAST_RIDGE, maximum=LARGEST_PRICE)
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True, maximum=LARGEST_MARGIN)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0


@dataclass
class PooledState:
    """The variables of F2, and what they were computed from.

    Parameters
    ----------
    patches : ndarray, shape (n_samples, n_positions, n_entries)
        P, the positions region by region.
    targets : ndarray, shape (n_samples, n_outputs)
        Y.
    regions : list of slice
        The positions of each region.
    weights, biases : ndarray, shape (n_filters, n_entries) and (n_filters,)
        W and b.
    output_weights : ndarray, shape (n_outputs, n_regions * n_filters)
    output_biases : ndarray, shape (n_outputs,)
    preactivations : ndarray, shape (n_filters, n_samples, n_positions)
        U.
    gram : Gram
        That of the patches, which never change.
    """

    patches: FloatArray
    targets: FloatArray
    regions: list[slice]
    weights: FloatArray
    biases: FloatArray
    output_weights: FloatArray
    output_biases: FloatArray
    preactivations: FloatArray
    gram: Gram

    def rows(self) -> FloatArray:
        """Return the patches as rows, one a position of a sample."""
        return self.patches.reshape(-1, self.patches.shape[2])

    def products(self) -> FloatArray:
        """Return A, shape (n_filters, n_samples, n_positions)."""
        return filter_responses(self.patches, self.weights, self.biases)

    def means(self) -> FloatArray:
        """Return S as rows, shape (n_samples, n_regions * n_filters)."""
        return region_means(self.preactivations > 0, self.regions, self.targets.dtype)

    def scores(self) -> FloatArray:
        """Return S W_out^T + b_out."""
        return self.means() @ self.output_weights.T + self.output_biases

    def terms(self, options: PooledOptions) -> dict[str, float]:
        """Return F2 by term."""
        coupling = squared_distance(
            self.preactivations.reshape(len(self.weights), -1),
            self.products().reshape(len(self.weights), -1),
        )
        arrays = (self.weights, self.biases, self.output_weights, self.output_biases)
        squares = sum(float(np.vdot(array, array)) for array in arrays)
        return {
            "fit": squared_distance(self.targets, self.scores()) / 2,
            "coupling_1": options.tau / 2 * coupling,
            "ridge": options.gamma / 2 * squares,
        }

    def update_output(self, options: PooledOptions) -> dict[str, Any]:
        """Block W2: ridge regression of the targets on the means."""
        S, W, b = self.means(), self.output_weights, self.output_biases
        R = self.targets - S @ W.T - b
        solved = ridge_weights(W, b, R.T @ S, R.sum(axis=0), Gram(S), tau=1.0, gamma=options.gamma)
        self.output_weights, self.output_biases = solved
        return {}

    def update_bits(self, options: PooledOptions, order: Sequence[int]) -> dict[str, Any]:
        """Block U1: the bits, filter by filter, and the nearest pre-activations with these bits."""
        A, bits = self.products(), self.preactivations > 0
        n_filters = len(self.weights)
        flipped = sweep_filters(
            bits,
            A,
            self.targets - self.scores(),
            self.output_weights.reshape(-1, len(self.regions), n_filters),
            self.regions,
            tau=options.tau,
            margin=options.gap,
            order=order,
        )
        self.preactivations = nearest_on_side(A, bits, options.gap)
        return {"flipped": flipped, "order": list(order)}

    def update_filters(self, options: PooledOptions) -> dict[str, Any]:
        """Block W1: ridge regression of the pre-activations on the patches."""
        D = (self.preactivations - self.products()).reshape(len(self.weights), -1)
        self.weights, self.biases = ridge_weights(
            self.weights,
            self.biases,
            D @ self.rows(),
            D.sum(axis=1),
            self.gram,
            tau=options.tau,
            gamma=options.gamma,
        )
        return {}


def iterate(
    patches: ArrayLike,
    Y: ArrayLike,
    filters: int,
    *,
    regions: int | Sequence[int] = 2,
    rng: np.random.Generator | int | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train by full-batch block coordinate descent, one block update at a time.

    Parameters
    ----------
    patches : array_like, shape (n_samples, height, width, n_entries)
        What the filters see at each of height x width positions, normalised as wanted; see
        `zeroone.nets.patch_normalisation`. float32 is kept.
    Y : array_like, shape (n_samples, n_outputs)
        The targets, one-hot or real.
    filters : int
        Number of filters.
    regions : int or (int, int), default 2
        Regions down and across: 2 for quadrants, the height and the width for single positions.
    rng : numpy.random.Generator or seed, optional
        Chooses the first filters, and shuffles them in every sweep.
    **options
        The fields of `PooledOptions`, by name.

    Yields
    ------
    Step
        See `sweeps`.

    Raises
    ------
    ValueError
        If an argument is of the wrong shape, not finite or out of range.
    """
    try:
        chosen = PooledOptions(**options)
    except TypeError as error:
        raise ValueError(f"options must be fields of PooledOptions: {error}") from None
    P = check_array("patches", patches)
    if P.ndim != 4 or 0 in P.shape:
        raise ValueError(
            f"patches must have the shape (samples, height, width, entries), but is {P.shape}"
        )
    Y = check_matrix("Y", Y, dtype=P.dtype)
    if len(P) != len(Y):
        raise ValueError(f"Y must have {len(P)} rows like patches, but has {len(Y)}")
    generator = np.random.default_rng(rng)
    state = start(P, Y, check_integer("filters", filters), RegionMeans(regions), chosen, generator)
    return sweeps(state, chosen, generator)


# ------------------------------------------------------------------------- what the loops rely on


def start(
    patches: FloatArray,
    targets: FloatArray,
    filters: int,
    layer: RegionMeans,
    options: PooledOptions,
    rng: np.random.Generator,
) -> PooledState:
    """Return the variables at which descent starts: random patches as filters, and W_out zero.

    Parameters
    ----------
    patches : ndarray, shape (n_samples, height, width, n_entries)
    targets : ndarray, shape (n_samples, n_outputs)
    filters : int
    layer : RegionMeans
    options : PooledOptions
        For the gap, out of which U is moved.
    rng : numpy.random.Generator
    """
    n, height, width, entries = patches.shape
    order, regions = region_by_region(layer, height, width)
    P = patches.reshape(n, height * width, entries)[:, order]
    rows = P.reshape(-1, entries)
    sample = rows[rng.permutation(len(rows))[:SAMPLES]]
    W, b = patch_filters(sample, filters, rng)
    A = filter_responses(P, W, b)
    U = nearest_on_side(A, A > 0, options.gap)
    outputs = targets.shape[1]
    W_out = np.zeros((outputs, len(regions) * filters), P.dtype)
    return PooledState(P, targets, regions, W, b, W_out, W_out[:, :0].sum(axis=1), U, Gram(rows))
