"""The network itself: layers of step units under a linear output layer (docs/theory.md#b, #c).

With V_0 = X (one row per sample), for the layers i = 1, ..., h ::

    Z_i = V_{i-1} W_i^T + b_i          preactivations
    V_i = act(Z_i)   for i < h         act = step, sign or staircase, entry by entry
    output = Z_h                       the last layer is linear: scores

How the weights were found is no concern of this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.nets.compress import active_units, compress_layers, keep_units
from zeroone.nets.files import StoredNetwork, check_metadata, read_network, write_network
from zeroone.nets.units import Units
from zeroone.support.validation import (
    FloatArray,
    check_array,
    check_integer,
    check_matrix,
    floating_dtype,
)

# Scores are computed for so many samples at a time that no array has more entries (16 MiB).
BLOCK_ENTRIES = 2**21


@dataclass(frozen=True, eq=False)
class Forward:
    """All that a forward pass computed, layer by layer.

    Attributes
    ----------
    preactivations : tuple of h ndarrays, (n_samples, n_i)
        Z_1, ..., Z_h.
    activations : tuple of h ndarrays
        V_0 = X, V_1, ..., V_{h-1}: what each layer received. ``activations[i] @ weights[i].T +
        biases[i]`` is ``preactivations[i]``.
    """

    preactivations: tuple[FloatArray, ...]
    activations: tuple[FloatArray, ...]

    @property
    def output(self) -> FloatArray:
        """The scores Z_h, of shape (n_samples, n_out)."""
        return self.preactivations[-1]


class ZeroOneMLP:
    """A multi-layer perceptron whose hidden units are step functions.

    Parameters
    ----------
    weights : sequence of h >= 1 array_likes, (n_out, n_in)
        One matrix per layer, the linear output layer last; with h = 1 there is no hidden layer. A
        hidden layer may have no units at all: the layers above it see nothing, and are constant.
    biases : sequence of h array_likes, (n_out,)
    activation : {"step", "sign", "staircase"}
        Of all hidden layers.
    levels : int, optional
        The number of values of the staircase; for ``activation="staircase"``, and only for it.
    classes : array_like, (n_out,), optional
        The labels that `predict` returns, all different: numbers, bools or strings.
    metadata : dict, optional
        Anything that JSON can write, to be kept in the file: how the network came about.

    Attributes
    ----------
    weights, biases : tuple of ndarrays
        Read-only copies. All float32 if everything came as float32, otherwise all float64.
    units : Units
        The hidden units, of the given `activation` and `levels`.
    activation, levels, classes, metadata
        As given; `metadata` as JSON returns it (tuples become lists, keys become strings).

    Raises
    ------
    ValueError
        If shapes disagree, an entry is not finite, or another argument is not as described.
    """

    def __init__(
        self,
        weights: Iterable[ArrayLike],
        biases: Iterable[ArrayLike],
        *,
        activation: str = "step",
        levels: int | None = None,
        classes: ArrayLike | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.weights, self.biases = check_layers(weights, biases)
        self.units = Units(activation, levels)
        self.activation, self.levels = self.units.activation, self.units.levels
        self.classes = None if classes is None else check_classes(classes, len(self.biases[-1]))
        self.metadata = None if metadata is None else check_metadata(metadata)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The number of inputs, of units in each hidden layer, and of outputs."""
        return (self.weights[0].shape[1], *(len(bias) for bias in self.biases))

    @property
    def n_inputs(self) -> int:
        """The number of features of a sample."""
        return self.layer_sizes[0]

    @property
    def n_outputs(self) -> int:
        """The number of scores."""
        return self.layer_sizes[-1]

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """The number of units in each hidden layer."""
        return self.layer_sizes[1:-1]

    def described(self, metadata: dict[str, Any]) -> ZeroOneMLP:
        """Return the network with other metadata."""
        parts: dict[str, Any] = {**self._parts(), "metadata": metadata}
        return ZeroOneMLP(**parts)

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases, zeros included."""
        return sum(array.size for array in (*self.weights, *self.biases))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the weights, in which everything is computed: float32 or float64."""
        return self.weights[0].dtype

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        levels = "" if self.levels is None else f", levels={self.levels}"
        return (
            f"<ZeroOneMLP {sizes}, activation={self.activation!r}{levels}, {self.dtype}, "
            f"{self.n_parameters} parameters>"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether all weights, precisions, labels and metadata are the same."""
        if not isinstance(other, ZeroOneMLP):
            return NotImplemented
        same_classes = (self.classes is None) == (other.classes is None) and (
            self.classes is None
            or other.classes is None
            or (self.classes.dtype.kind, self.classes.tolist())
            == (other.classes.dtype.kind, other.classes.tolist())
        )
        return (
            (self.layer_sizes, self.dtype, self.activation, self.levels, self.metadata)
            == (other.layer_sizes, other.dtype, other.activation, other.levels, other.metadata)
            and same_classes
            and all(map(np.array_equal, self.weights, other.weights))
            and all(map(np.array_equal, self.biases, other.biases))
        )

    __hash__ = None  # type: ignore[assignment]

    def forward(self, X: ArrayLike) -> Forward:
        """Compute all preactivations and activations of all layers, and keep them.

        Parameters
        ----------
        X : array_like, (n_samples, n_in)
            Real and finite; converted to the network's precision.

        Returns
        -------
        Forward

        Raises
        ------
        ValueError
            If `X` is not a finite real matrix with one column per input, or has no row.
        """
        with np.errstate(over="ignore"):  # beyond float32, an entry becomes an infinity: refused
            V = check_matrix("X", X, columns=self.layer_sizes[0], dtype=self.dtype)
        preactivations: list[FloatArray] = []
        activations: list[FloatArray] = []
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            V = self.units.forward(preactivations[-1]) if i > 0 else V
            activations.append(V)
            preactivations.append(V @ W.T + b)
        return Forward(tuple(preactivations), tuple(activations))

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the scores, that is, ``forward(X).output``, in bounded memory.

        Parameters
        ----------
        X : array_like, (n_samples, n_in)
            As for `forward`. Rows are converted a block at a time, so that a large array of bytes
            is never copied to floats as a whole.

        Returns
        -------
        ndarray, (n_samples, n_out)

        Raises
        ------
        ValueError
            As `forward`.

        Notes
        -----
        How the matrix product of a sample is rounded may depend on how many samples are multiplied
        at once. A unit whose preactivation is within rounding of its threshold may therefore differ
        between this function and `forward`, or between all samples and one of them.
        """
        columns = self.layer_sizes[0]
        array = X if isinstance(X, np.ndarray) else check_matrix("X", X, columns=columns)
        if array.ndim != 2 or array.shape[1] != columns or len(array) == 0:
            check_matrix("X", array, columns=columns)  # says what is wrong
        rows = max(1, BLOCK_ENTRIES // max(self.layer_sizes))
        scores = np.empty((len(array), self.layer_sizes[-1]), dtype=self.dtype)
        for start in range(0, len(array), rows):
            with np.errstate(over="ignore"):
                V = check_matrix("X", array[start : start + rows], dtype=self.dtype)
            for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
                V = self.units.forward(V @ W.T + b)
            scores[start : start + rows] = V @ self.weights[-1].T + self.biases[-1]
        return scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class with the highest score; the first of those that tie.

        Parameters
        ----------
        X : array_like, (n_samples, n_in)

        Returns
        -------
        ndarray, (n_samples,)
            Entries of `classes`, or the indices of the outputs if the network has none.

        Raises
        ------
        ValueError
            As `forward`, or if the network has a single output.
        """
        if self.layer_sizes[-1] < 2:
            raise ValueError("predict must have at least 2 outputs, but the network has 1")
        winners = self.decision_function(X).argmax(axis=1)
        return winners if self.classes is None else self.classes[winners]

    def active_neurons(self) -> list[NDArray[np.bool_]]:
        """Return, per hidden layer, which units have a non-zero weight both in and out.

        The others are constant or unheard. Removing them can make further units so, which this does
        not follow up; `compress` does.

        Returns
        -------
        list of bool ndarrays, (n_i,)
        """
        return active_units(self.weights)

    def drop_neurons(self, layer: int, keep_mask: ArrayLike) -> ZeroOneMLP:
        """Return the network without some units of one hidden layer.

        The units are removed, not folded: the next layer loses what they contributed, as if their
        outgoing weights were zero. To remove only units that do not matter, see `compress`.

        Parameters
        ----------
        layer : int
            The hidden layer, from 0: the one whose units are the rows of ``weights[layer]``.
        keep_mask : array_like of bool, (n_units,)
            True for the units that stay.

        Raises
        ------
        ValueError
            If there is no such hidden layer, or the mask has another dtype or shape.
        """
        index = check_integer("layer", layer, minimum=0)
        if index >= len(self.weights) - 1:
            raise ValueError(
                f"layer must be less than the number of hidden layers, {len(self.weights) - 1}, "
                f"but is {index}"
            )
        keep, wanted = np.asarray(keep_mask), self.biases[index].shape
        if keep.dtype != np.bool_ or keep.shape != wanted:
            raise ValueError(
                f"keep_mask must be an array of bools of shape {wanted}, "
                f"but has dtype {keep.dtype} and shape {keep.shape}"
            )
        weights, biases = list(self.weights), list(self.biases)
        keep_units(weights, biases, index, keep)
        return self._with_layers(weights, biases)

    @overload
    def compress(self, *, return_kept: Literal[False] = False) -> ZeroOneMLP: ...
    @overload
    def compress(
        self, *, return_kept: Literal[True]
    ) -> tuple[ZeroOneMLP, list[NDArray[np.bool_]]]: ...
    def compress(
        self, *, return_kept: bool = False
    ) -> ZeroOneMLP | tuple[ZeroOneMLP, list[NDArray[np.bool_]]]:
        """Return the same function with fewer units: without those that never matter.

        Constant units (incoming row zero) move into the next layer's biases, unheard ones (outgoing
        column zero) go; so do those that become so, until none is left.

        The scores and classes stay the same exactly where the arithmetic is exact, and up to
        rounding elsewhere. Rounding can switch a unit that is at its threshold: see the notes of
        `zeroone.nets.compress.compress_layers`.

        Parameters
        ----------
        return_kept : bool, default False
            Return as well which units stayed.

        Returns
        -------
        network : ZeroOneMLP
            With as many layers as before. If no unit is left in one hidden layer, none is left in
            any, and the output bias is the score of every sample.
        kept : list of bool ndarrays, (n_i,)
            Per hidden layer, True for the units that stayed. Only if `return_kept`.

        Raises
        ------
        ValueError
            If a bias overflows.
        """
        weights, biases, kept = compress_layers(self.weights, self.biases, self.units.forward)
        network = self._with_layers(weights, biases)
        return (network, kept) if return_kept else network

    def _parts(self) -> StoredNetwork:
        return {
            "weights": self.weights,
            "biases": self.biases,
            "activation": self.activation,
            "levels": self.levels,
            "classes": self.classes,
            "metadata": self.metadata,
        }

    def _with_layers(self, weights: list[FloatArray], biases: list[FloatArray]) -> ZeroOneMLP:
        parts: dict[str, Any] = {**self._parts(), "weights": weights, "biases": biases}
        return ZeroOneMLP(**parts)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to exactly `path` (``.npz`` is customary, and not added).

        A reader finds the old file or the whole new one, never a part. The same contents give the
        same bytes. See `zeroone.nets.files` for the format.

        Raises
        ------
        ValueError
            If the folder does not exist or `path` is a folder.
        """
        write_network(path, self._parts())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a network that `save` wrote. Nothing in the file is executed or unpickled.

        Raises
        ------
        ValueError
            If there is no such file, or it is damaged, truncated, not a network file, written in a
            newer format, or holds values that no network has. One line: the file and the cause.
        """
        parts: Any = read_network(path)
        if "weights" not in parts:
            raise ValueError(
                f"cannot load {os.fspath(path)}: it is no multi-layer perceptron; "
                "zeroone.nets.network.load reads any network"
            )
        try:
            return cls(**parts)
        except ValueError as error:
            raise ValueError(f"cannot load {os.fspath(path)}: {error}") from error


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
