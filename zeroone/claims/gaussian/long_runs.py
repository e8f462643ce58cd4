"""Claims: where long runs end: balance, angle, support; and ADMM with l1."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    RVS,
    Pair,
    by_group,
    folded,
    log_uniform,
    normalised,
)
from zeroone.claims.gaussian.prox import threshold_by_hand
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
    plain_run,
    pull,
    random_batch,
    repelled,
    teacher_of_fixed_point,
    unnormalised,
    uphill,
)
from zeroone.gaussian import limits, rvscgd
from zeroone.penalties import L0, L1, PENALTIES
from zeroone.support.validation import FloatArray

# By how much an iteration may still move w of a run that has settled.
SETTLED = 1e-12


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


def in_two_axes(predict: Callable[..., FloatArray], batch: Batch) -> FloatArray:
    """Return the predictions, asked about all runs at once with one axis more than they have."""
    numbers = {name: folded(value) for name, value in limit_parameters(batch).items()}
    return predict(folded(batch.w_star), penalty=batch.penalty, **numbers).ravel()


def measure_support(predict: Callable[..., FloatArray], batch: Batch) -> Pair:
    """Compare whether u ends with the support of w* with the prediction."""
    predicted = in_two_axes(predict, batch)
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
    found = in_two_axes(predict, batch)
    expected = []
    name = next(name for name, kind in PENALTIES.items() if type(batch.penalty) is kind)
    for row, w_star in enumerate(batch.w_star):
        sizes = np.abs(w_star[w_star != 0])
        level = float(batch.lam[row] / batch.beta[row])
        tau, shift = threshold_by_hand(name, batch.penalty, level)
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
    return [*groups, at_the_bounds(rng)]


# Teachers whose entries are multiples of 1/16, by the threshold of which the least one is the
# largest that is surely lost, or that is not surely kept, with beta = c/2.
AT_THE_BOUNDS = (
    (0.5, (8, 8, 8, 8)),
    (0.125, (3, 3, 6, 9, 11)),
)


def at_the_bounds(rng: np.random.Generator) -> Batch:
    """Draw runs with l0 in 20 dimensions at which a bound is met exactly, without rounding."""
    batch = random_batch(rng, 8, 20, "l0")
    w_star, threshold = np.zeros(batch.w_star.shape), np.zeros(len(batch.w))
    for row in range(len(w_star)):
        threshold[row], entries = AT_THE_BOUNDS[row % 2]
        w_star[row, : len(entries)] = np.array(entries) / 16
    w_star = rng.permuted(w_star, axis=1) * rng.choice([-1.0, 1.0], w_star.shape)
    beta = batch.slope / 2
    return replace(batch, w_star=w_star, beta=beta, lam=beta * threshold**2 / 2)


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
    hypotheses="l0, transformed l1, MCP, SCAD; thresholds about the least entry of w*, and at the "
    "bounds exactly; two leading axes",
    cases=400,
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
    *LIMIT_BALANCE,
    LIMIT_ANGLE,
    ZEROS,
    *SUPPORT,
    SUPPORT_BOUNDS,
    ADMM,
)
