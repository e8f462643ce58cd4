"""The claims on layers hold for any seed, and arrays of other shapes agree with nothing."""

import numpy as np
import pytest

from zeroone.claims.claim import collect, judge
from zeroone.claims.nets import compression, derivatives, no_overlap, patches, pooling
from zeroone.claims.nets.arrays import compared
from zeroone.claims.targetprop import convolutions

CLAIMS = {
    claim.id: claim
    for room in (patches, derivatives, no_overlap, pooling, compression, convolutions)
    for claim in room.CLAIMS
}
SEEDS = range(20)


def verdict(claim, seed, cases=None):
    return judge(claim, [collect(claim, seed, 0, cases or claim.cases)])


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_claim_holds(claim_id):
    for seed in SEEDS:
        result = verdict(CLAIMS[claim_id], seed, 12)
        assert result.passed, (seed, result.reason)


def test_arrays_of_another_shape_agree_with_nothing():
    ours, theirs = compared([np.zeros(2), np.ones(3)], [np.zeros(3), np.ones(3)])
    assert np.isnan(ours[:3]).all()
    assert (ours[3:] == 1).all()
    assert theirs.tolist() == [0, 0, 0, 1, 1, 1]
    ours, _ = compared([], [np.zeros((2, 2))])
    assert np.isnan(ours).all()
    assert len(ours) == 4
    ours, theirs = compared([np.zeros(2), np.ones(1)], [np.zeros(2)])
    assert np.isnan(ours).all()
    assert len(ours) == len(theirs) == 2


def test_every_kind_of_layer_is_tried():
    from zeroone.nets.network import KINDS

    rng = np.random.default_rng(0)
    drawn = derivatives.sample_passed(rng, len(derivatives.KINDS))
    # Hidden units have no derivative that differences would find.
    assert {passed.layer.kind for passed in drawn} == set(KINDS) - {"units"}


def test_pooled_instances_tie():
    drawn = pooling.sample_pooled(np.random.default_rng(0), 60)
    assert sum(len(np.unique(one.Z)) < one.Z.size for one in drawn) > 30
    assert any(np.isin(one.Z, one.units.thresholds).any() for one in drawn)


def test_compressed_instances_lose_filters_in_every_way():
    drawn = compression.sample_sparse(np.random.default_rng(0), 60)
    lost = [one.network.n_parameters - one.network.compress().n_parameters for one in drawn]
    assert min(lost) >= 0
    assert sum(n > 0 for n in lost) > 40
