"""Claims: the descent inequality of Lemma 4, the factor that it needs, and where it breaks."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import RVS
from zeroone.claims.gaussian_pairs import (
    Pair,
    by_group,
    dimensions,
    log_uniform,
    normalised,
    orthogonal_to,
    random_teachers,
)
from zeroone.claims.gaussian_two import TwoFilters, on_sphere, ordered, random_two
from zeroone.gaussian.population import coarse_gradient, population_loss
from zeroone.gaussian.pseudo import SLOPE, expected_coarse_gradient
from zeroone.validation import FloatArray

Field = Callable[[FloatArray, FloatArray, NDArray[np.int64]], FloatArray]
LossAndGradient = tuple[Field, Field]


def without_factor(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return the coarse gradient without the factor sqrt(2/pi)."""
    return expected_coarse_gradient(w, w_star, k, slope=1.0)


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
    source=f"{RVS}, Lemma 4; theory, A4 (ii)",
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
    source="theory, A4 (ii)",
    kind=Kind.COUNTEREXAMPLE,
    sample=partial(sample_steps, True),
    measure=by_group(partial(measure_descent, constant=10 / SLOPE)),
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
    source="theory, A4 (ii)",
    kind=Kind.COUNTEREXAMPLE,
    sample=partial(sample_steps, False),
    measure=by_group(partial(measure_descent, constant=100.0)),
    subject=(population_loss, coarse_gradient),
    planted={"a loss that is smooth at w*": (smooth_loss, coarse_gradient)},
    tolerance=0.1,
    hypotheses="|w1| = |w2| = |w*| = 1, theta2 >= theta1, d from 2 to 200",
    cases=2_000,
)

CLAIMS: tuple[Claim, ...] = (DESCENT, WITHOUT_FACTOR, RISING_ANGLE)
