"""Batch normalisation of the pre-activations of a hidden layer, with its exact derivative.

For each unit, over the N samples of a batch ::

    mean = 1/N sum_n a_n      var = 1/N sum_n (a_n - mean)^2      x_n = (a_n - mean)/sqrt(var + eps)
    z_n = scale x_n + shift

The derivative goes through mean and var too: with g = dL/dz and q = scale/sqrt(var + eps) ::

    dL/da_n = q (g_n - 1/N sum_m g_m - x_n 1/N sum_m g_m x_m)
    dL/dscale = sum_n g_n x_n         dL/dshift = sum_n g_n

A trained net uses running means of mean and var instead, so that a sample's output does not depend
on the others; the normalisation is then a factor and a term, and vanishes into W (`fold`).

References
----------
.. [1] Ioffe, Szegedy, *Batch Normalization*, ICML 2015, arXiv:1502.03167.
"""

from dataclasses import dataclass

import numpy as np

from zeroone.validation import FloatArray

EPSILON = 1e-5


@dataclass
class Normalisation:
    """The batch normalisation of a layer, and what its derivative needs of the last batch.

    Parameters
    ----------
    parameters : ndarray, shape (2, n_units)
        scale and shift.
    mean, variance : ndarray, shape (n_units,)
        Running means.
    forgetting : float, default 0.05
        Weight of the latest batch in them.
    """

    parameters: FloatArray
    mean: FloatArray
    variance: FloatArray
    forgetting: float = 0.05

    @classmethod
    def start(cls, n_units: int, dtype: np.dtype) -> "Normalisation":
        """Return scale 1 and shift 0."""
        parameters = np.stack([np.ones(n_units, dtype), np.zeros(n_units, dtype)])
        return cls(parameters, np.zeros(n_units, dtype), np.ones(n_units, dtype))

    def forward(self, A: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return Z for a batch, and keep what `backward` needs.

        Parameters
        ----------
        A : ndarray, shape (n_samples, n_units)
            The products V W^T.
        remember : bool, default True
            Whether the running means take the batch in.

        Returns
        -------
        ndarray, shape (n_samples, n_units)
        """
        mean, variance = A.mean(axis=0), A.var(axis=0)
        self.deviation = np.sqrt(variance + EPSILON).astype(A.dtype)
        self.standardised = (A - mean) / self.deviation
        if remember:
            self.mean += self.forgetting * (mean - self.mean)
            self.variance += self.forgetting * (variance - self.variance)
        scale, shift = self.parameters
        return self.standardised * scale + shift

    def backward(self, G: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return dL/dA and dL/d(scale, shift) for G = dL/dZ of the batch last seen by `forward`.

        Parameters
        ----------
        G : ndarray, shape (n_samples, n_units)

        Returns
        -------
        ndarray, shape (n_samples, n_units)
        ndarray, shape (2, n_units)
        """
        x = self.standardised
        by_scale, by_shift = (G * x).sum(axis=0), G.sum(axis=0)
        factor = self.parameters[0] / self.deviation
        n = len(G)
        return factor * (G - by_shift / n - x * (by_scale / n)), np.stack([by_scale, by_shift])

    def fold(self, W: FloatArray) -> FloatArray:
        """Return weights, bias last, whose product is Z with the running means.

        Parameters
        ----------
        W : ndarray, shape (n_units, n_in + 1)

        Returns
        -------
        ndarray, shape (n_units, n_in + 1)
        """
        scale, shift = self.parameters
        factor = scale / np.sqrt(self.variance + EPSILON)
        folded = W * factor[:, np.newaxis]
        folded[:, -1] += shift - factor * self.mean
        return folded.astype(W.dtype)
