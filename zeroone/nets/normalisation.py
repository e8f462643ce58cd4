"""Batch normalisation of the pre-activations of a hidden layer, with its exact derivative.

For each unit, over the N samples of a batch, or for each channel of images, over all samples and
positions ::

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

from typing import Any

import numpy as np

from zeroone.nets.layers import Chain, Dense, Layer, Shape, column_sums
from zeroone.support.validation import FloatArray, check_number

EPSILON = 1e-5


class Normalisation(Layer):
    """The batch normalisation of a layer, and what its derivative needs of the last batch.

    Parameters
    ----------
    scale, shift : ndarray, shape (n_units,)
        What an optimiser moves, in place. The units are the last axis of what is normalised: the
        channels, of images.
    forgetting : float, default 0.05
        Weight of the latest batch in the running means.
    mean, variance : ndarray, shape (n_units,), optional
        Running means of mean and var; by default 0 and 1.

    Raises
    ------
    ValueError
        If the arrays have not the same shape, a variance is negative, or `forgetting` is not a
        number from 0 to 1.
    """

    kind = "normalisation"
    channelwise = True

    def __init__(
        self,
        scale: FloatArray,
        shift: FloatArray,
        forgetting: float = 0.05,
        mean: FloatArray | None = None,
        variance: FloatArray | None = None,
    ) -> None:
        self.scale, self.shift = scale, shift
        self.forgetting = check_number("forgetting", forgetting, maximum=1)
        self.mean = np.zeros_like(scale) if mean is None else mean
        self.variance = np.ones_like(scale) if variance is None else variance
        shapes = [array.shape for array in (scale, shift, self.mean, self.variance)]
        if scale.ndim != 1 or len(set(shapes)) > 1:
            raise ValueError(
                "scale, shift, mean and variance must have one entry a unit each, but have the "
                f"shapes {', '.join(map(str, shapes))}"
            )
        if (self.variance < 0).any():
            raise ValueError(f"variance must be >= 0, but has {self.variance.min():g}")
        self._gradients = (np.empty_like(scale), np.empty_like(shift))

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The scale and the shift."""
        return (self.scale, self.shift)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by scale and shift of the last `backward`."""
        return self._gradients

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input, whose last axis must be that of the units."""
        if shape[-1:] != self.scale.shape:
            raise ValueError(
                f"it takes {len(self.scale)} channels, but its input has the shape {shape}"
            )
        return shape

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return Z for a batch, and remember what `backward` needs, or only look.

        Parameters
        ----------
        V : ndarray, shape (n_samples, ..., n_units)
            The pre-activations A of the layer below.
        remember : bool, default True
            Whether the batch is kept for `backward`, and taken into the running means.

        Returns
        -------
        ndarray of V's shape
        """
        A = V.reshape(-1, len(self.scale))
        n = max(len(A), 1)  # an empty batch has no mean, and no entry that would need one
        mean = column_sums(A) / n
        standardised = A - mean
        variance = column_sums(np.square(standardised)) / n
        deviation = np.sqrt(variance + EPSILON).astype(A.dtype)
        standardised /= deviation
        if remember:
            self.deviation, self.standardised = deviation, standardised
        if remember and len(A):
            self.mean += self.forgetting * (mean - self.mean)
            self.variance += self.forgetting * (variance - self.variance)
        Z = standardised * self.scale
        Z += self.shift
        return Z.reshape(V.shape)

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Write the derivatives by scale and shift into `gradients`, and return dL/dA.

        Parameters
        ----------
        G : ndarray, shape (n_samples, ..., n_units)
            dL/dZ of the batch that `forward` remembers.
        to_input : bool, default True
            Whether dL/dA is wanted.

        Returns
        -------
        ndarray of G's shape
        """
        rows, x = G.reshape(self.standardised.shape), self.standardised
        n = max(len(x), 1)
        by_scale, by_shift = self.gradients
        by_scale[...] = column_sums(rows * x)
        by_shift[...] = column_sums(rows)
        if not to_input:
            return G[:0]
        result = x * (-by_scale / n)
        result += rows
        result -= by_shift / n
        result *= self.scale / self.deviation
        return result.reshape(G.shape)

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return Z with the running means of mean and var instead of the batch's own."""
        factor = (self.scale / np.sqrt(self.variance + EPSILON)).astype(V.dtype)
        Z = V * factor
        Z += (self.shift - self.mean * factor).astype(V.dtype)
        return Z

    def arguments(self) -> dict[str, Any]:
        """Return scale, shift and the running means."""
        return {
            "scale": self.scale,
            "shift": self.shift,
            "forgetting": self.forgetting,
            "mean": self.mean,
            "variance": self.variance,
        }

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


class Normalised(Chain):
    """A dense layer and the batch normalisation of its pre-activations, as one layer.

    Parameters
    ----------
    linear : Dense
        Made without ``learn_biases``: the mean of the batch takes the biases out again, and the
        shifts of the normalisation stand in for them.
    normalisation : Normalisation
    """

    kind = "normalised dense"

    def __init__(self, linear: Dense, normalisation: Normalisation) -> None:
        super().__init__((linear, normalisation))
        self.linear, self.normalisation = linear, normalisation

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases with the normalisation, by its running means, inside."""
        return self.normalisation.fold(*self.linear.folded())
