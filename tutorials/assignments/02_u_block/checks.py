"""How the U block is graded.

The oracle looks at both candidates of every entry and computes their costs as fractions, without
rounding: a tie is a tie. Where ties are what a task is about, arguments are multiples of powers of
two, for which floating point does not round either. Where they are not, v is 0.1, 0.2, 0.3, 0.4,
0.6, ...: a tie needs a 2v - 1 that is a multiple of 1/128, and from those it stays away further
than rounding goes.
"""

from fractions import Fraction

import numpy as np

from zeroone.grading import Task, simple

TITLE = "The U block in closed form"

# As good as the smallest normal number, in floating point, is any up to this one.
LARGEST_TINY = 1e-150


def expected_cost(U, A, V, tau, pi):
    """Add up the entries one by one."""
    total = Fraction(0)
    for u, a, v in zip(U.ravel(), A.ravel(), V.ravel(), strict=True):
        s = 1 if u > 0 else 0
        total += Fraction(tau) / 2 * (Fraction(u) - Fraction(a)) ** 2
        total += Fraction(pi) / 2 * (Fraction(v) - s) ** 2
    return float(total)


def expected_nearest(A, S, margin):
    """Project each entry on a half line."""
    sides = zip(A.ravel(), S.ravel(), strict=True)
    return np.array([projection(a, s, margin) for a, s in sides]).reshape(A.shape)


def projection(a, s, margin):
    """Return the number nearest to a in [margin, inf) for s = 1, in (-inf, -margin] for s = 0."""
    if s == 1:
        return a if a >= margin else margin
    return a if a <= -margin else -margin


def fires(a, v, tau, pi, margin):
    """Return whether the candidate with step(u) = 1 costs less, by comparing fractions."""
    a, v, tau, pi, margin = map(Fraction, (a, v, tau, pi, margin))
    costs = [tau / 2 * (projection(a, s, margin) - a) ** 2 + pi / 2 * (v - s) ** 2 for s in (0, 1)]
    return costs[1] < costs[0]


def expected_margin(A, V, tau, pi, margin):
    """Compare both candidates of each entry."""
    entries = zip(A.ravel(), V.ravel(), strict=True)
    values = [projection(a, fires(a, v, tau, pi, margin), margin) for a, v in entries]
    return np.array(values).reshape(A.shape)


def form_of_a(A, **others):
    """Return an answer of the right form."""
    return A


def judge_sides(arguments, received):
    """Compare step(u) of every entry with the cheaper side."""
    return compare_entries(arguments, received, lambda a, on, u: (u > 0) == on)


def judge_entries(arguments, received):
    """Compare every entry with the cheaper candidate; any tiny number serves as "just above 0"."""

    def agrees(a, on, u):
        if on and a <= 0:
            return 0 < u <= LARGEST_TINY
        return u == (a if on or a <= 0 else 0.0)

    return compare_entries(arguments, received, agrees)


def compare_entries(arguments, received, agrees):
    """Return the first entry that does not agree, in words."""
    A, V, tau, pi = (arguments[name] for name in ("A", "V", "tau", "pi"))
    for index in np.ndindex(A.shape):
        a, v, u = (float(array[index]) for array in (A, V, received))
        on = fires(a, v, tau, pi, 0)
        if not agrees(a, on, u):
            side = "step(u) = 1" if on else "step(u) = 0"
            return f"with a = {a:g} and v = {v:g} the cheaper side is {side}, but u = {u:g}"
    return None


def expected_neuron(a, s, R, w, tau):
    """Try both bits of every sample: the whole cost of the next layer, and the distance."""
    bits, residuals = [], []
    weights = [Fraction(entry) for entry in w]
    for pre, bit, row in zip(a, s, R, strict=True):
        costs, rows = [], []
        for new in (0, 1):
            change = new - int(bit)
            moved = [Fraction(r) - change * v for r, v in zip(row, weights, strict=True)]
            wrong_side = pre > 0 if new == 0 else pre <= 0
            distance = abs(Fraction(pre)) if wrong_side else Fraction(0)
            costs.append(sum(r * r for r in moved) / 2 + Fraction(tau) / 2 * distance**2)
            rows.append([float(r) for r in moved])
        chosen = 1 if costs[1] < costs[0] else 0
        bits.append(float(chosen))
        residuals.append(rows[chosen])
    return np.array(bits), np.array(residuals)


def entries(kind):
    """Draw numbers that are multiples of 1/4, or of 1/10 and not of 1/2."""
    numbers = {
        "quarter": [i / 4 for i in range(-8, 9)],
        "off": [i / 10 for i in range(-4, 15) if i % 5],
        "half": [i / 2 for i in range(-1, 4)],
        "bit": [0.0, 1.0],
    }
    return simple(numbers[kind])


def price():
    """Draw a price."""
    return simple([0.5, 1.0, 2.0, 4.0])


def draw(kinds, **numbers):
    """Draw arrays of one shape with entries of these kinds, and numbers."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=3)
    return shapes.flatmap(
        lambda shape: st.fixed_dictionaries(
            {
                **{
                    name: hnp.arrays(float, shape, elements=entries(k)) for name, k in kinds.items()
                },
                **numbers,
            }
        )
    )


def costs():
    """Draw arguments of `cost`."""
    return draw({"U": "quarter", "A": "quarter", "V": "quarter"}, tau=price(), pi=price())


def sides(*, inside):
    """Draw arguments of `nearest_on_side`, with A inside the gap or outside."""
    from hypothesis import strategies as st

    def move(arguments, margin):
        A, S = arguments["A"], arguments["S"]
        # A is in [-2, 2]; inside the gap is [-margin, margin], outside |a| > margin.
        A = A / 2 * margin if inside else A + np.where(A > 0, margin, -margin)
        return {"A": A, "S": S, "margin": margin}

    return st.builds(move, draw({"A": "quarter", "S": "bit"}), gaps())


def blocks(kind, **numbers):
    """Draw arguments of the updates, v being of the given kind."""
    return draw({"A": "quarter", "V": kind}, tau=price(), pi=price(), **numbers)


def gaps():
    """Draw a margin."""
    return simple([0.25, 0.5, 1.0])


def neurons(prices, weight):
    """Draw arguments of `update_neuron`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(shape):
        n_samples, n_next = shape
        return st.fixed_dictionaries(
            {
                "a": hnp.arrays(float, n_samples, elements=entries("quarter")),
                "s": hnp.arrays(float, n_samples, elements=entries("bit")),
                "R": hnp.arrays(float, shape, elements=entries("quarter")),
                "w": hnp.arrays(float, n_next, elements=weight),
                "tau": simple(prices),
            }
        )

    return st.tuples(st.integers(1, 4), st.integers(1, 3)).flatmap(arguments)


def untied_neurons():
    """Draw neurons whose two bits never cost the same.

    |w|^2/2 - w.r0 is a multiple of 1/32. With a an odd multiple of 1/4, and tau one of 1/4 but not
    a whole number, tau a^2/2 is a multiple of 1/128 but not of 1/32.
    """

    def off_zero(arguments):
        a = arguments["a"]
        return {**arguments, "a": np.where(a == 0, 0.25, np.sign(a) * (2 * np.abs(a) + 0.25))}

    prices = [i / 4 for i in range(1, 8) if i % 4]
    return neurons(prices, entries("quarter")).map(off_zero)


def tied_neurons():
    """Draw neurons of which many have bits that cost the same."""
    return neurons([1.0, 2.0], simple([-1.0, 0.0, 1.0]))


HANDOUT = {
    "A": np.array([[0.25, 3.0, 0.25]]),
    "V": np.array([[0.0, 0.0, 1.0]]),
    "tau": 1.0,
    "pi": 4.0,
}
GAP = {
    "A": np.array([[0.25, -0.25, -0.25], [0.125, 2.0, -2.0]]),
    "V": np.array([[0.8, 0.3, 1.4], [-0.4, 0.3, 0.8]]),
    "tau": 2.0,
    "pi": 1.0,
    "margin": 0.5,
}
SIDES = {
    "A": np.array([[1.0, -1.0, 1.0, -1.0], [1.5, -1.5, 0.25, -0.25]]),
    "V": np.array([[0.3, 0.8, 0.9, 0.1], [-0.7, 1.8, 0.4, 0.6]]),
    "tau": 1.0,
    "pi": 2.0,
}
# For a = 1 and -1, tau a^2 = pi |2v - 1|: both sides cost the same. So they do for a = 0, v = 1/2.
TIES = {
    "A": np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 2.0]]),
    "V": np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 1.0]]),
    "tau": 2.0,
    "pi": 2.0,
}

TASKS = (
    Task(
        name="(a) cost",
        function="cost",
        points=2,
        strategy=costs,
        expected=expected_cost,
        explicit=(
            {
                "U": np.array([[0.0, 1.0], [-1.0, 2.0]]),
                "A": np.array([[1.0, 1.0], [0.5, -1.0]]),
                "V": np.array([[0.25, 0.75], [0.5, 1.5]]),
                "tau": 2.0,
                "pi": 0.5,
            },
        ),
        hint="Two sums of squares, each with its price and the factor 1/2, and step(0) = 0.",
        examples=40,
    ),
    Task(
        name="(b) nearest_on_side, outside the gap",
        function="nearest_on_side",
        points=2,
        strategy=lambda: sides(inside=False),
        expected=expected_nearest,
        explicit=(
            {
                "A": np.array([[2.0, 2.0], [-2.0, -2.0]]),
                "S": np.array([[1.0, 0.0], [1.0, 0.0]]),
                "margin": 0.5,
            },
        ),
        hint="An entry on its side stays where it is; one on the other side goes to the near edge.",
        examples=40,
    ),
    Task(
        name="(b) nearest_on_side, inside the gap",
        function="nearest_on_side",
        points=2,
        strategy=lambda: sides(inside=True),
        expected=expected_nearest,
        explicit=(
            {
                "A": np.array([[0.25, 0.25], [-0.25, -0.25], [0.0, 0.0]]),
                "S": np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),
                "margin": 0.5,
            },
        ),
        hint="No entry of the result may be closer to 0 than the margin.",
        examples=40,
    ),
    Task(
        name="(c) update_margin",
        function="update_margin",
        points=3,
        strategy=lambda: blocks("off", margin=gaps()),
        expected=expected_margin,
        explicit=(
            GAP,
            {**HANDOUT, "V": HANDOUT["V"] + 0.1, "margin": 0.5},
            {**SIDES, "margin": 0.25},
        ),
        hint="Two candidates per entry, both at least the margin away from 0. What does each cost?",
        examples=40,
    ),
    Task(
        name="(c) update_margin, ties",
        function="update_margin",
        points=1,
        strategy=lambda: blocks("half", margin=gaps()),
        expected=expected_margin,
        explicit=(
            {
                "A": np.array([[0.0, 0.5, -0.5]]),
                "V": np.array([[0.5, 0.0, 1.0]]),
                "tau": 2.0,
                "pi": 2.0,
                "margin": 0.5,
            },
        ),
        hint="Where both candidates cost the same, the one with step(u) = 0 is taken.",
        examples=30,
    ),
    Task(
        name="(d) update_tiny, the side",
        function="update_tiny",
        points=2,
        strategy=lambda: blocks("off"),
        form=form_of_a,
        judge=judge_sides,
        explicit=(SIDES, {**SIDES, "tau": 4.0}, {**SIDES, "pi": 0.5}),
        hint="Is step of what you return 1 exactly where firing costs less?",
        examples=40,
    ),
    Task(
        name="(d) update_tiny, the value",
        function="update_tiny",
        points=2,
        strategy=lambda: blocks("off"),
        form=form_of_a,
        judge=judge_entries,
        explicit=(SIDES, {**SIDES, "tau": 4.0}, {**SIDES, "pi": 0.5}),
        hint="On a's own side u = a. Across the threshold, which u is nearest to a?",
        examples=40,
    ),
    Task(
        name="(d) update_tiny, ties and zeros",
        function="update_tiny",
        points=2,
        strategy=lambda: blocks("half"),
        form=form_of_a,
        judge=judge_entries,
        explicit=(TIES,),
        hint="On a tie step(u) is 0. An a that is 0 is on the side that is off.",
        examples=40,
    ),
    Task(
        name="(e) update_neuron",
        function="update_neuron",
        points=3,
        strategy=untied_neurons,
        expected=expected_neuron,
        explicit=(
            {
                "a": np.array([0.25, -0.25, 1.0, -1.0, 0.5]),
                "s": np.array([1.0, 0.0, 0.0, 1.0, 1.0]),
                "R": np.array([[0.5, -2.0], [1.5, 0.25], [1.0, 0.0], [-0.5, 0.5], [2.0, 1.0]]),
                "w": np.array([1.0, 0.5]),
                "tau": 1.25,
            },
        ),
        hint="Which residual belongs to s = 0, and which to s = 1? Which of the two is R?",
        examples=40,
    ),
    Task(
        name="(e) update_neuron, ties",
        function="update_neuron",
        points=1,
        strategy=tied_neurons,
        expected=expected_neuron,
        explicit=(
            {
                "a": np.array([0.0, 0.0, 1.0, 1.0, -1.0, 1.0]),
                "s": np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
                "R": np.array([[0.5], [-0.5], [0.0], [-1.0], [1.0], [0.25]]),
                "w": np.array([1.0]),
                "tau": 1.0,
            },
        ),
        hint="Where both bits cost the same, the new bit is 0, whatever it was.",
        examples=40,
    ),
)
