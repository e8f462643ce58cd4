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

import numpy as np

from zeroone.nets.layers import Dense
from zeroone.support.validation import FloatArray

EPSILON = 1e-5


class Normalisation:
    """The batch normalisation of a layer, and what its derivative needs of the last batch.

    Parameters
    ----------
    scale, shift : ndarray, shape (n_units,)
        What an optimiser moves, in place.
    forgetting : float, default 0.05
        Weight of the latest batch in the running means.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_units,)
        Running means of mean and var; 0 and 1 at first.
    parameters, gradients : tuple of ndarray
        scale and shift, and the derivatives by them of the last `backward`.
    """

    def __init__(self, scale: FloatArray, shift: FloatArray, forgetting: float = 0.05) -> None:
        self.scale, self.shift, self.forgetting = scale, shift, forgetting
        self.mean, self.variance = np.zeros_like(scale), np.ones_like(scale)
        self.parameters = (scale, shift)
        self.gradients = (np.empty_like(scale), np.empty_like(shift))

    def forward(self, A: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return Z for a batch, and remember what `backward` needs, or only look.

        Parameters
        ----------
        A : ndarray, shape (n_samples, n_units)
            The pre-activations of the layer below.
        remember : bool, default True
            Whether the batch is kept for `backward`, and taken into the running means.

        Returns
        -------
        ndarray, shape (n_samples, n_units)
        """
        mean, variance = A.mean(axis=0), A.var(axis=0)
        deviation = np.sqrt(variance + EPSILON).astype(A.dtype)
        standardised = (A - mean) / deviation
        if remember:
            self.deviation, self.standardised = deviation, standardised
            self.mean += self.forgetting * (mean - self.mean)
            self.variance += self.forgetting * (variance - self.variance)
        return standardised * self.scale + self.shift

    def backward(self, G: FloatArray) -> FloatArray:
        """Write the derivatives by scale and shift into `gradients`, and return dL/dA.

        Parameters
        ----------
        G : ndarray, shape (n_samples, n_units)
            dL/dZ of the batch that `forward` remembers.

        Returns
        -------
        ndarray, shape (n_samples, n_units)
        """
        x, n = self.standardised, len(G)
        by_scale, by_shift = self.gradients
        np.sum(G * x, axis=0, out=by_scale)
        np.sum(G, axis=0, out=by_shift)
        return self.scale / self.deviation * (G - by_shift / n - x * (by_scale / n))

    def fold(self, weights: FloatArray, biases: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases whose pre-activations are Z with the running means.

        Parameters
        ----------
        weights : ndarray, shape (n_units, n_in)
            Of the layer below.
        biases : ndarray, shape (n_units,)

        Returns
        -------
        weights : ndarray, shape (n_units, n_in)
        biases : ndarray, shape (n_units,)
        """
        factor = self.scale / np.sqrt(self.variance + EPSILON)
        folded = self.shift + factor * (biases - self.mean)
        return (
            (weights * factor[:, np.newaxis]).astype(weights.dtype),
            folded.astype(biases.dtype),
        )


class Normalised:
    """A layer and the batch normalisation of its pre-activations, as one layer.

    Parameters
    ----------
    linear : Dense
        Made without ``learn_biases``: the mean of the batch takes the biases out again, and the
        shifts of the normalisation stand in for them.
    normalisation : Normalisation
    """

    def __init__(self, linear: Dense, normalisation: Normalisation) -> None:
        self.linear, self.normalisation = linear, normalisation

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The parameters of the layer, and then scale and shift."""
        return (*self.linear.parameters, *self.normalisation.parameters)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by `parameters`, in their order."""
        return (*self.linear.gradients, *self.normalisation.gradients)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the normalised pre-activations Z."""
        A = self.linear.forward(V, remember=remember)
        return self.normalisation.forward(A, remember=remember)

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Fill `gradients` from G = dL/dZ, and return dL/dV if it is wanted."""
        return self.linear.backward(self.normalisation.backward(G), to_input=to_input)

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases with the normalisation, by its running means, inside."""
        return self.normalisation.fold(*self.linear.folded())
