"""Layers: what they compute, and the derivative of it; the hidden units between them.

A layer has `forward` and `backward` under each other, and knows nothing of its neighbours. Whoever
trains a net asks a layer for no more than `Layer` states, so that any new kind of layer will do.

The layer i of a network has ``weights[i]`` of shape (n_out, n_in) and ``biases[i]`` of shape
(n_out,). A hidden layer may have no units at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.activations import sign, staircase, step
from zeroone.support.validation import (
    FloatArray,
    check_array,
    check_choice,
    check_integer,
    floating_dtype,
)

ACTIVATIONS = ("step", "sign", "staircase")
# A staircase compares every entry with each of its jumps.
MAXIMUM_LEVELS = 10_000


class Layer(Protocol):
    """What a net in training needs of a layer: its function, its derivative, what can be moved."""

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The arrays that an optimiser moves, in place."""

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by `parameters`, in their order, that the last `backward` found."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the output for a batch; remember of it what `backward` needs, or only look."""

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Find `gradients` from the derivative by the output; return that by the input."""

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Return the weights and biases of the layer as it is when training is over."""


class Dense:
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

    Attributes
    ----------
    parameters : tuple of ndarray
        weights and biases: what an optimiser moves, in place.
    gradients : tuple of ndarray
        dL/dW and dL/db of the last `backward`, in the order of `parameters`.
    """

    def __init__(
        self, weights: FloatArray, biases: FloatArray, *, learn_biases: bool = True
    ) -> None:
        self.weights, self.biases, self.learn_biases = weights, biases, learn_biases
        # Kept, because fresh memory of that size costs as much as a tenth of the product.
        self.gradients = tuple(np.empty_like(parameter) for parameter in self.parameters)

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The arrays that an optimiser moves."""
        return (self.weights, self.biases) if self.learn_biases else (self.weights,)

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


@dataclass(frozen=True)
class Units:
    """The hidden units of a layer: what each makes of its pre-activation, entry by entry.

    Parameters
    ----------
    activation : {"step", "sign", "staircase"}
        See `zeroone.activations`.
    levels : int, optional
        The number k of values of the staircase, from 2 to 10,000; for it and only for it.

    Raises
    ------
    ValueError
        If there is no such activation, or `levels` does not go with it.
    """

    activation: str = "step"
    levels: int | None = None

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.activation == "staircase":
            if check_integer("levels", self.levels, minimum=2) > MAXIMUM_LEVELS:
                raise ValueError(f"levels must be at most {MAXIMUM_LEVELS}, but is {self.levels}")
        elif self.levels is not None:
            raise ValueError(
                f"levels must be None for activation {self.activation!r}, but is {self.levels!r}"
            )

    def forward(self, Z: FloatArray) -> FloatArray:
        """Return act(Z), of Z's shape."""
        if self.levels is not None:
            return staircase(Z, self.levels)
        return step(Z) if self.activation == "step" else sign(Z)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The places of the jumps: 0; of a staircase j/(k - 1) for j = 0, ..., k - 2.

        A staircase is the mean of the steps that jump there (docs/theory.md#c1).
        """
        n_steps = 1 if self.levels is None else self.levels - 1
        return tuple(j / n_steps for j in range(n_steps))


def check_layers(
    weights: Iterable[ArrayLike], biases: Iterable[ArrayLike]
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Return read-only copies of layers that fit together, all of one precision.

    Raises
    ------
    ValueError
        If there is no layer, no input or no output, shapes disagree, or an entry is not finite.
    """
    W = [_check_parameter(f"weights[{i}]", w, 2) for i, w in enumerate(_listed("weights", weights))]
    b = [_check_parameter(f"biases[{i}]", v, 1) for i, v in enumerate(_listed("biases", biases))]
    if not W or len(W) != len(b):
        raise ValueError(
            "weights and biases must hold one array each per layer, and at least one, "
            f"but have {len(W)} and {len(b)}"
        )
    for i in range(len(W)):
        if b[i].shape != (W[i].shape[0],):
            raise ValueError(
                f"biases[{i}] must have one entry per row of weights[{i}], of shape {W[i].shape}, "
                f"but has shape {b[i].shape}"
            )
        if i > 0 and W[i].shape[1] != W[i - 1].shape[0]:
            raise ValueError(
                f"weights[{i}] must have one column per row of weights[{i - 1}], "
                f"{W[i - 1].shape[0]}, but has shape {W[i].shape}"
            )
    if W[0].shape[1] == 0 or W[-1].shape[0] == 0:
        raise ValueError(
            "weights must have at least one input and one output, "
            f"but have {W[0].shape[1]} and {W[-1].shape[0]}"
        )
    dtype = np.result_type(*W, *b)
    return tuple(_frozen(w, dtype) for w in W), tuple(_frozen(v, dtype) for v in b)


def check_classes(classes: ArrayLike, n_outputs: int) -> NDArray[Any]:
    """Return a read-only copy of the labels of the outputs: numbers, bools or strings.

    Raises
    ------
    ValueError
        If their number or type differs, one is not finite, or two are equal.
    """
    array = np.asarray(classes)
    if array.dtype.kind not in "biufU" or array.shape != (n_outputs,):
        raise ValueError(
            f"classes must hold {n_outputs} numbers, bools or strings, one per output, "
            f"but has dtype {array.dtype} and shape {array.shape}"
        )
    if array.dtype.kind == "f":
        check_array("classes", array)
    if len(np.unique(array)) < n_outputs:
        raise ValueError(f"classes must all be different, but are {array.tolist()}")
    copy = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    copy.flags.writeable = False
    return copy


def _listed(name: str, value: Iterable[ArrayLike]) -> list[ArrayLike]:
    try:
        return list(value)
    except TypeError:
        raise ValueError(f"{name} must be a sequence of arrays, but is {value!r}") from None


def _check_parameter(name: str, value: ArrayLike, ndim: int) -> FloatArray:
    array = np.asarray(value)
    if array.size > 0 or array.ndim != ndim:
        return check_array(name, array, ndim=ndim)
    return array.astype(floating_dtype(array))  # of a layer without units


def _frozen(array: FloatArray, dtype: np.dtype[Any]) -> FloatArray:
    copy = np.array(array, dtype=dtype, order="C")
    copy.flags.writeable = False
    return copy
