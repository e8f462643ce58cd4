"""Claims: runs that break descent below delta or outside the hypotheses of Theorem 1.

The counterexamples are searched for among random instances at every run.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import RVS
from zeroone.claims.gaussian_pairs import (
    Pair,
    by_group,
    dimensions,
    log_uniform,
    orthogonal_to,
    random_teachers,
)
from zeroone.claims.gaussian_rvscgd_instances import (
    Batch,
    Run,
    angles,
    batches,
    plain_lagrangian,
    random_batch,
    trajectory,
)
from zeroone.claims.gaussian_rvscgd_steps import too_long, too_stiff
from zeroone.gaussian import rvscgd
from zeroone.validation import FloatArray

SHORT = 10


def rises(run: Run, batch: Batch, *, above: bool, of_angle: bool) -> Pair:
    """Return theta, or L, after and before iterations that start at theta >= delta, or below it."""
    before, after = [], []
    for u, w, new_u, new_w in trajectory(run, batch, SHORT):
        theta = angles(w, batch.w_star)
        chosen = (theta >= batch.delta) == above
        pair = (
            (angles(new_w, batch.w_star), theta)
            if of_angle
            else (plain_lagrangian(batch, new_u, new_w), plain_lagrangian(batch, u, w))
        )
        after.append(pair[0][chosen])
        before.append(pair[1][chosen])
    return np.concatenate(after), np.concatenate(before)


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
        f"against {RVS}, Theorem 1 as quoted; theory, A7",
        batches(),
        above=False,
        tamed=without_threshold(rvscgd.run),
        hypotheses="those of Theorem 1; compared where theta < delta",
    ),
    Outside(
        "beta-too-large",
        "With beta more than twice its bound {} can rise at theta >= delta.",
        f"{RVS}, Theorem 1: why (ii); theory, A7",
        stiff,
        above=True,
        tamed=without_threshold(rvscgd.run),
        hypotheses="beta from 2 to 40 times (k/2 pi) sin(delta), eta = 1/(beta + k/(2 pi))",
    ),
    Outside(
        "eta-too-large",
        "With eta above its bound {} can rise at theta >= delta.",
        f"{RVS}, Theorem 1: why (iii); theory, A7",
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
        measure=by_group(partial(rises, above=way.above, of_angle=of_angle)),
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
    source="derived in zeroone.gaussian.theory from theory, A7",
    kind=Kind.COUNTEREXAMPLE,
    sample=sharp,
    measure=by_group(partial(rises, above=True, of_angle=True)),
    subject=rvscgd.run,
    planted={"beta and lam a twentieth smaller": too_stiff(rvscgd.run, 0.95)},
    tolerance=1e-4,
    hypotheses="l0, two nearly equal entries, eta = 0.3/(beta + k/(2 pi))",
    cases=300,
)

BREAKS = tuple(break_claim(way, of_angle=of_angle) for way in WAYS for of_angle in (True, False))

CLAIMS: tuple[Claim, ...] = (*BREAKS, SHARP)
