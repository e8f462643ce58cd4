"""Claim: the network of part A is made of these layers (docs/theory.md#a, #d1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, each_compared
from zeroone.gaussian.sampling import output, sampled_coarse_gradient
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Chain, Dense, Flatten
from zeroone.nets.units import HiddenUnits
from zeroone.support.validation import FloatArray

PSEUDO = ("relu", "identity", "clipped_relu")


@dataclass(frozen=True, eq=False)
class Patched:
    """Inputs Z of shape (n, k, d) as images, a filter, a teacher, and a pseudo-derivative.

    Attributes
    ----------
    rows, columns : int
        How many patches stand above and beside each other: k = rows columns.
    shape : (int, int, int)
        Height, width and channels of a patch; d is their product.
    """

    Z: FloatArray
    w: FloatArray
    w_star: FloatArray
    pseudo: str
    rows: int
    columns: int
    shape: tuple[int, int, int]

    @property
    def images(self) -> FloatArray:
        """The images of which the patches are Z."""
        height, width, channels = self.shape
        tiles = self.Z.reshape(-1, self.rows, self.columns, height, width, channels)
        image = tiles.transpose(0, 1, 3, 2, 4, 5)
        return image.reshape(-1, self.rows * height, self.columns * width, channels)


def sample_patched(rng: np.random.Generator, count: int) -> list[Patched]:
    """Draw samples; every other one in quarters, so that some Z_i . w are 0 or 1 exactly."""
    drawn = []
    for number in range(count):
        rows, columns, height, width, channels, n = (int(rng.integers(1, 4)) for _ in range(6))
        k, d = rows * columns, height * width * channels
        Z, w = rng.standard_normal((n, k, d)), rng.standard_normal(d)
        w_star = rng.standard_normal(d)
        w_star /= np.linalg.norm(w_star)
        if number % 2:
            Z, w = np.round(2 * Z) / 2, np.round(2 * w) / 2
            w[rng.integers(d)] = rng.choice([-1.0, 0.5, 2.0])  # no zero filter
            w_star = np.eye(d)[rng.integers(d)]
        pseudo = PSEUDO[number % 3]
        drawn.append(Patched(Z, w, w_star, pseudo, rows, columns, (height, width, channels)))
    return drawn


@dataclass(frozen=True)
class Parts:
    """The layers of which the network is made, and the functions of part A."""

    convolution: Callable[..., Convolution] = Convolution
    units: Callable[..., HiddenUnits] = HiddenUnits
    dense: Callable[..., Dense] = Dense
    output: Callable[..., FloatArray] = output
    coarse_gradient: Callable[..., FloatArray] = sampled_coarse_gradient


def by_layers(parts: Parts, drawn: Patched) -> Arrays:
    """Return h and the coarse gradient of the samples: from layers, and from part A's functions."""

    def network(w: FloatArray) -> tuple[Convolution, Chain]:
        filters = parts.convolution(w.reshape(1, *drawn.shape), np.zeros(1), stride=drawn.shape[:2])
        units = parts.units("step", pseudo_derivative=drawn.pseudo)
        hidden = Chain([filters, units, Flatten()])
        (k,) = hidden.output_shape(drawn.images.shape[1:])
        return filters, Chain([hidden, parts.dense(np.ones((1, k)), np.zeros(1))])

    images, (filters, student), (_, teacher) = (
        drawn.images,
        network(drawn.w),
        network(drawn.w_star),
    )
    h = student.forward(images)
    student.backward(h - teacher.forward(images))
    gradient = filters.gradients[0].ravel()
    mean = parts.coarse_gradient(drawn.w, drawn.w_star, drawn.Z, drawn.pseudo, slope=1.0)
    return h[:, 0], gradient, parts.output(drawn.w, drawn.Z), mean * len(images)


def by_definition(drawn: Patched) -> Arrays:
    """Return h and the sum over the samples of (h - h*) sum_i mu'(Z_i . w) Z_i, twice."""
    slopes = {
        "relu": lambda z: float(z > 0),
        "identity": lambda z: 1.0,
        "clipped_relu": lambda z: float(0 < z <= 1),
    }
    h, gradient = np.zeros(len(drawn.Z)), np.zeros(len(drawn.w))
    for n, patches in enumerate(drawn.Z):
        h[n] = sum(patch @ drawn.w > 0 for patch in patches)
        error = h[n] - sum(patch @ drawn.w_star > 0 for patch in patches)
        for patch in patches:
            gradient += error * slopes[drawn.pseudo](patch @ drawn.w) * patch
    return h, gradient, h, gradient


def overlapping(weights: FloatArray, biases: FloatArray, *, stride: object) -> Convolution:
    """Let patches overlap."""
    return Convolution(weights, biases, stride=1)


def with_bias(weights: FloatArray, biases: FloatArray, *, stride: tuple[int, int]) -> Convolution:
    """Add a quarter to each pre-activation."""
    return Convolution(weights, biases + 0.25, stride=stride)


NO_OVERLAP = Claim(
    id="nets.no-overlap",
    statement="A convolution of one filter whose stride is its size, without border and bias, step "
    "units and an output that sums them are the network of part A, coarse gradients included.",
    source="docs/theory.md#d1, #a",
    kind=Kind.EQUALITY,
    sample=sample_patched,
    measure=each_compared(by_layers, by_definition),
    subject=Parts(),
    planted={
        "patches that overlap": Parts(overlapping),
        "an output that halves": Parts(dense=lambda weights, biases: Dense(weights / 2, biases)),
        "a bias": Parts(with_bias),
        "always ReLU's pseudo-derivative": Parts(
            units=lambda activation, pseudo_derivative: HiddenUnits(
                activation, pseudo_derivative="relu"
            )
        ),
        "a mean in part A": Parts(output=lambda w, Z: output(w, Z) / Z.shape[1]),
    },
    tolerance=1e-11,
    hypotheses="1 to 9 patches of 1 to 27 entries; some Z_i . w are 0 or 1 exactly",
    cases=60,
)

CLAIMS = (NO_OVERLAP,)
