"""Claims: where RVSCGD ends: fixed points, the limit of l1 in closed form, long runs; and ADMM."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
    random_teachers,
)
from zeroone.claims.gaussian.prox import Threshold, threshold_by_hand
from zeroone.claims.gaussian.runs import (
    ADDED,
    HYPOTHESES,
    PRINTED,
    PUBLISHED,
    STIFFNESS,
    TITLES,
    TO_THE_LIMIT,
    Batch,
    Run,
    angles,
    batches,
    emptied,
    jumped,
    level_of,
    limit_parameters,
    long_runs,
    of_the_algorithm,
    plain_prox,
    plain_run,
    pull,
    random_batch,
    repelled,
    sine_identity,
    teacher_of_fixed_point,
    unnormalised,
    uphill,
    wrong_level,
)
from zeroone.claims.guard import Checked
from zeroone.gaussian import limits, rvscgd
from zeroone.penalties import L0, L1, PENALTIES
from zeroone.support.validation import FloatArray

# By how much an iteration may still move w of a run that has settled.
SETTLED = 1e-12

# ----------------------------------------------------------------------- fixed points, any penalty


@dataclass(frozen=True)
class FixedPoint:
    """Runs that start at a fixed point (u, w)."""

    batch: Batch
    u: FloatArray


def fixed_points(rng: np.random.Generator, count: int) -> list[FixedPoint]:
    """Draw a limit w and then the teacher that has it.

    A third of the limits has two entries, one on each side of a threshold of l0: |u| sin(gamma)
    comes near its largest value, 1/2, if they are nearly equal.
    """
    groups = []
    for index, (d, m) in enumerate(dimensions(rng, count, groups=9)):
        penalty = ("l0", "l1", "tl1")[index % 3]
        batch = random_batch(rng, m, d, penalty, 0.99)
        w = random_teachers(rng, m, d)
        if d > 1:
            pair = np.zeros((m, d))
            pair[:, 0], pair[:, 1] = 1.0, 1 - log_uniform(rng, 1e-6, 0.5, m)
            w[rng.random(m) < 1 / 3] = normalised(pair)[0]
        w = w.astype(float)
        if penalty == "l0":
            # A level halfway between two magnitudes: no entry is near the threshold.
            size = np.sort(np.abs(w), axis=1)
            below = np.zeros((m, d + 1))
            below[:, 1:] = size
            lower = rng.integers(d, size=m)
            middle = (below[np.arange(m), lower] + below[np.arange(m), lower + 1]) / 2
            batch = replace(batch, lam=batch.beta * middle**2 / 2)
        batch = replace(batch, w=w)
        batch = replace(batch, w_star=teacher_of_fixed_point(batch, w))
        groups.append(FixedPoint(batch, plain_prox(batch.penalty, w, batch.lam / batch.beta)))
    return groups


def measure_fixed_point(run: Run, point: FixedPoint) -> Pair:
    """Compare (u, w) after two iterations with the fixed point."""
    batch = point.batch
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=2)
    return np.stack([result.u, result.w]), np.stack([point.u, batch.w])


FIXED_POINT = Claim(
    id="rvscgd.fixed-point",
    statement="Where (k/2 pi) w* + beta u = C w with u = prox(w), an iteration changes nothing.",
    source=f"{RVS}, Theorem 1; docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=fixed_points,
    measure=by_group(measure_fixed_point),
    subject=rvscgd.run,
    planted={
        "the coupling's sign": repelled,
        "twice the level of the proximal map": wrong_level,
        "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
    },
    tolerance=1e-7,
    hypotheses="beta < k/(2 pi), eta <= 1/(beta + k/(2 pi)), d from 1 to 200",
    cases=10_000,
)


def measure_balance(balance: Callable[..., limits.Balance], point: FixedPoint) -> Pair:
    """Compare 1 + residual with 1, and C at its larger bound by the norm of c w* + beta u."""
    batch = point.batch
    found = balance(point.u, batch.w, batch.w_star, k=batch.k, beta=batch.beta)
    total = np.sqrt(np.sum(pull(batch, point.u) ** 2, axis=1))
    residual = np.stack([total + found.residual, found.multiplier])
    return residual / batch.slope, np.stack([total, total]) / batch.slope


def wrong_balance(u: FloatArray, w: FloatArray, w_star: FloatArray, **settings: Any) -> Any:
    """Return the balance with w in the place of u."""
    return limits.balance(w, w, w_star, **settings)


def wrong_balance_k(u: FloatArray, w: FloatArray, w_star: FloatArray, **settings: Any) -> Any:
    """Return the balance with one patch more."""
    return limits.balance(u, w, w_star, **{**settings, "k": settings["k"] + 1})


BALANCE = Claim(
    id="rvscgd.balance",
    statement="At fixed points of l1, l0 and transformed l1 the balance equation's residual is 0.",
    source="docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=fixed_points,
    measure=by_group(measure_balance),
    subject=limits.balance,
    planted={"w instead of u": wrong_balance, "one patch too many": wrong_balance_k},
    tolerance=1e-12,
    hypotheses="beta < k/(2 pi), d from 1 to 200",
    cases=10_000,
)


def measure_multiplier(balance: Callable[..., limits.Balance], point: FixedPoint) -> Pair:
    """Compare c with C, and C with c + beta, in units of c."""
    batch = point.batch
    C = balance(point.u, batch.w, batch.w_star, k=batch.k, beta=batch.beta).multiplier
    measured = np.stack([batch.slope, C]) / batch.slope
    return measured, np.stack([C, batch.slope + batch.beta]) / batch.slope


MULTIPLIER = Claim(
    id="rvscgd.multiplier",
    statement="k/(2 pi) <= C <= k/(2 pi) + beta at fixed points with beta < k/(2 pi).",
    source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
    kind=Kind.UPPER_BOUND,
    sample=fixed_points,
    measure=by_group(measure_multiplier),
    subject=limits.balance,
    planted={
        "one patch too many": wrong_balance_k,
        "-u instead of u": lambda u, w, w_star, **s: limits.balance(-u, w, w_star, **s),
    },
    tolerance=1e-12,
    hypotheses="beta < k/(2 pi), d from 1 to 200",
    cases=10_000,
    near=1e-9,
)


def measure_sine_bound(bound: Callable[..., FloatArray], point: FixedPoint) -> Pair:
    """Compare sin(theta) at fixed points with the bound, in units of the bound."""
    batch = point.batch
    stated = bound(batch.penalty, batch.w.shape[1], **limit_parameters(batch))
    # With lam = 0 both are 0, up to rounding.
    priced = batch.lam > 1e-9 * batch.beta
    sine = sine_identity(batch, point.u, batch.w)[0]
    return sine[priced] / stated[priced], np.ones(np.count_nonzero(priced))


def wrong_sine_bound(penalty: Any, d: int, **settings: Any) -> FloatArray:
    """Return the bound for one dimension."""
    return limits.sine_bound(penalty, 1, **settings)


SINE_BOUND = Claim(
    id="rvscgd.error-bound",
    statement=(
        "At fixed points sin(theta) <= (2 pi/k) min(beta/2, s), with s = lam sqrt(d) for l1, "
        "lam sqrt(d) (a+1)/a for transformed l1, sqrt(2 beta lam d) for l0."
    ),
    source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
    kind=Kind.UPPER_BOUND,
    sample=fixed_points,
    measure=by_group(measure_sine_bound),
    subject=limits.sine_bound,
    planted={
        "d forgotten": wrong_sine_bound,
        "beta/4": lambda penalty, d, **s: limits.sine_bound(penalty, d, **s) / 2,
        "twice the bound": lambda penalty, d, **s: 2 * limits.sine_bound(penalty, d, **s),
    },
    tolerance=1e-9,
    hypotheses="beta < k/(2 pi), d from 1 to 200",
    cases=10_000,
    near=1e-3,
)

# ------------------------------------------------------------------------ the limit of l1

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
    sample=batches(("l1",)),
    measure=by_group(measure_l1_fixed_point),
    subject=limits.l1_limit,
    planted=WRONG_L1_LIMITS,
    tolerance=1e-12,
    hypotheses=HYPOTHESES,
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

# ------------------------------------------------------------------------------------- long runs


def settled(batch: Batch) -> tuple[Any, NDArray[np.bool_]]:
    """Return where the plain algorithm ends, and which runs one more iteration leaves in place.

    A map that is steeper than 1 can make the iteration slow, as near a fixed point that repels.
    """
    end = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    after = plain_run(end.w, batch.w_star, **batch.settings, n_iter=1)
    return end, np.max(np.abs(after.w - end.w), axis=1) < SETTLED


def measure_limit_balance(run: Run, batch: Batch) -> Pair:
    """Compare c w* + beta u with its part along w at the end of long runs, in units of c."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    total = pull(batch, end.u) / batch.slope[:, np.newaxis]
    return np.sum(total * end.w, axis=1, keepdims=True) * end.w, total


def measure_settled_balance(run: Run, batch: Batch) -> Pair:
    """Compare as `measure_limit_balance`, where the plain algorithm has settled."""
    ends: list[Any] = []

    def kept(*arguments: Any, **settings: Any) -> Any:
        ends.append(run(*arguments, **settings))
        return ends[-1]

    along, total = measure_limit_balance(kept, batch)
    plain, still = settled(batch)
    elsewhere = np.max(np.abs(ends[0].w - plain.w), axis=1) > 1e-6
    along = np.where(elsewhere[:, np.newaxis], np.nan, along)
    return along[still], total[still]


def limit_balance(penalty: str) -> Claim:
    """Return the claim that the limits with a penalty balance."""
    published = penalty in PUBLISHED
    return Claim(
        id=f"rvscgd.limit-balance-{penalty}",
        statement="Long runs end with (k/2 pi) w* + beta u = C w: w*, u and w lie in a plane.",
        source=f"{RVS}, Theorem 1 and Corollary 1.1; docs/theory.md#a7",
        kind=Kind.EQUALITY,
        sample=long_runs(penalty),
        measure=by_group(
            of_the_algorithm(measure_limit_balance) if published else measure_settled_balance
        ),
        subject=rvscgd.run,
        planted={
            "the coupling's sign": repelled,
            "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
            "w not normalised": unnormalised,
            "w = w* and u = 0": emptied,
        },
        tolerance=1e-10,
        hypotheses=HYPOTHESES
        + "; beta <= 0.8 (k/2 pi) sin(delta)"
        + ("" if published else "; compared where a run has settled"),
        cases=500,
    )


LIMIT_BALANCE = tuple(limit_balance(penalty) for penalty in (*PUBLISHED, *ADDED))


def plain_sine_bound(batch: Batch) -> FloatArray:
    """Return (2 pi/k) min(beta/2, s), by the formula of s for each penalty."""
    d, lam = batch.w.shape[1], batch.lam
    if batch.penalty == L0():
        s = np.sqrt(2 * batch.beta * lam * d)
    else:
        slope_at_0 = 1.0 if batch.penalty == L1() else 1 + 1 / batch.penalty.a  # type: ignore[attr-defined]
        s = lam * np.sqrt(d) * slope_at_0
    return np.minimum(batch.beta / 2, s) / batch.slope


def measure_limit_angle(run: Run, batch: Batch) -> Pair:
    """Compare theta at the end of long runs with delta, and sin(theta) with the bound on it."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    theta = angles(end.w, batch.w_star)
    ratios = [theta / batch.delta, np.sin(theta) / plain_sine_bound(batch)]
    return np.concatenate(ratios), np.ones(2 * len(batch.w))


def runs_to_far_limits(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw long runs, every other group with l0 and from near a limit whose angle is the largest.

    There w has two nearly equal entries of which u keeps one.
    """
    groups = []
    for index, batch in enumerate(long_runs("l1", "l0", "tl1")(rng, count)):
        m, d = batch.w.shape
        if index % 2 == 0 or d == 1:
            groups.append(batch)
            continue
        w = np.zeros((m, d))
        w[:, 0], w[:, 1] = 1.0, 1 - log_uniform(rng, 1e-3, 0.5, m)
        w = normalised(w)
        middle = (w[:, 0] + w[:, 1]) / 2
        beta = batch.slope * np.sin(batch.delta) * STIFFNESS
        far = replace(batch, penalty=L0(), w=w, beta=beta, lam=beta * middle**2 / 2)
        far = replace(far, w_star=teacher_of_fixed_point(far, w), eta=1 / (beta + batch.slope))
        gap = (w[:, 0] - w[:, 1])[:, np.newaxis]
        groups.append(replace(far, w=normalised(w + gap / 20 * rng.uniform(-1, 1, (m, d)) / d)))
    return groups


LIMIT_ANGLE = Claim(
    id="rvscgd.limit-angle",
    statement="Long runs end with theta < delta and sin(theta) <= (2 pi/k) min(beta/2, s), s as in "
    "the error bound.",
    source=f"{RVS}, Theorem 1 and Corollary 1.1; docs/theory.md#a7",
    kind=Kind.UPPER_BOUND,
    sample=runs_to_far_limits,
    measure=by_group(of_the_algorithm(measure_limit_angle)),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "a gradient fifty times too small": partial(plain_run, gradient=0.02),
        "a leap to the teacher": jumped,
    },
    tolerance=1e-9,
    hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
    near=1e-3,
    cases=1000,
)


def measure_zeros(run: Run, batch: Batch) -> Pair:
    """Compare the number of entries of u that are not 0 with those where w* is not 0 either."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    kept = end.u != 0
    return np.sum(kept, axis=1), np.sum(kept & (batch.w_star != 0), axis=1)


ZEROS = Claim(
    id="rvscgd.no-false-positives",
    statement="Long runs end with u = 0 wherever w* = 0.",
    source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=long_runs("l1", "l0", "tl1"),
    measure=by_group(of_the_algorithm(measure_zeros)),
    subject=rvscgd.run,
    planted={"u = w": partial(plain_run, level=0.0), "u = w = w*": jumped},
    tolerance=0.0,
    hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
    cases=500,
)


def measure_support(predict: Callable[..., FloatArray], batch: Batch) -> Pair:
    """Compare whether u ends with the support of w* with the prediction."""
    predicted = predict(batch.w_star, penalty=batch.penalty, **limit_parameters(batch))
    # There is a prediction for every instance that `sparse_runs` draws.
    known = np.ones(len(batch.w), dtype=bool)
    if type(batch.penalty) in PRINTED:
        end = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    else:
        end, still = settled(batch)
        known &= still
    recovered = np.all((end.u != 0) == (batch.w_star != 0), axis=1)
    return recovered[known].astype(float), predicted[known]


def sparse_runs(penalties: tuple[str, ...], rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw long runs with thresholds near min |w*_i|, on both sides of where it is undecided."""
    groups = []
    for batch in long_runs(*penalties)(rng, count):
        smallest = np.min(np.where(batch.w_star != 0, np.abs(batch.w_star), np.inf), axis=1)
        ratio = batch.beta / batch.slope
        # Where l1 is concerned there is a prediction everywhere, and none is wanted at the edge.
        exact = batch.penalty == L1()
        low = np.ones_like(ratio) if exact else 1 / (1 + ratio)
        high = np.ones_like(ratio) if exact or batch.penalty == L0() else 1 / (1 - ratio)
        below = low * rng.uniform(0.3, 0.999, len(ratio))
        above = high * rng.uniform(1.001, 1.2, len(ratio))
        threshold = smallest * np.where(rng.random(len(ratio)) < 0.5, below, above)
        groups.append(replace(batch, lam=batch.beta * level_of(batch.penalty, threshold)))
    return groups


def careless_prediction(w_star: FloatArray, *, k: Any, penalty: Any, lam: Any, beta: Any) -> Any:
    """Predict as if w were w*: recovered where no entry of w* is below the threshold."""
    return limits.support_prediction(w_star, k=10**9, penalty=penalty, lam=lam, beta=beta)


def prediction_of_l0(w_star: FloatArray, *, penalty: Any, **settings: Any) -> FloatArray:
    """Predict as if the penalty were l0."""
    return limits.support_prediction(w_star, penalty="l0", **settings)


def support(
    penalties: tuple[str, ...], suffix: str, statement: str, planted: Mapping[str, Any]
) -> Claim:
    """Return the claim that supports are predicted."""
    return Claim(
        id=f"rvscgd.support{suffix}",
        statement=statement,
        source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
        kind=Kind.EQUALITY,
        sample=partial(sparse_runs, penalties),
        measure=by_group(measure_support),
        subject=limits.support_prediction,
        planted={
            **planted,
            "lam doubled": lambda w_star, *, lam, **s: limits.support_prediction(
                w_star, lam=2 * lam, **s
            ),
        },
        tolerance=0.0,
        hypotheses="beta <= 0.8 k/(2 pi), eta <= 1/(beta + k/(2 pi)), theta0 <= pi - delta",
        cases=1000,
    )


SUPPORT = (
    support(
        ("l0", "l1", "tl1"),
        "",
        "u ends with the support of w* if min |w*_i| > (1 + 2 pi beta/k) tau, tau the threshold of "
        "the proximal map, and not if min |w*_i| <= (1 - 2 pi beta/k) tau (l0: <= tau); for l1, "
        "if and only if min |w*_i| > (2 pi C/k) tau.",
        {"w* taken for w": careless_prediction},
    ),
    *(
        support(
            (name,),
            f"-{name}",
            f"With {TITLES[name]}, u ends with the support of w* if min |w*_i| > (1 + 2 pi beta/k) "
            "tau, tau the threshold of the map, and not if min |w*_i| <= (1 - 2 pi beta/k) tau.",
            {"the penalty taken for l0": prediction_of_l0},
        )
        for name in ADDED
    ),
)


def measure_stated(predict: Callable[..., FloatArray], batch: Batch) -> Pair:
    """Compare predictions (NaN as 2) with the bounds by hand, for teachers of any kind.

    Recovered if m > (1 + beta/c) tau, not if m <= (1 - (beta/c) min(1, s sqrt(n))) tau; m is the
    least of the n entries of w* that are not 0.
    """
    found = predict(batch.w_star, penalty=batch.penalty, **limit_parameters(batch))
    expected = []
    name = next(name for name, kind in PENALTIES.items() if type(batch.penalty) is kind)
    for row, w_star in enumerate(batch.w_star):
        sizes = np.abs(w_star[w_star != 0])
        level = float(batch.lam[row] / batch.beta[row])
        tau, shift = threshold_by_hand(Threshold(name, batch.penalty, level))
        ratio = float(batch.beta[row] / batch.slope[row])
        never = (1 - ratio * min(1.0, shift * np.sqrt(len(sizes)))) * tau
        least = float(sizes.min())
        expected.append(1.0 if least > (1 + ratio) * tau else 0.0 if least <= never else 2.0)
    return 1 + np.where(np.isnan(found), 2.0, found), 1 + np.array(expected)


def any_thresholds(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs with thresholds from a third of to three times the least entry of w*."""
    groups = []
    for batch in long_runs("l0", "tl1", "mcp", "scad")(rng, count):
        smallest = np.min(np.where(batch.w_star != 0, np.abs(batch.w_star), np.inf), axis=1)
        wanted = np.minimum(smallest * log_uniform(rng, 1 / 3, 3.0, len(smallest)), 0.9)
        groups.append(replace(batch, lam=batch.beta * level_of(batch.penalty, wanted)))
    return groups


SUPPORT_BOUNDS = Claim(
    id="rvscgd.support-bounds",
    statement="What is predicted of supports, and what is left open, follows from the bounds on C "
    "and the penalty's threshold and shift.",
    source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=any_thresholds,
    measure=by_group(measure_stated),
    subject=limits.support_prediction,
    planted={
        "nothing left open": lambda *at, **s: np.nan_to_num(limits.support_prediction(*at, **s)),
        "the threshold alone decides": lambda w_star, *, penalty, lam, beta, **s: (
            limits.support_prediction(
                w_star, penalty=penalty, lam=1e-9 * lam, beta=1e-9 * beta, **s
            )
        ),
    },
    tolerance=0.0,
    hypotheses="l0, transformed l1, MCP, SCAD; thresholds about the least entry of w*",
    cases=400,
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


def coupled_runs(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs with l1; beta and |S_lam((k/2 pi) w*)| are not so small as to slow ADMM down."""
    return [
        replace(
            b, lam=0.8 * b.lam, beta=b.slope * rng.uniform(0.2, 0.8, len(b.beta)), eta=0.5 / b.slope
        )
        for b in batches(("l1",))(rng, count)
    ]


def measure_admm(run: Run, batch: Batch) -> Pair:
    """Compare where ADMM with l1 ends with the soft-thresholded teacher, normalised."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=1000)
    s = batch.slope[:, np.newaxis] * batch.w_star
    shrunk = np.sign(s) * np.maximum(np.abs(s) - batch.lam[:, np.newaxis], 0)
    return np.stack([end.u, end.w]), np.stack([normalised(shrunk)] * 2)


ADMM = Claim(
    id="admm.l1-limit",
    statement="ADMM with l1 ends at w = u = S_lam((k/2 pi) w*), normalised.",
    source="derived in zeroone.gaussian.rvscgd from docs/theory.md#a6",
    kind=Kind.EQUALITY,
    sample=coupled_runs,
    measure=by_group(measure_admm),
    subject=partial(rvscgd.run, method="admm"),
    planted={"RVSCGD instead": rvscgd.run},
    tolerance=1e-6,
    hypotheses=(
        "lam < 0.8 k/(2 pi sqrt(d)), beta from 0.2 to 0.8 k/(2 pi), eta = pi/k, d from 1 to 200"
    ),
    cases=200,
)

CLAIMS: tuple[Claim, ...] = (
    L1_FIXED_POINT,
    L1_ITERATION,
    L1_BOUND,
    L1_SINE,
    FIXED_POINT,
    BALANCE,
    MULTIPLIER,
    SINE_BOUND,
    *LIMIT_BALANCE,
    LIMIT_ANGLE,
    ZEROS,
    *SUPPORT,
    SUPPORT_BOUNDS,
    SINGLE,
    ADMM,
)
