"""Filters from patches: how they begin, what they answer, and the network that they end in.

Random patches of the training images, normalised and whitened, are good filters before anything is
learned (docs/theory.md#d5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zeroone.bcd.initialise import scale_to_unit_variance
from zeroone.bcd.objective import Layer, layer_product
from zeroone.nets.convolution import Convolution, Pair
from zeroone.nets.layers import Dense, Flatten
from zeroone.nets.layers import Layer as NetLayer
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.regions import RegionMeans
from zeroone.nets.units import HiddenUnits
from zeroone.support.validation import FloatArray

# Patches from which filters are drawn and on which their thresholds are set; the part of them on
# which a filter fires.
SAMPLES, FIRING = 20_000, 0.15
# Images from whose patches the normalisation is taken; what is added to the variance of a patch
# whose pixels have a variance near 1, and to the eigenvalues of the patches' covariance.
IMAGES, OFFSET, WHITENING = 500, 0.05, 0.1


def normalise_patches(images: FloatArray, kernel: Pair) -> PatchNormalisation:
    """Return the normalisation for the patches of some images with pixels of variance near 1."""
    return PatchNormalisation.fit(images, kernel=kernel, offset=OFFSET, whitening=WHITENING)


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


def filter_responses(P: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
    """Return A = P W^T + b, shape (n_filters, n_samples, n_positions): a filter's lie together."""
    rows = P.reshape(-1, P.shape[2])
    return layer_product(rows, W, b).T.reshape(len(W), *P.shape[:2])


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
