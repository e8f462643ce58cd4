"""Claim: every layer's derivative is that of its function (docs/theory.md#d, #d1, #d2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, each_compared
from zeroone.claims.nets.patches import sample_window
from zeroone.claims.targetprop.losses import Long, gradient_of
from zeroone.nets.augmentation import Augmentation
from zeroone.nets.convolution import Convolution
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Chain, Dense, Flatten, Layer, Shape
from zeroone.nets.normalisation import EPSILON, Normalisation
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.pooling import AveragePooling, MaxPooling, Pooling
from zeroone.nets.regions import RegionMeans
from zeroone.nets.residual import Residual
from zeroone.nets.scaling import Scaling
from zeroone.support.validation import FloatArray

# Half a gap between two entries of an image is far above it, so that no winner changes; and it is
# far below the square root of the eps of a normalisation.
FINE_STEP = np.longdouble(1e-5)


@dataclass(frozen=True, eq=False)
class Passed:
    """A layer, a batch V that goes through it, and G, the derivative that comes back."""

    layer: Layer
    V: FloatArray
    G: FloatArray


def sample_entries(rng: np.random.Generator, shape: Shape) -> FloatArray:
    """Draw an array whose entries are all at least 0.01 apart: no two of them tie."""
    size = int(np.prod(shape))
    return (rng.permutation(size) - size / 2 + rng.uniform(0, 0.9, size)).reshape(shape) / 10


def sample_convolution(rng: np.random.Generator, shape: Shape, filters: int) -> Convolution:
    """Draw a convolution for images of a shape."""
    window = sample_window(rng, *shape[:2])
    weights = rng.standard_normal((filters, *window.size, shape[2]))
    biases = rng.standard_normal(filters)
    return Convolution(weights, biases, stride=window.stride, padding=window.padding)


def sample_dense(rng: np.random.Generator, n_in: int) -> Dense:
    """Draw a dense layer of 1 to 3 units."""
    n_out = int(rng.integers(1, 4))
    return Dense(rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out))


def sample_normalisation(rng: np.random.Generator, channels: int) -> Normalisation:
    """Draw a normalisation."""
    return Normalisation(rng.standard_normal(channels), rng.standard_normal(channels))


def sample_pooling(kind: type[Pooling], rng: np.random.Generator, shape: Shape) -> Pooling:
    """Draw a pooling whose windows may overlap, or leave gaps."""
    size = [int(rng.integers(1, min(pixels, 3) + 1)) for pixels in shape[:2]]
    padding = [int(rng.integers(0, k // 2 + 1)) for k in size]
    return kind(size, rng.integers(1, 4, 2).tolist(), padding)


def sample_residual(rng: np.random.Generator, shape: Shape) -> Residual:
    """Draw a block with the identity, or a 1 x 1 convolution, as its shortcut."""
    plain = bool(rng.integers(2))
    channels = shape[2] if plain else int(rng.integers(1, 4))
    body = Convolution(
        rng.standard_normal((channels, 3, 3, shape[2])), rng.standard_normal(channels), padding=1
    )
    shortcut = Convolution(
        rng.standard_normal((channels, 1, 1, shape[2])), rng.standard_normal(channels)
    )
    return Residual([body, sample_normalisation(rng, channels)], [] if plain else [shortcut])


def sample_chain(rng: np.random.Generator, shape: Shape) -> Chain:
    """Draw a pooling, a convolution, a normalisation, a flattening and a dense layer."""
    layers: list[Layer] = [sample_pooling(MaxPooling, rng, shape)]
    layers.append(sample_convolution(rng, layers[0].output_shape(shape), 2))
    layers += [sample_normalisation(rng, 2), Flatten()]
    (n_in,) = Chain(layers).output_shape(shape)
    return Chain([*layers, sample_dense(rng, n_in)])


def sample_patch_normalisation(rng: np.random.Generator, shape: Shape) -> PatchNormalisation:
    """Draw a normalisation of patches with any matrix in the place of a whitening."""
    kernel = [int(rng.integers(1, pixels + 1)) for pixels in shape[:2]]
    entries = kernel[0] * kernel[1] * shape[2]
    centre, transform = rng.standard_normal(entries), rng.standard_normal((entries, entries))
    return PatchNormalisation(
        centre, transform, kernel=kernel, offset=0.5, stride=int(rng.integers(1, 3))
    )


# From a source of randomness and the shape of a sample. Vectors for dense layers.
KINDS: dict[str, Callable[[np.random.Generator, Shape], Layer]] = {
    "dense": lambda rng, shape: sample_dense(rng, shape[0]),
    "convolution": lambda rng, shape: sample_convolution(rng, shape, int(rng.integers(1, 3))),
    "max pooling": lambda rng, shape: sample_pooling(MaxPooling, rng, shape),
    "average pooling": lambda rng, shape: sample_pooling(AveragePooling, rng, shape),
    "normalisation": lambda rng, shape: sample_normalisation(rng, shape[-1]),
    "flatten": lambda rng, shape: Flatten(),
    "residual block": sample_residual,
    "scaling": lambda rng, shape: Scaling(rng.standard_normal(shape[-1]), 0.37),
    "chain": sample_chain,
    "patch normalisation": sample_patch_normalisation,
    "region means": lambda rng, shape: RegionMeans(
        [int(rng.integers(1, pixels + 1)) for pixels in shape[:2]]
    ),
    "dropout": lambda rng, shape: Dropout(0.4, rng),
    "augmentation": lambda rng, shape: Augmentation(
        int(rng.integers(min(shape[:2]))), True, int(rng.integers(1, 5)), rng
    ),
}


def sample_passed(rng: np.random.Generator, count: int) -> list[Passed]:
    """Draw layers of all kinds in turn, with batches of 1 to 3 samples."""
    drawn = []
    for kind in islice(cycle(KINDS), count):
        n, height, width, channels = (int(rng.integers(1, most)) for most in (4, 5, 5, 3))
        shape: Shape = (height * width,) if kind == "dense" else (height, width, channels)
        layer, V = KINDS[kind](rng, shape), sample_entries(rng, (n, *shape))
        # What is random in a layer is drawn here, in case that the subject does not.
        G = rng.standard_normal(layer.forward(V).shape)
        drawn.append(Passed(layer, V, G))
    return drawn


def backward(passed: Passed) -> Arrays:
    """Return dL/dV and the derivatives by the parameters; and these, if dL/dV is not wanted."""
    passed.layer.forward(passed.V)
    by_input = passed.layer.backward(passed.G)
    by_parameters = [array.copy() for array in passed.layer.gradients]
    if not by_parameters:
        return [by_input]
    for gradient in passed.layer.gradients:
        gradient[...] = np.nan  # what is not found again would be there from the first time
    passed.layer.forward(passed.V)
    passed.layer.backward(passed.G, to_input=False)
    return [by_input, *by_parameters, *passed.layer.gradients]


def in_long_double(layer: Layer) -> Layer:
    """Return a layer in extended precision; one without arrays as it is, with what it has drawn."""
    arguments = layer.arguments()
    if not any(isinstance(value, np.ndarray) for value in arguments.values()):
        return layer
    return type(layer)(
        **{
            name: value.astype(np.longdouble) if isinstance(value, np.ndarray) else value
            for name, value in arguments.items()
        }
    )


def differences(passed: Passed) -> Arrays:
    """Return the derivatives of L = sum G f(V) by finite differences."""
    layer, V = passed.layer.changed(in_long_double), passed.V.astype(np.longdouble)

    def by_input(V: Long) -> Any:
        return np.sum(passed.G * layer.forward(V, remember=False))

    def by_parameter(array: Long) -> Callable[[Long], Any]:
        def function(moved: Long) -> Any:
            array[...] = moved
            return by_input(V)

        return function

    found = [gradient_of(by_input, passed.V, FINE_STEP)]
    for array in layer.parameters:
        before = array.copy()
        found.append(gradient_of(by_parameter(array), before, FINE_STEP))
        array[...] = before
    return [*found, *found[1:]]


# ----------------------------------------------------------------------------------- planted errors


def wrongly(
    kind: type[Layer], wrong: Callable[[Any, Passed, list[FloatArray]], Sequence[Any]]
) -> Callable[[Passed], Arrays]:
    """Return the derivatives, changed for one kind of layer."""

    def subject(passed: Passed) -> Arrays:
        found = [np.asarray(array) for array in backward(passed)]
        return wrong(passed.layer, passed, found) if type(passed.layer) is kind else found

    return subject


def all_alike(layer: MaxPooling, passed: Passed, found: list[FloatArray]) -> list[FloatArray]:
    """Give all pixels of a window what belongs to the largest."""
    alike = AveragePooling(**layer.arguments())
    alike.forward(passed.V)
    return [alike.backward(passed.G * len(layer.pixels()))]


def undivided(layer: AveragePooling, passed: Passed, found: list[FloatArray]) -> list[FloatArray]:
    """Forget that a mean divides."""
    return [found[0] * len(layer.pixels())]


def filters_flipped(layer: Convolution, passed: Passed, found: list[FloatArray]) -> Arrays:
    """Send the derivative down through the flipped filters."""
    flipped = Convolution(**layer.arguments() | {"weights": layer.weights[:, ::-1, ::-1].copy()})
    flipped.forward(passed.V)
    return [flipped.backward(passed.G), *found[1:]]


def statistics_fixed(layer: Normalisation, passed: Passed, found: list[FloatArray]) -> Arrays:
    """Take mean and variance for constants."""
    deviation = np.sqrt(passed.V.reshape(-1, len(layer.scale)).var(axis=0) + EPSILON)
    return [passed.G * layer.scale / deviation, *found[1:]]


def body_only(layer: Residual, passed: Passed, found: list[FloatArray]) -> Arrays:
    """Let the derivative go down the body alone."""
    layer.body.forward(passed.V)
    return [layer.body.backward(passed.G), *found[1:]]


def mean_over_positions(
    layer: Convolution, passed: Passed, found: list[FloatArray]
) -> list[FloatArray]:
    """Take the mean over positions where the sum belongs, for the filters."""
    n_positions = passed.G[0, ..., 0].size
    by_input, by_weights, by_biases, *again = found
    return [by_input, by_weights / n_positions, by_biases, *again]


def parameters_reversed(layer: Chain, passed: Passed, found: list[FloatArray]) -> Arrays:
    """Hand over the derivatives from the last layer to the first."""
    by_input, *rest = found
    return [by_input, *rest[::-1]]


def top_only(layer: Chain, passed: Passed, found: list[FloatArray]) -> Arrays:
    """Stop below the last layer that learns if the derivative by the input is not wanted."""
    without = len(found) // 2 + 1
    below, top = found[without:-2], found[-2:]
    return [*found[:without], *(0 * array for array in below), *top]


BACKWARD = Claim(
    id="nets.backward",
    statement="The derivative that a layer gives back, by its input and by its parameters, is that "
    "of its function; and the parameters' is the same if the input's is not wanted.",
    source="docs/theory.md#d, #d1, #d2",
    kind=Kind.EQUALITY,
    sample=sample_passed,
    measure=each_compared(lambda subject, passed: subject(passed), differences),
    subject=backward,
    planted={
        "all pixels of a window win": wrongly(MaxPooling, all_alike),
        "a mean that does not divide": wrongly(AveragePooling, undivided),
        "through flipped filters": wrongly(Convolution, filters_flipped),
        "a mean over positions": wrongly(Convolution, mean_over_positions),
        "mean and var taken for constants": wrongly(Normalisation, statistics_fixed),
        "the shortcut forgotten": wrongly(Residual, body_only),
        "parameters in another order": wrongly(Chain, parameters_reversed),
        "nothing below the top if the input's is not wanted": wrongly(Chain, top_only),
        "nothing through a dropout": wrongly(Dropout, lambda layer, passed, found: [0 * found[0]]),
        "a mirror forgotten": wrongly(
            Augmentation, lambda layer, passed, found: [found[0][:, :, ::-1]]
        ),
    },
    tolerance=1e-9,
    hypotheses=f"kinds: {', '.join(KINDS)}; 1 to 3 samples; no two pixels tie",
    cases=130,
)

CLAIMS = (BACKWARD,)
