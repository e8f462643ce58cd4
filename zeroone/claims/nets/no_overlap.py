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


def by_layers(
    *, stride: int | None = None, weight: float = 1.0, pseudo: str | None = None, bias: float = 0.0
) -> Callable[[Patched], Arrays]:
    """Return h and the coarse gradient of the samples: from layers, and from part A's functions."""

    def subject(drawn: Patched) -> Arrays:
        def network(w: FloatArray) -> tuple[Convolution, Chain]:
            filters = Convolution(
                w.reshape(1, *drawn.shape),
                np.full(1, bias),
                stride=drawn.shape[:2] if stride is None else stride,
            )
            units = HiddenUnits("step", pseudo_derivative=pseudo or drawn.pseudo)
            hidden = Chain([filters, units, Flatten()])
            (k,) = hidden.output_shape(drawn.images.shape[1:])
            return filters, Chain([hidden, Dense(np.full((1, k), weight), np.zeros(1))])

        images, (filters, student), (_, teacher) = (
            drawn.images,
            network(drawn.w),
            network(drawn.w_star),
        )
        h = student.forward(images)
        student.backward(h - teacher.forward(images))
        gradient = filters.gradients[0].ravel()
        mean = sampled_coarse_gradient(drawn.w, drawn.w_star, drawn.Z, drawn.pseudo, slope=1.0)
        return h[:, 0], gradient, output(drawn.w, drawn.Z), mean * len(images)

    return subject


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


NO_OVERLAP = Claim(
    id="nets.no-overlap",
    statement="A convolution of one filter whose stride is its size, without border and bias, step "
    "units and an output that sums them are the network of part A, coarse gradients included.",
    source="docs/theory.md#d1, #a",
    kind=Kind.EQUALITY,
    sample=sample_patched,
    measure=each_compared(by_definition),
    subject=by_layers(),
    planted={
        "patches that overlap": by_layers(stride=1),
        "an output that halves": by_layers(weight=0.5),
        "a bias": by_layers(bias=0.25),
        "always ReLU's pseudo-derivative": by_layers(pseudo="relu"),
    },
    tolerance=1e-11,
    hypotheses="1 to 9 patches of 1 to 27 entries; some Z_i . w are 0 or 1 exactly",
    cases=60,
)

CLAIMS = (NO_OVERLAP,)
