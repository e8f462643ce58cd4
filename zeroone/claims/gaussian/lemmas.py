"""Claims: Lemmas 1, 3 and 4 on true and coarse gradient, their constants, and where they break."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    RVS,
    Pair,
    Pairs,
    TwoFilters,
    by_group,
    dimensions,
    lengthen,
    log_uniform,
    normalised,
    on_sphere,
    ordered,
    orthogonal_to,
    pairs,
    random_teachers,
    random_two,
)
from zeroone.claims.guard import Checked
from zeroone.gaussian.population import (
    PSEUDO,
    SLOPE,
    coarse_gradient,
    expected_coarse_gradient,
    population_loss,
    true_gradient,
)
from zeroone.support.validation import FloatArray

Field = Callable[[FloatArray, FloatArray, NDArray[np.int64]], FloatArray]
Gradients = tuple[Field, Field]  # coarse, true


# The coarse gradient without the factor sqrt(2/pi).
without_factor = partial(expected_coarse_gradient, slope=1.0)


def wrong_teacher(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Flip the teacher's sign in the coarse gradient."""
    return coarse_gradient(w, -w_star, k)


# What the three fields are, written out once more, for filters of any norm in extended precision.


def plain_coarse_gradient(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return (k / 2 pi) (w^ - w*)."""
    w = normalised(w.astype(np.longdouble) / np.abs(w).max(axis=1, keepdims=True))
    return (k[:, np.newaxis] / (2 * np.pi) * (w - w_star)).astype(float)


def plain_true_gradient(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return -(k / (2 pi |w|)) P w* / |P w*|."""
    w = w.astype(np.longdouble)
    length = np.sqrt(np.sum(w**2, axis=1, keepdims=True))
    w_hat = w / length
    difference = w_star - w_hat  # P w* = P (w* - w^), which loses no digits near w*
    across = difference - np.sum(difference * w_hat, axis=1, keepdims=True) * w_hat
    return (-(k[:, np.newaxis] / (2 * np.pi)) * normalised(across) / length).astype(float)


def plain_loss(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return (k / 2 pi) theta."""
    w = normalised(w.astype(np.longdouble))
    halves = [np.sqrt(np.sum((w + sign * w_star) ** 2, axis=1)) for sign in (-1, 1)]
    return (k / np.pi * np.arctan2(*halves)).astype(float)


# ---------------------------------------------------------------- Lemma 1, the acute angle


def measure_inner_product(gradients: Gradients, group: Pairs) -> Pair:
    """Compare (2 pi / k)^2 |w| <E g, grad f> with sin(theta)."""
    coarse, true = (field(group.w, group.w_star, group.k) for field in gradients)
    inner = np.sum(coarse * (true * group.length), axis=1) * (2 * np.pi / group.k) ** 2
    return inner.astype(float), np.sin(group.theta)


LEMMA_1 = Claim(
    id="gaussian.lemma-1",
    statement="<E g(w), grad f(w)> = (k^2 / (4 pi^2 |w|)) sin(theta).",
    source=f"{RVS}, Lemma 1; docs/theory.md#a2",
    kind=Kind.EQUALITY,
    sample=pairs(),
    measure=by_group(measure_inner_product),
    subject=(coarse_gradient, true_gradient),
    planted={
        "the factor sqrt(2/pi) forgotten": (without_factor, true_gradient),
        "the teacher's sign": (wrong_teacher, true_gradient),
        "uphill instead of down": (
            coarse_gradient,
            lambda w, w_star, k: -true_gradient(w, w_star, k),
        ),
    },
    tolerance=1e-13,
    hypotheses="0 <= theta <= pi (0 at both ends), w != 0, |w*| = 1, d from 1 to 200",
    cases=10_000,
)


def angle_by_arccos(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the angles between the rows of x and y, by arccos in extended precision."""
    x, y = (normalised(one.astype(np.longdouble)) for one in (x, y))
    return np.arccos(np.clip(np.sum(x * y, axis=1), -1, 1)).astype(float)


def measure_acute_angle(gradients: tuple[tuple[Field, ...], Field], group: Pairs) -> Pair:
    """Compare the angle between each coarse gradient and the true one with theta/2."""
    coarse, true = gradients
    length = group.length.astype(float)
    direction = true(group.w, group.w_star, group.k) * length
    angles = [angle_by_arccos(g(group.w, group.w_star, group.k), direction) for g in coarse]
    return np.array(angles), group.theta / 2


ALL_COARSE = tuple(partial(expected_coarse_gradient, pseudo=kind) for kind in PSEUDO)

ACUTE = Claim(
    id="gaussian.acute-angle",
    statement=(
        "E g makes an angle of theta/2 < pi/2 with grad f for the pseudo-derivatives of ReLU and "
        "the identity, and at most that for the clipped ReLU's."
    ),
    source=f"{RVS}, Lemma 1, with the angle; derived in zeroone.gaussian.population",
    kind=Kind.UPPER_BOUND,
    sample=pairs(least=1e-5, lowest=2, lengths=(1e-3, 1e3)),
    measure=by_group(measure_acute_angle),
    subject=(ALL_COARSE, true_gradient),
    planted={
        "the teacher's sign": ((wrong_teacher,), true_gradient),
        "the teacher for the gradient": (ALL_COARSE, lambda w, w_star, k: -w_star),
    },
    tolerance=1e-7,
    hypotheses="1e-5 <= theta <= pi - 1e-5, 1e-3 <= |w| <= 1e3, |w*| = 1, d from 2 to 200",
    cases=10_000,
    near=1e-6,
)

# ---------------------------------------------------- Lemma 3, the true gradient is Lipschitz


def sample_lemma_3(rng: np.random.Generator, count: int) -> list[TwoFilters]:
    """Draw filters of norm >= c at angles in [delta, pi - delta], for random delta and c."""
    groups = []
    for d, m in dimensions(rng, count, lowest=2):
        delta, c = log_uniform(rng, 1e-3, 1.5, m), log_uniform(rng, 1e-2, 1e2, m)
        groups.append(lengthen(rng, random_two(rng, m, d, delta), c))
    return groups


def differences(field: Field, group: TwoFilters) -> tuple[FloatArray, FloatArray]:
    """Return 2 pi / k times the norm of the field's difference, and that of the filters."""
    change = field(group.w1, group.w_star, group.k) - field(group.w2, group.w_star, group.k)
    return (
        np.linalg.norm(change, axis=1) * (2 * np.pi / group.k),
        np.linalg.norm(group.w1 - group.w2, axis=1),
    )


def measure_lemma_3(gradient: Field, group: TwoFilters) -> Pair:
    """Compare |grad f(w1) - grad f(w2)| with max(1, cot(delta)) (k / (2 pi c^2)) |w1 - w2|."""
    change, distance = differences(gradient, group)
    return change, np.maximum(1, 1 / np.tan(group.delta)) * distance / group.shortest**2


def one_percent_longer(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return 1.01 times the true gradient."""
    return 1.01 * true_gradient(w, w_star, k)


LEMMA_3 = Claim(
    id="gaussian.lemma-3",
    statement=(
        "|grad f(w1) - grad f(w2)| <= L |w1 - w2| with L = (k / (2 pi c^2)) max(1, cot(delta)), "
        "where both angles are in [delta, pi - delta] and both norms >= c."
    ),
    source=f"{RVS}, Lemma 3, restricted; docs/theory.md#a3",
    kind=Kind.UPPER_BOUND,
    sample=sample_lemma_3,
    measure=by_group(measure_lemma_3),
    subject=true_gradient,
    planted={
        "1 % too long": one_percent_longer,
        "not divided by |w|": lambda w, w_star, k: true_gradient(normalised(w), w_star, k),
    },
    tolerance=1e-9,
    scale=1e-300,
    hypotheses="delta from 1e-3 to 1.5, c from 0.01 to 100, |w*| = 1, d from 2 to 200",
    cases=10_000,
    near=1e-6,
)

STEEP = 1e6


def sample_kink(rng: np.random.Generator, count: int) -> list[TwoFilters]:
    """Search among two filters near their teacher, at random distances from it."""
    groups = []
    for d, m in dimensions(rng, count, lowest=2):
        teacher = random_teachers(rng, m, d).astype(float)
        spread = log_uniform(rng, 1e-10, 1, (m, 1))
        noise = rng.standard_normal((2, m, d)) * spread
        w1, w2 = normalised(teacher + noise[0]), normalised(teacher + noise[1])
        groups.append(TwoFilters(w1, w2, teacher, np.zeros(m), np.ones(m, int)))
    return groups


def measure_kink(gradient: Field, group: TwoFilters) -> Pair:
    """Compare |grad f(w1) - grad f(w2)| / |w1 - w2| with a constant of 1e6 k / (2 pi)."""
    change, distance = differences(gradient, group)
    return change / distance, np.full(len(change), STEEP)


KINK = Claim(
    id="gaussian.lemma-3-at-the-kink",
    statement=(
        "On all of 0 < theta < pi the true gradient is not Lipschitz: near w* some unit filters "
        "exceed even L = 10^6 k/(2 pi)."
    ),
    source=f"against {RVS}, Lemma 3, as stated; docs/theory.md#a3",
    kind=Kind.COUNTEREXAMPLE,
    sample=sample_kink,
    measure=by_group(Checked(measure_kink, plain_true_gradient, tolerance=1e-4)),
    subject=true_gradient,
    planted={"the coarse gradient, which is Lipschitz": coarse_gradient},
    tolerance=0.1,
    hypotheses="|w1| = |w2| = |w*| = 1, theta > 0, d from 2 to 200",
    cases=2_000,
)

# -------------------------------------------------- Lemma 4, the coarse gradient is Lipschitz


def sample_lemma_4(rng: np.random.Generator, count: int) -> list[TwoFilters]:
    """Draw filters at any angles with norms >= c, c from 1e-3 to 1e3."""
    groups = []
    for d, m in dimensions(rng, count):
        delta, c = rng.uniform(0, np.pi / 2, m), log_uniform(rng, 1e-3, 1e3, m)
        groups.append(lengthen(rng, random_two(rng, m, d, delta), c))
    return groups


def measure_lemma_4(gradient: Field, group: TwoFilters) -> Pair:
    """Compare |E g(w1) - E g(w2)| with (k / (2 pi c)) |w1 - w2|."""
    change, distance = differences(gradient, group)
    return change, distance / group.shortest


LIPSCHITZ = Claim(
    id="gaussian.lemma-4-lipschitz",
    statement="|E g(w1) - E g(w2)| <= (k / (2 pi c)) |w1 - w2| where |w1|, |w2| >= c.",
    source=f"{RVS}, Lemma 4; docs/theory.md#a4 (i)",
    kind=Kind.UPPER_BOUND,
    sample=sample_lemma_4,
    measure=by_group(measure_lemma_4),
    subject=coarse_gradient,
    planted={
        "the factor sqrt(2/pi) forgotten": without_factor,
        "w instead of w^": lambda w, w_star, k: k[:, np.newaxis] / (2 * np.pi) * (w - w_star),
    },
    tolerance=1e-8,
    scale=1e-300,
    hypotheses="|w1|, |w2| >= c, 1e-3 <= c <= 1e3, |w*| = 1, d from 1 to 200",
    cases=10_000,
    near=1e-7,
)

# ------------------------------------------------------- Lemma 4, descent along the coarse gradient

LossAndGradient = tuple[Field, Field]


def sample_descent(rng: np.random.Generator, count: int) -> list[TwoFilters]:
    """Draw unit filters with theta2 <= theta1, every third pair with theta2 = theta1."""
    return [
        ordered(random_two(rng, m, d, rng.uniform(0.01, 1.5, m)), falling=True)
        for d, m in dimensions(rng, count, lowest=2)
    ]


def curvature(subject: LossAndGradient, group: TwoFilters) -> FloatArray:
    """Return (2 pi/k) L for which f(w2) = f(w1) + <E g(w1), w2 - w1> + (L/2) |w2 - w1|^2."""
    loss, gradient = subject
    step = group.w2 - group.w1
    rise = loss(group.w2, group.w_star, group.k) - loss(group.w1, group.w_star, group.k)
    linear = np.sum(gradient(group.w1, group.w_star, group.k) * step, axis=1)
    # Steps below 0.001 need less than what is returned: rounding would be magnified by 1/|step|^2.
    return 2 * (rise - linear) / np.maximum(np.sum(step**2, axis=1), 1e-6) * (2 * np.pi / group.k)


def measure_descent(subject: LossAndGradient, group: TwoFilters, constant: float = 1.0) -> Pair:
    """Compare the curvature that a step needs with L = constant k / (2 pi)."""
    needed = curvature(subject, group)
    return needed, np.full(len(needed), constant)


DESCENT = Claim(
    id="gaussian.lemma-4-descent",
    statement=(
        "f(w2) <= f(w1) + <E g(w1), w2 - w1> + (L/2) |w2 - w1|^2 with L = k/(2 pi), "
        "for unit filters with theta2 <= theta1."
    ),
    source=f"{RVS}, Lemma 4; docs/theory.md#a4 (ii)",
    kind=Kind.UPPER_BOUND,
    sample=sample_descent,
    measure=by_group(measure_descent),
    subject=(population_loss, coarse_gradient),
    planted={
        "the factor sqrt(2/pi) forgotten": (population_loss, without_factor),
        "the loss k/(4 pi) theta": (
            lambda w, w_star, k: population_loss(w, w_star, k) / 2,
            coarse_gradient,
        ),
    },
    tolerance=1e-7,
    hypotheses="|w1| = |w2| = |w*| = 1, theta2 <= theta1, d from 2 to 200",
    cases=10_000,
    near=1e-9,
)


def sample_steps(falling: bool, rng: np.random.Generator, count: int) -> list[TwoFilters]:
    """Search among unit filters a random step apart, at angles of all sizes."""
    groups = []
    for d, m in dimensions(rng, count, lowest=2):
        teacher = random_teachers(rng, m, d).astype(float)
        e = orthogonal_to(rng, teacher).astype(float)
        theta = np.where(rng.random(m) < 0.5, log_uniform(rng, 1e-6, 1, m), rng.uniform(0, 3, m))
        w1 = on_sphere(teacher, e, theta)
        direction = normalised(rng.standard_normal((m, d)))
        towards = rng.choice([-1.0, 0.0, 1.0], (m, 1)) * teacher
        step = log_uniform(rng, 1e-3, 1.0, (m, 1)) * (towards + rng.random((m, 1)) * direction)
        group = TwoFilters(w1, normalised(w1 + step), teacher, np.zeros(m), np.ones(m, int))
        groups.append(ordered(group, falling))
    return groups


WITHOUT_FACTOR = Claim(
    id="gaussian.lemma-4-without-factor",
    statement=(
        "Without the factor sqrt(2/pi) the descent inequality fails, even with an L ten times the "
        "Lipschitz constant k / (2 sqrt(2 pi)) of that gradient."
    ),
    source="docs/theory.md#a4 (ii)",
    kind=Kind.COUNTEREXAMPLE,
    sample=partial(sample_steps, True),
    measure=by_group(
        Checked(
            partial(measure_descent, constant=10 / SLOPE),
            (plain_loss, lambda *at: np.sqrt(np.pi / 2) * plain_coarse_gradient(*at)),
        )
    ),
    subject=(population_loss, without_factor),
    planted={"with the factor it holds": (population_loss, coarse_gradient)},
    tolerance=0.1,
    hypotheses="|w1| = |w2| = |w*| = 1, theta2 <= theta1, d from 2 to 200",
    cases=2_000,
)


def smooth_loss(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return (k / 4 pi) |w^ - w*|^2, a parabola where f is a cone."""
    return k / (4 * np.pi) * np.sum((normalised(w) - w_star) ** 2, axis=1)


RISING_ANGLE = Claim(
    id="gaussian.lemma-4-rising-angle",
    statement=(
        "Where theta2 > theta1 the descent inequality fails for small theta1, even with "
        "L = 100 k/(2 pi): f is a cone, the bound a parabola."
    ),
    source="docs/theory.md#a4 (ii)",
    kind=Kind.COUNTEREXAMPLE,
    sample=partial(sample_steps, False),
    measure=by_group(
        Checked(partial(measure_descent, constant=100.0), (plain_loss, plain_coarse_gradient))
    ),
    subject=(population_loss, coarse_gradient),
    planted={"a loss that is smooth at w*": (smooth_loss, coarse_gradient)},
    tolerance=0.1,
    hypotheses="|w1| = |w2| = |w*| = 1, theta2 >= theta1, d from 2 to 200",
    cases=2_000,
)

CLAIMS: tuple[Claim, ...] = (
    LEMMA_1,
    ACUTE,
    LEMMA_3,
    KINK,
    LIPSCHITZ,
    DESCENT,
    WITHOUT_FACTOR,
    RISING_ANGLE,
)
