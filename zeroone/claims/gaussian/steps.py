"""Claims: what one step of RVSCGD does: to u, to w, and to the angle, to first order in eta."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    RVS,
    Pair,
    by_group,
    dimensions,
    folded,
    log_uniform,
    normalised,
    orthogonal_to,
    random_teachers,
)
from zeroone.claims.gaussian.runs import (
    HYPOTHESES,
    Batch,
    Run,
    angles,
    batches,
    of_the_algorithm,
    plain_lagrangian,
    plain_prox,
    plain_run,
    random_batch,
    repelled,
    too_long,
    too_stiff,
    unnormalised,
    uphill,
    wrong_level,
)
from zeroone.gaussian import rvscgd, theory
from zeroone.support.validation import FloatArray


def measure_algorithm(run: Run, batch: Batch) -> Pair:
    """Compare (u, w) after some iterations with the algorithm written plainly."""
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=5)
    plain = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=5)
    return np.stack([result.u, result.w]), np.stack([plain.u, plain.w])


ALGORITHM = Claim(
    id="rvscgd.algorithm",
    statement="u <- prox(w), w <- w - eta (E g(w) + beta (w - u)), w <- w/|w|, five times.",
    source=f"{RVS}, Algorithm 1; docs/theory.md#a6",
    kind=Kind.EQUALITY,
    sample=batches(),
    measure=by_group(measure_algorithm),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "the coupling's sign": repelled,
        "twice the level of the proximal map": wrong_level,
        "w not normalised": unnormalised,
        "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
    },
    # The arc cosine of the printed map of transformed l1 has about half of the digits.
    tolerance=1e-7,
    hypotheses=HYPOTHESES,
    cases=10_000,
)


def measure_u_step(run: Run, batch: Batch) -> Pair:
    """Compare L(u, w) at the u of a step with L at other u: w, 0, u scaled, one entry dropped."""
    u = run(batch.w, batch.w_star, **batch.settings, n_iter=1).u
    with_one_less = u.copy()
    smallest = np.argmin(np.where(u != 0, np.abs(u), np.inf), axis=1)
    with_one_less[np.arange(len(u)), smallest] = 0
    others = [batch.w, np.zeros_like(u), 1.01 * u, 0.99 * u + 0.01 * batch.w, with_one_less]
    theirs = [plain_lagrangian(batch, other, batch.w) for other in others]
    return np.tile(plain_lagrangian(batch, u, batch.w), len(others)), np.concatenate(theirs)


U_STEP = Claim(
    id="rvscgd.u-step",
    statement="The step of u minimises the Lagrangian over u: L(u_new, w) <= L(any u, w).",
    source=f"{RVS}, Theorem 1; docs/theory.md#a5, #a6",
    kind=Kind.UPPER_BOUND,
    sample=batches(),
    measure=by_group(measure_u_step),
    subject=rvscgd.run,
    planted={
        "twice the level of the proximal map": wrong_level,
        "half the level of the proximal map": partial(plain_run, level=0.5),
        "u = w": partial(plain_run, level=0.0),
    },
    tolerance=1e-13,
    hypotheses=HYPOTHESES,
    cases=10_000,
    near=1e-9,
)


def measure_w_step(run: Run, batch: Batch) -> Pair:
    """Compare L after the step of w with L before it, less what the step must gain."""
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=1)
    before = plain_lagrangian(batch, result.u, batch.w)
    moved = np.sum((result.w - batch.w) ** 2, axis=1)
    gain = (1 / batch.eta - batch.beta - batch.slope) / 2 * moved
    after = plain_lagrangian(batch, result.u, result.w)
    return after, before - gain


W_STEP = Claim(
    id="rvscgd.w-step",
    statement=(
        "The step of w lowers the Lagrangian by at least (1/eta - beta - L)/2 |w_new - w|^2, "
        "L = k/(2 pi), at theta >= delta."
    ),
    source=f"{RVS}, Theorem 1; docs/theory.md#a4, #a7",
    kind=Kind.UPPER_BOUND,
    sample=batches(lowest=2, above_delta=True),
    measure=by_group(of_the_algorithm(measure_w_step)),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
        "a step four times as long": too_long(rvscgd.run, 4.0),
        "w not normalised": unnormalised,
    },
    tolerance=1e-12,
    hypotheses=HYPOTHESES + "; theta >= delta",
    cases=10_000,
    near=1e-3,
)

# ------------------------------------------------------------------------ the angle, to first order

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
    filters = (folded(each) for each in (point.u, batch.w, batch.w_star))
    found = margin(*filters, k=folded(batch.k), beta=folded(batch.beta)).ravel()
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
    u, w, w_star = (each.reshape(-1, each.shape[-1]) for each in (u, w, w_star))
    k, beta = k.ravel(), beta.ravel()
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
    source=f"{RVS}, Theorem 1, as a condition; docs/theory.md#a7",
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
    hypotheses="any u, any beta, theta from 0.01 to pi - 0.01, d from 2 to 200; two leading axes",
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
        # No entry is at the threshold itself, where rounding would decide.
        level = (1 + 1e-9) * np.median(np.abs(batch.w), axis=1) ** 2 / 2
        u = plain_prox(batch.penalty, batch.w, level)
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
    source="against docs/theory.md#a7, where the condition has >=",
    kind=Kind.COUNTEREXAMPLE,
    sample=undecided,
    measure=by_group(of_the_algorithm(measure_one_iteration)),
    subject=rvscgd.run,
    planted={"beta a tenth, where the condition is strict": too_stiff(rvscgd.run, 0.1)},
    tolerance=1e-3,
    hypotheses="l0, beta such that both sides are equal, eta <= 1/(beta + k/(2 pi))",
    cases=600,
)

CLAIMS: tuple[Claim, ...] = (ALGORITHM, U_STEP, W_STEP, FIRST_ORDER, UNDECIDED)
