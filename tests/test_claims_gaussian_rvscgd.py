"""The claims on RVSCGD hold for any seed; their oracles are right."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.claims import Kind
from zeroone.claims.claim import collect, judge
from zeroone.claims.gaussian import descent, fixed_points, l1_limit, long_runs, steps
from zeroone.claims.gaussian.descent import WAYS
from zeroone.claims.gaussian.l1_limit import plain_limit
from zeroone.claims.gaussian.runs import (
    ADDED,
    PUBLISHED,
    angles,
    batches,
    plain_lagrangian,
    plain_prox,
    plain_run,
    plain_surrogate,
    teacher_of_fixed_point,
)
from zeroone.gaussian.theory import hypotheses
from zeroone.penalties import L0, L1, MCP, PENALTIES, SCAD, Penalty, TransformedL1

CLAIMS = (
    *steps.CLAIMS,
    *descent.CLAIMS,
    *l1_limit.CLAIMS,
    *fixed_points.CLAIMS,
    *long_runs.CLAIMS,
)
BY_ID = {claim.id: claim for claim in CLAIMS}
CASES = 300


def verdict(claim, seed, cases=CASES):
    return judge(claim, [collect(claim, seed, 0, cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**32 - 1))
def test_claim_holds_for_any_seed(claim_id, seed):
    result = verdict(BY_ID[claim_id], seed)
    assert result.passed, result.reason


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_survives_few_instances(claim_id):
    claim = BY_ID[claim_id]
    for cases in (1, 2, 5, 13):
        evidence = collect(claim, 3, 0, cases)
        assert evidence.instances == cases
        if claim.kind is not Kind.COUNTEREXAMPLE and len(evidence.excess):
            assert np.max(evidence.excess) <= claim.tolerance


def test_claims_are_complete():
    assert len(BY_ID) == len(CLAIMS)
    assert all(claim.planted and claim.source and claim.hypotheses for claim in CLAIMS)
    closed_forms = ("l1-closed-form", "l1-error-bound", "l1-sine", "balance", "multiplier")
    for name in (*closed_forms, "error-bound", "fixed-point", "angle-first-order", "algorithm"):
        assert BY_ID[f"rvscgd.{name}"].cases >= 10_000


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 60))
def test_sampler_meets_the_hypotheses_of_theorem_1_and_reaches_their_edges(seed, count):
    groups = batches()(np.random.default_rng(seed), count)
    assert sum(len(group.w) for group in groups) == count
    for group in groups:
        held = hypotheses(
            group.w,
            group.w_star,
            k=group.k,
            lam=group.lam,
            beta=group.beta,
            eta=group.eta,
            delta=group.delta,
        )
        for each in held:
            assert np.all(each.slack >= -1e-14 * np.maximum(1, each.bound)), each.statement
        assert angles(group.w, group.w_star)[-1] < 1e-15


def test_samplers_cover_dimensions_from_1_to_200():
    groups = batches()(np.random.default_rng(0), 1000)
    dimensions = {group.w.shape[1] for group in groups}
    assert {1, 2, 3, 200} <= dimensions
    assert {type(group.penalty) for group in groups} == {L1, L0, TransformedL1}


def test_samplers_leave_the_hypotheses_only_where_they_say():
    rng = np.random.default_rng(0)
    _, stiff, hasty = (way.sample(rng, 60) for way in WAYS)
    for group in stiff:
        assert np.all(group.beta >= 2 * group.slope * np.sin(group.delta))
        assert np.all(group.eta <= (1 + 1e-12) / (group.beta + group.slope))
    for group in hasty:
        assert np.all(group.beta <= group.slope * np.sin(group.delta))
        assert np.all(group.eta >= 1 / (group.beta + group.slope))


# --- the oracles -----------------------------------------------------------------------------


def some_batch(penalty, seed=0):
    return batches((penalty,), lowest=3)(np.random.default_rng(seed), 40)[0]


@pytest.mark.parametrize("penalty", ["l1", "l0", "tl1"])
def test_plain_prox_minimises_on_a_grid(penalty):
    batch = some_batch(penalty)
    level = batch.lam / batch.beta
    a = getattr(batch.penalty, "a", None)
    u = plain_prox(batch.penalty, batch.w, level)
    grid = np.linspace(-1.2, 1.2, 2401)
    values = {"l1": np.abs(grid), "l0": (grid != 0) * 1.0, "tl1": None}[penalty]
    if values is None:
        values = (a + 1) * np.abs(grid) / (a + np.abs(grid))
    for i in range(len(u)):
        for j in range(u.shape[1]):
            x = batch.w[i, j]
            own = {
                "l1": abs(u[i, j]),
                "l0": float(u[i, j] != 0),
                "tl1": 0 if a is None else (a + 1) * abs(u[i, j]) / (a + abs(u[i, j])),
            }[penalty]
            best = np.min(level[i] * values + 0.5 * (grid - x) ** 2)
            assert level[i] * own + 0.5 * (u[i, j] - x) ** 2 <= best + 1e-12


class Ridge(Penalty):
    def terms(self, u):
        return u**2 / 2

    def prox_map(self, x, t):
        return x / (1 + t)


@pytest.mark.parametrize("penalty", [Ridge(), MCP(0.5), SCAD()])
def test_plain_algorithm_takes_no_penalty_for_another(penalty):
    batch = some_batch("l0")
    level = batch.lam / batch.beta
    u = plain_run(batch.w, batch.w_star, **{**batch.settings, "penalty": penalty}, n_iter=1).u
    np.testing.assert_allclose(u, penalty.prox(batch.w, level[:, np.newaxis]))
    expected = penalty.value(u, axis=1)
    with_penalty = plain_lagrangian(replace(batch, penalty=penalty), u, batch.w)
    without = plain_lagrangian(replace(batch, penalty=penalty, lam=0 * batch.lam), u, batch.w)
    np.testing.assert_allclose(with_penalty - without, batch.lam * expected, atol=1e-10)


def test_every_penalty_of_entries_has_its_claims():
    separable = [name for name, kind in PENALTIES.items() if not kind.of_matrices]
    assert sorted((*PUBLISHED, *ADDED)) == sorted(separable)
    assert {"mcp", "scad"} <= set(ADDED)
    for name in separable:
        for claim in ("angle-descent", "lagrangian-descent", "limit-balance"):
            assert f"rvscgd.{claim}-{name}" in BY_ID
    for name in ADDED:
        assert {f"rvscgd.invariance-{name}", f"rvscgd.support-{name}"} <= set(BY_ID)


def test_lagrangian_and_surrogate_of_a_hand_made_case():
    batch = some_batch("l0")
    one = batch.w[:1] * 0
    one[0, 0] = 1.0
    batch = type(batch)(
        one, one, np.array([2]), *(np.array([value]) for value in (0.5, 3.0, 0.1, 0.1)), L0()
    )
    w = np.zeros_like(one)
    w[0, 1] = 1.0
    u = one.copy()
    # f = (2 / 2 pi) (pi / 2) = 1/2; P = 1; |w - u|^2 = 2 and |w - w*|^2 = 2.
    np.testing.assert_allclose(plain_lagrangian(batch, u, w), 0.5 + 0.5 + 3.0)
    np.testing.assert_allclose(plain_surrogate(batch, u, w), 1 / np.pi + 0.5 + 3.0)


def test_constructed_teachers_are_unit_and_balance():
    for penalty in ("l1", "l0", "tl1"):
        batch = some_batch(penalty)
        w_star = teacher_of_fixed_point(batch, batch.w)
        u = plain_prox(batch.penalty, batch.w, batch.lam / batch.beta)
        total = batch.slope[:, np.newaxis] * w_star + batch.beta[:, np.newaxis] * u
        np.testing.assert_allclose(np.sum(w_star**2, axis=1), 1)
        along = np.sum(total * batch.w, axis=1, keepdims=True)
        np.testing.assert_allclose(total, along * batch.w, atol=1e-12 * np.max(batch.slope))
        assert np.all(angles(batch.w, w_star) < np.pi / 2)


def test_plain_limit_is_a_fixed_point_of_the_plain_algorithm():
    batch = some_batch("l1")
    point = plain_limit(batch.w_star, k=batch.k, lam=batch.lam, beta=batch.beta)
    after = plain_run(point.w, batch.w_star, **batch.settings, n_iter=1)
    np.testing.assert_allclose(after.w, point.w, atol=1e-12)
