"""How the forward pass is graded.

Inputs and weights are multiples of 1/4. Sums and products of them are exact in floating point, in
any order, so that a pre-activation is zero exactly when it should be. Biases of 0.1, 0.3, ... keep
it off zero, further than rounding goes, where zero is not what the task is about.
"""

import numpy as np

from zeroone.grading import Task, simple

TITLE = "The forward pass of a 0/1 network"

QUARTERS = [i / 4 for i in range(-8, 9)]
# No sum of multiples of 1/16 is nearer to one of these than 1/80.
BIASES = [i / 10 for i in range(-5, 6) if i % 5]


def expected_step(z):
    """Count, entry by entry, in plain Python."""
    return np.array([1.0 if entry > 0 else 0.0 for entry in z.ravel()]).reshape(z.shape)


def expected_staircase(z, levels):
    """Return the level below the next whole number of stairs: a formula instead of a sum."""
    stairs = np.clip(np.ceil(z * (levels - 1)), 0, levels - 1)
    return stairs / (levels - 1)


def unit_sum(row, weights, bias):
    """Return the pre-activation of one unit for one sample."""
    return sum(float(v) * float(w) for v, w in zip(row, weights, strict=True)) + float(bias)


def expected_preactivations(V, W, b):
    """Go through samples and units one by one."""
    return np.array([[unit_sum(row, *unit) for unit in zip(W, b, strict=True)] for row in V])


def expected_scores(X, weights, biases):
    """Carry one sample at a time through the net, unit by unit."""
    outputs = []
    for row in X:
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
            if layer > 0:
                row = [1.0 if z > 0 else 0.0 for z in row]
            row = [unit_sum(row, *unit) for unit in zip(W, b, strict=True)]
        outputs.append(row)
    return np.array(outputs)


def expected_predict(S):
    """Look for the first entry that equals its row's maximum."""
    return np.array([row.tolist().index(max(row)) for row in S])


def step_anywhere():
    """Draw numbers of any size but zero."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    number = st.floats(-1e300, 1e300, allow_subnormal=False).filter(bool)
    return st.fixed_dictionaries({"z": hnp.arrays(float, shapes(2), elements=number)})


def step_at_zero():
    """Draw numbers of which many are zero."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    number = st.sampled_from([0.0, 1.0, -1.0, -0.0])
    return st.fixed_dictionaries({"z": hnp.arrays(float, shapes(2), elements=number)})


def shapes(max_dims):
    """Draw the shape of an array."""
    from hypothesis.extra import numpy as hnp

    return hnp.array_shapes(max_dims=max_dims, max_side=4)


def between_jumps():
    """Draw numbers that are a quarter of a stair or more from the nearest jump."""
    return staircases((2, 3, 4, 5, 8, 11), (0.25, 0.5, 0.75))


def at_jumps():
    """Draw numbers at the jumps, for numbers of stairs by which division is exact."""
    return staircases((2, 3, 5, 9), (0.0,))


def staircases(levels, fractions):
    """Draw numbers of levels, and places within the stairs below, between and above the jumps."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(k):
        stair = st.builds(
            lambda stair, fraction: (stair + fraction) / (k - 1),
            st.integers(-2, k + 1),
            st.sampled_from(fractions),
        )
        return st.fixed_dictionaries(
            {"z": hnp.arrays(float, shapes(2), elements=stair), "levels": st.just(k)}
        )

    return st.sampled_from(levels).flatmap(arguments)


def layers(depths, *, zeros=False):
    """Draw a net with `depths` layers and samples for it, as the arguments of `scores`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    small = simple([-1.0, -0.5, 0.0, 0.5, 1.0])
    bias = small if zeros else simple(BIASES)
    entry = small if zeros else simple(QUARTERS)

    def array(*shape):
        return hnp.arrays(float, shape, elements=entry)

    def arguments(sizes):
        n_samples, *widths = sizes
        pairs = list(zip(widths[1:], widths[:-1], strict=True))
        return st.fixed_dictionaries(
            {
                "X": array(n_samples, widths[0]),
                "weights": st.tuples(*(array(*pair) for pair in pairs)).map(list),
                "biases": st.tuples(
                    *(hnp.arrays(float, n_out, elements=bias) for n_out, _ in pairs)
                ).map(list),
            }
        )

    sizes = st.sampled_from(depths).flatmap(
        lambda h: st.lists(st.integers(1, 4), min_size=h + 2, max_size=h + 2)
    )
    return sizes.flatmap(arguments)


def single_layer():
    """Draw the arguments of `preactivations`."""

    def rename(net):
        return {"V": net["X"], "W": net["weights"][0], "b": net["biases"][0]}

    return layers((1,)).map(rename)


def score_tables(numbers, *, unique):
    """Draw scores that are multiples of 1/4, all different or not."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    number = simple(i / 4 for i in numbers)
    shape = st.tuples(st.integers(1, 4), st.integers(2, 4))
    return st.fixed_dictionaries(
        {"S": shape.flatmap(lambda s: hnp.arrays(float, s, elements=number, unique=unique))}
    )


# The net of the handout, and one of which both hidden layers are at their thresholds.
HANDOUT_NET = {
    "X": np.array([[2.0, 2.0], [2.0, 1.0], [-1.0, 1.0]]),
    "weights": [np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[2.0, 0.0], [0.0, 3.0]])],
    "biases": [np.array([0.0, 0.0]), np.array([-1.0, 0.0])],
}
AT_THRESHOLD = {
    "X": np.array([[0.0, 0.0], [1.0, -1.0]]),
    "weights": [np.array([[1.0, 1.0]]), np.array([[2.0]]), np.array([[4.0]])],
    "biases": [np.array([0.0]), np.array([0.0]), np.array([0.5])],
}
NET = {
    "X": np.array([[1.0, 2.0, -0.5], [0.25, -1.0, 0.5]]),
    "weights": [
        np.array([[1.0, 0.5, -1.0], [-0.5, 1.0, 2.0]]),
        np.array([[1.0, -2.0], [0.5, 0.25], [-1.0, 1.5]]),
    ],
    "biases": [np.array([0.1, -0.3]), np.array([0.2, 0.1, -0.4])],
}

LINEAR_NET = {"X": NET["X"], "weights": NET["weights"][:1], "biases": NET["biases"][:1]}
DEEP_NET = {
    "X": NET["X"],
    "weights": [*NET["weights"], np.array([[1.0, 2.0, -1.0], [0.5, -0.25, 1.0]])],
    "biases": [*NET["biases"], np.array([0.3, -0.1])],
}

TASKS = (
    Task(
        name="(a) step",
        function="step",
        points=2,
        strategy=step_anywhere,
        expected=expected_step,
        explicit=(
            {"z": np.array([[-3.0, 0.5], [1e-200, -1e-200]])},
            {"z": np.array([2.0, -1e300, 1e300])},
        ),
        hint="step(z) is 1.0 where z > 0 and 0.0 elsewhere, as floats, in a new array.",
        examples=40,
    ),
    Task(
        name="(a) step at zero",
        function="step",
        points=2,
        strategy=step_at_zero,
        expected=expected_step,
        explicit=({"z": np.array([0.0, -0.0, 1.0])},),
        hint="A pre-activation that is exactly zero does not fire.",
        examples=30,
    ),
    Task(
        name="(b) staircase between its jumps",
        function="staircase",
        points=2,
        strategy=between_jumps,
        expected=expected_staircase,
        explicit=({"z": np.array([-0.5, 0.125, 0.625, 0.875, 3.0]), "levels": 5},),
        hint="A staircase with k values is the mean of k - 1 steps; its largest value is 1.",
        examples=40,
    ),
    Task(
        name="(b) staircase at its jumps",
        function="staircase",
        points=2,
        strategy=at_jumps,
        expected=expected_staircase,
        explicit=({"z": np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25]), "levels": 5},),
        hint="At a jump each step is still where it is at zero: the lower value holds.",
        examples=30,
    ),
    Task(
        name="(c) preactivations",
        function="preactivations",
        points=3,
        strategy=single_layer,
        expected=expected_preactivations,
        explicit=(
            {
                "V": np.array([[1.0, 2.0], [3.0, -1.0]]),
                "W": np.array([[1.0, 0.0], [2.0, 1.0]]),
                "b": np.array([0.5, -1.0]),
            },
        ),
        hint="Row n, column j of the result: the sum over i of V[n, i] W[j, i], plus b[j].",
        examples=40,
    ),
    Task(
        name="(d) scores, one hidden layer",
        function="scores",
        points=2,
        strategy=lambda: layers((2,)),
        expected=expected_scores,
        explicit=(NET,),
        hint="Hidden layers pass on zeros and ones; what the last layer computes is the score.",
        examples=40,
    ),
    Task(
        name="(d) scores, any depth",
        function="scores",
        points=2,
        strategy=lambda: layers((1, 3, 4)),
        expected=expected_scores,
        explicit=(LINEAR_NET, DEEP_NET),
        hint="A net may have one layer, which is then the output layer, or more than two.",
        examples=40,
    ),
    Task(
        name="(d) scores, units at their threshold",
        function="scores",
        points=2,
        strategy=lambda: layers((2, 3), zeros=True),
        expected=expected_scores,
        explicit=(HANDOUT_NET, AT_THRESHOLD),
        hint="Work the handout's example by hand: which units are off?",
        examples=30,
    ),
    Task(
        name="(e) predict",
        function="predict",
        points=2,
        strategy=lambda: score_tables(range(-40, 41), unique=True),
        expected=expected_predict,
        explicit=({"S": np.array([[0.0, 2.0, 1.0], [5.0, -1.0, 3.0]])},),
        hint="One integer per sample: the place of the largest score in its row.",
        examples=40,
    ),
    Task(
        name="(e) predict, ties",
        function="predict",
        points=1,
        strategy=lambda: score_tables(range(2), unique=False),
        expected=expected_predict,
        explicit=({"S": np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [3.0, 3.0, 3.0]])},),
        hint="Where several classes have the highest score, the first of them is predicted.",
        examples=30,
    ),
)
