"""The claims on the two-layer network: they hold at many seeds, and nonsense fails them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from zeroone.claims import Kind
from zeroone.claims.claim import collect, judge
from zeroone.claims.gaussian import two_layer, two_layer_descent, two_layer_stationary
from zeroone.claims.gaussian.two_layer import (
    OURS,
    Networks,
    TwoLayer,
    integrals,
    loss_over_bits,
    networks,
    printed_loss,
    sample_values,
)
from zeroone.claims.gaussian.two_layer_descent import distance, step_bound
from zeroone.claims.gaussian.two_layer_stationary import teachers
from zeroone.gaussian.two_layer_descent import largest_step
from zeroone.gaussian.two_layer_stationary import StationaryPoint

CLAIMS = (*two_layer.CLAIMS, *two_layer_stationary.CLAIMS, *two_layer_descent.CLAIMS)
BY_ID = {claim.id: claim for claim in CLAIMS}
SEEDS = (0, 1)


def verdict(claim, seed, cases=None):
    return judge(claim, [collect(claim, seed, 0, cases or claim.cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_holds(claim_id):
    for seed in SEEDS:
        result = verdict(BY_ID[claim_id], seed)
        assert result.passed, (seed, result.reason)


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_survives_few_instances(claim_id):
    for cases in (1, 2, 7):
        evidence = collect(BY_ID[claim_id], 3, 0, cases)
        assert len(evidence.excess) >= 1
        if BY_ID[claim_id].kind is not Kind.COUNTEREXAMPLE:
            assert np.max(evidence.excess) <= BY_ID[claim_id].tolerance


# -------------------------------------------------------------------------------------- nonsense


def run_with(change):
    """Return a descent that does not descend: change(v, w) is where it ends."""

    def run(v, w, v_star, w_star, **options):
        end_v, end_w = change(np.asarray(v), np.asarray(w))
        with np.errstate(all="ignore"):
            losses = [np.atleast_1d(printed_loss(end_v, end_w, v_star, w_star))] * 2
        return SimpleNamespace(v=end_v, w=end_w, losses=np.stack(losses))

    return run


def points_with(change):
    """Return the stationary points of nobody."""

    def points(v_star, d):
        v, theta = change(v_star)
        return [StationaryPoint("minimum", theta, v, 0.0)] * 3

    return points


PAIRS = {
    "zeros": lambda v, w: (0 * v, 0 * w),
    "NaN": lambda v, w: (np.nan * v, np.nan * w),
    "its input": lambda v, w: (v, w),
}


def degenerate(claim_id, name):
    """Return a subject that computes nothing, of the form that a claim wants."""
    pair = PAIRS[name]
    number = {"zeros": 0.0, "NaN": np.nan, "its input": 1.0}[name]
    if claim_id == "two-layer.loss":
        return lambda v, w, v_star, w_star: np.full(len(v), number)
    if claim_id == "two-layer.gradient":
        return lambda v, w, v_star, w_star: pair(v, w)
    if claim_id in ("two-layer.part-a", "two-layer.expectations"):
        return TwoLayer(
            lambda v, *rest: np.full(len(v), number),
            lambda v, w, *rest: pair(v, w),
            lambda v, w, *rest: pair(v, w),
        )
    if claim_id == "two-layer.spurious-iff":
        return lambda v_star: np.array(number)
    if claim_id.startswith("two-layer.coarse") or claim_id == "two-layer.acute-angle":
        return lambda v, w, *rest: pair(v, w)
    if BY_ID[claim_id] in two_layer_stationary.CLAIMS:
        return points_with(lambda v_star: (pair(v_star, 0)[0], 0.0))
    return run_with(pair)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("claim_id", BY_ID)
def test_degenerate_subject_fails(claim_id, name):
    claim = replace(BY_ID[claim_id], subject=degenerate(claim_id, name))
    for seed in SEEDS:
        assert not verdict(claim, seed).passed


# ------------------------------------------------------------------------------------- the oracles


def group_of(seed=0, most_patches=3, **options):
    return networks(most_patches=most_patches, **options)(np.random.default_rng(seed), 30)[-1]


def test_the_sum_over_bits_of_one_patch():
    # v = v* = 1, one patch: the bits differ with probability theta/pi, and the loss is 1/2 then.
    theta = np.array([0.0, 1.0, np.pi])
    one = np.ones((3, 1))
    group = Networks(one, one, one, one, theta)
    np.testing.assert_allclose(loss_over_bits(group), theta / (2 * np.pi))


def test_the_printed_loss_is_the_sum_over_bits():
    group = group_of()
    np.testing.assert_allclose(printed_loss(*group.four), loss_over_bits(group), rtol=1e-10)


def test_integrals_without_a_clip():
    # A filter of norm 0.01 is hardly clipped.
    theta = np.array([0.3, 1.0, 2.5])
    w = 0.01 * np.column_stack([np.cos(theta), np.sin(theta)])
    group = Networks(w, w, w, np.array([[1.0, 0.0]] * 3), theta)
    root = np.sqrt(2 * np.pi)
    for derivative in ("relu", "clipped_relu"):
        free, own, taught = integrals(derivative, group)
        np.testing.assert_allclose(free, 1 / root, rtol=1e-12)
        np.testing.assert_allclose(own, 1 / root, rtol=1e-12)
        np.testing.assert_allclose(taught[:, 0], (1 + np.cos(theta)) / (2 * root), rtol=1e-12)
        np.testing.assert_allclose(taught[:, 1], np.sin(theta) / (2 * root), rtol=1e-12)
    free, own, taught = integrals("identity", group)
    np.testing.assert_allclose(free, 0, atol=1e-12)
    np.testing.assert_allclose(taught[:, 0], np.cos(theta) / root, rtol=1e-12)


def test_samples_of_teacher_and_student_alike_are_zero():
    one = np.array([[1.0, -2.0]])
    group = Networks(one, one, one, one, np.zeros(1), seed=4)
    assert not sample_values(group)[0].any()


def test_the_step_bound_is_that_of_the_package():
    for derivative in two_layer.DERIVATIVES:
        for group in networks(0.0, lowest=1)(np.random.default_rng(1), 60):
            expected = step_bound(derivative, group)
            np.testing.assert_allclose(largest_step(*group.four, derivative), expected, rtol=1e-6)


def test_teachers_are_what_they_are_asked_to_be():
    for spurious in (True, False):
        for teacher in teachers(spurious)(np.random.default_rng(2), 50):
            assert (teacher.ratio < 1 and len(teacher.v) > 1) == spurious
            assert abs(teacher.w @ teacher.across) < 1e-12
    drawn = teachers()(np.random.default_rng(3), 100)
    assert any(abs(each.v.sum()) < 1e-12 for each in drawn)
    assert any(each.ratio > 1 for each in drawn)


def test_distances_from_stationary_points():
    teacher = teachers(True)(np.random.default_rng(5), 1)[0]
    saddle = np.pi / 2 / (1 - teacher.ratio / 2)
    angles = [0.0, saddle, np.pi]
    at = SimpleNamespace(
        v=np.array([teacher.best(theta) for theta in angles]),
        w=np.array([teacher.filter(theta) for theta in angles]),
    )
    np.testing.assert_allclose(distance(at, teacher), 0, atol=1e-7)
    off = SimpleNamespace(v=at.v, w=np.roll(at.w, 1, axis=0))
    assert distance(off, teacher).min() > 0.1
    lost = SimpleNamespace(v=np.nan * at.v, w=at.w)
    assert np.isnan(distance(lost, teacher)).all()


def test_our_functions_are_the_package():
    assert OURS.loss.__module__ == "zeroone.gaussian.two_layer"
