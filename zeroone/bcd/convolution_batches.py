"""Block coordinate descent with one hidden convolutional layer, a batch of images at a time.

The objective is that of `zeroone.bcd.convolution`, for a sample, with targets T that may have slack
(`zeroone.bcd.regression`). In every epoch ::

    W2   ridge regression of T on S, on all data, with the bits as the filters compute them
    and for each batch
      T    targets of the outputs
      U1   filter by filter and region by region, all positions together (`pooled_bits`)
      W1   proximal step towards U on the batch's patches (`zeroone.bcd.proximal`)

T and U1 lower the batch's objective. W1 does so in the form "batch", which holds on to what most
patches want and hardly learns; the form "samples", in which every patch moves the filters by
itself and all moves are added up, learns, and nothing bounds it on the batch.

After the last epoch W2 is fitted once more. Without epochs it is all that is fitted, and the
filters stay the random patches that they began as.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.blocks import LARGEST_MARGIN, REMEDIES, nearest_on_side
from zeroone.bcd.filters import (
    IMAGES,
    SAMPLES,
    filter_responses,
    network_layers,
    normalise_patches,
    patch_filters,
)
from zeroone.bcd.objective import LARGEST_PRICE, squared_distance
from zeroone.bcd.pooled import (
    BITS,
    SOURCE,
    IndexArray,
    region_by_region,
    region_means,
    sweep_filters,
)
from zeroone.bcd.proximal import (
    PROXIMAL_FORMS,
    proximal_weights,
    proximal_weights_by_sample,
)
from zeroone.bcd.regression import TARGETS, fit_output, output_loss, target_block
from zeroone.nets.layers import Layer
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.regions import RegionMeans
from zeroone.nets.scaling import Scaling
from zeroone.steps import Block, Step
from zeroone.support.rows import row_blocks
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import (
    BoolArray,
    FloatArray,
    check_choice,
    check_integer,
    check_number,
)

OUTPUT = Block("W2", "in turn: T = y max(y f, 1), W2 = T^T S (S^T S + n gamma I)^-1", SOURCE)
TARGET = Block("T", "T = y max(y f, 1), with f = S W2^T", SOURCE)
FILTERS = Block("W1", "W1 <- W1 + sum_x d_x x^T / (|x|^2 + rho), D = U - A", SOURCE)
# Entries of the pre-activations of a block of samples on which nothing is learned.
BLOCK_ENTRIES = 2**25


def epochs(
    X: NDArray[Any], Y: FloatArray, state: ConvolutionState, options: ConvolutionOptions
) -> Iterator[Step]:
    """Yield the steps of all epochs: the output on all data, then the other blocks of each batch.

    Parameters
    ----------
    X : ndarray, shape (n_samples, height, width, channels)
        Raw images, of any real type.
    Y : ndarray, shape (n_samples, n_classes)
        Labels -1 and +1.
    state : ConvolutionState
        From `start`; changed in place.
    options : ConvolutionOptions

    Yields
    ------
    Step
        Blocks ``W2``, and ``T``, ``U1`` and ``W1`` for each batch. Terms are means over samples.
    """
    size = options.size(len(X))
    per_epoch = len(X) // size
    total, updates = per_epoch * options.epochs, 0
    yield output_step(X, Y, state, options)
    for _ in range(options.epochs):
        state.epoch += 1
        # The samples that do not fill a batch wait for another epoch's order.
        order = state.rng.permutation(len(X))[: per_epoch * size].reshape(per_epoch, size)
        for rows in order:
            updates += 1
            proximity = options.moving_price(updates, total)
            yield from batch_steps(state, X[rows], Y[rows], options, proximity)
        yield output_step(X, Y, state, options)


def batch_steps(
    state: ConvolutionState,
    images: NDArray[Any],
    Y: FloatArray,
    options: ConvolutionOptions,
    proximity: float,
) -> Iterator[Step]:
    """Update the targets, the bits and the filters on a batch, and yield a step for each."""
    P = state.patches(images)
    n, positions = P.shape[:2]
    A = filter_responses(P, state.weights, state.biases)
    bits = A > 0
    scores = region_means(bits, state.regions, Y.dtype) @ state.output_weights.T
    scores += state.output_biases
    tau = options.tau
    U, T = nearest_on_side(A, bits, options.gap), Y
    terms = {
        "fit": squared_distance(T, scores) / 2 / n,
        "coupling_1": tau / 2 * _distance(U, A) / n,
    }

    def step(block: Block, after: dict[str, float], **info: Any) -> Step:
        nonlocal terms
        before, terms = terms, after
        return Step(state.epoch, block, before, after, state, info)

    T = target_block(scores, Y, options.targets)
    yield step(TARGET, {**terms, "fit": squared_distance(T, scores) / 2 / n})
    R = T - scores
    flipped = sweep_filters(
        bits,
        A,
        R,
        state.output_weights.reshape(Y.shape[1], len(state.regions), len(state.weights)),
        state.regions,
        tau=tau,
        margin=options.gap,
        order=state.rng.permutation(len(state.weights)).tolist(),
    )
    U = nearest_on_side(A, bits, options.gap, out=U)
    fit = float(np.vdot(R, R)) / 2 / n
    yield step(BITS, {"fit": fit, "coupling_1": tau / 2 * _distance(U, A) / n}, flipped=flipped)
    D = (U - A).reshape(len(state.weights), n * positions).T
    rows = P.reshape(n * positions, P.shape[2])
    # The moves of an image's positions add up, as random ones would.
    rho = proximity * positions**0.5
    form = proximal_weights_by_sample if options.proximal == "samples" else proximal_weights
    state.weights, state.biases = form(state.weights, state.biases, D, rows, rho=rho)
    moved = filter_responses(P, state.weights, state.biases)
    yield step(FILTERS, {"fit": fit, "coupling_1": tau / 2 * _distance(U, moved) / n})


def output_step(
    X: NDArray[Any], Y: FloatArray, state: ConvolutionState, options: ConvolutionOptions
) -> Step:
    """Fit the output layer to the hard bits of all data: block W2."""
    counts = FiringCounts(X, Y, state)
    gamma = options.gamma * counts.variance()

    def terms() -> dict[str, float]:
        W, b = state.output_weights, state.output_biases
        fit = output_loss(counts.batches, W, b, targets=options.targets)
        return {"fit": fit, "ridge": gamma / 2 * float(np.vdot(W, W) + np.vdot(b, b))}

    before = terms()
    state.output_weights, state.output_biases = fit_output(
        counts.batches,
        state.output_weights,
        state.output_biases,
        gamma=gamma,
        targets=options.targets,
    )
    info = {"epoch_ends": True, "position": float(state.epoch)}
    return Step(state.epoch, OUTPUT, before, terms(), state, info)


@dataclass(frozen=True)
class ConvolutionOptions:
    """The options of mini-batch block coordinate descent with a convolutional layer.

    Parameters
    ----------
    epochs : int, default 1
        Passes over the data in which filters are learned; 0 for none.
    batch_size : int, optional
        Samples in a batch; by default 100, or all of them if there are fewer.
    tau : float, default 0.5
        Price of |U - A|^2 / 2 at one position, > 0.
    remedy : {"margin", "tiny"}, default "margin"
    margin : float, default 0.1
        As in `zeroone.bcd.BatchOptions`.
    targets : {"slack", "fixed"}, default "slack"
        As there.
    gamma : float, default 0.01
        Ridge of the output layer, relative to one sample and to the mean variance of a region's
        share of firing positions, > 0.
    proximal : {"samples", "batch"}, default "samples"
        The proximal step, for each patch by itself or for all of the batch.
    proximity : schedule, default (1.0, 20.0)
        Price of moving the filters, times the square root of the number of positions.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    epochs: int = 1
    batch_size: int | None = None
    tau: float = 0.5
    remedy: str = "margin"
    margin: float = 0.1
    targets: str = "slack"
    gamma: float = 0.01
    proximal: str = "samples"
    proximity: Schedule = (1.0, 20.0)

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs, minimum=0)
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size)
        check_number("tau", self.tau, strict=True, maximum=LARGEST_PRICE)
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True, maximum=LARGEST_MARGIN)
        check_choice("targets", self.targets, TARGETS)
        check_number("gamma", self.gamma, strict=True, maximum=LARGEST_PRICE)
        check_choice("proximal", self.proximal, PROXIMAL_FORMS)
        for batch in (1, 2):
            self.moving_price(batch, 2)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0

    def moving_price(self, batch: int, batches: int) -> float:
        """Return the proximity of a batch, counted from 1."""
        value = schedule_value("proximity", self.proximity, batch, batches)
        return check_number("proximity", value, strict=True, maximum=LARGEST_PRICE)

    def size(self, n_samples: int) -> int:
        """Return the number of samples in a batch."""
        return min(self.batch_size or 100, n_samples)


@dataclass
class ConvolutionState:
    """The network in training.

    Parameters
    ----------
    scaling : Scaling
        What raw images pass first.
    normalisation : PatchNormalisation
        Makes the patches.
    means : RegionMeans
    order, regions
        See `region_by_region`.
    weights, biases : ndarray, shape (n_filters, n_entries) and (n_filters,)
    output_weights : ndarray, shape (n_classes, n_regions * n_filters)
    output_biases : ndarray, shape (n_classes,)
    rng : numpy.random.Generator
        Shuffles batches and filters.
    epoch : int
        Epochs begun.
    """

    scaling: Scaling
    normalisation: PatchNormalisation
    means: RegionMeans
    order: IndexArray
    regions: list[slice]
    weights: FloatArray
    biases: FloatArray
    output_weights: FloatArray
    output_biases: FloatArray
    rng: np.random.Generator
    epoch: int = 0

    def patches(self, images: NDArray[Any]) -> FloatArray:
        """Return the patches of raw images, shape (n, n_positions, n_entries), by region."""
        patches = self.normalisation.forward(self.scaling.forward(images), remember=False)
        return patches.reshape(len(images), -1, patches.shape[3])[:, self.order]

    def network_layers(self) -> list[Layer]:
        """Return the layers of the network for raw images."""
        return network_layers(
            [self.scaling, self.normalisation],
            (self.weights, self.biases),
            self.means,
            (self.output_weights, self.output_biases),
        )


class FiringCounts:
    """In how many positions of each region each filter fires, for all data, in a byte or two each.

    Parameters
    ----------
    X, Y, state
        As in `epochs`.
    """

    def __init__(self, X: NDArray[Any], Y: FloatArray, state: ConvolutionState) -> None:
        self.Y, self.n_filters = Y, len(state.weights)
        self.sizes = np.array([region.stop - region.start for region in state.regions])
        positions = int(self.sizes.sum())
        blocks = row_blocks(len(X), max(1, BLOCK_ENTRIES // (positions * self.n_filters)))
        kind = np.min_scalar_type(int(self.sizes.max()))
        self.counts = np.empty((len(X), len(self.sizes), self.n_filters), kind)
        for rows in blocks:
            A = filter_responses(state.patches(X[rows]), state.weights, state.biases)
            bits: BoolArray = A > 0
            for q, region in enumerate(state.regions):
                self.counts[rows, q] = bits[:, :, region].sum(axis=2, dtype=kind).T

    def batches(self) -> Iterator[tuple[FloatArray, FloatArray, None]]:
        """Yield S as rows and labels, a block of samples at a time; samples have no weights."""
        for rows in row_blocks(len(self.Y), 4096):
            S = self.counts[rows].astype(self.Y.dtype)
            S /= self.sizes[:, None].astype(self.Y.dtype)
            yield S.reshape(len(S), len(self.sizes) * self.n_filters), self.Y[rows], None

    def variance(self) -> float:
        """Return the mean variance of a column of S, or 1 if all are constant."""
        sums, squares = 0.0, 0.0
        for S, _, _ in self.batches():
            sums = sums + S.sum(axis=0, dtype=np.float64)
            squares = squares + np.einsum("ni,ni->i", S, S, dtype=np.float64)
        variance = float(np.mean(squares / len(self.Y) - (sums / len(self.Y)) ** 2))
        return variance if variance > 1e-12 else 1.0


def start(
    X: NDArray[Any],
    n_classes: int,
    scaling: Scaling,
    *,
    kernel: int,
    filters: int,
    regions: int,
    rng: np.random.Generator,
) -> ConvolutionState:
    """Return the state before the first epoch: random patches as filters, and an output of zero.

    Parameters
    ----------
    X : ndarray, shape (n_samples, height, width, channels)
        Raw images.
    n_classes : int
    scaling : Scaling
        Makes of them images whose pixels have a variance near 1.
    kernel, filters, regions : int
        Height and width of a filter, number of filters, and regions down and across.
    rng : numpy.random.Generator
    """
    images = scaling.forward(X[np.sort(rng.permutation(len(X))[:IMAGES])], remember=False)
    normalisation = normalise_patches(images, kernel)
    patches = normalisation.forward(images, remember=False)
    means = RegionMeans(regions)
    order, slices = region_by_region(means, *patches.shape[1:3])
    rows = patches.reshape(-1, patches.shape[3])
    W, b = patch_filters(rows[rng.permutation(len(rows))[:SAMPLES]], filters, rng)
    W_out = np.zeros((n_classes, len(slices) * filters), W.dtype)
    b_out = np.zeros(n_classes, W.dtype)
    return ConvolutionState(scaling, normalisation, means, order, slices, W, b, W_out, b_out, rng)


def _distance(U: FloatArray, A: FloatArray) -> float:
    return squared_distance(U.reshape(len(U), -1), A.reshape(len(A), -1))
