"""A network of any layers, one after the other (docs/theory.md#d).

With V_0 = X, images of shape (height, width, channels) or vectors, and layers f_1, ..., f_h ::

    V_i = f_i(V_{i-1}),   scores = V_h

Hidden units are layers like the others (`zeroone.nets.units`). How the network was trained is no
concern of this module.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.nets.augmentation import Augmentation
from zeroone.nets.compress_network import compressed
from zeroone.nets.convolution import Convolution
from zeroone.nets.dropout import Dropout
from zeroone.nets.files import StoredLayers, check_metadata, read_network, write_layers
from zeroone.nets.layers import Chain, Dense, Flatten, Layer, Shape
from zeroone.nets.mlp import ZeroOneMLP, check_classes
from zeroone.nets.normalisation import Normalisation
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.regions import RegionMeans
from zeroone.nets.residual import Residual
from zeroone.nets.scaling import Scaling
from zeroone.nets.units import HiddenUnits
from zeroone.support.tables import table
from zeroone.support.validation import FloatArray, check_array, check_integer

# Scores are computed for so many samples at a time that these take no more numbers (32 MiB in
# double precision), or for one.
BLOCK_ENTRIES = 2**22
# The kinds of layers that a file may hold.
KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        Chain,
        Dense,
        Flatten,
        Convolution,
        MaxPooling,
        AveragePooling,
        Normalisation,
        HiddenUnits,
        Dropout,
        Residual,
        Scaling,
        Augmentation,
        PatchNormalisation,
        RegionMeans,
    )
}


class Network:
    """Layers one after the other, whose shapes fit.

    Parameters
    ----------
    layers : sequence of Layer
        Held, not copied: who trains them trains the network.
    input_shape : sequence of int
        Of one sample: (height, width, channels) or (n_features,).
    classes : array_like, (n_out,), optional
        The labels that `predict` returns, all different: numbers, bools or strings.
    metadata : dict, optional
        Anything that JSON can write, to be kept in the file: how the network came about.

    Attributes
    ----------
    layers : tuple of Layer
    input_shape : tuple of int
    shapes : tuple of tuple of int
        The shape of each layer's output for one sample, in the order of `layers`.
    classes, metadata
        As given; `metadata` as JSON returns it.

    Raises
    ------
    ValueError
        If a layer cannot take what the one before it gives (the message names the layer), the
        output is not a vector, the precisions differ, an entry is not finite, or another argument
        is not as described.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Sequence[int],
        *,
        classes: ArrayLike | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.layers = tuple(layers)
        if not self.layers:
            raise ValueError("layers must hold at least one layer, but is empty")
        if not isinstance(input_shape, Sequence) or not input_shape:
            raise ValueError(f"input_shape must be one or more integers, but is {input_shape!r}")
        self.input_shape: Shape = tuple(check_integer("input_shape", size) for size in input_shape)
        self.chain = Chain(self.layers)
        _, *shapes = self.chain.shapes(self.input_shape)
        self.shapes: tuple[Shape, ...] = tuple(shapes)
        if len(self.shapes[-1]) != 1 or self.shapes[-1] == (0,):
            raise ValueError(
                f"layers must end in a vector of scores, but the last gives {self.shapes[-1]}"
            )
        self.dtype = self._check_arrays()
        self.classes = None if classes is None else check_classes(classes, self.shapes[-1][0])
        self.metadata = None if metadata is None else check_metadata(metadata)

    def _check_arrays(self) -> np.dtype[Any]:
        """Return the precision that all arrays of all layers have."""
        found = set()
        for number, layer in enumerate(self.layers, start=1):
            for array in _arrays(layer):
                found.add(array.dtype)
                if not np.isfinite(array).all():
                    raise ValueError(
                        f"layer {number} ({layer.kind}) must be finite, but holds NaN or infinity"
                    )
        if len(found) > 1 or not found <= {np.dtype(np.float32), np.dtype(np.float64)}:
            names = ", ".join(sorted(map(str, found)))
            raise ValueError(f"layers must be all float32 or all float64, but are {names}")
        return found.pop() if found else np.dtype(np.float64)

    @classmethod
    def of(cls, network: ZeroOneMLP) -> Self:
        """Return a multi-layer perceptron as a network of dense layers and hidden units."""
        layers: list[Layer] = []
        for i, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
            if i > 0:
                layers.append(HiddenUnits(network.activation, network.levels))
            layers.append(Dense(W.copy(), b.copy()))
        inputs = (network.layer_sizes[0],)
        return cls(layers, inputs, classes=network.classes, metadata=network.metadata)

    @property
    def n_inputs(self) -> int:
        """The number of entries of a sample."""
        return math.prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        """The number of scores."""
        return self.shapes[-1][0]

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """The number of channels, or of units, in each layer of hidden units; not inside blocks."""
        return tuple(
            shape[-1]
            for layer, shape in zip(self.layers, self.shapes, strict=True)
            if isinstance(layer, HiddenUnits)
        )

    def described(self, metadata: dict[str, Any]) -> Network:
        """Return the network, of the same layers, with other metadata."""
        return Network(self.layers, self.input_shape, classes=self.classes, metadata=metadata)

    @property
    def n_parameters(self) -> int:
        """The number of parameters that an optimiser would move, zeros included."""
        return sum(array.size for array in self.chain.parameters)

    def __repr__(self) -> str:
        return (
            f"<Network {self.input_shape} -> {self.n_outputs}, {len(self.layers)} layers, "
            f"{self.dtype}, {self.n_parameters} parameters>"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether all layers, precisions, labels and metadata are the same."""
        if not isinstance(other, Network):
            return NotImplemented
        labels = [None if n.classes is None else n.classes.tolist() for n in (self, other)]
        return (
            (self.input_shape, self.dtype, self.metadata)
            == (other.input_shape, other.dtype, other.metadata)
            and labels[0] == labels[1]
            and _described(self.layers) == _described(other.layers)
            and all(map(np.array_equal, _all_arrays(self), _all_arrays(other)))
        )

    __hash__ = None  # type: ignore[assignment]

    # ------------------------------------------------------------------------------ evaluation

    def outputs(self, X: ArrayLike) -> list[FloatArray]:
        """Return the outputs of all layers, in the order of `layers`, for a few samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, *input_shape) or (n_samples, n_features)

        Raises
        ------
        ValueError
            As `forward`.
        """
        V, found = self._block(self.samples(X)), []
        for layer in self.layers:
            V = layer.evaluate(V)
            found.append(V)
        return found

    def forward(self, X: ArrayLike) -> FloatArray:
        """Return the scores, in bounded memory.

        Parameters
        ----------
        X : array_like, shape (n_samples, *input_shape) or (n_samples, n_features)
            Images, or the same as rows. Samples are converted to the network's precision a block at
            a time, so that a large array of bytes is never copied to floats as a whole.

        Returns
        -------
        ndarray, shape (n_samples, n_out)

        Raises
        ------
        ValueError
            If `X` is not real and finite, has no sample, or samples of another shape.
        """
        samples = self.samples(X)
        scores = np.empty((len(samples), self.n_outputs), self.dtype)
        at_once = max(1, BLOCK_ENTRIES // self.chain.workspace(self.input_shape))
        for start in range(0, len(samples), at_once):
            block = self._block(samples[start : start + at_once])
            scores[start : start + at_once] = self.chain.evaluate(block)
        return scores

    decision_function = forward

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class with the highest score; the first of those that tie.

        Parameters
        ----------
        X : array_like, shape (n_samples, *input_shape) or (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples,)
            Entries of `classes`, or the indices of the outputs if the network has none.

        Raises
        ------
        ValueError
            As `forward`, or if the network has a single output.
        """
        if self.n_outputs < 2:
            raise ValueError("predict must have at least 2 outputs, but the network has 1")
        winners = self.forward(X).argmax(axis=1)
        return winners if self.classes is None else self.classes[winners]

    def samples(self, X: ArrayLike) -> NDArray[Any]:
        """Return the samples in the shape of the input, not yet converted."""
        array = X if isinstance(X, np.ndarray) else check_array("X", X)
        size = self.n_inputs
        if array.ndim < 2 or len(array) == 0 or array.shape[1:] not in (self.input_shape, (size,)):
            raise ValueError(
                f"X must hold samples of shape {self.input_shape}, or rows of {size} entries, "
                f"but has shape {array.shape}"
            )
        return array.reshape(len(array), *self.input_shape)

    def _block(self, samples: NDArray[Any]) -> FloatArray:
        with np.errstate(over="ignore"):  # beyond float32, an entry becomes an infinity: refused
            return check_array("X", samples, dtype=self.dtype)

    # ---------------------------------------------------------------------- another network

    def changed(self, change: Callable[[Layer], Layer]) -> Network:
        """Return the network with `change` applied to every layer, those inside blocks too."""
        layers = [layer.changed(change) for layer in self.layers]
        return Network(layers, self.input_shape, classes=self.classes, metadata=self.metadata)

    def copy(self) -> Network:
        """Return a network of its own arrays, without what training remembers."""
        return self.changed(copied)

    def compress(self) -> Network:
        """Return the same function with fewer filters and units: without those that never matter.

        See `zeroone.nets.compress_network.compressed`.
        """
        layers = compressed(self.layers, self.input_shape)
        return Network(layers, self.input_shape, classes=self.classes, metadata=self.metadata)

    # ------------------------------------------------------------------------------ for people

    def summary(self, batch: int = 100) -> str:
        """Return a table of the layers.

        Parameters
        ----------
        batch : int, default 100
            The number of samples of which the memory is given.

        Returns
        -------
        str
            Each layer with its output shape, parameters, multiplications a sample in matrix
            products, and the memory of its output for a batch, which is kept in training until the
            derivative has come back to it. Without a newline at the end.

        Raises
        ------
        ValueError
            If `batch` is not a positive integer.
        """
        check_integer("batch", batch)
        rows: list[tuple[str | int, ...]] = []
        totals = [0, 0, 0.0]
        for name, layer, before, after, counts in _walk(self.layers, self.input_shape, ""):
            parameters = sum(array.size for array in layer.parameters)
            products = layer.multiplications(before)
            mebibytes = math.prod(after) * batch * self.dtype.itemsize / 2**20
            shape = " x ".join(map(str, after))
            if counts:
                totals = [totals[0] + parameters, totals[1] + products, totals[2] + mebibytes]
                rows.append((name, shape, f"{parameters:,}", f"{products:,}", f"{mebibytes:,.1f}"))
            else:  # its layers follow
                rows.append((name, shape, "", "", ""))
        rows.append(("total", "", f"{totals[0]:,}", f"{totals[1]:,}", f"{totals[2]:,.1f}"))
        header = ["layer", "output", "parameters", "multiplications", f"MiB a batch of {batch}"]
        # Numbers with separators are words to the table: filled up here, so that they align.
        sizes = [max(len(str(row[i])) for row in [header, *rows]) for i in range(5)]
        aligned = [
            [str(cell) if i < 2 else str(cell).rjust(sizes[i]) for i, cell in enumerate(row)]
            for row in rows
        ]
        return table(header, aligned)

    # ----------------------------------------------------------------------------------- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to exactly `path` (``.npz`` is customary, and not added).

        A reader finds the old file or the whole new one, never a part. The same contents give the
        same bytes. See `zeroone.nets.files` for the format.

        Raises
        ------
        ValueError
            If the folder does not exist or `path` is a folder.
        """
        stored: StoredLayers = {
            "layers": _described_with_arrays(self.layers),
            "input_shape": self.input_shape,
            "classes": self.classes,
            "metadata": self.metadata,
        }
        write_layers(path, stored)

    @classmethod
    def load(cls, path: str | os.PathLike[str], kinds: Sequence[type[Layer]] = ()) -> Network:
        """Read a network that `save` wrote, or a multi-layer perceptron from an older file.

        Nothing in the file is executed or unpickled.

        Parameters
        ----------
        path : path-like
        kinds : sequence of subclasses of Layer, optional
            Layers of your own that the file may hold, beside `KINDS`.

        Raises
        ------
        ValueError
            If there is no such file, or it is damaged, truncated, not a network file, written in a
            newer format, or holds values that no network has. One line: the file and the cause.
        """
        network = load(path, kinds)
        return network if isinstance(network, Network) else cls.of(network)


AnyNetwork = ZeroOneMLP | Network


def load(path: str | os.PathLike[str], kinds: Sequence[type[Layer]] = ()) -> AnyNetwork:
    """Read a network from a file, a `ZeroOneMLP` or a `Network`, as it was saved.

    Parameters
    ----------
    path : path-like
    kinds : sequence of subclasses of Layer, optional
        See `Network.load`.

    Raises
    ------
    ValueError
        As `Network.load`.
    """
    parts: Any = read_network(path)
    known = KINDS | {kind.kind: kind for kind in kinds}
    try:
        if "weights" in parts:
            return ZeroOneMLP(**parts)
        layers = _made(parts.pop("layers"), known)
        return Network(layers, **parts)
    except ValueError as error:
        raise ValueError(f"cannot load {os.fspath(path)}: {error}") from error


def _made(
    described: list[tuple[str, dict[str, Any]]], kinds: dict[str, type[Layer]]
) -> list[Layer]:
    """Make layers anew from their kinds and arguments."""
    layers = []
    for number, (kind, given) in enumerate(described, start=1):
        if kind not in kinds:
            raise ValueError(f"layer {number} is of the unknown kind {kind!r}")
        arguments = {
            name: _made(value, kinds) if _is_layers(value) else value
            for name, value in given.items()
        }
        try:
            layers.append(kinds[kind](**arguments))
        except (TypeError, AttributeError, IndexError, ValueError) as error:
            raise ValueError(f"layer {number} ({kind}) cannot be made: {error}") from error
    return layers


def _is_layers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Layer | tuple)


def _described_with_arrays(layers: Sequence[Layer]) -> list[tuple[str, dict[str, Any]]]:
    """Return the kind and the arguments of each layer, and of the layers inside them."""
    return [
        (
            layer.kind,
            {
                name: _described_with_arrays(value) if _is_layers(value) else value
                for name, value in layer.arguments().items()
            },
        )
        for layer in layers
    ]


def _described(layers: Sequence[Layer]) -> list[Any]:
    """Return all about layers but the values of their arrays."""
    return [
        (
            layer.kind,
            [
                (name, value.shape)
                if isinstance(value, np.ndarray)
                else (name, _described(value) if _is_layers(value) else value)
                for name, value in layer.arguments().items()
            ],
        )
        for layer in layers
    ]


def _arrays(layer: Layer) -> Iterator[FloatArray]:
    """Yield the arrays from which a layer is made."""
    for value in layer.arguments().values():
        if isinstance(value, np.ndarray):
            yield value
        elif _is_layers(value):
            for inner in value:
                yield from _arrays(inner)


def _all_arrays(network: Network) -> list[FloatArray]:
    return [array for layer in network.layers for array in _arrays(layer)]


def copied(layer: Layer) -> Layer:
    """Return a layer of its own arrays."""
    arguments = {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in layer.arguments().items()
    }
    return type(layer)(**arguments)


def _walk(
    layers: Sequence[Layer], shape: Shape, prefix: str
) -> Iterator[tuple[str, Layer, Shape, Shape, bool]]:
    """Yield each layer with its name, its shapes before and after, and whether it is a leaf."""
    shapes = Chain(layers).shapes(shape)
    for number, (layer, (before, after)) in enumerate(
        zip(layers, pairwise(shapes), strict=True), start=1
    ):
        name = f"{prefix}{number}"
        branches = [(key, value) for key, value in layer.arguments().items() if _is_layers(value)]
        yield f"{name} {layer.kind}", layer, before, after, not branches
        for key, inner in branches:
            yield from _walk(inner, before, f"  {name} {key} ")
