"""Claims: the condition for the angle to fall to first order, and its edge."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

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
from zeroone.claims.gaussian_rvscgd_instances import (
    Batch,
    Run,
    angles,
    plain_prox,
    random_batch,
)
from zeroone.claims.gaussian_rvscgd_steps import too_stiff
from zeroone.gaussian import rvscgd, theory
from zeroone.validation import FloatArray

Margin = Callable[..., FloatArray]


@dataclass(frozen=True)
class Point:
    """Filters w with any u."""

    batch: Batch
    u: FloatArray


def points(rng: np.random.Generator, count: int) -> list[Point]:
    """Draw filters at angles from 0.01 to pi - 0.01, and any u: beta is not restricted."""
    groups = []
    for d, m in dimensions(rng, count, lowest=2, groups=8):
        batch = random_batch(rng, m, d, "l0")
        teacher = random_teachers(rng, m, d)
        theta = rng.uniform(0.01, np.pi - 0.01, m)[:, np.newaxis]
        w = np.cos(theta) * teacher + np.sin(theta) * orthogonal_to(rng, teacher)
        w, w_star = w.astype(float), teacher.astype(float)
        u = np.where(
            rng.random((m, 1)) < 0.5, w * (rng.random((m, d)) < 0.5), rng.standard_normal((m, d))
        )
        beta = batch.slope * log_uniform(rng, 0.01, 10.0, m)
        groups.append(Point(replace(batch, w=w, w_star=w_star, beta=beta), u))
    return groups


def plain_step(point: Point, eta: FloatArray) -> FloatArray:
    """Return w - eta (c (w - w*) + beta (w - u)), normalised, for steps of either sign."""
    batch = point.batch
    slope, beta = batch.slope[:, np.newaxis], batch.beta[:, np.newaxis]
    downhill = slope * (batch.w - batch.w_star) + beta * (batch.w - point.u)
    return normalised(batch.w - eta[:, np.newaxis] * downhill)


def measure_first_order(margin: Margin, point: Point) -> Pair:
    """Compare the margin with -sin(theta) times the slope of theta in eta, a central difference."""
    batch = point.batch
    size = batch.slope + batch.beta * (1 + np.sqrt(np.sum(point.u**2, axis=1)))
    eta = 1e-5 / size
    theta = [angles(plain_step(point, sign * eta), batch.w_star) for sign in (1, -1)]
    slope = (theta[0] - theta[1]) / (2 * eta)
    found = margin(point.u, batch.w, batch.w_star, k=batch.k, beta=batch.beta)
    return found / size, -np.sin(angles(batch.w, batch.w_star)) * slope / size


def printed_margin(
    u: FloatArray,
    w: FloatArray,
    w_star: FloatArray,
    *,
    k: FloatArray,
    beta: FloatArray,
    square: bool = True,
    projected: bool = True,
) -> FloatArray:
    """Return c sin^2(theta) - beta (<u,w> cos(theta) - <u,w*>); what is left out plants errors."""
    theta = angles(w, w_star)
    sine = np.sin(theta) ** 2 if square else np.sin(theta)
    along = np.sum(u * w, axis=1) * np.cos(theta) if projected else 0.0
    return k / (2 * np.pi) * sine - beta * (along - np.sum(u * w_star, axis=1))


FIRST_ORDER = Claim(
    id="rvscgd.angle-first-order",
    statement=(
        "-sin(theta) d theta/d eta = (k/2 pi) sin^2(theta) - beta (<u,w> cos(theta) - <u,w*>) at "
        "eta = 0: the angle falls to first order iff this is positive."
    ),
    source=f"{RVS}, Theorem 1, as a condition; theory, A7",
    kind=Kind.EQUALITY,
    sample=points,
    measure=by_group(measure_first_order),
    subject=theory.angle_descent_margin,
    planted={
        "sin instead of sin^2": lambda *x, **s: printed_margin(*x, **s, square=False),
        "<u,w> cos(theta) left out": lambda *x, **s: printed_margin(*x, **s, projected=False),
        "one patch too many": lambda *x, k, **s: printed_margin(*x, k=k + 1, **s),
    },
    tolerance=1e-8,
    hypotheses="any u, any beta, theta from 0.01 to pi - 0.01, d from 2 to 200",
    cases=10_000,
)


def undecided(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw starts with l0 and the beta for which the first-order condition is an equality."""
    groups = []
    for d, m in dimensions(rng, count, lowest=3, groups=6):
        batch = random_batch(rng, m, d, "l0")
        theta = rng.uniform(0.2, 1.4, m).astype(np.longdouble)[:, np.newaxis]
        teacher = random_teachers(rng, m, d)
        w = np.cos(theta) * teacher + np.sin(theta) * orthogonal_to(rng, teacher)
        batch = replace(batch, w=w.astype(float), w_star=teacher.astype(float))
        level = np.median(np.abs(batch.w), axis=1) ** 2 / 2
        u = plain_prox(batch, batch.w, level)
        away = np.sum(u * batch.w, axis=1) * np.cos(theta[:, 0]) - np.sum(u * batch.w_star, axis=1)
        usable = away > 0.05
        beta = batch.slope * np.sin(theta[:, 0]) ** 2 / np.where(usable, away, 1.0)
        beta = np.where(usable, beta, 0.1 * batch.slope).astype(float)
        groups.append(replace(batch, beta=beta, lam=beta * level, eta=0.3 / (beta + batch.slope)))
    return groups


def measure_one_iteration(run: Run, batch: Batch) -> Pair:
    """Compare theta after one iteration with theta before it."""
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=1)
    return angles(result.w, batch.w_star), angles(batch.w, batch.w_star)


UNDECIDED = Claim(
    id="rvscgd.angle-first-order-equality",
    statement=(
        "With equality in the first-order condition the angle can rise: it decides only if strict."
    ),
    source="against theory, A7, where the condition has >=",
    kind=Kind.COUNTEREXAMPLE,
    sample=undecided,
    measure=by_group(measure_one_iteration),
    subject=rvscgd.run,
    planted={"beta a tenth, where the condition is strict": too_stiff(rvscgd.run, 0.1)},
    tolerance=1e-3,
    hypotheses="l0, beta such that both sides are equal, eta <= 1/(beta + k/(2 pi))",
    cases=600,
)

CLAIMS: tuple[Claim, ...] = (FIRST_ORDER, UNDECIDED)
