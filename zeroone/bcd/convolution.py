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
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.bcd.blocks import (
    LARGEST_MARGIN,
    REMEDIES,
    Gram,
    crossing_cost,
    nearest_on_side,
    ridge_weights,
)
from zeroone.bcd.initialise import scale_to_unit_variance
from zeroone.bcd.objective import (
    LARGEST_PRICE,
    LEAST_RIDGE,
    Layer,
    layer_product,
    squared_distance,
)
from zeroone.nets.convolution import Convolution, Pair
from zeroone.nets.layers import Dense, Flatten
from zeroone.nets.layers import Layer as NetLayer
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.regions import RegionMeans
from zeroone.nets.units import HiddenUnits
from zeroone.steps import Block, Step
from zeroone.support.validation import (
    BoolArray,
    FloatArray,
    check_array,
    check_choice,
    check_integer,
    check_matrix,
    check_number,
)

IndexArray = NDArray[np.intp]

# Patches from which filters are drawn and on which their thresholds are set; the part of them on
# which a filter fires.
SAMPLES, FIRING = 20_000, 0.15
# Images from whose patches the normalisation is taken; what is added to the variance of a patch
# whose pixels have a variance near 1, and to the eigenvalues of the patches' covariance.
IMAGES, OFFSET, WHITENING = 500, 0.05, 0.1

SOURCE = "docs/theory.md#d5"
OUTPUT = Block("W2", "W2 = Y^T S (S^T S + gamma I)^-1, S with a column of ones", SOURCE)
BITS = Block(
    "U1",
    "for each filter j and region q, with v = W2[:, (q, j)] / |q|: the m cheapest positions fire, "
    "m the number of k with -v . r0 + (k - 1/2) |v|^2 + c_(k) < 0; then u = z max(z a, margin)",
    SOURCE,
)
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


def pooled_bits(prices: FloatArray, gain: FloatArray, square: float) -> BoolArray:
    """Return the best bits of one filter in one region, all positions together.

    Let v be what one more bit adds to the scores, r0 the residual without any, and c_p the price of
    firing at position p less that of silence. With m bits on, the m cheapest positions fire ::

        cost(m) = 1/2 |r0 - m v|^2 + c_(1) + ... + c_(m),     c_(1) <= c_(2) <= ...
        cost(m) - cost(m - 1) = -v . r0 + (m - 1/2) |v|^2 + c_(m)

    The difference grows with m, so that the best m is the number of m for which it is negative
    (docs/theory.md#d5). On a tie, the fewer bits.

    Parameters
    ----------
    prices : ndarray, shape (n_samples, n_positions)
        c_p.
    gain : ndarray, shape (n_samples,)
        v . r0.
    square : float
        |v|^2.

    Returns
    -------
    ndarray of bool, shape (n_samples, n_positions)
    """
    order = np.argsort(prices, axis=1, kind="stable")
    counts = np.arange(1, prices.shape[1] + 1, dtype=prices.dtype)
    rise = np.take_along_axis(prices, order, axis=1)
    rise += (counts - 0.5) * prices.dtype.type(square)
    rise -= gain[:, None]
    m = np.count_nonzero(rise < 0, axis=1)
    bits = np.empty(prices.shape, bool)
    np.put_along_axis(bits, order, counts <= m[:, None], axis=1)
    return bits


def sweep_filters(
    bits: BoolArray,
    A: FloatArray,
    R: FloatArray,
    W_out: FloatArray,
    regions: Sequence[slice],
    *,
    tau: float,
    margin: float,
    order: Sequence[int],
) -> int:
    """Decide the bits of every filter in every region in turn, in place.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_filters, n_samples, n_positions)
        Changed in place.
    A : ndarray of that shape
        Pre-activations.
    R : ndarray, shape (n_samples, n_outputs)
        The residual of the outputs; kept up to date in place.
    W_out : ndarray, shape (n_outputs, n_regions, n_filters)
    regions : sequence of slice
        The positions of each region.
    tau, margin : float
        Price of a pre-activation that is not the one computed, and half-width of the gap.
    order : sequence of int
        The filters in the order of their turn.

    Returns
    -------
    int
        How many bits flipped.
    """
    flipped = 0
    for j in order:
        with np.errstate(over="ignore"):  # what is beyond the precision is infinite, and decides
            prices = tau / 2 * crossing_cost(A[j], margin)
        for q, region in enumerate(regions):
            present = bits[j][:, region]
            v = W_out[:, q, j] / present.shape[1]
            square, on = v @ v, present.sum(axis=1, dtype=R.dtype)
            chosen = pooled_bits(prices[:, region], R @ v + on * square, float(square))
            R -= np.outer(chosen.sum(axis=1, dtype=R.dtype) - on, v)
            flipped += int(np.count_nonzero(chosen != present))
            bits[j][:, region] = chosen
    return flipped


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


def filter_responses(P: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
    """Return A = P W^T + b, shape (n_filters, n_samples, n_positions): a filter's lie together."""
    rows = P.reshape(-1, P.shape[2])
    return layer_product(rows, W, b).T.reshape(len(W), *P.shape[:2])


def region_means(bits: BoolArray, regions: Sequence[slice], dtype: np.dtype[Any]) -> FloatArray:
    """Return the share of a region's positions at which a filter fires.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_filters, n_samples, n_positions)
    regions : sequence of slice
    dtype : dtype

    Returns
    -------
    ndarray, shape (n_samples, n_regions * n_filters)
        The filters of a region together.
    """
    S = np.empty((bits.shape[1], len(regions), len(bits)), dtype)
    for q, region in enumerate(regions):
        S[:, q] = bits[:, :, region].mean(axis=2, dtype=dtype).T
    return S.reshape(len(S), len(regions) * len(bits))


def region_by_region(layer: RegionMeans, height: int, width: int) -> tuple[IndexArray, list[slice]]:
    """Return the positions of an image in the order of their regions, and each region's slice.

    Parameters
    ----------
    layer : RegionMeans
    height, width : int
        Numbers of positions down and across.

    Returns
    -------
    order : ndarray of int, shape (height * width,)
        Positions counted row by row.
    regions : list of slice
        Of this order, the regions row by row.

    Raises
    ------
    ValueError
        If a region would be empty.
    """
    layer.output_shape((height, width, 1))
    positions = np.arange(height * width).reshape(height, width)
    rows, columns = layer.bounds(height, width)
    found = [
        positions[top:bottom, left:right].ravel()
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    ends = np.cumsum([0, *map(len, found)]).tolist()
    return np.concatenate(found), [slice(*ends) for ends in pairwise(ends)]


def normalise_patches(images: FloatArray, kernel: Pair) -> PatchNormalisation:
    """Return the normalisation for the patches of some images with pixels of variance near 1."""
    return PatchNormalisation.fit(images, kernel=kernel, offset=OFFSET, whitening=WHITENING)


def network_layers(
    before: Sequence[NetLayer], filters: Layer, means: RegionMeans, output: Layer
) -> list[NetLayer]:
    """Return the layers of a network: what makes the patches, filters, units, means, scores.

    Parameters
    ----------
    before : sequence of layers
        From raw images to patches.
    filters : (ndarray, ndarray)
        W and b.
    means : RegionMeans
    output : (ndarray, ndarray)
        W_out and b_out.
    """
    W, b = filters
    return [
        *before,
        Convolution(W[:, None, None].copy(), b.copy()),
        HiddenUnits("step"),
        means,
        Flatten(),
        Dense(output[0].copy(), output[1].copy()),
    ]


def patch_filters(rows: FloatArray, filters: int, rng: np.random.Generator) -> Layer:
    """Return random patches as filters, each firing on the `FIRING` part of the patches.

    Parameters
    ----------
    rows : ndarray, shape (n, n_entries)
        Patches; a few ten thousand are plenty.
    filters : int
    rng : numpy.random.Generator

    Returns
    -------
    W, b : ndarray, shape (filters, n_entries) and (filters,)
        Of pre-activations with variance 1. On patches that tie, a filter fires on fewer.
    """
    W = rows[rng.choice(len(rows), filters, replace=filters > len(rows))]
    W, b = scale_to_unit_variance(W, np.zeros(filters, rows.dtype), rows)
    return W, b - np.quantile(rows @ W.T, 1 - FIRING, axis=0).astype(rows.dtype)


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
