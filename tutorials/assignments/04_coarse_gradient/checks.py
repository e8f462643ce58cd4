"""How the coarse gradient is graded.

The oracles: for the angle, cross and dot products as fractions, without rounding; for the true
gradient, differences of the loss in every coordinate; for the mean over samples, a loop over
samples and patches; for the expectation, the form that the papers print. An estimate is compared
with the expectation, and a standard error with that of the grader's own samples.
"""

import functools
import math
from fractions import Fraction

import numpy as np

from zeroone.grading import Seed, Task

TITLE = "The coarse gradient, by Monte Carlo and in closed form"

# Further off than so many standard errors, an estimate is wrong: by chance less than once in a
# million.
STANDARD_ERRORS = 5


def expected_angle(w, w_star):
    """Return atan2(|w x w*|, w . w*), the products without rounding."""
    a, b = [Fraction(float(e)) for e in w], [Fraction(float(e)) for e in w_star]
    # Of a common size, so that the squares of huge filters become floating-point numbers.
    scale = max(abs(entry) for entry in a)
    a = [entry / scale for entry in a]
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    pairs = [(i, j) for i in range(len(a)) for j in range(i)]
    cross = sum((a[i] * b[j] - a[j] * b[i]) ** 2 for i, j in pairs)
    return math.atan2(math.sqrt(cross), float(dot))


def expected_true_gradient(w, w_star, k):
    """Difference the loss in every coordinate."""
    step = 1e-5 * float(np.linalg.norm(w))

    def loss(point):
        return k / (2 * math.pi) * expected_angle(point, w_star)

    shifts = step * np.eye(len(w))
    return np.array([(loss(w + shift) - loss(w - shift)) / (2 * step) for shift in shifts])


def expected_sampled(w, w_star, Z):
    """Add up sample by sample and patch by patch."""
    total = np.zeros(len(w))
    for sample in Z:
        active = [patch for patch in sample if patch @ w > 0]
        error = len(active) - sum(1 for patch in sample if patch @ w_star > 0)
        for patch in active:
            total += error * patch
    return math.sqrt(2 / math.pi) * total / len(Z)


def expected_coarse(w, w_star, k):
    """Return (k/pi) (w^ - cos(theta/2) (w^ + w*)/|w^ + w*|); the last term is 0 at theta = pi."""
    scaled = w / np.max(np.abs(w))
    direction = scaled / math.sqrt(math.fsum(scaled**2))
    diagonal = direction + w_star
    length = math.sqrt(math.fsum(diagonal**2))
    if length > 1e-12:
        cosine = math.cos(expected_angle(w, w_star) / 2)
        direction = direction - cosine * diagonal / length
    return k / math.pi * direction


def form_of_estimate(w, w_star, k, n_samples, rng):
    """Return an answer of the right form."""
    return np.zeros(len(w)), np.zeros(len(w))


@functools.cache
def own_spread(w, w_star, k):
    """Return the standard deviation of every entry of g, from the grader's own samples."""
    w, w_star = np.array(w), np.array(w_star)
    Z = np.random.default_rng(20190131).standard_normal((20_000, k, len(w)))
    active = Z @ w > 0
    difference = np.count_nonzero(active, axis=1) - np.count_nonzero(Z @ w_star > 0, axis=1)
    g = math.sqrt(2 / math.pi) * np.einsum("n,nk,nkd->nd", difference, active, Z)
    return np.std(g, axis=0)


def own_errors(arguments):
    """Return the standard error of every entry of a mean of g."""
    w, w_star = tuple(arguments["w"].tolist()), tuple(arguments["w_star"].tolist())
    return own_spread(w, w_star, arguments["k"]) / math.sqrt(arguments["n_samples"])


def judge_estimate(arguments, received):
    """Compare the estimate with the expectation, in standard errors."""
    estimate, _ = received
    expectation = expected_coarse(arguments["w"], arguments["w_star"], arguments["k"])
    distance = np.abs(estimate - expectation) / own_errors(arguments)
    if not np.all(distance <= STANDARD_ERRORS):
        return (
            f"the estimate is {np.max(distance):.3g} standard errors from the expectation, "
            f"more than the {STANDARD_ERRORS} that chance allows"
        )
    if not np.any(distance > 1e-6):
        return "the estimate is the expectation itself: no samples were averaged"
    return None


def judge_errors(arguments, received):
    """Compare the standard errors with the grader's own."""
    ratio = received[1] / own_errors(arguments)
    if not np.all((ratio >= 0.85) & (ratio <= 1.18)):
        return f"the standard errors are {np.array2string(ratio, precision=3)} times the right ones"
    return None


def unit_vector(rng, d):
    """Return a random unit vector."""
    vector = rng.standard_normal(d)
    return vector / np.sqrt(np.sum(vector**2))


def filters(angles, sizes=(1.0,), **others):
    """Draw a teacher of norm 1 and a filter of a given angle and norm, and other arguments."""
    from hypothesis import strategies as st

    def build(seed, d, theta, size, rest):
        rng = np.random.default_rng(seed)
        w_star = unit_vector(rng, d)
        across = rng.standard_normal(d)
        across -= (across @ w_star) * w_star
        across -= (across @ w_star) * w_star
        across /= np.sqrt(np.sum(across**2))
        return {"w": size * (math.cos(theta) * w_star + math.sin(theta) * across), **rest} | {
            "w_star": w_star
        }

    return st.builds(
        build,
        st.integers(0, 2**32 - 1),
        st.integers(2, 6),
        angles,
        st.sampled_from(sizes),
        st.fixed_dictionaries(others),
    )


def any_angle():
    """Draw an angle that is not near 0 or pi."""
    from hypothesis import strategies as st

    return st.floats(0.2, 2.9)


def extreme_angle():
    """Draw an angle near 0 or pi, or one of the two."""
    from hypothesis import strategies as st

    small = st.sampled_from([0.0, 1e-9, 1e-7, 1e-6, 1e-5])
    return st.builds(lambda small, far: math.pi - small if far else small, small, st.booleans())


def patches():
    """Draw the number of patches."""
    from hypothesis import strategies as st

    return st.integers(1, 20)


def samples(*, zeros):
    """Draw filters and samples: normal ones, or small whole numbers with many exact zeros."""
    from hypothesis import strategies as st

    def build(seed, n_samples, k, d):
        rng = np.random.default_rng(seed)
        if not zeros:
            w, w_star = 2 * rng.standard_normal(d), unit_vector(rng, d)
            return {"w": w, "w_star": w_star, "Z": rng.standard_normal((n_samples, k, d))}
        w, w_star = np.zeros(d), np.zeros(d)
        w[rng.integers(d)] = 2.0
        w[rng.integers(d)] = -1.0
        w_star[rng.integers(d)] = rng.choice([-1.0, 1.0])
        return {"w": w, "w_star": w_star, "Z": rng.integers(-1, 3, (n_samples, k, d)).astype(float)}

    return st.builds(
        build,
        st.integers(0, 2**32 - 1),
        st.integers(1, 6),
        st.integers(1, 5),
        st.integers(2, 4),
    )


def experiments():
    """Draw arguments of `monte_carlo`."""
    from hypothesis import strategies as st

    return filters(
        st.floats(0.7, 2.5),
        (0.5, 2.0),
        k=st.integers(2, 8),
        n_samples=st.just(20_000),
        rng=st.integers(0, 1000).map(Seed),
    )


EXPERIMENT = {
    "w": np.array([0.0, 2.0]),
    "w_star": np.array([1.0, 0.0]),
    "k": 4,
    "n_samples": 20_000,
    "rng": Seed(1),
}

TASKS = (
    Task(
        name="(a) angle",
        function="angle",
        points=2,
        strategy=lambda: filters(any_angle(), (0.5, 1.0, 3.0)),
        expected=expected_angle,
        explicit=(
            {"w": np.array([0.0, 2.0]), "w_star": np.array([1.0, 0.0])},
            {"w": np.array([-3e25, 1e25, 2e25]), "w_star": np.array([0.6, 0.8, 0.0])},
        ),
        hint="The angle does not depend on the norm of w, however large that is.",
        examples=50,
    ),
    Task(
        name="(a) angle, nearly parallel or opposite",
        function="angle",
        points=2,
        strategy=lambda: filters(extreme_angle(), (0.5, 1.0, 3.0)),
        expected=expected_angle,
        explicit=(
            {"w": np.array([2.0, 2e-6]), "w_star": np.array([1.0, 0.0])},
            {"w": np.array([-2.0, 2e-6]), "w_star": np.array([1.0, 0.0])},
            {"w": np.array([3.0, 3.0, 3.0]), "w_star": np.full(3, 1 / math.sqrt(3))},
        ),
        rtol=0.0,
        atol=1e-12,
        hint="arccos of a dot product loses half of the digits at 0 and at pi.",
        examples=40,
    ),
    Task(
        name="(b) true_gradient",
        function="true_gradient",
        points=3,
        strategy=lambda: filters(any_angle(), (0.5, 1.0, 3.0), k=patches()),
        expected=expected_true_gradient,
        explicit=(
            {"w": np.array([0.0, 2.0]), "w_star": np.array([1.0, 0.0]), "k": 4},
            {"w": np.array([0.3, 0.4]), "w_star": np.array([1.0, 0.0]), "k": 3},
        ),
        rtol=1e-5,
        atol=1e-6,
        hint="f does not change along w, and falls most steeply towards the teacher.",
        examples=40,
    ),
    Task(
        name="(c) sampled_gradient",
        function="sampled_gradient",
        points=3,
        strategy=lambda: samples(zeros=False),
        expected=expected_sampled,
        explicit=(
            {
                "w": np.array([0.0, 2.0]),
                "w_star": np.array([1.0, 0.0]),
                "Z": np.array([[[1.0, 1.0], [-1.0, 2.0]]]),
            },
            {
                "w": np.array([1.0, 2.0]),
                "w_star": np.array([0.6, -0.8]),
                "Z": np.array([[[1.0, 1.0], [-1.0, 2.0]], [[-2.0, 0.5], [3.0, 3.0]]]),
            },
        ),
        hint="For one sample: two counts, their difference, a sum over the patches that w fires.",
        examples=50,
    ),
    Task(
        name="(c) sampled_gradient, patches at the threshold",
        function="sampled_gradient",
        points=1,
        strategy=lambda: samples(zeros=True),
        expected=expected_sampled,
        explicit=(
            {
                "w": np.array([0.0, 2.0]),
                "w_star": np.array([1.0, 0.0]),
                "Z": np.array([[[1.0, 0.0], [0.0, 3.0]], [[1.0, 2.0], [2.0, -1.0]]]),
            },
        ),
        hint="A patch with Z_i . w = 0 does not fire.",
        examples=40,
    ),
    Task(
        name="(d) coarse_gradient, unit filters",
        function="coarse_gradient",
        points=2,
        strategy=lambda: filters(any_angle(), k=patches()),
        expected=expected_coarse,
        explicit=({"w": np.array([0.0, 1.0]), "w_star": np.array([1.0, 0.0]), "k": 4},),
        hint="It vanishes at the teacher, and descent along it moves w towards the teacher.",
        examples=40,
    ),
    Task(
        name="(d) coarse_gradient, any norm",
        function="coarse_gradient",
        points=1,
        strategy=lambda: filters(any_angle(), (0.5, 3.0), k=patches()),
        expected=expected_coarse,
        explicit=({"w": np.array([0.0, 2.0]), "w_star": np.array([1.0, 0.0]), "k": 4},),
        hint="h depends on the direction of w only. Does your answer?",
        examples=40,
    ),
    Task(
        name="(d) coarse_gradient, opposite filters",
        function="coarse_gradient",
        points=1,
        strategy=lambda: filters(extreme_angle(), k=patches()),
        expected=expected_coarse,
        explicit=(
            {"w": np.array([-1.0, 0.0]), "w_star": np.array([1.0, 0.0]), "k": 3},
            {"w": np.array([1.0, 0.0]), "w_star": np.array([1.0, 0.0]), "k": 3},
        ),
        rtol=1e-6,
        atol=1e-6,
        hint="Nothing in E g is special where w = -w*, or where w = w*.",
        examples=20,
    ),
    Task(
        name="(e) monte_carlo, the estimate",
        function="monte_carlo",
        points=3,
        strategy=experiments,
        form=form_of_estimate,
        judge=judge_estimate,
        explicit=(EXPERIMENT,),
        hint="Samples with independent N(0, 1) entries, of shape (n_samples, k, d).",
        examples=4,
        timeout=10,
    ),
    Task(
        name="(e) monte_carlo, the standard error",
        function="monte_carlo",
        points=2,
        strategy=experiments,
        form=form_of_estimate,
        judge=judge_errors,
        explicit=(EXPERIMENT,),
        hint="How far does the mean of n samples spread, if one sample spreads by s?",
        examples=4,
        timeout=10,
    ),
)
