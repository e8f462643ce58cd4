"""Claims: where long runs of RVSCGD end, which supports they find, and where ADMM ends."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import RVS
from zeroone.claims.gaussian_pairs import (
    Pair,
    by_group,
    normalised,
)
from zeroone.claims.gaussian_rvscgd_instances import (
    TO_THE_LIMIT,
    Batch,
    Run,
    angles,
    batches,
    level_of,
    limit_parameters,
    long_runs,
    plain_run,
    pull,
)
from zeroone.claims.gaussian_rvscgd_steps import (
    HYPOTHESES,
    repelled,
    unnormalised,
    uphill,
)
from zeroone.gaussian import admm, limits, rvscgd
from zeroone.validation import FloatArray


def measure_limit_balance(run: Run, batch: Batch) -> Pair:
    """Compare c w* + beta u with its part along w at the end of long runs, in units of c."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    total = pull(batch, end.u) / batch.slope[:, np.newaxis]
    return np.sum(total * end.w, axis=1, keepdims=True) * end.w, total


LIMIT_BALANCE = tuple(
    Claim(
        id=f"rvscgd.limit-balance-{penalty}",
        statement="Long runs end with (k/2 pi) w* + beta u = C w: w*, u and w lie in a plane.",
        source=f"{RVS}, Theorem 1 and Corollary 1.1; theory, A7",
        kind=Kind.EQUALITY,
        sample=long_runs(penalty),
        measure=by_group(measure_limit_balance),
        subject=rvscgd.run,
        planted={
            "the coupling's sign": repelled,
            "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
            "w not normalised": unnormalised,
        },
        tolerance=1e-10,
        hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
        cases=1000,
    )
    for penalty in ("l1", "l0", "tl1")
)


def measure_limit_angle(run: Run, batch: Batch) -> Pair:
    """Compare theta at the end of long runs with delta, in units of delta."""
    end = run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    return angles(end.w, batch.w_star) / batch.delta, np.ones(len(batch.w))


LIMIT_ANGLE = Claim(
    id="rvscgd.limit-angle",
    statement="Long runs end with theta < delta.",
    source=f"{RVS}, Theorem 1 and Corollary 1.1; theory, A7",
    kind=Kind.UPPER_BOUND,
    sample=long_runs("l1", "l0", "tl1"),
    measure=by_group(measure_limit_angle),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "a gradient fifty times too small": partial(plain_run, gradient=0.02),
    },
    tolerance=0.0,
    hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
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
    source="derived in zeroone.gaussian.limits from theory, A7",
    kind=Kind.EQUALITY,
    sample=long_runs("l1", "l0", "tl1"),
    measure=by_group(measure_zeros),
    subject=rvscgd.run,
    planted={"u = w": partial(plain_run, level=0.0)},
    tolerance=0.0,
    hypotheses=HYPOTHESES + "; beta <= 0.8 (k/2 pi) sin(delta)",
    cases=1000,
)


def measure_support(predict: Callable[..., FloatArray], batch: Batch) -> Pair:
    """Compare whether u ends with the support of w* with the prediction, where there is one."""
    penalty = batch.settings["penalty"]
    predicted = predict(batch.w_star, penalty=penalty, **limit_parameters(batch))
    end = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=TO_THE_LIMIT)
    recovered = np.all((end.u != 0) == (batch.w_star != 0), axis=1)
    known = ~np.isnan(predicted)
    return recovered[known].astype(float), predicted[known]


def sparse_runs(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw long runs with thresholds near min |w*_i|, on both sides of where it is undecided."""
    groups = []
    for batch in long_runs("l0", "l1", "tl1")(rng, count):
        smallest = np.min(np.where(batch.w_star != 0, np.abs(batch.w_star), np.inf), axis=1)
        ratio = batch.beta / batch.slope
        # Where l1 is concerned there is a prediction everywhere.
        low = np.ones_like(ratio) if batch.penalty == "l1" else 1 / (1 + ratio)
        high = 1 / (1 - ratio) if batch.penalty == "tl1" else np.ones_like(ratio)
        below = low * rng.uniform(0.3, 0.999, len(ratio))
        above = high * rng.uniform(1.001, 1.2, len(ratio))
        threshold = smallest * np.where(rng.random(len(ratio)) < 0.5, below, above)
        level = level_of(batch.penalty, threshold, batch.a)
        groups.append(replace(batch, lam=batch.beta * level))
    return groups


def careless_prediction(w_star: FloatArray, *, k: Any, penalty: Any, lam: Any, beta: Any) -> Any:
    """Predict as if w were w*: recovered where no entry of w* is below the threshold."""
    return limits.support_prediction(w_star, k=10**9, penalty=penalty, lam=lam, beta=beta)


SUPPORT = Claim(
    id="rvscgd.support",
    statement=(
        "u ends with the support of w* if min |w*_i| > (1 + 2 pi beta/k) tau, tau the threshold of "
        "the proximal map, and not if min |w*_i| <= (1 - 2 pi beta/k) tau (l0: <= tau); for l1, "
        "if and only if min |w*_i| > (2 pi C/k) tau."
    ),
    source="derived in zeroone.gaussian.limits from theory, A7",
    kind=Kind.EQUALITY,
    sample=sparse_runs,
    measure=by_group(measure_support),
    subject=limits.support_prediction,
    planted={
        "w* taken for w": careless_prediction,
        "lam doubled": lambda w_star, *, lam, **s: limits.support_prediction(
            w_star, lam=2 * lam, **s
        ),
    },
    tolerance=0.0,
    hypotheses="beta <= 0.8 k/(2 pi), eta <= 1/(beta + k/(2 pi)), theta0 <= pi - delta",
    cases=1000,
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
    source="derived in zeroone.gaussian.admm from theory, A6",
    kind=Kind.EQUALITY,
    sample=coupled_runs,
    measure=by_group(measure_admm),
    subject=admm.run,
    planted={"RVSCGD instead": rvscgd.run},
    tolerance=1e-6,
    hypotheses=(
        "lam < 0.8 k/(2 pi sqrt(d)), beta from 0.2 to 0.8 k/(2 pi), eta = pi/k, d from 1 to 200"
    ),
    cases=200,
)

CLAIMS: tuple[Claim, ...] = (*LIMIT_BALANCE, LIMIT_ANGLE, ZEROS, SUPPORT, ADMM)
