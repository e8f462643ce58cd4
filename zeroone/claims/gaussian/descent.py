"""Claims: angle and Lagrangian fall along runs (Theorem 1, Corollary 1.1), and what breaks that.

Descent holds as long as theta >= delta, inside the hypotheses, for every penalty. The runs that
break it below delta or outside the hypotheses are searched for among random instances every time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    RVS,
    Pair,
    by_group,
    dimensions,
    log_uniform,
    orthogonal_to,
    random_teachers,
)
from zeroone.claims.gaussian.runs import (
    ADDED,
    HYPOTHESES,
    PUBLISHED,
    ROUNDING,
    TITLES,
    Batch,
    Run,
    angles,
    batches,
    jumped,
    of_the_algorithm,
    plain_lagrangian,
    plain_surrogate,
    random_batch,
    repelled,
    too_long,
    too_stiff,
    trajectory,
    uphill,
    wrong_level,
)
from zeroone.gaussian import rvscgd
from zeroone.support.validation import FloatArray

LENGTH = 20


def measure_invariance(run: Run, batch: Batch) -> Pair:
    """Compare theta after every iteration with pi - delta."""
    theta = [angles(w, batch.w_star) for *_, w in trajectory(run, batch, LENGTH)]
    return np.array(theta), np.broadcast_to(np.pi - batch.delta, (LENGTH, len(batch.w)))


def invariance(penalties: tuple[str, ...], suffix: str = "") -> Claim:
    """Return the claim that no run comes nearer to -w* than delta."""
    return Claim(
        id=f"rvscgd.invariance{suffix}",
        statement="theta <= pi - delta at every iteration.",
        source=f"{RVS}, Theorem 1; docs/theory.md#a7",
        kind=Kind.UPPER_BOUND,
        sample=batches(penalties, lowest=2),
        measure=by_group(of_the_algorithm(measure_invariance)),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "the coupling's sign, beta six times too large": too_stiff(repelled, 6.0),
            "a leap to the teacher": jumped,
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES,
        cases=2000,
        near=1e-3,
    )


def measure_angle_descent(run: Run, batch: Batch) -> Pair:
    """Compare theta after each iteration that starts at theta >= delta with theta before it."""
    theta = [angles(batch.w, batch.w_star)]
    theta += [angles(w, batch.w_star) for *_, w in trajectory(run, batch, LENGTH)]
    return falls(np.array(theta), np.array(theta), batch)


def measure_lagrangian_descent(run: Run, batch: Batch) -> Pair:
    """Compare L after each iteration that starts at theta >= delta with L before it."""
    theta = [angles(batch.w, batch.w_star)]
    values = [plain_lagrangian(batch, batch.w, batch.w)]
    for *_, u, w in trajectory(run, batch, LENGTH):
        theta.append(angles(w, batch.w_star))
        values.append(plain_lagrangian(batch, u, w))
    return falls(np.array(values), np.array(theta), batch)


def falls(values: FloatArray, theta: FloatArray, batch: Batch) -> Pair:
    """Return values after and before each iteration that starts at theta >= delta."""
    asked = theta[:-1] >= batch.delta - ROUNDING
    return values[1:][asked], values[:-1][asked]


def descent(name: str, what: str, measure: Callable[[Run, Batch], Pair], penalty: str) -> Claim:
    """Return the claim that the angle, or the Lagrangian, falls with a penalty."""
    return Claim(
        id=f"rvscgd.{name}-descent-{penalty}",
        statement=f"With {TITLES[penalty]}, {what} does not rise as long as theta >= delta.",
        source=f"{RVS}, Theorem 1 and Corollary 1.1, restricted; docs/theory.md#a7",
        kind=Kind.MONOTONE,
        sample=batches((penalty,), lowest=2, above_delta=True),
        measure=by_group(of_the_algorithm(measure)),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "a step twenty times as long": too_long(rvscgd.run, 20.0),
            "a leap to the teacher": jumped,
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES + "; compared where theta >= delta",
        cases=2000,
    )


OF_ANGLE = ("angle", "the angle", measure_angle_descent)
OF_LAGRANGIAN = ("lagrangian", "L(u, w)", measure_lagrangian_descent)

INVARIANCE = (invariance(PUBLISHED), *(invariance((name,), f"-{name}") for name in ADDED))
ANGLE_DESCENT = tuple(descent(*OF_ANGLE, name) for name in (*PUBLISHED, *ADDED))
LAGRANGIAN_DESCENT = tuple(descent(*OF_LAGRANGIAN, name) for name in (*PUBLISHED, *ADDED))


def measure_surrogate_descent(run: Run, batch: Batch) -> Pair:
    """Compare the Lagrangian with f replaced, after and before each iteration."""
    values = [plain_surrogate(batch, batch.w, batch.w)]
    values += [plain_surrogate(batch, u, w) for *_, u, w in trajectory(run, batch, LENGTH)]
    return np.array(values[1:]), np.array(values[:-1])


SURROGATE_DESCENT = Claim(
    id="rvscgd.surrogate-descent",
    statement=(
        "(k/4 pi) |w - w*|^2 + lam P(u) + (beta/2) |w - u|^2 never rises: at every angle, for "
        "every beta and lam."
    ),
    source="derived: the coarse gradient is that of its first term; docs/theory.md#a1, #a6",
    kind=Kind.MONOTONE,
    sample=batches(stiffness=20.0),
    measure=by_group(of_the_algorithm(measure_surrogate_descent)),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "the coupling's sign": repelled,
        "twice the level of the proximal map": wrong_level,
        "a step four times as long": too_long(rvscgd.run, 4.0),
    },
    tolerance=1e-13,
    hypotheses="eta <= 1/(beta + k/(2 pi)); d from 1 to 200; beta up to 20 times Theorem 1's bound",
    cases=2000,
)

DOUBLED_BETA = tuple(
    Claim(
        id=f"rvscgd.{name}-descent-doubled-beta",
        statement=f"Theorem 1 holds for beta up to twice its bound: {what} does not rise either.",
        source="derived in zeroone.gaussian.theory from docs/theory.md#a7",
        kind=Kind.MONOTONE,
        sample=batches(lowest=2, stiffness=2.0, above_delta=True),
        measure=by_group(of_the_algorithm(measure)),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "a step twenty times as long": too_long(rvscgd.run, 20.0),
            "a leap to the teacher": jumped,
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES.replace("beta <= ", "beta <= 2 ") + "; compared where theta >= delta",
        cases=2000,
    )
    for name, what, measure in (OF_ANGLE, OF_LAGRANGIAN)
)


def measure_staying(run: Run, batch: Batch) -> Pair:
    """Compare theta after each iteration that starts at theta <= delta with delta."""
    after, bound = [], []
    for _, w, _, new_w in trajectory(run, batch, LENGTH):
        low = angles(w, batch.w_star) <= batch.delta
        after.append(angles(new_w, batch.w_star)[low])
        bound.append(batch.delta[low])
    return np.concatenate(after), np.concatenate(bound)


STAYING = Claim(
    id="rvscgd.stays-below-delta",
    statement="Once theta <= delta it stays so, for beta up to twice its bound.",
    source="derived in zeroone.gaussian.theory from docs/theory.md#a7",
    kind=Kind.UPPER_BOUND,
    sample=batches(stiffness=2.0),
    measure=by_group(of_the_algorithm(measure_staying)),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "a step twenty times as long": too_long(rvscgd.run, 20.0),
    },
    tolerance=1e-13,
    hypotheses=HYPOTHESES.replace("beta <= ", "beta <= 2 ") + "; compared where theta <= delta",
    cases=2000,
    near=0.01,
)

# ----------------------------------------------------------------------------- what breaks descent

SHORT = 10


def rises(run: Run, batch: Batch, *, above: bool, of_angle: bool) -> Pair:
    """Return theta, or L, after and before iterations that start at theta >= delta, or below it."""
    theta = [angles(batch.w, batch.w_star)]
    values = [] if of_angle else [plain_lagrangian(batch, batch.w, batch.w)]
    for *_, u, w in trajectory(run, batch, SHORT):
        theta.append(angles(w, batch.w_star))
        if not of_angle:
            values.append(plain_lagrangian(batch, u, w))
    found = np.array(theta if of_angle else values)
    chosen = (np.array(theta[:-1]) >= batch.delta) == above
    return found[1:][chosen], found[:-1][chosen]


def stiff(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs whose beta is from 2 to 40 times the bound, in few dimensions, from near delta."""
    groups = []
    for index in range(min(6, count)):
        m = len(range(index, count, min(6, count)))
        d = int(rng.integers(2, 7))
        batch = random_batch(rng, m, d, ("l0", "l1", "tl1")[index % 3])
        delta = rng.uniform(0.02, 1.0, m)
        beta = batch.slope * np.sin(delta) * log_uniform(rng, 2.0, 40.0, m)
        teacher = random_teachers(rng, m, d)
        theta = (delta * rng.uniform(1.0, 1.5, m))[:, np.newaxis]
        w = np.cos(theta) * teacher + np.sin(theta) * orthogonal_to(rng, teacher)
        groups.append(
            replace(
                batch,
                w=w.astype(float),
                w_star=teacher.astype(float),
                delta=delta,
                lam=beta * rng.uniform(0, 0.5, m),
                beta=beta,
                eta=1 / (beta + batch.slope),
            )
        )
    return groups


def hasty(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs whose eta is from 1 to 20 times the bound, the other hypotheses being met."""
    return [
        replace(b, eta=log_uniform(rng, 1.0, 20.0, len(b.eta)) / (b.beta + b.slope))
        for b in batches(lowest=2, above_delta=True)(rng, count)
    ]


def without_threshold(run: Run) -> Run:
    """Return `run` with lam = 0, so that u = w, and beta at a ten-thousandth."""

    def smooth(w0: FloatArray, w_star: FloatArray, *, lam: FloatArray, **s: Any) -> Any:
        return too_stiff(run, 1e-4)(w0, w_star, lam=0 * lam, **s)

    return smooth


def standing_still(w0: FloatArray, w_star: FloatArray, *, u0: FloatArray, **s: Any) -> Any:
    """Return the start as the result."""
    return SimpleNamespace(u=u0, w=w0)


@dataclass(frozen=True)
class Outside:
    """A way to leave the hypotheses, or the region in which they help."""

    id: str
    statement: str
    source: str
    sample: Callable[[np.random.Generator, int], list[Batch]]
    above: bool
    tamed: Run
    hypotheses: str


WAYS = (
    Outside(
        "below-delta",
        "Below delta {} can rise, with all hypotheses of Theorem 1 met.",
        f"against {RVS}, Theorem 1 as quoted; docs/theory.md#a7",
        batches(),
        above=False,
        tamed=without_threshold(rvscgd.run),
        hypotheses="those of Theorem 1; compared where theta < delta",
    ),
    Outside(
        "beta-too-large",
        "With beta more than twice its bound {} can rise at theta >= delta.",
        f"{RVS}, Theorem 1: why (ii); docs/theory.md#a7",
        stiff,
        above=True,
        tamed=without_threshold(rvscgd.run),
        hypotheses="beta from 2 to 40 times (k/2 pi) sin(delta), eta = 1/(beta + k/(2 pi))",
    ),
    Outside(
        "eta-too-large",
        "With eta above its bound {} can rise at theta >= delta.",
        f"{RVS}, Theorem 1: why (iii); docs/theory.md#a7",
        hasty,
        above=True,
        tamed=too_long(rvscgd.run, 0.05),
        hypotheses="eta from 1 to 20 times 1/(beta + k/(2 pi)), theta0, beta, lam as in Theorem 1",
    ),
)


def break_claim(way: Outside, *, of_angle: bool) -> Claim:
    """Return the claim that leaving the hypotheses in this way can make theta, or L, rise."""
    what = "the angle" if of_angle else "L(u, w)"
    tamed = {"parameters that keep to the hypotheses": way.tamed}
    return Claim(
        id=f"rvscgd.{'angle' if of_angle else 'lagrangian'}-rises-{way.id}",
        statement=way.statement.format(what),
        source=way.source,
        kind=Kind.COUNTEREXAMPLE,
        sample=way.sample,
        measure=by_group(of_the_algorithm(partial(rises, above=way.above, of_angle=of_angle))),
        subject=rvscgd.run,
        # L is compared for the lam and beta of the instance, so that other parameters do not count.
        planted={"nothing moves": standing_still, **(tamed if of_angle else {})},
        tolerance=1e-3,
        hypotheses=way.hypotheses,
        cases=1000,
    )


def sharp(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw runs whose beta is from 2.02 to 2.1 times the bound and pulls away as far as it can.

    w has two nearly equal entries, of which l0 keeps one, and w* is on the other's side.
    """
    groups = []
    for d, m in dimensions(rng, count, lowest=2, groups=6):
        batch = random_batch(rng, m, d, "l0")
        delta = rng.uniform(0.2, 0.7, m)
        kept, dropped = np.eye(2, d)
        turn = np.pi / 4 - log_uniform(rng, 1e-6, 1e-3, m)
        w, w_star = (
            np.cos(angle)[:, np.newaxis] * kept + np.sin(angle)[:, np.newaxis] * dropped
            for angle in (turn, turn + delta)
        )
        beta = batch.slope * np.sin(delta) * rng.uniform(2.02, 2.1, m)
        groups.append(
            replace(
                batch,
                w=w,
                w_star=w_star,
                delta=delta * (1 - 1e-9),
                lam=beta / 4,  # the threshold is 1/sqrt(2)
                beta=beta,
                eta=0.3 / (beta + batch.slope),
            )
        )
    return groups


SHARP = Claim(
    id="rvscgd.doubled-beta-is-sharp",
    statement="With beta from 2.02 to 2.1 times its bound the angle can rise at theta >= delta.",
    source="derived in zeroone.gaussian.theory from docs/theory.md#a7",
    kind=Kind.COUNTEREXAMPLE,
    sample=sharp,
    measure=by_group(of_the_algorithm(partial(rises, above=True, of_angle=True))),
    subject=rvscgd.run,
    planted={"beta and lam a twentieth smaller": too_stiff(rvscgd.run, 0.95)},
    tolerance=1e-4,
    hypotheses="l0, two nearly equal entries, eta = 0.3/(beta + k/(2 pi))",
    cases=300,
)

BREAKS = tuple(break_claim(way, of_angle=of_angle) for way in WAYS for of_angle in (True, False))

CLAIMS: tuple[Claim, ...] = (
    *INVARIANCE,
    *ANGLE_DESCENT,
    *LAGRANGIAN_DESCENT,
    *DOUBLED_BETA,
    STAYING,
    SURROGATE_DESCENT,
    *BREAKS,
    SHARP,
)
