"""Networks by name, with random weights (docs/theory.md#d4).

Every function returns an untrained `Network` of hidden units. Weights are Gaussian with variance
1/n_in, where n_in is what one unit receives, and so are biases. The output layer starts at zero: in
the first batch no hidden unit matters, and none is moved by what a random output layer would say of
it. Where a layer is followed by normalisation, its shift takes the place of the biases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zeroone.nets.convolution import Convolution, Pair
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Dense, Flatten, Layer, Shape
from zeroone.nets.network import Network
from zeroone.nets.normalisation import Normalisation
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.residual import Residual
from zeroone.nets.units import HiddenUnits
from zeroone.support.parts import find_part
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_integer,
    check_number,
)


class Builder:
    """What all architectures say in the same words: layers with random weights, one after another.

    Parameters
    ----------
    input_shape : sequence of int
        Of one sample.
    width : float
        Factor on the number of filters and units of every hidden layer.
    activation, levels
        Of the hidden units.
    normalise : bool
        Normalisation before the units; some architectures always have it.
    rng : numpy.random.Generator or seed, optional
    dtype : dtype
        float32 or float64.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        *,
        width: float = 1.0,
        activation: str = "sign",
        levels: int | None = None,
        normalise: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: str | np.dtype[Any] = "float32",
    ) -> None:
        self.input_shape: Shape = tuple(check_integer("image_shape", n) for n in input_shape)
        self.width = check_number("width", width, strict=True, maximum=100)
        self.activation, self.levels, self.normalise = activation, levels, normalise
        self.rng = np.random.default_rng(rng)
        self.dtype = np.dtype(check_choice("dtype", str(dtype), ("float32", "float64")))
        self.layers: list[Layer] = []
        self.shape = self.input_shape

    def scaled(self, units: int) -> int:
        """Return a number of filters or units times the width, at least 1."""
        return max(1, round(self.width * units))

    def add(self, *layers: Layer) -> None:
        """Append layers, of which each must take what the one before it gives."""
        for layer in layers:
            try:
                self.shape = layer.output_shape(self.shape)
            except ValueError as error:
                raise ValueError(
                    f"image_shape must fit the network, but with {self.input_shape} its layer "
                    f"{len(self.layers) + 1} ({layer.kind}) cannot be: {error}"
                ) from None
            self.layers.append(layer)

    def random(self, *shape: int) -> tuple[FloatArray, FloatArray]:
        """Return random weights of a shape (n_out, ...), and biases."""
        n_in = math.prod(shape[1:])
        drawn = self.rng.standard_normal((shape[0], n_in + 1)) / math.sqrt(n_in)
        drawn = drawn.astype(self.dtype)
        return np.ascontiguousarray(drawn[:, :-1]).reshape(shape), drawn[:, -1].copy()

    def normalised(self, n_filters: int) -> Normalisation:
        """Return a normalisation whose shifts are as random as biases would be."""
        shift = self.rng.standard_normal(n_filters) / math.sqrt(n_filters)
        return Normalisation(np.ones(n_filters, self.dtype), shift.astype(self.dtype))

    def convolution(
        self,
        n_filters: int,
        kernel: int,
        *,
        channels: int | None = None,
        stride: Pair = 1,
        padding: Pair = 0,
        biases: bool = True,
    ) -> Convolution:
        """Return a convolution of square filters on the present shape, or on so many channels."""
        if channels is None:
            channels = self.shape[-1]
        weights, offsets = self.random(n_filters, kernel, kernel, channels)
        if not biases:
            offsets[:] = 0
        return Convolution(weights, offsets, stride=stride, padding=padding, learn_biases=biases)

    def dense(self, n_units: int, *, biases: bool = True) -> Dense:
        """Return a dense layer on the present shape."""
        weights, offsets = self.random(n_units, self.shape[0])
        if not biases:
            offsets[:] = 0
        return Dense(weights, offsets, learn_biases=biases)

    def output(self, n_classes: int) -> Dense:
        """Return an output layer that starts at zero."""
        check_integer("n_classes", n_classes, minimum=2)
        zeros = np.zeros((n_classes, self.shape[0]), self.dtype)
        return Dense(zeros, np.zeros(n_classes, self.dtype))

    def units(self) -> HiddenUnits:
        """Return hidden units."""
        return HiddenUnits(self.activation, self.levels)

    def network(self) -> Network:
        """Return what was added."""
        return Network(self.layers, self.input_shape)


def mlp(
    image_shape: Sequence[int] = (28, 28, 1),
    n_classes: int = 10,
    *,
    hidden: int | Sequence[int] = 200,
    **options: Any,
) -> Network:
    """Return a multi-layer perceptron: dense layers of `hidden` units.

    Parameters
    ----------
    image_shape : sequence of int
        Of one sample; images are flattened.
    n_classes : int, default 10
    hidden : int or sequence of int, default 200
        Sizes of the hidden layers.
    **options
        ``width``, ``activation``, ``levels``, ``normalise``, ``rng``, ``dtype``: see `Builder`.
    """
    build = Builder(image_shape, **options)
    if len(build.shape) > 1:
        build.add(Flatten())
    for size in check_hidden(hidden):
        _dense(build, size, build.normalise)
    build.add(build.output(n_classes))
    return build.network()


def lenet(
    image_shape: Sequence[int] = (28, 28, 1),
    n_classes: int = 10,
    **options: Any,
) -> Network:
    """Return LeNet-5: 5x5/6 (padding 2), pool 2; 5x5/16, pool 2; dense 120, 84, classes.

    At full width 61,706 parameters for images of 28 x 28 x 1 and 10 classes. The options are those
    of `mlp`, without ``hidden``.

    References
    ----------
    .. [1] LeCun, Bottou, Bengio, Haffner, *Gradient-Based Learning Applied to Document
       Recognition*, Proceedings of the IEEE 1998.
    """
    build = Builder(image_shape, **options)
    for n_filters, padding in ((6, 2), (16, 0)):
        _pooled_convolution(build, n_filters, padding)
    build.add(Flatten())
    for size in (120, 84):
        _dense(build, size, build.normalise)
    build.add(build.output(n_classes))
    return build.network()


def convnet4(
    image_shape: Sequence[int] = (32, 32, 3),
    n_classes: int = 10,
    **options: Any,
) -> Network:
    """Return the 4-layer convnet of [FTP]: 5x5/32, pool 2; 5x5/64, pool 2; dense 1024, classes.

    At full width 4,259,274 parameters for images of 32 x 32 x 3 and 10 classes, without
    normalisation. The options are those of `lenet`.
    """
    build = Builder(image_shape, **options)
    for n_filters in (32, 64):
        _pooled_convolution(build, n_filters, 2)
    build.add(Flatten())
    _dense(build, 1024, build.normalise)
    build.add(build.output(n_classes))
    return build.network()


def convnet8(
    image_shape: Sequence[int] = (40, 40, 3),
    n_classes: int = 10,
    *,
    dropout: float = 0.5,
    **options: Any,
) -> Network:
    """Return the 8-layer convnet of [FTP], which is made for images of 40 x 40.

    5x5/48, pool 2; 3x3/64; 3x3/64, pool 2; 3x3/128 three times; dropout; 5x5/512; classes; every
    convolution but the first is normalised. At full width 2,082,378 parameters for 3 channels and
    10 classes.

    Parameters
    ----------
    image_shape, n_classes
        As for `mlp`. Images of 32 x 32 can be set into a border of 4 zeros.
    dropout : float, default 0.5
        Part of the entries that is dropped before the last convolution.
    **options
        See `Builder`.
    """
    build = Builder(image_shape, **options)
    build.add(build.convolution(build.scaled(48), 5), MaxPooling(2), build.units())
    _convolution(build, 64, 3, padding=1)
    _convolution(build, 64, 3, padding=1, pool=MaxPooling(2))
    _convolution(build, 128, 3)
    _convolution(build, 128, 3, padding=1)
    _convolution(build, 128, 3)
    build.add(Dropout(dropout, build.rng))
    _convolution(build, 512, 5)
    build.add(Flatten())
    build.add(build.output(n_classes))
    return build.network()


def alexnet(
    image_shape: Sequence[int] = (224, 224, 3), n_classes: int = 1000, **options: Any
) -> Network:
    """Return the AlexNet of [FTP]: five convolutions and three dense layers.

    12x12/96 at stride 4; 5x5/256, pool 3/2; 3x3/384, pool 3/2; 3x3/384; 3x3/256, pool 3/2; dense
    4096 twice; classes; every layer but the first and the last is normalised. At full width
    62,394,344 parameters for images of 224 x 224 x 3 and 1000 classes. The options are those of
    `Builder`.
    """
    build = Builder(image_shape, **options)
    build.add(build.convolution(build.scaled(96), 12, stride=4, biases=False), build.units())
    _convolution(build, 256, 5, padding=2, pool=MaxPooling(3, 2, 1))
    _convolution(build, 384, 3, padding=1, pool=MaxPooling(3, 2))
    _convolution(build, 384, 3, padding=1)
    _convolution(build, 256, 3, padding=1, pool=MaxPooling(3, 2))
    build.add(Flatten())
    for _ in range(2):
        _dense(build, 4096, normalise=True)
    build.add(build.output(n_classes))
    return build.network()


def resnet18(
    image_shape: Sequence[int] = (224, 224, 3), n_classes: int = 1000, **options: Any
) -> Network:
    """Return ResNet-18: a stem, eight blocks of two 3x3 convolutions, the mean over positions.

    For images of at least 64 x 64 pixels the stem is 7x7/64 at stride 2 and a pool of 3 at stride
    2: 11,689,512 parameters for 3 channels and 1000 classes. For smaller ones it is 3x3/64 without
    a pool: 11,173,962 parameters for 10 classes. All convolutions are normalised. The options are
    those of `Builder`.

    References
    ----------
    .. [1] He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016,
       arXiv:1512.03385.
    """
    build = Builder(image_shape, **options)
    if min(build.shape[:2]) >= 64:
        _convolution(build, 64, 7, stride=2, padding=3, pool=MaxPooling(3, 2, 1))
    else:
        _convolution(build, 64, 3, padding=1)
    for stage, n_filters in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            build.add(_residual_block(build, build.scaled(n_filters), stride), build.units())
    build.add(AveragePooling(build.shape[:2]), Flatten())
    build.add(build.output(n_classes))
    return build.network()


ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "mlp": mlp,
    "lenet": lenet,
    "convnet4": convnet4,
    "convnet8": convnet8,
    "alexnet": alexnet,
    "resnet18": resnet18,
}


def architecture(name: str) -> Callable[..., Network]:
    """Return the function that makes a network: one of `ARCHITECTURES`, or the user's own.

    Parameters
    ----------
    name : str
        A name of `ARCHITECTURES`, or ``MODULE:NAME`` for a function of yours with the parameters
        ``image_shape`` and ``n_classes`` and the options of `Builder`.

    Raises
    ------
    ValueError
        If there is none.
    """
    found: Callable[..., Network] = find_part("network", name, ARCHITECTURES)
    return found


def _pooled_convolution(build: Builder, n_filters: int, padding: int) -> None:
    """Add 5x5 filters, a pool of 2, normalisation if it is wanted, and units."""
    n_filters, normalise = build.scaled(n_filters), build.normalise
    build.add(build.convolution(n_filters, 5, padding=padding, biases=not normalise))
    build.add(MaxPooling(2), *([build.normalised(n_filters)] if normalise else []), build.units())


def _convolution(
    build: Builder,
    n_filters: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    pool: Layer | None = None,
) -> None:
    """Add normalised filters, a pool after the normalisation if there is one, and units."""
    n_filters = build.scaled(n_filters)
    filters = build.convolution(n_filters, kernel, stride=stride, padding=padding, biases=False)
    build.add(
        filters, build.normalised(n_filters), *([] if pool is None else [pool]), build.units()
    )


def _dense(build: Builder, n_units: int, normalise: bool) -> None:
    """Add a hidden dense layer, normalised if it is wanted."""
    n_units = build.scaled(n_units)
    build.add(build.dense(n_units, biases=not normalise))
    build.add(*([build.normalised(n_units)] if normalise else []), build.units())


def _residual_block(build: Builder, n_filters: int, stride: int) -> Residual:
    """Return two normalised 3x3 convolutions beside the identity, or a 1x1 one."""
    channels = build.shape[-1]

    def filters(kernel: int, channels: int, stride: int) -> Iterator[Layer]:
        yield build.convolution(
            n_filters,
            kernel,
            channels=channels,
            stride=stride,
            padding=kernel // 2,
            biases=False,
        )
        yield build.normalised(n_filters)

    body = [*filters(3, channels, stride), build.units(), *filters(3, n_filters, 1)]
    same = stride == 1 and channels == n_filters
    return Residual(body, () if same else list(filters(1, channels, stride)))
