"""The running means of batch normalisation, measured anew: for weights that were changed by hand.

A normalisation subtracts the running mean of what it received in training, and divides by its
deviation. When the weights below change at a stroke, as when small ones are set to zero, both are
wrong until they are measured again; from the lowest layer up, since each one's input depends on
those below.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from zeroone.nets.network import Network, copied
from zeroone.nets.normalisation import Normalisation
from zeroone.support.rows import row_blocks
from zeroone.support.validation import FloatArray


class _Measuring(Normalisation):
    """A normalisation that standardises each batch by itself and takes it into plain means."""

    def __init__(self, layer: Normalisation) -> None:
        super().__init__(layer.scale.copy(), layer.shift.copy())
        self.later, self.batches = layer.forgetting, 0

    def evaluate(self, V: FloatArray) -> FloatArray:
        self.batches += 1
        self.forgetting = 1 / self.batches
        return self.forward(V)

    def measured(self) -> Normalisation:
        """Return a normalisation with the means that were found."""
        return Normalisation(self.scale, self.shift, self.later, self.mean, self.variance)


def calibrated(network: Network, X: NDArray[Any], batch: int = 500) -> Network:
    """Return the network with the means and variances of these samples in its normalisations.

    Parameters
    ----------
    network : Network
        Left alone.
    X : ndarray, shape (n_samples, *input_shape) or (n_samples, n_features)
        Samples of the training part.
    batch : int, default 500
        How many samples are looked at together; the means are those of the batches' means and
        variances, as in training.

    Returns
    -------
    Network
        Of its own arrays.
    """
    live = network.changed(
        lambda layer: _Measuring(layer) if isinstance(layer, Normalisation) else copied(layer)
    )
    samples = network.samples(X)
    for rows in row_blocks(len(samples), batch):
        live.chain.evaluate(samples[rows].astype(network.dtype))
    return live.changed(lambda layer: layer.measured() if isinstance(layer, _Measuring) else layer)
