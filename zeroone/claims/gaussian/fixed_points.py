"""Claims: fixed points of RVSCGD, for any penalty: what holds there of u, w and the angle."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
    random_teachers,
)
from zeroone.claims.gaussian.runs import (
    Batch,
    Run,
    limit_parameters,
    plain_prox,
    plain_run,
    pull,
    random_batch,
    repelled,
    sine_identity,
    teacher_of_fixed_point,
    wrong_level,
)
from zeroone.gaussian import limits, rvscgd
from zeroone.support.validation import FloatArray


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
    filters = (folded(each) for each in (point.u, batch.w, batch.w_star))
    found = balance(*filters, k=folded(batch.k), beta=folded(batch.beta))
    total = np.sqrt(np.sum(pull(batch, point.u) ** 2, axis=1))
    residual = np.stack([total + found.residual.ravel(), found.multiplier.ravel()])
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
    hypotheses="beta < k/(2 pi), d from 1 to 200; two leading axes",
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

CLAIMS = (FIXED_POINT, BALANCE, MULTIPLIER, SINE_BOUND)
