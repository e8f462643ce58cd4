"""Claims: along runs of RVSCGD angle and Lagrangian fall (Theorem 1, Corollary 1.1)."""

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import RVS
from zeroone.claims.gaussian_pairs import Pair, by_group
from zeroone.claims.gaussian_rvscgd_instances import (
    PENALTIES,
    ROUNDING,
    Batch,
    Run,
    angles,
    batches,
    plain_lagrangian,
    plain_surrogate,
    trajectory,
)
from zeroone.claims.gaussian_rvscgd_steps import (
    HYPOTHESES,
    repelled,
    too_long,
    too_stiff,
    uphill,
    wrong_level,
)
from zeroone.gaussian import rvscgd

NAMES = {"l1": "l1", "l0": "l0", "tl1": "transformed l1"}
LENGTH = 20


def measure_invariance(run: Run, batch: Batch) -> Pair:
    """Compare theta after every iteration with pi - delta."""
    theta = [angles(w, batch.w_star) for *_, w in trajectory(run, batch, LENGTH)]
    return np.array(theta), np.broadcast_to(np.pi - batch.delta, (LENGTH, len(batch.w)))


INVARIANCE = Claim(
    id="rvscgd.invariance",
    statement="theta <= pi - delta at every iteration.",
    source=f"{RVS}, Theorem 1; theory, A7",
    kind=Kind.UPPER_BOUND,
    sample=batches(lowest=2),
    measure=by_group(measure_invariance),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "the coupling's sign, beta six times too large": too_stiff(repelled, 6.0),
    },
    tolerance=1e-13,
    hypotheses=HYPOTHESES,
    cases=2000,
    near=1e-3,
)


def measure_angle_descent(run: Run, batch: Batch) -> Pair:
    """Compare theta after each iteration that starts at theta >= delta with theta before it."""
    before, after = [], []
    for _, w, _, new_w in trajectory(run, batch, LENGTH):
        theta = angles(w, batch.w_star)
        asked = theta >= batch.delta - ROUNDING
        before.append(theta[asked])
        after.append(angles(new_w, batch.w_star)[asked])
    return np.concatenate(after), np.concatenate(before)


def measure_lagrangian_descent(run: Run, batch: Batch) -> Pair:
    """Compare L after each iteration that starts at theta >= delta with L before it."""
    before, after = [], []
    for u, w, new_u, new_w in trajectory(run, batch, LENGTH):
        asked = angles(w, batch.w_star) >= batch.delta - ROUNDING
        before.append(plain_lagrangian(batch, u, w)[asked])
        after.append(plain_lagrangian(batch, new_u, new_w)[asked])
    return np.concatenate(after), np.concatenate(before)


ANGLE_DESCENT = tuple(
    Claim(
        id=f"rvscgd.angle-descent-{penalty}",
        statement=f"With {NAMES[penalty]}, the angle does not rise as long as theta >= delta.",
        source=f"{RVS}, Theorem 1 and Corollary 1.1, restricted; theory, A7",
        kind=Kind.MONOTONE,
        sample=batches((penalty,), lowest=2, above_delta=True),
        measure=by_group(measure_angle_descent),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "a step twenty times as long": too_long(rvscgd.run, 20.0),
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES + "; compared where theta >= delta",
        cases=2000,
    )
    for penalty in PENALTIES
)

LAGRANGIAN_DESCENT = tuple(
    Claim(
        id=f"rvscgd.lagrangian-descent-{penalty}",
        statement=f"With {NAMES[penalty]}, L(u, w) does not rise as long as theta >= delta.",
        source=f"{RVS}, Theorem 1 and Corollary 1.1, restricted; theory, A7",
        kind=Kind.MONOTONE,
        sample=batches((penalty,), lowest=2, above_delta=True),
        measure=by_group(measure_lagrangian_descent),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "a step twenty times as long": too_long(rvscgd.run, 20.0),
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES + "; compared where theta >= delta",
        cases=2000,
    )
    for penalty in PENALTIES
)


def measure_surrogate_descent(run: Run, batch: Batch) -> Pair:
    """Compare the Lagrangian with f replaced, after and before each iteration."""
    before, after = [], []
    for u, w, new_u, new_w in trajectory(run, batch, LENGTH):
        before.append(plain_surrogate(batch, u, w))
        after.append(plain_surrogate(batch, new_u, new_w))
    return np.concatenate(after), np.concatenate(before)


SURROGATE_DESCENT = Claim(
    id="rvscgd.surrogate-descent",
    statement=(
        "(k/4 pi) |w - w*|^2 + lam P(u) + (beta/2) |w - u|^2 never rises: at every angle, for "
        "every beta and lam."
    ),
    source="derived from theory, A1 and A6: the coarse gradient is the gradient of its first term",
    kind=Kind.MONOTONE,
    sample=batches(stiffness=20.0),
    measure=by_group(measure_surrogate_descent),
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
        source="derived in zeroone.gaussian.theory from theory, A7",
        kind=Kind.MONOTONE,
        sample=batches(lowest=2, stiffness=2.0, above_delta=True),
        measure=by_group(measure),
        subject=rvscgd.run,
        planted={
            "the gradient's sign": uphill,
            "a step twenty times as long": too_long(rvscgd.run, 20.0),
        },
        tolerance=1e-13,
        hypotheses=HYPOTHESES.replace("beta <= ", "beta <= 2 ") + "; compared where theta >= delta",
        cases=2000,
    )
    for name, what, measure in (
        ("angle", "the angle", measure_angle_descent),
        ("lagrangian", "L(u, w)", measure_lagrangian_descent),
    )
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
    source="derived in zeroone.gaussian.theory from theory, A7",
    kind=Kind.UPPER_BOUND,
    sample=batches(stiffness=2.0),
    measure=by_group(measure_staying),
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

CLAIMS: tuple[Claim, ...] = (
    INVARIANCE,
    *ANGLE_DESCENT,
    *LAGRANGIAN_DESCENT,
    *DOUBLED_BETA,
    STAYING,
    SURROGATE_DESCENT,
)
