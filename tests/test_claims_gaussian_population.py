"""The claims on the Gaussian network: they hold for any seed.

Their oracles are checked here as well where they are more than a line.
"""

from dataclasses import replace
from itertools import product

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.claims import Kind
from zeroone.claims.claim import collect, judge
from zeroone.claims.gaussian import expectations, lemmas
from zeroone.claims.gaussian import prox as prox_claims
from zeroone.claims.gaussian.expectations import (
    THRESHOLD,
    estimate,
    finite_differences,
    integrate_clipped,
    loss_of_samples,
    sample_groups,
)
from zeroone.claims.gaussian.pairs import dimensions, normalised, ordered, pairs, random_two
from zeroone.claims.gaussian.prox import Entries, least_on_grids
from zeroone.penalties import PENALTIES

CLAIMS = (*expectations.CLAIMS, *lemmas.CLAIMS, *prox_claims.CLAIMS)
BY_ID = {claim.id: claim for claim in CLAIMS}
CASES = 300


def verdict(claim, seed, cases=CASES):
    return judge(claim, [collect(claim, seed, 0, cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_claim_holds_for_any_seed(claim_id, seed):
    result = verdict(BY_ID[claim_id], seed)
    assert result.passed, result.reason


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_survives_few_instances(claim_id):
    for cases in (1, 2, 5, 13):
        evidence = collect(BY_ID[claim_id], 3, 0, cases)
        assert evidence.instances == cases
        assert len(evidence.excess) >= cases
        if BY_ID[claim_id].kind is not Kind.COUNTEREXAMPLE:
            assert np.max(evidence.excess) <= BY_ID[claim_id].tolerance


# Their oracles go through the instances one by one, in Python.
BY_HAND = {"prox.ties", "prox.value", "prox.thresholds", "prox.extreme-sizes"}


def test_closed_forms_have_10000_instances():
    for claim in (claim for claim in CLAIMS if claim.id not in BY_HAND):
        assert claim.cases >= (2_000 if claim.kind is Kind.COUNTEREXAMPLE else 10_000)
        assert claim.statement
        assert claim.source
        assert claim.planted


def test_ids_are_unique():
    assert len(BY_ID) == len(CLAIMS)


# --- what the samplers draw -----------------------------------------------------------------------


def test_dimensions_cover_the_range_and_add_up():
    rng = np.random.default_rng(0)
    for count in (1, 3, 5, 12, 1000):
        drawn = dimensions(rng, count)
        assert sum(m for _, m in drawn) == count
        assert all(1 <= d <= 200 and m >= 1 for d, m in drawn)
    assert {1, 2, 200} <= {d for d, _ in drawn}
    assert min(d for d, _ in dimensions(rng, 1000, lowest=2)) == 2


def test_pairs_have_the_angles_that_they_claim_and_reach_the_edges():
    groups = pairs()(np.random.default_rng(1), 1000)
    theta = np.concatenate([group.theta for group in groups])
    assert {0.0, np.pi, np.pi / 2} <= set(theta)
    assert np.any((theta > 0) & (theta < 1e-12))
    lengths = np.concatenate([group.length[:, 0] for group in groups])
    assert lengths.min() < 1e-100
    assert lengths.max() > 1e100
    with mp.workdps(400):
        for group in groups:
            w, w_star = ([mp.mpf(float(x)) for x in one[0]] for one in (group.w, group.w_star))
            dot = mp.fdot(w, w_star)
            cross = mp.fdot(w, w) * mp.fdot(w_star, w_star) - dot**2
            angle = mp.atan2(mp.sqrt(max(cross, 0)), dot)
            assert abs(float(angle - mp.mpf(float(group.theta[0])))) < 1e-15


def test_two_filters_obey_their_hypotheses():
    rng = np.random.default_rng(2)
    for d in (2, 3, 50):
        delta = rng.uniform(0.001, 1.5, 90)
        group = random_two(rng, 90, d, delta)
        for w in (group.w1, group.w2):
            theta = np.arccos(np.sum(w * group.w_star, axis=1))
            assert np.all(theta >= delta - 1e-9)
            assert np.all(theta <= np.pi - delta + 1e-9)
        falling = ordered(group, falling=True)
        cosines = [np.sum(w * group.w_star, axis=1) for w in (falling.w1, falling.w2)]
        assert np.all(cosines[1] >= cosines[0])


# --- the oracles ----------------------------------------------------------------------------------


def test_finite_differences_on_the_circle():
    # In the plane theta = |atan2(w_y, w_x)| for w* = e_x: |w| grad theta = (-sin, cos) sign(w_y).
    group = pairs(least=0.01)(np.random.default_rng(3), 1)[0]
    w = np.array([[3 * np.cos(1.0), -3 * np.sin(1.0)]])
    group = replace(group, w=w, w_star=np.array([[1.0, 0]]), theta=np.ones(1), offset=np.ones(1))
    difference = finite_differences(group).astype(float)
    np.testing.assert_allclose(difference, [[-np.sin(1.0), -np.cos(1.0)]], rtol=1e-10)


def test_clipped_integrals_without_a_clip():
    # c = infinity: (1 - cos) / (2 sqrt(2 pi)) along w^, and -sin / (2 sqrt(2 pi)) across.
    theta = np.array([0.2, 1.0, 3.0])
    along, across = integrate_clipped(theta, np.full(3, np.inf))
    size = 1 / (2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(along, size * (1 - np.cos(theta)), rtol=1e-12)
    np.testing.assert_allclose(across, -size * np.sin(theta), rtol=1e-12)


def test_estimates_of_the_loss_have_an_honest_standard_error():
    # k = 1, theta = pi/2: the loss is 1/2 with probability 1/2.
    group = sample_groups(np.random.default_rng(4), 1)[0]
    d = 3
    two = replace(group.pairs, w=np.eye(d)[:1], w_star=np.eye(d)[1:2])
    group = replace(group, pairs=two, k=1, directions=np.eye(d), n_samples=10_000)
    mean, error = estimate(loss_of_samples, group)
    assert error[0] == pytest.approx(0.25 / 100, rel=0.01)
    assert abs(mean[0] - 0.25) < 5 * error[0]
    assert THRESHOLD >= 8


@pytest.mark.parametrize("name", [n for n, kind in PENALTIES.items() if not kind.of_matrices])
def test_least_on_grids_beats_a_plain_grid_and_is_reached(name):
    rng = np.random.default_rng(5)
    penalty = PENALTIES[name].random(rng)
    x, t = rng.standard_normal(20), rng.uniform(0, 1, 20)
    found = least_on_grids(Entries(name, x[:, np.newaxis], t[:, np.newaxis], penalty))
    for i in range(20):
        u = np.concatenate([[0.0, x[i]], np.linspace(-3, 3, 20_001)])
        plain = np.min(t[i] * penalty.terms(u) + 0.5 * (u - x[i]) ** 2)
        assert plain - 1e-6 <= found[i] <= plain + 1e-6


def test_group_oracle_considers_every_set_of_groups():
    # The best of all 2^3 sets for rows of norms 1, 2, 3 at t = 2.5: keep those with |g|^2 > 5.
    x = np.diag([1.0, 2.0, 3.0])
    values = {
        mask: 2.5 * sum(mask) + 0.5 * np.sum((x - np.diag(mask) @ x) ** 2)
        for mask in product([0.0, 1.0], repeat=3)
    }
    assert min(values, key=values.get) == (0.0, 0.0, 1.0)
    claim = BY_ID["prox.group-l20"]
    matrices = replace(claim.sample(np.random.default_rng(0), 1)[0], x=x[None], t=np.array([2.5]))
    measured, least = claim.measure(claim.subject, [replace(matrices, groups="rows")])
    assert measured[0] == least[0] == values[0.0, 0.0, 1.0]


def test_normalised_rows():
    np.testing.assert_allclose(normalised(np.array([[3.0, 4.0]])), [[0.6, 0.8]])
