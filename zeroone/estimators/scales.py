"""Warn of data and of networks from which little can be learnt: scales that differ, dead units.

Steps of the weights are the same in all directions of the input. A feature in small units beside
one in large units then counts for nothing: the hidden units see the large one alone, and those
whose threshold lies outside of its range have one value on all samples. They are dead.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.rows import row_blocks

# Scales of features that differ by more are warned of.
LARGEST_RATIO = 100.0
# Scales are found on so many samples. A feature that differs from its usual value on fewer than
# part of them, or on a handful, says little about its unit: a pixel at the edge, a rare word.
LOOKED_AT, RARE, HANDFUL = 2000, 0.01, 5
# Of a smaller network, a few dead units are no sign of anything.
FEWEST_UNITS = 10
REMEDY = "standardise=True (--standardise) gives all features the same scale"


class TrainingWarning(UserWarning):
    """The training can be done, but is likely to come to little."""


def warn(text: str) -> None:
    """Warn of something at the line outside of this package that asked for the training."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("zeroone."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, TrainingWarning, stacklevel=level)


def scale_ratio(X: NDArray[Any]) -> float:
    """Return by what factor the scales of the features differ.

    The scale of a feature is the root mean square of its differences from its median, over the
    samples where it differs: for a feature that varies everywhere that is about its standard
    deviation, and for one that is often 0 the size that it has where it is not.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        Of any real type. At most 2000 samples are looked at.

    Returns
    -------
    float
        At least 1. Features that hardly ever differ from their median are left out.
    """
    some = X[:: -(-len(X) // LOOKED_AT)]
    smallest, largest = np.inf, 0.0
    for columns in row_blocks(X.shape[1], 256):
        block = some[:, columns].astype(np.float64)
        block -= np.median(block, axis=0)
        differ = np.count_nonzero(block, axis=0)
        block *= block
        often = differ > max(RARE * len(block), HANDFUL)
        scales = np.sqrt(block.sum(axis=0)[often] / differ[often])
        if scales.size:
            smallest, largest = min(smallest, scales.min()), max(largest, scales.max())
    return float(largest / smallest) if smallest > 0 and largest > 0 else 1.0


def warn_of_scales(X: NDArray[Any], image_shape: Sequence[int] | None = None) -> None:
    """Warn if the scales of the features differ by a factor above 100, unless they are pixels.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        Bytes are taken for pixels, which have one unit.
    image_shape : sequence of int, optional
        So is everything of two axes or more.
    """
    if X.dtype.itemsize == 1 or (image_shape is not None and len(tuple(image_shape)) > 1):
        return
    ratio = scale_ratio(X)
    if ratio > LARGEST_RATIO:
        warn(
            f"the features of X differ in scale by a factor of {ratio:.0f}, so that the small ones "
            f"count for little: {REMEDY}"
        )


def dead_share(network: ZeroOneMLP, X: NDArray[Any]) -> float:
    """Return the share of the hidden units that have one value on all samples.

    Units without weights do not count: they were removed, by a penalty for instance.

    Parameters
    ----------
    network : ZeroOneMLP
    X : ndarray, shape (n_samples, n_features)
    """
    weights = network.weights[:-1]
    counted = np.concatenate([np.any(W != 0, axis=1) for W in weights]) if weights else np.empty(0)
    if not counted.any():
        return 0.0
    constant = counted.copy()
    first: NDArray[Any] | None = None
    for rows in row_blocks(len(X), 1000):
        hidden = np.concatenate(network.forward(X[rows]).activations[1:], axis=1)
        first = hidden[0] if first is None else first
        constant &= (hidden == first).all(axis=0)
        if constant.sum() <= counted.sum() / 2:
            break  # no longer most of them, whatever the other samples say
    return float(constant.sum() / counted.sum())


def warn_of_dead_units(network: Any, X: NDArray[Any], standardised: bool) -> None:
    """Warn if most hidden units of a trained network have one value on all training data.

    Parameters
    ----------
    network : ZeroOneMLP or Network
        The latter is not looked at.
    X : ndarray, shape (n_samples, n_features)
    standardised : bool
        Whether the remedy has been taken.
    """
    if not isinstance(network, ZeroOneMLP) or sum(network.hidden_sizes) < FEWEST_UNITS:
        return
    share = dead_share(network, X)
    if share > 0.5:
        remedy = "fewer units or another start may do better" if standardised else REMEDY
        warn(
            f"{share:.0%} of the hidden units are dead, with one value on all training data: "
            f"{remedy}"
        )
