"""Hypotheses, bounds and limits of RVSCGD against hand-made numbers and high precision."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.gaussian import limits, rvscgd, theory
from zeroone.penalties import L0, L1, MCP, SCAD, GroupL20, Penalty, TransformedL1

C = 20 / (2 * np.pi)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


# --- hypotheses -------------------------------------------------------------------------------


def test_bounds_of_theorem_1():
    np.testing.assert_allclose(theory.largest_beta(np.pi / 6, 20), C / 2)
    np.testing.assert_allclose(theory.largest_lam(20, 4), C / 2)
    np.testing.assert_allclose(theory.largest_eta(1.0, 20), 1 / (1 + C))
    np.testing.assert_allclose(theory.largest_eta(1.0, 20, lipschitz=5.0), 1 / 6)
    np.testing.assert_allclose(theory.smallest_delta([C / 2, C], 20), [np.pi / 6, np.pi / 2])
    assert np.isnan(theory.smallest_delta(1.01 * C, 20))


def test_hypotheses_say_which_hold_and_by_how_much():
    w_star = np.array([1.0, 0.0, 0.0, 0.0])
    w0 = [[-1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 0.0, 0.1]]
    start, beta, lam, eta = theory.hypotheses(
        w0, w_star, k=20, lam=[[1.0], [2.0]], beta=1.0, eta=0.24, delta=np.pi / 6
    )
    assert [each.name for each in (start, beta, lam, eta)] == ["w0", "beta", "lam", "eta"]
    assert all(each.slack.shape == (2, 2) for each in (start, beta, lam, eta))
    np.testing.assert_allclose(start.slack[0], [np.pi / 12, np.arctan(0.1) - np.pi / 6])
    np.testing.assert_array_equal(start.holds, [[True, False]] * 2)
    np.testing.assert_allclose(beta.slack, C / 2 - 1)
    np.testing.assert_allclose(lam.slack, [[C / 2 - 1] * 2, [C / 2 - 2] * 2])
    np.testing.assert_array_equal(lam.holds, [[True, True], [False, False]])
    np.testing.assert_allclose(eta.slack, 1 / (1 + C) - 0.24)
    assert not eta.holds.any()


def test_equality_is_allowed_except_for_lam():
    w_star = np.array([1.0, 0.0, 0.0, 0.0])
    parameters = {"k": 20, "lam": theory.largest_lam(20, 4), "beta": theory.largest_beta(0.5, 20)}
    eta = theory.largest_eta(parameters["beta"], 20)
    held = theory.hypotheses(w_star, w_star, eta=eta, delta=0.5, **parameters)
    assert [bool(each.holds) for each in held] == [True, True, False, True]


def test_delta_is_by_default_the_one_that_says_most():
    w_star = np.array([1.0, 0.0])
    start, beta, *_ = theory.hypotheses(
        w_star, w_star, k=20, lam=0.0, beta=[C / 2, 2 * C], eta=0.01
    )
    np.testing.assert_allclose(start.bound, [np.pi * 5 / 6, np.pi / 2])
    np.testing.assert_allclose(beta.slack, [0, -C], atol=1e-14)


GOOD = {"w0": [1.0, 1.0], "w_star": [1.0, 0.0], "k": 20, "lam": 0.1, "beta": 0.5, "eta": 0.1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("w0", [0.0, 0.0]),
        ("w_star", [2.0, 0.0]),
        ("k", 0),
        ("k", 0.5),
        ("lam", -1),
        ("beta", 0),
        ("eta", np.nan),
        ("delta", 0.0),
        ("delta", 1.6),
        ("lipschitz", 3.0),
        ("lipschitz", np.inf),
        ("beta", [0.1, 0.2, 0.3]),
        ("w_star", [1.0, 0.0, 0.0]),
    ],
)
def test_bad_arguments_of_hypotheses_are_named(name, value):
    settings_ = {**GOOD, "lam": [0.1, 0.2], name: value}
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        theory.hypotheses(**settings_)


def test_bad_arguments_of_bounds_are_named():
    with pytest.raises(ValueError, match="delta"):
        theory.largest_beta(2.0, 20)
    with pytest.raises(ValueError, match="d must"):
        theory.largest_lam(20, 0)
    with pytest.raises(ValueError, match="k must"):
        theory.smallest_delta(0.1, -3)
    with pytest.raises(ValueError, match="beta must"):
        theory.largest_eta(-0.1, 20)


# --- first order ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(2, 9),
    exponent=st.integers(-12, 0),
    obtuse=st.booleans(),
)
def test_margin_is_right_to_the_last_digits_at_every_angle(seed, d, exponent, obtuse):
    rng = np.random.default_rng(seed)
    w_star = unit(rng.standard_normal(d))
    across = unit(rng.standard_normal(d))
    w = unit((-w_star if obtuse else w_star) + 10.0**exponent * across)
    u = rng.standard_normal(d)
    found = theory.angle_descent_margin(u, w, w_star, k=20, beta=0.7)
    with mp.workdps(50):
        a, b, z = (mp.matrix(x.tolist()) for x in (w, w_star, u))
        a, b = a / mp.norm(a), b / mp.norm(b)
        cosine, uw, us = (mp.fdot(x, y) for x, y in ((a, b), (z, a), (z, b)))
        exact = 20 / (2 * mp.pi) * (1 - cosine**2) - mp.mpf(0.7) * (uw * cosine - us)
    # Beside the size of P w* a rounding of w counts.
    size = np.linalg.norm(w - w_star * np.sign(w @ w_star))
    assert abs(float(exact) - found) <= 1e-14 * size + 1e-15


def test_margin_of_batches():
    rng = np.random.default_rng(0)
    u, w, w_star = rng.standard_normal((3, 1, 4)), rng.standard_normal((2, 4)), np.eye(4)[0]
    both = theory.angle_descent_margin(u, w, w_star, k=[1, 20], beta=[[0.1], [0.2], [0.3]])
    assert both.shape == (3, 2)
    one = theory.angle_descent_margin(u[2, 0], 5 * w[1], w_star, k=20, beta=0.3)
    np.testing.assert_allclose(both[2, 1], one)
    with pytest.raises(ValueError, match="u must"):
        theory.angle_descent_margin(np.ones(3), w, w_star, k=20, beta=0.1)


def test_equality_in_the_first_order_condition_does_not_make_the_angle_fall():
    # l0 keeps the first entry of w. Its pull along the sphere, in direction t, and that of w*, in
    # direction n, add up to something orthogonal to n if beta is chosen so.
    w = unit(np.array([1.1, 1.0, 0.0]))
    u = np.array([w[0], 0.0, 0.0])
    t = unit(u - (u @ w) * w)
    n = -0.5 * t + np.sqrt(0.75) * np.array([0.0, 0.0, 1.0])
    theta = 0.3
    w_star = np.cos(theta) * w + np.sin(theta) * n
    beta = C * np.sin(theta) / (0.5 * np.linalg.norm(u - (u @ w) * w))
    assert abs(theory.angle_descent_margin(u, w, w_star, k=20, beta=beta)) < 1e-14
    for eta in (1e-3, 1e-2, 1e-1):
        result = rvscgd.run(
            w, w_star, k=20, penalty="l0", lam=beta / 4, beta=beta, eta=eta, n_iter=1
        )
        np.testing.assert_allclose(result.u, u, atol=1e-15)
        assert result.angle > theta + 0.1 * eta**2


# --- the limit of l1 --------------------------------------------------------------------------


def exact_limit(w_star, k, lam, beta, digits=60):
    """Return w and C of the limit of l1 by bisection in high precision."""
    with mp.workdps(digits):
        teacher = mp.matrix(w_star.tolist())
        teacher /= mp.norm(teacher)
        lam, beta = mp.mpf(lam), mp.mpf(beta)
        s = [k / (2 * mp.pi) * abs(x) for x in teacher]

        def entry(x, C):
            return x / C if x <= C * lam / beta else (x - lam) / (C - beta)

        low, high = beta, beta + mp.norm(mp.matrix(s)) + 1
        for _ in range(int(3.5 * digits)):
            middle = (low + high) / 2
            if mp.norm(mp.matrix([entry(x, middle) for x in s])) > 1:
                low = middle
            else:
                high = middle
        w = [float(mp.sign(x) * entry(y, high)) for x, y in zip(teacher, s, strict=True)]
        return np.array(w), float(high)


@pytest.mark.parametrize("d", [1, 2, 7, 40])
@pytest.mark.parametrize(
    ("lam", "beta"),
    [(0.0, 1.0), (1e-12, 1e-9), (0.05, 0.4), (0.3, 3.1), (0.01, C), (0.1, 50.0), (2.0, 1.0)],
)
def test_l1_limit_in_high_precision(d, lam, beta):
    rng = np.random.default_rng(d)
    w_star = unit(rng.standard_normal(d) * (rng.random(d) < 0.6) + 1e-3 * np.eye(d)[0])
    if beta >= C and lam >= C * np.max(np.abs(w_star)):
        pytest.skip("no limit with C > beta")
    w, multiplier = exact_limit(w_star, 20, lam, beta)
    limit = limits.l1_limit(w_star, k=20, lam=lam, beta=beta)
    np.testing.assert_allclose(limit.w, w, atol=1e-14)
    np.testing.assert_allclose(limit.multiplier, multiplier, rtol=1e-14)
    assert limit.u.shape == (d,)
    assert limit.angle.shape == ()


def test_l1_limit_without_penalty_and_with_too_much():
    w_star = unit(np.array([3.0, 0.0, -4.0]))
    free = limits.l1_limit(w_star, k=20, lam=0.0, beta=0.5)
    np.testing.assert_allclose(free.u, w_star, atol=1e-15)
    np.testing.assert_allclose(free.multiplier, C + 0.5)
    full = limits.l1_limit(w_star, k=20, lam=0.5, beta=0.5)
    np.testing.assert_array_equal(full.u, 0)
    np.testing.assert_allclose(full.w, w_star, atol=1e-15)
    np.testing.assert_allclose(full.multiplier, C)
    assert full.angle < 1e-15


def test_l1_limit_at_a_tie():
    # s_i = C lam / beta exactly for both entries that are not 0: u = 0 is the limit.
    w_star = np.array([0.6, 0.8])
    limit = limits.l1_limit(w_star, k=20, lam=0.8 * 0.5, beta=0.5)
    np.testing.assert_allclose(limit.u, 0, atol=1e-15)


def test_l1_limit_of_batches_and_large_d():
    rng = np.random.default_rng(1)
    w_star = unit(rng.standard_normal((3, 10_000)))
    lam = np.array([[0.001], [0.01]])
    limit = limits.l1_limit(w_star, k=[1, 20, 100], lam=lam, beta=0.1)
    assert limit.w.shape == (2, 3, 10_000)
    for i in range(2):
        for j, k in enumerate((1, 20, 100)):
            one = limits.l1_limit(w_star[j], k=k, lam=lam[i, 0], beta=0.1)
            np.testing.assert_allclose(limit.w[i, j], one.w, atol=1e-15)
    balance = limits.balance(limit.u, limit.w, w_star, k=[1, 20, 100], beta=0.1)
    assert np.max(balance.residual) < 1e-14
    np.testing.assert_allclose(balance.multiplier, limit.multiplier, rtol=1e-13)


def test_no_l1_limit_beyond_both_bounds():
    with pytest.raises(ValueError, match="beta must be < k"):
        limits.l1_limit([0.6, 0.8], k=20, lam=0.9 * C, beta=C)
    assert limits.l1_limit([0.6, 0.8], k=20, lam=0.7 * C, beta=2 * C).multiplier > 2 * C


def test_admm_and_rvscgd_agree_as_beta_grows():
    w_star = unit(np.array([5.0, 2.0, 1.0, 0.0]))
    shrunk = unit(np.maximum(C * w_star - 1.0, 0))
    errors = [
        np.max(np.abs(limits.l1_limit(w_star, k=20, lam=1.0, beta=beta).w - shrunk))
        for beta in (10, 100, 1000, 10_000)
    ]
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-3


# --- balance, error bounds, supports ----------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l1", "l0", "tl1"])
def test_balance_vanishes_at_the_end_of_runs_only(penalty):
    rng = np.random.default_rng(2)
    w_star = unit(rng.standard_normal(20) * (np.arange(20) < 8))
    settings_ = {"k": 20, "penalty": penalty, "lam": 0.02, "beta": 0.6, "eta": 0.2}
    early, late = (
        rvscgd.run(rng.standard_normal((5, 20)), w_star, n_iter=n, **settings_) for n in (3, 400)
    )
    residual, multiplier = limits.balance(late.u, late.w, w_star, k=20, beta=0.6)
    assert np.max(residual) < 1e-13
    assert np.all(multiplier > 0.6)
    assert np.min(limits.balance(early.u, early.w, w_star, k=20, beta=0.6).residual) > 1e-6


def test_sine_bounds():
    bound = limits.sine_bound
    settings_ = {"k": 20, "lam": 1e-4, "beta": 0.5}
    np.testing.assert_allclose(bound("l1", 9, **settings_), 3e-4 / C)
    np.testing.assert_allclose(bound("tl1", 9, **settings_), 6e-4 / C)
    np.testing.assert_allclose(
        bound(TransformedL1([[0.5], [2.0]]), 9, **{**settings_, "lam": [1e-4] * 2}),
        [9e-4 / C, 4.5e-4 / C],
    )
    np.testing.assert_allclose(bound("l0", 9, **settings_), 0.03 / C)
    np.testing.assert_allclose(bound(GroupL20(), 9, n_groups=4, **settings_), 0.02 / C)
    for penalty in (L1(), L0(), TransformedL1(3.0)):
        loose = bound(penalty, 9, k=[20, 40], lam=10.0, beta=0.5)
        np.testing.assert_allclose(loose, [0.25 / C, 0.125 / C])


class Soft(Penalty):
    """l1 once more, of which the theory knows the map alone."""

    def terms(self, u):
        return np.abs(u)

    def prox_map(self, x, t):
        return np.sign(x) * np.maximum(np.abs(x) - t, 0)


class Firm(Soft):
    """MCP with gamma = 0.4 as Gao and Bruce's firm threshold, for levels below gamma."""

    def terms(self, u):
        return np.where(np.abs(u) < 0.4, np.abs(u) - u**2 / 0.8, 0.2)

    def prox_map(self, x, t):
        shrunk = np.sign(x) * np.maximum(np.abs(x) - t, 0) / (1 - t / 0.4)
        return np.where(np.abs(x) > 0.4, x, shrunk)


def test_any_penalty_has_a_sine_bound():
    parameters = {"k": 20, "lam": [1e-3, 1e-2], "beta": 0.5}
    found = limits.sine_bound(Soft(), 9, **parameters)
    exact = limits.sine_bound("l1", 9, **parameters)
    assert np.all((exact <= found) & (found <= exact + 9**0.5 * 2e-3 * 0.5 / C))
    for penalty in (MCP(0.4), SCAD(3.0, 0.2)):
        np.testing.assert_allclose(limits.sine_bound(penalty, 9, **parameters), exact)


def test_support_prediction_does_not_take_other_penalties_for_l0():
    # l0 takes entries up to sqrt(2 t) to 0, the maps below only those up to t = 0.1.
    w_star = np.array([0.3, 0.6, np.sqrt(1 - 0.09 - 0.36)])
    parameters = {"k": 20, "lam": 0.05, "beta": 0.5}
    assert limits.support_prediction(w_star, penalty="l0", **parameters) == 0
    for penalty in (Soft(), Firm(), MCP(0.4), SCAD()):
        assert limits.support_prediction(w_star, penalty=penalty, **parameters) == 1
        end = rvscgd.run(
            -np.ones(3) + 2 * w_star, w_star, penalty=penalty, eta=0.2, n_iter=500, **parameters
        )
        assert end.support_recovered


@pytest.mark.parametrize(
    "penalty", [MCP(0.1), MCP(0.4), MCP(3.0), SCAD(), SCAD(2.0, 0.02), SCAD(10.0, 0.3), Firm()]
)
def test_predicted_supports_are_those_of_long_runs(penalty):
    rng = np.random.default_rng(7)
    w_star = unit(rng.standard_normal((400, 6)) * (rng.random((400, 6)) < 0.6) + 1e-3)
    lam = rng.uniform(0.01, 0.3, 400) * 0.6
    parameters = {"k": 20, "penalty": penalty, "lam": lam, "beta": 0.6}
    predicted = limits.support_prediction(w_star, **parameters)
    known = ~np.isnan(predicted)
    assert {0.0, 1.0} <= set(predicted[known])
    end = rvscgd.run(rng.standard_normal((400, 6)), w_star, eta=0.25, n_iter=2000, **parameters)
    settled = limits.balance(end.u, end.w, w_star, k=20, beta=0.6).residual < 1e-9
    assert settled.mean() > 0.95
    np.testing.assert_array_equal(
        end.support_recovered[known & settled], predicted[known & settled] == 1
    )


def test_bad_arguments_of_bounds_on_limits_are_named():
    settings_ = {"k": 20, "lam": 1e-4, "beta": 0.5}
    with pytest.raises(ValueError, match="penalty"):
        limits.sine_bound("l5", 9, **settings_)
    with pytest.raises(ValueError, match="penalty"):
        limits.sine_bound(None, 9, **settings_)
    with pytest.raises(ValueError, match="n_groups"):
        limits.sine_bound("l20", 9, **settings_)
    with pytest.raises(ValueError, match="d must"):
        limits.sine_bound("l1", 0, **settings_)
    with pytest.raises(ValueError, match="beta must be <"):
        limits.support_prediction([1.0, 0.0], penalty="l0", k=20, lam=0.1, beta=C)
    with pytest.raises(ValueError, match="penalty"):
        limits.support_prediction([1.0, 0.0], penalty="l20", **settings_)
    with pytest.raises(ValueError, match="w_star"):
        limits.balance([1.0, 0.0], [1.0, 0.0], [2.0, 0.0], k=20, beta=0.1)


def test_group_limits_obey_the_sine_bound():
    rng = np.random.default_rng(3)
    w_star = unit(rng.standard_normal((40, 12)))
    lam = rng.uniform(0.001, 0.1, 40)
    result = rvscgd.run(
        rng.standard_normal((40, 12)),
        w_star,
        k=20,
        penalty="l20",
        filter_shape=(4, 3),
        lam=lam,
        beta=1.0,
        eta=0.2,
        n_iter=300,
    )
    bound = limits.sine_bound("l20", 12, n_groups=4, k=20, lam=lam, beta=1.0)
    assert np.all(np.sin(result.angle) <= bound + 1e-12)
    assert np.max(np.sin(result.angle) / bound) > 0.3


def test_support_prediction_of_hand_made_teachers():
    w_star = np.array([0.6, 0.8, 0.0])
    ratio = 0.5 / C
    # l0: the threshold sqrt(2 lam / beta) is put at 0.6, and 0.6 over 1 + ratio, plus and minus.
    tau = np.array([0.61, 0.6, 0.59, 0.6 / (1 + ratio) * 1.001, 0.6 / (1 + ratio) * 0.999])
    found = limits.support_prediction(w_star, k=20, penalty="l0", lam=0.5 * tau**2 / 2, beta=0.5)
    np.testing.assert_array_equal(found, [0, 0, np.nan, np.nan, 1])
    # l1: lam = beta t, and exact.
    for t in (0.5, 0.55, 0.6, 0.65):
        found = limits.support_prediction(w_star, k=20, penalty="l1", lam=0.5 * t, beta=0.5)
        limit = limits.l1_limit(w_star, k=20, lam=0.5 * t, beta=0.5)
        assert found == float(np.array_equal(limit.u != 0, w_star != 0))
    # Transformed l1 with array a, one for each run.
    a = np.array([[0.1], [10.0]])
    found = limits.support_prediction(
        [w_star] * 2, k=20, penalty=TransformedL1(a), lam=1e-3, beta=0.5
    )
    np.testing.assert_array_equal(found, [1, 1])
    assert np.isnan(
        limits.support_prediction([0.6, 0.8], k=20, penalty="tl1", lam=0.5 * 0.3, beta=0.5)
    )


def test_smallest_delta_allows_its_beta():
    beta = np.exp(np.random.default_rng(0).uniform(-12, 0, 20_000)) * 20 / (2 * np.pi)
    delta = theory.smallest_delta(beta, 20)
    assert np.all(theory.largest_beta(delta, 20) >= beta)
    np.testing.assert_allclose(np.sin(delta) * 20 / (2 * np.pi), beta, rtol=1e-14)
