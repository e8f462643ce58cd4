"""Layers: what they compute, and the derivative of it; the hidden units between them.

A layer has `forward` and `backward` under each other, and knows nothing of its neighbours. Whoever
trains a net asks a layer for no more than `Layer` states, so that any new kind of layer will do.
Here are the dense layer, and layers one after the other; the others have modules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from zeroone.support.validation import FloatArray

# Of one sample: (n_features,), or (height, width, channels) of an image.
Shape = tuple[int, ...]


class Layer:
    """What a network, and whoever trains one, needs of a layer; any subclass will do.

    A layer has its function, the derivative of it, and what of it can be learned. A new kind of
    layer says `output_shape`, `forward` and `backward`; the rest has a default. It is also a value:
    its class makes it anew from its `arguments`.

    Attributes
    ----------
    parameters : tuple of ndarray
        What an optimiser moves, in place.
    gradients : tuple of ndarray
        The derivatives by `parameters`, in their order, that the last `backward` found.
    """

    # The name in summaries, messages and files.
    kind: ClassVar[str]
    # Whether each channel (the last axis) is computed from that channel alone.
    channelwise: ClassVar[bool] = False

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The arrays that an optimiser moves, in place."""
        return ()

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by `parameters`, in their order, that the last `backward` found."""
        return ()

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output of one sample, for the shape of its input.

        Raises
        ------
        ValueError
            If the layer cannot take such an input.
        """
        return shape

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the output for a batch in training.

        Parameters
        ----------
        V : ndarray, shape (n_samples, ...)
        remember : bool, default True
            Keep of the batch what `backward` needs, or only look.
        """
        raise NotImplementedError

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Find `gradients` from the derivative by the output; return that by the input.

        It may be called once for a `forward`, whose memory it may use up. If the derivative by the
        input is not wanted, an empty array may be returned.
        """
        raise NotImplementedError

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return the output of the layer as it is when training is over."""
        return self.forward(V, remember=False)

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments from which its class makes the layer anew.

        Returns
        -------
        dict
            Values are arrays, lists of layers, or what JSON can write.
        """
        return {}

    def workspace(self, shape: Shape) -> int:
        """Return how many numbers a sample takes while it is computed, its output left out."""
        return 0

    def multiplications(self, shape: Shape) -> int:
        """Return the multiplications for one sample of an input shape, in matrix products."""
        return 0

    def changed(self, change: Callable[[Layer], Layer]) -> Layer:
        """Return the layer with `change` applied to it; a layer that holds others, to those."""
        return change(self)

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return the weights and biases of a dense layer as it is when training is over."""
        raise ValueError(f"a {self.kind} layer is not a dense one: it has no matrix of weights")


class Dense(Layer):
    """A dense layer: A = V W^T + b, and what its derivative needs of the last batch.

    A unit is a row of W with its entry of b. With G = dL/dA for a loss L, the chain rule gives ::

        dL/dW = G^T V,    dL/db = sum of the rows of G,    dL/dV = G W

    (docs/theory.md#c1).

    Parameters
    ----------
    weights : ndarray, shape (n_out, n_in)
    biases : ndarray, shape (n_out,)
    learn_biases : bool, default True
        Whether the biases are among `parameters`. Below a batch normalisation, which takes them out
        again, their derivative is zero, and an optimiser would only follow its rounding.

    """

    kind = "dense"

    def __init__(
        self, weights: FloatArray, biases: FloatArray, *, learn_biases: bool = True
    ) -> None:
        self.weights, self.biases, self.learn_biases = weights, biases, learn_biases
        # Kept, because fresh memory of that size costs as much as a tenth of the product.
        self._gradients = tuple(np.empty_like(parameter) for parameter in self.parameters)

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The arrays that an optimiser moves."""
        return (self.weights, self.biases) if self.learn_biases else (self.weights,)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """dL/dW and dL/db of the last `backward`, in the order of `parameters`."""
        return self._gradients

    def output_shape(self, shape: Shape) -> Shape:
        """Return (n_out,) for vectors of n_in entries."""
        check_shape(shape, 1, channels=self.weights.shape[1])
        return self.biases.shape

    def multiplications(self, shape: Shape) -> int:
        """Return n_in n_out."""
        return self.weights.size

    def arguments(self) -> dict[str, Any]:
        """Return weights, biases and whether these are learned."""
        return {
            "weights": self.weights,
            "biases": self.biases,
            "learn_biases": self.learn_biases,
        }

    @staticmethod
    def patches(V: FloatArray) -> FloatArray:
        """Return the rows that the units see: of a dense layer, a sample's whole input.

        A convolution would return a row for every position. Whoever solves for W and b in closed
        form does so on these rows.
        """
        return V

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the pre-activations A, shape (n_samples, n_out), and remember V, or only look."""
        if remember:
            self.V = V
        A = self.patches(V) @ self.weights.T
        A += self.biases
        return A

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Write dL/dW and dL/db into `gradients`, and return dL/dV, for G = dL/dA.

        Parameters
        ----------
        G : ndarray, shape (n_samples, n_out)
        to_input : bool, default True
            Whether dL/dV is wanted; below the first layer nobody asks for it.

        Returns
        -------
        ndarray, shape (n_samples, n_in); without columns if it is not wanted
        """
        by_weights, *by_biases = self.gradients
        np.matmul(G.T, self.patches(self.V), out=by_weights)
        for gradient in by_biases:  # one, or none
            np.sum(G, axis=0, out=gradient)
        return G @ self.weights if to_input else G[:, :0]

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return weights and biases: a dense layer is the same in training and after it."""
        return self.weights, self.biases


class Chain(Layer):
    """Layers one after the other, as one layer.

    Parameters
    ----------
    layers : sequence of Layer
        The first one receives the input. Without any, the chain returns its input.

    Raises
    ------
    ValueError
        If one is not a layer.
    """

    kind = "chain"

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"layers must hold layers only, but has {layer!r}")

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The parameters of all layers, from the first to the last."""
        return tuple(array for layer in self.layers for array in layer.parameters)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by `parameters`, in their order."""
        return tuple(array for layer in self.layers for array in layer.gradients)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the output of the last layer."""
        for layer in self.layers:
            V = layer.forward(V, remember=remember)
        return V

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Fill `gradients` from the last layer to the first, and return dL/dV if it is wanted."""
        # Below the lowest layer that learns, nobody asks for a derivative.
        learning = [i for i, layer in enumerate(self.layers) if layer.parameters]
        lowest = 0 if to_input else min(learning, default=len(self.layers))
        for i in reversed(range(lowest, len(self.layers))):
            G = self.layers[i].backward(G, to_input=to_input or i > lowest)
        return G

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return the output of the last layer when training is over."""
        for layer in self.layers:
            V = layer.evaluate(V)
        return V

    def shapes(self, shape: Shape) -> Iterator[Shape]:
        """Yield the shape of the input, and of every layer's output.

        Raises
        ------
        ValueError
            If a layer cannot take what the one before it gives; the message names it.
        """
        yield shape
        for number, layer in enumerate(self.layers, start=1):
            try:
                shape = layer.output_shape(shape)
            except ValueError as error:
                raise ValueError(f"layer {number} ({layer.kind}): {error}") from None
            yield shape

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the last layer's output."""
        *_, last = self.shapes(shape)
        return last

    def arguments(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layers": list(self.layers)}

    def workspace(self, shape: Shape) -> int:
        """Return the numbers that one layer takes with its input and output, at the most."""
        shapes = list(self.shapes(shape))
        return max(
            (
                layer.workspace(before) + math.prod(before) + math.prod(after)
                for layer, (before, after) in zip(self.layers, pairwise(shapes), strict=True)
            ),
            default=0,
        )

    def multiplications(self, shape: Shape) -> int:
        """Return the multiplications of all layers."""
        shapes = self.shapes(shape)
        return sum(layer.multiplications(next(shapes)) for layer in self.layers)

    def changed(self, change: Callable[[Layer], Layer]) -> Layer:
        """Return the chain of the changed layers."""
        return Chain([layer.changed(change) for layer in self.layers])

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return the weights and biases of the only layer, if there is one."""
        return self.layers[0].folded() if len(self.layers) == 1 else super().folded()


class Flatten(Layer):
    """Images as vectors: pixels row by row, the channels of a pixel together."""

    kind = "flatten"
    channelwise = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of entries."""
        return (math.prod(shape),)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return a view of V, shape (n_samples, n_entries)."""
        if remember:
            self.shape = V.shape
        return V.reshape(len(V), math.prod(V.shape[1:]))

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G in the shape of the images."""
        return G.reshape(self.shape)


def column_sums(A: FloatArray) -> FloatArray:
    """Return the sum of each column.

    Images have very many rows and few columns. A product with a row of ones adds these up several
    times as fast as a reduction.
    """
    return np.ones(len(A), A.dtype) @ A


def check_shape(shape: Shape, axes: int, *, channels: int | None = None) -> Shape:
    """Return the shape of a layer's input, of one sample, if the layer can take it.

    Raises
    ------
    ValueError
        If it has another number of axes, or another size of the last one.
    """
    sort = {1: "vectors", 3: "images (height, width, channels)"}[axes]
    if len(shape) != axes:
        raise ValueError(f"it takes {sort}, but its input has the shape {tuple(shape)}")
    if channels is not None and shape[-1] != channels:
        what = "entries" if axes == 1 else "channels"
        raise ValueError(f"it takes {channels} {what}, but its input has the shape {tuple(shape)}")
    return tuple(shape)
