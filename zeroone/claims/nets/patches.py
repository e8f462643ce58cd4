"""Claims: a convolution is a dense layer on patches (docs/theory.md#d1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.nets.arrays import Arrays, Pair, compared, each_compared
from zeroone.claims.nets.plain import Two, bordered, convolved, outputs, places
from zeroone.nets.convolution import Convolution, Window, patches, patches_adjoint
from zeroone.nets.layers import Shape
from zeroone.support.validation import FloatArray

SOURCE = "docs/theory.md#d1"
HYPOTHESES = "1 to 3 samples, 1 to 3 channels; windows of any shape that fits, strides larger than "
HYPOTHESES += "the window, borders of up to 2"


@dataclass(frozen=True, eq=False)
class Images:
    """Images V, where a window stands on them, rows R for its patches, filters W and biases b."""

    V: FloatArray
    window: Window
    R: FloatArray
    W: FloatArray
    b: FloatArray


def sample_window(rng: np.random.Generator, height: int, width: int) -> Window:
    """Draw a window that fits into an image."""
    padding = tuple(rng.choice([0, 0, 1, 2], 2).tolist())
    size = tuple(
        int(rng.integers(1, min(pixels + 2 * p, 5) + 1))
        for pixels, p in zip((height, width), padding, strict=True)
    )
    stride = tuple(rng.integers(1, 4, 2).tolist())
    return Window((size[0], size[1]), (stride[0], stride[1]), (padding[0], padding[1]))


def sample_images(rng: np.random.Generator, count: int) -> list[Images]:
    """Draw images, windows and filters; every fourth one has a window as large as the image."""
    drawn = []
    for number in range(count):
        n, height, width, channels = (int(rng.integers(1, most)) for most in (4, 7, 7, 4))
        window = sample_window(rng, height, width)
        if number % 4 == 0:
            window = Window((height, width), window.stride)
        V = rng.standard_normal((n, height, width, channels))
        H_out, W_out = outputs(bordered(V, window.padding), window.size, window.stride)
        n_filters, entries = int(rng.integers(1, 4)), window.size[0] * window.size[1] * channels
        drawn.append(
            Images(
                V=V,
                window=window,
                R=rng.standard_normal((n * H_out * W_out, entries)),
                W=rng.standard_normal((n_filters, *window.size, channels)),
                b=rng.standard_normal(n_filters),
            )
        )
    return drawn


# ------------------------------------------------------------------------------------------ patches


def plain_patches(images: Images) -> Arrays:
    """Return P V and P^T R entry by entry."""
    window, (n, height, width, channels) = images.window, images.V.shape
    image = bordered(images.V, window.padding)
    back, row, rows = np.zeros_like(image), 0, []
    for sample in range(n):
        for _, ys, xs in places(image, window.size, window.stride):
            entries: list[float] = []
            for y in range(ys.start, ys.stop):
                for x in range(xs.start, xs.stop):
                    for m in range(channels):
                        back[sample, y, x, m] += images.R[row][len(entries)]
                        entries.append(image[sample, y, x, m])
            rows.append(entries)
            row += 1
    down, right = window.padding
    return np.array(rows), back[:, down : down + height, right : right + width]


def measure_patches(functions: tuple[Any, Any], drawn: list[Images]) -> Pair:
    """Compare P V and P^T R with the oracle's, and <V, P^T R> with <P V, R>."""
    to_rows, adjoint = functions
    pairs = []
    for images in drawn:
        found = [to_rows(images.V, images.window)]
        found.append(adjoint(images.R, images.window, images.V.shape[1:]))
        expected = plain_patches(images)
        pairs.append(compared(found, expected))
        arrays = [np.asarray(array, dtype=float) for array in found]
        if [array.shape for array in arrays] == [np.shape(array) for array in expected]:
            inner = np.vdot(images.V, arrays[1]), np.vdot(arrays[0], images.R)
            pairs.append((np.array([inner[0]]), np.array([inner[1]])))
    ours, theirs = zip(*pairs, strict=True)
    return np.concatenate(ours), np.concatenate(theirs)


def channels_apart(V: FloatArray, window: Window) -> FloatArray:
    """Order a row by channels first."""
    rows = patches(V, window)
    by_pixel = rows.reshape(len(rows), -1, V.shape[3])
    return by_pixel.transpose(0, 2, 1).reshape(rows.shape)


def one_stride(V: FloatArray, window: Window) -> FloatArray:
    """Take the stride down for the one to the right too."""
    return patches(V, replace(window, stride=(window.stride[0], window.stride[0])))


def last_one_wins(R: FloatArray, window: Window, shape: Shape) -> FloatArray:
    """Let each row overwrite what the rows before it have put there."""
    H_out, W_out = window.positions(*shape[:2])
    numbers = np.arange(R.size, dtype=float).reshape(-1, H_out, W_out, *window.size, shape[2])
    image = np.full(bordered(np.zeros((len(numbers), *shape)), window.padding).shape, -1.0)
    for i in range(window.size[0]):
        for j in range(window.size[1]):
            place = window.shifted(image, i, j)
            place[...] = numbers[:, :, :, i, j]
    taken = window.unpadded(image).astype(int)
    return np.where(taken < 0, 0.0, R.ravel()[taken])


def counted(R: FloatArray, window: Window, shape: Shape) -> FloatArray:
    """Divide P^T R by the number of patches that have each entry, as an inverse would."""
    ones = patches_adjoint(np.ones_like(R), window, shape)
    return patches_adjoint(R, window, shape) / np.maximum(ones, 1)


PATCHES = Claim(
    id="nets.patches-adjoint",
    statement="P V copies each entry of V into the rows of the patches that have it, P^T R adds "
    "each entry of R up where it came from, and <P V, R> = <V, P^T R>.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_images,
    measure=measure_patches,
    subject=(patches, patches_adjoint),
    planted={
        "channels before pixels": (channels_apart, patches_adjoint),
        "the last row wins": (patches, last_one_wins),
        "one stride for both directions": (one_stride, patches_adjoint),
        "the inverse": (patches, counted),
    },
    tolerance=1e-12,
    hypotheses=HYPOTHESES,
    cases=80,
)

# -------------------------------------------------------------------------------------- convolution


def in_and_after_training(make: Any, images: Images) -> Arrays:
    """Return what the layer computes in training, and after it."""
    window = images.window
    layer = make(images.W, images.b, stride=window.stride, padding=window.padding)
    return layer.forward(images.V), layer.evaluate(images.V)


def plain_convolution(images: Images) -> Arrays:
    """Return the same from the definition."""
    window = images.window
    A = convolved(images.V, images.W, images.b, window.stride, window.padding)
    return A, A


def of_changed(
    change: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
) -> Callable[..., Convolution]:
    """Return the layer of other filters or biases."""

    def make(weights: FloatArray, biases: FloatArray, **where: Any) -> Convolution:
        return Convolution(*change(weights, biases), **where)

    return make


class EdgesRepeated(Convolution):
    """A convolution that repeats the outermost pixels instead of a border of zeros."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return A of wider images."""
        down, right = self.window.padding
        wide = np.pad(V, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
        return Convolution(self.weights, self.biases, stride=self.window.stride).forward(wide)


class BegunLate(Convolution):
    """A convolution that starts at the second of all positions, as far as the stride allows."""

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return A of other positions, where there are some."""
        result, stride = super().forward(V, remember=remember), self.window.stride
        every = Convolution(self.weights, self.biases, padding=self.window.padding).forward(V)
        late: Two = (min(1, stride[0] - 1), min(1, stride[1] - 1))
        found = every[:, late[0] :: stride[0], late[1] :: stride[1]]
        height, width = found.shape[1:3]
        result[:, :height, :width] = found
        return result


CONVOLUTION = Claim(
    id="nets.convolution",
    statement="The layer computes, at each position, the sum over pixels and channels of filter "
    "times image, plus the bias.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_images,
    measure=each_compared(in_and_after_training, plain_convolution),
    subject=Convolution,
    planted={
        "filters flipped": of_changed(lambda W, b: (W[:, ::-1, ::-1], b)),
        "channels reversed": of_changed(lambda W, b: (W[..., ::-1], b)),
        "without biases": of_changed(lambda W, b: (W, np.zeros_like(b))),
        "edges repeated": EdgesRepeated,
        "begun one position late": BegunLate,
        "single precision": of_changed(lambda W, b: (W.astype(np.float32), b.astype(np.float32))),
    },
    tolerance=1e-11,
    hypotheses=HYPOTHESES,
    cases=80,
)

CLAIMS = (PATCHES, CONVOLUTION)
