"""How a convolution, its adjoint and the pooled block are graded.

The oracles go entry by entry in plain Python. Bits are judged by what they cost, against all states
of a region: where two states cost the same, either is right.
"""

import math
from itertools import product

import numpy as np

from zeroone.grading import Task, simple

TITLE = "A convolution by hand, and a block without a gradient"


def places(size, kernel, stride, padding):
    """Return where the kernel can begin in a padded row of so many pixels."""
    return range(0, size + 2 * padding - kernel + 1, stride)


def entries(n, height, width, channels, kernel, stride, padding):
    """Yield the row and the column of each entry of the patches, and the pixel that is there."""
    row = 0
    for image in range(n):
        for top in places(height, kernel, stride, padding):
            for left in places(width, kernel, stride, padding):
                cells = product(range(kernel), range(kernel), range(channels))
                for column, (i, j, channel) in enumerate(cells):
                    y, x = top + i - padding, left + j - padding
                    inside = 0 <= y < height and 0 <= x < width
                    yield row, column, (image, y, x, channel) if inside else None
                row += 1


def expected_patches(V, kernel, stride, padding):
    """Copy entry by entry."""
    n, height, width, channels = V.shape
    rows = len(places(height, kernel, stride, padding)) * len(
        places(width, kernel, stride, padding)
    )
    result = np.zeros((n * rows, kernel * kernel * channels))
    for row, column, pixel in entries(*V.shape, kernel, stride, padding):
        if pixel is not None:
            result[row, column] = V[pixel]
    return result


def expected_adjoint(R, height, width, channels, kernel, stride, padding):
    """Add up entry by entry."""
    rows = len(places(height, kernel, stride, padding)) * len(
        places(width, kernel, stride, padding)
    )
    result = np.zeros((len(R) // rows, height, width, channels))
    for row, column, pixel in entries(*result.shape, kernel, stride, padding):
        if pixel is not None:
            result[pixel] += R[row, column]
    return result


def expected_gradient(V, W, G, stride, padding):
    """Follow every product of a weight and a pixel."""
    kernel, channels = W.shape[1], W.shape[3]
    by_weights, by_pixels = np.zeros(W.shape), np.zeros(V.shape)
    flat = G.reshape(-1, len(W))
    for row, column, pixel in entries(*V.shape, kernel, stride, padding):
        if pixel is not None:
            weight = (column // (kernel * channels), column // channels % kernel, column % channels)
            for j, g in enumerate(flat[row]):
                by_weights[(j, *weight)] += g * V[pixel]
                by_pixels[pixel] += g * W[(j, *weight)]
    by_biases = np.array([math.fsum(column) for column in flat.T])
    return by_weights, by_biases, by_pixels


def cost(bits, prices, v, r0):
    """Return 1/2 |r0 - m v|^2 plus the prices of the bits that are on."""
    m = sum(bits)
    left = math.fsum((a - m * b) ** 2 for a, b in zip(r0, v, strict=True)) / 2
    return left + math.fsum(c for bit, c in zip(bits, prices, strict=True) if bit)


def form_of_bits(prices, v, r0):
    """Return an answer of the right kind."""
    return np.zeros(len(prices), bool)


def judge_bits(arguments, received):
    """Ask for the least cost of all states."""
    values = [each.tolist() for each in (arguments["prices"], arguments["v"], arguments["r0"])]
    ours = cost(received.tolist(), *values)
    best = min(product((False, True), repeat=len(values[0])), key=lambda bits: cost(bits, *values))
    least = cost(best, *values)
    if not ours <= least + 1e-9 * (1 + abs(least)):
        on = [int(bit) for bit in best]
        return f"these bits cost {ours:.6g}; the bits {on} cost {least:.6g}"
    return None


def quarters():
    """Draw multiples of 1/4."""
    return simple(i / 4 for i in range(-8, 9))


def windows(plain):
    """Draw a number of images, their shape, and kernel, stride and padding that fit."""
    from hypothesis import strategies as st

    def window(kernel, stride, padding, more, n, channels):
        height, width = (max(1, kernel - 2 * padding + each) for each in more)
        return n, height, width, channels, kernel, stride, padding

    return st.builds(
        window,
        st.integers(1, 3),
        st.just(1) if plain else st.integers(1, 3),
        st.just(0) if plain else st.integers(0, 2),
        st.tuples(st.integers(0, 3), st.integers(0, 3)),
        st.integers(1, 2),
        st.integers(1, 2),
    )


def images(plain):
    """Draw arguments of `patches`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(window):
        *shape, kernel, stride, padding = window
        return st.fixed_dictionaries(
            {
                "V": hnp.arrays(float, tuple(shape), elements=quarters()),
                "kernel": st.just(kernel),
                "stride": st.just(stride),
                "padding": st.just(padding),
            }
        )

    return windows(plain).flatmap(arguments)


def positions(window):
    """Return how many rows and columns the patches have."""
    n, height, width, channels, kernel, stride, padding = window
    down, across = (len(places(size, kernel, stride, padding)) for size in (height, width))
    return n * down * across, kernel * kernel * channels


def patch_rows(plain):
    """Draw arguments of `patches_adjoint`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    names = ("height", "width", "channels", "kernel", "stride", "padding")

    def arguments(window):
        fixed = {name: st.just(each) for name, each in zip(names, window[1:], strict=True)}
        rows = hnp.arrays(float, positions(window), elements=quarters())
        return st.fixed_dictionaries({"R": rows, **fixed})

    return windows(plain).flatmap(arguments)


def layers():
    """Draw arguments of `convolution_gradient`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(window, filters):
        n, height, width, channels, kernel, stride, padding = window
        down, across = (len(places(size, kernel, stride, padding)) for size in (height, width))
        shapes = {
            "V": (n, height, width, channels),
            "W": (filters, kernel, kernel, channels),
            "G": (n, down, across, filters),
        }
        drawn = {
            name: hnp.arrays(float, shape, elements=quarters()) for name, shape in shapes.items()
        }
        numbers = {"stride": st.just(stride), "padding": st.just(padding)}
        return st.fixed_dictionaries(drawn | numbers)

    return st.tuples(windows(False), st.integers(1, 2)).flatmap(lambda pair: arguments(*pair))


def regions(most):
    """Draw arguments of `pooled_bits`, in multiples of 1/4: many of them tie."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(sizes):
        count, outputs = sizes
        shapes = {"prices": count, "v": outputs, "r0": outputs}
        return st.fixed_dictionaries(
            {name: hnp.arrays(float, size, elements=quarters()) for name, size in shapes.items()}
        )

    return st.tuples(st.integers(1, most), st.integers(1, 3)).flatmap(arguments)


IMAGE = np.arange(2 * 4 * 5 * 2).reshape(2, 4, 5, 2) / 4
PLAIN = {"kernel": 2, "stride": 1, "padding": 0}
STRIDED = {"kernel": 3, "stride": 2, "padding": 1}
# The last column of the image is under no patch.
UNEVEN = {"kernel": 2, "stride": 2, "padding": 0}


def rows_for(window):
    """Return rows of patches of the image above that are all different."""
    count, columns = positions((*IMAGE.shape, *window.values()))
    return np.arange(count * columns).reshape(count, columns) / 4


def adjoint_example(window):
    """Return arguments of `patches_adjoint` for the image above."""
    _, height, width, channels = IMAGE.shape
    shape = {"height": height, "width": width, "channels": channels}
    return {"R": rows_for(window), **shape, **window}


TASKS = (
    Task(
        name="(a) patches",
        function="patches",
        points=3,
        strategy=lambda: images(True),
        expected=expected_patches,
        explicit=({"V": IMAGE, **PLAIN}, {"V": IMAGE[:1, :1, :1], **PLAIN, "kernel": 1}),
        hint="Positions row by row; in a row of the answer, pixels row by row, channels together.",
        examples=40,
    ),
    Task(
        name="(a) patches, stride and padding",
        function="patches",
        points=3,
        strategy=lambda: images(False),
        expected=expected_patches,
        explicit=({"V": IMAGE, **STRIDED}, {"V": IMAGE, **UNEVEN}),
        hint="The border of zeros is on all four sides. The window must not stick out of it.",
        examples=40,
    ),
    Task(
        name="(b) patches_adjoint",
        function="patches_adjoint",
        points=3,
        strategy=lambda: patch_rows(True),
        expected=expected_adjoint,
        explicit=(adjoint_example(PLAIN),),
        hint="A pixel collects from every patch that contains it.",
        examples=40,
    ),
    Task(
        name="(b) patches_adjoint, stride and padding",
        function="patches_adjoint",
        points=2,
        strategy=lambda: patch_rows(False),
        expected=expected_adjoint,
        explicit=(adjoint_example(STRIDED), adjoint_example(UNEVEN)),
        hint="What falls on the border is dropped. Some pixels may be under no patch.",
        examples=40,
    ),
    Task(
        name="(c) convolution_gradient",
        function="convolution_gradient",
        points=3,
        strategy=layers,
        expected=expected_gradient,
        explicit=(
            {
                "V": IMAGE,
                "W": np.arange(36).reshape(2, 3, 3, 2) / 4,
                "G": (np.arange(24).reshape(2, 2, 3, 2) % 7 - 2) / 4,
                "stride": 2,
                "padding": 1,
            },
            {
                "V": IMAGE,
                "W": np.arange(16).reshape(2, 2, 2, 2) / 4,
                "G": (np.arange(16).reshape(2, 2, 2, 2) % 5 - 1) / 4,
                "stride": 2,
                "padding": 0,
            },
        ),
        hint="A dense layer whose input is the rows of patches: see tutorial 13.",
        examples=40,
    ),
    Task(
        name="(d) pooled_bits, a region",
        function="pooled_bits",
        points=5,
        strategy=lambda: regions(6),
        form=form_of_bits,
        judge=judge_bits,
        explicit=(
            {
                "prices": np.array([1.5, -0.5, 0.25, -2.0, 0.75]),
                "v": np.array([1.0, 0.5]),
                "r0": np.array([3.0, 0.5]),
            },
            {
                "prices": np.array([1.0, -0.25, 0.5]),
                "v": np.array([1.0]),
                "r0": np.array([-1.0]),
            },
            {"prices": np.array([0.5, 0.0]), "v": np.array([1.0]), "r0": np.array([1.75])},
            {"prices": np.array([0.5, 0.5]), "v": np.array([1.0]), "r0": np.array([1.25])},
            # The second output decides; and so does |v|^2, which is not |v|.
            {
                "prices": np.array([0.0, 1.0, 0.5]),
                "v": np.array([1.0, 1.0]),
                "r0": np.array([0.5, 2.5]),
            },
        ),
        hint="With m bits on, which ones? Then what does the m-th add to the cost?",
        examples=60,
    ),
    Task(
        name="(d) pooled_bits, a single position",
        function="pooled_bits",
        points=1,
        strategy=lambda: regions(1),
        form=form_of_bits,
        judge=judge_bits,
        explicit=(
            {"prices": np.array([0.25]), "v": np.array([1.0]), "r0": np.array([1.0])},
            {"prices": np.array([-0.25]), "v": np.array([1.0]), "r0": np.array([-1.0])},
            # With two outputs |v| is not |v|^2, and either of them may decide.
            {"prices": np.array([0.75]), "v": np.array([1.0, 1.0]), "r0": np.array([1.0, 0.5])},
            {"prices": np.array([-0.25]), "v": np.array([1.0, 1.0]), "r0": np.array([0.25, 1.5])},
        ),
        hint="Compare two costs, with and without the bit.",
        examples=30,
    ),
)
