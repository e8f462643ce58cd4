"""Claims: the limit of RVSCGD with l1, in closed form."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    RVS,
    Pair,
    by_group,
    dimensions,
    log_uniform,
    normalised,
)
from zeroone.claims.gaussian.runs import (
    HYPOTHESES,
    STIFFNESS,
    TO_THE_LIMIT,
    Batch,
    angles,
    batches,
    limit_parameters,
    long_runs,
    plain_run,
    random_batch,
    sine_identity,
    teacher_of_fixed_point,
)
from zeroone.claims.guard import Checked
from zeroone.gaussian import limits
from zeroone.support.validation import FloatArray

Limit = Callable[..., limits.LimitPoint]


def plain_limit(
    w_star: FloatArray,
    *,
    k: NDArray[np.int64],
    lam: FloatArray,
    beta: FloatArray,
    price: float = 1.0,
    stiffness: float = 1.0,
    balanced: bool = True,
) -> limits.LimitPoint:
    """Return the limit of l1 by bisection on C; what differs from the defaults plants errors."""
    s = (k / (2 * np.pi))[:, np.newaxis] * np.abs(w_star)
    lam, beta = price * lam[:, np.newaxis], stiffness * beta[:, np.newaxis]
    low, high = beta, beta + np.sqrt(np.sum(s**2, axis=1, keepdims=True))
    for _ in range(100):
        C = (low + high) / 2
        w = np.where(s <= C * lam / beta, s / C, (s - (lam if balanced else 0)) / (C - beta))
        long = np.sum(w**2, axis=1, keepdims=True) > 1
        low, high = np.where(long, C, low), np.where(long, high, C)
    w = normalised(w * np.sign(w_star))
    u = np.sign(w) * np.maximum(np.abs(w) - lam / beta, 0)
    return limits.LimitPoint(u, w, C[:, 0], angles(w, w_star))


def measure_l1_fixed_point(limit: Limit, batch: Batch) -> Pair:
    """Compare a plain iteration from the closed form with the closed form, and its norm with 1."""
    point = limit(batch.w_star, **limit_parameters(batch))
    start = replace(batch, w=point.w)
    after = plain_run(start.w, start.w_star, **start.settings, n_iter=1)
    norm = np.sum(point.w**2, axis=1, keepdims=True)
    return np.hstack([after.u, after.w, norm]), np.hstack([point.u, point.w, np.ones_like(norm)])


def balanced_runs(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs with l1, some of which just have a limit: beta > c, and lam near c max |w*_i|.

    Their C is beta and their w known all the same: all entries but the largest are (c/beta) w*_i.
    """
    few = min(count // 20, 50)
    groups = batches(("l1",))(rng, count - few)
    if few:
        batch = random_batch(rng, few, int(rng.integers(2, 20)), "l1")
        k = rng.integers(1, 4, few)
        slope = k / (2 * np.pi)
        across = normalised(rng.standard_normal(batch.w.shape))
        w_star = normalised(np.eye(1, batch.w.shape[1]) + 0.9 * across * np.sign(across[:, :1]))
        beta = slope * rng.uniform(1.1, 1.5, few)
        # Far below the largest lam in units of rounding, and near it all the same.
        lam = slope * np.max(np.abs(w_star), axis=1) * (1 - 2.0**-40)
        eta = 1 / (beta + slope)
        groups.append(replace(batch, w_star=w_star, k=k, lam=lam, beta=beta, eta=eta))
    return groups


WRONG_L1_LIMITS: dict[str, Limit] = {
    "lam not subtracted": partial(plain_limit, balanced=False),
    "lam doubled": partial(plain_limit, price=2.0),
    "beta halved": partial(plain_limit, stiffness=0.5),
}

L1_FIXED_POINT = Claim(
    id="rvscgd.l1-closed-form",
    statement=(
        "w_i = sign(w*_i) s_i/C if s_i <= C lam/beta, else sign(w*_i) (s_i - lam)/(C - beta), "
        "s = (k/2 pi)|w*|, with C > beta the root of |w(C)| = 1, is left in place by an iteration."
    ),
    source="docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=balanced_runs,
    measure=by_group(measure_l1_fixed_point),
    subject=limits.l1_limit,
    planted=WRONG_L1_LIMITS,
    tolerance=1e-12,
    hypotheses=HYPOTHESES + "; and k/(2 pi) < beta with lam just below (k/2 pi) max |w*_i|",
    cases=10_000,
)


def measure_l1_iteration(limit: Limit, batch: Batch) -> Pair:
    """Compare the closed form with the plain algorithm after many iterations."""
    point = limit(batch.w_star, **limit_parameters(batch))
    run = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    return np.stack([point.u, point.w]), np.stack([run.u, run.w])


L1_ITERATION = Claim(
    id="rvscgd.l1-long-iteration",
    statement="The closed form is where the iteration ends, whatever the start.",
    source="docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=long_runs("l1"),
    measure=by_group(measure_l1_iteration),
    subject=limits.l1_limit,
    planted=WRONG_L1_LIMITS,
    tolerance=1e-11,
    hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
    cases=1000,
)


def sharp_teachers(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw instances of l1, half of them such that w has one large entry and many at the threshold.

    Then w - u = (lam/beta) sign(w) is nearly orthogonal to w, and the bound on sin(theta) is
    nearly attained if d is large.
    """
    groups = []
    for d, m in dimensions(rng, count, groups=8):
        batch = random_batch(rng, m, d, "l1", STIFFNESS)
        small = log_uniform(rng, 1e-4, 1e-1, m)[:, np.newaxis] / np.sqrt(d)
        w = normalised(small + np.eye(1, d))
        level = np.min(w, axis=1) * 0.999
        lam = np.minimum(batch.beta * level, 0.999 * batch.slope / np.sqrt(d))
        sharp = replace(batch, lam=lam)
        sharp = replace(sharp, w_star=teacher_of_fixed_point(sharp, w))
        half = rng.random(m) < 0.5
        groups.append(
            replace(
                batch,
                lam=np.where(half, batch.lam, lam),
                w_star=np.where(half[:, np.newaxis], batch.w_star, sharp.w_star),
            )
        )
    return groups


def measure_l1_bound(limit: Limit, batch: Batch) -> Pair:
    """Compare sin(theta) of the closed form with (2 pi/k) lam sqrt(d)."""
    sine = np.sin(limit(batch.w_star, **limit_parameters(batch)).angle)
    return sine / batch.lam, np.sqrt(batch.w.shape[1]) / batch.slope


L1_BOUND = Claim(
    id="rvscgd.l1-error-bound",
    statement="At the limit of l1, sin(theta) <= (2 pi/k) lam sqrt(d).",
    source=f"{RVS}, Theorem 1; docs/theory.md#a7",
    kind=Kind.UPPER_BOUND,
    sample=sharp_teachers,
    measure=by_group(measure_l1_bound),
    subject=limits.l1_limit,
    planted={"lam doubled": partial(plain_limit, price=2.0)},
    tolerance=1e-12,
    scale=1e-3,
    hypotheses=HYPOTHESES,
    cases=10_000,
    near=0.02,
)


def measure_l1_sine(limit: Limit, batch: Batch) -> Pair:
    """Compare sin(theta) with (2 pi beta/k) |u| sin(gamma) at the closed form."""
    point = limit(batch.w_star, **limit_parameters(batch))
    return sine_identity(batch, point.u, point.w)


L1_SINE = Claim(
    id="rvscgd.l1-sine",
    statement="At the limit of l1, sin(theta) = (2 pi beta/k) |u| sin(gamma).",
    source=f"{RVS}, Theorem 1; docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=batches(("l1",)),
    measure=by_group(Checked(measure_l1_sine, plain_limit, read=lambda point: (point.u, point.w))),
    subject=limits.l1_limit,
    # With lam doubled throughout, it is the limit for another lam, and the identity holds.
    planted={name: WRONG_L1_LIMITS[name] for name in ("lam not subtracted", "beta halved")},
    tolerance=1e-13,
    hypotheses=HYPOTHESES,
    cases=10_000,
)


def measure_single(limit: Limit, batch: Batch) -> Pair:
    """Compare the limit of one run, given as vectors and numbers, with bisection."""
    one = {name: value[0] for name, value in limit_parameters(batch).items()}
    point = limit(batch.w_star[0], **one)
    rows = {name: value[:1] for name, value in limit_parameters(batch).items()}
    known = plain_limit(batch.w_star[:1], **rows)
    return np.append(point.w, point.multiplier), np.append(known.w[0], known.multiplier[0])


SINGLE = Claim(
    id="rvscgd.l1-single",
    statement="The limit of l1 is the same for a single run as in a batch.",
    source="docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=batches(("l1",)),
    measure=by_group(measure_single),
    subject=limits.l1_limit,
    planted={
        "beta halved": lambda w_star, *, beta, **s: limits.l1_limit(w_star, beta=beta / 2, **s),
        "one patch too many": lambda w_star, *, k, **s: limits.l1_limit(w_star, k=k + 1, **s),
    },
    tolerance=1e-11,
    hypotheses=HYPOTHESES,
    cases=100,
)

CLAIMS = (L1_FIXED_POINT, L1_ITERATION, L1_BOUND, L1_SINE, SINGLE)
