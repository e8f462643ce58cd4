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


def patched(images: Images) -> Arrays:
    """Return P V and P^T R."""
    back = patches_adjoint(images.R, images.window, images.V.shape[1:])
    return patches(images.V, images.window), back


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


def measure_patches(subject: Callable[[Images], Arrays], drawn: list[Images]) -> Pair:
    """Compare P V and P^T R with the oracle's, and <V, P^T R> with <P V, R>."""
    pairs = []
    for images in drawn:
        found, expected = subject(images), plain_patches(images)
        pairs.append(compared(found, expected))
        arrays = [np.asarray(array, dtype=float) for array in found]
        if [array.shape for array in arrays] == [np.shape(array) for array in expected]:
            inner = np.vdot(images.V, arrays[1]), np.vdot(arrays[0], images.R)
            pairs.append((np.array([inner[0]]), np.array([inner[1]])))
    ours, theirs = zip(*pairs, strict=True)
    return np.concatenate(ours), np.concatenate(theirs)


def channels_apart(images: Images) -> Arrays:
    """Order a row by channels first."""
    rows, back = map(np.asarray, patched(images))
    by_pixel = rows.reshape(len(rows), -1, images.V.shape[3])
    return by_pixel.transpose(0, 2, 1).reshape(rows.shape), back


def last_one_wins(images: Images) -> Arrays:
    """Let each row overwrite what the rows before it have put there."""
    window, shape = images.window, images.V.shape
    rows = np.arange(len(images.R) * images.R.shape[1], dtype=float).reshape(images.R.shape)
    image = np.full(bordered(images.V, window.padding).shape, -1.0)
    H_out, W_out = window.positions(*shape[1:3])
    numbers = rows.reshape(len(images.V), H_out, W_out, *window.size, shape[3])
    for i in range(window.size[0]):
        for j in range(window.size[1]):
            place = window.shifted(image, i, j)
            place[...] = numbers[:, :, :, i, j]
    taken = window.unpadded(image).astype(int)
    return patched(images)[0], np.where(taken < 0, 0.0, images.R.ravel()[taken])


def one_stride(images: Images) -> Arrays:
    """Take the stride down for the one to the right too, as far as the shapes allow."""
    window = images.window
    square = Window(window.size, (window.stride[0], window.stride[0]), window.padding)
    rows = patches(images.V, square)
    return (rows if rows.shape == images.R.shape else np.full(images.R.shape, np.nan)), patched(
        images
    )[1]


def counted(images: Images) -> Arrays:
    """Divide P^T R by the number of patches that have each entry, as an inverse would."""
    rows, back = map(np.asarray, patched(images))
    ones = patches_adjoint(np.ones_like(images.R), images.window, images.V.shape[1:])
    return rows, back / np.maximum(ones, 1)


PATCHES = Claim(
    id="nets.patches-adjoint",
    statement="P V copies each entry of V into the rows of the patches that have it, P^T R adds "
    "each entry of R up where it came from, and <P V, R> = <V, P^T R>.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_images,
    measure=measure_patches,
    subject=patched,
    planted={
        "channels before pixels": channels_apart,
        "the last row wins": last_one_wins,
        "one stride for both directions": one_stride,
        "the inverse": counted,
    },
    tolerance=1e-12,
    hypotheses=HYPOTHESES,
    cases=80,
)

# -------------------------------------------------------------------------------------- convolution


def of_layer(images: Images) -> Arrays:
    """Return what the layer computes in training, and after it."""
    window = images.window
    layer = Convolution(images.W, images.b, stride=window.stride, padding=window.padding)
    return layer.forward(images.V), layer.evaluate(images.V)


def plain_convolution(images: Images) -> Arrays:
    """Return the same from the definition."""
    window = images.window
    A = convolved(images.V, images.W, images.b, window.stride, window.padding)
    return A, A


def of_changed(**changes: Callable[[Images], Any]) -> Callable[[Images], Arrays]:
    """Return the layer of other images, filters or biases."""
    return lambda images: of_layer(
        replace(images, **{name: change(images) for name, change in changes.items()})
    )


def edges_repeated(images: Images) -> Arrays:
    """Repeat the outermost pixels instead of a border of zeros."""
    (down, right), V = images.window.padding, images.V
    wide = np.pad(V, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    return of_layer(replace(images, V=wide, window=replace(images.window, padding=(0, 0))))


def begun_late(images: Images) -> Arrays:
    """Start at the second of all positions, and so let the stride fall on others."""
    stride = images.window.stride
    every = replace(images, window=replace(images.window, stride=(1, 1)))
    A, expected = np.asarray(of_layer(every)[0]), np.asarray(of_layer(images)[0])
    late: Two = (min(1, stride[0] - 1), min(1, stride[1] - 1))
    found = A[:, late[0] :: stride[0], late[1] :: stride[1]]
    result = expected.copy()
    height, width = found.shape[1:3]
    result[:, :height, :width] = found
    return result, result


CONVOLUTION = Claim(
    id="nets.convolution",
    statement="The layer computes, at each position, the sum over pixels and channels of filter "
    "times image, plus the bias.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_images,
    measure=each_compared(plain_convolution),
    subject=of_layer,
    planted={
        "filters flipped": of_changed(W=lambda images: images.W[:, ::-1, ::-1]),
        "channels reversed": of_changed(W=lambda images: images.W[..., ::-1]),
        "without biases": of_changed(b=lambda images: np.zeros_like(images.b)),
        "edges repeated": edges_repeated,
        "begun one position late": begun_late,
        "single precision": of_changed(
            V=lambda images: images.V.astype(np.float32),
            W=lambda images: images.W.astype(np.float32),
            b=lambda images: images.b.astype(np.float32),
        ),
    },
    tolerance=1e-11,
    hypotheses=HYPOTHESES,
    cases=80,
)

CLAIMS = (PATCHES, CONVOLUTION)
