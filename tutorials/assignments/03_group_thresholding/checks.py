"""How thresholding is graded.

The oracle for a penalty that counts looks at both candidates, keep and drop, and compares their
costs as fractions, without rounding. For l1 it looks at the three stationary points. For the W
block it solves each row's least-squares problem by itself, with the ridge as further rows of data,
and compares the value of F with that of a zero row.
"""

from fractions import Fraction

import numpy as np

from zeroone.grading import Task, simple

TITLE = "Thresholding, entry by entry and group by group"


def expected_soft(x, t):
    """Take the cheapest of x - t, x + t and 0 in every entry."""

    def cheapest(entry):
        candidates = [Fraction(0), Fraction(entry) - Fraction(t), Fraction(entry) + Fraction(t)]
        costs = [Fraction(t) * abs(u) + (u - Fraction(entry)) ** 2 / 2 for u in candidates]
        return float(candidates[costs.index(min(costs))])

    return np.array([cheapest(entry) for entry in x.ravel()]).reshape(x.shape)


def worth_keeping(group, t):
    """Return whether dropping the group costs more than t."""
    return sum((Fraction(entry) ** 2 for entry in group), Fraction(0)) / 2 > Fraction(t)


def expected_hard(x, t):
    """Decide every entry for itself."""
    return np.array([e if worth_keeping([e], t) else 0.0 for e in x.ravel()]).reshape(x.shape)


def expected_groups(W, t, groups):
    """Decide every group for itself."""
    rows = W.tolist() if groups == "rows" else W.T.tolist()
    kept = np.array([row if worth_keeping(row, t) else [0.0] * len(row) for row in rows])
    return kept if groups == "rows" else kept.T


def rows_and_gains(U, V, tau, gamma):
    """Solve every row's least-squares problem; say how much less F is than at the zero row."""
    n_in = V.shape[1]
    data = np.vstack([np.sqrt(tau) * V, np.sqrt(gamma) * np.eye(n_in)])
    for u in U.T:
        goal = np.concatenate([np.sqrt(tau) * u, np.zeros(n_in)])
        w = np.linalg.lstsq(data, goal, rcond=None)[0]
        yield w, np.sum(goal**2) / 2 - np.sum((goal - data @ w) ** 2) / 2


def expected_rows(U, V, tau, gamma, lam):
    """Keep the rows that gain more than their price."""
    return np.array([w if gain > lam else 0 * w for w, gain in rows_and_gains(U, V, tau, gamma)])


def numbers(scale=4):
    """Draw multiples of a power of two."""
    return simple(i / scale for i in range(-16, 17))


def levels():
    """Draw 0, or levels that |x|^2/2, a multiple of 1/32, is not near to for the numbers above."""
    from hypothesis import strategies as st

    return simple(i / 10 for i in range(1, 105) if i % 5) | st.just(0.0)


def entry_arguments():
    """Draw arguments of the maps for numbers, without ties."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    x = hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=4), elements=numbers())
    return st.fixed_dictionaries({"x": x, "t": levels()})


def tied_entries():
    """Draw arguments of `hard_threshold` with |x| at the threshold."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(threshold):
        sides = simple([-1.0, 0.0, 1.0, 2.0]).map(lambda side: side * threshold)
        x = hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=3), elements=sides)
        return st.fixed_dictionaries({"x": x, "t": st.just(threshold**2 / 2)})

    return simple(i / 4 for i in range(1, 9)).flatmap(arguments)


def matrices(groups, entries=None, level=None):
    """Draw arguments of `group_hard_threshold`, some groups being zero."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(shape):
        zero_rows = hnp.arrays(float, (shape[0], 1), elements=st.sampled_from([0.0, 1.0, 1.0]))
        array = hnp.arrays(float, shape, elements=numbers() if entries is None else entries)
        return st.fixed_dictionaries(
            {
                "W": st.builds(lambda W, mask: W * mask, array, zero_rows),
                "t": levels() if level is None else level,
                "groups": st.sampled_from(groups),
            }
        )

    return st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(arguments)


def tied_groups():
    """Draw small whole numbers, so that |g|^2 is often 2 t."""
    small = simple([-1.0, 0.0, 1.0])
    level = simple(i / 2 for i in range(5))
    return matrices(["rows", "columns"], small, level)


def regressions(*, priced):
    """Draw arguments of `sparse_rows`; a price is never within rounding of what a row gains."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(sizes):
        n_samples, n_out, n_in = sizes
        small = simple(i / 2 for i in range(-4, 5))
        price = simple(i / 10 for i in range(1, 36)) if priced else st.just(0.0)
        return st.fixed_dictionaries(
            {
                "U": hnp.arrays(float, (n_samples, n_out), elements=small),
                "V": hnp.arrays(float, (n_samples, n_in), elements=small),
                "tau": simple([0.5, 1.0, 2.0]),
                "gamma": simple([0.25, 1.0, 3.0]),
                "lam": price,
            }
        )

    def decided(drawn):
        gains = rows_and_gains(*(drawn[name] for name in ("U", "V", "tau", "gamma")))
        return not priced or all(abs(gain - drawn["lam"]) > 1e-6 for _, gain in gains)

    sizes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
    return sizes.flatmap(arguments).filter(decided)


REGRESSION = {
    "U": np.array([[1.0, 0.5, -2.0], [2.0, -0.5, 0.0], [-1.0, 0.25, 1.0], [0.5, 0.0, 1.5]]),
    "V": np.array([[1.0, 0.0], [1.0, 1.0], [-0.5, 0.5], [0.0, 2.0]]),
    "tau": 2.0,
    "gamma": 0.5,
    "lam": 0.0,
}

TASKS = (
    Task(
        name="(a) soft_threshold",
        function="soft_threshold",
        points=3,
        strategy=entry_arguments,
        expected=expected_soft,
        explicit=(
            {"x": np.array([2.0, -0.5, -1.0, 0.75, 0.0]), "t": 0.75},
            {"x": np.array([[3.0, -3.0]]), "t": 0.0},
        ),
        hint="Each entry moves towards 0 by t, and stops there.",
        examples=40,
    ),
    Task(
        name="(b) hard_threshold",
        function="hard_threshold",
        points=2,
        strategy=entry_arguments,
        expected=expected_hard,
        explicit=(
            {"x": np.array([1.75, -1.75, 2.25, -2.25, 0.0, 4.0]), "t": 2.0},
            {"x": np.array([0.25, -0.5, 0.0]), "t": 0.0},
            {"x": np.array([3e25, -1e25]), "t": 2e50},
        ),
        hint="Keeping x costs t, dropping it costs x^2/2.",
        examples=40,
    ),
    Task(
        name="(b) hard_threshold, ties",
        function="hard_threshold",
        points=2,
        strategy=tied_entries,
        expected=expected_hard,
        explicit=(
            {"x": np.array([3.0, -3.0, 1.0, 5.0]), "t": 4.5},
            {"x": np.array([0.5, -0.5, 0.75]), "t": 0.125},
        ),
        hint="Where keeping and dropping cost the same, the result is 0.",
        examples=30,
    ),
    Task(
        name="(c) group_hard_threshold, rows",
        function="group_hard_threshold",
        points=3,
        strategy=lambda: matrices(["rows"]),
        expected=expected_groups,
        explicit=(
            {"W": np.array([[3.0, 3.0], [1.0, -2.0]]), "t": 8.0, "groups": "rows"},
            {"W": np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), "t": 1.25, "groups": "rows"},
            {"W": np.array([[0.0, 0.0], [-0.25, 0.0]]), "t": 0.0, "groups": "rows"},
            {"W": np.array([[2e25, 2e25], [0.0, 1e25]]), "t": 2e50, "groups": "rows"},
        ),
        hint="Keeping a row costs t, dropping it half its squared norm. What is kept is unchanged.",
        examples=40,
    ),
    Task(
        name="(c) group_hard_threshold, columns",
        function="group_hard_threshold",
        points=2,
        strategy=lambda: matrices(["columns"]),
        expected=expected_groups,
        explicit=(
            {"W": np.array([[3.0, 1.0], [3.0, -2.0]]), "t": 8.0, "groups": "columns"},
            {"W": np.array([[0.0, 2.0, 1.0], [0.0, -2.0, 0.5]]), "t": 1.0, "groups": "columns"},
        ),
        hint="A column is the weights out of one input. One decision per column.",
        examples=40,
    ),
    Task(
        name="(c) group_hard_threshold, ties",
        function="group_hard_threshold",
        points=2,
        strategy=tied_groups,
        expected=expected_groups,
        explicit=(
            {"W": np.array([[3.0, 4.0], [3.0, 5.0]]), "t": 12.5, "groups": "rows"},
            {"W": np.array([[1.0, 2.0], [1.0, 0.0]]), "t": 1.0, "groups": "columns"},
        ),
        hint="Where keeping and dropping a group cost the same, the group is 0.",
        examples=40,
    ),
    Task(
        name="(d) sparse_rows, no price",
        function="sparse_rows",
        points=3,
        strategy=lambda: regressions(priced=False),
        expected=expected_rows,
        explicit=(REGRESSION,),
        hint="Set the gradient of the two quadratic terms to zero, for one row of W.",
        examples=40,
    ),
    Task(
        name="(d) sparse_rows, with a price",
        function="sparse_rows",
        points=3,
        strategy=lambda: regressions(priced=True),
        expected=expected_rows,
        # What the three rows gain is worth 10.597/2, 0.0557/2 and 11.848/2.
        explicit=tuple({**REGRESSION, "lam": lam} for lam in (0.02, 0.04, 5.4, 5.9, 8.0)),
        hint="Compare F at the ridge solution, price included, with F at a zero row.",
        examples=40,
    ),
)
